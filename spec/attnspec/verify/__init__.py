"""case → candidate → judge → report. Called, the package is its own main function: `attnspec.verify(f)`."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """The name `attnspec.verify` is both this package and the function that people call."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return importlib.import_module("attnspec.verify.api").verify(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
