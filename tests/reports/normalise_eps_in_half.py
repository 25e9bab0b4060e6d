"""The smallest norm that is divided by rounds to 0 in float16, and rows of zeros give NaN.

https://github.com/pytorch/pytorch/pull/192017
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, sqrt, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "normalise_eps_in_half.normalised"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "float16"}


@equation(Source(paper="PyTorch, torch.nn.functional.normalize"), options={"eps": (1e-12, 1e-6)})
def normalised(x: Float[Given, " d"], *, eps: float) -> Float[Given, " d"]:
    """A vector over its length, or over eps where it is shorter."""
    i, k = index("d"), index("d")
    norm = sqrt(sum(i, x[i] * x[i]))
    y = x[k] / where(norm < eps, eps, norm)
    return y.stack(k)


def faulty(x: Tensor, *, eps: float) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(x.float(), dim=-1, keepdim=True).to(x.dtype)
    y: Tensor = x / norm.clamp_min(eps)
    return y


def mended(x: Tensor, *, eps: float) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(x.float(), dim=-1, keepdim=True)
    y: Tensor = (x.float() / norm.clamp_min(eps)).to(x.dtype)
    return y
