"""The layer norm and the linear layer of PyTorch, forward and backward."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnspec import implements

if TYPE_CHECKING:
    from torch import Tensor

CPU = ("cpu",)
ALL = ("float64", "float32", "float16", "bfloat16")
TRAINED = ("float32", "bfloat16")  # of whose gradients are asked


@implements("transformer.layer_norm", framework="torch", dtypes=ALL, devices=CPU)
@implements("transformer.layer_norm", framework="torch", dtypes=TRAINED, devices=CPU, backward=True)
def torch_layer_norm(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float) -> Tensor:
    """torch.nn.functional.layer_norm."""
    from torch.nn import functional

    return functional.layer_norm(x, x.shape[-1:], gamma, beta, eps)


@implements("transformer.linear", framework="torch", dtypes=ALL, devices=CPU)
@implements("transformer.linear", framework="torch", dtypes=TRAINED, devices=CPU, backward=True)
def torch_linear(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """torch.nn.functional.linear, which takes its weights the other way round."""
    from torch.nn import functional

    return functional.linear(x, W.mT, b)
