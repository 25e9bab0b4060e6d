"""Variants of an equation that are evaluated at once have the values that they have one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from attnspec import REGISTRY
from attnspec.errors import NotationError
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.at_once import MergedVariants, at_once
from attnspec.interpreters.mutation.insertions import insertions
from attnspec.interpreters.mutation.mutants import Mutant, mutants
from attnspec.language.equation import Equation
from attnspec.language.traversal import map_definition
from attnspec.language.tree import Apply, Call, Name, Node, Number
from attnspec.verification.cases.case import Case, Description, make, smallest
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.judge.mutant_values import values, values_of_each

EVERY_NTH = 7
"""Neighbours in a list of mutants are often of one line; these are of several."""


def example(equation: Equation[..., Any]) -> Case:
    suite = standard_suite(equation, lambda name: 1 if name == "batch" else smallest(equation, name), (0,))
    described: Description = next(iter(suite))
    return make(equation, described, "float64")


def variants(equation: Equation[..., Any]) -> list[Mutant]:
    every = [*mutants(equation), *insertions(equation.definition)]
    return [mutant for mutant in every if not mutant.equal_sizes][::EVERY_NTH][:64]


def assert_same(one: Sequence[NDArray[Any]] | None, other: Sequence[NDArray[Any]] | None, about: str) -> None:
    assert (one is None) == (other is None), about
    for a, b in zip(one or (), other or (), strict=True):
        assert a.shape == b.shape, about
        scale = float(np.abs(b[np.isfinite(b)]).max(initial=0.0))
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12 * scale, err_msg=about)


@pytest.mark.parametrize(
    "id",
    [
        "attention.masked",
        "backward.lstm_cell",
        "multihead.attention",
        "position.sinusoidal",
        "recurrent.lstm",
        "recurrent.stacked_gru",
        "seq2seq.cross_entropy",
        "transformer.layer_norm",
    ],
)
def test_values_at_once_are_those_one_by_one(id: str) -> None:
    """Of mutants and insertions of several lines, of called equations and of steps of a recurrence."""
    equation = REGISTRY[id]
    case, tried = example(equation), variants(equation)
    found = values_of_each([mutant.definition for mutant in tried], case)

    for mutant, at_once_ in zip(tried, found, strict=True):
        assert_same(at_once_, values(mutant.definition, case), mutant.id)


def test_variants_of_several_lines_are_one_equation() -> None:
    equation = REGISTRY["recurrent.gru_cell"]
    chosen = [
        mutant.definition for mutant in mutants(equation) if not mutant.equal_sizes and mutant.kind == "generated"
    ]
    several = chosen[:: len(chosen) // 8][:8]
    case = example(equation)
    (outputs,) = values(at_once(several), case, len(several)) or ((),)

    assert (
        len(
            {tuple(k for k, line in enumerate(each.lines) if line not in equation.definition.lines) for each in several}
        )
        > 1
    )
    assert len(outputs) == len(several)
    for output, each in zip(outputs, several, strict=True):
        np.testing.assert_allclose(output, evaluate(each, (), case.arguments), rtol=1e-9, atol=1e-12)


def test_equations_with_other_lines_are_not_one() -> None:
    with pytest.raises(NotationError):
        at_once([REGISTRY["recurrent.gru_cell"].definition, REGISTRY["scores.dot"].definition])


def test_one_that_is_unlike_the_others_is_set_apart() -> None:
    """The others are evaluated at once, and every value stands in the place of its variant."""
    equation = REGISTRY["recurrent.gru_cell"]
    generated = [each for each in mutants(equation) if not each.equal_sizes and each.kind == "generated"]
    case, (right, *alike) = example(equation), [mutant.definition for mutant in generated[:6]]
    odd = replace(right, indices=(*right.indices, ("unused", right.parameters[0].dims[0])))
    several = [right, *alike[:2], odd, *alike[2:]]

    merged = MergedVariants().of(several)

    assert merged.places == (0, 1, 2, 4, 5, 6)
    assert merged.others == (3,)
    for found, each in zip(values_of_each(several, case), several, strict=True):
        assert_same(found, values(each, case), each.id)


def test_the_same_variants_are_merged_once() -> None:
    merged = MergedVariants()
    several = [mutant.definition for mutant in variants(REGISTRY["recurrent.gru_cell"])][:4]

    assert merged.of(several) is merged.of(list(several))
    assert merged.of(several) is not merged.of(several[:3])


def test_values_of_other_types_are_chosen_too() -> None:
    """Of a number, a truth value, an array and an array of another rank, each stands in the place of its variant."""
    equation = REGISTRY["attention.weights"]
    case, e = example(equation), Name("e")
    positive, one = Apply(">", (e, Number(0.0))), Number(1.0)
    returned: list[Node] = [e, positive, Apply("*", (e, Number(2.0))), Apply("where", (positive, one, e)), e, one]
    several = [replace(equation.definition, lines=(), returns=(node,)) for node in returned]

    for found, each in zip(values_of_each(several, case), several, strict=True):
        assert_same(found, values(each, case), each.id)


def test_variants_with_other_sizes_are_set_apart() -> None:
    """A size that a call is given cannot have several values, so that it is no part of what is evaluated at once."""
    equation = REGISTRY["multihead.attention"]

    def in_one_head(node: Node) -> Node:
        if not isinstance(node, Call) or "heads" not in node.callee.size_options:
            return node
        return replace(node, options=(("heads", Number(1.0)),))

    one_head = map_definition(equation.definition, in_one_head)
    alike = [each.definition for each in mutants(equation) if "/drop/" in each.id][:3]
    several = [equation.definition, one_head, *alike]

    assert MergedVariants().of(several).others == (1,)
    for found, each in zip(values_of_each(several, example(equation)), several, strict=True):
        assert_same(found, values(each, example(equation)), each.id)
