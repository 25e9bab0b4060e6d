"""The symbols of the catalogue: their meaning, their LaTeX, and how test values of them are drawn."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from attnspec.language.registry import family_of

OPTION_SIZES = {
    "heads": "H",
    "layers": "L",
    "block": "B",
    "limit": "limit",
    **{name: name for name in ("n", "m", "t", "d", "c", "e", "f", "o", "s", "u", "v", "w")},
}
"""{option that is a size: the named size that it sets}."""

SCALES = {
    "float": ("normal", "scores", "weights", "bias", "fan_in", "state", "positive", "uniform"),
    "int": ("length", "token", "token or missing", "bit"),
    "bool": ("mask",),
}
"""{kind of an array: names of the distributions of its values}; `Symbol` describes them."""

GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "eta", "theta", "lambda", "mu", "nu", "xi", "pi", "rho", "sigma",
    "tau", "phi", "chi", "psi", "omega",
)  # fmt: skip
ACCENTS = {"tilde": r"\tilde", "hat": r"\hat", "bar": r"\bar"}
PLAIN = re.compile("[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
"""Names that can be typeset: words of letters and digits, separated by underscores."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol.

    Attributes:
        meaning: its meaning, in a few words.
        weight: whether it is learned; weights have no batch axes.
        draw: distribution of its test values: "normal", "scores", "weights" (a probability distribution over the last
            axis), "bias", "fan_in" (normal, divided by the root of the size of the axis that is summed over), "mask",
            "state" (in [−1, 1]), "positive", "uniform", "length" (an integer from 0 to t), "token" (an integer from 0
            to v − 1), "token or missing" (or −1) or "bit" (0 or 1).
        also: dtypes that software may return it in, in addition to the expected one, if they have as many bits.
        within: the smallest and the largest value that it may have; None if any value is meaningful.

    Examples:
        >>> import attnspec
        >>> from attnspec.notation import Float, Tensor, index
        >>> kernel = attnspec.Symbol("the kernel", weight=True, draw="fan_in")
        >>> @attnspec.equation(symbols={"kernel": kernel})
        ... def dense(x: Float[Tensor, " d"], kernel: Float[Tensor, "d u"]) -> Float[Tensor, " u"]:
        ...     return x @ kernel
        >>> dense.definition.symbol("kernel").weight
        True
    """

    meaning: str = "an input"
    weight: bool = False
    draw: str = "normal"
    also: tuple[str, ...] = ()
    within: tuple[float, float] | None = None


TABLE: dict[str, Symbol] = {
    "x": Symbol("the input"),
    "x_q": Symbol("the input on the query side"),
    "layers": Symbol("the arguments of each layer in addition to its input, the bottom layer first", weight=True),
    "x_kv": Symbol("the input on the key and value side"),
    "X": Symbol("the input, as columns or rows"),
    "h": Symbol("the hidden state, or the states that are attended to", draw="state"),
    "h_0": Symbol("the hidden state before the first step", draw="state"),
    "c": Symbol("the cell state, or the context"),
    "c_0": Symbol("the cell state before the first step"),
    "s": Symbol("the decoder's state", draw="state"),
    "a": Symbol("the output of attention, or the vectors that positions are added to"),
    "y": Symbol("the embedded previous output, or the true distribution"),
    "logits": Symbol("scores, one for each word", draw="scores"),
    "p": Symbol("probabilities, one for each word", draw="weights"),
    "q": Symbol("queries"),
    "k": Symbol("keys"),
    "v": Symbol("values"),
    "K": Symbol("keys so far"),
    "attention.V": Symbol("values so far"),
    "backward.r": Symbol("the reset gate", draw="state"),
    "backward.z": Symbol("the update gate", draw="state"),
    "backward.h_tilde": Symbol("the candidate state", draw="state"),
    "backward.a_hh": Symbol("the array that the reset gate multiplies"),
    "backward.i": Symbol("the input gate", draw="state"),
    "backward.f": Symbol("the forget gate", draw="state"),
    "backward.g": Symbol("the candidate of the cell state", draw="state"),
    "backward.o": Symbol("the output gate", draw="state"),
    "backward.c_next": Symbol("the new cell state"),
    "e": Symbol("scores, one for each query and key; or the vector of each position", draw="scores"),
    "alpha": Symbol("attention weights", draw="weights"),
    "o": Symbol("the output of attention, for each query"),
    "lse": Symbol("the logarithm of the sum of exponentials of a query's scores", draw="scores", also=("float32",)),
    "top": Symbol("the largest score so far, for each query", draw="scores"),
    "total": Symbol("the sum of exponentials so far, relative to the largest", draw="positive"),
    "mask": Symbol("true where a query may attend to a key", draw="mask"),
    "age": Symbol("the age of a person", draw="positive"),
    "sex": Symbol("0 or 1", draw="bit"),
    "country": Symbol("the country, by its index in the list", draw="token or missing"),
    "text.e": Symbol("1 at the index of a token, else 0", also=("float64", "float32", "float16", "bfloat16")),
    "text.k": Symbol("tokens, by their index in the vocabulary", draw="token or missing"),
    "P": Symbol("the vector of each token", weight=True),
    "theta": Symbol("the parameters"),
    "g": Symbol("the gradient of the loss by the parameters"),
    "m": Symbol("the mean of the gradients so far"),
    "optimizer.v": Symbol("the mean of the squares of the gradients so far", draw="positive"),
    "P_pos": Symbol("the vector of each position", weight=True),
    "position.P": Symbol("the vector of each position", weight=True),
    "E": Symbol("the vector of each word", weight=True),
    "token": Symbol("the previous word", draw="token"),
    "seed": Symbol("the text so far, as tokens", draw="token"),
    "window": Symbol("the last tokens of the text so far", draw="token"),
    "target": Symbol("the correct token", draw="token"),
    "valid": Symbol("true where a target counts", draw="mask"),
    "uniform": Symbol("uniform random numbers from 0 to 1", draw="uniform"),
    "length": Symbol("the number of rows of the sequence; the other rows are padding", draw="length"),
    "f_x": Symbol("the output of a sub-layer"),
    "z": Symbol("the output of the encoder"),
    "v_a": Symbol("the vector that maps additive features to a score", weight=True),
    "A": Symbol("the weights of state and input in one matrix", weight=True, draw="fan_in"),
    "U": Symbol("the weights of the key side", weight=True, draw="fan_in"),
    "W": Symbol("the weights, or in a score those of the query side", weight=True, draw="fan_in"),
    "W_1": Symbol("the weights into the inner layer", weight=True, draw="fan_in"),
    "W_2": Symbol("the weights out of the inner layer", weight=True, draw="fan_in"),
    "V": Symbol("the weights of a context", weight=True, draw="fan_in"),
    "w": Symbol("a learned vector", weight=True),
    "b": Symbol("a bias", weight=True, draw="bias"),
    "gamma": Symbol("the gain", weight=True, draw="positive"),
    "beta": Symbol("the shift", weight=True, draw="bias"),
}
"""{name: symbol}. A key such as "text.e" is for one family only. Names `W_…`, `U_…`, `V_…`, `C_…` and `b_…` that are
missing have the meaning of their first letter."""


COMMON_NAMES: dict[str, tuple[str, ...]] = {
    "x": ("input", "inputs", "hidden_states", "X"),
    "x_q": ("x", "input", "inputs", "hidden_states", "query", "queries"),
    "x_kv": ("memory", "context", "key_value_states"),
    "h": ("hx", "hidden", "h_prev", "prev_h", "h_in", "state"),
    "h_0": ("h0", "hx", "h_init", "init_h", "initial_state", "hidden", "state"),
    "c": ("cx", "cell", "c_prev", "prev_c", "c_in"),
    "c_0": ("c0", "cx", "c_init", "init_c"),
    "q": ("query", "queries", "Q"),
    "k": ("key", "keys", "K"),
    "v": ("value", "values", "V"),
    "text.k": ("token", "tokens", "ids", "input_ids", "indices"),
    "mask": ("attn_mask",),
    "e": ("scores", "score", "energy", "attn_scores", "input", "logits"),
    "alpha": ("weights", "attn", "attn_weights", "attention_weights"),
    "logits": ("input", "pred", "predictions"),
    "target": ("targets", "label", "labels"),
    "gamma": ("weight", "gain", "scale"),
    "beta": ("bias", "shift"),
    "W": ("weight",),
    "b": ("bias",),
    "P": ("weight", "table", "embedding"),
    "theta": ("param", "params", "p"),
    "g": ("grad", "grads", "gradient"),
    "eps": ("epsilon", "variance_epsilon"),
    "heads": ("num_heads", "n_heads", "n_head", "nhead", "nheads", "h"),
    "tau": ("temperature", "temp"),
}
"""{argument: names that software commonly has for it}. A key such as "text.k" is for one family only."""


COMMON_SETTINGS: dict[str, tuple[str, ...]] = {
    "normalized_shape": ("(c,)", "(d,)"),
    "dim": ("-1",),
    "axis": ("-1",),
    "num_heads": ("heads",),
    "reduction": ("none",),
    "embed_dim": ("c",),
    "input_size": ("d",),
    "hidden_size": ("u",),
}
"""{parameter that software commonly has and no equation: its values, in sizes and options of the equation}."""


def common_names(name: str, id: str) -> tuple[str, ...]:
    """The names that software commonly has for an argument or option of an equation."""
    return COMMON_NAMES.get(f"{id.split('.')[0]}.{name}", COMMON_NAMES.get(name, ()))


def symbol(name: str, id: str) -> Symbol:
    """The symbol of a name in an equation; a name that is not in the table is an input.

    An array of a layer, such as layers.0.W_xr, has the symbol of the last part of its name.
    """
    name = name.rpartition(".")[2]
    for known in (f"{family_of(id)}.{name}", name):
        if known in TABLE:
            return TABLE[known]
    if of := differentiated(name):
        return Symbol(f"the gradient of {of}")
    head = name.split("_")[0]
    if head in ("W", "U", "V", "C", "E") and "_" in name:
        target = name.split("_", 1)[1]
        return Symbol(f"the weights {_mapped(target)}", weight=True, draw="fan_in")
    if head == "b" and "_" in name:
        return Symbol(f"the bias of {name.split('_', 1)[1]}", weight=True, draw="bias")
    return TABLE.get(head, Symbol())


def differentiated(name: str) -> str:
    """The name that a gradient is of, such as W_xz for d_W_xz; "" if a name is not that of a gradient."""
    head, _, of = name.partition("_")
    return of if head == "d" and PLAIN.fullmatch(name) and of[:1].isalpha() and of.split("_")[0] not in ACCENTS else ""


def _mapped(target: str) -> str:
    return f"from {target[0]} to {target[1]}" if re.fullmatch("[a-z]{2}", target) else f"of {target}"


def latex(name: str, places: str = "", indices: Collection[str] = ()) -> str:
    """A name in LaTeX: W_xz → W_{xz}, h_tilde → \\tilde{h}, alpha → \\alpha, d_q → \\partial q.

    Different names look different, with and without subscripts: words are italic on the line and upright in subscripts,
    and other names are set in typewriter type.

    Args:
        name: the name.
        places: subscripts that are not part of the name; they follow those of the name: x_q at i → x_{q,i}.
        indices: names of indices. A subscript of the name that could be read as indices is upright, so that the name
            h_t, h_{\\mathrm{t}}, differs from an array h at t, h_{t}. A name that is an index is in typewriter type.
    """
    if (of := differentiated(name)) and name not in indices:
        return f"\\partial {latex(of, places, indices)}"
    if not PLAIN.fullmatch(name) or name in indices:
        text, rest = f"\\mathtt{{{name}}}".replace("_", "\\_"), []
    else:
        head, *rest = name.split("_")
        text = f"\\{head}" if head in GREEK else head if len(head) == 1 else f"\\mathit{{{head}}}"
    text, rest = _accented(text, rest)
    shown = ",".join(part for part in (_below(rest, indices), places) if part)
    return f"{text}_{{{shown}}}" if shown else text


def reads_as_indices(subscript: str, indices: Collection[str]) -> bool:
    """Whether a subscript of a name could be read as indices, such as the t of h_t if t is an index."""
    return subscript in indices or all(letter in indices for letter in subscript)


def _accented(text: str, rest: list[str]) -> tuple[str, list[str]]:
    while rest and rest[0] in ACCENTS:
        text, rest = f"{ACCENTS[rest[0]]}{{{text}}}", rest[1:]
    return text, rest


def _below(parts: list[str], indices: Collection[str]) -> str:
    """The subscripts of a name, each one a subscript of the previous one."""
    if not parts:
        return ""
    first, *rest = parts
    if not rest and reads_as_indices(first, indices):
        return f"\\mathrm{{{first}}}"
    word = len(first) > 2 and first.isalpha()  # two letters are two symbols: W_xi maps x to i
    text = first if not word else f"\\{first}" if first in GREEK else f"\\mathrm{{{first}}}"
    text, rest = _accented(text, rest)
    return f"{text}_{{{_below(rest, ())}}}" if rest else text
