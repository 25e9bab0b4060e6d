"""Relations of a property, and which of them a function breaks by more than rounding explains.

The tolerance of a relation is found by perturbation. The relation is computed from the oracle's values, and again with
every value moved by its bound: all up, all away from 0, and many times up or down at random. The tolerance is how far
its two sides move. Of the random perturbations the root mean square is taken, since a single one may cancel by chance.
A relation is not checked where it depends on an element whose noise is undecidable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.interpreters.evaluation.call import batch_shape, fit
from attnspec.interpreters.rounding.noise import Noise, noise
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.tree import Definition
from attnspec.properties.property import Arguments, AtMost, Function, Property, Relation
from attnspec.thresholds import ORACLE_VARIANCE, PROBES, RELATION_SLACK
from attnspec.verification.cases.case import Case, unbatched

NoiseOf = Callable[[Arguments], Sequence[Noise]]
"""The noise of every output of an equation, for its arguments, arrays and options by name."""

Floats = NDArray[np.float64]

SHARED = ("up", "outward")
"""Perturbations that all values share: up, or away from 0, as by a divisor that is off."""

CACHED_CALLS = 64
"""The noise of how many calls is cached: the properties of an equation make the same calls many times."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A relation that does not hold.

    Attributes:
        name: the name of the property.
        statement: what should hold, in a sentence.
        index: the element that breaks it by most tolerances.
        left: the left side at this element.
        right: the right side at this element.
        tolerance: how far apart rounding may bring the two sides.
        sign: the relation between them, "=" or "≤".
    """

    name: str
    statement: str
    index: tuple[int, ...]
    left: float
    right: float
    tolerance: float
    sign: str

    def __str__(self) -> str:
        place = f" at {list(self.index)}" if self.index else ""
        failed = f"{self.left:.9g} {self.sign} {self.right:.9g} ± {self.tolerance:.2g}"
        return f"{self.name}{place}: {failed} does not hold: {self.statement}"


def noise_under(
    equation: Equation[..., Any],
    policy: Policy,
    seed: int = 0,
    *,
    form: Definition | None = None,
    constants: int | None = None,
) -> NoiseOf:
    """Return the noise of an equation under a policy, as a cached function of its arguments.

    In float64 bounds are enlarged, since the oracle rounds as much as the function that is tested.

    Args:
        form: the form by which the function was judged; None for the equation as written.
        constants: the number of significant bits to which constants are rounded; None if they are exact.
    """
    definition = form or equation.definition
    options = {option.name for option in definition.options}
    factor = ORACLE_VARIANCE if policy.storage.name == "float64" else 1.0
    cache: dict[object, Sequence[Noise]] = {}

    def noise_of(arguments: Arguments) -> Sequence[Noise]:
        arrays = {name: np.asarray(array) for name, array in arguments.items() if name not in options}
        values = {name: arguments[name] for name in options}
        key = (*((name, a.shape, a.tobytes()) for name, a in sorted(arrays.items())), *sorted(values.items()))
        if key not in cache:
            if len(cache) == CACHED_CALLS:
                del cache[next(iter(cache))]
            outputs = noise(definition, arrays, values, policy, seed, constants=constants)
            cache[key] = [replace(output, bound=factor * output.bound) for output in outputs]
        return cache[key]

    return noise_of


def nearest_sizes(prop: Property, sizes: Mapping[str, int]) -> dict[str, int]:
    """The nearest sizes to which a property applies: none smaller, some enlarged to its least or to be equal."""
    nearest = {name: max(size, prop.least.get(name, 0)) for name, size in sizes.items()}
    for first, second in prop.equal:
        nearest[first] = nearest[second] = max(nearest[first], nearest[second])
    return nearest


def applies(prop: Property, case: Case) -> bool:
    """Whether a property applies to a case: to its sizes, if its values are finite and its batch is not empty."""
    definition = REGISTRY[prop.equation].definition
    sizes, _ = fit(definition, {name: array.shape for name, array in case.arrays.items()}, case.options)
    empty = 0 in batch_shape(definition, case.arrays)
    return case.finite and not empty and nearest_sizes(prop, sizes) == sizes


def broken_relations(prop: Property, function: Function, case: Case, noise_of: NoiseOf) -> list[Violation]:
    """The relations of a property that a function breaks on the first example of a case.

    Args:
        prop: the property; it must apply to the case.
        function: the function that is tested. It is called with the equation's arrays and options by name, as float64
            NumPy arrays in C order, and returns an array that NumPy understands, or a tuple of them. Its exceptions are
            not caught.
        case: the case. Only its first example is used.
        noise_of: the noise of the property's equation.
    """
    arguments = unbatched(case, REGISTRY[prop.equation]).arguments
    exact = _relations(prop, arguments, _from_noise(noise_of, lambda output: _floats(output.value)))
    tested = _relations(prop, arguments, _on_contiguous_copies(function))

    def perturbed(probes: Iterable[str | int]) -> list[list[Relation]]:
        return [_relations(prop, arguments, _from_noise(noise_of, _perturbation(probe))) for probe in probes]

    def broken(shared: list[list[Relation]], apart: list[list[Relation]]) -> list[Violation]:
        worst = (
            _worst(
                prop,
                item,
                _tolerance(true, [relations[place] for relations in shared], [relations[place] for relations in apart]),
            )
            for place, (item, true) in enumerate(zip(tested, exact, strict=True))
        )
        return [violation for violation in worst if violation]

    shared = perturbed(SHARED)  # these are cheap, and most relations hold within them
    return broken(shared, perturbed(range(PROBES))) if broken(shared, []) else []


def _relations(prop: Property, arguments: Arguments, function: Function) -> list[Relation]:
    """Compute every relation of a property for a function, in float64."""
    with np.errstate(all="ignore"):
        return [
            replace(item, left=_floats(item.left), right=_floats(item.right))
            for item in prop.relations(function, arguments)
        ]


def _floats(array: Any) -> Floats:
    return np.asarray(array, dtype=np.float64)


def _on_contiguous_copies(function: Function) -> Function:
    """The function called with contiguous copies, since a property may pass views; it returns float64 arrays."""

    def call(**arguments: Any) -> Any:
        copies = {name: np.array(a, order="C") if isinstance(a, np.ndarray) else a for name, a in arguments.items()}
        output = function(**copies)
        return tuple(map(_floats, output)) if isinstance(output, tuple | list) else _floats(output)

    return call


def _from_noise(noise_of: NoiseOf, choose: Callable[[Noise], Floats]) -> Function:
    """A function of the equation's arguments whose outputs are computed from the noise."""

    def call(**arguments: Any) -> Any:
        outputs = tuple(choose(output) for output in noise_of(arguments))
        return outputs if len(outputs) > 1 else outputs[0]

    return call


def _perturbation(probe: str | int) -> Callable[[Noise], Floats]:
    """Return a function that moves values by their bounds; undecidable elements become NaN.

    Args:
        probe: "up", "outward" for away from 0, or the seed of random signs.
    """
    generator = np.random.Generator(np.random.Philox(probe)) if isinstance(probe, int) else None

    def move(item: Noise) -> Floats:
        down = item.value < 0 if generator is None else generator.random(item.value.shape) < 0.5
        signs = np.where(down & (probe != "up"), -1.0, 1.0)
        moved = np.where(item.undecidable | ~np.isfinite(item.bound), np.nan, item.value + signs * item.bound)
        return _floats(np.where(np.isfinite(item.value), moved, item.value))

    return move


def _tolerance(exact: Relation, shared: Sequence[Relation], apart: Sequence[Relation]) -> Floats:
    """How far rounding may move the two sides of a relation apart, for each element.

    It is infinite where a side depends on an undecidable element.
    """
    # The largest of the shared perturbations and the rms of the random ones, plus a slack for float64 arithmetic.

    def reach(moved: Sequence[Relation]) -> list[Floats]:
        return [_distance(item.left, exact.left) + _distance(item.right, exact.right) for item in moved]

    sides = (np.where(np.isfinite(side), np.abs(side), 0.0) for side in (exact.left, exact.right))
    rms = [np.hypot.reduce(reach(apart)) / np.sqrt(len(apart))] if apart else []
    return np.asarray(np.max([*reach(shared), *rms], axis=0) + RELATION_SLACK * sum(sides))


def _distance(left: Floats, right: Floats) -> Floats:
    """The distance: 0 between equal infinities and between NaN and NaN, infinite between NaN and a number."""
    with np.errstate(all="ignore"):
        distance = np.abs(left - right)
        same = (left == right) | (np.isnan(left) & np.isnan(right))
    return np.where(same, 0.0, np.where(np.isnan(distance), np.inf, distance))


def _worst(prop: Property, tested: Relation, tolerance: Floats) -> Violation | None:
    """The element that breaks a relation by most tolerances."""
    left, right, tolerance = np.broadcast_arrays(tested.left, tested.right, tolerance)
    distance = _distance(left, right)
    if isinstance(tested, AtMost):
        distance = np.where(left <= right, 0.0, distance)
    broken = (distance > tolerance) & (tolerance < np.inf)
    if not broken.any():
        return None
    with np.errstate(all="ignore"):
        excess = np.where(broken, distance / tolerance, 0.0)
    index = tuple(map(int, np.unravel_index(int(excess.argmax()), excess.shape)))
    sign = "≤" if isinstance(tested, AtMost) else "="
    return Violation(
        prop.name, prop.says, index, float(left[index]), float(right[index]), float(tolerance[index]), sign
    )
