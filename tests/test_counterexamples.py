"""Errata of the source documents: each statement is a property, and Hypothesis finds where it breaks.

docs/errata.md lists them; its numbers are those found here. The search begins at the same place each time, and the
example is the smallest that Hypothesis knows.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from attnspec.interpreters.cost.cost import Cost, cost
from attnspec.language.equation import REGISTRY

PAGE = (Path(__file__).resolve().parents[1] / "docs/errata.md").read_text(encoding="utf-8")
Floats = NDArray[np.float64]
T = TypeVar("T")

MANY = settings(max_examples=100, derandomize=True, database=None, deadline=None)
SMALL = st.integers(-3, 3).map(float)
SIZE = st.integers(1, 4)


def found(where: st.SearchStrategy[T], breaks: Callable[[T], bool]) -> T:
    """The smallest example that breaks a claim, the same one each time."""
    searching = settings(max_examples=500, database=None, deadline=None)
    return hypothesis.find(where, breaks, settings=searching, random=random.Random(0))


def value(id: str, **arguments: Any) -> Any:
    return REGISTRY[id](**arguments)


def vectors(elements: st.SearchStrategy[float] = SMALL) -> st.SearchStrategy[Floats]:
    """Two to four of one width."""
    shapes = st.tuples(st.integers(2, 4), st.integers(1, 3))
    return shapes.flatmap(lambda shape: arrays.arrays(np.float64, shape, elements=elements))


def assert_on_page(*numbers: object) -> None:
    """The page has these texts, in this order."""
    plain = " ".join(re.sub(r"[`*]", "", PAGE).split())
    place = 0
    for number in map(str, numbers):
        assert (place := plain.find(number, place)) >= 0, f"docs/errata.md does not say {number}"


# 001: a vector's inner product with itself is the largest.


def own_is_largest(x: Floats) -> bool:
    e = value("scores.dot", q=x, k=x)
    return bool((np.diag(e)[:, None] >= e).all())


def test_another_vector_may_have_the_larger_inner_product() -> None:
    x = found(vectors(st.integers(0, 3).map(float)), lambda x: not own_is_largest(x))

    assert x.tolist() == [[1], [2]]
    assert value("scores.dot", q=x, k=x).tolist() == [[1, 2], [2, 4]]
    assert_on_page("x_1 = [1]", "x_2 = [2]", "x_1·x_1 = 1", "x_1·x_2 = 2")


@given(vectors())
@MANY
def test_it_is_the_largest_at_equal_norms(x: Floats) -> None:
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    unit = np.where(norms > 0, x, 1.0)
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    e = value("scores.dot", q=unit, k=unit)

    assert (np.diag(e)[:, None] >= e - 1e-12).all(), "the inequality of Cauchy and Schwarz"


@given(vectors())
@MANY
def test_for_the_longest_vector_it_is_the_largest(x: Floats) -> None:
    e = value("scores.dot", q=x, k=x)
    longest = int(np.diag(e).argmax())

    assert (e[longest, longest] >= e[longest]).all()


def test_maps_in_front_undo_it_at_equal_norms_too() -> None:
    """What attention compares are not the vectors: W_q and W_k need not agree."""
    x = np.eye(2)
    turned = np.array([[0.0, 1.0], [1.0, 0.0]])
    e = value("scores.linear", s=x, h=x, W_q=np.eye(2), W_k=turned)

    assert e.tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(("t", "d", "share"), [(2, 1, "25"), (8, 4, "29"), (32, 16, "1")])
def test_for_how_many_random_vectors_it_is_false(t: int, d: int, share: str) -> None:
    """Of normal vectors, each in a sequence of t."""
    generator = np.random.Generator(np.random.Philox(0))
    x = generator.standard_normal((4000, t, d))
    e = value("scores.dot", q=x, k=x)
    wrong = (np.diagonal(e, axis1=-2, axis2=-1)[..., None] < e).any(axis=-1)

    assert_on_page(f"{t} vectors of width {d}", f"{share} %")
    assert f"{100 * wrong.mean():.0f}" == share


# 003: tanh keeps the state from vanishing.


def after(steps: int, h: float, a: float) -> float:
    """The state of a simple RNN of one unit, its inputs and its bias 0."""
    zero = np.zeros((steps, 1))
    one = np.ones((1, 1))
    states = value("recurrent.simple_rnn", x=zero, h_0=np.array([h]), W_xh=one, W_hh=a * one, b_h=np.zeros(1))
    return float(states[-1, 0])


def test_with_tanh_the_state_vanishes_too() -> None:
    """The document's own case: an eigenvalue of 0.9, 100 steps, inputs of 0."""
    h = found(st.sampled_from([1.0, 0.5, 0.1]), lambda h: after(100, h, 0.9) < 1e-4)

    assert h == 1
    assert f"{0.9**100:.2e}" == "2.66e-05"
    assert f"{after(100, h, 0.9):.2e}" == "1.34e-05"
    assert_on_page("h_0 = 1", "0.9^100 = 2.66e-05", "1.34e-05")


@given(st.floats(-1, 1), st.floats(-1.5, 1.5), st.integers(1, 30))
@MANY
def test_tanh_only_makes_a_state_smaller(h: float, a: float, steps: int) -> None:
    assert abs(after(steps, h, a)) <= abs(a**steps * h) + 1e-15


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.integers(1, 30))
@MANY
def test_what_tanh_does_is_to_stop_growth(h: float, a: float, steps: int) -> None:
    assert abs(after(steps, h, a)) <= 1


# 001: encoder and decoder are trained to minimise the conditional log-likelihood.


def log_likelihood(p: Floats) -> float:
    """Of the word that is right, which is the first."""
    right = np.zeros(len(p))
    right[0] = 1
    return -float(value("seq2seq.cross_entropy_probs", p=p, y=right))


def shares(count: int) -> st.SearchStrategy[Floats]:
    counts = st.lists(st.integers(1, 9), min_size=count, max_size=count)
    return counts.map(lambda each: np.array(each) / sum(each))


def test_the_least_log_likelihood_is_the_worse_model() -> None:
    """Of two models, what minimises it says that the right word is the less likely one."""

    def prefers_the_worse(models: tuple[Floats, Floats]) -> bool:
        chosen, other = sorted(models, key=log_likelihood)
        return bool(chosen[0] < other[0])

    one, other = found(st.tuples(shares(2), shares(2)), prefers_the_worse)
    chosen, left = sorted((one, other), key=log_likelihood)

    assert (chosen.tolist(), left.tolist()) == (pytest.approx([1 / 3, 2 / 3]), [0.5, 0.5])
    assert (f"{log_likelihood(chosen):.3f}", f"{log_likelihood(left):.3f}") == ("-1.099", "-0.693")
    assert_on_page("p = [1/3, 2/3]", "−1.099", "p = [1/2, 1/2]", "−0.693")


@given(shares(3), shares(3))
@MANY
def test_the_greatest_log_likelihood_is_the_better_model(one: Floats, other: Floats) -> None:
    better, worse = (one, other) if log_likelihood(one) >= log_likelihood(other) else (other, one)

    assert better[0] >= worse[0]


# 003: 2080 parameters, the dense layer at the end included.


@cache
def counted_of(id: str) -> Cost:
    return cost(REGISTRY[id].definition)


def parameters(id: str, **sizes: int) -> int:
    counted = counted_of(id)
    return counted.at(counted.parameters, sizes)


def test_2080_parameters_leave_the_dense_layer_out() -> None:
    def claimed(sizes: tuple[int, int]) -> bool:
        d, u = sizes
        recurrent = parameters("recurrent.simple_rnn_cell_concat", d=d, u=u)
        return recurrent == recurrent + parameters("recurrent.classifier", u=u)

    recurrent = parameters("recurrent.simple_rnn_cell_concat", d=32, u=32)
    dense = parameters("recurrent.classifier", u=32)

    assert found(st.tuples(SIZE, SIZE), lambda sizes: not claimed(sizes)) == (1, 1)
    assert (recurrent, dense, recurrent + dense) == (2080, 33, 2113)
    assert_on_page("32·64 + 32 = 2080", "32 + 1 = 33", "2113")


# 001: attention lowers the amount of computation.

WITHOUT, WITH = "seq2seq.decoder_step_fixed_context", "attention_rnn.bahdanau_step"


def operations(id: str, sizes: dict[str, int]) -> int:
    counted = counted_of(id)
    return counted.at(counted.operations, sizes)


def test_attention_costs_more_operations() -> None:
    """A decoder's step with attention over m states, and the same step with a context that is made once."""
    sizes = st.fixed_dictionaries(dict.fromkeys("dukam", SIZE))
    least = found(sizes, lambda sizes: operations(WITH, sizes) >= operations(WITHOUT, sizes))
    large = {"d": 256, "u": 512, "k": 512, "a": 512, "m": 50}

    assert least == dict.fromkeys("dukam", 1)
    assert (operations(WITHOUT, least), operations(WITH, least)) == (35, 50)
    assert_on_page("35", "50", f"{operations(WITHOUT, large):,}", f"{operations(WITH, large):,}")


@given(st.fixed_dictionaries(dict.fromkeys("dukam", st.integers(1, 1000))))
@MANY
def test_it_costs_more_at_every_size_and_grows_with_the_source(sizes: dict[str, int]) -> None:
    """003's O(m t): every step of the decoder looks at all m states."""
    longer = {**sizes, "m": sizes["m"] + 1}

    assert operations(WITH, sizes) > operations(WITHOUT, sizes) == operations(WITHOUT, longer)
    assert operations(WITH, longer) > operations(WITH, sizes)


# 001: H̃_t = tanh(X_t W_xh + (R_t ⊙ H_{t−1}) W_{hh+b_h}).


def test_a_bias_in_the_subscript_is_another_equation() -> None:
    """Read as it is printed, the bias is added to the matrix, and what is multiplied by 0 is no bias."""
    one, zero = np.ones((1, 1)), np.zeros((1, 1))

    def candidate(h: float, b: float, *, inside: bool) -> float:
        """The new state where z = 0 and r = 1: the candidate, with x = 0 and W_hh = 1."""
        weights = dict.fromkeys(("W_xr", "W_hr", "W_xz", "W_hz", "W_xh"), zero)
        biases = {"b_r": np.array([1e3]), "b_z": np.array([-1e3]), "b_h": np.array([0.0 if inside else b])}
        new = value("recurrent.gru_cell", x=np.zeros(1), h=np.array([h]), W_hh=one + b * inside, **weights, **biases)
        return float(new[0])

    h, b = found(st.tuples(SMALL, SMALL), lambda pair: candidate(*pair, inside=True) != candidate(*pair, inside=False))

    assert (h, b) == (0, 1)
    assert (candidate(h, b, inside=True), f"{candidate(h, b, inside=False):.4f}") == (0, "0.7616")
    assert_on_page("h = 0, b_h = 1", "tanh(0) = 0", "tanh(1) = 0.7616")


def test_every_claim_of_the_page_names_its_document() -> None:
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]

    assert len(sections) == 6
    for section in sections:
        assert re.search(r"^00[0-4], “.+”: ", section, re.MULTILINE), section.partition("\n")[0]
        assert "**Counterexample.**" in section
        assert "**Correct.**" in section
