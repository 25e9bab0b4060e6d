"""Assertions for tests, in unittest, pytest or a plain script.

    from attnspec.testing import assert_close, assert_conforms

    assert_conforms(attention, "attention.scaled_dot_product", dtype="bfloat16")
    assert_close(attention(q, k, v), "attention.scaled_dot_product", q, k, v)

`assert_conforms` judges a callable, on cases of its own. `assert_close` judges one answer that is there already. Both
raise an `AssertionError` with the text of the verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attnspec.errors import SpecError

if TYPE_CHECKING:
    from attnspec.language.equation import Equation
    from attnspec.language.procedure import Procedure

__all__ = ["assert_close", "assert_conforms"]


def assert_conforms(
    target: Callable[..., Any] | str,
    equation: str | Equation[..., Any] | Procedure[..., Any] | None = None,
    **options: Any,
) -> None:
    """Assert that an implementation conforms to an equation.

    Args:
        target: a callable; or the name of one or several, as `attnspec.verify` takes it.
        equation: the equation or its id, for a target that does not declare one.
        **options: the options of `attnspec.verify`, such as ``dtype="bfloat16"``.

    Raises:
        VerificationError: it does not conform, or nothing was verified. It is an `AssertionError` with the text of the
            verdicts.
        SpecError: as `attnspec.verify` raises it.

    Examples:
        >>> import numpy as np
        >>> from attnspec.testing import assert_conforms
        >>> def scores(q, k):
        ...     return q @ np.swapaxes(k, -1, -2)
        >>> assert_conforms(scores, "scores.dot", examples=5)
    """
    __tracebackhide__ = True
    from attnspec.verification.api import verify  # late: importing this module costs nothing

    verify(target, equation, **options).raise_for_failure()


def assert_close(
    actual: Any, equation: str | Equation[..., Any], /, *args: Any, policy: str | None = None, **kwargs: Any
) -> None:
    """Assert that one answer is right, within the rounding noise of the equation on these arguments.

    There is no tolerance to choose. One answer shows less than a verdict does: a mistake that these arguments hide is
    not seen.

    Args:
        actual: the answer, an array of NumPy, PyTorch or JAX; a tuple of them for an equation with several results. Its
            dtype is the one that is judged.
        equation: the equation or its id.
        *args: the arguments of the equation, in order, as the implementation was given them: in the dtype of the
            answer, or in values that this dtype holds.
        policy: the precision policy, one of `PrecisionPolicy`; inferred by default.
        **kwargs: arguments and options of the equation by name.

    Raises:
        VerificationError: it is wrong, or too little of it can be judged. It is an `AssertionError`; its text names the
            mistake if it is a known one.
        SpecError: there is no such equation or policy, or the arguments do not fit.

    Examples:
        >>> import numpy as np
        >>> from attnspec.testing import assert_close
        >>> q, k = np.float32([[1, 2]]), np.float32([[3, 4], [5, 6]])
        >>> assert_close(q @ k.T, "scores.dot", q, k)
        >>> try:
        ...     assert_close(q @ k.T, "scores.scaled_dot", q, k)
        ... except AssertionError as error:
        ...     print(str(error).splitlines()[-3])
          diagnosis in e: the division by √d is missing
    """
    __tracebackhide__ = True
    from attnspec.verification.one_answer import judged_answer  # late, as above
    from attnspec.verification.verdict import Report

    try:
        verdict = judged_answer(actual, equation, args, kwargs, policy)
    except SpecError as error:
        raise error.with_traceback(None)  # noqa: B904  # it is the same error; the frames are none of the caller's
    Report((verdict,)).raise_for_failure()
