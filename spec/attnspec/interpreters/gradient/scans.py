"""Recurrences backwards: a reversed scan of the gradient by the state, then everything else for all steps at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attnspec.errors import SpecError
from attnspec.interpreters.gradient.axes import reduced
from attnspec.interpreters.gradient.flow import Flow, merged
from attnspec.interpreters.gradient.pull_back import PullBack
from attnspec.interpreters.gradient.simplify import chosen, minus_one, plus
from attnspec.interpreters.gradient.steps import step_of
from attnspec.language.traversal import map_node
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

    ∂ of a state after a step is what reaches it from outside, and what the next step hands back. The steps are taken in
    reverse by a scan of the gradients by the states before each step; from the gradients of all states, the other
    arguments of the step get theirs for all steps at once.
    """
    draft, t = pull.draft, node.index
    if all(flow is None for flow in flows) and not any(target in pull.last for target in targets):
        return
    if any(t in draft.type(start).names for start in node.starts):
        raise SpecError(
            f"the gradient of {draft.forward.id} cannot be derived",
            given=f"a recurrence over {t} that starts from values at {t}",
            expected="one start for the whole recurrence",
            mend="give the start another index, or take the last of it",
        )
    step = step_of(node, targets, draft.scope)
    carried = [k for k, target in enumerate(targets) if target in pull.active]
    size = draft.size(t)
    back = Apply("-", (minus_one(size), Position(t)))
    before = [
        draft.in_line(_before(node, target, start), f"{target}_before")
        for target, start in zip(targets, node.starts, strict=True)
    ]
    outside = {
        k: draft.in_line(draft.stacked(flow.node, (t,)), f"d_{targets[k]}_outside")
        for k in carried
        if (flow := flows[k]) is not None
    }
    last = {k: merged(pull.last[targets[k]]).node for k in carried if targets[k] in pull.last}
    # the states, in reverse
    names = tuple(draft.fresh("g" if len(carried) == 1 else f"g_{node.states[k]}") for k in carried)
    wanted = tuple(step.parameters[k] for k in carried)
    derived = pull.derive(step.call.callee, tuple(carried), wanted)
    incoming = [
        plus(At(outside[k], (back,)), Name(name)) if k in outside else Name(name)
        for k, name in zip(carried, names, strict=True)
    ]
    states = dict(zip(node.states, before, strict=True))
    args = tuple(_in_reverse(arg, states, t, back) for arg in step.call.args)
    options = tuple((name, _in_reverse(value, states, t, back)) for name, value in step.call.options)
    starts = tuple(last.get(k, Zeros(draft.scope.names[targets[k]].dims)) for k in carried)
    draft.add(names, Scan(t, names, Call(derived, (*incoming, *args), options), starts))
    # all steps at once
    totals: list[Flow | None] = [None] * len(targets)
    for k, name in zip(carried, names, strict=True):
        later: Node = At(Stack(Name(name), (t,)), (Apply("-", (Apply("-", (size, Number(2.0))), Position(t))),))
        if k in last:
            later = chosen(Apply("==", (Position(t), minus_one(size))), last[k], later)
        own = draft.at(outside[k], (Position(t),)) if k in outside else None
        totals[k] = Flow(draft.named(later if own is None else plus(own, later), f"d_{targets[k]}"))
        start = node.starts[k]
        handed = Last(t, Name(name))
        pull.push(start, reduced(draft, Flow(handed), draft.type(handed), draft.type(start)))
    at_once: dict[Node, Node] = {Name(state): At(array, (Position(t),)) for state, array in states.items()}
    others = [arg for arg in step.call.args if arg not in at_once]
    call = replace(step.call, args=tuple(at_once.get(arg, arg) for arg in step.call.args))
    pull.call(call, totals, others)


def _before(node: Scan, target: str, start: Node) -> Node:
    """The states before each step."""
    t = node.index
    earlier = At(Stack(Name(target), (t,)), (Apply("-", (Position(t), Number(1.0))),))
    return Stack(chosen(Apply("<", (Position(t), Number(1.0))), start, earlier), (t,))


def _in_reverse(arg: Node, before: dict[str, Node], index: str, back: Node) -> Node:
    """An argument of the step at the place `back`, from the states before each step."""

    def change(node: Node) -> Node:
        match node:
            case Name(id=name) if name in before:
                return At(before[name], (back,))
            case Position(index=name) if name == index:
                return back
            case Apply(op="-", args=(end, Apply(op="-", args=(other, place)))) if end == other:
                return place
        return node

    return map_node(arg, change)
