"""Recurrent cells and their sequences, the simple RNN, the GRU and its conventions, the LSTM; what is read of them."""

from jaxtyping import Float, Int

from attnspec import Source, equation
from attnspec.notation import Layers, Tensor, concat, index, last, scan, sigmoid, size, tanh, through, where

RNN = Source("001", "RNN 结构", paper="Elman 1990, Cognitive Science 14(2)")
RNN_CONCAT = Source("003", "RNN")
GRU = Source("001", "GRU 和 LSTM", paper="Cho et al. 2014, arXiv:1406.1078v3, sec. 2.3")
GRU_V1 = Source(paper="Cho et al. 2014, arXiv:1406.1078v1, sec. 2.3; PyTorch nn.GRU")
GRU_BAHDANAU = Source(paper="Bahdanau et al. 2015, arXiv:1409.0473v7, app. A.1.1")
LSTM = Source("001", "GRU 和 LSTM", paper="Gers, Schmidhuber and Cummins 2000, Neural Computation 12(10)")
PADDED = ("001", "为什么要发明循环神经网络")
LENGTHS = Source(*PADDED, paper="PyTorch, pack_padded_sequence and pad_packed_sequence")
LENGTHS_GRU = Source(*PADDED, paper="ONNX, operator GRU with sequence_lens and linear_before_reset=0")
KERAS = "with a mask and return_sequences=True; keras/src/backend/tensorflow/rnn.py"
KERAS_RNN = Source(paper=f"Keras, SimpleRNN {KERAS}")
KERAS_GRU = Source(paper=f"Keras, GRU with reset_after=False, {KERAS}")
KERAS_GRU_V1 = Source(paper=f"Keras, GRU {KERAS}, rnn")
KERAS_LSTM = Source(paper=f"Keras, LSTM {KERAS}, rnn")
READOUT = Source("001", "RNN 结构")
SHAPES = Source("001", "为什么要发明循环神经网络")
LABELS = Source("004", "第一种任务")
CLASSIFIER = Source("003", "参数量的计算｜结果的计算")
LAST_OUTPUT = Source("001", "RNN 代码")
STACKED = Source("003", "多层RNN (Stacked RNN)")
BIDIRECTIONAL = Source("003", "双向 RNN (Bidirectional RNN)", paper="Schuster and Paliwal 1997, IEEE TSP 45(11)")
BIDIRECTIONAL_V1 = Source(paper="PyTorch, nn.GRU with bidirectional=True")
BIDIRECTIONAL_BAHDANAU = Source(paper="Bahdanau et al. 2015, arXiv:1409.0473v7, app. A.2.1")
STACKED_V1 = Source(paper="PyTorch, nn.GRU with num_layers=2 or more")
STACKED_BIDIRECTIONAL_V1 = Source(paper="PyTorch, nn.GRU with num_layers=2 or more and bidirectional=True")
COMBINED = Source("003", "预训练")

RESET_AFTER = "the reset gate acts after the recurrent matrix, and on its bias"
UPDATE_WRITES = "z writes the candidate instead of keeping the old state"


@equation(RNN)
def simple_rnn_cell(
    x: Float[Tensor, " d"], h: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> Float[Tensor, " u"]:
    """One step of a simple recurrent network."""
    return tanh(x @ W_xh + h @ W_hh + b_h)


@equation(RNN_CONCAT, convention_of=simple_rnn_cell, says="one matrix A for the state and the input end to end")
def simple_rnn_cell_concat(
    x: Float[Tensor, " d"], h: Float[Tensor, " u"], A: Float[Tensor, "u+d u"], b: Float[Tensor, " u"],
) -> Float[Tensor, " u"]:
    """The simple RNN with one matrix; equal to simple_rnn_cell when A stacks W_hh on W_xh."""
    return tanh(concat(h, x) @ A + b)


@equation(GRU)
def gru_cell(
    x: Float[Tensor, " d"], h: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> Float[Tensor, " u"]:
    """One step of a gated recurrent unit; z keeps the old state, r acts before the matrix.

    Differs: PyTorch, cuDNN and, by default, Keras let r act after it, `gru_cell_reset_after`;
    Bahdanau et al. let z write instead of keep, `gru_cell_update_writes`.
    """
    r = sigmoid(x @ W_xr + h @ W_hr + b_r)  # reset gate
    z = sigmoid(x @ W_xz + h @ W_hz + b_z)  # update gate
    h_tilde = tanh(x @ W_xh + (r * h) @ W_hh + b_h)  # candidate state
    return z * h + (1 - z) * h_tilde


@equation(GRU_V1, convention_of=gru_cell, says=RESET_AFTER)
def gru_cell_reset_after(
    x: Float[Tensor, " d"], h: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    b_hh: Float[Tensor, " u"],
) -> Float[Tensor, " u"]:
    """The GRU of PyTorch, cuDNN and Keras' default; equal to gru_cell when W_hh is diagonal and b_hh = 0."""
    r = sigmoid(x @ W_xr + h @ W_hr + b_r)  # reset gate
    z = sigmoid(x @ W_xz + h @ W_hz + b_z)  # update gate
    h_tilde = tanh(x @ W_xh + b_h + r * (h @ W_hh + b_hh))  # candidate state
    return z * h + (1 - z) * h_tilde


@equation(GRU_BAHDANAU, convention_of=gru_cell, says=UPDATE_WRITES)
def gru_cell_update_writes(
    x: Float[Tensor, " d"], h: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> Float[Tensor, " u"]:
    """The GRU of Bahdanau et al.; equal to gru_cell with the weights and the bias of z negated."""
    r = sigmoid(x @ W_xr + h @ W_hr + b_r)  # reset gate
    z = sigmoid(x @ W_xz + h @ W_hz + b_z)  # update gate
    h_tilde = tanh(x @ W_xh + (r * h) @ W_hh + b_h)  # candidate state
    return (1 - z) * h + z * h_tilde


@equation(LSTM)
def lstm_cell(
    x: Float[Tensor, " d"], h: Float[Tensor, " u"], c: Float[Tensor, " u"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " u"]]:
    """One step of a long short-term memory; the cell state is a conveyor that f keeps and i feeds."""
    i = sigmoid(x @ W_xi + h @ W_hi + b_i)  # input gate
    f = sigmoid(x @ W_xf + h @ W_hf + b_f)  # forget gate
    g = tanh(x @ W_xg + h @ W_hg + b_g)  # what may be written
    o = sigmoid(x @ W_xo + h @ W_ho + b_o)  # output gate
    c_next = f * c + i * g  # cell state
    h_next = o * tanh(c_next)  # hidden state
    return h_next, c_next


@equation(RNN)
def simple_rnn(
    x: Float[Tensor, "t d"], h_0: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> Float[Tensor, "t u"]:
    """The simple RNN over a sequence: every hidden state."""
    t = index("t")
    h = scan(t, lambda h: simple_rnn_cell(x[t], h, W_xh, W_hh, b_h), h_0)
    return h.stack(t)


@equation(GRU)
def gru(
    x: Float[Tensor, "t d"], h_0: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> Float[Tensor, "t u"]:
    """The GRU over a sequence: every hidden state."""
    t = index("t")
    h = scan(t, lambda h: gru_cell(x[t], h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h), h_0)
    return h.stack(t)


@equation(GRU_V1, convention_of=gru, says=RESET_AFTER)
def gru_reset_after(
    x: Float[Tensor, "t d"], h_0: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    b_hh: Float[Tensor, " u"],
) -> Float[Tensor, "t u"]:
    """gru_cell_reset_after over a sequence: every hidden state."""
    t = index("t")
    h = scan(t, lambda h: gru_cell_reset_after(x[t], h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh), h_0)
    return h.stack(t)


@equation(GRU_BAHDANAU, convention_of=gru, says=UPDATE_WRITES)
def gru_update_writes(
    x: Float[Tensor, "t d"], h_0: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> Float[Tensor, "t u"]:
    """gru_cell_update_writes over a sequence: every hidden state."""
    t = index("t")
    h = scan(t, lambda h: gru_cell_update_writes(x[t], h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h), h_0)
    return h.stack(t)


@equation(LSTM)
def lstm(
    x: Float[Tensor, "t d"], h_0: Float[Tensor, " u"], c_0: Float[Tensor, " u"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t u"], Float[Tensor, " u"]]:
    """The LSTM over a sequence: every hidden state, and the last cell state."""
    t = index("t")
    h, c = scan(
        t,
        lambda h, c: lstm_cell(
            x[t], h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
        ),
        h_0, c_0,
    )
    return h.stack(t), last(t, c)


@equation(LENGTHS)
def simple_rnn_lengths(
    x: Float[Tensor, "t d"], length: Int[Tensor, ""], h_0: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t u"], Float[Tensor, " u"]]:
    """The simple RNN over a sequence padded from row `length` on: in padding the state rests and the output is 0.

    Every output, and the state after the last row that counts. A length beyond t counts as t. PyTorch refuses a length
    of 0. Differs: Keras repeats the last output, `simple_rnn_lengths_repeats`.
    """
    t = index("t")
    h = scan(t, lambda h: where(t < length, simple_rnn_cell(x[t], h, W_xh, W_hh, b_h), h), h_0)
    y = where(t < length, h, 0)
    return y.stack(t), last(t, h)


@equation(KERAS_RNN, convention_of=simple_rnn_lengths, says="padding repeats the last output instead of giving 0")
def simple_rnn_lengths_repeats(
    x: Float[Tensor, "t d"], length: Int[Tensor, ""], h_0: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t u"], Float[Tensor, " u"]]:
    """simple_rnn_lengths whose padding repeats the output before it, and is 0 where there is none before it.

    Keras does so on every device, since it does not run this layer by cuDNN.
    """
    t = index("t")
    h = scan(t, lambda h: where(t < length, simple_rnn_cell(x[t], h, W_xh, W_hh, b_h), h), h_0)
    y = where(length > 0, h, 0)
    return y.stack(t), last(t, h)


@equation(LENGTHS_GRU)
def gru_lengths(
    x: Float[Tensor, "t d"], length: Int[Tensor, ""], h_0: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t u"], Float[Tensor, " u"]]:
    """The GRU over a sequence padded from row `length` on: in padding the state rests and the output is 0.

    Every output, and the state after the last row that counts. A length beyond t counts as t. Differs: PyTorch's GRU
    resets after the matrix, `gru_lengths_reset_after`; so does Keras' by default, and it repeats the last output,
    `gru_lengths_reset_after_repeats`. With reset_after=False it is `gru_lengths_repeats`.
    """
    t = index("t")
    h = scan(
        t,
        lambda h: where(t < length, gru_cell(x[t], h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h), h),
        h_0,
    )
    y = where(t < length, h, 0)
    return y.stack(t), last(t, h)


@equation(KERAS_GRU, convention_of=gru_lengths, says="padding repeats the last output instead of giving 0")
def gru_lengths_repeats(
    x: Float[Tensor, "t d"], length: Int[Tensor, ""], h_0: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t u"], Float[Tensor, " u"]]:
    """gru_lengths whose padding repeats the output before it, and is 0 where there is none before it.

    Keras does so on every device, since cuDNN has no GRU that resets before the matrix.
    """
    t = index("t")
    h = scan(
        t,
        lambda h: where(t < length, gru_cell(x[t], h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h), h),
        h_0,
    )
    y = where(length > 0, h, 0)
    return y.stack(t), last(t, h)


@equation(LENGTHS, convention_of=gru_lengths, says=RESET_AFTER)
def gru_lengths_reset_after(
    x: Float[Tensor, "t d"], length: Int[Tensor, ""], h_0: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    b_hh: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t u"], Float[Tensor, " u"]]:
    """gru_lengths for the GRU that resets after the matrix: PyTorch's, of a packed sequence.

    PyTorch refuses a length of 0. Keras gives this where it runs cuDNN, `gru_lengths_reset_after_repeats` elsewhere.
    """
    t = index("t")
    h = scan(
        t,
        lambda h: where(
            t < length, gru_cell_reset_after(x[t], h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh), h
        ),
        h_0,
    )
    y = where(t < length, h, 0)
    return y.stack(t), last(t, h)


@equation(KERAS_GRU_V1, convention_of=gru_lengths, says=f"{RESET_AFTER}, and padding repeats the last output")
def gru_lengths_reset_after_repeats(
    x: Float[Tensor, "t d"], length: Int[Tensor, ""], h_0: Float[Tensor, " u"],
    W_xr: Float[Tensor, "d u"], W_hr: Float[Tensor, "u u"], b_r: Float[Tensor, " u"],
    W_xz: Float[Tensor, "d u"], W_hz: Float[Tensor, "u u"], b_z: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    b_hh: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t u"], Float[Tensor, " u"]]:
    """gru_lengths_reset_after whose padding repeats the output before it, and is 0 where there is none before it.

    Keras' default layer, but on a GPU where it runs cuDNN: there the output in padding is 0,
    `gru_lengths_reset_after`.
    """
    t = index("t")
    h = scan(
        t,
        lambda h: where(
            t < length, gru_cell_reset_after(x[t], h, W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h, b_hh), h
        ),
        h_0,
    )
    y = where(length > 0, h, 0)
    return y.stack(t), last(t, h)


@equation(LENGTHS)
def lstm_lengths(
    x: Float[Tensor, "t d"], length: Int[Tensor, ""], h_0: Float[Tensor, " u"], c_0: Float[Tensor, " u"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t u"], Float[Tensor, " u"], Float[Tensor, " u"]]:
    """The LSTM over a sequence padded from row `length` on: in padding both states rest and the output is 0.

    Every output, and hidden and cell state after the last row that counts. A length beyond t counts as t. PyTorch
    refuses a length of 0. Differs: Keras repeats the last output where it does not run cuDNN, `lstm_lengths_repeats`.
    """
    t = index("t")
    T = size("t")
    n = where(length < T, length, T)  # rows that count
    h, c = scan(
        t,
        lambda h, c: lstm_cell(
            x[t], h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
        ),
        h_0, c_0,
    )
    h_last = where(length > 0, h.stack(t)[n - 1], h_0)
    c_last = where(length > 0, c.stack(t)[n - 1], c_0)
    y = where(t < length, h, 0)
    return y.stack(t), h_last, c_last


@equation(KERAS_LSTM, convention_of=lstm_lengths, says="padding repeats the last output instead of giving 0")
def lstm_lengths_repeats(
    x: Float[Tensor, "t d"], length: Int[Tensor, ""], h_0: Float[Tensor, " u"], c_0: Float[Tensor, " u"],
    W_xi: Float[Tensor, "d u"], W_hi: Float[Tensor, "u u"], b_i: Float[Tensor, " u"],
    W_xf: Float[Tensor, "d u"], W_hf: Float[Tensor, "u u"], b_f: Float[Tensor, " u"],
    W_xg: Float[Tensor, "d u"], W_hg: Float[Tensor, "u u"], b_g: Float[Tensor, " u"],
    W_xo: Float[Tensor, "d u"], W_ho: Float[Tensor, "u u"], b_o: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t u"], Float[Tensor, " u"], Float[Tensor, " u"]]:
    """lstm_lengths whose padding repeats the output before it, and is 0 where there is none before it.

    Keras' default layer, but on a GPU where it runs cuDNN: there the output in padding is 0, `lstm_lengths`.
    """
    t = index("t")
    T = size("t")
    n = where(length < T, length, T)  # rows that count
    h, c = scan(
        t,
        lambda h, c: lstm_cell(
            x[t], h, c, W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xg, W_hg, b_g, W_xo, W_ho, b_o
        ),
        h_0, c_0,
    )
    h_last = where(length > 0, h.stack(t)[n - 1], h_0)
    c_last = where(length > 0, c.stack(t)[n - 1], c_0)
    y = where(length > 0, where(t < length, h, h_last), 0)
    return y.stack(t), h_last, c_last


@equation(READOUT)
def readout(
    h: Float[Tensor, " u"], W_hy: Float[Tensor, "u o"], b_y: Float[Tensor, " o"],
) -> Float[Tensor, " o"]:
    """What a network says at one step, from its state."""
    return h @ W_hy + b_y


@equation(READOUT)
def simple_rnn_step(
    x: Float[Tensor, " d"], h: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u o"], b_y: Float[Tensor, " o"],
) -> tuple[Float[Tensor, " u"], Float[Tensor, " o"]]:
    """One step of a simple recurrent network that says something at each: the new state, and what it says."""
    h_next = simple_rnn_cell(x, h, W_xh, W_hh, b_h)
    y = readout(h_next, W_hy, b_y)
    return h_next, y


@equation(SHAPES, LABELS)
def many_to_many(
    x: Float[Tensor, "t d"], h_0: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u o"], b_y: Float[Tensor, " o"],
) -> Float[Tensor, "t o"]:
    """As many outputs as inputs, such as a label for each word: the simple RNN, read out at every step."""
    t = index("t")
    h = scan(t, lambda h: simple_rnn_cell(x[t], h, W_xh, W_hh, b_h), h_0)
    y = readout(h, W_hy, b_y)
    return y.stack(t)


@equation(SHAPES, LAST_OUTPUT)
def many_to_one(
    x: Float[Tensor, "t d"], h_0: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u o"], b_y: Float[Tensor, " o"],
) -> Float[Tensor, " o"]:
    """One output for a whole sequence, such as the mood of a text: the simple RNN, read out after the last step."""
    t = index("t")
    h = scan(t, lambda h: simple_rnn_cell(x[t], h, W_xh, W_hh, b_h), h_0)
    return readout(last(t, h), W_hy, b_y)


@equation(SHAPES)
def one_to_many(
    x: Float[Tensor, " d"], h_0: Float[Tensor, " u"],
    W_xh: Float[Tensor, "d u"], W_hh: Float[Tensor, "u u"], b_h: Float[Tensor, " u"],
    W_hy: Float[Tensor, "u d"], b_y: Float[Tensor, " d"], *, t: int,
) -> Float[Tensor, "t d"]:
    """A sequence from one input: after the first step, what was said at the step before is the input."""
    i = index("t")
    h, y = scan(  # noqa: RUF059  # a scan names each of its states
        i, lambda h, y: simple_rnn_step(y, h, W_xh, W_hh, b_h, W_hy, b_y), h_0, x
    )
    return y.stack(i)


@equation(CLASSIFIER, smallest={"t": 1})
def classifier(h: Float[Tensor, "t u"], w: Float[Tensor, " u"], b: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """How likely a sequence is of the one class of two, from its last state alone."""
    return sigmoid(h[-1] @ w + b)


@equation(BIDIRECTIONAL)
def bidirectional_simple_rnn(
    x: Float[Tensor, "t d"],
    W_xh_f: Float[Tensor, "d u"], W_hh_f: Float[Tensor, "u u"], b_h_f: Float[Tensor, " u"],
    W_xh_b: Float[Tensor, "d u"], W_hh_b: Float[Tensor, "u u"], b_h_b: Float[Tensor, " u"],
) -> Float[Tensor, "t 2*u"]:
    """Two simple RNNs that share nothing, one from either end: what both know at every step, the forward one first."""
    i = index("t")
    t = size("t")
    h_0 = 0 * b_h_f  # both start from 0
    h_f = scan(i, lambda h: simple_rnn_cell(x[i], h, W_xh_f, W_hh_f, b_h_f), h_0)
    g = scan(i, lambda h: simple_rnn_cell(x[t - 1 - i], h, W_xh_b, W_hh_b, b_h_b), h_0)
    h_b = g.stack(i)[t - 1 - i]  # back in the order of the input
    h = concat(h_f, h_b)
    return h.stack(i)


@equation(BIDIRECTIONAL)
def bidirectional_gru(
    x: Float[Tensor, "t d"],
    W_xr_f: Float[Tensor, "d u"], W_hr_f: Float[Tensor, "u u"], b_r_f: Float[Tensor, " u"],
    W_xz_f: Float[Tensor, "d u"], W_hz_f: Float[Tensor, "u u"], b_z_f: Float[Tensor, " u"],
    W_xh_f: Float[Tensor, "d u"], W_hh_f: Float[Tensor, "u u"], b_h_f: Float[Tensor, " u"],
    W_xr_b: Float[Tensor, "d u"], W_hr_b: Float[Tensor, "u u"], b_r_b: Float[Tensor, " u"],
    W_xz_b: Float[Tensor, "d u"], W_hz_b: Float[Tensor, "u u"], b_z_b: Float[Tensor, " u"],
    W_xh_b: Float[Tensor, "d u"], W_hh_b: Float[Tensor, "u u"], b_h_b: Float[Tensor, " u"],
) -> Float[Tensor, "t 2*u"]:
    """Two GRUs that share nothing, one from either end: at every step what both know there, the forward one first.

    Differs: PyTorch's GRU resets after the matrix, `bidirectional_gru_reset_after`; Bahdanau et al. let z write,
    `bidirectional_gru_update_writes`.
    """
    i = index("t")
    t = size("t")
    h_0 = 0 * b_h_f  # both start from 0
    h_f = scan(
        i,
        lambda h: gru_cell(x[i], h, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f),
        h_0,
    )
    g = scan(
        i,
        lambda h: gru_cell(
            x[t - 1 - i], h, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b
        ),
        h_0,
    )
    h_b = g.stack(i)[t - 1 - i]  # back in the order of the input
    h = concat(h_f, h_b)
    return h.stack(i)


@equation(BIDIRECTIONAL_V1, convention_of=bidirectional_gru, says=RESET_AFTER)
def bidirectional_gru_reset_after(
    x: Float[Tensor, "t d"],
    W_xr_f: Float[Tensor, "d u"], W_hr_f: Float[Tensor, "u u"], b_r_f: Float[Tensor, " u"],
    W_xz_f: Float[Tensor, "d u"], W_hz_f: Float[Tensor, "u u"], b_z_f: Float[Tensor, " u"],
    W_xh_f: Float[Tensor, "d u"], W_hh_f: Float[Tensor, "u u"], b_h_f: Float[Tensor, " u"],
    b_hh_f: Float[Tensor, " u"],
    W_xr_b: Float[Tensor, "d u"], W_hr_b: Float[Tensor, "u u"], b_r_b: Float[Tensor, " u"],
    W_xz_b: Float[Tensor, "d u"], W_hz_b: Float[Tensor, "u u"], b_z_b: Float[Tensor, " u"],
    W_xh_b: Float[Tensor, "d u"], W_hh_b: Float[Tensor, "u u"], b_h_b: Float[Tensor, " u"],
    b_hh_b: Float[Tensor, " u"],
) -> Float[Tensor, "t 2*u"]:
    """bidirectional_gru for the GRU that resets after the matrix, such as PyTorch's."""
    i = index("t")
    t = size("t")
    h_0 = 0 * b_h_f  # both start from 0
    h_f = scan(
        i,
        lambda h: gru_cell_reset_after(
            x[i], h, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f, b_hh_f
        ),
        h_0,
    )
    g = scan(
        i,
        lambda h: gru_cell_reset_after(
            x[t - 1 - i], h, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b, b_hh_b
        ),
        h_0,
    )
    h_b = g.stack(i)[t - 1 - i]  # back in the order of the input
    h = concat(h_f, h_b)
    return h.stack(i)


@equation(BIDIRECTIONAL_BAHDANAU, convention_of=bidirectional_gru, says=UPDATE_WRITES)
def bidirectional_gru_update_writes(
    x: Float[Tensor, "t d"],
    W_xr_f: Float[Tensor, "d u"], W_hr_f: Float[Tensor, "u u"], b_r_f: Float[Tensor, " u"],
    W_xz_f: Float[Tensor, "d u"], W_hz_f: Float[Tensor, "u u"], b_z_f: Float[Tensor, " u"],
    W_xh_f: Float[Tensor, "d u"], W_hh_f: Float[Tensor, "u u"], b_h_f: Float[Tensor, " u"],
    W_xr_b: Float[Tensor, "d u"], W_hr_b: Float[Tensor, "u u"], b_r_b: Float[Tensor, " u"],
    W_xz_b: Float[Tensor, "d u"], W_hz_b: Float[Tensor, "u u"], b_z_b: Float[Tensor, " u"],
    W_xh_b: Float[Tensor, "d u"], W_hh_b: Float[Tensor, "u u"], b_h_b: Float[Tensor, " u"],
) -> Float[Tensor, "t 2*u"]:
    """bidirectional_gru for the GRU of Bahdanau et al.: the encoder of their translator."""
    i = index("t")
    t = size("t")
    h_0 = 0 * b_h_f  # both start from 0
    h_f = scan(
        i,
        lambda h: gru_cell_update_writes(
            x[i], h, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f
        ),
        h_0,
    )
    g = scan(
        i,
        lambda h: gru_cell_update_writes(
            x[t - 1 - i], h, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b
        ),
        h_0,
    )
    h_b = g.stack(i)[t - 1 - i]  # back in the order of the input
    h = concat(h_f, h_b)
    return h.stack(i)


@equation(BIDIRECTIONAL)
def bidirectional_lstm(
    x: Float[Tensor, "t d"],
    W_xi_f: Float[Tensor, "d u"], W_hi_f: Float[Tensor, "u u"], b_i_f: Float[Tensor, " u"],
    W_xf_f: Float[Tensor, "d u"], W_hf_f: Float[Tensor, "u u"], b_f_f: Float[Tensor, " u"],
    W_xg_f: Float[Tensor, "d u"], W_hg_f: Float[Tensor, "u u"], b_g_f: Float[Tensor, " u"],
    W_xo_f: Float[Tensor, "d u"], W_ho_f: Float[Tensor, "u u"], b_o_f: Float[Tensor, " u"],
    W_xi_b: Float[Tensor, "d u"], W_hi_b: Float[Tensor, "u u"], b_i_b: Float[Tensor, " u"],
    W_xf_b: Float[Tensor, "d u"], W_hf_b: Float[Tensor, "u u"], b_f_b: Float[Tensor, " u"],
    W_xg_b: Float[Tensor, "d u"], W_hg_b: Float[Tensor, "u u"], b_g_b: Float[Tensor, " u"],
    W_xo_b: Float[Tensor, "d u"], W_ho_b: Float[Tensor, "u u"], b_o_b: Float[Tensor, " u"],
) -> Float[Tensor, "t 2*u"]:
    """Two LSTMs that share nothing, one from either end: at every step what both know there, the forward one first."""
    i = index("t")
    t = size("t")
    zero = 0 * b_i_f  # where all states start
    h_f, c_f = scan(  # noqa: RUF059  # a scan names each of its states
        i,
        lambda h, c: lstm_cell(
            x[i], h, c, W_xi_f, W_hi_f, b_i_f, W_xf_f, W_hf_f, b_f_f,
            W_xg_f, W_hg_f, b_g_f, W_xo_f, W_ho_f, b_o_f,
        ),
        zero, zero,
    )
    g, c_b = scan(  # noqa: RUF059  # likewise
        i,
        lambda h, c: lstm_cell(
            x[t - 1 - i], h, c, W_xi_b, W_hi_b, b_i_b, W_xf_b, W_hf_b, b_f_b,
            W_xg_b, W_hg_b, b_g_b, W_xo_b, W_ho_b, b_o_b,
        ),
        zero, zero,
    )
    h_b = g.stack(i)[t - 1 - i]  # back in the order of the input
    h = concat(h_f, h_b)
    return h.stack(i)


@equation(LENGTHS, BIDIRECTIONAL)
def bidirectional_simple_rnn_lengths(
    x: Float[Tensor, "t d"], length: Int[Tensor, ""],
    W_xh_f: Float[Tensor, "d u"], W_hh_f: Float[Tensor, "u u"], b_h_f: Float[Tensor, " u"],
    W_xh_b: Float[Tensor, "d u"], W_hh_b: Float[Tensor, "u u"], b_h_b: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t 2*u"], Float[Tensor, " 2*u"]]:
    """Two simple RNNs over a sequence padded from row `length` on: the backward one starts at the last row that counts.

    Every output, 0 in padding, and the state in which each half has read all rows, [→h_length; ←h_1]. A length beyond
    t counts as t. PyTorch refuses a length of 0.
    """
    i = index("t")
    t = size("t")
    h_0 = 0 * b_h_f  # both start from 0
    h_f = scan(
        i,
        lambda h: where(
            i < length,
            simple_rnn_cell(x[i], h, W_xh_f, W_hh_f, b_h_f),
            h,
        ),
        h_0,
    )
    g = scan(  # it rests until it comes to the last row that counts
        i,
        lambda h: where(
            t - 1 - i < length,
            simple_rnn_cell(x[t - 1 - i], h, W_xh_b, W_hh_b, b_h_b),
            h,
        ),
        h_0,
    )
    h_b = g.stack(i)[t - 1 - i]  # back in the order of the input
    y = where(i < length, concat(h_f, h_b), 0)
    h_last = concat(last(i, h_f), last(i, g))
    return y.stack(i), h_last


@equation(LENGTHS_GRU, BIDIRECTIONAL)
def bidirectional_gru_lengths(
    x: Float[Tensor, "t d"], length: Int[Tensor, ""],
    W_xr_f: Float[Tensor, "d u"], W_hr_f: Float[Tensor, "u u"], b_r_f: Float[Tensor, " u"],
    W_xz_f: Float[Tensor, "d u"], W_hz_f: Float[Tensor, "u u"], b_z_f: Float[Tensor, " u"],
    W_xh_f: Float[Tensor, "d u"], W_hh_f: Float[Tensor, "u u"], b_h_f: Float[Tensor, " u"],
    W_xr_b: Float[Tensor, "d u"], W_hr_b: Float[Tensor, "u u"], b_r_b: Float[Tensor, " u"],
    W_xz_b: Float[Tensor, "d u"], W_hz_b: Float[Tensor, "u u"], b_z_b: Float[Tensor, " u"],
    W_xh_b: Float[Tensor, "d u"], W_hh_b: Float[Tensor, "u u"], b_h_b: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t 2*u"], Float[Tensor, " 2*u"]]:
    """Two GRUs over a sequence padded from row `length` on: the backward one starts at the last row that counts.

    Every output, 0 in padding, and the state in which each half has read all rows, [→h_length; ←h_1]. A length beyond
    t counts as t. Differs: PyTorch's GRU, and Keras' by default, reset after the matrix,
    `bidirectional_gru_lengths_reset_after`.
    """
    i = index("t")
    t = size("t")
    h_0 = 0 * b_h_f  # both start from 0
    h_f = scan(
        i,
        lambda h: where(
            i < length,
            gru_cell(x[i], h, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f),
            h,
        ),
        h_0,
    )
    g = scan(  # it rests until it comes to the last row that counts
        i,
        lambda h: where(
            t - 1 - i < length,
            gru_cell(x[t - 1 - i], h, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b),
            h,
        ),
        h_0,
    )
    h_b = g.stack(i)[t - 1 - i]  # back in the order of the input
    y = where(i < length, concat(h_f, h_b), 0)
    h_last = concat(last(i, h_f), last(i, g))
    return y.stack(i), h_last


@equation(LENGTHS, convention_of=bidirectional_gru_lengths, says=RESET_AFTER)
def bidirectional_gru_lengths_reset_after(
    x: Float[Tensor, "t d"], length: Int[Tensor, ""],
    W_xr_f: Float[Tensor, "d u"], W_hr_f: Float[Tensor, "u u"], b_r_f: Float[Tensor, " u"],
    W_xz_f: Float[Tensor, "d u"], W_hz_f: Float[Tensor, "u u"], b_z_f: Float[Tensor, " u"],
    W_xh_f: Float[Tensor, "d u"], W_hh_f: Float[Tensor, "u u"], b_h_f: Float[Tensor, " u"],
    b_hh_f: Float[Tensor, " u"],
    W_xr_b: Float[Tensor, "d u"], W_hr_b: Float[Tensor, "u u"], b_r_b: Float[Tensor, " u"],
    W_xz_b: Float[Tensor, "d u"], W_hz_b: Float[Tensor, "u u"], b_z_b: Float[Tensor, " u"],
    W_xh_b: Float[Tensor, "d u"], W_hh_b: Float[Tensor, "u u"], b_h_b: Float[Tensor, " u"],
    b_hh_b: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t 2*u"], Float[Tensor, " 2*u"]]:
    """bidirectional_gru_lengths for the GRU that resets after the matrix: PyTorch's, of a packed sequence.

    PyTorch refuses a length of 0. Keras' Bidirectional gives it on every device: it has its layers give 0 in padding.
    """
    i = index("t")
    t = size("t")
    h_0 = 0 * b_h_f  # both start from 0
    h_f = scan(
        i,
        lambda h: where(
            i < length,
            gru_cell_reset_after(x[i], h, W_xr_f, W_hr_f, b_r_f, W_xz_f, W_hz_f, b_z_f, W_xh_f, W_hh_f, b_h_f, b_hh_f),
            h,
        ),
        h_0,
    )
    g = scan(  # it rests until it comes to the last row that counts
        i,
        lambda h: where(
            t - 1 - i < length,
            gru_cell_reset_after(
                x[t - 1 - i], h, W_xr_b, W_hr_b, b_r_b, W_xz_b, W_hz_b, b_z_b, W_xh_b, W_hh_b, b_h_b, b_hh_b
            ),
            h,
        ),
        h_0,
    )
    h_b = g.stack(i)[t - 1 - i]  # back in the order of the input
    y = where(i < length, concat(h_f, h_b), 0)
    h_last = concat(last(i, h_f), last(i, g))
    return y.stack(i), h_last


@equation(LENGTHS, BIDIRECTIONAL)
def bidirectional_lstm_lengths(
    x: Float[Tensor, "t d"], length: Int[Tensor, ""],
    W_xi_f: Float[Tensor, "d u"], W_hi_f: Float[Tensor, "u u"], b_i_f: Float[Tensor, " u"],
    W_xf_f: Float[Tensor, "d u"], W_hf_f: Float[Tensor, "u u"], b_f_f: Float[Tensor, " u"],
    W_xg_f: Float[Tensor, "d u"], W_hg_f: Float[Tensor, "u u"], b_g_f: Float[Tensor, " u"],
    W_xo_f: Float[Tensor, "d u"], W_ho_f: Float[Tensor, "u u"], b_o_f: Float[Tensor, " u"],
    W_xi_b: Float[Tensor, "d u"], W_hi_b: Float[Tensor, "u u"], b_i_b: Float[Tensor, " u"],
    W_xf_b: Float[Tensor, "d u"], W_hf_b: Float[Tensor, "u u"], b_f_b: Float[Tensor, " u"],
    W_xg_b: Float[Tensor, "d u"], W_hg_b: Float[Tensor, "u u"], b_g_b: Float[Tensor, " u"],
    W_xo_b: Float[Tensor, "d u"], W_ho_b: Float[Tensor, "u u"], b_o_b: Float[Tensor, " u"],
) -> tuple[Float[Tensor, "t 2*u"], Float[Tensor, " 2*u"], Float[Tensor, " 2*u"]]:
    """Two LSTMs over a sequence padded from row `length` on: the backward one starts at the last row that counts.

    Every output, 0 in padding, and the hidden and the cell states in which each half has read all rows. A length beyond
    t counts as t. PyTorch refuses a length of 0.
    """
    i = index("t")
    t = size("t")
    n = where(length < t, length, t)  # rows that count
    zero = 0 * b_i_f  # where all states start
    h_f, c_f = scan(
        i,
        lambda h, c: lstm_cell(
            x[i], h, c, W_xi_f, W_hi_f, b_i_f, W_xf_f, W_hf_f, b_f_f,
            W_xg_f, W_hg_f, b_g_f, W_xo_f, W_ho_f, b_o_f,
        ),
        zero, zero,
    )
    g, c_b = scan(
        i,
        lambda h, c: lstm_cell(
            x[n - 1 - i], h, c, W_xi_b, W_hi_b, b_i_b, W_xf_b, W_hf_b, b_f_b,
            W_xg_b, W_hg_b, b_g_b, W_xo_b, W_ho_b, b_o_b,
        ),
        zero, zero,
    )
    h_b = g.stack(i)[n - 1 - i]  # back in the order of the input
    y = where(i < n, concat(h_f, h_b), 0)
    h_last = concat(h_f.stack(i)[n - 1], g.stack(i)[n - 1])  # 0 without rows
    c_last = concat(c_f.stack(i)[n - 1], c_b.stack(i)[n - 1])
    return y.stack(i), h_last, c_last


@equation(STACKED)
def stacked_simple_rnn(x: Float[Tensor, "t d"], layers: Layers) -> Float[Tensor, "t u_L"]:
    """Layer on layer of simple RNNs, each of its own size: every state of the top one."""
    h = through(layers, simple_rnn, x)  # each reads every h_t of the one below
    return h


@equation(STACKED)
def stacked_gru(x: Float[Tensor, "t d"], layers: Layers) -> Float[Tensor, "t u_L"]:
    """Layer on layer of GRUs, each of its own size: every state of the top one.

    Differs: PyTorch's GRU resets after the matrix, `stacked_gru_reset_after`.
    """
    h = through(layers, gru, x)  # each reads every h_t of the one below
    return h


@equation(STACKED_V1, convention_of=stacked_gru, says=RESET_AFTER)
def stacked_gru_reset_after(x: Float[Tensor, "t d"], layers: Layers) -> Float[Tensor, "t u_L"]:
    """stacked_gru for the GRU that resets after the matrix, such as PyTorch's."""
    h = through(layers, gru_reset_after, x)  # each reads every h_t of the one below
    return h


@equation(STACKED)
def stacked_lstm(
    x: Float[Tensor, "t d"], layers: Layers,
) -> tuple[Float[Tensor, "t u_L"], Float[Tensor, " u_L"]]:
    """Layer on layer of LSTMs, each of its own size: every hidden state of the top one, and its last cell state."""
    h, c = through(layers, lstm, x)  # each reads every h_t of the one below
    return h, c


@equation(STACKED, BIDIRECTIONAL, COMBINED)
def stacked_bidirectional_simple_rnn(x: Float[Tensor, "t d"], layers: Layers) -> Float[Tensor, "t 2*u_L"]:
    """Layer on layer of bidirectional simple RNNs, each of its own size: at each step what the top one knows."""
    h = through(layers, bidirectional_simple_rnn, x)  # each reads both halves of the one below
    return h


@equation(STACKED, BIDIRECTIONAL, COMBINED)
def stacked_bidirectional_gru(x: Float[Tensor, "t d"], layers: Layers) -> Float[Tensor, "t 2*u_L"]:
    """Layer on layer of bidirectional GRUs, each of its own size: at each step what the top one knows.

    Differs: PyTorch's GRU resets after the matrix, `stacked_bidirectional_gru_reset_after`.
    """
    h = through(layers, bidirectional_gru, x)  # each reads both halves of the one below
    return h


@equation(STACKED_BIDIRECTIONAL_V1, convention_of=stacked_bidirectional_gru, says=RESET_AFTER)
def stacked_bidirectional_gru_reset_after(x: Float[Tensor, "t d"], layers: Layers) -> Float[Tensor, "t 2*u_L"]:
    """stacked_bidirectional_gru for the GRU that resets after the matrix, such as PyTorch's."""
    h = through(layers, bidirectional_gru_reset_after, x)  # each reads both halves of the one below
    return h


@equation(STACKED, BIDIRECTIONAL, COMBINED)
def stacked_bidirectional_lstm(x: Float[Tensor, "t d"], layers: Layers) -> Float[Tensor, "t 2*u_L"]:
    """Layer on layer of bidirectional LSTMs, each of its own size: at each step what the top one knows."""
    h = through(layers, bidirectional_lstm, x)  # each reads both halves of the one below
    return h


@equation(BIDIRECTIONAL, smallest={"t": 1})
def bidirectional_feature(h: Float[Tensor, "t 2*u"]) -> Float[Tensor, " 2*u"]:
    """One vector for a sequence, [→h_T; ←h_1]: the state in which each half has read all of it."""
    k = index("2*u")
    u = size("u")
    feature = where(k < u, h[-1, k], h[0, k])
    return feature.stack(k)
