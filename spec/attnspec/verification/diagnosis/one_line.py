"""The mistake in one line of an equation, whose other inputs are right: looked for in arrays that may be that line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, islice, permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import NotationError, ShapeError
from attnspec.interpreters.evaluation.memo import Memory
from attnspec.interpreters.mutation.free_numbers import FreeNumber, free_numbers
from attnspec.interpreters.mutation.function_substitutions import function_substitutions
from attnspec.interpreters.mutation.insertions import insertions
from attnspec.interpreters.mutation.mutants import Mutant, changes, generated_mutations
from attnspec.interpreters.mutation.other_expressions import further_expressions, other_expressions
from attnspec.interpreters.mutation.pairs import pairs
from attnspec.interpreters.rounding.lines import Visit, evaluated
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.check import check
from attnspec.language.equation import Equation
from attnspec.language.traversal import nodes, nodes_throughout
from attnspec.language.tree import CallLike, Definition, Name, Parameter, Scan, Stack
from attnspec.thresholds import EXPRESSIONS, LINE_NODES
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case
from attnspec.verification.cases.work import repetitions
from attnspec.verification.diagnosis.constants import STARTS, wrong_numbers
from attnspec.verification.diagnosis.matching import Expected
from attnspec.verification.diagnosis.recognise import recognise
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.kept_values import Outputs
from attnspec.verification.judge.mutant_values import AT_ONCE, together

Array = NDArray[Any]

NEARBY = 100.0
"""A mutant is examined closely if an array is so many bounds near it."""

STEPS, STEP = 8, 1e-4
"""A number is fitted roughly in so many steps, by the slope over so small a one."""

STAGES = 5
"""How many stages the search in one line has."""

ALTERNATIVES = 3
"""So many numbers that explain an array equally well are named."""


@dataclass
class Budget:
    """What a search may still cost; counted instead of timed, so that its result does not depend on the machine.

    Attributes:
        evaluations: values of mutants that may be computed, of lines of `LINE_NODES` nodes; longer ones and
            recurrences count for more.
        fits: numbers that may be fitted roughly.
        numbers: numbers that may be fitted within the noise.
    """

    evaluations: int = 8_000
    fits: int = 160
    numbers: int = 24


@dataclass(frozen=True)
class Mistake:
    """A mistake in a line.

    Attributes:
        id: the id of the mutant.
        says: the sentence that describes it.
        also: sentences of other mutants that give the same values.
        definition: the equation with the mistake, up to that line.
    """

    id: str
    says: str
    also: tuple[str, ...]
    definition: Definition


@dataclass(frozen=True)
class Suspect:
    """One array of a candidate, in several watched calls, that may be a line with a mistake.

    Attributes:
        cases: the inputs of the line's equation in each call.
        arrays: the array in each call, in the shape of the line.
        is_bound: whether a variable holds it.
    """

    cases: tuple[Case, ...]
    arrays: tuple[Array, ...]
    is_bound: bool = True

    @property
    def observations(self) -> list[Observation]:
        """The array as the answer of a candidate for the line alone."""
        pairs = zip(self.cases, self.arrays, strict=True)
        return [Observation(case, (array.astype(np.float64),)) for case, array in pairs]


@dataclass
class LineSearch:
    """Looks for the mistake in one line.

    Attributes:
        equation: the equation that the line is of, whose options and sizes are drawn as declared.
        line: the equation of the line, the result of `up_to`.
        roots: the positions of the lines that may be wrong among its roots; the last one is the line itself.
        visit: the evaluation of its equation in the first watched call.
        expected: the values of the line there.
        dtype: the storage dtype.
        policy: the precision policy.
        budget: what the search may cost.
        memory: the values of expressions that mutants share with their equation.
    """

    equation: Equation[..., Any]
    line: Definition
    roots: Sequence[int]
    visit: Visit
    expected: Expected
    dtype: str
    policy: Policy
    budget: Budget
    memory: Memory = field(default_factory=Memory)

    def stages(self, suspects: Sequence[Suspect]) -> Iterator[list[tuple[int, Mistake]]]:
        """Look for the mistake that an array has, the simplest first.

        That is one mistake, a number, an expression in place of another or besides one, two mistakes, one and a number.

        Yields:
            Of each of these stages, the positions of arrays that have such a mistake, with the mistake.
        """
        if not suspects:
            yield from ([],) * STAGES
            return
        generated: list[Mutant] = []
        whole = isinstance(self.line.roots[self.roots[-1]], CallLike | Scan)  # these have lines of their own
        yield self.near(suspects, chain(self.noted(generated), self.software()))
        yield [] if whole else self.with_numbers(suspects, [None])
        yield [] if whole else self.near(suspects, self.expressions())
        yield [] if whole else self.near(suspects, pairs(self.line, self.roots))
        yield [] if whole else self.with_numbers(suspects, [each for each in generated if not each.equal_sizes])

    def near(self, suspects: Sequence[Suspect], mutants: Iterable[Mutant]) -> list[tuple[int, Mistake]]:
        """Recognise mutants whose values are near an array; none are tried beyond the budget."""
        near: list[list[Mutant]] = [[] for _ in suspects]
        arrays = np.stack([suspect.arrays[0].ravel() for suspect in suspects])
        waiting = iter(mutants)
        while some := [*islice(waiting, max(0, min(AT_ONCE, self.budget.evaluations // self.weight)))]:
            for mutant, value in zip(some, self.values([each.definition for each in some]), strict=True):
                for number in self.near_to(value, arrays):
                    near[number].append(mutant)
        found = []
        for number, (close, suspect) in enumerate(zip(near, suspects, strict=True)):
            mistake = self.recognised(suspect, close)
            found += [(number, mistake)] if mistake is not None else []
        return found

    def with_numbers(self, suspects: Sequence[Suspect], mutants: Sequence[Mutant | None]) -> list[tuple[int, Mistake]]:
        """Recognise mutants, or with None the line itself, with another number."""
        numbers: dict[int, list[Mutant]] = {}
        for number, mutant, place in self.related_numbers(suspects, mutants):
            if len(numbers.setdefault(number, [])) < ALTERNATIVES:
                numbers[number] += self.numbers(suspects[number], mutant, place)
        found = [(number, self.recognised(suspects[number], tried)) for number, tried in numbers.items()]
        return [(number, mistake) for number, mistake in found if mistake is not None]

    def generated(self) -> Iterator[Mutant]:
        """The generated mutants of the lines that may be wrong."""
        for id, says, tree, equal in generated_mutations(self.line, self.roots):
            if changes(tree, self.line, self.roots):
                yield Mutant(id, says, tree, equal_sizes=equal)

    def noted(self, generated: list[Mutant]) -> Iterator[Mutant]:
        """The generated mutants, which are added to a list as far as they are needed."""
        for mutant in self.generated():
            generated.append(mutant)
            yield mutant

    def software(self) -> Iterator[Mutant]:
        """Mistakes of software in the lines that may be wrong."""
        for mutant in chain(function_substitutions(self.line), insertions(self.line, self.roots)):
            if changes(mutant.definition, self.line, self.roots):
                yield mutant

    def expressions(self) -> Iterator[Mutant]:
        """The expressions in place of others, and besides others, in the last of the lines that may be wrong."""
        last = self.roots[-1:]
        return islice(chain(other_expressions(self.line, last), further_expressions(self.line, last)), EXPRESSIONS)

    def values(self, mutants: Sequence[Definition]) -> list[Array | None]:
        """The values of the line of mutants in the first watched call; None of one that has none."""

        def evaluate(mutant: Definition, several: int) -> Outputs:
            value = evaluated(self.visit, mutant, self.roots, self.memory, several)
            return None if value is None else (value,)

        usable = mutants[: max(self.budget.evaluations // self.weight, 0)]
        self.budget.evaluations -= len(mutants) * self.weight
        found = together(usable, evaluate) if usable else []
        finite = [each[0] if each is not None and np.isfinite(each[0]).all() else None for each in found]
        return [*finite, *[None] * (len(mutants) - len(finite))]

    @cached_property
    def weight(self) -> int:
        """How many short lines an evaluation costs as much as, of a recurrence at each of its steps."""
        roots = [self.line.roots[root] for root in self.roots]
        called = [node.callee for root in roots for node in nodes(root) if isinstance(node, CallLike)]
        parts = chain(*map(nodes, roots), *map(nodes_throughout, called))
        return max(1, sum(1 for _ in parts) // LINE_NODES) * repetitions(self.line, self.visit.frame.sizes)

    def values_with(self, place: FreeNumber, numbers: Sequence[float]) -> list[Array | None]:
        """The values of the line with numbers at a place, in the first watched call; None of one that has none."""
        affordable = self.budget.evaluations >= len(numbers) * self.weight
        self.budget.evaluations -= len(numbers) * self.weight
        tree = place.insert_each(numbers)
        value = evaluated(self.visit, tree, self.roots, self.memory, len(numbers)) if affordable else None
        return (
            [each if np.isfinite(each).all() else None for each in value]
            if value is not None
            else [None] * len(numbers)
        )

    def near_to(self, value: Array | None, arrays: Array) -> Sequence[int]:
        """The positions of arrays so near the value of a mutant that the mutant is examined closely."""
        if value is None or value.size != arrays.shape[-1]:
            return ()
        limit = NEARBY * self.relative_bound * np.abs(value).max(initial=0.0)
        return [*np.flatnonzero(np.abs(arrays - value.ravel()).max(axis=-1, initial=0.0) <= limit)]

    @cached_property
    def relative_bound(self) -> float:
        """The largest bound of the line, relative to its largest value."""
        return self.expected.largest_bound / float(np.abs(self.expected.value).max())

    def recognised(self, suspect: Suspect, mutants: Sequence[Mutant]) -> Mistake | None:
        """Recognise a mutant within its own noise in all watched calls."""
        if not mutants:
            return None
        judge = Judge(replace(self.equation, definition=self.line), self.dtype)
        found = recognise(judge, suspect.observations, mutants, self.policy, refute=True)
        if found is None:
            return None
        mutant = next(each for each in mutants if each.id == found.id)
        return Mistake(found.id, found.says, found.also, mutant.definition)

    def related_numbers(
        self, suspects: Sequence[Suspect], mutants: Sequence[Mutant | None]
    ) -> Iterator[tuple[int, Mutant | None, FreeNumber]]:
        """Positions of arrays, with a mutant or None, and a place at which a number brings the two near each other."""
        tried: list[tuple[float, int, Mutant | None, FreeNumber]] = []
        for mutant in mutants:
            tree = mutant.definition if mutant is not None else self.line
            base, slopes = self.slopes(tree)
            for place, slope in slopes:
                for number, suspect in enumerate(suspects):
                    if not suspect.is_bound and any(each.is_bound for each in suspects):
                        continue  # a number brings many a part of an expression near
                    tried.append((_alignment(base, slope, suspect), number, mutant, place))
        tried.sort(key=lambda each: -each[0])
        for _, number, mutant, place in tried[: max(self.budget.fits, 0)]:
            self.budget.fits -= 1
            if self.fits(suspects[number], place):
                yield number, mutant, place

    def slopes(self, tree: Definition) -> tuple[Array, list[tuple[FreeNumber, Array]]]:
        """The value of the line, and how it changes with a number at each place of the lines that may be wrong."""
        if self.budget.evaluations < self.weight:
            return np.zeros(0), []
        places = [each for each in _places(tree, self.roots) if changes(each.insert(0.5), self.line, self.roots)]
        moved = [tree, *(place.insert(place.neutral + 1e-3) for place in places)]
        base, *others = chain(*(self.values(moved[k : k + AT_ONCE]) for k in range(0, len(moved), AT_ONCE)))
        if base is None:
            return np.zeros(0), []
        pairs = zip(places, others, strict=True)
        return base, [(place, each - base) for place, each in pairs if each is not None and each.shape == base.shape]

    def numbers(self, suspect: Suspect, mutant: Mutant | None, place: FreeNumber) -> list[Mutant]:
        """The numbers at a place in the line that explain an array, together with a mutation or alone, as mutants."""
        self.budget.numbers -= 1
        if self.budget.numbers < 0:
            return []
        tree = mutant.definition if mutant is not None else self.line
        judge = Judge(replace(self.equation, definition=tree), self.dtype)
        try:
            numbers = wrong_numbers(judge, suspect.observations, self.policy, places=[place])
        except (ShapeError, ValueError):  # the mutation fits at the sizes of some calls alone
            return []
        return numbers if mutant is None else [_both(mutant, number) for number in numbers]

    @np.errstate(all="ignore")  # a number may lead anywhere, and what overflows does not fit
    def fits(self, suspect: Suspect, place: FreeNumber) -> bool:
        """Whether a number at a place brings the line near an array."""
        array = suspect.arrays[0].ravel().astype(np.float64)

        def residuals(*numbers: float) -> list[Array | None]:
            """What numbers leave of the array."""
            found = self.values_with(place, numbers)
            return [None if value is None or value.size != array.size else value.ravel() - array for value in found]

        tried = [(start, rest) for start, rest in zip(STARTS, residuals(*STARTS), strict=True) if rest is not None]
        if not tried:
            return False
        number, rest = min(tried, key=lambda pair: float(pair[1] @ pair[1]))
        (ahead,) = residuals(number + STEP)
        limit = NEARBY * self.relative_bound * float(np.abs(array).max())
        for _ in range(STEPS):
            if np.abs(rest).max() <= limit or ahead is None:
                break
            slope = (ahead - rest) / STEP
            square = float(slope @ slope)
            if not square > 0:
                break
            number -= float(slope @ rest) / square
            moved, ahead = residuals(number, number + STEP)
            if moved is None or moved @ moved > 0.9 * (rest @ rest):
                break
            rest = moved
        return bool(np.abs(rest).max() <= limit)


def _places(definition: Definition, roots: Sequence[int]) -> list[FreeNumber]:
    """The free numbers of a mutant; none of one whose shapes fit at some sizes only, as of a transposed matrix."""
    try:
        return [*free_numbers(definition, roots)]
    except NotationError:
        return []


def _alignment(base: Array, slope: Array, suspect: Suspect) -> float:
    """How far the difference of an array from a line lies along a slope: 1 if it is parallel, 0 if it is orthogonal."""
    if base.size != suspect.arrays[0].size:
        return 0.0
    error = suspect.arrays[0].ravel().astype(np.float64) - base.ravel()
    lengths = float(np.linalg.norm(error) * np.linalg.norm(slope))
    return abs(float(error @ slope.ravel())) / lengths if lengths > 0 else 0.0


def _both(mutant: Mutant, number: Mutant) -> Mutant:
    """A mutant with another number besides."""
    _, _, says = number.says.rpartition(": ")
    return replace(number, id=f"{mutant.id}+{number.id}", says=f"{mutant.says}, and {says}")


def up_to(definition: Definition, root: int, target: str) -> Definition:
    """The equation of one line or result of an equation.

    Args:
        definition: the equation.
        root: the position of the line among the roots.
        target: the name that the line assigns; "" for a result.
    """
    if not target:
        place = root - len(definition.lines)
        return replace(definition, returns=(definition.returns[place],), results=(definition.results[place],))
    kind = check(definition)[target]
    names = tuple(index for index, _ in definition.indices if index in kind.names)
    dims = (*(definition.ranges[index] for index in names), *kind.dims)
    returned = Stack(Name(target), names) if names else Name(target)
    lines = definition.lines[: root + 1]
    return replace(definition, lines=lines, returns=(returned,), results=(Parameter(target, kind.kind, dims),))


def changed_at(definition: Definition, mistake: Definition, root: int) -> Definition:
    """An equation with the lines of an equation of one of its lines, which has a mistake.

    Args:
        root: the position of the line among the roots of the equation.
    """
    count = min(root + 1, len(definition.lines))
    lines = (*mistake.lines[:count], *definition.lines[count:])
    place = root - len(definition.lines)
    if place < 0:
        return replace(definition, lines=lines)
    returns = (*definition.returns[:place], mistake.returns[0], *definition.returns[place + 1 :])
    return replace(definition, lines=lines, returns=returns)


def laid_out(array: Array, shape: tuple[int, ...]) -> Array | None:
    """An array in the shape of a line: as it is, or with its axes in the only order that fits; None if none does."""
    array = np.squeeze(array)
    wanted = tuple(size for size in shape if size != 1)
    if array.shape == wanted:
        return array.reshape(shape)
    if array.ndim > 4 or sorted(array.shape) != sorted(wanted):
        return None
    fitting = [axes for axes in permutations(range(array.ndim)) if tuple(array.shape[k] for k in axes) == wanted]
    return array.transpose(fitting[0]).reshape(shape) if len(fitting) == 1 else None
