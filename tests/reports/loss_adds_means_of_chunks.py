"""The losses of chunks of tokens are means, and are added.

https://github.com/NVIDIA-NeMo/Automodel/issues/3803
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, Int, index, log_softmax, size, sum
from attnspec.notation import Tensor as Given

EQUATION = "loss_adds_means_of_chunks.mean_loss"
OPTIONS: dict[str, object] = {"framework": "torch"}

CHUNK = 32


@equation(
    Source(paper="PyTorch, torch.nn.functional.cross_entropy with reduction='mean'"),
    scales={"z": "scores", "y": "token"}, smallest={"t": 1, "v": 1},
)  # fmt: skip
def mean_loss(z: Float[Given, "t v"], y: Int[Given, " t"]) -> Float[Given, ""]:
    """The mean over tokens of their cross-entropies."""
    i, k = index("t"), index("v")
    t = size("t")
    p = log_softmax(k, z[i, k]).stack(i, k)
    return -sum(i, p[i, y[i]]) / t


def losses(z: Tensor, y: Tensor) -> Tensor:
    return -torch.log_softmax(z, -1).gather(-1, y[..., None]).squeeze(-1)


def chunked(z: Tensor, y: Tensor) -> list[tuple[Tensor, Tensor]]:
    starts = range(0, y.shape[-1], CHUNK)
    return [(z[..., i : i + CHUNK, :], y[..., i : i + CHUNK]) for i in starts]


def faulty(z: Tensor, y: Tensor) -> Tensor:
    return torch.stack([losses(*chunk).mean(-1) for chunk in chunked(z, y)]).sum(0)


def mended(z: Tensor, y: Tensor) -> Tensor:
    return torch.stack([losses(*chunk).sum(-1) for chunk in chunked(z, y)]).sum(0) / y.shape[-1]
