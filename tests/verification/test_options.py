"""Options: they are drawn over several magnitudes, or as an equation declares, so that what ignores one shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import Float

import attnspec
from attnspec import REGISTRY, Place, SpecError, equation
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.language.symbols import SCALES
from attnspec.notation import Tensor, cos, exp, index, size, where
from attnspec.verification.cases.case import Case, make, smallest
from attnspec.verification.cases.distributions import DISTRIBUTIONS, INTEGER_DISTRIBUTIONS
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.judge.mutant_values import non_equivalent_mutants
from attnspec.verification.verdict import Verdict

DTYPES = ("float32", "float64", "bfloat16")
Candidate = Callable[..., torch.Tensor]


@equation()
def waves(x: Float[Tensor, "t d"], *, base: float) -> Float[Tensor, "t d"]:
    """Columns that turn with their row, each slower than the one before."""
    t, k = index("t"), index("d")
    d = size("d")
    theta = base ** (0 - k / d)
    y = x[t, k] * cos(t * theta)
    return y.stack(t, k)


@equation()
def fixed_waves(x: Float[Tensor, "t d"]) -> Float[Tensor, "t d"]:
    """A line of sizes and positions alone."""
    t, k = index("t"), index("d")
    d = size("d")
    theta = 10_000 ** (0 - k / d)
    y = x[t, k] * cos(t * theta)
    return y.stack(t, k)


@equation()
def delayed(x: Float[Tensor, "t d"], *, delay: int) -> Float[Tensor, "t d"]:
    """The first rows are silent."""
    t = index("t")
    y = where(t < delay, 0, x[t])
    return y.stack(t)


@equation()
def between(x: Float[Tensor, " d"], *, low: float, high: float) -> Float[Tensor, " d"]:
    """Two options that could be taken for each other."""
    k = index("d")
    y = low + (high - low) / (1 + exp(-x[k]))
    return y.stack(k)


def angles(x: torch.Tensor, exponent: torch.Tensor, base: float) -> torch.Tensor:
    rows = torch.arange(x.shape[-2], dtype=torch.float64)[:, None]
    return x * torch.cos(rows * base**-exponent).to(x.dtype)


def columns(x: torch.Tensor) -> torch.Tensor:
    return torch.arange(x.shape[-1], dtype=torch.float64) / x.shape[-1]


def rows(x: torch.Tensor) -> torch.Tensor:
    return torch.arange(x.shape[-2])[:, None]


RIGHT: dict[str, Candidate] = {
    "waves": lambda x, base: angles(x, columns(x), base),
    "fixed_waves": lambda x: angles(x, columns(x), 10_000.0),
    "delayed": lambda x, delay: torch.where(rows(x) < delay, torch.zeros_like(x), x),
    "between": lambda x, low, high: low + (high - low) * torch.sigmoid(x),
}

WRONG: dict[str, tuple[str, Candidate]] = {
    "base is 1": ("waves", lambda x, base: angles(x, columns(x), 1.0)),
    "another power of the base": ("waves", lambda x, base: angles(x, 7 * columns(x), base)),
    "the exponent is off by 0.01": ("waves", lambda x, base: angles(x, columns(x) + 0.01, base)),
    "half of the exponent": ("fixed_waves", lambda x: angles(x, columns(x) / 2, 10_000.0)),
    "the delay is ignored": ("delayed", lambda x, delay: x),
    "the delay is 1": ("delayed", lambda x, delay: torch.where(rows(x) < 1, torch.zeros_like(x), x)),
    "low and high are exchanged": ("between", lambda x, low, high: high + (low - high) * torch.sigmoid(x)),
}


def judged(candidate: Candidate, name: str, dtype: str = "float32") -> Verdict:
    report = attnspec.verify(candidate, f"{__name__}.{name}", framework="torch", dtype=dtype, examples=4)
    (verdict,) = report.verdicts
    return verdict


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", RIGHT)
def test_what_honours_an_option_conforms(name: str, dtype: str) -> None:
    verdict = judged(RIGHT[name], name, dtype)

    assert verdict.verdict == "conforms", str(verdict)


@pytest.mark.parametrize("what", WRONG)
def test_what_takes_an_option_for_another_number_differs(what: str) -> None:
    name, candidate = WRONG[what]

    verdict = judged(candidate, name)

    assert verdict.verdict == "differs", str(verdict)


def cases(id: str) -> Iterator[Case]:
    """The cases on which every candidate is called."""
    item = REGISTRY[id]
    for each in standard_suite(item, lambda name: smallest(item, name) if name != "batch" else 0, (0, 1)):
        yield make(item, each, "float32")


def values(id: str, name: str) -> list[float]:
    return [case.options[name] for case in cases(id)]


# What nobody declared.


def test_a_float_is_of_several_magnitudes_and_never_one() -> None:
    drawn = values(f"{__name__}.waves", "base")

    assert {round(np.log10(value)) for value in drawn} >= {-2, -1, 0, 1, 3}
    assert all(isinstance(value, float) and not np.log2(value).is_integer() for value in drawn)


def test_an_int_is_zero_small_and_larger() -> None:
    drawn = values(f"{__name__}.delayed", "delay")

    assert {0, 1, 2, 3} <= set(drawn)
    assert max(drawn) >= 10
    assert {type(value) for value in drawn} == {int}


def test_the_first_cases_already_differ() -> None:
    """The policy, and most mistakes, are told by the first cases."""
    assert len(set(values(f"{__name__}.waves", "base")[:3])) == 3


def test_two_options_are_never_equal() -> None:
    """Property: in every case that is always there, two options that nobody declared have two values."""
    pairs = [(case.options["low"], case.options["high"]) for case in cases(f"{__name__}.between")]

    assert all(low != high for low, high in pairs)
    assert len(set(pairs)) > 4


def test_mistakes_that_show_in_an_option_are_counted() -> None:
    """With a base of 1 none of them would show."""
    counted = {mutant.id for mutant in non_equivalent_mutants(f"{__name__}.waves")}

    assert {"theta/drop/d", "theta/exchange", "theta/scale/twice", "theta/size/d+1"} <= counted


def test_a_float_that_has_the_name_of_a_size_is_a_number() -> None:
    """An int of that name is the size."""

    @equation()
    def named(x: Float[Tensor, "t d"], *, d: float) -> Float[Tensor, "t d"]:
        """As somebody may call a distance."""
        return x / d

    case = next(cases(named.id))

    assert case.options["d"] != case.arrays["x"].shape[-1]
    assert np.array_equal(evaluate(named.definition, (), case.arguments), case.arrays["x"] / case.options["d"])


# What an equation declares.


def probe(x: Float[Tensor, "t d"], *, base: float, count: int, heads: int) -> Float[Tensor, "t d"]:
    """Options of all kinds."""
    return x * base + count


def declared(**how: Any) -> str:
    return equation(**how)(probe).id


def test_declared_values_are_taken_in_turn() -> None:
    id = declared(options={"base": (10_000.0, 500), "count": range(3)})

    assert values(id, "base")[:4] == [500.0, 10_000.0, 500.0, 10_000.0]
    assert {type(value) for value in values(id, "base")} == {float}
    assert set(values(id, "count")) == {0, 1, 2}


def test_a_place_is_on_its_axis() -> None:
    """Property: in every case that is always there, a place is a whole number from 0 to the axis' size less 1."""
    seen = [(case.options["count"], case.arrays["x"].shape[-1]) for case in cases(declared(options=PLACE))]

    assert all(0 <= place < size for place, size in seen)
    assert len({place for place, _ in seen}) > 3


PLACE = {"count": Place("d", step=2)}


def test_a_gradient_draws_the_options_of_its_equation() -> None:
    @equation(options={"base": (3.0, 5.0)})
    def scaled(x: Float[Tensor, " d"], *, base: float) -> Float[Tensor, " d"]:
        """Linear."""
        return x * base

    @equation(gradient_of=scaled)
    def d_scaled(d_y: Float[Tensor, " d"], x: Float[Tensor, " d"], *, base: float) -> Float[Tensor, " d"]:
        """Linear too."""
        return d_y * base

    assert set(values(d_scaled.id, "base")) == {3.0, 5.0}


Words = Sequence[str]
REFUSED: list[tuple[Mapping[str, Any], Words]] = [
    ({"scales": {"base": "foo"}}, ("base", "option", "options={'base'")),
    ({"scales": {"y": "normal"}}, ("y", "x")),
    ({"scales": {"x": "nomal"}}, ("'nomal'", "'normal'", "'fan_in'", "did you mean normal")),
    ({"scales": {"x": "token"}}, ("'token'", "'normal'")),
    ({"smallest": {"m": 1}}, ("size m", "smallest", "t, d")),
    ({"largest": {"m": 1}}, ("size m", "largest", "t, d")),
    ({"options": {"bass": (2.0,)}}, ("bass", "base, count, heads", "did you mean base")),
    ({"options": {"x": (2.0,)}}, ("option x", "base, count, heads")),
    ({"options": {"heads": (2,)}}, ("the size H", "largest={'H'")),
    ({"options": {"base": ()}}, ("base", "numbers, as (0.5, 30.0)")),
    ({"options": {"base": 2.0}}, ("2.0", "numbers, as (0.5, 30.0)")),
    ({"options": {"base": "ab"}}, ("'ab'", "numbers, as (0.5, 30.0)")),
    ({"options": {"base": PLACE["count"]}}, ("Place", "numbers, as (0.5, 30.0)")),
    ({"options": {"count": (0, 0.5)}}, ("(0, 0.5)", "whole numbers", "Place")),
    ({"options": {"count": (True,)}}, ("(True,)", "whole numbers")),
    ({"options": {"count": Place("m")}}, ("size m", "t, d")),
]


@pytest.mark.parametrize(("how", "words"), REFUSED)
def test_what_an_equation_does_not_have_is_refused(how: Mapping[str, Any], words: Words) -> None:
    with pytest.raises(SpecError) as refused:
        declared(**how)

    assert not [word for word in (f"{__name__}.probe", *words) if word not in str(refused.value)], str(refused.value)


def test_the_ways_of_drawing_are_those_that_cases_are_drawn_by() -> None:
    assert set(SCALES["float"]) == {*DISTRIBUTIONS, "uniform"}
    assert set(SCALES["int"]) == set(INTEGER_DISTRIBUTIONS)
