"""Formulas in LaTeX."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from attnspec.interpreters.formula.setting import Level, Piece, Setting, run
from attnspec.interpreters.tags import Tag
from attnspec.language.symbols import latex


class Latex(Setting):
    """LaTeX in math mode."""

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
        "list": ", ",
        ";": "; ",
        " ": " ",
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
        "for each": r" \text{ for } ",
        "with": r"\text{with } ",
        "for": r"\text{for } ",
    }
    wide = 220

    def name(self, name: str, places: Sequence[str] = (), indices: Collection[str] = (), *, size: bool = False) -> str:
        return latex(name, run(places), indices, size=size)

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
        mixed = left[-1:].isdigit() and right.startswith(r"\frac")  # "2 ½" could be read as 2.5
        applied = left.endswith(r"\sigma") and right.startswith(("(", r"\left("))  # not the sigmoid of (…)
        return not (right[:1].isdigit() or right.startswith("{}") or mixed or applied)


MARK = r"\color{red}"
"""The command that marks a part."""


class MarkedLatex(Latex):
    """LaTeX in which tagged parts are red."""

    def tagged(self, text: str, tags: Sequence[Tag]) -> str:
        return f"{{{MARK}{{{text}}}}}" if tags else text


LATEX, MARKED = Latex(), MarkedLatex()
