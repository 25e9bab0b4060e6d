"""Operations of aten that pass gradients back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from attnspec.interpreters.balls.ball import Untraceable
from attnspec.verification.sandbox.child.tracing import functions as of
from attnspec.verification.sandbox.child.tracing.aten_arguments import (
    Array,
    key_at,
    nll_shares,
    selected,
    straight,
    with_diagonal,
    with_indexed,
)


def _softmax_backward(grad: Array, output: Array, axis: int, dtype: Any = None) -> Array:
    return output * (grad - of.total(grad * output, axis, True))


def _log_softmax_backward(grad: Array, output: Array, axis: int, dtype: Any = None) -> Array:
    return grad - np.exp(output) * of.total(grad, axis, True)


def _layer_norm_backward(
    grad: Array, x: Array, shape: Sequence[int], middle: Array, scale: Array, weight: Any, bias: Any, mask: Any
) -> tuple[Any, Any, Any]:
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    rest = tuple(range(x.ndim - len(shape)))
    normal = (x - middle) * scale
    inner = grad if weight is None else grad * weight
    along = inner - of.mean(inner, axes, True) - normal * of.mean(inner * normal, axes, True)
    return (
        scale * along,
        None if weight is None else of.total(grad * normal, rest) if rest else grad * normal,
        None if bias is None else of.total(grad, rest) if rest else grad,
    )


def _embedding_backward(grad: Array, index: Array, rows: int, padding: int, by_frequency: bool) -> Array:
    if by_frequency:
        raise Untraceable("a gradient scaled by frequencies")
    made, width = of.filled((rows, grad.shape[-1]), 0), grad.shape[-1]
    shown = np.asarray(index).ravel() != padding
    return with_indexed(made, [np.asarray(index).ravel()[shown]], grad.reshape(-1, width)[shown], True)


def _nll_loss_backward(
    grad: Array, x: Array, target: Array, weight: Any, reduction: int, ignored: int, counted: Any
) -> Array:
    rows, labels = (x[None], target[None]) if x.ndim == 1 else (x, target)
    seen, shares = labels != ignored, nll_shares(labels, weight, ignored)
    hot = seen[:, None] & (np.where(seen, labels, 0)[:, None] == np.arange(rows.shape[-1]))
    scale = grad / of.total(shares) if reduction == 1 else grad.reshape(-1, 1) if reduction == 0 else grad
    return selected(hot, -scale * shares[:, None], 0).reshape(x.shape)


def _gelu_backward(grad: Array, x: Array, *, approximate: str = "none") -> Array:
    return grad * (of.gelu_tanh_slope(x) if approximate == "tanh" else of.gelu_slope(x))


def _silu_backward(grad: Array, x: Array) -> Array:
    s = of.sigmoid(x)
    return grad * s * (1 + x * (1 - s))


def _softplus_backward(grad: Array, x: Array, beta: Any, threshold: Any) -> Array:
    return straight(x * beta, threshold, grad, grad * of.sigmoid(x * beta))


def _threshold_backward(grad: Array, x: Array, threshold: Any) -> Array:
    return selected(np.asarray(x > threshold).astype(bool), grad, 0)


def _put_back(grad: Array, sizes: Sequence[int], axis: int, key: Any) -> Array:
    result = of.filled(sizes, 0)
    of.plain(result)[key_at(axis, key, result)] = of.plain(grad)
    return result


GRADIENTS: dict[str, Callable[..., Any]] = {
    "_softmax_backward_data": _softmax_backward, "_log_softmax_backward_data": _log_softmax_backward,
    "tanh_backward": lambda grad, output: grad * (1 - output * output),
    "sigmoid_backward": lambda grad, output: grad * output * (1 - output),
    "threshold_backward": _threshold_backward, "gelu_backward": _gelu_backward, "silu_backward": _silu_backward,
    "softplus_backward": _softplus_backward,
    "log_sigmoid_backward": lambda grad, x, buffer: grad * of.sigmoid(-x),
    "native_layer_norm_backward": _layer_norm_backward, "embedding_dense_backward": _embedding_backward,
    "nll_loss_backward": _nll_loss_backward,
    "diagonal_backward": lambda grad, sizes, *where: with_diagonal(of.filled(sizes, 0), grad, *where),
    "select_backward": lambda grad, sizes, axis, index: _put_back(grad, sizes, axis, index),
    "slice_backward": lambda grad, sizes, axis, start, end, step: _put_back(
        grad, sizes, axis, slice(start, end, step)
    ),
}  # fmt: skip
