"""`attnspec show ID`: print an equation or procedure and everything that is derived from it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attnspec
from attnspec.discovery import Declared, Discovery, discover
from attnspec.errors import SpecError
from attnspec.faces.list_command import default_framework, entry_json
from attnspec.faces.screen import Screen
from attnspec.interpreters import dataflow
from attnspec.interpreters.cost.cost import written
from attnspec.interpreters.figure.graph import Graph, graph
from attnspec.interpreters.figure.svg import svg
from attnspec.interpreters.formula import formula
from attnspec.interpreters.mutation.mutants import Mutant, conventions
from attnspec.language import layers
from attnspec.language.equation import REGISTRY, Equation, Source
from attnspec.language.layers import sizes_of
from attnspec.language.procedure import Procedure, specified
from attnspec.language.tree import Definition, Option, Parameter
from attnspec.properties import PROCEDURAL, PROPERTIES
from attnspec.verification.cases.case import smallest
from attnspec.verification.judge import forms
from attnspec.verification.judge.mutant_values import non_equivalent_mutants

Section = tuple[str, list[str]]
"""A title, and lines of text."""


FORMS = {"text": formula.text, "latex": formula.latex, "mathml": formula.mathml}
"""{form of a formula: the function that writes it}."""

FIGURES: dict[str, Callable[[Graph], str]] = {
    "svg": svg,
    "json": lambda graph: json.dumps(graph.json(), indent=2, ensure_ascii=False),
    "text": lambda graph: "\n".join(sentence for _, sentence in graph.text()),
}
"""{form of a figure: the function that writes it}."""


def print_figure(id: str, form: str, *, gradient: bool) -> None:
    """Print the data flow of an equation.

    Args:
        form: one of `FIGURES`.
        gradient: print that of the derived gradient of the equation.

    Raises:
        UnknownName: there is no such equation.
        SpecError: it is a procedure, or it has no gradient.
    """
    Screen().print(FIGURES[form](graph(_equation(specified(id), "figure", gradient).definition)))


def print_formula(id: str, form: str, *, gradient: bool) -> None:
    """Print the formula of an equation alone.

    Args:
        form: one of `FORMS`.
        gradient: print the derived gradient of the equation.

    Raises:
        UnknownName: there is no such equation.
        SpecError: it is a procedure, or it has no gradient.
    """
    Screen().print(FORMS[form](_equation(specified(id), "formula", gradient).definition))


def _equation(entry: Equation[..., Any] | Procedure[..., Any], wanted: str, gradient: bool) -> Equation[..., Any]:
    """An equation, or its derived gradient, of which something is wanted that a procedure does not have."""
    if isinstance(entry, Procedure):
        what = "gradient" if gradient else wanted
        raise SpecError(f"{entry.id} is a procedure, and has no {what}", mend=f"leave out --{what}")
    return entry.gradient() if gradient else entry


def print_entry(id: str, *, mutants: bool, form: str, gradient: bool, to_json: bool) -> None:
    """Print an equation or a procedure.

    Args:
        mutants: list the known mistakes instead of their number.
        form: how the formula is written, one of `FORMS`.
        gradient: print the derived gradient of the equation. Its known mistakes may be thousands, which take minutes to
            find, so they are left out of text where they are not asked for.
        to_json: print everything as JSON.

    Raises:
        UnknownName: there is no such equation or procedure.
        SpecError: the gradient of a procedure, or of an equation that has none, is asked for.
    """
    entry = specified(id)
    if gradient:
        entry = _equation(entry, "gradient", gradient)
    discovery, screen = discover(), Screen()
    width = screen.width - 2
    if isinstance(entry, Procedure):
        document = _procedure_document(entry, discovery)
        sections = _procedure_sections(entry, discovery, mutants=mutants, width=width)
    else:
        counted = mutants or to_json or not entry.is_derived
        mistakes = non_equivalent_mutants(entry.id) if counted else ()
        document = _equation_document(entry, discovery, mistakes) if to_json else {}
        sections = _equation_sections(entry, discovery, mistakes, mutants=mutants, form=form, width=width)
    if to_json:
        screen.print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    screen.print(entry.id, "bold")
    screen.print(_filled(entry.doc, screen.width))
    for title, lines in sections:
        if lines:
            screen.print(f"\n{title}", "bold")
            screen.print(textwrap.indent("\n".join(lines), "  "))


def _equation_sections(
    equation: Equation[..., Any],
    discovery: Discovery,
    mistakes: Sequence[Mutant],
    *,
    mutants: bool,
    form: str,
    width: int,
) -> Iterator[Section]:
    """Yield the sections of an equation."""
    definition = equation.definition
    yield "formula", FORMS[form](definition).splitlines()
    yield "takes", _columns([row for item in definition.parameters for row in _argument(item, definition.id)], width)
    yield "gives", _columns([(item.name, _shape(item), item.kind) for item in definition.results], width)
    yield "sizes", _columns([(name, f"at least {smallest(equation, name)}") for name in sizes_of(definition)], width)
    yield "options", _columns([(option.name, option.kind, _sets(option)) for option in definition.options], width)
    diagram = [(row.name, row.shape, row.lanes, " ".join(row.weights)) for row in dataflow.diagram(definition)]
    yield "shapes", _columns(diagram, width)
    yield "parameters", _learned(definition, width)
    yield "sources", [str(source) for source in equation.sources]
    yield "conventions", _columns([(other.id, _difference(other, equation)) for other in conventions(equation)], width)
    yield "forms", _columns(list(forms.named(equation).items()), width)
    yield "gradient of", [equation.gradient_of] if equation.gradient_of else []
    gradient = REGISTRY.gradient(equation.id)
    yield "gradient", [gradient.id] if gradient else []
    yield "properties", _columns([(item.name, item.says) for item in PROPERTIES.get(equation.id, ())], width)
    if mistakes or not equation.is_derived:
        yield _mutants(equation.id, [(mutant.id, mutant.says) for mutant in mistakes], mutants, width)
    implementations = discovery.of(equation.id, equation.gradient_of)
    yield "implementations", _implementations(implementations, default_framework(equation), width)


def _procedure_sections(
    procedure: Procedure[..., Any], discovery: Discovery, *, mutants: bool, width: int
) -> Iterator[Section]:
    """Yield the sections of a procedure."""
    yield "code", procedure.code.splitlines()
    yield "gives", [procedure.gives]
    yield "sources", [str(source) for source in procedure.sources]
    yield "examples", [f"{call} = {answer}" for call, answer in _examples(procedure)]
    yield "properties", _columns([(item.name, item.says) for item in PROCEDURAL.get(procedure.id, ())], width)
    yield _mutants(procedure.id, [(item.name, item.says) for item in procedure.mistakes], mutants, width)
    yield "implementations", _implementations(discovery.of(procedure.id), default_framework(procedure), width)


def _mutants(id: str, mistakes: Sequence[tuple[str, str]], is_listed: bool, width: int) -> Section:
    """Return the section of known mistakes: the list, or their number."""
    if is_listed:
        return f"mutants, {len(mistakes)} known mistakes", _columns(mistakes, width)
    return "mutants", [f"{len(mistakes)} known mistakes; attnspec show {id} --mutants lists them"]


def _examples(procedure: Procedure[..., Any]) -> Iterator[tuple[str, str]]:
    """Yield each example as the text of a call and of its answer."""
    for case in procedure.examples:
        yield procedure.called(case), repr(procedure(**case))


def _implementations(declared: Sequence[Declared], default: str, width: int) -> list[str]:
    """Return a line for each implementation: framework, target, file and line."""
    rows = [(item.framework or default, f"{item.target}{item.remark}", f"{item.file}:{item.line}") for item in declared]
    return _columns(rows, width) or ["none installed"]


def _argument(parameter: Parameter, id: str) -> Iterator[tuple[str, str, str]]:
    """Yield the row of an argument; for layers, a row for each array of a layer follows."""
    kind = "" if parameter.kind == "float" else f", {parameter.kind}"
    if parameter.layer is None:
        yield parameter.name, _shape(parameter), parameter.symbol.meaning + kind
        return
    yield parameter.name, "L layers", parameter.symbol.meaning
    for item in parameter.layer.takes:
        yield f"  {item.name}", _shape(item), item.symbol.meaning


def _shape(parameter: Parameter) -> str:
    return f"({', '.join(map(str, parameter.dims))})"


def _sets(option: Option) -> str:
    return f"sets {option.size}" if option.size else ""


def _learned(definition: Definition, width: int) -> list[str]:
    """Return the number of learned elements, and the arguments that contain them."""
    names, total = dataflow.parameters(definition)
    count = written(total) + (" in each layer" if layers.of(definition) else "")
    return _columns([(count, ", ".join(names))], width) if names else ["none: nothing here is learned"]


def _difference(other: Equation[..., Any], equation: Equation[..., Any]) -> str:
    """Return the difference between another convention and an equation, as a sentence."""
    return other.says if other.convention_of else f"what this is a convention of; here {equation.says}"


def _columns(rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Align the columns of rows. The last column is wrapped, and put below its row if there is no room beside it."""
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    room = width - sum(widths) - 2 * len(widths)
    lines = []
    for *heads, last in rows:
        head = "".join(f"{cell:<{size}}  " for cell, size in zip(heads, widths, strict=True))
        if room < 30 < len(last):
            lines += [head.rstrip(), *_filled(last, width - 4, "    ").splitlines()]
        else:
            first, *more = _filled(last, room).splitlines() or [""]
            lines += [f"{head}{first}".rstrip(), *(" " * len(head) + line for line in more)]
    return lines


def _filled(text: str, width: int, indent: str = "") -> str:
    """Wrap each paragraph of a text to a width, without breaking words."""
    paragraphs = [
        textwrap.fill(
            paragraph,
            max(width, 20),
            break_long_words=False,
            break_on_hyphens=False,
            initial_indent=indent,
            subsequent_indent=indent,
        )
        for paragraph in text.split("\n\n")
    ]
    return "\n\n".join(paragraphs)


def _parameter_json(parameter: Parameter) -> dict[str, Any]:
    return {"name": parameter.name, "kind": parameter.kind, "shape": list(map(str, parameter.dims))}


def _equation_document(
    equation: Equation[..., Any], discovery: Discovery, mistakes: Sequence[Mutant]
) -> dict[str, Any]:
    """Return the JSON document of an equation."""
    definition = equation.definition
    learned, count = dataflow.parameters(definition)
    return {
        "attnspec": attnspec.__version__,
        **entry_json(equation, discovery),
        "formula": formula.text(definition),
        "latex": formula.latex(definition),
        "mathml": formula.mathml(definition),
        "takes": [
            {
                **_parameter_json(item),
                "is": item.symbol.meaning,
                **({"layer": [_parameter_json(part) for part in item.layer.takes]} if item.layer is not None else {}),
            }
            for item in definition.parameters
        ],
        "gives": [_parameter_json(item) for item in definition.results],
        "sizes": {name: {"least": smallest(equation, name)} for name in sizes_of(definition)},
        "shapes": [
            {
                "names": list(step.names),
                "role": step.role,
                "reads": [*step.reads, *step.weights],
                "shapes": [dataflow.shape(result, definition) for result in step.types],
            }
            for step in dataflow.steps(definition)
        ],
        "parameters": {"count": written(count), "names": list(learned)},
        "options": [{"name": option.name, "kind": option.kind} for option in definition.options],
        "sources": _sources(equation.sources),
        "conventions": [{"id": other.id, "says": _difference(other, equation)} for other in conventions(equation)],
        "forms": [{"name": name, "says": says} for name, says in forms.named(equation).items()],
        "properties": [{"name": item.name, "says": item.says} for item in PROPERTIES.get(equation.id, ())],
        "mutants": [{"id": mutant.id, "says": mutant.says, "kind": mutant.kind} for mutant in mistakes],
    }


def _sources(sources: Sequence[Source]) -> list[dict[str, str]]:
    return [{"document": item.document, "heading": item.heading, "paper": item.paper} for item in sources]


def _procedure_document(procedure: Procedure[..., Any], discovery: Discovery) -> dict[str, Any]:
    """Return the JSON document of a procedure."""
    return {
        "attnspec": attnspec.__version__,
        **entry_json(procedure, discovery),
        "code": procedure.code,
        "gives": procedure.gives,
        "sources": _sources(procedure.sources),
        "examples": [{"call": call, "answer": answer} for call, answer in _examples(procedure)],
        "properties": [{"name": item.name, "says": item.says} for item in PROCEDURAL.get(procedure.id, ())],
        "mutants": [{"id": item.name, "says": item.says, "kind": "curated"} for item in procedure.mistakes],
    }
