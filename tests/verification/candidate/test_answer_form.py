"""The form of an answer: number, shape, dtype and device of what is returned, and what became of calls without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnspec import REGISTRY
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.verification.candidate.answer_form import answered, describe_status, fault, shapes, unusable
from attnspec.verification.cases.case import Case, Description
from attnspec.verification.sandbox.messages import Outcome, Output, Trouble
from attnspec.verification.verdict import VerdictKind
from synthetic import MANY, Array, case_of, returned, trouble

ATTENTION, LSTM, MAPS = "attention.scaled_dot_product", "recurrent.lstm_cell", "backward.linear"
ONE = case_of(ATTENTION, n=5, m=3, e=4)
"""An answer to it has the shape (5, 4)."""


def output(shape: tuple[int, ...] = (5, 4), dtype: str = "float32", device: str = "cpu") -> Output:
    return Output("tensor of torch", np.zeros(shape), dtype, shape, device)


def faulty(*outputs: Output, id: str = ATTENTION, case: Case = ONE, dtype: str = "float32", device: str = "") -> str:
    return fault(Outcome("ok", outputs), case, REGISTRY[id], dtype, device)


# Shapes.


@given(
    st.sampled_from([ATTENTION, LSTM, "recurrent.gru", "scores.dot", "transformer.embed", MAPS]),
    st.sampled_from([None, 0, 1, 3]),
    st.integers(1, 5),
)
@MANY
def test_shapes_are_those_that_the_equation_gives(id: str, batch: int | None, size: int) -> None:
    """Of every output, with a batch and without one."""
    case = case_of(id, batch=batch, d=size)
    found = evaluate(REGISTRY[id].definition, (), case.arguments)

    parts = found if isinstance(found, tuple) else (found,)
    assert shapes(REGISTRY[id], case) == [array.shape for array in parts]
    assert answered(returned(*parts), case, REGISTRY[id], "float32")


def test_where_gradients_are_summed_shared_ones_have_no_batch() -> None:
    case = case_of(MAPS, batch=3, t=2, d=4, e=5)

    assert shapes(REGISTRY[MAPS], case) == [(3, 2, 4), (3, 4, 5), (3, 5)]
    assert shapes(REGISTRY[MAPS], replace(case, summed=("x", "W", "b"))) == [(3, 2, 4), (4, 5), (5,)]


# Faults.


def test_an_answer_of_the_right_form_has_no_fault() -> None:
    assert faulty(output()) == ""
    assert faulty(output(), device="cpu") == ""
    assert answered(Outcome("ok", (output(),)), ONE, REGISTRY[ATTENTION], "float32")


def test_where_nothing_tells_the_dtype_a_more_precise_one_is_right() -> None:
    """A table of positions, say, has no inputs; a less precise dtype is wrong all the same."""
    found = {dtype: _untold(dtype) for dtype in ("float16", "float32", "float64", "int64")}

    assert found["float32"] == found["float64"] == ""
    assert found["float16"] == "it returns e in float16 where at least float32 is asked"
    assert found["int64"] == "it returns e in int64 where at least float32 is asked"
    assert fault(Outcome("ok", (output((5, 4), "float64"),)), TABLE, REGISTRY[POSITIONS], "float32")


POSITIONS = "position.sinusoidal"
TABLE = Case({}, {"t": 5, "d": 4})


def _untold(dtype: str) -> str:
    return fault(Outcome("ok", (output((5, 4), dtype),)), TABLE, REGISTRY[POSITIONS], "float32", told=False)


@pytest.mark.parametrize("shape", [(4, 5), (5, 4, 1), (1, 5, 4), (20,), (5, 3), ()])
def test_another_shape_is_a_fault(shape: tuple[int, ...]) -> None:
    """Also one that would broadcast, and the same elements in another shape."""
    assert faulty(output(shape)) == f"it returns c of shape {shape} where (5, 4) belongs"
    assert not answered(Outcome("ok", (output(shape),)), ONE, REGISTRY[ATTENTION], "float32")


@pytest.mark.parametrize("count", [0, 2, 3])
def test_another_number_of_outputs_is_a_fault(count: int) -> None:
    assert faulty(*[output()] * count) == f"it returns {count} arrays, the equation 1"


def test_the_faulty_output_of_several_is_named() -> None:
    case = case_of(LSTM, u=4)
    right, wrong = output((4,)), output((5,))
    names = [result.name for result in REGISTRY[LSTM].definition.results]

    assert faulty(right, right, id=LSTM, case=case) == ""
    assert faulty(right, wrong, id=LSTM, case=case) == f"it returns {names[1]} of shape (5,) where (4,) belongs"
    assert faulty(wrong, wrong, id=LSTM, case=case).startswith(f"it returns {names[0]}"), "the first of them"
    assert faulty(right, id=LSTM, case=case) == "it returns 1 arrays, the equation 2"


@pytest.mark.parametrize(
    ("given", "answer", "right"),
    [("float32", "float32", True), ("float32", "float64", False), ("float32", "bfloat16", False),
     ("bfloat16", "float32", False), ("bfloat16", "bfloat16", True), ("float64", "float32", False),
     ("float32", "int64", False)],
)  # fmt: skip
def test_an_answer_has_the_dtype_of_the_inputs(given: str, answer: str, right: bool) -> None:
    expected = "" if right else f"it returns c in {answer} for inputs in {given}"

    assert faulty(output(dtype=answer), dtype=given) == expected


def test_what_software_returns_in_float32_may_be_in_float32() -> None:
    """The logarithm of a softmax's sum, beside an output in bfloat16; never in a coarser dtype than the inputs."""
    id = "attention.with_lse"
    case = case_of(id, n=5, m=3, e=4)
    first, second = shapes(REGISTRY[id], case)

    def of(dtype: str, lse: str) -> str:
        return faulty(output(first, dtype), output(second, lse), id=id, case=case, dtype=dtype)

    assert of("bfloat16", "float32") == of("bfloat16", "bfloat16") == of("float32", "float32") == ""
    assert of("float64", "float32") == "it returns lse in float32 for inputs in float64"


@pytest.mark.parametrize(
    ("dtype", "right"), [("int64", True), ("int32", True), ("uint8", True), ("float32", False), ("bool", False)]
)
def test_whole_numbers_are_of_any_integer_dtype(dtype: str, right: bool) -> None:
    id = "text.align"
    case = case_of(id)
    (shape,) = shapes(REGISTRY[id], case)

    found = faulty(output(shape, dtype), id=id, case=case)

    assert (found == "") == right
    assert right or found.endswith(f"in {dtype} where whole numbers belong")


@pytest.mark.parametrize(
    ("given", "answer", "right"),
    [("cpu", "cpu", True), ("cuda", "cuda:0", True), ("cuda:1", "cuda:0", True), ("cuda", "cpu", False),
     ("cpu", "cuda:0", False)],
)  # fmt: skip
def test_an_answer_stays_on_its_kind_of_device(given: str, answer: str, right: bool) -> None:
    expected = "" if right else f"it returns c on {answer} for inputs on {given}"

    assert faulty(output(device=answer), device=given) == expected
    assert faulty(replace(output(), device=None), device=given) == "", "a framework without devices"


def test_what_is_no_array_of_the_framework_is_a_fault() -> None:
    assert faulty(Output("list")) == "it returns a list, not an array of its framework"
    assert faulty(Output("None")) == "it returns None, not an array of its framework"
    assert faulty(replace(output(), value=None, dtype="complex64")) != ""


def test_an_array_whose_values_did_not_travel_is_a_fault() -> None:
    """Of a dtype that no equation returns."""
    assert faulty(replace(output(), value=None)) == "it returns c in float32"


def test_outputs_of_a_forward_pass_are_held_against_that_pass() -> None:
    """Where gradients were asked for and the outputs do not fit them, the fault is the forward pass's own."""
    forward = REGISTRY[MAPS].gradient_of
    case = case_of(MAPS, t=2, d=4, e=5)

    def during(shape: tuple[int, ...]) -> str:
        return fault(Outcome("ok", (output(shape),), during="forward"), case, REGISTRY[MAPS], "float32")

    assert REGISTRY[forward].definition.results[0].name == "y"
    assert during((5, 2)) == "it returns y of shape (5, 2) where (2, 5) belongs"
    assert during((2, 5)) == "its outputs fit no gradient"


# Calls without an answer.


@pytest.mark.parametrize(
    ("status", "says"),
    [("raised", "it raises"), ("crashed", "the process dies"), ("timeout", "it does not come back in time"),
     ("memory", "it runs out of memory"), ("unavailable", "it cannot be run here")],
)  # fmt: skip
def test_a_status_is_said_with_its_trouble(status: str, says: str) -> None:
    assert describe_status(trouble(status)) == f"{says}: ValueError: bad"
    assert describe_status(replace(trouble(status), trouble=None)) == says
    assert not answered(trouble(status), ONE, REGISTRY[ATTENTION], "float32")


def test_the_pass_that_raises_is_named() -> None:
    assert describe_status(trouble("raised", during="backward")) == "its backward pass raises: ValueError: bad"
    assert describe_status(trouble("raised", during="forward")) == "its forward pass raises: ValueError: bad"


def test_a_call_that_ran_has_an_answer_of_another_form() -> None:
    """It is described only if its answer cannot be judged."""
    assert describe_status(Outcome("ok")) == "its answer does not have the right form"


# Verdicts.

EMPTY = case_of(ATTENTION, n=0, m=3, e=4)
TURNED = replace(ONE, layout="transposed")
BATCHED = case_of(ATTENTION, n=5, m=3, e=4, batch=2)
RIGHT = Outcome("ok", (output(),))
RAISES = trouble("raised", traceback="file.py:3: f")


def verdict(*asked: tuple[Case, Outcome]) -> tuple[VerdictKind, str] | None:
    found = unusable(asked, REGISTRY[ATTENTION], "float32", "cpu")
    return None if found is None else found[:2]


def case_shown(*asked: tuple[Case, Outcome]) -> Case | None:
    found = unusable(asked, REGISTRY[ATTENTION], "float32", "cpu")
    return found[2].case if found is not None and found[2] is not None else None


def test_answers_of_the_right_form_can_be_judged() -> None:
    assert verdict((ONE, RIGHT), (TURNED, RIGHT)) is None
    assert verdict() is None


def test_a_wrong_form_misbehaves() -> None:
    wrong = Outcome("ok", (output((4, 5)),))

    assert verdict((ONE, RIGHT), (TURNED, wrong)) == (
        VerdictKind.MISBEHAVES,
        "it returns c of shape (4, 5) where (5, 4) belongs",
    )
    assert case_shown((ONE, RIGHT), (TURNED, wrong)) is TURNED


def test_what_is_not_there_is_not_run() -> None:
    """Whatever else happens, since nothing can be said of it."""
    assert verdict((ONE, RAISES), (ONE, trouble("unavailable", "", "no such device: cuda"))) == (
        VerdictKind.NOT_RUN,
        "no such device: cuda",
    )


def test_what_answers_other_calls_is_there() -> None:
    """A kernel that says so of a missing package at some sizes fails there."""
    found = verdict((ONE, RIGHT), (ONE, trouble("unavailable", "", "No module named 'fast'")))

    assert found is not None
    assert found[0] is VerdictKind.FAILS
    assert "it cannot be run here" in found[1]


def test_what_raises_fails_and_says_where() -> None:
    assert verdict((ONE, RAISES), (TURNED, RAISES)) == (VerdictKind.FAILS, "it raises: ValueError: bad\nfile.py:3: f")
    assert verdict((ONE, trouble("timeout"))) == (
        VerdictKind.FAILS,
        "it does not come back in time: ValueError: bad",
    )


LEFT_OUT = "with a leading batch axis it raises: ValueError: bad; --claim batch=0 leaves it out"
LOST: Sequence[tuple[str, Case, VerdictKind, str]] = (
    ("an empty case", EMPTY, VerdictKind.MISBEHAVES, "on empty input it raises: ValueError: bad"),
    ("a transposed case", TURNED, VerdictKind.MISBEHAVES, "on transposed inputs it raises: ValueError: bad"),
    ("a batch", BATCHED, VerdictKind.FAILS, LEFT_OUT),
)


@pytest.mark.parametrize(("case", "kind", "says"), [row[1:] for row in LOST], ids=[row[0] for row in LOST])
def test_what_breaks_on_one_kind_of_input_alone_says_so(case: Case, kind: VerdictKind, says: str) -> None:
    """And is that no longer where ordinary input breaks it too, or where there is no other."""
    assert verdict((ONE, RIGHT), (case, RAISES)) == (kind, says)
    assert case_shown((ONE, RIGHT), (case, RAISES)) is case
    assert verdict((case, RAISES)) == (VerdictKind.FAILS, "it raises: ValueError: bad\nfile.py:3: f")
    assert case_shown((case, RAISES), (ONE, RAISES), (ONE, RIGHT)) is (ONE if case is EMPTY else case)
    assert verdict((case, RAISES), (ONE, RAISES), (ONE, RIGHT)) == (
        VerdictKind.FAILS,
        "it raises: ValueError: bad\nfile.py:3: f",
    )


def test_what_needs_a_batch_axis_says_so() -> None:
    says = "without a batch axis it raises: ValueError: bad; --claim batch=1 leaves it out"

    assert verdict((ONE, RAISES), (BATCHED, RIGHT)) == (VerdictKind.FAILS, says)
    assert verdict((ONE, RAISES), (BATCHED, RAISES)) == (
        VerdictKind.FAILS,
        "it raises: ValueError: bad\nfile.py:3: f",
    )


def test_a_message_is_not_said_twice() -> None:
    alone = Outcome("raised", trouble=Trouble("TypeError", "bad", "TypeError: bad"))

    assert verdict((ONE, alone)) == (VerdictKind.FAILS, "it raises: TypeError: bad")


def test_breaking_on_two_kinds_of_input_is_failing() -> None:
    assert verdict((ONE, RIGHT), (TURNED, RAISES), (BATCHED, RAISES)) == (
        VerdictKind.FAILS,
        "it raises: ValueError: bad\nfile.py:3: f",
    )


def test_a_recorded_case_has_a_batch_that_may_be_left_out() -> None:
    """Its arrays tell how many axes there are, also where what it is made from is not known."""
    array: Array = np.zeros((2, 3, 3))
    recorded = Case({"q": array, "k": array, "v": array}, {}, origin="layer.npz")
    drawn = replace(recorded, description=Description((), batch=(2,)))

    assert verdict((ONE, RIGHT), (recorded, RAISES)) == (VerdictKind.FAILS, LEFT_OUT)
    assert verdict((ONE, RIGHT), (drawn, RAISES)) == (VerdictKind.FAILS, LEFT_OUT)
