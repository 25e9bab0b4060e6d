"""A property: relations between outputs, true of the equation, which an implementation must keep within the noise."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.procedure import PROCEDURES, Procedure
from attnspec.language.registry import Registry

Arguments = Mapping[str, Any]
Function = Callable[..., Any]
"""What is tested: takes an equation's arrays and options by name, gives its output, or a tuple of them; or takes what a
procedure takes, and gives its answer."""


@dataclass(frozen=True, slots=True)
class Equal:
    """Two arrays are the same, element by element; or two plain values are."""

    left: Any
    right: Any


@dataclass(frozen=True, slots=True)
class AtMost:
    """One array nowhere exceeds another."""

    left: Any
    right: Any


Relation = Equal | AtMost


@dataclass(frozen=True, slots=True)
class Property:
    """A property of one equation, or of one procedure.

    Attributes:
        equation: its id.
        name: the property's name.
        says: what holds, in a sentence.
        kills: the ids of mutants that it catches; a test holds it to that.
        relations: given the function under test and a case for one example, the relations that must hold. It may
            move, slice, join and add outputs, and compare them with each other or with the case's own arrays; any
            transformation of inputs must give values that the storage dtype holds (0, negation, permutation).
        least: the smallest sizes that it needs.
        equal: pairs of sizes that it needs equal.
    """

    equation: str
    name: str
    says: str
    kills: tuple[str, ...]
    relations: Callable[[Function, Arguments], Iterator[Relation]]
    least: Mapping[str, int]
    equal: tuple[tuple[str, str], ...]


PROPERTIES: Registry[list[Property]] = Registry()
"""Every property, by the id of its equation."""

PROCEDURAL: Registry[list[Property]] = Registry()
"""Those of procedures, which are asked of plain values."""


def property_of(
    of: Equation[..., Any] | Procedure[..., Any], *, kills: tuple[str, ...] = (),
    least: Mapping[str, int] | None = None, equal: tuple[tuple[str, str], ...] = (),
) -> Callable[[Callable[[Function, Arguments], Iterator[Relation]]], Property]:  # fmt: skip
    """Make a property of a generator of relations; its docstring says what holds.

    Args:
        of: the equation, or the procedure: then it relates plain values, by Equal alone.
        kills: the ids of mutants that the property catches.
        least: the smallest sizes that it needs.
        equal: pairs of sizes that it needs equal.
    """

    def build(relations: Callable[[Function, Arguments], Iterator[Relation]]) -> Property:
        says = (inspect.getdoc(relations) or "").split("\n\n")[0].replace("\n", " ")
        made = Property(of.id, relations.__name__, says, kills, relations, dict(least or {}), equal)
        assert (PROCEDURES if isinstance(of, Procedure) else REGISTRY).is_defined(of.id)
        known = PROCEDURAL if isinstance(of, Procedure) else PROPERTIES
        known.add(of.id, [*(each for each in known.get(of.id, ()) if each.name != made.name), made])
        return made

    return build
