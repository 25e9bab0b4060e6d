"""`attnspec show ID`: one equation or procedure, with everything that is made of it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import attnspec
from attnspec.discovery import Declared, Discovery, discover
from attnspec.faces.list_command import row, taken
from attnspec.faces.screen import Screen
from attnspec.interpreters import dataflow
from attnspec.interpreters.cost.cost import written
from attnspec.interpreters.formula import formula
from attnspec.interpreters.mutation.mutants import Mutant, conventions
from attnspec.language import layers
from attnspec.language.equation import REGISTRY, Equation, Source
from attnspec.language.layers import sizes_of
from attnspec.language.procedure import Procedure, specified
from attnspec.language.symbols import symbol
from attnspec.language.tree import Definition, Option, Parameter
from attnspec.properties import PROCEDURAL, PROPERTIES
from attnspec.verification.cases.case import smallest
from attnspec.verification.judge import forms
from attnspec.verification.judge.mutant_values import non_equivalent_mutants
from attnspec.verification.questions import catalogue

Section = tuple[str, list[str]]


def answer(id: str, *, mutants: bool, latex: bool, to_json: bool) -> None:
    """Print what is known of an equation or a procedure.

    Raises:
        UnknownName: no such equation or procedure.
    """
    catalogue()
    item = specified(id)
    discovery, screen = discover(), Screen()
    width = screen.width - 2
    if isinstance(item, Procedure):
        document = _procedural_document(item, discovery)
        sections = _procedural_sections(item, discovery, mutants=mutants, width=width)
    else:
        wrong = non_equivalent_mutants(id)
        document = _document(item, discovery, wrong) if to_json else {}
        sections = _sections(item, discovery, wrong, mutants=mutants, latex=latex, width=width)
    if to_json:
        screen.say(json.dumps(document, indent=2, ensure_ascii=False))
        return
    screen.say(item.id, "bold")
    screen.say(_filled(item.doc, screen.width))
    for title, lines in sections:
        if lines:
            screen.say(f"\n{title}", "bold")
            screen.say(textwrap.indent("\n".join(lines), "  "))


def _sections(
    equation: Equation[..., Any],
    discovery: Discovery,
    wrong: Sequence[Mutant],
    *,
    mutants: bool,
    latex: bool,
    width: int,
) -> Iterator[Section]:
    definition = equation.definition
    shown = formula.latex(definition) if latex else formula.text(definition)
    yield "formula", shown.splitlines()
    yield "takes", _columns([row for each in definition.parameters for row in _taken(each, definition.id)], width)
    yield "gives", _columns([(each.name, _shape(each), each.kind) for each in definition.results], width)
    yield "sizes", _columns([(name, f"at least {smallest(equation, name)}") for name in sizes_of(definition)], width)
    yield "options", _columns([(option.name, option.kind, _sets(option)) for option in definition.options], width)
    drawn = [(row.name, row.shape, row.lanes, " ".join(row.weights)) for row in dataflow.diagram(definition)]
    yield "shapes", _columns(drawn, width)
    yield "parameters", _learned(definition, width)
    yield "sources", [str(source) for source in equation.sources]
    yield "conventions", _columns([(other.id, _told_apart(other, equation)) for other in conventions(equation)], width)
    yield "forms", _columns(list(forms.named(equation).items()), width)
    yield "gradient of", [equation.gradient_of] if equation.gradient_of else []
    yield "gradient", [each.id for each in [REGISTRY.gradient(equation.id)] if each]
    yield "properties", _columns([(law.name, law.says) for law in PROPERTIES.get(equation.id, ())], width)
    if mutants:
        yield f"mutants, {len(wrong)} known mistakes", _columns([(mutant.id, mutant.says) for mutant in wrong], width)
    else:
        yield "mutants", [f"{len(wrong)} known mistakes; attnspec show {equation.id} --mutants lists them"]
    found = discovery.of(equation.id, equation.gradient_of)
    yield "implementations", _implementations(found, taken(equation), width)


def _procedural_sections(
    procedure: Procedure[..., Any], discovery: Discovery, *, mutants: bool, width: int
) -> Iterator[Section]:
    """What is said of an equation, as far as there is such a thing here; the code in place of the formula."""
    yield "code", procedure.code.splitlines()
    yield "gives", [procedure.gives]
    yield "sources", [str(source) for source in procedure.sources]
    yield "examples", [f"{shown} = {answer}" for shown, answer in _examples(procedure)]
    laws = PROCEDURAL.get(procedure.id, ())
    yield "properties", _columns([(law.name, law.says) for law in laws], width)
    wrong = procedure.mistakes
    if mutants:
        yield f"mutants, {len(wrong)} known mistakes", _columns([(each.name, each.says) for each in wrong], width)
    else:
        yield "mutants", [f"{len(wrong)} known mistakes; attnspec show {procedure.id} --mutants lists them"]
    yield "implementations", _implementations(discovery.of(procedure.id), taken(procedure), width)


def _examples(procedure: Procedure[..., Any]) -> Iterator[tuple[str, str]]:
    """Each as a call, and its answer."""
    for case in procedure.examples:
        yield procedure.called(case), repr(procedure(**case))


def _implementations(found: Sequence[Declared], otherwise: str, width: int) -> list[str]:
    rows = [(each.framework or otherwise, f"{each.target}{each.through}", f"{each.file}:{each.line}") for each in found]
    return _columns(rows, width) or ["nothing yet"]


def _taken(parameter: Parameter, id: str) -> Iterator[tuple[str, str, str]]:
    """A row; layers have one more for each array of a layer."""
    kind = "" if parameter.kind == "float" else f", {parameter.kind}"
    if parameter.layer is None:
        yield parameter.name, _shape(parameter), symbol(parameter.name, id).meaning + kind
        return
    yield parameter.name, "L layers", symbol(parameter.name, id).meaning
    for each in parameter.layer.takes:
        yield f"  {each.name}", _shape(each), symbol(each.name, id).meaning


def _shape(parameter: Parameter) -> str:
    return f"({', '.join(map(str, parameter.dims))})"


def _sets(option: Option) -> str:
    return f"sets {option.size}" if option.size else ""


def _learned(definition: Definition, width: int) -> list[str]:
    """How many numbers are learned, and where they are."""
    names, total = dataflow.parameters(definition)
    shown = written(total) + (" in each layer" if layers.of(definition) else "")
    return _columns([(shown, ", ".join(names))], width) if names else ["none: nothing here is learned"]


def _told_apart(other: Equation[..., Any], equation: Equation[..., Any]) -> str:
    """What tells two conventions apart; the equation that they are conventions of says nothing of itself."""
    return other.says if other.convention_of else f"what this is a convention of; here {equation.says}"


def _columns(rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Rows with their columns aligned; the last one is filled, and goes below where it has no room."""
    if not rows:
        return []
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    room = width - sum(wide) - 2 * len(wide)
    lines = []
    for *heads, last in rows:
        head = "".join(f"{cell:<{each}}  " for cell, each in zip(heads, wide, strict=True))
        if room < 30 < len(last):
            lines += [head.rstrip(), *_filled(last, width - 4, "    ").splitlines()]
        else:
            first, *more = _filled(last, room).splitlines() or [""]
            lines += [f"{head}{first}".rstrip(), *(" " * len(head) + line for line in more)]
    return lines


def _filled(text: str, width: int, indent: str = "") -> str:
    """Paragraphs filled to a width; no word is broken."""
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


def _named(parameter: Parameter) -> dict[str, Any]:
    return {"name": parameter.name, "kind": parameter.kind, "shape": list(map(str, parameter.dims))}


def _document(equation: Equation[..., Any], discovery: Discovery, wrong: Sequence[Mutant]) -> dict[str, Any]:
    definition = equation.definition
    learned, count = dataflow.parameters(definition)
    return {
        "attnspec": attnspec.__version__,
        **row(equation, discovery),
        "formula": formula.text(definition),
        "latex": formula.latex(definition),
        "takes": [
            {
                **_named(each),
                "is": symbol(each.name, definition.id).meaning,
                **({"layer": [_named(part) for part in each.layer.takes]} if each.layer is not None else {}),
            }
            for each in definition.parameters
        ],
        "gives": [_named(each) for each in definition.results],
        "sizes": {name: {"least": smallest(equation, name)} for name in sizes_of(definition)},
        "shapes": [
            {
                "names": list(step.names),
                "role": step.role,
                "reads": [*step.reads, *step.weights],
                "shapes": [dataflow.shape(each, definition) for each in step.types],
            }
            for step in dataflow.steps(definition)
        ],
        "parameters": {"count": written(count), "names": list(learned)},
        "options": [{"name": option.name, "kind": option.kind} for option in definition.options],
        "sources": _sources(equation.sources),
        "conventions": [{"id": each.id, "says": _told_apart(each, equation)} for each in conventions(equation)],
        "forms": [{"name": name, "says": says} for name, says in forms.named(equation).items()],
        "properties": [{"name": law.name, "says": law.says} for law in PROPERTIES.get(equation.id, ())],
        "mutants": [{"id": each.id, "says": each.says, "kind": each.kind} for each in wrong],
    }


def _sources(sources: Sequence[Source]) -> list[dict[str, str]]:
    return [{"document": each.document, "heading": each.heading, "paper": each.paper} for each in sources]


def _procedural_document(procedure: Procedure[..., Any], discovery: Discovery) -> dict[str, Any]:
    return {
        "attnspec": attnspec.__version__,
        **row(procedure, discovery),
        "code": procedure.code,
        "gives": procedure.gives,
        "sources": _sources(procedure.sources),
        "examples": [{"call": call, "answer": answer} for call, answer in _examples(procedure)],
        "properties": [{"name": law.name, "says": law.says} for law in PROCEDURAL.get(procedure.id, ())],
        "mutants": [{"id": each.name, "says": each.says, "kind": "curated"} for each in procedure.mistakes],
    }
