"""Python files of a candidate: their statements, and the variables that these read and assign."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

MOST_CODE = 160
"""Longer code is not shown."""

SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Expr)
"""The statements that are shown."""

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


@dataclass(frozen=True)
class SourceLine:
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


def only_return(file: str, number: int) -> int:
    """The line of the only statement that returns from the function whose code begins at a line; 0 if none."""
    tree = _tree(file, _version(file))
    functions = [
        node
        for node in functions_of(tree)
        if min([node.lineno, *(each.lineno for each in node.decorator_list)]) == number
    ]
    returns = returns_of(functions[0]) if len(functions) == 1 else []
    return returns[0].lineno if len(returns) == 1 and returns[0].value is not None else 0


@lru_cache(8)
def functions_of(tree: ast.Module) -> list[ast.FunctionDef]:
    """The functions of a file, those in classes and other functions too."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def returns_of(function: ast.FunctionDef) -> list[ast.Return]:
    """The statements that return from a function, without those of functions in it."""
    inner = [node for node in ast.walk(function) if isinstance(node, ast.FunctionDef | ast.Lambda)][1:]
    nested = {id(node) for each in inner for node in ast.walk(each)}
    found = [node for node in ast.walk(function) if isinstance(node, ast.Return) and id(node) not in nested]
    return sorted(found, key=lambda node: node.lineno)


def allocates(file: str, number: int) -> bool:
    """Whether the statement of a line makes an array in memory that still has other numbers, as `np.empty` does."""
    return number in _allocating(file, _version(file))


@lru_cache(8)
def _allocating(file: str, version: int) -> frozenset[int]:
    """The lines of a file whose statements do."""
    simple = [node for node in ast.walk(_tree(file, version)) if isinstance(node, SIMPLE) and is_empty(node.value)]
    return frozenset(line for node in simple for line in range(node.lineno, (node.end_lineno or node.lineno) + 1))


def is_empty(value: ast.AST | None) -> bool:
    """Whether an expression makes such an array."""
    return isinstance(value, ast.Call) and called_name(value) in ("empty", "empty_like", "new_empty")


def without_type(node: ast.AST) -> ast.AST:
    """An assignment without the type of its variable; any other statement as it is."""
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return ast.copy_location(ast.Assign([node.target], node.value), node)
    return node


def root_of(node: ast.AST | None) -> str:
    """The variable of which an expression is a part; "" if it is of none."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def blocks_of(node: ast.AST) -> list[list[ast.stmt]]:
    """The lists of statements that a node has."""
    return [block for name in ("body", "orelse", "finalbody") if isinstance(block := getattr(node, name, None), list)]


def is_given(name: str, level: SourceLine, line: int) -> bool:
    """Whether a variable is a parameter of a function that is not assigned before a line."""
    stored = (node for node in own_nodes(level.function) if name in names_stored(node))
    return name in parameters_of(level.function) and all(getattr(node, "lineno", 0) >= line for node in stored)


def own_nodes(scope: Function) -> Iterator[ast.AST]:
    """The nodes of a function, without those of functions in it; of a file, the statements outside of functions."""
    if isinstance(scope, ast.Module):
        yield from scope.body
        return
    waiting: list[ast.AST] = [*scope.body]
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += ast.iter_child_nodes(node)


def names_stored(node: ast.AST) -> set[str]:
    """The variables that a statement assigns, or a loop at each turn; none of the statements in its body."""
    if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        return names_assigned(node.target)
    if isinstance(node, ast.AugAssign):  # it changes what there is
        return set()
    return names_assigned(node) if isinstance(node, (*SIMPLE, ast.withitem, ast.NamedExpr)) else set()


def called_name(call: ast.Call) -> str:
    """The name of what is called."""
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def names_read(node: ast.AST) -> list[str]:
    """The variables that a statement or an expression reads, in order, but for those that it makes on the way."""
    names = (each for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load))
    read = dict.fromkeys(each.id for each in sorted(names, key=lambda each: (each.lineno, each.col_offset)))
    turns = [each.target for each in ast.walk(node) if isinstance(each, ast.comprehension)]
    given = [each.args for each in ast.walk(node) if isinstance(each, ast.Lambda)]
    own = {name for each in turns for name in names_assigned(each)} | {each.arg for args in given for each in args.args}
    return [name for name in read if name not in own]


def names_assigned(node: ast.AST) -> set[str]:
    """The variables that a statement assigns."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}


def parameters_of(function: Function) -> set[str]:
    """The parameters of a function; none of a file."""
    given = () if isinstance(function, ast.Module) else ast.walk(function.args)
    return {each.arg for each in given if isinstance(each, ast.arg)}


def source_line(file: str, number: int) -> SourceLine | None:
    """A line of a file; None if it has no statement that can be shown."""
    tree = _tree(file, _version(file))
    here = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and is_at(node, number)]
    simple = [node for node in here if isinstance(node, SIMPLE)]
    functions = [node for node in here if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    if not simple:
        return None
    return SourceLine(file, tree, min(functions, key=length_of, default=tree), min(simple, key=length_of))


def is_at(node: ast.stmt, number: int) -> bool:
    """Whether a line is one of a statement."""
    return node.lineno <= number <= (node.end_lineno or node.lineno)


def length_of(node: ast.stmt) -> int:
    """By how many lines a statement is longer than one."""
    return (node.end_lineno or node.lineno) - node.lineno


def text_of_code(node: ast.AST) -> str:
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
