"""The wheel stands on its own: built, installed beside the core dependencies alone, and used without PyTorch."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("attnspec", "attnspec_numpy", "attnspec_torch", "attnspec_peers")


def run(*command: str | Path, cwd: Path) -> str:
    """The standard output of a command, in a directory that is not the checkout."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def test_wheel_carries_every_package_and_its_types(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    missing = [
        str(file)
        for package in PACKAGES
        for root in (ROOT / "spec", ROOT / "impls")
        for path in sorted((root / package).rglob("*"))
        if path.suffix == ".py" or path.name == "py.typed"
        if (file := path.relative_to(root)).as_posix() not in inside
    ]

    assert not missing
    assert {f"{package}/py.typed" for package in PACKAGES} <= inside
    assert {name.split("/")[0] for name in inside if ".dist-info/" not in name} == set(PACKAGES)


def test_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "env", cwd=tmp_path)
    python, attnspec = tmp_path / "env/bin/python", tmp_path / "env/bin/attnspec"
    pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input")
    run(*pip, "install", "--no-compile", "--constraint", ROOT / "constraints.txt", wheel, cwd=tmp_path)

    run(python, "-I", "-c", "import attnspec, sys; assert 'torch' not in sys.modules", cwd=tmp_path)
    listed = run(attnspec, "list", cwd=tmp_path)
    shown = run(attnspec, "show", "recurrent.gru_cell", cwd=tmp_path)

    tested = run(attnspec, "selftest", "--framework", "numpy", cwd=tmp_path)
    assert re.search(r"(\d+) of \1 verdicts are right", tested), tested
    assert "recurrent.gru_cell" in listed
    assert "recurrent.gru_cell" in shown
    assert "torch" not in run(*pip, "list", "--format=freeze", cwd=tmp_path)
