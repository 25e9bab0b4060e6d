"""Which tests are broad: asked of every equation, where the default run asks what tells most."""

from __future__ import annotations

import pytest

BROAD = (
    "test_equations_and_their_mutants_differ", "test_one_change_changes_the_formula",
    "test_any_order_of_summation_is_within_the_bound", "test_every_row_marks_what_it_reads",
)  # fmt: skip
"""Tests of every equation, mutant, order of summation or policy."""

OTHER_DTYPES = ("float16", "float64")
"""Beside float32 and bfloat16 they show little that is new of the noise."""

IN_FLOAT32 = ("test_honest_code_is_within_the_bound_in_every_regime",)
"""Tests of which the default run asks float32 alone."""

LONGEST = ("backward.gru", "backward.gru_reset_after", "backward.gru_update_writes", "backward.lstm")
"""Equations of so many changes that setting each takes most of a minute."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them by name and by dtype."""
    for item in items:
        name, _, asked = item.name.partition("[")
        others = (*OTHER_DTYPES, "bfloat16") if name in IN_FLOAT32 else OTHER_DTYPES
        of_noise = "test_noise" in item.nodeid and any(dtype in asked for dtype in others)
        if name in BROAD or of_noise or item.nodeid.startswith("tests/test_docs.py"):
            item.add_marker(pytest.mark.broad)
        if name == "test_one_change_changes_the_formula" and asked.rstrip("]") in LONGEST:
            item.add_marker(pytest.mark.slow)
