"""Scaled dot-product attention with backward passes of its own: right, wrong, and some that misbehave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from attnspec import implements

Attention = Callable[[Tensor, Tensor, Tensor], Tensor]
claims = implements("attention.scaled_dot_product", framework="torch", backward=True)


@implements("attention.scaled_dot_product", framework="torch")
@implements("attention.scaled_dot_product", framework="torch", backward=True, double_backward=True)
def plain(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return torch.softmax(q @ k.mT * q.shape[-1] ** -0.5, -1) @ v


@claims
def detached(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    with torch.no_grad():
        return plain(q, k, v)


@claims
def keys_detached(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return plain(q, k.detach(), v)


@claims
def keys_counted_twice(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return plain(q, k + (k - k.detach()), v)


@claims
def flat(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return plain(q, k, v)[..., 0]


class Backward:
    """A right backward pass in float32, its operands rounded to storage as fused kernels have it; others change it."""

    def d_o(self, d_o: Tensor) -> Tensor:
        return d_o

    def d_e(self, p: Tensor, d_p: Tensor) -> Tensor:
        return p * (d_p - (d_p * p).sum(-1, keepdim=True))

    def results(self, d_q: Tensor, d_k: Tensor, d_v: Tensor, scale: float) -> tuple[Tensor, Tensor, Tensor]:
        return scale * d_q, scale * d_k, d_v

    def attention(self) -> Attention:
        own = self

        class Function(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
                e = q.float() @ k.float().mT * q.shape[-1] ** -0.5
                p = torch.softmax(e, -1)
                ctx.save_for_backward(q, k, v)
                ctx.p = p
                return (p.to(v.dtype).float() @ v.float()).to(v.dtype)

            @staticmethod
            def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
                d_o = own.d_o(*gradients)
                kind = d_o.dtype
                q, k, v = (each.float() for each in ctx.saved_tensors)
                d_v = ctx.p.to(kind).float().mT @ d_o.float()
                d_e = own.d_e(ctx.p, d_o.float() @ v.mT).to(kind).float()
                found = own.results(d_e @ k, d_e.mT @ q, d_v, q.shape[-1] ** -0.5)
                return tuple(each.to(kind) for each in found)

        @claims
        def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            o: Tensor = Function.apply(q, k, v)  # type: ignore[no-untyped-call]  # torch leaves it untyped
            return o

        return attention


class NoScaleInKeys(Backward):
    def results(self, d_q: Tensor, d_k: Tensor, d_v: Tensor, scale: float) -> tuple[Tensor, Tensor, Tensor]:
        return scale * d_q, d_k, d_v


class NoMean(Backward):
    def d_e(self, p: Tensor, d_p: Tensor) -> Tensor:
        return p * d_p


class Spoils(Backward):
    def d_e(self, p: Tensor, d_p: Tensor) -> Tensor:
        return p.mul_(d_p - (d_p * p).sum(-1, keepdim=True))  # in the memory of the weights that were saved


class WritesGradient(Backward):
    def d_o(self, d_o: Tensor) -> Tensor:
        kept = d_o.clone()
        d_o.zero_()
        return kept


class NeedsContiguous(Backward):
    def d_o(self, d_o: Tensor) -> Tensor:
        return d_o.view(-1).view(d_o.shape)


class Raises(Backward):
    def d_o(self, d_o: Tensor) -> Tensor:
        raise NotImplementedError("no backward for this head size")


fused = Backward().attention()
no_scale_in_keys = NoScaleInKeys().attention()
no_mean = NoMean().attention()
spoils = Spoils().attention()
writes_gradient = WritesGradient().attention()
needs_contiguous = NeedsContiguous().attention()
raises = Raises().attention()


@implements("attention.scaled_dot_product", framework="torch", backward=True, double_backward=True)
def saves_weights(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """What is saved beside ctx.save_for_backward is a constant to whoever differentiates again."""
    return fused(q, k, v)
