"""Evaluation with a memory: expressions whose operands did not change are not computed again.

Mutants of an equation share all syntax nodes but a few with it. If they are evaluated on the same arrays, the values of
most expressions are the same. A value is found by the identity of its node and of the operands that the node reads, so
that a lookup costs less than an operation on arrays. A memory never changes a value.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

from attnspec.interpreters.evaluation.algebra import Axis, Named, Value
from attnspec.interpreters.evaluation.value import ValueOf
from attnspec.interpreters.evaluation.walk import Array, Frame
from attnspec.language.traversal import reads, walk
from attnspec.language.tree import Name, Node, Number, Position, SizeOf

MOST_VALUES, MOST_ELEMENTS = 60_000, 8_000_000
"""So many values, with so many elements together, are kept; then a memory begins anew. Speed alone depends on it."""

LEAVES = frozenset({Name, Number, SizeOf, Position})
"""Nodes that are quicker to compute than to find."""


class _Reads(NamedTuple):
    """What the value of a node depends on: names, and indices that may be bound by a scan.

    Attributes:
        node: the node, which is kept so that no other object gets its id.
        names: the names that it reads.
        indices: the indices that it reads.
    """

    node: Node
    names: tuple[str, ...]
    indices: tuple[str, ...]


class Memory:
    """Values of expressions, from evaluations of several trees.

    Values are kept together with their operands, so that no other object gets the id of one.
    """

    def __init__(self) -> None:
        self._values: dict[Hashable, tuple[Any, ...]] = {}
        self._reads: dict[int, _Reads] = {}
        self._contexts: dict[Hashable, int] = {}
        self._elements = 0

    def __len__(self) -> int:
        return len(self._values)

    def reads(self, node: Node) -> _Reads:
        """The names and the indices that a node reads."""
        found = self._reads.get(id(node))
        if found is None:
            indices = {part.index for _, part in walk(node) if isinstance(part, Position)}
            found = self._reads[id(node)] = _Reads(node, tuple(dict.fromkeys(reads(node))), tuple(sorted(indices)))
        return found

    def context(self, *parts: Hashable) -> int:
        """A number for the circumstances of an evaluation: equal for equal ones, and quick to hash."""
        return self._contexts.setdefault(parts, len(self._contexts))

    def get(self, key: Hashable) -> Any:
        """The value of a key; None if it is not known."""
        found = self._values.get(key)
        return None if found is None else found[0]

    def keep(self, key: Hashable, value: Any, elements: int, *referred: object) -> None:
        """Keep a value, and the objects whose ids its key has."""
        self._values[key] = (value, *referred)
        self._elements += elements

    def make_room(self) -> None:
        """Forget all values if there are too many; called before an evaluation."""
        if len(self._values) > MOST_VALUES or self._elements > MOST_ELEMENTS:
            self._values.clear()
            self._reads.clear()
            self._contexts.clear()
            self._elements = 0


class Remembering(ValueOf):
    """Evaluates an equation, and looks up in a memory what it knows already."""

    def __init__(self, namespace: Any, memory: Memory) -> None:
        super().__init__(namespace)
        memory.make_room()
        self.memory = memory

    def enter(self, array: Array, axes: tuple[Axis, ...]) -> Named[Array]:
        """An input: the same object for the same array."""
        entered = super().enter(array, axes)
        key = ("input", id(array), axes)
        known: Named[Array] | None = self.memory.get(key)
        if known is None:
            self.memory.keep(key, entered, 0, array)
        return known or entered

    def results(self, node: Node, frame: Frame[Array]) -> list[Value[Array]]:
        """The values of a line, an argument or a step of a recurrence, computed unless they are known."""
        if type(node) in LEAVES:
            return super().results(node, frame)
        needs = self.memory.reads(node)
        operands = [frame.names[name] for name in needs.names if name in frame.names]
        bound = tuple((index, frame.bound[index]) for index in needs.indices if index in frame.bound)
        keys = [id(value) if isinstance(value, Named) else (type(value), value) for value in operands]
        key = (id(node), self.context(frame), bound, *keys)
        known: list[Value[Array]] | None = self.memory.get(key)
        if known is not None:
            return known
        values = super().results(node, frame)
        if self.is_worth_keeping(values):
            elements = sum(value.data.size for value in values if isinstance(value, Named))
            self.memory.keep(key, values, elements, node, operands)
        return values

    def is_worth_keeping(self, values: Sequence[Value[Array]]) -> bool:
        """Whether values may be needed again."""
        return True

    def context(self, frame: Frame[Array]) -> int:
        """What the value of a node depends on besides its operands."""
        if frame.context is None:
            sizes = tuple(frame.sizes.items())
            frame.context = self.memory.context(str(self.dtype), frame.depth, frame.definition.indices, sizes)
        return frame.context
