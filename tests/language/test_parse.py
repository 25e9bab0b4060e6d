"""What the notation does not have is refused at its line, with the words that were written: nothing is left out."""

from __future__ import annotations

import pytest

from attnspec.errors import NotationError
from trees import LINES, SIGNATURE, probe

LINE = f"def f({SIGNATURE}):{LINES}return".count("\n") + 1
"""The line of a probe that returns."""


@pytest.mark.parametrize(
    ("expression", "given"),
    [
        ("h[1:]", "1:"),
        ("h[..., 0]", "..."),
        ("h[None]", "None"),
        ("softmax(i, e[i, j], axis=1)", None),
        ("sum(j, e[i, j], keepdims=True)", None),
        ("sum(j, e[i, j], where=mask[i, j], axis=0)", None),
        ("max(j, e[i, j], initial=0)", None),
        ("sum(e)", None),
        ("e.sum(axis=0)", None),
        ("tanh(a, out=b)", None),
        ("scan(t, lambda u, v: u, h_0, reverse=True)", None),
        ("K.T", None),
        ("a.reshape(3)", None),
        ("a if s > 0 else b", None),
        ("a < b < r", None),
        ("a and b", None),
        ("[a for k in b]", None),
        ("print(a)", None),
        ("unknown", None),
        ("'text'", None),
    ],
)
def test_nothing_is_left_out_in_silence(expression: str, given: str | None) -> None:
    """Slices, axes, keywords and methods of arrays are not in the notation, and no equation is made without them."""
    with pytest.raises(NotationError) as caught:
        probe(expression)

    assert caught.value.headline.startswith(f"probe.py:{LINE}: f ")
    assert caught.value.given == (given or expression)
    assert caught.value.expected
