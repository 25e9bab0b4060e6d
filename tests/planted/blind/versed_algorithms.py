"""Right, by other algorithms: Strassen, sums of prefixes, split operands, lazy maxima, Newton steps, packing."""

import math
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

from attnspec import implements

ALL = ("float32", "float64", "float16", "bfloat16")
of = partial(implements, framework="torch", dtypes=ALL)
one = partial(implements, framework="torch", dtypes=ALL, batch=(0,))
numpy_of = partial(implements, framework="numpy", dtypes=ALL[:3])


def wide(x):
    """In float32 at least."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


@of("transformer.linear")
def seven_products_for_eight(x, W, b):
    """Right: one level of Strassen's algorithm on matrices padded to even sizes, in float32 at least."""
    rows, a = x.shape[-2], wide(x)
    a = F.pad(a, (0, a.shape[-1] % 2, 0, rows % 2))
    w = F.pad(wide(W), (0, W.shape[1] % 2, 0, W.shape[0] % 2))
    n, d, e = a.shape[-2] // 2, a.shape[-1] // 2, w.shape[-1] // 2
    a11, a12, a21, a22 = a[..., :n, :d], a[..., :n, d:], a[..., n:, :d], a[..., n:, d:]
    w11, w12, w21, w22 = w[:d, :e], w[:d, e:], w[d:, :e], w[d:, e:]
    p1, p2, p3 = (a11 + a22) @ (w11 + w22), (a21 + a22) @ w11, a11 @ (w12 - w22)
    p4, p5 = a22 @ (w21 - w11), (a11 + a12) @ w22
    p6, p7 = (a21 - a11) @ (w11 + w12), (a12 - a22) @ (w21 + w22)
    top = torch.cat([p1 + p4 - p5 + p7, p3 + p5], -1)
    low = torch.cat([p2 + p4, p1 - p2 + p3 + p6], -1)
    return (torch.cat([top, low], -2)[..., :rows, : W.shape[1]] + wide(b)).to(x.dtype)


@of("scores.dot")
def quarter_of_two_squares(q, k):
    """Right: a quarter of |q + k|² less |q − k|², in float32 at least."""
    a, b = wide(q).unsqueeze(-2), wide(k).unsqueeze(-3)
    return ((a + b).square().sum(-1) - (a - b).square().sum(-1)).div(4).to(q.dtype)


@of("scores.scaled_dot")
def four_products_of_halves(q, k):
    """Right: operands split into a number of bfloat16 and its rest, four products added, in float32 at least."""
    a, b = wide(q), wide(k)
    a_high, b_high = a.bfloat16().to(a.dtype), b.bfloat16().to(b.dtype)
    a_low, b_low = a - a_high, b - b_high
    e = a_low @ b_high.mT + a_high @ b_low.mT + a_low @ b_low.mT + a_high @ b_high.mT
    return (e / math.sqrt(q.shape[-1])).to(q.dtype)


@one("backward.embedding")
def differences_of_sums_of_prefixes(d_x, k, P):
    """Right: rows sorted by token, a cumulated sum, its last row of each token less that of the one before; float64."""
    order = torch.argsort(k, stable=True)
    order = order[k[order] >= 0]
    tokens = k[order]
    out = torch.zeros_like(P)
    if not len(tokens):
        return out
    sums = d_x[order].double().cumsum(0)
    last = torch.ones(len(tokens), dtype=torch.bool)
    last[:-1] = tokens[1:] != tokens[:-1]
    ends = sums[last]
    out[tokens[last]] = torch.cat([ends[:1], ends[1:] - ends[:-1]]).to(P.dtype)
    return out


@one("backward.embedding")
def prefixes_in_the_inputs_precision(d_x, k, P):
    """Right: the same trick in float32, as view transformers pool points; it loses what the prefix outweighs."""
    order = torch.argsort(k, stable=True)
    order = order[k[order] >= 0]
    tokens = k[order]
    out = torch.zeros_like(P)
    if not len(tokens):
        return out
    sums = wide(d_x[order]).cumsum(0)
    last = torch.cat([tokens[1:] != tokens[:-1], torch.ones(1, dtype=torch.bool)])
    ends = sums[last]
    return out.index_copy(0, tokens[last], torch.cat([ends[:1], ends[1:] - ends[:-1]]).to(P.dtype))


@of("attention.scaled_dot_product")
def rescaled_only_where_it_pays(q, k, v):
    """Right: tiles of 32 keys whose maximum moves only if it grows by more than 8 powers of two, float32 at least."""
    a, b, c = wide(q) * (math.log2(math.e) / math.sqrt(q.shape[-1])), wide(k), wide(v)
    top = total = read = None
    for at in range(0, k.shape[-2], 32):
        e = a @ b[..., at : at + 32, :].mT
        here = e.amax(-1, keepdim=True)
        if top is None:
            top, total, read = here, 0.0, 0.0
        high = torch.where(here - top > 8.0, here, top)
        shrunk, p = torch.exp2(top - high), torch.exp2(e - high)
        total = total * shrunk + p.sum(-1, keepdim=True)
        read = read * shrunk + p @ c[..., at : at + 32, :]
        top = high
    return (read / total).to(v.dtype)


@of("attention.dot_product")
def shifted_by_a_bound(q, k, v):
    """Right: scores less the product of norms, which is an upper bound, and the largest of that; in float64."""
    a, b = q.double(), k.double()
    bound = a.norm(dim=-1, keepdim=True) * b.norm(dim=-1).amax(-1)[..., None, None]
    e = a @ b.mT - bound
    p = torch.exp(e - e.amax(-1, keepdim=True))
    return (p @ v.double() / p.sum(-1, keepdim=True)).to(v.dtype)


@of("attention.weights")
def last_of_the_cumulated_logarithms(e):
    """Right: the last of torch.logcumsumexp is taken off, then exp; in float64."""
    a = e.double()
    return torch.exp(a - a.logcumsumexp(-1)[..., -1:]).to(e.dtype)


@of("attention.scaled_dot_product")
def packed_into_one_sequence(q, k, v):
    """Right: examples end to end in one sequence, whose mask has a block for each, in float32 at least."""
    lead, n, m = math.prod(q.shape[:-2]), q.shape[-2], k.shape[-2]
    owner_q, owner_k = torch.arange(lead).repeat_interleave(n), torch.arange(lead).repeat_interleave(m)
    a, b, c = (wide(x).reshape(-1, x.shape[-1]) for x in (q, k, v))
    e = (a @ b.T / math.sqrt(q.shape[-1])).masked_fill(owner_q[:, None] != owner_k, -math.inf)
    return (e.softmax(-1) @ c).reshape(*q.shape[:-1], v.shape[-1]).to(v.dtype)


@of("transformer.layer_norm")
def centred_by_a_matrix(x, gamma, beta, *, eps):
    """Right: times the identity less 1/d to centre, a root by one Newton step on rsqrt, in float32 at least."""
    a, d = wide(x), x.shape[-1]
    a = a @ (torch.eye(d, dtype=a.dtype) - 1.0 / d)
    variance = torch.linalg.vecdot(a, a).unsqueeze(-1) / d + eps
    guess = variance.rsqrt()
    guess = guess * (1.5 - 0.5 * variance * guess * guess)
    return (a * guess * wide(gamma) + wide(beta)).to(x.dtype)


@of("transformer.layer_norm")
def var_mean_of_the_library(x, gamma, beta, *, eps):
    """Right: torch.var_mean without correction, addcmul for gain and shift, in float32 at least."""
    variance, mean = torch.var_mean(wide(x), -1, correction=0, keepdim=True)
    return torch.addcmul(wide(beta), (wide(x) - mean).div(variance.add(eps).sqrt()), wide(gamma)).to(x.dtype)


@of("recurrent.simple_rnn_cell")
def one_less_two_over(x, h, W_xh, W_hh, b_h):
    """Right: tanh as 1 − 2 / (exp(2a) + 1), in float32 at least."""
    a = torch.addmm(wide(b_h), wide(x).reshape(-1, len(W_xh)), wide(W_xh)).reshape(h.shape) + wide(h) @ wide(W_hh)
    return (1 - 2 / (torch.exp(2 * a) + 1)).to(h.dtype)


@of("recurrent.simple_rnn_cell")
def tanh_by_expm1(x, h, W_xh, W_hh, b_h):
    """Right: tanh as expm1(2a) / (expm1(2a) + 2) of minus the absolute value, with its sign, in float32 at least."""
    a = wide(x) @ wide(W_xh) + wide(h) @ wide(W_hh) + wide(b_h)
    less = torch.expm1(-2 * a.abs())
    return (torch.sign(a) * (-less / (less + 2))).to(h.dtype)


@of("optimizer.adam")
def step_as_a_tensor(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Right: capturable: the step is a tensor of float64, corrections are tensors, the denominator takes the rate."""
    count = torch.tensor(float(step), dtype=torch.float64)
    first = torch.lerp(m.double(), g.double(), 1 - beta_1)
    second = torch.addcmul(v.double() * beta_2, g.double(), g.double(), value=1 - beta_2)
    rate = lr / (1 - beta_1**count)
    root = (1 - beta_2**count).sqrt()
    new = torch.addcdiv(theta.double(), first, (second.sqrt() / (root * -rate)).add(eps / -rate))
    return new.to(theta.dtype), first.to(m.dtype), second.to(v.dtype)


@one("seq2seq.sample")
def searched_in_the_sums(p, uniform):
    """Right: torch.searchsorted to the right in cumulated sums, at most the last word; in the dtype that is given."""
    return torch.searchsorted(p.cumsum(-1), uniform.reshape(1), right=True).clamp_max(len(p) - 1).squeeze(0)


@of("seq2seq.cross_entropy_probs")
def sums_of_xlogy(p, y):
    """Right: minus the sum of torch.xlogy, in float32 at least."""
    return -torch.xlogy(wide(y), wide(p)).sum(-1).to(p.dtype)


@of("seq2seq.temperature_probs")
def logarithms_in_a_softmax(p, *, tau):
    """Right: softmax of the logarithms over τ, in float64."""
    return torch.softmax(p.double().log() / tau, -1).to(p.dtype)


@of("seq2seq.context_learned_query")
def pooled_by_one_bmm(h, w):
    """Right: scores by matmul with a column, the context by a row of weights times the states, float32 at least."""
    a = wide(h)
    p = torch.matmul(a, wide(w).unsqueeze(-1)).softmax(-2)
    return torch.matmul(p.mT, a).squeeze(-2).to(h.dtype)


@of("recurrent.gru_cell_update_writes")
def moved_by_the_gate(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: torch.lerp from the state to the candidate by the gate, in float32 at least."""
    a, s = wide(x), wide(h)
    r = torch.sigmoid(a @ wide(W_xr) + s @ wide(W_hr) + wide(b_r))
    z = torch.sigmoid(a @ wide(W_xz) + s @ wide(W_hz) + wide(b_z))
    return torch.lerp(s, torch.tanh(a @ wide(W_xh) + (r * s) @ wide(W_hh) + wide(b_h)), z).to(h.dtype)


@numpy_of("transformer.linear")
def summed_with_what_is_lost(x, W, b):
    """Right: term by term with Neumaier's compensation, in float32 at least."""
    a, w = (m.astype(np.result_type(m.dtype, np.float32)) for m in (x, W))
    total = np.zeros((*x.shape[:-1], W.shape[1]), a.dtype) + b.astype(a.dtype)
    lost = np.zeros_like(total)
    for i in range(W.shape[0]):
        term = a[..., i, None] * w[i]
        new = total + term
        lost += np.where(np.abs(total) >= np.abs(term), total - new + term, term - new + total)
        total = new
    return (total + lost).astype(x.dtype)


@numpy_of("attention.context_vector")
def products_by_halving(alpha, h):
    """Right: terms of the sum added pairwise, halves upon halves, in float32 at least."""
    wide_ = np.result_type(alpha.dtype, np.float32)
    terms = alpha.astype(wide_)[..., None] * h.astype(wide_)[..., None, :, :]
    while terms.shape[-2] > 1:
        m = terms.shape[-2]
        pairs = terms[..., : m - m % 2, :].reshape(*terms.shape[:-2], m // 2, 2, terms.shape[-1]).sum(-2)
        terms = np.concatenate([pairs, terms[..., m - m % 2 :, :]], -2)
    return terms[..., 0, :].astype(h.dtype)


@numpy_of("transformer.linear")
def blocks_of_a_buffer(x, W, b):
    """Right: one level of Strassen's algorithm, the four blocks written into a buffer, in float32 at least."""
    kind = np.float64 if x.dtype == np.float64 else np.float32
    rows, columns = x.shape[-2], W.shape[1]
    a = np.zeros((*x.shape[:-2], rows + rows % 2, x.shape[-1] + x.shape[-1] % 2), kind)
    a[..., :rows, : x.shape[-1]] = x
    w = np.zeros((a.shape[-1], columns + columns % 2), kind)
    w[: len(W), :columns] = W
    n, d, e = a.shape[-2] // 2, a.shape[-1] // 2, w.shape[-1] // 2
    a11, a12, a21, a22 = a[..., :n, :d], a[..., :n, d:], a[..., n:, :d], a[..., n:, d:]
    w11, w12, w21, w22 = w[:d, :e], w[:d, e:], w[d:, :e], w[d:, e:]
    p1, p2, p3 = (a11 + a22) @ (w11 + w22), (a21 + a22) @ w11, a11 @ (w12 - w22)
    p4, p5 = a22 @ (w21 - w11), (a11 + a12) @ w22
    p6, p7 = (a21 - a11) @ (w11 + w12), (a12 - a22) @ (w21 + w22)
    y = np.empty((*a.shape[:-1], w.shape[1]), kind)
    y[..., :n, :e], y[..., :n, e:] = p1 + p4 - p5 + p7, p3 + p5
    y[..., n:, :e], y[..., n:, e:] = p2 + p4, p1 - p2 + p3 + p6
    return (y[..., :rows, :columns] + b).astype(x.dtype)
