"""The global state that a call must leave as it was."""

from __future__ import annotations

import gc
import os
import pickle
import random
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from attnspec.verification.sandbox.child.watching import is_own

JAX_SETTINGS = (
    "jax_enable_x64", "jax_default_matmul_precision", "jax_default_device", "jax_disable_jit", "jax_debug_nans",
    "jax_debug_infs", "jax_numpy_dtype_promotion", "jax_numpy_rank_promotion", "jax_default_prng_impl",
)  # fmt: skip


FUNCTIONS = (
    "math", "numpy", "numpy.linalg", "scipy.special", "torch", "torch.nn.functional", "torch.linalg", "torch.Tensor",
    "jax.numpy", "jax.nn", "jax.lax",
)  # fmt: skip
"""Modules and classes whose functions a call must not replace."""


class GlobalState:
    """The state of the process when this object was made. A framework that is not imported has no state yet."""

    def __init__(self) -> None:
        self._before = _state()
        self._functions = _functions()

    def changes(self) -> tuple[str, ...]:
        """Return the names of what is different now."""
        now = _state()
        changed = [name for name, value in self._before.items() if now.get(name) != value]
        return (*changed, *self._replaced())

    def _replaced(self) -> Iterator[str]:
        """Functions in place of which there is code of the candidate's own now.

        Libraries replace functions of their own and of one another where they are imported late.
        """
        now = _functions()
        for module, before in self._functions.items():
            after = now.get(module, {})
            for name, value in before.items():
                code = None if after.get(name) is value else getattr(after.get(name), "__code__", None)
                if code is not None and is_own(code.co_filename):
                    yield f"{module}.{name} is replaced"


def _functions() -> dict[str, dict[str, object]]:
    """{module: its attributes by name}, of those that are imported."""
    found = {}
    for name in FUNCTIONS:
        module, _, attribute = name.rpartition(".")
        holder: Any = sys.modules.get(name)
        if holder is None and attribute[:1].isupper():
            holder = getattr(sys.modules.get(module), attribute, None)
        if holder is not None:
            found[name] = dict(vars(holder))
    return found


def _state() -> dict[str, object]:
    state: dict[str, object] = {
        "python random generator": random.getstate(),
        "numpy random generator": pickle.dumps(np.random.get_state(legacy=False)),
        "numpy error state": np.geterr(),
        "the processor's treatment of denormal numbers": sys.float_info.min / 2 == 0,
        "the processor's rounding": _rounded(sys.float_info.epsilon),
        "the working directory": _folder(),
        "Python's collection of garbage": gc.isenabled(),
    }
    if (torch := sys.modules.get("torch")) is not None:
        with torch._C.DisableTorchFunction():  # a mode that the call left would see these questions, and may raise
            state |= _torch_state(torch)
    if (jax := sys.modules.get("jax")) is not None:
        state["jax configuration"] = [getattr(jax.config, name, None) for name in JAX_SETTINGS]
    return state


def _rounded(epsilon: float) -> tuple[float, ...]:
    """What is between two neighbouring numbers, rounded: other numbers in each direction of rounding."""
    return 1 + epsilon / 2, 1 + epsilon * 0.75, -1 - epsilon / 2


def _folder() -> str:
    with suppress(OSError):  # it may have been removed
        return os.getcwd()
    return ""


def _torch_state(torch: Any) -> dict[str, object]:
    on_device = torch.cuda.get_rng_state().numpy().tobytes() if torch.cuda.is_initialized() else b""
    return {
        "torch random generator": (torch.get_rng_state().numpy().tobytes(), on_device),
        "torch grad mode": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "torch default dtype": torch.get_default_dtype(),
        "torch default device": torch.get_default_device(),
        "torch num threads": torch.get_num_threads(),
        "torch matmul precision": torch.get_float32_matmul_precision(),
        "torch deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "torch detection of anomalies": torch.is_anomaly_enabled(),
        "torch autocast": torch.is_autocast_enabled(),
        "torch modes": (torch._C._len_torch_function_stack(), torch._C._len_torch_dispatch_stack()),
        "torch backends": _torch_backends(torch.backends),
    }


def _torch_backends(backends: Any) -> tuple[bool, ...]:
    """By which kernels PyTorch computes."""
    cuda, cudnn = backends.cuda, backends.cudnn
    return (
        backends.mkldnn.enabled, cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32,
        cuda.flash_sdp_enabled(), cuda.mem_efficient_sdp_enabled(), cuda.math_sdp_enabled(), cuda.cudnn_sdp_enabled(),
    )  # fmt: skip
