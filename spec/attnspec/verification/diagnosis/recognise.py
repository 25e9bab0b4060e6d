"""Recognise a mistake: the mutant whose values the candidate gives."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np

from attnspec.interpreters.formula.formula import text
from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.equation import Equation
from attnspec.language.tree import Definition
from attnspec.thresholds import ALIKE_FACTOR, ALIKE_STEP, CONTROLS, EXPLAINED_CASES, FAR, SHORTLIST, TRIED_CASES
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.judge.forms import Form
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import fits, mutant_values
from attnspec.verification.judge.mutation_score import shows
from attnspec.verification.judge.residuals import Compared, compare
from attnspec.verification.judge.statistics import largest, whole
from attnspec.verification.verdict import Diagnosis


def recognise(
    judge: Judge, observations: Sequence[Observation], mutants: Sequence[Mutant], policy: Policy, always: bool = False
) -> Diagnosis | None:
    """The mutant that explains the failing cases within its own noise; None if none does.

    Args:
        always: whether a mutant that would have shown in a right case is ruled out; otherwise the mistake may be
            made in the failing cases alone.
    """
    failing = sorted(judge.failing(observations, policy), key=lambda each: -_telling(each))

    def asked(mutant: Mutant) -> list[Observation]:
        return list(islice((each for each in failing if fits(mutant, each.case)), TRIED_CASES))

    first = [(_distance(judge, asked(mutant)[:2], mutant, policy), place) for place, mutant in enumerate(mutants)]
    near = [mutants[place] for distance, place in sorted(first) if np.isfinite(distance)][: 3 * SHORTLIST]
    second = [(_distance(judge, asked(mutant), mutant, policy), place) for place, mutant in enumerate(near)]
    short = [near[place] for distance, place in sorted(second) if np.isfinite(distance)][:SHORTLIST]
    fitting = []
    for mutant in short:
        share, rms = _explained(judge, asked(mutant), mutant, policy)
        if share >= EXPLAINED_CASES:
            fitting.append((share, rms, mutant))
    if not fitting:
        return None
    most = max(share for share, _, _ in fitting)
    best = min(rms for share, rms, _ in fitting if share == most)
    alike = [
        mutant for share, rms, mutant in fitting if share == most and rms <= max(ALIKE_FACTOR * best, best + ALIKE_STEP)
    ]
    order = {mutant.id: place for place, mutant in enumerate(mutants)}
    alike.sort(key=lambda mutant: (not all(fits(mutant, each.case) for each in failing), order[mutant.id]))
    if len(alike) > 1 or always:
        alike = _unrefuted(judge, observations, alike, policy) or ([] if always else alike)
    if not alike:
        return None
    besides = "" if most == 1 else f" (and in {1 - most:.0%} of the cases that fail something else besides)"
    return Diagnosis(alike[0].id, alike[0].says + besides, tuple(mutant.says for mutant in alike[1:]))


def _unrefuted(judge: Judge, observations: Sequence[Observation], alike: list[Mutant], policy: Policy) -> list[Mutant]:
    """Those mutants that would not have shown in right cases."""
    right = [each for each in observations if judge.holds(each, policy)][:CONTROLS]
    return [m for m in alike if not any(shows(m, judge.compared([each], policy), judge.dtype) for each in right)]


def _explained(judge: Judge, asked: Sequence[Observation], mutant: Mutant, policy: Policy) -> tuple[float, float]:
    """The share of failing cases that a mutant explains, and the root mean square of error/σ in these."""
    if mutant.in_storage and not all(np.isfinite(answer).all() for each in asked for answer in each.answers):
        return (sum(_overflows_alike(judge, each, mutant) for each in asked) / max(len(asked), 1), 0.0)
    total, right = 0.0, 0
    for each in asked:
        under = _under(judge, [each], mutant, policy)
        rms, _ = whole(under)
        if under and largest(under) <= 1:
            total, right = total + rms, right + 1
    return (right / len(asked), total / max(right, 1)) if asked else (0.0, 0.0)


def _overflows_alike(judge: Judge, observation: Observation, mutant: Mutant) -> bool:
    """Whether NaN and infinity are where a mutant has them that only overflow makes wrong."""
    answers = observation.answers
    if all(np.isfinite(answer).all() for answer in answers):
        return False
    for form in ("float32", "float16") if judge.dtype == "float16" else ("float32",):
        wrong = mutant_values(mutant, observation.case, judge.dtype, form)
        pairs = zip(answers, wrong or (), strict=False)
        if wrong is not None and all(np.array_equal(np.isfinite(a), np.isfinite(w)) for a, w in pairs):
            return True
    return False


def _telling(observation: Observation) -> float:
    """How informative a case is: most if it has ordinary values and a middling size."""
    described = observation.case.description
    size = sum(answer.size for answer in observation.answers)
    return (1 if described is not None and described.regime == "ordinary" else 0) + min(size, 60) / 100


def _distance(judge: Judge, observations: Sequence[Observation], mutant: Mutant, policy: Policy) -> float:
    """The distance of the answers from a mutant's values, in σ of the equation; infinite if the mutant cannot run."""
    total, count = 0.0, 0
    for observation in observations:
        wrong = mutant_values(mutant, observation.case, judge.dtype)
        if wrong is None:
            continue
        for answer, value, noise in zip(observation.answers, wrong, judge.noise(observation.case, policy), strict=True):
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                same = (answer == value) | (np.isnan(answer) & np.isnan(value))
                z = np.where(same, 0.0, np.abs(answer - value) / np.where(noise.sigma > 0, noise.sigma, 1e-300))
            z = np.where(np.isnan(z), FAR, np.minimum(z, FAR))
            total, count = total + float(np.log1p(z).sum()), count + z.size
    return total / count if count else float("inf")


def _under(judge: Judge, observations: Sequence[Observation], mutant: Mutant, policy: Policy) -> list[Compared]:
    """The answers with the noise of a mutant, as if it were the equation."""
    found = []
    for observation in observations:
        if mutant_values(mutant, observation.case, judge.dtype) is not None:
            tree = mutant.definition
            noises = judge.noise_of_wrong(observation.case, policy, tree, mutant.id)
            found += compare(observation, noises)
    return found


def left(worst: Compared, bits: float) -> str:
    """Say how many bits a form leaves, and in which recorded case or on which kind of drawn values."""
    described = worst.case.description
    where = f"on values of the kind {described.regime!r} ({described})" if described else f"in {worst.case.origin}"
    return f"{bits:.0f} significant bit{' is' if round(bits) == 1 else 's are'} left {where}"


def mend_form(equation: Equation[..., Any], form: Form) -> str:
    """The lines of the formula that a form rewrites, and the claim that accepts its loss."""
    theirs = _lines(form.definition or form.other or equation.definition)
    own = [line for line in _lines(equation.definition) if line not in theirs]
    claim = f"claim it, if it may lose so much: --claim form={','.join(form.names)}"
    return "\n".join([*own, f"or {claim}"] if own else [claim])


def _lines(definition: Definition) -> list[str]:
    """The lines of a formula without their comments."""
    return [line.strip().partition("    ")[0] for line in text(definition).splitlines()]
