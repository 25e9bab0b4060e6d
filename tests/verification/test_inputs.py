"""Verdicts on recorded cases, beside the drawn ones or instead of them, and refusals of files that do not fit."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from safetensors.numpy import save_file

import attnspec
from attnspec.cli import main
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.equation import REGISTRY
from attnspec.thresholds import POLICY_CASES
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case, Description, make
from attnspec.verification.cases.recorded_cases import Reader, RecordedCases
from attnspec.verification.cases.recordings import recordings
from attnspec.verification.judge.judge import Judge
from attnspec.verification.verdict import Report, Verdict, WorstElement

GRU = f"{Path(__file__).parent.parent / 'planted' / 'gru.py'}"


ATTENTION = "attention.scaled_dot_product"


Arrays = dict[str, Any]


def numbers(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    """Of no dtype but float64: each loses bits in any other."""
    return np.random.Generator(np.random.Philox(seed)).standard_normal(shape)


def npz(folder: Path, name: str = "layer.npz", /, **arrays: Any) -> str:
    np.savez(folder / name, **arrays)
    return str(folder / name)


def handed(id: str, arrays: Mapping[str, Any], dtype: str = "float32", **how: Any) -> RecordedCases:
    return Reader(REGISTRY[id], dtype, **how).read(recordings([arrays]))


def verify(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(main, ["verify", *arguments, "--examples", "0"])


def judged(target: Any, equation: str | None = None, **how: Any) -> Verdict:
    report: Report = attnspec.verify(target, equation, examples=0, **how)
    (verdict,) = report.verdicts
    return verdict


def attention(q: Any, k: Any, v: Any) -> Any:
    e = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1], dtype=q.dtype)
    p = np.exp(e - e.max(axis=-1, keepdims=True, initial=-np.inf))
    return p / p.sum(axis=-1, keepdims=True) @ v


def test_arrays_may_lie_in_memory_as_they_like() -> None:
    """Files keep the order of Fortran, and the other order of bytes."""
    arrays = {name: np.asfortranarray(numbers(2, 5, 4, seed=ord(name))).astype(">f8") for name in "qkv"}
    (case,) = handed(ATTENTION, arrays, "float64").cases

    assert all(np.array_equal(case.arrays[name], arrays[name]) for name in "qkv")
    assert judged(attention, ATTENTION, inputs=arrays, only_inputs=True).verdict in ("conforms", "inconclusive")


# The verdict.


def test_recorded_cases_are_asked_besides_the_drawn_ones() -> None:
    plain = judged(attention, ATTENTION)
    arrays = {name: numbers(2, 3, 4) for name in "qkv"}
    besides = judged(attention, ATTENTION, inputs=[arrays, {"q": numbers(2, 5)}])

    assert (besides.verdict, besides.examples, besides.recorded) == ("conforms", plain.examples + 2, 2), str(besides)
    assert "cases, 2 of them recorded" in str(besides)
    assert besides.json()["recorded"] == 2


def test_recorded_cases_alone_are_judged_by_what_they_could_tell() -> None:
    rich = {name: 3 * numbers(3, 9, 4, seed=place) for place, name in enumerate("qkv")}
    steep = {"q": np.full((2, 4), 99.0), "k": numbers(5, 4)}
    alone = judged(attention, ATTENTION, inputs=[rich, steep], only_inputs=True)
    tame = judged(attention, ATTENTION, inputs={name: np.zeros((2, 2)) for name in "qkv"}, only_inputs=True)

    assert (alone.examples, alone.recorded) == (2, 2)
    assert alone.killed > 15, str(alone)
    assert alone.properties
    assert tame.verdict == "inconclusive", "zeros tell nothing from anything"
    assert "known mistakes" in tame.reason


def test_a_recorded_case_that_is_wrong_is_named_and_diagnosed(tmp_path: Path) -> None:
    file = npz(tmp_path, **{"3/x": numbers(4), "3/h": numbers(3), "4/x": numbers(4)})
    verdict = judged(f"{GRU}:swapped", inputs=file, only_inputs=True)

    assert verdict.verdict == "differs"
    assert "z and 1 − z are swapped" in str(verdict)
    assert f"{file}, case 3: 3 of 3 elements are further from the value" in str(verdict)
    assert verdict.json()["worst_case"]["case"].endswith(", made simpler")
    assert f"({file}, case " in str(verdict)


def test_a_fault_that_only_recorded_values_show_is_found() -> None:
    """1,234.5 is drawn by nobody."""

    def odd(q: Any, k: Any, v: Any) -> Any:
        return attention(q, k, v) + np.asarray((q == 1234.5).any(), dtype=q.dtype)

    q = numbers(2, 3, 4)
    q[1, 2, 3] = 1234.5

    assert judged(odd, ATTENTION).verdict == "conforms"
    verdict = judged(odd, ATTENTION, inputs={"q": q, "k": numbers(2, 5, 4)})
    assert verdict.verdict == "differs"
    assert "inputs: 18 of 18 elements are further" in str(verdict)
    assert isinstance(verdict.worst_case, WorstElement)
    assert verdict.worst_case.case.origin.startswith("inputs")


def half(q: Any, k: Any, v: Any, score: Callable[[Any], Any] = lambda e: e) -> Any:
    """Attention in float16 that is float32 inside; `score` is applied to the products before they are scaled."""
    e = score(np.float32(q) @ np.swapaxes(np.float32(k), -1, -2)) / np.sqrt(np.float32(q.shape[-1]))
    with np.errstate(invalid="ignore"):
        p = np.exp(e - e.max(axis=-1, keepdims=True, initial=-np.inf))
        return (p / p.sum(axis=-1, keepdims=True) @ np.float32(v)).astype(q.dtype)


def overflowing(q: Any, k: Any, v: Any) -> Any:
    return half(q, k, v, lambda e: np.where(np.abs(e) > 65504, np.sign(e) * np.inf, e))


def negated(q: Any, k: Any, v: Any) -> Any:
    return half(q, k, v, lambda e: np.where(np.abs(e) > 65504, -e, e))


LARGE = {name: np.round(scale * numbers(2, 4, 8, seed=1)) for name, scale in (("q", 200), ("k", 200))}
"""Products beyond what float16 holds, which no drawn case has: who rounds every operation may give anything there."""


@pytest.mark.parametrize("candidate", [overflowing, negated])
@pytest.mark.parametrize("only", [False, True])
def test_a_recorded_failure_does_not_loosen_the_policy(candidate: Callable[..., Any], only: bool) -> None:
    """A looser policy would leave open what fails: it is not the one that the other cases show."""
    assert only or judged(candidate, ATTENTION, dtype="float16").verdict == "conforms", "no drawn case may show it"

    verdict = judged(candidate, ATTENTION, dtype="float16", inputs=LARGE, only_inputs=only)

    assert verdict.verdict == "differs", str(verdict)
    assert "inputs: " in str(verdict)


def test_right_code_is_right_on_the_same_recorded_case() -> None:
    verdict = judged(half, ATTENTION, dtype="float16", inputs=LARGE)

    assert (verdict.verdict, verdict.policy) == ("conforms", "float32-inside"), str(verdict)


def test_a_policy_that_leaves_a_recorded_case_open_is_not_like_one_that_asks_it() -> None:
    """Forms are tried under each policy that the cases cannot tell from the one that was inferred."""
    equation = REGISTRY["scores.scaled_dot"]
    judge = Judge(equation, "float16")
    zeros = make(equation, Description((("n", 2), ("m", 3), ("d", 8)), "zeros"), "float16")
    (large,) = handed(equation.id, LARGE, "float16").cases
    tight, *_, loosest = judge.presets

    def alike(*cases: Case) -> list[Policy]:
        return judge.alike([Observation(case, (judge.noise(case, tight)[0].value,)) for case in cases], tight)

    assert loosest in alike(zeros)
    assert loosest not in alike(*[zeros] * POLICY_CASES, large)


def test_a_recorded_case_that_raises_is_named() -> None:
    def picky(q: Any, k: Any, v: Any) -> Any:
        assert not (q == 1234.5).any(), "not this one"
        return attention(q, k, v)

    verdict = judged(picky, ATTENTION, inputs={"q": np.full((2, 3), 1234.5)})

    assert verdict.verdict == "fails"
    assert "not this one" in verdict.reason
    assert "(inputs)" in str(verdict)


def test_two_processes_ask_the_same_recorded_cases(tmp_path: Path) -> None:
    file = npz(tmp_path, q=numbers(2, 4), k=numbers(3, 4), v=numbers(3, 2))
    target = f"attnspec_numpy.{ATTENTION.replace('.', ':')}"
    arguments = [target, "--dtype", "float32,float64", "--inputs", file, "--json", "-"]

    def told(*more: str) -> list[dict[str, Any]]:
        verdicts: list[dict[str, Any]] = json.loads(verify(*arguments, *more).stdout)["verdicts"]
        return [{key: value for key, value in each.items() if key != "seconds"} for each in verdicts]

    one = told()
    assert [each["recorded"] for each in one] == [1, 1]
    assert told("--jobs", "2") == one


def test_what_does_not_fit_one_equation_leaves_the_others_their_verdicts(tmp_path: Path) -> None:
    file = npz(tmp_path, b_q=numbers(3))
    done = verify("attnspec_numpy.scores", "--dtype", "float64", "--inputs", file, "--json", "-")
    told = {each["equation"]: each for each in json.loads(done.stdout)["verdicts"]}

    assert done.exit_code == 1
    assert (told["scores.nonlinear"]["verdict"], told["scores.nonlinear"]["recorded"]) == ("conforms", 1)
    assert told["scores.dot"]["verdict"] == "not run"
    assert "takes no b_q" in told["scores.dot"]["reason"]


# What will not do.


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"W_xrr": numbers(2)}, "did you mean W_xr"),
        ({"x": numbers(4), "W_xr": numbers(3, 3)}, "d = 4, since x has shape (4,)"),
        ({"h": numbers(2, 3), "x": numbers(4)}, "h has (2,), x has none"),
        ({"W_xr": numbers(2, 3)[0]}, "at least 2 axes"),
        ({"W_xr": numbers(2, 3, 4)}, "a weight, which a batch shares"),
        ({"x": np.array([1.0, np.nan, np.inf])}, "x[1] = nan, and 1 more"),
        ({"x": np.array(["a"])}, "values of another kind"),
        ({"x": np.array([1j])}, "values of another kind"),
        ({"x": np.zeros(0)}, "no meaning for d = 0"),
        ({}, "is empty"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays: Arrays, says: str, tmp_path: Path) -> None:
    done = verify(f"{GRU}:right", "--inputs", npz(tmp_path, **arrays))

    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert says in done.stderr.replace("x has none, h has (2,)", "h has (2,), x has none")
    assert "layer.npz" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.npz", None, "does not exist"),
        ("a.safetensors", None, "does not exist"),
        ("a.txt", b"x", "expected  .npz or .safetensors"),
        ("a.npz", b"", "not a zip archive"),
        ("a.npz", b"PK\x03\x04 and no more", "not a zip archive"),
        ("a.safetensors", b"", "header too small"),
        ("a.safetensors", b"\x08\0\0\0\0\0\0\0{}      ", "is empty"),
    ],
)
def test_files_that_cannot_be_read_are_refused(name: str, content: bytes | None, says: str, tmp_path: Path) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    done = verify(f"{GRU}:right", "--inputs", str(file))

    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_package_that_reads_it_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_file({"x": numbers(4)}, tmp_path / "a.safetensors")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    done = verify(f"{GRU}:right", "--inputs", str(tmp_path / "a.safetensors"))

    assert done.exit_code == 2
    assert 'pip install "attnspec[inputs]", or record .npz' in done.stderr


@pytest.mark.parametrize("option", [["--only-inputs"], ["--name", "x=y"]])
def test_options_that_need_inputs_say_so(option: list[str]) -> None:
    done = verify(f"{GRU}:right", *option)

    assert done.exit_code == 2
    assert "--inputs FILE" in done.stderr


def test_where_nothing_recorded_is_claimed_there_is_no_verdict(tmp_path: Path) -> None:
    verdict = judged(attention, ATTENTION, inputs={"q": np.full((1, 1), 1e6)}, only_inputs=True, dtype="float16")

    assert verdict.verdict == "inconclusive"
    assert "no recorded case could be asked" in verdict.reason
    assert "too large for float16" in str(verdict)
