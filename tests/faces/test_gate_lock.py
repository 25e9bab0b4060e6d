"""attnspec.lock: a change of an equation shows as such, before anyone searches in the candidate."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import attnspec
from attnspec.cli import main
from attnspec.errors import SpecError
from attnspec.faces import gate_lock
from attnspec.language.equation import REGISTRY
from attnspec.language.procedure import PROCEDURES
from attnspec.verification.options import VerifyOptions
from attnspec.verification.verdict import Report, Verdict, VerdictKind

SETTINGS = """
[gate]
required = ["scores.dot"]
[[gate.implementations]]
target = "kernels.py:dot"
equation = "scores.dot"
"""


@pytest.fixture
def gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer_with: Callable[[Callable[..., Report]], None]
) -> Callable[..., Result]:
    """`attnspec gate` on a candidate that conforms, without judging."""

    def answered(target: str, options: VerifyOptions, *, on_verdict: Callable[[Verdict], None], **_: Any) -> Report:
        verdict = Verdict("scores.dot", target, "numpy", "float32", "cpu", VerdictKind.CONFORMS)
        on_verdict(verdict)
        return Report((verdict,))

    monkeypatch.chdir(tmp_path)
    answer_with(answered)
    (tmp_path / "kernels.py").write_text("def dot(q, k): ...\n")
    (tmp_path / "attnspec.toml").write_text(SETTINGS)
    return lambda *options: CliRunner().invoke(main, ["gate", *options])


def test_a_changed_equation_fails_and_shows_both_formulas(gate: Callable[..., Result], tmp_path: Path) -> None:
    free = gate()
    written = gate("--lock")
    lock = tmp_path / "attnspec.lock"
    again = gate()
    changed = lock.read_text().replace("q_i·k_j", "q_i·k_j / 2").replace('digest = "', 'digest = "0')
    lock.write_text(changed)
    red = gate()
    mended = gate("--lock")

    assert [each.exit_code for each in (free, written, again, red, mended)] == [0, 0, 0, 1, 0]
    assert "locked: 1 equation in attnspec.lock" in written.stdout
    assert "changed: scores.dot is another equation than in attnspec.lock" in red.stdout
    assert "q_i·k_j / 2" in red.stdout


def test_an_equation_that_is_not_locked_fails(gate: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "attnspec.lock").write_text("")

    done = gate()

    assert done.exit_code == 1
    assert "unlocked: scores.dot is not in attnspec.lock" in done.stdout


@pytest.mark.parametrize("text", ["[[equation", '[[equation]]\nid = "scores.dot"\n', "equation = 3"])
def test_a_lock_that_cannot_be_read_fails(gate: Callable[..., Result], tmp_path: Path, text: str) -> None:
    (tmp_path / "attnspec.lock").write_text(text)
    done = gate()

    assert (done.exit_code, "conforms" in done.stdout) == (2, False), "it is read before anything is verified"


def test_the_digest_is_of_the_formula_and_of_what_it_calls() -> None:
    """A changed line, a changed shape and a changed callee change it; a comment does not."""
    equation = REGISTRY["attention.scaled_dot_product"]
    tree = equation.definition
    texts = [gate_lock.locked(each.id).digest for each in (equation, REGISTRY["scores.dot"])]
    commented = replace(tree, lines=tuple(replace(line, comment="other words") for line in tree.lines))
    mutants = [each.definition for each in equation.mutants()]

    assert len(set(texts)) == 2
    assert list(gate_lock._formulas(commented)) == list(gate_lock._formulas(tree))
    assert not [each for each in mutants if list(gate_lock._formulas(each)) == list(gate_lock._formulas(tree))]


def test_every_equation_and_procedure_can_be_locked_and_read_again(tmp_path: Path) -> None:
    """In a sample of the catalogue."""
    ids = [*list(attnspec.equations())[::12], *PROCEDURES]
    path = tmp_path / "attnspec.lock"
    gate_lock.write(path, ids)

    assert gate_lock.changes(path, ids) == []
    assert len(tomllib.loads(path.read_text())["equation"]) == len(ids)


def test_a_folder_in_its_place_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot write"):
        gate_lock.write(tmp_path / "none" / "attnspec.lock", ["scores.dot"])
