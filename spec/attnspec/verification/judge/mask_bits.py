"""Bits of masks: whether cases would show a candidate that ignores a mask at its first, inner or last places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from types import EllipsisType
from typing import Any

from attnspec.language.equation import Equation
from attnspec.verification.cases.case import Case
from attnspec.verification.judge.mutant_values import differ_where_finite, sample_cases, stacked, values
from attnspec.verification.judge.mutation_score import differs, grouped_by_case
from attnspec.verification.judge.residuals import Compared

PLACES: dict[str, slice] = {"first": slice(0, 1), "inner": slice(1, -1), "last": slice(-1, None)}
"""Places along an axis. An axis of one place has only a first one."""


@dataclass(frozen=True, slots=True)
class MaskBits:
    """Bits of one mask, at certain places, taken for true or for false whatever they are.

    Attributes:
        mask: the argument.
        axes: {size of an axis: places along it} as pairs, one of `PLACES` each.
        value: what they are taken for.
    """

    mask: str
    axes: tuple[tuple[str, str], ...]
    value: bool

    @property
    def says(self) -> str:
        """The bits in words, such as "mask at the first n and the last m where it is False"."""
        places = " and ".join(f"the {place} {size}" for size, place in self.axes)
        return f"{self.mask} at {places} where it is {not self.value}"

    def taken(self, case: Case) -> Case | None:
        """The case with these bits taken so; None if the case has no such places, or they are so already."""
        bits = case.arrays[self.mask].copy()
        lengths = bits.shape[bits.ndim - len(self.axes) :]
        if any(length < 2 and place == "last" for length, (_, place) in zip(lengths, self.axes, strict=True)):
            return None
        at: tuple[EllipsisType | slice, ...] = (..., *(PLACES[place] for _, place in self.axes))
        if (bits[at] == self.value).all():
            return None
        bits[at] = self.value
        return replace(case, arrays={**case.arrays, self.mask: bits})


def unread_bits(equation: Equation[..., Any], compared: Sequence[Compared]) -> list[MaskBits]:
    """The bits that matter to an equation, of which no case of a judgement shows whether they are read."""
    remaining = [*effective_bits_of(equation)]
    for outputs in sorted(grouped_by_case(compared), key=lambda outputs: outputs[0].case.elements):
        if not remaining:
            break
        remaining = [bits for bits in remaining if not _shows(bits, equation, outputs)]
    return remaining


@lru_cache(maxsize=256)
def effective_bits_of(equation: Equation[..., Any]) -> tuple[MaskBits, ...]:
    """The bits of the masks of an equation that change its value on some case."""
    all_bits = [*_bits(equation)]
    if not all_bits:
        return ()
    cases = stacked([case for case in sample_cases(equation) if case.finite])
    right = [(case, values(equation.definition, case)) for case in cases]
    return tuple(bits for bits in all_bits if any(_differs(bits, equation, *pair) for pair in right))


def _bits(equation: Equation[..., Any]) -> Iterator[MaskBits]:
    for parameter in equation.definition.parameters:
        if parameter.kind == "bool" and parameter.dims:
            for places, value in product(product(PLACES, repeat=len(parameter.dims)), (True, False)):
                axes = zip(map(str, parameter.dims), places, strict=True)
                yield MaskBits(parameter.name, tuple(axes), value)


def _differs(bits: MaskBits, equation: Equation[..., Any], case: Case, right: tuple[Any, ...] | None) -> bool:
    changed = bits.taken(case)
    wrong = values(equation.definition, changed) if changed is not None else None
    return wrong is not None and right is not None and differ_where_finite([*wrong], [*right])


def _shows(bits: MaskBits, equation: Equation[..., Any], outputs: Sequence[Compared]) -> bool:
    """Whether a candidate that takes bits so would have failed a case."""
    changed = bits.taken(outputs[0].case)
    wrong = values(equation.definition, changed) if changed is not None else None
    return wrong is not None and any(differs(wrong[each.output], each) for each in outputs)
