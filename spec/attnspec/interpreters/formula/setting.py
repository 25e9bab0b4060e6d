"""How a formula is set, in LaTeX and on a terminal: its signs, and what goes around its parts."""

from __future__ import annotations

import math
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import ClassVar

from attnspec.language.symbols import GREEK


class Level(IntEnum):
    """How tightly its outermost sign holds a part together; a part gets brackets where its surroundings hold tighter.

    A CALL ends in a bracket, so that a subscript after it can only mean all of it.
    """

    WHERE, OR, AND, COMPARE, SUM, SIGN, SIGMA, QUOTIENT, PRODUCT, POWER, ATOM, CALL = range(12)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a formula, set; how tightly it holds together; and by which sign, if it is a product."""

    text: str
    level: Level = Level.ATOM
    sign: str = ""


class Setting(ABC):
    """What the rules of a formula need to know of the medium.

    Attributes:
        signs: what stands between operands. The products are "" (side by side), "⊙", "·" and "×"; "*" and "@" stand
            where types do not fit.
        words: functions and words that have a sign of their own.
        wide: how long a row of the heading may get.
    """

    signs: ClassVar[dict[str, str]]
    words: ClassVar[dict[str, str]]
    wide: ClassVar[int]

    @abstractmethod
    def name(self, name: str, places: Sequence[str] = (), indices: Collection[str] = ()) -> str:
        """A symbol, with places that are no part of its name; see `symbols.latex`."""

    @abstractmethod
    def upright(self, word: str) -> str:
        """A word that is no symbol."""

    @abstractmethod
    def below(self, text: str, places: Sequence[str]) -> str:
        """Subscripts: letters side by side, others with commas."""

    @abstractmethod
    def above(self, text: str, exponent: Piece) -> str:
        """A power."""

    @abstractmethod
    def transposed(self, text: str) -> str:
        """A matrix with its axes exchanged."""

    @abstractmethod
    def bracketed(self, text: str, left: str = "(", right: str = ")") -> str:
        """Brackets of the right height."""

    @abstractmethod
    def bars(self, text: str) -> str:
        """A size, where it could be taken for something else."""

    @abstractmethod
    def quotient(self, top: Piece, bottom: Piece) -> Piece:
        """A fraction."""

    @abstractmethod
    def root(self, piece: Piece) -> Piece:
        """A square root."""

    @abstractmethod
    def cases(self, condition: Piece, yes: Piece, no: Piece) -> Piece:
        """One thing where a condition holds, another where not."""

    @abstractmethod
    def joined(self, left: str, right: str) -> bool:
        """Whether two factors can stand side by side."""

    def floor(self, quotient: Piece) -> Piece:
        """A quotient without its remainder."""
        return Piece(self.words["⌊"] + quotient.text + self.words["⌋"])

    def number(self, value: float) -> Piece:
        """A constant; one below zero is told from the negation of one above."""
        digits = self.words["inf"] if math.isinf(value) else format(Decimal(repr(abs(float(value)))), "f")
        digits = digits.removesuffix(".0")
        if math.copysign(1, value) < 0:
            return Piece(self.words["negative"] + digits, Level.POWER)
        return Piece(digits)

    def within(self, piece: Piece, level: Level) -> str:
        """A part in surroundings that hold as tightly as `level`."""
        return self.bracketed(piece.text) if piece.level < level else piece.text

    def tight(self, text: str) -> str:
        """A sum as it stands in a subscript."""
        return text.replace(self.signs["+"], "+").replace(self.signs["-"], self.signs["neg"])


def run(places: Sequence[str]) -> str:
    """Places one after the other."""
    return ("" if all(len(place) == 1 for place in places) else ",").join(places)


MARKS = {"tilde": "TILDE", "hat": "CIRCUMFLEX ACCENT", "bar": "MACRON"}


def greek(word: str) -> str:
    """alpha → α; other words as they are."""
    spelt = "LAMDA" if word == "lambda" else word.upper()
    return unicodedata.lookup(f"GREEK SMALL LETTER {spelt}") if word in GREEK else word
