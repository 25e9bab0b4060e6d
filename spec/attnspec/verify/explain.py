"""What is wrong with it? The mutant whose values the candidate gives, or where it first goes wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from attnspec.interpreters.formula import text, text_of
from attnspec.interpreters.mutants import Mutant
from attnspec.interpreters.policy import Policy
from attnspec.language.equation import Equation
from attnspec.language.tree import Name
from attnspec.verify.cases import Description
from attnspec.verify.judge import Judge
from attnspec.verify.score import shows
from attnspec.verify.statistics import Compared, Observation, compare, largest, whole
from attnspec.verify.wrong import fits, wrong_values

FAR = 1e4
"""An error of so many σ counts as no more: one bad element must not hide that all others agree."""

MOSTLY = 0.75
"""The share of failing cases that a mistake must explain to be named: overflow or a second slip may spoil others."""

CONTROLS = 24
"""Cases that are right, which a mistake must leave right to be named beside others."""

ENOUGH_CASES = 8
"""Failing cases that are looked at, those that say most."""

SHORTLIST = 6
"""Mutants that are compared by their own noise."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that a candidate's error is recognised as.

    Attributes:
        id: the mutant's or convention's id, or "unrecognised".
        says: the sentence.
        also: other mutants that the cases cannot tell from this one.
        distance: the root mean square of error/σ that is left under it.
    """

    id: str
    says: str
    also: tuple[str, ...] = ()
    distance: float = 0.0


def recognise(
    judge: Judge, observations: Sequence[Observation], mutants: Sequence[Mutant], policy: Policy, always: bool = False
) -> Diagnosis | None:
    """The mutant that explains the cases that the equation fails, within its own noise; None where none does.

    Args:
        always: one that would have shown in cases that are right explains nothing; else it may be made there alone.
    """
    failing = sorted(judge.failing(observations, policy), key=lambda each: -_telling(each))

    def asked(mutant: Mutant) -> list[Observation]:
        return list(islice((each for each in failing if fits(mutant, each.case)), ENOUGH_CASES))

    first = [(_distance(judge, asked(mutant)[:2], mutant, policy), place) for place, mutant in enumerate(mutants)]
    near = [mutants[place] for distance, place in sorted(first) if np.isfinite(distance)][: 3 * SHORTLIST]
    second = [(_distance(judge, asked(mutant), mutant, policy), place) for place, mutant in enumerate(near)]
    short = [near[place] for distance, place in sorted(second) if np.isfinite(distance)][:SHORTLIST]
    fitting = []
    for mutant in short:
        share, rms = _explained(judge, asked(mutant), mutant, policy)
        if share >= MOSTLY:
            fitting.append((share, rms, mutant))
    if not fitting:
        return None
    most = max(share for share, _, _ in fitting)
    best = min(rms for share, rms, _ in fitting if share == most)
    alike = [mutant for share, rms, mutant in fitting if share == most and rms <= max(1.5 * best, best + 0.2)]
    order = {mutant.id: place for place, mutant in enumerate(mutants)}
    alike.sort(key=lambda mutant: (not all(fits(mutant, each.case) for each in failing), order[mutant.id]))
    if len(alike) > 1 or always:
        alike = _unrefuted(judge, observations, alike, policy) or ([] if always else alike)
    if not alike:
        return None
    besides = "" if most == 1 else f" (and in {1 - most:.0%} of the cases that fail something else besides)"
    return Diagnosis(alike[0].id, alike[0].says + besides, tuple(mutant.says for mutant in alike[1:]), best)


def _unrefuted(judge: Judge, observations: Sequence[Observation], alike: list[Mutant], policy: Policy) -> list[Mutant]:
    """Those that would not have shown in cases that are right."""
    right = [each for each in observations if judge.holds(each, policy)][:CONTROLS]
    return [m for m in alike if not any(shows(m, judge.compared([each], policy), judge.dtype) for each in right)]


def _explained(judge: Judge, asked: Sequence[Observation], mutant: Mutant, policy: Policy) -> tuple[float, float]:
    """The share of failing cases that a mutant explains within its own noise, and the rms of error/σ in these."""
    if mutant.in_storage and not all(np.isfinite(answer).all() for each in asked for answer in each.answers):
        return (sum(_overflows_alike(judge, each, mutant) for each in asked) / max(len(asked), 1), 0.0)
    total, right = 0.0, 0
    for each in asked:
        under = _under(judge, [each], mutant, policy)
        rms, _ = whole(under)
        if under and largest(under) <= 1:
            total, right = total + rms, right + 1
    return (right / len(asked), total / max(right, 1)) if asked else (0.0, 0.0)


def _overflows_alike(judge: Judge, observation: Observation, mutant: Mutant) -> bool:
    """Whether NaN and infinity stand where they do in a mutant that only overflow makes wrong."""
    answers = observation.answers
    if all(np.isfinite(answer).all() for answer in answers):
        return False
    for form in ("float32", "float16") if judge.dtype == "float16" else ("float32",):
        wrong = wrong_values(mutant, observation.case, judge.dtype, form)
        pairs = zip(answers, wrong or (), strict=False)
        if wrong is not None and all(np.array_equal(np.isfinite(a), np.isfinite(w)) for a, w in pairs):
            return True
    return False


def _telling(observation: Observation) -> float:
    """Ordinary cases of a middling size say most."""
    described = observation.case.description
    size = sum(answer.size for answer in observation.answers)
    return (1 if described is not None and described.regime == "ordinary" else 0) + min(size, 60) / 100


def _distance(judge: Judge, observations: Sequence[Observation], mutant: Mutant, policy: Policy) -> float:
    """How far the answers are from a mutant's values, in σ of the equation; infinite where it cannot be asked."""
    total, count = 0.0, 0
    for observation in observations:
        wrong = wrong_values(mutant, observation.case, judge.dtype)
        if wrong is None:
            continue
        for answer, value, noise in zip(observation.answers, wrong, judge.noise(observation.case, policy), strict=True):
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                same = (answer == value) | (np.isnan(answer) & np.isnan(value))
                z = np.where(same, 0.0, np.abs(answer - value) / np.where(noise.sigma > 0, noise.sigma, 1e-300))
            z = np.where(np.isnan(z), FAR, np.minimum(z, FAR))
            total, count = total + float(np.log1p(z).sum()), count + z.size
    return total / count if count else float("inf")


def _under(judge: Judge, observations: Sequence[Observation], mutant: Mutant, policy: Policy) -> list[Compared]:
    """The answers beside the noise of a mutant, as if it were the equation."""
    found = []
    for observation in observations:
        if wrong_values(mutant, observation.case, judge.dtype) is not None:
            tree = mutant.definition
            noises = judge.noise_of_wrong(observation.case, policy, tree, mutant.id)
            found += compare(observation, noises)
    return found


def where(judge: Judge, observations: Sequence[Observation], policy: Policy, found: str) -> Diagnosis:
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
        elif alls == {False} and lasts == {0} and len(firsts) == 1:
            facts.append(f"from {word} {firsts.pop()} on")
    return facts


def mend(equation: Equation[..., Any], diagnosis: Diagnosis | None) -> str:
    """The line of the formula that a recognised mistake is in; the whole formula where it is in no one line."""
    if diagnosis is None or diagnosis.id in ("unrecognised", "direction", "no gradient", "batch"):
        return ""
    rows = [row.strip() for row in text(equation.definition).splitlines() if " = " in row and "∈" not in row]
    label, *rest = diagnosis.id.split("/")
    if rest and label == "the result":
        return rows[-1]
    named = f"{text_of(Name(label), equation.definition)}" if rest else ""
    own = [row for row in rows if named and row.split(" = ")[0].split("_")[0] == named]
    return own[0] if own else "\n".join(rows)
