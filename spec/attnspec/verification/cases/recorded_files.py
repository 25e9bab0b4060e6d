"""Files of recorded arrays: .npz and .safetensors, read as NumPy arrays by name. Nothing in them is ever executed."""

from __future__ import annotations

import importlib.util
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError
from attnspec.verification.cases.case import LAYOUTS

SUFFIXES = (".npz", ".safetensors")

SAFETENSORS_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip
"""The dtypes of safetensors that are read, with NumPy's names. Those left out have floats of fewer than 16 bits."""


FACTS = "attnspec"
"""The name of the entry of an .npz file in which attnspec keeps what it knows of the cases, as JSON."""


def check_readable(path: str) -> None:
    """Check that a file exists and is of a kind that can be read, without reading it.

    Raises:
        SpecError: there is no such file, it is of another kind, or the package that reads it is not installed.
    """
    suffix = Path(path).suffix
    if suffix not in SUFFIXES:
        expected = " or ".join(SUFFIXES)
        raise SpecError(f"{path} is not a file of recorded inputs", given=suffix or "no suffix", expected=expected)
    if suffix == ".safetensors" and importlib.util.find_spec("safetensors") is None:
        raise SpecError(
            f"cannot read {path}: the package safetensors is not installed",
            given=path,
            mend='pip install "attnspec[inputs]", or record .npz',
        )
    if not Path(path).is_file():
        problem = "is a folder" if Path(path).is_dir() else "does not exist"
        raise SpecError(f"cannot read recorded inputs: {path} {problem}", given=os.path.abspath(path))


def read_arrays(path: str) -> dict[str, NDArray[Any]]:
    """Return every array of a file by its name.

    Raises:
        SpecError: the file cannot be read, is corrupt, or has no array.
    """
    check_readable(path)
    try:
        arrays = _read_safetensors(path) if path.endswith(".safetensors") else _read_npz(path)
    except OSError as error:
        raise SpecError(f"cannot read recorded inputs: {error.strerror}", given=path) from error
    if not arrays:
        raise SpecError(f"{path} is empty", given="no array", expected="arrays by the names of the parameters")
    return arrays


def read_facts(path: str) -> dict[str, Any]:
    """Return what attnspec has written to an .npz file beside the arrays; empty if it wrote nothing.

    Raises:
        SpecError: the file cannot be read, or is corrupt.
    """
    check_readable(path)
    if path.endswith(".safetensors"):
        return {}
    if not zipfile.is_zipfile(path):
        raise _corrupt(path, "not a zip archive, which an .npz is")
    try:
        with np.load(path, allow_pickle=False) as file:
            facts = json.loads(str(file[FACTS])) if FACTS in file.files else {}
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise _corrupt(path, str(error)) from error
    if not isinstance(facts, dict):
        raise _corrupt(path, f"{FACTS} is not a JSON object")
    return facts


def layouts_in(path: str) -> list[str]:
    """Return the memory layouts of the cases of a file; empty if it has none."""
    layouts = read_facts(path).get("layouts", [])
    return [each if each in LAYOUTS else "contiguous" for each in layouts] if isinstance(layouts, list) else []


def _read_npz(path: str) -> dict[str, NDArray[Any]]:
    if not zipfile.is_zipfile(path):
        raise _corrupt(path, "not a zip archive, which an .npz is")
    name = ""
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with np.load(path, allow_pickle=False) as file:
            for name in file.files:
                if name != FACTS:
                    arrays[name] = np.asarray(file[name])
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise _corrupt(path, f"{name}: {error}" if name else str(error)) from error
    return arrays


def _read_safetensors(path: str) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError, deserialize

    try:
        entries = deserialize(Path(path).read_bytes())  # type: ignore[no-untyped-call]  # its stub has no types
    except SafetensorError as error:
        raise _corrupt(path, str(error)) from error
    arrays: dict[str, NDArray[Any]] = {}
    for name, entry in entries:
        dtype = str(entry["dtype"])
        if dtype not in SAFETENSORS_DTYPES:
            expected = ", ".join(SAFETENSORS_DTYPES)
            raise SpecError(f"{path}: {name} has a dtype that is not read", given=dtype, expected=expected)
        array = np.frombuffer(entry["data"], dtype=SAFETENSORS_DTYPES[dtype])
        if dtype == "BF16":
            array = (array.astype(np.uint32) << 16).view(np.float32)
        arrays[name] = array.reshape(entry["shape"])
    return arrays


def _corrupt(path: str, reason: str) -> SpecError:
    return SpecError(f"{path} is corrupt, or is not {Path(path).suffix}", given=reason, mend="record it anew")
