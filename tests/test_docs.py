"""The pages are what the registry says, and what the README quotes is what the commands print."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import generate
from attnspec.language.equation import REGISTRY
from attnspec.language.procedure import PROCEDURES

ROOT = Path(__file__).resolve().parents[1]
Pages = dict[str, str]


@pytest.fixture(scope="module")
def wanted() -> Pages:
    """The pages as they should be."""
    return generate.pages()


def test_no_page_is_stale(wanted: Pages) -> None:
    assert not generate.FOLDER.stale(wanted), "make pages"


def test_no_page_is_long() -> None:
    """A page of the repository can be read; what is longer is on the site."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    pages.remove(ROOT / "CHANGELOG.md")  # a list that grows with each change

    assert len(pages) > 30
    assert not {page.name: n for page in pages if (n := len(page.read_text("utf-8").splitlines())) > 400}


def test_every_formula_is_shown_once(wanted: Pages) -> None:
    formulas = [text.partition("\n")[0] for page in wanted.values() for text in page.split("```math\n")[1:]]
    equations = [each for each in REGISTRY.values() if each.function.__module__.startswith("attnspec.equations.")]

    assert sorted(formulas) == sorted(each.latex().replace("\n", " ") for each in equations)


def test_every_equation_has_one_section(wanted: Pages) -> None:
    heading = re.compile(r"^## (\S+)$", re.MULTILINE)
    sections = [(Path(file).stem, id) for file, text in wanted.items() for id in heading.findall(text)]
    equations = [each for each in REGISTRY.values() if each.function.__module__.startswith("attnspec.equations.")]

    procedures = [each for each in PROCEDURES.values() if each.function.__module__.startswith("attnspec.procedures.")]

    found = [*((each.family, each.id) for each in equations), *((each.family, each.id) for each in procedures)]

    assert sorted(sections) == sorted(found)


def test_the_index_links_every_page(wanted: Pages) -> None:
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")

    assert set(re.findall(r"\]\(equations/(\w+)\.md\)", index)) == {Path(file).stem for file in wanted}


def test_every_promise_of_the_pages_has_its_tests() -> None:
    """The tests that `tests/pages/README.md` names exist."""
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", (ROOT / "tests/pages/README.md").read_text("utf-8"))

    assert len(named) > 50
    assert [each for each in named if f"def {each[1]}(" not in (ROOT / "tests" / each[0]).read_text("utf-8")] == []


def test_what_is_stale_is_named(wanted: Pages, tmp_path: Path) -> None:
    folder = dataclasses.replace(generate.FOLDER, path=tmp_path)
    (tmp_path / "mine.md").write_text("kept", encoding="utf-8")
    (tmp_path / "gone.md").write_text(f"{folder.mark}\n", encoding="utf-8")
    folder.write(wanted)

    assert not folder.stale(wanted)
    assert {file.name for file in tmp_path.iterdir()} == {"mine.md", *wanted}

    (tmp_path / "recurrent.md").unlink()
    (tmp_path / "scores.md").write_text("other", encoding="utf-8")
    (tmp_path / "gone.md").write_text(f"{folder.mark}\n", encoding="utf-8")

    assert folder.stale(wanted) == [
        "recurrent.md is missing",
        "scores.md differs from the code",
        "gone.md is no longer generated",
    ]


def test_the_readme_shows_what_show_prints() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [quoted] = re.findall(r"^\$ attnspec show recurrent\.gru_cell\n(.*?)^\.\.\.\n```", readme, re.MULTILINE | re.DOTALL)
    command = [sys.executable, "-m", "attnspec", "show", "recurrent.gru_cell"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "100"})

    assert done.stdout.startswith(quoted)
