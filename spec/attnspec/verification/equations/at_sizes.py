"""One call at production sizes, of which every row is judged.

The inputs have few distinct rows along the axes where that says nothing, so the equation is evaluated on these alone,
and the worker process reports the least and the greatest value among equal rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import prod

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError
from attnspec.interpreters.conditions import with_masks
from attnspec.interpreters.pooling import largest_array, ordered_sizes
from attnspec.interpreters.pooling import pooled as pooled_tree
from attnspec.interpreters.rounding.in_parts import RUNS, noise_in_parts
from attnspec.interpreters.rounding.noise import either
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language import layers
from attnspec.language.tree import Definition
from attnspec.thresholds import MOST_DECIDABLE, ORACLE_ELEMENTS, POOL_BATCH, widened
from attnspec.verification.candidate import answer_form
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.question import Question
from attnspec.verification.cases.case import sized
from attnspec.verification.cases.pools import Pooled, distinct, pooled_case, usual_sizes
from attnspec.verification.cases.sampling import Sampling, sampling
from attnspec.verification.judge.findings import Conclusion, Judged
from attnspec.verification.judge.forms import Form, excess
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.residuals import Compared
from attnspec.verification.judge.statistics import worst
from attnspec.verification.sandbox.messages import Outcome
from attnspec.verification.verdict import VerdictKind

PATIENCE = 20
"""The call may take so many times the limit of other calls."""


MENDS = {
    "timeout": "--time-limit S, of which this call may take 20 times as much, or smaller sizes",
    "memory": "--memory-limit SIZE, or smaller sizes",
}
"""{status of the call: how to mend it}."""


@dataclass(frozen=True)
class Plan:
    """What is asked.

    Attributes:
        sizes: the named sizes.
        batch: the batch axes.
        pools: {axis with repeated rows: how many are distinct}.
        at_once: how many simulated runs the reference makes at once.
        sampling: along which axes rows are sampled; None if all rows are judged.
    """

    sizes: dict[str, int]
    batch: tuple[int, ...]
    pools: dict[str, int]
    at_once: int
    sampling: Sampling | None


def planned(question: Question) -> Plan:
    """What is asked at production sizes: as many examples are distinct as the reference has memory for.

    Raises:
        UnknownName: the equation has no such size.
        SpecError: it is not asked at such a size, or the reference would need too much memory there.
    """
    equation, given = question.equation, dict(question.sizes)
    batch = given.pop("batch", (1,) * min(question.claim.batch))
    if len(batch) not in question.claim.batch:
        claimed = " or ".join(map(str, question.claim.batch))
        raise SpecError(
            f"{len(batch)} batch axes are not claimed",
            given=f"--sizes batch={'x'.join(map(str, batch))}",
            expected=f"{claimed} batch axes",
            mend=f"--claim batch={len(batch)} claims them",
        )
    sizes = usual_sizes(equation, question.claim.smallest, {name: size for name, (size,) in given.items()})
    definition = layers.of_count(equation.definition, sizes.get(layers.COUNT, 1))
    largest, chosen = 0, None
    if largest_array(definition, sized(equation.definition, sizes)) > ORACLE_ELEMENTS // RUNS:
        chosen = sampling(definition, sizes, question.seed)
    sampled = {} if chosen is None else {size: len(places) for size, places in chosen.places.items()}
    for most, part in ((POOL_BATCH, 256), (POOL_BATCH // 2, 16), (1, 4)):
        pools = {**distinct(equation, sizes, batch, most), **sampled}
        examples = prod(pools.get(f"batch{place}", size) for place, size in enumerate(batch))
        largest = max(1, examples * largest_array(definition, sized(equation.definition, {**sizes, **pools})))
        if part * largest <= ORACLE_ELEMENTS:
            return Plan(sizes, batch, pools, min(RUNS, ORACLE_ELEMENTS // largest), chosen)
    ordered = ", ".join(f"{name}={size}" for name, size in sizes.items() if name not in pools)
    raise SpecError(
        f"{equation.id} is too large for the reference at these sizes",
        given=f"an array of {largest:,} elements, after equal rows are left out",
        expected=f"at most {ORACLE_ELEMENTS // 4:,}",
        mend=f"choose smaller sizes along which rows cannot be equal: {ordered}",
    )


@dataclass
class AtSizes:
    """One call at production sizes.

    Attributes:
        candidate: the candidate.
        judge: what answers are judged by.
        judged: the judgement at small sizes, with its policy and its form.
        policies: the policies under which the answers may be right, the tightest first.
        note: called with each finding, a sentence.
        on_progress: called with the name of each stage that begins.
    """

    candidate: Candidate
    judge: Judge
    judged: Judged
    policies: Sequence[Policy]
    note: Callable[[str], None]
    on_progress: Callable[[str], None] = lambda stage: None

    def conclude(self) -> Conclusion | None:
        """Make the call, and judge it; the conclusion if it is not right."""
        question, plan = self.candidate.question, planned(self.candidate.question)
        make = self.candidate.make_case
        pooled = pooled_case(question.equation, plan.sizes, plan.batch, plan.pools, question.seed, make, plan.sampling)
        self.on_progress(f"at {pooled}")
        outcome = self.candidate.call_at_sizes(pooled, PATIENCE)
        if outcome.status != "ok":
            kind = VerdictKind.NOT_RUN if outcome.status == "unavailable" else VerdictKind.FAILS
            reason = f"at {pooled}: {answer_form.describe_status(outcome)}"
            return Conclusion(kind, reason, mend=MENDS.get(outcome.status, ""))
        if any(output.value is None for output in outcome.outputs):
            returned = ", ".join(str(output.shape or output.kind) for output in outcome.outputs)
            return Conclusion(VerdictKind.MISBEHAVES, f"at {pooled}: it returns {returned}")
        return self.judge_answer(pooled, outcome, plan.at_once)

    def judge_answer(self, pooled: Pooled, outcome: Outcome, at_once: int) -> Conclusion | None:
        """Judge the answer as the small ones were, then under looser policies, then by other forms.

        Software may take another path at large sizes. A form counts only where it costs no more than a form may.
        """
        first: Conclusion | None = None
        within_forms, started = False, time.monotonic()
        ways = [(policy, self.judged.form) for policy in self.policies]
        ways += [(self.policies[0], form) for form in self.judge.forms if form.says != self.judged.form.says]
        for policy, form in ways:
            if form is not self.judged.form and not within_forms:
                break
            self.on_progress(f"judging at {pooled}")
            compared = self.compared(pooled, outcome, policy, form, at_once)
            found = self.conclusion(pooled, outcome, compared)
            if found is None:
                self.note(self.says(pooled, outcome, compared, policy, form, time.monotonic() - started))
                return None
            if first is None:
                first = found
                dtype = self.candidate.question.dtype
                within_forms = all(float(excess(each, dtype).max(initial=0.0)) <= 1 for each in compared)
        return first

    def compared(self, pooled: Pooled, outcome: Outcome, policy: Policy, form: Form, at_once: int) -> list[Compared]:
        """The least values of all outputs beside the reference, then the greatest."""
        case, chosen = pooled.case, pooled.sampling
        arrays = {**case.arrays, **({} if chosen is None else chosen.masks)}
        by_tree = [
            noise_in_parts(
                pooled_tree(self.alike(tree, pooled), pooled.counts),
                arrays,
                case.options,
                form.under(policy),
                self.judge.seed,
                form.constants,
                at_once,
            )
            for tree in self.judge.trees(case, form)
        ]
        noises = [reduce(either, outputs) for outputs in zip(*by_tree, strict=True)]
        factor = widened(sum(self.elements(pooled)))
        wide = [replace(each, bound=factor * each.bound) for each in noises]
        values = [np.asarray(output.value, np.float64) for output in outcome.outputs[: 2 * len(wide)]]
        return [Compared(case, place % len(wide), value, wide[place % len(wide)]) for place, value in enumerate(values)]

    def alike(self, tree: Definition, pooled: Pooled) -> Definition:
        """A form of the equation, in which the places along axes with repeated rows are alike.

        Raises:
            SpecError: it tells them apart, although the equation does not.
        """
        tree = layers.written_out(tree, pooled.case.arrays)
        tree = tree if pooled.sampling is None else with_masks(tree, pooled.sampling.conditions)
        ordered = ordered_sizes(tree)
        for name in pooled.entries:
            if name in ordered:
                given = f"in this form {ordered[name]}"
                raise SpecError(f"{tree.id} cannot be judged at production sizes in another form", given=given)
        return tree

    def elements(self, pooled: Pooled) -> Iterator[int]:
        """How many elements of each output of the large case are judged."""
        equation = self.candidate.question.equation
        sampled = {} if pooled.sampling is None else {row: pooled.few[row] for row in pooled.sampling.rows}
        sizes = sized(equation.definition, {**pooled.sizes, **sampled})
        for result, rank in zip(equation.definition.results, pooled.ranks(equation), strict=True):
            batch = pooled.batch[len(pooled.batch) + len(result.dims) - rank :]
            yield prod(batch) * prod(dim.value(sizes) for dim in result.dims)

    def conclusion(self, pooled: Pooled, outcome: Outcome, compared: Sequence[Compared]) -> Conclusion | None:
        """The conclusion if some element is wrong, or if most cannot be judged."""
        furthest = worst(compared)
        if furthest is not None and furthest.fails:
            place = next(place for place, each in enumerate(compared) if each is furthest)
            rows = np.asarray(outcome.outputs[len(compared) + place].value)
            return Conclusion(VerdictKind.DIFFERS, f"at {pooled}: {self.element(pooled, furthest, rows)}")
        decidable, of = (sum(int(count(each)) for each in compared) for count in (_decidable, _size))
        if decidable < MOST_DECIDABLE * of:
            reason = f"at {pooled}: rounding noise exceeds the signal in {of - decidable} of {of} distinct elements"
            return Conclusion(VerdictKind.INCONCLUSIVE, reason, self.judged)
        return None

    def element(self, pooled: Pooled, compared: Compared, rows: NDArray[np.int64]) -> str:
        """The wrong element that is furthest from the value, in words."""
        equation = self.candidate.question.equation
        index = np.unravel_index(int(compared.ratio.argmax()), compared.ratio.shape)
        result = equation.definition.results[compared.output]
        axes = pooled.output_axes(result, compared.ratio.ndim - len(result.dims))
        order = list(pooled.judged)
        ordered = sorted((place for place, axis in enumerate(axes) if axis), key=lambda place: order.index(axes[place]))
        places = np.unravel_index(int(rows[index]), [len(pooled.judged[axes[place]]) for place in ordered] or [1])
        at = {**dict(enumerate(index)), **dict(zip(ordered, places, strict=False))}
        shown = ", ".join(str(int(at[place])) for place in range(len(index)))
        value, bound = compared.noise.value[index], compared.noise.bound[index]
        got = f"{result.name}[{shown}] is {compared.answer[index]:.7g}"
        return f"{got}, not {value:.7g}, which rounding may change by {bound:.1g}"

    def says(
        self,
        pooled: Pooled,
        outcome: Outcome,
        compared: Sequence[Compared],
        policy: Policy,
        form: Form,
        seconds: float,
    ) -> str:
        """What was judged, in a sentence."""
        total, largest = sum(self.elements(pooled)), max(float(each.ratio.max(initial=0.0)) for each in compared)
        sizes = {axis: len(entries) for axis, entries in pooled.entries.items()}
        few = [f"{count} distinct places of {sizes[axis]} along {axis}" for axis, count in pooled.few.items()]
        rows = () if pooled.sampling is None else pooled.sampling.rows
        judged = [f"{pooled.few[row]} of {sizes[row]} places along {row}" for row in rows]
        memory = f" and {outcome.peak_bytes / 1e9:.2g} GB" if outcome.peak_bytes else ""
        return "".join(
            [
                f"at {pooled}: all {total:,} elements of one call are right",
                f" at {', '.join(judged)}: the first, the last, at edges of tiles and at random" if judged else "",
                f" under the policy {policy.name}" if policy is not self.policies[0] else "",
                f" by another form, {form.says}" if form is not self.judged.form else "",
                f", the largest error {largest:.2f} of its bound",
                f"; the inputs have {', '.join(few)}" if few else "",
                f"; the call took {outcome.seconds:.3g} s{memory}, the reference {seconds:.3g} s",
            ]
        )


def _decidable(compared: Compared) -> int:
    return int(compared.decidable.sum())


def _size(compared: Compared) -> int:
    return int(compared.decidable.size)
