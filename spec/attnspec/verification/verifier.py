"""One verdict on what claims an equation: the order of the steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.rounding.policy import Policy, preset
from attnspec.verification.candidate import answer_form
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.candidate.question import Question
from attnspec.verification.cases.case import Case
from attnspec.verification.conclusion import to_verdict, weakness
from attnspec.verification.contract import double_backward, side_effects, unclaimed
from attnspec.verification.contract.repeatability import Repeatability
from attnspec.verification.diagnosis.explain import Explainer
from attnspec.verification.judge.findings import Conclusion, Judged
from attnspec.verification.judge.forms import accepted
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import non_equivalent_mutants
from attnspec.verification.judge.mutation_score import MutationScore
from attnspec.verification.judge.with_forms import judge_with_forms
from attnspec.verification.properties.checks import PropertyResults, check_properties
from attnspec.verification.properties.relations import noise_under
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.search import search, strengthened
from attnspec.verification.verdict import Verdict, VerdictKind


@dataclass
class Verifier:
    """Answers one question, by a runner that has the target loaded.

    Attributes:
        on_progress: called with the name of each stage that begins.
        findings: what else was seen, in sentences.
    """

    question: Question
    runner: Runner
    on_progress: Callable[[str], None] = lambda stage: None
    findings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.started = time.monotonic()
        self.equation = self.question.equation
        rewritings = accepted(self.equation, self.question.claim.forms)
        self.judge = Judge(self.equation, self.question.dtype, self.question.seed, rewritings)
        self.candidate = Candidate(self.question, self.runner)
        self.repeatability = Repeatability(self.candidate, self.judge, self.note)

    @cached_property
    def mistakes(self) -> tuple[Mutant, ...]:
        """Every known mistake that shows on what is claimed."""
        return non_equivalent_mutants(self.equation.id, self.question.claim.finite)

    @cached_property
    def explainer(self) -> Explainer:
        return Explainer(self.candidate, self.judge, self.repeatability, self.mistakes, self.note)

    def verdict(self) -> Verdict:
        """Call, judge, and conclude.

        Raises:
            BindingError: the callable's parameters do not match the equation's.
            UnknownName: a declared policy does not exist.
        """
        self.candidate.bound()
        return to_verdict(self.candidate, self.conclude(), self.findings, time.monotonic() - self.started)

    def conclude(self) -> Conclusion:
        """The fixed suite and recorded cases; random ones; the mutation score; contract; properties."""
        policy = self.declared_policy()
        self.on_progress("cases")
        recorded = self.candidate.recorded()
        self.findings += recorded.notes
        observations = self.candidate.observe([*self.candidate.told(), *recorded.cases])
        unusable = self.unusable()
        if unusable is not None:
            self.on_progress("diagnosis")
            return self.explainer.where_it_runs(observations, unusable)
        if not observations:
            which = "no recorded case" if self.question.only_inputs else "no case"
            return Conclusion(VerdictKind.INCONCLUSIVE, f"{which} could be asked: the claim leaves none")
        self.on_progress("judging")
        judged = judge_with_forms(self.judge, observations, policy)
        if not judged.right:
            return self.explained(observations, judged)
        self.on_progress("search")
        observations += search(self.candidate, self.judge, judged.policy)
        unusable = self.unusable()
        if unusable is not None:
            return unusable
        judged = judge_with_forms(self.judge, observations, policy)
        if not judged.right:
            return self.explained(observations, judged)
        self.on_progress("strengthening")
        observations, strength = strengthened(self.candidate, self.judge, observations, judged, self.mistakes)
        unseen = [*strength.faint, *strength.survived]
        judged = judge_with_forms(self.judge, observations, judged.policy, unseen, directions=True)
        if not judged.right:
            return self.explained(observations, judged)
        return self.with_right_values(observations, judged, strength)

    def with_right_values(self, observations: list[Observation], judged: Judged, strength: MutationScore) -> Conclusion:
        """The contract, the properties and the strength of the cases remain."""
        self.on_progress("contract")
        violation = side_effects.broken(self.candidate.asked) or self.repeatability.violation(observations, judged)
        if violation:
            return Conclusion(VerdictKind.MISBEHAVES, violation, judged, strength)
        twice = double_backward.violation(self.candidate, self.judge, observations, self.note)
        if twice is not None:
            return Conclusion(*twice, judged, strength)
        for finding in unclaimed.beyond_decidable_rounding(judged):
            self.note(finding)
        for finding in unclaimed.beyond_finite_inputs(self.candidate, self.judge, judged):
            self.note(finding)
        self.on_progress("properties")
        held = self.properties(judged)
        self.findings += held.unasked
        if held.violation:
            return Conclusion(VerdictKind.DIFFERS, held.violation, judged, strength, properties=held.each)
        if judged.form.says:
            self.note(f"by another form: {judged.form.says}")
        weak = weakness(judged, strength)
        for finding in unclaimed.beyond_one_batch_axis(self.candidate, self.judge, judged) if not weak else ():
            self.note(finding)
        kind = VerdictKind.INCONCLUSIVE if weak else VerdictKind.CONFORMS
        return Conclusion(kind, weak, judged, strength, properties=held.each)

    def declared_policy(self) -> Policy | None:
        """The policy of the caller or of the claim; None where it is to be inferred."""
        declared = self.question.policy or self.question.claim.policy
        return preset(declared, self.question.dtype) if declared else None

    def unusable(self) -> Conclusion | None:
        """The conclusion where a case has no answer that can be judged."""
        question = self.question
        found = answer_form.unusable(self.candidate.asked, self.equation, question.dtype, question.device)
        return None if found is None else Conclusion(found[0], found[1], worst=found[2])

    def explained(self, observations: list[Observation], judged: Judged) -> Conclusion:
        """The conclusion where values are not right."""
        self.on_progress("diagnosis")
        self.note(side_effects.broken(self.candidate.asked))
        return self.explainer.conclude(observations, judged)

    def properties(self, judged: Judged) -> PropertyResults:
        """The properties of the equation, for one example, or a batch of one where that is all that is claimed."""

        def call(case: Case) -> tuple[Any, ...] | str:
            outcome, answers = self.candidate.once(self.candidate.asked_as(case))
            return answer_form.status_says(outcome) if answers is None else answers

        question, form = self.question, judged.form
        noise_of = noise_under(
            self.equation, form.under(judged.policy), question.seed, form=form.definition, constants=form.constants
        )
        axes = min(question.claim.batch)
        only = [case for case, _ in self.candidate.asked] if question.only_inputs else None
        return check_properties(
            self.equation, question.dtype, noise_of, question.least, axes, call, question.seed, only
        )

    def note(self, finding: str | None) -> None:
        """Keep a finding, where there is one, once."""
        if finding and finding not in self.findings:
            self.findings.append(finding)
