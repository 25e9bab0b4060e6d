"""Without momentum the step is taken before the decay is added.

https://github.com/ml-explore/mlx/issues/440
"""

from __future__ import annotations

from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float
from attnspec.notation import Tensor as Given

EQUATION = "sgd_decay_needs_momentum.step"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="PyTorch, SGD"), options={"lr": (0.1, 0.01), "momentum": (0.9, 0.0, 0.5), "decay": (0.1, 0.01, 0.0)}
)
def step(
    theta: Float[Given, " d"], g: Float[Given, " d"], v: Float[Given, " d"],
    *, lr: float, momentum: float, decay: float,
) -> Float[Given, " d"]:  # fmt: skip
    """A step down the gradient and a part of the parameters, with momentum."""
    return theta - lr * (momentum * v + g + decay * theta)


def faulty(theta: Tensor, g: Tensor, v: Tensor, *, lr: float, momentum: float, decay: float) -> Tensor:
    if momentum <= 0:
        return theta - lr * g
    return theta - lr * (momentum * v + (g + decay * theta))


def mended(theta: Tensor, g: Tensor, v: Tensor, *, lr: float, momentum: float, decay: float) -> Tensor:
    return theta - lr * (momentum * v + (g + decay * theta))
