"""A candidate under test: the cases on which it is called, the calls, and its answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError
from attnspec.implementation import DTYPES
from attnspec.thresholds import STRENGTHENING_ROUNDS
from attnspec.verification.candidate import answer_form
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.candidate.question import Question
from attnspec.verification.cases.case import Case, Description, make
from attnspec.verification.cases.distributions import HIDDEN
from attnspec.verification.cases.grid import grid
from attnspec.verification.cases.recorded_cases import Reader, RecordedCases
from attnspec.verification.cases.suite import ROUND_SEEDS, standard_suite
from attnspec.verification.sandbox.binding import Plan, bind
from attnspec.verification.sandbox.messages import Layout, Outcome, Request
from attnspec.verification.sandbox.runner import Runner


@dataclass
class Candidate:
    """Calls the callable of a question.

    Attributes:
        question: what is to be judged.
        runner: a sandbox with the target loaded.
        calls: every case so far, with the outcome of its call.
        plan: how the callable's parameters are matched; empty before `bind`.
    """

    question: Question
    runner: Runner
    calls: list[tuple[Case, Outcome]] = field(default_factory=list)
    plan: Plan = field(default_factory=list)

    def bind(self) -> None:
        """Match the callable's parameters with the equation's.

        Raises:
            BindingError: they do not match.
        """
        question, definition = self.question, self.question.called.definition
        self.plan = bind(
            question.callable.parameters,
            [parameter.name for parameter in definition.parameters],
            [*(option.name for option in definition.options), *question.dtype_option],
            dict(question.bind),
            name=question.implementation,
            equation=question.called.id,
        )

    def standard_cases(self) -> Iterator[Case]:
        """The cases that are always there, as far as they are claimed: the fixed suite, then the grid."""
        if self.question.only_inputs:
            return
        descriptions = self._with_seed(self.question.case) if self.question.case is not None else self._standard()
        for description in descriptions:
            yield self.make_case(description)

    def _standard(self) -> Iterator[Description]:
        question, claim = self.question, self.question.claim
        for cases in (standard_suite, grid):
            for description in cases(question.equation, question.least, claim.batch):
                hidden = description.regime == HIDDEN and claim.finite
                if not hidden and description.layout in question.layouts:
                    yield description

    def _with_seed(self, seed: int) -> Iterator[Description]:
        """The case with a seed, among the standard ones and those that are added while mutants survive.

        Raises:
            SpecError: there is no such case.
        """
        standard = [*self._standard()]
        for added in range(0, (STRENGTHENING_ROUNDS + 1) * ROUND_SEEDS, ROUND_SEEDS):
            found = [replace(each, seed=seed) for each in standard if each.seed + added == seed]
            if found:
                yield found[0]
                return
        seeds = [each.seed for each in standard]
        raise SpecError(
            f"no case has the seed {seed}",
            given=f"--case {seed}",
            expected=f"a seed that a verdict names, such as {min(seeds)} to {max(seeds)}" if seeds else "drawn cases",
            mend="a random case has no such seed; keep it with --keep-case FILE.npz, and ask it with --inputs FILE.npz",
        )

    def hidden_cases(self) -> Iterator[Case]:
        """The cases with NaN or infinity, if only finite inputs are claimed. They never change a verdict."""
        if self.question.is_narrowed:
            return
        for description in standard_suite(self.question.equation, self.question.least, self.question.claim.batch):
            if description.regime == HIDDEN and self.question.claim.finite:
                yield self.make_case(description)

    def cases_with_unclaimed_axes(self) -> Iterator[Case]:
        """Cases with two batch axes if one is claimed and two are not: contiguous, then with the axes exchanged."""
        question, claimed = self.question, self.question.claim.batch
        if question.is_narrowed or 1 not in claimed or 2 in claimed:
            return
        _, usual = islice(standard_suite(question.equation, question.least, (2,)), 2)
        for layout in ("contiguous", "exchanged"):
            if layout in question.layouts:
                yield self.make_case(replace(usual, layout=layout))

    def recorded_cases(self) -> RecordedCases:
        """The recorded cases that the claim covers.

        Raises:
            SpecError: they do not fit the equation.
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
        return replace(recorded, cases=tuple(self.with_summed_gradients(case) for case in recorded.cases))

    def make_case(self, description: Description) -> Case:
        """Draw the arrays of a case."""
        return self.with_summed_gradients(make(self.question.equation, description, self.question.dtype))

    def with_summed_gradients(self, case: Case) -> Case:
        """A case in which gradients are sums over the batch wherever automatic differentiation sums.

        A case of an equation that is not judged through automatic differentiation stays as it is.
        """
        gradients = self.question.gradients
        return case if gradients is None else replace(case, summed=gradients.inputs)

    def request(self, case: Case) -> Request:
        """Return the message that asks the worker process for one call."""
        question = self.question
        storage = "float32" if question.dtype == "bfloat16" else question.dtype
        arrays = {
            name: array.astype(storage) if array.dtype.kind == "f" else array for name, array in case.arrays.items()
        }
        return Request(
            question.callable.name,
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
        """Call the candidate on cases. Every outcome is kept in `calls`; no case follows a hang or a crash.

        Returns:
            The answers that can be judged.
        """
        observations = []
        for case, outcome in zip(cases, self.runner.call_many([self.request(case) for case in cases]), strict=False):
            self.calls.append((case, outcome))
            answers = self.answers(case, outcome)
            if answers is not None:
                observations.append(Observation(case, answers))
            elif outcome.status in ("timeout", "crashed"):
                break
        return observations

    def call(self, case: Case, **how: Any) -> tuple[Outcome, tuple[NDArray[Any], ...] | None]:
        """Call the candidate on one case, whose outcome is not kept.

        Args:
            how: fields of the request that differ from the usual ones.

        Returns:
            The outcome, and the answers in float64; None if they cannot be judged.
        """
        (outcome,) = self.runner.call_many([replace(self.request(case), **how)])
        return outcome, self.answers(case, outcome)

    def backward_twice(self, case: Case) -> tuple[Outcome, tuple[NDArray[Any], ...] | None]:
        """Run two backward passes on one forward pass; the answers are those of the second."""
        assert self.question.gradients is not None
        return self.call(case, gradients=replace(self.question.gradients, repeat=True))

    def double_backward(self, case: Case, arrays: dict[str, NDArray[Any]]) -> Outcome:
        """Run the backward pass of the backward pass in float64.

        Args:
            arrays: gradients of a loss with respect to the gradients, by name.
        """
        request = self.request(case)
        assert request.gradients is not None
        gradients = replace(request.gradients, second_order=tuple(arrays))
        outputs = len(gradients.output_gradients) + len(gradients.inputs)
        (outcome,) = self.runner.call_many(
            [replace(request, arrays={**case.arrays, **arrays}, dtype="float64", gradients=gradients, outputs=outputs)]
        )
        return outcome

    def call_then_overwrite(self, first: Case, then: Case) -> tuple[Outcome, list[Observation]]:
        """Call the candidate on one case, overwrite the arrays with another case, and call it again.

        Returns:
            The outcome, and the answers to both cases, which are read after the second call.
        """
        request = replace(self.request(then), before=self.request(first).arrays)
        (outcome,) = self.runner.call_many([request])
        half = len(outcome.outputs) // 2
        halves = ((first, outcome.outputs[:half]), (then, outcome.outputs[half:]))
        read = [(case, self.answers(case, replace(outcome, outputs=outputs))) for case, outputs in halves]
        return outcome, [Observation(case, answers) for case, answers in read if answers is not None]

    def answers(self, case: Case, outcome: Outcome) -> tuple[NDArray[Any], ...] | None:
        """Return the answers of a call in float64; None if they do not have the right form."""
        if not answer_form.answered(outcome, case, self.question.equation, self.question.dtype):
            return None
        return tuple(np.asarray(output.value, dtype=np.float64) for output in outcome.outputs)


def with_output_dtype(question: Question, runner: Runner) -> Question:
    """The question in the dtype of the callable's answer, if no input, claim or caller names a dtype.

    Raises:
        BindingError: the callable's parameters do not match.
    """
    definition = question.equation.definition
    if definition.dtype_is_given or question.dtype_option:
        return question
    candidate = Candidate(question, runner)
    candidate.bind()
    outcome, _ = candidate.call(next(candidate.standard_cases()))
    kinds = zip(outcome.outputs, definition.results, strict=False)
    dtypes = [output.dtype for output, result in kinds if result.kind == "float" and output.dtype in DTYPES]
    return replace(question, dtype=dtypes[0]) if dtypes and dtypes[0] else question
