"""Equal rewritings of encoders and decoders, each with a rounding of its own."""

from attnspec import rewrite
from attnspec.equations.seq2seq import greedy_decode, greedy_step, temperature_probs

# The distribution first, as it is drawn from.
by_probabilities = rewrite(
    greedy_step, "by_probabilities",
    says="the word is chosen by its probability, of which rounding makes more alike than of logits",
    lines={"p": "output_distribution(s_next, y, c, W_o, E_o, C_o, b)", "return": "s_next, argmax(k, p[k])"},
)

rewrite(
    greedy_decode, "words_by_probabilities",
    says="words are chosen by their probability, of which rounding makes more alike than of logits",
    calls={greedy_step: by_probabilities},
)

# As software writes it that keeps log-probabilities: a small p has a large logarithm, whose rounding 1/τ multiplies.
rewrite(
    temperature_probs, "powers_by_logarithms",
    says="the powers as softmax(log p / τ), which loses digits where p is small",
    lines={"powers": "log(p[k]) / tau", "q": "softmax(k, powers)"},
)
