"""What people and libraries disagree on: the disputes, and the gallery of formulas and code that differ."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dispute:
    """A question that libraries answer differently.

    Attributes:
        name: the name of its page.
        title: the question.
        says: what it is about; paragraphs of Markdown.
        pairs: pairs of equations, or of an equation and one of its known mistakes, that are shown side by side.
        equations: the ids of the equations whose peers are listed with their verdicts.
        candidates: functions of `candidates.py` that get it wrong, each with its equation.
    """

    name: str
    title: str
    says: str
    pairs: tuple[tuple[str, str], ...]
    equations: tuple[str, ...]
    candidates: tuple[tuple[str, str], ...] = ()


DISPUTES = (
    Dispute(
        "gru",
        "Which GRU is this?",
        """Cho et al. published two: in the first version of the paper the reset gate acts after the recurrent matrix,
in the third before it. Bahdanau et al. let z write the candidate, where Cho et al. let it keep the old
state. Trained weights go with one of them.""",
        (
            ("recurrent.gru_cell", "recurrent.gru_cell_reset_after"),
            ("recurrent.gru_cell", "recurrent.gru_cell_update_writes"),
        ),
        (
            "recurrent.gru_cell",
            "recurrent.gru_cell_reset_after",
            "recurrent.gru_cell_update_writes",
            "recurrent.gru",
            "recurrent.gru_reset_after",
        ),
    ),
    Dispute(
        "scale",
        "Which scale do the scores have?",
        """Vaswani et al. divide the scores by √d. Attention before that paper does not, and Keras' `Attention` layer
does not unless it is asked to.""",
        (("self_attention.scaled", "self_attention.unscaled"),),
        ("attention.scaled_dot_product", "attention.dot_product", "self_attention.scaled", "self_attention.unscaled"),
        (("divided_by_a_power", "attention.scaled_dot_product"),),
    ),
    Dispute(
        "masked-row",
        "What does a row give in which everything is masked?",
        """The formula divides 0 by 0. One convention gives 0, another NaN; a large negative number instead of −∞ gives
the mean of all values, which looks like an answer.""",
        (("attention.masked", "attention.masked_empty_is_nan"), ("attention.masked", "finite_mask")),
        ("attention.masked", "attention.masked_empty_is_nan"),
        (("minus_a_million", "attention.masked"),),
    ),
    Dispute(
        "causal",
        "Where is the causal mask aligned?",
        """With as many keys as queries there is no question. With more keys, as in generation with stored keys, the
last query may read all keys (aligned at the bottom right), or the first query only the first key (at the
top left).""",
        (("attention.causal", "attention.causal_top_left"),),
        ("attention.causal", "attention.causal_top_left"),
    ),
    Dispute(
        "norm",
        "Which normalisation, and where?",
        """The Transformer's paper normalises the sum after each part of a layer; most later models normalise what the
part reads. And layer norm divides the variance by d, with eps inside the root; some code divides by d − 1,
or adds eps outside.""",
        (
            ("transformer.encoder_layer", "transformer.encoder_layer_pre"),
            ("transformer.layer_norm", "sample_variance"),
            ("transformer.layer_norm", "y/bracket/sqrt-eps"),
        ),
        ("transformer.layer_norm", "transformer.encoder_layer_biased", "transformer.encoder_layer_biased_pre"),
        (("layer_norm_of_the_annotated_transformer", "transformer.layer_norm"),),
    ),
    Dispute(
        "mask-polarity",
        "Does True mean “look” or “ignore”?",
        """In `scaled_dot_product_attention` True means that a query may look at a key; in `nn.MultiheadAttention` of
the same library it means that it may not. A mask that is handed from one to the other lets the future in.""",
        (),
        ("attention.masked", "attention.padded", "multihead.masked_biased", "multihead.padded_biased"),
        (("true_means_ignore", "attention.masked"),),
    ),
    Dispute(
        "biases",
        "How many biases are there?",
        """A sum of two biases is one bias, except inside the reset gate's product. PyTorch and ONNX store two for
every gate, Keras one or two depending on `reset_after`, and papers write one. The function is the same for
most gates; the number of parameters is not.""",
        (
            ("cost.gru_parameters", "cost.gru_parameters_reset_after"),
            ("cost.gru_parameters", "cost.gru_parameters_two_biases"),
            ("cost.lstm_parameters", "cost.lstm_parameters_two_biases"),
        ),
        (
            "cost.gru_parameters",
            "cost.gru_parameters_reset_after",
            "cost.gru_parameters_two_biases",
            "cost.lstm_parameters",
            "cost.lstm_parameters_two_biases",
        ),
        (("one_bias_left_out", "recurrent.gru_cell_reset_after"),),
    ),
    Dispute(
        "gate-order",
        "In which order are the gates packed?",
        """Libraries keep the weights of all gates in one matrix, in an order of their own: of the GRU, PyTorch has r,
z, n, ONNX and Keras z, r, h; of the LSTM, PyTorch has i, f, g, o, ONNX i, o, f, c and Keras i, f, c, o. The
shapes are equal, so that nothing complains if the order is wrong. The converters of `attnspec_peers` unpack
them; the verdicts below hold with the right order, and the last one is what the wrong order gives.""",
        (),
        ("recurrent.gru_reset_after", "recurrent.lstm_cell"),
        (("read_in_another_order", "recurrent.gru_cell"),),
    ),
)
"""The disputes, each of which has a page."""


@dataclass(frozen=True, slots=True)
class Card:
    """One real disagreement.

    Attributes:
        number: its number in the list.
        title: what it is.
        says: what is said and what is done, in Markdown.
        threads: where it was reported: names of GitHub threads, "owner/name#number", or addresses.
        pairs: what is shown side by side: two equations, or an equation and a known mistake of it.
        candidate: a function of `candidates.py` that does what is said, and its equation; () for none.
    """

    number: str
    title: str
    says: str
    threads: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    candidate: tuple[()] | tuple[str, str] = ()


GRU = ("recurrent.gru_cell", "recurrent.gru_cell_reset_after")

CARDS = (
    Card(
        "D1",
        "PyTorch's GRU resets after the matrix",
        "`nn.GRU` computes r ⊙ (W h + b). The third version of the paper that it cites has W (r ⊙ h).",
        ("pytorch/pytorch#8153", "pytorch/pytorch#99531"),
        (GRU,),
    ),
    Card(
        "D2",
        "Keras' GRU says “before”, and does “after”",
        "The docstring of the class says that the default applies the "
        "reset gate before the matrix; the default argument is `reset_after=True`. The formulas are those of D1.",
        (),
    ),
    Card(
        "D3",
        "An exporter loses where the gate acts",
        "A translation of `nn.GRU` to ONNX lacked `linear_before_reset=1`: a valid file of another function, as in D1.",
        ("microsoft/onnxscript#2852",),
    ),
    Card(
        "D4",
        "A textbook's code and its concise version differ",
        "Equation and scratch code of a chapter reset before the "
        "matrix, the concise implementation calls `nn.GRU`, which resets after it, as in D1.",
        (),
    ),
    Card(
        "D5",
        "What z means",
        "One paper keeps the old state with z, another writes the candidate with it.",
        ("pytorch/pytorch#20129", "lucidrains/minGRU-pytorch#21"),
        (("recurrent.gru_cell", "recurrent.gru_cell_update_writes"),),
    ),
    Card(
        "D7",
        "A weight that is printed transposed",
        "The formula was written with W where the code has its transpose. With a square matrix the shapes do not tell.",
        ("pytorch/pytorch#4403", "pytorch/pytorch#76658"),
        (),
        ("recurrent_matrix_transposed", "recurrent.simple_rnn_cell"),
    ),
    Card(
        "D8",
        "A bias that the formula lacked",
        "The documented formula of the GRU's candidate lacked a bias.",
        ("pytorch/pytorch#5661",),
        (),
        ("one_bias_left_out", "recurrent.gru_cell_reset_after"),
    ),
    Card(
        "D9",
        "“Equivalent” code whose mask has no effect",
        "The documented equivalent of "
        "`scaled_dot_product_attention` wrote a boolean mask into a variable that was not read again.",
        ("pytorch/pytorch#117939",),
        (),
        ("mask_without_effect", "attention.masked"),
    ),
    Card(
        "D10",
        "True means look, or ignore",
        "Two functions of one library read a boolean mask in opposite ways.",
        ("pytorch/pytorch#170400", "rasbt/LLMs-from-scratch#1061"),
        (),
        ("true_means_ignore", "attention.masked"),
    ),
    Card(
        "D11",
        "A row that is masked as a whole",
        "−1000000 instead of −∞ makes the mean of all values of a row that may read nothing.",
        ("pytorch/pytorch#103963", "d2l-ai/d2l-en#2423"),
        (("attention.masked", "finite_mask"),),
        ("minus_a_million", "attention.masked"),
    ),
    Card(
        "D12",
        "Which corner the causal mask starts in",
        "With other numbers of queries and keys, “causal” has two meanings.",
        ("pytorch/pytorch#126873",),
        (("attention.causal", "attention.causal_top_left"),),
    ),
    Card(
        "D13",
        "The text normalises after, the code before",
        "LayerNorm(x + Sublayer(x)) in the text, x + Sublayer(LayerNorm(x)) in the code below it.",
        ("harvardnlp/annotated-transformer#92", "harvardnlp/annotated-transformer#110"),
        (("transformer.encoder_layer", "transformer.encoder_layer_pre"),),
    ),
    Card(
        "D14",
        "A layer norm with the sample's deviation",
        "std with d − 1, and eps outside the root.",
        (),
        (("transformer.layer_norm", "sample_variance"),),
        ("layer_norm_of_the_annotated_transformer", "transformer.layer_norm"),
    ),
    Card(
        "D16",
        "Columns counted from 1",
        "A text counts the columns of the table of positions from 1, the code below it "
        "from 0. As it is written, the exponents are those of the next pair.",
        (),
        (),
        ("columns_counted_from_one", "position.sinusoidal"),
    ),
    Card(
        "D18",
        "Weights of −1000000",
        "A text sets masked weights to −10⁶; the code sets masked scores.",
        (),
        (),
        ("weights_of_minus_a_million", "attention.masked"),
    ),
    Card(
        "D20",
        "Gates in another order",
        "A matrix packed z, r, h is read r, z, h. All shapes fit.",
        ("tensorflow/tensorflow#43960",),
        (),
        ("read_in_another_order", "recurrent.gru_cell"),
    ),
    Card(
        "D21",
        "A score divided by d to the power of −½",
        "To divide by d^(−½) is to multiply by √d.",
        ("esceptico/perceiver-io#9", "hyunwoongko/transformer#10"),
        (("scores.scaled_dot", "e/scale/times"),),
        ("divided_by_a_power", "attention.scaled_dot_product"),
    ),
)
"""The disagreements that are checked while the site is built."""

UNCHECKED = (
    (
        "D6",
        "pseudocode of a stacked RNN that feeds the input to every layer: the layers take inputs of other widths, so "
        "that it does not run.",
    ),
    ("D15", "comments of an LSTM that are swapped, over code that is right."),
    ("D17", "a recurrent highway network, of which the catalogue has no equation."),
    ("D19", "options of ONNX' operators that a reference evaluator ignores: the equations have no such options."),
)
"""Disagreements that are not checked, each with the reason."""
