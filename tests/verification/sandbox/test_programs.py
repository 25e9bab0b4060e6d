"""Exported files as callables: ONNX models, parts of them, and programs of torch.export."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import attnspec
import onnx_models
from attnspec.errors import TargetError
from attnspec.verification.sandbox.child.programs import onnx_models as onnx_programs
from attnspec.verification.sandbox.child.programs import torch_programs
from attnspec.verification.sandbox.child.programs.program import Program, in_batches

RNG = np.random.default_rng(1)


def uniform(*shape: int) -> np.ndarray[Any, Any]:
    return RNG.uniform(-1, 1, shape).astype("f4")


@pytest.fixture(params=onnx_programs.EVALUATORS)
def loaded(request: pytest.FixtureRequest) -> Callable[..., Program]:
    """Load a model, or a part of it, in each evaluator."""

    def load(path: Path, part: str = "") -> Program:
        name = f"{part}:{request.param}" if part else request.param
        [(found, program)] = onnx_programs.load(path, name).items()
        assert found == request.param
        return program

    return load


def test_a_model_is_called_by_the_names_of_its_inputs(tmp_path: Path, loaded: Callable[..., Program]) -> None:
    program = loaded(onnx_models.scaled_scores(tmp_path / "m.onnx", 2.0))
    q, k = uniform(2, 3, 4), uniform(2, 5, 4)

    np.testing.assert_allclose(program(q=q, k=k), q @ k.swapaxes(-1, -2) / 2, rtol=1e-5)
    assert program.inputs == {"q": (-1, -1, 4), "k": (-1, -1, 4)}
    assert program.dtype == "float32"


def test_weights_are_those_of_the_file_or_others(tmp_path: Path, loaded: Callable[..., Program]) -> None:
    program = loaded(onnx_models.linear(tmp_path / "m.onnx"))
    x, own = uniform(5, 3), program.weights
    other = {"fc.weight": uniform(2, 3), "fc.bias": uniform(2)}

    assert own.keys() == other.keys()
    for weights in (own, other):
        expected = x @ weights["fc.weight"].T + weights["fc.bias"]
        np.testing.assert_allclose(program.call(x, weights=weights), expected, rtol=1e-5)
    half = {"fc.bias": other["fc.bias"]}
    np.testing.assert_allclose(program.call(x, weights=half), x @ own["fc.weight"].T + half["fc.bias"], rtol=1e-5)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
def test_a_batch_of_a_fixed_size_takes_any_number(tmp_path: Path, loaded: Callable[..., Program], count: int) -> None:
    program = loaded(onnx_models.linear(tmp_path / "m.onnx", batch=2))
    x, weights = uniform(count, 3), program.weights

    result = program(x)

    assert result.shape == (count, 2)
    np.testing.assert_allclose(result, x @ weights["fc.weight"].T + weights["fc.bias"], rtol=1e-5)


def test_each_input_is_taken_apart_along_its_own_axis() -> None:
    """Time-major sequences with states that have a leading axis: the batch is their second axis."""

    def run(inputs: Mapping[str, Any]) -> list[Any]:
        assert inputs["x"].shape == (4, 2, 3)
        assert inputs["h"].shape == (1, 2, 3)
        return [inputs["x"] + inputs["h"]]

    x, h = uniform(4, 5, 3), uniform(1, 5, 3)
    [result] = in_batches(run, {"x": x, "h": h}, {"x": (4, 2, 3), "h": (1, 2, 3)})

    np.testing.assert_array_equal(result, x + h)


@pytest.mark.parametrize(("flag", "name"), [(1, "recurrent.gru_reset_after"), (0, "recurrent.gru")])
def test_weights_of_a_recurrent_operator_lose_the_axis_of_directions(
    tmp_path: Path, loaded: Callable[..., Program], flag: int, name: str
) -> None:
    program = loaded(onnx_models.gru(tmp_path / "m.onnx", flag))
    x, h = uniform(2, 5, 3), uniform(2, 4)
    W, R, B = program.weights["W"], program.weights["R"], program.weights["B"]
    gates = [slice(0, 4), slice(4, 8), slice(8, 12)]
    z, r, n = ([W[rows].T, R[rows].T, B[rows] + B[12:][rows]] for rows in gates)
    last = [*n[:2], B[8:12], B[20:24]] if flag else n

    assert (W.shape, R.shape, B.shape) == ((12, 3), (12, 4), (24,))
    expected = attnspec.equations()[name](x, h, *r, *z, *last)
    np.testing.assert_allclose(program(x=x, h_0=h), expected, rtol=1e-4, atol=1e-6)


def test_a_single_operator_is_named_by_its_node(tmp_path: Path, loaded: Callable[..., Program]) -> None:
    path = onnx_models.scaled_scores(tmp_path / "m.onnx", 2.0)
    q, k = uniform(2, 3, 4), uniform(2, 5, 4)

    by_node, by_values = loaded(path, "products"), loaded(path, "q,k..product")

    np.testing.assert_allclose(by_node(q, k.swapaxes(-1, -2)), q @ k.swapaxes(-1, -2), rtol=1e-5)
    np.testing.assert_allclose(by_values(q, k), q @ k.swapaxes(-1, -2), rtol=1e-5)


def test_a_single_recurrent_operator_has_no_axis_of_directions(tmp_path: Path, loaded: Callable[..., Program]) -> None:
    path = onnx_models.gru(tmp_path / "m.onnx", 1)
    whole, alone = loaded(path), loaded(path, "GRU")
    x, h = uniform(2, 5, 3), uniform(2, 4)

    result = alone(x.swapaxes(0, 1), h[None])

    np.testing.assert_allclose(result.swapaxes(0, 1), whole(x=x, h_0=h), rtol=1e-5)


def refusal(path: Path, name: str = "") -> TargetError:
    with pytest.raises(TargetError) as caught:
        onnx_programs.load(path, name)
    return caught.value


def test_a_part_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    path = onnx_models.scaled_scores(tmp_path / "m.onnx", 2.0)

    assert refusal(path, "product").mend == "did you mean products?"
    assert refusal(path, "q,k..produkt").mend == "did you mean product?"
    assert "m.onnx" in refusal(path, "q..product").headline


def test_a_file_that_is_not_a_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"not a model")

    assert refusal(tmp_path / "m.onnx").headline == "m.onnx is not a valid ONNX model"


class Linear(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = torch.nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.fc(x)
        return result


@pytest.mark.parametrize("dynamic", [pytest.param(True, marks=pytest.mark.broad), False])
def test_a_program_of_torch_export(tmp_path: Path, dynamic: bool) -> None:
    shapes = {"x": {0: torch.export.Dim("B")}} if dynamic else None
    exported = torch.export.export(Linear(), (torch.ones(2, 3),), dynamic_shapes=shapes)
    torch.export.save(exported, tmp_path / "m.pt2")

    [program] = torch_programs.load(tmp_path / "m.pt2", "").values()
    x, weights = torch.from_numpy(uniform(5, 3)), {"fc.weight": torch.ones(2, 3), "fc.bias": torch.zeros(2)}

    assert program.inputs == {"x": (-1 if dynamic else 2, 3)}
    own = {name: torch.from_numpy(values) for name, values in program.weights.items()}
    torch.testing.assert_close(program(x), x @ own["fc.weight"].T + own["fc.bias"])
    torch.testing.assert_close(program.call(x, weights=weights), x.sum(-1, keepdim=True).expand(5, 2))
