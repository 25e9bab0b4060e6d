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
from attnspec.faces.document import Document
from attnspec.faces.screen import Screen
from attnspec.language.equation import REGISTRY, Equation
from attnspec.verify.api import catalogue


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


def _families(wanted: str | None) -> dict[str, list[Equation[..., Any]]]:
    families: dict[str, list[Equation[..., Any]]] = {}
    for equation in REGISTRY.values():
        families.setdefault(equation.family, []).append(equation)
    if wanted is None:
        return families
    if wanted not in families:
        mend = nearest(wanted, families)
        raise UnknownName(f"no family {wanted!r}", given=wanted, expected=", ".join(families), mend=mend)
    return {wanted: families[wanted]}


def _table(families: dict[str, list[Equation[..., Any]]], discovery: Discovery, width: int) -> Table:
    """Two columns, so that no name is ever broken: the equation over what it says, and what implements it."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, width=width)
    table.add_column("equation", ratio=1)
    table.add_column("implemented by", no_wrap=True)
    for place, (family, equations) in enumerate(families.items()):
        about = (sys.modules[equations[0].function.__module__].__doc__ or "").partition("\n")[0]
        if place:
            table.add_row("")
        table.add_row(Text.assemble((family, "bold underline"), f"  {about}"), Text("implemented by", "bold"))
        for equation in equations:
            table.add_row("")
            table.add_row(_named(equation), _implemented(discovery.of(equation.id, equation.gradient_of)))
    return table


def _named(equation: Equation[..., Any]) -> Group:
    marked = f", a convention of {equation.convention_of.split('.')[-1]}" if equation.convention_of else ""
    says = Text(equation.doc.partition("\n")[0])
    return Group(Text.assemble((equation.id, "bold"), marked), Padding(says, (0, 0, 0, 2)))


def _implemented(found: Iterable[Declared]) -> Text:
    rows = sorted({(each.framework or "any", each.package) for each in found})
    return Text("\n".join(f"{framework:<5}  {package}" for framework, package in rows) or "nothing yet")


def _document(families: dict[str, list[Equation[..., Any]]], discovery: Discovery) -> dict[str, Any]:
    equations = [row(equation, discovery) for equations in families.values() for equation in equations]
    return {"attnspec": attnspec.__version__, "equations": equations, "troubles": list(discovery.troubles)}


def row(equation: Equation[..., Any], discovery: Discovery) -> dict[str, Any]:
    """One equation, as JSON has it."""
    return {
        "id": equation.id,
        "family": equation.family,
        "doc": equation.doc,
        "signature": equation.signature,
        "convention_of": equation.convention_of or None,
        "says": equation.says or None,
        "gradient_of": equation.gradient_of or None,
        "implementations": [
            {
                "framework": each.framework, "target": each.target, "file": str(each.file), "line": each.line,
                "backward": each.backward,
            }
            for each in discovery.of(equation.id, equation.gradient_of)
        ],
    }
