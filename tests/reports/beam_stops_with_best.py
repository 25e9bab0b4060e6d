"""The search ends as soon as the best hypothesis ends, though others may still become better.

https://github.com/joeynmt/joeynmt/issues/148
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

EQUATION = "generation.lstm_beam_decode"
OPTIONS: dict[str, object] = {"framework": "torch"}


def decode(
    s_0: Tensor, c_0: Tensor, E: Tensor, w: tuple[Tensor, ...], W_hy: Tensor, b_y: Tensor, start: int, stop: int,
    limit: int, beam: int, with_best: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """One example: tokens and scores of all hypotheses."""
    tokens = torch.zeros(beam, 0, dtype=torch.int64)
    score = torch.full((beam,), -math.inf, dtype=s_0.dtype)
    score[0] = 0
    s, c = s_0.expand(beam, -1), c_0.expand(beam, -1)
    words = torch.arange(len(b_y))
    for length in range(limit):
        if with_best and length and int(tokens[0, -1]) == stop:
            tokens = torch.cat([tokens, torch.full((beam, limit - length), stop)], -1)
            break
        last = tokens[:, -1] if length else torch.full((beam,), start)
        over = (last == stop) & (length > 0)
        i, f, g, o = (E[last] @ w[3 * k] + s @ w[3 * k + 1] + w[3 * k + 2] for k in range(4))
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        s = torch.sigmoid(o) * torch.tanh(c)
        ended = torch.where(words == stop, score.unsqueeze(-1), -math.inf)
        goes_on = score.unsqueeze(-1) + torch.log_softmax(s @ W_hy + b_y, -1)
        total = torch.where(over.unsqueeze(-1), ended, goes_on).flatten()
        best = total.sort(descending=True, stable=True).indices[:beam]
        parent = best // len(words)
        tokens = torch.cat([tokens[parent], (best % len(words)).unsqueeze(-1)], -1)
        score, s, c = total[best], s[parent], c[parent]
    return tokens, score


def each(s_0: Tensor, c_0: Tensor, E: Tensor, w: tuple[Tensor, ...], W_hy: Tensor, b_y: Tensor, start: int, stop: int,
         limit: int, beam: int, with_best: bool) -> tuple[Tensor, Tensor]:  # fmt: skip
    batch = s_0.shape[:-1]
    states, cells = s_0.reshape(-1, s_0.shape[-1]), c_0.reshape(-1, c_0.shape[-1])
    found = [
        decode(s, c, E, w, W_hy, b_y, start, stop, limit, beam, with_best) for s, c in zip(states, cells, strict=True)
    ]
    if not found:
        return torch.zeros(*batch, beam, limit, dtype=torch.int64), s_0.new_zeros(*batch, beam)
    tokens, scores = zip(*found, strict=True)
    return torch.stack(tokens).reshape(*batch, beam, limit), torch.stack(scores).reshape(*batch, beam)


def faulty(
    s_0: Tensor, c_0: Tensor, E: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor, W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor, W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
    W_hy: Tensor, b_y: Tensor, *, start: int, stop: int, limit: int, beam: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    weights = (W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    return each(s_0, c_0, E, weights, W_hy, b_y, start, stop, limit, beam, with_best=True)


def mended(
    s_0: Tensor, c_0: Tensor, E: Tensor,
    W_xi: Tensor, W_hi: Tensor, b_i: Tensor, W_xf: Tensor, W_hf: Tensor, b_f: Tensor,
    W_xg: Tensor, W_hg: Tensor, b_g: Tensor, W_xo: Tensor, W_ho: Tensor, b_o: Tensor,
    W_hy: Tensor, b_y: Tensor, *, start: int, stop: int, limit: int, beam: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    weights = (W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o)
    return each(s_0, c_0, E, weights, W_hy, b_y, start, stop, limit, beam, with_best=False)
