"""A package that we did not plan for: its equations are listed, shown, counted and judged by public words alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
STRANGERS = ROOT / "tests" / "strangers"
MODULES = ("norms", "rotations", "attention", "feed_forward", "recurrences", "properties")
OPTIONS = tuple(word for name in MODULES for word in ("--equations", f"strangers.{name}"))
"""What the entry points bring where the package is installed."""

EXPLAINED = {
    "wrong.py": {
        "eps_outside": "eps is outside sqrt",
        "gain_from_zero": "1 is added to γ_k",
        "slow": "is multiplied by 0.5",
        "as_halves": "the columns of a pair are half of the width apart",
        "backwards": "has the other sign",
        "tiled_heads": "the groups of h are tiled instead of repeated",
        "wider": "i − j ≤ window is used instead of i − j < window",
        "both_sides": "reads k of later places",
        "not_scaled_back": "the factor cap is missing",
        "no_sink": "exp(sink − top_i) is missing",
        "gates_swapped": "W and V are swapped",
        "geglu": "gelu is used instead of silu",
        "softmax_first": "the mask acts on the weights, after softmax",
        "peeps_at_old_state": "c is used instead of c_next",
        "not_normalised": "the division by Σ_{j: j ≤ i} s_ij is missing",
        "strictly_before": "in y: S_t of the step before is read, at first the start",
        "error_before_decay": "S is used instead of kept",
        "input_without_step": "the factor δ_c is missing",
    },
    "wrong_in_numpy.py": {
        "sees_all": "the mask is ignored",
        "all_experts": "softmax ignores the mask",
        "neighbours": "the columns of a pair are neighbours",
        "looks_ahead": "n is run through from the end to the beginning",  # the same as j ≥ i
        "from_one": "the places of t are counted from 1",
        "forget_and_input_coupled": "1 − f is used instead of i",
    },
    "wrong_gradients.py": {
        "root_is_detached": "the term (∂mean / d) (2 x_k) is missing",
        "cap_is_straight_through": "the factor 1 − y_ij y_ij is missing",
        "sink_is_detached": "no gradient reaches sink",
    },
}
"""{file of wrong candidates: {candidate: words of its diagnosis}}; their docstrings have the mistakes in other words.

Of the last two files some: the others are in the table of benchmarks/strangers_table.py.
"""


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is found as if it were installed, here and in the candidates' processes."""
    monkeypatch.syspath_prepend(STRANGERS)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(STRANGERS), *sys.path]))


def run(*arguments: str, python: str = sys.executable, folder: Path = STRANGERS) -> subprocess.CompletedProcess[str]:
    command = [python, "-m", "attnspec", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=600)


def test_a_candidate_brings_the_equation_of_its_package() -> None:
    right = run("verify", "strangers.in_numpy:swiglu")
    wrong = run("verify", "wrong.py:gates_swapped")

    assert (right.returncode, wrong.returncode) == (0, 1), right.stderr + wrong.stderr
    assert "W and V are swapped" in wrong.stdout


def test_equations_of_a_package_are_listed_shown_and_counted() -> None:
    options = ("--equations", "strangers.norms")
    listed = json.loads(run("list", "strangers.norms", "--json", "-", *options).stdout)
    shown, cost = (run(word, "strangers.norms.rms_norm", *options).stdout for word in ("show", "cost"))

    assert [each["id"] for each in listed["equations"]] == ["strangers.norms.rms_norm"]
    assert "mean = (Σ_k x_k x_k) / d" in shown
    assert "the gain" in shown
    assert "operations        4·d + 3" in cost


def judged(*arguments: str) -> list[dict[str, Any]]:
    """The verdicts of the command line."""
    done = run("verify", *arguments, "--quiet", "--json", "-", *OPTIONS)
    assert done.returncode in (0, 1), done.stderr
    verdicts: list[dict[str, Any]] = json.loads(done.stdout)["verdicts"]
    return verdicts


TORCH, NUMPY = "strangers.in_torch", "strangers.in_numpy"


@pytest.mark.broad
@pytest.mark.parametrize(
    ("targets", "options", "count"),
    [
        ([TORCH], [], 14),
        pytest.param([TORCH], ["--dtype", "bfloat16"], 14, marks=pytest.mark.slow),
        ([f"{TORCH}:{name}" for name in ("rms_norm", "interleaved", "halves")], ["--backward"], 3),
        ([f"{NUMPY}:{name}" for name in ("rms_norm", "with_sink", "routing", "peephole_lstm_cell")], [], 4),
    ],
)
def test_right_candidates_conform(targets: list[str], options: list[str], count: int) -> None:
    """In other dtypes and with other seeds: benchmarks/strangers_table.py."""
    verdicts = judged(*targets, *options)

    assert {each["verdict"] for each in verdicts} == {"conforms"}, verdicts
    assert len(verdicts) == count


@pytest.mark.broad
@pytest.mark.parametrize("file", EXPLAINED)
def test_wrong_candidates_differ_and_are_explained(file: str) -> None:
    some = file in ("wrong_in_numpy.py", "wrong_gradients.py")
    targets = [f"{file}:{name}" for name in EXPLAINED[file]] if some else [file]  # a file is one process
    verdicts = judged(*targets, *(["--backward"] if file == "wrong_gradients.py" else []))
    said = {_name(each): " ".join(diagnosis["says"] for diagnosis in each["diagnosis"]) for each in verdicts}

    assert {each["verdict"] for each in verdicts} == {"differs"}
    assert said.keys() == EXPLAINED[file].keys()
    assert not {name: text for name, text in said.items() if EXPLAINED[file][name] not in text}


def _name(verdict: dict[str, Any]) -> str:
    """The name of the candidate of a verdict: "cap" of "wrong.py:cap through torch.autograd"."""
    implementation: str = verdict["implementation"]
    return implementation.rpartition(":")[2].partition(" ")[0]


@pytest.mark.slow
def test_installed_from_wheels_it_works_without_options(tmp_path: Path) -> None:
    """In an environment of its own, entry points bring the equations and the implementations."""
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(tmp_path)]
    subprocess.run([*build, str(ROOT), str(STRANGERS)], check=True, capture_output=True)
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = str(environment / "bin" / "python")
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True
    ).stdout.strip()
    others = [path for path in sys.path if path.endswith("site-packages")]
    Path(site, "others.pth").write_text("\n".join(others))
    wheels = sorted(map(str, tmp_path.glob("*.whl")))
    subprocess.run([python, "-m", "pip", "install", "--no-deps", "--no-index", *wheels], check=True)

    listed = run("list", "strangers.attention", python=python, folder=tmp_path)
    judged = run("verify", "strangers.in_torch:with_sink", python=python, folder=tmp_path)

    assert "strangers.attention.with_sink" in listed.stdout
    assert judged.returncode == 0, judged.stdout + judged.stderr
