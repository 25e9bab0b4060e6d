"""The formula of an equation, derived from its tree: in LaTeX, and in Unicode for a terminal.

Two equations that differ in more than spans and comments never have the same formula. So its heading says what the
symbols are, its last row names the equation, and a called equation stands by its id; one that is not the registered
equation of that id, as in a mutant, is marked with a prime and written out below.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby

from attnspec.errors import NotationError
from attnspec.interpreters._setting import LATEX, TERMINAL, Setting
from attnspec.interpreters._terms import Terms
from attnspec.language import vocabulary
from attnspec.language.check import SCALAR, Scope, Type, infer
from attnspec.language.dims import Dim
from attnspec.language.equation import REGISTRY
from attnspec.language.tree import Definition, Node, Reshape, Scan, SizeOf, walk


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
    rows = [(f"{row.left} = {row.right}" if row.left else row.right, row.comment) for row in _rows(definition, TERMINAL)]
    wide = max((_width(shown) for shown, comment in rows if comment), default=0)
    return "\n".join(
        f"{shown}{' ' * (wide - _width(shown))}    {comment}" if comment else shown for shown, comment in rows
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
    yield from _own_rows(definition, setting.upright(definition.id.partition("/")[0]), _terms(definition, setting, callees))
    done = 0
    while done < len(callees.strange):
        callee, primes = list(callees.strange.items())[done]
        yield from _own_rows(callee, setting.upright(callee.id) + primes, _terms(callee, setting, callees))
        done += 1


def _own_rows(definition: Definition, name: str, terms: Terms) -> Iterator[_Row]:
    for row in _heading(definition, terms):
        yield _Row("", row)
    for line in definition.lines:
        recurs = isinstance(line.value, Scan) and line.value.states == line.targets and line.targets[0] in terms.scope.scanned
        right = terms.recurrence(line.value) if isinstance(line.value, Scan) and recurs else terms.show(line.value)
        yield _Row(", ".join(map(terms.name, line.targets)), right, line.comment)
    yield _Row(name, ", ".join(map(terms.show, definition.returns)))


def _heading(definition: Definition, terms: Terms) -> Iterator[str]:
    """What the symbols are, in rows that are not too long."""
    row = ""
    for entry in _given(definition, terms):
        if row and len(row) + len(entry) > terms.setting.wide:
            yield f"{row},"
            row = entry
        else:
            row = row + terms.setting.signs[","] + entry if row else entry
    if row:
        yield row


def _given(definition: Definition, terms: Terms) -> Iterator[str]:
    """Arrays and the sets they are from, options, and what indices run over."""
    words, signs = terms.setting.words, terms.setting.signs
    for (kind, dims), group in groupby(definition.parameters, lambda parameter: (parameter.kind, parameter.dims)):
        yield ", ".join(terms.name(parameter.name) for parameter in group) + words["in"] + terms.space(words[kind], dims)
    word = words["with"]
    for option in definition.options:
        yield word + terms.name(option.name) + words["in"] + words["option" if option.kind == "int" else "float"]
        word = ""
    word = words["for"]
    for index, dim in definition.indices:
        size, bars = terms.size(dim), terms.setting.bars(terms.index(index))
        known = signs["="] + bars if terms.sizes.get(index, bars) != bars else ""
        yield word + "0" + signs["<="] + terms.index(index) + signs["<"] + size + known
        word = ""


def _terms_at(node: Node, definition: Definition, setting: Setting) -> Terms:
    """The rules where a node stands: those inside a recurrence, if the node or a part of it is found in one."""
    terms = _terms(definition, setting, _Callees(setting, definition.id.partition(".")[0]))
    if any(isinstance(part, Scan) for part in _nodes(definition)):
        wanted = {id(part) for _, part in walk(node)}
        return next((found for root in _roots(definition) if (found := terms.around(root, wanted))), terms)
    return terms


def _terms(definition: Definition, setting: Setting, callees: Callable[[Definition], str]) -> Terms:
    sizes = {size for dim in _dims(definition) for size in dim.names}
    taken = {given.name for given in (*definition.parameters, *definition.options)}
    taken |= {name for line in definition.lines for name in line.targets} | {index for index, _ in definition.indices}
    taken |= {state for node in _nodes(definition) if isinstance(node, Scan) for state in node.states}
    renamed = {}
    for index, dim in definition.indices:
        if dim == Dim.parse(index):
            capital = index.upper() if len(index) == 1 else index
            free = capital not in taken | sizes
            renamed[index] = setting.name(capital) if free else setting.bars(setting.name(index))
    return Terms(setting, _scope(definition), callees, renamed, taken)


@lru_cache(maxsize=256)
def _scope(definition: Definition) -> Scope:
    """The types of what is named, as far as the lines fit."""
    names = {parameter.name: Type(parameter.kind, dims=parameter.dims) for parameter in definition.parameters}
    scope = Scope(definition, names | {option.name: SCALAR for option in definition.options})
    for line in definition.lines:
        try:
            found = infer(line.value, scope)
        except (NotationError, LookupError, ValueError):
            continue
        scope.names |= dict(zip(line.targets, found, strict=False))
        if isinstance(line.value, Scan):
            scope.scanned |= dict.fromkeys(line.targets, line.value.index)
    return scope


def _dims(definition: Definition) -> Iterator[Dim]:
    """Every size that is spoken of."""
    yield from (dim for parameter in definition.parameters for dim in parameter.dims)
    yield from (dim for _, dim in definition.indices)
    for node in _nodes(definition):
        yield from (node.dim,) if isinstance(node, SizeOf) else node.dims if isinstance(node, Reshape) else ()


def _roots(definition: Definition) -> tuple[Node, ...]:
    return (*(line.value for line in definition.lines), *definition.returns)


def _nodes(definition: Definition) -> Iterator[Node]:
    return (node for root in _roots(definition) for _, node in walk(root))


def _width(shown: str) -> int:
    """The columns that it takes on a terminal."""
    return sum(not unicodedata.combining(letter) for letter in shown)
