"""Messages arrive as they were sent, and whatever else a candidate's process sends is refused with a `WireError`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnspec.errors import TargetError
from attnspec.implementation import Claim, Implementation
from attnspec.verification.sandbox.binding import Parameter
from attnspec.verification.sandbox.messages import (
    Begun,
    Command,
    Gradients,
    Load,
    Loaded,
    LoadFailure,
    Outcome,
    Output,
    PlainRequest,
    Ready,
    Recorded,
    Reply,
    Request,
    Trouble,
)
from attnspec.verification.sandbox.plain_values import MAX_DEPTH
from attnspec.verification.sandbox.protocol import check_fields, to_command, to_frame, to_reply
from attnspec.verification.sandbox.targets import CallableInfo, File, MissingPackage, Module, Pickled
from attnspec.verification.sandbox.wire import Array, Frame, Inbox, WireError, encode

X = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
INFO = CallableInfo(
    "cells.gru",
    "kernels.cells",
    (
        Implementation("a.first", "numpy", Claim(dtypes=("float32",), smallest={"batch": 1}), {"left": "x"}),
        Implementation("a.second", None, Claim(policy="flash", batch=(0,))),
    ),
    (Parameter("left", "POSITIONAL_ONLY"), Parameter("scale", "KEYWORD_ONLY", True)),
    None,
)
OUTPUT = Output("array of numpy", X, "float32", (2, 2), "cpu")
OUTCOME = Outcome("ok", (OUTPUT, Output("list")), ("x",), ("numpy error state",), None, "forward", True)


def sent(message: Command | Reply) -> Frame:
    """The frame of a message, after its way through the bytes."""
    inbox = Inbox(1 << 20)
    inbox.feed(encode(to_frame(message)))
    frame = inbox.take()
    assert frame is not None
    return frame


def comparable(value: Any) -> Any:
    """A message whose arrays compare by dtype, shape and bytes."""
    if isinstance(value, np.ndarray):
        return value.dtype, value.shape, value.tobytes()
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [comparable(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return type(value), {name: comparable(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


@pytest.mark.parametrize(
    "command",
    [
        Load(File("a.py", "f")),
        Load(Module("package.module")),
        Load(Pickled(b"\x00\xff", "f")),
        Request("f", {"x": X, "i": np.array([1, 2]), "mask": np.array([True])}, {"eps": 1e-5, "heads": 2}),
        Request("f", {}, call_by=[(None, "x"), ("b", "y")], layout="offset", outputs=2, before={"x": X}, times=3),
        Request("f", {"x": X}, gradients=Gradients(("d_y",), ("x",), True, ("dd_x",))),
        PlainRequest("f", {"text": "a", "table": {"a": (1, None, ("b",)), (1, 2): True}}, [(None, "text")]),
        PlainRequest("f", {"n": 1}, earlier={"n": 2}, times=3),
    ],
    ids=lambda command: type(command).__name__,
)
def test_commands_arrive_as_they_were_sent(command: Command) -> None:
    assert comparable(to_command(sent(command))) == comparable(command)


@pytest.mark.parametrize(
    "reply",
    [
        Ready(),
        Begun(),
        Loaded((INFO,), (LoadFailure("no module", "given", "expected", "mend", "missing"),)),
        LoadFailure("no module", "given", "expected", "mend"),
        OUTCOME,
        Outcome(
            "ok", (OUTPUT,), recorded=(Recorded("gates.py", 12, "gru", "r", X), Recorded("gates.py", 13, "gru", "", X))
        ),
        Outcome("raised", trouble=Trouble("ValueError", "no", "frames"), during="backward", broken=True),
        Outcome("ok", answers=(("a", 1, None), {"b": True})),
        Outcome("ok", not_plain="a float at [0]"),
        Outcome("ok", (replace(OUTPUT, dtype="bfloat16"), Output("array of numpy", None, "complex64", (3,), "cpu"))),
    ],
    ids=lambda reply: type(reply).__name__,
)
def test_replies_arrive_as_they_were_sent(reply: Reply) -> None:
    assert comparable(to_reply(sent(reply))) == comparable(reply)


def test_paths_and_numbers_of_numpy_arrive_as_plain_ones() -> None:
    assert to_command(sent(Load(File(Path("a.py"))))) == Load(File("a.py"))
    request = to_command(sent(Request("f", {}, {"eps": np.float64(0.5)})))
    assert isinstance(request, Request)
    assert type(request.options["eps"]) is float


def test_received_arrays_cannot_be_written_to() -> None:
    outcome = to_reply(sent(OUTCOME))

    assert isinstance(outcome, Outcome)
    assert outcome.outputs[0].value is not None
    assert not outcome.outputs[0].value.flags.writeable


def test_a_failure_is_the_error_again() -> None:
    for error in (TargetError("a", given="b", expected="c", mend="d"), MissingPackage("a", mend="d", missing="torch")):
        again = LoadFailure.of(error).error()
        assert type(again) is type(error)
        assert (str(again), getattr(again, "missing", "")) == (str(error), getattr(error, "missing", ""))


def test_text_that_cannot_be_printed_is_escaped() -> None:
    """JSON may hold half of a surrogate pair, which no output accepts."""
    outcome = to_reply(sent(Outcome("raised", trouble=Trouble("ValueError", "bad \udc80"))))

    assert isinstance(outcome, Outcome)
    assert str(outcome.trouble) == "ValueError: bad \\udc80"


@pytest.mark.parametrize("value", [object(), b"", 1.5, {1: object()}])
def test_what_is_not_of_its_type_is_not_sent(value: Any) -> None:
    with pytest.raises(WireError):
        check_fields(replace(INFO, name=value))


def test_fields_are_checked_before_a_description_is_sent() -> None:
    finite: Any = 1
    claim = Claim(finite=finite)

    assert check_fields(INFO) == INFO
    with pytest.raises(WireError, match=r"implementations\[0\]\.claim\.finite: expected bool, not int"):
        check_fields(replace(INFO, implementations=(Implementation("a.b", claim=claim),)))


def fields(message: Command | Reply = OUTCOME) -> dict[str, Any]:
    """The fields of a message as JSON has them, to be made wrong."""
    copy: dict[str, Any] = json.loads(json.dumps(to_frame(message).header["fields"]))
    return copy


def received(kind: Any, values: Any, *arrays: Array) -> Reply:
    return to_reply(Frame({"kind": kind, "fields": values}, arrays))


@pytest.mark.parametrize("name", fields())
def test_every_field_is_needed(name: str) -> None:
    without = {key: value for key, value in fields().items() if key != name}

    with pytest.raises(WireError, match="expected the fields status, outputs"):
        received("Outcome", without, X)


@pytest.mark.parametrize("wrong", [None, 1, 1.5, "text", [], [1], {}, {"mapping": []}, [[]], float("nan")], ids=repr)
@pytest.mark.parametrize("name", fields())
def test_no_field_has_another_type(name: str, wrong: Any) -> None:
    """A wrong value is refused; where it is right it is what is received."""
    optional = {"trouble", "during", "peak_bytes"}
    empty = {"outputs", "changed_inputs", "global_state", "answers", "recorded", "steps"}
    right = (
        (name in optional and wrong is None)
        or (name in empty and wrong == [])
        or (name in {"not_plain", "untraced"} and wrong == "text")
        or (name == "seconds" and isinstance(wrong, int | float))
        or (name in {"peak_bytes", "calls", "varied"} and wrong == 1 and isinstance(wrong, int))
        or (name == "answers" and wrong in ([1], [[]]))
    )
    if right:
        received("Outcome", fields() | {name: wrong}, X)
        return
    with pytest.raises(WireError):
        received("Outcome", fields() | {name: wrong}, X)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"shape": [2, 3]}, "dtype and shape"),
        ({"shape": [float("nan"), 2]}, "expected int, not float"),
        ({"shape": [True, True]}, "expected int, not bool"),
        ({"shape": [10**400, 2]}, "dtype and shape"),
        ({"shape": None}, "dtype and shape"),
        ({"dtype": "float64"}, "dtype and shape"),
        ({"dtype": "complex64"}, "dtype and shape"),
        ({"dtype": None}, "dtype and shape"),
        ({"value": 1}, "not the number of an array"),
        ({"value": -1}, "not the number of an array"),
        ({"value": True}, "not the number of an array"),
        ({"value": 0.0}, "not the number of an array"),
        ({"kind": None}, "expected str"),
        ({"more": 1}, "expected the fields"),
    ],
)
def test_an_output_is_what_it_claims_to_be(change: dict[str, Any], why: str) -> None:
    """Its values have the dtype and the shape that the judge is told; a shape has whole sizes."""
    wrong = fields()
    wrong["outputs"][0] |= change

    with pytest.raises(WireError, match=why):
        received("Outcome", wrong, X)


def deep(levels: int, leaf: Any) -> Any:
    for _ in range(levels):
        leaf = [leaf]
    return leaf


@pytest.mark.parametrize(
    "answer",
    [
        1.0,
        float("nan"),
        deep(MAX_DEPTH + 1, 0),
        {"mapping": [[deep(MAX_DEPTH + 1, 0), 1]]},
        {"mapping": [[{"mapping": []}, 1]]},
        {"mapping": [[1]]},
        {"mapping": [[1, 2, 3]]},
        {"mapping": 1},
        {"other": []},
    ],
    ids=range(9),
)
def test_answers_are_plain(answer: Any) -> None:
    with pytest.raises(WireError):
        received("Outcome", fields(Outcome("ok")) | {"answers": [answer]})


def test_deep_nesting_is_refused_in_any_field() -> None:
    for name in fields():
        with pytest.raises(WireError):
            received("Outcome", fields() | {name: deep(500, 0)}, X)


@pytest.mark.parametrize("kind", [None, 1, [], {}, "Load", "Request", "Output", "outcome", "__class__"], ids=repr)
def test_a_worker_sends_nothing_but_replies(kind: Any) -> None:
    with pytest.raises(WireError):
        received(kind, fields(), X)


def test_a_claim_that_makes_no_sense_is_refused() -> None:
    wrong = fields(Loaded((INFO,)))
    wrong["callables"][0]["implementations"][0]["claim"]["dtypes"] = ["float8"]

    with pytest.raises(WireError, match="no dtype 'float8'"):
        received("Loaded", wrong)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["mapping", "kind", "value", "shape", "type"]), inner, max_size=4)
    ),
    max_leaves=12,
)
KINDS = st.sampled_from(["Outcome", "Loaded", "LoadFailure", "Ready", "Begun"])


@settings(max_examples=100)
@given(header=st.dictionaries(st.sampled_from(["kind", "fields"]), JSON))
def test_arbitrary_json_raises_nothing_but_a_wire_error(header: dict[str, Any]) -> None:
    """Whatever a header holds, decoding it gives a reply or a `WireError`."""
    try:
        to_reply(Frame(header, (X,)))
    except WireError:
        return


@settings(max_examples=200)
@given(data=st.data(), base=st.sampled_from([OUTCOME, Outcome("raised", trouble=Trouble("a", "b")), Loaded((INFO,))]))
def test_a_reply_with_any_one_value_replaced_raises_nothing_but_a_wire_error(data: st.DataObject, base: Reply) -> None:
    """What is nearly a reply is decoded or refused, and what is decoded can be sent again."""
    header: Any = json.loads(json.dumps(to_frame(base).header))
    place = header
    path = data.draw(st.sampled_from(sorted(paths(header), key=str)))
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = data.draw(JSON)
    try:
        reply = to_reply(Frame(header, (X,)))
    except WireError:
        return
    to_frame(reply)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all values within a JSON document."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [place for key, item in items for place in [(*path, key), *paths(item, (*path, key))]]


@given(body=st.binary(max_size=60), header=st.binary(max_size=60))
def test_arbitrary_bytes_raise_nothing_but_a_wire_error(body: bytes, header: bytes) -> None:
    """Whatever bytes arrive, they are a reply, an unfinished frame, or a `WireError`."""
    inbox = Inbox(1 << 10)
    inbox.feed(header + body)
    try:
        while (frame := inbox.take()) is not None:
            to_reply(frame)
    except WireError:
        return
