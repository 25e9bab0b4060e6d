"""Who calls whom, drawn by Graphviz if its program `dot` is installed, and in words."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from attnspec.language.equation import REGISTRY, Equation
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
    libraries: Mapping[str, Sequence[str]] | None = None,
    in_words: bool = True,
) -> str:
    """The graph of some equations as MyST Markdown: a picture if Graphviz is installed, and the edges in words.

    Args:
        equations: the equations; what they call is drawn too.
        known: the ids of the equations that have pages.
        root: the path from the page to the root of the site.
        say: what translates a sentence.
        alone: whether equations without an edge are drawn.
        libraries: {id: the libraries that are judged against it}, by which boxes are filled; None: no box is.
        in_words: whether the edges are in words where there is a picture, too.
    """
    found = list(edges(equations))
    if not found:
        return say("None of them calls another.")
    words = bullets(f"`{a}` {say(says)} `{b}`" for a, b, says in found)
    picture = svg(dot_text([each.id for each in equations] if alone else [], found, known, root, libraries or {}))
    if not picture:
        return f"{say('No picture: Graphviz was not installed when this site was built.')}\n\n{words}"
    shown = f'```{{raw}} html\n<div class="map">{picture}</div>\n```'
    if not in_words:
        return shown
    opening = f"```{{raw}} html\n<details><summary>{say('In words')}</summary>\n```"
    return f"{shown}\n\n{opening}\n{words}\n```{{raw}} html\n</details>\n```"


def fill(id: str, libraries: Mapping[str, Sequence[str]]) -> str:
    """How the box of an equation is filled: "judged" if software is judged against it; "whole" if that is so for all
    that it is built from, too."""
    if id not in libraries:
        return ""
    return "whole" if all(fill(each, libraries) == "whole" for each in called_by(REGISTRY[id])) else "judged"


def dot_text(
    ids: Sequence[str],
    found: Sequence[tuple[str, str, str]],
    known: Collection[str],
    root: str,
    libraries: Mapping[str, Sequence[str]],
) -> str:
    """The graph in the language of Graphviz."""
    every = sorted({*ids, *(id for a, b, _ in found for id in (a, b))})
    lines = []
    for id in every:
        link = f', URL="{root}/equations/{id}.html"' if id in known else ""
        says = ": ".join(filter(None, [id, ", ".join(libraries.get(id, ()))]))
        lines.append(f'"{id}" [label="{name_in_family(id)}", class="{fill(id, libraries)}", tooltip="{says}"{link}]')
    lines += [f'"{a}" -> "{b}"' + ("" if says == "calls" else " [class=convention]") for a, b, says in sorted(found)]
    style = "graph [rankdir=LR, bgcolor=none, nodesep=0.12, ranksep=0.5]\nnode [shape=box, height=0.3]"
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
    shown = shown.replace("xlink:href", "href").replace("xlink:title", "aria-label")
    shown = re.sub(LEFT_OUT, "", shown)
    shown = re.sub(r"-?\d+\.\d+", lambda found: f"{float(found[0]):.0f}", shown)
    return re.sub(r"\n+", "", re.sub(BOX, _box, shown))


LEFT_OUT = r' (?:xmlns:xlink|font-family|font-size|text-anchor|fill|stroke|stroke-dasharray|id)="[^"]*"'
"""Attributes that the style sheet of the site has for all pictures."""

BOX = r'<polygon points="([-\d.]+),([-\d.]+) ([-\d.]+),\2 \3,([-\d.]+) \1,\4 \1,\2"/>'
"""A rectangle, as Graphviz writes it."""


def _box(found: re.Match[str]) -> str:
    right, top, left, bottom = map(float, found.groups())
    x, y = min(left, right), min(top, bottom)
    return f'<rect x="{x:g}" y="{y:g}" width="{abs(right - left):g}" height="{abs(bottom - top):g}" rx="6"/>'
