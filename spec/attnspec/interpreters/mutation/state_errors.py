"""Mistakes with states and with padding: a state that only rises, an update made twice, a token that is left out.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.everywhere import everywhere
from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed, parts
from attnspec.language.check import check, infer
from attnspec.language.traversal import map_definition, map_node, nodes
from attnspec.language.tree import (
    Apply,
    At,
    Definition,
    Line,
    Name,
    Node,
    Number,
    Parameter,
    Position,
    Reduce,
    Scan,
    SizeOf,
    Stack,
)

PADDING = (0.0, 1.0, 2.0)
"""Whole numbers that software takes for padding: places of tokens, words or classes."""


def state_errors(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation with each mistake at one place."""
    for mutant in (
        *_monotone(definition),
        *_repeated(definition),
        *_padding(definition),
        *_both_halves(definition),
        *_uncounted(definition),
        *_before_steps(definition),
    ):
        if is_well_formed(mutant.definition):
            yield mutant


def _updates(definition: Definition) -> Iterator[tuple[int, Line, str]]:
    """Lines that make a new value of an argument, or of an earlier line: of the same type, and computed from it.

    Yields:
        The position of the line, the line, and the name of the old value.
    """
    types = check(definition)
    for place, line in enumerate(definition.lines):
        if len(line.targets) != 1 or isinstance(line.value, Scan):
            continue
        (target,) = line.targets
        read = {node.id for node in nodes(line.value) if isinstance(node, Name)}
        for name in sorted(read & types.keys()):
            if name != target and types[name] == types[target] and types[name].kind == "float":
                yield place, line, name


def _monotone(definition: Definition) -> Iterator[Mutant]:
    """The larger, or the smaller, of the old and the new value is kept."""
    for place, line, old in _updates(definition):
        (target,) = line.targets
        one, other = (text_of(Name(name), definition) for name in (old, target))
        for word, op in (("larger", ">"), ("smaller", "<")):
            kept = Apply("where", (Apply(op, (Name(old), line.value)), Name(old), line.value))
            says = f"the {word} of {one} and {other} is used instead of {other}"
            yield Mutant(f"{target}/{word}/{old}", says, _with_line(definition, place, kept))


def _repeated(definition: Definition) -> Iterator[Mutant]:
    """Where a later line reads the new value, the update is made once more, with the new value as the old one."""
    for place, line, old in _updates(definition):
        (target,) = line.targets
        again = _replaced(line.value, old, Name(target))
        shown = text_of(again, definition)
        for k, later in enumerate(definition.lines[place + 1 :], place + 1):
            value = _replaced(later.value, target, again)
            if value != later.value:
                says = f"in {later.targets[0]}: {shown} is used instead of {text_of(Name(target), definition)}"
                yield Mutant(f"{later.targets[0]}/again/{target}", says, _with_line(definition, k, value))
        for k, result in enumerate(definition.returns):
            value = _replaced(result, target, again)
            if value != result:
                returns = (*definition.returns[:k], value, *definition.returns[k + 1 :])
                says = f"in the result: {shown} is used instead of {text_of(Name(target), definition)}"
                yield Mutant(f"result {k + 1}/again/{target}", says, replace(definition, returns=returns))


def _before_steps(definition: Definition) -> Iterator[Mutant]:
    """Behind a recurrence, the state before each step is read: the start, then that of the step before."""
    for place, line in enumerate(definition.lines):
        if not isinstance(line.value, Scan):
            continue
        t = Position(line.value.index)
        for target, start in zip(line.targets, line.value.starts, strict=True):
            earlier = At(Stack(Name(target), (t.index,)), (Apply("-", (t, Number(1.0))),))
            before = Apply("where", (Apply("==", (Apply("*", (Number(1.0), t)), Number(0.0))), start, earlier))
            shown = text_of(Name(target), definition)
            for k, (label, root, put) in enumerate(parts(definition)):
                if k > place and (moved := _replaced(root, target, before)) != root:
                    says = f"in {label}: {shown} of the step before is read, at first the start"
                    yield Mutant(f"{label}/before/{target}", says, put(moved))


def _padding(definition: Definition) -> Iterator[Mutant]:
    """What is read at a whole number is 0 where this number is that of padding."""
    for place in everywhere(definition):
        match place.node:
            case At(places=(chosen, *_)) if _chooses(chosen, place.site.definition):
                shown, word = place.site.show(place.node), place.site.show(chosen)
                for number in PADDING:
                    new = Apply("where", (Apply("==", (chosen, Number(number))), Number(0.0), place.node))
                    says = f"in {place.line}: 0 is used instead of {shown} where {word} is {number:g}, as for padding"
                    yield Mutant(f"{place.label}/padding/{word}-{number:g}", says, place.put(new))


def _both_halves(definition: Definition) -> Iterator[Mutant]:
    """What is read at a whole number is read in both halves of an axis, as in two shards, of which none is masked."""
    floats = [each for each in definition.parameters if each.kind == "float"]
    for place in everywhere(definition):
        match place.node:
            case At(places=(*before, chosen)) if _chooses(chosen, place.site.definition):
                dims = infer(place.node.array, place.site.scope)[0].dims
                others = [
                    Name(each.name) for each in floats if each.dims == dims and Name(each.name) != place.node.array
                ]
                for array in (place.node.array, *others):
                    added = _in_other_half(array, tuple(before), chosen, SizeOf(dims[len(before)]))
                    shown = (place.site.show(each) for each in (chosen, array))
                    says = "in {}: of two halves along {} the one without {} adds its place of {} that is nearest to it"
                    yield Mutant(
                        f"{place.label}/halves/{place.site.show(array)}",
                        says.format(place.line, dims[len(before)], *shown),
                        place.put(Apply("+", (place.node, added))),
                    )


def _in_other_half(array: Node, before: tuple[Node, ...], chosen: Node, size: Node) -> Node:
    """The place nearest to a chosen one in the half of the last axis without it; 0 if there is none."""
    half = Apply("//", (Apply("+", (size, Number(1.0))), Number(2.0)))
    in_first = Apply("<", (chosen, half))
    nearest = Apply("where", (in_first, half, Apply("-", (half, Number(1.0)))))
    empty = Apply("and", (in_first, Apply("<=", (size, half))))
    return Apply("where", (empty, Number(0.0), At(array, (*before, nearest))))


def _uncounted(definition: Definition) -> Iterator[Mutant]:
    """Sums that leave terms out by a condition leave those out too whose whole number is that of padding."""
    for parameter in definition.parameters:
        if parameter.kind == "int" and len(parameter.dims) == 1:
            symbol = text_of(Name(parameter.name), definition)
            for number in PADDING:
                tree = _without(definition, parameter, number)
                says = f"places at which {symbol} is {number:g} do not count, as for padding"
                if tree != definition:
                    yield Mutant(f"uncounted/{parameter.name}-{number:g}", says, tree)


def _without(definition: Definition, parameter: Parameter, number: float) -> Definition:
    """The equation without the terms of sums with a condition at whose place an argument has a value."""

    def change(node: Node) -> Node:
        if not isinstance(node, Reduce) or node.where is None:
            return node
        if definition.ranges[node.index] != parameter.dims[0]:
            return node
        is_padding = Apply("==", (At(Name(parameter.name), (Position(node.index),)), Number(number)))
        return replace(node, where=Apply("and", (node.where, Apply("not", (is_padding,)))))

    return map_definition(definition, change)


def _chooses(node: Node, definition: Definition) -> bool:
    """Whether a subscript is an argument of whole numbers, or an element of one."""
    array = node.array if isinstance(node, At) else node
    return isinstance(array, Name) and any(
        each.name == array.id and each.kind == "int" for each in definition.parameters
    )


def _with_line(definition: Definition, place: int, value: Node) -> Definition:
    """The equation with another value of a line."""
    lines = definition.lines
    return replace(definition, lines=(*lines[:place], replace(lines[place], value=value), *lines[place + 1 :]))


def _replaced(node: Node, name: str, new: Node) -> Node:
    """A node with another one where it reads a name."""
    return map_node(node, lambda part: new if part == Name(name) else part)
