"""What must hold of gradients: of each here, of all in `_gradients`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from attnspec.equations import attention, backward
from attnspec.properties._gradients import gradients
from attnspec.properties._parts import value
from attnspec.properties.law import Arguments, Equal, Function, Relation, holds

SCALES = ("d_q/drop/√d", "d_q/scale/twice", "d_k/drop/√d", "d_k/scale/twice")

gradients({
    backward.scaled_dot_product: (
        *SCALES, "e/drop/√d", "p/function/no-softmax", "p/axis/i", "d_e/drop/D_i", "d_e/drop/p_ij", "d_e/exchange",
        "d_v/transpose/d_o", "swap/q-k", "swap/k-v", "last/i", "last/j",
    ),
})  # fmt: skip


@holds(backward.scaled_dot_product, kills=("d_e/drop/D_i", "d_e/drop/p_ij", "d_q/name/d_e-d_p", "p/axis/i"))
def what_all_keys_share_teaches_nothing(f: Function, a: Arguments) -> Iterator[Relation]:
    """With a vector added to every key, ∂q and ∂v stay: the gradients of a row of scores sum to 0."""
    whole = np.round(np.clip(a["k"], -8, 8))
    d_q, _, d_v = f(**{**a, "k": whole})
    shifted, _, same = f(**{**a, "k": whole + 4})
    yield Equal(shifted, d_q)
    yield Equal(same, d_v)


@holds(backward.scaled_dot_product, kills=(*SCALES, "d_q/name/d_e-p", "d_k/transpose/q"))
def queries_and_keys_learn_alike(f: Function, a: Arguments) -> Iterator[Relation]:
    """Σ_i q_i·∂q_i = Σ_j k_j·∂k_j, since queries times c and keys over c have the same scores."""
    d_q, d_k, _ = f(**a)
    yield Equal((a["q"] * d_q).sum(), (a["k"] * d_k).sum())


@holds(backward.scaled_dot_product, kills=("p/function/no-softmax", "p/axis/i", "d_v/name/p-e", "last/i"))
def values_share_the_gradients_of_what_was_read(f: Function, a: Arguments) -> Iterator[Relation]:
    """Σ_j ∂v_j = Σ_i ∂o_i, since the weights of a query sum to 1."""
    _, _, d_v = f(**a)
    yield Equal(d_v.sum(axis=0), a["d_o"].sum(axis=0))


@holds(backward.scaled_dot_product, kills=("d_v/name/p-e", "e/drop/√d"), equal=(("m", "e"),))
def unit_values_show_the_weights(f: Function, a: Arguments) -> Iterator[Relation]:
    """∂v_j of one query with the gradient c is p_j c: what the query reads of unit vectors, times c."""
    one = {**a, "q": a["q"][:1], "d_o": a["d_o"][:1]}
    _, _, d_v = f(**one)
    if len(a["q"]):
        (p,) = value(attention.scaled_dot_product, a["q"][:1], a["k"], np.eye(len(a["k"])))
        yield Equal(d_v, p[:, None] * a["d_o"][0])
