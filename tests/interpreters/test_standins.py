"""Functions that stand in for those of a formula are what PyTorch has under their names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import torch

from attnspec import equation
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.function_substitutions import (
    CAPS,
    CLIPS,
    FLOORS,
    FOCAL,
    OVERFLOWING,
    POWERS,
    SUBSTITUTIONS,
    WARPS,
    Z_LOSSES,
    function_substitutions,
    regrouped_products,
)
from attnspec.interpreters.mutation.function_substitutions import MASKED as MASKED_BY
from attnspec.language.check import check
from attnspec.language.equation import REGISTRY
from attnspec.notation import Bool, Float, Tensor, index, softmax, sum
from trees import read

FARTHEST = 60.0
"""How far from 0 the functions are asked; what most of them give is no larger."""


def share_of(parts: torch.Tensor) -> torch.Tensor:
    return parts / parts.sum()


NAMED: dict[str, tuple[str, Any]] = {
    "hard-sigmoid": ("sigmoid(x)", torch.nn.functional.hardsigmoid),
    "hard-sigmoid-keras": ("sigmoid(x)", lambda x: (0.2 * x + 0.5).clamp(0, 1)),
    "hard-tanh": ("tanh(x)", torch.nn.functional.hardtanh),
    "leaky-relu": ("relu(x)", torch.nn.functional.leaky_relu),
    "silu-relu": ("relu(x)", torch.nn.functional.silu),
    "silu-gelu": ("gelu(x)", torch.nn.functional.silu),
    "elu-relu": ("relu(x)", torch.nn.functional.elu),
    "selu-relu": ("relu(x)", torch.nn.functional.selu),
    "softplus-relu": ("relu(x)", lambda x: torch.nn.functional.softplus(x, threshold=100)),
    "abs-relu": ("relu(x)", torch.abs),
    "squared-relu": ("relu(x)", lambda x: torch.relu(x) ** 2),
    "capped-relu": ("relu(x)", torch.nn.functional.relu6),
    "mish-relu": ("relu(x)", torch.nn.functional.mish),
    "mish-gelu": ("gelu(x)", torch.nn.functional.mish),
    "tanh-gelu": ("gelu(x)", lambda x: torch.nn.functional.gelu(x, approximate="tanh")),
    "hard-swish": ("silu(x)", torch.nn.functional.hardswish),
    "rational-tanh": ("tanh(x)", lambda x: (y := x.clamp(-3, 3)) * (27 + y**2) / (27 + 9 * y**2)),
    "softsign": ("tanh(x)", torch.nn.functional.softsign),
    "sigmoid-softmax": ("softmax(i, x[i])", torch.sigmoid),
    "relu-softmax": ("softmax(i, x[i])", lambda x: torch.relu(x) / (torch.relu(x).sum() + 1e-9)),
    "softmax-twice": ("softmax(i, x[i])", lambda x: torch.softmax(torch.softmax(x, 0), 0)),
    "quick-gelu": ("gelu(x)", lambda x: x * torch.sigmoid(1.702 * x)),
    "hard-softmax": ("softmax(i, x[i])", lambda x: torch.eye(len(x), dtype=x.dtype)[x.argmax()]),
    **{
        f"log-{word}-{floor:g}": ("log(exp(x))", lambda x, f=f, floor=floor: torch.log(f(torch.exp(x), floor)))
        for word, f in (
            ("floor", lambda p, floor: p.clamp(min=floor)),
            ("clipped", lambda p, floor: p.clamp(floor, 1 - floor)),
            ("clipped-float32", lambda p, floor: p.clamp(floor, float(np.float32(1 - floor)))),
            ("plus", lambda p, floor: p + floor),
        )
        for floor in FLOORS
    },
    **{
        f"cap-{cap:g}": ("softmax(i, x[i])", lambda x, cap=cap: torch.softmax(cap * torch.tanh(x / cap), 0))
        for cap in CAPS
    },
    **{
        f"power-{n}": ("softmax(i, x[i])", lambda x, n=n: share_of(torch.relu(1 + (x - x.max()) / n) ** n))
        for n in POWERS
    },
    **{
        f"z-loss-{z:g}": ("log_softmax(i, x[i])", lambda x, z=z: torch.log_softmax(x, 0) - z * x.logsumexp(0) ** 2)
        for z in Z_LOSSES
    },
    **{
        f"focal-{n:g}": ("log_softmax(i, x[i])", lambda x, n=n: (1 - x.softmax(0)) ** n * x.log_softmax(0))
        for n in FOCAL
    },
    **{
        f"clipped-{name}-{bound:g}": (f"{name}(x)", lambda x, f=f, bound=bound: f(x.clamp(-bound, bound)))
        for name, f in (("sigmoid", torch.sigmoid), ("tanh", torch.tanh), ("exp", torch.exp))
        for bound in CLIPS
    },
}


Z = [f"z-loss-{factor:g}" for factor in Z_LOSSES]
"""Beside those of exp, the only ones that give what is much larger than their argument."""

SEEN = "-seen"
"""The end of the names of those that are 0 where everything is masked."""

MASKED: dict[str, Any] = {
    "masked-infinite": lambda x, mask: x.masked_fill(~mask, -torch.inf),
    "masked-large": lambda x, mask: x.masked_fill(~mask, -1e9),
    "mask-added": lambda x, mask: x + mask,
    "mask-multiplied": lambda x, mask: x * mask,
    "masked-added": lambda x, mask: x + (1.0 - mask.to(x.dtype)) * -1e4,
    **{
        f"masked-{number:g}{seen}": lambda x, mask, number=number: x.masked_fill(~mask, -number)
        for number in MASKED_BY
        for seen in ("", SEEN)
    },
}
"""{name: the scores that software puts into an ordinary softmax}."""


PLACES = {"bfloat16-places": torch.bfloat16, "float16-places": torch.float16}
"""{name: the dtype to which positions are rounded}."""


@pytest.mark.parametrize("name", PLACES)
def test_positions_are_rounded_to_a_dtype(name: str) -> None:
    tree = read(
        'def f(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:\n    i = indices("n")\n    return (i * x[i]).stack(i)'
    )
    found = {each.id.removeprefix("instead/"): each for each in function_substitutions(tree)}[name]

    expected = torch.arange(9000).to(PLACES[name]).double()
    np.testing.assert_array_equal(evaluate(found.definition, (np.ones(9000),), {}), expected)


@pytest.mark.parametrize("name", PLACES)
def test_positions_are_compared_in_a_dtype(name: str) -> None:
    """Property: a place is seen by the mutant exactly where the two sides of its condition, rounded to the dtype, say so."""
    tree = read(
        'def f(q: Float[Tensor, "n"], x: Float[Tensor, "m"]) -> Float[Tensor, "n"]:\n    i, j = indices("n", "m")\n'
        '    n, m = size("n"), size("m")\n    return sum(j, x[j] + 0 * q[i], where=j <= i + (m - n)).stack(i)'
    )
    found = {each.id.removeprefix("instead/"): each for each in function_substitutions(tree)}[name]

    n, m = 4, 300 if name == "bfloat16-places" else 2100
    last, key = torch.arange(m - n, m).to(PLACES[name]), torch.arange(m).to(PLACES[name])
    expected = (key <= last[:, None]).sum(-1)
    assert not torch.equal(expected, torch.arange(m - n, m) + 1)
    np.testing.assert_array_equal(evaluate(found.definition, (np.ones(n), np.ones(m)), {}), expected)


@pytest.mark.parametrize("name", [name for name in SUBSTITUTIONS if name not in {*MASKED, *PLACES}])
def test_it_is_what_it_says(name: str) -> None:
    written, expected = NAMED[name]
    index = '    i = indices("n")\n' if "[i]" in written else ""
    result = f"({written}).stack(i)" if index else written
    tree = read(f'def f(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:\n{index}    return {result}')
    found = {each.id.removeprefix("instead/"): each for each in function_substitutions(tree)}[name]
    x = np.linspace(-FARTHEST, FARTHEST, 241)

    given = evaluate(found.definition, (x,), {})
    largest = np.exp(FARTHEST) if "exp" in name else FARTHEST**2 if name in Z else FARTHEST
    np.testing.assert_allclose(given, expected(torch.from_numpy(x)), rtol=0, atol=8 * largest * 2.0**-53)


@pytest.mark.parametrize("visible", [range(5), (0, 3), ()])
@pytest.mark.parametrize("name", MASKED)
def test_a_masked_softmax_becomes_an_ordinary_one_of_other_scores(name: str, visible: Iterable[int]) -> None:
    tree = read(
        'def f(x: Float[Tensor, "n"], m: Bool[Tensor, "n"]) -> Float[Tensor, ""]:\n    i = indices("n")\n'
        "    a = softmax(i, x[i], where=m[i])\n    return sum(i, a * x[i], where=m[i])"
    )
    found = {each.id.removeprefix("instead/"): each for each in function_substitutions(tree)}[name]
    x, mask = np.array([0.5, -1.0, 2.0, 0.0, 1.5]), np.isin(np.arange(5), [*visible])
    scores, values = MASKED[name](torch.from_numpy(x), torch.from_numpy(mask)), torch.from_numpy(x)

    expected = float(torch.softmax(scores, 0) @ values) if mask.any() or not name.endswith(SEEN) else 0.0
    with np.errstate(invalid="ignore"):  # −∞ less −∞
        given = evaluate(found.definition, (x, mask), {})
    np.testing.assert_allclose(given, expected, rtol=1e-12)


OVERFLOW = {
    "log-of-softmax": "log_softmax(i, x[i])", "unshifted-softmax": "softmax(i, x[i])", "sigmoid": "sigmoid(x[i])",
    "masked-afterwards": "softmax(i, x[i], where=x[i] < 0)", "largest-from-zero": "softmax(i, x[i], where=x[i] < 0)",
    "tanh": "tanh(x[i])", "softplus": "softplus(x[i])",
    **{f"idle-lanes-{lanes}": "softmax(i, x[i], where=x[i] < 0)" for lanes in WARPS},
}  # fmt: skip
"""{name: an expression in which it stands in}."""


@pytest.mark.parametrize("name", OVERFLOWING)
def test_what_overflows_is_equal_to_what_it_stands_in_for_until_it_does(name: str) -> None:
    head = 'def f(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:\n    i = indices("n")\n'
    tree = read(f"{head}    y = {OVERFLOW[name]}\n    return y.stack(i)")
    found = {each.id.removeprefix("overflow/"): each for each in function_substitutions(tree)}[name]
    small, large = np.linspace(-6, 6, 25), np.array([-2000.0, 0.0, 2000.0])

    np.testing.assert_allclose(evaluate(found.definition, (small,), {}), evaluate(tree, (small,), {}), rtol=1e-12)
    assert found.in_storage
    with np.errstate(all="ignore"):
        assert not np.isfinite(evaluate(found.definition, (large,), {})).all()


def test_a_product_before_its_share_overflows_earlier() -> None:
    """Property: a product that is multiplied out before its share is the same until it overflows, which the share avoids."""
    tree = read(
        'def f(g: Float[Tensor, "n"], *, beta: float) -> Float[Tensor, "n"]:\n    v = (1 - beta) * g * g\n    return v + g'
    )
    (found,) = regrouped_products(tree)
    g, large = np.linspace(-6, 6, 25), np.array([300.0], np.float16)

    np.testing.assert_allclose(evaluate(found.definition, (g,), {"beta": 0.95}), evaluate(tree, (g,), {"beta": 0.95}))
    assert found.in_storage
    assert found.says == "in v: g ⊙ g is multiplied out before 1 − β is applied: large values overflow"
    with np.errstate(over="ignore"):
        assert np.isfinite(evaluate(tree, (large,), {"beta": 0.95})).all()
        assert np.isinf(evaluate(found.definition, (large,), {"beta": 0.95})).all()


@pytest.mark.parametrize(("count", "underflows"), [(31, True), (32, False)])
def test_idle_lanes_are_those_of_a_warp_that_is_not_full(count: int, underflows: bool) -> None:
    tree = read(
        'def f(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:\n    i = index("n")\n    return softmax(i, x[i]).stack(i)'
    )
    (found,) = [each for each in function_substitutions(tree) if each.id == "overflow/idle-lanes-32"]

    with np.errstate(invalid="ignore"):
        value = np.asarray(evaluate(found.definition, (np.full(count, -2000.0),), {}))

    assert np.isnan(value).all() == underflows


def test_they_reach_what_is_called() -> None:
    found = {each.id for each in function_substitutions(REGISTRY["transformer.encoder"].definition)}

    assert {"instead/cap-30", "instead/leaky-relu"} <= found
    assert not list(function_substitutions(REGISTRY["attention.context_vector"].definition))


LAYERED = {
    "recurrent.stacked_simple_rnn": "recurrent.simple_rnn",
    "recurrent.stacked_gru": "recurrent.gru",
    "recurrent.stacked_lstm": "recurrent.lstm",
    "recurrent.stacked_bidirectional_gru": "recurrent.bidirectional_gru",
}


@pytest.mark.parametrize(("stacked", "layer"), LAYERED.items())
def test_they_reach_every_layer(stacked: str, layer: str) -> None:
    """What is done wrong in a layer may be done wrong in a stack of them."""
    found, expected = ([each.id for each in function_substitutions(REGISTRY[id].definition)] for id in (stacked, layer))

    assert found == expected
    assert found


def test_a_count_of_what_a_mask_shows_keeps_the_mask() -> None:
    """A number has no place along the axis of the mask, so that nothing could be counted without it."""

    @equation()
    def shown(e: Float[Tensor, " m"], mask: Bool[Tensor, " m"]) -> Float[Tensor, " m"]:
        """Weights times the number of those that are seen."""
        j = index("m")
        p = softmax(j, e[j], where=mask[j])
        y = p * sum(j, 1, where=mask[j])
        return y.stack(j)

    for mutant in function_substitutions(shown.definition):
        check(mutant.definition)
