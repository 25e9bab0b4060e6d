"""Equations of which no other candidate here is: counts, encoders, decoders, layers, each right or with one fault."""

import math
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

from attnspec import implements

one = partial(implements, framework="numpy", batch=(0,))
one_torch = partial(implements, framework="torch", batch=(0,))
imp = partial(implements, framework="torch")


def sigmoid(x):
    return 1 / (1 + np.exp(-np.clip(x, -80, 80)))


def softmax(e):
    p = np.exp(e - e.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True)


# Counts.


@one("cost.lstm_parameters")
def lstm_four_gates(*, d, u):
    """Right: four gates of an input matrix, a recurrent one and a bias, as they are added up in a loop."""
    total = 0
    for _ in "ifgo":
        total += d * u + u * u + u
    return np.int64(total)


@one("cost.lstm_parameters")
def lstm_without_bias(*, d, u):
    """Wrong: the biases are not counted."""
    return np.int64(4 * u * (u + d))


@one("cost.stacked_lstm_parameters")
def stack_of_equal_layers(*, d, u, layers):
    """Wrong: every layer reads as much as the first, the input, and not the states below."""
    return np.int64(layers * 4 * (u * (u + d) + u))


@one("cost.decoder_layer_parameters")
def decoder_by_shapes(*, c, d, f, heads):
    """Right: the sizes of all arrays of a layer are added."""
    h = heads * d
    shapes = 2 * [(c, h), (c, h), (c, h), (h, c)] + [(c, f), (f,), (f, c), (c,)] + 6 * [(c,)]
    return np.int64(sum(math.prod(s) for s in shapes))


@one("cost.decoder_layer_parameters")
def decoder_of_one_attention(*, c, d, f, heads):
    """Wrong: one attention and two norms, as in an encoder."""
    return np.int64(4 * c * heads * d + c * f + f + f * c + c + 4 * c)


@one("cost.gru_operations")
def gru_multiplications(*, t, d, u):
    """Wrong: only multiplications are counted, not additions as well."""
    return np.int64(3 * t * u * (u + d))


@one("cost.attention_memory_blocked")
def blocked_one_statistic(*, n, block):
    """Wrong: one number is kept for each query and not two."""
    return np.int64(n * block + n)


# Texts.


@one("text.align_pad_behind")
def padded_behind(k, *, w, null):
    """Right: the last w tokens, padded behind by numpy.pad."""
    kept = k[-w:] if w else k[:0]
    return np.pad(kept, (0, w - len(kept)), constant_values=null)


@one("text.align_pad_behind")
def first_tokens_kept(k, *, w, null):
    """Wrong: of a longer text the first w tokens are kept."""
    kept = k[:w]
    return np.pad(kept, (0, w - len(kept)), constant_values=null)


@one("text.record")
def record_concatenated(age, sex, country, *, v):
    """Right: the age, the sex and a row of the identity."""
    row = np.zeros(v, age.dtype)
    if 0 <= country < v:
        row[country] = 1
    return np.concatenate([np.array([age, sex], age.dtype), row])


@one("text.record")
def record_sex_first(age, sex, country, *, v):
    """Wrong: the sex stands before the age."""
    row = np.zeros(v, age.dtype)
    if 0 <= country < v:
        row[country] = 1
    return np.concatenate([np.array([sex, age], age.dtype), row])


# Encoders and contexts.


@imp("seq2seq.context_learned_query")
def pooled_by_einsum(h, w):
    """Right: by einsum, with a weight for each state."""
    a = torch.softmax(torch.einsum("...mu,...u->...m", h, w), -1)
    return torch.einsum("...m,...mu->...u", a, h)


@imp("seq2seq.context_learned_query")
def pooled_scaled(h, w):
    """Wrong: scores are divided by the root of the width."""
    a = torch.softmax(torch.einsum("...mu,...u->...m", h, w) / math.sqrt(h.shape[-1]), -1)
    return torch.einsum("...m,...mu->...u", a, h)


def gru(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    states = []
    for row in x:
        r = torch.sigmoid(row @ W_xr + h @ W_hr + b_r)
        z = torch.sigmoid(row @ W_xz + h @ W_hz + b_z)
        new = torch.tanh(row @ W_xh + (r * h) @ W_hh + b_h)
        h = z * h + (1 - z) * new
        states.append(h)
    return torch.stack(states) if states else x.new_zeros((0, h.shape[-1]))


def both_ways(x, weights):
    names = ["W_xr", "W_hr", "b_r", "W_xz", "W_hz", "b_z", "W_xh", "W_hh", "b_h"]
    zero = x.new_zeros(weights["b_r_f"].shape)
    f = gru(x, zero, *(weights[f"{n}_f"] for n in names))
    b = gru(x.flip(0), zero, *(weights[f"{n}_b"] for n in names)).flip(0)
    return f, b


@one_torch("seq2seq.encode_bidirectional")
def read_both_ways(
    x, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f,
    W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b,
):  # fmt: skip
    """Right: a loop in either direction, and what each ends with."""
    f, b = both_ways(x, locals())
    return torch.cat([f, b], -1), torch.cat([f[-1], b[0]], -1)


@one_torch("seq2seq.encode_bidirectional")
def feature_of_last_place(
    x, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f,
    W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b,
):  # fmt: skip
    """Wrong: the feature is the last row of both, where the backward half has read one token."""
    f, b = both_ways(x, locals())
    return torch.cat([f, b], -1), torch.cat([f[-1], b[-1]], -1)


@one("seq2seq.distillation")
def crossed_where_positive(p_teacher, p_student):
    """Right: only where the teacher gives anything."""
    kept = p_teacher > 0
    return -(p_teacher[kept] * np.log(p_student[kept])).sum()


@one("seq2seq.distillation")
def divergence(p_teacher, p_student):
    """Wrong: the divergence, with the teacher's own entropy taken off."""
    kept = p_teacher > 0
    return (p_teacher[kept] * (np.log(p_teacher[kept]) - np.log(p_student[kept]))).sum()


# Recurrences with lengths.


@one("recurrent.simple_rnn_lengths_repeats")
def repeats_last_row(x, length, h_0, W_xh, W_hh, b_h):
    """Right: only the rows that count are read, the others repeat the last output."""
    t, count = len(x), int(min(max(length, 0), len(x)))
    y = np.zeros((t, h_0.shape[0]), x.dtype)
    h = h_0
    for i in range(count):
        h = np.tanh(x[i] @ W_xh + h @ W_hh + b_h)
        y[i] = h
    if count:
        y[count:] = h
    return y, h


@one("recurrent.simple_rnn_lengths_repeats")
def zeros_behind(x, length, h_0, W_xh, W_hh, b_h):
    """Wrong: the padding is 0 and does not repeat."""
    t, count = len(x), int(min(max(length, 0), len(x)))
    y = np.zeros((t, h_0.shape[0]), x.dtype)
    h = h_0
    for i in range(count):
        h = np.tanh(x[i] @ W_xh + h @ W_hh + b_h)
        y[i] = h
    return y, h


@one("recurrent.simple_rnn_lengths_repeats")
def start_repeated(x, length, h_0, W_xh, W_hh, b_h):
    """Wrong: a sequence of length 0 repeats its first state, where outputs are 0."""
    t, count = len(x), int(min(max(length, 0), len(x)))
    y = np.zeros((t, h_0.shape[0]), x.dtype)
    h = h_0
    for i in range(count):
        h = np.tanh(x[i] @ W_xh + h @ W_hh + b_h)
        y[i] = h
    y[count:] = h
    return y, h


# Decoders.


@one("attention_rnn.self_attentive_context")
def reads_itself(h, W_q, W_k):
    """Right: a loop over steps, each with the states up to it."""
    return np.stack([softmax(h[: t + 1] @ W_k @ (h[t] @ W_q)) @ h[: t + 1] for t in range(len(h))]) if len(h) else h * 1


@one("attention_rnn.self_attentive_context")
def not_itself(h, W_q, W_k):
    """Wrong: a state does not attend to itself, except the first."""
    rows = [softmax(h[: max(t, 1)] @ W_k @ (h[t] @ W_q)) @ h[: max(t, 1)] for t in range(len(h))]
    return np.stack(rows) if len(h) else h * 1


@one("attention_rnn.next_layer_step")
def asks_with_old_state(y, s_1, s_2, h, W_xh_1, W_hh_1, b_h_1, W_q, W_k, W_xh_2, W_hh_2, b_h_2):
    """Wrong: the query is the lower layer's state before the step."""
    s = np.tanh(y @ W_xh_1 + s_1 @ W_hh_1 + b_h_1)
    a = softmax(h @ W_k @ (s_1 @ W_q)) @ h
    return s, np.tanh(np.concatenate([s, a]) @ W_xh_2 + s_2 @ W_hh_2 + b_h_2)


@one("attention_rnn.next_layer_step")
def matrices_in_parts(y, s_1, s_2, h, W_xh_1, W_hh_1, b_h_1, W_q, W_k, W_xh_2, W_hh_2, b_h_2):
    """Right: the upper layer's matrix is split in that of the state and that of the context."""
    u = s_1.shape[0]
    s = np.tanh(y @ W_xh_1 + s_1 @ W_hh_1 + b_h_1)
    a = softmax(h @ W_k @ (s @ W_q)) @ h
    return s, np.tanh(s @ W_xh_2[:u] + a @ W_xh_2[u:] + s_2 @ W_hh_2 + b_h_2)


def cho_step(token, s, c, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b):
    y = E[token]
    r = sigmoid(y @ W_xr + s @ W_hr + c @ C_r + b_r)
    z = sigmoid(y @ W_xz + s @ W_hz + c @ C_z + b_z)
    new = np.tanh(y @ W_xh + r * (s @ W_hh + c @ C_h) + b_h)
    s = z * s + (1 - z) * new
    return s, int(np.argmax(s @ W_o + y @ E_o + c @ C_o + b))


@one("seq2seq.greedy_decode")
def greedy_until_stop(
    c, s_0, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b, *, start, stop, limit
):
    """Right: it ends at stop and fills the rest."""
    rest = (E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b)
    out, s, token = [], s_0, int(start)
    while len(out) < limit:
        s, token = cho_step(token, s, c, *rest)
        out.append(token)
        if token == stop:
            break
    return np.array(out + [int(stop)] * (int(limit) - len(out)), np.int64)


@one("seq2seq.greedy_decode")
def goes_on_after_stop(
    c, s_0, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b, *, start, stop, limit
):
    """Wrong: tokens behind stop are returned as they come."""
    rest = (E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b)
    out, s, token = [], s_0, int(start)
    for _ in range(int(limit)):
        s, token = cho_step(token, s, c, *rest)
        out.append(token)
    return np.array(out, np.int64)


# Attention and layers.


@imp("self_attention.relu")
def clamped_weights(x, W_q, W_k, W_v):
    """Right: clamped scores are the weights."""
    return (x @ W_q @ (x @ W_k).mT).clamp(min=0) @ (x @ W_v)


@imp("self_attention.relu")
def normalised_weights(x, W_q, W_k, W_v):
    """Wrong: the weights of a row are divided by their sum where it is not 0."""
    a = (x @ W_q @ (x @ W_k).mT).clamp(min=0)
    total = a.sum(-1, keepdim=True)
    return a / torch.where(total > 0, total, 1) @ (x @ W_v)


@imp("attention.masked_empty_is_nan")
def torch_masked(q, k, v, mask):
    """Right: a masked softmax as PyTorch's own, NaN where a row has nothing."""
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, -math.inf)
    return torch.softmax(e, -1) @ v


@imp("attention.masked_empty_is_nan")
def nan_made_zero(q, k, v, mask):
    """Wrong: rows without a key are 0."""
    e = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, -math.inf)
    return torch.softmax(e, -1).nan_to_num(0) @ v


@one("position.sinusoidal_tensor2tensor")
def timing_signal(*, t, d):
    """Right: timescales as powers of e, the halves joined and padded."""
    h = d // 2
    step = math.log(10000) / max(h - 1, 1)
    angle = np.arange(t)[:, None] * np.exp(-step * np.arange(h))[None]
    return np.pad(np.concatenate([np.sin(angle), np.cos(angle)], 1), ((0, 0), (0, d % 2)))


@one("position.sinusoidal_tensor2tensor")
def timing_over_half(*, t, d):
    """Wrong: exponents are divided by the number of sines, and not by one less."""
    h = d // 2
    angle = np.arange(t)[:, None] * np.exp(-math.log(10000) / max(h, 1) * np.arange(h))[None]
    return np.pad(np.concatenate([np.sin(angle), np.cos(angle)], 1), ((0, 0), (0, d % 2)))


def heads_of(x, W, b, heads):
    y = x @ W + b
    return y.unflatten(-1, (heads, y.shape[-1] // heads)).transpose(-2, -3)


def bert_layer(
    x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, mask,
    heads, eps, gelu,
):  # fmt: skip
    q, k, v = (heads_of(x, W, b, heads) for W, b in ((W_q, b_q), (W_k, b_k), (W_v, b_v)))
    e = q @ k.mT / math.sqrt(q.shape[-1])
    e = e.masked_fill(~mask[..., None, None, :], -math.inf)
    a = torch.softmax(e, -1).nan_to_num(0) @ v
    x = F.layer_norm(x + a.transpose(-2, -3).flatten(-2) @ W_o + b_o, x.shape[-1:], gamma_1, beta_1, eps)
    return F.layer_norm(x + gelu(x @ W_1 + b_1) @ W_2 + b_2, x.shape[-1:], gamma_2, beta_2, eps)


@one_torch("transformer.encoder_layer_biased_gelu_tanh")
def bert_tanh(
    x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, mask, *, heads, eps
):
    """Right: a layer of BERT, gelu by tanh as PyTorch has it."""
    gelu = partial(F.gelu, approximate="tanh")
    return bert_layer(
        x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, mask,
        int(heads), eps, gelu,
    )  # fmt: skip


@one_torch("transformer.encoder_layer_biased_gelu_tanh")
def bert_erf(
    x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, mask, *, heads, eps
):
    """Wrong: gelu is exact, by the error function."""
    return bert_layer(
        x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, mask,
        int(heads), eps, F.gelu,
    )  # fmt: skip


@one_torch("transformer.encoder_layer_biased_gelu_tanh")
def bert_sigmoid(
    x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, mask, *, heads, eps
):
    """Wrong: gelu is x σ(1.702 x)."""
    return bert_layer(
        x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, gamma_1, beta_1, W_1, b_1, W_2, b_2, gamma_2, beta_2, mask,
        int(heads), eps, lambda y: y * torch.sigmoid(1.702 * y),
    )  # fmt: skip


@imp("recurrent.readout")
def addmm(h, W_hy, b_y):
    """Right: the library's linear layer with a transposed matrix."""
    return F.linear(h, W_hy.mT, b_y) if W_hy.ndim == 2 else h.unsqueeze(-2).matmul(W_hy).squeeze(-2) + b_y


# Gradients.


@one("backward.binary_cross_entropy")
def probability_less_target(d_loss, logit, target):
    """Right: the probability less the target."""
    return d_loss * (1 / (1 + np.exp(-np.clip(logit, -80, None))) - target.astype(logit.dtype))


@one("backward.binary_cross_entropy")
def target_less_probability(d_loss, logit, target):
    """Wrong: the sign is the other one."""
    return d_loss * (target.astype(logit.dtype) - 1 / (1 + np.exp(-np.clip(logit, -80, None))))


@imp("backward.scaled_dot")
def scale_forgotten_for_keys(d_e, q, k):
    """Wrong: the gradient of keys is not scaled."""
    return d_e @ k / math.sqrt(q.shape[-1]), d_e.mT @ q


@imp("backward.masked")
def hidden_pairs_in_keys(d_o, q, k, v, mask):
    """Wrong: the gradient of the values is summed over hidden pairs too, with the weights of an unmasked softmax."""
    e = q @ k.mT / math.sqrt(q.shape[-1])
    p = torch.softmax(e.masked_fill(~mask, -math.inf), -1).nan_to_num(0)
    d_p = d_o @ v.mT
    d_e = p * (d_p - (p * d_p).sum(-1, keepdim=True)) / math.sqrt(q.shape[-1])
    return d_e @ k, d_e.mT @ q, torch.softmax(e, -1).mT @ d_o


@imp("backward.masked")
def rows_by_weights(d_o, q, k, v, mask):
    """Right: row sums of p and its gradient, in place of d_o o."""
    e = q @ k.mT / math.sqrt(q.shape[-1])
    p = torch.softmax(e.masked_fill(~mask, -math.inf), -1).nan_to_num(0)
    d_p = d_o @ v.mT
    d_e = p * (d_p - (p * d_p).sum(-1, keepdim=True)) / math.sqrt(q.shape[-1])
    return d_e @ k, d_e.mT @ q, p.mT @ d_o
