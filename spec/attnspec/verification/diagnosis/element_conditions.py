"""What elements of an argument have in common beside wrong elements of a result, and not beside right ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, combinations, permutations

import numpy as np

from attnspec.interpreters.evaluation.call import fit, outputs
from attnspec.interpreters.formula.formula import text_of
from attnspec.interpreters.mutation.mutants import is_well_formed
from attnspec.language.check import check
from attnspec.language.tree import ONE, ZERO, Apply, Definition, Name, Node, Parameter, Position, Scan, Stack
from attnspec.thresholds import BY_CHANCE, CONTROLS, WIDE_ELEMENTS
from attnspec.verification.candidate.observation import Array
from attnspec.verification.judge.residuals import Compared

MOST_CONDITIONS = 100
"""Of equations with more conditions of lines none is asked."""

MOST_NECESSARY = 12
"""Of more conditions that all wrong elements have, the first are asked in pairs."""

KINDS: dict[str, dict[str, Callable[[Array], Array]]] = {
    "float": {
        "is 0": lambda values: values == 0,
        "is negative": lambda values: values < 0,
        "is positive": lambda values: values > 0,
    },
    "int": {
        "is 0": lambda values: values == 0,
        "is negative": lambda values: values < 0,
        "is 1": lambda values: values == 1,
    },
    "bool": {"is true": lambda values: values != 0, "is false": lambda values: values == 0},
}
"""What an element of an argument may be, by the kind of the argument."""


def element_conditions(definition: Definition, compared: Sequence[Compared]) -> list[str]:
    """The first argument of which each wrong element has a special value beside it, and no right one other than 0.

    Only arguments whose axes are axes of the result have an element beside each of its own. If right elements have it
    too, less than half of them, it is said only if so many wrong ones would rarely have it by chance.
    """
    told = [each for each in compared if each.ratio.size < WIDE_ELEMENTS]
    wrong_outputs = {each.output for each in told if each.fails}
    if len(wrong_outputs) != 1 or any(each.fails and each.ratio.size >= WIDE_ELEMENTS for each in compared):
        return []
    told = [each for each in told if each.output in wrong_outputs]
    tried = [(parameter, says) for parameter in definition.parameters for says in KINDS.get(parameter.kind, ())]
    found = list[tuple[float, str]]()
    for parameter, says in tried:
        counts = np.zeros((2, 2), int)
        for each in told:
            beside = _beside(definition, each, parameter)
            if beside is None:
                break
            wrong, holds = each.ratio > 1, KINDS[parameter.kind][says](beside)
            telling = wrong | (np.abs(each.noise.value) > 0)
            counts += [
                [int((telling & (wrong == w) & (holds == h)).sum()) for h in (False, True)] for w in (False, True)
            ]
        else:
            found += _told(
                counts, f"only at elements where {text_of(Name(parameter.name), definition)} {says}", len(tried)
            )
    return [says for _, says in sorted(found or _of_lines(definition, told))[:1]]


def _of_lines(definition: Definition, compared: Sequence[Compared]) -> list[tuple[float, str]]:
    """What is told of lines beside the elements of the result, and of places: beyond an option, or on a side of 0.

    Where one condition holds beside right elements too, it is asked which two hold beside no right one.
    """
    failing, right = ([each for each in compared if each.fails == wrong] for wrong in (True, False))
    conditions = _conditions(definition, compared[0].output)
    wrong = _counts(definition, failing, conditions)
    if wrong is None:
        return []
    necessary = [each for each, count in zip(conditions, wrong, strict=True) if not count[1, 0]][:MOST_NECESSARY]
    pairs: list[Node] = [Apply("and", pair) for pair in combinations(necessary, 2)]
    asked, tried = [*necessary, *pairs], len(conditions) + len(pairs)
    counts = _counts(definition, [*failing, *right[:: 1 + len(right) // CONTROLS]], asked)
    if counts is None:
        return []
    told = [
        [*_told(count, f"only at elements where {text_of(node, definition)}", tried)]
        for node, count in zip(asked, counts, strict=True)
    ]
    alone, both = chain(*told[: len(necessary)]), chain(*told[len(necessary) :])
    return [each for each in (*alone, *both) if not each[0]] or [*chain(*told[: len(necessary)])]


def _counts(definition: Definition, compared: Sequence[Compared], conditions: Sequence[Node]) -> Array | None:
    """How many elements are right and wrong, in which each condition does not hold and holds; None if shapes differ."""
    if not conditions:
        return None
    output = compared[0].output
    root, result = definition.returns[output], definition.results[output]
    wrapped = tuple(_beside_result(Apply("where", (each, ONE, ZERO)), root) for each in conditions)
    tree = replace(definition, returns=wrapped, results=(result,) * len(wrapped))
    counts = np.zeros((len(conditions), 2, 2), int)
    for each in compared:
        wrong, telling = each.ratio > 1, (each.ratio > 1) | (np.abs(each.noise.value) > 0)
        found = outputs(tree, each.case.arguments)
        for count, holds in zip(counts, found, strict=True):
            if holds.shape != wrong.shape:
                return None
            count += [
                [int((telling & (wrong == w) & ((holds > 0) == h)).sum()) for h in (False, True)] for w in (False, True)
            ]
    return counts


def _conditions(definition: Definition, output: int) -> list[Node]:
    """Conditions of lines that have a value beside each element of a result."""
    root, types = definition.returns[output], check(definition)
    lines = [name for line in definition.lines if not isinstance(line.value, Scan) for name in line.targets]
    known: list[Node] = [Name(name) for name in lines if types[name].kind in ("float", "int")]
    options = [Name(option.name) for option in definition.options if option.kind in ("float", "int")]
    if isinstance(root, Stack):
        known = [node for node in known if isinstance(node, Name) and not types[node.id].dims]
        places = [Position(each) for each in root.indices]
        found: list[Node] = [
            *(Apply(op, (node, bound)) for node in (*known, *places) for bound in options for op in (">=", "<=")),
            *(Apply(">", pair) for pair in permutations(places, 2)),
        ]
    else:
        found = [Apply(op, (node, bound)) for node in known for bound in options for op in (">=", "<=")]
    found += [Apply(op, (node, ZERO)) for node in known for op in ("==", "<", ">")]
    whole = [
        replace(
            definition,
            returns=(_beside_result(Apply("where", (each, ONE, ZERO)), root),),
            results=(definition.results[output],),
        )
        for each in found
    ]
    kept = [each for each, tree in zip(found, whole, strict=True) if is_well_formed(tree)]
    return kept if len(kept) <= MOST_CONDITIONS else []


def _beside_result(value: Node, root: Node) -> Node:
    """A value in the shape of a result that is stacked along indices."""
    if not isinstance(root, Stack):
        return value
    for each in root.indices:
        value = Apply("+", (value, Apply("*", (ZERO, Position(each)))))
    return Stack(value, root.indices)


def _told(counts: Array, says: str, tried: int) -> Iterator[tuple[float, str]]:
    """A condition, behind the share of right elements in which it holds, if all wrong ones have it.

    Args:
        counts: how many elements are right and wrong, in which it does not hold and holds.
        tried: how many conditions are tried.
    """
    (right_without, right_with), (wrong_without, wrong_with) = counts.tolist()
    if wrong_without or not wrong_with or right_with >= right_without:  # what most elements are says nothing
        return
    share = (right_with + wrong_with) / counts.sum()
    if tried * share**wrong_with <= BY_CHANCE:
        yield right_with, says if not right_with else f"{says}, though not at each such element"


def _beside(definition: Definition, compared: Compared, parameter: Parameter) -> Array | None:
    """The element of an argument beside each element of a result; None if the argument has an axis of its own."""
    dims, own = definition.results[compared.output].dims, parameter.dims
    array = compared.case.arrays.get(parameter.name)
    if array is None or len({*dims}) < len(dims) or len({*own}) < len(own) or not {*own} <= {*dims}:
        return None
    _, axes = fit(definition, {name: each.shape for name, each in compared.case.arrays.items()}, compared.case.options)
    leading = array.ndim - len(own)
    order = [*range(leading), *(leading + own.index(dim) for dim in dims if dim in own)]
    places = tuple(slice(None) if dim in own else None for dim in dims)
    beside = array.transpose(order)[(*(slice(None),) * leading, *places)]
    shape = compared.ratio.shape
    if beside.ndim > len(shape) or compared.ratio.ndim != axes + len(dims):
        return None
    return np.asarray(np.broadcast_to(beside, shape))
