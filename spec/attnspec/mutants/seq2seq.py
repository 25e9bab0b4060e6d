"""Mistakes with encoders and decoders that no operator makes."""

from attnspec import mutate
from attnspec.equations.seq2seq import (
    cross_entropy,
    distillation_logits,
    generate_window,
    generate_window_step,
    greedy_decode,
    greedy_decode_lstm,
    greedy_step,
    greedy_step_lstm,
    perplexity,
    sample,
    sample_decode_lstm,
    sample_step_lstm,
    sequence_loss,
    temperature,
    temperature_probs,
    translator_lstm,
    until_stop,
)

# A small τ makes the distribution flat instead of sharp.
mutate(
    temperature, "times",
    says="the logits are multiplied by τ instead of divided",
    lines={"p": "softmax(k, logits[k] * tau)"},
)

# The result does not sum to 1.
mutate(
    temperature, "divided_after",
    says="the probabilities are divided by τ, not the logits",
    lines={"p": "softmax(k, logits[k]) / tau"},
)

# Nearly flat, since no two probabilities are further apart than 1.
mutate(
    temperature_probs, "softmax_again",
    says="the probabilities are taken for logits: softmax(p / τ)",
    lines={"q": "softmax(k, p[k] / tau)"},
)

# The temperature has no effect.
mutate(
    temperature_probs, "divided",
    says="the probabilities are divided by τ, which making them sum to 1 undoes",
    lines={"powers": "p[k] / tau"},
)

# No word costs less than log(1 + (v − 1) / e), however sure the model is.
mutate(
    cross_entropy, "softmax_twice",
    says="the softmax is taken twice: probabilities are given where logits belong",
    lines={
        "j": 'index("v")',
        "p": "softmax(j, logits[j]).stack(j)",
        "log_p": "log_softmax(k, p[k]).stack(k)",
    },
)

# The values in the padding show.
padding_counts = mutate(
    sequence_loss, "padding_counts",
    says="the mean is over padding too",
    lines={"t": 'size("t")', "return": "sum(i, loss) / t"},
)

# A sequence with padding seems to cost less.
divided_by_length = mutate(
    sequence_loss, "divided_by_length",
    says="the sum over what counts is divided by the whole length",
    lines={"t": 'size("t")', "return": "sum(i, loss, where=valid[i]) / t"},
)

mutate(
    perplexity, "unsure_of_padding",
    says="the mean is over padding too",
    calls={sequence_loss: padding_counts},
)

# A sequence with padding seems to be surer.
mutate(
    perplexity, "divided_by_length_before",
    says="the sum over what counts is divided by the whole length",
    calls={sequence_loss: divided_by_length},
)

# Right of a loss in bits alone.
mutate(
    perplexity, "power_of_two",
    says="it is 2 to the power of a loss in nats, where it should be e",
    lines={"return": "2 ** sequence_loss(logits, target, valid)"},
)

# One word that is a surprise outweighs all others.
mutate(
    perplexity, "mean_of_exponentials",
    says="the mean is taken of exponentials, not the exponential of the mean",
    lines={
        "i": 'index("t")',
        "loss": "cross_entropy(logits[i], target[i])",
        "return": "sum(i, exp(loss), where=valid[i]) / sum(i, 1, where=valid[i])",
    },
)

# Nothing is left to chance.
mutate(
    sample, "likeliest",
    says="the likeliest word is taken, whatever is drawn",
    lines={"return": "argmax(k, p[k])"},
)

# The first word that is likelier than the number.
mutate(
    sample, "not_cumulated",
    says="the number is held against each probability by itself, not cumulated",
    lines={"return": "argmax(k, where(p[k] > uniform, 1, 0))"},
)

last_of_a_tie = mutate(
    greedy_step, "last_of_a_tie",
    says="of words that are equally likely, the last is said",
    lines={"j": 'index("v")', "return": "s_next, max(k, k, where=logits[k] >= max(j, logits[j]))"},
)

# The sign of the logits is lost.
mutate(
    greedy_step, "least_likely",
    says="the least likely word is said",
    lines={"return": "s_next, argmax(k, -logits[k])"},
)

mutate(
    greedy_decode, "last_of_ties",
    says="of words that are equally likely, the last is said",
    calls={greedy_step: last_of_a_tie},
)

# One word late.
mutate(
    greedy_decode, "start_is_said",
    says="the first word that is said is missing: `start` stands before the rest",
    lines={
        "j": 'index("limit")',
        "before": "where(i == 0, start, token.stack(i)[i - 1])",
        "stops": "sum(j, 1, where=(before.stack(i)[j] == stop) & (j < i) & (j > 0))",
        "return": "where(stops > 0, stop, before).stack(i)",
    },
)

# Words after the end are not part of the answer.
mutate(
    greedy_decode, "never_stops",
    says="after `stop` the words go on",
    lines={"return": "token.stack(i)"},
)

# Some models begin with the word that ends a text.
mutate(
    greedy_decode, "stops_at_once",
    says="`start` counts as `stop` where the two are one word: nothing is said",
    lines={
        "j": 'index("limit")',
        "before": "where(i == 0, start, token.stack(i)[i - 1])",
        "stops": "sum(j, 1, where=(before.stack(i)[j] == stop) & (j <= i))",
        "return": "where(stops > 0, stop, token).stack(i)",
    },
)

# As if padding followed, where a decoder goes on with `stop`.
mutate(
    until_stop, "null_after_stop",
    says="after `stop` there is 0, not `stop`",
    lines={"tokens": "where(stops > 0, 0, token[i])"},
)

# Only a token that stands twice is noticed.
mutate(
    until_stop, "second_stop_ends",
    says="the tokens end at the second `stop`, not at the first",
    lines={"tokens": "where(stops > 1, stop, token[i])"},
)

last_of_a_tie_lstm = mutate(
    greedy_step_lstm, "last_of_a_tie",
    says="of tokens that are equally likely, the last is generated",
    lines={"j": 'index("v")', "return": "s_next, c_next, max(k, k, where=logits[k] >= max(j, logits[j]))"},
)

mutate(
    greedy_decode_lstm, "last_of_ties",
    says="of tokens that are equally likely, the last is generated",
    calls={greedy_step_lstm: last_of_a_tie_lstm},
)

# Tokens after the end are not part of the answer.
mutate(
    greedy_decode_lstm, "never_stops",
    says="after `stop` the tokens go on",
    lines={"return": "token.stack(i)"},
)

# The conveyor belt of 003 ends with the source.
mutate(
    translator_lstm, "cell_not_handed_over",
    says="the decoder's cell state begins at 0: the encoder's is not handed over",
    lines={
        "p, s": """teacher_forced_lstm(
            target, s_0, zeros("u"), E,
            W_xi_d, W_hi_d, b_i_d, W_xf_d, W_hf_d, b_f_d, W_xg_d, W_hg_d, b_g_d, W_xo_d, W_ho_d, b_o_d,
            W_hy, b_y, start=start,
        )""",
    },
)

# The decoder is a text generator that has not read anything.
mutate(
    translator_lstm, "nothing_handed_over",
    says="the decoder begins at 0: nothing of the source is handed over",
    lines={
        "p, s": """teacher_forced_lstm(
            target, zeros("u"), zeros("u"), E,
            W_xi_d, W_hi_d, b_i_d, W_xf_d, W_hf_d, b_f_d, W_xg_d, W_hg_d, b_g_d, W_xo_d, W_ho_d, b_o_d,
            W_hy, b_y, start=start,
        )""",
    },
)

# The softmax of the student is sharper than it was trained to be.
mutate(
    distillation_logits, "student_not_softened",
    says="the teacher's logits are divided by τ, the student's are not",
    lines={"log_q": "log_softmax(k, logits_student[k])"},
)

mutate(
    distillation_logits, "scaled",
    says="the loss is multiplied by τ², as where it is added to another loss",
    lines={"return": "-sum(k, p[k] * log_q) * tau * tau"},
)

# Least 0, where the cross-entropy is the teacher's entropy at least.
mutate(
    distillation_logits, "divergence",
    says="it is the Kullback-Leibler divergence: the teacher's entropy is taken off",
    lines={
        "log_p": "log_softmax(k, logits_teacher[k] / tau)",
        "return": "sum(k, p[k] * (log_p - log_q))",
    },
)

# Nothing is left to chance.
takes_likeliest = mutate(
    sample_step_lstm, "takes_likeliest",
    says="the likeliest token is taken, whatever is drawn",
    lines={"k": 'index("v")', "return": "s_next, c_next, argmax(k, p[k])"},
)

mutate(
    sample_decode_lstm, "takes_likeliest_throughout",
    says="the likeliest token is taken, whatever is drawn",
    calls={sample_step_lstm: takes_likeliest},
)

# All draws are one.
mutate(
    sample_decode_lstm, "one_number_for_all",
    says="every token is drawn with the first number",
    lines={
        "s, c, token": """scan(
            i,
            lambda s, c, token: sample_step_lstm(
                token, uniform[0], s, c, E,
                W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, tau=tau,
            ),
            s_0, c_0, start,
        )""",
    },
)

# The decoder does not know what it drew.
mutate(
    sample_decode_lstm, "not_fed_back",
    says="the token that was drawn is not read: every step reads `start`",
    lines={
        "s, c, token": """scan(
            i,
            lambda s, c, token: sample_step_lstm(
                start, uniform[i], s, c, E,
                W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, tau=tau,
            ),
            s_0, c_0, start,
        )""",
    },
)

mutate(
    sample_decode_lstm, "never_stops",
    says="after `stop` the tokens go on",
    lines={"return": "token.stack(i)"},
)

# As if the text were written backwards.
put_in_front = mutate(
    generate_window_step, "put_in_front",
    says="the token that was drawn is put in front, and the last one dropped",
    lines={"moved": "where(i < 1, token, window[i - 1])"},
)

# The token before the new one is forgotten.
last_dropped = mutate(
    generate_window_step, "last_dropped",
    says="the last token is dropped instead of the first: the new one takes its place",
    lines={"moved": "where(i < w - 1, window[i], token)"},
)

# The window moves, and nothing new comes in.
mutate(
    generate_window_step, "not_appended",
    says="the token that was drawn is not appended: the last one is there twice",
    lines={"moved": "where(i < w - 1, window[i + 1], window[i])"},
)

# Nothing is left to chance.
mutate(
    generate_window_step, "takes_likeliest",
    says="the likeliest token is taken, whatever is drawn",
    lines={"k": 'index("v")', "token": "argmax(k, p[k])"},
)

mutate(
    generate_window, "writes_backwards",
    says="the token that was drawn is put in front, and the last one dropped",
    lines={"token": "window[0]"},
    calls={generate_window_step: put_in_front},
)

mutate(
    generate_window, "forgets_the_last",
    says="the last token is dropped instead of the first: the new one takes its place",
    calls={generate_window_step: last_dropped},
)

# The text does not know what it said.
mutate(
    generate_window, "seed_stays",
    says="what is drawn is not appended: every token is drawn from the seed",
    lines={
        "window": """generate_window_step(
            seed, uniform[i],
            W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, tau=tau,
        )""",
        "return": "token.stack(i), seed",
    },
)
