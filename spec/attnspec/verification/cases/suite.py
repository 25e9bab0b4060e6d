"""The fixed suite: the cases on which every candidate is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attnspec.language import layers
from attnspec.language.dims import Dim
from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.language.tree import Definition
from attnspec.verification.cases.case import FEW, LAYOUTS, MOST_BLOCKS, Description, within
from attnspec.verification.cases.distributions import REGIMES, draws_from, has_mask, leading, regime_applies

LONG = {
    "t": (33, 70), "n": (33, 65, 160), "m": (64, 129, 300, 1100), "H": (8, 12), "M": (5,), "N": (3,), "L": (4,),
    "limit": (33,),
}  # fmt: skip
"""Sizes beyond the tiles that kernels cut an axis into; along the keys more than one, since kernels tile these."""


WIDE = (32, 129, 288)
"""The same for widths, which kernels cut or round up to powers of two."""


TILED = {"t": 16, "n": 64, "m": 64, "H": 4, "M": 3, "N": 2, "L": 3}
"""Sizes that fill tiles exactly, all at once; widths are 32 then."""


def standard_suite(
    equation: Equation[..., Any], least: Callable[[str], int], batches: tuple[int, ...]
) -> Iterator[Description]:
    """Cases that are always there: each regime, each edge of the sizes, each layout, with a batch and without.

    Args:
        least: the smallest size of an axis that is asked; "batch" is every batch axis.
        batches: the numbers of leading batch axes that are asked, at least one.
    """
    names = sizes_of(equation.definition)
    plain = (*(1,) * (min(batches) - 1), 2) if min(batches) else ()
    batch = leading(min(filter(None, batches), default=0))
    usual = dict(zip(names, (5, 4, 7, 3, 6, 8, 9, 10), strict=False))
    usual |= _heads(usual, 2)
    seeds = iter(range(1, 10_000))

    def at(why: str, batch: tuple[int, ...], **changes: Any) -> Description:
        sizes = {**usual, **changes.pop("sizes", {})}
        if {"B", "m"} <= sizes.keys():
            sizes["B"] = max(sizes["B"], sizes["m"] // MOST_BLOCKS)
        pairs = tuple((name, max(within(equation, name, size), least(name))) for name, size in sizes.items())
        lead = tuple(max(size, least("batch")) for size in batch)
        return Description(pairs, batch=lead, seed=next(seeds), why=why, **changes)

    yield at("ordinary", batch=plain)
    yield at("ordinary", batch=batch)
    yield at(
        "ordinary", batch=batch, sizes=dict(zip(names, (9, 8, 16, 12, 5, 7, 6, 4), strict=False)) | _heads(usual, 3)
    )
    yield at(
        "ordinary", batch=plain, sizes=dict(zip(names, (17, 16, 12, 20, 9, 7, 6, 4), strict=False)) | _heads(usual, 2)
    )
    for size in (4, 3, 1, 2):
        yield at("equal sizes", batch=plain, sizes=dict.fromkeys(names, size) | _heads(usual, 2 if size == 4 else 1))
    if "H" in names:
        for regime in ("ordinary", "open") if has_mask(equation) else ("ordinary",):
            sizes = dict.fromkeys(names, 8) | {"d": 4, "H": 2}
            yield at("square weights of two heads", regime=regime, batch=plain, sizes=sizes)
    yield at("full tiles", batch=plain, sizes={name: TILED.get(name, 32) for name in names})
    for name in names:
        for size in (1, 2, 3) if name in ("t", layers.COUNT) else (1,):
            yield at(f"{name} = {size}", batch=batch if size == 2 else plain, sizes={name: size})
        for long in dict.fromkeys(within(equation, name, size) for size in LONG.get(name, WIDE)):
            yield at(f"{name} = {long}", batch=plain, sizes={name: long})
        if least(name) == 0:
            yield at(f"{name} = 0", batch=plain, sizes={name: 0})
    for regime in REGIMES:
        if regime_applies(equation, regime):
            yield at(regime, regime=regime, batch=batch)
    if has_mask(equation):
        yield at("one key masked of many", regime="one key masked", batch=plain, sizes={"m": 33})
    if draws_from(equation, "uniform"):
        yield at("nothing likely but one of many", regime="one-hot", batch=batch, sizes={"v": 33})
    for below, above in _between(equation.definition):
        yield at("what layers read is of one size", batch=plain, sizes={below: above.value(usual)})
    for layout in LAYOUTS[1:] if equation.definition.parameters else ():
        yield at(f"{layout} memory", layout=layout, batch=plain)
    for axes in sorted({*batches} - {0}):
        if axes > 1:
            yield at(f"{axes} batch axes", batch=leading(axes))
        yield at("batch of one", batch=(1,) * axes)
        if axes == 1:
            yield at("batch of nine", batch=(9,))
            yield at("batch of forty", batch=(40,))
        if least("batch") == 0:
            yield at("empty batch", batch=(0, *leading(axes)[1:]))


def _between(definition: Definition) -> list[tuple[str, Dim]]:
    """A size of what the bottom layer reads, and the one of what layers hand up, where the two are not one name."""
    found = layers.of(definition)
    pairs = layers.same_sizes(found[1]) if found is not None else []
    return [(str(below), above) for below, above in pairs if below != above and str(below) in below.names]


def _heads(usual: Mapping[str, int], count: int) -> dict[str, int]:
    return {name: count for name in FEW if name in usual}
