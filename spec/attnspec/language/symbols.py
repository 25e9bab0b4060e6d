"""Symbols: what an equation declares of its names, how test values of them are drawn, and their LaTeX."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from attnspec.language.registry import conventions, family_of

SCALES = {
    "float": ("normal", "scores", "weights", "bias", "fan_in", "state", "positive", "uniform"),
    "int": ("length", "token", "token or missing", "bit"),
    "bool": ("mask",),
}
"""{kind of an array: names of the distributions of its values}; `Symbol` describes them."""

ROLES = {
    "width": "the number of features; the default",
    "head width": "the number of features of a head",
    "steps": 'the length of a sequence: steps are asked one by one, and there may be none; it bounds a "length"',
    "queries": "a number of queries: each is answered by itself, and there may be none",
    "keys": "the number of keys, along which kernels cut attention into tiles",
    "words": 'the size of a vocabulary; it bounds a "token"',
    "heads": "a number of heads, of which there are never many",
    "few queries": "a number of queries of which there are never many",
    "layers": "a number of layers",
    "stacked layers": "a number of layers whose weights are stacked along an axis",
    "block": "the length of the blocks that the keys are cut into",
    "most steps": "the largest number of steps of a sequence that may end sooner",
}
"""{role of a size: what it is}. It decides which sizes test cases have."""

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
            "state" (in [−1, 1]), "positive", "uniform", "length" (an integer from 0 to the number of steps), "token"
            (an integer from 0 to the number of words − 1), "token or missing" (or −1) or "bit" (0 or 1).
        also: dtypes that software may return it in, in addition to the expected one, if they have as many bits.
        within: the smallest and the largest value that it may have; None if any value is meaningful.
        group: weights of one group can be confused with one another, such as all matrices, "W". Arrays of one group
            are scaled together. A "bias" can be added twice. "" if it has none.
        pack: for a weight of a gate, the group of weights that software packs into one array, such as "W_x"; else "".
        gate: for a weight, its gate, such as "r"; weights of one gate can be swapped.
        varied: whether its values differ by much even where all other values have a common offset.

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
    group: str = ""
    pack: str = ""
    gate: str = ""
    varied: bool = False


@dataclass(frozen=True, slots=True)
class Declared:
    """What an equation declares of its names; the catalogue's names stand for what they stand for there.

    Attributes:
        symbols: {array: symbol}.
        roles: {size: role}.
        options: {option that is a size: the named size that it sets}.
    """

    symbols: Mapping[str, Symbol] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)

    def symbol(self, name: str, id: str) -> Symbol:
        """The symbol of an array of an equation."""
        usual, declared = symbol(name, id), self.symbols.get(name)
        if declared is None:
            return usual
        return replace(
            declared,
            group=declared.group or usual.group,
            pack=declared.pack or usual.pack,
            gate=declared.gate or usual.gate,
        )

    def all_roles(self) -> dict[str, str]:
        """{size: role} of all sizes that have another role than "width"."""
        return {**conventions().ROLES, **self.roles}

    def size(self, option: str) -> str:
        """The named size that a whole number sets; "" if it does not set one."""
        return self.options.get(option, conventions().OPTION_SIZES.get(option, ""))


def symbol(name: str, id: str) -> Symbol:
    """The symbol that a name has in an equation that does not declare it.

    An array of a layer, such as layers.0.W_xr, has the symbol of the last part of its name.
    """
    name = name.rpartition(".")[2]
    if of := differentiated(name):
        return Symbol(f"the gradient of {of}", group=name.partition("_")[0])
    known: Symbol = conventions().symbol(name, family_of(id))
    return known


def common_names(name: str, id: str) -> tuple[str, ...]:
    """The names that software commonly has for an argument or option of an equation."""
    names: tuple[str, ...] = conventions().common_names(name, family_of(id))
    return names


def differentiated(name: str) -> str:
    """The name that a gradient is of, such as W_xz for d_W_xz; "" if a name is not that of a gradient."""
    head, _, of = name.partition("_")
    return of if head == "d" and PLAIN.fullmatch(name) and of[:1].isalpha() and of.split("_")[0] not in ACCENTS else ""


def latex(name: str, places: str = "", indices: Collection[str] = (), *, size: bool = False) -> str:
    """A name in LaTeX: W_xz → W_{xz}, h_tilde → \\tilde{h}, alpha → \\alpha, d_q → \\partial q.

    Different names look different, with and without subscripts: words are italic on the line and upright in subscripts,
    and other names are set in typewriter type.

    Args:
        name: the name.
        places: subscripts that are not part of the name; they follow those of the name: x_q at i → x_{q,i}.
        indices: names of indices. A subscript of the name that could be read as indices is upright, so that the name
            h_t, h_{\\mathrm{t}}, differs from an array h at t, h_{t}. A name that is an index is in typewriter type.
        size: whether it is the name of a size, of which there is no gradient: d_k → d_{k}.
    """
    if (of := differentiated(name)) and name not in indices and not size:
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


def reads_as_place(subscripts: Sequence[str], indices: Collection[str]) -> bool:
    """Whether the subscripts of a name could be read as a place, as those of x_y_i: x at y_i."""
    return reads_as_indices(subscripts[-1], indices) or any(
        "_".join(subscripts[start:]) in indices for start in range(len(subscripts))
    )


def _accented(text: str, rest: list[str]) -> tuple[str, list[str]]:
    while rest and rest[0] in ACCENTS:
        text, rest = f"{ACCENTS[rest[0]]}{{{text}}}", rest[1:]
    return text, rest


def _below(parts: list[str], indices: Collection[str]) -> str:
    """The subscripts of a name, each one a subscript of the previous one."""
    if not parts:
        return ""
    first, *rest = parts
    if "_".join(parts) in indices or (not rest and reads_as_indices(first, indices)):
        return "\\mathrm{" + r"\_".join(parts) + "}"
    word = len(first) > 2 and first.isalpha()  # two letters are two symbols: W_xi maps x to i
    text = first if not word else f"\\{first}" if first in GREEK else f"\\mathrm{{{first}}}"
    text, rest = _accented(text, rest)
    return f"{text}_{{{_below(rest, indices)}}}" if rest else text
