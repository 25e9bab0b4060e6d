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

from attnspec.language.symbols import ACCENTS, GREEK, PLAIN, differentiated, latex, reads_as_indices


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


class Latex(Setting):
    """Canonical LaTeX."""

    signs: ClassVar[dict[str, str]] = {
        "": r"\,",
        "⊙": r" \odot ",
        "·": r" \cdot ",
        "×": r" \times ",
        "*": r" \ast ",
        "@": r" \mathbin{@} ",
        "+": " + ",
        "-": " - ",
        "neg": "-",
        "<=": r" \le ",
        "<": " < ",
        ">=": r" \ge ",
        ">": " > ",
        "==": " = ",
        "and": r" \land ",
        "or": r" \lor ",
        "not": r"\lnot ",
        ":": " : ",
        "=": " = ",
        ",": r",\; ",
    }
    words: ClassVar[dict[str, str]] = {
        "exp": r"\exp",
        "log": r"\log",
        "sin": r"\sin",
        "cos": r"\cos",
        "tanh": r"\tanh",
        "max": r"\max",
        "sigmoid": r"\sigma",
        "sum": r"\sum",
        "inf": r"\infty",
        "negative": "{}^{-}",
        "in": r" \in ",
        "prime": "'",
        "float": r"\mathbb{R}",
        "int": r"\mathbb{Z}",
        "bool": r"\{0, 1\}",
        "option": r"\mathbb{N}",
        "⌈": r"\lceil ",
        "⌉": r" \rceil",
        "⌊": r"\lfloor ",
        "⌋": r" \rfloor",
        "from": r" \text{ from } ",
        "each": r" \text{ for } ",
        "with": r"\text{with } ",
        "for": r"\text{for } ",
    }
    wide = 220

    def name(self, name: str, places: Sequence[str] = (), indices: Collection[str] = ()) -> str:
        return latex(name, run(places), indices)

    def upright(self, word: str) -> str:
        return f"\\operatorname{{{word}}}".replace("_", "\\_")

    def below(self, text: str, places: Sequence[str]) -> str:
        return f"{text}_{{{run(places)}}}"

    def above(self, text: str, exponent: Piece) -> str:
        return f"{text}^{{{exponent.text}}}"

    def transposed(self, text: str) -> str:
        return rf"{text}^{{\top}}"

    def bracketed(self, text: str, left: str = "(", right: str = ")") -> str:
        tall = any(command in text for command in (r"\frac", r"\sum", r"\begin"))
        return rf"\left{left} {text} \right{right}" if tall else left + text + right

    def bars(self, text: str) -> str:
        return rf"\lvert {text} \rvert"

    def quotient(self, top: Piece, bottom: Piece) -> Piece:
        return Piece(rf"\frac{{{top.text}}}{{{bottom.text}}}", Level.POWER)

    def root(self, piece: Piece) -> Piece:
        return Piece(rf"\sqrt{{{piece.text}}}", Level.POWER)

    def cases(self, condition: Piece, yes: Piece, no: Piece) -> Piece:
        rows = rf"{yes.text} & \text{{if }} {condition.text} \\ {no.text} & \text{{otherwise}}"
        return Piece(rf"\begin{{cases}} {rows} \end{{cases}}", Level.WHERE)

    def joined(self, left: str, right: str) -> bool:
        mixed = left[-1:].isdigit() and right.startswith(r"\frac")  # 2 ½ is read as 2.5
        applied = left.endswith(r"\sigma") and right.startswith(("(", r"\left("))  # σ (…) is read as the sigmoid
        return not (right[:1].isdigit() or right.startswith("{}") or mixed or applied)


class Terminal(Setting):
    """One line of Unicode, in which names stand much as they are typed."""

    signs: ClassVar[dict[str, str]] = {
        "": " ",
        "⊙": " ⊙ ",
        "·": "·",
        "×": " × ",
        "*": " ∗ ",
        "@": " @ ",
        "+": " + ",
        "-": " − ",
        "neg": "−",
        "<=": " ≤ ",
        "<": " < ",
        ">=": " ≥ ",
        ">": " > ",
        "==": " = ",
        "and": " ∧ ",
        "or": " ∨ ",
        "not": "¬",
        ":": ": ",
        "=": " = ",
        ",": ", ",
    }
    words: ClassVar[dict[str, str]] = {
        "sigmoid": "σ",
        "sum": "Σ",
        "inf": "∞",
        "negative": "⁻",
        "in": " ∈ ",
        "prime": "′",
        "float": "ℝ",
        "int": "ℤ",
        "bool": "{0, 1}",
        "option": "ℕ",
        "⌈": "⌈",
        "⌉": "⌉",
        "⌊": "⌊",
        "⌋": "⌋",
        "from": " from ",
        "each": " for ",
        "with": "with ",
        "for": "for ",
    }
    wide = 110

    def name(self, name: str, places: Sequence[str] = (), indices: Collection[str] = ()) -> str:
        if (of := differentiated(name)) and name not in indices:
            return f"∂{self.name(of, places, indices)}"
        head, *rest = name.split("_")
        head = greek(head)
        while rest and rest[0] in ACCENTS:
            head += unicodedata.lookup(f"COMBINING {MARKS[rest.pop(0)]}")
        own = "_".join(greek(part) if len(part) > 2 else part for part in rest)
        doubtful = len(rest) == 1 and reads_as_indices(rest[0], indices)
        if not PLAIN.fullmatch(name) or name in indices or (doubtful and len(rest[0]) > 1 and rest[0] in indices):
            head, own = f"'{name}'", ""
        if own and places:
            return f"{head}_{{{own}{';' if doubtful else ','}{run(places)}}}"
        if own:
            return f"{head}_{{{own}}}" if doubtful else f"{head}_{own}"
        return self.below(head, places) if places else head

    def upright(self, word: str) -> str:
        return word

    def below(self, text: str, places: Sequence[str]) -> str:
        letters = all(len(place) == 1 for place in places)
        return f"{text}_{run(places)}" if letters else f"{text}_{{{run(places)}}}"

    def above(self, text: str, exponent: Piece) -> str:
        return f"{text}^{self.within(exponent, Level.ATOM)}"

    def transposed(self, text: str) -> str:
        return f"{text}ᵀ"

    def bracketed(self, text: str, left: str = "(", right: str = ")") -> str:
        return left + text + right

    def bars(self, text: str) -> str:
        return f"|{text}|"

    def quotient(self, top: Piece, bottom: Piece) -> Piece:
        return Piece(f"{self.within(top, Level.QUOTIENT)} / {self.within(bottom, Level.POWER)}", Level.QUOTIENT)

    def root(self, piece: Piece) -> Piece:
        return Piece(f"√{self.within(piece, Level.ATOM)}", Level.POWER)

    def cases(self, condition: Piece, yes: Piece, no: Piece) -> Piece:
        parts = [self.within(piece, Level.OR) for piece in (yes, condition, no)]
        return Piece("{} if {} else {}".format(*parts), Level.WHERE)

    def joined(self, left: str, right: str) -> bool:
        applied = left.endswith("σ") and right.startswith("(")
        return not (right[:1].isdigit() or right.startswith("⁻") or applied)


def run(places: Sequence[str]) -> str:
    """Places one after the other."""
    return ("" if all(len(place) == 1 for place in places) else ",").join(places)


MARKS = {"tilde": "TILDE", "hat": "CIRCUMFLEX ACCENT", "bar": "MACRON"}


def greek(word: str) -> str:
    """alpha → α; other words as they are."""
    spelt = "LAMDA" if word == "lambda" else word.upper()
    return unicodedata.lookup(f"GREEK SMALL LETTER {spelt}") if word in GREEK else word


LATEX, TERMINAL = Latex(), Terminal()
