"""Equations written at random in the notation, as source text: most are well-formed, and the others are refused.

Every word of the notation may occur: arrays read at shifted and looked-up places, reductions with masks, recurrences
that carry several states or read lines with their index, options, sizes that are expressions, conditions.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from attnspec import Equation, Symbol, equation, notation
from attnspec.notation import Float, Tensor, indices, sigmoid, softmax, sum, tanh

SIZES = ("a", "b", "g")
"""Named sizes, none of which is a letter of the catalogue."""

SHAPES = ("", "a", "b", "a g", "b g", "a b", "g", "g g", "a b g", "2*g", "a+1", "b a")
UNARY = ("exp", "log", "tanh", "sigmoid", "relu", "gelu", "silu", "softplus", "sqrt", "sin", "cos", "abs")
COMPARISONS = ("<", "<=", ">", ">=", "==")
POWERS = ("2", "3", "0.5", "-1", "0", "1.5")
EXPRESSIONS = ("a", "b", "g", "a+1", "2*g", "b*g", "ceil((a-1)/2)", "ceil((a-g)/b)", "3")
"""Sizes that one index runs over besides the named ones."""

NUMBERS = ("0", "1", "2", "0.5", "3", "1.5", "1e-3")

HEADER = "from attnspec.notation import *\nfrom attnspec.notation import abs, max, sum\n"


@equation()
def turned(
    s: Float[Tensor, " g"], r: Float[Tensor, " g"], x: Float[Tensor, " g"]
) -> tuple[Float[Tensor, " g"], Float[Tensor, " g"]]:
    """Two states that a recurrence carries."""
    s_next = tanh(s + x)
    r_next = r * sigmoid(x) + s_next
    return s_next, r_next


@equation()
def mixed(x: Float[Tensor, " g"], y: Float[Tensor, " g"], *, power: int) -> Float[Tensor, " g"]:
    """An equation that others call."""
    i, j = indices("g", "g")
    alpha = softmax(j, x[i] * y[j])
    z = sum(j, alpha * x[j] ** power)
    return z.stack(i)


_counter = count()


@dataclass
class Array:
    """A name that can be read: its kind, the indices that name its axes, and the sizes of the others."""

    name: str
    kind: str
    dims: tuple[str, ...]
    names: frozenset[str] = frozenset()


@dataclass
class Written:
    """An expression as text, with the indices that name its axes."""

    text: str
    names: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.text


Names = frozenset[str]
Dims = tuple[str, ...]


@dataclass
class Writer:
    """Writes one equation.

    Attributes:
        random: where the choices come from.
        slips: the share of choices that are made without a look at what fits.
        arrays: what can be read so far.
        indices: {index: the size that it runs over}.
        lines: the lines so far.
    """

    random: Random
    slips: float = 0.01
    arrays: list[Array] = field(default_factory=list)
    indices: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def chance(self, share: float) -> bool:
        return self.random.randrange(1000) < 1000 * share

    def choice(self, items: Sequence[Any]) -> Any:
        return items[self.random.randrange(len(items))]

    def of(self, kind: str) -> list[Array]:
        return [array for array in self.arrays if array.kind == kind]

    # Signature and lines.

    def text(self) -> str:
        """The source of a function."""
        parameters = [self.parameter(place) for place in range(self.choice((1, 2, 2, 3, 4)))]
        options = [self.option(place) for place in range(self.choice((0, 0, 0, 1, 2)))]
        self.sizes = [size for size in SIZES if any(size in dim for array in self.arrays for dim in array.dims)]
        fitting = [size for size in EXPRESSIONS if {*re.findall("[abg]", size)} <= {*self.sizes}]
        self.indices = dict(zip("ijkl", [*self.sizes, *([self.choice(fitting)] if fitting else [])], strict=False))
        for place in range(self.random.randrange(5)):
            self.line(f"y_{place}")
        result, annotation = self.returned()
        declared = [f'    {name} = index("{size}")' for name, size in self.indices.items()]
        declared += [f'    {size} = size("{size}")' for size in self.sizes]
        signature = ", ".join([*parameters, *(["*", *options] if options else [])])
        return (
            "\n".join([f"def f({signature}) -> {annotation}:", *declared, *self.lines, f"    return {result}"]) + "\n"
        )

    def parameter(self, place: int) -> str:
        kind = self.choice(("Float",) * 7 + ("Int", "Bool")) if place else "Float"
        shape = self.choice(SHAPES)
        self.arrays.append(Array(f"x_{place}", kind.lower(), tuple(shape.split())))
        return f'x_{place}: {kind}[Tensor, " {shape}"]'

    def option(self, place: int) -> str:
        kind = self.choice(("float", "int"))
        self.arrays.append(Array(f"c_{place}", kind, ()))
        return f"c_{place}: {kind}"

    def some_names(self) -> Names:
        return frozenset(self.random.sample(sorted(self.indices), min(self.choice((0, 1, 1, 2)), len(self.indices))))

    def some_dims(self) -> Dims:
        dims: Dims = self.choice(((), (), *(array.dims for array in self.of("float"))))
        return dims

    def line(self, name: str) -> None:
        """A line: a value, or a recurrence."""
        if self.chance(0.3) and self.indices:
            self.recurrence(name)
            return
        kind, dims = self.choice(("float",) * 6 + ("int", "bool")), self.some_dims()
        value = self.value(kind, self.some_names(), dims, 3)
        self.lines.append(f"    {name} = {value}")
        self.arrays.append(Array(name, kind, dims, value.names))

    def recurrence(self, name: str) -> None:
        """A scan with one or two states, whose step may read lines with its index and have a scan inside."""
        over, dims = self.choice(sorted(self.indices)), self.some_dims()
        states = [f"s_{len(self.lines)}", f"r_{len(self.lines)}"][: self.choice((1, 1, 2)) if dims == ("g",) else 1]
        outer = [*self.arrays]
        starts = [self.value("float", frozenset(), dims, 1) if self.chance(0.5) else self.zeros(dims) for _ in states]
        self.arrays = [*outer, *(Array(state, "float", dims) for state in states)]
        body = self.step(states, over, dims)
        self.arrays = outer
        targets = [name, f"{name}_2"][: len(states)]
        scanned = f"scan({over}, lambda {', '.join(states)}: {body}, {', '.join(map(str, starts))})"
        self.lines.append(f"    {', '.join(targets)} = {scanned}")
        self.arrays += [Array(target, "float", dims, frozenset({over})) for target in targets]
        if self.chance(0.4):
            self.lines.append(f"    {name}_last = last({over}, {name})")
            self.arrays.append(Array(f"{name}_last", "float", dims))

    def step(self, states: list[str], over: str, dims: Dims) -> str:
        values = [self.value("float", frozenset({over}), dims, 2) for _ in states]
        inside = [index for index in sorted(self.indices) if index != over]
        if len(states) == 1 and inside and self.chance(0.15):
            index = self.choice(inside)
            return f"last({index}, scan({index}, lambda z: tanh(z + {values[0]}), {self.zeros(dims)}))"
        if len(states) == 2:
            return f"turned({', '.join(states)}, {values[0]})"
        return f"tanh({states[0]} + {values[0]})" if self.chance(0.7) else str(values[0])

    def zeros(self, dims: Dims) -> Written:
        return Written(f'zeros("{" ".join(dims)}")' if dims else "0")

    def returned(self) -> tuple[str, str]:
        """One or two results, and their annotation."""
        results, annotations = [], []
        for _ in range(self.choice((1, 1, 1, 2))):
            kind, dims = self.choice(("float",) * 8 + ("int", "bool")), self.some_dims()
            value = self.value(kind, self.some_names(), dims, 3)
            indices = self.random.sample(sorted(value.names), len(value.names))
            results.append(f"({value}).stack({', '.join(indices)})" if indices else str(value))
            sizes = " ".join([*(self.indices[index] for index in indices), *dims])
            annotations.append(f'{kind.title()}[Tensor, " {sizes}"]')
        whole = annotations[0] if len(results) == 1 else f"tuple[{', '.join(annotations)}]"
        return ", ".join(results), whole

    # Expressions: `names` are the indices that may name an axis, `dims` the sizes of the other axes.

    def value(self, kind: str, names: Names, dims: Dims, depth: int) -> Written:
        if self.chance(self.slips):
            kind, dims = self.choice(("float", "int", "bool")), self.some_dims()
        if depth <= 0 or self.chance(0.1):
            return self.leaf(kind, names, dims)
        if kind == "bool":
            return self.condition(names, dims, depth)
        makers = [
            self.binary,
            self.binary,
            self.binary,
            self.unary,
            self.reduced,
            self.reduced,
            self.chosen,
            self.moved,
        ]
        made: Written = self.choice(makers)(kind, names, dims, depth - 1)
        return made

    def leaf(self, kind: str, names: Names, dims: Dims) -> Written:
        fitting = [array for array in self.of(kind) if array.names <= names and self.ends_in(array, dims)]
        if fitting and self.chance(0.9):
            return self.reading(self.choice(fitting), names, dims)
        if kind == "bool":
            return self.compared("int", names, dims, 0)
        plain = self.place(names) if kind == "int" or self.chance(0.2) else Written(self.choice(NUMBERS))
        if kind == "int" and dims:
            return plain if not fitting else self.reading(self.choice(fitting), names, dims)
        return Written(f"({plain} + {self.zeros(dims)})", plain.names) if dims else plain

    def ends_in(self, array: Array, dims: Dims) -> bool:
        return array.dims[len(array.dims) - len(dims) :] == dims

    def reading(self, array: Array, names: Names, dims: Dims) -> Written:
        """An array at places along its first axes."""
        leading = array.dims[: len(array.dims) - len(dims)]
        places: list[Written] = []
        for size in leading:
            used = array.names.union(*(place.names for place in places))
            places.append(self.along(size, names - used))
        if not places:
            return Written(array.name, array.names)
        text = f"{array.name}[{', '.join(map(str, places))}]"
        return Written(text, array.names.union(*(place.names for place in places)))

    def along(self, size: str, names: Names) -> Written:
        """A place along an axis: mostly an index over it."""
        fitting = [name for name in sorted(names) if self.indices[name] == size]
        if fitting and self.chance(0.75):
            name = self.choice(fitting)
            return Written(name, frozenset({name}))
        return self.place(names)

    def place(self, names: Names) -> Written:
        """A whole number: of an index, a size, a number, an option, or an array of whole numbers."""
        counted = [array for array in self.of("int") if not array.dims and array.names <= names]
        first: Written = self.choice(
            [
                *(Written(name, frozenset({name})) for name in sorted(names)),
                *(Written(size) for size in (*self.sizes, "0", "1", "2")),
                *(Written(array.name, array.names) for array in counted),
            ]
        )
        rows = [array for array in self.of("int") if len(array.dims) == 1 and array.names <= names - first.names]
        if rows and self.chance(0.3):
            row = self.choice(rows)
            return Written(f"{row.name}[{first}]", row.names | first.names)
        if self.chance(0.4):
            return Written(
                f"({first} {self.choice(('+', '-', '*', '//', '%'))} {self.choice([*self.sizes, '1', '2'])})",
                first.names,
            )
        return first

    def compared(self, kind: str, names: Names, dims: Dims, depth: int) -> Written:
        a, b = (self.value(kind, names, dims, depth - 1) for _ in "ab")
        return Written(f"(({a}) {self.choice(COMPARISONS)} ({b}))", a.names | b.names)

    def condition(self, names: Names, dims: Dims, depth: int) -> Written:
        if self.chance(0.2):
            a = self.value("bool", names, dims, depth - 1)
            return Written(f"~({a})", a.names)
        if self.chance(0.3):
            a, b = (self.value("bool", names, dims, depth - 1) for _ in "ab")
            return Written(f"(({a}) {self.choice('&|')} ({b}))", a.names | b.names)
        return self.compared(self.choice(("float", "int")) if not dims else "float", names, dims, depth)

    def binary(self, kind: str, names: Names, dims: Dims, depth: int) -> Written:
        op = self.choice(("+", "-", "*", "//", "%") if kind == "int" else ("+", "-", "*", "*", "/", "**", "@", "@"))
        left = right = dims
        if op == "@" and self.sizes:
            inner = self.choice(self.sizes)
            left, right = ((dims[0], inner), (inner, dims[1])) if len(dims) == 2 else ((inner,), (inner, *dims))
        elif op == "@":
            op = "*"
        elif op == "**" or self.chance(0.3):
            right = ()
        a = self.value(kind, names, left, depth)
        if op == "**" and self.chance(0.8):
            return Written(f"({a}) ** {self.choice(POWERS)}", a.names)
        b = self.value(kind, names, right, depth)
        return Written(f"(({a}) {op} ({b}))", a.names | b.names)

    def unary(self, kind: str, names: Names, dims: Dims, depth: int) -> Written:
        a = self.value(kind, names, dims, depth)
        return Written(f"{self.choice(('abs', '-') if kind == 'int' else (*UNARY, '-'))}({a})", a.names)

    def reduced(self, kind: str, names: Names, dims: Dims, depth: int) -> Written:
        """A reduction over an index; a softmax keeps its axis."""
        if not self.indices:
            return self.unary(kind, names, dims, depth)
        index = self.choice(sorted(self.indices))
        words = ("sum", "max", "argmax") if kind == "int" else ("sum", "sum", "max", "softmax", "log_softmax")
        word = self.choice(words)
        if "softmax" in word and index not in names:
            word = "sum"
        term = self.value("float" if word == "argmax" else kind, names | {index}, dims, depth)
        if index not in term.names:
            return term if word != "argmax" else self.leaf(kind, names, dims)
        where = self.value("bool", names | {index}, (), depth - 1) if self.chance(0.3) else None
        kept = term.names | (where.names if where else frozenset())
        masked = f", where={where}" if where else ""
        return Written(f"{word}({index}, {term}{masked})", kept if "softmax" in word else kept - {index})

    def chosen(self, kind: str, names: Names, dims: Dims, depth: int) -> Written:
        condition = self.value("bool", names, () if self.chance(0.7) else dims, depth - 1)
        a, b = (self.value(kind, names, dims, depth) for _ in "ab")
        return Written(f"where({condition}, {a}, {b})", condition.names | a.names | b.names)

    def moved(self, kind: str, names: Names, dims: Dims, depth: int) -> Written:
        """Axes that are named and stacked, cut and joined, or exchanged."""
        free = [name for name in sorted(self.indices) if name not in names]
        fitting = [name for name in free if dims and self.indices[name] == dims[0]]
        if fitting and self.chance(0.7):
            index = self.choice(fitting)
            inner = self.value(kind, names | {index}, dims[1:], depth)
            if index in inner.names:
                return Written(f"({inner}).stack({index})", inner.names - {index})
            return self.leaf(kind, names, dims)
        if len(dims) == 2:
            inner = self.value(kind, names, dims[::-1], depth)
            return Written(f"transpose({inner})", inner.names)
        if free:
            index = self.choice(free)
            inner = self.value(kind, names | {index}, dims, depth)
            place = self.along(self.indices[index], names - inner.names)
            if index in inner.names:
                return Written(f"({inner}).stack({index})[{place}]", (inner.names - {index}) | place.names)
            return inner
        if dims == ("g",) and self.chance(0.5):
            a, b = (self.value("float", names, dims, depth) for _ in "ab")
            return Written(f"mixed({a}, {b}, power={self.choice(('2', '3'))})", a.names | b.names)
        if len(dims) == 1:
            a, b = (self.value(kind, names, dims, depth) for _ in "ab")
            return Written(f"split(concat({a}, {b}), 2)[{self.choice('01')}]", a.names | b.names)
        return self.leaf(kind, names, dims)


def written(random: Random) -> str:
    """The source text of an equation."""
    return Writer(random).text()


def defined(text: str) -> Equation[..., Any]:
    """The equation of a source text, as `@equation` reads it from a file.

    Raises:
        SpecError: it is refused.
    """
    name = f"generated_{next(_counter)}.py"
    whole = HEADER + text
    linecache.cache[name] = (len(whole), None, whole.splitlines(keepends=True), name)
    scope: dict[str, Any] = {**vars(notation), "__name__": "generated", "turned": turned, "mixed": mixed}
    exec(compile(whole, name, "exec"), scope)
    integers = [f"x_{place}" for place in range(4) if f"x_{place}: Int" in text]
    declared = {each: Symbol("whole numbers", draw="length") for each in integers}
    return equation(
        symbols=declared, sizes={"a": "steps"} if re.search(r'Tensor, "[^"]*\ba\b', text.split(" -> ")[0]) else {}
    )(scope["f"])
