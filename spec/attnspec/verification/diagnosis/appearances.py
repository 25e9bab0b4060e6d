"""Which lines of an equation appear among the arrays that a candidate makes, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from attnspec.interpreters.rounding.lines import Part, Visit, line_noises
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.traversal import reads
from attnspec.language.tree import Definition
from attnspec.verification.cases.case import Case
from attnspec.verification.diagnosis.matching import AS_IT_IS, Expected, Searched
from attnspec.verification.diagnosis.watched_calls import WatchedCall
from attnspec.verification.sandbox.messages import Recorded

Key = tuple[object, ...]
"""What identifies a part, also in a changed equation."""

Place = tuple[str, int, str, str]
"""File, line, function and variable of an array; "" for an array without a variable."""


@dataclass(frozen=True, slots=True)
class Site:
    """A part of an equation, where it is evaluated.

    Attributes:
        within: the lines of the equations around it that lead to the call of its equation; () in the outermost one.
        definition: its equation.
        part: the line, the result, or a part of one.
    """

    within: tuple[str, ...]
    definition: Definition
    part: Part

    @property
    def is_whole(self) -> bool:
        """Whether it is a whole line or result."""
        return not self.part.path

    @property
    def key(self) -> Key:
        """What identifies it, also in a changed equation."""
        return self.within, self.definition.id, self.part.root, self.part.target, self.part.path


@dataclass(frozen=True)
class Appearances:
    """The parts of an equation and the arrays of one watched call, compared.

    Attributes:
        case: the case of the call.
        visits: the noise of all parts on that case.
        recorded: the arrays of the call, in order.
    """

    case: Case
    visits: Sequence[Visit]
    recorded: Sequence[Recorded]

    @cached_property
    def expected(self) -> dict[Key, tuple[Site, Visit, Expected]]:
        """The parts that an array can be recognised as, at the first step of a recurrence, in the order of evaluation.

        A part that is equal to another line, or to an argument, is left out.
        """
        found: dict[Key, tuple[Site, Visit, Expected]] = {}
        for visit in self.visits:
            for part, noise in visit.noises.items():
                site = Site(visit.place, visit.definition, part)
                values = Expected.of(noise) if site.key not in found else None
                if values is not None and values.is_telling:
                    found[site.key] = site, visit, values
        given = [array for array in self.case.arrays.values() if array.dtype.kind == "f"]
        lines = {key: item for key, item in found.items() if item[0].is_whole}
        repeated = {key for key, item in lines.items() if self._is_of_call(item, lines)}
        distinct = {
            key: item
            for key, item in found.items()
            if not any(map(item[2].equals, given))
            and not any(item[2].equals(lines[other][2].value) for other in lines if other not in (key, *repeated))
        }
        return {key: item for key, item in distinct.items() if key not in repeated}

    @staticmethod
    def _is_of_call(item: tuple[Site, Visit, Expected], lines: Mapping[Key, tuple[Site, Visit, Expected]]) -> bool:
        """Whether a line of a called equation has the value of the line that calls it."""
        site, _, values = item
        callers = (other for other in lines.values() if other[0].within == site.within[:-1] and site.within)
        return any(site.within[-1] == caller.part.target and values.equals(own.value) for caller, _, own in callers)

    @cached_property
    def ways(self) -> dict[Key, list[str | None]]:
        """{key of a part: how each of the arrays has its values}."""
        return self._ways_of(self.arrays)

    @cached_property
    def arrays(self) -> list[Searched]:
        """The arrays of the call in float64, in order."""
        with np.errstate(invalid="ignore"):  # NaN of memory that was never written
            return [Searched(item.value.astype(np.float64)) for item in self.recorded]

    def _ways_of(self, arrays: Sequence[Searched]) -> dict[Key, list[str | None]]:
        """{key of a part: how each of some arrays has its values}.

        Of a part of a line, and of an array that has the values of another part as they are, only as it is.
        """
        there = {key: [values.is_in(array) for array in arrays] for key, (_, _, values) in self.expected.items()}
        known = [any(column) for column in zip(*there.values(), strict=True)]
        return {
            key: [
                AS_IT_IS if there[key][k] else values.way(array) if site.is_whole and not known[k] else None
                for k, array in enumerate(arrays)
            ]
            for key, (site, _, values) in self.expected.items()
        }

    @property
    def places(self) -> dict[Key, dict[Place, str]]:
        """{key of a part: {place of an array that has its values: in which way}}."""
        return {key: _by_place(self.recorded, ways) for key, ways in self.ways.items()}

    def at(self, place: Place) -> dict[Key, dict[Place, str]]:
        """The same of one place alone, which takes less time."""
        there = [
            (item, array) for item, array in zip(self.recorded, self.arrays, strict=True) if place_of(item) == place
        ]
        items, arrays = [item for item, _ in there], [array for _, array in there]
        return {key: _by_place(items, ways) for key, ways in self._ways_of(arrays).items()}

    @cached_property
    def explained(self) -> set[int]:
        """The positions of arrays that have the values of some part as they are."""
        return {number for ways in self.ways.values() for number, way in enumerate(ways) if way == AS_IT_IS}

    def right_steps(self, site: Site) -> tuple[int, int]:
        """At how many first steps of the recurrences around it a line appears as it is, and the number of all steps."""
        steps = [
            Expected.of(visit.noises[site.part])
            for visit in self.visits
            if visit.place == site.within and visit.definition.id == site.definition.id and site.part in visit.noises
        ]
        there = [values is not None and any(map(values.is_in, self.arrays)) for values in steps]
        return ([*there, False].index(False), len(steps))

    @cached_property
    def equal(self) -> set[int]:
        """The positions of arrays that have the values of some line or result as they are, and no other values."""
        sizes = {key: values.value.size for key, (site, _, values) in self.expected.items() if site.is_whole}
        return {
            number
            for key, ways in self.ways.items()
            for number, way in enumerate(ways if key in sizes else ())
            if way == AS_IT_IS and self.recorded[number].value.size == sizes[key]
        }

    def others(self, parted: bool = False) -> Iterator[tuple[tuple[Place, int], Recorded]]:
        """The arrays that have the values of no part, each with its place and how often the place was there before.

        Args:
            parted: whether arrays count that have the values of a part beside others.
        """
        counts: dict[Place, int] = {}
        known = self.equal if parted else self.explained
        for number, item in enumerate(self.recorded):
            place = place_of(item)
            counts[place] = counts.get(place, -1) + 1
            if number not in known:
                yield (place, counts[place]), item


def appearances_in(
    definition: Definition, calls: Sequence[WatchedCall], policy: Policy, seed: int
) -> list[Appearances]:
    """Compare the recorded arrays of calls with the lines of an equation, right or wrong."""
    return [
        Appearances(case, line_noises(definition, case.arrays, case.options, policy, seed), recorded)
        for case, recorded in ((call.observation.case, call.recorded) for call in calls)
    ]


def place_of(item: Recorded) -> Place:
    """The place of an array, whatever a candidate sends as a name."""
    file, function, name = map(_printable, (item.file, item.function, item.name))
    return file, item.line, function, name


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _by_place(recorded: Sequence[Recorded], ways: Sequence[str | None]) -> dict[Place, str]:
    found: dict[Place, str] = {}
    for item, way in zip(recorded, ways, strict=True):
        if way is not None and found.get(place_of(item)) != AS_IT_IS:
            found[place_of(item)] = way
    return found


def common_places(watched: Sequence[Appearances], place: Place | None = None) -> dict[Key, dict[Place, str]]:
    """{key of a part: {place: way}} of what appears in all watched calls at the same places, in the same way.

    Args:
        place: the only place that is looked at, if not all are.
    """
    found: dict[Key, dict[Place, str]] = {}
    all_places = [each.places if place is None else each.at(place) for each in watched]
    for key, places in all_places[0].items():
        if all(key in other for other in all_places):
            ways = {place: _common_way([other[key].get(place) for other in all_places]) for place in places}
            found[key] = {place: way for place, way in ways.items() if way is not None}
    return found


def _common_way(ways: Sequence[str | None]) -> str | None:
    """The way in which a part appears in several calls; the number that it is multiplied by may differ."""
    known = [*dict.fromkeys(way for way in ways if way is not None)]
    if None in ways or (len(known) > 1 and not all(way.startswith("multiplied") for way in known)):
        return None
    return known[0] if len(known) == 1 else f"{known[0]} in one case, and {known[1]} in another"


def dependents(sites: Sequence[Site]) -> Mapping[Key, set[Key]]:
    """{key of a whole line: keys of the whole lines and results that are computed from it, directly or indirectly}."""
    direct = {a.key: {b.key for b in sites if b.key != a.key and _is_read(a, b)} for a in sites}
    reached: dict[Key, set[Key]] = {}
    for key, others in direct.items():
        seen, waiting = set[Key](), [*others]
        while waiting:
            other = waiting.pop()
            if other not in seen:
                seen.add(other)
                waiting += direct[other]
        reached[key] = seen
    return reached


def _is_read(a: Site, b: Site) -> bool:
    """Whether one line reads another, or calls the equation that the other is in."""
    if a.within == b.within and a.definition.id == b.definition.id:
        return b.part.root > a.part.root and _reaches(a.definition, a.part.root, b.part.root)
    inside = len(a.within) == len(b.within) + 1 and a.within[:-1] == b.within
    return inside and (a.within[-1] == b.part.target or a.within[-1] == "" == b.part.target)


def _reaches(definition: Definition, start: int, end: int) -> bool:
    """Whether the value of a root is used in that of a later one, directly or through other lines."""
    names = set(definition.lines[start].targets) if start < len(definition.lines) else set()
    for root in range(start + 1, end + 1):
        used = not names.isdisjoint(reads(definition.roots[root]))
        if root == end:
            return used
        if used and root < len(definition.lines):
            names |= set(definition.lines[root].targets)
    return False


def arguments_case(visit: Visit, case: Case) -> Case:
    """The case of one evaluation of an equation: that of the call in the outermost one, else its own arguments."""
    if not visit.place:
        return case
    options = {option.name for option in visit.definition.options}
    arrays: dict[str, Any] = {name: value for name, value in visit.arguments.items() if name not in options}
    return Case(arrays, {name: visit.arguments[name] for name in options})


def whole_lines(watched: Sequence[Appearances]) -> list[Site]:
    """The lines and results that can be recognised in all watched calls, in the order of evaluation."""
    first, *others = [each.expected for each in watched]
    return [site for key, (site, _, _) in first.items() if site.is_whole and all(key in other for other in others)]


def missing(watched: Sequence[Appearances]) -> dict[Key, Site]:
    """The lines and results that do not appear, and of which nothing appears that is computed from them."""
    sites = whole_lines(watched)
    places = common_places(watched)
    there = {key for key, found in places.items() if AS_IT_IS in found.values()}
    later = dependents(sites)
    return {site.key: site for site in sites if site.key not in there and not later[site.key] & there}
