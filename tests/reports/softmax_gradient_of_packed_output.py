"""The output that is kept is read as if it were packed; the gradient that comes in is not.

https://github.com/pytorch/pytorch/pull/139740
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, sum
from attnspec.notation import Tensor as Given

EQUATION = "softmax_gradient_of_packed_output.gradient"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="PyTorch, _softmax_backward_data, over the axis before the last one"))
def gradient(d_p: Float[Given, "n m"], p: Float[Given, "n m"]) -> Float[Given, "n m"]:
    """The gradient of scores whose softmax over the first axis is p."""
    i, j = index("n"), index("m")
    D = sum(i, p[i, j] * d_p[i, j]).stack(j)
    d_e = p[i, j] * (d_p[i, j] - D[j])
    return d_e.stack(i, j)


def in_memory(x: Tensor) -> Tensor:
    """As many elements as x has, one after the other in memory from where it begins."""
    if not x.numel():
        return x
    room = int(x.untyped_storage().nbytes() // x.element_size() - x.storage_offset())
    return x.as_strided((room,), (1,))[torch.arange(x.numel()) % room].reshape(x.shape)


def faulty(d_p: Tensor, p: Tensor) -> Tensor:
    return mended(d_p, in_memory(p))


def mended(d_p: Tensor, p: Tensor) -> Tensor:
    return p * (d_p - (p * d_p).sum(-2, keepdim=True))
