"""Mistakes with encoders and decoders that no operator makes."""

from jaxtyping import Bool, Float, Int

from attnspec import mutant, mutate
from attnspec.equations.seq2seq import (
    cross_entropy,
    generate_window,
    generate_window_step,
    greedy_decode,
    greedy_step,
    perplexity,
    sample,
    sequence_loss,
    temperature,
    temperature_probs,
)
from attnspec.notation import (
    Tensor,
    exp,
    index,
    indices,
    log_softmax,
    scan,
    size,
    softmax,
    sum,
    where,
)

mutate(
    temperature, "times",
    says="the logits are multiplied by τ instead of divided",
    lines={"p": "softmax(k, logits[k] * tau)"},
)


mutate(
    temperature, "divided_after",
    says="the probabilities are divided by τ, not the logits",
    lines={"p": "softmax(k, logits[k]) / tau"},
)


mutate(
    temperature_probs, "softmax_again",
    says="the probabilities are taken for logits: softmax(p / τ)",
    lines={"q": "softmax(k, p[k] / tau)"},
)


divided = mutate(
    temperature_probs, "divided",
    says="the probabilities are divided by τ, which making them sum to 1 undoes",
    lines={"shares": "p[k] / tau", "q": "shares / sum(k, shares)"},
)


@mutant(cross_entropy, says="the softmax is taken twice: probabilities are given where logits belong")
def softmax_twice(logits: Float[Tensor, " v"], target: Int[Tensor, ""]) -> Float[Tensor, ""]:
    """No word costs less than log(1 + (v − 1) / e), however sure the model is."""
    j, k = indices("v", "v")
    p = softmax(j, logits[j]).stack(j)
    logs = log_softmax(k, p[k]).stack(k)
    return -logs[target]


mutate(
    sequence_loss, "padding_counts",
    says="the mean is over padding too",
    lines={"t": 'size("t")', "return": "sum(i, loss) / t"},
)


mutate(
    sequence_loss, "divided_by_length",
    says="the sum over what counts is divided by the whole length",
    lines={"t": 'size("t")', "return": "sum(i, loss, where=valid[i]) / t"},
)


@mutant(perplexity, says="the mean is over padding too")
def unsure_of_padding(
    logits: Float[Tensor, "t v"], target: Int[Tensor, " t"], valid: Bool[Tensor, " t"],
) -> Float[Tensor, ""]:
    """What stands in the padding shows."""
    i = index("t")
    t = size("t")
    loss = cross_entropy(logits[i], target[i])
    return exp(sum(i, loss) / t)


@mutant(perplexity, says="the sum over what counts is divided by the whole length")
def divided_by_length_before(
    logits: Float[Tensor, "t v"], target: Int[Tensor, " t"], valid: Bool[Tensor, " t"],
) -> Float[Tensor, ""]:
    """A sequence with padding seems to be surer."""
    i = index("t")
    t = size("t")
    loss = cross_entropy(logits[i], target[i])
    return exp(sum(i, loss, where=valid[i]) / t)


mutate(
    perplexity, "power_of_two",
    says="it is 2 to the power of a loss in nats, where it should be e",
    lines={"return": "2 ** sequence_loss(logits, target, valid)"},
)


@mutant(perplexity, says="the mean is taken of exponentials, not the exponential of the mean")
def mean_of_exponentials(
    logits: Float[Tensor, "t v"], target: Int[Tensor, " t"], valid: Bool[Tensor, " t"],
) -> Float[Tensor, ""]:
    """One word that is a surprise outweighs all others."""
    i = index("t")
    loss = cross_entropy(logits[i], target[i])
    return sum(i, exp(loss), where=valid[i]) / sum(i, 1, where=valid[i])


likeliest = mutate(
    sample, "likeliest",
    says="the likeliest word is taken, whatever is drawn",
    lines={"k": 'index("v")', "return": "argmax(k, p[k])"},
)


mutate(
    sample, "not_cumulated",
    says="the number is held against each probability by itself, not cumulated",
    lines={"k": 'index("v")', "return": "argmax(k, where(p[k] > uniform, 1, 0))"},
)


last_of_a_tie = mutate(
    greedy_step, "last_of_a_tie",
    says="of words that are equally likely, the last is said",
    lines={"j, k": 'indices("v", "v")', "return": "s_next, max(k, k, where=logits[k] >= max(j, logits[j]))"},
)


mutate(
    greedy_step, "least_likely",
    says="the least likely word is said",
    lines={"return": "s_next, argmax(k, -logits[k])"},
)


mutate(
    greedy_decode, "last_of_ties",
    says="of words that are equally likely, the last is said",
    lines={
        "s, token": (
            "scan(i, lambda s, token: last_of_a_tie(token, s, c, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, "
            "W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b), s_0, start)"
        ),
    },
)


mutate(
    greedy_decode, "start_is_said",
    says="the first word that is said is missing: `start` stands before the rest",
    lines={
        "before": "where(i == 0, start, token.stack(i)[i - 1])",
        "stops": "sum(j, 1, where=(before.stack(i)[j] == stop) & (j < i) & (j > 0))",
        "tokens": "where(stops > 0, stop, before)",
    },
)


@mutant(greedy_decode, says="after `stop` the words go on")
def never_stops(
    c: Float[Tensor, " k"], s_0: Float[Tensor, " u"], E: Float[Tensor, "v d"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
    W_o: Float[Tensor, "u v"], E_o: Float[Tensor, "d v"], C_o: Float[Tensor, "k v"], b: Float[Tensor, " v"],
    *, start: int, stop: int, limit: int,
) -> Int[Tensor, " limit"]:
    """What is said after the end is no part of the answer."""
    i = index("limit")
    s, token = scan(  # noqa: RUF059  # the state is carried beside the word
        i,
        lambda s, token: greedy_step(
            token, s, c, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b
        ),
        s_0, start,
    )
    return token.stack(i)


mutate(
    greedy_decode, "stops_at_once",
    says="`start` counts as `stop` where the two are one word: nothing is said",
    lines={
        "before": "where(i == 0, start, token.stack(i)[i - 1])",
        "stops": "sum(j, 1, where=(before.stack(i)[j] == stop) & (j <= i))",
    },
)


@mutant(generate_window_step, says="the token that was drawn is put in front, and the last one dropped")
def put_in_front(
    window: Int[Tensor, " w"], uniform: Float[Tensor, ""],
    W_xi: Float[Tensor, "v u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "v u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "v u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "v u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u v"], b_y: Float[Tensor, " v"], *, tau: float,
) -> Int[Tensor, " w"]:
    """As if the text were written backwards."""
    i = index("w")
    right = generate_window_step(
        window, uniform, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, tau=tau
    )
    token = right[-1]
    moved = where(i < 1, token, window[i - 1])
    return moved.stack(i)


@mutant(generate_window_step, says="the last token is dropped instead of the first: the new one takes its place")
def last_dropped(
    window: Int[Tensor, " w"], uniform: Float[Tensor, ""],
    W_xi: Float[Tensor, "v u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "v u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "v u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "v u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u v"], b_y: Float[Tensor, " v"], *, tau: float,
) -> Int[Tensor, " w"]:
    """What was said last is forgotten."""
    i = index("w")
    w = size("w")
    right = generate_window_step(
        window, uniform, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, tau=tau
    )
    token = right[-1]
    moved = where(i < w - 1, window[i], token)
    return moved.stack(i)


mutate(
    generate_window_step, "not_appended",
    says="the token that was drawn is not appended: the last one is there twice",
    lines={"w": 'size("w")', "moved": "where(i < w - 1, window[i + 1], window[i])"},
)


mutate(
    generate_window_step, "takes_likeliest",
    says="the likeliest token is taken, whatever is drawn",
    lines={
        "i, k": 'indices("w", "v")',
        "h, c": (
            'lstm(one_hot(window, v=v), zeros("u"), zeros("u"), W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, '
            'W_xo, W_ho, b_o)'
        ),
        "moved": "where(i < w - 1, window[i + 1], argmax(k, p[k]))",
    },
)


mutate(
    generate_window, "writes_backwards",
    says="the token that was drawn is put in front, and the last one dropped",
    lines={
        "window": (
            "scan(i, lambda window: put_in_front(window, uniform[i], W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, "
            "b_g, W_xo, W_ho, b_o, W_hy, b_y, tau=tau), seed)"
        ),
        "token": "window[0]",
    },
)


mutate(
    generate_window, "forgets_the_last",
    says="the last token is dropped instead of the first: the new one takes its place",
    lines={
        "window": (
            "scan(i, lambda window: last_dropped(window, uniform[i], W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, "
            "b_g, W_xo, W_ho, b_o, W_hy, b_y, tau=tau), seed)"
        ),
    },
)


mutate(
    generate_window, "seed_stays",
    says="what is drawn is not appended: every token is drawn from the seed",
    lines={
        "window": (
            "generate_window_step(seed, uniform[i], W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, "
            "b_o, W_hy, b_y, tau=tau)"
        ),
        "return": "token.stack(i), seed",
    },
)
