"""Mistakes of software, of all kinds: those that are looked for beyond the known mistakes of an equation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from attnspec.interpreters.mutation.callee_errors import (
    callee_errors,
    conventions_in_halves,
    conventions_with_other_functions,
    lines_of_conventions,
)
from attnspec.interpreters.mutation.condition_errors import condition_errors
from attnspec.interpreters.mutation.fewer_weights import fewer_weights
from attnspec.interpreters.mutation.filled_masks import filled_masks, filled_masks_of_conventions
from attnspec.interpreters.mutation.filter_errors import filter_errors
from attnspec.interpreters.mutation.function_substitutions import (
    function_substitutions,
    over_all_rows,
    regrouped_products,
)
from attnspec.interpreters.mutation.insertions import insertions
from attnspec.interpreters.mutation.integer_divisions import integer_divisions
from attnspec.interpreters.mutation.mask_errors import mask_errors
from attnspec.interpreters.mutation.moved_parts import moved_parts
from attnspec.interpreters.mutation.mutants import Mutant, lookalikes
from attnspec.interpreters.mutation.other_expressions import (
    complements_of_others,
    elements_for_numbers,
    exchanged_values,
    ignored_conditions,
)
from attnspec.interpreters.mutation.partial_sums import other_axes, partial_sums
from attnspec.interpreters.mutation.place_errors import place_errors
from attnspec.interpreters.mutation.reading_errors import reading_errors
from attnspec.interpreters.mutation.reduction_errors import reduction_errors
from attnspec.interpreters.mutation.shared_parts import one_softmax, shared_parts, states_handed_up
from attnspec.interpreters.mutation.size_errors import size_errors
from attnspec.interpreters.mutation.state_errors import state_errors
from attnspec.interpreters.mutation.step_errors import step_errors
from attnspec.interpreters.mutation.sums_beyond import sums_beyond
from attnspec.interpreters.mutation.tiling_errors import tiling_errors
from attnspec.language.equation import Equation

OF_SIZES: Sequence[Callable[..., Iterable[Mutant]]] = (
    tiling_errors, mask_errors, fewer_weights, size_errors, partial_sums, step_errors, place_errors,
)  # fmt: skip
"""Mistakes of software that are made at some sizes alone, or at sizes of tiles."""

OF_SOFTWARE: Sequence[Callable[..., Iterable[Mutant]]] = (
    callee_errors, conventions_with_other_functions, conventions_in_halves, lines_of_conventions,
    function_substitutions, filled_masks, over_all_rows, regrouped_products, tiling_errors, mask_errors,
    condition_errors, fewer_weights, shared_parts, one_softmax, states_handed_up, insertions, reduction_errors,
    size_errors, other_axes, partial_sums, sums_beyond, moved_parts, state_errors, step_errors, integer_divisions,
    place_errors, reading_errors, filter_errors, complements_of_others, ignored_conditions, exchanged_values,
    elements_for_numbers,
)  # fmt: skip
"""The kinds of mistakes of software, in the order in which they are tried."""


def software_mistakes(
    equation: Equation[..., Any], tiles: Iterable[int] = (), sizes_first: bool = False
) -> Iterator[Mutant]:
    """Mistakes of software: another equation or function, an insertion, an error in tiles, weights, sums or places.

    Args:
        tiles: sizes of tiles that are tried besides the usual ones.
        sizes_first: whether those come first that are made at some sizes alone.
    """
    yield from lookalikes(equation)
    yield from filled_masks_of_conventions(equation)
    definition, tiles = equation.definition, [*tiles]
    for make in sorted(OF_SOFTWARE, key=lambda make: sizes_first and make not in OF_SIZES):
        yield from make(definition, tiles) if make in OF_SIZES else make(definition)
