"""Wrong sizes in a formula: built in, padded to a tile, taken for the quotient of two others, or another throughout.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations_with_replacement, permutations

from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.everywhere import everywhere
from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed, parts
from attnspec.language.dims import Dim
from attnspec.language.layers import sizes_of
from attnspec.language.traversal import nodes, replace_node, with_roots
from attnspec.language.tree import Apply, Definition, Name, Node, Number, SizeOf

FIXED = (32, 64, 128, 256, 512, 768, 1024)
"""Sizes that may be built in."""

Change = tuple[str, str, Node]
"""What stands for a size: a name, the words for it, and the expression."""


def size_errors(definition: Definition, widths: Iterable[int] = ()) -> Iterator[Mutant]:
    """The variants of an equation with another size at one place, at all places of one line, or at all places.

    Args:
        widths: the widths that a kernel may have been built for.
    """
    widths = sorted(set(widths))
    for place in everywhere(definition):
        if _is_size(place.node, place.site.definition):
            shown = place.site.show(place.node)
            options = () if place.compared else _of_options(place.site.definition)
            for name, words, new in (*_others(place.node, place.site.definition, widths), *options):
                tree = place.put(new)
                if is_well_formed(tree):
                    says = f"in {place.line}: {words} is used instead of {shown}"
                    yield Mutant(f"{place.label}/{name}", says, tree)
    yield from _for_lines_of_sizes(definition)
    yield from _in_a_line(definition, widths)
    yield from _throughout(definition, widths)


def _for_lines_of_sizes(definition: Definition) -> Iterator[Mutant]:
    """A size stands for a line that is computed of sizes and numbers alone."""
    of_sizes: set[str] = set()
    for line, (label, root, build) in zip(definition.lines, parts(definition), strict=False):
        leaves = [node for node in nodes(root) if not isinstance(node, Apply | Number | SizeOf)]
        if len(line.targets) > 1 or any(not isinstance(node, Name) or node.id not in of_sizes for node in leaves):
            continue
        of_sizes.add(line.targets[0])
        for name in sizes_of(definition) if not isinstance(root, SizeOf | Number) else ():
            size = SizeOf(Dim.parse(name))
            tree = build(size)
            if is_well_formed(tree):
                shown = text_of(size, definition)
                yield Mutant(f"{label}/size/{shown}", f"in {label}: {shown} is used, and nothing computed of it", tree)


def _in_a_line(definition: Definition, widths: Sequence[int]) -> Iterator[Mutant]:
    """Another size at all places of a line that has several."""
    for label, root, build in parts(definition):
        for size in _repeated([root], definition):
            for name, words, new in (*_others(size, definition, widths), *_read_for(size, definition)):
                tree = build(replace_node(root, size, new))
                if is_well_formed(tree):
                    shown = text_of(size, definition)
                    says = f"in {label}: {words} is used instead of {shown}, each time"
                    yield Mutant(f"{label}/every {shown}/{name}", says, tree)


def _throughout(definition: Definition, widths: Sequence[int]) -> Iterator[Mutant]:
    """Another size wherever it stands."""
    for size in _repeated(definition.roots, definition):
        shown = text_of(size, definition)
        for name, words, new in (*_others(size, definition, widths), *_read_for(size, definition)):
            tree = with_roots(definition, [replace_node(root, size, new) for root in definition.roots])
            if is_well_formed(tree):
                says = f"{words} is used instead of {shown}, each time"
                yield Mutant(f"every {shown}/{name}", says, tree)


def _is_size(node: Node, definition: Definition) -> bool:
    """Whether a node is a size, or an option that is one."""
    return isinstance(node, SizeOf) or (isinstance(node, Name) and node.id in _whole_options(definition))


def _whole_options(definition: Definition) -> list[str]:
    return [option.name for option in definition.options if option.size]


def _repeated(roots: Sequence[Node], definition: Definition) -> list[Node]:
    """The sizes that stand at several places."""
    found = [node for root in roots for node in nodes(root) if _is_size(node, definition)]
    return [size for size in dict.fromkeys(found) if found.count(size) > 1]


def _others(size: Node, definition: Definition, widths: Sequence[int]) -> Iterator[Change]:
    """What may stand for a size."""
    shown = text_of(size, definition)
    for number in FIXED:
        yield f"fixed-{number}", f"{number}", Number(float(number))
    for length, padded in PADDED.items():
        yield f"padded-{length}", f"{shown}, padded to {length},", padded(size)
    if len(widths) > 1:
        *most, largest = [str(width) for width in widths]
        words = f"{shown}, filled up to the next of {', '.join(most)} and {largest},"
        yield "filled-up", words, _next_of(size, widths)
    chosen: list[Node] = [SizeOf(Dim.parse(each.size)) for each in definition.options if each.size]
    sizes = dict.fromkeys([*chosen, *(SizeOf(Dim.parse(name)) for name in sizes_of(definition))])
    for other, divisor in permutations((each for each in sizes if each != size), 2):
        if divisor in chosen:
            quotient = Apply("//", (other, divisor))
            yield f"quotient/{text_of(quotient, definition)}", text_of(quotient, definition), quotient


def _of_options(definition: Definition) -> Iterator[Change]:
    """An option that is not a size, or the product of two."""
    factors: list[Node] = [Name(option.name) for option in definition.options if not option.size]
    for one, other in combinations_with_replacement(factors, 2):
        product = one if one == other else Apply("*", (one, other))
        words = text_of(product, definition)
        yield f"option/{words}", words, product


def _read_for(size: Node, definition: Definition) -> Iterator[Change]:
    """The other sizes as they are; at a single place such a size is a mutant."""
    options = {option.size: option.name for option in definition.options if option.size}
    for name in sizes_of(definition):
        other: Node = Name(options[name]) if name in options else SizeOf(Dim.parse(name))
        if other != size:
            words = text_of(other, definition)
            yield f"read-{words}", words, other


def _next_of(size: Node, widths: Sequence[int]) -> Node:
    """The first of some widths, in ascending order, that a size is not beyond; the size itself if it is beyond all."""
    wider: Node = size
    for width in reversed(widths):
        wider = Apply("where", (Apply("<=", (size, Number(float(width)))), Number(float(width)), wider))
    return wider


def _multiple(of: int) -> Callable[[Node], Node]:
    """The next multiple of a number."""
    tile = Number(float(of))
    return lambda size: Apply("*", (Apply("//", (Apply("+", (size, Number(of - 1.0))), tile)), tile))


def _power_of_two(size: Node) -> Node:
    """The next power of two, up to 4,096."""
    power: Node = Number(4096.0)
    for exponent in reversed(range(12)):
        fits = Apply("<=", (size, Number(2.0**exponent)))
        power = Apply("where", (fits, Number(2.0**exponent), power))
    return power


PADDED: dict[str, Callable[[Node], Node]] = {
    "a power of two": _power_of_two,
    **{f"a multiple of {tile}": _multiple(tile) for tile in (4, 8, 16, 32, 64, 128)},
}
"""Lengths that an axis may be padded to, each with the length as a function of that of the axis."""
