"""What must hold of two networks that read a sequence from either end, and of the feature that they give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import recurrent
from attnspec.language.equation import Equation
from attnspec.properties.property import Arguments, Equal, Function, Relation, property_of
from attnspec.properties.shared import of_each, several

Of = Equation[..., Any]


@property_of(recurrent.bidirectional_feature, kills=("feature/exchange", "feature/mask/<=", "feature/drop/sign"))
def each_half_is_read_where_it_ends(f: Function, a: Arguments) -> Iterator[Relation]:
    """The forward half is that of the last step, the backward half that of the first."""
    (first, *_), last, u = a["h"], a["h"][-1], a["h"].shape[1] // 2
    yield Equal(f(**a), np.concatenate([last[:u], first[u:]]))


@property_of(recurrent.bidirectional_feature, kills=("feature/mask/<=", "feature/mask/late", "feature/constant/double"))
def halves_change_places_when_time_is_turned(f: Function, a: Arguments) -> Iterator[Relation]:
    """With time reversed and the halves of every state exchanged, the halves of the feature are exchanged."""
    u = a["h"].shape[1] // 2
    yield Equal(f(h=np.roll(a["h"][::-1], u, axis=1)), np.roll(f(**a), u))


def half(a: Arguments, end: str) -> dict[str, Any]:
    """The weights of one half of a bidirectional network, under the names that it has alone."""
    return {name.removesuffix(end): array for name, array in a.items() if name.endswith(end)}


HALVES: dict[Of, Of] = {
    recurrent.bidirectional_simple_rnn: recurrent.simple_rnn,
    recurrent.bidirectional_gru: recurrent.gru,
    recurrent.bidirectional_gru_reset_after: recurrent.gru_reset_after,
    recurrent.bidirectional_gru_update_writes: recurrent.gru_update_writes,
    recurrent.bidirectional_lstm: recurrent.lstm,
}
"""Each with what its halves are."""


def from_zero(network: Of, a: Arguments, x: Any, end: str) -> tuple[Any, ...]:
    """What one half of a bidirectional network gives, which starts from 0."""
    weights = half(a, end)
    zero = np.zeros(len(weights["W_hh" if "W_hh" in weights else "W_hi"]))
    starts = {name: zero for name in ("h_0", "c_0") if name in network.shapes}
    return several(network(x=x, **starts, **weights))


@of_each({
    recurrent.bidirectional_simple_rnn: (
        "h/name/h_b-g", "h/exchange", "h_0/drop/0", "h_f/step/before", "g/drop/i", "h_b/drop/1", "order/bf",
    ),
    recurrent.bidirectional_gru: (
        "h/name/h_b-g", "h/exchange", "h_0/drop/0", "h_f/step/before", "g/drop/i", "g/drop/1", "h_b/drop/1",
        "everywhere/h_f-g", "order/bf",
    ),
    recurrent.bidirectional_gru_reset_after: (
        "h/name/h_b-g", "h/exchange", "h_0/drop/0", "h_f/step/before", "g/drop/i", "h_b/drop/1", "order/bf",
        "everywhere/h_f-g", "swap/b_h_f-b_hh_f",
    ),
    recurrent.bidirectional_gru_update_writes: (
        "recurrent.bidirectional_gru", "recurrent.bidirectional_gru_reset_after", "h/name/h_b-g", "h/exchange",
        "h_0/drop/0", "h_f/step/before", "g/drop/i", "h_b/drop/1", "order/bf",
    ),
    recurrent.bidirectional_lstm: (
        "h/name/h_b-g", "h/exchange", "zero/drop/0", "h_f, c_f/step/before", "g, c_b/drop/i", "h_b/drop/1", "order/bf",
        "h_f, c_f/order/ifog",
    ),
})  # fmt: skip
def halves_are_two_networks(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """The forward half runs on the input, the backward half on the input turned round, each alone and from 0."""
    h = f(**a)
    u = h.shape[1] // 2
    yield Equal(h[:, :u], from_zero(HALVES[of], a, a["x"], "_f")[0])
    yield Equal(h[::-1, u:], from_zero(HALVES[of], a, a["x"][::-1], "_b")[0])


@of_each(
    {
        recurrent.bidirectional_simple_rnn: ("h/name/h_b-g", "h_b/drop/1", "g/drop/1", "h_f/name/W_xh_f-W_xh_b"),
        recurrent.bidirectional_gru: ("h/name/h_b-g", "h_b/drop/1", "g/drop/1", "h_f/name/W_xr_f-W_xr_b"),
        recurrent.bidirectional_gru_reset_after: ("h/name/h_b-g", "h_b/drop/1", "g/drop/1", "h_f/name/b_hh_f-b_hh_b"),
        recurrent.bidirectional_gru_update_writes: ("h/name/h_b-g", "h_b/drop/1", "g/drop/1", "h_f/name/W_xr_f-W_xr_b"),
        recurrent.bidirectional_lstm: ("h/name/h_b-g", "h_b/drop/1", "g, c_b/drop/1", "h_f, c_f/name/W_xi_f-W_xi_b"),
    }
)
def halves_change_places_when_the_input_is_turned(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the input reversed and the two sets of weights exchanged the output is reversed, its halves exchanged."""
    swap = {"f": "b", "b": "f"}
    turned = {name: a[name[:-1] + swap[name[-1]]] for name in a if name != "x"}
    h = f(**a)
    yield Equal(f(x=a["x"][::-1], **turned), np.roll(h[::-1], h.shape[1] // 2, axis=1))


@of_each({
    recurrent.bidirectional_simple_rnn: ("h/name/h_b-g", "h/exchange", "h_f/step/after"),
    recurrent.bidirectional_gru: ("h/name/h_b-g", "h/exchange", "h_f/step/after"),
    recurrent.bidirectional_gru_reset_after: ("h/name/h_b-g", "h/exchange", "h_f/step/after"),
    recurrent.bidirectional_gru_update_writes: ("h/name/h_b-g", "h/exchange", "h_f/step/after"),
    recurrent.bidirectional_lstm: ("h/name/h_b-g", "h/exchange", "h_f, c_f/step/after"),
}, least={"t": 2})  # fmt: skip
def each_half_knows_what_it_has_read(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """The forward half does not depend on what comes later, nor the backward half on what came before."""
    h, cut = f(**a), len(a["x"]) // 2
    u = h.shape[1] // 2
    yield Equal(f(**{**a, "x": a["x"][:cut]})[:, :u], h[:cut, :u])
    yield Equal(f(**{**a, "x": a["x"][cut:]})[:, u:], h[cut:, u:])
