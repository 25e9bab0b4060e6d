"""Which option would help a candidate that cannot be judged, or that computes something else by default."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from attnspec.language.registry import conventions
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.cases.case import Case
from attnspec.verification.sandbox.messages import Outcome
from attnspec.verification.verdict import VerdictKind

STEPS = (2, 4, 8, 16, 32, 64, 128)
"""Numbers that software may need a size to be a multiple of: even ones, and tiles."""

Sizes = dict[str, list[int]]
"""{named size: its values, one for each case}."""

HELPED = (VerdictKind.DIFFERS, VerdictKind.FAILS, VerdictKind.MISBEHAVES)
"""The verdicts that an option may change."""


def advice(candidate: Candidate, kind: VerdictKind) -> str:
    """What to add to the command, a line each; "" if nothing is known."""
    return "\n".join(_lines(candidate)) if kind in HELPED else ""


def _lines(candidate: Candidate) -> Iterator[str]:
    question, calls = candidate.question, candidate.calls
    expected = len(question.equation.definition.results)
    answered = [outcome for _, outcome in calls if outcome.status == "ok"]
    if answered and all(_returns_more(outcome, expected) for outcome in answered):
        first = ",".join(map(str, range(expected)))
        which = "first is the result" if expected == 1 else "first ones are the results"
        yield f"if the {which}: --returns {first}"
    failed = [case for case, outcome in calls if outcome.status == "raised"]
    right = [case for case, outcome in calls if outcome.status == "ok"]
    if failed and right:
        yield from _claims(failed)
        raising, answers = _sizes_in_both(failed, right)
        yield from _multiples(raising, answers)
        yield from _equal_sizes(raising, answers)
    left = candidate.left_at_defaults
    if left:
        usual = conventions().COMMON_SETTINGS
        known = [f"{name}={usual[name][0]}" for name in left if name in usual]
        example = known[0] if known else f"{left[0]}=VALUE"
        yield f"left at their defaults: {', '.join(left)}; --set {example} sets one"


def _claims(failed: Sequence[Case]) -> Iterator[str]:
    """The claim that leaves out empty inputs, if a candidate raises on these alone."""
    if all(any(array.size == 0 for array in case.arrays.values()) for case in failed):
        described = [case.description for case in failed if case.description is not None]
        names = {name for each in described for name, size in each.sizes if size == 0}
        names |= {"batch"} if any(0 in each.batch for each in described) else set()
        claims = " ".join(f"--claim smallest.{name}=1" for name in sorted(names))
        yield f"if it is not for empty inputs: {claims}"


def _sizes_in_both(failed: Sequence[Case], right: Sequence[Case]) -> tuple[Sizes, Sizes]:
    """The sizes of the cases in which a candidate raises, and of those in which it answers, that all of them have."""
    both = [[dict(case.description.sizes) for case in cases if case.description] for cases in (failed, right)]
    names = [name for name in both[0][0] if all(name in each for cases in both for each in cases)] if all(both) else []
    raising, answered = ({name: [each[name] for each in cases] for name in names} for cases in both)
    return raising, answered


def _multiples(raising: Sizes, answered: Sizes) -> Iterator[str]:
    """The claim of multiples alone, if an axis has some wherever a candidate answers, and none where it raises."""
    for name in raising:
        wrong, right = {*raising[name]}, {*answered[name]} - {0, 1}  # nothing is left over of these, or it is broadcast
        steps = (k for k in STEPS if all(size % k for size in wrong) and not any(size % k for size in right))
        if len(right) > 2 and len(wrong) > 1 and (step := next(steps, None)):
            yield f"if it is for multiples of {step} alone: --claim multiple.{name}={step}"


def _equal_sizes(raising: Sizes, answered: Sizes) -> Iterator[str]:
    """Two sizes that are equal in every case in which a candidate answers, and different where it raises."""
    for first, second in combinations(raising, 2):
        differ = all(a != b for a, b in zip(raising[first], raising[second], strict=True))
        if differ and answered[first] == answered[second]:
            yield f"if {first} and {second} are one size: --same {second}={first}"


def _returns_more(outcome: Outcome, expected: int) -> bool:
    """Whether a call returned a tuple, list or mapping, or more arrays than the equation has."""
    containers = ("tuple", "list", "dict")
    if len(outcome.outputs) == expected == 1:
        kind = outcome.outputs[0].kind
        return outcome.outputs[0].shape is None and (kind in containers or kind.endswith("Output"))
    return len(outcome.outputs) > expected
