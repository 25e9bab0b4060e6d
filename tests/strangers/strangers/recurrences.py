"""Recurrences beside GRU and LSTM."""

from attnspec import Source, Symbol, equation
from attnspec.notation import Float, Tensor, exp, index, indices, scan, sigmoid, softplus, sum, tanh, zeros

KATHAROPOULOS = "Katharopoulos et al. 2020, arXiv:2006.16236"
PEEPHOLES = {name: Symbol("the weights from the cell state to a gate", weight=True) for name in ("p_i", "p_f", "p_o")}


@equation(Source(paper="Gers and Schmidhuber 2000, sec. 3"), symbols=PEEPHOLES)
def peephole_lstm_cell(
    x: Float[Tensor, " d"],
    h: Float[Tensor, " u"],
    c: Float[Tensor, " u"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], p_i: Float[Tensor, " u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], p_f: Float[Tensor, " u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], p_o: Float[Tensor, " u"], b_o: Float[Tensor, " u"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " u"]]:  # fmt: skip
    """An LSTM whose gates read the cell state: the output gate the new one."""
    i = sigmoid(x @ W_xi + h @ W_hi + p_i * c + b_i)
    f = sigmoid(x @ W_xf + h @ W_hf + p_f * c + b_f)
    g = tanh(x @ W_xg + h @ W_hg + b_g)
    c_next = f * c + i * g
    o = sigmoid(x @ W_xo + h @ W_ho + p_o * c_next + b_o)
    h_next = o * tanh(c_next)
    return h_next, c_next


# In float16 the exponentials and their products overflow earlier; that is not asked. In float32 they stay finite, and
# so do the sums of gradients, in which code adds terms of 0 times the exponential of another row.
FEATURES = {name: Symbol(within=(-40.0, 40.0)) for name in ("q", "k")}


@equation(Source(paper=f"{KATHAROPOULOS}, eq. 9"), symbols=FEATURES)
def linear_attention(q: Float[Tensor, "n d"], k: Float[Tensor, "n d"], v: Float[Tensor, "n e"]) -> Float[Tensor, "n e"]:
    """Causal attention whose weights are inner products of features, here exp."""
    i, j = indices("n", "n")
    s = exp(q[i]) @ exp(k[j])
    y = sum(j, s * v[j], where=j <= i) / sum(j, s, where=j <= i)
    return y.stack(i)


@equation(Source(paper=f"{KATHAROPOULOS}, eq. 18"))
def state_step(k: Float[Tensor, " d"], v: Float[Tensor, " e"], S: Float[Tensor, "d e"]) -> Float[Tensor, "d e"]:
    """The state gains φ(k) vᵀ."""
    a = index("d")
    S_next = S[a] + exp(k[a]) * v
    return S_next.stack(a)


@equation(Source(paper=f"{KATHAROPOULOS}, eq. 19"))
def normaliser_step(k: Float[Tensor, " d"], z: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
    """The normaliser gains φ(k)."""
    return z + exp(k)


@equation(Source(paper=f"{KATHAROPOULOS}, eq. 18 to 20"))
def linear_attention_recurrent(
    q: Float[Tensor, "n d"], k: Float[Tensor, "n d"], v: Float[Tensor, "n e"]
) -> Float[Tensor, "n e"]:
    """The same attention, by a state that does not grow."""
    t = index("n")
    S = scan(t, lambda S: state_step(k[t], v[t], S), zeros("d e"))
    z = scan(t, lambda z: normaliser_step(k[t], z), zeros("d"))
    y = exp(q[t]) @ S / (exp(q[t]) @ z)
    return y.stack(t)


@equation(Source(paper="Yang et al. 2025, arXiv:2412.06464v3, eq. 10"))
def gated_delta_step(
    k: Float[Tensor, " d"], v: Float[Tensor, " e"], alpha: Float[Tensor, ""], beta: Float[Tensor, ""],
    S: Float[Tensor, "d e"],
) -> Float[Tensor, "d e"]:  # fmt: skip
    """The state decays, forgets what it has for the key, and learns the new value."""
    a = index("d")
    kept = alpha * S
    S_next = kept[a] + beta * k[a] * (v - k @ kept)
    return S_next.stack(a)


GATES = {name: Symbol("a gate of each step", draw="uniform") for name in ("alpha", "beta")}


@equation(Source(paper="Yang et al. 2025, arXiv:2412.06464v3, eq. 10"), symbols=GATES)
def gated_delta_rule(
    q: Float[Tensor, "n d"], k: Float[Tensor, "n d"], v: Float[Tensor, "n e"], alpha: Float[Tensor, " n"],
    beta: Float[Tensor, " n"],
) -> Float[Tensor, "n e"]:  # fmt: skip
    """Linear attention with a state that decays by alpha and overwrites by beta."""
    t = index("n")
    S = scan(t, lambda S: gated_delta_step(k[t], v[t], alpha[t], beta[t], S), zeros("d e"))
    y = q[t] @ S
    return y.stack(t)


@equation(Source(paper="Gu and Dao 2023, arXiv:2312.00752, alg. 2"))
def selective_step(
    x: Float[Tensor, " d"], delta: Float[Tensor, " d"], B: Float[Tensor, " s"], A: Float[Tensor, "d s"],
    h: Float[Tensor, "d s"],
) -> Float[Tensor, "d s"]:  # fmt: skip
    """The state decays by exp(ΔA) and gains Δ x B."""
    c = index("d")
    h_next = exp(delta[c] * A[c]) * h[c] + delta[c] * x[c] * B
    return h_next.stack(c)


DECAYS = {"A": Symbol("the rates of decay", weight=True, draw="normal", within=(-16.0, 0.0))}


@equation(Source(paper="Gu and Dao 2023, arXiv:2312.00752, alg. 2"), symbols=DECAYS)
def selective_scan(
    x: Float[Tensor, "n d"], A: Float[Tensor, "d s"], W_delta: Float[Tensor, "d d"], b_delta: Float[Tensor, " d"],
    W_B: Float[Tensor, "d s"], W_C: Float[Tensor, "d s"],
) -> Float[Tensor, "n d"]:  # fmt: skip
    """A state space whose step, input and output depend on the input."""
    t = index("n")
    delta = softplus(x[t] @ W_delta + b_delta)
    B = x[t] @ W_B
    C = x[t] @ W_C
    h = scan(t, lambda h: selective_step(x[t], delta, B, A, h), zeros("d s"))
    y = h @ C
    return y.stack(t)
