"""The properties of a procedure, checked on a candidate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attnspec.properties.property import PROCEDURAL, Equal, Property
from attnspec.verification.candidate import answer_form
from attnspec.verification.procedures.candidate import ProceduralCandidate
from attnspec.verification.procedures.cases import Case


class Unanswered(Exception):
    """A call within a property has no answer."""


def check_properties(candidate: ProceduralCandidate, cases: Sequence[Case]) -> tuple[tuple[tuple[str, bool], ...], str]:
    """Check every property of the procedure on some cases.

    Returns:
        The name of each property with whether it holds, and a description of the first violation; "" if all hold.
    """
    properties = PROCEDURAL.get(candidate.procedure.id, ())
    violations = [_violation(candidate, property_, cases) for property_ in properties]
    held = tuple((property_.name, not violation) for property_, violation in zip(properties, violations, strict=True))
    return held, next(filter(None, violations), "")


def _violation(candidate: ProceduralCandidate, property_: Property, cases: Sequence[Case]) -> str:
    """Describe how a property is violated; "" if it holds."""

    def function(*args: Any, **case: Any) -> Any:
        outcome = candidate.call({**dict(zip(candidate.procedure.parameters, args, strict=False)), **case})
        if outcome.status != "ok" or candidate.form_fault(outcome):
            raise Unanswered(candidate.form_fault(outcome) or answer_form.describe_status(outcome))
        return outcome.answers[-1]

    for case in cases:
        try:
            for relation in property_.relations(function, case):
                assert isinstance(relation, Equal)
                if relation.left != relation.right:
                    return f"{property_.name}: {property_.says} Here {relation.left!r} is not {relation.right!r}"
        except Unanswered as error:
            return f"{property_.name}: {property_.says} Here {error}"
    return ""
