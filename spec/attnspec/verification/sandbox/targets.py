"""Targets, and the description of a callable that a worker finds in one."""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from attnspec.errors import TargetError, nearest
from attnspec.implementation import Implementation
from attnspec.verification.sandbox.binding import Parameter
from attnspec.verification.sandbox.wire import Array

WRAPPED = "write a Python function that calls it, by ctypes or torch.ops, and name that: FILE.py:function"
COMPILED = "compile it, write a Python function that calls it, and name that: FILE.py:function"
LOADED = "write a Python function or module that loads it, and name that; --inputs reads recorded arrays"

CALLED_FROM_PYTHON: dict[str, tuple[str, str]] = {
    ".ipynb": ("a notebook", "call attnspec.verify(function, ID) in a cell; or jupyter nbconvert --to script FILE"),
    **dict.fromkeys((".dll", ".pyd"), ("a shared library", WRAPPED)),
    **dict.fromkeys((".c", ".cc", ".cpp", ".cu", ".cuh", ".h", ".hip", ".rs"), ("source code", COMPILED)),
    **dict.fromkeys((".npz", ".npy", ".pt", ".pth", ".safetensors"), ("a file of arrays", LOADED)),
}
"""{suffix of a file that Python does not import: what it is, and what to do}."""

PROGRAMS = {
    ".onnx": "an ONNX model",
    ".pt2": "an exported program of PyTorch",
    ".jax": "an exported program of JAX",
    ".mlir": "a module of StableHLO",
    ".so": "a shared library",
    ".dylib": "a shared library",
}
"""{suffix of a file that is run without being imported: what it is}."""


@dataclass(frozen=True, slots=True)
class File:
    """A Python file, imported as if it were run, or a file of `PROGRAMS`.

    Attributes:
        path: the path of the file.
        callable: the name of one callable in it, dotted for an attribute; None stands for all that it defines. Of an
            ONNX model, the part that is meant, and what evaluates it.
    """

    path: str | Path
    callable: str | None = None

    def __str__(self) -> str:
        return f"{self.path}:{self.callable}" if self.callable else str(self.path)

    def require(self) -> None:
        """Check that the file exists, before a process is started for it.

        Raises:
            TargetError: it does not exist.
        """
        path = Path(self.path).absolute()
        if path.is_dir():
            files = sorted(file.name for file in path.glob("*.py"))
            mend = f"name a file of it, such as {Path(self.path) / files[0]}" if files else "name a file or a module"
            raise TargetError(
                f"{self.path} is a folder", given=", ".join(files[:8]), expected="a Python file", mend=mend
            )
        if path.is_file() and path.suffix in CALLED_FROM_PYTHON:
            what, mend = CALLED_FROM_PYTHON[path.suffix]
            expected = "a Python file, FILE.py:function"
            raise TargetError(f"{self.path} is {what}, not a Python file", expected=expected, mend=mend)
        if path.is_file():
            return
        names = [
            file.name for file in path.parent.glob(f"*{path.suffix if self.is_program else '.py'}") if file.is_file()
        ]
        mend = nearest(path.name, names) or f"{path.parent} has {', '.join(sorted(names)[:8]) or 'no such file'}"
        expected = PROGRAMS.get(path.suffix, "a Python file")
        raise TargetError(f"no file {str(self.path)!r}", given=str(self.path), expected=expected, mend=mend)

    @property
    def is_program(self) -> bool:
        """Whether it is run without being imported."""
        return Path(self.path).suffix in PROGRAMS


@dataclass(frozen=True, slots=True)
class Module:
    """An importable module or package.

    Attributes:
        name: its dotted name.
        callable: the name of one callable in it, dotted for an attribute; None stands for all that it defines.
    """

    name: str
    callable: str | None = None

    def __str__(self) -> str:
        return f"{self.name}:{self.callable}" if self.callable else self.name


@dataclass(frozen=True, slots=True)
class Pickled:
    """A live callable, pickled by cloudpickle together with its closure.

    Attributes:
        data: the pickle.
        display_name: the name that messages have for it.
    """

    data: bytes
    display_name: str = "the callable"

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Pickled:
        """Pickle a callable.

        Raises:
            TargetError: it holds something that cannot be taken to another process.
        """
        name = getattr(function, "__qualname__", type(function).__qualname__)
        try:
            return cls(importlib.import_module("cloudpickle").dumps(function), name)
        except Exception as error:
            given = f"{type(error).__name__}: {error}"
            mend = "put it into a module and name that, module:callable"
            raise TargetError(f"{name} cannot be taken to another process", given=given, mend=mend) from error

    def __str__(self) -> str:
        return self.display_name


@dataclass(frozen=True, slots=True)
class Command:
    """A program that runs in a process of its own and answers calls, a line of JSON each.

    Attributes:
        words: the command and its arguments.
    """

    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"command:{shlex.join(self.words)}"


Target = File | Module | Pickled | Command


class MissingPackage(TargetError):
    """The target imports a package that is not installed here.

    `verify` does not raise it; it returns the verdict "not run".

    Attributes:
        missing: the module that was not found.

    Examples:
        >>> import attnspec
        >>> error = attnspec.MissingPackage("no package torch", missing="torch", mend="pip install torch")
        >>> isinstance(error, attnspec.TargetError), error.missing
        (True, 'torch')
    """

    def __init__(self, headline: str, *, missing: str = "", **facts: str) -> None:
        super().__init__(headline, **facts)
        self.missing = missing

    def __reduce__(self) -> tuple[object, ...]:
        facts = {"given": self.given, "expected": self.expected, "mend": self.mend, "missing": self.missing}
        return partial(MissingPackage, **facts), (self.headline,)


@dataclass(frozen=True, slots=True)
class Network:
    """The description of a module of PyTorch, or of a class of modules.

    Attributes:
        kinds: its class and the base classes of it, each with its module.
        state: {name of a weight: its shape}; of a class, those of a trial instance, empty if there could be none.
        numbers: its attributes that are whole numbers.
        makes: of a class, the parameters of its constructor; None for a module.
    """

    kinds: tuple[str, ...]
    state: Mapping[str, tuple[int, ...]]
    numbers: Mapping[str, int]
    makes: tuple[Parameter, ...] | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """The description of a program that is not a Python callable, such as an ONNX model.

    Attributes:
        dtype: the dtype of its floating-point arrays.
        inputs: {parameter: its shape}, with -1 for a size that is not fixed. Parameters of which nothing is known are
            left out.
        weights: {name of a weight: its values}; bfloat16 as float32.
    """

    dtype: str
    inputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    weights: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallableInfo:
    """The description of a callable of a target.

    Attributes:
        name: the name by which it is called; in a submodule of the target, prefixed with the submodule's name.
        module: the module that defines it.
        implementations: its `@implements` declarations, the outermost first; empty if it has none.
        parameters: the parameters of its signature, in order.
        framework: whose arrays it seems to take, "numpy", "torch" or "jax"; None if nothing tells.
        network: what is known of a module of PyTorch or of a class of modules; None for other callables.
        numbers: the numbers that are written in its code, in order.
        program: what is known of a program that is not a Python callable; None for a callable.
        file: the file that its code is in; "" if there is none.
        line: the number of the first line of its code there.
    """

    name: str
    module: str
    implementations: tuple[Implementation, ...]
    parameters: tuple[Parameter, ...]
    framework: str | None
    network: Network | None = None
    numbers: tuple[float, ...] = ()
    program: Program | None = None
    file: str = ""
    line: int = 0
