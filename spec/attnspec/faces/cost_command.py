"""`attnspec cost ID`: what an equation costs, as formulas of its sizes and as numbers."""

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
from attnspec.language.symbols import OPTION_SIZES
from attnspec.language.tree import Definition
from attnspec.verification.questions import catalogue

Row = tuple[str, str, Dim | MaxOf]
"""Its key in JSON, how it is called, and how much it is."""


def answer(id: str, given: Mapping[str, str], *, block: int | None, to_json: bool) -> None:
    """Print what an equation costs.

    Raises:
        UnknownName: no such equation or size.
        BindingError: a size is missing, given twice or no whole number.
        SpecError: it is a procedure; or a block is asked for where there is nothing to take in blocks.
    """
    catalogue()
    equation = specified(id)
    if isinstance(equation, Procedure):
        raise SpecError(f"{id} is a procedure: nothing in it is counted", expected="an equation")
    sizes = _sizes(equation.definition, given)
    naive = cost(equation.definition)
    blocked = cost(equation.definition, blocked=True) if block is not None else None
    rows = list(_rows(naive, blocked))
    screen = Screen()
    if to_json:
        document = _document(equation, sizes, block, rows, blocked or naive)
        screen.say(json.dumps(document, indent=2, ensure_ascii=False))
        return
    held = ", ".join(f"{name} = {size:,}" for name, size in sizes.items())
    screen.say(f"{equation.id}, for {held}" if held else equation.id, "bold", len(equation.id))
    screen.say("\n".join(_table(rows, blocked or naive, sizes, block, screen.width)))


def _sizes(definition: Definition, given: Mapping[str, str]) -> dict[str, int]:
    """The named sizes as numbers, in the order of the signature; none where none are given."""
    known = sizes_of(definition)
    meant = {option: size for option, size in OPTION_SIZES.items() if size in known}
    found: dict[str, int] = {}
    for name, text in given.items():
        size = name if name in known else meant.get(name, name)
        if size not in known:
            raise UnknownName(
                f"{definition.id} has no size {name!r}",
                given=f"{name}={text}",
                expected=", ".join(known) or "nothing: it has no sizes",
                mend=nearest(name, [*known, *meant]) or "leave it out",
            )
        if size in found:
            raise BindingError(f"the size {size} is given twice", given=f"{name}={text}", mend="give each size once")
        if not (text.isascii() and text.isdigit()):
            raise BindingError(
                f"the size {name} is no whole number", given=f"{name}={text}", expected="a whole number, such as 1024"
            )
        found[size] = int(text)
    missing = [name for name in known if name not in found]
    if found and missing:
        raise BindingError(
            f"{definition.id} is asked for without the size {' and '.join(missing)}",
            given=", ".join(f"{name}={size}" for name, size in found.items()),
            expected=", ".join(known),
            mend=f"add {','.join(f'{name}=…' for name in missing)}, or leave --sizes out to see formulas",
        )
    return {name: found[name] for name in known if name in found}


def _rows(naive: Cost, blocked: Cost | None) -> Iterator[Row]:
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
    """A row for each, with the number before the formula; a formula without room goes below, a term to a line."""
    numbers = [f"{counted.at(size, sizes, block):,}" if sizes else "" for _, _, size in rows]
    wide = max(len(says) for _, says, _ in rows) + 2
    right = max(map(len, numbers)) + 2 if sizes else 0
    for (_, says, size), number in zip(rows, numbers, strict=True):
        head = f"{says:<{wide}}{number:>{max(right - 2, 0)}}" + "  " * bool(sizes)
        first, *more = _broken(written(size), width - len(head))
        yield f"{head}{first}".rstrip()
        yield from (" " * len(head) + line for line in more)


def _broken(formula: str, width: int) -> list[str]:
    """A formula in lines that are not too long, broken before a sign or behind what a maximum is of."""
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
