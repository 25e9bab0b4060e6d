"""Right, of equations that the catalogue lacks: each equation beside the forms that software has of it."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from attnspec import Source, Symbol, equation, implements
from attnspec.notation import (
    Float,
    Int,
    Tensor,
    cos,
    exp,
    gelu,
    index,
    indices,
    log,
    log_softmax,
    max,
    relu,
    scan,
    sigmoid,
    silu,
    sin,
    size,
    softmax,
    softplus,
    sqrt,
    sum,
    tanh,
    where,
    zeros,
)

ALL = ("float32", "float64", "float16", "bfloat16")
BASIC = ("float32", "float64", "float16")


def of(name, framework="torch", **claims):
    return implements(
        f"seasoned_own.{name}", framework=framework, dtypes=ALL if framework == "torch" else BASIC, **claims
    )


def wide(x):
    return x.to(torch.promote_types(x.dtype, torch.float32))


def longer(x):
    return x.astype(np.result_type(x.dtype, np.float32))


GAIN = {"gamma": Symbol("the gain", weight=True, draw="positive")}
EPS = {"eps": (1e-6, 1e-3, 1e-2)}


@equation(Source(paper="Su et al. 2021, arXiv:2104.09864v5, eq. 34"), options={"base": (10_000.0, 500.0, 30.0)})
def rotary(x: Float[Tensor, "t 2*d"], *, base: float) -> Float[Tensor, "t 2*d"]:
    """Each pair of neighbouring columns is turned by an angle that grows with the row."""
    t, k = index("t"), index("2*d")
    d = size("d")
    theta = base ** (0 - (k // 2) / d)
    partner = where(k % 2 == 0, -x[t, k + 1], x[t, k - 1])
    y = x[t, k] * cos(t * theta) + partner * sin(t * theta)
    return y.stack(t, k)


@of("rotary")
def complex_product(x, *, base):
    """Right: pairs as complex numbers times torch.polar, as Llama's code has it; in float32 at least."""
    rows, width = x.shape[-2:]
    theta = base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angle = torch.outer(torch.arange(rows, dtype=torch.float64), theta)
    turn = torch.polar(torch.ones_like(angle), angle)
    pairs = torch.view_as_complex(wide(x).clone().reshape(*x.shape[:-1], width // 2, 2).contiguous())
    return torch.view_as_real(pairs * turn.to(pairs.dtype)).flatten(-2).to(x.dtype)


@of("rotary", "numpy")
def viewed_as_complex(x, *, base):
    """Right: a view of the rows as complex numbers of the same bytes, in float32 at least."""
    rows, width = x.shape[-2:]
    a = np.ascontiguousarray(longer(x))
    kind = np.complex64 if a.dtype == np.float32 else np.complex128
    angle = np.arange(rows)[:, None] * base ** (-np.arange(0, width, 2) / width)
    return (a.view(kind) * np.exp(1j * angle).astype(kind)).view(a.dtype).astype(x.dtype)


@equation(
    Source(paper="Press, Smith and Lewis 2022, arXiv:2108.12409, sec. 3"),
    symbols={"slope": Symbol("the slope of each head", draw="uniform", weight=True)},
    largest={"H": 4},
)
def alibi(
    q: Float[Tensor, "H n d"], k: Float[Tensor, "H n d"], v: Float[Tensor, "H n e"], slope: Float[Tensor, " H"]
) -> Float[Tensor, "H n e"]:
    """Causal attention whose scores fall by a head's slope for each place of distance."""
    h, i, j = index("H"), index("n"), index("n")
    d = size("d")
    e = q[h, i] @ k[h, j] / sqrt(d) - slope[h] * (i - j)
    alpha = softmax(j, e, where=j <= i)
    c = sum(j, alpha * v[h, j])
    return c.stack(h, i)


@of("alibi")
def without_the_query(q, k, v, slope):
    """Right: the slope times the key's place is added, which softmax cannot tell; −∞ by triu, float32 at least."""
    n = q.shape[-2]
    bias = wide(slope)[:, None, None] * torch.arange(n)
    hidden = torch.full((n, n), -math.inf).triu(1)
    e = (
        torch.baddbmm(bias + hidden, wide(q), wide(k).mT, alpha=q.shape[-1] ** -0.5)
        if q.dim() == 3
        else (wide(q) @ wide(k).mT * q.shape[-1] ** -0.5 + bias + hidden)
    )
    return (e.softmax(-1) @ wide(v)).to(v.dtype)


@of("alibi")
def flex_like(q, k, v, slope):
    """Right: the library's attention with a bias of relative places in the inputs' dtype."""
    n = q.shape[-2]
    place = torch.arange(n)
    away = (place[:, None] - place).to(torch.float32)
    bias = torch.where(away >= 0, -wide(slope)[:, None, None] * away, -math.inf)
    return F.scaled_dot_product_attention(wide(q), wide(k), wide(v), attn_mask=bias.to(wide(q).dtype)).to(v.dtype)


@equation(
    Source(paper="OpenAI 2025, arXiv:2508.10925, sec. 2.2"),
    options={"window": (1, 3, 64), "cap": (30.0, 2.0)},
    symbols={"sink": Symbol("the score of no key", weight=True)},
    largest={"G": 3, "r": 3},
)
def sink_window(
    q: Float[Tensor, "G*r n d"], k: Float[Tensor, "G n d"], v: Float[Tensor, "G n e"], sink: Float[Tensor, " G*r"],
    *, window: int, cap: float,
) -> Float[Tensor, "G*r n e"]:  # fmt: skip
    """Grouped heads that see a window of keys and a learned sink, with scores within ±cap."""
    h, i, j = index("G*r"), index("n"), index("n")
    d, r = size("d"), size("r")
    g = h // r
    e = cap * tanh(q[h, i] @ k[g, j] / sqrt(d) / cap)
    top = max(j, e, where=(j <= i) & (i - j < window))
    p = exp(e - top)
    total = sum(j, p, where=(j <= i) & (i - j < window)) + exp(sink[h] - top)
    c = sum(j, p * v[g, j], where=(j <= i) & (i - j < window)) / total
    return c.stack(h, i)


@of("sink_window")
def sink_as_first_column(q, k, v, sink, *, window, cap):
    """Right: queries grouped by a view, the sink as one more score in front, softmax in float32, then dropped."""
    *lead, heads, n, d = q.shape
    groups = k.shape[-3]
    a = wide(q).reshape(*lead, groups, heads // groups, n, d)
    e = torch.einsum("...grnd,...gmd->...grnm", a, wide(k)).div_(math.sqrt(d) * cap).tanh_().mul_(cap)
    place = torch.arange(n)
    away = place[:, None] - place
    e.masked_fill_((away < 0) | (away >= window), -math.inf)
    column = wide(sink).reshape(groups, heads // groups, 1, 1).expand(*e.shape[:-1], 1)
    alpha = torch.cat([column, e], -1).softmax(-1)[..., 1:]
    return torch.einsum("...grnm,...gme->...grne", alpha, wide(v)).reshape(*lead, heads, n, v.shape[-1]).to(v.dtype)


@of("sink_window")
def share_of_the_keys(q, k, v, sink, *, window, cap):
    """Right: attention without a sink, times the sigmoid of its log-sum-exp less the sink; float32 at least."""
    r, n = q.shape[-3] // k.shape[-3], q.shape[-2]
    keys, values = (wide(a).repeat_interleave(r, -3) for a in (k, v))
    e = cap * torch.tanh(wide(q) @ keys.mT / (q.shape[-1] ** 0.5 * cap))
    seen = torch.ones(n, n, dtype=torch.bool).tril().triu(1 - window)
    e = torch.where(seen, e, -math.inf)
    lse = e.logsumexp(-1, keepdim=True)
    share = torch.sigmoid(lse - wide(sink)[:, None, None])
    return (e.softmax(-1) @ values * share).to(v.dtype)


@equation(
    Source(paper="Dao and Gu 2024, arXiv:2405.21060, sec. 7; Mamba-2's code, RMSNormGated"), symbols=GAIN, options=EPS
)
def gated_rms_norm(
    x: Float[Tensor, " d"], z: Float[Tensor, " d"], gamma: Float[Tensor, " d"], *, eps: float
) -> Float[Tensor, " d"]:
    """What is gated is divided by the root of its mean square, then multiplied by a gain."""
    k, d = index("d"), size("d")
    g = x[k] * silu(z[k])
    y = g / sqrt(sum(k, g * g) / d + eps) * gamma[k]
    return y.stack(k)


@of("gated_rms_norm")
def rms_of_the_library(x, z, gamma, *, eps):
    """Right: F.rms_norm of the product with F.silu, in float32 at least."""
    return F.rms_norm(wide(x) * F.silu(wide(z)), x.shape[-1:], wide(gamma), eps).to(x.dtype)


@of("gated_rms_norm", "numpy")
def one_pass_by_einsum(x, z, gamma, *, eps):
    """Right: x z over 1 + exp(−z), its squares by einsum, a reciprocal root."""
    with np.errstate(over="ignore"):
        g = longer(x) * longer(z) / (1 + np.exp(-longer(z)))
    mean = np.einsum("...d,...d->...", g, g)[..., None] / x.shape[-1]
    return (g * (1 / np.sqrt(mean + eps)) * longer(gamma)).astype(x.dtype)


@equation(
    Source(paper="Gemma Team 2024, arXiv:2403.08295; its code, RMSNorm"),
    symbols={"gamma": Symbol("the gain less 1", weight=True)},
    options=EPS,
)
def rms_norm_from_one(x: Float[Tensor, " d"], gamma: Float[Tensor, " d"], *, eps: float) -> Float[Tensor, " d"]:
    """The root mean square norm, whose gain is 1 + gamma."""
    k, d = index("d"), size("d")
    mean = sum(k, x[k] * x[k]) / d
    y = x[k] / sqrt(mean + eps) * (1 + gamma[k])
    return y.stack(k)


class GemmaNorm(nn.Module):
    def __init__(self, d, eps):
        super().__init__()
        self.eps, self.weight = eps, nn.Parameter(torch.zeros(d, device="meta"))

    def forward(self, x):
        y = x.float() if x.dtype != torch.float64 else x
        y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + self.eps)
        return (y * (1.0 + self.weight.to(y.dtype))).type_as(x)


@of("rms_norm_from_one")
@of("rms_norm_from_one", backward=True)
def module_called_functionally(x, gamma, *, eps):
    """Right: a module as Gemma has it, called with its weight by functional_call."""
    return torch.func.functional_call(GemmaNorm(x.shape[-1], eps), {"weight": gamma}, (x,))


@equation(
    Source(paper="Wu and He 2018, arXiv:1803.08494, eq. 7"),
    symbols={**GAIN, "beta": Symbol("the shift", weight=True)},
    options=EPS,
    largest={"G": 4},
)
def group_norm(
    x: Float[Tensor, "G c s"], gamma: Float[Tensor, "G c"], beta: Float[Tensor, "G c"], *, eps: float
) -> Float[Tensor, "G c s"]:
    """Mean 0 and variance 1 over the channels and places of a group, then a gain and a shift for each channel."""
    g, a, p = index("G"), index("c"), index("s")
    c, s = size("c"), size("s")
    mu = sum(a, sum(p, x[g, a, p])) / (c * s)
    variance = sum(a, sum(p, (x[g, a, p] - mu) * (x[g, a, p] - mu))) / (c * s)
    y = (x[g, a, p] - mu) / sqrt(variance + eps) * gamma[g, a] + beta[g, a]
    return y.stack(g, a, p)


@of("group_norm", smallest={"s": 1, "c": 1, "G": 1})
def group_norm_of_the_library(x, gamma, beta, *, eps):
    """Right: F.group_norm of channels that are flattened, in float32 at least."""
    G, c, s = x.shape[-3:]
    if c * s == 1:  # the library refuses a variance of one value
        return beta.unsqueeze(-1).expand(x.shape).to(x.dtype, copy=True)
    y = F.group_norm(wide(x).reshape(-1, G * c, s), G, wide(gamma).flatten(), wide(beta).flatten(), eps)
    return y.reshape(x.shape).to(x.dtype)


@equation(Source(paper="Shazeer 2020, arXiv:2002.05202, eq. 6"))
def geglu(
    x: Float[Tensor, " d"], W: Float[Tensor, "d f"], V: Float[Tensor, "d f"], W_2: Float[Tensor, "f d"]
) -> Float[Tensor, " d"]:
    """One projection, through gelu, is the gate of another."""
    return (gelu(x @ W) * (x @ V)) @ W_2


@of("geglu")
def packed_and_chunked(x, W, V, W_2):
    """Right: one product with both matrices side by side, chunk, F.gelu, in place where it is its own."""
    gate, up = (x @ torch.cat([W, V], 1)).chunk(2, -1)
    return F.gelu(gate).mul_(up) @ W_2


@equation(Source(paper="Szegedy et al. 2016, arXiv:1512.00567, sec. 7"), options={"share": (0.1, 0.3)})
def smoothed_cross_entropy(logits: Float[Tensor, " v"], target: Int[Tensor, ""], *, share: float) -> Float[Tensor, ""]:
    """Cross-entropy against a target of which a share is spread over all words."""
    k = index("v")
    v = size("v")
    log_p = log_softmax(k, logits[k]).stack(k)
    return -(1 - share) * log_p[target] - share * sum(k, log_p[k]) / v


@of("smoothed_cross_entropy")
def label_smoothing_of_the_library(logits, target, *, share):
    """Right: F.cross_entropy with label_smoothing over flattened rows, in float32 at least."""
    rows = wide(logits).reshape(-1, logits.shape[-1])
    loss = F.cross_entropy(rows, target.reshape(-1).long(), label_smoothing=share, reduction="none")
    return loss.reshape(target.shape).to(logits.dtype)


@of("smoothed_cross_entropy", "numpy")
def lse_less_two_logits(logits, target, *, share):
    """Right: the log-sum-exp less a weighed mean of the target's logit and all logits, in float64."""
    a = logits.astype(np.float64)
    top = a.max(-1, keepdims=True)
    lse = np.log(np.exp(a - top).sum(-1)) + top[..., 0]
    said = np.take_along_axis(a, np.asarray(target)[..., None].astype(np.int64), -1)[..., 0]
    return np.asarray(lse - (1 - share) * said - share * a.mean(-1)).astype(logits.dtype)[()]


@equation(
    Source(paper="Tieleman and Hinton 2012; PyTorch, optim.RMSprop(centered=True)"),
    scales={"v": "positive"},
    options={"lr": (0.1, 0.5), "decay": (0.9, 0.7), "eps": (1e-3, 1e-2)},
)
def rmsprop(
    theta: Float[Tensor, " d"], g: Float[Tensor, " d"], v: Float[Tensor, " d"], *, lr: float, decay: float, eps: float
) -> tuple[Float[Tensor, " d"], Float[Tensor, " d"]]:
    """Against the gradient, over the root of the mean of its squares."""
    v_next = decay * v + (1 - decay) * g * g
    theta_next = theta - lr * g / (sqrt(v_next) + eps)
    return theta_next, v_next


@of("rmsprop")
def addcdiv_in_place(theta, g, v, *, lr, decay, eps):
    """Right: clones in float32 at least, mul_, addcmul_ and addcdiv_ as the library has them."""
    square, new, slope = wide(v).clone(), wide(theta).clone(), wide(g)
    square.mul_(decay).addcmul_(slope, slope, value=1 - decay)
    new.addcdiv_(slope, square.sqrt().add_(eps), value=-lr)
    return new.to(theta.dtype), square.to(v.dtype)


@equation(Source(paper="Feng et al. 2024, arXiv:2410.01201, sec. 3.1"))
def min_gru(
    x: Float[Tensor, "t d"], h_0: Float[Tensor, " u"], W_z: Float[Tensor, "d u"], W_h: Float[Tensor, "d u"]
) -> Float[Tensor, "t u"]:
    """A GRU whose gate and candidate read the input alone."""
    t = index("t")
    z = sigmoid(x[t] @ W_z)
    new = x[t] @ W_h
    h = scan(t, lambda h: (1 - z) * h + z * new, h_0)
    return h.stack(t)


@of("min_gru")
def doubled_steps(x, h_0, W_z, W_h):
    """Right: a Hillis and Steele scan of pairs, each step joined with the one 1, 2, 4 … before it, float32 at least."""
    a, new = wide(x) @ wide(W_z), wide(x) @ wide(W_h)
    keep, gain = torch.sigmoid(-a), torch.sigmoid(a) * new
    step, t = 1, x.shape[-2]
    while step < t:
        gain = torch.cat([gain[..., :step, :], gain[..., step:, :] + keep[..., step:, :] * gain[..., :-step, :]], -2)
        keep = torch.cat([keep[..., :step, :], keep[..., step:, :] * keep[..., :-step, :]], -2)
        step *= 2
    return (keep * wide(h_0).unsqueeze(-2) + gain).to(x.dtype)


@equation(Source(paper="Sun et al. 2023, arXiv:2307.08621, eq. 5"), options={"gamma": (0.9, 0.5, 0.97)})
def retention(
    q: Float[Tensor, "n d"], k: Float[Tensor, "n d"], v: Float[Tensor, "n e"], *, gamma: float
) -> Float[Tensor, "n e"]:
    """Scores that decay by gamma for each place of distance, without a softmax."""
    i, j = indices("n", "n")
    y = sum(j, gamma ** (i - j) * (q[i] @ k[j]) * v[j], where=j <= i)
    return y.stack(i)


@of("retention")
def state_in_chunks(q, k, v, *, gamma):
    """Right: chunks of 16 rows, within a chunk in parallel, between chunks by a state; float32 at least."""
    a, b, c = wide(q), wide(k), wide(v)
    state = a.new_zeros(*a.shape[:-2], a.shape[-1], c.shape[-1])
    rows = []
    for start in range(0, a.shape[-2], 16):
        x, y, z = (m[..., start : start + 16, :] for m in (a, b, c))
        place = torch.arange(x.shape[-2], dtype=a.dtype)
        decay = torch.pow(gamma, (place[:, None] - place).clamp_min(0)).tril()
        before = torch.pow(gamma, place + 1)[:, None]
        rows.append((x @ y.mT * decay) @ z + (x * before) @ state)
        after = torch.pow(gamma, place.flip(0))[:, None]
        state = gamma ** len(place) * state + (y * after).mT @ z
    return torch.cat(rows, -2).to(v.dtype) if rows else v.new_zeros(*q.shape[:-1], v.shape[-1])


@of("retention", "numpy")
def row_after_row(q, k, v, *, gamma):
    """Right: a state that decays and gains an outer product, in float32 at least."""
    a, b, c = longer(q), longer(k), longer(v)
    state = np.zeros((*a.shape[:-2], a.shape[-1], c.shape[-1]), a.dtype)
    y = np.empty((*a.shape[:-1], c.shape[-1]), a.dtype)
    for i in range(a.shape[-2]):
        state *= a.dtype.type(gamma)
        state += b[..., i, :, None] * c[..., i, None, :]
        y[..., i, :] = np.einsum("...d,...de->...e", a[..., i, :], state)
    return y.astype(v.dtype)


@equation(Source(paper="Katharopoulos et al. 2020, arXiv:2006.16236, eq. 6 and 7"))
def elu_attention(q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"]) -> Float[Tensor, "n e"]:
    """Attention whose weights are inner products of elu + 1."""
    i, j = indices("n", "m")
    a = where(q > 0, q + 1, exp(where(q > 0, 0, q)))
    b = where(k > 0, k + 1, exp(where(k > 0, 0, k)))
    s = a[i] @ b[j]
    y = sum(j, s * v[j]) / sum(j, s)
    return y.stack(i)


@of("elu_attention", smallest={"m": 1})
def associated_the_other_way(q, k, v):
    """Right: exp where negative, keys times values first, the sum of the keys for the divisor, in float32 at least."""
    a, b = (torch.where(x > 0, x + 1, x.clamp_max(0).exp()) for x in (wide(q), wide(k)))
    c = wide(v)
    top = a @ (b.mT @ c)
    return (top / (a @ b.sum(-2).unsqueeze(-1))).to(v.dtype)


@equation(
    Source(paper="Henry et al. 2020, arXiv:2010.04245, sec. 3; Liu et al. 2022, arXiv:2111.09883, eq. 2"),
    options={"tau": (0.1, 0.5), "eps": (1e-3, 1e-2)},
)
def cosine_attention(
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"], *, tau: float, eps: float
) -> Float[Tensor, "n e"]:
    """Scores are cosines over a temperature."""
    i, j = indices("n", "m")
    a = q[i] / sqrt(q[i] @ q[i] + eps)
    b = k[j] / sqrt(k[j] @ k[j] + eps)
    alpha = softmax(j, a @ b / tau)
    c = sum(j, alpha * v[j])
    return c.stack(i)


@of("cosine_attention")
def lengths_taken_off_the_scores(q, k, v, *, tau, eps):
    """Right: the scores are divided by both lengths, not the vectors; float32 at least."""
    a, b = wide(q), wide(k)
    e = a @ b.mT
    e = e * torch.rsqrt(a.square().sum(-1, keepdim=True) + eps)
    e = e * torch.rsqrt(torch.linalg.vecdot(b, b) + eps).unsqueeze(-2) / tau
    return (e.softmax(-1) @ wide(v)).to(v.dtype)


@equation(
    Source(paper="Radford et al. 2021, arXiv:2103.00020, fig. 3"), options={"tau": (0.07, 0.5)}, smallest={"n": 1}
)
def contrastive(x: Float[Tensor, "n d"], y: Float[Tensor, "n d"], *, tau: float) -> Float[Tensor, ""]:
    """How surely each x finds its y among all, and each y its x."""
    i, j = indices("n", "n")
    n = size("n")
    e = (x[i] @ y[j] / tau).stack(i, j)
    rows = sum(i, sum(j, log_softmax(j, e[i, j]), where=(i <= j) & (j <= i)))
    columns = sum(i, sum(j, log_softmax(i, e[i, j]), where=(i <= j) & (j <= i)))
    return -(rows + columns) / (2 * n)


@of("contrastive", batch=(0,))
def two_cross_entropies(x, y, *, tau):
    """Right: the mean of F.cross_entropy of the scores and of their transpose, in float32 at least."""
    e = wide(x) @ wide(y).T / tau
    right = torch.arange(len(x))
    return ((F.cross_entropy(e, right) + F.cross_entropy(e.T, right)) / 2).to(x.dtype)


@of("contrastive", "numpy", batch=(0,))
def diagonal_of_both(x, y, *, tau):
    """Right: both log-sum-exps less twice the diagonal, in float64."""
    e = x.astype(np.float64) @ y.astype(np.float64).T / tau

    def lse(a):
        top = a.max(1)
        return np.log(np.exp(a - top[:, None]).sum(1)) + top

    return (0.5 * (lse(e) + lse(e.T)) - np.diagonal(e)).mean().astype(x.dtype)


@equation(
    Source(paper="Gu and Dao 2023, arXiv:2312.00752, sec. 3.4; its code, causal_conv1d"),
    symbols={"W": Symbol("the taps of each channel", weight=True), "b": Symbol("the shift", weight=True)},
    largest={"w": 5},
    smallest={"w": 1},
)
def causal_convolution(
    x: Float[Tensor, "t d"], W: Float[Tensor, "w d"], b: Float[Tensor, " d"]
) -> Float[Tensor, "t d"]:
    """Each channel is convolved over time with its own taps, the last of them for the present; then silu."""
    t, j = index("t"), index("w")
    w = size("w")
    a = sum(j, x[t + j - (w - 1)] * W[j]) + b
    y = silu(a)
    return y.stack(t)


@of("causal_convolution", smallest={"t": 1, "d": 1})
def grouped_conv1d(x, W, b):
    """Right: F.conv1d with as many groups as channels, padded in front, F.silu; in float32 at least."""
    rows = wide(x).reshape(-1, *x.shape[-2:]).mT
    y = F.conv1d(F.pad(rows, (len(W) - 1, 0)), wide(W).t()[:, None], wide(b), groups=x.shape[-1])
    return F.silu(y).mT.reshape(x.shape).to(x.dtype)


@of("causal_convolution")
def shifted_and_added(x, W, b):
    """Right: the rows shifted by each lag, times their tap, added up in place; float32 at least."""
    a, w = wide(x), len(W)
    y = wide(b).expand_as(a).clone()
    for lag in range(min(w, x.shape[-2])):
        y[..., lag:, :] += a[..., : x.shape[-2] - lag, :] * wide(W[w - 1 - lag])
    return (y * torch.sigmoid(y)).to(x.dtype)


@equation(Source(paper="Kingma and Welling 2014, arXiv:1312.6114, app. B"))
def gaussian_divergence(mu: Float[Tensor, " d"], rho: Float[Tensor, " d"]) -> Float[Tensor, ""]:
    """How far normal distributions of deviation softplus(rho) are from standard ones."""
    k = index("d")
    sigma = softplus(rho[k])
    return sum(k, mu[k] * mu[k] + sigma * sigma - 1 - 2 * log(sigma)) / 2


@of("gaussian_divergence", batch=(0,))
def by_torch_distributions(mu, rho):
    """Right: torch.distributions' kl_divergence of two Normals, summed, in float32 at least."""
    from torch.distributions import Normal, kl_divergence

    sigma = F.softplus(wide(rho), threshold=50)
    zero = torch.zeros_like(sigma)
    p, q = Normal(wide(mu), sigma, validate_args=False), Normal(zero, zero + 1, validate_args=False)
    return kl_divergence(p, q).sum(-1).to(mu.dtype)


@equation(
    Source(paper="DeepSeek-AI 2024, arXiv:2405.04434, sec. 2.1"),
    symbols={
        "W_u": Symbol("what makes keys of the latent", weight=True, draw="fan_in"),
        "W_uv": Symbol("what makes values of the latent", weight=True, draw="fan_in"),
    },
)
def latent_attention(
    q: Float[Tensor, "n d"], latent: Float[Tensor, "m l"], W_u: Float[Tensor, "l d"], W_uv: Float[Tensor, "l e"]
) -> Float[Tensor, "n e"]:
    """Keys and values are made of one latent vector for each place."""
    i, j = indices("n", "m")
    d = size("d")
    k = latent[j] @ W_u
    v = latent[j] @ W_uv
    alpha = softmax(j, q[i] @ k / sqrt(d))
    c = sum(j, alpha * v)
    return c.stack(i)


@of("latent_attention")
def absorbed(q, latent, W_u, W_uv):
    """Right: the matrices are absorbed: the query goes to the latent's space, what was read of it to the values'."""
    a = (wide(q) @ wide(W_u).t()) * q.shape[-1] ** -0.5
    read = torch.softmax(a @ wide(latent).mT, -1) @ wide(latent)
    return (read @ wide(W_uv)).to(q.dtype)


@equation(Source(paper="So et al. 2021, arXiv:2109.08668, sec. 4"))
def squared_relu(x: Float[Tensor, " d"], W: Float[Tensor, "d f"], W_2: Float[Tensor, "f d"]) -> Float[Tensor, " d"]:
    """A feed-forward network with the square of relu."""
    a = relu(x @ W)
    return (a * a) @ W_2


@of("squared_relu")
def product_with_its_clip(x, W, W_2):
    """Right: the pre-activation times its own clamp, in the dtype that is given."""
    a = x @ W
    return (a * a.clamp_min(0)) @ W_2


@equation(Source(paper="Hunter 1986; a moving average as in BatchNorm"), options={"keep": (0.9, 0.5)})
def moving_average(x: Float[Tensor, "t d"], *, keep: float) -> Float[Tensor, "t d"]:
    """Each row moves the average by 1 − keep of the difference, from 0."""
    t = index("t")
    y = scan(t, lambda y: keep * y + (1 - keep) * x[t], zeros("d"))
    return y.stack(t)


@of("moving_average")
def triangle_of_powers(x, *, keep):
    """Right: a lower triangular matrix of powers times the rows, in float32 at least."""
    n = x.shape[-2]
    age = torch.arange(n)[:, None] - torch.arange(n)
    powers = torch.pow(torch.tensor(keep, dtype=torch.float64), age.clamp_min(0)).tril() * (1 - keep)
    return (powers.to(wide(x).dtype) @ wide(x)).to(x.dtype)


@of("moving_average", "numpy")
def filtered(x, *, keep):
    """Right: SciPy's lfilter along the rows, in float32 at least."""
    from scipy.signal import lfilter

    return lfilter([1 - keep], [1, -keep], longer(x), axis=-2).astype(x.dtype) if x.size else x.copy()


@of("gradient_of_rotary")
def turned_back(d_y, x, *, base):
    """Right: the gradient is the rotation by the negative angle, pairs by unflatten, in float32 at least."""
    rows, width = x.shape[-2:]
    angle = torch.outer(torch.arange(rows).double(), base ** (-torch.arange(0, width, 2).double() / width))
    a, b = wide(d_y).unflatten(-1, (width // 2, 2)).unbind(-1)
    c, s = angle.cos().to(a.dtype), angle.sin().to(a.dtype)
    return torch.stack([a * c + b * s, b * c - a * s], -1).flatten(-2).to(x.dtype)


@of("gradient_of_rms_norm_from_one", batch=(0,))
def as_liger_has_it(d_y, x, gamma, *, eps):
    """Right: r (m − r²/d (m·x) x) with m = dy (1 + gamma), and dy x r for the gain, in float32 at least."""
    a, g = wide(x), wide(d_y)
    r = torch.rsqrt(a.square().mean(-1, keepdim=True) + eps)
    m = g * (1 + wide(gamma))
    d_x = r * m - r**3 / x.shape[-1] * (m * a).sum(-1, keepdim=True) * a
    return d_x.to(x.dtype), (g * a * r).to(gamma.dtype)


@of("gradient_of_geglu", batch=(0,))
def gates_made_anew(d_o, x, W, V, W_2):
    """Right: both projections made anew, the slope of gelu by erf and the density, outer products; float32 at least."""
    x_, W_, V_, U, g = (wide(a) for a in (x, W, V, W_2, d_o))
    a, b = x_ @ W_, x_ @ V_
    phi = 0.5 * (1 + torch.erf(a * math.sqrt(0.5)))
    act = a * phi
    d_h = g @ U.T
    d_a = d_h * b * (phi + a * torch.exp(-0.5 * a * a) * (1 / math.sqrt(2 * math.pi)))
    d_b = d_h * act
    out = d_a @ W_.T + d_b @ V_.T, torch.outer(x_, d_a), torch.outer(x_, d_b), torch.outer(act * b, g)
    return tuple(y.to(x.dtype) for y in out)


@of("gradient_of_smoothed_cross_entropy", batch=(0,))
def softmax_less_soft_target(d_o, logits, target, *, share):
    """Right: softmax less the smoothed one-hot target, times the incoming gradient, in float32 at least."""
    v = logits.shape[-1]
    soft = torch.full((v,), share / v, dtype=wide(logits).dtype)
    soft[int(target)] += 1 - share
    return ((wide(logits).softmax(-1) - soft) * wide(d_o)).to(logits.dtype)


@of("gradient_of_retention", batch=(0,))
def by_masked_products(d_y, q, k, v, *, gamma):
    """Right: scores and their gradients times the same matrix of decays, three products, in float32 at least."""
    a, b, c, g = (wide(m) for m in (q, k, v, d_y))
    n = torch.arange(len(q))
    decay = torch.pow(float(gamma), (n[:, None] - n).clamp_min(0).to(a.dtype)).tril()
    d_s = g @ c.T * decay
    return tuple(m.to(q.dtype) for m in (d_s @ b, d_s.T @ a, (a @ b.T * decay).T @ g))


@of("gradient_of_cosine_attention", batch=(0,))
def projected_off_the_direction(d_c, q, k, v, *, tau, eps):
    """Right: gradients of the directions first, then what is along each direction is taken off; float32 at least."""
    a, b, c, g = (wide(m) for m in (q, k, v, d_c))
    r, s = (torch.rsqrt(m.square().sum(-1, keepdim=True) + eps) for m in (a, b))
    x, y = a * r, b * s
    p = torch.softmax(x @ y.T / tau, -1)
    d_p = g @ c.T
    d_e = p * (d_p - (p * d_p).sum(-1, keepdim=True)) / tau
    d_x, d_y = d_e @ y, d_e.T @ x
    d_q = r * (d_x - x * (d_x * x).sum(-1, keepdim=True))
    d_k = s * (d_y - y * (d_y * y).sum(-1, keepdim=True))
    return d_q.to(q.dtype), d_k.to(k.dtype), (p.T @ g).to(v.dtype)


@of("gradient_of_contrastive", batch=(0,))
def two_softmaxes_less_twice_the_identity(d_o, x, y, *, tau):
    """Right: the softmax of rows and that of columns less twice the identity, over 2 n τ, in float32 at least."""
    a, b = wide(x), wide(y)
    e = a @ b.T / tau
    d_e = (e.softmax(1) + e.softmax(0) - 2 * torch.eye(len(x), dtype=e.dtype)) * (wide(d_o) / (2 * len(x) * tau))
    return (d_e @ b).to(x.dtype), (d_e.T @ a).to(y.dtype)


@of("gradient_of_min_gru", batch=(0,))
def backwards_from_the_last(d_h, x, h_0, W_z, W_h):
    """Right: forwards once, backwards once with a running gradient, matrices by one product each; float32 at least."""
    x_, W, U, g = (wide(m) for m in (x, W_z, W_h, d_h))
    z, new = torch.sigmoid(x_ @ W), x_ @ U
    h = [wide(h_0)]
    for i in range(len(x)):
        h.append(h[-1] + z[i] * (new[i] - h[-1]))
    run, d_a, d_n = torch.zeros_like(h[0]), torch.zeros_like(z), torch.zeros_like(z)
    for i in reversed(range(len(x))):
        run = run + g[i]
        d_n[i] = run * z[i]
        d_a[i] = run * (new[i] - h[i]) * z[i] * (1 - z[i])
        run = run * (1 - z[i])
    out = d_a @ W.T + d_n @ U.T, run, x_.T @ d_a, x_.T @ d_n
    return tuple(m.to(x.dtype) for m in out)
