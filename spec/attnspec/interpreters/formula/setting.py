"""The medium of a formula, LaTeX or a terminal: its signs, and the typesetting of its parts."""

from __future__ import annotations

import math
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import ClassVar

from attnspec.interpreters.tags import Tag
from attnspec.language.symbols import GREEK


class Level(IntEnum):
    """The precedence of the outermost sign of a part; a part gets brackets where a sign of higher precedence applies.

    A CALL ends in a bracket, so a subscript after it is unambiguous.
    """

    WHERE, OR, AND, COMPARE, SUM, SIGN, SIGMA, QUOTIENT, PRODUCT, POWER, ATOM, CALL = range(12)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a formula as text.

    Attributes:
        text: the text.
        level: the precedence of its outermost sign.
        sign: the sign of a product; "" otherwise, or if the factors are side by side.
    """

    text: str
    level: Level = Level.ATOM
    sign: str = ""


class Setting(ABC):
    """The typesetting of one medium.

    Attributes:
        signs: {operator: text between its operands}. The products are "" (side by side), "⊙", "·" and "×"; "*" and "@"
            are used where types do not fit. "list" and ";" separate the items of a list, "," those of a heading.
        words: {function or word: its text}, if that is not the word itself.
        wide: largest length of a row of the heading, in characters.
    """

    signs: ClassVar[dict[str, str]]
    words: ClassVar[dict[str, str]]
    wide: ClassVar[int]

    @abstractmethod
    def name(self, name: str, places: Sequence[str] = (), indices: Collection[str] = (), *, size: bool = False) -> str:
        """A symbol with subscripts that are not part of its name; see `symbols.latex`."""

    @abstractmethod
    def upright(self, word: str) -> str:
        """A word that is not a symbol, in upright type."""

    @abstractmethod
    def below(self, text: str, places: Sequence[str]) -> str:
        """A text with subscripts: single letters side by side, others separated by commas."""

    @abstractmethod
    def above(self, text: str, exponent: Piece) -> str:
        """A text with an exponent."""

    @abstractmethod
    def transposed(self, text: str) -> str:
        """A transposed matrix."""

    @abstractmethod
    def bracketed(self, text: str, left: str = "(", right: str = ")") -> str:
        """A text in brackets of matching height."""

    @abstractmethod
    def bars(self, text: str) -> str:
        """A size between bars, where its name has another meaning too."""

    @abstractmethod
    def quotient(self, top: Piece, bottom: Piece) -> Piece:
        """A fraction."""

    @abstractmethod
    def root(self, piece: Piece) -> Piece:
        """A square root."""

    @abstractmethod
    def cases(self, condition: Piece, yes: Piece, no: Piece) -> Piece:
        """A case distinction."""

    @abstractmethod
    def joined(self, left: str, right: str) -> bool:
        """Whether two factors can be written side by side without a sign."""

    def literal(self, text: str) -> str:
        """Digits, single letters and brackets as they are."""
        return text

    def plain(self, text: str) -> str:
        """The letters and signs of a text, without its markup."""
        return text

    def tagged(self, text: str, tags: Sequence[Tag]) -> str:
        """A text with the tags of the parts that it writes, the outermost first, where the medium has tags."""
        return text

    def keyed(self, text: str, name: str) -> str:
        """A text that stands for the value of a name, where the medium has tags."""
        return text

    def floor(self, quotient: Piece) -> Piece:
        """The floor of a quotient."""
        return Piece(self.words["⌊"] + quotient.text + self.words["⌋"])

    def number(self, value: float) -> Piece:
        """A constant. A negative one has another sign than the negation of a positive one."""
        digits = self.words["inf"] if math.isinf(value) else format(Decimal(repr(abs(float(value)))), "f")
        digits = digits.removesuffix(".0")
        if math.copysign(1, value) < 0:
            return Piece(self.words["negative"] + digits, Level.POWER)
        return Piece(digits)

    def within(self, piece: Piece, level: Level) -> str:
        """A part as an operand of a sign with precedence `level`, in brackets if it needs them."""
        return self.bracketed(piece.text) if piece.level < level else piece.text

    def tight(self, text: str) -> str:
        """A sum without spaces, for a subscript."""
        return text.replace(self.signs["+"], "+").replace(self.signs["-"], self.signs["neg"])


def run(places: Sequence[str]) -> str:
    """Subscripts as one text: single letters side by side, others separated by commas."""
    return ("" if all(len(place) == 1 for place in places) else ",").join(places)


MARKS = {"tilde": "TILDE", "hat": "CIRCUMFLEX ACCENT", "bar": "MACRON"}


def greek(word: str) -> str:
    """The Greek letter of a name such as "alpha"; other words unchanged."""
    spelt = "LAMDA" if word == "lambda" else word.upper()
    return unicodedata.lookup(f"GREEK SMALL LETTER {spelt}") if word in GREEK else word
