"""Statements of a candidate's Python files, with what makes the variables that they read."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

MOST_CODE, MOST_INPUTS, MOST_OF_INPUT = 160, 3, 100
"""A longer statement is not shown; with one, so many are shown that make what it reads, and no longer ones."""

SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Expr)
"""The statements that are shown."""

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


@dataclass(frozen=True)
class _Level:
    """A line that runs: one in a function, or one of a call that leads there.

    Attributes:
        file: its file.
        tree: the syntax tree of the file.
        function: the function that it is in, or else the file.
        statement: its statement.
    """

    file: str
    tree: ast.Module
    function: Function
    statement: ast.stmt

    @property
    def name(self) -> str:
        """The name of the function; "" if it has none."""
        return getattr(self.function, "name", "")


def shown_code(places: Sequence[tuple[str, int]], right: Collection[tuple[str, str, str]] = ()) -> str:
    """The statement of a line of a Python file, on one line, with what makes the variables that it reads.

    Args:
        places: the file and the number of the line, then those of the calls that lead there, the innermost first.
        right: file, function and name of variables that hold lines of the formula, which are left out.

    Returns:
        The statement, as "y = f(x), with x = 2 * a"; "" if there is none, or if it is long.
    """
    levels: list[_Level] = []
    for file, number in places:
        level = _level(file, number)
        if level is None:
            break
        levels.append(level)
    code = _text(levels[0].statement) if levels else ""
    shown = [code]
    for name, text in _inputs(levels, right) if code else ():
        if len(shown) <= MOST_INPUTS and len(text) <= MOST_OF_INPUT:
            shown.append(f"{name} = {text}")
    return ", with ".join(shown)


def allocates(file: str, number: int) -> bool:
    """Whether the statement of a line makes an array in memory that still has other numbers, as `np.empty` does."""
    return number in _allocating(file, _version(file))


@lru_cache(8)
def _allocating(file: str, version: int) -> frozenset[int]:
    """The lines of a file whose statements do."""
    simple = [node for node in ast.walk(_tree(file, version)) if isinstance(node, SIMPLE) and _is_empty(node.value)]
    return frozenset(line for node in simple for line in range(node.lineno, (node.end_lineno or node.lineno) + 1))


def _is_empty(value: ast.AST | None) -> bool:
    return isinstance(value, ast.Call) and _called(value) in ("empty", "empty_like", "new_empty")


def _inputs(levels: Sequence[_Level], right: Collection[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    """The variables that a statement reads, directly or through others, with the expressions that they are."""
    statement = levels[0].statement
    waiting = [(0, name, name, statement.lineno) for name in _read(statement)]
    seen = {*waiting}
    while waiting:
        number, called, name, line = waiting.pop(0)
        level = levels[number]
        if (level.file, level.name, name) in right:
            continue
        value = _value(name, level, line)
        if value is None and _is_given(name, level, line) and number + 1 < len(levels):
            number, line = number + 1, levels[number + 1].statement.lineno
            value = _argument(name, level, levels[number])
        elif value is not None:
            line = value.lineno
        if value is None or _is_empty(value):
            continue
        if isinstance(value, ast.Name):  # another name for it
            more = [(number, called, value.id, line)]
        else:
            yield called, _text(value)
            more = [(number, each, each, line) for each in _read(value)]
        more = [each for each in more if each not in seen]
        seen.update(more)
        waiting += more


def _value(name: str, level: _Level, line: int) -> ast.expr | None:
    """The expression that a variable is at a line, in its function or else in its file; None if it is not known."""
    for scope in dict.fromkeys((level.function, level.tree)):
        stored = [node for node in _own(scope) if name in _stored(node)]
        if stored or name in _parameters(scope):
            return _last(stored, scope, line) if scope is level.function else _only(stored)
    return None


def _only(stored: Sequence[ast.AST]) -> ast.expr | None:
    """What the only assignment of a variable gives it."""
    return _given(stored[0]) if len(stored) == 1 else None


def _last(stored: Sequence[ast.AST], function: Function, line: int) -> ast.expr | None:
    """What the last assignment before a line gives a variable; None if it is not the last at each run of the line."""
    before = [node for node in stored if isinstance(node, ast.stmt) and (node.end_lineno or node.lineno) < line]
    last = max(before, key=lambda node: node.lineno, default=None)
    if last is None:
        return None
    blocks = [block for node in ast.walk(function) for block in _blocks(node) if last in block]
    runs_first = any(_is_at(node, line) for block in blocks for node in block)
    loops = [node for node in ast.walk(function) if isinstance(node, ast.For | ast.While) and _is_at(node, line)]
    around = [loop for loop in loops if not any(node is last for node in ast.walk(loop))]
    again = any(node is other for loop in around for node in ast.walk(loop) for other in stored)
    return _given(last) if runs_first and not again else None


def _given(node: ast.AST) -> ast.expr | None:
    """What an assignment gives its only variable."""
    return node.value if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) else None


def _blocks(node: ast.AST) -> list[list[ast.stmt]]:
    """The lists of statements that a node has."""
    return [block for name in ("body", "orelse", "finalbody") if isinstance(block := getattr(node, name, None), list)]


def _is_given(name: str, level: _Level, line: int) -> bool:
    """Whether a variable is a parameter of a function that is not assigned before a line."""
    stored = (node for node in _own(level.function) if name in _stored(node))
    return name in _parameters(level.function) and all(getattr(node, "lineno", 0) >= line for node in stored)


def _own(scope: Function) -> Iterator[ast.AST]:
    """The nodes of a function; of a file, the statements that are in no function or class."""
    return iter(scope.body) if isinstance(scope, ast.Module) else ast.walk(scope)


def _stored(node: ast.AST) -> set[str]:
    """The variables that a statement assigns, or a loop at each turn; none of the statements in its body."""
    if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        return _assigned(node.target)
    return _assigned(node) if isinstance(node, (*SIMPLE, ast.withitem, ast.NamedExpr)) else set()


def _argument(name: str, callee: _Level, caller: _Level) -> ast.expr | None:
    """What a call of a function gives for a parameter; None if that is not known."""
    calls = [node for node in ast.walk(caller.statement) if isinstance(node, ast.Call) and _called(node) == callee.name]
    if len(calls) != 1 or isinstance(callee.function, ast.Module):
        return None
    (call,) = calls
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    names = [each.arg for each in (*callee.function.args.posonlyargs, *callee.function.args.args)]
    names = names[isinstance(call.func, ast.Attribute) and names[:1] == ["self"] :]
    if any(isinstance(each, ast.Starred) for each in call.args):
        return None
    return given.get(name) or dict(zip(names, call.args, strict=False)).get(name)


def _called(call: ast.Call) -> str:
    """The name of what is called."""
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _read(node: ast.AST) -> list[str]:
    """The variables that a statement or an expression reads, in order."""
    names = (each for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load))
    return [*dict.fromkeys(each.id for each in sorted(names, key=lambda each: (each.lineno, each.col_offset)))]


def _assigned(node: ast.AST) -> set[str]:
    """The variables that a statement assigns."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}


def _parameters(function: Function) -> set[str]:
    given = () if isinstance(function, ast.Module) else ast.walk(function.args)
    return {each.arg for each in given if isinstance(each, ast.arg)}


def _level(file: str, number: int) -> _Level | None:
    """A line of a file; None if it has no statement that can be shown."""
    tree = _tree(file, _version(file))
    here = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and _is_at(node, number)]
    simple = [node for node in here if isinstance(node, SIMPLE)]
    functions = [node for node in here if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    if not simple:
        return None
    return _Level(file, tree, min(functions, key=_length, default=tree), min(simple, key=_length))


def _is_at(node: ast.stmt, number: int) -> bool:
    return node.lineno <= number <= (node.end_lineno or node.lineno)


def _length(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno


def _text(node: ast.AST) -> str:
    """Code on one line; "" if it is long, or no text."""
    code = ast.unparse(node)
    return code if len(code) <= MOST_CODE and code.isprintable() else ""


def _version(file: str) -> int:
    """When a file was changed, which a session that watches it outlives; 0 if there is none."""
    try:
        return Path(file).stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


@lru_cache(8)
def _tree(file: str, version: int) -> ast.Module:
    """The syntax tree of a Python file; an empty one of what is not one."""
    try:
        return ast.parse(Path(file).read_bytes())
    except (OSError, ValueError, SyntaxError, RecursionError):
        return ast.Module([], [])
