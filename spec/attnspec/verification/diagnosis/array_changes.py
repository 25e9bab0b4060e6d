"""Other arrays that software may read in place of one: in another order, cut, filled, shifted, or in fewer bits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from attnspec.language.tree import Parameter
from attnspec.verification.candidate.observation import Array

OfArray = Callable[[Array, int], Array | None]
"""Another array, of an array and the number of its batch axes; None where the change does not apply."""


def _batched(change: Callable[[Array], Array]) -> OfArray:
    """A change along the first batch axis."""
    return lambda array, axes: change(array) if axes and len(array) > 1 else None


def _filled(array: Array, chosen: Array) -> Array:
    """An array of which all examples are one."""
    return np.broadcast_to(chosen, array.shape).copy()


IN_A_BATCH: dict[str, OfArray] = {
    "all examples of a batch read {name} of the first one": _batched(lambda a: _filled(a, a[:1])),
    "all examples of a batch read {name} of the last one": _batched(lambda a: _filled(a, a[-1:])),
    "each example of a batch reads {name} of the next one": _batched(lambda a: np.roll(a, -1, 0)),
    "each example of a batch reads {name} of the one before": _batched(lambda a: np.roll(a, 1, 0)),
    "the examples of a batch read {name} in reverse order": _batched(lambda a: a[::-1].copy()),
}
"""{sentence: change} of arguments along a batch axis."""


ALONG: dict[str, Callable[[Array], Array]] = {
    "{{name}} are read in reverse order along {dim}": lambda a: a[::-1].copy(),
    "all places of {{name}} along {dim} are read as the first": lambda a: _filled(a, a[:1]),
    "the place before the last of {{name}} along {dim} is read as the last": lambda a: np.concatenate(
        [a[:-1], a[-2:-1] if len(a) > 1 else a[-1:]]
    ),
}
"""{sentence: change} of two arguments along an axis in common, which is their first."""


def changes_of_one(parameter: Parameter, tiles: Iterable[int]) -> Iterator[tuple[str, OfArray]]:
    """The changes of one argument."""
    yield from IN_A_BATCH.items()
    if parameter.kind == "bool":
        yield from _masks(tiles)
    if parameter.kind in REDUCED:
        for word, reduction in REDUCED[parameter.kind].items():
            yield f"all examples of a batch read the {word} of {{name}}", _batched(_reduced(reduction))
    if parameter.kind == "int":
        yield from ORDERED.items()
    yield "{name} is read with its two batch axes exchanged", _exchanged_batch
    for axis, dim in enumerate(parameter.dims):
        back = axis - len(parameter.dims)
        yield f"{{name}} is read in reverse order along {dim}", _reversed(back)
        yield f"the first place of {{name}} along {dim} is read at every place", _first(back)
        yield f"the last place of {{name}} along {dim} is read as the one before it", _before_last(back)
        yield f"{{name}} is read as if its axis {dim} lay before the batch axis", _flattened(back)
        if not parameter.symbol.weight:
            yield from _first_of_tiles(back, str(dim), tiles)
        if parameter.kind == "float" and not parameter.symbol.weight:
            yield from _shifted(back, str(dim))
            yield from _in_whole_tiles(back, str(dim), tiles)
    if parameter.kind == "float" and parameter.dims and not parameter.symbol.weight:
        for words, stride in STRIDES.items():
            yield f"the rows of {{name}} are read as if they lay {words} apart, and 0 behind the last", _strided(stride)
    if len(parameter.dims) > 1:
        yield "{name} is read with its axes exchanged", _reread
        yield "the memory of {name} is taken for that of its transpose", _viewed
        yield "{name} is transposed where it is square", _transposed


def _shifted(axis: int, dim: str) -> Iterator[tuple[str, OfArray]]:
    """Each place is read as its neighbour, with 0 at the end or round the ends."""
    for word, step, end in (("before", 1, "first"), ("behind", -1, "last")):

        def round_the_ends(array: Array, _: int, step: int = step) -> Array:
            return np.roll(array, step, axis)

        def with_zero(array: Array, _: int, step: int = step) -> Array:
            moved = np.moveaxis(np.roll(array, step, axis), axis, 0)
            moved[:1] = 0 if step == 1 else moved[:1]
            moved[-1:] = 0 if step == -1 else moved[-1:]
            return np.moveaxis(moved, 0, axis)

        says = f"each place of {{name}} along {dim} is read as the one {word} it"
        yield f"{says}, and 0 at the {end}", with_zero
        yield f"{says}, round the ends", round_the_ends


def _in_whole_tiles(axis: int, dim: str, tiles: Iterable[int]) -> Iterator[tuple[str, OfArray]]:
    """What is behind the last whole tile is read as 0, unless that is all."""
    for tile in dict.fromkeys((*tiles, 4, *TILES)):

        def change(array: Array, _: int, tile: int = tile) -> Array | None:
            kept = np.moveaxis(array.copy(), axis, 0)
            kept[len(kept) // tile * tile :] = 0
            return np.moveaxis(kept, 0, axis) if array.shape[axis] >= tile else None

        yield f"{{name}} along {dim} is read as 0 behind the last whole tile of {tile}, unless that is all", change


def _first_of_tiles(axis: int, dim: str, tiles: Iterable[int]) -> Iterator[tuple[str, OfArray]]:
    """Each place is read as the first one of its tile, where there are several tiles."""
    for tile in dict.fromkeys((*tiles, *TILES)):

        def change(array: Array, _: int, tile: int = tile) -> Array | None:
            size = array.shape[axis]
            return np.take(array, np.arange(size) // tile * tile, axis) if size else None

        yield f"the first place of each tile of {tile} of {{name}} along {dim} is read for the whole tile", change


def counted_in(bits: int, signed: bool) -> OfArray:
    """Rows that begin in memory where a number of so many bits says; a negative one counts from the end."""

    def change(array: Array, axes: int) -> Array | None:
        width, size, half = array.shape[-1], int(np.prod(array.shape[axes:])), 2 ** (bits - 1)
        if size <= half:
            return None
        first = np.arange(0, size, width) % (2 * half)
        first = np.where(first >= half, first - 2 * half, first) if signed else first
        places = (first[:, None] + np.arange(width)) % size
        return np.asarray(array.reshape(*array.shape[:axes], size)[..., places].reshape(array.shape))

    return change


def _multiple(of: int) -> Callable[[int], int]:
    return lambda width: -(-width // of) * of


STRIDES: dict[str, Callable[[int], int]] = {
    "a power of two": lambda width: 1 << max(width - 1, 0).bit_length(),
    **{f"a multiple of {tile}": _multiple(tile) for tile in (4, 8, 16, 32, 64)},
}
"""{how far apart rows are taken to lie, in words: the distance, of their width}."""


def _strided(stride: Callable[[int], int]) -> OfArray:
    """The rows of an array in memory, read another distance apart than they lie."""

    def change(array: Array, _: int) -> Array | None:
        if array.ndim < 2 or not array.size:
            return None
        width = array.shape[-1]
        rows = array.size // width
        places = np.arange(rows)[:, None] * stride(width) + np.arange(width)
        memory = np.append(array.ravel(), np.zeros(1, array.dtype))
        return np.asarray(memory[np.minimum(places, array.size)].reshape(array.shape))

    return change


def _reduced(reduction: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda array: _filled(array, reduction(array)[None])


REDUCED: dict[str, dict[str, Callable[[Array], Array]]] = {
    "bool": {
        "disjunction": lambda a: np.asarray(a.any(axis=0)),
        "conjunction": lambda a: np.asarray(a.all(axis=0)),
    },
    "int": {"largest": lambda a: np.asarray(a.max(axis=0)), "smallest": lambda a: np.asarray(a.min(axis=0))},
    "float": {"mean": lambda a: np.asarray(a.mean(axis=0))},
}
"""{kind: {word: reduction over the first batch axis}}."""


ORDERED: dict[str, OfArray] = {
    "each row of {name} is read in ascending order": lambda a, axes: np.sort(a, axis=-1) if a.ndim > axes else None,
    "{name} of all examples is read in ascending order": lambda a, _: np.sort(a, axis=None).reshape(a.shape),
}
"""{sentence: change} of whole numbers that are sorted where they lie, as tokens and lengths are."""


NUMBERS: dict[str, OfArray] = {
    "half of {name} is read instead of it": lambda a, _: a / 2,
    "{name} is doubled": lambda a, _: a * 2,
    "{name} has the other sign": lambda a, _: -a,
    "1 − {name} is read instead of it": lambda a, _: 1 - a,
}
"""{sentence: change} of what decides a whole number, to which no number can be fitted."""


def _counted(array: Array, _: int) -> Array:
    """As many places from the front as are true."""
    return np.asarray(np.arange(array.shape[-1]) < array.sum(axis=-1, keepdims=True))


def _spread(array: Array, _: int) -> Array:
    """All up to the last place that is true."""
    return np.asarray(np.maximum.accumulate(array[..., ::-1], axis=-1)[..., ::-1])


def _until_hidden(tile: int, whole: bool) -> OfArray:
    """Nothing is seen from the first tile on in which all is hidden: of a row, or of all rows of an example."""

    def change(array: Array, axes: int) -> Array:
        starts = np.arange(0, array.shape[-1], tile)
        seen = np.logical_or.reduceat(array, starts, axis=-1) if len(starts) else array
        if whole:
            seen = np.asarray(seen.any(axis=tuple(range(axes, array.ndim - 1)), keepdims=True))
        before = np.logical_and.accumulate(seen, axis=-1)
        return np.asarray(array & np.repeat(before, tile, axis=-1)[..., : array.shape[-1]])

    return change


TILES = (8, 16, 32, 64, 128)
"""The sizes of a tile in which a mask may hide everything, or an axis end, besides those of the candidate's code."""


def _masks(tiles: Iterable[int]) -> Iterator[tuple[str, OfArray]]:
    """The changes of masks."""
    yield from MASKS.items()
    for tile in dict.fromkeys((*tiles, *TILES)):
        for words, whole in (("all", True), ("all of a row", False)):
            says = f"nothing is read from the first tile of {tile} on in which {{name}} hides {words}"
            yield says, _until_hidden(tile, whole)


MASKS: dict[str, OfArray] = {
    "{name} is read as a length: as many places from the front as are true": _counted,
    "{name} is read as true up to its last true place": _spread,
    "{name} is read as true everywhere": lambda a, _: np.ones_like(a),
    **{
        f"{{name}} of the place {where} is read, {filled} at the {end}": change
        for filled, fill in (("true", True), ("false", False))
        for where, end, change in (
            (
                "before",
                "first",
                lambda a, _, fill=fill: np.concatenate([np.full_like(a[..., :1], fill), a[..., :-1]], -1),
            ),
            (
                "behind",
                "last",
                lambda a, _, fill=fill: np.concatenate([a[..., 1:], np.full_like(a[..., :1], fill)], -1),
            ),
        )
    },
}
"""{sentence: change} of masks."""


def _exchanged_batch(array: Array, axes: int) -> Array | None:
    return np.swapaxes(array, 0, 1).reshape(array.shape) if axes > 1 else None


def _reversed(axis: int) -> OfArray:
    return lambda array, _: np.flip(array, axis)


def _first(axis: int) -> OfArray:
    return lambda array, _: _filled(array, np.take(array, [0], axis)) if array.shape[axis] > 1 else None


def _before_last(axis: int) -> OfArray:
    def change(array: Array, _: int) -> Array | None:
        size = array.shape[axis]
        return np.take(array, [*range(size - 1), size - 2], axis) if size > 1 else None

    return change


def _flattened(axis: int) -> OfArray:
    """The memory of an array whose own axis stands in front of the last batch axis."""

    def change(array: Array, axes: int) -> Array | None:
        if not axes:
            return None
        return np.moveaxis(array, axis, axes - 1).reshape(array.shape)

    return change


def _reread(array: Array, _: int) -> Array:
    """The memory of the transposed array, read in the shape of the array."""
    return np.swapaxes(array, -1, -2).reshape(array.shape)


def _viewed(array: Array, _: int) -> Array:
    """The array whose transpose has this memory."""
    *lead, rows, columns = array.shape
    return np.swapaxes(array.reshape(*lead, columns, rows), -1, -2).copy()


def _transposed(array: Array, _: int) -> Array | None:
    return np.swapaxes(array, -1, -2).copy() if array.shape[-1] == array.shape[-2] else None


def _scaled(levels: int, axis: int | None) -> OfArray:
    """Whole numbers of up to so many, with one scale for the largest along an axis, or of all."""

    def change(array: Array, axes: int) -> Array | None:
        if not array.size or (axis is not None and array.ndim - axes < -axis):
            return None
        scale = np.abs(array).max(axis=axis, keepdims=True) / levels
        scale = np.where(scale > 0, scale, 1.0)
        return np.asarray(np.rint(array / scale) * scale)

    return change


def _to_float8(bits: int, least: int, largest: float, scaled: bool) -> OfArray:
    """Numbers of so many bits down to 2^least, those beyond the largest cut to it; of the largest of all, if scaled."""

    def change(array: Array, _: int) -> Array | None:
        if not array.size or not np.abs(array).max():
            return None
        scale = np.abs(array).max() / largest if scaled else 1.0
        _, exponent = np.frexp(array / scale)
        step = np.ldexp(1.0, np.maximum(exponent - bits, least))
        return np.asarray(np.clip(np.rint(array / scale / step) * step, -largest, largest) * scale)

    return change


FEWER_BITS: dict[str, OfArray] = {
    **{
        f"whole numbers of up to {levels}, with one scale for {words}": _scaled(levels, axis)
        for levels in (127, 7)
        for words, axis in (("each row", -1), ("each column", -2), ("all", None))
    },
    **{
        f"float8 ({name}){', with one scale for all' if scaled else ''}": _to_float8(bits, least, largest, scaled)
        for name, bits, least, largest in (("e4m3", 4, -9, 448.0), ("e5m2", 3, -16, 57344.0))
        for scaled in (False, True)
    },
}
"""{type: change} of numbers that are kept in 8 bits or fewer."""


def two_of_four(axis: int) -> OfArray:
    """Of each four numbers along an axis the two largest, and 0 for the others; a last group of fewer stays."""

    def change(array: Array, _: int) -> Array | None:
        moved = np.moveaxis(array.copy(), axis, -1)
        whole = moved.shape[-1] // 4 * 4
        groups = moved[..., :whole].reshape(*moved.shape[:-1], whole // 4, 4)
        least = np.sort(np.abs(groups), axis=-1)[..., 2:3]
        moved[..., :whole] = np.where(np.abs(groups) >= least, groups, 0).reshape(*moved.shape[:-1], whole)
        return np.moveaxis(moved, -1, axis)

    return change
