"""A wrong mask and what fills it are one mistake in software, and two in the formula."""

from __future__ import annotations

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.filled_masks import filled_masks, filled_masks_of_conventions
from attnspec.language.check import check
from attnspec.testing import assert_close

RANDOM = np.random.default_rng(11)
STRICT = "mask/everywhere/mask/< and instead/masked-"


@pytest.mark.parametrize(("fill", "value"), [("infinite", -np.inf), ("large", -1e9)])
def test_a_triangle_one_too_low_leaves_the_first_row_to_what_fills_it(fill: str, value: float) -> None:
    q, k, v = (RANDOM.normal(size=(4, 3)) for _ in range(3))
    [wrong] = [m for m in filled_masks(REGISTRY["attention.causal_top_left"].definition) if m.id == STRICT + fill]
    e = np.where(np.tril(np.ones((4, 4), bool), -1), q @ k.T / np.sqrt(3), value)
    p = np.exp(e - np.maximum(e.max(-1, keepdims=True), -1e300))

    with np.errstate(all="ignore"):
        got, expected = evaluate(wrong.definition, (), {"q": q, "k": k, "v": v}), p @ v / p.sum(-1, keepdims=True)
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    assert bool(np.isnan(np.asarray(got)[0]).all()) == (fill == "infinite")


def test_they_are_made_in_what_an_equation_calls() -> None:
    made = [*filled_masks(REGISTRY["multihead.causal"].definition)]

    assert {f"every attention.causal/{STRICT}infinite", f"every attention.causal/{STRICT}large"} <= {m.id for m in made}
    assert len({m.id for m in made}) == len(made)
    assert not [*filled_masks(REGISTRY["attention.scaled_dot_product"].definition)]
    for mutant in made:
        check(mutant.definition)


def test_they_are_made_in_conventions() -> None:
    made = {m.says: m.id for m in filled_masks_of_conventions(REGISTRY["attention.causal"])}
    [says] = [says for says, id in made.items() if id.endswith(f"{STRICT}infinite")]

    assert says.startswith(
        "this is attention.causal_top_left: the causal mask is aligned at the top left: j ≤ i; and there in"
    )
    assert "j < i is used instead of j ≤ i, and −∞" in says


def test_such_an_answer_is_explained() -> None:
    q, k, v = (RANDOM.normal(size=(2, 5, 4)).astype("f4") for _ in range(3))
    e = np.where(np.tril(np.ones((5, 5), bool), -1), q @ k.swapaxes(-1, -2) / np.float32(2), np.float32(-1e9))
    p = np.exp(e - e.max(-1, keepdims=True))

    with pytest.raises(AssertionError, match="j < i is used instead of j ≤ i, and a large negative number stands"):
        assert_close(p / p.sum(-1, keepdims=True) @ v, "attention.causal_top_left", q, k, v)
