"""The cell state is clipped for the next step, and the hidden state is made of it before that.

https://github.com/microsoft/onnxruntime/pull/27239
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, sigmoid, tanh, where
from attnspec.notation import Tensor as Given

EQUATION = "lstm_cell_clipped_late.cell"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="ONNX, LSTM-14, with clip"), options={"bound": (0.5, 1.0, 3.0)})
def cell(
    i: Float[Given, " u"], f: Float[Given, " u"], g: Float[Given, " u"], o: Float[Given, " u"],
    c: Float[Given, " u"], *, bound: float,
) -> tuple[Float[Given, " u"], Float[Given, " u"]]:  # fmt: skip
    """The states after a step whose gates are given before their functions; the cell state is cut at ±bound."""
    raw = sigmoid(f) * c + sigmoid(i) * tanh(g)
    above = where(raw > bound, bound, raw)
    c_next = where(above < -bound, -bound, above)
    return sigmoid(o) * tanh(c_next), c_next


def step(i: Tensor, f: Tensor, g: Tensor, o: Tensor, c: Tensor, bound: float, late: bool) -> tuple[Tensor, Tensor]:
    raw = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    c_next = raw.clamp(-bound, bound)
    return torch.sigmoid(o) * torch.tanh(raw if late else c_next), c_next


def faulty(i: Tensor, f: Tensor, g: Tensor, o: Tensor, c: Tensor, *, bound: float) -> tuple[Tensor, Tensor]:
    return step(i, f, g, o, c, bound, late=True)


def mended(i: Tensor, f: Tensor, g: Tensor, o: Tensor, c: Tensor, *, bound: float) -> tuple[Tensor, Tensor]:
    return step(i, f, g, o, c, bound, late=False)
