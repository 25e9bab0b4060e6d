"""Known mistakes of generating with a beam."""

from typing import Any

from attnspec import Equation, mutate
from attnspec.equations.generation import (
    attentive_beam_decode,
    attentive_beam_step,
    bahdanau_beam_decode,
    bahdanau_beam_step,
    beam_step,
    gru_beam_decode,
    gru_beam_step,
    lstm_beam_decode,
    lstm_beam_step,
    readout_beam_decode,
    readout_beam_step,
    transformer_beam_decode,
    transformer_beam_step,
    transformer_greedy_decode,
    transformer_sample_decode,
    transformer_sample_step,
)

Of = Equation[..., Any]

# What ended loses to what goes on, or goes on itself.
mutate(
    beam_step, "ended_go_on",
    says="a hypothesis that is over goes on as if it were not",
    lines={"total": "(score[b] + log_p[b, k]).stack(b, k)"},
)

mutate(
    beam_step, "scores_forgotten",
    says="continuations are compared by their last token alone, not by the whole hypothesis",
    lines={"total": "where(over[b] > 0, where(k == stop, 0, -inf), log_p[b, k]).stack(b, k)"},
)

# A search for each hypothesis by itself.
mutate(
    beam_step, "each_keeps_its_best",
    says="each hypothesis goes on with its own best token: hypotheses do not compete",
    lines={
        "better": "sum(j, 1, where=(total[b, j] > total[b, k]) | ((total[b, j] == total[b, k]) & (j < k)))",
        "score_next": "sum(b, sum(k, total[b, k], where=(better == 0) & (b == r)))",
        "parent": "sum(b, sum(k, b, where=(better == 0) & (b == r)))",
        "token": "sum(b, sum(k, k, where=(better == 0) & (b == r)))",
    },
)

mutate(
    beam_step, "last_of_ties",
    says="of equal continuations the last is taken",
    lines={"before": "(a > b) | ((a == b) & (j > k))"},
)

# The rows of the cache are not put in the order of the hypotheses.
REORDERED: dict[Of, str] = {
    lstm_beam_step: "tokens_next.stack(b, j), score_next, h.stack(b), g.stack(b)",
    gru_beam_step: "tokens_next.stack(r, j), score_next, s_next.stack(r)",
    bahdanau_beam_step: "tokens_next.stack(b, j), score_next, r.stack(b)",
    readout_beam_step: "tokens_next.stack(r, j), score_next, s_next.stack(r)",
    attentive_beam_step: "tokens_next.stack(r, j), score_next, s_next.stack(r), c_next.stack(r)",
}

for moved, line in REORDERED.items():
    mutate(
        moved, "states_stay",
        says="the states are not taken along: each stays in its row, whichever hypothesis goes on there",
        lines={"return": line},
    )

MIXED = "the earlier tokens are not taken along: each row keeps its own, whichever hypothesis goes on there"

mixed = {
    step: mutate(step, "tokens_stay", says=MIXED, lines={"tokens_next": line})
    for step, line in (
        (lstm_beam_step, "where(j == length, chosen[b], tokens[b, j])"),
        (gru_beam_step, "where(j == length, chosen[r], tokens[r, j])"),
        (bahdanau_beam_step, "where(j == length, chosen[b], tokens[b, j])"),
        (readout_beam_step, "where(j == length, chosen[r], tokens[r, j])"),
        (attentive_beam_step, "where(j == length, chosen[r], tokens[r, j])"),
        (transformer_beam_step, "where(j == length, chosen[h], tokens[h, j])"),
    )
}

# All hypotheses begin alike, and stay so.
ALIKE = "all hypotheses begin with the score 0, and so are all the same"

for decode, step, line in (
    (lstm_beam_decode, lstm_beam_step, "where(b >= 0, 0, -inf).stack(b)"),
    (gru_beam_decode, gru_beam_step, "where(r >= 0, 0, -inf).stack(r)"),
    (bahdanau_beam_decode, bahdanau_beam_step, "where(b >= 0, 0, -inf).stack(b)"),
    (readout_beam_decode, readout_beam_step, "where(r >= 0, 0, -inf).stack(r)"),
    (attentive_beam_decode, attentive_beam_step, "where(r >= 0, 0, -inf).stack(r)"),
    (transformer_beam_decode, transformer_beam_step, "where(h >= 0, 0, -inf).stack(h)"),
):
    mutate(decode, "all_alike", says=ALIKE, lines={"one": line})
    mutate(decode, "tokens_stay_throughout", says=MIXED, calls={step: mixed[step]})

mutate(
    transformer_greedy_decode, "never_stops",
    says="after `stop` the tokens go on",
    lines={"return": "last(i, tokens)"},
)

# Nothing is left to chance.
takes_likeliest = mutate(
    transformer_sample_step, "takes_likeliest",
    says="the likeliest token is taken, whatever is drawn",
    lines={"w": 'index("v")', "return": "argmax(w, p[w])"},
)

mutate(
    transformer_sample_decode, "takes_likeliest_throughout",
    says="the likeliest token is taken, whatever is drawn",
    calls={transformer_sample_step: takes_likeliest},
)

SCAN = """scan(
    i,
    lambda tokens: where(
        j == length,
        transformer_sample_step(
            {tokens}, length, uniform[{number}], z, P,
            W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
            W_1, b_1, W_2, b_2, gamma_3, beta_3, W, b, start=start, heads=heads, eps=eps, tau=tau,
        ),
        tokens[j],
    ).stack(j),
    none,
)"""

mutate(
    transformer_sample_decode, "one_number_for_all",
    says="every token is drawn with the first number",
    lines={"tokens": SCAN.format(tokens="tokens", number="0")},
)

# The decoder does not know what it drew.
mutate(
    transformer_sample_decode, "not_fed_back",
    says="the tokens that were drawn are not read: the decoder reads the first token of the vocabulary in their place",
    lines={"tokens": SCAN.format(tokens="none", number="i")},
)

mutate(
    transformer_sample_decode, "never_stops",
    says="after `stop` the tokens go on",
    lines={"return": "last(i, tokens)"},
)
