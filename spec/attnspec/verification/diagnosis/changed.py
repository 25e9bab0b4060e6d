"""Wrong answers that are right ones of other inputs, or right ones that were changed before they came back.

A sentence is returned only if the equation, of the changed inputs or with the changed answers, explains the failing
cases within its own noise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, combinations, islice

import numpy as np

from attnspec.errors import ShapeError, SpecError
from attnspec.interpreters.evaluation.call import fit
from attnspec.interpreters.formula.formula import text_of, text_of_result
from attnspec.interpreters.mutation.function_substitutions import over_all_rows
from attnspec.interpreters.mutation.reading_errors import first_places
from attnspec.interpreters.rounding.noise import Noise
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language import layers
from attnspec.language.dims import Dim
from attnspec.language.tree import Definition, Name
from attnspec.thresholds import BY_CHANCE, CONTROLS, NAMED_CHANGES, NEARER_ELEMENTS, TELLING_ELEMENTS, TRIED_CASES
from attnspec.verification.candidate.observation import Array, Observation
from attnspec.verification.cases.case import Case
from attnspec.verification.diagnosis import locate
from attnspec.verification.diagnosis.answer_changes import AnswerChange, answer_changes
from attnspec.verification.diagnosis.input_changes import Change, input_changes
from attnspec.verification.diagnosis.recognise import one_number, recognise
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import at_once, values
from attnspec.verification.judge.mutation_score import differs
from attnspec.verification.judge.other_inputs import values_of_others
from attnspec.verification.judge.residuals import Compared, compare
from attnspec.verification.judge.statistics import wrong_values
from attnspec.verification.verdict import Diagnosis

BATCH = "the batch"
"""The name of a leading axis in a sentence."""


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
    telling = _telling(judge, observations, policy, None)
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
    rest = "" if unrefuted else f" (wrong {_where(judge, observations, policy)})"
    first, *alike = found
    return Diagnosis("inputs", first.says + rest, tuple(change.says for change in alike))


def _where(judge: Judge, observations: Sequence[Observation], policy: Policy) -> str:
    """In how many cases an answer is wrong, and what these have in common, by the lines of the equation too."""
    return locate.where(judge.compare(observations, policy), definition=judge.equation.definition)


def merged_examples(judge: Judge, observations: Sequence[Observation], policy: Policy) -> Diagnosis | None:
    """Find an axis along which the examples of a batch are taken for a single one; None if there is none.

    There one softmax may be over all rows, those of all examples, or the first place of all be read for all.
    """
    failing = _telling(judge, observations, policy)
    if _says_little(judge, failing, policy):
        return None
    definition = judge.equation.definition
    axes = dict.fromkeys(parameter.dims[0] for parameter in definition.parameters if parameter.dims)
    for dim in axes:
        merged = [_merged(definition, observation, dim) for observation in failing]
        if merged and all(each is not None and judge.holds(each, policy) for each in merged):
            where = _where(judge, observations, policy)
            says = f"the examples of a batch are taken for one, end to end along {dim} (wrong {where})"
            return Diagnosis("merged", says)
    of_all = [*(mutant for mutant in over_all_rows(definition) if not mutant.in_storage), *first_places(definition)]
    for dim in axes if of_all else ():
        merged = [_merged(definition, each, dim, 1) if _batch_axes(definition, each.case) else each for each in failing]
        whole = [observation for observation in merged if observation is not None]
        found = recognise(judge, whole, of_all, policy, refute=True) if len(whole) == len(failing) else None
        if found is not None and any(old is not new for old, new in zip(failing, whole, strict=True)):
            says = f"the examples of a batch are taken for one, end to end along {dim}, and {found.says}"
            return replace(found, says=says)
    return None


def _says_little(judge: Judge, failing: Sequence[Observation], policy: Policy) -> bool:
    """Whether all that is wrong is one whole number, NaN or infinite, which many changes of the inputs explain."""
    wrong = wrong_values(judge.compare(failing, policy))
    return len(wrong) == 1 and not (np.isfinite(wrong) & (wrong != np.rint(wrong))).any()


def _batch_axes(definition: Definition, case: Case) -> int:
    """How many batch axes a case has."""
    return fit(definition, {name: array.shape for name, array in case.arrays.items()}, case.options)[1]


def _merged(definition: Definition, observation: Observation, dim: Dim, fewest: int = 2) -> Observation | None:
    """The examples of a case end to end along an axis; None if it is not the first axis of all, or answers differ.

    What all examples share along this axis is repeated.

    Args:
        fewest: the least number of examples of a case.
    """
    case, arrays, alone = observation.case, {}, []
    examples = 0
    for parameter in layers.written_out(definition, case.arrays).parameters:
        array = case.arrays[parameter.name]
        axes = array.ndim - len(parameter.dims)
        if axes > 1 or (axes and (not parameter.dims or parameter.dims[0] != dim)):
            return None
        if not axes and dim in parameter.dims:  # one for all examples, such as a gain, stands beside each of them
            if parameter.dims[0] != dim or dim in parameter.dims[1:]:
                return None
            alone.append(parameter.name)
        examples = max(examples, len(array) if axes else 0)
        arrays[parameter.name] = array.reshape(-1, *array.shape[2:]) if axes else array
    arrays |= {name: np.concatenate([arrays[name]] * examples) for name in alone if examples}
    if examples < fewest:
        return None
    answers = []
    for answer, result in zip(observation.answers, definition.results, strict=True):
        along = bool(result.dims) and result.dims[0] == dim
        if not along and not np.array_equal(answer, np.broadcast_to(answer[:1], answer.shape), equal_nan=True):
            return None
        answers.append(answer.reshape(-1, *answer.shape[2:]) if along else answer[0])
    return _if_it_fits(definition, replace(case, arrays=arrays, description=None), answers)


def _if_it_fits(definition: Definition, case: Case, answers: Sequence[Array]) -> Observation | None:
    """A changed case with its answers; None if the equation has no arrays of these shapes, such as of an odd width."""
    try:
        fit(definition, {name: array.shape for name, array in case.arrays.items()}, case.options)
    except ShapeError:
        return None
    return Observation(case, tuple(answers))


def exchanged_axes(judge: Judge, observations: Sequence[Observation], policy: Policy) -> Diagnosis | None:
    """Find two axes of which each is taken for the other, such as batch and sequence; None if there are none."""
    failing = _telling(judge, observations, policy)
    if _says_little(judge, failing, policy):
        return None
    definition = judge.equation.definition
    dims = dict.fromkeys(str(dim) for parameter in definition.parameters for dim in parameter.dims)
    for one, other in combinations([BATCH, *dims], 2):
        exchanged = [_exchanged(definition, observation, one, other) for observation in failing]
        if exchanged and all(each is not None and judge.holds(each, policy) for each in exchanged):
            return Diagnosis(
                "exchanged",
                f"{one} is taken for {other}, and {other} for {one} (wrong {_where(judge, observations, policy)})",
            )
    return None


def reversed_axis(judge: Judge, observations: Sequence[Observation], policy: Policy) -> Diagnosis | None:
    """Find an axis that is run through from its end, and the results put back in order; None if there is none."""
    failing = _telling(judge, observations, policy)
    if _says_little(judge, failing, policy):
        return None
    definition = judge.equation.definition
    for dim in dict.fromkeys(str(dim) for result in definition.results for dim in result.dims):
        turned = [_reversed(definition, observation, dim) for observation in failing]
        if turned and all(each is not None and judge.holds(each, policy) for each in turned):
            return Diagnosis(
                "reversed",
                f"{dim} is run through from the end to the beginning (wrong {_where(judge, observations, policy)})",
            )
    return None


def _reversed(definition: Definition, observation: Observation, dim: str) -> Observation | None:
    """A case and its answers in reverse order along an axis; None if no argument has it."""

    def turned(array: Array, dims: Sequence[Dim]) -> Array:
        axes = [array.ndim - len(dims) + place for place, each in enumerate(dims) if str(each) == dim]
        return np.flip(array, tuple(axes)) if axes else array

    case = observation.case
    arrays = dict(case.arrays)
    for parameter in layers.written_out(definition, arrays).parameters:
        arrays[parameter.name] = turned(arrays[parameter.name], parameter.dims)
    if all(array is case.arrays[name] for name, array in arrays.items()):
        return None
    pairs = zip(observation.answers, definition.results, strict=True)
    answers = [turned(answer, result.dims) for answer, result in pairs]
    return _if_it_fits(definition, replace(case, arrays=arrays, description=None), answers)


def _exchanged(definition: Definition, observation: Observation, one: str, other: str) -> Observation | None:
    """A case and its answers with two axes exchanged; None if an array has one of them alone, or none has both."""
    case, arrays = observation.case, dict(observation.case.arrays)

    def turned(array: Array, dims: Sequence[Dim]) -> Array | None:
        names = [BATCH] * (array.ndim - len(dims)) + [str(dim) for dim in dims]
        if names.count(one) != names.count(other) or names.count(one) > 1:
            return None
        return np.swapaxes(array, names.index(one), names.index(other)) if one in names else array

    for parameter in layers.written_out(definition, arrays).parameters:
        array = turned(arrays[parameter.name], parameter.dims)
        if array is None:
            return None
        arrays[parameter.name] = array
    if all(array is case.arrays[name] for name, array in arrays.items()):
        return None
    answers = [turned(*each) for each in zip(observation.answers, (r.dims for r in definition.results), strict=True)]
    if any(answer is None for answer in answers):
        return None
    whole = [answer for answer in answers if answer is not None]
    return _if_it_fits(definition, replace(case, arrays=arrays, description=None), whole)


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
        changes = answer_changes(definition, output) if told else ()
        right = [comparison for comparison in of_output if not comparison.fails]
        fitting = [change for change in changes if all(_explained(judge, change, each) for each in wrong)]
        fitting = [change for change in fitting if not change.is_general] or fitting
        unrefuted = [change for change in fitting if not any(_would_show(judge, change, each) for each in right)]
        named = [change.says.format(name=name) for change in (unrefuted or fitting)[:NAMED_CHANGES]]
        says, *others = named or [_plain(definition, wrong, of_output, name)]
        if not says:
            return None
        sentences.setdefault(says, []).extend(of_output)
        also += others
    if not sentences:
        return None
    said = (f"{says} (wrong {locate.where(of, definition=definition)})" for says, of in sentences.items())
    return Diagnosis("answers", "; ".join(said), tuple(dict.fromkeys(also)) if len(sentences) == 1 else ())


def _telling(
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
            if value is not None and _are_nearer(compared, value):
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
        value = None if case is None else values(judge.equation.definition, case)  # which costs a fraction of a noise
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


def _explains(judge: Judge, change: Change, observation: Observation, policy: Policy) -> bool:
    """Whether an answer is right of the changed case, within the noise that it has there."""
    case = _changed(change, observation.case)
    if case is None or values(judge.equation.definition, case) is None:
        return False
    noises: Sequence[Noise] = judge.noise(case, policy)
    if any(noise.value.shape != answer.shape for noise, answer in zip(noises, observation.answers, strict=True)):
        return False
    alike = float(np.sqrt(change.copies))  # errors of n equal elements add up n-fold, of others √n-fold
    noises = [replace(noise, bound=alike * noise.bound) for noise in noises] if alike > 1 else noises
    others = compare(Observation(case, observation.answers), noises)
    pairs = zip(judge.compare([observation], policy), others, strict=True)
    return all(not other.fails and (not old.fails or _moves(old, other)) for old, other in pairs)


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
        value = None if case is None else values(judge.equation.definition, case)
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


def _plain(definition: Definition, wrong: Sequence[Compared], compared: Sequence[Compared], name: str) -> str:
    """Describe that all wrong elements are one number, such as 0, or those of an argument, and where; "" if not.

    That they are those of an argument is said only if it is known where: what is not read may tell more.

    Args:
        wrong: an output in the cases where it is wrong.
        compared: the same output in all cases.
        name: what the output is called.
    """
    number = _number(wrong)
    what = number or next(_arguments(definition, wrong), "")
    if not what:
        return ""
    of_kind = {kind: [each.name for each in definition.parameters if each.kind == kind] for kind in KINDS}
    hidden = (f"{mask} is false" for mask in of_kind["bool"] if all(_hidden(each, mask) for each in wrong))
    by_place = (f"{mask} is false at the same place" for mask in of_kind["bool"] if _at_places(wrong, mask))
    zeros = (f"{_shown(array, definition)} is 0" for array in of_kind["float"] if _at_zeros(wrong, array))
    whole = (f"{_shown(array, definition)} is {value}" for array in of_kind["int"]
             for value in _at_one_number(wrong, compared, array))  # fmt: skip
    where = next(chain(hidden, by_place, zeros, whole), IT_IS_WRONG if number else "")
    return f"{name} is {what} where {where}" if where else ""


KINDS = ("bool", "float", "int")
"""The kinds of arguments."""

IT_IS_WRONG = "it is wrong"
"""Where all wrong elements are one number, if nothing tells where that is."""


def _shown(name: str, definition: Definition) -> str:
    return text_of(Name(name), definition)


def _number(wrong: Sequence[Compared]) -> str:
    """The number that all wrong elements are; "" if they are several, or too few."""
    elements = np.concatenate([comparison.answer[comparison.ratio > 1] for comparison in wrong])
    if np.isnan(elements).all():
        return "NaN"
    same = len(elements) >= TELLING_ELEMENTS and (elements == elements[0]).all()
    return f"{elements[0] + 0:g}" if same else ""


def _arguments(definition: Definition, wrong: Sequence[Compared]) -> Iterator[str]:
    """The arguments that have the wrong elements at the same places."""
    if sum(int((comparison.ratio > 1).sum()) for comparison in wrong) < TELLING_ELEMENTS:
        return
    for parameter in (each for each in definition.parameters if each.kind in KINDS):
        arrays = [comparison.case.arrays[parameter.name] for comparison in wrong]
        pairs = list(zip(wrong, arrays, strict=True))
        if all(array.shape == each.answer.shape for each, array in pairs) and all(
            (each.answer == array)[each.ratio > 1].all() for each, array in pairs
        ):
            yield _shown(parameter.name, definition)


def _at_zeros(wrong: Sequence[Compared], name: str) -> bool:
    """Whether elements are wrong only where an argument of the same shape is 0, and it is not 0 everywhere."""
    arrays = [comparison.case.arrays[name] for comparison in wrong]
    pairs = list(zip(wrong, arrays, strict=True))
    return (
        all(array.shape == each.answer.shape for each, array in pairs)
        and not any(array[each.ratio > 1].any() for each, array in pairs)
        and any(array.any() for array in arrays)
    )


def _at_one_number(wrong: Sequence[Compared], compared: Sequence[Compared], name: str) -> Iterator[str]:
    """The number that a whole number is in all rows that are wrong, if it would rarely be so by chance."""
    found, all_numbers = [], []
    for comparison in compared:
        numbers = comparison.case.arrays[name]
        if numbers.shape != comparison.answer.shape[: numbers.ndim]:
            return
        bad = comparison.ratio > 1
        found.append(numbers[bad.any(axis=tuple(range(numbers.ndim, bad.ndim)))].ravel())
        all_numbers.append(numbers.ravel())
    rows, every = np.concatenate(found), np.concatenate(all_numbers)
    if len(rows) and (rows == rows[0]).all():
        share = float((every == rows[0]).mean())
        if len(np.unique(every)) * share ** len(rows) < BY_CHANCE:
            yield f"{rows[0]:g}"


def _hidden(comparison: Compared, mask: str) -> bool:
    """Whether rows are wrong where a mask is false, and only there."""
    hidden = ~comparison.case.arrays[mask].astype(bool)
    if hidden.ndim >= comparison.answer.ndim or hidden.shape != comparison.answer.shape[: hidden.ndim]:
        return False
    wrong = (comparison.ratio > 1).any(axis=tuple(range(hidden.ndim, comparison.answer.ndim)))
    return bool(wrong.any() and not (wrong & ~hidden).any())


def _at_places(wrong: Sequence[Compared], mask: str) -> bool:
    """Whether rows are wrong at the places at which a mask of another axis is false, as far as this one goes."""
    found = 0
    for comparison in wrong:
        hidden = ~comparison.case.arrays[mask].astype(bool)
        lead = hidden.ndim - 1
        if hidden.ndim >= comparison.answer.ndim or hidden.shape[:lead] != comparison.answer.shape[:lead]:
            return False
        rows: Array = np.any(comparison.ratio > 1, axis=tuple(range(hidden.ndim, comparison.answer.ndim)))
        both = min(hidden.shape[-1], rows.shape[-1])
        if (rows[..., :both] & ~hidden[..., :both]).any():
            return False
        found += int(rows[..., :both].sum())
    return found > 0
