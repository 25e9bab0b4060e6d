"""Symbolic sizes such as `d`, `H*d`, `d+u+u` and `ceil((t-w)/s)`, as polynomials, so that equal sizes compare equal."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from math import prod

Monomial = tuple[str, ...]
"""Names of sizes, sorted; a rounded-up quotient ⌈(t-w)/s⌉ is one name, which contains others."""


@dataclass(frozen=True)
class Dim:
    """A size: a polynomial in named sizes with integer coefficients.

    Attributes:
        terms: pairs (names in the product, sorted; coefficient), sorted; a constant has no names.
    """

    terms: tuple[tuple[Monomial, int], ...]

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Computed once: the trees of an equation and of its mutants are hashed often, and have many sizes."""
        return hash(self.terms)

    def __reduce__(self) -> tuple[type[Dim], tuple[object, ...]]:
        return Dim, (self.terms,)  # without the hash, which another process computes otherwise

    @classmethod
    def parse(cls, text: str) -> Dim:
        """The size that a text such as "H*d" means, or one that `str` gives.

        Raises:
            ValueError: the text has anything else than names, integers, +, -, * and ceil(size/size).
        """
        return _parsed(text)

    @classmethod
    def of(cls, counts: Mapping[Monomial, int]) -> Dim:
        """The polynomial with these coefficients of monomials."""
        return cls(tuple(sorted((names, count) for names, count in counts.items() if count)))

    def __add__(self, other: Dim) -> Dim:
        counts = Counter(dict(self.terms))
        for names, count in other.terms:
            counts[names] += count
        return Dim.of(counts)

    def __sub__(self, other: Dim) -> Dim:
        return self + Dim.of({(): -1}) * other

    def __mul__(self, other: Dim) -> Dim:
        counts: Counter[Monomial] = Counter()
        for left, count in self.terms:
            for right, factor in other.terms:
                counts[tuple(sorted(left + right))] += count * factor
        return Dim.of(counts)

    def steps(self, stride: Dim) -> Dim:
        """The number of steps of a stride, ⌈size/stride⌉; 0 if it is negative."""
        below = str(stride) if stride.only is not None else f"({stride})"
        return Dim((((f"⌈({self})/{below}⌉",), 1),))

    def over(self, name: str) -> Dim | None:
        """This size divided by the named size `name`; None if it is not a factor."""
        if not all(name in names for names, _ in self.terms):
            return None
        return Dim.of({_without(names, name): count for names, count in self.terms})

    def share(self, count: int) -> Dim | None:
        """This size divided by an integer; None if it does not divide all coefficients."""
        if any(coefficient % count for _, coefficient in self.terms):
            return None
        return Dim.of({names: coefficient // count for names, coefficient in self.terms})

    @cached_property
    def only(self) -> str | None:
        """The name, if this size is a single named size; else None."""
        match self.terms:
            case (((name,), 1),) if not name.startswith("⌈"):
                return name
        return None

    @cached_property
    def names(self) -> frozenset[str]:
        """The named sizes that it contains."""
        return frozenset(
            inner
            for names, _ in self.terms
            for name in names
            for inner in (parts(name)[0].names | parts(name)[1].names if name.startswith("⌈") else (name,))
        )

    def value(self, sizes: Mapping[str, int]) -> int:
        """The value for given values of the named sizes.

        Raises:
            KeyError: a named size has no value.
        """
        if self.only is not None:
            return sizes[self.only]
        return sum(count * prod(_value(name, sizes) for name in names) for names, count in self.terms)

    def solve(self, total: int, sizes: dict[str, int]) -> str | None:
        """Solve for a named size that is not in `sizes` yet, and add it there.

        Args:
            total: the value of this size.
            sizes: {named size: its value}.

        Returns:
            None if the value is possible; else the reason why it is not.
        """
        if self.only is not None:
            sizes.setdefault(self.only, total)
        unknown = self.names - sizes.keys()
        if not unknown:
            return None if self.value(sizes) == total else f"{self} = {self.value(sizes)}"
        if len(unknown) > 1:
            return f"{self} with {' and '.join(sorted(unknown))} unknown"
        (name,) = unknown
        rest = self.value({**sizes, name: 0})
        slope = self.value({**sizes, name: 1}) - rest
        if slope == 0 or (total - rest) % slope or total < rest:
            return f"{self}, where {name} would be {total - rest}/{slope}"
        sizes[name] = (total - rest) // slope
        return None

    def __str__(self) -> str:
        shown = ""
        for names, count in sorted(self.terms, key=lambda term: term[1] < 0):
            times = abs(count) if names else 1
            term = "*".join(names) if names else str(abs(count))
            shown += (("-" if count < 0 else "+") + term) * times
        return shown.removeprefix("+") or "0"


@cache
def parts(name: str) -> tuple[Dim, Dim]:
    """Numerator and denominator of a rounded-up quotient: t-w and s for ⌈(t-w)/s⌉."""
    match _tree(name):
        case ast.Call(args=[ast.BinOp(left=top, right=bottom)]):
            return _read(top, name), _read(bottom, name)
    raise ValueError(f"{name!r} is no rounded-up quotient")


def _value(name: str, sizes: Mapping[str, int]) -> int:
    if not name.startswith("⌈"):
        return sizes[name]
    top, bottom = (part.value(sizes) for part in parts(name))
    return max(0, -(-top // bottom)) if bottom > 0 else 0


def _without(names: Monomial, name: str) -> Monomial:
    position = names.index(name)
    return names[:position] + names[position + 1 :]


@cache
def _parsed(text: str) -> Dim:
    return _read(_tree(text), text)


def _tree(text: str) -> ast.expr:
    return ast.parse(text.strip().replace("⌈", "ceil(").replace("⌉", ")"), mode="eval").body


def _read(node: ast.expr, text: str) -> Dim:
    match node:
        case ast.Name(id=name):
            return Dim((((name,), 1),))
        case ast.Constant(value=int(number)):
            return Dim.of({(): number})
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _read(left, text) + _read(right, text)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _read(left, text) - _read(right, text)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _read(left, text) * _read(right, text)
        case ast.Call(func=ast.Name(id="ceil"), args=[ast.BinOp(left=top, op=ast.Div(), right=bottom)], keywords=[]):
            return _read(top, text).steps(_read(bottom, text))
    raise ValueError(f"a size consists of names, whole numbers, +, -, * and ceil(size/size), not {text!r}")
