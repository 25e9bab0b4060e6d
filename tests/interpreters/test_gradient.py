"""Derived gradients: equal to automatic differentiation and to those that were written by hand, and readable."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from attnspec import REGISTRY
from attnspec.errors import SpecError
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.gradient.gradient import gradient
from attnspec.language.check import Scope, check, single
from attnspec.language.dims import Dim
from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.language.traversal import nodes, nodes_throughout
from attnspec.language.tree import Apply, Definition, Name, Node, Number, Parameter, Position, Reshape, SizeOf, Stack
from attnspec.verification.cases.case import Case, Description, make, smallest
from autodiff import differentiated
from trees import Grower, read

EQUATIONS = [item for item in REGISTRY.values() if item.function.__module__.startswith("attnspec.equations.")]
BY_HAND = [item.id for item in EQUATIONS if item.gradient_of and item.id != "backward.embedding_padding_idx"]
"""Without the one that is not the slope by intent: its row of padding gets no gradient."""

NO_ARGUMENT, NO_RESULT = "no floating-point argument", "no floating-point result"
HOW = ("greedy", "sample")
JUMPS, LAYERS = "results that are constant between jumps", "layers, whose number is not known"


def reason(item: Equation[..., object]) -> str:
    """Why an equation has no derived gradient; "" if it has one."""
    try:
        item.gradient()
    except SpecError as error:
        return error.given
    return ""


@cache
def refused() -> dict[str, set[str]]:
    """{reason: ids of the equations that are refused for it}; "" is the reason of those that are not."""
    found: dict[str, set[str]] = {}
    for item in EQUATIONS:
        found.setdefault(reason(item), set()).add(item.id)
    return found


DERIVABLE = sorted(refused()[""])


def example(item: Equation[..., object], seed: int) -> Case:
    """A small single example of the arguments of a gradient, with sizes that differ."""
    sizes = {
        name: max(2 + (place + seed) % 3, smallest(item, name)) for place, name in enumerate(sizes_of(item.definition))
    }
    return make(item, Description(tuple(sizes.items()), "ordinary", seed=seed), "float64")


def values(definition: Definition, case: Case) -> list[NDArray[np.float64]]:
    with np.errstate(all="ignore"):
        value = evaluate(definition, (), case.arguments)
    return list(value) if isinstance(value, tuple) else [value]


def assert_equal(found: list[NDArray[np.float64]], expected: list[NDArray[np.float64]], about: object) -> None:
    scale = max([1.0, *(float(np.abs(array).max(initial=0.0)) for array in expected)])
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11 * scale, err_msg=str(about))


NOT_DERIVABLE = {
    NO_ARGUMENT: {
        *(item.id for item in EQUATIONS if item.family == "cost"),
        *("position.sinusoidal", "position.sinusoidal_halves", "position.sinusoidal_tensor2tensor"),
        *("text.align", "text.align_keep_first", "text.align_pad_behind", "text.one_hot", "text.segments"),
        "seq2seq.until_stop",
    },
    NO_RESULT: {
        *(f"attention_rnn.{name}_{how}_decode" for name in ("attentive", "bahdanau", "readout") for how in HOW),
        *("seq2seq.greedy_decode", "seq2seq.greedy_decode_lstm", "seq2seq.sample", "seq2seq.sample_decode_lstm"),
        *("seq2seq.generate_window", "seq2seq.generate_window_step"),
        *(f"generation.transformer_{name}" for name in ("greedy_decode", "sample_step", "sample_decode")),
    },
    LAYERS: {
        f"recurrent.stacked_{name}"
        for name in ("simple_rnn", "gru", "gru_reset_after", "lstm")
        for name in (name, f"bidirectional_{name}")
    },
}


def test_which_gradients_can_be_derived() -> None:
    """All but those of whole numbers and of layers."""
    assert {why: ids for why, ids in refused().items() if why} == NOT_DERIVABLE
    assert len(DERIVABLE) == 228


@pytest.mark.parametrize("id", DERIVABLE)
def test_derived_gradients_are_those_of_automatic_differentiation(id: str) -> None:
    item = REGISTRY[id]
    for seed in range(3):
        case = example(item.gradient(), seed)
        expected = differentiated(item.definition, item.gradient().definition, case)
        assert_equal(values(item.gradient().definition, case), expected, case.description)


@pytest.mark.parametrize("id", BY_HAND)
def test_derived_gradients_are_those_that_were_written_by_hand(id: str) -> None:
    by_hand = REGISTRY[id]
    derived = REGISTRY[by_hand.gradient_of].gradient().definition
    for seed in range(3):
        case = example(by_hand, seed)
        pairs = zip(derived.parameters, by_hand.definition.parameters, strict=True)
        renamed = {mine.name: case.arrays[theirs.name] for mine, theirs in pairs}
        expected = values(by_hand.definition, case)
        assert_equal(values(derived, replace(case, arrays=renamed)), expected, case.description)


@pytest.mark.parametrize("id", ["attention.scaled_dot_product", "recurrent.gru_cell", "transformer.layer_norm"])
def test_a_gradient_can_be_differentiated_again(id: str) -> None:
    first = REGISTRY[id].gradient()
    second = first.gradient()
    case = example(second, 1)
    expected = differentiated(first.definition, second.definition, case)

    assert_equal(values(second.definition, case), expected, id)


def test_a_masked_score_that_is_nan_reaches_no_gradient() -> None:
    derived = REGISTRY["attention.masked"].gradient()
    case = example(derived, 0)
    mask = np.array([[True, True, False]] * 2)
    n, m, d, e = 2, 3, 2, 2
    g = np.random.Generator(np.random.Philox(3))
    arrays = {"d_c": g.normal(size=(n, e)), "q": g.normal(size=(n, d)), "mask": mask}
    arrays |= {"k": g.normal(size=(m, d)), "v": g.normal(size=(m, e))}
    clean = values(derived.definition, replace(case, arrays=arrays))
    arrays = {**arrays, "k": arrays["k"].copy(), "v": arrays["v"].copy()}
    arrays["k"][2] = arrays["v"][2] = np.nan

    assert_equal(values(derived.definition, replace(case, arrays=arrays)), clean, "NaN behind the mask")


READABLE = {
    "attention.scaled_dot_product": """\
∂c ∈ ℝ^(n × e), q ∈ ℝ^(n × d), k ∈ ℝ^(m × d), v ∈ ℝ^(m × e), for 0 ≤ i < n, 0 ≤ j < m
e_ij = q_i·k_j / √d
α_ij = softmax_j(e_ij)
∂α_ij = ∂c_i·v_j
D_i = Σ_j α_ij ∂α_ij
∂e_ij = α_ij (∂α_ij − D_i)
∂a_{e,ij} = ∂e_ij / √d
∂q = [Σ_j ∂a_{e,ij} k_j]_i
∂k = [Σ_i ∂a_{e,ij} q_i]_j
∂v = [Σ_i ∂c_i α_ij]_j
attention.gradient_of_scaled_dot_product = ∂q, ∂k, ∂v""",
    "recurrent.gru_cell": """\
∂o ∈ ℝ^u, x ∈ ℝ^d, h ∈ ℝ^u, W_xr ∈ ℝ^(d × u), W_hr ∈ ℝ^(u × u), b_r ∈ ℝ^u, W_xz ∈ ℝ^(d × u), W_hz ∈ ℝ^(u × u),
b_z ∈ ℝ^u, W_xh ∈ ℝ^(d × u), W_hh ∈ ℝ^(u × u), b_h ∈ ℝ^u, for 0 ≤ k < d, 0 ≤ l < u, 0 ≤ w < u
r = σ(x W_xr + h W_hr + b_r)             reset gate
z = σ(x W_xz + h W_hz + b_z)             update gate
h̃ = tanh(x W_xh + (r ⊙ h) W_hh + b_h)    candidate state
∂h̃ = ∂o ⊙ (1 − z)
∂a_h = ∂h̃ ⊙ (1 − h̃ ⊙ h̃)
∂a_h_1 = W_hh ∂a_h
∂z = ∂o ⊙ h − ∂o ⊙ h̃
∂a_z = ∂z ⊙ z ⊙ (1 − z)
∂r = ∂a_h_1 ⊙ h
∂a_r = ∂r ⊙ r ⊙ (1 − r)
∂x = W_xh ∂a_h + W_xz ∂a_z + W_xr ∂a_r
∂h = ∂o ⊙ z + ∂a_h_1 ⊙ r + W_hz ∂a_z + W_hr ∂a_r
∂W_xr = [x_k ∂a_{r,l}]_kl
∂W_hr = [h_l ∂a_{r,w}]_lw
∂W_xz = [x_k ∂a_{z,l}]_kl
∂W_hz = [h_l ∂a_{z,w}]_lw
∂W_xh = [x_k ∂a_{h,l}]_kl
∂W_hh = [r_l h_l ∂a_{h,w}]_lw
recurrent.gradient_of_gru_cell = ∂x, ∂h, ∂W_xr, ∂W_hr, ∂a_r, ∂W_xz, ∂W_hz, ∂a_z, ∂W_xh, ∂W_hh, ∂a_h""",
    "transformer.layer_norm": """\
∂y, x, γ, β ∈ ℝ^d, with eps ∈ ℝ, for 0 ≤ k < d
μ = (Σ_k x_k) / d    mean
variance = (Σ_k (x_k − μ) (x_k − μ)) / d
y_1 = √(variance + eps)
y_{2,k} = (x_k − μ) / y_1
∂a_{y,k} = ∂y_k γ_k
∂a_{y_1,k} = ∂a_{y,k} / y_1
∂variance = −(Σ_k ∂a_{y,k} y_{2,k}) / y_1 / (2 y_1)
∂a_{variance,k} = (∂variance / d) (2 (x_k − μ))
∂μ = −Σ_k ∂a_{y_1,k} − Σ_k ∂a_{variance,k}
∂x = [∂a_{y_1,k} + ∂a_{variance,k} + ∂μ / d]_k
∂γ = [∂y_k y_{2,k}]_k
transformer.gradient_of_layer_norm = ∂x, ∂γ, ∂y""",
    "recurrent.simple_rnn": """\
∂h ∈ ℝ^(T × u), x ∈ ℝ^(T × d), h_0 ∈ ℝ^u, W_xh ∈ ℝ^(d × u), W_hh ∈ ℝ^(u × u), b_h ∈ ℝ^u, for 0 ≤ t < T = |t|
h_t = simple_rnn_cell(x_t, h_{t−1}, W_xh, W_hh, b_h) from h_0
h_before = [h_0 if t < 1 else ([h_t]_t)_{t−1}]_t
g_t = gradient_of_simple_rnn_cell_by_h′(∂h_{T−1−t} + g_{t−1}, x_{T−1−t}, h_{before,T−1−t}, W_xh, W_hh, b_h) from 0_u
∂h_{1,t} = ∂h_t + ([g_t]_t)_{T−2−t}
∂x_t, ∂W_{xh,t}, ∂W_{hh,t}, ∂b_{h,t} = gradient_of_simple_rnn_cell′(∂h_{1,t}, x_t, h_{before,t}, W_xh, W_hh, b_h)
recurrent.gradient_of_simple_rnn = [∂x_t]_t, g_T, Σ_t ∂W_{xh,t}, Σ_t ∂W_{hh,t}, Σ_t ∂b_{h,t}
∂o ∈ ℝ^u, x ∈ ℝ^d, h ∈ ℝ^u, W_xh ∈ ℝ^(d × u), W_hh ∈ ℝ^(u × u), b_h ∈ ℝ^u
y = tanh(x W_xh + h W_hh + b_h)
∂h = W_hh (∂o ⊙ (1 − y ⊙ y))
recurrent.gradient_of_simple_rnn_cell_by_h′ = ∂h
∂o ∈ ℝ^u, x ∈ ℝ^d, h ∈ ℝ^u, W_xh ∈ ℝ^(d × u), W_hh ∈ ℝ^(u × u), b_h ∈ ℝ^u, for 0 ≤ k < d, 0 ≤ l < u, 0 ≤ w < u
y = tanh(x W_xh + h W_hh + b_h)
∂a_o = ∂o ⊙ (1 − y ⊙ y)
∂x = W_xh ∂a_o
∂W_xh = [x_k ∂a_{o,l}]_kl
∂W_hh = [h_l ∂a_{o,w}]_lw
recurrent.gradient_of_simple_rnn_cell′ = ∂x, ∂W_xh, ∂W_hh, ∂a_o""",
}


@pytest.mark.parametrize("id", READABLE)
def test_derived_gradients_are_readable(id: str) -> None:
    lines = REGISTRY[id].gradient().text().splitlines()

    assert "\n".join(line.rstrip() for line in lines) == READABLE[id]


def test_a_derived_gradient_is_an_equation() -> None:
    cell = REGISTRY["recurrent.gru_cell"]
    derived = cell.gradient()

    assert derived is cell.gradient() is REGISTRY["recurrent.gradient_of_gru_cell"]
    assert "recurrent.gradient_of_gru_cell" in REGISTRY
    assert derived.id not in list(REGISTRY)
    assert (derived.gradient_of, derived.is_derived, cell.is_derived) == (cell.id, True, False)
    assert derived.doc == "The gradients of recurrent.gru_cell, derived from its lines."
    assert "\\partial" in derived.latex()
    assert len(derived.mutants()) > 100
    assert derived.cost().products.value({"d": 3, "u": 4}) > cell.cost().products.value({"d": 3, "u": 4})
    [*noises] = derived.noise(example(derived, 0).arguments)
    assert len(noises) == len(derived.definition.results)


def test_names_of_gradients_that_no_equation_has() -> None:
    assert "recurrent.gradient_of_nothing" not in REGISTRY
    with pytest.raises(SpecError, match=r"no equation 'recurrent\.gradient_of_nothing'"):
        REGISTRY["recurrent.gradient_of_nothing"]
    with pytest.raises(SpecError, match=r"text\.one_hot has no gradient"):
        REGISTRY["text.gradient_of_one_hot"]


def test_only_lines_that_are_read_are_computed_again() -> None:
    derived = REGISTRY["scores.scaled_dot"].gradient().definition

    assert not any(isinstance(node, Apply) and node.op == "@" for node in nodes(derived)), "the scores are not read"


def test_nothing_is_derived_twice() -> None:
    derived = REGISTRY["transformer.encoder_layer"].gradient().definition
    called = [node.callee for node in nodes_throughout(derived) if hasattr(node, "callee")]

    assert len({id(callee) for callee in called}) == len(set(called))


# Expressions grown at random.

SIGNATURE = """
def f(
    a: Float[Tensor, " d"], b: Float[Tensor, " d"], A: Float[Tensor, "d d"], B: Float[Tensor, "d d"],
    s: Float[Tensor, ""], h: Float[Tensor, "t d"], e: Float[Tensor, "n m"], y: Float[Tensor, "n d"],
    mask: Bool[Tensor, "n m"], w: Float[Tensor, "r*d"], q: Float[Tensor, "n n d"],
) -> Float[Tensor, ""]:
    i, j, l, t = indices("n", "m", "n", "t")
    d, m, n, width = size("d"), size("m"), size("n"), size("r")
    c = y[i] * s
    u = scan(t, lambda u: tanh(u + h[t]), a)
    return s
"""
SIZES = {"d": 3, "t": 4, "n": 2, "m": 3, "r": 2}


def grown(seed: int, count: int) -> list[Definition]:
    """Equations that return an expression grown at random, a floating-point one."""
    tree = read(SIGNATURE)
    scope = Scope(tree, check(tree), scanned={"u": "t"})
    leaves: list[Node] = [*map(Name, scope.names), *map(Position, "ijlt"), *map(Number, (0.0, 1.0, 2.0, 0.5))]
    leaves += [SizeOf(Dim.parse(size)) for size in ("n", "r", "d")]
    definitions = []
    for node in Grower(scope, leaves, REGISTRY["scores.dot"].definition, seed).grow(count):
        type_ = single(node, scope)
        if type_.kind == "float" and not any(map(is_odd, nodes(node))):
            names = tuple(sorted(type_.names))
            dims = (*(tree.ranges[name] for name in names), *type_.dims)
            result = Parameter("o", "float", dims)
            definitions.append(replace(tree, returns=(Stack(node, names) if names else node,), results=(result,)))
    return definitions


def is_odd(node: Node) -> bool:
    """Whether a node is only in mutants, or a power or logarithm, whose slope is NaN for some negative numbers."""
    return isinstance(node, Reshape) or (isinstance(node, Apply) and node.op in ("**", "//", "log"))


def drawn(parameter: Parameter, generator: np.random.Generator) -> NDArray[np.float64] | NDArray[np.bool_]:
    shape = tuple(dim.value(SIZES) for dim in parameter.dims)
    return generator.random(shape) < 0.6 if parameter.kind == "bool" else generator.normal(size=shape)


@pytest.mark.parametrize("seed", range(3))
def test_gradients_of_expressions_grown_at_random(seed: int) -> None:
    """Where the value is finite, a gradient that is derived is that of automatic differentiation, whatever the words."""
    generator, checked, not_derived = np.random.Generator(np.random.Philox(seed)), 0, 0
    for definition in grown(seed, 500):
        try:
            derived = gradient(definition)
        except SpecError as error:
            not_derived += error.given != JUMPS
            continue
        case = Case({p.name: drawn(p, generator) for p in derived.parameters}, {})
        try:
            (value,) = values(
                definition, replace(case, arrays={p.name: case.arrays[p.name] for p in definition.parameters})
            )
        except (IndexError, ValueError, KeyError):
            continue  # sizes that the checker allows and the value has not
        if np.isfinite(value).all():
            expected = differentiated(definition, derived, case)
            if all(np.isfinite(array).all() for array in expected):
                assert_equal(values(derived, case), expected, definition.returns)
                checked += 1

    assert checked > 100
    assert not_derived < checked / 2
