"""Code that makes an array in the place of a line, and how a diagnosis shows it beside the formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from attnspec.interpreters.formula.formula import text_of
from attnspec.language.tree import Definition, Last, Name, Node, Stack
from attnspec.verification.diagnosis.appearances import Place, Site
from attnspec.verification.diagnosis.shown_code import is_shown_whole, shown_code
from attnspec.verification.verdict import WITH, Diagnosis

CODE, WHOLE = "code", "whole"
"""The end of the id of a diagnosis that shows the code that departs; the id of what shows all that makes a result."""


@dataclass(frozen=True)
class Followed:
    """An array that takes the place of a line.

    Attributes:
        site: the line.
        place: where the array is made.
        callers: file and line of the calls that lead there, the innermost first.
        right: file, function and name of the variables that hold lines as they are.
        is_divided: whether the array takes the place of a softmax once it is divided by its sums.
        may_be_right: whether the values are those of the line but for a factor of each row, which may act later, as
            that of softmax does. Then the array departs only if the answers are computed from it.
    """

    site: Site
    place: Place
    callers: tuple[tuple[str, int], ...] = ()
    right: frozenset[tuple[str, str, str]] = frozenset()
    may_be_right: bool = False
    is_divided: bool = False

    @property
    def code(self) -> str:
        """The code, with its place; "" if it cannot be shown."""
        file, number, _, _ = self.place
        code = shown_code([(file, number), *self.callers], self.right)
        divided = " (later divided by its sums)" if self.is_divided else ""
        return f"{PurePath(file).name} line {number}{divided}: {code}" if code else ""

    @property
    def is_whole(self) -> bool:
        """Whether all that makes the array is shown."""
        file, number, _, _ = self.place
        return is_shown_whole([(file, number), *self.callers], self.right)

    @property
    def formula(self) -> str:
        """The line of the formula."""
        return formula_of(self.site.definition, self.site.part.root, self.site.part.target)


def formula_of(definition: Definition, root: int, target: str = "") -> str:
    """A line of a formula, or of a result, which may be the value of a line."""
    name = target or line_of(definition.roots[root])
    lines = [k for k, line in enumerate(definition.lines) if line.targets == (name,)]
    if not target and lines:
        root, target = lines[0], definition.lines[lines[0]].targets[0]
    formula = text_of(definition.roots[root], definition)
    return f"{text_of(Name(target), definition)} = {formula}" if target else formula


def id_of(found: Sequence[Followed]) -> str:
    """The id of a diagnosis that shows code: "r/code and z/code", or "code" if it is not of single lines."""
    lines = [each.site.part.target for each in found if not each.site.within]
    return " and ".join(f"{line}/{CODE}" for line in lines) if all(lines) and len(lines) == len(found) else CODE


def is_code(diagnosis: Diagnosis) -> bool:
    """Whether a diagnosis shows code that departs."""
    return diagnosis.id.rpartition("/")[2] == CODE


def says_of(found: Sequence[Followed]) -> str:
    """What the code has, and what the formula has; "" if no code can be shown. Nothing is shown twice."""
    belongs: dict[str, list[str]] = {}
    for each in found:
        belongs.setdefault(each.code, []).append(each.formula)
    sentences, shown = list[str](), set[str]()
    for code, formulas in belongs.items():
        statement, *inputs = code.split(WITH)
        new = [each for each in inputs if each not in shown]
        shown.update(inputs)
        sentences += [f"{WITH.join([statement, *new])}, where {' and '.join(formulas)} belongs"] if code else []
    return "; ".join(sentences)


def line_of(node: Node, last: bool = False) -> str | None:
    """The name of the line that a result is, in another order of axes, or also its `last` step; None if it is none."""
    while isinstance(node, Stack) or (last and isinstance(node, Last)):
        node = node.array if isinstance(node, Stack) else node.state
    return node.id if isinstance(node, Name) else None
