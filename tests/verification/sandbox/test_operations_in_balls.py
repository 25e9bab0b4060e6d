"""Operations of PyTorch and JAX on arrays of balls, beside their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flint", reason="balls need the extra attnspec[exact]")

from attnspec.interpreters.balls.arrays import LIMBS, to_limbs
from attnspec.interpreters.balls.ball import working
from attnspec.verification.sandbox.child.tracing import jaxpr
from attnspec.verification.sandbox.child.tracing.torch_operations import trace

torch: Any = pytest.importorskip("torch")

PLACES = torch.tensor([4, 0, 0, 2, 1])

CALLS: dict[str, Callable[..., Any]] = {
    "bilinear": lambda x, y: torch.nn.functional.bilinear(x, y, torch.arange(24.0, dtype=x.dtype).reshape(2, 3, 4)),
    "binary cross-entropy": lambda x, y: torch.nn.functional.binary_cross_entropy_with_logits(x, x.detach() ** 2),
    "weighted": lambda x, y: torch.nn.functional.binary_cross_entropy_with_logits(
        x, x**2, pos_weight=x[0], weight=x, reduction="none"
    ),
    "a negative padding": lambda x, y: torch.nn.functional.pad(y, (-1, 2, 1, -2), value=0.5),
    "a convolution by Fourier transforms": lambda x, y: torch.fft.irfft(
        torch.fft.rfft(x, 10, dim=0) * torch.fft.rfft(y[:, :3], 10, dim=0), 10, dim=0
    )[:5],
    "Fourier transforms of odd length": lambda x, y: torch.fft.irfft(torch.fft.rfft(y, 5, norm="ortho").conj(), 5),
    "Fourier transforms of two axes": lambda x, y: torch.fft.irfft2(torch.fft.rfft2(y) * 2j, (5, 4)),
    "complex Fourier transforms": lambda x, y: torch.fft.ifft(torch.fft.fft(x, norm="forward").abs(), dim=0).real,
    "turns": lambda x, y: torch.view_as_real(
        torch.view_as_complex(y.reshape(5, 2, 2)) * torch.polar(torch.ones_like(y[:, :2]), y[:, 2:])
    ).flatten(1),
    "places that are added to": lambda x, y: torch.zeros_like(y).index_add(0, PLACES, y, alpha=2),
    "places that are copied": lambda x, y: x.clone().index_copy_(1, PLACES[:2] % 3, y[:, :2]),
    "places that are not 0": lambda x, y: y.index_select(0, (x[:, 0] > 0).nonzero().squeeze(-1)),
    "products cumulated": lambda x, y: y.cumprod(-1) + (x[:, :1] > 0).long().cumprod(0),
    "logarithms cumulated": lambda x, y: x.logcumsumexp(-1) + torch.linalg.vecdot(y[0], y[1]),
    "logarithms of a sigmoid": lambda x, y: torch.nn.functional.logsigmoid(x),
    "powers of two": lambda x, y: torch.exp2(torch.where(x > 0, x, -torch.inf)),
    "an inner product of complex numbers": lambda x, y: (
        torch.vdot(torch.complex(x[0], x[1]), torch.complex(y[0, :3], y[1, :3])).real
    ),
    "parts": lambda x, y: (torch.complex(x, 2 * x) / torch.complex(y[:, :3], x)).conj().imag.clone(),
    "numbers for NaN": lambda x, y: torch.nan_to_num(torch.where(x > 0, x, torch.nan), 0.25, 1.0, 1.0),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_operation_is_that_of_pytorch(name: str) -> None:
    generator = np.random.default_rng(3)
    x, y = (torch.from_numpy(generator.standard_normal((5, width))) for width in (3, 4))
    with working():
        result, tracer = trace(torch, lambda: CALLS[name](x, y), [x, y])
        values = to_limbs(tracer.array(result))[:LIMBS].sum(axis=0)
    np.testing.assert_allclose(values, CALLS[name](x, y).numpy(), rtol=1e-12, atol=1e-15)  # PyTorch's rounding around 0


JAX_CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "a convolution by Fourier transforms": lambda jax, x: jax.numpy.fft.irfft(
        jax.numpy.fft.rfft(x, 7) * jax.numpy.fft.rfft(x * x, 7), 7
    ),
    "complex Fourier transforms": lambda jax, x: jax.numpy.conj(jax.numpy.fft.ifft(jax.numpy.fft.fft(x) * 2j)).imag,
    "turns": lambda jax, x: (jax.lax.complex(x, x * x) * (0.5 + 2j)).real,
}


@pytest.mark.parametrize("name", JAX_CALLS)
def test_the_primitive_is_that_of_jax(name: str) -> None:
    jax: Any = pytest.importorskip("jax")
    call = partial(JAX_CALLS[name], jax)
    x = np.random.default_rng(3).standard_normal((2, 4)).astype(np.float32)
    with working():
        values = to_limbs(jaxpr.trace(jax, lambda inputs: call(*inputs), [jax.numpy.asarray(x)]))
    np.testing.assert_allclose(values[:LIMBS].sum(axis=0), call(x), rtol=1e-5, atol=1e-6)
