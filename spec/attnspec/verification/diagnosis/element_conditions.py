"""What elements of an argument have in common beside wrong elements of a result, and not beside right ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from attnspec.interpreters.evaluation.call import fit
from attnspec.interpreters.formula.formula import text_of
from attnspec.language.tree import Definition, Name, Parameter
from attnspec.thresholds import BY_CHANCE, WIDE_ELEMENTS
from attnspec.verification.candidate.observation import Array
from attnspec.verification.judge.residuals import Compared

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
    return [says for _, says in sorted(found)[:1]]


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
