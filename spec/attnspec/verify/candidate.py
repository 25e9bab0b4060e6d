"""A candidate while it is questioned: how it is called, on which cases, and what came of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from attnspec.implementation import DTYPES, Claim
from attnspec.language import layers
from attnspec.language.equation import Equation
from attnspec.verify import contract
from attnspec.verify.binding import Plan, bind
from attnspec.verify.cases import (
    FEW,
    HIDDEN,
    LAYOUTS,
    REGIMES,
    Case,
    Description,
    asked_in,
    make,
    sized,
    sizes_of,
    smallest,
    telling,
    within,
)
from attnspec.verify.outcome import Gradients, Layout, Outcome, Request
from attnspec.verify.reader import Handed, Reader
from attnspec.verify.recorded import Recorded
from attnspec.verify.runner import Runner
from attnspec.verify.statistics import Observation
from attnspec.verify.targets import Found

FEW_MENU = (1, 2, 3)
"""How many there are drawn of what there are never many of."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a callable of a target, an equation, and on what.

    Attributes:
        examples: cases drawn beyond those that are always there.
        bind: {callable's parameter: equation's name}.
        policy: a declared precision policy, else the claim's, else inferred.
        shown: how the callable is named in the verdict.
        any_dtype: neither the caller nor the claim names a dtype.
        inputs: recorded cases, asked beside the drawn ones.
        names: {the equation's name: the name in these}, where they differ.
        only_inputs: nothing is drawn: they are asked in place of the drawn ones.
        forward: the equation that the callable computes, where the question is about the gradients that automatic
            differentiation makes of it; `equation` is then the equation of these gradients.
    """

    found: Found
    equation: Equation[..., Any]
    claim: Claim
    framework: str
    dtype: str
    device: str = "cpu"
    examples: int = 20
    seed: int = 0
    bind: tuple[tuple[str, str], ...] = ()
    policy: str | None = None
    shown: str = ""
    any_dtype: bool = False
    inputs: tuple[Recorded, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    only_inputs: bool = False
    forward: Equation[..., Any] | None = None

    @property
    def called(self) -> Equation[..., Any]:
        """The equation that the callable takes the arguments of."""
        return self.forward or self.equation

    @property
    def gradients(self) -> Gradients | None:
        """Which gradients are asked for; None where it is the callable's own answer."""
        if self.forward is None:
            return None
        taken = {parameter.name for parameter in self.forward.definition.parameters}
        given = tuple(each.name for each in self.equation.definition.parameters if each.name not in taken)
        wanted = tuple(each.name for each in self.forward.definition.parameters if each.kind == "float")
        return Gradients(given, wanted)

    @property
    def asks_dtype(self) -> tuple[str, ...]:
        """ "dtype", where no input has one and the callable takes it."""
        asked = any(parameter.name == "dtype" for parameter in self.found.parameters)
        return ("dtype",) if asked and not self.equation.definition.dtype_is_given else ()

    def least(self, name: str) -> int:
        """The smallest size of an axis that is asked: what the equation allows and the claim accepts."""
        own = smallest(self.equation, name) if name != "batch" else 0
        return max(own, self.claim.smallest.get(name, 0))

    def domain(self) -> str:
        """What is asked, in words."""
        claim = self.claim
        parts = ["finite inputs" if claim.finite else "all inputs, NaN and infinity at masked places included"]
        parts += [f"{name} ≥ {size}" for name, size in claim.smallest.items() if size > self._usual(name)]
        parts += ["contiguous inputs"] if claim.contiguous else []
        parts += [f"{' or '.join(map(str, claim.batch))} batch axes"] if claim.batch != (0, 1) else []
        return ", ".join(parts)

    def _usual(self, name: str) -> int:
        return 0 if name == "batch" else smallest(self.equation, name)


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
        """The cases that are always there, as far as they are claimed."""
        if self.question.only_inputs:
            return
        for description in telling(self.question.equation, self.question.least, self.question.claim.batch):
            hidden = description.regime == HIDDEN and self.question.claim.finite
            if not hidden and (description.layout == "contiguous" or not self.question.claim.contiguous):
                yield self.made(description)

    def hidden(self) -> Iterator[Case]:
        """Cases beyond a claim of finite inputs: what they do is a finding, not a verdict."""
        if self.question.only_inputs:
            return
        for description in telling(self.question.equation, self.question.least, self.question.claim.batch):
            if description.regime == HIDDEN and self.question.claim.finite:
                yield self.made(description)

    def recorded(self) -> Handed:
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
        handed = reader.found(question.inputs)
        return replace(handed, cases=tuple(self.asked_as(case) for case in handed.cases))

    def made(self, description: Description) -> Case:
        return self.asked_as(make(self.question.equation, description, self.question.dtype))

    def asked_as(self, case: Case) -> Case:
        """A case as this candidate is asked it: automatic differentiation sums over a batch what its examples share."""
        gradients = self.question.gradients
        return case if gradients is None else replace(case, summed=gradients.wanted)

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
        return self.once(case, gradients=replace(self.question.gradients, again=True))

    def second(self, case: Case, arrays: dict[str, NDArray[Any]]) -> Outcome:
        """The backward pass of the backward pass, in float64, for gradients of the gradients."""
        request = self.request(case)
        assert request.gradients is not None
        gradients = replace(request.gradients, second=tuple(arrays))
        outputs = len(gradients.given) + len(gradients.wanted)
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
        if not contract.answered(outcome, case, self.question.equation, self.question.dtype):
            return None
        return tuple(np.asarray(output.value, dtype=np.float64) for output in outcome.outputs)


def as_answered(question: Question, runner: Runner) -> Question:
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


def regimes(equation: Equation[..., Any], finite: bool) -> list[str]:
    """The regimes that say something of an equation, within finite inputs or beyond."""
    asked = [name for name in REGIMES if name == "ordinary" or asked_in(equation, name)]
    return [name for name in asked if not (finite and name == HIDDEN)]


def descriptions(
    equation: Equation[..., Any], least: Callable[[str], int], claim: Claim
) -> st.SearchStrategy[Description]:
    """What Hypothesis draws: sizes around powers of two and small ones, regimes, layouts, a seed."""
    names = sizes_of(equation.definition)
    found = layers.of(equation.definition)
    names += layers.below_top(found[1], max(FEW_MENU)) if found is not None else []

    def sizes(name: str) -> st.SearchStrategy[int]:
        menu = FEW_MENU if name in FEW else (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17)
        return st.sampled_from(sorted({max(within(equation, name, size), least(name)) for size in menu}))

    batches: list[int | None] = [None] if 0 in claim.batch else []
    batches += [max(size, least("batch")) for size in (1, 2, 4)] if 1 in claim.batch else []
    return st.builds(
        Description,
        sizes=st.tuples(*(st.tuples(st.just(name), sizes(name)) for name in names)).map(
            lambda pairs: tuple(sized(equation.definition, dict(pairs)).items())
        ),
        regime=st.sampled_from(regimes(equation, claim.finite)),
        batch=st.sampled_from(batches or [None]),
        layout=st.just("contiguous") if claim.contiguous else st.sampled_from(LAYOUTS),
        seed=st.integers(10_000, 2**32),
    )
