"""One verdict: draw cases, run the candidate on them, judge, diagnose, and say how strong the question was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import hypothesis
import numpy as np

from attnspec.interpreters.mutation.function_substitutions import function_substitutions
from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.mutation.tiling_errors import tiling_errors
from attnspec.interpreters.rounding.policy import Policy, preset
from attnspec.verification.candidate import Candidate
from attnspec.verification.cases.case import Case, Description, make
from attnspec.verification.cases.search import descriptions
from attnspec.verification.cases.shrink import shrink
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.contract import answer_form, double_backward, side_effects
from attnspec.verification.diagnosis import locate, precision, recognise
from attnspec.verification.diagnosis.batch_reduction import batch_reduction
from attnspec.verification.judge import statistics
from attnspec.verification.judge.findings import Finding, Judged
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import non_equivalent_mutants
from attnspec.verification.judge.mutation_score import MutationScore, mutation_score
from attnspec.verification.judge.residuals import Compared, Observation
from attnspec.verification.properties.checks import PropertyResults, check_properties
from attnspec.verification.properties.relations import noise_under
from attnspec.verification.question import Question
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.verdict import Diagnosis, Verdict, WorstElement

ROUNDS = 3
"""How often more cases are drawn for mutants that the cases so far could not have caught."""

RESTLESS = 0.05
"""The share of elements that may move by more than σ between two runs: other orders of summation move few."""

OFTEN = 300
"""Calls in a row, after which the answer must still be the same."""

OVERWRITES = "a later call changes what an earlier one returned: it hands out a buffer that it goes on writing to"
REMEMBERS = "given the same arrays with new values, it answers as if they were the old ones: it remembers earlier calls"

SPOILS = "run a second time on one graph, its backward pass gives other gradients: it writes to what the forward saved"

NEARLY_ALL, MUCH = 0.9, 0.25
"""The share of the error's square that a direction must hold to be named: where elements show it, and elsewhere."""

LONG = 400
"""Cases of longer axes are not tried under slips that depend on two places of one axis."""

PROBES = 8
"""How many of the worst cases a form must explain, the smallest first, before it is tried on all."""

ENOUGH = 0.9
"""Below this share of mutants caught, a pass says too little to be called one."""

MOST_TOLD = 0.5
"""The share of elements that a double backward is right in before the verdict says so."""

SHOWN = 5
"""How many recorded cases that are wrong are named."""


@dataclass
class Verifier:
    """Asks one question of a runner that has the target loaded."""

    question: Question
    runner: Runner
    tick: Callable[[str], None] = lambda step: None
    findings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.equation = self.question.equation
        self.judge = Judge(self.equation, self.question.dtype, self.question.seed)
        self.candidate = Candidate(self.question, self.runner)
        self.started = time.monotonic()

    def verdict(self) -> Verdict:
        """Ask, judge and say.

        Raises:
            BindingError: the callable's parameters do not match the equation's.
            UnknownName: a declared policy does not exist.
        """
        self.candidate.bound()
        declared = self.question.policy or self.question.claim.policy
        policy = preset(declared, self.question.dtype) if declared else None
        self.tick("cases")
        handed = self.candidate.recorded()
        self.findings += handed.says
        observations = self.candidate.observe([*self.candidate.told(), *handed.cases])
        early = self.unusable()
        if early is not None:
            return self.explained(early, observations)
        if not observations:
            which = "no recorded case" if self.question.only_inputs else "no case"
            return self.said("inconclusive", f"{which} could be asked: the claim leaves none")
        return self.judged(observations, policy)

    def unusable(self) -> Verdict | None:
        """The verdict, where a case has no answer that can be judged."""
        question = self.question
        found = answer_form.unusable(self.candidate.asked, self.equation, question.dtype, question.device)
        return None if found is None else self.said(found[0], found[1], worst=found[2])

    def explained(self, verdict: Verdict, observations: list[Observation]) -> Verdict:
        """What raises on most sizes may be a known mistake on the rest, such as a square matrix transposed."""
        answered = [each for each in observations if all(answer.size > 1 for answer in each.answers)]
        if verdict.verdict != "fails" or not answered:
            return verdict
        self.tick("diagnosis")
        known = recognise.recognise(self.judge, answered, self.mistakes(), self.judge.infer(answered))
        if known is None:
            return verdict
        told = replace(known, says=f"{known.says} (seen where the sizes let it run)")
        return replace(verdict, diagnosis=(told,), mend=locate.mend(self.equation, known))

    def judged(self, observations: list[Observation], policy: Policy | None) -> Verdict:
        """Judge the cases that are always there, then draw more, then say."""
        self.tick("judging")
        judged = self.best(observations, policy)
        if not judged.right:
            return self.wrong(observations, judged)
        observations += self.search(judged.policy)
        early = self.unusable()
        if early is not None:
            return early
        judged = self.best(observations, policy)
        if not judged.right:
            return self.wrong(observations, judged)
        observations, strength = self.strengthened(observations, judged)
        self.tick("judging")
        judged = self.best(observations, judged.policy, [*strength.faint, *strength.survived], directions=True)
        if not judged.right:
            return self.wrong(observations, judged)
        return self.rightly(observations, judged, strength)

    def rightly(self, observations: list[Observation], judged: Judged, strength: MutationScore) -> Verdict:
        """The values are right: the contract, the properties and the strength of the question remain."""
        self.tick("contract")
        trouble = side_effects.broken(self.candidate.asked) or self.repeated(observations, judged)
        trouble = trouble or self.remembered(observations, judged) or self.spoilt(observations, judged)
        if trouble is not None:
            return self.said("misbehaves", trouble, judged, strength)
        twice = self.twice(observations)
        if twice is not None:
            return self.said(*twice, judged, strength)
        self.unclaimed(judged)
        self.tick("properties")
        held = self.properties(judged)
        self.findings += held.unasked
        if held.violation:
            return self.said("differs", held.violation, judged, strength, properties=held.each)
        if judged.form.says:
            self.findings.append(f"by another form: {judged.form.says}")
        weak = _weak(judged, strength)
        if not weak:
            self.unclaimed_axes(judged)
        return self.said("inconclusive" if weak else "conforms", weak, judged, strength, properties=held.each)

    def wrong(self, observations: list[Observation], judged: Judged) -> Verdict:
        """The values are not right: which mistake, or how few bits, or where."""
        self.tick("diagnosis")
        self.note(side_effects.broken(self.candidate.asked))
        first = judged.findings[0]
        if first.mutant is not None:
            mistake = Diagnosis(first.mutant.id, first.mutant.says)
            return self.said("differs", first.says, judged, diagnosis=mistake)
        if first.kind in ("direction", "part"):
            return self.said("differs", first.says, judged, diagnosis=Diagnosis("direction", first.says))
        violation = self.by_layout(judged) or self.repeated(observations, judged)
        if violation:
            return self.said("misbehaves", violation, judged)
        cut = self.cut_off(judged)
        if cut is not None:
            return self.said("differs", cut.says, judged, diagnosis=cut, worst=self.smallest_case(first, judged))
        over = batch_reduction(self.equation.definition, judged.compared)
        known = Diagnosis("batch", over) if over else None
        known = known or recognise.recognise(self.judge, observations, self.mistakes(), judged.policy)
        known = known or self.in_software(observations, judged) or self.along(observations, judged)
        violation = "" if known else self.fresh(observations, judged)
        if violation:
            return self.said("misbehaves", violation, judged)
        fewer = None if known else self.imprecise(observations)
        if fewer is not None:
            bits, under = fewer
            reason = f"the formula is right, in {bits.bits:.0f} significant bits: they are lost at {bits.site}"
            if self.question.dtype == "float32" and bits.like_tf32:
                reason += " (TF32? then declare the policy tf32)"
            return self.said("imprecise", reason, under, bits=bits, worst=self.shown_worst(first, judged))
        axes = recognise.only_with_axes(judged.compared)
        self.note(f"it is wrong {axes}" if known and axes else None)
        known = known or locate.locate(self.judge, observations, judged.policy, first.says)
        return self.said("differs", first.says, judged, diagnosis=known, worst=self.smallest_case(first, judged))

    def cut_off(self, judged: Judged) -> Diagnosis | None:
        """Arguments that no gradient reaches, where these are all that is wrong; else they are noted."""
        gradients = self.question.gradients
        if gradients is None:
            return None
        wrong = {each.output for each in judged.compared if each.fails}
        reached = {each.output for each in judged.compared if each.answer.any()}
        names = [gradients.wanted[output] for output in sorted(wrong - reached)]
        if not names:
            return None
        says = f"no gradient reaches {' or '.join(filter(None, [', '.join(names[:-1]), names[-1]]))}"
        if any(outcome.detached for _, outcome in self.candidate.asked):
            says += ": what it returns is detached from its arguments (requires_grad is False)"
        if wrong & reached:
            self.note(says)
            return None
        return Diagnosis("no gradient", says)

    def fresh(self, observations: Sequence[Observation], judged: Judged) -> str:
        """Whether the worst answer is right where it is the first: it is asked again in a new process."""
        worst = statistics.worst(judged.compared)
        if worst is None or not worst.fails:
            return ""
        case = worst.case
        self.runner.close()
        again = self.candidate.once(case)[1]
        if again is None or not self.judge.holds(Observation(case, again), judged.policy):
            return ""
        return "its answer is right in a fresh process, and wrong after other calls: it remembers them"

    def mistakes(self) -> tuple[Mutant, ...]:
        """Every known mistake that shows on what is claimed."""
        return non_equivalent_mutants(self.equation.id, self.question.claim.finite)

    def imprecise(self, observations: Sequence[Observation]) -> tuple[precision.Bits, Judged] | None:
        """Where it loses how many bits, beside rounding under the tightest policy, or else under the loosest."""
        ends = dict.fromkeys([self.judge.presets[0], self.judge.presets[-1]])
        tried = (precision.imprecise(self.judge, observations, policy) for policy in ends)
        return next(filter(None, tried), None)

    def in_software(self, observations: Sequence[Observation], judged: Judged) -> Diagnosis | None:
        """What only software does: other functions, slips of kernels that run through tiles; in cases not too long."""
        definition = self.equation.definition
        slips = (*function_substitutions(definition), *tiling_errors(definition))
        short = [each for each in observations if each.case.longest <= LONG]
        return recognise.recognise(self.judge, short, slips, judged.policy, always=True) if slips else None

    def along(self, observations: list[Observation], judged: Judged) -> Diagnosis | None:
        """A direction that most of the error lies along, such as the scale of one argument."""
        plain = judged.findings[0].kind == "element"
        seen = self.judge.strongest(observations, judged.policy, NEARLY_ALL if plain else MUCH)
        return Diagnosis("direction", seen) if seen else None

    # More cases.

    def search(self, policy: Policy) -> list[Observation]:
        """Cases drawn by Hypothesis, steered towards the largest error."""
        found: list[Observation] = []
        question = self.question
        if question.examples <= 0 or question.only_inputs:
            return found
        self.tick("search")

        @hypothesis.seed(question.seed)
        @hypothesis.settings(
            max_examples=question.examples,
            database=None,
            deadline=None,
            derandomize=False,
            phases=[hypothesis.Phase.generate, hypothesis.Phase.target],
            suppress_health_check=list(hypothesis.HealthCheck),
            verbosity=hypothesis.Verbosity.quiet,
        )
        @hypothesis.given(descriptions(self.equation, question.least, question.claim))
        def explore(description: Description) -> None:
            seen = self.candidate.observe([self.candidate.made(description)])
            found.extend(seen)
            for observation in seen:
                share = statistics.largest(self.judge.compared([observation], policy))
                hypothesis.target(float(min(share, 1e6)), label="share of the bound")

        explore()
        return found

    def strengthened(self, observations: list[Observation], judged: Judged) -> tuple[list[Observation], MutationScore]:
        """The mutation score, and more cases as long as there are mutants that none so far could have caught."""
        strength = mutation_score(judged.compared, self.mistakes(), self.question.dtype)
        for round_ in range(1, ROUNDS + 1):
            if not strength.survived or self.question.only_inputs:
                break
            self.tick("strengthening")
            extra = standard_suite(self.equation, self.question.least, self.question.claim.batch)
            cases = [
                self.candidate.made(replace(each, seed=each.seed + 1000 * round_))
                for each in extra
                if each.regime in ("ordinary", "ties", "offset") and each.layout == "contiguous"
            ]
            observations = [*observations, *self.candidate.observe(cases)]
            compared = self.judge.compared(observations, judged.policy, judged.form)
            strength = strength.joined(mutation_score(compared, strength.survived, self.question.dtype))
        return observations, strength

    # Judging.

    def best(
        self,
        observations: Sequence[Observation],
        policy: Policy | None,
        faint: Sequence[Mutant] = (),
        directions: bool = False,
    ) -> Judged:
        """Judged as the equation, else as one of its forms, under one policy throughout, or one not to be told from it.

        A form must explain the worst cases to be tried on all. Where the policy was inferred, an error that no element
        shows but that lies along a direction may have loosened it: then only a rounded constant is an explanation, and
        of an error in some slices none is.
        """
        under = policy or self.judge.infer(observations)
        first = self.judge.judge(observations, under, faint, directions=directions)
        if first.right:
            return first
        kinds = {finding.kind for finding in first.findings}
        leaning = self.judge.inferred and kinds <= {"direction", "part", "mutant"}
        forms = [] if leaning and kinds == {"part"} else self.judge.forms
        worst = _worst(first, observations, PROBES)
        probes = [*([each] for each in sorted(worst, key=lambda each: each.case.elements)), worst]
        throughout = [under] if policy else self.judge.alike(observations, self.judge.infer(observations, paths=False))
        for form in forms:
            if leaning and (form.constants is None or form.products):
                continue
            for alike in throughout:
                if form.products and alike.intermediates is not alike.storage:
                    continue  # who keeps nothing in storage between operations keeps no products there
                if all(self.judge.judge(few, alike, form=form, directions=False).right for few in probes):
                    judged = self.judge.judge(observations, alike, faint, form, directions)
                    if judged.right:
                        return judged
        return first

    def properties(self, judged: Judged) -> PropertyResults:
        """Ask the equation's properties, for one example, or a batch of one where that is all that is claimed."""

        def ask(case: Case) -> tuple[Any, ...] | str:
            outcome, answers = self.candidate.once(self.candidate.asked_as(case))
            return answer_form.status_says(outcome) if answers is None else answers

        question, form = self.question, judged.form
        noise_of = noise_under(
            self.equation, form.under(judged.policy), question.seed, form=form.definition, constants=form.constants
        )
        axes = min(question.claim.batch)
        only = [case for case, _ in self.candidate.asked] if question.only_inputs else None
        return check_properties(self.equation, question.dtype, noise_of, question.least, axes, ask, question.seed, only)

    def by_layout(self, judged: Judged) -> str:
        """Whether it is wrong only where arrays do not lie contiguously in memory: the same values are asked anew."""
        wrong = [each.case for each in judged.compared if each.fails]
        if not wrong or any(case.layout == "contiguous" for case in wrong):
            return ""
        plain = self.candidate.observe([replace(wrong[0], layout="contiguous")])
        if not plain or self.judge.failing(plain, judged.policy):
            return ""
        return f"its values are wrong for {wrong[0].layout} inputs, right for contiguous ones"

    def repeated(self, observations: Sequence[Observation], judged: Judged) -> str | None:
        """The first cases asked again, after all others and in another order: the answers must be the same."""
        again = list(reversed(self.judge.ordinary(observations, 3)))
        for before in [*again, again[-1]]:
            outcome, answers = self.candidate.once(before.case)
            if answers is None:
                return f"it answers a case, and when asked again {answer_form.status_says(outcome)}"
            noises = self.judge.noise(before.case, judged.policy)
            for now, then, noise in zip(answers, before.answers, noises, strict=True):
                with np.errstate(invalid="ignore"):
                    apart = (np.abs(now - then) > noise.bound) | (np.isnan(now) != np.isnan(then))
                moved = np.abs(now - then) > noise.sigma
                if bool((apart & ~noise.undecidable).any()) or (moved.size and float(moved.mean()) > RESTLESS):
                    return "asked again, it gives another answer: it remembers earlier calls, or draws at random"
                if self.question.claim.deterministic and not np.array_equal(now, then, equal_nan=True):
                    self.note("two runs on one input differ in their last bits")
        return None

    def remembered(self, observations: Sequence[Observation], judged: Judged) -> str | None:
        """Whether an answer depends on calls before it: through the arguments' identity, a reused buffer, a counter."""
        first = self.judge.ordinary(observations, 1)[0].case
        turned = {name: np.array(np.flip(array), order="C") for name, array in first.arrays.items()}
        then = replace(first, arrays=turned, description=None)  # the same sums and extremes: a cache may go by these
        outcome, seen = self.candidate.in_turn(first, then)
        if len(seen) < 2:
            return f"it answers a case, and called twice in a row {answer_form.status_says(outcome)}"
        for observation, says in zip(seen, (OVERWRITES, REMEMBERS), strict=True):
            if not self.judge.holds(observation, judged.policy, judged.form):
                return says
        outcome, answers = self.candidate.once(first, times=OFTEN)
        if answers is None:
            return f"it answers a case, and called {OFTEN} times {answer_form.status_says(outcome)}"
        if not self.judge.holds(Observation(first, answers), judged.policy, judged.form):
            return f"within {OFTEN} calls on one input, it begins to give another answer"
        return None

    def spoilt(self, observations: Sequence[Observation], judged: Judged) -> str | None:
        """Whether a backward pass leaves what its forward pass saved as it was: on the same graph it is run again."""
        if self.question.forward is None:
            return None
        case = self.judge.ordinary(observations, 1)[0].case
        outcome, answers = self.candidate.pulled_twice(case)
        if answers is not None:
            return None if self.judge.holds(Observation(case, answers), judged.policy, judged.form) else SPOILS
        if "modified by an inplace operation" in str(outcome.trouble):
            return SPOILS
        self.note(f"run a second time on one graph, {answer_form.status_says(outcome)}")
        return None

    def twice(self, observations: Sequence[Observation]) -> tuple[str, str] | None:
        """What is wrong with a double backward that is claimed: the verdict and the reason."""
        claim = self.question.claim
        if not claim.double_backward:
            return None
        if claim.dtypes is not None and "float64" not in claim.dtypes:
            self.note("the double backward is not asked: it is asked in float64, which is not claimed")
            return None
        described = self.judge.ordinary(observations, 1)[0].case.description
        if described is None:
            return None
        case = self.candidate.asked_as(make(self.equation, described, "float64"))
        found = double_backward.check_double_backward(self.candidate, case, self.question.seed)
        if found.outcome.status != "ok":
            return "fails", f"asked for a double backward, {answer_form.status_says(found.outcome)}"
        if found.wrong:
            return "differs", found.wrong
        right = "its double backward is the derivative of its gradients, in float64"
        self.note(right if found.told > MOST_TOLD else "its double backward is too steep to be asked")
        return None

    def unclaimed(self, judged: Judged) -> None:
        """What it does with NaN and infinity at masked places, where it does not claim that."""
        for case in self.candidate.hidden():
            outcome, answers = self.candidate.once(case)
            if answers is None:
                self.note(f"with NaN at masked places {answer_form.status_says(outcome)}")
            elif not self.judge.holds(Observation(case, answers), judged.policy, judged.form):
                self.note("NaN or infinity at masked places shows elsewhere; only finite inputs are claimed")

    def unclaimed_axes(self, judged: Judged) -> None:
        """Note wrong answers with two batch axes, where one is claimed and two are not; to raise an error is right."""
        case = self.candidate.with_unclaimed_axes()
        if case is None:
            return
        outcome, answers = self.candidate.once(case)
        if outcome.status == "raised":
            return
        axes = "with 2 batch axes, which are not claimed,"
        if outcome.status != "ok":
            self.note(f"{axes} {answer_form.status_says(outcome)}")
        elif answers is None:
            self.note(f"{axes} {answer_form.fault(outcome, case, self.equation, self.question.dtype)}")
        elif not self.judge.holds(Observation(case, answers), judged.policy, judged.form):
            self.note(f"{axes} it gives other values")

    def note(self, finding: str | None) -> None:
        """A finding, where there is one, once."""
        if finding and finding not in self.findings:
            self.findings.append(finding)

    # Saying it.

    def said(
        self,
        verdict: str,
        reason: str,
        judged: Judged | None = None,
        strength: MutationScore | None = None,
        *,
        diagnosis: Diagnosis | None = None,
        worst: WorstElement | None = None,
        bits: precision.Bits | None = None,
        properties: tuple[tuple[str, bool], ...] = (),
    ) -> Verdict:
        """The verdict, with all that is known."""
        question = self.question
        found = bits or (
            precision.effective_bits(judged, question.dtype) if judged is not None and judged.right else None
        )
        told = judged is not None and verdict != "differs"
        return Verdict(
            equation=self.equation.id,
            implementation=question.shown or question.found.name,
            framework=question.framework,
            dtype=question.dtype,
            device=question.device,
            verdict=verdict,
            reason=reason,
            diagnosis=(diagnosis,) if diagnosis is not None else (),
            findings=(*self.findings, *(_recorded_wrong(judged) if judged is not None else ())),
            policy=str(judged.policy) if judged is not None and told else "",
            effective_bits=found.bits if found is not None else None,
            bits_site=found.site if found is not None else "",
            worst_case=worst,
            killed=len(strength.killed) if strength else 0,
            of=strength.of if strength else 0,
            survived=tuple(mutant.says for mutant in strength.survived) if strength else (),
            examples=len(self.candidate.asked),
            seconds=time.monotonic() - self.started,
            properties=properties,
            domain=question.domain(),
            mend=locate.mend(self.equation, diagnosis),
            seed=question.seed,
            recorded=sum(bool(case.origin) for case, _ in self.candidate.asked),
            backward_of=question.forward.id if question.forward is not None else "",
        )

    def shown_worst(self, finding: Finding, judged: Judged) -> WorstElement | None:
        each = finding.at or statistics.worst(judged.compared)
        return self.worst(each) if each is not None and each.ratio.size else None

    def worst(self, each: Compared) -> WorstElement:
        """The worst element of a comparison."""
        place = tuple(int(k) for k in np.unravel_index(int(np.argmax(each.ratio)), each.ratio.shape))
        name = self.equation.definition.results[each.output].name
        value, sigma = float(each.noise.value[place]), float(each.noise.sigma[place])
        return WorstElement(each.case, name, place, value, sigma, float(each.answer[place]))

    def smallest_case(self, finding: Finding, judged: Judged) -> WorstElement | None:
        """The worst case, shrunk while it still fails."""
        failing = [each for each in judged.compared if each.fails]
        if finding.kind != "element" or not failing:
            return self.shown_worst(finding, judged)
        best = [min(failing, key=lambda each: each.case.elements)]

        def fails(case: Case) -> bool:
            case = self.candidate.asked_as(case)
            _, answers = self.candidate.once(case)
            if answers is None:
                return False
            seen = statistics.worst(self.judge.compared([Observation(case, answers)], judged.policy))
            if seen is None or not seen.fails:
                return False
            best[0] = seen
            return True

        claimed = self.question.claim.batch
        shrink(self.equation, best[0].case, self.question.dtype, self.question.least, fails, batches=claimed)
        return self.worst(best[0])


def _weak(judged: Judged, strength: MutationScore) -> str:
    """Why right values are no pass, in words; "" where they are."""
    asked, of = judged.asked
    if not asked:
        return "no element could be asked: the noise drowns them all"
    if strength.of and len(strength.killed) < ENOUGH * strength.of:
        return f"these cases would have caught only {strength} known mistakes"
    if of - asked > of / 2:
        return f"the noise drowns {of - asked} of {of} elements"
    return ""


def _recorded_wrong(judged: Judged) -> Iterator[str]:
    """Recorded cases that are wrong, each by the name of its file."""
    wrong = [each for each in judged.compared if each.case.origin and each.fails]
    for each in wrong[:SHOWN]:
        count, of = int((each.ratio > 1).sum()), int(each.asked.sum())
        yield f"{each.case.origin}: {count} of {of} elements are further from the value than rounding explains"
    if len(wrong) > SHOWN:
        yield f"{len(wrong) - SHOWN} more recorded answers are wrong"


def _worst(judged: Judged, observations: Sequence[Observation], count: int) -> list[Observation]:
    """The cases with the largest error."""
    by_error = sorted((each for each in judged.compared if each.ratio.size), key=lambda each: -float(each.ratio.max()))
    shown = [id(finding.at.case) for finding in judged.findings if finding.at is not None]
    cases = list(dict.fromkeys([*shown, *(id(each.case) for each in by_error)]))[: count + len(shown)]
    return [each for each in observations if id(each.case) in cases]


__all__ = ["Question", "Verifier"]
