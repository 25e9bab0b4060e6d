"""The last state of a padded sequence is the one after the padding.

https://github.com/ray-project/ray/issues/21392
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "recurrent.simple_rnn_lengths"
OPTIONS: dict[str, object] = {"framework": "torch"}


def run(
    rests: bool, x: Tensor, length: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor
) -> tuple[Tensor, Tensor]:
    outputs = []
    for t in range(x.shape[-2]):
        counts = (t < length)[..., None]
        new = torch.tanh(x[..., t, :] @ W_xh + h @ W_hh + b_h)
        outputs.append(torch.where(counts, new, 0))
        h = torch.where(counts, new, h) if rests else new
    return torch.stack(outputs, -2) if outputs else x.new_zeros(*x.shape[:-1], h.shape[-1]), h


def faulty(x: Tensor, length: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> tuple[Tensor, Tensor]:
    return run(False, x, length, h_0, W_xh, W_hh, b_h)


def mended(x: Tensor, length: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor) -> tuple[Tensor, Tensor]:
    return run(True, x, length, h_0, W_xh, W_hh, b_h)
