"""The source files that a candidate consists of, known without importing it.

They are its own file and what that imports, and so on, without installed packages and the standard library: these are
known by their versions.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder, SourceFileLoader
from importlib.metadata import distributions
from pathlib import Path

from attnspec.language.definitions import is_file
from attnspec.verification.candidate import source_rules
from attnspec.verification.sandbox.targets import PROGRAMS, Command, File, Module, Pickled, Target


@dataclass
class Sources:
    """The source of a candidate.

    Attributes:
        files: {file: digest of its content}.
        variables: the environment variables that the files read.
        unknown: why the source is not known wholly, in a line; "" if it is.
    """

    files: dict[str, str] = field(default_factory=dict)
    variables: set[str] = field(default_factory=set)
    unknown: str = ""

    @property
    def digest(self) -> str:
        """A digest of the files and of the values of the environment variables."""
        values = [(name, os.environ.get(name)) for name in sorted(self.variables)]
        return hashlib.sha256(repr((sorted(self.files.items()), values)).encode()).hexdigest()


def sources_of(target: Target, definitions: Iterable[str] = ()) -> Sources:
    """The source of a target.

    Args:
        target: the target.
        definitions: files and modules that define its equations.
    """
    if isinstance(target, Pickled):
        return Sources(unknown="it is a live callable")
    if isinstance(target, Command):
        return Sources(unknown="it is a program of its own")
    importlib.invalidate_caches()  # a file may be new
    reader = _Reader(found := Sources())
    reader.root(target)
    for place in definitions:
        reader.root(File(place) if is_file(place) else Module(place))
    return found


@dataclass
class _Reader:
    """Follows imports.

    Attributes:
        found: what was found so far.
        first: folders that come before the current one on the path.
        specs_of: {name of a module: what `specs` found}.
        own: top-level packages that are followed although they are installed.
    """

    found: Sources
    first: list[str] = field(default_factory=list)
    specs_of: dict[str, list[ModuleSpec]] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)

    def root(self, target: File | Module) -> None:
        """Follow a file or a module; a package with all its submodules."""
        if isinstance(target, File):
            path = Path(target.path).absolute()
            if path.suffix in PROGRAMS:
                self.doubt(f"{path.name} may read other files")
            self.first.insert(0, str(path.parent))
            self.specs_of.clear()
            self.file(path, path.stem)
            return
        self.own.add(target.name.partition(".")[0])
        for spec in self.specs(target.name):
            self.follow(spec)
            if spec.name == target.name and target.callable is None:
                self.package(spec)
        if target.name not in [spec.name for spec in self.specs(target.name)]:
            self.doubt(f"no source of {target.name} is found")

    def package(self, spec: ModuleSpec) -> None:
        """Follow the submodules of a package."""
        for folder in spec.submodule_search_locations or ():
            for path in sorted(Path(folder).rglob("*.py")):
                inner = path.relative_to(folder).with_suffix("").parts
                self.file(path, ".".join([spec.name, *inner]).removesuffix(".__init__"))

    def file(self, path: Path, name: str) -> None:
        """Read a file, and follow what it imports.

        Args:
            path: the file.
            name: the name of its module, to which its relative imports refer.
        """
        if str(path) in self.found.files:
            return
        try:
            content = path.read_bytes()
            self.found.files[str(path)] = hashlib.sha256(content).hexdigest()
            reading = source_rules.read(content.decode("utf-8"))
        except (OSError, ValueError, SyntaxError) as error:
            self.doubt(f"{path.name} cannot be read: {error}")
            return
        self.found.variables |= reading.variables
        for sentence in reading.unknown[:1]:
            self.doubt(f"{path.name}, {sentence}")
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for level, module, names in reading.imports:
            for imported in _absolute(level, module, names, package):
                for spec in self.specs(imported):
                    self.follow(spec)

    def follow(self, spec: ModuleSpec) -> None:
        """Follow a module, unless it is installed or of the standard library."""
        if spec.origin is None or spec.name.partition(".")[0] == "attnspec":
            return
        if spec.name.partition(".")[0] not in self.own and is_installed(spec.name, spec.origin):
            return
        if isinstance(spec.loader, SourceFileLoader):
            self.file(Path(spec.origin).absolute(), spec.name)
        else:
            self.doubt(f"{spec.name} is not Python source")

    def specs(self, name: str) -> list[ModuleSpec]:
        """The specs of the packages that a module is in, and its own, as far as there are any. Nothing is imported."""
        if name not in self.specs_of:
            self.specs_of[name] = list(_specs(name, [*self.first, os.getcwd(), *sys.path]))
        return self.specs_of[name]

    def doubt(self, why: str) -> None:
        """Note why the source is not known wholly; the first reason is kept."""
        self.found.unknown = self.found.unknown or why


def _specs(name: str, path: Sequence[str]) -> Iterator[ModuleSpec]:
    """The specs of a dotted name, part by part, from the first folder of a path that has them."""
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        spec = PathFinder.find_spec(parts[count - 1], path)  # with its dotted name, its parents would be looked up
        if spec is None and count == 1:
            spec = _placed_elsewhere(parts[0])
        if spec is None:
            return
        spec.name = ".".join(parts[:count])
        yield spec
        path = list(spec.submodule_search_locations or ())


def _placed_elsewhere(name: str) -> ModuleSpec | None:
    """The spec of a package that is not on the path: installed from its folder, with a finder of its own."""
    for finder in sys.meta_path:
        if finder not in (BuiltinImporter, FrozenImporter, PathFinder) and hasattr(finder, "find_spec"):
            spec = finder.find_spec(name, None)
            if spec is not None:
                return spec
    return None


def _absolute(level: int, module: str, names: Iterable[str], package: str) -> Iterator[str]:
    """The names of the modules that an import may import."""
    if level:
        parts = package.split(".")
        base = parts[: len(parts) - level + 1]
        module = ".".join([*base, *([module] if module else [])])
    yield module
    yield from (f"{module}.{name}" for name in names if name != "*")


@cache
def _installed_folders() -> tuple[str, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = [*(sysconfig.get_path(name) for name in names), *site.getsitepackages(), site.getusersitepackages()]
    return tuple(os.path.realpath(folder) + os.sep for folder in folders)


def is_installed(name: str, origin: str) -> bool:
    """Whether a module belongs to an installed package or to the standard library, whose versions are known."""
    if origin in ("built-in", "frozen"):
        return True
    if not os.path.realpath(origin).startswith(_installed_folders()):
        return False
    top = name.partition(".")[0]
    return top in sys.stdlib_module_names or top in _packaged(tuple(sys.path))


@cache
def _packaged(path: Sequence[str]) -> frozenset[str]:
    """The top-level modules of packages that are installed on a path; others were copied there, without a version."""
    found: set[str] = set()
    for each in distributions(path=[*path]):
        files = (each.read_text("RECORD") or "").splitlines()
        found |= {re.split(r"[/.,]", line, maxsplit=1)[0] for line in files}
        found |= {*(each.read_text("top_level.txt") or "").split()}
    return frozenset(found)
