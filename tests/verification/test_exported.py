"""Verdicts on exported files."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from onnx import helper
from packaging.version import Version

import attnspec
import onnx_models
from attnspec.errors import SpecError, TargetError
from attnspec.verification.verdict import Report

EVALUATORS = ("onnxruntime", "reference")
PAGE = Path(__file__).resolve().parents[2] / "docs/exported.md"
RESET_BEFORE = "r acts before W_hh instead of after it, and not on b_hh"
EXPORTERS: Mapping[str, Callable[[], bool]] = {
    "dynamo=False, input_names=['x', 'h_0'], dynamic_axes=shapes": lambda: False,
    "dynamic_shapes=shapes": lambda: Version(version("onnxscript")) < Version("0.7.1"),
}
"""{what `torch.onnx.export` is called with: whether the exporter of this machine writes the wrong GRU}."""


def verify(path: Path, equation: str, part: str = "onnxruntime", **options: object) -> Report:
    few = {"examples": 0, "function": False, **options}
    return attnspec.verify(f"{path}:{part}" if part else str(path), equation, **few)  # type: ignore[arg-type]  # mixed


def test_a_model_is_run_by_both_evaluators(tmp_path: Path) -> None:
    path = onnx_models.scaled_scores(tmp_path / "m.onnx", 2.0)

    report = verify(path, "scores.scaled_dot", part="", case=5)

    assert [each.implementation for each in report] == [f"{path}:{name}" for name in EVALUATORS]
    assert all(each.reason.startswith("these cases would have caught only") for each in report)  # one case is few
    assert "d=4" in report.verdicts[0].bound


def test_a_wrong_divisor_is_named(tmp_path: Path) -> None:
    report = verify(onnx_models.scaled_scores(tmp_path / "m.onnx", 4.0), "scores.scaled_dot")

    assert report.verdict == "differs"
    assert report.diagnosis
    assert "√d" in report.diagnosis[0].says


@pytest.mark.parametrize("batch", [pytest.param("B", marks=pytest.mark.broad), 2])
def test_weights_are_found_by_name_and_judged_as_they_are_in_the_file(tmp_path: Path, batch: int | str) -> None:
    path = onnx_models.linear(tmp_path / "m.onnx", batch)

    [verdict] = verify(path, "transformer.linear")

    assert verdict.passed
    assert "W=fc.weight.T" in verdict.bound
    assert any(f"the weights of {path}" in finding for finding in verdict.findings)
    assert "0 batch axes" in str(verdict.domain)


def test_a_part_is_judged_by_itself(tmp_path: Path) -> None:
    path = onnx_models.scaled_scores(tmp_path / "m.onnx", 3.0)

    [verdict] = verify(path, "scores.dot", part="q,k..product:onnxruntime")

    assert verdict.passed
    assert verdict.implementation == f"{path}:q,k..product:onnxruntime"


def test_inputs_without_telling_names_are_matched_by_shape(tmp_path: Path) -> None:
    """A state before the sequence, under names that say nothing."""
    path = onnx_models.gru(tmp_path / "m.onnx", 1)
    model = path.read_bytes()
    assert model.count(b"h_0") == 2
    (tmp_path / "n.onnx").write_bytes(model.replace(b"h_0", b"aaa"))

    [verdict] = verify(tmp_path / "n.onnx", "recurrent.gru_reset_after", case=5)

    assert "aaa=h_0" in verdict.bound


def test_states_of_a_module_of_pytorch_lead_an_axis(tmp_path: Path) -> None:
    """Time first, and states with an axis for layers, of a fixed batch: inputs as PyTorch's LSTM has them."""
    shapes = {"input": (5, 2, 3), "h0": (1, 2, 4), "c0": (1, 2, 4)}
    rng = np.random.default_rng(0)
    weights = {"W": (1, 16, 3), "R": (1, 16, 4), "B": (1, 32)}
    node = helper.make_node("LSTM", ["input", "W", "R", "B", "", "h0", "c0"], ["states", "hn", "cn"], hidden_size=4)
    squeeze = helper.make_node("Squeeze", ["states", "one"], ["output"])
    stored = {name: rng.uniform(-0.5, 0.5, shape).astype("f4") for name, shape in weights.items()}
    outputs = {"output": (5, 2, 4), "hn": (1, 2, 4), "cn": (1, 2, 4)}
    nodes, stored = [node, squeeze], {**stored, "one": np.array([1])}
    path = onnx_models.write(tmp_path / "m.onnx", nodes, shapes, outputs, stored)

    [verdict] = verify(path, "recurrent.lstm", axes="TBD", returns="0,2.0", case=5)

    assert verdict.passed, str(verdict)
    assert "h_0=h0[0], c_0=c0[0]" in verdict.bound


def test_shapes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="do not have the axes of the equation") as caught:
        verify(onnx_models.linear(tmp_path / "m.onnx"), "multihead.concat")

    assert "x (any, 3)" in caught.value.given


def test_a_dtype_that_the_file_does_not_have_is_not_run(tmp_path: Path) -> None:
    [verdict] = verify(onnx_models.linear(tmp_path / "m.onnx"), "transformer.linear", dtype="float64")

    assert verdict.verdict == "not run"
    assert "float32" in verdict.reason


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    onnx_models.linear(tmp_path / "model.onnx")
    with pytest.raises(TargetError) as caught:
        verify(tmp_path / "modle.onnx", "transformer.linear")

    assert caught.value.mend == "did you mean model.onnx?"


@pytest.mark.broad
@pytest.mark.parametrize("name", EVALUATORS)
def test_the_gru_that_exporters_wrote_with_the_reset_gate_before_the_matrix(tmp_path: Path, name: str) -> None:
    """https://github.com/pytorch/pytorch/issues/189225"""
    wrong = onnx_models.gru(tmp_path / "wrong.onnx", 0)

    report = verify(wrong, "recurrent.gru_reset_after", name)

    assert report.diagnosis[0].says == RESET_BEFORE
    assert verify(wrong, "recurrent.gru", name).passed
    assert verify(onnx_models.gru(tmp_path / "right.onnx", 1), "recurrent.gru_reset_after", name).passed


@pytest.mark.broad
@pytest.mark.parametrize("options", EXPORTERS)
def test_the_example_of_the_page_is_exported_here_and_judged(options: str, tmp_path: Path) -> None:
    """PyTorch's GRU by the exporters that are installed, by the code of docs/exported.md."""
    pytest.importorskip("torch")
    if "dynamo" not in options and find_spec("onnxscript") is None:
        pytest.skip("onnxscript is not installed")
    [code] = re.findall(r"```python\n(import torch\n.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert code.count("dynamic_shapes=shapes") == 1
    code = code.replace("dynamic_shapes=shapes", options)
    if "dynamo" in options:  # it has names for axes, where the other one has objects
        code = code.replace('torch.export.Dim("batch"), torch.export.Dim("steps")', '"batch", "steps"')
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)

    report = verify(tmp_path / "gru.onnx", "recurrent.gru_reset_after")

    if EXPORTERS[options]():
        assert (report.verdict, report.diagnosis[0].says) == ("differs", RESET_BEFORE)
    else:
        assert report.passed, str(report)
