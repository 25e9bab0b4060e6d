"""The words that equations are written in.

    from attnspec import Source, equation
    from attnspec.notation import Float, Tensor, index, softmax

They are read from the source of a function marked `@equation`, and never run: what an equation computes is made from
its syntax tree. `sum` and `max` stand for the reductions of the notation here, so import them by name.
"""

from jaxtyping import Bool, Float, Int

from attnspec.language.tensor import Index, Layers, Tensor
from attnspec.language.vocabulary import (
    argmax,
    concat,
    cos,
    exp,
    gelu,
    index,
    indices,
    inf,
    last,
    log,
    log_softmax,
    max,
    relu,
    scan,
    sigmoid,
    sin,
    size,
    softmax,
    split,
    sqrt,
    sum,
    tanh,
    through,
    transpose,
    where,
    zeros,
)

__all__ = [
    "Bool",
    "Float",
    "Index",
    "Int",
    "Layers",
    "Tensor",
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
    "sin",
    "size",
    "softmax",
    "split",
    "sqrt",
    "sum",
    "tanh",
    "through",
    "transpose",
    "where",
    "zeros",
]
