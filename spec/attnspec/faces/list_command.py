"""`attnspec list`: the catalogue by family, with the implementations of each entry."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
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
from attnspec.faces.similar import similar
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.procedure import PROCEDURES, Procedure

Entry = Equation[..., Any] | Procedure[..., Any]

NARROW = 72
"""Below this width, in columns, the implementations of an entry are printed below it instead of beside it."""


def print_catalogue(family: str | None, to_json: str | None, like: str | None = None) -> None:
    """Print the catalogue.

    Args:
        family: the family to print, or a word to search for; None for all.
        like: the id of an equation, or a word: equations that are like it are printed, within the family.
        to_json: the file to write JSON to; "-" is the standard output, None writes none.

    Raises:
        UnknownName: there is no such family, and nothing mentions the word; or nothing is like `like`.
    """
    families = _families(family)
    if like is not None:
        families = _only(families, similar(like))
    discovery = discover()
    document = Document(to_json)
    document.finish(_document(families, discovery))
    if to_json == "-":
        return
    screen = Screen()
    screen.print_table(_table(families, discovery, screen.width))
    for trouble in discovery.troubles:
        screen.print(trouble)


def _families(wanted: str | None) -> dict[str, list[Entry]]:
    """Return the entries of each family, of one, or those whose id or first line has a word; procedures first."""
    families: dict[str, list[Entry]] = {}
    for equation in REGISTRY.values():
        families.setdefault(equation.family, []).append(equation)
    for item in reversed([*PROCEDURES.values()]):  # text comes before attention, as in the documents
        families.setdefault(item.family, []).insert(0, item)
    if wanted is None:
        return families
    if wanted in families:
        return {wanted: families[wanted]}
    found = {family: [each for each in entries if _mentions(each, wanted)] for family, entries in families.items()}
    if not any(found.values()):
        raise UnknownName(
            f"no family {wanted!r}, and nothing that mentions it",
            given=wanted,
            expected=", ".join(families),
            mend=nearest(wanted, families),
        )
    return {family: entries for family, entries in found.items() if entries}


def _only(families: dict[str, list[Entry]], wanted: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Some entries by family, in their own order."""
    found: dict[str, list[Entry]] = {}
    for entry in wanted:
        if any(entry is other for other in families.get(entry.family, ())):
            found.setdefault(entry.family, []).append(entry)
    return found


def _mentions(entry: Entry, word: str) -> bool:
    """Return whether the id of an entry, or the first line of its docstring, has a word."""
    return word.lower() in f"{entry.id} {entry.doc.partition(chr(10))[0]}".lower()


def _table(families: dict[str, list[Entry]], discovery: Discovery, width: int) -> Table:
    """Return a table of two columns: the entry over its description, and its implementations."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, width=width)
    table.add_column("equation", ratio=1)
    table.add_column("implemented by", no_wrap=True)
    for number, (family, entries) in enumerate(families.items()):
        module = sys.modules.get(entries[-1].function.__module__)  # none of code that was run, not imported
        description = ((module and module.__doc__) or "").partition("\n")[0]
        if number:
            table.add_row("")
        heading = Text("" if width < NARROW else "implemented by", "bold")
        table.add_row(Text.assemble((family, "bold underline"), f"  {description}"), heading)
        for entry in entries:
            table.add_row("")
            packages = _packages(_implementations(entry, discovery), default_framework(entry))
            if width < NARROW:
                table.add_row(Group(_title(entry), Padding(packages, (0, 0, 0, 4))), "")
            else:
                table.add_row(_title(entry), packages)
    return table


def _implementations(entry: Entry, discovery: Discovery) -> tuple[Declared, ...]:
    """Return the implementations of an entry."""
    return discovery.of(entry.id, "" if isinstance(entry, Procedure) else entry.gradient_of)


def _title(entry: Entry) -> Group:
    """Return the id of an entry over the first line of its docstring."""
    remark = ", a procedure" if isinstance(entry, Procedure) else ""
    if isinstance(entry, Equation) and entry.convention_of:
        remark = f", a convention of {entry.convention_of.split('.')[-1]}"
    description = Text(entry.doc.partition("\n")[0])
    return Group(Text.assemble((entry.id, "bold"), remark), Padding(description, (0, 0, 0, 2)))


def default_framework(entry: Entry) -> str:
    """Return the text for the framework of an implementation that does not declare one."""
    return "python" if isinstance(entry, Procedure) else "any"


def _packages(implementations: Iterable[Declared], default: str) -> Text:
    """Return a line for each implementation, with framework and package."""
    rows = sorted({(item.framework or default, item.package) for item in implementations})
    return Text("\n".join(f"{framework:<5}  {package}" for framework, package in rows) or "none installed")


def _document(families: dict[str, list[Entry]], discovery: Discovery) -> dict[str, Any]:
    """Return the JSON document."""
    entries = [entry for family in families.values() for entry in family]
    equations = [entry_json(entry, discovery) for entry in entries if isinstance(entry, Equation)]
    procedures = [entry_json(entry, discovery) for entry in entries if isinstance(entry, Procedure)]
    return {
        "attnspec": attnspec.__version__,
        "equations": equations,
        "procedures": procedures,
        "troubles": list(discovery.troubles),
    }


def entry_json(entry: Entry, discovery: Discovery) -> dict[str, Any]:
    """Return the JSON of one equation or procedure."""
    of_equations = (
        {}
        if isinstance(entry, Procedure)
        else {
            "convention_of": entry.convention_of or None,
            "says": entry.says or None,
            "gradient_of": entry.gradient_of or None,
        }
    )
    return {
        "id": entry.id,
        "family": entry.family,
        "doc": entry.doc,
        "signature": entry.signature,
        **of_equations,
        "implementations": [
            {
                "framework": declared.framework,
                "target": declared.target,
                "file": str(declared.file),
                "line": declared.line,
                "backward": declared.backward,
            }
            for declared in _implementations(entry, discovery)
        ],
    }
