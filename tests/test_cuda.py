"""PyTorch's implementations on a CUDA device: `pytest -m gpu -n 0`. Without a device they fail, and say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from attnspec import verify

FAMILIES = sorted(
    file.stem
    for file in (Path(__file__).parents[1] / "impls/attnspec_torch").glob("*.py")
    if not file.stem.startswith("_")
)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_our_implementations_conform_on_cuda(family: str, dtype: str) -> None:
    verify(f"attnspec_torch.{family}", dtype=dtype, device="cuda", jobs=4).raise_for_failure()
