"""The axis that the last matrix leaves is squeezed, and then the axis of keys too, if it is 1.

https://github.com/allenai/allennlp/issues/3599
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "scores.additive"
OPTIONS: dict[str, object] = {"framework": "torch"}


def energy(s: Tensor, h: Tensor, W: Tensor, U: Tensor, v_a: Tensor) -> Tensor:
    hidden = torch.tanh((s @ W).unsqueeze(-2) + (h @ U).unsqueeze(-3))
    return (hidden @ v_a.unsqueeze(-1)).squeeze(-1)


def faulty(s: Tensor, h: Tensor, W: Tensor, U: Tensor, v_a: Tensor) -> Tensor:
    return energy(s, h, W, U, v_a).squeeze(-1)


def mended(s: Tensor, h: Tensor, W: Tensor, U: Tensor, v_a: Tensor) -> Tensor:
    return energy(s, h, W, U, v_a)
