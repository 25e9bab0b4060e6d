"""The pages are what the registry says, and what the README quotes is what the commands print."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from attnspec.language.equation import REGISTRY
from attnspec.language.procedure import PROCEDURES

ROOT = Path(__file__).resolve().parents[1]
Pages = dict[Path, str]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def wanted(generate: ModuleType) -> Pages:
    pages: Pages = generate.pages()
    return pages


def test_no_page_is_stale(generate: ModuleType, wanted: Pages) -> None:
    assert not generate.stale(wanted), "make docs"


def test_every_equation_has_one_section(wanted: Pages) -> None:
    heading = re.compile(r"^## (\S+)$", re.MULTILINE)
    sections = [(file.stem, id) for file, text in wanted.items() for id in heading.findall(text)]
    equations = [each for each in REGISTRY.values() if each.function.__module__.startswith("attnspec.equations.")]

    procedures = [each for each in PROCEDURES.values() if each.function.__module__.startswith("attnspec.procedures.")]

    found = [*((each.family, each.id) for each in equations), *((each.family, each.id) for each in procedures)]

    assert sorted(sections) == sorted(found)


def test_links_within_the_pages_lead_to_a_section(wanted: Pages) -> None:
    headings = {
        file.name: {line[3:].replace(".", "") for line in text.splitlines() if line.startswith("## ")}
        for file, text in wanted.items()
    }
    links = [
        (page or file.name, anchor)
        for file, text in wanted.items()
        for page, anchor in re.findall(r"\]\(([\w.]*)#(\w+)\)", text)
    ]

    assert len(links) > len(headings)
    assert not [link for link in links if link[1] not in headings[link[0]]]


def test_the_index_links_every_page(wanted: Pages) -> None:
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")

    assert set(re.findall(r"\]\(equations/(\w+)\.md\)", index)) == {file.stem for file in wanted}


def test_what_is_stale_is_named(
    generate: ModuleType, wanted: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setattr(generate, "PAGES", tmp_path)
    here = {tmp_path / file.name: text for file, text in wanted.items()}
    (tmp_path / "mine.md").write_text("kept", encoding="utf-8")
    (tmp_path / "gone.md").write_text(f"{generate.MARK}\n", encoding="utf-8")
    generate.write(here)

    assert not generate.stale(here)
    assert {file.name for file in tmp_path.iterdir()} == {"mine.md", *(file.name for file in here)}

    (tmp_path / "recurrent.md").unlink()
    (tmp_path / "scores.md").write_text("other", encoding="utf-8")
    (tmp_path / "gone.md").write_text(f"{generate.MARK}\n", encoding="utf-8")

    assert generate.stale(here) == [
        "recurrent.md is missing",
        "scores.md is not what the registry says",
        "gone.md is of no family",
    ]


def test_the_readme_shows_what_show_prints() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [quoted] = re.findall(r"^\$ attnspec show recurrent\.gru_cell\n(.*?)^\.\.\.\n```", readme, re.MULTILINE | re.DOTALL)
    command = [sys.executable, "-m", "attnspec", "show", "recurrent.gru_cell"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "100"})

    assert done.stdout.startswith(quoted)
