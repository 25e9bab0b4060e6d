"""How software keeps the weights of an equation: packed, transposed, under other names.

A layout says for each argument where it is: "in_proj_weight[0:H*d].T" is the transpose of the first H*d rows of
`in_proj_weight`. "bias_ih + bias_hh" is an argument that software keeps as a sum of two arrays, of which a term
"0*bias_hh" is 0; "key, value" is one that it takes twice, "hx[0]" one that it takes with another leading axis, "hx.1"
the second item of a tuple, and "~padding" a mask that is true where the argument is false.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from attnspec.errors import SpecError
from attnspec.language.dims import Dim
from attnspec.language.equation import Equation
from attnspec.language.registry import Registry

PART = re.compile(
    r"\s*(?P<zero>0\s*\*)?\s*(?P<negated>~)?\s*(?P<target>[A-Za-z_]\w*(?:\.\w+?)*?)\s*(?:\[(?P<index>[^\]]*)\])?\s*(?P<transposed>\.T)?\s*"
)


@dataclass(frozen=True, slots=True)
class Part:
    """A place where an argument is kept, or a term of it.

    Attributes:
        target: the name of the array that software has.
        rows: the first row and the one after the last, where it is some rows of the array; else None.
        place: the position along an additional leading axis; None if there is no such axis.
        transposed: whether it is the transpose of what is kept there.
        terms: the number of equal terms whose sum is the argument; 0 for a term that is 0.
        negated: whether it is true where the argument is false.
    """

    target: str
    rows: tuple[Dim, Dim] | None = None
    place: int | None = None
    transposed: bool = False
    terms: int = 1
    negated: bool = False


def parts_of(text: str) -> tuple[Part, ...]:
    """The places that the text of a layout names.

    Raises:
        SpecError: it is not such a text.
    """
    pieces = text.split("+") if "+" in _without_index(text) else text.split(",")
    terms = sum(not piece.strip().startswith("0*") for piece in pieces) if "+" in _without_index(text) else 1
    found = [_part(each, terms) for each in pieces]
    known = [part for part in found if part is not None]
    if len(known) < len(found):
        product = re.sub(r"([\[:+-]\s*\d+)([A-Za-z])", r"\1*\2", text)  # 2u is 2*u
        raise SpecError(
            f"{text!r} is not a place of an array",
            given=text,
            expected="NAME, NAME.T, NAME[0:c], NAME[0:c].T, a sum of these, or ~NAME for a mask with the other sense",
            mend=product if product != text else "W_q=in_proj_weight[0:c].T",
        )
    return tuple(known)


def _without_index(text: str) -> str:
    return re.sub(r"\[[^\]]*\]", "", text)


def _part(text: str, terms: int) -> Part | None:
    match = PART.fullmatch(text)
    if match is None:
        return None
    index, transposed, negated = match["index"], match["transposed"] is not None, match["negated"] is not None
    terms = 0 if match["zero"] else terms
    if index is None:
        return Part(match["target"], None, None, transposed, terms, negated)
    if index.strip().isdecimal():
        return Part(match["target"], None, int(index), transposed, terms, negated)
    first, colon, last = index.partition(":")
    try:
        rows = Dim.parse(first or "0"), Dim.parse(last)
    except (ValueError, SyntaxError):
        return None
    return Part(match["target"], rows, None, transposed, terms, negated) if colon else None


@dataclass(frozen=True, slots=True)
class Layout:
    """How software keeps the arguments of an equation.

    Attributes:
        of: the class that keeps them so, with its module; "" for many.
        arguments: {argument of the equation: where it is}.
        names: {array in `arguments`: other names that software has for it}.
        settings: {parameter of the constructor or of the call: its value}, as text.
        returns: where the results are in what it returns; "" if it returns just them.
        same: {size that is no size of its own: what it is equal to}.
        by_name: whether other software with arrays of these names keeps them so too.
    """

    of: str
    arguments: Mapping[str, str]
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    returns: str = ""
    same: Mapping[str, str] = field(default_factory=dict)
    by_name: bool = False

    @property
    def targets(self) -> list[str]:
        """The names of the arrays that it keeps."""
        return list(dict.fromkeys(part.target for text in self.arguments.values() for part in parts_of(text)))

    def renamed(self, known: Sequence[str]) -> dict[str, str] | None:
        """Where the arguments are, in names that software has; None if it lacks an array.

        Args:
            known: the names of its arrays and parameters.
        """
        names: dict[str, str] = {}
        for target in self.targets:
            owner, dot, item = target.partition(".")
            is_item = dot and item.isdecimal()
            name = owner if is_item else target
            options = (name, *self.names.get(name, ()))
            found = [name for name in options if name in known]
            if not found:
                return None
            names[target] = f"{found[0]}.{item}" if is_item else found[0]
        return {argument: _with_names(text, names) for argument, text in self.arguments.items()}


def _with_names(text: str, names: Mapping[str, str]) -> str:
    separator = "+" if "+" in _without_index(text) else ","
    pieces = []
    for piece in text.split(separator):
        match = PART.fullmatch(piece)
        assert match is not None
        index = f"[{match['index']}]" if match["index"] is not None else ""
        before, after = f"{match['zero'] or ''}{match['negated'] or ''}", f"{index}{match['transposed'] or ''}"
        pieces.append(f"{before}{names[match['target']]}{after}")
    return (" + " if separator == "+" else ", ").join(pieces)


LAYOUTS: Registry[list[Layout]] = Registry("layouts")
"""{id of an equation: its layouts}."""


def layout(equation: Equation[..., Any], of: str, arguments: Mapping[str, str], **how: Any) -> None:
    """Add a layout to an equation; `how` are the other fields of `Layout`."""
    known = LAYOUTS[equation.id] if LAYOUTS.is_defined(equation.id) else []
    LAYOUTS.add(equation.id, [*(each for each in known if each.arguments != arguments), Layout(of, arguments, **how)])
