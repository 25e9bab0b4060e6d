"""Frames arrive as they were sent, and what is not a frame is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from attnspec.verification.sandbox.wire import CARRIED, PREFIX, Frame, Inbox, WireError, encode


def take(data: bytes, limit: int = 1 << 20) -> Frame | None:
    inbox = Inbox(limit)
    inbox.feed(data)
    return inbox.take()


def frame(header: object, body: bytes = b"") -> bytes:
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return PREFIX.pack(len(head), len(body)) + head + body


@pytest.mark.parametrize("dtype", CARRIED)
def test_arrays_arrive_bit_for_bit(dtype: str) -> None:
    square = np.arange(6).reshape(2, 3).astype(dtype)
    arrays = [square, square.T, square[0, 0], square[:0], square[::-1, ::2], square.astype(square.dtype.newbyteorder())]

    received = take(encode(Frame({"kind": "greeting", "limit": float("inf")}, tuple(arrays))))

    assert received is not None
    assert (received.header["kind"], received.header["limit"]) == ("greeting", float("inf"))
    for sent, got in zip(arrays, received.arrays, strict=True):
        assert got.dtype.name == dtype
        np.testing.assert_array_equal(got, sent)
        assert not got.flags.writeable


def test_frames_are_cut_out_of_what_comes_in_pieces() -> None:
    inbox = Inbox(1 << 20)
    data = b"".join(encode(Frame({"kind": str(i)}, (np.arange(i),))) for i in range(3))
    kinds = []
    for i in range(0, len(data), 7):
        inbox.feed(data[i : i + 7])
        while (received := inbox.take()) is not None:
            kinds.append((received.header["kind"], len(received.arrays[0])))

    assert kinds == [("0", 0), ("1", 1), ("2", 2)]


NOT_FRAMES = [
    frame(b"no json"),
    frame(b"\xff\xfe"),
    frame([]),
    frame({}),
    frame({"arrays": 1}),
    frame({"arrays": [["float64", [1]]]}),
    frame({"arrays": [["float64", [1]]]}, bytes(16)),
    frame({"arrays": [["float64", [-1]]]}),
    frame({"arrays": [["float64", [True]]]}, bytes(8)),
    frame({"arrays": [["float64", [float("nan")]]]}, bytes(8)),
    frame({"arrays": [["float64", [1.0]]]}, bytes(8)),
    frame({"arrays": [["float64", "1"]]}, bytes(8)),
    frame({"arrays": [[["float64"], [1]]]}, bytes(8)),
    frame({"arrays": [["float64", [1 << 70]]]}, bytes(8)),
    frame({"arrays": [["object", [1]]]}, bytes(8)),
    frame(b"[" * 100_000),
    PREFIX.pack(10, 1 << 40),
    frame({"arrays": [["float64", [0, 1 << 70]]]}),
]


@pytest.mark.parametrize("data", NOT_FRAMES, ids=range(len(NOT_FRAMES)))
def test_what_is_not_a_frame_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        take(data)


def test_truth_values_are_only_two() -> None:
    received = take(frame({"arrays": [["bool", [3]]]}, b"\x00\x01\xff"))

    assert received is not None
    assert received.arrays[0].view(np.uint8).tolist() == [0, 1, 1]
