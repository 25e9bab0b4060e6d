"""Other inputs that software may read in place of its arguments: of another example, in another order, cut, filled.

Each change makes a case of a case. A candidate with the mistake computes the equation, of the changed case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, permutations
from typing import Protocol

import numpy as np

from attnspec.interpreters.evaluation.call import fit
from attnspec.interpreters.formula.formula import text_of, text_of_names
from attnspec.language.dims import Dim
from attnspec.language.tree import Definition, Name, Option, Parameter
from attnspec.verification.candidate.observation import Array
from attnspec.verification.cases.case import Case
from attnspec.verification.cases.distributions import rounded
from attnspec.verification.diagnosis.array_changes import (
    ALONG,
    FEWER_BITS,
    IN_A_BATCH,
    NUMBERS,
    TILES,
    OfArray,
    changes_of_one,
    counted_in,
    two_of_four,
)

MOST_TOGETHER = 4
"""Of more arguments than this with a batch axis, or with one axis in common, no two are changed together."""


class Back(Protocol):
    """What makes a value of a case of that of the changed case."""

    def __call__(self, value: Array, place: int) -> Array:
        """The value of the result at a place, in the order that a candidate returns."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """A change of inputs.

    Attributes:
        says: the sentence of the mistake.
        of: the changed case; None where the change does not apply, or changes nothing.
        copies: the most copies of one element that the changed case may have, which round alike.
        back: of a change that is undone in the results, what undoes it; None: nothing is undone.
    """

    says: str
    of: Callable[[Case], Case | None]
    copies: int = 1
    back: Back | None = None

    def undone(self, values: Sequence[Array]) -> list[Array]:
        """The values that a candidate returns, of those that the results have in the changed case."""
        return [*values] if self.back is None else [self.back(value, place) for place, value in enumerate(values)]


def input_changes(definition: Definition, tiles: Iterable[int] = ()) -> Iterator[Change]:
    """The changes of inputs that are tried, those of one argument first.

    Args:
        tiles: sizes of tiles that are tried before the usual ones.
    """
    arrays = [parameter for parameter in definition.parameters if parameter.kind != "layers"]
    for parameter in arrays:
        for says, change in changes_of_one(parameter, tiles):
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
    yield from _paired(arrays, definition)
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
                yield _change(some, says, definition, two_of_four(axis))


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
            size = arrays[0].shape[-1]
            number = parts(case, size)
            if not number or size % number:
                return None
            packed, width = np.concatenate(arrays, axis=-1), size // number
            by_part = packed.reshape(*packed.shape[:-1], number, len(group), width)
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
        arrays = {name: case.arrays[name] for name in names}
        turned = {
            name: array.reshape(*array.shape[:-1], array.shape[-1] // number, number) for name, array in arrays.items()
        }
        return _with_arrays(
            case, {name: array.swapaxes(-1, -2).reshape(arrays[name].shape) for name, array in turned.items()}
        )

    return of


def _paired(parameters: Sequence[Parameter], definition: Definition) -> Iterator[Change]:
    """Columns that belong together are neighbours in place of half of the width apart, in arguments and results."""
    floats = [each for each in parameters if each.kind == "float" and each.dims and not each.symbol.weight]
    of_results = [result.dims[-1] if result.dims else None for result in definition.results]
    for dim in dict.fromkeys(each.dims[-1] for each in floats if each.dims[-1] in of_results):
        along = [each for each in floats if each.dims[-1] == dim]
        for some in (*((each,) for each in along), *([tuple(along)] if len(along) > 1 else [])):
            for says, order, back in (
                ("neighbours, not half of the width apart", _to_halves, _to_pairs),
                ("half of the width apart, not neighbours", _to_pairs, _to_halves),
            ):

                def undone(value: Array, place: int, dim: Dim = dim, back: OfColumns = back) -> Array:
                    return back(value) if of_results[place] == dim else value

                names = [each.name for each in some]
                shown = f"the columns of a pair of {_names(some, definition)} along {dim} are {says}"
                yield Change(shown, _in_order(names, order), back=undone)


OfColumns = Callable[[Array], Array]
"""Another order of columns."""


def _in_order(names: Sequence[str], order: OfColumns) -> Callable[[Case], Case | None]:
    """The case with the columns of some arrays in another order; None if these are no pairs."""

    def of(case: Case) -> Case | None:
        if any(case.arrays[name].shape[-1] % 2 for name in names):
            return None
        return _with_arrays(case, {name: order(case.arrays[name]) for name in names})

    return of


def _to_halves(array: Array) -> Array:
    """Neighbours moved half of the width apart: the first of each pair, then the second of each."""
    return np.concatenate([array[..., ::2], array[..., 1::2]], axis=-1)


def _to_pairs(array: Array) -> Array:
    """Columns half of the width apart made neighbours."""
    first, second = np.split(array, 2, axis=-1)
    return np.stack([first, second], axis=-1).reshape(array.shape)


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
                    array = np.take(array, np.minimum(np.arange(size), array.shape[axis] - 1), axis)
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
                yield _change([parameter], says, definition, counted_in(16, signed))


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
    for says, to in (WHOLE if option.kind == "int" else ROUNDED).items():
        yield _option(option, says, to)


def _option(option: Option, says: str, to: Callable[[float], float]) -> Change:
    """Another value of an option."""

    def of(case: Case) -> Case | None:
        old = case.options[option.name]
        options = {**case.options, option.name: to(old)}
        return None if to(old) == old else replace(case, options=options, description=None)

    return Change(says.format(name=option.name), of)


def rounded_counts(definition: Definition) -> Iterator[Change]:
    """Whole numbers that are no sizes, as steps are, are held in few bits, which shows where they are large alone."""
    for option in definition.options:
        if option.kind == "int" and not option.size:
            for says, to in ROUNDED.items():
                yield _option(option, says, lambda old, to=to: int(to(old)))  # type: ignore[misc]  # mypy does not infer a lambda with a default


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
