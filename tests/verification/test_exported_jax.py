"""Verdicts on programs of jax.export and on modules of StableHLO."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import attnspec
from attnspec.errors import TargetError
from attnspec.verification.sandbox.child.programs import jax_programs
from attnspec.verification.verdict import Report

jax = pytest.importorskip("jax")


def verify(path: Path, equation: str, **options: Any) -> Report:
    return attnspec.verify(str(path), equation, examples=0, function=False, **options)


def scores(q: Any, k: Any, divisor: float = 2.0) -> Any:
    return q @ k.swapaxes(-1, -2) / divisor


def structs(shapes: Mapping[str, str], scope: Any) -> dict[str, Any]:
    """The types of arrays of float32, of shapes such as "b, n, 4"."""
    return {
        name: jax.ShapeDtypeStruct(jax.export.symbolic_shape(shape, scope=scope), "float32")
        for name, shape in shapes.items()
    }


def exported(path: Path, function: Any, shapes: Mapping[str, str], *others: Mapping[str, str]) -> Path:
    """Write a function of arrays and of dictionaries of arrays."""
    scope = jax.export.SymbolicScope()
    arguments = [*(structs(each, scope) for each in others), *structs(shapes, scope).values()]
    path.write_bytes(jax.export.export(jax.jit(function))(*arguments).serialize())
    return path


SHAPES = {"q": "b, n, 4", "k": "b, m, 4"}


@pytest.mark.broad
def test_an_exported_program_conforms_at_open_sizes(tmp_path: Path) -> None:
    [verdict] = verify(exported(tmp_path / "scores.jax", scores, SHAPES), "scores.scaled_dot")

    assert verdict.passed, str(verdict)
    assert verdict.bound == "d=4"
    assert (verdict.framework, verdict.dtype) == ("jax", "float32")


@pytest.mark.broad
def test_a_mistake_in_one_is_named(tmp_path: Path) -> None:
    report = verify(exported(tmp_path / "s.jax", lambda q, k: scores(q, k, 4.0), SHAPES), "scores.scaled_dot")

    assert report.verdict == "differs"
    assert "√d" in report.diagnosis[0].says


def test_a_dictionary_of_weights_is_bound_by_its_keys(tmp_path: Path) -> None:
    def linear(params: Any, x: Any) -> Any:
        return x @ params["W"] + params["b"]

    path = exported(tmp_path / "linear.jax", linear, {"x": "t, 3"}, {"b": "2", "W": "3, 2"})

    [verdict] = verify(path, "transformer.linear")

    assert verdict.passed, str(verdict)


@pytest.mark.parametrize("divisor", [pytest.param(2.0, marks=pytest.mark.broad), 4.0])
def test_a_module_of_stablehlo_is_judged_at_its_sizes(tmp_path: Path, divisor: float) -> None:
    """A batch of 2 in the file is no obstacle, as for other exported files."""
    shapes = (jax.ShapeDtypeStruct((2, 3, 4), "float32"), jax.ShapeDtypeStruct((2, 5, 4), "float32"))
    lowered = jax.jit(lambda q, k: scores(q, k, divisor)).lower(*shapes)
    path = tmp_path / "scores.mlir"
    path.write_text(lowered.as_text())

    [verdict] = verify(path, "scores.scaled_dot")

    assert verdict.passed is (divisor == 2.0), str(verdict)
    assert "n=3" in verdict.bound
    assert "input0=q" in verdict.bound


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("m.jax", "nothing", "jax.export.export"),
        ("m.mlir", "nothing", "module of StableHLO"),
        ("m.mlir", "func.func @main(%a: tensor<?xf32>) -> tensor<?xf32> { return %a : tensor<?xf32> }", "open size"),
        (
            "m.mlir",
            "func.func @f(%a: tensor<2xf32>) -> tensor<2xf32> { return %a : tensor<2xf32> }",
            "no function main",
        ),
        ("m.mlir", "func.func @main(%a: tensor<2xui8>) -> tensor<2xui8> { return %a : tensor<2xui8> }", "not an array"),
    ],
)
def test_what_cannot_be_run_says_why(name: str, content: str, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(TargetError, match=f"{name} cannot be loaded") as caught:
        jax_programs.load(tmp_path / name, "")

    assert says in caught.value.given + caught.value.expected


def test_a_part_cannot_be_named(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"a part of scores\.jax cannot be named"):
        jax_programs.load(tmp_path / "scores.jax", "q")


def test_inputs_have_the_names_of_the_source_or_plain_ones(tmp_path: Path) -> None:
    def rotated(q: Any, params: Any) -> Any:
        return q @ params[0]["W"]

    struct = jax.ShapeDtypeStruct((4, 4), "float32")
    path = tmp_path / "rotated.jax"
    path.write_bytes(jax.export.export(jax.jit(rotated))(struct, [{"W": struct}]).serialize())
    (tmp_path / "rotated.mlir").write_text(jax.jit(rotated).lower(struct, [{"W": struct}]).as_text())

    [named], [plain] = (jax_programs.load(tmp_path / f"rotated.{suffix}", "").values() for suffix in ("jax", "mlir"))

    assert dict(named.inputs) == {"q": (4, 4), "W": (4, 4)}
    assert dict(plain.inputs) == {"input0": (4, 4), "input1": (4, 4)}
