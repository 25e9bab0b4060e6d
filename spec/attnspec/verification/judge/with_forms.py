"""Answers judged as the equation, or as one of its forms if that fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.rounding.policy import Policy
from attnspec.thresholds import BITS_ALIKE, SITE_CASES
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.judge import statistics
from attnspec.verification.judge.findings import Judged
from attnspec.verification.judge.forms import Form, matched
from attnspec.verification.judge.judge import Judge


def judge_with_forms(
    judge: Judge,
    observations: Sequence[Observation],
    policy: Policy | None,
    faint: Sequence[Mutant] = (),
    directions: bool = False,
) -> Judged:
    """Judge answers as the equation, or as one of its forms if that fails.

    Args:
        policy: the declared one; None: it is inferred.
        faint: mutants too close to the equation to show in an element.
        directions: whether generic directions are tried too.
    """
    under = policy or judge.infer(observations)
    first = judge.judge(observations, under, faint, directions=directions)
    if first.right:
        return first
    policies = [under] if policy else judge.alike(observations, judge.infer(observations, paths=False))
    return _by_form(judge, observations, first, policies, faint, directions) or first


def _by_form(
    judge: Judge,
    observations: Sequence[Observation],
    first: Judged,
    policies: Sequence[Policy],
    faint: Sequence[Mutant],
    directions: bool,
) -> Judged | None:
    """Judge answers as one of the forms, under one policy or one that the answers cannot tell from it.

    A form must explain the worst cases before it is tried on all. An error along a direction that no element shows may
    have loosened an inferred policy: then only a rounded constant explains it, and nothing explains an error in some
    slices. If no form is right, a form that explains all answers but loses digits is preferred to the equation; under
    another policy than the inferred one it must explain the failing elements, not leave them undecidable.

    Args:
        first: the same, judged as the equation.
    """
    kinds = {finding.kind for finding in first.findings}
    leaning = judge.inferred and kinds <= {"direction", "part", "mutant"}
    worst = _worst_cases(first, observations, SITE_CASES)
    probes = [*([each] for each in sorted(worst, key=lambda each: each.case.elements)), worst]
    lossy: list[tuple[float, Form, Policy]] = []
    for form in [] if leaning and kinds == {"part"} else judge.forms:
        if leaning and (form.constants is None or form.products):
            continue
        for policy in policies:
            if form.products and policy.intermediates is not policy.storage:
                continue  # software that keeps nothing in storage between operations keeps no products there
            tried = list(_tried(judge, probes, policy, form))
            if not tried[-1].equal:
                continue
            if all(each.right for each in tried):
                judged = judge.judge(observations, policy, faint, form, directions)
                if judged.right:
                    return judged
            lossy.append((statistics.surprise(tried[-1].compared), form, policy))
    for form, policy in _likeliest(lossy):
        judged = judge.judge(observations, policy, faint, form, directions)
        if judged.equal and (policy == first.policy or matched(first.compared, judged.compared)):
            return judged
    return None


def _tried(judge: Judge, probes: Sequence[Sequence[Observation]], policy: Policy, form: Form) -> Iterator[Judged]:
    """Try a form on one set of cases after the other, up to the first that it does not explain."""
    for few in probes:
        judged = judge.judge(few, policy, form=form, directions=False)
        yield judged
        if not judged.equal:
            return


def _likeliest(tried: Sequence[tuple[float, Form, Policy]]) -> Iterator[tuple[Form, Policy]]:
    """Forms in the order of the likelihood of the errors; those that are about equally likely keep their order."""
    least = min((surprise for surprise, *_ in tried), default=0.0)
    for _, form, policy in sorted(tried, key=lambda each: max(each[0], least + BITS_ALIKE)):
        yield form, policy


def _worst_cases(judged: Judged, observations: Sequence[Observation], count: int) -> list[Observation]:
    """The cases with the largest error."""
    by_error = sorted((each for each in judged.compared if each.ratio.size), key=lambda each: -float(each.ratio.max()))
    shown = [id(finding.at.case) for finding in judged.findings if finding.at is not None]
    cases = list(dict.fromkeys([*shown, *(id(each.case) for each in by_error)]))[: count + len(shown)]
    return [each for each in observations if id(each.case) in cases]
