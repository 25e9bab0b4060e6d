"""Scores: how much query i and key j have to do with each other, additive and by products."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor

from attnspec import implements
from attnspec_torch._functions import DTYPES, with_lead

CHUNK = {"cpu": 1 << 16}
"""{kind of device: how many numbers of the hidden layer are held at a time}: on a CPU they stay in its cache."""

OTHER_CHUNK = 1 << 24
"""The same for other devices, on which fewer and larger calls are quicker."""


@implements("scores.additive", framework="torch", dtypes=DTYPES)
def additive(s: Tensor, h: Tensor, W: Tensor, U: Tensor, v_a: Tensor) -> Tensor:
    """Both projections once; the hidden layer of all pairs is never held, see `_Hidden`."""
    queries, keys = with_lead(s @ W, h @ U)
    if torch.is_grad_enabled() and any(a.requires_grad for a in (queries, keys, v_a)):
        return cast(Tensor, _Hidden.apply(queries, keys, v_a))  # type: ignore[no-untyped-call]  # it has no types
    return _of_pairs(queries, keys, v_a)


class _Hidden(torch.autograd.Function):
    """v_a · tanh(query + key) of all pairs, for a few queries at a time; the gradients compute the tanh again."""

    @staticmethod
    def forward(queries: Tensor, keys: Tensor, v_a: Tensor) -> Tensor:
        return _of_pairs(queries, keys, v_a)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, d_e: Tensor) -> tuple[Tensor | None, ...]:
        given, needed = ctx.saved_tensors, ctx.needs_input_grad
        if torch.is_grad_enabled():  # gradients of gradients are wanted: PyTorch differentiates the whole layer
            queries, keys, v_a = given
            e = torch.tanh(queries.unsqueeze(-2) + keys.unsqueeze(-3)) @ v_a
            wanted = [a for a, is_needed in zip(given, needed, strict=True) if is_needed]
            found = iter(torch.autograd.grad(e, wanted, d_e, create_graph=True))
            return tuple(next(found) if is_needed else None for is_needed in needed)
        d_queries, d_keys, d_v_a = gradients_of_pairs(*(a.to(_wide(a)) for a in (d_e, *given)))
        gradients = d_queries, d_keys, d_v_a.sum_to_size(given[2].shape)
        return tuple(d.to(a.dtype) for d, a in zip(gradients, given, strict=True))


def _wide(a: Tensor) -> torch.dtype:
    return torch.promote_types(a.dtype, torch.float32)


def _of_pairs(queries: Tensor, keys: Tensor, v_a: Tensor) -> Tensor:
    """The scores, from the projections."""
    e = queries.new_empty(*queries.shape[:-1], keys.shape[-2])
    for rows in _chunks(queries, keys):
        e[..., rows, :] = torch.tanh(queries[..., rows, :].unsqueeze(-2) + keys.unsqueeze(-3)) @ v_a
    return e


def gradients_of_pairs(d_e: Tensor, queries: Tensor, keys: Tensor, v_a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of the projections and of v_a, the latter for each example, for a few queries at a time."""
    d_queries, d_keys = queries.new_empty(queries.shape), keys.new_zeros(keys.shape)
    d_v_a = queries.new_zeros(*queries.shape[:-2], 1, queries.shape[-1])
    for rows in _chunks(queries, keys):
        f = torch.tanh(queries[..., rows, :].unsqueeze(-2) + keys.unsqueeze(-3))
        part = d_e[..., rows, :]
        d_v_a += part.flatten(-2).unsqueeze(-2) @ f.flatten(-3, -2)
        f = (1 - f.square()) * part.unsqueeze(-1)
        d_queries[..., rows, :] = f.sum(dim=-2)
        d_keys += f.sum(dim=-3)
    return d_queries * v_a, d_keys * v_a, d_v_a.squeeze(-2)


def _chunks(queries: Tensor, keys: Tensor) -> list[slice]:
    """Queries whose hidden layer has about `CHUNK` numbers."""
    n, most = queries.shape[-2], CHUNK.get(queries.device.type, OTHER_CHUNK)
    rows = max(1, most // max(1, keys.numel()))
    return [slice(first, first + rows) for first in range(0, n, rows)]


@implements("scores.dot", framework="torch", dtypes=DTYPES)
def dot(q: Tensor, k: Tensor) -> Tensor:
    """One product."""
    return q @ k.mT


@implements("scores.scaled_dot", framework="torch", dtypes=DTYPES)
def scaled_dot(q: Tensor, k: Tensor) -> Tensor:
    """One product, then the scale."""
    return q @ k.mT / math.sqrt(k.shape[-1])


@implements("scores.bilinear", framework="torch", dtypes=DTYPES)
def bilinear(q: Tensor, k: Tensor, W: Tensor) -> Tensor:
    """The queries are mapped to the keys' width."""
    return q @ W @ k.mT


@implements("scores.linear", framework="torch", dtypes=DTYPES)
def linear(s: Tensor, h: Tensor, W_q: Tensor, W_k: Tensor) -> Tensor:
    """Each side once through its matrix, then one product."""
    return (s @ W_q) @ (h @ W_k).mT


@implements("scores.nonlinear", framework="torch", dtypes=DTYPES)
def nonlinear(s: Tensor, h: Tensor, W_q: Tensor, W_k: Tensor, b_q: Tensor, b_k: Tensor) -> Tensor:
    """Each side once through its layer, then one product."""
    return torch.tanh(s @ W_q + b_q) @ torch.tanh(h @ W_k + b_k).mT
