"""What a candidate touched besides its answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attnspec.verification.contract.side_effects import violation
from attnspec.verification.sandbox.messages import Outcome

CLEAN = Outcome("ok")


def found(*outcomes: Outcome) -> str | None:
    return violation([(None, outcome) for outcome in outcomes])


def test_who_touches_nothing_breaks_nothing() -> None:
    assert found() is None
    assert found(CLEAN, CLEAN) is None


@pytest.mark.parametrize(("names", "says"), [(("q",), "q"), (("q", "W_k"), "q, W_k")])
def test_changed_inputs_are_named(names: tuple[str, ...], says: str) -> None:
    assert found(CLEAN, replace(CLEAN, changed_inputs=names)) == f"it changes its inputs: {says}"


def test_touched_global_state_is_named() -> None:
    assert found(replace(CLEAN, global_state=("numpy error state",))) == "it touches global state: numpy error state"


def test_drawn_weights_are_explained() -> None:
    """A module that is made within the call draws from PyTorch's generator."""
    says = found(replace(CLEAN, global_state=("torch random generator", "default dtype")))

    assert says is not None
    assert says.startswith("it touches global state: torch random generator, default dtype; a module made within")


def test_drawn_weights_of_numpy_are_explained() -> None:
    says = found(replace(CLEAN, global_state=("numpy random generator",)))

    assert says == (
        "it touches global state: numpy random generator; a layer made within the call draws its first weights there: "
        "make it once"
    )


def test_the_first_call_that_touches_something_is_the_one_that_is_said() -> None:
    changes, draws = replace(CLEAN, changed_inputs=("q",)), replace(CLEAN, global_state=("environment",))

    assert found(CLEAN, draws, changes) == "it touches global state: environment"
    assert found(changes, draws) == "it changes its inputs: q"


def test_inputs_come_before_global_state() -> None:
    assert found(replace(CLEAN, changed_inputs=("q",), global_state=("environment",))) == "it changes its inputs: q"


@pytest.mark.parametrize("status", ["raised", "timeout"])
def test_a_call_without_an_answer_counts_too(status: str) -> None:
    outcome = Outcome(status="raised" if status == "raised" else "timeout", changed_inputs=("x",))

    assert found(outcome) == "it changes its inputs: x"
