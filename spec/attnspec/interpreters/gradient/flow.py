"""A gradient on its way back, and the condition under which it is handed on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from attnspec.interpreters.gradient.simplify import both, chosen, total
from attnspec.language.tree import Node


@dataclass(frozen=True, slots=True)
class Flow:
    """A gradient: `value` where a condition holds, and 0 elsewhere.

    The condition is applied last, so that NaN in what is masked reaches nothing.

    Attributes:
        value: the gradient where the condition holds.
        where: the condition, which has no unnamed axes; None if it always holds.
        is_zero_elsewhere: whether `value` itself is 0 where the condition does not hold.
    """

    value: Node
    where: Node | None = None
    is_zero_elsewhere: bool = False

    @property
    def node(self) -> Node:
        """The gradient as one expression."""
        return self.value if self.is_zero_elsewhere else chosen(self.where, self.value)

    def map(self, change: Callable[[Node], Node]) -> Flow:
        """The gradient with a linear operation applied to it, which keeps its named axes."""
        return Flow(change(self.value), self.where)

    def only(self, where: Node | None) -> Flow:
        """The gradient where one more condition holds."""
        if where is None or where == self.where:
            return self
        return Flow(self.node, where) if self.is_zero_elsewhere else Flow(self.value, both(self.where, where))


def merged(flows: Sequence[Flow]) -> Flow:
    """The sum of one or more gradients; a condition that they share stays one."""
    first = flows[0].where
    if all(flow.where == first for flow in flows):
        return Flow(total(flow.value for flow in flows), first, all(flow.is_zero_elsewhere for flow in flows))
    return Flow(total(flow.node for flow in flows))
