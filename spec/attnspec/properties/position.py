"""What must hold of positions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from attnspec.equations import position
from attnspec.properties._parts import rolled, without
from attnspec.properties.law import Arguments, Equal, Function, Relation, holds


@holds(position.add, kills=("the result/drop/a", "the result/name/a-e"))
def position_of_zeros_changes_nothing(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where the vectors of the positions are 0 the input stays."""
    yield Equal(f(**without(a, "e")), a["a"])


@holds(position.add, kills=("the result/drop/e", "the result/name/e-a"))
def empty_input_leaves_the_position(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where the input is 0 the position is left."""
    yield Equal(f(**without(a, "a")), a["e"])


@holds(position.add, kills=("the result/drop/a", "the result/drop/e"))
def equal_inputs_are_told_apart(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where one input stands at every position, outputs differ as the positions do."""
    alike = {**a, "a": np.broadcast_to(a["a"][:1], a["a"].shape)}
    yield Equal(f(**alike), a["a"][:1] + a["e"])


@holds(position.add, kills=("the result/transpose/a", "the result/transpose/e"))
def positions_move_with_their_rows(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the positions permuted, in the input and in the table, the outputs are permuted."""
    yield Equal(f(**rolled(position.add, a, "t")), np.roll(f(**a), 1, axis=0))
