"""The data flow of an equation: for each line the shape of its value and the arrays that it reads.

In the diagram, an array is a vertical line from the row that computes it to the row that reads it last; ● marks a read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attnspec.interpreters.cost.polynomials import product, total
from attnspec.language.check import Type, check
from attnspec.language.dims import Dim
from attnspec.language.layers import arrays
from attnspec.language.traversal import reads
from attnspec.language.tree import Definition, Node


@dataclass(frozen=True, slots=True)
class Step:
    """One array, or several that one line computes together.

    Attributes:
        names: their names.
        types: the type of each.
        reads: the arrays that are read, in order, without weights and options.
        weights: the weights and options that are read.
        comment: the comment of the line.
        role: "given" for a parameter, "line", or "returned" for a result.
    """

    names: tuple[str, ...]
    types: tuple[Type, ...]
    reads: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    comment: str = ""
    role: str = "line"


def steps(definition: Definition) -> list[Step]:
    """The parameters of an equation without its weights, its lines, and its results."""
    types = check(definition)
    weights = {parameter.name for parameter in definition.parameters if parameter.symbol.weight}
    weights |= {option.name for option in definition.options}
    rows = [
        Step((parameter.name,), (types[parameter.name],), role="given")
        for parameter in definition.parameters
        if parameter.name not in weights
    ]

    def step(
        names: tuple[str, ...], shapes: tuple[Type, ...], node: Node, comment: str = "", role: str = "line"
    ) -> Step:
        read = tuple(dict.fromkeys(reads(node)))
        inside = tuple(name for name in read if name not in weights)
        return Step(names, shapes, inside, tuple(name for name in read if name in weights), comment, role)

    for line in definition.lines:
        rows.append(step(line.targets, tuple(types[name] for name in line.targets), line.value, line.comment))
    results = [(result.name, Type(result.kind, dims=result.dims)) for result in definition.results]
    groups = [results] if len(definition.returns) == 1 else [[result] for result in results]
    for node, group in zip(definition.returns, groups, strict=True):
        names, shapes = zip(*group, strict=True)
        rows.append(step(names, shapes, node, role="returned"))
    return rows


def shape(type_: Type, definition: Definition) -> str:
    """A shape as text, such as "(i:n, j:m, d)": named axes with their sizes, then the unnamed ones."""
    named = [f"{index}:{size}" for index, size in definition.indices if index in type_.names]
    return f"({', '.join([*named, *map(str, type_.dims)])})"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the diagram, in columns.

    Attributes:
        name: the names of the arrays.
        shape: their shapes.
        lanes: the vertical lines.
        weights: the weights and options that are read.
    """

    name: str
    shape: str
    lanes: str
    weights: tuple[str, ...]


def diagram(definition: Definition) -> list[Row]:
    """A row for each step. Arrays that one line computes together share a lane; all rows of lanes are equally wide."""
    rows = steps(definition)
    lane_of = {name: step.names[0] for step in rows if step.role != "returned" for name in step.names}
    last = {lane_of[name]: place for place, step in enumerate(rows) for name in step.reads}
    lanes: list[str] = []
    lane_rows = []
    for place, step in enumerate(rows):
        read = [lanes.index(lane) for lane in dict.fromkeys(lane_of[name] for name in step.reads)]
        after = [lane if last.get(lane, -1) > place else "" for lane in lanes]
        new = _free(after, max(read, default=-1) + 1)
        lane_rows.append(_lane(lanes, read, new, step.role))
        after += [""] * (new + 1 - len(after))
        after[new] = step.names[0] if step.role != "returned" else ""
        lanes = after
    width = max(map(len, lane_rows), default=0)
    shapes = [", ".join(shape(type_, definition) for type_ in step.types) for step in rows]
    return [
        Row(", ".join(step.names), text, lane.ljust(width), step.weights)
        for step, text, lane in zip(rows, shapes, lane_rows, strict=True)
    ]


def _free(lanes: Sequence[str], least: int) -> int:
    """The first free lane at or after `least`."""
    return next((k for k in range(least, len(lanes)) if not lanes[k]), max(len(lanes), least))


def _lane(lanes: Sequence[str], read: Sequence[int], new: int, role: str) -> str:
    """One row of lanes: ● is read, │ passes, ┼ is crossed by the line to the new lane."""
    first = min(read, default=new)
    end = {"given": "╷", "line": "╮", "returned": "▶"}[role] if read or role == "given" else "╷"
    shown = ""
    for k in range(max(len(lanes), new + 1)):
        busy, inside = k < len(lanes) and bool(lanes[k]), first <= k < new
        sign = end if k == new else "●" if k in read else ("┼" if busy else "─") if inside else "│" if busy else " "
        shown += sign + ("─" if inside else " ")
    return shown.rstrip()


def parameters(definition: Definition) -> tuple[tuple[str, ...], Dim]:
    """The names of the learned arrays, and their number of elements; for layers, those of one layer."""
    learned = [array for array in arrays(definition) if array.symbol.weight]
    return tuple(array.name for array in learned), total(product(array.dims) for array in learned)
