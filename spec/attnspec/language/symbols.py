"""The symbols of the documents: what each means, how it is set in LaTeX, and how a value of it is drawn."""

from __future__ import annotations

import re
from dataclasses import dataclass

OPTION_SIZES = {"heads": "H", "block": "B", "t": "t", "d": "d"}
"""Options that are sizes, each with the size that it sets."""

GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "eta", "theta", "lambda", "mu", "nu", "xi", "pi", "rho", "sigma",
    "tau", "phi", "chi", "psi", "omega",
)  # fmt: skip
ACCENTS = {"tilde": r"\tilde", "hat": r"\hat", "bar": r"\bar"}


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol.

    Attributes:
        meaning: what it is, in a few words.
        weight: True for what a model learns; it is shared by a batch, where the rest varies per example.
        draw: how a value is drawn: "normal", "scores", "weights" (a distribution over the last axis), "bias",
            "fan_in" (normal over the root of the axis summed), "mask", "state" (within ±1) or "positive".
    """

    meaning: str
    weight: bool = False
    draw: str = "normal"


TABLE: dict[str, Symbol] = {
    "x": Symbol("the input"),
    "x_q": Symbol("the input that asks"),
    "x_kv": Symbol("the input that is asked"),
    "X": Symbol("the input, as columns or rows"),
    "h": Symbol("the hidden state, or the states that are attended", draw="state"),
    "h_0": Symbol("the hidden state before the first step", draw="state"),
    "c": Symbol("the cell state, or the context"),
    "c_0": Symbol("the cell state before the first step"),
    "s": Symbol("the decoder's state", draw="state"),
    "q": Symbol("queries"),
    "k": Symbol("keys"),
    "v": Symbol("values"),
    "e": Symbol("scores, one for each query and key", draw="scores"),
    "alpha": Symbol("attention weights", draw="weights"),
    "mask": Symbol("true where a query may look", draw="mask"),
    "v_a": Symbol("the vector that turns additive features into a score", weight=True),
    "A": Symbol("the weights of state and input in one matrix", weight=True, draw="fan_in"),
    "U": Symbol("maps the key's side", weight=True, draw="fan_in"),
    "W": Symbol("maps the query's side", weight=True, draw="fan_in"),
    "b": Symbol("a bias", weight=True, draw="bias"),
    "gamma": Symbol("the gain", weight=True, draw="positive"),
    "beta": Symbol("the shift", weight=True, draw="bias"),
}
"""Symbols by name; `W_…`, `U_…`, `C_…` and `b_…` follow their first letter where they are not here."""


def symbol(name: str) -> Symbol:
    """What a name means; a name that the table lacks is an input of normal size."""
    if name in TABLE:
        return TABLE[name]
    head = name.split("_")[0]
    if head in ("W", "U", "C", "E") and "_" in name:
        target = name.split("_", 1)[1]
        return Symbol(f"the weights {_mapped(target)}", weight=True, draw="fan_in")
    if head == "b" and "_" in name:
        return Symbol(f"the bias of {name.split('_', 1)[1]}", weight=True, draw="bias")
    return TABLE.get(head, Symbol("an input"))


def _mapped(target: str) -> str:
    return f"from {target[0]} to {target[1]}" if re.fullmatch("[a-z]{2}", target) else f"of {target}"


def latex(name: str) -> str:
    """A name set as the papers set it: W_xz → W_{xz}, h_tilde → \\tilde{h}, alpha → \\alpha, h_0 → h_{0}."""
    head, *rest = name.split("_")
    accents = [part for part in rest if part in ACCENTS]
    subscripts = [part for part in rest if part not in ACCENTS]
    text = f"\\{head}" if head in GREEK else head if len(head) == 1 else rf"\mathit{{{head}}}"
    for accent in accents:
        text = f"{ACCENTS[accent]}{{{text}}}"
    shown = [f"\\{part}" if part in GREEK else part for part in subscripts]
    return f"{text}_{{{','.join(shown)}}}" if shown else text
