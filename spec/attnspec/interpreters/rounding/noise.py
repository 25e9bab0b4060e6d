"""The noise of an equation: for each element, the errors that rounding under a precision policy may cause."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attnspec.interpreters.evaluation.call import batch_shape, fit
from attnspec.interpreters.evaluation.walk import Array
from attnspec.interpreters.rounding.ensemble import Ensemble
from attnspec.interpreters.rounding.policy import Policy
from attnspec.interpreters.rounding.propagation import Propagation
from attnspec.language.layers import written_out
from attnspec.language.tree import Definition
from attnspec.thresholds import ORACLE_VARIANCE, SAMPLES, SIGMA_BOUND, UNDECIDABLE, UNDECIDABLE_SHARE, UNDERFLOWS


@dataclass(frozen=True, slots=True)
class Noise:
    """The value of one output, and by how much rounding may change it; `Equation.noise` computes it.

    All arrays have the shape and the unit of the output; NumPy's, in float64.

    Attributes:
        value: the value of the equation.
        sigma: standard deviation of the rounding errors of a correct implementation.
        bound: largest error that counts as rounding: a multiple of `sigma`, or the largest error of simulated runs with
            more noise, if that is larger.
        undecidable: True where the noise is too large to judge the element.
        members: errors of simulated runs at the noise of the policy, with the runs along an additional first axis.

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
    """The noise of every output of an equation.

    Args:
        definition: the equation.
        arrays: {name: array} in float64, with values of the policy's storage format.
        options: {name: value} of the options.
        policy: the precision policy.
        seed: the seed of the simulated roundings.
        namespace: the array namespace.
        constants: significant bits that a constant such as √d is rounded to before use; None if it is exact.

    Returns:
        The noise of each result, in the order of the equation's results.

    Raises:
        ShapeError: arrays do not fit the signature.
    """
    (only,) = noise_of_each(definition, [arrays], options, policy, seed, namespace, constants)
    return only


def noise_of_each(
    definition: Definition,
    inputs: Sequence[Mapping[str, Array]],
    options: Mapping[str, float],
    policy: Policy,
    seed: int = 0,
    namespace: Any = np,
    constants: int | None = None,
) -> list[tuple[Noise, ...]]:
    """The noise of an equation on several inputs of equal shapes, which are evaluated at once.

    Args:
        inputs: the arrays of each. What several have in common may be one object.

    Other arguments, and what is raised, are those of `noise`.

    Returns:
        What `noise` returns for each.
    """
    definition, first = written_out(definition, inputs[0]), inputs[0]
    several = {name for name, array in first.items() if any(each[name] is not array for each in inputs)}
    if len(inputs) > 1 and not several:
        return [noise(definition, first, options, policy, seed, namespace, constants)] * len(inputs)
    arrays = _stacked(definition, inputs, several, namespace)
    sizes, batch = fit(definition, {name: tuple(array.shape) for name, array in arrays.items()}, options)
    lead = batch_shape(definition, arrays)
    propagation = Propagation(namespace, policy, constants)
    ensemble = Ensemble(namespace, policy, seed, constants)
    with np.errstate(all="ignore"):
        propagated, _ = propagation.run(definition, arrays, options, sizes, batch)
        runs, _ = ensemble.run(definition, arrays, options, sizes, batch)
        outputs = []
        for noisy, run, result in zip(propagated, runs, definition.results, strict=True):
            shape = (*lead, *(dim.value(sizes) for dim in result.dims))
            stored, rounded = propagation.rounded_to(noisy, policy.storage), ensemble.rounded_to(run, policy.storage)
            value = namespace.broadcast_to(stored.value, shape)
            variance = namespace.broadcast_to(propagation.variance(stored), shape)
            count, *run_shape = rounded.value.shape
            padding = (1,) * (len(shape) - len(run_shape))
            aligned = namespace.reshape(rounded.value, (count, *padding, *run_shape))
            if result.kind == "bool":
                value, aligned = (namespace.astype(array, namespace.float64) for array in (value, aligned))
            members = namespace.broadcast_to(aligned, (count, *shape)) - value
            combine = float_noise if result.kind == "float" else _exact_noise
            outputs.append(
                [
                    combine(value[*at, ...], variance[*at, ...], members[:, *at, ...], policy, namespace)
                    for at in ([(k,) for k in range(len(inputs))] if len(inputs) > 1 else [()])
                ]
            )
    return [*zip(*outputs, strict=True)]


def _stacked(
    definition: Definition, inputs: Sequence[Mapping[str, Array]], several: Collection[str], xp: Any
) -> dict[str, Array]:
    """The arrays of all inputs; those named, which differ between them, along a new first batch axis."""
    arrays = dict(inputs[0])
    leads = {p.name: arrays[p.name].ndim - len(p.dims) for p in definition.parameters}
    for name in several:
        whole = xp.stack([each[name] for each in inputs])
        padding = (1,) * (max(leads.values()) - leads[name])
        arrays[name] = xp.reshape(whole, (len(inputs), *padding, *whole.shape[1:]))
    return arrays


def either(a: Noise, b: Noise) -> Noise:
    """The larger of two noises in every element, for software that may compute in either of two ways."""
    looser = b.sigma > a.sigma
    sigma, bound = np.maximum(a.sigma, b.sigma), np.maximum(a.bound, b.bound)
    return Noise(a.value, sigma, bound, a.undecidable | b.undecidable, np.where(looser, b.members, a.members))


def _exact_noise(value: Array, variance: Array, members: Array, policy: Policy, xp: Any) -> Noise:
    """The noise of a whole number or a truth value: none, and it is undecidable where rounding may change it."""
    zeros = xp.zeros(value.shape, dtype=xp.float64, device=value.device)
    undecidable = (variance > 0) | xp.any(members != 0, axis=0)
    return Noise(value, zeros, zeros, undecidable, xp.zeros((SAMPLES, *value.shape), dtype=xp.float64))


def float_noise(value: Array, variance: Array, members: Array, policy: Policy, xp: Any) -> Noise:
    """The noise of a floating-point result.

    Args:
        value: the value.
        variance: the propagated variance.
        members: the errors of the simulated runs, along a new first axis.

    σ² is the larger of the propagated variance and the mean square error of the runs. The bound is the larger of
    `SIGMA_BOUND` σ and the largest error of the runs with more noise.
    """
    finite = xp.isfinite(members)
    kept, more = (  # two arrays, of which only the first one is kept
        xp.where(finite[some, ...], members[some, ...], xp.zeros_like(members[some, ...]))
        for some in (slice(SAMPLES), slice(SAMPLES, None))
    )
    stressed = xp.max(xp.abs(more), axis=0)
    return combined(value, variance, xp.mean(kept**2, axis=0), stressed, xp.any(~finite, axis=0), kept, policy, xp)


def combined(
    value: Array,
    variance: Array,
    sampled: Array,
    stressed: Array,
    lost: Array,
    members: Array,
    policy: Policy,
    xp: Any,
) -> Noise:
    """The noise of a floating-point result, from what is known of the simulated runs.

    Args:
        sampled: the mean square error of the runs.
        stressed: the largest error of the runs with more noise.
        lost: where some run is not finite.
        members: the errors that are kept.
    """
    total = xp.minimum(xp.maximum(variance, sampled), UNDECIDABLE)
    if policy.storage.name == "float64":
        total = ORACLE_VARIANCE * total  # the oracle rounds as much as the candidate
    sigma = xp.sqrt(total)
    bound = xp.maximum(SIGMA_BOUND * sigma, stressed)
    undecidable = (total >= UNDECIDABLE) | (lost & xp.isfinite(value)) | (bound > largest_bound(value, policy, xp))
    return Noise(value, sigma, bound, undecidable, members)


def largest_bound(value: Array, policy: Policy, xp: Any) -> Array:
    """The largest bound with which an element of a floating-point result is decidable.

    Args:
        value: the values of all elements.
    """
    magnitude = xp.where(xp.isfinite(value), xp.abs(value), xp.zeros_like(value))
    scale = xp.max(magnitude) if value.size else 0.0
    return UNDECIDABLE_SHARE * scale + UNDERFLOWS * SIGMA_BOUND * policy.storage.least
