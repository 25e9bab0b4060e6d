"""Mistakes with the places along an axis compute what their sentences say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.place_errors import place_errors
from attnspec.language.check import check
from attnspec.language.equation import equation
from attnspec.notation import Float, Tensor, cos, index, sin, size, where

Array = NDArray[np.float64]


@equation()
def neighbours(x: Float[Tensor, "t 2*d"], gain: Float[Tensor, " d"]) -> Float[Tensor, "t 2*d"]:
    """Each pair of neighbouring columns is turned by an angle that grows with the row, and multiplied by a gain."""
    t, k = index("t"), index("2*d")
    theta = 100 ** (0 - (k // 2) / size("d"))
    partner = where(k % 2 == 0, -x[t, k + 1], x[t, k - 1])
    y = gain[k // 2] * (x[t, k] * cos(t * theta) + partner * sin(t * theta))
    return y.stack(t, k)


@equation()
def halves(x: Float[Tensor, "t 2*d"], gain: Float[Tensor, " d"]) -> Float[Tensor, "t 2*d"]:
    """As `neighbours`, of the columns that are half of the width apart."""
    t, k = index("t"), index("2*d")
    d = size("d")
    theta = 100 ** (0 - (k % d) / d)
    partner = where(k < d, -x[t, k + d], x[t, k - d])
    y = gain[k % d] * (x[t, k] * cos(t * theta) + partner * sin(t * theta))
    return y.stack(t, k)


@equation()
def sixes(k: Float[Tensor, " d"]) -> Float[Tensor, " 6*d"]:
    """Six neighbouring places have one value."""
    h = index("6*d")
    y = k[h // 6]
    return y.stack(h)


@equation()
def threes(k: Float[Tensor, " d"]) -> Float[Tensor, " 3*d"]:
    """Three neighbouring places have one value."""
    h = index("3*d")
    y = k[h // 3]
    return y.stack(h)


DEFINITIONS = {"neighbours": neighbours.definition, "halves": halves.definition}


def turned(x: Array, gain: Array, in_halves: bool, first: int = 0) -> Array:
    width = x.shape[-1]
    angle = np.arange(first, first + len(x))[:, None] * 100.0 ** (-np.arange(0, width, 2) / width)
    a, b = (x[:, : width // 2], x[:, width // 2 :]) if in_halves else (x[:, 0::2], x[:, 1::2])
    y = gain * (a * np.cos(angle) - b * np.sin(angle)), gain * (b * np.cos(angle) + a * np.sin(angle))
    return np.concatenate(y, -1) if in_halves else np.stack(y, -1).reshape(x.shape)


def value(of: str, id: str, x: Array, gain: Array) -> Array:
    [tree] = [each.definition for each in place_errors(DEFINITIONS[of]) if each.id == id]
    return np.asarray(evaluate(tree, (), {"x": x, "gain": gain}))


@pytest.mark.parametrize("d", [1, 3, 4])
@pytest.mark.parametrize(("of", "other"), [("neighbours", "halves"), ("halves", "neighbours")])
def test_pairs_of_neighbours_and_of_halves_stand_for_each_other(of: str, other: str, d: int) -> None:
    random = np.random.default_rng(d)
    x, gain = random.normal(size=(5, 2 * d)), random.normal(size=d)

    np.testing.assert_allclose(value(of, f"k/{other}", x, gain), turned(x, gain, other == "halves"), rtol=1e-12)


@pytest.mark.parametrize("of", ["neighbours", "halves"])
def test_places_are_counted_from_one(of: str) -> None:
    """Where they are numbers: the rows that are read stay the same."""
    random = np.random.default_rng(0)
    x, gain = random.normal(size=(5, 6)), random.normal(size=3)

    np.testing.assert_allclose(value(of, "t/from-one", x, gain), turned(x, gain, of == "halves", 1), rtol=1e-12)


def test_an_axis_without_arithmetic_has_no_other_pairs() -> None:
    found = place_errors(REGISTRY["multihead.attention"].definition)
    assert not [each.id for each in found if "mirrored" not in each.id and "exchanged" not in each.id]


@pytest.mark.parametrize("id", ["h/tile/4", "h/tile-within/4"])
def test_a_tile_reads_the_group_of_its_first_place(id: str) -> None:
    """The tile of 4 that begins in a group of 6 reads that alone; one of a group of 3 may be no larger than that."""
    [wide], [narrow] = (
        [each.definition for each in place_errors(of.definition) if each.id == id] for of in (sixes, threes)
    )
    alone = [1] * 4 + [2] * 4 + [3] * 4  # of the places 0, 4 and 8

    np.testing.assert_array_equal(evaluate(wide, (np.arange(1.0, 3.0),), {}), [1] * 8 + [2] * 4)
    np.testing.assert_array_equal(
        evaluate(narrow, (np.arange(1.0, 5.0),), {}), alone if id == "h/tile/4" else np.repeat(np.arange(1.0, 5.0), 3)
    )


@pytest.mark.parametrize(("since", "squares"), [("", True), (", from variance on", False)])
def test_a_thread_keeps_the_last_place_that_it_reads(since: str, squares: bool) -> None:
    """Of 7 places, 3 threads read 0, 3 and 6; 1 and 4; 2 and 5."""
    says = f"each of 3 threads that take turns along k keeps its last x for all{since}"
    (tree,) = [
        each.definition
        for each in place_errors(REGISTRY["transformer.layer_norm"].definition, [3])
        if each.says == says
    ]
    x = np.random.default_rng(1).normal(size=7)
    kept = x[[6, 4, 5, 6, 4, 5, 6]]
    apart = kept - (kept if squares else x).mean()

    wrong = evaluate(tree, (x, np.ones(7), np.zeros(7)), {"eps": 0.0})

    np.testing.assert_allclose(wrong, apart / np.sqrt((apart**2).mean()), rtol=1e-12)


def test_places_begin_again_behind_the_end_of_a_table() -> None:
    """Of sines and cosines too, whose places are numbers."""
    definition = REGISTRY["position.sinusoidal"].definition
    [wrong] = [each for each in place_errors(definition, [5]) if each.says == "the places of pos begin again after 5"]
    right = np.asarray(evaluate(definition, (), {"t": 5, "d": 6}))

    np.testing.assert_allclose(evaluate(wrong.definition, (), {"t": 9, "d": 6}), np.vstack([right, right[:4]]))


@pytest.mark.parametrize("count", [1, 4])
def test_an_array_is_read_at_the_place_of_another_axis(count: int) -> None:
    """It is one where the two axes are as long, as broadcasting lines them up."""
    found = place_errors(REGISTRY["scores.dot"].definition)
    [wrong] = [each for each in found if each.says == "in e: k_i is read instead of k_j where m = n"]
    q, k = np.random.default_rng(2).normal(size=(2, count, 3))

    np.testing.assert_allclose(
        evaluate(wrong.definition, (q, k), {}), np.broadcast_to((q * k).sum(-1)[:, None], (count, count)), rtol=1e-12
    )
    assert wrong.equal_sizes == (("m", "n"),)


@pytest.mark.parametrize(
    ("words", "mode"), [("it goes on at the other end", "wrap"), ("it is read backwards", "reflect"), ("the end is repeated", "edge")]
)  # fmt: skip
def test_beyond_an_end_an_array_goes_on(words: str, mode: Any) -> None:
    """As numpy.pad has it."""
    found = place_errors(REGISTRY["text.window_labels"].definition)
    [wrong] = [each for each in found if each.says.endswith(f"is beyond an end, {words}")]
    x, W = np.random.default_rng(3).normal(size=(5, 2)), np.random.default_rng(4).normal(size=(6, 3))

    padded = np.pad(x, [(1, 1), (0, 0)], mode)
    expected = np.stack([padded[i : i + 3].ravel() @ W for i in range(5)])
    np.testing.assert_allclose(evaluate(wrong.definition, (x, W, np.zeros(3)), {"w": 1}), expected, rtol=1e-12)


def test_scores_are_mirrored_at_the_diagonal() -> None:
    """Where queries and keys are as many; in a callee too."""
    found = place_errors(REGISTRY["scores.dot"].definition)
    [wrong] = [each for each in found if each.says.startswith("in e: where j > i, i and j are exchanged")]
    q, k = np.random.default_rng(2).normal(size=(2, 4, 3))
    lower = np.tril(q @ k.T)

    np.testing.assert_allclose(evaluate(wrong.definition, (q, k), {}), lower + np.tril(lower, -1).T, rtol=1e-12)
    assert wrong.equal_sizes == (("n", "m"),)
    called = place_errors(REGISTRY["self_attention.scaled"].definition)
    assert any(each.id == "the result/e/mirrored-j-i" for each in called)


@pytest.mark.broad
@pytest.mark.parametrize("id", [*REGISTRY])
def test_every_equation_has_well_formed_places(id: str) -> None:
    for each in place_errors(REGISTRY[id].definition):
        check(each.definition)


def test_a_line_is_read_with_its_axes_exchanged_where_they_are_as_long() -> None:
    """The gradient of the keys sums over the scores' gradient, which needs to be turned there, or not."""
    definition = REGISTRY["backward.scaled_dot_product"].definition
    [wrong] = [each for each in place_errors(definition) if each.id == "d_k/exchanged-i-j of ∂e_ij"]
    generator = np.random.default_rng(0)
    arrays = {name: generator.normal(size=(4, 3)) for name in ("d_o", "q", "k", "v")}
    p = np.exp(arrays["q"] @ arrays["k"].T / np.sqrt(3))
    p /= p.sum(axis=1, keepdims=True)
    d_p = arrays["d_o"] @ arrays["v"].T
    d_e = p * (d_p - (p * d_p).sum(axis=1, keepdims=True)) / np.sqrt(3)

    d_q, d_k, d_v = evaluate(wrong.definition, (), arrays)

    assert wrong.says == "in d_k: i and j of ∂e_ij are exchanged where n = m"
    assert wrong.equal_sizes == (("n", "m"),)
    np.testing.assert_allclose(d_k, d_e @ arrays["q"], rtol=1e-12)
    np.testing.assert_allclose(d_q, d_e @ arrays["k"], rtol=1e-12)
    np.testing.assert_allclose(d_v, p.T @ arrays["d_o"], rtol=1e-12)


def test_one_number_of_a_pair_is_that_of_another_order() -> None:
    """As where neighbours are turned by angles of a table whose halves are equal."""
    found = {each.says: each.definition for each in place_errors(neighbours.definition)}
    x, gain = np.random.default_rng(0).standard_normal((4, 6)), np.ones(3)
    k = np.arange(6)
    angle = np.arange(4)[:, None] * 100.0 ** (-(k % 3) / 3)
    partner = np.where(k % 2 == 0, -np.roll(x, -1, -1), np.roll(x, 1, -1))

    value = evaluate(found["in theta: mod(k, d) is used instead of ⌊k / 2⌋"], (x, gain), {})

    np.testing.assert_allclose(value, x * np.cos(angle) + partner * np.sin(angle), rtol=1e-10)


def test_an_index_within_a_place_is_counted_from_its_end() -> None:
    """Each window of a convolution is turned."""
    definition = REGISTRY["text.window_labels"].definition
    found = {each.says: each.definition for each in place_errors(definition)}
    x, W, b = np.random.default_rng(0).standard_normal((6, 2)), np.random.default_rng(1).standard_normal((6, 3)), 0
    turned = W.reshape(3, 2, 3)[::-1].reshape(6, 3)

    value = evaluate(found["in window: j of x_{[i+j−w]} is counted from its end"], (x, W, np.full(3, b)), {"w": 1})

    np.testing.assert_allclose(value, evaluate(definition, (x, turned, np.full(3, b)), {"w": 1}), rtol=1e-10)


@equation()
def raised(x: Float[Tensor, "H n"], b: Float[Tensor, " H"]) -> Float[Tensor, "H n"]:
    """Each head has a bias of its own."""
    h, i = index("H"), index("n")
    y = x[h, i] + b[h]
    return y.stack(h, i)


@pytest.mark.parametrize(
    ("says", "places"),
    [
        ("in y: b_{[mod(h n + i, H)]} is read instead of b_h", [[0, 1], [2, 0], [1, 2]]),
        ("in y: b_{[⌊(i H + h) / n⌋]} is read instead of b_h", [[0, 1], [0, 2], [1, 2]]),
    ],
)
def test_an_array_is_read_by_the_number_of_a_row(says: str, places: list[list[int]]) -> None:
    """Three heads of two rows: six rows, whose numbers are h n + i, or i H + h where rows are laid out otherwise."""
    found = {
        each.says.replace("h n+i", "h n + i").replace("i H+h", "i H + h"): each
        for each in place_errors(raised.definition)
    }
    x, b = np.zeros((3, 2)), np.array([5.0, 6.0, 7.0])

    np.testing.assert_array_equal(evaluate(found[says].definition, (x, b), {}), b[np.minimum(places, 2)])
