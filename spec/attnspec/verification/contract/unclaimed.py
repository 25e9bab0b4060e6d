"""Findings about inputs that are not claimed. They never change a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from attnspec.thresholds import UNDECIDABLE
from attnspec.verification.candidate import answer_form
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import LAYOUT_WORDS
from attnspec.verification.judge.findings import Judged
from attnspec.verification.judge.judge import Judge


def beyond_one_batch_axis(candidate: Candidate, judge: Judge, judged: Judged) -> Iterator[str]:
    """Report wrong answers with two batch axes, if one is claimed and two are not. An error is not reported."""
    question = candidate.question
    for case in candidate.cases_with_unclaimed_axes():
        axes = "with 2 batch axes, which are not claimed,"
        axes += " exchanged in memory," if case.layout != "contiguous" else ""
        outcome, answers = candidate.call(case)
        wrong = ""
        if outcome.status not in ("ok", "raised"):
            wrong = answer_form.describe_status(outcome)
        elif outcome.status == "ok" and answers is None:
            wrong = answer_form.fault(outcome, case, question.equation, question.dtype, told=question.told_dtype)
        elif answers is not None and not judge.holds(Observation(case, answers), judged.policy, judged.form):
            wrong = "it gives other values"
        if wrong:
            yield f"{axes} {wrong}"
            return


def refused_memory(candidate: Candidate) -> Iterator[str]:
    """Report memory that a candidate refuses, and that software may refuse."""
    for case, outcome in answer_form.refused(candidate.calls)[:1]:
        yield f"on {LAYOUT_WORDS[case.layout]} {answer_form.describe_status(outcome)}"


def surrounded_by_numbers(candidate: Candidate) -> str:
    """Report that a wrong read of what is around inputs would show less clearly, as the framework itself reads it."""
    if not any(outcome.reads_beyond for _, outcome in candidate.calls):
        return ""
    framework, dtype = candidate.question.framework, candidate.question.dtype
    return (
        f"products of {framework} in {dtype} read beyond slices on this processor "
        "(https://github.com/uxlfoundation/oneDNN/issues/5717), so large numbers, not NaN, were around inputs"
    )


def beyond_decidable_rounding(judge: Judge, judged: Judged) -> Iterator[str]:
    """Report far values for finite inputs where the format can represent the value but rounding may lose it.

    They are NaN or infinite, or wrong under the tightest policy where an intermediate may overflow under another one.
    """
    tightest, count, example = judge.presets[0], 0, ""
    for comparison in judged.compared:
        noise, answer = comparison.noise, comparison.answer
        representable = noise.undecidable & (np.abs(noise.value) < judged.policy.storage.largest)
        if not (comparison.case.finite and representable.any()):
            continue
        lost = representable & ~np.isfinite(answer)
        if judged.policy != tightest:
            tight = judge.noise(comparison.case, tightest, judged.form)[comparison.output]
            lost |= representable & (noise.sigma**2 >= UNDECIDABLE) & (replace(comparison, noise=tight).ratio > 1)
        if lost.any():
            count += int(lost.sum())
            example = example or f"{answer[lost][0]:.4g} for {noise.value[lost][0]:.4g}"
    if count:
        elements = "element is" if count == 1 else "elements are"
        yield (
            f"{count} {elements} far off for finite inputs, such as {example}: rounding under {judged.policy} may "
            "overflow there"
        )


def beyond_finite_inputs(candidate: Candidate, judge: Judge, judged: Judged) -> Iterator[str]:
    """Report what goes wrong with NaN and infinity at masked positions, if only finite inputs are claimed."""
    for case in candidate.hidden_cases():
        outcome, answers = candidate.call(case)
        if answers is None:
            yield f"with NaN at masked places {answer_form.describe_status(outcome)}"
        elif not judge.holds(Observation(case, answers), judged.policy, judged.form):
            yield "NaN or infinity at masked places shows elsewhere; only finite inputs are claimed"
