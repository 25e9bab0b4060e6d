"""The recurrent modules of PyTorch: a row of gates in each matrix, from the left, and two biases."""

from collections.abc import Mapping, Sequence

from attnspec.equations import recurrent
from attnspec.language.layouts import layout

CELL = "torch.nn.modules.rnn"

NAMES: Mapping[str, Sequence[str]] = {
    "weight_ih": ("w_ih", "W_ih", "weight_ih_l0"),
    "weight_hh": ("w_hh", "W_hh", "weight_hh_l0"),
    "bias_ih": ("b_ih", "bias_ih_l0"),
    "bias_hh": ("b_hh", "bias_hh_l0"),
    "hx": ("h", "state"),
}
SIZES = {"input_size": "d", "hidden_size": "u"}
SEQUENCE = {**SIZES, "batch_first": "true"}


def rows(place: int) -> str:
    """The rows of the gate at a place, such as "u:2*u"."""
    return f"{place}*u:{place + 1}*u".replace("0*u", "0").replace("1*u", "u")


def gates(letters: str) -> dict[str, str]:
    """Where the weights of gates are, in the order of the module."""
    places: dict[str, str] = {}
    for place, letter in enumerate(letters):
        gate = rows(place)
        places |= {
            f"W_x{letter}": f"weight_ih[{gate}].T",
            f"W_h{letter}": f"weight_hh[{gate}].T",
            f"b_{letter}": f"bias_ih[{gate}] + bias_hh[{gate}]",
        }
    return places


RNN, LSTM = gates("h"), gates("ifgo")
GRU = {**gates("rzh"), "b_h": "bias_ih[2*u:3*u] + 0*bias_hh[2*u:3*u]"}
RESET_AFTER = {**GRU, "b_h": "bias_ih[2*u:3*u]", "b_hh": "bias_hh[2*u:3*u]"}

layout(recurrent.simple_rnn_cell, f"{CELL}.RNNCell", RNN, names=NAMES, settings=SIZES, by_name=True)
layout(recurrent.gru_cell, f"{CELL}.GRUCell", GRU, names=NAMES, settings=SIZES, by_name=True)
layout(recurrent.gru_cell_update_writes, f"{CELL}.GRUCell", GRU, names=NAMES, settings=SIZES, by_name=True)
layout(recurrent.gru_cell_reset_after, f"{CELL}.GRUCell", RESET_AFTER, names=NAMES, settings=SIZES, by_name=True)
layout(
    recurrent.lstm_cell,
    f"{CELL}.LSTMCell",
    {**LSTM, "h": "hx.0", "c": "hx.1"},
    names=NAMES,
    settings=SIZES,
    by_name=True,
)
layout(recurrent.lstm_cell, "", LSTM, names=NAMES, settings=SIZES, by_name=True)

STATE = {"h_0": "hx[0]"}
layout(recurrent.simple_rnn, f"{CELL}.RNN", {**RNN, **STATE}, names=NAMES, settings=SEQUENCE, returns="0")
layout(recurrent.gru_reset_after, f"{CELL}.GRU", {**RESET_AFTER, **STATE}, names=NAMES, settings=SEQUENCE, returns="0")
layout(recurrent.gru, f"{CELL}.GRU", {**GRU, **STATE}, names=NAMES, settings=SEQUENCE, returns="0")
layout(
    recurrent.lstm,
    f"{CELL}.LSTM",
    {**LSTM, "h_0": "hx.0[0]", "c_0": "hx.1[0]"},
    names=NAMES,
    settings=SEQUENCE,
    returns="0,1.1.0",
)


def onnx_gates(letters: str) -> dict[str, str]:
    """Where the weights of gates are in W, R and B of ONNX's operators, without the axis of the directions."""
    places: dict[str, str] = {}
    for place, letter in enumerate(letters):
        gate, of_state = rows(place), rows(len(letters) + place)
        places |= {
            f"W_x{letter}": f"W[{gate}].T",
            f"W_h{letter}": f"R[{gate}].T",
            f"b_{letter}": f"B[{gate}] + B[{of_state}]",
        }
    return places


ONNX_GRU = onnx_gates("zrh")
ONNX_RESET_AFTER = {**ONNX_GRU, "b_h": "B[2*u:3*u]", "b_hh": "B[5*u:6*u]"}

for simple in (recurrent.simple_rnn_cell, recurrent.simple_rnn):
    layout(simple, "onnx.RNN", onnx_gates("h"))
for gru in (recurrent.gru_cell, recurrent.gru, recurrent.gru_cell_update_writes, recurrent.gru_update_writes):
    layout(gru, "onnx.GRU", ONNX_GRU)
for reset_after in (recurrent.gru_cell_reset_after, recurrent.gru_reset_after):
    layout(reset_after, "onnx.GRU", ONNX_RESET_AFTER)
for lstm in (recurrent.lstm_cell, recurrent.lstm):
    layout(lstm, "onnx.LSTM", onnx_gates("iofg"))
