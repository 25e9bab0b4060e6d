"""Mistakes with encoders and decoders that no operator makes."""

from jaxtyping import Bool, Float, Int

from attnspec import form, mutant
from attnspec.equations.recurrent import lstm, readout
from attnspec.equations.seq2seq import (
    cross_entropy,
    decoder_step_fixed_context,
    generate_window,
    generate_window_step,
    greedy_decode,
    greedy_step,
    output_distribution,
    perplexity,
    sample,
    sequence_loss,
    temperature,
    temperature_probs,
)
from attnspec.equations.text import one_hot
from attnspec.notation import (
    Tensor,
    argmax,
    exp,
    index,
    indices,
    last,
    log_softmax,
    max,
    scan,
    size,
    softmax,
    sum,
    where,
    zeros,
)


@mutant(temperature, says="the logits are multiplied by τ instead of divided")
def times(logits: Float[Tensor, " v"], *, tau: float) -> Float[Tensor, " v"]:
    """A small τ makes the distribution flat instead of sharp."""
    k = index("v")
    p = softmax(k, logits[k] * tau)
    return p.stack(k)


@mutant(temperature, says="the probabilities are divided by τ, not the logits")
def divided_after(logits: Float[Tensor, " v"], *, tau: float) -> Float[Tensor, " v"]:
    """What comes out does not sum to 1."""
    k = index("v")
    p = softmax(k, logits[k]) / tau
    return p.stack(k)


@mutant(temperature_probs, says="the probabilities are taken for logits: softmax(p / τ)")
def softmax_again(p: Float[Tensor, " v"], *, tau: float) -> Float[Tensor, " v"]:
    """Nearly flat, since no two probabilities are further apart than 1."""
    k = index("v")
    q = softmax(k, p[k] / tau)
    return q.stack(k)


@mutant(temperature_probs, says="the probabilities are divided by τ, which making them sum to 1 undoes")
def divided(p: Float[Tensor, " v"], *, tau: float) -> Float[Tensor, " v"]:
    """The temperature has no effect."""
    k = index("v")
    shares = p[k] / tau
    q = shares / sum(k, shares)
    return q.stack(k)


@mutant(cross_entropy, says="the softmax is taken twice: probabilities are given where logits belong")
def softmax_twice(logits: Float[Tensor, " v"], target: Int[Tensor, ""]) -> Float[Tensor, ""]:
    """No word costs less than log(1 + (v − 1) / e), however sure the model is."""
    j, k = indices("v", "v")
    p = softmax(j, logits[j]).stack(j)
    logs = log_softmax(k, p[k]).stack(k)
    return -logs[target]


@mutant(sequence_loss, says="the mean is over padding too")
def padding_counts(
    logits: Float[Tensor, "t v"], target: Int[Tensor, " t"], valid: Bool[Tensor, " t"],
) -> Float[Tensor, ""]:
    """What stands in the padding shows."""
    i = index("t")
    t = size("t")
    loss = cross_entropy(logits[i], target[i])
    return sum(i, loss) / t


@mutant(sequence_loss, says="the sum over what counts is divided by the whole length")
def divided_by_length(
    logits: Float[Tensor, "t v"], target: Int[Tensor, " t"], valid: Bool[Tensor, " t"],
) -> Float[Tensor, ""]:
    """A sequence with padding seems to cost less."""
    i = index("t")
    t = size("t")
    loss = cross_entropy(logits[i], target[i])
    return sum(i, loss, where=valid[i]) / t


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


@mutant(perplexity, says="it is 2 to the power of a loss in nats, where it should be e")
def power_of_two(
    logits: Float[Tensor, "t v"], target: Int[Tensor, " t"], valid: Bool[Tensor, " t"],
) -> Float[Tensor, ""]:
    """Right of a loss in bits alone."""
    return 2 ** sequence_loss(logits, target, valid)


@mutant(perplexity, says="the mean is taken of exponentials, not the exponential of the mean")
def mean_of_exponentials(
    logits: Float[Tensor, "t v"], target: Int[Tensor, " t"], valid: Bool[Tensor, " t"],
) -> Float[Tensor, ""]:
    """One word that is a surprise outweighs all others."""
    i = index("t")
    loss = cross_entropy(logits[i], target[i])
    return sum(i, exp(loss), where=valid[i]) / sum(i, 1, where=valid[i])


@mutant(sample, says="the likeliest word is taken, whatever is drawn")
def likeliest(p: Float[Tensor, " v"], uniform: Float[Tensor, ""]) -> Int[Tensor, ""]:
    """Nothing is left to chance."""
    k = index("v")
    return argmax(k, p[k])


@mutant(sample, says="the number is held against each probability by itself, not cumulated")
def not_cumulated(p: Float[Tensor, " v"], uniform: Float[Tensor, ""]) -> Int[Tensor, ""]:
    """The first word that is likelier than the number."""
    k = index("v")
    return argmax(k, where(p[k] > uniform, 1, 0))


@mutant(greedy_step, says="of words that are equally likely, the last is said")
def last_of_a_tie(
    token: Int[Tensor, ""], s: Float[Tensor, " u"], c: Float[Tensor, " k"], E: Float[Tensor, "v d"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
    W_o: Float[Tensor, "u v"], E_o: Float[Tensor, "d v"], C_o: Float[Tensor, "k v"], b: Float[Tensor, " v"],
) -> tuple[Float[Tensor, " u"], Int[Tensor, ""]]:
    """The other end of a tie."""
    j, k = indices("v", "v")
    y = E[token]
    s_next = decoder_step_fixed_context(
        y, s, c, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
    )
    logits = s_next @ W_o + y @ E_o + c @ C_o + b
    return s_next, max(k, k, where=logits[k] >= max(j, logits[j]))


@mutant(greedy_step, says="the least likely word is said")
def least_likely(
    token: Int[Tensor, ""], s: Float[Tensor, " u"], c: Float[Tensor, " k"], E: Float[Tensor, "v d"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
    W_o: Float[Tensor, "u v"], E_o: Float[Tensor, "d v"], C_o: Float[Tensor, "k v"], b: Float[Tensor, " v"],
) -> tuple[Float[Tensor, " u"], Int[Tensor, ""]]:
    """The sign of the logits is lost."""
    k = index("v")
    y = E[token]
    s_next = decoder_step_fixed_context(
        y, s, c, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
    )
    logits = s_next @ W_o + y @ E_o + c @ C_o + b
    return s_next, argmax(k, -logits[k])


@form(greedy_step, says="the word is chosen by its probability, of which rounding makes more alike than of logits")
def by_probabilities(
    token: Int[Tensor, ""], s: Float[Tensor, " u"], c: Float[Tensor, " k"], E: Float[Tensor, "v d"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
    W_o: Float[Tensor, "u v"], E_o: Float[Tensor, "d v"], C_o: Float[Tensor, "k v"], b: Float[Tensor, " v"],
) -> tuple[Float[Tensor, " u"], Int[Tensor, ""]]:
    """The distribution first, as it is drawn from."""
    k = index("v")
    y = E[token]
    s_next = decoder_step_fixed_context(
        y, s, c, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
    )
    p = output_distribution(s_next, y, c, W_o, E_o, C_o, b)
    return s_next, argmax(k, p[k])


@form(greedy_decode, says="words are chosen by their probability, of which rounding makes more alike than of logits")
def words_by_probabilities(
    c: Float[Tensor, " k"], s_0: Float[Tensor, " u"], E: Float[Tensor, "v d"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
    W_o: Float[Tensor, "u v"], E_o: Float[Tensor, "d v"], C_o: Float[Tensor, "k v"], b: Float[Tensor, " v"],
    *, start: int, stop: int, limit: int,
) -> Int[Tensor, " limit"]:
    """Each step's distribution first, as it is drawn from."""
    i, j = indices("limit", "limit")
    s, token = scan(  # noqa: RUF059  # the state is carried beside the word
        i,
        lambda s, token: by_probabilities(
            token, s, c, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b
        ),
        s_0, start,
    )
    stops = sum(j, 1, where=(token.stack(i)[j] == stop) & (j < i))
    tokens = where(stops > 0, stop, token)
    return tokens.stack(i)


@mutant(greedy_decode, says="of words that are equally likely, the last is said")
def last_of_ties(
    c: Float[Tensor, " k"], s_0: Float[Tensor, " u"], E: Float[Tensor, "v d"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
    W_o: Float[Tensor, "u v"], E_o: Float[Tensor, "d v"], C_o: Float[Tensor, "k v"], b: Float[Tensor, " v"],
    *, start: int, stop: int, limit: int,
) -> Int[Tensor, " limit"]:
    """The other end of every tie."""
    i, j = indices("limit", "limit")
    s, token = scan(  # noqa: RUF059  # the state is carried beside the word
        i,
        lambda s, token: last_of_a_tie(
            token, s, c, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b
        ),
        s_0, start,
    )
    stops = sum(j, 1, where=(token.stack(i)[j] == stop) & (j < i))
    tokens = where(stops > 0, stop, token)
    return tokens.stack(i)


@mutant(greedy_decode, says="the first word that is said is missing: `start` stands before the rest")
def start_is_said(
    c: Float[Tensor, " k"], s_0: Float[Tensor, " u"], E: Float[Tensor, "v d"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
    W_o: Float[Tensor, "u v"], E_o: Float[Tensor, "d v"], C_o: Float[Tensor, "k v"], b: Float[Tensor, " v"],
    *, start: int, stop: int, limit: int,
) -> Int[Tensor, " limit"]:
    """One word late."""
    i, j = indices("limit", "limit")
    s, token = scan(  # noqa: RUF059  # the state is carried beside the word
        i,
        lambda s, token: greedy_step(
            token, s, c, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b
        ),
        s_0, start,
    )
    before = where(i == 0, start, token.stack(i)[i - 1])
    stops = sum(j, 1, where=(before.stack(i)[j] == stop) & (j < i) & (j > 0))
    tokens = where(stops > 0, stop, before)
    return tokens.stack(i)


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


@mutant(greedy_decode, says="`start` counts as `stop` where the two are one word: nothing is said")
def stops_at_once(
    c: Float[Tensor, " k"], s_0: Float[Tensor, " u"], E: Float[Tensor, "v d"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
    W_o: Float[Tensor, "u v"], E_o: Float[Tensor, "d v"], C_o: Float[Tensor, "k v"], b: Float[Tensor, " v"],
    *, start: int, stop: int, limit: int,
) -> Int[Tensor, " limit"]:
    """Some models begin with the word that ends a text."""
    i, j = indices("limit", "limit")
    s, token = scan(  # noqa: RUF059  # the state is carried beside the word
        i,
        lambda s, token: greedy_step(
            token, s, c, E, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b
        ),
        s_0, start,
    )
    before = where(i == 0, start, token.stack(i)[i - 1])
    stops = sum(j, 1, where=(before.stack(i)[j] == stop) & (j <= i))
    tokens = where(stops > 0, stop, token)
    return tokens.stack(i)


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


@mutant(generate_window_step, says="the token that was drawn is not appended: the last one is there twice")
def not_appended(
    window: Int[Tensor, " w"], uniform: Float[Tensor, ""],
    W_xi: Float[Tensor, "v u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "v u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "v u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "v u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u v"], b_y: Float[Tensor, " v"], *, tau: float,
) -> Int[Tensor, " w"]:
    """The window moves, and nothing new comes in."""
    i = index("w")
    w = size("w")
    moved = where(i < w - 1, window[i + 1], window[i])
    return moved.stack(i)


@mutant(generate_window_step, says="the likeliest token is taken, whatever is drawn")
def takes_likeliest(
    window: Int[Tensor, " w"], uniform: Float[Tensor, ""],
    W_xi: Float[Tensor, "v u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "v u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "v u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "v u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u v"], b_y: Float[Tensor, " v"], *, tau: float,
) -> Int[Tensor, " w"]:
    """Nothing is left to chance."""
    i, k = indices("w", "v")
    w, v = size("w"), size("v")
    h, c = lstm(  # noqa: RUF059  # the last cell state is not read
        one_hot(window, v=v), zeros("u"), zeros("u"),
        W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o,
    )
    p = temperature(readout(h[-1], W_hy, b_y), tau=tau)
    moved = where(i < w - 1, window[i + 1], argmax(k, p[k]))
    return moved.stack(i)


@mutant(generate_window, says="the token that was drawn is put in front, and the last one dropped")
def writes_backwards(
    seed: Int[Tensor, " w"], uniform: Float[Tensor, " t"],
    W_xi: Float[Tensor, "v u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "v u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "v u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "v u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u v"], b_y: Float[Tensor, " v"], *, tau: float,
) -> tuple[Int[Tensor, " t"], Int[Tensor, " w"]]:
    """As if the text were written backwards."""
    i = index("t")
    window = scan(
        i,
        lambda window: put_in_front(
            window, uniform[i],
            W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, tau=tau,
        ),
        seed,
    )
    token = window[0]
    return token.stack(i), last(i, window)


@mutant(generate_window, says="the last token is dropped instead of the first: the new one takes its place")
def forgets_the_last(
    seed: Int[Tensor, " w"], uniform: Float[Tensor, " t"],
    W_xi: Float[Tensor, "v u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "v u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "v u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "v u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u v"], b_y: Float[Tensor, " v"], *, tau: float,
) -> tuple[Int[Tensor, " t"], Int[Tensor, " w"]]:
    """What was said last is forgotten."""
    i = index("t")
    window = scan(
        i,
        lambda window: last_dropped(
            window, uniform[i],
            W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, tau=tau,
        ),
        seed,
    )
    token = window[-1]
    return token.stack(i), last(i, window)


@mutant(generate_window, says="what is drawn is not appended: every token is drawn from the seed")
def seed_stays(
    seed: Int[Tensor, " w"], uniform: Float[Tensor, " t"],
    W_xi: Float[Tensor, "v u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "v u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "v u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "v u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u v"], b_y: Float[Tensor, " v"], *, tau: float,
) -> tuple[Int[Tensor, " t"], Int[Tensor, " w"]]:
    """The text does not know what it said."""
    i = index("t")
    window = generate_window_step(
        seed, uniform[i], W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, tau=tau
    )
    token = window[-1]
    return token.stack(i), seed
