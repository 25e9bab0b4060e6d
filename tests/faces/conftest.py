"""Tests of commands keep their verdicts apart from those of the user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from attnspec.errors import SpecError
from attnspec.faces import verify_command
from attnspec.verification.options import VerifyOptions
from attnspec.verification.verdict import Report


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the cache of `attnspec gate`, empty at the beginning of each test."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ATTNSPEC_CACHE", str(folder))
    return folder


@pytest.fixture
def answer_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Report]], None]:
    """What has the gate take the reports of a function in place of verifying: it is called with each target."""

    def use(answered: Callable[..., Report]) -> None:
        def together(targets: Sequence[tuple[str, VerifyOptions]], **how: Any) -> list[Report | SpecError]:
            reports: list[Report | SpecError] = []
            for target, options in targets:
                try:
                    reports.append(answered(target, options, **how))
                except SpecError as error:
                    reports.append(error)
            return reports

        monkeypatch.setattr(verify_command, "run_together", together)

    return use
