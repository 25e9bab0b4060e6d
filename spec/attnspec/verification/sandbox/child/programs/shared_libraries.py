"""Functions of shared libraries with the C interface of attnspec.h."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attnspec.errors import TargetError, nearest
from attnspec.implementation import DTYPES
from attnspec.verification.sandbox.child.programs.program import Inputs, Program, Shape

MOST_AXES, MOST_OUTPUTS = 8, 16

TAKES = re.compile(rb"\0(\w+)_takes(?=\0)")
"""The name of a function in a table of symbols that says what it takes."""


class CArray(ctypes.Structure):
    """`struct attnspec_array` of attnspec.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("dtype", ctypes.c_char_p),
        ("axes", ctypes.c_int64),
        ("shape", ctypes.c_int64 * MOST_AXES),
        ("data", ctypes.c_void_p),
    )


def load(path: Path, name: str) -> dict[str, Program]:
    """The functions of a library, by name: one, or all that say what they take.

    Raises:
        TargetError: it cannot be loaded, or has no such function.
    """
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        mend = "compile it for this machine, with -shared -fPIC"
        raise TargetError(f"{path.name} cannot be loaded", given=str(error), mend=mend) from error
    known = sorted({match.decode() for match in TAKES.findall(path.read_bytes())})
    names = [name] if name else known
    if not names or any(not hasattr(library, f"{each}{end}") for each in names for end in ("", "_takes")):
        raise TargetError(
            f"{path.name} has no function {name}".rstrip() + " with the interface of attnspec.h",
            given=name or path.name,
            expected=", ".join(known) or "a function NAME, and NAME_takes, which returns its parameters",
            mend=nearest(name, known) or "docs/any-language.md has the interface",
        )
    return {each: LibraryFunction(library, each) for each in names}


class LibraryFunction(Program):
    """A function of a shared library.

    Raises:
        TargetError: what it takes cannot be read.
    """

    untraced = "it is machine code"

    def __init__(self, library: ctypes.CDLL, name: str) -> None:
        self._name, self._function, takes = name, library[name], library[f"{name}_takes"]
        self._function.restype, takes.restype = ctypes.c_int64, ctypes.c_char_p
        text = (takes() or b"").decode("utf-8", "replace")
        parameters, _, dtype = text.partition(":")
        self._parameters = [each.strip() for each in parameters.split(",") if each.strip()]
        self._dtype = dtype.strip()
        if self._dtype not in DTYPES or not self._parameters:
            expected = '"q, k: float32", its parameters and its dtype'
            raise TargetError(f"{name}_takes does not return what {name} takes", given=text, expected=expected)

    @property
    def inputs(self) -> Mapping[str, Shape | None]:
        """The parameters that it has named."""
        return dict.fromkeys(self._parameters)

    @property
    def dtype(self) -> str:
        """The dtype that it has named."""
        return self._dtype

    def run(self, inputs: Inputs, weights: Inputs) -> Sequence[Any]:
        """Call the function; the memory of its outputs is freed.

        Raises:
            RuntimeError: it returned an error, or outputs that cannot be read.
        """
        arrays = {name: np.ascontiguousarray(value) for name, value in inputs.items()}
        given = (CArray * len(arrays))(*(_c_array(name, array) for name, array in arrays.items()))
        outputs = (CArray * MOST_OUTPUTS)()
        count = self._function(given, ctypes.c_int64(len(arrays)), outputs)
        if not 0 < count <= MOST_OUTPUTS:
            raise RuntimeError(f"{self._name} returned {count}, expected the number of outputs, 1 to {MOST_OUTPUTS}")
        return [_taken(output) for output in outputs[:count]]


def _c_array(name: str, array: Any) -> CArray:
    shape = (ctypes.c_int64 * MOST_AXES)(*array.shape)
    return CArray(name.encode(), array.dtype.name.encode(), array.ndim, shape, array.ctypes.data)


def _taken(output: CArray) -> Any:
    """A copy of an output, whose memory is freed.

    Raises:
        RuntimeError: its number of axes, shape, dtype or memory is missing.
    """
    shape = tuple(output.shape[: output.axes]) if 0 <= output.axes <= MOST_AXES else (-1,)
    name = (output.dtype or b"").decode("utf-8", "replace")
    if any(size < 0 for size in shape) or name not in ("float64", "float32", "float16", "int64", "bool"):
        raise RuntimeError(f"an output has the dtype {name!r}, {output.axes} axes and the shape {shape}")
    dtype = np.dtype(name)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if size and not output.data:
        raise RuntimeError("an output has no memory")
    array = np.frombuffer(ctypes.string_at(output.data or 0, size) if size else b"", dtype).reshape(shape).copy()
    free = ctypes.CDLL(None).free
    free.argtypes = [ctypes.c_void_p]
    free(output.data)
    return array
