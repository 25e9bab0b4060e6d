"""The normalised row is made from the output, divided by the gain: of a gain of 0 it is 0 / 0.

https://github.com/ServiceNow/Fast-LLM/issues/220
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sqrt, sum
from attnspec.notation import Tensor as Given

EQUATION = "rms_norm_gradient_from_output.rms_norm_gradient"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Zhang and Sennrich 2019, arXiv:1910.07467v1, eq. 4"), options={"eps": (1e-5, 1e-6, 0.01)})
def rms_norm_gradient(
    d_y: Float[Given, " d"], x: Float[Given, " d"], gamma: Float[Given, " d"], *, eps: float
) -> tuple[Float[Given, " d"], Float[Given, " d"]]:
    """The gradients of the input and of the gain of RMS norm."""
    k = index("d")
    d = size("d")
    s = sqrt(sum(k, x[k] * x[k]) / d + eps)
    x_hat = x[k] / s
    g = d_y[k] * gamma[k]
    d_x = (g - x_hat * (sum(k, g * x_hat) / d)) / s
    d_gamma = d_y[k] * x_hat
    return d_x.stack(k), d_gamma.stack(k)


def gradients(d_y: Tensor, x_hat: Tensor, gamma: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
    g = d_y * gamma
    return (g - x_hat * (g * x_hat).mean(-1, keepdim=True)) / s, d_y * x_hat


def faulty(d_y: Tensor, x: Tensor, gamma: Tensor, *, eps: float) -> tuple[Tensor, Tensor]:
    s = torch.sqrt(x.square().mean(-1, keepdim=True) + eps)
    y = x / s * gamma  # what the forward pass has kept
    return gradients(d_y, y / gamma, gamma, s)


def mended(d_y: Tensor, x: Tensor, gamma: Tensor, *, eps: float) -> tuple[Tensor, Tensor]:
    s = torch.sqrt(x.square().mean(-1, keepdim=True) + eps)
    return gradients(d_y, x / s, gamma, s)
