"""Mistakes with decoders that attend that no operator makes."""

from jaxtyping import Float

from attnspec import mutant
from attnspec.equations.attention_rnn import (
    attentive_step,
    bahdanau_decode,
    bahdanau_step,
    input_feeding_step,
    readout_step,
    self_attentive,
    self_attentive_context,
)
from attnspec.equations.recurrent import simple_rnn_cell
from attnspec.equations.seq2seq import output_maxout
from attnspec.notation import (
    Tensor,
    concat,
    exp,
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


@mutant(bahdanau_step, says="z keeps the old state instead of writing the candidate")
def update_keeps(
    y: Float[Tensor, " d"], s: Float[Tensor, " u"], h: Float[Tensor, "m k"],
    W_a: Float[Tensor, "u a"], U_a: Float[Tensor, "k a"], v_a: Float[Tensor, " a"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " k"], Float[Tensor, " m"]]:
    """The gate of Cho et al., and of most software."""
    j = index("m")
    alpha = softmax(j, tanh(s @ W_a + h[j] @ U_a) @ v_a)
    c = sum(j, alpha * h[j])
    r = sigmoid(y @ W_xr + s @ W_hr + c @ C_r + b_r)
    z = sigmoid(y @ W_xz + s @ W_hz + c @ C_z + b_z)
    s_tilde = tanh(y @ W_xh + (r * s) @ W_hh + c @ C_h + b_h)
    s_next = z * s + (1 - z) * s_tilde
    return s_next, c, alpha.stack(j)


@mutant(bahdanau_decode, says="the decoder begins with the forward half of h_1, not with the backward one")
def begins_with_forward_half(
    y: Float[Tensor, "n d"], h: Float[Tensor, "m 2*e"], W_s: Float[Tensor, "e u"],
    W_a: Float[Tensor, "u a"], U_a: Float[Tensor, "2*e a"], v_a: Float[Tensor, " a"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "2*e u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "2*e u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "2*e u"], b_h: Float[Tensor, " u"],
    U_o: Float[Tensor, "u 2*l"], V_o: Float[Tensor, "d 2*l"], C_o: Float[Tensor, "2*e 2*l"], W_o: Float[Tensor, "l v"],
) -> tuple[Float[Tensor, "n u"], Float[Tensor, "n m"], Float[Tensor, "n v"]]:
    """It has read one word alone."""
    i, k = indices("n", "e")
    s_0 = tanh(h[0, 1 * k].stack(k) @ W_s)  # a place: k alone would be all of the row
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


@mutant(bahdanau_decode, says="the decoder begins with the backward half of h_m, not with that of h_1")
def begins_with_last_row(
    y: Float[Tensor, "n d"], h: Float[Tensor, "m 2*e"], W_s: Float[Tensor, "e u"],
    W_a: Float[Tensor, "u a"], U_a: Float[Tensor, "2*e a"], v_a: Float[Tensor, " a"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "2*e u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "2*e u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "2*e u"], b_h: Float[Tensor, " u"],
    U_o: Float[Tensor, "u 2*l"], V_o: Float[Tensor, "d 2*l"], C_o: Float[Tensor, "2*e 2*l"], W_o: Float[Tensor, "l v"],
) -> tuple[Float[Tensor, "n u"], Float[Tensor, "n m"], Float[Tensor, "n v"]]:
    """The last row is where the forward half ends; the backward one has read one word."""
    i, k = indices("n", "e")
    e = size("e")
    s_0 = tanh(h[-1, e + k].stack(k) @ W_s)
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


@mutant(bahdanau_decode, says="z keeps the old state instead of writing the candidate")
def updates_keep(
    y: Float[Tensor, "n d"], h: Float[Tensor, "m 2*e"], W_s: Float[Tensor, "e u"],
    W_a: Float[Tensor, "u a"], U_a: Float[Tensor, "2*e a"], v_a: Float[Tensor, " a"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "2*e u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "2*e u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "2*e u"], b_h: Float[Tensor, " u"],
    U_o: Float[Tensor, "u 2*l"], V_o: Float[Tensor, "d 2*l"], C_o: Float[Tensor, "2*e 2*l"], W_o: Float[Tensor, "l v"],
) -> tuple[Float[Tensor, "n u"], Float[Tensor, "n m"], Float[Tensor, "n v"]]:
    """The gate of Cho et al., and of most software, at every step."""
    i, k = indices("n", "e")
    e = size("e")
    s_0 = tanh(h[0, e + k].stack(k) @ W_s)
    s, c, alpha = scan(
        i,
        lambda s, c, alpha: update_keeps(
            y[i], s, h, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
        ),
        s_0, zeros("2*e"), zeros("m"),
    )
    s_before = where(i == 0, s_0, s.stack(i)[i - 1])
    p = output_maxout(s_before, y[i], c, U_o, V_o, C_o, W_o)
    return s.stack(i), alpha.stack(i), p.stack(i)


@mutant(attentive_step, says="the newer context is read where the older is meant: the old state asks first")
def newer_context(
    x: Float[Tensor, " d"], s: Float[Tensor, " u"], c: Float[Tensor, " u"], h: Float[Tensor, "m u"],
    A: Float[Tensor, "d+u+u u"], b: Float[Tensor, " u"], W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "u a"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " u"]]:
    """Bahdanau's order, in which the context given does not count."""
    j = index("m")
    alpha = softmax(j, (h[j] @ W_k) @ (s @ W_q))
    c_next = sum(j, alpha * h[j])
    s_next = tanh(concat(x, s, c_next) @ A + b)
    return s_next, c_next


@mutant(attentive_step, says="state and context are joined in the other order: [x; c; s]")
def context_first(
    x: Float[Tensor, " d"], s: Float[Tensor, " u"], c: Float[Tensor, " u"], h: Float[Tensor, "m u"],
    A: Float[Tensor, "d+u+u u"], b: Float[Tensor, " u"], W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "u a"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " u"]]:
    """Both have the same width, so that nothing complains."""
    j = index("m")
    s_next = tanh(concat(x, c, s) @ A + b)
    alpha = softmax(j, (h[j] @ W_k) @ (s_next @ W_q))
    c_next = sum(j, alpha * h[j])
    return s_next, c_next


@mutant(readout_step, says="the old state asks, not the new one")
def old_state_asks(
    y: Float[Tensor, " d"], s: Float[Tensor, " u"], h: Float[Tensor, "m k"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "k a"],
    W_o: Float[Tensor, "u+k o"], b_o: Float[Tensor, " o"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " o"]]:
    """Attention one step late."""
    j = index("m")
    s_next = simple_rnn_cell(y, s, W_xh, W_hh, b_h)
    alpha = softmax(j, (h[j] @ W_k) @ (s @ W_q))
    c = sum(j, alpha * h[j])
    y_hat = concat(s_next, c) @ W_o + b_o
    return s_next, y_hat


@mutant(input_feeding_step, says="the newer context is fed where the older is meant: the old state asks first")
def newer_context_fed(
    y: Float[Tensor, " d"], s: Float[Tensor, " u"], c: Float[Tensor, " k"], h: Float[Tensor, "m k"],
    W_xh: Float[Tensor, "d+k u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "k a"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " k"]]:
    """Bahdanau's order, in which the context given does not count."""
    j = index("m")
    alpha = softmax(j, (h[j] @ W_k) @ (s @ W_q))
    c_next = sum(j, alpha * h[j])
    s_next = simple_rnn_cell(concat(y, c_next), s, W_xh, W_hh, b_h)
    return s_next, c_next


@mutant(self_attentive_context, says="h_0, which is 0, is read too: every softmax has one more score, of 0")
def zero_read(
    h: Float[Tensor, "t u"], W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "u a"],
) -> Float[Tensor, "t u"]:
    """The first state reads less than itself."""
    t, j = indices("t", "t")
    p = exp((h[j] @ W_k) @ (h[t] @ W_q))
    c = sum(j, p * h[j], where=j <= t) / (1 + sum(j, p, where=j <= t))
    return c.stack(t)


@mutant(self_attentive, says="h_0, which is 0, is read too: every softmax has one more score, of 0")
def zero_read_throughout(
    x: Float[Tensor, "t d"], A: Float[Tensor, "d+u u"], b: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "u a"],
) -> tuple[Float[Tensor, "t u"], Float[Tensor, "t u"]]:
    """c_1 is less than h_1."""
    t, j = indices("t", "t")
    H_0 = where(j < 0, b, 0).stack(j)
    H = scan(t, lambda H: where(j == t, tanh(concat(x[t], zero_read(H, W_q, W_k)[t - 1]) @ A + b), H[j]).stack(j), H_0)
    h = last(t, H)
    c = zero_read(h, W_q, W_k)
    return h, c
