"""More cases: random ones, steered towards the largest error, and cases against surviving mutants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.rounding.policy import Policy
from attnspec.thresholds import STRENGTHENING_ROUNDS
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.search import menu
from attnspec.verification.cases.suite import ROUND_SEEDS, standard_suite
from attnspec.verification.judge import statistics
from attnspec.verification.judge.findings import Judged
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutation_score import MutationScore, mutation_score


def search(candidate: Candidate, judge: Judge, policy: Policy) -> list[Observation]:
    """Random cases: the first half independent of each other, then variations of the one with the largest error."""
    question = candidate.question
    observations: list[Observation] = []
    if question.is_narrowed:
        return observations
    choices = menu(question.equation, question.least, question.claim, question.layouts)
    random = Random(question.seed)
    worst, largest = choices.draw(random), -1.0
    left = question.examples
    while left:
        independent = (choices.draw(random) for _ in range((left + 1) // 2))
        descriptions = [*independent] if left == question.examples else [choices.vary(worst, random)]
        left -= len(descriptions)
        answered = candidate.observe([candidate.make_case(description) for description in descriptions])
        observations += answered
        judge.prepare([each.case for each in answered], policy)
        for each in answered:
            share = statistics.largest(judge.compare([each], policy))
            if each.case.description is not None and share > largest:
                worst, largest = each.case.description, share
    return observations


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
