"""What is added to the scores is read as a mask: true, and seen, where it is not 0.

https://github.com/huggingface/transformers/pull/38094
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "bias_taken_for_mask.biased"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="PyTorch, scaled_dot_product_attention with an attn_mask of floats"), smallest={"m": 1})
def biased(
    q: Float[Given, "n d"], k: Float[Given, "m d"], v: Float[Given, "m e"], bias: Float[Given, "n m"]
) -> Float[Given, "n e"]:
    """Scaled dot-product attention with something added to each score."""
    i, j = index("n"), index("m")
    d = size("d")
    p = softmax(j, q[i] @ k[j] / sqrt(d) + bias[i, j])
    c = sum(j, p * v[j])
    return c.stack(i)


def scores(q: Tensor, k: Tensor) -> Tensor:
    e: Tensor = q @ k.mT / q.shape[-1] ** 0.5
    return e


def faulty(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    return torch.softmax(scores(q, k).masked_fill(bias == 0, float("-inf")), -1) @ v


def mended(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    return torch.softmax(scores(q, k) + bias, -1) @ v
