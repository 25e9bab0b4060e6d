"""Sizes that are only known by name: the largest of some, sums, products, and how they are written."""

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
    """The largest of some sizes; which one it is depends on the numbers. None of them is always below another."""

    parts: tuple[Dim, ...] = (NONE,)

    @classmethod
    def of(cls, *sizes: Dim) -> MaxOf:
        """Leave out what another exceeds whatever the sizes are."""
        distinct = list(dict.fromkeys(sizes))
        kept = [one for one in distinct if not any(one != other and _below(one, other) for other in distinct)]
        return cls(tuple(sorted(kept, key=str))) if kept else cls()

    @classmethod
    def among(cls, several: Iterable[MaxOf]) -> MaxOf:
        """The largest of several."""
        return cls.of(*(part for one in several for part in one.parts))

    def __add__(self, other: MaxOf) -> MaxOf:
        return MaxOf.of(*(a + b for a in self.parts for b in other.parts))

    def __mul__(self, count: Dim) -> MaxOf:
        return MaxOf.of(*(count * part for part in self.parts))


def _below(one: Dim, other: Dim) -> bool:
    """Whether one size is nowhere above another, term by term, as none is negative."""
    mine, theirs = dict(one.terms), dict(other.terms)
    return all(mine.get(names, 0) <= theirs.get(names, 0) for names in mine.keys() | theirs.keys())


def total(dims: Iterable[Dim]) -> Dim:
    """Their sum."""
    return reduce(Dim.__add__, dims, NONE)


def product(dims: Iterable[Dim]) -> Dim:
    """All of them multiplied."""
    return reduce(Dim.__mul__, dims, ONE)


def written(size: Dim | MaxOf) -> str:
    """As one writes it: 3·(d·u + u² + u), or a·m·n + max(m·n, a·m + a·n)."""
    if isinstance(size, Dim):
        return _polynomial(size)
    if len(size.parts) == 1:
        return _polynomial(size.parts[0])
    shared = _shared(size.parts)
    rests = ", ".join(_polynomial(_less(part, shared)) for part in size.parts)
    return f"{_polynomial(shared)} + max({rests})" if shared.terms else f"max({rests})"


def _shared(sizes: Iterable[Dim]) -> Dim:
    """What all of them have, term by term."""
    first, *rest = (dict(size.terms) for size in sizes)
    return Dim.of({names: min(count, *(other.get(names, 0) for other in rest)) for names, count in first.items()})


def _less(size: Dim, other: Dim) -> Dim:
    return size + Dim.of({(): -1}) * other


def _polynomial(size: Dim) -> str:
    """A factor that all terms have is written once."""
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
