"""A site of pages: an index by family, a page for each equation, and one for each implementation that is mapped."""

from __future__ import annotations

import hashlib
import inspect
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from attnspec.interpreters.mutation.mutants import conventions
from attnspec.language.equation import REGISTRY, Equation
from attnspec.pages.page import document
from attnspec.verification.mapping import Mapped
from attnspec.verification.sandbox.targets import File, Target

INDEX = "index.html"

MOST_FILES = 2_000
"""A target beside more Python files than this is judged anew each time."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An implementation on the site.

    Attributes:
        equation: the id of its equation.
        implementation: its name.
        verdict: the kind of its verdict.
        links: the number of its links.
        page: the name of its page.
    """

    equation: str
    implementation: str
    verdict: str
    links: int
    page: str


def judged(mapped: Mapped) -> Judged:
    """An implementation as the site lists it."""
    name = re.sub(r"[^\w.-]+", "-", mapped.verdict.implementation).strip("-")
    page = f"{mapped.equation.id}--{name}.html"
    verdict = mapped.verdict
    return Judged(mapped.equation.id, verdict.implementation, verdict.verdict.value, len(mapped.links), page)


def links_to(implementations: Sequence[Judged]) -> str:
    """Links to the pages of implementations, with their verdicts."""
    items = (
        f'<li>{_badge(each)} <a href="{escape(each.page)}">{escape(each.implementation)}</a>,'
        f" {each.links} link{'s' * (each.links != 1)}</li>"
        for each in implementations
    )
    return f'<h2>Implementations</h2><ul class="index">{"".join(items)}</ul>' if implementations else ""


def _badge(each: Judged) -> str:
    return f'<span class="verdict {each.verdict.replace(" ", "-")}">{escape(each.verdict)}</span>'


def index_page(equations: Sequence[Equation[..., Any]], implementations: Sequence[Judged]) -> str:
    """The page that lists all others, by family."""
    families = ""
    groups: dict[str, list[Equation[..., Any]]] = {}
    for equation in equations:
        groups.setdefault(equation.family, []).append(equation)
    for family, group in groups.items():
        items = "".join(_item(each, implementations) for each in group)
        families += f'<section class="family"><h2>{escape(family)}</h2><ul class="index">{items}</ul></section>'
    number = f"{len(equations)} equation{'s' * (len(equations) != 1)}"
    search = '<input type="search" id="search" aria-label="Search the equations" placeholder="Search" hidden>'
    body = (
        f"<header><h1>Equations</h1><p>{number}, each with its formula, its data flow and its source.</p>"
        f'<p>{search} <span id="count" role="status"></span></p></header><main>{families}</main>'
    )
    return document("Equations", body, script="index.js")


def _item(equation: Equation[..., Any], implementations: Sequence[Judged]) -> str:
    own = [each for each in implementations if each.equation == equation.id]
    first = equation.doc.partition("\n")[0]
    text = " ".join([equation.id, first, *map(str, equation.sources), *(each.implementation for each in own)]).lower()
    badges = " ".join(
        f'<a href="{escape(each.page)}" title="{escape(each.implementation)}">{_badge(each)}</a>' for each in own
    )
    link = f'<a href="{escape(page_of(equation))}">{escape(equation.id)}</a>'
    return f'<li data-text="{escape(text)}">{link} {badges}<br>{escape(first)}</li>'


def page_of(equation: Equation[..., Any]) -> str:
    """The name of the page of an equation."""
    return f"{equation.id}.html"


# What a page is made of: it is made anew if this changes.


def digest(parts: Iterable[str]) -> str:
    """A digest of texts."""
    found = hashlib.sha256()
    for part in parts:
        found.update(f"{len(part)}:{part}".encode())
    return found.hexdigest()


APART = ("equations", "faces", "plots", "selftest", "templates", "vectors")
"""Folders of attnspec that make nothing of a page; equations do, which are told apart by their definitions."""


@cache
def maker() -> str:
    """The digest of attnspec itself, without its equations and without what makes no pages."""
    root = Path(str(files("attnspec")))
    kinds = (".py", ".css", ".js", ".html")
    made_of = [path for path in sorted(root.rglob("*")) if path.relative_to(root).parts[0] not in APART]
    return digest(path.read_text("utf-8") for path in made_of if path.suffix in kinds)


def registered() -> str:
    """The digest of the definitions of all equations, without what is said about them."""
    return _registered(tuple(REGISTRY))


@cache
def _registered(ids: tuple[str, ...]) -> str:
    return digest(f"{id} {REGISTRY[id].says} {REGISTRY[id].definition!r}" for id in ids)


def equation_digest(equation: Equation[..., Any], links: str) -> str:
    """The digest of all that the page of an equation is made of."""
    file = Path(inspect.unwrap(equation.function).__code__.co_filename)
    source = file.read_text("utf-8") if file.is_file() else ""
    others = [f"{other.id} {other.says} {other.definition!r}" for other in conventions(equation)]
    return digest(
        [maker(), equation.id, equation.says, repr(equation.definition), equation.doc, source, links, *others]
    )


def target_digest(target: Target, options: str) -> str:
    """The digest of the Python files in the folder of a target and below; "" if it is judged anew each time.

    Args:
        target: a file; a module is always judged anew, since it may come from anywhere.
        options: the options of the run, as text.
    """
    if not isinstance(target, File):
        return ""
    found: list[Path] = []
    for folder, below, names in os.walk(Path(target.path).absolute().parent):
        below[:] = sorted(each for each in below if each[0] != "." and not Path(folder, each, "pyvenv.cfg").exists())
        found += [Path(folder, name) for name in sorted(names) if name.endswith(".py")]
        if len(found) > MOST_FILES:
            return ""
    return digest(
        [
            maker(),
            registered(),
            str(target),
            options,
            *(f"{path}\n{path.read_text('utf-8', 'replace')}" for path in found),
        ]
    )
