"""The extension of Sphinx, on the documentation of the strangers' package, in reStructuredText and in MyST."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from attnspec.sphinx import shown_views

STRANGERS = Path(__file__).parent / "strangers"
NORM = "strangers.norms.rms_norm"
WRONG = """
from attnspec import implements

@implements("strangers.norms.rms_norm", framework="numpy")
def rms_norm(x, gamma, eps):
    return x / (x * x).mean(-1, keepdims=True) ** 0.5 * gamma
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the strangers' package."""
    return shutil.copytree(STRANGERS, tmp_path / "package", ignore=shutil.ignore_patterns("__pycache__"))


def built(package: Path, builder: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-q", "-b", builder, *options, "docs", f"out/{builder}"]
    path = os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH", "")]))
    where = {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1"}
    return subprocess.run(command, cwd=package, env=where, capture_output=True, text=True, check=False, timeout=300)


def test_a_package_shows_its_equations_and_what_implements_them(package: Path) -> None:
    first = built(package, "html", "-W", "-d", "out/trees")
    page = (package / "out/html/index.html").read_text("utf-8")
    older = (package / "out/html/older.html").read_text("utf-8")

    assert (first.returncode, first.stderr) == (0, "")
    assert page.count('<div class="attnspec">') == 2, "an equation and an implementation"
    assert page.count("<math") >= 2
    assert 'class="attnspec-figure"' in page
    assert 'data-key="n:mean"' in page
    assert "</strong>: conforms" in page
    assert 'href="older.html#attnspec-transformer.layer_norm"' in page, "a role in reStructuredText"
    assert f'href="index.html#attnspec-{NORM}"' in older, "a role in MyST, to the other document"
    assert {"attnspec.css", "attnspec.js"} <= {file.name for file in (package / "out/html/_static").iterdir()}
    assert not re.findall(r'(?:src|href)="https?://[^"]*attnspec', page)
    assert str(package) not in page, "where it was built is nobody's business"

    kept = {file: file.stat().st_mtime_ns for file in (package / "out/trees/attnspec").iterdir()}
    text = built(package, "text", "-d", "out/trees")
    shown = (package / "out/text/index.txt").read_text("utf-8")

    assert text.returncode == 0, text.stderr
    assert "strangers.norms.rms_norm = [y_k]_k" in shown
    assert "../strangers/in_numpy.py:rms_norm**: conforms" in shown
    assert {file: file.stat().st_mtime_ns for file in (package / "out/trees/attnspec").iterdir()} == kept

    time.sleep(0.01)  # a later time of modification than that of the build
    (package / "strangers/in_numpy.py").write_text(WRONG, "utf-8")
    wrong = built(package, "html", "-W", "--keep-going", "-d", "out/trees")

    assert wrong.returncode == 1
    assert "WARNING: differs: strangers.norms.rms_norm" in wrong.stderr
    assert "the term eps is missing" in wrong.stderr
    assert "the term eps is missing" in html.unescape((package / "out/html/index.html").read_text("utf-8"))


def test_a_page_follows_its_equation(package: Path) -> None:
    """The page is written anew if the file of the equation changes, and nothing else is read again."""
    text = f"Strangers\n=========\n\n.. attnspec:equation:: {NORM}\n\n.. toctree::\n\n   older\n"
    (package / "docs/index.rst").write_text(text, "utf-8")
    (package / "docs/older.md").write_text("# Older\n", "utf-8")
    first = built(package, "html", "-W", "-d", "out/trees")
    page = package / "out/html/index.html"
    older = (package / "out/html/older.html").stat().st_mtime_ns
    before = page.read_text("utf-8")
    source = package / "strangers/norms.py"
    time.sleep(0.01)
    source.write_text(source.read_text("utf-8").replace("mean", "middle"), "utf-8")
    again = built(package, "html", "-W", "-d", "out/trees")

    assert (first.returncode, first.stderr, again.returncode, again.stderr) == (0, "", 0, "")
    assert "middle" not in before
    assert "middle" in page.read_text("utf-8")
    assert (package / "out/html/older.html").stat().st_mtime_ns == older


@pytest.mark.broad
def test_what_cannot_be_meant_is_said_at_its_line(package: Path) -> None:
    lines = (
        "Strangers\n=========\n",
        ".. attnspec:equation:: strangers.norms.rms_nor\n",
        ".. attnspec:equation:: recurrent.gru_cell\n   :views: formulas\n",
        ".. attnspec:implementation:: ../strangers/in_numpy.py\n   :equation: strangers.rotations.interleaved\n",
        ".. attnspec:implementation:: ../strangers/nowhere.py\n   :equation: strangers.norms.rms_norm\n",
        ".. attnspec:implementation:: ../strangers/in_numpy.py:rms_norm\n",
        ":attnspec:eq:`nothing.here`\n",
    )
    (package / "docs/index.rst").write_text("\n".join(lines), "utf-8")
    (package / "docs/older.md").unlink()

    said = built(package, "html").stderr

    assert "index.rst:4: ERROR: UnknownName: no equation 'strangers.norms.rms_nor'" in said
    assert "did you mean strangers.norms.rms_norm" in said
    assert "formulas was given; expected some of formula, figure, specification" in said
    assert "UnknownName: no equation 'strangers.rotations.interleaved'" in said
    assert "nowhere.py" in said
    assert "the option :equation: is missing" in said
    assert "attnspec:eq reference target not found: nothing.here" in said
    assert "Traceback" not in said


def test_an_equation_file_that_is_missing_stops_the_build(package: Path) -> None:
    (package / "docs/conf.py").write_text('extensions = ["attnspec.sphinx"]\nattnspec_equations = ["no.py"]\n', "utf-8")

    done = built(package, "html")

    assert done.returncode == 2
    assert "attnspec_equations: " in done.stderr
    assert "no.py" in done.stderr


@pytest.mark.parametrize("given", ["", None, "formula figures"])
def test_views_are_known(given: str | None) -> None:
    with pytest.raises(ValueError, match="expected some of formula, figure, specification"):
        shown_views(given)


def test_views_are_read_with_and_without_commas() -> None:
    assert shown_views("formula, figure") == shown_views("formula figure") == ("formula", "figure")
