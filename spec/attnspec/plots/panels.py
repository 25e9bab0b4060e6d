"""What of an equation can be shown as a picture, found in its tree.

A softmax over one index at each value of another is a heat map, as the weights of attention are. A line that a
recurrence carries, or that the equation of its step computes, is a trace over the steps, as a state or a gate is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.interpreters.evaluation.watched import BATCH, Seen, watch
from attnspec.interpreters.formula.formula import text_of
from attnspec.language.registry import name_in_family
from attnspec.language.tree import Definition, Name, Node, Reduce, Stack

HEAT, TRACE, VALUES, ERROR = "heat map", "trace", "values", "error"


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture.

    Attributes:
        name: what identifies it, such as "gru_cell.z".
        title: what is shown, as the formula writes it.
        kind: "heat map" of numbers from 0 on, "trace", "values" of either sign, or "error", which is over its bound.
        values: the values: rows and columns, for a trace steps and units.
        axes: what the two axes stand for; the second one of a trace is "" if it has one unit.
        whole: all values, also those of other examples, heads and units.
        whole_axes: what the axes of `whole` stand for.
        of: which part of `whole` is shown, such as "h = 0"; "" if it is all of it.
        limits: the values at the ends of the colours; None: those of `values`.
    """

    name: str
    title: str
    kind: str
    values: NDArray[Any]
    axes: tuple[str, str]
    whole: NDArray[Any]
    whole_axes: tuple[str, ...]
    of: str = ""
    limits: tuple[float, float] | None = None


def panels(definition: Definition, arrays: Mapping[str, Any], options: Mapping[str, float]) -> list[Panel]:
    """The pictures of an equation on some inputs, each array once.

    Args:
        definition: the equation.
        arrays: {name: array}.
        options: {name: value}.

    Raises:
        BindingError: arguments do not match the parameters.
        ShapeError: arrays do not fit the signature.
    """
    found: list[Panel] = []
    for seen in watch(definition, arrays, options):
        panel = _heat_map(seen) or _trace(seen)
        if panel is not None and not any(np.array_equal(panel.whole, other.whole) for other in found):
            found.append(panel)
    return _with_unique_names(found)


def save_data(shown: Sequence[Panel], file: Path, more: Mapping[str, Any] | None = None) -> None:
    """Write the values of pictures to an .npz file: an array for each, and the names of their axes as JSON.

    Args:
        shown: the pictures.
        file: the file.
        more: {name: array} of further arrays.
    """
    axes = json.dumps({panel.name: panel.whole_axes for panel in shown})
    arrays: dict[str, Any] = {panel.name: panel.whole for panel in shown} | dict(more or {})
    np.savez(file, **arrays, axes=np.array(axes))


def finite_range(values: NDArray[Any]) -> tuple[float, float]:
    """The least and the largest of the values that are finite; 0 and 1 if there are none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def in_words(panel: Panel) -> str:
    """What a picture shows, in a sentence."""
    rows, columns = panel.values.shape
    finite = panel.values[np.isfinite(panel.values)]
    low, high = (f"{end:.3g}" for end in (finite.min(), finite.max())) if finite.size else ("–", "–")
    part = f", {panel.of}" if panel.of else ""
    if panel.kind == HEAT:
        return (
            f"Heat map of {panel.title}{part}: {rows} rows along {panel.axes[0]}, {columns} columns along"
            f" {panel.axes[1]}; values from {low} to {high}."
        )
    return f"{panel.title}{part} over {rows} steps of {panel.axes[0]}, {columns} units; values from {low} to {high}."


def _core(node: Node) -> Node:
    """What a node stacks."""
    return _core(node.array) if isinstance(node, Stack) else node


def _heat_map(seen: Seen) -> Panel | None:
    """The weights of a softmax, if they have another axis than that which they are over."""
    core = _core(seen.node)
    if not (isinstance(core, Reduce) and core.op == "softmax" and core.index in seen.axes):
        return None
    column = len(seen.axes) - 1 - seen.axes[::-1].index(core.index)
    others = [place for place, name in enumerate(seen.axes) if place != column and name != BATCH]
    if not others:
        return None
    return _panel(seen, HEAT, others[-1], column)


def _trace(seen: Seen) -> Panel | None:
    """A line over the steps of one recurrence, if it is a number or a vector at each step."""
    if len(seen.steps) != 1 or seen.values.dtype.kind != "f" or isinstance(seen.node, Stack | Name):
        return None
    others = [place for place, name in enumerate(seen.axes) if name not in (BATCH, *seen.steps)]
    if len(others) > 1 or (seen.within and not _is_step(seen)):
        return None
    return _panel(seen, TRACE, seen.axes.index(seen.steps[0]), others[0] if others else None)


def _is_step(seen: Seen) -> bool:
    """Whether a line is one of the equation that a recurrence calls at each step, and not of one that this calls."""
    return len(seen.within) == 1 and any(seen.node is line.value for line in seen.definition.lines)


def _panel(seen: Seen, kind: str, first: int, second: int | None) -> Panel | None:
    """A picture of two axes, at the first place along all others."""
    kept = [first, *([second] if second is not None else [])]
    left = [place for place in range(seen.values.ndim) if place not in kept]
    values = seen.values
    if not values.size:
        return None
    shown = np.moveaxis(values, [*left, *kept], range(values.ndim))[(0,) * len(left)]
    of = ", ".join(f"{seen.axes[place]} = 0" for place in left if values.shape[place] > 1)
    prefix = f"{name_in_family(seen.definition.id)}." if seen.within else ""
    name = Name(seen.name) if any(seen.name in line.targets for line in seen.definition.lines) else None
    title = text_of(name, seen.definition) if name is not None else seen.name
    if seen.within:
        title = f"{title} of {name_in_family(seen.definition.id)}"
    return Panel(
        prefix + seen.name,
        title,
        kind,
        shown.reshape(len(shown), -1),
        (seen.axes[first], seen.axes[second] if second is not None else ""),
        values,
        seen.axes,
        of,
    )


def _with_unique_names(found: Sequence[Panel]) -> list[Panel]:
    names: list[str] = []
    for panel in found:
        same = sum(panel.name == other.name for other in found[: len(names)])
        names.append(panel.name if not same else f"{panel.name}_{same + 1}")
    return [replace(panel, name=name) for panel, name in zip(found, names, strict=True)]
