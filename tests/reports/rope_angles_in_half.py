"""Places, frequencies and their products, the angles, are float16, like the model.

https://github.com/EleutherAI/gpt-neox/issues/1003
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, cos, index, sin, size, where
from attnspec.notation import Tensor as Given

EQUATION = "rope_angles_in_half.rotate"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "float16"}


@equation(Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34"), options={"base": (10_000.0, 500.0)})
def rotate(x: Float[Given, "t 2*d"], *, base: float) -> Float[Given, "t 2*d"]:
    """Each pair of neighbouring columns is turned by an angle that grows with the row."""
    t, k = index("t"), index("2*d")
    d = size("d")
    angle = t * base ** (0 - (k // 2) / d)
    y = x[t, k] * cos(angle) + where(k % 2 == 0, -x[t, k + 1], x[t, k - 1]) * sin(angle)
    return y.stack(t, k)


def turned(x: Tensor, base: float, dtype: torch.dtype) -> Tensor:
    width = x.shape[-1]
    frequency = (base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)).to(dtype)
    angle = torch.arange(x.shape[-2]).to(dtype).unsqueeze(-1) * frequency
    cos, sin = angle.cos().float(), angle.sin().float()
    even, odd = x[..., ::2].float(), x[..., 1::2].float()
    return torch.stack([even * cos - odd * sin, odd * cos + even * sin], -1).flatten(-2).to(x.dtype)


def faulty(x: Tensor, *, base: float) -> Tensor:
    return turned(x, base, torch.float16)


def mended(x: Tensor, *, base: float) -> Tensor:
    return turned(x, base, torch.float32)
