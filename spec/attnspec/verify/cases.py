"""Cases: a small description is drawn, and the arrays are made from it by a counter-based generator.

So a case is quick to make, can be made again from its description, and shrinks to something readable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.interpreters.policy import FORMATS
from attnspec.language import layers
from attnspec.language.check import top
from attnspec.language.dims import Dim
from attnspec.language.equation import Equation
from attnspec.language.symbols import OPTION_SIZES, symbol
from attnspec.language.tree import Definition, Option, Parameter

Floats = NDArray[np.float64]
LONG = {
    "t": (33, 70), "n": (33, 65, 160), "m": (64, 129, 300, 1100), "H": (8, 12), "M": (5,), "N": (3,), "L": (4,),
    "limit": (33,),
}  # fmt: skip
"""Sizes beyond the tiles that kernels cut an axis into; along the keys more than one, since kernels tile these."""

WIDE = (32, 129, 288)
"""The same for widths, which kernels cut or round up to powers of two."""

TILED = {"t": 16, "n": 64, "m": 64, "H": 4, "M": 3, "N": 2, "L": 3}
"""Sizes that fill tiles exactly, all at once; widths are 32 then."""

FEW = ("H", "M", "N", "L")
"""Heads, queries and layers, of which there are never many."""

MOST_BLOCKS = 12
"""Into so many blocks an axis is cut at most; each is a step of a recurrence, and more show nothing else."""

LAYOUTS = ("contiguous", "transposed", "offset")
MAY_BE_EMPTY = ("n", "t")
"""Sizes of what is asked for one by one: no queries, or no steps, is a question with an empty answer."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a case is made from.

    Attributes:
        sizes: the named sizes.
        regime: how values are drawn, one of `REGIMES`.
        batch: the size of the leading batch axis, None for no such axis.
        layout: how the arrays lie in memory, one of `LAYOUTS`.
        seed: of the generator.
        why: what the case is there for, where it was not drawn.
    """

    sizes: tuple[tuple[str, int], ...]
    regime: str = "ordinary"
    batch: int | None = None
    layout: str = "contiguous"
    seed: int = 0
    why: str = ""

    def __str__(self) -> str:
        shown = [f"{name}={size}" for name, size in self.sizes]
        shown += [f"batch={self.batch}"] if self.batch is not None else []
        shown += [self.regime] if self.regime != "ordinary" else []
        shown += [self.layout] if self.layout != "contiguous" else []
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
    def elements(self) -> int:
        """How many elements all arrays have."""
        return sum(array.size for array in self.arrays.values())

    @property
    def longest(self) -> int:
        """The size of the longest axis."""
        return max((size for array in self.arrays.values() for size in array.shape), default=0)

    @property
    def finite(self) -> bool:
        """No NaN or infinity anywhere."""
        return all(bool(np.isfinite(array).all()) for array in self.arrays.values())


def sizes_of(definition: Definition) -> list[str]:
    """The named sizes of an equation, in the order of its signature."""
    found: dict[str, None] = {}
    for option in definition.options:
        if option.name in OPTION_SIZES:
            found[OPTION_SIZES[option.name]] = None
    for parameter in definition.parameters:
        if parameter.layer is not None:
            found |= dict.fromkeys([layers.COUNT, *layers.at_top(parameter.layer).values()])
        for dim in parameter.dims:
            found |= dict.fromkeys(sorted(dim.names))
    return list(found)


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
    even = all(below.value(sizes) == above.value(sizes) for below, above in layers.alike(layer))
    own = {
        f"{name}_{place}": sizes[str(top(name))] + (0 if even else 2 - (place - 1) % 2)
        for place in places
        for name in layer.own
    }
    return {name: size for name, size in sizes.items() if name in named} | {
        name: sizes.get(name, size) for name, size in own.items()
    }


def smallest(equation: Equation[..., Any], name: str) -> int:
    """The smallest size at which an equation has a meaning along an axis."""
    return equation.smallest.get(name, 0 if name in MAY_BE_EMPTY else 1)


def make(equation: Equation[..., Any], description: Description, dtype: str) -> Case:
    """The case of a description, its values rounded to a storage dtype."""
    sizes = sized(equation.definition, dict(description.sizes))
    description = replace(description, sizes=tuple(sizes.items()))
    definition = layers.of_count(equation.definition, sizes.get(layers.COUNT, 1))
    arrays: dict[str, NDArray[Any]] = {}
    for place, parameter in enumerate(definition.parameters):
        generator = np.random.Generator(np.random.Philox(key=[description.seed, place]))
        shape = tuple(dim.value(sizes) for dim in parameter.dims)
        if description.batch is not None and not symbol(parameter.name, definition.id).weight:
            shape = (description.batch, *shape)
        if parameter.kind == "int":
            way = WHOLE[way_of(equation, parameter.name)]
            arrays[parameter.name] = np.asarray(way(generator, shape, sizes))  # also where it is a single number
        else:
            arrays[parameter.name] = _drawn(equation, parameter, shape, description.regime, generator, dtype)
    if description.regime == HIDDEN:
        _hide(definition, arrays)
    options: dict[str, Any] = {
        option.name: sizes[OPTION_SIZES[option.name]] for option in definition.options if option.name in OPTION_SIZES
    }
    for option in definition.options:
        if option.name not in OPTION_SIZES:
            options[option.name] = _option(option, sizes, description.seed)
    return Case(arrays, options, description, description.layout, description.why)


def _hide(definition: Definition, arrays: dict[str, NDArray[Any]]) -> None:
    """Every third key is masked for all queries, and is NaN or infinite, which must never show."""
    for parameter in definition.parameters:
        if parameter.kind == "bool" and arrays[parameter.name].shape[-1] > 1:
            keys = parameter.dims[-1]
            arrays[parameter.name][..., 1::3] = False
            for other in definition.parameters:
                if other.kind == "float" and keys in other.dims[:1]:
                    arrays[other.name][..., 1::6, :] = np.nan
                    arrays[other.name][..., 4::6, :] = np.inf


_OPTIONS = {"eps": (1e-5, 1e-2, 1e-3), "tau": (0.7, 1.9), "null": (0, 3)}
"""Values of options that are no sizes, one after the other: one that is never changed may be ignored."""

_PLACES = {"start": ("v", 2), "stop": ("v", 3), "first": ("m", 1), "padding_idx": ("v", 1)}
"""Options that are places along an axis, each with its size, and how far it moves from one seed to the next."""


def _option(option: Option, sizes: Mapping[str, int], seed: int) -> float:
    """The value of an option that is no size; one that says a place says one that is there."""
    if option.name in _PLACES:
        size, step = _PLACES[option.name]
        return seed * step % sizes[size]
    values = _OPTIONS.get(option.name, (1.0,))
    return values[seed % len(values)]


def _drawn(
    equation: Equation[..., Any],
    parameter: Parameter,
    shape: tuple[int, ...],
    regime: str,
    generator: np.random.Generator,
    dtype: str,
) -> NDArray[Any]:
    way = way_of(equation, parameter.name)
    if parameter.kind == "bool":
        return _mask(shape, regime, generator)
    if regime == "lofty" and parameter.name == "v":
        regime = "ordinary"  # values that differ, so that a wrong weight shows
    if way == "uniform":
        return _below_one(generator.random(shape), regime, dtype)
    drawn = REGIMES[regime](DRAWS[way](generator, shape), way, generator)
    if regime == "towering" and dtype == "float64":
        drawn = drawn * {"scores": 8.0, "normal": 3.0}.get(way, 1.0)  # exp overflows beyond 709 there, not beyond 88
    if regime == "huge" and dtype == "float16":
        drawn = drawn / 8  # products of two must not overflow: how softmax goes on from there is nobody's claim
    return rounded(drawn, dtype)


def _below_one(drawn: Floats, regime: str, dtype: str) -> Floats:
    """Numbers from 0 to 1, which no regime makes 1 or larger, nor does rounding; or eighths, or 0."""
    if regime in ("zeros", "one-hot"):
        return np.zeros(np.shape(drawn))
    if regime == "ties":
        return np.asarray(np.floor(8 * drawn) / 8)
    return np.asarray(np.minimum(rounded(drawn, dtype), 1 - 2 * FORMATS[dtype].u))


def _mask(shape: tuple[int, ...], regime: str, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Some pairs may look; never a row with nothing, but where the regime is that."""
    mask = generator.random(shape) < 0.6
    if regime == "open":
        return np.ones(shape, dtype=bool)
    if mask.size:
        if regime in (*ONE_KEY, "huge"):
            alone = np.arange(shape[-1]) == generator.integers(0, shape[-1], (*shape[:-1], 1))
            mask = ~alone if regime == "one key masked" and shape[-1] > 1 else alone
        elif regime == "empty rows" and mask.ndim > 1:
            mask[..., ::2, :] = False
        else:
            mask[..., 0] |= ~mask.any(axis=-1)
    return mask


def _distribution(generator: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    e = np.exp(2 * generator.standard_normal(shape))
    return np.asarray(e / np.maximum(e.sum(axis=-1, keepdims=True), 1e-300))


def _fan_in(generator: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    width = shape[-2] if len(shape) > 1 else 1
    return np.asarray(1.3 * generator.standard_normal(shape) / np.sqrt(max(width, 1)))


def _lengths(generator: np.random.Generator, shape: tuple[int, ...], sizes: Mapping[str, int]) -> NDArray[np.int64]:
    """Anything from nothing to all of t, and either end often: there a step too many or too few shows."""
    drawn = generator.integers(0, sizes["t"] + 1, shape)
    ends = sizes["t"] * generator.integers(0, 2, shape)
    return np.where(generator.random(shape) < 0.25, ends, drawn)


WHOLE: dict[str, Callable[[np.random.Generator, tuple[int, ...], Mapping[str, int]], NDArray[np.int64]]] = {
    "length": _lengths,
    "token": lambda generator, shape, sizes: generator.integers(0, sizes.get("v", 10), shape),
    "token or missing": lambda generator, shape, sizes: generator.integers(-1, sizes.get("v", 10), shape),
    "bit": lambda generator, shape, sizes: generator.integers(0, 2, shape),
}
"""Ways to draw whole numbers, which are bound by a size; every regime draws them alike."""

HIDDEN = "not finite where masked"
"""The regime of cases that only a claim beyond finite inputs is held to."""

ONE_KEY = ("one key open", "one key masked")
"""Regimes in which each query may look at one key only, or at all keys but one."""

MASKED = ("open", "empty rows", *ONE_KEY, HIDDEN)
"""Regimes that say something of masks alone."""

DRAWS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Floats]] = {
    "normal": lambda generator, shape: generator.standard_normal(shape),
    "state": lambda generator, shape: np.tanh(generator.standard_normal(shape)),
    "scores": lambda generator, shape: 2 * generator.standard_normal(shape),
    "weights": _distribution,
    "fan_in": _fan_in,
    "bias": lambda generator, shape: generator.standard_normal(shape),
    "positive": lambda generator, shape: 0.5 + np.abs(generator.standard_normal(shape)),
}

Regime = Callable[[Floats, str, np.random.Generator], Floats]


def _scaled(factor: float) -> Regime:
    return lambda drawn, way, generator: drawn if way == "weights" else drawn * factor


def _saturating(drawn: Floats, way: str, generator: np.random.Generator) -> Floats:
    """Gates at their ends: large weights and biases on ordinary inputs."""
    return drawn * {"fan_in": 4.0, "bias": 6.0, "scores": 12.0}.get(way, 1.0)


def _ties(drawn: Floats, way: str, generator: np.random.Generator) -> Floats:
    """A few values only, so that scores and sums are often equal."""
    return np.full_like(drawn, 1 / max(drawn.shape[-1], 1)) if way == "weights" else np.round(drawn)


def _one_hot(drawn: Floats, way: str, generator: np.random.Generator) -> Floats:
    """One element of each row, the rest 0; weights stay."""
    if way in ("fan_in", "bias", "positive") or not drawn.size or not drawn.ndim:
        return drawn
    hot = drawn.argmax(axis=-1)[..., None] == np.arange(drawn.shape[-1])
    return np.where(hot, 1.0, 0.0)


def _spread(drawn: Floats, way: str, generator: np.random.Generator) -> Floats:
    """Magnitudes over several orders."""
    return drawn if way == "weights" else drawn * np.exp2(generator.integers(-6, 4, drawn.shape))


def _offset(drawn: Floats, way: str, generator: np.random.Generator) -> Floats:
    """A common shift, as activations have it."""
    return drawn if way in ("weights", "fan_in", "positive") else drawn + 2.0


def _towering(drawn: Floats, way: str, generator: np.random.Generator) -> Floats:
    """Scores beyond the exponent's range: a maximum that is not taken off overflows."""
    return drawn * {"scores": 60.0, "normal": 12.0}.get(way, 1.0)


def _huge(drawn: Floats, way: str, generator: np.random.Generator) -> Floats:
    """Inputs in the hundreds, scores of ten thousands: a mask that only subtracts 10,000 shows, and so does a clamp."""
    return drawn * {"scores": 2.0**13, "normal": 2.0**8, "state": 2.0**8, "positive": 2.0**8}.get(way, 1.0)


def _lofty(drawn: Floats, way: str, generator: np.random.Generator) -> Floats:
    """Scores in the thousands that differ by little: what counts is only how they differ."""
    return {"normal": drawn / 48 + 48, "scores": drawn + 4096}.get(way, drawn)


def _heavy(drawn: Floats, way: str, generator: np.random.Generator) -> Floats:
    """Weights that do not sum to 1: an equation that takes them does not make them so."""
    return drawn * 1.75 if way == "weights" else drawn


REGIMES: dict[str, Regime] = {
    "ordinary": lambda drawn, way, generator: drawn,
    "tiny": _scaled(2.0**-7),
    "large": _scaled(4.0),
    "saturating": _saturating,
    "ties": _ties,
    "one-hot": _one_hot,
    "spread": _spread,
    "offset": _offset,
    "towering": _towering,
    "huge": _huge,
    "lofty": _lofty,
    "weights that do not sum to 1": _heavy,
    "zeros": lambda drawn, way, generator: drawn if way == "weights" else 0 * drawn,
    "open": lambda drawn, way, generator: drawn,
    "empty rows": lambda drawn, way, generator: drawn,
    "one key open": lambda drawn, way, generator: drawn,
    "one key masked": lambda drawn, way, generator: drawn,
    HIDDEN: lambda drawn, way, generator: drawn,
}


def rounded(array: Floats, dtype: str) -> Floats:
    """The nearest values of a storage dtype, to even, as float64."""
    with np.errstate(over="ignore"):
        match dtype:
            case "float64":
                return np.asarray(array, dtype=np.float64)
            case "float32" | "float16":
                return np.asarray(array).astype(dtype).astype(np.float64)
    bits = np.asarray(array, dtype=np.float32).view(np.uint32)
    kept = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return np.where(np.isfinite(array), kept.view(np.float32), array).astype(np.float64)


def telling(
    equation: Equation[..., Any], least: Callable[[str], int], batches: tuple[int, ...]
) -> Iterator[Description]:
    """Cases that are always there: each regime, each edge of the sizes, each layout, with a batch and without.

    Args:
        least: the smallest size of an axis that is asked; "batch" is the leading axis.
        batches: how many leading batch axes are asked.
    """
    names = sizes_of(equation.definition)
    plain = None if 0 in batches else 2
    batch = 3 if 1 in batches else None
    usual = dict(zip(names, (5, 4, 7, 3, 6, 8, 9, 10), strict=False))
    usual |= _heads(usual, 2)
    seeds = iter(range(1, 10_000))

    def at(why: str, **changes: Any) -> Description:
        sizes = {**usual, **changes.pop("sizes", {})}
        if {"B", "m"} <= sizes.keys():
            sizes["B"] = max(sizes["B"], sizes["m"] // MOST_BLOCKS)
        pairs = tuple((name, max(within(equation, name, size), least(name))) for name, size in sizes.items())
        return Description(pairs, seed=next(seeds), why=why, **changes)

    yield at("ordinary", batch=plain)
    yield at("ordinary", batch=batch)
    yield at(
        "ordinary", batch=batch, sizes=dict(zip(names, (9, 8, 16, 12, 5, 7, 6, 4), strict=False)) | _heads(usual, 3)
    )
    yield at(
        "ordinary", batch=plain, sizes=dict(zip(names, (17, 16, 12, 20, 9, 7, 6, 4), strict=False)) | _heads(usual, 2)
    )
    for size in (4, 3, 1, 2):
        yield at("equal sizes", batch=plain, sizes=dict.fromkeys(names, size) | _heads(usual, 2 if size == 4 else 1))
    if "H" in names:
        for regime in ("ordinary", "open") if has_mask(equation) else ("ordinary",):
            sizes = dict.fromkeys(names, 8) | {"d": 4, "H": 2}
            yield at("square weights of two heads", regime=regime, batch=plain, sizes=sizes)
    yield at("full tiles", batch=plain, sizes={name: TILED.get(name, 32) for name in names})
    for name in names:
        for size in (1, 2, 3) if name in ("t", layers.COUNT) else (1,):
            yield at(f"{name} = {size}", batch=batch if size == 2 else plain, sizes={name: size})
        for long in dict.fromkeys(within(equation, name, size) for size in LONG.get(name, WIDE)):
            yield at(f"{name} = {long}", batch=plain, sizes={name: long})
        if least(name) == 0:
            yield at(f"{name} = 0", batch=plain, sizes={name: 0})
    for regime in REGIMES:
        if asked_in(equation, regime):
            yield at(regime, regime=regime, batch=batch)
    if has_mask(equation):
        yield at("one key masked of many", regime="one key masked", batch=plain, sizes={"m": 33})
    if draws_from(equation, "uniform"):
        yield at("nothing likely but one of many", regime="one-hot", batch=batch, sizes={"v": 33})
    for below, above in _between(equation.definition):
        yield at("what layers read is of one size", batch=plain, sizes={below: above.value(usual)})
    for layout in LAYOUTS[1:] if equation.definition.parameters else ():
        yield at(f"{layout} memory", layout=layout, batch=plain)
    if batch is not None:
        yield at("batch of one", batch=1)
        yield at("batch of nine", batch=9)
        yield at("batch of forty", batch=40)
        if least("batch") == 0:
            yield at("empty batch", batch=0)


def within(equation: Equation[..., Any], name: str, size: int) -> int:
    """A size, or the largest that is asked of the equation."""
    return min(size, equation.largest.get(name, size))


def _between(definition: Definition) -> list[tuple[str, Dim]]:
    """A size of what the bottom layer reads, and the one of what layers hand up, where the two are not one name."""
    found = layers.of(definition)
    pairs = layers.alike(found[1]) if found is not None else []
    return [(str(below), above) for below, above in pairs if below != above and str(below) in below.names]


def _heads(usual: Mapping[str, int], count: int) -> dict[str, int]:
    return {name: count for name in FEW if name in usual}


def asked_in(equation: Equation[..., Any], regime: str) -> bool:
    """Whether a regime says anything of an equation that the ordinary one does not."""
    if regime in MASKED:
        return has_mask(equation)
    if not equation.definition.dtype_is_given:
        return False
    if regime == "weights that do not sum to 1":
        return draws_from(equation, "weights")
    return regime != "ordinary"


def draws_from(equation: Equation[..., Any], way: str) -> bool:
    """Whether some parameter is drawn in a way."""
    return any(way_of(equation, each.name) == way for each in layers.arrays(equation.definition))


def way_of(equation: Equation[..., Any], name: str) -> str:
    """How a parameter is drawn: as the equation says, else as its symbol is."""
    return equation.scales.get(name.rpartition(".")[2], symbol(name, equation.id).draw)


def has_mask(equation: Equation[..., Any]) -> bool:
    """Whether an equation takes a mask."""
    return any(parameter.kind == "bool" for parameter in equation.definition.parameters)


def unbatched(case: Case, equation: Equation[..., Any]) -> Case:
    """The first example of a case with batch axes."""
    parameters = layers.written_out(equation.definition, case.arrays).parameters
    ranks = {parameter.name: len(parameter.dims) for parameter in parameters}
    arrays = {name: np.asarray(array[(0,) * (array.ndim - ranks[name])]) for name, array in case.arrays.items()}
    return replace(case, arrays=arrays, description=None)
