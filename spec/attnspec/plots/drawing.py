"""Pictures drawn by Matplotlib, which is imported when one is drawn."""

from __future__ import annotations

import importlib.util
import io
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from attnspec.errors import SpecError
from attnspec.plots.panels import ERROR, HEAT, TRACE, Panel, finite_range

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg")
MOST_PANELS = 9
"""Further pictures are in the data alone."""

MOST_UNITS = 4
"""Further units of a trace are in the data alone."""

NUMBERS = re.compile(r'\b(?:d|x|y|width|height|transform)="[^"]*"')
"""The attributes of an SVG whose numbers need one place behind the point."""

COLUMNS, WIDTH, HEIGHT = 3, 4.2, 3.0
"""Panels side by side, and the size of one in inches."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Colours that people with any colour vision tell apart, on light and on dark (Okabe and Ito 2008, without black)."""

STYLES = ("-", "--", "-.", ":")


def check_can_draw() -> None:
    """Check that Matplotlib is installed.

    Raises:
        SpecError: it is not.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise SpecError(
            "cannot draw: the package matplotlib is not installed",
            expected="the extra plot",
            mend='pip install "attnspec[plot]"',
        )


def draw(panels: Sequence[Panel], title: str, file: Path) -> None:
    """Write a picture as PNG or SVG, by the suffix of the file.

    Raises:
        SpecError: Matplotlib is not installed, or the file cannot be written.
    """
    figure = _figure(panels, title)
    try:
        figure.savefig(file, dpi=150, metadata=None if file.suffix == ".png" else {"Date": None})
    except OSError as error:
        mend = "name a file in a folder that exists"
        raise SpecError(f"{file} cannot be written", given=str(error), mend=mend) from None


def svg(panels: Sequence[Panel], title: str, words: str, salt: str) -> str:
    """A picture as an element for a page, in the colour of its text, so that it can be read on light and on dark.

    Args:
        panels: what is shown.
        title: its title.
        words: what it shows in words, for those who do not see it.
        salt: what makes the identifiers in it differ from those of others on the page.

    Raises:
        SpecError: Matplotlib is not installed.
    """
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}):
        figure = _figure(panels, "")
        written = io.StringIO()
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    label = f'<svg role="img" aria-label="{escape(f"{title}. {words}")}" '
    return _light(written.getvalue(), salt).replace("<svg ", label, 1)


def _light(text: str, salt: str) -> str:
    """An SVG of Matplotlib without what a page has no use for, and in the colour of the page's text."""
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r"#000000|(?<=fill: )black|(?<=stroke: )black", "currentColor", text)
    text = text.replace('<text style="', '<text fill="currentColor" style="')
    text = re.sub(r"font-family: [^;\"]*", "font-family: sans-serif", text)
    text = re.sub(r" transform=\"rotate\(-0 [^\"]*\"", "", text)
    text = re.sub(NUMBERS, lambda found: re.sub(r"(\.\d)\d+", r"\1", found[0]), text)
    used = set(re.findall(r"(?:href=\"#|url\(#)([^\")]+)", text))
    text = re.sub(r" id=\"([^\"]+)\"", lambda found: found[0] if found[1] in used else "", text)
    text = re.sub(r"(\bid=\"|href=\"#|url\(#)", rf"\g<1>{salt}-", text)
    return re.sub(r"\s*\n\s*", "\n", text)


def _figure(panels: Sequence[Panel], title: str) -> Figure:
    check_can_draw()
    from matplotlib.figure import Figure

    shown = panels[:MOST_PANELS]
    columns = 2 if len(shown) == 4 else min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    units = [panel.values.shape[1] for panel in shown if panel.kind == TRACE]
    figure = Figure(figsize=(WIDTH * columns, HEIGHT * rows + 0.3 * bool(title)), layout="constrained")
    if title:
        figure.suptitle(title)
    for place, panel in enumerate(shown):
        axes = figure.add_subplot(rows, columns, place + 1)
        axes.set_title(f"{panel.title}, {panel.of}" if panel.of else panel.title, fontsize=10)
        _trace(axes, panel) if panel.kind == TRACE else _heat(figure, axes, panel)
    if max(units, default=1) > 1:
        _legend(figure, max(units))
    return figure


def _legend(figure: Figure, units: int) -> None:
    """What the lines of all traces are, below them."""
    handles = max((axes.lines for axes in figure.axes), key=len)
    first = f"the first {MOST_UNITS} of {units} units" if units > MOST_UNITS else "units"
    figure.legend(handles=handles, title=first, loc="outside lower center", ncols=len(handles), frameon=False)


def _heat(figure: Figure, axes: Axes, panel: Panel) -> None:
    low, high = _range(panel)
    colours = "PuOr" if panel.kind == ERROR else "viridis"
    image = axes.imshow(panel.values, cmap=colours, vmin=low, vmax=high, aspect="auto", interpolation="nearest")
    axes.set_ylabel(panel.axes[0])
    axes.set_xlabel(panel.axes[1])
    _whole_numbers(axes, both=True)
    if not panel.axes[0]:
        axes.set_yticks([])
    figure.colorbar(image, ax=axes, shrink=0.9)


def _range(panel: Panel) -> tuple[float, float]:
    """The values at the ends of the colours; those of an error show whether it is within its bound, from −1 to 1."""
    low, high = panel.limits or finite_range(panel.values)
    if panel.kind == ERROR:
        most = max(1.0, -low, high)
        return -most, most
    if panel.kind == HEAT:
        return 0.0, high or 1.0
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _trace(axes: Axes, panel: Panel) -> None:
    units = panel.values.shape[1]
    steps = np.arange(len(panel.values))
    for unit in range(min(units, MOST_UNITS)):
        style: dict[str, Any] = {"color": COLOURS[unit % len(COLOURS)], "linestyle": STYLES[unit % len(STYLES)]}
        axes.plot(steps, panel.values[:, unit], linewidth=1.4, label=str(unit), **style)
    axes.set_xlabel(panel.axes[0])
    axes.grid(alpha=0.25)
    _whole_numbers(axes, both=False)


def _whole_numbers(axes: Axes, both: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    for axis in (axes.xaxis, axes.yaxis) if both else (axes.xaxis,):
        axis.set_major_locator(MaxNLocator(integer=True, nbins=8))
