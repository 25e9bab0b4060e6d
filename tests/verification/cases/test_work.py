"""The work of a case is bounded, also where several axes are long."""

from __future__ import annotations

import pytest
from jaxtyping import Float

from attnspec import REGISTRY, Tensor, equation
from attnspec.notation import index, size, softmax, sum
from attnspec.verification.cases.case import smallest
from attnspec.verification.cases.suite import MOST_WORK, standard_suite
from attnspec.verification.cases.work import work

IDS = [each.id for each in REGISTRY.values()]


@equation()
def grouped(
    q: Float[Tensor, "r*G n d"], k: Float[Tensor, "G m d"], v: Float[Tensor, "G m e"]
) -> Float[Tensor, "r*G n e"]:
    """Attention in which r·G heads of queries share G heads of keys: five long axes make one array."""
    h, i, j = index("r*G"), index("n"), index("m")
    r = size("r")
    g = h // r
    e = k[g, j] @ q[h, i]
    alpha = softmax(j, e)
    c = sum(j, alpha * v[g, j])
    return c.stack(h, i)


@pytest.mark.parametrize("id", IDS)
def test_no_case_takes_gigabytes(id: str) -> None:
    """For every equation: no case of its suite exceeds the bound, which is some seconds of noise."""
    made = standard_suite(REGISTRY[id], lambda name: smallest(REGISTRY[id], name) if name != "batch" else 0, (0, 1))
    assert max(work(REGISTRY[id].definition, dict(each.sizes)) for each in made) <= MOST_WORK


def test_axes_of_a_large_product_are_shortened_together() -> None:
    (full,) = (each for each in standard_suite(grouped, lambda name: 1, (0, 1)) if each.why == "full tiles")
    assert {*dict(full.sizes).values()} == {16}
