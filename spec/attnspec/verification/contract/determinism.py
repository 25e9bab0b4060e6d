"""Determinism: whether answers are equal bit by bit from run to run, over batch sizes and over splits of an axis.

It is measured of a candidate whose values are right. A difference is a violation only where equality is claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from attnspec.language.layers import sizes_of
from attnspec.language.tree import Definition
from attnspec.verification.candidate import answer_form
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Array, Observation
from attnspec.verification.cases.case import Case
from attnspec.verification.cases.describer import Describer
from attnspec.verification.cases.grid import MOST_WORK
from attnspec.verification.cases.parts import along, axis_of, examples, is_independent, part_of
from attnspec.verification.cases.work import work
from attnspec.verification.contract.repeatability import Repeatability, differ, differ_in_bits
from attnspec.verification.judge.findings import Judged

BITWISE, WITHIN, BEYOND, NOT_MEASURED = "bitwise equal", "within rounding", "not within rounding", "not measured"

FIRST_SEED = 9_500
"""Of the cases; no other case has this seed."""

EXAMPLES, WIDTH = 33, 48
"""Convention: examples of a batch, and sizes of its other axes: software chooses another kernel for so many rows than
for one."""

SOME_EXAMPLES = (slice(0, 1), slice(EXAMPLES - 1, EXAMPLES), slice(0, 8))
"""Convention: the examples that are asked alone."""

AXIS = 64
"""Convention: the size of an axis that is split."""

SOME_PLACES = (slice(0, 24), slice(AXIS - 1, AXIS))
"""Convention: the parts of it that are asked alone."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured.

    Attributes:
        over: "runs", "batch" or "splits".
        says: the result in words, beginning with `BITWISE`, `WITHIN`, `BEYOND` or `NOT_MEASURED`.
        wrong: whether values are wrong, whatever is claimed of their bits.
    """

    over: str
    says: str
    wrong: bool = False


@dataclass
class Determinism:
    """Measurements on one candidate whose values are right.

    Attributes:
        candidate: the candidate.
        repeatability: its checks, which have counted repeated calls.
        judged: the judgement of its answers.
    """

    candidate: Candidate
    repeatability: Repeatability
    judged: Judged

    def measure(self) -> Iterator[Measured]:
        """Measure over runs, batch sizes and splits; only over runs if only certain cases are asked."""
        yield self.over_runs()
        if not self.candidate.question.is_narrowed:
            yield self.over_batch()
            yield self.over_splits()

    def over_runs(self) -> Measured:
        """How many repeated calls gave other bits."""
        calls, varied = self.repeatability.repeats, self.repeatability.varied
        says = f"{WITHIN}, other bits in {varied} of {calls} calls" if varied else f"{BITWISE}, {calls} calls"
        return Measured("runs", says)

    def over_batch(self) -> Measured:
        """Whether examples have the same answer alone as in a batch."""
        axes = min(filter(None, self.candidate.question.claim.batch), default=0)
        if not axes:
            return Measured("batch", f"{NOT_MEASURED}, no batch axis is claimed")
        sizes = dict.fromkeys(sizes_of(self._definition), WIDTH)
        case = self._case("determinism over batch sizes", (*(1,) * (axes - 1), EXAMPLES), sizes)
        results = self._definition.results

        def own(place: int, answer: Array, part: slice) -> Array | None:
            axes = len(results[place].dims)
            return part_of(answer, part, axes) if answer.ndim > axes else None  # gradients of weights are sums

        parts = [(examples(case, self.candidate.question.equation, part), part) for part in SOME_EXAMPLES]
        return Measured("batch", self._compared(case, parts, own, f"{EXAMPLES} examples"))

    def over_splits(self) -> Measured:
        """Whether each declared number of splits gives the same answer, and parts of an axis that of the whole."""
        equation = self.candidate.question.equation
        says = []
        for parameter, values in self.candidate.question.claim.splits.items():
            measured = self._over_values(parameter, values)
            if measured.wrong:
                return measured
            says.append(measured.says)
        for name in sizes_of(self._definition):
            case = self._case(f"determinism over parts of {name}", self._made.plain, {name: AXIS})
            if dict(case.description.sizes if case.description else ()).get(name) != AXIS:
                continue  # it is never so long
            if is_independent(case, equation, name, SOME_PLACES):
                says.append(self._over_parts(case, name))
                break
        worst = [each for start in (BEYOND, WITHIN) for each in says if each.startswith(start)]
        return Measured("splits", "; ".join(worst or says) or f"{NOT_MEASURED}, no axis has independent parts")

    def _over_parts(self, case: Case, name: str) -> str:
        equation = self.candidate.question.equation

        def own(place: int, answer: Array, part: slice) -> Array:
            return part_of(answer, part, axis_of(self._definition, place, name) or 0)

        parts = [(along(case, equation, name, part), part) for part in SOME_PLACES]
        return self._compared(case, parts, own, f"parts of {name}")

    def _over_values(self, parameter: str, values: Sequence[int]) -> Measured:
        """Whether each value of a parameter gives the answer of the first one."""
        sizes = dict.fromkeys(sizes_of(self._definition), AXIS)
        case = self._case(f"determinism over {parameter}", self._made.plain, sizes)
        own, first, says = dict(self.candidate.request(case).settings), None, f"{BITWISE}, "
        for value in values:
            outcome, answers = self.candidate.call(case, settings={**own, parameter: value})
            if answers is None:
                how = answer_form.describe_status(outcome)
                return Measured("splits", f"{BEYOND}, with {parameter} = {value} {how}", wrong=True)
            if not self.repeatability.judge.holds(Observation(case, answers), self.judged.policy, self.judged.form):
                return Measured("splits", f"{BEYOND}, with {parameter} = {value} it gives other values", wrong=True)
            first = first or answers
            if any(map(differ_in_bits, answers, first)):
                says = f"{WITHIN}, "
        return Measured("splits", f"{says}{parameter} = {', '.join(map(str, values))}")

    @property
    def _definition(self) -> Definition:
        return self.candidate.question.equation.definition

    @property
    def _made(self) -> Describer:
        question = self.candidate.question
        return Describer(question.equation, question.least, question.claim.batch, iter([FIRST_SEED]), special=True)

    def _case(self, why: str, batch: tuple[int, ...], sizes: Mapping[str, int]) -> Case:
        """A case of ordinary values, of sizes that are halved until the case does not cost too much."""
        made, wanted = self._made, dict(sizes)
        description = made.at(why, batch, {**wanted, **made.few(2)})
        while work(self._definition, dict(description.sizes)) * prod(batch) > MOST_WORK * EXAMPLES:
            wanted = {name: size // 2 for name, size in wanted.items()}
            smaller = self._made.at(why, batch, {**wanted, **made.few(2)})
            if smaller.sizes == description.sizes:
                break
            description = smaller
        return self.candidate.make_case(description)

    def _compared(
        self,
        case: Case,
        parts: Sequence[tuple[Case, slice]],
        own: Callable[[int, Array, slice], Array | None],
        what: str,
    ) -> str:
        """Compare the answers to parts of a case with these parts of the whole answer.

        Args:
            own: returns a part of an output of the whole, given its place; None if examples share the output.
            what: what the parts are, in words.
        """
        outcome, whole = self.candidate.call(case)
        apart: list[float] = []
        for part, places in parts if whole is not None else ():
            outcome, answers = self.candidate.call(part)
            if whole is None or answers is None:
                break
            for place, (answer, of_all) in enumerate(zip(answers, whole, strict=True)):
                within = own(place, of_all, places)
                if within is None:
                    continue
                apart.append(0.0)
                if differ_in_bits(answer, within):
                    noise = self.repeatability.judge.noise(part, self.judged.policy, self.judged.form)[place]
                    if differ(answer, within, noise):
                        return f"{BEYOND}, {what}"
                    apart[-1] = float(np.nanmax(np.abs(answer - within)))
        if outcome.status != "ok":
            return f"{NOT_MEASURED}, {answer_form.describe_status(outcome)}"
        if not apart:
            return f"{NOT_MEASURED}, no result is an example's own"
        return f"{WITHIN}, {what}, up to {max(apart):.2g} apart" if any(apart) else f"{BITWISE}, {what}"


def violation(claimed: Sequence[str], measured: Sequence[Measured]) -> str:
    """Describe values that are wrong, and what is claimed to be equal bit by bit and is not; "" if there is nothing."""
    for each in measured:
        if each.wrong:
            return each.says.partition(", ")[2]
        if each.over in claimed and each.says.startswith((WITHIN, BEYOND)):
            return f"its answers are claimed to be equal bit by bit over {each.over}; they are {each.says}"
    return ""


def unmeasured(claimed: Sequence[str], measured: Sequence[Measured]) -> str:
    """Describe what is claimed to be equal bit by bit and could not be measured; "" if there is nothing."""
    known = {each.over: each.says for each in measured}
    missing = [over for over in claimed if known.get(over, NOT_MEASURED).startswith(NOT_MEASURED)]
    return "; ".join(f"determinism over {over} is claimed: {known.get(over, NOT_MEASURED)}" for over in missing)
