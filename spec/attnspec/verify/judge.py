"""Is it right? A candidate's answers against the oracle's values, under one precision policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.interpreters.forms import rewritten
from attnspec.interpreters.mutants import Mutant
from attnspec.interpreters.noise import Noise, noise
from attnspec.interpreters.policy import FORMATS, Policy, policies, preset
from attnspec.language.equation import Equation
from attnspec.language.tree import Definition
from attnspec.verify import statistics
from attnspec.verify.cases import Case
from attnspec.verify.directions import generic
from attnspec.verify.statistics import Compared, Observation, Slice, compare, project
from attnspec.verify.wrong import fits, wrong_values

Array = NDArray[Any]

MATCHED = 1.25
"""What a policy may leave of |error|/σ in the upper fifth: matched ones leave 0.9, one too tight by half 1.8."""

DIRECTION_CASES = 5
"""Cases on which generic directions are measured; ordinary ones, which show the most."""


@dataclass(frozen=True, slots=True)
class Form:
    """Another way to compute the same, with its own rounding.

    Attributes:
        says: what is done otherwise, and what it costs; "" for the equation as it stands.
        definition: the tree, None for the equation's own.
        constants: significant bits to which constants are rounded; None: they are exact.
    """

    says: str = ""
    definition: Definition | None = None
    constants: int | None = None


PLAIN = Form()


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason why a candidate's answers are not right.

    Attributes:
        kind: "element", "whole", "slice", "direction" or "mutant".
        says: what was found, in words.
        severity: how far beyond its limit, 1 being the limit.
        at: the comparison that shows it, where it is in one.
        mutant: the mutant that the error is, where it is one.
    """

    kind: str
    says: str
    severity: float
    at: Compared | None = None
    mutant: Mutant | None = None


@dataclass(frozen=True)
class Judged:
    """What came of judging: under which policy and form, and what was found.

    Attributes:
        compared: every output of every case beside its noise.
        findings: reasons why it is not right, gravest kind first; empty where it is right.
        form: the form that was matched.
    """

    policy: Policy
    compared: tuple[Compared, ...]
    findings: tuple[Finding, ...] = ()
    form: Form = PLAIN

    @property
    def right(self) -> bool:
        return not self.findings

    @property
    def rms(self) -> float:
        """The pooled root mean square of error/σ."""
        return statistics.whole(self.compared)[0]

    @property
    def asked(self) -> tuple[int, int]:
        """How many elements the noise let be asked, of how many."""
        return (
            sum(int(each.asked.sum()) for each in self.compared),
            sum(int(each.asked.size) for each in self.compared),
        )


@dataclass
class Judge:
    """Judges answers to one equation in one dtype; the noise of a case is computed once."""

    equation: Equation[..., Any]
    dtype: str
    seed: int = 0
    _noises: dict[tuple[int, str, str], tuple[Noise, ...]] = field(default_factory=dict)
    _kept: list[Case] = field(default_factory=list)

    def noise(self, case: Case, policy: Policy, form: Form = PLAIN) -> tuple[Noise, ...]:
        """The noise of every output on a case, by the equation or one of its forms."""
        tree = form.definition or self.equation.definition
        key = (id(case), repr(policy), form.says)
        if key not in self._noises:
            self._kept.append(case)  # so that no other case takes its id
            found = noise(tree, case.arrays, case.options, policy, self.seed, constants=form.constants)
            self._noises[key] = found
        return self._noises[key]

    def forms(self) -> list[Form]:
        """The equation's forms, and constants rounded to storage, which real libraries do to √d."""
        listed = [Form(other.says, other.equation.definition) for other in self.equation.forms]
        found = [Form(says, tree) for says, tree in rewritten(self.equation.definition)]
        bits = int(FORMATS[self.dtype].bits)
        also = f"constants rounded to {self.dtype}"
        constant = [Form(also, constants=bits)]
        constant += [replace(form, says=f"{form.says}, {also}", constants=bits) for form in (*listed, *found)]
        return [*listed, *found, *(constant if self.dtype != "float64" else [])]

    def noise_of_wrong(self, case: Case, policy: Policy, tree: Definition, id: str) -> tuple[Noise, ...]:
        """The noise of a mutant, as if it were the equation; not kept."""
        return noise(replace(tree, id=f"{tree.id}/{id}"), case.arrays, case.options, policy, self.seed)

    def compared(self, observations: Sequence[Observation], policy: Policy, form: Form = PLAIN) -> list[Compared]:
        """Every answer beside its noise."""
        return [
            each for observation in observations
            for each in compare(observation, self.noise(observation.case, policy, form))
        ]  # fmt: skip

    def infer(self, observations: Sequence[Observation], form: Form = PLAIN) -> Policy:
        """The tightest preset that the errors leave possible.

        A policy is held against each looser one where the two differ: elements of which the looser says at least twice
        the σ. Asked on all cases, then on those that it would fail, since real software takes other paths for other
        sizes. A quantile, since one bad row in an otherwise precise case must not loosen what it is judged by.
        """
        presets = [preset(name, self.dtype) for name in policies(self.dtype)]
        few = self.ordinary(observations, 2)
        if len(presets) > 1 and statistics.largest(self.compared(few, presets[-1], form)) > 1:
            return presets[-1]  # not even the loosest explains an ordinary case
        for place, policy in enumerate(presets):
            tight = self.compared(observations, policy, form)
            failing = {id(each.case) for each in tight if each.ratio.size and float(each.ratio.max()) > 1}
            if not failing or place == len(presets) - 1:
                return policy
            others = [self.compared(observations, looser, form) for looser in presets[place + 1 :]]
            pairs = [list(zip(tight, other, strict=True)) for other in others]
            pairs += [[(a, b) for a, b in each if id(a.case) in failing] for each in pairs]
            if not any(statistics.contrast(each) > MATCHED for each in pairs):
                return policy
        raise AssertionError("every dtype has a preset")

    def ordinary(self, observations: Sequence[Observation], most: int = DIRECTION_CASES) -> list[Observation]:
        """The cases that show the most: ordinary values, no size of one, the first that were made."""
        plain = [
            each for each in observations
            if each.case.description is not None and each.case.description.regime == "ordinary"
            and each.case.layout == "contiguous" and all(answer.size > 1 for answer in each.answers)
        ]  # fmt: skip
        return (plain or list(observations))[:most]

    def judge(
        self, observations: Sequence[Observation], policy: Policy, faint: Sequence[Mutant] = (),
        form: Form = PLAIN, directions: bool = True,
    ) -> Judged:  # fmt: skip
        """All three parts: each element, the whole, and directions.

        Args:
            faint: mutants too close to the equation to show in an element: the error is projected on each.
            directions: False leaves the third part out, for a first look.
            form: what to judge by, in place of the equation as it stands.
        """
        compared = self.compared(observations, policy, form)
        findings = [*self._elements(compared), *self._wholes(compared)]
        if not findings and directions:
            findings = [*self.mutants_seen(compared, faint), *self._directions(observations, policy, form)]
        return Judged(policy, tuple(compared), tuple(findings), form)

    def _elements(self, compared: Sequence[Compared]) -> Iterator[Finding]:
        each = statistics.worst(compared)
        if each is not None and float(each.ratio.max()) > 1:
            wrong = sum(int((other.ratio > 1).sum()) for other in compared)
            asked = sum(int(other.asked.sum()) for other in compared)
            says = f"{wrong} of {asked} elements are further from the value than rounding explains"
            yield Finding("element", says, float(each.ratio.max()), each)

    def _wholes(self, compared: Sequence[Compared]) -> Iterator[Finding]:
        value, limit = statistics.whole(compared)
        if value > limit:
            says = f"the root mean square of error/σ over all elements is {value:.2f}, beyond {limit:.2f}"
            yield Finding("whole", says, value / limit, statistics.worst(compared))
        found = statistics.slices(compared)
        if found is not None:
            yield Finding("slice", _slice_says(found), found.value / found.limit, found.compared)

    def mutants_seen(self, compared: Sequence[Compared], faint: Sequence[Mutant]) -> Iterator[Finding]:
        """Mutants whose whole deviation is in the error, although no element shows it."""
        best: Finding | None = None
        for mutant in faint:
            seen = project(compared, self.deviation(mutant))
            if seen is None or not 0.8 < seen.value < 1.2:
                continue
            own, rest = self.residual(compared, mutant)
            if (seen.seen or rest < 0.5 * own) and rest < own:
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
                cache[id(each.case)] = wrong_values(mutant, each.case, self.dtype)
            found = cache[id(each.case)]
            return None if found is None else found[each.output] - each.noise.value

        return along

    def residual(self, compared: Sequence[Compared], mutant: Mutant) -> tuple[float, float]:
        """The root mean square of error/σ, from the equation and from the mutant, where the mutant can be asked."""
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

    def _directions(self, observations: Sequence[Observation], policy: Policy, form: Form) -> Iterator[Finding]:
        compared = self.compared(self.ordinary(observations), policy, form)
        for direction in generic(form.definition or self.equation.definition):
            seen = project(compared, direction.along)
            if seen is not None and seen.seen:
                yield Finding("direction", direction.says(seen.value), abs(seen.value) / seen.limit)

    def strongest(self, observations: Sequence[Observation], policy: Policy) -> str:
        """The generic direction that nearly all of the error lies along, in words; "" where there is none."""
        compared = self.compared(self.ordinary(observations), policy)
        best, sentence = 0.9, ""
        for direction in generic(self.equation.definition):
            seen = project(compared, direction.along)
            if seen is not None and seen.share > best:
                best, sentence = seen.share, direction.says(seen.value)
        return sentence


def _slice_says(found: Slice) -> str:
    axes = found.compared.answer.ndim
    kind = "column" if found.axis == axes - 1 else "row" if found.axis == axes - 2 else f"slice along axis {found.axis}"
    return f"{kind} {found.place}: the root mean square of error/σ is {found.value:.1f}, beyond {found.limit:.1f}"
