"""Pictures of an implementation's answer beside the value of its equation, and of the error over its bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.language.tree import Definition
from attnspec.plots.panels import ERROR, VALUES, Panel, finite_range
from attnspec.verification.judge.residuals import Compared

BATCH = "example"


def comparison(definition: Definition, compared: Sequence[Compared]) -> list[Panel]:
    """Three pictures of each result: the value of the equation, the answer, and the error over its bound.

    Args:
        definition: the equation.
        compared: the results of one case, compared with their noise.
    """
    found: list[Panel] = []
    for each in compared:
        result = definition.results[each.output]
        dims = [str(dim) for dim in result.dims]
        axes = (*[BATCH] * (each.answer.ndim - len(dims)), *dims)
        shown = (
            ("equation", VALUES, each.noise.value),
            ("implementation", VALUES, each.answer),
            ("error / bound", ERROR, signed_ratio(each)),
        )
        panels = []
        for name, kind, values in shown:
            title = name if len(definition.results) == 1 else f"{result.name}: {name}"
            panels.append(_panel(f"{result.name}.{name}", title, kind, np.asarray(values, "float64"), axes))
        limits = finite_range(np.stack([panel.values for panel in panels[:2]]))  # the same colours for both
        found += [replace(panel, limits=limits) if panel.kind == VALUES else panel for panel in panels]
    return found


def signed_ratio(compared: Compared) -> NDArray[Any]:
    """The error over its bound with the sign of the error; at most 1 in size where rounding explains it."""
    return np.copysign(compared.ratio, compared.error)


def data(definition: Definition, compared: Sequence[Compared]) -> Mapping[str, NDArray[Any]]:
    """What the pictures are drawn from: the inputs, and of each result its value, its bound and the answer."""
    found = {f"input.{name}": np.asarray(array) for name, array in compared[0].case.arrays.items()}
    for each in compared:
        name = definition.results[each.output].name
        found |= {f"{name}.bound": each.noise.bound, f"{name}.undecidable": each.noise.undecidable}
    return found


def _panel(name: str, title: str, kind: str, whole: NDArray[Any], axes: tuple[str, ...]) -> Panel:
    """A picture of the last two axes, at the first place along all others."""
    left = whole.ndim - min(whole.ndim, 2)
    of = ", ".join(f"{axes[place]} = 0" for place in range(left) if whole.shape[place] > 1)
    shown = np.atleast_2d(whole[(0,) * left])
    return Panel(name, title, kind, shown, ("", "", *axes)[-2:], whole, axes, of)  # type: ignore[arg-type]  # two axes
