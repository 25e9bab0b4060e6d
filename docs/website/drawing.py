"""Who calls whom, drawn by Graphviz if its program `dot` is installed, and in words."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from typing import Any

from attnspec.language.equation import Equation
from attnspec.language.registry import name_in_family
from attnspec.language.traversal import callees
from writing import bullets

AnEquation = Equation[..., Any]


@cache
def called_by(equation: AnEquation) -> tuple[str, ...]:
    """The ids of the equations that an equation calls."""
    return tuple(dict.fromkeys(each.id for each in callees(equation.definition)))


def edges(equations: Sequence[AnEquation]) -> Iterator[tuple[str, str, str]]:
    """The edges between equations: from, to, and "calls" or "is a convention of"."""
    for each in equations:
        for callee in called_by(each):
            yield each.id, callee, "calls"
        if each.convention_of:
            yield each.id, each.convention_of, "is a convention of"


def drawing(
    equations: Sequence[AnEquation],
    known: Collection[str],
    root: str,
    say: Callable[[str], str] = str,
    alone: bool = True,
) -> str:
    """The graph of some equations as MyST Markdown: a picture if Graphviz is installed, and the edges in words.

    Args:
        equations: the equations; what they call is drawn too.
        known: the ids of the equations that have pages.
        root: the path from the page to the root of the site.
        say: what translates a sentence.
        alone: whether equations without an edge are drawn.
    """
    found = list(edges(equations))
    if not found:
        return say("None of them calls another.")
    words = bullets(f"`{a}` {say(says)} `{b}`" for a, b, says in found)
    opening = f"```{{raw}} html\n<details><summary>{say('In words')}</summary>\n```"
    folded = f"{opening}\n{words}\n```{{raw}} html\n</details>\n```"
    picture = svg(dot_text([each.id for each in equations] if alone else [], found, known, root))
    if not picture:
        return f"{say('No picture: Graphviz was not installed when this site was built.')}\n\n{words}"
    return f'```{{raw}} html\n<div class="map">{picture}</div>\n```\n\n{folded}'


def dot_text(ids: Sequence[str], found: Sequence[tuple[str, str, str]], known: Collection[str], root: str) -> str:
    """The graph in the language of Graphviz."""
    every = sorted({*ids, *(id for a, b, _ in found for id in (a, b))})
    lines = []
    for id in every:
        link = f', URL="{root}/equations/{id}.html"' if id in known else ""
        lines.append(f'"{id}" [label="{name_in_family(id)}", tooltip="{id}"{link}]')
    lines += [f'"{a}" -> "{b}"' + ("" if says == "calls" else " [style=dashed]") for a, b, says in sorted(found)]
    style = "graph [rankdir=LR, bgcolor=none, nodesep=0.12, ranksep=0.5]\nnode [shape=box, style=rounded, height=0.3]"
    return "digraph {\n" + style + "\n" + "\n".join(lines) + "\n}\n"


def svg(text: str) -> str:
    """A graph as SVG, in the colours of the page; "" if Graphviz is not installed."""
    program = shutil.which("dot")
    return _drawn(program, text) if program else ""


@cache
def _drawn(program: str, text: str) -> str:
    done = subprocess.run([program, "-Tsvg"], input=text, capture_output=True, text=True, check=True, timeout=120)
    shown = done.stdout[done.stdout.index("<svg") :]
    shown = re.sub(r"<!--.*?-->|<title>[^<]*</title>", "", shown, flags=re.DOTALL)
    shown = (
        shown.replace("xlink:href", "href")
        .replace("xlink:title", "aria-label")
        .replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    )
    shown = re.sub(r' font-family="[^"]*"', "", shown)
    return re.sub(r"\n+", "", re.sub(r' (fill|stroke)="black"', r' \1="currentColor"', shown))
