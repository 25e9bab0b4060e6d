"""`attnspec cost ID`: print the cost of an equation, as formulas of its sizes and as numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import attnspec
from attnspec.errors import BindingError, SpecError, UnknownName, nearest
from attnspec.faces.screen import Screen
from attnspec.interpreters.cost.cost import Cost, MaxOf, cost, written
from attnspec.language.dims import Dim
from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.language.procedure import Procedure, specified
from attnspec.language.registry import conventions
from attnspec.language.tree import Definition

Row = tuple[str, str, Dim | MaxOf]
"""The key of a quantity in JSON, its label in text, and its formula."""


def print_cost(id: str, sizes: Mapping[str, str], *, block: int | None, to_json: bool) -> None:
    """Print the cost of an equation.

    Args:
        id: the id of the equation.
        sizes: {named size: its value as text}; if empty, only formulas are printed.
        block: the size of the blocks that the weights of attention are computed in; None for no blocks.
        to_json: print JSON.

    Raises:
        UnknownName: there is no such equation or size.
        BindingError: a size is missing, given twice or not a whole number.
        SpecError: the id is that of a procedure, or the equation cannot be computed in blocks.
    """
    equation = specified(id)
    if isinstance(equation, Procedure):
        raise SpecError(f"{id} is a procedure, and only equations have a cost", expected="an equation")
    numbers = _parse_sizes(equation.definition, sizes)
    naive = cost(equation.definition)
    blocked = cost(equation.definition, blocked=True) if block is not None else None
    rows = list(_rows(naive, blocked))
    screen = Screen()
    if to_json:
        document = _document(equation, numbers, block, rows, blocked or naive)
        screen.print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    listed = ", ".join(f"{name} = {size:,}" for name, size in numbers.items())
    screen.print(f"{equation.id}, for {listed}" if listed else equation.id, "bold", len(equation.id))
    screen.print("\n".join(_table(rows, blocked or naive, numbers, block, screen.width)))


def _parse_sizes(definition: Definition, texts: Mapping[str, str]) -> dict[str, int]:
    """Return the named sizes as numbers, in the order of the signature.

    A size may also be named by the option that sets it.
    """
    known = sizes_of(definition)
    by_option = {option: size for option, size in conventions().OPTION_SIZES.items() if size in known}
    sizes: dict[str, int] = {}
    for name, text in texts.items():
        size = name if name in known else by_option.get(name, name)
        if size not in known:
            raise UnknownName(
                f"{definition.id} has no size {name!r}",
                given=f"{name}={text}",
                expected=", ".join(known) or "nothing: it has no sizes",
                mend=nearest(name, [*known, *by_option]) or "leave it out",
            )
        if size in sizes:
            raise BindingError(f"the size {size} is given twice", given=f"{name}={text}", mend="give each size once")
        if not (text.isascii() and text.isdigit()):
            expected = "a whole number, such as 1024"
            raise BindingError(f"the size {name} is not a whole number", given=f"{name}={text}", expected=expected)
        sizes[size] = int(text)
    missing = [name for name in known if name not in sizes]
    if sizes and missing:
        raise BindingError(
            f"{definition.id} needs the size {' and '.join(missing)} too",
            given=", ".join(f"{name}={size}" for name, size in sizes.items()),
            expected=", ".join(known),
            mend=f"add {','.join(f'{name}=…' for name in missing)}, or leave --sizes out to see formulas",
        )
    return {name: sizes[name] for name in known if name in sizes}


def _rows(naive: Cost, blocked: Cost | None) -> Iterator[Row]:
    """Yield a row for each quantity; memory also for a computation in blocks."""
    yield "parameters", "parameters", naive.parameters
    yield "operations", "operations", naive.operations
    yield "products", "  in products", naive.products
    yield "elementwise", "  elementwise", naive.elementwise
    yield "memory", "memory, elements", naive.memory
    yield "inputs", "  inputs", naive.inputs
    yield "outputs", "  outputs", naive.outputs
    yield "intermediates", "  intermediates", naive.intermediates
    if blocked is not None:
        yield "blocked_memory", "memory in blocks", blocked.memory
        yield "blocked_intermediates", "  intermediates", blocked.intermediates
    yield "sequential_steps", "sequential steps", naive.steps


def _table(rows: list[Row], counted: Cost, sizes: Mapping[str, int], block: int | None, width: int) -> Iterator[str]:
    """Yield the lines of a table: label, number, formula. A formula that is too long is broken between terms."""
    numbers = [f"{counted.at(quantity, sizes, block):,}" if sizes else "" for _, _, quantity in rows]
    label_width = max(len(label) for _, label, _ in rows) + 2
    number_width = max(map(len, numbers)) + 2 if sizes else 0
    for (_, label, quantity), number in zip(rows, numbers, strict=True):
        head = f"{label:<{label_width}}{number:>{max(number_width - 2, 0)}}" + "  " * bool(sizes)
        first, *more = _break_lines(written(quantity), width - len(head))
        yield f"{head}{first}".rstrip()
        yield from (" " * len(head) + line for line in more)


def _break_lines(formula: str, width: int) -> list[str]:
    """Break a formula into lines, before a sign or between the arguments of a maximum."""
    lines = [""]
    for piece in re.split(r"(?<!block,) (?=[+−] )|(?<!block,)(?<=,) ", formula):
        joined = f"{lines[-1]} {piece}" if lines[-1] else piece
        if len(joined) > width and lines[-1]:
            lines.append(piece)
        else:
            lines[-1] = joined
    return lines


def _document(
    equation: Equation[..., Any], sizes: Mapping[str, int], block: int | None, rows: list[Row], counted: Cost
) -> dict[str, Any]:
    """Return the JSON document."""
    return {
        "attnspec": attnspec.__version__,
        "id": equation.id,
        "sizes": dict(sizes) if sizes else None,
        "block": block,
        "cost": {
            key: {"formula": written(size), "value": counted.at(size, sizes, block) if sizes else None}
            for key, _, size in rows
        },
    }
