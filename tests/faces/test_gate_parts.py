"""`attnspec gate --shard` and `attnspec merge`: several machines give what one gives, none lost and none doubled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from attnspec.cli import main
from attnspec.errors import SpecError
from attnspec.faces.gate_parts import Share
from attnspec.verification import session
from attnspec.verification.candidate.question import Refused
from attnspec.verification.verdict import VerdictKind

KERNELS = """
import numpy as np
from attnspec import implements

@implements("scores.dot", framework="numpy", dtypes=("float32", "float64"))
def dot(q, k):
    return q @ np.swapaxes(k, -1, -2)

@implements("scores.scaled_dot", framework="numpy", dtypes=("float32", "float64", "float16"))
def scaled(q, k):
    return dot(q, k) / q.shape[-1] ** 0.5

@implements("scores.scaled_dot", framework="numpy", dtypes=("float32",))
def wrong(q, k):
    return dot(q, k)
"""
SETTINGS = """
[gate]
required = ["scores.dot", "scores.scaled_dot"]
known = "known.toml"
implementations = ["kernels.py", "kernels.py:dot", "lost.py:f"]
"""
KNOWN = """[[departure]]
implementation = "kernels.py:wrong"
dtype = "float32"
verdict = "differs"
reason = "not scaled"
link = "https://example.org"
owner = "Ada"
review = 2040-01-01
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose questions are raised, and answered without judging: what is called wrong differs."""

    def answered(question: Any, *_: Any) -> Any:
        if isinstance(question, Refused):
            return question
        kind = VerdictKind.DIFFERS if question.callable.name == "wrong" else VerdictKind.CONFORMS
        return question.without_judging(kind, "")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "answer", answered)
    (tmp_path / "kernels.py").write_text(KERNELS)
    (tmp_path / "lost.py").write_text("import a_package_that_is_not_there\n")
    (tmp_path / "known.toml").write_text(KNOWN)
    (tmp_path / "attnspec.toml").write_text(SETTINGS)
    return tmp_path


def gate(*options: str) -> Result:
    return CliRunner().invoke(main, list(options))


def shares(count: int) -> list[Result]:
    return [gate("gate", "--no-cache", "--shard", f"{k}/{count}", "--part", f"{k}.json") for k in range(1, count + 1)]


def written(name: str) -> Any:
    content = json.loads(Path(name).read_text())
    for verdict in content["verdicts"]:
        verdict.pop("seconds")
    return content


@pytest.mark.parametrize("count", [1, 3])
def test_merged_shares_are_what_one_machine_gives(count: int) -> None:
    """In the same order, with the package that is missing reported once, whatever order the parts come in."""
    whole = gate("gate", "--no-cache", "--json", "whole.json")
    done = shares(count)
    parts = [f"{k}.json" for k in range(count, 0, -1)]
    merged = gate("merge", *parts, "--json", "merged.json", "--junit", "merged.xml")

    assert written("merged.json") == written("whole.json")
    assert len(written("whole.json")["verdicts"]) == 9
    assert merged.exit_code == whole.exit_code == 1  # a package is missing
    assert sorted(each.exit_code for each in done) == [0] * (count - 1) + [1]
    assert Path("merged.xml").read_text().count("<testcase") == 9


def test_no_question_is_asked_twice_and_shares_are_about_equal() -> None:
    shares(4)
    counts = [
        sum(len(job["verdicts"]) for job in json.loads(Path(f"{k}.json").read_text())["jobs"]) for k in range(1, 5)
    ]

    assert sum(counts) == 9
    assert max(counts) - min(counts) <= 2


def test_what_is_required_or_gone_is_decided_after_the_merge(project: Path) -> None:
    settings = SETTINGS.replace(', "lost.py:f"', "")
    (project / "attnspec.toml").write_text(settings.replace("scores.dot", "scores.linear"))
    (project / "known.toml").write_text(KNOWN.replace("wrong", "scaled"))
    done = shares(3)
    merged = gate("merge", "1.json", "2.json", "3.json")

    assert sum(each.exit_code for each in done) == 1  # that which has "wrong"
    assert not [each for each in done if "gone" in each.stdout or "required" in each.stdout]
    assert merged.exit_code == 1
    assert "required: scores.linear has no verdict" in merged.stdout
    assert "gone: kernels.py:scaled" in merged.stdout


def test_parts_that_do_not_belong_together_are_refused(project: Path) -> None:
    shares(3)
    Path("other.json").write_text(Path("1.json").read_text().replace('"share": [1, 3]', '"share": [1, 2]'))
    Path("torn.json").write_text(Path("1.json").read_text()[:-20])
    cases = {
        ("1.json", "2.json"): "also 3/3",
        ("1.json", "1.json", "2.json", "3.json"): "given twice",
        ("other.json", "2.json"): "another division",
        ("torn.json",): "is not a part",
        ("none.json",): "cannot read a part",
    }
    for parts, words in cases.items():
        done = gate("merge", *parts)
        assert (done.exit_code, words in done.stderr) == (2, True), (parts, done.stderr)
    (project / "attnspec.toml").write_text(SETTINGS + "examples = 3\n")
    assert "is of other settings" in gate("merge", "1.json", "2.json", "3.json").stderr


def test_the_corpus_is_asked_by_one_share_and_its_failures_are_merged(project: Path) -> None:
    (project / "attnspec.toml").write_text(SETTINGS.replace(', "lost.py:f"', "") + 'corpus = "cases"\n')
    (project / "cases").mkdir()
    (project / "cases/a.npz").write_bytes(b"torn")
    done = shares(2)
    merged = gate("merge", "1.json", "2.json")

    assert [each.stdout.count("corpus: cases/a.npz cannot be asked") for each in (*done, merged)] == [1, 0, 1]
    assert [each.exit_code for each in (*done, merged)] == [1, 0, 1]


def test_options_that_make_no_sense_for_a_share_are_refused() -> None:
    assert gate("gate", "--shard", "1/2").exit_code == 2
    assert gate("gate", "--part", "1.json").exit_code == 2
    assert "--sarif" in gate("gate", "--shard", "1/2", "--part", "1.json", "--sarif", "v.sarif").stderr
    assert gate("gate", "--shard", "1/2", "--part", "none/1.json").exit_code == 2


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", ""])
def test_a_share_is_one_of_several(text: str) -> None:
    with pytest.raises(SpecError):
        Share.parse(text)
