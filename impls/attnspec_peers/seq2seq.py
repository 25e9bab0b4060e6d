"""The cross-entropy of PyTorch, forward and backward."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnspec import implements

if TYPE_CHECKING:
    from torch import Tensor

CPU = ("cpu",)
ALL = ("float64", "float32", "float16", "bfloat16")
TRAINED = ("float32",)  # of whose gradients are asked


@implements("seq2seq.cross_entropy", framework="torch", dtypes=ALL, devices=CPU)
@implements("seq2seq.cross_entropy", framework="torch", dtypes=TRAINED, devices=CPU, backward=True)
def torch_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """torch.nn.functional.cross_entropy, with a loss for each example."""
    from torch.nn import functional

    return functional.cross_entropy(logits, target, reduction="none")
