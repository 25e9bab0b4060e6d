"""What a candidate touched besides its answer."""

from __future__ import annotations

from collections.abc import Sequence

from attnspec.verification.sandbox.messages import Outcome

DRAWN = '; a module made within the call draws its first weights there: make it once, or with device="meta"'


def violation(asked: Sequence[tuple[object, Outcome]]) -> str | None:
    """What else a candidate touched, in words; None where it kept to itself."""
    for _, outcome in asked:
        if outcome.changed_inputs:
            return f"it changes its inputs: {', '.join(outcome.changed_inputs)}"
        if outcome.global_state:
            drawn = DRAWN if "torch random generator" in outcome.global_state else ""
            return f"it touches global state: {', '.join(outcome.global_state)}{drawn}"
    return None
