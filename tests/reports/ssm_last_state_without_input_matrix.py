"""What multiplies the inputs is taken out of the sums, put into the outputs, and forgotten in the last state.

https://github.com/state-spaces/mamba/pull/371
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, index, last, scan, sum, zeros
from attnspec.notation import Tensor as Given

EQUATION = "ssm_last_state_without_input_matrix.scanned"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Gu and Dao 2023, arXiv:2312.00752v2, eq. 2; the input matrix does not change"),
    scales={"A": "uniform"}, sizes={"t": "steps"},
)  # fmt: skip
def scanned(
    u: Float[Given, "t d"], A: Float[Given, "d n"], B: Float[Given, "d n"], C: Float[Given, "t n"]
) -> tuple[Float[Given, "t d"], Float[Given, "d n"]]:
    """The outputs of a state that fades and takes up its input, and the last state."""
    t, i, j = index("t"), index("d"), index("n")
    h = scan(t, lambda h: (A[i, j] * h[i, j] + B[i, j] * u[t, i]).stack(i, j), zeros("d n"))
    y = sum(j, C[t, j] * h[i, j])
    return y.stack(t, i), last(t, h)


def run(u: Tensor, A: Tensor, B: Tensor, C: Tensor, whole: bool) -> tuple[Tensor, Tensor]:
    h = torch.zeros(*u.shape[:-2], *A.shape[-2:], dtype=u.dtype)
    rows = []
    for t in range(u.shape[-2]):
        h = A * h + u[..., t, :, None]
        rows.append((h * B * C[..., t, None, :]).sum(-1))
    y = torch.stack(rows, -2) if rows else torch.zeros_like(u)
    return y, h * B if whole else h


def faulty(u: Tensor, A: Tensor, B: Tensor, C: Tensor) -> tuple[Tensor, Tensor]:
    return run(u, A, B, C, whole=False)


def mended(u: Tensor, A: Tensor, B: Tensor, C: Tensor) -> tuple[Tensor, Tensor]:
    return run(u, A, B, C, whole=True)
