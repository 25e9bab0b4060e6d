"""Expressions of a formula where others belong: one stands for another, or is a further term or factor.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from itertools import permutations

from attnspec.errors import NotationError
from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.everywhere import Occurrence, everywhere
from attnspec.interpreters.mutation.free_numbers import is_float
from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed
from attnspec.language.check import Type
from attnspec.language.traversal import map_node, nodes, reads, with_roots
from attnspec.language.tree import Apply, At, Definition, Last, Name, Node, Number, Reduce, Scan, Stack

OF_NAMES = ("sigmoid", "tanh", "exp", "sqrt", "neg")
"""Functions of an array that may stand where another expression belongs."""

BESIDES: dict[str, tuple[str, Callable[[Node, Node], Node]]] = {
    "plus": ("{other} is added to {node}", lambda node, other: Apply("+", (node, other))),
    "minus": ("{other} is subtracted from {node}", lambda node, other: Apply("-", (node, other))),
    "times": ("{node} is multiplied by {other}", lambda node, other: Apply("*", (node, other))),
    "most": ("the larger of {node} and {other} is used", lambda node, other: _larger(node, other)),
    "least": (
        "the smaller of {node} and {other} is used",
        lambda node, other: Apply("-", (Apply("+", (node, other)), _larger(node, other))),
    ),
    "over": ("{node} is divided by {other}", lambda node, other: Apply("/", (node, other))),
}
"""{id: (sentence, what a node and another expression become)}."""


def _larger(a: Node, b: Node) -> Node:
    """a + max(b − a, 0)."""
    return Apply("+", (a, Apply("relu", (Apply("-", (b, a)),))))


def other_expressions(definition: Definition, roots: Collection[int] | None = None) -> Iterator[Mutant]:
    """The variants of an equation with an expression in place of one of its type.

    Args:
        roots: the positions of the lines and results, the lines first, that are varied; by default all.
    """
    types = _Types()
    for place in _values(definition, roots):
        for other in types.alike(place, (*_parts(place), *_of_its_names(place), *_stacked_lines(place))):
            shown, also = place.site.show(place.node), place.site.show(other)
            sentence = f"in {place.line}: {also} is used instead of {shown}"
            yield Mutant(f"{place.label}/{also} for {shown}", sentence, place.put(other))


def elements_for_numbers(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation with an element that a line reads in place of a line of fewer axes that it reads."""
    lines = {name for line in definition.lines for name in line.targets}
    for place in _values(definition, None):
        if not (isinstance(place.node, Name) and place.node.id in lines and _is_own(place)):
            continue
        kind = place.site.type_of(place.node)
        read = [node for node in nodes(place.site.root) if isinstance(node, At) and isinstance(node.array, Name)]
        for other in dict.fromkeys(read):
            also = place.site.type_of(other)
            tree = place.put(other)
            if kind.dims or also.dims or not kind.names < also.names or not is_well_formed(tree):
                continue
            shown, instead = place.site.show(place.node), place.site.show(other)
            yield Mutant(
                f"{place.label}/{instead} for {shown}", f"in {place.line}: {instead} is used instead of {shown}", tree
            )


def ignored_conditions(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation with one of two values everywhere, whether its condition holds or not."""
    for place in _values(definition, None):
        match place.node:
            case Apply(op="where", args=(_, *values)):
                for kept in values:
                    if isinstance(kept, Number):
                        continue
                    shown, also = place.site.show(place.node), place.site.show(kept)
                    says = f"in {place.line}: {also} is used instead of {shown}"
                    yield Mutant(f"{place.label}/{also} for {shown}", says, place.put(kept))
    yield from _never_asked(definition)


def _never_asked(definition: Definition) -> Iterator[Mutant]:
    """A condition of several values is not asked of any: those where it holds, or does not, are used everywhere."""
    choices = [node for node in nodes(definition) if isinstance(node, Apply) and node.op == "where"]
    for condition, count in Counter(choice.args[0] for choice in choices).items():
        for kept, words in ((1, "holds"), (2, "does not hold")) if count > 1 else ():

            def change(node: Node, condition: Node = condition, kept: int = kept) -> Node:
                is_choice = isinstance(node, Apply) and node.op == "where" and node.args[0] == condition
                return node.args[kept] if is_choice and isinstance(node, Apply) else node

            tree = with_roots(definition, [map_node(root, change) for root in definition.roots])
            if is_well_formed(tree):
                shown = text_of(condition, definition)
                says = f"it is not asked whether {shown}: the values where it {words} are used everywhere"
                yield Mutant(f"never asked/{shown}/{words}", says, tree)


def exchanged_values(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation with the values of two conditions, one behind the other, exchanged."""
    for place in _values(definition, None):
        match place.node:
            case Apply(op="where", args=(first, one, Apply(op="where", args=(second, other, rest)))) if one != other:
                tree = place.put(Apply("where", (first, other, Apply("where", (second, one, rest)))))
                if is_well_formed(tree):
                    says = f"in {place.line}: {place.site.show(one)} and {place.site.show(other)} are exchanged"
                    yield Mutant(f"{place.label}/exchanged", says, tree)


def expressions_for_names(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation with an expression in place of a name each time that a line reads it.

    They are of lines without recurrences that read the name more than once; once it is one of `other_expressions`.
    """
    types = _Types()
    for root, tree in enumerate(definition.roots):
        if any(isinstance(node, Scan) for node in nodes(tree)):
            continue
        places = [place for place in _values(definition, [root]) if isinstance(place.node, Name) and _is_own(place)]
        for name, count in Counter(place.node for place in places).items():
            first = next(place for place in places if place.node == name)
            for other in types.alike(first, _parts(first)) if count > 1 else ():
                shown, also = first.site.show(name), first.site.show(other)
                changed = _with_each(tree, name, other)
                roots = (*definition.roots[:root], changed, *definition.roots[root + 1 :])
                says = f"in {first.line}: {also} is used instead of {shown}, each time"
                yield Mutant(f"{first.label}/{also} for each {shown}", says, with_roots(definition, roots))


def complements_of_others(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation with the complement of a line in place of another line, as of two coupled gates."""
    types = _Types()
    lines = [name for line in definition.lines for name in line.targets]
    for place in _values(definition, None):
        match place.node:
            case Name(id=read) if read in lines and _is_own(place):
                others = (Name(name) for name in lines if name != read and name in place.site.known)
                for other in types.alike(place, [Apply("-", (Number(1.0), name)) for name in others]):
                    shown, also = place.site.show(place.node), place.site.show(other)
                    says = f"in {place.line}: {also} is used instead of {shown}"
                    yield Mutant(f"{place.label}/{also} for {shown}", says, place.put(other))


def _with_each(tree: Node, old: Node, new: Node) -> Node:
    """An expression with a node in place of each that is equal to another."""
    return map_node(tree, lambda node: new if node == old else node)


def _is_own(place: Occurrence) -> bool:
    """Whether a place is in the equation itself, not in one that it calls."""
    return "/" not in place.label


def further_expressions(definition: Definition, roots: Collection[int] | None = None) -> Iterator[Mutant]:
    """The variants of an equation with an expression as a further term or factor of one of its type; arrays come first.

    Args:
        roots: the positions of the lines and results, the lines first, that are varied; by default all.
    """
    types = _Types()
    for others in (_arrays, _inner_parts):
        for place in _values(definition, roots):
            for other in types.alike(place, others(place)):
                shown, also = place.site.show(place.node), place.site.show(other)
                for id, (sentence, both) in BESIDES.items():
                    says = f"in {place.line}: {sentence.format(node=shown, other=also)}"
                    yield Mutant(f"{place.label}/{shown} {id} {also}", says, place.put(both(place.node, other)))


def _values(definition: Definition, roots: Collection[int] | None) -> Iterator[Occurrence]:
    """The nodes that are numbers, with the last two factors or terms of a chain as one node."""
    for place in everywhere(definition, roots):
        if is_float(place.node, place.site) and not isinstance(place.node, Scan):
            yield place
            match place.node:
                case Apply(op="*" | "+" as op, args=(Apply(op=inner, args=(first, second)), third)) if inner == op:
                    yield replace(place, node=Apply(op, (second, third)), put=_behind(place, op, first))


def _behind(place: Occurrence, op: str, first: Node) -> Callable[[Node], Definition]:
    """Makes the equation with another node behind the first of a chain."""
    return lambda new: place.put(Apply(op, (first, new)))


def _parts(place: Occurrence) -> Iterator[Node]:
    """The arrays, options and parts of the formula that read nothing of later lines."""
    yield from _arrays(place)
    yield from _inner_parts(place)


def _arrays(place: Occurrence) -> list[Node]:
    """The arrays and options that are known where a place is."""
    options = (option.name for option in place.site.definition.options)
    return [Name(name) for name in dict.fromkeys([*place.site.known, *options])]


def _inner_parts(place: Occurrence) -> Iterator[Node]:
    """The parts of the formula that read nothing of later lines."""
    names = {each.id for each in _arrays(place) if isinstance(each, Name)}
    for root in place.site.definition.roots:
        parts = (node for node in nodes(root) if isinstance(node, Apply | At | Reduce))
        yield from (node for node in parts if names >= {*reads(node)} and not _is_unfinished(node, place))


def _stacked_lines(place: Occurrence) -> Iterator[Node]:
    """The lines of elements, as arrays with the axes of an array: what is kept of outputs and not of inputs, say."""
    if not (isinstance(place.node, Name) and (dims := place.site.type_of(place.node).dims)):
        return
    ranges = place.site.definition.ranges
    for name in (name for line in place.site.definition.lines for name in line.targets if name in place.site.known):
        kind = place.site.type_of(Name(name))
        if kind.names and len(kind.names) + len(kind.dims) == len(dims):
            for indices in permutations(sorted(kind.names)):
                if (*(ranges[index] for index in indices), *kind.dims) == dims:
                    yield Stack(Name(name), indices)


def _is_unfinished(node: Node, place: Occurrence) -> bool:
    """Whether a node reads the last state of a recurrence over an index of which the place is in a step."""
    return any(isinstance(each, Last) and each.index in place.site.bound for each in nodes(node))


def _of_its_names(place: Occurrence) -> Iterator[Node]:
    """The complement of a node, and functions of the arrays that it reads; the states inside a recurrence are none."""
    match place.node:
        case Apply(op="-", args=(Number(value=1.0), _)):
            pass  # a mutant has the other operand
        case node:
            yield Apply("-", (Number(1.0), node))
    names = [node for node in nodes(place.node) if isinstance(node, Name) and node.id in place.site.known]
    for name in names if names != [place.node] else []:
        yield Apply("-", (Number(1.0), name))
        yield from (Apply("*", (name, other)) for other in names)
        yield from (Apply(function, (name,)) for function in OF_NAMES)


class _Types:
    """The types of expressions, each inferred once in a line and the steps of recurrences around it."""

    def __init__(self) -> None:
        self._types: dict[tuple[str, frozenset[str], Node], Type | None] = {}

    def alike(self, place: Occurrence, expressions: Iterable[Node]) -> Iterator[Node]:
        """The expressions that have the type of a node and can stand at its place."""
        kind = self._at(place, place.node)
        for other in dict.fromkeys(expressions):
            if other != place.node and self._at(place, other) == kind:
                yield other

    def _at(self, place: Occurrence, node: Node) -> Type | None:
        key = place.label, place.site.bound, node
        if key not in self._types:
            try:
                self._types[key] = place.site.type_of(node)
            except NotationError:
                self._types[key] = None
        return self._types[key]
