"""Several values of a number in a formula, or of inputs, evaluated at once: they take an axis in front of all others.

Most of the time of an evaluation on small arrays goes into the walk, so that ten numbers cost little more than one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attnspec.interpreters.evaluation.algebra import Axis, Named, Value
from attnspec.interpreters.evaluation.memo import Memory, Remembering
from attnspec.interpreters.evaluation.walk import Array, Frame
from attnspec.language.tree import Node, Number

SEVERAL: Axis = (-2, 0)
"""The axis of the values; batch axes have a depth of −1."""


class Several(float):
    """The value of a number that has several values, which is the first of them wherever one is expected.

    Attributes:
        values: its values.
    """

    values: tuple[float, ...]

    def __new__(cls, values: Sequence[float]) -> Several:
        made = super().__new__(cls, values[0])
        made.values = tuple(values)
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Several) and self.values == other.values

    def __hash__(self) -> int:
        return hash(self.values)


class WithSeveral(Remembering):
    """Evaluates an equation for several values of a number, or of inputs; what does not depend on it is looked up.

    Attributes:
        batch: the largest number of batch axes.
        inputs: {id of an input: its values, along a first axis}, of the inputs that have several.
    """

    def __init__(
        self, namespace: Any, memory: Memory, batch: int = 0, inputs: Mapping[int, Array] | None = None
    ) -> None:
        super().__init__(namespace, memory)
        self.batch, self.inputs = batch, inputs or {}

    def enter(self, array: Array, axes: tuple[Axis, ...]) -> Named[Array]:
        """An input, with all of its values if it has several."""
        if id(array) in self.inputs:
            return Named(self.source(self.inputs[id(array)]), (SEVERAL, *axes))
        return super().enter(array, axes)

    def visit(self, node: Node, frame: Frame[Array]) -> Value[Array]:
        if isinstance(node, Number) and isinstance(node.value, Several):
            return Named(self.xp.asarray(node.value.values, dtype=self.dtype), (SEVERAL,))
        return super().visit(node, frame)

    def is_worth_keeping(self, values: Sequence[Value[Array]]) -> bool:
        return not any(isinstance(value, Named) and SEVERAL in value.axes for value in values)

    def leave(self, value: Value[Array]) -> Array:
        named = self.as_named(value)
        axes = (SEVERAL, *((-1, axis) for axis in range(self.batch)))
        return self.widened(named, axes, self.rank(named)).data
