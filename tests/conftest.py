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

EVERY_REGIME = "test_honest_code_is_within_the_bound_in_every_regime"
"""The longest test of the noise: the default run asks it in float32, CI in bfloat16 too."""

ONE_CHANGE = "test_one_change_changes_the_formula"
LONG = ("backward.", "transformer.decoder", "recurrent.bidirectional_lstm", "attention_rnn.bahdanau_decode")
"""Equations of so many changes that setting them all takes long."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them by name and by dtype."""
    for item in items:
        name, _, asked = item.name.partition("[")
        of_noise = "test_noise" in item.nodeid and any(dtype in asked for dtype in OTHER_DTYPES)
        in_bfloat16 = name == EVERY_REGIME and "bfloat16" in asked
        if name in BROAD or of_noise or in_bfloat16 or item.nodeid.startswith("tests/test_docs.py"):
            item.add_marker(pytest.mark.broad)
        if (name == EVERY_REGIME and of_noise) or (name == ONE_CHANGE and asked.startswith(LONG)):
            item.add_marker(pytest.mark.slow)
