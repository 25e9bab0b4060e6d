"""What a verdict says of mistakes that were planted without a look at the instruments: tests/planted/blind.

    python benchmarks/planted_table.py --run /tmp/blind.jsonl [--right | --wrong] [--of FILE …]   judge what it lacks
    python benchmarks/planted_table.py --write /tmp/blind.jsonl                      write the table

With --unasked, those are judged that have no verdict in the table. A run may be stopped and goes on where it was.
Every candidate is judged in float32, or the dtype of its docstring, at default settings. The table is
tests/planted/blind/README.md: the author's words beside the diagnosis. What a person thought of the diagnosis is in
judged.json there, by candidate. What the file lacks keeps its row.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BLIND = ROOT / "tests/planted/blind"
sys.path.insert(0, str(ROOT / "tests"))

import attnspec  # noqa: E402  # the path comes first
from planted.authored import Authored  # noqa: E402  # likewise
from planted.blind.corpus import RIGHT, WRONG, planted  # noqa: E402  # likewise


def explained(text: str) -> list[str]:
    """The rows of a verdict that explain it, as they are printed."""
    rows, inside = [], False
    for line in text.splitlines()[1:]:
        if line[2:3].strip():  # a row begins; what goes on stands further right
            inside = line[2:].startswith(("diagnosis", "finding", "reads", "departs", "trace"))
        if inside:
            rows.append(line[12:].strip())
    return rows


def judged(one: Authored) -> dict[str, Any]:
    """The verdict on a candidate, as the table needs it; of two, as with gradients, the first that does not conform."""
    start = time.perf_counter()
    try:
        verdicts = [*attnspec.verify(one.target, dtype=one.dtype)]
        verdict = next((each for each in verdicts if each.verdict.value != "conforms"), verdicts[0])
    except Exception as error:  # no verdict at all, whatever the reason is; it stands in the table
        reason = f"{type(error).__name__}: {error}"
        return {"key": one.key, "verdict": "no verdict", "reason": reason, "diagnosis": [], "seconds": 0.0}
    return {
        "key": one.key,
        "equation": verdict.equation,
        "verdict": verdict.verdict.value,
        "reason": verdict.reason,
        "diagnosis": explained(str(verdict)),
        "seconds": round(time.perf_counter() - start, 2),
        "text": str(verdict),
    }


def read(path: Path) -> dict[str, dict[str, Any]]:
    """The verdicts of a file, by candidate."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {row["key"]: row for row in map(json.loads, lines)}


def run(path: Path, kept: list[Authored]) -> None:
    """Judge what the file lacks, in an order that is drawn once."""
    done = read(path)
    random.Random(0).shuffle(kept)
    for one in kept:
        if one.key not in done:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(judged(one), ensure_ascii=False) + "\n")


def cell(text: str) -> str:
    """A cell of a table in Markdown."""
    return " ".join(text.replace("|", "\\|").split())


def rows_of(page: str) -> dict[str, tuple[str, str]]:
    """Verdict and diagnosis of each candidate, as the page has them."""
    return {key: (verdict, why) for key, verdict, why in re.findall(ROW, page, re.MULTILINE)}


ROW = r"^\| (\S+:\S+) \| .*? \| (\S[^|]*) \| ((?:\\\||[^|])*?) \| [^|]*\|$"


def table(path: Path, page: str) -> str:
    """The table of wrong forms, then that of right ones."""
    said, opinions = read(path), json.loads((BLIND / "judged.json").read_text(encoding="utf-8"))
    before = rows_of(page)
    lines = []
    for kind in (WRONG, RIGHT):
        lines += ["", f"## {kind} forms", "", "| candidate | in its author's words | verdict | diagnosis | explained |"]
        lines.append("|---|---|---|---|---|")
        for one in (one for one in planted() if one.kind == kind):
            verdict, why = before.get(one.key, ("not asked", ""))
            if row := said.get(one.key):
                reason = "" if row["verdict"] == "conforms" else row["reason"]
                verdict, why = row["verdict"], cell("; ".join(row["diagnosis"]) or reason)
            lines.append(f"| {one.key} | {cell(one.words)} | {verdict} | {why} | {opinions.get(one.key, '')} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="What a verdict says of the planted mistakes.")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--of", nargs="*", help="only candidates of these files, without .py")
    parser.add_argument("--unasked", action="store_true", help="only candidates that have no verdict in the table")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--right", action="store_true")
    only.add_argument("--wrong", action="store_true")
    options = parser.parse_args()
    if options.run:
        kinds = [RIGHT] if options.right else [WRONG] if options.wrong else [RIGHT, WRONG]
        asked = [one for one in planted() if not options.of or one.path.stem in options.of]
        if options.unasked:
            before = rows_of((BLIND / "README.md").read_text(encoding="utf-8"))
            asked = [one for one in asked if before.get(one.key, ("not asked", ""))[0] == "not asked"]
        run(options.run, [one for one in asked if one.kind in kinds])
    if options.write:
        page = BLIND / "README.md"
        text = page.read_text(encoding="utf-8")
        head, _, _ = text.partition("\n## Wrong forms")
        page.write_text(head.rstrip() + "\n" + table(options.write, text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
