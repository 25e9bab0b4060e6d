"""The names of the catalogue: what the letters of its papers stand for, in every equation that declares nothing else.

The engine has no names of its own. `language.registry` hands it these; an equation declares others with `symbols`,
`sizes` and `options`.
"""

from __future__ import annotations

import re
from dataclasses import replace

from attnspec.language.symbols import Symbol

ROLES = {
    "t": "steps", "n": "queries", "m": "keys", "v": "words", "d": "head width", "H": "heads", "M": "few queries",
    "N": "stacked layers", "L": "layers", "B": "block", "limit": "most steps",
    "beam": "few queries",
}  # fmt: skip
"""{size: its role}; `attnspec.language.symbols.ROLES` describes them. Other sizes are widths."""

OPTION_SIZES = {
    "heads": "H",
    "layers": "L",
    "block": "B",
    "limit": "limit",
    "beam": "beam",
    **{name: name for name in ("n", "m", "t", "d", "c", "e", "f", "o", "s", "u", "v", "w")},
}
"""{option that is a size: the named size that it sets}."""

SYMBOLS: dict[str, Symbol] = {
    "x": Symbol("the input"),
    "x_q": Symbol("the input on the query side"),
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
    "v": Symbol("values", varied=True),
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
    "generation.tokens": Symbol("the tokens so far, of each hypothesis where there are several", draw="token"),
    "generation.score": Symbol("the log-probability of each hypothesis"),
    "generation.log_p": Symbol("the log-probability of each token, after each hypothesis", draw="scores"),
    "generation.over": Symbol("1 where a hypothesis has ended, else 0", draw="bit"),
    "generation.length": Symbol("the number of tokens that exist", draw="length"),
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
    "position.t": ("max_len", "max_length", "seq_len", "length", "n_positions", "num_positions", "positions"),
    "position.d": ("d_model", "dim", "dims", "embed_dim", "emb_dim", "hidden_size", "depth"),
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


GROUPS = {**{head: head for head in ("W", "U", "C", "A", "E", "gamma", "beta")}, "b": "bias"}
"""{first part of the name of a weight: its group}; other weights have none."""


def common_names(name: str, family: str) -> tuple[str, ...]:
    """The names that software commonly has for an argument or option of an equation of a family."""
    return COMMON_NAMES.get(f"{family}.{name}", COMMON_NAMES.get(name, ()))


def symbol(name: str, family: str) -> Symbol:
    """The symbol of a name in an equation of a family; a name that is not in the table is an input."""
    head, _, tail = name.partition("_")
    known = SYMBOLS.get(f"{family}.{name}") or SYMBOLS.get(name) or _by_first_letter(head, tail)
    is_packed = head in ("W", "U", "C", "b") and bool(tail)
    has_group = head in GROUPS if known.weight else bool(tail)
    return replace(
        known,
        group=GROUPS.get(head, head) if has_group else "",
        gate=tail[-1:],
        pack=f"{head}_{tail[:-1]}" if is_packed else "",
    )


def _by_first_letter(head: str, tail: str) -> Symbol:
    """The symbol of a name that is not in the table, by its first part."""
    if head in ("W", "U", "V", "C", "E") and tail:
        return Symbol(f"the weights {_mapped(tail)}", weight=True, draw="fan_in")
    if head == "b" and tail:
        return Symbol(f"the bias of {tail}", weight=True, draw="bias")
    return replace(SYMBOLS.get(head, Symbol()), varied=False)


def _mapped(target: str) -> str:
    return f"from {target[0]} to {target[1]}" if re.fullmatch("[a-z]{2}", target) else f"of {target}"
