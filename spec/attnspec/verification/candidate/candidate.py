"""A candidate under test: the cases on which it is called, the calls, and its answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from math import prod
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError
from attnspec.interpreters.evaluation.call import fit
from attnspec.interpreters.rounding.policy import FORMATS
from attnspec.language import layers
from attnspec.language.equation import REGISTRY
from attnspec.language.symbols import common_names
from attnspec.language.tree import Parameter
from attnspec.thresholds import LATER, STRENGTHENING_ROUNDS
from attnspec.verification.candidate import answer_form
from attnspec.verification.candidate.hints import hints
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.candidate.question import Question
from attnspec.verification.candidate.settings import evaluated
from attnspec.verification.candidate.slow_calls import too_large_for_time
from attnspec.verification.cases.case import Case, Description, make
from attnspec.verification.cases.distributions import HIDDEN
from attnspec.verification.cases.grid import grid
from attnspec.verification.cases.pools import Pooled
from attnspec.verification.cases.recorded_cases import Reader, RecordedCases
from attnspec.verification.cases.suite import ROUND_SEEDS, standard_suite
from attnspec.verification.cases.work import MOST_ASKED, work
from attnspec.verification.cases.written import CODE, written
from attnspec.verification.sandbox.binding import Plan, bind, describe_binding
from attnspec.verification.sandbox.messages import (
    MOST_RECORDED,
    Layout,
    Outcome,
    Output,
    Pools,
    Recorded,
    Request,
    Watched,
)
from attnspec.verification.sandbox.runner import Runner

Draw = Callable[[Description, tuple[str, ...]], Case]
"""Draws the case of a description, with the arguments whose gradients are summed over a batch."""


@dataclass
class Candidate:
    """Calls the callable of a question.

    Attributes:
        question: what is to be judged.
        runner: a sandbox with the target loaded.
        calls: every case so far, with the outcome of its call.
        plan: how the callable's parameters are matched; empty before `bind`.
        summed: the arguments whose gradients it sums over a batch, as far as its examples share them, where it computes
            gradients itself; empty if each example has its own.
        draw: what draws cases; None: each is drawn anew.
        not_asked: which cases could not be asked in time, as was to be expected of their sizes, in sentences.
    """

    question: Question
    runner: Runner
    calls: list[tuple[Case, Outcome]] = field(default_factory=list)
    plan: Plan = field(default_factory=list)
    summed: tuple[str, ...] = ()
    draw: Draw | None = None
    not_asked: list[str] = field(default_factory=list)

    def bind(self) -> None:
        """Match the callable's parameters with the equation's.

        Raises:
            BindingError: they do not match.
        """
        question, definition = self.question, self.question.called.definition
        adaptation = question.adaptation
        placed, packed = dict(adaptation.places), adaptation.packed_parameters
        arrays = [parameter.name for parameter in definition.parameters if parameter.name not in placed]
        settings = dict(question.adaptation.settings)
        parameters = [each for each in question.callable.parameters if each.name not in (*settings, *packed)]
        names = {name: common_names(name, definition.id) for name in (*arrays, *self._options)}
        taken = {parameter.name for parameter in parameters}
        built_in = {
            name
            for name in (*dict(adaptation.fixed), *(dict(adaptation.made or ()).values()))
            if not taken.intersection([name, *names.get(name, ())]) and name not in dict(question.bind).values()
        }
        options = [name for name in self._options if name not in built_in and name not in settings]
        self.plan = bind(
            parameters,
            arrays,
            options,
            dict(question.bind),
            names,
            hints(question),
            name=question.implementation,
            equation=question.called.id,
        )
        self.plan += [(name, name) for name in packed]

    @property
    def _options(self) -> list[str]:
        return [*(option.name for option in self.question.called.definition.options), *self.question.dtype_option]

    @property
    def left_at_defaults(self) -> list[str]:
        """The parameters of the callable that are not passed, since they have a default."""
        passed = {name for name, _ in self.plan} | dict(self.question.adaptation.settings).keys()
        by_position = sum(name is None for name, _ in self.plan)
        rest = self.question.callable.parameters[by_position:]
        return [each.name for each in rest if each.has_default and each.name not in passed and each.name[0] != "_"]

    @property
    def bound(self) -> str:
        """How the callable is called, where it is not by the equation's own names and forms; "" otherwise."""
        settings = dict(self.question.adaptation.settings)
        parameters = [each for each in self.question.callable.parameters if each.name not in settings]
        return "; ".join(filter(None, [describe_binding(self.plan, parameters), *self.question.adaptation.words]))

    def standard_cases(self) -> Iterator[Case]:
        """The cases that are always there, as far as claimed: the fixed suite, the grid, and at numbers in the code."""
        if self.question.only_inputs:
            return
        descriptions = self._with_seed(self.question.case) if self.question.case is not None else self._standard()
        for description in descriptions:
            yield self.make_case(description)

    def _standard(self) -> Iterator[Description]:
        question, claim = self.question, self.question.claim
        within = (question.equation, question.least, claim.batch)
        own = written(*within, {CODE: question.callable.numbers, **dict(question.sources)})
        half = FORMATS[question.dtype].bits < FORMATS["float32"].bits
        for description in chain(standard_suite(*within), grid(*within, half=half), own):
            hidden = description.regime == HIDDEN and claim.finite
            dear = work(question.equation.definition, dict(description.sizes)) > MOST_ASKED
            if not hidden and not dear and description.layout in question.layouts:
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
        if self.draw is not None:
            return self.draw(description, self._summed)
        return self.with_summed_gradients(make(self.question.equation, description, self.question.dtype))

    def with_summed_gradients(self, case: Case) -> Case:
        """A case in which gradients are sums over the batch wherever automatic differentiation sums.

        A case of an equation that is not judged through automatic differentiation stays as it is, unless the callable
        sums too.
        """
        return replace(case, summed=self._summed)

    @property
    def _summed(self) -> tuple[str, ...]:
        gradients = self.question.gradients
        return self.summed if gradients is None else gradients.inputs

    def sums_gradients(self) -> bool:
        """Find out whether a callable that computes gradients itself sums over a batch what its examples share.

        Software does so, and the equation of one example leaves it open: each example could have its own gradient.
        """
        equation = self.question.equation
        if not equation.gradient_of or self.question.gradients is not None or self.question.only_inputs:
            return False
        wanted = tuple(p.name for p in REGISTRY[equation.gradient_of].definition.parameters if p.kind == "float")
        batched = next((each for each in self._standard() if prod(each.batch) > 1), None)
        if batched is None or len(wanted) != len(equation.definition.results):
            return False
        own = self.make_case(batched)
        shared = replace(own, summed=wanted)
        outcome, _ = self.call(own)
        found = [output.shape for output in outcome.outputs]
        shapes = answer_form.shapes(equation, shared)
        if outcome.status == "ok" and found == shapes != answer_form.shapes(equation, own):
            self.summed = wanted
        return bool(self.summed)

    def request(self, case: Case) -> Request:
        """Return the message that asks the worker process for one call."""
        question = self.question
        storage = "float32" if question.dtype == "bfloat16" else question.dtype
        arrays = {
            name: array.astype(storage) if array.dtype.kind == "f" else array for name, array in case.arrays.items()
        }
        return Request(
            question.callable.name,
            self._laid_out(arrays),
            case.options,
            question.dtype,
            question.device,
            question.framework,
            self.plan,
            cast(Layout, case.layout),
            len(question.equation.definition.results),
            gradients=question.gradients,
            returns=question.adaptation.returns,
            entries=question.adaptation.entries,
            **self._sized(case),
        )

    def _laid_out(self, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The arrays in the candidate's order of axes."""
        return self.question.adaptation.to_candidate(arrays, self.question.equation)

    def _sized(self, case: Case) -> dict[str, Any]:
        """The fields of a request that depend on the sizes and options of a case."""
        adaptation, definition = self.question.adaptation, self.question.equation.definition
        if not (adaptation.settings or adaptation.places or adaptation.made is not None):
            return {}
        shapes = {name: array.shape for name, array in case.arrays.items()}
        sizes, _ = fit(definition, shapes, case.options)
        known = {**sizes, **case.options, **adaptation.merged_sizes(sizes)}
        made = None if adaptation.made is None else {name: evaluated(value, known) for name, value in adaptation.made}
        settings = {name: evaluated(value, known) for name, value in adaptation.settings}
        return {"settings": settings, "made": made, "packing": adaptation.packing(definition, sizes)}

    def impossible_sizes(self, case: Case) -> str:
        """The sizes of a case that a program does not take, in words; "" if it takes all, as every callable does."""
        if self.question.callable.program is None:
            return ""
        definition = self.question.called.definition
        shapes = {name: array.shape for name, array in case.arrays.items()}
        sizes, _ = fit(definition, shapes, case.options)
        fixed = dict(self.question.adaptation.fixed)
        return ", ".join(f"{name} = {size}" for name, size in sizes.items() if fixed.get(name, size) != size)

    def outcomes(self, requests: Iterable[Request]) -> Iterator[Outcome]:
        """Make each call and yield its outcome, with the outputs in the equation's order of axes."""
        results = self.question.equation.definition.results
        for outcome in self.runner.call_many(requests):
            yield self.question.adaptation.to_equation(outcome, results, self.question.equation)

    def observe(self, cases: Sequence[Case]) -> list[Observation]:
        """Call the candidate on cases. Every outcome is kept in `calls`.

        No case follows one that ends the process: by a hang, a crash, or a lack of memory; unless that was to be
        expected of its size, and the others are smaller. A case whose memory is refused, as it may be, is asked again
        in contiguous memory: its inputs may be changed.

        Returns:
            The answers that can be judged.
        """
        observations, before = list[Observation](), len(self.calls)
        rest: list[Case] = []
        for place, (case, outcome) in enumerate(
            zip(cases, self.outcomes([self.request(case) for case in cases]), strict=False)
        ):
            slow = too_large_for_time(self.calls, case, outcome, self.runner.time_limit)
            if slow is not None:
                self.not_asked.append(slow.says)
                rest = [each for each in cases[place + 1 :] if not slow.is_as_large(each)]
                break
            self.calls.append((case, outcome))
            answers = self.answers(case, outcome)
            if answers is not None:
                observations.append(Observation(case, answers))
            elif outcome.broken:  # each case would start a process anew
                break
        if rest:
            observations += self.observe(rest)
        refused = [replace(case, layout="contiguous") for case, _ in answer_form.refused(self.calls[before:])]
        return [*observations, *(self.observe(refused) if refused else ())]

    def call(self, case: Case, **how: Any) -> tuple[Outcome, tuple[NDArray[Any], ...] | None]:
        """Call the candidate on one case, whose outcome is not kept.

        Args:
            how: fields of the request that differ from the usual ones.

        Returns:
            The outcome, and the answers in float64; None if they cannot be judged.
        """
        (outcome,) = self.outcomes([replace(self.request(case), **how)])
        return outcome, self.answers(case, outcome)

    def watch(self, case: Case, watched: Watched) -> tuple[tuple[NDArray[Any], ...], tuple[Recorded, ...]] | None:
        """Call the candidate on one case, and record the arrays that it makes on the way.

        Args:
            watched: which arrays are recorded, as in a `Request`.

        Returns:
            The answers, and the arrays of its own files in the order in which they were made; None if it gives no
            answers that can be judged.
        """
        outcome, answers = self.call(case, watched=watched)
        return None if answers is None else (answers, outcome.recorded[:MOST_RECORDED])

    def in_balls(
        self, case: Case, shapes: Sequence[tuple[int, ...]], buffers: bool = False
    ) -> tuple[NDArray[np.float64], ...] | str:
        """Trace the candidate on one case, and evaluate what it does in ball arithmetic.

        Args:
            shapes: the shapes of the outputs.
            buffers: whether arrays that NumPy makes hold balls too; close the runner afterwards.

        Returns:
            The balls of each output as `balls.arrays.to_limbs` makes numbers of them; or why there are none.
        """
        (outcome,) = self.runner.call_many(
            [replace(self.request(case), balls=True, buffers=buffers, layout="contiguous")]
        )
        if outcome.status != "ok" or outcome.untraced:
            return outcome.untraced or answer_form.describe_status(outcome)
        results = self.question.equation.definition.results
        limbs = [
            replace(outcome, outputs=tuple(_limb(output, place) for output in outcome.outputs))
            for place in range(_limbs(outcome))
        ]
        restored = [self.question.adaptation.to_equation(each, results, self.question.equation) for each in limbs]
        found = tuple(
            np.array([each.outputs[place].value for each in restored]) for place in range(len(outcome.outputs))
        )
        if [each.shape[1:] for each in found] != list(shapes):
            return "it returns other shapes"
        return found

    def call_at_sizes(self, pooled: Pooled, patience: int) -> Outcome:
        """Call the candidate once on a large case; the outputs are as those of a request with `pools`.

        Args:
            patience: the call may take so many times the limit of other calls.
        """
        equation, arrays = self.question.equation, pooled.case.arrays
        parameters = layers.written_out(equation.definition, arrays).parameters
        arguments = {each.name: self._pooled_axes(pooled, each, arrays[each.name].ndim) for each in parameters}
        results = zip(equation.definition.results, pooled.ranks(equation), strict=True)
        outputs = tuple(self._pooled_axes(pooled, result, rank, output=True) for result, rank in results)
        limit = patience * self.runner.time_limit
        request = replace(self.request(pooled.case), pools=Pools(pooled.judged, arguments, outputs), limit=limit)
        (outcome,) = self.outcomes([request])
        return outcome

    def _pooled_axes(self, pooled: Pooled, array: Parameter, rank: int, output: bool = False) -> tuple[str, ...]:
        """The axes with repeated rows of an array with so many axes, in the candidate's order of axes."""
        axes = (pooled.output_axes if output else pooled.axes)(array, rank - len(array.dims))
        order = self.question.adaptation.order_of(array, rank, self.question.equation)
        return tuple(axes[place] for place in order)

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
            [
                replace(
                    request,
                    arrays=self._laid_out({**case.arrays, **arrays}),
                    dtype="float64",
                    gradients=gradients,
                    outputs=outputs,
                )
            ]
        )
        return outcome

    def call_then_overwrite(self, first: Case, then: Case, times: int = LATER) -> tuple[Outcome, list[Observation]]:
        """Call the candidate on one case, overwrite the arrays with another case, and call it again, several times.

        Args:
            times: how often it is called the second time.

        Returns:
            The outcome, and the answers to both cases, which are read after the last call.
        """
        request = replace(self.request(then), before=self.request(first).arrays, times=times)
        (outcome,) = self.outcomes([request])
        half = len(outcome.outputs) // 2
        halves = ((first, outcome.outputs[:half]), (then, outcome.outputs[half:]))
        read = [(case, self.answers(case, replace(outcome, outputs=outputs))) for case, outputs in halves]
        return outcome, [Observation(case, answers) for case, answers in read if answers is not None]

    def answers(self, case: Case, outcome: Outcome) -> tuple[NDArray[Any], ...] | None:
        """Return the answers of a call in float64; None if they do not have the right form."""
        question = self.question
        if not answer_form.answered(outcome, case, question.equation, question.dtype, question.told_dtype):
            return None
        with np.errstate(invalid="ignore"):  # a NaN may be a signalling one
            return tuple(np.asarray(output.value, dtype=np.float64) for output in outcome.outputs)


def _limbs(outcome: Outcome) -> int:
    """How many numbers a ball is sent as, along the last axis of each output."""
    return min((output.shape[-1] for output in outcome.outputs if output.shape), default=0)


def _limb(output: Output, place: int) -> Output:
    """One of the numbers of each ball of an output."""
    value = np.asarray(output.value)[..., place].copy() if output.value is not None else np.zeros(0)
    return replace(output, value=value, shape=value.shape)
