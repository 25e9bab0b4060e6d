"""What the engine knows of an equation is what the equation declares: under other names it judges the same."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import attnspec
from attnspec import REGISTRY, Claim, Equation, Verdict, VerdictKind
from attnspec.implementation import ATTRIBUTE
from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.language.registry import families, is_catalogued
from attnspec.verification.cases.case import Description, make, smallest
from attnspec.verification.cases.grid import grid
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.judge.mutant_values import non_equivalent_mutants
from attnspec.verification.properties import checks
from renamed import other, other_id, other_text, write

SAMPLE = (
    "attention.masked", "attention.incremental", "attention.blocked", "attention_rnn.bahdanau_greedy_step",
    "backward.gru_cell", "backward.masked", "cost.multihead_operations", "multihead.attention", "multihead.queries",
    "optimizer.adam", "position.learned", "recurrent.gru", "recurrent.stacked_lstm", "attention.padded",
    "scores.additive", "self_attention.stacked", "seq2seq.sequence_loss", "seq2seq.sample_decode_lstm",
    "text.embedding", "transformer.encoder", "transformer.encoder_layer_biased",
)  # fmt: skip
"""Equations of every family, and of every role of a size."""

NAMES = [id for id in REGISTRY if is_catalogued(REGISTRY[id].function.__module__)]
every_equation = pytest.mark.parametrize(
    "id", [pytest.param(id, marks=() if id in SAMPLE else (pytest.mark.slow,)) for id in NAMES]
)


@pytest.fixture(scope="module", autouse=True)
def other_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The catalogue under other names, in the registry; what was written by hand for the known names is put aside."""
    write(tmp_path_factory.mktemp("renamed"))
    variants = [kind for item in REGISTRY.values() for kind in (item.own_mutants, item.own_forms)]
    aside = [[*kind] for kind in variants]
    for kind in variants:
        kind.clear()
    non_equivalent_mutants.cache_clear()  # other tests have asked for those with the ones put aside
    yield
    non_equivalent_mutants.cache_clear()
    for kind, put_aside in zip(variants, aside, strict=True):
        kind[:] = put_aside


def both(id: str) -> tuple[Equation[..., Any], Equation[..., Any]]:
    return REGISTRY[id], REGISTRY[other_id(id)]


def described(equation: Equation[..., Any]) -> Iterator[Description]:
    """The descriptions of the cases of every verdict."""

    def least(name: str) -> int:
        return 0 if name == "batch" else smallest(equation, name)

    with np.errstate(all="ignore"):
        yield from standard_suite(equation, least, (0, 1, 2))
        yield from grid(equation, least, (0, 1))


@every_equation
def test_the_same_cases_are_drawn(id: str) -> None:
    """Of the same sizes and values, in the same order and for the same reasons."""
    known, renamed = both(id)
    expected, found = [*described(known)], [*described(renamed)]

    assert [other_text(str(each.sizes)) for each in expected] == [str(each.sizes) for each in found]
    for ours, theirs in zip(expected[::7], found[::7], strict=True):
        case, again = make(known, ours, "float32"), make(renamed, theirs, "float32")
        assert [array.tobytes() for array in case.arrays.values()] == [a.tobytes() for a in again.arrays.values()]
        assert [*case.options.values()] == [*again.options.values()]


NOT_OF_THE_TREE = re.compile(r", symbol=Symbol\((?:[^()]|\([^()]*\))*\)|, comment=('[^']*'|\"[^\"]*\")")
"""In the text of a tree: what an argument means, and the comment of a line."""


def tree(mutant: Mutant) -> str:
    """A mutant as text, with the sizes that must be equal."""
    shown = repr((mutant.definition.lines, mutant.definition.returns, mutant.equal_sizes))
    return NOT_OF_THE_TREE.sub("", shown)


@every_equation
def test_the_same_mutants_are_made(id: str) -> None:
    """The trees are equal but for the names, and come in the same order."""
    known, renamed = both(id)
    expected = [tree(mutant) for mutant in known.mutants()]
    found = [tree(mutant) for mutant in renamed.mutants()]

    assert [re.sub(r"'[^' ]+'", lambda match: other_text(match[0]), each) for each in expected] == found


JUDGED = (
    "attention.masked", "multihead.attention", "optimizer.adam", "scores.additive", "seq2seq.sequence_loss",
    "text.embedding",
)  # fmt: skip


def candidate(
    function: Callable[..., Any], equation: Equation[..., Any], known: Equation[..., Any], factor: float
) -> Any:
    """A function of the arguments of an equation, which calls an implementation under the names that that one has.

    Args:
        function: the implementation.
        equation: the equation whose names the arguments have.
        known: the equation whose names the implementation has.
        factor: of the first floating-point argument; 1 leaves it right.
    """
    first = next((p.name for p in equation.definition.parameters if p.kind == "float"), "")
    own, theirs = ([*inspect.signature(each.function).parameters] for each in (equation, known))
    given = [f"{name} * {factor}" if name == first and factor != 1 else name for name in own]
    arrays, options = own[: len(equation.definition.parameters)], own[len(equation.definition.parameters) :]
    taken = ", ".join([*arrays, *(["*", *options] if options else [])])
    called = ", ".join(f"{name}={value}" for name, value in zip(theirs, given, strict=True))
    made: dict[str, Any] = {"function": function}
    exec(f"def candidate({taken}):\n    return function({called})", made)
    return made["candidate"]


def implementation(id: str) -> tuple[Callable[..., Any], Claim]:
    """The implementation of an equation in NumPy."""
    for family in [id.split(".")[0], *families()]:
        if importlib.util.find_spec(f"attnspec_numpy.{family}") is not None:
            for value in vars(importlib.import_module(f"attnspec_numpy.{family}")).values():
                for declared in getattr(value, ATTRIBUTE, ()) if callable(value) else ():
                    if declared.equation == id:
                        return value, declared.claim
    pytest.skip("not implemented in NumPy")


@pytest.mark.parametrize("factor", [1.0, 1.25])
@pytest.mark.parametrize("id", [pytest.param(id, marks=() if id in JUDGED else (pytest.mark.slow,)) for id in NAMES])
def test_the_same_verdicts_are_given(id: str, factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A right and a wrong implementation are judged alike, on the same cases and with the same score."""
    monkeypatch.setattr(checks, "PROPERTIES", {})  # they are written for the known names
    function, claim = implementation(id)
    verdicts: list[Verdict] = []
    for equation in both(id):
        own = replace(
            claim, smallest={name if equation.id == id else other(name): size for name, size in claim.smallest.items()}
        )
        tried = candidate(function, equation, REGISTRY[id], factor)
        verdicts += attnspec.verify(tried, equation, framework="numpy", dtype="float32", claim=own, examples=2).verdicts
    known, renamed = verdicts

    assert (known.verdict, known.killed, known.of, known.examples) == (
        renamed.verdict, renamed.killed, renamed.of, renamed.examples
    )  # fmt: skip
    assert len(known.survived) == len(renamed.survived)
    assert (known.policy, known.effective_bits) == (renamed.policy, renamed.effective_bits)
    assert len(known.diagnosis) == len(renamed.diagnosis)
    if factor == 1:
        assert known.verdict is not VerdictKind.FAILS
