"""`attnspec plot ID`: draw the weights of attention, and states and gates over time; with a target, its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from attnspec.errors import BindingError, SpecError, UnknownName
from attnspec.faces.outputs import check_file
from attnspec.faces.screen import Screen
from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.language.procedure import Procedure, specified
from attnspec.plots.comparison import comparison, data
from attnspec.plots.drawing import MOST_PANELS, SUFFIXES, check_can_draw, draw
from attnspec.plots.examples import drawn
from attnspec.plots.panels import panels, save_data
from attnspec.verification.cases.case import Case
from attnspec.verification.cases.recorded_cases import Reader
from attnspec.verification.cases.recordings import as_tuple, check_inputs, recordings
from attnspec.verification.options import VerifyOptions
from attnspec.verification.replaying import replayed
from attnspec.verification.session import prepared


def write_plot(
    id: str, out: str, inputs: str | None, names: Mapping[str, str] | None, sizes: Mapping[str, str], seed: int
) -> None:
    """Draw what an equation computes, and write the data beside the picture.

    Args:
        id: the id of the equation.
        out: the picture, .png or .svg; the data get the same name with .npz.
        inputs: a file of recorded arrays; None: examples are drawn.
        names: {argument of the equation: its name in the file}.
        sizes: {named size: its value as text}, of drawn examples.
        seed: of drawn examples.

    Raises:
        UnknownName: there is no such equation, size or argument.
        BindingError: a size is not a whole number.
        ShapeError: recorded arrays do not fit.
        SpecError: the id is that of a procedure, nothing in the equation can be drawn, Matplotlib is not installed, or
            a file cannot be read or written.
    """
    equation, file = _checked(id, out, inputs, names, sizes)
    screen = Screen()
    case, notes = _recorded(equation, inputs, names or {}, seed) if inputs else (_drawn(equation, sizes, seed), ())
    found = panels(equation.definition, case.arrays, case.options)
    if not found:
        raise SpecError(
            f"nothing in {id} can be drawn",
            expected="the weights of a softmax along two axes, or a recurrence",
            mend=f"attnspec show {id} --figure svg draws its data flow",
        )
    draw(found, id, file)
    data_file = file.with_suffix(".npz")
    save_data(found, data_file)
    for note in notes:
        screen.print(note)
    what = ", ".join(f"{panel.title} ({panel.kind})" for panel in found[:MOST_PANELS])
    rest = f", and {len(found) - MOST_PANELS} more in the data alone" if len(found) > MOST_PANELS else ""
    screen.print(f"{id}: {what}{rest}; written to {file}, the data to {data_file}")


def write_comparison(
    target: str, options: VerifyOptions, out: str, inputs: str | None, sizes: Mapping[str, str]
) -> int:
    """Draw what an implementation answers beside the values of its equation, and write the data beside the picture.

    Args:
        target: the implementation, as `attnspec.verify` takes it.
        options: the options of `attnspec.verify`, with the equation and, of recorded arrays, their names.
        out: the picture, .png or .svg; the data get the same name with .npz.
        inputs: a file of recorded arrays; None: an example is drawn.
        sizes: {named size: its value as text}, of a drawn example.

    Returns:
        The exit code: 0 if no element is further from its value than rounding explains, else 1.

    Raises:
        SpecError: the implementation gives no answer that can be compared; and as `write_plot` does.
    """
    prepared(target, options)  # a target brings its own equations
    equation, file = _checked(str(options.equation), out, inputs, options.names, sizes)
    given: str | dict[str, Any] | None = inputs
    if inputs is None:
        case = _drawn(equation, sizes, options.seed)
        given = {**case.arrays, **case.options}
    found = replayed(target, replace(options, inputs=given), one_dtype=True)
    if not found.shown:
        raise SpecError(f"{target} gives no answer to draw", given=found.reason)
    shown = comparison(equation.definition, found.shown)
    draw(shown, f"{equation.id}, {target}", file)
    data_file = file.with_suffix(".npz")
    save_data(shown, data_file, data(equation.definition, found.shown))
    largest = max(float(each.ratio.max(initial=0.0)) for each in found.shown)
    beyond = sum(int((each.ratio > 1).sum()) for each in found.shown)
    of = sum(each.ratio.size for each in found.shown)
    Screen().print(
        f"{equation.id}, {target}: {beyond} of {of} elements are further from the value than rounding explains, the "
        f"largest error is {largest:.3g} of its bound; written to {file}, the data to {data_file}"
    )
    return 1 if beyond else 0


def _checked(
    id: str, out: str, inputs: str | None, names: Mapping[str, str] | None, sizes: Mapping[str, str]
) -> tuple[Equation[..., Any], Path]:
    """The equation and the file of a picture, after the options are checked."""
    equation = specified(id)
    if isinstance(equation, Procedure):
        raise SpecError(f"{id} is a procedure, and computes no numbers to draw", expected="an equation")
    file = Path(out)
    if file.suffix not in SUFFIXES:
        expected = " or ".join(SUFFIXES)
        raise SpecError(f"{out} is no picture", given=file.suffix or "no suffix", expected=expected)
    if inputs is None and names:
        raise SpecError("no inputs are given", expected=".npz or .safetensors", mend="--inputs FILE")
    if inputs is not None and sizes:
        raise SpecError("the sizes are those of the inputs", given="--sizes and --inputs", mend="leave --sizes out")
    check_file(file)
    check_can_draw()
    return equation, file


def _drawn(equation: Equation[..., Any], texts: Mapping[str, str], seed: int) -> Case:
    """An example of these sizes."""
    known, sizes = sizes_of(equation.definition), {}
    for name, text in texts.items():
        if name not in known:
            expected = ", ".join(known) or "nothing: it has no sizes"
            raise UnknownName(f"{equation.id} has no size {name!r}", given=f"{name}={text}", expected=expected)
        if not text.isdigit():
            raise BindingError(f"{text!r} is not a size", given=f"{name}={text}", expected="a whole number")
        sizes[name] = int(text)
    return drawn(equation, sizes, seed)


def _recorded(
    equation: Equation[..., Any], inputs: str, names: Mapping[str, str], seed: int
) -> tuple[Case, Sequence[str]]:
    """The first case of a file, and what there is to know about it."""
    check_inputs(as_tuple(inputs))
    found = recordings(as_tuple(inputs))
    read = Reader(equation, "float64", names, batches=tuple(range(8)), finite=False, seed=seed).read(found[:1])
    if not read.cases:
        raise SpecError(f"{inputs} has no case that can be drawn", given="; ".join(read.notes))
    more = [f"{inputs} has {len(found)} cases; the first is drawn"] if len(found) > 1 else []
    return read.cases[0], [*read.notes, *more]
