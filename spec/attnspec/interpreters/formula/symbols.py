"""The symbols of a formula: how names, indices and sizes are written, and their types in a scope."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby

from attnspec.errors import NotationError
from attnspec.interpreters.formula.setting import Level, Piece, Setting
from attnspec.language.check import Scope, Type, infer, single
from attnspec.language.dims import Dim, parts
from attnspec.language.traversal import nodes
from attnspec.language.tree import Definition, Node, Reshape, Scan, SizeOf, Zeros

UNFIT = (NotationError, LookupError, ValueError)
"""The errors of a type check that fails."""


@dataclass(frozen=True)
class Symbols:
    """The symbols of one equation.

    Attributes:
        setting: the medium.
        scope: the types of names.
        sizes: {size whose name is also an index: its symbol}, such as T for the number of steps t.
        taken: names of arrays, options, lines and indices, which a size alone may be confused with.
        carried: {state of a recurrence around: index of the recurrence}.
    """

    setting: Setting
    scope: Scope
    sizes: Mapping[str, str]
    taken: Collection[str]
    carried: Mapping[str, str] = field(default_factory=dict)

    def name(self, name: str, *places: str) -> str:
        """A symbol with its named axes as subscripts, then `places`."""
        stepped = self.stepped(name)
        before = self.setting.signs["neg"] + self.setting.literal("1") if name in self.carried else ""
        axes = [*self.lifted(name), *([self.index(stepped) + before] if stepped else [])]
        return self.setting.name(name, [*axes, *places], self.indices)

    def declared(self, name: str) -> str:
        """A symbol where it is declared or assigned."""
        return self.setting.keyed(self.name(name), name)

    def ending(self, name: str, end: str) -> str:
        """A state of a recurrence at the step `end`."""
        return self.setting.name(name, [*self.lifted(name), end], self.indices)

    def lifted(self, name: str) -> Iterator[str]:
        """The named axes of a value in the order of the indices, without that of its recurrence."""
        kind = self.scope.names.get(name)
        for index, _ in self.scope.definition.indices:
            if kind is not None and index in kind.names and index != self.stepped(name):
                yield self.index(index)

    def stepped(self, name: str) -> str:
        """The index of the recurrence that computes a value; "" if there is none."""
        return self.carried.get(name) or self.scope.scanned.get(name, "")

    def index(self, index: str) -> str:
        """The symbol of an index."""
        return self.setting.name(index, (), [other for other in self.indices if other != index])

    @property
    def indices(self) -> list[str]:
        """The symbols that can occur in a subscript."""
        return [*(index for index, _ in self.scope.definition.indices), *self.sizes.values()]

    # Sizes.

    def size(self, dim: Dim) -> str:
        """A size, as a sum of products."""
        first, *rest = sorted(dim.terms, key=lambda term: term[1] < 0) or [((), 0)]
        shown = self.setting.words["negative"] * (first[1] < 0) + self.monomial(*first)
        for names, count in rest:
            shown += self.setting.signs["-" if count < 0 else "+"] + self.monomial(names, count)
        return shown

    def monomial(self, names: tuple[str, ...], count: int) -> str:
        """A product of sizes with its coefficient, without the sign."""
        factors = [self.factor(name) for name in names]
        number = self.setting.literal(str(abs(count)))
        return self.setting.signs[""].join(factors if abs(count) == 1 and factors else [number, *factors])

    def factor(self, name: str) -> str:
        """A named size, or a rounded-up quotient."""
        if not name.startswith("⌈"):
            subscripted = name.split("_")[0] in self.taken and "_" in name  # it could be read as an array at a place
            return self.sizes.get(name) or self.setting.name(name, (), self.indices if subscripted else (), size=True)
        top, bottom = (Piece(self.size(part), Level.ATOM if is_name(part) else Level.SUM) for part in parts(name))
        left, right = self.setting.words["⌈"], self.setting.words["⌉"]
        return left + self.setting.quotient(top, bottom).text + right

    def size_alone(self, dim: Dim) -> str:
        """A size as a value in a formula, between bars unless it is a single name without another meaning."""
        plain = dim.names <= self.sizes.keys() or not dim.names & set(self.taken)
        return self.size(dim) if plain and is_name(dim) else self.setting.bars(self.size(dim))

    def dims(self, dims: tuple[Dim, ...]) -> str:
        """A shape."""
        shown = [self.size(dim) for dim in dims]
        if len(dims) > 1:
            pairs = zip(dims, shown, strict=True)
            shown = [self.setting.bracketed(size) if len(dim.terms) > 1 else size for dim, size in pairs]
        return self.setting.signs["×"].join(shown)

    def space(self, kind: str, dims: tuple[Dim, ...]) -> str:
        """The set of the arrays of a kind and shape, such as ℝ^(n × d)."""
        lone = len(dims) == 1 and is_name(dims[0])
        return self.setting.above(kind, Piece(self.dims(dims), Level.ATOM if lone else Level.PRODUCT)) if dims else kind

    def given(self) -> Iterator[str]:
        """The declarations of parameters, options and indices."""
        definition, words, signs = self.scope.definition, self.setting.words, self.setting.signs
        for (kind, dims), group in groupby(definition.parameters, lambda parameter: (parameter.kind, parameter.dims)):
            names = signs["list"].join(self.declared(parameter.name) for parameter in group)
            if kind == "layers":
                numbered = self.setting.above(names, Piece(self.setting.literal("(l)")))
                yield numbered + words["for each"] + signs["<="].join(map(self.setting.literal, "1lL"))
                continue
            yield names + words["in"] + self.space(words[kind], dims)
        for k, option in enumerate(definition.options):
            kind = words["option" if option.kind == "int" else "float"]
            size = signs["="] + self.size(Dim.parse(option.size)) if option.size not in ("", option.name) else ""
            yield ("" if k else words["with"]) + self.declared(option.name) + size + words["in"] + kind
        for k, (index, dim) in enumerate(definition.indices):
            size, bars = self.size(dim), self.setting.bars(self.index(index))
            known = signs["="] + bars if self.sizes.get(index, bars) != bars else ""
            start = self.setting.literal("0") + signs["<="] + self.setting.keyed(self.index(index), index)
            yield ("" if k else words["for"]) + start + signs["<"] + size + known

    # Types.

    def type(self, node: Node) -> Type | None:
        """The type of a node; None if its parts do not fit."""
        try:
            return single(node, self.scope)
        except UNFIT:
            return None

    def inside(self, node: Scan) -> Symbols:
        """The symbols inside a recurrence, where a state is that of the previous step."""
        outer = self.scope
        try:
            types = infer(node, outer)
        except UNFIT:
            types = ()
        names = {name: kind for name, kind in outer.names.items() if name not in node.states}
        for name, kind in zip(node.states, types, strict=False):
            names[name] = replace(kind, names=kind.names - {node.index})
        scope = Scope(outer.definition, names, outer.bound | {node.index}, outer.scanned)
        return replace(self, scope=scope, carried={**self.carried, **dict.fromkeys(node.states, node.index)})


_KNOWN: dict[tuple[int, int], tuple[Definition, Setting, Symbols]] = {}
"""The symbols of the last equations, by the identity of equation and medium: an equal one takes longer to find."""

MOST_KNOWN = 32


def symbols(definition: Definition, setting: Setting) -> Symbols:
    """The symbols of an equation outside its recurrences."""
    key = id(definition), id(setting)
    if key not in _KNOWN:
        if len(_KNOWN) >= MOST_KNOWN:
            _KNOWN.clear()
        _KNOWN[key] = definition, setting, _symbols(definition, setting)
    return _KNOWN[key][2]


def _symbols(definition: Definition, setting: Setting) -> Symbols:
    inner = list(nodes(definition))
    names, sizes = _taken(definition, inner), {name for dim in _dims(definition, inner) for name in dim.names}
    renamed = {}
    for index, dim in definition.indices:
        if is_name(dim) and index in dim.names:
            capital = index.upper() if len(index) == 1 else index
            free = capital not in names | sizes
            renamed[index] = setting.name(capital) if free else setting.bars(setting.name(index))
    return Symbols(setting, _scope(definition), renamed, names)


def is_name(dim: Dim) -> bool:
    """Whether a size is a single name."""
    return dim.terms in [(((name,), 1),) for name in dim.names]


@lru_cache(maxsize=256)
def _scope(definition: Definition) -> Scope:
    """The scope of an equation, without the lines whose types do not fit."""
    names = {parameter.name: Type(parameter.kind, dims=parameter.dims) for parameter in definition.parameters}
    scope = Scope(definition, names | {option.name: Type(option.kind) for option in definition.options})
    for line in definition.lines:
        try:
            types = infer(line.value, scope)
        except UNFIT:
            continue
        scope.names |= dict(zip(line.targets, types, strict=False))
        if isinstance(line.value, Scan):
            scope.scanned |= dict.fromkeys(line.targets, line.value.index)
    return scope


def _taken(definition: Definition, inner: list[Node]) -> set[str]:
    """The names of values and indices."""
    arrays = {parameter.name for parameter in definition.parameters} | {option.name for option in definition.options}
    lines = {name for line in definition.lines for name in line.targets}
    states = {state for node in inner if isinstance(node, Scan) for state in node.states}
    return arrays | lines | states | {index for index, _ in definition.indices}


def _dims(definition: Definition, inner: list[Node]) -> Iterator[Dim]:
    """All sizes in an equation."""
    yield from (dim for parameter in definition.parameters for dim in parameter.dims)
    yield from (dim for _, dim in definition.indices)
    for node in inner:
        yield from (node.dim,) if isinstance(node, SizeOf) else node.dims if isinstance(node, Reshape | Zeros) else ()
