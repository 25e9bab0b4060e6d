"""Reads a formula in LaTeX back into the tree that it was made from.

It knows the notation, and not the writer. What it can read back has a formula that no other equation has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from attnspec.errors import NotationError
from attnspec.language.check import Scope, Type, infer, single
from attnspec.language.dims import Dim
from attnspec.language.registry import family_of
from attnspec.language.symbols import ACCENTS, GREEK, Declared, latex
from attnspec.language.tree import (
    Apply,
    At,
    Call,
    Concat,
    ConcatOver,
    Definition,
    Last,
    Line,
    Name,
    Node,
    Number,
    Option,
    Parameter,
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

TOKEN = re.compile(
    r"\\(?:operatorname|mathit|mathrm|mathtt|mathbb|mathbin|text|begin|end)\{(?:[^{}\\]|\\.)*\}"
    r"|\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\S"
)
KINDS = {r"\mathbb{R}": "float", r"\mathbb{Z}": "int", r"\{": "bool", r"\mathbb{N}": "int"}
COMPARED = {r"\le": "<=", "<": "<", r"\ge": ">=", ">": ">", "=": "=="}
FACTORS = {r"\,": "", r"\odot": "*", r"\cdot": "@", r"\times": "*", r"\ast": "*", r"\mathbin{@}": "@"}
FUNCTIONS = {rf"\{word}": word for word in ("exp", "log", "sin", "cos", "tanh")} | {r"\sigma": "sigmoid"}
HATS = {command: word for word, command in ACCENTS.items()}
LETTERS = {rf"\{word}": word for word in GREEK}
TYPED = re.compile(r"\\(?:mathit|mathrm|mathtt|operatorname|text)\{(.*)\}")
OPEN, CLOSED = ("{", "(", "[", r"\{"), ("}", ")", "]", r"\}")
FROM = r"\text{ from }"

Tokens = list[str]


class UnreadableError(Exception):
    """The text is not a formula that is written for an equation."""


def read_latex(formula: str, registered: Mapping[str, Definition]) -> Definition:
    """The equation of a formula, without comments and the declarations of its results.

    Args:
        formula: the text that `attnspec show --latex` writes.
        registered: {id: equation}, which a formula may call.
    """
    rows = formula.splitlines()
    if (rows[0], rows[-1]) != (r"\begin{aligned}", r"\end{aligned}"):
        raise UnreadableError(formula)
    blocks: dict[str, list[str]] = {}
    block: list[str] = []
    for row in rows[1:-1]:
        block.append(row.removesuffix(r" \\"))
        if row.startswith(r"\operatorname"):
            blocks[row.partition(" &= ")[0]] = block
            block = []
    first = next(iter(blocks))
    return Formulas(blocks, registered, family_of(word_of(first))).definition(first)


@dataclass
class Formulas:
    """The equations that one formula writes out.

    Attributes:
        blocks: {left-hand side of the last row: rows}, the equation itself first.
        registered: {id: equation} of those that are not written out.
        family: the family whose name is left out.
        known: those that have been read.
    """

    blocks: Mapping[str, list[str]]
    registered: Mapping[str, Definition]
    family: str
    known: dict[str, Definition] = field(default_factory=dict)

    def callee(self, name: str, primes: str) -> Definition:
        id = name if "." in name else f"{self.family}.{name}"
        if not primes:
            return self.registered[id]
        return self.definition("\\operatorname{" + id.replace("_", r"\_") + "}" + primes)

    def definition(self, left: str) -> Definition:
        if left not in self.known:
            self.known[left] = self.read(left)
        return self.known[left]

    def read(self, left: str) -> Definition:
        *rows, last = self.blocks[left]
        heading = [row.removeprefix("&").removesuffix(",") for row in rows if row.startswith("&")]
        definition, symbols = declarations(word_of(left), r",\; ".join(heading))
        scope = Scope(definition, {item.name: Type(item.kind, dims=item.dims) for item in definition.parameters})
        scope.names |= {option.name: Type(option.kind) for option in definition.options}
        lines: list[Line] = []
        for row in rows[len(heading) :]:
            shown, _, right = row.partition(" &= ")
            line = Reader(tokens(right), scope, self, symbols, {name for each in lines for name in each.targets}).line(
                shown
            )
            types = inferred(line.value, scope)
            scope.names |= dict(zip(line.targets, types, strict=False))
            if types and isinstance(line.value, Scan):
                scope.scanned |= dict.fromkeys(line.targets, line.value.index)
            lines.append(line)
        assigned = {name for each in lines for name in each.targets}
        returns = Reader(tokens(last.partition(" &= ")[2]), scope, self, symbols, assigned).whole_list()
        if definition.id in self.registered:  # a variant of it has the same results
            results = self.registered[definition.id].results
        else:
            types = tuple(kind for value in returns for kind in inferred(value, scope))
            results = tuple(Parameter("", kind.kind, kind.dims) for kind in types)
        return replace(definition, lines=tuple(lines), returns=returns, results=results)


def inferred(node: Node, scope: Scope) -> tuple[Type, ...]:
    """The types of an expression; none where they fit only at some sizes, as in some mutants."""
    try:
        return infer(node, scope)
    except NotationError:
        return ()


def tokens(text: str) -> Tokens:
    return [token for token in TOKEN.findall(text) if token not in (r"\left", r"\right")]


def word_of(token: str) -> str:
    r"""The word of \operatorname{word} and the like."""
    found = TYPED.match(token.rstrip("'"))
    if found is None:
        raise UnreadableError(token)
    return found[1].replace(r"\_", "_")


def declarations(id: str, heading: str) -> tuple[Definition, dict[str, str]]:
    """The signature of an equation, with its indices, and {symbol: the size that it stands for}."""
    parameters: list[Parameter] = []
    options: list[Option] = []
    indices: list[tuple[str, Dim]] = []
    entries = heading.split(r",\; ") if heading else []
    start = next((k for k, entry in enumerate(entries) if entry.startswith(r"\text{for }")), len(entries))
    ranges = [entry.removeprefix(r"\text{for } ") for entry in entries[start:]]
    symbols = {}
    for entry in ranges:
        index, _, rest = entry.removeprefix(r"0 \le ").partition(" < ")
        symbol, equals, known = rest.partition(" = ")
        if equals:
            symbols[plain(tokens(symbol))] = plain(tokens(known)[1:-1])
    for entry in ranges:
        index, _, rest = entry.removeprefix(r"0 \le ").partition(" < ")
        indices.append((plain(tokens(index)), Sizes(tokens(rest.partition(" = ")[0]), symbols).whole()))
    optional = False
    for entry in entries[:start]:
        optional = optional or entry.startswith(r"\text{with }")
        if entry.endswith(r"^{(l)} \text{ for } 1 \le l \le L"):
            parameters.append(Parameter(plain(tokens(entry.partition("^")[0])), "layers", ()))
            continue
        names, _, space = entry.removeprefix(r"\text{with } ").partition(r" \in ")
        names, _, sized = names.partition(" = ")
        kind, shape = KINDS[tokens(space)[0]], space.partition("^")[2]
        dims = Sizes(tokens(shape)[1:-1], symbols).shape() if shape else ()
        for name in split(tokens(names), ","):
            read = name_and_places(name, [index for index, _ in indices], symbols)[0]
            if optional:
                size = str(Sizes(tokens(sized), symbols).whole()) if sized else ""
                options.append(Option(read, kind, size))
            else:
                parameters.append(Parameter(read, kind, dims))
    axes = [dim for item in parameters for dim in item.dims] + [dim for _, dim in indices]
    sizes = {name for dim in axes for name in dim.names}
    for k, option in enumerate(options):
        usual = Declared().size(option.name) == option.name
        if option.kind == "int" and (usual or option.name in sizes):  # it sets the size of its name
            options[k] = replace(option, size=option.name)
    definition = Definition(id, tuple(parameters), tuple(options), tuple(indices), (), (), ())
    return definition, symbols


def split(items: Tokens, sign: str) -> list[Tokens]:
    """Tokens cut at a sign that is in no brackets."""
    parts: list[Tokens] = [[]]
    depth = 0
    for token in items:
        depth += (token in OPEN) - (token in CLOSED)
        if token == sign and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


# Names.


def base(items: Tokens) -> tuple[str, Tokens]:
    """The name before the subscripts, and the tokens after it."""
    first, *rest = items
    if first == r"\partial":
        inner, rest = base(rest)
        return f"d_{inner}", rest
    if first in HATS:
        end = closing(items, 1)
        inner, left = base(items[2:end])
        if left:
            raise UnreadableError(items)
        return f"{inner}_{HATS[first]}", items[end + 1 :]
    if first in LETTERS:
        return LETTERS[first], rest
    if TYPED.fullmatch(first):
        return word_of(first), rest
    if first.isalnum():
        run = 1
        while first.isdigit() is False and run < len(items) and re.fullmatch("[A-Za-z0-9]+", items[run]):
            run += 1
        return "".join(items[:run]), items[run:]
    raise UnreadableError(items)


def closing(items: Sequence[str], opened: int) -> int:
    """The place of the bracket that closes the one at a place."""
    depth = 0
    for place in range(opened, len(items)):
        depth += (items[place] in OPEN) - (items[place] in CLOSED)
        if depth == 0:
            return place
    raise UnreadableError(items)


def plain(items: Tokens) -> str:
    """A name whose subscripts are all part of it."""
    name, rest = base(items)
    if not rest:
        return name
    if rest[:2] != ["_", "{"] or closing(rest, 1) != len(rest) - 1:
        raise UnreadableError(items)
    return f"{name}_{plain(rest[2:-1])}"


def is_place(item: Tokens, places: Sequence[Tokens]) -> bool:
    """Whether an item of a subscript is a place of an array, and not a part of its name.

    Args:
        item: the item.
        places: the symbols of indices, and of sizes that end a recurrence.
    """
    if item in places or all([token] in places for token in item):
        return True
    if any(token in ("[", "(", "+", "-", r"\lvert") for token in item):
        return True
    if "_" not in item:
        return False
    inner = split(item[item.index("_") + 2 : -1], ",")
    return len(inner) > 1 or is_place(inner[0], places)


def name_and_places(items: Tokens, indices: Sequence[str], symbols: Mapping[str, str]) -> tuple[str, list[Tokens]]:
    """A name, and the items of its subscript that are not part of it."""
    name, rest = base(items)
    if not rest:
        return name, []
    if rest[:2] != ["_", "{"] or closing(rest, 1) != len(rest) - 1:
        raise UnreadableError(items)
    places = [*(index_symbol(index, indices) for index in indices), *([symbol] for symbol in symbols)]
    below = split(rest[2:-1], ",")
    if not is_place(below[0], places):
        name = f"{name}_{plain(below.pop(0))}"
    found: list[Tokens] = []
    for item in below:
        single_letters = item not in places and all([token] in places for token in item)
        found += [[token] for token in item] if single_letters else [item]
    return name, found


def index_symbol(index: str, indices: Sequence[str] = ()) -> Tokens:
    """An index as it is written among others."""
    return tokens(latex(index, "", [other for other in indices if other != index]))


# Sizes.


@dataclass
class Sizes:
    """Reads sizes.

    Attributes:
        items: the tokens.
        symbols: {symbol: the size that it stands for}.
    """

    items: Tokens
    symbols: Mapping[str, str]

    def shape(self) -> tuple[Dim, ...]:
        parts = split(self.items, r"\times")
        bare = (part[1:-1] if part[0] == "(" and closing(part, 0) == len(part) - 1 else part for part in parts)
        return tuple(Sizes(part, self.symbols).whole() for part in bare)

    def whole(self) -> Dim:
        items, sign = self.items, 1
        if items[:6] == ["{", "}", "^", "{", "-", "}"]:
            items, sign = items[6:], -1
        total = Dim.parse("0")
        term: Tokens = []
        depth = 0
        for token in [*items, "+"]:
            depth += (token in (*OPEN, r"\lceil", r"\lvert")) - (token in (*CLOSED, r"\rceil", r"\rvert"))
            if token in ("+", "-") and depth == 0:
                read = self.product(term)
                total = total + read if sign > 0 else total - read
                term, sign = [], 1 if token == "+" else -1
            else:
                term.append(token)
        return total

    def product(self, term: Tokens) -> Dim:
        total = Dim.parse("1")
        for factor in split(term, r"\,"):
            total *= self.factor(factor)
        return total

    def factor(self, items: Tokens) -> Dim:
        if items[0].isdigit():
            return Dim.parse(items[0])
        if items[0] == r"\lvert":
            return Dim.parse(plain(items[1:-1]))
        if items[0] == r"\lceil":
            middle = closing(items, 2)
            top = Sizes(items[3:middle], self.symbols).whole()
            return top.steps(Sizes(items[middle + 2 : -2], self.symbols).whole())
        name = plain(items)
        return Dim.parse(self.symbols.get(name, name))


# Expressions.


@dataclass
class Reader:
    """Reads the tokens of a row.

    Attributes:
        items: the tokens.
        scope: the types of names.
        formulas: the equations that may be called.
        symbols: {symbol: the size that it stands for}.
        assigned: the names of the lines so far.
        carried: {state of a recurrence around: its index}.
        at: the place of the next token.
    """

    items: Tokens
    scope: Scope
    formulas: Formulas
    symbols: Mapping[str, str]
    assigned: Collection[str] = ()
    carried: Mapping[str, str] = field(default_factory=dict)
    at: int = 0

    @property
    def indices(self) -> list[str]:
        return [index for index, _ in self.scope.definition.indices]

    def index_symbol(self, index: str) -> Tokens:
        return index_symbol(index, [*self.indices, *self.symbols])

    @property
    def next(self) -> str:
        return self.items[self.at] if self.at < len(self.items) else ""

    def take(self, *wanted: str) -> str:
        token = self.next
        if wanted and token not in wanted:
            raise UnreadableError(f"{wanted} and not {token!r} at {self.at} of {' '.join(self.items)}")
        self.at += 1
        return token

    def inside(self) -> Tokens:
        """The tokens in the brackets that open here."""
        end = closing(self.items, self.at)
        found = self.items[self.at + 1 : end]
        self.at = end + 1
        return found

    def sub(self, items: Tokens) -> Reader:
        return replace(self, items=items, at=0)

    def done(self, read: Callable[[], Node]) -> Node:
        node = read()
        if self.next:
            raise UnreadableError(f"{self.next!r} is left of {' '.join(self.items)}")
        return node

    def whole(self) -> Node:
        return self.done(self.expression)

    def whole_list(self) -> tuple[Node, ...]:
        return tuple(self.sub(part).whole() for part in split(self.items, ","))

    # Lines.

    def line(self, left: str) -> Line:
        read = [name_and_places(part, self.indices, self.symbols) for part in split(tokens(left), ",")]
        targets = tuple(name for name, _ in read)
        before, *starts = split(self.items, FROM)
        if not starts:
            return Line(targets, self.whole())
        if ["(", "l", ")"] in [before[k : k + 3] for k in range(len(before))]:
            return Line(targets, self.layered(starts[-1]))
        index = plain(read[0][1][-1])
        return Line(targets, self.recurrence(targets, index, before, starts[0]))

    def recurrence(self, states: tuple[str, ...], index: str, body: Tokens, starts: Tokens) -> Node:
        begun = self.sub(starts).whole_list()
        types = [kind for start in begun for kind in inferred(start, self.scope)]
        names = {name: kind for name, kind in self.scope.names.items() if name not in states}
        for state, kind in zip(states, types, strict=False):
            names[state] = replace(kind, names=kind.names - {index})
        scope = Scope(self.scope.definition, names, self.scope.bound | {index}, self.scope.scanned)
        inner = replace(self, items=body, at=0, scope=scope, carried={**self.carried, **dict.fromkeys(states, index)})
        return Scan(index, states, inner.whole(), begun)

    def layered(self, start: Tokens) -> Node:
        """A stack of layers; a fault shows in the numbers of layers."""
        text = "".join(token.strip() for token in self.items)
        found = re.fullmatch(
            r"(?P<tops>.*?),\\;(?P<names>.*?)=(?P<callee>\\operatorname\{.*?\}'*)\((?P<read>.*),"
            r"(?P<layers>[^,]*?)\^\{\((?P<takes>[^)]*)\)\}(?P<begun>\\text\{ from \}.*\^\{\(1\)\})?\)"
            r"\\text\{ from \}.*",
            text,
        )
        if found is None:
            raise UnreadableError(text)
        ends = re.findall(r"\^\{\(([^)]*)\)\}", found["tops"])
        fault = {"L-1": "short", "1": "first"}.get(ends[0], "")
        fault = {"1": "shared", "L-l+1": "reversed"}.get(found["takes"], fault)
        fault = "begun" if found["begun"] else fault
        fault = "rest" if ends[0] == "L" and ends[1:] and ends[1] == "1" else fault
        fault = fault if found["read"].endswith("^{(l-1)}") else "input"
        callee = found["callee"].rstrip("'")
        called = self.formulas.callee(word_of(callee), found["callee"][len(callee) :])
        return Through(called, self.sub(start).whole(), Name(plain(tokens(found["layers"]))), fault)

    # By precedence.

    def expression(self) -> Node:
        left = self.conjunction()
        while self.next == r"\lor":
            self.take()
            left = Apply("or", (left, self.conjunction()))
        return left

    def conjunction(self) -> Node:
        left = self.comparison()
        while self.next == r"\land":
            self.take()
            left = Apply("and", (left, self.comparison()))
        return left

    def comparison(self) -> Node:
        left = self.sum()
        return Apply(COMPARED[self.take()], (left, self.sum())) if self.next in COMPARED else left

    def sum(self) -> Node:
        left = self.signed()
        while self.next in ("+", "-"):
            left = Apply(self.take(), (left, self.sigma()))
        return left

    def signed(self) -> Node:
        if self.next == "-":
            self.take()
            return Apply("neg", (self.sigma(),))
        if self.next == r"\lnot":
            self.take()
            return Apply("not", (self.power(),))
        return self.sigma()

    def sigma(self) -> Node:
        if self.next != r"\sum":
            return self.product()
        self.take()
        index, where = self.over()
        return Reduce("sum", index, self.sigma(), where)

    def product(self) -> Node:
        left = self.power()
        while self.next in FACTORS:
            op, right = FACTORS[self.take()], self.power()
            if not op:
                both = single(left, self.scope).dims and single(right, self.scope).dims
                op = "@" if both else "*"
            left = Apply(op, (left, right))
        return left

    def power(self) -> Node:
        node = self.subscripted()
        while self.next == "^":
            self.take()
            exponent = self.inside()
            if exponent == [r"\top"]:
                node = Apply("transpose", (node,))
            else:
                node = Apply("**", (node, self.sub(exponent).whole()))
        return node

    def subscripted(self) -> Node:
        node = self.atom()
        while self.next == "_":
            self.take()
            node = At(node, self.places(self.items_below(self.inside())))
        return node

    def items_below(self, below: Tokens) -> list[Tokens]:
        places = [self.index_symbol(index) for index in self.indices]
        letters = below not in places and all([token] in places for token in below)
        return [[token] for token in below] if letters else split(below, ",")

    def places(self, items: list[Tokens]) -> tuple[Node, ...]:
        return tuple(self.place(item) for item in items)

    def place(self, item: Tokens) -> Node:
        bracketed = item[0] == "[" and closing(item, 0) == len(item) - 1
        return self.sub(item[1:-1] if bracketed else item).whole()

    def over(self) -> tuple[str, Node | None]:
        """The subscript of a reduction: an index, and a condition."""
        self.take("_")
        index, *where = split(self.inside(), ":")
        return plain(index), self.sub(where[0]).whole() if where else None

    def arguments(self) -> tuple[Node, ...]:
        return self.sub(self.inside()).whole_list()

    # What has no sign outside of brackets.

    def atom(self) -> Node:
        token = self.next
        if token == "(":
            return self.sub(self.inside()).whole()
        if token == "[":
            return self.listed()
        if token == "{":
            for expected in "{}^{-}":
                self.take(expected)
            return Number(-self.number())
        if token == "0" and self.items[self.at + 1 : self.at + 2] == ["_"]:
            self.take()
            self.take("_")
            return Zeros(Sizes(self.inside(), self.symbols).shape())
        if token[:1].isdigit() or token == r"\infty":
            return Number(self.number())
        if token in (r"\frac", r"\lfloor"):
            floor = self.take() == r"\lfloor"
            if floor:
                self.take(r"\frac")
            top, bottom = (self.sub(self.inside()).whole() for _ in range(2))
            if floor:
                self.take(r"\rfloor")
            return Apply("//" if floor else "/", (top, bottom))
        if token == r"\sqrt":
            self.take()
            return Apply("sqrt", (self.sub(self.inside()).whole(),))
        if token == r"\lvert":
            return self.size()
        if token == r"\begin{cases}":
            return self.cases()
        if token == r"\max":
            self.take()
            return self.reduction("max")
        if token in FUNCTIONS and self.items[self.at + 1 : self.at + 2] == ["("]:
            self.take()
            return Apply(FUNCTIONS[token], self.arguments())
        if token.startswith(r"\operatorname"):
            self.take()
            return self.function(word_of(token))
        return self.symbol()

    def number(self) -> float:
        token = self.take()
        return float("inf") if token == r"\infty" else float(token)

    def listed(self) -> Node:
        parts = tuple(self.sub(part).whole() for part in split(self.inside(), ";"))
        if self.next != "_":
            return Concat(parts)
        self.take()
        return Stack(parts[0], tuple(plain(item) for item in self.items_below(self.inside())))

    def size(self) -> Node:
        start, depth = self.at, 0
        while True:
            token = self.take()
            depth += (token == r"\lvert") - (token == r"\rvert")
            if depth == 0:
                return SizeOf(Sizes(self.items[start + 1 : self.at - 1], self.symbols).whole())

    def cases(self) -> Node:
        self.take()
        start, depth = self.at, 1
        while depth:
            token = self.take()
            depth += (token == r"\begin{cases}") - (token == r"\end{cases}")
        cells: list[Tokens] = [[]]
        for token in self.items[start : self.at - 1]:
            depth += (token == r"\begin{cases}") - (token == r"\end{cases}")
            if depth == 0 and token in ("&", r"\\"):
                cells.append([])
            else:
                cells[-1].append(token)
        yes, condition, no, otherwise = cells
        if condition[0] != r"\text{if }" or otherwise != [r"\text{otherwise}"]:
            raise UnreadableError(cells)
        return Apply("where", tuple(self.sub(part).whole() for part in (condition[1:], yes, no)))

    def reduction(self, op: str) -> Node:
        index, where = self.over()
        return Reduce(op, index, self.sub(self.inside()).whole(), where)

    def function(self, word: str) -> Node:
        if self.next == "_" and word not in ("concat", "last", "scan"):
            return self.reduction(word)
        if self.next == "_":
            return self.along(word, self.over()[0])
        primes = ""
        while self.next == "'":
            primes += self.take()
        match word:
            case "mod":
                return Apply("%", self.arguments())
            case "split":
                array, parts = self.arguments()
                return Split(array, parts)
            case "reshape":
                moved, order, dims = split(self.inside(), ",")
                axes = tuple(int(axis) for axis in order[1:-1] if axis != ",")
                return Reshape(self.sub(moved).whole(), axes, Sizes(dims, self.symbols).shape())
            case "through":
                return self.through()
        if word in ("relu", "gelu", "silu", "softplus", "abs"):
            return Apply(word, self.arguments())
        return self.call(self.formulas.callee(word, primes))

    def along(self, word: str, index: str) -> Node:
        inside = self.inside()
        if word == "concat":
            return ConcatOver(index, self.sub(inside).whole())
        if word == "last":
            return Last(index, self.sub(inside).whole())
        before, starts = split(inside, FROM)
        equals = before.index("=")
        states = [name_and_places(part, self.indices, self.symbols)[0] for part in split(before[:equals], ",")]
        return self.recurrence(tuple(states), index, before[equals + 1 :], starts)

    def through(self) -> Node:
        layers, callee, start, *fault = split(self.inside(), ",")
        called = self.formulas.callee(word_of(callee[0]), "".join(callee[1:]))
        return Through(called, self.sub(start).whole(), Name(plain(layers)), word_of(fault[0][0]) if fault else "")

    def call(self, callee: Definition) -> Node:
        args, *options = split(self.inside(), ";")
        pairs = []
        for option in split(options[0], ",") if options else []:
            name, *value = split_once(option, "=")
            read = self.sub(value[0]).whole() if value else self.sub(name).whole()
            pairs.append((plain(name) if value else named(read), read))
        return Call(callee, self.sub(args).whole_list() if args else (), tuple(pairs))

    def symbol(self) -> Node:
        """A value with its subscripts, an index, or a size."""
        start, items = self.at, self.items
        typed = self.items[start].startswith(r"\mathtt")
        while items[self.at] == r"\partial":
            self.at += 1
        if items[self.at] in HATS:
            self.at = closing(items, self.at + 1) + 1
        else:
            self.at += 1
        if self.next == "_":
            self.at = closing(items, self.at + 1) + 1
        shown = items[start : self.at]
        if shown in map(self.index_symbol, self.indices) and not typed:
            return Position(plain(shown))
        name, places = name_and_places(shown, self.indices, self.symbols)
        if name in self.scope.names or name in self.assigned or name in self.carried:
            return self.value(name, places)
        raw = plain(shown)
        return SizeOf(Dim.parse(self.symbols.get(raw, raw)))

    def value(self, name: str, places: list[Tokens]) -> Node:
        """A value after its named axes, which are written as subscripts."""
        if name in self.carried:
            step = [*self.index_symbol(self.carried[name]), "-", "1"]
            places = places[places.index(step) + 1 :]
            return At(Name(name), self.places(places)) if places else Name(name)
        stepped = self.scope.scanned.get(name, "")
        kind = self.scope.names.get(name, Type("float"))
        axes = [index for index in self.indices if index in kind.names and index != stepped]
        if [self.index_symbol(index) for index in axes] != places[: len(axes)]:
            raise UnreadableError(f"{name} has the axes {axes} and not {places}")
        places = places[len(axes) :]
        node: Node = Name(name)
        if stepped:
            end = places.pop(0)
            node = node if end == self.index_symbol(stepped) else Last(stepped, node)
        return At(node, self.places(places)) if places else node


def split_once(items: Tokens, sign: str) -> list[Tokens]:
    """Tokens cut at the first such sign, if there is one."""
    place = items.index(sign) if sign in items else None
    return [items] if place is None else [items[:place], items[place + 1 :]]


def named(node: Node) -> str:
    if not isinstance(node, Name):
        raise UnreadableError(node)
    return node.id
