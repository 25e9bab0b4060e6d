"""How many parameters the layers of PyTorch, Keras and Flax have, and how many operations PyTorch counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attnspec import implements


def _of_torch(name: str, *sizes: int, **options: Any) -> int:
    """The parameters of a module of torch.nn."""
    from torch import nn

    module = getattr(nn, name)(*sizes, **options, device="meta")
    return sum(parameter.numel() for parameter in module.parameters())


def _of_keras(shape: tuple[int, ...], *layers: tuple[str, dict[str, Any]]) -> int:
    """The parameters of layers of keras.layers on top of each other, those that are trained."""
    from attnspec_peers import _keras

    make = {"GRU": _keras.recurrent, "LSTM": _keras.recurrent, "SimpleRNN": _keras.recurrent}
    kinds = [make.get(name, _keras.kind)(name, **options) for name, options in layers]
    return _keras.count(kinds, (1, *shape))


def _operations(run: Callable[[], object]) -> int:
    """What torch.utils.flop_counter.FlopCounterMode counts."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


@implements("cost.embedding_parameters", framework="torch")
def torch_embedding_parameters(*, v: int, d: int) -> int:
    """torch.nn.Embedding."""
    return _of_torch("Embedding", v, d)


@implements("cost.linear_parameters", framework="torch")
def torch_linear_parameters(*, d: int, o: int) -> int:
    """torch.nn.Linear."""
    return _of_torch("Linear", d, o)


@implements("cost.simple_rnn_parameters_two_biases", framework="torch")
def torch_rnn_parameters(*, d: int, u: int) -> int:
    """torch.nn.RNN."""
    return _of_torch("RNN", d, u)


@implements("cost.gru_parameters_two_biases", framework="torch")
def torch_gru_parameters(*, d: int, u: int) -> int:
    """torch.nn.GRU."""
    return _of_torch("GRU", d, u)


@implements("cost.lstm_parameters_two_biases", framework="torch")
def torch_lstm_parameters(*, d: int, u: int) -> int:
    """torch.nn.LSTM."""
    return _of_torch("LSTM", d, u)


@implements("cost.feed_forward_parameters", framework="torch")
def torch_feed_forward_parameters(*, c: int, f: int) -> int:
    """torch.nn.Linear, twice."""
    return _of_torch("Linear", c, f) + _of_torch("Linear", f, c)


@implements("cost.logistic_regression_parameters", framework="torch")
def keras_logistic_regression_parameters(*, t: int, d: int) -> int:
    """keras.layers.Flatten, and Dense with one unit."""
    return _of_keras((t, d), ("Flatten", {}), ("Dense", {"units": 1}))


@implements("cost.simple_rnn_parameters", framework="torch")
def keras_rnn_parameters(*, d: int, u: int) -> int:
    """keras.layers.SimpleRNN."""
    return _of_keras((1, d), ("SimpleRNN", {"units": u}))


@implements("cost.gru_parameters", framework="torch")
def keras_gru_parameters(*, d: int, u: int) -> int:
    """keras.layers.GRU with reset_after=False."""
    return _of_keras((1, d), ("GRU", {"units": u, "reset_after": False}))


@implements("cost.gru_parameters_two_biases", framework="torch")
def keras_gru_parameters_two_biases(*, d: int, u: int) -> int:
    """keras.layers.GRU."""
    return _of_keras((1, d), ("GRU", {"units": u}))


@implements("cost.lstm_parameters", framework="torch")
def keras_lstm_parameters(*, d: int, u: int) -> int:
    """keras.layers.LSTM."""
    return _of_keras((1, d), ("LSTM", {"units": u}))


@implements("cost.stacked_lstm_parameters", framework="torch")
def keras_stacked_lstm_parameters(*, d: int, u: int, layers: int) -> int:
    """keras.layers.LSTM with return_sequences=True, several times."""
    return _of_keras((1, d), *[("LSTM", {"units": u, "return_sequences": True})] * layers)


def _classifier(v: int, d: int, u: int, trainable: bool) -> int:
    embedding = ("Embedding", {"input_dim": v, "output_dim": d, "trainable": trainable})
    return _of_keras((1,), embedding, ("LSTM", {"units": u}), ("Dense", {"units": 1}))


@implements("cost.text_classifier_parameters", framework="torch")
def keras_text_classifier_parameters(*, v: int, d: int, u: int) -> int:
    """keras.layers.Embedding, LSTM, and Dense with one unit."""
    return _classifier(v, d, u, True)


@implements("cost.text_classifier_parameters_frozen", framework="torch")
def keras_text_classifier_parameters_frozen(*, v: int, d: int, u: int) -> int:
    """keras.layers.Embedding with trainable=False, LSTM, and Dense with one unit: the trainable weights."""
    return _classifier(v, d, u, False)


def _bidirectional(name: str, d: int, u: int, **options: Any) -> int:
    from attnspec_peers import _keras

    kind = _keras.kind("Bidirectional", _keras.recurrent(name, units=u, **options))
    return _keras.count([kind], (1, 1, d))


@implements("cost.bidirectional_gru_parameters", framework="torch")
def keras_bidirectional_gru_parameters(*, d: int, u: int) -> int:
    """keras.layers.Bidirectional of GRU with reset_after=False."""
    return _bidirectional("GRU", d, u, reset_after=False)


@implements("cost.bidirectional_lstm_parameters", framework="torch")
def keras_bidirectional_lstm_parameters(*, d: int, u: int) -> int:
    """keras.layers.Bidirectional of LSTM."""
    return _bidirectional("LSTM", d, u)


@implements("cost.multihead_parameters", framework="torch")
def keras_multihead_parameters(*, c: int, d: int, heads: int) -> int:
    """keras.layers.MultiHeadAttention with use_bias=False."""
    from attnspec_peers import _keras

    kind = _keras.kind("MultiHeadAttention", num_heads=heads, key_dim=d, use_bias=False)
    return _keras.count_of_two(kind, (1, 1, c))


@implements("cost.multihead_parameters_biased", framework="torch")
def keras_multihead_parameters_biased(*, c: int, d: int, heads: int) -> int:
    """keras.layers.MultiHeadAttention."""
    from attnspec_peers import _keras

    return _keras.count_of_two(_keras.kind("MultiHeadAttention", num_heads=heads, key_dim=d), (1, 1, c))


@implements("cost.gru_parameters_reset_after", framework="jax")
def flax_gru_parameters(*, d: int, u: int) -> int:
    """flax.linen.GRUCell."""
    from attnspec_peers import _flax

    return _flax.count("GRUCell", d, u)


@implements("cost.lstm_parameters", framework="jax")
def flax_lstm_parameters(*, d: int, u: int) -> int:
    """flax.linen.LSTMCell."""
    from attnspec_peers import _flax

    return _flax.count("LSTMCell", d, u)


@implements("cost.simple_rnn_parameters", framework="jax")
def flax_rnn_parameters(*, d: int, u: int) -> int:
    """flax.linen.SimpleCell."""
    from attnspec_peers import _flax

    return _flax.count("SimpleCell", d, u)


@implements("cost.simple_rnn_operations", framework="torch", smallest={"t": 1, "d": 1, "u": 1})
def torch_rnn_operations(*, t: int, d: int, u: int) -> int:
    """torch.nn.RNN. The others take too long for it, at 4097 steps."""
    import torch
    from torch import nn

    network = nn.RNN(d, u, bias=False, device="meta")
    return _operations(lambda: network(torch.zeros(t, 1, d, device="meta")))


@implements("cost.attention_operations", framework="torch")
def torch_attention_operations(*, n: int, m: int, d: int, e: int) -> int:
    """torch.nn.functional.scaled_dot_product_attention."""
    import torch
    from torch.nn import functional

    q, k, v = (torch.zeros(1, 1, *shape, device="meta") for shape in ((n, d), (m, d), (m, e)))
    return _operations(lambda: functional.scaled_dot_product_attention(q, k, v))


@implements("cost.feed_forward_operations", framework="torch")
def torch_feed_forward_operations(*, t: int, c: int, f: int) -> int:
    """torch.nn.Linear, twice."""
    import torch
    from torch import nn

    network = nn.Sequential(nn.Linear(c, f, device="meta"), nn.ReLU(), nn.Linear(f, c, device="meta"))
    return _operations(lambda: network(torch.zeros(t, c, device="meta")))
