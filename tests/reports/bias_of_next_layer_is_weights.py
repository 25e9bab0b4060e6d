"""The second layer is given the weights of the first for the bias that all layers share.

https://github.com/huggingface/transformers/pull/4499
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, softmax, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "bias_of_next_layer_is_weights.layers"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Raffel et al. 2020, arXiv:1910.10683v4, sec. 2.1"), scales={"bias": "scores"})
def layers(x: Float[Given, "t d"], bias: Float[Given, "t t"]) -> Float[Given, "t d"]:
    """Two layers in which inputs attend to each other, with one bias of their places for both."""
    i, j = index("t"), index("t")
    d = size("d")
    alpha = softmax(j, x[i] @ x[j] / sqrt(d) + bias[i, j])
    y = sum(j, alpha * x[j]).stack(i)
    beta = softmax(j, y[i] @ y[j] / sqrt(d) + bias[i, j])
    return sum(j, beta * y[j]).stack(i)


def layer(x: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    weights = torch.softmax(x @ x.mT / x.shape[-1] ** 0.5 + bias, -1)
    return weights @ x, weights


def faulty(x: Tensor, bias: Tensor) -> Tensor:
    y, weights = layer(x, bias)
    return layer(y, weights)[0]


def mended(x: Tensor, bias: Tensor) -> Tensor:
    y, _ = layer(x, bias)
    return layer(y, bias)[0]
