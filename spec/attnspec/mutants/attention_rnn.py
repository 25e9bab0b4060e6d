"""Mistakes with decoders that attend that no operator makes."""

from attnspec import mutate
from attnspec.equations.attention_rnn import (
    attentive_greedy_decode,
    attentive_greedy_step,
    attentive_sample_decode,
    attentive_sample_step,
    attentive_step,
    bahdanau_decode,
    bahdanau_greedy_decode,
    bahdanau_greedy_step,
    bahdanau_sample_decode,
    bahdanau_sample_step,
    bahdanau_step,
    input_feeding_step,
    readout_greedy_decode,
    readout_greedy_step,
    readout_sample_decode,
    readout_sample_step,
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

bahdanau_last_of_a_tie = mutate(
    bahdanau_greedy_step, "last_of_a_tie",
    says="of words that are equally likely, the last is generated",
    lines={"j": 'index("v")', "return": "s_next, max(w, w, where=logits[w] >= max(j, logits[j]))"},
)

mutate(
    bahdanau_greedy_decode, "last_of_ties",
    says="of words that are equally likely, the last is generated",
    calls={bahdanau_greedy_step: bahdanau_last_of_a_tie},
)

# Words after the end are not part of the answer.
mutate(
    bahdanau_greedy_decode, "never_stops",
    says="after `stop` the words go on",
    lines={"return": "token.stack(i)"},
)

# Nothing is left to chance.
bahdanau_takes_likeliest = mutate(
    bahdanau_sample_step, "takes_likeliest",
    says="the likeliest word is taken, whatever is drawn",
    lines={"w": 'index("v")', "return": "s_next, argmax(w, p[w])"},
)

mutate(
    bahdanau_sample_decode, "takes_likeliest_throughout",
    says="the likeliest word is taken, whatever is drawn",
    calls={bahdanau_sample_step: bahdanau_takes_likeliest},
)

# The decoder does not know what it drew.
mutate(
    bahdanau_sample_decode, "not_fed_back",
    says="the word that was drawn is not read: every step reads `start`",
    lines={
        "s, token": """scan(
            i,
            lambda s, token: bahdanau_sample_step(
                start, uniform[i], s, h, E,
                W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h,
                U_o, V_o, C_o, W_o, tau=tau,
            ),
            s_0, start,
        )""",
    },
)

readout_last_of_a_tie = mutate(
    readout_greedy_step, "last_of_a_tie",
    says="of words that are equally likely, the last is generated",
    lines={"j": 'index("v")', "return": "s_next, max(w, w, where=y_hat[w] >= max(j, y_hat[j]))"},
)

mutate(
    readout_greedy_decode, "last_of_ties",
    says="of words that are equally likely, the last is generated",
    calls={readout_greedy_step: readout_last_of_a_tie},
)

# Words after the end are not part of the answer.
mutate(
    readout_greedy_decode, "never_stops",
    says="after `stop` the words go on",
    lines={"return": "token.stack(i)"},
)

# Nothing is left to chance.
readout_takes_likeliest = mutate(
    readout_sample_step, "takes_likeliest",
    says="the likeliest word is taken, whatever is drawn",
    lines={"w": 'index("v")', "return": "s_next, argmax(w, p[w])"},
)

mutate(
    readout_sample_decode, "takes_likeliest_throughout",
    says="the likeliest word is taken, whatever is drawn",
    calls={readout_sample_step: readout_takes_likeliest},
)

# The decoder does not know what it drew.
mutate(
    readout_sample_decode, "not_fed_back",
    says="the word that was drawn is not read: every step reads `start`",
    lines={
        "s, token": """scan(
            i,
            lambda s, token: readout_sample_step(
                start, uniform[i], s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o, tau=tau
            ),
            s_0, start,
        )""",
    },
)

attentive_last_of_a_tie = mutate(
    attentive_greedy_step, "last_of_a_tie",
    says="of words that are equally likely, the last is generated",
    lines={"j": 'index("v")', "return": "s_next, c_next, max(w, w, where=logits[w] >= max(j, logits[j]))"},
)

mutate(
    attentive_greedy_decode, "last_of_ties",
    says="of words that are equally likely, the last is generated",
    calls={attentive_greedy_step: attentive_last_of_a_tie},
)

# Words after the end are not part of the answer.
mutate(
    attentive_greedy_decode, "never_stops",
    says="after `stop` the words go on",
    lines={"return": "token.stack(i)"},
)

# Nothing is left to chance.
attentive_takes_likeliest = mutate(
    attentive_sample_step, "takes_likeliest",
    says="the likeliest word is taken, whatever is drawn",
    lines={"w": 'index("v")', "return": "s_next, c_next, argmax(w, p[w])"},
)

mutate(
    attentive_sample_decode, "takes_likeliest_throughout",
    says="the likeliest word is taken, whatever is drawn",
    calls={attentive_sample_step: attentive_takes_likeliest},
)

# The decoder does not know what it drew.
mutate(
    attentive_sample_decode, "not_fed_back",
    says="the word that was drawn is not read: every step reads `start`",
    lines={
        "s, c, token": """scan(
            i,
            lambda s, c, token: attentive_sample_step(
                start, uniform[i], s, c, h, E, A, b, W_q, W_k, W_o, b_o, tau=tau
            ),
            s_0, c_0, start,
        )""",
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
