"""The two listings of a page: the source of an equation, and that of an implementation."""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from attnspec.interpreters.tags import key_of, name_key
from attnspec.language.equation import Equation
from attnspec.language.registry import name_in_family
from attnspec.language.traversal import walk
from attnspec.language.tree import Definition
from attnspec.pages.listing import Listing, Marked, Tap, offsets, position
from attnspec.verification.diagnosis.links import Link
from attnspec.verification.mapping import Mapped
from attnspec.verification.sandbox.targets import File, Module, Target

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
CALLED = ("forward", "__call__", "call")
"""Methods that are called when an object is called."""


def equation_listing(equation: Equation[..., Any]) -> Listing | None:
    """The source of an equation, each part of which has its key; None if it has none, as a derived gradient."""
    if equation.is_derived:
        return None
    function = inspect.unwrap(equation.function)
    file = function.__code__.co_filename
    source = "".join(linecache.getlines(file))
    try:
        lines, first = inspect.getsourcelines(function)
    except OSError:
        return None
    tree = next((node for node in ast.walk(_parsed(source)) if _begins_at(node, first, function.__name__)), None)
    marks = [*_parts(equation, source), *(_names(equation, tree, source) if tree is not None else ())]
    return Listing(source, [(first, first + len(lines) - 1)], _apart(marks))


def _begins_at(node: ast.AST, line: int, name: str) -> bool:
    if not isinstance(node, ast.FunctionDef) or node.name != name:
        return False
    return line == min([node.lineno, *(each.lineno for each in node.decorator_list)])


def _parts(equation: Equation[..., Any], source: str) -> Iterator[Marked]:
    """The parts of the lines and results, where they stand."""
    starts, definition = offsets(source), equation.definition
    for root, tree in enumerate(definition.roots):
        for path, node in walk(tree):
            if node.span is not None:
                start = position(source, starts, node.span.line, node.span.column)
                end = position(source, starts, node.span.end_line, node.span.end_column)
                yield Marked(start, end, (key_of(definition, root, path, node),))


def _names(equation: Equation[..., Any], tree: ast.AST, source: str) -> Iterator[Marked]:
    """The names where they are declared and assigned."""
    assert isinstance(tree, Function)
    known = {name for line in equation.definition.lines for name in line.targets}
    known |= {index for index, _ in equation.definition.indices}
    known |= {item.name for item in equation.definition.parameters}
    known |= {option.name for option in equation.definition.options}
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.arg in known:
            yield _marked(node, node.arg, source, (name_key(node.arg),))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in known:
            yield _marked(node, node.id, source, (name_key(node.id),))


def _marked(node: ast.arg | ast.Name, name: str, source: str, keys: tuple[str, ...], equation: str = "") -> Marked:
    start = position(source, offsets(source), node.lineno, node.col_offset)
    return Marked(start, start + len(name), keys, equation)


def _apart(marks: Sequence[Marked]) -> list[Marked]:
    """Marks without those that stand for the same range as another one, or that cross another one."""
    kept: list[Marked] = []
    around: list[Marked] = []
    for mark in sorted(dict.fromkeys(marks), key=lambda each: (each.start, -each.end)):
        while around and around[-1].end <= mark.start:
            around.pop()
        if not around or (mark.end <= around[-1].end and (mark.start, mark.end) != (around[-1].start, around[-1].end)):
            kept.append(mark)
            around.append(mark)
    return kept


@lru_cache(maxsize=8)
def _parsed(source: str) -> ast.Module:
    return ast.parse(source)


# The implementation.


def implementation_listings(mapped: Mapped, file: Path | None) -> Iterator[tuple[str, Listing]]:
    """The files of a candidate whose lines are linked, and the one that it is in, each with its listing.

    Args:
        mapped: the candidate.
        file: the file that it is in; None if that is not known.
    """
    own = str(file.resolve()) if file is not None else ""
    by_file: dict[str, list[Link]] = {own: []} if own else {}
    for link in mapped.links:
        by_file.setdefault(str(Path(link.file).resolve()), []).append(link)
    for path, found in by_file.items():
        source = "".join(linecache.getlines(path))
        listing = _listing(mapped, source, found, is_own=path == own)
        if listing.ranges:
            yield path, listing


def _listing(mapped: Mapped, source: str, found: Sequence[Link], is_own: bool) -> Listing:
    tree = _parsed(source)
    target = definition_of(tree, mapped.callable) if is_own else None
    marks = [*_variables(mapped, tree, source, found), *(_arguments(mapped, target, source) if target else ())]
    lines = {link.line for link in found} | ({target.lineno} if target is not None else set())
    ranges = [_range(node) for node in tree.body if any(_holds(node, line) for line in lines)]
    return Listing(source, ranges, _apart(marks), _taps(mapped, found))


def source_listing(file: Path, name: str) -> Listing | None:
    """The source of one function of a file, linked with nothing; None if it is not found."""
    source = file.read_text("utf-8")
    tree = _parsed(source)
    function = definition_of(tree, name)
    ranges = [_range(node) for node in tree.body if function is not None and _holds(node, function.lineno)]
    return Listing(source, ranges) if ranges else None


def _range(node: ast.stmt) -> tuple[int, int]:
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    return first, node.end_lineno or node.lineno


def _holds(node: ast.stmt, line: int) -> bool:
    first, last = _range(node)
    return first <= line <= last


def definition_of(tree: ast.Module, name: str) -> Function | None:
    """The function of a dotted name, or the method that is called of a class; None if it is not found."""
    body: Sequence[ast.stmt] = tree.body
    node: ast.stmt | None = None
    for part in name.split("."):
        node = next((each for each in body if getattr(each, "name", None) == part), node)
        body = getattr(node, "body", [])
    if isinstance(node, ast.ClassDef):
        methods = [each for each in node.body if isinstance(each, Function) and each.name in CALLED]
        return min(methods, key=lambda each: CALLED.index(each.name), default=None)
    return node if isinstance(node, Function) else None


def _variables(mapped: Mapped, tree: ast.Module, source: str, found: Sequence[Link]) -> Iterator[Marked]:
    """Variables that are linked: everywhere in their function if it assigns them on linked lines only."""
    linked: dict[tuple[str, str], dict[int, list[Link]]] = defaultdict(lambda: defaultdict(list))
    for link in found:
        if link.variable.isidentifier():
            linked[link.function, link.variable][link.line].append(link)
    for (name, variable), lines in linked.items():
        for function in _functions(tree, name, min(lines)):
            names = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == variable]
            stored = {node.lineno for node in names if isinstance(node.ctx, ast.Store)}
            always = stored <= lines.keys() and variable not in _parameters(function)
            for node in names:
                at = lines.get(node.lineno, [] if not always else [link for each in lines.values() for link in each])
                if at and (always or isinstance(node.ctx, ast.Store)):
                    equation = at[0].equation
                    keys = tuple(dict.fromkeys(link.key for link in at if link.equation == equation))
                    shown = equation if equation != mapped.equation.id else ""
                    yield _marked(node, variable, source, keys, shown)


def _functions(tree: ast.Module, name: str, line: int) -> list[Function]:
    """The innermost function of a name that has a line."""
    found = [node for node in ast.walk(tree) if isinstance(node, Function) and node.name == name and _holds(node, line)]
    return found[-1:]


def _parameters(function: Function) -> set[str]:
    return {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}


def _arguments(mapped: Mapped, function: Function, source: str) -> Iterator[Marked]:
    """Parameters with the arguments that they receive: everywhere if the function does not assign them."""
    names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
    stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    taken = dict(mapped.arguments)
    for node in ast.walk(function.args):
        if isinstance(node, ast.arg) and node.arg in taken:
            yield _marked(node, node.arg, source, (name_key(taken[node.arg]),))
    for name in names:
        if name.id in taken and name.id not in stored:
            yield _marked(name, name.id, source, (name_key(taken[name.id]),))


def _taps(mapped: Mapped, found: Sequence[Link]) -> dict[int, list[Tap]]:
    """{line: the parts whose values it makes}; a part within another one of the same line is not written beside it."""
    by_line: dict[int, list[Link]] = defaultdict(list)
    for link in found:
        by_line[link.line].append(link)
    taps: dict[int, list[Tap]] = {}
    for line, there in by_line.items():
        terms = {(link.equation, link.term) for link in there}
        chosen: dict[tuple[str, str, str], Tap] = {}
        for link in there:
            inner = any(link.equation == of and link.term.startswith(f"{term}.") for of, term in terms)
            equation = link.equation if link.equation != mapped.equation.id else ""
            called = f"{name_in_family(link.equation)}: " if equation and link.key.startswith("t:") else ""
            text = "" if inner else called + link.shown
            title = f"the same values {link.way}" if link.way else f"the same values, {mapped.verdict.dtype}"
            chosen.setdefault((link.equation, link.key, text), Tap(link.key, text, equation, title))
        taps[line] = list(chosen.values())
    return taps


def fused(mapped: Mapped) -> dict[str, list[str]]:
    """{key of a name that no array is linked with: keys of the smallest linked parts that it is computed within}."""
    definition = mapped.equation.definition
    linked = {link.key for link in mapped.links if link.equation == definition.id}
    keys = [name_key(name) for line in definition.lines for name in line.targets]
    return {key: [*dict.fromkeys(_around(key, definition, linked, set()))] for key in keys if key not in linked}


def _around(key: str, definition: Definition, linked: Collection[str], seen: set[str]) -> Iterator[str]:
    """The smallest linked parts around a part; of one in a line that is not linked, those around the line."""
    seen.add(key)
    for root, tree in enumerate(definition.roots):
        nodes = dict(walk(tree))
        targets = definition.lines[root].targets if root < len(definition.lines) else ()
        for path, node in nodes.items():
            if key_of(definition, root, path, node) != key:
                continue
            outer = [key_of(definition, root, path[:end], nodes[path[:end]]) for end in range(len(path), -1, -1)]
            lines = list(map(name_key, targets))
            found = next(([each] for each in outer if each in linked), [each for each in lines if each in linked])
            yield from found
            for line in lines:
                if not found and line not in seen:
                    yield from _around(line, definition, linked, seen)


def source_of(target: Target) -> Path | None:
    """The file of a target; None if it is not found without importing it."""
    if isinstance(target, File):
        return Path(target.path).absolute()
    if not isinstance(target, Module):
        return None
    parts = target.name.split(".")
    for folder in map(Path, (".", *sys.path)):
        place = folder.joinpath(*parts)
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return file.absolute()
    return None
