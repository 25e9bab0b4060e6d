"""Generating with a beam: of all continuations of a few hypotheses the likeliest few are kept, step after step.

A hypothesis that ended stays in the beam with its score and competes with the others. Differs: Sutskever et al. take it
out of the beam, so that fewer are left; many libraries divide its score by its length. What Sutskever et al. write was
read in a quotation, and the code of TensorFlow Addons itself; the numbers of the papers' sections could not be checked.
"""

from jaxtyping import Float, Int

from attnspec import Place, Source, equation
from attnspec.equations import transformer
from attnspec.equations.attention_rnn import attentive_step, bahdanau_step, readout_step
from attnspec.equations.recurrent import lstm_cell, readout
from attnspec.equations.seq2seq import TAU, decoder_step_fixed_context, sample, temperature, until_stop
from attnspec.notation import (
    Tensor,
    argmax,
    index,
    indices,
    inf,
    last,
    log_softmax,
    max,
    scan,
    size,
    softmax,
    split,
    sum,
    tanh,
    where,
)

BEAM = Source(
    paper="Sutskever, Vinyals and Le 2014, arXiv:1409.3215v3, sec. 3.2; TensorFlow Addons, BeamSearchDecoder"
)
LSTM = Source("003", "总结", paper="Sutskever, Vinyals and Le 2014, arXiv:1409.3215v3, sec. 3.2")
BAHDANAU = Source(
    "000", "序列到序列任务当中的注意力机制", paper="Bahdanau et al. 2015, arXiv:1409.0473v7, sec. 4.2 and app. A.2.2"
)
LEVINE = Source("002", "Sequence to Sequence")
WANG = Source("003", "Attention + Simple RNN")
CHO = Source("000", "编码器，解码器架构", paper="Cho et al. 2014, arXiv:1406.1078v3, app. A.1")
DRAWING = Source("003", "总结")
GREEDY = Source("001", "注意力机制/抛弃RNN", paper="Vaswani et al. 2017, arXiv:1706.03762, sec. 3.1")
TRANSFORMER = Source("001", "注意力机制/抛弃RNN", paper="Vaswani et al. 2017, arXiv:1706.03762, sec. 3.1 and 6.1")

STOP = {"stop": Place("v", step=3)}
STEPS = {"limit": "steps"}
ENDS = {"start": Place("v", step=2), **STOP}
EPS = {"eps": (1e-5, 1e-2, 1e-3, 1e-12)}
FEW = {"v": 9, "d": 9, "u": 9, "limit": 5}
"""Decoding takes a step for each token, and compares all continuations with all others."""
FEW_READ = {**FEW, "m": 9, "a": 9}
FEW_ATTENDED = {**FEW_READ, "l": 9}
FEW_LAYERED = {"v": 9, "c": 9, "d": 5, "f": 9, "m": 9, "H": 2, "limit": 3}
FEW_DRAWN = {"v": 9, "c": 9, "d": 5, "f": 9, "m": 9, "H": 2, "t": 3}


@equation(BEAM, options=STOP, largest={"v": 41}, smallest={"beam": 1})
def beam_step(
    log_p: Float[Tensor, "beam v"], score: Float[Tensor, " beam"], over: Int[Tensor, " beam"], *, stop: int,
) -> tuple[Float[Tensor, " beam"], Int[Tensor, " beam"], Int[Tensor, " beam"]]:
    """The best continuations by one token of all hypotheses: score, the hypothesis that goes on, its token.

    The best comes first; of equals that of the earlier hypothesis, and of its tokens the first. A hypothesis that is
    over has one continuation, `stop`, which keeps its score. One that does not exist has the score −∞.
    """
    b, k, a, j, r = indices("beam", "v", "beam", "v", "beam")
    total = where(over[b] > 0, where(k == stop, score[b], -inf), score[b] + log_p[b, k]).stack(b, k)
    before = (a < b) | ((a == b) & (j < k))
    better = sum(a, sum(j, 1, where=(total[a, j] > total[b, k]) | ((total[a, j] == total[b, k]) & before)))
    score_next = sum(b, sum(k, total[b, k], where=better == r))
    parent = sum(b, sum(k, b, where=better == r))
    token = sum(b, sum(k, k, where=better == r))
    return score_next.stack(r), parent.stack(r), token.stack(r)


@equation(LSTM, options=ENDS, largest=FEW, smallest={"beam": 1, "limit": 1}, sizes=STEPS)
def lstm_beam_step(
    tokens: Int[Tensor, "beam limit"], length: Int[Tensor, ""], score: Float[Tensor, " beam"],
    s: Float[Tensor, "beam u"], c: Float[Tensor, "beam u"], E: Float[Tensor, "v d"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u v"], b_y: Float[Tensor, " v"], *, start: int, stop: int,
) -> tuple[Int[Tensor, "beam limit"], Float[Tensor, " beam"], Float[Tensor, "beam u"], Float[Tensor, "beam u"]]:
    """One step of 003's decoder with a beam: each hypothesis reads its last token, and the best continuations are kept.

    So many tokens of each as `length` says exist. Tokens, scores, states, cell states.
    """
    b, j, k = indices("beam", "limit", "v")
    token = where(length == 0, start, tokens[b, length - 1])
    over = where((token == stop) & (length > 0), 1, 0)
    h, g = lstm_cell(
        E[token], s[b], c[b], W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
    )
    logits = readout(h, W_hy, b_y)
    log_p = log_softmax(k, logits[k])
    score_next, parent, chosen = beam_step(log_p.stack(b, k), score, over.stack(b), stop=stop)
    p = parent[b]
    tokens_next = where(j == length, chosen[b], tokens[p, j])
    return tokens_next.stack(b, j), score_next, h.stack(b)[p].stack(b), g.stack(b)[p].stack(b)


@equation(LSTM, options=ENDS, largest=FEW, smallest={"beam": 1})
def lstm_beam_decode(
    s_0: Float[Tensor, " u"], c_0: Float[Tensor, " u"], E: Float[Tensor, "v d"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u v"], b_y: Float[Tensor, " v"], *, start: int, stop: int, limit: int, beam: int,
) -> tuple[Int[Tensor, "beam limit"], Float[Tensor, " beam"]]:
    """The hypotheses of 003's decoder after `limit` steps, the likeliest first, each with its log-probability.

    `stop` is repeated to the end. A beam of 1 is `seq2seq.greedy_decode_lstm`.
    """
    i, j, b, u = indices("limit", "limit", "beam", "u")
    length = 1 * i
    none = (0 * b + 0 * j).stack(b, j)
    one = where(b == 0, 0, -inf).stack(b)  # all would be alike: one hypothesis exists
    s_b = where(b >= 0, s_0[u], 0).stack(b, u)
    c_b = where(b >= 0, c_0[u], 0).stack(b, u)
    tokens, score, s, c = scan(  # noqa: RUF059  # both states are carried beside the tokens
        i,
        lambda tokens, score, s, c: lstm_beam_step(
            tokens, length, score, s, c, E,
            W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o, W_hy, b_y, start=start, stop=stop,
        ),
        none, one, s_b, c_b,
    )
    return last(i, tokens), last(i, score)


@equation(BAHDANAU, options=ENDS, largest={**FEW_ATTENDED, "k": 9}, smallest={"beam": 1, "limit": 1}, sizes=STEPS)
def bahdanau_beam_step(
    tokens: Int[Tensor, "beam limit"], length: Int[Tensor, ""], score: Float[Tensor, " beam"],
    s: Float[Tensor, "beam u"], h: Float[Tensor, "m k"], E: Float[Tensor, "v d"],
    W_a: Float[Tensor, "u a"], U_a: Float[Tensor, "k a"], v_a: Float[Tensor, " a"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
    U_o: Float[Tensor, "u 2*l"], V_o: Float[Tensor, "d 2*l"], C_o: Float[Tensor, "k 2*l"], W_o: Float[Tensor, "l v"],
    *, start: int, stop: int,
) -> tuple[Int[Tensor, "beam limit"], Float[Tensor, " beam"], Float[Tensor, "beam u"]]:
    """One step of Bahdanau's decoder with a beam; every hypothesis has attention of its own. Tokens, scores, states."""
    b, j, w, x, y = indices("beam", "limit", "v", "l", "2")
    l = size("l")
    token = where(length == 0, start, tokens[b, length - 1])
    over = where((token == stop) & (length > 0), 1, 0)
    r, c, alpha = bahdanau_step(  # noqa: RUF059  # the weights are not returned
        E[token], s[b], h, W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
    )
    t_tilde = s[b] @ U_o + E[token] @ V_o + c @ C_o
    t = max(y, split(t_tilde, l)[x, y])
    logits = t.stack(x) @ W_o
    log_p = log_softmax(w, logits[w])
    score_next, parent, chosen = beam_step(log_p.stack(b, w), score, over.stack(b), stop=stop)
    p = parent[b]
    tokens_next = where(j == length, chosen[b], tokens[p, j])
    return tokens_next.stack(b, j), score_next, r.stack(b)[p].stack(b)


@equation(BAHDANAU, options=ENDS, largest={**FEW_ATTENDED, "e": 5}, smallest={"beam": 1})
def bahdanau_beam_decode(
    h: Float[Tensor, "m 2*e"], E: Float[Tensor, "v d"], W_s: Float[Tensor, "e u"],
    W_a: Float[Tensor, "u a"], U_a: Float[Tensor, "2*e a"], v_a: Float[Tensor, " a"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "2*e u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "2*e u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "2*e u"], b_h: Float[Tensor, " u"],
    U_o: Float[Tensor, "u 2*l"], V_o: Float[Tensor, "d 2*l"], C_o: Float[Tensor, "2*e 2*l"], W_o: Float[Tensor, "l v"],
    *, start: int, stop: int, limit: int, beam: int,
) -> tuple[Int[Tensor, "beam limit"], Float[Tensor, " beam"]]:
    """The hypotheses of Bahdanau's decoder after `limit` steps, the likeliest first, each with its log-probability.

    `stop` is repeated to the end. A beam of 1 is `attention_rnn.bahdanau_greedy_decode`.
    """
    i, j, b, k, u = indices("limit", "limit", "beam", "e", "u")
    e = size("e")
    length = 1 * i
    none = (0 * b + 0 * j).stack(b, j)
    one = where(b == 0, 0, -inf).stack(b)
    h_b = h[0, e + k].stack(k)  # ←h_1
    s_0 = tanh(h_b @ W_s)
    s_b = where(b >= 0, s_0[u], 0).stack(b, u)
    tokens, score, s = scan(  # noqa: RUF059  # the state is carried beside the tokens
        i,
        lambda tokens, score, s: bahdanau_beam_step(
            tokens, length, score, s, h, E,
            W_a, U_a, v_a, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h,
            U_o, V_o, C_o, W_o, start=start, stop=stop,
        ),
        none, one, s_b,
    )
    return last(i, tokens), last(i, score)


@equation(CHO, BEAM, options=ENDS, largest={**FEW, "k": 9}, smallest={"beam": 1, "limit": 1}, sizes=STEPS)
def gru_beam_step(
    tokens: Int[Tensor, "beam limit"], length: Int[Tensor, ""], score: Float[Tensor, " beam"],
    s: Float[Tensor, "beam u"], c: Float[Tensor, " k"], E: Float[Tensor, "v d"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
    W_o: Float[Tensor, "u v"], E_o: Float[Tensor, "d v"], C_o: Float[Tensor, "k v"], b: Float[Tensor, " v"],
    *, start: int, stop: int,
) -> tuple[Int[Tensor, "beam limit"], Float[Tensor, " beam"], Float[Tensor, "beam u"]]:
    """One step of Cho's decoder with a beam: all hypotheses read the same context. Tokens, scores, states."""
    r, j, k = indices("beam", "limit", "v")
    token = where(length == 0, start, tokens[r, length - 1])
    over = where((token == stop) & (length > 0), 1, 0)
    y = E[token]
    s_next = decoder_step_fixed_context(
        y, s[r], c, W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h
    )
    logits = s_next @ W_o + y @ E_o + c @ C_o + b
    log_p = log_softmax(k, logits[k])
    score_next, parent, chosen = beam_step(log_p.stack(r, k), score, over.stack(r), stop=stop)
    p = parent[r]
    tokens_next = where(j == length, chosen[r], tokens[p, j])
    return tokens_next.stack(r, j), score_next, s_next.stack(r)[p].stack(r)


@equation(CHO, BEAM, options=ENDS, largest={**FEW, "k": 9}, smallest={"beam": 1})
def gru_beam_decode(
    c: Float[Tensor, " k"], s_0: Float[Tensor, " u"], E: Float[Tensor, "v d"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], C_r: Float[Tensor, "k u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], C_z: Float[Tensor, "k u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], C_h: Float[Tensor, "k u"], b_h: Float[Tensor, " u"],
    W_o: Float[Tensor, "u v"], E_o: Float[Tensor, "d v"], C_o: Float[Tensor, "k v"], b: Float[Tensor, " v"],
    *, start: int, stop: int, limit: int, beam: int,
) -> tuple[Int[Tensor, "beam limit"], Float[Tensor, " beam"]]:
    """The hypotheses of Cho's decoder after `limit` steps, the likeliest first, each with its log-probability.

    `stop` is repeated to the end. A beam of 1 is `seq2seq.greedy_decode`.
    """
    i, j, r, u = indices("limit", "limit", "beam", "u")
    length = 1 * i
    none = (0 * r + 0 * j).stack(r, j)
    one = where(r == 0, 0, -inf).stack(r)
    s_r = where(r >= 0, s_0[u], 0).stack(r, u)
    tokens, score, s = scan(  # noqa: RUF059  # the state is carried beside the tokens
        i,
        lambda tokens, score, s: gru_beam_step(
            tokens, length, score, s, c, E,
            W_xr, W_hr, C_r, b_r, W_xz, W_hz, C_z, b_z, W_xh, W_hh, C_h, b_h, W_o, E_o, C_o, b,
            start=start, stop=stop,
        ),
        none, one, s_r,
    )
    return last(i, tokens), last(i, score)


@equation(LEVINE, BEAM, options=ENDS, largest={**FEW_READ, "k": 9}, smallest={"beam": 1, "limit": 1}, sizes=STEPS)
def readout_beam_step(
    tokens: Int[Tensor, "beam limit"], length: Int[Tensor, ""], score: Float[Tensor, " beam"],
    s: Float[Tensor, "beam u"], h: Float[Tensor, "m k"], E: Float[Tensor, "v d"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "k a"],
    W_o: Float[Tensor, "u+k v"], b_o: Float[Tensor, " v"],
    *, start: int, stop: int,
) -> tuple[Int[Tensor, "beam limit"], Float[Tensor, " beam"], Float[Tensor, "beam u"]]:
    """One step of 002's decoder with a beam; every hypothesis has attention of its own. Tokens, scores, states."""
    r, j, w = indices("beam", "limit", "v")
    token = where(length == 0, start, tokens[r, length - 1])
    over = where((token == stop) & (length > 0), 1, 0)
    s_next, y_hat = readout_step(E[token], s[r], h, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o)
    log_p = log_softmax(w, y_hat[w])
    score_next, parent, chosen = beam_step(log_p.stack(r, w), score, over.stack(r), stop=stop)
    p = parent[r]
    tokens_next = where(j == length, chosen[r], tokens[p, j])
    return tokens_next.stack(r, j), score_next, s_next.stack(r)[p].stack(r)


@equation(LEVINE, BEAM, options=ENDS, largest={**FEW_READ, "k": 9}, smallest={"beam": 1})
def readout_beam_decode(
    s_0: Float[Tensor, " u"], h: Float[Tensor, "m k"], E: Float[Tensor, "v d"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "k a"],
    W_o: Float[Tensor, "u+k v"], b_o: Float[Tensor, " v"],
    *, start: int, stop: int, limit: int, beam: int,
) -> tuple[Int[Tensor, "beam limit"], Float[Tensor, " beam"]]:
    """The hypotheses of 002's decoder after `limit` steps, the likeliest first, each with its log-probability.

    `stop` is repeated to the end. A beam of 1 is `attention_rnn.readout_greedy_decode`.
    """
    i, j, r, u = indices("limit", "limit", "beam", "u")
    length = 1 * i
    none = (0 * r + 0 * j).stack(r, j)
    one = where(r == 0, 0, -inf).stack(r)
    s_r = where(r >= 0, s_0[u], 0).stack(r, u)
    tokens, score, s = scan(  # noqa: RUF059  # the state is carried beside the tokens
        i,
        lambda tokens, score, s: readout_beam_step(
            tokens, length, score, s, h, E, W_xh, W_hh, b_h, W_q, W_k, W_o, b_o, start=start, stop=stop
        ),
        none, one, s_r,
    )
    return last(i, tokens), last(i, score)


@equation(WANG, BEAM, options=ENDS, largest=FEW_READ, smallest={"beam": 1, "limit": 1}, sizes=STEPS)
def attentive_beam_step(
    tokens: Int[Tensor, "beam limit"], length: Int[Tensor, ""], score: Float[Tensor, " beam"],
    s: Float[Tensor, "beam u"], c: Float[Tensor, "beam u"], h: Float[Tensor, "m u"], E: Float[Tensor, "v d"],
    A: Float[Tensor, "d+u+u u"], b: Float[Tensor, " u"], W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "u a"],
    W_o: Float[Tensor, "u v"], b_o: Float[Tensor, " v"],
    *, start: int, stop: int,
) -> tuple[Int[Tensor, "beam limit"], Float[Tensor, " beam"], Float[Tensor, "beam u"], Float[Tensor, "beam u"]]:
    """One step of 003's decoder with attention and a beam; every hypothesis has attention of its own.

    Tokens, scores, states, contexts.
    """
    r, j, w = indices("beam", "limit", "v")
    token = where(length == 0, start, tokens[r, length - 1])
    over = where((token == stop) & (length > 0), 1, 0)
    s_next, c_next = attentive_step(E[token], s[r], c[r], h, A, b, W_q, W_k)
    logits = readout(s_next, W_o, b_o)
    log_p = log_softmax(w, logits[w])
    score_next, parent, chosen = beam_step(log_p.stack(r, w), score, over.stack(r), stop=stop)
    p = parent[r]
    tokens_next = where(j == length, chosen[r], tokens[p, j])
    return tokens_next.stack(r, j), score_next, s_next.stack(r)[p].stack(r), c_next.stack(r)[p].stack(r)


@equation(WANG, BEAM, options=ENDS, largest=FEW_READ, smallest={"beam": 1})
def attentive_beam_decode(
    h: Float[Tensor, "m u"], E: Float[Tensor, "v d"],
    A: Float[Tensor, "d+u+u u"], b: Float[Tensor, " u"], W_q: Float[Tensor, "u a"], W_k: Float[Tensor, "u a"],
    W_o: Float[Tensor, "u v"], b_o: Float[Tensor, " v"],
    *, start: int, stop: int, limit: int, beam: int,
) -> tuple[Int[Tensor, "beam limit"], Float[Tensor, " beam"]]:
    """The hypotheses of 003's decoder with attention, the likeliest first, each with its log-probability.

    `stop` is repeated to the end. A beam of 1 is `attention_rnn.attentive_greedy_decode`.
    """
    i, j, r, u, k = indices("limit", "limit", "beam", "u", "m")
    length = 1 * i
    none = (0 * r + 0 * j).stack(r, j)
    one = where(r == 0, 0, -inf).stack(r)
    s_0 = h[-1]
    alpha_0 = softmax(k, (h[k] @ W_k) @ (s_0 @ W_q))
    c_0 = sum(k, alpha_0 * h[k])
    s_r = where(r >= 0, s_0[u], 0).stack(r, u)
    c_r = where(r >= 0, c_0[u], 0).stack(r, u)
    tokens, score, s, c = scan(  # noqa: RUF059  # states and contexts are carried beside the tokens
        i,
        lambda tokens, score, s, c: attentive_beam_step(
            tokens, length, score, s, c, h, E, A, b, W_q, W_k, W_o, b_o, start=start, stop=stop
        ),
        none, one, s_r, c_r,
    )
    return last(i, tokens), last(i, score)


@equation(GREEDY, options={"start": Place("v", step=2), **EPS}, largest=FEW_LAYERED, smallest={"limit": 1}, sizes=STEPS)
def transformer_next(
    tokens: Int[Tensor, " limit"], length: Int[Tensor, ""], z: Float[Tensor, "m c"], P: Float[Tensor, "v c"],
    W_q_s: Float[Tensor, "c H*d"], W_k_s: Float[Tensor, "c H*d"], W_v_s: Float[Tensor, "c H*d"],
    W_o_s: Float[Tensor, "H*d c"], gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_q_c: Float[Tensor, "c H*d"], W_k_c: Float[Tensor, "c H*d"], W_v_c: Float[Tensor, "c H*d"],
    W_o_c: Float[Tensor, "H*d c"], gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_3: Float[Tensor, " c"], beta_3: Float[Tensor, " c"], W: Float[Tensor, "c v"], b: Float[Tensor, " v"],
    *, start: int, heads: int, eps: float,
) -> Float[Tensor, " v"]:
    """The scores of the token after the first `length` ones, which a Transformer's decoder of one layer reads.

    It reads `start` before them, and nothing that stands behind. Softmax makes the distribution of the scores.
    """
    j = index("limit+1")
    place = j - 1
    read = where(j == 0, start, tokens[place])
    x = transformer.embed_scaled(read.stack(j), P)
    y = transformer.decoder_layer(
        x, z, W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
        W_1, b_1, W_2, b_2, gamma_3, beta_3, heads=heads, eps=eps,
    )
    return y[length] @ W + b


@equation(GREEDY, options={**ENDS, **EPS}, largest=FEW_LAYERED)
def transformer_greedy_decode(
    z: Float[Tensor, "m c"], P: Float[Tensor, "v c"],
    W_q_s: Float[Tensor, "c H*d"], W_k_s: Float[Tensor, "c H*d"], W_v_s: Float[Tensor, "c H*d"],
    W_o_s: Float[Tensor, "H*d c"], gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_q_c: Float[Tensor, "c H*d"], W_k_c: Float[Tensor, "c H*d"], W_v_c: Float[Tensor, "c H*d"],
    W_o_c: Float[Tensor, "H*d c"], gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_3: Float[Tensor, " c"], beta_3: Float[Tensor, " c"], W: Float[Tensor, "c v"], b: Float[Tensor, " v"],
    *, start: int, stop: int, limit: int, heads: int, eps: float,
) -> Int[Tensor, " limit"]:
    """The tokens of a Transformer's decoder of one layer that takes the likeliest one each time, given the encoder's z.

    Of equally likely tokens it takes the first; `stop` is repeated to the end.
    """
    i, j, k = indices("limit", "limit", "v")
    length = 1 * i
    none = (0 * j).stack(j)
    tokens = scan(
        i,
        lambda tokens: where(
            j == length,
            argmax(k, transformer_next(
                tokens, length, z, P,
                W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
                W_1, b_1, W_2, b_2, gamma_3, beta_3, W, b, start=start, heads=heads, eps=eps,
            )[k]),
            tokens[j],
        ).stack(j),
        none,
    )
    return until_stop(last(i, tokens), stop=stop)


@equation(GREEDY, DRAWING, options={"start": Place("v", step=2), **EPS, **TAU},
          largest=FEW_LAYERED, smallest={"limit": 1}, sizes=STEPS)
def transformer_sample_step(
    tokens: Int[Tensor, " limit"], length: Int[Tensor, ""], uniform: Float[Tensor, ""],
    z: Float[Tensor, "m c"], P: Float[Tensor, "v c"],
    W_q_s: Float[Tensor, "c H*d"], W_k_s: Float[Tensor, "c H*d"], W_v_s: Float[Tensor, "c H*d"],
    W_o_s: Float[Tensor, "H*d c"], gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_q_c: Float[Tensor, "c H*d"], W_k_c: Float[Tensor, "c H*d"], W_v_c: Float[Tensor, "c H*d"],
    W_o_c: Float[Tensor, "H*d c"], gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_3: Float[Tensor, " c"], beta_3: Float[Tensor, " c"], W: Float[Tensor, "c v"], b: Float[Tensor, " v"],
    *, start: int, heads: int, eps: float, tau: float,
) -> Int[Tensor, ""]:
    """The token that a number draws after the first `length` ones, from their distribution sharpened by τ."""
    e = transformer_next(
        tokens, length, z, P,
        W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
        W_1, b_1, W_2, b_2, gamma_3, beta_3, W, b, start=start, heads=heads, eps=eps,
    )
    p = temperature(e, tau=tau)
    return sample(p, uniform)


@equation(GREEDY, DRAWING, options={**ENDS, **EPS, **TAU}, largest=FEW_DRAWN)
def transformer_sample_decode(
    uniform: Float[Tensor, " t"], z: Float[Tensor, "m c"], P: Float[Tensor, "v c"],
    W_q_s: Float[Tensor, "c H*d"], W_k_s: Float[Tensor, "c H*d"], W_v_s: Float[Tensor, "c H*d"],
    W_o_s: Float[Tensor, "H*d c"], gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_q_c: Float[Tensor, "c H*d"], W_k_c: Float[Tensor, "c H*d"], W_v_c: Float[Tensor, "c H*d"],
    W_o_c: Float[Tensor, "H*d c"], gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_3: Float[Tensor, " c"], beta_3: Float[Tensor, " c"], W: Float[Tensor, "c v"], b: Float[Tensor, " v"],
    *, start: int, stop: int, heads: int, eps: float, tau: float,
) -> Int[Tensor, " t"]:
    """The tokens that a Transformer's decoder of one layer draws, one for each number, given the encoder's z.

    `stop` is repeated to the end.
    """
    i, j = indices("t", "t")
    length = 1 * i
    none = (0 * j).stack(j)
    tokens = scan(
        i,
        lambda tokens: where(
            j == length,
            transformer_sample_step(
                tokens, length, uniform[i], z, P,
                W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
                W_1, b_1, W_2, b_2, gamma_3, beta_3, W, b, start=start, heads=heads, eps=eps, tau=tau,
            ),
            tokens[j],
        ).stack(j),
        none,
    )
    return until_stop(last(i, tokens), stop=stop)


@equation(TRANSFORMER, options={**ENDS, **EPS}, largest=FEW_LAYERED, smallest={"beam": 1, "limit": 1}, sizes=STEPS)
def transformer_beam_step(
    tokens: Int[Tensor, "beam limit"], length: Int[Tensor, ""], score: Float[Tensor, " beam"],
    z: Float[Tensor, "m c"], P: Float[Tensor, "v c"],
    W_q_s: Float[Tensor, "c H*d"], W_k_s: Float[Tensor, "c H*d"], W_v_s: Float[Tensor, "c H*d"],
    W_o_s: Float[Tensor, "H*d c"], gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_q_c: Float[Tensor, "c H*d"], W_k_c: Float[Tensor, "c H*d"], W_v_c: Float[Tensor, "c H*d"],
    W_o_c: Float[Tensor, "H*d c"], gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_3: Float[Tensor, " c"], beta_3: Float[Tensor, " c"], W: Float[Tensor, "c v"], b: Float[Tensor, " v"],
    *, start: int, stop: int, heads: int, eps: float,
) -> tuple[Int[Tensor, "beam limit"], Float[Tensor, " beam"]]:
    """One step of a Transformer's decoder of one layer with a beam, which reads all tokens of each hypothesis again.

    Tokens, scores.
    """
    h, j, k = indices("beam", "limit", "v")
    over = where((tokens[h, length - 1] == stop) & (length > 0), 1, 0)
    logits = transformer_next(
        tokens[h], length, z, P,
        W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
        W_1, b_1, W_2, b_2, gamma_3, beta_3, W, b, start=start, heads=heads, eps=eps,
    )
    log_p = log_softmax(k, logits[k])
    score_next, parent, chosen = beam_step(log_p.stack(h, k), score, over.stack(h), stop=stop)
    p = parent[h]
    tokens_next = where(j == length, chosen[h], tokens[p, j])
    return tokens_next.stack(h, j), score_next


@equation(TRANSFORMER, options={**ENDS, **EPS}, largest=FEW_LAYERED, smallest={"beam": 1})
def transformer_beam_decode(
    z: Float[Tensor, "m c"], P: Float[Tensor, "v c"],
    W_q_s: Float[Tensor, "c H*d"], W_k_s: Float[Tensor, "c H*d"], W_v_s: Float[Tensor, "c H*d"],
    W_o_s: Float[Tensor, "H*d c"], gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_q_c: Float[Tensor, "c H*d"], W_k_c: Float[Tensor, "c H*d"], W_v_c: Float[Tensor, "c H*d"],
    W_o_c: Float[Tensor, "H*d c"], gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_3: Float[Tensor, " c"], beta_3: Float[Tensor, " c"], W: Float[Tensor, "c v"], b: Float[Tensor, " v"],
    *, start: int, stop: int, limit: int, beam: int, heads: int, eps: float,
) -> tuple[Int[Tensor, "beam limit"], Float[Tensor, " beam"]]:
    """The hypotheses of a Transformer's decoder of one layer, the likeliest first, each with its log-probability.

    `stop` is repeated to the end. A beam of 1 is `transformer_greedy_decode`.
    """
    i, j, h = indices("limit", "limit", "beam")
    length = 1 * i
    none = (0 * h + 0 * j).stack(h, j)
    one = where(h == 0, 0, -inf).stack(h)
    tokens, score = scan(
        i,
        lambda tokens, score: transformer_beam_step(
            tokens, length, score, z, P,
            W_q_s, W_k_s, W_v_s, W_o_s, gamma_1, beta_1, W_q_c, W_k_c, W_v_c, W_o_c, gamma_2, beta_2,
            W_1, b_1, W_2, b_2, gamma_3, beta_3, W, b, start=start, stop=stop, heads=heads, eps=eps,
        ),
        none, one,
    )
    return last(i, tokens), last(i, score)
