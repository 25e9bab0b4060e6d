"""Softmax and scaled dot-product attention of PyTorch, onnxruntime and JAX.

None of them claims NaN or infinity: at a masked place they compute 0 * NaN. None claims d = 0, where 1/sqrt(d) is
nothing. Asked for a causal mask, all three align it top-left.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from attnspec import implements

if TYPE_CHECKING:
    import jax
    from torch import Tensor

Array = npt.NDArray[Any]

CPU = ("cpu",)
ALL = ("float64", "float32", "float16", "bfloat16")
WHOLE = ("float64", "float32")
TRAINED = ("float32", "bfloat16")  # of whose gradients are asked
LONG = ("float32",)  # likewise, where a verdict takes long
ONNX_DTYPES = ("float32", "float16")  # in float64 the operator Attention has a scale rounded to float32
ONNX_SMALLEST = {"batch": 1, "n": 1, "m": 1, "d": 1, "e": 1}  # it refuses every empty array


@implements("attention.weights", framework="torch", dtypes=ALL, devices=CPU, finite=True)
@implements("attention.weights", framework="torch", dtypes=TRAINED, devices=CPU, backward=True)
def torch_softmax(e: Tensor) -> Tensor:
    """torch.softmax."""
    import torch

    return torch.softmax(e, dim=-1)


@implements("attention.scaled_dot_product", framework="torch", dtypes=ALL, devices=CPU, smallest={"d": 1}, finite=True)
@implements(
    "attention.scaled_dot_product", framework="torch", dtypes=TRAINED, devices=CPU, smallest={"d": 1}, backward=True
)
def torch_scaled_dot_product(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """torch.nn.functional.scaled_dot_product_attention."""
    from attnspec_peers import _torch

    return _torch.attention(q, k, v)


@implements("attention.masked", framework="torch", dtypes=ALL, devices=CPU, smallest={"d": 1}, finite=True)
@implements("attention.masked", framework="torch", dtypes=LONG, devices=CPU, smallest={"d": 1}, backward=True)
def torch_masked(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """scaled_dot_product_attention with attn_mask, true where a query may look; a row with nothing to look at is 0."""
    from attnspec_peers import _torch

    return _torch.attention(q, k, v, attn_mask=mask.unsqueeze(-3))


# An empty mask the module cannot reshape.
@implements(
    "attention.masked_empty_is_nan", framework="torch", dtypes=ALL, devices=CPU,
    smallest={"batch": 1, "n": 1, "m": 1, "d": 1, "e": 1}, finite=True,
)  # fmt: skip
def torch_masked_empty_is_nan(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """torch.nn.MultiheadAttention with need_weights=True, its default, where a row with nothing to look at is NaN."""
    from attnspec_peers import _torch

    return _torch.attention_with_weights(q, k, v, mask)


@implements("attention.causal_top_left", framework="torch", dtypes=ALL, devices=CPU, smallest={"d": 1}, finite=True)
def torch_causal_top_left(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """scaled_dot_product_attention with is_causal=True."""
    from attnspec_peers import _torch

    return _torch.attention(q, k, v, is_causal=True)


@implements("attention.causal", framework="torch", dtypes=ALL, devices=CPU, smallest={"d": 1}, finite=True)
@implements("attention.causal", framework="torch", dtypes=LONG, devices=CPU, smallest={"d": 1}, backward=True)
def torch_causal(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """scaled_dot_product_attention with torch.nn.attention.bias.causal_lower_right."""
    from torch.nn.attention.bias import causal_lower_right

    from attnspec_peers import _torch

    with warnings.catch_warnings():
        # It warns of NaN where n > m; they do not come, a row with nothing to look at is 0.
        warnings.filterwarnings("ignore", message="Lower right causal bias")
        bias = causal_lower_right(q.shape[-2], k.shape[-2])
    return _torch.attention(q, k, v, attn_mask=bias)


@implements("attention.weights", framework="numpy", devices=CPU, dtypes=("float64", "float32", "float16"), finite=True)
def onnxruntime_softmax(e: Array) -> Array:
    """The ONNX operator Softmax."""
    from attnspec_peers import _onnx

    return _onnx.run("Softmax", {"input": e}, ["output"], axis=-1)[0]


@implements(
    "attention.scaled_dot_product", framework="numpy", devices=CPU, dtypes=ONNX_DTYPES, smallest=ONNX_SMALLEST,
    finite=True,
)  # fmt: skip
def onnxruntime_scaled_dot_product(q: Array, k: Array, v: Array) -> Array:
    """The ONNX operator Attention."""
    from attnspec_peers import _onnx

    return _onnx.attention(q, k, v)


@implements("attention.masked", framework="numpy", devices=CPU, dtypes=ONNX_DTYPES, smallest=ONNX_SMALLEST, finite=True)
def onnxruntime_masked(q: Array, k: Array, v: Array, mask: Array) -> Array:
    """The ONNX operator Attention with attn_mask, true where a query may look; a row with nothing to look at is 0."""
    from attnspec_peers import _onnx

    return _onnx.attention(q, k, v, mask)


@implements(
    "attention.causal_top_left", framework="numpy", devices=CPU, dtypes=ONNX_DTYPES, smallest=ONNX_SMALLEST,
    finite=True,
)  # fmt: skip
def onnxruntime_causal_top_left(q: Array, k: Array, v: Array) -> Array:
    """The ONNX operator Attention with is_causal=1."""
    from attnspec_peers import _onnx

    return _onnx.attention(q, k, v, is_causal=1)


@implements("attention.weights", framework="jax", dtypes=ALL, devices=CPU, finite=True)
def jax_softmax(e: jax.Array) -> jax.Array:
    """jax.nn.softmax."""
    from attnspec_peers import _jax

    alpha: jax.Array = _jax.softmax(e)
    return alpha


# There is no jax_masked: with mask=, a row with nothing to look at is the mean of all values, where the equation has 0.
# Not in float16, in which XLA has no product on a CPU: compiled, jax refuses it; otherwise it compiles for 40 s.
@implements(
    "attention.scaled_dot_product", framework="jax", dtypes=(*WHOLE, "bfloat16"), devices=CPU, smallest={"d": 1},
    finite=True,
)  # fmt: skip
def jax_scaled_dot_product(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    """jax.nn.dot_product_attention; its softmax is in float32, whatever it is given."""
    from attnspec_peers import _jax

    return _jax.attention(q, k, v)


# Not in half precision, where XLA compiles for a minute; jax_scaled_dot_product is asked in bfloat16.
@implements("attention.causal_top_left", framework="jax", dtypes=WHOLE, devices=CPU, smallest={"d": 1}, finite=True)
def jax_causal_top_left(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    """jax.nn.dot_product_attention with is_causal=True."""
    from attnspec_peers import _jax

    return _jax.attention(q, k, v, causal=True)
