"""The cases that show a verdict, in a file that `attnspec verify --inputs` reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from attnspec.errors import SpecError
from attnspec.verification.verdict import Verdict


def check_suffix(path: str) -> None:
    """Check that the name of a file ends in .npz.

    Raises:
        SpecError: it does not.
    """
    if Path(path).suffix != ".npz":
        raise SpecError("cases are written as .npz", given=path, mend=f"--keep-case {Path(path).with_suffix('.npz')}")


def kept_text(verdict: Verdict | None, path: str) -> str:
    """Write the cases of a verdict to a file, and return a line on how to ask them again.

    Raises:
        SpecError: the file cannot be written.
    """
    if verdict is None or not verdict.cases:
        return f"kept: no case shows a fault, so {path} is not written"
    arrays: dict[str, Any] = {}
    for number, case in enumerate(verdict.cases):
        before = f"{number}/" if len(verdict.cases) > 1 else ""
        arrays |= {f"{before}{name}": np.asarray(value) for name, value in case.arguments.items()}
    try:
        np.savez(path, **arrays)
    except OSError as error:
        raise SpecError(f"cannot write cases: {error.strerror}", given=path) from error
    how = f"--as {verdict.equation} --dtype {verdict.dtype}"
    if verdict.backward_of:
        how = f"--as {verdict.backward_of} --backward --dtype {verdict.dtype}"
    count = "the case" if len(verdict.cases) == 1 else "the smallest case and the worst one"
    return f"kept: {count} of {verdict.implementation}, asked again by --inputs {path} --only-inputs {how}"
