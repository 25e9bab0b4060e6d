"""The embedding of PyTorch, forward and backward, with a row of padding and without.

It knows no missing token: these read a row of zeros that is put behind the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnspec import implements

if TYPE_CHECKING:
    from torch import Tensor

CPU = ("cpu",)
ALL = ("float64", "float32", "float16", "bfloat16")
TRAINED = ("float32",)  # of whose gradients are asked


@implements("text.embedding", framework="torch", dtypes=ALL, devices=CPU)
@implements("text.embedding", framework="torch", dtypes=TRAINED, devices=CPU, backward=True)
def torch_embedding(k: Tensor, P: Tensor) -> Tensor:
    """torch.nn.functional.embedding."""
    from attnspec_peers import _torch

    return _torch.embedding(k, P)


@implements("text.embedding_padding_idx", framework="torch", dtypes=ALL, devices=CPU)
@implements("text.embedding_padding_idx", framework="torch", dtypes=TRAINED, devices=CPU, backward=True)
def torch_embedding_padding_idx(k: Tensor, P: Tensor, *, padding_idx: int) -> Tensor:
    """torch.nn.functional.embedding(padding_idx=…)."""
    from attnspec_peers import _torch

    return _torch.embedding(k, P, padding_idx)
