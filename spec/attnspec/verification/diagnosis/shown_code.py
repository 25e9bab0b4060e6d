"""Statements of a candidate's Python files, with what makes the variables that they read."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from attnspec.verification.diagnosis.assignments import (
    MOST_OF_INPUT,
    Maker,
    argument_of,
    changes_of,
    condition_of,
    is_known,
    lines_of,
    makers_of,
)
from attnspec.verification.diagnosis.source_lines import (
    Function,
    SourceLine,
    called_name,
    functions_of,
    is_at,
    is_empty,
    is_given,
    length_of,
    names_read,
    names_stored,
    own_nodes,
    parameters_of,
    returns_of,
    root_of,
    source_line,
    text_of_code,
    without_type,
)
from attnspec.verification.verdict import WITH

MOST_INPUTS, MOST_OF_WHOLE = 5, 12
"""With a statement so many are shown that make what it reads, or so many if these are all."""


def shown_code(
    places: Sequence[tuple[str, int]],
    right: Collection[tuple[str, str, str]] = (),
    results: Collection[int] = (),
) -> str:
    """The statement of a line of a Python file, on one line, with what makes the variables that it reads.

    Args:
        places: the file and the number of the line, then those of the calls that lead there, the innermost first.
        right: file, function and name of variables that hold lines of the formula, which are left out.
        results: the positions of the results that are of interest, where the statement returns several; all if empty.

    Returns:
        The statement, as "y = f(x), with x = 2 * a"; "" if there is none, or if it is long.
    """
    return _shown(places, right, results)[0]


def is_shown_whole(
    places: Sequence[tuple[str, int]],
    right: Collection[tuple[str, str, str]] = (),
    results: Collection[int] = (),
) -> bool:
    """Whether what makes a statement is shown whole, from arguments and variables that hold lines of the formula on."""
    return _shown(places, right, results)[1]


def _shown(
    places: Sequence[tuple[str, int]], right: Collection[tuple[str, str, str]], results: Collection[int]
) -> tuple[str, bool]:
    """The code, and whether it is shown whole."""
    levels: list[SourceLine] = []
    for file, number in places:
        level = source_line(file, number)
        if level is None:
            break
        levels.append(level)
    code = text_of_code(without_type(levels[0].statement)) if levels else ""
    test = condition_of(levels[0].statement, levels[0].function) if code else ""
    shown, whole = dict.fromkeys([f"{code} if {test}" if test else code]), bool(code)
    for text, tells in _inputs(levels, right, results) if code else ():
        if text and (text in shown or (len(shown) <= MOST_OF_WHOLE and len(text) <= MOST_OF_INPUT)):
            shown[text] = None
        elif tells:
            whole = False
    return WITH.join([*shown] if whole else [*shown][: 1 + MOST_INPUTS]), whole


def _inputs(
    levels: Sequence[SourceLine], right: Collection[tuple[str, str, str]], results: Collection[int]
) -> Iterator[tuple[str | None, bool]]:
    """What makes or changes the variables that a statement reads, directly or through others, and what it calls.

    Yields:
        The code, and whether it tells much. The code is None if what makes a variable is not known.
    """
    statement, within = without_type(levels[0].statement), {level.function for level in levels}
    waiting, later, before = list[_Variable](), list[str](), set[tuple[SourceLine, str, int]]()
    seen = set[_Variable]()

    def ask(variables: Iterable[_Variable]) -> None:
        for each in variables:
            if each not in seen:
                seen.add(each)
                waiting.append(each)

    def called(node: ast.AST, level: SourceLine, results: Collection[int] = ()) -> Iterator[str]:
        returned: list[tuple[ast.expr, SourceLine]] = []
        for name, function in _own_functions(node, level):
            if function not in within:
                within.add(function)
                for text, value, inner in _returned(name, function, level, results):
                    yield text
                    returned.append((value, inner))
        for value, inner in returned:
            ask(_Variable((inner,), each, each, inner.statement.lineno) for each in names_read(value))
            yield from called(value, inner)

    ask(_Variable((*levels,), name, name, levels[0].statement.lineno) for name in names_read(statement))
    for text in called(statement, levels[0], results):
        yield text, True
    while waiting:
        variable = waiting.pop(0)
        name, (levels_of_it, line) = variable.name, _where_it_is(variable)
        level, *callers = levels_of_it
        is_right = (level.file, level.name, name) in right
        base, found = (None, []) if is_right else makers_of(name, level, line)
        made = [(levels_of_it, each) for each in found]
        if not made and not is_right and is_given(name, level, line) and callers:
            value = argument_of(name, level, callers[0])
            maker = None if value is None else Maker(value, variable.shown_as, callers[0].statement.lineno)
            made = [] if maker is None else [((*callers,), maker)]
        if made or is_right:
            made += [(levels_of_it, each) for each in changes_of(name, level, line, base, is_right)]
        elif not (
            is_known(name, level, line, 1 + len(callers))
            or {(level, name, each) for each in lines_of(name, level)} <= before
        ):
            yield None, True
        if not made and variable.shown_as != name:
            later.append(f"{variable.shown_as} = {name}")
        before |= {(level, name, each.line) for _, each in made}
        for at, each in made:
            if isinstance(each.node, ast.Name):  # another name for it
                ask([_Variable(at, each.node.id, variable.shown_as, each.line)])
                continue
            if _tells_little(each.node):
                later.append(each.shown_as(variable.shown_as))
            elif not is_empty(each.node):
                yield each.shown_as(variable.shown_as), True
            names = [*names_read(each.node), *(names_read(ast.parse(each.test)) if each.test else [])]
            ask(_Variable(at, other, other, each.line) for other in names if other != name or each.is_new)
            for text in called(each.node, at[0]):
                yield text, True
    yield from ((text, False) for text in later)


@dataclass(frozen=True)
class _Variable:
    """A variable that is read.

    Attributes:
        levels: the line that reads it, and those of the calls that lead there.
        name: its name.
        shown_as: the name that it is shown with.
        line: the number of the line that reads it.
    """

    levels: tuple[SourceLine, ...]
    name: str
    shown_as: str
    line: int


def _where_it_is(variable: _Variable) -> tuple[tuple[SourceLine, ...], int]:
    """The levels of a variable and the line before which it is made, perhaps in a function around that of the line.

    A variable of a function around another one is that of the call that leads there, or else the last one.
    """
    levels, name = variable.levels, variable.name
    inner = levels[0].function
    if isinstance(inner, ast.Module):
        return levels, variable.line
    around = sorted((each for each in functions_of(levels[0].tree) if is_at(each, inner.lineno)), key=length_of)
    scope = next((each for each in around if name in parameters_of(each) or _makes(each, name)), None)
    if scope is None or scope is inner:
        return levels, variable.line
    for k, level in enumerate(levels):
        if level.function is scope:
            return levels[k:], level.statement.lineno
    return (SourceLine(levels[0].file, levels[0].tree, scope, inner),), 1 + (scope.end_lineno or scope.lineno)


def _makes(function: Function, name: str) -> bool:
    """Whether a function assigns a variable."""
    return any(name in names_stored(node) for node in own_nodes(function))


def _own_functions(node: ast.AST, level: SourceLine) -> Iterator[tuple[str, ast.FunctionDef]]:
    """The functions of the same file that an expression or statement reads, with the names that it reads them by."""
    for part in ast.walk(node):
        name = ""
        if isinstance(part, ast.Name) and not is_given(part.id, level, level.statement.lineno):
            name = part.id
        elif isinstance(part, ast.Attribute) and root_of(part) == "self":
            name = part.attr
        named = [each for each in functions_of(level.tree) if each.name == name]
        if len(named) == 1:
            yield ast.unparse(part), named[0]


def _returned(
    name: str, function: ast.FunctionDef, caller: SourceLine, results: Collection[int]
) -> Iterator[tuple[str, ast.expr, SourceLine]]:
    """What a function that is called returns: the code, the expression, and its line.

    Args:
        results: the positions of the results that are of interest, where the caller returns what it returns.
    """
    whole = isinstance(caller.statement, ast.Return) and isinstance(caller.statement.value, ast.Call)
    for node in returns_of(function):
        if node.value is None:
            continue
        level, test = SourceLine(caller.file, caller.tree, function, node), condition_of(node, function)
        parts = [("", node.value)]
        if whole and results and isinstance(node.value, ast.Tuple) and max(results) < len(node.value.elts):
            parts = [(f"[{k}]", node.value.elts[k]) for k in sorted(results)]
        for place, value in parts:
            code = text_of_code(value)
            text = f"{name}(…){place} = {code}" if code else ""
            yield f"{text} if {test}" if text and test else text, value, level


def _tells_little(node: ast.AST) -> bool:
    """Whether an expression is a size, 0, or memory that is written later."""
    of_size = isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
    if isinstance(node, ast.Constant) and node.value == 0:
        return True
    return of_size or (isinstance(node, ast.Call) and called_name(node) in ("zeros", "zeros_like", "new_zeros"))
