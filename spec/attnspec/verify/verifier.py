"""One verdict: draw cases, run the candidate on them, judge, diagnose, and say how strong the question was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import hypothesis
import numpy as np
from hypothesis import strategies as st

from attnspec.errors import BindingError, UnknownName
from attnspec.implementation import Claim
from attnspec.interpreters.policy import Policy, policies, preset
from attnspec.language.equation import Equation
from attnspec.verify import contract, explain, fit, statistics
from attnspec.verify.asking import Held, properties
from attnspec.verify.binding import Plan, bind
from attnspec.verify.cases import LAYOUTS, REGIMES, Case, Description, make, sizes_of, smallest, telling
from attnspec.verify.judge import Finding, Judge, Judged
from attnspec.verify.laws import noise_under
from attnspec.verify.outcome import Outcome, Request
from attnspec.verify.report import Verdict, Worst
from attnspec.verify.runner import Runner
from attnspec.verify.score import Score, score
from attnspec.verify.shrink import shrink
from attnspec.verify.statistics import Compared, Observation
from attnspec.verify.targets import Found
from attnspec.verify.wrong import truly_wrong

ROUNDS = 3
"""How often more cases are drawn for mutants that the cases so far could not have caught."""

ENOUGH = 0.9
"""Below this share of mutants caught, a pass says too little to be called one."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a callable of a target, an equation, and on what.

    Attributes:
        examples: cases drawn beyond those that are always there.
        bind: {callable's parameter: equation's name}.
        policy: a declared precision policy, else the claim's, else inferred.
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

    def least(self, name: str) -> int:
        """The smallest size of an axis that is asked: what the equation allows and the claim accepts."""
        own = smallest(self.equation, name) if name != "batch" else 0
        return max(own, self.claim.smallest.get(name, 0))


@dataclass
class Verifier:
    """Asks one question of a runner that has the target loaded."""

    question: Question
    runner: Runner
    tick: Callable[[str], None] = lambda step: None
    findings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        question = self.question
        self.equation = question.equation
        self.judge = Judge(question.equation, question.dtype, question.seed)
        self.plan: Plan = []
        self.outcomes: list[tuple[Case, Outcome]] = []
        self.started = time.monotonic()

    # The question in order.

    def verdict(self) -> Verdict:
        """Ask, judge and say.

        Raises:
            BindingError: the callable's parameters do not match the equation's.
            UnknownName: a declared policy does not exist.
        """
        self.plan = self.bound()
        declared = self.question.policy or self.question.claim.policy
        policy = preset(declared, self.question.dtype) if declared else None
        self.tick("cases")
        observations = self.observe([self.made(each) for each in self.told()])
        early = contract.unusable(self.outcomes, self.equation, self.question.dtype, self.question.device)
        if early is not None:
            return self.said(*early[:2], worst=early[2])
        if not observations:
            return self.said("inconclusive", "no case could be asked: the claim leaves none")
        return self.judged(observations, policy)

    def judged(self, observations: list[Observation], policy: Policy | None) -> Verdict:
        """Judge the cases that are always there, then draw more, then say."""
        self.tick("judging")
        judged = self.best(observations, policy, (), directions=False)
        if not judged.right:
            return self.wrong(observations, judged)
        observations += self.search(judged.policy)
        early = contract.unusable(self.outcomes, self.equation, self.question.dtype, self.question.device)
        if early is not None:
            return self.said(*early[:2], worst=early[2])
        judged = self.best(observations, policy, (), directions=False)
        if not judged.right:
            return self.wrong(observations, judged)
        observations, strength = self.strengthened(observations, judged)
        self.tick("judging")
        judged = self.best(observations, judged.policy, [*strength.faint, *strength.survived])
        if not judged.right:
            return self.wrong(observations, judged)
        return self.rightly(observations, judged, strength)

    def rightly(self, observations: list[Observation], judged: Judged, strength: Score) -> Verdict:
        """The values are right: the contract, the properties and the strength of the question remain."""
        self.tick("contract")
        trouble = contract.broken(self.outcomes, self.question.claim) or self.repeated(observations, judged)
        if trouble is not None:
            return self.said("misbehaves", trouble, judged, strength)
        self.tick("properties")
        asked_laws = self.properties(judged)
        held = asked_laws.each
        self.findings += asked_laws.unasked
        if asked_laws.violation:
            return self.said("differs", asked_laws.violation, judged, strength, properties=held)
        asked, of = judged.asked
        if not asked:
            return self.said("inconclusive", "no element could be asked: the noise drowns them all", judged, strength)
        if strength.of and len(strength.killed) < ENOUGH * strength.of:
            return self.said("inconclusive", f"these cases would have caught only {strength} known mistakes", judged, strength, properties=held)
        if judged.form.says:
            self.findings.append(f"by another form: {judged.form.says}")
        if of - asked > of / 2:
            return self.said("inconclusive", f"the noise drowns {of - asked} of {of} elements", judged, strength, properties=held)
        return self.said("conforms", "", judged, strength, properties=held)

    def wrong(self, observations: list[Observation], judged: Judged) -> Verdict:
        """The values are not right: which mistake, or how few bits, or where."""
        self.tick("diagnosis")
        first = judged.findings[0]
        if first.mutant is not None:
            mutant = first.mutant
            return self.said("differs", first.says, judged, diagnosis=(explain.Diagnosis(mutant.id, mutant.says),))
        if first.kind == "direction":
            return self.said("differs", first.says, judged, diagnosis=(explain.Diagnosis("direction", first.says),))
        layout = self.by_layout(observations, judged)
        if layout:
            return self.said("misbehaves", layout, judged)
        memory = self.repeated(observations, judged)
        if memory is not None:
            return self.said("misbehaves", memory, judged)
        known = explain.recognise(self.judge, observations, truly_wrong(self.equation.id), judged.policy)
        if known is None:
            known = self.along(observations, judged)
        if known is None:
            fewer = fit.imprecise(self.judge, observations, preset(policies(self.question.dtype)[0], self.question.dtype))
            if fewer is not None:
                bits, under = fewer
                reason = f"the formula is right, in {bits.bits:.0f} significant bits: they are lost at {bits.site}"
                return self.said("imprecise", reason, under, bits=bits, worst=self.shown_worst(first, judged))
            known = explain.where(self.judge, observations, judged.policy)
        return self.said("differs", first.says, judged, diagnosis=(known,), worst=self.smallest_case(first, judged))

    def along(self, observations: list[Observation], judged: Judged) -> explain.Diagnosis | None:
        """A direction that most of the error lies along, such as the scale of one argument."""
        seen = self.judge.strongest(observations, judged.policy)
        return explain.Diagnosis("direction", seen) if seen else None

    # Cases, and the candidate on them.

    def bound(self) -> Plan:
        question = self.question
        definition = self.equation.definition
        names = [parameter.name for parameter in definition.parameters]
        options = [option.name for option in definition.options]
        shown = f"{question.shown or question.found.name}"
        return bind(question.found.parameters, names, options, dict(question.bind), name=shown, equation=self.equation.id)

    def told(self) -> Iterator[Description]:
        """The cases that are always there, as far as they are claimed."""
        for description in telling(self.equation, self.question.least, self.question.claim.batch):
            if description.layout == "contiguous" or not self.question.claim.contiguous:
                yield description

    def made(self, description: Description) -> Case:
        return make(self.equation, description, self.question.dtype)

    def request(self, case: Case) -> Request:
        question = self.question
        dtype = question.dtype
        held = "float32" if dtype == "bfloat16" else dtype
        arrays = {n: a.astype(held) if a.dtype.kind == "f" else a for n, a in case.arrays.items()}
        return Request(
            question.found.name, arrays, case.options, dtype, question.device, question.framework, self.plan,
            case.layout, len(self.equation.definition.results),  # type: ignore[arg-type]  # one of LAYOUTS
        )  # fmt: skip

    def observe(self, cases: Sequence[Case]) -> list[Observation]:
        """Run the candidate; what came of every case is kept, what can be judged is returned."""
        found = []
        for case, outcome in zip(cases, self.runner.call_many([self.request(case) for case in cases]), strict=True):
            self.outcomes.append((case, outcome))
            if contract.answered(outcome, case, self.equation, self.question.dtype):
                answers = tuple(np.asarray(output.value, dtype=np.float64) for output in outcome.outputs)
                found.append(Observation(case, answers))
            elif outcome.status in ("timeout", "crashed"):
                break
        return found

    def search(self, policy: Policy) -> list[Observation]:
        """Cases drawn by Hypothesis, steered towards the largest error."""
        found: list[Observation] = []
        question = self.question

        @hypothesis.seed(question.seed)
        @hypothesis.settings(
            max_examples=max(question.examples, 1), database=None, deadline=None, derandomize=False,
            phases=[hypothesis.Phase.generate, hypothesis.Phase.target],
            suppress_health_check=list(hypothesis.HealthCheck), verbosity=hypothesis.Verbosity.quiet,
        )  # fmt: skip
        @hypothesis.given(descriptions(self.equation, question.least, question.claim))
        def explore(description: Description) -> None:
            seen = self.observe([self.made(description)])
            found.extend(seen)
            for observation in seen:
                share = statistics.largest(self.judge.compared([observation], policy))
                hypothesis.target(float(min(share, 1e6)), label="share of the bound")

        if question.examples > 0:
            self.tick("search")
            explore()
        return found

    def strengthened(self, observations: list[Observation], judged: Judged) -> tuple[list[Observation], Score]:
        """The mutation score, and more cases as long as there are mutants that none so far could have caught."""
        strength = score(judged.compared, truly_wrong(self.equation.id), self.question.dtype)
        open_, killed, faint = strength.survived, list(strength.killed), list(strength.faint)
        for round_ in range(ROUNDS):
            if not open_:
                break
            self.tick("strengthening")
            extra = telling(self.equation, self.question.least, self.question.claim.batch)
            useful = [each for each in extra if each.regime in ("ordinary", "ties", "offset") and each.layout == "contiguous"]
            seen = self.observe([self.made(replace(each, seed=each.seed + 1000 * (round_ + 1))) for each in useful])
            observations = [*observations, *seen]
            after = score(self.judge.compared(observations, judged.policy), open_, self.question.dtype)
            killed += after.killed
            faint += after.faint
            open_ = after.survived
        return observations, Score(tuple(killed), tuple(faint), tuple(open_))

    def properties(self, judged: Judged) -> Held:
        """Ask the equation's properties, for one example, or a batch of one where that is all that is claimed."""
        question = self.question

        def ask(case: Case) -> tuple[Any, ...] | str:
            (outcome,) = self.runner.call_many([self.request(case)])
            if not contract.answered(outcome, case, self.equation, question.dtype):
                return contract.status_says(outcome)
            return tuple(np.asarray(output.value, dtype=np.float64) for output in outcome.outputs)

        batched = 0 not in question.claim.batch
        form = judged.form
        noise_of = noise_under(
            self.equation, judged.policy, question.seed, form=form.definition, constants=form.constants
        )
        return properties(self.equation, question.dtype, noise_of, question.least, batched, ask, question.seed)

    # Judging.

    def best(
        self, observations: Sequence[Observation], policy: Policy | None, faint: Sequence[Any], directions: bool = True
    ) -> Judged:
        """Judged as the equation, else as one of its forms."""
        first = self.judge.judge(observations, policy or self.judge.infer(observations), faint, directions=directions)
        if first.right:
            return first
        for form in self.judge.forms():
            under = policy or self.judge.infer(observations, form)
            judged = self.judge.judge(observations, under, faint, form, directions)
            if judged.right:
                return judged
        return first

    def by_layout(self, observations: Sequence[Observation], judged: Judged) -> str:
        """Whether it is wrong only where arrays do not lie contiguously in memory: the same values are asked anew."""
        wrong = [each.case for each in judged.compared if each.ratio.size and float(each.ratio.max()) > 1]
        if not wrong or any(case.layout == "contiguous" for case in wrong):
            return ""
        plain = self.observe([replace(wrong[0], layout="contiguous")])
        if not plain or statistics.largest(self.judge.compared(plain, judged.policy)) > 1:
            return ""
        return f"its values are wrong for {wrong[0].layout} inputs, right for contiguous ones"

    def repeated(self, observations: Sequence[Observation], judged: Judged) -> str | None:
        """The first cases asked again, after all others and in another order: the answers must be the same."""
        again = list(reversed(self.judge.ordinary(observations, 3)))
        for case in [each.case for each in again] + [again[-1].case]:
            (outcome,) = self.runner.call_many([self.request(case)])
            before = next(each for each in observations if each.case is case)
            if not contract.answered(outcome, case, self.equation, self.question.dtype):
                return f"it answers a case, and when asked again {contract.status_says(outcome)}"
            for k, noise in enumerate(self.judge.noise(case, judged.policy)):
                now = np.asarray(outcome.outputs[k].value, dtype=np.float64)
                with np.errstate(invalid="ignore"):
                    apart = np.abs(now - before.answers[k]) > noise.bound
                if bool((apart & ~noise.drowned).any()):
                    return "asked again, it gives another answer: it remembers earlier calls, or draws at random"
                if self.question.claim.deterministic and not np.array_equal(now, before.answers[k], equal_nan=True):
                    note = "two runs on one input differ in their last bits"
                    self.findings += [] if note in self.findings else [note]
        return None

    # Saying it.

    def said(
        self, verdict: str, reason: str, judged: Judged | None = None, strength: Score | None = None, *,
        diagnosis: tuple[explain.Diagnosis, ...] = (), worst: Worst | None = None, bits: fit.Bits | None = None,
        properties: tuple[tuple[str, bool], ...] = (),
    ) -> Verdict:  # fmt: skip
        question = self.question
        found = bits or (fit.effective(judged, question.dtype) if judged is not None and judged.right else None)
        mend = diagnosis[0].says if diagnosis and diagnosis[0].id != "unrecognised" else ""
        return Verdict(
            equation=self.equation.id, implementation=question.shown or question.found.name, framework=question.framework,
            dtype=question.dtype, device=question.device, verdict=verdict, reason=reason, diagnosis=diagnosis,
            findings=tuple(self.findings), policy=str(judged.policy) if judged is not None else "",
            effective_bits=found.bits if found is not None else None, bits_site=found.site if found is not None else "",
            worst_case=worst, killed=len(strength.killed) if strength else 0, of=strength.of if strength else 0,
            survived=tuple(mutant.says for mutant in strength.survived) if strength else (),
            examples=len(self.outcomes), seconds=time.monotonic() - self.started, properties=properties,
            domain=self.domain(), mend=f"the formula: {mend}" if mend else "", seed=question.seed,
        )  # fmt: skip

    def domain(self) -> str:
        """What was asked, in words."""
        claim = self.question.claim
        parts = ["finite inputs" if claim.finite else "all inputs, NaN and infinity included"]
        parts += [f"{name} ≥ {size}" for name, size in claim.smallest.items() if size > smallest(self.equation, name)]
        parts += ["contiguous inputs"] if claim.contiguous else []
        parts += [f"{'or'.join(map(str, claim.batch))} batch axes"] if claim.batch != (0, 1) else []
        return ", ".join(parts)

    def shown_worst(self, finding: Finding, judged: Judged) -> Worst | None:
        each = finding.at or statistics.worst(judged.compared)
        return self.worst(each) if each is not None and each.ratio.size else None

    def worst(self, each: Compared) -> Worst:
        """The worst element of a comparison."""
        index = np.unravel_index(int(np.argmax(each.ratio)), each.ratio.shape)
        place = tuple(int(k) for k in index)
        name = self.equation.definition.results[each.output].name
        value, sigma = float(each.noise.value[place]), float(each.noise.sigma[place])
        return Worst(each.case, name, place, value, sigma, float(each.answer[place]))

    def smallest_case(self, finding: Finding, judged: Judged) -> Worst | None:
        """The worst case, shrunk while it still fails."""
        if finding.kind != "element" or finding.at is None:
            return self.shown_worst(finding, judged)
        best: list[Compared] = [finding.at]

        def fails(case: Case) -> bool:
            (outcome,) = self.runner.call_many([self.request(case)])
            if not contract.answered(outcome, case, self.equation, self.question.dtype):
                return False
            answers = tuple(np.asarray(output.value, dtype=np.float64) for output in outcome.outputs)
            seen = statistics.worst(self.judge.compared([Observation(case, answers)], judged.policy))
            if seen is None or float(seen.ratio.max()) <= 1:
                return False
            best[0] = seen
            return True

        failing = [each for each in judged.compared if each.ratio.size and float(each.ratio.max()) > 1]
        start = min(failing, key=lambda each: sum(array.size for array in each.case.arrays.values()))
        best[0] = start
        shrink(self.equation, start.case, self.question.dtype, self.question.least, fails)
        return self.worst(best[0])


def descriptions(equation: Equation[..., Any], least: Callable[[str], int], claim: Claim) -> st.SearchStrategy[Description]:
    """What Hypothesis draws: sizes around powers of two and small ones, regimes, layouts, a seed."""
    names = sizes_of(equation.definition)

    def sizes(name: str) -> st.SearchStrategy[int]:
        menu = (1, 2, 3) if name in ("H", "M") else (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17)
        return st.sampled_from(sorted({max(size, least(name)) for size in menu}))

    batches = [None] if 0 in claim.batch else []
    batches += [max(size, least("batch")) for size in (1, 2, 4)] if 1 in claim.batch else []
    return st.builds(
        Description,
        sizes=st.tuples(*(st.tuples(st.just(name), sizes(name)) for name in names)),
        regime=st.sampled_from(sorted(REGIMES)),
        batch=st.sampled_from(batches or [None]),
        layout=st.just("contiguous") if claim.contiguous else st.sampled_from(LAYOUTS),
        seed=st.integers(10_000, 2**32),
    )


__all__ = ["BindingError", "Question", "UnknownName", "Verifier", "descriptions"]
