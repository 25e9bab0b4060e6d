"""Values of a callable's own parameters, written as Python literals in the sizes and options of an equation."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

WORDS = {"true": True, "false": False}
"""Words that mean a value, beside Python's own."""

OPERATIONS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}


def evaluated(value: Any, names: Mapping[str, float]) -> Any:
    """The value of a setting.

    Args:
        value: a value, or its text: a Python literal in which names stand for numbers, such as "(c,)" or "d**-0.5".
            A text that is neither stands for itself.
        names: {size or option of the equation: its value}.

    Returns:
        A number, a truth value, a text, None, or a tuple of these.
    """
    if isinstance(value, list | tuple):
        return tuple(evaluated(part, names) for part in value)
    if not isinstance(value, str):
        return value
    try:
        return _value(ast.parse(value, mode="eval").body, names)
    except (SyntaxError, ValueError, TypeError, ZeroDivisionError):
        return value


def names_in(value: Any) -> set[str]:
    """The names that the text of a setting has."""
    try:
        return {node.id for node in ast.walk(ast.parse(str(value), mode="eval")) if isinstance(node, ast.Name)}
    except SyntaxError:
        return set()


def _value(node: ast.expr, names: Mapping[str, float]) -> Any:
    """The value of a part of an expression.

    Raises:
        ValueError: it is not a value.
    """
    match node:
        case ast.Constant(value=value) if value is None or isinstance(value, bool | int | float | str):
            return value
        case ast.Name(id=name):
            return names[name] if name in names else WORDS.get(name, name)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return tuple(_value(part, names) for part in parts)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATIONS:
            return OPERATIONS[type(op)](_value(left, names), _value(right, names))
    raise ValueError("not a value")
