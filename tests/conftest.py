"""Which cases of long tests are asked in which run, and how many cases Hypothesis draws."""

from __future__ import annotations

import tomllib
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

LANES: dict[str, tuple[int, int]] = tomllib.loads(Path(__file__).with_name("lanes.toml").read_text(encoding="utf-8"))
"""{test that takes long: one of how many of its cases the default run asks, and `make test`}."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The device of the tests that are marked gpu, and whether lanes.toml counts."""
    parser.addoption("--device", default="cuda", help="device of the tests marked gpu: cuda, cuda:N or cpu")
    parser.addoption(
        "--every-case", action="store_true", help="also the cases of long tests that lanes.toml leaves out"
    )


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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the cases of long tests that are left to `make test`, or to nobody but who asks for slow ones."""
    by_test: dict[str, list[pytest.Item]] = {}
    for item in [] if config.getoption("--every-case") else items:
        if not item.get_closest_marker("slow"):
            by_test.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for test, (default, ci) in LANES.items():
        cases = sorted(by_test.get(test, ()), key=lambda item: zlib.crc32(item.nodeid.encode()))
        for place, item in enumerate(cases):
            if not ci or place * ci >= len(cases):
                item.add_marker(pytest.mark.slow)
            elif not default or place * default >= len(cases):
                item.add_marker(pytest.mark.broad)
