"""Right, in PyTorch: custom operators, scripts, sparse pairs, trees of parts, views by strides, wavefronts, buffers."""

import functools
import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, jvp, vjp, vmap

from attnspec import implements

ALL = ("float32", "float64", "float16", "bfloat16")
of = partial(implements, framework="torch", dtypes=ALL)
one = partial(implements, framework="torch", dtypes=ALL, batch=(0,))


def wide(x):
    """In float32 at least."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


@torch.library.custom_op("seasoned::attend", mutates_args=())
def attend(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    p = torch.softmax(wide(q) @ wide(k).mT * scale, -1)
    return (p @ wide(v)).to(v.dtype)


@attend.register_fake
def _(q, k, v, scale):
    return v.new_empty(*q.shape[:-1], v.shape[-1])


@of("attention.scaled_dot_product")
def as_operator(q, k, v):
    """Right: an operator of torch.library with a fake kernel, float32 at least inside."""
    return torch.ops.seasoned.attend(q, k, v, 1.0 / math.sqrt(q.shape[-1]))


def one_by_one(function):
    """Over each leading axis, one example at a time."""

    @functools.wraps(function)
    def looped(q, k, v, mask):
        lead, args = q.shape[:-2], (q, k, v, mask)
        flat = [a.reshape(math.prod(lead), *a.shape[len(lead) :]) for a in args]
        rows = [function(*(a[i] for a in flat)) for i in range(math.prod(lead))]
        return torch.stack(rows).reshape(*lead, *rows[0].shape) if rows else q.new_zeros(*q.shape[:-1], v.shape[-1])

    return looped


@of("attention.masked")
@one_by_one
def pairs_that_see(q, k, v, mask):
    """Right: the visible pairs as a list, their scores reduced by scatter_reduce and index_add, in float32 at least."""
    i, j = mask.nonzero(as_tuple=True)
    a, b, c = wide(q), wide(k), wide(v)
    e = (a[i] * b[j]).sum(-1) * q.shape[-1] ** -0.5
    top = torch.full((len(q),), -math.inf, dtype=a.dtype).scatter_reduce(0, i, e, "amax")
    p = torch.exp(e - top[i])
    total = torch.zeros(len(q), dtype=a.dtype).index_add(0, i, p)
    read = torch.zeros(len(q), v.shape[-1], dtype=a.dtype).index_add(0, i, p[:, None] * c[j])
    return (read / total.clamp_min(torch.finfo(a.dtype).tiny)[:, None]).to(v.dtype)


def part(a, k, v, seen=None):
    """Output, largest score and sum of one part of the keys."""
    e = a @ k.mT
    if seen is not None:
        e = e.masked_fill(~seen, -math.inf)
    top = e.amax(-1, keepdim=True)
    p = torch.exp(e - top.clamp_min(torch.finfo(e.dtype).min))
    return p @ v, top, p.sum(-1, keepdim=True)


def joined(x, y):
    """Two parts as one."""
    (o, top, total), (o_2, top_2, total_2) = x, y
    new = torch.maximum(top, top_2)
    safe = new.clamp_min(torch.finfo(new.dtype).min)
    a, b = torch.exp(top - safe), torch.exp(top_2 - safe)
    return o * a + o_2 * b, new, total * a + total_2 * b


def tree(a, k, v, seen=None, leaf=16):
    """Halves of the keys, each a tree."""
    m = k.shape[-2]
    if m <= leaf:
        return part(a, k, v, seen)
    half = m // 2
    return joined(
        tree(a, k[..., :half, :], v[..., :half, :], None if seen is None else seen[..., :half]),
        tree(a, k[..., half:, :], v[..., half:, :], None if seen is None else seen[..., half:]),
    )


@of("attention.with_lse")
def tree_of_halves(q, k, v):
    """Right: the keys are halved until 16 are left, and the parts are joined as a tree, in float32 at least."""
    if k.shape[-2] == 0:
        return v.new_zeros(*q.shape[:-1], v.shape[-1]), q.new_full(q.shape[:-1], -math.inf)
    o, top, total = tree(wide(q) * q.shape[-1] ** -0.5, wide(k), wide(v))
    return (o / total).to(v.dtype), (top + total.log()).squeeze(-1).to(q.dtype)


@of("attention.causal")
def tree_of_halves_in_time(q, k, v):
    """Right: the same tree under a causal mask, from positions counted from the end."""
    n, m = q.shape[-2], k.shape[-2]
    if m == 0:
        return v.new_zeros(*q.shape[:-1], v.shape[-1])
    seen = torch.arange(1 - m, 1) <= torch.arange(1 - n, 1)[:, None]
    o, _, total = tree(wide(q) * q.shape[-1] ** -0.5, wide(k), wide(v), seen)
    return torch.where(total > 0, o / total, 0).to(v.dtype)


@torch.jit.script
def scripted_softmax(e: Tensor) -> Tensor:
    rows = e - torch.amax(e, dim=-1, keepdim=True)
    rows = torch.exp(rows)
    return rows / torch.sum(rows, dim=-1, keepdim=True)


@of("attention.weights", smallest={"m": 1})
def scripted(e):
    """Right: torch.jit.script of the largest taken off, exp, and a sum, in the dtype that is given."""
    return scripted_softmax(e)


@of("attention.additive")
def mapped_pair_by_pair(q, k, v, W, U, v_a):
    """Right: the score of one pair as a function of two vectors, mapped twice by vmap, in float32 at least."""

    def score(a, b):
        return torch.tanh(a @ wide(W) + b @ wide(U)) @ wide(v_a)

    def example(q, k, v):
        e = vmap(lambda a: vmap(lambda b: score(a, b))(k))(q)
        return torch.softmax(e, -1) @ v

    args = [wide(q), wide(k), wide(v)]
    if q.dim() == 2:
        return example(*args).to(v.dtype)
    return vmap(example)(*args).to(v.dtype) if len(q) else v.new_zeros(*q.shape[:-1], v.shape[-1])


@of("attention.hard")
def sorted_stably(e, v):
    """Right: a stable sort from large to small, whose first place is gathered."""
    first = e.sort(dim=-1, descending=True, stable=True).indices[..., 0]
    return torch.gather(v, -2, first[..., None].expand(*first.shape, v.shape[-1]))


@of("attention.merge")
def softmax_of_two(o_1, lse_1, o_2, lse_2):
    """Right: a softmax over the two logarithms, NaN where both are −∞ made 0, logsumexp of the two."""
    both = torch.stack([lse_1, lse_2]).to(torch.promote_types(lse_1.dtype, torch.float32))
    share = torch.softmax(both, 0).nan_to_num(0.0)[..., None]
    o = torch.where(share[0] > 0, share[0] * wide(o_1), 0) + torch.where(share[1] > 0, share[1] * wide(o_2), 0)
    return o.to(o_1.dtype), torch.logsumexp(both, 0).to(lse_1.dtype)


@of("attention.incremental")
def one_longer_than_before(q, k_new, v_new, K, V):
    """Right: new_empty with one row more, narrow and copy_; scores by matmul with a column, in float32 at least."""
    t = K.shape[-2]

    def longer(cache, row):
        new = cache.new_empty(*cache.shape[:-2], t + 1, cache.shape[-1])
        new.narrow(-2, 0, t).copy_(cache)
        new.narrow(-2, t, 1).copy_(row.unsqueeze(-2))
        return new

    keys, values = longer(K, k_new), longer(V, v_new)
    e = torch.matmul(wide(keys), wide(q).unsqueeze(-1)).squeeze(-1) / math.sqrt(q.shape[-1])
    alpha = torch.softmax(e, -1)
    return torch.matmul(alpha.unsqueeze(-2), wide(values)).squeeze(-2).to(q.dtype), keys, values


@of("multihead.attention")
def heads_by_strides(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: heads are as_strided views of contiguous projections, also on the way back; the library's attention."""

    def cut(y):
        y = y.contiguous()
        *lead, rows, width = y.shape
        d = width // heads
        step = y.stride()[: len(lead)]
        return y.as_strided((*lead, heads, rows, d), (*step, d, width, 1))

    q, k, v = cut(x_q @ W_q), cut(x_kv @ W_k), cut(x_kv @ W_v)
    read = F.scaled_dot_product_attention(q, k, v)
    out = read.new_empty(*x_q.shape[:-1], W_o.shape[0])
    cut_out = out.as_strided(read.shape, (*out.stride()[: read.dim() - 3], read.shape[-1], out.shape[-1], 1))
    cut_out.copy_(read)
    return out @ W_o


@of("multihead.causal")
def scores_as_one_einsum(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: letters for heads as in einops, a bias of the least number from torch.triu, softmax in float32."""
    n, m = x_q.shape[-2], x_kv.shape[-2]
    c, inner = W_q.shape
    d = inner // heads
    q = torch.einsum(
        "...nc,chd->...hnd", x_q, W_q.view(c, heads, d) if W_q.is_contiguous() else W_q.reshape(c, heads, d)
    )
    k = torch.einsum("...mc,chd->...hmd", x_kv, W_k.reshape(c, heads, d))
    v = torch.einsum("...mc,chd->...hmd", x_kv, W_v.reshape(c, heads, d))
    e = torch.einsum("...hnd,...hmd->...hnm", q, k).float() if q.dtype != torch.float64 else q @ k.mT
    e = e * d**-0.5
    hidden = torch.ones(n, m, dtype=torch.bool).triu(m - n + 1)
    alpha = torch.softmax(e.masked_fill(hidden, -math.inf), -1)
    alpha = alpha.masked_fill(hidden.all(-1, keepdim=True), 0).to(x_q.dtype)
    return torch.einsum("...hnm,...hmd,hdc->...nc", alpha, v, W_o.reshape(heads, d, -1))


@of("multihead.split")
def unfolded(x, *, heads):
    """Right: Tensor.unfold along the columns, the windows moved in front, copied."""
    d = x.shape[-1] // heads
    return x.unfold(-1, d, d).movedim(-2, -3).clone()


@of("position.sinusoidal")
def polar(*, t: int, d: int, dtype: torch.dtype = torch.float32):
    """Right: torch.polar of positions times frequencies in float64, real and imaginary part exchanged, flattened."""
    place = torch.arange(t, dtype=torch.float64)
    wave = torch.pow(10000.0, -torch.arange(0, d, 2, dtype=torch.float64) / max(d, 1))
    turned = torch.polar(torch.ones(t, len(wave), dtype=torch.float64), torch.outer(place, wave))
    return torch.view_as_real(turned).flip(-1).flatten(1)[:, :d].to(dtype)


@of("optimizer.adamw")
def moments_in_one_tensor(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Right: both moments as one tensor of two rows that moves to g and g² by lerp, in float32 at least."""
    a, slope = wide(theta), wide(g)
    both = torch.stack([wide(m), wide(v)])
    weight = torch.tensor([1 - beta_1, 1 - beta_2], dtype=both.dtype).view(2, *[1] * g.dim())
    both = torch.lerp(both, torch.stack([slope, slope.square()]), weight)
    first = both[0] / (1 - beta_1**step)
    second = (both[1] / (1 - beta_2**step)).sqrt_().add_(eps)
    a = a * (1 - lr * decay) - lr * first / second
    return a.to(theta.dtype), both[0].to(m.dtype), both[1].to(v.dtype)


@of("optimizer.sgd_momentum")
def functional_sgd(theta, g, m, *, lr, mu):
    """Right: the functional form of the library's SGD on lists of clones."""
    from torch.optim.sgd import sgd

    params, buffers = [theta.clone()], [m.clone()]
    sgd(
        params, [g], buffers, weight_decay=0.0, momentum=mu, lr=lr, dampening=0.0, nesterov=False, maximize=False,
        foreach=False, fused=False, has_sparse_grad=False,
    )  # fmt: skip
    return params[0], buffers[0]


def with_ones(x):
    return torch.cat([x, x.new_ones(*x.shape[:-1], 1)], -1)


@of("recurrent.lstm_cell")
def bias_as_a_row(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: [x, h, 1] times one packed matrix whose last row is the bias, in the dtype that is given."""
    rows = [torch.cat([W_xi, W_xf, W_xg, W_xo], 1), torch.cat([W_hi, W_hf, W_hg, W_ho], 1)]
    packed = torch.cat([*rows, torch.cat([b_i, b_f, b_g, b_o])[None]], 0)
    i, f, g, o = (with_ones(torch.cat([x, h], -1)) @ packed).tensor_split(4, -1)
    c_next = torch.addcmul(f.sigmoid() * c, i.sigmoid(), g.tanh())
    return o.sigmoid() * c_next.tanh(), c_next


@torch.jit.script
def scripted_loop(x: Tensor, h: Tensor, c: Tensor, W: Tensor, U: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    inputs = x.unbind(-2)
    outputs: list[Tensor] = []
    for row in inputs:
        gates = torch.matmul(row, W) + torch.matmul(h, U) + b
        i, f, g, o = gates.chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        outputs.append(h)
    return torch.stack(outputs, -2), c


@of("recurrent.lstm", smallest={"t": 1})
def scripted_lstm(x, h_0, c_0, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Right: a loop over time in TorchScript, as PyTorch's own example of custom LSTMs."""
    W, U = torch.cat([W_xi, W_xf, W_xg, W_xo], 1), torch.cat([W_hi, W_hf, W_hg, W_ho], 1)
    return scripted_loop(x, h_0, c_0, W, U, torch.cat([b_i, b_f, b_g, b_o]))


@of("recurrent.simple_rnn")
def each_step_into_the_output(x, h_0, W_xh, W_hh, b_h):
    """Right: inputs projected into the output's buffer, each row of which gets h W_hh by addmm_ and tanh_ in place."""
    lead, (t, d), u = x.shape[:-2], x.shape[-2:], h_0.shape[-1]
    flat = x.reshape(math.prod(lead), t, d).transpose(0, 1)
    y = wide(flat) @ wide(W_xh) + wide(b_h)
    h, W = wide(h_0).reshape(-1, u), wide(W_hh)
    for i in range(t):
        y[i].addmm_(h, W).tanh_()
        h = y[i]
    return y.transpose(0, 1).reshape(*lead, t, u).to(x.dtype)


@of("recurrent.bidirectional_simple_rnn")
def directions_as_a_batch(x, W_xh_f, W_hh_f, b_h_f, W_xh_b, W_hh_b, b_h_b):
    """Right: the sequence and its reverse as one stack of two, matmul with stacked weights, in float32 at least."""
    W, U = wide(torch.stack([W_xh_f, W_xh_b])), wide(torch.stack([W_hh_f, W_hh_b]))
    b = wide(torch.stack([b_h_f, b_h_b]))
    both = wide(torch.stack([x, x.flip(-2)], -3))
    a = both @ W + b[:, None]
    h, rows = a.new_zeros(*a.shape[:-2], 1, a.shape[-1]), []
    for i in range(x.shape[-2]):
        h = torch.tanh(a[..., i : i + 1, :] + h @ U)
        rows.append(h)
    y = torch.cat(rows, -2) if rows else a
    return torch.cat([y[..., 0, :, :], y[..., 1, :, :].flip(-2)], -1).to(x.dtype)


@of("recurrent.gru_lengths")
def longest_first(x, length, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Right: examples sorted by length, at each step only the first few that still run, put back at the end."""
    lead, (t, d), u = x.shape[:-2], x.shape[-2:], h_0.shape[-1]
    rows, lengths = x.reshape(math.prod(lead), t, d), length.reshape(-1).clamp(max=t)
    order = torch.argsort(lengths, descending=True, stable=True)
    rows, counts = wide(rows[order]), lengths[order]
    h = wide(h_0).reshape(-1, u)[order].clone()
    W, U = wide(torch.cat([W_xr, W_xz, W_xh], 1)), wide(torch.cat([W_hr, W_hz], 1))
    a, V = rows @ W + wide(torch.cat([b_r, b_z, b_h])), wide(W_hh)
    y = a.new_zeros(len(rows), t, u)
    for i in range(t):
        k = int((counts > i).sum())
        if k == 0:
            break
        a_r, a_z, a_h = a[:k, i].chunk(3, -1)
        s_r, s_z = (h[:k] @ U).chunk(2, -1)
        r, z = torch.sigmoid(a_r + s_r), torch.sigmoid(a_z + s_z)
        h[:k] = z * h[:k] + (1 - z) * torch.tanh(a_h + (r * h[:k]) @ V)
        y[:k, i] = h[:k]
    back = torch.argsort(order)
    return y[back].reshape(*lead, t, u).to(x.dtype), h[back].reshape(*lead, u).to(x.dtype)


@one("recurrent.stacked_gru")
def wavefront(x, layers):
    """Right: along anti-diagonals, layer l at step i on the front l + i; states kept per layer, float32 at least."""
    kind, t = x.dtype, x.shape[0]
    weights = [[wide(a) for a in layer] for layer in layers]
    state = [layer[0] for layer in weights]
    below, top = {}, []
    for front in range(t + len(weights) - 1):
        for l in reversed(range(len(weights))):
            i = front - l
            if 0 <= i < t:
                _, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h = weights[l]
                row, h = wide(x[i]) if l == 0 else below.pop((l - 1, i)), state[l]
                r = torch.sigmoid(row @ W_xr + h @ W_hr + b_r)
                z = torch.sigmoid(row @ W_xz + h @ W_hz + b_z)
                state[l] = z * h + (1 - z) * torch.tanh(row @ W_xh + (r * h) @ W_hh + b_h)
                if l == len(weights) - 1:
                    top.append(state[l])
                else:
                    below[l, i] = state[l]
    return torch.stack(top).to(kind) if top else x.new_zeros(0, layers[-1][0].shape[-1])


@of("transformer.layer_norm")
def length_of_what_is_centred(x, gamma, beta, *, eps):
    """Right: the mean by a product with 1/d, the variance by linalg.vector_norm, in float32 at least."""
    a, d = wide(x), x.shape[-1]
    centred = a - (a @ a.new_full((d, 1), 1.0)) / d
    spread = torch.linalg.vector_norm(centred, dim=-1, keepdim=True).square() / d
    y = centred * torch.rsqrt(spread + eps)
    return torch.addcmul(wide(beta), y, wide(gamma)).to(x.dtype)


class Gelu(torch.autograd.Function):
    """x Φ(x), whose derivative is made anew from x."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 0.5 * torch.special.erfc(-x * math.sqrt(0.5))

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        phi = torch.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
        return grad * (0.5 * torch.special.erfc(-x * math.sqrt(0.5)) + x * phi)


@of("transformer.feed_forward_gelu")
@of("transformer.feed_forward_gelu", backward=True)
def gelu_with_its_slope(x, W_1, b_1, W_2, b_2):
    """Right: an autograd function for gelu by erfc that keeps its input, in float32 at least."""
    y = Gelu.apply(wide(x) @ wide(W_1) + wide(b_1)) @ wide(W_2) + wide(b_2)
    return y.to(x.dtype)


class Block(nn.Module):
    """A block of GPT-2 with its norm in front, weights as x @ W as Conv1D has them."""

    def __init__(self, c, inner, f, heads, eps):
        super().__init__()
        self.heads, self.eps = heads, eps
        shapes = {"c_attn": (c, 3 * inner), "c_proj": (inner, c), "c_fc": (c, f), "m_proj": (f, c)}
        for name, shape in shapes.items():
            self.register_parameter(f"{name}_w", nn.Parameter(torch.empty(shape, device="meta")))
            self.register_parameter(f"{name}_b", nn.Parameter(torch.empty(shape[1], device="meta")))
        self.ln_1, self.ln_2 = (nn.LayerNorm(c, eps, device="meta") for _ in range(2))

    def forward(self, x):
        qkv = self.ln_1(x) @ self.c_attn_w + self.c_attn_b
        q, k, v = (a.unflatten(-1, (self.heads, -1)).transpose(-2, -3) for a in qkv.chunk(3, -1))
        read = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(-2, -3).flatten(-2)
        x = x + (read @ self.c_proj_w + self.c_proj_b)
        return x + F.gelu(self.ln_2(x) @ self.c_fc_w + self.c_fc_b, approximate="tanh") @ self.m_proj_w + self.m_proj_b


@of("transformer.decoder_only_layer")
def conv1d_block(
    x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, *, heads, eps
):
    """Right: a module on the device meta with GPT-2's Conv1D weights, filled by functional_call; is_causal, F.gelu."""
    block = Block(W_q.shape[0], W_q.shape[1], W_1.shape[1], heads, eps)
    named = {
        "c_attn_w": torch.cat([W_q, W_k, W_v], 1), "c_attn_b": torch.cat([b_q, b_k, b_v]), "c_proj_w": W_o,
        "c_proj_b": b_o, "c_fc_w": W_1, "c_fc_b": b_1, "m_proj_w": W_2, "m_proj_b": b_2, "ln_1.weight": gamma_1,
        "ln_1.bias": beta_1, "ln_2.weight": gamma_2, "ln_2.bias": beta_2,
    }  # fmt: skip
    return functional_call(block, named, (x,))


@of("seq2seq.cross_entropy")
def vocabulary_in_chunks(logits, target):
    """Right: a running log-sum-exp over chunks of 96 words; the target's logit is picked where its chunk passes."""
    e, t = wide(logits), target.long().unsqueeze(-1)
    lse = e.new_full((*e.shape[:-1], 1), -math.inf)
    said = torch.zeros_like(lse)
    for start in range(0, e.shape[-1], 96):
        chunk = e[..., start : start + 96]
        lse = torch.logaddexp(lse, chunk.logsumexp(-1, keepdim=True))
        at = t - start
        here = (at >= 0) & (at < chunk.shape[-1])
        said = torch.where(here, chunk.gather(-1, at.clamp(0, chunk.shape[-1] - 1)), said)
    return (lse - said).squeeze(-1).to(logits.dtype)


@one("seq2seq.sequence_loss")
def rows_that_count(logits, target, valid):
    """Right: rows are picked by the mask, nll_loss of log_softmax with the mean; NaN where no row counts."""
    log_p = F.log_softmax(wide(logits[valid]), -1)
    return F.nll_loss(log_p, target[valid].long(), reduction="mean").to(logits.dtype)


@of("seq2seq.sample")
def first_that_exceeds(p, uniform):
    """Right: cumulated in float64, argmax of the first that exceeds, the last word where none does."""
    above = torch.cumsum(p.double(), -1) > uniform.double().unsqueeze(-1)
    above[..., -1] = True
    return above.to(torch.uint8).argmax(-1)


@one("text.embedding")
def bags_of_one(k, P):
    """Right: embedding_bag with a bag for each place, which is empty where the token is missing."""
    there = k >= 0
    offsets = torch.cumsum(there, 0) - there.long()
    if not there.any():
        return P.new_zeros(len(k), P.shape[1])
    return F.embedding_bag(k[there].long(), P, offsets, mode="sum")


@of("text.window_labels")
def windows_by_strides(x, W, b, *, w):
    """Right: padded once, all windows as one as_strided view of the padding, one addmm."""
    *lead, t, d = x.shape
    padded = F.pad(x, (0, 0, w, w)).contiguous()
    steps = padded.stride()[: len(lead)]
    windows = padded.as_strided((*lead, t, (2 * w + 1) * d), (*steps, d, 1))
    return torch.addmm(b, windows.reshape(math.prod(lead) * t, (2 * w + 1) * d), W).view(*lead, t, W.shape[1])


@of("generation.beam_step")
def best_of_each_then_of_all(log_p, score, over, *, stop):
    """Right: the best few of each hypothesis by a stable sort, then of these the best few, in float32 at least."""
    beam, words = log_p.shape[-2:]
    kept = torch.where(torch.arange(words) == stop, wide(score)[..., None], -math.inf)
    total = torch.where(over[..., None] > 0, kept, (score[..., None] + log_p).to(kept.dtype))
    few = min(beam, words)
    best, token = total.sort(dim=-1, descending=True, stable=True)
    best, token = best[..., :few].flatten(-2), token[..., :few].flatten(-2)
    best, place = best.sort(dim=-1, descending=True, stable=True)
    place = place[..., :beam]
    return best[..., :beam].to(score.dtype), place // few, token.gather(-1, place)


@of("self_attention.columns")
def columns_by_addbmm(x, W_q, W_k, W_v):
    """Right: everything as columns, softmax down each column of Kᵀ Q in float32 at least."""
    q, k, v = (torch.tensordot(W, x, ([1], [x.dim() - 2])) for W in (W_q, W_k, W_v))
    q, k, v = (wide(a.movedim(0, -2)) for a in (q, k, v))
    e = torch.einsum("...dj,...di->...ji", k, q)
    return torch.einsum("...ej,...ji->...ei", v, e.softmax(-2)).to(x.dtype)


@of("attention_rnn.bahdanau_step")
def tall_matrix_for_gates(y, s, h, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h):
    """Right: baddbmm-free: scores by einsum over the hidden layer, [y, c, 1] times one tall matrix for all gates."""
    hidden = (torch.matmul(h, U_a) + torch.matmul(s, W_a).unsqueeze(-2)).tanh()
    e = torch.einsum("...ma,a->...m", hidden, v_a)
    alpha = torch.softmax(wide(e), -1).to(e.dtype)
    c = torch.einsum("...m,...mk->...k", alpha, h)
    W = torch.cat(
        [torch.cat(rows) for rows in ((W_xr, C_r, b_r[None]), (W_xz, C_z, b_z[None]), (W_xh, C_h, b_h[None]))], 1
    )
    a_r, a_z, a_h = (with_ones(torch.cat([y, c], -1)) @ W).chunk(3, -1)
    r, z = (a_r + s @ W_hr).sigmoid(), (a_z + s @ W_hz).sigmoid()
    return torch.lerp(s, torch.tanh(a_h + (r * s) @ W_hh), z), c, alpha


SCRATCH: dict[tuple[object, ...], Tensor] = {}
"""Buffers by name, shape and dtype; what is returned is never one of them."""


def scratch(name, shape, like):
    key = (name, tuple(shape), like.dtype, like.device)
    if key not in SCRATCH:
        SCRATCH[key] = torch.empty(shape, dtype=like.dtype, device=like.device)
    return SCRATCH[key]


@of("backward.scaled_dot_product")
def slopes_in_scratch(d_o, q, k, v):
    """Right: weights and their slopes in buffers that are kept by shape, torch.mul and torch.matmul with out=."""
    a, b, c, g = wide(q), wide(k), wide(v), wide(d_o)
    scale = q.shape[-1] ** -0.5
    shape = (*q.shape[:-1], k.shape[-2])
    p, d_p = scratch("p", shape, a), scratch("d_p", shape, a)
    torch.matmul(a * scale, b.mT, out=p)
    p.sub_(p.amax(-1, keepdim=True)).exp_()
    p.div_(p.sum(-1, keepdim=True))
    torch.matmul(g, c.mT, out=d_p)
    d_v = p.mT @ g
    delta = torch.linalg.vecdot(g, p @ c).unsqueeze(-1)
    torch.mul(d_p.sub_(delta), p, out=d_p)
    d_q, d_k = d_p @ b * scale, d_p.mT @ a * scale
    return d_q.to(q.dtype), d_k.to(k.dtype), d_v.to(v.dtype)


@of("backward.layer_norm")
def by_projection(d_y, x, gamma, beta, *, eps):
    """Right: the slope is projected off two directions, ones and x̂, one after the other, in float32 at least."""
    a, g = wide(x), wide(d_y)
    s = torch.sqrt(a.var(-1, correction=0, keepdim=True) + eps)
    x_hat = (a - a.mean(-1, keepdim=True)) / s
    d = g * wide(gamma)
    d = d - x_hat * torch.linalg.vecdot(d, x_hat).unsqueeze(-1) / x.shape[-1]
    d = d - d.mean(-1, keepdim=True)
    return (d / s).to(x.dtype), (g * x_hat).to(x.dtype), d_y.clone()


@of("backward.softmax")
def by_forward_mode(d_alpha, e):
    """Right: the Jacobian of softmax is symmetric: torch.func.jvp along the incoming gradient is the gradient."""
    return jvp(lambda a: torch.softmax(a, -1), (wide(e).contiguous(),), (wide(d_alpha).contiguous(),))[1].to(e.dtype)


@one("backward.simple_rnn")
def pulled_back(d_h, x, h_0, W_xh, W_hh, b_h):
    """Right: torch.func.vjp of a loop over rows, in float32 at least."""

    def run(x, h, W, U, b):
        rows = []
        for row in x.unbind(0):
            h = torch.tanh(row @ W + h @ U + b)
            rows.append(h)
        return torch.stack(rows) if rows else x.new_zeros(0, len(h))

    args = [wide(a) for a in (x, h_0, W_xh, W_hh, b_h)]
    return tuple(a.to(x.dtype) for a in vjp(run, *args)[1](wide(d_h)))


@one("backward.linear")
def outer_products_added(d_y, x, W, b):
    """Right: the matrix gathers outer products block by block of rows with addmm_, in float32 at least."""
    d_W, d_b = torch.zeros_like(wide(W)), torch.zeros_like(wide(b))
    for rows, slopes in zip(wide(x).split(32), wide(d_y).split(32), strict=True):
        d_W.addmm_(rows.t(), slopes)
        d_b.add_(slopes.sum(0))
    return F.linear(wide(d_y), wide(W)).to(x.dtype), d_W.to(W.dtype), d_b.to(b.dtype)


@one("backward.embedding")
def put_by_index(d_x, k, P):
    """Right: index_put_ with accumulate into a table with one row more for what is missing, in float32 at least."""
    table = torch.zeros(P.shape[0] + 1, P.shape[1], dtype=wide(d_x).dtype)
    table.index_put_((k.long(),), wide(d_x), accumulate=True)
    return table[:-1].to(P.dtype)
