"""The fixed suite: the cases on which every candidate is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attnspec.language import layers
from attnspec.language.check import COMPARISONS
from attnspec.language.dims import Dim
from attnspec.language.equation import Equation
from attnspec.language.traversal import nodes
from attnspec.language.tree import Apply, Definition, Name, Node, Reduce
from attnspec.verification.cases.case import Description, within
from attnspec.verification.cases.describer import Describer
from attnspec.verification.cases.distributions import (
    REGIMES,
    draws_from,
    extreme_values,
    has_mask,
    leading,
    regime_applies,
)
from attnspec.verification.cases.work import shortened

LONG = {
    "steps": (33, 70), "queries": (33, 65, 160), "keys": (64, 129, 300, 1100), "heads": (8, 12), "few queries": (5,),
    "stacked layers": (3,), "layers": (4,), "most steps": (33,),
}  # fmt: skip
"""{role: sizes beyond the tiles that kernels cut an axis into}; several along the keys, since kernels tile these."""


ROUND_SEEDS = 1000
"""By so much the seeds of cases grow that are drawn anew in each round against surviving mutants."""


WIDE = (32, 129, 288)
"""The same for widths, which kernels cut or round up to powers of two."""


QUARTERS, FULL_QUARTERS = (0.25, 0.5, 0.75, 1.0, 2.0), 4
"""Values of options that sums of multiples of a quarter reach, and the size at which equal shares are quarters."""


TILED = {
    "steps": 16, "queries": 64, "keys": 64, "heads": 4, "few queries": 3, "stacked layers": 2, "layers": 3,
}  # fmt: skip
"""{role: sizes} that fill tiles exactly, all at once; widths are 32 then."""


def standard_suite(
    equation: Equation[..., Any], least: Callable[[str], int], batches: tuple[int, ...]
) -> Iterator[Description]:
    """Cases that are always there: each regime, each edge of the sizes, with a batch and without.

    Args:
        least: the smallest size of an axis that is asked; "batch" is every batch axis.
        batches: the numbers of leading batch axes that are asked, at least one.
    """
    for description in _suite(equation, least, batches):
        yield shortened(description, equation.definition, least)


def _suite(
    equation: Equation[..., Any], least: Callable[[str], int], batches: tuple[int, ...]
) -> Iterator[Description]:
    made = Describer(equation, least, batches)
    names, plain, batch, at, role = made.names, made.plain, made.batch, made.at, equation.definition.role

    yield at("ordinary", batch=plain)
    yield at("ordinary", batch=batch)
    yield at("ordinary", batch=batch, sizes=made.sized((9, 8, 16, 12, 5, 7, 6, 4), 3))
    yield at("ordinary", batch=plain, sizes=made.sized((17, 16, 12, 20, 9, 7, 6, 4), 2))
    for size in (4, 3, 1, 2):
        yield at("equal sizes", batch=plain, sizes=dict.fromkeys(names, size) | made.few(2 if size == 4 else 1))
    if heads := made.of_role("heads"):
        for regime in ("ordinary", "open") if has_mask(equation) else ("ordinary",):
            narrow = dict.fromkeys(made.of_role("head width"), 4)
            sizes = dict.fromkeys(names, 8) | narrow | dict.fromkeys(heads, 2)
            yield at("square weights of two heads", regime=regime, batch=plain, sizes=sizes)
    yield at("full tiles", batch=plain, sizes={name: TILED.get(role(name), 32) for name in names})
    for name in names:
        for size in (1, 2, 3) if role(name) in ("steps", "layers") else (1,):
            yield at(f"{name} = {size}", batch=batch if size == 2 else plain, sizes={name: size})
        for long in dict.fromkeys(within(equation, name, size) for size in LONG.get(role(name), WIDE)):
            yield at(f"{name} = {long}", batch=plain, sizes={name: long})
        if least(name) == 0:
            yield at(f"{name} = 0", batch=plain, sizes={name: 0})
    for regime in REGIMES:
        if regime_applies(equation, regime):
            yield at(regime, regime=regime, batch=batch)
    if has_mask(equation):
        yield at(
            "one key masked of many",
            regime="one key masked",
            batch=plain,
            sizes=dict.fromkeys(made.of_role("keys"), 33),
        )
    if draws_from(equation, "uniform"):
        yield at(
            "nothing likely but one of many",
            regime="one-hot",
            batch=batch,
            sizes=dict.fromkeys(made.of_role("words"), 33),
        )
    for below, above in _between(equation.definition):
        yield at("what layers read is of one size", batch=plain, sizes={below: above.value(made.usual)})
    for axes in sorted({*batches} - {0}):
        if axes > 1:
            yield at(f"{axes} batch axes", batch=leading(axes))
        yield at("batch of one", batch=(1,) * axes)
        if axes == 1:
            yield at("batch of nine", batch=(9,))
            yield at("batch of forty", batch=(40,))
        if least("batch") == 0:
            yield at("empty batch", batch=(0, *leading(axes)[1:]))
    yield from _thresholds_reached(made)


def _between(definition: Definition) -> list[tuple[str, Dim]]:
    """A size of what the bottom layer reads, and the one of what layers hand up, where the two are not one name."""
    found = layers.of(definition)
    pairs = layers.same_sizes(found[1]) if found is not None else []
    return [(str(below), above) for below, above in pairs if below != above and str(below) in below.names]


def _thresholds_reached(made: Describer) -> Iterator[Description]:
    """Where a sum is compared with an option or a number of the inputs: multiples of a quarter, which it reaches.

    Such sums are exact in any order and any dtype, so that what is compared is decided.
    """
    compared, ends = _compared_with_sums(made.equation.definition), dict[str, list[float]]()
    for name, value in extreme_values(made.equation):
        ends.setdefault(name, []).append(value)
    asked = [(name, value) for name in sorted(compared & ends.keys()) for value in QUARTERS]
    within_ends = [(name, value) for name, value in asked if min(ends[name]) <= value <= max(ends[name])]
    fixed: list[tuple[tuple[str, float], ...]] = [(each,) for each in within_ends]
    for options in fixed or [()] * bool(compared):
        why = "".join(f", {name} = {value:g}" for name, value in options)
        sizes = made.alike(FULL_QUARTERS, few=1)
        batch = (*made.batch[:-1], 9) if made.batch else ()  # some of several numbers that are drawn reach it
        yield made.at(f"equal sizes, ties{why}", batch, sizes, regime="ties", options=options)


def _compared_with_sums(definition: Definition) -> set[str]:
    """The options and arrays that comparisons read of which a side is a sum."""
    lines = {name: line.value for line in definition.lines for name in line.targets}
    options = {each.name for each in definition.options if each.kind == "float"}
    arrays = {each.name for each in definition.parameters if each.kind == "float"}

    def read(side: Node, seen: frozenset[str] = frozenset()) -> Iterator[Node]:
        for part in nodes(side):
            yield part
            if isinstance(part, Name) and part.id in lines.keys() - seen:  # the state of a scan may have a line's name
                yield from read(lines[part.id], seen | {part.id})

    found = set[str]()
    for node in nodes(definition):
        if isinstance(node, Apply) and node.op in COMPARISONS:
            parts = [*read(node)]
            if any(isinstance(part, Reduce) and part.op == "sum" for part in parts):
                found |= {part.id for part in parts if isinstance(part, Name)}
    return found & (options | arrays)
