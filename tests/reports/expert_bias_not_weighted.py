"""The bias of each chosen expert is added whole, and not times the weight of the expert.

https://github.com/NVIDIA-NeMo/Automodel/pull/2591
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, Symbol, equation
from attnspec.notation import Bool, Float, index, sum
from attnspec.notation import Tensor as Given

EQUATION = "expert_bias_not_weighted.combined"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Shazeer et al. 2017, arXiv:1701.06538v1, eq. 1; experts with a bias, as in gpt-oss"),
    scales={"p": "uniform"},
    symbols={
        "W_down": Symbol("the matrices of the experts", weight=True, draw="fan_in"),
        "b_down": Symbol("the biases of the experts", weight=True, draw="bias"),
    },
)  # fmt: skip
def combined(
    hidden: Float[Given, "E f"], p: Float[Given, " E"], chosen: Bool[Given, " E"],
    W_down: Float[Given, "E f d"], b_down: Float[Given, "E d"],
) -> Float[Given, " d"]:  # fmt: skip
    """What the chosen experts say, each times its weight."""
    k = index("E")
    said = hidden[k] @ W_down[k] + b_down[k]
    return sum(k, p[k] * said, where=chosen[k])


def matrix(hidden: Tensor, W_down: Tensor) -> Tensor:
    return (hidden.unsqueeze(-2) @ W_down).squeeze(-2)


def faulty(hidden: Tensor, p: Tensor, chosen: Tensor, W_down: Tensor, b_down: Tensor) -> Tensor:
    said = p[..., None] * matrix(hidden, W_down) + b_down
    return torch.where(chosen[..., None], said, 0).sum(-2)


def mended(hidden: Tensor, p: Tensor, chosen: Tensor, W_down: Tensor, b_down: Tensor) -> Tensor:
    said = p[..., None] * (matrix(hidden, W_down) + b_down)
    return torch.where(chosen[..., None], said, 0).sum(-2)
