"""Pictures of what an equation computes on an example, as elements of its page, with the data beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import attnspec.plots
from attnspec.language.equation import REGISTRY, Equation
from attnspec.plots.drawing import svg
from attnspec.plots.examples import drawn
from attnspec.plots.panels import HEAT, Panel, in_words, panels, save_data
from website.language import Language
from writing import bullets, copy

MOST = 4
"""Pictures on one page, so that it stays light; the data has all."""

FOLDER = "data"

KEPT = "pictures"
"""The folder beside the sources in which pictures are kept."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The pictures of an equation.

    Attributes:
        picture: an element of SVG; "" if the equation has none.
        words: what is on it, a sentence for each picture.
        has_weights: whether a heat map is among them.
        has_traces: whether a trace is among them.
        rest: how many more there are in the data.
    """

    picture: str = ""
    words: tuple[str, ...] = ()
    has_weights: bool = False
    has_traces: bool = False
    rest: int = 0


def pictures(equation: Equation[..., Any], source: Path | None, language: Language) -> Iterator[str]:
    """The pictures of an equation as MyST Markdown, drawn anew if something of them has changed.

    Args:
        equation: the equation.
        source: the folder of the sources, to which the data is written; None: nothing is written.
        language: the language of the page.
    """
    if not has_own(equation):
        return
    kept = source.parent / KEPT if source is not None else None
    found = kept_pictures(equation, kept)
    if found.picture:
        if source is not None and kept is not None:
            copy(kept / f"{equation.id}.npz", source / FOLDER / f"{equation.id}.npz")
        yield from markdown(equation.id, found, language)


def has_own(equation: Equation[..., Any]) -> bool:
    """Whether an equation has pictures of its own: those of conventions and gradients look like another one's."""
    return not (equation.convention_of or equation.gradient_of)


def stale(equations: Iterable[Equation[..., Any]], folder: Path) -> list[str]:
    """The ids of the equations whose pictures are not kept in a folder as they would be drawn now."""
    return [each.id for each in equations if has_own(each) and _kept(each, folder) is None]


def draw_kept(id: str, folder: Path) -> None:
    """Draw the pictures of an equation into a folder."""
    kept_pictures(REGISTRY[id], folder)


def kept_pictures(equation: Equation[..., Any], folder: Path | None) -> Drawn:
    """The pictures of an equation that are kept in a folder, drawn anew if something of them has changed."""
    if folder is None:
        return draw(equation, None)
    kept = _kept(equation, folder)
    if kept is None:
        folder.mkdir(parents=True, exist_ok=True)
        kept = {"state": _digest(equation), **asdict(draw(equation, folder / f"{equation.id}.npz"))}
        (folder / f"{equation.id}.json").write_text(json.dumps(kept), "utf-8")
    return Drawn(**{**{name: value for name, value in kept.items() if name != "state"}, "words": tuple(kept["words"])})


def _kept(equation: Equation[..., Any], folder: Path) -> dict[str, Any] | None:
    """What is kept of the pictures of an equation; None if there is nothing, or something has changed."""
    file = folder / f"{equation.id}.json"
    kept: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return kept if kept.get("state") == _digest(equation) else None


@cache
def _code() -> bytes:
    """What draws: the code of this module and of attnspec's, and the version of Matplotlib."""
    files = [Path(__file__), *sorted(Path(str(attnspec.plots.__file__)).parent.glob("*.py"))]
    return b"".join(file.read_bytes() for file in files) + version("matplotlib").encode()


def _digest(equation: Equation[..., Any]) -> str:
    return sha256(_code() + repr(equation.definition).encode()).hexdigest()[:16]


def draw(equation: Equation[..., Any], data: Path | None) -> Drawn:
    """Draw the pictures of an equation.

    Args:
        equation: the equation.
        data: the file that their values are written to; None: they are not written.
    """
    found = merged() if equation.id == MERGED else example(equation)
    if not found:
        return Drawn()
    if data is not None:
        save_data(found, data)
    shown = [*(each for each in found if each.kind == HEAT), *(each for each in found if each.kind != HEAT)][:MOST]
    words = tuple(in_words(each) for each in shown)
    picture = svg(shown, f"What {equation.id} computes on an example", " ".join(words), equation.id.replace(".", "-"))
    kinds = {each.kind == HEAT for each in shown}
    return Drawn(picture, words, True in kinds, False in kinds, len(found) - len(shown))


def example(equation: Equation[..., Any]) -> list[Panel]:
    """What is found in an equation to be drawn, on a drawn example."""
    case = drawn(equation, {})
    return panels(equation.definition, case.arrays, case.options)


MERGED = "attention.blocked"
"""The equation whose picture shows its steps: keys are taken block by block, and the softmax is merged."""


def merged() -> list[Panel]:
    """The online softmax step by step, for one query: the weights of the keys so far, and what is carried along.

    After each block the weight of a key is exp(e − top) / total with the largest score and the sum so far; the last
    row has the weights of softmax.
    """
    equation = REGISTRY[MERGED]
    case = drawn(equation, {"n": 1, "m": 24, "B": 4})
    carried = panels(equation.definition, case.arrays, case.options)
    top, total = (next(each for each in carried if each.name.endswith(name)) for name in (".top_next", ".total_next"))
    scores = np.asarray(REGISTRY["scores.scaled_dot"](case.arrays["q"], case.arrays["k"]))
    weights = np.exp(scores - top.whole) / total.whole
    block, (steps, keys) = int(case.options["block"]), weights.shape
    weights[np.arange(keys) >= block * np.arange(1, steps + 1)[:, None]] = np.nan
    title = "weights after each block"
    carried.sort(key=lambda each: each.name.endswith(".high"))  # what is not carried along comes last
    return [Panel("weights", title, HEAT, weights, ("b", "j"), weights, ("b", "j")), *carried]


WRITTEN = re.compile("(?<=>)[^<>]+(?=</text>)")
"""A text in a picture."""

TITLE = re.compile(r"([^\s：]+) of (\w+)")
"""What a picture of a line of a called equation is called."""


def titled(text: str, language: Language) -> str:
    """A text with the titles of pictures in a language."""
    return TITLE.sub(lambda found: language.say("{line} of {equation}", line=found[1], equation=found[2]), text)


def markdown(id: str, found: Drawn, language: Language) -> Iterator[str]:
    """Pictures as MyST Markdown."""
    say, words = language.say, [titled(language.known.say(each), language) for each in found.words]
    title = f"What {id} computes on an example. {' '.join(found.words)}"
    said = f"{say('What {id} computes on an example.', id=id)} {' '.join(words)}"
    picture = WRITTEN.sub(lambda text: titled(language.known.say(text[0]), language), found.picture)
    picture = picture.replace(escape(title), escape(said), 1)
    yield f"## {say('On an example')}"
    if found.has_weights and found.has_traces:
        yield say(
            "Weights and what changes from step to step, computed on inputs that are drawn at random, in float64."
        )
    elif found.has_weights:
        yield say("Weights, computed on inputs that are drawn at random, in float64.")
    else:
        yield say("What changes from step to step, computed on inputs that are drawn at random, in float64.")
    yield f'```{{raw}} html\n<div class="plot">\n{picture}\n</div>\n<details><summary>{say("In words")}</summary>\n```'
    yield bullets(words)
    yield "```{raw} html\n</details>\n```"
    data, command = (
        f"[{say('The data')}](../{FOLDER}/{id}.npz)",
        f"`attnspec plot {id} --out picture.png --inputs FILE`",
    )
    if found.rest:
        yield say("{data} has these values, and those of {rest} more pictures.", data=data, rest=found.rest)
    else:
        yield say("{data} has these values.", data=data)
    if id != MERGED:
        yield say("{command} draws the same for inputs of your own.", command=command)
