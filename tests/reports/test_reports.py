"""Faults that public reports describe: the faulty version is not passed, at default settings, and the mended one is."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import attnspec
from attnspec.verification.verdict import Verdict

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("test_"))
QUICK = ("attention_strides_swapped", "cross_entropy_exchanged_axes", "gru_stale_scratch", "layer_norm_beyond_block")
REPORTS = [pytest.param(name, marks=() if name in QUICK else pytest.mark.broad) for name in NAMES]
ROW = re.compile(r"^\| \[`(\w+)`\]\((https://\S+)\) \|", re.MULTILINE)


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def verdict_on(name: str, function: str) -> Verdict:
    report = module(name)
    options: dict[str, Any] = report.OPTIONS
    [verdict] = attnspec.verify(f"{HERE / name}.py:{function}", report.EQUATION, **options).verdicts
    return verdict


@pytest.mark.parametrize("name", REPORTS)
def test_the_faulty_version_does_not_conform(name: str) -> None:
    verdict = verdict_on(name, "faulty")

    assert verdict.verdict in ("differs", "imprecise", "misbehaves"), str(verdict)


@pytest.mark.parametrize("name", REPORTS)
def test_the_mended_version_conforms(name: str) -> None:
    verdict = verdict_on(name, "mended")

    assert verdict.verdict == "conforms", str(verdict)


def test_the_table_lists_every_report_with_its_link() -> None:
    rows = ROW.findall((HERE / "README.md").read_text(encoding="utf-8"))

    assert [name for name, _ in rows] == sorted(NAMES)
    assert all(link in (module(name).__doc__ or "") for name, link in rows)
