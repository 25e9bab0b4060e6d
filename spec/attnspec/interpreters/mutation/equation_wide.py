"""Slips made at every place at once: packed weights in another order, a mask that is wrong throughout."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace

from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.operators import (
    LEARNED,
    Site,
    dropped,
    mismasked,
    must_equal,
    outermost,
    transposed,
)
from attnspec.language.check import Type
from attnspec.language.dims import Dim
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

Slip = tuple[str, str, Definition, tuple[tuple[str, str], ...]]
"""id, sentence, wrong definition, sizes that must be equal."""


def everywhere(definition: Definition, types: Mapping[str, Type]) -> Iterator[Slip]:
    """Slips made at every place at once: packed weights in another order, a mask that is wrong throughout."""
    yield from _reordered(definition)
    yield from _masked_throughout(definition)
    yield from _last_left_out(definition)
    yield from _reshaped(definition)
    yield from _exchanged_parameters(definition)
    gates = [line.targets[0] for line in definition.lines if len(line.targets) == 1]
    for a, b in itertools.combinations(gates, 2):
        if types[a] == types[b] and outermost(definition, a) == outermost(definition, b):
            yield f"everywhere/{a}-{b}", f"{a} and {b} are swapped", _renamed_uses(definition, {a: b, b: a}), ()


def _reordered(definition: Definition) -> Iterator[Slip]:
    """Groups of like-shaped parameters, told apart by their last letter, in every other order."""
    groups: dict[str, dict[str, str]] = {}
    for parameter in definition.parameters:
        head, _, tail = parameter.name.partition("_")
        if head in ("W", "U", "C", "b") and tail:
            groups.setdefault(tail[-1], {})[f"{head}_{tail[:-1]}"] = parameter.name
    shapes = {p.name: p.dims for p in definition.parameters}
    kinds: dict[frozenset[tuple[str, tuple[Dim, ...]]], list[str]] = {}
    for gate, names in groups.items():
        key = frozenset((head, shapes[name]) for head, name in names.items())
        kinds.setdefault(key, []).append(gate)
    for gates in kinds.values():
        for order in itertools.permutations(gates):
            if list(order) != gates and len(gates) > 1:
                mapping = {
                    groups[right][head]: groups[given][head]
                    for right, given in zip(gates, order, strict=True)
                    for head in groups[right]
                }
                shown = f"{', '.join(order)} instead of {', '.join(gates)}"
                yield f"order/{''.join(order)}", f"the packed order is {shown}", _renamed_uses(definition, mapping), ()


def _exchanged_parameters(definition: Definition) -> Iterator[Slip]:
    """Two parameters in each other's place, where their shapes let it pass: always, or when some sizes are equal."""
    for a, b in itertools.combinations(definition.parameters, 2):
        if a.kind != b.kind or len(a.dims) != len(b.dims) or not _interchangeable(a.name, b.name):
            continue
        equal = dict.fromkeys(pair for x, y in zip(a.dims, b.dims, strict=True) for pair in must_equal(x, y))
        says = f"{a.name} and {b.name} are swapped"
        yield f"swap/{a.name}-{b.name}", says, _renamed_uses(definition, {a.name: b.name, b.name: a.name}), tuple(equal)


def _interchangeable(a: str, b: str) -> bool:
    """Two inputs; or two weights of one gate, such as W_xr and W_hr, or W and U."""
    learned = [name.split("_")[0] in LEARNED for name in (a, b)]
    if all(learned):
        tails = [name.partition("_")[2][-1:] for name in (a, b)]
        return tails[0] == tails[1]
    return not any(learned)


def _masked_throughout(definition: Definition) -> Iterator[Slip]:
    conditions = {node.where for node in nodes(definition) if isinstance(node, Reduce) and node.where is not None}
    for where in sorted(conditions, key=repr):
        shown = text_of(where, definition)
        yield "mask/everywhere/none", "the mask is ignored", _with_where(definition, where, None), ()
        yield "mask/everywhere/not", "the mask is inverted", _with_where(definition, where, Apply("not", (where,))), ()
        for path, node in walk(where):
            site = Site(definition, {}, {}, where)
            local = (*mismasked(node, site), *transposed(node, site), *dropped(node, site))
            for op, says, new, equal in local:
                changed = substitute(where, path, new)
                sentence = says if "mask" in says else f"in the mask {shown}: {says}"
                yield f"mask/everywhere/{op}", sentence, _with_where(definition, where, changed), equal


def _last_left_out(definition: Definition) -> Iterator[Slip]:
    """An index summed over, its last value left out in every sum."""
    indices = {node.index for node in nodes(definition) if isinstance(node, Reduce)}
    for index in sorted(indices):
        short = Apply("<", (Position(index), Apply("-", (SizeOf(definition.ranges[index]), Number(1.0)))))

        def shorten(node: Node, index: str = index, short: Node = short) -> Node:
            if isinstance(node, Reduce) and node.index == index:
                where = short if node.where is None else Apply("and", (node.where, short))
                return replace(node, where=where)
            return node

        yield f"last/{index}", f"the last {index} is left out", map_definition(definition, shorten), ()


def _reshaped(definition: Definition) -> Iterator[Slip]:
    """A function that only rearranges, done by reshaping alone."""
    cut = any(isinstance(node, Split | ConcatOver) for node in nodes(definition))
    if cut and len(definition.parameters) == len(definition.results) == 1:
        (parameter,), (result,) = definition.parameters, definition.results
        wrong = Reshape(Name(parameter.name), tuple(range(len(parameter.dims))), result.dims)
        says = "the heads are cut by reshaping, without the transpose"
        yield "heads/reshaped", says, replace(definition, lines=(), returns=(wrong,)), ()


def _with_where(definition: Definition, old: Node, new: Node | None) -> Definition:
    def change(node: Node) -> Node:
        return replace(node, where=new) if isinstance(node, Reduce) and node.where == old else node

    return map_definition(definition, change)


def _renamed_uses(definition: Definition, mapping: Mapping[str, str]) -> Definition:
    def change(node: Node) -> Node:
        return Name(mapping[node.id]) if isinstance(node, Name) and node.id in mapping else node

    return map_definition(definition, change)
