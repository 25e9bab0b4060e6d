"""Each part of a layer that is split along its inputs adds the bias, before the parts are summed.

https://github.com/huggingface/text-generation-inference/issues/1036
"""

from __future__ import annotations

from torch import Tensor

EQUATION = "transformer.linear"
OPTIONS: dict[str, object] = {"framework": "torch"}

PARTS = 2


def summed(x: Tensor, W: Tensor, b: Tensor, all_add: bool) -> Tensor:
    total = x.new_zeros(*x.shape[:-1], W.shape[-1])
    for part, (rows, weights) in enumerate(zip(x.tensor_split(PARTS, -1), W.tensor_split(PARTS, -2), strict=True)):
        total = total + rows @ weights
        if all_add or not part:
            total = total + b.unsqueeze(-2)
    return total


def faulty(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return summed(x, W, b, all_add=True)


def mended(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return summed(x, W, b, all_add=False)
