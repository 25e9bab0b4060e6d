"""The specification: one file per family, equations and nothing else. Called, it is the catalogue.

    >>> import attnspec
    >>> len(attnspec.equations()) > 200
    True
    >>> attnspec.equations()["scores.dot"]
    <equation scores.dot(q (n d), k (m d))>
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from attnspec.language import equation as _equation

__all__: list[str] = []


class _Equations(ModuleType):
    """`attnspec.equations` is this package, and the function of that name."""

    def __call__(self) -> Mapping[str, _equation.Equation[..., Any]]:
        """Every equation by id: the catalogue's by family, then those defined by `@equation` elsewhere."""
        return _equation.REGISTRY


sys.modules[__name__].__class__ = _Equations
