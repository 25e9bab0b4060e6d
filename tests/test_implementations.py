"""The implementations in NumPy and PyTorch, cross-checked with the equations by Hypothesis, values and properties.

A sample is checked by default. `pytest -m "" --hypothesis-profile=explore tests/test_implementations.py` checks all of
them on new cases, and first on those that failed before.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import attnspec
from attnspec.implementation import ATTRIBUTE
from attnspec.language.equation import REGISTRY
from attnspec.language.registry import families
from attnspec.properties.property import PROPERTIES
from attnspec.verification.candidate import answer_form
from attnspec.verification.candidate.question import Question
from attnspec.verification.cases.case import Case
from attnspec.verification.cases.search import menu
from attnspec.verification.equations.verifier import EquationVerifier
from attnspec.verification.judge.with_forms import judge_with_forms
from attnspec.verification.options import VerifyOptions
from attnspec.verification.properties.checks import check_properties
from attnspec.verification.properties.relations import noise_under
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.sandbox.targets import Module
from attnspec.verification.session import load_questions
from strategies import cases, random_draws

ONE_OF = 120
"""Of one of how many implementations a verdict is asked; `attnspec verify attnspec_numpy attnspec_torch` asks all."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One implementation in one dtype."""

    package: str
    family: str
    equation: str
    dtype: str
    backward: bool

    def __str__(self) -> str:
        return f"{self.package}-{self.equation}-{self.dtype}{'-backward' * self.backward}"


def subjects() -> Iterator[Subject]:
    for package in ("attnspec_numpy", "attnspec_torch"):
        for family in families():
            for member in vars(importlib.import_module(f"{package}.{family}")).values():
                for item in getattr(member, ATTRIBUTE, ()):
                    if item.equation in REGISTRY and item.equation.startswith(f"{family}."):
                        for dtype in item.claim.dtypes or ("float32",):
                            yield Subject(package, family, item.equation, dtype, item.claim.backward)


SUBJECTS = tuple(dict.fromkeys(subjects()))
every_implementation = pytest.mark.parametrize("subject", SUBJECTS, ids=str, scope="module")
"""By subject and not by test, so that the process of a module is begun once."""
some_implementations = pytest.mark.parametrize(
    "subject", [subject for subject in SUBJECTS if zlib.crc32(str(subject).encode()) % ONE_OF == 0], ids=str
)

drawn = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


RUNNERS: dict[str, Runner] = {}
"""The process in which implementations are called, one for a module; only the last one is kept."""


@lru_cache(maxsize=1)
def verifier_of(subject: Subject) -> EquationVerifier:
    """The verifier of an implementation."""
    module = f"{subject.package}.{subject.family}"
    if module not in RUNNERS:
        for runner in RUNNERS.values():
            runner.close()
        RUNNERS.clear()
        RUNNERS[module] = Runner()
    asked = VerifyOptions(equation=subject.equation, dtypes=(subject.dtype,), backward=subject.backward)
    (question,) = load_questions(subject.package, Module(module), asked, RUNNERS[module])
    assert isinstance(question, Question)
    verifier = EquationVerifier(question, RUNNERS[module])
    verifier.bind()
    return verifier


@every_implementation
@drawn
@given(data=st.data())
def test_values_are_those_of_the_equation(subject: Subject, data: st.DataObject) -> None:
    """The answer to any case within the claim is within the noise: any sizes, values, batch axes and memory layout."""
    verifier = verifier_of(subject)
    question, candidate, judge = verifier.question, verifier.candidate, verifier.judge
    description = data.draw(random_draws(menu(question.equation, question.least, question.claim, question.layouts)))

    seen = candidate.observe([candidate.make_case(description)])

    assert seen, candidate.calls[-1][1].trouble
    assert judge_with_forms(judge, seen, judge.presets[-1]).right


@every_implementation
@drawn
@given(data=st.data())
def test_properties_hold(subject: Subject, data: st.DataObject) -> None:
    """Every property that applies to it holds on any case of one example, within the noise."""
    verifier = verifier_of(subject)
    question, candidate, judge = verifier.question, verifier.candidate, verifier.judge
    law = data.draw(st.sampled_from(PROPERTIES[judge.equation.id]))
    case = data.draw(cases(law.equation, law, subject.dtype))
    assume(all(size >= question.least(name) for name, size in sizes(case).items()))

    def call(case: Case) -> tuple[Any, ...] | str:
        outcome, answers = candidate.call(candidate.with_summed_gradients(case))
        return answer_form.describe_status(outcome) if answers is None else answers

    noise_of = noise_under(judge.equation, judge.presets[-1])
    axes = min(question.claim.batch)
    held = check_properties(judge.equation, subject.dtype, noise_of, question.least, axes, call, 0, [case])

    assert not held.violation
    assert all("applies to none" in reason for reason in held.skipped), held.skipped


def sizes(case: Case) -> dict[str, int]:
    assert case.description is not None
    return dict(case.description.sizes)


@pytest.mark.broad
@some_implementations
def test_the_verdict_is_that_it_conforms(subject: Subject) -> None:
    module = f"{subject.package}.{subject.family}"
    (verdict,) = attnspec.verify(module, subject.equation, dtype=subject.dtype, backward=subject.backward)

    assert verdict.verdict == "conforms", str(verdict)
