"""Test vectors: what they hold, that they catch what they say, and checkers in other languages on kernels."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file

import attnspec
from attnspec.cli import main
from attnspec.vectors.choosing import Vectors, choose
from attnspec.vectors.writing import document, write
from attnspec.verification.judge.mutant_values import mutant_values, non_equivalent_mutants

CHECKERS = Path(__file__).resolve().parents[1] / "examples/checkers"


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    return choose(attnspec.equations()["scores.scaled_dot"], "float32")


@pytest.fixture(scope="module")
def folder(vectors: Vectors, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vectors")
    write(vectors, path)
    return path


def read(folder: Path) -> Any:
    return json.loads((folder / "vectors.json").read_text(encoding="utf-8"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_two_runs_write_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write(choose(attnspec.equations()["scores.scaled_dot"], "float32"), tmp_path)

    assert contents(tmp_path) == contents(folder)


def test_checksums_are_those_of_the_files(folder: Path) -> None:
    sums = dict(line.split("  ")[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    files = {name: data for name, data in contents(folder).items() if name != "SHA256SUMS"}

    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def test_the_document_is_as_its_schema_says(folder: Path) -> None:
    schema = json.loads((folder / "vectors.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(read(folder))


def test_json_npy_and_safetensors_hold_the_same(folder: Path) -> None:
    arrays = load_file(folder / "vectors.safetensors")
    found = read(folder)
    case = found["cases"][0]
    named = {f"{case['id']}/inputs/{name}": each for name, each in case["inputs"].items()}
    named |= {f"{case['id']}/outputs/{name}": each for name, each in case["outputs"].items()}

    for name, each in named.items():
        written = np.array(each["data"], each["dtype"]).reshape(each["shape"])
        np.testing.assert_array_equal(arrays[name], written)
        np.testing.assert_array_equal(np.load(folder / "npy" / f"{name}.npy"), written)
    assert {str(path.relative_to(folder / "npy"))[:-4] for path in folder.rglob("*.npy")} == arrays.keys()


def test_expected_values_are_those_of_the_equation(folder: Path) -> None:
    equation = attnspec.equations()["scores.scaled_dot"]
    for case in read(folder)["cases"]:
        given = {
            name: np.array(each["data"], each["dtype"]).astype(float).reshape(each["shape"])
            for name, each in case["inputs"].items()
        }
        np.testing.assert_allclose(np.ravel(equation(**given)), case["outputs"]["e"]["data"], rtol=1e-12)


@pytest.mark.parametrize("name", ["scores.scaled_dot", "attention.weights"])
def test_each_mistake_is_beyond_the_bound_at_its_witnesses(name: str) -> None:
    """Every mistake that the vectors say they catch gives values outside of the bound on some case."""
    found = choose(attnspec.equations()[name], "float32")
    mutants = {mutant.id: mutant for mutant in non_equivalent_mutants(name)}

    assert len(found.caught) == found.killable
    assert {mutant.id for mutant, _ in found.caught} | {mutant.id for mutant in found.missed} == mutants.keys()
    for mutant, witnesses in found.caught:
        assert witnesses
        for each in witnesses:
            outputs = mutant_values(mutant, found.cases[each.case], "float32") or ()
            noise = found.noises["op-by-op"][each.case][each.output]
            right, bound = noise.value.ravel()[each.index], noise.bound.ravel()[each.index]
            np.testing.assert_allclose(outputs[each.output].ravel()[each.index], each.value, rtol=1e-5, atol=1e-9)
            assert not abs(each.value - right) <= bound


def test_a_mistake_that_gives_nan_is_caught() -> None:
    found = choose(attnspec.equations()["attention.masked"], "float32")

    assert [mutant for mutant, _ in found.caught if mutant.id == "attention.masked_empty_is_nan"]


def test_sizes_are_not_all_equal(vectors: Vectors) -> None:
    """A kernel that exchanges n and m is wrong on some case."""
    assert any(case.arrays["q"].shape[0] != case.arrays["k"].shape[0] for case in vectors.cases)


def test_a_bound_for_each_policy(vectors: Vectors) -> None:
    half = document(choose(vectors.equation, "bfloat16"))
    bounds = half["cases"][0]["outputs"]["e"]["bounds"]

    assert {"float32-inside", "flash", "op-by-op", "reduced-reduction"} <= bounds.keys()
    assert half["policy"] == "op-by-op"
    assert bounds["float32-inside"][0] <= bounds["op-by-op"][0]


def test_conventions_are_flagged_with_their_reports(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["vectors", "recurrent.gru_cell", "--out", str(tmp_path)])
    folder = tmp_path / "recurrent.gru_cell"
    told = {each["id"]: each for each in read(folder)["mistakes"] if each["kind"] == "convention"}

    assert done.exit_code == 0, done.output
    assert " known mistakes" in done.output
    assert "https://github.com/pytorch/pytorch/issues/189225" in told["recurrent.gru_cell_reset_after"]["links"]
    assert "https://github.com/pytorch/pytorch/issues/189225" in (folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("name", "says"), [("scores.scaled_dott", "no equation"), ("score", "no family"), ("text.tokenize", "no vectors")]
)
def test_what_has_no_vectors_is_refused(name: str, says: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["vectors", name, "--out", str(tmp_path)])

    assert done.exit_code == 2
    assert says in done.output
    assert not [*tmp_path.iterdir()]


def c(kernel: Path, folder: Path) -> list[str]:
    out = kernel.parent / "check"
    sources = [str(CHECKERS / "check.c"), str(kernel)]
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-O1"]
    subprocess.run(["gcc", *flags, f"-I{CHECKERS}", *sources, "-lm", "-o", str(out)], check=True)
    return [str(out), str(folder)]


def rust(kernel: Path, folder: Path) -> list[str]:
    shutil.copy(CHECKERS / "check.rs", kernel.parent)
    out = kernel.parent / "check"
    subprocess.run(["rustc", "--edition", "2021", str(kernel.parent / "check.rs"), "-o", str(out)], check=True)
    return [str(out), str(folder)]


def javascript(kernel: Path, folder: Path) -> list[str]:
    return ["node", str(CHECKERS / "check.js"), str(folder), str(kernel)]


LANGUAGES = {
    "c": (c, "gcc", "kernel.c", " / sqrtf((float)d)"),
    "rust": (rust, "rustc", "kernel.rs", " / (d as f32).sqrt()"),
    "javascript": (javascript, "node", "kernel.js", " / Math.fround(Math.sqrt(d))"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_checkers_pass_right_kernels_and_name_slips(language: str, folder: Path, tmp_path: Path) -> None:
    command, compiler, file, division = LANGUAGES[language]
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    source = (CHECKERS / file).read_text(encoding="utf-8")
    assert source.count(division) == 1
    for name, text in (("right", source), ("wrong", source.replace(division, ""))):
        kernel = tmp_path / name / file
        kernel.parent.mkdir()
        kernel.write_text(text, encoding="utf-8")
        done = subprocess.run(command(kernel, folder), capture_output=True, text=True, check=False)
        assert done.returncode == (name == "wrong"), done.stdout + done.stderr
        assert ("conforms: " in done.stdout) is (name == "right")
        assert ("this is the mistake: in e: the division by √d is missing" in done.stdout) is (name == "wrong")


@pytest.mark.parametrize("language", LANGUAGES)
def test_checkers_say_which_vectors_cannot_be_read(language: str, folder: Path, tmp_path: Path) -> None:
    """A folder without any, cut-off arrays or document, and a document without a case: each ends with 2, not with 0."""
    command, compiler, file, _ = LANGUAGES[language]
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    kernel = Path(shutil.copy(CHECKERS / file, tmp_path))
    words = command(kernel, folder)
    for name in ("nowhere", "cut", "empty"):
        vectors = tmp_path / name
        if name != "nowhere":
            shutil.copytree(folder, vectors)
        for each in [*vectors.glob("npy/**/*.npy"), *vectors.glob("vectors.json")] if name == "cut" else ():
            each.write_bytes(each.read_bytes()[:70])
        if name == "empty":
            (vectors / "vectors.json").write_text('{"cases": []}')
            (vectors / "vectors.tsv").write_text("case\t0\n")
        asked = [str(vectors) if word == str(folder) else word for word in words]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)

        assert done.returncode == 2, (name, done.stdout, done.stderr)
        assert str(vectors) in done.stderr
        assert not done.stdout


@pytest.mark.parametrize("language", ["rust", "javascript"])
def test_a_kernel_without_an_output_is_wrong(language: str, folder: Path, tmp_path: Path) -> None:
    command, compiler, file, _ = LANGUAGES[language]
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    kernel = tmp_path / file
    source = (CHECKERS / file).read_text(encoding="utf-8")
    answer, none = ("vec![Array { shape: vec![n, m], data }]", "{ let _ = data; vec![] }")
    if language == "javascript":
        answer, none = "return { e }", "return {}"
    assert source.count(answer) == 1
    kernel.write_text(source.replace(answer, none), encoding="utf-8")
    done = subprocess.run(command(kernel, folder), capture_output=True, text=True, check=False)

    assert done.returncode == 1, done.stderr
    assert "differs: 0 of" in done.stdout


@pytest.mark.parametrize("right", [pytest.param(True, marks=pytest.mark.broad), False])
def test_the_checker_of_pytorch(right: bool, folder: Path, tmp_path: Path) -> None:
    source = (CHECKERS / "check_torch.py").read_text(encoding="utf-8")
    assert source.count(" / q.shape[-1] ** 0.5") == 1
    file = tmp_path / "check_torch.py"
    file.write_text(source if right else source.replace(" / q.shape[-1] ** 0.5", ""), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)]
    environment = {**os.environ, "VECTORS": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)

    assert ("failed" in done.stdout) is not right, done.stdout
    assert "passed" in done.stdout  # with d = 1 the division shows nothing
