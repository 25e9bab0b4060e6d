"""Cases made of recorded arrays: they have the equation's names and shapes, and what they leave out is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import ShapeError, SpecError, UnknownName, nearest
from attnspec.language import layers
from attnspec.language.dims import Dim
from attnspec.language.draws import Place
from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.language.symbols import symbol
from attnspec.language.tree import Definition, Option, Parameter
from attnspec.verification.cases.case import FEW, Case, Description, make, sized, smallest
from attnspec.verification.cases.distributions import rounded
from attnspec.verification.cases.recorded_files import Arrays, Recorded

USUAL = (5, 4, 7, 3, 6, 8, 9, 10)
"""Sizes that no recorded array fixes, in the order of the signature."""

WITHIN = {"token": (0, "v", 1), "token or missing": (-1, "v", 1), "length": (0, "t", 0)}
"""By the way that whole numbers are drawn: the least, the size that bounds them, and how far below it they end."""


@dataclass(frozen=True, slots=True)
class RecordedCases:
    """The recorded cases that a question is asked on.

    Attributes:
        says: what was rounded, drawn or left alone, and which cases are not asked, each in a sentence.
    """

    cases: tuple[Case, ...] = ()
    says: tuple[str, ...] = ()


@dataclass(slots=True)
class Reader:
    """Makes the cases of one question of what was recorded.

    Attributes:
        names: {the equation's name: the name in the file}, where they differ.
        least: the smallest size of an axis that is claimed; "batch" is every batch axis.
        batches: how many leading batch axes are claimed.
        finite: whether only finite inputs are claimed.
    """

    equation: Equation[..., Any]
    dtype: str
    names: Mapping[str, str] = field(default_factory=dict)
    least: Callable[[str], int] = lambda name: 0
    batches: tuple[int, ...] = (0, 1)
    finite: bool = True
    seed: int = 0
    said: dict[str, list[str]] = field(default_factory=dict)

    def found(self, all_: Sequence[Recorded]) -> RecordedCases:
        """Every case that is claimed.

        Raises:
            UnknownName: an array of a name that the equation does not have, or no array of a name that is asked for.
            ShapeError: shapes do not fit the equation, or each other.
            SpecError: values of another kind, or NaN and infinity where only finite inputs are claimed.
        """
        cases = [case for place, each in enumerate(all_) if (case := self.case(each, self.seed + place)) is not None]
        return RecordedCases(tuple(cases), tuple(f"{_first(names)}: {text}" for text, names in self.said.items()))

    def case(self, recorded: Recorded, seed: int) -> Case | None:
        """One case; None where it is not claimed."""
        name, definition = recorded.name, self.definition({**recorded.arrays, **self.names})
        given = self.renamed(recorded, definition)
        options = {
            each.name: _number(each, given[each.name], name) for each in definition.options if each.name in given
        }
        arrays = {
            each.name: self.typed(each, given[each.name], name) for each in definition.parameters if each.name in given
        }
        sizes = self.sizes(definition, arrays, options, name)
        lead = self.lead(definition, arrays, name)
        self.finite_or_refused(arrays, name)
        self.within(arrays, sizes, name)
        self.there(options, sizes, name)
        if self.unclaimed(sizes, lead, name):
            return None
        kept = {key: rounded(array, self.dtype) if array.dtype.kind == "f" else array for key, array in arrays.items()}
        if self.overflowing(arrays, kept, name):
            return None
        self.told(definition, arrays, kept, given, name)
        drawn = self.drawn(sizes, lead, seed)
        whole = {each.name: kept.get(each.name, drawn.arrays[each.name]) for each in definition.parameters}
        return Case(whole, {**drawn.options, **options}, origin=name)

    def definition(self, names: Iterable[str]) -> Definition:
        """The equation, for so many layers as there are arrays of; for two, if it is of none of them."""
        found = layers.of(self.equation.definition)
        if found is None:
            return self.equation.definition
        recorded = any(name.startswith(f"{found[0].name}.") for name in names)
        return layers.written_out(self.equation.definition, names if recorded else layers.flat(found[0], 1))

    def renamed(self, recorded: Recorded, definition: Definition) -> dict[str, NDArray[Any]]:
        """The arrays by the equation's names; where some are asked for by another name, the rest is left alone."""
        there = recorded.arrays
        own = [*(each.name for each in definition.parameters), *(each.name for each in definition.options)]
        found, taken = {}, set()
        for ours, theirs in self.names.items():
            if ours not in own:
                raise UnknownName(
                    f"{definition.id} takes no {ours}",
                    given=f"{ours}={theirs}",
                    expected=", ".join(own),
                    mend=nearest(ours, own),
                )
            plain = theirs if theirs in there else theirs.removesuffix(".T")
            if plain not in there:
                raise UnknownName(
                    f"{recorded.name} has no {theirs}",
                    given=f"{ours}={theirs}",
                    expected=_few(there),
                    mend=nearest(theirs, there),
                )
            turned = plain != theirs and there[plain].ndim > 1
            found[ours] = np.swapaxes(there[plain], -1, -2) if turned else there[plain]
            taken.add(plain)
        rest = [name for name in there if name not in taken]
        found |= {name: there[name] for name in rest if name in own and name not in found}
        strange = [name for name in rest if name not in own or name in self.names]
        if strange and not self.names:
            close = nearest(strange[0], own)
            rename = f"--name PARAMETER={strange[0]} says which it is, and leaves the rest alone"
            raise UnknownName(
                f"{recorded.name}: {definition.id} takes no {strange[0]}",
                given=_few(strange),
                expected=", ".join(own),
                mend=f"{close} {rename}".strip(),
            )
        if strange:
            self.say(recorded.name, f"left alone: {_few(strange)}")
        if not found:
            raise SpecError(
                f"{recorded.name} records nothing of {definition.id}", given=_few(there), expected=", ".join(own)
            )
        return found

    def typed(self, parameter: Parameter, array: NDArray[Any], name: str) -> NDArray[Any]:
        """In float64, int64 or bool, as the equation has it."""
        kind, given = parameter.kind, array.dtype.kind
        if kind == "float" and given in "fiu":
            return array.astype(np.float64)
        if kind == "int" and given in "iu":
            return array.astype(np.int64)
        if kind == "bool" and (given == "b" or (given in "iu" and bool(((array == 0) | (array == 1)).all()))):
            return array.astype(np.bool_)
        raise SpecError(f"{name}: {parameter.name} holds values of another kind", given=str(array.dtype), expected=kind)

    def sizes(self, definition: Definition, arrays: Arrays, options: Mapping[str, Any], name: str) -> dict[str, int]:
        """The size of every axis: as recorded, else as usual."""
        given = {option: size for option, size in definition.size_options.items() if option in options}
        sizes = {size: int(options[option]) for option, size in given.items()}
        since = {size: f"{option} is {options[option]}" for option, size in given.items()}
        open_: list[tuple[Parameter, Dim, int]] = []
        for parameter in definition.parameters:
            if parameter.name in arrays:
                shape, rank = arrays[parameter.name].shape, len(parameter.dims)
                if len(shape) < rank:
                    axes = f"{rank} axis" if rank == 1 else f"{rank} axes"
                    raise self.misfit(name, parameter, shape, f"at least {axes}")
                open_ += [
                    (parameter, dim, size) for dim, size in zip(parameter.dims, shape[len(shape) - rank :], strict=True)
                ]
        while open_:
            told = [each for each in open_ if len(each[1].names - sizes.keys()) < 2]
            if not told:
                raise self.unsettled(definition, open_[0], arrays, sizes, name)
            parameter, dim, size = min(told, key=lambda each: len(each[1].names))  # what says a size by itself, first
            open_.remove((parameter, dim, size))
            before = set(sizes)
            wrong = dim.solve(size, sizes)
            shape = arrays[parameter.name].shape
            if wrong:
                known = "; ".join(dict.fromkeys(since[each] for each in sorted(dim.names) if each in since))
                raise self.misfit(name, parameter, shape, wrong + (f", since {known}" if known else ""))
            since |= dict.fromkeys(sizes.keys() - before, f"{parameter.name} has shape {shape}")
        for axis, size in sizes.items():
            if size < smallest(self.equation, axis):
                mend = f"at least {smallest(self.equation, axis)}"
                raise ShapeError(
                    f"{name}: {definition.id} has no meaning for {axis} = {size}", given=since[axis], expected=mend
                )
        return sizes | self.usual(definition, sizes)

    def usual(self, definition: Definition, sizes: Mapping[str, int]) -> dict[str, int]:
        """Sizes for the axes that nothing recorded has."""
        found = dict(zip(sizes_of(self.equation.definition), USUAL, strict=False))
        found |= {axis: 2 for axis in FEW if axis in found}
        found |= layers.counts(self.equation.definition, [each.name for each in definition.parameters])
        return {axis: max(size, self.least(axis)) for axis, size in found.items() if axis not in sizes}

    def misfit(self, name: str, parameter: Parameter, shape: tuple[int, ...], why: str) -> ShapeError:
        dims = f"({', '.join(map(str, parameter.dims))})"
        return ShapeError(
            f"{name}: {parameter.name} does not fit {self.equation.id}",
            given=f"{parameter.name} of shape {shape}",
            expected=f"{dims} after any batch axes: {why}",
            mend="leading axes are batch axes; --name PARAMETER=NAME.T turns a matrix round",
        )

    def unsettled(
        self,
        definition: Definition,
        what: tuple[Parameter, Dim, int],
        arrays: Arrays,
        sizes: Mapping[str, int],
        name: str,
    ) -> ShapeError:
        parameter, dim, size = what
        unknown = sorted(dim.names - sizes.keys())
        said = [option for option, axis in self.equation.definition.size_options.items() if axis in unknown]
        others = [
            each.name
            for each in definition.parameters
            if each.name not in arrays and {*unknown} & {*map(str, each.dims)}
        ]
        return ShapeError(
            f"{name}: {parameter.name} leaves {' and '.join(unknown)} open",
            given=f"{parameter.name} of shape {arrays[parameter.name].shape}",
            expected=f"one {dim} = {size}",
            mend=f"record {' or '.join([*said, *others]) or 'more'} too" + (f", {said[0]} as a number" if said else ""),
        )

    def lead(self, definition: Definition, arrays: Arrays, name: str) -> tuple[int, ...]:
        """The batch axes, which all that varies per example has, and no weight."""
        leads: dict[str, tuple[int, ...]] = {}
        for parameter in definition.parameters:
            if parameter.name in arrays:
                shape = arrays[parameter.name].shape
                own = shape[: len(shape) - len(parameter.dims)]
                if own and symbol(parameter.name, self.equation.id).weight:
                    raise self.misfit(name, parameter, shape, "a weight, which a batch shares")
                if not symbol(parameter.name, self.equation.id).weight:
                    leads[parameter.name] = own
        if len(set(leads.values())) > 1:
            given = ", ".join(f"{each} has {lead or 'none'}" for each, lead in leads.items())
            raise ShapeError(
                f"{name}: not all arrays have the same batch axes",
                given=given,
                expected="the same leading axes on all that is no weight",
                mend="np.broadcast_to what has none",
            )
        return next(iter(leads.values()), ())

    def finite_or_refused(self, arrays: Arrays, name: str) -> None:
        for key, array in arrays.items():
            odd = np.argwhere(~np.isfinite(array))
            if self.finite and len(odd):
                place = list(map(int, odd[0]))
                more = f", and {len(odd) - 1} more" if len(odd) > 1 else ""
                raise SpecError(
                    f"{name}: {key} is not finite, and only finite inputs are claimed",
                    given=f"{key}{place if place else ''} = {array[tuple(place)]}{more}",
                    expected="finite values",
                    mend="claim finite=False, or record finite values",
                )

    def within(self, arrays: Arrays, sizes: Mapping[str, int], name: str) -> None:
        """Tokens are of the vocabulary, lengths no longer than the sequence."""
        for key, array in arrays.items():
            way = self.equation.scales.get(key, symbol(key, self.equation.id).draw)
            if array.dtype.kind == "i" and way in WITHIN:
                least, size, past = WITHIN[way]
                _within(array, least, sizes[size] - past, f"{name}: {key}", f"{size} = {sizes[size]}")

    def there(self, options: Mapping[str, Any], sizes: Mapping[str, int], name: str) -> None:
        """Places along an axis are on it."""
        for option, draw in self.equation.options.items():
            if isinstance(draw, Place) and option in options:
                where = f"{draw.size} = {sizes[draw.size]}"
                _within(np.asarray(options[option]), 0, sizes[draw.size] - 1, f"{name}: {option}", where)

    def unclaimed(self, sizes: Mapping[str, int], lead: tuple[int, ...], name: str) -> bool:
        """Whether a case lies outside what is claimed; what is not claimed is not asked."""
        small = [f"{axis} = {size}" for axis, size in sizes.items() if size < self.least(axis)]
        small += [f"batch = {size}" if size else "an empty batch" for size in lead if size < self.least("batch")]
        if len(lead) not in self.batches:
            small.append(f"{len(lead)} batch axes")
        if small:
            self.say(name, f"not asked: {', '.join(small)} is not claimed")
        return bool(small)

    def overflowing(self, arrays: Arrays, kept: Arrays, name: str) -> bool:
        """Whether a value is too large for the storage dtype."""
        for key, array in arrays.items():
            lost = np.isfinite(array) & ~np.isfinite(kept[key])
            if lost.any():
                largest = array[lost][np.abs(array[lost]).argmax()]
                self.say(name, f"not asked: {key} holds {largest:.6g}, too large for {self.dtype}")
                return True
        return False

    def told(self, definition: Definition, arrays: Arrays, kept: Arrays, given: Arrays, name: str) -> None:
        """Say what was rounded, and what was drawn."""
        lossy = [f"{key} ({given[key].dtype})" for key in arrays if _lossy(given[key], kept[key])]
        if lossy:
            self.say(name, f"rounded to {self.dtype}, which loses bits: {', '.join(lossy)}")
        missing = [each.name for each in definition.parameters if each.name not in arrays]
        if missing:
            self.say(name, f"not recorded, so drawn: {', '.join(missing)}")

    def drawn(self, sizes: Mapping[str, int], lead: tuple[int, ...], seed: int) -> Case:
        """A whole case of these sizes."""
        pairs = tuple(sized(self.equation.definition, sizes).items())
        return make(self.equation, Description(pairs, batch=lead, seed=seed), self.dtype)

    def say(self, name: str, text: str) -> None:
        """Once for all cases of which it is so."""
        self.said.setdefault(text, []).append(name)


def _number(option: Option, array: NDArray[Any], name: str) -> int | float:
    """An option is recorded as an array of one number."""
    whole = option.kind == "int"
    if array.size != 1 or array.dtype.kind not in ("iu" if whole else "fiu"):
        raise SpecError(
            f"{name}: {option.name} is an option",
            given=f"{array.dtype} of shape {array.shape}",
            expected=f"one number, {'whole' if whole else 'real'}",
        )
    return int(array.item()) if whole else float(array.item())


def _within(array: NDArray[Any], least: int, most: int, what: str, where: str) -> None:
    wrong = array[(array < least) | (array > most)]
    if wrong.size:
        raise SpecError(
            f"{what} holds what has no meaning", given=f"{wrong[0]}, where {where}", expected=f"{least} to {most}"
        )


def _lossy(given: NDArray[Any], kept: NDArray[Any]) -> bool:
    """Whether what is kept is not what was given."""
    back = kept.astype(given.dtype)
    return not np.array_equal(back, given, equal_nan=given.dtype.kind == "f")


def _first(names: Sequence[str]) -> str:
    """The first of several."""
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _few(names: Iterable[str]) -> str:
    """Some of many names."""
    first = list(names)
    return ", ".join(first[:12]) + (f" and {len(first) - 12} more" if len(first) > 12 else "")
