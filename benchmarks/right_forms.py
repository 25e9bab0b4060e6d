"""What a verdict says of right code in every dtype: which of the right forms in tests is blamed, and for what.

    python benchmarks/right_forms.py --run /tmp/right.jsonl [--minutes 30] [--of WORD …]   judge what the file lacks
    python benchmarks/right_forms.py --table /tmp/right.jsonl                              count what it has

The forms are the right ones of tests/planted, the mended ones of tests/reports, those of tests/strangers, and PyTorch's
and JAX's own functions, attnspec_peers, in dtypes that are not claimed there too. Each is asked in each dtype, with
--seeds N seeds from --first on. The order is drawn once, so that a part of a run is a sample; a run may be stopped
and goes on where it was. What does not conform is blamed rightly only if the form itself loses what the dtype could
keep: each such row is a question to a person.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import pkgutil
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import strangers_table  # noqa: E402  # the path comes first

import attnspec  # noqa: E402  # likewise
import attnspec_peers  # noqa: E402  # likewise
from attnspec.implementation import ATTRIBUTE  # noqa: E402  # likewise
from planted.authored import authored  # noqa: E402  # likewise

PEERS = ("attention", "multihead", "optimizer", "recurrent", "torch_modules", "transformer")
"""The files of attnspec_peers that need PyTorch, ONNX Runtime and JAX alone."""

DTYPES = ("float32", "float64", "float16", "bfloat16")


class Asked(NamedTuple):
    """One verdict that is wanted: its key, its target, and what `attnspec.verify` is given besides."""

    key: str
    target: str
    options: dict[str, Any]


def forms() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each right form: its key, its target, and its options."""
    for folder in sorted({path.parent for path in (ROOT / "tests/planted").rglob("*.py")}):
        for one in authored(folder, "Right"):
            yield f"{folder.name}/{one.key}", one.target, {}
    for path in sorted((ROOT / "tests/reports").glob("*.py")):
        if not path.stem.startswith("test_"):
            spec = importlib.util.spec_from_file_location(path.stem, path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            yield f"reports/{path.stem}", f"{path}:mended", {"equation": module.EQUATION, **module.OPTIONS}
    modules = [f"strangers.{name}" for name in strangers_table.MODULES]
    for where in strangers_table.DTYPES:
        for name in strangers_table.names(f"strangers.{where}"):
            for backward in (False, True) if where == "in_torch" else (False,):
                key = f"strangers/{where}:{name}{' backward' if backward else ''}"
                yield key, f"strangers.{where}:{name}", {"equations": modules, "backward": backward}
    for module in pkgutil.iter_modules(attnspec_peers.__path__, "attnspec_peers."):
        stem = module.name.partition(".")[2]
        if stem in PEERS:
            for name, item in vars(importlib.import_module(module.name)).items():
                if hasattr(item, ATTRIBUTE):
                    yield f"peers/{stem}:{name}", f"{module.name}:{name}", {"claim": {"dtypes": DTYPES}}


def wanted(seeds: range, dtypes: list[str], words: list[str]) -> list[Asked]:
    """Every verdict that is wanted, in an order that is drawn once: of each seed all, before the next one."""
    found, every = [], [form for form in forms() if not words or any(word in form[0] for word in words)]
    for seed in seeds:
        of_seed = [
            Asked(f"{key} {dtype} {seed}", target, {**options, "dtype": dtype, "seed": seed})
            for key, target, options in every
            for dtype in dtypes
        ]
        random.Random(seed).shuffle(of_seed)
        found += of_seed
    return found


def judged(one: Asked) -> dict[str, Any]:
    """The verdict, as the table needs it; of several, the first that does not conform."""
    start = time.perf_counter()
    try:
        verdicts = [*attnspec.verify(one.target, **one.options)]
        verdict = next((each for each in verdicts if each.verdict.value != "conforms"), verdicts[0])
    except Exception as error:  # no verdict at all, whatever the reason is; it stands in the table
        return {"key": one.key, "verdict": "no verdict", "reason": f"{type(error).__name__}: {error}", "text": ""}
    seconds = round(time.perf_counter() - start, 1)
    kind, reason = verdict.verdict.value, verdict.reason
    return {"key": one.key, "verdict": kind, "reason": reason, "seconds": seconds, "text": str(verdict)}


def run(path: Path, asked: list[Asked], minutes: float) -> None:
    """Judge what the file lacks, and add a line for each."""
    done, end = strangers_table.read(path), time.monotonic() + 60 * minutes
    for one in asked:
        if time.monotonic() > end:
            break
        if one.key not in done:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(judged(one), ensure_ascii=False) + "\n")


def table(path: Path) -> str:
    """How many verdicts of each kind there are in each dtype, then each that does not conform, with its reason."""
    counts: dict[str, Counter[str]] = {dtype: Counter() for dtype in DTYPES}
    rows = strangers_table.read(path).values()
    for row in rows:
        counts[row["key"].split()[-2]][row["verdict"]] += 1
    lines = ["| dtype | verdicts |", "|---|---|"]
    for dtype, found in counts.items():
        lines.append(f"| {dtype} | {', '.join(f'{count} {kind}' for kind, count in found.most_common())} |")
    lines += ["", "| form, dtype and seed | verdict | reason |", "|---|---|---|"]
    for row in sorted(rows, key=lambda row: str(row["key"])):
        if row["verdict"] != "conforms":
            lines.append(f"| {row['key']} | {row['verdict']} | {' '.join(row['reason'].replace('|', ' ').split())} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="What a verdict says of right code in every dtype.")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no verdict after so many minutes")
    parser.add_argument("--seeds", type=int, default=1, help="with how many seeds each is asked")
    parser.add_argument("--first", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--dtypes", nargs="*", default=[*DTYPES], choices=DTYPES)
    parser.add_argument("--of", nargs="*", default=[], help="only forms with one of these in their key")
    options = parser.parse_args()
    if options.run:
        run(
            options.run,
            wanted(range(options.first, options.first + options.seeds), options.dtypes, options.of),
            options.minutes,
        )
    if options.table:
        print(table(options.table))


if __name__ == "__main__":
    main()
