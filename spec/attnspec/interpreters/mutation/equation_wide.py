"""Mutation operators on a whole equation: packed weights in another order, a mask that is wrong in every use."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace

from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.operators import (
    Site,
    dropped,
    is_grouped,
    mismasked,
    must_equal,
    outermost,
    transposed,
)
from attnspec.language.check import Type
from attnspec.language.dims import Dim
from attnspec.language.symbols import Symbol
from attnspec.language.traversal import map_definition, nodes, substitute, walk
from attnspec.language.tree import (
    Apply,
    ConcatOver,
    Definition,
    Name,
    Node,
    Number,
    Position,
    Reduce,
    Reshape,
    SizeOf,
    Split,
)

Mutation = tuple[str, str, Definition, tuple[tuple[str, str], ...]]
"""A mutation: id, sentence, wrong definition, sizes that must be equal for it to run."""


def equation_wide_mutations(definition: Definition, types: Mapping[str, Type]) -> Iterator[Mutation]:
    """The mutations that change every use of a weight, a mask or an index at once."""
    yield from _reordered(definition)
    yield from wrong_masks(definition, types)
    yield from _last_left_out(definition)
    yield from _reshaped(definition)
    yield from _exchanged_parameters(definition)
    gates = [line.targets[0] for line in definition.lines if len(line.targets) == 1]
    for a, b in itertools.combinations(gates, 2):
        if types[a] == types[b] and outermost(definition, a) == outermost(definition, b):
            yield f"everywhere/{a}-{b}", f"{a} and {b} are swapped", _renamed_uses(definition, {a: b, b: a}), ()


def _reordered(definition: Definition) -> Iterator[Mutation]:
    """The groups of weights of the gates, such as W_xr, W_hr and b_r, in every other order.

    Gates with equal shapes are permuted.
    """
    groups: dict[str, dict[str, str]] = {}
    for parameter in definition.parameters:
        symbol = parameter.symbol
        if symbol.pack:
            groups.setdefault(symbol.gate, {})[symbol.pack] = parameter.name
    shapes = {p.name: p.dims for p in definition.parameters}
    kinds: dict[frozenset[tuple[str, tuple[Dim, ...]]], list[str]] = {}
    for gate, names in groups.items():
        key = frozenset((head, shapes[name]) for head, name in names.items())
        kinds.setdefault(key, []).append(gate)
    for gates in kinds.values():
        for order in itertools.permutations(gates):
            if list(order) != gates and len(gates) > 1:
                mapping = {
                    groups[right][head]: groups[left][head]
                    for right, left in zip(gates, order, strict=True)
                    for head in groups[right]
                }
                sentence = f"the packed order is {', '.join(order)} instead of {', '.join(gates)}"
                yield f"order/{''.join(order)}", sentence, _renamed_uses(definition, mapping), ()


def _exchanged_parameters(definition: Definition) -> Iterator[Mutation]:
    """Two swapped parameters whose shapes fit, always or when some sizes are equal."""
    for a, b in itertools.combinations(definition.parameters, 2):
        if a.kind != b.kind or len(a.dims) != len(b.dims) or not _interchangeable(a.symbol, b.symbol):
            continue
        equal = dict.fromkeys(pair for x, y in zip(a.dims, b.dims, strict=True) for pair in must_equal(x, y))
        sentence = f"{a.name} and {b.name} are swapped"
        yield (
            f"swap/{a.name}-{b.name}",
            sentence,
            _renamed_uses(definition, {a.name: b.name, b.name: a.name}),
            tuple(equal),
        )


def _interchangeable(a: Symbol, b: Symbol) -> bool:
    """Whether two parameters can be confused: two inputs, or two weights of one gate, such as W_xr and W_hr."""
    return is_grouped(a) == is_grouped(b) and (not is_grouped(a) or a.gate == b.gate)


def wrong_masks(definition: Definition, types: Mapping[str, Type]) -> Iterator[Mutation]:
    """A mask that is missing, inverted or wrong in all reductions that use it."""
    conditions = {node.where for node in nodes(definition) if isinstance(node, Reduce) and node.where is not None}
    for where in sorted(conditions, key=repr):
        shown = text_of(where, definition)
        yield "mask/everywhere/none", "the mask is ignored", _with_mask(definition, where, None), ()
        yield "mask/everywhere/not", "the mask is inverted", _with_mask(definition, where, Apply("not", (where,))), ()
        for path, node in walk(where):
            site = Site(definition, {}, types, where)
            local = (*mismasked(node, site), *transposed(node, site), *dropped(node, site))
            for op, sentence, new, equal in local:
                changed = substitute(where, path, new)
                sentence = sentence if "mask" in sentence else f"in the mask {shown}: {sentence}"
                yield f"mask/everywhere/{op}", sentence, _with_mask(definition, where, changed), equal


def _last_left_out(definition: Definition) -> Iterator[Mutation]:
    """The last value of an index left out in every reduction over it."""
    indices = {node.index for node in nodes(definition) if isinstance(node, Reduce)}
    for index in sorted(indices):
        short = Apply("<", (Position(index), Apply("-", (SizeOf(definition.ranges[index]), Number(1.0)))))

        def shorten(node: Node, index: str = index, short: Node = short) -> Node:
            if isinstance(node, Reduce) and node.index == index:
                where = short if node.where is None else Apply("and", (node.where, short))
                return replace(node, where=where)
            return node

        yield f"last/{index}", f"the last {index} is left out", map_definition(definition, shorten), ()


def _reshaped(definition: Definition) -> Iterator[Mutation]:
    """A function that only rearranges elements, replaced by a reshape."""
    cut = any(isinstance(node, Split | ConcatOver) for node in nodes(definition))
    if cut and len(definition.parameters) == len(definition.results) == 1:
        (parameter,), (result,) = definition.parameters, definition.results
        reshaped = Reshape(Name(parameter.name), tuple(range(len(parameter.dims))), result.dims)
        sentence = "the heads are split by reshaping, without the transpose"
        yield "heads/reshaped", sentence, replace(definition, lines=(), returns=(reshaped,)), ()


def _with_mask(definition: Definition, old: Node, new: Node | None) -> Definition:
    """An equation with another mask in the reductions that use `old`."""

    def change(node: Node) -> Node:
        return replace(node, where=new) if isinstance(node, Reduce) and node.where == old else node

    return map_definition(definition, change)


def _renamed_uses(definition: Definition, mapping: Mapping[str, str]) -> Definition:
    """An equation that reads other names."""

    def change(node: Node) -> Node:
        return Name(mapping[node.id]) if isinstance(node, Name) and node.id in mapping else node

    return map_definition(definition, change)
