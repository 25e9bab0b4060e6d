"""Answers judged as the equation, or else as one of its equal forms."""

from __future__ import annotations

from collections.abc import Sequence

from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.rounding.policy import Policy
from attnspec.thresholds import SITE_CASES
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.judge.findings import Judged
from attnspec.verification.judge.judge import Judge


def judge_with_forms(
    judge: Judge,
    observations: Sequence[Observation],
    policy: Policy | None,
    faint: Sequence[Mutant] = (),
    directions: bool = False,
) -> Judged:
    """Judged as the equation, else as one of its forms, under one policy throughout, or one not to be told from it.

    A form must explain the worst cases to be tried on all. Where the policy was inferred, an error that no element
    shows but that lies along a direction may have loosened it: then only a rounded constant is an explanation, and
    of an error in some slices none is.
    """
    under = policy or judge.infer(observations)
    first = judge.judge(observations, under, faint, directions=directions)
    if first.right:
        return first
    kinds = {finding.kind for finding in first.findings}
    leaning = judge.inferred and kinds <= {"direction", "part", "mutant"}
    forms = [] if leaning and kinds == {"part"} else judge.forms
    worst = _worst_cases(first, observations, SITE_CASES)
    probes = [*([each] for each in sorted(worst, key=lambda each: each.case.elements)), worst]
    throughout = [under] if policy else judge.alike(observations, judge.infer(observations, paths=False))
    for form in forms:
        if leaning and (form.constants is None or form.products):
            continue
        for alike in throughout:
            if form.products and alike.intermediates is not alike.storage:
                continue  # who keeps nothing in storage between operations keeps no products there
            if all(judge.judge(few, alike, form=form, directions=False).right for few in probes):
                judged = judge.judge(observations, alike, faint, form, directions)
                if judged.right:
                    return judged
    return first


def _worst_cases(judged: Judged, observations: Sequence[Observation], count: int) -> list[Observation]:
    """The cases with the largest error."""
    by_error = sorted((each for each in judged.compared if each.ratio.size), key=lambda each: -float(each.ratio.max()))
    shown = [id(finding.at.case) for finding in judged.findings if finding.at is not None]
    cases = list(dict.fromkeys([*shown, *(id(each.case) for each in by_error)]))[: count + len(shown)]
    return [each for each in observations if id(each.case) in cases]
