"""The pages of the equations, a file for each family, made from the registry.

python docs/generate.py            write them
python docs/generate.py --check    say which are stale, and fail
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from attnspec.discovery import Declared, Discovery, discover
from attnspec.interpreters import dataflow
from attnspec.interpreters.cost.cost import written
from attnspec.interpreters.formula import formula
from attnspec.interpreters.mutation.mutants import Mutant, conventions
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.layers import sizes_of
from attnspec.language.procedure import PROCEDURES, Procedure
from attnspec.language.symbols import latex
from attnspec.properties import PROCEDURAL, PROPERTIES
from attnspec.verification.cases.case import smallest
from attnspec.verification.judge.mutant_values import non_equivalent_mutants
from writing import ROOT, Folder, Texts, anchor, block, bullets, joined, prose, table

FOLDER = Folder(
    ROOT / "docs/equations", "<!-- Written by docs/generate.py: change the equation, then run `make docs`. -->"
)
SHOWN = 5
"""How many known mistakes a page names."""

AnEquation = Equation[..., Any]
AProcedure = Procedure[..., Any]
Mistakes = Callable[[AnEquation], Iterable[str]]
"""What a page says of the known mistakes of an equation."""


def known_mistakes(equation: AnEquation) -> Iterator[str]:
    """How many known mistakes an equation has, and some of them; each is computed, to leave out those equal to it."""
    wrong = non_equivalent_mutants(equation.id)
    if wrong:
        yield f"**Known mistakes**: {len(wrong)}, among them"
        yield bullets(f"`{mutant.id}`: {prose(mutant.says)}" for mutant in _examples(wrong))


def pages(mistakes: Mistakes = known_mistakes) -> Texts:
    """The page of each family.

    Args:
        mistakes: what the pages say of known mistakes, which takes longest.
    """
    discovery = discover()
    families: dict[str, list[AnEquation]] = {}
    procedures: dict[str, list[AProcedure]] = {}
    for equation in REGISTRY.values():
        if equation.function.__module__ == f"attnspec.equations.{equation.family}":  # not one that somebody tries out
            families.setdefault(equation.family, []).append(equation)
    for item in PROCEDURES.values():
        if item.function.__module__ == f"attnspec.procedures.{item.family}":
            procedures.setdefault(item.family, []).append(item)
    return {
        f"{family}.md": _page(family, found, procedures.get(family, []), discovery, mistakes)
        for family, found in families.items()
    }


def _page(
    family: str,
    equations: Sequence[AnEquation],
    procedures: Sequence[AProcedure],
    discovery: Discovery,
    mistakes: Mistakes,
) -> str:
    module = importlib.import_module(equations[0].function.__module__)
    listed: list[AnEquation | AProcedure] = [*procedures, *equations]
    contents = [f"- [{each.id}](#{anchor(each.id)}): {prose(_first(each.doc))}" for each in listed]
    parts = [FOLDER.mark, f"# {family}", prose(inspect.getdoc(module) or ""), "\n".join(contents)]
    for procedure in procedures:
        parts += _procedure(procedure, discovery)
    for equation in equations:
        parts += _section(equation, discovery, mistakes)
    return joined(parts)


def _procedure(procedure: AProcedure, discovery: Discovery) -> Iterator[str]:
    yield f"## {procedure.id}"
    yield prose(procedure.doc)
    yield block("python", procedure.code)
    if procedure.examples:
        yield "**Examples**"
        yield bullets(f"`{procedure.called(case)}` is `{procedure(**case)!r}`" for case in procedure.examples)
    yield "**Sources**"
    yield bullets(str(source) for source in procedure.sources)
    yield "**Properties**"
    yield bullets(f"`{law.name}`: {prose(law.says)}" for law in PROCEDURAL.get(procedure.id, ()))
    yield f"**Known mistakes**: {len(procedure.mistakes)}"
    yield bullets(f"`{each.name}`: {prose(each.says)}" for each in procedure.mistakes)
    yield "**Implementations**"
    yield bullets(f"`{each.target}`, in {_file(each.file)}" for each in _own(discovery.of(procedure.id)))
    yield f"The specification is in {_file(Path(inspect.getsourcefile(procedure.function) or ''))}."


def _section(equation: AnEquation, discovery: Discovery, mistakes: Mistakes) -> Iterator[str]:
    definition = equation.definition
    yield f"## {equation.id}"
    yield prose(equation.doc)
    if equation.convention_of:
        yield f"A convention of {_linked(equation.convention_of, equation.family)}: {prose(equation.says)}."
    if equation.gradient_of:
        yield f"The gradient of {_linked(equation.gradient_of, equation.family)}."
    if gradient := REGISTRY.gradient(equation.id):
        yield f"Its gradient is {_linked(gradient.id, equation.family)}."
    yield block("text", formula.text(definition))
    yield block("math", formula.latex(definition))
    yield table(("takes", "", "shape", ""), _taken(equation))
    yield table(
        ("gives", "", "shape"), [(f"`{each.name}`", each.kind, _shape(each.dims)) for each in definition.results]
    )
    yield "Sizes: " + ", ".join(f"`{name}` ≥ {smallest(equation, name)}" for name in sizes_of(definition)) + "."
    learned, count = dataflow.parameters(definition)
    if learned:
        yield f"Parameters: `{written(count)}`."
    yield "**Sources**"
    yield bullets(str(source) for source in equation.sources)
    told = [(other, other.says if other.convention_of else equation.says) for other in conventions(equation)]
    if told:
        yield "**Conventions**"
        yield bullets(_told_apart(other, says, equation) for other, says in told)
    laws = PROPERTIES.get(equation.id, ())
    if laws:
        yield "**Properties**"
        yield bullets(f"`{law.name}`: {prose(law.says)}" for law in laws)
    yield from mistakes(equation)
    yield "**Implementations**"
    yield bullets(map(_implementation, _own(discovery.of(equation.id, equation.gradient_of)))) or "Nothing yet."
    yield f"**The specification**, in {_file(Path(inspect.getsourcefile(equation.function) or ''))}"
    yield block("python", inspect.getsource(equation.function).rstrip())


def _taken(equation: AnEquation) -> Iterator[tuple[str, ...]]:
    for each in equation.definition.parameters:
        means = each.symbol.meaning + ("" if each.kind == "float" else f", {each.kind}")
        if each.layer is None:
            yield f"`{each.name}`", f"${latex(each.name)}$", _shape(each.dims), means
            continue
        yield f"`{each.name}`", f"${latex(each.name)}$", "`L` layers", each.symbol.meaning
        for part in each.layer.takes:
            yield f"– `{part.name}`", f"${latex(part.name)}$", _shape(part.dims), part.symbol.meaning
    for option in equation.definition.options:
        sets = f", sets `{option.size}`" if option.size else ""
        yield f"`{option.name}`", "", "", f"an option, {option.kind}{sets}"


def _told_apart(other: AnEquation, says: str, equation: AnEquation) -> str:
    """The equation that something is a convention of says nothing of itself."""
    where = _linked(other.id, equation.family)
    return f"{where}: {prose(says)}" if other.convention_of else f"{where}, without this: {prose(says)}"


def _examples(wrong: Sequence[Mutant]) -> list[Mutant]:
    """Those that people make first, then some of the generated ones, from all over the equation."""
    ours = [mutant for mutant in wrong if mutant.kind == "curated"][: SHOWN // 2]
    generated = [mutant for mutant in wrong if mutant.kind == "generated"]
    rest = min(SHOWN - len(ours), len(generated))
    return ours + [generated[k * len(generated) // rest] for k in range(rest)]


def _own(found: Iterable[Declared]) -> list[Declared]:
    """Those of this repository: what else is installed is nobody else's business."""
    return [each for each in found if each.file.resolve().is_relative_to(ROOT)]


def _implementation(each: Declared) -> str:
    return f"{each.framework or 'any framework'}: `{each.target}`{each.remark}, in {_file(each.file)}"


def _file(file: Path) -> str:
    shown = _shown(file)
    return f"[{shown}](../../{shown})"


def _shown(file: Path) -> str:
    return file.resolve().relative_to(ROOT).as_posix()


def _linked(id: str, family: str) -> str:
    """An equation, where it stands."""
    page = "" if id.split(".")[0] == family else f"{id.split('.')[0]}.md"
    return f"[{id}]({page}#{anchor(id)})"


def _shape(dims: Iterable[object]) -> str:
    return f"`({', '.join(map(str, dims))})`"


def _first(doc: str) -> str:
    return doc.partition("\n")[0]


if __name__ == "__main__":
    sys.exit(FOLDER.main(pages, (__doc__ or "").partition("\n")[0]))
