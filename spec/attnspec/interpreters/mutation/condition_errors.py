"""Mistakes with what a condition compares: equal elements, the place itself, a place divided, a mask too early.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.mask_errors import STAND_IN
from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed
from attnspec.language.dims import Dim
from attnspec.language.layers import sizes_of
from attnspec.language.traversal import equations_throughout, map_throughout, nodes, replace_node
from attnspec.language.tree import ONE, ZERO, Apply, At, Definition, Name, Node, Number, Position, Reduce, SizeOf

TRUE, FALSE = Apply("==", (ZERO, ZERO)), Apply("<", (ZERO, ZERO))

COMPARISONS = ("<", "<=", ">", ">=")

BOUNDED = {"tanh": "tanh", "sigmoid": "σ"}
"""Functions that make a number of minus infinity, which hides nothing, with their signs."""

Change = Callable[[Node], Node]
"""Replaces a node of the equation that has the condition."""


def condition_errors(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation with one of these mistakes, in all reductions that have one condition."""
    for owner in equations_throughout(definition):
        for name, says, change in _changes(owner):
            tree = map_throughout(definition, _within(owner.id, change))
            if is_well_formed(tree):
                yield Mutant(f"condition/{name}", says, tree)


def _changes(owner: Definition) -> Iterator[tuple[str, str, Change]]:
    conditions = [node.where for node in nodes(owner) if isinstance(node, Reduce)]
    for where in dict.fromkeys(each for each in conditions if each is not None):
        yield from _of_equals(owner, where)
        yield from _of_the_place_itself(owner, where)
        yield from _divided(owner, where)
        yield from _before_a_bounded_function(owner, where)
    yield from _known_beforehand(owner)


def _within(owner: str, change: Change) -> Callable[[Node, Definition], Node]:
    """A change of the nodes of one equation alone."""
    return lambda node, definition: change(node) if definition.id == owner else node


def _with_condition(where: Node, other: Node, index: str = "") -> Change:
    """Another condition of the reductions that have one, or of those over an index alone."""

    def change(node: Node) -> Node:
        if isinstance(node, Reduce) and node.where == where and index in ("", node.index):
            return replace(node, where=other)
        return node

    return change


def _of_equals(owner: Definition, where: Node) -> Iterator[tuple[str, str, Change]]:
    """Where the first of equal elements comes first, the last one does, or all do at once, or none does."""
    for node, equal, first in _ties(where):
        a, b = first.args
        shown = text_of(where, owner)
        last = Apply("and", (equal, Apply(first.op, (b, a))))
        for name, words, new in (
            ("last-of-equals", "of equals the last comes first", last),
            ("no-equals", f"{text_of(equal, owner)} is not asked, so that equals are on a par", FALSE),
            ("all-equals", f"{text_of(first, owner)} is not asked, so that each of equals comes before all", equal),
        ):
            other = replace_node(where, node, new)
            yield name, f"in the condition {shown}: {words}", _with_condition(where, other)


def _ties(where: Node) -> list[tuple[Node, Apply, Apply]]:
    """Where of equal elements one place comes before another: the whole, the equality, and the order of the places."""
    found: list[tuple[Node, Apply, Apply]] = []
    for node in dict.fromkeys(nodes(where)):
        if isinstance(node, Apply) and node.op == "and":
            for parts in (node.args, node.args[::-1]):
                match parts:
                    case (Apply(op="==") as equal, Apply(op="<" | ">", args=(Position(), Position())) as first):
                        found.append((node, equal, first))
    return found


def _of_the_place_itself(owner: Definition, where: Node) -> Iterator[tuple[str, str, Change]]:
    """In a running sum, as of all before a place, the place itself counts, or does not."""
    shown = text_of(where, owner)
    own = {node.index for node in nodes(owner) if isinstance(node, Reduce) and node.where == where}
    read = {node.index for node in nodes(where) if isinstance(node, Position)}
    for index in sorted(own & read):
        for other in sorted(each for each in read - {index} if owner.ranges[each] == owner.ranges[index]):
            itself = Apply("==", (Position(index), Position(other)))
            some = Apply("<", (ZERO, Reduce("sum", index, ONE, where)))
            says = f"in the condition {shown}: the place of {other} itself"
            for name, words, new in (
                ("with", "counts too", Apply("or", (where, itself))),
                (
                    "with-unless-first",
                    "counts too, unless nothing else does",
                    Apply("or", (where, Apply("and", (itself, some)))),
                ),
                ("without", "does not count", Apply("and", (where, Apply("not", (itself,))))),
            ):
                counted = _with_condition(where, new, index)
                yield f"itself/{name}/{index}-{other}", f"{says} {words}", counted
                for old, closed in _closed(owner, where):
                    also = f"{text_of(closed, owner)} is used instead of {text_of(old, owner)}"
                    both = _both(counted, old, closed)
                    yield f"itself/{name}-closed/{index}-{other}", f"{says} {words}, and {also}", both


CLOSED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
"""{comparison: the one that holds where both sides are equal too, or does not}."""


def _closed(owner: Definition, where: Node) -> Iterator[tuple[Node, Node]]:
    """The comparisons of a reduction that has a condition, and what also holds for equal sides, or does not."""
    named = {
        line.targets[0]
        for line in owner.lines
        if any(isinstance(node, Reduce) and node.where == where for node in nodes(line.value))
    }
    for node in dict.fromkeys(nodes(owner)):
        if isinstance(node, Apply) and node.op in CLOSED:
            read = {part.id for side in node.args for part in nodes(side) if isinstance(part, Name)}
            if read & named:
                yield node, replace(node, op=CLOSED[node.op])


def _both(change: Change, old: Node, new: Node) -> Change:
    """A change, and another node in place of one."""
    return lambda node: new if node == old else change(node)


def _divided(owner: Definition, where: Node) -> Iterator[tuple[str, str, Change]]:
    """A place or a length is divided by a size before it is compared, or the remainder is taken."""
    shown = text_of(where, owner)
    options = {option.size: option.name for option in owner.options if option.size}
    sizes: list[Node] = [
        Name(options[name]) if name in options else SizeOf(Dim.parse(name)) for name in sizes_of(owner)
    ]
    sizes += [Name(each.name) for each in owner.options if each.kind == "int" and not each.size]
    orders = [first for _, _, first in _ties(where)]
    for atom in dict.fromkeys(nodes(where)):
        if not (isinstance(atom, Apply) and atom.op in COMPARISONS) or atom in orders:
            continue
        for k, side in enumerate(atom.args):
            for size in sizes:
                if isinstance(side, Number) or size == side:
                    continue
                quotient, rest = Apply("//", (side, size)), Apply("%", (side, size))
                whole = Apply("where", (Apply("==", (rest, ZERO)), side, rest))
                for name, words, new in (
                    ("quotient", f"{text_of(quotient, owner)} is used", quotient),
                    ("rest", f"{text_of(rest, owner)} is used", rest),
                    ("rest-unless-0", f"{text_of(rest, owner)}, unless it is 0, is used", whole),
                ):
                    args = (*atom.args[:k], new, *atom.args[k + 1 :])
                    other = replace_node(where, atom, replace(atom, args=args))
                    says = f"in the condition {shown}: {words} instead of {text_of(side, owner)}"
                    yield f"{name}/{text_of(new, owner)}", says, _with_condition(where, other)


def _before_a_bounded_function(owner: Definition, where: Node) -> Iterator[tuple[str, str, Change]]:
    """Scores are masked before a function that has bounds is applied, which hides nothing."""
    inside = {node.op for node in nodes(owner) if isinstance(node, Apply)}
    for op, name in BOUNDED.items():
        if op not in inside:
            continue

        def change(node: Node, op: str = op) -> Node:
            match node:
                case Reduce() if node.where == where:
                    return replace(node, where=None)
                case Apply(args=(argument,)) if node.op == op:
                    return Apply(op, (Apply("where", (where, argument, Number(STAND_IN))),))
            return node

        says = (
            f"the mask {text_of(where, owner)} is applied before {name}, which makes a number of −∞, and hides nothing"
        )
        yield f"before-{op}", says, change


def _known_beforehand(owner: Definition) -> Iterator[tuple[str, str, Change]]:
    """Tokens are never asked whether they are equal to a number, as that of padding: all are, or none is."""
    tokens = {each.name for each in owner.parameters if each.kind == "int"}
    compared: dict[tuple[str, Node], list[Node]] = {}
    for node in dict.fromkeys(nodes(owner)):
        match node:
            case Apply(op="==" | "<" | ">", args=(At(array=Name(id=name)), other)) if name in tokens:
                if isinstance(other, Name | Number):
                    compared.setdefault((name, other), []).append(node)
    for (name, number), atoms in compared.items():
        shown, to = text_of(Name(name), owner), text_of(number, owner)
        for word, says, equal in (
            ("none", f"no {shown} is taken for {to}, whatever it is", False),
            ("all", f"every {shown} is taken for {to}, whatever it is", True),
        ):

            def change(node: Node, atoms: list[Node] = atoms, equal: bool = equal) -> Node:
                match node:
                    case Apply(op="or", args=(Apply(op="<" | ">" as op) as one, Apply(op="<" | ">" as back) as other)):
                        return (FALSE if equal else TRUE) if op != back and {one, other} <= {*atoms} else node
                    case Apply(op="=="):
                        return (TRUE if equal else FALSE) if node in atoms else node
                return node

            yield f"{word}/{name}-{to}", says, change
