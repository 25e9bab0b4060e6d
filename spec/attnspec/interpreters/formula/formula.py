"""The formula of an equation, made from its syntax tree: in LaTeX, in MathML, and in Unicode for a terminal.

Equations that differ in more than spans and comments have different formulas. The heading therefore declares the
symbols, the last row names the equation, and a called equation is shown by its id. A called equation that is not the
registered one of this id, as in a mutant, is marked with a prime and written out below.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from itertools import groupby
from types import MappingProxyType

from attnspec.interpreters.formula.latex import LATEX, MARK, MARKED
from attnspec.interpreters.formula.mathml import MATHML
from attnspec.interpreters.formula.setting import Setting
from attnspec.interpreters.formula.symbols import symbols
from attnspec.interpreters.formula.terminal import TERMINAL
from attnspec.interpreters.formula.terms import Terms
from attnspec.interpreters.tags import Tag, fresh, tags
from attnspec.language import vocabulary
from attnspec.language.equation import REGISTRY
from attnspec.language.registry import family_of, name_in_family
from attnspec.language.traversal import nodes
from attnspec.language.tree import Definition, Line, Name, Node, Scan, Through

WRITTEN = {*vocabulary.WORDS, "mod", "reshape"}
"""The words that formulas have, besides the names of equations."""

NO_TAGS: Mapping[int, Tag] = MappingProxyType({})


def latex(definition: Definition) -> str:
    """The formula in LaTeX, as an `aligned` environment: the parameters, a row for each line, and the result.

    Raises:
        NotationError: there is no rule for a node.
    """
    rows = [f"{row.left} &= {row.right}" if row.left else f"&{row.right}" for row in _rows(definition, LATEX)]
    return "\n".join([r"\begin{aligned}", *(f"{row} \\\\" for row in rows[:-1]), rows[-1], r"\end{aligned}"])


def marked_rows(definition: Definition, marked: Collection[Node]) -> list[str]:
    """The rows of a formula in LaTeX, `left = right`, in which some of its nodes are, with these in red.

    Args:
        marked: nodes of the equation itself, by identity.
    """
    red = {id(node): Tag("", "") for node in marked}
    rows = _rows(definition, MARKED, red)
    return [f"{row.left} = {row.right}" for row in rows if row.left and MARK in row.right]


def latex_of(node: Node, definition: Definition) -> str:
    """A node of an equation in LaTeX, without math delimiters."""
    return _terms_at(node, definition, LATEX).show(node)


def text(definition: Definition) -> str:
    """The formula in Unicode, with one line for each row, and comments on the right.

    Raises:
        NotationError: there is no rule for a node.
    """
    rows = list(_rows(definition, TERMINAL))
    texts = [f"{row.left} = {row.right}" if row.left else row.right for row in rows]
    width = max((_width(text) for text, row in zip(texts, rows, strict=True) if row.comment), default=0)
    return "\n".join(
        f"{text}{' ' * (width - _width(text))}    {row.comment}" if row.comment else text
        for text, row in zip(texts, rows, strict=True)
    )


def text_of(node: Node, definition: Definition) -> str:
    """A node of an equation in Unicode, on one line."""
    return _terms_at(node, definition, TERMINAL).show(node)


def text_of_result(definition: Definition, place: int) -> str:
    """The name of a result of an equation; of one that is an expression its number, such as "result 2"."""
    name = definition.results[place].name
    return text_of(Name(name), definition) if name.isidentifier() else name


def text_of_names(names: Sequence[str], definition: Definition) -> str:
    """Names of an equation in a sentence, such as "q, k and v"."""
    *others, last = (text_of(Name(name), definition) for name in names)
    return f"{', '.join(others)} and {last}" if others else last


def mathml(definition: Definition) -> str:
    """The formula in MathML Core, as one `math` element: the declarations, and below them a table of the lines.

    Each part of the equation is an element: its `data-term` identifies it, parts of one `data-key` belong together, and
    its `intent` tells how it is read aloud; see `attnspec.interpreters.tags`. A name that is written with its subscript
    has the terms of both. Equations that are written out below have no tags.

    Raises:
        NotationError: there is no rule for a node.
    """
    definition = fresh(definition)
    rows = list(_rows(definition, MATHML, tags(definition)))
    groups = "".join(
        "".join(f'<mtr class="given"><mtd>{_declarations(row.right)}</mtd></mtr>' for row in group)
        if is_heading
        else f'<mtr class="lines"><mtd><mtable>{"".join(map(_mathml_row, group))}</mtable></mtd></mtr>'
        for is_heading, group in groupby(rows, lambda row: not row.left)
    )
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><mtable>{groups}</mtable></math>'


def _declarations(row: str) -> str:
    """A row of declarations, each an element with its comma, so that a narrow page may break between them."""
    comma = MATHML.signs[","]
    *others, last = row.split(comma)
    return "".join(f"<mrow>{each}</mrow>" for each in [*(f"{each}{comma}" for each in others), last])


def _mathml_row(row: _Row) -> str:
    comment = f"<mtext>{escape(row.comment, quote=False)}</mtext>" if row.comment else ""
    right = f"<mo>=</mo>{row.right}"
    return f'<mtr><mtd class="left">{row.left}</mtd><mtd>{right}</mtd><mtd class="comment">{comment}</mtd></mtr>'


@dataclass(frozen=True, slots=True)
class _Row:
    """One row: left-hand side ("" if there is none), right-hand side, comment."""

    left: str
    right: str
    comment: str = ""


@dataclass
class Callees:
    """The names of called equations.

    The family is left out for equations of the same family, unless the name is a word of a formula.

    Attributes:
        setting: the medium.
        family: the family of the calling equation.
        unregistered: {called equation that is not the registered one of its id: its primes}.
    """

    setting: Setting
    family: str
    unregistered: dict[Definition, str] = field(default_factory=dict)

    def __call__(self, callee: Definition) -> str:
        family, name = family_of(callee.id), name_in_family(callee.id)
        short = family == self.family and name.isidentifier() and name.isascii() and name not in WRITTEN
        return self.setting.upright(name if short else callee.id) + self.primes(callee)

    def primes(self, callee: Definition) -> str:
        """The primes that distinguish a called equation from the registered one, and from other variants of it."""
        if callee.id in REGISTRY and REGISTRY[callee.id].definition == callee:
            return ""
        same = sum(other.id == callee.id for other in self.unregistered)
        return self.unregistered.setdefault(callee, self.setting.words["prime"] * (same + 1))


def _rows(definition: Definition, setting: Setting, tags: Mapping[int, Tag] = NO_TAGS) -> Iterator[_Row]:
    """The rows of an equation, then those of the called equations that are not registered.

    Args:
        tags: {Python id of a node of the equation: its tag}.
    """
    callees = Callees(setting, family_of(definition.id))
    yield from _own_rows(definition, definition.id.partition("/")[0], "", callees, tags)
    written = 0
    while written < len(callees.unregistered):  # writing out one equation may add others
        callee, primes = list(callees.unregistered.items())[written]
        yield from _own_rows(callee, callee.id, primes, callees, NO_TAGS)
        written += 1


def _own_rows(
    definition: Definition, name: str, primes: str, callees: Callees, tags: Mapping[int, Tag]
) -> Iterator[_Row]:
    """The rows of one equation."""
    terms, comma = Terms(symbols(definition, callees.setting), callees, tags), callees.setting.signs["list"]
    for row in _heading(terms):
        yield _Row("", row)
    for line in definition.lines:
        yield _Row(comma.join(map(terms.symbols.declared, line.targets)), _right(line, terms), line.comment)
    lone = definition.returns[0] if len(definition.returns) == 1 else None
    left = callees.setting.upright(name) + primes
    yield _Row(terms.valued(left, lone) if lone is not None else left, terms.listed(definition.returns))


def _right(line: Line, terms: Terms) -> str:
    """The right-hand side of a line; for a recurrence whose states keep their names, that of one step."""
    value = line.value
    if isinstance(value, Through):
        return terms.tagged(terms.layered(value, line.targets), value, value.layers)
    if isinstance(value, Scan) and value.states == line.targets and line.targets[0] in terms.symbols.scope.scanned:
        return terms.tagged(terms.recurrence(value), value)
    return terms.show(value)


def _heading(terms: Terms) -> Iterator[str]:
    """The declarations of the symbols, broken into rows."""
    row = ""
    for entry in terms.symbols.given():
        if row and len(terms.setting.plain(row)) + len(terms.setting.plain(entry)) > terms.setting.wide:
            yield row + terms.setting.literal(",")
            row = entry
        else:
            row = f"{row}{terms.setting.signs[',']}{entry}" if row else entry
    if row:
        yield row


def _terms_at(node: Node, definition: Definition, setting: Setting) -> Terms:
    """The rules for a node: those inside a recurrence if the node or a part of it is in one."""
    terms = Terms(symbols(definition, setting), Callees(setting, family_of(definition.id)))
    if _has_recurrence(definition):
        wanted = {id(part) for part in nodes(node)}
        return next((inner for root in definition.roots if (inner := terms.around(root, wanted))), terms)
    return terms


@lru_cache(maxsize=256)
def _has_recurrence(definition: Definition) -> bool:
    return any(isinstance(part, Scan) for part in nodes(definition))


def _width(shown: str) -> int:
    """The width of a text in a terminal, in columns."""
    return sum(not unicodedata.combining(letter) for letter in shown)
