"""Whole verdicts: on right code, on code wrong by little, and on code that misbehaves."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attnspec
from attnspec.errors import BindingError, TargetError, UnknownName
from attnspec.implementation import DTYPES
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.mutants import by_id, mutants
from attnspec.interpreters.mutation.tiling_errors import TILING_ERRORS
from attnspec.language.equation import REGISTRY
from attnspec.verification.cases.case import Case
from attnspec.verification.verdict import Report, Verdict, WorstElement

PLANTED = Path(__file__).parent.parent / "planted"
ATTENTION = "attention.scaled_dot_product"


def asked(name: str, dtype: str = "bfloat16", examples: int = 6, **how: Any) -> Verdict:
    report: Report = attnspec.verify(
        f"{PLANTED / 'subtle.py'}:{name}", ATTENTION, framework="torch", dtype=dtype, examples=examples, **how
    )
    (verdict,) = report.verdicts
    return verdict


RIGHT = [("op_by_op", dtype) for dtype in DTYPES] + [("right", dtype) for dtype in DTYPES if dtype != "float64"]


@pytest.mark.parametrize(("name", "dtype"), RIGHT)
def test_right_code_conforms(name: str, dtype: str) -> None:
    verdict = asked(name, dtype)

    assert verdict.verdict == "conforms", str(verdict)
    assert verdict.killed == verdict.of > 10, "every known mistake must be one that these cases would have caught"
    assert verdict.properties
    assert all(held for _, held in verdict.properties)
    assert (verdict.effective_bits is None) == (dtype == "float64")


def test_saturated_cases_do_not_make_out_a_tighter_policy() -> None:
    """What rounds at every operation is seen on the first cases, also where too tight a policy fails few others."""
    (verdict,) = attnspec.verify("attnspec_torch.recurrent:bidirectional_simple_rnn", dtype="bfloat16").verdicts

    assert verdict.verdict == "conforms", str(verdict)
    assert verdict.policy == "op-by-op"


@pytest.mark.parametrize(
    "name",
    ["output_too_large", "scale_too_large", "scale_off_by_one", "extra_one", "last_key_fainter", "last_row_larger",
     "truncated", "one_element_off", "small_weights_dropped", "zeros", "first_example_only"],
)  # fmt: skip
def test_wrong_by_little_in_bfloat16_differs(name: str) -> None:
    """What the largest error and its root mean square miss is seen along directions."""
    verdict = asked(name)

    assert verdict.verdict in ("differs", "imprecise"), str(verdict)
    assert verdict.verdict == "differs" or name in ("truncated", "small_weights_dropped"), str(verdict)


def test_the_slip_is_named() -> None:
    assert asked("scale_off_by_one", "float32").diagnosis[0].says.endswith("d + 1 is used instead of d")
    assert asked("extra_one", "float32").diagnosis[0].says.startswith("softmax has an extra 1 in its sum")
    assert "last slice of v" in asked("last_key_fainter", "float32").diagnosis[0].says


@pytest.mark.parametrize(
    ("name", "says"),
    [("changes_its_input", "changes its inputs: q"), ("remembers", "another answer"), ("draws", "another answer"),
     ("breaks_on_empty", "on empty input it raises"), ("breaks_on_strides", "right for contiguous")],
)  # fmt: skip
def test_bad_manners_are_no_wrong_formula(name: str, says: str) -> None:
    verdict = asked(name, "float32")

    assert verdict.verdict == "misbehaves", str(verdict)
    assert says in verdict.reason


def test_a_wrong_formula_weighs_more_than_an_error_on_empty_input() -> None:
    verdict = asked("unscaled_and_breaks_on_empty", "float32")

    assert verdict.verdict == "differs", str(verdict)
    assert "√d" in verdict.diagnosis[0].says
    assert any("on empty input it raises: AssertionError" in each for each in verdict.findings)


@pytest.mark.parametrize(("name", "dtype", "bits"), [("half_inside", "float32", 11), ("in_float32", "float64", 24)])
def test_fewer_bits(name: str, dtype: str, bits: int) -> None:
    """The right formula in fewer bits than declared is imprecise, and the bits are told to within two."""
    verdict = asked(name, dtype)

    assert verdict.verdict == "imprecise", str(verdict)
    assert verdict.effective_bits == pytest.approx(bits, abs=2)
    assert verdict.bits_site


def test_a_declared_policy_is_the_only_one() -> None:
    """A failure is never rescued by a looser policy."""
    assert asked("op_by_op", policy="float32-inside").verdict != "conforms"
    assert asked("right", policy="float32-inside").verdict == "conforms"
    assert asked("half_inside", "float32", policy="tf32").verdict == "conforms"


def test_the_same_seed_gives_the_same_verdict() -> None:
    def facts(verdict: Verdict) -> dict[str, Any]:
        return {key: value for key, value in verdict.json().items() if key != "seconds"}

    once, again = (asked("scale_too_large", "float32", examples=2, seed=3) for _ in range(2))

    assert facts(once) == facts(again)


def test_a_report_reads_and_travels() -> None:
    def swapped(e: Any) -> Any:
        return np.exp(e) / np.exp(e).sum(-2, keepdims=True) if e.size else e

    report: Report = attnspec.verify(swapped, "attention.weights", examples=2)

    assert (report.verdict, report.passed, report.exit_code) == ("differs", False, 1)
    assert "softmax is over i instead of j" in report.diagnosis[0].says
    assert "diagnosis" in str(report)
    assert report.worst_case is not None
    json.loads(json.dumps(report.json(), allow_nan=False))


def test_a_closure_is_judged() -> None:
    factor = 1.0

    def scaled(q: Any, k: Any) -> Any:
        return factor * (q @ np.swapaxes(k, -1, -2)) / np.sqrt(q.shape[-1], dtype=q.dtype)

    report: Report = attnspec.verify(scaled, "scores.scaled_dot", dtype=["float32", "float64"], examples=2)

    assert [verdict.verdict for verdict in report.verdicts] == ["conforms", "conforms"], str(report)


def test_a_question_that_cannot_be_asked_is_refused() -> None:
    with pytest.raises(UnknownName, match="gru_cel"):
        attnspec.verify(lambda x: x, "recurrent.gru_cel")
    with pytest.raises(BindingError):
        attnspec.verify(lambda x: x, "scores.dot")
    with pytest.raises(TargetError):
        attnspec.verify("no_such_file.py", "scores.dot")
    with pytest.raises(UnknownName, match="float31"):
        attnspec.verify(lambda e: e, "attention.weights", dtype="float31")


@pytest.mark.parametrize(
    ("name", "dtype", "form"),
    [("products_kept", "bfloat16", "products rounded"), ("powers_of_two", "float32", "powers of two")],
)
def test_another_order_of_rounding_conforms(name: str, dtype: str, form: str) -> None:
    """Products kept in storage before their sum, and 2^x for exp x, are how real kernels compute."""
    verdict = asked(name, dtype)

    assert verdict.verdict == "conforms", str(verdict)
    assert all(form in finding for finding in verdict.findings if finding.startswith("by another form"))


def test_a_size_that_is_wrong_is_told() -> None:
    verdict = asked("keys_beyond_a_thousand_left_out", "float32")

    assert verdict.verdict == "differs"
    assert verdict.diagnosis[0].says == "in alpha: of softmax_j(e_ij) only the first 1,000 terms count"


def test_bits_lost_at_the_inputs_are_told() -> None:
    verdict = asked("inputs_in_half", "float32")

    assert verdict.verdict == "imprecise", str(verdict)
    assert verdict.bits_site in ("the inputs", "the matrix products' operands")  # nearly one thing here
    assert verdict.effective_bits is not None
    assert 9 < verdict.effective_bits < 12


def test_a_mistake_that_runs_on_some_sizes_only_is_named() -> None:
    verdict = asked("keys_transposed", "float32")

    assert verdict.verdict == "fails"
    assert "k is transposed" in "\n".join([verdict.diagnosis[0].says, *verdict.diagnosis[0].also])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "another_way_at_48_rows",
            "softmax_j(e_ij) is multiplied by 1.01 (wrong in 1 of # cases, only where n = 48)",
        ),
        ("unscaled_beyond_300_keys", "only where m ≥ 301, and never up to 300)"),
        ("keys_beyond_the_limit", "only the first 700 terms of each sum over j count"),
    ],
)
def test_what_changes_at_a_number_of_the_code_is_found(name: str, says: str) -> None:
    verdict = asked(name, "float32")

    assert verdict.verdict == "differs", str(verdict)
    assert says in re.sub(r"of \d+ cases", "of # cases", verdict.diagnosis[0].says)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("cached_by_identity", "remembers earlier calls"),
        ("cached_by_sums_and_ends", "answers as if they were the old ones"),
        ("wrong_in_every_hundredth_call", "draws at random"),
        ("one_buffer_for_all", "goes on writing to"),
        ("cached_by_shape", "right in a fresh process"),
        ("wrong_after_two_hundred_calls", "begins to give another answer"),
        ("scale_kept_for_half_the_width", "after a call with twice as many places along d"),
    ],
)
def test_what_a_call_leaves_behind_is_misbehaviour(name: str, says: str) -> None:
    verdict = asked(name, "float32")

    assert verdict.verdict == "misbehaves", str(verdict)
    assert says in verdict.reason


def of_eighths_too_large(e: Any) -> Any:
    """Softmax, 1% too large where all scores are multiples of 1/8 and not all whole."""
    p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf))
    p = p / p.sum(-1, keepdims=True)
    eighths = np.abs(e).max(initial=0) < 1_000 and np.array_equal(8 * e, np.round(8 * e))
    return p * e.dtype.type(1.01) if eighths and not np.array_equal(e, np.round(e)) else p


def test_a_candidate_that_runs_out_of_memory_is_not_started_anew_for_each_case(tmp_path: Path) -> None:
    calls = tmp_path / "calls"

    def tebibytes(e: Any) -> Any:
        with calls.open("a") as file:
            file.write("x")
        return np.empty(1 << 40)

    (verdict,) = attnspec.verify(tebibytes, "attention.weights").verdicts

    assert (verdict.verdict, verdict.reason[:21]) == ("fails", "it runs out of memory"), str(verdict)
    assert len(calls.read_text()) < 5


def test_wrong_values_are_no_memory() -> None:
    """What is wrong for values that only the search for caches asks is wrong in a new process too."""
    (verdict,) = attnspec.verify(of_eighths_too_large, "attention.weights").verdicts

    assert verdict.verdict == "differs", str(verdict)


def squared_from_80(e: Any) -> Any:
    """Softmax, its square from 80 columns on, a number that the code does not show."""
    p = np.exp(e - e.max(-1, keepdims=True, initial=-np.inf))
    p = p / p.sum(-1, keepdims=True)
    return p**2 if e.shape[-1] >= int("8" + "0") else p


def test_where_it_is_wrong_does_not_contradict_the_case_that_is_shown() -> None:
    """Cases have 65 and 128 columns; the smallest failing one, which is found by calls of its own, has 80."""
    (verdict,) = attnspec.verify(squared_from_80, "attention.weights").verdicts

    assert "(1, 80)" in str(verdict)
    assert "only where m ≥ 80, and never up to" in verdict.diagnosis[0].says, str(verdict)


def reached(p: Any, uniform: Any) -> Any:
    """Which cumulated probabilities a number reaches, the last left out."""
    return (p.astype(np.float64).cumsum(-1) <= uniform[..., None])[..., :-1]


def test_whole_numbers_may_have_any_width_but_are_whole() -> None:
    def narrow(p: Any, uniform: Any) -> Any:
        return reached(p, uniform).sum(-1).astype(np.int32)

    def float_(p: Any, uniform: Any) -> Any:
        return reached(p, uniform).sum(-1).astype(p.dtype)

    right: Report = attnspec.verify(narrow, "seq2seq.sample", dtype="float16", examples=2)
    wrong: Report = attnspec.verify(float_, "seq2seq.sample", dtype="float16", examples=2)

    assert right.verdict == "conforms", str(right)
    assert wrong.verdict == "misbehaves"
    assert "float16 where whole numbers belong" in str(wrong)


def test_a_mistake_that_would_show_where_the_answer_is_right_is_not_named() -> None:
    def exceeded(p: Any, uniform: Any) -> Any:
        return np.asarray((p.astype(np.float64).cumsum(-1) < uniform[..., None])[..., :-1].sum(-1))

    report: Report = attnspec.verify(exceeded, "seq2seq.sample", dtype="float16", examples=2)

    assert report.verdict == "differs"
    assert (report.diagnosis[0].id, report.diagnosis[0].also) == ("the result/mask/<", ())


WITH_LSE = """
import torch

def flash(q, k, v):
    e = q.float() @ k.float().mT * k.shape[-1] ** -0.5
    lse = torch.logsumexp(e, -1)
    return (torch.exp(e - lse[..., None]) @ v.float()){o}, lse{lse}
"""


@pytest.mark.parametrize(
    ("o", "lse", "verdict"),
    [(".to(q.dtype)", "", "conforms"), (".to(q.dtype)", ".to(q.dtype)", "conforms"), ("", "", "misbehaves"),
     (".to(q.dtype)", ".double()", "misbehaves")],
)  # fmt: skip
def test_the_lse_may_stay_in_float32(tmp_path: Path, o: str, lse: str, verdict: str) -> None:
    """Kernels return it so beside outputs in half precision; nothing else may be wider than its inputs."""
    (tmp_path / "kernel.py").write_text(WITH_LSE.format(o=o, lse=lse))
    report = attnspec.verify(
        f"{tmp_path / 'kernel.py'}:flash", "attention.with_lse", framework="torch", dtype="bfloat16", examples=6
    )

    assert report.verdicts[0].verdict == verdict, str(report)


@pytest.mark.parametrize(
    ("how", "verdict"),
    [("np.eye(v)[k] * (k >= 0)[..., None]", "conforms"), ("(k[..., None] == np.arange(v)).astype(int)", "conforms"),
     ("np.eye(v, dtype=np.float32)[k]", "differs"), ("0.9 * np.eye(v)[k] * (k >= 0)[..., None]", "differs"),
     ("k[..., None] == np.arange(v)", "misbehaves")],
)  # fmt: skip
def test_one_hot_may_be_of_any_numbers(tmp_path: Path, how: str, verdict: str) -> None:
    """It is multiplied, so most software gives it in floats; it is judged exactly all the same."""
    (tmp_path / "rows.py").write_text(f"import numpy as np\n\ndef one_hot(k, v):\n    return {how}\n")
    report = attnspec.verify(f"{tmp_path / 'rows.py'}:one_hot", "text.one_hot", framework="numpy", examples=6)

    assert report.verdicts[0].verdict == verdict, str(report)


def test_nan_at_one_size_is_no_slip_of_tiles() -> None:
    """A slip that would show in cases that are right explains nothing, though it gives NaN in those that are wrong."""

    def standardised(q: Any, k: Any, v: Any) -> Any:
        scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1], dtype=q.dtype)
        p = np.exp(scores - scores.max(-1, keepdims=True) if scores.size else scores)
        c = p / p.sum(-1, keepdims=True) @ v
        return c * np.nan if q.shape[-1] == 1 else c

    (verdict,) = attnspec.verify(standardised, ATTENTION, dtype="float32", examples=3).verdicts

    assert verdict.verdict == "differs", str(verdict)
    assert "only where d = 1" in verdict.diagnosis[0].says, str(verdict)
    assert "tile" not in str(verdict.diagnosis), str(verdict)
    assert "given     q (1, 1), k (1, 1), v (1, 1), all arrays 0" in str(verdict)


TILES = [(slip, 16, False) for slip in ("", "filled", "cut", "first", "unscaled")]
TILES += [("values", 64, False), ("total", 64, False), ("", 16, True), ("causal", 32, True), ("unscaled", 16, True)]


@pytest.mark.parametrize(("slip", "tile", "causal"), TILES)
def test_a_slip_of_a_kernel_that_runs_through_tiles_is_named(
    slip: str, tile: int, causal: bool, tmp_path: Path
) -> None:
    """What only a kernel can do wrong is told as that, and a kernel that does it right conforms."""
    kernel = f"\n\ndef kernel(q, k, v):\n    return attention(q, k, v, {tile}, {slip!r}, {causal})\n"
    (tmp_path / "kernel.py").write_text((PLANTED / "tiles.py").read_text(encoding="utf-8") + kernel, encoding="utf-8")
    equation = "attention.causal" if causal else ATTENTION

    report = attnspec.verify(f"{tmp_path}/kernel.py:kernel", equation, dtype="float32", examples=3)
    (verdict,) = report.verdicts

    if not slip:
        assert verdict.verdict == "conforms", str(verdict)
    else:
        says, _ = TILING_ERRORS[slip]
        assert verdict.verdict == "differs", str(verdict)
        assert verdict.diagnosis[0].says == says.format(tile=tile), str(verdict)


@pytest.mark.parametrize(
    ("equation", "id"), [("scores.dot", "swap/q-k"), ("attention.masked_empty_is_nan", "attention.masked")]
)
def test_a_mistake_that_shows_in_few_cases_is_named(equation: str, id: str) -> None:
    """One that needs equal sizes is asked where they are; one that is finite where the equation is not is told too."""
    mutant = by_id(mutants(REGISTRY[equation]))[id]
    names = [each.name for each in mutant.definition.parameters]

    def mistaken(a: Any, b: Any, c: Any = None, d: Any = None) -> Any:
        return evaluate(mutant.definition, (a, b, c, d)[: len(names)], {})

    bind = dict(zip("abcd", names, strict=False))
    (verdict,) = attnspec.verify(mistaken, equation, dtype="float32", examples=2, bind=bind).verdicts

    assert verdict.verdict == "differs", str(verdict)
    assert verdict.diagnosis[0].says == mutant.says, str(verdict)


def test_an_array_of_zeros_alone_is_shown_with_its_shape() -> None:
    zeros, ones = np.zeros((1, 2)), np.ones(2)

    assert WorstElement(Case({"e": zeros}, {})).given == "e (1, 2), all 0"
    assert WorstElement(Case({"e": zeros, "b": 0 * ones}, {})).given == "e (1, 2), b (2,), all arrays 0"
    assert WorstElement(Case({"e": zeros, "b": ones}, {})).given == "b = [1, 1], e = 0"


LEAVES_BEHIND = """\
import numpy as np

from attnspec import implements

kept = []


@implements("scores.dot", framework="numpy")
def a_hoarder(q, k):
    q, k = (q, k) if not kept or kept[-1][0].shape != q.shape else kept[-1]
    kept.append((q, k))
    return q @ np.swapaxes(k, -1, -2)


@implements("scores.dot", framework="numpy")
def its_neighbour(q, k):
    return q @ np.swapaxes(k, -1, -2) * (not kept)
"""
"""What is right unless a candidate of the same file was called before it in its process."""


def test_what_a_candidate_leaves_behind_is_not_blamed_on_the_next(tmp_path: Path) -> None:
    """A candidate that misbehaves ends its process, so that the next one begins as if it were alone."""
    path = tmp_path / "leaves_behind.py"
    path.write_text(LEAVES_BEHIND)

    first, second = attnspec.verify(str(path), examples=0).verdicts

    assert (first.verdict, second.verdict) == ("misbehaves", "conforms"), f"{first}\n{second}"
