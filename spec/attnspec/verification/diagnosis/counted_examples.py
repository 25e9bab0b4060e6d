"""A size or an option that is counted up from example to example of a batch, as a counter that is not reset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from attnspec.interpreters.mutation.everywhere import Occurrence, everywhere
from attnspec.interpreters.mutation.mutants import is_well_formed
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.tree import Apply, Definition, Name, Number, SizeOf
from attnspec.thresholds import TRIED_CASES
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import values
from attnspec.verification.judge.residuals import compare
from attnspec.verification.judge.statistics import largest
from attnspec.verification.verdict import Diagnosis

LEAST = 3
"""The fewest examples of a batch that show that a number grows from one to the next."""


def counted_examples(judge: Judge, observations: Sequence[Observation], policy: Policy) -> Diagnosis | None:
    """Find a number that grows by 1 with each example, where the first of them is right; None if there is none."""
    definition = judge.equation.definition
    failing = sorted(judge.failing(observations, policy), key=lambda each: each.case.elements)
    batched = [parts for each in failing if len(parts := _examples(definition, each)) >= LEAST][:TRIED_CASES]
    if not batched or len(batched) < min(len(failing), TRIED_CASES):
        return None
    if not all(judge.holds(parts[0], policy) for parts in batched):
        return None
    for says, counted in _counted(definition):
        if all(_explains(judge, parts, counted, policy) for parts in batched):
            return Diagnosis("counted", f"{says}, for each example of a batch")
    return None


def _examples(definition: Definition, observation: Observation) -> list[Observation]:
    """The examples of a case with one batch axis, each alone; none of another case, or where answers are summed."""
    arrays = observation.case.arrays
    if observation.case.summed:
        return []
    axes = {p.name: arrays[p.name].ndim - len(p.dims) for p in definition.parameters if p.name in arrays}
    if len(axes) < len(arrays) or {*axes.values()} - {0, 1} or 1 not in axes.values():
        return []
    count = next(len(arrays[name]) for name, leading in axes.items() if leading)
    return [
        Observation(
            replace(
                observation.case,
                arrays={name: array[k] if axes[name] else array for name, array in arrays.items()},
                description=None,
            ),
            tuple(answer[k] for answer in observation.answers),
        )
        for k in range(count)
    ]


def _counted(definition: Definition) -> Iterator[tuple[str, Callable[[int], Definition]]]:
    """Each size and option that is read as a number, in words, and the equation with so much more of it."""
    options = {option.name for option in definition.options if option.kind == "int"}
    for place in everywhere(definition):
        if isinstance(place.node, SizeOf) or (isinstance(place.node, Name) and place.node.id in options):

            def counted(more: int, place: Occurrence = place) -> Definition:
                return place.put(Apply("+", (place.node, Number(float(more)))))

            if is_well_formed(counted(1)):
                yield f"in {place.line}: {place.site.show(place.node)} is counted up by 1", counted


def _explains(
    judge: Judge, examples: Sequence[Observation], counted: Callable[[int], Definition], policy: Policy
) -> bool:
    """Whether all examples behind the first are those of an equation with one more for each."""
    for more, example in enumerate(examples[1:], 1):
        definition = counted(more)
        if values(definition, example.case) is None:
            return False
        noises = judge.mutant_noise(example.case, policy, definition, f"counted-{more}")
        if largest(compare(example, noises)) > 1:
            return False
    return True
