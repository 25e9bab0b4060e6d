"""Formulas in MathML Core. A text is a row of elements; what a part stands for is in attributes of its element."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import ClassVar

from attnspec.interpreters.formula.setting import MARKS, Level, Piece, Setting, greek
from attnspec.interpreters.tags import Tag, name_key
from attnspec.language.symbols import ACCENTS, PLAIN, differentiated, reads_as_indices

TIMES = '<mo lspace="0" rspace="0.17em">\u2062</mo>'
SPACES = {"MACRON": "¯", "TILDE": "~", "CIRCUMFLEX ACCENT": "^"}
"""{accent: the operator that sets it}."""


def sign(text: str, **spaces: str) -> str:
    """An operator."""
    return f"<mo{attributes(spaces)}>{escape(text, quote=False)}</mo>"


def attributes(values: Mapping[str, str]) -> str:
    """Attributes of an element, without those that are empty."""
    return "".join(f' {name}="{escape(value)}"' for name, value in values.items() if value)


def between(text: str) -> str:
    """A word between two parts."""
    return f"<mtext>\u00a0{text}\u00a0</mtext>"


def italic(word: str) -> str:
    """A word in italic letters, which MathML Core has as characters of their own."""
    return "".join(_italic(letter) for letter in word)


def _italic(letter: str) -> str:
    if letter == "h":
        return "ℎ"
    if letter.isascii() and letter.isalpha():
        return chr(0x1D434 + ord(letter) - ord("A") if letter.isupper() else 0x1D44E + ord(letter) - ord("a"))
    return letter


class MathML(Setting):
    """MathML Core, for pages."""

    signs: ClassVar[dict[str, str]] = {
        "": TIMES,
        "⊙": sign("⊙"),
        "·": sign("·"),
        "×": sign("×"),
        "*": sign("∗"),
        "@": sign("@", lspace="0.22em", rspace="0.22em"),
        "+": sign("+"),
        "-": sign("−"),
        "neg": sign("−", form="prefix"),
        "<=": sign("≤"),
        "<": sign("<"),
        ">=": sign("≥"),
        ">": sign(">"),
        "==": sign("="),
        "and": sign("∧"),
        "or": sign("∨"),
        "not": sign("¬"),
        ":": sign(":"),
        "=": sign("="),
        ",": sign(",", rspace="0.6em"),
        "list": sign(",", rspace="0.3em"),
        ";": sign(";", rspace="0.3em"),
        " ": "",
    }
    words: ClassVar[dict[str, str]] = {
        "sigmoid": '<mi mathvariant="normal">σ</mi>',
        "sum": '<mo largeop="true" movablelimits="false">∑</mo>',
        "inf": "<mi>∞</mi>",
        "negative": sign("⁻", form="prefix", lspace="0", rspace="0"),
        "in": sign("∈"),
        "prime": sign("′", lspace="0", rspace="0"),
        "float": "<mi>ℝ</mi>",
        "int": "<mi>ℤ</mi>",
        "bool": "<mo>{</mo><mn>0</mn><mo>,</mo><mn>1</mn><mo>}</mo>",
        "option": "<mi>ℕ</mi>",
        "⌈": sign("⌈"),
        "⌉": sign("⌉"),
        "⌊": sign("⌊"),
        "⌋": sign("⌋"),
        "from": between("from"),
        "for each": between("for"),
        "with": "<mtext>with\u00a0</mtext>",
        "for": "<mtext>for\u00a0</mtext>",
    }
    wide = 60

    def name(self, name: str, places: Sequence[str] = (), indices: Collection[str] = (), *, size: bool = False) -> str:
        if (of := differentiated(name)) and name not in indices and not size:
            return f"<mrow>{sign('∂', form='prefix', lspace='0', rspace='0')}{self.name(of, places, indices)}</mrow>"
        if PLAIN.fullmatch(name) and name not in indices:
            head, *rest = name.split("_")
            word = head if len(head) == 1 else greek(head) if greek(head) != head else italic(head)
            base, rest = _accented(f"<mi>{word}</mi>", rest)
        else:
            base, rest = f"<mtext>'{escape(name, quote=False)}'</mtext>", []
        own = _below(rest, indices)
        subscripts = [part for part in (own, self.run(places)) if part]
        return f"<msub>{base}{one(sign(',').join(subscripts))}</msub>" if subscripts else base

    def run(self, places: Sequence[str]) -> str:
        """Subscripts: single letters side by side, others separated by commas."""
        letters = all(len(self.plain(place)) == 1 for place in places)
        return ("" if letters else sign(",", lspace="0", rspace="0")).join(places)

    def upright(self, word: str) -> str:
        return f'<mi mathvariant="normal">{escape(word, quote=False)}</mi>'

    def literal(self, text: str) -> str:
        return "".join(
            f"<mn>{part}</mn>" if part.isdigit() else f"<mi>{part}</mi>" if part.isalpha() else sign(part)
            for part in re.findall(r"\d+|[^\W\d]|[^\w\s]", text)
        )

    def below(self, text: str, places: Sequence[str]) -> str:
        kind = "munder" if text == self.words["sum"] else "msub"
        return f"<{kind}>{one(text)}{one(self.run(places))}</{kind}>"

    def above(self, text: str, exponent: Piece) -> str:
        return f"<msup>{one(text)}{one(exponent.text)}</msup>"

    def transposed(self, text: str) -> str:
        return f"<msup>{one(text)}<mo>⊤</mo></msup>"

    def bracketed(self, text: str, left: str = "(", right: str = ")") -> str:
        return f'<mrow><mo form="prefix">{left}</mo>{text}<mo form="postfix">{right}</mo></mrow>'

    def bars(self, text: str) -> str:
        return self.bracketed(text, "|", "|")

    def quotient(self, top: Piece, bottom: Piece) -> Piece:
        return Piece(f"<mfrac>{one(top.text)}{one(bottom.text)}</mfrac>", Level.POWER)

    def root(self, piece: Piece) -> Piece:
        return Piece(f"<msqrt>{piece.text}</msqrt>", Level.POWER)

    def cases(self, condition: Piece, yes: Piece, no: Piece) -> Piece:
        rows = (
            f"<mtr><mtd>{yes.text}</mtd><mtd><mtext>if\u00a0</mtext>{condition.text}</mtd></mtr>"
            f"<mtr><mtd>{no.text}</mtd><mtd><mtext>otherwise</mtext></mtd></mtr>"
        )
        return Piece(f'<mrow><mo form="prefix">{{</mo><mtable class="cases">{rows}</mtable></mrow>', Level.WHERE)

    def number(self, value: float) -> Piece:
        piece = super().number(abs(value))
        digits = piece.text if piece.text == self.words["inf"] else f"<mn>{piece.text}</mn>"
        return Piece(self.words["negative"] + digits, Level.POWER) if _is_negative(value) else Piece(digits)

    def joined(self, left: str, right: str) -> bool:
        before, after = self.plain(left), self.plain(right)
        applied = before.endswith("σ") and after.startswith("(")
        return not (after[:1].isdigit() or after.startswith("⁻") or applied)

    def tight(self, text: str) -> str:
        return text

    def plain(self, text: str) -> str:
        return re.sub(r"<[^>]*>", "", text)

    def tagged(self, text: str, tags: Sequence[Tag]) -> str:
        if not tags:
            return text
        first = tags[0]
        own = {
            "data-term": " ".join(tag.term for tag in tags),
            "data-key": first.key,
            "arg": first.arg,
            "intent": first.intent,
        }
        shown = attributes(own)
        element = text if is_one(text) and "data-" not in text.partition(">")[0] else f"<mrow>{text}</mrow>"
        return re.sub(r"^<(\w+)", lambda found: f"<{found[1]}{shown}", element)

    def keyed(self, text: str, name: str) -> str:
        return self.tagged(text, [Tag("", name_key(name))])


def _is_negative(value: float) -> bool:
    return str(value).startswith("-")


def one(text: str) -> str:
    """A row of elements as one element."""
    return text if is_one(text) else f"<mrow>{text}</mrow>"


def is_one(text: str) -> bool:
    """Whether a row of elements is a single element."""
    depth = 0
    for found in re.finditer(r"<(/?)[^>]*>", text):
        depth += -1 if found[1] else 1
        if depth == 0:
            return found.end() == len(text)
    return False


def _accented(base: str, rest: Sequence[str]) -> tuple[str, list[str]]:
    parts = [*rest]
    while parts and parts[0] in ACCENTS:
        mark = SPACES[MARKS[parts.pop(0)]]
        base = f'<mover accent="true">{base}<mo stretchy="false">{mark}</mo></mover>'
    return base, parts


def _below(parts: Sequence[str], indices: Collection[str]) -> str:
    """The subscripts of a name, each one a subscript of the previous one."""
    if not parts:
        return ""
    first, *rest = parts
    if "_".join(parts) in indices or (not rest and reads_as_indices(first, indices)):
        return f'<mi mathvariant="normal">{"_".join(parts)}</mi>'
    word = len(first) > 2 and first.isalpha()  # two letters are two symbols: W_xi maps x to i
    text, rest = _accented(f"<mi>{greek(first)}</mi>" if word else one(MATHML.literal(first)), rest)
    return f"<msub>{text}{one(_below(rest, indices))}</msub>" if rest else text


MATHML = MathML()
