"""Cases: a small description is drawn, and the arrays are made from it by a counter-based generator.

So a case is quick to make, can be made again from its description, and shrinks to something readable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.interpreters.rounding.policy import FORMATS
from attnspec.language import layers
from attnspec.language.draws import Place
from attnspec.language.equation import Equation
from attnspec.language.symbols import Symbol
from attnspec.language.tree import Definition, Option, Parameter

Floats = NDArray[np.float64]


UNDECLARED = {
    "float": (7000.0, 0.7, 30.0, 0.06, 2.3, 500.0, 0.006),
    "int": (13, 2, 5, 0, 3, 1, 40),
}
"""Values of options of which an equation declares nothing, taken in turn: what ignores one, or takes 1 for it, shows.

The first cases, which tell the precision policy, get moderate ones. No two options are of one value in a case.
"""


INDEPENDENT = ("normal", "scores", "state", "fan_in")
"""Distributions of arrays whose elements are independent of one another and may have either sign."""


def option_values(equation: Equation[..., Any], sizes: Mapping[str, int], seed: int) -> dict[str, float]:
    """The options of a case: sizes, places along an axis, or values that change from one seed to the next."""
    options = equation.definition.options
    free = [option for option in options if not option.size]
    values = {option.name: _value(equation, option, sizes, seed, place) for place, option in enumerate(free)}
    return {option.name: sizes[option.size] if option.size else values[option.name] for option in options}


def _value(equation: Equation[..., Any], option: Option, sizes: Mapping[str, int], seed: int, place: int) -> float:
    declared = equation.options.get(option.name, UNDECLARED[option.kind])
    if isinstance(declared, Place):
        return seed * declared.step % max(sizes[declared.size], 1)
    return declared[(seed + place) % len(declared)]


def extreme_values(equation: Equation[..., Any]) -> list[tuple[str, float]]:
    """The smallest and the largest value of each option that is a number and not a size or a place."""
    free = [option for option in equation.definition.options if not option.size]
    declared = {option.name: equation.options.get(option.name, UNDECLARED[option.kind]) for option in free}
    values = {name: draw for name, draw in declared.items() if not isinstance(draw, Place)}
    return [(name, value) for name, draw in values.items() for value in sorted({min(draw), max(draw)})]


def in_range(array: NDArray[Any], symbol: Symbol) -> NDArray[Any]:
    """The values within the range of a symbol: those outside are its ends."""
    return array if symbol.within is None else np.asarray(np.clip(array, *symbol.within))


def _drawn(
    equation: Equation[..., Any],
    parameter: Parameter,
    shape: tuple[int, ...],
    regime: str,
    generator: np.random.Generator,
    dtype: str,
) -> NDArray[Any]:
    way = distribution_of(equation, parameter.name)
    if parameter.kind == "bool":
        return _mask(shape, regime, generator) if parameter.dims else np.asarray(generator.random(shape) < 0.6)
    if regime == "common offset" and parameter.symbol.varied:
        regime = "ordinary"  # values that differ, so that a wrong weight shows
    if way == "uniform":
        return _below_one(generator.random(shape), regime, dtype)
    drawn = REGIMES[regime](DISTRIBUTIONS[way](generator, shape), way, generator)
    if regime == "overflowing" and dtype == "float64":
        drawn = drawn * {"scores": 8.0, "normal": 3.0}.get(way, 1.0)  # exp overflows beyond 709 there, not beyond 88
    if regime == "huge" and dtype == "float16" and way != "weights":
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


def _evenly(generator: np.random.Generator, shape: tuple[int, ...], low: int, high: int) -> NDArray[np.int64]:
    return generator.integers(low, high + 1, shape)


def _lengths(generator: np.random.Generator, shape: tuple[int, ...], low: int, high: int) -> NDArray[np.int64]:
    """Anything from nothing to all steps, and either end often: there a step too many or too few shows."""
    drawn = _evenly(generator, shape, low, high)
    ends = high * generator.integers(0, 2, shape)
    return np.where(generator.random(shape) < 0.25, ends, drawn)


INTEGER_DISTRIBUTIONS: dict[str, Callable[[np.random.Generator, tuple[int, ...], int, int], NDArray[np.int64]]] = {
    "length": _lengths,
    "token": _evenly,
    "token or missing": _evenly,
    "bit": _evenly,
}
"""Ways to draw whole numbers between two ends; every regime draws them alike."""

BOUNDED_BY = {"length": "steps", "token": "words", "token or missing": "words"}
"""{way to draw whole numbers: role of the size that bounds them}."""

UNBOUNDED_SIZE = 10
"""The size that bounds whole numbers of an equation without a size of that role."""


def bound(definition: Definition, way: str) -> str:
    """The named size that bounds whole numbers of an equation; "" if there is none."""
    return next(iter(layers.of_role(definition, BOUNDED_BY.get(way, ""))), "")


def int_range(definition: Definition, way: str, sizes: Mapping[str, int]) -> tuple[int, int]:
    """The smallest and the largest whole number of a way to draw them."""
    if way == "bit":
        return 0, 1
    size = sizes.get(bound(definition, way), UNBOUNDED_SIZE)
    return {"length": (0, size), "token": (0, size - 1), "token or missing": (-1, size - 1)}[way]


HIDDEN = "not finite where masked"
"""The regime of cases that only a claim beyond finite inputs is held to."""


ONE_KEY = ("one key open", "one key masked")
"""Regimes in which each query may look at one key only, or at all keys but one."""


MASKED = ("open", "empty rows", *ONE_KEY, HIDDEN)
"""Regimes that say something of masks alone."""


DISTRIBUTIONS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Floats]] = {
    "normal": lambda generator, shape: generator.standard_normal(shape),
    "state": lambda generator, shape: np.tanh(generator.standard_normal(shape)),
    "scores": lambda generator, shape: 2 * generator.standard_normal(shape),
    "weights": _distribution,
    "fan_in": _fan_in,
    "bias": lambda generator, shape: generator.standard_normal(shape),
    "positive": lambda generator, shape: 0.5 + np.abs(generator.standard_normal(shape)),
}


UNBOUNDED = ("normal", "scores", "state")
"""Ways of what may have any values, so that one array may stand for several arguments."""


BELOW_NORMAL, BELOW_NORMAL_EVERY = 2.0**-130, 7
"""A value that float32 and bfloat16 hold in fewer bits, which hardware may read as 0, and how often it is drawn."""


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
    """Magnitudes over several orders; one value in so many is below the smallest normal number of float32."""
    if way == "weights":
        return drawn
    spread = drawn * np.exp2(generator.integers(-6, 4, drawn.shape))
    below = np.arange(drawn.size).reshape(drawn.shape) % BELOW_NORMAL_EVERY == BELOW_NORMAL_EVERY - 1
    return np.where(below & (way in UNBOUNDED), np.copysign(BELOW_NORMAL, drawn), spread)


def _offset(drawn: Floats, way: str, generator: np.random.Generator) -> Floats:
    """A common shift, as activations have it."""
    return drawn if way in ("weights", "fan_in", "positive") else drawn + 2.0


def _overflowing(drawn: Floats, way: str, generator: np.random.Generator) -> Floats:
    """Scores beyond the exponent's range: a maximum that is not taken off overflows."""
    return drawn * {"scores": 60.0, "normal": 12.0}.get(way, 1.0)


def _huge(drawn: Floats, way: str, generator: np.random.Generator) -> Floats:
    """Inputs in the hundreds, scores of ten thousands: a mask that only subtracts 10,000 shows, and so does a clamp."""
    return drawn * {"scores": 2.0**13, "normal": 2.0**8, "state": 2.0**8, "positive": 2.0**8}.get(way, 1.0)


def _common_offset(drawn: Floats, way: str, generator: np.random.Generator) -> Floats:
    """Scores in the thousands that differ by little, in every second row far below 0: only how they differ counts."""
    if way == "scores" and drawn.ndim > 1:
        rows = np.arange(np.prod(drawn.shape[:-1], dtype=int)).reshape(*drawn.shape[:-1], 1)
        return drawn + np.where(rows % 2, -4096, 4096)
    return {"normal": drawn / 48 + 48, "scores": drawn + 4096}.get(way, drawn)


def _unnormalised(drawn: Floats, way: str, generator: np.random.Generator) -> Floats:
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
    "overflowing": _overflowing,
    "huge": _huge,
    "common offset": _common_offset,
    "unnormalised": _unnormalised,
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
        return _to_bfloat16(np.asarray(array, dtype=np.float64))


def _to_bfloat16(array: Floats) -> Floats:
    """The nearest values with 8 significant bits and the exponents of float32; NumPy has no such dtype."""
    form = FORMATS["bfloat16"]
    _, exponent = np.frexp(array)
    step = np.ldexp(1.0, np.maximum(exponent - int(form.bits), -133))  # 2⁻¹³³ is the smallest subnormal number
    kept = np.rint(array / step) * step
    return np.where(np.abs(kept) > form.largest, np.copysign(np.inf, array), kept)


def leading(axes: int) -> tuple[int, ...]:
    """The usual sizes of batch axes: the first and the last differ, and there are few examples however many axes."""
    return ((), (3,))[axes] if axes < 2 else (2, *(1,) * (axes - 2), 3)


def regime_applies(equation: Equation[..., Any], regime: str) -> bool:
    """Whether a regime says anything of an equation that the ordinary one does not."""
    if regime in MASKED:
        return has_mask(equation)
    if not equation.definition.dtype_is_given:
        return False
    if regime == "unnormalised":
        return draws_from(equation, "weights")
    return regime != "ordinary"


def draws_from(equation: Equation[..., Any], way: str) -> bool:
    """Whether some parameter is drawn in a way."""
    return any(distribution_of(equation, each.name) == way for each in layers.arrays(equation.definition))


def distribution_of(equation: Equation[..., Any], name: str) -> str:
    """How a parameter is drawn: as the equation says, else as its symbol is."""
    return equation.scales.get(name.rpartition(".")[2], equation.definition.symbol(name).draw)


def has_mask(equation: Equation[..., Any]) -> bool:
    """Whether an equation takes a mask."""
    return any(parameter.kind == "bool" for parameter in equation.definition.parameters)
