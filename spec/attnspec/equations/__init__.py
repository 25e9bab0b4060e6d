"""The equations of the catalogue, a file for each family. `attnspec.equations()` gives all of them by id."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from attnspec.language.equation import REGISTRY as _REGISTRY
from attnspec.language.equation import Equation as _Equation

__all__: list[str] = []


class _Equations(ModuleType):
    """`attnspec.equations` is this package, and the function of that name."""

    def __call__(self) -> Mapping[str, _Equation[..., Any]]:
        """Look up all equations by id.

        Returns:
            `REGISTRY`, a read-only mapping: the equations of the catalogue by family, then those that users define.

        Examples:
            >>> import attnspec
            >>> len(attnspec.equations()) > 200
            True
            >>> attnspec.equations()["scores.dot"]
            <equation scores.dot(q (n d), k (m d))>
        """
        return _REGISTRY


sys.modules[__name__].__class__ = _Equations
