"""Side effects: inputs that a call changes, global state, and equations of attnspec that it evaluates."""

from __future__ import annotations

from collections.abc import Sequence

from attnspec.verification.sandbox.messages import Outcome

DRAWS_WEIGHTS = {
    "torch random generator": "a module made within the call draws its first weights there: make it once, or with "
    'device="meta"',
    "numpy random generator": "a layer made within the call draws its first weights there: make it once",
}
"""{global state: how right code comes to touch it, and what mends that}."""


def violation(calls: Sequence[tuple[object, Outcome]]) -> str | None:
    """Describe the first side effect of a candidate's calls; None if there is none.

    Args:
        calls: cases with the outcomes of their calls.
    """
    for _, outcome in calls:
        if outcome.changed_inputs:
            return f"it changes its inputs: {', '.join(outcome.changed_inputs)}"
        if outcome.global_state:
            advice = [DRAWS_WEIGHTS[each] for each in outcome.global_state if each in DRAWS_WEIGHTS]
            return "; ".join([f"it touches global state: {', '.join(outcome.global_state)}", *advice])
    return None


def asks_the_specification(calls: Sequence[tuple[object, Outcome]]) -> str:
    """Say that a candidate evaluates equations of attnspec itself, so that its verdict means nothing; else ""."""
    if any(outcome.evaluated for _, outcome in calls):
        return "it calls equations of attnspec: the specification would be compared with itself"
    return ""
