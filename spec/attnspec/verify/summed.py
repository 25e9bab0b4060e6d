"""Gradients over a batch: what the examples share gets the sum of theirs, as automatic differentiation gives it.

A backward equation speaks of one example. Over a batch it is an equation again, made from it: called for every example,
with the gradients of what is shared summed; so its noise, its mutants and its directions are made as of any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from attnspec.interpreters.value import evaluate
from attnspec.interpreters.walk import Array
from attnspec.language.dims import Dim
from attnspec.language.tree import At, Call, Definition, Line, Name, Node, Parameter, Position, Reduce, Stack
from attnspec.verify.cases import Case
from attnspec.verify.statistics import Compared

BATCH, EXAMPLE = Dim.parse("batch"), "b_"


def over(definition: Definition, case: Case) -> Definition:
    """What an equation, right or wrong, says of a case: itself, or where gradients are summed, that over the batch."""
    if not case.summed:
        return definition
    varying = frozenset(p.name for p in definition.parameters if case.arrays[p.name].ndim > len(p.dims))
    return _over(definition, varying, case.summed) if varying else definition


def _over(definition: Definition, varying: frozenset[str], wanted: tuple[str, ...]) -> Definition:
    """Every parameter that varies gets an axis for the batch, and so does its gradient."""
    names = tuple(f"{EXAMPLE}{place}" for place in range(len(definition.results)))
    args: tuple[Node, ...] = tuple(
        At(Name(p.name), (Position(EXAMPLE),)) if p.name in varying else Name(p.name) for p in definition.parameters
    )
    options = tuple((option.name, Name(option.name)) for option in definition.options)
    shared = [name not in varying for name in wanted]
    returns: tuple[Node, ...] = tuple(
        Reduce("sum", EXAMPLE, Name(name)) if summed else Stack(Name(name), (EXAMPLE,))
        for name, summed in zip(names, shared, strict=True)
    )
    results = tuple(
        result if summed else _batched(result) for result, summed in zip(definition.results, shared, strict=True)
    )
    return Definition(
        definition.id, tuple(_batched(p) if p.name in varying else p for p in definition.parameters),
        definition.options, ((EXAMPLE, BATCH),), (Line(names, Call(definition, args, options)),), returns, results,
    )  # fmt: skip


def over_batch(definition: Definition, compared: Sequence[Compared]) -> str:
    """What was done over a batch in place of summing, where that is all that is wrong, in words; else ""."""
    seen = [(each, _values(definition, each)) for each in compared if each.fails and each.case.summed]
    if not seen or any(own.ndim == each.answer.ndim or len(own) < 2 for each, own in seen):
        return ""
    for says, of in INSTEAD.items():
        if all(bool((np.abs(each.answer - of(own)) <= each.noise.bound).all()) for each, own in seen):
            names = list(dict.fromkeys(definition.results[each.output].name for each, _ in seen))
            return f"{' and '.join(names)}, over a batch: {says} instead of the sum"
    return ""


INSTEAD: dict[str, Callable[[Array], Array]] = {
    "the mean": lambda own: np.asarray(own.mean(axis=0)),
    "that of the last example": lambda own: np.asarray(own[-1]),
    "that of the first example": lambda own: np.asarray(own[0]),
    "that of all but the last example": lambda own: np.asarray(own[:-1].sum(axis=0)),
}
"""What may stand for the sum over a batch, made of every example's own gradient."""


def _values(definition: Definition, each: Compared) -> Array:
    """Every example's own gradient."""
    found = evaluate(definition, (), each.case.arguments)
    return np.asarray(found[each.output] if isinstance(found, tuple) else found)


def _batched(parameter: Parameter) -> Parameter:
    return Parameter(parameter.name, parameter.kind, (BATCH, *parameter.dims))
