"""Where an unexplained error is, and the line of the formula in which a recognised mistake is."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from itertools import permutations
from math import comb, prod
from typing import Any

import numpy as np

from attnspec.interpreters.evaluation.call import fit
from attnspec.interpreters.formula.formula import text
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.equation import Equation
from attnspec.language.tree import Definition
from attnspec.thresholds import BY_CHANCE
from attnspec.verification.candidate.observation import Array, Observation
from attnspec.verification.cases.case import Case, Description
from attnspec.verification.diagnosis.element_conditions import element_conditions
from attnspec.verification.diagnosis.line_conditions import line_conditions
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.residuals import Compared
from attnspec.verification.verdict import Diagnosis

NOT_IN_EACH = ", though not in each such case"
"""How a condition ends that holds in some right cases too."""

NUMBER_FACT = re.compile(r", only where (\w+) (≥|≤|=) (-?\d[\d.e+-]*)(?:, and never up to [\d.e+-]+)?")
"""What failing cases have in common, in a sentence."""

RELATIONS: dict[str, Callable[[float, float], bool]] = {
    "≥": operator.ge, "≤": operator.le, "=": operator.eq, ">": operator.gt,
}  # fmt: skip
"""{sign: what it means} in such a sentence."""


def locate(judge: Judge, observations: Sequence[Observation], policy: Policy, reason: str) -> Diagnosis:
    """Describe where an unexplained error is: in which outputs, cases, rows and columns.

    Args:
        reason: the first finding, which is all that is known if no single element is wrong.
    """
    compared = judge.compare(observations, policy)
    wrong = [comparison for comparison in compared if comparison.fails]
    if not wrong:
        return Diagnosis("unrecognised", f"no known mistake, and no single element shows it: {reason}")
    results = judge.equation.definition.results
    outputs = sorted({comparison.output for comparison in wrong})
    names = [f"in {' and '.join(results[k].name for k in outputs)}"] if len(results) > 1 else []
    cases = where(compared, definition=judge.equation.definition)
    elements = element_conditions(judge.equation.definition, compared)
    facts = [*names, cases, *elements, *_pattern(wrong)]
    return Diagnosis("unrecognised", "no known mistake: it is wrong " + ", ".join(facts))


def circumstances(compared: Sequence[Compared]) -> list[str]:
    """What the failing cases have in common and no other case has."""
    return _circumstances([comparison for comparison in compared if comparison.fails], compared)


def needs_a_size(compared: Sequence[Compared]) -> bool:
    """Whether all failing cases have a number, such as a size, that is larger than in any other case."""
    failing, passing = _split([comparison for comparison in compared if comparison.fails], compared)
    if not failing or not passing:
        return False
    wrong, right = [[_numbers(case) for case in cases] for cases in (failing, passing)]
    names = _common(wrong, right)
    return any(min(numbers[name] for numbers in wrong) > max(numbers[name] for numbers in right) for name in names)


def where(
    compared: Sequence[Compared], telling: Collection[int] | None = None, definition: Definition | None = None
) -> str:
    """Describe in how many cases an answer is wrong, and what these have in common.

    Args:
        telling: the ids of the right cases in which the mistake would have shown; of all if None. The others may have
            anything in common with those that fail, and tell nothing.
        definition: the equation, whose lines are looked at if nothing else is in common.
    """
    wrong = [comparison for comparison in compared if comparison.fails]
    share = len({id(comparison.case) for comparison in wrong}), len({id(comparison.case) for comparison in compared})
    facts = _circumstances(wrong, compared, telling)
    if definition is not None and not facts:
        facts = line_conditions(definition, *_split(wrong, compared))
    return ", ".join([f"in {share[0]} of {share[1]} cases", *facts])


def revised(says: str, compared: Sequence[Compared], shown: Compared | None, definition: Definition) -> str:
    """A sentence about where an answer is wrong, without what the case that is shown beside it contradicts."""
    if shown is None or not shown.fails:
        return says
    described = next((each.case.description for each in compared if each.fails and each.case.description), None)
    if shown.case.description is None and described is not None:  # one whose values were made simpler
        sizes, axes = fit(definition, {name: a.shape for name, a in shown.case.arrays.items()}, shown.case.options)
        described = replace(described, sizes=tuple(sizes.items()), batch=shown.answer.shape[:axes])
        shown = replace(shown, case=replace(shown.case, description=described))
    after = _facts([*compared, shown])
    for fact in _facts(compared):
        if fact not in after:
            instead = next((each for each in after if each.split()[:3] == fact.split()[:3]), "")  # of the same size
            says = says.replace(f", {fact}", f", {instead}" if instead else "")
    numbers = {} if shown.case.description is None else _numbers(shown.case)
    for found in NUMBER_FACT.finditer(says):  # of a mistake that is looked for in fewer cases
        if not RELATIONS[found[2]](numbers.get(found[1], float(found[3])), float(found[3])):
            says = says.replace(found[0], "")
    return says


def _facts(compared: Sequence[Compared]) -> list[str]:
    return [*circumstances(compared), *_pattern([comparison for comparison in compared if comparison.fails])]


def _circumstances(
    wrong: Sequence[Compared], compared: Sequence[Compared], telling: Collection[int] | None = None
) -> list[str]:
    """What the failing cases have in common and no other case has: a size, batch axes, a kind of values."""
    failing, passing = _split(wrong, compared)
    if not failing or not passing:
        return []
    if axes := _only_with_axes(_descriptions(failing), _descriptions(passing)):
        return [axes]
    facts = []
    told = passing if telling is None else [case for case in passing if id(case) in telling]
    sizes = [_numbers(case) for case in failing]
    others = [_numbers(case) for case in told or passing if not _has_size_one(case)]
    others = others or [_numbers(case) for case in told or passing]
    for name in _common(sizes, others):
        wrong_at, right_at = {case_sizes[name] for case_sizes in sizes}, {case_sizes[name] for case_sizes in others}
        if min(wrong_at) > max(right_at):
            facts.append(f"only where {name} ≥ {min(wrong_at):g}, and never up to {max(right_at):g}")
        elif len(wrong_at) == 1 and not wrong_at & right_at:
            facts.append(f"only where {name} = {wrong_at.pop():g}")
        elif max(wrong_at) < min(right_at):
            facts.append(f"only where {name} ≤ {max(wrong_at):g}")
        elif parity := _parity(sizes, others, name):
            facts.append(f"only where {name} is {parity}")
    regimes, right = ({description.regime for description in _descriptions(cases)} for cases in (failing, passing))
    facts += [f"only where {name} is 0 everywhere" for name in sorted(_zero(failing) - _zero(told, some=True)) if told]
    facts += _everywhere(failing, told)
    facts += _hidden(failing, passing)
    facts = facts or _related(sizes, others)
    if not facts and not regimes & right and len(regimes) <= 4:
        facts.append(f"only on values of the kind {' or '.join(map(repr, sorted(regimes)))}")
    return facts or _nearly(sizes, others)


def _parity(failing: Sequence[dict[str, float]], passing: Sequence[dict[str, float]], name: str) -> str:
    """Whether a number is "odd" in all failing cases and in no other, or "even"; "" if neither, or by chance."""
    wrong, right = ({numbers[name] % 2 for numbers in cases} for cases in (failing, passing))
    if 2 * len(failing[0]) * 0.5 ** (len(failing) + len(passing)) > BY_CHANCE:
        return ""
    return "odd" if (wrong, right) == ({1}, {0}) else "even" if (wrong, right) == ({0}, {1}) else ""


def _common(failing: Sequence[dict[str, float]], passing: Sequence[dict[str, float]]) -> list[str]:
    """The names of the numbers that all cases have."""
    return [name for name in failing[0] if all(name in numbers for numbers in (*failing, *passing))]


def _nearly(failing: Sequence[dict[str, float]], passing: Sequence[dict[str, float]]) -> list[str]:
    """The number that all failing cases have in common and fewest others: so many would rarely have it by chance."""
    found = list[tuple[int, str]]()
    for name in _common(failing, passing):
        wrong_at, right_at = ([numbers[name] for numbers in cases] for cases in (failing, passing))
        low, high = min(wrong_at), max(wrong_at)
        found += [
            (sum(value >= low for value in right_at), f"{name} ≥ {low:g}"),
            (sum(value <= high for value in right_at), f"{name} ≤ {high:g}"),
            *([(right_at.count(low), f"{name} = {low:g}")] if low == high else []),
        ]
    right, says = min(found, default=(len(passing), ""))
    count = len(failing) + right
    chance = len(found) * comb(count, len(failing)) / comb(len(failing) + len(passing), len(failing))
    return [f"only where {says}{NOT_IN_EACH}"] if chance < BY_CHANCE else []


def _related(failing: Sequence[dict[str, float]], passing: Sequence[dict[str, float]]) -> list[str]:
    """Whole numbers that are equal in all failing cases and in no other, or of which one is larger; rarely by chance.

    One number may be equal to several others by turns: as many rows as heads, be they queries or keys.
    """
    cases = [*failing, *passing]
    names = [
        name for name in failing[0] if name != "batch" and all(isinstance(numbers.get(name), int) for numbers in cases)
    ]
    tried = len(names) * (2 * len(names) + 1)
    if tried > BY_CHANCE * comb(len(cases), len(failing)):
        return []
    for first, other in permutations(names, 2):
        for sign in ("=", ">"):
            holds = [RELATIONS[sign](numbers[first], numbers[other]) for numbers in cases]
            if all(holds[: len(failing)]) and not any(holds[len(failing) :]):
                return [f"only where {first} {sign} {other}"]
    for one in names:
        others = [name for name in names if name != one and not any(each[name] == each[one] for each in passing)]
        met = [name for name in others if any(each[name] == each[one] for each in failing)]
        if met and all(any(each[name] == each[one] for name in met) for each in failing):
            return [f"only where {one} = {' or '.join(met)}"]
    return []


def _has_size_one(case: Case) -> bool:
    """Whether some axis has size 1, beside which a mistake may not show: √1 is 1, and softmax of one score is 1."""
    return case.description is not None and 1 in dict(case.description.sizes).values()


def _zero(cases: Sequence[Case], some: bool = False) -> set[str]:
    """The floating-point arguments that are 0 everywhere in all cases, or in some of them."""
    zero = [
        {name for name, array in case.arrays.items() if array.dtype.kind == "f" and array.size and not array.any()}
        for case in cases
    ]
    return set().union(*zero) if some else set.intersection(*zero)


def _everywhere(failing: Sequence[Case], passing: Sequence[Case]) -> list[str]:
    """Masks that are true everywhere, or false everywhere, in every failing case and in no other of several places."""
    facts = []
    others = [case for case in passing if not _has_size_one(case)]
    for name in sorted(name for name, array in failing[0].arrays.items() if array.dtype.kind == "b"):
        for word, is_so in (("true", np.all), ("false", lambda mask: not np.any(mask))):
            wrong, right = ([bool(is_so(case.arrays[name])) for case in cases] for cases in (failing, others))
            if all(wrong) and right and not any(right):
                facts.append(f"only where {name} is {word} everywhere")
    return facts


def _hidden(failing: Sequence[Case], passing: Sequence[Case]) -> list[str]:
    """Masks that hide the first or the last places, more of them in a row of every failing case than in any other."""
    facts = []
    cases = (*failing, *passing)
    masks = [name for name, array in failing[0].arrays.items() if array.dtype.kind == "b"]
    for name in sorted(name for name in masks if all(case.arrays[name].ndim for case in cases)):
        for word, step in (("first", 1), ("last", -1)):
            most, others = ([_runs(case.arrays[name][..., ::step]) for case in cases] for cases in (failing, passing))
            right = max((runs.max(initial=0) for runs in others), default=0)
            if others and all(runs.max(initial=0) > right for runs in most):
                fewest = min(runs[runs > right].min() for runs in most)
                facts.append(
                    f"only where {name} hides the {word} {fewest:,} places of a row, and never up to {right:,}"
                )
    return facts


def _runs(mask: Array) -> Array:
    """How many places in front of each row a mask hides, where it does not hide all."""
    hidden = np.asarray((np.cumsum(mask, axis=-1) == 0).sum(axis=-1))
    return np.asarray(hidden[hidden < mask.shape[-1]])


def _pattern(wrong: Sequence[Compared]) -> list[str]:
    """Rows and columns that are right in every failing case: the first ones or the last ones."""
    facts = []
    for axis in (-2, -1):
        firsts, lasts, alls = set(), set(), set()
        for comparison in wrong:
            if comparison.ratio.ndim < -axis or comparison.ratio.shape[axis] < 2:
                continue
            others = tuple(k for k in range(comparison.ratio.ndim) if k != comparison.ratio.ndim + axis)
            bad = np.flatnonzero((comparison.ratio > 1).any(axis=others))
            firsts.add(int(bad[0]))
            lasts.add(int(comparison.ratio.shape[axis] - 1 - bad[-1]))
            alls.add(len(bad) == comparison.ratio.shape[axis])
        word = "row" if axis == -2 else "column"
        if firsts and min(firsts) > 0:
            facts.append(f"never before {word} {min(firsts)}")
        elif alls == {False} and firsts == {0} and len(lasts) == 1 and lasts != {0}:
            facts.append(f"never in the last {lasts.pop()} {word}s")
    return facts


def mend(equation: Equation[..., Any], diagnosis: Diagnosis | None) -> str:
    """The lines of the formula in which recognised mistakes are; the whole formula if they are not in single lines.

    It is "" if there is no diagnosis, and where the formula is right: of gradients that are missing or reduced over a
    batch in another way, and of places that are not written.
    """
    if diagnosis is None or diagnosis.id in ("no gradient", "batch", "unwritten"):
        return ""
    equalities = [row.strip() for row in text(equation.definition).splitlines() if " = " in row]
    rows = [row for row in equalities if not {"∈", "≤"} & {*row.split(" = ")[0]}]  # the sizes stand above the formula
    labels = [*(", ".join(line.targets) for line in equation.definition.lines), "the result"]
    wrong = [label if slash else "" for label, slash, _ in (id.partition("/") for id in diagnosis.id.split(" and "))]
    known = all(label in labels for label in wrong)
    return "\n".join(row for row, label in zip(rows, labels, strict=False) if not known or label in wrong)


def _split(wrong: Sequence[Compared], compared: Sequence[Compared]) -> tuple[list[Case], list[Case]]:
    """The drawn cases that fail, and the others in which something could be wrong."""
    bad = {id(comparison.case) for comparison in wrong}
    told = [comparison for comparison in compared if comparison.case.description is not None and comparison.ratio.size]
    drawn = {id(comparison.case): comparison.case for comparison in told}
    return (
        [case for key, case in drawn.items() if key in bad],
        [case for key, case in drawn.items() if key not in bad],
    )


def _descriptions(cases: Sequence[Case]) -> list[Description]:
    return [case.description for case in cases if case.description is not None]


def _numbers(case: Case) -> dict[str, float]:
    """The options and sizes of a case by name, and as "batch" its number of examples, 0 without a batch axis."""
    (description,) = _descriptions([case])
    sizes = dict(description.sizes) | {"batch": prod(description.batch) if description.batch else 0}
    return {name: value for name, value in case.options.items() if isinstance(value, int | float)} | sizes


def only_with_axes(compared: Sequence[Compared]) -> str:
    """Describe that a candidate is wrong only with two or more batch axes; "" if that is not so."""
    failing, passing = _split([comparison for comparison in compared if comparison.fails], compared)
    return _only_with_axes(_descriptions(failing), _descriptions(passing))


def _only_with_axes(failing: Sequence[Description], passing: Sequence[Description]) -> str:
    """The same for failing and passing cases. A case with a batch axis of size 0 or 1 may pass."""
    axes = sorted({len(description.batch) for description in failing})
    if not axes or axes[0] < 2 or not any(len(description.batch) < axes[0] for description in passing):
        return ""
    if any(len(description.batch) in axes and min(description.batch) > 1 for description in passing):
        return ""
    return f"only with {' or '.join(map(str, axes))} batch axes"
