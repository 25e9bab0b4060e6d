"""Arithmetic on polynomials in named sizes: maxima, sums, products, and how they are printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from attnspec.language.dims import Dim, Monomial

NONE, ONE, TWO = Dim(()), Dim.of({(): 1}), Dim.of({(): 2})
POWERS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class MaxOf:
    """The maximum of several polynomials.

    Attributes:
        parts: the polynomials, without those that never exceed another one.
    """

    parts: tuple[Dim, ...] = (NONE,)

    @classmethod
    def of(cls, *sizes: Dim) -> MaxOf:
        """The maximum of polynomials; those that never exceed another one are dropped."""
        distinct = list(dict.fromkeys(sizes))
        kept = [size for size in distinct if not any(size != other and _below(size, other) for other in distinct)]
        return cls(tuple(sorted(kept, key=str))) if kept else cls()

    @classmethod
    def among(cls, maxima: Iterable[MaxOf]) -> MaxOf:
        """The maximum of several maxima."""
        return cls.of(*(part for size in maxima for part in size.parts))

    def __add__(self, other: MaxOf) -> MaxOf:
        return MaxOf.of(*(a + b for a in self.parts for b in other.parts))

    def __mul__(self, count: Dim) -> MaxOf:
        return MaxOf.of(*(count * part for part in self.parts))


def _below(size: Dim, other: Dim) -> bool:
    """Whether a polynomial never exceeds another, since none of its coefficients is larger."""
    terms, other_terms = dict(size.terms), dict(other.terms)
    return all(terms.get(names, 0) <= other_terms.get(names, 0) for names in terms.keys() | other_terms.keys())


def total(dims: Iterable[Dim]) -> Dim:
    """The sum of polynomials."""
    return reduce(Dim.__add__, dims, NONE)


def product(dims: Iterable[Dim]) -> Dim:
    """The product of polynomials."""
    return reduce(Dim.__mul__, dims, ONE)


def written(size: Dim | MaxOf) -> str:
    """A size as text, such as "3·(d·u + u² + u)" or "a·m·n + max(m·n, a·m + a·n)"."""
    if isinstance(size, Dim):
        return _polynomial(size)
    if len(size.parts) == 1:
        return _polynomial(size.parts[0])
    shared = _shared(size.parts)
    rests = ", ".join(_polynomial(_difference(part, shared)) for part in size.parts)
    return f"{_polynomial(shared)} + max({rests})" if shared.terms else f"max({rests})"


def _shared(sizes: Iterable[Dim]) -> Dim:
    """The terms that all polynomials have in common."""
    first, *rest = (dict(size.terms) for size in sizes)
    return Dim.of({names: min(count, *(other.get(names, 0) for other in rest)) for names, count in first.items()})


def _difference(size: Dim, other: Dim) -> Dim:
    return size + Dim.of({(): -1}) * other


def _polynomial(size: Dim) -> str:
    """A polynomial as text, with a common coefficient in front of a bracket."""
    if not size.terms:
        return "0"
    terms = sorted(size.terms, key=lambda term: (-len(term[0]), term[0]))
    factors = {count for _, count in terms}
    (factor,) = factors if len(factors) == 1 else (1,)
    if factor == 1 or len(terms) == 1:
        return _sum(terms)
    return f"{factor}·({_sum([(names, 1) for names, _ in terms])})"


def _sum(terms: Iterable[tuple[Monomial, int]]) -> str:
    shown = [_term(names, count) for names, count in terms]
    return " + ".join(shown).replace("+ −", "− ")


def _term(names: Monomial, count: int) -> str:
    powers = Counter(names).items()
    factors = [name + (str(power).translate(POWERS) if power > 1 else "") for name, power in powers]
    number = [str(abs(count))] if abs(count) != 1 or not factors else []
    return ("−" if count < 0 else "") + "·".join([*number, *factors])
