"""The languages of the site: its own sentences, and those of equations, from catalogs of gettext below `locale`.

python docs/website/language.py    write new messages into the catalogs, without a translation, and drop old ones
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # as a script; the modules of docs are no package

from attnspec.pages.translation import read, translation  # noqa: E402  # the path is set above

LOCALE = HERE / "locale"
ENGLISH, CHINESE = "en", "zh_CN"
FOLDERS = {ENGLISH: "", CHINESE: "zh/"}
"""{language: where its pages are}."""


class Language:
    """What the pages of one language say.

    Args:
        name: its name, such as zh_CN.

    Attributes:
        own: the messages of the site that were asked for, so far.
        equations: those of equations.
    """

    def __init__(self, name: str = ENGLISH) -> None:
        self.name = name
        self.site = read(catalog(name, "site")) if catalog(name, "site").is_file() else {}
        self.known = translation(name, [LOCALE])
        self.own: dict[str, None] = {}
        self.equations: dict[str, None] = {}

    def say(self, text: str, **values: object) -> str:
        """A sentence of the site, with values in its {places}."""
        self.own[text] = None
        said = self.site.get(text, text)
        return said.format(**values) if values else said

    def of(self, text: str) -> str:
        """A sentence that stands in an equation, a property or a mistake."""
        if text:
            self.equations[text] = None
        return self.known.say(text)

    def list(self, items: Iterable[str]) -> str:
        """Items in a row."""
        return self.say(", ").join(items)

    @property
    def root(self) -> str:
        """The path from the pages of this language to those of all languages."""
        return "../" * FOLDERS[self.name].count("/")


def catalog(language: str, name: str) -> Path:
    """The file of a catalog: `site` has the sentences of the pages, `attnspec` those of equations."""
    return LOCALE / language / "LC_MESSAGES" / f"{name}.po"


def written(language: str, name: str, messages: Iterable[str]) -> bytes:
    """A catalog with these messages and the translations that it has of them."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import write_po

    file = catalog(language, name)
    known = read(file) if file.is_file() else {}
    made = Catalog(locale=language, project="attnspec", fuzzy=False)
    made.mime_headers = [each for each in made.mime_headers if "Date" not in each[0]]
    for text in messages:
        made.add(text, known.get(text, ""))
    shown = BytesIO()
    write_po(shown, made, width=0, omit_header=True)
    return HEADER.encode() + shown.getvalue()


HEADER = """# Texts of the site. `python docs/website/language.py` adds new messages.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"

"""


def asked() -> Language:
    """The language with all messages that its pages ask for."""
    import peers
    from attnspec.discovery import discover
    from attnspec.pages.kept import Found
    from website import pages, pictures

    language, discovery, shown = Language(CHINESE), discover(), peers.catalogue()
    one = shown["recurrent.gru_cell"]
    tried = json.dumps([(each.id, False) for each in one.mutants()])
    facts = {"implementation": "", "dtype": "", "text": "", "caught": "0 of 1", "tried": tried}
    found = Found("conforms", "", "", ("examples/swapped_gate.py",), facts)
    verdicts = {pages.asked_of(each, one.id): found for each in pages.own(one, discovery)[:1]}
    verdicts[pages.FRONT] = found
    pages.Pages(list(shown.values()), discovery, verdicts, language=language).all(pictures=False)
    for rest, weights, traces in ((0, True, True), (1, True, False), (0, False, True)):
        list(pictures.markdown("", pictures.Drawn("", (), weights, traces, rest), language))
    for text in literals():
        language.say(text)
    for line in (line for equation in shown.values() for line in equation.definition.lines):
        language.of(line.comment)
    return language


def literals() -> Iterator[str]:
    """The messages in the code, of which some are seldom asked for."""
    for file in sorted(HERE.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name == "say" and file.name != "build.py" and isinstance(node.args[0].value, str):
                    yield node.args[0].value


def main() -> None:
    """Write the catalogs anew."""
    language = asked()
    for name, messages in (("site", language.own), ("attnspec", language.equations)):
        file = catalog(language.name, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(written(language.name, name, messages))
        print(f"{file}: {len(messages)} messages, {len(messages) - len(read(file))} without a translation")


if __name__ == "__main__":
    main()
