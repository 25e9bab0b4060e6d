"""The Transformer's layers: normalisation, feed-forward network and residual, and what they make around attention."""

from jaxtyping import Bool, Float, Int

from attnspec import Source, equation
from attnspec.equations import multihead, position
from attnspec.notation import Tensor, gelu, index, indices, last, relu, scan, size, softmax, sqrt, sum, tanh

BA = Source(paper="Ba, Kiros and Hinton 2016, arXiv:1607.06450v1, eq. 3 and 4")
RESIDUAL = Source(paper="He et al. 2016, arXiv:1512.03385v1, eq. 1; Vaswani et al. 2017, arXiv:1706.03762, sec. 3.1")
LINEAR = Source("003", "Attention Layer", paper="PyTorch, nn.Linear; Keras, Dense")
FEED_FORWARD = Source("001", "注意力机制/抛弃RNN", paper="Vaswani et al. 2017, arXiv:1706.03762, eq. 2")
GELU = Source(paper="Hendrycks and Gimpel 2016, arXiv:1606.08415v5, sec. 2; PyTorch, gelu(approximate='none')")
GELU_TANH = Source(
    paper="Hendrycks and Gimpel 2016, arXiv:1606.08415v5, sec. 2; BERT's code, modeling.py; GPT-2's code, model.py; "
    "PyTorch, gelu(approximate='tanh')"
)
VASWANI = Source("001", "注意力机制/抛弃RNN", paper="Vaswani et al. 2017, arXiv:1706.03762, sec. 3.1 and fig. 1")
POSITIONED = Source("004", "位置资讯", paper="Vaswani et al. 2017, arXiv:1706.03762, sec. 3.5")
EMBEDDING = Source(paper="Vaswani et al. 2017, arXiv:1706.03762, sec. 3.4 and 3.5")
OUTPUT = Source("001", "注意力机制/抛弃RNN", paper="Vaswani et al. 2017, arXiv:1706.03762, sec. 3.4")
XIONG = Source(paper="Xiong et al. 2020, arXiv:2002.04745, sec. 3.1 and fig. 1; PyTorch, norm_first=True")
TORCH_ENCODER = Source(paper="PyTorch, nn.TransformerEncoderLayer")
TORCH_ENCODER_FIRST = Source(paper="PyTorch, nn.TransformerEncoderLayer(norm_first=True)")
TORCH_DECODER = Source(paper="PyTorch, nn.TransformerDecoderLayer")
TORCH_DECODER_GELU = Source(paper="PyTorch, nn.TransformerDecoderLayer(activation='gelu')")
TORCH_DECODER_FIRST = Source(paper="PyTorch, nn.TransformerDecoderLayer(norm_first=True)")
TORCH_DECODER_FIRST_GELU = Source(paper="PyTorch, nn.TransformerDecoderLayer(norm_first=True, activation='gelu')")
TORCH_STACK = Source(paper="PyTorch, nn.TransformerEncoder(norm=nn.LayerNorm(…)) of layers with norm_first=True")
BERT = Source(paper="Devlin et al. 2019, arXiv:1810.04805, sec. 3; BERT's code, modeling.py")
BERT_PORTED = Source(
    paper="Wolf et al. 2020, arXiv:1910.03771, transformers, BertModel; "
    "PyTorch, nn.TransformerEncoderLayer(activation='gelu')"
)
VIT = Source(
    paper="Dosovitskiy et al. 2021, arXiv:2010.11929, eq. 2 and 3; "
    "PyTorch, nn.TransformerEncoderLayer(norm_first=True, activation='gelu')"
)
GPT2 = Source(
    paper="Radford et al. 2019, Language Models are Unsupervised Multitask Learners, sec. 2.3; GPT-2's code, model.py"
)

EPS = {"eps": (1e-5, 1e-2, 1e-3, 1e-12)}


@equation(BA, options=EPS)
def layer_norm(
    x: Float[Tensor, " d"], gamma: Float[Tensor, " d"], beta: Float[Tensor, " d"], *, eps: float,
) -> Float[Tensor, " d"]:
    """Mean 0 and variance 1 over the components, then a gain and a shift; a constant x gives beta.

    The variance is the population's, over d and not d − 1; eps, which the paper lacks, stands under the root.
    """
    k = index("d")
    d = size("d")
    mu = sum(k, x[k]) / d  # mean
    variance = sum(k, (x[k] - mu) * (x[k] - mu)) / d
    y = (x[k] - mu) / sqrt(variance + eps) * gamma[k] + beta[k]
    return y.stack(k)


@equation(RESIDUAL)
def residual(x: Float[Tensor, " c"], f_x: Float[Tensor, " c"]) -> Float[Tensor, " c"]:
    """What a sub-layer makes of x is added to x."""
    return x + f_x


@equation(LINEAR)
def linear(
    x: Float[Tensor, "t d"], W: Float[Tensor, "d e"], b: Float[Tensor, " e"],
) -> Float[Tensor, "t e"]:
    """A linear layer, the same for every row."""
    t = index("t")
    y = x[t] @ W + b
    return y.stack(t)


@equation(FEED_FORWARD)
def feed_forward(
    x: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
) -> Float[Tensor, " c"]:
    """Two linear layers with a rectifier between them, the same at every position."""
    return relu(x @ W_1 + b_1) @ W_2 + b_2


@equation(GELU)
def feed_forward_gelu(
    x: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
) -> Float[Tensor, " c"]:
    """feed_forward with x Φ(x) for the rectifier, Φ by the error function.

    BERT as ported to PyTorch has this form. Differs: BERT's own code and GPT-2 have the form by tanh,
    `feed_forward_gelu_tanh`.
    """
    return gelu(x @ W_1 + b_1) @ W_2 + b_2


@equation(GELU_TANH, convention_of=feed_forward_gelu, says="gelu by tanh instead of the error function")
def feed_forward_gelu_tanh(
    x: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
) -> Float[Tensor, " c"]:
    """feed_forward_gelu with Φ(a) ≈ ½ + ½ tanh(√(2/π) (a + 0.044715 a³)), within 0.0005 of it."""
    a = x @ W_1 + b_1
    u = 0.7978845608028654 * (a + 0.044715 * a * a * a)  # √(2/π) in front
    return (0.5 * a * (1 + tanh(u))) @ W_2 + b_2


@equation(VASWANI, options=EPS)
def encoder_layer(
    x: Float[Tensor, "t c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"], W_o: Float[Tensor, "H*d c"],
    gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"], *, heads: int, eps: float,
) -> Float[Tensor, "t c"]:
    """Self-attention, then the feed-forward network; each is added to what it reads, and the sum normalised.

    Differs: GPT-2 and most models since normalise what a sub-layer reads, `encoder_layer_pre`.
    """
    t = index("t")
    a = multihead.attention(x, x, W_q, W_k, W_v, W_o, heads=heads)
    y = layer_norm(x[t] + a[t], gamma_1, beta_1, eps=eps)
    f_y = feed_forward(y, W_1, b_1, W_2, b_2)
    o = layer_norm(y + f_y, gamma_2, beta_2, eps=eps)
    return o.stack(t)


@equation(XIONG, convention_of=encoder_layer, options=EPS,
          says="what a sub-layer reads is normalised, not the sum after it")
def encoder_layer_pre(
    x: Float[Tensor, "t c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"], W_o: Float[Tensor, "H*d c"],
    gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"], *, heads: int, eps: float,
) -> Float[Tensor, "t c"]:
    """encoder_layer with the norm before each sub-layer, so that x itself reaches the end."""
    t = index("t")
    n_1 = layer_norm(x[t], gamma_1, beta_1, eps=eps).stack(t)
    a = multihead.attention(n_1, n_1, W_q, W_k, W_v, W_o, heads=heads)
    y = x[t] + a[t]
    n_2 = layer_norm(y, gamma_2, beta_2, eps=eps)
    o = y + feed_forward(n_2, W_1, b_1, W_2, b_2)
    return o.stack(t)


@equation(VASWANI, options=EPS)
def decoder_layer(
    x: Float[Tensor, "n c"], z: Float[Tensor, "m c"],
    W_q_s: Float[Tensor, "c H*d"], W_k_s: Float[Tensor, "c H*d"], W_v_s: Float[Tensor, "c H*d"],
    W_o_s: Float[Tensor, "H*d c"], gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_q_c: Float[Tensor, "c H*d"], W_k_c: Float[Tensor, "c H*d"], W_v_c: Float[Tensor, "c H*d"],
    W_o_c: Float[Tensor, "H*d c"], gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_3: Float[Tensor, " c"], beta_3: Float[Tensor, " c"], *, heads: int, eps: float,
) -> Float[Tensor, "n c"]:
    """Causal self-attention, attention to what the encoder gives, the feed-forward network; a norm after each.

    Differs: GPT-2 and most models since normalise what a sub-layer reads, `decoder_layer_pre`.
    """
    i = index("n")
    s = multihead.causal(x, x, W_q_s, W_k_s, W_v_s, W_o_s, heads=heads)
    y = layer_norm(x[i] + s[i], gamma_1, beta_1, eps=eps)
    c = multihead.attention(y.stack(i), z, W_q_c, W_k_c, W_v_c, W_o_c, heads=heads)
    u = layer_norm(y + c[i], gamma_2, beta_2, eps=eps)
    f_u = feed_forward(u, W_1, b_1, W_2, b_2)
    o = layer_norm(u + f_u, gamma_3, beta_3, eps=eps)
    return o.stack(i)


@equation(XIONG, convention_of=decoder_layer, options=EPS,
          says="what a sub-layer reads is normalised, not the sum after it")
def decoder_layer_pre(
    x: Float[Tensor, "n c"], z: Float[Tensor, "m c"],
    W_q_s: Float[Tensor, "c H*d"], W_k_s: Float[Tensor, "c H*d"], W_v_s: Float[Tensor, "c H*d"],
    W_o_s: Float[Tensor, "H*d c"], gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_q_c: Float[Tensor, "c H*d"], W_k_c: Float[Tensor, "c H*d"], W_v_c: Float[Tensor, "c H*d"],
    W_o_c: Float[Tensor, "H*d c"], gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_3: Float[Tensor, " c"], beta_3: Float[Tensor, " c"], *, heads: int, eps: float,
) -> Float[Tensor, "n c"]:
    """decoder_layer with the norm before each sub-layer; what the encoder gives is read as it is."""
    i = index("n")
    n_1 = layer_norm(x[i], gamma_1, beta_1, eps=eps).stack(i)
    s = multihead.causal(n_1, n_1, W_q_s, W_k_s, W_v_s, W_o_s, heads=heads)
    y = x[i] + s[i]
    n_2 = layer_norm(y, gamma_2, beta_2, eps=eps).stack(i)
    c = multihead.attention(n_2, z, W_q_c, W_k_c, W_v_c, W_o_c, heads=heads)
    u = y + c[i]
    n_3 = layer_norm(u, gamma_3, beta_3, eps=eps)
    o = u + feed_forward(n_3, W_1, b_1, W_2, b_2)
    return o.stack(i)


@equation(TORCH_ENCODER, options=EPS)
def encoder_layer_biased(
    x: Float[Tensor, "t c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"], W_o: Float[Tensor, "H*d c"],
    b_q: Float[Tensor, " H*d"], b_k: Float[Tensor, " H*d"], b_v: Float[Tensor, " H*d"], b_o: Float[Tensor, " c"],
    gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"], mask: Bool[Tensor, " t"], *, heads: int, eps: float,
) -> Float[Tensor, "t c"]:
    """encoder_layer with the biases that trained models have, and without a look at padding; mask is false there.

    PyTorch's nn.TransformerEncoderLayer computes it by default, but for its mask, which is true at padding.
    """
    t = index("t")
    a = multihead.padded_biased(x, x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads=heads)
    y = layer_norm(x[t] + a[t], gamma_1, beta_1, eps=eps)
    f_y = feed_forward(y, W_1, b_1, W_2, b_2)
    o = layer_norm(y + f_y, gamma_2, beta_2, eps=eps)
    return o.stack(t)


@equation(BERT_PORTED, options=EPS, convention_of=encoder_layer_biased,
          says="the feed-forward network has gelu, by the error function")
def encoder_layer_biased_gelu(
    x: Float[Tensor, "t c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"], W_o: Float[Tensor, "H*d c"],
    b_q: Float[Tensor, " H*d"], b_k: Float[Tensor, " H*d"], b_v: Float[Tensor, " H*d"], b_o: Float[Tensor, " c"],
    gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"], mask: Bool[Tensor, " t"], *, heads: int, eps: float,
) -> Float[Tensor, "t c"]:
    """encoder_layer_biased with gelu by the error function: a layer of BERT as ported to PyTorch.

    Differs: BERT's own code has gelu by tanh, `encoder_layer_biased_gelu_tanh`.
    """
    t = index("t")
    a = multihead.padded_biased(x, x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads=heads)
    y = layer_norm(x[t] + a[t], gamma_1, beta_1, eps=eps)
    f_y = feed_forward_gelu(y, W_1, b_1, W_2, b_2)
    o = layer_norm(y + f_y, gamma_2, beta_2, eps=eps)
    return o.stack(t)


@equation(BERT, options=EPS, convention_of=encoder_layer_biased,
          says="the feed-forward network has gelu, by tanh")
def encoder_layer_biased_gelu_tanh(
    x: Float[Tensor, "t c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"], W_o: Float[Tensor, "H*d c"],
    b_q: Float[Tensor, " H*d"], b_k: Float[Tensor, " H*d"], b_v: Float[Tensor, " H*d"], b_o: Float[Tensor, " c"],
    gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"], mask: Bool[Tensor, " t"], *, heads: int, eps: float,
) -> Float[Tensor, "t c"]:
    """encoder_layer_biased with gelu by tanh: a layer of BERT in its own code."""
    t = index("t")
    a = multihead.padded_biased(x, x, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads=heads)
    y = layer_norm(x[t] + a[t], gamma_1, beta_1, eps=eps)
    f_y = feed_forward_gelu_tanh(y, W_1, b_1, W_2, b_2)
    o = layer_norm(y + f_y, gamma_2, beta_2, eps=eps)
    return o.stack(t)


@equation(TORCH_ENCODER_FIRST, options=EPS, convention_of=encoder_layer_biased,
          says="what a sub-layer reads is normalised, not the sum after it")
def encoder_layer_biased_pre(
    x: Float[Tensor, "t c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"], W_o: Float[Tensor, "H*d c"],
    b_q: Float[Tensor, " H*d"], b_k: Float[Tensor, " H*d"], b_v: Float[Tensor, " H*d"], b_o: Float[Tensor, " c"],
    gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"], mask: Bool[Tensor, " t"], *, heads: int, eps: float,
) -> Float[Tensor, "t c"]:
    """encoder_layer_biased with the norm before each sub-layer: nn.TransformerEncoderLayer with norm_first=True."""
    t = index("t")
    n_1 = layer_norm(x[t], gamma_1, beta_1, eps=eps).stack(t)
    a = multihead.padded_biased(n_1, n_1, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads=heads)
    y = x[t] + a[t]
    n_2 = layer_norm(y, gamma_2, beta_2, eps=eps)
    o = y + feed_forward(n_2, W_1, b_1, W_2, b_2)
    return o.stack(t)


@equation(VIT, options=EPS, convention_of=encoder_layer_biased,
          says="the norm comes before each sub-layer, and the feed-forward network has gelu")
def encoder_layer_biased_pre_gelu(
    x: Float[Tensor, "t c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"], W_o: Float[Tensor, "H*d c"],
    b_q: Float[Tensor, " H*d"], b_k: Float[Tensor, " H*d"], b_v: Float[Tensor, " H*d"], b_o: Float[Tensor, " c"],
    gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"], mask: Bool[Tensor, " t"], *, heads: int, eps: float,
) -> Float[Tensor, "t c"]:
    """encoder_layer_biased_pre with gelu by the error function, as encoders of images have it."""
    t = index("t")
    n_1 = layer_norm(x[t], gamma_1, beta_1, eps=eps).stack(t)
    a = multihead.padded_biased(n_1, n_1, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask, heads=heads)
    y = x[t] + a[t]
    n_2 = layer_norm(y, gamma_2, beta_2, eps=eps)
    o = y + feed_forward_gelu(n_2, W_1, b_1, W_2, b_2)
    return o.stack(t)


@equation(TORCH_DECODER, options=EPS)
def decoder_layer_biased(
    x: Float[Tensor, "n c"], z: Float[Tensor, "m c"],
    W_q_s: Float[Tensor, "c H*d"], W_k_s: Float[Tensor, "c H*d"], W_v_s: Float[Tensor, "c H*d"],
    W_o_s: Float[Tensor, "H*d c"], b_q_s: Float[Tensor, " H*d"], b_k_s: Float[Tensor, " H*d"],
    b_v_s: Float[Tensor, " H*d"], b_o_s: Float[Tensor, " c"], gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_q_c: Float[Tensor, "c H*d"], W_k_c: Float[Tensor, "c H*d"], W_v_c: Float[Tensor, "c H*d"],
    W_o_c: Float[Tensor, "H*d c"], b_q_c: Float[Tensor, " H*d"], b_k_c: Float[Tensor, " H*d"],
    b_v_c: Float[Tensor, " H*d"], b_o_c: Float[Tensor, " c"], gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_3: Float[Tensor, " c"], beta_3: Float[Tensor, " c"], mask: Bool[Tensor, " m"], *, heads: int, eps: float,
) -> Float[Tensor, "n c"]:
    """decoder_layer with the biases that trained models have; mask is false where the encoder read padding.

    PyTorch's nn.TransformerDecoderLayer computes it by default, with a causal tgt_mask. Padding behind the target needs
    no mask of its own: nothing before it looks there.
    """
    i = index("n")
    s = multihead.causal_biased(
        x, x, W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s, heads=heads,
    )
    y = layer_norm(x[i] + s[i], gamma_1, beta_1, eps=eps)
    c = multihead.padded_biased(
        y.stack(i), z, W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c, mask, heads=heads,
    )
    u = layer_norm(y + c[i], gamma_2, beta_2, eps=eps)
    f_u = feed_forward(u, W_1, b_1, W_2, b_2)
    o = layer_norm(u + f_u, gamma_3, beta_3, eps=eps)
    return o.stack(i)


@equation(TORCH_DECODER_GELU, options=EPS, convention_of=decoder_layer_biased,
          says="the feed-forward network has gelu, by the error function")
def decoder_layer_biased_gelu(
    x: Float[Tensor, "n c"], z: Float[Tensor, "m c"],
    W_q_s: Float[Tensor, "c H*d"], W_k_s: Float[Tensor, "c H*d"], W_v_s: Float[Tensor, "c H*d"],
    W_o_s: Float[Tensor, "H*d c"], b_q_s: Float[Tensor, " H*d"], b_k_s: Float[Tensor, " H*d"],
    b_v_s: Float[Tensor, " H*d"], b_o_s: Float[Tensor, " c"], gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_q_c: Float[Tensor, "c H*d"], W_k_c: Float[Tensor, "c H*d"], W_v_c: Float[Tensor, "c H*d"],
    W_o_c: Float[Tensor, "H*d c"], b_q_c: Float[Tensor, " H*d"], b_k_c: Float[Tensor, " H*d"],
    b_v_c: Float[Tensor, " H*d"], b_o_c: Float[Tensor, " c"], gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_3: Float[Tensor, " c"], beta_3: Float[Tensor, " c"], mask: Bool[Tensor, " m"], *, heads: int, eps: float,
) -> Float[Tensor, "n c"]:
    """decoder_layer_biased with gelu by the error function."""
    i = index("n")
    s = multihead.causal_biased(
        x, x, W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s, heads=heads,
    )
    y = layer_norm(x[i] + s[i], gamma_1, beta_1, eps=eps)
    c = multihead.padded_biased(
        y.stack(i), z, W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c, mask, heads=heads,
    )
    u = layer_norm(y + c[i], gamma_2, beta_2, eps=eps)
    f_u = feed_forward_gelu(u, W_1, b_1, W_2, b_2)
    o = layer_norm(u + f_u, gamma_3, beta_3, eps=eps)
    return o.stack(i)


@equation(TORCH_DECODER_FIRST, options=EPS, convention_of=decoder_layer_biased,
          says="what a sub-layer reads is normalised, not the sum after it")
def decoder_layer_biased_pre(
    x: Float[Tensor, "n c"], z: Float[Tensor, "m c"],
    W_q_s: Float[Tensor, "c H*d"], W_k_s: Float[Tensor, "c H*d"], W_v_s: Float[Tensor, "c H*d"],
    W_o_s: Float[Tensor, "H*d c"], b_q_s: Float[Tensor, " H*d"], b_k_s: Float[Tensor, " H*d"],
    b_v_s: Float[Tensor, " H*d"], b_o_s: Float[Tensor, " c"], gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_q_c: Float[Tensor, "c H*d"], W_k_c: Float[Tensor, "c H*d"], W_v_c: Float[Tensor, "c H*d"],
    W_o_c: Float[Tensor, "H*d c"], b_q_c: Float[Tensor, " H*d"], b_k_c: Float[Tensor, " H*d"],
    b_v_c: Float[Tensor, " H*d"], b_o_c: Float[Tensor, " c"], gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_3: Float[Tensor, " c"], beta_3: Float[Tensor, " c"], mask: Bool[Tensor, " m"], *, heads: int, eps: float,
) -> Float[Tensor, "n c"]:
    """decoder_layer_biased with the norm before each sub-layer; what the encoder gives is read as it is."""
    i = index("n")
    n_1 = layer_norm(x[i], gamma_1, beta_1, eps=eps).stack(i)
    s = multihead.causal_biased(
        n_1, n_1, W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s, heads=heads,
    )
    y = x[i] + s[i]
    n_2 = layer_norm(y, gamma_2, beta_2, eps=eps).stack(i)
    c = multihead.padded_biased(
        n_2, z, W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c, mask, heads=heads,
    )
    u = y + c[i]
    n_3 = layer_norm(u, gamma_3, beta_3, eps=eps)
    o = u + feed_forward(n_3, W_1, b_1, W_2, b_2)
    return o.stack(i)


@equation(TORCH_DECODER_FIRST_GELU, options=EPS, convention_of=decoder_layer_biased,
          says="the norm comes before each sub-layer, and the feed-forward network has gelu")
def decoder_layer_biased_pre_gelu(
    x: Float[Tensor, "n c"], z: Float[Tensor, "m c"],
    W_q_s: Float[Tensor, "c H*d"], W_k_s: Float[Tensor, "c H*d"], W_v_s: Float[Tensor, "c H*d"],
    W_o_s: Float[Tensor, "H*d c"], b_q_s: Float[Tensor, " H*d"], b_k_s: Float[Tensor, " H*d"],
    b_v_s: Float[Tensor, " H*d"], b_o_s: Float[Tensor, " c"], gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_q_c: Float[Tensor, "c H*d"], W_k_c: Float[Tensor, "c H*d"], W_v_c: Float[Tensor, "c H*d"],
    W_o_c: Float[Tensor, "H*d c"], b_q_c: Float[Tensor, " H*d"], b_k_c: Float[Tensor, " H*d"],
    b_v_c: Float[Tensor, " H*d"], b_o_c: Float[Tensor, " c"], gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_3: Float[Tensor, " c"], beta_3: Float[Tensor, " c"], mask: Bool[Tensor, " m"], *, heads: int, eps: float,
) -> Float[Tensor, "n c"]:
    """decoder_layer_biased_pre with gelu by the error function."""
    i = index("n")
    n_1 = layer_norm(x[i], gamma_1, beta_1, eps=eps).stack(i)
    s = multihead.causal_biased(
        n_1, n_1, W_q_s, W_k_s, W_v_s, W_o_s, b_q_s, b_k_s, b_v_s, b_o_s, heads=heads,
    )
    y = x[i] + s[i]
    n_2 = layer_norm(y, gamma_2, beta_2, eps=eps).stack(i)
    c = multihead.padded_biased(
        n_2, z, W_q_c, W_k_c, W_v_c, W_o_c, b_q_c, b_k_c, b_v_c, b_o_c, mask, heads=heads,
    )
    u = y + c[i]
    n_3 = layer_norm(u, gamma_3, beta_3, eps=eps)
    o = u + feed_forward_gelu(n_3, W_1, b_1, W_2, b_2)
    return o.stack(i)


@equation(GPT2, options=EPS)
def decoder_only_layer(
    x: Float[Tensor, "t c"],
    W_q: Float[Tensor, "c H*d"], W_k: Float[Tensor, "c H*d"], W_v: Float[Tensor, "c H*d"], W_o: Float[Tensor, "H*d c"],
    b_q: Float[Tensor, " H*d"], b_k: Float[Tensor, " H*d"], b_v: Float[Tensor, " H*d"], b_o: Float[Tensor, " c"],
    gamma_1: Float[Tensor, " c"], beta_1: Float[Tensor, " c"],
    W_1: Float[Tensor, "c f"], b_1: Float[Tensor, " f"], W_2: Float[Tensor, "f c"], b_2: Float[Tensor, " c"],
    gamma_2: Float[Tensor, " c"], beta_2: Float[Tensor, " c"], *, heads: int, eps: float,
) -> Float[Tensor, "t c"]:
    """A block of GPT-2: causal self-attention and a network with gelu by tanh, each behind its norm, with biases.

    There is nothing to attend to but the sequence itself: it is an encoder layer that does not look ahead.
    """
    t = index("t")
    n_1 = layer_norm(x[t], gamma_1, beta_1, eps=eps).stack(t)
    a = multihead.causal_biased(n_1, n_1, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, heads=heads)
    y = x[t] + a[t]
    n_2 = layer_norm(y, gamma_2, beta_2, eps=eps)
    o = y + feed_forward_gelu_tanh(n_2, W_1, b_1, W_2, b_2)
    return o.stack(t)


@equation(POSITIONED, scales={"k": "token"})
def embed(k: Int[Tensor, " t"], P: Float[Tensor, "v c"]) -> Float[Tensor, "t c"]:
    """What the first layer reads: the vector of each token, and that of its position.

    004 adds the two as they are. Differs: the Transformer of Vaswani et al. multiplies the tokens' vectors by √c first,
    `embed_scaled`.
    """
    i = index("t")
    t, c = size("t"), size("c")
    e = position.sinusoidal(t=t, d=c)
    x = P[k[i]] + e[i]
    return x.stack(i)


@equation(EMBEDDING, convention_of=embed, scales={"k": "token"}, says="the vectors of the tokens are multiplied by √c")
def embed_scaled(k: Int[Tensor, " t"], P: Float[Tensor, "v c"]) -> Float[Tensor, "t c"]:
    """embed with the tokens' vectors times √c, as the Transformer of Vaswani et al. has it."""
    i = index("t")
    t, c = size("t"), size("c")
    e = position.sinusoidal(t=t, d=c)
    x = sqrt(c) * P[k[i]] + e[i]
    return x.stack(i)


@equation(VASWANI, options=EPS)
def encoder(
    x: Float[Tensor, "t c"],
    W_q: Float[Tensor, "N c H*d"], W_k: Float[Tensor, "N c H*d"], W_v: Float[Tensor, "N c H*d"],
    W_o: Float[Tensor, "N H*d c"], gamma_1: Float[Tensor, "N c"], beta_1: Float[Tensor, "N c"],
    W_1: Float[Tensor, "N c f"], b_1: Float[Tensor, "N f"], W_2: Float[Tensor, "N f c"], b_2: Float[Tensor, "N c"],
    gamma_2: Float[Tensor, "N c"], beta_2: Float[Tensor, "N c"], *, heads: int, eps: float,
) -> Float[Tensor, "t c"]:
    """N layers, each reading what the one below it gives; the weights of all layers, bottom first, along one axis."""
    l = index("N")
    y = scan(
        l,
        lambda y: encoder_layer(
            y, W_q[l], W_k[l], W_v[l], W_o[l], gamma_1[l], beta_1[l], W_1[l], b_1[l], W_2[l], b_2[l],
            gamma_2[l], beta_2[l], heads=heads, eps=eps,
        ),
        x,
    )
    return last(l, y)


@equation(VASWANI, options=EPS)
def decoder(
    x: Float[Tensor, "n c"], z: Float[Tensor, "m c"],
    W_q_s: Float[Tensor, "N c H*d"], W_k_s: Float[Tensor, "N c H*d"], W_v_s: Float[Tensor, "N c H*d"],
    W_o_s: Float[Tensor, "N H*d c"], gamma_1: Float[Tensor, "N c"], beta_1: Float[Tensor, "N c"],
    W_q_c: Float[Tensor, "N c H*d"], W_k_c: Float[Tensor, "N c H*d"], W_v_c: Float[Tensor, "N c H*d"],
    W_o_c: Float[Tensor, "N H*d c"], gamma_2: Float[Tensor, "N c"], beta_2: Float[Tensor, "N c"],
    W_1: Float[Tensor, "N c f"], b_1: Float[Tensor, "N f"], W_2: Float[Tensor, "N f c"], b_2: Float[Tensor, "N c"],
    gamma_3: Float[Tensor, "N c"], beta_3: Float[Tensor, "N c"], *, heads: int, eps: float,
) -> Float[Tensor, "n c"]:
    """N layers, each reading what the one below it gives, and all of them the same that the encoder gives."""
    l = index("N")
    y = scan(
        l,
        lambda y: decoder_layer(
            y, z, W_q_s[l], W_k_s[l], W_v_s[l], W_o_s[l], gamma_1[l], beta_1[l],
            W_q_c[l], W_k_c[l], W_v_c[l], W_o_c[l], gamma_2[l], beta_2[l],
            W_1[l], b_1[l], W_2[l], b_2[l], gamma_3[l], beta_3[l], heads=heads, eps=eps,
        ),
        x,
    )
    return last(l, y)


@equation(TORCH_STACK, options=EPS)
def encoder_biased_pre(
    x: Float[Tensor, "t c"],
    W_q: Float[Tensor, "N c H*d"], W_k: Float[Tensor, "N c H*d"], W_v: Float[Tensor, "N c H*d"],
    W_o: Float[Tensor, "N H*d c"], b_q: Float[Tensor, "N H*d"], b_k: Float[Tensor, "N H*d"],
    b_v: Float[Tensor, "N H*d"], b_o: Float[Tensor, "N c"], gamma_1: Float[Tensor, "N c"], beta_1: Float[Tensor, "N c"],
    W_1: Float[Tensor, "N c f"], b_1: Float[Tensor, "N f"], W_2: Float[Tensor, "N f c"], b_2: Float[Tensor, "N c"],
    gamma_2: Float[Tensor, "N c"], beta_2: Float[Tensor, "N c"], gamma: Float[Tensor, " c"], beta: Float[Tensor, " c"],
    mask: Bool[Tensor, " t"], *, heads: int, eps: float,
) -> Float[Tensor, "t c"]:
    """N layers with the norm before each sub-layer, and one more norm, gamma and beta, of what the last layer gives.

    PyTorch's nn.TransformerEncoder with norm_first=True has that last norm where it is given one.
    """
    t, l = index("t"), index("N")
    y = scan(
        l,
        lambda y: encoder_layer_biased_pre(
            y, W_q[l], W_k[l], W_v[l], W_o[l], b_q[l], b_k[l], b_v[l], b_o[l], gamma_1[l], beta_1[l],
            W_1[l], b_1[l], W_2[l], b_2[l], gamma_2[l], beta_2[l], mask, heads=heads, eps=eps,
        ),
        x,
    )
    o = layer_norm(last(l, y)[t], gamma, beta, eps=eps)
    return o.stack(t)


@equation(BERT_PORTED, options=EPS)
def encoder_only(
    x: Float[Tensor, "t c"],
    W_q: Float[Tensor, "N c H*d"], W_k: Float[Tensor, "N c H*d"], W_v: Float[Tensor, "N c H*d"],
    W_o: Float[Tensor, "N H*d c"], b_q: Float[Tensor, "N H*d"], b_k: Float[Tensor, "N H*d"],
    b_v: Float[Tensor, "N H*d"], b_o: Float[Tensor, "N c"], gamma_1: Float[Tensor, "N c"], beta_1: Float[Tensor, "N c"],
    W_1: Float[Tensor, "N c f"], b_1: Float[Tensor, "N f"], W_2: Float[Tensor, "N f c"], b_2: Float[Tensor, "N c"],
    gamma_2: Float[Tensor, "N c"], beta_2: Float[Tensor, "N c"], gamma: Float[Tensor, " c"], beta: Float[Tensor, " c"],
    mask: Bool[Tensor, " t"], *, heads: int, eps: float,
) -> Float[Tensor, "t c"]:
    """BERT as ported to PyTorch, from what was embedded on, tokens, positions and segments added: a norm, N layers.

    The norm, gamma and beta, is of the embedding; none follows the last layer.
    """
    t, l = index("t"), index("N")
    start = layer_norm(x[t], gamma, beta, eps=eps).stack(t)
    y = scan(
        l,
        lambda y: encoder_layer_biased_gelu(
            y, W_q[l], W_k[l], W_v[l], W_o[l], b_q[l], b_k[l], b_v[l], b_o[l], gamma_1[l], beta_1[l],
            W_1[l], b_1[l], W_2[l], b_2[l], gamma_2[l], beta_2[l], mask, heads=heads, eps=eps,
        ),
        start,
    )
    return last(l, y)


@equation(GPT2, options=EPS, scales={"k": "token"})
def decoder_only(
    k: Int[Tensor, " t"], P: Float[Tensor, "v c"], P_pos: Float[Tensor, "t+s c"],
    W_q: Float[Tensor, "N c H*d"], W_k: Float[Tensor, "N c H*d"], W_v: Float[Tensor, "N c H*d"],
    W_o: Float[Tensor, "N H*d c"], b_q: Float[Tensor, "N H*d"], b_k: Float[Tensor, "N H*d"],
    b_v: Float[Tensor, "N H*d"], b_o: Float[Tensor, "N c"], gamma_1: Float[Tensor, "N c"], beta_1: Float[Tensor, "N c"],
    W_1: Float[Tensor, "N c f"], b_1: Float[Tensor, "N f"], W_2: Float[Tensor, "N f c"], b_2: Float[Tensor, "N c"],
    gamma_2: Float[Tensor, "N c"], beta_2: Float[Tensor, "N c"], gamma: Float[Tensor, " c"], beta: Float[Tensor, " c"],
    *, heads: int, eps: float,
) -> Float[Tensor, "t v"]:
    """GPT-2: tokens and learned positions, N blocks, a last norm, and scores of the next token by the tokens' vectors.

    The same table P embeds the tokens and scores them: input and output are tied.
    """
    t, l, w = index("t"), index("N"), index("v")
    pos = 1 * t  # as a number: P_pos may have more rows, see position.learned
    x = (P[k[t]] + P_pos[pos]).stack(t)
    y = scan(
        l,
        lambda y: decoder_only_layer(
            y, W_q[l], W_k[l], W_v[l], W_o[l], b_q[l], b_k[l], b_v[l], b_o[l], gamma_1[l], beta_1[l],
            W_1[l], b_1[l], W_2[l], b_2[l], gamma_2[l], beta_2[l], heads=heads, eps=eps,
        ),
        x,
    )
    o = layer_norm(last(l, y)[t], gamma, beta, eps=eps)
    e = o @ P[w]
    return e.stack(t, w)


@equation(OUTPUT)
def logits(
    y: Float[Tensor, "n c"], W: Float[Tensor, "c v"], b: Float[Tensor, " v"],
) -> Float[Tensor, "n v"]:
    """What the decoder says of the next token at each position: a score for every token."""
    i = index("n")
    e = y[i] @ W + b
    return e.stack(i)


@equation(OUTPUT)
def next_token(
    y: Float[Tensor, "n c"], W: Float[Tensor, "c v"], b: Float[Tensor, " v"],
) -> Float[Tensor, "n v"]:
    """The distribution over the next token at each position."""
    i, w = indices("n", "v")
    e = logits(y, W, b)
    p = softmax(w, e[i, w])
    return p.stack(i, w)
