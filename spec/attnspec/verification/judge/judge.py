"""The judge: whether answers are right within the noise of an equation, under one precision policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.rounding.noise import Noise, either, noise, noise_of_each
from attnspec.interpreters.rounding.policy import Policy, policies, preset
from attnspec.language.equation import Equation
from attnspec.language.traversal import nodes_throughout
from attnspec.language.tree import Definition, Scan
from attnspec.thresholds import (
    CONTRAST,
    DIRECTION_CASES,
    ENOUGH_WRONG,
    HOLDS_ALL,
    LONG_AXIS,
    LONGER_AXIS,
    PART_EXPLAINED,
    POLICY_CASES,
    POLICY_TOO_TIGHT,
    RESIDUAL_HALVED,
    SAME_MISTAKE,
    SAME_SHARE,
)
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.batched_gradients import lift_over_batch
from attnspec.verification.cases.case import Case
from attnspec.verification.cases.distributions import rounded
from attnspec.verification.cases.work import repetitions
from attnspec.verification.judge import statistics
from attnspec.verification.judge.directions import error_directions
from attnspec.verification.judge.effort import Effort
from attnspec.verification.judge.findings import Finding, Judged
from attnspec.verification.judge.forms import PLAIN, Form, claimed_part, excess, forms
from attnspec.verification.judge.mutant_values import fits, mutant_values
from attnspec.verification.judge.other_inputs import alike
from attnspec.verification.judge.residuals import Compared, compare
from attnspec.verification.judge.statistics import Slice, project

Array = NDArray[Any]


@dataclass
class Judge:
    """Judges answers to one equation in one dtype. The noise of a case is computed once.

    Attributes:
        equation: the equation.
        dtype: the dtype of inputs and answers.
        seed: the seed of the noise's samples.
        accepted: the names of rewritings that are accepted however many digits they lose.
        effort: what the search for a mistake may still cost.
    """

    equation: Equation[..., Any]
    dtype: str
    seed: int = 0
    accepted: tuple[str, ...] = ()
    effort: Effort = field(default_factory=Effort)
    _noises: dict[tuple[int, str, str], tuple[Noise, ...]] = field(default_factory=dict)
    _cases: list[Case] = field(default_factory=list)

    def noise(self, case: Case, policy: Policy, form: Form = PLAIN) -> tuple[Noise, ...]:
        """The noise of every output on a case, of the equation or of one of its forms."""
        key = (id(case), repr(policy), form.says)
        if key not in self._noises:
            self.prepare([case], policy, form)
        return self._noises[key]

    @property
    def kept_elements(self) -> int:
        """How many numbers the noises of all cases so far have."""
        return sum(each.members.size for noises in self._noises.values() for each in noises)

    def keep_noise(self, case: Case, policy: Policy, noises: tuple[Noise, ...]) -> None:
        """Keep the noise of the equation as written on a case, where it is known already."""
        self._cases.append(case)
        self._noises[(id(case), repr(policy), PLAIN.says)] = noises

    def noise_of(self, case: Case, policy: Policy, form: Form = PLAIN) -> tuple[Noise, ...]:
        """The noise of every output on a case, computed anew."""
        return self.noise_of_each([case], policy, form)[0]

    def noise_of_each(self, cases: Sequence[Case], policy: Policy, form: Form = PLAIN) -> list[tuple[Noise, ...]]:
        """The noise of every output on each case, computed anew; of cases of equal shapes at once."""
        found: dict[int, tuple[Noise, ...]] = {}
        for places in alike(cases):
            some = [cases[place] for place in places]
            inputs = [case.arrays for case in some]
            by_tree = [
                noise_of_each(tree, inputs, some[0].options, form.under(policy), self.seed, constants=form.constants)
                for tree in self.trees(some[0], form)
            ]
            for place, *outputs in zip(places, *by_tree, strict=True):
                found[place] = tuple(reduce(either, output) for output in zip(*outputs, strict=True))
        return [found[place] for place in range(len(cases))]

    def prepare(self, cases: Sequence[Case], policy: Policy, form: Form = PLAIN) -> None:
        """Compute the noise of those of the cases that have none yet, since together it takes less time."""
        under = repr(policy), form.says
        missing = {key: case for case in cases if (key := (id(case), *under)) not in self._noises}
        self._cases += missing.values()  # keeps them alive, so that no other case has the id of one
        self._noises |= zip(missing, self.noise_of_each([*missing.values()], policy, form), strict=True)

    def trees(self, case: Case, form: Form) -> list[Definition]:
        """The equation or the one or two trees of a form, as they are of a case."""
        trees = [form.definition or self.equation.definition, *([form.other] if form.other else [])]
        return [lift_over_batch(tree, case) for tree in trees]

    @cached_property
    def nodes(self) -> int:
        """The number of nodes of the equation and of those that it calls."""
        return sum(1 for _ in nodes_throughout(self.equation.definition))

    def nodes_on(self, case: Case) -> int:
        """About how many nodes are evaluated on a case: all of them in each layer, at each step of a recurrence."""
        return self.nodes * (repetitions(self.equation.definition, case.sizes) if case.sizes else 1)

    @cached_property
    def forms(self) -> list[Form]:
        """The equation's forms in this dtype, except the equation as written."""
        return forms(self.equation, self.dtype)

    def mutant_noise(self, case: Case, policy: Policy, tree: Definition, id: str) -> tuple[Noise, ...]:
        """The noise of a mutant, as if it were the equation; it is not cached.

        Args:
            tree: the definition of the mutant.
            id: the id of the mutant.
        """
        tree = lift_over_batch(replace(tree, id=f"{tree.id}/{id}"), case)
        return noise(tree, case.arrays, case.options, policy, self.seed)

    def compare(self, observations: Sequence[Observation], policy: Policy, form: Form = PLAIN) -> list[Compared]:
        """Compare every answer with its noise."""
        self.prepare([observation.case for observation in observations], policy, form)
        return [
            comparison
            for observation in observations
            for comparison in compare(observation, self.noise(observation.case, policy, form))
        ]

    @cached_property
    def presets(self) -> list[Policy]:
        """The presets that may be inferred, tightest first; "float32-step" only if a state is carried."""
        named = [preset(name, self.dtype) for name in policies(self.dtype)]
        return (
            named
            if has_carried_state(self.equation.definition)
            else [policy for policy in named if policy.name != "float32-step"]
        )

    @property
    def can_infer_policy(self) -> bool:
        """Whether there are several presets, so that an error may have led to a looser one."""
        return len(self.presets) > 1

    def infer_policy(self, observations: Sequence[Observation], paths: bool = True) -> Policy:
        """The tightest preset under which the errors are plausible.

        A policy is compared with each looser one on the elements where the looser σ is at least twice as large. It is
        rejected if the errors there are too large for it. This is tried on the first cases, then on those that the
        policy fails, since software may take another path for other sizes. The comparison is by a quantile, so that one
        bad row in an otherwise precise case does not lead to a looser policy. A policy that fails cases is rejected if
        the first cases speak against it, even if the failing cases do not, because they are saturated. If a looser
        policy leaves undecidable what the policy fails, such as an overflow, that does not speak for the looser one.
        A policy that fails elements by less than `CONTRAST` is rejected if a looser one holds for all of them.

        Recorded cases take part only if there are no others: a wrong recorded answer must not lead to a looser policy.
        Elements that are undecidable under the looser policy are then not counted.

        Args:
            paths: False leaves cases beyond the size of a tile out of the second trial, for one policy for all sizes.
        """
        presets = self.presets
        drawn = [observation for observation in observations if not observation.case.origin]
        observations = drawn or observations
        few = self.ordinary(observations, 2)
        if self.can_infer_policy and statistics.largest(self.compare(few, presets[-1])) > 1:
            return presets[-1]  # even the loosest policy does not explain an ordinary case
        first = list(observations)[:POLICY_CASES]
        looser_fits_better = partial(self._looser_fits_better, count_undecidable=bool(drawn))
        for place, policy in enumerate(presets[:-1]):
            looser = presets[place + 1 :]
            if self.failing(first, policy) and looser_fits_better(first, policy, looser):
                continue
            failing = self.failing(observations, policy)
            if not failing:
                return policy
            tried = [observation for observation in failing if paths or not _has_long_axis(observation, LONG_AXIS)]
            too_large = self._looser_fits_better(tried[:POLICY_CASES], policy, looser, count_undecidable=False)
            if too_large or looser_fits_better(first, policy, looser):
                continue
            if drawn and self._explained_by_looser(failing, policy, looser):
                continue
            if not (drawn and self._undecidable_under_looser(failing, policy, looser)):
                return policy
        return presets[-1]

    def _explained_by_looser(self, failing: Sequence[Observation], policy: Policy, looser: Sequence[Policy]) -> bool:
        """Whether all elements that a policy fails, it fails barely, and a looser policy holds or is undecidable there.

        Barely is within `CONTRAST` bounds, so the two policies are alike there, and nothing is learned from a contrast.
        """
        tight = self.compare(failing, policy)
        if any(bool((comparison.ratio > CONTRAST).any()) for comparison in tight):
            return False
        others = (zip(tight, self.compare(failing, other), strict=True) for other in looser)
        return any(all(bool((b.ratio <= 1)[a.ratio > 1].all()) for a, b in pairs) for pairs in others)

    def indistinguishable(self, observations: Sequence[Observation], policy: Policy) -> list[Policy]:
        """A policy, and the looser ones whose σ is nowhere at least twice as large: answers cannot tell them apart.

        They are compared on the first cases and on recorded ones. A recorded element that is decidable under the policy
        must be decidable under the looser one too.
        """
        recorded = [observation for observation in observations[POLICY_CASES:] if observation.case.origin]
        tried = [*observations[:POLICY_CASES], *recorded]
        tight = self.compare(tried, policy)
        looser = self.presets[self.presets.index(policy) + 1 :] if policy in self.presets else []
        pairs = [(other, list(zip(tight, self.compare(tried, other), strict=True))) for other in looser]
        return [policy, *(other for other, pair in pairs if _similar(pair))]

    def failing(self, observations: Sequence[Observation], policy: Policy) -> list[Observation]:
        """The observations with an element beyond its bound."""
        self.prepare([observation.case for observation in observations], policy)
        return [observation for observation in observations if not self.holds(observation, policy)]

    def holds(self, observation: Observation, policy: Policy, form: Form = PLAIN) -> bool:
        """Whether every element of an observation is within its bound."""
        return not any(comparison.fails for comparison in self.compare([observation], policy, form))

    def _looser_fits_better(
        self,
        observations: Sequence[Observation],
        policy: Policy,
        looser: Sequence[Policy],
        count_undecidable: bool = True,
    ) -> bool:
        """Whether errors are too large for a policy on the elements where the σ of a looser one is much larger.

        Args:
            count_undecidable: whether elements that are undecidable under the looser policy are counted.
        """
        tight = self.compare(observations, policy)
        others = (self.compare(observations, other) for other in looser)
        return any(
            statistics.contrast(list(zip(tight, other, strict=True)), count_undecidable) > POLICY_TOO_TIGHT
            for other in others
        )

    def _undecidable_under_looser(
        self, failing: Sequence[Observation], policy: Policy, looser: Sequence[Policy]
    ) -> bool:
        """Whether all elements that a policy fails are integers or overflow, and undecidable under a looser policy.

        What overflows is not finite, or 0 where it is a divisor.
        """
        wrong = [(comparison, comparison.ratio > 1) for comparison in self.compare(failing, policy)]
        integer = [result.kind != "float" for result in self.equation.definition.results]
        floats = ((comparison, bad) for comparison, bad in wrong if not integer[comparison.output])
        if any(
            bool((bad & np.isfinite(comparison.answer) & (comparison.answer != 0)).any()) for comparison, bad in floats
        ):
            return False
        others = (self.compare(failing, other) for other in looser)
        return any(
            not any(bool((bad & comparison.decidable).any()) for comparison, (_, bad) in zip(other, wrong, strict=True))
            for other in others
        )

    def ordinary(self, observations: Sequence[Observation], count: int = DIRECTION_CASES) -> list[Observation]:
        """The first observations of ordinary values in contiguous arrays with more than one element per output.

        If there are none, the first observations.
        """
        ordinary = [
            observation
            for observation in observations
            if observation.case.description is not None
            and observation.case.description.regime == "ordinary"
            and not observation.case.description.special
            and observation.case.layout == "contiguous"
            and all(answer.size > 1 for answer in observation.answers)
        ]
        return (ordinary or list(observations))[:count]

    def long(self, observations: Sequence[Observation]) -> list[Observation]:
        """The observations of ordinary values with an axis longer than a tile."""
        return [
            observation
            for observation in observations
            if observation.case.description is not None
            and observation.case.description.regime == "ordinary"
            and not observation.case.description.special
            and _has_long_axis(observation, LONGER_AXIS)
        ]

    def judge(
        self,
        observations: Sequence[Observation],
        policy: Policy,
        unseen: Sequence[Mutant] = (),
        form: Form = PLAIN,
        directions: bool = True,
    ) -> Judged:
        """Judge single elements, all elements together, directions of error, and the digits that a form loses.

        Directions are tried only if elements are right, one by one and together.

        Args:
            unseen: mutants that no single element shows; the error is projected on the direction of each.
            form: the form by whose noise answers are judged; the equation as written by default.
            directions: False leaves directions out.
        """
        compared = self.compare(observations, policy, form)
        findings = [*self._element_findings(compared), *self._aggregate_findings(compared)]
        if not findings and directions:
            findings = [*self.mutant_findings(compared, unseen), *self._direction_findings(observations, policy, form)]
        findings += self._form_findings(observations, policy, form)
        return Judged(policy, tuple(compared), tuple(findings), form)

    def _element_findings(self, compared: Sequence[Compared]) -> Iterator[Finding]:
        worst = statistics.worst(compared)
        if worst is not None and worst.fails:
            wrong = sum(int((comparison.ratio > 1).sum()) for comparison in compared)
            decidable = sum(int(comparison.decidable.sum()) for comparison in compared)
            reason = f"{wrong} of {decidable} elements are further from the value than rounding explains"
            yield Finding("element", reason, float(worst.ratio.max()), worst)

    def _form_findings(self, observations: Sequence[Observation], policy: Policy, form: Form) -> Iterator[Finding]:
        """Digits that a form loses without being claimed. A recorded case is shown before others.

        Integer outputs are left out: they have no digits to lose.
        """
        claimed = claimed_part(form, self.accepted, self.forms)
        if claimed is form:
            return
        integer = [result.kind != "float" for result in self.equation.definition.results]
        compared = [
            comparison for comparison in self.compare(observations, policy, claimed) if not integer[comparison.output]
        ]
        excesses = [(comparison, excess(comparison, self.dtype)) for comparison in compared]
        lossy = [
            (bool(comparison.case.origin), float(beyond.max()), comparison)
            for comparison, beyond in excesses
            if (beyond > 1).any()
        ]
        if lossy:
            _, severity, worst = max(lossy, key=lambda item: item[:2])
            count = sum(int((beyond > 1).sum()) for _, beyond in excesses)
            decidable = sum(int(comparison.decidable.sum()) for comparison in compared)
            reason = f"it is right by another form, which loses digits in {count} of {decidable} elements"
            yield Finding("form", reason, severity, worst)

    def _aggregate_findings(self, compared: Sequence[Compared]) -> Iterator[Finding]:
        value, limit = statistics.pooled_rms(compared)
        if value > limit:
            reason = f"the root mean square of error/σ over all elements is {value:.2f}, beyond {limit:.2f}"
            yield Finding("whole", reason, value / limit, statistics.worst(compared))
        worst_slice = statistics.slices(compared)
        if worst_slice is not None:
            severity = worst_slice.value / worst_slice.limit
            yield Finding("slice", _describe_slice(worst_slice), severity, worst_slice.compared)

    def mutant_findings(self, compared: Sequence[Compared], unseen: Sequence[Mutant]) -> Iterator[Finding]:
        """The mutant that explains most of the error, if the error contains its whole deviation."""
        best: Finding | None = None
        for mutant in unseen:
            coefficient = project(compared, self.deviation(mutant))
            if coefficient is None or not SAME_MISTAKE[0] < coefficient.value < SAME_MISTAKE[1]:
                continue
            before, after = self.residual_rms(compared, mutant)
            evident = coefficient.significant or (self.can_infer_policy and coefficient.dominant)
            if (evident or after < RESIDUAL_HALVED * before) and after < before:
                times = f"{coefficient.value:.2f} ± {coefficient.spread:.2f} times"
                reason = f"{mutant.says} (its deviation is in the error {times})"
                finding = Finding("mutant", reason, before / max(after, 1e-9), mutant=mutant)
                best = finding if best is None or finding.severity > best.severity else best
        if best is not None:
            yield best

    def deviation(self, mutant: Mutant) -> Callable[[Compared], Array | None]:
        """The direction of a mutant's error: its values minus those of the equation."""
        cache: dict[int, tuple[Array, ...] | None] = {}

        def direction(comparison: Compared) -> Array | None:
            if not fits(mutant, comparison.case):
                return None
            if id(comparison.case) not in cache:
                cache[id(comparison.case)] = mutant_values(mutant, comparison.case, self.dtype)
            wrong = cache[id(comparison.case)]
            return None if wrong is None else comparison.deviation(wrong[comparison.output])

        return direction

    def residual_rms(self, compared: Sequence[Compared], mutant: Mutant) -> tuple[float, float]:
        """The root mean square of error / σ, with the errors taken from the equation and from the mutant.

        Cases on which the mutant cannot be evaluated are left out.
        """
        from_equation = from_mutant = 0.0
        direction = self.deviation(mutant)
        count = 0
        for comparison in compared:
            deviation = direction(comparison)
            if deviation is None:
                continue
            with np.errstate(invalid="ignore", over="ignore"):
                left = (comparison.error - deviation) / np.where(comparison.counted, comparison.noise.sigma, 1.0)
                z = np.where(comparison.counted & np.isfinite(deviation), left, 0.0)
            from_equation += float((comparison.z**2).sum())
            from_mutant += float((z**2).sum())
            count += int(comparison.counted.sum())
        return (from_equation / max(count, 1)) ** 0.5, (from_mutant / max(count, 1)) ** 0.5

    def _direction_findings(self, observations: Sequence[Observation], policy: Policy, form: Form) -> list[Finding]:
        near = self.compare(self.ordinary(observations), policy, form)
        far = self.compare(self.long(observations), policy, form)
        findings: list[tuple[float, Finding]] = []
        for direction in error_directions(form.definition or self.equation.definition):
            compared = far if direction.on_long_cases else near
            coefficient = project(compared, direction.along)
            if coefficient is None:
                continue
            evident = coefficient.significant or (self.can_infer_policy and coefficient.dominant)
            if evident and not self._are_nearest(compared, direction.along):
                kind = "part" if direction.is_partial else "direction"
                severity = abs(coefficient.value) / coefficient.limit
                finding = Finding(kind, direction.describe(coefficient.value), severity)
                findings.append((round(coefficient.share_of_all, 2), finding))
        return [finding for _, finding in sorted(findings, key=lambda item: -item[0])]

    def _are_nearest(self, compared: Sequence[Compared], direction: Callable[[Compared], Array | None]) -> bool:
        """Whether all answers that a direction concerns are the values of the storage dtype nearest to the equation's.

        Their errors may all be of one sign, as where a factor is so near 1 that a product with it rounds to the other.
        """
        for comparison in compared:
            along = direction(comparison)
            if along is not None:
                concerned = comparison.counted & (along != 0)
                nearest = rounded(comparison.noise.value, self.dtype)
                if (comparison.answer != nearest)[concerned].any():
                    return False
        return True

    def strongest_direction(
        self, observations: Sequence[Observation], policy: Policy, share: float, each: float = 0.0
    ) -> str:
        """Describe the generic direction that explains most of the error; "" if none explains enough.

        Args:
            share: the smallest fraction of the squared error that a direction must explain.
            each: the same fraction of the error of every answer, of the same amount of the direction.
        """
        near = self.compare(self.ordinary(observations), policy)
        far = self.compare(self.long(observations), policy)
        best, least, sentence = share, share, ""
        for direction in error_directions(self.equation.definition):
            compared = far if direction.on_long_cases else near
            coefficient, share = statistics.share_along(compared, direction.along) or (0.0, 0.0)
            if share <= least or statistics.clearly_wrong(compared) < ENOUGH_WRONG:
                continue
            if statistics.least_share(compared, direction.along, coefficient) < each:
                continue
            if statistics.share_explained(compared, direction.along, coefficient) > PART_EXPLAINED:
                best, least, sentence = share, share + SAME_SHARE, direction.describe(coefficient)
        if not sentence or best >= HOLDS_ALL:
            return sentence
        return f"{best:.0%} of the error is as if {sentence.replace(' is ', ' were ', 1)}"


def _has_long_axis(observation: Observation, size: int) -> bool:
    """Whether an array of the case has an axis of at least this size."""
    return any(extent >= size for array in observation.case.arrays.values() for extent in array.shape)


def _similar(pairs: Sequence[tuple[Compared, Compared]]) -> bool:
    """Whether the second of two policies has nowhere a much larger σ, nor leaves more recorded elements undecidable."""
    fewer = any(bool((a.decidable & ~b.decidable).any()) for a, b in pairs if a.case.origin)
    return not fewer and bool(np.isnan(statistics.contrast(pairs)))


def has_carried_state(definition: Definition) -> bool:
    """Whether a state is carried from step to step, in an equation or in one that it calls."""
    return any(isinstance(node, Scan) for node in nodes_throughout(definition))


def _describe_slice(worst: Slice) -> str:
    axes = worst.compared.answer.ndim
    kind = "column" if worst.axis == axes - 1 else "row" if worst.axis == axes - 2 else f"slice along axis {worst.axis}"
    return f"{kind} {worst.place}: the root mean square of error/σ is {worst.value:.1f}, beyond {worst.limit:.1f}"
