"""Gradients over a batch: what the examples share gets the sum of theirs, as automatic differentiation gives it.

A backward equation speaks of one example. Over a batch it is an equation again, made from it: called for every example,
with the gradients of what is shared summed; so its noise, its mutants and its directions are made as of any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from attnspec.language.dims import Dim
from attnspec.language.traversal import call_by_name
from attnspec.language.tree import At, Definition, Line, Name, Node, Parameter, Position, Reduce, Stack
from attnspec.verification.cases.case import Case


def lift_over_batch(definition: Definition, case: Case) -> Definition:
    """What an equation, right or wrong, says of a case: itself, or where gradients are summed, that over the batch."""
    if not case.summed:
        return definition
    leads = {p.name: case.arrays[p.name].ndim - len(p.dims) for p in definition.parameters}
    return _over(definition, leads, case.summed) if any(leads.values()) else definition


def _over(definition: Definition, leads: Mapping[str, int], wanted: Sequence[str]) -> Definition:
    """Every parameter gets the batch axes that it has, and so does its gradient; over the others it is summed.

    Args:
        leads: how many batch axes each parameter has, the last ones.
        wanted: the parameters that the results are the gradients of.
    """
    axes = [f"b_{axis}" for axis in range(max(leads.values()))]
    sizes = {axis: Dim.parse(axis.replace("b_", "batch")) for axis in axes}

    def own(name: str) -> tuple[str, ...]:
        return tuple(axes[len(axes) - leads[name] :])

    def batched(parameter: Parameter, name: str) -> Parameter:
        return replace(parameter, dims=(*(sizes[axis] for axis in own(name)), *parameter.dims))

    def gathered(value: Node, name: str) -> Node:
        for axis in axes[: len(axes) - leads[name]]:
            value = Reduce("sum", axis, value)
        return Stack(value, own(name)) if own(name) else value

    lines = [f"gradient_{place}" for place in range(len(definition.results))]
    call = call_by_name(definition, {p.name: _placed(p.name, own(p.name)) for p in definition.parameters})
    return replace(
        definition,
        parameters=tuple(batched(p, p.name) for p in definition.parameters),
        indices=tuple((axis, sizes[axis]) for axis in axes),
        lines=(Line(tuple(lines), call),),
        returns=tuple(gathered(Name(line), name) for line, name in zip(lines, wanted, strict=True)),
        results=tuple(batched(result, name) for result, name in zip(definition.results, wanted, strict=True)),
    )


@cache
def _placed(name: str, axes: tuple[str, ...]) -> Node:
    """An argument at batch axes. It is the same node in all equations, so that its value can be remembered."""
    return At(Name(name), tuple(map(Position, axes))) if axes else Name(name)
