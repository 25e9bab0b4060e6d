"""Each row is divided by how often a token comes, but by that at the row's own number among the sorted tokens.

https://github.com/pytorch/pytorch/issues/190063
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, Int, index, sum, where
from attnspec.notation import Tensor as Given

EQUATION = "embedding_gradient_by_other_count.gradient"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(Source(paper="PyTorch, torch.nn.functional.embedding with scale_grad_by_freq=True"), scales={"k": "token"})
def gradient(d_x: Float[Given, "t d"], k: Int[Given, " t"], P: Float[Given, "v d"]) -> Float[Given, "v d"]:
    """The mean of the gradients of the places where a token stood, and not their sum; 0 for a token that is nowhere."""
    i, w = index("t"), index("v")
    count = sum(i, 1, where=k[i] == w).stack(w)
    total = sum(i, d_x[i], where=k[i] == w)
    d_P = total / where(count[w] > 0, count[w], 1)
    return d_P.stack(w)


def one(d_x: Tensor, k: Tensor, rows: int, own: bool) -> Tensor:
    out = torch.zeros(rows, d_x.shape[-1]).index_add_(0, k, d_x.float())
    counts = torch.bincount(k, minlength=rows)
    in_order = k.sort().values
    for number, token in enumerate(torch.unique_consecutive(in_order).tolist()):
        out[token] /= counts[token if own else in_order[number]]
    return out


def gradients(d_x: Tensor, k: Tensor, P: Tensor, own: bool) -> Tensor:
    if not k.numel() or not d_x.numel():
        return d_x.new_zeros(*d_x.shape[:-2], *P.shape)
    examples = zip(d_x.reshape(-1, *d_x.shape[-2:]), k.reshape(-1, k.shape[-1]), strict=True)
    found = [one(part, tokens, P.shape[-2], own) for part, tokens in examples]
    return torch.stack(found).reshape(*d_x.shape[:-2], *P.shape).to(d_x.dtype)


def faulty(d_x: Tensor, k: Tensor, P: Tensor) -> Tensor:
    return gradients(d_x, k, P, own=False)


def mended(d_x: Tensor, k: Tensor, P: Tensor) -> Tensor:
    return gradients(d_x, k, P, own=True)
