"""The closed vocabulary of equations, as tables of its words. An equation that uses any other call is refused."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from attnspec.errors import nearest
from attnspec.language.tensor import Tensor
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

__all__ = ["ARITY", "ELEMENTWISE", "INSTEAD", "REDUCTIONS", "SPECIAL", "WORDS", "inf", "instead_of", "signature"]

ELEMENTWISE: dict[Callable[..., Tensor], str] = {
    function: function.__name__
    for function in (exp, log, sin, cos, tanh, sigmoid, relu, gelu, silu, softplus, abs, sqrt, where, transpose)
}
REDUCTIONS: dict[Callable[..., Tensor], str] = {
    function: function.__name__ for function in (sum, max, argmax, softmax, log_softmax)
}
SPECIAL: dict[object, str] = {
    function: function.__name__ for function in (index, indices, size, zeros, concat, split, scan, last, through)
}
ARITY = {"where": 3} | {name: 1 for name in ELEMENTWISE.values() if name != "where"}
WORDS = sorted([*ELEMENTWISE.values(), *REDUCTIONS.values(), *SPECIAL.values(), "inf"])

INSTEAD = {
    **dict.fromkeys(("mean", "average"), 'sum(j, x[j]) / n, with n = size("n")'),
    **dict.fromkeys(("var", "variance"), "sum(j, (x[j] - mu) ** 2) / n, after mu = sum(j, x[j]) / n"),
    "std": "sqrt(sum(j, (x[j] - mu) ** 2) / n), after mu = sum(j, x[j]) / n",
    "norm": "sqrt(sum(j, x[j] ** 2))",
    **dict.fromkeys(("min", "amin"), "-max(j, -x[j])"),
    **dict.fromkeys(("amax",), "max(j, x[j])"),
    "argmin": "argmax(j, -x[j])",
    "logsumexp": "log(sum(j, exp(x[j])))",
    **dict.fromkeys(("prod", "cumprod"), "scan(t, lambda p: p * x[t], 1)"),
    "cumsum": "scan(t, lambda s: s + x[t], 0)",
    **dict.fromkeys(("matmul", "dot", "bmm", "mm"), "a @ b"),
    "linear": "W @ x + b",
    "einsum": "sum(j, a[i, j] * b[j]), an index for each letter",
    "outer": "a[i] * b[j]",
    **dict.fromkeys(("pow", "power"), "a ** b"),
    "square": "x ** 2",
    "rsqrt": "1 / sqrt(x)",
    "reciprocal": "1 / x",
    "exp2": "2 ** x",
    "expm1": "exp(x) - 1",
    "log1p": "log(1 + x)",
    "log2": "log(x) / log(2)",
    "tan": "sin(x) / cos(x)",
    "maximum": "where(a < b, b, a)",
    "minimum": "where(a < b, a, b)",
    **dict.fromkeys(("clip", "clamp"), "where(x < low, low, where(x > high, high, x))"),
    "sign": "where(x > 0, 1, where(x < 0, -1, 0))",
    **dict.fromkeys(("floor_divide", "floordiv"), "a // b"),
    **dict.fromkeys(("mod", "remainder", "fmod"), "a % b"),
    "leaky_relu": "where(x > 0, x, a * x)",
    "elu": "where(x > 0, x, exp(x) - 1)",
    "swish": "silu(x)",
    **dict.fromkeys(("logistic", "expit"), "sigmoid(x)"),
    "log_sigmoid": "-softplus(-x)",
    **dict.fromkeys(("tril", "triu"), "where=j <= i in the sum or softmax over j"),
    "masked_fill": "where(mask[i, j], x[i, j], -inf), or where=mask[i, j] in the sum or softmax over j",
    "eye": "where(i == j, 1, 0)",
    **dict.fromkeys(("one_hot", "onehot"), "where(k == i, 1, 0)"),
    **dict.fromkeys(("arange", "range"), 'the index itself: i = index("n")'),
    **dict.fromkeys(("len", "shape"), 'size("n")'),
    "ones": "the number 1, which has every shape",
    **dict.fromkeys(("gather", "take", "take_along_axis", "embedding"), "E[k[i]], the row whose number is in k"),
    **dict.fromkeys(("flip", "reverse"), "x[n - 1 - t]"),
    **dict.fromkeys(("roll", "shift"), "x[t - 1], which is 0 before the first row"),
    **dict.fromkeys(("concatenate", "cat"), "concat(a, b)"),
    **dict.fromkeys(("chunk",), "split(x, parts)"),
    "stack": "x.stack(i)",
    **dict.fromkeys(("broadcast_to", "expand", "unsqueeze", "expand_dims", "squeeze"), "subscripts: a[i] + b[j]"),
}
"""{word of other notations: what is written in its place}."""


def instead_of(word: str) -> str:
    """What to write in place of a word that is none, for `SpecError.mend`; "" if nothing is like it."""
    return INSTEAD.get(word, "") or nearest(word, WORDS)


def signature(word: str) -> str:
    """How a word is called: "split(x, parts)"."""
    for table in (ELEMENTWISE, REDUCTIONS, SPECIAL):
        for function, name in table.items():
            if name == word and callable(function):
                return f"{word}({', '.join(inspect.signature(function).parameters)})"
    return word
