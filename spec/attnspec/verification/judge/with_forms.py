"""Judging answers by the equation as written, or else by one of its forms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.rounding.policy import Policy
from attnspec.thresholds import BITS_ALIKE, SITE_CASES
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.judge import statistics
from attnspec.verification.judge.findings import Judged
from attnspec.verification.judge.forms import PLAIN, Form, matched
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.narrowed import narrowed
from attnspec.verification.judge.residuals import Compared


def judge_with_forms(
    judge: Judge,
    observations: Sequence[Observation],
    policy: Policy | None,
    unseen: Sequence[Mutant] = (),
    directions: bool = False,
    before: Judged | None = None,
) -> Judged:
    """Judge by the equation as written; if answers are not right, by its forms.

    Args:
        policy: the declared policy; None if it is to be inferred.
        unseen: mutants that no single element shows.
        directions: whether directions of error are tried too.
        before: the judgement of some of the same answers. The equation, or a form, that did not explain those does not
            explain all, so that the form that did is tried first.

    Returns:
        The judgement by the first form that explains the answers, or by the equation as written if none does.
    """
    under = policy or judge.infer_policy(observations)
    if before is not None and before.right and before.form is not PLAIN and before.policy == under:
        again = judge.judge(observations, under, unseen, before.form, directions)
        if again.right:
            return again
    first = judge.judge(observations, under, unseen, directions=directions)
    if first.right:
        return first
    policies = (
        [under] if policy else judge.indistinguishable(observations, judge.infer_policy(observations, paths=False))
    )
    return _by_form(judge, observations, first, policies, unseen, directions) or first


def _by_form(
    judge: Judge,
    observations: Sequence[Observation],
    first: Judged,
    policies: Sequence[Policy],
    unseen: Sequence[Mutant],
    directions: bool,
) -> Judged | None:
    """Judge by the forms, under each of some policies; None if no form explains the answers.

    A form that does not explain the worst cases is not tried on all. The case that refused the last form is asked
    first, since it refuses most others too.

    If the policy was inferred, an error that no element shows but that lies along a direction may have led to a looser
    policy. Then only a form with rounded constants is an explanation, and for an error in some slices no form is.

    If no form is right, a form that explains all answers but loses digits is preferred to the equation. Under another
    policy than the inferred one it must explain the failing elements, not only make them undecidable. NaN and infinity
    where the equation is finite are not explained by rounded constants: one that becomes 0 is another number.

    Args:
        first: the judgement by the equation as written.
        policies: the policy, and those that the answers cannot distinguish from it.
    """
    kinds = {finding.kind for finding in first.findings}
    only_directions = judge.can_infer_policy and kinds <= {"direction", "part", "mutant"}
    worst = _worst_cases(first, observations, SITE_CASES)
    few = [narrowed(observation, judge.equation) for observation in worst]
    probes = [[observation] for observation in sorted(few, key=lambda observation: observation.case.elements)]
    lossy: list[tuple[float, Form, Policy]] = []
    for form in [] if only_directions and kinds == {"part"} else judge.forms:
        if only_directions and (form.constants is None or form.products):
            continue
        for policy in policies:
            if form.products and policy.intermediates is not policy.storage:
                continue  # software that rounds no intermediates to storage rounds no products either
            trials = list(_trials(judge, [*probes, worst], policy, form))
            if not trials[-1].equal:
                if len(trials) <= len(probes):
                    probes.insert(0, probes.pop(len(trials) - 1))
                continue
            if all(trial.right for trial in trials):
                judged = judge.judge(observations, policy, unseen, form, directions)
                if judged.right:
                    return judged
            lossy.append((statistics.negative_log_likelihood(trials[-1].compared), form, policy))
    lost = any(comparison.fails and _is_lost(comparison) for comparison in first.compared)
    for form, policy in _likeliest([each for each in lossy if not (lost and each[1].constants)]):
        judged = judge.judge(observations, policy, unseen, form, directions)
        if judged.equal and (policy == first.policy or matched(first.compared, judged.compared)):
            return judged
    return None


def _is_lost(compared: Compared) -> bool:
    """Whether an answer is NaN or infinite where the equation is decidable and finite."""
    return bool((compared.decidable & np.isfinite(compared.noise.value) & ~np.isfinite(compared.answer)).any())


def _trials(judge: Judge, probes: Sequence[Sequence[Observation]], policy: Policy, form: Form) -> Iterator[Judged]:
    """Judge one group of cases after the other by a form, up to the first that it does not explain."""
    for observations in probes:
        judged = judge.judge(observations, policy, form=form, directions=False)
        yield judged
        if not judged.equal:
            return


def _likeliest(lossy: Sequence[tuple[float, Form, Policy]]) -> Iterator[tuple[Form, Policy]]:
    """Sort forms by the negative log-likelihood of the errors; those near the smallest keep their order."""
    least = min((loss for loss, *_ in lossy), default=0.0)
    for _, form, policy in sorted(lossy, key=lambda item: max(item[0], least + BITS_ALIKE)):
        yield form, policy


def _worst_cases(judged: Judged, observations: Sequence[Observation], count: int) -> list[Observation]:
    """The cases that findings are about, and those with the largest |error| / bound.

    Args:
        count: how many of the latter.
    """
    by_error = sorted(
        (comparison for comparison in judged.compared if comparison.ratio.size),
        key=lambda comparison: -float(comparison.ratio.max()),
    )
    in_findings = [id(finding.compared.case) for finding in judged.findings if finding.compared is not None]
    cases = list(dict.fromkeys([*in_findings, *(id(comparison.case) for comparison in by_error)]))
    chosen = cases[: count + len(in_findings)]
    return [observation for observation in observations if id(observation.case) in chosen]
