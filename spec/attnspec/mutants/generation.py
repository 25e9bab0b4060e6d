"""Known mistakes of generating with a beam."""

from attnspec import mutate
from attnspec.equations.generation import (
    bahdanau_beam_decode,
    bahdanau_beam_step,
    beam_step,
    lstm_beam_decode,
    lstm_beam_step,
    transformer_beam_decode,
    transformer_beam_step,
    transformer_greedy_decode,
)

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
mutate(
    lstm_beam_step, "states_stay",
    says="the states are not taken along: each stays in its row, whichever hypothesis goes on there",
    lines={"return": "tokens_next.stack(b, j), score_next, h.stack(b), g.stack(b)"},
)

mutate(
    bahdanau_beam_step, "states_stay",
    says="the states are not taken along: each stays in its row, whichever hypothesis goes on there",
    lines={"return": "tokens_next.stack(b, j), score_next, r.stack(b)"},
)

MIXED = "the earlier tokens are not taken along: each row keeps its own, whichever hypothesis goes on there"

mixed = {
    step: mutate(step, "tokens_stay", says=MIXED, lines={"tokens_next": line})
    for step, line in (
        (lstm_beam_step, "where(j == length, chosen[b], tokens[b, j])"),
        (bahdanau_beam_step, "where(j == length, chosen[b], tokens[b, j])"),
        (transformer_beam_step, "where(j == length, chosen[h], tokens[h, j])"),
    )
}

# All hypotheses begin alike, and stay so.
ALIKE = "all hypotheses begin with the score 0, and so are all the same"

for decode, step, line in (
    (lstm_beam_decode, lstm_beam_step, "where(b >= 0, 0, -inf).stack(b)"),
    (bahdanau_beam_decode, bahdanau_beam_step, "where(b >= 0, 0, -inf).stack(b)"),
    (transformer_beam_decode, transformer_beam_step, "where(h >= 0, 0, -inf).stack(h)"),
):
    mutate(decode, "all_alike", says=ALIKE, lines={"one": line})
    mutate(decode, "tokens_stay_throughout", says=MIXED, calls={step: mixed[step]})

mutate(
    transformer_greedy_decode, "never_stops",
    says="after `stop` the tokens go on",
    lines={"return": "last(i, tokens)"},
)
