"""What makes or changes a variable before a line of a Python file."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from attnspec.verification.diagnosis.source_lines import (
    SIMPLE,
    Function,
    SourceLine,
    blocks_of,
    called_name,
    is_at,
    is_given,
    names_assigned,
    names_stored,
    own_nodes,
    parameters_of,
    root_of,
    text_of_code,
    without_type,
)

MOST_OF_INPUT = 130
"""Longer conditions are not shown, nor is longer code of what makes a variable."""


@dataclass(frozen=True)
class Maker:
    """What makes or changes a variable.

    Attributes:
        node: the expression that it is, or the statement that changes it.
        name: the variable; "" of a statement.
        line: the line of the statement.
        test: the condition under which it runs.
        is_new: whether it makes the variable anew.
    """

    node: ast.AST
    name: str
    line: int
    test: str = ""
    is_new: bool = True

    def shown_as(self, name: str) -> str:
        """The code on one line, with another name of the variable; "" if it is long."""
        code = text_of_code(self.node)
        code = f"{name} = {code}" if self.name and code else code
        return f"{code} if {self.test}" if self.test and code else code


def makers_of(name: str, level: SourceLine, line: int) -> tuple[ast.stmt | None, list[Maker]]:
    """The last statement that always makes a variable before a line, with it and what may make it anew after it.

    It is looked for in the function, or else in the file; there is none if something else may make it too.
    """
    for scope in dict.fromkeys((level.function, level.tree)):
        stored = [node for node in own_nodes(scope) if name in names_stored(node)]
        if stored or name in parameters_of(scope):
            return _reaching(name, stored, scope, line) if scope is level.function else _only(name, stored)
    return None, []


def _only(name: str, stored: Sequence[ast.AST]) -> tuple[ast.stmt | None, list[Maker]]:
    """The same, of the only assignment of a variable."""
    return None, [*_given(name, stored[0])] if len(stored) == 1 else []


def _reaching(
    name: str, stored: Sequence[ast.AST], function: Function, line: int
) -> tuple[ast.stmt | None, list[Maker]]:
    """The same, of the assignments of a variable in a function."""
    loops = [node for node in ast.walk(function) if isinstance(node, ast.For | ast.While) and is_at(node, line)]
    turns = [node for node in loops if isinstance(node, ast.For) and node in stored]
    if turns and len(stored) == 1:
        return None, [Maker(_header(turns[0]), "", turns[0].lineno)] if not _is_plain(turns[0].iter) else []
    before = [node for node in stored if isinstance(node, ast.stmt) and (node.end_lineno or node.lineno) < line]
    before = sorted(before, key=lambda node: node.lineno)
    before = [node for node in before if not _is_other_branch(node, function, line)]
    always = [node for node in before if _runs_first(node, function, line)]
    base = always[-1] if always else None
    around = [loop for loop in loops if base is None or not any(node is base for node in ast.walk(loop))]
    again = [node for loop in around for node in ast.walk(loop) if node in stored and isinstance(node, ast.stmt)]
    reaching = [node for node in before if base is None or node.lineno >= base.lineno]
    reaching = sorted({*reaching, *again}, key=lambda node: node.lineno)
    made = [replace(each, test=condition_of(node, function, line)) for node in reaching for each in _given(name, node)]
    return base, made if len(made) == len(reaching) else []


def _runs_first(node: ast.stmt, function: Function, line: int) -> bool:
    """Whether a statement has run whenever a later line does: a statement around the line follows it."""
    blocks = [block for each in ast.walk(function) for block in blocks_of(each) if node in block]
    return any(_runs_in(block, line) for block in blocks)


def _is_other_branch(node: ast.stmt, function: Function, line: int) -> bool:
    """Whether a statement and a line are in different branches of a condition."""
    ifs = [each for each in ast.walk(function) if isinstance(each, ast.If)]
    branches = [(each.body, each.orelse) for each in ifs if is_at(each, node.lineno) and is_at(each, line)]
    return any(_runs_in(a, node.lineno) and _runs_in(b, line) for pair in branches for a, b in (pair, pair[::-1]))


def _runs_in(block: Sequence[ast.stmt], line: int) -> bool:
    """Whether a line is in a list of statements."""
    return any(is_at(each, line) for each in block)


def _is_plain(iterated: ast.expr) -> bool:
    """Whether a loop runs over the places of an array, as over `range(n)`."""
    return isinstance(iterated, ast.Call) and called_name(iterated) == "range" and len(iterated.args) == 1


def condition_of(node: ast.stmt, function: Function, line: int = 0) -> str:
    """The condition under which a statement runs, where a later line runs; "" if there is none."""
    tests = []
    for each in ast.walk(function):
        if isinstance(each, ast.If) and is_at(each, node.lineno) and not is_at(each, line):
            inside = _runs_in(each.body, node.lineno)
            tests.append(ast.unparse(each.test if inside else ast.UnaryOp(ast.Not(), each.test)))
    test = " and ".join(tests)
    return test if len(test) <= MOST_OF_INPUT else ""


def _given(name: str, node: ast.AST) -> Iterator[Maker]:
    """What an assignment gives a variable; nothing if that is not known."""
    node = without_type(node)
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        (target,), value = node.targets, node.value
        if isinstance(target, ast.Name):
            yield Maker(value, name, node.lineno)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            for each, given in zip(target.elts, value.elts, strict=True):
                if isinstance(each, ast.Name) and each.id == name:
                    yield Maker(given, name, node.lineno)
                elif isinstance(each, ast.Tuple) and name in names_assigned(each):
                    yield Maker(ast.Assign([each], given, lineno=node.lineno), "", node.lineno)
        elif isinstance(target, ast.Tuple) and any(isinstance(each, ast.Call) for each in ast.walk(value)):
            yield Maker(node, "", node.lineno)


def changes_of(name: str, level: SourceLine, line: int, base: ast.stmt | None, parts: bool) -> list[Maker]:
    """The statements that may have changed the array of a variable in place before a line.

    Args:
        base: the statement that made the variable; those before it do not count.
        parts: whether only statements count that change parts of it.
    """
    loops = [node for node in ast.walk(level.function) if isinstance(node, ast.For | ast.While) and is_at(node, line)]
    again = {id(node) for loop in loops for node in ast.walk(loop)}
    views = [node for node in ast.walk(level.function) if isinstance(node, ast.Assign) and _is_view(node, name)]
    names = {name, *(each for node in views for each in names_assigned(node))}
    return [
        Maker(node, "", node.lineno, condition_of(node, level.function, line), is_new=False)
        for node in own_nodes(level.function)
        if isinstance(node, SIMPLE)
        and not names.isdisjoint(_changed(node, parts))
        and not is_at(node, line)
        and ((node.end_lineno or node.lineno) < line or id(node) in again)
        and (base is None or node.lineno > base.lineno)
    ]


def _is_view(node: ast.Assign, name: str) -> bool:
    """Whether an assignment names a part of the array of a variable, of which changes are changes of it."""
    return (
        isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Subscript) and root_of(node.value) == name
    )


def _changed(node: ast.stmt, parts: bool) -> set[str]:
    """The variables whose arrays a statement changes in place."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    targets = [part for each in targets for part in (each.elts if isinstance(each, ast.Tuple) else [each])]
    found = {root_of(each) for each in targets if isinstance(each, ast.Subscript)}
    if not parts and isinstance(node, ast.AugAssign):
        found.add(root_of(node.target))
    call = node.value if isinstance(node, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
        method, of = call.func.attr, root_of(call.func.value)
        if (method.endswith("_") and not method.endswith("__")) or method == "append":
            found.add(of)
        found |= {root_of(each) for each in call.args[:1] if method in ("at", "copyto")}
    return found - {""}


def _header(loop: ast.For) -> ast.Compare:
    """What a loop runs over, as `k in range(3)`."""
    return ast.Compare(loop.target, [ast.In()], [loop.iter])


def lines_of(name: str, level: SourceLine) -> list[int]:
    """The lines of the statements of a function that make a variable."""
    return [getattr(node, "lineno", 0) for node in own_nodes(level.function) if name in names_stored(node)] or [0]


def is_known(name: str, level: SourceLine, line: int, left: int) -> bool:
    """Whether a variable that nothing makes is an argument, a place in a loop, or a function, class or module.

    Args:
        left: how many levels there are from this one on.
    """
    if is_given(name, level, line):
        return left == 1
    stored = [node for node in own_nodes(level.function) if name in names_stored(node)]
    if stored:
        return all(isinstance(node, ast.For | ast.comprehension) and _is_plain(node.iter) for node in stored)
    return name not in names_assigned(level.tree)


def argument_of(name: str, callee: SourceLine, caller: SourceLine) -> ast.expr | None:
    """What a call of a function gives for a parameter; None if that is not known."""
    calls = [
        node for node in ast.walk(caller.statement) if isinstance(node, ast.Call) and called_name(node) == callee.name
    ]
    if len(calls) != 1 or isinstance(callee.function, ast.Module):
        return None
    (call,) = calls
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    names = [each.arg for each in (*callee.function.args.posonlyargs, *callee.function.args.args)]
    names = names[isinstance(call.func, ast.Attribute) and names[:1] == ["self"] :]
    if any(isinstance(each, ast.Starred) for each in call.args):
        return None
    return given.get(name) or dict(zip(names, call.args, strict=False)).get(name)
