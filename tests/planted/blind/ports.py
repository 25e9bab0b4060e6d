"""Faults of ports and of training code, in NumPy and PyTorch, before any verdict."""

import math
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

from attnspec import implements

imp = partial(implements, framework="torch")
np_imp = partial(implements, framework="numpy")


def σ(a):
    return 1 / (1 + np.exp(-a))


def hard(a):
    return np.clip(0.2 * a + 0.5, 0, 1).astype(a.dtype)


@np_imp("recurrent.lstm_cell")
def hard_gates(x, h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o):
    """Wrong: the gates have the hard sigmoid, 0.2 a + 0.5 cut to 0..1, as in old Keras."""
    i, f, o = hard(x @ W_xi + h @ W_hi + b_i), hard(x @ W_xf + h @ W_hf + b_f), hard(x @ W_xo + h @ W_ho + b_o)
    c = f * c + i * np.tanh(x @ W_xg + h @ W_hg + b_g)
    return o * np.tanh(c), c


@np_imp("recurrent.gru_cell")
def reset_reads_input_only(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the reset gate does not read the state."""
    r, z = σ(x @ W_xr + b_r), σ(x @ W_xz + h @ W_hz + b_z)
    return z * h + (1 - z) * np.tanh(x @ W_xh + (r * h) @ W_hh + b_h)


@np_imp("recurrent.gru_cell")
def biases_counted_twice(x, h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: the one bias is given for both b_ih and b_hh of the ported cell, and counts twice."""
    r, z = σ(x @ W_xr + h @ W_hr + 2 * b_r), σ(x @ W_xz + h @ W_hz + 2 * b_z)
    return z * h + (1 - z) * np.tanh(x @ W_xh + (r * h) @ W_hh + 2 * b_h)


@np_imp("recurrent.simple_rnn_lengths")
def results_stay_sorted(x, length, h_0, W_xh, W_hh, b_h):
    """Wrong: with one batch axis, examples are sorted by length and the results are not put back in order."""
    lead = x.shape[:-2]
    length = np.broadcast_to(length, lead)
    h = np.broadcast_to(h_0, (*lead, h_0.shape[-1]))
    if len(lead) == 1:
        order = np.argsort(-length, kind="stable")
        x, length, h = x[order], length[order], h[order]
    ys = np.zeros((*x.shape[:-1], h.shape[-1]), x.dtype)
    for t in range(x.shape[-2]):
        live = (t < length)[..., None]
        h = np.where(live, np.tanh(x[..., t, :] @ W_xh + h @ W_hh + b_h), h)
        ys[..., t, :] = np.where(live, h, 0)
    return ys, np.array(h)


@np_imp("recurrent.bidirectional_simple_rnn")
def turned_back_along_batch(x, W_xh_f, W_hh_f, b_h_f, W_xh_b, W_hh_b, b_h_b):
    """Wrong: the backward states are turned round along the first axis, which is the batch where there is one."""

    def run(x, W, U, b):
        h, hs = np.zeros((*x.shape[:-2], b.shape[-1]), x.dtype), []
        for t in range(x.shape[-2]):
            h = np.tanh(x[..., t, :] @ W + h @ U + b)
            hs.append(h)
        return np.stack(hs, -2) if hs else np.zeros((*x.shape[:-1], b.shape[-1]), x.dtype)

    back = run(x[..., ::-1, :], W_xh_b, W_hh_b, b_h_b)
    return np.concatenate([run(x, W_xh_f, W_hh_f, b_h_f), np.flip(back, 0)], -1)


STATE = {}


@np_imp("recurrent.simple_rnn")
def stateful(x, h_0, W_xh, W_hh, b_h):
    """Wrong: the last state of a call is where the next call of the same shape begins (stateful)."""
    h, hs = STATE.get(x.shape, h_0), []
    h = h if h.shape[-1] == h_0.shape[-1] else h_0
    for t in range(x.shape[-2]):
        h = np.tanh(x[..., t, :] @ W_xh + h @ W_hh + b_h)
        hs.append(h)
    STATE[x.shape] = h
    return np.stack(hs, -2) if hs else np.zeros((*x.shape[:-1], h_0.shape[-1]), x.dtype)


@np_imp("recurrent.gru")
def outputs_of_one_buffer(x, h_0, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h):
    """Wrong: z of the first step is used at every step, it is computed outside the loop."""
    h = np.broadcast_to(h_0, (*x.shape[:-2], h_0.shape[-1]))
    hs = np.zeros((*x.shape[:-1], h.shape[-1]), x.dtype)
    for t in range(x.shape[-2]):
        if not t:
            z = σ(x[..., t, :] @ W_xz + h @ W_hz + b_z)
        r = σ(x[..., t, :] @ W_xr + h @ W_hr + b_r)
        h = z * h + (1 - z) * np.tanh(x[..., t, :] @ W_xh + (r * h) @ W_hh + b_h)
        hs[..., t, :] = h
    return hs


@imp("seq2seq.cross_entropy")
def first_class_ignored(logits, target):
    """Wrong: class 0 is taken for padding, and its loss is 0 (ignore_index=0)."""
    loss = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), target.reshape(-1), ignore_index=0, reduction="none")
    return loss.reshape(target.shape)


@imp("seq2seq.sequence_loss")
def mean_over_batch(logits, target, valid):
    """Wrong: the mean is over the valid targets of the whole batch, not of each sequence."""
    log_p = torch.log_softmax(logits, -1)
    loss = -log_p.gather(-1, target.unsqueeze(-1)).squeeze(-1)
    return (torch.where(valid, loss, 0).sum() / valid.sum()).expand(target.shape[:-1]).clone()


@imp("seq2seq.sequence_loss")
def divided_by_steps(logits, target, valid):
    """Wrong: the sum over the valid targets is divided by the number of all steps."""
    log_p = torch.log_softmax(logits, -1)
    loss = -log_p.gather(-1, target.unsqueeze(-1)).squeeze(-1)
    return torch.where(valid, loss, 0).sum(-1) / target.shape[-1]


@imp("seq2seq.perplexity")
def mean_of_perplexities(logits, target, valid):
    """Wrong: the mean of exp of the losses, not exp of their mean."""
    loss = -torch.log_softmax(logits, -1).gather(-1, target.unsqueeze(-1)).squeeze(-1)
    return torch.where(valid, torch.exp(loss), 0).sum(-1) / valid.sum(-1)


@imp("seq2seq.distillation_logits")
def teacher_not_softened(logits_teacher, logits_student, *, tau):
    """Wrong: the teacher's logits are not divided by the temperature."""
    p = torch.softmax(logits_teacher, -1)
    return -(p * torch.log_softmax(logits_student / tau, -1)).sum(-1)


@imp("seq2seq.distillation_logits")
def divergence(logits_teacher, logits_student, *, tau):
    """Wrong: the Kullback-Leibler divergence, from which the teacher's entropy is missing."""
    log_p, log_q = torch.log_softmax(logits_teacher / tau, -1), torch.log_softmax(logits_student / tau, -1)
    return F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(-1)


@imp("seq2seq.distillation_logits")
def mean_over_classes(logits_teacher, logits_student, *, tau):
    """Wrong: the mean over the classes, not their sum.

    https://github.com/HikariTJU/LD/issues/74
    """
    return -(torch.softmax(logits_teacher / tau, -1) * torch.log_softmax(logits_student / tau, -1)).mean(-1)


@imp("seq2seq.distillation_logits")
def roles_exchanged(logits_teacher, logits_student, *, tau):
    """Wrong: the student's distribution weighs the teacher's logarithms."""
    return -(torch.softmax(logits_student / tau, -1) * torch.log_softmax(logits_teacher / tau, -1)).sum(-1)


@np_imp("seq2seq.cross_entropy_probs")
def clipped_probabilities(p, y):
    """Wrong: probabilities are clipped to 1e-7 .. 1 - 1e-7, as Keras does."""
    log_p = np.log(np.clip(p, np.float32(1e-7), np.float32(1 - 1e-7)))
    return -np.sum(np.where(y > 0, y * log_p, 0), -1)


@np_imp("text.binary_cross_entropy")
def logarithm_cut(logit, target):
    """Wrong: logarithms are cut off at -100, as PyTorch's loss on probabilities does."""
    a = np.asarray(logit, np.float64)
    log_p, log_not = -np.logaddexp(0, -a), -np.logaddexp(0, a)
    loss = -(target * np.maximum(log_p, -100) + (1 - target) * np.maximum(log_not, -100))
    return np.asarray(loss, logit.dtype)


@np_imp("text.embedding")
def minus_one_wraps(k, P):
    """Wrong: a missing token, -1, reads the last row.

    https://github.com/pytorch/pytorch/pull/151967
    """
    return P[k]


@np_imp("text.logistic_regression")
def flattened_by_features(X, w, b):
    """Wrong: the vectors are flattened feature by feature, not token by token."""
    return σ(np.swapaxes(X, -1, -2).reshape(*X.shape[:-2], -1) @ w + b)


@np_imp("text.window_labels")
def window_before_only(x, W, b, *, w):
    """Wrong: the window ends at the vector itself, 2 w before it and none behind it."""
    t = x.shape[-2]
    pad = np.concatenate([np.zeros((*x.shape[:-2], 2 * w, x.shape[-1]), x.dtype), x], -2)
    return np.concatenate([pad[..., j : j + t, :] for j in range(2 * w + 1)], -1) @ W + b


@np_imp("position.learned")
def positions_from_one(a, P):
    """Wrong: positions are counted from 1, as RoBERTa's are; the last row stands in behind the end."""
    return a + P[np.minimum(np.arange(a.shape[-2]) + 1, P.shape[-2] - 1)]


@imp("position.sinusoidal")
def positions_in_bfloat16(*, t, d):
    """Wrong: positions are held in bfloat16, in which numbers beyond 256 are not all there."""
    pos = torch.arange(t).to(torch.bfloat16).double().unsqueeze(-1)
    j = torch.arange(d)
    angle = pos / 10000 ** (2 * (j // 2) / d).double()
    return torch.where(j % 2 == 0, torch.sin(angle), torch.cos(angle)).float()


@imp("position.sinusoidal")
def cosine_first(*, t, d):
    """Wrong: the cosine comes first in each pair."""
    j = torch.arange(d)
    angle = torch.arange(t).double().unsqueeze(-1) / 10000 ** (2 * (j // 2) / d).double()
    return torch.where(j % 2 == 1, torch.sin(angle), torch.cos(angle)).float()


def moments(g, m, v, beta_1, beta_2):
    return beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g


@imp("optimizer.adamw")
def decay_of_new(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Wrong: the decay is of the parameters after the step, not before it.

    https://github.com/huggingface/transformers/issues/14539
    """
    m, v = moments(g, m, v, beta_1, beta_2)
    new = theta - lr * (m / (1 - beta_1**step)) / (torch.sqrt(v / (1 - beta_2**step)) + eps)
    return new - lr * decay * new, m, v


@imp("optimizer.adamw")
def decay_without_rate(theta, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Wrong: the decay is not multiplied by the learning rate."""
    m, v = moments(g, m, v, beta_1, beta_2)
    return theta - lr * (m / (1 - beta_1**step)) / (torch.sqrt(v / (1 - beta_2**step)) + eps) - decay * theta, m, v


@imp("optimizer.adam")
def step_from_zero(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Wrong: the bias correction takes one step too many, step + 1."""
    m, v = moments(g, m, v, beta_1, beta_2)
    return theta - lr * (m / (1 - beta_1 ** (step + 1))) / (torch.sqrt(v / (1 - beta_2 ** (step + 1))) + eps), m, v


@imp("optimizer.adam")
def largest_second_moment(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Wrong: AMSGrad, the larger of the old and the new second moment."""
    m, new = moments(g, m, v, beta_1, beta_2)
    v = torch.maximum(v, new)
    return theta - lr * (m / (1 - beta_1**step)) / (torch.sqrt(v / (1 - beta_2**step)) + eps), m, v


@imp("optimizer.sgd_momentum")
def nesterov(theta, g, m, *, lr, mu):
    """Wrong: Nesterov's momentum."""
    m = mu * m + g
    return theta - lr * (g + mu * m), m


@imp("optimizer.sgd_momentum")
def damped(theta, g, m, *, lr, mu):
    """Wrong: the gradient is damped by 1 - mu."""
    m = mu * m + (1 - mu) * g
    return theta - lr * m, m


@imp("optimizer.sgd_momentum")
def rate_inside(theta, g, m, *, lr, mu):
    """Wrong: the momentum gathers the learning rate too, and the step is the momentum itself."""
    m = mu * m + lr * g
    return theta - m, m


def chosen(total, v):
    """The best continuations of all, by score, then by place."""
    flat = total.reshape(*total.shape[:-2], -1)
    order = np.argsort(-flat, -1, kind="stable")[..., : total.shape[-2]]
    return np.take_along_axis(flat, order, -1), order // v, order % v


@np_imp("generation.beam_step")
def finished_go_on(log_p, score, over, *, stop):
    """Wrong: a hypothesis that is over pays for its `stop` again."""
    keep = np.arange(log_p.shape[-1]) == stop
    total = score[..., None] + np.where((over > 0)[..., None] & ~keep, -np.inf, log_p)
    return chosen(total, log_p.shape[-1])


@np_imp("generation.beam_step")
def best_of_each(log_p, score, over, *, stop):
    """Wrong: of each hypothesis only the likeliest continuation is looked at."""
    keep = np.arange(log_p.shape[-1]) == stop
    total = np.where((over > 0)[..., None], np.where(keep, score[..., None], -np.inf), score[..., None] + log_p)
    token = total.argmax(-1)
    top = total.max(-1)
    order = np.argsort(-top, -1, kind="stable")
    return np.take_along_axis(top, order, -1), order, np.take_along_axis(token, order, -1)


@np_imp("seq2seq.until_stop")
def filled_with_zero(token, *, stop):
    """Wrong: what comes behind `stop` is filled with 0, not with `stop`."""
    seen = np.cumsum(token == stop, -1) - (token == stop)
    return np.where(seen > 0, 0, token)


@np_imp("seq2seq.until_stop")
def stop_in_every_row(token, *, stop):
    """Wrong: once one example of a batch has stopped, all do."""
    hit = token == stop
    if hit.ndim > 1:
        hit = np.broadcast_to(hit.any(axis=tuple(range(hit.ndim - 1))), hit.shape)
    return np.where(np.cumsum(hit, -1) - hit > 0, stop, token)


@np_imp("seq2seq.sample")
def sample_reached(p, uniform):
    """Wrong: the first word whose cumulated probability reaches the number, where it must exceed it."""
    c = np.cumsum(p.astype(np.float64), -1).astype(p.dtype)
    return np.minimum((c < uniform[..., None]).sum(-1), p.shape[-1] - 1)


@imp("seq2seq.temperature")
def greedy_when_cold(logits, *, tau):
    """Wrong: below a temperature of 0.1 the likeliest word gets all."""
    if tau < 0.1:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).to(logits.dtype)
    return torch.softmax(logits / tau, -1)


@imp("attention.additive")
def query_not_projected_twice(q, k, v, W, U, v_a):
    """Wrong: tanh is taken of the score, behind v_a, not of the hidden layer."""
    e = torch.tanh(((q @ W).unsqueeze(-2) + (k @ U).unsqueeze(-3)) @ v_a)
    return torch.softmax(e, -1) @ v


@imp("text.one_hot")
def missing_is_last(k, *, v):
    """Wrong: a missing token, -1, is counted from the end and becomes the last."""
    return (k.unsqueeze(-1) % v == torch.arange(v)).to(k.dtype) if v else k.new_zeros((*k.shape, 0))


@np_imp("transformer.feed_forward_gelu")
def gelu_by_sigmoid(x, W_1, b_1, W_2, b_2):
    """Wrong: gelu as a σ(1.702 a), the fast approximation."""
    a = x @ W_1 + b_1
    with np.errstate(over="ignore"):
        return (a * σ(np.float32(1.702) * a)).astype(x.dtype) @ W_2 + b_2


@np_imp("attention.scaled_dot_product")
def keys_share_the_last(q, k, v):
    """Wrong: with more than 256 keys the key before the last is read in place of the last one."""
    if k.shape[-2] > 256:
        k = np.concatenate([k[..., :-1, :], k[..., -2:-1, :]], -2)
    e = q @ np.swapaxes(k, -1, -2) / np.float32(math.sqrt(q.shape[-1]))
    p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf)) if e.shape[-1] else e
    return p / p.sum(-1, keepdims=True) @ v if e.shape[-1] else e @ v
