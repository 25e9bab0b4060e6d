"""Views and pages in another language: texts are looked up in catalogs of gettext, files `attnspec.po`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from html import escape, unescape
from importlib.resources import files
from pathlib import Path
from unicodedata import east_asian_width

SAYING = re.compile(r"(<(h2|h3|summary|dt|dd|button|p)\b[^>]*>)([^<]+)(?=<)")
"""The start of an element whose text is that of the page, and not that of code or of a formula."""

COMMENT = re.compile(r'(?<=<mtd class="comment"><mtext>)[^<]+')
"""What a line of a formula is, at its right."""

FIGURE = re.compile(r'(?<=<ol class="words">).*?(?=</ol>)', re.DOTALL)
"""A figure in words, which are symbols but for these:"""

FRAGMENTS = (", of the step before", ", from ", ", a weight", ", given", "and so on", " of ")

TITLE = re.compile(r'(?<=<title>)Data flow of [^<]+|(?<=<desc>)[^<]+|(?<= title=")the same values[^"]+')
"""What a figure is called, its description, and a remark on a link."""

PLACE = re.compile(r"\{\w+\}")
"""A part of a message that differs from page to page, such as {id}."""

FITTING = {"count": "[0-9]+", "total": "[0-9]+", "first": r"\S+(?:, \S+)*", "last": r"\S+"}
"""{place: what fits in it}: digits alone, or names, so that a short message fits no other text."""

SENTENCE = re.compile(r"\b(is|are|of|the|it|instead|which|where|acts)\b")
"""Words of a part of a sentence, which does not fit a place whose name is one letter: names and formulas do."""

WHOLE = re.compile(r'(?<=<pre class="whole" tabindex="0">)[^<]+')
"""The text of a whole verdict: a headline, and rows with labels."""

INDENT = " " * 12
"""What stands before the second and further lines of a row of a verdict, and as wide as its label."""

COMMENTED = re.compile(r"(.*\S)( {4,})(\S.*)")
"""A line of a formula with what it is."""

MEANINGS = re.compile(r'(?<=<script type="application/json" class="attnspec-words">)[^<]+')
"""What names stand for, which a script reads."""

SCRIPT_TEXT = re.compile(r"\bsay\(\"((?:[^\"\\]|\\.)*)\"\)")
"""A message in a script."""


class Translation:
    """The texts of one language.

    Args:
        catalog: {text in English: text in the language}. Both may have the same {places}.
    """

    def __init__(self, catalog: Mapping[str, str]) -> None:
        self.catalog = catalog
        self.patterns = [
            (re.compile(_pattern(text)), said) for text, said in catalog.items() if PLACE.search(text) is not None
        ]

    def say(self, text: str) -> str:
        """A text in the language; as it is if the catalogs do not have it."""
        known = self.catalog.get(text)
        if known is not None:
            return known
        for pattern, said in self.patterns:
            found = pattern.fullmatch(text)
            if found is not None:
                parts = {name: self.say(part) for name, part in found.groupdict().items()}
                if not any(len(name) == 1 and SENTENCE.search(part) for name, part in parts.items()):
                    return said.format(**parts)
        return text

    def html(self, text: str) -> str:
        """A part of a page in the language: headings, terms, buttons and paragraphs, comments of formulas, figures in
        words, and what names stand for."""
        if not self.catalog:
            return text
        text = SAYING.sub(lambda found: found[1] + escape(self.say(unescape(found[3]).strip()), quote=False), text)
        for part in (COMMENT, TITLE):
            text = part.sub(lambda found: escape(self.say(unescape(found[0])), quote=False), text)
        text = WHOLE.sub(lambda found: escape(self.verdict(unescape(found[0])), quote=False), text)
        text = FIGURE.sub(lambda found: self._in_words(found[0]), text)
        return MEANINGS.sub(lambda found: self._meanings(json.loads(found[0])), text)

    def verdict(self, text: str) -> str:
        """The text of a verdict, row by row: its labels, its sentences, and the comments of formulas."""
        headline, *lines = text.splitlines()
        kind, colon, rest = headline.partition(": ")
        rows = [("", line) if line.startswith(INDENT) else (line[: len(INDENT)].strip(), line) for line in lines]
        labels = {label: self.say(label) for label, _ in rows}
        width = max(map(_columns, labels.values()), default=0)
        shown = [
            f"  {labels[label]}{' ' * (width - _columns(labels[label]))} {self._line(line[len(INDENT) :])}"
            for label, line in rows
        ]
        return "\n".join([f"{self.say(kind)}{colon}{rest}", *shown])

    def _line(self, text: str) -> str:
        commented = COMMENTED.fullmatch(text)
        if commented is not None:
            return f"{commented[1]}{commented[2]}{self.say(commented[3])}"
        line = text.lstrip()
        return text[: len(text) - len(line)] + self.say(line)

    def _in_words(self, text: str) -> str:
        for fragment in FRAGMENTS:
            text = text.replace(fragment, self.say(fragment))
        return text

    def _meanings(self, words: dict[str, str | list[str]]) -> str:
        said = {key: [it[0], *map(self.say, it[1:])] if isinstance(it, list) else it for key, it in words.items()}
        return json.dumps(said, ensure_ascii=False).replace("<", "\\u003c")

    def script(self, text: str) -> dict[str, str]:
        """{message of a script: the message in the language}, of those that the catalogs have."""
        return {each: self.catalog[each] for each in SCRIPT_TEXT.findall(text) if each in self.catalog}


def _columns(text: str) -> int:
    """How many columns a text is wide in a font of fixed width, in which Chinese takes two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _pattern(text: str) -> str:
    """The regular expression of a message, whose places are groups."""
    parts = PLACE.split(text)
    names = [place[1:-1] for place in PLACE.findall(text)]
    return re.escape(parts[0]) + "".join(
        rf"(?P<{name}>{FITTING.get(name, '.+?')}){re.escape(part)}" for name, part in zip(names, parts[1:], strict=True)
    )


def translation(language: str, folders: Iterable[Path] = ()) -> Translation:
    """The translation into a language, without a message if there is none.

    Args:
        language: its name, such as zh_CN; "" and en are the language of the messages.
        folders: folders of further catalogs, as `locale_dirs` of Sphinx names them.
    """
    place = Path(language, "LC_MESSAGES", "attnspec.po")
    found = [Path(str(files("attnspec.pages"))) / "locale", *folders]
    return _translation(language, tuple(folder / place for folder in found if (folder / place).is_file()))


@cache
def _translation(language: str, catalogs: tuple[Path, ...]) -> Translation:
    known: dict[str, str] = {}
    for file in catalogs:
        known |= read(file)
    return Translation(known)


def read(file: Path) -> dict[str, str]:
    """{message: its translation}, of those messages of a catalog that are translated and are not fuzzy."""
    from babel.messages.pofile import read_po

    with file.open("rb") as opened:
        catalog = read_po(opened)
    return {str(each.id): str(each.string) for each in catalog if each.id and each.string and not each.fuzzy}
