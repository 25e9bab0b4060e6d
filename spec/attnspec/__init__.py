"""The reference specification of the road from the RNN to the Transformer.

`attnspec.verify` judges an implementation against an equation. `attnspec.equations()` is the catalogue: an equation
computes its value, its rounding noise, its formula, its known mistakes and its cost. `@attnspec.equation` makes an
equation of a function, in the words of `attnspec.notation`.

    import attnspec

    report = attnspec.verify("my_kernels.py:attention", "attention.scaled_dot_product")
    print(report)

Names are imported when they are first used, so that ``import attnspec`` is quick.
"""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attnspec import notation as notation
    from attnspec.errors import BindingError as BindingError
    from attnspec.errors import NotationError as NotationError
    from attnspec.errors import ShapeError as ShapeError
    from attnspec.errors import SpecError as SpecError
    from attnspec.errors import TargetError as TargetError
    from attnspec.errors import UnknownName as UnknownName
    from attnspec.errors import VerificationError as VerificationError
    from attnspec.implementation import Claim as Claim
    from attnspec.implementation import ClaimFields as ClaimFields
    from attnspec.implementation import DType as DType
    from attnspec.implementation import Framework as Framework
    from attnspec.implementation import Implementation as Implementation
    from attnspec.implementation import implements as implements
    from attnspec.interpreters.cost.cost import Cost as Cost
    from attnspec.interpreters.mutation.mutants import Mutant as Mutant
    from attnspec.interpreters.rounding.noise import Noise as Noise
    from attnspec.interpreters.rounding.policy import PrecisionPolicy as PrecisionPolicy
    from attnspec.language.draws import Place as Place
    from attnspec.language.draws import Size as Size
    from attnspec.language.equation import REGISTRY as REGISTRY
    from attnspec.language.equation import Equation as Equation
    from attnspec.language.equation import Source as Source
    from attnspec.language.equation import equation as equation
    from attnspec.language.procedure import PROCEDURES as PROCEDURES
    from attnspec.language.procedure import Procedure as Procedure
    from attnspec.language.procedure import procedure as procedure
    from attnspec.language.symbols import Symbol as Symbol
    from attnspec.language.tensor import Index as Index
    from attnspec.language.tensor import Layers as Layers
    from attnspec.language.tensor import Tensor as Tensor
    from attnspec.language.variants import form as form
    from attnspec.language.variants import mutant as mutant
    from attnspec.language.variants import mutate as mutate
    from attnspec.language.variants import rewrite as rewrite
    from attnspec.properties.property import AtMost as AtMost
    from attnspec.properties.property import Equal as Equal
    from attnspec.properties.property import Property as Property
    from attnspec.properties.property import property_of as property_of
    from attnspec.verification.api import verify as verify
    from attnspec.verification.sandbox.runner import WorkerError as WorkerError
    from attnspec.verification.sandbox.targets import MissingPackage as MissingPackage
    from attnspec.verification.verdict import Departure as Departure
    from attnspec.verification.verdict import Diagnosis as Diagnosis
    from attnspec.verification.verdict import FunctionVerdict as FunctionVerdict
    from attnspec.verification.verdict import Report as Report
    from attnspec.verification.verdict import Verdict as Verdict
    from attnspec.verification.verdict import VerdictKind as VerdictKind
    from attnspec.verification.verdict import WorstAnswer as WorstAnswer
    from attnspec.verification.verdict import WorstElement as WorstElement

    def equations() -> Mapping[str, Equation[..., Any]]:
        """All equations by id."""


_HOMES = {
    "attnspec.errors": (
        "SpecError",
        "NotationError",
        "ShapeError",
        "UnknownName",
        "BindingError",
        "TargetError",
        "VerificationError",
    ),
    "attnspec.implementation": ("Claim", "ClaimFields", "DType", "Framework", "Implementation", "implements"),
    "attnspec.interpreters.rounding.noise": ("Noise",),
    "attnspec.interpreters.rounding.policy": ("PrecisionPolicy",),
    "attnspec.interpreters.mutation.mutants": ("Mutant",),
    "attnspec.interpreters.cost.cost": ("Cost",),
    "attnspec.language.draws": ("Place", "Size"),
    "attnspec.language.equation": ("REGISTRY", "Equation", "Source", "equation"),
    "attnspec.language.procedure": ("PROCEDURES", "Procedure", "procedure"),
    "attnspec.language.symbols": ("Symbol",),
    "attnspec.language.tensor": ("Index", "Layers", "Tensor"),
    "attnspec.language.variants": ("form", "mutant", "mutate", "rewrite"),
    "attnspec.properties.property": ("AtMost", "Equal", "Property", "property_of"),
    "attnspec.verification.api": ("verify",),
    "attnspec.verification.sandbox.runner": ("WorkerError",),
    "attnspec.verification.sandbox.targets": ("MissingPackage",),
    "attnspec.verification.verdict": (
        "Departure",
        "Diagnosis",
        "FunctionVerdict",
        "Report",
        "Verdict",
        "VerdictKind",
        "WorstAnswer",
        "WorstElement",
    ),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
_PACKAGES = ("equations", "notation")

__all__ = sorted([*_HOME, *_PACKAGES])
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    elif name in _PACKAGES:
        value = importlib.import_module(f"attnspec.{name}")
    elif not name.startswith("_") and hasattr(importlib.import_module("attnspec.notation"), name):
        text = f"attnspec.{name} is now attnspec.notation.{name}"
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        return getattr(importlib.import_module("attnspec.notation"), name)
    else:
        raise AttributeError(f"module 'attnspec' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
