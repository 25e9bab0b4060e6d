"""Trees for the tests of what is made of them: read from text, grown at random, and with one thing changed."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import permutations
from typing import TypeVar

from attnspec import REGISTRY
from attnspec.errors import NotationError
from attnspec.interpreters.formula.formula import mathml
from attnspec.language import vocabulary
from attnspec.language.check import Scope, single
from attnspec.language.dims import Dim
from attnspec.language.equation import Equation
from attnspec.language.parse import Origin, Parser
from attnspec.language.traversal import substitute, walk
from attnspec.language.tree import (
    Apply,
    At,
    Call,
    Concat,
    ConcatOver,
    Definition,
    Last,
    Name,
    Node,
    Number,
    Position,
    Reduce,
    Reshape,
    Scan,
    SizeOf,
    Split,
    Stack,
)

BINARY = ("+", "-", "*", "/", "//", "%", "@", "**", "<=", "<", ">=", ">", "==", "and", "or")
UNARY = ("neg", "not", *(word for word, arity in vocabulary.ARITY.items() if arity == 1))
REDUCTIONS = tuple(vocabulary.REDUCTIONS.values())


def read(source: str, id: str = "probe.f") -> Definition:
    """The tree of a function that is given as text; equations are called by family_name."""
    tree = ast.parse(source).body[0]
    assert isinstance(tree, ast.FunctionDef)
    words = {name: getattr(vocabulary, name) for name in vocabulary.WORDS}
    equations = {item.id.replace(".", "_"): item for item in REGISTRY.values()}

    def callee(value: object) -> Definition | None:
        return value.definition if isinstance(value, Equation) else None

    return Parser(id, tree, Origin("probe.py", 0, {**words, **equations}), callee).definition()


SIGNATURE = """
    a: Float[Tensor, " d"], b: Float[Tensor, " d"], A: Float[Tensor, "d d"], B: Float[Tensor, "d d"],
    s: Float[Tensor, ""], sigma: Float[Tensor, ""], h_0: Float[Tensor, " d"], h_t: Float[Tensor, " d"],
    h: Float[Tensor, "t d"], e: Float[Tensor, "n m"], y: Float[Tensor, "n d"], y_i: Float[Tensor, "n d"],
    y_ik: Float[Tensor, "n d"], K: Float[Tensor, "n n"], mask: Bool[Tensor, "n m"], on: Bool[Tensor, " n"],
    w: Float[Tensor, "r*d"], r: Float[Tensor, " d"], q: Float[Tensor, "n n d"]
"""
LINES = """
    i, j, k, t = indices("n", "m", "n", "t")
    d, m, n, r_d, width = size("d"), size("m"), size("n"), size("r*d"), size("r")
    c = y[i] * s
    u = scan(t, lambda u: tanh(u + h[t]), h_0)
"""


def probe(returned: str, signature: str = SIGNATURE, lines: str = LINES) -> Definition:
    """An equation that returns this."""
    return read(f'def f({signature}) -> Float[Tensor, " d"]:{lines}    return {returned}')


T = TypeVar("T")


def injective(setting: Callable[[T], str], things: Iterable[T]) -> set[str]:
    """The formulas of different things, none of which is that of two."""
    known: dict[str, T] = {}
    for thing in things:
        formula = setting(thing)
        assert known.setdefault(formula, thing) == thing, f"two trees are set as\n{formula}"
    return set(known)


def distinct(trees: Iterable[Definition]) -> list[Definition]:
    """Each tree once, as far as its formula goes: the results' types follow from the rest, and comments are no part."""
    bare = (replace(tree, lines=tuple(replace(line, comment="") for line in tree.lines), results=()) for tree in trees)
    return list(dict.fromkeys(bare))


def visible(definition: Definition) -> str:
    """A formula in MathML as it is seen: without tags and speech, and without rows, which group and show nothing."""
    bare = re.sub(r' (data-\w+|arg|intent)="[^"]*"', "", mathml(definition))
    return re.sub(r"</?mrow>", "", bare)


NAMES = [
    "h", "h_t", "h_0", "h_tilde", "h_tilde_t", "h_t_tilde", "h_hat_tilde", "h_tilde_hat", "tilde", "mask", "m",
    "mask_", "m_ask", "W_xi", "W_x_i", "W_xi_0", "d_W_xz", "dW_xz", "alpha", "Alpha", "W_alpha", "h_alpha_t", "xi",
    "x_i", "x_ij", "x_row", "row", "x_next", "x_x2", "x2", "_x", "x__i", "α", "h̃", "c_T", "c_T_0", "T",
    "d", "d_x", "d_x_i", "d_t", "d_d_x", "d_tilde", "d_0",
]  # fmt: skip
"""Names that are hard to tell apart."""


class Grower:
    """Grows well-typed expressions over a signature, small ones first, each another one."""

    def __init__(self, scope: Scope, leaves: list[Node], callee: Definition, seed: int) -> None:
        self.scope, self.callee, self.random = scope, callee, random.Random(seed)
        self.pool = [*leaves]
        self.indices = [index for index, _ in scope.definition.indices]
        fixed: list[Node] = [Number(0.0), Apply("neg", (Number(1.0),)), SizeOf(dim=scope.definition.indices[0][1])]
        moved = [Apply(op, (Position(index), Number(1.0))) for op in "+-" for index in self.indices]
        self.places: list[Node] = [*(Position(index) for index in self.indices), *fixed, *moved]

    def grow(self, count: int) -> list[Node]:
        """Leaves and `count` expressions, all different."""
        seen, enough = set(self.pool), len(self.pool) + count
        while len(self.pool) < enough:
            node = self.random.choice(self.makers)(self)
            if node not in seen and self.fits(node):
                seen.add(node)
                self.pool.append(node)
        return self.pool

    def fits(self, node: Node) -> bool:
        try:
            single(node, self.scope)
        except (NotationError, LookupError, ValueError):
            return False
        return True

    def any(self) -> Node:
        """Mostly a small one, so that what is small is there in all its combinations."""
        near = int(self.random.expovariate(1 / 40))
        small = near < len(self.pool) and self.random.random() < 0.8
        return self.pool[near] if small else self.random.choice(self.pool)

    def index(self) -> str:
        return self.random.choice(self.indices)

    def at(self) -> Node:
        return At(self.any(), tuple(self.random.choices(self.places, k=self.random.randint(1, 2))))

    def reduce(self) -> Node:
        where = self.any() if self.random.random() < 0.3 else None
        return Reduce(self.random.choice(("sum", *REDUCTIONS)), self.index(), self.any(), where)

    def moved(self) -> Node:
        """Axes named, joined or cut."""
        first, second = self.random.sample(self.indices, 2)
        flat = Dim.parse("d*d")
        nodes: list[Node] = [
            Stack(self.any(), (first,)),
            Stack(self.any(), (first, second)),
            ConcatOver(first, self.any()),
            Concat((self.any(), self.any())),
            Concat((self.any(), self.any(), self.any())),
            Split(self.any(), SizeOf(Dim.parse("r"))),
            Reshape(self.any(), self.random.choice([(0, 1), (1, 0)]), (flat,)),
        ]
        return self.random.choice(nodes)

    def scan(self) -> Node:
        state, body = self.random.choice("abz"), self.any()
        body = Apply(self.random.choice("+*@"), (Name(state), body)) if self.random.random() < 0.7 else body
        return Scan("t", (state,), body, (self.any(),))

    makers: tuple[Callable[[Grower], Node], ...] = (
        *(lambda self: Apply(self.random.choice(BINARY), (self.any(), self.any())),) * 6,
        lambda self: Apply(self.random.choice(UNARY), (self.any(),)),
        lambda self: Apply("where", (self.any(), self.any(), self.any())),
        lambda self: Call(self.callee, (self.any(), self.any())),
        lambda self: Last("t", self.any()),
        *(at, at, reduce, reduce, moved, scan),
    )


def changed(definition: Definition) -> Iterator[Definition]:
    """The equation with one thing changed, well-typed or not."""
    for k, line in enumerate(definition.lines):
        before, after = definition.lines[:k], definition.lines[k + 1 :]
        yield replace(definition, lines=(*before, *after))
        yield replace(definition, lines=(*before, replace(line, targets=("other", *line.targets[1:])), *after))
        for value in changed_at_one_node(line.value, definition):
            yield replace(definition, lines=(*before, replace(line, value=value), *after))
    for k, returned in enumerate(definition.returns):
        for value in changed_at_one_node(returned, definition):
            yield replace(definition, returns=(*definition.returns[:k], value, *definition.returns[k + 1 :]))
    yield from changed_signatures(definition)


def changed_signatures(definition: Definition) -> Iterator[Definition]:
    other = Dim.parse("other")
    for k, old in enumerate(definition.parameters):
        before, after = definition.parameters[:k], definition.parameters[k + 1 :]
        dims = [old.dims[1:], (other, *old.dims), old.dims[::-1]]
        news = [replace(old, name="other")]
        if old.layer is None:  # layers have their equation's shapes
            news += [replace(old, kind="int"), *(replace(old, dims=new) for new in dims)]
        for parameters in ((*before, *after), (*after, old, *before), *((*before, new, *after) for new in news)):
            yield replace(definition, parameters=parameters)
    for k, (index, size) in enumerate(definition.indices):
        first, rest = definition.indices[:k], definition.indices[k + 1 :]
        pairs = [(index, other), (index, Dim.parse(index)), ("other", size)]
        for indices in ((*first, *rest), (*rest, (index, size), *first), *((*first, pair, *rest) for pair in pairs)):
            yield replace(definition, indices=indices)
    for option in definition.options:
        yield replace(definition, options=(replace(option, kind="float"),))


def changed_at_one_node(root: Node, definition: Definition) -> Iterator[Node]:
    """An expression with another node in the place of one."""
    for path, node in walk(root):
        for new in others(node, definition):
            if path[-1:] != (("layers", None),) or isinstance(new, Name):  # layers have a name, and are no formula
                yield substitute(root, path, new)


def others(node: Node, definition: Definition) -> Iterator[Node]:
    """What could be mistaken for a node."""
    names = [parameter.name for parameter in definition.parameters]
    names += [name for line in definition.lines for name in line.targets]
    indices = [index for index, _ in definition.indices]
    yield Apply("neg", (node,))
    yield Apply("transpose", (node,))
    yield Concat((node,))
    yield At(node, ())
    match node:
        case Name():
            yield from map(Name, following(node.id, names))
            yield from map(Position, indices)
            yield SizeOf(Dim.parse(node.id))
        case Number(value=value):
            yield from (Number(-value), Number(value + 1), SizeOf(Dim.parse("1")))
        case SizeOf():
            yield from (SizeOf(Dim.parse("other")), Number(1.0), Name(names[0]))
        case Position(index=index):
            yield from map(Position, indices)
            yield from (Apply("-", (node, Number(1.0))), Number(0.0), SizeOf(Dim.parse(index)), Name(names[0]))
        case Apply(op=op, args=args):
            yield from (Apply(op, order) for order in permutations(args))
            yield from args
            yield from (Apply(other, args) for other in (BINARY if len(args) == 2 else UNARY if len(args) == 1 else ()))
            yield from regrouped(op, args)
        case At(array=array, places=places):
            yield from (array, At(array, places[::-1]), At(array, places[1:]))
            yield At(At(array, places[:1]), places[1:])
        case Reduce(term=term):
            yield from (replace(node, op=op) for op in REDUCTIONS)
            yield from (replace(node, index=index) for index in indices)
            yield from (term, replace(node, where=None))
            yield replace(node, where=Apply("<=", (Position(node.index), Number(1.0))))
        case Stack(array=array, indices=over):
            yield from (array, Stack(array, over[::-1]), Stack(array, over[1:]), ConcatOver(over[0], array))
        case ConcatOver(array=array):
            yield from (array, Stack(array, (node.index,)), *(replace(node, index=index) for index in indices))
        case Scan(states=states, starts=starts):
            yield from (node.body, replace(node, starts=starts[::-1]), replace(node, states=states[::-1]))
            yield from (replace(node, states=("other", *states[1:])), replace(node, index="other"))
        case Last(state=state):
            yield from (state, replace(node, index="other"))
        case Call(args=args, callee=callee):
            yield from (replace(node, args=(args[1], args[0], *args[2:])),) if len(args) > 1 else args
            yield replace(node, callee=replace(callee, returns=tuple(Apply("neg", (part,)) for part in callee.returns)))


def following(name: str, names: list[str]) -> list[str]:
    """The two names after this one, in a circle."""
    place = names.index(name) + 1 if name in names else 0
    return [*names, *names][place : place + 2]


def regrouped(op: str, args: tuple[Node, ...]) -> Iterator[Node]:
    """(a ∘ b) ∙ c as a ∘ (b ∙ c), and back."""
    match args:
        case Apply(op=inner, args=(a, b)), c:
            yield Apply(inner, (a, Apply(op, (b, c))))
    match args:
        case a, Apply(op=inner, args=(b, c)):
            yield Apply(inner, (Apply(op, (a, b)), c))
