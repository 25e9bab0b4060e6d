"""The steps of recurrences as calls of equations, and recurrences in lines of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from attnspec.errors import SpecError
from attnspec.interpreters.gradient.simplify import closed_indices, free_name, indices_in
from attnspec.language.check import Scope, Type, infer
from attnspec.language.traversal import children, reads, substitute
from attnspec.language.tree import At, Call, Definition, Line, Name, Node, Number, Parameter, Scan, Zeros


def with_own_lines(definition: Definition) -> Definition:
    """The equation with each recurrence, and each returned call with several results, in a line of its own."""
    taken = {name for line in definition.lines for name in line.targets}
    taken |= {parameter.name for parameter in definition.parameters} | {option.name for option in definition.options}
    lines: list[Line] = []

    def assigned(names: Sequence[str], node: Node) -> tuple[Name, ...]:
        new = tuple(free_name(name.replace(" ", "_"), taken) for name in names)
        taken.update(new)
        lines.append(Line(new, node))
        return tuple(map(Name, new))

    def moved(node: Node, is_line: bool) -> Node:
        for step, child in children(node):
            if not (isinstance(node, Scan) and step == ("body", None)):
                new = moved(child, is_line=False)
                node = node if new is child else substitute(node, (step,), new)
        return assigned(node.states, node)[0] if isinstance(node, Scan) and not is_line else node

    for line in definition.lines:
        value = moved(line.value, is_line=True)
        lines.append(replace(line, value=value))
    returns: list[Node] = []
    for node in definition.returns:
        if isinstance(node, Call | Scan) and len(definition.returns) != len(definition.results):
            returns += assigned([result.name for result in definition.results], moved(node, is_line=True))
        else:
            returns.append(moved(node, is_line=False))
    return replace(definition, lines=tuple(lines), returns=tuple(returns))


@dataclass(frozen=True, slots=True)
class Step:
    """The step of a recurrence as a call.

    Attributes:
        call: the call; the states are arguments of it, by their names.
        parameters: the parameters that take the states, in the order of the states.
    """

    call: Call
    parameters: tuple[str, ...]


def step_of(node: Scan, targets: Sequence[str], scope: Scope) -> Step:
    """The step of a recurrence as a call of an equation that takes each state once, in the order of the states.

    Raises:
        SpecError: the step reads an array with a named axis of its own.
    """
    if isinstance(node.body, Call) and _takes_states(node.body, node.states):
        call, parameters = node.body, node.body.callee.parameters
        return Step(call, tuple(parameters[call.args.index(Name(state))].name for state in node.states))
    return Step(_Outline(node, targets, scope).call(), node.states)


def _takes_states(call: Call, states: Sequence[str]) -> bool:
    """Whether a call takes each state once, in order, as arguments of their own."""
    read = [name for child in (*call.args, *(value for _, value in call.options)) for name in reads(child)]
    taken = [arg.id for arg in call.args if isinstance(arg, Name) and arg.id in states]
    return taken == list(states) and all(read.count(state) == 1 for state in states)


class _Outline:
    """Makes an equation of the step of a recurrence; what does not depend on the states is an argument of it."""

    def __init__(self, node: Scan, targets: Sequence[str], outer: Scope) -> None:
        self.node, self.definition = node, outer.definition
        types = [outer.names[target] for target in targets]
        states = {
            state: Type(type_.kind, type_.names - {node.index}, type_.dims)
            for state, type_ in zip(node.states, types, strict=True)
        }
        self.scope = Scope(outer.definition, outer.names | states, outer.bound | {node.index}, outer.scanned)
        self.options = {option.name: option for option in outer.definition.options}
        self.arguments: dict[Node, Parameter] = {}
        self.closed = closed_indices(node.body)

    def call(self) -> Call:
        """The call of the outlined step."""
        types = {state: self.scope.names[state] for state in self.node.states}
        states = tuple(Parameter(state, type_.kind, type_.dims) for state, type_ in types.items())
        body = self.outlined(self.node.body)
        used = {name for name in reads(body) if name in self.options}
        options = tuple(option for name, option in self.options.items() if name in used)
        inside = indices_in(body)
        callee = Definition(
            f"{self.definition.id}_step",
            (*states, *self.arguments.values()),
            options,
            tuple((index, dim) for index, dim in self.definition.indices if index in inside),
            (),
            (body,),
            tuple(replace(state, name=f"{state.name}_next") for state in states),
            self.definition.roles,
        )
        arguments = (*map(Name, self.node.states), *self.arguments)
        return Call(callee, arguments, tuple((option.name, Name(option.name)) for option in options))

    def outlined(self, node: Node) -> Node:
        """The expression with everything that the states do not reach read from parameters."""
        inside = {*self.node.states, *self.options}
        if isinstance(node, Number | Zeros) or (isinstance(node, Name) and node.id in inside):
            return node
        if not inside.intersection(reads(node)) and not isinstance(node, Scan):
            type_ = self.type_of(node)
            if type_ is not None and not type_.names & self.closed:
                return Name(self.parameter(node, type_).name)
        if isinstance(node, Name | Scan):
            raise SpecError(
                f"the gradient of {self.definition.id} cannot be derived",
                given=f"a step over {self.node.index} that reduces a named axis, or has a recurrence inside",
                expected="a step that calls an equation, or that reads arrays at the index of the recurrence",
                mend="make the step an equation of its own, and stack the array before",
            )
        for step, child in children(node):
            new = self.outlined(child)
            node = node if new is child else substitute(node, (step,), new)
        return node

    def type_of(self, node: Node) -> Type | None:
        """The type of an expression with one value; None for one with several."""
        types = infer(node, self.scope)
        return types[0] if len(types) == 1 else None

    def parameter(self, node: Node, type_: Type) -> Parameter:
        """The parameter that takes an expression."""
        if node not in self.arguments:
            match node:
                case Name(id=name) | At(array=Name(id=name)):
                    wanted = name
                case _:
                    wanted = "a"
            taken = {*self.node.states, *self.options, *(known.name for known in self.arguments.values())}
            name = free_name(wanted, taken)
            self.arguments[node] = Parameter(name, type_.kind, type_.dims)
        return self.arguments[node]
