"""The figure of an equation as SVG. It has the tags of the formula, a title and a description."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

from attnspec.interpreters.figure.graph import LINE, RESULT, STATE, WEIGHT, Edge, Graph, Vertex
from attnspec.interpreters.figure.layout import Layout, layered

LETTER, PADDING, ROW, MARGIN, LOOP = 8.4, 10.0, 64.0, 14.0, 16.0
"""Widths of a letter and of the space beside a text, height of a row, margin, and width of a loop, in pixels."""

STYLE = """
.attnspec-figure{font:14px 'DejaVu Sans Mono',Menlo,Consolas,monospace;color:#1b1f24;background:#fff}
.attnspec-figure text{fill:currentColor;text-anchor:middle;dominant-baseline:central}
.attnspec-figure .shape{font-size:11px;opacity:.75}
.attnspec-figure rect{fill:none;stroke:currentColor;stroke-opacity:.55}
.attnspec-figure .line>rect,.attnspec-figure .result>rect{stroke-opacity:1;stroke-width:1.6}
.attnspec-figure .weight>rect{stroke-dasharray:3 2}
.attnspec-figure path{fill:none;stroke:currentColor;stroke-opacity:.45}
.attnspec-figure .loop{stroke-dasharray:5 3;stroke-opacity:.8}
"""


@dataclass(frozen=True, slots=True)
class Box:
    """What is drawn of a vertex: the lines of text, and the weight that only it reads, which is drawn on it."""

    vertex: Vertex
    text: str
    weight: Vertex | None = None

    @property
    def own_width(self) -> float:
        """The width without the weight."""
        return max(columns(self.text) * LETTER, columns(self.vertex.shape) * LETTER * 0.8) + 2 * PADDING

    @property
    def width(self) -> float:
        return self.own_width + (columns(self.weight.names[0]) * LETTER + PADDING if self.weight else 0.0)


def columns(text: str) -> int:
    """The width of a text in letters."""
    return sum(not unicodedata.combining(letter) for letter in text)


def svg(graph: Graph, *, style: str = STYLE) -> str:
    """Draw a graph.

    Args:
        graph: the data flow of an equation.
        style: its style sheet; "" if the page has one.
    """
    boxes = _boxes(graph)
    drawn = [edge for edge in graph.edges if edge.source in boxes and edge.target in boxes]
    straight = [(edge.source, edge.target) for edge in drawn if not edge.is_loop]
    layout = layered({id: box.width for id, box in boxes.items()}, straight)
    loops = [edge for edge in drawn if edge.is_loop]
    width = layout.width + 2 * MARGIN + (LOOP * len(loops) + 14 if loops else 0)
    height = (max(layout.row.values(), default=0) + 1) * ROW + MARGIN
    described = "; ".join(sentence for _, sentence in graph.text())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="attnspec-figure" viewBox="0 0 {width:.0f} {height:.0f}"',
        f' width="{width:.0f}" height="{height:.0f}">',
        f"<title>Data flow of {escape(graph.id)}</title><desc>{escape(described)}</desc>",
        f"<style>{style}</style>" if style else "",
        *(_edge(edge, boxes, layout) for edge in drawn if not edge.is_loop),
        *(_loop(edge, place, boxes, layout) for place, edge in enumerate(loops)),
        *(_box(box, layout) for box in boxes.values()),
        "</svg>",
    ]
    return "".join(parts)


def _boxes(graph: Graph) -> dict[str, Box]:
    """{id of a vertex: its box}; a weight that one operation reads is drawn on this."""
    readers: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        readers.setdefault(edge.source, []).append(edge)
    on: dict[str, Vertex] = {}
    for vertex in graph.vertices:
        reading = readers.get(vertex.id, [])
        if vertex.kind == WEIGHT and len(reading) == 1 and reading[0].target not in on:
            others = [edge for edge in graph.edges if edge.target == reading[0].target]
            if len(others) == 2:
                on[reading[0].target] = vertex
    placed = {vertex.id for vertex in on.values()}
    return {
        vertex.id: Box(vertex, _text(vertex), on.get(vertex.id)) for vertex in graph.vertices if vertex.id not in placed
    }


def _text(vertex: Vertex) -> str:
    names = ", ".join(vertex.names)
    if vertex.kind in (LINE, RESULT):
        return f"{names} = {vertex.operation}" if vertex.operation else names
    if vertex.kind == STATE:
        return f"{names} from {vertex.operation}" if vertex.operation else names
    return vertex.operation or names


def _y(id: str, layout: Layout) -> float:
    return MARGIN + layout.row[id] * ROW + ROW / 2 - 8


def _half(box: Box) -> float:
    return 20.0 if box.vertex.shape and box.vertex.kind not in ("operation", STATE) else 13.0


def _box(box: Box, layout: Layout) -> str:
    """A vertex, with its key; the weight on it is an element of its own."""
    vertex, half = box.vertex, _half(box)
    left, y = layout.x[vertex.id] + MARGIN - box.width / 2, _y(vertex.id, layout)
    middle, has_shape = left + box.own_width / 2, half > 13
    tip = " ".join(filter(None, [_text(vertex), vertex.shape, vertex.comment]))
    round_ = 13 if vertex.kind in ("given", WEIGHT, STATE) else 4
    parts = [
        f"<g class={quoteattr(vertex.kind)} data-key={quoteattr(vertex.key)} data-vertex={quoteattr(vertex.id)}>",
        f"<title>{escape(tip)}</title>",
        f'<rect x="{left:.1f}" y="{y - half:.1f}" width="{box.width:.1f}" height="{2 * half:.0f}" rx="{round_}"/>',
        f'<text x="{middle:.1f}" y="{y - 7 * has_shape:.1f}">{escape(box.text)}</text>',
        f'<text class="shape" x="{middle:.1f}" y="{y + 10:.1f}">{escape(vertex.shape)}</text>' if has_shape else "",
        _on(box.weight, left + box.own_width - PADDING / 2, y) if box.weight is not None else "",
        "</g>",
    ]
    return "".join(parts)


def _on(weight: Vertex, left: float, y: float) -> str:
    name = weight.names[0]
    width = columns(name) * LETTER + PADDING
    return (
        f'<g class="weight" data-key={quoteattr(weight.key)} data-vertex={quoteattr(weight.id)}>'
        f"<title>{escape(f'{name} {weight.shape}, a weight')}</title>"
        f'<rect x="{left:.1f}" y="{y - 10:.1f}" width="{width:.1f}" height="20" rx="10"/>'
        f'<text x="{left + width / 2:.1f}" y="{y:.1f}">{escape(name)}</text></g>'
    )


def _edge(edge: Edge, boxes: Mapping[str, Box], layout: Layout) -> str:
    """An edge as a curve through its bends, with its symbol and shape as a title."""
    route = layout.routes[edge.source, edge.target]
    points = [(layout.x[each] + MARGIN, _y(each, layout)) for each in route]
    points[0] = (points[0][0], points[0][1] + _half(boxes[edge.source]))
    points[-1] = (points[-1][0], points[-1][1] - _half(boxes[edge.target]))
    return f'<path d="{_curve(points)}"><title>{escape(f"{edge.symbol} {edge.shape}")}</title></path>'


def _curve(points: Sequence[tuple[float, float]]) -> str:
    return f"M{points[0][0]:.1f} {points[0][1]:.1f}" + "".join(_bends(points))


def _bends(points: Sequence[tuple[float, float]]) -> Iterator[str]:
    for (x, y), (to_x, to_y) in pairwise(points):
        middle = (y + to_y) / 2
        yield f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"


def _loop(edge: Edge, place: int, boxes: Mapping[str, Box], layout: Layout) -> str:
    """The way of a state to the next step: up at the right of all boxes, and down into the state from above."""
    source, target = boxes[edge.source], boxes[edge.target]
    side = layout.width + MARGIN + 14 + LOOP * place
    start, end = layout.x[edge.source] + source.width / 2 + MARGIN, layout.x[edge.target] + target.width / 4 + MARGIN
    low, top = _y(edge.source, layout) + 4 * place, _y(edge.target, layout) - _half(target)
    high = top - 10 - 4 * place
    path = f"M{start:.1f} {low:.1f}H{side - 8:.1f}q8 0 8 -8V{high + 8:.1f}q0 -8 -8 -8H{end:.1f}V{top:.1f}"
    return f'<path class="loop" d="{path}"><title>{escape(edge.symbol)}, to the next step</title></path>'
