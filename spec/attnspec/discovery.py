"""What installed packages implement, read from their source: nothing of theirs is imported, so it costs nothing."""

from __future__ import annotations

import ast
import importlib.util
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

GROUP = "attnspec.implementations"
"""The entry points by which a package says that it has implementations; each names a package or module."""

Declaring = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Declared:
    """One `@implements` in the source of an installed package.

    Attributes:
        equation: the equation's id, as it is written there.
        framework: whose arrays it takes; None where only its imports tell.
        module: the module that defines it.
        name: the callable in that module.
        file: its source.
        line: where its definition starts.
        backward: what it declares is the gradients of that equation.
    """

    equation: str
    framework: str | None
    module: str
    name: str
    file: Path
    line: int
    backward: bool = False

    @property
    def package(self) -> str:
        """The package at the top."""
        return self.module.partition(".")[0]

    @property
    def through(self) -> str:
        """A word for who reads of it among what implements the equation of the gradients."""
        return ", differentiated" if self.backward else ""

    @property
    def target(self) -> str:
        """As `attnspec verify` takes it."""
        return f"{self.module}:{self.name}"


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found, in the order of packages and files, and what could not be read, in sentences."""

    found: tuple[Declared, ...]
    troubles: tuple[str, ...] = ()

    def of(self, equation: str, gradient_of: str = "") -> tuple[Declared, ...]:
        """What implements an equation; of one of gradients, also what has them made of the equation they are of."""
        wanted = {(equation, False), (gradient_of or None, True)}
        return tuple(each for each in self.found if (each.equation, each.backward) in wanted)


def discover() -> Discovery:
    """Everything that the packages installed here declare."""
    names = dict.fromkeys(point.module for point in sorted(entry_points(group=GROUP)))
    found: list[Declared] = []
    troubles: list[str] = []
    for name in names:
        sources = list(_sources(name))
        if not sources:
            troubles.append(f"{name} has an entry point, and no source here")
        for module, file in sources:
            try:
                found += _declared(module, file)
            except (OSError, SyntaxError, ValueError) as error:
                troubles.append(f"{file} cannot be read: {error}")
    return Discovery(tuple(found), tuple(troubles))


def _sources(name: str) -> Iterator[tuple[str, Path]]:
    """The modules of a package with their files, those that start with an underscore left out."""
    root = _place(name)
    if root is None:
        return
    if root.is_file():
        yield name, root
        return
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not any(part.startswith("_") for part in parts):
            yield ".".join([name, *parts]), file


def _place(name: str) -> Path | None:
    """The folder or file of a module. Only the package at the top is looked up: finding what is below imports it."""
    top, *below = name.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return None
    homes = [Path(home) for home in spec.submodule_search_locations or ()]
    homes = homes or ([Path(spec.origin)] if spec.origin and not below else [])
    places = [home.joinpath(*below) for home in homes]
    places += [place.with_suffix(".py") for place in places if below]
    return next((place for place in places if place.exists()), None)


def _declared(module: str, file: Path) -> Iterator[Declared]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the source says wrong elsewhere is its author's business
        tree = ast.parse(file.read_bytes(), str(file))
    for node in _at_the_top(tree):
        for decorator in node.decorator_list:
            declared = _read(decorator)
            if declared is not None:
                equation, framework, backward = declared
                yield Declared(equation, framework, module, node.name, file, node.lineno, backward)


def _at_the_top(node: ast.AST) -> Iterator[Declaring]:
    """Functions and classes of a module, also those under an if or a try."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Declaring):
            yield child
        else:
            yield from _at_the_top(child)


def _read(decorator: ast.expr) -> tuple[str, str | None, bool] | None:
    """The equation and the framework of `@implements("id", framework=...)`, and whether it is of its gradients.

    None for any other decorator.
    """
    match decorator:
        case ast.Call(
            func=ast.Name(id="implements") | ast.Attribute(attr="implements"),
            args=[ast.Constant(value=str(equation))],
            keywords=keywords,
        ):
            given = {keyword.arg: keyword.value for keyword in keywords}
            framework = given.get("framework")
            told = framework.value if isinstance(framework, ast.Constant) else None
            backward = given.get("backward")
            is_backward = isinstance(backward, ast.Constant) and backward.value is True
            return equation, told if isinstance(told, str) else None, is_backward
    return None
