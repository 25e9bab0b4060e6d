"""What is inferred from a call of the candidate: its framework, and the dtype of its answers."""

from __future__ import annotations

from dataclasses import replace

from attnspec.implementation import DTYPES, Framework
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.question import Question
from attnspec.verification.sandbox.runner import Runner

FRAMEWORKS_TO_TRY = (Framework.NUMPY, Framework.TORCH, Framework.JAX)
"""Frameworks in the order in which they are tried on a callable that shows none."""


def with_framework_that_runs(question: Question, runner: Runner) -> Question:
    """The question in the first framework in which the callable answers in the right form; unchanged if none is.

    Raises:
        BindingError: the callable's parameters do not match.
    """
    for framework in FRAMEWORKS_TO_TRY:
        candidate = Candidate(replace(question, framework=framework.value), runner)
        candidate.bind()
        case = next(candidate.standard_cases(), None)
        if case is not None and candidate.call(case)[1] is not None:
            return candidate.question
    return question


def with_output_dtype(question: Question, runner: Runner) -> Question:
    """The question in the dtype of the callable's answer, if no input, claim or caller names a dtype.

    Raises:
        BindingError: the callable's parameters do not match.
    """
    definition = question.equation.definition
    if definition.dtype_is_given or question.dtype_option:
        return question
    candidate = Candidate(question, runner)
    candidate.bind()
    outcome, _ = candidate.call(next(candidate.standard_cases()))
    kinds = zip(outcome.outputs, definition.results, strict=False)
    dtypes = [output.dtype for output, result in kinds if result.kind == "float" and output.dtype in DTYPES]
    return replace(question, dtype=dtypes[0]) if dtypes and dtypes[0] else question
