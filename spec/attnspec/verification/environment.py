"""What a verdict depends on besides its candidate: attnspec itself, installed packages, Python, the machine."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

import attnspec

PREFIXES = (
    "ATTNSPEC_", "BLIS_", "CUBLAS", "CUDA_", "CUDNN_", "GOTO_", "HYPOTHESIS_", "JAX_", "KERAS_", "KMP_", "MKL_",
    "NUMBA_", "NUMEXPR_", "NVIDIA_", "OMP_", "ONEDNN_", "OPENBLAS", "PYTHON", "PYTORCH", "TF_", "TORCH", "TRITON_",
    "XLA_",
)  # fmt: skip
"""Beginnings of the names of environment variables by which libraries of arrays change what they compute."""

MACHINE = ("/proc/cpuinfo", "/proc/driver/nvidia/version")
"""Files of Linux that describe the processor and the driver of the GPUs."""

STEADY = ("model name", "flags", "Features", "CPU implementer", "CPU part", "NVRM version")
"""The beginnings of their lines that do not change while the machine stays the same."""

NOT_COMPUTING = frozenset(
    {"ATTNSPEC_CACHE", "ATTNSPEC_DEBUG", "HYPOTHESIS_STORAGE_DIRECTORY", "PYTHONPATH", "PYTHONUNBUFFERED"}
)
"""Variables that do not change what is computed; what PYTHONPATH leads to is found by its content."""


@cache
def environment_digest() -> str:
    """A digest of all of it. Two runs with the same digest give the same verdict on the same candidate."""
    total = hashlib.sha256()
    for part in (*_interpreter(), *_installed(), *_variables(), *_machine(), *_own_source()):
        total.update(part.encode("utf-8", "surrogateescape") + b"\0")
    return total.hexdigest()


def software() -> dict[str, str]:
    """The versions that most often change what is computed, {name: version}; packages that are not there left out."""
    found = {"attnspec": attnspec.__version__, "Python": platform.python_version()}
    for package in ("numpy", "torch", "jax"):
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def own_source_digest() -> str:
    """A digest of the files of attnspec."""
    return _digest("\n".join(_own_source()).encode())


def _interpreter() -> Iterator[str]:
    yield from (sys.version, sys.implementation.cache_tag or "", repr(sys.flags), platform.platform())
    for name in ("sitecustomize", "usercustomize"):  # they are run whenever Python starts
        file = getattr(sys.modules.get(name), "__file__", None)
        if file:
            yield f"{name} {_digest(Path(file).read_bytes())}"


def _installed() -> Iterator[str]:
    """Each distribution with its version and the digests of its files, which another build of the version changes."""
    yield from sorted(
        f"{each.metadata['Name']} {each.version} {_digest((each.read_text('RECORD') or '').encode())}"
        for each in distributions()
    )


def _variables() -> Iterator[str]:
    for name, value in sorted(os.environ.items()):
        if name.startswith(PREFIXES) and name not in NOT_COMPUTING:
            yield f"{name}={value}"


def _machine() -> Iterator[str]:
    gpus = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    lines = {line for path in map(Path, MACHINE) if path.is_file() for line in path.read_text().splitlines()}
    yield from sorted(line for line in lines if line.startswith(STEADY))
    yield from (line for path in gpus for line in path.read_text().splitlines() if line.startswith("Model"))


def _own_source() -> Iterator[str]:
    """Each file of attnspec with its digest: the catalogue, the engine and the thresholds."""
    root = Path(attnspec.__file__).parent
    for path in sorted(root.rglob("*.py")):
        yield f"{path.relative_to(root).as_posix()} {_digest(path.read_bytes())}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
