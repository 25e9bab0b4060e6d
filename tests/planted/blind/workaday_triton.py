"""Right, in Triton, as tutorials have it; asked through Triton's interpreter, which needs no GPU."""

import os
from functools import partial

os.environ.setdefault("TRITON_INTERPRET", "1")

import torch
import triton
import triton.language as tl

from attnspec import implements

of = partial(implements, framework="torch", dtypes=("float32", "float16"))


@triton.jit
def norm_kernel(x, gamma, beta, y, width, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    here = at < width
    a = tl.load(x + row * width + at, mask=here, other=0.0).to(tl.float32)
    mean = tl.sum(a, 0) / width
    centred = tl.where(here, a - mean, 0.0)
    rstd = 1 / tl.sqrt(tl.sum(centred * centred, 0) / width + eps)
    g = tl.load(gamma + at, mask=here, other=0.0).to(tl.float32)
    b = tl.load(beta + at, mask=here, other=0.0).to(tl.float32)
    tl.store(y + row * width + at, (centred * rstd * g + b).to(y.dtype.element_ty), mask=here)


@of("transformer.layer_norm")
def row_of_a_block(x, gamma, beta, *, eps):
    """Right: a program for each row, whose width is padded to a power of two and masked; float32 inside."""
    x, gamma, beta = x.contiguous(), gamma.contiguous(), beta.contiguous()
    y, width = torch.empty_like(x), x.shape[-1]
    if x.numel():
        block = triton.next_power_of_2(width)
        norm_kernel[(x.numel() // width,)](x, gamma, beta, y, width, eps, BLOCK=block)
    return y


@triton.jit
def flash_kernel(q, k, v, o, n, m, d, e, scale, N: tl.constexpr, M: tl.constexpr, D: tl.constexpr, E: tl.constexpr):
    tile, example = tl.program_id(0), tl.program_id(1)
    i, a, b = tile * N + tl.arange(0, N), tl.arange(0, D), tl.arange(0, E)
    at = (example * n + i[:, None]) * d + a[None, :]
    query = tl.load(q + at, mask=(i[:, None] < n) & (a[None, :] < d), other=0.0).to(tl.float32) * scale
    top = tl.full((N,), -1e30, tl.float32)
    total = tl.zeros((N,), tl.float32)
    acc = tl.zeros((N, E), tl.float32)
    for start in range(0, m, M):
        j = start + tl.arange(0, M)
        keys_at = (example * m + j[None, :]) * d + a[:, None]
        keys = tl.load(k + keys_at, mask=(j[None, :] < m) & (a[:, None] < d), other=0.0).to(tl.float32)
        s = tl.where(j[None, :] < m, tl.dot(query, keys, input_precision="ieee"), -float("inf"))
        new = tl.maximum(top, tl.max(s, 1))
        p, shrink = tl.exp(s - new[:, None]), tl.exp(top - new)
        values_at = (example * m + j[:, None]) * e + b[None, :]
        values = tl.load(v + values_at, mask=(j[:, None] < m) & (b[None, :] < e), other=0.0).to(tl.float32)
        total = total * shrink + tl.sum(p, 1)
        acc = acc * shrink[:, None] + tl.dot(p, values, input_precision="ieee")
        top = new
    out_at = (example * n + i[:, None]) * e + b[None, :]
    out = (acc / total[:, None]).to(o.dtype.element_ty)
    tl.store(o + out_at, out, mask=(i[:, None] < n) & (b[None, :] < e))


@of("attention.scaled_dot_product")
def flash_of_tiles(q, k, v):
    """Right: tiles of 32 queries and 32 keys, widths padded to powers of two, an online softmax in float32."""
    q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
    n, d = q.shape[-2:]
    m, e = v.shape[-2:]
    o = torch.empty(*q.shape[:-1], e, dtype=v.dtype)
    if o.numel():
        width, out = max(16, triton.next_power_of_2(d)), max(16, triton.next_power_of_2(e))
        grid = triton.cdiv(n, 32), o.numel() // (n * e)
        flash_kernel[grid](q, k, v, o, n, m, d, e, d**-0.5, N=32, M=32, D=width, E=out)
    return o
