"""Equations that are called in place of others, with a known mistake or by another convention, or that are not called.

Single lines of another convention stand in place of those of the equation, too.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain

from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.everywhere import everywhere
from attnspec.interpreters.mutation.function_substitutions import function_substitutions
from attnspec.interpreters.mutation.mutants import (
    Mutant,
    adapted,
    conventions,
    curated_and_conventions,
    is_well_formed,
    lookalikes,
    parts,
)
from attnspec.language.equation import REGISTRY
from attnspec.language.traversal import (
    callees,
    equations_throughout,
    map_throughout,
    nodes,
    nodes_throughout,
    reads,
    replace_callee,
    replace_node,
)
from attnspec.language.tree import Apply, Call, CallLike, Definition, Name, Node, Number, Reduce, Scan


def callee_errors(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation with another equation in one call, none, or another in every call of one."""
    calls: dict[str, int] = {}
    for place in everywhere(definition):
        if isinstance(call := place.node, Call):
            calls[call.callee.id] = calls.get(call.callee.id, 0) + 1
            for argument in call.args[:1] if len(call.callee.results) == 1 else ():
                tree = place.put(argument)
                if place.site.type_of(argument) == place.site.type_of(call) and is_well_formed(tree):
                    name, shown = call.callee.id.rpartition(".")[2], place.site.show(argument)
                    yield Mutant(f"{place.label}/left-out", f"in {place.line}: {name} of {shown} is left out", tree)
            for other in _in_place_of(call.callee):
                tree = place.put(replace(call, callee=other.definition))
                if is_well_formed(tree):
                    yield Mutant(f"{place.label}/{other.id}", f"in {place.line}: {_shown(other)}", tree)
    for callee, count in calls.items():
        for other in _in_place_of_id(callee) if count > 1 and callee in REGISTRY else ():
            tree = map_throughout(definition, lambda node, _, other=other: _called(node, other))  # type: ignore[misc]  # mypy does not infer a lambda with a default
            if is_well_formed(tree):
                yield Mutant(f"every {callee}/{other.id}", f"each time: {_shown(other)}", tree)


def lines_of_conventions(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation with one line as another convention has it, in it or in an equation that it calls."""
    for owner in equations_throughout(definition):
        known = REGISTRY.get(owner.id)
        for other in conventions(known) if known is not None and known.definition == owner else ():
            for label, wrong in _with_lines_of(owner, other.definition):
                tree = wrong if owner.id == definition.id else _calling(definition, owner, wrong)
                if is_well_formed(tree):
                    says = f"in {label}: it is computed as in {other.id}"
                    yield Mutant(f"{label}/line of {other.id}", says, tree)


def conventions_in_halves(definition: Definition) -> Iterator[Mutant]:
    """The conventions of an equation with one more parameter, which gets half of another one.

    So are they called where an array of the candidate is the sum of two, as one bias of PyTorch's GRU is.
    """
    known = REGISTRY.get(definition.id)
    for other in conventions(known) if known is not None and known.definition == definition else ():
        additional = [each for each in other.definition.parameters if each not in definition.parameters]
        for shared in definition.parameters if len(additional) == 1 else ():
            (own,), half = additional, Apply("/", (Name(shared.name), Number(2.0)))
            if shared.symbol.weight and own.symbol.weight and shared.dims == own.dims:
                tree = adapted(other.definition, definition, {shared.name: half, own.name: half})
                if tree is not None and is_well_formed(tree):
                    symbols = [text_of(Name(name), other.definition) for name in (shared.name, own.name)]
                    says = f"this is {other.id}, if half of {symbols[0]} is {symbols[1]}"
                    yield Mutant(f"{other.id}/half of {shared.name}", says, tree)


def _with_lines_of(owner: Definition, other: Definition) -> Iterator[tuple[str, Definition]]:
    """An equation with each line, in turn, that another one has under the same name and computes differently."""
    theirs = {line.targets[0]: line.value for line in other.lines if len(line.targets) == 1}
    own = {name for line in owner.lines for name in line.targets}
    arguments = {parameter.name for parameter in owner.parameters} | {option.name for option in owner.options}
    if any(owner.ranges.get(name, dim) != dim for name, dim in other.indices):
        return
    for k, (label, root, build) in enumerate(parts(owner)):
        if k < len(owner.lines) and label in theirs:
            before = arguments | {name for line in owner.lines[:k] for name in line.targets}
            value = _written_out(theirs[label], theirs, before, own)
            if value is not None and value != root:
                more = [each for each in other.indices if each[0] not in owner.ranges]
                yield label, replace(build(value), indices=(*owner.indices, *more))


def _written_out(node: Node, lines: Mapping[str, Node], known: Collection[str], own: Collection[str]) -> Node | None:
    """An expression of another equation in known names, with its lines written out; None if it has others."""
    if any(isinstance(each, Scan) for each in nodes(node)):
        return None
    unknown = next((name for name in reads(node) if name not in known), None)
    if unknown is None:
        return node
    if unknown in own or unknown not in lines:
        return None
    return _written_out(replace_node(node, Name(unknown), lines[unknown]), lines, known, own)


def _calling(definition: Definition, old: Definition, new: Definition) -> Definition:
    """An equation with another one in place of one that it calls, directly or not."""

    def change(node: Node, _: Definition) -> Node:
        return replace(node, callee=new) if isinstance(node, CallLike) and node.callee == old else node

    return map_throughout(definition, change)


def conventions_with_other_functions(definition: Definition) -> Iterator[Mutant]:
    """The other conventions of an equation that is called, with a function that the equation lacks replaced in them.

    If there are none, they are those of the equation itself.
    """
    found = False
    for callee in dict.fromkeys(callees(definition)):
        for wrong in _with_other_functions(_in_place_of(callee), callee):
            tree = replace_callee(definition, callee, wrong.definition)
            if is_well_formed(tree):
                found = True
                yield replace(wrong, id=f"{callee.id}/{wrong.id}", definition=tree)
    if not found:
        yield from _with_other_functions(_in_place_of(definition), definition)


def _with_other_functions(others: Iterable[Mutant], own: Definition) -> Iterator[Mutant]:
    """The substitutions of functions that an equation lacks, made in other conventions of it."""
    have = _operations(own)
    for other in others:
        lacking = _operations(other.definition) - have if other.kind == "convention" else set()
        for mutant in function_substitutions(other.definition) if lacking else ():
            if not mutant.in_storage and not lacking <= _operations(mutant.definition):
                says = f"{other.id} is used, where {mutant.says}"
                yield Mutant(f"{other.id}/{mutant.id}", says, mutant.definition)


def _operations(definition: Definition) -> set[str]:
    return {node.op for node in nodes_throughout(definition) if isinstance(node, Apply | Reduce)}


def _in_place_of(callee: Definition) -> Iterator[Mutant]:
    """What may be called in place of an equation, unless it is changed already."""
    known = REGISTRY.get(callee.id)
    return _in_place_of_id(callee.id) if known is not None and known.definition == callee else iter(())


def _in_place_of_id(callee: str) -> Iterator[Mutant]:
    known = REGISTRY[callee]
    others = chain(curated_and_conventions(known), lookalikes(known))
    return (other for other in others if not other.equal_sizes and not other.in_storage)


def _called(node: Node, other: Mutant) -> Node:
    if isinstance(node, CallLike) and node.callee.id == other.definition.id:
        return replace(node, callee=other.definition)
    return node


def _shown(other: Mutant) -> str:
    """What a mutant of a called equation says; another equation is called, not the whole."""
    return other.says.replace(f"this is {other.id}", f"{other.id} is used", 1)
