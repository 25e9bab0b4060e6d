"""Which variants of an equation are one expression, written in another way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.language.traversal import is_node
from attnspec.language.tree import (
    Apply,
    At,
    Call,
    Definition,
    Name,
    Node,
    Number,
    Position,
    Scan,
    Stack,
)

Factors = tuple[tuple[int, float], ...]
"""A product: pairs of the number of a factor and its power, in order."""

Terms = defaultdict[Factors, float]
"""A sum: {product: how often}."""


def distinct(mutants: Iterable[Mutant]) -> list[Mutant]:
    """The mutants without those that are the same expression as an earlier one.

    Another convention says where a formula is from, and a mistake what of it is other: of the two both are kept.
    """
    written = Expressions()
    kept: dict[object, Mutant] = {}
    for mutant in mutants:
        key = (written.of(mutant.definition), mutant.equal_sizes, mutant.kind == "convention")
        kept.setdefault(mutant.id if mutant.in_storage else key, mutant)
    return [*kept.values()]


class Expressions:
    """Numbers of expressions, equal if one is the other with its lines written out and its terms in another order.

    Lines and called equations are written out; terms and factors are sorted, and equal ones taken together. Other laws,
    such as a factor in front of a sum, are not known.
    """

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}
        self._written: list[object] = []

    def of(self, definition: Definition) -> tuple[int, ...]:
        """The numbers of the results of an equation."""
        return self._results(definition, {}, ())

    def _results(self, definition: Definition, known: Mapping[str, int], place: object) -> tuple[int, ...]:
        names = dict(known)
        for line in definition.lines:
            value = self._number(line.value, names, place)
            if len(line.targets) == 1 and not isinstance(line.value, Scan):
                names[line.targets[0]] = value
            else:
                names |= {name: self._kept(("target", k, value)) for k, name in enumerate(line.targets)}
        return tuple(self._number(node, names, place) for node in definition.returns)

    def _kept(self, written: object) -> int:
        """The number of what is written so."""
        if written not in self._numbers:
            self._numbers[written] = len(self._written)
            self._written.append(written)
        return self._numbers[written]

    def _number(self, node: Node, names: Mapping[str, int], place: object) -> int:
        """The number of a node.

        Args:
            node: the node.
            names: {name: number} of what is known by a name.
            place: which call of which equation it is in, as indices and sizes of two equations are not the same.
        """
        match node:
            case Name(id=name):
                return names[name] if name in names else self._kept(("name", name, place))
            case Number() | Apply(op="+" | "-" | "neg" | "*" | "/" | "sqrt"):
                return self._kept_sum(self._terms(node, names, place))
            case Apply(op="<" | "<=" | ">" | ">=" as op, args=(a, b)):
                low, high = (a, b) if op.startswith("<") else (b, a)
                above = self._terms(Apply("-", (high, low)), names, place)
                if "=" in op and self._is_whole(above):
                    above[()] += 1
                return self._kept(
                    ("above 0" if "=" not in op or self._is_whole(above) else "not below 0", self._kept_sum(above))
                )
            case Apply(op=op, args=args):
                numbers = [self._number(arg, names, place) for arg in args]
                return self._kept((op, *(sorted(numbers) if op == "==" else numbers)))
            case Stack(array=At(array=array, places=places), indices=indices) if _plain(places) == indices:
                return self._number(array, names, place)
            case At(array=array, places=places):
                inner = self._number(array, names, place)
                match self._written[inner]:
                    case ("Stack", int(number), *rest) if rest == [_plain(places), place]:
                        return number
                return self._kept(("At", inner, *(self._number(each, names, place) for each in places), place))
            case Stack(array=array, indices=indices):
                return self._kept(("Stack", self._number(array, names, place), indices, place))
            case Scan(states=states) as scan:
                free = {name: number for name, number in names.items() if name not in states}
                starts = tuple(self._number(each, names, place) for each in scan.starts)
                return self._kept(("Scan", scan.index, states, self._number(scan.body, free, place), starts, place))
            case Call(callee=callee, args=args, options=options):
                given = {
                    parameter.name: self._number(arg, names, place)
                    for parameter, arg in zip(callee.parameters, args, strict=True)
                } | {name: self._number(value, names, place) for name, value in options}
                results = self._results(callee, given, (callee.id, *given.values()))
                return results[0] if len(results) == 1 else self._kept(("Call", *results))
        return self._kept((type(node).__name__, place, *self._fields(node, names, place)))

    def _fields(self, node: Node, names: Mapping[str, int], place: object) -> Iterable[object]:
        """The fields of a node, with numbers for the nodes in them."""

        def numbered(value: Any) -> object:
            if is_node(value):
                return self._number(value, names, place)
            return tuple(numbered(part) for part in value) if isinstance(value, tuple) else value

        return (numbered(getattr(node, item.name)) for item in fields(node) if item.name != "span")

    def _terms(self, node: Node, names: Mapping[str, int], place: object) -> Terms:
        """A node as a sum."""
        match node:
            case Number(value=value):
                return _sum({(): value})
            case Apply(op="+" | "-" as op, args=(a, b)):
                terms = self._terms(a, names, place)
                for factors, count in self._terms(b, names, place).items():
                    terms[factors] += count if op == "+" else -count
                return terms
            case Apply(op="neg", args=(a,)):
                return _sum({factors: -count for factors, count in self._terms(a, names, place).items()})
            case Apply(op="*" | "/" as op, args=(a, b)):
                times, powers = self._product(self._terms(a, names, place))
                other, others = self._product(self._terms(b, names, place))
                if op == "/" and not other:
                    return _sum({((self._kept(("/", times, (*sorted(powers.items()),))), 1.0),): 1.0})
                for number, power in others.items():
                    powers[number] += power if op == "*" else -power
                kept = tuple(sorted((number, power) for number, power in powers.items() if power))
                return _sum({kept: times * other if op == "*" else times / other})
            case Apply(op="sqrt", args=(a,)):
                return _sum({((self._number(a, names, place), 0.5),): 1.0})
        number = self._number(node, names, place)
        written = self._written[number]
        if isinstance(written, tuple) and written[:1] == ("sum",):
            return _sum(dict(written[1:]))
        return _sum({((number, 1.0),): 1.0})

    def _product(self, terms: Terms) -> tuple[float, defaultdict[int, float]]:
        """A sum as a product: the only term, or the whole as one factor."""
        kept = {factors: count for factors, count in terms.items() if count}
        if not kept:
            return 0.0, defaultdict(float)
        if len(kept) == 1:
            ((factors, count),) = kept.items()
            return count, defaultdict(float, dict(factors))
        return 1.0, defaultdict(float, {self._kept_sum(terms): 1.0})

    def _kept_sum(self, terms: Terms) -> int:
        """The number of a sum; of one that is a single number, that one."""
        kept = sorted((factors, count) for factors, count in terms.items() if count)
        match kept:
            case [(((number, 1.0),), 1.0)]:
                return number
        return self._kept(("sum", *kept))

    def _is_whole(self, terms: Terms) -> bool:
        """Whether a sum is of indices, sizes and whole numbers."""
        numbers = [self._written[number] for factors in terms for number, power in factors if power == 1]
        powers = [power for factors in terms for _, power in factors]
        whole = all(isinstance(each, tuple) and each[0] in ("Position", "SizeOf") for each in numbers)
        return whole and {*powers} <= {1.0} and all(float(count).is_integer() for count in terms.values())


def _sum(terms: Mapping[Factors, float]) -> Terms:
    """A sum of these terms, in which every other one is there 0 times."""
    return defaultdict(float, terms)


def _plain(places: Iterable[Node]) -> tuple[str, ...]:
    """The indices of an element; none if one of its places is no plain index."""
    names = [each.index for each in places if isinstance(each, Position)]
    return tuple(names) if len(names) == len([*places]) else ()
