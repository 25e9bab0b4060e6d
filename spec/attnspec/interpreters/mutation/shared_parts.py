"""Parts that share what each should have: heads that read the keys of another head or have one softmax, layers that
hand up another state.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from attnspec.errors import NotationError
from attnspec.interpreters.formula.formula import text_of, text_of_names
from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed
from attnspec.interpreters.mutation.operators import Site
from attnspec.interpreters.mutation.tiling_errors import second_name, with_second_names
from attnspec.language import layers
from attnspec.language.check import check
from attnspec.language.dims import Dim
from attnspec.language.traversal import equations_throughout, map_definition, map_throughout, nodes
from attnspec.language.tree import (
    Apply,
    At,
    Call,
    Definition,
    Name,
    Node,
    Number,
    Position,
    Reduce,
    SizeOf,
    Stack,
    Through,
)

MOST_COMBINED = 4
"""Of more arrays than this, which a call reads at one index, all are changed together and none alone."""


def shared_parts(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation, and of those that it calls, whose calls read arrays at other places of an index."""
    for owner in equations_throughout(definition):
        for index, names in _read_by_calls(owner).items():
            for some in _groups(names):
                for word, place in PLACES.items():
                    tree = map_throughout(definition, _reading(owner.id, index, some, place))
                    if tree != definition and is_well_formed(tree):
                        says = f"at every {index} {text_of_names(some, owner)} of {word.format(i=index)} are read"
                        yield Mutant(f"shared/{index}/{'-'.join(some)}/{word}", says, tree)
                tree = map_throughout(definition, _averaged(owner.id, index, some), with_second_names)
                if len(some) < len(names) and tree != definition and is_well_formed(tree):
                    says = f"what {text_of_names(some, owner)} give is averaged over {index}, and used at every {index}"
                    yield Mutant(f"shared/{index}/{'-'.join(some)}/mean", says, tree)


def states_handed_up(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation whose layers hand another state of their recurrence to the layer above."""
    for stack in (node for node in nodes(definition) if isinstance(node, Through)):
        for state in layers.other_states(stack.callee):
            wrong = replace(stack, fault=f"{layers.HANDS_UP}{state}")
            tree = map_definition(definition, lambda node, wrong=wrong: wrong if isinstance(node, Through) else node)  # type: ignore[misc]  # mypy does not infer a lambda with a default
            says = f"each layer hands {text_of(Name(state), stack.callee)} to the layer above"
            yield Mutant(f"layers/{layers.HANDS_UP}{state}", says, tree)


def one_softmax(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation, and of those that it calls, in which the calls at an index have one softmax."""
    for owner in equations_throughout(definition):
        for index in _read_by_calls(owner):
            for call in [node for node in nodes(owner) if isinstance(node, Call)]:
                sums = _log_sums(call.callee)
                one_matrix = len(call.callee.results) == 1 and len(call.callee.results[0].dims) > 1
                if sums is None or Position(index) not in nodes(call) or not one_matrix:
                    continue
                row = second_name(f"{index}.row")
                at = (Position(row),)
                share = Reduce("softmax", index, At(replace(call, callee=sums), at))
                new = Stack(Apply("*", (At(call, at), share)), (row,))
                types = check(owner)
                site = Site(owner, types, types, call)
                try:
                    indices = (*owner.indices, (row, site.type_of(call).dims[0]))
                except NotationError:
                    continue

                def change(
                    node: Node, within: Definition, old: Node = call, new: Node = new, owner: str = owner.id
                ) -> Node:
                    return new if node == old and within.id == owner else node

                def after(
                    changed: Definition, owner: str = owner.id, indices: tuple[tuple[str, Dim], ...] = indices
                ) -> Definition:
                    return replace(changed, indices=indices) if changed.id == owner else changed

                tree = map_throughout(definition, change, after)
                if tree is not definition and is_well_formed(tree):
                    yield Mutant(
                        f"shared/{index}/softmax", f"one softmax is over all {index}, and not one for each", tree
                    )


def _log_sums(definition: Definition) -> Definition | None:
    """The log-sum-exp of the scores of an equation with one softmax, in a line of its own; None if it has none."""
    for k, line in enumerate(definition.lines):
        match line.value:
            case Reduce(op="softmax", index=over, term=term, where=where):
                rows = [name for name, dim in definition.indices if dim == definition.results[0].dims[0]]
                top = Reduce("max", over, term, where)
                parts = Apply("exp", (Apply("-", (term, top)),))
                lse = Apply("+", (top, Apply("log", (Reduce("sum", over, parts, where),))))
                result = replace(definition.results[0], dims=definition.results[0].dims[:1])
                sums = replace(
                    definition, lines=definition.lines[:k], returns=(Stack(lse, (rows[0],)),), results=(result,)
                ) if rows else None  # fmt: skip
                return sums if sums is not None and is_well_formed(sums) else None
    return None


def _read_by_calls(definition: Definition) -> dict[str, tuple[str, ...]]:
    """{index: the names that calls read at it}."""
    found: dict[str, dict[str, None]] = {}
    for call in (node for node in nodes(definition) if isinstance(node, Call)):
        for argument in call.args:
            match argument:
                case At(array=Name(id=name), places=(Position(index=index), *_)):
                    found.setdefault(index, {})[name] = None
    return {index: tuple(names) for index, names in found.items()}


def _groups(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Names that may be read wrongly together."""
    for count in range(1, len(names) + 1) if len(names) <= MOST_COMBINED else (len(names),):
        yield from combinations(names, count)


Place = Callable[[Node, Node], Node]
"""Another place of an index, of the place and the size of its axis."""


def _tile(of: float) -> Place:
    number = Number(of)
    return lambda place, _: Apply("*", (Apply("//", (place, number)), number))


PLACES: dict[str, Place] = {
    "the first one": lambda place, _: Apply("*", (Number(0.0), place)),
    "the last one": lambda place, size: Apply("+", (Apply("*", (Number(0.0), place)), Apply("-", (size, Number(1.0))))),
    "number 2⌊{i}/2⌋": _tile(2.0),
    "number 4⌊{i}/4⌋": _tile(4.0),
    "number ⌊{i}/2⌋": lambda place, _: Apply("//", (place, Number(2.0))),
    "number {i} mod half of them": lambda place, size: Apply(
        "%", (place, Apply("//", (Apply("+", (size, Number(1.0))), Number(2.0))))
    ),
    "the reverse order": lambda place, size: Apply("-", (Apply("-", (size, Number(1.0))), place)),
}
"""{words: another place}."""


def _averaged(owner: str, index: str, names: Sequence[str]) -> Callable[[Node, Definition], Node]:
    """Calls of an equation are averaged over the places at which they read some arrays, not others."""

    def change(node: Node, definition: Definition) -> Node:
        if definition.id != owner or not isinstance(node, Call):
            return node
        second = Position(second_name(index))

        def moved(argument: Node) -> Node:
            match argument:
                case At(array=Name(id=name) as array, places=(Position(index=at), *rest)) if (
                    at == index and name in names
                ):
                    return At(array, (second, *rest))
            return argument

        args = tuple(moved(argument) for argument in node.args)
        if args == node.args:
            return node
        total = Reduce("sum", second_name(index), replace(node, args=args))
        return Apply("/", (total, SizeOf(definition.ranges[index])))

    return change


def _reading(owner: str, index: str, names: Sequence[str], place: Place) -> Callable[[Node, Definition], Node]:
    """Calls of an equation read arrays at other places."""

    def change(node: Node, definition: Definition) -> Node:
        if definition.id != owner or not isinstance(node, Call):
            return node
        size = SizeOf(definition.ranges[index])

        def moved(argument: Node) -> Node:
            match argument:
                case At(array=Name(id=name) as array, places=(Position(index=at), *rest)) if (
                    at == index and name in names
                ):
                    number = Apply("*", (Number(1.0), Position(index)))
                    return At(array, (place(number, size), *rest))
            return argument

        return replace(node, args=tuple(moved(argument) for argument in node.args))

    return change
