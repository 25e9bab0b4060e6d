"""What must hold of scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import scores
from attnspec.language.equation import Equation
from attnspec.properties.property import Arguments, Equal, Function, Relation, property_of
from attnspec.properties.shared import OPEN, negated, of_each, value, within, without


@property_of(scores.additive, kills=("e/function/no-tanh",))
def score_stays_within_the_readout(f: Function, a: Arguments) -> Iterator[Relation]:
    """|e_ij| ≤ ‖v_a‖₁."""
    yield from within(f(**a), np.abs(a["v_a"]).sum())


@property_of(scores.additive, kills=("e/function/no-tanh", "e/function/sigmoid", "e/transpose/W", "e/transpose/U"))
def one_matrix_does_for_two(f: Function, a: Arguments) -> Iterator[Relation]:
    """With query and key end to end and W stacked on U: e_ij = tanh([s_i; h_j] W') · v_a."""
    n, m = len(a["s"]), len(a["h"])
    queries, keys = np.repeat(a["s"][:, None], m, axis=1), np.repeat(a["h"][None], n, axis=0)
    joined = np.concatenate([queries, keys], axis=-1) @ np.concatenate([a["W"], a["U"]])
    yield Equal(f(**a), np.tanh(joined) @ a["v_a"])


@property_of(scores.additive, kills=("e/function/sigmoid", "e/function/relu"))
def score_is_odd(f: Function, a: Arguments) -> Iterator[Relation]:
    """With query and key negated the score is negated, and so with the readout negated."""
    yield Equal(f(**negated(a, "s", "h")), -f(**a))
    yield Equal(f(**negated(a, "v_a")), -f(**a))


@property_of(scores.dot, least={"n": 1})
def query_and_key_change_places(f: Function, a: Arguments) -> Iterator[Relation]:
    """q · k = k · q."""
    yield Equal(f(q=a["k"], k=a["q"]).T, f(**a))


@property_of(scores.dot, kills=("e/transpose/k",))
def unit_query_reads_the_key(f: Function, a: Arguments) -> Iterator[Relation]:
    """The unit vectors as queries give the components of each key."""
    yield Equal(f(**{**a, "q": np.eye(a["q"].shape[1])}), a["k"].T)


@property_of(
    scores.scaled_dot, kills=("e/function/no-sqrt", "e/scale/twice", "e/scale/times", "e/size/m", "e/size/d+1")
)
def it_is_dot_over_the_root_of_the_width(f: Function, a: Arguments) -> Iterator[Relation]:
    """e = (q · k) / √d."""
    yield Equal(f(**a), value(scores.dot, **a) / np.sqrt(a["k"].shape[1]))


@property_of(scores.scaled_dot, kills=("e/function/no-sqrt", "e/scale/twice", "e/scale/times", "e/size/d+1"))
def variance_stays_one(f: Function, a: Arguments) -> Iterator[Relation]:
    """Components of unit variance give a score of unit variance: Σ_l e(unit vector l, k)² = 1 for k of ones."""
    e = f(q=np.eye(a["q"].shape[1]), k=np.ones_like(a["k"]))
    yield Equal((e * e).sum(axis=0), np.ones(len(a["k"])))


@property_of(scores.bilinear, equal=(("p", "d"),), kills=("e/transpose/q", "e/transpose/k"))
def identity_makes_it_dot(f: Function, a: Arguments) -> Iterator[Relation]:
    """W = I is the inner product."""
    yield Equal(f(**{**a, "W": np.eye(len(a["W"]))}), value(scores.dot, a["q"], a["k"]))


@property_of(scores.bilinear, kills=("e/transpose/W", "e/transpose/q", "e/transpose/k"))
def matrix_maps_the_query(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the inner product of q W with k, or of q with k Wᵀ."""
    yield Equal(f(**a), value(scores.dot, a["q"] @ a["W"], a["k"]))
    yield Equal(f(**a), value(scores.dot, a["q"], a["k"] @ a["W"].T))


@property_of(scores.linear, kills=("e/transpose/W_q", "e/memory/W_q", "e/transpose/W_k", "e/memory/W_k"))
def merged_matrices_make_it_bilinear(f: Function, a: Arguments) -> Iterator[Relation]:
    """With W = W_q W_kᵀ it is the bilinear score."""
    yield Equal(f(**a), value(scores.bilinear, a["s"], a["h"], a["W_q"] @ a["W_k"].T))


@property_of(scores.nonlinear, kills=("q/function/no-tanh", "q/function/relu", "q/drop/b_q", "k/bracket/tanh-b_k"))
def score_stays_within_the_width(f: Function, a: Arguments) -> Iterator[Relation]:
    """|e_ij| ≤ a, and it is a where every unit of both layers is at its end."""
    width = float(len(a["b_q"]))
    yield from within(f(**a), width)
    ends = {name: np.full_like(a[name], OPEN) for name in ("b_q", "b_k")}
    yield Equal(f(**without({**a, **ends}, "W_q", "W_k")), np.full((len(a["s"]), len(a["h"])), width))


@property_of(scores.nonlinear, kills=("q/function/sigmoid", "q/function/relu", "k/function/sigmoid", "k/function/relu"))
def each_side_is_odd(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the query and its bias negated, or the key and its bias, the score is negated."""
    yield Equal(f(**negated(a, "s", "b_q")), -f(**a))
    yield Equal(f(**negated(a, "h", "b_k")), -f(**a))


@property_of(scores.nonlinear, kills=("q/drop/b_q", "k/drop/b_k", "q/name/b_q-b_k", "q/memory/W_q", "k/transpose/W_k"))
def it_is_dot_of_two_layers(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the inner product of tanh(s W_q + b_q) with tanh(h W_k + b_k)."""
    q, k = np.tanh(a["s"] @ a["W_q"] + a["b_q"]), np.tanh(a["h"] @ a["W_k"] + a["b_k"])
    yield Equal(f(**a), value(scores.dot, q, k))


@of_each({
    scores.linear: (),
    scores.nonlinear: ("q/drop/b_q", "k/function/no-tanh", "q/function/sigmoid", "q/name/b_q-b_k"),
}, least={"n": 1})  # fmt: skip
def sides_are_alike(of: Equation[..., Any], f: Function, a: Arguments) -> Iterator[Relation]:
    """With query and key exchanged, and their weights, the scores are transposed."""
    swap = {"s": "h", "h": "s", "W_q": "W_k", "W_k": "W_q", "b_q": "b_k", "b_k": "b_q"}
    yield Equal(f(**{name: a[swap[name]] for name in a}).T, f(**a))
