"""What later steps pass back is multiplied by the gate of the step that it comes to, and not of that it comes from.

https://github.com/open-lm-engine/accelerated-model-architectures/pull/249
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.gru"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gradients(
    d_h: Tensor, x: Tensor, h_0: Tensor, W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor,
    b_z: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor, own: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    kept, s = [], h_0
    for row in x.unbind(-2):
        r = torch.sigmoid(row @ W_xr + s @ W_hr + b_r)
        z = torch.sigmoid(row @ W_xz + s @ W_hz + b_z)
        c = torch.tanh(row @ W_xh + (r * s) @ W_hh + b_h)
        kept.append((row, s, r, z, c))
        s = z * s + (1 - z) * c
    d_x, sums = torch.zeros_like(x), [torch.zeros_like(part) for part in expanded(x, W_xr, W_hr, b_r) * 3]
    back = torch.zeros_like(h_0)
    for t in reversed(range(len(kept))):
        row, h, r, z, c = kept[t]
        d = d_h[..., t, :] + (z * back if own else back)
        d_c = d * (1 - z) * (1 - c * c)
        d_rh = d_c @ W_hh.mT
        d_z, d_r = d * (h - c) * z * (1 - z), d_rh * h * r * (1 - r)
        back = (d if own else z * d) + d_rh * r + d_z @ W_hz.mT + d_r @ W_hr.mT
        d_x[..., t, :] = d_r @ W_xr.mT + d_z @ W_xz.mT + d_c @ W_xh.mT
        for place, (gate, state) in enumerate(((d_r, h), (d_z, h), (d_c, r * h))):
            sums[3 * place] += row.unsqueeze(-1) * gate.unsqueeze(-2)
            sums[3 * place + 1] += state.unsqueeze(-1) * gate.unsqueeze(-2)
            sums[3 * place + 2] += gate
    return d_x, back, *sums


def expanded(x: Tensor, W_x: Tensor, W_h: Tensor, b: Tensor) -> list[Tensor]:
    """A weight of each kind for each example."""
    return [part.expand(*x.shape[:-2], *part.shape) for part in (W_x, W_h, b)]


def faulty(
    d_h: Tensor, x: Tensor, h_0: Tensor, W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor,
    b_z: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> tuple[Tensor, ...]:  # fmt: skip
    return gradients(d_h, x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, own=True)


def mended(
    d_h: Tensor, x: Tensor, h_0: Tensor, W_xr: Tensor, W_hr: Tensor, b_r: Tensor, W_xz: Tensor, W_hz: Tensor,
    b_z: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> tuple[Tensor, ...]:  # fmt: skip
    return gradients(d_h, x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, own=False)
