"""A link is made by values: if the equation were another one, links of the same code would be lost, and formula and
figure would be others. What a page says of a verdict is what the verdict says."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from attnspec import REGISTRY, verify
from attnspec.interpreters.figure.graph import graph
from attnspec.interpreters.formula.formula import latex
from attnspec.interpreters.rounding.noise import noise
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.tree import Definition
from attnspec.pages.code_views import source_of
from attnspec.pages.page import mapped_page
from attnspec.verification import mapping
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.diagnosis.appearances import appearances_in, common_places
from attnspec.verification.diagnosis.watched_calls import WatchedCall, watched_calls
from attnspec.verification.judge.judge import Judge
from attnspec.verification.options import VerifyOptions
from trees import visible


@dataclass
class Watched:
    """Calls of a right implementation whose arrays were recorded, and the ids of the mistakes that its verdict tried,
    which leave out those that are equal to the equation."""

    calls: Sequence[WatchedCall]
    policy: Policy
    seed: int
    tried: set[str] = field(default_factory=set)

    def taps(self, definition: Definition) -> set[str]:
        """The lines of an equation whose values are among the arrays in every call, and the results that are the
        answers of every call, by name."""
        found = appearances_in(definition, list(self.calls), self.policy, self.seed)
        sites = [found[0].expected[key][0] for key, places in common_places(found).items() if places]
        lines = {site.part.target for site in sites if site.part.target and site.is_whole and not site.within}
        return lines | set.intersection(*(self.results(definition, call.observation) for call in self.calls))

    def results(self, definition: Definition, seen: Observation) -> set[str]:
        """The results of an equation that are the answers of a call, within the noise."""
        wanted = noise(definition, seen.case.arrays, seen.case.options, self.policy, self.seed)
        return {
            f"return {place}"
            for place, (answer, each) in enumerate(zip(seen.answers, wanted, strict=True))
            if (np.abs(answer - each.value) <= each.bound).all()
        }


def watched(id: str, target: str, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Judge a right implementation, and watch it as `attnspec map` does."""
    seen: list[Watched] = []

    def watch(candidate: Candidate, judge: Judge, observations: Sequence[Observation], policy: Policy) -> tuple[()]:
        calls = watched_calls(candidate, judge, observations, policy, only_failing=False)
        seen.append(Watched(calls, policy, judge.seed))
        return ()

    monkeypatch.setattr(mapping, "links", watch)
    [one], _ = mapping.mapped(target, VerifyOptions(equation=id, examples=5))
    assert one.verdict.passed
    return replace(seen[0], tried={id for id, _ in one.verdict.tried})


@pytest.mark.parametrize(
    ("id", "target"),
    [
        ("recurrent.gru_cell", "attnspec_numpy.recurrent:gru_cell"),
        pytest.param(
            "attention.scaled_dot_product", "attnspec_numpy.attention:scaled_dot_product", marks=pytest.mark.broad
        ),
        pytest.param("recurrent.lstm_cell", "attnspec_torch.recurrent:lstm_cell", marks=pytest.mark.broad),
        pytest.param("transformer.layer_norm", "attnspec_numpy.transformer:layer_norm", marks=pytest.mark.broad),
    ],
)
def test_every_mistake_changes_formula_figure_and_taps(id: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each mistake in the equation, such as another operator, has another formula, another data flow, and lines whose
    values the right implementation does not have."""
    right, calls = REGISTRY[id].definition, watched(id, target, monkeypatch)
    taps = calls.taps(right)
    wrong = [each for each in REGISTRY[id].mutants() if not each.in_storage]
    for mutant in wrong:
        tree = mutant.definition
        assert latex(tree) != latex(right), mutant.id
        assert visible(tree) != visible(right), mutant.id
        assert (graph(tree).vertices, graph(tree).edges) != (graph(right).vertices, graph(right).edges), mutant.id
    run = [each for each in wrong if each.id in calls.tried and not each.equal_sizes]  # others run at some sizes alone

    assert len(run) > 10
    assert {f"return {place}" for place in range(len(right.returns))} < taps, "lines are linked, and the results"
    assert [each.id for each in run if calls.taps(each.definition) >= taps] == []


def facts(id: str, target: str, seed: int) -> dict[str, str]:
    """What the page of an implementation says that was measured, by what it is called."""
    [one], _ = mapping.mapped(target, VerifyOptions(equation=id, dtypes=("float32",), seed=seed))
    page = mapped_page(one, source_of(one.target))
    [shown] = re.findall(r'<dl class="facts">(.*?)</dl>', page, re.DOTALL)
    return {name: html.unescape(value) for name, value in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", shown)}


def test_what_a_page_says_was_measured_is_the_verdict() -> None:
    """The numbers are those of `attnspec.verify` with the same seed, and follow the seed."""
    id, target = "scores.scaled_dot", "attnspec_numpy.scores:scaled_dot"
    shown, *others = (facts(id, target, seed) for seed in (3, 2, 4, 5))  # two may have the same largest error
    [verdict] = verify(target, id, dtype="float32", seed=3)

    assert verdict.function is not None
    assert verdict.effective_bits is not None
    largest = "largest error over its bound"
    assert {each[largest] for each in others} != {shown.pop(largest)}
    assert int(shown.pop("links")) > 0
    assert f"numpy {np.__version__}" in shown.pop("versions").split(", "), "without a date, since two builds are equal"
    assert shown == {
        "framework, dtype, device": "numpy, float32, cpu",
        "effective bits": f"{verdict.effective_bits:.1f}",
        "precision policy": verdict.policy,
        "known mistakes caught": f"{verdict.killed} of {verdict.of}",
        "judged on": f"{verdict.examples} cases",
        "function": verdict.function.says,
        "seed": "3",
    }
