"""Sequence to sequence: an encoder's states, the context made of them, a decoder that reads it, and what it says."""

from jaxtyping import Bool, Float, Int

from attnspec import Place, Source, equation
from attnspec.equations.recurrent import (
    bidirectional_feature,
    bidirectional_gru,
    bidirectional_gru_update_writes,
    gru_cell,
    lstm,
    lstm_cell,
    readout,
    simple_rnn_cell,
)
from attnspec.equations.text import one_hot
from attnspec.notation import (
    Tensor,
    argmax,
    exp,
    index,
    indices,
    last,
    log,
    log_softmax,
    max,
    scan,
    sigmoid,
    size,
    softmax,
    split,
    sum,
    tanh,
    where,
    zeros,
)

# 000 is a transcript without headings: what stands for one are the words that announce the part.
CONTEXT = Source("001", "Encoder-Decoder/两个RNN加context")
CHO_ENCODER = Source("001", "Encoder-Decoder/两个RNN加context", paper="Cho et al. 2014, arXiv:1406.1078v3, app. A.1")
WANG_ENCODER = Source("003", "总结")
SUTSKEVER = Source("003", "总结", paper="Sutskever, Vinyals and Le 2014, arXiv:1409.3215v3, sec. 2")
BIDIRECTIONAL = Source("003", "双向 RNN (Bidirectional RNN)", paper="Schuster and Paliwal 1997, IEEE TSP 45(11)")
BAHDANAU = Source(
    "000", "序列到序列任务当中的注意力机制", paper="Bahdanau et al. 2015, arXiv:1409.0473v7, sec. 3.2 and app. A.2.1"
)
CHO_DECODER = Source("000", "编码器，解码器架构", paper="Cho et al. 2014, arXiv:1406.1078v3, app. A.1")
CONTEXT_OUTSIDE = Source(paper="Bahdanau et al. 2015, arXiv:1409.0473v7, app. A.2.2, with one context, and z as Cho's")
WANG = Source("003", "Train seq2seq")
WANG_END = Source("003", "总结")
WANG_START = Source("003", "总结", paper="Sutskever, Vinyals and Le 2014, arXiv:1409.3215v3, sec. 2")
OUTPUT = Source("000", "编码器，解码器架构", paper="Cho et al. 2014, arXiv:1406.1078v3, sec. 2.2")
WANG_TEXT = Source("003", "简单字符生成器的实现")
SAMPLING = Source("003", "简单字符生成器的实现", paper="Devroye 1986, Non-Uniform Random Variate Generation, III.2.1")
JELINEK = Source("001", "为什么要发明循环神经网络", paper="Jelinek et al. 1977, J. Acoust. Soc. Am. 62, S63")
DISTILLATION = Source("001", "简介", paper="Hinton, Vinyals and Dean 2015, arXiv:1503.02531v1, sec. 2")

TAU = {"tau": (0.7, 1.9)}


@equation(CHO_ENCODER)
def encode_gru(
    x: Float[Tensor, "m d"], h_0: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "m u"], Float[Tensor, " u"]]:
    """A GRU reads the source: every hidden state, and the last."""
    j = index("m")
    h = scan(j, lambda h: gru_cell(x[j], h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h), h_0)
    return h.stack(j), last(j, h)


@equation(WANG_ENCODER)
def encode_simple_rnn(
    x: Float[Tensor, "m d"], h_0: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "m u"], Float[Tensor, " u"]]:
    """A simple RNN reads the source: every hidden state, and the last."""
    j = index("m")
    h = scan(j, lambda h: simple_rnn_cell(x[j], h, W_xh, W_hh, b_h), h_0)
    return h.stack(j), last(j, h)


@equation(SUTSKEVER)
def encode_lstm(
    x: Float[Tensor, "m d"], h_0: Float[Tensor, " u"], c_0: Float[Tensor, " u"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "m u"], Float[Tensor, " u"], Float[Tensor, " u"]]:
    """An LSTM reads the source: every hidden state, and the last hidden and cell state, where a decoder may begin."""
    j = index("m")
    h, c = scan(
        j,
        lambda h, c: lstm_cell(
            x[j], h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
        ),
        h_0, c_0,
    )
    return h.stack(j), last(j, h), last(j, c)


@equation(BIDIRECTIONAL)
def encode_bidirectional(
    x: Float[Tensor, "m d"],
    W_xr_f: Float[Tensor, "d u"], W_hr_f: Float[Tensor, "u u"], b_r_f: Float[Tensor, " u"],
    W_xz_f: Float[Tensor, "d u"], W_hz_f: Float[Tensor, "u u"], b_z_f: Float[Tensor, " u"],
    W_xh_f: Float[Tensor, "d u"], W_hh_f: Float[Tensor, "u u"], b_h_f: Float[Tensor, " u"],
    W_xr_b: Float[Tensor, "d u"], W_hr_b: Float[Tensor, "u u"], b_r_b: Float[Tensor, " u"],
    W_xz_b: Float[Tensor, "d u"], W_hz_b: Float[Tensor, "u u"], b_z_b: Float[Tensor, " u"],
    W_xh_b: Float[Tensor, "d u"], W_hh_b: Float[Tensor, "u u"], b_h_b: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "m 2*u"], Float[Tensor, " 2*u"]]:
    """Two GRUs read the source, one from either end: [→h_j; ←h_j], and what each half ends with, [→h_m; ←h_1].

    z keeps the old state, as in gru_cell. Differs: in the encoder of Bahdanau et al. z writes,
    `encode_bidirectional_update_writes`.
    """
    h = bidirectional_gru(
        x, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f,
        W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b,
    )
    return h, bidirectional_feature(h)


@equation(BAHDANAU, convention_of=encode_bidirectional,
          says="the update gate z writes the candidate instead of keeping the old state")
def encode_bidirectional_update_writes(
    x: Float[Tensor, "m d"],
    W_xr_f: Float[Tensor, "d u"], W_hr_f: Float[Tensor, "u u"], b_r_f: Float[Tensor, " u"],
    W_xz_f: Float[Tensor, "d u"], W_hz_f: Float[Tensor, "u u"], b_z_f: Float[Tensor, " u"],
    W_xh_f: Float[Tensor, "d u"], W_hh_f: Float[Tensor, "u u"], b_h_f: Float[Tensor, " u"],
    W_xr_b: Float[Tensor, "d u"], W_hr_b: Float[Tensor, "u u"], b_r_b: Float[Tensor, " u"],
    W_xz_b: Float[Tensor, "d u"], W_hz_b: Float[Tensor, "u u"], b_z_b: Float[Tensor, " u"],
    W_xh_b: Float[Tensor, "d u"], W_hh_b: Float[Tensor, "u u"], b_h_b: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "m 2*u"], Float[Tensor, " 2*u"]]:
    """encode_bidirectional with GRUs whose z writes: the encoder of Bahdanau et al., before `bahdanau_decode`."""
    h = bidirectional_gru_update_writes(
        x, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f,
        W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b,
    )
    return h, bidirectional_feature(h)


@equation(CONTEXT)
def context_last(h: Float[Tensor, "m u"]) -> Float[Tensor, " u"]:
    """The whole source in one vector: the encoder's last state."""
    return h[-1]


@equation(CHO_ENCODER)
def context_transform(h: Float[Tensor, "m u"], V: Float[Tensor, "u k"]) -> Float[Tensor, " k"]:
    """The encoder's last state through a layer; 001 leaves open which, this is Cho's."""
    return tanh(h[-1] @ V)


@equation(CONTEXT)
def context_mean(h: Float[Tensor, "m u"]) -> Float[Tensor, " u"]:
    """The mean of all states, the plainest q(h_1, …, h_m) of 001."""
    j = index("m")
    m = size("m")
    return sum(j, h[j]) / m


@equation(CONTEXT)
def context_learned_query(h: Float[Tensor, "m u"], w: Float[Tensor, " u"]) -> Float[Tensor, " u"]:
    """All states, weighted by how much each has to do with a learned vector; a q(h_1, …, h_m) of 001."""
    j = index("m")
    alpha = softmax(j, h[j] @ w)
    return sum(j, alpha * h[j])


@equation(CHO_DECODER)
def decoder_start(c: Float[Tensor, " k"], V: Float[Tensor, "k u"]) -> Float[Tensor, " u"]:
    """The decoder's first state: the context through a layer."""
    return tanh(c @ V)


@equation(WANG_START, Source("000", "编码器，解码器架构"))
def decoder_start_copy(h: Float[Tensor, "m u"]) -> Float[Tensor, " u"]:
    """The decoder begins where the encoder ended; an LSTM takes over its last cell likewise."""
    return h[-1]


@equation(CHO_DECODER)
def decoder_step_fixed_context(
    y: Float[Tensor, " d"], s: Float[Tensor, " u"], c: Float[Tensor, " k"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
) -> Float[Tensor, " u"]:
    """One step of a decoder that reads the same context at every step; r acts on state and context, after the matrices.

    The paper has no biases. Differs: with the context beside the input r does not act on it,
    `decoder_step_context_outside`.
    """
    r = sigmoid(y @ W_xr + s @ W_hr + c @ C_r + b_r)  # reset gate
    z = sigmoid(y @ W_xz + s @ W_hz + c @ C_z + b_z)  # update gate
    s_tilde = tanh(y @ W_xh + r * (s @ W_hh + c @ C_h) + b_h)  # candidate state
    return z * s + (1 - z) * s_tilde


@equation(CONTEXT_OUTSIDE, convention_of=decoder_step_fixed_context,
          says="the context stands outside the reset gate, beside the input, and r acts before the matrix")
def decoder_step_context_outside(
    y: Float[Tensor, " d"], s: Float[Tensor, " u"], c: Float[Tensor, " k"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
) -> Float[Tensor, " u"]:
    """decoder_step_fixed_context with c as one more input; equal to gru_cell on [y; c].

    It is not the decoder of Bahdanau et al., whose place for the context it takes: there the context changes at every
    step and z writes, `attention_rnn.bahdanau_step`. Here z keeps, as in decoder_step_fixed_context.
    """
    r = sigmoid(y @ W_xr + s @ W_hr + c @ C_r + b_r)  # reset gate
    z = sigmoid(y @ W_xz + s @ W_hz + c @ C_z + b_z)  # update gate
    s_tilde = tanh(y @ W_xh + (r * s) @ W_hh + c @ C_h + b_h)  # candidate state
    return z * s + (1 - z) * s_tilde


@equation(OUTPUT)
def output_distribution(
    s: Float[Tensor, " u"], y: Float[Tensor, " d"], c: Float[Tensor, " k"],
    W_o: Float[Tensor, "u v"], E_o: Float[Tensor, "d v"], C_o: Float[Tensor, "k v"], b: Float[Tensor, " v"],
) -> Float[Tensor, " v"]:
    """How likely each word is next, from the state, the word before and the context."""
    w = index("v")
    logits = s @ W_o + y @ E_o + c @ C_o + b
    p = softmax(w, logits[w])
    return p.stack(w)


@equation(CHO_DECODER, Source(paper="Bahdanau et al. 2015, arXiv:1409.0473v7, app. A.2.2"))
def output_maxout(
    s: Float[Tensor, " u"], y: Float[Tensor, " d"], c: Float[Tensor, " k"],
    U_o: Float[Tensor, "u 2*l"], V_o: Float[Tensor, "d 2*l"], C_o: Float[Tensor, "k 2*l"], W_o: Float[Tensor, "l v"],
) -> Float[Tensor, " v"]:
    """output_distribution with a maxout layer before it: of each two neighbouring units the larger."""
    a, b, w = indices("l", "2", "v")
    l = size("l")
    t_tilde = s @ U_o + y @ V_o + c @ C_o
    t = max(b, split(t_tilde, l)[a, b])
    logits = t.stack(a) @ W_o
    p = softmax(w, logits[w])
    return p.stack(w)


@equation(WANG_TEXT, Source(paper="Hinton, Vinyals and Dean 2015, arXiv:1503.02531v1, eq. 1"),
          options={"tau": (0.7, 1.9, 0.05, 20.0)})
def temperature(logits: Float[Tensor, " v"], *, tau: float) -> Float[Tensor, " v"]:
    """A distribution made sharper by τ < 1 and flatter by τ > 1; τ is positive."""
    k = index("v")
    p = softmax(k, logits[k] / tau)
    return p.stack(k)


@equation(WANG_TEXT, options={"tau": (0.7, 1.9, 0.3, 5.0)})
def temperature_probs(p: Float[Tensor, " v"], *, tau: float) -> Float[Tensor, " v"]:
    """temperature, from the probabilities: each to the power of 1/τ, then made to sum to 1 again."""
    k = index("v")
    powers = p[k] ** (1 / tau)
    q = powers / sum(k, powers)
    return q.stack(k)


@equation(WANG, scales={"y": "weights"})
def cross_entropy_probs(p: Float[Tensor, " v"], y: Float[Tensor, " v"]) -> Float[Tensor, ""]:
    """How far the distribution p is from the true one, y; a word that y leaves out does not count, also at p = 0."""
    k = index("v")
    return -sum(k, y[k] * log(p[k]), where=y[k] > 0)


@equation(DISTILLATION)
def distillation(p_teacher: Float[Tensor, " v"], p_student: Float[Tensor, " v"]) -> Float[Tensor, ""]:
    """How far the student's distribution is from the teacher's: the teacher's takes the place of the true one."""
    k = index("v")
    return -sum(k, p_teacher[k] * log(p_student[k]), where=p_teacher[k] > 0)


@equation(DISTILLATION, options={"tau": (1.0, 2.5)})
def distillation_logits(
    logits_teacher: Float[Tensor, " v"], logits_student: Float[Tensor, " v"], *, tau: float
) -> Float[Tensor, ""]:
    """distillation from the logits of both, softened by the same temperature: −Σ softmax(t/τ) log softmax(s/τ).

    Its gradients shrink as 1/τ². Differs: where it is added to another loss, Hinton et al. multiply it by τ².
    """
    k = index("v")
    p = temperature(logits_teacher, tau=tau)
    log_q = log_softmax(k, logits_student[k] / tau)
    return -sum(k, p[k] * log_q)


@equation(WANG)
def cross_entropy(logits: Float[Tensor, " v"], target: Int[Tensor, ""]) -> Float[Tensor, ""]:
    """What it costs that a word is right: minus the logarithm of its probability, of which the logits are given."""
    k = index("v")
    log_p = log_softmax(k, logits[k]).stack(k)
    loss = -log_p[target]
    return loss


@equation(WANG, smallest={"t": 1})
def sequence_loss(
    logits: Float[Tensor, "t v"], target: Int[Tensor, " t"], valid: Bool[Tensor, " t"],
) -> Float[Tensor, ""]:
    """The mean of cross_entropy over the targets that count; padding does not. NaN where none counts."""
    i = index("t")
    loss = cross_entropy(logits[i], target[i])
    return sum(i, loss, where=valid[i]) / sum(i, 1, where=valid[i])


@equation(JELINEK, smallest={"t": 1})
def perplexity(
    logits: Float[Tensor, "t v"], target: Int[Tensor, " t"], valid: Bool[Tensor, " t"],
) -> Float[Tensor, ""]:
    """Among how many words, all alike, one would have to choose to be as unsure: exp of the sequence's loss."""
    return exp(sequence_loss(logits, target, valid))


@equation(SAMPLING)
def sample(p: Float[Tensor, " v"], uniform: Float[Tensor, ""]) -> Int[Tensor, ""]:
    """The word that a number drawn evenly from 0 to 1, itself not 1, draws: the first whose cumulated p exceeds it.

    Where rounding leaves even the whole sum no larger than the number, it is the last word.
    """
    j, k = indices("v", "v")
    v = size("v")
    c = sum(j, p[j], where=j <= k)  # cumulated
    return sum(k, 1, where=(c <= uniform) & (k < v - 1))  # how many come before


@equation(WANG, options={"stop": (0, 3)})
def until_stop(token: Int[Tensor, " t"], *, stop: int) -> Int[Tensor, " t"]:
    """What was generated up to `stop`; wherever `stop` stands before, it stands again."""
    i, j = indices("t", "t")
    stops = sum(j, 1, where=(token[j] == stop) & (j < i))  # before this one
    tokens = where(stops > 0, stop, token[i])
    return tokens.stack(i)


@equation(CHO_DECODER, options={"start": Place("v", step=2)})
def teacher_forced(
    target: Int[Tensor, " t"], c: Float[Tensor, " k"], s_0: Float[Tensor, " u"], E: Float[Tensor, "v d"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
    W_o: Float[Tensor, "u v"], E_o: Float[Tensor, "d v"], C_o: Float[Tensor, "k v"], b: Float[Tensor, " v"],
    *, start: int,
) -> tuple[Float[Tensor, "t v"], Float[Tensor, "t u"]]:
    """A decoder in training: each step reads the true word before, the first one `start`."""
    i = index("t")
    before = where(i == 0, start, target[i - 1])
    y = E[before].stack(i)
    s = scan(
        i,
        lambda s: decoder_step_fixed_context(
            y[i], s, c, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
        ),
        s_0,
    )
    p = output_distribution(s, y[i], c, W_o, E_o, C_o, b)
    return p.stack(i), s.stack(i)


@equation(CHO_DECODER)
def greedy_step(
    token: Int[Tensor, ""], s: Float[Tensor, " u"], c: Float[Tensor, " k"], E: Float[Tensor, "v d"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
    W_o: Float[Tensor, "u v"], E_o: Float[Tensor, "d v"], C_o: Float[Tensor, "k v"], b: Float[Tensor, " v"],
) -> tuple[Float[Tensor, " u"], Int[Tensor, ""]]:
    """One step of a decoder that reads the word it said before, and says the likeliest one; of equals, the first.

    The likeliest word has the largest logit. Rounding makes more probabilities alike than logits.
    """
    k = index("v")
    y = E[token]
    s_next = decoder_step_fixed_context(
        y, s, c, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
    )
    logits = s_next @ W_o + y @ E_o + c @ C_o + b
    return s_next, argmax(k, logits[k])


@equation(CHO_DECODER, WANG_TEXT,
          options={"start": Place("v", step=2), "stop": Place("v", step=3)})
def greedy_decode(
    c: Float[Tensor, " k"], s_0: Float[Tensor, " u"], E: Float[Tensor, "v d"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
    W_o: Float[Tensor, "u v"], E_o: Float[Tensor, "d v"], C_o: Float[Tensor, "k v"], b: Float[Tensor, " v"],
    *, start: int, stop: int, limit: int,
) -> Int[Tensor, " limit"]:
    """What a decoder says that takes the likeliest word each time: `limit` words, `stop` repeated once it is said."""
    i = index("limit")
    s, token = scan(  # noqa: RUF059  # the state is carried beside the word
        i,
        lambda s, token: greedy_step(
            token, s, c, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b
        ),
        s_0, start,
    )
    return until_stop(token.stack(i), stop=stop)


@equation(WANG, options={"start": Place("v", step=2)})
def teacher_forced_lstm(
    target: Int[Tensor, " t"], s_0: Float[Tensor, " u"], c_0: Float[Tensor, " u"], E: Float[Tensor, "v d"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u v"], b_y: Float[Tensor, " v"],
    *, start: int,
) -> tuple[Float[Tensor, "t v"], Float[Tensor, "t u"]]:
    """The decoder of 003's translator in training: an LSTM reads the true token before, the first time `start`.

    It begins with the encoder's last state and cell state, which are all that it knows of the source. Distributions,
    states. Differs: in the decoder of Cho et al. every step reads a context, `teacher_forced`.
    """
    i, k = indices("t", "v")
    before = where(i == 0, start, target[i - 1])
    x = E[before].stack(i)
    s, c = scan(  # noqa: RUF059  # the cell state is carried beside the state
        i,
        lambda s, c: lstm_cell(
            x[i], s, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
        ),
        s_0, c_0,
    )
    logits = readout(s, W_hy, b_y)
    p = softmax(k, logits[k])
    return p.stack(i, k), s.stack(i)


@equation(WANG, largest={"m": 9, "n": 9, "v": 33, "u": 33}, options={"start": Place("v", step=2)})
def translator_lstm(
    x: Float[Tensor, "m d"], target: Int[Tensor, " n"], E: Float[Tensor, "v e"],
    W_xi_e: Float[Tensor, "d u"], W_hi_e: Float[Tensor, "u u"], b_i_e: Float[Tensor, " u"],
    W_xf_e: Float[Tensor, "d u"], W_hf_e: Float[Tensor, "u u"], b_f_e: Float[Tensor, " u"],
    W_xg_e: Float[Tensor, "d u"], W_hg_e: Float[Tensor, "u u"], b_g_e: Float[Tensor, " u"],
    W_xo_e: Float[Tensor, "d u"], W_ho_e: Float[Tensor, "u u"], b_o_e: Float[Tensor, " u"],
    W_xi_d: Float[Tensor, "e u"], W_hi_d: Float[Tensor, "u u"], b_i_d: Float[Tensor, " u"],
    W_xf_d: Float[Tensor, "e u"], W_hf_d: Float[Tensor, "u u"], b_f_d: Float[Tensor, " u"],
    W_xg_d: Float[Tensor, "e u"], W_hg_d: Float[Tensor, "u u"], b_g_d: Float[Tensor, " u"],
    W_xo_d: Float[Tensor, "e u"], W_ho_d: Float[Tensor, "u u"], b_o_d: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u v"], b_y: Float[Tensor, " v"],
    *, start: int,
) -> Float[Tensor, "n v"]:
    """003's translator in training, whole: encode_lstm from 0, then teacher_forced_lstm from its last two states.

    All that the decoder knows of the source is in these: 002's bottleneck. The distributions of the target's tokens.
    """
    h, s_0, c_0 = encode_lstm(  # noqa: RUF059  # the other states are thrown away
        x, zeros("u"), zeros("u"),
        W_xi_e, W_hi_e, b_i_e, W_xf_e, W_hf_e, b_f_e, W_xg_e, W_hg_e, b_g_e, W_xo_e, W_ho_e, b_o_e,
    )
    p, s = teacher_forced_lstm(  # noqa: RUF059  # the states are not returned
        target, s_0, c_0, E,
        W_xi_d, W_hi_d, b_i_d, W_xf_d, W_hf_d, b_f_d, W_xg_d, W_hg_d, b_g_d, W_xo_d, W_ho_d, b_o_d,
        W_hy, b_y, start=start,
    )
    return p


@equation(WANG_TEXT, WANG_END)
def greedy_step_lstm(
    token: Int[Tensor, ""], s: Float[Tensor, " u"], c: Float[Tensor, " u"], E: Float[Tensor, "v d"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u v"], b_y: Float[Tensor, " v"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " u"], Int[Tensor, ""]]:
    """One step of 003's decoder that reads the token it generated before, and generates the likeliest one.

    Of equally likely tokens it takes the first. State, cell state, token.
    """
    k = index("v")
    s_next, c_next = lstm_cell(
        E[token], s, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
    )
    logits = readout(s_next, W_hy, b_y)
    return s_next, c_next, argmax(k, logits[k])


@equation(WANG_TEXT, WANG_END, largest={"limit": 9, "v": 33, "u": 33},
          options={"start": Place("v", step=2), "stop": Place("v", step=3)})
def greedy_decode_lstm(
    s_0: Float[Tensor, " u"], c_0: Float[Tensor, " u"], E: Float[Tensor, "v d"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u v"], b_y: Float[Tensor, " v"],
    *, start: int, stop: int, limit: int,
) -> Int[Tensor, " limit"]:
    """The tokens of 003's decoder that takes the likeliest one each time; `stop` is repeated to the end."""
    i = index("limit")
    s, c, token = scan(  # noqa: RUF059  # both states are carried beside the token
        i,
        lambda s, c, token: greedy_step_lstm(
            token, s, c, E,
            W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y,
        ),
        s_0, c_0, start,
    )
    return until_stop(token.stack(i), stop=stop)


@equation(WANG_END, options=TAU)
def sample_step_lstm(
    token: Int[Tensor, ""], uniform: Float[Tensor, ""],
    s: Float[Tensor, " u"], c: Float[Tensor, " u"], E: Float[Tensor, "v d"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u v"], b_y: Float[Tensor, " v"],
    *, tau: float,
) -> tuple[Float[Tensor, " u"], Float[Tensor, " u"], Int[Tensor, ""]]:
    """One step of 003's decoder that reads the token it drew before, z_{j-1}, and draws the next one, z_j, from p_j.

    The temperature is that of 003's text generator; at τ = 1 the token is drawn from p_j itself. State, cell state,
    token.
    """
    s_next, c_next = lstm_cell(
        E[token], s, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
    )
    p = temperature(readout(s_next, W_hy, b_y), tau=tau)
    return s_next, c_next, sample(p, uniform)


@equation(WANG_END, largest={"t": 9, "v": 33, "u": 33},
          options={"start": Place("v", step=2), "stop": Place("v", step=3), **TAU})
def sample_decode_lstm(
    uniform: Float[Tensor, " t"], s_0: Float[Tensor, " u"], c_0: Float[Tensor, " u"], E: Float[Tensor, "v d"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u v"], b_y: Float[Tensor, " v"],
    *, start: int, stop: int, tau: float,
) -> Int[Tensor, " t"]:
    """The tokens that 003's decoder draws, one for each number; `stop` is repeated to the end."""
    i = index("t")
    s, c, token = scan(  # noqa: RUF059  # both states are carried beside the token
        i,
        lambda s, c, token: sample_step_lstm(
            token, uniform[i], s, c, E,
            W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, tau=tau,
        ),
        s_0, c_0, start,
    )
    return until_stop(token.stack(i), stop=stop)


@equation(WANG_TEXT, options=TAU)
def generate_window_step(
    window: Int[Tensor, " w"], uniform: Float[Tensor, ""],
    W_xi: Float[Tensor, "v u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "v u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "v u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "v u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u v"], b_y: Float[Tensor, " v"], *, tau: float,
) -> Int[Tensor, " w"]:
    """The window moves on by one token: an LSTM reads it, and of what is likely next one is drawn and put behind.

    The first token is dropped, so that the window keeps its length.
    """
    i = index("w")
    w, v = size("w"), size("v")
    x = one_hot(window, v=v)
    h, c = lstm(  # noqa: RUF059  # the last cell state is not read
        x, zeros("u"), zeros("u"),
        W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o,
    )
    p = temperature(readout(h[-1], W_hy, b_y), tau=tau)
    token = sample(p, uniform)
    moved = where(i < w - 1, window[i + 1], token)
    return moved.stack(i)


@equation(WANG_TEXT, largest={"w": 9, "t": 9, "v": 33, "u": 33}, options=TAU)
def generate_window(
    seed: Int[Tensor, " w"], uniform: Float[Tensor, " t"],
    W_xi: Float[Tensor, "v u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "v u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "v u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "v u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u v"], b_y: Float[Tensor, " v"], *, tau: float,
) -> tuple[Int[Tensor, " t"], Int[Tensor, " w"]]:
    """A text that goes on from a seed, a token for each number drawn. The tokens, and the window to go on from."""
    i = index("t")
    window = scan(
        i,
        lambda window: generate_window_step(
            window, uniform[i],
            W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, tau=tau,
        ),
        seed,
    )
    token = window[-1]
    return token.stack(i), last(i, window)
