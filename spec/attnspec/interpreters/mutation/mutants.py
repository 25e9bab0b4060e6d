"""The mutants of an equation: wrong variants that can be computed, each with a sentence that describes the mistake.

Mutation operators generate them from the syntax tree (`operators`, `equation_wide`). Curated mutants and the other
conventions of the equation are added. Mutants that compute the same as the equation are removed later, by testing.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from attnspec.errors import NotationError
from attnspec.interpreters.formula.formula import text_of_names
from attnspec.interpreters.mutation.equation_wide import Mutation, equation_wide_mutations
from attnspec.interpreters.mutation.operators import GROUPS, Site, local_mutations
from attnspec.language import layers
from attnspec.language.check import Scope, Type, check, infer, layer_of
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.registry import family_of
from attnspec.language.traversal import (
    Path,
    call_by_name,
    callees,
    node_at,
    replace_callee,
    scans_around,
    substitute,
    walk,
    with_roots,
)
from attnspec.language.tree import (
    Apply,
    At,
    CallLike,
    Definition,
    Line,
    Name,
    Node,
    Number,
    Option,
    Parameter,
    Scan,
    Through,
)


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
    """All mutants of an equation: curated ones, conventions, then generated ones, each syntax tree once."""
    by_tree: dict[Definition, Mutant] = {}
    for mutant in curated_and_conventions(equation):
        by_tree.setdefault(mutant.definition, mutant)
    for id, sentence, tree, equal in generated_mutations(equation.definition):
        if tree != equation.definition:
            by_tree.setdefault(tree, Mutant(id, sentence, tree, "generated", equal))
    return tuple(_with_unique_ids(by_tree.values()))


def curated_and_conventions(equation: Equation[..., Any]) -> Iterator[Mutant]:
    """The curated mutants of an equation, then its other conventions."""
    for curated in equation.curated:
        tree = replace(curated.equation.definition, id=equation.id)
        yield Mutant(curated.name, curated.says, tree, "curated", in_storage=curated.in_storage)
    for other in conventions(equation):
        comparable = adapted(other.definition, equation.definition)
        if comparable is not None:
            difference = f": {other.says}" if other.says else f", of which it does not hold that {equation.says}"
            yield Mutant(other.id, f"this is {other.id}{difference}", comparable, "convention")


def conventions(equation: Equation[..., Any]) -> list[Equation[..., Any]]:
    """The other conventions of an equation: all equations with the same base convention.

    In the catalogue they are in its family, so that no other family is loaded.
    """
    root = equation.convention_of or equation.id
    candidates = REGISTRY.near(family_of(root))
    return [other for other in candidates if other.id != equation.id and root in (other.id, other.convention_of)]


def lookalikes(equation: Equation[..., Any]) -> Iterator[Mutant]:
    """The other equations with the same types of results and the same parameters or fewer, as mutants of this one.

    Those with the same parameters come first, then those that lack the fewest. Conventions of the equation are left
    out, but for those that lack parameters. The whole catalogue is loaded.
    """
    definition = equation.definition
    alike = {other.id for other in conventions(equation)}
    fewer: list[tuple[int, Mutant]] = []
    for other in REGISTRY.values():
        ignored = _ignored(other.definition, definition)
        if other.id == equation.id or ignored is None:
            continue
        if ignored:
            says = f"this is {other.id}, which does not read {text_of_names(ignored, definition)}"
            fewer.append((len(ignored), Mutant(other.id, says, _calling(other.definition, definition), "convention")))
        elif other.id not in alike:
            same = adapted(other.definition, definition)
            if same is not None:
                yield Mutant(other.id, f"this is {other.id}", same, "convention")
    for _, mutant in sorted(fewer, key=lambda each: each[0]):
        yield mutant


def _ignored(other: Definition, definition: Definition) -> list[str] | None:
    """The arguments that an equation has more than another one with the same results; None if it is not alike."""
    results, of_other = ([(each.kind, each.dims) for each in which.results] for which in (definition, other))
    read = {*other.parameters, *other.options}
    own: list[Parameter | Option] = [*definition.parameters, *definition.options]
    ignored = [each.name for each in own if each not in read]
    is_alike = results == of_other and len(own) == len(read) + len(ignored) and not layers.of(definition)
    return ignored if is_alike else None


def adapted(other: Definition, target: Definition, given: Mapping[str, Node] | None = None) -> Definition | None:
    """A convention as a function of the parameters of an equation.

    Additional parameters of the convention are 0, and so are additional integer options.

    Args:
        other: the convention.
        target: the equation.
        given: {parameter of the convention: what it is given instead}.

    Returns:
        The adapted convention; None if it lacks a parameter, an option or a result of the equation.
    """
    parameters = {parameter.name: parameter for parameter in target.parameters}
    available = {parameter.name: parameter for parameter in other.parameters}
    same_dims = all(available[name].dims == p.dims for name, p in parameters.items() if name in available)
    additional = [option for option in other.options if option not in target.options]
    same_options = [option for option in other.options if option in target.options] == [*target.options]
    if not same_dims or parameters.keys() - available.keys() or not same_options or layers.of(target):
        return None
    if any(option.kind != "int" or option.size for option in additional):
        return None
    zero: dict[str, Node] = {}
    for name, parameter in available.items():
        if name not in parameters:
            same_shape = next((p.name for p in target.parameters if p.dims == parameter.dims), None)
            if same_shape is None:
                return None
            zero[name] = Apply("*", (Number(0.0), Name(same_shape)))
    zero |= {option.name: Number(0.0) for option in additional}
    if len(other.results) < len(target.results):
        return None
    return _calling(other, target, {**zero, **(given or {})})


def _calling(other: Definition, target: Definition, given: Mapping[str, Node] | None = None) -> Definition:
    """An equation whose results are those of another one, of its own arguments unless others are given."""
    call = call_by_name(other, given or {})
    if len(other.results) == len(target.results) == 1:
        return replace(target, indices=(), lines=(), returns=(call,))
    names = tuple(f"output_{k}" for k in range(len(other.results)))  # additional results are last
    returns = tuple(Name(name) for name in names[: len(target.results)])
    return replace(target, indices=(), lines=(Line(names, call),), returns=returns)


def generated_mutations(definition: Definition, roots: Collection[int] | None = None) -> Iterator[Mutation]:
    """The generated mutations of an equation, also those of the equations that it calls.

    Args:
        roots: the positions of the lines that may be wrong among its roots; all of them by default.
    """
    types = check(definition)
    for k, part in enumerate(parts(definition)):
        if roots is None or k in roots:
            yield from _part_mutations(*part, site_of(definition, types, k), Fit(definition, types, k))
    for name, sentence, tree, equal in (*equation_wide_mutations(definition, types), *_every_call(definition)):
        if (roots is None or changes(tree, definition, roots)) and is_well_formed(tree, equal):
            yield name, sentence, tree, equal


@lru_cache(maxsize=128)
def _mutations_of_callee(callee: Definition) -> tuple[Mutation, ...]:
    return tuple(generated_mutations(callee))


def changes(mutant: Definition, definition: Definition, roots: Collection[int]) -> bool:
    """Whether a mutant of an equation differs from it, in certain lines only.

    Args:
        roots: the positions of the lines among the roots of the equation.
    """
    if len(mutant.roots) != len(definition.roots) or mutant.indices != definition.indices:
        return False
    different = {k for k, (a, b) in enumerate(zip(mutant.roots, definition.roots, strict=True)) if a != b}
    return bool(different) and different <= {*roots}


def _every_call(definition: Definition) -> Iterator[Mutation]:
    """The same mutation in every call of an equation that is called more than once."""
    for callee, count in Counter(callees(definition)).items():
        if count > 1:
            for id, sentence, wrong, equal in _mutations_of_callee(callee):
                if not equal:
                    yield f"every {callee.id}/{id}", sentence, replace_callee(definition, callee, wrong), ()


def _part_mutations(
    label: str, root: Node, build: Callable[[Node], Definition], site: Site, fit: Fit
) -> Iterator[Mutation]:
    """The mutations of one line or result.

    Args:
        label: its name.
        root: its syntax tree.
        build: makes the equation with another tree in its place.
        site: where it is.
        fit: whether the equation with another tree in its place is well-formed.
    """
    for below, node in walk(root):
        inner = inside_scan(site, root, below)
        for op, sentence, new, equal in local_mutations(node, inner):
            changed = substitute(root, below, new)
            if equal or fit(changed):
                yield (
                    f"{label}/{op}",
                    f"in {label}: {in_words(root, below, new, sentence, inner)}",
                    build(changed),
                    equal,
                )
        if isinstance(node, CallLike):
            for id, sentence, callee, equal in _mutations_of_callee(node.callee):
                lifted = _lifted(node, inner, equal)
                if lifted is not None:
                    yield (
                        f"{label}/{id}",
                        sentence,
                        build(substitute(root, below, replace(node, callee=callee))),
                        lifted,
                    )
        if isinstance(node, Through) and node.callee.id in REGISTRY:
            for mutant in curated_and_conventions(REGISTRY[node.callee.id]):
                tree = build(substitute(root, below, replace(node, callee=mutant.definition)))
                yield f"{label}/{mutant.id}", f"in every layer: {mutant.says}", tree, ()


def _lifted(node: CallLike, site: Site, equal: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...] | None:
    """Sizes of a callee that must be equal, by the caller's names for them; None if the caller has no such names."""
    if not equal:
        return ()
    if isinstance(node, Through):  # the sizes of the top layer: the mutant cannot run if another layer has others
        names = layers.at_top(layer_of(node, site.scope))
    else:
        names = {}
        for parameter, arg in zip(node.callee.parameters, node.args, strict=True):
            for inner, outer in zip(parameter.dims, site.type_of(arg).dims, strict=True):
                names.setdefault(str(inner), str(outer))
    if any(size not in names for pair in equal for size in pair):
        return None
    pairs = {(names[a], names[b]) for a, b in equal}
    return tuple((a, b) for a, b in sorted(pairs) if a != b)


def in_words(root: Node, below: Path, new: Node, sentence: str, site: Site) -> str:
    """What a mutation of a node says; of one in the places of an array, which element is read instead of which.

    One of groups says more by itself.
    """
    if sentence.startswith(GROUPS):
        return sentence
    for length in range(len(below) - 1, -1, -1):
        around = node_at(root, below[:length])
        if isinstance(around, At) and below[length][0] == "places":
            return f"{site.show(substitute(around, below[length:], new))} is read instead of {site.show(around)}"
    return sentence


def inside_scan(site: Site, root: Node, below: Path) -> Site:
    """The site of a node, which may be inside the step of a scan and know its states."""
    states, bound = dict[str, Type](), set[str]()
    for scan in scans_around(root, below):
        scope = Scope(site.definition, {**site.types, **site.known, **states}, frozenset(bound))
        for state, kind in zip(scan.states, infer(scan, scope), strict=True):
            states[state] = replace(kind, names=kind.names - {scan.index})
        bound.add(scan.index)
    return replace(site, known={**site.known, **states}, bound=frozenset(bound))


def parts(definition: Definition) -> Iterator[tuple[str, Node, Callable[[Node], Definition]]]:
    """The lines and results of an equation: name, syntax tree, and a function that puts another tree in its place."""
    labels = [", ".join(line.targets) for line in definition.lines]
    many = len(definition.returns) > 1
    labels += [f"result {k + 1}" if many else "the result" for k in range(len(definition.returns))]
    for k, (label, root) in enumerate(zip(labels, definition.roots, strict=True)):
        yield label, root, _root_builder(definition, k)


def _root_builder(definition: Definition, k: int) -> Callable[[Node], Definition]:
    roots = definition.roots
    return lambda node: with_roots(definition, (*roots[:k], node, *roots[k + 1 :]))


def site_of(definition: Definition, types: Mapping[str, Type], root: int) -> Site:
    """The site of a line or result, which knows the arrays and integer options that are defined before it.

    Args:
        types: {name: type} of the whole equation.
        root: the position among the roots.
    """
    names = [parameter.name for parameter in definition.parameters]
    names += [option.name for option in definition.options if option.kind == "int"]
    names += [name for line in definition.lines[:root] for name in line.targets]
    return Site(definition, {name: types[name] for name in names}, types, definition.roots[root])


class Fit:
    """Whether an equation with another tree in place of a line or result is well-formed.

    If the other tree has the types of the old one, all later lines fit as before, and they are not checked again.
    """

    def __init__(self, definition: Definition, types: Mapping[str, Type], root: int) -> None:
        before = definition.lines[:root]
        names = [parameter.name for parameter in definition.parameters]
        names += [option.name for option in definition.options]
        names += [name for line in before for name in line.targets]
        scanned = {name: line.value.index for line in before if isinstance(line.value, Scan) for name in line.targets}
        self._build = _root_builder(definition, root)
        self._old = definition.roots[root]
        self._scope = Scope(definition, {name: types[name] for name in names}, scanned=scanned)
        self._types = infer(self._old, self._scope)

    def __call__(self, new: Node) -> bool:
        try:
            types = infer(new, self._scope)
        except NotationError:
            return False
        unchanged = types == self._types and self._scanned(new) == self._scanned(self._old)
        return unchanged or is_well_formed(self._build(new))

    @staticmethod
    def _scanned(root: Node) -> str:
        """The index of a recurrence; "" for other trees."""
        return root.index if isinstance(root, Scan) else ""


def is_well_formed(tree: Definition, equal: Sequence[tuple[str, str]] = ()) -> bool:
    """Whether the types of a mutant fit; those of one that needs equal sizes fit when the sizes are equal."""
    if equal:
        return True
    try:
        check(tree)
    except NotationError:
        return False
    return True


def _with_unique_ids(mutants: Iterable[Mutant]) -> Iterator[Mutant]:
    """The mutants with a number added to ids that occur again."""
    counts: dict[str, itertools.count[int]] = {}
    for mutant in mutants:
        number = next(counts.setdefault(mutant.id, itertools.count(1)))
        yield mutant if number == 1 else replace(mutant, id=f"{mutant.id}#{number}")


def by_id(mutants: Sequence[Mutant]) -> Mapping[str, Mutant]:
    """Mutants by id."""
    return {mutant.id: mutant for mutant in mutants}
