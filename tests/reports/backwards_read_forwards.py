"""A layer that reads its steps backwards is converted to one that reads them forwards.

https://github.com/apache/tvm/issues/15176
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.equations.recurrent import lstm
from attnspec.notation import Float, index, size
from attnspec.notation import Tensor as Given

EQUATION = "backwards_read_forwards.backwards"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Keras, keras.layers.LSTM with go_backwards=True"))
def backwards(
    x: Float[Given, "t d"],
    h_0: Float[Given, " u"],
    c_0: Float[Given, " u"],
    W_xi: Float[Given, "d u"],
    W_hi: Float[Given, "u u"],
    b_i: Float[Given, " u"],
    W_xf: Float[Given, "d u"],
    W_hf: Float[Given, "u u"],
    b_f: Float[Given, " u"],
    W_xg: Float[Given, "d u"],
    W_hg: Float[Given, "u u"],
    b_g: Float[Given, " u"],
    W_xo: Float[Given, "d u"],
    W_ho: Float[Given, "u u"],
    b_o: Float[Given, " u"],
) -> Float[Given, "t u"]:
    """The LSTM over the last step first: every hidden state, in the order in which they are made."""
    i = index("t")
    t = size("t")
    turned = x[t - 1 - i].stack(i)
    h, _c = lstm(turned, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    return h


def run(x: Tensor, h: Tensor, c: Tensor, w: tuple[Tensor, ...]) -> Tensor:
    rows = [h.unsqueeze(-2)[..., :0, :]]
    for row in x.unbind(-2):
        i, f, g, o = (row @ w[3 * k] + h @ w[3 * k + 1] + w[3 * k + 2] for k in range(4))
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        rows.append(h.unsqueeze(-2))
    return torch.cat(rows, -2)


def faulty(x: Tensor, h_0: Tensor, c_0: Tensor, *w: Tensor) -> Tensor:
    return run(x, h_0, c_0, w)


def mended(x: Tensor, h_0: Tensor, c_0: Tensor, *w: Tensor) -> Tensor:
    return run(x.flip(-2), h_0, c_0, w)
