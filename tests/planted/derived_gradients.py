"""Equations whose gradients nobody wrote by hand, with backward passes of their own: right and wrong."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from attnspec import implements

claims = implements("transformer.feed_forward", framework="torch", backward=True, batch=(0,))


@claims
def plain(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    return torch.relu(x @ W_1 + b_1) @ W_2 + b_2


class FeedForward(torch.autograd.Function):
    """A right backward pass; others change one line of it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
        hidden = torch.relu(x @ W_1 + b_1)
        ctx.save_for_backward(x, W_1, W_2, hidden)
        return hidden @ W_2 + b_2

    @classmethod
    def gradients(cls, ctx: Any, d_o: Tensor) -> tuple[Tensor, ...]:
        x, W_1, W_2, hidden = ctx.saved_tensors
        d_a = cls.through_relu(W_2 @ d_o, hidden)
        return W_1 @ d_a, torch.outer(x, d_a), d_a, torch.outer(hidden, d_o), cls.last_bias(d_o)

    @staticmethod
    def through_relu(d_hidden: Tensor, hidden: Tensor) -> Tensor:
        return d_hidden * (hidden > 0)

    @staticmethod
    def last_bias(d_o: Tensor) -> Tensor:
        return d_o.clone()

    @staticmethod
    def backward(ctx: Any, *incoming: Tensor) -> tuple[Tensor, ...]:
        return FeedForward.gradients(ctx, *incoming)


class WithoutMask(FeedForward):
    @staticmethod
    def through_relu(d_hidden: Tensor, hidden: Tensor) -> Tensor:
        return d_hidden

    @staticmethod
    def backward(ctx: Any, *incoming: Tensor) -> tuple[Tensor, ...]:
        return WithoutMask.gradients(ctx, *incoming)


class MaskTurnedRound(FeedForward):
    @staticmethod
    def through_relu(d_hidden: Tensor, hidden: Tensor) -> Tensor:
        return d_hidden * (hidden <= 0)

    @staticmethod
    def backward(ctx: Any, *incoming: Tensor) -> tuple[Tensor, ...]:
        return MaskTurnedRound.gradients(ctx, *incoming)


class TwiceTheBias(FeedForward):
    @staticmethod
    def last_bias(d_o: Tensor) -> Tensor:
        return 2 * d_o

    @staticmethod
    def backward(ctx: Any, *incoming: Tensor) -> tuple[Tensor, ...]:
        return TwiceTheBias.gradients(ctx, *incoming)


@claims
def own(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    return FeedForward.apply(x, W_1, b_1, W_2, b_2)  # type: ignore[no-any-return, no-untyped-call]  # PyTorch has no types for apply


@claims
def without_mask(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    return WithoutMask.apply(x, W_1, b_1, W_2, b_2)  # type: ignore[no-any-return, no-untyped-call]  # PyTorch has no types for apply


@claims
def mask_turned_round(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    return MaskTurnedRound.apply(x, W_1, b_1, W_2, b_2)  # type: ignore[no-any-return, no-untyped-call]  # PyTorch has no types for apply


@claims
def twice_the_bias(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    return TwiceTheBias.apply(x, W_1, b_1, W_2, b_2)  # type: ignore[no-any-return, no-untyped-call]  # PyTorch has no types for apply


@claims
def inner_detached(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    return torch.relu(x.detach() @ W_1 + b_1) @ W_2 + b_2
