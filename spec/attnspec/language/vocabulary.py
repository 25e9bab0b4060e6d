"""The closed vocabulary of equations, as tables of its words. An equation that uses any other call is refused."""

from __future__ import annotations

from collections.abc import Callable

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

__all__ = ["ARITY", "ELEMENTWISE", "REDUCTIONS", "SPECIAL", "WORDS", "inf"]

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
