"""What is counted on a tree is what its evaluation does, what PyTorch counts, and what one holds by hand."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from array_api_compat import array_namespace

from attnspec import REGISTRY
from attnspec.errors import SpecError
from attnspec.implementation import ATTRIBUTE
from attnspec.interpreters.cost.cost import MaxOf, cost, written
from attnspec.interpreters.evaluation.value import ValueOf
from attnspec.interpreters.evaluation.walk import Array
from attnspec.language import layers
from attnspec.language.check import check, place_index, positions
from attnspec.language.dims import Dim
from attnspec.language.layers import sizes_of
from attnspec.language.registry import families
from attnspec.language.traversal import children, nodes
from attnspec.language.tree import Apply, At, Call, Definition, Node, Position
from attnspec.verification.cases.case import Description, make
from trees import read

FAMILIES = families()
for family in FAMILIES:
    importlib.import_module(f"attnspec.equations.{family}")
EQUATIONS = [id for id, item in REGISTRY.items() if item.function.__module__.startswith("attnspec.equations.")]
PRIMES = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31)


def sizes_for(id: str) -> dict[str, int]:
    """Sizes that no sum or product mixes up; few heads."""
    sizes = dict(zip(sizes_of(REGISTRY[id].definition), PRIMES, strict=False))
    return sizes | {"H": 2} if "H" in sizes else sizes


class Running(ValueOf):
    """Evaluates, and counts what it does."""

    def __init__(self) -> None:
        super().__init__(array_namespace(np.zeros(1)))
        self.operations = 0

    def apply(self, op: str, *things: Array) -> Array:
        found = super().apply(op, *things)
        self.operations += found.size
        return found

    def contract(self, a: Array, b: Array) -> Array:
        found = super().contract(a, b)
        self.operations += 2 * found.size * a.shape[-1]
        return found

    def reduce(self, op: str, axis: int, term: Array, where: Array | None) -> Array:
        rows = term.size // term.shape[axis]
        each = {"softmax": 5 * term.size, "log_softmax": 5 * term.size + rows}
        self.operations += each.get(op, term.size)
        return super().reduce(op, axis, term, where)


def computes_with_positions(node: Node) -> bool:
    """Whether an index is a number somewhere, or another size than the one that a subscript reads."""
    if isinstance(node, Position):
        return True
    if isinstance(node, At):
        read = [place for place in node.places if place_index(place) is None or isinstance(place, Apply)]
        return (
            computes_with_positions(node.array)
            or any(map(positions, read))
            or any(isinstance(part, At) for place in read for part in nodes(place))
        )
    called = isinstance(node, Call) and of_positions(node.callee)
    return called or any(computes_with_positions(child) for _, child in children(node))


def of_positions(tree: Definition) -> bool:
    return any(computes_with_positions(root) for root in tree.roots)


COUNTED = [id for id in EQUATIONS if not of_positions(REGISTRY[id].definition)]
LAYERED = [id for id in EQUATIONS if layers.of(REGISTRY[id].definition)]


@pytest.mark.parametrize("id", [id for id in COUNTED if id not in LAYERED])
def test_operations_are_those_of_the_evaluation(id: str) -> None:
    """But for arithmetic on indices, which is not counted."""
    tree, sizes = REGISTRY[id].definition, sizes_for(id)
    case = make(REGISTRY[id], Description(tuple(sizes.items()), seed=1), "float64")
    running = Running()
    running.run(tree, case.arrays, case.options, dict(sizes))
    counted = cost(tree)

    assert counted.at(counted.operations, sizes) == running.operations


@pytest.mark.parametrize("id", LAYERED)
def test_what_layers_cost_is_refused(id: str) -> None:
    with pytest.raises(SpecError, match="the number and the sizes of its layers"):
        cost(REGISTRY[id].definition)


@pytest.mark.parametrize("id", [id for id in EQUATIONS if id not in LAYERED])
def test_every_equation_is_counted(id: str) -> None:
    """Shapes come from the tree alone, so that sizes cost nothing."""
    tree = REGISTRY[id].definition
    sizes = dict.fromkeys(sizes_of(tree), 100_000)
    found = cost(tree)
    arrays = sum(math.prod(dim.value(sizes) for dim in each.dims) for each in tree.parameters)

    assert found.at(found.parameters, sizes) + found.at(found.inputs, sizes) == arrays
    assert found.at(found.memory, sizes) >= arrays + found.at(found.outputs, sizes)
    assert found.at(found.steps, sizes) >= 1
    check(tree)  # counting leaves the tree as it is


def implementation(id: str) -> Callable[..., Any] | None:
    """PyTorch's, as it is declared here."""
    family = id.split(".")[0]
    module = importlib.import_module(f"attnspec_torch.{family}")
    members = (member for member in vars(module).values() if callable(member))
    return next((m for m in members if any(claim.equation == id for claim in getattr(m, ATTRIBUTE, ()))), None)


UNCOUNTED = {
    "attention.additive": "a·m·n",
    "scores.additive": "a·m·n",
    "attention_rnn.bahdanau_step": "a·m",
    "seq2seq.context_learned_query": "m·u",
}
"""What PyTorch's counter leaves out: products with one vector, aten.mv."""


MULTIPLYING = {
    "attention": (
        "context_vector", "value_map", "soft", "learned_query", "key_value", "relu_weights", "linear_weights",
        "dot_product", "scaled_dot_product", "bilinear", "additive", "masked", "causal", "with_lse", "incremental",
        "layer_readout", "into_readout",
    ),
    "attention_rnn": ("bahdanau_step", "readout_step", "input_feeding_step", "attentive_step"),
    "backward": ("scaled_dot_product",),
    "multihead": ("attention", "masked", "causal", "attention_biased", "queries"),
    "recurrent": (
        "simple_rnn_cell", "simple_rnn_cell_concat", "gru_cell", "gru_cell_reset_after", "lstm_cell", "simple_rnn",
        "gru", "gru_reset_after", "gru_update_writes", "lstm", "readout", "classifier", "bidirectional_gru",
    ),
    "scores": ("additive", "dot", "scaled_dot", "bilinear", "linear", "nonlinear"),
    "self_attention": ("qkv", "scaled", "unscaled", "cross", "causal"),
    "seq2seq": (
        "encode_gru", "context_transform", "context_learned_query", "decoder_start", "decoder_step_fixed_context",
        "output_distribution", "output_maxout",
    ),
    "transformer": ("layer_norm", "feed_forward", "encoder_layer", "encoder_layer_pre", "decoder_layer"),
}  # fmt: skip
"""Equations that PyTorch's implementation computes by the same products; others may merge some, or compute some anew."""


@pytest.mark.parametrize("id", [f"{family}.{name}" for family, names in MULTIPLYING.items() for name in names])
def test_products_are_those_that_pytorch_counts(id: str) -> None:
    torch = pytest.importorskip("torch")
    counter = importlib.import_module("torch.utils.flop_counter")
    attention = importlib.import_module("torch.nn.attention")
    function = implementation(id)
    assert function is not None
    sizes, tree = sizes_for(id), REGISTRY[id].definition
    case = make(REGISTRY[id], Description(tuple(sizes.items()), batch=(1,), seed=1), "float32")
    arrays = {name: torch.from_numpy(a.astype("float32") if a.dtype == float else a) for name, a in case.arrays.items()}
    with counter.FlopCounterMode(display=False) as mode, attention.sdpa_kernel(attention.SDPBackend.MATH):
        function(**arrays, **case.options)
    counted = cost(tree)
    left_out = math.prod(sizes[name] for name in UNCOUNTED[id].split("·")) if id in UNCOUNTED else 0

    assert counted.at(counted.products, sizes) - 2 * left_out == mode.get_total_flops()


def shown(definition: Definition) -> dict[str, str]:
    found = cost(definition)
    names = ("parameters", "products", "elementwise", "inputs", "outputs", "intermediates", "steps")
    return {name: written(getattr(found, name)) for name in names}


@pytest.mark.parametrize(
    ("id", "expected"),
    [
        ("attention.scaled_dot_product", {
            "products": "2·(d·m·n + e·m·n)", "elementwise": "6·m·n", "intermediates": "m·n", "steps": "1",
            "parameters": "0", "inputs": "d·m + d·n + e·m", "outputs": "e·n",
        }),
        ("attention.additive", {"parameters": "a·p + a·q + a", "intermediates": "a·m·n + max(m·n, a·m + a·n)"}),
        ("recurrent.gru_cell", {"parameters": "3·(d·u + u² + u)", "elementwise": "14·u", "intermediates": "4·u"}),
        ("recurrent.gru_reset_after", {"parameters": "3·d·u + 3·u² + 4·u", "products": "6·(d·t·u + t·u²)", "steps": "t"}),
        ("recurrent.lstm", {"inputs": "d·t + 2·u", "outputs": "t·u + u", "intermediates": "5·u", "steps": "t"}),
        ("recurrent.bidirectional_gru", {"parameters": "6·(d·u + u² + u)", "steps": "t"}),
        ("seq2seq.encode_gru", {"outputs": "m·u + u", "steps": "m"}),
        ("multihead.attention", {"parameters": "4·H·c·d", "products": "4·(H·c·d·m + H·c·d·n + H·d·m·n)"}),
        ("transformer.layer_norm", {"products": "0", "elementwise": "9·d + 4"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_formulas_by_hand(id: str, expected: dict[str, str]) -> None:
    found = shown(REGISTRY[id].definition)

    assert {name: found[name] for name in expected} == expected


SIGNATURE = 'x: Float[Tensor, "t d"], W: Float[Tensor, "d d"], h_0: Float[Tensor, " d"], k: Int[Tensor, " n"]'


def probe(lines: str, returned: str, shape: str, signature: str = SIGNATURE) -> Definition:
    body = "".join(f"    {line}\n" for line in ['t, i = indices("t", "n")', *lines.splitlines()])
    tree = read(f'def f({signature}) -> Float[Tensor, "{shape}"]:\n{body}    return {returned}')
    check(tree)
    return tree


@pytest.mark.parametrize(
    ("lines", "returned", "shape", "intermediates"),
    [
        ("", "x", "t d", "0"),
        ("y = x[t]", "y.stack(t)", "t d", "0"),
        ("", "tanh(x)", "t d", "0"),
        ("a = x @ W\nb = tanh(a)\nc = b + 1", "c @ W", "t d", "d·t"),
        ("a = x @ W\nb = a @ W\nc = b @ W", "c @ W", "t d", "2·d·t"),
        ("a = x @ W\nb = a @ W", "(b @ W) + a", "t d", "2·d·t"),
        ("a = x @ W", "a * a", "t d", "0"),
        ("h = scan(t, lambda h: h @ W, h_0)", "h.stack(t)", "t d", "d"),
        ("h = scan(t, lambda h: h @ W, h_0)", "last(t, h)", " d", "d"),
        ("h = scan(t, lambda h: tanh(x[t] + h) @ W, h_0)", "last(t, h)", " d", "2·d"),
        ("h = scan(t, lambda h: h @ W, h_0)\nc = last(t, h) + h_0", "c @ W", " d", "2·d"),
        ("h = scan(t, lambda h: h @ W, h_0)", "sum(t, h)", " d", "d·t + d"),
    ],
)
def test_what_is_held(lines: str, returned: str, shape: str, intermediates: str) -> None:
    """Views hold nothing, results take the place of what nobody reads any more, outputs are counted apart."""
    assert shown(probe(lines, returned, shape))["intermediates"] == intermediates


@pytest.mark.parametrize(
    ("lines", "returned", "steps"),
    [
        ("", "x @ W", "1"),
        ("h = scan(t, lambda h: h @ W, h_0)", "h.stack(t)", "t"),
        ("h = scan(t, lambda h: h @ W, h_0)\ng = scan(t, lambda g: g @ W + h_0, h_0)", "(h + g).stack(t)", "t"),
        ("h = scan(t, lambda h: h @ W, h_0)\ng = scan(t, lambda g: g + h, h_0)", "g.stack(t)", "2·t"),
        ("h = scan(t, lambda h: h @ W, h_0)\ng = scan(t, lambda g: g @ W, last(t, h))", "g.stack(t)", "2·t"),
        ("h = scan(t, lambda h: recurrent_simple_rnn(x, h, W, W, h_0)[-1], h_0)", "h.stack(t)", "t²"),
    ],
)
def test_steps_that_wait_for_each_other(lines: str, returned: str, steps: str) -> None:
    assert shown(probe(lines, returned, "t d"))["steps"] == steps


def test_a_name_may_be_read_inside_a_recurrence_and_after_it() -> None:
    """A state hides a name outside; what a step reads stays until the last step."""
    lines = "a = x @ W\nh = scan(t, lambda h: a[t] + h, h_0)\ny = h.stack(t) @ W"

    assert shown(probe(lines, "y @ W", "t d"))["intermediates"] == "2·d·t + d"


def test_an_angle_is_computed_and_a_condition_on_indices_is_not() -> None:
    assert (
        shown(probe("i2, j = indices('t', 'd')\ny = i2 / 2 ** j", "y.stack(i2, j)", "t d"))["elementwise"] == "d·t + d"
    )
    assert shown(probe("y = where(t < 3, x[t], 0)", "y.stack(t)", "t d"))["elementwise"] == "d·t"


def test_blocks() -> None:
    """Of the weights only a block is held; of each row the largest and the sum besides."""
    tree = REGISTRY["attention.scaled_dot_product"].definition
    found = cost(tree, blocked=True)
    sizes = {"n": 1000, "m": 500, "d": 8, "e": 8}

    assert written(found.intermediates) == "min(block, m)·n + 2·n"
    assert found.at(found.intermediates, sizes, 64) == 66_000
    assert found.at(found.intermediates, sizes, 10_000) == 502_000
    assert found.operations == cost(tree).operations
    assert written(cost(REGISTRY["multihead.queries"].definition, blocked=True).intermediates).startswith("M·e")


@pytest.mark.parametrize("id", ["attention.weights", "recurrent.gru", "attention_rnn.bahdanau_step"])
def test_what_is_returned_is_not_taken_in_blocks(id: str) -> None:
    with pytest.raises(SpecError, match=f"{id} has no softmax that can be processed in blocks"):
        cost(REGISTRY[id].definition, blocked=True)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("d*u+u*u+u", "d·u + u² + u"), ("d*u+d*u+d*u+u*u+u*u+u*u", "3·(d·u + u²)"), ("d*d*d*2+7", "2·d³ + 7"),
        ("d+d+u", "2·d + u"), ("4", "4"), ("u*2", "2·u"), ("0", "0"),
    ],
)  # fmt: skip
def test_how_a_size_is_written(size: str, expected: str) -> None:
    assert written(Dim.parse(size)) == expected


def test_the_most_keeps_what_may_be_largest() -> None:
    a, b, both = Dim.parse("a"), Dim.parse("b"), Dim.parse("a+b")

    assert MaxOf.of(a, b, a).parts == (a, b)
    assert MaxOf.of(a, b, both).parts == (both,)
    assert (MaxOf.of(a, b) + MaxOf.of(b)).parts == (both, b + b)
    assert written(MaxOf.of(a + a, both)) == "a + max(a, b)"
