"""A line that is right where it is read in one place, and wrong where it is read in another.

Software computes such a line twice, or writes it out where it is used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from attnspec.errors import NotationError
from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.free_numbers import free_numbers
from attnspec.interpreters.mutation.mutants import Mutant, generated_mutations, is_well_formed, parts
from attnspec.interpreters.rounding.policy import Policy
from attnspec.language.traversal import node_at, nodes, substitute, walk
from attnspec.language.tree import Definition, Line, Name, Node, Scan
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.diagnosis.constants import wrong_numbers
from attnspec.verification.diagnosis.recognise import recognise
from attnspec.verification.judge.judge import Judge
from attnspec.verification.verdict import Diagnosis

COPY = "'"
"""What follows the name of a line in that of its copy."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An equation with a copy of a line, which one place reads instead of it.

    Attributes:
        definition: the equation, of the same value.
        name: the name of the copy.
        position: the position of the copy among the lines.
        says: the place, in words.
    """

    definition: Definition
    name: str
    position: int
    says: str


def mistake_at_one_reading(judge: Judge, observations: Sequence[Observation], policy: Policy) -> Diagnosis | None:
    """Find a mistake, or a wrong number, in one of several readings of a line; None if none explains all that fails."""
    tried = (
        wrong for each in readings(judge.equation.definition) for wrong in _mistakes(judge, observations, each, policy)
    )
    return recognise(judge, observations, [*tried], policy, refute=True)


def readings(definition: Definition) -> Iterator[Reading]:
    """The readings of all lines that are read in several places; those within the step of a recurrence are left out."""
    uses = Counter(node.id for node in nodes(definition) if isinstance(node, Name))
    for k, line in enumerate(definition.lines):
        if len(line.targets) != 1 or uses[line.targets[0]] < 2 or isinstance(line.value, Scan):
            continue
        name = line.targets[0] + COPY
        for at, (label, root, _) in enumerate(parts(definition)):
            for path, node in walk(root):
                if node == Name(line.targets[0]) and not isinstance(root, Scan):
                    around = f" in {text_of(node_at(root, path[:-1]), definition)}" if path else ""
                    copied = _with_copy(definition, k, name, at, substitute(root, path, Name(name)))
                    if is_well_formed(copied):
                        yield Reading(copied, name, k + 1, f"as {label} reads it{around}")


def _with_copy(definition: Definition, line: int, name: str, at: int, root: Node) -> Definition:
    """The equation with a copy of a line behind it, and another tree in place of one of its roots."""
    lines, returns = [*definition.lines], [*definition.returns]
    if at < len(lines):
        lines[at] = replace(lines[at], value=root)
    else:
        returns[at - len(lines)] = root
    lines.insert(line + 1, Line((name,), lines[line].value))
    return replace(definition, lines=tuple(lines), returns=tuple(returns))


def _mistakes(judge: Judge, observations: Sequence[Observation], reading: Reading, policy: Policy) -> Iterator[Mutant]:
    """The mistakes and wrong numbers of the copy."""
    of_copy = [reading.position]
    try:
        wrong = [
            Mutant(id, says, tree, "generated", equal)
            for id, says, tree, equal in generated_mutations(reading.definition, of_copy)
        ]
        places = [*free_numbers(reading.definition, of_copy)]
    except NotationError:
        return
    for mutant in (*wrong, *wrong_numbers(judge, observations, policy, reading.definition, places)):
        line = reading.name.removesuffix(COPY)
        says = mutant.says.removeprefix(f"in {reading.name}: ")
        yield replace(mutant, id=f"{mutant.id}/{reading.says}", says=f"in {line}, {reading.says}: {says}")
