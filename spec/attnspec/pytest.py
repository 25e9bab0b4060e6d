"""Verdicts as ordinary tests of pytest.

    from attnspec.pytest import verifies

    test_attention = verifies("attention.scaled_dot_product", attention, dtypes=("float32", "bfloat16"))

It makes one test for each dtype and device. The text of a failure is that of the verdict. The fixture `attnspec_inputs`
reads recorded arrays. pytest loads this module as a plugin; nothing else is imported before a test needs it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from attnspec.errors import SpecError

if TYPE_CHECKING:
    from attnspec.language.equation import Equation
    from attnspec.language.procedure import Procedure
    from attnspec.verification.verdict import Verdict

__all__ = ["attnspec_inputs", "verifies"]


def verifies(
    equation: str | Equation[..., Any] | Procedure[..., Any] | None,
    candidate: Callable[..., Any] | str,
    *,
    dtypes: Iterable[Any] = ("float32",),
    devices: Iterable[Any] = ("cpu",),
    skip_not_run: bool = False,
    **options: Any,
) -> Callable[..., None]:
    """Make a test of an implementation, parametrised over dtypes and devices.

    Assign it to a name that pytest collects, such as `test_attention`; in a class, wrap it in `staticmethod`.

    Args:
        equation: the equation or its id; None for a candidate that declares one with `implements`.
        candidate: a callable; or the name of one or several, as `attnspec.verify` takes it.
        dtypes: names of dtypes; ``pytest.param("float16", marks=pytest.mark.xfail)`` marks one.
        devices: "cpu", "cuda" or "cuda:N"; likewise.
        skip_not_run: skip a test whose only failure is that its device or package is not there. By default it fails,
            since nothing was verified.
        **options: the other options of `attnspec.verify`.

    Returns:
        The test function, of the parameters `dtype` and `device`.

    Raises:
        TypeError: `attnspec.verify` has no such option, or `dtype` or `device` is given in place of the plural.
        ValueError: there are no dtypes or no devices, so that nothing would be tested.

    Examples:
        >>> from attnspec.pytest import verifies
        >>> test_dot = verifies("scores.dot", "attnspec_numpy.scores:dot", dtypes=("float32", "float64"))
        >>> test_dot(dtype="float32", device="cpu")
    """
    dtypes, devices = [*dtypes], [*devices]
    if not (dtypes and devices):
        raise ValueError("verifies needs at least one dtype and one device: without them, it would test nothing")
    _check_options(options)

    @pytest.mark.parametrize("device", devices)
    @pytest.mark.parametrize("dtype", dtypes)
    def verified(dtype: str, device: str) -> None:
        _run(candidate, equation, skip_not_run, dtype=dtype, device=device, **options)

    return verified


def _run(candidate: Callable[..., Any] | str, equation: Any, skip_not_run: bool, **options: Any) -> None:
    """Verify, and fail or skip with the text of the verdicts. No traceback is shown, since none is the candidate's."""
    from attnspec.verification.api import verify  # late: pytest loads this module in every run

    failed: list[Verdict] = []
    try:
        report = verify(candidate, equation, **options)
        failed = [verdict for verdict in report if not verdict.passed]
        text = "" if report.passed else "\n\n".join([*map(str, failed), *report.notes]) or "nothing was verified"
    except SpecError as error:
        text = str(error)
    if skip_not_run and failed and all(verdict.verdict == "not run" for verdict in failed):
        pytest.skip(text)
    if text:
        pytest.fail(text, pytrace=False)


def _check_options(options: dict[str, Any]) -> None:
    """Refuse options that `attnspec.verify` does not have, when tests are collected.

    Raises:
        TypeError: there is such an option.
    """
    from attnspec.verification.api import verify  # late, as above

    known = [*inspect.signature(verify).parameters][2:]
    for name in options:
        if name in ("dtype", "device"):
            raise TypeError(f"verifies takes {name}s, a list, in place of {name}")
        if name not in known:
            raise TypeError(f"verifies has no option {name!r}; it takes those of attnspec.verify: {', '.join(known)}")


@pytest.fixture
def attnspec_inputs(request: pytest.FixtureRequest) -> Callable[[str], list[dict[str, Any]]]:
    """A function that reads recorded arrays: one dictionary of NumPy arrays for each case of a file.

    A relative path starts at the folder of the test's file. The file is .npz or .safetensors; "0/q" is the q of the
    first of several cases.
    """

    def read(path: str) -> list[dict[str, Any]]:
        from attnspec.verification.cases.recordings import recordings  # late, as above

        return [dict(each.arrays) for each in recordings([Path(request.path).parent / path])]

    return read
