"""The symbols of the documents: what each means, how it is set in LaTeX, and how a value of it is drawn."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

OPTION_SIZES = {
    "heads": "H",
    "layers": "L",
    "block": "B",
    "limit": "limit",
    **{name: name for name in ("n", "m", "t", "d", "c", "e", "f", "o", "s", "u", "v", "w")},
}
"""Options that are sizes, each with the size that it sets."""

WAYS = {
    "float": ("normal", "scores", "weights", "bias", "fan_in", "state", "positive", "uniform"),
    "int": ("length", "token", "token or missing", "bit"),
    "bool": ("mask",),
}
"""The ways to draw an array, by its kind; `Symbol` says what each means."""

GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "eta", "theta", "lambda", "mu", "nu", "xi", "pi", "rho", "sigma",
    "tau", "phi", "chi", "psi", "omega",
)  # fmt: skip
ACCENTS = {"tilde": r"\tilde", "hat": r"\hat", "bar": r"\bar"}
PLAIN = re.compile("[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
"""Names that the papers have a form for."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol.

    Attributes:
        meaning: what it is, in a few words.
        weight: True for what a model learns; it is shared by a batch, where the rest varies per example.
        draw: how a value is drawn: "normal", "scores", "weights" (a distribution over the last axis), "bias",
            "fan_in" (normal over the root of the axis summed), "mask", "state" (within ±1), "positive", "uniform",
            "length" (a whole number from 0 to t), "token" (one from 0 to v - 1), "token or missing" (or −1) or "bit" (0
            or 1).
        also: dtypes in which software returns it as well as in the one that is due, where they hold no less.
    """

    meaning: str
    weight: bool = False
    draw: str = "normal"
    also: tuple[str, ...] = ()


TABLE: dict[str, Symbol] = {
    "x": Symbol("the input"),
    "x_q": Symbol("the input that asks"),
    "layers": Symbol("what each layer takes besides what it reads, the bottom one first", weight=True),
    "x_kv": Symbol("the input that is asked"),
    "X": Symbol("the input, as columns or rows"),
    "h": Symbol("the hidden state, or the states that are attended", draw="state"),
    "h_0": Symbol("the hidden state before the first step", draw="state"),
    "c": Symbol("the cell state, or the context"),
    "c_0": Symbol("the cell state before the first step"),
    "s": Symbol("the decoder's state", draw="state"),
    "a": Symbol("what was attended, or what positions are added to"),
    "y": Symbol("the output before, embedded, or the true distribution"),
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
    "backward.a_hh": Symbol("what the reset gate acts on"),
    "backward.i": Symbol("the input gate", draw="state"),
    "backward.f": Symbol("the forget gate", draw="state"),
    "backward.g": Symbol("what may be written", draw="state"),
    "backward.o": Symbol("the output gate", draw="state"),
    "backward.c_next": Symbol("the new cell state"),
    "e": Symbol("scores, one for each query and key; or the vector of each position", draw="scores"),
    "alpha": Symbol("attention weights", draw="weights"),
    "o": Symbol("what was read, for each query"),
    "lse": Symbol("the logarithm of the sum of exponentials of a query's scores", draw="scores", also=("float32",)),
    "top": Symbol("the largest score so far, for each query", draw="scores"),
    "total": Symbol("the sum of exponentials so far, relative to the largest", draw="positive"),
    "mask": Symbol("true where a query may look", draw="mask"),
    "age": Symbol("how old somebody is", draw="positive"),
    "sex": Symbol("0 or 1", draw="bit"),
    "country": Symbol("the country, by its place in the list", draw="token or missing"),
    "text.e": Symbol("1 at the place of a token, else 0", also=("float64", "float32", "float16", "bfloat16")),
    "text.k": Symbol("tokens, by their place in the vocabulary", draw="token or missing"),
    "P": Symbol("the vector of each token", weight=True),
    "theta": Symbol("the parameters"),
    "g": Symbol("the gradient of the loss by the parameters"),
    "m": Symbol("the mean of the gradients so far"),
    "optimizer.v": Symbol("the mean of the squares of the gradients so far", draw="positive"),
    "P_pos": Symbol("the vector of each position", weight=True),
    "position.P": Symbol("the vector of each position", weight=True),
    "E": Symbol("the vector of each word", weight=True),
    "token": Symbol("the word before", draw="token"),
    "seed": Symbol("the text so far, as tokens", draw="token"),
    "window": Symbol("the last tokens of the text so far", draw="token"),
    "target": Symbol("the token that is right", draw="token"),
    "valid": Symbol("true where a target counts", draw="mask"),
    "uniform": Symbol("numbers drawn evenly from 0 to 1", draw="uniform"),
    "length": Symbol("how many rows of the sequence there are; the rest is padding", draw="length"),
    "f_x": Symbol("what a sub-layer makes of the input"),
    "z": Symbol("what the encoder gives"),
    "v_a": Symbol("the vector that turns additive features into a score", weight=True),
    "A": Symbol("the weights of state and input in one matrix", weight=True, draw="fan_in"),
    "U": Symbol("maps the key's side", weight=True, draw="fan_in"),
    "W": Symbol("the weights, or in a score those of the query's side", weight=True, draw="fan_in"),
    "W_1": Symbol("the weights into the inner layer", weight=True, draw="fan_in"),
    "W_2": Symbol("the weights out of the inner layer", weight=True, draw="fan_in"),
    "V": Symbol("maps a context or to one", weight=True, draw="fan_in"),
    "w": Symbol("a learned vector", weight=True),
    "b": Symbol("a bias", weight=True, draw="bias"),
    "gamma": Symbol("the gain", weight=True, draw="positive"),
    "beta": Symbol("the shift", weight=True, draw="bias"),
}
"""Symbols by name; `W_…`, `U_…`, `V_…`, `C_…` and `b_…` follow their first letter where they are not here."""


def symbol(name: str, id: str) -> Symbol:
    """What a name means in an equation; a name that the table lacks is an input of normal size.

    An array of a layer, layers.0.W_xr, means what its own name does.
    """
    name = name.rpartition(".")[2]
    for known in (f"{id.split('.')[0]}.{name}", name):
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
    return TABLE.get(head, Symbol("an input"))


def differentiated(name: str) -> str:
    """What a name says it is the gradient of: W_xz for d_W_xz; "" where it says nothing of the kind."""
    head, _, of = name.partition("_")
    return of if head == "d" and PLAIN.fullmatch(name) and of[:1].isalpha() and of.split("_")[0] not in ACCENTS else ""


def _mapped(target: str) -> str:
    return f"from {target[0]} to {target[1]}" if re.fullmatch("[a-z]{2}", target) else f"of {target}"


def latex(name: str, places: str = "", indices: Collection[str] = ()) -> str:
    """A name set as the papers set it: W_xz → W_{xz}, h_tilde → \\tilde{h}, alpha → \\alpha, d_q → \\partial q.

    No two names look alike, with or without places: words are slanted on the line and upright below it, and a name
    that the papers have no form for is set as typed.

    Args:
        places: subscripts that are no part of the name, which follow its own: x_q at i → x_{q,i}.
        indices: what indices are called here. A name's own subscript that reads like them is set upright, as that of
            a name h_t, h_{\\mathrm{t}}, beside that of an array h at t, h_{t}; a name that is one is set as typed.
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
    """Whether a name's own subscript could be taken for indices: the t of h_t where t is one, or the ij of a_ij."""
    return subscript in indices or all(letter in indices for letter in subscript)


def _accented(text: str, rest: list[str]) -> tuple[str, list[str]]:
    while rest and rest[0] in ACCENTS:
        text, rest = f"{ACCENTS[rest[0]]}{{{text}}}", rest[1:]
    return text, rest


def _below(parts: list[str], indices: Collection[str]) -> str:
    """A name's own subscripts, each below the one before."""
    if not parts:
        return ""
    first, *rest = parts
    if not rest and reads_as_indices(first, indices):
        return f"\\mathrm{{{first}}}"
    word = len(first) > 2 and first.isalpha()  # two letters are two symbols: W_xi maps x to i
    text = first if not word else f"\\{first}" if first in GREEK else f"\\mathrm{{{first}}}"
    text, rest = _accented(text, rest)
    return f"{text}_{{{_below(rest, ())}}}" if rest else text
