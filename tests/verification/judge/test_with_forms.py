"""Judging by forms: the cases with which a form is compared before it is given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from attnspec import REGISTRY
from attnspec.interpreters.rounding.policy import preset
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.with_forms import judge_with_forms
from synthetic import small_cases


def test_the_case_that_refused_the_last_form_is_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to the smallest case is right, that to the largest one is far off."""
    equation = REGISTRY["attention.scaled_dot_product"]
    judge, policy = Judge(equation, "bfloat16"), preset("op-by-op", "bfloat16")
    small, *_, large = sorted(small_cases(equation.id, "bfloat16"), key=lambda case: case.elements)
    right, wrong = (
        Observation(case, tuple(noise.value + far * noise.bound for noise in judge.noise(case, policy)))
        for case, far in ((small, 0.0), (large, 1e3))
    )
    asked: list[Sequence[Observation]] = []
    original = Judge.judge

    def recorded(self: Judge, observations: Sequence[Observation], *args: Any, **options: Any) -> Any:
        asked.append(observations)
        return original(self, observations, *args, **options)

    monkeypatch.setattr(Judge, "judge", recorded)
    judged = judge_with_forms(judge, [right, wrong], policy)

    assert not judged.right
    assert len(judge.forms) > 2
    assert asked == [[right, wrong], [right], *[[wrong]] * len(judge.forms)]


def test_what_was_judged_by_a_form_is_judged_by_it_again_without_the_equation(monkeypatch: pytest.MonkeyPatch) -> None:
    """More answers do not make right what some of them have refused, so that its noise on them is not computed."""
    equation = REGISTRY["attention.weights"]
    judge, policy = Judge(equation, "float32"), preset("op-by-op", "float32")
    lossy = next(form for form in judge.forms if "lse" in form.says)
    cases = small_cases(equation.id, "float32")
    answers = [Observation(case, tuple(noise.value for noise in judge.noise(case, policy))) for case in cases]
    before = replace(judge.judge(answers[:1], policy, form=lossy, directions=False), findings=())
    by: list[str] = []
    original = Judge.judge

    def recorded(self: Judge, observations: Sequence[Observation], *args: Any, **options: Any) -> Any:
        judged = original(self, observations, *args, **options)
        by.append(judged.form.says)
        return judged

    monkeypatch.setattr(Judge, "judge", recorded)
    judged = judge_with_forms(judge, answers, policy, before=before)

    assert judged.right
    assert by == [lossy.says]
