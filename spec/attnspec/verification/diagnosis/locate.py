"""Where an error is: in which outputs and cases if it is unrecognised, in which line of the formula if it is known."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from attnspec.interpreters.formula.formula import text
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.equation import Equation
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Description
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.residuals import Compared
from attnspec.verification.verdict import Diagnosis


def locate(judge: Judge, observations: Sequence[Observation], policy: Policy, found: str) -> Diagnosis:
    """Say where an unrecognised error is: in which outputs, steps or rows, and in how many cases.

    Args:
        found: the sentence of the finding, which is all that is known if no single element shows the error.
    """
    compared = judge.compared(observations, policy)
    wrong = [each for each in compared if each.fails]
    if not wrong:
        return Diagnosis("unrecognised", f"no known mistake, and no single element shows it: {found}")
    results = judge.equation.definition.results
    facts = []
    outputs = sorted({each.output for each in wrong})
    if len(results) > 1:
        facts.append(f"in {' and '.join(results[k].name for k in outputs)}")
    share = len({id(each.case) for each in wrong}), len({id(each.case) for each in compared})
    facts.append(f"in {share[0]} of {share[1]} cases")
    facts += _circumstances(wrong, compared)
    facts += _pattern(wrong)
    return Diagnosis("unrecognised", "no known mistake: it is wrong " + ", ".join(facts))


def _circumstances(wrong: Sequence[Compared], compared: Sequence[Compared]) -> list[str]:
    """What failing cases have in common and no other case has: a size, a batch, a regime."""
    failing, passing = _split(wrong, compared)
    if not failing or not passing:
        return []
    if axes := _only_with_axes(failing, passing):
        return [axes]
    facts = []
    sizes = [_sizes(each) for each in failing]
    others = [_sizes(each) for each in passing]
    for name in [name for name in sizes[0] if all(name in each for each in (*sizes, *others))]:
        seen, right = {each[name] for each in sizes}, {each[name] for each in others}
        if min(seen) > max(right):
            facts.append(f"only where {name} ≥ {min(seen)}, and never up to {max(right)}")
        elif len(seen) == 1 and not seen & right:
            facts.append(f"only where {name} = {seen.pop()}")
        elif max(seen) < min(right):
            facts.append(f"only where {name} ≤ {max(seen)}")
    regimes = {each.regime for each in failing}
    if not facts and not regimes & {each.regime for each in passing} and len(regimes) <= 4:
        facts.append(f"only on values of the kind {' or '.join(map(repr, sorted(regimes)))}")
    return facts


def _pattern(wrong: Sequence[Compared]) -> list[str]:
    """The rows or columns to which the error is confined in every case."""
    facts = []
    for axis in (-2, -1):
        firsts, lasts, alls = set(), set(), set()
        for each in wrong:
            if each.ratio.ndim < -axis or each.ratio.shape[axis] < 2:
                continue
            others = tuple(k for k in range(each.ratio.ndim) if k != each.ratio.ndim + axis)
            bad = np.flatnonzero((each.ratio > 1).any(axis=others))
            firsts.add(int(bad[0]))
            lasts.add(int(each.ratio.shape[axis] - 1 - bad[-1]))
            alls.add(len(bad) == each.ratio.shape[axis])
        word = "row" if axis == -2 else "column"
        if firsts and min(firsts) > 0:
            facts.append(f"never before {word} {min(firsts)}")
        elif alls == {False} and firsts == {0} and len(lasts) == 1 and lasts != {0}:
            facts.append(f"never in the last {lasts.pop()} {word}s")
    return facts


def mend(equation: Equation[..., Any], diagnosis: Diagnosis | None) -> str:
    """The line of the formula that has a recognised mistake; the whole formula if it is not in one line."""
    if diagnosis is None or diagnosis.id in ("unrecognised", "reading", "direction", "no gradient", "batch"):
        return ""
    shown = [row.strip() for row in text(equation.definition).splitlines() if " = " in row]
    rows = [row for row in shown if not {"∈", "≤"} & {*row.split(" = ")[0]}]  # the sizes stand above the formula
    label, *rest = diagnosis.id.split("/")
    labels = [*(", ".join(line.targets) for line in equation.definition.lines), "the result"]
    return rows[labels.index(label)] if rest and label in labels else "\n".join(rows)


def _split(wrong: Sequence[Compared], compared: Sequence[Compared]) -> tuple[list[Description], list[Description]]:
    """The descriptions of the drawn cases that fail, and those of the others."""
    bad = {id(each.case) for each in wrong}
    drawn = {id(each.case): each.case.description for each in compared if each.case.description is not None}
    return (
        [described for case, described in drawn.items() if case in bad],
        [described for case, described in drawn.items() if case not in bad],
    )


def _sizes(described: Description) -> dict[str, int]:
    """The sizes of a case by name, with the number of examples as "batch", 0 without a batch axis."""
    return dict(described.sizes) | {"batch": prod(described.batch) if described.batch else 0}


def only_with_axes(compared: Sequence[Compared]) -> str:
    """Say that a candidate is wrong only with two or more batch axes; "" if that is not so."""
    return _only_with_axes(*_split([each for each in compared if each.fails], compared))


def _only_with_axes(failing: Sequence[Description], passing: Sequence[Description]) -> str:
    """The same for failing and passing cases. A case with a batch axis of size 0 or 1 may pass."""
    axes = sorted({len(each.batch) for each in failing})
    if not axes or axes[0] < 2 or not any(len(each.batch) < axes[0] for each in passing):
        return ""
    if any(len(each.batch) in axes and min(each.batch) > 1 for each in passing):
        return ""
    return f"only with {' or '.join(map(str, axes))} batch axes"
