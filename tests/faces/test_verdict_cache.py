"""Verdicts from the cache: the same as computed ones, marked, and never after a change of what they depend on."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from attnspec.cli import main
from attnspec.faces import verdict_cache
from attnspec.faces.verdict_cache import VerdictCache
from attnspec.verification import environment
from attnspec.verification.options import VerifyOptions
from attnspec.verification.parallel import Loaded, Task
from attnspec.verification.session import run
from attnspec.verification.stored import from_stored, to_stored
from attnspec.verification.verdict import FunctionVerdict, Report, Verdict, VerdictKind, WorstAnswer

KERNELS = """
import numpy as np
from helper import scale

def dot(q, k):
    return scale * (q @ np.swapaxes(k, -1, -2))
"""
GATE = """
[gate]
examples = 2
[[gate.implementations]]
target = "kernels.py:dot"
equation = "scores.dot"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kernels.py").write_text(KERNELS)
    (tmp_path / "helper.py").write_text("scale = 1\n")
    (tmp_path / "attnspec.toml").write_text(GATE)
    return tmp_path


@pytest.fixture
def computed(answer_with: Callable[[Callable[..., Report]], None]) -> list[str]:
    """The targets that were verified, without judging: each conforms."""
    targets: list[str] = []

    def answered(target: str, options: VerifyOptions, *, on_verdict: Callable[[Verdict], None], **_: Any) -> Report:
        targets.append(target)
        on_verdict(verdict := verdict_of(target))
        return Report((verdict,))

    answer_with(answered)
    return targets


def verdict_of(target: str, kind: VerdictKind = VerdictKind.CONFORMS) -> Verdict:
    return Verdict("scores.dot", target, "numpy", "float32", "cpu", kind)


def gate(*options: str) -> Result:
    return CliRunner().invoke(main, ["gate", *options])


def test_a_second_run_says_the_same_from_the_cache(project: Path) -> None:
    """No stand-ins: the verdicts are computed, one that conforms and one that differs."""
    (project / "kernels.py").write_text(KERNELS + "\ndef wrong(q, k):\n    return dot(q, k) / 2\n")
    (project / "attnspec.toml").write_text(GATE + GATE.replace("[gate]\nexamples = 2\n", "").replace(":dot", ":wrong"))
    documents = []
    for name in ("first.json", "second.json"):
        done = gate("--json", name)
        documents.append(json.loads((project / name).read_text())["verdicts"])
    first, second = documents

    assert done.exit_code == 1
    assert "from the cache, of 20" in done.stdout
    assert "computed on 20" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("; 2 from the cache")
    assert [each["verdict"] for each in second] == ["conforms", "differs"]
    assert [each.pop("cached") for each in first] == [None, None]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", each.pop("cached")) for each in second)
    assert first == second


@pytest.mark.parametrize(
    "change",
    [
        lambda project: (project / "helper.py").write_text("scale = 2\n"),
        lambda project: (project / "kernels.py").write_text(KERNELS.replace("scale *", "2 *")),
        lambda project: (project / "numpy.py").write_text("def swapaxes(*_): ...\n"),
        lambda project: (project / "attnspec.toml").write_text(GATE.replace("examples = 2", "examples = 3")),
        lambda project: (project / "attnspec.toml").write_text(GATE + 'dtypes = ["float16"]\n'),
        lambda project: (project / "attnspec.toml").write_text(GATE.replace("scores.dot", "scores.scaled_dot")),
        lambda project: (project / "attnspec.toml").write_text(GATE + "claim = {contiguous = true}\n"),
        lambda project: (project / "attnspec.toml").write_text(GATE + "seed = 1\n"),
        lambda project: (project / "attnspec.toml").write_text(GATE + 'policy = "float32-inside"\n'),
        lambda project: (project / "attnspec.toml").write_text(GATE + "time_limit = 7\n"),
        lambda project: (project / "attnspec.toml").write_text(GATE + 'bind = {q = "q", k = "k"}\n'),
    ],
    ids=[
        "helper",
        "candidate",
        "hidden package",
        "examples",
        "dtype",
        "equation",
        "claim",
        "seed",
        "policy",
        "time limit",
        "bind",
    ],
)
def test_a_change_is_verified_anew(project: Path, computed: list[str], change: Callable[[Path], None]) -> None:
    gate()
    gate()
    assert len(computed) == 1
    change(project)
    gate()

    assert len(computed) == 2


@pytest.mark.parametrize("part", ["_interpreter", "_installed", "_variables", "_machine", "_own_source"])
def test_a_change_of_the_environment_is_verified_anew(
    project: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    gate()
    environment.environment_digest.cache_clear()
    monkeypatch.setattr(environment, part, lambda: iter(["another"]))
    gate()
    environment.environment_digest.cache_clear()

    assert len(computed) == 2


def test_the_environment_has_variables_versions_and_own_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("ATTNSPEC_CACHE", "elsewhere")

    assert "OMP_NUM_THREADS=7" in environment._variables()
    assert not [each for each in environment._variables() if each.startswith("ATTNSPEC_CACHE")]
    assert [each for each in environment._installed() if each.startswith(f"numpy {np.__version__} ")]
    assert [each for each in environment._own_source() if each.startswith("thresholds.py ")]


def test_the_environment_has_what_runs_whenever_python_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, found = ModuleType("usercustomize"), []
    module.__file__ = str(tmp_path / "usercustomize.py")
    monkeypatch.setitem(sys.modules, "usercustomize", module)
    for text in ("x = 1", "x = 2"):
        (tmp_path / "usercustomize.py").write_text(text)
        found.append([*environment._interpreter()])

    assert found[0] != found[1]


def test_a_change_while_it_is_verified_is_not_kept(
    project: Path, computed: list[str], answer_with: Callable[[Callable[..., Report]], None]
) -> None:

    def changing(target: str, options: VerifyOptions, **_: Any) -> Report:
        computed.append(target)
        (project / "helper.py").write_text("scale = 2\n")
        return Report((verdict_of(target),))

    answer_with(changing)
    done = gate()
    gate()

    assert "not cached: kernels.py:dot: it changed while it was verified" in done.stdout
    assert len(computed) == 2


def test_what_reads_files_is_not_kept_and_says_so(project: Path, computed: list[str]) -> None:
    (project / "helper.py").write_text('import numpy as np\nscale = np.load("scale.npy")\n')
    done = gate()
    gate()

    assert "not cached: kernels.py:dot: helper.py, line 2 has .load" in done.stdout
    assert "not cached" not in gate("--quiet").stdout
    assert len(computed) == 3


@pytest.mark.parametrize("kind", list(VerdictKind))
def test_verdicts_of_the_moment_are_not_kept(project: Path, kind: VerdictKind, cache_of_its_own: Path) -> None:
    """The other verdicts on the target are kept, and are not reached again."""
    cache, options = VerdictCache(cache_of_its_own), VerifyOptions("scores.dot")
    verdicts = (verdict_of("kernels.py:dot"), verdict_of("kernels.py:dot", kind))
    record = cache.of("kernels.py:dot", options)
    record.keep(1, verdicts[1])
    record.keep(0, verdicts[0])
    record.finish(Report(verdicts))
    again = cache.of("kernels.py:dot", options)
    momentary = kind in (VerdictKind.FAILS, VerdictKind.MISBEHAVES, VerdictKind.NOT_RUN)

    assert (again.report is None) is momentary
    assert sorted(again.earlier) == ([0] if momentary else [0, 1])
    assert bool(cache.not_kept) is momentary


def test_a_run_that_is_ended_keeps_what_it_has(
    project: Path, answer_with: Callable[[Callable[..., Report]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No stand-ins: of three questions the first is answered, then the run is interrupted; the next goes on from it."""
    (project / "attnspec.toml").write_text(GATE + 'dtypes = ["float16", "float32", "float64"]\n')
    answer = Loaded.answer
    asked: list[int] = []

    def interrupted(self: Loaded, task: Task, *how: Any) -> Any:
        asked.append(task[1])
        if len(asked) == 2:
            raise KeyboardInterrupt
        return answer(self, task, *how)

    monkeypatch.setattr(Loaded, "answer", interrupted)
    first = gate()
    second = gate()

    assert first.exit_code == 130
    assert second.exit_code == 0
    assert asked == [0, 1, 1, 2]
    assert second.stdout.splitlines()[-1].endswith("3 conforms; 1 from the cache")
    assert gate("--json", "third.json").stdout.splitlines()[-1].endswith("; 3 from the cache")
    assert [each["dtype"] for each in json.loads(Path("third.json").read_text())["verdicts"]] == [
        "float16", "float32", "float64",
    ]  # fmt: skip


def test_an_equation_whose_file_is_not_known_is_not_kept(project: Path, cache_of_its_own: Path) -> None:
    cache = VerdictCache(cache_of_its_own)
    foreign = Verdict("elsewhere.dot", "kernels.py:dot", "numpy", "float32", "cpu", VerdictKind.CONFORMS)
    cache.of("kernels.py:dot", VerifyOptions()).finish(Report((foreign,)))

    assert "elsewhere.dot" in cache.not_kept["kernels.py:dot"]
    assert not list(cache_of_its_own.iterdir())


def test_equations_of_the_project_belong_to_a_verdict(project: Path, computed: list[str]) -> None:
    (project / "mine.py").write_text("x = 1\n")
    (project / "attnspec.toml").write_text('equations = ["mine.py"]\n' + GATE)
    gate()
    (project / "mine.py").write_text("x = 2\n")
    gate()

    assert len(computed) == 2


def test_a_variable_that_the_candidate_reads_belongs_to_a_verdict(
    project: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "helper.py").write_text('import os\nscale = float(os.environ.get("SCALE", 1))\n')
    for value in ("1", "1", "2"):
        monkeypatch.setenv("SCALE", value)
        gate()

    assert len(computed) == 2


def test_it_is_left_out_on_request(project: Path, computed: list[str], cache_of_its_own: Path) -> None:
    gate("--no-cache")
    gate("--no-cache")

    assert len(computed) == 2
    assert not list(cache_of_its_own.iterdir())


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "\xff", '{"question": 0, "day": "2026-01-01", "verdict": {"kind": "os"}}\n{"count": 1}']
)
def test_a_damaged_entry_is_computed_again(
    project: Path, computed: list[str], cache_of_its_own: Path, damage: str
) -> None:
    gate()
    [entry] = cache_of_its_own.iterdir()
    entry.write_bytes(damage.encode("latin-1"))
    gate()

    assert len(computed) == 2
    assert gate().exit_code == 0
    assert len(computed) == 2


def test_entries_that_are_not_used_are_deleted(project: Path, computed: list[str], cache_of_its_own: Path) -> None:
    old = time.time() - (verdict_cache.DAYS + 1) * 86_400
    gate()
    [used] = cache_of_its_own.iterdir()
    unused = cache_of_its_own / "unused.json"
    unused.write_text("{}")
    for entry in (used, unused):
        os.utime(entry, (old, old))
    gate()

    assert list(cache_of_its_own.iterdir()) == [used]


def test_a_stored_verdict_is_the_same(project: Path) -> None:
    """With the arrays of its cases, its text and its JSON, of an equation and of a procedure."""
    (project / "helper.py").write_text("scale = 2\n")
    options = VerifyOptions("scores.dot", examples=1, trace=False, function=False)
    [of_equation] = run("kernels.py:dot", options)
    answer = WorstAnswer({"tokens": ("a",), "vocabulary": {"b": 1, "c": None}}, (-1, float("inf")), [0, True])
    function = FunctionVerdict("another", "another function", case=of_equation.cases[0], got=np.float64(2.5))
    of_procedure = replace(of_equation, worst_case=answer, function=function)

    assert of_equation.verdict == "differs"
    assert len(of_equation.cases) == 2
    for verdict in (of_equation, of_procedure):
        again = from_stored(json.loads(json.dumps(to_stored(verdict))))
        assert (str(again), again.json()) == (str(verdict), verdict.json())
        assert type(again.verdict) is VerdictKind
        for one, other in zip(again.cases, verdict.cases, strict=True):
            assert all(np.array_equal(one.arrays[name], array) for name, array in other.arrays.items())
            assert all(one.arrays[name].dtype == array.dtype for name, array in other.arrays.items())


def test_a_cache_that_cannot_be_written_is_said_and_fails_nothing(
    project: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "file").write_text("")
    monkeypatch.setenv("ATTNSPEC_CACHE", str(project / "file" / "cache"))
    done = gate()

    assert done.exit_code == 0
    assert "not cached: kernels.py:dot: the cache cannot be written: Not a directory" in done.stdout


def test_an_entry_that_cannot_be_deleted_does_not_end_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    entry = tmp_path / "entry.json"
    entry.write_text("{}")
    os.utime(entry, (0, 0))
    monkeypatch.setattr(Path, "unlink", refused)
    VerdictCache(tmp_path).prune()
    assert entry.exists()
