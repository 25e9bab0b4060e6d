"""`attnspec docs` writes a site whose links lead somewhere, and writes again only what has changed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from attnspec import REGISTRY
from attnspec.errors import SpecError
from attnspec.faces.outputs import check_file, check_folder
from attnspec.pages.site import index_page, target_digest
from attnspec.verification.sandbox.targets import File, Module

OWN = '''
from attnspec import Source, equation, implements
from attnspec.notation import Float, Tensor, tanh


@equation(Source("own", "bent line"))
def bent(x: Float[Tensor, " d"], W: Float[Tensor, "d u"]) -> Float[Tensor, " u"]:
    """A line that is bent."""
    y = x @ W
    return tanh(y)


@implements("bending.bent", framework="numpy")
def fast(x, W):
    import helper
    line = x @ W
    return helper.bend(line)
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bending.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "helper.py").write_text("import numpy as np\ndef bend(a): return np.tanh(a)\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def docs(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, since equations stay registered."""
    command = [sys.executable, "-m", "attnspec", "docs", "--out", "site", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def links_of(site: Path) -> set[str]:
    pages = [page.read_text("utf-8") for page in site.glob("*.html")]
    return {found for page in pages for found in re.findall(r'href="([\w.-]+\.html)"', page)}


def test_a_site_of_ones_own_file(folder: Path) -> None:
    """It has three pages that lead to each other; only what has changed is judged and written again."""
    first = docs("bending.py")
    site = folder / "site"
    pages = {page.name for page in site.glob("*.html")}

    assert first.returncode == 0, first.stdout
    assert pages == {"index.html", "bending.bent.html", "bending.bent--bending.py-fast.html"}
    assert links_of(site) == pages
    assert "conforms" in (site / "bending.bent.html").read_text("utf-8")

    written = {page.name: page.stat().st_mtime_ns for page in site.glob("b*.html")}
    second = docs("bending.py")
    assert second.stdout.splitlines() == [f"2 pages, 0 of them written: {Path('site', 'index.html')}"]
    assert {page.name: page.stat().st_mtime_ns for page in site.glob("b*.html")} == written

    (folder / "helper.py").write_text("import numpy as np\ndef bend(a): return np.sin(a)\n", encoding="utf-8")
    third = docs("bending.py")
    assert third.returncode == 1
    assert "differs: bending.bent" in third.stdout
    assert "differs" in (site / "index.html").read_text("utf-8")

    fourth = docs("--equations", "bending.py")
    assert fourth.returncode == 0
    assert {page.name for page in site.glob("*.html")} == {"index.html", "bending.bent.html"}


def test_a_file_that_declares_no_equation(folder: Path) -> None:
    """What is refused is mended as the error says: the equation is named on the command line."""
    (folder / "plain.py").write_text("import numpy as np\ndef bend(x, W): return np.tanh(x @ W)\n", encoding="utf-8")
    refused = docs("--equations", "bending.py", "plain.py")
    done = docs("--equations", "bending.py", "plain.py", "--as", "bending.bent")

    assert refused.returncode == 2
    assert "--as ID" in refused.stderr
    assert done.returncode == 0, done.stderr
    assert "conforms: bending.bent, plain.py:bend" in done.stdout


def test_an_index_has_every_equation_once_under_its_family() -> None:
    equations = [*REGISTRY.values()]  # those that other tests have defined are among them
    page = index_page(equations, [])
    families = [*dict.fromkeys(each.family for each in equations)]

    assert re.findall(r'<a href="([\w.-]+)\.html">', page) == [
        each.id for family in families for each in equations if each.family == family
    ]
    assert re.findall(r'class="family"><h2>([\w.]+)</h2>', page) == families
    assert 'data-text="recurrent.gru_cell one step of a gated recurrent unit' in page


@pytest.mark.broad
def test_a_damaged_manifest_is_made_anew(folder: Path) -> None:
    (folder / "site").mkdir()
    (folder / "site/.attnspec-docs.json").write_text("{", encoding="utf-8")
    done = docs("--equations", "bending.py")

    assert done.returncode == 0
    assert json.loads((folder / "site/.attnspec-docs.json").read_text("utf-8"))["pages"].keys() == {"bending.bent.html"}


@pytest.mark.parametrize("place", ["site", "site/below"])
def test_a_folder_that_cannot_be_written_is_refused(place: str, folder: Path) -> None:
    """Before anything is judged, with what was given, what is expected, and how to mend it."""
    (folder / "site").write_text("a file", encoding="utf-8")
    with pytest.raises(SpecError) as refused:
        check_folder(folder / place)

    assert f"{folder / place} cannot be written" in str(refused.value)
    assert "site is a file" in str(refused.value)
    assert "expected  a folder" in str(refused.value)
    assert "to mend" in str(refused.value)
    assert (folder / "site").read_text("utf-8") == "a file"


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_file(tmp_path / "page.html")
    for place, given in ((tmp_path, "a folder"), (tmp_path / "none/page.html", "is no folder")):
        with pytest.raises(SpecError, match=given):
            check_file(place)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SpecError, match="read-only"):
        check_file(tmp_path / "page.html")
    with pytest.raises(SpecError, match="read-only"):
        check_folder(tmp_path / "site")


def test_a_site_without_equations_is_refused(folder: Path) -> None:
    """A file that defines none, and a folder that is a file: no page is written, and the command says why."""
    (folder / "empty.py").write_text("x = 1\n", encoding="utf-8")
    done = docs("--equations", "empty.py")

    assert done.returncode == 2
    assert "there are no equations to write a site of" in done.stderr
    assert "given     empty.py" in done.stderr
    assert not (folder / "site").exists()


def test_what_a_target_hangs_on(tmp_path: Path) -> None:
    """A module is judged anew each time; a file if its options, or a file beside or below it, have changed."""
    (tmp_path / "a.py").write_text("1", encoding="utf-8")
    target = File(tmp_path / "a.py")
    before = target_digest(target, "")

    assert target_digest(Module("a"), "") == ""
    assert target_digest(target, "") == before != target_digest(target, "seed=1")
    (tmp_path / "below").mkdir()
    (tmp_path / "below/b.py").write_text("2", encoding="utf-8")
    assert target_digest(target, "") != before
