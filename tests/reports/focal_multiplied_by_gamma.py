"""Of a right answer, the probability that is missing is multiplied by the exponent.

https://github.com/fudannlp16/focal-loss/issues/2
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, Int, sigmoid, softplus, where
from attnspec.notation import Tensor as Given

EQUATION = "focal_multiplied_by_gamma.loss"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Lin et al. 2017, arXiv:1708.02002v2, eq. 5, of two classes"),
    options={"alpha": (0.25, 0.7), "gamma": (2.0, 3.0, 1.0)}, scales={"z": "scores", "y": "bit"},
)  # fmt: skip
def loss(z: Float[Given, ""], y: Int[Given, ""], *, alpha: float, gamma: float) -> Float[Given, ""]:
    """The loss of a yes or no, which counts the less the better it is predicted; alpha is the weight of yes."""
    p = sigmoid(z)
    yes = alpha * (1 - p) ** gamma * softplus(-z)
    no = (1 - alpha) * p**gamma * softplus(z)
    return where(y == 1, yes, no)


def cost(z: Tensor, y: Tensor, alpha: float, yes: Tensor, no: Tensor) -> Tensor:
    of_yes = alpha * yes * -torch.nn.functional.logsigmoid(z)
    of_no = (1 - alpha) * no * -torch.nn.functional.logsigmoid(-z)
    return torch.where(y == 1, of_yes, of_no)


def faulty(z: Tensor, y: Tensor, *, alpha: float, gamma: float) -> Tensor:
    return cost(z, y, alpha, torch.sigmoid(-z) * gamma, torch.sigmoid(z) ** gamma)


def mended(z: Tensor, y: Tensor, *, alpha: float, gamma: float) -> Tensor:
    return cost(z, y, alpha, torch.sigmoid(-z) ** gamma, torch.sigmoid(z) ** gamma)
