"""Side effects: inputs that a call changes, and global state."""

from __future__ import annotations

from collections.abc import Sequence

from attnspec.verification.sandbox.messages import Outcome

DRAWS_WEIGHTS = '; a module made within the call draws its first weights there: make it once, or with device="meta"'


def violation(calls: Sequence[tuple[object, Outcome]]) -> str | None:
    """Describe the first side effect of a candidate's calls; None if there is none.

    Args:
        calls: cases with the outcomes of their calls.
    """
    for _, outcome in calls:
        if outcome.changed_inputs:
            return f"it changes its inputs: {', '.join(outcome.changed_inputs)}"
        if outcome.global_state:
            advice = DRAWS_WEIGHTS if "torch random generator" in outcome.global_state else ""
            return f"it touches global state: {', '.join(outcome.global_state)}{advice}"
    return None
