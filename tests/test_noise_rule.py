"""docs/noise-rule.md has the numbers of the code, and values by which an implementation of it can be checked."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from attnspec import REGISTRY, thresholds
from attnspec.interpreters.evaluation.call import fit
from attnspec.interpreters.rounding import ensemble, noise, propagation
from attnspec.interpreters.rounding.model import ABSOLUTE, ULPS
from attnspec.interpreters.rounding.policy import FORMATS, PRESETS, preset
from attnspec.interpreters.rounding.propagation import Propagation
from attnspec.verification.judge import judge, statistics

PAGE = (Path(__file__).parents[1] / "docs/noise-rule.md").read_text("utf-8")


def table(first: str) -> list[list[str]]:
    """The rows of the table whose first heading is this, without the headings."""
    lines = PAGE.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith(f"| {first} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def number(text: str) -> float:
    base, _, exponent = text.partition("^")
    return float(base) ** float(exponent) if exponent else float(base)


CONSTANTS = {row[0]: row for row in table("constant")}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_are_those_of_the_code(name: str) -> None:
    """To the digits that the page gives."""
    _, shown, reason = CONSTANTS[name]
    base, _, place = name.partition("[")
    value = getattr(thresholds, base)
    value = value[int(place.rstrip("]"))] if place else value
    digits = len(shown.partition(".")[2]) if "e" not in shown else 12

    assert round(float(value), digits) == number(shown)
    assert reason.startswith(("convention: ", "derived: ", "measured: "))


def test_constants_that_the_code_calls_otherwise_are_called_so_here() -> None:
    """Derived, measured or a convention, in both places."""
    source = inspect.getsource(thresholds)
    for name, (_, _, reason) in CONSTANTS.items():
        after = re.split(rf"^[A-Z_, ]*\b{name.partition('[')[0]}\b[A-Z_, ]* = ", source, flags=re.MULTILINE)[1]
        kind = re.search(r'"""(\w+):', after)
        assert kind is not None
        assert reason.startswith(kind[1].lower()), name


def test_every_constant_of_the_noise_is_on_the_page() -> None:
    modules = (ensemble, noise, propagation)
    used = {name for module in modules for name in vars(module) if name.isupper() and hasattr(thresholds, name)}

    assert used - {"UNDECIDABLE"} <= CONSTANTS.keys(), "UNDECIDABLE is only a number for 'undecidable'"
    named = {name for name in re.findall(r"\b[A-Z]+_[A-Z_]+\b|\bSAMPLES\b", PAGE) if hasattr(thresholds, name)}
    assert named <= {name.partition("[")[0] for name in CONSTANTS}
    assert {"SPREADS", "LEAN", "CONTRAST"} <= {*vars(statistics), *vars(judge)}


def test_formats_functions_and_policies_are_those_of_the_code() -> None:
    formats = {row[0]: tuple(map(number, row[1:])) for row in table("format")}
    assert formats == {each.name: (each.bits, each.least, each.largest) for each in FORMATS.values()}

    functions = {name: (float(n), absolute) for name, n, absolute in table("function")}
    assert functions == {name: (n, "yes" if name in ABSOLUTE else "no") for name, n in ULPS.items()}

    shown = {row[0]: row[1:] for row in table("policy")}
    assert shown.keys() == {*PRESETS}
    for name, cells in shown.items():
        policy = preset(name, "float32" if name == "tf32" else "bfloat16")
        words = {"I": FORMATS["float32"], "S": policy.storage, "tf32": FORMATS["tf32"]}
        found = [policy.accumulation, policy.operands, policy.intermediates, policy.state]
        assert [words[cell] for cell in cells] == found


GIVEN = {
    "q": np.array([[1.0, 2.0, 3.0]]),
    "k": np.array([[4.0, 5.0, 6.0], [0.5, -1.0, 0.25]]),
    "e": np.array([[0.0, 1.0, -2.0]]),
}


@pytest.mark.parametrize("row", table("equation"), ids=lambda row: " ".join(row[:3]))
def test_check_values_are_those_of_the_code(row: list[str]) -> None:
    id, dtype, policy, value, sigma = row
    definition = REGISTRY[id].definition
    arrays = {parameter.name: GIVEN[parameter.name] for parameter in definition.parameters}
    sizes, batch = fit(definition, {name: array.shape for name, array in arrays.items()}, {})
    walk = Propagation(np, preset(policy, dtype))
    (found,), _ = walk.run(definition, arrays, {}, sizes, batch)
    found = walk.rounded_to(found, walk.policy.storage)

    assert np.allclose(found.value, np.fromstring(value, sep=","), rtol=1e-4)
    assert np.allclose(np.sqrt(walk.variance(found)), np.fromstring(sigma, sep=","), rtol=1e-3)


def test_a_check_value_follows_from_the_page() -> None:
    """scores.dot in float32, op by op, by hand: a sum of three products that the accumulator does not represent."""
    u, p, v = 2.0**-24, np.array([4.0, 10.0, 18.0]), 32.0
    least = 2.0**-126
    variance = u**2 / 3 * (3 / 6 * (p**2).sum() + 3 / 3 * v**2) + u**2 / 3 * (p**2).sum() + least**2 / 3
    (row,) = [row for row in table("equation") if row[:3] == ["scores.dot", "float32", "op-by-op"]]

    assert float(row[4].split(",")[0]) == pytest.approx(np.sqrt(variance), rel=1e-3)
