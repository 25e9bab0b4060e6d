"""What software does besides the formula: a function too many, a residual added, two arguments exchanged.

Like other functions, these are no mutants, since there is no end of them: they are thought of where something is wrong
and no mutant explains it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from attnspec.errors import NotationError
from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.free_numbers import MOVED, NOT_VALUES
from attnspec.interpreters.mutation.mutants import Mutant, inside_scan, parts, sound
from attnspec.interpreters.mutation.operators import Site
from attnspec.language.check import Type, check, infer
from attnspec.language.traversal import map_definition, substitute, walk
from attnspec.language.tree import Apply, Call, Definition, Name, Node, Number, SizeOf

FUNCTIONS = ("tanh", "sigmoid", "relu", "gelu", "exp")
"""Functions that may stand where none belongs."""


def insertions(definition: Definition) -> Iterator[Mutant]:
    """What an equation becomes with each."""
    yield from _residuals(definition)
    yield from _exchanges(definition)
    for label, says, tree in _functions(definition):
        yield Mutant(f"{label}/insert", says, tree)


def _residuals(definition: Definition) -> Iterator[Mutant]:
    """An argument added to a result of its shape, or multiplied with it."""
    if len(definition.returns) != len(definition.results):
        return
    several = len(definition.results) > 1
    for place, result in enumerate(definition.results):
        label = f"result {place + 1}" if several else "the result"
        for parameter in definition.parameters:
            if result.kind == parameter.kind == "float" and parameter.dims == result.dims and parameter.dims:
                shown = text_of(Name(parameter.name), definition)
                for op, done in (("+", "is added to"), ("*", "is multiplied with")):
                    new = Apply(op, (definition.returns[place], Name(parameter.name)))
                    returns = (*definition.returns[:place], new, *definition.returns[place + 1 :])
                    tree = replace(definition, returns=returns)
                    if sound(tree):
                        yield Mutant(f"{label}/{op}{parameter.name}", f"{shown} {done} {label}", tree)


def _exchanges(definition: Definition) -> Iterator[Mutant]:
    """Two arguments of one shape exchanged, or one read for the other."""
    floats = [parameter for parameter in definition.parameters if parameter.kind == "float"]
    for a, b in combinations(floats, 2):
        if a.dims != b.dims:
            continue
        first, second = (text_of(Name(parameter.name), definition) for parameter in (a, b))
        yield Mutant(
            f"exchange/{a.name}-{b.name}",
            f"{first} and {second} are swapped",
            _renamed(definition, {a.name: b.name, b.name: a.name}),
        )
        yield Mutant(
            f"for/{a.name}-{b.name}", f"{second} is read where {first} belongs", _renamed(definition, {a.name: b.name})
        )
        yield Mutant(
            f"for/{b.name}-{a.name}", f"{first} is read where {second} belongs", _renamed(definition, {b.name: a.name})
        )


def _renamed(definition: Definition, names: dict[str, str]) -> Definition:
    return map_definition(
        definition, lambda node: Name(names.get(node.id, node.id)) if isinstance(node, Name) else node
    )


def _functions(definition: Definition) -> Iterator[tuple[str, str, Definition]]:
    """A function of a part of the formula where the part itself belongs; also in the equations that are called."""
    types = check(definition)
    known = {parameter.name: types[parameter.name] for parameter in definition.parameters}
    lines = [*definition.lines, *(None,) * len(definition.returns)]
    for (label, root, build), line in zip(parts(definition), lines, strict=True):
        site = Site(definition, dict(known), types, root)
        for path, node in walk(root):
            if any(field in NOT_VALUES for field, _ in path):
                continue
            if isinstance(node, Call):
                for inner, says, callee in _functions(node.callee):
                    yield f"{label}/{inner}", says, build(substitute(root, path, replace(node, callee=callee)))
            if _is_value(node, inside_scan(site, root, path)):
                for function in FUNCTIONS:
                    says = f"in {label}: {function} is applied to {site.show(node)}"
                    yield label, says, build(substitute(root, path, Apply(function, (node,))))
        known |= {name: types[name] for name in (line.targets if line is not None else ())}


def _is_value(node: Node, site: Site) -> bool:
    """Whether a part of the formula is an array of floats, and not merely another's elements moved."""
    if isinstance(node, (Number, SizeOf, *MOVED)) or (isinstance(node, Apply) and node.op in FUNCTIONS):
        return False
    try:
        kinds: tuple[Type, ...] = infer(node, site.scope)
    except NotationError:
        return False
    return [kind.kind for kind in kinds] == ["float"]
