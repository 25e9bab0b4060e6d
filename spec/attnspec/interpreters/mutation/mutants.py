"""Every plausible slip in an equation, as a runnable wrong version and a sentence that says what it is.

They are generated from the syntax tree by the operators of `slips` and `throughout`; those that compute the same as
the equation are removed by testing; beside them stand the curated ones and the equation's conventions.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from attnspec.errors import NotationError
from attnspec.interpreters.mutation.equation_wide import Slip, everywhere
from attnspec.interpreters.mutation.operators import Site, locally
from attnspec.language import layers
from attnspec.language.check import Scope, Type, check, infer, layer_of
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.traversal import (
    Path,
    call_by_name,
    callees,
    replace_callee,
    scans_around,
    substitute,
    walk,
    with_roots,
)
from attnspec.language.tree import Apply, CallLike, Definition, Line, Name, Node, Number, Through


@dataclass(frozen=True, slots=True)
class Mutant:
    """A known mistake of an equation: a wrong variant that can be computed, and a sentence that explains it.

    `Equation.mutants` lists them.

    Attributes:
        id: where and what, such as "z/drop/b_z"; unique among the mutants of the equation. Ids of generated mutants
            may change.
        says: the sentence that explains it in a diagnosis.
        definition: the syntax tree of the variant, with the parameters of the equation.
        kind: "generated", "curated" or "convention".
        equal_sizes: pairs of sizes that must be equal for it to run, as for a transposed weight.
        in_storage: whether it is wrong only by an overflow in the storage dtype.

    Examples:
        >>> import attnspec
        >>> mutants = attnspec.equations()["scores.scaled_dot"].mutants()
        >>> [mutant.says for mutant in mutants if "√" in mutant.says][:1]
        ['in e: the division by √d is missing']
    """

    id: str
    says: str
    definition: Definition
    kind: str = "generated"
    equal_sizes: tuple[tuple[str, str], ...] = ()
    in_storage: bool = False


def mutants(equation: Equation[..., Any]) -> tuple[Mutant, ...]:
    """Every mutant of an equation: curated first, then conventions, then generated; equal trees once."""
    found: dict[Definition, Mutant] = {}
    for wrong in given(equation):
        found.setdefault(wrong.definition, wrong)
    for id, says, tree, equal in generated(equation.definition):
        if tree != equation.definition:
            found.setdefault(tree, Mutant(id, says, tree, "generated", equal))
    return tuple(_numbered(found.values()))


def given(equation: Equation[..., Any]) -> Iterator[Mutant]:
    """Those that nothing generates: the curated ones, then the conventions."""
    for wrong in equation.curated:
        tree = replace(wrong.equation.definition, id=equation.id)
        yield Mutant(wrong.name, wrong.says, tree, "curated", in_storage=wrong.in_storage)
    for other in conventions(equation):
        as_own = adapted(other.definition, equation.definition)
        if as_own is not None:
            told = f": {other.says}" if other.says else f", of which it does not hold that {equation.says}"
            yield Mutant(other.id, f"this is {other.id}{told}", as_own, "convention")


def conventions(equation: Equation[..., Any]) -> list[Equation[..., Any]]:
    """The other conventions of an equation: those of it, what it is one of, and that one's others."""
    root = equation.convention_of or equation.id
    return [other for other in REGISTRY.values() if other.id != equation.id and root in (other.id, other.convention_of)]


def lookalikes(equation: Equation[..., Any]) -> Iterator[Mutant]:
    """Every other equation of the catalogue that takes and returns the same, as a mutant of this one.

    The catalogue is loaded whole.
    """
    own = equation.definition
    known = {other.id for other in conventions(equation)}
    for other in REGISTRY.values():
        theirs = other.definition
        same = (theirs.parameters, theirs.options) == (own.parameters, own.options)
        results = [(result.kind, result.dims) for result in theirs.results]
        if other.id in known | {equation.id} or not same or results != [(each.kind, each.dims) for each in own.results]:
            continue
        tree = adapted(theirs, own)
        if tree is not None:
            yield Mutant(other.id, f"this is {other.id}", tree, "convention")


def adapted(other: Definition, own: Definition) -> Definition | None:
    """A convention as a function of this equation's parameters: those that it has besides are 0.

    So is a whole number that it has besides for an option, such as a place: the first. None where it lacks a parameter
    or an option of this equation, so that the two cannot be compared argument by argument.
    """
    mine = {parameter.name: parameter for parameter in own.parameters}
    theirs = {parameter.name: parameter for parameter in other.parameters}
    shared = all(theirs[name].dims == parameter.dims for name, parameter in mine.items() if name in theirs)
    besides = [option for option in other.options if option not in own.options]
    alike = [option for option in other.options if option in own.options] == [*own.options]
    if not shared or mine.keys() - theirs.keys() or not alike or layers.of(own):
        return None
    if any(option.kind != "int" or option.size for option in besides):
        return None
    zero: dict[str, Node] = {}
    for name, parameter in theirs.items():
        if name not in mine:
            twin = next((p.name for p in own.parameters if p.dims == parameter.dims), None)
            if twin is None:
                return None
            zero[name] = Apply("*", (Number(0.0), Name(twin)))
    zero |= {option.name: Number(0.0) for option in besides}
    call = call_by_name(other, zero)
    if len(other.results) == len(own.results) == 1:
        return replace(own, indices=(), lines=(), returns=(call,))
    if len(other.results) < len(own.results):
        return None
    names = tuple(f"output_{k}" for k in range(len(other.results)))  # those that it has besides are last
    returns = tuple(Name(name) for name in names[: len(own.results)])
    return replace(own, indices=(), lines=(Line(names, call),), returns=returns)


def generated(definition: Definition) -> Iterator[Slip]:
    """Slips anywhere in an equation, also in the equations that it calls."""
    types = check(definition)
    for label, node, build in parts(definition):
        known = _in_scope(definition, label)
        site = Site(definition, {name: types[name] for name in known}, types, node)
        yield from _below(label, site, node, build)
    for name, says, tree, equal in (*everywhere(definition, types), *_every_call(definition)):
        if sound(tree, equal):
            yield name, says, tree, equal


def _every_call(definition: Definition) -> Iterator[Slip]:
    """The same slip in every call of an equation that is called more than once."""
    for callee, count in Counter(callees(definition)).items():
        if count > 1:
            for id, says, wrong, equal in generated(callee):
                if not equal:
                    yield f"every {callee.id}/{id}", says, replace_callee(definition, callee, wrong), ()


def _below(label: str, site: Site, root: Node, build: Callable[[Node], Definition]) -> Iterator[Slip]:
    for below, node in walk(root):
        inner = inside_scan(site, root, below)
        for op, says, new, equal in locally(node, inner):
            tree = build(substitute(root, below, new))
            if sound(tree, equal):
                yield f"{label}/{op}", f"in {label}: {says}", tree, equal
        if isinstance(node, CallLike):
            for id, says, callee, equal in generated(node.callee):
                lifted = _lifted(node, inner, equal)
                if lifted is not None:
                    yield f"{label}/{id}", says, build(substitute(root, below, replace(node, callee=callee))), lifted
        if isinstance(node, Through) and node.callee.id in REGISTRY:
            for wrong in given(REGISTRY[node.callee.id]):
                tree = build(substitute(root, below, replace(node, callee=wrong.definition)))
                yield f"{label}/{wrong.id}", f"in every layer: {wrong.says}", tree, ()


def _lifted(node: CallLike, site: Site, equal: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...] | None:
    """Sizes that a callee needs equal, by the caller's names for them; None where the caller has no such names."""
    if not equal:
        return ()
    if isinstance(node, Through):  # as they are at the top: where another layer has others, it cannot run
        names = layers.at_top(layer_of(node, site.scope))
    else:
        names = {}
        for parameter, arg in zip(node.callee.parameters, node.args, strict=True):
            for own, given in zip(parameter.dims, site.type_of(arg).dims, strict=True):
                names.setdefault(str(own), str(given))
    if any(size not in names for pair in equal for size in pair):
        return None
    pairs = {(names[a], names[b]) for a, b in equal}
    return tuple((a, b) for a, b in sorted(pairs) if a != b)


def inside_scan(site: Site, root: Node, below: Path) -> Site:
    """What is known inside the step of a scan: its states too."""
    states, bound = dict[str, Type](), set[str]()
    for scan in scans_around(root, below):
        scope = Scope(site.definition, {**site.types, **site.known, **states}, frozenset(bound))
        for state, kind in zip(scan.states, infer(scan, scope), strict=True):
            states[state] = replace(kind, names=kind.names - {scan.index})
        bound.add(scan.index)
    return replace(site, known={**site.known, **states}, bound=frozenset(bound))


def parts(definition: Definition) -> Iterator[tuple[str, Node, Callable[[Node], Definition]]]:
    """The lines and results of an equation, each with a name and with how to put another in its place."""
    labels = [", ".join(line.targets) for line in definition.lines]
    several = len(definition.returns) > 1
    labels += [f"result {k + 1}" if several else "the result" for k in range(len(definition.returns))]
    for k, (label, root) in enumerate(zip(labels, definition.roots, strict=True)):
        yield label, root, _root_builder(definition, k)


def _root_builder(definition: Definition, k: int) -> Callable[[Node], Definition]:
    roots = definition.roots
    return lambda node: with_roots(definition, (*roots[:k], node, *roots[k + 1 :]))


def _in_scope(definition: Definition, label: str) -> list[str]:
    """Arrays and whole numbers that have a meaning where a line stands."""
    names = [parameter.name for parameter in definition.parameters]
    names += [option.name for option in definition.options if option.kind == "int"]
    for line in definition.lines:
        if ", ".join(line.targets) == label:
            break
        names += line.targets
    return names


def sound(tree: Definition, equal: Sequence[tuple[str, str]] = ()) -> bool:
    """Whether a wrong version still fits; one that needs equal sizes is known to fit when they are."""
    if equal:
        return True
    try:
        check(tree)
    except NotationError:
        return False
    return True


def _numbered(found: Any) -> Iterator[Mutant]:
    """Ids made unique."""
    seen: dict[str, itertools.count[int]] = {}
    for mutant in found:
        count = seen.setdefault(mutant.id, itertools.count(1))
        number = next(count)
        yield mutant if number == 1 else replace(mutant, id=f"{mutant.id}#{number}")


def by_id(found: Sequence[Mutant]) -> Mapping[str, Mutant]:
    """Mutants by id."""
    return {mutant.id: mutant for mutant in found}
