"""Mistakes that people make when they count: a layer too many, the gates of another cell, heads of full width."""

from attnspec import mutant
from attnspec.equations.cost import (
    attention_memory,
    attention_steps,
    bidirectional_gru_parameters,
    bidirectional_lstm_parameters,
    gru_parameters,
    lstm_parameters,
    multihead_operations,
    multihead_parameters,
    recurrent_steps,
    simple_rnn_parameters,
    stacked_lstm_parameters,
)


@mutant(simple_rnn_parameters, says="the layer that reads the last state is counted too")
def with_dense_layer(*, d: int, u: int) -> int:
    """What 003 says of its 2080, which are without that layer's 33."""
    return u * (u + d) + u + u + 1


@mutant(gru_parameters, says="three gates and a candidate are counted, as an LSTM has them")
def as_lstm(*, d: int, u: int) -> int:
    """Four of each."""
    return 4 * (u * (u + d) + u)


@mutant(lstm_parameters, says="two gates and a candidate are counted, as a GRU has them")
def as_gru(*, d: int, u: int) -> int:
    """Three of each."""
    return 3 * (u * (u + d) + u)


@mutant(stacked_lstm_parameters, says="every layer is counted as wide as the first")
def as_the_first(*, d: int, u: int, layers: int) -> int:
    """Equal where d = u, as in 003."""
    return layers * (4 * (u * (u + d) + u))


@mutant(bidirectional_gru_parameters, says="one state of twice the width is counted instead of two states")
def gru_twice_as_wide(*, d: int, u: int) -> int:
    """The states stand side by side, but no weight leads from the one to the other."""
    return 3 * (2 * u * (2 * u + d) + 2 * u)


@mutant(bidirectional_lstm_parameters, says="one state of twice the width is counted instead of two states")
def lstm_twice_as_wide(*, d: int, u: int) -> int:
    """The states stand side by side, but no weight leads from the one to the other."""
    return 4 * (2 * u * (2 * u + d) + 2 * u)


@mutant(multihead_parameters, says="every head is counted as wide as the model")
def heads_of_full_width(*, c: int, d: int, heads: int) -> int:
    """Heads share the width among them."""
    return 4 * (c * (heads * c))


@mutant(multihead_parameters, says="the matrix behind the heads is not counted")
def without_output(*, c: int, d: int, heads: int) -> int:
    """W_q, W_k and W_v alone."""
    return 3 * (c * (heads * d))


@mutant(multihead_operations, says="the projections of keys and values are counted for every query")
def projected_anew(*, n: int, m: int, c: int, d: int, heads: int) -> int:
    """They are made once and read by all queries."""
    projections = 2 * (2 * (n * c * (heads * d)) + 2 * (n * m * c * (heads * d)))
    attention = heads * (2 * (n * m * d) + 2 * (n * m * d))
    return projections + attention


@mutant(attention_memory, says="scores and weights are held side by side")
def scores_beside_weights(*, n: int, m: int) -> int:
    """A softmax that does not work in place."""
    return 2 * (n * m)


@mutant(recurrent_steps, says="all steps are taken at once")
def at_once(*, t: int) -> int:
    """What attention does."""
    return 1


@mutant(recurrent_steps, says="the step from the first state is not counted")
def one_less(*, t: int) -> int:
    """The transitions between t states."""
    return t - 1


@mutant(attention_steps, says="every output waits for the one before")
def one_by_one(*, t: int) -> int:
    """What a recurrence does."""
    return t


@mutant(attention_steps, says="every weight waits for the one before")
def pair_by_pair(*, t: int) -> int:
    """A loop over outputs and inputs."""
    return t * t
