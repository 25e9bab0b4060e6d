"""The pages are what the registry says, and what the README quotes is what the commands print."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest

import generate
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.procedure import PROCEDURES

ROOT = Path(__file__).resolve().parents[1]
Pages = dict[str, str]


SAMPLE = 15
"""Of one equation in so many the known mistakes on its page are computed anew; of the others they are taken from it."""


@pytest.fixture(scope="module")
def wanted() -> Pages:
    """The pages as they should be, but for most of the known mistakes, which are as they are."""
    written: dict[str, str] = {}
    for file in generate.FOLDER.path.glob("*.md"):
        for section in re.split(r"^## ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            found = re.search(r"^\*\*Known mistakes\*\*.*?(?=\n\n\*\*Impl)", section, re.MULTILINE | re.DOTALL)
            written[section.partition("\n")[0]] = found[0] if found else ""

    def mistakes(equation: Equation[..., object]) -> Iterable[str]:
        if zlib.crc32(equation.id.encode()) % SAMPLE == 0:
            return generate.known_mistakes(equation)
        return filter(None, [written.get(equation.id, "")])

    return generate.pages(mistakes)


@pytest.mark.broad
def test_no_page_is_stale(wanted: Pages) -> None:
    assert not generate.FOLDER.stale(wanted), "make docs"


@pytest.mark.slow
def test_no_page_is_stale_in_any_known_mistake() -> None:
    assert not generate.FOLDER.stale(generate.pages()), "make docs"


@pytest.mark.broad
def test_every_equation_has_one_section(wanted: Pages) -> None:
    heading = re.compile(r"^## (\S+)$", re.MULTILINE)
    sections = [(Path(file).stem, id) for file, text in wanted.items() for id in heading.findall(text)]
    equations = [each for each in REGISTRY.values() if each.function.__module__.startswith("attnspec.equations.")]

    procedures = [each for each in PROCEDURES.values() if each.function.__module__.startswith("attnspec.procedures.")]

    found = [*((each.family, each.id) for each in equations), *((each.family, each.id) for each in procedures)]

    assert sorted(sections) == sorted(found)


@pytest.mark.broad
def test_links_within_the_pages_lead_to_a_section(wanted: Pages) -> None:
    headings = {
        file: {line[3:].replace(".", "") for line in text.splitlines() if line.startswith("## ")}
        for file, text in wanted.items()
    }
    links = [
        (page or file, anchor)
        for file, text in wanted.items()
        for page, anchor in re.findall(r"\]\(([\w.]*)#(\w+)\)", text)
    ]

    assert len(links) > len(headings)
    assert not [link for link in links if link[1] not in headings[link[0]]]


@pytest.mark.broad
def test_the_index_links_every_page(wanted: Pages) -> None:
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")

    assert set(re.findall(r"\]\(equations/(\w+)\.md\)", index)) == {Path(file).stem for file in wanted}


@pytest.mark.broad
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
