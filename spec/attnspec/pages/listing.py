"""Source code as HTML: highlighted, with the keys of the parts of an equation on its text and on its lines."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from itertools import pairwise

from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Name, Number, String

CLASSES = ((Comment, "c"), (Keyword, "k"), (String, "s"), (Number, "m"), (Name.Function, "f"), (Name.Decorator, "d"))
"""Pairs of a kind of token and its class."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A range of a source text that stands for parts of an equation.

    Attributes:
        start: its first character.
        end: the character behind it.
        keys: the keys of the parts.
        equation: the equation of the parts; "" for that of the page.
    """

    start: int
    end: int
    keys: tuple[str, ...]
    equation: str = ""


@dataclass(frozen=True, slots=True)
class Tap:
    """A part whose value a line makes.

    Attributes:
        key: the key of the part.
        text: what is written beside the line; "" if the line lights up with the part and is not marked by itself.
        equation: the equation of the part; "" for that of the page.
        title: a remark.
    """

    key: str
    text: str = ""
    equation: str = ""
    title: str = ""


@dataclass(frozen=True)
class Listing:
    """A source text, and what its parts stand for.

    Attributes:
        source: the text of a whole file.
        ranges: the ranges of lines that are shown, from 1, both ends included.
        marks: ranges of the text that stand for parts; they are nested or apart.
        taps: {line: the parts whose values it makes}.
    """

    source: str
    ranges: Sequence[tuple[int, int]]
    marks: Sequence[Marked] = ()
    taps: Mapping[int, Sequence[Tap]] = field(default_factory=dict)

    def html(self, anchor: str = "") -> str:
        """The listing, with the numbers of its lines.

        Args:
            anchor: what the id of a line begins with, before its number; "" if lines have none.
        """
        lines, marks = _tokens_of_lines(self.source), sorted(self.marks, key=lambda mark: (mark.start, -mark.end))
        shown = []
        for place, (first, last) in enumerate(self.ranges):
            shown += ['<span class="gap">⋮\n</span>'] if place else []
            own = range(first, min(last, len(lines)) + 1)
            shown += [self._line(number, _marked_line(lines[number - 1], marks), anchor) for number in own]
        return f'<pre class="code" tabindex="0"><code>{"".join(shown)}</code></pre>'

    def lines_of(self, key: str) -> list[int]:
        """The lines that stand for a part of the equation of the page: that make its value, or else that read it."""
        made = {line for line, taps in self.taps.items() for tap in taps if (tap.key, tap.equation) == (key, "")}
        starts = offsets(self.source)
        read = {bisect_right(starts, mark.start) - 1 for mark in self.marks if key in mark.keys and not mark.equation}
        shown = {line for first, last in self.ranges for line in range(first, last + 1)}
        return sorted((made or read) & shown)

    def _line(self, number: int, text: str, anchor: str) -> str:
        taps = self.taps.get(number, ())
        at = " ".join(dict.fromkeys(f"{tap.equation}|{tap.key}" for tap in taps))
        chips = "".join(_chip(tap) for tap in taps if tap.text)
        beside = f'<span class="taps">{chips}</span>' if chips else ""
        lit = f' data-at="{escape(at)}"' if at else ""
        named = f' id="{escape(anchor)}{number}"' if anchor else ""
        return f'<span class="codeline"{named}{lit}><span class="no">{number}</span>{text}{beside}\n</span>'


def _opening(mark: Marked) -> str:
    equation = f' data-equation="{escape(mark.equation)}"' if mark.equation else ""
    return f'<span data-key="{escape(" ".join(mark.keys))}"{equation}>'


def _chip(tap: Tap) -> str:
    equation = f' data-equation="{escape(tap.equation)}"' if tap.equation else ""
    title = f' title="{escape(tap.title)}"' if tap.title else ""
    return f'<button type="button" data-key="{escape(tap.key)}"{equation}{title}>{escape(tap.text)}</button>'


def _marked_line(tokens: Line, marks: Sequence[Marked]) -> str:
    """A line as HTML. Marks that began before it are opened again, and those that go on after it are closed.

    Args:
        tokens: the line.
        marks: the marks of the whole text, by their starts, the longest first.
    """
    begin, end = tokens[0][0], tokens[-1][0]
    waiting = [mark for mark in marks if mark.start <= end and mark.end > begin]
    cuts = sorted({edge for mark in waiting for edge in (mark.start, mark.end)})
    opened: list[Marked] = []
    line, place = "", 0
    for start, kind, text in tokens:
        inside = cuts[bisect_right(cuts, start) : bisect_left(cuts, start + len(text))]
        for a, b in pairwise([start, *inside, start + len(text)]):
            while opened and opened[-1].end <= a:
                opened.pop()
                line += "</span>"
            while place < len(waiting) and waiting[place].start <= a:
                opened.append(waiting[place])
                line += _opening(waiting[place])
                place += 1
            piece = escape(text[a - start : b - start], quote=False)
            line += f'<span class="{kind}">{piece}</span>' if kind and piece else piece
    return line + "</span>" * len(opened)


Line = list[tuple[int, str, str]]
"""The tokens of a line: position, class, text; the last one is its end, without a text."""


@lru_cache(maxsize=8)
def _tokens_of_lines(source: str) -> list[Line]:
    """The tokens of each line; a token of several lines has a part in each of them."""
    lines: list[Line] = [[]]
    for start, kind, text in _tokens(source):
        place = start
        for number, part in enumerate(text.split("\n")):
            if number:
                lines[-1].append((place - 1, "", ""))
                lines.append([])
            if part:
                lines[-1].append((place, kind, part))
            place += len(part) + 1
    if lines[-1]:
        lines[-1].append((len(source), "", ""))
    else:
        lines.pop()
    return lines


@lru_cache(maxsize=8)
def _tokens(source: str) -> tuple[tuple[int, str, str], ...]:
    """The tokens of a source text: position, class, text. What is side by side and of one class is one token."""
    found: list[tuple[int, str, str]] = []
    for start, kind, text in PythonLexer(stripnl=False, ensurenl=False).get_tokens_unprocessed(source):
        short = next((short for each, short in CLASSES if kind in each), "")
        if found and found[-1][1] == short:
            before, _, begun = found.pop()
            found.append((before, short, begun + text))
        else:
            found.append((start, short, text))
    return tuple(found)


@lru_cache(maxsize=8)
def offsets(source: str) -> list[int]:
    """The position of the first character of each line, from line 1; the item 0 is not used."""
    found = [0, 0]
    for line in source.splitlines(keepends=True):
        found.append(found[-1] + len(line))
    return found


def position(source: str, starts: Sequence[int], line: int, column: int) -> int:
    """The position of a place that `ast` names: a line from 1, and a column in bytes of UTF-8."""
    text = source[starts[line] : starts[line + 1] if line + 1 < len(starts) else None]
    return starts[line] + len(text.encode()[:column].decode(errors="ignore"))
