"""The mistake in each wrong result of an equation, for itself; several results may have mistakes of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from attnspec.interpreters.formula.formula import text_of_result
from attnspec.interpreters.mutation.function_substitutions import function_substitutions
from attnspec.interpreters.mutation.insertions import insertions
from attnspec.interpreters.mutation.mutants import Mutant, generated_mutations
from attnspec.interpreters.mutation.other_expressions import other_expressions
from attnspec.interpreters.mutation.reduction_errors import reduction_errors
from attnspec.interpreters.mutation.size_errors import size_errors
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.traversal import without_unread_lines
from attnspec.language.tree import Definition
from attnspec.thresholds import EXPRESSIONS, RESULTS_ALONE
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case
from attnspec.verification.diagnosis.changed import changed_inputs
from attnspec.verification.diagnosis.constants import wrong_numbers
from attnspec.verification.diagnosis.one_line import up_to
from attnspec.verification.diagnosis.recognise import recognise
from attnspec.verification.judge.judge import Judge
from attnspec.verification.verdict import Diagnosis


def mistakes_in_results(judge: Judge, observations: Sequence[Observation], policy: Policy) -> Diagnosis | None:
    """Explain every wrong result by a mistake of its own; None if one of them has no explanation.

    Args:
        observations: all answers, right ones included.
        policy: the precision policy.
    """
    definition = judge.equation.definition
    wrong = sorted({comparison.output for comparison in judge.compare(observations, policy) if comparison.fails})
    if not 1 < len(definition.results) == len(definition.returns) or not 1 <= len(wrong) <= RESULTS_ALONE:
        return None
    found: dict[tuple[str, str], list[str]] = {}
    for output in wrong:
        mistake = _mistake(judge, observations, policy, output)
        if mistake is None:
            return None
        found.setdefault((mistake.id, mistake.says), []).append(text_of_result(definition, output))
    says = "; ".join(f"{', '.join(names)}: {sentence}" for (_, sentence), names in found.items())
    return Diagnosis(" and ".join(id for id, _ in found), says)


def _mistake(judge: Judge, observations: Sequence[Observation], policy: Policy, output: int) -> Diagnosis | None:
    """The mistake in one result."""
    definition = judge.equation.definition
    alone = only(definition, output)
    single = Judge(replace(judge.equation, definition=alone), judge.dtype, judge.seed, judge.accepted, judge.effort)
    answers = [Observation(_case(each.case, output), (each.answers[output],)) for each in observations]
    for answer, whole in zip(answers, observations, strict=True):
        single.keep_noise(answer.case, policy, judge.noise(whole.case, policy)[output : output + 1])
    for mistakes in (_likely(definition, output, alone), wrong_numbers(single, answers, policy)):
        found = recognise(single, answers, [*mistakes], policy, refute=True)
        if found is not None:
            return found
    return changed_inputs(single, answers, policy, always=True)


def _case(case: Case, output: int) -> Case:
    """A case of one result, which is summed over the batch as it was."""
    return replace(case, summed=case.summed[output : output + 1])


def _likely(definition: Definition, output: int, alone: Definition) -> Iterator[Mutant]:
    """The mistakes that are tried in one result: another result in its place first."""
    for other, result in enumerate(definition.results):
        if other != output and result.dims == definition.results[output].dims:
            name, taken = text_of_result(definition, output), text_of_result(definition, other)
            returns = [*definition.returns]
            returns[output] = returns[other]
            tree = only(replace(definition, returns=tuple(returns)), output)
            yield Mutant(f"result {output + 1}/is {other + 1}", f"{taken} is returned instead of {name}", tree)
    for id, says, tree, equal in generated_mutations(alone):
        yield Mutant(id, says, tree, equal_sizes=equal)
    yield from (*function_substitutions(alone), *insertions(alone), *reduction_errors(alone), *size_errors(alone))
    yield from islice(other_expressions(alone), EXPRESSIONS)


def only(definition: Definition, output: int) -> Definition:
    """The equation of one result, with the lines that it needs.

    Args:
        output: the position of the result.
    """
    return without_unread_lines(up_to(definition, len(definition.lines) + output, ""))
