"""Statements of a candidate's Python files, with what makes the variables that they read."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

MOST_CODE, MOST_INPUTS, MOST_OF_WHOLE, MOST_OF_INPUT = 160, 5, 12, 130
"""A longer statement is not shown; with one, so many are shown that make what it reads, or so many if these are all,
and no longer ones."""

SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Expr)
"""The statements that are shown."""

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


@dataclass(frozen=True)
class _Level:
    """A line that runs: one in a function, or one of a call that leads there.

    Attributes:
        file: its file.
        tree: the syntax tree of the file.
        function: the function that it is in, or else the file.
        statement: its statement.
    """

    file: str
    tree: ast.Module
    function: Function
    statement: ast.stmt

    @property
    def name(self) -> str:
        """The name of the function; "" if it has none."""
        return getattr(self.function, "name", "")


def shown_code(
    places: Sequence[tuple[str, int]],
    right: Collection[tuple[str, str, str]] = (),
    results: Collection[int] = (),
) -> str:
    """The statement of a line of a Python file, on one line, with what makes the variables that it reads.

    Args:
        places: the file and the number of the line, then those of the calls that lead there, the innermost first.
        right: file, function and name of variables that hold lines of the formula, which are left out.
        results: the positions of the results that are of interest, where the statement returns several; all if empty.

    Returns:
        The statement, as "y = f(x), with x = 2 * a"; "" if there is none, or if it is long.
    """
    code, whole = _shown(places, right, results, MOST_OF_WHOLE)
    return code if whole else _shown(places, right, results, MOST_INPUTS)[0]


def is_shown_whole(
    places: Sequence[tuple[str, int]],
    right: Collection[tuple[str, str, str]] = (),
    results: Collection[int] = (),
) -> bool:
    """Whether what makes a statement is shown whole, from arguments and variables that hold lines of the formula on."""
    return _shown(places, right, results, MOST_OF_WHOLE)[1]


def _shown(
    places: Sequence[tuple[str, int]], right: Collection[tuple[str, str, str]], results: Collection[int], most: int
) -> tuple[str, bool]:
    """The code with at most so many statements, and whether it is shown whole."""
    levels: list[_Level] = []
    for file, number in places:
        level = _level(file, number)
        if level is None:
            break
        levels.append(level)
    code = _text(_without_type(levels[0].statement)) if levels else ""
    test = _test(levels[0].statement, levels[0].function) if code else ""
    shown, whole = dict.fromkeys([f"{code} if {test}" if test else code]), bool(code)
    for text, tells in _inputs(levels, right, results) if code else ():
        if text and (text in shown or (len(shown) <= most and len(text) <= MOST_OF_INPUT)):
            shown[text] = None
        elif tells:
            whole = False
    return ", with ".join(shown), whole


def only_return(file: str, number: int) -> int:
    """The line of the only statement that returns from the function whose code begins at a line; 0 if none."""
    tree = _tree(file, _version(file))
    functions = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and min([node.lineno, *(each.lineno for each in node.decorator_list)]) == number
    ]
    returns = _returns(functions[0]) if len(functions) == 1 else []
    return returns[0].lineno if len(returns) == 1 and returns[0].value is not None else 0


def _returns(function: ast.FunctionDef) -> list[ast.Return]:
    """The statements that return from a function, without those of functions in it."""
    inner = [node for node in ast.walk(function) if isinstance(node, ast.FunctionDef | ast.Lambda)][1:]
    nested = {id(node) for each in inner for node in ast.walk(each)}
    found = [node for node in ast.walk(function) if isinstance(node, ast.Return) and id(node) not in nested]
    return sorted(found, key=lambda node: node.lineno)


def allocates(file: str, number: int) -> bool:
    """Whether the statement of a line makes an array in memory that still has other numbers, as `np.empty` does."""
    return number in _allocating(file, _version(file))


@lru_cache(8)
def _allocating(file: str, version: int) -> frozenset[int]:
    """The lines of a file whose statements do."""
    simple = [node for node in ast.walk(_tree(file, version)) if isinstance(node, SIMPLE) and _is_empty(node.value)]
    return frozenset(line for node in simple for line in range(node.lineno, (node.end_lineno or node.lineno) + 1))


def _is_empty(value: ast.AST | None) -> bool:
    return isinstance(value, ast.Call) and _called(value) in ("empty", "empty_like", "new_empty")


def _inputs(
    levels: Sequence[_Level], right: Collection[tuple[str, str, str]], results: Collection[int]
) -> Iterator[tuple[str | None, bool]]:
    """What makes or changes the variables that a statement reads, directly or through others, and what it calls.

    Yields:
        The code, and whether it tells much. The code is None if what makes a variable is not known.
    """
    statement, within = _without_type(levels[0].statement), {level.function for level in levels}
    waiting, later, before = list[_Variable](), list[str](), set[tuple[_Level, str, int]]()
    seen = set[_Variable]()

    def ask(variables: Iterable[_Variable]) -> None:
        for each in variables:
            if each not in seen:
                seen.add(each)
                waiting.append(each)

    def called(node: ast.AST, level: _Level, results: Collection[int] = ()) -> Iterator[str]:
        returned: list[tuple[ast.expr, _Level]] = []
        for name, function in _own_functions(node, level):
            if function not in within:
                within.add(function)
                for text, value, inner in _returned(name, function, level, results):
                    yield text
                    returned.append((value, inner))
        for value, inner in returned:
            ask(_Variable((inner,), each, each, inner.statement.lineno) for each in _read(value))
            yield from called(value, inner)

    ask(_Variable((*levels,), name, name, levels[0].statement.lineno) for name in _read(statement))
    for text in called(statement, levels[0], results):
        yield text, True
    while waiting:
        variable = waiting.pop(0)
        levels_of_it, name, line = _where_it_is(variable)
        level, *callers = levels_of_it
        is_right = (level.file, level.name, name) in right
        base, found = (None, []) if is_right else _made(name, level, line)
        made = [(levels_of_it, each) for each in found]
        if not made and not is_right and _is_given(name, level, line) and callers:
            value = _argument(name, level, callers[0])
            maker = None if value is None else _Maker(value, variable.shown_as, callers[0].statement.lineno)
            made = [] if maker is None else [((*callers,), maker)]
        if made or is_right:
            made += [(levels_of_it, each) for each in _changes(name, level, line, base, is_right)]
        elif not (
            _is_known(name, level, line, 1 + len(callers))
            or {(level, name, each) for each in _lines_of(name, level)} <= before
        ):
            yield None, True
        if not made and variable.shown_as != name:
            later.append(f"{variable.shown_as} = {name}")
        before |= {(level, name, each.line) for _, each in made}
        for at, each in made:
            if isinstance(each.node, ast.Name):  # another name for it
                ask([_Variable(at, each.node.id, variable.shown_as, each.line)])
                continue
            if _tells_little(each.node):
                later.append(each.shown_as(variable.shown_as))
            elif not _is_empty(each.node):
                yield each.shown_as(variable.shown_as), True
            names = [*_read(each.node), *(_read(ast.parse(each.test)) if each.test else [])]
            ask(_Variable(at, other, other, each.line) for other in names if other != name or each.is_new)
            for text in called(each.node, at[0]):
                yield text, True
    yield from ((text, False) for text in later)


@dataclass(frozen=True)
class _Variable:
    """A variable that is read.

    Attributes:
        levels: the line that reads it, and those of the calls that lead there.
        name: its name.
        shown_as: the name that it is shown with.
        line: the number of the line that reads it.
    """

    levels: tuple[_Level, ...]
    name: str
    shown_as: str
    line: int


def _where_it_is(variable: _Variable) -> tuple[tuple[_Level, ...], str, int]:
    """The levels of a variable, its name, and the line before which it is made: in a function around that of the line.

    A variable of a function around another one is that of the call that leads there, or else the last one.
    """
    levels, name = variable.levels, variable.name
    inner = levels[0].function
    if isinstance(inner, ast.Module):
        return levels, name, variable.line
    functions = [each for each in ast.walk(levels[0].tree) if isinstance(each, ast.FunctionDef)]
    around = sorted((each for each in functions if _is_at(each, inner.lineno)), key=_length)
    scope = next((each for each in around if name in _parameters(each) or _makes(each, name)), None)
    if scope is None or scope is inner:
        return levels, name, variable.line
    for k, level in enumerate(levels):
        if level.function is scope:
            return levels[k:], name, level.statement.lineno
    return (_Level(levels[0].file, levels[0].tree, scope, inner),), name, 1 + (scope.end_lineno or scope.lineno)


def _makes(function: Function, name: str) -> bool:
    """Whether a function assigns a variable."""
    return any(name in _stored(node) for node in _own(function))


def _own_functions(node: ast.AST, level: _Level) -> Iterator[tuple[str, ast.FunctionDef]]:
    """The functions of the same file that an expression or statement reads, with the names that it reads them by."""
    of_file = [each for each in ast.walk(level.tree) if isinstance(each, ast.FunctionDef)]
    for part in ast.walk(node):
        name = ""
        if isinstance(part, ast.Name) and not _is_given(part.id, level, level.statement.lineno):
            name = part.id
        elif isinstance(part, ast.Attribute) and _root(part) == "self":
            name = part.attr
        named = [each for each in of_file if each.name == name]
        if len(named) == 1:
            yield ast.unparse(part), named[0]


def _returned(
    name: str, function: ast.FunctionDef, caller: _Level, results: Collection[int]
) -> Iterator[tuple[str, ast.expr, _Level]]:
    """What a function that is called returns: the code, the expression, and its line.

    Args:
        results: the positions of the results that are of interest, where the caller returns what it returns.
    """
    whole = isinstance(caller.statement, ast.Return) and isinstance(caller.statement.value, ast.Call)
    for node in _returns(function):
        if node.value is None:
            continue
        level, test = _Level(caller.file, caller.tree, function, node), _test(node, function)
        parts = [("", node.value)]
        if whole and results and isinstance(node.value, ast.Tuple) and max(results) < len(node.value.elts):
            parts = [(f"[{k}]", node.value.elts[k]) for k in sorted(results)]
        for place, value in parts:
            text = _text(value) and f"{name}(…){place} = {_text(value)}"
            yield f"{text} if {test}" if text and test else text, value, level


def _tells_little(node: ast.AST) -> bool:
    """Whether an expression is a size, 0, or memory that is written later."""
    of_size = isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
    if isinstance(node, ast.Constant) and node.value == 0:
        return True
    return of_size or (isinstance(node, ast.Call) and _called(node) in ("zeros", "zeros_like", "new_zeros"))


@dataclass(frozen=True)
class _Maker:
    """What makes or changes a variable.

    Attributes:
        node: the expression that it is, or the statement that changes it.
        name: the variable; "" of a statement.
        line: the line of the statement.
        test: the condition under which it runs.
        is_new: whether it makes the variable anew.
    """

    node: ast.AST
    name: str
    line: int
    test: str = ""
    is_new: bool = True

    def shown_as(self, name: str) -> str:
        """The code on one line, with another name of the variable; "" if it is long."""
        code = _text(self.node)
        code = f"{name} = {code}" if self.name and code else code
        return f"{code} if {self.test}" if self.test and code else code


def _made(name: str, level: _Level, line: int) -> tuple[ast.stmt | None, list[_Maker]]:
    """The last statement that always makes a variable before a line, with it and what may make it anew after it.

    It is looked for in the function, or else in the file; there is none if something else may make it too.
    """
    for scope in dict.fromkeys((level.function, level.tree)):
        stored = [node for node in _own(scope) if name in _stored(node)]
        if stored or name in _parameters(scope):
            return _reaching(name, stored, scope, line) if scope is level.function else _only(name, stored)
    return None, []


def _only(name: str, stored: Sequence[ast.AST]) -> tuple[ast.stmt | None, list[_Maker]]:
    """The same, of the only assignment of a variable."""
    return None, [*_given(name, stored[0])] if len(stored) == 1 else []


def _reaching(
    name: str, stored: Sequence[ast.AST], function: Function, line: int
) -> tuple[ast.stmt | None, list[_Maker]]:
    """The same, of the assignments of a variable in a function."""
    loops = [node for node in ast.walk(function) if isinstance(node, ast.For | ast.While) and _is_at(node, line)]
    turns = [node for node in loops if isinstance(node, ast.For) and node in stored]
    if turns and len(stored) == 1:
        return None, [_Maker(_header(turns[0]), "", turns[0].lineno)] if not _is_plain(turns[0].iter) else []
    before = [node for node in stored if isinstance(node, ast.stmt) and (node.end_lineno or node.lineno) < line]
    before = sorted(before, key=lambda node: node.lineno)
    before = [node for node in before if not _is_other_branch(node, function, line)]
    always = [node for node in before if _runs_first(node, function, line)]
    base = always[-1] if always else None
    around = [loop for loop in loops if base is None or not any(node is base for node in ast.walk(loop))]
    again = [node for loop in around for node in ast.walk(loop) if node in stored and isinstance(node, ast.stmt)]
    reaching = [node for node in before if base is None or node.lineno >= base.lineno]
    reaching = sorted({*reaching, *again}, key=lambda node: node.lineno)
    made = [replace(each, test=_test(node, function, line)) for node in reaching for each in _given(name, node)]
    return base, made if len(made) == len(reaching) else []


def _runs_first(node: ast.stmt, function: Function, line: int) -> bool:
    """Whether a statement has run whenever a later line does: a statement around the line follows it."""
    blocks = [block for each in ast.walk(function) for block in _blocks(each) if node in block]
    return any(_runs_in(block, line) for block in blocks)


def _is_other_branch(node: ast.stmt, function: Function, line: int) -> bool:
    """Whether a statement and a line are in different branches of a condition."""
    ifs = [each for each in ast.walk(function) if isinstance(each, ast.If)]
    branches = [(each.body, each.orelse) for each in ifs if _is_at(each, node.lineno) and _is_at(each, line)]
    return any(_runs_in(a, node.lineno) and _runs_in(b, line) for pair in branches for a, b in (pair, pair[::-1]))


def _runs_in(block: Sequence[ast.stmt], line: int) -> bool:
    """Whether a line is in a list of statements."""
    return any(_is_at(each, line) for each in block)


def _is_plain(iterated: ast.expr) -> bool:
    """Whether a loop runs over the places of an array, as over `range(n)`."""
    return isinstance(iterated, ast.Call) and _called(iterated) == "range" and len(iterated.args) == 1


def _test(node: ast.stmt, function: Function, line: int = 0) -> str:
    """The condition under which a statement runs, where a later line runs; "" if there is none."""
    tests = []
    for each in ast.walk(function):
        if isinstance(each, ast.If) and _is_at(each, node.lineno) and not _is_at(each, line):
            inside = _runs_in(each.body, node.lineno)
            tests.append(ast.unparse(each.test if inside else ast.UnaryOp(ast.Not(), each.test)))
    test = " and ".join(tests)
    return test if len(test) <= MOST_OF_INPUT else ""


def _given(name: str, node: ast.AST) -> Iterator[_Maker]:
    """What an assignment gives a variable; nothing if that is not known."""
    node = _without_type(node)
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        (target,), value = node.targets, node.value
        if isinstance(target, ast.Name):
            yield _Maker(value, name, node.lineno)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            for each, given in zip(target.elts, value.elts, strict=True):
                if isinstance(each, ast.Name) and each.id == name:
                    yield _Maker(given, name, node.lineno)
                elif isinstance(each, ast.Tuple) and name in _assigned(each):
                    yield _Maker(ast.Assign([each], given, lineno=node.lineno), "", node.lineno)
        elif isinstance(target, ast.Tuple) and any(isinstance(each, ast.Call) for each in ast.walk(value)):
            yield _Maker(node, "", node.lineno)


def _without_type(node: ast.AST) -> ast.AST:
    """An assignment without the type of its variable; any other statement as it is."""
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return ast.copy_location(ast.Assign([node.target], node.value), node)
    return node


def _changes(name: str, level: _Level, line: int, base: ast.stmt | None, parts: bool) -> list[_Maker]:
    """The statements that may have changed the array of a variable in place before a line.

    Args:
        base: the statement that made the variable; those before it do not count.
        parts: whether only statements count that change parts of it.
    """
    loops = [node for node in ast.walk(level.function) if isinstance(node, ast.For | ast.While) and _is_at(node, line)]
    again = {id(node) for loop in loops for node in ast.walk(loop)}
    views = [node for node in ast.walk(level.function) if isinstance(node, ast.Assign) and _is_view(node, name)]
    names = {name, *(each for node in views for each in _assigned(node))}
    return [
        _Maker(node, "", node.lineno, _test(node, level.function, line), is_new=False)
        for node in _own(level.function)
        if isinstance(node, SIMPLE)
        and not names.isdisjoint(_changed(node, parts))
        and not _is_at(node, line)
        and ((node.end_lineno or node.lineno) < line or id(node) in again)
        and (base is None or node.lineno > base.lineno)
    ]


def _is_view(node: ast.Assign, name: str) -> bool:
    """Whether an assignment names a part of the array of a variable, of which changes are changes of it."""
    return isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Subscript) and _root(node.value) == name


def _changed(node: ast.stmt, parts: bool) -> set[str]:
    """The variables whose arrays a statement changes in place."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    targets = [part for each in targets for part in (each.elts if isinstance(each, ast.Tuple) else [each])]
    found = {_root(each) for each in targets if isinstance(each, ast.Subscript)}
    if not parts and isinstance(node, ast.AugAssign):
        found.add(_root(node.target))
    call = node.value if isinstance(node, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
        method, of = call.func.attr, _root(call.func.value)
        if (method.endswith("_") and not method.endswith("__")) or method == "append":
            found.add(of)
        found |= {_root(each) for each in call.args[:1] if method in ("at", "copyto")}
    return found - {""}


def _root(node: ast.AST | None) -> str:
    """The variable of which an expression is a part; "" if it is of none."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _header(loop: ast.For) -> ast.Compare:
    """What a loop runs over, as `k in range(3)`."""
    return ast.Compare(loop.target, [ast.In()], [loop.iter])


def _blocks(node: ast.AST) -> list[list[ast.stmt]]:
    """The lists of statements that a node has."""
    return [block for name in ("body", "orelse", "finalbody") if isinstance(block := getattr(node, name, None), list)]


def _is_given(name: str, level: _Level, line: int) -> bool:
    """Whether a variable is a parameter of a function that is not assigned before a line."""
    stored = (node for node in _own(level.function) if name in _stored(node))
    return name in _parameters(level.function) and all(getattr(node, "lineno", 0) >= line for node in stored)


def _lines_of(name: str, level: _Level) -> list[int]:
    """The lines of the statements of a function that make a variable."""
    return [getattr(node, "lineno", 0) for node in _own(level.function) if name in _stored(node)] or [0]


def _is_known(name: str, level: _Level, line: int, left: int) -> bool:
    """Whether a variable that nothing makes is an argument, a place in a loop, or a function, class or module.

    Args:
        left: how many levels there are from this one on.
    """
    if _is_given(name, level, line):
        return left == 1
    stored = [node for node in _own(level.function) if name in _stored(node)]
    if stored:
        return all(isinstance(node, ast.For | ast.comprehension) and _is_plain(node.iter) for node in stored)
    return name not in _assigned(level.tree)


def _own(scope: Function) -> Iterator[ast.AST]:
    """The nodes of a function, without those of functions in it; of a file, the statements outside of functions."""
    if isinstance(scope, ast.Module):
        yield from scope.body
        return
    waiting: list[ast.AST] = [*scope.body]
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += ast.iter_child_nodes(node)


def _stored(node: ast.AST) -> set[str]:
    """The variables that a statement assigns, or a loop at each turn; none of the statements in its body."""
    if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        return _assigned(node.target)
    if isinstance(node, ast.AugAssign):  # it changes what there is
        return set()
    return _assigned(node) if isinstance(node, (*SIMPLE, ast.withitem, ast.NamedExpr)) else set()


def _argument(name: str, callee: _Level, caller: _Level) -> ast.expr | None:
    """What a call of a function gives for a parameter; None if that is not known."""
    calls = [node for node in ast.walk(caller.statement) if isinstance(node, ast.Call) and _called(node) == callee.name]
    if len(calls) != 1 or isinstance(callee.function, ast.Module):
        return None
    (call,) = calls
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    names = [each.arg for each in (*callee.function.args.posonlyargs, *callee.function.args.args)]
    names = names[isinstance(call.func, ast.Attribute) and names[:1] == ["self"] :]
    if any(isinstance(each, ast.Starred) for each in call.args):
        return None
    return given.get(name) or dict(zip(names, call.args, strict=False)).get(name)


def _called(call: ast.Call) -> str:
    """The name of what is called."""
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _read(node: ast.AST) -> list[str]:
    """The variables that a statement or an expression reads, in order, but for those that it makes on the way."""
    names = (each for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load))
    read = dict.fromkeys(each.id for each in sorted(names, key=lambda each: (each.lineno, each.col_offset)))
    turns = [each.target for each in ast.walk(node) if isinstance(each, ast.comprehension)]
    given = [each.args for each in ast.walk(node) if isinstance(each, ast.Lambda)]
    own = {name for each in turns for name in _assigned(each)} | {each.arg for args in given for each in args.args}
    return [name for name in read if name not in own]


def _assigned(node: ast.AST) -> set[str]:
    """The variables that a statement assigns."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}


def _parameters(function: Function) -> set[str]:
    given = () if isinstance(function, ast.Module) else ast.walk(function.args)
    return {each.arg for each in given if isinstance(each, ast.arg)}


def _level(file: str, number: int) -> _Level | None:
    """A line of a file; None if it has no statement that can be shown."""
    tree = _tree(file, _version(file))
    here = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and _is_at(node, number)]
    simple = [node for node in here if isinstance(node, SIMPLE)]
    functions = [node for node in here if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    if not simple:
        return None
    return _Level(file, tree, min(functions, key=_length, default=tree), min(simple, key=_length))


def _is_at(node: ast.stmt, number: int) -> bool:
    return node.lineno <= number <= (node.end_lineno or node.lineno)


def _length(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno


def _text(node: ast.AST) -> str:
    """Code on one line; "" if it is long, or no text."""
    code = ast.unparse(node)
    return code if len(code) <= MOST_CODE and code.isprintable() else ""


def _version(file: str) -> int:
    """When a file was changed, which a session that watches it outlives; 0 if there is none."""
    try:
        return Path(file).stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


@lru_cache(8)
def _tree(file: str, version: int) -> ast.Module:
    """The syntax tree of a Python file; an empty one of what is not one."""
    try:
        return ast.parse(Path(file).read_bytes())
    except (OSError, ValueError, SyntaxError, RecursionError):
        return ast.Module([], [])
