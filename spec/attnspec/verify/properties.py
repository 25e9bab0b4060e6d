"""The properties of an equation, asked of a candidate through its runner."""

from __future__ import annotations
from typing import Any

def broken(verifier: Any, policy: Any) -> tuple[tuple[tuple[str, bool], ...], str | None]:
    return (), None
