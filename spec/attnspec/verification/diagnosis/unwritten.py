"""Places of an output that are not written: behind the last whole tile, or behind a fixed number of places.

Only the places that are wrong are looked at. Every case must agree: all that is wrong lies in the part that is not
written, and wherever that part has values that would show, it is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from attnspec.interpreters.formula.formula import text_of_result
from attnspec.language.tree import Definition
from attnspec.thresholds import UNWRITTEN_CASES
from attnspec.verification.candidate.observation import Array
from attnspec.verification.diagnosis import locate
from attnspec.verification.judge.residuals import Compared
from attnspec.verification.judge.statistics import wrong_values

WIDTHS = (8, 4, 2)
"""The widths of the widest vectors of elements that are written together."""

TILES = (1024, 512, 256, 128, 64, 32, 16, 8, 4, 2)
"""Sizes of a tile that are tried besides those of the candidate's code."""


@dataclass(frozen=True, slots=True)
class Along:
    """Places along one axis, or rows of all examples one behind the other.

    Attributes:
        says: the axis, in words.
        places: the elements of an output as (places, others); None where an output has no such axis.
        is_whole: whether these are all elements of an output.
    """

    says: str
    places: Callable[[Array], Array | None]
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the places that is not written.

    Attributes:
        says: the part, in words, with {along} for the axis.
        start: its first place, of so many places of an output that has rows of so many elements.
    """

    says: str
    start: Callable[[int, int], int]


def unwritten(
    definition: Definition, compared: Sequence[Compared], sizes: Iterable[int] = (), arbitrary: bool = False
) -> str:
    """Describe the part of each wrong output that is not written; "" if that does not explain all that is wrong.

    Args:
        compared: all answers, right ones included.
        sizes: numbers of the candidate's code, which may be sizes of tiles.
        arbitrary: whether what stands in that part may be anything, as in memory that is not initialised. Otherwise it
            is one number.
    """
    sentences = []
    tiles = dict.fromkeys([*(size for size in sizes if size > 1), *TILES])
    for output in sorted({comparison.output for comparison in compared if comparison.fails}):
        own = [comparison for comparison in compared if comparison.output == output]
        name = text_of_result(definition, output) if len(definition.results) > 1 else "it"
        said = _of_output(definition, output, own, tiles, arbitrary)
        if not said:
            return ""
        sentences.append(f"{name} {said} (wrong {locate.where(own, definition=definition)})")
    return "; ".join(sentences)


def _of_output(
    definition: Definition, output: int, compared: Sequence[Compared], tiles: Iterable[int], arbitrary: bool
) -> str:
    found = wrong_values(compared)
    if not arbitrary and len(found) > 1:
        return ""
    left = "is not written" if arbitrary else f"is {found[0] + 0:g}"
    for along in _axes(definition, output):
        for part in _parts(compared, along, tiles):
            if _explains(compared, along, part, arbitrary):
                return f"{left} {part.says.format(along=along.says)}, as if nothing were written there"
    return ""


def _axes(definition: Definition, output: int) -> Iterator[Along]:
    """The axes of an output, then the rows, or the elements, of all examples."""
    dims = definition.results[output].dims
    for axis, dim in enumerate(dims):
        back = axis - len(dims)
        yield Along(f"along {dim}", lambda a, back=back: _places(a, back))  # type: ignore[misc]  # mypy does not infer a lambda with a default
    yield Along("of the rows of all examples", lambda a: a.reshape(-1, a.shape[-1]) if a.ndim and a.size else None)
    yield Along("of all elements", lambda a: a.reshape(a.size, 1), is_whole=True)


def _places(array: Array, axis: int) -> Array:
    """The elements of an output as (places along an axis, others)."""
    return np.moveaxis(array, axis, 0).reshape(array.shape[axis], array.size // max(array.shape[axis], 1))


def _parts(compared: Sequence[Compared], along: Along, tiles: Iterable[int]) -> Iterator[Part]:
    """The parts that may not be written: all but whole tiles, with or without the only tile, or all but the first."""
    firsts = []
    for comparison in compared:
        wrong = along.places(comparison.ratio > 1)
        if wrong is not None and wrong.any():
            firsts.append((int(np.flatnonzero(wrong.any(axis=1))[0]), len(wrong)))
    if len({first for first, _ in firsts}) == 1 and len({length for _, length in firsts}) > 1 and firsts[0][0]:
        first = firsts[0][0]
        yield Part(f"behind the first {first:,} places {{along}}", lambda length, row: min(first, length))
    for tile in tiles:
        if all(first >= length // tile * tile for first, length in firsts):
            words = f"behind the last whole tile of {tile} {{along}}"
            yield Part(words, lambda length, row, tile=tile: length // tile * tile)  # type: ignore[misc]  # likewise
            yield Part(
                f"{words}, unless it is the only one",
                lambda length, row, tile=tile: length // tile * tile or length,  # type: ignore[misc]  # likewise
            )
    if along.is_whole:
        yield from map(_vectors, WIDTHS)


def _vectors(widest: int) -> Part:
    """All but a share of the elements, one divided by the width of the vectors in which they are written."""

    def start(length: int, row: int) -> int:
        width = next(width for width in (8, 4, 2, 1) if width <= widest and row % width == 0)
        return -(-(length // width) // width) * width

    widths = " or ".join(str(width) for width in (8, 4, 2) if width <= widest)
    return Part(f"behind the first 1/w {{along}}, where vectors of w = {widths} divide a row", start)


def _explains(compared: Sequence[Compared], along: Along, part: Part, arbitrary: bool) -> bool:
    """Whether every case is wrong in this part, where it would show, and nowhere else."""
    shown = 0
    for comparison in compared:
        wrong = along.places(comparison.ratio > 1)
        if wrong is None:
            if comparison.fails:
                return False
            continue
        start = part.start(len(wrong), comparison.ratio.shape[-1] if comparison.ratio.ndim else 1)
        if wrong[:start].any():
            return False
        value = along.places((np.abs(comparison.noise.value) > comparison.noise.bound) & comparison.decidable)
        rest = wrong[start:] if value is None else wrong[start:][value[start:]]
        if rest.size and not (rest.any() if arbitrary else rest.all()):
            return False
        shown += bool(rest.size and start)
    return shown >= UNWRITTEN_CASES
