"""The rules of a formula: how each node of a tree is set, so that no two trees are set alike.

Every sign is either self-delimiting or has a place in one order of precedence, and what is looser than its
surroundings gets brackets. Factors stand side by side where the types of both say which product it is: a matrix product
of two that have unnamed axes, else a product with a number. What is left over has a sign: ⊙ elementwise, · inner.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

from attnspec.errors import NotationError
from attnspec.interpreters._setting import (
    AND, ATOM, CALL, COMPARE, OR, POWER, PRODUCT, SIGMA, SIGN, SUM, Piece, Setting,
)  # fmt: skip
from attnspec.language import vocabulary
from attnspec.language.check import COMPARISONS, Scope, Type, infer, place_index, single
from attnspec.language.dims import Dim
from attnspec.language.tree import (
    Apply, At, Call, Concat, ConcatOver, Definition, Last, Name, Node, Number, Position, Reduce, Reshape, Scan, SizeOf,
    Split, Stack, children,
)  # fmt: skip

LEVELS = {"+": SUM, "-": SUM, "and": AND, "or": OR, **dict.fromkeys(COMPARISONS, COMPARE)}
TIGHTER = {OR: AND, AND: COMPARE, COMPARE: SUM, SUM: SIGMA}


@dataclass(frozen=True)
class Terms:
    """Sets the parts of one equation.

    Attributes:
        scope: the types of what stands in them.
        callees: the name of an equation that is called.
        sizes: how sizes are called that are not called as they are typed.
        taken: names that have a meaning besides that of a size.
        carried: the states of the recurrences around, each with its index.
    """

    setting: Setting
    scope: Scope
    callees: Callable[[Definition], str]
    sizes: Mapping[str, str]
    taken: Collection[str]
    carried: Mapping[str, str] = field(default_factory=dict)

    @property
    def indices(self) -> list[str]:
        """What an index, or the end of one, is called."""
        return [*(name for name, _ in self.scope.definition.indices), *self.sizes.values()]

    # Symbols.

    def name(self, name: str, *places: str) -> str:
        """A symbol with its named axes, then with the places that are taken of it."""
        return self.setting.name(name, [*self.axes(name), *places], self.indices)

    def axes(self, name: str, end: str = "") -> Iterator[str]:
        """The named axes of a value, in the order of the indices; last that of its recurrence, or what is its `end`."""
        kind = self.scope.names.get(name)
        stepped = self.carried.get(name, self.scope.scanned.get(name, ""))
        for index, _ in self.scope.definition.indices:
            if kind is not None and index in kind.names and index != stepped:
                yield self.index(index)
        if stepped:
            before = self.setting.signs["neg"] + "1" if name in self.carried else ""
            yield end or self.index(stepped) + before

    def index(self, index: str) -> str:
        return self.setting.name(index)

    def size(self, dim: Dim) -> str:
        """A size, as a sum of products."""
        return self.setting.signs["+"].join(self.monomial(names, count) for names, count in dim.terms) or "0"

    def monomial(self, names: tuple[str, ...], count: int) -> str:
        factors = [self.sizes.get(name) or self.setting.name(name) for name in names]
        return self.setting.signs[""].join(factors if count == 1 and factors else [str(count), *factors])

    def size_alone(self, dim: Dim) -> str:
        """A size among values: between bars, unless it is a single name that means nothing else."""
        plain = dim.names <= self.sizes.keys() or not dim.names & set(self.taken)
        return self.size(dim) if plain and self.single_name(dim) else self.setting.bars(self.size(dim))

    def single_name(self, dim: Dim) -> bool:
        return dim.terms == ((tuple(dim.names), 1),)

    def dims(self, dims: tuple[Dim, ...]) -> str:
        """A shape."""
        return self.setting.signs["×"].join(
            self.setting.bracketed(self.size(dim)) if len(dims) > 1 and len(dim.terms) > 1 else self.size(dim)
            for dim in dims
        )

    def space(self, kind: str, dims: tuple[Dim, ...]) -> str:
        """The numbers of a kind in a shape: ℝ^(n × d)."""
        lone = len(dims) == 1 and self.single_name(dims[0])
        return self.setting.above(kind, Piece(self.dims(dims), ATOM if lone else PRODUCT)) if dims else kind

    # Expressions.

    def show(self, node: Node) -> str:
        return self.piece(node).text

    def piece(self, node: Node) -> Piece:
        """A node, set.

        Raises:
            NotationError: no rule says how.
        """
        match node:
            case Name(id=name):
                return Piece(self.name(name))
            case Number(value=value):
                return self.setting.number(value)
            case SizeOf(dim=dim):
                return Piece(self.size_alone(dim))
            case Position(index=index):
                return Piece(self.index(index))
            case At():
                return Piece(self.at(node))
            case Apply():
                return self.apply(node)
            case Reduce():
                return self.reduce(node)
            case Stack(array=array, indices=indices):
                inside = self.setting.bracketed(self.show(array), "[", "]")
                return Piece(self.setting.below(inside, [self.index(index) for index in indices]))
            case Concat(parts=parts):
                return Piece(self.setting.bracketed("; ".join(map(self.show, parts)), "[", "]"))
            case Scan():
                return Piece(self.scan(node), CALL)
            case Last(index=index, state=state):
                return self.last(index, state)
            case Call():
                return Piece(self.call(node), CALL)
        return Piece(self.rearranged(node), CALL)

    def rearranged(self, node: Node) -> str:
        match node:
            case ConcatOver(index=index, array=array):
                return self.function("concat", self.show(array), over=index)
            case Split(array=array, parts=parts):
                return self.function("split", self.show(array), self.show(parts))
            case Reshape(array=array, order=order, dims=dims):
                return self.function("reshape", self.show(array), f"({', '.join(map(str, order))})", self.dims(dims))
        return self.refuse(node, type(node).__name__)

    def function(self, word: str, *args: str, over: str = "", where: Node | None = None) -> str:
        """word(…), and below the word what it runs over."""
        head = self.setting.words.get(word) or self.setting.upright(word)
        return (self.over(head, over, where) if over else head) + self.setting.bracketed(", ".join(args))

    def over(self, head: str, index: str, where: Node | None) -> str:
        condition = "" if where is None else self.setting.signs[":"] + self.show(where)
        return self.setting.below(head, [self.index(index) + condition])

    def apply(self, node: Apply) -> Piece:
        match node.op, node.args:
            case "*" | "@", (left, right):
                return self.product(node.op, left, right)
            case "/", (top, bottom):
                return self.setting.quotient(self.piece(top), self.piece(bottom))
            case "**", (base, exponent):
                return Piece(self.setting.above(self.inside(base, ATOM), self.piece(exponent)), POWER)
            case "neg", (part,):
                return Piece(self.setting.signs["neg"] + self.inside(part, SIGMA), SIGN)
            case "not", (part,):
                return Piece(self.setting.signs["not"] + self.inside(part, POWER), SIGN)
            case op, (left, right) if op in LEVELS:
                return self.binary(op, left, right)
            case "sqrt", (part,):
                return self.setting.root(self.piece(part))
            case "transpose", (part,):
                return Piece(self.setting.transposed(self.inside(part, ATOM)), POWER)
            case "where", (condition, yes, no):
                return self.setting.cases(self.piece(condition), self.piece(yes), self.piece(no))
            case op, args if op in vocabulary.ELEMENTWISE.values():
                return Piece(self.function(op, *map(self.show, args)), CALL)
        return self.refuse(node, node.op)

    def inside(self, node: Node, level: int) -> str:
        return self.setting.within(self.piece(node), level)

    def binary(self, op: str, left: Node, right: Node) -> Piece:
        """a - b - c is (a - b) - c; comparisons do not follow one another."""
        level = LEVELS[op]
        first = SUM if level == COMPARE else level
        return Piece(self.inside(left, first) + self.setting.signs[op] + self.inside(right, TIGHTER[level]), level)

    def product(self, op: str, left: Node, right: Node) -> Piece:
        """Two factors; one product in another gets brackets, unless both are written side by side from the left."""
        second = self.inside(right, POWER)
        first = self.piece(left)
        sign = self.sign(op, left, right)
        if not sign and op == "*" and not self.setting.joined(first.text, second):
            sign = "×"
        chain = first.level == PRODUCT and first.sign == sign
        return Piece(
            self.setting.within(first, PRODUCT if chain else POWER) + self.setting.signs[sign] + second, PRODUCT, sign
        )

    def sign(self, op: str, left: Node, right: Node) -> str:
        """What stands between two factors, as far as their types say it."""
        a, b = self.type(left), self.type(right)
        if a is None or b is None:
            return op
        if op == "*":
            return "⊙" if a.dims and b.dims else ""
        if not a.dims or not b.dims:
            return op
        inner = len(a.dims) == len(b.dims) == 1
        return "·" if inner and not (self.is_row(left) and self.piece(right).level >= POWER) else ""

    def is_row(self, node: Node) -> bool:
        """Whether a vector is a row times matrices, as the q W of q W k."""
        match node:
            case Apply(op="@", args=(left, _)):
                kind = self.type(left)
                return kind is not None and len(kind.dims) == 1
        return False

    def type(self, node: Node) -> Type | None:
        """The type of a part; None where its parts do not fit."""
        try:
            return single(node, self.scope)
        except (NotationError, LookupError, ValueError):
            return None

    def at(self, node: At) -> str:
        places = [self.place(place) for place in node.places]
        if isinstance(node.array, Name):
            return self.name(node.array.id, *places)
        return self.setting.below(self.inside(node.array, CALL), places)

    def place(self, place: Node) -> str:
        """A place in a subscript; one that no index names stands between square brackets."""
        shown = self.setting.tight(self.show(place))
        return f"[{shown}]" if place_index(place) is None else shown

    def reduce(self, node: Reduce) -> Piece:
        if node.op != "sum":
            return Piece(self.function(node.op, self.show(node.term), over=node.index, where=node.where), CALL)
        term = self.piece(node.term)
        head = self.over(self.setting.words["sum"], node.index, node.where)
        shown = term.text if term.level == SIGMA else self.setting.within(term, PRODUCT)
        return Piece(f"{head} {shown}", SIGMA)

    # Recurrences, and other equations.

    def recurrence(self, node: Scan) -> str:
        """What each step does, and from where: step(h_{t-1}) from start."""
        starts = ", ".join(map(self.show, node.starts))
        return self.step(node).show(node.body) + self.setting.words["from"] + starts

    def scan(self, node: Scan) -> str:
        """A recurrence whose states have other names outside, or none."""
        inner, end = self.step(node), self.index(node.index)
        after = [self.setting.name(name, [*inner.axes(name, end)], self.indices) for name in node.states]
        return self.function("scan", f"{', '.join(after)} = {self.recurrence(node)}", over=node.index)

    def step(self, node: Scan) -> Terms:
        """The rules inside a recurrence, where its states are those of the step before."""
        outer = self.scope
        try:
            kinds = infer(node, outer)
        except (NotationError, LookupError, ValueError):
            kinds = ()
        names = {name: kind for name, kind in outer.names.items() if name not in node.states}
        for name, kind in zip(node.states, kinds, strict=False):
            names[name] = replace(kind, names=kind.names - {node.index})
        scope = Scope(outer.definition, names, outer.bound | {node.index}, outer.scanned)
        return replace(self, scope=scope, carried={**self.carried, **dict.fromkeys(node.states, node.index)})

    def last(self, index: str, state: Node) -> Piece:
        """c_T, where T is what the size of t is called."""
        if isinstance(state, Name) and self.scope.scanned.get(state.id) == index and index in self.sizes:
            return Piece(self.setting.name(state.id, [*self.axes(state.id, self.sizes[index])], self.indices))
        return Piece(self.function("last", self.show(state), over=index), CALL)

    def call(self, node: Call) -> str:
        """name(arguments; options); an option that is handed on is said once."""
        parts = [", ".join(map(self.show, node.args))]
        if node.options:
            parts.append(", ".join(self.option(name, value) for name, value in node.options))
        return self.callees(node.callee) + self.setting.bracketed("; ".join(parts))

    def option(self, name: str, value: Node) -> str:
        shown = self.show(value)
        return shown if value == Name(name) else f"{self.setting.name(name)} = {shown}"

    def around(self, root: Node, wanted: Collection[int]) -> Terms | None:
        """The rules where one of the nodes `wanted`, by their Python ids, stands below `root`."""
        if id(root) in wanted:
            return self
        for name, _, child in children(root):
            terms = self.step(root) if isinstance(root, Scan) and name == "body" else self
            found = terms.around(child, wanted)
            if found is not None:
                return found
        return None

    def refuse(self, node: Node, what: str) -> NoReturn:
        """Say what has no rule, and where; nothing is left out in silence."""
        place = f":{node.span.line}:{node.span.column}" if node.span else ""
        raise NotationError(f"{self.scope.definition.id}{place}: no formula for {what}", given=repr(node),
                            expected="a part of the notation", mend="give it a rule in interpreters/_terms.py")  # fmt: skip
