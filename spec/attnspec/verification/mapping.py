"""Verdicts with the links between the code of a candidate and its equation, from one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from attnspec.errors import SpecError
from attnspec.language.equation import Equation
from attnspec.verification.candidate.question import Question
from attnspec.verification.diagnosis.links import Link, links
from attnspec.verification.equations.verifier import EquationVerifier
from attnspec.verification.judge import statistics
from attnspec.verification.options import VerifyOptions
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.sandbox.targets import Target
from attnspec.verification.session import OnProgress, asked_of, load_questions, prepared, runner_of
from attnspec.verification.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Mapped:
    """One candidate, mapped to the equation that it is judged against.

    Attributes:
        equation: the equation.
        target: where the candidate was found.
        callable: its name there.
        verdict: the verdict on it.
        largest: the largest error of an element over its bound; None if no answer could be judged.
        links: its arrays that have the values of parts of the equation.
        arguments: pairs of a parameter of the candidate and the argument of the equation that it receives.
        unlinked: why there are no links; "" if there are.
    """

    equation: Equation[..., Any]
    target: Target
    callable: str
    verdict: Verdict
    largest: float | None
    links: tuple[Link, ...]
    arguments: tuple[tuple[str, str], ...]
    unlinked: str = ""


def mapped(
    target: Callable[..., Any] | str | Target,
    options: VerifyOptions,
    on_progress: OnProgress = lambda stage: None,
) -> tuple[list[Mapped], list[str]]:
    """Judge the candidates of a target, and map their code to their equations.

    Args:
        target: the target, as `attnspec.verify` takes it.
        options: the options of `attnspec.verify`; of several dtypes, the first one is asked.
        on_progress: called with the name of each stage that begins.

    Returns:
        The candidates, and a sentence for each that could not be judged.

    Raises:
        TargetError, UnknownName, SpecError: as `attnspec.verify` does.
    """
    shown, aim = prepared(target, options)
    notes: list[str] = []
    with runner_of(options) as runner:
        found = list(_mapped(shown, aim, options, runner, on_progress, notes))
        notes += [f"not imported: {failure.headline}" for failure in runner.failures]
    return found, notes


def _mapped(
    shown: str,
    aim: Target,
    options: VerifyOptions,
    runner: Runner,
    on_progress: OnProgress,
    notes: list[str],
) -> Iterator[Mapped]:
    seen = set()
    for question in load_questions(shown, aim, options, runner):
        if not isinstance(question, Question):
            headline = getattr(getattr(question, "error", None), "headline", "")
            notes.append(f"not judged: {headline}" if headline else f"{question} is a procedure, and has no formula")
            continue
        asked = (question.callable.name, question.equation.id)
        if asked in seen:
            continue
        seen.add(asked)
        try:
            yield mapped_question(question, aim, runner, on_progress)
        except SpecError as error:
            notes.append(f"not judged: {error.headline}")


def mapped_question(
    question: Question, aim: Target, runner: Runner, on_progress: OnProgress = lambda stage: None
) -> Mapped:
    """Judge the candidate of a question, and map its code to its equation.

    Raises:
        SpecError: the question cannot be answered.
    """
    asked = asked_of(question, runner, on_progress)
    equation, name = question.equation, question.callable.name
    if isinstance(asked, Verdict):
        return Mapped(equation, aim, name, asked, None, (), (), "it was not run")
    verdict = asked.verdict()
    on_progress("links")
    found, why = _links(asked)
    arguments = tuple(_arguments(asked))
    largest = statistics.largest(asked.judged.compared) if asked.judged is not None else None
    return Mapped(equation, aim, name, verdict, largest, found, arguments, "" if found else why)


def _links(verifier: EquationVerifier) -> tuple[tuple[Link, ...], str]:
    """The links of a candidate that was judged, and why there are none."""
    if verifier.question.forward is not None:
        return (), "its gradients were judged, and automatic differentiation makes them"
    if verifier.judged is None:
        return (), "it gave no answers that could be judged"
    found = links(verifier.candidate, verifier.judge, verifier.observations, verifier.judged.policy)
    return found, "no array of its own files could be compared; installed and compiled code is not watched"


def _arguments(verifier: EquationVerifier) -> Iterator[tuple[str, str]]:
    """The parameters of a candidate with the arguments that they receive, by name or by position."""
    parameters = verifier.question.callable.parameters
    for place, (name, argument) in enumerate(verifier.candidate.plan):
        if name is not None:
            yield name, argument
        elif place < len(parameters):
            yield parameters[place].name, argument
