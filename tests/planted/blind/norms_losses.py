"""Layer norm, losses, positions and optimisers."""

import math
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

from attnspec import implements

of = partial(implements, framework="torch")
np_of = partial(implements, framework="numpy")


@of("transformer.layer_norm")
def layer_norm(x, γ, β, *, eps):
    """Right: two passes."""
    c = x - x.mean(-1, keepdim=True)
    return c / torch.sqrt((c * c).mean(-1, keepdim=True) + eps) * γ + β


@of("transformer.layer_norm")
def ln_eps_outside(x, γ, β, *, eps):
    """Wrong: eps is added to the standard deviation, outside the root."""
    c = x - x.mean(-1, keepdim=True)
    return c / (torch.sqrt((c * c).mean(-1, keepdim=True)) + eps) * γ + β


@of("transformer.layer_norm")
def ln_sample(x, γ, β, *, eps):
    """Wrong: the variance is divided by d - 1."""
    c = x - x.mean(-1, keepdim=True)
    return c / torch.sqrt((c * c).sum(-1, keepdim=True) / max(x.shape[-1] - 1, 1) + eps) * γ + β


@of("transformer.layer_norm")
def ln_rms(x, γ, β, *, eps):
    """Wrong: RMS norm: the mean is not taken off."""
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * γ + β


@of("transformer.layer_norm")
def ln_l1(x, γ, β, *, eps):
    """Wrong: divided by the mean absolute deviation, not by the standard deviation."""
    c = x - x.mean(-1, keepdim=True)
    return c / (c.abs().mean(-1, keepdim=True) + eps) * γ + β


@of("transformer.layer_norm")
def ln_gain_plus_one(x, γ, β, *, eps):
    """Wrong: the gain is 1 + γ, as Gemma keeps its weights."""
    c = x - x.mean(-1, keepdim=True)
    return c / torch.sqrt((c * c).mean(-1, keepdim=True) + eps) * (1 + γ) + β


@of("transformer.layer_norm")
def ln_bias_first(x, γ, β, *, eps):
    """Wrong: β is added before the gain multiplies."""
    c = x - x.mean(-1, keepdim=True)
    return (c / torch.sqrt((c * c).mean(-1, keepdim=True) + eps) + β) * γ


@of("transformer.layer_norm")
def ln_variance_only(x, γ, β, *, eps):
    """Wrong: x itself is divided by the standard deviation: the mean is used for the variance only."""
    return x / torch.sqrt(x.var(-1, keepdim=True, unbiased=False) + eps) * γ + β


@of("transformer.layer_norm")
def ln_no_root(x, γ, β, *, eps):
    """Wrong: divided by the variance, the root was forgotten."""
    c = x - x.mean(-1, keepdim=True)
    return c / ((c * c).mean(-1, keepdim=True) + eps) * γ + β


@of("transformer.layer_norm")
def ln_fixed_eps(x, γ, β, *, eps):
    """Wrong: eps is ignored, 1e-5 is built in."""
    return F.layer_norm(x, x.shape[-1:], γ, β, 1e-5)


@of("transformer.layer_norm")
def ln_all(x, γ, β, *, eps):
    """Wrong: with one batch axis, mean and variance are taken over the batch too."""
    if x.ndim != 2 or not len(x):
        return F.layer_norm(x, x.shape[-1:], γ, β, eps)
    c = x - x.mean()
    return c / torch.sqrt((c * c).mean() + eps) * γ + β


@of("transformer.layer_norm")
def ln_zero_bias(x, γ, β, *, eps):
    """Wrong: where β is zero everywhere, it is taken for not given, and so is γ."""
    if not β.any():
        return F.layer_norm(x, x.shape[-1:], None, None, eps)
    return F.layer_norm(x, x.shape[-1:], γ, β, eps)


@np_of("transformer.layer_norm")
def ln_block(x, γ, β, *, eps):
    """Wrong: only the first 1024 columns go into mean and variance."""
    head = x[..., :1024]
    mu = head.mean(-1, keepdims=True)
    variance = ((head - mu) ** 2).mean(-1, keepdims=True)
    return ((x - mu) / np.sqrt(variance + x.dtype.type(eps)) * γ + β).astype(x.dtype)


@np_of("transformer.layer_norm")
def ln_pow2(x, γ, β, *, eps):
    """Wrong: mean and variance are divided by d rounded up to a power of 2."""
    d = x.dtype.type(2 ** math.ceil(math.log2(x.shape[-1])))
    mu = x.sum(-1, keepdims=True) / d
    return (x - mu) / np.sqrt(((x - mu) ** 2).sum(-1, keepdims=True) / d + x.dtype.type(eps)) * γ + β


@np_of("transformer.layer_norm")
def ln_half_sums(x, γ, β, *, eps):
    """Wrong: the sums of mean and variance run in half precision."""
    mu = x.astype(np.float16).mean(-1, keepdims=True, dtype=np.float16).astype(x.dtype)
    c = x - mu
    with np.errstate(over="ignore"):
        variance = (c.astype(np.float16) ** 2).mean(-1, keepdims=True, dtype=np.float16).astype(x.dtype)
    return c / np.sqrt(variance + x.dtype.type(eps)) * γ + β


@of("transformer.layer_norm")
def two_norm(x, γ, β, *, eps):
    """Wrong: two faults: variance over d - 1, and β subtracted."""
    c = x - x.mean(-1, keepdim=True)
    return c / torch.sqrt((c * c).sum(-1, keepdim=True) / max(x.shape[-1] - 1, 1) + eps) * γ - β


# --- losses ---


@of("seq2seq.cross_entropy")
def cross_entropy(logits, target):
    """Right: log-softmax and gather."""
    return -torch.log_softmax(logits, -1).gather(-1, target[..., None].long())[..., 0]


@of("seq2seq.cross_entropy")
def ce_smoothed(logits, target):
    """Wrong: label smoothing of 0.1 was left on."""
    log_p = torch.log_softmax(logits, -1)
    picked = log_p.gather(-1, target[..., None].long())[..., 0]
    return -(0.9 * picked + 0.1 * log_p.mean(-1))


@of("seq2seq.cross_entropy")
def ce_log_softmax_twice(logits, target):
    """Wrong: probabilities are handed to a function that expects logits: softmax is taken twice."""
    p = torch.softmax(logits, -1)
    return -torch.log_softmax(p, -1).gather(-1, target[..., None].long())[..., 0]


@of("seq2seq.cross_entropy")
def ce_eps(logits, target):
    """Wrong: log(p + 1e-4), to be safe."""
    p = torch.softmax(logits, -1).gather(-1, target[..., None].long())[..., 0]
    return -torch.log(p + 1e-4)


@of("seq2seq.cross_entropy")
def ce_base2(logits, target):
    """Wrong: in bits: the logarithm's base is 2."""
    log_p = torch.log_softmax(logits, -1).gather(-1, target[..., None].long())[..., 0]
    return -log_p / math.log(2)


@of("seq2seq.cross_entropy")
def ce_mean_batch(logits, target):
    """Wrong: the losses of a batch are averaged, each example gets the mean."""
    loss = cross_entropy(logits, target)
    return loss.mean().expand(loss.shape).clone() if loss.numel() else loss


@of("seq2seq.cross_entropy")
def ce_ignore_zero(logits, target):
    """Wrong: class 0 is taken for padding and costs nothing."""
    return torch.where(target == 0, 0, cross_entropy(logits, target))


@of("seq2seq.cross_entropy")
def ce_focal(logits, target):
    """Wrong: the focal loss: (1 - p) multiplies the loss."""
    log_p = torch.log_softmax(logits, -1).gather(-1, target[..., None].long())[..., 0]
    return -(1 - log_p.exp()) * log_p


@of("seq2seq.cross_entropy")
def ce_zloss(logits, target):
    """Wrong: the z-loss is added: 1e-3 times the square of the log-sum-exp."""
    return cross_entropy(logits, target) + 1e-3 * torch.logsumexp(logits, -1) ** 2


@of("seq2seq.cross_entropy")
def ce_clamped(logits, target):
    """Wrong: logits are clipped to the interval from -30 to 30."""
    return cross_entropy(logits.clamp(-30, 30), target)


@of("seq2seq.sequence_loss")
def sl_over_all(logits, target, valid):
    """Wrong: the sum over valid positions is divided by all positions, t."""
    losses = cross_entropy(logits, target.clamp_min(0))
    return torch.where(valid, losses, 0).sum(-1) / max(valid.shape[-1], 1)


@of("seq2seq.sequence_loss")
def sl_sum(logits, target, valid):
    """Wrong: the sum, not the mean."""
    return torch.where(valid, cross_entropy(logits, target.clamp_min(0)), 0).sum(-1)


@of("seq2seq.sequence_loss")
def sl_batch(logits, target, valid):
    """Wrong: divided by the number of valid positions of the whole batch over its size, not of the own sequence."""
    losses = torch.where(valid, cross_entropy(logits, target.clamp_min(0)), 0).sum(-1)
    count = valid.sum(-1).to(losses.dtype)
    return losses / (count.mean().clamp_min(1e-9) if count.numel() else 1)


@of("seq2seq.sequence_loss")
def sl_shifted(logits, target, valid):
    """Wrong: the mask is one step late: valid of the position before decides, the first position counts always."""
    late = torch.cat([torch.ones_like(valid[..., :1]), valid[..., :-1]], -1)
    losses = torch.where(late, cross_entropy(logits, target.clamp_min(0)), 0).sum(-1)
    return losses / late.sum(-1)


@of("seq2seq.perplexity")
def perplexity_of_mean(logits, target, valid):
    """Wrong: 2 to the power of the loss in nats."""
    losses = torch.where(valid, cross_entropy(logits, target.clamp_min(0)), 0).sum(-1) / valid.sum(-1)
    return 2**losses


@of("seq2seq.temperature")
def temperature_multiplied(logits, *, tau):
    """Wrong: logits are multiplied by the temperature."""
    return torch.softmax(logits * tau, -1)


@of("seq2seq.temperature")
def temperature_clipped(logits, *, tau):
    """Wrong: temperatures below 0.1 are raised to 0.1."""
    return torch.softmax(logits / max(tau, 0.1), -1)


@of("seq2seq.temperature_probs")
def temperature_probs_unnormalised(p, *, tau):
    """Wrong: the powers are not normalised."""
    return p ** (1 / tau)


@of("seq2seq.distillation_logits")
def distillation_t2(logits_teacher, logits_student, *, tau):
    """Wrong: multiplied by the square of the temperature (Hinton's factor)."""
    p = torch.softmax(logits_teacher / tau, -1)
    return -(p * torch.log_softmax(logits_student / tau, -1)).sum(-1) * tau**2


@of("seq2seq.distillation_logits")
def distillation_kl(logits_teacher, logits_student, *, tau):
    """Wrong: the Kullback-Leibler divergence, less the teacher's entropy."""
    log_p = torch.log_softmax(logits_teacher / tau, -1)
    return (log_p.exp() * (log_p - torch.log_softmax(logits_student / tau, -1))).sum(-1)


@of("seq2seq.distillation_logits")
def distillation_student_hot(logits_teacher, logits_student, *, tau):
    """Wrong: the temperature softens the teacher only."""
    p = torch.softmax(logits_teacher / tau, -1)
    return -(p * torch.log_softmax(logits_student, -1)).sum(-1)


@of("seq2seq.sample")
def sample_inclusive(p, uniform):
    """Wrong: counts cumulated sums below half of the number (uniform / 2)."""
    return (p.cumsum(-1)[..., :-1] <= uniform[..., None] / 2).sum(-1)


@of("seq2seq.until_stop")
def until_stop_early(token, *, stop):
    """Wrong: what follows the stop is replaced by 0, not by stop."""
    ended = (token == stop).cumsum(-1) - (token == stop).long() > 0
    return torch.where(ended, 0, token)


# --- positions ---


@np_of("position.sinusoidal")
def sin_base1000(*, t, d):
    """Wrong: base 1000 instead of 10000."""
    pos, i = np.arange(t)[:, None], np.arange(d) // 2
    angle = pos / 1000.0 ** (2 * i / d)
    return np.where(np.arange(d) % 2 == 0, np.sin(angle), np.cos(angle)).astype(np.float32)


@np_of("position.sinusoidal")
def sin_exponent(*, t, d):
    """Wrong: the exponent is j/d, not 2⌊j/2⌋/d: a cosine has another frequency than its sine."""
    angle = np.arange(t)[:, None] / 10000.0 ** (np.arange(d) / d)
    return np.where(np.arange(d) % 2 == 0, np.sin(angle), np.cos(angle)).astype(np.float32)


@np_of("position.sinusoidal")
def sin_swapped(*, t, d):
    """Wrong: cosines at even places, sines at odd ones."""
    pos, i = np.arange(t)[:, None], np.arange(d) // 2
    angle = pos / 10000.0 ** (2 * i / d)
    return np.where(np.arange(d) % 2 == 1, np.sin(angle), np.cos(angle)).astype(np.float32)


@np_of("position.sinusoidal")
def sin_from_one(*, t, d):
    """Wrong: positions are counted from 1."""
    pos, i = np.arange(1, t + 1)[:, None], np.arange(d) // 2
    angle = pos / 10000.0 ** (2 * i / d)
    return np.where(np.arange(d) % 2 == 0, np.sin(angle), np.cos(angle)).astype(np.float32)


@np_of("position.sinusoidal")
def sin_halved(*, t, d):
    """Wrong: the exponent lacks its 2: i/d, so the slowest wave is 100 times the fastest only."""
    pos, i = np.arange(t)[:, None], np.arange(d) // 2
    angle = pos / 10000.0 ** (i / d)
    return np.where(np.arange(d) % 2 == 0, np.sin(angle), np.cos(angle)).astype(np.float32)


@of("position.learned")
def learned_off(a, P):
    """Wrong: the table is read from row 1 on where it has more rows than the input."""
    t = a.shape[-2]
    return a + (P[..., 1 : t + 1, :] if P.shape[-2] > t else P[..., :t, :])


@of("position.learned")
def learned_last(a, P):
    """Wrong: the last t rows of the table are read, not the first."""
    return a + P[..., P.shape[-2] - a.shape[-2] :, :]


# --- optimisers ---


@of("optimizer.adam")
def adam(θ, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Right: Kingma's algorithm."""
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    return θ - lr * (m / (1 - beta_1**step)) / (torch.sqrt(v / (1 - beta_2**step)) + eps), m, v


@of("optimizer.adam")
def adam_no_correction(θ, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Wrong: without bias correction."""
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    return θ - lr * m / (torch.sqrt(v) + eps), m, v


@of("optimizer.adam")
def adam_step_from_zero(θ, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Wrong: the bias correction uses step + 1 (steps were counted from 0)."""
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    return θ - lr * (m / (1 - beta_1 ** (step + 1))) / (torch.sqrt(v / (1 - beta_2 ** (step + 1))) + eps), m, v


@of("optimizer.adam")
def adam_eps_inside(θ, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Wrong: eps inside the root."""
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    return θ - lr * (m / (1 - beta_1**step)) / torch.sqrt(v / (1 - beta_2**step) + eps), m, v


@of("optimizer.adam")
def adam_eps_before_correction(θ, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Wrong: eps is added before the correction of v: lr sqrt(1-β_2^t)/(1-β_1^t) m / (sqrt(v) + eps)."""
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    return θ - lr * math.sqrt(1 - beta_2**step) / (1 - beta_1**step) * m / (torch.sqrt(v) + eps), m, v


@of("optimizer.adam")
def adam_betas_swapped(θ, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Wrong: the corrections are exchanged: m is corrected with β_2, v with β_1."""
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    return θ - lr * (m / (1 - beta_2**step)) / (torch.sqrt(v / (1 - beta_1**step)) + eps), m, v


@of("optimizer.adam")
def adam_amsgrad(θ, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Wrong: AMSGrad: v never falls, the larger of the old and the new one is kept."""
    m = beta_1 * m + (1 - beta_1) * g
    v = torch.maximum(v, beta_2 * v + (1 - beta_2) * g * g)
    return θ - lr * (m / (1 - beta_1**step)) / (torch.sqrt(v / (1 - beta_2**step)) + eps), m, v


@of("optimizer.adamw")
def adamw_after(θ, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Wrong: the decay is not multiplied by the learning rate."""
    new, m, v = adam(θ, g, m, v, step=step, lr=lr, beta_1=beta_1, beta_2=beta_2, eps=eps)
    return new - decay * θ, m, v


@of("optimizer.adamw")
def adamw_updated(θ, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Wrong: what decays is the updated parameter, not the old one."""
    new, m, v = adam(θ, g, m, v, step=step, lr=lr, beta_1=beta_1, beta_2=beta_2, eps=eps)
    return new - lr * decay * new, m, v


@of("optimizer.adamw")
def adamw_l2(θ, g, m, v, *, step, lr, beta_1, beta_2, eps, decay):
    """Wrong: the decay is added to the gradient (L2), not decoupled."""
    return adam(θ, g + decay * θ, m, v, step=step, lr=lr, beta_1=beta_1, beta_2=beta_2, eps=eps)


@of("optimizer.sgd_momentum")
def momentum_dampened(θ, g, m, *, lr, mu):
    """Wrong: dampening: the gradient is multiplied by 1 - μ."""
    m = mu * m + (1 - mu) * g
    return θ - lr * m, m


@of("optimizer.sgd_momentum")
def momentum_nesterov(θ, g, m, *, lr, mu):
    """Wrong: Nesterov's step: g + μ m is followed."""
    m = mu * m + g
    return θ - lr * (g + mu * m), m


@of("optimizer.sgd_momentum")
def momentum_lr_inside(θ, g, m, *, lr, mu):
    """Wrong: the learning rate goes into the momentum: m = μ m + lr g."""
    m = mu * m + lr * g
    return θ - m, m


@of("optimizer.sgd")
def sgd_inplace(θ, g, *, lr):
    """Wrong: the parameter is updated in place."""
    θ -= lr * g
    return θ


@of("optimizer.adam")
def two_adam(θ, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Wrong: two faults: eps inside the root, and the correction of v is missing."""
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    return θ - lr * (m / (1 - beta_1**step)) / torch.sqrt(v + eps), m, v
