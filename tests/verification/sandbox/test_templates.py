"""Templates: later workers are forks of a process that has imported what they need, and are as good as new."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from attnspec.verification.sandbox.messages import Request
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.sandbox.targets import File, Module, Pickled
from attnspec.verification.sandbox.templates import PLAIN, WITH_TORCH, Templates, modules_for

CANDIDATE = """
import sys
HAS_TORCH = "torch" in sys.modules
import os, numpy as np
DRAWN = np.random.random()
np.random.seed(0)
def parent(x): return np.array([os.getppid(), os.getpid(), os.getpgrp()])
def facts(x): return np.array([HAS_TORCH, DRAWN])
def folder(x): return np.frombuffer(os.getcwd().encode(), np.uint8).astype(np.int64)
def argument(x): return np.array([int(os.environ["ATTNSPEC_TEST_NUMBER"])])
"""


@pytest.fixture
def templates(monkeypatch: pytest.MonkeyPatch) -> Iterator[Templates]:
    """Templates of a process whose first worker was started."""
    fresh = Templates()
    fresh._count = 1
    for module in ("process", "runner"):
        monkeypatch.setattr(f"attnspec.verification.sandbox.{module}.TEMPLATES", fresh)
    yield fresh
    fresh.stop()


def asked(path: Path, name: str) -> list[float]:
    """What a callable of a file returns in a worker of its own."""
    with Runner() as runner:
        runner.load(File(path))
        [outcome] = runner.call_many([Request(name, {"x": np.ones(1)}, call_by=[(None, "x")])])
    assert outcome.status == "ok", outcome.trouble
    [output] = outcome.outputs
    return [*np.ravel(np.asarray(output.value))]


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(CANDIDATE)
    return path


def test_the_first_worker_of_a_process_is_started_by_itself(candidate: Path, templates: Templates) -> None:
    templates._count = 0
    parents = [asked(candidate, "parent")[0] for _ in range(2)]

    assert (parents[0], parents[1] == os.getpid()) == (os.getpid(), False)


def test_workers_are_forks_of_one_template_each_with_its_own_group(candidate: Path, templates: Templates) -> None:
    (a, first, group), (b, second, _) = asked(candidate, "parent"), asked(candidate, "parent")

    assert a == b != os.getpid()
    assert group == first != second


def test_pytorch_is_there_where_the_target_imports_it(candidate: Path, templates: Templates, tmp_path: Path) -> None:
    with_torch = tmp_path / "with_torch.py"
    with_torch.write_text(f"{CANDIDATE}import torch\n")

    assert asked(with_torch, "facts")[0]
    assert not asked(candidate, "facts")[0]


def test_nothing_that_a_worker_does_reaches_the_next(candidate: Path, templates: Templates) -> None:
    """Neither the seed that it sets, nor what it draws: each draws numbers of its own."""
    drawn = [asked(candidate, "facts")[1] for _ in range(3)]

    assert len({*drawn}) == 3


def test_a_worker_in_place_of_another_draws_its_own_hashes(tmp_path: Path, templates: Templates) -> None:
    """So that an answer that hangs on the order of a set is another one in some fresh process."""
    path = tmp_path / "mine.py"
    path.write_text("import numpy as np\ndef order(x): return np.array([hash('a')])\n")
    with Runner() as runner:
        runner.load(File(path))
        request = Request("order", {"x": np.ones(1)}, call_by=[(None, "x")])
        [before] = runner.call_many([request])
        runner.close()
        [after] = runner.call_many([request])

    assert before.outputs[0].value != after.outputs[0].value


def test_a_worker_is_where_the_parent_is(
    candidate: Path, templates: Templates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(candidate, "parent")
    monkeypatch.chdir(tmp_path)

    assert bytes(map(int, asked(candidate, "folder"))).decode() == str(tmp_path)


def test_another_environment_has_another_template(
    candidate: Path, templates: Templates, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers, parents = [], []
    for number in ("1", "2"):
        monkeypatch.setenv("ATTNSPEC_TEST_NUMBER", number)
        numbers += asked(candidate, "argument")
        parents.append(asked(candidate, "parent")[0])

    assert numbers == [1, 2]
    assert parents[0] != parents[1]


def test_without_its_template_a_worker_is_started_by_itself(candidate: Path, templates: Templates) -> None:
    template = int(asked(candidate, "parent")[0])
    os.kill(template, signal.SIGKILL)

    assert asked(candidate, "parent")[0] == os.getpid()
    assert asked(candidate, "parent")[0] not in (template, os.getpid())


def test_a_worker_goes_on_without_its_template(candidate: Path, templates: Templates) -> None:
    with Runner() as runner:
        runner.load(File(candidate))
        templates.stop()
        [outcome] = runner.call_many([Request("facts", {"x": np.ones(1)}, call_by=[(None, "x")])])

    assert outcome.status == "ok"


def test_the_text_of_a_target_says_what_it_needs(tmp_path: Path) -> None:
    for text, modules in {
        "import torch.nn": WITH_TORCH,
        "# as torch does": PLAIN,
        "from torch import nn": WITH_TORCH,
    }.items():
        path = tmp_path / "mine.py"
        path.write_text(text)
        assert modules_for(File(path)) == modules

    assert modules_for(File(tmp_path / "none.py")) == PLAIN
    assert modules_for(Module("torch.nn.functional")) == modules_for(Module("attnspec_torch.scores")) == WITH_TORCH
    assert modules_for(Module("attnspec_numpy.scores")) == modules_for(Module("no.such.module")) == PLAIN
    assert modules_for(Pickled.of(lambda x: x)) == PLAIN
