"""Digests of attnspec and of the files that a target consists of, to see whether anything has changed."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable
from functools import cache
from importlib.machinery import PathFinder
from importlib.resources import files
from pathlib import Path

from attnspec.verification.sandbox.targets import File, Module, Target

MOST_FILES = 2_000
"""A target beside more Python files than this has no digest."""


def digest(parts: Iterable[str]) -> str:
    """A digest of texts."""
    found = hashlib.sha256()
    for part in parts:
        found.update(f"{len(part)}:{part}".encode())
    return found.hexdigest()


@cache
def maker() -> str:
    """The digest of attnspec itself."""
    root = Path(str(files("attnspec")))
    kinds = (".py", ".css", ".js", ".html")
    return digest(path.read_text("utf-8") for path in sorted(root.rglob("*")) if path.suffix in kinds)


def target_digest(target: Target, options: str) -> str:
    """The digest of the Python files in the folder of a target and below; "" if there is none.

    Args:
        target: a file; a module has no digest, since it may come from anywhere.
        options: the options of the run, as text.
    """
    if not isinstance(target, File):
        return ""
    found = python_files(Path(target.path).absolute().parent)
    if len(found) > MOST_FILES:
        return ""
    return digest([maker(), str(target), options, *(f"{path}\n{path.read_text('utf-8', 'replace')}" for path in found)])


def source_digests(target: Target) -> dict[str, str]:
    """The digest of each Python file that a target consists of: those beside a file and below, or those of a package.

    Of more than `MOST_FILES` files there is one digest, of their names, sizes and times of change.
    """
    if isinstance(target, File):
        folder = Path(target.path).absolute().parent
        found = python_files(folder)
        if len(found) > MOST_FILES:
            found = [Path(target.path).absolute()]
        return {str(path.relative_to(folder)): _of_file(path) for path in found if path.is_file()}
    if isinstance(target, Module):
        return _of_package(target.name.partition(".")[0])
    return {str(target): hashlib.sha256(target.data).hexdigest()}


def python_files(folder: Path) -> list[Path]:
    """The Python files in a folder and below, without hidden folders and virtual environments; few beyond
    `MOST_FILES`.
    """
    found: list[Path] = []
    for here, below, names in os.walk(folder):
        below[:] = sorted(each for each in below if each[0] != "." and not Path(here, each, "pyvenv.cfg").exists())
        found += [Path(here, name) for name in sorted(names) if name.endswith(".py")]
        if len(found) > MOST_FILES:
            break
    return found


def _of_package(name: str) -> dict[str, str]:
    """The digests of a top-level module or package, without importing it; none if it is not found."""
    PathFinder.invalidate_caches()
    spec = PathFinder.find_spec(name, ["", *sys.path])
    if spec is None:
        return {}
    if spec.submodule_search_locations is None:
        return {name: _of_file(Path(spec.origin))} if spec.origin and Path(spec.origin).is_file() else {}
    folder = Path(next(iter(spec.submodule_search_locations)))
    found = python_files(folder)
    if len(found) > MOST_FILES:
        facts = (path.stat() for path in sorted(folder.rglob("*.py")))
        return {f"{name}, {len(found)} files and more": digest(f"{each.st_size} {each.st_mtime_ns}" for each in facts)}
    return {str(Path(name, path.relative_to(folder))): _of_file(path) for path in found}


def _of_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
