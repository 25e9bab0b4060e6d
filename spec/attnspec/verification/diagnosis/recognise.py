"""Recognition of known mistakes: the mutant whose values the candidate gives."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np

from attnspec.interpreters.formula.formula import text
from attnspec.interpreters.mutation.expressions import distinct
from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.equation import Equation
from attnspec.language.tree import Definition
from attnspec.thresholds import (
    ALIKE_FACTOR,
    ALIKE_STEP,
    CONTROLS,
    EQUIVALENT,
    EXPLAINED_CASES,
    FAR,
    MANY,
    NEARER_ELEMENTS,
    SHORTLIST,
    TELLING_ELEMENTS,
    TRIED_CASES,
)
from attnspec.verification.candidate.observation import Array, Observation
from attnspec.verification.diagnosis import locate
from attnspec.verification.judge.forms import Form
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import each_mutants_values, fits, mutant_values, values
from attnspec.verification.judge.mutation_score import shows
from attnspec.verification.judge.narrowed import few_examples
from attnspec.verification.judge.residuals import Compared, compare
from attnspec.verification.judge.statistics import largest, pooled_rms, wrong_values
from attnspec.verification.verdict import Diagnosis

BESIDES = "something else besides"
"""What a diagnosis says of a mistake that does not explain all cases that fail."""

UNTOLD = " cases)"
"""How a diagnosis ends that right cases contradict, where nothing sets those apart that fail."""

NUMBER = re.compile(r"\d[\d.,]*")
"""A number in a sentence."""


def recognise(
    judge: Judge, observations: Sequence[Observation], mutants: Iterable[Mutant], policy: Policy, refute: bool = False
) -> Diagnosis | None:
    """Find the mutant that explains the failing cases within its own noise; None if none does.

    Args:
        observations: all answers, right ones included.
        mutants: the mutants that are tried, the most likely mistakes first, as far as the judge's effort allows.
        refute: True rejects a mutant that would have shown in a case that is right, or that leaves a failing case
            unexplained. Otherwise this only decides between several mutants that explain the failing cases.
    """
    whole = sorted(judge.failing(observations, policy), key=lambda observation: -_informative(observation))
    failing = [few_examples(observation, judge.equation) for observation in whole]

    def applicable(mutant: Mutant) -> list[Observation]:
        return list(islice((observation for observation in failing if fits(mutant, observation.case)), TRIED_CASES))

    if not failing:
        return None
    cheapest = min(whole, key=lambda observation: observation.case.elements).case
    affordable = judge.effort.afforded(mutants, judge.nodes_on(cheapest), cheapest.elements)
    mutants = _screened(judge, failing, affordable, policy) if len(affordable) > MANY else affordable
    near = _nearest(judge, [(mutant, applicable(mutant)[:2]) for mutant in mutants], policy, 3 * SHORTLIST)
    short = _nearest(judge, [(mutant, applicable(mutant)) for mutant in near], policy, SHORTLIST)
    fitting, known = [], dict[object, tuple[float, float]]()
    for mutant in short:
        least = 1.0 if refute else EXPLAINED_CASES
        tried = sorted(applicable(mutant), key=lambda observation: observation.case.elements)
        values = _values(judge, tried, mutant)
        if values not in known:  # noise costs much, and equal values cannot be told apart
            known[values] = _explained(judge, tried, mutant, policy, least)
        share, rms = known[values]
        if share >= least:
            fitting.append((share, rms, mutant))
    if not fitting:
        return None
    largest_share = max(share for share, _, _ in fitting)
    best = min(rms for share, rms, _ in fitting if share == largest_share)
    alike = [
        mutant
        for share, rms, mutant in fitting
        if share == largest_share and rms <= max(ALIKE_FACTOR * best, best + ALIKE_STEP)
    ]
    order = {mutant.id: place for place, mutant in enumerate(mutants)}  # as given
    alike.sort(
        key=lambda mutant: (not all(fits(mutant, observation.case) for observation in failing), order[mutant.id])
    )
    if len(failing) > TRIED_CASES and not np.isfinite(wrong_values(judge.compare(failing, policy))).any():
        least = 1.0 if refute else EXPLAINED_CASES  # NaN in a few cases is what many mistakes give: all cases are asked
        alike = [mutant for mutant in alike if _explains_all(judge, failing, mutant, policy, least)]
    rest, large = failing[TRIED_CASES:], [item for item, few in zip(whole, failing, strict=True) if item is not few]
    alike = [each for each in alike if not any(_contradicts(judge, item, each, policy) for item in large)]
    others = {mutant.id: 0.0 for mutant in alike}
    if refute:
        alike = [each for each in alike if not any(_contradicts(judge, item, each, policy) for item in rest)]
        alike = [each for each in alike if not any(_is_beyond(judge, item, each, policy) for item in failing)]
    else:
        asked = rest[:: 1 + len(rest) // CONTROLS]
        if len(alike) > 1:
            alike = _uncontradicted(judge, asked, alike, policy) or alike
        each_stands_for = len(rest) / max(len(asked), 1) / len(failing)
        others = {m.id: each_stands_for * sum(_contradicts(judge, item, m, policy) for item in asked) for m in alike}
        alike = [mutant for mutant in alike if others[mutant.id] <= 1 - EXPLAINED_CASES]
    alike = [each for each in alike if _is_evident(judge, failing, each, policy, len(mutants), refute)]
    unrefuted = _unrefuted(judge, observations, alike, policy, CONTROLS)
    if len(unrefuted) > 1:
        unrefuted = _unrefuted(judge, observations, unrefuted, policy) or unrefuted
    if not unrefuted and len(failing) > TRIED_CASES and not refute:  # what right cases contradict must explain all
        alike = [mutant for mutant in alike if _explains_all(judge, failing, mutant, policy, EXPLAINED_CASES)]
    alike = unrefuted or ([] if refute or one_number(judge, failing, policy) else alike)
    if not alike:
        return None
    alike = distinct(alike)
    of_other_sizes = sum(_is_beyond(judge, observation, alike[0], policy) for observation in failing)
    unexplained = max(1 - largest_share, of_other_sizes / len(failing), others[alike[0].id])
    besides = f" (and in {unexplained:.0%} of the cases that fail {BESIDES})" if unexplained else ""
    if not unrefuted:  # the mistake is made in the failing cases alone
        telling = telling_cases(judge, observations, alike[0], policy)
        besides += f" (wrong {locate.where(judge.compare(observations, policy), telling)})"
    return Diagnosis(alike[0].id, alike[0].says + besides, folded([mutant.says for mutant in alike[1:]]))


def folded(sentences: Sequence[str]) -> tuple[str, ...]:
    """Sentences of which those that differ in one number alone, if they are three or more, are one."""
    by_words: dict[str, list[str]] = {}
    for sentence in sentences:
        by_words.setdefault(NUMBER.sub("", sentence), []).append(sentence)
    alone = {id(each[0]): len(each) for each in by_words.values()}
    return tuple(
        f"{each} (or with another number)" if alone.get(id(each), 1) > 2 else each
        for each in sentences
        if id(each) in alone or len(by_words[NUMBER.sub("", each)]) < 3
    )


def _values(judge: Judge, observations: Sequence[Observation], mutant: Mutant) -> object:
    """What equals that of another mutant if the two have the same values in the same cases."""
    if mutant.in_storage:
        return mutant.id
    found = [mutant_values(mutant, observation.case, judge.dtype) for observation in observations]
    arrays = [None if outputs is None else tuple(output.tobytes() for output in outputs) for outputs in found]
    return tuple((id(observation), array) for observation, array in zip(observations, arrays, strict=True))


def nearest(
    judge: Judge, observations: Sequence[Observation], mutants: Sequence[Mutant], policy: Policy, count: int
) -> list[Mutant]:
    """The mutants whose values are nearest to the failing answers."""
    failing = sorted(judge.failing(observations, policy), key=lambda observation: -_informative(observation))[:2]
    return _nearest(judge, [(mutant, failing) for mutant in mutants], policy, count)[:count]


def _nearest(
    judge: Judge, tried: Sequence[tuple[Mutant, Sequence[Observation]]], policy: Policy, count: int
) -> list[Mutant]:
    """The mutants that are nearest to the answers to their own cases, the nearest first: see `_first_places`."""
    return [tried[place][0] for place in _first_places(_distances(judge, tried, policy), count)]


def _first_places(distances: Sequence[float], count: int) -> list[int]:
    """The places of the smallest distances, the smallest first.

    Equal ones count once, since only other cases tell such mutants apart; no more than `MANY` are kept, or `count`.
    """
    order = sorted((distance, place) for place, distance in enumerate(distances) if np.isfinite(distance))
    kept, different = list[int](), set[str]()
    for distance, place in order[: max(MANY, count)]:
        different.add(f"{distance:.9g}")
        if len(different) > count:
            break
        kept.append(place)
    return kept


def _screened(
    judge: Judge, failing: Sequence[Observation], mutants: Sequence[Mutant], policy: Policy
) -> Sequence[Mutant]:
    """The mutants that are nearest on one cheap failing case, and those that cannot run on it."""
    large_enough = [case for case in failing if case.elements >= TELLING_ELEMENTS]
    if not large_enough:
        return mutants
    cheapest = min(large_enough, key=lambda observation: observation.case.elements)
    runs = [fits(mutant, cheapest.case) for mutant in mutants]
    usable = [k for k, run in enumerate(runs) if run]
    distances = _distances(judge, [(mutants[k], [cheapest]) for k in usable], policy)
    near = {usable[place] for place in _first_places(distances, MANY // 2)}
    return [mutant for k, mutant in enumerate(mutants) if k in near or not runs[k]]


def one_number(judge: Judge, failing: Sequence[Observation], policy: Policy) -> bool:
    """Whether all that is wrong is one number, such as 0: many mistakes give that in some cases alone."""
    return len(wrong_values(judge.compare(failing, policy))) == 1


def _unrefuted(
    judge: Judge, observations: Sequence[Observation], alike: list[Mutant], policy: Policy, most: int | None = None
) -> list[Mutant]:
    """The mutants that would not have shown in a case that is right, of so many such cases."""
    right = [observation for observation in observations if judge.holds(observation, policy)][:most]
    return [
        m
        for m in alike
        if not any(shows(m, judge.compare([observation], policy), judge.dtype) for observation in right)
    ]


def _uncontradicted(
    judge: Judge, failing: Sequence[Observation], mutants: Sequence[Mutant], policy: Policy
) -> list[Mutant]:
    """The mutants whose values are much nearer to most wrong elements of each case than those of the equation."""
    kept = [*mutants]
    for observation in failing:
        compared = [each for each in judge.compare([observation], policy) if each.fails]
        outputs = each_mutants_values(kept, observation.case, judge.dtype)
        kept = [
            mutant for mutant, found in zip(kept, outputs, strict=True) if found is None or are_near(compared, found)
        ]
    return kept


def _contradicts(judge: Judge, observation: Observation, mutant: Mutant, policy: Policy) -> bool:
    """Whether a failing answer is neither near to a mutant's values nor, where these are finite, within its noise.

    What storage makes wrong is not contradicted, as it has no values of its own.
    """
    if mutant.in_storage or _uncontradicted(judge, [observation], [mutant], policy):
        return False
    compared = _compare_with_mutant(judge, [observation], mutant, policy)
    return any(bool(((each.ratio > 1) & np.isfinite(each.noise.value)).any()) for each in compared)


def are_near(compared: Sequence[Compared], values: Sequence[Array]) -> bool:
    """Whether most wrong elements of each output are much nearer to other values than to those of the equation."""
    for each in compared:
        wrong = (each.ratio > 1) & np.isfinite(each.error)
        with np.errstate(invalid="ignore"):
            near = np.abs(each.answer - values[each.output]) <= np.maximum(np.abs(each.error) / 4, each.noise.bound)
        if 2 * int(near[wrong].sum()) < int(wrong.sum()):
            return False
    return True


def _is_beyond(judge: Judge, observation: Observation, mutant: Mutant, policy: Policy) -> bool:
    """Whether an answer is wrong at sizes at which a mistake is not made, and in another way than the mistake."""
    if fits(mutant, observation.case):
        return False
    found, compared = values(mutant.definition, observation.case), judge.compare([observation], policy)
    wrong = [comparison for comparison in compared if comparison.fails]
    if found is None or any(found[each.output].shape != each.answer.shape for each in wrong):
        return True
    return not are_near(wrong, found)


def _is_evident(
    judge: Judge, failing: Sequence[Observation], mutant: Mutant, policy: Policy, tried: int, software: bool
) -> bool:
    """Whether enough is wrong that no other of so many mistakes explains it by chance, where answers are whole numbers.

    A wrong row that is as a mistake has it, of which one wrong number may bring about the others, may say no more than
    one bit. A known mistake that can be made in all cases needs no more.

    Args:
        tried: how many mistakes were tried.
        software: whether they are not the known mistakes of the equation, but mistakes of software.
    """
    results, compared = judge.equation.definition.results, judge.compare(failing, policy)
    if any(results[each.output].kind == "float" for each in compared if each.fails):
        return True
    on = [observation for observation in failing if fits(mutant, observation.case)]
    if not software and len(on) == len(failing):
        return True
    rows = sum(int((np.atleast_1d(each.ratio) > 1).any(axis=-1).sum()) for each in judge.compare(on, policy))
    return rows >= math.log2(max(tried, 1))


def telling_cases(judge: Judge, observations: Sequence[Observation], mutant: Mutant, policy: Policy) -> set[int]:
    """The ids of the cases in which a mutant would show."""
    return {id(item.case) for item in observations if shows(mutant, judge.compare([item], policy), judge.dtype)}


def _explained(
    judge: Judge, observations: Sequence[Observation], mutant: Mutant, policy: Policy, least: float
) -> tuple[float, float]:
    """The share of cases that a mutant explains within its own noise, and the mean rms of error / σ in these.

    Args:
        least: the share that is needed. When it is out of reach, no more cases are tried.
    """
    if mutant.in_storage and not all(
        np.isfinite(answer).all() for observation in observations for answer in observation.answers
    ):
        return (
            sum(
                _overflows_alike(judge, each, mutant) or _loses_alike(judge, each, mutant, policy)
                for each in observations
            )
            / max(len(observations), 1),
            0.0,
        )
    total, right = 0.0, 0
    for tried, observation in enumerate(observations):
        if right + len(observations) - tried < least * len(observations):
            break
        if not mutant.in_storage and not _may_move(judge, observation, mutant, policy):
            continue  # its noise, which costs much, is not needed
        compared = _compare_with_mutant(judge, [observation], mutant, policy)
        rms, _ = pooled_rms(compared)
        if compared and largest(compared) <= 1 and _moves(judge, observation, compared, policy):
            total, right = total + rms, right + 1
    return (right / len(observations), total / max(right, 1)) if observations else (0.0, 0.0)


def _explains_all(judge: Judge, failing: Sequence[Observation], mutant: Mutant, policy: Policy, least: float) -> bool:
    """Whether a mutant explains enough of all the failing cases that it can run on."""
    applicable = [observation for observation in failing if fits(mutant, observation.case)]
    return _explained(judge, applicable, mutant, policy, least)[0] >= least


def _may_move(judge: Judge, observation: Observation, mutant: Mutant, policy: Policy) -> bool:
    """Whether enough wrong elements are nearer to a mutant's value for `_moves`, whatever its noise is."""
    found, wrong, nearer = mutant_values(mutant, observation.case, judge.dtype), 0, 0
    if found is None:
        return False
    for comparison in judge.compare([observation], policy):
        fails = comparison.ratio > 1
        value = found[comparison.output]
        rounding = EQUIVALENT * float(np.abs(value).max(where=np.isfinite(value), initial=0.0))
        with np.errstate(invalid="ignore", over="ignore"):
            near = ~(np.abs(comparison.answer - value) > np.abs(comparison.error) / 2 + rounding)
        wrong, nearer = wrong + int(fails.sum()), nearer + int((fails & near).sum())
    return 2 * nearer >= wrong


def _moves(judge: Judge, observation: Observation, by_mutant: Sequence[Compared], policy: Policy) -> bool:
    """Whether most wrong elements are much nearer to a mutant's value than to the equation's.

    A mutant with the same value and more noise explains nothing, nor does one whose value cannot be judged and is far.
    """
    wrong, nearer = 0, 0
    for comparison, other in zip(judge.compare([observation], policy), by_mutant, strict=True):
        fails = comparison.ratio > 1
        with np.errstate(invalid="ignore"):
            near = np.abs(other.error) <= np.abs(comparison.error) / 2
            near &= other.decidable | ~(np.abs(other.error) > other.noise.bound)
        wrong, nearer = wrong + int(fails.sum()), nearer + int((fails & (near | ~np.isfinite(comparison.error))).sum())
    return 2 * nearer >= wrong


def _overflows_alike(judge: Judge, observation: Observation, mutant: Mutant) -> bool:
    """Whether an answer has NaN and infinity in the same elements as a mutant that only overflow makes wrong.

    In no dtype does that say anything in which the equation itself has them there.
    """
    if all(np.isfinite(answer).all() for answer in observation.answers):
        return False
    written = Mutant("written", "", judge.equation.definition, in_storage=True)

    def overflows(one: Mutant, dtype: str) -> bool:
        values = mutant_values(one, observation.case, judge.dtype, dtype)
        return values is not None and all(map(_same_pattern, observation.answers, values))

    dtypes = ("float32", "float16") if judge.dtype == "float16" else ("float32",)
    return any(overflows(mutant, dtype) and not overflows(written, dtype) for dtype in dtypes)


def _loses_alike(judge: Judge, observation: Observation, mutant: Mutant, policy: Policy) -> bool:
    """Whether a mutant loses too many bits, as by underflow, in most of the elements in which a finite answer does."""
    if not all(np.isfinite(answer).all() for answer in observation.answers):
        return False
    wrong = mutant_values(mutant, observation.case, judge.dtype, "float32")
    shares = [
        np.abs(wrong[each.output] - each.noise.value)[each.ratio > 1] > each.noise.bound[each.ratio > 1]
        for each in judge.compare([observation], policy)
        if wrong is not None and each.fails
    ]
    return bool(shares) and all(bool(share.mean() > NEARER_ELEMENTS) for share in shares)


def _same_pattern(answer: Array, value: Array) -> bool:
    """Whether the same elements are finite, and none is plus infinity in one and minus infinity in the other."""
    opposite = np.isinf(answer) & np.isinf(value) & (answer != value)
    return np.array_equal(np.isfinite(answer), np.isfinite(value)) and not opposite.any()


def _informative(observation: Observation) -> float:
    """How much a case tells about mistakes: most if its values are ordinary and it has at least 60 elements."""
    description = observation.case.description
    return (1 if description is not None and description.regime == "ordinary" else 0) + min(
        observation.elements, 60
    ) / 100


def _distances(judge: Judge, tried: Sequence[tuple[Mutant, Sequence[Observation]]], policy: Policy) -> list[float]:
    """The distances of answers from the values of mutants in σ of the equation, each on its own cases.

    That is the mean of log(1 + |answer − value| / σ) over all elements; infinite if there are no values, and 0 if a
    mutant that only overflow makes wrong overflows where the answer does.
    """
    totals, counts = [0.0] * len(tried), [0] * len(tried)
    observations = {id(each): each for _, own in tried for each in own}
    for observation in observations.values():
        places = [place for place, (_, own) in enumerate(tried) if any(each is observation for each in own)]
        wrong = each_mutants_values([tried[place][0] for place in places], observation.case, judge.dtype)
        noises = judge.noise(observation.case, policy)
        distances = [_Distance(answer, noise.sigma) for answer, noise in zip(observation.answers, noises, strict=True)]
        for place, outputs in zip(places, wrong, strict=True):
            mutant = tried[place][0]
            alike = mutant.in_storage and _overflows_alike(judge, observation, mutant)
            for distance, value in zip(distances, outputs or (), strict=outputs is not None):
                totals[place] += 0.0 if alike else distance.total(value)
                counts[place] += distance.answer.size
    return [total / count if count else float("inf") for total, count in zip(totals, counts, strict=True)]


class _Distance:
    """The distance of an output from values: the sum of log(1 + |answer − value| / σ) over its elements.

    Where σ is 0, the error is relative to the answer.
    """

    def __init__(self, answer: Array, sigma: Array) -> None:
        relative = np.maximum(np.finfo(np.float32).eps * np.abs(answer), 1e-300)
        self.answer, self.unit = answer, np.where(sigma > 0, sigma, relative)
        self.is_finite = bool(np.isfinite(answer).all() and np.isfinite(self.unit).all())

    def total(self, value: Array) -> float:
        """The distance from a value."""
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            z = np.abs(self.answer - value)
            z /= self.unit
            if not self.is_finite or not np.isfinite(value).all():
                same = (self.answer == value) | (np.isnan(self.answer) & np.isnan(value))
                z = np.where(same, 0.0, np.where(np.isnan(z), FAR, z))
        return float(np.log1p(np.minimum(z, FAR)).sum())


def _compare_with_mutant(
    judge: Judge, observations: Sequence[Observation], mutant: Mutant, policy: Policy
) -> list[Compared]:
    """Compare answers with the noise of a mutant, as if it were the equation."""
    compared = []
    for observation in observations:
        if mutant_values(mutant, observation.case, judge.dtype) is not None:
            noises = judge.mutant_noise(observation.case, policy, mutant.definition, mutant.id)
            compared += compare(observation, noises)
    return compared


def describe_bits_left(worst: Compared, bits: float) -> str:
    """Describe how many significant bits a form leaves, and in which case."""
    description, origin = worst.case.description, worst.case.origin or "the case shown"
    where = f"on values of the kind {description.regime!r} ({description})" if description else f"in {origin}"
    return f"{bits:.0f} significant bit{' is' if round(bits) == 1 else 's are'} left {where}"


def mend_form(equation: Equation[..., Any], form: Form) -> str:
    """The lines of the formula that a form writes differently, and the claim that accepts the loss."""
    rewritten = _lines(form.definition or form.other or equation.definition)
    lines = [line for line in _lines(equation.definition) if line not in rewritten]
    claim = f"claim it, if it may lose so much: --claim form={','.join(form.names)}"
    return "\n".join([*lines, f"or {claim}"] if lines else [claim])


def _lines(definition: Definition) -> list[str]:
    """The lines of a formula, without the comments at the right."""
    return [line.strip().partition("    ")[0] for line in text(definition).splitlines()]
