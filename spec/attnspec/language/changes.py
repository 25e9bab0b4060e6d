"""Changed equations, for mistakes and rewritings: other lines, or calls of other equations."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from attnspec.errors import NotationError, SpecError, nearest
from attnspec.language import layers, vocabulary
from attnspec.language.parse import Origin, parser, split_lines
from attnspec.language.traversal import callees, replace_callee, without_unread_lines
from attnspec.language.tree import Definition

WORDS = {word: getattr(vocabulary, word) for word in vocabulary.WORDS}
"""{word: function} of the notation; a changed line may use them without an import."""


def changed(
    of: Definition,
    function: Callable[..., Any],
    id: str,
    callee: Callable[[object], Definition | None],
    lines: Mapping[str, str],
    calls: Iterable[tuple[Definition, Definition]],
    origin: Origin,
) -> Definition:
    """The syntax tree of a changed equation, without lines that are no longer read.

    Args:
        of: the syntax tree of the equation.
        function: the function of the equation.
        id: the id of the changed equation.
        callee: returns the syntax tree of an object that is an equation, else None.
        lines: {name: right-hand side} of each changed or new line. The name is "f", "h, c", or "return" for the
            returned value. A new line is inserted before the next line that is changed.
        calls: pairs of an equation that is called and the one that replaces it.
        origin: where the change is written. Names that are not defined there have their meaning in the equation.

    Raises:
        NotationError: a line is outside the notation, or the equation has no such line.
        SpecError: an equation in `calls` is not called, or its replacement has another signature; or nothing changes.
    """
    function_parser = parser(function, id, callee, of.declared)
    statements = [_statement(name, text, id, origin) for name, text in lines.items()]
    function_parser.tree.body = _with_lines(list(split_lines(function_parser.tree.body)), statements, id, origin)
    names = {**WORDS, **function_parser.origin.names, **origin.names}
    function_parser.changed = dict.fromkeys(statements, replace(origin, names=names))
    try:
        tree = function_parser.definition()
        for old, other in calls:
            tree = _calling(tree, old, other, origin)
        tree = layers.known(without_unread_lines(tree))
    except NotationError as error:
        raise _located(error, origin) from None
    if _content(tree) == _content(without_unread_lines(of)):
        raise SpecError(
            f"{origin.place()}: {id} is {of.id} itself",
            given=", ".join(lines) or "no change",
            expected=f"other values of its lines: {', '.join(filter(None, map(_defined, function_parser.tree.body)))}",
            mend="change a line, or an equation that is called",
        )
    return tree


def _content(definition: Definition) -> tuple[object, ...]:
    """What a change can affect."""
    return definition.indices, definition.lines, definition.returns


def _located(error: NotationError, origin: Origin) -> NotationError:
    """The error with the place of the change in front, also if it is about an unchanged line."""
    if error.headline.startswith(f"{origin.place()}: "):
        return error
    headline = f"{origin.place()}: {error.headline}"
    return NotationError(headline, given=error.given, expected=error.expected, mend=error.mend)


def _statement(name: str, text: str, id: str, origin: Origin) -> ast.stmt:
    """The statement of one line."""
    try:
        value = ast.parse(text.strip(), mode="eval").body
        statement = ast.Return(value) if name == "return" else ast.parse(f"{name} = 0").body[0]
    except SyntaxError as error:
        raise NotationError(
            f"{origin.place()}: {id} has a line that is not Python",
            given=f"{name} = {text}",
            expected="the name of a line, and one formula",
            mend=str(error.msg),
        ) from None
    if isinstance(statement, ast.Assign):
        statement.value = value
    return ast.copy_location(statement, value)


def _with_lines(body: list[ast.stmt], statements: Sequence[ast.stmt], id: str, origin: Origin) -> list[ast.stmt]:
    """The lines of an equation with changed lines replaced, and new lines inserted before the next changed one."""
    known = [name for name in map(_defined, body) if name]
    waiting: list[ast.stmt] = []
    for statement in statements:
        waiting.append(statement)
        place = next((k for k, old in enumerate(body) if _defined(old) == _defined(statement)), None)
        if place is not None:
            body[place : place + 1] = waiting
            waiting = []
    for statement in waiting:
        _refuse_line(statement, f"{id} has no line {_defined(statement)}", known, origin)
    for statement in statements:
        if not _is_read(statement, body[body.index(statement) + 1 :]):
            _refuse_line(statement, f"no line of {id} reads {_defined(statement)}", known, origin)
    return body


def _refuse_line(statement: ast.stmt, what: str, known: Sequence[str], origin: Origin) -> NoReturn:
    name = _defined(statement)
    raise NotationError(
        f"{origin.place()}: {what}",
        given=ast.unparse(statement),
        expected=f"a line of the equation: {', '.join(known)}; or a new one that the next changed line reads",
        mend=nearest(name, known) or "name a line of the equation, or put a new line before one that is changed",
    )


def _defined(statement: ast.stmt) -> str:
    """The name of a line: "f", "h, c" or "return"; "" for a docstring."""
    match statement:
        case ast.Return():
            return "return"
        case ast.Assign(targets=[ast.Tuple(elts=names)]):
            return ", ".join(map(ast.unparse, names))
        case ast.Assign(targets=[name]):
            return ast.unparse(name)
    return ""


def _is_read(statement: ast.stmt, later: Iterable[ast.stmt]) -> bool:
    """Whether a later line reads a name that a line assigns."""
    names = {node.id for line in later for node in ast.walk(line) if isinstance(node, ast.Name)}
    return isinstance(statement, ast.Return) or not names.isdisjoint(_defined(statement).split(", "))


def _calling(definition: Definition, old: Definition, new: Definition, origin: Origin) -> Definition:
    """An equation with calls of one equation replaced by calls of another."""
    called = {callee.id: callee for callee in callees(definition)}
    if called.get(old.id) != old:
        raise SpecError(
            f"{origin.place()}: {definition.id} does not call {old.id}",
            given=old.id,
            expected=", ".join(called) or "an equation that calls another",
            mend=nearest(old.id, called),
        )
    if _signature(new) != _signature(old):
        raise SpecError(
            f"{origin.place()}: {new.id} does not have the signature of {old.id}",
            given=new.id,
            expected=f"a mistake or a rewriting of {old.id}",
            mend="call it by a changed line",
        )
    return replace_callee(definition, old, new)


def _signature(definition: Definition) -> tuple[object, ...]:
    """The parameters, options and types of results of an equation."""
    return definition.parameters, definition.options, [(result.kind, result.dims) for result in definition.results]
