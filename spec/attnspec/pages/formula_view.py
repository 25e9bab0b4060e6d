"""A formula as pages have it."""

from __future__ import annotations

import re

from attnspec.interpreters.formula.formula import mathml
from attnspec.language.tree import Definition


def formula_view(definition: Definition) -> str:
    """A formula in MathML without the names of single parts, `data-term`: on a page, parts light up by their keys."""
    return re.sub(r' data-term="[^"]*"', "", mathml(definition))
