"""From the source of an equation to its tree. What is not in the notation is refused, with file, line and mend."""

from __future__ import annotations

import ast
import inspect
import io
import textwrap
import tokenize
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from attnspec.errors import NotationError, nearest
from attnspec.language import vocabulary
from attnspec.language.dims import Dim
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
    ast.BitAnd: "and", ast.BitOr: "or",
    ast.LtE: "<=", ast.Lt: "<", ast.GtE: ">=", ast.Gt: ">", ast.Eq: "==",
}  # fmt: skip
UNARY: dict[type[ast.AST], str] = {ast.USub: "neg", ast.Invert: "not"}


def parse(function: Callable[..., Any], id: str, callee: Callable[[object], Definition | None]) -> Definition:
    """Read the tree of an equation from the source of its function.

    Args:
        function: the decorated function, never run.
        id: the equation's id.
        callee: tells which objects are equations, and gives their trees.

    Raises:
        NotationError: something outside the notation, or no source to read.
    """
    return _parser(function, id, callee).whole_function()


def parse_changed(
    function: Callable[..., Any],
    id: str,
    callee: Callable[[object], Definition | None],
    lines: Mapping[str, str],
    names: Mapping[str, Any],
    where: str,
) -> Definition:
    """Read the tree of an equation with some of its lines changed.

    Args:
        function: the function of the equation.
        id: the id of what is made.
        callee: tells which objects are equations, and gives their trees.
        lines: by what a line gives its name to, such as "f" or "h, c", its new right-hand side; "return" is what is
            returned. A name that no line has is a new line, before the next one that is changed.
        names: what else these lines may call, by name.
        where: file and line of the change.

    Raises:
        NotationError: a line is outside the notation.
    """
    parser = _parser(function, id, callee)
    words = {word: getattr(vocabulary, word) for word in vocabulary.WORDS}
    parser.globals = {**words, **parser.globals, **names}
    body: list[ast.stmt] = list(parser.tree.body)
    new: list[ast.stmt] = []
    try:
        for target, text in lines.items():
            place = next((k for k, line in enumerate(body) if _target(line) == target), None)
            statement = ast.parse(f"return {text}" if target == "return" else f"{target} = {text}").body[0]
            if place is None:
                new.append(statement)
            else:
                body[place : place + 1] = [*new, statement]
                new = []
    except SyntaxError as error:
        raise NotationError(f"{where}: {id}: a line that is not Python", given=str(error.text or "").strip()) from None
    if new:
        raise NotationError(
            f"{where}: {id}: there is no line {_target(new[0])}",
            given=", ".join(filter(None, map(_target, new))),
            expected=", ".join(filter(None, map(_target, parser.tree.body))),
            mend="name a line of the equation, or put a new line before one that is changed",
        )
    parser.tree.body = body
    try:
        return parser.whole_function()
    except NotationError as error:
        raise NotationError(
            f"{where}: {error.headline.partition(': ')[2] or error.headline}",
            given=error.given,
            expected=error.expected,
            mend=error.mend,
        ) from None


def _target(statement: ast.stmt) -> str:
    """What a line gives a name to: "f", "h, c" or "return"; "" for a docstring."""
    match statement:
        case ast.Return():
            return "return"
        case ast.Assign(targets=[ast.Tuple(elts=names)]):
            return ", ".join(map(ast.unparse, names))
        case ast.Assign(targets=[name]):
            return ast.unparse(name)
    return ""


def _parser(function: Callable[..., Any], id: str, callee: Callable[[object], Definition | None]) -> Parser:
    try:
        source, first = inspect.getsourcelines(function)
    except (OSError, TypeError):
        raise NotationError(
            f"{id}: its source cannot be read",
            expected="a function in a file, so that its formula can be read",
            mend="put it in a file and import that",
        ) from None
    text = textwrap.dedent("".join(source))
    tree = ast.parse(text).body[0]
    assert isinstance(tree, ast.FunctionDef)
    names = dict(inspect.getclosurevars(function).globals) | function.__globals__
    names |= inspect.getclosurevars(function).nonlocals
    return Parser(id, inspect.getsourcefile(function) or "?", first - 1, text, names, callee, tree)


@dataclass
class Parser:
    """Reads one function; `locals` are the names bound so far."""

    id: str
    file: str
    offset: int
    text: str
    globals: dict[str, Any]
    callee: Callable[[object], Definition | None]
    tree: ast.FunctionDef
    indices: dict[str, Dim] = field(default_factory=dict)
    sizes: dict[str, Dim] = field(default_factory=dict)
    locals: set[str] = field(default_factory=set)
    layers: set[str] = field(default_factory=set)

    def whole_function(self) -> Definition:
        """The equation that the function is."""
        tree, arguments = self.tree, self.tree.args
        if arguments.vararg or arguments.kwarg or arguments.defaults or any(arguments.kw_defaults):
            self.refuse(
                tree,
                "has a parameter that is not plain",
                "plain parameters, options after *, no defaults",
                "name every array, and give options no default",
            )
        parameters = tuple(self.parameter(argument) for argument in arguments.args)
        self.layers = {parameter.name for parameter in parameters if parameter.kind == "layers"}
        if len(self.layers) > 1:
            self.refuse(tree, "takes layers twice", "one parameter of the type Layers", "an equation for each stack")
        options = tuple(self.option(argument) for argument in arguments.kwonlyargs)
        self.locals = {p.name for p in parameters} | {o.name for o in options}
        comments = _comments(self.text)
        lines: list[Line] = []
        body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
        for statement in body[:-1]:
            lines += self.statement(statement, comments)
        if not body or not isinstance(body[-1], ast.Return) or body[-1].value is None:
            self.refuse(
                tree, "does not end in a return", "return VALUE as the last line", "return the formula's result"
            )
        returned = body[-1].value
        values = returned.elts if isinstance(returned, ast.Tuple) else [returned]
        returns = tuple(self.whole(value) for value in values)
        return Definition(
            self.id,
            parameters,
            options,
            tuple(self.indices.items()),
            tuple(lines),
            returns,
            self.results(tree, returns),
        )

    def parameter(self, argument: ast.arg) -> Parameter:
        if argument.annotation is None:
            self.refuse(
                argument,
                f"does not say what {argument.arg} is",
                'an annotation such as Float[Tensor, "n d"]',
                f'{argument.arg}: Float[Tensor, "…"]',
            )
        if isinstance(argument.annotation, ast.Name) and argument.annotation.id == "Layers":
            return Parameter(argument.arg, "layers", ())
        kind, dims = self.annotation(argument.annotation)
        return Parameter(argument.arg, kind, dims)

    def option(self, argument: ast.arg) -> Option:
        match argument.annotation:
            case ast.Name(id="int" | "float" as kind):
                return Option(argument.arg, kind)
        self.refuse(
            argument,
            f"has an option {argument.arg} that is no int or float",
            "int or float",
            "arrays come before the *, options after it",
        )

    def annotation(self, node: ast.expr) -> tuple[str, tuple[Dim, ...]]:
        match node:
            case ast.Subscript(value=ast.Name(id=word), slice=ast.Tuple(elts=[_, ast.Constant(value=str(axes))])) if (
                word in KINDS
            ):
                try:
                    return KINDS[word], tuple(Dim.parse(axis) for axis in axes.split())
                except (ValueError, SyntaxError) as error:
                    self.refuse(node, "has an axis that is no size", str(error), "sizes are names, H*d or d+u")
        self.refuse(
            node, "has an annotation outside the notation", 'Float, Int or Bool[Tensor, "axes"]', 'Float[Tensor, "n d"]'
        )

    def announced(self, node: ast.expr) -> tuple[str, tuple[Dim, ...]]:
        """An annotation of what is returned, which may be a plain whole number."""
        return ("int", ()) if isinstance(node, ast.Name) and node.id == "int" else self.annotation(node)

    def results(self, tree: ast.FunctionDef, returns: tuple[Node, ...]) -> tuple[Parameter, ...]:
        match tree.returns:
            case None:
                self.refuse(
                    tree, "does not say what it returns", 'an annotation -> Float[Tensor, "n d"]', "annotate it"
                )
            case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=parts)):
                annotations = parts
            case annotation:
                annotations = [annotation]
        if len(annotations) != len(returns) and not isinstance(returns[0], Call | Scan | Through):
            self.refuse(
                tree,
                f"returns {len(returns)} and announces {len(annotations)}",
                "as many of one as of the other",
                "mend the return annotation",
            )
        kinds = [self.announced(annotation) for annotation in annotations]
        names = [_result_name(value) for value in returns] + [""] * len(annotations)
        unnamed = ["result"] if len(kinds) == 1 else [f"result {k}" for k in range(len(kinds))]
        return tuple(Parameter(names[k] or unnamed[k], *kind) for k, kind in enumerate(kinds))

    def statement(self, statement: ast.stmt, comments: dict[int, str]) -> list[Line]:
        """One line; the declarations of indices and sizes give none."""
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                targets = [name]
            case ast.Assign(targets=[ast.Tuple(elts=elts)], value=ast.Tuple(elts=parts)) if len(elts) == len(parts):
                pairs = [ast.Assign([e], part) for e, part in zip(elts, parts, strict=True)]
                placed = [ast.copy_location(pair, statement) for pair in pairs]
                return [line for pair in placed for line in self.statement(pair, comments)]
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
            self.refuse(statement, f"gives {taken[0]} a second meaning", "each name once", "name the new value anew")
        line = Line(tuple(targets), self.whole(value), comments.get(statement.end_lineno or 0, ""))
        self.locals |= set(targets)
        return [line]

    def declare(self, call: ast.Call, targets: list[str]) -> None:
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
            table[name] = Dim.parse(text)

    def whole(self, node: ast.expr) -> Node:
        """What stands for itself, in a line or in a return: there something may go through layers."""
        if isinstance(node, ast.Call) and self.word(node.func) == "through":
            return self.placed(self.read_through(node), node)
        return self.expression(node)

    def expression(self, node: ast.expr) -> Node:
        """One expression, with where it stands."""
        return self.placed(self.read(node), node)

    def placed(self, found: Node, node: ast.expr) -> Node:
        end_line, end_column = node.end_lineno or 0, node.end_col_offset or 0
        span = Span(node.lineno + self.offset, node.col_offset, end_line + self.offset, end_column)
        object.__setattr__(found, "span", span)
        return found

    def read(self, node: ast.expr) -> Node:
        match node:
            case ast.Name(id=name):
                return self.name(node, name)
            case ast.Constant(value=bool()):
                self.refuse(node, "uses a truth value", "numbers and names", "masks are arguments")
            case ast.Constant(value=int() | float() as value):
                return Number(float(value))
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
        value = self.globals.get(name)
        if isinstance(value, float | int) and value == vocabulary.inf:
            return Number(vocabulary.inf)
        known = [*self.locals, *self.sizes, *self.indices]
        self.refuse(
            node, f"uses {name} before it has a meaning", ", ".join(known), nearest(name, known) or "define it above"
        )

    def call(self, node: ast.Call) -> Node:
        word = self.word(node.func)
        if word in vocabulary.ARITY:
            return self.elementwise(node, word)
        if word in vocabulary.REDUCTIONS.values():
            return self.reduction(node, word)
        if word == "through":
            self.refuse(
                node,
                "goes through layers within a formula",
                "a line of its own",
                f"h = {ast.unparse(node)}, and h in the formula",
            )
        if word in ("zeros", "concat", "split", "scan", "last"):
            return getattr(self, f"read_{word}")(node)  # type: ignore[no-any-return]  # one method for each special word
        definition = self.callee(self.value(node.func))
        if definition is not None:
            return self.equation(node, definition)
        shown = ast.unparse(node.func).split(".")[-1]
        importing = f"{shown}(…) with `from attnspec.notation import {shown}`"
        mend = importing if shown in vocabulary.WORDS else nearest(shown, vocabulary.WORDS)
        self.refuse(
            node,
            "uses a call outside the notation",
            "a name from the vocabulary, or another equation",
            mend or f"the vocabulary is {', '.join(vocabulary.WORDS)}",
        )

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
            self.refuse(node, "joins fewer than two", "concat(a, b, …) or concat(index, a)", "concat(a, b)")
        match node.args:
            case [ast.Name(id=name), array] if name in self.indices:
                return ConcatOver(name, self.expression(array))
        return Concat(tuple(self.expression(arg) for arg in node.args))

    def read_zeros(self, node: ast.Call) -> Node:
        match node:
            case ast.Call(args=[ast.Constant(value=str(text))], keywords=[]):
                return Zeros(tuple(Dim.parse(size) for size in text.split()))
        self.refuse(node, "has zeros without sizes", "sizes as in a signature", 'zeros("n d")')

    def read_split(self, node: ast.Call) -> Node:
        self.arity(node, 2)
        return Split(self.expression(node.args[0]), self.expression(node.args[1]))

    def read_last(self, node: ast.Call) -> Node:
        self.arity(node, 2)
        return Last(self.index(node.args[0]), self.expression(node.args[1]))

    def read_scan(self, node: ast.Call) -> Node:
        match node.args:
            case [over, ast.Lambda(args=ast.arguments(args=taken), body=body), *starts] if len(starts) == len(taken):
                states = tuple(argument.arg for argument in taken)
            case _:
                self.refuse(
                    node,
                    "has a scan of another form",
                    "scan(t, lambda h: step, h_0), a start for each state",
                    "scan(t, lambda h: cell(x[t], h, …), h_0)",
                )
        first = tuple(self.expression(start) for start in starts)
        outer, self.locals = self.locals, self.locals | set(states)
        step = self.expression(body)
        self.locals = outer
        return Scan(self.index(over), states, step, first)

    def read_through(self, node: ast.Call) -> Node:
        match node:
            case ast.Call(args=[ast.Name(id=layers), layer, start], keywords=[]) if layers in self.layers:
                callee = self.callee(self.value(layer))
                if callee is not None and callee.parameters and not callee.options:
                    return Through(callee, self.expression(start), Name(layers))
        self.refuse(
            node,
            "goes through layers in another form",
            "through(layers, equation, x): layers is a parameter of the type Layers, the equation has no options",
            "through(layers, gru, x)",
        )

    def equation(self, node: ast.Call, definition: Definition) -> Node:
        if any(parameter.kind == "layers" for parameter in definition.parameters):
            self.refuse(
                node,
                f"calls {definition.id}, which takes layers",
                "an equation of arrays alone",
                "write what it does with `through`",
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
        if len(node.args) != count or node.keywords:
            self.refuse(node, "has another number of arguments", f"{count}", "give them in order, without keywords")

    def index(self, node: ast.expr) -> str:
        match node:
            case ast.Name(id=name) if name in self.indices:
                return name
        self.refuse(node, "needs an index here", ", ".join(self.indices) or "none declared yet", 'i = index("n")')

    def word(self, node: ast.expr) -> str:
        """The word of the vocabulary that an expression means, whatever it was imported as; else empty."""
        value = self.value(node)
        for table in (vocabulary.ELEMENTWISE, vocabulary.REDUCTIONS, vocabulary.SPECIAL):
            for function, word in table.items():
                if value is function:
                    return word
        return ""

    def value(self, node: ast.expr) -> object:
        """What a (dotted) global name stands for; None for anything else."""
        match node:
            case ast.Name(id=name):
                return self.globals.get(name)
            case ast.Attribute(value=owner, attr=attr):
                return getattr(self.value(owner), attr, None)
        return None

    def refuse(self, node: ast.AST, what: str, expected: str, mend: str) -> NoReturn:
        """Say where, what was given, what was expected and how to mend it."""
        line = getattr(node, "lineno", 1) + self.offset
        place = "/".join(self.file.split("/")[-2:])
        headline = f"{place}:{line}: {self.id.split('.')[-1]} {what}"
        raise NotationError(headline, given=ast.unparse(node).splitlines()[0], expected=expected, mend=mend)


def _result_name(node: Node) -> str:
    match node:
        case Name(id=name):
            return name
        case Stack(array=array) | Last(state=array):
            return _result_name(array)
    return ""


def _comments(text: str) -> dict[int, str]:
    """Comments by the line they stand on, without what belongs to checkers."""
    found = {}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            comment = token.string.lstrip("# ").strip()
            if not comment.startswith(("noqa", "type:", "fmt:")):
                found[token.start[0]] = comment
    return found
