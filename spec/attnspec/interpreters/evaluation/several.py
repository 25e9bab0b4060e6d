"""Several values of a number in a formula, or of inputs, evaluated at once: they take an axis in front of all others.

Most of the time of an evaluation on small arrays goes into the walk, so that ten numbers cost little more than one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attnspec.interpreters.evaluation.algebra import Axis, Named, Value
from attnspec.interpreters.evaluation.memo import Memory, Remembering
from attnspec.interpreters.evaluation.named_axes import broadcast, united
from attnspec.interpreters.evaluation.walk import Array, Frame
from attnspec.language.tree import Apply, Node, Number

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


class Places(Several):
    """The places of variants, 0, 1, and so on, by which a formula chooses between them."""

    def __new__(cls, count: int) -> Places:
        made = super().__new__(cls, [float(place) for place in range(count)])
        assert isinstance(made, Places)
        return made


def choice(places: Places, place: int, chosen: Node, other: Node) -> Apply:
    """One node at a place of variants, another one at the others."""
    return Apply("where", (Apply("==", (Number(places), Number(float(place)))), chosen, other))


def as_choice(node: Apply) -> tuple[Places, int, Node, Node] | None:
    """The places, the place and the two nodes of a choice by the place; None of another node."""
    if node.op != "where":
        return None
    match node.args:
        case (Apply(op="==", args=(Number(value=Places() as places), Number(value=place))), chosen, other):
            return places, int(place), chosen, other
    return None


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

    def literal(self, number: float) -> Value[Array]:
        if isinstance(number, Several):
            return Named(self.xp.asarray(number.values, dtype=self.dtype), (SEVERAL,))
        return super().literal(number)

    def operation(self, node: Apply, frame: Frame[Array]) -> Value[Array]:
        """The value of an elementwise operation; a choice by the place copies what is chosen to its place alone."""
        choices: list[tuple[int, Named[Array]]] = []
        rest: Node = node
        while isinstance(rest, Apply) and (found := as_choice(rest)) is not None:
            places, place, chosen, rest = found
            choices.append((place, self.as_named(self.visit(chosen, frame))))
        if not choices:
            return super().operation(node, frame)
        usual = self.as_named(self.visit(rest, frame))
        values = [usual, *(value for _, value in choices)]
        if len({value.data.dtype for value in values}) == 1 and len({self.rank(value) for value in values} - {0}) < 2:
            return self.with_choices(usual, choices, len(places.values))
        result: Value[Array] = usual
        for place, value in reversed(choices):
            condition = Named(self.xp.asarray([place == each for each in places.values]), (SEVERAL,))
            result = self.elementwise("where", [condition, value, result])
        return result

    def with_choices(
        self, usual: Named[Array], choices: Sequence[tuple[int, Named[Array]]], count: int
    ) -> Named[Array]:
        """An array with another one at each of some places along the axis of the values.

        Args:
            usual: the array at all other places.
            choices: pairs of a place and the array that is chosen there; of two at one place, the first counts.
            count: how many places there are.
        """
        values = [value for _, value in choices]
        axes = united((SEVERAL,), usual.axes, *(value.axes for value in values))
        rank = max(map(self.rank, (usual, *values)))
        usual_data, *others = [self.widened(value, axes, rank).data for value in (usual, *values)]
        _, *shape = broadcast([usual_data.shape, *(other.shape for other in others)])
        whole = self.xp.empty((count, *shape), dtype=usual_data.dtype, device=usual_data.device)
        whole[...] = usual_data
        for (place, _), other in reversed([*zip(choices, others, strict=True)]):
            whole[place, ...] = other[place if other.shape[0] > 1 else 0, ...]
        return Named(whole, axes)

    def is_worth_keeping(self, values: Sequence[Value[Array]]) -> bool:
        return not any(isinstance(value, Named) and SEVERAL in value.axes for value in values)

    def leave(self, value: Value[Array]) -> Array:
        named = self.as_named(value)
        axes = (SEVERAL, *((-1, axis) for axis in range(self.batch)))
        return self.widened(named, axes, self.rank(named)).data
