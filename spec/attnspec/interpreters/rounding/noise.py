"""The tolerance of every element: what rounding under a precision policy does to an equation, on these inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from attnspec.interpreters.evaluation.call import batch_shape, fit
from attnspec.interpreters.evaluation.walk import Array
from attnspec.interpreters.rounding.ensemble import Ensemble
from attnspec.interpreters.rounding.policy import Policy
from attnspec.interpreters.rounding.propagation import Propagation
from attnspec.language.tree import Definition
from attnspec.thresholds import ORACLE_VARIANCE, SAMPLES, SIGMA_BOUND, UNDECIDABLE, UNDECIDABLE_SHARE, UNDERFLOWS


@dataclass(frozen=True, slots=True)
class Noise:
    """The value of one output, and by how much rounding may change it; `Equation.noise` computes it.

    All arrays have the shape and the unit of the output; NumPy's, in float64.

    Attributes:
        value: the value of the equation.
        sigma: standard deviation of the rounding errors of a correct implementation.
        bound: largest error that is put down to rounding: a multiple of `sigma`, or the largest error of simulated runs
            with more noise, if that is larger.
        undecidable: True where the noise is too large to judge the element.
        members: errors of simulated runs with honest rounding, with the runs along an additional first axis.

    Examples:
        >>> import numpy as np
        >>> import attnspec
        >>> weights = attnspec.equations()["attention.weights"]
        >>> [noise] = weights.noise({"e": np.array([[0.0, 1.0]])}, dtype="bfloat16", policy="float32-inside")
        >>> noise.value.round(4)
        array([[0.2689, 0.7311]])
        >>> bool((noise.bound > 0.001).all()), noise.undecidable
        (True, array([[False, False]]))
    """

    value: Array
    sigma: Array
    bound: Array
    undecidable: Array
    members: Array


def noise(
    definition: Definition,
    arrays: Mapping[str, Array],
    options: Mapping[str, float],
    policy: Policy,
    seed: int = 0,
    namespace: Any = np,
    constants: int | None = None,
) -> tuple[Noise, ...]:
    """The noise of every output of an equation, for float64 arrays that hold values of the policy's storage format.

    Args:
        seed: of the simulated roundings.
        namespace: of the arrays.
        constants: significant bits to which a constant such as √d is rounded before it is used; None: it is exact.

    Raises:
        ShapeError: arrays do not fit the signature.
    """
    sizes, batch = fit(definition, {name: tuple(array.shape) for name, array in arrays.items()}, options)
    lead = batch_shape(definition, arrays)
    propagation = Propagation(namespace, policy, constants)
    ensemble = Ensemble(namespace, policy, seed, constants)
    with np.errstate(all="ignore"):
        spread, _ = propagation.run(definition, arrays, options, sizes, batch)
        runs, _ = ensemble.run(definition, arrays, options, sizes, batch)
        found = []
        for noisy, run, result in zip(spread, runs, definition.results, strict=True):
            shape = (*lead, *(dim.value(sizes) for dim in result.dims))
            kept, rounded = propagation.kept(noisy, policy.storage), ensemble.kept(run, policy.storage)
            value = namespace.broadcast_to(kept.value, shape)
            variance = namespace.broadcast_to(propagation.variance(kept), shape)
            count, *own = rounded.value.shape
            lined = namespace.reshape(rounded.value, (count, *(1,) * (len(shape) - len(own)), *own))
            members = namespace.broadcast_to(lined, (count, *shape)) - value
            combined = _counted if result.kind == "int" else _combined
            found.append(combined(value, variance, members, policy, namespace))
    return tuple(found)


def either(a: Noise, b: Noise) -> Noise:
    """The noise of software that computes the one way or the other: element by element what allows more."""
    looser = b.sigma > a.sigma
    sigma, bound = np.maximum(a.sigma, b.sigma), np.maximum(a.bound, b.bound)
    return Noise(a.value, sigma, bound, a.undecidable | b.undecidable, np.where(looser, b.members, a.members))


def _counted(value: Array, variance: Array, members: Array, policy: Policy, xp: Any) -> Noise:
    """A whole number is right or wrong; one that rounding may change is not asked."""
    nothing = xp.zeros(value.shape, dtype=xp.float64, device=value.device)
    undecidable = (variance > 0) | xp.any(members != 0, axis=0)
    return Noise(value, nothing, nothing, undecidable, xp.zeros((SAMPLES, *value.shape), dtype=xp.float64))


def _combined(value: Array, variance: Array, members: Array, policy: Policy, xp: Any) -> Noise:
    """The larger of the two sources of σ; the bound from σ and from the runs at more noise."""
    deviations = xp.where(xp.isfinite(members), members, xp.zeros_like(members))
    seen = xp.mean(deviations[:SAMPLES, ...] ** 2, axis=0)
    total = xp.maximum(variance, seen)
    if policy.storage.name == "float64":
        total = ORACLE_VARIANCE * total  # the oracle itself rounds as much as what it judges
    sigma = xp.sqrt(total)
    bound = xp.maximum(SIGMA_BOUND * sigma, xp.max(xp.abs(deviations[SAMPLES:, ...]), axis=0))
    finite = xp.isfinite(value)
    size = xp.where(finite, xp.abs(value), xp.zeros_like(value))
    scale = xp.max(size) if value.size else 0.0
    lost = xp.any(~xp.isfinite(members), axis=0) & finite
    undecidable = (
        (total >= UNDECIDABLE)
        | lost
        | (bound > UNDECIDABLE_SHARE * scale + UNDERFLOWS * SIGMA_BOUND * policy.storage.least)
    )
    return Noise(value, sigma, bound, undecidable, deviations[:SAMPLES, ...])
