"""The source of a candidate: which files it consists of, and when that is not known."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path

import pytest

from attnspec.verification.candidate import source_rules, sources
from attnspec.verification.candidate.sources import Sources, sources_of
from attnspec.verification.sandbox.targets import File, Module, Pickled

HEAD = "import math\nimport numpy as np\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a helper, and a file beside it."""
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "kernels.py": HEAD + "from ours import dots\n",
        "ours/__init__.py": "",
        "ours/dots.py": "def f():\n    from . import scales\n",
        "ours/scales.py": "from .deep.er import x\n",
        "ours/deep/er.py": "x = 1\n",
        "other.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def names(sources: Sources, project: Path) -> set[str]:
    return {Path(file).relative_to(project).as_posix() for file in sources.files}


def test_imports_are_followed_wherever_they_stand(project: Path) -> None:
    found = sources_of(File("kernels.py", "f"))

    assert names(found, project) == {
        "kernels.py", "ours/__init__.py", "ours/dots.py", "ours/scales.py", "ours/deep/er.py",
    }  # fmt: skip
    assert not found.unknown


def test_a_package_has_all_its_modules_and_a_callable_only_what_it_imports(project: Path) -> None:
    assert "ours/deep/er.py" in names(sources_of(Module("ours")), project)
    assert names(sources_of(Module("ours.deep.er", "x")), project) == {"ours/__init__.py", "ours/deep/er.py"}


def test_definitions_of_equations_belong_to_it(project: Path) -> None:
    assert "other.py" in names(sources_of(File("kernels.py"), ["other.py"]), project)
    assert "other.py" in names(sources_of(File("kernels.py"), ["other"]), project)


@pytest.mark.parametrize("changed", ["kernels.py", "ours/__init__.py", "ours/scales.py", "ours/deep/er.py"])
def test_the_digest_changes_with_each_file(project: Path, changed: str) -> None:
    before = sources_of(File("kernels.py")).digest
    (project / changed).write_text((project / changed).read_text() + "\n# changed\n")

    assert sources_of(File("kernels.py")).digest != before


def test_the_digest_changes_with_a_new_file_that_is_imported_instead(project: Path) -> None:
    """A file of the project that hides an installed package is read by the candidate."""
    before = sources_of(File("kernels.py")).digest
    (project / "numpy.py").write_text("")

    assert sources_of(File("kernels.py")).digest != before


def test_the_digest_does_not_change_with_other_files(project: Path) -> None:
    before = sources_of(File("kernels.py")).digest
    (project / "other.py").write_text("y = 2\n")
    (project / "report.xml").write_text("")

    assert sources_of(File("kernels.py")).digest == before


def test_the_digest_changes_with_the_environment_variables_that_are_read(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = 'import os\nA = os.getenv("HALVED")\nB = os.environ.get("SCALE")\nC = os.environ["BIAS"]\n'
    (project / "kernels.py").write_text(text)
    digests = [sources_of(File("kernels.py")).digest]
    for name in ("HALVED", "SCALE", "BIAS"):
        monkeypatch.setenv(name, "1")
        digests.append(sources_of(File("kernels.py")).digest)

    assert len(set(digests)) == 4
    assert not sources_of(File("kernels.py")).unknown


@pytest.mark.parametrize(
    "text",
    [
        'x = open("a").read()',
        "from pathlib import Path",
        "import os\nx = os.listdir()",
        "import os as o",
        "from os import environ",
        "import subprocess",
        "import ctypes",
        "import importlib",
        "import time",
        'x = np.load(f"{a}.npy")',
        "from numpy import load",
        "from torch.utils.cpp_extension import load_inline",
        "import torch\nx = torch.ops.load_library(y)",
        "import torch\nx = torch.hub",
        "x = eval(y)",
        'exec("x = 1")',
        "x = __file__",
        "x = __import__(y)",
        'x = session("model.onnx")',
        'x = "lib" + ".so"',
        "x = Model.from_pretrained(y)",
        "x = np.fromfile(y)",
        "x = np.loadtxt(y)",
        "x = scipy.io.loadmat(y)",
        "x = plt.imread(y)",
        "from safetensors import safe_open",
        "from numpy import loadtxt as f",
        "import h5py\nx = h5py.File(y)",
        "import os.path as p",
        "import ours.fast",
        "import jax.numpy as jnp\nx = jnp.load(y)",
        "def f(:",
    ],
)
def test_what_reads_more_than_its_text_is_not_known(project: Path, text: str) -> None:
    (project / "ours/fast.cpython-311.so").write_bytes(b"")
    (project / "ours/fast.abi3.so").write_bytes(b"")
    (project / "ours/scales.py").write_text(text)

    assert "scales.py" in sources_of(File("kernels.py")).unknown or "fast" in sources_of(File("kernels.py")).unknown


@pytest.mark.parametrize(
    "text",
    [
        '"""Reads data.csv."""',
        "import torch\nf = torch.compile(torch.nn.functional.silu)",
        "import re, random, functools",
        'from attnspec import implements\n@implements("scores.dot", framework="numpy")\ndef f(q, k): ...',
        "m.load_state_dict(x)",
        "m.eval()",
        "import triton.language as tl\nx = tl.load(q)",
        "from jax.experimental import pallas as pl\nx = pl.load(q, 0)",
        "import jax\nx = jax.lax.scan(f, a, b)",
        "x = np.einsum('...id,...jd->...ij', q, k)",
        "torch.set_num_threads(1)\nx = thread.spread(payload)",
        "try:\n    import a_package_that_is_not_there\nexcept ImportError:\n    pass",
    ],
)
def test_ordinary_code_is_known(project: Path, text: str) -> None:
    (project / "ours/scales.py").write_text(text)

    assert sources_of(File("kernels.py")).unknown == ""


def test_a_live_callable_and_a_module_that_is_not_there_are_not_known(project: Path) -> None:
    assert sources_of(Pickled.of(len)).unknown
    assert "nowhere" in sources_of(Module("nowhere.at_all")).unknown


def test_a_package_that_is_installed_in_place_is_followed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `pip install -e` does for a folder that is not on the path: by a finder of its own."""
    elsewhere = project / "src/placed/__init__.py"
    elsewhere.parent.mkdir(parents=True)
    elsewhere.write_text("from placed.inner import x\n")
    (elsewhere.parent / "inner.py").write_text("x = 1\n")

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
            return spec_from_file_location(name, elsewhere) if name == "placed" else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    (project / "kernels.py").write_text("from placed import x\n")

    assert names(sources_of(File("kernels.py")), project) == {
        "kernels.py", "src/placed/__init__.py", "src/placed/inner.py",
    }  # fmt: skip
    assert names(sources_of(Module("placed", "x")), project) >= {"src/placed/inner.py"}


def test_a_module_among_the_installed_ones_that_belongs_to_no_package_is_followed(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody gives it a version: a file that was copied there."""
    folder = project / "site-packages"
    for name in ("copied.py", "packaged.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x = 1\n")
    (folder / "packaged-1.dist-info").mkdir()
    (folder / "packaged-1.dist-info/METADATA").write_text("Name: packaged\nVersion: 1\n")
    (folder / "packaged-1.dist-info/RECORD").write_text("packaged.py,,\n")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(sources, "_installed_folders", lambda: (f"{folder}/",))
    (project / "kernels.py").write_text("import copied, packaged\n")

    assert names(sources_of(File("kernels.py")), project) == {"kernels.py", "site-packages/copied.py"}


def test_the_place_is_given() -> None:
    assert source_rules.read("x = 1\ny = open(z)\n").unknown == ["line 2 has open"]
