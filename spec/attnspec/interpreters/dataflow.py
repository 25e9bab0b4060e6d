"""How shapes flow through an equation: a row for each line, what it reads and the shape it has; and what is learned.

As a diagram, each array is a vertical line from where it is made to where it is last read; ● is where it is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attnspec.interpreters.cost.polynomials import product, total
from attnspec.language.check import Type, check
from attnspec.language.dims import Dim
from attnspec.language.layers import arrays
from attnspec.language.symbols import symbol
from attnspec.language.traversal import reads
from attnspec.language.tree import Definition, Node


@dataclass(frozen=True, slots=True)
class Step:
    """One array, or several that one line makes together.

    Attributes:
        names: what they are called; what is returned without a name is "result".
        types: the shape of each.
        reads: what is read to make them that varies per example, in order.
        weights: what else is read: what is learned, and options.
        comment: what the equation says beside the line.
        role: "given", "line" or "returned".
    """

    names: tuple[str, ...]
    types: tuple[Type, ...]
    reads: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    comment: str = ""
    role: str = "line"


def steps(definition: Definition) -> list[Step]:
    """What is given per example, every line, and every result."""
    types = check(definition)
    aside = {each.name for each in definition.parameters if symbol(each.name, definition.id).weight}
    aside |= {each.name for each in definition.options}
    found = [
        Step((each.name,), (types[each.name],), role="given")
        for each in definition.parameters
        if each.name not in aside
    ]

    def step(
        names: tuple[str, ...], shapes: tuple[Type, ...], node: Node, comment: str = "", role: str = "line"
    ) -> Step:
        read = tuple(dict.fromkeys(reads(node)))
        inside = tuple(name for name in read if name not in aside)
        return Step(names, shapes, inside, tuple(name for name in read if name in aside), comment, role)

    for line in definition.lines:
        found.append(step(line.targets, tuple(types[name] for name in line.targets), line.value, line.comment))
    results = [(each.name, Type(each.kind, dims=each.dims)) for each in definition.results]
    together = [results] if len(definition.returns) == 1 else [[each] for each in results]
    for node, made in zip(definition.returns, together, strict=True):
        names, shapes = zip(*made, strict=True)
        found.append(step(names, shapes, node, role="returned"))
    return found


def shape(type_: Type, definition: Definition) -> str:
    """Named axes first, each with what it runs over, then the unnamed: (i:n, j:m, d)."""
    named = [f"{index}:{size}" for index, size in definition.indices if index in type_.names]
    return f"({', '.join([*named, *map(str, type_.dims)])})"


@dataclass(frozen=True, slots=True)
class Row:
    """One step of the diagram, in columns."""

    name: str
    shape: str
    lanes: str
    weights: tuple[str, ...]


def diagram(definition: Definition) -> list[Row]:
    """A row for each step; the lanes of all rows are equally wide. What one line makes together shares a lane."""
    found = steps(definition)
    lane_of = {name: step.names[0] for step in found if step.role != "returned" for name in step.names}
    last = {lane_of[name]: place for place, step in enumerate(found) for name in step.reads}
    lanes: list[str] = []
    drawn = []
    for place, step in enumerate(found):
        read = [lanes.index(lane) for lane in dict.fromkeys(lane_of[name] for name in step.reads)]
        after = [lane if last.get(lane, -1) > place else "" for lane in lanes]
        new = _free(after, max(read, default=-1) + 1)
        drawn.append(_lane(lanes, read, new, step.role))
        after += [""] * (new + 1 - len(after))
        after[new] = step.names[0] if step.role != "returned" else ""
        lanes = after
    wide = max(map(len, drawn), default=0)
    shapes = [", ".join(shape(each, definition) for each in step.types) for step in found]
    return [
        Row(", ".join(step.names), shown, lane.ljust(wide), step.weights)
        for step, shown, lane in zip(found, shapes, drawn, strict=True)
    ]


def _free(lanes: Sequence[str], least: int) -> int:
    """The first free lane to the right of what is read, so that the line can be drawn to it."""
    return next((k for k in range(least, len(lanes)) if not lanes[k]), max(len(lanes), least))


def _lane(lanes: Sequence[str], read: Sequence[int], new: int, role: str) -> str:
    """One row of lanes: ● is read, │ passes by, ┼ is crossed."""
    first = min(read, default=new)
    end = {"given": "╷", "line": "╮", "returned": "▶"}[role] if read or role == "given" else "╷"
    shown = ""
    for k in range(max(len(lanes), new + 1)):
        busy, inside = k < len(lanes) and bool(lanes[k]), first <= k < new
        sign = end if k == new else "●" if k in read else ("┼" if busy else "─") if inside else "│" if busy else " "
        shown += sign + ("─" if inside else " ")
    return shown.rstrip()


def parameters(definition: Definition) -> tuple[tuple[str, ...], Dim]:
    """What is learned, and how many numbers that is: of layers, in each layer."""
    learned = [each for each in arrays(definition) if symbol(each.name, definition.id).weight]
    return tuple(each.name for each in learned), total(product(each.dims) for each in learned)
