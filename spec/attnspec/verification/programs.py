"""Programs that are not Python callables: which argument an input is, and what the shapes in the file fix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError
from attnspec.language.dims import Dim
from attnspec.language.layouts import LAYOUTS, Layout, Part, parts_of
from attnspec.language.symbols import common_names
from attnspec.language.tree import Definition, Parameter
from attnspec.verification.candidate.adaptation import BATCH_LETTERS, batch_axes
from attnspec.verification.cases.recordings import Recording
from attnspec.verification.sandbox.targets import CallableInfo

Shape = tuple[int, ...]

MOST_INPUTS = 5
"""Inputs without telling names are matched by their shapes only if they are no more than this."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the declared inputs of a program say.

    Attributes:
        bind: {input: argument of the equation}.
        places: {argument: input with one more leading axis}, as a layout writes it.
        fixed: {size: its only value}.
        batch: how many batch axes there are; None if no shape is declared.
    """

    bind: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, int] = field(default_factory=dict)
    batch: int | None = None


def inputs_of(
    callable_: CallableInfo, definition: Definition, placed: Sequence[str], bind: Mapping[str, str], axes: str
) -> Inputs:
    """Match the inputs of a program with the arguments of an equation, by name and by shape.

    Args:
        callable_: the program.
        definition: the equation.
        placed: the arguments of which the place is known, such as weights.
        bind: {input: argument}, by the caller.
        axes: a letter for each axis of the inputs; "" for batch axes first.

    Raises:
        SpecError: shapes are declared, and they do not fit the equation.
    """
    program = callable_.program
    names = [each.name for each in callable_.parameters]
    arguments = [each for each in definition.parameters if each.name not in placed]
    if program is None or len(names) != len(arguments) or any(name not in program.inputs for name in names):
        return Inputs()
    shapes = program.inputs
    orders = [dict(zip(names, each, strict=True)) for each in _orders(names, arguments, bind, definition.id)]
    fits = [_fit(shapes, order, axes) for order in orders]
    found = min((fit for fit in fits if fit is not None), key=lambda fit: len(fit.places), default=None)
    if found is None:
        raise _misfit(callable_.name, shapes, arguments)
    return found


def _in_order(shape: Shape, axes: str) -> Shape:
    """A shape with the batch axes first."""
    if len(shape) != len(axes):
        return shape
    order = sorted(range(len(axes)), key=lambda place: axes[place] not in BATCH_LETTERS)
    return tuple(shape[place] for place in order)


def _orders(
    names: Sequence[str], arguments: Sequence[Parameter], bind: Mapping[str, str], id: str
) -> Iterator[Sequence[Parameter]]:
    """The arguments in the order of the inputs: by what is bound and by names, the others in every order."""
    known = {each.name: each for each in arguments}
    named: dict[str, Parameter] = {name: known[bind[name]] for name in names if bind.get(name) in known}
    for argument in arguments:
        same = [
            name for name in (argument.name, *common_names(argument.name, id)) if name in names and name not in named
        ]
        if same and argument not in named.values():
            named[same[0]] = argument
    rest = [each for each in arguments if each not in named.values()]
    for order in permutations(rest) if len(rest) <= MOST_INPUTS else [tuple(rest)]:
        others = iter(order)
        yield [named[name] if name in named else next(others) for name in names]


def _fit(shapes: Mapping[str, Shape], order: Mapping[str, Parameter], axes: str) -> Inputs | None:
    """What the shapes say if the inputs are these arguments; None if they cannot be."""
    expected = batch_axes(axes) if axes else None
    shapes = {
        name: _in_order(shapes[name], axes) if len(argument.dims) + (expected or 0) == len(axes) else shapes[name]
        for name, argument in order.items()
    }
    extra = {name: len(shapes[name]) - len(argument.dims) for name, argument in order.items()}
    batch = expected if expected is not None else min(extra.values(), default=0)
    if batch < 0 or any(more not in (batch, batch + 1) for more in extra.values()):
        return None
    led = [name for name, more in extra.items() if more == batch + 1]
    if any(shapes[name][0] != 1 for name in led):
        return None
    pairs = [
        (dim, size)
        for name, argument in order.items()
        for dim, size in zip(argument.dims, shapes[name][extra[name] :], strict=True)
        if size >= 0
    ]
    sizes = solved(pairs)
    if sizes is None:
        return None
    bind = {name: argument.name for name, argument in order.items() if name not in led}
    return Inputs(bind, {order[name].name: f"{name}[0]" for name in led}, sizes, batch)


def solved(pairs: Sequence[tuple[Dim, int]]) -> dict[str, int] | None:
    """The named sizes of which these polynomials have these values; None if there are none."""
    sizes: dict[str, int] = {}
    for _ in pairs:
        for dim, total in pairs:
            if len(dim.names - sizes.keys()) < 2 and dim.solve(total, sizes):
                return None
    return sizes


def _misfit(name: str, shapes: Mapping[str, Shape], arguments: Sequence[Parameter]) -> SpecError:
    given = ", ".join(f"{key} {_shown(shape)}" for key, shape in shapes.items())
    expected = ", ".join(f"{each.name} ({', '.join(map(str, each.dims))})" for each in arguments)
    return SpecError(
        f"the inputs of {name} do not have the axes of the equation",
        given=given,
        expected=f"{expected}, all with the same batch axes before these",
        mend="--bind INPUT=NAME, --axes TBD where the batch is another axis, or --weights NAME=INPUT[0]",
    )


def _shown(shape: Shape) -> str:
    return f"({', '.join('any' if size < 0 else str(size) for size in shape)})"


def layout_of_weights(callable_: CallableInfo, definition: Definition) -> dict[str, str] | None:
    """Where the weights of an equation are in a program, by known layouts; names may have a prefix, as in "gru.".

    None if no layout is found, or if several places have one.
    """
    state = [*callable_.network.state] if callable_.network is not None else []
    kinds = callable_.network.kinds if callable_.network is not None else ()
    weights = [each.name for each in definition.parameters if each.symbol.weight]
    prefixes = dict.fromkeys(["", *(name[: end + 1] for name in state for end, sign in enumerate(name) if sign == ".")])
    found: dict[tuple[tuple[str, str], ...], None] = {}
    for layout in sorted(LAYOUTS.get(definition.id, []), key=lambda each: each.of not in kinds):
        alone = Layout(layout.of, {key: text for key, text in layout.arguments.items() if key in weights}, layout.names)
        if alone.arguments.keys() != {*weights} or (layout.of.startswith("onnx.") and layout.of not in kinds):
            continue
        for prefix in prefixes:
            known = {name.removeprefix(prefix): name for name in state if name.startswith(prefix)}
            places = alone.renamed([*known])
            if places is not None:
                found.setdefault(tuple((key, _prefixed(text, known)) for key, text in places.items()))
    return dict(next(iter(found))) if len(found) == 1 else None


def _prefixed(text: str, known: Mapping[str, str]) -> str:
    """A place with the whole names of the arrays."""
    for part in {part.target for part in parts_of(text)}:
        if known[part] != part:
            text = text.replace(part, known[part])
    return text


def own_weights(
    callable_: CallableInfo, definition: Definition, places: Mapping[str, str], fixed: Mapping[str, float], shown: str
) -> Recording | None:
    """A recorded case with the weights that the file of a program holds; None if it holds none of the equation's."""
    values = callable_.program.weights if callable_.program is not None else {}
    of_options = definition.size_options
    known = {of_options.get(name, name): int(size) for name, size in fixed.items() if size == int(size)}
    read = {argument: _read(parts_of(text), values, known) for argument, text in places.items()}
    arrays = {argument: array for argument, array in read.items() if array is not None}
    options = {each.name: np.asarray(fixed[each.name]) for each in definition.options if each.name in fixed}
    return Recording(f"the weights of {shown}", {**arrays, **options}) if arrays else None


def _read(parts: Sequence[Part], values: Mapping[str, NDArray[Any]], sizes: Mapping[str, int]) -> NDArray[Any] | None:
    """The value of an argument in the arrays of a file; None if it is not kept there as it is."""
    if any(part.target not in values or part.negated for part in parts):
        return None
    if any(not bound.names <= sizes.keys() for part in parts for bound in part.rows or ()):
        return None
    arrays = []
    for part in parts:
        array = values[part.target]
        if part.place is not None:
            array = array[part.place]
        if part.rows is not None:
            array = array[part.rows[0].value(sizes) : part.rows[1].value(sizes)]
        if not part.terms and array.any():
            return None
        arrays.append(array.T if part.transposed else array)
    total: NDArray[Any] = arrays[0] if parts[0].terms == 1 else sum(arrays[1:], arrays[0])
    return total
