"""A formula as pages have it."""

from __future__ import annotations

import re

from attnspec.interpreters.formula.formula import mathml
from attnspec.language.tree import Definition

NEEDLESS = re.compile(r' (?:data-term|xmlns)="[^"]*"')
"""Attributes that a page has no use for: parts light up by their keys, and HTML knows MathML."""


def formula_view(definition: Definition) -> str:
    """A formula in MathML."""
    return NEEDLESS.sub("", mathml(definition))
