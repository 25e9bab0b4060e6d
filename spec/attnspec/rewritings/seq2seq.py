"""Equal rewritings of the equations of seq2seq, each with its own rounding."""

from attnspec import rewrite
from attnspec.equations.seq2seq import (
    greedy_decode,
    greedy_step,
)

by_probabilities = rewrite(
    greedy_step, "by_probabilities",
    says="the word is chosen by its probability, of which rounding makes more alike than of logits",
    lines={"p": "output_distribution(s_next, y, c, W_o, E_o, C_o, b)", "return": "s_next, argmax(k, p[k])"},
)


rewrite(
    greedy_decode, "words_by_probabilities",
    says="words are chosen by their probability, of which rounding makes more alike than of logits",
    lines={
        "s, token": (
            "scan(i, lambda s, token: by_probabilities(token, s, c, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, "
            "W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b), s_0, start)"
        ),
    },
)
