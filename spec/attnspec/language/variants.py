"""Variants of an equation: mistakes, which verdicts recognise, and equal rewritings, which conform.

Each is written whole, with `mutant` or `form`, or as the lines that it changes, with `mutate` or `rewrite`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from attnspec.errors import SpecError
from attnspec.language.changes import changed
from attnspec.language.equation import Curated, Equation, as_definition, define
from attnspec.language.parse import Origin

P = ParamSpec("P")
R = TypeVar("R")


def mutant(of: Equation[..., Any], says: str, in_storage: bool = False) -> Callable[[Callable[P, R]], Equation[P, R]]:
    """Add a mistake to an equation: a wrong variant that verdicts recognise and tests must catch.

    Many mistakes are generated from the equation; `Equation.mutants` lists them. This adds one that is not.

    Args:
        of: the equation.
        says: the sentence that explains the mistake in a diagnosis.
        in_storage: whether the variant is right in real numbers, and wrong only by an overflow in the storage dtype.

    Returns:
        A decorator that makes an `Equation` of a function in the notation. It is not registered.

    Raises:
        NotationError: the function is outside the notation.
        SpecError: its parameters are not those of the equation.

    Examples:
        >>> import attnspec
        >>> from attnspec.notation import Float, Tensor, index, sum
        >>> @attnspec.equation()
        ... def squares(x: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        ...     i = index("n")
        ...     return sum(i, x[i] * x[i])
        >>> @attnspec.mutant(squares, says="the square is taken of the sum")
        ... def square_of_sum(x: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        ...     i = index("n")
        ...     return sum(i, x[i]) ** 2
        >>> squares.mutants()[0].says
        'the square is taken of the sum'
    """
    return _variant(of, says, of.own_mutants, in_storage)


def form(of: Equation[..., Any], says: str) -> Callable[[Callable[P, R]], Equation[P, R]]:
    """Add an equal rewriting to an equation: it has the same value, but its own rounding.

    An implementation that rounds like the rewriting conforms, and the verdict says so, unless it loses more than 3
    bits. A claim accepts it at any loss, by the name of the function. Common rewritings are generated.

    Args:
        of: the equation.
        says: the sentence that explains the rewriting in a verdict.

    Returns:
        A decorator that makes an `Equation` of a function in the notation. It is not registered.

    Raises:
        NotationError: the function is outside the notation.
        SpecError: its parameters are not those of the equation.

    Examples:
        >>> import attnspec
        >>> from attnspec.notation import Float, Tensor, index, size, sum
        >>> @attnspec.equation()
        ... def mean(x: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        ...     i, n = index("n"), size("n")
        ...     return sum(i, x[i]) / n
        >>> @attnspec.form(mean, says="each term is divided before the sum")
        ... def divided_first(x: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        ...     i, n = index("n"), size("n")
        ...     return sum(i, x[i] / n)
        >>> [rewriting.says for rewriting in mean.forms]
        ['each term is divided before the sum']
    """
    return _variant(of, says, of.own_forms)


def mutate(
    of: Equation[P, R],
    name: str,
    lines: Mapping[str, str] | None = None,
    *,
    says: str,
    calls: Mapping[Equation[..., Any], Equation[..., Any]] | None = None,
    in_storage: bool = False,
) -> Equation[P, R]:
    """Add a mistake to an equation, as the lines that it changes; `mutant` takes a whole function instead.

    Args:
        of: the equation.
        name: the name of the mistake, part of its id.
        lines: {the name that a line assigns: its wrong right-hand side}. The name is "h, c" if the line assigns two,
            and "return" for the returned value. A name that no line assigns is a new line, before the next changed one.
            The lines may use all words of the notation, call what the equation calls, and call equations that have a
            name where `mutate` is called.
        says: the sentence that explains the mistake in a diagnosis.
        calls: {an equation that is called: the one that is called in its place}, such as a mistake of it. It has the
            same parameters, options and shapes of results.
        in_storage: whether the variant is right in real numbers, and wrong only by an overflow in the storage dtype.

    Returns:
        The wrong equation, which other mistakes may call. It is not registered. Lines that are no longer read are left
        out.

    Raises:
        NotationError: a line is outside the notation, or the equation has no such line.
        SpecError: nothing changes; or `calls` has an equation that is not called, or in its place one that takes or
            gives something else.

    Examples:
        >>> import attnspec
        >>> from attnspec.notation import Float, Tensor, index, size, sum
        >>> @attnspec.equation()
        ... def variance(x: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        ...     i, n = index("n"), size("n")
        ...     mu = sum(i, x[i]) / n
        ...     return sum(i, (x[i] - mu) ** 2) / n
        >>> lines = {"return": "sum(i, (x[i] - mu) ** 2) / (n - 1)"}
        >>> wrong = attnspec.mutate(variance, "unbiased", lines=lines, says="the divisor is n − 1")
        >>> variance.mutants()[0].says
        'the divisor is n − 1'
    """
    item = _changed(of, name, lines or {}, calls or {})
    _replace_or_append(of.own_mutants, Curated(name, says, item, in_storage))
    return item


def rewrite(
    of: Equation[P, R],
    name: str,
    lines: Mapping[str, str] | None = None,
    *,
    says: str,
    calls: Mapping[Equation[..., Any], Equation[..., Any]] | None = None,
) -> Equation[P, R]:
    """Add an equal rewriting to an equation, as the lines that it changes; `form` takes a whole function instead.

    Args:
        of: the equation.
        name: the name of the form. A claim accepts it by this name.
        lines: {the name that a line assigns: its new right-hand side}, as for `mutate`.
        says: the sentence that explains the rewriting in a verdict.
        calls: {an equation that is called: the one that is called in its place}, as for `mutate`.

    Returns:
        The rewritten equation. It is not registered.

    Raises:
        NotationError: as for `mutate`.
        SpecError: as for `mutate`.

    Examples:
        >>> import attnspec
        >>> from attnspec.notation import Float, Tensor, index, size, sum
        >>> @attnspec.equation()
        ... def mean(x: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        ...     i, n = index("n"), size("n")
        ...     return sum(i, x[i]) / n
        >>> same = attnspec.rewrite(
        ...     mean, "divided_first", lines={"return": "sum(i, x[i] / n)"}, says="each term is divided before the sum"
        ... )
        >>> [rewriting.name for rewriting in mean.forms]
        ['divided_first']
    """
    item = _changed(of, name, lines or {}, calls or {})
    _replace_or_append(of.own_forms, Curated(name, says, item))
    return item


def _changed(
    of: Equation[P, R],
    name: str,
    lines: Mapping[str, str],
    calls: Mapping[Equation[..., Any], Equation[..., Any]],
) -> Equation[P, R]:
    """The equation with some of its lines or calls changed; the caller's caller wrote the change."""
    caller = sys._getframe(2)
    origin = Origin(caller.f_code.co_filename, caller.f_lineno - 1, {**caller.f_globals, **caller.f_locals})
    if of.is_changed:
        raise SpecError(
            f"{origin.place()}: {of.id} is itself written as a change",
            expected="an equation with lines of its own",
            mend="change the lines of the equation that it changes",
        )
    pairs = [(old.definition, new.definition) for old, new in calls.items()]
    definition = changed(of.definition, of.function, f"{of.id}/{name}", as_definition, lines, pairs, origin)
    return Equation(definition, of.function, of.sources, is_changed=True)


def _replace_or_append(variants: list[Curated], item: Curated) -> None:
    """Add a variant; it replaces an earlier one of that name."""
    variants[:] = [known for known in variants if known.name != item.name]
    variants.append(item)


def _variant(
    of: Equation[..., Any], says: str, variants: list[Curated], in_storage: bool = False
) -> Callable[[Callable[P, R]], Equation[P, R]]:
    """A decorator that makes a variant of an equation and adds it to a list."""

    def build(function: Callable[P, R]) -> Equation[P, R]:
        definition = define(function, f"{of.id}/{function.__name__}", of.definition.declared)
        if (definition.parameters, definition.options) != (of.definition.parameters, of.definition.options):
            what = f"{definition.id} does not have the parameters of {of.id}"
            raise SpecError(what, expected=of.signature, mend="use the same signature")
        item = Equation(definition, function, of.sources)
        _replace_or_append(variants, Curated(function.__name__, says, item, in_storage))
        return item

    return build
