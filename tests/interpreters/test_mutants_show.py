"""What is changed in an equation shows in all that is made of it for readers: each form of the formula, and the figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from attnspec import REGISTRY
from attnspec.interpreters.figure.graph import graph
from attnspec.interpreters.figure.svg import svg
from attnspec.interpreters.formula.formula import latex, text
from attnspec.interpreters.mutation.mutants import mutants
from attnspec.language.tree import Definition
from trees import visible

EQUATIONS = [item for item in REGISTRY.values() if item.function.__module__.startswith("attnspec.equations.")]


def in_words(definition: Definition) -> str:
    """The figure in words."""
    return "\n".join(sentence for _, sentence in graph(definition).text())


FORMS: Mapping[str, Callable[[Definition], str]] = {
    "Unicode": text,
    "LaTeX": latex,
    "MathML": visible,
    "figure": in_words,
    "picture": lambda definition: svg(graph(definition)),
}


SAMPLE = [pytest.param(item.id, 24) for item in EQUATIONS[::18]]
ALL = [pytest.param(item.id, 1, marks=pytest.mark.slow) for item in EQUATIONS]


@pytest.mark.parametrize(("id", "one_of"), [*SAMPLE, *ALL])
def test_a_mutant_has_another_formula_and_another_figure(id: str, one_of: int) -> None:
    """One operator, name, number, index, mask, start or call is changed, and each form differs from the right one."""
    item = REGISTRY[id]
    right = {name: form(item.definition) for name, form in FORMS.items()}
    wrong = [(mutant.says, replace(mutant.definition, id=id)) for mutant in mutants(item)[::one_of]]
    alike = [f"{says}: {name}" for says, tree in wrong for name, form in FORMS.items() if form(tree) == right[name]]

    assert wrong
    assert not alike, "\n".join(alike)
