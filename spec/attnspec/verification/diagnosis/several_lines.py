"""Mistakes in one or several lines of an equation that explain all answers of a candidate, found by its own arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from attnspec.errors import ShapeError
from attnspec.interpreters.mutation.mutants import Mutant, is_well_formed
from attnspec.interpreters.rounding.lines import Visit
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.traversal import map_throughout, reads
from attnspec.language.tree import CallLike, Definition, Node
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.diagnosis.appearances import (
    Appearances,
    Key,
    Place,
    Site,
    appearances_in,
    arguments_case,
    common_places,
    dependents,
    missing,
    whole_lines,
)
from attnspec.verification.diagnosis.matching import AS_IT_IS, Expected
from attnspec.verification.diagnosis.one_line import (
    STAGES,
    Budget,
    LineSearch,
    Mistake,
    Suspect,
    changed_at,
    laid_out,
    up_to,
)
from attnspec.verification.diagnosis.recognise import recognise
from attnspec.verification.diagnosis.source_lines import allocates
from attnspec.verification.diagnosis.watched_calls import WatchedCall
from attnspec.verification.judge.judge import Judge
from attnspec.verification.sandbox.messages import Recorded

MOST_MISTAKES, MOST_TRIES = 3, 8
"""So many mistakes are looked for, one line after the other; so many are tried."""

MOST_ARRAYS, MOST_FOLLOWED = 12, 36
"""So many arrays are examined for one line, for which a mistake is looked for or for which they may stand."""


@dataclass(frozen=True)
class Found:
    """A mistake that was found in a line.

    Attributes:
        site: the line.
        mistake: the mistake.
        place: the place of the array that has it.
        is_clear: whether the array has, as simply, a mistake of no other line too. One that is not clear counts only
            if it explains all answers.
    """

    site: Site
    mistake: Mistake
    place: Place
    is_clear: bool = True


@dataclass
class Search:
    """Looks for mistakes in lines that do not appear, of which arrays with the mistake do.

    That an array has the value of a line with a mistake does not show that it takes the place of the line. That is
    shown if the equation with the mistake explains all answers, or if a later line appears as computed with it.

    Attributes:
        judge: judges the answers.
        observations: all answers, right ones included.
        policy: the precision policy.
        calls: the watched calls.
        confirmed: the mistakes with which a later line appears, of those that were tried.
        left: how many more mistakes are tried.
        budget: what the search may cost.
        departing: the lines in whose place arrays are from which all wrong answers are computed; where they are known,
            a mistake is looked for in them alone.
    """

    judge: Judge
    observations: Sequence[Observation]
    policy: Policy
    calls: Sequence[WatchedCall]
    confirmed: list[Found] = field(default_factory=list)
    left: int = MOST_TRIES
    budget: Budget = field(default_factory=Budget)
    departing: Sequence[Site] = ()

    def compared(self, definition: Definition) -> list[Appearances]:
        """Compare the recorded arrays with the lines of an equation, right or wrong."""
        return appearances_in(definition, self.calls, self.policy, self.judge.seed)

    def compared_if_it_fits(self, definition: Definition) -> list[Appearances]:
        """The same, of an equation with a mistake; none if its shapes do not fit at the sizes of these calls."""
        try:
            return self.compared(definition)
        except (ShapeError, ValueError):  # NumPy's own error, where arrays of an expression do not fit
            return []

    def mistakes(self, watched: Sequence[Appearances], before: Sequence[Found] = ()) -> list[Found]:
        """Find mistakes that explain all answers together; none if there are none.

        Args:
            watched: the recorded arrays, compared with the equation with the mistakes so far.
            before: the mistakes so far.
        """
        for candidates in self.stages(watched):
            promising = []
            for each in candidates:
                changed = with_mistake(watched[0].visits[-1].definition, each)
                compared = self.compared_if_it_fits(changed) if self.left > 0 else []
                self.left -= 1
                if not compared or each.site.key not in _seen_at(compared, each.place):
                    continue
                if self.explains(changed):
                    return [*before, each]
                if not all(is_well_formed(visit.definition) for visit in compared[0].visits):
                    continue  # its shapes fit at some sizes only, and it cannot be mutated again
                if each.is_clear and all(other.is_clear for other in before) and _is_used(each.site, watched, compared):
                    self.confirmed = self.confirmed or [*before, each]
                promising.append((each, compared))
            for each, compared in promising if len(before) + 1 < MOST_MISTAKES else ():
                found = self.mistakes(compared, [*before, each])
                if found:
                    return found
        return []

    def explains(self, definition: Definition) -> bool:
        """Whether an equation with mistakes explains all answers."""
        mutant = Mutant("several", "", definition)
        return recognise(self.judge, self.observations, [mutant], self.policy, refute=True) is not None

    def stages(self, watched: Sequence[Appearances]) -> Iterator[list[Found]]:
        """The mistakes of each stage, the simplest first, of all lines that do not appear; clear ones first."""
        absent = missing(watched)
        sites = [site for site in whole_lines(watched) if site.key in absent and self.may_depart(site)]
        searches = [self.line(site, absent, watched) for site in sites]
        stages = [(site, [*suspects], search.stages([*suspects.values()])) for site, search, suspects in searches]
        for _ in range(STAGES):
            found: dict[tuple[Place, int], list[Found]] = {}
            for site, places, stage in stages:
                for number, mistake in next(stage):
                    found.setdefault(places[number], []).append(Found(site, mistake, places[number][0]))
            yield sorted((each for several in found.values() for each in _marked(several)), key=_preference)

    def may_depart(self, site: Site) -> bool:
        """Whether a mistake is looked for in a line: one that departs, or in an equation that one of the two calls."""
        return not self.departing or any(_is_at(site, other) or _is_at(other, site) for other in self.departing)

    def line(
        self, site: Site, absent: Mapping[Key, Site], watched: Sequence[Appearances]
    ) -> tuple[Site, LineSearch, dict[tuple[Place, int], Suspect]]:
        """The search for a mistake in a line, and the arrays that may be it with their places."""
        roots = {other.part.root for other in absent.values() if _in_one_equation(site, other)}
        line = up_to(site.definition, site.part.root, site.part.target)
        here = [each.expected[site.key] for each in watched]
        search = LineSearch(
            self.judge.equation,
            line,
            sorted({min(root, len(line.lines)) for root in roots if root <= site.part.root}),
            here[0][1],
            here[0][2],
            self.judge.dtype,
            self.policy,
            self.budget,
        )
        return site, search, fitting_arrays(site, here, watched)


def _is_used(site: Site, before: Sequence[Appearances], after: Sequence[Appearances]) -> bool:
    """Whether a later line, or a part of one that reads a line, appears with a mistake in that, and not without it."""
    later = dependents(whole_lines(before))[site.key]
    new = _as_they_are(after) - _as_they_are(before)
    parts = (after[0].expected[key][0] for key in new)
    reading = (each for each in parts if _in_one_equation(each, site) and site.part.target in reads(each.part.node))
    return bool(later & new) or any(each.part.root != site.part.root for each in reading)


def _as_they_are(watched: Sequence[Appearances]) -> set[Key]:
    """The parts that appear as they are."""
    return {key for key, places in common_places(watched).items() if AS_IT_IS in places.values()}


def _preference(found: Found) -> tuple[bool, bool, bool, bool]:
    """Clear ones come first, then arrays of the line that has the mistake, of its name, and of variables."""
    own = found.mistake.id.partition("/")[0] == (found.site.part.target or "the result")
    return not found.is_clear, not own, found.place[3] != found.site.part.target, not found.place[3]


def fitting_arrays(
    site: Site, here: Sequence[tuple[Site, Visit, Expected]], watched: Sequence[Appearances], parted: bool = False
) -> dict[tuple[Place, int], Suspect]:
    """The arrays that have the values of no part, and have the shape of a line in all watched calls.

    Args:
        site: the line.
        here: its values in each call.
        watched: the calls.
        parted: whether arrays count that have the values of a part beside others; then more are examined, those first
            that are made first, whether variables hold them or not.
    """
    most = MOST_FOLLOWED if parted else MOST_ARRAYS
    cases = tuple(arguments_case(visit, each.case) for each, (_, visit, _) in zip(watched, here, strict=True))
    shapes = [_shape(visit, site) for _, visit, _ in here]
    others = [{at: item for at, item in each.others(parted) if not _may_be_old(item)} for each in watched]
    suspects: dict[tuple[Place, int], Suspect] = {}
    for place in sorted(others[0], key=lambda at: (at[0][3] != site.part.target, not parted and not at[0][3])):
        found = [other[place].value for other in others if place in other]
        arrays = [laid_out(array, shape) for array, shape in zip(found, shapes, strict=False)]
        fitting = tuple(array for array in arrays if array is not None)
        known = any(np.array_equal(fitting[0], each.arrays[0]) for each in suspects.values()) if fitting else True
        finite = all(np.isfinite(array).all() for array in fitting)
        if len(fitting) == len(watched) and finite and not known and len(suspects) < most:
            suspects[place] = Suspect(cases, fitting, bool(place[0][3]))
    return suspects


def _may_be_old(item: Recorded) -> bool:
    """Whether an array may have the numbers of an earlier call, since it was not written yet."""
    return bool(item.name) and allocates(item.file, item.line)


def _marked(found: Sequence[Found]) -> Iterator[Found]:
    """The mistakes of one array; a single one is clear, and else that of the line that its variable is named after."""
    named = [each for each in found if each.place[3] == each.site.part.target]
    clear = found if len(found) == 1 else named if len(named) == 1 else []
    yield from (replace(each, is_clear=each in clear) for each in found)


def with_mistake(definition: Definition, found: Found) -> Definition:
    """The whole equation with a mistake in one of its lines, or in one of an equation that it calls."""
    old = found.site.definition
    new = changed_at(old, found.mistake.definition, found.site.part.root)
    if not found.site.within:
        return new

    def change(node: Node, _: Definition) -> Node:
        return replace(node, callee=new) if isinstance(node, CallLike) and node.callee == old else node

    return map_throughout(definition, change)


def _seen_at(watched: Sequence[Appearances], place: Place) -> set[Key]:
    """The parts that appear at a place in all watched calls."""
    return {key for key, places in common_places(watched, place).items() if place in places}


def _shape(visit: Visit, site: Site) -> tuple[int, ...]:
    noise = next(noise for part, noise in visit.noises.items() if part == site.part)
    return tuple(noise.value.shape)


def _is_at(site: Site, other: Site) -> bool:
    """Whether a line is another one, or in an equation that this calls."""
    inside = (*other.within, other.part.target)
    return site.key == other.key or site.within[: len(inside)] == inside


def _in_one_equation(a: Site, b: Site) -> bool:
    return a.within == b.within and a.definition.id == b.definition.id
