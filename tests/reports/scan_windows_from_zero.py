"""A long prompt is read in windows, and each of them begins with a state of 0.

https://github.com/gittensor-ai-lab/sparkinfer/pull/1071
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, scan
from attnspec.notation import Tensor as Given

EQUATION = "scan_windows_from_zero.states"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Yang et al. 2024, arXiv:2412.06464v3, eq. 10; the decay alone"), scales={"a": "uniform"})
def states(a: Float[Given, "t d"], x: Float[Given, "t d"], first: Float[Given, " d"]) -> Float[Given, "t d"]:
    """A state that decays and takes up an input at each step."""
    t = index("t")
    s = scan(t, lambda s: a[t] * s + x[t], first)
    return s.stack(t)


WINDOW = 128


def run(a: Tensor, x: Tensor, first: Tensor, carries: bool) -> Tensor:
    s, rows = first, torch.empty_like(x)
    for t in range(x.shape[-2]):
        if t and not t % WINDOW and not carries:
            s = torch.zeros_like(first)
        s = a[..., t, :] * s + x[..., t, :]
        rows[..., t, :] = s
    return rows


def faulty(a: Tensor, x: Tensor, first: Tensor) -> Tensor:
    return run(a, x, first, carries=False)


def mended(a: Tensor, x: Tensor, first: Tensor) -> Tensor:
    return run(a, x, first, carries=True)
