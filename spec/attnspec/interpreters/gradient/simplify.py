"""Constructors of nodes that leave out what changes nothing, so that derived lines are short."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Container, Iterable

from attnspec.language.dims import Dim
from attnspec.language.traversal import nodes
from attnspec.language.tree import (
    ONE,
    ZERO,
    Apply,
    At,
    ConcatOver,
    Name,
    Node,
    Number,
    Position,
    Reduce,
    Scan,
    SizeOf,
    Stack,
)

ZEROS = (ZERO, SizeOf(Dim(())))


def negative(a: Node) -> Node:
    """−a."""
    match a:
        case Apply(op="neg", args=(inner,)):
            return inner
    return Apply("neg", (a,))


def plus(a: Node, b: Node) -> Node:
    """a + b, or a − c if b is −c."""
    match a, b:
        case Stack(array=first, indices=indices), Stack(array=second, indices=others) if indices == others:
            return Stack(plus(first, _bare(second)), indices)
        case _, Apply(op="neg", args=(c,)):
            return Apply("-", (a, c))
        case Apply(op="neg", args=(c,)), _:
            return Apply("-", (b, c))
        case _ if a in ZEROS or b in ZEROS:
            return b if a in ZEROS else a
    return Apply("+", (a, b))


def repeated(a: Node, index: str) -> Node:
    """An expression that does not depend on an index, as one that does."""
    return Apply("where", (Apply(">=", (Position(index), ZERO)), a, ZERO))


def _bare(a: Node) -> Node:
    """An expression as it was before `repeated`."""
    match a:
        case Apply(op="where", args=(Apply(op=">=", args=(Position(), end)), inner, _)) if end == ZERO:
            return _bare(inner)
    return a


def total(terms: Iterable[Node]) -> Node:
    """The sum of one or more terms: a term that is there twice is taken twice, and negative ones come last."""
    counts = Counter(terms)
    distinct = [times(Number(float(count)), term) for term, count in counts.items()]
    first, *rest = sorted(distinct, key=lambda term: isinstance(term, Apply) and term.op == "neg")
    for term in rest:
        first = plus(first, term)
    return first


def times(a: Node, b: Node) -> Node:
    """a · b, with a minus sign in front, and then a number."""
    match a, b:
        case Apply(op="neg", args=(c,)), _:
            return negative(times(c, b))
        case _, Apply(op="neg", args=(c,)):
            return negative(times(a, c))
        case Number(), Stack(array=array, indices=indices) if a != ONE:
            return Stack(times(a, array), indices)
        case _ if ONE in (a, b):
            return b if a == ONE else a
        case _, Number() if not isinstance(a, Number):
            return times(b, a)
    return Apply("*", (a, b))


def over(a: Node, b: Node) -> Node:
    """a / b, with a minus sign in front."""
    match a:
        case Apply(op="neg", args=(c,)):
            return negative(over(c, b))
    return Apply("/", (a, b))


def transposed(a: Node) -> Node:
    """The transpose of a matrix."""
    match a:
        case Apply(op="neg", args=(c,)):
            return negative(transposed(c))
        case Apply(op="transpose", args=(inner,)):
            return inner
    return Apply("transpose", (a,))


def product(a: Node, b: Node) -> Node:
    """a @ b, with a minus sign in front."""
    match a, b:
        case Apply(op="neg", args=(c,)), _:
            return negative(product(c, b))
        case _, Apply(op="neg", args=(c,)):
            return negative(product(a, c))
    return Apply("@", (a, b))


def chosen(condition: Node | None, a: Node, b: Node = ZERO) -> Node:
    """`where(condition, a, b)`; a without a condition."""
    return a if condition is None else Apply("where", (condition, a, b))


def both(a: Node | None, b: Node | None) -> Node | None:
    """The condition that two conditions hold, of which None always does."""
    if a is None or b is None or a == b:
        return b if a is None else a
    return Apply("and", (a, b))


def minus_one(size: Node) -> Node:
    """n − 1, or n − 2 for n − 1."""
    match size:
        case Apply(op="-", args=(whole, Number(value=number))):
            return Apply("-", (whole, Number(number + 1)))
    return Apply("-", (size, ONE))


def free_name(name: str, taken: Container[str]) -> str:
    """A name that is not taken: `name`, or with a number behind it."""
    candidates = itertools.chain([name], (f"{name}_{place}" for place in itertools.count(1)))
    return next(candidate for candidate in candidates if candidate not in taken)


def indices_in(node: Node) -> set[str]:
    """All indices that occur in an expression."""
    read = {part.index for part in nodes(node) if isinstance(part, Position | Scan)}
    return read | closed_indices(node)


def closed_indices(node: Node) -> set[str]:
    """The indices of axes that an expression reduces over, stacks or concatenates."""
    found: set[str] = set()
    for part in nodes(node):
        match part:
            case Reduce(index=index) | ConcatOver(index=index):
                found.add(index)
            case Stack(indices=indices):
                found.update(indices)
    return found


def is_short(node: Node) -> bool:
    """Whether an expression may be written wherever it is read: a name, a subscripted one or a number."""
    match node:
        case Name() | Number() | SizeOf() | Position():
            return True
        case At(array=array, places=places):
            return is_short(array) and all(isinstance(place, Position | Number) for place in places)
        case Apply(op="neg" | "transpose", args=(inner,)) | Stack(array=inner):
            return is_short(inner)
    return False


def is_cheap(node: Node) -> bool:
    """Whether an expression may be computed again: a constant, or up to two arithmetic operations on short ones."""
    parts = list(nodes(node))
    if all(isinstance(part, Apply | Number | SizeOf) for part in parts):
        return True
    operations = [part for part in parts if isinstance(part, Apply)]
    allowed = isinstance(node, Apply | At | Stack) and len(operations) <= 2
    return is_short(node) or (
        allowed
        and all(part.op in ("+", "-", "*", "/", "neg", "transpose") for part in operations)
        and all(isinstance(part, Apply | At | Stack | Name | Number | SizeOf | Position) for part in parts)
    )
