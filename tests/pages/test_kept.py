"""What pages show is kept as long as nothing has changed that it is made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from attnspec import REGISTRY
from attnspec.pages import site
from attnspec.pages.kept import Asked, Kept
from attnspec.verification.sandbox.targets import File

CELL = REGISTRY["recurrent.simple_rnn_cell"]
CODE = """
import numpy as np
from attnspec import implements

@implements("scores.dot", framework="numpy")
def right(q, k):
    return q @ np.swapaxes(k, -1, -2)

@implements("scores.dot", framework="numpy")
def wrong(q, k):
    return q @ np.swapaxes(k, -1, -2) / 2
"""


def test_a_part_is_made_once(tmp_path: Path) -> None:
    made: list[str] = []

    def make() -> str:
        made.append("made")
        return "a part"

    shown = [Kept(tmp_path).html(parts, make) for parts in (["a", "b"], ["a", "b"], ["ab"], ["a", "c"])]

    assert shown == ["a part"] * 4
    assert len(made) == 3
    assert {file.suffix for file in (tmp_path / "parts").iterdir()} == {".html"}


def test_a_verdict_follows_definitions_and_not_what_is_said_of_them(tmp_path: Path) -> None:
    """A docstring changes the page of an equation, and no verdict; a line changes all verdicts."""
    (tmp_path / "one.py").write_text(CODE, "utf-8")
    target = File(str(tmp_path / "one.py"), "right")
    before = site.target_digest(target, ""), site.equation_digest(CELL, "")
    digests = {}

    def otherwise() -> None:
        """Another sentence."""

    for name, changed in (
        ("doc", replace(CELL, function=otherwise)),
        ("line", replace(CELL, definition=replace(REGISTRY["recurrent.gru_cell"].definition, id=CELL.id))),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(site, "REGISTRY", {**REGISTRY, CELL.id: changed})
            site._registered.cache_clear()
            digests[name] = site.target_digest(target, ""), site.equation_digest(changed, "")
    site._registered.cache_clear()

    assert digests["doc"][0] == before[0] != digests["line"][0]
    assert before[1] not in (digests["doc"][1], digests["line"][1])


def test_implementations_are_judged_together_and_those_that_are_kept_are_not(tmp_path: Path) -> None:
    """Each has the verdict that it has alone; one that is not there is said, and stops no other."""
    file = tmp_path / "code/two.py"
    file.parent.mkdir()
    file.write_text(CODE, "utf-8")
    asked = [Asked(f"{file}:{name}", "scores.dot", views=("formula",)) for name in ("right", "wrong", "absent")]
    kept = Kept(tmp_path / "kept")

    [note] = kept.judge_all(asked)
    found = [kept.of(each) for each in asked]

    assert "absent" in note
    assert [each and each.verdict for each in found] == ["conforms", "differs", None]
    assert found[0] is not None
    assert "data-key" in found[0].html
    alone = Kept(tmp_path / "alone").judged(asked[1])
    assert found[1] is not None
    assert (found[1].verdict, found[1].reason, found[1].html) == (alone.verdict, alone.reason, alone.html)
    assert kept.judge_all(asked[:2]) == []


def test_what_others_judge_is_kept_where_this_process_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An equation that only this process has registered changes the places of all that is kept."""
    file = tmp_path / "code/two.py"
    file.parent.mkdir()
    file.write_text(CODE, "utf-8")
    asked = Asked(f"{file}:right", "scores.dot", views=("formula",))
    kept = Kept(tmp_path / "kept")
    monkeypatch.setattr(site, "REGISTRY", {**REGISTRY, "own.cell": CELL})

    assert kept.judge_all([asked]) == []

    found = kept.of(asked)
    assert found is not None
    assert found.verdict == "conforms"
