"""Other inputs that software may read in place of its arguments: of another example, in another order, cut, filled.

Each change makes a case of a case. A candidate with the mistake computes the equation, of the changed case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, permutations

import numpy as np

from attnspec.interpreters.evaluation.call import fit
from attnspec.interpreters.formula.formula import text_of, text_of_names
from attnspec.language.dims import Dim
from attnspec.language.tree import Definition, Name, Option, Parameter
from attnspec.verification.candidate.observation import Array
from attnspec.verification.cases.case import Case
from attnspec.verification.cases.distributions import rounded

MOST_TOGETHER = 4
"""Of more arguments than this with a batch axis, or with one axis in common, no two are changed together."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of inputs.

    Attributes:
        says: the sentence of the mistake.
        of: the changed case; None where the change does not apply, or changes nothing.
        copies: the most copies of one element that the changed case may have, which round alike.
    """

    says: str
    of: Callable[[Case], Case | None]
    copies: int = 1


OfArray = Callable[[Array, int], Array | None]
"""Another array, of an array and the number of its batch axes; None where the change does not apply."""


def input_changes(definition: Definition, tiles: Iterable[int] = ()) -> Iterator[Change]:
    """The changes of inputs that are tried, those of one argument first.

    Args:
        tiles: sizes of tiles that are tried before the usual ones.
    """
    arrays = [parameter for parameter in definition.parameters if parameter.kind != "layers"]
    for parameter in arrays:
        for says, change in _of_one(parameter, tiles):
            yield _change([parameter], says, definition, change)
        yield from _whole_numbers(parameter, definition)
        if parameter.kind == "float" and any(result.kind == "int" for result in definition.results):
            for says, change in NUMBERS.items():
                yield _change([parameter], says, definition, change)
    yield from _compressed(arrays, definition)
    for option in definition.options:
        yield from _options(option)
    yield from _options_together(definition)
    yield from counted_in_16_bits(definition)
    yield from _packings(arrays, definition)
    yield from _dealt_out(arrays, definition)
    yield from _families(arrays)
    yield from _as_long_as_another(arrays, definition)
    yield from _as_long_as_tiles(arrays, definition, tiles)
    for some in _groups(arrays):
        for says, change in IN_A_BATCH.items():
            yield _change(some, says, definition, change)
    for some in combinations([each for each in arrays if each.dims], 2):
        for axis, dim in enumerate(some[0].dims):
            if dim in some[1].dims:
                for says, along in ALONG.items():
                    yield _along_both(some, axis, some[1].dims.index(dim), says.format(dim=dim), definition, along)


def _groups(parameters: Sequence[Parameter]) -> Iterator[tuple[Parameter, ...]]:
    """Arguments that may be mistaken together: two of them, or all."""
    yielded = [each for each in parameters if not each.symbol.weight]
    if len(yielded) <= MOST_TOGETHER:
        for count in range(2, len(yielded) + 1):
            yield from combinations(yielded, count)


def _change(parameters: Sequence[Parameter], says: str, definition: Definition, change: OfArray) -> Change:
    """One change of several arguments."""

    def of(case: Case) -> Case | None:
        changed = {}
        for parameter in parameters:
            array = case.arrays[parameter.name]
            other = change(array, array.ndim - len(parameter.dims))
            if other is None or other.shape != array.shape:
                return None
            changed[parameter.name] = other
        return _with_arrays(case, changed)

    return Change(says.format(name=_names(parameters, definition)), of)


def _compressed(parameters: Sequence[Parameter], definition: Definition) -> Iterator[Change]:
    """Numbers of one array or of all matrices that are kept in 8 or 4 bits, or of which half are dropped."""
    floats = [parameter for parameter in parameters if parameter.kind == "float" and parameter.dims]
    matrices = [parameter for parameter in floats if parameter.symbol.weight and len(parameter.dims) > 1]
    for some in (*((each,) for each in floats), *([tuple(matrices)] if len(matrices) > 1 else [])):
        verb = "is" if len(some) == 1 else "are"
        for says, change in FEWER_BITS.items():
            yield _change(some, f"{{name}} {verb} rounded to {says}", definition, change)
        for words, axis in (("row", -1), ("column", -2)):
            if all(len(each.dims) >= -axis for each in some):
                says = f"of each four numbers in a {words} of {{name}} only the two largest are read"
                yield _change(some, says, definition, _two_of_four(axis))


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


def _two_of_four(axis: int) -> OfArray:
    """Of each four numbers along an axis the two largest, and 0 for the others; a last group of fewer stays."""

    def change(array: Array, _: int) -> Array | None:
        moved = np.moveaxis(array.copy(), axis, -1)
        whole = moved.shape[-1] // 4 * 4
        groups = moved[..., :whole].reshape(*moved.shape[:-1], -1, 4)
        least = np.sort(np.abs(groups), axis=-1)[..., 2:3]
        moved[..., :whole] = np.where(np.abs(groups) >= least, groups, 0).reshape(*moved.shape[:-1], whole)
        return np.moveaxis(moved, -1, axis)

    return change


def _along_both(
    pair: Sequence[Parameter], one: int, other: int, says: str, definition: Definition, along: Callable[[Array], Array]
) -> Change:
    """One change of two arguments along an axis that they have in common."""

    def of(case: Case) -> Case | None:
        changed = {}
        for parameter, axis in zip(pair, (one, other), strict=True):
            array = case.arrays[parameter.name]
            place = array.ndim - len(parameter.dims) + axis
            changed[parameter.name] = np.moveaxis(along(np.moveaxis(array, place, 0)), 0, place)
        return _with_arrays(case, changed)

    return Change(says.format(name=_names(pair, definition)), of)


def _packings(parameters: Sequence[Parameter], definition: Definition) -> Iterator[Change]:
    """Weights of one shape that are packed one behind the other, and unpacked by parts such as heads first."""
    weights = [each for each in parameters if each.symbol.weight and each.dims]
    by_dims = _grouped(weights, lambda each: each.dims)
    for option in definition.options:
        for count in (2, 3):
            groups = [some[-count:] for some in by_dims if option.size and len(some) in (count, 3)]
            if groups:
                shown = "; ".join(_names(group, definition) for group in groups)
                says = f"{shown} are packed one behind the other, and unpacked part by part of {option.name}"
                yield Change(says, _repacked(groups, lambda case, _, name=option.name: int(case.options[name])))  # type: ignore[misc]  # mypy does not infer a lambda with a default
                for shards in SHARDS:
                    says = f"{shown} are packed one behind the other, cut into {shards} shards, and unpacked in each"
                    yield Change(says, _repacked(groups, lambda _, __, shards=shards: shards))  # type: ignore[misc]  # likewise
    matrices = [each for each in weights if len(each.dims) > 1]
    for alike in (by_dims, _grouped(matrices, lambda each: each.dims[:-1])):
        groups = [some for some in alike if 1 < len(some) <= MOST_PACKED]
        if groups:
            shown = "; ".join(_names(group, definition) for group in groups)
            says = f"{shown} are packed one behind the other, and unpacked unit by unit in turn"
            yield Change(says, _repacked(groups, lambda _, width: width))


SHARDS = (2, 4)
"""Into how many pieces packed weights are cut, of which each is unpacked for itself."""

MOST_PACKED = 4
"""As many weights of one shape are packed together as a recurrent cell has gates."""


def _grouped(parameters: Sequence[Parameter], key: Callable[[Parameter], object]) -> list[list[Parameter]]:
    """Arguments in groups that have a key in common."""
    groups: dict[object, list[Parameter]] = {}
    for parameter in parameters:
        groups.setdefault(key(parameter), []).append(parameter)
    return [*groups.values()]


def _repacked(
    groups: Sequence[Sequence[Parameter]], parts: Callable[[Case, int], int]
) -> Callable[[Case], Case | None]:
    """The case whose weights of each group are packed, and unpacked in as many parts as a function says.

    Args:
        parts: of a case, and of the size of the last axis of each weight.
    """

    def of(case: Case) -> Case | None:
        changed: dict[str, Array] = {}
        for group in groups:
            arrays = [case.arrays[each.name] for each in group]
            if len({array.shape for array in arrays}) > 1:
                return None
            packed = np.concatenate(arrays, axis=-1)
            by_part = packed.reshape(*packed.shape[:-1], parts(case, arrays[0].shape[-1]), len(group), -1)
            for place, each in enumerate(group):
                changed[each.name] = by_part[..., place, :].reshape(case.arrays[each.name].shape)
        return _with_arrays(case, changed)

    return of


def _dealt_out(parameters: Sequence[Parameter], definition: Definition) -> Iterator[Change]:
    """The units of weights and of their biases are dealt out to parts such as heads in turn, not in one piece each."""
    weights = [each for each in parameters if each.symbol.weight and each.dims]
    for option in (each for each in definition.options if each.size):
        cut = [each for each in weights if option.size in each.dims[-1].names and len(each.dims[-1].names) > 1]
        families = _grouped(cut, lambda each: each.name.rpartition("_")[2])
        some = [[each] for each in families] + [[*pair] for pair in combinations(families, 2)]
        for chosen in [*some, families] if len(families) > 2 else some:
            dealt = [*chain.from_iterable(chosen)]
            shown = _names(dealt, definition)
            says = f"the units of {shown} are dealt out to {option.name} in turn, not in one piece each"
            yield Change(says, _dealt([each.name for each in dealt], option.name))


def _dealt(names: Sequence[str], parts: str) -> Callable[[Case], Case | None]:
    """The case in which the units of some arrays, along their last axis, are in turn of each part."""

    def of(case: Case) -> Case | None:
        number = int(case.options[parts])
        if any(case.arrays[name].shape[-1] % number for name in names):
            return None
        turned = {name: case.arrays[name].reshape(*case.arrays[name].shape[:-1], -1, number) for name in names}
        return _with_arrays(
            case, {name: array.swapaxes(-1, -2).reshape(case.arrays[name].shape) for name, array in turned.items()}
        )

    return of


def _families(parameters: Sequence[Parameter]) -> Iterator[Change]:
    """Arguments named alike but for what stands behind the last underscore, as the weights of two directions are."""
    by_end: dict[str, dict[str, Parameter]] = {}
    for parameter in parameters:
        stem, _, end = parameter.name.rpartition("_")
        by_end.setdefault(end, {})[stem] = parameter
    for one, other in combinations(by_end, 2):
        stems = [stem for stem, each in by_end[one].items() if stem and _alike(each, by_end[other].get(stem))]
        if len(stems) > 1:
            ends = {end: [by_end[end][stem].name for stem in stems] for end in (one, other)}
            for read, instead in ((one, other), (other, one)):
                says = f"the arguments that end in _{read} are read in place of those that end in _{instead}"
                yield Change(says, _read(ends[read], ends[instead]))
            both = (ends[one] + ends[other], ends[other] + ends[one])
            yield Change(f"the arguments that end in _{one} and those that end in _{other} are swapped", _read(*both))


def _as_long_as_another(parameters: Sequence[Parameter], definition: Definition) -> Iterator[Change]:
    """All arguments along an axis of no result are read as far as another axis goes, with 0 behind their last place."""

    def as_long_as(other: Dim) -> Callable[[Case], int]:
        return lambda case: _size(definition, case, str(other))

    in_results = {dim for result in definition.results for dim in result.dims}
    dims = dict.fromkeys(dim for each in parameters for dim in each.dims if str(dim).isidentifier())
    for dim, other in permutations(dims, 2):
        if dim not in in_results:
            along = [each for each in parameters if dim in each.dims]
            names = _names(along, definition)
            says = f"as many places of {names} along {dim} are read as {other} has, and 0 behind the last"
            yield Change(says, _read_as_far(along, dim, as_long_as(other)))


def _as_long_as_tiles(
    parameters: Sequence[Parameter], definition: Definition, tiles: Iterable[int]
) -> Iterator[Change]:
    """All arguments along an axis of no result go on to the end of their last tile, as if it were theirs.

    They go on with 0, or with their last place again. Only numbers go on with 0; a mask would hide what is behind its
    end.
    """

    def up_to(dim: Dim, tile: int) -> Callable[[Case], int]:
        return lambda case: -(-_size(definition, case, str(dim)) // tile) * tile

    in_results = {dim for result in definition.results for dim in result.dims}
    for dim in dict.fromkeys(dim for each in parameters for dim in each.dims if str(dim).isidentifier()):
        along = [each for each in parameters if dim in each.dims]
        for tile in dict.fromkeys((*tiles, *TILES)) if dim not in in_results else ():
            names, verb = _names(along, definition), "have" if len(along) > 1 else "has"
            says = f"{names} {verb} as many places along {dim} as whole tiles of {tile}, and"
            if all(each.kind == "float" for each in along):
                yield Change(f"{says} 0 behind the last", _read_as_far(along, dim, up_to(dim, tile)))
            again = _read_as_far(along, dim, up_to(dim, tile), again=True)
            yield Change(f"{says} the last one again behind it", again, copies=tile)


def _read_as_far(
    parameters: Sequence[Parameter], dim: Dim, far: Callable[[Case], int], again: bool = False
) -> Callable[[Case], Case | None]:
    """The case whose arguments are as long along an axis as is said of it.

    Args:
        again: whether their last place is read behind it, not 0.
    """

    def of(case: Case) -> Case | None:
        size, changed = far(case), {}
        for parameter in parameters:
            array = case.arrays[parameter.name]
            for axis in (k - len(parameter.dims) for k, each in enumerate(parameter.dims) if each == dim):
                if again:
                    array = np.take(array, np.minimum(range(size), array.shape[axis] - 1), axis)
                    continue
                longer = [(0, 0)] * array.ndim
                longer[axis] = (0, max(size - array.shape[axis], 0))
                array = np.take(np.pad(array, longer), range(size), axis)
            changed[parameter.name] = array
        return _with_arrays(case, changed)

    return of


def _alike(one: Parameter, other: Parameter | None) -> bool:
    return other is not None and (one.dims, one.kind) == (other.dims, other.kind)


def _read(read: Sequence[str], instead: Sequence[str]) -> Callable[[Case], Case | None]:
    """The case in which some arguments are read in place of others."""
    return lambda case: _with_arrays(
        case, {name: case.arrays[other] for other, name in zip(read, instead, strict=True)}
    )


def _names(parameters: Sequence[Parameter], definition: Definition) -> str:
    return text_of_names([parameter.name for parameter in parameters], definition)


def _with_arrays(case: Case, changed: dict[str, Array]) -> Case | None:
    """The case with other arrays; None if they are the same."""
    if all(np.array_equal(array, case.arrays[name]) for name, array in changed.items()):
        return None
    return replace(case, arrays={**case.arrays, **changed}, description=None)


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


def _of_one(parameter: Parameter, tiles: Iterable[int]) -> Iterator[tuple[str, OfArray]]:
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


def wrapped_inputs(definition: Definition, lengths: Iterable[int]) -> Iterator[Change]:
    """One argument is read from its start again behind so many places, as from a buffer that is full."""
    for parameter in definition.parameters:
        for axis, dim in enumerate(parameter.dims if parameter.kind != "layers" else ()):
            for length in lengths:

                def change(
                    array: Array, _: int, axis: int = axis - len(parameter.dims), length: int = length
                ) -> Array | None:
                    size = array.shape[axis]
                    return np.take(array, np.arange(size) % length, axis) if size > length else None

                says = f"behind {length:,} places along {dim}, {{name}} is read from its start again"
                yield _change([parameter], says, definition, change)


def counted_in_16_bits(definition: Definition) -> Iterator[Change]:
    """Where a row of an argument begins in memory is counted in 16 bits, with a sign or without."""
    for parameter in definition.parameters:
        for signed, words in ((True, ", and behind half of them from the end"), (False, "")):
            if parameter.kind != "layers" and len(parameter.dims) > 1:
                says = f"where a row of {{name}} begins in memory is counted in 16 bits{words}"
                yield _change([parameter], says, definition, _counted_in(16, signed))


def _counted_in(bits: int, signed: bool) -> OfArray:
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


def _whole_numbers(parameter: Parameter, definition: Definition) -> Iterator[Change]:
    """An argument of whole numbers is one more or less, or −1 or 0 is taken for another one."""
    if parameter.kind != "int":
        return
    symbol = text_of(Name(parameter.name), definition)
    for says, add in ((f"{symbol} + 1", 1), (f"{symbol} − 1", -1)):
        yield _change([parameter], f"{says} is read instead of {symbol}", definition, lambda a, _, add=add: a + add)  # type: ignore[misc]  # mypy does not infer a lambda with a default
    zero = f"{symbol} = −1 is taken for 0"
    yield _change([parameter], zero, definition, lambda a, _: np.maximum(a, 0))
    for dim in dict.fromkeys(dim for other in definition.parameters for dim in other.dims):

        def wrapped(case: Case, dim: object = dim) -> Case | None:
            size = _size(definition, case, str(dim))
            array = case.arrays[parameter.name]
            return _with_arrays(case, {parameter.name: np.where(array < 0, size - 1, array)}) if size else None

        yield Change(f"{symbol} = −1 is taken for the last of {dim}, counted from the end", wrapped)

        def all_of_it(case: Case, dim: object = dim) -> Case | None:
            size = _size(definition, case, str(dim))
            array = case.arrays[parameter.name]
            return _with_arrays(case, {parameter.name: np.where(array == 0, size, array)}) if size else None

        yield Change(f"{symbol} = 0 is taken for {dim}", all_of_it)


def _size(definition: Definition, case: Case, dim: str) -> int:
    """A size of a case by its name; 0 if it has none."""
    shapes = {name: array.shape for name, array in case.arrays.items()}
    sizes: dict[str, int] = fit(definition, shapes, case.options)[0]
    return sizes.get(dim, 0)


def _options(option: Option) -> Iterator[Change]:
    """A whole number is ignored, or one more or less, or twice as much; another number is rounded."""

    def changed(to: Callable[[float], float]) -> Callable[[Case], Case | None]:
        def of(case: Case) -> Case | None:
            old = case.options[option.name]
            options = {**case.options, option.name: to(old)}
            return None if to(old) == old else replace(case, options=options, description=None)

        return of

    for says, to in (WHOLE if option.kind == "int" else ROUNDED).items():
        yield Change(says.format(name=option.name), changed(to))


def _options_together(definition: Definition) -> Iterator[Change]:
    """All numbers that are no whole ones are rounded, as they come from code that holds them in another type."""
    names = [option.name for option in definition.options if option.kind != "int"]
    if len(names) < 2:
        return
    shown = text_of_names(names, definition)
    for dtype in NARROWER:

        def of(case: Case, dtype: str = dtype) -> Case | None:
            options = {name: float(rounded(np.asarray(case.options[name]), dtype)) for name in names}
            changed = any(options[name] != case.options[name] for name in names)
            return replace(case, options={**case.options, **options}, description=None) if changed else None

        yield Change(f"{shown} are rounded to {dtype} first", of)


NARROWER = ("float32", "float16", "bfloat16")
"""The types in which software may hold options."""

WHOLE: dict[str, Callable[[float], float]] = {
    "{name} is ignored: 0 is used": lambda _: 0,
    "{name} is ignored: 1 is used": lambda _: 1,
    "{name} is ignored: 2 is used": lambda _: 2,
    "{name} + 1 is used instead of {name}": lambda n: n + 1,
    "{name} − 1 is used instead of {name}": lambda n: n - 1,
    "2 · {name} is used instead of {name}": lambda n: 2 * n,
}
"""{sentence: another whole number} of options."""


ROUNDED: dict[str, Callable[[float], float]] = {
    **{
        f"{{name}} is rounded to {dtype} first": lambda x, dtype=dtype: float(rounded(np.asarray(x), dtype))  # type: ignore[misc]  # mypy does not infer a lambda with a default
        for dtype in NARROWER
    },
    "{name} is rounded to a whole number first": round,
}
"""{sentence: another number} of options."""
