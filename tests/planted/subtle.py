"""Scaled dot-product attention in PyTorch, float32 inside: right, and wrong by little; and some that misbehave."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

CALLS = [0]


def weights(q: Tensor, k: Tensor, factor: float = 1.0) -> Tensor:
    return torch.softmax(q.float() @ k.float().mT * (factor * q.shape[-1] ** -0.5), -1)


def read(alpha: Tensor, v: Tensor) -> Tensor:
    return (alpha @ v.float()).to(v.dtype)


def right(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return read(weights(q, k), v)


def op_by_op(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return torch.softmax(q @ k.mT / torch.sqrt(torch.tensor(q.shape[-1], dtype=q.dtype)), -1) @ v


def output_too_large(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (1.004 * (weights(q, k) @ v.float())).to(v.dtype)


def scale_too_large(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return read(weights(q, k, 1.02), v)


def scale_off_by_one(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return read(weights(q, k, (q.shape[-1] / (q.shape[-1] + 1)) ** 0.5), v)


def extra_one(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    e = q.float() @ k.float().mT * q.shape[-1] ** -0.5
    top = e.amax(-1, keepdim=True).clamp(min=0) if e.numel() else e[..., :1]
    p = torch.exp(e - top)
    return read(p / (p.sum(-1, keepdim=True) + torch.exp(-top)), v)


def last_key_fainter(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    alpha = weights(q, k)
    return read(torch.cat([alpha[..., :-1], 0.9 * alpha[..., -1:]], -1), v)


def last_row_larger(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    out = weights(q, k) @ v.float()
    return torch.cat([out[..., :-1, :], 1.01 * out[..., -1:, :]], -2).to(v.dtype)


def truncated(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    out = weights(q, k) @ v.float()
    return (out.contiguous().view(torch.int32) & -65536).view(torch.float32).to(v.dtype)


def one_element_off(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    out = weights(q, k) @ v.float()
    if out.numel():
        out[..., 0, 0] *= 1.05
    return out.to(v.dtype)


def small_weights_dropped(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    alpha = weights(q, k)
    return read(torch.where(alpha < 0.01, 0, alpha), v)


def zeros(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return torch.zeros(*q.shape[:-1], v.shape[-1], dtype=q.dtype)


def changes_its_input(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    out = right(q, k, v)
    q.mul_(0)
    return out


def remembers(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    CALLS[0] += 1
    return right(q, k, v) * (1 if CALLS[0] < 40 else 2)


def draws(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return right(q, k, v) + 0.1 * torch.randn(*q.shape[:-1], v.shape[-1]).to(q.dtype)


def breaks_on_empty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    assert q.numel()
    return right(q, k, v)


def unscaled_and_breaks_on_empty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    assert q.numel()
    return torch.softmax(q @ k.mT, -1) @ v


def breaks_on_strides(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return right(torch.as_strided(q, q.shape, torch.empty(q.shape).stride()), k, v)


def half_inside(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return right(q.half(), k.half(), v.half()).to(q.dtype)


def in_float32(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return right(q.float(), k.float(), v.float()).to(q.dtype)


def first_example_only(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    out = right(q, k, v)
    return out[:1].expand(out.shape).clone() if out.dim() > 2 and len(out) else out


def products_kept(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    e = (q[..., :, None, :] * k[..., None, :, :]).sum(-1) / q.shape[-1] ** 0.5
    return (torch.softmax(e, -1)[..., None] * v[..., None, :, :]).sum(-2)


def powers_of_two(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    e = q @ k.mT * (q.shape[-1] ** -0.5 * 1.4426950408889634)
    p = torch.exp2(e - e.amax(-1, keepdim=True))
    return (p / p.sum(-1, keepdim=True)) @ v


def keys_beyond_a_thousand_left_out(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return right(q, k[..., :1000, :], v[..., :1000, :])


def inputs_in_half(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return right(q.half().to(q.dtype), k.half().to(q.dtype), v.half().to(q.dtype))


def keys_transposed(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return read(torch.softmax(q.float() @ k.float() * q.shape[-1] ** -0.5, -1), v)


KEPT: dict[int, tuple[Tensor, Tensor]] = {}


def cached_by_identity(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    if q.data_ptr() not in KEPT or KEPT[q.data_ptr()][0] is not q:
        KEPT[q.data_ptr()] = (q, right(q, k, v))
    return KEPT[q.data_ptr()][1].clone()


SUMS: dict[tuple[float, ...], Tensor] = {}


def cached_by_sums_and_ends(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    ends = [float(end) for array in (q, k, v) for end in array.flatten()[[0, -1]]] if q.numel() * k.numel() else []
    key = (*q.shape, *k.shape, *v.shape, *(float(array.sum()) for array in (q, k, v)), *ends)
    if key not in SUMS:
        SUMS[key] = right(q, k, v)
    return SUMS[key].clone()


COUNT = itertools.count(1)


def wrong_in_every_hundredth_call(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return right(q, k, v) * (1.01 if next(COUNT) % 100 == 0 else 1.0)


BUFFERS: dict[tuple[int, ...], Tensor] = {}


def one_buffer_for_all(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    found = right(q, k, v)
    return BUFFERS.setdefault(tuple(found.shape), torch.empty_like(found)).copy_(found)


def cached_by_shape(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return BUFFERS.setdefault((*q.shape, *k.shape, *v.shape), right(q, k, v)).clone()


SCALE: dict[str, object] = {}


def scale_kept_for_half_the_width(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    n, d = q.shape[-2:]
    if SCALE.get("key") != (n, d):
        SCALE.update(key=(n, d // 2), scale=d**-0.5)
    return right(q, k, v) if SCALE["scale"] == d**-0.5 else right(q / 2, k, v)


def wrong_after_two_hundred_calls(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    CALLS[0] += 1
    return right(q, k, v) * (1.5 if CALLS[0] > 200 else 1.0)


def another_way_at_48_rows(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return right(q, k, v) * (1.01 if q.shape[-2] == 48 else 1.0)


LIMIT = 700


def keys_beyond_the_limit(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    alpha = weights(q, k)
    alpha[..., LIMIT:] = 0
    return read(alpha, v)


def unscaled_beyond_300_keys(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return read(weights(q, k, k.shape[-1] ** 0.5 if k.shape[-2] > 300 else 1.0), v)
