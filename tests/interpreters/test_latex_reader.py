"""A formula in LaTeX can be read back into its tree, so that no two equations have one formula."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnspec import REGISTRY
from attnspec.errors import NotationError
from attnspec.interpreters.formula.formula import latex
from attnspec.interpreters.mutation.mutants import mutants
from attnspec.language.traversal import map_definition
from attnspec.language.tree import Call, Definition, Node, Through
from generated import defined, written
from latex_reader import read_latex

EQUATIONS = [item for item in REGISTRY.values() if item.function.__module__.startswith("attnspec.equations.")]
REGISTERED: Mapping[str, Definition] = {id: item.definition for id, item in REGISTRY.items()}


def bare(definition: Definition) -> Definition:
    """An equation without what a formula leaves out: comments, and the types of results and layers, which follow."""

    def change(node: Node) -> Node:
        return replace(node, callee=bare(node.callee)) if isinstance(node, Call | Through) else node

    changed = map_definition(definition, change)
    return replace(
        changed,
        id=definition.id.partition("/")[0],
        parameters=tuple(replace(item, layer=None) for item in definition.parameters),
        lines=tuple(replace(line, comment="") for line in changed.lines),
        results=(),
    )


def check_round_trip(definition: Definition) -> None:
    formula = latex(definition)

    assert bare(read_latex(formula, REGISTERED)) == bare(definition), formula


@pytest.mark.parametrize("id", [item.id for item in EQUATIONS])
def test_the_catalogue_is_read_back(id: str) -> None:
    check_round_trip(REGISTRY[id].definition)


@pytest.mark.parametrize(("every", "one_of"), [(12, 12), pytest.param(1, 1, marks=pytest.mark.slow)])
def test_mutants_are_read_back(every: int, one_of: int) -> None:
    """The formula of a mutant is that of no other equation; many mutants call a changed equation, written out below."""
    wrong = [mutant.definition for item in EQUATIONS[::every] for mutant in mutants(item)[::one_of]]

    for definition in wrong:
        check_round_trip(definition)
    assert len(wrong) > 200


def readable(source: str) -> Definition | None:
    try:
        return defined(source).definition
    except NotationError:
        return None


def check_read_back(source: Callable[[Random], str], count: int) -> None:
    """Read the formulas of so many generated equations back, of which at least a quarter must be equations."""
    seen = []

    @settings(max_examples=count)
    @given(st.randoms(use_true_random=False).map(source).map(readable))
    def check(definition: Definition | None) -> None:
        if definition is not None:
            seen.append(definition)
            check_round_trip(definition)

    check()
    assert len(seen) > count // 4


@pytest.mark.parametrize("count", [100, pytest.param(10_000, marks=pytest.mark.slow)])
def test_equations_written_at_random_are_read_back(count: int) -> None:
    """The formula of any equation is that of no other."""
    check_read_back(written, count)


VALUES = (
    "x", "y", "h", "x_y", "x_y_i", "y_i", "x_i", "x_ij", "x_y_ij", "x_row", "x_i_2", "x_y_i_2", "x_t_tilde", "h_t", "h_T",
    "h_tilde", "h_tilde_t", "h_tilde_y_i", "x_h_tilde_t", "h_0", "alpha", "x_alpha", "sigma", "d_x", "d_x_i", "d_t", "d_0",
    "d", "d_k", "mask", "x_mask", "x__i", "_x", "α", "x2", "xi", "x_x2", "c_T_0", "T_0", "K", "e_inf", "tanh_x", "L", "l_1",
)  # fmt: skip
INDICES = ("i", "j", "t", "row", "i_2", "i_tilde", "alpha_2", "beta", "k", "row_2")
SIZES = ("n", "d_j", "T", "h_k", "x_t", "y_row", "width", "beta_i", "d_i_2", "n_2")


def renamed(random: Random) -> str:
    """The source of an equation whose names are hard to tell apart."""
    text = written(random)
    new: dict[str, str] = {}
    pools = (r"\b[xysrc]_\d\w*|\bz\b", VALUES), (r"\b[ijkl]\b", INDICES), (r"\b[abg]\b", SIZES)
    for pattern, pool in pools:
        old = list(dict.fromkeys(re.findall(pattern, text)))
        new |= dict(zip(old, random.sample(pool, min(len(old), len(pool))), strict=False))
    return re.sub("|".join(pattern for pattern, _ in pools), lambda found: new.get(found[0], found[0]), text)


@pytest.mark.parametrize("count", [60, pytest.param(10_000, marks=pytest.mark.slow)])
def test_names_that_are_hard_to_tell_apart_are_read_back(count: int) -> None:
    """The name x_y_i differs from the array x at y_i, and a size d_j from the array d at j."""
    check_read_back(renamed, count)
