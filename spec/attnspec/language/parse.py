"""The parser: from the source of an equation to its syntax tree. Errors name file and line, and say what to write."""

from __future__ import annotations

import ast
import inspect
import io
import sys
import textwrap
import tokenize
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NoReturn

from attnspec.errors import NotationError, nearest
from attnspec.language import vocabulary
from attnspec.language.dims import Dim
from attnspec.language.symbols import Declared, Symbol
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
    Scan,
    SizeOf,
    Span,
    Split,
    Stack,
    Through,
    Zeros,
)

KINDS = {"Float": "float", "Int": "int", "Bool": "bool"}
BINARY: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**", ast.FloorDiv: "//",
    ast.Mod: "%", ast.BitAnd: "and", ast.BitOr: "or",
    ast.LtE: "<=", ast.Lt: "<", ast.GtE: ">=", ast.Gt: ">", ast.Eq: "==",
}  # fmt: skip
UNARY: dict[type[ast.AST], str] = {ast.USub: "neg", ast.Invert: "not"}


def parse(
    function: Callable[..., Any],
    id: str,
    callee: Callable[[object], Definition | None],
    declared: Declared = Declared(),  # noqa: B008  # it is frozen
) -> Definition:
    """The syntax tree of an equation, from the source of its function.

    Args:
        function: the decorated function, which is never run.
        id: the id of the equation.
        callee: returns the syntax tree of an object that is an equation, else None.
        declared: what the equation declares of its names.

    Raises:
        NotationError: the function is outside the notation, or has no source.
    """
    return parser(function, id, callee, declared).definition()


MOST_NESTED = 100
"""How many expressions may be inside one another; interpreters are recursive."""

LAYERS = Symbol("the arguments of each layer in addition to its input, the bottom layer first", weight=True)
"""What a parameter of the type Layers stands for."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The place where lines are written.

    Attributes:
        file: the path of the file.
        offset: number of lines of the file before the first of them.
        names: {global name: its value} there.
        comments: {line, counted from 1 for the first of them: its comment}.
    """

    file: str
    offset: int
    names: Mapping[str, Any]
    comments: Mapping[int, str] = field(default_factory=dict)

    def place(self, line: int = 1) -> str:
        """File and line, for an error."""
        return f"{'/'.join(self.file.split('/')[-2:])}:{line + self.offset}"


def parser(
    function: Callable[..., Any],
    id: str,
    callee: Callable[[object], Definition | None],
    declared: Declared = Declared(),  # noqa: B008  # it is frozen
) -> Parser:
    """The parser of a function; the arguments are those of `parse`.

    Raises:
        NotationError: the function has no source.
    """
    try:
        text, file, first = source_of(function)
    except (OSError, TypeError):
        raise NotationError(
            f"{id}: its source cannot be read",
            expected="a function in a file, so that its formula can be read",
            mend="put it in a file and import that",
        ) from None
    tree = ast.parse(text).body[0]
    assert isinstance(tree, ast.FunctionDef)
    closure = inspect.getclosurevars(function)
    names = {**closure.globals, **function.__globals__, **closure.nonlocals}
    return Parser(id, tree, Origin(file, first - 1, names, _comments(text)), callee, declared)


@lru_cache(maxsize=1024)
def source_of(function: Callable[..., Any]) -> tuple[str, str, int]:
    """The source of a function, its file and its first line, read once for the function and all changes of it.

    Raises:
        OSError, TypeError: it has none.
    """
    lines, before = inspect.findsource(function)
    last = _last_lines("".join(lines)).get(before + 1)
    block = lines[before:last] if last else inspect.getblock(lines[before:])
    return textwrap.dedent("".join(block)), inspect.getsourcefile(function) or "?", before + 1


@lru_cache(maxsize=16)
def _last_lines(text: str) -> dict[int, int]:
    """{first line of a function, with its decorators: its last line}: quicker than `inspect`, which reads tokens."""
    try:
        functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    except (SyntaxError, ValueError):
        return {}
    firsts = (min([node.lineno, *(each.lineno for each in node.decorator_list)]) for node in functions)
    return {first: node.end_lineno or 0 for first, node in zip(firsts, functions, strict=True)}


@dataclass
class Parser:
    """Parses one function.

    Attributes:
        id: the id of the equation.
        tree: the Python syntax tree of the function.
        origin: where the current line is written.
        callee: returns the syntax tree of an object that is an equation, else None.
        declared: what the equation declares of its names.
        changed: {line that is written elsewhere than the function: where it is}.
        indices, sizes: the declared indices and sizes so far.
        locals: the names that are defined so far.
        layers: the parameters of the type Layers.
        known: the named sizes of the arrays, and those that options set.
        depth: how many expressions are around the current one.
    """

    id: str
    tree: ast.FunctionDef
    origin: Origin
    callee: Callable[[object], Definition | None]
    declared: Declared = field(default_factory=Declared)
    changed: Mapping[ast.stmt, Origin] = field(default_factory=dict)
    indices: dict[str, Dim] = field(default_factory=dict)
    sizes: dict[str, Dim] = field(default_factory=dict)
    locals: set[str] = field(default_factory=set)
    layers: set[str] = field(default_factory=set)
    known: frozenset[str] = frozenset()
    depth: int = 0

    def definition(self) -> Definition:
        """The syntax tree of the equation."""
        tree, arguments = self.tree, self.tree.args
        if arguments.vararg or arguments.kwarg or arguments.defaults or any(arguments.kw_defaults):
            self.refuse(
                tree,
                "has a parameter with a default, or * or **",
                "plain parameters, options after *, no defaults",
                "name every array, and give options no default",
            )
        parameters = tuple(self.parameter(argument) for argument in arguments.args)
        self.layers = {parameter.name for parameter in parameters if parameter.kind == "layers"}
        if len(self.layers) > 1:
            self.refuse(tree, "takes layers twice", "one parameter of the type Layers", "an equation for each stack")
        options = tuple(self.option(argument) for argument in arguments.kwonlyargs)
        self.known = frozenset().union(
            {option.size for option in options}, *(dim.names for item in parameters for dim in item.dims)
        )
        self.locals = {p.name for p in parameters} | {o.name for o in options}
        function_origin = self.origin
        lines: list[Line] = []
        body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
        for statement in body[:-1]:
            self.origin = self.changed.get(statement, function_origin)
            lines += self.statement(statement)
        if not body or not isinstance(body[-1], ast.Return) or body[-1].value is None:
            self.refuse(
                tree, "does not end in a return", "return VALUE as the last line", "return the formula's result"
            )
        returned = body[-1].value
        values = returned.elts if isinstance(returned, ast.Tuple) else [returned]
        self.origin = self.changed.get(body[-1], function_origin)
        returns = tuple(self.line_value(value) for value in values)
        self.origin = function_origin
        return Definition(
            self.id,
            parameters,
            options,
            tuple(self.indices.items()),
            tuple(lines),
            returns,
            self.results(tree, returns),
            self.declared.all_roles(),
        )

    def parameter(self, argument: ast.arg) -> Parameter:
        """A positional parameter."""
        if argument.annotation is None:
            self.refuse(
                argument,
                f"has no annotation for {argument.arg}",
                'an annotation such as Float[Tensor, "n d"]',
                f'{argument.arg}: Float[Tensor, "…"]',
            )
        if isinstance(argument.annotation, ast.Name) and argument.annotation.id == "Layers":
            return Parameter(argument.arg, "layers", (), symbol=LAYERS)
        kind, dims = self.annotation(argument.annotation)
        return Parameter(argument.arg, kind, dims, symbol=self.symbol(argument.arg))

    def symbol(self, name: str) -> Symbol:
        """What a name stands for."""
        return self.declared.symbol(name, self.id)

    def option(self, argument: ast.arg) -> Option:
        """A keyword-only parameter."""
        match argument.annotation:
            case ast.Name(id="int" | "float" as kind):
                return Option(argument.arg, kind, self.declared.size(argument.arg) if kind == "int" else "")
        self.refuse(
            argument,
            f"has an option {argument.arg} that is neither int nor float",
            "int or float",
            "arrays come before the *, options after it",
        )

    def annotation(self, node: ast.expr) -> tuple[str, tuple[Dim, ...]]:
        """Kind and shape of an annotation."""
        match node:
            case ast.Subscript(value=ast.Name(id=word), slice=ast.Tuple(elts=[_, ast.Constant(value=str(axes))])) if (
                word in KINDS
            ):
                try:
                    return KINDS[word], tuple(Dim.parse(axis) for axis in axes.split())
                except (ValueError, SyntaxError) as error:
                    self.refuse(node, "has an axis that is not a size", str(error), "sizes are names, H*d or d+u")
        self.refuse(
            node, "has an annotation outside the notation", 'Float, Int or Bool[Tensor, "axes"]', 'Float[Tensor, "n d"]'
        )

    def result_annotation(self, node: ast.expr) -> tuple[str, tuple[Dim, ...]]:
        """Kind and shape of the annotation of a result, which may be an int."""
        return ("int", ()) if isinstance(node, ast.Name) and node.id == "int" else self.annotation(node)

    def results(self, tree: ast.FunctionDef, returns: tuple[Node, ...]) -> tuple[Parameter, ...]:
        """The results, from the return annotation; one that is the value of a line has its name."""
        match tree.returns:
            case None:
                self.refuse(tree, "has no return annotation", 'an annotation -> Float[Tensor, "n d"]', "annotate it")
            case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=parts)):
                annotations = parts
            case annotation:
                annotations = [annotation]
        if len(annotations) != len(returns) and not isinstance(returns[0], Call | Scan | Through):
            self.refuse(
                tree,
                f"returns {len(returns)} values and annotates {len(annotations)}",
                "an annotation for each returned value",
                "correct the return annotation",
            )
        kinds = [self.result_annotation(annotation) for annotation in annotations]
        names = [_result_name(value) for value in returns] + [""] * len(annotations)
        unnamed = ["result"] if len(kinds) == 1 else [f"result {k + 1}" for k in range(len(kinds))]
        shown = [names[k] or unnamed[k] for k in range(len(kinds))]
        return tuple(Parameter(name, *kind, symbol=self.symbol(name)) for name, kind in zip(shown, kinds, strict=True))

    def statement(self, statement: ast.stmt) -> list[Line]:
        """The lines of a statement: none for a declaration, several for `a, b = x, y`."""
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                targets = [name]
            case ast.Assign(targets=[ast.Tuple(elts=elts)], value=ast.Tuple(elts=parts)) if len(elts) == len(parts):
                return [line for single in split_lines([statement]) for line in self.statement(single)]
            case ast.Assign(targets=[ast.Tuple(elts=elts)], value=value) if all(isinstance(e, ast.Name) for e in elts):
                targets = [e.id for e in elts if isinstance(e, ast.Name)]
            case _:
                self.refuse(
                    statement,
                    "has a line outside the notation",
                    "name = formula",
                    "no branches, loops or checks: masks are arguments, recurrences are scans",
                )
        if isinstance(value, ast.Call) and self.word(value.func) in ("index", "indices", "size"):
            self.declare(value, targets)
            return []
        taken = [name for name in targets if name in self.locals or name in self.indices]
        if taken:
            mend = "give the new value another name"
            self.refuse(statement, f"assigns {taken[0]} a second time", "each name once", mend)
        line = Line(tuple(targets), self.line_value(value), self.origin.comments.get(statement.end_lineno or 0, ""))
        self.locals |= set(targets)
        return [line]

    def declare(self, call: ast.Call, targets: list[str]) -> None:
        """Add a declaration to the indices or sizes."""
        texts = [part.value for part in call.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        if len(texts) != len(targets) or len(texts) != len(call.args) or call.keywords:
            self.refuse(
                call,
                "declares indices or sizes that do not match",
                "as many names as sizes",
                'i, j = indices("n", "m")',
            )
        table = self.sizes if self.word(call.func) == "size" else self.indices
        for name, text in zip(targets, texts, strict=True):
            dims = self.dims(call, text)
            if len(dims) != 1:
                self.refuse(call, f"declares {name} with {len(dims)} sizes", "one size", f'{name} = index("n")')
            table[name] = dims[0]

    def dims(self, node: ast.expr, text: str) -> tuple[Dim, ...]:
        """The sizes in a text, all of them known; of an equation with layers, others are those of layers."""
        try:
            dims = tuple(Dim.parse(size) for size in text.split())
        except (ValueError, SyntaxError):
            self.refuse(node, "has an axis that is not a size", "names, H*d, d+u or ceil(n/s)", 'i = index("n")')
        unknown = sorted({name for dim in dims for name in dim.names} - self.known)
        if unknown and not self.layers:
            mend = (
                nearest(unknown[0], self.known) or f"an option that is this size: options={{…: Size({unknown[0]!r})}}"
            )
            known = ", ".join(sorted(self.known)) or "no named size: there are no arrays"
            self.refuse(node, f"uses the size {unknown[0]}, which no array has", known, mend)
        return dims

    def line_value(self, node: ast.expr) -> Node:
        """The value of a line or a return; only these may be a stack of layers."""
        if isinstance(node, ast.Call) and self.word(node.func) == "through":
            return self.with_span(self.read_through(node), node)
        return self.expression(node)

    def expression(self, node: ast.expr) -> Node:
        """An expression, with its span."""
        if self.depth == MOST_NESTED:
            function = ast.copy_location(ast.Name(self.tree.name), node)
            expected = f"at most {MOST_NESTED} operations inside one another"
            self.refuse(function, "nests a formula too deeply", expected, "split it into several lines")
        self.depth += 1
        result = self.with_span(self.read(node), node)
        self.depth -= 1
        return result

    def with_span(self, result: Node, node: ast.expr) -> Node:
        """Set the span of a new node."""
        end_line, end_column = node.end_lineno or 0, node.end_col_offset or 0
        before = self.origin.offset
        span = Span(node.lineno + before, node.col_offset, end_line + before, end_column)
        object.__setattr__(result, "span", span)
        return result

    def read(self, node: ast.expr) -> Node:
        """An expression, without its span."""
        match node:
            case ast.Name(id=name):
                return self.name(node, name)
            case ast.Constant(value=bool()):
                self.refuse(node, "uses a truth value", "numbers and names", "masks are arguments")
            case ast.Constant(value=int() | float() as value) if abs(value) <= sys.float_info.max:
                return Number(float(value))
            case ast.Constant(value=int() | float()):
                self.refuse(node, "uses a number that float64 cannot hold", "a smaller number", "inf is a word")
            case ast.UnaryOp(op=op, operand=operand) if type(op) in UNARY:
                return Apply(UNARY[type(op)], (self.expression(operand),))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                return Apply(BINARY[type(op)], (self.expression(left), self.expression(right)))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in BINARY:
                return Apply(BINARY[type(op)], (self.expression(left), self.expression(right)))
            case ast.Subscript(value=array, slice=places):
                parts = places.elts if isinstance(places, ast.Tuple) else [places]
                return At(self.expression(array), tuple(self.expression(part) for part in parts))
            case ast.Call(func=ast.Attribute(value=array, attr="stack"), args=args, keywords=[]):
                return Stack(self.expression(array), tuple(self.index(arg) for arg in args))
            case ast.Call():
                return self.call(node)
        self.refuse(
            node,
            "uses an expression outside the notation",
            "+ − * / @ **, comparisons, subscripts, the vocabulary",
            "write it with these",
        )

    def name(self, node: ast.expr, name: str) -> Node:
        """A name: a size, an index, a value or infinity."""
        if name in self.sizes:
            return SizeOf(self.sizes[name])
        if name in self.indices:
            return Position(name)
        if name in self.layers:
            self.refuse(
                node, f"uses {name} as an array", f"through({name}, equation, x)", f"only `through` takes {name}"
            )
        if name in self.locals:
            return Name(name)
        value = self.origin.names.get(name)
        if isinstance(value, float | int) and value == vocabulary.inf:
            return Number(vocabulary.inf)
        known = [*self.locals, *self.sizes, *self.indices]
        mend = nearest(name, known) or "define it above"
        self.refuse(node, f"uses {name} before it is defined", ", ".join(known), mend)

    def call(self, node: ast.Call) -> Node:
        """A call of a word of the vocabulary or of an equation."""
        word = self.word(node.func)
        if word in vocabulary.ARITY:
            return self.elementwise(node, word)
        if word in vocabulary.REDUCTIONS.values():
            return self.reduction(node, word)
        if word == "through":
            self.refuse(
                node,
                "uses `through` inside a formula",
                "a line of its own",
                f"h = {ast.unparse(node)}, and h in the formula",
            )
        if word == "size":
            return SizeOf(self.size(node))
        if word in ("index", "indices"):
            self.refuse(
                node,
                f"uses `{word}` inside a formula",
                "a line of its own",
                f"k = {ast.unparse(node)}, and k in the formula",
            )
        if word in ("zeros", "concat", "split", "scan", "last"):
            return getattr(self, f"read_{word}")(node)  # type: ignore[no-any-return]  # one method for each special word
        definition = self.callee(self.value(node.func))
        if definition is not None:
            return self.equation(node, definition)
        called = ast.unparse(node.func).split(".")[-1]
        importing = f"{called}(…) with `from attnspec.notation import {called}`"
        mend = importing if called in vocabulary.WORDS else vocabulary.instead_of(called)
        self.refuse(
            node,
            "uses a call outside the notation",
            "a name from the vocabulary, or another equation",
            mend or f"the vocabulary is {', '.join(vocabulary.WORDS)}",
        )

    def size(self, node: ast.Call) -> Dim:
        """The size that `size("d")` names."""
        match node:
            case ast.Call(args=[ast.Constant(value=str(text))], keywords=[]):
                dims = self.dims(node, text)
                if len(dims) == 1:
                    return dims[0]
        self.refuse(node, f"uses {ast.unparse(node)}, which is not one size", "the name of one size", 'size("d")')

    def elementwise(self, node: ast.Call, word: str) -> Node:
        self.arity(node, vocabulary.ARITY[word])
        return Apply(word, tuple(self.expression(arg) for arg in node.args))

    def reduction(self, node: ast.Call, word: str) -> Node:
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        if len(node.args) != 2 or named.keys() - {"where"}:
            self.refuse(
                node,
                f"uses {word} with other arguments",
                f"{word}(index, term) or {word}(index, term, where=mask)",
                f"{word}(j, …)",
            )
        where = self.expression(named["where"]) if "where" in named else None
        return Reduce(word, self.index(node.args[0]), self.expression(node.args[1]), where)

    def read_concat(self, node: ast.Call) -> Node:
        if len(node.args) < 2 or node.keywords:
            expected = "concat(a, b, …) or concat(index, a)"
            self.refuse(node, "concatenates fewer than two arrays", expected, "concat(a, b)")
        match node.args:
            case [ast.Name(id=name), array] if name in self.indices:
                return ConcatOver(name, self.expression(array))
        return Concat(tuple(self.expression(arg) for arg in node.args))

    def read_zeros(self, node: ast.Call) -> Node:
        match node:
            case ast.Call(args=[ast.Constant(value=str(text))], keywords=[]):
                return Zeros(self.dims(node, text))
        self.refuse(node, "uses zeros without sizes", "sizes as in a signature", 'zeros("n d")')

    def read_split(self, node: ast.Call) -> Node:
        self.arity(node, 2)
        return Split(self.expression(node.args[0]), self.expression(node.args[1]))

    def read_last(self, node: ast.Call) -> Node:
        self.arity(node, 2)
        return Last(self.index(node.args[0]), self.expression(node.args[1]))

    def read_scan(self, node: ast.Call) -> Node:
        match node.args:
            case [over, ast.Lambda(args=ast.arguments(args=taken) as lambda_, body=body), *starts] if (
                len(starts) == len(taken) and ast.unparse(lambda_) == ", ".join(state.arg for state in taken)
            ) and not node.keywords:
                states = tuple(argument.arg for argument in taken)
            case _:
                self.refuse(
                    node,
                    "uses scan with other arguments",
                    "scan(t, lambda h: step, h_0), a start for each state",
                    "scan(t, lambda h: cell(x[t], h, …), h_0)",
                )
        start_values = tuple(self.expression(start) for start in starts)
        outer, self.locals = self.locals, self.locals | set(states)
        step = self.expression(body)
        self.locals = outer
        return Scan(self.index(over), states, step, start_values)

    def read_through(self, node: ast.Call) -> Node:
        match node:
            case ast.Call(args=[ast.Name(id=layers), layer, start], keywords=[]) if layers in self.layers:
                callee = self.callee(self.value(layer))
                if callee is not None and callee.parameters and not callee.options:
                    return Through(callee, self.expression(start), Name(layers))
        self.refuse(
            node,
            "uses `through` with other arguments",
            "through(layers, equation, x): layers is a parameter of the type Layers, the equation has no options",
            "through(layers, gru, x)",
        )

    def equation(self, node: ast.Call, definition: Definition) -> Node:
        """A call of an equation."""
        if any(parameter.kind == "layers" for parameter in definition.parameters):
            self.refuse(
                node,
                f"calls {definition.id}, which takes layers",
                "an equation without layers",
                "use `through` with the equation of a layer",
            )
        expected = [parameter.name for parameter in definition.parameters]
        options = [option.name for option in definition.options]
        named = {keyword.arg or "**": keyword.value for keyword in node.keywords}
        given = dict(zip(expected, node.args, strict=False)) | {k: v for k, v in named.items() if k in expected}
        if len(node.args) > len(expected) or list(given) != expected or named.keys() - set(expected) != set(options):
            self.refuse(
                node,
                f"calls {definition.id} with other arguments",
                ", ".join([*expected, *options]),
                "arrays in the order of its signature, options by keyword",
            )
        return Call(
            definition,
            tuple(self.expression(given[name]) for name in expected),
            tuple((name, self.expression(named[name])) for name in options),
        )

    def arity(self, node: ast.Call, count: int) -> None:
        """Refuse a call with another number of arguments."""
        if len(node.args) != count or node.keywords:
            called = vocabulary.signature(self.word(node.func))
            self.refuse(node, "has another number of arguments", called, "give them in order, without keywords")

    def index(self, node: ast.expr) -> str:
        """The name of an index."""
        match node:
            case ast.Name(id=name) if name in self.indices:
                return name
        self.refuse(node, "needs an index here", ", ".join(self.indices) or "none declared yet", 'i = index("n")')

    def word(self, node: ast.expr) -> str:
        """The word of the vocabulary that an expression is, under whatever name it was imported; else ""."""
        value = self.value(node)
        for table in (vocabulary.ELEMENTWISE, vocabulary.REDUCTIONS, vocabulary.SPECIAL):
            for function, word in table.items():
                if value is function:
                    return word
        return ""

    def value(self, node: ast.expr) -> object:
        """The value of a (dotted) global name; None for other expressions."""
        match node:
            case ast.Name(id=name):
                return self.origin.names.get(name)
            case ast.Attribute(value=owner, attr=attr):
                return getattr(self.value(owner), attr, None)
        return None

    def refuse(self, node: ast.AST, what: str, expected: str, mend: str) -> NoReturn:
        """Raise a `NotationError` with the place of a node."""
        headline = f"{self.origin.place(getattr(node, 'lineno', 1))}: {self.id.split('.')[-1]} {what}"
        raise NotationError(headline, given=ast.unparse(node).splitlines()[0], expected=expected, mend=mend)


def _result_name(node: Node) -> str:
    """The name of a returned expression; "" if it has none."""
    match node:
        case Name(id=name):
            return name
        case Stack(array=array) | Last(state=array):
            return _result_name(array)
    return ""


def split_lines(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements, with `a, b = x, y` split into `a = x` and `b = y`."""
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Tuple(elts=elts)], value=ast.Tuple(elts=parts)) if len(elts) == len(parts):
                for element, part in zip(elts, parts, strict=True):
                    yield ast.copy_location(ast.Assign([element], part), statement)
            case _:
                yield statement


def _comments(text: str) -> dict[int, str]:
    """{line: its comment}, without directives for linters, type checkers and formatters."""
    lines = [(number, *line.partition("#")) for number, line in enumerate(text.splitlines(), 1) if "#" in line]
    if any(quote in code for _, code, _, _ in lines for quote in "\"'"):  # the sign may stand in a string
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        found = [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]
    else:  # quicker than reading tokens
        found = [(number, comment) for number, _, _, comment in lines]
    comments = {number: comment.lstrip("# ").strip() for number, comment in found}
    return {number: each for number, each in comments.items() if not each.startswith(("noqa", "type:", "fmt:"))}
