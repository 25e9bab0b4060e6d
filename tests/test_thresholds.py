"""The numbers that can change a verdict: derived ones are derived again, measured ones are measured on honest runs."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from attnspec import REGISTRY, thresholds
from attnspec.interpreters.rounding.noise import noise
from attnspec.interpreters.rounding.policy import preset
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case, make
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.judge.residuals import Compared, compare
from attnspec.verification.judge.statistics import pooled_rms, slices

SPEC = Path(thresholds.__file__).parent
JUDGING = ("verification/judge", "verification/diagnosis", "verification/contract", "verification/properties",
           "verification/equations", "verification/procedures", "interpreters/rounding")  # fmt: skip
"""Where verdicts are made."""

ELSEWHERE = {
    "SPECIAL": "kinds of values",
    "EXTREMES": "sentences",
    "STRIDES": "distances of rows that software has",
    "FIRST_SEED": "seeds of cases",
    "EXAMPLES": "examples of a case",
    "MASKS": "changes of masks",
    "WIDTH": "sizes of a case",
    "AXIS": "sizes of a case",
    "SOME_EXAMPLES": "parts of a case",
    "SOME_PLACES": "parts of a case",
    "ULPS": "a table of a standard",
    "POLES": "places of operands",
    "USUAL_SIZES": "sizes of cases",
    "PATIENCE": "how long a call may take",
    "RUNS": "a sum of two numbers of thresholds.py",
    "REMEMBERED": "a cache",
    "SHOWN": "how many lines are printed",
    "LONG": "leaves out slips that cost much",
    "TILES": "sizes of tiles",
    "FIRSTS": "numbers of terms",
    "PLACES": "places along an axis",
    "AT_ONCE": "how many variants are evaluated at once, for speed",
    "LARGEST_AT_ONCE": "how large they may be, for speed",
    "MOST_VALUES": "how many values are kept, for speed",
    "MOST_ELEMENTS": "how large kept values may be, for speed",
    "MOST_DRAWN": "how large kept cases may be, for speed",
    "MOST_KEPT": "how large kept cases and noises may be, for speed",
    "QUARTERS": "parts of a step that are tried at once",
    "FORMATS": "formats of floating-point numbers",
    "MEMBER": "the name of an axis",
    "KINDS": "an order",
    "REDUCTIONS": "what may stand for a sum",
    "COMMON_CONSTANTS": "usual constants of formulas",
    "CACHED_CALLS": "a cache",
    "DEFAULT_SIZES": "sizes of cases",
    "STARTS": "where a search begins",
    "BASE_CASES": "how many cases a procedure is asked",
    "PROPERTY_CASES": "how many of them a property is asked",
    "PAIRS": "how many of them are called in a row",
    "SHRINK_CALLS": "how many calls make a case smaller",
    "SITES": "places where bits may be lost",
    "PLAIN": "a form",
    "EXACT_FORMAT": "a format",
    "WRONG_POINTS": "in how many wrong cases a function is traced too",
    "MOST_EXAMPLES": "which case is watched",
    "LARGEST_CASE": "which case is watched",
    "MOST_AXES": "arrays that are compared in one order of axes alone",
    "NEARBY": "which mutants are examined",
    "WIDTHS": "which sizes of vectors are tried",
    "LEAST": "which cases are looked at",
    "MOST_PACKED": "which changes of inputs are tried",
    "SHARDS": "which changes of inputs are tried",
    "STEP": "which mutants are examined",
    "STEPS": "which mutants are examined",
    "ALTERNATIVES": "how many sentences are printed",
    "MOST_TELLING": "which cases are tried first, for speed",
    "GUESSES": "in which order bits are tried, for speed",
    "MOST_MISTAKES": "the cost of a search",
    "MOST_TRIES": "the cost of a search",
    "MOST_ARRAYS": "the cost of a search",
    "MOST_FOLLOWED": "the cost of a search",
    "ZERO": "a number of a formula",
    "ONE": "a number of a formula",
    "MOST_CONDITIONS": "the cost of a search",
    "MOST_NECESSARY": "the cost of a search",
    "MOST_CODE": "how much is printed",
    "MOST_INPUTS": "how much is printed",
    "MOST_OF_WHOLE": "how much is printed",
    "MOST_OF_INPUT": "how much is printed",
    "STAGES": "the number of stages of a search",
    "POOL": "which cases a long search varies",
    "FRESH": "which cases a long search varies",
    "SECONDS_BETWEEN": "when progress is shown",
    "HUNT_SEED": "a seed",
    "LARGEST_TILE": "sizes of tiles",
    "MOST_TOGETHER": "the cost of a search",
    "MOST_MATCHED": "the cost of a search",
    "FEWER_BITS": "changes of arrays",
    "IN_A_BATCH": "changes of arrays",
    "ALONG": "changes of arrays",
    "REDUCED": "changes of arrays",
    "NUMBERS": "changes of arrays",
    "ORDERED": "changes of arrays",
    "WHOLE": "changes of options",
    "ROUNDED": "changes of options",
}
"""Constants in those rooms that are no thresholds, each with what it is."""


def constants(file: Path) -> Iterator[str]:
    """The names of module-level constants that hold numbers."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            names = node.targets if isinstance(node, ast.Assign) else [node.target]
            numbers = [part for part in ast.walk(node.value) if isinstance(part, ast.Constant)]
            if any(type(part.value) in (int, float) for part in numbers):
                yield from (part.id for name in names for part in ast.walk(name) if isinstance(part, ast.Name))


def test_no_room_has_thresholds_of_its_own() -> None:
    files = [file for place in JUDGING for file in ([SPEC / place] if "." in place else (SPEC / place).rglob("*.py"))]
    strays = [
        f"{file.relative_to(SPEC)}: {name}" for file in files for name in constants(file) if name not in ELSEWHERE
    ]

    assert not strays, "it belongs into thresholds.py, or into ELSEWHERE with what it is"


def test_every_number_says_where_it_comes_from() -> None:
    body = ast.parse(Path(thresholds.__file__).read_text(encoding="utf-8")).body
    bare = [
        ast.unparse(node).partition("\n")[0]
        for node, after in zip(body, [*body[1:], ast.Pass()], strict=True)
        if isinstance(node, ast.Assign) and "NORMAL" not in ast.unparse(node.targets[0])
        if not (isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant))
        or not str(after.value.value).startswith(("Derived: ", "Measured: ", "Convention: ", "Source: "))
    ]

    assert not bare


@pytest.mark.parametrize("chance", [0.25, 1e-4, 1e-9, 1e-13])
def test_quantiles_are_those_of_the_distributions(chance: float) -> None:
    assert thresholds.normal_quantile(chance) == pytest.approx(stats.norm.isf(chance), rel=1e-6)
    for degrees in (16, 32):
        found = thresholds.student_quantile(chance, degrees)
        assert found == pytest.approx(stats.t.isf(chance, degrees), rel=1e-3)


def test_what_is_derived_is_what_follows() -> None:
    """Each in the words of its derivation, by other means."""
    budget = thresholds.FALSE_ALARMS

    assert 2 * thresholds.ELEMENTS * stats.norm.sf(thresholds.SIGMA_BOUND) <= budget
    assert stats.norm.sf(thresholds.SIGMA_BOUND - 1) * 2 * thresholds.ELEMENTS > budget
    assert stats.chi2.cdf(thresholds.SAMPLES / 2.8**2, thresholds.SAMPLES) < budget
    assert 2 * thresholds.DIRECTIONS * stats.t.sf(thresholds.SPREADS, thresholds.SAMPLES) == pytest.approx(
        budget, rel=0.01
    )
    assert stats.chi2.cdf(thresholds.PROBES / 9, thresholds.PROBES) < 5e-6
    assert stats.norm.ppf(0.75) * thresholds.HONEST_RMS == pytest.approx(thresholds.HONEST_MEDIAN)
    right = float(np.quantile(np.abs(thresholds.HONEST_RMS * stats.norm.ppf(np.linspace(0, 1, 100_001)[1:-1])), 0.8))
    assert math.sqrt(right * thresholds.CONTRAST * right) == pytest.approx(thresholds.POLICY_TOO_TIGHT, rel=1e-3)


@pytest.mark.parametrize("count", [4, 10, 100, 1000])
def test_the_limit_of_a_root_mean_square_covers_chance(count: int) -> None:
    """A root mean square of errors at HONEST_RMS, of which every two are one, stays within the budget."""
    chance = stats.chi2.isf(thresholds.FALSE_ALARMS, count / 2) / (count / 2)

    assert thresholds.HONEST_RMS * math.sqrt(chance) < thresholds.whole_limit(count, 0.0)


@pytest.mark.parametrize("independent", [10, 20, 50, 100, 1000])
def test_the_limit_of_a_share_covers_chance(independent: int) -> None:
    share = thresholds.share_limit(independent)
    chance = float(stats.beta.sf(share, 0.5, (independent - 1) / 2))

    assert chance < 10 * thresholds.DIRECTION_CHANCE


# Honest runs: a simulated run of another seed is a candidate.

HONEST = ("attention.weights", "attention.scaled_dot_product", "recurrent.gru", "transformer.layer_norm")
RUNS = 8


def honest(id: str, dtype: str, policy: str) -> Iterator[list[Compared]]:
    """What judging sees of honest candidates, each on all small cases of the suite."""
    equation = REGISTRY[id]
    suite = standard_suite(equation, lambda name: 1, (0,))
    small = [each for each in suite if all(size <= 20 for _, size in each.sizes) and each.layout == "contiguous"]
    cases = [make(equation, each, dtype) for each in small if each.regime in ("ordinary", "large", "offset")]
    found: list[list[Compared]] = [[] for _ in range(RUNS)]
    for case in filter(finite, cases):
        under = preset(policy, dtype)
        noises = noise(equation.definition, case.arrays, case.options, under, seed=0)
        others = noise(equation.definition, case.arrays, case.options, under, seed=1)
        for run in range(RUNS):
            answers = tuple(other.value + other.members[run] for other in others)
            found[run] += compare(Observation(case, answers), noises)
    yield from found


def finite(case: Case) -> bool:
    return case.finite


def runs_whole(compared: list[Compared]) -> list[float]:
    """The root mean square over all elements of each of the simulated runs that a judge has."""
    count = sum(int(each.counted.sum()) for each in compared)
    runs = range(thresholds.SAMPLES)
    return [float(np.sqrt(sum((each.z_members[run] ** 2).sum() for each in compared) / count)) for run in runs]


@pytest.mark.parametrize("id", HONEST)
@pytest.mark.parametrize(("dtype", "policy"), [("float32", "op-by-op"), ("bfloat16", "float32-inside")])
def test_simulated_honest_runs_stay_within_what_was_measured(id: str, dtype: str, policy: str) -> None:
    """Element, whole and slices: all within their limits, and within the maxima that thresholds.py states."""
    for compared in honest(id, dtype, policy):
        assert not any(each.fails for each in compared)
        value, _ = pooled_rms(compared)
        assert value < 1.4
        assert slices(compared) is None
        assert value < thresholds.WHOLE_SAMPLES * max(runs_whole(compared))
        elements = sum(int(each.decidable.sum()) for each in compared)
        assert elements < thresholds.ELEMENTS
