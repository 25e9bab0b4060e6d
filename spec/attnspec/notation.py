"""The words that equations are written in.

    import numpy as np
    from attnspec import equation
    from attnspec.notation import Bool, Float, Int, Layers, Tensor, index, indices, softmax, sum  # and so on

The words are read from the source of a function marked `@equation`, and never run: what an equation computes is made
from its syntax tree. `sum`, `max` and `abs` are words of the notation, so import them by name.

The annotation of a parameter gives its kind and its sizes: `Float[Tensor, "n d"]`, `Int[Tensor, " t"]` (whole numbers)
or `Bool[Tensor, "n m"]` (a mask). Sizes are names, whole numbers, and sums and products of these: "H*d", "d+u".
`Float`, `Int` and `Bool` are those of jaxtyping.

Examples:
    The examples of the notation assume the imports above.

    >>> @equation()
    ... def attention(
    ...     q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"], mask: Bool[Tensor, "n m"]
    ... ) -> Float[Tensor, "n e"]:
    ...     i, j = indices("n", "m")
    ...     d = size("d")
    ...     alpha = softmax(j, q[i] @ k[j] / sqrt(d), where=mask[i, j])
    ...     return sum(j, alpha * v[j]).stack(i)
    >>> attention(np.ones((1, 4)), np.ones((2, 4)), np.array([[1.0], [2.0]]), np.array([[True, True]]))
    array([[1.5]])
"""

from jaxtyping import Bool, Float, Int

from attnspec.language.tensor import Index, Layers, Tensor
from attnspec.language.words.arrays import concat, split, transpose
from attnspec.language.words.elementwise import (
    abs,
    cos,
    exp,
    gelu,
    log,
    relu,
    sigmoid,
    silu,
    sin,
    softplus,
    sqrt,
    tanh,
    where,
)
from attnspec.language.words.recurrences import last, scan, through
from attnspec.language.words.reductions import argmax, log_softmax, max, softmax, sum
from attnspec.language.words.sizes import index, indices, inf, size, zeros

__all__ = [
    "Bool",
    "Float",
    "Index",
    "Int",
    "Layers",
    "Tensor",
    "abs",
    "argmax",
    "concat",
    "cos",
    "exp",
    "gelu",
    "index",
    "indices",
    "inf",
    "last",
    "log",
    "log_softmax",
    "max",
    "relu",
    "scan",
    "sigmoid",
    "silu",
    "sin",
    "size",
    "softmax",
    "softplus",
    "split",
    "sqrt",
    "sum",
    "tanh",
    "through",
    "transpose",
    "where",
    "zeros",
]
