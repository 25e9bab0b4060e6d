"""What must hold of the equations."""

import numpy as np

import attnspec
from attnspec import AtMost, Equal, property_of
from strangers import attention, feed_forward, norms, recurrences, rotations


@property_of(norms.rms_norm)
def mean_square_is_at_most_one(f, a):
    """Without a gain, the mean of the squares is at most 1."""
    y = f(**{**a, "gamma": np.ones_like(a["gamma"])})
    yield AtMost((y * y).mean(), 1.0)


@property_of(norms.rms_norm)
def doubled_inputs_give_the_same(f, a):
    """With x doubled and eps four times as large, the result is the same; with −x it is negated."""
    y = f(**a)
    yield Equal(f(**{**a, "x": 2 * a["x"], "eps": 4 * a["eps"]}), y)
    yield Equal(f(**{**a, "x": -a["x"]}), -y)


def neighbours(y):
    """The two columns of each pair, where they are neighbours."""
    return y[..., 0::2], y[..., 1::2]


def apart(y):
    """The two columns of each pair, where they are half of the width apart."""
    return np.split(y, 2, axis=-1)


def lengths_stay(f, a, pairs):
    """The length of each pair is kept, and row 0 is not turned."""
    y = f(**a)
    (p, q), (r, s) = pairs(y), pairs(a["x"])
    yield Equal(p * p + q * q, r * r + s * s)
    yield Equal(y[:1], a["x"][:1])


def products_of_rows(f, a):
    """Inner products of one vector at all places with another at all places."""
    first, second = (np.repeat(a["x"][place : place + 1], len(a["x"]), axis=0) for place in (0, 1))
    return f(**{**a, "x": first}) @ f(**{**a, "x": second}).T


@property_of(rotations.interleaved)
def lengths_of_neighbours_stay(f, a):
    """A pair of neighbouring columns keeps its length, and row 0 is not turned."""
    yield from lengths_stay(f, a, neighbours)


@property_of(rotations.interleaved, least={"t": 3})
def only_differences_of_places_count(f, a):
    """The inner product of two turned vectors depends on the difference of their places alone."""
    products = products_of_rows(f, a)
    yield Equal(products[1:, 1:], products[:-1, :-1])


@property_of(rotations.halves)
def lengths_of_columns_apart_stay(f, a):
    """A pair of columns half of the width apart keeps its length, and row 0 is not turned."""
    yield from lengths_stay(f, a, apart)


@property_of(rotations.halves, least={"t": 3})
def differences_of_places_alone_count(f, a):
    """The inner product of two turned vectors depends on the difference of their places alone."""
    products = products_of_rows(f, a)
    yield Equal(products[1:, 1:], products[:-1, :-1])


@property_of(rotations.halves)
def it_is_the_other_order_of_columns(f, a):
    """With its columns in the other order it is `interleaved`."""
    x = np.stack(apart(a["x"]), axis=-1).reshape(a["x"].shape)
    yield Equal(np.stack(apart(f(**a)), axis=-1).reshape(x.shape), rotations.interleaved(x, base=a["base"]))


@property_of(attention.grouped_query)
def each_head_may_have_keys_of_its_own(f, a):
    """With the keys and values of each group written out for all its heads, the result is the same."""
    each = len(a["q"]) // len(a["k"])
    yield Equal(f(q=a["q"], k=np.repeat(a["k"], each, 0), v=np.repeat(a["v"], each, 0)), f(**a))


@property_of(attention.grouped_query)
def equal_values_are_returned(f, a):
    """Where all values are equal, they are the result: the weights sum to 1."""
    yield Equal(f(**{**a, "v": np.ones_like(a["v"])}), np.ones((*a["q"].shape[:-1], a["v"].shape[-1])))


@property_of(attention.sliding_window)
def window_of_one_returns_the_values(f, a):
    """With a window of 1, each query sees its own key alone."""
    yield Equal(f(**{**a, "window": 1}), a["v"])


@property_of(attention.sliding_window, least={"n": 4})
def neither_later_keys_nor_old_ones_count(f, a):
    """A query sees neither later keys nor those before its window."""
    changed = {**a, "window": 2}
    for name in ("k", "v"):
        changed[name] = a[name].copy()
        changed[name][0] = changed[name][-1] = 0
    yield Equal(f(**changed)[2:-1], f(**{**a, "window": 2})[2:-1])


@property_of(attention.soft_capped)
def keys_have_no_order(f, a):
    """With keys and values permuted alike, the result is the same."""
    yield Equal(f(**{**a, "k": a["k"][::-1], "v": a["v"][::-1]}), f(**a))


@property_of(attention.soft_capped)
def queries_of_zero_average(f, a):
    """A query of zeros gives every key the same weight."""
    mean = a["v"].mean(axis=0)
    yield Equal(f(**{**a, "q": np.zeros_like(a["q"])}), np.tile(mean, (len(a["q"]), 1)))


@property_of(attention.with_sink)
def sink_takes_a_share(f, a):
    """Where all scores are equal to that of the sink, it takes the share of one key."""
    y = f(**{**a, "q": np.zeros_like(a["q"]), "sink": np.zeros_like(a["sink"])})
    yield Equal(y, np.tile(a["v"].sum(axis=0) / (len(a["v"]) + 1), (len(y), 1)))


@property_of(attention.with_sink)
def weights_sum_to_at_most_one(f, a):
    """Where all values are 1, no result is larger."""
    yield AtMost(f(**{**a, "v": np.ones_like(a["v"])}), 1.0)


@property_of(feed_forward.swiglu)
def it_is_odd_in_the_projection(f, a):
    """The sign of V, or of W_2, is the sign of the result; a gate of zeros gives zeros."""
    y = f(**a)
    yield Equal(f(**{**a, "V": -a["V"]}), -y)
    yield Equal(f(**{**a, "W_2": -a["W_2"]}), -y)
    yield Equal(f(**{**a, "W": np.zeros_like(a["W"])}), np.zeros_like(y))


@property_of(feed_forward.routing)
def weights_are_a_distribution(f, a):
    """No weight is negative, and they sum to 1."""
    g = f(**a)
    yield AtMost(0.0, g)
    yield Equal(g.sum(), 1.0)


@property_of(feed_forward.routing)
def the_best_alone_gets_all(f, a):
    """Of one expert that is chosen, the weight is 1, and it is that of the largest score."""
    scores = a["x"] @ a["router"]
    yield Equal(f(**{**a, "top": 1}), np.where(np.arange(scores.size) == scores.argmax(), 1.0, 0.0))


@property_of(recurrences.peephole_lstm_cell)
def without_peepholes_it_is_an_lstm(f, a):
    """With the weights from the cell state at 0, it is the LSTM of the catalogue."""
    zeros = {name: np.zeros_like(a[name]) for name in ("p_i", "p_f", "p_o")}
    lstm = attnspec.equations()["recurrent.lstm_cell"]
    plain = lstm(**{name: array for name, array in a.items() if name not in zeros})
    for mine, theirs in zip(f(**{**a, **zeros}), plain, strict=True):
        yield Equal(mine, theirs)


@property_of(recurrences.peephole_lstm_cell)
def state_is_within_one(f, a):
    """No element of h is beyond ±1."""
    yield AtMost(np.abs(f(**a)[0]), 1.0)


@property_of(recurrences.linear_attention)
def parallel_is_recurrent(f, a):
    """It is equal to its recurrent form."""
    yield Equal(f(**a), recurrences.linear_attention_recurrent(**a))


@property_of(recurrences.linear_attention_recurrent)
def recurrent_is_parallel(f, a):
    """It is equal to its parallel form, and the first row is the first value."""
    y = f(**a)
    yield Equal(y, recurrences.linear_attention(**a))
    yield Equal(y[:1], a["v"][:1])


@property_of(recurrences.state_step)
def state_gains_a_product(f, a):
    """What is gained is φ(k) vᵀ, whatever the state is."""
    yield Equal(f(**{**a, "S": np.zeros_like(a["S"])}), np.outer(np.exp(a["k"]), a["v"]))
    yield Equal(f(**{**a, "v": np.zeros_like(a["v"])}), a["S"])


@property_of(recurrences.normaliser_step)
def normaliser_gains_features(f, a):
    """From 0 it is φ(k)."""
    yield Equal(f(**{**a, "z": np.zeros_like(a["z"])}), np.exp(a["k"]))


def unit(like):
    """A unit vector along the first axis."""
    return np.eye(1, len(like))[0]


@property_of(recurrences.gated_delta_step)
def what_is_written_is_read(f, a):
    """With β = 1 and a key of length 1, the key then reads the value that was written; with β = 0 the state decays."""
    wholly = {**a, "k": unit(a["k"]), "beta": np.ones_like(a["beta"])}
    yield Equal(f(**wholly)[0], a["v"])
    yield Equal(f(**{**a, "beta": np.zeros_like(a["beta"])}), a["alpha"] * a["S"])


@property_of(recurrences.gated_delta_rule, equal=(("n", "d"),))
def orthogonal_keys_keep_their_values(f, a):
    """With unit vectors for keys and queries, without decay and with β = 1, every value is read as it was written."""
    ones, keys = np.ones_like(a["alpha"]), np.eye(len(a["k"]))
    yield Equal(f(q=keys, k=keys, v=a["v"], alpha=ones, beta=ones), a["v"])


@property_of(recurrences.gated_delta_rule, least={"n": 2})
def full_decay_forgets(f, a):
    """Where α is 0, a row reads what it writes itself: β v (k·q)."""
    y = f(**{**a, "alpha": np.zeros_like(a["alpha"])})
    yield Equal(y, (a["beta"] * (a["q"] * a["k"]).sum(axis=1))[:, None] * a["v"])


@property_of(recurrences.selective_step)
def without_a_step_nothing_happens(f, a):
    """With Δ = 0 the state stays."""
    yield Equal(f(**{**a, "delta": np.zeros_like(a["delta"])}), a["h"])


@property_of(recurrences.selective_scan)
def first_row_is_a_product(f, a):
    """The first row is Δ x (B·C): it does not depend on the decay."""
    x = a["x"][0]
    delta = np.logaddexp(0, x @ a["W_delta"] + a["b_delta"])
    yield Equal(f(**a)[0], delta * x * ((x @ a["W_B"]) @ (x @ a["W_C"])))


@property_of(recurrences.selective_scan)
def it_is_linear_in_what_is_read(f, a):
    """With C negated the result is negated."""
    yield Equal(f(**{**a, "W_C": -a["W_C"]}), -f(**a))
