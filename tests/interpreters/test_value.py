"""The value of an equation is right to its own float64 noise, on NumPy and on PyTorch, with batches and without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from attnspec import REGISTRY
from attnspec.errors import BindingError, NotationError, ShapeError
from attnspec.interpreters.evaluation.call import answer as called
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.rounding.noise import noise
from attnspec.interpreters.rounding.policy import preset
from attnspec.language.check import check
from attnspec.language.layers import sizes_of
from attnspec.language.symbols import symbol
from attnspec.language.tree import Definition
from attnspec.thresholds import UNDECIDABLE
from attnspec.verification.cases.case import MAY_BE_EMPTY, Case, make
from exact import distance, exact
from honest import always, as_float64, regimes, tensors
from trees import read

IDS = [item.id for item in REGISTRY.values() if item.function.__module__.startswith("attnspec.equations.")]
TYPED = [id for id in IDS if REGISTRY[id].definition.dtype_is_given]
TAKES_ARRAYS = [id for id in IDS if REGISTRY[id].definition.parameters]
FLOAT64 = preset("op-by-op", "float64")

Array = NDArray[Any]


def few(id: str) -> list[Case]:
    """A single example for every other regime, of equal sizes, and for each axis of size 1.

    Which regimes depends on the equation: its neighbours are given the others.
    """
    small = [each for each in always(id) if each.why == "equal sizes" or each.why.endswith("= 1")]
    some = regimes(id)[IDS.index(id) % 2 :: 2]
    return [make(REGISTRY[id], replace(each, batch=()), "float64") for each in (*some, *small)]


def values(id: str, arrays: Mapping[str, Any]) -> tuple[Any, ...]:
    """Every output, as a tuple."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found = REGISTRY[id](**arrays)
    return found if isinstance(found, tuple) else (np.asarray(found) if isinstance(found, int) else found,)


def assert_within(found: tuple[Array, ...], right: tuple[Array, ...], tree: Definition, case: Case) -> None:
    """Two answers to a case are one, to the noise of float64."""
    noises = noise(tree, case.arrays, case.options, FLOAT64)
    for mine, other, each, result in zip(found, right, noises, tree.results, strict=True):
        apart = distance(mine, other)
        assert mine.shape == other.shape
        unbounded = each.sigma >= np.sqrt(UNDECIDABLE)  # of a number near the largest: nothing more is said
        if result.kind != "float":
            unbounded = each.undecidable  # equally likely continuations of a beam, which rounding puts in some order
        assert np.all((apart <= each.bound) | unbounded), f"{case.description}: {apart.max()} is beyond rounding"


# Against 100 digits.


@pytest.mark.parametrize("id", IDS)
def test_the_value_is_right_to_its_own_noise(id: str) -> None:
    tree = REGISTRY[id].definition
    for case in few(id):
        assert_within(values(id, case.arguments), exact(tree, case), tree, case)


def test_a_weight_that_rounds_to_one_is_not_exact() -> None:
    """Σ exp is 1 + 1.7e-16 here, which is 1 summed in one order and 1 + 2.2e-16 in another."""
    tree = REGISTRY["attention.weights"].definition
    case = Case({"e": np.array([[0.0, -37.0, -37.0]])}, {})

    assert_within(values("attention.weights", case.arguments), exact(tree, case), tree, case)


SIGNATURE = 'x: Float[Tensor, "n d"], y: Float[Tensor, "n d"], mask: Bool[Tensor, "n d"]'
INDICES = '\n    i, j = indices("n", "d")\n'


def words(expression: str, kind: str = "Float", result: str = "n d") -> Definition:
    """An equation over words that the catalogue may not use yet."""
    tree = read(f'def f({SIGNATURE}) -> {kind}[Tensor, "{result}"]:{INDICES}    return {expression}')
    check(tree)
    return tree


WORDS = [
    *map(words, (
        "exp(x)", "log(x * x)", "sin(x)", "cos(x)", "tanh(x)", "sigmoid(x)", "relu(x)", "gelu(x)", "-x",
        "sqrt(x * x + 1)", "x / (y * y + 1)", "(x * x + 1) ** y", "where(mask, x, y)", "where(x <= y, x, 2)",
        "where(mask & (x > y), x, -y)", "where(~mask | (x >= 0), x, y)", "where(x < y, x, y)",
        "log_softmax(j, x[i, j]).stack(i, j)", "log_softmax(j, x[i, j], where=mask[i, j]).stack(i, j)",
        "softmax(i, x[i, j]).stack(i, j)",
    )),
    *(words(f"{reduced}.stack(i)", result="n") for reduced in (
        "sum(j, x[i, j])", "sum(j, x[i, j], where=mask[i, j])", "max(j, x[i, j])", "max(j, x[i, j], where=mask[i, j])",
        "(sum(j, x[i, j]) / sqrt(2 + 1))",
    )),
    words("sum(j, 1, where=mask[i, j]).stack(i)", result="n"),
    words("argmax(j, x[i, j]).stack(i)", "Int", "n"),
    words("argmax(j, x[i, j], where=mask[i, j]).stack(i)", "Int", "n"),
]  # fmt: skip


@pytest.mark.parametrize("tree", WORDS, ids=lambda tree: text_of(tree.returns[0], tree))
@pytest.mark.parametrize("scale", [1e-8, 1.0, 8.0])
def test_every_word_is_right_to_its_own_noise(tree: Definition, scale: float) -> None:
    draw = np.random.Generator(np.random.Philox(1))
    x, y, mask = scale * draw.standard_normal((6, 5)), draw.standard_normal((6, 5)), draw.random((6, 5)) < 0.6
    mask[0] = False
    case = Case({"x": x, "y": y, "mask": mask}, {})

    found = np.asarray(evaluate(tree, (), case.arguments))

    assert_within((found,), exact(tree, case), tree, case)


def test_a_position_may_weigh_a_sum() -> None:
    tree = words("sum(j, x[i, j] * j).stack(i)", result="n")
    case = Case({"x": np.ones((2, 3)), "y": np.ones((2, 3)), "mask": np.ones((2, 3), dtype=bool)}, {})

    assert_within((np.asarray(evaluate(tree, (), case.arguments)),), exact(tree, case), tree, case)


@pytest.mark.parametrize(
    ("place", "rows"),
    [("i - 1", (None, 0, 1, 2)), ("i + 1", (1, 2, 3, None)), ("1 + i", (1, 2, 3, None)),
     ("3 - i", (3, 2, 1, 0)), ("2 - i", (2, 1, 0, None)), ("4 - i", (None, 3, 2, 1)), ("9 - i", (None,) * 4)],
)  # fmt: skip
def test_a_subscript_is_shifted_or_runs_backwards(place: str, rows: tuple[int | None, ...]) -> None:
    """Beyond the ends it reads 0."""
    x = np.arange(1.0, 9.0).reshape(4, 2)
    right = np.array([np.zeros(2) if row is None else x[row] for row in rows])

    found = evaluate(words(f"x[{place}, j].stack(i, j)"), (x, x, x > 0), {})

    assert np.array_equal(found, right)


@pytest.mark.parametrize(
    ("place", "rows"),
    [("k - 1 - i", ((1, 0, None), (None, None, None))), ("i + k", ((2, None, None), (0, 1, 2))),
     ("i - k", ((None, None, 0), (0, 1, 2)))],
)  # fmt: skip
def test_an_array_may_tell_how_far_a_subscript_is_shifted(place: str, rows: tuple[tuple[int | None, ...], ...]) -> None:
    """By as much as it says in each example; beyond the ends it reads 0."""
    shapes = 'x: Float[Tensor, "n d"], k: Int[Tensor, ""]'
    tree = read(
        f'def f({shapes}) -> Float[Tensor, "n d"]:\n    i = index("n")\n    y = x[{place}]\n    return y.stack(i)'
    )
    check(tree)
    x = np.arange(1.0, 7.0).reshape(3, 2)
    right = np.array([[np.zeros(2) if row is None else x[row] for row in each] for each in rows])

    assert np.array_equal(evaluate(tree, (x, np.array([2, 0])), {}), right)


@pytest.mark.parametrize("place", ["i / 2", "0.5 * i", "x[i, j]", "j", "j + 1", "x"])
def test_a_subscript_that_is_no_whole_number_is_refused(place: str) -> None:
    with pytest.raises(NotationError, match="shapes do not fit"):
        words(f"x[{place}, j].stack(i, j)")


def test_an_index_may_run_over_the_first_part_of_an_axis() -> None:
    """Also where the rest is empty; an index over something else is refused."""
    source = 'def f(x: Float[Tensor, " d+u"], y: Float[Tensor, " d"], z: Float[Tensor, " u"]) -> Float[Tensor, " d"]:\n'
    source += '    k = index("d")\n    return (x[k] * y[k]).stack(k)'
    x, y = np.arange(1.0, 6.0), np.array([1.0, 10.0])

    check(read(source))

    assert np.array_equal(evaluate(read(source), (x, y, x[2:]), {}), [1, 20])
    assert np.array_equal(evaluate(read(source), (x[:2], y, x[:0]), {}), [1, 20])
    with pytest.raises(NotationError, match="shapes do not fit"):
        check(read(source.replace('index("d")', 'index("d+u+u")')))
    with pytest.raises(NotationError, match="shapes do not fit"):
        check(read(source.replace("y[k]", "z[k]")))


def test_a_callee_may_halve_a_size() -> None:
    """[→h; ←h] is 2·u wide: a caller's 2·p makes u mean p, and its p alone cannot be halved."""
    source = 'def f(h: Float[Tensor, "m 2*p"]) -> Float[Tensor, " 2*p"]:\n    return recurrent_bidirectional_feature(h)'
    h = np.arange(12.0).reshape(3, 4)

    check(read(source))

    assert np.array_equal(evaluate(read(source), (h,), {}), [8, 9, 2, 3])
    with pytest.raises(NotationError, match="shapes do not fit"):
        check(read(source.replace("2*p", "p")))


def test_a_computed_place_reads_0_beyond_the_ends() -> None:
    x = np.arange(1.0, 9.0).reshape(4, 2)

    found = evaluate(words("x[2 * i - 1, j].stack(i, j)"), (x, x, x > 0), {})

    assert np.array_equal(found, [[0, 0], x[1], x[3], [0, 0]])


def test_the_digits_are_those_of_mpmath() -> None:
    """The reference itself, on what mpmath can be asked in one line; its own context leaves the global one alone."""
    case = Case({"e": np.array([[0.1, 0.2]])}, {})
    with mpmath.workdps(120):
        right = 1 / (1 + mpmath.exp(mpmath.mpf(0.2) - mpmath.mpf(0.1)))
        found = exact(REGISTRY["attention.weights"].definition, case)[0][0, 0]
        assert 0 < abs(mpmath.mpf(found) - right) < mpmath.mpf(10) ** -99


# On PyTorch.


@pytest.mark.parametrize("id", IDS)
def test_pytorch_gives_the_same(id: str) -> None:
    for case in few(id):
        found = values(id, tensors(case, "float64"))
        assert_within(as_float64(found), values(id, case.arguments), REGISTRY[id].definition, case)


@pytest.mark.parametrize("id", TYPED)
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_tensor_keeps_its_dtype(id: str, dtype: str) -> None:
    case = make(REGISTRY[id], next(always(id)), dtype)

    found = zip(values(id, tensors(case, dtype)), REGISTRY[id].definition.results, strict=True)
    assert {part.dtype for part, result in found if result.kind == "float"} <= {getattr(torch, dtype)}


# Batches, and nothing.


@pytest.mark.parametrize("id", TAKES_ARRAYS)
@pytest.mark.parametrize("weights", [False, True], ids=["shared weights", "weights for each"])
def test_a_batch_is_a_loop_over_examples(id: str, weights: bool) -> None:
    """Axes before those of the signature are lifted over, also where only some arguments have them."""
    equation = REGISTRY[id]
    plain = make(equation, next(always(id)), "float64")
    lifted = [name for name in plain.arrays if weights or not symbol(name, id).weight]
    draw = np.random.Generator(np.random.Philox(2))
    arrays = {name: array if name not in lifted else _several(array, draw) for name, array in plain.arrays.items()}

    whole = values(id, {**arrays, **plain.options})

    each = [
        values(id, {**{name: array[k] if name in lifted else array for name, array in arrays.items()}, **plain.options})
        for k in np.ndindex(2, 3)
    ]
    alone = tuple(np.stack(parts).reshape(2, 3, *parts[0].shape) for parts in zip(*each, strict=True))
    assert_within(whole, alone, equation.definition, Case(arrays, plain.options))


def _several(array: Array, draw: np.random.Generator) -> Array:
    """(2, 3) arrays like it."""
    if array.dtype.kind == "b":
        return draw.random((2, 3, *array.shape)) < 0.6
    return np.asarray(array * draw.uniform(0.5, 1.5, (2, 3, *array.shape)))


def may_be_empty(id: str) -> list[str]:
    """The sizes of what is asked one by one."""
    definition = REGISTRY[id].definition
    return [name for name in sizes_of(definition) if definition.role(name) in MAY_BE_EMPTY]


@pytest.mark.parametrize("id", [id for id in IDS if may_be_empty(id)])
def test_nothing_asked_is_nothing_answered(id: str) -> None:
    """No steps, or no queries: shapes are right, what does not depend on them is there, and there is no warning."""
    equation = REGISTRY[id]
    described = next(always(id))
    sizes = {name: 0 if name in may_be_empty(id) else size for name, size in described.sizes}
    case = make(equation, replace(described, sizes=tuple(sizes.items())), "float64")

    for arrays in (case.arguments, tensors(case, "float64")):
        found = values(id, arrays)
        for part, result in zip(found, equation.definition.results, strict=True):
            assert tuple(part.shape) == tuple(dim.value(sizes) for dim in result.dims)
    for each in noise(equation.definition, case.arrays, case.options, FLOAT64):
        assert each.value.shape == each.sigma.shape == each.bound.shape == each.undecidable.shape


def test_without_steps_the_last_state_is_the_first() -> None:
    described = replace(next(always("recurrent.lstm")), sizes=(("t", 0), ("d", 3), ("u", 4)))
    case = make(REGISTRY["recurrent.lstm"], described, "float64")

    h, c = REGISTRY["recurrent.lstm"](**case.arguments)

    assert h.shape == (0, 4)
    assert np.array_equal(c, case.arrays["c_0"])


def test_an_empty_batch_is_answered() -> None:
    assert REGISTRY["attention.weights"](np.zeros((0, 2, 3))).shape == (0, 2, 3)


# What is masked never shows.

STRAY = (np.nan, np.inf, -np.inf, 1e30)


@pytest.mark.parametrize("stray", STRAY, ids=str)
@pytest.mark.parametrize("id", ["attention.masked", "attention.masked_empty_is_nan"])
def test_masked_keys_and_values_never_show(id: str, stray: float) -> None:
    """A key that nobody looks at can be anything; a row with nothing to look at reads 0, or NaN by that convention."""
    draw = np.random.Generator(np.random.Philox(3))
    q, k, v = draw.standard_normal((4, 3)), draw.standard_normal((5, 3)), draw.standard_normal((5, 2))
    mask = np.ones((4, 5), dtype=bool)
    mask[:, 2] = False
    mask[1] = False
    k_stray, v_stray = k.copy(), v.copy()
    k_stray[2], v_stray[2] = stray, stray
    wild = id == "attention.masked_empty_is_nan"  # what it leaves out of the weights it still multiplies by 0

    (plain,) = values(id, {"q": q, "k": k, "v": v, "mask": mask})
    (odd,) = values(id, {"q": q, "k": k_stray, "v": v if wild else v_stray, "mask": mask})

    assert np.array_equal(plain, odd, equal_nan=True)
    assert np.array_equal(plain[1], [np.nan] * 2 if wild else [0, 0], equal_nan=True)


@pytest.mark.parametrize("stray", STRAY, ids=str)
def test_a_masked_value_shows_in_no_row_but_in_those_that_see_it(stray: float) -> None:
    """Also where other rows look at it, in NumPy and in PyTorch, and in the noise."""
    id = "attention.masked"
    case = make(REGISTRY[id], next(always(id)), "float64")
    sees = case.arrays["mask"][:, 2]
    assert 0 < sees.sum() < len(sees)
    k, v = case.arrays["k"].copy(), case.arrays["v"].copy()
    k[2] = v[2] = stray
    odd = replace(case, arrays={**case.arrays, "k": k, "v": v})

    (plain,), (wild,) = values(id, case.arguments), values(id, odd.arguments)
    (by_torch,) = as_float64(values(id, tensors(odd, "float64")))

    (expected,) = noise(REGISTRY[id].definition, case.arrays, case.options, FLOAT64)
    (found,) = noise(REGISTRY[id].definition, odd.arrays, odd.options, FLOAT64)
    for answer in (wild, by_torch):
        assert np.all(np.abs(answer - plain)[~sees] <= expected.bound[~sees])
    assert np.all(found.bound[~sees] < 1e-13)
    assert not found.undecidable[~sees].any()


@pytest.mark.parametrize("id", [id for id in IDS if "causal" in id and not REGISTRY[id].gradient_of])
def test_what_comes_later_never_shows(id: str) -> None:
    """The last key and value may be NaN: no row but the last sees them."""
    usual = next(always(id))
    described = replace(usual, sizes=tuple((name, 5 if name in "nm" else size) for name, size in usual.sizes))
    case = make(REGISTRY[id], described, "float64")
    odd = {name: array.copy() for name, array in case.arrays.items()}
    for name in {"k", "v", "x_kv", "x"} & odd.keys():
        odd[name][-1] = np.nan

    (plain,), (wild,) = values(id, case.arguments), values(id, {**odd, **case.options})

    assert np.allclose(plain[:-1], wild[:-1], rtol=1e-13, atol=1e-13)  # a fused product may sum in another order
    assert np.isnan(wild[-1]).all()


# What is refused.


def refused(id: str, *args: Any, **kwargs: Any) -> str:
    with pytest.raises((ShapeError, BindingError)) as caught:
        REGISTRY[id](*args, **kwargs)
    return str(caught.value)


def test_a_shape_that_does_not_fit_is_shown() -> None:
    case = make(REGISTRY["recurrent.gru_cell"], next(always("recurrent.gru_cell")), "float64")
    arrays = {**case.arrays, "h": np.zeros(4), "W_hz": np.zeros((4, 8))}

    assert refused("recurrent.gru_cell", **arrays) == "\n".join(
        [
            "ShapeError: recurrent.gru_cell: W_hz does not fit",
            "  given     W_hz of shape (4, 8)",
            "  expected  (u, u) after any batch axes: u = 4, since h has shape (4,)",
            "  to mend   leading axes are batch axes; split packed weights before the call",
        ]
    )


@pytest.mark.parametrize(
    ("id", "shapes", "given", "expected"),
    [
        ("scores.dot", {"q": (3,), "k": (2, 4)}, "q of shape (3,)", "(n, d) after any batch axes: at least 2 axes"),
        (
            "scores.dot", {"q": (3, 5), "k": (2, 4)},
            "k of shape (2, 4)", "(m, d) after any batch axes: d = 5, since q has shape (3, 5)",
        ),
        (
            "multihead.split", {"x": (3, 5)},
            "x of shape (3, 5)", "(t, H*d) after any batch axes: H*d, where d would be 5/2",
        ),
        (
            "recurrent.simple_rnn_cell_concat", {"x": (3,), "h": (2,), "A": (4, 2), "b": (2,)},
            "A of shape (4, 2)", "(d+u, u) after any batch axes: d+u = 5, since h has shape (2,); x has shape (3,)",
        ),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit(id: str, shapes: dict[str, tuple[int, ...]], given: str, expected: str) -> None:
    arrays = {name: np.zeros(shape) for name, shape in shapes.items()}
    options = {option.name: 2 for option in REGISTRY[id].definition.options}

    assert f"\n  given     {given}\n  expected  {expected}\n" in refused(id, **arrays, **options)


def test_batches_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape mismatch|broadcast"):
        REGISTRY["scores.dot"](np.zeros((2, 3, 4)), np.zeros((5, 3, 4)))


Q, K = np.zeros((2, 3)), np.zeros((2, 3))


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        ((), {"q": Q}, ["given     missing k", "expected  q, k"]),
        ((Q,), {"key": K}, ["given     unknown key; missing k", "expected  q, k", "to mend   did you mean k?"]),
        ((Q, K), {"q": Q}, ["given     twice q", "expected  q, k"]),
        ((Q, K, K), {}, ["given     3 positional arguments", "expected  q, k"]),
    ],
)
def test_other_arguments_are_refused(args: tuple[Any, ...], kwargs: dict[str, Any], expected: list[str]) -> None:
    lines = ["BindingError: scores.dot was called with other arguments", *(f"  {line}" for line in expected)]

    assert refused("scores.dot", *args, **kwargs) == "\n".join(lines)


def test_an_option_goes_by_its_keyword() -> None:
    assert refused("multihead.split", np.zeros((2, 4))).splitlines()[1:] == [
        "  given     missing heads",
        "  expected  x; by keyword heads",
    ]


def test_sizes_alone_may_give_a_count() -> None:
    """`-> int` announces a whole number; a fraction is refused."""
    count, half = (read(f"def f(*, d: int, u: int) -> int:\n    return {body}") for body in ("3 * u * d", "u / 2 + d"))
    check(count)

    assert called(count, (), {"d": 5, "u": 7}) == 105
    assert type(called(count, (), {"d": 5, "u": 7})) is int
    with pytest.raises(NotationError, match="shapes do not fit"):
        check(half)


def test_a_number_alone_has_no_noise() -> None:
    (found,) = noise(
        REGISTRY["cost.lstm_parameters"].definition, {}, {"d": 320, "u": 320}, preset("op-by-op", "bfloat16")
    )

    assert (found.value, found.bound, found.undecidable) == (820480, 0, False)
    assert found.members.shape == (32,)
