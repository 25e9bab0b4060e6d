"""What must hold of optimisers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import optimizer
from attnspec.language.equation import Equation
from attnspec.properties.property import Arguments, Equal, Function, Relation, property_of
from attnspec.properties.shared import of_each, value, without

Of = Equation[..., Any]
INNER = "theta_adam, m_next, v_next"


@property_of(optimizer.sgd, kills=("the result/drop/θ", "the result/name/theta-g", "the result/drop/lr"))
def it_goes_against_the_gradient(f: Function, a: Arguments) -> Iterator[Relation]:
    """Without a gradient theta stays; where theta is 0 the step is left, lr times the gradient."""
    yield Equal(f(**without(a, "g")), a["theta"])
    yield Equal(f(**without(a, "theta")), -a["lr"] * a["g"])


@property_of(optimizer.sgd_momentum, kills=("m_next/drop/μ", "m_next/drop/g", "theta_next/drop/θ", "rate_inside"))
def without_momentum_it_is_sgd(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where there was no gradient before it is sgd, and the new m is the gradient."""
    theta, m = f(**without(a, "m"))
    yield Equal(theta, value(optimizer.sgd, theta=a["theta"], g=a["g"], lr=a["lr"]))
    yield Equal(m, a["g"])
    yield Equal(f(**without(a, "g"))[1], a["mu"] * a["m"])


@property_of(optimizer.adam, kills=("v_next/drop/g", "m_next/drop/1−β_1", "m_hat/drop/1", "eps_inside", "one_step_on"))
def first_step_has_the_size_of_the_rate(f: Function, a: Arguments) -> Iterator[Relation]:
    """The first step is lr · g / (|g| + eps): the corrected means are the gradient and its square."""
    theta, m, v = f(**{**without(a, "m", "v"), "step": 1})
    yield Equal(theta, a["theta"] - a["lr"] * a["g"] / (np.abs(a["g"]) + a["eps"]))
    yield Equal(m, (1 - a["beta_1"]) * a["g"])
    yield Equal(v, (1 - a["beta_2"]) * a["g"] * a["g"])


@property_of(
    optimizer.adam, kills=("m_next/drop/β_1", "v_next/drop/β_2", "v_next/name/v-m", "eps_before_the_correction")
)
def means_shrink_without_a_gradient(f: Function, a: Arguments) -> Iterator[Relation]:
    """Without a gradient m and v shrink by beta_1 and beta_2, and the step is along m."""
    theta, m, v = f(**without(a, "g"))
    yield Equal(m, a["beta_1"] * a["m"])
    yield Equal(v, a["beta_2"] * a["v"])
    first, second = (1 - a[name] ** a["step"] for name in ("beta_1", "beta_2"))
    root = np.sqrt(a["beta_2"] * a["v"] / second) + a["eps"]
    yield Equal(theta, a["theta"] - a["lr"] * (a["beta_1"] * a["m"] / first) / root)


def plain(a: Arguments) -> dict[str, Any]:
    """What adam takes."""
    return {name: each for name, each in a.items() if name != "decay"}


@of_each({
    optimizer.adamw: ("theta_next/name/theta-g", f"{INNER}/name/theta-g", f"{INNER}/m_next/drop/g"),
    optimizer.adam_l2: ("g_decayed/name/g-theta", "theta_next, m_next, v_next/m_next/drop/g"),
})  # fmt: skip
def without_decay_it_is_adam(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Where theta is 0 nothing decays: it is adam."""
    still = without(a, "theta")
    for found, wanted in zip(f(**still), value(optimizer.adam, **plain(still)), strict=True):
        yield Equal(found, wanted)


@property_of(
    optimizer.adamw, kills=("optimizer.adam_l2", "decayed_after", "theta_next/drop/lr", "theta_next/drop/decay")
)
def decay_is_of_the_old_parameters_alone(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is adam, less lr · decay · theta; m and v are those of adam."""
    theta, m, v = f(**a)
    of_adam = value(optimizer.adam, **plain(a))
    yield Equal(theta, of_adam[0] - a["lr"] * a["decay"] * a["theta"])
    yield Equal(m, of_adam[1])
    yield Equal(v, of_adam[2])


@property_of(optimizer.adam_l2, kills=("optimizer.adamw", "g_decayed/drop/decay", "g_decayed/drop/θ"))
def decay_is_part_of_the_gradient(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is adam of the gradient with decay · theta in it."""
    wanted = value(optimizer.adam, **{**plain(a), "g": a["g"] + a["decay"] * a["theta"]})
    for found, each in zip(f(**a), wanted, strict=True):
        yield Equal(found, each)
