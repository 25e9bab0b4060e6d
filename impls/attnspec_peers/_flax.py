"""Flax: its modules of `flax.linen`, applied to given weights; nothing is initialised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from attnspec_peers._undrawn import undrawn

with undrawn():
    from flax import linen

__all__ = ["linen"]

Parameters = Mapping[str, Any]


def count(name: str, d: int, u: int) -> int:
    """How many parameters a cell has, by the shapes that it would be initialised with."""
    cell = getattr(linen, name)(u)
    x = jnp.zeros((1, d))
    key = jax.random.key(0)
    shapes = jax.eval_shape(lambda x: cell.init(key, cell.initialize_carry(key, x.shape), x), x)
    return sum(leaf.size for leaf in jax.tree.leaves(shapes))


def dense(W: Array, b: Array | None = None) -> Parameters:
    """The parameters of Dense, or of LayerNorm."""
    return {"kernel": W} if b is None else {"kernel": W, "bias": b}


def rnn(arrays: Sequence[Array]) -> Parameters:
    """The parameters of SimpleCell, from W_x, W_h and b."""
    W_xh, W_hh, b_h = arrays
    return {"i": dense(W_xh, b_h), "h": dense(W_hh)}


def gru(arrays: Sequence[Array]) -> Parameters:
    """The parameters of GRUCell, from W_x, W_h and b of r, z and the candidate, n, in turn, and the last one's b_hh."""
    W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh = arrays
    side = {"ir": dense(W_xr, b_r), "iz": dense(W_xz, b_z), "in": dense(W_xh, b_h)}
    return {**side, "hr": dense(W_hr), "hz": dense(W_hz), "hn": dense(W_hh, b_hh)}


def lstm(arrays: Sequence[Array]) -> Parameters:
    """The parameters of LSTMCell, from W_x, W_h and b of i, f, g and o in turn."""
    gates = zip("ifgo", arrays[0::3], arrays[1::3], arrays[2::3], strict=True)
    parts = [(gate, dense(W_x), dense(W_h, b)) for gate, W_x, W_h, b in gates]
    return {f"{side}{gate}": part for gate, *both in parts for side, part in zip("ih", both, strict=True)}


def apply(module: Any, parameters: Parameters, *inputs: Any, **options: Any) -> Any:
    """What a module makes of its inputs with these parameters."""
    return module.apply({"params": parameters}, *inputs, **options)


def step(name: str, parameters: Parameters, states: Sequence[Array], x: Array) -> tuple[Array, ...]:
    """One step of a cell of width u: the states after it, hidden state first, as LSTMCell does not have them."""
    cell = getattr(linen, name)(states[0].shape[-1])
    carry, _ = apply(cell, parameters, _carry(states), x)
    return _states(carry)


@cache
def _network(name: str, u: int) -> Any:
    return linen.RNN(getattr(linen, name)(u), return_carry=True)


def sequence(name: str, parameters: Parameters, states: Sequence[Array], x: Array, **options: Any) -> tuple[Array, ...]:
    """flax.linen.RNN: every output, and the last states."""
    batched = x.ndim == 3
    given = states if batched else [state[None] for state in states]
    carry, y = _run(name, given[0].shape[-1], {"cell": parameters}, _carry(given), x if batched else x[None])
    answer = (y, *_states(carry))
    return answer if batched else tuple(each[0] for each in answer)


def _run(name: str, u: int, parameters: Parameters, carry: Any, x: Array) -> Any:
    return apply(_network(name, u), parameters, x, initial_carry=carry)


def both_ways(name: str, u: int, halves: Sequence[Parameters], x: Array) -> Array:
    """flax.linen.Bidirectional of two RNNs, which start from 0: every output."""
    forward, backward = (linen.RNN(getattr(linen, name)(u), name=end) for end in ("forward_rnn", "backward_rnn"))
    cells = {f"{end}_rnn": {"cell": half} for end, half in zip(("forward", "backward"), halves, strict=True)}
    y: Array = apply(linen.Bidirectional(forward, backward), cells, x if x.ndim == 3 else x[None])
    return y if x.ndim == 3 else y[0]


def _carry(states: Sequence[Array]) -> Any:
    """The cell state of an LSTM comes first in Flax."""
    return states[0] if len(states) == 1 else (states[1], states[0])


def _states(carry: Any) -> tuple[Array, ...]:
    return (carry[1], carry[0]) if isinstance(carry, tuple) else (carry,)
