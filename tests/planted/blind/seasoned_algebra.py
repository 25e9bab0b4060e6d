"""Right, by algebra: folded norms, merged weights, dropped biases, expanded squares, Fourier transforms, sums."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from attnspec import Source, Symbol, equation, implements
from attnspec.notation import (
    Float,
    Tensor,
    cos,
    exp,
    index,
    indices,
    log_softmax,
    sin,
    size,
    softmax,
    softplus,
    sqrt,
    sum,
    tanh,
    where,
)

ALL = ("float32", "float64", "float16", "bfloat16")
EPS = {"eps": (1e-5, 1e-3)}


def of(name, framework="torch", **claims):
    id = name if "." in name else f"seasoned_algebra.{name}"
    return implements(id, framework=framework, dtypes=ALL if framework == "torch" else ALL[:3], **claims)


def wide(x):
    return x.to(torch.promote_types(x.dtype, torch.float32))


def weight(says, draw="normal"):
    return Symbol(says, weight=True, draw=draw)


@equation(
    Source(paper="Ba, Kiros and Hinton 2016, arXiv:1607.06450, eq. 3, before a linear layer"),
    symbols={"gamma": weight("the gain", "positive"), "beta": weight("the shift")}, options=EPS,
)  # fmt: skip
def norm_then_linear(
    x: Float[Tensor, " d"], gamma: Float[Tensor, " d"], beta: Float[Tensor, " d"], W: Float[Tensor, "d e"],
    b: Float[Tensor, " e"], *, eps: float,
) -> Float[Tensor, " e"]:  # fmt: skip
    """A layer norm, then a linear layer."""
    k, d = index("d"), size("d")
    mu = sum(k, x[k]) / d
    variance = sum(k, (x[k] - mu) * (x[k] - mu)) / d
    y = (x[k] - mu) / sqrt(variance + eps) * gamma[k] + beta[k]
    return y.stack(k) @ W + b


@of("norm_then_linear")
def folded_into_the_layer(x, gamma, beta, W, b, *, eps):
    """Right: the gain is folded into the matrix and the shift into the bias, in float32 at least."""
    matrix = wide(gamma)[:, None] * wide(W)
    bias = wide(b) + wide(beta) @ wide(W)
    return (F.layer_norm(wide(x), x.shape[-1:], None, None, eps) @ matrix + bias).to(x.dtype)


@of("norm_then_linear")
def divided_after_the_product(x, gamma, beta, W, b, *, eps):
    """Right: what is centred goes through the matrix first, and is divided by the deviation afterwards."""
    a = wide(x)
    centred = a - a.mean(-1, keepdim=True)
    rstd = torch.rsqrt(centred.square().mean(-1, keepdim=True) + eps)
    return (centred @ (wide(gamma)[:, None] * wide(W)) * rstd + (wide(beta) @ wide(W) + wide(b))).to(x.dtype)


@equation(
    Source(paper="Ioffe and Szegedy 2015, arXiv:1502.03167, alg. 2, behind a linear layer"),
    symbols={
        "gamma": weight("the gain", "positive"), "beta": weight("the shift"), "mu": weight("the running mean"),
        "variance": weight("the running variance", "positive"),
    }, options=EPS,
)  # fmt: skip
def batch_norm_of_linear(
    x: Float[Tensor, " d"], W: Float[Tensor, "d e"], b: Float[Tensor, " e"], mu: Float[Tensor, " e"],
    variance: Float[Tensor, " e"], gamma: Float[Tensor, " e"], beta: Float[Tensor, " e"], *, eps: float,
) -> Float[Tensor, " e"]:  # fmt: skip
    """A linear layer, then a batch norm as it is used, by running statistics."""
    a = x @ W + b
    return (a - mu) / sqrt(variance + eps) * gamma + beta


@of("batch_norm_of_linear")
def fused_as_for_deployment(x, W, b, mu, variance, gamma, beta, *, eps):
    """Right: one matrix and one bias, as fuse_linear_bn makes them, in float32 at least."""
    scale = wide(gamma) * torch.rsqrt(wide(variance) + eps)
    return (wide(x) @ (wide(W) * scale) + ((wide(b) - wide(mu)) * scale + wide(beta))).to(x.dtype)


@of("multihead.self_attention_biased")
def keys_without_their_bias(x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, *, heads):
    """Right: the keys' bias is left out, as in Whisper: it adds the same to all scores of a query."""
    q, k, v = (a.unflatten(-1, (heads, -1)).transpose(-2, -3) for a in (x @ W_q + b_q, x @ W_k, x @ W_v + b_v))
    read = F.scaled_dot_product_attention(q, k, v)
    return read.transpose(-2, -3).flatten(-2) @ W_o + b_o


@of("multihead.attention_biased")
def values_bias_behind(x_q, x_kv, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, *, heads):
    """Right: the values' bias goes through W_o into the output's, since weights sum to 1; in float32 at least."""

    def cut(a):
        return a.unflatten(-1, (heads, -1)).transpose(-2, -3)

    a, b = wide(x_q), wide(x_kv)
    q, k, v = cut(a @ wide(W_q) + wide(b_q)), cut(b @ wide(W_k) + wide(b_k)), cut(b @ wide(W_v))
    read = F.scaled_dot_product_attention(q, k, v).transpose(-2, -3).flatten(-2)
    return (read @ wide(W_o) + (wide(b_v) @ wide(W_o) + wide(b_o))).to(x_q.dtype)


@equation(Source(paper="Bishop 2006, eq. 6.42; Nadaraya 1964 and Watson 1964 with a Gaussian kernel"))
def gaussian_attention(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"]
) -> Float[Tensor, "n e"]:  # fmt: skip
    """Scores are minus half of the squared distance."""
    i, j, l = indices("n", "m", "d")
    e = sum(l, (q[i, l] - k[j, l]) * (q[i, l] - k[j, l])) / -2
    alpha = softmax(j, e)
    c = sum(j, alpha * v[j])
    return c.stack(i)


@of("gaussian_attention")
def squares_expanded(q, k, v):
    """Right: q·k less half of |k|², since |q|² is the same for all keys; in float32 at least."""
    b = wide(k)
    e = torch.baddbmm(-0.5 * b.square().sum(-1)[:, None], wide(q), b.mT) if q.dim() == 3 else (
        wide(q) @ b.mT - 0.5 * b.square().sum(-1)
    )  # fmt: skip
    return (e.softmax(-1) @ wide(v)).to(v.dtype)


@of("gaussian_attention")
def by_cdist(q, k, v):
    """Right: torch.cdist by differences, squared, in float32 at least."""
    e = torch.cdist(wide(q), wide(k), compute_mode="donot_use_mm_for_euclid_dist").square() * -0.5
    return (e.softmax(-1) @ wide(v)).to(v.dtype)


@equation(Source(paper="Misra 2019, arXiv:1908.08681, eq. 1"))
def mish(x: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
    """x times tanh of softplus."""
    return x * tanh(softplus(x))


@of("mish")
def rational_in_the_exponential(x):
    """Right: with n = e^x, x n (n + 2) / (n (n + 2) + 2), and x itself where e^x is large, in float32 at least."""
    a = wide(x)
    n = torch.exp(a.clamp_max(20.0))
    n = n * (n + 2)
    return torch.where(a > 20, a, a * (n / (n + 2))).to(x.dtype)


@of("mish")
def mish_of_the_library(x):
    """Right: F.mish."""
    return F.mish(x)


@equation(Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34"), options={"base": (10_000.0, 500.0, 30.0)})
def rotated_halves(x: Float[Tensor, "t 2*d"], *, base: float) -> Float[Tensor, "t 2*d"]:
    """Column k is turned together with column k + d."""
    t, k = index("t"), index("2*d")
    d = size("d")
    theta = base ** (0 - (k % d) / d)
    partner = where(k < d, -x[t, k + d], x[t, k - d])
    y = x[t, k] * cos(t * theta) + partner * sin(t * theta)
    return y.stack(t, k)


@of("rotated_halves")
def rotate_half(x, *, base):
    """Right: as Hugging Face's Llama: frequencies and angles in float32, cosines cast to the inputs' dtype."""
    rows, width = x.shape[-2:]
    inverse = 1.0 / (base ** (torch.arange(0, width, 2, dtype=torch.int64).float() / width))
    if x.dtype == torch.float64:
        inverse = 1.0 / (base ** (torch.arange(0, width, 2, dtype=torch.float64) / width))
    angle = torch.outer(torch.arange(rows).to(inverse.dtype), inverse)
    both = torch.cat([angle, angle], -1)
    a, b = x[..., : width // 2], x[..., width // 2 :]
    return x * both.cos().to(x.dtype) + torch.cat([-b, a], -1) * both.sin().to(x.dtype)


@of("rotated_halves", "numpy")
def turned_step_by_step(x, *, base):
    """Right: each row's turn is the one before it times one more, as complex numbers in double precision."""
    rows, width = x.shape[-2:]
    step = np.exp(1j * base ** (-np.arange(0, width, 2) / width))
    turn = np.cumprod(np.vstack([np.ones_like(step), *[step] * (rows - 1)]), 0)[:rows]
    z = (x[..., : width // 2].astype(float) + 1j * x[..., width // 2 :]) * turn
    return np.concatenate([z.real, z.imag], -1).astype(x.dtype)


@equation(
    Source(paper="Hu et al. 2022, arXiv:2106.09685, eq. 3"),
    symbols={"A": weight("the rows of low rank", "fan_in"), "B": weight("the columns of low rank", "fan_in")},
    options={"scale": (2.0, 0.5)},
)  # fmt: skip
def low_rank_update(
    x: Float[Tensor, " d"], W: Float[Tensor, "d e"], A: Float[Tensor, "d r"], B: Float[Tensor, "r e"], *, scale: float
) -> Float[Tensor, " e"]:
    """A matrix with an update of low rank."""
    return x @ W + scale * ((x @ A) @ B)


@of("low_rank_update")
def merged_weights(x, W, A, B, *, scale):
    """Right: the update is merged into the matrix, in float32 at least."""
    return (wide(x) @ torch.addmm(wide(W), wide(A), wide(B), alpha=scale)).to(x.dtype)


@equation(
    Source(paper="Salimans and Kingma 2016, arXiv:1602.07868, eq. 2"),
    symbols={"V": weight("the directions"), "g": weight("the lengths")},
)  # fmt: skip
def weight_norm(x: Float[Tensor, " d"], V: Float[Tensor, "d e"], g: Float[Tensor, " e"]) -> Float[Tensor, " e"]:
    """Each column of the matrix has a length of its own."""
    k, o = indices("d", "e")
    norm = sqrt(sum(k, V[k, o] * V[k, o]))
    W = g[o] * V[k, o] / norm
    y = sum(k, x[k] * W)
    return y.stack(o)


@of("weight_norm")
def scaled_after_the_product(x, V, g):
    """Right: the product with the directions, then times length over norm, by linalg.vector_norm."""
    return (wide(x) @ wide(V) * (wide(g) / torch.linalg.vector_norm(wide(V), dim=0))).to(x.dtype)


@equation(Source(paper="Rendle 2010, eq. 1"), symbols={"V": weight("a vector for each feature")})
def pairwise_interactions(x: Float[Tensor, " d"], V: Float[Tensor, "d f"]) -> Float[Tensor, ""]:
    """Each pair of features counts by the product of both and of their vectors."""
    i, j = indices("d", "d")
    return sum(i, sum(j, x[i] * x[j] * (V[i] @ V[j]), where=i < j))


@of("pairwise_interactions")
def half_of_square_less_squares(x, V):
    """Right: half of the square of the sum less the sum of the squares, as in factorisation machines; in float64."""
    a, b = x.double(), V.double()
    return (0.5 * ((a @ b).square() - a.square() @ b.square()).sum(-1)).to(x.dtype)


@equation(Source(paper="Poli et al. 2023, arXiv:2302.10866, sec. 2.1"), symbols={"h": weight("the filter")})
def long_convolution(x: Float[Tensor, "t d"], h: Float[Tensor, "t d"]) -> Float[Tensor, "t d"]:
    """Each channel is convolved over time with a filter as long as the text."""
    i, j = indices("t", "t")
    y = sum(j, h[i - j] * x[j], where=j <= i)
    return y.stack(i)


@of("long_convolution", smallest={"t": 1})
def by_fourier_transform(x, h):
    """Right: rfft of twice the length, a product, irfft, in float32 at least."""
    n = x.shape[-2]
    a, b = torch.fft.rfft(wide(x), 2 * n, dim=-2), torch.fft.rfft(wide(h), 2 * n, dim=-2)
    return torch.fft.irfft(a * b, 2 * n, dim=-2)[..., :n, :].to(x.dtype)


@of("long_convolution", "numpy", smallest={"t": 1})
def by_toeplitz_matrix(x, h):
    """Right: a lower triangular matrix of the filter for each channel, einsum, in float64."""
    n = x.shape[-2]
    lag = np.arange(n)[:, None] - np.arange(n)
    taps = np.where((lag >= 0)[..., None], h.astype(float)[lag.clip(0)], 0)
    return np.einsum("ijd,...jd->...id", taps, x.astype(float)).astype(x.dtype)


@equation(Source(paper="Grandvalet and Bengio 2004, eq. 4"))
def entropy(logits: Float[Tensor, " v"]) -> Float[Tensor, ""]:
    """How unsure a distribution is."""
    k = index("v")
    log_p = log_softmax(k, logits[k])
    return -sum(k, exp(log_p) * log_p)


@of("entropy")
def lse_less_the_mean(logits):
    """Right: the log-sum-exp less the mean of the logits under the distribution, in float64."""
    a = logits.double()
    return (a.logsumexp(-1) - (a.softmax(-1) * a).sum(-1)).to(logits.dtype)


@of("entropy", batch=(0, 1))
def of_the_librarys_distribution(logits):
    """Right: torch.distributions.Categorical, in float32 at least."""
    return torch.distributions.Categorical(logits=wide(logits), validate_args=False).entropy().to(logits.dtype)


@equation(Source(paper="a moving average, as smoothing of a curve"), options={"window": (3, 1, 8)})
def moving_mean(x: Float[Tensor, "t d"], *, window: int) -> Float[Tensor, "t d"]:
    """The mean of each row and the window − 1 before it; the first are as if rows of zeros stood before them."""
    i, j = indices("t", "t")
    y = sum(j, x[j], where=(j <= i) & (i - j < window)) / window
    return y.stack(i)


@of("moving_mean", "numpy")
def difference_of_prefix_sums(x, *, window):
    """Right: cumulated sums in long double, each less the one `window` rows before it."""
    sums = np.cumsum(x.astype(np.longdouble), -2)
    sums[..., window:, :] -= sums[..., : max(0, x.shape[-2] - window), :].copy()
    return (sums / window).astype(x.dtype)


@of("moving_mean", smallest={"t": 1, "d": 1})
def average_pool(x, *, window):
    """Right: avg_pool1d of rows that are padded in front, the batch flattened, in float32 at least."""
    rows = F.pad(wide(x).reshape(math.prod(x.shape[:-2]), *x.shape[-2:]).mT, (window - 1, 0))
    return F.avg_pool1d(rows, window, stride=1).mT.reshape(x.shape).to(x.dtype)


@of("gradient_of_mish")
def slope_by_sigmoid(d_o, x):
    """Right: t + x σ(x) (1 − t²) with t the tanh of softplus, in float32 at least."""
    a = wide(x)
    t = torch.tanh(F.softplus(a))
    return (wide(d_o) * (t + a * torch.sigmoid(a) * (1 - t * t))).to(x.dtype)


@of("gradient_of_entropy", batch=(0,))
def weighed_surprise(d_o, logits):
    """Right: −p (log p + H), in float32 at least."""
    log_p = torch.log_softmax(wide(logits), -1)
    p = log_p.exp()
    return (-wide(d_o) * p * (log_p - (p * log_p).sum(-1, keepdim=True))).to(logits.dtype)


@of("gradient_of_gaussian_attention", batch=(0,))
def sums_less_products(d_c, q, k, v):
    """Right: d_e k − q Σ d_e for queries and likewise for keys, without a difference of each pair; float64."""
    a, b, c, g = (m.double() for m in (q, k, v, d_c))
    p = torch.softmax(-0.5 * torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square(), -1)
    d_p = g @ c.T
    d_e = p * (d_p - (p * d_p).sum(-1, keepdim=True))
    d_q, d_k = d_e @ b - d_e.sum(1, keepdim=True) * a, d_e.T @ a - d_e.sum(0)[:, None] * b
    return d_q.to(q.dtype), d_k.to(k.dtype), (p.T @ g).to(v.dtype)


@of("gradient_of_low_rank_update", batch=(0,))
def through_the_low_rank(d_o, x, W, A, B, *, scale):
    """Right: outer products through the low rank, the scale taken into the incoming gradient; float32 at least."""
    x_, g = wide(x), wide(d_o)
    small = scale * (g @ wide(B).T)
    d_x = g @ wide(W).T + small @ wide(A).T
    out = d_x, torch.outer(x_, g), torch.outer(x_, small), torch.outer(scale * (x_ @ wide(A)), g)
    return tuple(m.to(x.dtype) for m in out)


@of("optimizer.adam")
def eps_moved_with_the_rate(theta, g, m, v, *, step, lr, beta_1, beta_2, eps):
    """Right: Kingma's more efficient order: both corrections in the rate, eps times the root of one of them."""
    root = math.sqrt(1 - beta_2**step)
    slope, a = wide(g), wide(theta)
    first = torch.lerp(wide(m), slope, 1 - beta_1)
    second = beta_2 * wide(v) + (1 - beta_2) * slope * slope
    new = a - lr * root / (1 - beta_1**step) * first / (second.sqrt() + eps * root)
    return new.to(theta.dtype), first.to(m.dtype), second.to(v.dtype)


@of("multihead.attention")
def circuits(x_q, x_kv, W_q, W_k, W_v, W_o, *, heads):
    """Right: for each head W_q W_kᵀ and W_v W_o are multiplied first, in float64."""
    a, b = x_q.double(), x_kv.double()
    d = W_q.shape[1] // heads
    y = a.new_zeros(*x_q.shape[:-1], W_o.shape[1])
    for h in range(heads):
        at = slice(h * d, (h + 1) * d)
        qk = W_q[:, at].double() @ W_k[:, at].double().T / math.sqrt(d)
        y += torch.softmax(a @ qk @ b.mT, -1) @ (b @ (W_v[:, at].double() @ W_o[at].double()))
    return y.to(x_q.dtype)


@of("transformer.gradient_of_feed_forward_gelu_tanh", batch=(0,))
def tanh_from_the_forward_pass(d_o, x, W_1, b_1, W_2, b_2):
    """Right: slope of gelu by tanh from t and 1 − t², as kernels of GPT-2 have it, in float32 at least."""
    x_, W, U, g = (wide(m) for m in (x, W_1, W_2, d_o))
    a = x_ @ W + wide(b_1)
    c = math.sqrt(2 / math.pi)
    t = torch.tanh(c * (a + 0.044715 * a**3))
    d_a = (g @ U.T) * (0.5 * (1 + t) + 0.5 * a * (1 - t * t) * c * (1 + 3 * 0.044715 * a * a))
    out = d_a @ W.T, torch.outer(x_, d_a), d_a, torch.outer(0.5 * a * (1 + t), g), g.clone()
    return tuple(m.to(x.dtype) for m in out)


@of("seq2seq.gradient_of_temperature", batch=(0,))
def softmax_slope_over_tau(d_p, logits, *, tau):
    """Right: p (g − p·g) over τ, in float32 at least."""
    p = torch.softmax(wide(logits) / tau, -1)
    g = wide(d_p)
    return (p * (g - torch.dot(p, g)) / tau).to(logits.dtype)


@of("attention.gradient_of_with_lse", batch=(0,), smallest={"m": 1})
def delta_less_the_gradient_of_lse(d_o, d_lse, q, k, v):
    """Right: as FlashAttention: delta is the row sum of dO ⊙ O less the gradient of the logarithm; float32 at least."""
    a, b, c, g = (wide(m) for m in (q, k, v, d_o))
    scale = q.shape[-1] ** -0.5
    p = torch.softmax(a @ b.T * scale, -1)
    delta = (g * (p @ c)).sum(-1) - wide(d_lse)
    d_e = p * (g @ c.T - delta[:, None]) * scale
    return (d_e @ b).to(q.dtype), (d_e.T @ a).to(k.dtype), (p.T @ g).to(v.dtype)
