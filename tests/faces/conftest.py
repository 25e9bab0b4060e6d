"""Tests of commands keep their verdicts apart from those of the user."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the cache of `attnspec gate`, empty at the beginning of each test."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ATTNSPEC_CACHE", str(folder))
    return folder
