"""Symbolic sizes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from attnspec.language.dims import Dim, parts

SIZES = ("m", "n", "B", "s")
EXPRESSIONS = st.recursive(
    st.sampled_from([*SIZES, "0", "1", "3"]),
    lambda inner: (
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda each: f"({each[0]}){each[1]}({each[2]})")
        | st.tuples(inner, inner).map(lambda each: f"ceil(({each[0]})/({each[1]}))")
    ),
    max_leaves=6,
)


@given(EXPRESSIONS, st.tuples(*[st.integers(0, 9)] * len(SIZES)))
def test_what_a_size_is_shown_as_is_read_as_that_size(text: str, values: tuple[int, ...]) -> None:
    """`Dim.parse(str(size))` is the size, quotients in quotients too; and it has the value of the text."""
    size, sizes = Dim.parse(text), dict(zip(SIZES, values, strict=True))

    assert Dim.parse(str(size)) == size
    assert Dim.parse(str(size)).value(sizes) == size.value(sizes)


def test_a_quotient_has_two_parts() -> None:
    inner = Dim.parse("ceil(m/B)")
    ((name,), _) = inner.steps(Dim.parse("s+1")).terms[0]

    assert parts(name) == (inner, Dim.parse("s+1"))
    assert str(Dim.parse("ceil((m-n)/s)")) == "⌈(m-n)/s⌉"
