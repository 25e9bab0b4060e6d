"""Arrays of PyTorch in the worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from attnspec import verify
from attnspec.verification.sandbox.child.arrays_torch import TorchArrays

torch: Any = pytest.importorskip("torch")


def linear(x, W, b):  # type: ignore[no-untyped-def]  # an ordinary candidate
    return x @ W + b


def reading_beyond(product: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A product that multiplies the number behind each row of a slice by 0, as tiles of some processors do."""

    def multiplied(a: Any, b: Any) -> Any:
        wider = a.stride(-2) > a.shape[-1] if a.ndim > 1 else False
        behind = a.as_strided(a[..., :1].shape, a.stride(), a.storage_offset() + a.shape[-1]) if wider else 0
        return product(a, b) + 0 * behind

    return multiplied


@pytest.mark.parametrize("leaks", [False, True])
def test_nan_is_around_inputs_unless_products_of_the_library_read_it(
    monkeypatch: pytest.MonkeyPatch, leaks: bool
) -> None:
    product = torch.Tensor.__matmul__
    if leaks:
        monkeypatch.setattr(torch.Tensor, "__matmul__", reading_beyond(product))
    arrays = TorchArrays()

    argument = arrays.place(np.ones((2, 3)), "float32", "cpu", "sliced")

    around = argument.buffer[..., 0]
    assert bool((around > 1e37).all() if leaks else around.isnan().all())
    assert arrays.reads_beyond("float32", "cpu") == leaks


def test_a_product_is_right_in_bfloat16_on_every_processor() -> None:
    """On one with AMX the products of PyTorch themselves read what is around a slice, which the verdict says."""
    (verdict,) = verify(linear, "transformer.linear", framework="torch", dtype="bfloat16").verdicts

    assert verdict.passed, str(verdict)
    leaks = TorchArrays().reads_beyond("bfloat16", "cpu")
    assert any("read beyond slices" in finding for finding in verdict.findings) == leaks
