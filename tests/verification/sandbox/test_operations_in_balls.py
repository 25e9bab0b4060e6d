"""Operations of PyTorch and JAX on arrays of balls, beside their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flint", reason="balls need the extra attnspec[exact]")

from attnspec.interpreters.balls.arrays import LIMBS, to_limbs
from attnspec.interpreters.balls.ball import Undecided, Untraceable, working
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
    "the three largest": lambda x, y: (
        torch.topk(y, 3, dim=0).values * torch.topk(x, 1, dim=-1, largest=False).indices[:3]
    ),
    "places in order": lambda x, y: x * torch.argsort(x, dim=-1, descending=True, stable=True) + x.sort(dim=0).values,
    "extremes cumulated": lambda x, y: x.cummax(0).values * x.cummin(-1).indices,
    "places of steps": lambda x, y: x * torch.searchsorted(x.sort(dim=-1).values, y[:, :3].contiguous(), right=True),
    "middles": lambda x, y: torch.median(x, dim=-1).values + y.kthvalue(2, dim=-1, keepdim=True).values + x.median(),
    **{
        f"places, {how}": lambda x, y, how=how: y.scatter_reduce(
            0, PLACES[:, None].expand(5, 4), y * 2, how, include_self=how != "mean"
        )
        for how in ("sum", "prod", "mean", "amax", "amin")
    },
    "a convolution": lambda x, y: torch.nn.functional.conv1d(x.T[None], y[:, :3, None] * x.T[:2].T[0, 0], dilation=2),
    "a causal convolution of each channel": lambda x, y: torch.nn.functional.conv1d(
        torch.nn.functional.pad(x.T, (2, 0)), y[:3, None, :3], x[0], groups=3
    ),
    "a convolution of planes": lambda x, y: torch.nn.functional.conv2d(
        y[None, None], x[:4].reshape(2, 1, 2, 3), stride=(2, 1), padding=1
    ),
    "memory": lambda x, y: x.as_strided((3, 3), (3, 2), 1) + x.as_strided((3,), (1,)),
    "windows that are written into": lambda x, y: (z := y.clone(), z.as_strided((2, 2), (4, 1), 1).zero_())[0],
    "padding that is packed": lambda x, y: torch.nn.utils.rnn.pad_packed_sequence(
        torch.nn.utils.rnn.pack_padded_sequence(torch.stack([x, y[:, :3]]), torch.tensor([5, 2]), batch_first=True),
        batch_first=True,
    )[0],
    "gelu by tanh": lambda x, y: torch.func.grad(lambda z: torch.nn.functional.gelu(z, approximate="tanh").sum())(x),
    "a loss with weights": lambda x, y: torch.nn.functional.cross_entropy(
        x, PLACES % 3, weight=y[0, :3].abs(), label_smoothing=0.1, ignore_index=2
    ),
    "the gradient of a loss with weights": lambda x, y: torch.func.grad(
        lambda z: torch.nn.functional.cross_entropy(z, PLACES % 3, weight=y[0, :3].abs(), ignore_index=2)
    )(x),
    "a diagonal that is written into": lambda x, y: (
        z := y.clone(),
        z.diagonal().mul_(2),
        z[:, None].squeeze(1).neg_(),
    )[0],
    "a Jacobian": lambda x, y: torch.func.jacrev(lambda z: (z @ y[:3]).tanh().sum(0))(x).sum((1, 2)),
    "angles": lambda x, y: (
        x.sigmoid().asin()
        + x.sigmoid().acos()
        + x.atan()
        + x.asinh()
        + x.exp().add(1).acosh()
        + x.sigmoid().atanh()
        + torch.atan2(x, y[:, :3])
        + torch.hypot(x, y[:, :3])
    ),
    "remainders and signs": lambda x, y: (
        torch.fmod(x, y[:, :3])
        + torch.copysign(x, y[:, :3])
        + x.frac()
        + torch.logaddexp2(x, y[:, :3])
        + torch.heaviside(x, y[:, :3])
    ),
    "an inverse": lambda x, y: (
        torch.linalg.inv(y[:4] + 3 * torch.eye(4, dtype=y.dtype)) + torch.inverse(x[None, :3]).sum()
    ),
    "a triangular system": lambda x, y: (
        torch.linalg.solve_triangular(y[:3, :3], x.T, upper=False)
        + torch.linalg.solve_triangular(y[:4, :4], x[:3] @ y[:3], upper=True, left=False, unitriangular=True).sum()
    ),
    "whole numbers of quotients": lambda x, y: (
        x.floor()
        + x.ceil() * x.trunc()
        + (2 * x).round()
        + torch.div(x, y[:, :3], rounding_mode="floor")
        + torch.div(x, 0.3, rounding_mode="trunc")
        + x % 0.7
    ),
    "lists of tensors": lambda x, y: torch._foreach_add(
        torch._foreach_addcdiv([x, x.T], [x, x.T], [y[:, :3].exp(), x.T.exp()], [0.5, 2.0]), 3.0
    )[0],
    "lists that are written into": lambda x, y: (
        z := [x.clone(), y.clone()],
        torch._foreach_mul_(z, [2.0, 3.0]),
        torch._foreach_lerp_(z, [y[:, :3], y], 0.25),
        torch._foreach_addcmul_(z, [x, y], [x, y], value=0.5),
    )[0][1],
    "a norm of groups": lambda x, y: torch.nn.functional.group_norm(y.T[None], 2, y[0], y[1], 0.125),
    "a norm of a batch": lambda x, y: torch.nn.functional.batch_norm(y, None, None, y[0], y[1], training=True, eps=0.5),
    "a root mean square norm": lambda x, y: torch.nn.functional.rms_norm(y, (4,), y[0], 0.5),
    "a weight norm": lambda x, y: torch._weight_norm(y, y[:, :1], 0),
    **{
        name: lambda x, y, name=name: getattr(torch.nn.functional, name)(x)
        for name in (
            "elu",
            "celu",
            "selu",
            "leaky_relu",
            "hardswish",
            "mish",
            "relu6",
            "hardsigmoid",
            "softsign",
            "tanhshrink",
            "softshrink",
        )
    },
    "a gated unit": lambda x, y: torch.nn.functional.glu(y) + torch.nn.functional.silu(y[:, :2]).roll(1, 0),
    "losses": lambda x, y: (
        torch.nn.functional.mse_loss(x, y[:, :3])
        + torch.nn.functional.huber_loss(x, y[:, :3])
        + torch.nn.functional.smooth_l1_loss(x, y[:, :3])
        + torch.nn.functional.binary_cross_entropy(x.sigmoid(), y[:, :3].sigmoid())
    ),
    "blocks": lambda x, y: torch.block_diag(x, y) @ torch.diag_embed(torch.cat([x[0], y[0]])),
    "a softplus that is straight early": lambda x, y: torch.nn.functional.softplus(y, beta=3, threshold=0.2),
    "elements that are chosen": lambda x, y: torch.masked_select(y, x[:, :1] > 0),
    "distances": lambda x, y: torch.stack(
        [torch.linalg.vector_norm(y, order, dim=-1) for order in (0, 1, 2, 3.5, -1, torch.inf, -torch.inf)]
    ),
    "diagonals": lambda x, y: torch.diagonal_scatter(y, x[0], 1) + torch.diag_embed(y[0], 1)[:, 1:].sum(0),
    **{
        f"bags, {mode}": lambda x, y, mode=mode: torch.nn.functional.embedding_bag(
            PLACES, y, torch.tensor([0, 2, 2]), mode=mode, padding_idx=1
        )
        for mode in ("sum", "mean")
    },
    "weighted bags": lambda x, y: torch.nn.functional.embedding_bag(
        PLACES[:4].reshape(2, 2), y, mode="sum", per_sample_weights=x[:2, :2].contiguous()
    ),
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


def test_an_operator_of_the_code_is_followed_in_what_it_does() -> None:
    """Also where its namespace has the name of another operation, as `mean` is one."""
    x, y = torch.tensor([0.5, -1.0], dtype=torch.float64), torch.tensor([2.0, 3.0], dtype=torch.float64)

    @torch.library.custom_op("mean::shifted", mutates_args=())  # type: ignore[untyped-decorator]  # of PyTorch
    def shifted(x: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
        return x.exp() + by

    with working():
        result, tracer = trace(torch, lambda: 2 * shifted(x, y), [x, y])
        values = to_limbs(tracer.array(result))[:LIMBS].sum(axis=0)
    np.testing.assert_allclose(values, (2 * (x.exp() + y)).numpy(), rtol=1e-15)


def test_what_is_written_by_itself_is_not_followed() -> None:
    """Operations whose own Python function calls them again end with their name."""
    x = torch.tensor([0.5, -1.0], dtype=torch.float64)
    with working(), pytest.raises(Untraceable, match=r"prims\.frexp\.default has no meaning in balls"):
        trace(torch, lambda: torch.frexp(x), [x])


def test_the_variance_of_too_few_numbers_is_not_one() -> None:
    x = torch.zeros(0, dtype=torch.float64)
    with working():
        result, tracer = trace(torch, lambda: torch.var(x), [x])
        assert np.isnan(tracer.array(result)).all()


def test_the_place_of_the_largest_is_undecided_beside_nan() -> None:
    """PyTorch takes NaN for the largest number."""
    x = torch.tensor([1.0, torch.nan, 3.0], dtype=torch.float64)
    with working(), pytest.raises(Undecided, match="the place of an extreme beside NaN"):
        trace(torch, lambda: x.argmax(), [x])


def test_the_places_of_equal_numbers_are_not_decided() -> None:
    """PyTorch does not say which of equal numbers `topk` takes first."""
    x = torch.tensor([1.0, 2.0, 2.0, 0.0], dtype=torch.float64)
    with working(), pytest.raises(Undecided, match="the places of equal numbers"):
        trace(torch, lambda: torch.topk(x, 1)[1], [x])


def test_a_counter_may_be_read() -> None:
    """A step that is counted in floating point is a whole number, which no rounding changes."""
    x = torch.tensor([0.5, -1.0], dtype=torch.float64)

    def counted() -> Any:
        step = torch.zeros((), dtype=torch.float32)
        step += 1
        return x / (1 - 0.5 ** step.item())

    with working():
        result, tracer = trace(torch, counted, [x])
        values = to_limbs(tracer.array(result))[:LIMBS].sum(axis=0)
    np.testing.assert_array_equal(values, [1.0, -2.0])


def test_what_is_written_into_a_copied_view_is_not_followed() -> None:
    """Only writes to memory of which a view here is a copy are refused."""
    x = torch.arange(6.0, dtype=torch.float64)

    def written(into: Any) -> Any:
        turned = into.reshape(2, 3).t()[::2].unfold(0, 2, 2)
        other = torch.zeros(2, dtype=torch.float64)
        other += 1
        return turned, other

    with working():
        trace(torch, lambda: written(x), [x])
