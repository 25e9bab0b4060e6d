"""Wrong answers that are right ones of other inputs, or right ones that were changed before they came back.

A sentence is returned only if the equation, of the changed inputs or with the changed answers, explains the failing
cases within its own noise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np

from attnspec.errors import SpecError
from attnspec.interpreters.formula.formula import text_of_result
from attnspec.interpreters.rounding.noise import Noise
from attnspec.interpreters.rounding.policy import Policy
from attnspec.thresholds import CONTROLS, NAMED_CHANGES, NEARER_ELEMENTS, TELLING_ELEMENTS, TRIED_CASES
from attnspec.verification.candidate.observation import Array, Observation
from attnspec.verification.cases.case import Case
from attnspec.verification.diagnosis import locate
from attnspec.verification.diagnosis.answer_changes import AnswerChange, answer_changes, counted
from attnspec.verification.diagnosis.input_changes import Change, input_changes
from attnspec.verification.diagnosis.recognise import one_number
from attnspec.verification.diagnosis.wrong_elements import wrong_elements
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import at_once, values
from attnspec.verification.judge.mutation_score import differs
from attnspec.verification.judge.other_inputs import values_of_others
from attnspec.verification.judge.residuals import Compared, compare
from attnspec.verification.verdict import Diagnosis

OF_INPUTS = "inputs"
"""The id of a diagnosis that names a change of inputs."""


def changed_inputs(
    judge: Judge,
    observations: Sequence[Observation],
    policy: Policy,
    tiles: Sequence[int] = (),
    *,
    changes: Iterable[Change] | None = None,
    always: bool = False,
) -> Diagnosis | None:
    """Find the changes of inputs of which the answers are right; None if there are none.

    Args:
        tiles: numbers in the candidate's code that may be sizes of tiles.
        changes: those that are tried; all if None.
        always: whether only changes are named that no right case refutes.
    """
    telling = failing_cases(judge, observations, policy, None)
    failing, others = telling[:TRIED_CASES], telling[TRIED_CASES:]
    if not failing:
        return None
    tried = input_changes(judge.equation.definition, tiles) if changes is None else changes
    near = [*_near(judge, failing[0], policy, tried)]
    for observation in failing[1:]:  # a value costs a fraction of a noise
        near = [*_near_or_explained(judge, observation, policy, near)] if len(near) > NAMED_CHANGES else near
    for observation in others:
        near = [*_near_or_explained(judge, observation, policy, near)]
    failing += others[-TRIED_CASES:]  # the largest ones, in which other tiles are

    def explaining(changes: Sequence[Change]) -> list[Change]:
        explained = (change for change in changes if all(_explains(judge, change, each, policy) for each in failing))
        return [*islice(explained, NAMED_CHANGES)]

    unrefuted = explaining([change for change in near if not _refuted(judge, change, observations, policy)])
    many = len(failing) == 1 or one_number(judge, failing, policy)  # many changes explain so little
    found = unrefuted or ([] if many or always else explaining(near))
    if not found:
        return None
    rest = "" if unrefuted else f" (wrong {where_wrong(judge, observations, policy)})"
    first, *alike = found
    return Diagnosis(OF_INPUTS, first.says + rest, tuple(change.says for change in alike))


def is_contradicted(
    judge: Judge, observation: Observation, policy: Policy, diagnosis: Diagnosis, tiles: Sequence[int] = ()
) -> bool:
    """Whether the change of inputs that a diagnosis names explains an answer neither by its values nor by its rounding.

    Args:
        tiles: numbers in the candidate's code that may be sizes of tiles.
    """
    made = input_changes(judge.equation.definition, tiles)
    named = [change for change in made if diagnosis.says.startswith(change.says)]
    return bool(named) and not any(True for _ in _near_or_explained(judge, observation, policy, named))


def where_wrong(judge: Judge, observations: Sequence[Observation], policy: Policy) -> str:
    """In how many cases an answer is wrong, and what these have in common, by the lines of the equation too."""
    return locate.where(judge.compare(observations, policy), definition=judge.equation.definition)


def changed_answers(judge: Judge, observations: Sequence[Observation], policy: Policy) -> Diagnosis | None:
    """Find a change of every wrong output that explains the answers; None if one of them has none."""
    definition = judge.equation.definition
    compared = judge.compare(observations, policy)
    failing = [comparison for comparison in compared if comparison.fails]
    sentences, also = dict[str, list[Compared]](), list[str]()
    for output in sorted({comparison.output for comparison in failing}):
        name = text_of_result(definition, output) if len(definition.results) > 1 else "it"
        wrong = [comparison for comparison in failing if comparison.output == output]
        of_output = [comparison for comparison in compared if comparison.output == output]
        told = sum(int((each.ratio > 1).sum()) for each in of_output) >= TELLING_ELEMENTS
        changes = (
            answer_changes(definition, output) if told else counted(definition, output, (each.answer for each in wrong))
        )
        right = [comparison for comparison in of_output if not comparison.fails]
        fitting = [change for change in changes if all(_explained(judge, change, each) for each in wrong)]
        fitting = [change for change in fitting if not change.is_general] or fitting
        unrefuted = [change for change in fitting if not any(_would_show(judge, change, each) for each in right)]
        named = [change.says.format(name=name) for change in (unrefuted or fitting)[:NAMED_CHANGES]]
        says, *others = named or [wrong_elements(definition, wrong, of_output, name)]
        if not says:
            return None
        sentences.setdefault(says, []).extend(of_output)
        also += others
    if not sentences:
        return None
    said = (f"{says} (wrong {locate.where(of, definition=definition)})" for says, of in sentences.items())
    return Diagnosis("answers", "; ".join(said), tuple(dict.fromkeys(also)) if len(sentences) == 1 else ())


def failing_cases(
    judge: Judge, observations: Sequence[Observation], policy: Policy, most: int | None = TRIED_CASES
) -> list[Observation]:
    """Failing cases with enough elements, the cheapest of ordinary values first; no more than so many."""
    failing = [
        observation for observation in judge.failing(observations, policy) if observation.elements >= TELLING_ELEMENTS
    ]
    return sorted(failing, key=lambda observation: (_special(observation.case), observation.case.elements))[:most]


def _special(case: Case) -> bool:
    return case.description is None or case.description.special or case.description.regime != "ordinary"


def _near(judge: Judge, observation: Observation, policy: Policy, changes: Iterable[Change]) -> Iterator[Change]:
    """The changes whose values are much nearer to the wrong elements than the equation's; they cost no noise."""
    definition, case = judge.equation.definition, observation.case
    compared = judge.compare([observation], policy)
    changed = ((change, _changed(change, case)) for change in changes)
    usable = ((change, other) for change, other in changed if other is not None)
    while some := [*islice(usable, at_once(case))]:
        found = values_of_others(definition, case, [other for _, other in some])
        for (change, _), value in zip(some, found, strict=True):
            if value is not None and _are_nearer(compared, change.undone(value)):
                yield change


def _near_or_explained(
    judge: Judge, observation: Observation, policy: Policy, changes: Sequence[Change]
) -> Iterator[Change]:
    """The changes that are near, and those that explain an answer by their rounding.

    A sum of many copies of one element over their number is that element, and rounds more.
    """
    near = {id(change) for change in _near(judge, observation, policy, changes)}
    wrong = [each for each in judge.compare([observation], policy) if each.fails]
    for change in changes:
        case = None if id(change) in near else _changed(change, observation.case)
        value = None if case is None else _undone(change, judge, case)  # which costs a fraction of a noise
        may_round = value is not None and all(_moves_little(each, value[each.output]) for each in wrong)
        if id(change) in near or (may_round and _explains(judge, change, observation, policy)):
            yield change


def _moves_little(comparison: Compared, other: Array) -> bool:
    """Whether most wrong elements are nearer to other values, or these move by no more than what is wrong."""
    if comparison.answer.shape != other.shape:
        return False
    with np.errstate(invalid="ignore"):
        little = np.abs(comparison.deviation(other)) <= np.abs(comparison.error)
        little |= np.abs(comparison.answer - other) <= np.abs(comparison.error)
    return bool(little[comparison.ratio > 1].mean() > NEARER_ELEMENTS)


def _are_nearer(compared: Sequence[Compared], value: Sequence[Array]) -> bool:
    """Whether the wrong elements of all outputs are much nearer to other values."""
    pairs = list(zip(compared, value, strict=True))
    if any(comparison.answer.shape != other.shape for comparison, other in pairs):
        return False
    return all(_nearer(comparison, other) for comparison, other in pairs if comparison.fails)


def _nearer(comparison: Compared, other: Array) -> bool:
    wrong = comparison.ratio > 1
    with np.errstate(invalid="ignore"):
        distance = np.abs(comparison.answer - other)
        near = (distance <= np.abs(comparison.error) / 4) | (np.isnan(comparison.answer) & np.isnan(other))
    near |= comparison.answer == other
    return bool(near[wrong].mean() > NEARER_ELEMENTS)


def _changed(change: Change, case: Case) -> Case | None:
    try:
        return change.of(case)
    except (SpecError, ValueError, IndexError):  # sizes that the change does not fit
        return None


def _undone(change: Change, judge: Judge, case: Case) -> list[Array] | None:
    """The values that a candidate with a change returns, of the changed case; None if there are none."""
    value = values(judge.equation.definition, case)
    return None if value is None else change.undone(value)


def _explains(judge: Judge, change: Change, observation: Observation, policy: Policy) -> bool:
    """Whether an answer is right of the changed case, within the noise that it has there."""
    case = _changed(change, observation.case)
    if case is None or values(judge.equation.definition, case) is None:
        return False
    noises: Sequence[Noise] = judge.noise(case, policy)
    noises = [_noise_undone(change, noise, place) for place, noise in enumerate(noises)]
    if any(noise.value.shape != answer.shape for noise, answer in zip(noises, observation.answers, strict=True)):
        return False
    alike = float(np.sqrt(change.copies))  # errors of n equal elements add up n-fold, of others √n-fold
    noises = [replace(noise, bound=alike * noise.bound) for noise in noises] if alike > 1 else noises
    others = compare(Observation(case, observation.answers), noises)
    pairs = zip(judge.compare([observation], policy), others, strict=True)
    return all(not other.fails and (not old.fails or _moves(old, other)) for old, other in pairs)


def _noise_undone(change: Change, noise: Noise, place: int) -> Noise:
    """The noise of what a candidate with a change returns, of that of a result in the changed case."""
    if change.back is None:
        return noise
    back = partial(change.back, place=place)
    return Noise(*map(back, (noise.value, noise.sigma, noise.bound, noise.undecidable, noise.members)))


def _moves(old: Compared, other: Compared) -> bool:
    """Whether most wrong elements can be judged in the changed case too, or are NaN there as they should be."""
    wrong = old.ratio > 1
    told = other.decidable | (np.isnan(other.answer) & np.isnan(other.noise.value))
    return bool(told[wrong].mean() > NEARER_ELEMENTS)


def _refuted(judge: Judge, change: Change, observations: Sequence[Observation], policy: Policy) -> bool:
    """Whether a change would have shown in a case that is right."""
    right = [observation for observation in observations if judge.holds(observation, policy)][:CONTROLS]
    for observation in right:
        case = _changed(change, observation.case)
        value = None if case is None else _undone(change, judge, case)
        if value is not None and any(
            differs(value[comparison.output], comparison) for comparison in judge.compare([observation], policy)
        ):
            return True
    return False


def _explained(judge: Judge, change: AnswerChange, comparison: Compared) -> bool:
    """Whether a change explains an output in a case that fails."""
    other, near = _with_change(judge, change, comparison)
    if other is None:
        return False
    wrong = comparison.ratio > 1
    explained = bool((near | ~comparison.decidable).all() and near[wrong].all())
    return explained and _nearer(comparison, other)  # the two bounds alone would cover what is little beyond one


def _would_show(judge: Judge, change: AnswerChange, comparison: Compared) -> bool:
    """Whether an output that is right in a case would be wrong with a change."""
    other, near = _with_change(judge, change, comparison)
    return other is not None and not (near | ~comparison.decidable).all()


def _with_change(judge: Judge, change: AnswerChange, comparison: Compared) -> tuple[Array | None, Array]:
    """The values of an output with a change, None where it does not apply, and at which places the answer has them."""
    dims = judge.equation.definition.results[comparison.output].dims
    value, bound, answer = comparison.noise.value, comparison.noise.bound, comparison.answer
    change_of = change.in_case(comparison.case, value, answer, answer.ndim - len(dims))
    if change_of is None:
        return None, np.asarray(False)
    with np.errstate(invalid="ignore"):
        other = change_of(value)
        near = np.abs(answer - other) <= change_of(bound) + bound
    return other, near | (answer == other) | (np.isnan(answer) & np.isnan(other))
