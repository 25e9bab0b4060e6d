"""Side effects: changed inputs and global state."""

from __future__ import annotations

from collections.abc import Sequence

from attnspec.verification.sandbox.messages import Outcome

DRAWN = '; a module made within the call draws its first weights there: make it once, or with device="meta"'


def violation(asked: Sequence[tuple[object, Outcome]]) -> str | None:
    """Describe the first side effect of some calls; None if there is none."""
    for _, outcome in asked:
        if outcome.changed_inputs:
            return f"it changes its inputs: {', '.join(outcome.changed_inputs)}"
        if outcome.global_state:
            drawn = DRAWN if "torch random generator" in outcome.global_state else ""
            return f"it touches global state: {', '.join(outcome.global_state)}{drawn}"
    return None
