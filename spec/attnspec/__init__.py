"""The reference specification of the road from the RNN to the Transformer.

Names are loaded when first used, so that a face that only prints help costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attnspec.errors import SpecError as SpecError
    from attnspec.implementation import implements as implements
    from attnspec.language.equation import REGISTRY as REGISTRY
    from attnspec.language.equation import Equation as Equation
    from attnspec.language.equation import Source as Source
    from attnspec.language.equation import equation as equation
    from attnspec.language.equation import form as form
    from attnspec.language.equation import mutant as mutant
    from attnspec.language.procedure import PROCEDURES as PROCEDURES
    from attnspec.language.procedure import Procedure as Procedure
    from attnspec.language.procedure import procedure as procedure
    from attnspec.language.tensor import Index as Index
    from attnspec.language.tensor import Layers as Layers
    from attnspec.language.tensor import Tensor as Tensor
    from attnspec.language.vocabulary import argmax as argmax
    from attnspec.language.vocabulary import concat as concat
    from attnspec.language.vocabulary import cos as cos
    from attnspec.language.vocabulary import exp as exp
    from attnspec.language.vocabulary import gelu as gelu
    from attnspec.language.vocabulary import index as index
    from attnspec.language.vocabulary import indices as indices
    from attnspec.language.vocabulary import inf as inf
    from attnspec.language.vocabulary import last as last
    from attnspec.language.vocabulary import log as log
    from attnspec.language.vocabulary import log_softmax as log_softmax
    from attnspec.language.vocabulary import max as max
    from attnspec.language.vocabulary import relu as relu
    from attnspec.language.vocabulary import scan as scan
    from attnspec.language.vocabulary import sigmoid as sigmoid
    from attnspec.language.vocabulary import sin as sin
    from attnspec.language.vocabulary import size as size
    from attnspec.language.vocabulary import softmax as softmax
    from attnspec.language.vocabulary import split as split
    from attnspec.language.vocabulary import sqrt as sqrt
    from attnspec.language.vocabulary import sum as sum
    from attnspec.language.vocabulary import tanh as tanh
    from attnspec.language.vocabulary import through as through
    from attnspec.language.vocabulary import transpose as transpose
    from attnspec.language.vocabulary import where as where
    from attnspec.language.vocabulary import zeros as zeros
    from attnspec.verification.api import verify as verify
    from attnspec.verification.verdict import Report as Report
    from attnspec.verification.verdict import Verdict as Verdict

_HOMES = {
    "attnspec.errors": ("SpecError",),
    "attnspec.implementation": ("implements",),
    "attnspec.language.equation": ("REGISTRY", "Equation", "Source", "equation", "form", "mutant"),
    "attnspec.language.procedure": ("PROCEDURES", "Procedure", "procedure"),
    "attnspec.language.tensor": ("Index", "Layers", "Tensor"),
    "attnspec.language.vocabulary": (
        "argmax", "concat", "cos", "exp", "gelu", "index", "indices", "inf", "last", "log", "log_softmax", "max",
        "relu", "scan", "sigmoid", "sin", "size", "softmax", "split", "sqrt", "sum", "tanh", "through", "transpose",
        "where", "zeros",
    ),
    "attnspec.verification.api": ("verify",),
    "attnspec.verify.report": ("Report", "Verdict"),
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'attnspec' has no attribute {name!r}")
    if name == "verify":  # the package is callable, so that the name means one thing whatever was imported first
        return importlib.import_module("attnspec.verify")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
