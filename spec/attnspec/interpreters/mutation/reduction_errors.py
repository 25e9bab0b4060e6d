"""Mistakes in a sum, a choice or a row: another reduction, terms left out, another of equal elements.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from attnspec.interpreters.mutation.everywhere import Occurrence, everywhere
from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed
from attnspec.interpreters.mutation.size_errors import PADDED
from attnspec.language.dims import Dim
from attnspec.language.traversal import map_definition, map_node, nodes
from attnspec.language.tree import (
    ONE,
    ZERO,
    Apply,
    At,
    CallLike,
    Definition,
    Name,
    Node,
    Number,
    Position,
    Reduce,
    SizeOf,
    Stack,
)

VECTORS = (2, 4, 8, 16, 32)
"""How many elements a kernel reads at once."""

THREADS = (32, 64, 128, 256)
"""How many threads of a kernel compare the elements of an axis in turn."""


def reduction_errors(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation with each mistake at one place."""
    for place in everywhere(definition):
        for name, sentence, new in (
            *_of_sum(place),
            *_exchanged(place),
            *_cut(place),
            *_absolute_deviation(place),
            *_scaled_before(place),
            *_of_last_rows(place),
            *_of_one_row(place),
            *_of_tiles(place),
            *_of_choice(place),
            *_of_row(place),
        ):
            tree = place.put(new)
            if is_well_formed(tree):
                yield Mutant(f"{place.label}/{name}", f"in {place.line}: {sentence}", tree)
    for place in everywhere(with_row_indices(definition)):
        for name, sentence, new in (*_cut_product(place), *_distance(place)):
            tree = place.put(new)
            if is_well_formed(tree):
                yield Mutant(f"{place.label}/{name}", f"in {place.line}: {sentence}", tree)
    yield from _assigned(definition)


def _assigned(definition: Definition) -> Iterator[Mutant]:
    """In all sums and products of matrices over an index only one term counts: each step assigns, and adds nothing."""
    places = [place for place in everywhere(definition) if "/" not in place.label]
    for index, dim in definition.ranges.items():
        for word, position in (("first", ZERO), ("last", Apply("-", (SizeOf(dim), ONE)))):
            alone = Apply("==", (Apply("*", (ONE, Position(index))), position))
            changes: dict[Node, Node] = {}
            for place in places:
                match place.node:
                    case Reduce(op="sum", index=over, where=None) as total if over == index:
                        changes[total] = replace(total, where=alone)
                    case Apply(op="@", args=(one, Name() as other)) as product:
                        left, right = place.site.type_of(one).dims, place.site.type_of(other).dims
                        if len(left) == len(right) == 2 and left[1] == right[0] == dim and not place.site.bound:
                            kept = Apply("where", (alone, At(other, (Position(index),)), ZERO))
                            changes[product] = Apply("@", (one, Stack(kept, (index,))))
            if len(changes) < 2:
                continue
            tree = map_definition(definition, lambda node, changes=changes: changes.get(node, node))  # type: ignore[misc]  # mypy does not infer a lambda with a default
            if is_well_formed(tree):
                says = f"of all sums over {index} only the {word} term counts, as if each were assigned and not added"
                yield Mutant(f"every sum over {index}/{word}-alone", says, tree)


def _of_sum(place: Occurrence) -> Iterator[tuple[str, str, Node]]:
    """The mean is used instead of a sum, or only its first or last term counts: it is assigned, not added."""
    match place.node:
        case Reduce(op="sum", index=index, where=where) as node:
            size = SizeOf(place.site.definition.ranges[index])
            shown = place.site.show(node)
            words = f"the mean over {index} is used instead of {shown}"
            yield f"mean/{index}", words, Apply("/", (node, size))
            if where is None:
                or_one = Apply("where", (Apply("<", (size, ONE)), ONE, size))
                yield f"mean/{index}-or-0-of-all", f"{words}, and 0 of none", Apply("/", (node, or_one))
            if where is not None:
                count = Reduce("sum", index, ONE, where)
                mean, words = Apply("/", (node, count)), f"the mean of the terms is used instead of {shown}"
                yield f"mean/{index}-where", words, mean
                at_least_one = Apply("+", (count, Apply("relu", (Apply("-", (ONE, count)),))))
                yield f"mean/{index}-or-0", f"{words}, and 0 of none", Apply("/", (node, at_least_one))
            for word, position in (("last", _last(index, where)), ("first", _first(index, where))):
                alone = Apply("==", (Apply("*", (ONE, Position(index))), position))
                seen = alone if where is None else Apply("and", (where, alone))
                sentence = f"only the {word} term of {shown} counts"
                yield f"{word}-alone/{index}", sentence, replace(node, where=seen)
            if where is None and any(_reads_at(part, index) for part in nodes(node.term)):
                for length, padded in PADDED.items():
                    more = Apply("*", (Apply("-", (padded(size), size)), _of_zeros(node.term, index)))
                    sentence = f"{shown} also counts zeros behind the last place, up to {length}"
                    yield f"padded/{index}", sentence, Apply("+", (node, more))


def _exchanged(place: Occurrence) -> Iterator[tuple[str, str, Node]]:
    """The largest or smallest term, or the root of the sum of squares, instead of a sum or a mean."""
    match place.node:
        case Reduce(op="sum") as total if not isinstance(total.term, Number):
            yield from _other_reductions(total, place.site.show(total))
        case Apply(op="/", args=(Reduce(op="sum") as total, count)) if isinstance(count, SizeOf | Reduce):
            yield from _other_reductions(total, place.site.show(place.node))
            squares = Apply("/", (replace(total, term=_square(total.term)), count))
            sentence = f"the root of the mean of squares is used instead of {place.site.show(place.node)}"
            yield f"root-mean-square/{total.index}", sentence, Apply("sqrt", (squares,))
        case Reduce(op="max") as largest:
            smallest = Apply("neg", (replace(largest, term=Apply("neg", (largest.term,))),))
            yield f"smallest/{largest.index}", f"the smallest is used instead of {place.site.show(largest)}", smallest
            total = replace(largest, op="sum")
            yield f"sum/{largest.index}", f"the sum is used instead of {place.site.show(largest)}", total
            size = SizeOf(place.site.definition.ranges[largest.index])
            count = size if largest.where is None else Reduce("sum", largest.index, ONE, largest.where)
            mean = Apply("/", (total, count))
            yield f"mean/{largest.index}", f"the mean is used instead of {place.site.show(largest)}", mean


def _absolute_deviation(place: Occurrence) -> Iterator[tuple[str, str, Node]]:
    """A mean of absolute values, with what is added below the root, stands for the root of a mean of squares."""
    match place.node:
        case Apply(op="sqrt", args=(Apply(op="+", args=(squares, more)),)):
            added: Node | None = more
        case Apply(op="sqrt", args=(squares,)):
            added = None
        case _:
            return
    lines = place.site.definition.lines
    inner = next((line.value for line in lines if line.targets == (getattr(squares, "id", ""),)), squares)
    match inner:
        case Apply(op="/", args=(Reduce(op="sum", term=Apply(op="*", args=(a, b))) as total, count)) if a == b:
            mean: Node = Apply("/", (replace(total, term=Apply("abs", (a,))), count))
            says = f"the mean of absolute values is used instead of {place.site.show(place.node)}"
            yield "absolute", says, mean if added is None else Apply("+", (mean, added))


def _scaled_before(place: Occurrence) -> Iterator[tuple[str, str, Node]]:
    """What is added to a mean of squares is added after the row is divided by its largest component."""
    match place.node:
        case Apply(op="+", args=(squares, Name(id=name) as added)):
            options = {option.name for option in place.site.definition.options if option.kind == "float"}
            lines = place.site.definition.lines
            inner = next((line.value for line in lines if line.targets == (getattr(squares, "id", ""),)), squares)
            match inner:
                case Apply(op="/", args=(Reduce(op="sum", term=Apply(op="*", args=(a, b))) as total, _)) if (
                    a == b and name in options
                ):
                    largest = replace(total, op="max", term=Apply("abs", (a,)))
                    scaled = Apply("*", (added, _square(largest)))
                    shown = f"{place.site.show(added)} is added to the squares of a row that is divided by its largest"
                    yield "scaled-before", f"{shown} component", Apply("+", (squares, scaled))


def _of_last_rows(place: Occurrence) -> Iterator[tuple[str, str, Node]]:
    """Of an array that is longer than the index by which it is read, the last rows are read, not the first ones."""
    match place.node:
        case At(array=Name(id=name) as array, places=(at, *rest)) if name in place.site.known:
            names = place.site.type_of(at).names
            dims = place.site.known[name].dims
            if len(names) == 1 and dims and dims[0] != (length := place.site.definition.ranges[next(iter(names))]):
                more = Apply("-", (SizeOf(dims[0]), SizeOf(length)))
                new = At(array, (Apply("+", (Apply("*", (ONE, at)), more)), *rest))
                yield "last-rows", f"the last rows of {place.site.show(array)} are read, not the first ones", new


def _of_one_row(place: Occurrence) -> Iterator[tuple[str, str, Node]]:
    """One row of an array is read at every place: the first, the last, or that behind as many as there are places."""
    match place.node:
        case At(array=Name(id=name) as array, places=(at, *rest)) if name in place.site.known:
            names, dims = place.site.type_of(at).names, place.site.known[name].dims
            if len(names) != 1 or len(dims) < 2:
                return
            (index,) = names
            length = place.site.definition.ranges[index]
            rows: dict[str, Node] = {"the first": ZERO, "the last": Apply("-", (SizeOf(dims[0]), ONE))}
            if dims[0] != length:
                rows[f"that behind {length} others"] = SizeOf(length)
            for word, row in rows.items():
                says = f"one row of {place.site.show(array)} is read at every place of {index}: {word}"
                yield f"one-row/{word}/{index}", says, At(array, (row, *rest))


def _other_reductions(total: Reduce, shown: str) -> Iterator[tuple[str, str, Node]]:
    index, smallest = total.index, replace(total, op="max", term=Apply("neg", (total.term,)))
    yield f"largest/{index}", f"the largest term is used instead of {shown}", replace(total, op="max")
    yield f"smallest/{index}", f"the smallest term is used instead of {shown}", Apply("neg", (smallest,))
    length = Apply("sqrt", (replace(total, term=_square(total.term)),))
    yield f"length/{index}", f"the root of the sum of squares is used instead of {shown}", length


def _square(node: Node) -> Node:
    return Apply("*", (node, node))


def _cut(place: Occurrence) -> Iterator[tuple[str, str, Node]]:
    """Only whole vectors of elements are read: a sum stops at a multiple of their size."""
    match place.node:
        case Reduce(op="sum" | "max", index=index, term=term, where=where) as node if not isinstance(term, Number):
            size = SizeOf(place.site.definition.ranges[index])
            for vector in VECTORS:
                within = Apply("<", (Apply("*", (ONE, Position(index))), _whole(size, vector)))
                seen = within if where is None else Apply("and", (where, within))
                sentence = f"terms of {place.site.show(node)} behind the last multiple of {vector} do not count"
                yield f"cut-{vector}/{index}", sentence, replace(node, where=seen)


def _cut_product(place: Occurrence) -> Iterator[tuple[str, str, Node]]:
    """A product of a row and an array stops at the last whole vector of the row."""
    match place.node:
        case Apply(op="@", args=(row, array)) as product:
            dims = place.site.type_of(row).dims
            along = along_row(dims[0]) if len(dims) == 1 else ""
            if along not in place.site.definition.ranges:
                return
            for vector in VECTORS:
                whole = _whole(SizeOf(dims[0]), vector)
                within = Apply("<", (Apply("*", (ONE, Position(along))), whole))
                kept = Apply("where", (within, At(row, (Position(along),)), ZERO))
                sentence = f"terms of {place.site.show(product)} behind the last multiple of {vector} do not count"
                yield f"cut-{vector}", sentence, Apply("@", (Stack(kept, (along,)), array))


def _distance(place: Occurrence) -> Iterator[tuple[str, str, Node]]:
    """A distance stands where a product of two rows should; its square is an insertion."""
    match place.node:
        case Apply(op="@", args=(a, b)) as product:
            one, other = place.site.type_of(a).dims, place.site.type_of(b).dims
            along = along_row(one[0]) if len(one) == 1 and one == other else ""
            if along not in place.site.definition.ranges:
                return
            difference, shown = Apply("-", (a, b)), place.site.show(product)
            size = Apply("abs", (At(difference, (Position(along),)),))
            for norm, distance in (
                ("the sum of absolute differences", Reduce("sum", along, size)),
                ("the distance", Apply("sqrt", (Apply("@", (difference, difference)),))),
            ):
                for word, sign in (("the negative of ", Apply("neg", (distance,))), ("", distance)):
                    yield f"distance/{word}{norm}", f"{word}{norm} is used instead of {shown}", sign


def along_row(dim: Dim) -> str:
    """The name of an index along a row of a size, which needs none in the formula."""
    return f"along {dim}"


def with_row_indices(definition: Definition) -> Definition:
    """The equation, and those that it calls, with an index along each axis of an argument."""

    def change(node: Node) -> Node:
        return replace(node, callee=with_row_indices(node.callee)) if isinstance(node, CallLike) else node

    dims = {along_row(dim): dim for parameter in definition.parameters for dim in parameter.dims}
    own = map_definition(definition, change)
    return replace(own, indices=(*own.indices, *dims.items()))


def _of_tiles(place: Occurrence) -> Iterator[tuple[str, str, Node]]:
    """A mean is that of the means of tiles, of which the last is shorter and counts as much."""
    match place.node:
        case Apply(op="/", args=(Reduce(op="sum", index=index, term=term, where=None), SizeOf() as size)) as mean:
            for tile in (*VECTORS, 64, 128, 256, 512, 1024):
                number = Number(float(tile))
                start = Apply("*", (Apply("//", (Position(index), number)), number))
                left = Apply("-", (size, start))
                length = Apply("where", (Apply("<", (left, number)), left, number))
                tiles = Apply("//", (Apply("+", (size, Number(tile - 1.0))), number))
                share = Apply("/", (term, Apply("*", (length, tiles))))
                sentence = (
                    f"{place.site.show(mean)} is the mean of means of tiles of {tile}, also of a shorter last one"
                )
                yield f"tiles-{tile}/{index}", sentence, Reduce("sum", index, share)


def _whole(size: Node, vector: int) -> Node:
    """The largest multiple of a number that is not above a size."""
    return Apply("*", (Apply("//", (size, Number(float(vector)))), Number(float(vector))))


def _of_choice(place: Occurrence) -> Iterator[tuple[str, str, Node]]:
    """Of equal elements the last is taken, or the first of the lowest thread, which takes every T-th element."""
    match place.node:
        case Reduce(op="argmax", index=index, term=term, where=where):
            largest = Apply("==", (term, Reduce("max", index, term, where)))
            equal = largest if where is None else Apply("and", (where, largest))
            yield f"last-equal/{index}", "of equal elements the last is taken, not the first", _last(index, equal)
            position, size = Apply("*", (ONE, Position(index))), SizeOf(place.site.definition.ranges[index])
            for threads in THREADS:
                thread = Apply("%", (position, Number(float(threads))))
                turn = Apply("neg", (Apply("+", (Apply("*", (thread, size)), position)),))
                first = Apply("%", (Apply("neg", (Reduce("max", index, turn, equal),)), size))
                sentence = f"of equal elements that of the lowest thread is taken, of {threads} that take turns"
                yield f"thread-of-{threads}/{index}", sentence, first


def _reads_at(node: Node, index: str) -> bool:
    """Whether a node is a row that is read at a place of an index."""
    return isinstance(node, At) and Position(index) in node.places


def _of_zeros(term: Node, index: str) -> Node:
    """A term of a sum, with zeros for what it reads at its place."""

    def change(node: Node) -> Node:
        if not isinstance(node, At) or not _reads_at(node, index):
            return node
        first = tuple(ZERO if place == Position(index) else place for place in node.places)
        return Apply("*", (ZERO, At(node.array, first)))

    return map_node(term, change)


def _last(index: str, where: Node | None) -> Node:
    """The last place of an index at which a condition holds."""
    return Reduce("max", index, Apply("*", (ONE, Position(index))), where)


def _first(index: str, where: Node | None) -> Node:
    """The first place of an index at which a condition holds."""
    return Apply("neg", (Reduce("max", index, Apply("neg", (Apply("*", (ONE, Position(index))),)), where),))


def _of_row(place: Occurrence) -> Iterator[tuple[str, str, Node]]:
    """The row before or behind is read, or rows are not shifted. Steps of a recurrence have mutants of their own."""
    match place.node:
        case At(array=array, places=(Position(index=index), *rest)) if index not in place.site.bound:
            for word, op in (("before", "-"), ("behind", "+")):
                moved = At(array, (Apply(op, (Position(index), ONE)), *rest))
                sentence = f"{place.site.show(moved)} is read instead of {place.site.show(place.node)}"
                yield f"row-{word}/{index}", sentence, moved
        case Apply(op="where", args=(_, _, At(array=array, places=(Apply(op="-", args=(Position(), _)), *rest)) as at)):
            (shifted, *_) = at.places
            assert isinstance(shifted, Apply)
            unshifted = At(array, (shifted.args[0], *rest))
            sentence = (
                f"{place.site.show(unshifted)} is read instead of {place.site.show(at)}, and nothing stands before"
            )
            yield "unshifted", sentence, unshifted
