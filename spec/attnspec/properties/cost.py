"""What must hold of costs: they are sums of smaller ones, grow as what is counted, and are those of the documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attnspec.equations import cost
from attnspec.language.equation import Equation
from attnspec.properties.property import Arguments, Equal, Function, Relation, property_of
from attnspec.properties.shared import of_each, value

Of = Equation[..., Any]
NAMES = ("the result/name/u-d", "the result/name/d-u")
EACH = ("each/drop/u", "each/drop/u+d", "each/drop/d", "each/bracket/left", "each/name/u-d", "each/name/d-u")


def linear(d: int, o: int) -> Any:
    """A linear layer with its bias."""
    return value(cost.linear_parameters, d=d, o=o)


def matrix(d: int, o: int) -> Any:
    """The same without it."""
    return linear(d, o) - o


def heads_of(a: Arguments) -> Any:
    """The four matrices of multi-head attention."""
    width = a["heads"] * a["d"]
    return 3 * matrix(a["c"], width) + matrix(width, a["c"])


def biases_of(a: Arguments) -> Any:
    """Their biases."""
    return 3 * a["heads"] * a["d"] + a["c"]


def network_of(a: Arguments) -> Any:
    """The two linear layers of the feed-forward network."""
    return linear(a["c"], a["f"]) + linear(a["f"], a["c"])


@property_of(cost.embedding_parameters, kills=("the result/drop/d", "the result/drop/v", "the result/name/v-d"))
def a_word_more_is_a_vector_more(f: Function, a: Arguments) -> Iterator[Relation]:
    """One word more in the vocabulary is d parameters more."""
    yield Equal(f(**{**a, "v": a["v"] + 1}) - f(**a), a["d"])


@property_of(cost.linear_parameters, kills=("the result/drop/o", "the result/drop/do", "the result/drop/d",
                                      "the result/name/d-o", "the result/name/o-d"))  # fmt: skip
def an_output_more_is_a_column_and_a_bias_more(f: Function, a: Arguments) -> Iterator[Relation]:
    """One output more is a weight for each input and one bias more."""
    yield Equal(f(**{**a, "o": a["o"] + 1}) - f(**a), a["d"] + 1)


@property_of(cost.linear_parameters, kills=("the result/drop/o",))
def it_is_33_behind_32_states(f: Function, a: Arguments) -> Iterator[Relation]:
    """For 32 states and one output it is 33, for a flattened text of 160 components 161."""
    yield Equal(f(d=32, o=1), 33)
    yield Equal(f(d=160, o=1), 161)


@property_of(cost.logistic_regression_parameters, kills=(
    "the result/drop/1", "the result/drop/td", "the result/drop/t", "the result/drop/d", "the result/constant/double",
))  # fmt: skip
def it_is_a_linear_layer_with_one_output(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is a linear layer of what is flattened, with one output: 161 for 20 words of 8 components."""
    yield Equal(f(**a), linear(a["t"] * a["d"], 1))
    yield Equal(f(t=20, d=8), 161)


@property_of(cost.simple_rnn_parameters, kills=(
    "with_dense_layer", "cost.simple_rnn_parameters_two_biases", "the result/drop/u", "the result/drop/u(u+d)",
    "the result/drop/u+d", "the result/drop/d", "the result/bracket/left", *NAMES,
))  # fmt: skip
def it_is_a_linear_layer_of_state_and_input(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is a linear layer that maps state and input, end to end, to the state: 2080 for 32 and 32."""
    yield Equal(f(**a), linear(a["u"] + a["d"], a["u"]))
    yield Equal(f(d=32, u=32), 2080)


@property_of(cost.simple_rnn_parameters, kills=("with_dense_layer", "the result/drop/u"))
def dense_layer_adds_33(f: Function, a: Arguments) -> Iterator[Relation]:
    """003's 2080 is the recurrence alone: with the layer that reads the last of 32 states there are 33 more."""
    yield Equal(f(d=32, u=32) + linear(32, 1), 2113)


ONE_MORE: dict[Of, tuple[Of, tuple[str, ...]]] = {
    cost.simple_rnn_parameters_two_biases: (
        cost.simple_rnn_parameters,
        ("cost.simple_rnn_parameters", "the result/drop/2u", "the result/constant/double"),
    ),
    cost.gru_parameters_reset_after: (
        cost.gru_parameters,
        ("cost.gru_parameters", "cost.gru_parameters_two_biases", "the result/drop/4u", *NAMES),
    ),
}
"""Equations that have one bias more than others."""


@of_each({of: kills for of, (_, kills) in ONE_MORE.items()})
def second_bias_is_one_more(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the second bias there are u parameters more."""
    yield Equal(f(**a), value(ONE_MORE[of][0], **a) + a["u"])


CELLS: dict[Of, tuple[int, Of, tuple[str, ...]]] = {
    cost.gru_parameters: (3, cost.simple_rnn_parameters, ("as_lstm", "cost.gru_parameters_two_biases", *EACH)),
    cost.lstm_parameters: (4, cost.simple_rnn_parameters, ("as_gru", "cost.lstm_parameters_two_biases", *EACH)),
    cost.gru_parameters_two_biases: (
        3, cost.simple_rnn_parameters_two_biases, ("cost.gru_parameters", "cost.gru_parameters_reset_after"),
    ),
    cost.lstm_parameters_two_biases: (4, cost.simple_rnn_parameters_two_biases, ("cost.lstm_parameters",)),
    cost.bidirectional_gru_parameters: (
        2, cost.gru_parameters, ("gru_twice_as_wide", "the result/drop/2", "the result/drop/3", *EACH),
    ),
    cost.bidirectional_lstm_parameters: (
        2, cost.lstm_parameters, ("lstm_twice_as_wide", "the result/drop/2", "the result/drop/4", *EACH),
    ),
    cost.gru_operations: (3, cost.simple_rnn_operations, ("the result/drop/3", "the result/constant/double")),
    cost.lstm_operations: (4, cost.simple_rnn_operations, ("the result/drop/4", "the result/constant/double")),
}  # fmt: skip
"""Costs that are so many times others."""


@of_each({of: kills for of, (_, _, kills) in CELLS.items()})
def it_is_so_many_times_a_smaller_one(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """A GRU is three simple RNNs, an LSTM four, and what reads in both directions is two of either."""
    times, smaller, _ = CELLS[of]
    yield Equal(f(**a), times * value(smaller, **a))


COUNTED: dict[Of, tuple[int, tuple[str, ...]]] = {
    cost.lstm_parameters: (8320, ("as_gru", "each/drop/u")),
    cost.bidirectional_lstm_parameters: (16640, ("lstm_twice_as_wide", "the result/drop/2")),
}


@of_each({of: kills for of, (_, kills) in COUNTED.items()})
def it_is_what_003_counts(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """For d = u = 32 an LSTM has 4 · 65 · 32 = 8320 parameters, and twice that in both directions."""
    yield Equal(f(d=32, u=32), COUNTED[of][0])


@property_of(cost.stacked_lstm_parameters, kills=(
    "as_the_first", "first/drop/4", "first/drop/u", "first/drop/d", "other/drop/4", "other/drop/u", "other/name/u-d",
    "the result/drop/first", "the result/drop/1", "the result/exchange", "everywhere/first-other",
))  # fmt: skip
def a_layer_more_reads_the_states_below(f: Function, a: Arguments) -> Iterator[Relation]:
    """One layer is an LSTM, and each one more an LSTM on states."""
    yield Equal(f(**{**a, "layers": 1}), value(cost.lstm_parameters, d=a["d"], u=a["u"]))
    more = value(cost.lstm_parameters, d=a["u"], u=a["u"])
    yield Equal(f(**{**a, "layers": a["layers"] + 1}) - f(**a), more)


@of_each(
    {
        cost.multihead_parameters: ("heads_of_full_width", "the result/name/heads-c", "the result/name/d-heads"),
        cost.multihead_parameters_biased: ("the result/name/heads-c", "the result/name/d-heads", "the result/drop/d#2"),
    }
)
def heads_share_the_width(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """However a width is cut into heads, there are as many parameters."""
    yield Equal(f(**a), f(c=a["c"], d=a["heads"] * a["d"], heads=1))


@property_of(cost.multihead_parameters, kills=(
    "without_output", "heads_of_full_width", "cost.multihead_parameters_biased", "the result/drop/4",
    "the result/drop/heads", "the result/drop/d", "the result/drop/c", "the result/name/c-d",
))  # fmt: skip
def it_is_four_matrices(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is a linear layer each for queries, keys, values and what the heads read, without biases."""
    yield Equal(f(**a), heads_of(a))


@property_of(cost.multihead_parameters_biased, kills=(
    "cost.multihead_parameters", "the result/drop/c", "the result/drop/3", "the result/drop/4", "the result/name/c-d#2",
))  # fmt: skip
def it_is_four_linear_layers(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is a linear layer each for queries, keys, values and what the heads read."""
    yield Equal(f(**a), heads_of(a) + biases_of(a))


@property_of(cost.feed_forward_parameters, kills=(
    "the result/drop/f", "the result/drop/c", "the result/drop/cf", "the result/drop/fc+c", "the result/name/f-c",
))  # fmt: skip
def it_is_two_linear_layers(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is a linear layer into the inner one and a linear layer out of it."""
    yield Equal(f(**a), network_of(a))


SLIPS = ("the result/drop/attention", "the result/drop/network", "network/drop/f", "network/drop/c", "norm/drop/c")
LAYERS: dict[Of, tuple[bool, int, int, tuple[str, ...]]] = {
    cost.encoder_layer_parameters: (False, 1, 2, (
        "cost.encoder_layer_parameters_biased", "attention/drop/4", "the result/drop/2norm", "the result/drop/2",
        *SLIPS,
    )),
    cost.encoder_layer_parameters_biased: (True, 1, 2, (
        "cost.encoder_layer_parameters", "attention/drop/3", "attention/drop/c", "the result/drop/2norm", *SLIPS,
    )),
    cost.decoder_layer_parameters: (False, 2, 3, (
        "cost.decoder_layer_parameters_biased", "attention/drop/4", "the result/drop/3norm", "the result/drop/3",
        *SLIPS,
    )),
    cost.decoder_layer_parameters_biased: (True, 2, 3, (
        "cost.decoder_layer_parameters", "attention/drop/3", "attention/drop/c", "the result/drop/3norm", *SLIPS,
    )),
}  # fmt: skip
"""Layers: whether attention has biases, how many attentions, how many norms."""


@of_each({of: kills for of, (_, _, _, kills) in LAYERS.items()})
def it_is_the_sum_of_its_parts(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """It is its attentions, its network, and a gain and a shift for each norm."""
    biased, attentions, norms, _ = LAYERS[of]
    attention = heads_of(a) + (biases_of(a) if biased else 0)
    yield Equal(f(**a), attentions * attention + network_of(a) + norms * 2 * a["c"])


@property_of(cost.simple_rnn_operations, kills=(
    "the result/drop/2", "the result/drop/t", "the result/drop/u", "the result/drop/d", "the result/bracket/left",
    "the result/name/t-d", *NAMES,
))  # fmt: skip
def every_weight_is_used_at_every_step(f: Function, a: Arguments) -> Iterator[Relation]:
    """A step multiplies and adds once for each weight of the matrix."""
    yield Equal(f(**a), a["t"] * 2 * matrix(a["u"] + a["d"], a["u"]))


SEQUENCES: dict[Of, tuple[str, ...]] = {
    cost.simple_rnn_operations: ("the result/drop/t", "the result/name/t-u"),
    cost.gru_operations: ("the result/drop/t", "the result/name/t-d"),
    cost.lstm_operations: ("the result/drop/t", "the result/name/t-d"),
    cost.feed_forward_operations: ("the result/drop/t", "the result/drop/t#2", "the result/name/t-c"),
    cost.recurrent_steps: ("at_once", "one_less"),
}


@of_each(SEQUENCES)
def two_halves_cost_what_the_whole_costs(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """A sequence costs what its parts cost one after the other."""
    yield Equal(f(**{**a, "t": a["t"] + 3}), f(**a) + f(**{**a, "t": 3}))


@property_of(cost.recurrent_steps, kills=("at_once", "one_less"))
def a_hundred_words_take_a_hundred_steps(f: Function, a: Arguments) -> Iterator[Relation]:
    """001's sentence of 100 words takes 100 steps."""
    yield Equal(f(t=100), 100)


@property_of(cost.attention_steps, kills=("one_by_one", "pair_by_pair", "the result/constant/double"))
def longer_sequences_take_no_more_steps(f: Function, a: Arguments) -> Iterator[Relation]:
    """However long the sequence is, there is one step."""
    yield Equal(f(t=a["t"] + 2), 1)


@property_of(cost.attention_operations, kills=(
    "scores/drop/2", "scores/drop/d", "scores/drop/m", "scores/name/d-e", "values/drop/2", "values/drop/e",
    "values/drop/n", "values/name/e-d", "the result/drop/scores", "the result/drop/values",
))  # fmt: skip
def every_weight_costs_a_key_and_a_value(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each weight is an inner product of width d, and weighs a value of width e."""
    weights = value(cost.attention_weights, n=a["n"], m=a["m"])
    yield Equal(f(**a), weights * 2 * (a["d"] + a["e"]))


@property_of(cost.self_attention_operations, kills=(
    "projections/drop/2", "projections/drop/e", "projections/drop/t", "projections/name/e-d", "attention/drop/2",
    "attention/drop/t", "attention/drop/d", "attention/name/t-c", "the result/drop/projections",
))  # fmt: skip
def it_is_three_matrices_and_attention(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is three matrices for each row, then attention among all rows."""
    matrices = 2 * matrix(a["c"], a["d"]) + matrix(a["c"], a["e"])
    attention = value(cost.attention_operations, n=a["t"], m=a["t"], d=a["d"], e=a["e"])
    yield Equal(f(**a), a["t"] * 2 * matrices + attention)


@property_of(
    cost.self_attention_operations, kills=("attention/drop/t", "attention/name/t-c", "the result/drop/attention")
)
def attention_is_quadratic(f: Function, a: Arguments) -> Iterator[Relation]:
    """Twice as long, attention costs four times as much, and the matrices twice: attention does not lower the cost."""
    attention = value(cost.attention_operations, n=a["t"], m=a["t"], d=a["d"], e=a["e"])
    yield Equal(f(**{**a, "t": 2 * a["t"]}) - 2 * f(**a), 2 * attention)


@property_of(cost.multihead_operations, kills=(
    "projected_anew", "projections/drop/2", "projections/drop/heads", "projections/name/n-m", "attention/drop/heads",
    "attention/drop/2", "the result/drop/attention", "the result/drop/projections",
))  # fmt: skip
def it_is_its_matrices_and_its_heads(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is two matrices for each query, two for each key, and the attention of each head."""
    width = matrix(a["c"], a["heads"] * a["d"])
    attention = value(cost.attention_operations, n=a["n"], m=a["m"], d=a["d"], e=a["d"])
    yield Equal(f(**a), 2 * (2 * a["n"] + 2 * a["m"]) * width + a["heads"] * attention)


@property_of(cost.feed_forward_operations, kills=(
    "the result/drop/2", "the result/drop/t", "the result/drop/c", "the result/drop/f", "the result/name/f-c",
))  # fmt: skip
def every_weight_is_used_at_every_position(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each of the two matrices is used once at each position."""
    yield Equal(f(**a), a["t"] * 2 * (matrix(a["c"], a["f"]) + matrix(a["f"], a["c"])))


@property_of(cost.encoder_layer_operations, kills=(
    "projections/drop/4", "attention/drop/heads", "network/drop/2", "the result/drop/network",
    "the result/drop/attention", "the result/drop/projections",
))  # fmt: skip
def it_is_attention_and_network(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is multi-head attention of a sequence to itself, and the network."""
    t = a["t"]
    attention = value(cost.multihead_operations, n=t, m=t, c=a["c"], d=a["d"], heads=a["heads"])
    yield Equal(f(**a), attention + value(cost.feed_forward_operations, t=t, c=a["c"], f=a["f"]))


@of_each({
    cost.attention_weights: ("the result/drop/m", "the result/drop/n", "the result/name/n-m"),
    cost.attention_memory: ("scores_beside_weights", "the result/drop/m", "the result/drop/n", "the result/name/n-m"),
})  # fmt: skip
def a_query_more_is_a_row_more(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """One query more is a weight more for each key."""
    yield Equal(f(**{**a, "n": a["n"] + 1}) - f(**a), a["m"])


@property_of(cost.multihead_weights, kills=("the result/drop/heads", "the result/drop/nm", "the result/name/heads-n"))
def a_head_more_is_an_attention_more(f: Function, a: Arguments) -> Iterator[Relation]:
    """One head more is as many weights more as one attention has."""
    more = value(cost.attention_weights, n=a["n"], m=a["m"])
    yield Equal(f(**{**a, "heads": a["heads"] + 1}) - f(**a), more)


@property_of(cost.attention_memory_blocked, kills=(
    "the result/drop/2n", "the result/drop/block", "the result/drop/n", "the result/drop/2", "the result/name/n-block",
))  # fmt: skip
def a_block_is_a_small_attention(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is naive attention to one block of keys, and two numbers for each query."""
    naive = value(cost.attention_memory, n=a["n"], m=a["block"])
    yield Equal(f(**a), naive + 2 * a["n"])
