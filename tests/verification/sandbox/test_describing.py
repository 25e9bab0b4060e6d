"""What a worker says of a callable: parameters, framework and declarations, whatever it is wrapped in."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from attnspec.errors import TargetError
from attnspec.implementation import Claim, Implementation, implements
from attnspec.verification.sandbox.binding import Parameter
from attnspec.verification.sandbox.child.describing import declared, describe, guess_framework, parameters, underlying


def plain(x: object, /, y: object, *rest: object, scale: float = 1.0, **more: object) -> object:
    return x


def by_numpy(x: Any) -> Any:
    return np.exp(x)


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


class Holder:
    def __call__(self, q: object, k: object = None) -> object:
        return q

    def method(self, v: object) -> object:
        return v


def test_parameters_have_their_kinds_and_defaults() -> None:
    assert parameters(plain) == (
        Parameter("x", "POSITIONAL_ONLY"),
        Parameter("y"),
        Parameter("rest", "VAR_POSITIONAL"),
        Parameter("scale", "KEYWORD_ONLY", True),
        Parameter("more", "VAR_KEYWORD"),
    )
    assert parameters(Holder()) == (Parameter("q"), Parameter("k", has_default=True))
    assert parameters(Holder().method) == (Parameter("v"),)
    assert parameters(wrapped(by_numpy)) == (Parameter("x"),)


def test_without_a_signature_anything_is_accepted_in_order() -> None:
    assert parameters(max) == (Parameter("args", "VAR_POSITIONAL"),)


@pytest.mark.parametrize(
    ("function", "inner"),
    [
        (by_numpy, by_numpy),
        (wrapped(by_numpy), by_numpy),
        (functools.partial(wrapped(by_numpy), 1), by_numpy),
        (functools.lru_cache(by_numpy), by_numpy),
        (Holder(), Holder.__call__),
        (Holder().method, Holder.method),
        (Holder, Holder),
    ],
)
def test_the_function_behind_a_callable_is_found(function: Callable[..., Any], inner: object) -> None:
    assert underlying(function) is inner


def test_framework_of_what_is_used_and_of_nothing() -> None:
    namespace: dict[str, Any] = {}
    exec("def f(x): return x", namespace)

    assert guess_framework(by_numpy) == "numpy"
    assert guess_framework(wrapped(by_numpy)) == "numpy"
    assert guess_framework(namespace["f"]) is None
    assert guess_framework(math.exp) is None
    assert guess_framework(np.exp) == "numpy"


def test_framework_of_what_comes_from_one() -> None:
    torch = pytest.importorskip("torch")

    assert guess_framework(torch.nn.functional.scaled_dot_product_attention) == "torch"
    assert guess_framework(torch.softmax) == "torch"
    assert guess_framework(torch.nn.GRUCell) == "torch"
    assert guess_framework(type("Own", (torch.nn.Module,), {})) == "torch"
    assert guess_framework(torch.nn.GELU()) == "torch"
    assert guess_framework(functools.partial(torch.nn.functional.softmax, dim=-1)) == "torch"


def test_framework_of_what_comes_from_jax() -> None:
    jax = pytest.importorskip("jax")

    assert guess_framework(jax.nn.dot_product_attention) == "jax"
    assert guess_framework(jax.jit(lambda x: x)) == "jax"
    assert guess_framework(jax.numpy.exp) == "jax"


def test_declarations_are_read_and_nothing_else_is_taken_for_one() -> None:
    @implements("a.second")
    @implements("a.first", framework="numpy")
    def both(x: object) -> object:
        return x

    def other(x: object) -> object:
        return x

    other.__attnspec__ = ("a.first",)  # type: ignore[attr-defined]  # another library's attribute of that name

    assert [item.equation for item in declared(both)] == ["a.second", "a.first"]
    assert declared(other) == declared(max) == ()


def test_a_list_in_a_claim_is_as_good_as_a_tuple() -> None:
    dtypes: Any = ["float32"]

    @implements("a.b", dtypes=dtypes)
    def listed(x: object) -> object:
        return x

    assert describe("listed", listed).implementations == (Implementation("a.b", claim=Claim(dtypes=("float32",))),)


@pytest.mark.parametrize("claim", [{"batch": 1}, {"finite": 1}, {"smallest": {"t": 1.0}}, {"policy": object()}])
def test_a_claim_of_the_wrong_type_is_refused_with_its_field(claim: dict[str, Any]) -> None:
    def function(x: object) -> object:
        return x

    implementation = Implementation("a.b")
    for name, value in claim.items():
        object.__setattr__(implementation.claim, name, value)
    function.__attnspec__ = (implementation,)  # type: ignore[attr-defined]  # as `implements` writes it

    with pytest.raises(TargetError, match="@implements of function has a value of the wrong type") as caught:
        describe("function", function)
    assert next(iter(claim)) in caught.value.given


LIMIT, ELSEWHERE = 700, 900


def helper(x: Any, times: float = 0.125) -> Any:
    return x * times if x.shape[0] > 48 else np.where(x > 1e-3, x, 3)


class Kernel:
    WIDTH = 96

    def __call__(self, x: Any) -> Any:
        return self.tiled(x)

    def tiled(self, x: Any) -> Any:
        return x[: LIMIT + self.WIDTH]


class Setup:
    __slots__ = ("width",)

    def __init__(self, width: int) -> None:
        self.width = width


TABLE, SETUP, WIDTHS = {"width": 513, "name": "wide"}, Setup(514), np.array([515, 516])
NAMES = SimpleNamespace(width=517)


def looks_up(x: Any) -> Any:
    return x[: TABLE["width"]], x[: SETUP.width], x[: WIDTHS[0]], x[: NAMES.width]


def made(width: int) -> Callable[..., Any]:
    def inner(x: Any) -> Any:
        return [helper(row) for row in x[:width]]

    return inner


@pytest.mark.parametrize(
    ("function", "numbers"),
    [
        (helper, {0.125, 48.0, 1e-3, 3.0}),
        (Kernel(), {700.0, 96.0}),
        (Kernel().tiled, {700.0, 96.0}),
        (made(33), {33.0, 48.0, 0.125}),
        (wrapped(helper), {48.0}),
        (functools.partial(helper, times=5.5), {48.0}),
        (looks_up, {513.0, 514.0, 515.0, 516.0, 517.0}),
        (np.exp, set()),
    ],
)
def test_numbers_of_the_code_are_found(function: Callable[..., Any], numbers: set[float]) -> None:
    found = describe("f", function).numbers

    assert numbers <= {*found}
    assert 900.0 not in found
    assert all(math.isfinite(number) for number in found)


class Tuned:
    """As `triton.autotune` of `triton.jit` of a function: the function is two attributes deep."""

    def __init__(self) -> None:
        self.fn = SimpleNamespace(fn=helper)
        self.configs = [SimpleNamespace(kwargs={"BLOCK": 112})]

    def __getitem__(self, grid: object) -> Callable[..., object]:
        return print


def test_an_autotuned_kernel_that_the_code_launches_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tuned, "__module__", "triton.runtime.autotuner")
    kernel = Tuned()

    def launcher(x: Any) -> Any:
        return kernel[(1,)](x)

    assert {48.0, 0.125, 112.0} <= {*describe("f", launcher).numbers}


def test_numbers_that_are_no_sizes_and_too_many_are_left_out() -> None:
    namespace: dict[str, Any] = {"__name__": __name__}
    exec(f"def f(x):\n    return x, float('inf'), 1e400, {list(range(1000))}, 1e300", namespace)

    found = describe("f", namespace["f"]).numbers

    assert 20 < len(found) <= 64
    assert max(found) < 2**53
