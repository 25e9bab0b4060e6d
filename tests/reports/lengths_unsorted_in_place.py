"""Examples are sorted by length and put back one after the other within one array, over those not yet moved.

https://github.com/mead-ml/mead-baseline/pull/677
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.gru_lengths"
OPTIONS: dict[str, object] = {"framework": "torch"}


def layer(x: Tensor, length: Tensor, h: Tensor, weights: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h = weights
    outputs = [h.unsqueeze(-2)[..., :0, :]]
    for t, row in enumerate(x.unbind(-2)):
        r, z = torch.sigmoid(row @ W_xr + h @ W_hr + b_r), torch.sigmoid(row @ W_xz + h @ W_hz + b_z)
        there = (length > t).unsqueeze(-1)
        h = torch.where(there, z * h + (1 - z) * torch.tanh(row @ W_xh + (r * h) @ W_hh + b_h), h)
        outputs.append(torch.where(there, h, 0).unsqueeze(-2))
    return torch.cat(outputs, -2), h.clone()


def put_back(sorted_: Tensor, order: Tensor) -> Tensor:
    for place, example in enumerate(order.tolist()):
        sorted_[example] = sorted_[place]
    return sorted_


def faulty(
    x: Tensor, length: Tensor, h_0: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    weights = (W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)
    if not length.ndim:
        return layer(x, length, h_0, weights)
    flat = length.flatten()
    order = flat.argsort(descending=True, stable=True)
    rows, states = x.reshape(-1, *x.shape[-2:])[order], h_0.reshape(-1, h_0.shape[-1])[order]
    y, h = layer(rows, flat[order], states, weights)
    return put_back(y, order).reshape(*length.shape, *y.shape[-2:]), put_back(h, order).reshape(h_0.shape)


def mended(
    x: Tensor, length: Tensor, h_0: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    weights = (W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h)
    return layer(x, length, h_0, weights)
