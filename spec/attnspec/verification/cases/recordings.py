"""Recordings: the arrays of one case each, from the files and mappings that a caller passes as inputs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError
from attnspec.verification.cases.recorded_files import check_readable, layouts_in, read_arrays

Inputs = str | os.PathLike[str] | Mapping[str, Any]
"""The path of a file, or arrays of any framework by name."""

Arrays = Mapping[str, NDArray[Any]]

NUMBERED = re.compile(r"(\d+)/(.+)")
"""The name of an array of one of several cases: the number of the case, and the array's own name."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The arrays of one recorded case.

    Attributes:
        source: where they come from, for verdicts and errors: "layer.npz, case 3".
        arrays: the arrays by the names that they have in the file.
        layout: how the arrays are to lie in memory, one of `LAYOUTS`.
    """

    source: str
    arrays: Arrays
    layout: str = "contiguous"


def as_tuple(inputs: Inputs | Iterable[Inputs] | None) -> tuple[Inputs, ...]:
    """Return one or several inputs as a tuple."""
    if inputs is None:
        return ()
    return (inputs,) if isinstance(inputs, str | os.PathLike | Mapping) else tuple(inputs)


def check_inputs(inputs: Sequence[object]) -> None:
    """Check that all files exist and are of a kind that can be read, without reading them.

    Raises:
        SpecError: a file does not, or is not; or an input is neither a file nor arrays by name.
    """
    for item in inputs:
        if not isinstance(item, str | os.PathLike | Mapping):
            expected = 'a path, or arrays by name, such as {"q": array}'
            raise SpecError("no recorded case", given=f"inputs of {type(item).__name__}", expected=expected)
        if not isinstance(item, Mapping):
            check_readable(os.fspath(item))


def recordings(inputs: Sequence[Inputs]) -> tuple[Recording, ...]:
    """Return every recorded case, in order. Arrays without a number belong to each case of their file.

    Raises:
        SpecError: a file cannot be read, or has no array.
    """
    cases: list[Recording] = []
    for position, item in enumerate(inputs):
        if isinstance(item, Mapping):
            source, arrays = f"inputs[{position}]" if len(inputs) > 1 else "inputs", as_numpy(item)
        else:
            source, arrays = os.fspath(item), read_arrays(os.fspath(item))
        cases += _cases(source, arrays, () if isinstance(item, Mapping) else layouts_in(source))
    return tuple(cases)


def _cases(source: str, arrays: Arrays, layouts: Sequence[str]) -> list[Recording]:
    numbered = {name: match for name in arrays if (match := NUMBERED.fullmatch(name))}
    shared = {name: array for name, array in arrays.items() if name not in numbered}
    if not numbered:
        return [Recording(source, shared, *layouts[:1])]
    cases = []
    for number in sorted({int(match[1]) for match in numbered.values()}):
        own = {match[2]: arrays[name] for name, match in numbered.items() if int(match[1]) == number}
        layout = layouts[number] if number < len(layouts) else "contiguous"
        cases.append(Recording(f"{source}, case {number}", {**shared, **own}, layout))
    return cases


def as_numpy(arrays: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return arrays of any framework as NumPy arrays; floating-point tensors as float64, which holds bfloat16 too."""
    if not arrays:
        raise SpecError("inputs is empty", given="no array", expected="arrays by the names of the parameters")
    converted = {}
    for name, array in arrays.items():
        if hasattr(array, "detach"):
            array = array.detach().cpu()
            array = (array.double() if array.is_floating_point() else array).numpy()
        converted[name] = np.asarray(array)
    return converted
