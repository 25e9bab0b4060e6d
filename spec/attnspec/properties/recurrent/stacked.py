"""What must hold of layers on layers: one is the plain network, and a stack can be taken apart anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attnspec.equations import recurrent
from attnspec.language.equation import Equation
from attnspec.language.layers import counted, flat, of
from attnspec.properties.property import Arguments, Equal, Function, Relation
from attnspec.properties.shared import of_each, several, value

Of = Equation[..., Any]

PLAIN: dict[Of, Of] = {
    recurrent.stacked_simple_rnn: recurrent.simple_rnn,
    recurrent.stacked_gru: recurrent.gru,
    recurrent.stacked_lstm: recurrent.lstm,
    recurrent.stacked_bidirectional_gru: recurrent.bidirectional_gru,
}


def stack(of_: Of, a: Arguments, first: int, end: int | None = None) -> dict[str, Any]:
    """The layers from one on, up to another: under the names that they have as a stack of their own."""
    found = of(of_.definition)
    assert found is not None
    names = [(flat(found[0], place), flat(found[0], place - first)) for place in range(first, end or height(of_, a))]
    return {own: a[name] for there, here in names for name, own in zip(there, here, strict=True)}


def height(of_: Of, a: Arguments) -> int:
    """How many layers there are."""
    found = of(of_.definition)
    assert found is not None
    return counted(found[0], a)


@of_each(
    {
        recurrent.stacked_simple_rnn: ("h/h/start/h_0", "h/h/step/reversed", "h/h/the result/drop/b_h"),
        recurrent.stacked_gru: ("h/h/start/h_0", "h/order/zrh", "h/recurrent.gru_reset_after"),
        recurrent.stacked_lstm: ("h, c/h, c/start/h_0", "h, c/order/ifog", "h, c/result 2/name/c-h"),
        recurrent.stacked_bidirectional_gru: ("h/h/exchange", "h/h_b/drop/1", "h/order/bf"),
    }
)
def one_layer_is_the_plain_network(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """A stack of one layer gives what that layer gives."""
    layer = stack(of, a, 0, 1)
    alone = several(value(PLAIN[of], a["x"], *layer.values()))
    for given, plain in zip(several(f(x=a["x"], **layer)), alone, strict=True):
        yield Equal(given, plain)


SLIPS = ("input", "reversed", "short", "first", "shared")


@of_each({
    recurrent.stacked_simple_rnn: tuple(f"h/layers/{slip}" for slip in (*SLIPS, "begun")),
    recurrent.stacked_gru: tuple(f"h/layers/{slip}" for slip in (*SLIPS, "begun")),
    recurrent.stacked_lstm: tuple(f"h, c/layers/{slip}" for slip in (*SLIPS, "begun", "rest")),
    recurrent.stacked_bidirectional_gru: (),
}, least={"L": 2})  # fmt: skip
def stacks_can_stand_on_stacks(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """What the upper layers make of what the lower ones give is what all of them make of the input."""
    cut = height(of, a) // 2
    below, *_ = several(f(x=a["x"], **stack(of, a, 0, cut)))
    above = several(f(x=below, **stack(of, a, cut)))
    for given, whole in zip(above, several(f(**a)), strict=True):
        yield Equal(given, whole)
