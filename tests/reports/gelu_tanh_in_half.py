"""tanh in float16 by a rational function that was fitted for float32 saturates at 1.044.

https://github.com/Tencent/ncnn/pull/6979
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

EQUATION = "transformer.feed_forward_gelu_tanh"
OPTIONS: dict[str, object] = {"framework": "torch", "dtype": "float16"}


ABOVE = (4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05, 5.12229709037114e-08,
         -8.60467152213735e-11, 2.00018790482477e-13, -2.76076847742355e-16)  # fmt: skip
BELOW = (4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06)


def polynomial(coefficients: tuple[float, ...], s: Tensor) -> Tensor:
    """In float16: the small coefficients are 0 there."""
    total = torch.zeros_like(s)
    for coefficient in reversed(coefficients):
        total = (total.float() * s.float() + float(torch.tensor(coefficient).half())).half()
    return total


def rational(u: Tensor) -> Tensor:
    z = u.clamp(-9, 9)
    s = z * z
    return (z.float() * polynomial(ABOVE, s).float() / polynomial(BELOW, s).float()).half()


def exact(u: Tensor) -> Tensor:
    return torch.tanh(u.float()).half()


def feed_forward(
    tanh: Callable[[Tensor], Tensor], x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor
) -> Tensor:
    a = (x.float() @ W_1.float() + b_1.float()).half()
    wide = a.float()
    u = (0.7978845608028654 * (wide + 0.044715 * wide**3)).half()
    g = (0.5 * wide * (1 + tanh(u).float())).half()
    return (g.float() @ W_2.float() + b_2.float()).half()


def faulty(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    return feed_forward(rational, x, W_1, b_1, W_2, b_2)


def mended(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    return feed_forward(exact, x, W_1, b_1, W_2, b_2)
