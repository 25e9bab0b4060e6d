"""What software may do to right answers before it returns them: another order, another example's, zeros, means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from attnspec.interpreters.formula.formula import text_of
from attnspec.language.tree import Definition, Name, Parameter
from attnspec.verification.candidate.observation import Array
from attnspec.verification.cases.case import Case


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """A change of the values of an output.

    Attributes:
        says: the sentence of the mistake, with {name} for the output.
        of: given the values, the answer and the number of batch axes, what makes other values of values, and their
            bounds of bounds; None where it does not apply.
        is_general: whether another change that fits says more.
        of_case: of a change that depends on the arguments, `of` for a case.
    """

    says: str
    of: OfValues
    is_general: bool = False
    of_case: Callable[[Case], OfValues] | None = None

    def in_case(self, case: Case, value: Array, answer: Array, axes: int) -> Along | None:
        """What makes other values of values in a case; None where it does not apply."""
        of = self.of if self.of_case is None else self.of_case(case)
        return of(value, answer, axes)


Along = Callable[[Array], Array]
"""Another array of an array; of `IN_A_BATCH` and of a single axis, along its first axis."""

OfValues = Callable[[Array, Array, int], Along | None]
"""Given the values, the answer and the number of batch axes, what makes other values of values."""


def answer_changes(definition: Definition, output: int) -> Iterator[AnswerChange]:
    """The changes of an output that are tried; of one with two halves, as of two directions, also those of one half."""
    dims = definition.results[output].dims
    for says, change in IN_A_BATCH.items():
        yield AnswerChange(says, _batched(change))
    yield from _by_whole_numbers(definition, output)
    yield AnswerChange("the examples of a batch come back in another order", _sorted, is_general=True)
    if dims and dims[-1].share(2) is not None:
        sentence = f"the two halves of {{name}} along {dims[-1]} are written one behind the other for the whole batch"
        yield AnswerChange(sentence, _halves_first)
        for whole in (*_by_whole_numbers(definition, output), *_along_axes(definition, output, last=False)):
            for place, word in enumerate(("first", "second")):
                yield _of_half(whole, place, f"in the {word} half along {dims[-1]}, {whole.says}")
    yield from _along_axes(definition, output)


def counted(definition: Definition, output: int, wrong: Iterable[Array]) -> Iterator[AnswerChange]:
    """The changes of a count: one alone tells, since no other number has all of its digits.

    Args:
        wrong: the wrong answers. 0 has no digits, and is what is left where all of them overflow.
    """
    if definition.results[output].kind == "int" and all(answer.all() for answer in wrong):
        yield AnswerChange("{name} is counted in 32 bits, which overflow", _overflown)
        yield AnswerChange("{name} is counted in float32", lambda value, answer, axes: _in_float32)


def _overflown(_: Array, answer: Array, __: int) -> Along | None:
    """Whole numbers of 32 bits, which have a sign where an answer is below 0."""
    lowest = -(2**31) if (answer < 0).any() else 0
    return lambda array: (array - lowest) % 2**32 + lowest


def _in_float32(array: Array) -> Array:
    return array.astype(np.float32).astype(array.dtype)


def _along_axes(definition: Definition, output: int, last: bool = True) -> Iterator[AnswerChange]:
    """The changes along the axes of an output, and of all of them; without those of the last axis, if so wanted."""
    dims = definition.results[output].dims
    lost = "{name} of some examples of a batch is that of others, and their own is lost"
    yield AnswerChange(lost, _of_others, is_general=True)
    for axis, dim in enumerate(dims if last else dims[:-1]):
        back = axis - len(dims)
        yield AnswerChange(f"{{name}} is returned in reverse order along {dim}", _along(back, lambda a: a[::-1]))
        yield AnswerChange(f"the two halves of {{name}} along {dim} are exchanged", _halves_exchanged(back))
        for says, roll in (("after", -1), ("before", 1)):
            sentence = f"{{name}} at each place of {dim} is that of the place {says} it, round the ends"
            yield AnswerChange(sentence, _along(back, lambda a, roll=roll: np.roll(a, roll, 0)))  # type: ignore[misc]  # mypy does not infer a lambda with a default
        sentence = f"{{name}} at each place of {dim} is that of the place before it, at the first its own"
        yield AnswerChange(sentence, _along(back, lambda a: np.concatenate([a[:1], a[:-1]])))
        sentence = f"{{name}} at each place of {dim} is that of the place after it, at the last its own"
        yield AnswerChange(sentence, _along(back, lambda a: np.concatenate([a[1:], a[-1:]])))
        sentence = f"{{name}} at every place of {dim} is that of the first"
        yield AnswerChange(sentence, _along(back, lambda a: np.broadcast_to(a[:1], a.shape)))
        sentence = f"{{name}} at every place of {dim} is that of the last"
        yield AnswerChange(sentence, _along(back, lambda a: np.broadcast_to(a[-1:], a.shape)))
        sentence = f"{{name}} at the last place of {dim} is that of the place before it"
        yield AnswerChange(sentence, _along(back, lambda a: np.concatenate([a[:-1], a[-2:-1]])))
        sentence = f"{{name}} at every place of {dim} is the mean over {dim}"
        yield AnswerChange(sentence, _along(back, lambda a: np.broadcast_to(a.mean(0, keepdims=True), a.shape)))
        for tile in TILES:
            words = "pairs" if tile == 2 else f"tiles of {tile}"
            sentence = f"{{name}} is written in {words} along {dim}, the last one whole"
            yield AnswerChange(f"{sentence}: the first places of the next row are 0", _spilled(back, tile))
        yield AnswerChange(f"{{name}} comes back in another order along {dim}", _in_other_order(back), is_general=True)
        sentence = f"{{name}} is written as if its axis {dim} lay before the batch axis"
        yield AnswerChange(sentence, _flattened(back))
    if len(dims) > 1 and last:
        yield AnswerChange("{name} is written as if its axes were exchanged", _reread)


def _by_whole_numbers(definition: Definition, output: int) -> Iterator[AnswerChange]:
    """Examples that are sorted by a number or a mask of each, and changes along an axis by such a number."""
    dims = definition.results[output].dims
    for parameter in definition.parameters:
        shown = text_of(Name(parameter.name), definition)
        if (parameter.kind, len(parameter.dims)) not in (("int", 0), ("bool", 1)):
            continue
        for word, sign in (("smallest", 1), ("largest", -1)):
            sentence = f"the examples of a batch are sorted by {shown}, the {word} first, and"
            for end, again in (("come back so", False), ("put back by the same order, not by its inverse", True)):
                yield AnswerChange(f"{sentence} {end}", _nothing, of_case=_in_order(parameter, sign, again))
        for axis, dim in enumerate(dims):
            sentence = f"{{name}} along {dim} stands as many places too late as there are behind {shown}, round the end"
            yield AnswerChange(sentence, _nothing, of_case=_behind(parameter, axis - len(dims)))


def _nothing(_: Array, __: Array, ___: int) -> Along | None:
    return None


def _number_of_each(case: Case, parameter: Parameter, axes: int) -> Array | None:
    """A whole number of each example of a batch, or how many places of its mask are true; None if they share one."""
    array = case.arrays[parameter.name]
    if array.ndim - len(parameter.dims) != axes:
        return None
    return np.asarray(array.sum(axis=-1)) if parameter.dims else array


def _in_order(parameter: Parameter, sign: int, again: bool) -> Callable[[Case], OfValues]:
    """The examples in the order of a number of each, or once more in this order."""

    def of_case(case: Case) -> OfValues:
        def of(value: Array, _: Array, axes: int) -> Along | None:
            numbers = _number_of_each(case, parameter, axes)
            if numbers is None or axes != 1 or len(value) < 2:
                return None
            order = np.argsort(sign * numbers, kind="stable")
            order = order[order] if again else order
            return lambda array: array[order]

        return of

    return of_case


def _behind(parameter: Parameter, axis: int) -> Callable[[Case], OfValues]:
    """The places along an axis, moved behind in each example by what the axis is longer than a number of it."""

    def of_case(case: Case) -> OfValues:
        def of(value: Array, _: Array, axes: int) -> Along | None:
            size, numbers = value.shape[axis], _number_of_each(case, parameter, axes)
            if numbers is None or not size:
                return None
            places = (np.arange(size) - np.maximum(size - numbers[..., None], 0)) % size
            wanted = np.moveaxis(value, axis, axes).ndim

            def moved(array: Array) -> Array:
                first = np.moveaxis(array, axis, axes)
                at = places.reshape(*places.shape, *(1,) * (wanted - axes - 1)).astype(int)
                return np.moveaxis(np.take_along_axis(first, np.broadcast_to(at, first.shape), axes), axes, axis)

            return moved

        return of

    return of_case


def _halves_first(value: Array, _: Array, axes: int) -> Along | None:
    """The two halves of the last axis stand in front of the batch, and the memory is read as it was."""

    def change(array: Array) -> Array:
        return np.stack(np.split(array, 2, -1)).reshape(array.shape)

    return change if axes and len(value) > 1 and value.shape[-1] % 2 == 0 else None


def _of_half(change: AnswerChange, place: int, says: str) -> AnswerChange:
    """A change of one half of an output along its last axis."""

    def of_case(case: Case) -> OfValues:
        def of(value: Array, answer: Array, axes: int) -> Along | None:
            if value.shape[-1] % 2:
                return None
            own, found = (np.split(array, 2, -1)[place] for array in (value, answer))
            along = change.in_case(case, own, found, axes)

            def one(array: Array) -> Array:
                halves = np.split(array, 2, -1)
                halves[place] = along(halves[place]) if along is not None else halves[place]
                return np.concatenate(halves, -1)

            return one if along is not None else None

        return of

    return AnswerChange(says, _nothing, change.is_general, of_case)


MOST_MATCHED = 1_000_000
"""Convention: comparisons of places with one another, in looking for their order."""

TILES = (2, 4, 8, 16, 32, 64, 128)
"""Sizes of a tile in which a row may be written."""


IN_A_BATCH: dict[str, Along] = {
    "{name} of every example of a batch is that of the first": lambda a: np.broadcast_to(a[:1], a.shape),
    "{name} of every example of a batch is that of the last": lambda a: np.broadcast_to(a[-1:], a.shape),
    "{name} of every example of a batch is the mean over the batch": lambda a: np.broadcast_to(
        a.mean(0, keepdims=True), a.shape
    ),
    "{name} of every example of a batch is the sum over the batch": lambda a: np.broadcast_to(
        a.sum(0, keepdims=True), a.shape
    ),
    "{name} is written for the first example of a batch alone, elsewhere it is 0": lambda a: _alone(a, 0, 0),
    "{name} is written for the last example of a batch alone, elsewhere it is 0": lambda a: _alone(a, -1, -1),
    "{name} is written to the place of the first example for all of a batch: the last one remains": lambda a: _alone(
        a, -1, 0
    ),
    "{name} is returned in reverse order along the batch axis": lambda a: a[::-1],
    "{name} of each example of a batch is that of the next": lambda a: np.roll(a, -1, 0),
    "{name} of each example of a batch is that of the one before": lambda a: np.roll(a, 1, 0),
}
"""{sentence: change} of an output along a batch axis."""


def _alone(array: Array, example: int, place: int) -> Array:
    """One example of a batch at one place, and 0 elsewhere."""
    written = np.zeros_like(array)
    written[place] = array[example]
    return written


def _batched(change: Along) -> Callable[[Array, Array, int], Along | None]:
    return lambda value, _, axes: change if axes and len(value) > 1 else None


def _along(axis: int, change: Along) -> Callable[[Array, Array, int], Along | None]:
    def moved(array: Array) -> Array:
        return np.moveaxis(change(np.moveaxis(array, axis, 0)), 0, axis)

    return lambda value, _, __: moved if value.shape[axis] > 1 else None


def _halves_exchanged(axis: int) -> Callable[[Array, Array, int], Along | None]:
    along = _along(axis, lambda a: np.roll(a, len(a) // 2, 0))
    return lambda value, answer, axes: along(value, answer, axes) if value.shape[axis] % 2 == 0 else None


def _flattened(axis: int) -> Callable[[Array, Array, int], Along | None]:
    def change(array: Array) -> Array:
        return np.swapaxes(array, 0, axis).reshape(array.shape)

    return lambda value, _, axes: change if axes and len(value) > 1 and value.shape[axis] > 1 else None


def _spilled(axis: int, tile: int) -> Callable[[Array, Array, int], Along | None]:
    """The last tile of each row covers the first places of the next row with 0; rows are written from the last on."""

    def change(array: Array) -> Array:
        place = array.ndim + axis
        rows = np.array(array).reshape(-1, *array.shape[place:])
        rows[1:, : -array.shape[place] % tile] = 0
        return rows.reshape(array.shape)

    return lambda value, _, __: change if value.ndim + axis > 0 and value.size else None


def _sorted(value: Array, answer: Array, axes: int) -> Along | None:
    """The examples in the order in which the answer has them."""
    if axes != 1 or len(value) < 2 or not np.isfinite(value).all():
        return None
    order = _order(value.reshape(len(value), -1), answer.reshape(len(value), -1))
    return lambda array: array[order]


def _order(rows: Array, found: Array) -> list[int]:
    """The rows in the order in which they are found, each once."""
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(rows[None] - found[:, None]).sum(axis=-1)
    order: list[int] = []
    for row in distance:
        row[order] = np.inf  # each comes back once
        order.append(int(np.argmin(row)))
    return order


def _in_other_order(axis: int) -> Callable[[Array, Array, int], Along | None]:
    """The places along an axis in the order in which the answer has them, in each example another one."""

    def of(value: Array, answer: Array, axes: int) -> Along | None:
        def examples(array: Array) -> Array:
            first = np.moveaxis(array, axis, axes)
            return first.reshape(-1, first.shape[axes], int(np.prod(first.shape[axes + 1 :])))

        if not value.size or value.size * value.shape[axis] > MOST_MATCHED or not np.isfinite(value).all():
            return None
        pairs = zip(examples(value), examples(answer), strict=True)
        orders = np.array([_order(rows, found) for rows, found in pairs])[..., None]

        def ordered(array: Array) -> Array:
            first = np.moveaxis(array, axis, axes)
            return np.moveaxis(np.take_along_axis(examples(array), orders, 1).reshape(first.shape), axes, axis)

        return ordered

    return of


def _of_others(value: Array, answer: Array, axes: int) -> Along | None:
    """Each example as the one that the answer has in its place, of one batch axis or several."""
    lead = value.shape[:axes]
    count = int(np.prod(lead)) if axes else 0
    if count < 2 or not value.size or not np.isfinite(value).all():
        return None
    rows, found = value.reshape(count, -1), answer.reshape(count, -1)
    with np.errstate(invalid="ignore", over="ignore"):
        order = np.array([np.argmin(np.abs(rows - row).sum(axis=-1)) for row in found])
    return lambda array: array.reshape(count, *array.shape[axes:])[order].reshape(array.shape)


def _reread(_: Array, __: Array, ___: int) -> Along:
    return lambda array: np.swapaxes(array, -1, -2).reshape(array.shape)
