"""The noise of large cases: simulated runs are made a few at a time, and only what they come to is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from attnspec.interpreters.evaluation.call import batch_shape, fit
from attnspec.interpreters.evaluation.walk import Array
from attnspec.interpreters.rounding.ensemble import Ensemble
from attnspec.interpreters.rounding.noise import Noise, combined
from attnspec.interpreters.rounding.policy import Policy
from attnspec.interpreters.rounding.propagation import Propagation
from attnspec.language.tree import Definition
from attnspec.thresholds import SAMPLES, STRESSED_SAMPLES

RUNS = SAMPLES + STRESSED_SAMPLES


@dataclass
class _Runs:
    """What simulated runs of one output come to.

    Attributes:
        value: the value.
        variance: the propagated variance.
        squares: the sum of the squared errors of runs as modelled.
        stressed: the largest error of runs with more noise.
        lost: where some run is not finite.
    """

    value: Array
    variance: Array
    squares: Array
    stressed: Array
    lost: Array

    def add(self, run: Array, first: int) -> None:
        """Add runs, of which the first one has this number."""
        count, *shape = run.shape
        aligned = run.reshape(count, *(1,) * (self.value.ndim - len(shape)), *shape)
        for number, each in enumerate(aligned, first):
            error = each - self.value
            finite = np.isfinite(error)
            self.lost |= ~finite
            error = np.where(finite, error, 0.0)
            if number < SAMPLES:
                self.squares += error**2
            else:
                np.maximum(self.stressed, np.abs(error), out=self.stressed)

    def noise(self, kind: str, policy: Policy) -> Noise:
        """The noise of the output, without errors of single runs."""
        none = np.zeros((0, *self.value.shape))
        if kind == "float":
            sampled = self.squares / SAMPLES
            return combined(self.value, self.variance, sampled, self.stressed, self.lost, none, policy, np)
        zeros = np.zeros(self.value.shape)
        changed = (self.variance > 0) | (self.squares > 0) | (self.stressed > 0) | self.lost
        return Noise(self.value, zeros, zeros, changed, none)


def noise_in_parts(
    definition: Definition,
    arrays: Mapping[str, Array],
    options: Mapping[str, float],
    policy: Policy,
    seed: int,
    constants: int | None,
    at_once: int,
) -> tuple[Noise, ...]:
    """The noise of every output of an equation, as `noise` has it, in less memory; `Noise.members` is empty.

    Args:
        at_once: how many runs are made at once; for the others, see `noise`.
    """
    sizes, batch = fit(definition, {name: tuple(array.shape) for name, array in arrays.items()}, options)
    lead = batch_shape(definition, arrays)
    propagation = Propagation(np, policy, constants)
    with np.errstate(all="ignore"):
        propagated, _ = propagation.run(definition, arrays, options, sizes, batch)
        found = []
        for noisy, result in zip(propagated, definition.results, strict=True):
            shape = (*lead, *(dim.value(sizes) for dim in result.dims))
            stored = propagation.rounded_to(noisy, policy.storage)
            value = np.broadcast_to(np.asarray(stored.value, np.float64), shape)
            variance = np.broadcast_to(propagation.variance(stored), shape)
            found.append(_Runs(value, variance, np.zeros(shape), np.zeros(shape), np.zeros(shape, bool)))
        del propagated
        for first in range(0, RUNS, at_once):
            ensemble = Ensemble(np, policy, seed, constants, slice(first, first + at_once), shared=True)
            runs, _ = ensemble.run(definition, arrays, options, sizes, batch)
            for each, run in zip(found, runs, strict=True):
                each.add(ensemble.rounded_to(run, policy.storage).value, first)
            del runs
    return tuple(each.noise(result.kind, policy) for each, result in zip(found, definition.results, strict=True))
