"""The implementations that installed packages declare, read from their source without importing it."""

from __future__ import annotations

import ast
import importlib.util
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

GROUP = "attnspec.implementations"
"""The group of entry points of packages with implementations; each names a package or module."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Declared:
    """One `@implements` in the source of an installed package.

    Attributes:
        equation: the id of the equation, as written there.
        framework: the framework of its arrays; None if it is not declared.
        module: the module that defines the callable.
        name: the name of the callable in that module.
        file: the source file.
        line: the first line of the definition.
        backward: whether it declares the gradients of the equation.
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
        """The top-level package."""
        return self.module.partition(".")[0]

    @property
    def remark(self) -> str:
        """A remark in lists of implementations: ", differentiated" for gradients by automatic differentiation."""
        return ", differentiated" if self.backward else ""

    @property
    def target(self) -> str:
        """The target, as `attnspec verify` takes it."""
        return f"{self.module}:{self.name}"


@dataclass(frozen=True, slots=True)
class Discovery:
    """The declarations of all installed packages.

    Attributes:
        declarations: the declarations, in the order of packages and files.
        troubles: a sentence for each package or file that could not be read.
    """

    declarations: tuple[Declared, ...]
    troubles: tuple[str, ...] = ()

    def of(self, equation: str, gradient_of: str = "") -> tuple[Declared, ...]:
        """Return the implementations of an equation.

        Args:
            equation: the id of the equation.
            gradient_of: for an equation of gradients, the id of the equation that it is the gradient of. Its
                implementations that declare gradients are returned too.
        """
        keys = {(equation, False), (gradient_of or None, True)}
        return tuple(item for item in self.declarations if (item.equation, item.backward) in keys)


def discover() -> Discovery:
    """Read the declarations of all installed packages."""
    names = dict.fromkeys(point.module for point in sorted(entry_points(group=GROUP)))
    declarations: list[Declared] = []
    troubles: list[str] = []
    for name in names:
        sources = list(_sources(name))
        if not sources:
            troubles.append(f"{name} has an entry point, but no source here")
        for module, file in sources:
            try:
                declarations += _declarations(module, file)
            except (OSError, SyntaxError, ValueError) as error:
                troubles.append(f"{file} cannot be read: {error}")
    return Discovery(tuple(declarations), tuple(troubles))


def _sources(name: str) -> Iterator[tuple[str, Path]]:
    """Yield the modules of a package with their files, without those that start with an underscore."""
    root = _path(name)
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


def _path(name: str) -> Path | None:
    """Return the folder or file of a module. Only its top-level package is looked up, which imports nothing."""
    top, *below = name.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return None
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    folders = folders or ([Path(spec.origin)] if spec.origin and not below else [])
    paths = [folder.joinpath(*below) for folder in folders]
    paths += [path.with_suffix(".py") for path in paths if below]
    return next((path for path in paths if path.exists()), None)


def _declarations(module: str, file: Path) -> Iterator[Declared]:
    """Yield the declarations of a source file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # syntax warnings of other people's source
        tree = ast.parse(file.read_bytes(), str(file))
    for node in _definitions(tree):
        for decorator in node.decorator_list:
            arguments = _arguments(decorator)
            if arguments is not None:
                equation, framework, backward = arguments
                yield Declared(equation, framework, module, node.name, file, node.lineno, backward)


def _definitions(node: ast.AST) -> Iterator[Definition]:
    """Yield the functions and classes of a module, also those under an if or a try, but not nested ones."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            yield child
        else:
            yield from _definitions(child)


def _arguments(decorator: ast.expr) -> tuple[str, str | None, bool] | None:
    """Return the id, the framework and whether backward is True of an `@implements`; None for any other decorator."""
    match decorator:
        case ast.Call(
            func=ast.Name(id="implements") | ast.Attribute(attr="implements"),
            args=[ast.Constant(value=str(equation))],
            keywords=keywords,
        ):
            values = {keyword.arg: _constant(keyword.value) for keyword in keywords}
            framework = values.get("framework")
            return equation, framework if isinstance(framework, str) else None, values.get("backward") is True
    return None


def _constant(node: ast.expr) -> object:
    """Return the value of a literal; None for any other expression."""
    return node.value if isinstance(node, ast.Constant) else None
