"""Of a state that is longer than the kernel the first rows are read, and not the last.

https://github.com/sgl-project/sglang/issues/38622
"""

from __future__ import annotations

from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, size, sum
from attnspec.notation import Tensor as Given

EQUATION = "conv_state_from_front.step"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="Gu and Dao 2023, arXiv:2312.00752v2, sec. 3.4; causal_conv1d_update"), largest={"w": 7})
def step(
    x: Float[Given, " d"], state: Float[Given, "d s+w"], weight: Float[Given, "d w"], now: Float[Given, " d"],
    bias: Float[Given, " d"],
) -> Float[Given, " d"]:  # fmt: skip
    """One step of a causal convolution for each channel: over the last w inputs of the state, and the new one."""
    k, j = index("d"), index("w")
    s = size("s")
    y = sum(j, state[k, s + j] * weight[k, j]) + x[k] * now[k] + bias[k]
    return y.stack(k)


def convolved(x: Tensor, rows: Tensor, weight: Tensor, now: Tensor, bias: Tensor) -> Tensor:
    return (rows * weight).sum(-1) + x * now + bias


def faulty(x: Tensor, state: Tensor, weight: Tensor, now: Tensor, bias: Tensor) -> Tensor:
    return convolved(x, state[..., : weight.shape[-1]], weight, now, bias)


def mended(x: Tensor, state: Tensor, weight: Tensor, now: Tensor, bias: Tensor) -> Tensor:
    return convolved(x, state[..., state.shape[-1] - weight.shape[-1] :], weight, now, bias)
