"""Where an example of the gradient begins is worked out of the strides of the output, which is packed.

https://github.com/Dao-AILab/flash-attention/issues/355
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "backward.scaled_dot_product"
OPTIONS: dict[str, object] = {"framework": "torch"}


def of_output(d_o: Tensor) -> Tensor:
    """Rows by their own strides, and examples as far apart as those of a packed array."""
    if d_o.ndim < 3 or not d_o.numel():
        return d_o
    packed = torch.empty(d_o.shape, device="meta").stride()
    steps = (*packed[:-2], *d_o.stride()[-2:])
    place = torch.zeros((), dtype=torch.long)
    for axis, step in enumerate(steps):
        place = place.unsqueeze(-1) + torch.arange(d_o.shape[axis]) * step
    room = int(d_o.untyped_storage().nbytes() // d_o.element_size() - d_o.storage_offset())
    return d_o.as_strided((room,), (1,))[place % room]


def gradients(d_o: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    scale = q.shape[-1] ** -0.5
    p = torch.softmax(q @ k.mT * scale, -1)
    d_p = d_o @ v.mT
    d_e = p * (d_p - (p * d_p).sum(-1, keepdim=True)) * scale
    return d_e @ k, d_e.mT @ q, p.mT @ d_o


def faulty(d_o: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return gradients(of_output(d_o), q, k, v)


def mended(d_o: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return gradients(d_o, q, k, v)
