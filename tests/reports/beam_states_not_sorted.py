"""The states are sorted like the hypotheses that go on, but the sorted ones are thrown away.

https://github.com/awslabs/sockeye/pull/731
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

EQUATION = "generation.lstm_beam_step"
OPTIONS: dict[str, object] = {"framework": "torch"}


Step = tuple[Tensor, Tensor, Tensor, Tensor]


def step(tokens: Tensor, length: int, score: Tensor, s: Tensor, c: Tensor, E: Tensor, w: tuple[Tensor, ...], start: int,
         stop: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """Tokens, scores, states and cell states of all hypotheses, and the hypotheses that go on."""
    last = tokens[:, length - 1] if length else torch.full(score.shape, start)
    over = (last == stop) & (length > 0)
    i, f, g, o = (E[last] @ w[3 * k] + s @ w[3 * k + 1] + w[3 * k + 2] for k in range(4))
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    s = torch.sigmoid(o) * torch.tanh(c)
    log_p = torch.log_softmax(s @ w[12] + w[13], -1)
    words = torch.arange(log_p.shape[-1])
    ended = torch.where(words == stop, score.unsqueeze(-1), -math.inf)
    total = torch.where(over.unsqueeze(-1), ended, score.unsqueeze(-1) + log_p).flatten()
    best = total.sort(descending=True, stable=True).indices[: len(score)]
    parent, word = best // len(words), best % len(words)
    tokens = tokens[parent]
    if length < tokens.shape[-1]:
        tokens[:, length] = word
    return tokens, total[best], s, c, parent


def each(one: Callable[..., Step], given: tuple[Tensor, ...]) -> Step:
    """All examples of a batch, one after the other."""
    if given[2].ndim == 1:
        return one(*given)
    if not len(given[0]):
        tokens, _, score, s, c = given
        return tokens.clone(), score.clone(), s.clone(), c.clone()
    first, second, third, fourth = zip(*(one(*example) for example in zip(*given, strict=True)), strict=True)
    return torch.stack(first), torch.stack(second), torch.stack(third), torch.stack(fourth)


def faulty(tokens: Tensor, length: Tensor, score: Tensor, s: Tensor, c: Tensor, E: Tensor, *w: Tensor, start: int,
           stop: int) -> Step:  # fmt: skip
    def one(tokens: Tensor, length: Tensor, score: Tensor, s: Tensor, c: Tensor) -> Step:
        tokens_next, score_next, s_next, c_next, _ = step(tokens, int(length), score, s, c, E, w, start, stop)
        return tokens_next, score_next, s_next, c_next

    return each(one, (tokens, length, score, s, c))


def mended(tokens: Tensor, length: Tensor, score: Tensor, s: Tensor, c: Tensor, E: Tensor, *w: Tensor, start: int,
           stop: int) -> Step:  # fmt: skip
    def one(tokens: Tensor, length: Tensor, score: Tensor, s: Tensor, c: Tensor) -> Step:
        tokens_next, score_next, s_next, c_next, parent = step(tokens, int(length), score, s, c, E, w, start, stop)
        return tokens_next, score_next, s_next[parent], c_next[parent]

    return each(one, (tokens, length, score, s, c))
