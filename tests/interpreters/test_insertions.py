"""What software may do besides the formula is what its sentence says."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.everywhere import everywhere
from attnspec.interpreters.mutation.free_numbers import free_numbers
from attnspec.interpreters.mutation.insertions import BOUNDS, FUNCTIONS, insertions
from attnspec.interpreters.mutation.mutants import lookalikes
from attnspec.language.check import check
from attnspec.language.tree import Apply, Definition
from attnspec.verification.cases.case import make
from attnspec.verification.judge.mutant_values import fits
from honest import always
from trees import read

GENERATOR = np.random.Generator(np.random.Philox(0))
X, W_1, B_1, W_2, B_2 = (GENERATOR.standard_normal(shape) for shape in ((5, 3), (3, 4), (4,), (4, 3), (3,)))
GIVEN = {"x": X, "W_1": W_1, "b_1": B_1, "W_2": W_2, "b_2": B_2}
LIKE_OTHERS = re.compile(rf"({'|'.join(FUNCTIONS[1:])}) is applied to |is clipped to ±(?!{BOUNDS[0]:g}$)")


def trees(id: str) -> dict[str, Definition]:
    return {each.says: each.definition for each in insertions(REGISTRY[id].definition)}


def hidden() -> np.ndarray:
    return np.maximum(X @ W_1 + B_1, 0)


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("relu is applied to relu(x W_1 + b_1) W_2 + b_2", np.maximum(hidden() @ W_2 + B_2, 0)),
        ("tanh is applied to x W_1", np.maximum(np.tanh(X @ W_1) + B_1, 0) @ W_2 + B_2),
        ("x is added to the result", hidden() @ W_2 + B_2 + X),
        ("x is multiplied with the result", (hidden() @ W_2 + B_2) * X),
        ("x W_1 and b_1 are multiplied, not added", np.maximum(X @ W_1 * B_1, 0) @ W_2 + B_2),
        ("relu is applied to x W_1 and to b_1, each alone", (np.maximum(X @ W_1, 0) + np.maximum(B_1, 0)) @ W_2 + B_2),
    ],
)
def test_it_is_what_it_says(says: str, expected: np.ndarray) -> None:
    found = next(tree for sentence, tree in trees("transformer.feed_forward").items() if sentence.endswith(says))

    np.testing.assert_allclose(evaluate(found, (), GIVEN), expected, rtol=1e-12)


def test_what_should_be_scaled_is_cut() -> None:
    definition = read(
        """def f(x: Float[Tensor, " d"], *, lowest: float) -> Float[Tensor, " d"]:
    k = index("d")
    y = lowest + (1 - lowest) * x[k] / 2
    return y.stack(k)
"""
    )
    x = np.linspace(0, 2, 9)
    (tree,) = [each.definition for each in insertions(definition) if "x_k / 2, cut at lowest from below" in each.says]

    np.testing.assert_allclose(evaluate(tree, (x,), {"lowest": 0.3}), np.maximum(x / 2, 0.3), rtol=1e-15)


def test_no_function_is_applied_to_what_only_decides_a_comparison() -> None:
    """It would give the other values of the condition, which another mistake says in plain words."""
    definition = REGISTRY["attention.merge"].definition
    compared = [place.put(Apply("tanh", (place.node,))) for place in everywhere(definition) if place.compared]

    assert compared
    assert not any(changed in compared for changed in trees("attention.merge").values())


def test_arguments_of_one_shape_are_exchanged_or_read_for_each_other() -> None:
    says = trees("recurrent.gru_cell")

    assert {"b_r and b_z are swapped", "b_z is read instead of b_r", "b_r is read instead of b_z"} <= says.keys()
    assert not any("x and h are swapped" in sentence for sentence in says)


@pytest.mark.parametrize(("words", "sum_of"), [("its sum", lambda e: e), ("the sum of its absolute values", np.abs)])
def test_weights_are_divided_by_their_sum_and_by_one_where_that_is_nought(words: str, sum_of: Any) -> None:
    e, v = GENERATOR.standard_normal((3, 4)), GENERATOR.standard_normal((4, 2))
    e[1] = 0
    total = sum_of(e).sum(axis=1, keepdims=True)
    found = trees("attention.linear_weights")[f"in c: e_ij is divided by {words} over j"]

    np.testing.assert_allclose(evaluate(found, (e, v), {}), e / np.where(total == 0, 1, total) @ v, rtol=1e-12)


def _each_over(size: Any, x: np.ndarray) -> np.ndarray:
    """Each row over its size, or over 1 where that is 0."""
    sizes = size(x)[:, None]
    return np.asarray(x / np.where(sizes == 0, 1, sizes))


@pytest.mark.parametrize(
    ("says", "change"),
    [
        ("relu is applied to q_i and k_j before they are multiplied", lambda x: np.maximum(x, 0)),
        (
            "q_i and k_j are divided by their root mean squares, or by 1 where that is 0",
            lambda x: _each_over(lambda x: np.sqrt((x * x).mean(-1)), x),
        ),
    ],
)
def test_both_operands_of_a_product_are_changed(says: str, change: Any) -> None:
    q, k, v = (GENERATOR.standard_normal(shape) for shape in ((3, 4), (5, 4), (5, 2)))
    q[1] = 0
    e = change(q) @ change(k).T
    p = np.exp(e - e.max(-1, keepdims=True))

    found = evaluate(trees("attention.dot_product")[f"in alpha: {says}"], (q, k, v), {})

    np.testing.assert_allclose(found, p / p.sum(-1, keepdims=True) @ v, rtol=1e-12)


def test_a_vector_is_divided_by_its_length_and_by_one_where_that_is_nought() -> None:
    definition = REGISTRY["attention.additive"].definition
    q, k, v = (GENERATOR.standard_normal(shape) for shape in ((3, 4), (5, 4), (5, 2)))
    W, U = GENERATOR.standard_normal((4, 6)), GENERATOR.standard_normal((4, 6))
    tree = trees(definition.id)["in e: v_a is divided by its length, or by 1 where that is 0"]
    for v_a in (GENERATOR.standard_normal(6), np.zeros(6)):
        unit = v_a / (np.linalg.norm(v_a) or 1)

        found = evaluate(tree, (q, k, v, W, U, v_a), {})

        np.testing.assert_allclose(found, evaluate(definition, (q, k, v, W, U, unit), {}), rtol=1e-12)


def test_softmax_is_of_shares_over_a_temperature() -> None:
    logits = GENERATOR.standard_normal(5)
    shares = np.exp(logits) / np.exp(logits).sum()
    weights = np.exp(shares / 0.5)

    tree = trees("seq2seq.temperature")["in p: softmax of logits_k is taken first, and softmax of that"]

    np.testing.assert_allclose(evaluate(tree, (logits,), {"tau": 0.5}), weights / weights.sum(), rtol=1e-12)


@pytest.mark.parametrize(
    ("slope", "says", "other"),
    [
        (
            "1 - y[k] * y[k]",
            "the slope of sigmoid is used instead of that of tanh, at y_k",
            lambda d, y: d * y * (1 - y),
        ),
        (
            "y[k] * (1 - y[k])",
            "the slope of tanh is used instead of that of sigmoid, at y_k",
            lambda d, y: d * (1 - y * y),
        ),
    ],
)
@pytest.mark.parametrize("order", ["d[k] * ({slope})", "d[k] * {slope}"])
def test_the_slope_of_another_function_is_used(slope: str, says: str, other: Any, order: str) -> None:
    """Whether the incoming gradient is multiplied with a slope or with its first factor."""
    if slope.startswith("1") and "(" not in order:
        return
    definition = read(
        f"""def f(d: Float[Tensor, " u"], y: Float[Tensor, " u"]) -> Float[Tensor, " u"]:
    k = index("u")
    a = {order.format(slope=slope)}
    return a.stack(k)
"""
    )
    d, y = GENERATOR.standard_normal((2, 4))
    (tree,) = [each.definition for each in insertions(definition) if each.says == f"in a: {says}"]

    np.testing.assert_allclose(evaluate(tree, (d, y), {}), other(d, y), rtol=1e-12)


def test_a_square_matrix_is_averaged_with_its_transpose() -> None:
    x, W, b = GENERATOR.standard_normal((5, 3)), GENERATOR.standard_normal((3, 3)), GENERATOR.standard_normal(3)
    found = trees("transformer.linear")["W is averaged with its transpose, where it is square"]

    np.testing.assert_allclose(evaluate(found, (x, W, b), {}), x @ (W + W.T) / 2 + b, rtol=1e-12)


def test_two_options_are_swapped_in_two_lines() -> None:
    definition = REGISTRY["optimizer.adam"].definition
    theta, g, m, v = np.abs(GENERATOR.standard_normal((4, 3)))
    given = {"step": 3, "lr": 0.1, "beta_1": 0.9, "beta_2": 0.75, "eps": 1e-3}
    m_next, v_next = 0.9 * m + 0.1 * g, 0.75 * v + 0.25 * g * g
    stepped = theta - 0.1 * (m_next / (1 - 0.75**3)) / (np.sqrt(v_next / (1 - 0.9**3)) + 1e-3)

    found = evaluate(trees(definition.id)["in m_hat and v_hat: β_1 and β_2 are swapped"], (theta, g, m, v), given)

    for part, expected in zip(found, (stepped, m_next, v_next), strict=True):
        np.testing.assert_allclose(part, expected, rtol=1e-10)


@pytest.mark.broad
@pytest.mark.parametrize("id", [*REGISTRY])
def test_every_equation_has_well_formed_insertions(id: str) -> None:
    """At each place the first function and the smallest bound are checked: the others have the same type.

    What needs equal sizes has no type at others, and is evaluated where named sizes are equal.
    """
    equal = [make(REGISTRY[id], each, "float64") for each in always(id) if each.why == "equal sizes"]
    for each in insertions(REGISTRY[id].definition):
        if each.equal_sizes:
            for case in (case for case in equal if fits(each, case)):
                evaluate(each.definition, (), case.arguments)
        elif not LIKE_OTHERS.search(each.says):
            check(each.definition)


@pytest.mark.broad
@pytest.mark.parametrize("id", [*REGISTRY])
def test_every_equation_has_well_formed_places_of_numbers(id: str) -> None:
    for place in free_numbers(REGISTRY[id].definition):
        check(place.insert(0.5))


def test_other_equations_with_the_same_arguments_are_thought_of() -> None:
    """A lookalike has the values of the equation whose id it has."""
    found = {each.id: each for each in lookalikes(REGISTRY["attention.scaled_dot_product"])}
    q, k, v = GENERATOR.standard_normal((3, 4, 2))
    given = {"q": q, "k": k, "v": v}

    assert "attention.causal" in found
    assert "attention.scaled_dot_product" not in found
    np.testing.assert_array_equal(
        evaluate(found["attention.causal"].definition, (), given), REGISTRY["attention.causal"](**given)
    )


def test_other_equations_with_fewer_arguments_are_thought_of() -> None:
    """A cell without its second bias has the values of the cell that lacks it."""
    found = {each.id: each for each in lookalikes(REGISTRY["attention.masked"])}
    q, k, v = GENERATOR.standard_normal((3, 4, 2))
    mask = np.eye(4, dtype=bool)

    plain = found["attention.scaled_dot_product"]
    assert plain.says == "this is attention.scaled_dot_product, which does not read mask"
    np.testing.assert_array_equal(
        evaluate(plain.definition, (), {"q": q, "k": k, "v": v, "mask": mask}),
        REGISTRY["attention.scaled_dot_product"](q, k, v),
    )


@pytest.mark.parametrize("id", [*REGISTRY])
def test_lookalikes_are_well_formed(id: str) -> None:
    for lookalike in lookalikes(REGISTRY[id]):
        check(lookalike.definition)


def test_an_argument_is_added_where_two_sizes_are_equal() -> None:
    """A residual around attention, whose values are as wide as the queries in some cases alone."""
    id = "attention.scaled_dot_product"
    [mutant] = [
        each for each in insertions(REGISTRY[id].definition) if each.says.startswith("q is added to the result")
    ]
    q, k, v = (GENERATOR.standard_normal(shape) for shape in ((4, 3), (6, 3), (6, 3)))

    assert mutant.equal_sizes == (("d", "e"),)
    np.testing.assert_allclose(
        evaluate(mutant.definition, (), {"q": q, "k": k, "v": v}), REGISTRY[id](q, k, v) + q, rtol=1e-12
    )


def test_a_result_is_the_sum_of_two_arguments() -> None:
    """As log-sum-exps that are added as if they were sums; the other result stays."""
    id = "attention.merge"
    given = {name: GENERATOR.standard_normal(shape) for name, shape in (("o_1", (4, 3)), ("lse_1", 4), ("o_2", (4, 3)))}
    given["lse_2"] = GENERATOR.standard_normal(4)

    o, lse = evaluate(trees(id)["lse_1 + lse_2 is returned instead of lse_i"], (), given)

    np.testing.assert_allclose(lse, given["lse_1"] + given["lse_2"], rtol=1e-12)
    np.testing.assert_allclose(o, REGISTRY[id](**given)[0], rtol=1e-12)


@pytest.mark.parametrize(("words", "zero"), [("", np.nan), (", and 0 of a vector of zeros", 0.0)])
def test_the_cosine_stands_for_a_product(words: str, zero: float) -> None:
    q, k = GENERATOR.standard_normal((2, 3)), GENERATOR.standard_normal((4, 3))
    q[1] = 0
    tree = trees("scores.dot")[f"in e: the cosine is used instead of q_i·k_j{words}"]
    expected = np.concatenate(
        [q[:1] / np.linalg.norm(q[:1]) @ (k / np.linalg.norm(k, axis=1)[:, None]).T, [[zero] * 4]]
    )

    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(evaluate(tree, (), {"q": q, "k": k}), expected, rtol=1e-12)


def test_two_constants_of_a_line_are_swapped() -> None:
    found = evaluate(trees("transformer.feed_forward_gelu_tanh")["in u: 0.797885 and 0.044715 are swapped"], (), GIVEN)

    a = X @ W_1 + B_1
    u = 0.044715 * (a + 0.7978845608028654 * a**3)
    np.testing.assert_allclose(found, (0.5 * a * (1 + np.tanh(u))) @ W_2 + B_2, rtol=1e-12)


def test_a_function_is_of_minus_its_argument() -> None:
    found = evaluate(
        trees("transformer.feed_forward")["in the result: relu is of minus x W_1 + b_1, not of x W_1 + b_1"], (), GIVEN
    )

    np.testing.assert_allclose(found, np.maximum(-(X @ W_1 + B_1), 0) @ W_2 + B_2, rtol=1e-12)


@pytest.mark.parametrize(
    ("says", "share"),
    [
        ("H_{t−1} is added to self_attentive_context of it", 1.0),
        ("the mean of H_{t−1} and self_attentive_context of it is used", 0.5),
    ],
)
def test_what_a_call_is_given_is_added_to_what_it_gives(says: str, share: float) -> None:
    """A residual connection around what the states read, or an averaged one; the contexts are given as they are."""
    x, (A, b, W_q, W_k) = np.arange(6.0).reshape(3, 2) / 5, (np.ones((4, 2)) / 4, np.ones(2), np.eye(2), np.eye(2))
    definition = REGISTRY["attention_rnn.self_attentive"].definition
    (tree,) = [
        each.definition for each in insertions(definition) if each.says.startswith("in H: ") and says in each.says
    ]
    h: list[Any] = []
    read = np.zeros(2)
    for row in x:
        h.append(np.tanh(np.concatenate([row, read]) @ A + b))
        p = np.exp(np.stack(h) @ h[-1])
        read = share * (p @ np.stack(h) / p.sum() + h[-1])

    found, _ = evaluate(tree, (x, A, b, W_q, W_k), {})

    np.testing.assert_allclose(found, h, rtol=1e-10)


def test_no_function_is_applied_to_a_number_alone() -> None:
    """What stands for a masked score is −∞, and exp of it is 0: another number, which is named as one."""
    found = [each.says for each in insertions(REGISTRY["attention.masked_empty_is_nan"].definition)]

    assert any("is applied to" in says for says in found)
    assert not [says for says in found if "is applied to −∞" in says]


@pytest.mark.parametrize("bound", BOUNDS)
def test_what_is_clipped_keeps_its_digits_within_the_bounds(bound: float) -> None:
    """Otherwise code that loses digits would be told that it clips."""
    clip = next(
        tree for says, tree in trees("transformer.feed_forward").items() if f"x is clipped to ±{bound:g}" in says
    )
    small = {**GIVEN, "x": X * bound / 10}

    assert np.array_equal(
        evaluate(clip, (), small), evaluate(REGISTRY["transformer.feed_forward"].definition, (), small)
    )


def test_what_is_dropped_of_one_array_is_dropped_of_another() -> None:
    """As where weights after dropout are taken for those of softmax."""
    definition = read(
        """def f(g: Float[Tensor, " d"], e: Float[Tensor, " d"], keep: Bool[Tensor, " d"], *, rate: float) -> Float[Tensor, " d"]:
    k = index("d")
    p = softmax(k, e[k])
    d_p = where(keep[k], g[k] / (1 - rate), 0)
    d_e = p * (d_p - sum(k, p * d_p))
    return d_e.stack(k)"""
    )
    made = {each.says: each.definition for each in insertions(definition)}
    (says,) = (each for each in made if each.startswith("in p: softmax_k(e_k) / (1 − rate) if keep_k"))
    g, e, keep = np.array([1.0, -2.0, 3.0]), np.array([0.5, 0.1, -0.3]), np.array([True, False, True])
    p = np.where(keep, np.exp(e) / np.exp(e).sum() / 0.6, 0)
    d_p = np.where(keep, g / 0.6, 0)

    found = evaluate(made[says], (g, e, keep), {"rate": 0.4})

    np.testing.assert_allclose(found, p * (d_p - (p * d_p).sum()), rtol=1e-10)
