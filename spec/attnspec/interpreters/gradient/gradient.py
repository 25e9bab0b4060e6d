"""The gradient of an equation: reverse mode on its tree, line by line from the last one to the first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from attnspec.errors import NotationError, SpecError
from attnspec.interpreters.gradient.draft import Draft
from attnspec.interpreters.gradient.flow import Flow
from attnspec.interpreters.gradient.pull_back import PullBack
from attnspec.interpreters.gradient.scans import push_scan
from attnspec.interpreters.gradient.simplify import indices_in, is_short
from attnspec.interpreters.gradient.steps import with_own_lines
from attnspec.language import layers
from attnspec.language.equation import derived_id, gradient_name
from attnspec.language.symbols import ACCENTS, Symbol
from attnspec.language.traversal import children, map_definition, without_unread_lines
from attnspec.language.tree import Call, Definition, Last, Line, Name, Node, Parameter, Reduce, Scan, Stack, Zeros


def gradient(definition: Definition, constant: tuple[str, ...] = ()) -> Definition:
    """The equation of the gradients of another one.

    Args:
        definition: the other equation.
        constant: lines that count as constants, through which no gradient flows.

    Returns:
        An equation that takes the gradients of the floating-point results, then all arguments; it gives the gradients
        of the floating-point arguments, in their order.

    Raises:
        SpecError: no floating-point result depends on a floating-point argument, or the equation takes layers.
    """
    if layers.of(definition) is not None:
        raise SpecError(
            f"the gradient of {definition.id} cannot be derived",
            given="layers, whose number is not known",
            expected="an equation that takes arrays only",
            mend="derive the gradient of the equation of a layer",
        )
    wanted = tuple(parameter.name for parameter in definition.parameters if parameter.kind == "float")
    outputs = tuple(place for place, result in enumerate(definition.results) if result.kind == "float")
    try:
        derived = derive(definition, outputs, wanted, constant)
    except NotationError as error:  # the notation has no words for it
        raise SpecError(
            f"the gradient of {definition.id} cannot be derived",
            given=f"{error.headline}: {error.given}",
            expected=error.expected,
            mend="write this part of the equation in another way, or write the gradient by hand with gradient_of",
        ) from error
    if all(isinstance(node, Zeros) for node in derived.returns):
        raise SpecError(
            f"{definition.id} has no gradient",
            given=_without_gradient(definition, outputs, wanted),
            expected="a floating-point result that depends smoothly on a floating-point argument",
            mend="whole numbers, comparisons and argmax have no gradient",
        )
    return derived


def _without_gradient(definition: Definition, outputs: Sequence[int], wanted: Sequence[str]) -> str:
    """Why an equation has no gradient."""
    if not wanted:
        return "no floating-point argument"
    if not outputs:
        return "no floating-point result"
    return "results that are constant between jumps"


def _gradient_of(parameter: Parameter, name: str) -> Parameter:
    """The gradient of an array, as a parameter or a result."""
    return replace(parameter, name=name, symbol=Symbol(f"the gradient of {parameter.name}"))


@lru_cache(maxsize=1024)
def derive(
    definition: Definition, outputs: tuple[int, ...], wanted: tuple[str, ...], constant: tuple[str, ...] = ()
) -> Definition:
    """The equation of some gradients of an equation.

    Args:
        definition: the equation.
        outputs: positions of the results whose gradients are given.
        wanted: the parameters whose gradients are computed.
        constant: lines through which no gradient flows.
    """
    forward = with_own_lines(definition)
    draft = Draft(forward)
    incoming = {place: draft.fresh(gradient_name(definition.results[place].name)) for place in outputs}
    taken = tuple(_gradient_of(definition.results[place], name) for place, name in incoming.items())
    draft.declare(taken)
    pull = PullBack(draft, derive, set(wanted))
    activate(pull, [line for line in forward.lines if not {*constant} & {*line.targets}])
    for place, node in enumerate(forward.returns):
        if place in incoming:
            pull.hint = hint(incoming[place].removeprefix("d_"))
            pull.push(node, Flow(Name(incoming[place])))
    for line in reversed(forward.lines):
        push_line(pull, line)
    returns = tuple(returned(pull, parameter) for parameter in forward.parameters if parameter.name in wanted)
    results = tuple(_gradient_of(p, f"d_{p.name}") for p in forward.parameters if p.name in wanted)
    part = "" if set(wanted) == {p.name for p in forward.parameters if p.kind == "float"} else f"_by_{'_'.join(wanted)}"
    result = Definition(
        f"{derived_id(definition.id)}{part if len(wanted) <= 2 else ''}",
        (*taken, *forward.parameters),
        forward.options,
        draft.scope.definition.indices,
        tuple(draft.all_lines()),
        returns,
        results,
        forward.roles,
    )
    return tidied(with_result_names(result))


def hint(name: str) -> str:
    """The name of a line in the names of gradients inside it: that of h_tilde is h."""
    head, _, accent = name.rpartition("_")
    return head if accent in ACCENTS and head else name


def activate(pull: PullBack, lines: Iterable[Line]) -> None:
    """Find the lines through which a gradient can flow."""
    for line in lines:
        if pull.is_active(line.value):
            pull.active |= {name for name in line.targets if pull.draft.scope.names[name].kind == "float"}


def push_line(pull: PullBack, line: Line) -> None:
    """Hand the gradients that reached a line on."""
    pull.hint = hint(line.targets[0])
    match line.value:
        case Scan() as scan:
            push_scan(pull, scan, line.targets, [pull.collected(name) for name in line.targets])
        case Call() as call if any(pull.collected(name) for name in line.targets):
            pull.call(call, [named(pull, name) for name in line.targets])
        case node:
            flow = named(pull, line.targets[0])
            if flow is not None:
                pull.push(node, flow)


def named(pull: PullBack, name: str) -> Flow | None:
    """The gradient that reached a name, in a line of its own; None if there is none."""
    flow = pull.collected(name)
    return None if flow is None else pull.named(flow, f"d_{name}")


def returned(pull: PullBack, parameter: Parameter) -> Node:
    """The gradient of a parameter."""
    flow = pull.collected(parameter.name)
    if flow is None:
        return Zeros(parameter.dims)
    if isinstance(flow.node, Reduce | Stack | Last):
        (inner,) = (child for step, child in children(flow.node) if step[0] != "where")
        if is_short(inner):
            return flow.node
    return pull.named(flow, f"d_{parameter.name}").node


def tidied(definition: Definition) -> Definition:
    """The equation without lines and indices that are not read."""
    definition = without_unread_lines(definition)
    used = {index for root in definition.roots for index in indices_in(root)}
    return layers.known(replace(definition, indices=tuple(pair for pair in definition.indices if pair[0] in used)))


def with_result_names(definition: Definition) -> Definition:
    """The equation with the name d_x for what it returns as d_x; what had this name gets the other one's."""
    swapped: dict[str, str] = {}
    for result, node in zip(definition.results, definition.returns, strict=True):
        if isinstance(node, Name) and node.id.startswith(f"{result.name}_"):
            swapped |= {node.id: result.name, result.name: node.id}
    taken = {parameter.name for parameter in definition.parameters}
    swapped = {old: new for old, new in swapped.items() if not {old, new} & taken}

    def renamed(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(swapped.get(name, name) for name in names)

    def change(node: Node) -> Node:
        match node:
            case Name(id=name):
                return Name(swapped.get(name, name))
            case Scan(states=states):
                return replace(node, states=renamed(states))
        return node

    lines = tuple(replace(line, targets=renamed(line.targets)) for line in definition.lines)
    return map_definition(replace(definition, lines=lines), change)
