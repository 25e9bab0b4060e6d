"""The reference specification of the road from the RNN to the Transformer.

Names are loaded when first used, so that a face that only prints help costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attnspec.errors import SpecError as SpecError
    from attnspec.implementation import implements as implements
    from attnspec.language.equation import REGISTRY as REGISTRY, Equation as Equation, Source as Source
    from attnspec.language.equation import equation as equation, form as form, mutant as mutant
    from attnspec.language.tensor import Index as Index, Tensor as Tensor
    from attnspec.language.vocabulary import argmax as argmax, concat as concat, cos as cos, exp as exp, gelu as gelu
    from attnspec.language.vocabulary import index as index, indices as indices, inf as inf, last as last, log as log
    from attnspec.language.vocabulary import log_softmax as log_softmax, max as max, relu as relu, scan as scan
    from attnspec.language.vocabulary import sigmoid as sigmoid, sin as sin, size as size, softmax as softmax
    from attnspec.language.vocabulary import split as split, sqrt as sqrt, sum as sum, tanh as tanh
    from attnspec.language.vocabulary import transpose as transpose, where as where
    from attnspec.verify.api import verify as verify
    from attnspec.verify.report import Report as Report, Verdict as Verdict

_HOMES = {
    "attnspec.errors": ("SpecError",),
    "attnspec.implementation": ("implements",),
    "attnspec.language.equation": ("REGISTRY", "Equation", "Source", "equation", "form", "mutant"),
    "attnspec.language.tensor": ("Index", "Tensor"),
    "attnspec.language.vocabulary": (
        "argmax", "concat", "cos", "exp", "gelu", "index", "indices", "inf", "last", "log", "log_softmax", "max",
        "relu", "scan", "sigmoid", "sin", "size", "softmax", "split", "sqrt", "sum", "tanh", "transpose", "where",
    ),
    "attnspec.verify.api": ("verify",),
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
