"""Faults of public bug reports, written again from their threads, before any verdict."""

import math
from functools import partial

import torch
import torch.nn.functional as F

from attnspec import implements

imp = partial(implements, framework="torch")


def rows(y):
    return y.reshape(-1, y.shape[-1])


@imp("attention.scaled_dot_product")
def tail_counts(q, k, v):
    """Wrong: keys are read up to a full block of 64; what lies behind the last one is 0 and takes its share in softmax.

    https://github.com/flashinfer-ai/flashinfer/pull/5090
    """
    pad = -k.shape[-2] % 64
    k, v = F.pad(k, (0, 0, 0, pad)), F.pad(v, (0, 0, 0, pad))
    return torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) @ v


@imp("attention.scaled_dot_product")
def length_of_q(q, k, v):
    """Wrong: the number of queries is taken for that of the keys too.

    https://github.com/thu-ml/SageAttention/issues/26
    """
    n = q.shape[-2]
    return (
        torch.softmax(q @ k[..., :n, :].mT / math.sqrt(q.shape[-1]), -1) @ v[..., :n, :]
        if n
        else q.new_zeros((*q.shape[:-1], v.shape[-1]))
    )


@imp("recurrent.gru")
def from_first(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: every step starts from the first state.

    https://github.com/tracel-ai/burn/issues/2701
    """
    h = h_0.unsqueeze(-2).expand(*x.shape[:-1], h_0.shape[-1])
    r = torch.sigmoid(x @ W_xr + h @ W_hr + b_r)
    z = torch.sigmoid(x @ W_xz + h @ W_hz + b_z)
    n = torch.tanh(x @ W_xh + (r * h) @ W_hh + b_h)
    return z * h + (1 - z) * n


def lstm(x, h, c, i, f, g, o):
    c = f * c + i * g
    return o * torch.tanh(c), c


@imp("recurrent.lstm_cell")
def gates_exchanged(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: input and forget gate are exchanged.

    https://github.com/NX-AI/xlstm/issues/98
    """
    i = torch.sigmoid(x @ W_xi + h @ W_hi + b_i)
    f = torch.sigmoid(x @ W_xf + h @ W_hf + b_f)
    g = torch.tanh(x @ W_xg + h @ W_hg + b_g)
    o = torch.sigmoid(x @ W_xo + h @ W_ho + b_o)
    return lstm(x, h, c, f, i, g, o)


@imp("recurrent.lstm_cell")
def forget_bias(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: TensorFlow's forget_bias of 1 is added, which is in the weights already.

    https://github.com/apple/coremltools/issues/309
    """
    i = torch.sigmoid(x @ W_xi + h @ W_hi + b_i)
    f = torch.sigmoid(x @ W_xf + h @ W_hf + b_f + 1.0)
    g = torch.tanh(x @ W_xg + h @ W_hg + b_g)
    o = torch.sigmoid(x @ W_xo + h @ W_ho + b_o)
    return lstm(x, h, c, i, f, g, o)


@imp("recurrent.lstm_cell")
def bias_pasted(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: the bias of the output gate stands in the input and in the forget gate too.

    https://github.com/ddbourgin/numpy-ml/issues/42
    """
    i = torch.sigmoid(x @ W_xi + h @ W_hi + b_o)
    f = torch.sigmoid(x @ W_xf + h @ W_hf + b_o)
    g = torch.tanh(x @ W_xg + h @ W_hg + b_g)
    o = torch.sigmoid(x @ W_xo + h @ W_ho + b_o)
    return lstm(x, h, c, i, f, g, o)


@imp("backward.lstm_gates")
def cache_order(d_h_next, d_c_next, c, i, f, g, o, c_next, W_hi, W_hf, W_hg, W_ho):
    """Wrong: the gates that the forward pass kept as f, i are read as i, f.

    https://github.com/ooples/AiDotNet.Tensors/pull/907
    """
    i, f = f, i
    y = torch.tanh(c_next)
    d = d_c_next + d_h_next * o * (1 - y * y)
    di, df, dg, do = d * g * i * (1 - i), d * c * f * (1 - f), d * i * (1 - g * g), d_h_next * y * o * (1 - o)
    return di @ W_hi.mT + df @ W_hf.mT + dg @ W_hg.mT + do @ W_ho.mT, d * f, di, df, dg, do


@imp("attention.causal")
def no_causal(q, k, v):
    """Wrong: the causal mask is left out where no other mask is given.

    https://github.com/facebookresearch/xformers/issues/103
    """
    return torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) @ v


@imp("attention.masked")
def multiplied(q, k, v, mask):
    """Wrong: scores are multiplied by the mask, so that what is hidden has a score of 0.

    https://github.com/georg-wolflein/good-features/pull/1
    """
    e = q @ k.mT / math.sqrt(q.shape[-1]) * mask
    return torch.softmax(e, -1) @ v


@imp("attention.padded")
def hides_rows(q, k, v, mask):
    """Wrong: the mask of the keys is broadcast along the wrong axis, and hides rows of queries.

    https://github.com/lsdefine/attention-is-all-you-need-keras/issues/16
    """
    e = q @ k.mT / math.sqrt(q.shape[-1])
    n, m = e.shape[-2:]
    keep = mask[..., :n] if n <= m else F.pad(mask, (0, n - m), value=True)
    return torch.softmax(e.masked_fill(~keep.unsqueeze(-1), -1e10), -1) @ v


@imp("attention.masked")
def mask_after(q, k, v, mask):
    """Wrong: the mask is applied after softmax.

    https://github.com/huggingface/pytorch-image-models/pull/2236
    """
    a = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1)
    return a.masked_fill(~mask, 0) @ v


@imp("backward.softmax")
def diagonal(d_alpha, e):
    """Wrong: only the diagonal of the Jacobian, p (1 - p).

    https://github.com/deeplearning4j/libnd4j/issues/440
    """
    a = torch.softmax(e, -1)
    return d_alpha * a * (1 - a)


@imp("backward.softmax")
def copied(d_alpha, e):
    """Wrong: the incoming gradient is handed on as it is.

    https://github.com/pjreddie/darknet/pull/96
    """
    return d_alpha.clone()


@imp("backward.softmax")
def outer_missing(d_alpha, e):
    """Wrong: what is left after the mean is taken off is not multiplied by p.

    https://github.com/ROCm/MIOpen/issues/112
    """
    a = torch.softmax(e, -1)
    return d_alpha - (a * d_alpha).sum(-1, keepdim=True)


@imp("backward.cross_entropy")
def delta_added(d_loss, logits, target):
    """Wrong: the one of the target is added, not taken off.

    https://github.com/mlpack/mlpack/issues/2360
    """
    p = torch.softmax(logits, -1)
    y = F.one_hot(target, logits.shape[-1]).to(logits.dtype)
    return d_loss.unsqueeze(-1) * (p + y)


@imp("seq2seq.sequence_loss")
def padding_counts(logits, target, valid):
    """Wrong: the mask is the wrong way round, the mean is over the padding.

    https://github.com/awslabs/sockeye/issues/200
    """
    l = F.cross_entropy(logits.movedim(-1, 1) if logits.ndim > 2 else logits, target, reduction="none")
    return (l * ~valid).sum(-1) / (~valid).sum(-1)


@imp("position.sinusoidal")
def twice_doubled(*, t, d):
    """Wrong: the exponent of an even column j is 2j/d, twice what it is.

    https://github.com/BrianPulfer/PapersReimplementations/issues/9
    """
    w = torch.tensor([1 / 10_000 ** (2 * j / d) for j in range(d)], dtype=torch.float64)
    pos = torch.arange(t).reshape(t, 1)
    e = torch.zeros(t, d, dtype=torch.float64)
    e[:, ::2] = torch.sin(pos * w[::2])
    e[:, 1::2] = torch.cos(pos * w[::2])[:, : d // 2]
    return e.float()


@imp("position.sinusoidal")
def every_column(*, t, d):
    """Wrong: each column has a frequency of its own, 2j/d, also the cosines.

    https://github.com/Kyubyong/transformer/issues/38
    """
    pos = torch.arange(t, dtype=torch.float64).reshape(t, 1)
    angle = pos / 10_000 ** (2 * torch.arange(d, dtype=torch.float64) / d)
    return torch.where(torch.arange(d) % 2 == 0, torch.sin(angle), torch.cos(angle)).float()


@imp("optimizer.adam")
def beta_decays(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Wrong: β₁ to the power of the step updates the mean, as the bias correction has it.

    https://github.com/mila-iqia/blocks/pull/1144
    """
    b = beta_1**step
    m = b * m + (1 - b) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    return theta - lr * (m / (1 - beta_1**step)) / (torch.sqrt(v / (1 - beta_2**step)) + eps), m, v


@imp("optimizer.adamw")
def decay_corrected(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Wrong: the rate is corrected for the bias, and the decay with it; eps is not.

    https://github.com/Oneflow-Inc/oneflow/pull/5960
    """
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    rate = lr * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    return theta - rate * (m / (torch.sqrt(v) + eps) + decay * theta), m, v


@imp("optimizer.adam")
def without_step(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Wrong: the bias correction has no exponent, 1 - β for 1 - β^step.

    https://github.com/eriklindernoren/ML-From-Scratch/issues/35
    """
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    return theta - lr * (m / (1 - beta_1)) / (torch.sqrt(v / (1 - beta_2)) + eps), m, v


@imp("optimizer.adam")
def correction_multiplied(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Wrong: the moments are multiplied by the bias corrections, not divided.

    https://github.com/karpathy/convnetjs/pull/107
    """
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    return theta - lr * (m * (1 - beta_1**step)) / (torch.sqrt(v * (1 - beta_2**step)) + eps), m, v


@imp("transformer.layer_norm")
def eps_outside(x, gamma, beta, *, eps):
    """Wrong: eps is added to the root, not under it.

    https://github.com/tracel-ai/burn/issues/2185
    """
    c = x - x.mean(-1, keepdim=True)
    return gamma * c / (torch.sqrt((c * c).mean(-1, keepdim=True)) + eps) + beta


@imp("transformer.layer_norm")
def eps_ignored(x, gamma, beta, *, eps):
    """Wrong: eps is always 0.

    https://github.com/VeriSilicon/TIM-VX/pull/589
    """
    c = x - x.mean(-1, keepdim=True)
    return gamma * c / torch.sqrt((c * c).mean(-1, keepdim=True)) + beta


@imp("transformer.layer_norm")
def eps_default(x, gamma, beta, *, eps):
    """Wrong: eps is always the kernel's own, 1e-3.

    https://github.com/tensorflow/tensorflow/pull/58863
    """
    c = x - x.mean(-1, keepdim=True)
    return gamma * c / torch.sqrt((c * c).mean(-1, keepdim=True) + 1e-3) + beta


@imp("transformer.layer_norm")
def two_axes(x, gamma, beta, *, eps):
    """Wrong: normalised over the last two axes.

    https://github.com/reczoo/FuxiCTR/issues/23
    """
    axes = (-2, -1) if x.ndim > 1 else (-1,)
    c = x - x.mean(axes, keepdim=True)
    return gamma * c / torch.sqrt((c * c).mean(axes, keepdim=True) + eps) + beta


def split(x, W, heads):
    y = x @ W
    return y.reshape(*y.shape[:-1], heads, -1).transpose(-2, -3)


@imp("multihead.attention")
def scaled_by_width(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: scores are divided by the root of the width of the model, not of a head.

    https://github.com/omihub777/ViT-CIFAR/pull/11
    """
    q, k, v = split(x_q, W_q, heads), split(x_kv, W_k, heads), split(x_kv, W_v, heads)
    c = torch.softmax(q @ k.mT * W_q.shape[1] ** -0.5, -1) @ v
    return c.transpose(-2, -3).flatten(-2) @ W_o


@imp("multihead.attention")
def same_projection(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: all heads share one projection.

    https://github.com/MarcoMeter/episodic-transformer-memory-ppo/pull/22
    """
    d = W_q.shape[1] // heads
    q, k, v = (torch.cat([x @ W[:, :d]] * heads, -1) for x, W in ((x_q, W_q), (x_kv, W_k), (x_kv, W_v)))
    q, k, v = (y.reshape(*y.shape[:-1], heads, d).transpose(-2, -3) for y in (q, k, v))
    c = torch.softmax(q @ k.mT * d**-0.5, -1) @ v
    return c.transpose(-2, -3).flatten(-2) @ W_o


@imp("multihead.attention")
def scaled_after(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Wrong: the weights are divided by the root after softmax, not the scores before.

    https://github.com/FrancescoSaverioZuppichini/ViT/issues/1
    """
    q, k, v = split(x_q, W_q, heads), split(x_kv, W_k, heads), split(x_kv, W_v, heads)
    c = torch.softmax(q @ k.mT, -1) / q.shape[-1] ** 0.5 @ v
    return c.transpose(-2, -3).flatten(-2) @ W_o


@imp("recurrent.bidirectional_gru_lengths")
def last_of_outputs(
    x,
    length,
    W_xr_f,
    W_hr_f,
    b_r_f,
    W_xz_f,
    W_hz_f,
    b_z_f,
    W_xh_f,
    W_hh_f,
    b_h_f,
    W_xr_b,
    W_hr_b,
    b_r_b,
    W_xz_b,
    W_hz_b,
    b_z_b,
    W_xh_b,
    W_hh_b,
    b_h_b,
):
    """Wrong: the last place is read for both directions; the backward one ends at the first.

    https://github.com/yalesong/pvse/issues/13
    """

    def cell(x, h, a, b, c, d, e, f, g, i, j):
        r = torch.sigmoid(x @ a + h @ b + c)
        z = torch.sigmoid(x @ d + h @ e + f)
        return z * h + (1 - z) * torch.tanh(x @ g + (r * h) @ i + j)

    lead, T = x.shape[:-2], x.shape[-2]
    zero = torch.zeros(*lead, b_h_f.shape[-1], dtype=x.dtype)
    live = (torch.arange(T) < length.unsqueeze(-1)).unsqueeze(-1)
    h, fs = zero, []
    for t in range(T):
        h = torch.where(
            live[..., t, :],
            cell(x[..., t, :], h, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f),
            h,
        )
        fs.append(h)
    last, h, bs = h, zero, []
    for t in reversed(range(T)):
        h = torch.where(
            live[..., t, :],
            cell(x[..., t, :], h, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b),
            h,
        )
        bs.append(h)
    if not T:
        return torch.zeros(*lead, 0, 2 * zero.shape[-1], dtype=x.dtype), torch.cat([last, h], -1)
    y = torch.cat([torch.stack(fs, -2), torch.stack(bs[::-1], -2)], -1) * live
    at = (length - 1).clamp(min=0).reshape(*lead, 1, 1).expand(*lead, 1, y.shape[-1])
    return y, y.gather(-2, at).squeeze(-2) * (length > 0).unsqueeze(-1)


@imp("backward.simple_rnn")
def not_handed_on(d_h, x, h_0, W_xh, W_hh, b_h):
    """Wrong: the gradient of a state is not handed to the step before.

    https://github.com/qixianbiao/RNN/issues/2
    """
    hs, h = [], h_0
    for t in range(x.shape[-2]):
        h = torch.tanh(x[..., t, :] @ W_xh + h @ W_hh + b_h)
        hs.append(h)
    if not hs:
        z = torch.zeros_like
        return z(x), z(h_0), z(W_xh), z(W_hh), z(b_h)
    h = torch.stack(hs, -2)
    before = torch.cat([h_0.unsqueeze(-2), h[..., :-1, :]], -2)
    a = d_h * (1 - h * h)
    return a @ W_xh.mT, a[..., 0, :] @ W_hh.mT, rows(x).mT @ rows(a), rows(before).mT @ rows(a), rows(a).sum(0)


@imp("attention.learned_query")
def softmax_of_queries(x, q):
    """Wrong: softmax over the wrong axis, the queries.

    https://github.com/pandeykartikey/Hierarchical-Attention-Network/issues/5
    """
    return torch.softmax(q @ x.mT, -2) @ x


@imp("scores.additive")
def tanh_of_query_only(s, h, W, U, v_a):
    """Wrong: tanh of the query side alone.

    https://github.com/farizrahman4u/seq2seq/issues/158
    """
    return (torch.tanh(s @ W).unsqueeze(-2) + (h @ U).unsqueeze(-3)) @ v_a


@imp("recurrent.gru_cell")
def state_reset_kept(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the state that the reset gate has acted on is also the one that z keeps.

    https://github.com/mquad/hgru4rec/issues/11
    """
    r = torch.sigmoid(x @ W_xr + h @ W_hr + b_r)
    z = torch.sigmoid(x @ W_xz + h @ W_hz + b_z)
    h = r * h
    return z * h + (1 - z) * torch.tanh(x @ W_xh + h @ W_hh + b_h)
