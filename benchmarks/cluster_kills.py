"""Verdicts on a cluster of which workers are killed at random: is one lost, doubled, or another one than here?

    python benchmarks/cluster_kills.py [--minutes N] [--workers N] [--every S] [--sample N] [--whole N] [--first SEED]

Small kernels, right and wrong, are verified in one seed after the other on processes of dask.distributed, until the
time is up: one seed in so many on all cases, the others on one drawn case alone, which is a hundred times as quick. A
sample of the verdicts is reached here too, and compared to the bit. It needs attnspec[dask].
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask
from distributed import LocalCluster

from attnspec.errors import SpecError
from attnspec.verification.cluster import Cluster
from attnspec.verification.options import VerifyOptions
from attnspec.verification.session import run
from attnspec.verification.stored import to_stored
from attnspec.verification.verdict import Verdict

KERNELS = """
import numpy as np
from attnspec import implements

BOTH = ("float32", "float64")

@implements("scores.dot", framework="numpy", dtypes=BOTH)
def dot(q, k):
    return q @ np.swapaxes(k, -1, -2)

@implements("scores.scaled_dot", framework="numpy", dtypes=BOTH)
def scaled(q, k):
    return dot(q, k) / q.dtype.type(q.shape[-1] ** 0.5)

@implements("scores.bilinear", framework="numpy", dtypes=BOTH)
def bilinear(q, k, W):
    return dot(q @ W, k)

@implements("scores.scaled_dot", framework="numpy", dtypes=("float32",))
def unscaled(q, k):
    return dot(q, k)
"""
QUESTIONS = {(name, dtype) for name in ("dot", "scaled", "bilinear") for dtype in ("float32", "float64")}
QUESTIONS |= {("unscaled", "float32")}
WHOLE = VerifyOptions(examples=0, function=False)

SEEDS_AT_ONCE = 20

FIRST_SEEDS = 20
"""Each equation has drawn cases of these seeds, from 1 on."""

Key = tuple[str, str, int]
"""Name of a kernel, dtype and seed."""


def options(seed: int, whole: int) -> VerifyOptions:
    """What is asked in a seed."""
    return replace(WHOLE, seed=seed, **({} if seed % whole == 0 else {"case": 1 + seed % FIRST_SEEDS, "trace": False}))


def key(verdict: Verdict) -> Key:
    return verdict.implementation.rpartition(":")[2], verdict.dtype, verdict.seed


def facts(verdict: Verdict) -> Any:
    """All of a verdict but the time that it took."""
    return to_stored(replace(verdict, seconds=0.0))


@contextmanager
def killing(cluster: Any, mean_s: float) -> Iterator[list[int]]:
    """Kill a worker at random moments, so many seconds apart on average; its nanny starts another one."""
    stop, killed, chance = threading.Event(), list[int](), random.Random()

    def kill() -> None:
        while not stop.wait(chance.expovariate(1 / mean_s)):
            nannies = [nanny.process for nanny in cluster.workers.values()]
            living = [each.process.pid for each in nannies if each is not None and each.process is not None]
            pid = chance.choice(living) if living else None
            if pid:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                killed.append(pid)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        stop.set()
        thread.join()


def verdicts(address: str, seeds: Iterator[int], until: float, whole: int) -> Iterator[tuple[int, list[Verdict]]]:
    """Each seed with its verdicts on the cluster."""
    with Cluster(address, lambda line: print(line, flush=True)) as cluster:
        while time.monotonic() < until:
            some = [next(seeds) for _ in range(SEEDS_AT_ONCE)]
            reports = cluster.reports([("kernels.py", options(seed, whole)) for seed in some])
            for seed, report in zip(some, reports, strict=True):
                if isinstance(report, SpecError):
                    print(f"seed {seed}: {report}", flush=True)
                yield seed, [] if isinstance(report, SpecError) else [*report.verdicts]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two kills, on average")
    parser.add_argument("--sample", type=int, default=10, help="seeds that are verified here too")
    parser.add_argument("--whole", type=int, default=20, help="one seed in so many is asked on all cases")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # A local cluster gives up a worker that is not there so long after it was lost, be it that it was lost once more.
    dask.config.set({"distributed.deploy.lost-worker-timeout": "30 days"})
    started, home = time.monotonic(), Path.cwd()
    found: dict[int, list[Verdict]] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("kernels.py").write_text(KERNELS, encoding="utf-8")
        with (
            LocalCluster(given.workers, threads_per_worker=1, dashboard_address=None) as cluster,
            killing(cluster, given.every) as killed,
        ):
            seeds = iter(range(given.first, 2**40))
            until = started + 60 * given.minutes
            for seed, reached in verdicts(cluster.scheduler_address, seeds, until, given.whole):
                found[seed] = reached
                count = sum(map(len, found.values()))
                print(f"{count} verdicts, {len(killed)} kills, {time.monotonic() - started:.0f} s", flush=True)
        others = 0
        chosen = random.Random(0).sample(sorted(found), min(given.sample, len(found)))
        sample = {*chosen, *[seed for seed in found if seed % given.whole == 0][:2]}
        for seed in sample:
            here = {key(each): facts(each) for each in run("kernels.py", options(seed, given.whole)).verdicts}
            others += sum(here[key(each)] != facts(each) for each in found[seed])
        os.chdir(home)
    reached_keys = Counter(key(verdict) for each in found.values() for verdict in each)
    asked = {(name, dtype, seed) for seed in found for name, dtype in QUESTIONS}
    lost, doubled = asked - {*reached_keys}, [each for each, count in reached_keys.items() if count > 1]
    print(f"{len(asked)} verdicts asked for in {time.monotonic() - started:.0f} s, {len(killed)} workers killed")
    print(f"lost: {len(lost)}; doubled: {len(doubled)}; foreign: {len({*reached_keys} - asked)}")
    print(f"of {len(sample) * len(QUESTIONS)} verdicts reached here too, other ones: {others}")
    kinds = Counter(f"{key(verdict)[0]} {verdict.verdict}" for each in found.values() for verdict in each)
    print(", ".join(f"{kind}: {count}" for kind, count in sorted(kinds.items())))
    return int(bool(lost or doubled or others))


if __name__ == "__main__":
    raise SystemExit(main())
