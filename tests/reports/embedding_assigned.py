"""The gradient of a token that occurs twice is that of its last place, assigned instead of added.

https://github.com/pytorch/pytorch/issues/1528
"""

from __future__ import annotations

from itertools import product

from torch import Tensor

EQUATION = "backward.embedding"
OPTIONS: dict[str, object] = {"framework": "torch"}


def gradient(d_x: Tensor, k: Tensor, P: Tensor, adds: bool) -> Tensor:
    d_P = d_x.new_zeros(*d_x.shape[:-2], *P.shape)
    for example in product(*map(range, d_x.shape[:-2])):
        for place, token in enumerate(k[example].tolist()):
            if 0 <= token < len(P):
                d_P[example][token] = d_x[example][place] + (d_P[example][token] if adds else 0)
    return d_P


def faulty(d_x: Tensor, k: Tensor, P: Tensor) -> Tensor:
    return gradient(d_x, k, P, adds=False)


def mended(d_x: Tensor, k: Tensor, P: Tensor) -> Tensor:
    return gradient(d_x, k, P, adds=True)
