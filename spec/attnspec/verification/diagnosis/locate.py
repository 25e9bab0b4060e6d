"""Where an unrecognised error is, and which line of the formula a recognised mistake is in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from attnspec.interpreters.formula.formula import text, text_of
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.equation import Equation
from attnspec.language.tree import Name
from attnspec.verification.cases.case import Description
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.residuals import Compared, Observation
from attnspec.verification.verdict import Diagnosis


def locate(judge: Judge, observations: Sequence[Observation], policy: Policy, found: str) -> Diagnosis:
    """Where an unrecognised error is: which outputs, which steps or rows, in how many cases.

    Args:
        found: what says that it is wrong; no more is known where no single element shows it.
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
    """What the cases that fail have in common, and no other has: a size, a batch, a regime."""
    bad = {id(each.case) for each in wrong}
    failing: list[Description] = []
    passing: list[Description] = []
    for each in compared:
        described = each.case.description
        if described is not None:
            (failing if id(each.case) in bad else passing).append(described)
    if not failing or not passing:
        return []
    facts = []
    sizes = [dict(each.sizes) | {"batch": each.batch or 0} for each in failing]
    others = [dict(each.sizes) | {"batch": each.batch or 0} for each in passing]
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
    """Along which axis the error begins or is confined, where that holds in every case."""
    facts = []
    for axis in (-2, -1):
        firsts, lasts = set(), set()
        for each in wrong:
            if each.ratio.ndim < -axis or each.ratio.shape[axis] < 2:
                continue
            others = tuple(k for k in range(each.ratio.ndim) if k != each.ratio.ndim + axis)
            bad = np.flatnonzero((each.ratio > 1).any(axis=others))
            firsts.add(int(bad[0]))
            lasts.add(int(each.ratio.shape[axis] - 1 - bad[-1]))
        word = "row" if axis == -2 else "column"
        if firsts and min(firsts) > 0:
            facts.append(f"never before {word} {min(firsts)}")
        elif firsts == {0} and len(lasts) == 1 and lasts != {0}:
            facts.append(f"never in the last {lasts.pop()} {word}s")
    return facts


def mend(equation: Equation[..., Any], diagnosis: Diagnosis | None) -> str:
    """The line of the formula that a recognised mistake is in; the whole formula where it is in no one line."""
    if diagnosis is None or diagnosis.id in ("unrecognised", "direction", "no gradient", "batch"):
        return ""
    rows = [row.strip() for row in text(equation.definition).splitlines() if " = " in row and "∈" not in row]
    label, *rest = diagnosis.id.split("/")
    if rest and label == "the result":
        return rows[-1]
    named = ", ".join(text_of(Name(name), equation.definition) for name in label.split(", ")) if rest else ""
    own = [row for row in rows if named and row.split(" = ")[0] == named]
    return own[0] if own else "\n".join(rows)
