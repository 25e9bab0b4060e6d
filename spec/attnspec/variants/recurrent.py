"""Mistakes with recurrent cells, and with what is read from them, that no operator makes."""

from jaxtyping import Float, Int

from attnspec import mutant
from attnspec.equations.recurrent import (
    bidirectional_feature,
    classifier,
    gru_cell,
    gru_lengths,
    lstm,
    lstm_cell,
    lstm_lengths,
    simple_rnn_cell,
    simple_rnn_lengths,
)
from attnspec.notation import Tensor, index, last, scan, sigmoid, size, sum, tanh, where


@mutant(lstm_cell, says="1 is added to the forget gate's bias, as some initialisations do to the weights themselves")
def forget_bias(
    x: Float[Tensor, " d"], h: Float[Tensor, " u"], c: Float[Tensor, " u"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " u"]]:
    """The forget gate opens wider than its weights say."""
    i = sigmoid(x @ W_xi + h @ W_hi + b_i)
    f = sigmoid(x @ W_xf + h @ W_hf + b_f + 1)
    g = tanh(x @ W_xg + h @ W_hg + b_g)
    o = sigmoid(x @ W_xo + h @ W_ho + b_o)
    c_next = f * c + i * g
    h_next = o * tanh(c_next)
    return h_next, c_next


@mutant(lstm_cell, says="the output gate looks at the new cell state's tanh twice: tanh of the whole output")
def tanh_outside(
    x: Float[Tensor, " d"], h: Float[Tensor, " u"], c: Float[Tensor, " u"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " u"]]:
    """tanh(o ⊙ c') where o ⊙ tanh(c') belongs."""
    i = sigmoid(x @ W_xi + h @ W_hi + b_i)
    f = sigmoid(x @ W_xf + h @ W_hf + b_f)
    g = tanh(x @ W_xg + h @ W_hg + b_g)
    o = sigmoid(x @ W_xo + h @ W_ho + b_o)
    c_next = f * c + i * g
    h_next = tanh(o * c_next)
    return h_next, c_next


@mutant(lstm_cell, says="input and forget gate are coupled: i is 1 − f")
def coupled_gates(
    x: Float[Tensor, " d"], h: Float[Tensor, " u"], c: Float[Tensor, " u"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " u"]]:
    """The input gate's own weights are not read."""
    f = sigmoid(x @ W_xf + h @ W_hf + b_f)
    g = tanh(x @ W_xg + h @ W_hg + b_g)
    o = sigmoid(x @ W_xo + h @ W_ho + b_o)
    c_next = f * c + (1 - f) * g
    h_next = o * tanh(c_next)
    return h_next, c_next


@mutant(lstm, says="1 is added to the forget gate's bias, as some initialisations do to the weights themselves")
def forget_bias_throughout(
    x: Float[Tensor, "t d"], h_0: Float[Tensor, " u"], c_0: Float[Tensor, " u"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t u"], Float[Tensor, " u"]]:
    """Every step forgets less than its weights say."""
    t = index("t")
    h, c = scan(
        t,
        lambda h, c: lstm_cell(
            x[t], h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f + 1, W_xg, W_hg, b_g, W_xo, W_ho, b_o
        ),
        h_0, c_0,
    )
    return h.stack(t), last(t, c)


@mutant(simple_rnn_lengths, says="padded steps update the state")
def simple_rnn_goes_on(
    x: Float[Tensor, "t d"], length: Int[Tensor, ""], h_0: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t u"], Float[Tensor, " u"]]:
    """Only the outputs are masked."""
    t = index("t")
    h = scan(t, lambda h: simple_rnn_cell(x[t], h, W_xh, W_hh, b_h), h_0)
    y = where(t < length, h, 0)
    return y.stack(t), last(t, h)


@mutant(simple_rnn_lengths, says="the output of the last step is taken for the last state, which padding makes 0")
def simple_rnn_last_output(
    x: Float[Tensor, "t d"], length: Int[Tensor, ""], h_0: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t u"], Float[Tensor, " u"]]:
    """Right for the longest sequence of a batch."""
    t = index("t")
    h = scan(t, lambda h: where(t < length, simple_rnn_cell(x[t], h, W_xh, W_hh, b_h), h), h_0)
    y = where(t < length, h, 0)
    return y.stack(t), y.stack(t)[-1]


@mutant(gru_lengths, says="padded steps update the state")
def gru_goes_on(
    x: Float[Tensor, "t d"], length: Int[Tensor, ""], h_0: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t u"], Float[Tensor, " u"]]:
    """Only the outputs are masked."""
    t = index("t")
    h = scan(t, lambda h: gru_cell(x[t], h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h), h_0)
    y = where(t < length, h, 0)
    return y.stack(t), last(t, h)


@mutant(gru_lengths, says="the output of the last step is taken for the last state, which padding makes 0")
def gru_last_output(
    x: Float[Tensor, "t d"], length: Int[Tensor, ""], h_0: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t u"], Float[Tensor, " u"]]:
    """Right for the longest sequence of a batch."""
    t = index("t")
    h = scan(
        t,
        lambda h: where(t < length, gru_cell(x[t], h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h), h),
        h_0,
    )
    y = where(t < length, h, 0)
    return y.stack(t), y.stack(t)[-1]


@mutant(lstm_lengths, says="padded steps update both states")
def lstm_goes_on(
    x: Float[Tensor, "t d"], length: Int[Tensor, ""], h_0: Float[Tensor, " u"], c_0: Float[Tensor, " u"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t u"], Float[Tensor, " u"], Float[Tensor, " u"]]:
    """Only the outputs are masked."""
    t = index("t")
    h, c = scan(
        t,
        lambda h, c: lstm_cell(
            x[t], h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
        ),
        h_0, c_0,
    )
    y = where(t < length, h, 0)
    return y.stack(t), last(t, h), last(t, c)


@mutant(lstm_lengths, says="padded steps update the cell state: only the hidden one rests")
def lstm_cell_goes_on(
    x: Float[Tensor, "t d"], length: Int[Tensor, ""], h_0: Float[Tensor, " u"], c_0: Float[Tensor, " u"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t u"], Float[Tensor, " u"], Float[Tensor, " u"]]:
    """One of the two states was forgotten."""
    t = index("t")
    h, c = scan(
        t,
        lambda h, c: lstm_cell(
            x[t], h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
        ),
        h_0, c_0,
    )
    h_last = where(length > 0, h.stack(t)[length - 1], h_0)
    y = where(t < length, h, 0)
    return y.stack(t), h_last, last(t, c)


@mutant(classifier, says="the mean over all steps is read, not the last state")
def mean_over_time(h: Float[Tensor, "t u"], w: Float[Tensor, " u"], b: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """Pooling, where the last state alone should count."""
    t = index("t")
    T = size("t")
    return sigmoid(sum(t, h[t]) / T @ w + b)


@mutant(classifier, says="the first state is read, not the last")
def first_state(h: Float[Tensor, "t u"], w: Float[Tensor, " u"], b: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """The state that has seen one step only."""
    return sigmoid(h[0] @ w + b)


@mutant(bidirectional_feature, says="both halves are taken at the last step, where the backward one has only begun")
def last_for_both(h: Float[Tensor, "t 2*u"]) -> Float[Tensor, " 2*u"]:
    """What h_T of a bidirectional output is."""
    return h[-1]


@mutant(bidirectional_feature, says="both halves are taken at the first step, where the forward one has only begun")
def first_for_both(h: Float[Tensor, "t 2*u"]) -> Float[Tensor, " 2*u"]:
    """What h_1 of a bidirectional output is."""
    return h[0]
