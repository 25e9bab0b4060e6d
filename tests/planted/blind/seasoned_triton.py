"""Right, in Triton, as fused libraries have it; asked through Triton's interpreter, which needs no GPU."""

import os
from functools import partial

os.environ.setdefault("TRITON_INTERPRET", "1")

import torch
import triton
import triton.language as tl

from attnspec import implements

of = partial(implements, framework="torch", dtypes=("float32", "float16"))


@triton.jit
def loss_kernel(logits, target, loss, width, stride, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    start = logits + row * stride
    top = -float("inf")
    total = 0.0
    for first in range(0, width, BLOCK):
        at = first + tl.arange(0, BLOCK)
        e = tl.load(start + at, mask=at < width, other=-float("inf")).to(tl.float32)
        new = tl.maximum(top, tl.max(e, 0))
        total = total * tl.exp(top - new) + tl.sum(tl.exp(e - new), 0)
        top = new
    said = tl.load(start + tl.load(target + row)).to(tl.float32)
    tl.store(loss + row, (top + tl.log(total) - said).to(loss.dtype.element_ty))


@of("seq2seq.cross_entropy")
def loss_of_each_row(logits, target):
    """Right: a program for each row that runs over blocks of 64 words with a running maximum and sum."""
    rows = logits.reshape(-1, logits.shape[-1])
    if rows.stride(-1) != 1:
        rows = rows.contiguous()
    loss = torch.empty(len(rows), dtype=logits.dtype)
    if len(rows):
        right = target.reshape(-1).to(torch.int64).contiguous()
        loss_kernel[(len(rows),)](rows, right, loss, rows.shape[1], rows.stride(0), BLOCK=64)
    return loss.reshape(target.shape)


@triton.jit
def adam_kernel(theta, g, m, v, theta_out, m_out, v_out, size, lr, b1, b2, eps, decay, c1, c2, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = at < size
    p = tl.load(theta + at, mask=here).to(tl.float32)
    slope = tl.load(g + at, mask=here).to(tl.float32)
    first = b1 * tl.load(m + at, mask=here).to(tl.float32) + (1 - b1) * slope
    second = b2 * tl.load(v + at, mask=here).to(tl.float32) + (1 - b2) * slope * slope
    p = p * (1 - lr * decay) - lr * (first / c1) / (tl.sqrt(second / c2) + eps)
    tl.store(theta_out + at, p.to(theta_out.dtype.element_ty), mask=here)
    tl.store(m_out + at, first.to(m_out.dtype.element_ty), mask=here)
    tl.store(v_out + at, second.to(v_out.dtype.element_ty), mask=here)


@of("optimizer.adamw")
def fused_update(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Right: all in one kernel over blocks of 128 parameters, in float32, the corrections computed by the host."""
    args = [a.contiguous() for a in (theta, g, m, v)]
    out = [torch.empty_like(a) for a in args[:1] + args[2:]]
    size = theta.numel()
    if size:
        c1, c2 = 1 - beta_1**step, 1 - beta_2**step
        grid = (triton.cdiv(size, 128),)
        adam_kernel[grid](*args, *out, size, lr, beta_1, beta_2, eps, decay, c1, c2, BLOCK=128)
    return tuple(out)


@triton.jit
def cell_kernel(a, s, h, out, units, count, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = at < count
    row, unit = at // units, at % units
    base = row * 3 * units + unit
    r = tl.sigmoid(tl.load(a + base, mask=here, other=0.0) + tl.load(s + base, mask=here, other=0.0))
    z = tl.sigmoid(tl.load(a + base + units, mask=here, other=0.0) + tl.load(s + base + units, mask=here, other=0.0))
    x = tl.load(a + base + 2 * units, mask=here, other=0.0)
    y = x + r * tl.load(s + base + 2 * units, mask=here, other=0.0)
    new = 2 * tl.sigmoid(2 * y) - 1
    old = tl.load(h + at, mask=here, other=0.0).to(tl.float32)
    tl.store(out + at, (new + z * (old - new)).to(out.dtype.element_ty), mask=here)


@of("recurrent.gru_cell_reset_after")
def gates_fused(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh):
    """Right: two products in float32, then one kernel for gates and state, tanh as 2σ(2y) − 1."""
    a = x.float() @ torch.cat([W_xr, W_xz, W_xh], 1).float() + torch.cat([b_r, b_z, b_h]).float()
    s = h.float() @ torch.cat([W_hr, W_hz, W_hh], 1).float()
    s[..., -h.shape[-1] :] += b_hh.float()
    old = h.contiguous()
    out = torch.empty_like(old)
    if out.numel():
        grid = (triton.cdiv(out.numel(), 64),)
        cell_kernel[grid](a.contiguous(), s.contiguous(), old, out, h.shape[-1], out.numel(), BLOCK=64)
    return out
