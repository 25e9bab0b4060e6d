"""Properties checked on a function: which relations it breaks by more than rounding may.

The tolerance of a relation is measured. The relation is computed from the oracle's values, and again with every value
moved to an end of its bound: all up, all away from 0, and several times at random. The largest movement of either
side, and the root mean square of the random ones, is what honest rounding may cause. A relation that depends on an
undecidable value is not checked.
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
"""Where values go within their bounds by an error that all share: up, or away from 0, as by a divisor that is off."""

REMEMBERED = 64
"""How many calls' noise is kept: the properties of an equation ask for the same ones again and again."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A relation that does not hold.

    Attributes:
        law: the property's name.
        says: what should hold, in a sentence.
        index: the element that breaks it most.
        left: the left side there.
        right: the right side there.
        tolerance: how far apart rounding may bring them there.
        sign: "=" or "≤", what should stand between them.
    """

    law: str
    says: str
    index: tuple[int, ...]
    left: float
    right: float
    tolerance: float
    sign: str

    def __str__(self) -> str:
        place = f" at {list(self.index)}" if self.index else ""
        failed = f"{self.left:.9g} {self.sign} {self.right:.9g} ± {self.tolerance:.2g}"
        return f"{self.law}{place}: {failed} does not hold: {self.says}"


def noise_under(
    equation: Equation[..., Any],
    policy: Policy,
    seed: int = 0,
    *,
    form: Definition | None = None,
    constants: int | None = None,
) -> NoiseOf:
    """The noise of an equation under a policy, cached for the last calls.

    In float64 bounds are doubled, since the oracle rounds as much as the function.

    Args:
        form: the form by which the function was judged; None: the equation as it stands.
        constants: as for `noise`.
    """
    definition = form or equation.definition
    options = {option.name for option in definition.options}
    factor = ORACLE_VARIANCE if policy.storage.name == "float64" else 1.0
    known: dict[object, Sequence[Noise]] = {}

    def noise_of(arguments: Arguments) -> Sequence[Noise]:
        arrays = {name: np.asarray(array) for name, array in arguments.items() if name not in options}
        given = {name: arguments[name] for name in options}
        key = (*((name, a.shape, a.tobytes()) for name, a in sorted(arrays.items())), *sorted(given.items()))
        if key not in known:
            if len(known) == REMEMBERED:
                del known[next(iter(known))]
            found = noise(definition, arrays, given, policy, seed, constants=constants)
            known[key] = [replace(item, bound=factor * item.bound) for item in found]
        return known[key]

    return noise_of


def fitted(law: Property, sizes: Mapping[str, int]) -> dict[str, int]:
    """The nearest sizes to which a property applies: large enough, and equal where it needs them equal."""
    found = {name: max(size, law.least.get(name, 0)) for name, size in sizes.items()}
    for first, second in law.equal:
        found[first] = found[second] = max(found[first], found[second])
    return found


def applies(law: Property, case: Case) -> bool:
    """Whether a property applies to a case: to its sizes, to finite values, and to a batch that is not empty."""
    definition = REGISTRY[law.equation].definition
    sizes, _ = fit(definition, {name: array.shape for name, array in case.arrays.items()}, case.options)
    empty = 0 in batch_shape(definition, case.arrays)
    return case.finite and not empty and fitted(law, sizes) == sizes


def broken_relations(law: Property, function: Function, case: Case, noise_of: NoiseOf) -> list[Violation]:
    """The relations of a property that a function breaks on a case, or on its first example.

    Args:
        law: the property; it must apply to the case.
        function: what is tested. It is called with the equation's arrays and options by name, float64 NumPy arrays in
            C order, and gives an array that NumPy understands, or a tuple of them; what it raises is raised.
        case: the case.
        noise_of: the noise of the property's equation.
    """
    arguments = unbatched(case, REGISTRY[law.equation]).arguments
    exact = _relations(law, arguments, _made_of(noise_of, lambda item: _floats(item.value)))
    given = _relations(law, arguments, _plain(function))

    def moved(probes: Iterable[str | int]) -> list[list[Relation]]:
        return [_relations(law, arguments, _made_of(noise_of, _mover(probe))) for probe in probes]

    def broken(shared: list[list[Relation]], apart: list[list[Relation]]) -> list[Violation]:
        worst = (
            _worst(law, item, _tolerance(true, [each[place] for each in shared], [each[place] for each in apart]))
            for place, (item, true) in enumerate(zip(given, exact, strict=True))
        )
        return [violation for violation in worst if violation]

    shared = moved(SHARED)
    return broken(shared, moved(range(PROBES))) if broken(shared, []) else []  # most are within the one already


def _relations(law: Property, arguments: Arguments, function: Function) -> list[Relation]:
    """Every relation of a property, of one function, as float64 arrays."""
    with np.errstate(all="ignore"):
        return [
            replace(item, left=_floats(item.left), right=_floats(item.right))
            for item in law.relations(function, arguments)
        ]


def _floats(array: Any) -> Floats:
    return np.asarray(array, dtype=np.float64)


def _plain(function: Function) -> Function:
    """Call the function on contiguous copies, since a property may pass views, and convert its outputs to float64."""

    def call(**arguments: Any) -> Any:
        own = {name: np.array(a, order="C") if isinstance(a, np.ndarray) else a for name, a in arguments.items()}
        output = function(**own)
        return tuple(map(_floats, output)) if isinstance(output, tuple | list) else _floats(output)

    return call


def _made_of(noise_of: NoiseOf, choose: Callable[[Noise], Floats]) -> Function:
    """A function whose answers are computed from the noise."""

    def call(**arguments: Any) -> Any:
        outputs = tuple(choose(item) for item in noise_of(arguments))
        return outputs if len(outputs) > 1 else outputs[0]

    return call


def _mover(probe: str | int) -> Callable[[Noise], Floats]:
    """Move a value by its bound in the way of a probe; NaN where it is undecidable."""
    generator = np.random.Generator(np.random.Philox(probe)) if isinstance(probe, int) else None

    def move(item: Noise) -> Floats:
        down = item.value < 0 if generator is None else generator.random(item.value.shape) < 0.5
        signs = np.where(down & (probe != "up"), -1.0, 1.0)
        moved = np.where(item.undecidable | ~np.isfinite(item.bound), np.nan, item.value + signs * item.bound)
        return _floats(np.where(np.isfinite(item.value), moved, item.value))

    return move


def _tolerance(exact: Relation, shared: Sequence[Relation], apart: Sequence[Relation]) -> Floats:
    """How far rounding may move the two sides apart: the movement that the probes caused, and the slack.

    Infinite where a side depends on an undecidable element.
    """

    def reach(moved: Sequence[Relation]) -> list[Floats]:
        return [_apart(item.left, exact.left) + _apart(item.right, exact.right) for item in moved]

    sides = (np.where(np.isfinite(side), np.abs(side), 0.0) for side in (exact.left, exact.right))
    own = [np.hypot.reduce(reach(apart)) / np.sqrt(len(apart))] if apart else []
    return np.asarray(np.max([*reach(shared), *own], axis=0) + RELATION_SLACK * sum(sides))


def _apart(left: Floats, right: Floats) -> Floats:
    """The distance: 0 between equal infinities and between two NaN, infinite between NaN and a number."""
    with np.errstate(all="ignore"):
        distance = np.abs(left - right)
        same = (left == right) | (np.isnan(left) & np.isnan(right))
    return np.where(same, 0.0, np.where(np.isnan(distance), np.inf, distance))


def _worst(law: Property, given: Relation, tolerance: Floats) -> Violation | None:
    """The element that breaks a relation by the most tolerances."""
    left, right, tolerance = np.broadcast_arrays(given.left, given.right, tolerance)
    apart = _apart(left, right)
    if isinstance(given, AtMost):
        apart = np.where(left <= right, 0.0, apart)
    broken = (apart > tolerance) & (tolerance < np.inf)
    if not broken.any():
        return None
    with np.errstate(all="ignore"):
        excess = np.where(broken, apart / tolerance, 0.0)
    index = tuple(map(int, np.unravel_index(int(excess.argmax()), excess.shape)))
    sign = "≤" if isinstance(given, AtMost) else "="
    return Violation(law.name, law.says, index, float(left[index]), float(right[index]), float(tolerance[index]), sign)
