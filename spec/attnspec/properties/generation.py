"""What must hold of generating with a beam."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import attention_rnn, generation, recurrent, seq2seq, transformer
from attnspec.language.equation import Equation
from attnspec.properties.property import Arguments, AtMost, Equal, Function, Relation, property_of
from attnspec.properties.seq2seq import seen_before, words
from attnspec.properties.shared import of_each, several, value

Of = Equation[..., Any]

STEPS: dict[Of, Of] = {
    generation.lstm_beam_decode: generation.lstm_beam_step,
    generation.bahdanau_beam_decode: generation.bahdanau_beam_step,
    generation.transformer_beam_decode: generation.transformer_beam_step,
}
"""Decoders with a beam, each with its step."""

GREEDY: dict[Of, Of] = {
    generation.lstm_beam_decode: seq2seq.greedy_decode_lstm,
    generation.bahdanau_beam_decode: attention_rnn.bahdanau_greedy_decode,
    generation.transformer_beam_decode: generation.transformer_greedy_decode,
}


def taken(of: Of, a: Arguments) -> dict[str, Any]:
    """The arguments and options that an equation has."""
    names = {
        *(parameter.name for parameter in of.definition.parameters),
        *(option.name for option in of.definition.options),
    }
    return {name: a[name] for name in a if name in names}


def log_softmax(logits: Any) -> Any:
    """The logarithm of the softmax of each row."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def continuations(a: Arguments) -> Any:
    """The score of every continuation: a row for each hypothesis, a column for each token."""
    log_p, score = a["log_p"], a["score"][:, None]
    ended = np.where(np.arange(log_p.shape[1]) == a["stop"], score, -np.inf)
    return np.where(a["over"][:, None] > 0, ended, score + log_p)


@property_of(generation.beam_step, kills=("ended_go_on", "scores_forgotten", "each_keeps_its_best", "last_of_ties"))
def they_are_the_best_of_all(f: Function, a: Arguments) -> Iterator[Relation]:
    """They are the first of all continuations in the order of falling score; also where all score alike."""
    for given in (a, {**a, "log_p": np.zeros_like(a["log_p"]), "score": np.zeros_like(a["score"])}):
        total = continuations(given)
        best = np.argsort(-total.ravel(), kind="stable")[: len(total)]
        score, parent, token = f(**given)
        yield Equal(score, total.ravel()[best])
        yield Equal(parent, best // total.shape[1])
        yield Equal(token, best % total.shape[1])


@property_of(generation.beam_step, kills=("ended_go_on",))
def what_is_over_stays(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where every hypothesis is over all of them stay, in the order of their scores, and say `stop`."""
    score, parent, token = f(**{**a, "over": np.ones_like(a["over"])})
    order = np.argsort(-a["score"], kind="stable")
    yield Equal(score, a["score"][order])
    yield Equal(parent, order)
    yield Equal(token, np.full(len(order), a["stop"]))


def next_of(of: Of, a: Arguments, token: Any, hypothesis: int) -> tuple[tuple[Any, ...], Any]:
    """The states of one hypothesis after its last token, and the scores of the next one."""
    if of is generation.transformer_beam_step:
        own = {**taken(generation.transformer_next, a), "tokens": a["tokens"][hypothesis]}
        return (), value(generation.transformer_next, **own)
    s, y = a["s"][hypothesis], a["E"][token]
    if of is generation.lstm_beam_step:
        weights = {name: a[name] for gate in "ifgo" for name in (f"W_x{gate}", f"W_h{gate}", f"b_{gate}")}
        states = value(recurrent.lstm_cell, y, s, a["c"][hypothesis], **weights)
        return states, states[0] @ a["W_hy"] + a["b_y"]
    decoder = {
        name: a[name] for name in a if name in {p.name for p in attention_rnn.bahdanau_step.definition.parameters}
    }
    state, c, _ = value(attention_rnn.bahdanau_step, **{**decoder, "y": y, "s": s})
    t = (s @ a["U_o"] + y @ a["V_o"] + c @ a["C_o"]).reshape(-1, 2).max(axis=1)
    return (state,), t @ a["W_o"]


STAY = ("tokens_stay",)


@of_each({
    generation.lstm_beam_step: ("states_stay", *STAY), generation.bahdanau_beam_step: ("states_stay", *STAY),
    generation.transformer_beam_step: STAY,
}, least={"beam": 2, "v": 2})  # fmt: skip
def the_best_continuations_are_kept(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Of the hypotheses, each decoded by itself, `beam_step` chooses; tokens and states go with their hypothesis."""
    length, beam = int(a["length"]), len(a["score"])
    last = a["tokens"][:, length - 1] if length else np.full(beam, a["start"])
    made = [next_of(of, a, token, place) for place, token in enumerate(last)]
    log_p = log_softmax(np.array([logits for _, logits in made]))
    over = np.where((last == a["stop"]) & (length > 0), 1, 0)
    score, parent, token = value(generation.beam_step, log_p, a["score"], over, stop=a["stop"])
    tokens = a["tokens"][parent]
    tokens[:, length : length + 1] = token[:, None]
    given, scores, *states = f(**a)
    yield Equal(given, tokens)
    yield Equal(scores, score)
    for place, state in enumerate(states):
        yield Equal(state, np.array([ends[place] for ends, _ in made])[parent])


@of_each(dict.fromkeys(GREEDY, ()))
def beam_of_one_is_greedy(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With one hypothesis the tokens are those of the decoder that takes the likeliest one each time."""
    greedy = {name: a[name] for name in a if name != "beam"}
    yield Equal(f(**{**a, "beam": 1})[0][0], value(GREEDY[of], **greedy))


def begun(of: Of, a: Arguments) -> dict[str, Any]:
    """The states that a decoder begins with, the same for all hypotheses."""
    if of is generation.transformer_beam_decode:
        return {}
    if of is generation.lstm_beam_decode:
        first = {"s": a["s_0"], "c": a["c_0"]}
    else:
        first = {"s": np.tanh(a["h"][0, len(a["W_s"]) :] @ a["W_s"])}
    return {name: np.repeat(state[None], a["beam"], axis=0) for name, state in first.items()}


@of_each(dict.fromkeys(STEPS, ("all_alike", "tokens_stay_throughout")), least={"beam": 2, "v": 3, "limit": 2})
def it_begins_with_one_hypothesis(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """It is one step after the other, from a single hypothesis: so no two are ever the same."""
    state = begun(of, a)
    tokens = np.zeros((a["beam"], a["limit"]), dtype=np.int64)
    score = np.where(np.arange(a["beam"]) == 0, 0.0, -np.inf)
    for length in range(a["limit"]):
        given = {**taken(STEPS[of], a), **state, "tokens": tokens, "score": score, "length": np.asarray(length)}
        tokens, score, *ends = value(STEPS[of], **given)
        state = dict(zip(state, ends, strict=True))
    found, scores = f(**a)
    yield Equal(found, tokens)
    yield Equal(scores, score)


@of_each(dict.fromkeys(STEPS, ()))
def the_best_comes_first(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """No hypothesis has a higher score than the one before it."""
    score = f(**a)[1]
    yield AtMost(score[1:], score[:-1])


@property_of(generation.lstm_beam_decode)
def a_score_is_the_log_probability_of_its_tokens(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the sum of what teacher forcing on the tokens gives, up to `stop`; that of none is −∞."""
    tokens, score = f(**a)
    shared = {name: a[name] for name in a if name not in ("stop", "limit", "beam")}
    for said, total in zip(tokens, score, strict=True):
        p, _ = value(seq2seq.teacher_forced_lstm, target=words(said) % len(a["E"]), **shared)
        each = np.log(p[np.arange(len(said)), words(said) % p.shape[1]])
        likely = np.where(seen_before(said, a["stop"]), 0, each).sum() + 0 * said.sum()
        yield Equal(total, np.where(np.isneginf(total), total, likely))


@property_of(generation.transformer_next)
def it_is_a_row_of_the_decoder(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is scored by the output layer what the decoder makes of `start` and the tokens that exist, at its last row."""
    length = min(int(a["length"]), len(a["tokens"]) - 1)
    k = np.concatenate([[a["start"]], a["tokens"][:length]]).astype(np.int64)
    x = value(transformer.embed_scaled, k, a["P"])
    names = {parameter.name for parameter in transformer.decoder_layer.definition.parameters} - {"x"}
    layer = {name: a[name] for name in a if name in names | {"heads", "eps"}}
    y = value(transformer.decoder_layer, x, **layer)
    yield Equal(f(**{**a, "length": np.asarray(length)}), y[-1] @ a["W"] + a["b"])


@property_of(generation.transformer_next, least={"v": 2})
def tokens_to_come_are_not_read(f: Function, a: Arguments) -> Iterator[Relation]:
    """What stands behind the tokens that exist changes nothing."""
    exists = np.arange(len(a["tokens"])) < a["length"]
    yield Equal(f(**{**a, "tokens": np.where(exists, a["tokens"], 0)}), f(**a))


@property_of(generation.transformer_greedy_decode, least={"v": 4, "limit": 3})
def it_ends_where_it_should(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the first token for `stop` it ends at once; with another that is generated later, there."""
    tokens = f(**a)
    for stop in words(tokens):
        given = {**a, "stop": int(stop)}
        yield Equal(f(**given), np.where(seen_before(words(tokens), stop), stop, tokens))


@property_of(generation.transformer_greedy_decode, least={"v": 4, "limit": 2})
def each_token_is_the_likeliest_after_those_before_it(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each token has the largest score after those before it, until `stop` was generated."""
    tokens = f(**a)
    own = {**taken(generation.transformer_next, a), "tokens": words(tokens)}
    places = range(len(tokens))
    best = [value(generation.transformer_next, **own, length=np.asarray(place)).argmax() for place in places]
    yield Equal(tokens, np.where(seen_before(tokens, a["stop"]), a["stop"], np.array(best)))


@property_of(generation.transformer_greedy_decode, least={"v": 2})
def of_equal_tokens_the_first_is_generated(f: Function, a: Arguments) -> Iterator[Relation]:
    """With nothing to tell tokens apart the first is generated."""
    token = several(f(**{**a, "W": np.zeros_like(a["W"]), "b": np.zeros_like(a["b"])}))[-1]
    yield Equal(token, np.zeros(token.shape))
