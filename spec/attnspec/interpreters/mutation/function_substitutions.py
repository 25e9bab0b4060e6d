"""Functions that software computes in place of those of the formula: cheaper, bounded, or of another model.

There is no end of them, so they are no mutants, and no case has to catch each of them: they are thought of where
something is wrong and no mutant explains it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.language.traversal import map_throughout
from attnspec.language.tree import SOFTMAXES, Apply, Definition, Node, Number, Reduce

CAPS = (20.0, 30.0, 50.0)
"""What scores are kept below where they are capped: Gemma 2 has 50, and 30 for its words; Grok 30."""


def function_substitutions(definition: Definition) -> Iterator[Mutant]:
    """What an equation becomes with each, wherever its function stands, also in the equations that it calls."""
    for name, (says, change) in SUBSTITUTIONS.items():
        tree = map_throughout(definition, change)
        if tree is not definition:
            yield Mutant(f"instead/{name}", says, tree)


Change = Callable[[Node, Definition], Node]
"""What stands in place of a node of an equation."""


def _instead(op: str, new: Callable[[Node], Node]) -> Change:
    """Another function of the same argument."""

    def change(node: Node, _: Definition) -> Node:
        return new(node.args[0]) if isinstance(node, Apply) and node.op == op else node

    return change


def _times(factor: float, x: Node) -> Node:
    return Apply("*", (Number(factor), x))


def _plus(x: Node, y: Node) -> Node:
    return Apply("+", (x, y))


def _less(x: Node, y: Node) -> Node:
    return Apply("-", (x, y))


def _relu(x: Node) -> Node:
    return Apply("relu", (x,))


def _line(slope: float) -> Callable[[Node], Node]:
    """slope·x + 1/2, kept between 0 and 1."""
    half = Number(0.5)
    return lambda x: _less(_relu(_plus(_times(slope, x), half)), _relu(_less(_times(slope, x), half)))


def _clipped(x: Node) -> Node:
    """x, kept between −1 and 1."""
    return _less(_less(_relu(_plus(x, Number(1.0))), _relu(_less(x, Number(1.0)))), Number(1.0))


def _leaky(slope: float) -> Callable[[Node], Node]:
    return lambda x: _less(_relu(x), _times(slope, _relu(Apply("neg", (x,)))))


def _gated(slope: float) -> Callable[[Node], Node]:
    """x σ(slope·x)."""
    return lambda x: Apply("*", (x, Apply("sigmoid", (_times(slope, x) if slope != 1 else x,))))


def _capped(cap: float) -> Change:
    """Scores s as cap·tanh(s/cap)."""

    def change(node: Node, _: Definition) -> Node:
        if not isinstance(node, Reduce) or node.op not in SOFTMAXES:
            return node
        return replace(node, term=_times(cap, Apply("tanh", (Apply("/", (node.term, Number(cap))),))))

    return change


SUBSTITUTIONS: dict[str, tuple[str, Change]] = {
    "hard-sigmoid": (
        "a hard sigmoid stands where σ belongs: x/6 + 1/2, from 0 to 1",
        _instead("sigmoid", _line(1 / 6)),
    ),
    "hard-sigmoid-keras": (
        "a hard sigmoid stands where σ belongs: 0.2x + 1/2, from 0 to 1",
        _instead("sigmoid", _line(0.2)),
    ),
    "hard-tanh": ("a hard tanh stands where tanh belongs: x, from −1 to 1", _instead("tanh", _clipped)),
    "leaky-relu": ("a leaky relu, of slope 0.01, stands where relu belongs", _instead("relu", _leaky(0.01))),
    "silu-relu": ("x σ(x) stands where relu belongs", _instead("relu", _gated(1.0))),
    "silu-gelu": ("x σ(x) stands where gelu belongs", _instead("gelu", _gated(1.0))),
    "quick-gelu": ("x σ(1.702x) stands where gelu belongs", _instead("gelu", _gated(1.702))),
    **{f"cap-{cap:g}": (f"scores are capped: {cap:g} tanh(s/{cap:g})", _capped(cap)) for cap in CAPS},
}
"""By name: the sentence, and what stands in place of a node."""
