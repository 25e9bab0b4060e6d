"""Verdicts on a cluster of dask.distributed: those of one machine, whatever is killed meanwhile."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from click.testing import CliRunner

from attnspec.cli import main
from attnspec.errors import SpecError
from attnspec.verification import cluster
from attnspec.verification.cluster import SURVEY, Cluster, Work, _Asked, _done
from attnspec.verification.options import VerifyOptions
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.session import run
from attnspec.verification.stored import to_stored
from attnspec.verification.verdict import Report, Verdict

KERNELS = """
import numpy as np
from attnspec import implements

@implements("scores.dot", framework="numpy", dtypes=("float32",))
def dot(q, k):
    return q @ np.swapaxes(k, -1, -2)

@implements("scores.scaled_dot", framework="numpy", dtypes=("float32", "float16"))
def scaled(q, k):
    return dot(q, k) / q.shape[-1] ** 0.5

@implements("scores.scaled_dot", framework="numpy", dtypes=("float32",))
def wrong(q, k):
    return dot(q, k)
"""
EQUATION = """
from attnspec import equation
from attnspec.notation import Tensor
from jaxtyping import Float

@equation()
def scaled(q: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
    'A multiple.'
    return {factor} * q
"""
FEW = VerifyOptions(examples=0, function=False)
TARGETS = [(name, FEW) for name in ("kernels.py", "kernels.py:dot", "kernels.py:lost", "lost.py:f")]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kernels.py").write_text(KERNELS)
    (tmp_path / "lost.py").write_text("import a_package_that_is_not_there\n")
    return tmp_path


def facts(report: Report | SpecError) -> Any:
    """All of a report but the time that it took, and the error of one that there is none of."""
    if isinstance(report, SpecError):
        return str(report)
    return [to_stored(replace(verdict, seconds=0.0)) for verdict in report.verdicts], report.notes


def here() -> list[Any]:
    found = []
    for target, options in TARGETS:
        try:
            found.append(facts(run(target, options)))
        except SpecError as error:
            found.append(facts(error))
    return found


def test_a_worker_of_another_checkout_is_refused(project: Path) -> None:
    """It would give a verdict on other code."""
    work = Work.of("kernels.py:dot", FEW, ())
    (project / "kernels.py").write_text(KERNELS + "\n")

    for other in (work, replace(work, software={**work.software, "numpy": "1.0"})):
        refused = _done(other, SURVEY)

        assert isinstance(refused, SpecError)
        assert "a worker of the cluster has other" in refused.headline
    assert "kernels.py" in str(_done(work, SURVEY))


def test_a_worker_that_has_read_other_equations_is_refused(project: Path) -> None:
    """It has imported the file, so it would judge by the equation as it was before, though the files are the same."""
    (project / "own_words.py").write_text(EQUATION.format(factor=2))
    (project / "doubled.py").write_text("def f(q):\n    return q + q\n")
    options = replace(FEW, equation="own_words.scaled", framework="numpy", equations=("own_words.py",))
    before = _done(Work.of("doubled.py:f", options, ()), SURVEY)
    (project / "own_words.py").write_text(EQUATION.format(factor=3))
    refused = _done(Work.of("doubled.py:f", options, ()), SURVEY)

    assert isinstance(before, Report), before
    assert before.verdict == "conforms"
    assert isinstance(refused, SpecError)
    assert "a worker of the cluster has other own_words.py" in refused.headline
    assert "start them anew" in refused.mend


def test_a_worker_loads_a_target_once_in_a_run(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the seeds differ; and lets go of it when it is not asked about for a while."""
    loads, load = list[Any](), Runner.load

    def counted(self: Runner, target: Any) -> Any:
        loads.append(target)
        return load(self, target)

    monkeypatch.setattr(Runner, "load", counted)
    monkeypatch.setattr(cluster, "IDLE_S", 0.1)
    one = Work.of("kernels.py", FEW, ())
    answers = [_done(work, 0) for work in (one, replace(one, options=replace(FEW, seed=1)), one)]
    verdicts = [each for each in answers if isinstance(each, Verdict)]
    while cluster._kept is not None:
        time.sleep(0.05)

    assert [each.seed for each in verdicts] == [0, 1, 0]
    assert len(loads) == 1
    assert facts(Report(tuple(verdicts[:1]))) == facts(Report(tuple(verdicts[2:])))


def test_the_address_needs_the_package_and_a_scheduler() -> None:
    says = "distributed is not installed" if find_spec("distributed") is None else "no scheduler of dask"
    (Path("attnspec.toml")).write_text('[gate]\nimplementations = ["kernels.py"]\n')
    done = CliRunner().invoke(main, ["gate", "--dask", "tcp://127.0.0.1:1"])

    assert done.exit_code == 2
    assert says in done.stderr


@pytest.mark.parametrize("option", [("--jobs", "2"), ("--minutes", "1"), ("--shard", "1/2")])
def test_options_that_do_not_go_together_are_refused(option: tuple[str, str]) -> None:
    done = CliRunner().invoke(main, ["gate", "--dask", "tcp://127.0.0.1:1", *option])

    assert done.exit_code == 2
    assert "--dask goes without" in done.stderr


# With processes of dask.


@contextmanager
def processes(count: int) -> Iterator[Any]:
    """A cluster of so many processes."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(count, threads_per_worker=1, dashboard_address=None) as found:
        yield found


@contextmanager
def killing(found: Any, every_s: float, most: int) -> Iterator[list[int]]:
    """Kill a worker at random, several times; the nanny of each starts another one."""
    stop, killed = threading.Event(), list[int]()

    def kill() -> None:
        while len(killed) < most and not stop.wait(every_s):
            pid = random.choice([worker.process.process.pid for worker in found.workers.values() if worker.process])
            if pid:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        stop.set()
        thread.join()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # dask's own
def test_verdicts_are_those_of_one_machine_though_workers_are_killed() -> None:
    expected = here()
    with processes(2) as found:
        with Cluster(found.scheduler_address) as asked:
            plain = [facts(report) for report in asked.reports(TARGETS)]
        with killing(found, 4.0, 3) as killed, Cluster(found.scheduler_address) as asked:
            disturbed = [facts(report) for report in asked.reports(TARGETS)]

    assert killed
    assert plain == expected
    assert disturbed == expected


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_none_of_ten_thousand_is_lost_or_doubled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions without candidates: what the cluster makes of them while workers are killed."""

    def done(work: Any, number: int) -> Any:
        return 100 if number == -1 else f"{work} {number}"

    def numbered(target: str, *_: Any) -> Any:
        return target

    with monkeypatch.context() as patched, processes(2) as found:
        cloudpickle.register_pickle_by_value(sys.modules[__name__])
        patched.setattr(cluster, "_done", done)
        patched.setattr(Work, "of", numbered)
        patched.setattr(_Asked, "report", _answers)
        patched.setattr(_Asked, "submit", _submit)
        with killing(found, 5.0, 6) as killed, Cluster(found.scheduler_address) as asked:
            reports: list[Any] = list(asked.reports([(str(place), FEW) for place in range(100)]))

    assert len(killed) > 1
    assert reports == [[f"{place} {number}" for number in range(100)] for place in range(100)]


def _answers(self: Any, place: int) -> list[Any]:
    return [self.result((place, number)) for number in range(self.result((place, SURVEY)))]


def _submit(self: Any, key: Any) -> None:
    name = f"{key}-{time.monotonic_ns()}"
    self.futures[self.cluster.client.submit(cluster._done, self.works[key[0]], key[1], key=name, pure=False)] = key


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_what_a_lost_scheduler_leaves_is_answered_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed as soon as there is a verdict."""
    pytest.importorskip("distributed")
    take = _Asked.take
    expected, notices = here(), list[str]()
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard", "--port", "8797"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as scheduler:
        address = "tcp://127.0.0.1:8797"
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
        with subprocess.Popen(worker, stderr=subprocess.DEVNULL) as helper:

            def killing(self: _Asked, key: cluster.Key, result: Any) -> None:
                take(self, key, result)
                if isinstance(result, Verdict):
                    scheduler.kill()

            monkeypatch.setattr(_Asked, "take", killing)
            with Cluster(address, notices.append) as asked:
                found = [facts(report) for report in asked.reports(TARGETS)]
            helper.kill()

    assert found == expected
    assert [notice for notice in notices if "the scheduler is lost" in notice]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_without_workers_and_a_straggler_hold_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two workers, one is stopped and does not end: its question is given to the other one."""
    monkeypatch.setattr(cluster, "STRAGGLER_S", 1.0)
    monkeypatch.setattr(cluster, "NO_WORKERS_S", 1.0)
    expected, notices = here()[:1], list[str]()
    with processes(2) as found:
        with Cluster(found.scheduler_address) as asked:
            reports = asked.reports(TARGETS[:1])
            stopped = next(iter(found.workers.values())).process.process.pid
            threading.Timer(2.0, lambda: os.kill(stopped, signal.SIGSTOP)).start()
            assert [facts(report) for report in reports] == expected
            os.kill(stopped, signal.SIGCONT)
        found.scale(0)
        with Cluster(found.scheduler_address, notices.append) as asked:
            assert [facts(report) for report in asked.reports(TARGETS[:1])] == expected

    assert "no worker" in notices[0]
