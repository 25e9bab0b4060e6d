"""Long searches find what the usual cases do not ask, and a corpus keeps it for later runs."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner, Result

from attnspec import REGISTRY, Claim
from attnspec.cli import main
from attnspec.verification.cases.case import make
from attnspec.verification.cases.search import MOST_WORK, menu
from attnspec.verification.cases.work import work

RIGHT = """
import numpy as np

def dot(q, k):
    return q @ np.swapaxes(k, -1, -2)
"""
HIDDEN = RIGHT.replace(
    "    return q", "    n = q.shape[-2]\n    if 400 < n * n < 900:\n        q = 1.01 * q\n    return q"
)
"""It is wrong for 21 to 29 rows alone: no fixed case has so many, and no number of its code is one of these."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(HIDDEN)
    return tmp_path


def verify(*options: str) -> Result:
    given = ("verify", "mine.py:dot", "--as", "scores.dot", "--examples", "2", "--no-function", "--json", "found.json")
    return CliRunner(env={"COLUMNS": "200"}).invoke(main, [*given, *options])


def test_a_long_search_finds_a_hidden_fault_and_the_corpus_keeps_it(folder: Path) -> None:
    assert verify("--corpus", "corpus").exit_code == 0
    assert not (folder / "corpus").exists()

    hunted = verify("--minutes", "4", "--corpus", "corpus")
    assert hunted.exit_code == 1, hunted.output
    assert "differs" in hunted.output
    assert "more cases, largest error" in hunted.output
    assert list((folder / "corpus").glob("scores.dot-*.npz"))

    assert verify("--corpus", "corpus").exit_code == 1
    (verdict,) = json.loads((folder / "found.json").read_text())["verdicts"]
    assert verdict["recorded"] >= 1
    assert CliRunner().invoke(main, ["replay", "corpus"]).exit_code == 1

    (folder / "mine.py").write_text(RIGHT)
    assert verify("--corpus", "corpus").exit_code == 0
    assert CliRunner().invoke(main, ["replay", "corpus"]).exit_code == 0


def test_right_code_still_conforms_and_its_hardest_case_is_kept(folder: Path) -> None:
    (folder / "mine.py").write_text(RIGHT)
    done = verify("--minutes", "0.03", "--corpus", "corpus")
    assert done.exit_code == 0, done.output
    assert "searched on, at most 0.03 minutes" in done.output
    assert "1 case took a new way through its code" in done.output
    assert len(list((folder / "corpus").iterdir())) == 1
    again = verify("--corpus", "corpus")
    assert again.exit_code == 0
    assert "1 of them recorded" in again.output


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [("raise ValueError('an odd size')", "fails"), ("k[...] = 0", "misbehaves")],
)
def test_a_search_sees_more_than_values(folder: Path, fault: str, verdict: str) -> None:
    text = HIDDEN.replace("q = 1.01 * q", fault).replace("return q @", "return q.copy() @")
    (folder / "mine.py").write_text(text)
    done = verify("--minutes", "4")
    assert done.exit_code == 1
    assert f"{verdict}: scores.dot" in done.output


def test_procedures_are_searched_too(folder: Path) -> None:
    (folder / "mine.py").write_text(
        """
def dot(tokens, vocabulary):
    return tuple(vocabulary.get(word, -1) for word in tokens)
"""
    )
    given = ["verify", "mine.py:dot", "--as", "text.encode", "--minutes", "0.02"]
    assert CliRunner().invoke(main, given).exit_code == 0


def test_what_a_search_cannot_do_is_refused(folder: Path) -> None:
    assert "leave out one" in verify("--minutes", "1", "--case", "4000").output
    (folder / "corpus").write_text("not a folder")
    assert "is not a folder" in verify("--corpus", "corpus").output


@pytest.mark.parametrize("id", ["attention.causal", "recurrent.gru", "transformer.layer_norm", "multihead.attention"])
def test_varied_cases_stay_within_the_claim_and_the_work(id: str) -> None:
    """Any chain of variations gives a case that can be made, of sizes that are claimed, and within the work."""
    equation = REGISTRY[id]
    choices = menu(equation, lambda name: 1, Claim(batch=(0, 1)))
    random = Random(0)
    description = choices.draw(random)
    patterns = set()
    for _ in range(150):
        description = choices.vary_widely(description, random)
        patterns |= {pattern for _, pattern in description.patterns}
        sizes = dict(description.sizes)
        assert min(sizes.values()) >= 1
        assert work(equation.definition, sizes) <= MOST_WORK
        assert len(description.batch) <= 1
    case = make(equation, description, "float32")
    assert all(array.size for array in case.arrays.values())
    assert patterns
