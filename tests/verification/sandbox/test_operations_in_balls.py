"""Operations of PyTorch on arrays of balls, beside PyTorch's own in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flint", reason="balls need the extra attnspec[exact]")

from attnspec.interpreters.balls.arrays import LIMBS, to_limbs
from attnspec.interpreters.balls.ball import working
from attnspec.verification.sandbox.child.tracing.torch_operations import trace

torch: Any = pytest.importorskip("torch")

CALLS: dict[str, Callable[..., Any]] = {
    "bilinear": lambda x, y: torch.nn.functional.bilinear(x, y, torch.arange(24.0, dtype=x.dtype).reshape(2, 3, 4)),
    "binary cross-entropy": lambda x, y: torch.nn.functional.binary_cross_entropy_with_logits(x, x.detach() ** 2),
    "weighted": lambda x, y: torch.nn.functional.binary_cross_entropy_with_logits(
        x, x**2, pos_weight=x[0], weight=x, reduction="none"
    ),
    "a negative padding": lambda x, y: torch.nn.functional.pad(y, (-1, 2, 1, -2), value=0.5),
    "numbers for NaN": lambda x, y: torch.nan_to_num(torch.where(x > 0, x, torch.nan), 0.25, 1.0, 1.0),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_operation_is_that_of_pytorch(name: str) -> None:
    generator = np.random.default_rng(3)
    x, y = (torch.from_numpy(generator.standard_normal((5, width))) for width in (3, 4))
    with working():
        result, tracer = trace(torch, lambda: CALLS[name](x, y), [x, y])
        values = to_limbs(tracer.array(result))[:LIMBS].sum(axis=0)
    np.testing.assert_allclose(values, CALLS[name](x, y).numpy(), rtol=1e-12)
