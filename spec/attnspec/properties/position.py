"""What must hold of positions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import position
from attnspec.language.equation import Equation
from attnspec.properties.property import Arguments, Equal, Function, Relation, property_of
from attnspec.properties.shared import of_each, rolled, without


@property_of(position.add, kills=("the result/drop/a", "the result/name/a-e"))
def position_of_zeros_changes_nothing(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where the vectors of the positions are 0 the input stays."""
    yield Equal(f(**without(a, "e")), a["a"])


@property_of(position.add, kills=("the result/drop/e", "the result/name/e-a"))
def empty_input_leaves_the_position(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where the input is 0 the position is left."""
    yield Equal(f(**without(a, "a")), a["e"])


@property_of(position.add, kills=("the result/drop/a", "the result/drop/e"))
def equal_inputs_are_told_apart(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where one input stands at every position, outputs differ as the positions do."""
    alike = {**a, "a": np.broadcast_to(a["a"][:1], a["a"].shape)}
    yield Equal(f(**alike), a["a"][:1] + a["e"])


@property_of(position.add, kills=("the result/transpose/a", "the result/transpose/e"))
def positions_move_with_their_rows(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the positions permuted, in the input and in the table, the outputs are permuted."""
    yield Equal(f(**rolled(position.add, a, "t")), np.roll(f(**a), 1, axis=0))


@property_of(position.learned, kills=("pos/drop/i", "pos/constant/double", "rows_from_one"))
def each_row_gets_its_own(f: Function, a: Arguments) -> Iterator[Relation]:
    """To the first row of the input the first row of the table is added, and so on."""
    yield Equal(f(**a), a["a"] + a["P"][: len(a["a"])])


@property_of(position.learned, kills=("rows_from_one",), least={"t": 1})
def rest_of_the_table_is_not_read(f: Function, a: Arguments) -> Iterator[Relation]:
    """The table may end with the input."""
    yield Equal(f(**{**a, "P": a["P"][: len(a["a"])]}), f(**a))


@property_of(position.learned, kills=("x/drop/a_i", "x/drop/P_{[pos_i]}"))
def table_of_zeros_changes_nothing(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where the table is 0 the input stays; where the input is 0 the table's first rows are left."""
    yield Equal(f(**without(a, "P")), a["a"])
    yield Equal(f(**without(a, "a")), a["P"][: len(a["a"])])


TABLES = (position.sinusoidal, position.sinusoidal_halves, position.sinusoidal_tensor2tensor)


@of_each(dict.fromkeys(TABLES, ()))
def longer_tables_begin_with_shorter(e: Equation[..., Any], f: Function, a: Arguments) -> Iterator[Relation]:
    """A table for more positions begins with that for fewer: it never ends, as a learned one does."""
    yield Equal(f(**{**a, "t": a["t"] + 3})[: a["t"]], f(**a))


@of_each({
    position.sinusoidal: ("positions_from_one", "e/exchange", "e/function/cos"),
    position.sinusoidal_halves: ("e/exchange", "e/function/cos"),
}, least={"t": 1})  # fmt: skip
def position_0_is_sines_and_cosines_of_0(e: Equation[..., Any], f: Function, a: Arguments) -> Iterator[Relation]:
    """At the first position no wave has begun: as many zeros as there are sines, and ones."""
    first = f(**a)[0]
    where = slice(1, None, 2) if e is position.sinusoidal else slice((a["d"] + 1) // 2, None)
    expected = np.zeros(a["d"])
    expected[where] = 1
    yield Equal(first, expected)


@property_of(position.sinusoidal, kills=("exponent_by_column", "e/function/no-sin"), least={"t": 3, "d": 4})
def the_next_position_is_a_rotation(f: Function, a: Arguments) -> Iterator[Relation]:
    """In each whole pair of columns, the row of the next position is the row turned by a fixed angle."""
    pairs = slice(0, a["d"] // 2 * 2)
    sine, cosine = f(**a)[:, pairs][:, 0::2], f(**a)[:, pairs][:, 1::2]
    yield Equal(sine[1:], sine[:-1] * cosine[1] + cosine[:-1] * sine[1])
    yield Equal(cosine[1:], cosine[:-1] * cosine[1] - sine[:-1] * sine[1])


@property_of(position.sinusoidal_halves, kills=("position.sinusoidal",), least={"d": 3, "t": 2})
def halves_are_the_same_columns(f: Function, a: Arguments) -> Iterator[Relation]:
    """The columns of sinusoidal, those of sines before those of cosines."""
    table = np.asarray(position.sinusoidal(**a))
    yield Equal(f(**a), np.concatenate([table[:, 0::2], table[:, 1::2]], axis=1))


@property_of(position.sinusoidal_tensor2tensor, kills=("position.sinusoidal_halves",), least={"d": 4, "t": 2})
def the_slowest_wave_is_10000_times_slower(f: Function, a: Arguments) -> Iterator[Relation]:
    """The last of the d/2 waves turns by 1/10000 a position."""
    last = a["d"] // 2 - 1
    yield Equal(f(**a)[:, last], np.sin(np.arange(a["t"]) / 10000))
