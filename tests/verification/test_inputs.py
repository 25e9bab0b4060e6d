"""Recorded inputs: asked besides the drawn cases or in place of them, and what is said of a file that will not do."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from jaxtyping import Float, Int
from numpy.typing import NDArray
from safetensors.numpy import save_file

import attnspec
from attnspec import Place, equation
from attnspec.cli import main
from attnspec.errors import SpecError, UnknownName
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.equation import REGISTRY
from attnspec.notation import Tensor, indices, log_softmax, sum
from attnspec.thresholds import POLICY_CASES
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases import recorded_files
from attnspec.verification.cases.case import Case, Description, make
from attnspec.verification.cases.recorded_cases import Reader, RecordedCases
from attnspec.verification.cases.recorded_files import recorded
from attnspec.verification.judge.judge import Judge
from attnspec.verification.questions import catalogue
from attnspec.verification.verdict import Report, Verdict, WorstElement

GRU = f"{Path(__file__).parent.parent / 'planted' / 'gru.py'}"
ATTENTION = "attention.scaled_dot_product"
Arrays = dict[str, Any]


@equation()
def log_likelihood(logits: Float[Tensor, "t v"], target: Int[Tensor, " t"]) -> Float[Tensor, ""]:
    """Of whole numbers, too."""
    t, w = indices("t", "v")
    p = log_softmax(w, logits[t, w])
    return sum(t, sum(w, p, where=w == target[t]))


@equation(options={"start": Place("v")})
def first_word(P: Float[Tensor, "v d"], *, start: int) -> Float[Tensor, " d"]:
    """An option may be a word."""
    return P[start]


def numbers(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    """Of no dtype but float64: each loses bits in any other."""
    return np.random.Generator(np.random.Philox(seed)).standard_normal(shape)


def npz(folder: Path, name: str = "layer.npz", /, **arrays: Any) -> str:
    np.savez(folder / name, **arrays)
    return str(folder / name)


def handed(id: str, arrays: Mapping[str, Any], dtype: str = "float32", **how: Any) -> RecordedCases:
    catalogue()
    return Reader(REGISTRY[id], dtype, **how).found(recorded([arrays]))


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


# What becomes of a file.


def test_what_is_recorded_keeps_its_values_and_the_rest_is_drawn_to_fit() -> None:
    found = handed("recurrent.gru_cell", {"x": numbers(3, 4), "W_hr": numbers(6, 6, seed=1)})
    (case,) = found.cases

    assert np.array_equal(case.arrays["x"], numbers(3, 4).astype(np.float32))
    assert {name: array.shape for name, array in case.arrays.items()} == {
        "x": (3, 4),
        "h": (3, 6),
        "b_r": (6,),
        "b_z": (6,),
        "b_h": (6,),
        **{f"W_x{gate}": (4, 6) for gate in "rzh"},
        **{f"W_h{gate}": (6, 6) for gate in "rzh"},
    }
    assert np.unique(case.arrays["h"]).size > 10
    assert found.says == (
        "inputs: rounded to float32, which loses bits: x (float64), W_hr (float64)",
        "inputs: not recorded, so drawn: h, W_xr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h",
    )


@pytest.mark.parametrize(("dtype", "says"), [("float64", False), ("float32", False), ("float16", True)])
def test_rounding_is_told_where_it_loses_bits(dtype: str, says: bool) -> None:
    arrays = {name: numbers(2, 2).astype(np.float32) for name in "qkv"}
    found = handed(ATTENTION, arrays, dtype)

    assert bool(found.says) is says
    assert all(np.array_equal(found.cases[0].arrays[name], arrays[name].astype(dtype)) for name in "qkv")


def test_whole_numbers_and_long_floats_lose_bits_too() -> None:
    for odd in (np.array([[2**53 + 1]]), np.array([[1]], dtype=np.longdouble) / 3):
        assert handed(ATTENTION, {"q": odd}, "float64").says[0].startswith("inputs: rounded to float64")
    assert "rounded" not in handed(ATTENTION, {"q": np.array([[2**53]])}, "float64").says[0]


def test_arrays_may_lie_in_memory_as_they_like() -> None:
    """Files keep the order of Fortran, and the other order of bytes."""
    arrays = {name: np.asfortranarray(numbers(2, 5, 4, seed=ord(name))).astype(">f8") for name in "qkv"}
    (case,) = handed(ATTENTION, arrays, "float64").cases

    assert all(np.array_equal(case.arrays[name], arrays[name]) for name in "qkv")
    assert judged(attention, ATTENTION, inputs=arrays, only_inputs=True).verdict in ("conforms", "inconclusive")


def test_several_cases_of_one_file_share_what_has_no_number() -> None:
    first, second = handed(
        ATTENTION, {"0/q": numbers(2, 3), "10/q": numbers(5, 3), "k": numbers(4, 3), "10/v": numbers(4, 1)}
    ).cases

    assert (first.origin, second.origin) == ("inputs, case 0", "inputs, case 10")
    assert (first.arrays["q"].shape, second.arrays["q"].shape) == ((2, 3), (5, 3))
    assert np.array_equal(first.arrays["k"], second.arrays["k"])
    assert second.arrays["v"].shape == (4, 1)


def test_what_is_said_of_several_cases_is_said_once() -> None:
    arrays = {f"{number}/{name}": numbers(2, 2) for number in range(5) for name in "qkv"}

    assert handed(ATTENTION, arrays).says == (
        "inputs, case 0 and 4 more: rounded to float32, which loses bits: q (float64), k (float64), v (float64)",
    )


def test_options_are_recorded_as_numbers_and_settle_sizes() -> None:
    (case,) = handed("multihead.attention", {"W_q": numbers(6, 8), "heads": 4}).cases

    assert case.options == {"heads": 4}
    assert case.arrays["W_o"].shape == (8, 6)


def test_a_size_can_be_told_by_a_sum() -> None:
    (case,) = handed("recurrent.simple_rnn_cell_concat", {"A": numbers(7, 3)}).cases

    assert (case.arrays["x"].shape, case.arrays["h"].shape) == ((4,), (3,))


def test_names_may_be_mapped_and_matrices_turned_round() -> None:
    arrays = {"layer.weight": numbers(3, 4), "x": numbers(4), "layer.bias": numbers(9)}
    found = handed("recurrent.gru_cell", arrays, names={"W_xr": "layer.weight.T"})

    assert np.array_equal(found.cases[0].arrays["W_xr"], arrays["layer.weight"].T.astype(np.float32))
    assert found.cases[0].arrays["x"].shape == (4,)
    assert "inputs: left alone: layer.bias" in found.says


def test_what_is_not_claimed_is_not_asked_and_that_is_said() -> None:
    def said(arrays: Arrays, **how: Any) -> str:
        found = handed(ATTENTION, {"v": numbers(1, 1), **arrays}, "float16", **how)
        assert not found.cases
        return found.says[0]

    assert said({"q": numbers(2, 2, 3, 4), "v": numbers(2, 2, 1, 1)}) == (
        "inputs: not asked: 2 batch axes is not claimed"
    )
    assert said({"k": numbers(1, 4)}, least=lambda axis: 2).startswith("inputs: not asked: ")
    assert said({"q": np.full((2, 3), 1e6)}) == "inputs: not asked: q holds 1e+06, too large for float16"


def test_masks_and_small_types_are_read(tmp_path: Path) -> None:
    mask = np.array([[1, 0], [1, 1]], dtype=np.uint8)
    (case,) = handed("attention.masked", {"mask": mask, "q": np.array([[1, 2], [3, 4]])}, "float64").cases

    assert case.arrays["mask"].dtype == np.bool_
    assert case.arrays["q"].dtype == np.float64


def test_safetensors_are_read_bfloat16_too(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save_torch

    save_torch({"q": torch.tensor([[1.5, -3.0]], dtype=torch.bfloat16)}, tmp_path / "q.safetensors")
    save_file({"k": numbers(2, 2), "heads": np.array(3)}, tmp_path / "k.safetensors")

    assert recorded_files.read(str(tmp_path / "q.safetensors"))["q"].tolist() == [[1.5, -3.0]]
    assert np.array_equal(recorded_files.read(str(tmp_path / "k.safetensors"))["k"], numbers(2, 2))
    assert recorded_files.read(str(tmp_path / "k.safetensors"))["heads"] == 3
    (case,) = handed(ATTENTION, {"q": torch.ones(2, 2, dtype=torch.bfloat16)}).cases
    assert case.arrays["q"].tolist() == [[1, 1], [1, 1]]


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
    catalogue()
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
    ("id", "arrays", "says"),
    [
        ("multihead.attention", {"W_q": numbers(6, 8)}, "record heads too, heads as a number"),
        ("attention.into_readout", {"W": numbers(6, 8)}, "W leaves k and u open"),
        ("multihead.attention", {"heads": 1.5}, "one number, whole"),
        ("multihead.attention", {"heads": [1, 2]}, "one number, whole"),
        ("multihead.attention", {"heads": 3, "W_q": numbers(6, 8)}, "since heads is 3"),
        ("attention.masked", {"mask": [[0, 2]]}, "values of another kind"),
    ],
)
def test_what_is_open_is_asked_for(id: str, arrays: Arrays, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        handed(id, arrays)

    assert says in str(caught.value)


@pytest.mark.parametrize(("target", "says"), [([0, 4], "4, where v = 4"), ([-1, 3], "-1, where v = 4")])
def test_tokens_are_of_the_vocabulary(target: list[int], says: str) -> None:
    with pytest.raises(SpecError) as caught:
        Reader(log_likelihood, "float32").found(recorded([{"target": np.array(target), "logits": numbers(2, 4)}]))

    assert caught.value.given == says
    assert Reader(log_likelihood, "float32").found(recorded([{"target": np.array([0, 3])}])).cases
    with pytest.raises(SpecError, match="start holds what has no meaning"):
        Reader(first_word, "float32").found(recorded([{"P": numbers(4, 2), "start": 4}]))
    assert Reader(first_word, "float32").found(recorded([{"P": numbers(4, 2), "start": 3}])).cases


@pytest.mark.parametrize("id", ["attention.weights", "recurrent.gru_cell"])
def test_a_name_that_is_mapped_must_be_there(id: str) -> None:
    first = {"attention.weights": "e", "recurrent.gru_cell": "x"}[id]
    with pytest.raises(UnknownName, match="has no layer\\.3\\.scors"):
        handed(id, {"layer.3.scores": numbers(2, 2)}, names={first: "layer.3.scors"})
    with pytest.raises(UnknownName, match="takes no nothing"):
        handed(id, {"layer.3.scores": numbers(2, 2)}, names={"nothing": "layer.3.scores"})


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.npz", None, "is not there"),
        ("a.safetensors", None, "is not there"),
        ("a.txt", b"x", "expected  .npz or .safetensors"),
        ("a.npz", b"", "no zip archive"),
        ("a.npz", b"PK\x03\x04 and no more", "no zip archive"),
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


def test_a_broken_or_pickled_array_is_refused(tmp_path: Path) -> None:
    file = Path(npz(tmp_path, x=numbers(4)))
    file.write_bytes(file.read_bytes().replace(b"descr", b"decsr"))
    pickled = npz(tmp_path, "pickled.npz", x=np.array([{}], dtype=object))
    short = tmp_path / "short.safetensors"
    save_file({"x": numbers(4)}, short)
    short.write_bytes(short.read_bytes()[:-3])

    for path in (str(file), pickled, str(short)):
        with pytest.raises(SpecError, match="corrupt"):
            recorded_files.read(path)


def test_a_type_that_is_not_read_is_named(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save_torch

    save_torch({"q": torch.ones(2, 2).to(torch.float8_e4m3fn)}, tmp_path / "q.safetensors")

    with pytest.raises(SpecError, match="q is of a type that is not read"):
        recorded_files.read(str(tmp_path / "q.safetensors"))


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
