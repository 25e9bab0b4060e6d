"""Mistakes with the steps of a recurrence: other starts, steps that are left out, values of other steps.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.everywhere import Occurrence, everywhere
from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed, parts
from attnspec.language.check import check
from attnspec.language.dims import Dim
from attnspec.language.traversal import map_node, nodes, replace_node
from attnspec.language.tree import (
    ONE,
    ZERO,
    Apply,
    At,
    Call,
    Definition,
    Last,
    Line,
    Name,
    Node,
    Number,
    Parameter,
    Position,
    Reduce,
    Scan,
    SizeOf,
    Zeros,
)

CHUNKS = (2, 4, 8, 10, 16, 20, 32, 35, 64, 128)
"""After so many steps software may cut a sequence."""

Variant = tuple[str, str, Scan]
"""A wrong recurrence: id, sentence, recurrence."""


def step_errors(definition: Definition, further: Iterable[int] = ()) -> Iterator[Mutant]:
    """The variants of an equation with one of these mistakes in one recurrence.

    Args:
        further: numbers of steps that are tried besides the usual ones.
    """
    chunks = [*dict.fromkeys((*further, *CHUNKS))]
    for place in everywhere(definition):
        match place.node:
            case Scan() as scan:
                for name, sentence, new in (
                    *_never_carried(scan),
                    *_started_again(scan, place, chunks),
                    *_not_handed_on(scan, place, chunks),
                    *_one_short(scan, place),
                    *_of_the_first_step(scan),
                    *_handed_over(scan, place),
                ):
                    tree = place.put(new)
                    if is_well_formed(tree):
                        yield Mutant(f"{place.label}/{name}", f"in {place.line}: {sentence}", tree)
    for mutant in (*_other_starts(definition), *_one_step_late(definition), *_two_steps_before(definition)):
        if is_well_formed(mutant.definition):
            yield mutant


def _other_starts(definition: Definition) -> Iterator[Mutant]:
    """A recurrence starts from another argument, or from the mean, the first or the last row of one."""
    for place in everywhere(definition):
        if not isinstance(scan := place.node, Scan) or place.site.definition is not definition:
            continue
        for k, start in enumerate(scan.starts):
            dims, shown = place.site.type_of(start).dims, place.site.show(start)
            for word, other, more in _begins(definition, dims):
                if other != start:
                    new = replace(scan, starts=(*scan.starts[:k], other, *scan.starts[k + 1 :]))
                    tree = place.put(new)
                    says = f"in {place.line}: the recurrence starts from {word}, not from {shown}"
                    yield Mutant(
                        f"{place.label}/starts/{k}/{word}", says, replace(tree, indices=(*tree.indices, *more))
                    )


def _begins(definition: Definition, dims: tuple[Dim, ...]) -> Iterator[tuple[str, Node, tuple[tuple[str, Dim], ...]]]:
    """What a state of these axes may begin with: words, expression, and indices that it needs."""
    for parameter in definition.parameters:
        array, shown = Name(parameter.name), text_of(Name(parameter.name), definition)
        if parameter.kind != "float" or parameter.symbol.weight:
            continue
        if parameter.dims == dims:
            yield shown, array, ()
        elif parameter.dims[1:] == dims:
            rows = parameter.dims[0]
            index, count = f"{rows}'", SizeOf(rows)
            total = Reduce("sum", index, At(array, (Position(index),)))
            yield f"the mean of {shown}", Apply("/", (total, count)), ((index, rows),)
            yield f"the first row of {shown}", At(array, (ZERO,)), ()
            yield f"the last row of {shown}", At(array, (Apply("-", (count, ONE)),)), ()


def _called_steps(definition: Definition) -> Iterator[tuple[int, Line, Scan, Call]]:
    """The lines that are recurrences over a called equation: position, line, recurrence and call."""
    for k, line in enumerate(definition.lines):
        match line.value:
            case Scan(body=Call() as call) as scan:
                yield k, line, scan, call


def _one_step_late(definition: Definition) -> Iterator[Mutant]:
    """A line of the equation of a step reads what another line had at the step before, and 0 at the first."""
    known = check(definition)
    for k, line, scan, call in _called_steps(definition):
        callee, outer = call.callee, {each.name: each.dims for each in definition.parameters}
        outer |= {state: known[target].dims for state, target in zip(scan.states, line.targets, strict=True)}
        given = [
            (parameter.dims, outer[argument.id])
            for parameter, argument in zip(callee.parameters, call.args, strict=True)
            if isinstance(argument, Name) and argument.id in outer
        ]
        sizes = {str(inner): own for theirs, ours in given for inner, own in zip(theirs, ours, strict=True)}
        types = check(callee)
        for target in (each.targets[0] for each in callee.lines if len(each.targets) == 1):
            kind = types[target]
            if kind.kind != "float" or kind.names or not {*map(str, kind.dims)} <= sizes.keys():
                continue
            late = Parameter(f"{target}'", "float", kind.dims)
            for label, root, put in parts(callee):
                moved = replace_node(root, Name(target), Name(late.name))
                if moved == root or root == Name(target):
                    continue
                wrong = put(moved)
                wrong = replace(
                    wrong,
                    parameters=(*wrong.parameters, late),
                    returns=(*wrong.returns, Name(target)),
                    results=(*wrong.results, Parameter(target, "float", kind.dims)),
                )
                body = replace(call, callee=wrong, args=(*call.args, Name(late.name)))
                start = Zeros(tuple(sizes[str(dim)] for dim in kind.dims))
                new = replace(scan, states=(*scan.states, late.name), body=body, starts=(*scan.starts, start))
                changed = replace(line, targets=(*line.targets, late.name), value=new)
                tree = replace(definition, lines=(*definition.lines[:k], changed, *definition.lines[k + 1 :]))
                shown, reader = (text_of(Name(name), callee) for name in (target, label))
                says = f"in {', '.join(line.targets)}: {reader} reads {shown} of the step before, and 0 at the first"
                yield Mutant(f"{line.targets[0]}/{label}/late/{target}", says, tree)


def _two_steps_before(definition: Definition) -> Iterator[Mutant]:
    """Each step reads a state of two steps before, as from the wrong one of two buffers that take turns."""
    for k, line, scan, call in _called_steps(definition):
        of = dict(zip((each.name for each in call.callee.parameters), call.args, strict=True))
        for state, target, start in zip(scan.states, line.targets, scan.starts, strict=True):
            dims = [each.dims for each in call.callee.parameters if of[each.name] == Name(state)]
            if len(dims) != 1:
                continue
            now, late = Parameter(f"{state}''", "float", dims[0]), f"{target}'"
            callee = replace(
                call.callee,
                parameters=(*call.callee.parameters, now),
                returns=(*call.callee.returns, Name(now.name)),
                results=(*call.callee.results, now),
            )
            args = tuple(Name(late) if each == Name(state) else each for each in call.args)
            body = replace(call, callee=callee, args=(*args, Name(state)))
            new = replace(scan, states=(*scan.states, late), body=body, starts=(*scan.starts, start))
            changed = replace(line, targets=(*line.targets, late), value=new)
            tree = replace(definition, lines=(*definition.lines[:k], changed, *definition.lines[k + 1 :]))
            says = (
                f"in {', '.join(line.targets)}: each step reads {text_of(Name(state), definition)} of two steps before"
            )
            yield Mutant(f"{line.targets[0]}/two-before/{state}", says, tree)


def _of_state(scan: Scan, new: Callable[[Node, Node], Node]) -> Scan:
    """The recurrence whose step reads something else for each state, made of it and of its start."""
    starts = dict(zip(scan.states, scan.starts, strict=True))

    def change(node: Node) -> Node:
        return new(node, starts[node.id]) if isinstance(node, Name) and node.id in starts else node

    return replace(scan, body=map_node(scan.body, change))


def _never_carried(scan: Scan) -> Iterator[Variant]:
    """Every step reads the start; of a single state that begins with an argument, the argument stands in its place."""
    if len(scan.states) > 1 or not isinstance(scan.starts[0], Name):
        new = _of_state(scan, lambda _, start: start)
        yield "again/1", "every step begins as the first one: it does not see the state before it", new


def _started_again(scan: Scan, place: Occurrence, chunks: Iterable[int]) -> Iterator[Variant]:
    """Pieces of a sequence do not hand their states on; what runs backwards has its pieces counted from the end."""
    step, length = Position(scan.index), SizeOf(place.site.definition.ranges[scan.index])
    for chunk in chunks:
        for word, words, number in (
            ("again", "", step),
            ("again-from-end", ", counted from the end,", Apply("-", (length, step))),
        ):
            at_start = Apply("==", (Apply("%", (number, Number(float(chunk)))), ZERO))
            new = _of_state(scan, lambda state, start, at=at_start: Apply("where", (at, start, state)))  # type: ignore[misc]  # mypy does not infer a lambda with a default
            yield f"{word}/{chunk}", f"every {chunk} steps{words} the recurrence starts again", new
        if not all(isinstance(start, Zeros | Number) for start in scan.starts):
            behind = Apply("==", (Apply("%", (step, Number(float(chunk)))), ZERO))
            later = Apply("and", (Apply("<", (ZERO, step)), behind))
            new = _of_state(scan, lambda state, _, at=later: Apply("where", (at, ZERO, state)))  # type: ignore[misc]  # as above
            yield f"zero/{chunk}", f"behind each {chunk} steps the recurrence goes on from 0", new


def _not_handed_on(scan: Scan, place: Occurrence, chunks: Iterable[int]) -> Iterator[Variant]:
    """What runs backwards from 0, as gradients do, is not handed on to earlier pieces."""
    if not all(isinstance(start, Zeros) for start in scan.starts) or len(scan.states) > 1:
        return
    last = Apply("-", (SizeOf(place.site.definition.ranges[scan.index]), ONE))
    step = Apply("-", (last, Position(scan.index)))
    for chunk in chunks:
        at_start = Apply("==", (Apply("%", (step, Number(float(chunk)))), ZERO))
        cut = Apply("and", (Apply("<", (ZERO, step)), at_start))
        new = replace(scan, body=Apply("where", (cut, scan.starts[0], scan.body)))
        yield f"cut/{chunk}", f"nothing is handed on to earlier steps every {chunk} steps, as of detached states", new


def _one_short(scan: Scan, place: Occurrence) -> Iterator[Variant]:
    """The last of several steps leaves the state as it is."""
    if len(scan.states) > 1:
        return
    step, last = Position(scan.index), Apply("-", (SizeOf(place.site.definition.ranges[scan.index]), ONE))
    is_last = Apply("and", (Apply("<", (ZERO, step)), Apply("<=", (last, step))))
    new = replace(scan, body=Apply("where", (is_last, Name(scan.states[0]), scan.body)))
    yield "short", f"of several steps over {scan.index} the last is left out", new


def _of_the_first_step(scan: Scan) -> Iterator[Variant]:
    """A line of the equation of a step reads the states before the first step, or all that the first step reads."""
    if not isinstance(call := scan.body, Call):
        return
    callee = call.callee
    first = {
        parameter: _at_start(argument, scan)
        for parameter, argument in zip(callee.parameters, call.args, strict=True)
        if _at_start(argument, scan) != argument
    }
    states = {
        parameter for parameter, argument in zip(callee.parameters, call.args, strict=True) if _is_state(argument, scan)
    }
    for k, line in enumerate(callee.lines):
        read = [parameter for parameter in first if Name(parameter.name) in nodes(line.value)]
        before = [parameter for parameter in read if parameter in states]
        shown = text_of(Name(line.targets[0]), callee)
        for word, some in (("states", before), ("all", read if len(read) > len(before) else [])):
            if some:
                extra = {parameter.name: replace(parameter, name=f"{parameter.name}'") for parameter in some}
                value = map_node(line.value, lambda node, extra=extra: _renamed(node, extra))  # type: ignore[misc]  # mypy does not infer a lambda with a default
                lines = (*callee.lines[:k], replace(line, value=value), *callee.lines[k + 1 :])
                wrong = replace(callee, parameters=(*callee.parameters, *extra.values()), lines=lines)
                args = (*call.args, *(first[parameter] for parameter in some))
                names = " and ".join(text_of(Name(parameter.name), callee) for parameter in some)
                says = f"{shown} reads {names} of the first step at every step"
                yield (
                    f"{line.targets[0]}/first-{word}",
                    says,
                    replace(scan, body=replace(call, callee=wrong, args=args)),
                )


def _renamed(node: Node, others: dict[str, Parameter]) -> Node:
    return Name(others[node.id].name) if isinstance(node, Name) and node.id in others else node


def _is_state(argument: Node, scan: Scan) -> bool:
    return isinstance(argument, Name) and argument.id in scan.states


def _at_start(argument: Node, scan: Scan) -> Node:
    """An argument of a step as it is at the first one."""
    starts = dict(zip(scan.states, scan.starts, strict=True))

    def change(node: Node) -> Node:
        if isinstance(node, Name) and node.id in starts:
            return starts[node.id]
        return ZERO if node == Position(scan.index) else node

    return map_node(argument, change)


def _handed_over(scan: Scan, place: Occurrence) -> Iterator[Variant]:
    """A recurrence starts from the last state of an earlier one."""
    for line in place.site.definition.lines:
        if isinstance(line.value, Scan) and {*line.targets} <= place.site.known.keys():
            for k, (start, target) in enumerate(zip(scan.starts, line.targets, strict=False)):
                end = Last(line.value.index, Name(target))
                shown, also = place.site.show(start), place.site.show(end)
                new = replace(scan, starts=(*scan.starts[:k], end, *scan.starts[k + 1 :]))
                yield f"start/{target}", f"the recurrence starts from {also}, not from {shown}", new
