"""Perturbations of an equation: each changes one argument, option or line everywhere it is read.

Cases on which a perturbation does not show say nothing of what it changes: a candidate that ignores it, or computes
something else of it, would pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.language.check import check
from attnspec.language.equation import Equation
from attnspec.language.traversal import map_definition, nodes
from attnspec.language.tree import Apply, Call, Definition, Name, Node, Number, Scan


def perturbations(equation: Equation[..., Any]) -> tuple[Mutant, ...]:
    """One perturbation for each argument, option and line that the equation reads.

    Sizes are left out, since the shapes of arrays tell them. So are lines that another equation computes, which its
    arguments perturb, and the arrays of layers.
    """
    return tuple(_perturbations(equation.definition))


def _perturbations(definition: Definition) -> Iterator[Mutant]:
    types = check(definition)
    sizes = definition.size_options
    reads = {node.id for node in nodes(definition) if isinstance(node, Name)}
    elsewhere = {name for line in definition.lines if isinstance(line.value, Scan | Call) for name in line.targets}
    for name, type_ in types.items():
        if name in reads and name not in sizes and name not in elsewhere and type_.kind in PERTURBED:
            changed = _with(definition, name, PERTURBED[type_.kind](Name(name)))
            yield Mutant(f"perturbed/{name}", name, changed)


def _float(value: Node) -> Node:
    """1 − 3x: of another scale, sign and offset."""
    return Apply("-", (Number(1.0), Apply("*", (Number(3.0), value))))


PERTURBED: dict[str, Callable[[Node], Node]] = {
    "float": _float,
    "int": lambda value: Apply("+", (value, Number(1.0))),
    "bool": lambda value: Apply("not", (value,)),
}
"""{kind of a value: another value of that kind}."""


def _with(definition: Definition, name: str, other: Node) -> Definition:
    """The equation with another value wherever a name is read."""
    return map_definition(definition, lambda node: other if node == Name(name) else node)
