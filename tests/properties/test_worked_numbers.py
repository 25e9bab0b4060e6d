"""003's worked numbers come out: 199 columns, segments of 60 × 57, 57 classes, a seed of 18 characters."""

from __future__ import annotations

import numpy as np

from attnspec.equations import seq2seq, text
from attnspec.procedures.text import characters, delimit, encode, vocabulary
from attnspec.properties.shared import value


def test_a_person_has_199_columns() -> None:
    """An age, a sex and one of 197 countries."""
    x = value(text.record, np.asarray(37.0), np.asarray(1), np.asarray(196), v=197)

    assert x.shape == (1 + 1 + 197,) == (199,)
    assert (x[0], x[1], x[198], x.sum()) == (37, 1, 1, 39)


def test_a_segment_is_60_by_57() -> None:
    """Pieces of 60 characters out of 57, one-hot, each with one of 57 classes to predict."""
    characters = np.arange(600) % 57
    segments, labels = value(text.segments, characters, w=60, s=3)
    matrix = value(text.one_hot, segments[0], v=57)

    assert segments.shape == (180, 60)
    assert matrix.shape == (60, 57)
    assert value(text.one_hot, labels, v=57).shape == (180, 57)
    assert np.array_equal(labels, (np.arange(180) * 3 + 60) % 57)


def test_two_vocabularies_and_the_symbols_of_the_target() -> None:
    """A character-level pair of sentences: the target's vocabulary alone has the start and the stop symbol."""
    source = characters("go on", lower=True)
    target = delimit(characters("mach weiter", lower=True), start="\t", stop="\n")
    of_source, of_target = vocabulary((source,), v=100), vocabulary((target,), v=100)

    assert set(of_source) == set("go n")
    assert set(of_target) == set("mach weitr\t\n")
    assert encode(target, of_target)[0] == of_target["\t"]
    assert encode(target, of_target)[-1] == of_target["\n"]
    assert -1 not in encode(target, of_target)


def test_a_seed_of_18_characters_stays_18_long() -> None:
    """Each of 57 characters may be drawn; the segment keeps its length."""
    chance = np.random.default_rng(0)
    v, u = 57, 4
    weights = {
        name: chance.normal(size=shape)
        for gate in "ifgo"
        for name, shape in ((f"W_x{gate}", (v, u)), (f"W_h{gate}", (u, u)), (f"b_{gate}", (u,)))
    }
    readout = {"W_hy": chance.normal(size=(u, v)), "b_y": chance.normal(size=v)}
    tokens, window = value(
        seq2seq.generate_window, chance.integers(0, v, 18), chance.uniform(size=25), **weights, **readout, tau=1.0
    )

    assert (tokens.shape, window.shape) == ((25,), (18,))
    assert np.array_equal(window, tokens[-18:])
    assert set(tokens) <= set(range(v))
