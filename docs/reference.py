"""The pages of the API reference, made from signatures and docstrings.

python docs/reference.py            write them
python docs/reference.py --check    say which are stale, and fail
"""

from __future__ import annotations

import enum
import inspect
import re
import sys
import textwrap
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import attnspec
from attnspec import notation
from docstrings import call, caller, docstring, entries, members, methods, properties, sections, summary, types
from writing import ROOT, Folder, Texts, anchor, block, bullets, joined, prose

FOLDER = Folder(
    ROOT / "docs/reference", "<!-- Written by docs/reference.py: change the docstring, then run `make pages`. -->"
)
FROM_JAXTYPING = ("Bool", "Float", "Int")
"""Public names of the notation that its introduction explains."""


@dataclass(frozen=True)
class Page:
    """A page of the reference.

    Attributes:
        title: its title.
        intro: a docstring that stands above the names.
        names: public names, in order.
        module: the module that has them.
    """

    title: str
    intro: str
    names: tuple[str, ...]
    module: ModuleType = attnspec


PAGES = {
    "verify.md": Page("Verify", "Judge implementations.", ("verify", "Report")),
    "verdict.md": Page(
        "Verdicts",
        "What is said of an implementation.",
        (
            *("Verdict", "VerdictKind", "Diagnosis", "Departure"),
            *("FunctionVerdict", "WorstElement", "WorstAnswer"),
        ),
    ),
    "declare.md": Page(
        "Declare implementations",
        "Declare which equation a callable implements, and for which inputs.",
        ("implements", "Claim", "ClaimFields", "Implementation", "Framework", "DType", "PrecisionPolicy"),
    ),
    "equations.md": Page(
        "Equations", "Look equations up, and compute with them.", ("equations", "REGISTRY", "Equation")
    ),
    "noise-and-cost.md": Page("Noise and cost", "What an equation has beside its value.", ("Noise", "Cost")),
    "define.md": Page(
        "Define equations", "Define equations of your own.", ("equation", "Source", "Symbol", "Size", "Place")
    ),
    "mistakes.md": Page(
        "Mistakes and forms",
        "Add known mistakes and equal rewritings to an equation.",
        ("mutate", "mutant", "Mutant", "rewrite", "form"),
    ),
    "notation.md": Page(
        "Notation",
        inspect.getdoc(notation) or "",
        (
            *("Tensor", "Index", "Layers", "index", "indices", "size", "zeros", "inf"),
            *("scan", "last", "through"),
        ),
        notation,
    ),
    "functions.md": Page(
        "Notation: functions of an element",
        "Words of `attnspec.notation` that act on each element.",
        (
            *("exp", "log", "sin", "cos", "tanh", "sigmoid", "relu", "gelu", "silu", "softplus"),
            *("abs", "sqrt", "where"),
        ),
        notation,
    ),
    "axes.md": Page(
        "Notation: functions along axes",
        "Words of `attnspec.notation` that act along an axis, or change axes.",
        ("sum", "max", "argmax", "softmax", "log_softmax", "transpose", "concat", "split"),
        notation,
    ),
    "procedures.md": Page(
        "Procedures",
        "Functions on text and other plain values, which are judged by equality.",
        ("PROCEDURES", "Procedure", "procedure"),
    ),
    "properties.md": Page(
        "Properties",
        "Relations between outputs that every implementation must keep.",
        ("property_of", "Property", "Equal", "AtMost"),
    ),
    "errors.md": Page(
        "Errors",
        "Errors in what the caller gave. A candidate that raises gets the verdict “fails” instead.",
        (
            *("SpecError", "NotationError", "ShapeError", "UnknownName", "BindingError", "TargetError"),
            *("MissingPackage", "WorkerError", "VerificationError"),
        ),
    ),
}


def pages() -> Texts:
    """The text of each page."""
    return {name: joined([FOLDER.mark, *_page(page)]) for name, page in PAGES.items()}


def _page(page: Page) -> Iterator[str]:
    yield f"# {page.title}"
    yield from _text(page.intro)
    anchors = _anchors(page)
    yield bullets(f"[{name}](#{anchors[name]}): {prose(summary(docstring(page.module, name)))}" for name in page.names)
    for name in page.names:
        yield from _entry(page.module, name)


def _entry(module: ModuleType, name: str) -> Iterator[str]:
    """The section of a name; that of a class has its methods too."""
    value = getattr(module, name)
    yield f"## {name}"
    if inspect.isclass(value):
        base = value.__mro__[1].__name__ if issubclass(value, BaseException) else ""
        yield block("python", f"class {module.__name__}.{name}" + (f"({base})" if base else ""))
    elif function := caller(value):
        yield block("python", call(f"{module.__name__}.{name}", function))
    yield from _docstring(docstring(module, name), value)
    for method, function in methods(value).items():
        yield f"### {name}.{method}".replace("__", r"\_\_")
        yield block("python", call(f"{name}.{method}", function))
        yield from _docstring(inspect.getdoc(function) or "", function)


def _docstring(doc: str, value: object) -> Iterator[str]:
    """A docstring as Markdown, section by section."""
    parts = {name: text for name, text in sections(doc).items() if name}
    listed = {name: entries(text) for name, text in parts.items() if name not in ("Returns", "Examples")}
    own = {name for names in listed.values() for name in names}
    yield from _text(sections(doc)[""], own)
    if isinstance(value, type) and issubclass(value, enum.Enum):
        yield bullets(f"`{item.name}` = `{item.value!r}`: {prose(text)}" for item, text in members(value))
    if inspect.isclass(value) and properties(value):
        texts = {name: summary(inspect.getdoc(item) or "") for name, item in properties(value).items()}
        lowered = {name: text[:1].lower() + text[1:] for name, text in texts.items()}
        listed["Attributes"] = listed.get("Attributes", {}) | lowered
    if names := listed.get("Args"):
        yield from _list("Parameters", names, own)
    if "Returns" in parts:
        yield from ("**Returns**", _line(parts["Returns"], own))
    if names := listed.get("Raises"):
        yield from _list("Raises", names, own - names.keys())
    if names := listed.get("Attributes"):
        yield from _list("Attributes", names, own, types(value) if inspect.isclass(value) else {})
    yield from _examples(parts.get("Examples", ""))


def _list(
    title: str, names: Mapping[str, str], own: Collection[str], written: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Names with their texts, and with their types where these are given."""
    yield f"**{title}**"
    kinds = {name: f" (`{kind}`)" for name, kind in (written or {}).items()}
    yield bullets(f"{_line(f'`{name}`', own)}{kinds.get(name, '')}: {_line(text, own)}" for name, text in names.items())


def _text(text: str, own: Collection[str] = ()) -> Iterator[str]:
    """Paragraphs, lists and indented code, then examples."""
    parts = sections(text)
    for paragraph in parts[""].split("\n\n"):
        if paragraph.startswith("    "):
            yield block("python", textwrap.dedent(paragraph))
        elif paragraph.startswith("- "):
            yield bullets(_line(item, own) for item in re.split("^- ", paragraph, flags=re.MULTILINE)[1:])
        else:
            yield _line(paragraph, own)
    yield from _examples(parts.get("Examples", ""))


def _examples(text: str) -> Iterator[str]:
    """Sentences, and sessions of Python."""
    for paragraph in text.split("\n\n") if text else ():
        yield block("pycon", paragraph) if paragraph.startswith(">>>") else _line(paragraph, ())


def _line(text: str, own: Collection[str]) -> str:
    """A paragraph as Markdown, with links from public names in backticks unless they are the entry's own."""

    def link(found: re.Match[str]) -> str:
        place = _places().get(found[1]) if found[1] not in own else None
        return f"[`{found[1]}`]({place})" if place else found[0]

    return re.sub(r"`([\w.]+)`", link, prose(" ".join(text.split())))


@cache
def _places() -> Mapping[str, str]:
    """The page and the anchor of each public name and method."""
    places = {name: f"{file}#{place}" for file, page in PAGES.items() for name, place in _anchors(page).items()}
    return {"attnspec.notation": "notation.md", **places}


def _anchors(page: Page) -> Mapping[str, str]:
    """The anchors of the headings of a page; of two that differ in case alone, GitHub numbers the second."""
    found: dict[str, str] = {}
    for name in page.names:
        for heading in (name, *(f"{name}.{method}" for method in methods(getattr(page.module, name)))):
            same = [earlier for earlier in found if anchor(earlier) == anchor(heading)]
            found[heading] = anchor(heading) + (f"-{len(same)}" if same else "")
    return found


if __name__ == "__main__":
    sys.exit(FOLDER.main(pages, (__doc__ or "").partition("\n")[0]))
