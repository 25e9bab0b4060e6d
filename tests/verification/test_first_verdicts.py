"""First verdicts of a newcomer: on a library's function, on code with other names, on code that shows no framework."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import attnspec
from attnspec.verification.verdict import Verdict

FEW = {"examples": 2}


def judged(target: Any, equation: str, **options: Any) -> Verdict:
    (verdict,) = attnspec.verify(target, equation, **{**FEW, **options}).verdicts
    return verdict


def test_a_function_of_pytorch_is_called_with_tensors() -> None:
    pytest.importorskip("torch")
    verdict = judged("torch.nn.functional:scaled_dot_product_attention", "attention.scaled_dot_product")

    assert (verdict.verdict, verdict.framework) == ("conforms", "torch"), str(verdict)
    assert verdict.bound == "q, k, v in this order"


def scaled(value: Any, key: Any, query: Any) -> Any:
    """Attention with the names of PyTorch, in another order."""
    e = query @ np.swapaxes(key, -1, -2) / query.shape[-1] ** 0.5
    alpha = np.exp(e - e.max(axis=-1, keepdims=True, initial=-np.inf))
    return (alpha / alpha.sum(axis=-1, keepdims=True)) @ value


def test_common_names_are_bound_and_the_verdict_says_so() -> None:
    verdict = judged(scaled, "attention.scaled_dot_product")

    assert verdict.verdict == "conforms", str(verdict)
    assert verdict.bound == "value=v, key=k, query=q"
    assert "bound     value=v, key=k, query=q" in str(verdict)


def test_the_equations_own_names_need_no_words() -> None:
    verdict = judged(lambda q, k: q @ np.swapaxes(k, -1, -2), "scores.dot")

    assert (verdict.verdict, verdict.bound) == ("conforms", "")


def test_a_framework_that_nothing_shows_is_found_by_trying() -> None:
    pytest.importorskip("torch")
    verdict = judged(lambda q, k: q.matmul(k.mT), "scores.dot")  # ndarray has mT, but no matmul

    assert (verdict.verdict, verdict.framework) == ("conforms", "torch"), str(verdict)


def test_what_runs_in_no_framework_is_called_with_numpy() -> None:
    verdict = judged(lambda q, k: q.no_such_method(k), "scores.dot")

    assert (verdict.verdict, verdict.framework) == ("fails", "numpy")
