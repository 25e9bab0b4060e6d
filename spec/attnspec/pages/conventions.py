"""What an equation's other conventions do otherwise: the lines that differ, and by how much on drawn values."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Collection, Iterator, Sequence
from difflib import SequenceMatcher
from html import escape
from itertools import count
from statistics import median
from typing import Any

import numpy as np

from attnspec.interpreters.formula.formula import text
from attnspec.interpreters.mutation.mutants import Mutant, adapted, conventions
from attnspec.language.equation import Equation
from attnspec.language.tree import Definition
from attnspec.pages.formula_view import formula_view
from attnspec.verification.judge.mutant_values import sample_cases, values


def convention_items(equation: Equation[..., Any], known: Collection[str]) -> str:
    """The other conventions of an equation as HTML; "" if it has none.

    Args:
        equation: the equation.
        known: the ids of the equations that have pages beside this one.
    """
    return "".join(_item(equation, other, other.id in known) for other in conventions(equation))


def _item(equation: Equation[..., Any], other: Equation[..., Any], has_page: bool) -> str:
    name = f'<a href="{escape(other.id)}.html">{escape(other.id)}</a>' if has_page else escape(other.id)
    says = other.says if other.convention_of else f"here {equation.says}"
    parts = (
        ("In the formula:", differing_lines(equation.definition, other.definition)),
        ("In the code:", _differing(_code(equation), _code(other))),
    )
    tables = "".join(_table(title, list(lines), equation.id, other.id) for title, lines in parts)
    return f"<h3>{name}</h3><p>{escape(says)}</p><p>{escape(gap(equation, other))}</p>{tables}"


def _table(title: str, lines: Sequence[tuple[str, str]], here: str, there: str) -> str:
    """Pairs of lines as a table; "" if there are none."""
    if not lines:
        return ""
    rows = "".join(f"<tr><td><code>{mine}</code></td><td><code>{theirs}</code></td></tr>" for mine, theirs in lines)
    head = f"<tr><th>{escape(here)}</th><th>{escape(there)}</th></tr>"
    return f'<p>{title}</p><div class="scroll" tabindex="0"><table class="differs">{head}{rows}</table></div>'


def _code(equation: Equation[..., Any]) -> list[str]:
    """The statements of an equation as they are written, without comments; none of one that is derived."""
    if equation.is_derived:
        return []
    try:
        source = textwrap.dedent(inspect.getsource(inspect.unwrap(equation.function)))
    except OSError:
        return []
    [function] = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return [" ".join((ast.get_source_segment(source, each) or "").split()) for each in body]


def side_by_side(equation: Equation[..., Any], other: Equation[..., Any] | Mutant) -> str:
    """Two formulas as HTML, with the symbols marked in which they differ, and the distance of their values.

    Args:
        equation: the equation.
        other: another equation, or a known mistake of this one.
    """
    here, there = _marked_formulas(equation.definition, other.definition)
    name = other.says if isinstance(other, Mutant) else other.id
    sides = "".join(
        f'<div class="view formula" data-equation="{escape(id)}"><h2>{escape(shown)}</h2>'
        f'<div class="scroll">{formula}</div></div>'
        for id, shown, formula in ((equation.id, equation.id, here), (other.id, name, there))
    )
    return f'<div class="sides">{sides}</div><p class="gap-says">{escape(gap(equation, other))}</p>'


COMMENT = re.compile('<mtd class="comment">.*?</mtd>')
"""What a line is, for which there is no room beside another formula."""

LEAF = re.compile(r"<(mi|mn|mo|mtext)(?=[ >])([^>]*)>([^<]*)</\1>")
"""A symbol in MathML."""


def _marked_formulas(definition: Definition, other: Definition) -> tuple[str, str]:
    """Two formulas in MathML, with a class on the symbols that only one of them has at that place."""
    mine, theirs = (COMMENT.sub("", formula_view(each)) for each in (definition, other))
    names = {definition.id, other.id}  # what they are called is no difference of the formulas
    leaves, others = (
        ["" if found[3] in names else found[3] for found in LEAF.finditer(each)] for each in (mine, theirs)
    )
    differing: tuple[set[int], set[int]] = (set(), set())
    for kind, a, b, c, d in SequenceMatcher(None, leaves, others, autojunk=False).get_opcodes():
        if kind != "equal":
            differing[0].update(range(a, b))
            differing[1].update(range(c, d))
    return _with_marks(mine, differing[0]), _with_marks(theirs, differing[1])


def _with_marks(shown: str, marked: Collection[int]) -> str:
    place = count()

    def one(found: re.Match[str]) -> str:
        tag, rest, symbol = found.groups()
        return f'<{tag} class="differing"{rest}>{symbol}</{tag}>' if next(place) in marked else found[0]

    return LEAF.sub(one, shown)


def differing_lines(definition: Definition, other: Definition) -> Iterator[tuple[str, str]]:
    """The lines of two formulas that differ, as pairs of HTML with marks; "" where only the other has a line."""
    return _differing(_lines(definition), _lines(other))


def _differing(mine: Sequence[str], theirs: Sequence[str]) -> Iterator[tuple[str, str]]:
    for kind, a, b, c, d in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        for k in range(max(b - a, d - c)):
            yield _marked(mine[a + k] if a + k < b else "", theirs[c + k] if c + k < d else "")


def _lines(definition: Definition) -> list[str]:
    """The lines of a formula without its declarations and comments, whatever the equation is called."""
    shown = [line.split("    ")[0].rstrip() for line in text(definition).splitlines()]
    return [line.replace(f"{definition.id} = ", "result = ") for line in shown if " = " in line and " ∈ " not in line]


def _marked(mine: str, theirs: str) -> tuple[str, str]:
    """Two lines as HTML, with their differing words marked."""
    words, others = mine.split(" "), theirs.split(" ")
    marked: tuple[list[str], list[str]] = ([], [])
    for kind, a, b, c, d in SequenceMatcher(None, words, others, autojunk=False).get_opcodes():
        for side, part in zip(marked, (words[a:b], others[c:d]), strict=True):
            shown = escape(" ".join(part))
            side.append(shown if kind == "equal" or not shown else f"<mark>{shown}</mark>")
    return " ".join(filter(None, marked[0])), " ".join(filter(None, marked[1]))


def gap(equation: Equation[..., Any], other: Equation[..., Any] | Mutant) -> str:
    """How far the values of two conventions, or of an equation and a mistake, are apart on drawn cases, in words."""
    is_mistake = isinstance(other, Mutant)
    comparable = other.definition if is_mistake else adapted(other.definition, equation.definition)
    if comparable is None:
        return "It takes other arguments, so that their values cannot be compared."
    found = []
    for case in sample_cases(equation):
        here, there = values(equation.definition, case), values(comparable, case)
        if here is not None and there is not None:
            found.append(max(map(_distance, here, there), default=0.0))
    apart = [distance for distance in found if distance > 0]
    if not apart:
        return f"Their values are equal on {len(found)} drawn cases."
    some = f"in {len(apart)} of {len(found)} drawn cases"
    if not np.isfinite(median(apart)):
        return f"Their values differ {some}: where one is finite, the other is not."
    return f"Their values differ {some}, by {median(apart):.0%} of the largest value (median)."


def _distance(here: Any, there: Any) -> float:
    """The largest difference, relative to the largest value; infinite where only one of them is finite."""
    if not here.size:
        return 0.0
    finite = np.isfinite(here) & np.isfinite(there)
    if not np.array_equal(here[~finite], there[~finite], equal_nan=True):
        return np.inf
    scale = np.max(np.abs(here[finite]), initial=0.0)
    apart = np.max(np.abs(here[finite] - there[finite]), initial=0.0)
    return float(apart / scale) if scale else float(apart > 0)
