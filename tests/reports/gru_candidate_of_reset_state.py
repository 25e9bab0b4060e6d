"""Where a session starts, gates and candidate have the fresh state, and what z keeps is the old one.

https://github.com/mquad/hgru4rec/issues/11
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Bool, Float, sigmoid, tanh, where
from attnspec.notation import Tensor as Given

EQUATION = "gru_candidate_of_reset_state.session_step"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Quadrana et al. 2017, arXiv:1706.04148v5, sec. 3.2"))
def session_step(
    x: Float[Given, " d"],
    h: Float[Given, " u"],
    h_user: Float[Given, " u"],
    start: Bool[Given, ""],
    W_xr: Float[Given, "d u"],
    W_hr: Float[Given, "u u"],
    b_r: Float[Given, " u"],
    W_xz: Float[Given, "d u"],
    W_hz: Float[Given, "u u"],
    b_z: Float[Given, " u"],
    W_xh: Float[Given, "d u"],
    W_hh: Float[Given, "u u"],
    b_h: Float[Given, " u"],
) -> Float[Given, " u"]:
    """One step of a GRU over sessions: where one starts, the state is that of the user."""
    s = where(start, h_user, h)
    r = sigmoid(x @ W_xr + s @ W_hr + b_r)
    z = sigmoid(x @ W_xz + s @ W_hz + b_z)
    h_tilde = tanh(x @ W_xh + (r * s) @ W_hh + b_h)
    return z * s + (1 - z) * h_tilde


def step(x: Tensor, s: Tensor, kept: Tensor, weights: tuple[Tensor, ...]) -> Tensor:
    W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h = weights
    r, z = torch.sigmoid(x @ W_xr + s @ W_hr + b_r), torch.sigmoid(x @ W_xz + s @ W_hz + b_z)
    return z * kept + (1 - z) * torch.tanh(x @ W_xh + (r * s) @ W_hh + b_h)


def faulty(
    x: Tensor, h: Tensor, h_user: Tensor, start: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> Tensor:  # fmt: skip
    s = torch.where(start.unsqueeze(-1), h_user, h)
    return step(x, s, h, (W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h))


def mended(
    x: Tensor, h: Tensor, h_user: Tensor, start: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> Tensor:  # fmt: skip
    s = torch.where(start.unsqueeze(-1), h_user, h)
    return step(x, s, s, (W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h))
