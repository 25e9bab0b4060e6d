"""Properties of procedures: of the procedure, of every implementation of this repository, and not of the mutants."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnspec.discovery import discover
from attnspec.language.procedure import PROCEDURES
from attnspec.properties.property import PROCEDURAL, Equal, Function, Property
from attnspec.verification.procedures.cases import Case, cases, drawn
from attnspec.verification.sandbox.messages import Outcome
from attnspec.verification.sandbox.protocol import to_frame, to_reply

LAWS = [law for id in PROCEDURES if id.startswith("text.") for law in PROCEDURAL[id]]
OURS = [each for each in discover().declarations if each.equation in PROCEDURES]


def broken(law: Property, function: Function, case: Case) -> str:
    """The first relation that does not hold, in words."""
    for each in law.relations(function, case):
        assert isinstance(each, Equal), "plain values are equal or not"
        if each.left != each.right:
            return f"{law.name}: {each.left!r} is not {each.right!r}"
    return ""


def as_received(answer: Any) -> Any:
    """A plain value as the verifier receives it from a candidate's process: every sequence is a tuple."""
    reply = to_reply(to_frame(Outcome("ok", answers=(answer,))))
    assert isinstance(reply, Outcome)
    return reply.answers[0]


def named(law: Property) -> str:
    return f"{law.equation}-{law.name}"


@pytest.mark.parametrize("law", LAWS, ids=named)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_it_holds(law: Property, data: st.DataObject) -> None:
    case = data.draw(cases(PROCEDURES[law.equation]))
    functions: list[Any] = [PROCEDURES[law.equation]]
    functions += [getattr(import_module(each.module), each.name) for each in OURS if each.equation == law.equation]

    assert len(functions) == 3, "the procedure, and two implementations"
    for function in functions:

        def plain(*args: Any, function: Any = function, **given: Any) -> Any:
            return as_received(function(*args, **given))

        assert not broken(law, plain, case), function


@cache
def telling(id: str) -> list[Case]:
    return [*PROCEDURES[id].examples, *drawn(PROCEDURES[id], 1, 300)]


@pytest.mark.parametrize("law", LAWS, ids=named)
def test_it_kills_what_it_says(law: Property) -> None:
    mistakes = {each.name: each.function for each in PROCEDURES[law.equation].mistakes}

    assert law.kills, "a property that no mistake breaks says little"
    for name in law.kills:
        assert any(broken(law, mistakes[name], case) for case in telling(law.equation)), name


def test_every_mistake_is_killed_by_a_property() -> None:
    killed = {(law.equation, name) for law in LAWS for name in law.kills}
    known = {(id, each.name) for id, item in PROCEDURES.items() if id.startswith("text.") for each in item.mistakes}

    assert killed == known
