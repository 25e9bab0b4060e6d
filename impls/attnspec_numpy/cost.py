"""What layers cost, counted on the shapes of the arrays that they hold, packed as these implementations pack them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from attnspec import implements

Shape = tuple[int, ...]


def _elements(*shapes: Shape) -> int:
    return sum(math.prod(shape) for shape in shapes)


def _cell(d: int, u: int, gates: int, biases: int = 1) -> Iterator[Shape]:
    """The gates side by side, on the input's side and on the state's; one bias over all or one on either side."""
    yield d, gates * u
    yield u, gates * u
    yield from [(gates * u,)] * biases


def _heads(c: int, d: int, heads: int) -> Iterator[Shape]:
    """Queries, keys and values, all heads side by side; and the matrix behind them."""
    yield from [(c, heads, d)] * 3
    yield heads, d, c


def _biases(c: int, d: int, heads: int) -> Iterator[Shape]:
    """The same, of vectors."""
    yield from [(heads, d)] * 3
    yield (c,)


def _network(c: int, f: int) -> Iterator[Shape]:
    yield from [(c, f), (f,), (f, c), (c,)]


def _norms(c: int, count: int) -> Iterator[Shape]:
    """A gain and a shift each."""
    yield from [(2, c)] * count


@implements("cost.embedding_parameters", framework="numpy")
def embedding_parameters(*, v: int, d: int) -> int:
    """P."""
    return _elements((v, d))


@implements("cost.linear_parameters", framework="numpy")
def linear_parameters(*, d: int, o: int) -> int:
    """W and b."""
    return _elements((d, o), (o,))


@implements("cost.logistic_regression_parameters", framework="numpy")
def logistic_regression_parameters(*, t: int, d: int) -> int:
    """w and b."""
    return _elements((t, d), ())


@implements("cost.simple_rnn_parameters", framework="numpy")
def simple_rnn_parameters(*, d: int, u: int) -> int:
    """One gate, that is none."""
    return _elements(*_cell(d, u, gates=1))


@implements("cost.simple_rnn_parameters_two_biases", framework="numpy")
def simple_rnn_parameters_two_biases(*, d: int, u: int) -> int:
    """A bias on either side."""
    return _elements(*_cell(d, u, gates=1, biases=2))


@implements("cost.gru_parameters", framework="numpy")
def gru_parameters(*, d: int, u: int) -> int:
    """r, z and the candidate."""
    return _elements(*_cell(d, u, gates=3))


@implements("cost.gru_parameters_reset_after", framework="numpy")
def gru_parameters_reset_after(*, d: int, u: int) -> int:
    """And the candidate's bias on the state's side."""
    return _elements(*_cell(d, u, gates=3), (u,))


@implements("cost.gru_parameters_two_biases", framework="numpy")
def gru_parameters_two_biases(*, d: int, u: int) -> int:
    """A bias on either side."""
    return _elements(*_cell(d, u, gates=3, biases=2))


@implements("cost.lstm_parameters", framework="numpy")
def lstm_parameters(*, d: int, u: int) -> int:
    """i, f, g and o."""
    return _elements(*_cell(d, u, gates=4))


@implements("cost.lstm_parameters_two_biases", framework="numpy")
def lstm_parameters_two_biases(*, d: int, u: int) -> int:
    """A bias on either side."""
    return _elements(*_cell(d, u, gates=4, biases=2))


@implements("cost.stacked_lstm_parameters", framework="numpy")
def stacked_lstm_parameters(*, d: int, u: int, layers: int) -> int:
    """Layer by layer, bottom first."""
    widths = [d, *[u] * (layers - 1)]
    return sum(_elements(*_cell(width, u, gates=4)) for width in widths)


@implements("cost.text_classifier_parameters", framework="numpy")
def text_classifier_parameters(*, v: int, d: int, u: int) -> int:
    """P, then the LSTM, then w and b."""
    return _elements((v, d)) + text_classifier_parameters_frozen(v=v, d=d, u=u)


@implements("cost.text_classifier_parameters_frozen", framework="numpy")
def text_classifier_parameters_frozen(*, v: int, d: int, u: int) -> int:
    """The LSTM, then w and b; however many words there are."""
    return _elements(*_cell(d, u, gates=4), (u,), ())


@implements("cost.bidirectional_gru_parameters", framework="numpy")
def bidirectional_gru_parameters(*, d: int, u: int) -> int:
    """Forward, then backward."""
    return _elements(*_cell(d, u, gates=3), *_cell(d, u, gates=3))


@implements("cost.bidirectional_lstm_parameters", framework="numpy")
def bidirectional_lstm_parameters(*, d: int, u: int) -> int:
    """Forward, then backward."""
    return _elements(*_cell(d, u, gates=4), *_cell(d, u, gates=4))


@implements("cost.multihead_parameters", framework="numpy")
def multihead_parameters(*, c: int, d: int, heads: int) -> int:
    """Four matrices."""
    return _elements(*_heads(c, d, heads))


@implements("cost.multihead_parameters_biased", framework="numpy")
def multihead_parameters_biased(*, c: int, d: int, heads: int) -> int:
    """Four matrices and four biases."""
    return _elements(*_heads(c, d, heads), *_biases(c, d, heads))


@implements("cost.feed_forward_parameters", framework="numpy")
def feed_forward_parameters(*, c: int, f: int) -> int:
    """W_1, b_1, W_2 and b_2."""
    return _elements(*_network(c, f))


@implements("cost.encoder_layer_parameters", framework="numpy")
def encoder_layer_parameters(*, c: int, d: int, f: int, heads: int) -> int:
    """In the order of the layer."""
    return _elements(*_heads(c, d, heads), *_network(c, f), *_norms(c, 2))


@implements("cost.encoder_layer_parameters_biased", framework="numpy")
def encoder_layer_parameters_biased(*, c: int, d: int, f: int, heads: int) -> int:
    """In the order of the layer."""
    return _elements(*_heads(c, d, heads), *_biases(c, d, heads), *_network(c, f), *_norms(c, 2))


@implements("cost.decoder_layer_parameters", framework="numpy")
def decoder_layer_parameters(*, c: int, d: int, f: int, heads: int) -> int:
    """Attention to itself, attention to the encoder, network, norms."""
    return _elements(*_heads(c, d, heads), *_heads(c, d, heads), *_network(c, f), *_norms(c, 3))


@implements("cost.decoder_layer_parameters_biased", framework="numpy")
def decoder_layer_parameters_biased(*, c: int, d: int, f: int, heads: int) -> int:
    """Attention to itself, attention to the encoder, network, norms."""
    attention = _elements(*_heads(c, d, heads), *_biases(c, d, heads))
    return 2 * attention + _elements(*_network(c, f), *_norms(c, 3))


def _product(rows: int, inner: int, columns: int) -> int:
    """Of two matrices: a multiplication and an addition for each term of each element."""
    return 2 * rows * inner * columns


@implements("cost.simple_rnn_operations", framework="numpy")
def simple_rnn_operations(*, t: int, d: int, u: int) -> int:
    """All inputs are one product, the states one a step."""
    return _product(t, d, u) + t * _product(1, u, u)


@implements("cost.gru_operations", framework="numpy")
def gru_operations(*, t: int, d: int, u: int) -> int:
    """The gates side by side; the candidate's state by itself, as the reset gate acts before it."""
    return _product(t, d, 3 * u) + t * (_product(1, u, 2 * u) + _product(1, u, u))


@implements("cost.lstm_operations", framework="numpy")
def lstm_operations(*, t: int, d: int, u: int) -> int:
    """All inputs are one product, the states one a step."""
    return _product(t, d, 4 * u) + t * _product(1, u, 4 * u)


@implements("cost.attention_operations", framework="numpy")
def attention_operations(*, n: int, m: int, d: int, e: int) -> int:
    """q kᵀ, then alpha v."""
    return _product(n, d, m) + _product(n, m, e)


@implements("cost.self_attention_operations", framework="numpy")
def self_attention_operations(*, t: int, c: int, d: int, e: int) -> int:
    """One product for queries, keys and values side by side."""
    return _product(t, c, d + d + e) + attention_operations(n=t, m=t, d=d, e=e)


@implements("cost.multihead_operations", framework="numpy")
def multihead_operations(*, n: int, m: int, c: int, d: int, heads: int) -> int:
    """Into the heads, head by head, out of them."""
    into = _product(n, c, heads * d) + _product(m, c, 2 * heads * d)
    out = _product(n, heads * d, c)
    return into + heads * attention_operations(n=n, m=m, d=d, e=d) + out


@implements("cost.feed_forward_operations", framework="numpy")
def feed_forward_operations(*, t: int, c: int, f: int) -> int:
    """In, then out."""
    return _product(t, c, f) + _product(t, f, c)


@implements("cost.encoder_layer_operations", framework="numpy")
def encoder_layer_operations(*, t: int, c: int, d: int, f: int, heads: int) -> int:
    """Attention, then the network."""
    return multihead_operations(n=t, m=t, c=c, d=d, heads=heads) + feed_forward_operations(t=t, c=c, f=f)


@implements("cost.attention_weights", framework="numpy")
def attention_weights(*, n: int, m: int) -> int:
    """alpha."""
    return _elements((n, m))


@implements("cost.multihead_weights", framework="numpy")
def multihead_weights(*, n: int, m: int, heads: int) -> int:
    """alpha, head by head."""
    return _elements((heads, n, m))


@implements("cost.attention_memory", framework="numpy")
def attention_memory(*, n: int, m: int) -> int:
    """The scores, whose place the weights take."""
    return _elements((n, m))


@implements("cost.attention_memory_blocked", framework="numpy")
def attention_memory_blocked(*, n: int, block: int) -> int:
    """The scores of a block, the largest so far, the sum so far."""
    return _elements((n, block), (n,), (n,))


@implements("cost.recurrent_steps", framework="numpy")
def recurrent_steps(*, t: int) -> int:
    """As often as the loop runs."""
    return len(range(t))


@implements("cost.attention_steps", framework="numpy")
def attention_steps(*, t: int) -> int:
    """There is no loop."""
    return 1
