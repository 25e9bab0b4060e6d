"""A wrong mask whose hidden scores are filled with −∞ or with a large negative number, as software fills them.

A row that the wrong mask leaves without visible keys is then NaN, or the average of all, and no mask alone explains it.
These are not mutants of an equation, and the cases need not detect them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from attnspec.interpreters.mutation.equation_wide import wrong_masks
from attnspec.interpreters.mutation.function_substitutions import SUBSTITUTIONS
from attnspec.interpreters.mutation.mutants import Mutant, curated_and_conventions, is_well_formed
from attnspec.language.check import check
from attnspec.language.equation import Equation
from attnspec.language.traversal import callees, map_throughout, replace_callee
from attnspec.language.tree import Definition

FILLS = ("masked-infinite", "masked-large")
"""The names of the substitutions that fill hidden scores and leave a row without visible keys to itself."""


def filled_masks(definition: Definition) -> Iterator[Mutant]:
    """The variants of an equation with a wrong mask and each filling, made also in the equations that it calls."""
    for id, says, tree, equal in wrong_masks(definition, check(definition)):
        for name in FILLS:
            filling, change = SUBSTITUTIONS[name]
            filled = map_throughout(tree, change)
            if filled is not tree and is_well_formed(filled):
                yield Mutant(f"{id} and instead/{name}", f"{says}, and {filling}", filled, equal_sizes=equal)
    for callee in dict.fromkeys(callees(definition)):
        for wrong in filled_masks(callee):
            if not wrong.equal_sizes:
                tree = replace_callee(definition, callee, wrong.definition)
                yield Mutant(f"every {callee.id}/{wrong.id}", wrong.says, tree)


def filled_masks_of_conventions(equation: Equation[..., Any]) -> Iterator[Mutant]:
    """The same in the conventions of an equation, such as a causal mask that is aligned at the other end."""
    for other in curated_and_conventions(equation):
        if other.kind == "convention":
            for wrong in filled_masks(other.definition):
                yield replace(wrong, id=f"{other.id} and {wrong.id}", says=f"{other.says}; and there {wrong.says}")
