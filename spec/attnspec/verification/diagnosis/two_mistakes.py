"""Two mistakes at once: a known mistake, and in the formula that it makes, another mistake or a wrong number.

A wrong number takes much longer. It is only sought beside a mistake that was written by hand, or beside another
function.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from attnspec.errors import NotationError
from attnspec.interpreters.mutation.mutants import Mutant, generated_mutations
from attnspec.interpreters.rounding.policy import Policy
from attnspec.thresholds import PAIRED, PAIRED_FROM
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.diagnosis.constants import wrong_numbers
from attnspec.verification.diagnosis.recognise import nearest, recognise
from attnspec.verification.judge.judge import Judge
from attnspec.verification.verdict import Diagnosis


def two_mistakes(
    judge: Judge, observations: Sequence[Observation], mistakes: Sequence[Mutant], policy: Policy
) -> Diagnosis | None:
    """Find two mistakes that together explain every failing case; None if none do, or if the formula is long.

    Args:
        observations: all answers, right ones included.
        mistakes: the mutants of the equation. The first mistake is one that was written by hand, another function, or
            one of the nearest.
    """
    if len(mistakes) > PAIRED_FROM:
        return None
    written = [mutant for mutant in mistakes if mutant.kind == "curated"]
    others = [mutant for mutant in mistakes if mutant.kind == "generated"]
    functions = [mutant for mutant in others if _is_another_function(mutant)][:PAIRED]
    near = [each for each in nearest(judge, observations, others, policy, PAIRED) if each not in functions]
    firsts = [*written, *functions, *near]
    usable = [first for first in firsts if not first.in_storage and not first.equal_sizes]
    pairs = [pair for first in usable for pair in _pairs(judge, observations, first, policy)]
    return recognise(judge, observations, pairs, policy, refute=True) if pairs else None


def _is_another_function(mutant: Mutant) -> bool:
    """Whether a function stands for another one, as in a port; a scale is easily wrong beside it."""
    return "/function/" in mutant.id and "/no-" not in mutant.id


def _pairs(judge: Judge, observations: Sequence[Observation], first: Mutant, policy: Policy) -> Iterator[Mutant]:
    """A mistake with each second one; none if the first only fits sizes that are equal by chance."""
    try:
        seconds = [
            Mutant(id, says, tree, "generated", equal)
            for id, says, tree, equal in generated_mutations(first.definition)
        ]
    except NotationError:
        return
    numbered = first.kind == "curated" or _is_another_function(first)
    numbers = wrong_numbers(judge, observations, policy, first.definition) if numbered else []
    for second in (*seconds, *numbers):
        if second.definition not in (first.definition, judge.equation.definition):
            says = f"{first.says}, and {second.says}"
            yield replace(second, id=f"{first.id} and {second.id}", says=says)
