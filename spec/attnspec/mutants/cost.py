"""Mistakes that people make when they count: a layer too many, the gates of another cell, heads of full width."""

from attnspec import mutate
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

mutate(
    simple_rnn_parameters, "with_dense_layer",
    says="the layer that reads the last state is counted too",
    lines={"return": "u * (u + d) + u + u + 1"},
)


mutate(
    gru_parameters, "as_lstm",
    says="three gates and a candidate are counted, as an LSTM has them",
    lines={"return": "4 * (u * (u + d) + u)"},
)


mutate(
    lstm_parameters, "as_gru",
    says="two gates and a candidate are counted, as a GRU has them",
    lines={"return": "3 * (u * (u + d) + u)"},
)


mutate(
    stacked_lstm_parameters, "as_the_first",
    says="every layer is counted as wide as the first",
    lines={"return": "layers * (4 * (u * (u + d) + u))"},
)


mutate(
    bidirectional_gru_parameters, "gru_twice_as_wide",
    says="one state of twice the width is counted instead of two states",
    lines={"return": "3 * (2 * u * (2 * u + d) + 2 * u)"},
)


mutate(
    bidirectional_lstm_parameters, "lstm_twice_as_wide",
    says="one state of twice the width is counted instead of two states",
    lines={"return": "4 * (2 * u * (2 * u + d) + 2 * u)"},
)


mutate(
    multihead_parameters, "heads_of_full_width",
    says="every head is counted as wide as the model",
    lines={"return": "4 * (c * (heads * c))"},
)


mutate(
    multihead_parameters, "without_output",
    says="the matrix behind the heads is not counted",
    lines={"return": "3 * (c * (heads * d))"},
)


mutate(
    multihead_operations, "projected_anew",
    says="the projections of keys and values are counted for every query",
    lines={"projections": "2 * (2 * (n * c * (heads * d)) + 2 * (n * m * c * (heads * d)))"},
)


mutate(
    attention_memory, "scores_beside_weights",
    says="scores and weights are held side by side",
    lines={"return": "2 * (n * m)"},
)


mutate(
    recurrent_steps, "at_once",
    says="all steps are taken at once",
    lines={"return": "1"},
)


mutate(
    recurrent_steps, "one_less",
    says="the step from the first state is not counted",
    lines={"return": "t - 1"},
)


mutate(
    attention_steps, "one_by_one",
    says="every output waits for the one before",
    lines={"return": "t"},
)


mutate(
    attention_steps, "pair_by_pair",
    says="every weight waits for the one before",
    lines={"return": "t * t"},
)
