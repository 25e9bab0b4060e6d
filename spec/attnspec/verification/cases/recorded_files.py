"""Files of recorded arrays: .npz and .safetensors, as NumPy arrays by name."""

from __future__ import annotations

import importlib.util
import os
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError

Arrays = Mapping[str, NDArray[Any]]


KINDS = (".npz", ".safetensors")


TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip
"""The types of safetensors that are read, each as NumPy has it; what is left out has fewer than 16 bits."""


def look(path: str) -> None:
    """Refuse what cannot be read, before anything is read.

    Raises:
        SpecError: no such file, another kind of file, or the package that reads it is not installed.
    """
    kind = Path(path).suffix
    if kind not in KINDS:
        raise SpecError(f"{path} is no file of recorded inputs", given=kind or "no suffix", expected=" or ".join(KINDS))
    if kind == ".safetensors" and importlib.util.find_spec("safetensors") is None:
        raise SpecError(
            f"cannot read {path}: the package safetensors is not installed",
            given=path,
            mend='pip install "attnspec[inputs]", or record .npz',
        )
    if not Path(path).is_file():
        what = "is a folder" if Path(path).is_dir() else "is not there"
        raise SpecError(f"cannot read recorded inputs: {path} {what}", given=os.path.abspath(path))


def read(path: str) -> dict[str, NDArray[Any]]:
    """Every array of a file.

    Raises:
        SpecError: it cannot be read, it is not what its name says, or there is nothing in it.
    """
    look(path)
    try:
        found = _safetensors(path) if path.endswith(".safetensors") else _npz(path)
    except OSError as error:
        raise SpecError(f"cannot read recorded inputs: {error.strerror}", given=path) from error
    if not found:
        raise SpecError(f"{path} is empty", given="no array", expected="arrays by the names of the parameters")
    return found


def _npz(path: str) -> dict[str, NDArray[Any]]:
    """Nothing is unpickled: what a file says is never run."""
    if not zipfile.is_zipfile(path):
        raise _corrupt(path, "it is no zip archive, which an .npz is")
    name = ""
    try:
        with np.load(path, allow_pickle=False) as file:
            found: dict[str, NDArray[Any]] = {}
            for name in file.files:
                found[name] = np.asarray(file[name])
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise _corrupt(path, f"{name}: {error}" if name else str(error)) from error
    return found


def _safetensors(path: str) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError, deserialize

    try:
        entries = deserialize(Path(path).read_bytes())  # type: ignore[no-untyped-call]  # its stub has no types
    except SafetensorError as error:
        raise _corrupt(path, str(error)) from error
    found: dict[str, NDArray[Any]] = {}
    for name, entry in entries:
        kind = str(entry["dtype"])
        if kind not in TYPES:
            raise SpecError(f"{path}: {name} is of a type that is not read", given=kind, expected=", ".join(TYPES))
        array = np.frombuffer(entry["data"], dtype=TYPES[kind])
        if kind == "BF16":
            array = (array.astype(np.uint32) << 16).view(np.float32)
        found[name] = array.reshape(entry["shape"])
    return found


def _corrupt(path: str, why: str) -> SpecError:
    return SpecError(f"{path} is corrupt, or no {Path(path).suffix} at all", given=why, mend="record it anew")


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
