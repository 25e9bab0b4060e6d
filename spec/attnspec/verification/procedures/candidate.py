"""A candidate for a procedure: how it is called, and whether its answers are the procedure's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from attnspec.verification.procedures.cases import Case
from attnspec.verification.procedures.question import ProceduralQuestion
from attnspec.verification.sandbox.binding import Plan, bind, describe_binding
from attnspec.verification.sandbox.messages import Outcome, PlainRequest
from attnspec.verification.sandbox.plain_values import type_mismatch
from attnspec.verification.sandbox.runner import Runner


@dataclass
class ProceduralCandidate:
    """Calls the callable of a question.

    Attributes:
        question: what is to be judged.
        runner: a sandbox with the target loaded.
        calls: every case so far, with the outcome of its call.
        plan: how the callable's parameters are matched; empty before `bind`.
    """

    question: ProceduralQuestion
    runner: Runner
    calls: list[tuple[Case, Outcome]] = field(default_factory=list)
    plan: Plan = field(default_factory=list)

    def __post_init__(self) -> None:
        self.procedure = self.question.procedure

    def bind(self) -> None:
        """Match the callable's parameters with the procedure's.

        Raises:
            BindingError: they do not match.
        """
        self.plan = bind(
            self.question.callable.parameters,
            self.procedure.parameters,
            self.procedure.options,
            dict(self.question.bind),
            name=self.question.implementation,
            equation=self.procedure.id,
        )

    @property
    def bound(self) -> str:
        """What was bound to what, where it was not by the procedure's own names; "" if nothing was."""
        return describe_binding(self.plan, self.question.callable.parameters)

    def request(self, case: Case, *, earlier: Case | None = None, times: int = 1) -> PlainRequest:
        """Return the call of a case; `earlier` and `times` are those of `PlainRequest`."""
        return PlainRequest(self.question.callable.name, case, self.plan, earlier, times)

    def observe(self, cases: Sequence[Case]) -> None:
        """Call the candidate on cases and keep the outcomes; a hang or a crash is the last."""
        outcomes = self.runner.call_many([self.request(case) for case in cases])
        for case, outcome in zip(cases, outcomes, strict=False):
            self.calls.append((case, outcome))
            if outcome.status in ("timeout", "crashed"):
                break

    def call(self, case: Case, *, earlier: Case | None = None, times: int = 1) -> Outcome:
        """Call the candidate on one case, whose outcome is not kept."""
        (outcome,) = self.runner.call_many([self.request(case, earlier=earlier, times=times)])
        return outcome

    def expected(self, case: Case) -> Any:
        """Return the procedure's answer."""
        return self.procedure(**case)

    def form_fault(self, outcome: Outcome) -> str:
        """Describe what is wrong with the type of an answer; "" if nothing is."""
        if outcome.not_plain:
            return f"it returns {outcome.not_plain} where {self.procedure.gives} belongs"
        faults = (type_mismatch(answer, self.procedure.types["return"]) for answer in outcome.answers)
        return next((f"it returns {fault}" for fault in faults if fault), "")

    def is_right(self, case: Case, outcome: Outcome) -> bool:
        """Return whether the last answer is the procedure's."""
        if outcome.status != "ok" or self.form_fault(outcome):
            return False
        return bool(outcome.answers[-1] == self.expected(case))

    def is_usable_and_wrong(self, case: Case, outcome: Outcome) -> bool:
        """Return whether an answer is of the right type, and not the procedure's."""
        return outcome.status == "ok" and not self.form_fault(outcome) and not self.is_right(case, outcome)

    def wrong_cases(self) -> list[Case]:
        """Return the cases whose answer is not the procedure's."""
        return [case for case, outcome in self.calls if not self.is_right(case, outcome)]
