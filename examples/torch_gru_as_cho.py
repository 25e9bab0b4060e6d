"""PyTorch's GRU, taken for that of Cho et al., which many tutorials say it is.

It declares nothing, so the equation is named: `attnspec verify examples/torch_gru_as_cho.py --as recurrent.gru_cell`.
"""

import torch
from torch import Tensor, nn
from torch.func import functional_call


def gru_cell(
    x: Tensor, h: Tensor,
    W_xr: Tensor, W_hr: Tensor, b_r: Tensor,
    W_xz: Tensor, W_hz: Tensor, b_z: Tensor,
    W_xh: Tensor, W_hh: Tensor, b_h: Tensor,
) -> Tensor:  # fmt: skip
    """A sequence of one step; torch.nn.GRU packs its gates r, z, n, n being the candidate."""
    weights = {
        "weight_ih_l0": torch.cat([W_xr.T, W_xz.T, W_xh.T]),
        "weight_hh_l0": torch.cat([W_hr.T, W_hz.T, W_hh.T]),
        "bias_ih_l0": torch.cat([b_r, b_z, b_h]),
        "bias_hh_l0": torch.zeros_like(torch.cat([b_r, b_z, b_h])),
    }
    module = nn.GRU(*W_xr.shape, device="meta")
    output, _ = functional_call(module, weights, (x[None], h[None]))
    step: Tensor = output[0]
    return step
