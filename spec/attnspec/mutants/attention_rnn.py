"""Mistakes with decoders that attend that no operator makes."""

from attnspec import mutate
from attnspec.equations.attention_rnn import (
    attentive_step,
    bahdanau_decode,
    bahdanau_step,
    input_feeding_step,
    readout_step,
    self_attentive,
    self_attentive_context,
)

# The gate of Cho et al., and of most software.
update_keeps = mutate(
    bahdanau_step, "update_keeps",
    says="z keeps the old state instead of writing the candidate",
    lines={"s_next": "z * s + (1 - z) * s_tilde"},
)

# It has read one word alone. A place: k alone would be all of the row.
mutate(
    bahdanau_decode, "begins_with_forward_half",
    says="the decoder begins with the forward half of h_1, not with the backward one",
    lines={"h_b": "h[0, 1 * k].stack(k)"},
)

# The last row is where the forward half ends; the backward one has read one word.
mutate(
    bahdanau_decode, "begins_with_last_row",
    says="the decoder begins with the backward half of h_m, not with that of h_1",
    lines={"h_b": "h[-1, e + k].stack(k)"},
)

mutate(
    bahdanau_decode, "updates_keep",
    says="z keeps the old state instead of writing the candidate",
    calls={bahdanau_step: update_keeps},
)

# Bahdanau's order, in which the context given does not count.
mutate(
    attentive_step, "newer_context",
    says="the newer context is read where the older is meant: the old state asks first",
    lines={
        "beta": "softmax(j, (h[j] @ W_k) @ (s @ W_q))",
        "read": "sum(j, beta * h[j])",
        "s_next": "tanh(concat(x, s, read) @ A + b)",
        "return": "s_next, read",
    },
)

# Both have the same width, so that nothing complains.
mutate(
    attentive_step, "context_first",
    says="state and context are joined in the other order: [x; c; s]",
    lines={"s_next": "tanh(concat(x, c, s) @ A + b)"},
)

# Attention one step late.
mutate(
    readout_step, "old_state_asks",
    says="the old state asks, not the new one",
    lines={"alpha": "softmax(j, (h[j] @ W_k) @ (s @ W_q))"},
)

# Bahdanau's order, in which the context given does not count.
mutate(
    input_feeding_step, "newer_context_fed",
    says="the newer context is fed where the older is meant: the old state asks first",
    lines={
        "beta": "softmax(j, (h[j] @ W_k) @ (s @ W_q))",
        "read": "sum(j, beta * h[j])",
        "s_next": "simple_rnn_cell(concat(y, read), s, W_xh, W_hh, b_h)",
        "return": "s_next, read",
    },
)

# The first state reads less than itself.
zero_read = mutate(
    self_attentive_context, "zero_read",
    says="h_0, which is 0, is read too: every softmax has one more score, of 0",
    lines={
        "p": "exp((h[j] @ W_k) @ (h[t] @ W_q))",
        "c": "sum(j, p * h[j], where=j <= t) / (1 + sum(j, p, where=j <= t))",
    },
)

mutate(
    self_attentive, "zero_read_throughout",
    says="h_0, which is 0, is read too: every softmax has one more score, of 0",
    calls={self_attentive_context: zero_read},
)
