"""Recurrences backwards: a reversed scan of the gradient by the state, then everything else for all steps at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from attnspec.errors import SpecError
from attnspec.interpreters.gradient.axes import reduced
from attnspec.interpreters.gradient.flow import Flow, merged
from attnspec.interpreters.gradient.pull_back import PullBack
from attnspec.interpreters.gradient.simplify import chosen, minus_one, plus
from attnspec.interpreters.gradient.steps import step_of
from attnspec.language.traversal import map_node, reads
from attnspec.language.tree import (
    Apply,
    At,
    Call,
    Last,
    Name,
    Node,
    Number,
    Position,
    Scan,
    Stack,
    Zeros,
)


def push_scan(pull: PullBack, node: Scan, targets: Sequence[str], flows: Sequence[Flow | None]) -> None:
    """Hand the gradients of the states of a recurrence back.

    The gradient of a state after a step is what reaches it from outside, and what the next step hands back. A scan in
    reverse computes the gradients by the states before each step. With those of all states known, the other arguments
    of the step get theirs for all steps at once.

    Raises:
        SpecError: the recurrence starts from values at its own index, or its step cannot be made a call.
    """
    if all(flow is None for flow in flows) and not any(target in pull.last for target in targets):
        return
    if any(node.index in pull.draft.type(start).names for start in node.starts):
        raise SpecError(
            f"the gradient of {pull.draft.forward.id} cannot be derived",
            given=f"a recurrence over {node.index} that starts from values at {node.index}",
            expected="one start for the whole recurrence",
            mend="give the start another index, or take the last of it",
        )
    backwards = _Backwards(pull, node, targets, flows)
    handed = backwards.states_in_reverse()
    backwards.push_starts(handed)
    backwards.push_rest(handed)


class _Backwards:
    """One recurrence backwards.

    Attributes:
        step: its step, as a call.
        carried: positions of the states that have gradients.
        before: {state: the states before each step}.
        outside: {position of a state: the gradients that reach it from outside, stacked}.
        last: {position of a state: the gradient of its last value}.
    """

    def __init__(self, pull: PullBack, node: Scan, targets: Sequence[str], flows: Sequence[Flow | None]) -> None:
        self.pull, self.draft, self.node, self.targets = pull, pull.draft, node, targets
        self.t, self.end = Position(node.index), minus_one(pull.draft.size(node.index))
        self.step = step_of(node, targets, pull.draft.scope)
        self.carried = [k for k, target in enumerate(targets) if target in pull.active]
        self.before = {
            state: self.draft.in_line(_before(node, target, start), f"{target}_before")
            for state, target, start in zip(node.states, targets, node.starts, strict=True)
        }
        self.outside = {
            k: self.draft.in_line(self.draft.stacked(flow.node, (node.index,)), f"d_{targets[k]}_outside")
            for k, flow in enumerate(flows)
            if flow is not None and k in self.carried
        }
        self.last = {k: merged(pull.last[targets[k]]).node for k in self.carried if targets[k] in pull.last}

    def states_in_reverse(self) -> dict[int, str]:
        """Add the scan in reverse.

        Returns:
            {position of a state: the name of its gradients before each step, from the last step to the first}.
        """
        draft, node, back = self.draft, self.node, Apply("-", (self.end, self.t))
        names = {k: draft.fresh("g" if len(self.carried) == 1 else f"g_{node.states[k]}") for k in self.carried}
        incoming = [
            plus(At(self.outside[k], (back,)), Name(name)) if k in self.outside else Name(name)
            for k, name in names.items()
        ]
        at_step = {**self.lines_along(), **self.before}
        args = (_in_reverse(arg, at_step, node.index, back) for arg in self.step.call.args)
        options = ((name, _in_reverse(value, at_step, node.index, back)) for name, value in self.step.call.options)
        starts = tuple(self.last.get(k, Zeros(draft.scope.names[self.targets[k]].dims)) for k in self.carried)
        wanted = tuple(self.step.parameters[k] for k in self.carried)
        derived = self.pull.derive(self.step.call.callee, tuple(self.carried), wanted)
        states = tuple(names.values())
        draft.add(states, Scan(node.index, states, Call(derived, (*incoming, *args), tuple(options)), starts))
        return names

    def lines_along(self) -> dict[str, Node]:
        """{line that the step reads and that has the index of the recurrence: its values at all steps}."""
        call, names = self.step.call, self.draft.scope.names
        read = {name for value in (*call.args, *(value for _, value in call.options)) for name in reads(value)}
        along = sorted(name for name in read - self.before.keys() if self.node.index in names[name].names)
        return {
            name: self.draft.in_line(self.draft.stacked(Name(name), (self.node.index,)), f"{name}_along")
            for name in along
        }

    def push_starts(self, handed: Mapping[int, str]) -> None:
        """Hand the gradients by the states before the first step back."""
        for k, name in handed.items():
            start, gradient = self.node.starts[k], Last(self.node.index, Name(name))
            self.pull.push(
                start, reduced(self.draft, Flow(gradient), self.draft.type(gradient), self.draft.type(start))
            )

    def push_rest(self, handed: Mapping[int, str]) -> None:
        """Hand the gradients of all states back to the other arguments of the step, for all steps at once."""
        totals: list[Flow | None] = [None] * len(self.targets)
        for k, name in handed.items():
            totals[k] = Flow(self.draft.named(self.total(k, name), f"d_{self.targets[k]}"))
        call, at_once = self.step.call, {Name(s): At(array, (self.t,)) for s, array in self.before.items()}
        others = [arg for arg in call.args if arg not in at_once]
        args = tuple(at_once[arg] if isinstance(arg, Name) and arg in at_once else arg for arg in call.args)
        self.pull.call(replace(call, args=args), totals, others)

    def total(self, k: int, name: str) -> Node:
        """The gradient of a state after each step."""
        later: Node = At(Stack(Name(name), (self.node.index,)), (Apply("-", (minus_one(self.end), self.t)),))
        if k in self.last:
            later = chosen(Apply("==", (self.t, self.end)), self.last[k], later)
        return plus(self.draft.at(self.outside[k], (self.t,)), later) if k in self.outside else later


def _before(node: Scan, target: str, start: Node) -> Node:
    """The states before each step."""
    t = node.index
    earlier = At(Stack(Name(target), (t,)), (Apply("-", (Position(t), Number(1.0))),))
    return Stack(chosen(Apply("<", (Position(t), Number(1.0))), start, earlier), (t,))


def _in_reverse(arg: Node, at_step: Mapping[str, Node], index: str, back: Node) -> Node:
    """An argument of the step at the place `back`.

    Args:
        arg: the argument.
        at_step: {name of a state or of a line: the states before each step, or the line at each step}.
        index: the index of the recurrence.
        back: the place.
    """

    def change(node: Node) -> Node:
        match node:
            case Name(id=name) if name in at_step:
                return At(at_step[name], (back,))
            case Position(index=name) if name == index:
                return back
            case Apply(op="-", args=(end, Apply(op="-", args=(other, place)))) if end == other:
                return place
        return node

    return map_node(arg, change)
