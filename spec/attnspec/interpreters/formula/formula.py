"""The formula of an equation, derived from its tree: in LaTeX, and in Unicode for a terminal.

Two equations that differ in more than spans and comments never have the same formula. So its heading says what the
symbols are, its last row names the equation, and a called equation stands by its id; one that is not the registered
equation of that id, as in a mutant, is marked with a prime and written out below.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from attnspec.interpreters.formula.latex import LATEX
from attnspec.interpreters.formula.setting import Setting
from attnspec.interpreters.formula.symbols import symbols
from attnspec.interpreters.formula.terminal import TERMINAL
from attnspec.interpreters.formula.terms import Terms
from attnspec.language import vocabulary
from attnspec.language.equation import REGISTRY
from attnspec.language.traversal import nodes
from attnspec.language.tree import Definition, Line, Node, Scan, Through


def latex(definition: Definition) -> str:
    """The formula in LaTeX, as an `aligned` environment: what is given, a row for each line, and the result.

    Raises:
        NotationError: a node that no rule sets.
    """
    rows = [f"{row.left} &= {row.right}" if row.left else f"&{row.right}" for row in _rows(definition, LATEX)]
    return "\n".join([r"\begin{aligned}", *(f"{row} \\\\" for row in rows[:-1]), rows[-1], r"\end{aligned}"])


def latex_of(node: Node, definition: Definition) -> str:
    """A part of an equation in LaTeX, without the delimiters of mathematics."""
    return _terms_at(node, definition, LATEX).show(node)


def text(definition: Definition) -> str:
    """The formula in Unicode, a row to a line, with the comments at the right.

    Raises:
        NotationError: a node that no rule sets.
    """
    found = list(_rows(definition, TERMINAL))
    rows = [f"{row.left} = {row.right}" if row.left else row.right for row in found]
    wide = max((_width(shown) for shown, row in zip(rows, found, strict=True) if row.comment), default=0)
    return "\n".join(
        f"{shown}{' ' * (wide - _width(shown))}    {row.comment}" if row.comment else shown
        for shown, row in zip(rows, found, strict=True)
    )


def text_of(node: Node, definition: Definition) -> str:
    """A part of an equation in Unicode, on one line."""
    return _terms_at(node, definition, TERMINAL).show(node)


@dataclass(frozen=True, slots=True)
class _Row:
    left: str
    right: str
    comment: str = ""


@dataclass
class _Callees:
    """What called equations are named. Words of the vocabulary and equations of other families keep their family."""

    setting: Setting
    family: str
    strange: dict[Definition, str] = field(default_factory=dict)

    def __call__(self, callee: Definition) -> str:
        family, _, name = callee.id.partition(".")
        short = family == self.family and name.isidentifier() and name.isascii() and name not in vocabulary.WORDS
        return self.setting.upright(name if short else callee.id) + self.primes(callee)

    def primes(self, callee: Definition) -> str:
        """As many as tell it from the equation of this id, and from others that are not."""
        if callee.id in REGISTRY and REGISTRY[callee.id].definition == callee:
            return ""
        same = sum(other.id == callee.id for other in self.strange)
        return self.strange.setdefault(callee, self.setting.words["prime"] * (same + 1))


def _rows(definition: Definition, setting: Setting) -> Iterator[_Row]:
    callees = _Callees(setting, definition.id.partition(".")[0])
    yield from _own_rows(definition, definition.id.partition("/")[0], "", callees)
    written = 0
    while written < len(callees.strange):  # writing one out may find more
        callee, primes = list(callees.strange.items())[written]
        yield from _own_rows(callee, callee.id, primes, callees)
        written += 1


def _own_rows(definition: Definition, name: str, primes: str, callees: _Callees) -> Iterator[_Row]:
    terms = Terms(symbols(definition, callees.setting), callees)
    for row in _heading(terms):
        yield _Row("", row)
    for line in definition.lines:
        yield _Row(", ".join(map(terms.symbols.name, line.targets)), _right(line, terms), line.comment)
    yield _Row(callees.setting.upright(name) + primes, ", ".join(map(terms.show, definition.returns)))


def _right(line: Line, terms: Terms) -> str:
    """What a line's names are; those of a recurrence, at each step, if its states have the same names inside."""
    value = line.value
    if isinstance(value, Through):
        return terms.layered(value, line.targets)
    if isinstance(value, Scan) and value.states == line.targets and line.targets[0] in terms.symbols.scope.scanned:
        return terms.recurrence(value)
    return terms.show(value)


def _heading(terms: Terms) -> Iterator[str]:
    """What the symbols are, in rows that are not too long."""
    row = ""
    for entry in terms.symbols.given():
        if row and len(row) + len(entry) > terms.setting.wide:
            yield f"{row},"
            row = entry
        else:
            row = row + terms.setting.signs[","] + entry if row else entry
    if row:
        yield row


def _terms_at(node: Node, definition: Definition, setting: Setting) -> Terms:
    """The rules where a node stands: those inside a recurrence, if the node or a part of it is found in one."""
    terms = Terms(symbols(definition, setting), _Callees(setting, definition.id.partition(".")[0]))
    if any(isinstance(part, Scan) for part in nodes(definition)):
        wanted = {id(part) for part in nodes(node)}
        return next((found for root in definition.roots if (found := terms.around(root, wanted))), terms)
    return terms


def _width(shown: str) -> int:
    """The columns that it takes on a terminal."""
    return sum(not unicodedata.combining(letter) for letter in shown)
