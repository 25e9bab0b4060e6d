"""The state is reset one step after an episode begins.

https://github.com/PufferAI/PufferLib/issues/622
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Bool, Float, index, scan, sigmoid, where
from attnspec.notation import Tensor as Given

EQUATION = "mingru_resets_one_late.states"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Feng et al. 2024, arXiv:2410.01201v3, sec. 3.1; with episodes in one row"))
def states(
    z: Float[Given, "t u"], x: Float[Given, "t u"], begins: Bool[Given, " t"], h_0: Float[Given, " u"]
) -> Float[Given, "t u"]:
    """States that a gate renews from the input alone; before an episode begins the state is 0."""
    t = index("t")
    h = scan(t, lambda h: (1 - sigmoid(z[t])) * where(begins[t], 0, h) + sigmoid(z[t]) * x[t], h_0)
    return h.stack(t)


def run(z: Tensor, x: Tensor, begins: Tensor, h_0: Tensor) -> Tensor:
    h, rows = h_0, []
    for t in range(x.shape[-2]):
        gate = torch.sigmoid(z[..., t, :])
        h = (1 - gate) * torch.where(begins[..., t, None], 0, h) + gate * x[..., t, :]
        rows.append(h)
    return torch.stack(rows, -2) if rows else torch.zeros_like(x)


def faulty(z: Tensor, x: Tensor, begins: Tensor, h_0: Tensor) -> Tensor:
    late = torch.cat([torch.zeros_like(begins[..., :1]), begins[..., :-1]], -1)
    return run(z, x, late, h_0)


def mended(z: Tensor, x: Tensor, begins: Tensor, h_0: Tensor) -> Tensor:
    return run(z, x, begins, h_0)
