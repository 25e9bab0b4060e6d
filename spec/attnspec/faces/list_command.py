"""`attnspec list`: the catalogue by family, with what implements each row."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

import attnspec
from attnspec.discovery import Declared, Discovery, discover
from attnspec.errors import UnknownName, nearest
from attnspec.faces.json_file import Document
from attnspec.faces.screen import Screen
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.procedure import PROCEDURES, Procedure
from attnspec.verification.questions import catalogue

Row = Equation[..., Any] | Procedure[..., Any]


def answer(family: str | None, to_json: str | None) -> None:
    """Print the catalogue, or the part of it that is one family.

    Raises:
        UnknownName: no such family.
    """
    catalogue()
    families = _families(family)
    discovery = discover()
    document = Document(to_json)
    document.finish(_document(families, discovery))
    if to_json == "-":
        return
    screen = Screen()
    screen.lay_out(_table(families, discovery, screen.width))
    for trouble in discovery.troubles:
        screen.say(trouble)


def _families(wanted: str | None) -> dict[str, list[Row]]:
    families: dict[str, list[Row]] = {}
    for equation in REGISTRY.values():
        families.setdefault(equation.family, []).append(equation)
    for item in reversed([*PROCEDURES.values()]):  # what is about words comes first, as in the documents
        families.setdefault(item.family, []).insert(0, item)
    if wanted is None:
        return families
    if wanted not in families:
        mend = nearest(wanted, families)
        raise UnknownName(f"no family {wanted!r}", given=wanted, expected=", ".join(families), mend=mend)
    return {wanted: families[wanted]}


NARROW = 72
"""Below so many columns what implements an equation stands under it."""


def _table(families: dict[str, list[Row]], discovery: Discovery, width: int) -> Table:
    """Two columns, so that no name is ever broken: the equation over what it says, and what implements it."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, width=width)
    table.add_column("equation", ratio=1)
    table.add_column("implemented by", no_wrap=True)
    for place, (family, equations) in enumerate(families.items()):
        about = (sys.modules[equations[-1].function.__module__].__doc__ or "").partition("\n")[0]
        if place:
            table.add_row("")
        beside = Text("" if width < NARROW else "implemented by", "bold")
        table.add_row(Text.assemble((family, "bold underline"), f"  {about}"), beside)
        for equation in equations:
            table.add_row("")
            implemented = _implemented(_found(equation, discovery), taken(equation))
            if width < NARROW:
                table.add_row(Group(_named(equation), Padding(implemented, (0, 0, 0, 4))), "")
            else:
                table.add_row(_named(equation), implemented)
    return table


def _found(item: Row, discovery: Discovery) -> tuple[Declared, ...]:
    return discovery.of(item.id, "" if isinstance(item, Procedure) else item.gradient_of)


def _named(equation: Row) -> Group:
    marked = ", a procedure" if isinstance(equation, Procedure) else ""
    if isinstance(equation, Equation) and equation.convention_of:
        marked = f", a convention of {equation.convention_of.split('.')[-1]}"
    says = Text(equation.doc.partition("\n")[0])
    return Group(Text.assemble((equation.id, "bold"), marked), Padding(says, (0, 0, 0, 2)))


def taken(item: Row) -> str:
    """Whose values an implementation takes that names no framework."""
    return "python" if isinstance(item, Procedure) else "any"


def _implemented(found: Iterable[Declared], otherwise: str) -> Text:
    rows = sorted({(each.framework or otherwise, each.package) for each in found})
    return Text("\n".join(f"{framework:<5}  {package}" for framework, package in rows) or "nothing yet")


def _document(families: dict[str, list[Row]], discovery: Discovery) -> dict[str, Any]:
    listed = [item for items in families.values() for item in items]
    equations = [row(each, discovery) for each in listed if isinstance(each, Equation)]
    procedures = [row(each, discovery) for each in listed if isinstance(each, Procedure)]
    return {
        "attnspec": attnspec.__version__,
        "equations": equations,
        "procedures": procedures,
        "troubles": list(discovery.troubles),
    }


def row(item: Row, discovery: Discovery) -> dict[str, Any]:
    """One equation or procedure, as JSON has it."""
    of_equations = (
        {}
        if isinstance(item, Procedure)
        else {
            "convention_of": item.convention_of or None,
            "says": item.says or None,
            "gradient_of": item.gradient_of or None,
        }
    )
    return {
        "id": item.id,
        "family": item.family,
        "doc": item.doc,
        "signature": item.signature,
        **of_equations,
        "implementations": [
            {
                "framework": each.framework,
                "target": each.target,
                "file": str(each.file),
                "line": each.line,
                "backward": each.backward,
            }
            for each in _found(item, discovery)
        ],
    }
