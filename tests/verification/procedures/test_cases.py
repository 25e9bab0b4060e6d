"""Cases of procedures: the same for the same seed, of the procedure's types, and plain."""

from __future__ import annotations

from typing import Any

import pytest

from attnspec.language.procedure import PROCEDURES, Procedure
from attnspec.verification.procedures.cases import drawn, least, standard_cases
from attnspec.verification.sandbox.plain_values import not_plain, type_mismatch

TEXT = [PROCEDURES[id] for id in PROCEDURES if id.startswith("text.")]


@pytest.mark.parametrize("item", TEXT, ids=str)
def test_cases_are_the_same_for_a_seed(item: Procedure[..., Any]) -> None:
    assert standard_cases(item, 3, 20) == standard_cases(item, 3, 20) != standard_cases(item, 4, 20)


@pytest.mark.parametrize("item", TEXT, ids=str)
def test_cases_are_plain_values_of_the_types_of_the_procedure(item: Procedure[..., Any]) -> None:
    kinds = {name: kind for name, kind in item.types.items() if name != "return"}

    for case in [least(item), *drawn(item, 0, 50)]:
        assert list(case) == list(kinds)
        assert not any(map(not_plain, case.values()))
        assert not [fault for name, value in case.items() if (fault := type_mismatch(value, kinds[name]))]
