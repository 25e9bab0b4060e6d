"""Sums that run on beyond the end of a row read what lies behind it."""

from __future__ import annotations

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.sums_beyond import sums_beyond
from attnspec.language.check import check
from trees import read

NORM = read(
    """def f(x: Float[Tensor, "g c s"]) -> Float[Tensor, "g c s"]:
    h, k, i = indices("g", "c", "s")
    n = size("c") * size("s")
    mean = (sum(k, sum(i, x[h, k, i])) / n).stack(h)
    centred = (x[h, k, i] - mean[h]).stack(h, k, i)
    variance = (sum(k, sum(i, centred[h, k, i] * centred[h, k, i])) / n).stack(h)
    y = centred[h, k, i] / sqrt(variance[h])
    return y.stack(h, k, i)
"""
)


@pytest.mark.parametrize(("words", "lanes"), [("a power of two", 4), ("a multiple of 8", 8)])
def test_a_group_is_read_in_a_block(words: str, lanes: int) -> None:
    """Groups of 3 channels in blocks of 4 or 8: a mask hides only what lies behind the last channel."""
    x = np.random.default_rng(2).normal(size=(4, 3, 2))
    says = f"sums over k of x run on up to {words}, into the next places of h"
    (tree,) = [each.definition for each in sums_beyond(NORM) if each.says == says]
    flat, count = x.reshape(12, 2), 3 * 2
    blocks = [flat[3 * group : 3 * group + lanes] for group in range(4)]
    means = np.array([block.sum() / count for block in blocks])
    variances = np.array([((block - mean) ** 2).sum() / count for block, mean in zip(blocks, means, strict=True)])

    wrong = evaluate(tree, (x,), {})

    np.testing.assert_allclose(wrong, (x - means[:, None, None]) / np.sqrt(variances)[:, None, None], rtol=1e-12)


@pytest.mark.broad
@pytest.mark.parametrize("id", [*REGISTRY])
def test_every_equation_has_well_formed_ones(id: str) -> None:
    for each in sums_beyond(REGISTRY[id].definition):
        check(each.definition)
