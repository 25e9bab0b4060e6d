"""The output of a masked step is the state so far, which is right only of cells whose output is their state.

https://github.com/keras-team/keras/issues/11472
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Bool, Float, index, scan, tanh, where
from attnspec.notation import Tensor as Given

EQUATION = "masked_output_from_state.outputs"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Keras, keras.ops.rnn with a mask, whose cell gives an output besides its state"))
def outputs(
    x: Float[Given, "t d"],
    mask: Bool[Given, " t"],
    h_0: Float[Given, " u"],
    W_xh: Float[Given, "d u"],
    W_hh: Float[Given, "u u"],
    b_h: Float[Given, " u"],
    W_hy: Float[Given, "u u"],
) -> Float[Given, "t u"]:
    """What a simple RNN says at each step; at a masked one it says the same again, at first 0, and its state rests."""
    i = index("t")
    states = scan(i, lambda h: where(mask[i], tanh(x[i] @ W_xh + h @ W_hh + b_h), h), h_0)
    h = states.stack(i)
    y = scan(i, lambda y: where(mask[i], h[i] @ W_hy, y), 0 * h_0)
    return y.stack(i)


def steps(
    x: Tensor, mask: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_hy: Tensor, of_state: bool
) -> Tensor:  # fmt: skip
    y = torch.zeros_like(h)
    said = [h.unsqueeze(-2)[..., :0, :]]
    for t, row in enumerate(x.unbind(-2)):
        there = mask[..., t].unsqueeze(-1)
        new = torch.tanh(row @ W_xh + h @ W_hh + b_h)
        y = torch.where(there, new @ W_hy, h if of_state else y)
        h = torch.where(there, new, h)
        said.append(y.unsqueeze(-2))
    return torch.cat(said, -2)


def faulty(x: Tensor, mask: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_hy: Tensor) -> Tensor:
    return steps(x, mask, h_0, W_xh, W_hh, b_h, W_hy, of_state=True)


def mended(x: Tensor, mask: Tensor, h_0: Tensor, W_xh: Tensor, W_hh: Tensor, b_h: Tensor, W_hy: Tensor) -> Tensor:
    return steps(x, mask, h_0, W_xh, W_hh, b_h, W_hy, of_state=False)
