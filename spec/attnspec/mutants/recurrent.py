"""Mistakes with recurrent cells, and with what is read from them, that no operator makes."""

from jaxtyping import Float

from attnspec import mutant, mutate
from attnspec.equations.recurrent import (
    bidirectional_feature,
    classifier,
    gru_lengths,
    lstm,
    lstm_cell,
    lstm_lengths,
    simple_rnn_lengths,
)
from attnspec.notation import Tensor, index, sigmoid, size, sum

mutate(
    lstm_cell, "forget_bias",
    says="1 is added to the forget gate's bias, as some initialisations do to the weights themselves",
    lines={"f": "sigmoid(x @ W_xf + h @ W_hf + b_f + 1)"},
)


mutate(
    lstm_cell, "tanh_outside",
    says="the output gate looks at the new cell state's tanh twice: tanh of the whole output",
    lines={"h_next": "tanh(o * c_next)"},
)


mutate(
    lstm_cell, "coupled_gates",
    says="input and forget gate are coupled: i is 1 − f",
    lines={"c_next": "f * c + (1 - f) * g"},
)


mutate(
    lstm, "forget_bias_throughout",
    says="1 is added to the forget gate's bias, as some initialisations do to the weights themselves",
    lines={
        "h, c": (
            "scan(t, lambda h, c: lstm_cell(x[t], h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f + 1, W_xg, W_hg, b_g, W_xo, "
            "W_ho, b_o), h_0, c_0)"
        ),
    },
)


mutate(
    simple_rnn_lengths, "simple_rnn_goes_on",
    says="padded steps update the state",
    lines={"h": "scan(t, lambda h: simple_rnn_cell(x[t], h, W_xh, W_hh, b_h), h_0)"},
)


mutate(
    simple_rnn_lengths, "simple_rnn_last_output",
    says="the output of the last step is taken for the last state, which padding makes 0",
    lines={"return": "y.stack(t), y.stack(t)[-1]"},
)


mutate(
    gru_lengths, "gru_goes_on",
    says="padded steps update the state",
    lines={"h": "scan(t, lambda h: gru_cell(x[t], h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h), h_0)"},
)


mutate(
    gru_lengths, "gru_last_output",
    says="the output of the last step is taken for the last state, which padding makes 0",
    lines={"return": "y.stack(t), y.stack(t)[-1]"},
)


mutate(
    lstm_lengths, "lstm_goes_on",
    says="padded steps update both states",
    lines={"return": "y.stack(t), last(t, h), last(t, c)"},
)


mutate(
    lstm_lengths, "lstm_cell_goes_on",
    says="padded steps update the cell state: only the hidden one rests",
    lines={"return": "y.stack(t), h_last, last(t, c)"},
)


@mutant(classifier, says="the mean over all steps is read, not the last state")
def mean_over_time(h: Float[Tensor, "t u"], w: Float[Tensor, " u"], b: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """Pooling, where the last state alone should count."""
    t = index("t")
    T = size("t")
    return sigmoid(sum(t, h[t]) / T @ w + b)


mutate(
    classifier, "first_state",
    says="the first state is read, not the last",
    lines={"return": "sigmoid(h[0] @ w + b)"},
)


mutate(
    bidirectional_feature, "last_for_both",
    says="both halves are taken at the last step, where the backward one has only begun",
    lines={"return": "h[-1]"},
)


mutate(
    bidirectional_feature, "first_for_both",
    says="both halves are taken at the first step, where the forward one has only begun",
    lines={"return": "h[0]"},
)
