"""Wrong answers that are right ones of other axes: examples joined, two axes exchanged, or one in reverse order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from attnspec.errors import ShapeError
from attnspec.interpreters.evaluation.call import fit
from attnspec.interpreters.mutation.function_substitutions import over_all_rows
from attnspec.interpreters.mutation.reading_errors import first_places
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language import layers
from attnspec.language.dims import Dim
from attnspec.language.tree import Definition
from attnspec.verification.candidate.observation import Array, Observation
from attnspec.verification.cases.case import Case
from attnspec.verification.diagnosis.changed import failing_cases, where_wrong
from attnspec.verification.diagnosis.recognise import recognise
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.statistics import wrong_values
from attnspec.verification.verdict import Diagnosis

BATCH = "the batch"
"""The name of a leading axis in a sentence."""


def merged_examples(judge: Judge, observations: Sequence[Observation], policy: Policy) -> Diagnosis | None:
    """Find an axis along which the examples of a batch are taken for a single one; None if there is none.

    There one softmax may be over all rows, those of all examples, or the first place of all be read for all.
    """
    failing = failing_cases(judge, observations, policy)
    if _says_little(judge, failing, policy):
        return None
    definition = judge.equation.definition
    axes = dict.fromkeys(parameter.dims[0] for parameter in definition.parameters if parameter.dims)
    for dim in axes:
        merged = [_merged(definition, observation, dim) for observation in failing]
        if merged and all(each is not None and judge.holds(each, policy) for each in merged):
            where = where_wrong(judge, observations, policy)
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
    if case.summed:  # these results have no examples
        return None
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
        arrays[parameter.name] = _joined(array) if axes else array
    arrays |= {name: np.concatenate([arrays[name]] * examples) for name in alone if examples}
    if examples < fewest:
        return None
    answers = []
    for answer, result in zip(observation.answers, definition.results, strict=True):
        along = bool(result.dims) and result.dims[0] == dim
        if not along and not np.array_equal(answer, np.broadcast_to(answer[:1], answer.shape), equal_nan=True):
            return None
        answers.append(_joined(answer) if along else answer[0])
    return _if_it_fits(definition, replace(case, arrays=arrays, description=None), answers)


def _joined(array: Array) -> Array:
    """An array with its first two axes as one."""
    return array.reshape(array.shape[0] * array.shape[1], *array.shape[2:])


def _if_it_fits(definition: Definition, case: Case, answers: Sequence[Array]) -> Observation | None:
    """A changed case with its answers; None if the equation has no arrays of these shapes, such as of an odd width."""
    try:
        fit(definition, {name: array.shape for name, array in case.arrays.items()}, case.options)
    except ShapeError:
        return None
    return Observation(case, tuple(answers))


def exchanged_axes(judge: Judge, observations: Sequence[Observation], policy: Policy) -> Diagnosis | None:
    """Find two axes of which each is taken for the other, such as batch and sequence; None if there are none."""
    failing = failing_cases(judge, observations, policy)
    if _says_little(judge, failing, policy):
        return None
    definition = judge.equation.definition
    dims = dict.fromkeys(str(dim) for parameter in definition.parameters for dim in parameter.dims)
    for one, other in combinations([BATCH, *dims], 2):
        exchanged = [_exchanged(definition, observation, one, other) for observation in failing]
        if exchanged and all(each is not None and judge.holds(each, policy) for each in exchanged):
            where = where_wrong(judge, observations, policy)
            return Diagnosis("exchanged", f"{one} is taken for {other}, and {other} for {one} (wrong {where})")
    return None


def reversed_axis(judge: Judge, observations: Sequence[Observation], policy: Policy) -> Diagnosis | None:
    """Find an axis that is run through from its end, and the results put back in order; None if there is none."""
    failing = failing_cases(judge, observations, policy)
    if _says_little(judge, failing, policy):
        return None
    definition = judge.equation.definition
    for dim in dict.fromkeys(str(dim) for result in definition.results for dim in result.dims):
        turned = [_reversed(definition, observation, dim) for observation in failing]
        if turned and all(each is not None and judge.holds(each, policy) for each in turned):
            where = where_wrong(judge, observations, policy)
            return Diagnosis("reversed", f"{dim} is run through from the end to the beginning (wrong {where})")
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
