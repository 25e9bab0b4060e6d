"""Factors and terms that act elsewhere: after a sum, a norm or a product, on a constant, or on one factor of what they
are added to; and elements that are joined in another order.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from attnspec.interpreters.mutation.everywhere import Occurrence, everywhere
from attnspec.interpreters.mutation.free_numbers import is_float
from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed, parts
from attnspec.language.dims import Dim
from attnspec.language.traversal import node_at, nodes, substitute, walk, with_roots
from attnspec.language.tree import (
    Apply,
    At,
    Concat,
    Definition,
    Name,
    Node,
    Number,
    Reduce,
    Reshape,
    Scan,
    SizeOf,
    Stack,
)


def moved_parts(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation in which an argument acts on another line or result than its own.

    It is a factor or a term there; the line that it is taken out of has it once.
    """
    yield from _on_whole_sums(definition)
    yield from _into_factors(definition)
    yield from _into_sums(definition)
    yield from _out_of_sums(definition)
    yield from _interleaved(definition)
    yield from _onto_constants(definition)
    labels = [label for label, _, _ in parts(definition)]
    for place in everywhere(definition):
        if "/" in place.label or place.label not in labels:
            continue
        root = labels.index(place.label)
        for op, kept, moved in _separable(place):
            taken = place.put(kept)
            for k, other in enumerate(taken.roots):
                if k <= root or isinstance(other, Scan):
                    continue
                tree = with_roots(taken, (*taken.roots[:k], Apply(op, (other, moved)), *taken.roots[k + 1 :]))
                if is_well_formed(tree):
                    shown = place.site.show(moved)
                    says = f"{shown} acts on {labels[k]}, not in {place.label}"
                    verb = "is a factor of" if op == "*" else "is added to"
                    yield Mutant(f"{place.label}/{op}{shown} to {labels[k]}", f"{says}: it {verb} the whole", tree)


def _into_factors(definition: Definition) -> Iterator[Mutant]:
    """A term that belongs to a quotient or a product is added to its divisor, or to one of its factors."""
    lines = {line.targets: k for k, line in enumerate(definition.lines)}
    for place in everywhere(definition):
        match place.node:
            case Apply(op="+", args=(one, other)) if is_float(place.node, place.site):
                for whole, term in ((one, other), (other, one)):
                    match whole:
                        case Apply(op="/" | "*") as product:
                            for part, new in _with_term(product, term):
                                yield from _added_to(part, term, place, place.put(new))
                        case Name(id=name) if (name,) in lines and "/" not in place.label:
                            taken = place.put(whole)
                            for part, new in _with_term(definition.lines[lines[name,]].value, term):
                                roots = [*taken.roots]
                                roots[lines[name,]] = new
                                yield from _added_to(part, term, place, with_roots(taken, roots))


def _with_term(product: Node, term: Node) -> Iterator[tuple[Node, Node]]:
    """A part of a quotient or product, and the whole with a term added to this part."""
    match product:
        case Stack(array=inner, indices=indices):
            yield from ((part, Stack(new, indices)) for part, new in _with_term(inner, term))
        case Apply(op="/" | "*" as op, args=(a, b)):
            yield b, Apply(op, (a, Apply("+", (b, term))))
            if op == "*":
                yield a, Apply(op, (Apply("+", (a, term)), b))


def _added_to(part: Node, term: Node, place: Occurrence, tree: Definition) -> Iterator[Mutant]:
    if is_well_formed(tree):
        shown, whole = place.site.show(term), place.site.show(place.node)
        says = f"in {place.line}: {shown} is added to {place.site.show(part)}, and not as in {whole}"
        yield Mutant(f"{place.label}/+{shown} to {place.site.show(part)}", says, tree)


def _on_whole_sums(definition: Definition) -> Iterator[Mutant]:
    """A factor within one term of a sum multiplies the whole sum."""
    for place in everywhere(definition):
        match place.node:
            case Apply(op="+") as whole:
                for path, node in walk(whole):
                    between = [node_at(whole, path[:k]) for k in range(len(path))]
                    if not all(isinstance(each, Apply) and each.op in ("+", "*", "@") for each in between):
                        continue
                    for how, kept, factor in _separable_factors(node, place):
                        tree = place.put(Apply("*", (factor, substitute(whole, path, kept))))
                        if is_well_formed(tree):
                            says = f"{place.site.show(factor)} multiplies all of {place.site.show(whole)}"
                            yield Mutant(f"{place.label}/whole/{how}", f"in {place.line}: {says}", tree)


def _into_sums(definition: Definition) -> Iterator[Mutant]:
    """A factor of a sum, or what a function of it is taken of, multiplies each of its terms instead."""
    for place in everywhere(definition):
        match place.node:
            case Apply(op="*", args=(a, b)):
                for factor, total in ((a, b), (b, a)):
                    added = _sum_of(total, place)
                    if added is None:
                        continue
                    shown = place.site.show(factor)
                    inner = factor.args[0] if isinstance(factor, Apply) and len(factor.args) == 1 else factor
                    for each in dict.fromkeys((factor, inner)):
                        tree = place.put(replace(added, term=Apply("*", (each, added.term))))
                        if is_well_formed(tree):
                            also = "" if each == factor else f" as {place.site.show(each)}"
                            says = (
                                f"{shown} is a factor of each term of {place.site.show(total)}{also}, not of the whole"
                            )
                            yield Mutant(f"{place.label}/into/{shown}{also}", f"in {place.line}: {says}", tree)


def _sum_of(total: Node, place: Occurrence) -> Reduce | None:
    """The sum that an expression is, or that the line is whose value it is."""
    name = total.array if isinstance(total, At) else total
    if isinstance(name, Name):
        values = [line.value for line in place.site.definition.lines if line.targets == (name.id,)]
        stacked = values[0] if values else name
        total = stacked.array if isinstance(stacked, Stack) else stacked
    return total if isinstance(total, Reduce) and total.op == "sum" else None


def _out_of_sums(definition: Definition) -> Iterator[Mutant]:
    """A factor of each term of a sum multiplies the whole sum instead."""
    for place in everywhere(definition):
        match place.node:
            case Reduce(op="sum", term=Apply(op="*", args=(a, b))) as total:
                for factor, kept in ((a, b), (b, a)):
                    tree = place.put(Apply("*", (factor, replace(total, term=kept))))
                    if is_well_formed(tree):
                        shown = place.site.show(factor)
                        says = f"{shown} is a factor of all of {place.site.show(total)}, not of each term"
                        yield Mutant(f"{place.label}/out/{shown}", f"in {place.line}: {says}", tree)


def _interleaved(definition: Definition) -> Iterator[Mutant]:
    """Parts of one width are joined element by element, and not one behind the other."""
    for place in everywhere(definition):
        match place.node:
            case Concat(parts=parts) as joined:
                dims = {place.site.type_of(part).dims for part in parts}
                if len(parts) < 2 or len(dims) > 1:
                    continue
                *lead, width = dims.pop()
                last, each = len(lead), (*lead, Dim.of({(): len(parts)}), width)
                apart = Reshape(joined, tuple(range(last + 1)), each)
                order = (*range(last), last + 1, last)
                tree = place.put(Reshape(apart, order, place.site.type_of(joined).dims))
                if is_well_formed(tree):
                    says = f"in {place.line}: the parts are interleaved where they are joined"
                    yield Mutant(f"{place.label}/interleaved", says, tree)


def _onto_constants(definition: Definition) -> Iterator[Mutant]:
    """A number by which something is multiplied or divided multiplies or divides a constant of the formula instead."""
    for place in everywhere(definition):
        match place.node:
            case Apply(op="*" | "/" as op, args=(whole, scale)) if _is_scale(scale, place) and not place.compared:
                verb = "multiply" if op == "*" else "divide"
                shown, left = place.site.show(scale), place.site.show(whole)
                for other in everywhere(place.put(whole)):
                    if not isinstance(other.node, Number) or other.node.value in (0, 1) or other.compared:
                        continue
                    for kind, does in (("*", "multiplies"), ("/", "divides")):
                        tree = other.put(Apply(kind, (other.node, scale)))
                        if "/" not in place.label + other.label and is_well_formed(tree):
                            number = other.site.show(other.node)
                            says = f"in {other.line}: {shown} {does} {number}, and does not {verb} {left}"
                            yield Mutant(f"{other.label}/{shown} {does} {number}/{place.label}/{left}", says, tree)


def _is_scale(node: Node, place: Occurrence) -> bool:
    """Whether a node is an option or a size, or a function of these alone."""
    parts = [*nodes(node)]
    options = {option.name for option in place.site.definition.options}
    known = all(isinstance(part, Apply | Number | SizeOf | Name) for part in parts)
    names = {part.id for part in parts if isinstance(part, Name)}
    return known and names <= options and any(isinstance(part, Name | SizeOf) for part in parts)


def _separable_factors(node: Node, place: Occurrence) -> Iterator[tuple[str, Node, Node]]:
    """Name, what is left, and the factor that is taken out of a product."""
    match node:
        case Apply(op="*", args=(a, b)):
            for kept, factor in ((a, b), (b, a)):
                if isinstance(factor, Name | At):
                    yield place.site.show(factor), kept, factor


def _separable(place: Occurrence) -> Iterator[tuple[str, Node, Node]]:
    """Operation, what is left, and the argument that is taken out, of a product or a sum."""
    match place.node:
        case Apply(op="*" | "+" as op, args=(a, b)) if is_float(place.node, place.site):
            for kept, moved in ((a, b), (b, a)):
                name = moved.array if isinstance(moved, At) else moved
                if isinstance(name, Name) and any(each.name == name.id for each in place.site.definition.parameters):
                    yield op, kept, moved
