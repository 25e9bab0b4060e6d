"""The judge of values: a candidate's answers compared with the oracle's, under one precision policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.rounding.noise import Noise, either, noise
from attnspec.interpreters.rounding.policy import Policy, policies, preset
from attnspec.language.equation import Equation
from attnspec.language.traversal import nodes_throughout
from attnspec.language.tree import Definition, Scan
from attnspec.thresholds import (
    DIRECTION_CASES,
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
from attnspec.verification.judge import statistics
from attnspec.verification.judge.directions import error_directions
from attnspec.verification.judge.findings import Finding, Judged
from attnspec.verification.judge.forms import PLAIN, Form, claimed_part, excess, forms
from attnspec.verification.judge.mutant_values import fits, mutant_values
from attnspec.verification.judge.residuals import Compared, compare
from attnspec.verification.judge.statistics import Slice, project

Array = NDArray[Any]


@dataclass
class Judge:
    """Judges answers to one equation in one dtype; the noise of a case is computed once.

    Attributes:
        accepted: the names of rewritings that are accepted at any loss.
    """

    equation: Equation[..., Any]
    dtype: str
    seed: int = 0
    accepted: tuple[str, ...] = ()
    _noises: dict[tuple[int, str, str], tuple[Noise, ...]] = field(default_factory=dict)
    _kept: list[Case] = field(default_factory=list)

    def noise(self, case: Case, policy: Policy, form: Form = PLAIN) -> tuple[Noise, ...]:
        """The noise of every output on a case, by the equation or one of its forms."""
        key = (id(case), repr(policy), form.says)
        if key not in self._noises:
            self._kept.append(case)  # so that no other case takes its id
            under = form.under(policy)
            trees = [form.definition or self.equation.definition, *([form.other] if form.other else [])]
            trees = [lift_over_batch(tree, case) for tree in trees]
            each = [noise(t, case.arrays, case.options, under, self.seed, constants=form.constants) for t in trees]
            self._noises[key] = tuple(reduce(either, outputs) for outputs in zip(*each, strict=True))
        return self._noises[key]

    @cached_property
    def forms(self) -> list[Form]:
        """Other ways to compute the equation in this dtype."""
        return forms(self.equation, self.dtype)

    def noise_of_wrong(self, case: Case, policy: Policy, tree: Definition, id: str) -> tuple[Noise, ...]:
        """The noise of a mutant, computed as if it were the equation. It is not cached."""
        tree = lift_over_batch(replace(tree, id=f"{tree.id}/{id}"), case)
        return noise(tree, case.arrays, case.options, policy, self.seed)

    def compared(self, observations: Sequence[Observation], policy: Policy, form: Form = PLAIN) -> list[Compared]:
        """Every answer with its noise."""
        return [
            each
            for observation in observations
            for each in compare(observation, self.noise(observation.case, policy, form))
        ]

    @cached_property
    def presets(self) -> list[Policy]:
        """The policies that may be inferred, tightest first; that of a carried state only if there is one."""
        named = [preset(name, self.dtype) for name in policies(self.dtype)]
        return named if carries(self.equation.definition) else [each for each in named if each.name != "float32-step"]

    @property
    def inferred(self) -> bool:
        """Whether there is a choice of policies, so that an error can have loosened its own policy."""
        return len(self.presets) > 1

    def infer(self, observations: Sequence[Observation], paths: bool = True) -> Policy:
        """Infer the tightest policy that the errors allow.

        A policy is compared with each looser one on the elements for which the looser one has at least twice its σ,
        first on the first cases, then on those that it fails, since real software takes other paths for other sizes.
        A quantile is compared, since one bad row in an otherwise precise case must not loosen the policy.

        Recorded cases do not take part: their failure must not choose a looser policy. If there are no other cases,
        they are used, but elements that only a looser policy leaves undecidable do not speak for it.

        Args:
            paths: False leaves cases beyond a tile's size out of the second: it must be one policy for all sizes.
        """
        presets = self.presets
        drawn = [each for each in observations if not each.case.origin]
        observations = drawn or observations
        few = self.ordinary(observations, 2)
        if self.inferred and statistics.largest(self.compared(few, presets[-1])) > 1:
            return presets[-1]  # not even the loosest explains an ordinary case
        some = list(observations)[:POLICY_CASES]
        better = partial(self._matches_better, openly=bool(drawn))
        for place, policy in enumerate(presets[:-1]):
            looser = presets[place + 1 :]
            if self.failing(some, policy) and better(some, policy, looser):
                continue
            failing = self.failing(observations, policy)
            if not failing:
                return policy
            most = [each for each in failing if paths or not _beyond(each, LONG_AXIS)][:POLICY_CASES]
            if better(most, policy, looser) or better(some, policy, looser):
                continue
            if not (drawn and self._left_open(failing, policy, looser)):
                return policy
        return presets[-1]

    def alike(self, observations: Sequence[Observation], policy: Policy) -> list[Policy]:
        """A policy and the looser ones that answers on the first and the recorded cases cannot tell from it."""
        recorded = [each for each in observations[POLICY_CASES:] if each.case.origin]
        some = [*observations[:POLICY_CASES], *recorded]
        own = self.compared(some, policy)
        looser = self.presets[self.presets.index(policy) + 1 :] if policy in self.presets else []
        pairs = [(each, list(zip(own, self.compared(some, each), strict=True))) for each in looser]
        return [policy, *(each for each, pair in pairs if _as_much(pair))]

    def failing(self, observations: Sequence[Observation], policy: Policy) -> list[Observation]:
        """The cases with an element beyond its bound."""
        return [each for each in observations if not self.holds(each, policy)]

    def holds(self, observation: Observation, policy: Policy, form: Form = PLAIN) -> bool:
        """Whether every element of a case is within its bound."""
        return not any(each.fails for each in self.compared([observation], policy, form))

    def _matches_better(
        self, observations: Sequence[Observation], policy: Policy, looser: Sequence[Policy], openly: bool = True
    ) -> bool:
        """Whether the errors fit some looser policy better than this one, where the two differ much.

        Args:
            openly: elements that the looser one leaves open count too.
        """
        tight = self.compared(observations, policy)
        others = (self.compared(observations, other) for other in looser)
        return any(
            statistics.contrast(list(zip(tight, other, strict=True)), openly) > POLICY_TOO_TIGHT for other in others
        )

    def _left_open(self, failing: Sequence[Observation], policy: Policy, looser: Sequence[Policy]) -> bool:
        """Whether a policy fails only by overflow or in whole numbers, which a looser policy leaves undecidable."""
        wrong = [(each, each.ratio > 1) for each in self.compared(failing, policy)]
        whole = [result.kind == "int" for result in self.equation.definition.results]
        if any(bool((bad & np.isfinite(each.answer)).any()) for each, bad in wrong if not whole[each.output]):
            return False
        others = (self.compared(failing, other) for other in looser)
        return any(
            not any(bool((bad & each.decidable).any()) for each, (_, bad) in zip(other, wrong, strict=True))
            for other in others
        )

    def ordinary(self, observations: Sequence[Observation], most: int = DIRECTION_CASES) -> list[Observation]:
        """The first cases of ordinary values in contiguous arrays, without sizes of 1."""
        plain = [
            each
            for each in observations
            if each.case.description is not None
            and each.case.description.regime == "ordinary"
            and each.case.layout == "contiguous"
            and all(answer.size > 1 for answer in each.answers)
        ]
        return (plain or list(observations))[:most]

    def long(self, observations: Sequence[Observation]) -> list[Observation]:
        """The cases of ordinary values with an axis longer than a tile."""
        return [
            each
            for each in observations
            if each.case.description is not None
            and each.case.description.regime == "ordinary"
            and _beyond(each, LONGER_AXIS)
        ]

    def judge(
        self,
        observations: Sequence[Observation],
        policy: Policy,
        faint: Sequence[Mutant] = (),
        form: Form = PLAIN,
        directions: bool = True,
    ) -> Judged:
        """Judge each element, then whole outputs, then directions of error, then the loss of a form.

        Args:
            faint: mutants too close to the equation to show in an element: the error is projected on each.
            directions: False leaves the third part out, for a first look.
            form: what to judge by, in place of the equation as it stands.
        """
        compared = self.compared(observations, policy, form)
        findings = [*self._elements(compared), *self._wholes(compared)]
        if not findings and directions:
            findings = [*self.mutants_seen(compared, faint), *self._directions(observations, policy, form)]
        findings += self._lost(observations, policy, form)
        return Judged(policy, tuple(compared), tuple(findings), form)

    def _elements(self, compared: Sequence[Compared]) -> Iterator[Finding]:
        each = statistics.worst(compared)
        if each is not None and each.fails:
            wrong = sum(int((other.ratio > 1).sum()) for other in compared)
            asked = sum(int(other.decidable.sum()) for other in compared)
            says = f"{wrong} of {asked} elements are further from the value than rounding explains"
            yield Finding("element", says, float(each.ratio.max()), each)

    def _lost(self, observations: Sequence[Observation], policy: Policy, form: Form) -> Iterator[Finding]:
        """The loss of a form beyond its limit. Whole numbers have no bits to lose. A recorded case is shown first."""
        kept = claimed_part(form, self.accepted, self.forms)
        if kept is form:
            return
        whole = [result.kind == "int" for result in self.equation.definition.results]
        own = [each for each in self.compared(observations, policy, kept) if not whole[each.output]]
        beyond = [(each, excess(each, self.dtype)) for each in own]
        lost = [
            (bool(each.case.origin), float(lift_over_batch.max()), each)
            for each, lift_over_batch in beyond
            if (lift_over_batch > 1).any()
        ]
        if lost:
            _, severity, worst = max(lost, key=lambda found: found[:2])
            count, asked = (
                sum(int((lift_over_batch > 1).sum()) for _, lift_over_batch in beyond),
                sum(int(each.decidable.sum()) for each in own),
            )
            says = f"it is right by another form, which loses digits in {count} of {asked} elements"
            yield Finding("form", says, severity, worst)

    def _wholes(self, compared: Sequence[Compared]) -> Iterator[Finding]:
        value, limit = statistics.whole(compared)
        if value > limit:
            says = f"the root mean square of error/σ over all elements is {value:.2f}, beyond {limit:.2f}"
            yield Finding("whole", says, value / limit, statistics.worst(compared))
        found = statistics.slices(compared)
        if found is not None:
            yield Finding("slice", _slice_says(found), found.value / found.limit, found.compared)

    def mutants_seen(self, compared: Sequence[Compared], faint: Sequence[Mutant]) -> Iterator[Finding]:
        """Mutants whose deviation is in the error, although no single element shows it."""
        best: Finding | None = None
        for mutant in faint:
            seen = project(compared, self.deviation(mutant))
            if seen is None or not SAME_MISTAKE[0] < seen.value < SAME_MISTAKE[1]:
                continue
            own, rest = self.residual(compared, mutant)
            if (seen.clear or (self.inferred and seen.foremost) or rest < RESIDUAL_HALVED * own) and rest < own:
                says = f"{mutant.says} (its deviation is in the error {seen.value:.2f} ± {seen.spread:.2f} times)"
                found = Finding("mutant", says, own / max(rest, 1e-9), mutant=mutant)
                best = found if best is None or found.severity > best.severity else best
        if best is not None:
            yield best

    def deviation(self, mutant: Mutant) -> Callable[[Compared], Array | None]:
        """The direction in which a mutant departs from the equation."""
        cache: dict[int, tuple[Array, ...] | None] = {}

        def along(each: Compared) -> Array | None:
            if not fits(mutant, each.case):
                return None
            if id(each.case) not in cache:
                cache[id(each.case)] = mutant_values(mutant, each.case, self.dtype)
            found = cache[id(each.case)]
            return None if found is None else found[each.output] - each.noise.value

        return along

    def residual(self, compared: Sequence[Compared], mutant: Mutant) -> tuple[float, float]:
        """The root mean square of error/σ, relative to the equation and to the mutant, where the mutant runs."""
        own = rest = 0.0
        along = self.deviation(mutant)
        count = 0
        for each in compared:
            d = along(each)
            if d is None:
                continue
            with np.errstate(invalid="ignore", over="ignore"):
                left = (each.error - d) / np.where(each.weighed, each.noise.sigma, 1.0)
                z = np.where(each.weighed & np.isfinite(d), left, 0.0)
            own, rest = own + float((each.z**2).sum()), rest + float((z**2).sum())
            count += int(each.weighed.sum())
        return (own / max(count, 1)) ** 0.5, (rest / max(count, 1)) ** 0.5

    def _directions(self, observations: Sequence[Observation], policy: Policy, form: Form) -> list[Finding]:
        near = self.compared(self.ordinary(observations), policy, form)
        far = self.compared(self.long(observations), policy, form)
        found: list[tuple[float, Finding]] = []
        for direction in error_directions(form.definition or self.equation.definition):
            seen = project(far if direction.far else near, direction.along)
            if seen is not None and (seen.clear or (self.inferred and seen.foremost)):
                kind = "part" if direction.part else "direction"
                finding = Finding(kind, direction.says(seen.value), abs(seen.value) / seen.limit)
                found.append((round(seen.of_all, 2), finding))
        return [finding for _, finding in sorted(found, key=lambda each: -each[0])]

    def strongest(self, observations: Sequence[Observation], policy: Policy, share: float) -> str:
        """A sentence on the direction with the largest share of the error, at least `share`; "" if there is none."""
        compared = self.compared(self.ordinary(observations), policy)
        far = self.compared(self.long(observations), policy)
        best, sentence = share, ""
        for direction in error_directions(self.equation.definition):
            seen = project(far if direction.far else compared, direction.along)
            places = far if direction.far else compared
            if seen is None or seen.of_all <= best:
                continue
            if statistics.explained(places, direction.along, seen.value) > PART_EXPLAINED:
                best, sentence = seen.of_all + SAME_SHARE, direction.says(seen.value)
        return sentence


def _beyond(observation: Observation, size: int) -> bool:
    """Whether a case has an axis of at least so many elements."""
    return any(extent >= size for array in observation.case.arrays.values() for extent in array.shape)


def _as_much(pairs: Sequence[tuple[Compared, Compared]]) -> bool:
    """Whether two policies have about the same σ, and the second leaves no more recorded elements undecidable."""
    open_ = any(bool((a.decidable & ~b.decidable).any()) for a, b in pairs if a.case.origin)
    return not open_ and bool(np.isnan(statistics.contrast(pairs)))


def carries(definition: Definition) -> bool:
    """Whether a state is carried from step to step, in an equation or in one that it calls."""
    return any(isinstance(node, Scan) for node in nodes_throughout(definition))


def _slice_says(found: Slice) -> str:
    axes = found.compared.answer.ndim
    kind = "column" if found.axis == axes - 1 else "row" if found.axis == axes - 2 else f"slice along axis {found.axis}"
    return f"{kind} {found.place}: the root mean square of error/σ is {found.value:.1f}, beyond {found.limit:.1f}"
