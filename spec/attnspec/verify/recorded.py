"""Recorded inputs: arrays that somebody hands over, to be asked beside the drawn ones or in place of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError
from attnspec.verify._files import Arrays, look, read

NUMBERED = re.compile(r"(\d+)/(.+)")
"""An array of one case of several: its number, and its name."""

Inputs = str | os.PathLike[str] | Mapping[str, Any]
"""A file, or arrays by name."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded case, as it was handed over.

    Attributes:
        name: where it is from, as a verdict says it.
        arrays: by the names that the file has for them.
    """

    name: str
    arrays: Arrays


def listed(inputs: Inputs | Iterable[Inputs] | None) -> tuple[Inputs, ...]:
    """One or several, as several."""
    if inputs is None:
        return ()
    return (inputs,) if isinstance(inputs, str | os.PathLike | Mapping) else tuple(inputs)


def present(inputs: Sequence[Inputs]) -> None:
    """Refuse files that cannot be read, before anything is started.

    Raises:
        SpecError: no such file, or of another kind.
    """
    for each in inputs:
        if not isinstance(each, Mapping):
            look(os.fspath(each))


def recorded(inputs: Sequence[Inputs]) -> tuple[Recorded, ...]:
    """Every case that is handed over, in order; what has no number in a file belongs to each of its cases.

    Raises:
        SpecError: a file cannot be read, or there is nothing in it.
    """
    found: list[Recorded] = []
    for place, each in enumerate(inputs):
        if isinstance(each, Mapping):
            name, arrays = f"inputs[{place}]" if len(inputs) > 1 else "inputs", _handed_over(each)
        else:
            name, arrays = os.fspath(each), read(os.fspath(each))
        numbered = {key: match for key in arrays if (match := NUMBERED.fullmatch(key))}
        shared = {key: array for key, array in arrays.items() if key not in numbered}
        for number in sorted({int(match[1]) for match in numbered.values()}):
            own = {match[2]: arrays[key] for key, match in numbered.items() if int(match[1]) == number}
            found.append(Recorded(f"{name}, case {number}", {**shared, **own}))
        if not numbered:
            found.append(Recorded(name, shared))
    return tuple(found)


def _handed_over(arrays: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Arrays of any framework, as NumPy has them; it has no bfloat16."""
    if not arrays:
        raise SpecError("inputs is empty", given="no array", expected="arrays by the names of the parameters")
    found = {}
    for name, array in arrays.items():
        if hasattr(array, "detach"):
            array = array.detach().cpu()
            array = (array.double() if array.is_floating_point() else array).numpy()
        found[name] = np.asarray(array)
    return found
