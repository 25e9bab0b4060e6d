"""More cases: random ones that Hypothesis steers towards the largest error, and cases against surviving mutants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import hypothesis

from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.rounding.policy import Policy
from attnspec.thresholds import STRENGTHENING_ROUNDS
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Description
from attnspec.verification.cases.search import descriptions
from attnspec.verification.cases.suite import ROUND_SEEDS, standard_suite
from attnspec.verification.judge import statistics
from attnspec.verification.judge.findings import Judged
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutation_score import MutationScore, mutation_score


def search(candidate: Candidate, judge: Judge, policy: Policy) -> list[Observation]:
    """Random cases, steered towards the largest error."""
    found: list[Observation] = []
    question = candidate.question
    if question.examples <= 0 or question.is_narrowed:
        return found

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
    @hypothesis.given(descriptions(question.equation, question.least, question.claim, question.layouts))
    def explore(description: Description) -> None:
        seen = candidate.observe([candidate.make_case(description)])
        found.extend(seen)
        for observation in seen:
            share = statistics.largest(judge.compare([observation], policy))
            hypothesis.target(float(min(share, 1e6)), label="share of the bound")

    explore()
    return found


def strengthened(
    candidate: Candidate, judge: Judge, observations: list[Observation], judged: Judged, mistakes: Sequence[Mutant]
) -> tuple[list[Observation], MutationScore]:
    """Compute the mutation score, and add cases as long as mutants survive."""
    question = candidate.question
    strength = mutation_score(judged.compared, mistakes, question.dtype)
    for round_ in range(1, STRENGTHENING_ROUNDS + 1):
        if not strength.survived or question.is_narrowed:
            break
        cases = [
            candidate.make_case(replace(each, seed=each.seed + ROUND_SEEDS * round_))
            for each in standard_suite(question.equation, question.least, question.claim.batch)
            if each.regime in ("ordinary", "ties", "offset") and each.layout == "contiguous"
        ]
        observations = [*observations, *candidate.observe(cases)]
        compared = judge.compare(observations, judged.policy, judged.form)
        strength = strength.extended(mutation_score(compared, strength.survived, question.dtype))
    return observations, strength
