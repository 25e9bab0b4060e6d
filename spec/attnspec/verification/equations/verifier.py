"""The steps of a verdict on an implementation of an equation."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING, Any

from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.rounding.policy import Policy, preset
from attnspec.thresholds import POLICY_CASES, SEARCHED_NODES
from attnspec.verification.candidate import answer_form
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.candidate.question import Question
from attnspec.verification.cases.case import Case
from attnspec.verification.cases.restricted import of_any_size
from attnspec.verification.contract import determinism, double_backward, gradient_recording, side_effects, unclaimed
from attnspec.verification.contract.repeatability import Repeatability
from attnspec.verification.equations.at_sizes import AtSizes, planned
from attnspec.verification.equations.common import common_to
from attnspec.verification.equations.conclusion import to_verdict, weakness
from attnspec.verification.equations.hunt import Hunt
from attnspec.verification.equations.search import search, strengthened
from attnspec.verification.judge.effort import Effort
from attnspec.verification.judge.findings import Conclusion, Judged
from attnspec.verification.judge.mask_bits import unread_bits
from attnspec.verification.judge.mutant_values import effective_perturbations, non_equivalent_mutants, possible
from attnspec.verification.judge.mutation_score import MutationScore, mutation_score
from attnspec.verification.judge.with_forms import judge_with_forms
from attnspec.verification.properties.checks import PropertyResults, check_properties
from attnspec.verification.properties.relations import noise_under
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.verdict import FunctionVerdict, Verdict, VerdictKind
from attnspec.verification.verifier import OnProgress, Verifier

if TYPE_CHECKING:
    from attnspec.verification.diagnosis.explain import Explainer

WITH_FUNCTION = frozenset(VerdictKind) - {VerdictKind.FAILS, VerdictKind.NOT_RUN}
"""Verdicts on answers, of which it is also said which function gives them."""


@dataclass
class EquationVerifier(Verifier[Conclusion]):
    """Answers one question about an equation.

    Attributes:
        question: what is to be judged.
        runner: a sandbox with the target loaded.
        on_progress: called with the name of each stage that begins.
        findings: other observations, in sentences.
        observations: every answer that can be judged, with its case.
        judged: the last judgement of all of them; None before the first.
        strength: the mutation score of the cases; None before it is computed.
        held: the properties that were checked; None before.
        unread: what the equation reads of which no case shows whether it is read, in words.
        function: which function the candidate computes, without rounding; None before, and if that is not examined.
        determinism: what was measured of its determinism; empty before.
        hardest: the case of a long search with the largest error over its bound; None before, and without one.
    """

    question: Question
    runner: Runner
    on_progress: OnProgress = lambda stage: None
    findings: list[str] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    judged: Judged | None = None
    strength: MutationScore | None = None
    held: PropertyResults | None = None
    unread: list[str] = field(default_factory=list)
    function: FunctionVerdict | None = None
    determinism: tuple[determinism.Measured, ...] = ()
    hardest: Case | None = None

    def __post_init__(self) -> None:
        self.equation = self.question.equation
        common = common_to(self.question)
        self.judge = common.judge
        self.candidate = Candidate(self.question, self.runner, draw=common.drawer())
        if self.equation.is_derived:
            self.findings.append(f"{self.equation.id} is derived from the lines of {self.equation.gradient_of}")
        self.repeatability = Repeatability(self.candidate, self.judge, self.note)

    @cached_property
    def mistakes(self) -> tuple[Mutant, ...]:
        """Every known mistake that shows on what is claimed, and can be made at the sizes that the candidate has."""
        known = non_equivalent_mutants(self.equation, self.question.claim.finite)
        fixed = dict(self.question.adaptation.fixed)
        return tuple(mutant for mutant in known if possible(mutant, fixed)) if fixed else known

    @cached_property
    def explainer(self) -> Explainer:
        from attnspec.verification.diagnosis.explain import Explainer  # late: 50 modules, for wrong answers alone

        effort = Effort() if self.question.minutes else Effort(SEARCHED_NODES)
        return Explainer(self.candidate, self.judge, self.repeatability, self.mistakes, self.note, effort)

    @cached_property
    def declared_policy(self) -> Policy | None:
        """The policy of the caller or of the claim; None where it is to be inferred."""
        declared = self.question.policy or self.question.claim.policy
        return preset(declared, self.question.dtype) if declared else None

    def conclude(self) -> Conclusion:
        conclusion = super().conclude()
        examined = self.question.function and conclusion.kind in WITH_FUNCTION and find_spec("flint") is not None
        if not examined or not self.observations:
            return conclusion
        self.on_progress("function")
        step: Any = importlib.import_module("attnspec.verification.equations.function")  # needs an extra
        final: Conclusion
        self.function, final = step.with_function(self.candidate, self.observations, self.mistakes, conclusion)
        return final

    def bind(self) -> None:
        self.candidate.bind()
        if self.question.sizes:
            planned(self.question)  # what cannot be asked is refused before the first call

    def policy_beside_first_cases(self, observations: Sequence[Observation]) -> Policy | None:
        """The declared policy; else the one of some answers and of those to the first standard cases.

        Few answers alone may lead to a looser policy that explains what is wrong with them. None where the candidate
        has no answer to standard cases.
        """
        if self.declared_policy is not None or not self.judge.can_infer_policy:
            return self.declared_policy
        whole = replace(self.question, case=None, only_inputs=False)
        beside = replace(self.candidate, question=whole, calls=[])
        first = beside.observe([*islice(beside.standard_cases(), POLICY_CASES)])
        return self.judge.infer_policy([*first, *observations]) if first else None

    def check_standard_cases(self) -> Conclusion | None:
        policy = self.declared_policy  # an unknown one is refused before the first call
        if self.candidate.sums_gradients():
            self.note("gradients of what the examples of a batch share are summed over them")
        recorded = self.candidate.recorded_cases()
        self.findings += recorded.notes
        self.observations += self.candidate.observe([*self.candidate.standard_cases(), *recorded.cases])
        self.note(unclaimed.surrounded_by_numbers(self.candidate))
        unusable = self.unusable()
        if unusable is not None:
            return self.wrong_where_it_runs(unusable, policy) or self.fails_somewhere(unusable)
        if not self.observations:
            which = "no recorded case" if self.question.only_inputs else "no case"
            return Conclusion(VerdictKind.INCONCLUSIVE, f"{which} could be asked: the claim leaves none")
        self.on_progress("judging")
        if self.question.case is not None:
            policy = self.policy_beside_first_cases(self.observations)
        return self.judge_all(policy)

    def check_random_cases(self) -> Conclusion | None:
        self.observations += search(self.candidate, self.judge, self.judgement.policy)
        alone = self.question.case is not None
        return self.unusable() or self.judge_all(self.judgement.policy if alone else self.declared_policy)

    def strengthen_cases(self) -> Conclusion | None:
        before = self.judgement
        self.observations, self.strength = strengthened(
            self.candidate, self.judge, self.observations, before, self.mistakes
        )
        judged = self.judge.compare(self.observations, before.policy, before.form)
        perturbed = effective_perturbations(self.equation)
        self.unread = [each.says for each in mutation_score(judged, perturbed, self.question.dtype).survived]
        if not self.question.is_narrowed:
            self.unread += [bits.says for bits in unread_bits(of_any_size(self.equation), judged)]
        unseen = [*self.strength.seen_in_aggregate, *self.strength.survived]
        return self.judge_all(before.policy, unseen, directions=True)

    def check_contract(self) -> Conclusion | None:
        judged = self.judgement
        violation = side_effects.violation(self.candidate.calls)
        violation = violation or self.repeatability.violation(self.observations, judged)
        self.observations += self.repeatability.wrong
        wrong = self.judge_all(judged.policy) if self.repeatability.wrong else None
        if wrong is not None:
            return wrong
        violation = violation or gradient_recording.violation(self.candidate, self.judge, self.observations, judged)
        if violation:
            return Conclusion(VerdictKind.MISBEHAVES, violation, judged, self.strength)
        if reason := side_effects.asks_the_specification(self.candidate.calls):
            return Conclusion(VerdictKind.INCONCLUSIVE, reason, judged, self.strength)
        twice = double_backward.violation(self.candidate, self.judge, self.observations, self.note)
        if twice is not None:
            return Conclusion(*twice, judged, self.strength)
        measured = self.measure_determinism(judged)
        if measured is not None:
            return measured
        for finding in unclaimed.refused_memory(self.candidate):
            self.note(finding)
        for finding in unclaimed.beyond_decidable_rounding(self.judge, judged):
            self.note(finding)
        for finding in unclaimed.beyond_finite_inputs(self.candidate, self.judge, judged):
            self.note(finding)
        return None

    def measure_determinism(self, judged: Judged) -> Conclusion | None:
        """Measure determinism; the conclusion if it is not as claimed."""
        claimed = self.question.claim.bitwise
        self.determinism = (*determinism.Determinism(self.candidate, self.repeatability, judged).measure(),)
        if violation := determinism.violation(claimed, self.determinism):
            return Conclusion(VerdictKind.MISBEHAVES, violation, judged, self.strength)
        if reason := determinism.unmeasured(claimed, self.determinism):
            return Conclusion(VerdictKind.INCONCLUSIVE, reason, judged, self.strength)
        return None

    def check_properties(self) -> Conclusion | None:
        judged = self.judgement
        held = self.held = self.properties(judged)
        self.findings += held.skipped
        if not held.violation:
            return None
        self.observations += self.candidate.observe([*map(self.candidate.with_summed_gradients, held.calls)])
        wrong = self.judge_all(judged.policy)  # which element is wrong says more than which relation
        if wrong is not None:
            return replace(wrong, properties=held.results)
        return Conclusion(VerdictKind.DIFFERS, held.violation, judged, self.strength, properties=held.results)

    def hunt(self) -> Conclusion | None:
        if not self.question.minutes:
            return None
        seconds, is_stepped = 60 * self.question.minutes, self.question.trace
        hunt = Hunt(self.candidate, self.judge, self.judgement, seconds, self.on_progress, is_stepped)
        hunt.run()
        self.hardest = hunt.hardest
        self.note(hunt.says)
        unusable = self.unusable()
        if unusable is not None:
            return self.explainer.where_it_runs(self.observations, unusable)
        violation = side_effects.violation(self.candidate.calls)
        if violation:
            return Conclusion(VerdictKind.MISBEHAVES, violation, self.judgement, self.strength)
        if hunt.found is None:
            return None
        self.observations = [*self.observations, hunt.found]
        return self.judge_all(self.judgement.policy)

    def check_sizes(self) -> Conclusion | None:
        if not self.question.sizes:
            return None
        judged, presets = self.judgement, self.judge.presets
        looser = presets[presets.index(judged.policy) + 1 :] if judged.policy in presets else []
        policies = [judged.policy, *(looser if self.declared_policy is None else [])]
        at_sizes = AtSizes(self.candidate, self.judge, judged, policies, self.note, self.on_progress)
        found = at_sizes.conclude()
        return found and replace(found, strength=self.strength)

    def conclude_from_strength(self) -> Conclusion:
        judged, strength, held = self.judgement, self.strength, self.held
        assert strength is not None
        assert held is not None
        if judged.form.says:
            self.note(f"by another form: {judged.form.says}")
        weak = weakness(judged, strength, self.unread)
        for finding in unclaimed.beyond_one_batch_axis(self.candidate, self.judge, judged) if not weak else ():
            self.note(finding)
        kind = VerdictKind.INCONCLUSIVE if weak else VerdictKind.CONFORMS
        return Conclusion(kind, weak, judged, strength, properties=held.results)

    def to_verdict(self, conclusion: Conclusion, seconds: float) -> Verdict:
        findings = [*self.findings, *self.candidate.not_asked]
        verdict = to_verdict(self.candidate, conclusion, findings, seconds)
        measured = tuple((each.over, each.says) for each in self.determinism)
        return replace(verdict, function=self.function, determinism=measured, hardest=self.hardest)

    @property
    def judgement(self) -> Judged:
        """The last judgement of all answers."""
        assert self.judged is not None
        return self.judged

    def judge_all(
        self, policy: Policy | None, unseen: Sequence[Mutant] = (), directions: bool = False
    ) -> Conclusion | None:
        """Judge all answers so far; the conclusion if some are not right.

        Args:
            policy: the precision policy; None where it is to be inferred.
            unseen: mutants that show in no element.
            directions: whether errors are also projected on the directions that these mutants give.
        """
        self.judged = judge_with_forms(self.judge, self.observations, policy, unseen, directions, self.judged)
        if self.judged.right:
            return None
        self.on_progress("diagnosis")
        self.note(side_effects.violation(self.candidate.calls))
        return self.explainer.conclude(self.observations, self.judged)

    def wrong_where_it_runs(self, unusable: Conclusion, policy: Policy | None) -> Conclusion | None:
        """The conclusion from the answers of a candidate that fails on empty inputs or layouts, if they are wrong."""
        if unusable.kind is not VerdictKind.MISBEHAVES or not self.observations:
            return None
        wrong = self.judge_all(policy)
        if wrong is None or wrong.kind is not VerdictKind.DIFFERS:
            return None
        self.note(unusable.reason)
        return wrong

    def fails_somewhere(self, unusable: Conclusion) -> Conclusion:
        """The conclusion on a candidate that has no answer to some cases, with the mistake that its others show."""
        self.on_progress("diagnosis")
        violation = side_effects.violation(self.candidate.calls)
        if violation and unusable.kind is VerdictKind.MISBEHAVES:  # which is why it raises on inputs that share memory
            self.note(unusable.reason)
            return replace(unusable, reason=violation)
        self.note(violation)
        return self.explainer.where_it_runs(self.observations, unusable)

    def unusable(self) -> Conclusion | None:
        """The conclusion where a case has no answer that can be judged."""
        question = self.question
        found = answer_form.unusable(
            self.candidate.calls, self.equation, question.dtype, question.device, question.told_dtype
        )
        return None if found is None else Conclusion(found[0], found[1], worst=found[2])

    def properties(self, judged: Judged) -> PropertyResults:
        """The properties of the equation, for one example, or a batch of one where that is all that is claimed."""
        question = self.question

        def call(case: Case) -> tuple[Any, ...] | str:
            other = [name for name, value in question.adaptation.fixed if case.options.get(name, value) != value]
            if other:
                return f"it needs other values of {', '.join(other)}"
            if sizes := self.candidate.impossible_sizes(case):
                return f"it needs other sizes: {sizes}"
            outcome, answers = self.candidate.call(self.candidate.with_summed_gradients(case))
            return answer_form.describe_status(outcome) if answers is None else answers

        form = judged.form
        noise_of = noise_under(
            self.equation, form.under(judged.policy), question.seed, form=form.definition, constants=form.constants
        )
        axes = min(question.claim.batch)
        only = [case for case, _ in self.candidate.calls] if question.only_inputs else None
        return check_properties(
            self.equation, question.dtype, noise_of, question.least, axes, call, question.seed, only
        )

    def note(self, finding: str | None) -> None:
        """Keep a finding, where there is one, once."""
        if finding and finding not in self.findings:
            self.findings.append(finding)
