"""Arrays of a candidate that take the place of lines of an equation with other values.

An array takes the place of a line if what the formula computes from its values, in place of those of the line, appears
in the candidate, or if it is in the answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from attnspec.interpreters.evaluation.algebra import Named
from attnspec.interpreters.rounding.lines import Part, Visit, following
from attnspec.interpreters.rounding.noise import Noise
from attnspec.language.traversal import reads
from attnspec.language.tree import Last, Node, Reduce, Scan
from attnspec.thresholds import FOLLOWED_BOUNDS
from attnspec.verification.diagnosis.appearances import (
    Appearances,
    Key,
    Place,
    Site,
    common_places,
    missing,
    place_of,
    whole_lines,
)
from attnspec.verification.diagnosis.departing_code import Followed, line_of
from attnspec.verification.diagnosis.matching import AS_IT_IS, Array, Expected, Searched
from attnspec.verification.diagnosis.one_line import Suspect, laid_out
from attnspec.verification.diagnosis.several_lines import fitting_arrays
from attnspec.verification.diagnosis.watched_calls import WatchedCall


@dataclass
class Following:
    """Follows the arrays of a candidate through an equation, one line after the other.

    Attributes:
        calls: the watched calls.
        watched: their arrays, compared with the equation.
        everywhere: whether sums of what takes the place of lines are over all places, whatever the formula hides: an
            array in the place of weights may be 0 at other places.
        given: for each evaluation of an equation, {line: the array that takes its place} in each call.
        found: the arrays that take the place of lines.
        explained: these lines, and those that appear as they are computed from such arrays.
        answered: the positions of the results that such arrays are.
    """

    calls: Sequence[WatchedCall]
    watched: Sequence[Appearances]
    everywhere: bool = False
    given: dict[tuple[object, ...], list[dict[str, Array]]] = field(default_factory=dict)
    found: list[Followed] = field(default_factory=list)
    explained: set[Key] = field(default_factory=set)
    answered: set[int] = field(default_factory=set)

    def follow(self) -> list[Followed]:
        """Find the arrays that take the place of lines that do not appear."""
        used = set[tuple[Place, int]]()
        for site in whole_lines(self.watched):
            if site.key not in self.absent or self.is_implied(site) or self.reads_unknown(site) or self.follows(site):
                continue
            for place, suspect, divided in self.suspects(site):
                if place not in used and self.takes_its_place(site, suspect):
                    used.add(place)
                    if not self.is_within(site):
                        later = self.may_be_right(site, suspect)
                        self.found.append(Followed(site, place[0], self.callers(*place), self.right, later, divided))
                    self.put(site, suspect.arrays)
                    break
        if not self.absent:
            self.answered |= {*range(len(self.visit(()).definition.returns))}
            return [*self.returned()]
        if not self.explains_answers and any(each.may_be_right for each in self.found):
            self.found = [each for each in self.found if not each.may_be_right]
            self.explained = {each.site.key for each in self.found}
        return self.found

    def suspects(self, site: Site) -> Iterator[tuple[tuple[Place, int], Suspect, bool]]:
        """The arrays that may take the place of a line, then those that may be a softmax once divided by their sums."""
        here = [each.expected[site.key] for each in self.watched]
        node = site.definition.roots[site.part.root]
        parted = not isinstance(node, Scan)  # else what departs is in a later step
        fitting = fitting_arrays(site, here, self.watched, parted)
        yield from ((place, suspect, False) for place, suspect in fitting.items())
        if isinstance(node, Reduce) and node.op == "softmax" and site.part.target:
            axes = [_axis_of(visit, site.part.target, node.index) for _, visit, _ in here]
            for place, suspect in fitting.items():
                yield place, replace(suspect, arrays=tuple(map(_divided, suspect.arrays, axes))), True

    @property
    def explains_answers(self) -> bool:
        """Whether all wrong answers are computed from the arrays that were found."""
        definition = self.visit(()).definition
        return all(
            number in self.answered or all(self.is_computed(k, number) for k in range(len(self.calls)))
            for number in range(len(definition.returns))
        )

    def is_computed(self, call: int, number: int) -> bool:
        """Whether an answer of a watched call is right, or computed from arrays in the place of lines."""
        answer, visit = self.calls[call].observation.answers[number], self.watched[call].visits[-1]
        if self.is_right(call, number, answer):
            return True
        names = self.given.get(((), visit.definition.id), [{} for _ in self.calls])[call]
        values = following(visit, names, self.everywhere)
        root, node = len(visit.definition.lines) + number, visit.definition.returns[number]
        for part, noise in visit.noises.items():
            whole = not part.path and (part.root == root or _is_of(node, {part.target}))
            value = names.get(part.target, values.get(part)) if whole else None
            if value is not None and _within(value, noise).equals(answer):
                return True
        return False

    def returned(self) -> Iterator[Followed]:
        """The arrays that are returned where other ones belong, without what the formula computes from other ones."""
        definition = self.watched[0].visits[-1].definition
        for number, node in enumerate(definition.returns):
            answers = [call.observation.answers[number] for call in self.calls]
            if all(self.is_right(k, number, answer) for k, answer in enumerate(answers)) or self.is_derived(number):
                continue
            made = [
                [at for at, item in each.others(parted=True) if _same(item.value, answer)]
                for each, answer in zip(self.watched, answers, strict=True)
            ]
            common = [at for at in made[0] if all(at[0] in (place for place, _ in other) for other in made)]
            if common:
                # what has no name may be memory that is not written yet, and 0 may be anywhere
                ordered = sorted(common, key=lambda at: not at[0][3])
                at = ordered[0] if any(_varies(answer) for answer in answers) else common[-1]
                site = Site((), definition, Part(len(definition.lines) + number, "", (), node))
                yield Followed(site, at[0], self.callers(*at), self.right_throughout)

    def is_derived(self, number: int) -> bool:
        """Whether an answer is what the formula computes from the other answers."""
        for call, watched in zip(self.calls, self.watched, strict=True):
            visit, answers = watched.visits[-1], call.observation.answers
            names = [line_of(node) for node in visit.definition.returns]
            noises = {part.target: (part, noise) for part, noise in visit.noises.items() if part.target}
            arrays = {
                name: laid_out(answers[k], noises[name][1].value.shape)
                for k, name in enumerate(names)
                if k != number and name in noises
            }
            given = {name: array for name, array in arrays.items() if array is not None}
            own = names[number]
            if own is None or own not in noises or own in given:
                return False
            part, noise = noises[own]
            value = following(visit, given).get(part)
            if value is None or not _within(value, noise).equals(answers[number]):
                return False
        return True

    def are_all_wrong(self, found: Sequence[Followed]) -> bool:
        """Whether arrays that are returned where others belong are all wrong results, of which there are some."""
        definition = self.visit(()).definition
        there = {each.site.part.root - len(definition.lines) for each in found}
        return bool(there) and all(
            number in there
            or all(self.is_right(k, number, call.observation.answers[number]) for k, call in enumerate(self.calls))
            or self.is_derived(number)
            for number in range(len(definition.returns))
        )

    def is_right(self, call: int, number: int, answer: Array) -> bool:
        """Whether an answer of a watched call has the values of its result, which may be those of a line."""
        visit = self.watched[call].visits[-1]
        root, node = len(visit.definition.lines) + number, visit.definition.returns[number]
        of_line = {*reads(node)} if not any(part.root == root for part in visit.noises) else set[str]()
        whole = (part for part in visit.noises if not part.path and (part.root == root or part.target in of_line))
        values = (Expected.of(visit.noises[part]) for part in whole)
        return any(each is not None and each.equals(answer) for each in values)

    def results_of(self, within: tuple[str, ...], *parts: Part) -> set[int]:
        """The positions of the results of the whole equation that are lines, or hold them at the steps of a scan."""
        definition = self.visit(within).definition
        first, names = len(definition.lines), {part.target for part in parts if part.target}
        returned = {k for k, node in enumerate(definition.returns) if _is_of(node, names)}
        returned |= {part.root - first for part in parts if not part.target}
        if not within or not returned:
            return returned
        caller = self.visit(within[:-1]).definition
        line = within[-1]
        lines = [(root, each) for root, each in enumerate(caller.lines) if line in each.targets]
        around = [Part(root, name, (), each.value) for root, each in lines for name in each.targets]
        around += [] if line else [Part(len(caller.lines) + k, "", (), node) for k, node in enumerate(caller.returns)]
        return self.results_of(within[:-1], *around)

    def is_known(self, call: int, array: Array) -> bool:
        """Whether an array has the values of a line or result, also of one that is equal to another."""
        noises = ((part, noise) for visit in self.watched[call].visits for part, noise in visit.noises.items())
        same = (Expected.of(noise) for part, noise in noises if not part.path and noise.value.size == array.size)
        return any(each is not None and each.equals(array) for each in same)

    def known(self, site: Site) -> list[dict[str, Array]]:
        """The arrays that take the place of lines in the evaluation of an equation that a line is in, in each call."""
        return self.given.setdefault((site.within, site.definition.id), [{} for _ in self.watched])

    def put(self, site: Site, arrays: Sequence[Array]) -> None:
        """Put arrays in the place of a line."""
        self.explained.add(site.key)
        for names, array in zip(self.known(site), arrays, strict=True):
            names |= {site.part.target: array} if site.part.target else {}

    def is_within(self, site: Site) -> bool:
        """Whether a line calls an equation in which a line was found."""
        inside = (*site.within, site.part.target)
        return any(each.site.within[: len(inside)] == inside for each in self.found)

    def reads_unknown(self, site: Site) -> bool:
        """Whether a line, or a call that leads to it, reads one that does not appear, in whose place no array is known.

        What a call is given must be right: its evaluation has right arguments.
        """
        known = {*self.known(site)[0]}
        if not (self.unknown(site.within) - {site.part.target, *known}).isdisjoint(
            reads(site.definition.roots[site.part.root])
        ):
            return True
        for depth, line in enumerate(site.within):
            around = site.within[:depth]
            definition = self.visit(around).definition
            roots = [each.value for each in definition.lines if line in each.targets] if line else definition.returns
            if any(not self.unknown(around).isdisjoint(reads(root)) for root in roots):
                return True
        return False

    def unknown(self, within: tuple[str, ...]) -> set[str]:
        """The lines of an evaluation of an equation that do not appear in any way, and are not within one that does."""
        visit = self.visit(within)
        recognised = {site.part.target for site in whole_lines(self.watched) if site.within == within}
        others = {
            part.target
            for part, noise in visit.noises.items()
            if part.target and part.target not in recognised and not self.may_appear(noise)
        }
        gone = [site for site in self.absent.values() if site.within == within and site.key not in self.in_another_way]
        return others | {site.part.target for site in gone if not self.is_implied(site)}

    def is_implied(self, site: Site) -> bool:
        """Whether a line is right since what is computed from it in a part of a later line appears, as y + f does."""
        return (site.within, site.definition.id, site.part.target) in self.implied

    @cached_property
    def implied(self) -> set[tuple[object, ...]]:
        """Where lines are evaluated, and their names, that are read by parts of lines that appear as they are."""
        parts = [self.watched[0].expected[key][0] for key, ways in self.places.items() if AS_IT_IS in ways.values()]
        inner = [site for site in parts if not site.is_whole]
        return {(site.within, site.definition.id, name) for site in inner for name in reads(site.part.node)}

    def may_appear(self, noise: Noise) -> bool:
        """Whether the values of a line in the first call are among its arrays or inputs, or cannot be recognised."""
        values = Expected.of(noise)
        given = self.watched[0].case.arrays.values()
        return values is None or not values.is_telling or self.appears(0, values) or any(map(values.is_in, given))

    def visit(self, within: tuple[str, ...]) -> Visit:
        """The first evaluation of an equation in the first call."""
        return next(visit for visit in self.watched[0].visits if visit.place == within)

    def follows(self, site: Site) -> bool:
        """Whether a line appears as it is computed from arrays that take the place of others, and put it there."""
        known = self.known(site)
        if not any(known):
            return False
        computed = [self.computed(k, site, known[k]) for k in range(len(self.watched))]
        if not all(site.part in values and self.appears(k, values[site.part]) for k, values in enumerate(computed)):
            return False
        shapes = [each.expected[site.key][1].noises[site.part].value.shape for each in self.watched]
        self.put(site, [values[site.part].value.reshape(shape) for values, shape in zip(computed, shapes, strict=True)])
        returns = self.visit(()).definition.returns
        for number in self.results_of(site.within, site.part):
            answers = [call.observation.answers[number] for call in self.calls]
            there = all(values[site.part].is_in(answer) for values, answer in zip(computed, answers, strict=True))
            if there or isinstance(returns[number], Last):  # of a recurrence the first step is known, not the last
                self.answered.add(number)
        return True

    def takes_its_place(self, site: Site, suspect: Suspect) -> bool:
        """Whether something that is computed from an array appears in all calls, or the array is in all answers."""
        calls = range(len(self.watched))
        bounds = [each.expected[site.key][2].bound for each in self.watched]
        own = [Expected(np.squeeze(each), bound) for each, bound in zip(suspect.arrays, bounds, strict=True)]
        if not all(each.is_telling for each in own) or all(self.is_known(k, own[k].value) for k in calls):
            return False
        results = self.results_of(site.within, site.part)
        are = {n for n in results if all(own[k].is_in(self.calls[k].observation.answers[n]) for k in calls)}
        self.answered |= are
        if are:
            return True
        if not site.part.target:
            return False
        common: set[Part] | None = None
        for k in calls:
            given = {**self.known(site)[k], site.part.target: suspect.arrays[k].astype(np.float64)}
            computed = self.computed(k, site, given, self.known(site)[k]).items()
            shows = {part for part, values in computed if self.shows(part, site) and not values.equals(own[k].value)}
            new = {part for part, values in computed if part in shows and self.appears(k, values)}
            common = new if common is None else common & new
        return bool(common)

    def may_be_right(self, site: Site, suspect: Suspect) -> bool:
        """Whether an array has the values of a line but for a factor of each row, which may act later."""
        noises = [each.expected[site.key][1].noises[site.part] for each in self.watched]
        return site.key not in self.in_another_way and all(map(_is_scaled, suspect.arrays, noises))

    def shows(self, part: Part, site: Site) -> bool:
        """Whether a part that appears shows that an array takes the place of a line.

        A function of the line alone may be one of an array that is something else. Where the line appears in another
        way, as with the other sign, only a whole line shows it.
        """
        is_whole = not part.path
        return is_whole or (site.key not in self.in_another_way and {*reads(part.node)} != {site.part.target})

    def computed(
        self, call: int, site: Site, given: Mapping[str, Array], before: Mapping[str, Array] | None = None
    ) -> dict[Part, Expected]:
        """What is computed from arrays in the place of lines, where it can be recognised and is another than before.

        Args:
            call: the watched call.
            site: a line of the evaluation of the equation.
            given: {line: array}.
            before: the arrays before; None if the values are to be other ones than those of the equation.
        """
        visit = self.watched[call].expected[site.key][1]
        old = following(visit, before, self.everywhere) if before else {}
        found: dict[Part, Expected] = {}
        for part, value in following(visit, given, self.everywhere).items():
            noise = visit.noises[part]
            if value.shape != noise.value.shape or not np.isfinite(value).all() or not np.isfinite(noise.bound).all():
                continue
            values = _within(value, noise)
            other = old[part] if part in old else np.asarray(noise.value)
            if values.is_telling and not values.equals(np.squeeze(other)):
                found[part] = values
        return found

    def appears(self, call: int, values: Expected) -> bool:
        """Whether values are among the arrays of a watched call or in its answers."""
        return any(map(values.is_in, (*self.answers[call], *self.watched[call].arrays)))

    @cached_property
    def answers(self) -> list[list[Searched]]:
        """The answers of the watched calls."""
        return [[Searched(answer) for answer in call.observation.answers] for call in self.calls]

    @cached_property
    def absent(self) -> dict[Key, Site]:
        """The lines that do not appear, and of which nothing appears that is computed from them."""
        return missing(self.watched)

    @cached_property
    def in_another_way(self) -> set[Key]:
        """The lines that appear, but not as they are: with the other sign, subtracted from 1, or times a number."""
        return {key for key, places in self.places.items() if {*places.values()} - {AS_IT_IS}}

    @cached_property
    def right(self) -> frozenset[tuple[str, str, str]]:
        """File, function and name of the variables that hold lines as they are, of a recurrence at the first step."""
        return frozenset().union(*self.holding.values())

    @cached_property
    def right_throughout(self) -> frozenset[tuple[str, str, str]]:
        """The same of lines that are right at all steps of the recurrences that they are in."""
        sites = {key: each.expected[key][0] for each in self.watched for key in each.expected}
        steps = {key: [each.right_steps(sites[key]) for each in self.watched] for key in self.holding}
        always = [names for key, names in self.holding.items() if all(right == of for right, of in steps[key])]
        return frozenset().union(*always)

    @cached_property
    def holding(self) -> dict[Key, frozenset[tuple[str, str, str]]]:
        """{part of the equation: file, function and name of the variables that hold it as it is}."""
        return {
            key: frozenset(
                (file, function, name) for (file, _, function, name), way in each.items() if way == AS_IT_IS and name
            )
            for key, each in self.places.items()
        }

    @cached_property
    def places(self) -> dict[Key, dict[Place, str]]:
        """Where the parts of the equation appear, in which way."""
        return common_places(self.watched)

    def callers(self, place: Place, times: int) -> tuple[tuple[str, int], ...]:
        """The calls that lead to a place, where an array was made so many times before."""
        there = [item for item in self.watched[0].recorded if place_of(item) == place]
        return there[times].callers


def _within(value: Array, noise: Noise) -> Expected:
    """Values that are computed from others than those of the formula, of which the noise of a part is known.

    What the formula rounds little, as what is read of one place alone, may be rounded as much as any other place here.
    """
    largest = np.asarray(noise.bound).max(initial=0.0)
    return Expected(np.squeeze(value), np.full_like(np.squeeze(noise.bound), FOLLOWED_BOUNDS * largest))


def _axis_of(visit: Visit, line: str, index: str) -> int:
    """The axis of the values of a line that an index names."""
    value = visit.frame.names[line]
    assert isinstance(value, Named)
    return value.axes.index(visit.frame.axis(index))


def _divided(array: Array, axis: int) -> Array:
    """An array divided by its sums along an axis, where these are not 0."""
    total = array.sum(axis, keepdims=True, dtype=np.float64)
    return np.asarray(array / np.where(total == 0, 1, total))


def _same(a: Array, b: Array) -> bool:
    """Whether two arrays have the same numbers, in whatever shape."""
    return a.size == b.size > 0 and np.array_equal(np.ravel(a), np.ravel(b))


def _varies(array: Array) -> bool:
    """Whether an array has several numbers that are not the same."""
    return array.size > 1 and bool((np.ravel(array) != np.ravel(array)[0]).any())


def _is_of(node: Node, names: Collection[str]) -> bool:
    """Whether a result is a line, in another order of axes or at the last step."""
    return line_of(node, last=True) in names


def _is_scaled(array: Array, noise: Noise) -> bool:
    """Whether an array has other values but for a factor of each row."""
    right, bound = np.asarray(noise.value), np.asarray(noise.bound)
    for axis in range(right.ndim):
        largest = np.abs(right).argmax(axis, keepdims=True)
        with np.errstate(all="ignore"):
            factor = np.take_along_axis(array, largest, axis) / np.take_along_axis(right, largest, axis)
            near = np.abs(array - factor * right) <= 2 * np.abs(factor) * bound
        if right.shape[axis] > 1 and near.all():
            return True
    return False
