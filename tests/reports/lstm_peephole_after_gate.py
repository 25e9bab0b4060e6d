"""What the output gate sees of the cell is added behind its sigmoid.

https://github.com/Lasagne/Lasagne/issues/448
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, sigmoid, tanh
from attnspec.notation import Tensor as Array

EQUATION = "lstm_peephole_after_gate.peephole"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Gers and Schmidhuber 2000, IJCNN; Graves 2013, arXiv:1308.0850v5, eqs. 7 to 11"))
def peephole(
    a_i: Float[Array, " u"], a_f: Float[Array, " u"], a_g: Float[Array, " u"], a_o: Float[Array, " u"],
    c: Float[Array, " u"], w_i: Float[Array, " u"], w_f: Float[Array, " u"], w_o: Float[Array, " u"],
) -> tuple[Float[Array, " u"], Float[Array, " u"]]:  # fmt: skip
    """An LSTM cell whose gates see the cell; a are the sums before its gates."""
    i = sigmoid(a_i + w_i * c)
    f = sigmoid(a_f + w_f * c)
    c_next = f * c + i * tanh(a_g)
    o = sigmoid(a_o + w_o * c_next)
    return o * tanh(c_next), c_next


def step(a: tuple[Tensor, ...], c: Tensor, p: tuple[Tensor, ...], behind: bool) -> tuple[Tensor, Tensor]:
    i, f = torch.sigmoid(a[0] + c * p[0]), torch.sigmoid(a[1] + c * p[1])
    c = f * c + i * torch.tanh(a[2])
    o = torch.sigmoid(a[3]) + c * p[2] if behind else torch.sigmoid(a[3] + c * p[2])
    return o * torch.tanh(c), c


def faulty(
    a_i: Tensor, a_f: Tensor, a_g: Tensor, a_o: Tensor, c: Tensor, w_i: Tensor, w_f: Tensor, w_o: Tensor
) -> tuple[Tensor, Tensor]:
    return step((a_i, a_f, a_g, a_o), c, (w_i, w_f, w_o), behind=True)


def mended(
    a_i: Tensor, a_f: Tensor, a_g: Tensor, a_o: Tensor, c: Tensor, w_i: Tensor, w_f: Tensor, w_o: Tensor
) -> tuple[Tensor, Tensor]:
    return step((a_i, a_f, a_g, a_o), c, (w_i, w_f, w_o), behind=False)
