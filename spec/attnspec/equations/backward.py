"""Gradients: what a training kernel returns, from the gradients of an equation's results.

∂x is the gradient of a loss by x. All of it is for one example, the gradients of what a model learns too; those of a
batch are their sum.
"""

from jaxtyping import Bool, Float, Int

from attnspec import Source, equation
from attnspec.equations import attention, multihead, recurrent, scores, seq2seq, text, transformer
from attnspec.notation import (
    Tensor,
    concat,
    index,
    indices,
    last,
    scan,
    sigmoid,
    size,
    softmax,
    sqrt,
    sum,
    tanh,
    transpose,
    where,
)

BRIDLE = Source(paper="Bridle 1990, Neurocomputing, NATO ASI Series F68")
BINARY = Source(paper="PyTorch, binary_cross_entropy_with_logits, differentiated")
DAO = Source(paper="Dao et al. 2022, arXiv:2205.14135v2, app. B.2; Dao 2023, arXiv:2307.08691v1, alg. 2")
BA = Source(paper="Ba, Kiros and Hinton 2016, arXiv:1607.06450v1, eq. 3 and 4, differentiated")
PADDING = Source(paper="PyTorch, nn.Embedding(padding_idx=…)")
RUMELHART = Source(paper="Rumelhart, Hinton and Williams 1986, Nature 323, eq. 5 to 7")
BAHDANAU = Source(paper="Bahdanau et al. 2015, arXiv:1409.0473v7, app. A.1.2, differentiated")
WERBOS = Source(paper="Werbos 1990, Proceedings of the IEEE 78(10), backpropagation through time")
PASCANU = Source("001", "RNN 结构", paper="Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063v2, eq. 5")
CHO = Source(paper="Cho et al. 2014, arXiv:1406.1078v3, sec. 2.3, differentiated")
CHO_V1 = Source(paper="Cho et al. 2014, arXiv:1406.1078v1, sec. 2.3, differentiated; PyTorch nn.GRU")
CHO_BAHDANAU = Source(paper="Bahdanau et al. 2015, arXiv:1409.0473v7, app. A.1.1, differentiated")
GREFF = Source(paper="Greff et al. 2017, arXiv:1503.04069v2, sec. II.B, without peepholes")
VASWANI = Source(paper="Vaswani et al. 2017, arXiv:1706.03762, sec. 3.2.2, differentiated")


@equation(BRIDLE, name="softmax", gradient_of=attention.weights)
def softmax_rows(d_alpha: Float[Tensor, "n m"], e: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """The gradient of scores by that of their weights, row by row: what a row has in common is taken off.

    The number of the equation in Bridle 1990 could not be checked.
    """
    i, j = indices("n", "m")
    alpha = softmax(j, e[i, j])
    D = sum(j, alpha * d_alpha[i, j])
    d_e = alpha * (d_alpha[i, j] - D)
    return d_e.stack(i, j)


@equation(BRIDLE, gradient_of=seq2seq.cross_entropy)
def cross_entropy(
    d_loss: Float[Tensor, ""], logits: Float[Tensor, " v"], target: Int[Tensor, ""],
) -> Float[Tensor, " v"]:
    """What is said, less what is right: 1 is taken off the probability of the target.

    The number of the equation in Bridle 1990 could not be checked.
    """
    k = index("v")
    p = softmax(k, logits[k])
    d_logits = d_loss * (p - where(k == target, 1, 0))
    return d_logits.stack(k)


@equation(BINARY, gradient_of=text.binary_cross_entropy, scales={"logit": "scores", "target": "bit"})
def binary_cross_entropy(
    d_loss: Float[Tensor, ""], logit: Float[Tensor, ""], target: Int[Tensor, ""],
) -> Float[Tensor, ""]:
    """What is predicted less what is right; the target gets no gradient."""
    p = sigmoid(logit)
    return d_loss * (p - target)


@equation(RUMELHART, gradient_of=text.embedding, scales={"k": "token or missing"})
def embedding(
    d_x: Float[Tensor, "t d"], k: Int[Tensor, " t"], P: Float[Tensor, "v d"],
) -> Float[Tensor, "v d"]:
    """Each row gathers the gradients of the places where its token stood; a missing token gives its own to none."""
    i, w = indices("t", "v")
    d_P = sum(i, d_x[i], where=k[i] == w)
    return d_P.stack(w)


@equation(PADDING, gradient_of=text.embedding_padding_idx, scales={"k": "token or missing"},
          convention_of=embedding, says="the row of padding, padding_idx, gets no gradient")
def embedding_padding_idx(
    d_x: Float[Tensor, "t d"], k: Int[Tensor, " t"], P: Float[Tensor, "v d"], *, padding_idx: int,
) -> Float[Tensor, "v d"]:
    """embedding, but for the row of padding, which stays what it is: not the slope, by intent."""
    i, w = indices("t", "v")
    d_P = where(w == padding_idx, 0, sum(i, d_x[i], where=k[i] == w))
    return d_P.stack(w)


@equation(RUMELHART, gradient_of=transformer.linear)
def linear(
    d_y: Float[Tensor, "t e"], x: Float[Tensor, "t d"], W: Float[Tensor, "d e"], b: Float[Tensor, " e"],
) -> tuple[Float[Tensor, "t d"], Float[Tensor, "d e"], Float[Tensor, " e"]]:
    """The gradients of a linear layer; those of matrix and bias are sums over the rows."""
    t = index("t")
    d_x = d_y @ transpose(W)
    d_W = transpose(x) @ d_y
    d_b = sum(t, d_y[t])
    return d_x, d_W, d_b


@equation(BA, gradient_of=transformer.layer_norm)
def layer_norm(
    d_y: Float[Tensor, " d"],
    x: Float[Tensor, " d"], gamma: Float[Tensor, " d"], beta: Float[Tensor, " d"], *, eps: float,
) -> tuple[Float[Tensor, " d"], Float[Tensor, " d"], Float[Tensor, " d"]]:
    """The gradients of a normalised vector: mean and variance hang on every component, so each has two more terms."""
    k = index("d")
    d = size("d")
    mu = sum(k, x[k]) / d  # mean
    variance = sum(k, (x[k] - mu) * (x[k] - mu)) / d
    s = sqrt(variance + eps)
    x_hat = (x[k] - mu) / s
    d_x_hat = d_y[k] * gamma[k]
    by_mean = sum(k, d_x_hat) / d
    by_variance = sum(k, d_x_hat * x_hat) / d
    d_x = (d_x_hat - by_mean - x_hat * by_variance) / s
    d_gamma = d_y[k] * x_hat
    return d_x.stack(k), d_gamma.stack(k), d_y


@equation(VASWANI, gradient_of=scores.scaled_dot)
def scaled_dot(
    d_e: Float[Tensor, "n m"], q: Float[Tensor, "n d"], k: Float[Tensor, "m d"],
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "m d"]]:
    """The gradients of queries and keys by those of their scores; the scale stands in both."""
    i, j = indices("n", "m")
    d = size("d")
    d_q = sum(j, d_e[i, j] * k[j]) / sqrt(d)
    d_k = sum(i, d_e[i, j] * q[i]) / sqrt(d)
    return d_q.stack(i), d_k.stack(j)


@equation(BAHDANAU, gradient_of=scores.additive)
def additive(
    d_e: Float[Tensor, "n m"],
    s: Float[Tensor, "n p"], h: Float[Tensor, "m q"],
    W: Float[Tensor, "p a"], U: Float[Tensor, "q a"], v_a: Float[Tensor, " a"],
) -> tuple[
    Float[Tensor, "n p"], Float[Tensor, "m q"], Float[Tensor, "p a"], Float[Tensor, "q a"], Float[Tensor, " a"],
]:
    """The gradients of additive scores: what a pair hands back goes to its query and to its key."""
    i, j = indices("n", "m")
    f = tanh(s[i] @ W + h[j] @ U)  # the hidden layer
    d_v_a = sum(i, sum(j, d_e[i, j] * f))
    d_f = d_e[i, j] * v_a * (1 - f * f)  # before its tanh
    d_q = sum(j, d_f)
    d_k = sum(i, d_f)
    d_s = W @ d_q
    d_h = U @ d_k
    d_W = transpose(s) @ d_q.stack(i)
    d_U = transpose(h) @ d_k.stack(j)
    return d_s.stack(i), d_h.stack(j), d_W, d_U, d_v_a


@equation(DAO, gradient_of=attention.scaled_dot_product)
def scaled_dot_product(
    d_o: Float[Tensor, "n e"],
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "m d"], Float[Tensor, "m e"]]:
    """The gradients of queries, keys and values, as fused kernels compute them: the weights are made anew."""
    i, j = indices("n", "m")
    d = size("d")
    e = q[i] @ k[j] / sqrt(d)
    p = softmax(j, e)
    o = sum(j, p * v[j])
    d_v = sum(i, p * d_o[i])  # Pᵀ ∂O
    d_p = d_o[i] @ v[j]
    D = d_o[i] @ o  # what softmax takes off: Σ_j p_ij ∂p_ij
    d_e = p * (d_p - D)
    d_q = sum(j, d_e * k[j]) / sqrt(d)
    d_k = sum(i, d_e * q[i]) / sqrt(d)
    return d_q.stack(i), d_k.stack(j), d_v.stack(j)


@equation(DAO, gradient_of=attention.masked)
def masked(
    d_o: Float[Tensor, "n e"],
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"], mask: Bool[Tensor, "n m"],
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "m d"], Float[Tensor, "m e"]]:
    """scaled_dot_product over the keys that each query may look at; the other pairs hand nothing back.

    A query with nothing to look at gets the gradient 0, and so does a key that nobody may look at.
    """
    i, j = indices("n", "m")
    d = size("d")
    e = q[i] @ k[j] / sqrt(d)
    p = softmax(j, e, where=mask[i, j])
    o = sum(j, p * v[j], where=mask[i, j])
    d_v = sum(i, p * d_o[i], where=mask[i, j])
    d_p = d_o[i] @ v[j]
    D = d_o[i] @ o
    d_e = where(mask[i, j], p * (d_p - D), 0)
    d_q = sum(j, d_e * k[j], where=mask[i, j]) / sqrt(d)
    d_k = sum(i, d_e * q[i], where=mask[i, j]) / sqrt(d)
    return d_q.stack(i), d_k.stack(j), d_v.stack(j)


@equation(DAO, gradient_of=attention.causal)
def causal(
    d_o: Float[Tensor, "n e"],
    q: Float[Tensor, "n d"], k: Float[Tensor, "m d"], v: Float[Tensor, "m e"],
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "m d"], Float[Tensor, "m e"]]:
    """scaled_dot_product that does not look ahead; the last query is aligned with the last key.

    A key learns from the queries that come after it alone.
    """
    i, j = indices("n", "m")
    n, m, d = size("n"), size("m"), size("d")
    e = q[i] @ k[j] / sqrt(d)
    p = softmax(j, e, where=j <= i + (m - n))
    o = sum(j, p * v[j], where=j <= i + (m - n))
    d_v = sum(i, p * d_o[i], where=j <= i + (m - n))
    d_p = d_o[i] @ v[j]
    D = d_o[i] @ o
    d_e = where(j <= i + (m - n), p * (d_p - D), 0)
    d_q = sum(j, d_e * k[j], where=j <= i + (m - n)) / sqrt(d)
    d_k = sum(i, d_e * q[i], where=j <= i + (m - n)) / sqrt(d)
    return d_q.stack(i), d_k.stack(j), d_v.stack(j)


@equation(VASWANI, name="attention", gradient_of=multihead.attention)
def multihead_attention(
    d_o: Float[Tensor, "n c"],
    x_q: Float[Tensor, "n c"], x_kv: Float[Tensor, "m c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"],
    W_o: Float[Tensor, "H*d c"], *, heads: int,
) -> tuple[
    Float[Tensor, "n c"], Float[Tensor, "m c"],
    Float[Tensor, "c H*d"], Float[Tensor, "c H*d"], Float[Tensor, "c H*d"], Float[Tensor, "H*d c"],
]:
    """The gradients of multi-head attention: each head hands back on its own, between the linear layers around them."""
    h = index("H")
    q = multihead.split_heads(x_q @ W_q, heads=heads)
    k = multihead.split_heads(x_kv @ W_k, heads=heads)
    v = multihead.split_heads(x_kv @ W_v, heads=heads)
    head = attention.scaled_dot_product(q[h], k[h], v[h])
    d_head = multihead.split_heads(d_o @ transpose(W_o), heads=heads)
    d_q_head, d_k_head, d_v_head = scaled_dot_product(d_head[h], q[h], k[h], v[h])
    d_q, d_k, d_v = concat(h, d_q_head), concat(h, d_k_head), concat(h, d_v_head)
    d_x_q = d_q @ transpose(W_q)
    d_x_kv = d_k @ transpose(W_k) + d_v @ transpose(W_v)
    d_W_q = transpose(x_q) @ d_q
    d_W_k, d_W_v = transpose(x_kv) @ d_k, transpose(x_kv) @ d_v
    d_W_o = transpose(concat(h, head)) @ d_o
    return d_x_q, d_x_kv, d_W_q, d_W_k, d_W_v, d_W_o


@equation(WERBOS, gradient_of=recurrent.simple_rnn_cell)
def simple_rnn_cell(
    d_h_next: Float[Tensor, " u"],
    x: Float[Tensor, " d"], h: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> tuple[
    Float[Tensor, " d"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
]:
    """The gradients of one step of a simple RNN; that of the bias is that of what tanh takes."""
    k, l, w = indices("d", "u", "u")
    h_next = recurrent.simple_rnn_cell(x, h, W_xh, W_hh, b_h)
    d_a = d_h_next * (1 - h_next * h_next)  # before its tanh
    d_x = W_xh @ d_a
    d_h = W_hh @ d_a
    d_W_xh = x[k] * d_a[w]
    d_W_hh = h[l] * d_a[w]
    return d_x, d_h, d_W_xh.stack(k, w), d_W_hh.stack(l, w), d_a


@equation(WERBOS, gradient_of=recurrent.simple_rnn)
def simple_rnn(
    d_h: Float[Tensor, "t u"],
    x: Float[Tensor, "t d"], h_0: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> tuple[
    Float[Tensor, "t d"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
]:
    """Backpropagation through time: each step hands back to the one before it, and all that they teach is added up.

    ∂h are the gradients that reach the states from outside, not by way of later states.
    """
    i = index("t")
    t = size("t")
    s = scan(i, lambda s: recurrent.simple_rnn_cell(x[i], s, W_xh, W_hh, b_h), h_0)
    h, h_before = s.stack(i), where(i < 1, h_0, s.stack(i)[i - 1]).stack(i)
    g = scan(i, lambda g: (d_h[t - 1 - i] + W_hh @ g) * (1 - h[t - 1 - i] * h[t - 1 - i]), 0 * h_0)  # before each tanh
    d_a = g.stack(i)[t - 1 - i].stack(i)  # in the order of the steps
    d_x = d_a @ transpose(W_xh)
    d_h_0 = W_hh @ last(i, g)
    d_W_xh = transpose(x) @ d_a
    d_W_hh = transpose(h_before) @ d_a
    d_b_h = sum(i, d_a[i])
    return d_x, d_h_0, d_W_xh, d_W_hh, d_b_h


@equation(PASCANU)
def rnn_jacobian(
    x: Float[Tensor, "t d"], h_0: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> Float[Tensor, "u u"]:
    """∂h_T/∂h_0 of the simple RNN, a row for each component of h_T: one factor diag(1 − h_t²) W_hhᵀ for each step.

    Its norm is at most that of W_hh to the power of T. Where that norm is less than 1 it therefore vanishes as T grows;
    where it is not, it may explode or vanish. Between two positions of which one attends to the other there is a single
    factor.
    """
    i, k, l = indices("t", "u", "u")
    h = recurrent.simple_rnn(x, h_0, W_xh, W_hh, b_h)
    identity = where((k <= l) & (l <= k), 1, 0).stack(k, l)
    J = scan(i, lambda J: ((1 - h[i] * h[i])[k] * (transpose(W_hh) @ J)[k]).stack(k), identity)
    return last(i, J)


@equation(CHO)
def gru_gates(
    d_h_next: Float[Tensor, " u"],
    h: Float[Tensor, " u"], r: Float[Tensor, " u"], z: Float[Tensor, " u"], h_tilde: Float[Tensor, " u"],
    W_hr: Float[Tensor, "u u"], W_hz: Float[Tensor, "u u"], W_hh: Float[Tensor, "u u"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " u"], Float[Tensor, " u"], Float[Tensor, " u"]]:
    """What one step of gru_cell hands back, given its gates: to the state before it, and to what r, z and h̃ are of."""
    d_a_h = d_h_next * (1 - z) * (1 - h_tilde * h_tilde)  # before the candidate's tanh
    d_rh = W_hh @ d_a_h  # of r ⊙ h
    d_a_r = d_rh * h * r * (1 - r)  # before the gates' sigmoids
    d_a_z = d_h_next * (h - h_tilde) * z * (1 - z)
    d_h = d_h_next * z + d_rh * r + W_hr @ d_a_r + W_hz @ d_a_z
    return d_h, d_a_r, d_a_z, d_a_h


@equation(CHO, gradient_of=recurrent.gru_cell)
def gru_cell(
    d_h_next: Float[Tensor, " u"],
    x: Float[Tensor, " d"], h: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> tuple[
    Float[Tensor, " d"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
]:
    """The gradients of one step of a GRU in which z keeps and r acts before the matrix."""
    k, l, w = indices("d", "u", "u")
    r = sigmoid(x @ W_xr + h @ W_hr + b_r)
    z = sigmoid(x @ W_xz + h @ W_hz + b_z)
    h_tilde = tanh(x @ W_xh + (r * h) @ W_hh + b_h)
    d_h, d_a_r, d_a_z, d_a_h = gru_gates(d_h_next, h, r, z, h_tilde, W_hr, W_hz, W_hh)
    d_x = W_xr @ d_a_r + W_xz @ d_a_z + W_xh @ d_a_h
    d_W_xr, d_W_hr = x[k] * d_a_r[w], h[l] * d_a_r[w]
    d_W_xz, d_W_hz = x[k] * d_a_z[w], h[l] * d_a_z[w]
    d_W_xh, d_W_hh = x[k] * d_a_h[w], (r * h)[l] * d_a_h[w]
    return (
        d_x, d_h, d_W_xr.stack(k, w), d_W_hr.stack(l, w), d_a_r, d_W_xz.stack(k, w), d_W_hz.stack(l, w), d_a_z,
        d_W_xh.stack(k, w), d_W_hh.stack(l, w), d_a_h,
    )


@equation(CHO, gradient_of=recurrent.gru)
def gru(
    d_h: Float[Tensor, "t u"],
    x: Float[Tensor, "t d"], h_0: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> tuple[
    Float[Tensor, "t d"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
]:
    """Backpropagation through a GRU: each step hands back by gru_gates, and what all teach the weights is added up."""
    i = index("t")
    t = size("t")
    s = scan(i, lambda s: recurrent.gru_cell(x[i], s, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h), h_0)
    h = where(i < 1, h_0, s.stack(i)[i - 1]).stack(i)  # before each step
    r = sigmoid(x[i] @ W_xr + h[i] @ W_hr + b_r).stack(i)
    z = sigmoid(x[i] @ W_xz + h[i] @ W_hz + b_z).stack(i)
    h_tilde = tanh(x[i] @ W_xh + (r[i] * h[i]) @ W_hh + b_h).stack(i)
    g, a_r, a_z, a_h = scan(
        i,
        lambda g, a_r, a_z, a_h: gru_gates(
            d_h[t - 1 - i] + g, h[t - 1 - i], r[t - 1 - i], z[t - 1 - i], h_tilde[t - 1 - i], W_hr, W_hz, W_hh
        ),
        0 * h_0, 0 * h_0, 0 * h_0, 0 * h_0,
    )
    d_a_r, d_a_z = a_r.stack(i)[t - 1 - i].stack(i), a_z.stack(i)[t - 1 - i].stack(i)  # in the order of the steps
    d_a_h = a_h.stack(i)[t - 1 - i].stack(i)
    d_x = d_a_r @ transpose(W_xr) + d_a_z @ transpose(W_xz) + d_a_h @ transpose(W_xh)
    return (
        d_x, last(i, g), transpose(x) @ d_a_r, transpose(h) @ d_a_r, sum(i, d_a_r[i]),
        transpose(x) @ d_a_z, transpose(h) @ d_a_z, sum(i, d_a_z[i]),
        transpose(x) @ d_a_h, transpose(r * h) @ d_a_h, sum(i, d_a_h[i]),
    )


@equation(CHO_V1, convention_of=gru_gates, says="the reset gate acts after the recurrent matrix, and on its bias")
def gru_gates_reset_after(
    d_h_next: Float[Tensor, " u"],
    h: Float[Tensor, " u"], r: Float[Tensor, " u"], z: Float[Tensor, " u"], h_tilde: Float[Tensor, " u"],
    W_hr: Float[Tensor, "u u"], W_hz: Float[Tensor, "u u"], W_hh: Float[Tensor, "u u"], a_hh: Float[Tensor, " u"],
) -> tuple[
    Float[Tensor, " u"], Float[Tensor, " u"], Float[Tensor, " u"], Float[Tensor, " u"], Float[Tensor, " u"],
]:
    """What one step of gru_cell_reset_after hands back; a_hh = h W_hh + b_hh is what its reset gate acts on."""
    d_a_h = d_h_next * (1 - z) * (1 - h_tilde * h_tilde)  # before the candidate's tanh
    d_a_hh = d_a_h * r
    d_a_r = d_a_h * a_hh * r * (1 - r)  # before the gates' sigmoids
    d_a_z = d_h_next * (h - h_tilde) * z * (1 - z)
    d_h = d_h_next * z + W_hh @ d_a_hh + W_hr @ d_a_r + W_hz @ d_a_z
    return d_h, d_a_r, d_a_z, d_a_h, d_a_hh


@equation(CHO_V1, gradient_of=recurrent.gru_cell_reset_after,
          convention_of=gru_cell,
          says="the reset gate acts after the recurrent matrix, and on its bias")
def gru_cell_reset_after(
    d_h_next: Float[Tensor, " u"],
    x: Float[Tensor, " d"], h: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    b_hh: Float[Tensor, " u"],
) -> tuple[
    Float[Tensor, " d"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, " u"],
]:
    """The gradients of one step of the GRU of PyTorch, cuDNN and Keras' default; b_hh learns by way of r, not b_h."""
    k, l, w = indices("d", "u", "u")
    r = sigmoid(x @ W_xr + h @ W_hr + b_r)
    z = sigmoid(x @ W_xz + h @ W_hz + b_z)
    a_hh = h @ W_hh + b_hh
    h_tilde = tanh(x @ W_xh + b_h + r * a_hh)
    d_h, d_a_r, d_a_z, d_a_h, d_a_hh = gru_gates_reset_after(d_h_next, h, r, z, h_tilde, W_hr, W_hz, W_hh, a_hh)
    d_x = W_xr @ d_a_r + W_xz @ d_a_z + W_xh @ d_a_h
    d_W_xr, d_W_hr = x[k] * d_a_r[w], h[l] * d_a_r[w]
    d_W_xz, d_W_hz = x[k] * d_a_z[w], h[l] * d_a_z[w]
    d_W_xh, d_W_hh = x[k] * d_a_h[w], h[l] * d_a_hh[w]
    return (
        d_x, d_h, d_W_xr.stack(k, w), d_W_hr.stack(l, w), d_a_r, d_W_xz.stack(k, w), d_W_hz.stack(l, w), d_a_z,
        d_W_xh.stack(k, w), d_W_hh.stack(l, w), d_a_h, d_a_hh,
    )


@equation(CHO_BAHDANAU, gradient_of=recurrent.gru_cell_update_writes,
          convention_of=gru_cell,
          says="z writes the candidate instead of keeping the old state")
def gru_cell_update_writes(
    d_h_next: Float[Tensor, " u"],
    x: Float[Tensor, " d"], h: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> tuple[
    Float[Tensor, " d"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
]:
    """The gradients of one step of Bahdanau's GRU: gru_cell's with the weights of z negated, and theirs negated."""
    d_x, d_h, d_W_xr, d_W_hr, d_b_r, d_W_xz, d_W_hz, d_b_z, d_W_xh, d_W_hh, d_b_h = gru_cell(
        d_h_next, x, h, W_xr, W_hr, b_r, -W_xz, -W_hz, -b_z, W_xh, W_hh, b_h
    )
    return d_x, d_h, d_W_xr, d_W_hr, d_b_r, -d_W_xz, -d_W_hz, -d_b_z, d_W_xh, d_W_hh, d_b_h


@equation(GREFF)
def lstm_gates(
    d_h_next: Float[Tensor, " u"], d_c_next: Float[Tensor, " u"],
    c: Float[Tensor, " u"], i: Float[Tensor, " u"], f: Float[Tensor, " u"], g: Float[Tensor, " u"],
    o: Float[Tensor, " u"], c_next: Float[Tensor, " u"],
    W_hi: Float[Tensor, "u u"], W_hf: Float[Tensor, "u u"], W_hg: Float[Tensor, "u u"], W_ho: Float[Tensor, "u u"],
) -> tuple[
    Float[Tensor, " u"], Float[Tensor, " u"], Float[Tensor, " u"], Float[Tensor, " u"], Float[Tensor, " u"],
    Float[Tensor, " u"],
]:
    """What one step of lstm_cell hands back, given its gates: to state and cell before it, and to what they are of."""
    y = tanh(c_next)
    d_cell = d_c_next + d_h_next * o * (1 - y * y)  # the conveyor's, from the next step and from the output
    d_a_i = d_cell * g * i * (1 - i)  # before the gates' sigmoids
    d_a_f = d_cell * c * f * (1 - f)
    d_a_g = d_cell * i * (1 - g * g)  # before its tanh
    d_a_o = d_h_next * y * o * (1 - o)
    d_h = W_hi @ d_a_i + W_hf @ d_a_f + W_hg @ d_a_g + W_ho @ d_a_o
    d_c = d_cell * f
    return d_h, d_c, d_a_i, d_a_f, d_a_g, d_a_o


@equation(GREFF, gradient_of=recurrent.lstm_cell)
def lstm_cell(
    d_h_next: Float[Tensor, " u"], d_c_next: Float[Tensor, " u"],
    x: Float[Tensor, " d"], h: Float[Tensor, " u"], c: Float[Tensor, " u"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
) -> tuple[
    Float[Tensor, " d"], Float[Tensor, " u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
]:
    """The gradients of one step of a long short-term memory."""
    k, l, w = indices("d", "u", "u")
    i = sigmoid(x @ W_xi + h @ W_hi + b_i)
    f = sigmoid(x @ W_xf + h @ W_hf + b_f)
    g = tanh(x @ W_xg + h @ W_hg + b_g)
    o = sigmoid(x @ W_xo + h @ W_ho + b_o)
    c_next = f * c + i * g
    d_h, d_c, d_a_i, d_a_f, d_a_g, d_a_o = lstm_gates(
        d_h_next, d_c_next, c, i, f, g, o, c_next, W_hi, W_hf, W_hg, W_ho
    )
    d_x = W_xi @ d_a_i + W_xf @ d_a_f + W_xg @ d_a_g + W_xo @ d_a_o
    d_W_xi, d_W_hi = x[k] * d_a_i[w], h[l] * d_a_i[w]
    d_W_xf, d_W_hf = x[k] * d_a_f[w], h[l] * d_a_f[w]
    d_W_xg, d_W_hg = x[k] * d_a_g[w], h[l] * d_a_g[w]
    d_W_xo, d_W_ho = x[k] * d_a_o[w], h[l] * d_a_o[w]
    return (
        d_x, d_h, d_c, d_W_xi.stack(k, w), d_W_hi.stack(l, w), d_a_i, d_W_xf.stack(k, w), d_W_hf.stack(l, w), d_a_f,
        d_W_xg.stack(k, w), d_W_hg.stack(l, w), d_a_g, d_W_xo.stack(k, w), d_W_ho.stack(l, w), d_a_o,
    )


@equation(CHO_V1, gradient_of=recurrent.gru_reset_after,
          convention_of=gru,
          says="the reset gate acts after the recurrent matrix, and on its bias")
def gru_reset_after(
    d_h: Float[Tensor, "t u"],
    x: Float[Tensor, "t d"], h_0: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    b_hh: Float[Tensor, " u"],
) -> tuple[
    Float[Tensor, "t d"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, " u"],
]:
    """Backpropagation through gru_reset_after: each step hands back by gru_gates_reset_after."""
    i = index("t")
    t = size("t")
    s = scan(
        i,
        lambda s: recurrent.gru_cell_reset_after(
            x[i], s, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh
        ),
        h_0,
    )
    h = where(i < 1, h_0, s.stack(i)[i - 1]).stack(i)  # before each step
    r = sigmoid(x[i] @ W_xr + h[i] @ W_hr + b_r).stack(i)
    z = sigmoid(x[i] @ W_xz + h[i] @ W_hz + b_z).stack(i)
    a_hh = (h[i] @ W_hh + b_hh).stack(i)
    h_tilde = tanh(x[i] @ W_xh + b_h + r[i] * a_hh[i]).stack(i)
    g, a_r, a_z, a_h, a_s = scan(
        i,
        lambda g, a_r, a_z, a_h, a_s: gru_gates_reset_after(
            d_h[t - 1 - i] + g, h[t - 1 - i], r[t - 1 - i], z[t - 1 - i], h_tilde[t - 1 - i], W_hr, W_hz, W_hh,
            a_hh[t - 1 - i],
        ),
        0 * h_0, 0 * h_0, 0 * h_0, 0 * h_0, 0 * h_0,
    )
    d_a_r, d_a_z = a_r.stack(i)[t - 1 - i].stack(i), a_z.stack(i)[t - 1 - i].stack(i)  # in the order of the steps
    d_a_h, d_a_hh = a_h.stack(i)[t - 1 - i].stack(i), a_s.stack(i)[t - 1 - i].stack(i)
    d_x = d_a_r @ transpose(W_xr) + d_a_z @ transpose(W_xz) + d_a_h @ transpose(W_xh)
    return (
        d_x, last(i, g), transpose(x) @ d_a_r, transpose(h) @ d_a_r, sum(i, d_a_r[i]),
        transpose(x) @ d_a_z, transpose(h) @ d_a_z, sum(i, d_a_z[i]),
        transpose(x) @ d_a_h, transpose(h) @ d_a_hh, sum(i, d_a_h[i]), sum(i, d_a_hh[i]),
    )


@equation(CHO_BAHDANAU, gradient_of=recurrent.gru_update_writes,
          convention_of=gru,
          says="z writes the candidate instead of keeping the old state")
def gru_update_writes(
    d_h: Float[Tensor, "t u"],
    x: Float[Tensor, "t d"], h_0: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> tuple[
    Float[Tensor, "t d"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
]:
    """Backpropagation through Bahdanau's GRU: that of gru with the weights of z negated, and theirs negated."""
    d_x, d_h_0, d_W_xr, d_W_hr, d_b_r, d_W_xz, d_W_hz, d_b_z, d_W_xh, d_W_hh, d_b_h = gru(
        d_h, x, h_0, W_xr, W_hr, b_r, -W_xz, -W_hz, -b_z, W_xh, W_hh, b_h
    )
    return d_x, d_h_0, d_W_xr, d_W_hr, d_b_r, -d_W_xz, -d_W_hz, -d_b_z, d_W_xh, d_W_hh, d_b_h


@equation(GREFF, gradient_of=recurrent.lstm)
def lstm(
    d_h: Float[Tensor, "t u"], d_c: Float[Tensor, " u"],
    x: Float[Tensor, "t d"], h_0: Float[Tensor, " u"], c_0: Float[Tensor, " u"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
) -> tuple[
    Float[Tensor, "t d"], Float[Tensor, " u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
    Float[Tensor, "d u"], Float[Tensor, "u u"], Float[Tensor, " u"],
]:
    """Backpropagation through an LSTM: each step hands back by lstm_gates, the last one from ∂c too."""
    j = index("t")
    t = size("t")
    s, y = scan(
        j,
        lambda s, y: recurrent.lstm_cell(
            x[j], s, y, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
        ),
        h_0, c_0,
    )
    h, c = where(j < 1, h_0, s.stack(j)[j - 1]).stack(j), where(j < 1, c_0, y.stack(j)[j - 1]).stack(j)
    c_next = y.stack(j)
    i, f = sigmoid(x[j] @ W_xi + h[j] @ W_hi + b_i).stack(j), sigmoid(x[j] @ W_xf + h[j] @ W_hf + b_f).stack(j)
    g, o = tanh(x[j] @ W_xg + h[j] @ W_hg + b_g).stack(j), sigmoid(x[j] @ W_xo + h[j] @ W_ho + b_o).stack(j)
    p, q, a_i, a_f, a_g, a_o = scan(
        j,
        lambda p, q, a_i, a_f, a_g, a_o: lstm_gates(
            d_h[t - 1 - j] + p, q, c[t - 1 - j], i[t - 1 - j], f[t - 1 - j], g[t - 1 - j], o[t - 1 - j],
            c_next[t - 1 - j], W_hi, W_hf, W_hg, W_ho,
        ),
        0 * h_0, d_c, 0 * h_0, 0 * h_0, 0 * h_0, 0 * h_0,
    )
    d_i, d_f = a_i.stack(j)[t - 1 - j].stack(j), a_f.stack(j)[t - 1 - j].stack(j)  # in the order of the steps
    d_g, d_o = a_g.stack(j)[t - 1 - j].stack(j), a_o.stack(j)[t - 1 - j].stack(j)
    d_x = d_i @ transpose(W_xi) + d_f @ transpose(W_xf) + d_g @ transpose(W_xg) + d_o @ transpose(W_xo)
    return (
        d_x, last(j, p), last(j, q), transpose(x) @ d_i, transpose(h) @ d_i, sum(j, d_i[j]),
        transpose(x) @ d_f, transpose(h) @ d_f, sum(j, d_f[j]), transpose(x) @ d_g, transpose(h) @ d_g, sum(j, d_g[j]),
        transpose(x) @ d_o, transpose(h) @ d_o, sum(j, d_o[j]),
    )
