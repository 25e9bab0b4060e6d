"""Why a call could not be traced: the library and the line, not an error that only its authors can read."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("flint", reason="balls need the extra attnspec[exact]")

from attnspec.verification.sandbox.child.tracing.reasons import unexpected

LIBRARY = "/somewhere/site-packages/runtime/session.py"


def raised(framework: str, library: str = LIBRARY) -> str:
    """The reason where line 2 of mine.py calls a library, which raises."""
    inner: dict[str, Any] = {"__name__": "runtime.session"}
    exec(compile("def run(x):\n    raise ValueError('tensor(string) of Q\\nmore')", library, "exec"), inner)
    outer: dict[str, Any] = {"__name__": "mine", "run": inner["run"]}
    exec(compile("def f(x):\n    return run(x)", "/home/mine.py", "exec"), outer)
    try:
        outer["f"](1.0)
    except ValueError as error:
        return unexpected(error, framework)
    raise AssertionError("it raises")


def test_a_library_that_takes_no_balls_is_named_with_the_line_that_calls_it() -> None:
    assert raised("numpy") == "runtime takes nothing but floating-point arrays (mine.py line 2)"


def test_a_missing_package_and_an_operator_that_stays_whole_are_named() -> None:
    assert unexpected(ModuleNotFoundError("No module named 'keras'", name="keras"), "torch") == (
        "the package keras is not installed"
    )
    message = "There was no rule registered for HigherOrderOperator flex_attention and mode <Follow at 0x7f1>."
    assert unexpected(NotImplementedError(message), "torch") == "flex_attention is not taken apart into operations"


def test_an_error_of_other_code_is_given_as_it_is() -> None:
    assert raised("torch") == "ValueError: tensor(string) of Q (mine.py line 2)"
    assert raised("numpy", "/home/helper.py") == "ValueError: tensor(string) of Q (helper.py line 2)"
