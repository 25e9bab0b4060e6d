"""What must hold of generating with a beam."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import attention_rnn, generation, recurrent, seq2seq, transformer
from attnspec.language.equation import Equation
from attnspec.properties.attention_rnn import begun as first_states
from attnspec.properties.attention_rnn import moved_on
from attnspec.properties.property import Arguments, AtMost, Equal, Function, Relation, property_of
from attnspec.properties.seq2seq import EVENLY, seen_before, words
from attnspec.properties.shared import of_each, several, value

Of = Equation[..., Any]

STEPS: dict[Of, Of] = {
    generation.lstm_beam_decode: generation.lstm_beam_step,
    generation.gru_beam_decode: generation.gru_beam_step,
    generation.bahdanau_beam_decode: generation.bahdanau_beam_step,
    generation.readout_beam_decode: generation.readout_beam_step,
    generation.attentive_beam_decode: generation.attentive_beam_step,
    generation.transformer_beam_decode: generation.transformer_beam_step,
}
"""Decoders with a beam, each with its step."""

GREEDY: dict[Of, Of] = {
    generation.lstm_beam_decode: seq2seq.greedy_decode_lstm,
    generation.gru_beam_decode: seq2seq.greedy_decode,
    generation.bahdanau_beam_decode: attention_rnn.bahdanau_greedy_decode,
    generation.readout_beam_decode: attention_rnn.readout_greedy_decode,
    generation.attentive_beam_decode: attention_rnn.attentive_greedy_decode,
    generation.transformer_beam_decode: generation.transformer_greedy_decode,
}

CARRIED: dict[Of, tuple[str, ...]] = {
    generation.lstm_beam_step: ("s", "c"),
    generation.gru_beam_step: ("s",),
    generation.bahdanau_beam_step: ("s",),
    generation.readout_beam_step: ("s",),
    generation.attentive_beam_step: ("s", "c"),
    generation.transformer_beam_step: (),
}
"""The states of each step, a row for each hypothesis."""


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
    own = {**a, **{name: a[name][hypothesis] for name in CARRIED[of]}, "token": token}
    y = a["E"][token]
    if of is generation.lstm_beam_step:
        states = value(recurrent.lstm_cell, y, own["s"], own["c"], **weights_of_gates(a, "ifgo", ("W_x", "W_h", "b_")))
        return states, states[0] @ a["W_hy"] + a["b_y"]
    if of is generation.gru_beam_step:
        weights = weights_of_gates(a, "rzh", ("W_x", "W_h", "C_", "b_"))
        s = value(seq2seq.decoder_step_fixed_context, y, own["s"], own["c"], **weights)
        return (s,), s @ a["W_o"] + y @ a["E_o"] + a["c"] @ a["C_o"] + a["b"]
    states, logits = moved_on(of, own)
    return (*states,), logits


def weights_of_gates(a: Arguments, gates: str, kinds: tuple[str, ...]) -> dict[str, Any]:
    """The weights of each gate."""
    return {f"{kind}{gate}": a[f"{kind}{gate}"] for gate in gates for kind in kinds}


STAY = ("tokens_stay",)


@of_each({
    of: ("states_stay", *STAY) if states else STAY for of, states in CARRIED.items()
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
    first = {generation.lstm_beam_decode: ("s_0", "c_0"), generation.gru_beam_decode: ("s_0",)}.get(of)
    states = tuple(a[name] for name in first) if first else first_states(of, a)
    return {
        name: np.repeat(state[None], a["beam"], axis=0) for name, state in zip(CARRIED[STEPS[of]], states, strict=True)
    }


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
    k = np.concatenate([[a["start"]], a["tokens"][: int(a["length"])]]).astype(np.int64)
    x = value(transformer.embed_scaled, k, a["P"])
    names = {parameter.name for parameter in transformer.decoder_layer.definition.parameters} - {"x"}
    layer = {name: a[name] for name in a if name in names | {"heads", "eps"}}
    y = value(transformer.decoder_layer, x, **layer)
    yield Equal(f(**a), y[-1] @ a["W"] + a["b"])


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


@property_of(generation.transformer_sample_step, kills=("takes_likeliest",), least={"v": 2})
def token_is_what_the_number_draws(f: Function, a: Arguments) -> Iterator[Relation]:
    """The token is the one that the number draws of the decoder's distribution, sharpened by τ."""
    e = value(generation.transformer_next, **taken(generation.transformer_next, a))
    p = value(seq2seq.temperature, e, tau=a["tau"])
    for number in (a["uniform"], *map(np.asarray, EVENLY)):
        yield Equal(f(**{**a, "uniform": number}), value(seq2seq.sample, p, number))


@property_of(
    generation.transformer_sample_decode, least={"v": 4, "t": 3},
    kills=("takes_likeliest_throughout", "one_number_for_all", "not_fed_back"),
)  # fmt: skip
def each_token_is_drawn_after_those_before_it(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each token is drawn with a number of its own after those before it, until `stop` was drawn."""
    tokens = f(**a)
    own = {**taken(generation.transformer_sample_step, a), "tokens": words(tokens)}
    made = [
        value(generation.transformer_sample_step, **{**own, "uniform": number, "length": np.asarray(place)})
        for place, number in enumerate(a["uniform"])
    ]
    yield Equal(tokens, np.where(seen_before(tokens, a["stop"]), a["stop"], np.array(made)))


@property_of(generation.transformer_sample_decode, least={"v": 4, "t": 3})
def at_the_smallest_temperature_it_is_greedy(f: Function, a: Arguments) -> Iterator[Relation]:
    """As τ goes to 0 every number draws the likeliest token, here one that no other comes near."""
    sure = {"W": np.zeros_like(a["W"]), "b": np.eye(len(a["b"]))[1], "tau": 2.0**-11}
    greedy = {**taken(generation.transformer_greedy_decode, {**a, **sure}), "limit": len(a["uniform"])}
    yield Equal(f(**{**a, **sure}), value(generation.transformer_greedy_decode, **greedy))
