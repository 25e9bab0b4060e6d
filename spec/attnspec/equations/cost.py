"""What layers cost, from their sizes alone: parameters, operations in products, elements held, steps in a row."""

from attnspec import Source, equation

EMBEDDING = Source("003", "Word Embedding")
LOGISTIC = Source("003", "Logistic Regression")
RNN = Source("003", "参数量的计算｜结果的计算")
STACKED = Source("003", "多层RNN (Stacked RNN)")
BIDIRECTIONAL = Source("003", "双向 RNN (Bidirectional RNN)")
PRETRAINED = Source("003", "预训练")
GRU = Source("001", "GRU 和 LSTM", paper="Cho et al. 2014, arXiv:1406.1078v3, sec. 2.3")
GRU_V1 = Source(paper="Cho et al. 2014, arXiv:1406.1078v1, sec. 2.3")
LSTM = Source("001", "GRU 和 LSTM", paper="Gers, Schmidhuber and Cummins 2000, Neural Computation 12(10)")
TWO_BIASES = Source(paper="PyTorch, nn.RNN, nn.GRU and nn.LSTM")
WANG = Source("003", "Attention + Simple RNN")
SEQUENTIAL = Source("001", "RNN 代码", paper="Vaswani et al. 2017, arXiv:1706.03762, table 1")
TABLE = Source("001", "注意力机制/抛弃RNN", paper="Vaswani et al. 2017, arXiv:1706.03762, table 1")
VASWANI = Source("004", "多头注意力机制", paper="Vaswani et al. 2017, arXiv:1706.03762, sec. 3.2.2")
LAYER = Source(paper="Vaswani et al. 2017, arXiv:1706.03762, sec. 3.1 to 3.3")
BIASED = Source(paper="PyTorch, nn.MultiheadAttention, nn.TransformerEncoderLayer and nn.TransformerDecoderLayer")
DAO = Source(paper="Rabe and Staats 2021, arXiv:2112.05682; Dao 2023, arXiv:2307.08691, alg. 1")


@equation(EMBEDDING)
def embedding_parameters(*, v: int, d: int) -> int:
    """A vector of its own for each word of the vocabulary."""
    return v * d


@equation(RNN)
def linear_parameters(*, d: int, o: int) -> int:
    """A linear layer with its bias: 33 where 003 makes one output of 32 states."""
    return d * o + o


@equation(LOGISTIC, smallest={"t": 1})
def logistic_regression_parameters(*, t: int, d: int) -> int:
    """A weight for each component of each word, and a bias: 161 for 20 words of 8 components."""
    return t * d + 1


@equation(RNN)
def simple_rnn_parameters(*, d: int, u: int) -> int:
    """One matrix over state and input, and a bias: 2080 for d = u = 32, without the layer that reads the state.

    Differs: PyTorch has a bias on either side, `simple_rnn_parameters_two_biases`.
    """
    return u * (u + d) + u


@equation(TWO_BIASES, convention_of=simple_rnn_parameters, says="there are two biases, of which only the sum matters")
def simple_rnn_parameters_two_biases(*, d: int, u: int) -> int:
    """simple_rnn_parameters with one bias on the input's side and one on the state's."""
    return u * (u + d) + 2 * u


@equation(GRU)
def gru_parameters(*, d: int, u: int) -> int:
    """Three times a simple RNN: two gates and the candidate.

    Differs: with the reset gate after the matrix the candidate has a second bias, `gru_parameters_reset_after`;
    PyTorch has two everywhere, `gru_parameters_two_biases`.
    """
    each = u * (u + d) + u
    return 3 * each


@equation(GRU_V1, convention_of=gru_parameters, says="the candidate has a second bias, on which the reset gate acts")
def gru_parameters_reset_after(*, d: int, u: int) -> int:
    """gru_parameters for the reset gate after the matrix, whose bias cannot be one with the input's."""
    return 3 * u * (u + d) + 4 * u


@equation(TWO_BIASES, convention_of=gru_parameters, says="every gate and the candidate have two biases")
def gru_parameters_two_biases(*, d: int, u: int) -> int:
    """gru_parameters with two biases each, as Keras has them too where the reset gate acts after the matrix."""
    each = u * (u + d) + 2 * u
    return 3 * each


@equation(STACKED, LSTM)
def lstm_parameters(*, d: int, u: int) -> int:
    """Four times a simple RNN, three gates and what may be written: 4 · 65 · 32 = 8320 for d = u = 32.

    Differs: PyTorch has two biases each, `lstm_parameters_two_biases`.
    """
    each = u * (u + d) + u
    return 4 * each


@equation(TWO_BIASES, convention_of=lstm_parameters, says="every gate and what may be written have two biases")
def lstm_parameters_two_biases(*, d: int, u: int) -> int:
    """lstm_parameters with one bias on the input's side and one on the state's."""
    each = u * (u + d) + 2 * u
    return 4 * each


@equation(STACKED)
def stacked_lstm_parameters(*, d: int, u: int, layers: int) -> int:
    """The first layer reads the input, each other one the states of the one below."""
    first = 4 * (u * (u + d) + u)
    other = 4 * (u * (u + u) + u)
    return first + (layers - 1) * other


@equation(STACKED)
def text_classifier_parameters(*, v: int, d: int, u: int) -> int:
    """An embedding, an LSTM over it, and a layer that makes one output of its last state.

    Differs: with the embedding taken over and frozen, what is trained is fewer, `text_classifier_parameters_frozen`.
    """
    each = u * (u + d) + u
    return v * d + 4 * each + (u + 1)


@equation(PRETRAINED, convention_of=text_classifier_parameters,
          says="the embedding is frozen: the parameters that are trained are counted, total − v · d")
def text_classifier_parameters_frozen(*, v: int, d: int, u: int) -> int:
    """text_classifier_parameters that are trained if the embedding is taken over from another model and frozen."""
    each = u * (u + d) + u
    total = v * d + 4 * each + (u + 1)
    return total - v * d


@equation(BIDIRECTIONAL)
def bidirectional_gru_parameters(*, d: int, u: int) -> int:
    """Two GRUs that share nothing."""
    each = u * (u + d) + u
    return 2 * (3 * each)


@equation(BIDIRECTIONAL)
def bidirectional_lstm_parameters(*, d: int, u: int) -> int:
    """Two LSTMs that share nothing: 16640 for d = u = 32."""
    each = u * (u + d) + u
    return 2 * (4 * each)


@equation(VASWANI)
def multihead_parameters(*, c: int, d: int, heads: int) -> int:
    """W_q, W_k, W_v and W_o; however wide c = H·d is cut into heads, there are as many.

    Differs: PyTorch has a bias at each of the four, `multihead_parameters_biased`.
    """
    return 4 * (c * (heads * d))


@equation(BIASED, convention_of=multihead_parameters, says="each of the four matrices has a bias")
def multihead_parameters_biased(*, c: int, d: int, heads: int) -> int:
    """multihead_parameters with b_q, b_k, b_v and b_o."""
    return 4 * (c * (heads * d)) + 3 * (heads * d) + c


@equation(LAYER)
def feed_forward_parameters(*, c: int, f: int) -> int:
    """Two linear layers with their biases."""
    return (c * f + f) + (f * c + c)


@equation(LAYER)
def encoder_layer_parameters(*, c: int, d: int, f: int, heads: int) -> int:
    """Attention, the feed-forward network, and two norms with gain and shift, wherever these stand.

    Differs: PyTorch's attention has biases, `encoder_layer_parameters_biased`.
    """
    attention = 4 * (c * (heads * d))
    network = (c * f + f) + (f * c + c)
    norm = c + c
    return attention + network + 2 * norm


@equation(BIASED, convention_of=encoder_layer_parameters, says="each of the four matrices has a bias")
def encoder_layer_parameters_biased(*, c: int, d: int, f: int, heads: int) -> int:
    """encoder_layer_parameters with b_q, b_k, b_v and b_o."""
    attention = 4 * (c * (heads * d)) + 3 * (heads * d) + c
    network = (c * f + f) + (f * c + c)
    norm = c + c
    return attention + network + 2 * norm


@equation(LAYER)
def decoder_layer_parameters(*, c: int, d: int, f: int, heads: int) -> int:
    """Two attentions, the feed-forward network, and three norms.

    Differs: PyTorch's attentions have biases, `decoder_layer_parameters_biased`.
    """
    attention = 4 * (c * (heads * d))
    network = (c * f + f) + (f * c + c)
    norm = c + c
    return 2 * attention + network + 3 * norm


@equation(BIASED, convention_of=decoder_layer_parameters, says="each of the four matrices of an attention has a bias")
def decoder_layer_parameters_biased(*, c: int, d: int, f: int, heads: int) -> int:
    """decoder_layer_parameters with b_q, b_k, b_v and b_o in both attentions."""
    attention = 4 * (c * (heads * d)) + 3 * (heads * d) + c
    network = (c * f + f) + (f * c + c)
    norm = c + c
    return 2 * attention + network + 3 * norm


@equation(RNN)
def simple_rnn_operations(*, t: int, d: int, u: int) -> int:
    """A multiplication and an addition for each weight of the matrix, at every step."""
    return 2 * t * (u * (u + d))


@equation(GRU)
def gru_operations(*, t: int, d: int, u: int) -> int:
    """Three times those of a simple RNN, wherever the reset gate acts."""
    return 3 * (2 * t * (u * (u + d)))


@equation(LSTM)
def lstm_operations(*, t: int, d: int, u: int) -> int:
    """Four times those of a simple RNN."""
    return 4 * (2 * t * (u * (u + d)))


@equation(WANG, TABLE)
def attention_operations(*, n: int, m: int, d: int, e: int) -> int:
    """Every query with every key, then every weight with every value: 003's O(m t), and quadratic for n = m."""
    scores = 2 * (n * m * d)
    values = 2 * (n * m * e)
    return scores + values


@equation(TABLE)
def self_attention_operations(*, t: int, c: int, d: int, e: int) -> int:
    """Queries, keys and values of all rows, then attention among them."""
    projections = 2 * (t * c * (d + d + e))
    attention = 2 * (t * t * (d + e))
    return projections + attention


@equation(VASWANI)
def multihead_operations(*, n: int, m: int, c: int, d: int, heads: int) -> int:
    """Queries and outputs for n rows, keys and values for m, and between them the attention of each head."""
    projections = 2 * (2 * (n * c * (heads * d)) + 2 * (m * c * (heads * d)))
    attention = heads * (2 * (n * m * d) + 2 * (n * m * d))
    return projections + attention


@equation(LAYER)
def feed_forward_operations(*, t: int, c: int, f: int) -> int:
    """Into the inner layer and out of it, at every position."""
    return 2 * (t * c * f) + 2 * (t * f * c)


@equation(LAYER)
def encoder_layer_operations(*, t: int, c: int, d: int, f: int, heads: int) -> int:
    """Multi-head attention of a sequence to itself, then the feed-forward network."""
    projections = 2 * (4 * (t * c * (heads * d)))
    attention = heads * (2 * (t * t * d) + 2 * (t * t * d))
    network = 2 * (t * c * f) + 2 * (t * f * c)
    return projections + attention + network


@equation(WANG)
def attention_weights(*, n: int, m: int) -> int:
    """A weight for each query and each key: with one decoder step a query, 003's m t."""
    return n * m


@equation(VASWANI)
def multihead_weights(*, n: int, m: int, heads: int) -> int:
    """Those of one attention for each head."""
    return heads * (n * m)


@equation(TABLE)
def attention_memory(*, n: int, m: int) -> int:
    """What naive attention holds between its inputs and its output: every weight, in the place of its score."""
    return n * m


@equation(DAO)
def attention_memory_blocked(*, n: int, block: int) -> int:
    """The same where keys are taken in blocks: the weights of one, and two numbers for each query.

    These are the largest score so far and the sum of exponentials so far; what is read so far stands in the output.
    """
    return n * block + 2 * n


@equation(SEQUENTIAL)
def recurrent_steps(*, t: int) -> int:
    """Every state waits for the one before: 100 steps for 100 words, in either direction and with any gates."""
    return t


@equation(TABLE)
def attention_steps(*, t: int) -> int:
    """No output waits for another, however long the sequence is."""
    return 1
