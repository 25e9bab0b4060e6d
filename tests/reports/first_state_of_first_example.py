"""The place of an example is missing in that of its first state, so that all begin with the first one's.

https://github.com/BlinkDL/RWKV-LM/issues/241
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, scan
from attnspec.notation import Tensor as Given

EQUATION = "first_state_of_first_example.outputs"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Peng et al. 2024, arXiv:2404.05892v4, eq. 16 to 19; without the bonus of the own step"),
    scales={"fade": "uniform"}, sizes={"t": "steps"},
)  # fmt: skip
def outputs(
    r: Float[Given, "t d"], k: Float[Given, "t d"], v: Float[Given, "t e"], fade: Float[Given, "t d"],
    S_0: Float[Given, "d e"],
) -> Float[Given, "t e"]:  # fmt: skip
    """A memory that fades column by column, takes up key and value at each step, and is read."""
    t, a, b = index("t"), index("d"), index("e")
    S = scan(t, lambda S: (fade[t, a] * S[a, b] + k[t, a] * v[t, b]).stack(a, b), S_0)
    return (r[t] @ S).stack(t)


def run(r: Tensor, k: Tensor, v: Tensor, fade: Tensor, S: Tensor) -> Tensor:
    read = [v[..., :0, :]]
    for t in range(v.shape[-2]):
        S = fade[..., t, :, None] * S + k[..., t, :, None] * v[..., t, None, :]
        read.append(r[..., t, None, :] @ S)
    return torch.cat(read, -2)


def faulty(r: Tensor, k: Tensor, v: Tensor, fade: Tensor, S_0: Tensor) -> Tensor:
    first = S_0.reshape(-1, *S_0.shape[-2:])[:1].reshape(S_0.shape[-2:]) if S_0.numel() else S_0
    return run(r, k, v, fade, first)


def mended(r: Tensor, k: Tensor, v: Tensor, fade: Tensor, S_0: Tensor) -> Tensor:
    return run(r, k, v, fade, S_0)
