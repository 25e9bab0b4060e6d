"""The work of a case is bounded, also where several axes are long."""

from __future__ import annotations

from itertools import chain

import pytest
from jaxtyping import Bool, Float

from attnspec import REGISTRY, Tensor, equation
from attnspec.language.layers import sizes_of
from attnspec.notation import index, size, softmax, sum, where
from attnspec.verification.cases.case import smallest
from attnspec.verification.cases.grid import grid
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.cases.work import MOST_WORK, work

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
    """For every equation: no case of its suite or grid exceeds the bound, which is some seconds of noise."""

    def least(name: str) -> int:
        return smallest(REGISTRY[id], name) if name != "batch" else 0

    made = chain(standard_suite(REGISTRY[id], least, (0, 1)), grid(REGISTRY[id], least, (0, 1)))
    assert max(work(REGISTRY[id].definition, dict(each.sizes)) for each in made) <= MOST_WORK


@equation()
def triples(x: Float[Tensor, "n d"], seen: Bool[Tensor, " n"]) -> Float[Tensor, "n n n"]:
    """Three places at once, under a mask of one: an array of n³ elements."""
    i, j, k = index("n"), index("n"), index("n")
    e = where(seen[k], x[i] @ x[j], 0 * (x[j] @ x[k]))
    return e.stack(i, j, k)


def test_a_mask_of_many_places_is_shortened() -> None:
    made = grid(triples, lambda name: 1, (0, 1))
    assert max(work(triples.definition, dict(each.sizes)) for each in made) <= MOST_WORK


def test_axes_of_a_large_product_are_shortened_together() -> None:
    (full,) = (each for each in standard_suite(grouped, lambda name: 1, (0, 1)) if each.why == "full tiles")
    assert {*dict(full.sizes).values()} == {16}


def test_many_examples_cost_as_much_as_they_have_elements() -> None:
    """A step of a recurrence costs once for all examples."""
    definition = REGISTRY["recurrent.gru"].definition
    sizes = dict.fromkeys(sizes_of(definition), 4)

    one, two, three = (work(definition, sizes, examples) for examples in (1, 2, 3))

    assert 0 < two - one == three - two < one
