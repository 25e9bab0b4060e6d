"""What all wrong elements of an output are, such as 0, NaN or those of an argument, and where they are that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from attnspec.interpreters.formula.formula import text_of
from attnspec.language.tree import Definition, Name
from attnspec.thresholds import BY_CHANCE, TELLING_ELEMENTS
from attnspec.verification.candidate.observation import Array
from attnspec.verification.judge.residuals import Compared


def wrong_elements(definition: Definition, wrong: Sequence[Compared], compared: Sequence[Compared], name: str) -> str:
    """Describe that all wrong elements are one number, such as 0, or those of an argument, and where; "" if not.

    That they are those of an argument is said only if it is known where: what is not read may tell more.

    Args:
        wrong: an output in the cases where it is wrong.
        compared: the same output in all cases.
        name: what the output is called.
    """
    number = _number(wrong)
    what = number or next(_arguments(definition, wrong), "")
    if not what:
        return ""
    of_kind = {kind: [each.name for each in definition.parameters if each.kind == kind] for kind in KINDS}
    hidden = (f"{mask} is false" for mask in of_kind["bool"] if all(_hidden(each, mask) for each in wrong))
    by_place = (f"{mask} is false at the same place" for mask in of_kind["bool"] if _at_places(wrong, mask))
    zeros = (f"{_shown(array, definition)} is 0" for array in of_kind["float"] if _at_zeros(wrong, array))
    whole = (f"{_shown(array, definition)} is {value}" for array in of_kind["int"]
             for value in _at_one_number(wrong, compared, array))  # fmt: skip
    where = next(chain(hidden, by_place, zeros, whole), IT_IS_WRONG if number else "")
    return f"{name} is {what} where {where}" if where else ""


KINDS = ("bool", "float", "int")
"""The kinds of arguments."""

IT_IS_WRONG = "it is wrong"
"""Where all wrong elements are one number, if nothing tells where that is."""


def _shown(name: str, definition: Definition) -> str:
    return text_of(Name(name), definition)


def _number(wrong: Sequence[Compared]) -> str:
    """The number that all wrong elements are; "" if they are several, or too few."""
    elements = np.concatenate([comparison.answer[comparison.ratio > 1] for comparison in wrong])
    if np.isnan(elements).all():
        return "NaN"
    same = len(elements) >= TELLING_ELEMENTS and (elements == elements[0]).all()
    return f"{elements[0] + 0:g}" if same else ""


def _arguments(definition: Definition, wrong: Sequence[Compared]) -> Iterator[str]:
    """The arguments that have the wrong elements at the same places."""
    if sum(int((comparison.ratio > 1).sum()) for comparison in wrong) < TELLING_ELEMENTS:
        return
    for parameter in (each for each in definition.parameters if each.kind in KINDS):
        arrays = [comparison.case.arrays[parameter.name] for comparison in wrong]
        pairs = list(zip(wrong, arrays, strict=True))
        if all(array.shape == each.answer.shape for each, array in pairs) and all(
            (each.answer == array)[each.ratio > 1].all() for each, array in pairs
        ):
            yield _shown(parameter.name, definition)


def _at_zeros(wrong: Sequence[Compared], name: str) -> bool:
    """Whether elements are wrong only where an argument of the same shape is 0, and it is not 0 everywhere."""
    arrays = [comparison.case.arrays[name] for comparison in wrong]
    pairs = list(zip(wrong, arrays, strict=True))
    return (
        all(array.shape == each.answer.shape for each, array in pairs)
        and not any(array[each.ratio > 1].any() for each, array in pairs)
        and any(array.any() for array in arrays)
    )


def _at_one_number(wrong: Sequence[Compared], compared: Sequence[Compared], name: str) -> Iterator[str]:
    """The number that a whole number is in all rows that are wrong, if it would rarely be so by chance."""
    found, all_numbers = [], []
    for comparison in compared:
        numbers = comparison.case.arrays[name]
        if numbers.shape != comparison.answer.shape[: numbers.ndim]:
            return
        bad = comparison.ratio > 1
        found.append(numbers[bad.any(axis=tuple(range(numbers.ndim, bad.ndim)))].ravel())
        all_numbers.append(numbers.ravel())
    rows, every = np.concatenate(found), np.concatenate(all_numbers)
    if len(rows) and (rows == rows[0]).all():
        share = float((every == rows[0]).mean())
        if len(np.unique(every)) * share ** len(rows) < BY_CHANCE:
            yield f"{rows[0]:g}"


def _hidden(comparison: Compared, mask: str) -> bool:
    """Whether rows are wrong where a mask is false, and only there."""
    hidden = ~comparison.case.arrays[mask].astype(bool)
    if hidden.ndim >= comparison.answer.ndim or hidden.shape != comparison.answer.shape[: hidden.ndim]:
        return False
    wrong = (comparison.ratio > 1).any(axis=tuple(range(hidden.ndim, comparison.answer.ndim)))
    return bool(wrong.any() and not (wrong & ~hidden).any())


def _at_places(wrong: Sequence[Compared], mask: str) -> bool:
    """Whether rows are wrong at the places at which a mask of another axis is false, as far as this one goes."""
    found = 0
    for comparison in wrong:
        hidden = ~comparison.case.arrays[mask].astype(bool)
        lead = hidden.ndim - 1
        if hidden.ndim >= comparison.answer.ndim or hidden.shape[:lead] != comparison.answer.shape[:lead]:
            return False
        rows: Array = np.any(comparison.ratio > 1, axis=tuple(range(hidden.ndim, comparison.answer.ndim)))
        both = min(hidden.shape[-1], rows.shape[-1])
        if (rows[..., :both] & ~hidden[..., :both]).any():
            return False
        found += int(rows[..., :both].sum())
    return found > 0
