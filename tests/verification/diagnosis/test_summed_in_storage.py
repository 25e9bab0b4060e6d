"""Sums that are added up one after the other in the storage dtype."""

from __future__ import annotations

import numpy as np
import pytest

import attnspec
from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate, outputs
from attnspec.interpreters.rounding.policy import preset
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.distributions import rounded
from attnspec.verification.diagnosis.summed_in_storage import SUMS, SumsInStorage, summed_in_storage
from attnspec.verification.judge.judge import Judge
from synthetic import Array, case_of

NORM, ATTENTION = "transformer.layer_norm", "attention.scaled_dot_product"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(
    ("id", "sizes", "what"),
    [(NORM, {"d": 2_000}, "its sums"), (ATTENTION, {"n": 2, "m": 2_000, "d": 2, "e": 2}, "its")],
)
def test_answers_of_such_sums_are_explained(id: str, sizes: dict[str, int], what: str, dtype: str) -> None:
    equation, judge = REGISTRY[id], Judge(REGISTRY[id], dtype)
    case = case_of(id, dtype=dtype, **sizes)
    value = evaluate(equation.definition, (), case.arguments, by=SumsInStorage(dtype, *SUMS["its sums"]))

    says = summed_in_storage(judge, [Observation(case, (rounded(value, dtype),))], preset("op-by-op", dtype))

    assert says.startswith(f"its sums are added up one after the other in {dtype}")


def test_other_errors_are_not() -> None:
    case = case_of(NORM, dtype="bfloat16", d=2_000)
    (value,) = outputs(REGISTRY[NORM].definition, case.arguments)

    wrong = Observation(case, (rounded(1.5 * value, "bfloat16"),))

    assert summed_in_storage(Judge(REGISTRY[NORM], "bfloat16"), [wrong], preset("op-by-op", "bfloat16")) == ""


def test_nothing_is_said_where_no_single_element_is_wrong() -> None:
    case = case_of(NORM, dtype="bfloat16", d=20)
    (value,) = outputs(REGISTRY[NORM].definition, case.arguments)

    right = Observation(case, (rounded(value, "bfloat16"),))

    assert summed_in_storage(Judge(REGISTRY[NORM], "bfloat16"), [right], preset("op-by-op", "bfloat16")) == ""


def test_a_sum_in_storage_stops_where_a_term_is_less_than_half_a_unit_of_its_last_place() -> None:
    sums = SumsInStorage("bfloat16", products=True, others=True)

    assert sums.total(np.ones(1_000), 0) == 256
    assert sums.contract(np.ones((1, 1_000)), np.ones((1_000, 1))) == 256
    assert SumsInStorage("bfloat16", products=False, others=False).total(np.ones(1_000), 0) == 1_000


def norm(x: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    """A layer norm whose sums are in float16, the first terms first."""

    def mean(terms: Array) -> Array:
        total = np.zeros_like(terms[..., :1])
        for k in range(terms.shape[-1]):
            total = total + terms[..., k : k + 1]
        return np.asarray(total / total.dtype.type(terms.shape[-1]))

    centred = x - mean(x)
    return np.asarray(centred / np.sqrt(mean(centred * centred) + x.dtype.type(eps)) * gamma + beta)


def test_such_code_is_imprecise_and_its_formula_right() -> None:
    (verdict,) = attnspec.verify(norm, NORM, framework="numpy", dtype="float16").verdicts

    assert verdict.verdict == "imprecise"
    assert "the formula is right, but its sums are added up one after the other in float16" in verdict.reason
