"""Operations that software adds to a formula: another function, a residual, swapped arguments, a division by a length.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import chain, combinations

from attnspec.interpreters.formula.formula import text_of, text_of_result
from attnspec.interpreters.mutation.everywhere import Occurrence, everywhere
from attnspec.interpreters.mutation.free_numbers import MOVED, is_float
from attnspec.interpreters.mutation.function_substitutions import clipped
from attnspec.interpreters.mutation.mutants import Mutant, changes, is_well_formed, parts
from attnspec.interpreters.mutation.operators import Site, must_equal
from attnspec.language.traversal import map_definition, map_node, nodes, replace_node, with_roots
from attnspec.language.tree import (
    SOFTMAXES,
    Apply,
    At,
    Call,
    Definition,
    Name,
    Node,
    Number,
    Position,
    Reduce,
    Scan,
    SizeOf,
    Stack,
)

BOUNDS = (1.0, 2.0, 3.0, 5.0, 6.0, 10.0, 15.0, 20.0, 30.0, 50.0, 80.0, 100.0)
"""Values to whose negative and positive side software clips."""

FUNCTIONS = ("tanh", "sigmoid", "relu", "gelu", "exp")
"""Functions that may be applied by mistake."""

USUAL = (-1.0, 0.0, 1.0, 2.0)
"""Constants that are not mistaken for one another."""

LOPSIDED = ("sigmoid", "relu", "gelu", "exp", "silu", "softplus")
"""Functions that are neither odd nor even."""

APPLIED = (*FUNCTIONS, "silu", "softplus", "sqrt", "log", "abs")
"""Functions that may be applied to each operand by mistake."""


def insertions(definition: Definition, roots: Collection[int] | None = None) -> Iterator[Mutant]:
    """The variants of an equation with each addition.

    Args:
        roots: the positions of the lines that may be wrong among its roots; all of them by default.
    """
    whole = chain(
        _residuals(definition),
        _sums_of_arguments(definition),
        _exchanges(definition),
        _option_exchanges(definition),
        _constant_exchanges(definition),
        _symmetric(definition),
        _done_elsewhere(definition),
    )
    yield from (each for each in whole if roots is None or changes(each.definition, definition, roots))
    for label, sentence, tree in chain(
        _functions(definition, roots),
        _powers(definition, roots),
        _signs(definition, roots),
        _of_each(definition, roots),
        _of_operands(definition, roots),
        _other_slopes(definition, roots),
        _softmax_first(definition, roots),
        _other_operations(definition, roots),
        _lengths(definition, roots),
        _sums(definition, roots),
        _residual_calls(definition, roots),
        _around_calls(definition, roots),
        _clippings(definition, roots),
        _cut_for_scaled(definition, roots),
    ):
        yield Mutant(f"{label}/insert", sentence, tree)


def _done_elsewhere(definition: Definition) -> Iterator[Mutant]:
    """A line is 0 where another array is, and scaled as that is elsewhere: what is dropped of one is of both."""
    for place in everywhere(definition):
        match place.node:
            case Apply(op="where", args=(condition, kept, Number(value=0.0))) if _is_given(condition, place):
                arrays = [*dict.fromkeys(_arrays_of(kept, place.site))]
                for k, line in enumerate(definition.lines) if len(arrays) == 1 else ():
                    value = line.value.array if isinstance(line.value, Stack) else line.value
                    if isinstance(value, Scan) or place.node in nodes(value):
                        continue
                    for other in dict.fromkeys((replace_node(kept, arrays[0], value), value)):
                        new: Node = Apply("where", (condition, other, Number(0.0)))
                        root = replace(line.value, array=new) if isinstance(line.value, Stack) else new
                        tree = with_roots(definition, (*definition.roots[:k], root, *definition.roots[k + 1 :]))
                        if is_well_formed(tree):
                            label, shown = ", ".join(line.targets), text_of(new, definition)
                            says = f"in {label}: {shown} is used instead of {text_of(value, definition)}"
                            yield Mutant(f"{label}/{shown}", says, tree)


def _is_given(condition: Node, place: Occurrence) -> bool:
    """Whether a condition of the equation itself is of an argument, and not of places alone."""
    given = {parameter.name for parameter in place.site.definition.parameters}
    return "/" not in place.label and any(isinstance(each, Name) and each.id in given for each in nodes(condition))


def _arrays_of(node: Node, site: Site) -> Iterator[Node]:
    """The arrays that an expression reads, as elements where it reads these."""
    match node:
        case At():
            yield node
        case Name() if is_float(node, site) and node.id not in {each.name for each in site.definition.options}:
            yield node
        case Apply(args=args):
            for each in args:
                yield from _arrays_of(each, site)
        case Number() | SizeOf() | Position() | Name():
            return
        case _:
            yield node


def _residuals(definition: Definition) -> Iterator[Mutant]:
    """An argument is added to a result of the same shape, or multiplied by it, or added where two sizes are equal."""
    if len(definition.returns) != len(definition.results):
        return
    many = len(definition.results) > 1
    for place, result in enumerate(definition.results):
        label = f"result {place + 1}" if many else "the result"
        for parameter in definition.parameters:
            if result.kind == parameter.kind == "float" and len(parameter.dims) == len(result.dims) > 0:
                pairs = zip(parameter.dims, result.dims, strict=True)
                equal = tuple(dict.fromkeys(pair for one, other in pairs for pair in must_equal(one, other)))
                if len(equal) > 1 or (equal and parameter.symbol.weight):
                    continue
                symbol = text_of(Name(parameter.name), definition)
                where = ", where the sizes fit" if equal else ""
                for op, verb in (("+", "is added to"), ("*", "is multiplied with"))[: 1 if equal else 2]:
                    new = Apply(op, (definition.returns[place], Name(parameter.name)))
                    returns = (*definition.returns[:place], new, *definition.returns[place + 1 :])
                    tree = replace(definition, returns=returns)
                    if is_well_formed(tree, equal):
                        says = f"{symbol} {verb} {label}{where}"
                        yield Mutant(f"{label}/{op}{parameter.name}", says, tree, equal_sizes=equal)


def _sums_of_arguments(definition: Definition) -> Iterator[Mutant]:
    """A result is the sum of two arguments of its shape, as of two parts of an output."""
    if len(definition.returns) != len(definition.results):
        return
    for place, result in enumerate(definition.results):
        alike = [
            each.name
            for each in definition.parameters
            if each.kind == result.kind == "float" and each.dims == result.dims and not each.symbol.weight
        ]
        label = f"result {place + 1}" if len(definition.results) > 1 else "the result"
        for a, b in combinations(alike, 2):
            total = Apply("+", (Name(a), Name(b)))
            tree = replace(definition, returns=(*definition.returns[:place], total, *definition.returns[place + 1 :]))
            shown, name = text_of(total, definition), text_of_result(definition, place)
            if is_well_formed(tree):
                yield Mutant(f"{label}/sum/{a}-{b}", f"{shown} is returned instead of {name}", tree)


def _exchanges(definition: Definition) -> Iterator[Mutant]:
    """Two arguments of the same shape are swapped, or one is read instead of the other."""
    floats = [parameter for parameter in definition.parameters if parameter.kind == "float"]
    for a, b in combinations(floats, 2):
        if a.dims != b.dims:
            continue
        first, second = (text_of(Name(parameter.name), definition) for parameter in (a, b))
        yield Mutant(
            f"exchange/{a.name}-{b.name}",
            f"{first} and {second} are swapped",
            _renamed(definition, {a.name: b.name, b.name: a.name}),
        )
        yield Mutant(
            f"for/{a.name}-{b.name}", f"{second} is read instead of {first}", _renamed(definition, {a.name: b.name})
        )
        yield Mutant(
            f"for/{b.name}-{a.name}", f"{first} is read instead of {second}", _renamed(definition, {b.name: a.name})
        )


def _option_exchanges(definition: Definition) -> Iterator[Mutant]:
    """Two options are swapped, everywhere or in two lines of which each reads one of them."""
    options = [option.name for option in definition.options if option.kind == "float"]
    for a, b in combinations(options, 2):
        first, second = (text_of(Name(name), definition) for name in (a, b))
        names = {a: b, b: a}
        yield Mutant(f"exchange/{a}-{b}", f"{first} and {second} are swapped", _renamed(definition, names))
        read = [{node.id for node in nodes(line.value) if isinstance(node, Name)} & {a, b} for line in definition.lines]
        for one, other in combinations([k for k, found in enumerate(read) if len(found) == 1], 2):
            if read[one] != read[other]:
                lines = tuple(
                    replace(line, value=_with_names(line.value, names)) if k in (one, other) else line
                    for k, line in enumerate(definition.lines)
                )
                where = " and ".join(", ".join(definition.lines[k].targets) for k in (one, other))
                says = f"in {where}: {first} and {second} are swapped"
                yield Mutant(f"{where}/exchange/{a}-{b}", says, replace(definition, lines=lines))


def _constant_exchanges(definition: Definition) -> Iterator[Mutant]:
    """Two constants of one line are swapped."""
    for label, root, build in parts(definition):
        found = dict.fromkeys(node for node in nodes(root) if isinstance(node, Number) and node.value not in USUAL)
        for a, b in combinations(found, 2):
            swapped = {a: b, b: a}
            tree = build(map_node(root, lambda node, swapped=swapped: swapped.get(node, node)))  # type: ignore[misc]  # mypy does not infer a lambda with a default
            says = f"in {label}: {a.value:.6g} and {b.value:.6g} are swapped"
            yield Mutant(f"{label}/exchange/{a.value:g}-{b.value:g}", says, tree)


def _symmetric(definition: Definition) -> Iterator[Mutant]:
    """A square matrix of weights is averaged with its transpose."""
    for parameter in definition.parameters:
        if parameter.kind == "float" and parameter.symbol.weight and len(parameter.dims) == 2:
            name = Name(parameter.name)
            mean = Apply("*", (Number(0.5), Apply("+", (name, Apply("transpose", (name,))))))
            tree = map_definition(definition, lambda node, name=name, mean=mean: mean if node == name else node)  # type: ignore[misc]  # mypy does not infer a lambda with a default
            says = f"{text_of(name, definition)} is averaged with its transpose, where it is square"
            yield Mutant(f"symmetric/{parameter.name}", says, tree, equal_sizes=must_equal(*parameter.dims))


def _with_names(tree: Node, names: dict[str, str]) -> Node:
    return map_node(tree, lambda node: Name(names.get(node.id, node.id)) if isinstance(node, Name) else node)


def _renamed(definition: Definition, names: dict[str, str]) -> Definition:
    """An equation that reads other names."""
    return map_definition(
        definition, lambda node: Name(names.get(node.id, node.id)) if isinstance(node, Name) else node
    )


def _functions(definition: Definition, roots: Collection[int] | None) -> Iterator[tuple[str, str, Definition]]:
    """A function is applied to a part of the formula, also in the equations that are called.

    One of a comparison says what it decides worse, and one of a number alone is another number.
    """
    for place in everywhere(definition, roots):
        constant = all(isinstance(part, Number | Apply) for part in nodes(place.node))
        if not place.compared and not constant and _is_value(place.node, place.site):
            shown = place.site.show(place.node)
            for function in FUNCTIONS:
                sentence = f"in {place.line}: {function} is applied to {shown}"
                yield place.label, sentence, place.put(Apply(function, (place.node,)))


def _of_each(definition: Definition, roots: Collection[int] | None) -> Iterator[tuple[str, str, Definition]]:
    """A function is applied to each term or factor, not to their sum or product."""
    for place in everywhere(definition, roots):
        match place.node:
            case Apply(op=function, args=(Apply(op="+" | "-" | "*" as op, args=(a, b)),)) if function in APPLIED:
                new = Apply(op, (Apply(function, (a,)), Apply(function, (b,))))
                says = f"{function} is applied to {place.site.show(a)} and to {place.site.show(b)}, each alone"
                yield place.label, f"in {place.line}: {says}", place.put(new)


def _of_operands(definition: Definition, roots: Collection[int] | None) -> Iterator[tuple[str, str, Definition]]:
    """A function is applied to both operands of a product of vectors, or each is divided by its root mean square."""
    for place in everywhere(definition, roots):
        match place.node:
            case Apply(op="@", args=(a, b)) if not place.site.type_of(place.node).dims and a != b:
                shown = f"{place.site.show(a)} and {place.site.show(b)}"
                for function in APPLIED:
                    new = Apply("@", (Apply(function, (a,)), Apply(function, (b,))))
                    says = f"in {place.line}: {function} is applied to {shown} before they are multiplied"
                    yield place.label, says, place.put(new)
                size = SizeOf(place.site.type_of(a).dims[0])
                one, other = (_root_mean_square(each, size) for each in (a, b))
                for first, second, words in (
                    (one, other, ""),
                    (_or_one(one), _or_one(other), ", or by 1 where that is 0"),
                ):
                    new = Apply("@", (Apply("/", (a, first)), Apply("/", (b, second))))
                    says = f"in {place.line}: {shown} are divided by their root mean squares{words}"
                    yield place.label, says, place.put(new)


def _softmax_first(definition: Definition, roots: Collection[int] | None) -> Iterator[tuple[str, str, Definition]]:
    """Softmax is of shares, which softmax gave already, as of probabilities divided by a temperature."""
    for place in everywhere(definition, roots):
        match place.node:
            case Reduce(op=op, index=index, term=term, where=where) as again if op in SOFTMAXES:
                for part in dict.fromkeys(nodes(term)):
                    if isinstance(part, Number | SizeOf) or not is_float(part, place.site):
                        continue
                    if index in place.site.type_of(part).names:
                        shares = Reduce("softmax", index, part, where)
                        says = f"in {place.line}: softmax of {place.site.show(part)} is taken first, and {op} of that"
                        yield place.label, says, place.put(replace(again, term=replace_node(term, part, shares)))


def _other_slopes(definition: Definition, roots: Collection[int] | None) -> Iterator[tuple[str, str, Definition]]:
    """The slope of sigmoid is taken for that of tanh, or that of tanh for that of sigmoid, both of what they give."""
    for place in everywhere(definition, roots):
        match place.node:
            case Apply(op="-", args=(Number(value=1.0) as one, Apply(op="*", args=(y, same)))) if y == same:
                shown, new = place.site.show(y), Apply("*", (y, Apply("-", (one, y))))
                says = f"in {place.line}: the slope of sigmoid is used instead of that of tanh, at {shown}"
                yield place.label, says, place.put(new)
            case Apply(op="*", args=(factor, Apply(op="-", args=(Number(value=1.0) as one, y)))):
                square = Apply("-", (one, Apply("*", (y, y))))
                match factor:
                    case Apply(op="*", args=(other, same)) if same == y:
                        new = Apply("*", (other, square))
                    case same if same == y:
                        new = square
                    case _:
                        continue
                says = f"in {place.line}: the slope of tanh is used instead of that of sigmoid, at {place.site.show(y)}"
                yield place.label, says, place.put(new)


def _other_operations(definition: Definition, roots: Collection[int] | None) -> Iterator[tuple[str, str, Definition]]:
    """Two arrays are multiplied where they should be added, or added where they should be multiplied."""
    for place in everywhere(definition, roots):
        match place.node:
            case Apply(op="+" | "*" as op, args=(a, b)) if _is_value(a, place.site) and _is_value(b, place.site):
                done, due, other = ("multiplied", "added", "*") if op == "+" else ("added", "multiplied", "+")
                says = f"in {place.line}: {place.site.show(a)} and {place.site.show(b)} are {done}, not {due}"
                yield place.label, says, place.put(Apply(other, (a, b)))


def _powers(definition: Definition, roots: Collection[int] | None) -> Iterator[tuple[str, str, Definition]]:
    """A square, or the root of the root, stands where a root should."""
    for place in everywhere(definition, roots):
        match place.node:
            case Apply(op="sqrt", args=(radicand,)) as root:
                shown = place.site.show(radicand)
                squared = place.put(Apply("*", (radicand, radicand)))
                yield place.label, f"in {place.line}: {shown} is squared where its root should be taken", squared
                twice = place.put(Apply("sqrt", (root,)))
                yield place.label, f"in {place.line}: the root of {shown} is taken twice", twice


def _signs(definition: Definition, roots: Collection[int] | None) -> Iterator[tuple[str, str, Definition]]:
    """A function is of minus its argument; of one with a sign, that it is missing is a mutant of the equation."""
    for place in everywhere(definition, roots):
        match place.node:
            case Apply(op=function, args=(argument,)) if function in LOPSIDED:
                if not isinstance(argument, Apply) or argument.op != "neg":
                    shown = place.site.show(argument)
                    new = Apply(function, (Apply("neg", (argument,)),))
                    yield (
                        place.label,
                        f"in {place.line}: {function} is of minus {shown}, not of {shown}",
                        place.put(new),
                    )


def _residual_calls(definition: Definition, roots: Collection[int] | None) -> Iterator[tuple[str, str, Definition]]:
    """What is added before a function is added behind it."""
    for place in everywhere(definition, roots):
        match place.node:
            case Call(args=(Apply(op="+", args=terms), *rest)) as call if len(call.callee.results) == 1:
                for kept, moved in (terms, terms[::-1]):
                    shown, name = place.site.show(moved), call.callee.id.rpartition(".")[2]
                    new = Apply("+", (moved, replace(call, args=(kept, *rest))))
                    yield place.label, f"in {place.line}: {shown} is added behind {name}, not before it", place.put(new)


def _around_calls(definition: Definition, roots: Collection[int] | None) -> Iterator[tuple[str, str, Definition]]:
    """What a called equation is given is added to what it gives, where the two are alike, or their mean is used."""
    for place in everywhere(definition, roots):
        if not isinstance(call := place.node, Call) or len(call.callee.results) > 1 or not call.args:
            continue
        given = call.args[0]
        if is_float(given, place.site) and place.site.type_of(given) == place.site.type_of(call):
            name, shown = call.callee.id.rpartition(".")[2], place.site.show(given)
            total = Apply("+", (call, given))
            yield place.label, f"in {place.line}: {shown} is added to {name} of it", place.put(total)
            mean, says = Apply("/", (total, Number(2.0))), f"the mean of {shown} and {name} of it is used"
            yield place.label, f"in {place.line}: {says}", place.put(mean)


def _lengths(definition: Definition, roots: Collection[int] | None) -> Iterator[tuple[str, str, Definition]]:
    """A vector is divided by its length, or a distance or a cosine stands where a product of two vectors should."""
    for place in everywhere(definition, roots):
        if isinstance(place.node, Number | SizeOf | Scan) or not is_float(place.node, place.site):
            continue
        dims, shown = place.site.type_of(place.node).dims, place.site.show(place.node)
        match place.node:
            case Apply(op="@", args=(a, b)) as product if not dims:
                length = Apply("*", (_length(a), _length(b)))
                distance = Apply("neg", (_square(Apply("-", (a, b))),))
                for divisor, words in ((length, ""), (_or_one(length), ", and 0 of a vector of zeros")):
                    says = f"in {place.line}: the cosine is used instead of {shown}{words}"
                    yield place.label, says, place.put(Apply("/", (product, divisor)))
                says = f"in {place.line}: the negative squared distance is used instead of {shown}"
                yield place.label, says, place.put(distance)
            case vector if len(dims) == 1:
                mean = _root_mean_square(vector, SizeOf(dims[0]))
                for root, words in ((_length(vector), "length"), (mean, "root mean square")):
                    says = f"in {place.line}: {shown} is divided by its {words}"
                    yield place.label, says, place.put(Apply("/", (vector, root)))
                    if isinstance(vector, Name | At):  # which are exactly 0 in some cases
                        yield (
                            place.label,
                            f"{says}, or by 1 where that is 0",
                            place.put(Apply("/", (vector, _or_one(root)))),
                        )


def _sums(definition: Definition, roots: Collection[int] | None) -> Iterator[tuple[str, str, Definition]]:
    """What is read is divided by its sum over an axis, or by the sum of its absolute values; by 1 where that is 0."""
    for place in everywhere(definition, roots):
        if not isinstance(place.node, Name | At) or not is_float(place.node, place.site):
            continue
        shown = place.site.show(place.node)
        for index in sorted(place.site.type_of(place.node).names - {*place.site.bound}):
            for term, words in (
                (place.node, "its sum"),
                (Apply("abs", (place.node,)), "the sum of its absolute values"),
            ):
                total = Reduce("sum", index, term)
                says = f"in {place.line}: {shown} is divided by {words} over {index}"
                yield place.label, says, place.put(Apply("/", (place.node, _or_one(total))))


def _clippings(definition: Definition, roots: Collection[int] | None) -> Iterator[tuple[str, str, Definition]]:
    """A part of the formula, or an input, is clipped."""
    for place in everywhere(definition, roots):
        is_input = isinstance(place.node, Name) and not definition.symbol(place.node.id).weight
        if _is_value(place.node, place.site) and (is_input or not isinstance(place.node, Name)):
            shown = place.site.show(place.node)
            for bound in BOUNDS:
                says = f"in {place.line}: {shown} is clipped to ±{bound:g}"
                yield place.label, says, place.put(clipped(place.node, bound))


def _cut_for_scaled(definition: Definition, roots: Collection[int] | None) -> Iterator[tuple[str, str, Definition]]:
    """What a + (b − a) x scales to what lies between a and b is b x, cut at a."""
    for place in everywhere(definition, roots):
        match place.node:
            case Apply(op="+", args=(one, other)):
                for end, scaled in ((one, other), (other, one)):
                    for difference in dict.fromkeys(nodes(scaled)):
                        if not (isinstance(difference, Apply) and difference.op == "-" and difference.args[1] == end):
                            continue
                        rest = map_node(replace_node(scaled, difference, difference.args[0]), _without_one)
                        larger = Apply("+", (end, Apply("relu", (Apply("-", (rest, end)),))))
                        shown, low = place.site.show(place.node), place.site.show(end)
                        says = f"{place.site.show(rest)}, cut at {low} from below, is used instead of {shown}"
                        yield place.label, f"in {place.line}: {says}", place.put(larger)


def _without_one(node: Node) -> Node:
    """The other factor of 1."""
    return node.args[1] if isinstance(node, Apply) and node.op == "*" and node.args[0] == Number(1.0) else node


def _or_one(number: Node) -> Node:
    """A number, or 1 where it is 0."""
    return Apply("where", (Apply("==", (number, Number(0.0))), Number(1.0), number))


def _length(vector: Node) -> Node:
    """The root of the product of a vector with itself."""
    return Apply("sqrt", (_square(vector),))


def _root_mean_square(vector: Node, size: Node) -> Node:
    """The root of the mean of the squares of a vector of so many elements."""
    return Apply("sqrt", (Apply("/", (_square(vector), size)),))


def _square(vector: Node) -> Node:
    """The product of a vector with itself."""
    return Apply("@", (vector, vector))


def _is_value(node: Node, site: Site) -> bool:
    """Whether a node computes a floating-point array, and does not only move elements."""
    if isinstance(node, (Number, SizeOf, *MOVED)) or (isinstance(node, Apply) and node.op in FUNCTIONS):
        return False
    return is_float(node, site)
