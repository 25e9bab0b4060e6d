"""How a callable's parameters are matched with an equation's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from attnspec.errors import BindingError
from attnspec.verification.sandbox.binding import Parameter, Plan, bind, describe_binding

QKV = ("q", "k", "v")


def parameters(function: Callable[..., Any]) -> list[Parameter]:
    listed = inspect.signature(function).parameters.values()
    return [Parameter(p.name, p.kind.name, p.default is not p.empty) for p in listed]


def plan(
    function: Callable[..., Any],
    arrays: Sequence[str] = QKV,
    options: Sequence[str] = (),
    given: Mapping[str, str] | None = None,
) -> Plan:
    """The plan, after having been followed: the callable must accept it."""
    found = bind(parameters(function), arrays, options, given, name="f", equation="a.b")
    positional = [argument for parameter, argument in found if parameter is None]
    named = {parameter: argument for parameter, argument in found if parameter is not None}
    inspect.signature(function).bind(*positional, **named)
    assert sorted(argument for _, argument in found) == sorted([*arrays, *options])
    return found


def refusal(
    function: Callable[..., Any],
    arrays: Sequence[str] = QKV,
    options: Sequence[str] = (),
    given: Mapping[str, str] | None = None,
) -> BindingError:
    with pytest.raises(BindingError) as caught:
        bind(parameters(function), arrays, options, given, name="f", equation="a.b")
    return caught.value


def by_name(**named: str) -> Plan:
    return list(named.items())


def test_own_names_in_any_order_go_by_keyword() -> None:
    assert plan(lambda q, k, v: 0) == by_name(q="q", k="k", v="v")
    assert plan(lambda v, k, q: 0) == by_name(v="v", k="k", q="q")
    assert plan(lambda v, *, k, q: 0) == by_name(v="v", k="k", q="q")


def test_other_names_go_in_order() -> None:
    assert plan(lambda query, key, value: 0) == by_name(query="q", key="k", value="v")
    assert plan(lambda query, k, value: 0) == by_name(query="q", k="k", value="v"), "k stands where k does"


def test_positional_only_parameters_go_by_position() -> None:
    assert plan(lambda a, b, c, /: 0) == [(None, "q"), (None, "k"), (None, "v")]
    assert plan(lambda v, q, /, k: 0) == [(None, "v"), (None, "q"), ("k", "k")]


def test_contradictory_names_are_refused() -> None:
    error = refusal(lambda k, q, value: 0)

    assert error.headline == "f: k stands where q does in a.b, and not all names are the equation's"
    assert error.given == "f(k, q, value)"
    assert error.expected == "a.b(q, k, v)"
    assert error.mend.endswith("--bind k=q --bind q=k --bind value=v")


def test_what_is_given_overrides_names_and_order() -> None:
    assert plan(lambda k, q, value: 0, given={"value": "v"}) == by_name(k="k", q="q", value="v")
    assert plan(lambda a, b, c: 0, given={"c": "q"}) == by_name(a="k", b="v", c="q")
    assert plan(lambda k, q, v: 0, given={"k": "q", "q": "k"}) == by_name(k="q", q="k", v="v")


@pytest.mark.parametrize(
    ("given", "headline", "mend"),
    [
        ({"quer": "q"}, "f: no parameter 'quer' to bind", "did you mean query?"),
        ({"query": "kk"}, "f: no argument 'kk' to bind 'query' to", "did you mean k?"),
        (
            {"query": "q", "key": "q"},
            "f: 'q' is bound twice",
            'bind each argument to one parameter, or if both take it: --weights "q=query, key"',
        ),
    ],
)
def test_a_given_binding_has_to_make_sense(given: dict[str, str], headline: str, mend: str) -> None:
    error = refusal(lambda query, key, value: 0, given=given)

    assert (error.headline, error.mend) == (headline, mend)


def test_defaults_are_left_alone() -> None:
    assert plan(lambda q, k, v, dropout=0.0: 0) == by_name(q="q", k="k", v="v")
    assert plan(lambda a, b, c, dropout=0.0, *, fast=True: 0) == by_name(a="q", b="k", c="v")


def test_an_optional_parameter_of_the_right_name_keeps_it() -> None:
    found = plan(lambda query, key, value, dropout=0.0, mask=None: 0, (*QKV, "mask"))
    assert found == by_name(query="q", key="k", value="v", mask="mask")


def test_an_optional_parameter_may_take_an_array_in_order() -> None:
    found = plan(lambda query, key, value, attn_mask=None: 0, (*QKV, "mask"))
    assert found == by_name(query="q", key="k", value="v", attn_mask="mask")


def test_star_parameters_take_what_is_left() -> None:
    assert plan(lambda *inputs: 0) == [(None, "q"), (None, "k"), (None, "v")]
    assert plan(lambda first, *rest: 0) == [(None, "q"), (None, "k"), (None, "v")]
    assert plan(lambda **inputs: 0) == by_name(q="q", k="k", v="v")
    assert plan(lambda k, **inputs: 0) == by_name(k="k", q="q", v="v")
    assert plan(lambda *inputs, **more: 0, options=["eps"]) == [(None, "q"), (None, "k"), (None, "v"), ("eps", "eps")]


def test_options_go_by_name_else_after_the_arrays() -> None:
    assert plan(lambda eps, x: 0, ["x"], ["eps"]) == by_name(eps="eps", x="x")
    assert plan(lambda a, heads, b: 0, ["x", "w"], ["heads"]) == by_name(a="x", heads="heads", b="w")
    assert plan(lambda x, **options: 0, ["x"], ["eps"]) == by_name(x="x", eps="eps")
    assert plan(lambda x, n: 0, ["x"], ["heads"]) == by_name(x="x", n="heads")
    assert plan(lambda *inputs: 0, ["x"], ["heads"]) == [(None, "x"), (None, "heads")]
    assert plan(lambda x, epsilon=1e-5: 0, ["x"], ["eps"], {"epsilon": "eps"}) == by_name(x="x", epsilon="eps")


def test_an_option_is_never_put_into_a_default_of_another_name() -> None:
    error = refusal(lambda x, epsilon=1e-5: 0, ["x"], ["eps"])

    assert error.headline == "f: no parameter for the option eps"
    assert error.given == "f(x, epsilon=...)"
    assert error.expected == "a.b(x, *, eps=...)"
    assert error.mend == "if epsilon is it: --bind epsilon=eps"


def test_too_few_and_too_many_are_named() -> None:
    assert refusal(lambda q, k: 0).headline == "f: no parameter for v"
    assert refusal(lambda a: 0).headline == "f: no parameter for k, v"
    assert refusal(lambda q, k, v, w: 0).headline == "f: needs w, which a.b does not give"
    assert refusal(lambda a, b, c, d, *, e: 0).headline == "f: needs d, e, which a.b does not give"


NAMES = {"q": ("query", "Q"), "k": ("key",), "v": ("value", "key_or_value"), "eps": ("epsilon",), "mask": ("bias",)}


def named(function: Callable[..., Any], options: Sequence[str] = ()) -> dict[str | None, str]:
    return dict(bind(parameters(function), QKV, options, None, NAMES))


def test_common_names_go_by_name_in_any_order() -> None:
    assert named(lambda value, key, query: 0) == {"value": "v", "key": "k", "query": "q"}
    assert named(lambda key, q, v: 0) == {"key": "k", "q": "q", "v": "v"}


def test_the_equations_own_name_comes_before_a_common_one() -> None:
    assert named(lambda q, k, v, query=None: 0) == {"q": "q", "k": "k", "v": "v"}


def test_two_common_names_for_one_argument_are_no_name() -> None:
    assert named(lambda query, key, Q: 0) == {"query": "q", "key": "k", "Q": "v"}, "by order, as before"


def test_an_option_has_common_names_too() -> None:
    assert named(lambda query, key, value, epsilon=1e-5: 0, ["eps"])["epsilon"] == "eps"


def test_common_names_against_the_order_are_refused_unless_all_are_known() -> None:
    with pytest.raises(BindingError) as caught:
        bind(parameters(lambda key, query, third: 0), QKV, (), None, NAMES, name="f", equation="a.b")

    assert caught.value.headline == "f: key stands where q does in a.b, and not all names are the equation's"


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda q, k, v: 0, ""),
        (lambda k, v, q: 0, ""),
        (lambda value, query, key: 0, "value=v, query=q, key=k"),
        (lambda a, b, v, /: 0, "a=q, b=k"),
        (lambda *inputs: 0, "q, k, v in this order"),
        (lambda first, *rest: 0, "first=q, k, v in this order"),
        (lambda **inputs: 0, ""),
        (lambda q, *rest, **more: 0, "k, v in this order"),
    ],
)
def test_a_binding_is_described_where_names_differ(function: Callable[..., Any], text: str) -> None:
    assert describe_binding(bind(parameters(function), QKV, (), None, NAMES), parameters(function)) == text


def test_a_gap_before_positional_arguments_is_refused() -> None:
    error = refusal(lambda a=0, q=0, /: 0, ["q"])

    assert error.headline == "f: a stands before what is passed by position"
    assert error.mend == "move a behind it"


def test_the_error_is_said_in_full() -> None:
    assert str(refusal(lambda q, k, v, w: 0)).splitlines() == [
        "BindingError: f: needs w, which a.b does not give",
        "  given     f(q, k, v, w)",
        "  expected  a.b(q, k, v)",
        "  to mend   --set w=VALUE sets what is not an argument of the equation",
    ]
