"""Functions that software uses instead of those of the formula: cheaper ones, bounded ones, or those of another model.

They are not mutants of an equation, and the cases need not detect them. They are tried as explanations of wrong answers
that no mutant explains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from attnspec.interpreters.mutation.everywhere import everywhere
from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.mutation.operators import where_seen
from attnspec.language.check import COMPARISONS
from attnspec.language.traversal import map_throughout, nodes
from attnspec.language.tree import SOFTMAXES, Apply, Definition, Name, Node, Number, Position, Reduce, SizeOf

CLIPS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0)
"""Bounds to which software clips what an activation is taken of."""

FLOORS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16, 1e-20, 1e-30)
"""What software keeps from 0: the argument of a logarithm, a probability."""

MASKED = (1.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1e3, 1e4, 65504.0, 1e5, 1e9)
"""Numbers whose negative stands for masked scores; the larger ones hide them from all but lower scores."""

Z_LOSSES = (0.1, 0.01, 1e-3, 1e-4, 1e-5)
"""Factors of a z-loss: PaLM has 1e-4, §5 of https://arxiv.org/abs/2204.02311."""

FOCAL = (0.5, 1.0, 2.0, 3.0, 5.0)
"""Powers of a focal loss: https://arxiv.org/abs/1708.02002 has 2, and tries 0.5 to 5."""

WARPS = (32, 64)
"""How many lanes find the largest score together."""

POWERS = (16, 32, 64, 128, 256, 512, 1024, 4096)
"""Powers of 1 + x/n that are near exp(x)."""

CAPS = (20.0, 30.0, 50.0)
"""Bounds of capped scores: Gemma 2 has 50, and 30 for its output scores; Grok has 30."""


def function_substitutions(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation with each substitution, made also in the equations that it calls."""
    for kind, table in (("instead", SUBSTITUTIONS), ("overflow", OVERFLOWING)):
        for name, (sentence, change) in table.items():
            tree = map_throughout(definition, change)
            if tree is not definition:
                yield Mutant(f"{kind}/{name}", sentence, tree, in_storage=table is OVERFLOWING)


def over_all_rows(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation with one softmax relative to the largest score of all rows, or over all rows at once.

    In the first, rows far below the largest score underflow.
    """
    for place in everywhere(definition):
        match place.node:
            case Reduce(op="softmax", index=index, term=term, where=where) as softmax:
                rows = sorted(place.site.type_of(softmax).names - {index, *place.site.bound})
                top: Node = Reduce("max", index, term, where)
                for row in rows:
                    top = Reduce("max", row, top)
                parts = where_seen(softmax, _exp(_minus(term, top)))
                total: Node = Reduce("sum", index, parts)
                if rows:
                    tree = place.put(_over(parts, total))
                    says = f"in {place.line}: the largest score of all rows is taken off: low rows underflow to 0/0"
                    yield Mutant(f"{place.label}/overflow/all-rows", says, tree, in_storage=True)
                    for row in rows:
                        total = Reduce("sum", row, total)
                    says = (
                        f"in {place.line}: one softmax is over {' and '.join((*rows, index))}, not over {index} alone"
                    )
                    yield Mutant(f"{place.label}/instead/all-rows", says, place.put(_over(parts, total)))


def regrouped_products(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation in which a product is multiplied out before its factor of options alone is applied.

    A share, such as 1 − β, keeps the product small where it comes first: the product alone overflows earlier.
    """
    for place in everywhere(definition):
        match place.node:
            case Apply(op="*", args=(Apply(op="*", args=(share, one)), other)):
                if _is_of_options(share, place.site.definition) and not _is_of_options(one, place.site.definition):
                    product = Apply("*", (one, other))
                    shown, before = place.site.show(product), place.site.show(share)
                    says = (
                        f"in {place.line}: {shown} is multiplied out before {before} is applied: large values overflow"
                    )
                    tree = place.put(Apply("*", (share, product)))
                    yield Mutant(f"{place.label}/overflow/{shown}", says, tree, in_storage=True)


def _is_of_options(node: Node, definition: Definition) -> bool:
    """Whether an expression is computed of options, sizes and numbers alone."""
    options = {option.name for option in definition.options}
    parts = [*nodes(node)]
    return all(isinstance(each, Apply | Number | SizeOf | Name) for each in parts) and all(
        each.id in options for each in parts if isinstance(each, Name)
    )


Change = Callable[[Node, Definition], Node]
"""Replaces a node of an equation."""


def _instead(op: str, new: Callable[[Node], Node]) -> Change:
    """Replaces a function by another one of the same argument."""

    def change(node: Node, _: Definition) -> Node:
        return new(node.args[0]) if isinstance(node, Apply) and node.op == op else node

    return change


def _times(factor: float, x: Node) -> Node:
    return Apply("*", (Number(factor), x))


def _plus(x: Node, y: Node) -> Node:
    return Apply("+", (x, y))


def _minus(x: Node, y: Node) -> Node:
    return Apply("-", (x, y))


def _relu(x: Node) -> Node:
    return Apply("relu", (x,))


def _line(slope: float) -> Callable[[Node], Node]:
    """slope·x + 1/2, clipped to [0, 1]."""
    half = Number(0.5)
    return lambda x: _minus(_relu(_plus(_times(slope, x), half)), _relu(_minus(_times(slope, x), half)))


def clipped(x: Node, bound: float = 1.0) -> Node:
    """x, clipped to [−bound, bound]; without arithmetic, which would lose digits of x."""
    return Apply("where", (Apply(">", (x, Number(bound))), Number(bound), _at_least(x, -bound)))


def _of_clipped(op: str, bound: float) -> Change:
    """Clips the argument of a function wherever it is used."""
    return _instead(op, lambda x: Apply(op, (clipped(x, bound),)))


def _at_least(x: Node, floor: float) -> Node:
    return Apply("where", (Apply("<", (x, Number(floor))), Number(floor), x))


def _log_of_clipped(single: bool) -> Callable[[float], Callable[[Node], Node]]:
    """The logarithm of what is clipped to [floor, 1 − floor].

    Args:
        single: whether the upper end is a number of float32.
    """

    def of(floor: float) -> Callable[[Node], Node]:
        high = Number(float(np.float32(1 - floor)) if single else 1 - floor)

        def new(x: Node) -> Node:
            return Apply("log", (Apply("where", (Apply(">", (x, high)), high, _at_least(x, floor))),))

        return new

    return of


def _leaky(slope: float) -> Callable[[Node], Node]:
    return lambda x: _minus(_relu(x), _times(slope, _relu(Apply("neg", (x,)))))


def _negative_part(x: Node) -> Node:
    """max(−x, 0)."""
    return _relu(Apply("neg", (x,)))


def _elu(x: Node) -> Node:
    """x where it is positive, else exp(x) − 1."""
    return _plus(_relu(x), _minus(_exp(Apply("neg", (_negative_part(x),))), Number(1.0)))


def _selu(x: Node) -> Node:
    return _times(1.0507009873554805, _plus(_relu(x), _times(1.6732632423543772, _minus(_elu(x), _relu(x)))))


def _mish(x: Node) -> Node:
    return Apply("*", (x, Apply("tanh", (Apply("softplus", (x,)),))))


def _hard_swish(x: Node) -> Node:
    return Apply("*", (x, _line(1 / 6)(x)))


def _softsign(x: Node) -> Node:
    return _over(x, _plus(Number(1.0), Apply("abs", (x,))))


def _rational_tanh(x: Node) -> Node:
    """x (27 + x²) / (27 + 9x²), with x clipped to ±3, where it is ±1."""
    y = clipped(x, 3.0)
    square = Apply("*", (y, y))
    return _over(Apply("*", (y, _plus(Number(27.0), square))), _plus(Number(27.0), _times(9.0, square)))


def _gelu_by_tanh(x: Node) -> Node:
    inner = _times(math.sqrt(2 / math.pi), _plus(x, _times(0.044715, Apply("*", (x, Apply("*", (x, x)))))))
    return Apply("*", (_times(0.5, x), _plus(Number(1.0), Apply("tanh", (inner,)))))


def _of_softmax(new: Callable[[Reduce], Node]) -> Change:
    """Replaces the weights of a softmax."""

    def change(node: Node, _: Definition) -> Node:
        return new(node) if isinstance(node, Reduce) and node.op == "softmax" else node

    return change


def _with_square_of_log_sum_exp(factor: float) -> Change:
    """Takes a share of the square of the log-sum-exp off the logarithm of a softmax, as a further term of a loss."""

    def change(node: Node, _: Definition) -> Node:
        if not isinstance(node, Reduce) or node.op != "log_softmax":
            return node
        lse = _minus(node.term, node)
        return _minus(node, _times(factor, Apply("*", (lse, lse))))

    return change


def _focal(power: float) -> Change:
    """Multiplies the logarithm of a softmax by a power of 1 less the softmax."""

    def change(node: Node, _: Definition) -> Node:
        if not isinstance(node, Reduce) or node.op != "log_softmax":
            return node
        rest = _minus(Number(1.0), replace(node, op="softmax"))
        return Apply("*", (rest if power == 1 else Apply("**", (rest, Number(power))), node))

    return change


def _by_power(power: int) -> Callable[[Reduce], Node]:
    """A softmax whose exponential function is a power of 1 + x/n, or 0 where that is negative."""

    def weights(softmax: Reduce) -> Node:
        shifted = _minus(softmax.term, replace(softmax, op="max"))
        base = _relu(_plus(Number(1.0), _over(shifted, Number(float(power)))))
        parts = where_seen(softmax, Apply("**", (base, Number(float(power)))))
        return _over(parts, Reduce("sum", softmax.index, parts))

    return weights


def _of_relu(softmax: Reduce) -> Node:
    """relu of the scores over their sum."""
    share = _relu(softmax.term)
    return where_seen(softmax, _over(share, _plus(replace(softmax, op="sum", term=share), Number(1e-9))))


def _gated(slope: float) -> Callable[[Node], Node]:
    """x σ(slope·x)."""
    return lambda x: Apply("*", (x, Apply("sigmoid", (_times(slope, x) if slope != 1 else x,))))


def _capped(cap: float) -> Change:
    """Replaces the scores s of a softmax by cap·tanh(s/cap)."""

    def change(node: Node, _: Definition) -> Node:
        if not isinstance(node, Reduce) or node.op not in SOFTMAXES:
            return node
        return replace(node, term=_times(cap, Apply("tanh", (Apply("/", (node.term, Number(cap))),))))

    return change


def _mask_as_number(op: str) -> Change:
    """Adds a mask to the scores, or multiplies them with it, as 0 and 1, and hides nothing."""

    def change(node: Node, definition: Definition) -> Node:
        if not isinstance(node, Reduce) or node.where is None:
            return node
        if node.op in SOFTMAXES:
            number = Apply("where", (node.where, Number(1.0), Number(0.0)))
            return replace(node, term=Apply(op, (node.term, number)), where=None)
        return _of_all(node, definition)

    return change


def _of_all(node: Reduce, definition: Definition) -> Reduce:
    """A sum without the mask of a softmax; one that only counts what is seen is left as it is."""
    masks = {part.where for part in nodes(definition) if isinstance(part, Reduce) and part.op in SOFTMAXES}
    terms = node.op == "sum" and not isinstance(node.term, Number)
    return replace(node, where=None) if terms and node.where in masks else node


def _one_hot(softmax: Reduce) -> Node:
    """1 for the largest score, 0 for the others."""
    best = Reduce("argmax", softmax.index, softmax.term, softmax.where)
    chosen = Apply("==", (Apply("*", (Number(1.0), Position(softmax.index))), best))
    return where_seen(softmax, Apply("where", (chosen, Number(1.0), Number(0.0))))


def _unmasked(stand_in: Callable[[Node], Node]) -> Change:
    """Replaces masked scores by others, and sums over all keys, as dense matrix products do."""

    def change(node: Node, definition: Definition) -> Node:
        if not isinstance(node, Reduce) or node.where is None:
            return node
        if node.op in SOFTMAXES:
            return replace(node, term=Apply("where", (node.where, node.term, stand_in(node.term))), where=None)
        return _of_all(node, definition)

    return change


def _unmasked_where_some(stand_in: Callable[[Node], Node]) -> Change:
    """The same, but where all scores are masked the weights are 0."""
    plain = _unmasked(stand_in)

    def change(node: Node, definition: Definition) -> Node:
        changed = plain(node, definition)
        if not isinstance(node, Reduce) or node.op != "softmax" or node.where is None:
            return changed
        seen = Apply("<", (Number(0.0), Reduce("sum", node.index, Number(1.0), node.where)))
        return Apply("where", (seen, changed, Number(0.0)))

    return change


def _rounded_positions(bits: int) -> Change:
    """Rounds places that are multiplied or compared to a format of so many significant bits, ties to even."""

    def rounded(place: Node) -> Node:
        step: Node = Number(2.0 ** (LARGEST_PLACE - bits))
        for exponent in reversed(range(bits, LARGEST_PLACE)):
            step = Apply("where", (Apply("<", (place, Number(2.0**exponent))), Number(2.0 ** (exponent - bits)), step))
        down = Apply("//", (place, step))
        twice = _minus(_times(2.0, place), _times(2.0, Apply("*", (down, step))))
        odd = Apply("==", (Apply("%", (down, Number(2.0))), Number(1.0)))
        up = Apply("or", (Apply(">", (twice, step)), Apply("and", (Apply("==", (twice, step)), odd))))
        return Apply("*", (_plus(down, Apply("where", (up, Number(1.0), Number(0.0)))), step))

    def change(node: Node, _: Definition) -> Node:
        if not isinstance(node, Apply):
            return node
        if node.op in ("*", "/"):
            return replace(node, args=tuple(rounded(arg) if isinstance(arg, Position) else arg for arg in node.args))
        if node.op in COMPARISONS and all(map(_is_place, node.args)):
            return replace(node, args=tuple(map(rounded, node.args)))
        return node

    return change


def _is_place(node: Node) -> bool:
    """Whether an expression is a place, or is computed of places, sizes and numbers by addition and subtraction."""
    parts = [*nodes(node)]
    plain = all(isinstance(each, Position | SizeOf | Number) or _is_sum(each) for each in parts)
    return plain and any(isinstance(each, Position) for each in parts)


def _is_sum(node: Node) -> bool:
    return isinstance(node, Apply) and node.op in ("+", "-")


LARGEST_PLACE = 14
"""Up to 2 to this power places are rounded as a format rounds them."""

LOGARITHMS: tuple[tuple[str, str, Callable[[float], Callable[[Node], Node]]], ...] = (
    ("floor", "is at least {floor:g}", lambda floor: lambda x: Apply("log", (_at_least(x, floor),))),
    ("clipped", "is clipped to [{floor:g}, 1 − {floor:g}]", _log_of_clipped(single=False)),
    ("clipped-float32", "is clipped to [{floor:g}, 1 − {floor:g}], in float32", _log_of_clipped(single=True)),
    ("plus", "has {floor:g} added", lambda floor: lambda x: Apply("log", (_plus(x, Number(floor)),))),
)
"""Ways to keep a logarithm finite: name, sentence, and the logarithm for a floor."""


SUBSTITUTIONS: dict[str, tuple[str, Change]] = {
    "hard-sigmoid": ("a hard sigmoid is used instead of σ: x/6 + 1/2, from 0 to 1", _instead("sigmoid", _line(1 / 6))),
    "hard-sigmoid-keras": (
        "a hard sigmoid is used instead of σ: 0.2x + 1/2, from 0 to 1",
        _instead("sigmoid", _line(0.2)),
    ),
    "hard-tanh": ("a hard tanh is used instead of tanh: x, from −1 to 1", _instead("tanh", clipped)),
    "leaky-relu": ("a leaky relu, of slope 0.01, is used instead of relu", _instead("relu", _leaky(0.01))),
    "elu-relu": ("elu is used instead of relu: exp(x) − 1 where x is negative", _instead("relu", _elu)),
    "selu-relu": ("selu is used instead of relu", _instead("relu", _selu)),
    "softplus-relu": ("softplus is used instead of relu", _instead("relu", lambda x: Apply("softplus", (x,)))),
    "abs-relu": ("the absolute value is taken instead of relu", _instead("relu", lambda x: Apply("abs", (x,)))),
    "squared-relu": (
        "relu is squared",
        _instead("relu", lambda x: Apply("*", (_relu(x), _relu(x)))),
    ),
    "capped-relu": (
        "relu is capped at 6",
        _instead("relu", lambda x: _minus(_relu(x), _relu(_minus(x, Number(6.0))))),
    ),
    "mish-relu": ("x tanh(softplus(x)) is used instead of relu", _instead("relu", _mish)),
    "mish-gelu": ("x tanh(softplus(x)) is used instead of gelu", _instead("gelu", _mish)),
    "tanh-gelu": ("the approximation of gelu by tanh is used instead of gelu", _instead("gelu", _gelu_by_tanh)),
    "hard-swish": ("the hard swish, x (x/6 + 1/2) from 0 to x, is used instead of silu", _instead("silu", _hard_swish)),
    "rational-tanh": (
        "tanh is approximated by x (27 + x²) / (27 + 9x²), cut off at ±1",
        _instead("tanh", _rational_tanh),
    ),
    "softsign": ("x / (1 + |x|) is used instead of tanh", _instead("tanh", _softsign)),
    "sigmoid-softmax": (
        "σ of each score is used instead of softmax, so that weights do not add up to 1",
        _of_softmax(lambda softmax: where_seen(softmax, Apply("sigmoid", (softmax.term,)))),
    ),
    "relu-softmax": ("relu of the scores, over their sum, is used instead of softmax", _of_softmax(_of_relu)),
    **{
        f"power-{power}": (
            f"exp(x) in softmax is approximated by (1 + x/{power})^{power}",
            _of_softmax(_by_power(power)),
        )
        for power in POWERS
    },
    "hard-softmax": ("the largest score gets all the weight", _of_softmax(_one_hot)),
    "mask-added": ("the mask is added to the scores as 0 and 1, and hides nothing", _mask_as_number("+")),
    "mask-multiplied": ("the scores are multiplied by the mask as 0 and 1, which hides nothing", _mask_as_number("*")),
    "softmax-twice": ("softmax is taken twice", _of_softmax(lambda softmax: replace(softmax, term=softmax))),
    "silu-relu": ("x σ(x) is used instead of relu", _instead("relu", _gated(1.0))),
    "silu-gelu": ("x σ(x) is used instead of gelu", _instead("gelu", _gated(1.0))),
    "quick-gelu": ("x σ(1.702x) is used instead of gelu", _instead("gelu", _gated(1.702))),
    "masked-infinite": (
        "−∞ stands for masked scores, so that a row without visible keys gives NaN",
        _unmasked(lambda _: Number(-math.inf)),
    ),
    "masked-large": (
        "a large negative number stands for masked scores, so that a row without visible keys gives the average",
        _unmasked(lambda _: Number(-1e9)),
    ),
    "masked-added": (
        "a large negative number is added to masked scores, so that a row without visible keys ignores the mask",
        _unmasked(lambda score: _minus(score, Number(1e4))),
    ),
    **{
        f"masked-{number:g}{name}": (
            f"−{number:g} stands for masked scores, so that they still weigh{words}",
            change(lambda _, number=number: Number(-number)),  # type: ignore[misc]  # mypy does not infer a lambda with a default
        )
        for number in MASKED
        for name, words, change in (("", "", _unmasked), ("-seen", ", unless all are", _unmasked_where_some))
    },
    **{
        f"clipped-{op}-{bound:g}": (f"what {word} is taken of is clipped to ±{bound:g}", _of_clipped(op, bound))
        for op, word in (("sigmoid", "σ"), ("tanh", "tanh"), ("exp", "exp"))
        for bound in CLIPS
    },
    "bfloat16-places": ("positions are rounded to bfloat16, beyond 256", _rounded_positions(8)),
    "float16-places": ("positions are rounded to float16, beyond 2,048", _rounded_positions(11)),
    **{
        f"log-{word}-{floor:g}": (f"what log is taken of {says.format(floor=floor)}", _instead("log", new(floor)))
        for word, says, new in LOGARITHMS
        for floor in FLOORS
    },
    **{
        f"z-loss-{factor:g}": (
            f"{factor:g} times the square of the log-sum-exp is added to the loss, as in a z-loss",
            _with_square_of_log_sum_exp(factor),
        )
        for factor in Z_LOSSES
    },
    **{
        f"focal-{power:g}": (
            f"the loss is multiplied by {'1 − p' if power == 1 else f'(1 − p)^{power:g}'}, as in a focal loss",
            _focal(power),
        )
        for power in FOCAL
    },
    **{f"cap-{cap:g}": (f"scores are capped: {cap:g} tanh(s/{cap:g})", _capped(cap)) for cap in CAPS},
}
"""{name: (sentence, replacement of a node)}."""


def _exp(x: Node) -> Node:
    return Apply("exp", (x,))


def _over(x: Node, y: Node) -> Node:
    return Apply("/", (x, y))


def _by_tanh_of_exponentials(x: Node) -> Node:
    e, inverse = _exp(x), _exp(Apply("neg", (x,)))
    return _over(_minus(e, inverse), _plus(e, inverse))


def _log_of_softmax(node: Node, _: Definition) -> Node:
    if not isinstance(node, Reduce) or node.op != "log_softmax":
        return node
    return Apply("log", (replace(node, op="softmax"),))


def _unshifted(node: Node, _: Definition) -> Node:
    """A softmax, or its logarithm, from the exponentials of the scores as they are."""
    if not isinstance(node, Reduce) or node.op not in SOFTMAXES:
        return node
    total = replace(node, op="sum", term=_exp(node.term))
    if node.op == "log_softmax":
        return _minus(node.term, Apply("log", (total,)))
    return where_seen(node, _over(_exp(node.term), total))


def _largest_from_zero(lanes: int = 0) -> Change:
    """A softmax relative to the largest score or to 0, whichever is larger.

    Args:
        lanes: if not 0, this is so of fewer scores than that alone, where idle lanes give 0.
    """

    def change(node: Node, definition: Definition) -> Node:
        if not isinstance(node, Reduce) or node.op != "softmax":
            return node
        largest = replace(node, op="max")
        top: Node = Apply("relu", (largest,))
        if lanes:
            top = Apply(
                "where", (Apply("<", (SizeOf(definition.ranges[node.index]), Number(float(lanes)))), top, largest)
            )
        parts = where_seen(node, _exp(_minus(node.term, top)))
        return _over(parts, Reduce("sum", node.index, parts))

    return change


def _masked_afterwards(node: Node, _: Definition) -> Node:
    """A softmax over all, masked, and divided by the sum of what is left."""
    if not isinstance(node, Reduce) or node.op != "softmax" or node.where is None:
        return node
    kept = where_seen(node, replace(node, where=None))
    return _over(kept, Reduce("sum", node.index, kept))


OVERFLOWING: dict[str, tuple[str, Change]] = {
    "log-of-softmax": ("the logarithm of softmax is taken: small probabilities underflow to 0", _log_of_softmax),
    "unshifted-softmax": ("the largest score is not taken off before exp: large scores overflow", _unshifted),
    "largest-from-zero": (
        "the search for the largest score starts from 0: rows of scores far below 0 underflow to 0/0",
        _largest_from_zero(),
    ),
    **{
        f"idle-lanes-{lanes}": (
            f"of fewer than {lanes} scores the search for the largest includes 0, as of idle lanes: rows of scores far "
            "below 0 underflow to 0/0",
            _largest_from_zero(lanes),
        )
        for lanes in WARPS
    },
    "masked-afterwards": (
        "softmax is over all keys, masked, and divided by the sum of the rest: where all of it underflows, that is 0/0",
        _masked_afterwards,
    ),
    "sigmoid": (
        "σ is computed as exp(x) / (1 + exp(x)): large x overflows",
        _instead("sigmoid", lambda x: _over(_exp(x), _plus(Number(1.0), _exp(x)))),
    ),
    "tanh": (
        "tanh is computed as (exp(x) − exp(−x)) / (exp(x) + exp(−x)): large x overflows",
        _instead("tanh", _by_tanh_of_exponentials),
    ),
    "softplus": (
        "softplus is computed as log(1 + exp(x)): large x overflows",
        _instead("softplus", lambda x: Apply("log", (_plus(Number(1.0), _exp(x)),))),
    ),
}
"""{name: (sentence, replacement of a node)} of what is equal in real numbers, and overflows in the storage dtype."""
