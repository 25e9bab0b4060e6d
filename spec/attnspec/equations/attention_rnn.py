"""Recurrent decoders that attend: at every step a context of their own, made of all of the encoder's states."""

from jaxtyping import Float, Int

from attnspec import Place, Source, equation
from attnspec.equations.recurrent import lstm_cell, readout, simple_rnn_cell
from attnspec.equations.seq2seq import TAU, output_maxout, sample, temperature, until_stop
from attnspec.notation import (
    Tensor,
    argmax,
    concat,
    index,
    indices,
    last,
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
BAHDANAU = Source(
    "000", "序列到序列任务当中的注意力机制", paper="Bahdanau et al. 2015, arXiv:1409.0473v7, app. A.2.2"
)
BAHDANAU_EQ_4 = Source(
    "000", "序列到序列任务当中的注意力机制", paper="Bahdanau et al. 2015, arXiv:1409.0473v7, eq. 4"
)
LEVINE = Source("002", "Sequence to Sequence")
WANG = Source("003", "Attention + Simple RNN")
WANG_VALUES = Source("003", "Attention + Seq2Seq")
LUONG = Source(paper="Luong, Pham and Manning 2015, arXiv:1508.04025v5, sec. 3.1 and 3.3")
LUONG_STATE = Source(paper="Luong, Pham and Manning 2015, arXiv:1508.04025v5, eq. 5")
LUONG_OUTPUT = Source(paper="Luong, Pham and Manning 2015, arXiv:1508.04025v5, eq. 6")
GREEDY = Source("000", "编码器，解码器架构")
DRAWING = Source("003", "总结")
WANG_SELF = Source("003", "Self-Attention", paper="Cheng, Dong and Lapata 2016, arXiv:1601.06733")


@equation(BAHDANAU)
def bahdanau_step(
    y: Float[Tensor, " d"], s: Float[Tensor, " u"], h: Float[Tensor, "m k"],
    W_a: Float[Tensor, "u a"], U_a: Float[Tensor, "k a"], v_a: Float[Tensor, " a"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " k"], Float[Tensor, " m"]]:
    """The state asks before it is renewed, and what it reads enters every gate; z writes. State, context, weights."""
    j = index("m")
    e = tanh(s @ W_a + h[j] @ U_a) @ v_a
    alpha = softmax(j, e)
    c = sum(j, alpha * h[j])
    r = sigmoid(y @ W_xr + s @ W_hr + c @ C_r + b_r)  # reset gate
    z = sigmoid(y @ W_xz + s @ W_hz + c @ C_z + b_z)  # update gate
    s_tilde = tanh(y @ W_xh + (r * s) @ W_hh + c @ C_h + b_h)  # candidate state
    s_next = (1 - z) * s + z * s_tilde
    return s_next, c, alpha.stack(j)


@equation(BAHDANAU)
def bahdanau_decode(
    y: Float[Tensor, "n d"], h: Float[Tensor, "m 2*e"], W_s: Float[Tensor, "e u"],
    W_a: Float[Tensor, "u a"], U_a: Float[Tensor, "2*e a"], v_a: Float[Tensor, " a"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "2*e u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "2*e u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "2*e u"], b_h: Float[Tensor, " u"],
    U_o: Float[Tensor, "u 2*l"], V_o: Float[Tensor, "d 2*l"], C_o: Float[Tensor, "2*e 2*l"], W_o: Float[Tensor, "l v"],
) -> tuple[Float[Tensor, "n u"], Float[Tensor, "n m"], Float[Tensor, "n v"]]:
    """bahdanau_step over a sequence of outputs, each given the one before, embedded. States, weights, distributions.

    h_j is [→h_j; ←h_j], and the decoder begins with what the backward half ends with, ←h_1. The output is read from the
    state before the step. Differs: in eq. 4 it is read from the new one, `bahdanau_decode_output_from_new_state`.
    """
    i, k = indices("n", "e")
    e = size("e")
    h_b = h[0, e + k].stack(k)  # ←h_1
    s_0 = tanh(h_b @ W_s)
    s, c, alpha = scan(
        i,
        lambda s, c, alpha: bahdanau_step(
            y[i], s, h, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
        ),
        s_0, zeros("2*e"), zeros("m"),
    )
    s_before = where(i == 0, s_0, s.stack(i)[i - 1])
    p = output_maxout(s_before, y[i], c, U_o, V_o, C_o, W_o)
    return s.stack(i), alpha.stack(i), p.stack(i)


@equation(BAHDANAU_EQ_4, convention_of=bahdanau_decode,
          says="the output is read from the new state, s_i, not from the state before the step")
def bahdanau_decode_output_from_new_state(
    y: Float[Tensor, "n d"], h: Float[Tensor, "m 2*e"], W_s: Float[Tensor, "e u"],
    W_a: Float[Tensor, "u a"], U_a: Float[Tensor, "2*e a"], v_a: Float[Tensor, " a"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "2*e u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "2*e u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "2*e u"], b_h: Float[Tensor, " u"],
    U_o: Float[Tensor, "u 2*l"], V_o: Float[Tensor, "d 2*l"], C_o: Float[Tensor, "2*e 2*l"], W_o: Float[Tensor, "l v"],
) -> tuple[Float[Tensor, "n u"], Float[Tensor, "n m"], Float[Tensor, "n v"]]:
    """bahdanau_decode with its output from s_i, as the paper's text has it and its appendix has not."""
    i, k = indices("n", "e")
    e = size("e")
    h_b = h[0, e + k].stack(k)  # ←h_1
    s_0 = tanh(h_b @ W_s)
    s, c, alpha = scan(
        i,
        lambda s, c, alpha: bahdanau_step(
            y[i], s, h, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
        ),
        s_0, zeros("2*e"), zeros("m"),
    )
    p = output_maxout(s, y[i], c, U_o, V_o, C_o, W_o)
    return s.stack(i), alpha.stack(i), p.stack(i)


@equation(LEVINE)
def readout_step(
    y: Float[Tensor, " d"], s: Float[Tensor, " u"], h: Float[Tensor, "m k"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "k a"],
    W_o: Float[Tensor, "u+k o"], b_o: Float[Tensor, " o"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " o"]]:
    """The new state asks, and what it reads serves the output alone, not the next state. State, output."""
    j = index("m")
    s_next = simple_rnn_cell(y, s, W_xh, W_hh, b_h)
    alpha = softmax(j, (h[j] @ W_k) @ (s_next @ W_q))
    c = sum(j, alpha * h[j])
    y_hat = concat(s_next, c) @ W_o + b_o
    return s_next, y_hat


@equation(LEVINE, Source("000", "序列到序列任务当中的注意力机制"))
def input_feeding_step(
    y: Float[Tensor, " d"], s: Float[Tensor, " u"], c: Float[Tensor, " k"], h: Float[Tensor, "m k"],
    W_xh: Float[Tensor, "d+k u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "k a"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " k"]]:
    """What was read at the step before is part of the input, [y; c]; then the new state asks. State, context.

    Differs: Luong et al. feed the attentional state in which the output is read, not the context, `luong_step`.
    """
    j = index("m")
    s_next = simple_rnn_cell(concat(y, c), s, W_xh, W_hh, b_h)
    alpha = softmax(j, (h[j] @ W_k) @ (s_next @ W_q))
    c_next = sum(j, alpha * h[j])
    return s_next, c_next


@equation(WANG)
def attentive_step(
    x: Float[Tensor, " d"], s: Float[Tensor, " u"], c: Float[Tensor, " u"], h: Float[Tensor, "m u"],
    A: Float[Tensor, "d+u+u u"], b: Float[Tensor, " u"], W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "u a"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " u"]]:
    """The simple RNN with the context of the step before, and one matrix; then the new state asks. State, context."""
    j = index("m")
    s_next = tanh(concat(x, s, c) @ A + b)
    alpha = softmax(j, (h[j] @ W_k) @ (s_next @ W_q))
    c_next = sum(j, alpha * h[j])
    return s_next, c_next


@equation(LEVINE)
def readout_decode(
    y: Float[Tensor, "n d"], s_0: Float[Tensor, " u"], h: Float[Tensor, "m k"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "k a"],
    W_o: Float[Tensor, "u+k o"], b_o: Float[Tensor, " o"],
) -> tuple[Float[Tensor, "n u"], Float[Tensor, "n o"]]:
    """readout_step over a sequence of outputs, each given the one before, embedded. States, outputs."""
    i = index("n")
    s, y_hat = scan(
        i,
        lambda s, y_hat: readout_step(y[i], s, h, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o),
        s_0, zeros("o"),
    )
    return s.stack(i), y_hat.stack(i)


@equation(WANG)
def attentive_decode(
    x: Float[Tensor, "n d"], h: Float[Tensor, "m u"],
    A: Float[Tensor, "d+u+u u"], b: Float[Tensor, " u"], W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "u a"],
) -> tuple[Float[Tensor, "n u"], Float[Tensor, "n u"]]:
    """attentive_step over a sequence of inputs, from the encoder's last state, which asks too. States, contexts."""
    i, j = indices("n", "m")
    s_0 = h[-1]
    alpha_0 = softmax(j, (h[j] @ W_k) @ (s_0 @ W_q))
    c_0 = sum(j, alpha_0 * h[j])
    s, c = scan(i, lambda s, c: attentive_step(x[i], s, c, h, A, b, W_q, W_k), s_0, c_0)
    return s.stack(i), c.stack(i)


@equation(WANG_VALUES)
def attentive_step_values(
    x: Float[Tensor, " d"], s: Float[Tensor, " u"], c: Float[Tensor, " e"], h: Float[Tensor, "m u"],
    A: Float[Tensor, "d+u+e u"], b: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "u a"], W_v: Float[Tensor, "u e"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " e"]]:
    """attentive_step with a context of values, v = h W_v, in place of the encoder's states. State, context."""
    j = index("m")
    s_next = tanh(concat(x, s, c) @ A + b)
    alpha = softmax(j, (h[j] @ W_k) @ (s_next @ W_q))
    c_next = sum(j, alpha * (h[j] @ W_v))
    return s_next, c_next


@equation(WANG_VALUES)
def attentive_decode_values(
    x: Float[Tensor, "n d"], h: Float[Tensor, "m u"],
    A: Float[Tensor, "d+u+e u"], b: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "u a"], W_v: Float[Tensor, "u e"],
) -> tuple[Float[Tensor, "n u"], Float[Tensor, "n e"]]:
    """attentive_step_values over a sequence of inputs, from the encoder's last state, which asks too.

    States, contexts.
    """
    i, j = indices("n", "m")
    s_0 = h[-1]
    alpha_0 = softmax(j, (h[j] @ W_k) @ (s_0 @ W_q))
    c_0 = sum(j, alpha_0 * (h[j] @ W_v))
    s, c = scan(i, lambda s, c: attentive_step_values(x[i], s, c, h, A, b, W_q, W_k, W_v), s_0, c_0)
    return s.stack(i), c.stack(i)


@equation(LUONG_STATE)
def attentional_state(
    c: Float[Tensor, " k"], s: Float[Tensor, " u"], W_c: Float[Tensor, "k+u l"],
) -> Float[Tensor, " l"]:
    """Luong's h̃, from which the output is read: the context and the state, in this order, through a layer with tanh."""
    return tanh(concat(c, s) @ W_c)


@equation(LUONG_OUTPUT)
def attentional_distribution(h_tilde: Float[Tensor, " l"], W_s: Float[Tensor, "l v"]) -> Float[Tensor, " v"]:
    """How likely each word is next, from the attentional state alone."""
    w = index("v")
    logits = h_tilde @ W_s
    p = softmax(w, logits[w])
    return p.stack(w)


@equation(LUONG)
def luong_step(
    y: Float[Tensor, " d"], s: Float[Tensor, " u"], c: Float[Tensor, " u"], h_tilde: Float[Tensor, " l"],
    h: Float[Tensor, "m k"],
    W_xi: Float[Tensor, "d+l u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d+l u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d+l u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d+l u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
    W_a: Float[Tensor, "u k"], W_c: Float[Tensor, "k+u l"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " u"], Float[Tensor, " l"]]:
    """Input feeding: the attentional state of the step before is part of the input of an LSTM, [y; h̃].

    The new state asks, by the paper's general score, over all of the source. State, cell state, attentional state. The
    paper has several layers of LSTMs and no biases; this is one layer.

    Differs: 002 feeds the context itself, `input_feeding_step`.
    """
    j = index("m")
    s_next, c_next = lstm_cell(
        concat(y, h_tilde), s, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
    )
    alpha = softmax(j, (s_next @ W_a) @ h[j])
    context = sum(j, alpha * h[j])
    return s_next, c_next, attentional_state(context, s_next, W_c)


@equation(LUONG)
def luong_decode(
    y: Float[Tensor, "n d"], s_0: Float[Tensor, " u"], c_0: Float[Tensor, " u"], h: Float[Tensor, "m k"],
    W_xi: Float[Tensor, "d+l u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d+l u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d+l u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d+l u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
    W_a: Float[Tensor, "u k"], W_c: Float[Tensor, "k+u l"], W_s: Float[Tensor, "l v"],
) -> tuple[Float[Tensor, "n l"], Float[Tensor, "n v"]]:
    """luong_step over a sequence of outputs, each given the one before, embedded. Attentional states, distributions.

    Before the first step the attentional state is 0.
    """
    i = index("n")
    s, c, h_tilde = scan(  # noqa: RUF059  # both states are carried beside the attentional one
        i,
        lambda s, c, h_tilde: luong_step(
            y[i], s, c, h_tilde, h,
            W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_a, W_c,
        ),
        s_0, c_0, zeros("l"),
    )
    p = attentional_distribution(h_tilde, W_s)
    return h_tilde.stack(i), p.stack(i)


@equation(LEVINE, Source("000", "序列到序列任务当中的注意力机制"))
def input_feeding_decode(
    y: Float[Tensor, "n d"], s_0: Float[Tensor, " u"], h: Float[Tensor, "m k"],
    W_xh: Float[Tensor, "d+k u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "k a"],
) -> tuple[Float[Tensor, "n u"], Float[Tensor, "n k"]]:
    """input_feeding_step over a sequence of outputs, each given the one before, embedded. States, contexts.

    Nothing was read before the first step: its context is 0.
    """
    i = index("n")
    s, c = scan(
        i,
        lambda s, c: input_feeding_step(y[i], s, c, h, W_xh, W_hh, b_h, W_q, W_k),
        s_0, zeros("k"),
    )
    return s.stack(i), c.stack(i)


@equation(LEVINE)
def next_layer_step(
    y: Float[Tensor, " d"], s_1: Float[Tensor, " u"], s_2: Float[Tensor, " e"], h: Float[Tensor, "m k"],
    W_xh_1: Float[Tensor, "d u"], W_hh_1: Float[Tensor, "u u"], b_h_1: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "k a"],
    W_xh_2: Float[Tensor, "u+k e"], W_hh_2: Float[Tensor, "e e"], b_h_2: Float[Tensor, " e"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " e"]]:
    """Attention between two layers of a decoder: the lower one's new state asks, the upper one reads both, [s; a].

    A third layer reads the second, as in stacked_simple_rnn. The states of both layers.
    """
    j = index("m")
    s_1_next = simple_rnn_cell(y, s_1, W_xh_1, W_hh_1, b_h_1)
    alpha = softmax(j, (h[j] @ W_k) @ (s_1_next @ W_q))
    a = sum(j, alpha * h[j])
    s_2_next = simple_rnn_cell(concat(s_1_next, a), s_2, W_xh_2, W_hh_2, b_h_2)
    return s_1_next, s_2_next


@equation(LEVINE)
def next_layer_decode(
    y: Float[Tensor, "n d"], s_1_0: Float[Tensor, " u"], s_2_0: Float[Tensor, " e"], h: Float[Tensor, "m k"],
    W_xh_1: Float[Tensor, "d u"], W_hh_1: Float[Tensor, "u u"], b_h_1: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "k a"],
    W_xh_2: Float[Tensor, "u+k e"], W_hh_2: Float[Tensor, "e e"], b_h_2: Float[Tensor, " e"],
) -> tuple[Float[Tensor, "n u"], Float[Tensor, "n e"]]:
    """next_layer_step over a sequence of outputs, each given the one before, embedded. The states of both layers."""
    i = index("n")
    s_1, s_2 = scan(
        i,
        lambda s_1, s_2: next_layer_step(
            y[i], s_1, s_2, h, W_xh_1, W_hh_1, b_h_1, W_q, W_k, W_xh_2, W_hh_2, b_h_2
        ),
        s_1_0, s_2_0,
    )
    return s_1.stack(i), s_2.stack(i)


@equation(BAHDANAU, GREEDY)
def bahdanau_greedy_step(
    token: Int[Tensor, ""], s: Float[Tensor, " u"], h: Float[Tensor, "m k"], E: Float[Tensor, "v d"],
    W_a: Float[Tensor, "u a"], U_a: Float[Tensor, "k a"], v_a: Float[Tensor, " a"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
    U_o: Float[Tensor, "u 2*l"], V_o: Float[Tensor, "d 2*l"], C_o: Float[Tensor, "k 2*l"], W_o: Float[Tensor, "l v"],
) -> tuple[Float[Tensor, " u"], Int[Tensor, ""]]:
    """bahdanau_step that reads the word it generated before, and generates the likeliest one; of equals, the first.

    The word is read from the state before the step, as in bahdanau_decode. State, word.
    """
    a, b, w = indices("l", "2", "v")
    l = size("l")
    y = E[token]
    s_next, c, alpha = bahdanau_step(  # noqa: RUF059  # the weights are not returned
        y, s, h, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
    )
    t_tilde = s @ U_o + y @ V_o + c @ C_o
    t = max(b, split(t_tilde, l)[a, b])
    logits = t.stack(a) @ W_o
    return s_next, argmax(w, logits[w])


@equation(BAHDANAU, GREEDY, largest={"limit": 9, "v": 33, "u": 33, "m": 9},
          options={"start": Place("v", step=2), "stop": Place("v", step=3)})
def bahdanau_greedy_decode(
    h: Float[Tensor, "m 2*e"], E: Float[Tensor, "v d"], W_s: Float[Tensor, "e u"],
    W_a: Float[Tensor, "u a"], U_a: Float[Tensor, "2*e a"], v_a: Float[Tensor, " a"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "2*e u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "2*e u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "2*e u"], b_h: Float[Tensor, " u"],
    U_o: Float[Tensor, "u 2*l"], V_o: Float[Tensor, "d 2*l"], C_o: Float[Tensor, "2*e 2*l"], W_o: Float[Tensor, "l v"],
    *, start: int, stop: int, limit: int,
) -> Int[Tensor, " limit"]:
    """The words of Bahdanau's decoder that takes the likeliest one each time; `stop` is repeated to the end.

    The paper searches with a beam, `generation.bahdanau_beam_decode`; this is a beam of one.
    """
    i, k = indices("limit", "e")
    e = size("e")
    h_b = h[0, e + k].stack(k)  # ←h_1
    s_0 = tanh(h_b @ W_s)
    s, token = scan(  # noqa: RUF059  # the state is carried beside the word
        i,
        lambda s, token: bahdanau_greedy_step(
            token, s, h, E,
            W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h,
            U_o, V_o, C_o, W_o,
        ),
        s_0, start,
    )
    return until_stop(token.stack(i), stop=stop)


@equation(BAHDANAU, DRAWING, options=TAU)
def bahdanau_sample_step(
    token: Int[Tensor, ""], uniform: Float[Tensor, ""],
    s: Float[Tensor, " u"], h: Float[Tensor, "m k"], E: Float[Tensor, "v d"],
    W_a: Float[Tensor, "u a"], U_a: Float[Tensor, "k a"], v_a: Float[Tensor, " a"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
    U_o: Float[Tensor, "u 2*l"], V_o: Float[Tensor, "d 2*l"], C_o: Float[Tensor, "k 2*l"], W_o: Float[Tensor, "l v"],
    *, tau: float,
) -> tuple[Float[Tensor, " u"], Int[Tensor, ""]]:
    """bahdanau_greedy_step that draws its word with a number, from the distribution sharpened by τ. State, word."""
    a, b = indices("l", "2")
    l = size("l")
    y = E[token]
    s_next, c, alpha = bahdanau_step(  # noqa: RUF059  # the weights are not returned
        y, s, h, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
    )
    t_tilde = s @ U_o + y @ V_o + c @ C_o
    t = max(b, split(t_tilde, l)[a, b])
    logits = t.stack(a) @ W_o
    p = temperature(logits, tau=tau)
    return s_next, sample(p, uniform)


@equation(BAHDANAU, DRAWING, largest={"t": 9, "v": 33, "u": 33, "m": 9},
          options={"start": Place("v", step=2), "stop": Place("v", step=3), **TAU})
def bahdanau_sample_decode(
    uniform: Float[Tensor, " t"], h: Float[Tensor, "m 2*e"], E: Float[Tensor, "v d"], W_s: Float[Tensor, "e u"],
    W_a: Float[Tensor, "u a"], U_a: Float[Tensor, "2*e a"], v_a: Float[Tensor, " a"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "2*e u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "2*e u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "2*e u"], b_h: Float[Tensor, " u"],
    U_o: Float[Tensor, "u 2*l"], V_o: Float[Tensor, "d 2*l"], C_o: Float[Tensor, "2*e 2*l"], W_o: Float[Tensor, "l v"],
    *, start: int, stop: int, tau: float,
) -> Int[Tensor, " t"]:
    """The words that Bahdanau's decoder draws, one for each number; `stop` is repeated to the end."""
    i, k = indices("t", "e")
    e = size("e")
    h_b = h[0, e + k].stack(k)  # ←h_1
    s_0 = tanh(h_b @ W_s)
    s, token = scan(  # noqa: RUF059  # the state is carried beside the word
        i,
        lambda s, token: bahdanau_sample_step(
            token, uniform[i], s, h, E,
            W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h,
            U_o, V_o, C_o, W_o, tau=tau,
        ),
        s_0, start,
    )
    return until_stop(token.stack(i), stop=stop)


@equation(LEVINE, GREEDY)
def readout_greedy_step(
    token: Int[Tensor, ""], s: Float[Tensor, " u"], h: Float[Tensor, "m k"], E: Float[Tensor, "v d"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "k a"],
    W_o: Float[Tensor, "u+k v"], b_o: Float[Tensor, " v"],
) -> tuple[Float[Tensor, " u"], Int[Tensor, ""]]:
    """readout_step that reads the word it generated before, and generates the one with the largest output.

    Of equally large outputs it takes the first. State, word.
    """
    w = index("v")
    s_next, y_hat = readout_step(E[token], s, h, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o)
    return s_next, argmax(w, y_hat[w])


@equation(LEVINE, GREEDY, largest={"limit": 9, "v": 33, "u": 33, "m": 9},
          options={"start": Place("v", step=2), "stop": Place("v", step=3)})
def readout_greedy_decode(
    s_0: Float[Tensor, " u"], h: Float[Tensor, "m k"], E: Float[Tensor, "v d"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "k a"],
    W_o: Float[Tensor, "u+k v"], b_o: Float[Tensor, " v"],
    *, start: int, stop: int, limit: int,
) -> Int[Tensor, " limit"]:
    """The words of 002's decoder that takes the likeliest one each time; `stop` is repeated to the end."""
    i = index("limit")
    s, token = scan(  # noqa: RUF059  # the state is carried beside the word
        i,
        lambda s, token: readout_greedy_step(token, s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o),
        s_0, start,
    )
    return until_stop(token.stack(i), stop=stop)


@equation(LEVINE, DRAWING, options=TAU)
def readout_sample_step(
    token: Int[Tensor, ""], uniform: Float[Tensor, ""],
    s: Float[Tensor, " u"], h: Float[Tensor, "m k"], E: Float[Tensor, "v d"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "k a"],
    W_o: Float[Tensor, "u+k v"], b_o: Float[Tensor, " v"],
    *, tau: float,
) -> tuple[Float[Tensor, " u"], Int[Tensor, ""]]:
    """readout_greedy_step that draws its word with a number, from the outputs' softmax sharpened by τ. State, word."""
    s_next, y_hat = readout_step(E[token], s, h, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o)
    p = temperature(y_hat, tau=tau)
    return s_next, sample(p, uniform)


@equation(LEVINE, DRAWING, largest={"t": 9, "v": 33, "u": 33, "m": 9},
          options={"start": Place("v", step=2), "stop": Place("v", step=3), **TAU})
def readout_sample_decode(
    uniform: Float[Tensor, " t"], s_0: Float[Tensor, " u"], h: Float[Tensor, "m k"], E: Float[Tensor, "v d"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "k a"],
    W_o: Float[Tensor, "u+k v"], b_o: Float[Tensor, " v"],
    *, start: int, stop: int, tau: float,
) -> Int[Tensor, " t"]:
    """The words that 002's decoder draws, one for each number; `stop` is repeated to the end."""
    i = index("t")
    s, token = scan(  # noqa: RUF059  # the state is carried beside the word
        i,
        lambda s, token: readout_sample_step(token, uniform[i], s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o, tau=tau),
        s_0, start,
    )
    return until_stop(token.stack(i), stop=stop)


@equation(WANG, GREEDY)
def attentive_greedy_step(
    token: Int[Tensor, ""], s: Float[Tensor, " u"], c: Float[Tensor, " u"],
    h: Float[Tensor, "m u"], E: Float[Tensor, "v d"],
    A: Float[Tensor, "d+u+u u"], b: Float[Tensor, " u"], W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "u a"],
    W_o: Float[Tensor, "u v"], b_o: Float[Tensor, " v"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " u"], Int[Tensor, ""]]:
    """attentive_step that reads the word it generated before, and generates the likeliest one; of equals, the first.

    The distribution is read from the new state, as in 003's decoder without attention. State, context, word.
    """
    w = index("v")
    s_next, c_next = attentive_step(E[token], s, c, h, A, b, W_q, W_k)
    logits = readout(s_next, W_o, b_o)
    return s_next, c_next, argmax(w, logits[w])


@equation(WANG, GREEDY, largest={"limit": 9, "v": 33, "u": 33, "m": 9},
          options={"start": Place("v", step=2), "stop": Place("v", step=3)})
def attentive_greedy_decode(
    h: Float[Tensor, "m u"], E: Float[Tensor, "v d"],
    A: Float[Tensor, "d+u+u u"], b: Float[Tensor, " u"], W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "u a"],
    W_o: Float[Tensor, "u v"], b_o: Float[Tensor, " v"],
    *, start: int, stop: int, limit: int,
) -> Int[Tensor, " limit"]:
    """The words of 003's decoder with attention that takes the likeliest one each time; `stop` is repeated to the end.

    It begins with the encoder's last state and what that reads.
    """
    i, j = indices("limit", "m")
    s_0 = h[-1]
    alpha_0 = softmax(j, (h[j] @ W_k) @ (s_0 @ W_q))
    c_0 = sum(j, alpha_0 * h[j])
    s, c, token = scan(  # noqa: RUF059  # state and context are carried beside the word
        i,
        lambda s, c, token: attentive_greedy_step(token, s, c, h, E, A, b, W_q, W_k, W_o, b_o),
        s_0, c_0, start,
    )
    return until_stop(token.stack(i), stop=stop)


@equation(WANG, DRAWING, options=TAU)
def attentive_sample_step(
    token: Int[Tensor, ""], uniform: Float[Tensor, ""], s: Float[Tensor, " u"], c: Float[Tensor, " u"],
    h: Float[Tensor, "m u"], E: Float[Tensor, "v d"],
    A: Float[Tensor, "d+u+u u"], b: Float[Tensor, " u"], W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "u a"],
    W_o: Float[Tensor, "u v"], b_o: Float[Tensor, " v"],
    *, tau: float,
) -> tuple[Float[Tensor, " u"], Float[Tensor, " u"], Int[Tensor, ""]]:
    """attentive_greedy_step that draws its word with a number, from the distribution sharpened by τ.

    State, context, word.
    """
    s_next, c_next = attentive_step(E[token], s, c, h, A, b, W_q, W_k)
    p = temperature(readout(s_next, W_o, b_o), tau=tau)
    return s_next, c_next, sample(p, uniform)


@equation(WANG, DRAWING, largest={"t": 9, "v": 33, "u": 33, "m": 9},
          options={"start": Place("v", step=2), "stop": Place("v", step=3), **TAU})
def attentive_sample_decode(
    uniform: Float[Tensor, " t"], h: Float[Tensor, "m u"], E: Float[Tensor, "v d"],
    A: Float[Tensor, "d+u+u u"], b: Float[Tensor, " u"], W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "u a"],
    W_o: Float[Tensor, "u v"], b_o: Float[Tensor, " v"],
    *, start: int, stop: int, tau: float,
) -> Int[Tensor, " t"]:
    """The words that 003's decoder with attention draws, one for each number; `stop` is repeated to the end."""
    i, j = indices("t", "m")
    s_0 = h[-1]
    alpha_0 = softmax(j, (h[j] @ W_k) @ (s_0 @ W_q))
    c_0 = sum(j, alpha_0 * h[j])
    s, c, token = scan(  # noqa: RUF059  # state and context are carried beside the word
        i,
        lambda s, c, token: attentive_sample_step(token, uniform[i], s, c, h, E, A, b, W_q, W_k, W_o, b_o, tau=tau),
        s_0, c_0, start,
    )
    return until_stop(token.stack(i), stop=stop)


@equation(WANG_SELF)
def self_attentive_context(
    h: Float[Tensor, "t u"], W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "u a"],
) -> Float[Tensor, "t u"]:
    """What each state reads of the states up to it, itself among them."""
    t, j = indices("t", "t")
    alpha = softmax(j, (h[j] @ W_k) @ (h[t] @ W_q), where=j <= t)
    c = sum(j, alpha * h[j], where=j <= t)
    return c.stack(t)


@equation(WANG_SELF)
def self_attentive(
    x: Float[Tensor, "t d"], A: Float[Tensor, "d+u u"], b: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "u a"],
) -> tuple[Float[Tensor, "t u"], Float[Tensor, "t u"]]:
    """A simple RNN whose state before is replaced by what that state reads of all before it. States, contexts.

    h_0 and c_0 are 0, and h_0 is not read.
    """
    t, j = indices("t", "t")
    H_0 = where(j < 0, b, 0).stack(j)  # the states so far: none, which is 0 throughout
    H = scan(
        t,
        lambda H: where(j == t, tanh(concat(x[t], self_attentive_context(H, W_q, W_k)[t - 1]) @ A + b), H[j]).stack(j),
        H_0,
    )
    h = last(t, H)
    c = self_attentive_context(h, W_q, W_k)
    return h, c
