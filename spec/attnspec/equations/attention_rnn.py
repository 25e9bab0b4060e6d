"""Recurrent decoders that attend: at every step a context of their own, made of all of the encoder's states."""

from jaxtyping import Float

from attnspec import Source, equation
from attnspec.equations.recurrent import simple_rnn_cell
from attnspec.equations.seq2seq import output_maxout
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
    """What was read at the step before is part of the input, [y; c]; then the new state asks. State, context."""
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
