"""Properties: relations between outputs, which hold for the equation and, within the noise, for implementations."""

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
    """A relation: two arrays are equal in each element, or two plain values are equal.

    Attributes:
        left: an array made of outputs and arguments, or an answer of a procedure.
        right: an array of the same shape, or a plain value.

    Examples:
        >>> import attnspec
        >>> attnspec.Equal((1, 2), (1, 2))
        Equal(left=(1, 2), right=(1, 2))
    """

    left: Any
    right: Any


@dataclass(frozen=True, slots=True)
class AtMost:
    """A relation: no element of one array exceeds that of another.

    Attributes:
        left: an array made of outputs and arguments, or a number.
        right: an array of the same shape, or a number.

    Examples:
        >>> import attnspec
        >>> attnspec.AtMost(0.5, 1.0)
        AtMost(left=0.5, right=1.0)
    """

    left: Any
    right: Any


Relation = Equal | AtMost


@dataclass(frozen=True, slots=True)
class Property:
    """A property of an equation or a procedure; `property_of` makes it.

    Attributes:
        equation: id of the equation or procedure.
        name: name of the property.
        says: what holds, in a sentence.
        kills: ids of mutants that the property catches.
        relations: generator of relations, given the function under test and the arguments of a case.
        least: {axis: smallest size that the property needs}.
        equal: pairs of axes that must have equal sizes.

    Examples:
        >>> import attnspec
        >>> from attnspec.notation import Float, Tensor
        >>> @attnspec.equation()
        ... def mirrored(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        ...     return -x
        >>> @attnspec.property_of(mirrored)
        ... def odd(f, arguments):
        ...     "The sign of the input is the sign of the output."
        ...     yield attnspec.Equal(f(x=-arguments["x"]), -f(**arguments))
        >>> odd.name, odd.says
        ('odd', 'The sign of the input is the sign of the output.')
    """

    equation: str
    name: str
    says: str
    kills: tuple[str, ...]
    relations: Callable[[Function, Arguments], Iterator[Relation]]
    least: Mapping[str, int]
    equal: tuple[tuple[str, str], ...]


PROPERTIES: Registry[list[Property]] = Registry("properties")
"""Every property, by the id of its equation."""

PROCEDURAL: Registry[list[Property]] = Registry("properties")
"""Those of procedures, which are asked of plain values."""


def property_of(
    of: Equation[..., Any] | Procedure[..., Any], *, kills: tuple[str, ...] = (),
    least: Mapping[str, int] | None = None, equal: tuple[tuple[str, str], ...] = (),
) -> Callable[[Callable[[Function, Arguments], Iterator[Relation]]], Property]:  # fmt: skip
    """Add a property to an equation or a procedure. Every verdict on an implementation checks it.

    The decorated function is a generator. It takes the function under test, and a case for one example: a mapping of
    arguments by name. It yields the relations that must hold, `Equal` and `AtMost`. It may move, slice, join and add
    outputs. Inputs may be changed only to values that the storage dtype represents: set to 0, negated, permuted. The
    first paragraph of its docstring says what holds.

    Args:
        of: the equation or procedure. A property of a procedure yields `Equal` only, of plain values.
        kills: ids of mutants that the property catches.
        least: {axis: smallest size that the property needs}.
        equal: pairs of axes that must have equal sizes.

    Returns:
        A decorator that makes a `Property` of the generator.

    Examples:
        >>> import attnspec
        >>> from attnspec.notation import Float, Tensor, index, sum
        >>> @attnspec.equation()
        ... def total(x: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        ...     i = index("n")
        ...     return sum(i, x[i])
        >>> @attnspec.property_of(total, least={"n": 2})
        ... def any_order(f, arguments):
        ...     "The order of the terms does not matter."
        ...     x = arguments["x"]
        ...     yield attnspec.Equal(f(x=x[::-1]), f(x=x))
        >>> [verdict] = attnspec.verify(lambda x: x.sum(axis=-1), total, framework="numpy")
        >>> verdict.properties
        (('any_order', True),)
    """

    def build(relations: Callable[[Function, Arguments], Iterator[Relation]]) -> Property:
        says = (inspect.getdoc(relations) or "").split("\n\n")[0].replace("\n", " ")
        made = Property(of.id, relations.__name__, says, kills, relations, dict(least or {}), equal)
        assert (PROCEDURES if isinstance(of, Procedure) else REGISTRY).is_defined(of.id)
        known = PROCEDURAL if isinstance(of, Procedure) else PROPERTIES
        known.add(of.id, [*(each for each in known.get(of.id, ()) if each.name != made.name), made])
        return made

    return build
