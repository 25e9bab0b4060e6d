"""The values of all lines of an equation and of those that it calls, at every step of its recurrences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.interpreters.evaluation.call import bind, fit, namespace_of
from attnspec.interpreters.evaluation.value import ValueOf
from attnspec.interpreters.evaluation.walk import Array, Frame, Named, Value
from attnspec.language import layers
from attnspec.language.tree import Call, Definition, Node, Scan, Stack

BATCH = "batch"
"""The name of a batch axis."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The values of a line, or of a result.

    Attributes:
        within: the lines around it that lead to the call of its equation; () in the outermost one.
        definition: its equation.
        name: its name; of a result without a name, the name that the equation gives it.
        node: the expression that is computed.
        values: its values.
        axes: for each axis of `values` an index, `BATCH`, or "unit", "unit 2", … for those that no index names.
        steps: the indices among `axes` that are steps of a recurrence.
    """

    within: tuple[str, ...]
    definition: Definition
    name: str
    node: Node
    values: NDArray[Any]
    axes: tuple[str, ...]
    steps: tuple[str, ...] = ()


def watch(definition: Definition, arrays: Mapping[str, Any], options: Mapping[str, float]) -> list[Seen]:
    """The values of all lines and results, those of called equations first.

    A line of an equation that is called at each step of a recurrence has the steps as its first axes.

    Args:
        definition: the equation.
        arrays: {name: array}, NumPy's.
        options: {name: value}.

    Raises:
        BindingError: arguments do not match the parameters.
        ShapeError: arrays do not fit the signature.
    """
    bound, numbers = bind(definition, (), {**arrays, **options})
    whole = {name: np.asarray(value) for name, value in bound.items()}
    definition = layers.written_out(definition, whole)
    sizes, batch = fit(definition, {name: array.shape for name, array in whole.items()}, numbers)
    watching = _Watching(namespace_of(whole.values()))
    watching.run(definition, whole, numbers, sizes, batch)
    return [_joined(visits) for visits in watching.seen.values()]


class _Watching(ValueOf):
    """Keeps the values of lines while it evaluates an equation.

    Attributes:
        seen: {what identifies a line: its values at each visit, with the steps of the recurrences around}.
    """

    def __init__(self, namespace: Any) -> None:
        super().__init__(namespace)
        self.seen: dict[tuple[object, ...], list[tuple[tuple[tuple[str, int], ...], Seen]]] = {}
        self._lines: list[str] = []
        self._frames: list[Frame[Array]] = []

    def begin_line(self, name: str) -> None:
        if name:
            self._lines.append(name)
        else:
            self._lines.pop()

    def call(self, node: Call, frame: Frame[Array]) -> list[Value[Array]]:
        self._frames.append(frame)
        try:
            return super().call(node, frame)
        finally:
            self._frames.pop()

    def body(self, frame: Frame[Array]) -> list[Value[Array]]:
        results = super().body(frame)
        for line in frame.definition.lines:
            for name in line.targets:
                self._keep(name, line.value, frame.names[name], frame)
        outputs = frame.definition.results
        if len(outputs) == len(frame.definition.returns):
            for output, node, value in zip(outputs, frame.definition.returns, results, strict=True):
                self._keep(output.name, node, value, frame)
        return results

    def _keep(self, name: str, node: Node, value: Value[Array], frame: Frame[Array]) -> None:
        if not isinstance(value, Named):
            return
        frames = [*self._frames, frame]
        steps = tuple((index, step) for around in frames for index, step in around.bound.items())
        named = tuple(BATCH if depth < 0 else frames[depth].definition.indices[place][0] for depth, place in value.axes)
        data = np.asarray(value.data)
        outer = node.indices if isinstance(node, Stack) else ()
        rest = ["unit" if not place else f"unit {place + 1}" for place in range(data.ndim - len(named) - len(outer))]
        own = tuple(node.index for _ in "." if isinstance(node, Scan))
        within = tuple(self._lines)
        seen = Seen(within, frame.definition, name, node, data, (*named, *outer, *rest), own)
        self.seen.setdefault((within, frame.definition, name, node), []).append((steps, seen))


def _joined(visits: Sequence[tuple[tuple[tuple[str, int], ...], Seen]]) -> Seen:
    """The visits of a line as one array, with an axis for each recurrence around."""
    steps, first = visits[0]
    if not steps:
        return first
    names = tuple(index for index, _ in steps)
    lengths = [max(at[place][1] for at, _ in visits) + 1 for place in range(len(names))]
    values = np.zeros((*lengths, *first.values.shape), first.values.dtype)
    for at, seen in visits:
        values[tuple(step for _, step in at)] = seen.values
    return Seen(
        first.within, first.definition, first.name, first.node, values, (*names, *first.axes), (*names, *first.steps)
    )
