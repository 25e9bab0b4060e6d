"""The catalogue under other names: each argument, line, size, option, equation and family has a name without meaning.

What the engine knows of a name is then declared, or is not known. The names are in the alphabetical order of those that
they replace, since an order may decide which of two things comes first.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attnspec import REGISTRY, Equation, Place, Size
from attnspec.language import layers, vocabulary
from attnspec.language.registry import families

FOLDER = Path(str(importlib.import_module("attnspec.equations").__path__[0]))

KEPT = {
    *vocabulary.WORDS, *layers.WIRING_ERRORS, *("equation", "Source", "Place", "Symbol", "Size"),
    *("Float", "Int", "Bool", "Tensor", "Layers"),
    *("tuple", "int", "float", "bool", "not", "and", "or", "neg", "ceil", "L", "attnspec", "notation", "jaxtyping"),
    *("name", "convention_of", "gradient_of"),
}  # fmt: skip
"""Names of the notation, not of an equation."""

HEADER = """from jaxtyping import Bool, Float, Int
from attnspec import Place, Size, Symbol, equation
from attnspec.notation import *
from attnspec.notation import Layers, Tensor
"""

WORD = re.compile(r"[A-Za-z]\w*")
GRADIENT, TOP = "d_", "_L"
"""What the notation itself says with a name: a gradient, and a size of the top layer."""


def split_name(name: str) -> tuple[str, str, str]:
    """A name as what the notation says before it, the name itself, and what the notation says behind."""
    before = GRADIENT if name.startswith(GRADIENT) else ""
    behind = TOP if name.endswith(TOP) and len(name) > len(TOP) else ""
    return before, name[len(before) : len(name) - len(behind)], behind


@cache
def names() -> MappingProxyType[str, str]:
    """{name in the catalogue: the name that it has here}."""
    found = {*families()}
    for tree in map(parsed, families_of_equations()):
        for node in ast.walk(tree):
            match node:
                case ast.Name(id=name) | ast.arg(arg=name) | ast.FunctionDef(name=name):
                    found.add(name)
                case ast.Constant(value=str(text)) if len(text) < 40:
                    found |= {*WORD.findall(text)}
    kept = {split_name(name)[1] for name in found} - KEPT
    return MappingProxyType({name: f"q{place:04d}" for place, name in enumerate(sorted(kept))})


def other(name: str) -> str:
    """The name that a name of the catalogue has here."""
    before, own, behind = split_name(name)
    return f"{before}{names().get(own, own)}{behind}"


def other_id(id: str) -> str:
    """The id that an equation of the catalogue has here."""
    return ".".join(map(other, id.split(".")))


def other_text(text: str) -> str:
    """A text, such as the sizes of an array, with the names that it has here."""
    return WORD.sub(lambda match: other(match[0]), text)


@cache
def parsed(family: str) -> ast.Module:
    return ast.parse((FOLDER / f"{family}.py").read_text(encoding="utf-8"))


@cache
def families_of_equations() -> tuple[str, ...]:
    return tuple(family for family in families() if (FOLDER / f"{family}.py").is_file())


class Renaming(ast.NodeTransformer):
    """Gives every name of a module its other one, and declares what the names meant."""

    def __init__(self, family: str) -> None:
        self.family = family

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(other(node.id), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        annotation = None if node.annotation is None else self.visit(node.annotation)
        return ast.arg(other(node.arg), annotation)

    def visit_keyword(self, node: ast.keyword) -> ast.keyword:
        return ast.keyword(None if node.arg is None else other(node.arg), self.visit(node.value))

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        return ast.Attribute(self.visit(node.value), other(node.attr), node.ctx)

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(other_text(node.value)) if isinstance(node.value, str) else node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom | None:
        package, _, family = (node.module or "").partition("attnspec.equations")
        if package or not (node.module or "").startswith("attnspec.equations"):
            return None
        used = [item for item in node.names if not item.name.isupper()]  # constants are for the decorators
        aliases = [ast.alias(other(item.name), item.asname and other(item.asname)) for item in used]
        if family:
            return ast.ImportFrom(other(family.removeprefix(".")), aliases, 0)
        return ast.Import(aliases)  # type: ignore[return-value]  # an import in the place of an import

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        decorator = next(each for each in node.decorator_list if isinstance(each, ast.Call))
        given = {item.arg: item.value for item in decorator.keywords if item.arg}
        name = ast.literal_eval(given["name"]) if "name" in given else node.name
        links = [self.visit(ast.keyword(key, given[key])) for key in ("convention_of", "gradient_of") if key in given]
        declared = declarations(REGISTRY[f"{self.family}.{name}"])
        told = [ast.keyword("name", ast.Constant(other(name)))] if name != node.name else []
        made = ast.parse(f"equation(**{declared!r})", mode="eval").body
        assert isinstance(made, ast.Call)
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        changed = ast.FunctionDef(
            other(node.name),
            self.visit(node.args),
            [self.visit(line) for line in body],
            [ast.Call(made.func, [], [*made.keywords, *links, *told])],
            self.visit(node.returns) if node.returns else None,
        )
        return ast.fix_missing_locations(changed)


def declarations(equation: Equation[..., Any]) -> dict[str, Any]:
    """What an equation must declare of its names if they have no meaning."""
    definition = equation.definition
    arrays = {array.name for array in layers.arrays(definition)} | {result.name for result in definition.results}
    symbols = {name: symbol for name, symbol in definition.symbols.items() if name in arrays and name.isidentifier()}
    sizes = {name: definition.role(name) for name in layers.sizes_of(definition)}
    if layers.of(definition) is not None:
        del sizes[layers.COUNT]
    free = {
        name: replace(draw, size=other(draw.size)) if isinstance(draw, Place) else draw
        for name, draw in equation.options.items()
    }
    fixed = {name: Size(other(size)) for name, size in definition.size_options.items()}
    return {
        "says": equation.says,
        "symbols": {other(name): symbol for name, symbol in symbols.items()},
        "sizes": {other(name): role for name, role in sizes.items()},
        "options": {other(name): draw for name, draw in {**free, **fixed}.items()},
        **{
            argument: {other(name): value for name, value in getattr(equation, argument).items()}
            for argument in ("smallest", "largest", "scales")
        },
    }


def write(folder: Path) -> None:
    """Write the catalogue under other names, a module for each family, and import it."""
    for family in families_of_equations():
        tree = Renaming(family).visit(parsed(family))
        kept = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.Import | ast.ImportFrom)]
        text = HEADER + "\n".join(ast.unparse(ast.fix_missing_locations(node)) for node in kept)
        (folder / f"{other(family)}.py").write_text(text + "\n", encoding="utf-8")
    sys.path.insert(0, str(folder))
    for family in families_of_equations():
        importlib.import_module(other(family))
