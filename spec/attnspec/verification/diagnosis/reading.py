"""Which parts of its arguments a candidate reads: they are changed, and the outputs that change are compared.

No mistake has to be known for this. An element is read wrongly only if the equation's value does not change and the
answer changes by more than the noise of any of its elements, or if the value changes by more than noise and the answer
by not a single bit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from attnspec.interpreters.evaluation.call import fit
from attnspec.interpreters.rounding.noise import Noise
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.tree import Definition, Parameter
from attnspec.thresholds import MOVING_CASES, PROBED_PLACES, READING_CASES
from attnspec.verification.candidate.candidate import Candidate
from attnspec.verification.candidate.observation import Array, Observation
from attnspec.verification.cases.case import Case
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import values
from attnspec.verification.judge.other_inputs import values_of_others

Part = tuple[slice | int, ...]
"""An index of a part of an array."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Which elements of the outputs change when a part of an argument is changed.

    Attributes:
        too_much: for each output, a boolean array: elements that change and should not.
        too_little: for each output, a boolean array: elements that do not change and should.
        still: whether no output changes.
    """

    too_much: tuple[Array, ...]
    too_little: tuple[Array, ...]
    still: bool

    @property
    def silent(self) -> bool:
        """Whether no output changes, although some should."""
        return self.still and any(part.any() for part in self.too_little)

    def is_wrong(self, outputs: Collection[int]) -> bool:
        """Whether an element of some outputs changes that should not, or does not that should."""
        return any(part.any() for k in outputs for part in (self.too_much[k], self.too_little[k]))


def wrong_reading(judge: Judge, candidate: Candidate, observations: Sequence[Observation], policy: Policy) -> str:
    """Describe what is read and should not be, or is not read and should be; "" if nothing is known.

    A sentence is returned only if it holds in each of a few failing cases. An argument that is not read moves no
    answer of other failing cases either: where a part of it is read, that part may be empty in small cases.
    """
    failing = _failing(judge, observations, policy)
    few, rest = failing[:READING_CASES], failing[READING_CASES:]
    whole = [each for each in rest if _is_probed_whole(each.case)]
    few += whole[-1:]  # what holds where axes are short by chance does not hold there
    probed = [(each.case, _prober(judge, candidate, each, policy)) for each in few]
    definition = judge.equation.definition
    silent = _in_all(_unread(definition, case, probe) for case, probe in probed)
    others = rest[:: 1 + len(rest) // MOVING_CASES]
    silent = [name for name in silent if not any(_moves(judge, candidate, each, name) for each in others)]
    if silent and few and len(silent) == len(_floats(definition, few[0].case)):
        return "what it returns does not depend on any argument"
    if silent:
        return f"{' and '.join(silent)} {'is' if len(silent) == 1 else 'are'} not read"
    return next(iter(_in_all(_sentences(definition, case, probe) for case, probe in probed)), "")


def _is_probed_whole(case: Case) -> bool:
    """Whether all axes of a case are probed place by place."""
    return all(size <= PROBED_PLACES for array in case.arrays.values() for size in array.shape)


def _in_all(found: Iterable[Iterable[str]]) -> list[str]:
    """What all have, in the order of the first; no further one is looked at once nothing is left."""
    kept: list[str] | None = None
    for each in found:
        here = [*each]
        kept = here if kept is None else [one for one in kept if one in here]
        if not kept:
            break
    return kept or []


def _moves(judge: Judge, candidate: Candidate, observation: Observation, name: str) -> bool:
    """Whether another argument of this name changes any bit of the answer."""
    case = _changed(observation.case, name, (), np.random.Generator(np.random.Philox(judge.seed)))
    (outcome,) = candidate.outcomes([candidate.request(case)])
    answers = candidate.answers(case, outcome) or ()
    return any(not np.array_equal(a, b, equal_nan=True) for a, b in zip(answers, observation.answers, strict=False))


def _failing(judge: Judge, observations: Sequence[Observation], policy: Policy) -> list[Observation]:
    """Failing cases of ordinary values: those without short axes first, small ones before large ones."""
    failing = judge.ordinary(judge.failing(observations, policy), len(observations))
    finite = [item for item in failing if all(np.isfinite(answer).all() for answer in item.answers)]

    def order(observation: Observation) -> tuple[bool, int]:
        description = observation.case.description
        narrow = description is None or any(size < 3 for _, size in description.sizes)
        return narrow, observation.case.elements

    return sorted(finite, key=order)


Probe = Callable[[str, Sequence[Part], Collection[int]], list[Moved | None]]
"""Changes parts of an argument of a case, one at a time, and says which elements of some outputs change, given by their
positions, and whether there is no change at all; None for each part of which there is no answer."""


def _prober(judge: Judge, candidate: Candidate, observation: Observation, policy: Policy) -> Probe:
    """Return a function that changes parts of an argument of a case and compares the outputs."""
    case, definition = observation.case, judge.equation.definition
    before, noises = values(definition, case), judge.noise(case, policy)
    generator = np.random.Generator(np.random.Philox(judge.seed))

    def probe(name: str, parts: Sequence[Part], outputs: Collection[int]) -> list[Moved | None]:
        cases = [_changed(case, name, part, generator) for part in parts]
        outcomes = candidate.outcomes([candidate.request(each) for each in cases])
        answers = [candidate.answers(each, outcome) for each, outcome in zip(cases, outcomes, strict=False)]
        expected = values_of_others(definition, case, cases)
        changes = {
            place: ([*map(_distance, value, before)], [*map(_move, answer, observation.answers)])
            for place, (value, answer) in enumerate(zip(expected, answers, strict=False))
            if before is not None and value is not None and answer is not None
        }
        moved = {place: _moved(*change, noises) for place, change in changes.items()}
        doubtful = [place for place, each in moved.items() if each.silent or each.is_wrong(outputs)]  # noise costs much
        after = judge.noise_of_each([cases[place] for place in doubtful], policy)
        for place, noise in zip(doubtful, after, strict=True):
            moved[place] = _moved(*changes[place], noises, noise)
        return [moved.get(place) for place in range(len(parts))]

    return probe


def _changed(case: Case, name: str, part: Part, generator: np.random.Generator) -> Case:
    array = case.arrays[name].copy()
    array[part] = _other_values(array, part, generator)
    return replace(case, arrays={**case.arrays, name: array}, description=None)


def _distance(a: Array, b: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(a - b))


def _move(after: Array, before: Array) -> Array:
    """By how much an answer moves; NaN where single elements are 0 before and after: that may be underflow."""
    move, nought = _distance(after, before), (after == 0) & (before == 0)
    return move if nought.all() else np.where(nought, np.nan, move)


def _moved(expected: Sequence[Array], got: Sequence[Array], *noises: Sequence[Noise]) -> Moved:
    """Which elements change, or do not change, against what is expected.

    Args:
        expected: by how much each output of the equation changes.
        got: by how much each answer does; NaN where that is not known.
        noises: the noise of each output, before the change and perhaps after it.
    """
    too_much, too_little = [], []
    for change, move, *noise in zip(expected, got, *noises, strict=True):
        bound, decidable = (
            sum(each.bound for each in noise),
            ~np.logical_or.reduce([each.undecidable for each in noise]),
        )
        anywhere = bound[decidable].max(initial=0.0)  # a transform of all places rounds each as it rounds the largest
        too_much.append(decidable & (change == 0) & (move > anywhere))
        too_little.append(decidable & (move == 0) & (change > bound))
    return Moved(tuple(too_much), tuple(too_little), not any(np.nan_to_num(move).any() for move in got))


def _other_values(array: Array, part: Part, generator: np.random.Generator) -> Array:
    """Other values of a part of an array: larger ones, or the opposite of a mask."""
    if array.dtype == np.bool_:
        return ~array[part]
    spread = float(np.abs(array).mean()) or 1.0
    other: Array = array[part] + spread * (1 + generator.random(array[part].shape))
    return other


def _floats(definition: Definition, case: Case) -> list[Parameter]:
    return [each for each in definition.parameters if each.kind == "float" and case.arrays[each.name].size]


def _sentences(definition: Definition, case: Case, probe: Probe) -> Iterator[str]:
    """What is read of another example, and along which axis too much or too little is."""
    floats = _floats(definition, case)
    masks = [parameter for parameter in definition.parameters if parameter.kind == "bool"]
    yield from _between_examples(definition, [*floats, *masks], case, probe)
    for parameter in floats:
        yield from _along_axes(definition, parameter, case, probe)


def _unread(definition: Definition, case: Case, probe: Probe) -> Iterator[str]:
    """Arguments that no output reads."""
    for parameter in _floats(definition, case):
        (moved,) = probe(parameter.name, [()], ())
        if moved is not None and moved.silent:
            yield parameter.name


def _between_examples(
    definition: Definition, parameters: Sequence[Parameter], case: Case, probe: Probe
) -> Iterator[str]:
    """Arguments of one example of a batch that move the output of another."""
    for parameter in parameters:
        array = case.arrays[parameter.name]
        if array.ndim == len(parameter.dims) or array.shape[0] < 2:
            continue
        (moved,) = probe(parameter.name, [(0,)], range(len(definition.results)))
        if moved is not None and any(part[1:].any() for part in moved.too_much if part.ndim):
            yield f"the output of one example of a batch changes with {parameter.name} of another"


def _along_axes(definition: Definition, parameter: Parameter, case: Case, probe: Probe) -> Iterator[str]:
    """Places along an axis of an argument that are not read, or that outputs read that should not."""
    array = case.arrays[parameter.name]
    shapes = {name: other.shape for name, other in case.arrays.items()}
    sizes = fit(definition, shapes, case.options)[0]
    for place, dim in enumerate(parameter.dims):
        axis = array.ndim - len(parameter.dims) + place
        size = dim.value(sizes)
        if size < 2:
            continue
        label = f"{parameter.name} along {dim}" if len(parameter.dims) > 1 else parameter.name
        if size <= PROBED_PLACES:
            along = [k for k, result in enumerate(definition.results) if str(dim) in map(str, result.dims)]
            probed = probe(parameter.name, [_at(axis, k) for k in range(size)], along)
            moved = [change for change in probed if change is not None]
            if len(moved) < size:
                continue
            yield from _unread_places(label, [change.silent for change in moved])
            yield from _wrong_order(definition, str(dim), parameter.name, moved, along)
        else:

            def from_place(k: int, axis: int = axis) -> Moved | None:
                return probe(parameter.name, [_at(axis, slice(k, None))], ())[0]

            yield from _unread_end(label, size, from_place)


def _at(axis: int, place: int | slice) -> Part:
    return (*(slice(None),) * axis, place)


def _unread_places(label: str, silent: Sequence[bool]) -> Iterator[str]:
    """Positions of an axis that no output reads."""
    places = [k for k, quiet in enumerate(silent) if quiet]
    if not places or len(places) == len(silent):
        return
    if places == [len(silent) - 1]:
        yield f"the last place of {label} is not read"
    elif places == [0]:
        yield f"the first place of {label} is not read"
    elif places == [*range(1, len(silent))]:
        yield f"only the first place of {label} is read"
    elif places == [*range(len(silent) - 1)]:
        yield f"only the last place of {label} is read"
    elif len(places) == 1 and len(silent) > 3:  # of three places, every other one may be a single one
        yield f"place {places[0]} of {label} is not read"
    elif places == [*range(places[0] % 2, len(silent), 2)]:  # of three it may be one, which a larger case confirms
        yield f"every other place of {label} is not read"
    yield f"some places of {label} are not read"


def _unread_end(label: str, size: int, probe: Callable[[int], Moved | None]) -> Iterator[str]:
    """The first position of a long axis from which nothing is read, found by bisection."""

    def quiet(k: int) -> bool:
        moved = probe(k)
        return moved is not None and moved.silent

    if not quiet(size - 1):
        return
    low, high = 0, size - 1  # quiet from `high` on
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if quiet(middle) else (middle + 1, high)
    yield f"{label} is not read from place {high} on"


def _wrong_order(
    definition: Definition, dim: str, name: str, moved: Sequence[Moved], outputs: Sequence[int]
) -> Iterator[str]:
    """Outputs with the same axis, given by their positions, that read earlier or later places than they should."""
    for k in outputs:
        result = definition.results[k]
        axis = [*map(str, result.dims)].index(dim) - len(result.dims)
        pairs = [_places(change.too_much[k], axis) for change in moved]
        if any(i < j for j, rows in enumerate(pairs) for i in rows):
            yield f"{result.name or 'the output'} at a place of {dim} reads {name} of later places"
        elif any(i > j for j, rows in enumerate(pairs) for i in rows):
            yield f"{result.name or 'the output'} at a place of {dim} reads {name} of earlier places"
        missing = [_places(change.too_little[k], axis) for change in moved]
        if all(j in rows for j, rows in enumerate(missing)):
            yield f"{result.name or 'the output'} at a place of {dim} does not read {name} of that place"
        elif any(i > j for j, rows in enumerate(missing) for i in rows):
            yield f"{result.name or 'the output'} at a place of {dim} does not read {name} of some earlier places"
        elif any(i < j for j, rows in enumerate(missing) for i in rows):
            yield f"{result.name or 'the output'} at a place of {dim} does not read {name} of some later places"


def _places(elements: Array, axis: int) -> list[int]:
    """The places along an axis at which some element is true."""
    others = tuple(k for k in range(elements.ndim) if k != elements.ndim + axis)
    return [int(k) for k in np.flatnonzero(elements.any(axis=others))]
