"""A case: one input of an equation, made from a small description by a counter-based generator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError
from attnspec.interpreters.rounding.policy import FORMATS
from attnspec.language import layers
from attnspec.language.check import top
from attnspec.language.dims import Dim
from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.language.tree import Definition
from attnspec.verification.cases.distributions import (
    HIDDEN,
    INTEGER_DISTRIBUTIONS,
    UNBOUNDED,
    _drawn,
    distribution_of,
    in_range,
    int_range,
    option_values,
)
from attnspec.verification.cases.patterns import patterned

FEW = ("heads", "few queries", "layers", "stacked layers")
"""Roles of sizes that are never large."""


MOST_BLOCKS = 12
"""Into so many blocks an axis is cut at most; each is a step of a recurrence, and more show nothing else."""


LAYOUT_WORDS = {
    "contiguous": "contiguous inputs",
    "transposed": "transposed inputs",
    "offset": "inputs inside a larger buffer",
    "strided": "inputs with a stride along the last axis",
    "sliced": "inputs that are slices of wider arrays",
    "cut": "inputs that are the first rows of longer arrays",
    "mixed": "inputs of which every second is a slice of a wider array",
    "crossed": "inputs of which every second is transposed",
    "exchanged": "inputs with exchanged leading axes",
    "expanded": "inputs that are expanded along a batch axis",
    "reversed": "inputs with negative strides",
    "read-only": "read-only inputs",
    "shared": "one array as several arguments",
}
"""How arrays may lie in memory, and what to call such inputs; `sandbox.child.arrays` makes them."""

LAYOUTS = tuple(LAYOUT_WORDS)

MAY_BE_REFUSED = ("read-only",)
"""Layouts on which a candidate may raise: compiled code often asks for arrays that may be written."""

CONTIGUOUS = ("contiguous", "read-only", "shared")
"""Layouts that a claim of contiguous inputs covers."""


MAY_BE_EMPTY = ("queries", "steps")
"""Roles of sizes of what is asked for one by one: of no queries, or of no steps, the answer is empty."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a case is made from.

    Attributes:
        sizes: the named sizes.
        regime: how values are drawn, one of `REGIMES`.
        batch: the sizes of the leading batch axes; () for none.
        layout: how the arrays lie in memory, one of `LAYOUTS`.
        patterns: arguments with special values, each with the name of its pattern.
        options: options of a given value, in place of the value that the seed chooses.
        special: whether one thing is special about it, as in the grid: its elements are judged, and no directions are
            measured on it.
        seed: of the generator.
        why: what the case is there for, where it was not drawn.
    """

    sizes: tuple[tuple[str, int], ...]
    regime: str = "ordinary"
    batch: tuple[int, ...] = ()
    layout: str = "contiguous"
    seed: int = 0
    why: str = ""
    patterns: tuple[tuple[str, str], ...] = ()
    options: tuple[tuple[str, float], ...] = ()
    special: bool = False

    def __str__(self) -> str:
        shown = [f"{name}={size}" for name, size in self.sizes]
        shown += [f"batch={'×'.join(map(str, self.batch))}"] if self.batch else []
        shown += [self.regime] if self.regime != "ordinary" else []
        shown += [self.layout] if self.layout != "contiguous" else []
        shown += [f"{name} {pattern}" for name, pattern in self.patterns]
        shown += [f"{name}={value:g}" for name, value in self.options]
        return ", ".join([*shown, f"seed={self.seed}"])


@dataclass(frozen=True, slots=True)
class Case:
    """One input: float64 arrays that hold values of the storage dtype exactly, and the options.

    Attributes:
        description: what it was made from; None for a case that was shrunk or handed over.
        origin: the file that it is from, or was made simpler from; "" for a drawn case.
        summed: of gradients that are summed over a batch where its examples share what they are of: the arguments
            that they are of, in order. Else empty, and all answers are an example's own.
    """

    arrays: Mapping[str, NDArray[Any]]
    options: Mapping[str, Any]
    description: Description | None = None
    layout: str = "contiguous"
    note: str = field(default="", compare=False)
    origin: str = field(default="", compare=False)
    summed: tuple[str, ...] = ()

    @property
    def arguments(self) -> dict[str, Any]:
        """Arrays and options together, as an equation is called."""
        return {**self.arrays, **self.options}

    @property
    def outline(self) -> tuple[Any, ...]:
        """All but the values of the arrays: cases in which it is equal can be evaluated at once."""
        arrays = tuple((name, array.shape, array.dtype.str) for name, array in self.arrays.items())
        return arrays, tuple(self.options.items()), self.summed

    @property
    def sizes(self) -> dict[str, int]:
        """The named sizes that it was made with; none if it has no description."""
        return dict(self.description.sizes) if self.description is not None else {}

    @property
    def elements(self) -> int:
        """How many elements all arrays have."""
        return sum(array.size for array in self.arrays.values())

    @property
    def longest(self) -> int:
        """The size of the longest axis."""
        return max((size for array in self.arrays.values() for size in array.shape), default=0)

    @property
    def shown(self) -> str:
        """The arrays of a small case as they are, of a larger one their shapes."""
        zeros = [name for name, array in self.arrays.items() if array.size and not array.any()]
        rest = [name for name in self.arrays if name not in zeros]
        small = all(self.arrays[name].size <= 6 for name in rest)
        parts = []
        for name in rest:
            array = self.arrays[name]
            parts.append(f"{name} = {_literal(array)}" if small else f"{name} {tuple(array.shape)}")
        parts += [f"{name} = {value}" for name, value in self.options.items()]
        if zeros and not rest:
            shapes = [f"{name} {tuple(self.arrays[name].shape)}" for name in zeros]
            parts = [*shapes, *parts, "all arrays 0" if len(zeros) > 1 else "all 0"]
        elif zeros:
            parts.append("all else 0" if len(zeros) > 1 else f"{zeros[0]} = 0")
        shrunk = f" ({self.description})" if self.description is not None and not small else ""
        return ", ".join(parts) + (f" ({self.origin})" if self.origin else shrunk)

    @property
    def finite(self) -> bool:
        """No NaN or infinity anywhere."""
        return all(bool(np.isfinite(array).all()) for array in self.arrays.values())


def sized(definition: Definition, sizes: Mapping[str, int]) -> dict[str, int]:
    """The sizes of a case, with those that layers below the top have for themselves, and none of layers not there.

    Where nobody says them they are equal if all layers can be alike, so that one can be taken for another; else each
    layer has another size than the next.
    """
    found = layers.of(definition)
    if found is None:
        return dict(sizes)
    layer, named = found[1], sizes_of(definition)
    places = range(1, sizes[layers.COUNT])
    even = all(below.value(sizes) == above.value(sizes) for below, above in layers.same_sizes(layer))
    own = {
        f"{name}_{place}": sizes[str(top(name))] + (0 if even else 2 - (place - 1) % 2)
        for place in places
        for name in layer.varying
    }
    return {name: size for name, size in sizes.items() if name in named} | {
        name: sizes.get(name, size) for name, size in own.items()
    }


def without_negative_axes(equation: Equation[..., Any], sizes: Mapping[str, int]) -> dict[str, int]:
    """The sizes, changed until no axis such as n−9 is negative: n is raised, or else what is subtracted is lowered.

    Raises:
        SpecError: an axis remains negative.
    """
    changed = dict(sizes)
    for dim in equation.definition.differences:
        while dim.value(changed) < 0:
            value = dim.value(changed)
            slopes = {name: dim.value({**changed, name: changed[name] + 1}) - value for name in sorted(dim.names)}
            raised = [name for name, slope in slopes.items() if slope > 0]
            lowered = [name for name, slope in slopes.items() if slope < 0 and changed[name] > smallest(equation, name)]
            if not raised + lowered:
                raise _always_negative(equation, dim, changed)
            changed[(raised + lowered)[0]] += 1 if raised else -1
    return changed


def _always_negative(equation: Equation[..., Any], dim: Dim, sizes: Mapping[str, int]) -> SpecError:
    """The error for an axis that is negative whatever the sizes are."""
    return SpecError(
        f"{equation.id}: the axis {dim} is negative",
        given=", ".join(f"{name} = {sizes[name]}" for name in sorted(dim.names)) or str(dim),
        expected="an axis that has a place or more with some sizes",
    )


def smallest(equation: Equation[..., Any], name: str) -> int:
    """The smallest size at which an equation has a meaning along an axis."""
    return equation.smallest.get(name, 0 if equation.definition.role(name) in MAY_BE_EMPTY else 1)


def few(definition: Definition) -> list[str]:
    """The named sizes of an equation that are never large."""
    return [name for name in sizes_of(definition) if definition.role(name) in FEW]


def make(equation: Equation[..., Any], description: Description, dtype: str) -> Case:
    """The case of a description, its values rounded to a storage dtype."""
    claimed = {name: as_multiple(equation, name, size) for name, size in description.sizes}
    sizes = sized(equation.definition, without_negative_axes(equation, claimed))
    description = replace(description, sizes=tuple(sizes.items()))
    definition = layers.of_count(equation.definition, sizes.get(layers.COUNT, 1))
    arrays: dict[str, NDArray[Any]] = {}
    for place, parameter in enumerate(definition.parameters):
        generator = np.random.Generator(np.random.Philox(key=[description.seed, place]))
        shape = tuple(dim.value(sizes) for dim in parameter.dims)
        if not parameter.symbol.weight:
            shape = (*description.batch, *shape)
        if parameter.kind == "int":
            way = distribution_of(equation, parameter.name)
            draw, ends = INTEGER_DISTRIBUTIONS[way], int_range(equation.definition, way, sizes)
            arrays[parameter.name] = np.asarray(draw(generator, shape, *ends))  # also where it is a single number
        else:
            arrays[parameter.name] = _drawn(equation, parameter, shape, description.regime, generator, dtype)
    for name, pattern in description.patterns:
        if name in arrays:  # a layer that a smaller case lacks has no arrays
            way = distribution_of(equation, name)
            ends = int_range(definition, way, sizes) if arrays[name].dtype.kind == "i" else (0, 0)
            arrays[name] = patterned(pattern, arrays[name], ends, FORMATS[dtype].largest)
    for parameter in definition.parameters:
        arrays[parameter.name] = in_range(arrays[parameter.name], parameter.symbol)
    if description.regime == HIDDEN:
        _hide(definition, arrays)
    _suit(description.layout, equation, definition, arrays)
    whole = {option.name for option in definition.options if option.kind == "int"}
    given = {name: int(value) if name in whole else value for name, value in description.options}
    options = option_values(equation, sizes, description.seed) | given
    return Case(arrays, options, description, description.layout, description.why)


def _hide(definition: Definition, arrays: dict[str, NDArray[Any]]) -> None:
    """Every third key is masked for all queries, and is NaN or infinite, which must never show."""
    for parameter in definition.parameters:
        if parameter.kind == "bool" and parameter.dims and arrays[parameter.name].shape[-1] > 1:
            keys = parameter.dims[-1]
            arrays[parameter.name][..., 1::3] = False
            for other in definition.parameters:
                if other.kind == "float" and keys in other.dims[:1]:
                    rows = np.moveaxis(arrays[other.name], -len(other.dims), 0)  # a view
                    rows[1::6] = np.nan
                    rows[4::6] = np.inf


def _suit(layout: str, equation: Equation[..., Any], definition: Definition, arrays: dict[str, NDArray[Any]]) -> None:
    """Make values equal where a layout needs that; weights stay.

    Of "expanded", all examples of a batch share every argument but the first; of "shared", arguments of one shape that
    may have any values are one array.
    """
    own = [each for each in definition.parameters if not each.symbol.weight]
    first: dict[tuple[int, ...], NDArray[Any]] = {}
    for place, parameter in enumerate(own):
        array = arrays[parameter.name]
        if layout == "expanded" and place and array.ndim > len(parameter.dims):
            array[...] = array[:1]
        if layout == "shared" and distribution_of(equation, parameter.name) in UNBOUNDED:
            arrays[parameter.name] = first.setdefault(array.shape, array)


def within(equation: Equation[..., Any], name: str, size: int) -> int:
    """A size, or the largest that is asked of the equation."""
    return min(size, equation.largest.get(name, size))


def as_multiple(equation: Equation[..., Any], name: str, size: int) -> int:
    """A size, or the next one that is asked where only multiples are; the one before if that is too large."""
    step = equation.multiple.get(name, 1)
    above = -(-size // step) * step
    return above if above == within(equation, name, above) else size // step * step


def unbatched(case: Case, equation: Equation[..., Any], kept: int = 0) -> Case:
    """The first example of a case with batch axes.

    Args:
        kept: how many batch axes stay, the last ones.
    """
    parameters = layers.written_out(equation.definition, case.arrays).parameters
    ranks = {parameter.name: len(parameter.dims) + kept for parameter in parameters}
    arrays = {name: np.asarray(array[(0,) * (array.ndim - ranks[name])]) for name, array in case.arrays.items()}
    return replace(case, arrays=arrays, description=None)


def _literal(array: Any) -> str:
    shown = np.array2string(np.asarray(array), separator=", ", formatter={"float_kind": lambda v: f"{v:.8g}"})
    return shown.replace("\n", "")
