"""Formulas in a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from typing import ClassVar

from attnspec.interpreters.formula.setting import MARKS, Level, Piece, Setting, greek, run
from attnspec.language.symbols import ACCENTS, PLAIN, differentiated, reads_as_indices, reads_as_place


class Terminal(Setting):
    """Unicode on one line; names are close to how they are typed."""

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
        "list": ", ",
        ";": "; ",
        " ": " ",
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
        "for each": " for ",
        "with": "with ",
        "for": "for ",
    }
    wide = 110

    def name(self, name: str, places: Sequence[str] = (), indices: Collection[str] = (), *, size: bool = False) -> str:
        if (of := differentiated(name)) and name not in indices and not size:
            return f"∂{self.name(of, places, indices)}"
        base, _, layer = name.rpartition(".")
        if PLAIN.fullmatch(base) and layer.isdecimal():  # of an equation that is written out for its layers
            return f"{self.name(base, places, indices)}^({int(layer) + 1})"
        head, *rest = name.split("_")
        head = greek(head)
        while rest and rest[0] in ACCENTS:
            head += unicodedata.lookup(f"COMBINING {MARKS[rest.pop(0)]}")
        subscript = "_".join(greek(part) if len(part) > 2 else part for part in rest)
        ambiguous = len(rest) == 1 and reads_as_indices(rest[0], indices)
        read_on = ";" if rest and reads_as_place(rest, indices) else ","
        if not PLAIN.fullmatch(name) or name in indices or (ambiguous and len(rest[0]) > 1 and rest[0] in indices):
            head, subscript = f"'{name}'", ""
        if subscript and places:
            return f"{head}_{{{subscript}{read_on}{run(places)}}}"
        if subscript:
            return f"{head}_{{{subscript}}}" if ambiguous else f"{head}_{subscript}"
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


TERMINAL = Terminal()
