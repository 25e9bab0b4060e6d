"""A candidate while it is questioned: how it is called, on which cases, and what came of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from attnspec.implementation import DTYPES
from attnspec.verification.candidate import answer_form
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.candidate.question import Question
from attnspec.verification.cases.case import Case, Description, make
from attnspec.verification.cases.distributions import HIDDEN
from attnspec.verification.cases.grid import grid
from attnspec.verification.cases.recorded_cases import Reader, RecordedCases
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.sandbox.binding import Plan, bind
from attnspec.verification.sandbox.messages import Layout, Outcome, Request
from attnspec.verification.sandbox.runner import Runner


@dataclass
class Candidate:
    """Calls the callable of a question.

    Attributes:
        asked: every case so far, with what came of it.
    """

    question: Question
    runner: Runner
    asked: list[tuple[Case, Outcome]] = field(default_factory=list)
    plan: Plan = field(default_factory=list)

    def bound(self) -> None:
        """Match the callable's parameters with the equation's.

        Raises:
            BindingError: they do not match.
        """
        question, definition = self.question, self.question.called.definition
        self.plan = bind(
            question.found.parameters,
            [parameter.name for parameter in definition.parameters],
            [*(option.name for option in definition.options), *question.asks_dtype],
            dict(question.bind),
            name=question.shown or question.found.name,
            equation=question.called.id,
        )

    def told(self) -> Iterator[Case]:
        """The cases that are always there, as far as they are claimed: the fixed suite, then the grid."""
        question, claim = self.question, self.question.claim
        if question.only_inputs:
            return
        for cases in (standard_suite, grid):
            for description in cases(question.equation, question.least, claim.batch):
                hidden = description.regime == HIDDEN and claim.finite
                if not hidden and description.layout in question.layouts:
                    yield self.made(description)

    def hidden(self) -> Iterator[Case]:
        """Cases beyond a claim of finite inputs: what they do is a finding, not a verdict."""
        if self.question.only_inputs:
            return
        for description in standard_suite(self.question.equation, self.question.least, self.question.claim.batch):
            if description.regime == HIDDEN and self.question.claim.finite:
                yield self.made(description)

    def with_unclaimed_axes(self) -> Iterator[Case]:
        """Cases with two batch axes, where one is claimed and two are not: contiguous, then with the axes exchanged."""
        question, claimed = self.question, self.question.claim.batch
        if question.only_inputs or 1 not in claimed or 2 in claimed:
            return
        _, usual = islice(standard_suite(question.equation, question.least, (2,)), 2)
        for layout in ("contiguous", "exchanged"):
            if layout in question.layouts:
                yield self.made(replace(usual, layout=layout))

    def recorded(self) -> RecordedCases:
        """The cases that were handed over, as far as they are claimed.

        Raises:
            SpecError: they are not the equation's.
        """
        question, claim = self.question, self.question.claim
        reader = Reader(
            question.equation,
            question.dtype,
            dict(question.names),
            question.least,
            claim.batch,
            claim.finite,
            question.seed,
        )
        recorded = reader.read(question.inputs)
        return replace(recorded, cases=tuple(self.asked_as(case) for case in recorded.cases))

    def made(self, description: Description) -> Case:
        return self.asked_as(make(self.question.equation, description, self.question.dtype))

    def asked_as(self, case: Case) -> Case:
        """A case as this candidate is asked it: automatic differentiation sums over a batch what its examples share."""
        gradients = self.question.gradients
        return case if gradients is None else replace(case, summed=gradients.inputs)

    def request(self, case: Case) -> Request:
        """One call, its arrays in a form that travels."""
        question = self.question
        held = "float32" if question.dtype == "bfloat16" else question.dtype
        arrays = {name: array.astype(held) if array.dtype.kind == "f" else array for name, array in case.arrays.items()}
        return Request(
            question.found.name,
            arrays,
            case.options,
            question.dtype,
            question.device,
            question.framework,
            self.plan,
            cast(Layout, case.layout),
            len(question.equation.definition.results),
            gradients=question.gradients,
        )

    def observe(self, cases: Sequence[Case]) -> list[Observation]:
        """Run it; what came of every case is kept, what can be judged is returned. A hang or a crash is the last."""
        found = []
        for case, outcome in zip(cases, self.runner.call_many([self.request(case) for case in cases]), strict=False):
            self.asked.append((case, outcome))
            answers = self.answers(case, outcome)
            if answers is not None:
                found.append(Observation(case, answers))
            elif outcome.status in ("timeout", "crashed"):
                break
        return found

    def once(self, case: Case, **how: Any) -> tuple[Outcome, tuple[NDArray[Any], ...] | None]:
        """One call beside the record, or as the fields of a request say, and its answers if they can be judged."""
        (outcome,) = self.runner.call_many([replace(self.request(case), **how)])
        return outcome, self.answers(case, outcome)

    def pulled_twice(self, case: Case) -> tuple[Outcome, tuple[NDArray[Any], ...] | None]:
        """One forward pass, and of two backward passes on it the second."""
        assert self.question.gradients is not None
        return self.once(case, gradients=replace(self.question.gradients, repeat=True))

    def second(self, case: Case, arrays: dict[str, NDArray[Any]]) -> Outcome:
        """The backward pass of the backward pass, in float64, for gradients of the gradients."""
        request = self.request(case)
        assert request.gradients is not None
        gradients = replace(request.gradients, second_order=tuple(arrays))
        outputs = len(gradients.output_gradients) + len(gradients.inputs)
        (outcome,) = self.runner.call_many(
            [replace(request, arrays={**case.arrays, **arrays}, dtype="float64", gradients=gradients, outputs=outputs)]
        )
        return outcome

    def in_turn(self, first: Case, then: Case) -> tuple[Outcome, list[Observation]]:
        """A call, then another with the same arrays overwritten; both answers are read after the second."""
        request = replace(self.request(then), before=self.request(first).arrays)
        (outcome,) = self.runner.call_many([request])
        half = len(outcome.outputs) // 2
        halves = ((first, outcome.outputs[:half]), (then, outcome.outputs[half:]))
        read = [(case, self.answers(case, replace(outcome, outputs=outputs))) for case, outputs in halves]
        return outcome, [Observation(case, answers) for case, answers in read if answers is not None]

    def answers(self, case: Case, outcome: Outcome) -> tuple[NDArray[Any], ...] | None:
        """What it answered, in float64; None where that is not of the right form."""
        if not answer_form.answered(outcome, case, self.question.equation, self.question.dtype):
            return None
        return tuple(np.asarray(output.value, dtype=np.float64) for output in outcome.outputs)


def in_answered_dtype(question: Question, runner: Runner) -> Question:
    """The question in the dtype that the callable answers in, where neither an input nor anybody says which.

    Raises:
        BindingError: the callable's parameters do not match.
    """
    definition = question.equation.definition
    if definition.dtype_is_given or question.asks_dtype:
        return question
    candidate = Candidate(question, runner)
    candidate.bound()
    outcome, _ = candidate.once(next(candidate.told()))
    kinds = zip(outcome.outputs, definition.results, strict=False)
    found = [output.dtype for output, result in kinds if result.kind == "float" and output.dtype in DTYPES]
    return replace(question, dtype=found[0]) if found and found[0] else question
