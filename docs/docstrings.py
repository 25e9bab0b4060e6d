"""What signatures and docstrings say: sections, the entries of a section, members of classes, calls as text."""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from functools import cache
from itertools import pairwise
from types import ModuleType
from typing import Any

SECTIONS = ("Args", "Returns", "Raises", "Attributes", "Examples")
LONGEST = 110
"""A call that is longer has a parameter on each line."""


def sections(doc: str) -> dict[str, str]:
    """The sections of a docstring by their headings; the text before the first one by ""."""
    pieces = re.split(rf"^({'|'.join(SECTIONS)}):\n", doc, flags=re.MULTILINE)
    texts = [textwrap.dedent(piece).strip("\n") for piece in pieces]
    return {"": texts[0], **dict(zip(texts[1::2], texts[2::2], strict=True))}


def entries(section: str) -> dict[str, str]:
    """The names of a section, each with its text."""
    found: dict[str, str] = {}
    for line in section.splitlines():
        name, colon, text = line.partition(":")
        if colon and not line.startswith(" "):
            found[name] = text.strip()
        elif found:
            found[list(found)[-1]] += f" {line.strip()}"
    return found


def summary(doc: str) -> str:
    """The first paragraph, in a line."""
    return " ".join(sections(doc)[""].partition("\n\n")[0].split())


def docstring(module: ModuleType, name: str) -> str:
    """The docstring of a public name; that of a plain value is the string after its assignment."""
    value = getattr(module, name)
    if isinstance(value, ModuleType):  # `attnspec.equations` is a package that can be called
        return inspect.getdoc(type(value).__call__) or ""
    if inspect.isclass(value) or inspect.isfunction(value):
        return inspect.getdoc(value) or ""
    homes = ("language.equation", "language.procedure", "language.tensor", "language.words.sizes")
    tables = (attribute_docs(importlib.import_module(f"attnspec.{home}")) for home in homes)
    return next((docs[name] for docs in tables if name in docs), "")


@cache
def attribute_docs(owner: ModuleType | type) -> Mapping[str, str]:
    """The strings after assignments in a module or class, by the name that is assigned."""
    body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    if isinstance(body[0], ast.ClassDef):
        body = body[0].body
    found = {}
    for statement, after in pairwise(body):
        match statement, after:
            case (
                ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = inspect.cleandoc(text)
    return found


def members(kind: type[enum.Enum]) -> list[tuple[enum.Enum, str]]:
    """The members of an enumeration, each with its docstring."""
    return [(item, attribute_docs(kind).get(item.name, "")) for item in kind]


def methods(value: object) -> dict[str, Callable[..., Any]]:
    """The public methods that a class defines, `__call__` included."""
    if not inspect.isclass(value) or issubclass(value, enum.Enum):
        return {}
    own = {name: item for name, item in vars(value).items() if inspect.isfunction(item)}
    return {name: item for name, item in own.items() if not name.startswith("_") or name == "__call__"}


def properties(value: object) -> dict[str, property]:
    """The public properties that a class defines."""
    own = vars(value).items() if inspect.isclass(value) else ()
    return {name: item for name, item in own if isinstance(item, property) and not name.startswith("_")}


def types(value: type) -> dict[str, str]:
    """The types of the fields and properties of a class, as they are written."""
    fields = {name: text for name, text in inspect.get_annotations(value).items() if isinstance(text, str)}
    gives = {
        name: inspect.get_annotations(item.fget)["return"] for name, item in properties(value).items() if item.fget
    }
    return fields | gives


def call(name: str, function: Callable[..., Any]) -> str:
    """A call with its parameters and types, as it is written."""
    signature = inspect.signature(function)
    parts: list[str] = []
    for item in signature.parameters.values():
        if item.name == "self":
            continue
        if item.kind is item.KEYWORD_ONLY and not any(part.startswith("*") for part in parts):
            parts.append("*")
        stars = "*" if item.kind is item.VAR_POSITIONAL else "**" if item.kind is item.VAR_KEYWORD else ""
        default = "" if item.default is item.empty else f" = {item.default!r}"
        parts.append(f"{stars}{item.name}: {item.annotation}{default}")
    gives = "" if signature.return_annotation is signature.empty else f" -> {signature.return_annotation}"
    line = f"{name}({', '.join(parts)}){gives}"
    return line if len(line) <= LONGEST else f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){gives}"


def caller(value: object) -> Callable[..., Any] | None:
    """The function behind a public name that is called; None for a class and for a plain value."""
    if isinstance(value, ModuleType):
        return type(value).__call__
    return value if inspect.isfunction(value) else None
