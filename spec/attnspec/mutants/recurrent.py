"""Mistakes with recurrent cells, and with what is read from them, that no operator makes."""

from attnspec import mutate
from attnspec.equations.recurrent import (
    bidirectional_feature,
    bidirectional_gru_lengths,
    bidirectional_gru_lengths_reset_after,
    bidirectional_lstm_lengths,
    bidirectional_simple_rnn_lengths,
    classifier,
    gru_cell_reset_after,
    gru_lengths,
    gru_lengths_reset_after,
    gru_lengths_reset_after_repeats,
    gru_reset_after,
    lstm,
    lstm_cell,
    lstm_lengths,
    many_to_one,
    simple_rnn_lengths,
)

forget_bias = mutate(
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
    calls={lstm_cell: forget_bias},
)

# ONNX's operator with linear_before_reset=0, as exporters wrote it for PyTorch's GRU: pytorch/pytorch#189225.
reset_before = mutate(
    gru_cell_reset_after, "reset_before_both_biases",
    says="r acts before W_hh instead of after it, and not on b_hh",
    lines={"h_tilde": "tanh(x @ W_xh + b_h + (r * h) @ W_hh + b_hh)"},
)

mutate(
    gru_reset_after, "reset_before_both_biases_throughout",
    says="r acts before W_hh instead of after it, and not on b_hh",
    calls={gru_cell_reset_after: reset_before},
)

# Only the outputs are masked.
mutate(
    simple_rnn_lengths, "simple_rnn_goes_on",
    says="padded steps update the state",
    lines={"h": "scan(t, lambda h: simple_rnn_cell(x[t], h, W_xh, W_hh, b_h), h_0)"},
)

# Right for the longest sequence of a batch.
mutate(
    simple_rnn_lengths, "simple_rnn_last_output",
    says="the output of the last step is taken for the last state, which padding makes 0",
    lines={"return": "y.stack(t), y.stack(t)[-1]"},
)

# Only the outputs are masked.
mutate(
    gru_lengths, "gru_goes_on",
    says="padded steps update the state",
    lines={"h": "scan(t, lambda h: gru_cell(x[t], h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h), h_0)"},
)

# Right for the longest sequence of a batch.
mutate(
    gru_lengths, "gru_last_output",
    says="the output of the last step is taken for the last state, which padding makes 0",
    lines={"return": "y.stack(t), y.stack(t)[-1]"},
)

# Only the outputs are masked.
mutate(
    gru_lengths_reset_after, "gru_goes_on",
    says="padded steps update the state",
    lines={
        "h": "scan(t, lambda h: gru_cell_reset_after("
        "x[t], h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh), h_0)",
    },
)

# Only the outputs are masked.
mutate(
    gru_lengths_reset_after_repeats, "gru_goes_on",
    says="padded steps update the state",
    lines={
        "h": "scan(t, lambda h: gru_cell_reset_after("
        "x[t], h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh), h_0)",
    },
)

# Right for the longest sequence of a batch.
mutate(
    gru_lengths_reset_after, "gru_last_output",
    says="the output of the last step is taken for the last state, which padding makes 0",
    lines={"return": "y.stack(t), y.stack(t)[-1]"},
)

# Only the outputs are masked.
mutate(
    lstm_lengths, "lstm_goes_on",
    says="padded steps update both states",
    lines={"return": "y.stack(t), last(t, h), last(t, c)"},
)

# One of the two states was forgotten.
mutate(
    lstm_lengths, "lstm_cell_goes_on",
    says="padded steps update the cell state: only the hidden one rests",
    lines={"c_last": "last(t, c)"},
)

# The whole of x is turned round, as if it were as long as the longest of the batch.
mutate(
    bidirectional_simple_rnn_lengths, "padding_first",
    says="the backward half reads the padding before the rows that count",
    lines={
        "g": "scan(i, lambda h: simple_rnn_cell("
        "x[t - 1 - i], h, W_xh_b, W_hh_b, b_h_b), h_0)",
    },
)

# Only the outputs are masked.
mutate(
    bidirectional_simple_rnn_lengths, "goes_on",
    says="padded steps update the state of the forward half",
    lines={
        "h_f": "scan(i, lambda h: simple_rnn_cell("
        "x[i], h, W_xh_f, W_hh_f, b_h_f), h_0)",
    },
)

# Right for the longest sequence of a batch.
mutate(
    bidirectional_simple_rnn_lengths, "feature_of_padding",
    says="the forward half's last state is taken from the last output, which padding makes 0",
    lines={"return": "y.stack(i), bidirectional_feature(y.stack(i))"},
)

# The whole of x is turned round, as if it were as long as the longest of the batch.
mutate(
    bidirectional_gru_lengths, "padding_first",
    says="the backward half reads the padding before the rows that count",
    lines={
        "g": "scan(i, lambda h: gru_cell("
        "x[t - 1 - i], h, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b), h_0)",
    },
)

# Only the outputs are masked.
mutate(
    bidirectional_gru_lengths, "goes_on",
    says="padded steps update the state of the forward half",
    lines={
        "h_f": "scan(i, lambda h: gru_cell("
        "x[i], h, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f), h_0)",
    },
)

# Right for the longest sequence of a batch.
mutate(
    bidirectional_gru_lengths, "feature_of_padding",
    says="the forward half's last state is taken from the last output, which padding makes 0",
    lines={"return": "y.stack(i), bidirectional_feature(y.stack(i))"},
)

# The whole of x is turned round, as if it were as long as the longest of the batch.
mutate(
    bidirectional_gru_lengths_reset_after, "padding_first",
    says="the backward half reads the padding before the rows that count",
    lines={
        "g": "scan(i, lambda h: gru_cell_reset_after("
        "x[t - 1 - i], h, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b, b_hh_b), h_0)",
    },
)

# Only the outputs are masked.
mutate(
    bidirectional_gru_lengths_reset_after, "goes_on",
    says="padded steps update the state of the forward half",
    lines={
        "h_f": "scan(i, lambda h: gru_cell_reset_after("
        "x[i], h, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f, b_hh_f), h_0)",
    },
)

# Right for the longest sequence of a batch.
mutate(
    bidirectional_gru_lengths_reset_after, "feature_of_padding",
    says="the forward half's last state is taken from the last output, which padding makes 0",
    lines={"return": "y.stack(i), bidirectional_feature(y.stack(i))"},
)

# The whole of x is turned round, as if it were as long as the longest of the batch.
mutate(
    bidirectional_lstm_lengths, "padding_first",
    says="the backward half reads the padding before the rows that count",
    lines={
        "g, c_b": "scan(i, lambda h, c: lstm_cell("
        "x[t - 1 - i], h, c, W_xi_b, W_hi_b, b_i_b, W_xf_b, W_hf_b, b_f_b, "
        "W_xg_b, W_hg_b, b_g_b, W_xo_b, W_ho_b, b_o_b), zero, zero)",
        "h_b": "g.stack(i)[t - 1 - i]",
        "h_last": "concat(h_f.stack(i)[n - 1], g.stack(i)[t - 1])",
        "c_last": "concat(c_f.stack(i)[n - 1], c_b.stack(i)[t - 1])",
    },
)

# Only the outputs are masked.
mutate(
    bidirectional_lstm_lengths, "goes_on",
    says="padded steps update the states of the forward half",
    lines={
        "h_last": "concat(h_f.stack(i)[t - 1], g.stack(i)[n - 1])",
        "c_last": "concat(c_f.stack(i)[t - 1], c_b.stack(i)[n - 1])",
    },
)

# Right for the longest sequence of a batch.
mutate(
    bidirectional_lstm_lengths, "feature_of_padding",
    says="the forward half's last state is taken from the last output, which padding makes 0",
    lines={"return": "y.stack(i), bidirectional_feature(y.stack(i)), c_last"},
)

# Pooling, where the last state alone should count.
mutate(
    many_to_one, "mean_over_time",
    says="the mean over all steps is read, not the last state",
    lines={"T": 'size("t")', "return": "readout(sum(t, h) / T, W_hy, b_y)"},
)

# The state that has seen one step only.
mutate(
    many_to_one, "first_state",
    says="the first state is read, not the last",
    lines={"return": "readout(h.stack(t)[0], W_hy, b_y)"},
)

# Pooling, where the last state alone should count.
mutate(
    classifier, "mean_over_time",
    says="the mean over all steps is read, not the last state",
    lines={"t": 'index("t")', "T": 'size("t")', "return": "sigmoid(sum(t, h[t]) / T @ w + b)"},
)

# The state that has seen one step only.
mutate(
    classifier, "first_state",
    says="the first state is read, not the last",
    lines={"return": "sigmoid(h[0] @ w + b)"},
)

# What h_T of a bidirectional output is.
mutate(
    bidirectional_feature, "last_for_both",
    says="both halves are taken at the last step, where the backward one has only begun",
    lines={"return": "h[-1]"},
)

# What h_1 of a bidirectional output is.
mutate(
    bidirectional_feature, "first_for_both",
    says="both halves are taken at the first step, where the forward one has only begun",
    lines={"return": "h[0]"},
)
