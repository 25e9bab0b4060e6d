"""What PyTorch's own modules hold, and what its counter counts, on the meta device: shapes without memory."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from attnspec import implements


def _held(*modules: nn.Module, without: str = "nothing") -> int:
    """The elements of all parameters, but of those named so."""
    named = (each for module in modules for each in module.named_parameters())
    return sum(parameter.numel() for name, parameter in named if without not in name)


def _linear(d: int, o: int, *, bias: bool = True) -> nn.Linear:
    return nn.Linear(d, o, bias=bias, device="meta")


def _heads(c: int, d: int, heads: int, *, bias: bool) -> nn.ModuleList:
    """As nn.MultiheadAttention has them, which knows only c = heads · d: queries, keys, values, output."""
    into = [_linear(c, heads * d, bias=bias) for _ in range(3)]
    return nn.ModuleList([*into, _linear(heads * d, c, bias=bias)])


def _network(c: int, f: int) -> nn.Sequential:
    return nn.Sequential(_linear(c, f), nn.ReLU(), _linear(f, c))


def _norms(c: int, count: int) -> nn.ModuleList:
    return nn.ModuleList([nn.LayerNorm(c, device="meta") for _ in range(count)])


@implements("cost.embedding_parameters", framework="torch")
def embedding_parameters(*, v: int, d: int) -> int:
    """nn.Embedding."""
    return _held(nn.Embedding(v, d, device="meta"))


@implements("cost.linear_parameters", framework="torch")
def linear_parameters(*, d: int, o: int) -> int:
    """nn.Linear."""
    return _held(_linear(d, o))


@implements("cost.logistic_regression_parameters", framework="torch")
def logistic_regression_parameters(*, t: int, d: int) -> int:
    """nn.Linear, on what is flattened."""
    return _held(nn.Sequential(nn.Flatten(), _linear(t * d, 1), nn.Sigmoid()))


@implements("cost.simple_rnn_parameters", framework="torch")
def simple_rnn_parameters(*, d: int, u: int) -> int:
    """nn.RNN, but for the bias on the state's side."""
    return _held(nn.RNN(d, u, device="meta"), without="bias_hh")


@implements("cost.simple_rnn_parameters_two_biases", framework="torch")
def simple_rnn_parameters_two_biases(*, d: int, u: int) -> int:
    """nn.RNN."""
    return _held(nn.RNN(d, u, device="meta"))


@implements("cost.gru_parameters", framework="torch")
def gru_parameters(*, d: int, u: int) -> int:
    """nn.GRU, but for the bias on the state's side."""
    return _held(nn.GRU(d, u, device="meta"), without="bias_hh")


@implements("cost.gru_parameters_reset_after", framework="torch")
def gru_parameters_reset_after(*, d: int, u: int) -> int:
    """nn.GRU, but of the bias on the state's side only the candidate's."""
    module = nn.GRU(d, u, device="meta")
    return _held(module, without="bias_hh") + module.get_parameter("bias_hh_l0").numel() // 3


@implements("cost.gru_parameters_two_biases", framework="torch")
def gru_parameters_two_biases(*, d: int, u: int) -> int:
    """nn.GRU."""
    return _held(nn.GRU(d, u, device="meta"))


@implements("cost.lstm_parameters", framework="torch")
def lstm_parameters(*, d: int, u: int) -> int:
    """nn.LSTM, but for the bias on the state's side."""
    return _held(nn.LSTM(d, u, device="meta"), without="bias_hh")


@implements("cost.lstm_parameters_two_biases", framework="torch")
def lstm_parameters_two_biases(*, d: int, u: int) -> int:
    """nn.LSTM."""
    return _held(nn.LSTM(d, u, device="meta"))


@implements("cost.stacked_lstm_parameters", framework="torch")
def stacked_lstm_parameters(*, d: int, u: int, layers: int) -> int:
    """nn.LSTM of several layers, but for the biases on the state's side."""
    return _held(nn.LSTM(d, u, num_layers=layers, device="meta"), without="bias_hh")


@implements("cost.text_classifier_parameters", framework="torch")
def text_classifier_parameters(*, v: int, d: int, u: int) -> int:
    """nn.Embedding, nn.LSTM and nn.Linear, but for the biases on the state's side."""
    return _held(_text_classifier(v, d, u), without="bias_hh")


@implements("cost.text_classifier_parameters_frozen", framework="torch")
def text_classifier_parameters_frozen(*, v: int, d: int, u: int) -> int:
    """The same, of which the embedding's do not require a gradient."""
    model = _text_classifier(v, d, u)
    model[0].requires_grad_(False)
    trained = (each for name, each in model.named_parameters() if "bias_hh" not in name and each.requires_grad)
    return sum(each.numel() for each in trained)


def _text_classifier(v: int, d: int, u: int) -> nn.ModuleList:
    return nn.ModuleList([nn.Embedding(v, d, device="meta"), nn.LSTM(d, u, device="meta"), _linear(u, 1)])


@implements("cost.bidirectional_gru_parameters", framework="torch")
def bidirectional_gru_parameters(*, d: int, u: int) -> int:
    """nn.GRU in both directions, but for the biases on the state's side."""
    return _held(nn.GRU(d, u, bidirectional=True, device="meta"), without="bias_hh")


@implements("cost.bidirectional_lstm_parameters", framework="torch")
def bidirectional_lstm_parameters(*, d: int, u: int) -> int:
    """nn.LSTM in both directions, but for the biases on the state's side."""
    return _held(nn.LSTM(d, u, bidirectional=True, device="meta"), without="bias_hh")


@implements("cost.multihead_parameters", framework="torch")
def multihead_parameters(*, c: int, d: int, heads: int) -> int:
    """Four nn.Linear."""
    return _held(_heads(c, d, heads, bias=False))


@implements("cost.multihead_parameters_biased", framework="torch")
def multihead_parameters_biased(*, c: int, d: int, heads: int) -> int:
    """Four nn.Linear with their biases."""
    return _held(_heads(c, d, heads, bias=True))


@implements("cost.feed_forward_parameters", framework="torch")
def feed_forward_parameters(*, c: int, f: int) -> int:
    """Two nn.Linear."""
    return _held(_network(c, f))


@implements("cost.encoder_layer_parameters", framework="torch")
def encoder_layer_parameters(*, c: int, d: int, f: int, heads: int) -> int:
    """As nn.TransformerEncoderLayer, with no biases in attention and heads of any width."""
    return _held(_heads(c, d, heads, bias=False), _network(c, f), _norms(c, 2))


@implements("cost.encoder_layer_parameters_biased", framework="torch")
def encoder_layer_parameters_biased(*, c: int, d: int, f: int, heads: int) -> int:
    """As nn.TransformerEncoderLayer, with heads of any width."""
    return _held(_heads(c, d, heads, bias=True), _network(c, f), _norms(c, 2))


@implements("cost.decoder_layer_parameters", framework="torch")
def decoder_layer_parameters(*, c: int, d: int, f: int, heads: int) -> int:
    """As nn.TransformerDecoderLayer, with no biases in attention and heads of any width."""
    attentions = [_heads(c, d, heads, bias=False) for _ in range(2)]
    return _held(*attentions, _network(c, f), _norms(c, 3))


@implements("cost.decoder_layer_parameters_biased", framework="torch")
def decoder_layer_parameters_biased(*, c: int, d: int, f: int, heads: int) -> int:
    """As nn.TransformerDecoderLayer, with heads of any width."""
    attentions = [_heads(c, d, heads, bias=True) for _ in range(2)]
    return _held(*attentions, _network(c, f), _norms(c, 3))


def _counted(run: Callable[[], object]) -> int:
    """What PyTorch's counter says of a computation."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


def _shaped(*shape: int) -> Tensor:
    return torch.empty(shape, device="meta")


def _steps(t: int, d: int, u: int, gates: int) -> int:
    """All inputs at once, then a step after the other, with the gates side by side."""
    x, h, W_x, W_h = _shaped(t, d), _shaped(1, u), _shaped(d, gates * u), _shaped(u, gates * u)
    return _counted(lambda: [x @ W_x, *(h @ W_h for _ in range(t))])


@implements("cost.simple_rnn_operations", framework="torch")
def simple_rnn_operations(*, t: int, d: int, u: int) -> int:
    """Counted as it runs."""
    return _steps(t, d, u, gates=1)


@implements("cost.gru_operations", framework="torch")
def gru_operations(*, t: int, d: int, u: int) -> int:
    """Counted as it runs."""
    return _steps(t, d, u, gates=3)


@implements("cost.lstm_operations", framework="torch")
def lstm_operations(*, t: int, d: int, u: int) -> int:
    """Counted as it runs."""
    return _steps(t, d, u, gates=4)


def _attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.mT).softmax(dim=-1) @ v


@implements("cost.attention_operations", framework="torch")
def attention_operations(*, n: int, m: int, d: int, e: int) -> int:
    """Counted as it runs."""
    return _counted(lambda: _attend(_shaped(n, d), _shaped(m, d), _shaped(m, e)))


@implements("cost.self_attention_operations", framework="torch")
def self_attention_operations(*, t: int, c: int, d: int, e: int) -> int:
    """Counted as it runs."""
    x, W_q, W_k, W_v = _shaped(t, c), _shaped(c, d), _shaped(c, d), _shaped(c, e)
    return _counted(lambda: _attend(x @ W_q, x @ W_k, x @ W_v))


@implements("cost.multihead_operations", framework="torch")
def multihead_operations(*, n: int, m: int, c: int, d: int, heads: int) -> int:
    """Counted as it runs."""
    return _counted(lambda: _attend_in_heads(_shaped(n, c), _shaped(m, c), d, heads))


def _attend_in_heads(x_q: Tensor, x_kv: Tensor, d: int, heads: int) -> Tensor:
    c = x_q.shape[-1]
    W_q, W_k, W_v, W_o = _heads(c, d, heads, bias=False)
    parts = (W(x).unflatten(-1, (heads, d)).transpose(0, 1) for W, x in ((W_q, x_q), (W_k, x_kv), (W_v, x_kv)))
    out: Tensor = W_o(_attend(*parts).transpose(0, 1).flatten(1))
    return out


@implements("cost.feed_forward_operations", framework="torch")
def feed_forward_operations(*, t: int, c: int, f: int) -> int:
    """Counted as it runs."""
    return _counted(lambda: _network(c, f)(_shaped(t, c)))


@implements("cost.encoder_layer_operations", framework="torch")
def encoder_layer_operations(*, t: int, c: int, d: int, f: int, heads: int) -> int:
    """Counted as it runs."""
    x = _shaped(t, c)
    return _counted(lambda: _network(c, f)(_attend_in_heads(x, x, d, heads)))


@implements("cost.attention_weights", framework="torch")
def attention_weights(*, n: int, m: int) -> int:
    """Of queries and keys of any width."""
    return (_shaped(n, 1) @ _shaped(m, 1).mT).numel()


@implements("cost.multihead_weights", framework="torch")
def multihead_weights(*, n: int, m: int, heads: int) -> int:
    """The same in each head."""
    return (_shaped(heads, n, 1) @ _shaped(heads, m, 1).mT).numel()


@implements("cost.attention_memory", framework="torch")
def attention_memory(*, n: int, m: int) -> int:
    """The scores, made into weights where they stand."""
    e = _shaped(n, 1) @ _shaped(m, 1).mT
    return e.sub_(e.amax(dim=-1, keepdim=True)).exp_().numel()


@implements("cost.attention_memory_blocked", framework="torch")
def attention_memory_blocked(*, n: int, block: int) -> int:
    """The scores of a block, the largest so far and the sum so far."""
    e = _shaped(n, 1) @ _shaped(block, 1).mT
    top, total = e.amax(dim=-1), e.sum(dim=-1)
    return e.numel() + top.numel() + total.numel()


@implements("cost.recurrent_steps", framework="torch")
def recurrent_steps(*, t: int) -> int:
    """As many as there are inputs, one after the other."""
    return sum(1 for _ in _shaped(t, 1))


@implements("cost.attention_steps", framework="torch")
def attention_steps(*, t: int) -> int:
    """All outputs are one product of all inputs."""
    return len([_attend(x, x, x) for x in [_shaped(t, 1)]])
