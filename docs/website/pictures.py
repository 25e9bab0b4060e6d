"""Pictures of what an equation computes on an example, as elements of its page, with the data beside them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attnspec.plots
from attnspec.language.equation import Equation
from attnspec.plots.drawing import svg
from attnspec.plots.examples import drawn
from attnspec.plots.panels import HEAT, Panel, in_words, panels, save_data
from writing import bullets

MOST = 4
"""Pictures on one page, so that it stays light; the data has all."""

FOLDER = "data"


def kept_pictures(equation: Equation[..., Any], source: Path | None) -> str:
    """The pictures of an equation as MyST Markdown, drawn anew if something of them has changed; "" if it has none.

    Conventions and gradients have none: their pictures look like those of their equations.

    Args:
        equation: the equation.
        source: the folder of the sources, to which the data is written; None: nothing is written.
    """
    if equation.convention_of or equation.gradient_of:
        return ""
    if source is None:
        return pictures(equation, None)
    text = source.parent / "pictures" / f"{equation.id}.{_digest(equation)}.md"
    if not text.is_file():
        for old in text.parent.glob(f"{equation.id}.????????????????.md"):
            old.unlink()
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text(pictures(equation, source), "utf-8")
    return text.read_text("utf-8")


@cache
def _code() -> bytes:
    """What draws: the code of this module and of attnspec's, and the version of Matplotlib."""
    files = [Path(__file__), *sorted(Path(str(attnspec.plots.__file__)).parent.glob("*.py"))]
    return b"".join(file.read_bytes() for file in files) + version("matplotlib").encode()


def _digest(equation: Equation[..., Any]) -> str:
    return sha256(_code() + repr(equation.definition).encode()).hexdigest()[:16]


def pictures(equation: Equation[..., Any], source: Path | None) -> str:
    """The pictures of an equation as MyST Markdown; "" if it has none.

    Args:
        equation: the equation.
        source: the folder of the sources, to which the data is written; None: it is not written.
    """
    case = drawn(equation, {})
    found = panels(equation.definition, case.arrays, case.options)
    if not found:
        return ""
    if source is not None:
        file = source / FOLDER / f"{equation.id}.npz"
        file.parent.mkdir(parents=True, exist_ok=True)
        save_data(found, file)
    shown = [*(each for each in found if each.kind == HEAT), *(each for each in found if each.kind != HEAT)][:MOST]
    words = [in_words(each) for each in shown]
    picture = svg(shown, f"What {equation.id} computes on an example", " ".join(words), equation.id.replace(".", "-"))
    parts = [
        "## On an example",
        f"{_what(shown)}, computed on inputs that are drawn at random, in float64.",
        f'```{{raw}} html\n<div class="plot">\n{picture}\n</div>\n<details><summary>In words</summary>\n```',
        bullets(words),
        "```{raw} html\n</details>\n```",
        f"[The data](../{FOLDER}/{equation.id}.npz) {_contents(len(found), len(shown))}. "
        f"`attnspec plot {equation.id} --out picture.png --inputs FILE` draws the same for inputs of your own.",
    ]
    return "\n\n".join(parts)


def _what(shown: Sequence[Panel]) -> str:
    heat = sum(each.kind == HEAT for each in shown)
    said = [*(["Weights"] if heat else []), *(["what changes from step to step"] if heat < len(shown) else [])]
    text = " and ".join(said)
    return text[0].upper() + text[1:]


def _contents(found: int, shown: int) -> str:
    return "has these values" if found == shown else f"has these values, and those of {found - shown} more pictures"
