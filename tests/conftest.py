"""Which tests are broad: asked of every equation, where the default run asks what tells most."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

from attnspec.verification.diagnosis import attempts

attempts.raises = True  # an error of a search for an explanation is a failure here, not a note

EXAMPLES = 6
"""How many cases Hypothesis draws where a test does not say."""

settings.register_profile("few", derandomize=True, database=None, deadline=None, max_examples=EXAMPLES)

EXPLORE = 100
"""How many cases are drawn, other ones in each run, under --hypothesis-profile=explore; those that fail are kept."""

settings.register_profile(
    "explore",
    database=DirectoryBasedExampleDatabase(Path(__file__).parents[1] / ".pytest_cache" / "hypothesis"),
    deadline=None,
    max_examples=EXPLORE,
)

BROAD = (
    "test_equations_and_their_mutants_differ", "test_one_change_changes_the_formula",
    "test_any_order_of_summation_is_within_the_bound", "test_every_row_marks_what_it_reads",
    "test_honest_rounding_to_bfloat16_keeps_the_properties", "test_wrong_by_little_in_bfloat16_differs",
    "test_every_verdict_says_what_it_is", "test_wheel_works_in_an_empty_environment", "test_pytorch_gives_the_same",
    "test_properties_kill_what_they_name", "test_fewer_bits", "test_framework_is_guessed",
    "test_a_slip_of_a_kernel_that_runs_through_tiles_is_named", "test_two_processes_say_what_one_says",
    "test_honest_code_fills_the_bound",
)  # fmt: skip
"""Tests of every equation, mutant, order of summation, policy, slip or framework, and of what is built."""

SAMPLED = {
    "test_equations_have_their_properties": 3,
    "test_every_equation_has_well_formed_insertions": 6,
    "test_every_equation_has_well_formed_places_of_numbers": 3,
    "test_every_equation_has_well_formed_errors": 3,
    "test_every_equation_has_well_formed_parts": 3,
    "test_honest_code_fills_the_bound": 18,
    "test_honest_code_is_within_the_bound_in_every_regime": 8,
    "test_implementations_keep_the_properties": 2,
    "test_one_change_changes_the_formula": 4,
    "test_any_order_of_summation_is_within_the_bound": 18,
    "test_honest_rounding_to_bfloat16_keeps_the_properties": 3,
    "test_properties_kill_what_they_name": 6,
    "test_pytorch_gives_the_same": 4,
    "test_the_faulty_version_does_not_conform": 14,
    "test_the_mended_version_conforms": 16,
    "test_the_value_is_right_to_its_own_noise": 4,
    "test_the_verdict_is_that_it_conforms": 4,
    "test_wrong_by_little_in_bfloat16_differs": 2,
}
"""Tests of which one in so many is broad and the others are slow: what each shows, its neighbours show too."""

FEW_BY_DEFAULT = {
    "test_equations_have_their_properties": 3,
    "test_honest_code_is_within_the_bound_in_every_regime": 3,
    "test_implementations_keep_the_properties": 4,
    "test_the_value_is_right_to_its_own_noise": 3,
    "test_what_is_said_of_an_equation_stands_in_its_family": 4,
}
"""The longest tests of every equation, of which the default run has one in so many and CI has all."""

OTHER_DTYPES = ("float16", "float64")
"""Beside float32 and bfloat16 they show little that is new of the noise."""

EVERY_REGIME = "test_honest_code_is_within_the_bound_in_every_regime"
"""The longest test of the noise: the default run asks it in float32, CI in bfloat16 too."""

ONE_CHANGE = "test_one_change_changes_the_formula"
LONG = (
    "backward.", "transformer.decoder", "transformer.encoder_only", "transformer.encoder_biased_pre",
    "recurrent.bidirectional_lstm", "attention_rnn.bahdanau_decode",
)  # fmt: skip
"""Equations of so many changes that setting them all takes long."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Name the device of the tests that are marked gpu."""
    parser.addoption("--device", default="cuda", help="device of the tests marked gpu: cuda, cuda:N or cpu")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One table of the figures that tests have recorded, a row for each device, mode and dtype."""
    reports = [each for found in terminalreporter.stats.values() for each in found]
    called = [each for each in reports if getattr(each, "when", "") == "call"]
    kept = [value for each in called for name, value in each.user_properties if name == "figures"]
    rows: dict[tuple[str, ...], list[tuple[float, ...]]] = {}
    for first, second, third, *numbers in kept:
        rows.setdefault((first, second, third), []).append(tuple(numbers))
    if rows:
        terminalreporter.section("figures")
        terminalreporter.write_line(
            f"{'':48}{'claims':>8}{'cases':>8}{'error/bound':>13}{'s':>8}{'refused':>9}{'known':>7}{'wrong':>7}"
        )
    for name, found in sorted(rows.items()):
        claims, cases, largest, seconds, refused, known, wrong = zip(*found, strict=True)
        terminalreporter.write_line(
            f"{', '.join(name):48}{sum(claims):8}{sum(cases):8}{max(largest):13.2f}{sum(seconds):8.1f}"
            f"{sum(refused):9}{sum(known):7}{sum(wrong):7}"
        )


def pytest_configure(config: pytest.Config) -> None:
    """Draw few cases, unless a profile is named."""
    if not config.getoption("--hypothesis-profile", None):
        settings.load_profile("few")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them by name and by dtype."""
    for item in items:
        name, _, asked = item.name.partition("[")
        of_noise = "test_noise" in item.nodeid and any(dtype in asked for dtype in OTHER_DTYPES)
        in_bfloat16 = name == EVERY_REGIME and "bfloat16" in asked
        left_to_ci = zlib.crc32(item.nodeid.encode()) % FEW_BY_DEFAULT.get(name, 1)
        if name in BROAD or of_noise or in_bfloat16 or left_to_ci or item.nodeid.startswith("tests/test_docs.py"):
            item.add_marker(pytest.mark.broad)
        if item.get_closest_marker("broad") and zlib.crc32(item.nodeid.encode()) % SAMPLED.get(name, 1):
            item.add_marker(pytest.mark.slow)
        if (name == EVERY_REGIME and of_noise) or (name == ONE_CHANGE and asked.startswith(LONG)):
            item.add_marker(pytest.mark.slow)
