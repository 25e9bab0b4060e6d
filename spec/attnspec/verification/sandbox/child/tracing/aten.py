"""The operations of PyTorch's aten library on arrays of balls, by name.

Each takes what the operation takes, with arrays of balls for floating-point tensors and NumPy's arrays for others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attnspec.verification.sandbox.child.tracing.aten_complex import COMPLEX
from attnspec.verification.sandbox.child.tracing.aten_creation import CREATION
from attnspec.verification.sandbox.child.tracing.aten_elements import ELEMENTS
from attnspec.verification.sandbox.child.tracing.aten_gradients import GRADIENTS
from attnspec.verification.sandbox.child.tracing.aten_moves import MOVES
from attnspec.verification.sandbox.child.tracing.aten_reductions import REDUCTIONS
from attnspec.verification.sandbox.child.tracing.aten_sorting import SORTING
from attnspec.verification.sandbox.child.tracing.aten_windows import WINDOWS

IGNORED = ("layout", "device", "pin_memory", "memory_format", "non_blocking", "generator", "requires_grad", "out")
"""Options that change no value."""

RESHAPED_IN_PLACE = ("t_", "transpose_", "squeeze_", "unsqueeze_")
"""Operations that give a tensor another shape."""

VIEWS = (
    *("view", "_unsafe_view", "reshape", "_reshape_alias", "expand", "permute", "t", "transpose", "select", "slice"),
    *("squeeze", "unsqueeze", "split", "split_with_sizes", "unbind", "alias", "detach", "diagonal"),
)
"""Operations whose result shares the memory of the first argument."""

OPERATIONS: dict[str, Callable[..., Any]] = {
    **ELEMENTS, **REDUCTIONS, **SORTING, **GRADIENTS, **MOVES, **WINDOWS, **CREATION, **COMPLEX,
}  # fmt: skip
"""{name of the operation: what it does on arrays of balls}; in-place ones have the same names."""
