"""The rules of a formula: how each node of a tree is written, so that different trees have different formulas.

Every sign either delimits itself or has a precedence; a part whose sign has a lower precedence gets brackets. Factors
are written side by side if their types tell the product: a product of matrices if both have unnamed axes, else a
product with a number. Other products have a sign: ⊙ is elementwise, · is an inner product.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import NoReturn, assert_never

from attnspec.errors import NotationError
from attnspec.interpreters.formula.setting import Level, Piece, Setting
from attnspec.interpreters.formula.symbols import Symbols
from attnspec.interpreters.tags import Tag
from attnspec.language import vocabulary
from attnspec.language.check import COMPARISONS, place_index
from attnspec.language.traversal import scans_around, walk
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
    Through,
    Zeros,
)

LEVELS = {"or": Level.OR, "and": Level.AND, **dict.fromkeys(COMPARISONS, Level.COMPARE), "+": Level.SUM, "-": Level.SUM}
TIGHTER = {Level.OR: Level.AND, Level.AND: Level.COMPARE, Level.COMPARE: Level.SUM, Level.SUM: Level.SIGMA}


@dataclass(frozen=True)
class Terms:
    """Writes the nodes of one equation as text.

    Attributes:
        symbols: the symbols and types of names.
        callees: gives the name of a called equation.
        tags: {Python id of a node: its tag}; empty if none has one.
    """

    symbols: Symbols
    callees: Callable[[Definition], str]
    tags: Mapping[int, Tag] = field(default_factory=dict)

    @property
    def setting(self) -> Setting:
        return self.symbols.setting

    def show(self, node: Node) -> str:
        """A node as text."""
        return self.piece(node).text

    def piece(self, node: Node) -> Piece:
        """A node as a part of a formula, with its tag.

        Raises:
            NotationError: there is no rule for it.
        """
        piece = self.rule(node)
        return replace(piece, text=self.tagged(piece.text, node, *self.within(node)))

    def tagged(self, text: str, *nodes: Node) -> str:
        """The text of nodes that are written as one, with their tags."""
        return self.setting.tagged(text, [self.tags[id(node)] for node in nodes if id(node) in self.tags])

    def valued(self, text: str, node: Node) -> str:
        """A text that stands for the value of a node, with its key."""
        return self.setting.tagged(text, [Tag("", self.tags[id(node)].key)] if id(node) in self.tags else [])

    def within(self, node: Node) -> Iterator[Node]:
        """The child of a node that is not written by itself: the array of a subscript, the state of a last step."""
        match node:
            case At(array=Name() as name, places=places) if places:
                yield name
            case Last(index=index, state=Name() as name) if self.ends(index, name):
                yield name

    def rule(self, node: Node) -> Piece:
        """A node as a part of a formula, without its tag."""
        match node:
            case Name(id=name):
                return Piece(self.symbols.name(name))
            case Number(value=value):
                return self.setting.number(value)
            case SizeOf(dim=dim):
                return Piece(self.symbols.size_alone(dim))
            case Zeros(dims=dims):
                return Piece(self.setting.below(self.setting.literal("0"), [self.symbols.dims(dims)]))
            case Position(index=index):
                return Piece(self.symbols.index(index))
            case At():
                return Piece(self.at(node))
            case Apply():
                return self.apply(node)
            case Reduce():
                return self.reduce(node)
            case Stack(array=array, indices=indices):
                inside = self.setting.bracketed(self.show(array), "[", "]")
                return Piece(self.setting.below(inside, [self.symbols.index(index) for index in indices]))
            case Concat(parts=parts):
                return Piece(self.setting.bracketed(self.listed(parts, ";"), "[", "]"))
            case Scan():
                return Piece(self.scan(node), Level.CALL)
            case Last(index=index, state=state):
                return self.last(index, state)
            case Call():
                return Piece(self.call(node), Level.CALL)
            case Through():
                return Piece(self.through(node), Level.CALL)
            case ConcatOver() | Split() | Reshape():
                return Piece(self.rearranged(node), Level.CALL)
            case _:
                assert_never(node)

    def rearranged(self, node: ConcatOver | Split | Reshape) -> str:
        """A node that rearranges axes."""
        match node:
            case ConcatOver(index=index, array=array):
                return self.function("concat", self.show(array), over=index)
            case Split(array=array, parts=parts):
                return self.function("split", self.show(array), self.show(parts))
            case Reshape(array=array, order=order, dims=dims):
                axes = self.setting.signs["list"].join(self.setting.literal(str(axis)) for axis in order)
                return self.function("reshape", self.show(array), self.setting.bracketed(axes), self.symbols.dims(dims))

    def listed(self, nodes: Iterable[Node], sign: str = "list") -> str:
        """Nodes with a sign between them."""
        return self.setting.signs[sign].join(map(self.show, nodes))

    def function(self, word: str, *args: str, over: str = "", where: Node | None = None) -> str:
        """A function call, with an index and a condition as subscripts of the function."""
        head = self.setting.words.get(word) or self.setting.upright(word)
        head = self.over(head, over, where) if over else head
        return head + self.setting.bracketed(self.setting.signs["list"].join(args))

    def over(self, head: str, index: str, where: Node | None) -> str:
        """A function with an index and a condition as subscripts."""
        condition = "" if where is None else self.setting.signs[":"] + self.show(where)
        return self.setting.below(head, [self.symbols.index(index) + condition])

    def apply(self, node: Apply) -> Piece:
        """An operation."""
        match node.op, node.args:
            case "*" | "@", (left, right):
                return self.product(node.op, left, right)
            case "/", (top, bottom):
                return self.setting.quotient(self.piece(top), self.piece(bottom))
            case "//", (top, bottom):
                return self.setting.floor(self.setting.quotient(self.piece(top), self.piece(bottom)))
            case "%", (top, bottom):
                return Piece(self.function("mod", self.show(top), self.show(bottom)), Level.CALL)
            case "**", (base, exponent):
                return Piece(self.setting.above(self.inside(base, Level.ATOM), self.piece(exponent)), Level.POWER)
            case "neg", (part,):
                return Piece(self.setting.signs["neg"] + self.inside(part, Level.SIGMA), Level.SIGN)
            case "not", (part,):
                return Piece(self.setting.signs["not"] + self.inside(part, Level.POWER), Level.SIGN)
            case op, (left, right) if op in LEVELS:
                return self.binary(op, left, right)
            case "sqrt", (part,):
                return self.setting.root(self.piece(part))
            case "transpose", (part,):
                return Piece(self.setting.transposed(self.inside(part, Level.ATOM)), Level.POWER)
            case "where", (condition, yes, no):
                return self.setting.cases(self.piece(condition), self.piece(yes), self.piece(no))
            case op, args if op in vocabulary.ELEMENTWISE.values():
                return Piece(self.function(op, *map(self.show, args)), Level.CALL)
        return self.refuse(node, node.op)

    def inside(self, node: Node, level: Level) -> str:
        """A node as an operand of a sign with precedence `level`."""
        return self.setting.within(self.piece(node), level)

    def binary(self, op: str, left: Node, right: Node) -> Piece:
        """A binary operation; a - b - c means (a - b) - c, and comparisons are not chained."""
        level = LEVELS[op]
        first = Level.SUM if level == Level.COMPARE else level
        return Piece(self.inside(left, first) + self.setting.signs[op] + self.inside(right, TIGHTER[level]), level)

    def product(self, op: str, left: Node, right: Node) -> Piece:
        """A product; a factor that is a product gets brackets, unless it is the left one and has the same sign."""
        first, second = self.piece(left), self.piece(right)
        end = self.setting.within(second, Level.POWER)
        sign = self.sign(op, left, right)
        if sign == "·" and second.level >= Level.POWER and self.is_row(left):
            sign = ""
        if sign == "" and op == "*" and not self.setting.joined(first.text, end):
            sign = "×"
        chain = first.level == Level.PRODUCT and first.sign == sign
        start = self.setting.within(first, Level.PRODUCT if chain else Level.POWER)
        return Piece(start + self.setting.signs[sign] + end, Level.PRODUCT, sign)

    def sign(self, op: str, left: Node, right: Node) -> str:
        """The sign between two factors, by their types; the operator itself if these do not fit."""
        a, b = self.symbols.type(left), self.symbols.type(right)
        if a is None or b is None:
            return op
        if op == "*":
            return "⊙" if a.dims and b.dims else ""
        if not a.dims or not b.dims:
            return op
        return "·" if len(a.dims) == len(b.dims) == 1 else ""

    def is_row(self, node: Node) -> bool:
        """Whether a node is a vector times a matrix, such as q W in q W k."""
        match node:
            case Apply(op="@", args=(left, _)):
                kind = self.symbols.type(left)
                return kind is not None and len(kind.dims) == 1
        return False

    def at(self, node: At) -> str:
        """An array with subscripts."""
        places = [self.place(place) for place in node.places]
        if isinstance(node.array, Name) and places:
            return self.symbols.name(node.array.id, *places)
        return self.setting.below(self.inside(node.array, Level.CALL), places)

    def place(self, place: Node) -> str:
        """A subscript; an expression without an index is written in square brackets."""
        shown = self.setting.tight(self.show(place))
        plain, literal = self.setting.plain, self.setting.literal
        indices = (plain(self.symbols.index(index)) for index in self.symbols.indices)
        looked_up = isinstance(place, At) and plain(shown) not in indices
        return shown if looked_up or place_index(place) is not None else literal("[") + shown + literal("]")

    def reduce(self, node: Reduce) -> Piece:
        """A reduction."""
        if node.op != "sum":
            return Piece(self.function(node.op, self.show(node.term), over=node.index, where=node.where), Level.CALL)
        term = self.piece(node.term)
        head = self.over(self.setting.words["sum"], node.index, node.where)
        shown = term.text if term.level == Level.SIGMA else self.setting.within(term, Level.PRODUCT)
        return Piece(head + self.setting.signs[" "] + shown, Level.SIGMA)

    # Recurrences, and other equations.

    def recurrence(self, node: Scan) -> str:
        """The step of a recurrence and its start: step(h_{t-1}) from start."""
        return self.step(node).show(node.body) + self.setting.words["from"] + self.listed(node.starts)

    def scan(self, node: Scan) -> str:
        """A recurrence whose states have other names outside of it, or none."""
        inside = self.symbols.inside(node)
        signs, index = self.setting.signs, self.symbols.index(node.index)
        after = [self.setting.keyed(inside.ending(name, index), name) for name in node.states]
        return self.function("scan", signs["list"].join(after) + signs["="] + self.recurrence(node), over=node.index)

    def step(self, node: Scan) -> Terms:
        """The rules inside a recurrence."""
        return replace(self, symbols=self.symbols.inside(node))

    def last(self, index: str, state: Node) -> Piece:
        """The last state of a recurrence, such as c_T, where T is the symbol of the size of t."""
        if isinstance(state, Name) and self.ends(index, state):
            return Piece(self.symbols.ending(state.id, self.symbols.sizes[index]))
        return Piece(self.function("last", self.show(state), over=index), Level.CALL)

    def ends(self, index: str, state: Name) -> bool:
        """Whether the last state of a recurrence is written as the state at its end."""
        return self.symbols.scope.scanned.get(state.id) == index and index in self.symbols.sizes

    def through(self, node: Through) -> str:
        """The output of layers that has no name."""
        fault = [self.setting.upright(node.fault)] if node.fault else []
        parts = [self.show(node.layers), self.callees(node.callee), self.show(node.start), *fault]
        return self.function("through", *parts)

    def layered(self, node: Through, names: Sequence[str]) -> str:
        """The outputs of the top layer, the step from layer to layer, and its start: h^(L), h^(l) = ….

        A fault shows in the numbers of layers.
        """
        minus, plus = (self.setting.tight(self.setting.signs[sign]) for sign in "-+")
        first, layer, top = map(self.setting.literal, "1lL")
        ends = {"short": top + minus + first, "first": first}
        takes = {"shared": first, "reversed": top + minus + layer + plus + first}
        end = ends.get(node.fault, top)
        rest = first if node.fault == "rest" else end
        tops = [self.layer(name, rest if k else end) for k, name in enumerate(names)]
        comma = self.setting.signs["list"]
        layer_names = comma.join(self.layer(name, layer) for name in names)
        read = self.show(node.start) if node.fault == "input" else self.layer(names[0], layer + minus + first)
        args = [read, self.layer(node.layers.id, takes.get(node.fault, layer))]
        if node.fault == "begun":
            args[1] += self.setting.words["from"] + self.layer(node.layers.id, first)
        call = self.callees(node.callee) + self.setting.bracketed(comma.join(args))
        layer_names = self.setting.bracketed(layer_names) if len(names) > 1 else layer_names
        steps = layer_names + self.setting.signs["="] + call + self.setting.words["from"] + self.show(node.start)
        return self.setting.signs[","].join([comma.join(tops), steps])

    def layer(self, name: str, number: str) -> str:
        """A name with the number of its layer."""
        numbered = self.setting.literal("(") + number + self.setting.literal(")")
        return self.setting.above(self.symbols.declared(name), Piece(numbered))

    def call(self, node: Call) -> str:
        """A call as name(arguments; options); an option that is passed on under the same name is written once."""
        signs = self.setting.signs
        parts = [self.listed(node.args)]
        if node.options:
            parts.append(signs["list"].join(self.option(name, value) for name, value in node.options))
        return self.callees(node.callee) + self.setting.bracketed(signs[";"].join(parts))

    def option(self, name: str, value: Node) -> str:
        """An option of a call."""
        shown = self.show(value)
        return shown if value == Name(name) else self.setting.name(name) + self.setting.signs["="] + shown

    def around(self, root: Node, wanted: Collection[int]) -> Terms | None:
        """The rules at the first node below `root` whose Python id is in `wanted`; None if there is none."""
        path = next((path for path, node in walk(root) if id(node) in wanted), None)
        return None if path is None else reduce(Terms.step, scans_around(root, path), self)

    def refuse(self, node: Node, what: str) -> NoReturn:
        """Raise a `NotationError` for a node without a rule."""
        place = f":{node.span.line}:{node.span.column}" if node.span else ""
        id = self.symbols.scope.definition.id
        raise NotationError(
            f"{id}{place}: no formula for {what}",
            given=repr(node),
            expected="a part of the notation",
            mend="give it a rule in interpreters/formula/terms.py",
        )
