"""What was done over a batch in place of summing its gradients is named, where that is all that is wrong."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.rounding.policy import preset
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case
from attnspec.verification.diagnosis.batch_reduction import batch_reduction
from attnspec.verification.diagnosis.counted_examples import counted_examples
from attnspec.verification.diagnosis.mistaken_axes import exchanged_axes, merged_examples, reversed_axis
from attnspec.verification.judge.judge import Judge
from synthetic import Array, case_of

LINEAR = "backward.linear"
WANTED = ("x", "W", "b")
SHARED = (1, 2)
"""The outputs that are summed over a batch: the gradients of W and b."""

REDUCTIONS: dict[str, Callable[[Array], Array]] = {
    "the mean": lambda own: own.mean(axis=0),
    "that of the last example": lambda own: own[-1],
    "that of the first example": lambda own: own[0],
    "that of all but the last example": lambda own: own[:-1].sum(axis=0),
    "that of the first 2 examples": lambda own: own[:2].sum(axis=0),
}


@cache
def judge() -> Judge:
    return Judge(REGISTRY[LINEAR], "float32")


@cache
def cases() -> tuple[Case, ...]:
    return tuple(replace(case_of(LINEAR, batch=batch, seed=batch, t=4, d=5, e=3), summed=WANTED) for batch in (2, 3, 5))


def reduced(reduction: Callable[[Array], Array], only: tuple[int, ...] = SHARED) -> str:
    """What is named where some gradients are reduced in another way, and all others are summed."""
    definition = REGISTRY[LINEAR].definition
    observations = []
    for case in cases():
        own = [np.asarray(each) for each in evaluate(definition, (), case.arguments)]
        answers = (
            gradient if place not in SHARED else reduction(gradient) if place in only else gradient.sum(axis=0)
            for place, gradient in enumerate(own)
        )
        observations.append(Observation(case, tuple(answers)))
    return batch_reduction(definition, judge().compare(observations, preset("op-by-op", "float32")))


@pytest.mark.parametrize("says", REDUCTIONS)
def test_another_reduction_is_named(says: str) -> None:
    assert reduced(REDUCTIONS[says]) == f"d_W and d_b, over a batch: {says} instead of the sum"


@pytest.mark.parametrize("says", REDUCTIONS)
def test_only_the_gradients_that_are_reduced_otherwise_are_named(says: str) -> None:
    assert reduced(REDUCTIONS[says], (2,)) == f"d_b, over a batch: {says} instead of the sum"


def test_a_sum_over_the_batch_is_right() -> None:
    assert reduced(lambda own: own.sum(axis=0)) == ""


@pytest.mark.parametrize(
    "reduction",
    [lambda own: 2 * own.sum(axis=0), lambda own: own.max(axis=0), lambda own: own.mean(axis=0) + 0.1],
    ids=["twice the sum", "the largest", "the mean and more"],
)
def test_what_is_no_known_reduction_is_not_named(reduction: Callable[[Array], Array]) -> None:
    assert reduced(reduction) == ""


def test_a_wrong_gradient_of_an_example_is_no_matter_of_the_batch() -> None:
    """Where a gradient that every example has for itself is wrong too, the batch is not all."""
    definition, case = REGISTRY[LINEAR].definition, cases()[1]
    own = [np.asarray(each) for each in evaluate(definition, (), case.arguments)]
    observation = Observation(case, (own[0] + 1, own[1].mean(axis=0), own[2].mean(axis=0)))

    assert batch_reduction(definition, judge().compare([observation], preset("op-by-op", "float32"))) == ""


def test_of_a_batch_of_one_no_reduction_can_be_named() -> None:
    """All of them are its own gradient."""
    definition, case = REGISTRY[LINEAR].definition, replace(case_of(LINEAR, batch=1), summed=WANTED)
    own = [np.asarray(each) for each in evaluate(definition, (), case.arguments)]
    observation = Observation(case, (own[0], own[1][0] + 1, own[2][0] + 1))

    assert batch_reduction(definition, judge().compare([observation], preset("op-by-op", "float32"))) == ""


def test_a_case_without_a_batch_does_not_name_one() -> None:
    definition, case = REGISTRY[LINEAR].definition, replace(case_of(LINEAR), summed=WANTED)
    wrong = tuple(np.asarray(each) + 1 for each in evaluate(definition, (), case.arguments))

    seen = judge().compare([Observation(case, wrong)], preset("op-by-op", "float32"))
    assert all(each.fails for each in seen)
    assert batch_reduction(definition, seen) == ""


def test_what_overflows_is_no_warning() -> None:
    """Warnings are errors here; users would see them between the lines of a verdict."""
    definition, ordinary = REGISTRY[LINEAR].definition, cases()[0]
    own = [np.asarray(each) for each in evaluate(definition, (), ordinary.arguments)]
    seen = Observation(ordinary, (own[0], own[1].mean(axis=0), own[2].mean(axis=0)))
    huge = replace(ordinary, arrays={name: 1e200 * array for name, array in ordinary.arrays.items()})
    compared = [replace(each, case=huge) for each in judge().compare([seen], preset("op-by-op", "float32"))]

    assert batch_reduction(definition, compared) == ""


def test_a_mean_over_no_examples_is_named_too() -> None:
    """The mean of no gradients is NaN, where their sum is 0."""
    definition = REGISTRY[LINEAR].definition
    none = replace(case_of(LINEAR, batch=0, seed=1, t=4, d=5, e=3), summed=WANTED)
    observations = []
    for case in (none, *cases()):
        own = [np.asarray(each) for each in evaluate(definition, (), case.arguments)]
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            answers = [gradient.mean(axis=0) if place in SHARED else gradient for place, gradient in enumerate(own)]
        observations.append(Observation(case, tuple(answers)))
    says = batch_reduction(definition, judge().compare(observations, preset("op-by-op", "float32")))
    assert says.endswith("over a batch: the mean instead of the sum")


@pytest.mark.parametrize("search", [counted_examples, merged_examples, exchanged_axes, reversed_axis])
def test_searches_of_examples_leave_summed_gradients_alone(search: Callable[..., object]) -> None:
    """A gradient that is summed over a batch has no examples; nothing ends with an error."""
    definition = REGISTRY[LINEAR].definition
    observations = []
    for batch in (3, 5):
        case = replace(case_of(LINEAR, batch=batch, seed=batch, t=5, d=5, e=3), summed=WANTED)
        own = [np.asarray(each) for each in evaluate(definition, (), case.arguments)]
        answers = (each.sum(axis=0) * 1.5 if place in SHARED else each for place, each in enumerate(own))
        observations.append(Observation(case, tuple(answers)))
    assert search(judge(), observations, preset("op-by-op", "float32")) is None
