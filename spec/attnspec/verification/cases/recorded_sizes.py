"""The sizes of an equation's axes, solved from the shapes of recorded arrays."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attnspec.errors import ShapeError
from attnspec.language import layers
from attnspec.language.dims import Dim
from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.language.tree import Definition, Parameter
from attnspec.verification.cases.case import few, smallest
from attnspec.verification.cases.recordings import Arrays

USUAL = (5, 4, 7, 3, 6, 8, 9, 10)
"""Sizes of axes that no recorded array has, in the order of the signature."""


@dataclass(frozen=True, slots=True)
class _Axis:
    """One axis of a recorded array: its dimension in the signature, and its size."""

    parameter: Parameter
    dim: Dim
    size: int


@dataclass(slots=True)
class RecordedShapes:
    """The shapes of the arrays of one recorded case.

    Attributes:
        equation: the equation.
        definition: its definition, for as many layers as were recorded.
        arrays: the recorded arrays by argument.
        options: the recorded options by name.
        source: where they come from, for errors.
    """

    equation: Equation[..., Any]
    definition: Definition
    arrays: Arrays
    options: Mapping[str, Any]
    source: str

    def sizes(self) -> dict[str, int]:
        """Solve the size of every axis that a recorded array has.

        Raises:
            ShapeError: shapes do not fit the equation, contradict each other, or leave a size open.
        """
        recorded = {option: size for option, size in self.definition.size_options.items() if option in self.options}
        sizes = {size: int(self.options[option]) for option, size in recorded.items()}
        since = {size: f"{option} is {self.options[option]}" for option, size in recorded.items()}
        unsolved = self._axes()
        while unsolved:
            solvable = [axis for axis in unsolved if len(axis.dim.names - sizes.keys()) < 2]
            if not solvable:
                raise self._open_sizes(unsolved[0], sizes)
            axis = min(solvable, key=lambda axis: len(axis.dim.names))  # an axis of a single name first
            unsolved.remove(axis)
            known = set(sizes)
            contradiction = axis.dim.solve(axis.size, sizes)
            if contradiction:
                reasons = dict.fromkeys(since[name] for name in sorted(axis.dim.names) if name in since)
                because = f", since {'; '.join(reasons)}" if reasons else ""
                raise self._misfit(axis.parameter, contradiction + because)
            shape = self.arrays[axis.parameter.name].shape
            since |= dict.fromkeys(sizes.keys() - known, f"{axis.parameter.name} has shape {shape}")
        self._refuse_too_small(sizes, since)
        return sizes

    def batch_axes(self) -> tuple[int, ...]:
        """Return the sizes of the leading batch axes, which every array but the weights has.

        Raises:
            ShapeError: not all arrays have the same, or a weight has some.
        """
        axes: dict[str, tuple[int, ...]] = {}
        for parameter in self._recorded():
            shape = self.arrays[parameter.name].shape
            leading = shape[: len(shape) - len(parameter.dims)]
            if not parameter.symbol.weight:
                axes[parameter.name] = leading
            elif leading:
                raise self._misfit(parameter, "a weight, which a batch shares")
        if len(set(axes.values())) > 1:
            raise ShapeError(
                f"{self.source}: not all arrays have the same batch axes",
                given=", ".join(f"{name} has {leading or 'none'}" for name, leading in axes.items()),
                expected="the same leading axes on every array that is not a weight",
                mend="np.broadcast_to what has none",
            )
        return next(iter(axes.values()), ())

    def _recorded(self) -> list[Parameter]:
        return [parameter for parameter in self.definition.parameters if parameter.name in self.arrays]

    def _axes(self) -> list[_Axis]:
        """Return the axes of all recorded arrays without their batch axes."""
        axes: list[_Axis] = []
        for parameter in self._recorded():
            shape, rank = self.arrays[parameter.name].shape, len(parameter.dims)
            if len(shape) < rank:
                raise self._misfit(parameter, f"at least {rank} {'axis' if rank == 1 else 'axes'}")
            pairs = zip(parameter.dims, shape[len(shape) - rank :], strict=True)
            axes += [_Axis(parameter, dim, size) for dim, size in pairs]
        return axes

    def _refuse_too_small(self, sizes: Mapping[str, int], since: Mapping[str, str]) -> None:
        for name, size in sizes.items():
            least = smallest(self.equation, name)
            if size < least:
                headline = f"{self.source}: {self.definition.id} has no meaning for {name} = {size}"
                raise ShapeError(headline, given=since[name], mend=f"at least {least}")

    def _misfit(self, parameter: Parameter, reason: str) -> ShapeError:
        dims = f"({', '.join(map(str, parameter.dims))})"
        return ShapeError(
            f"{self.source}: {parameter.name} does not fit {self.equation.id}",
            given=f"{parameter.name} of shape {self.arrays[parameter.name].shape}",
            expected=f"{dims} after any batch axes: {reason}",
            mend="leading axes are batch axes; --name PARAMETER=NAME.T transposes a matrix",
        )

    def _open_sizes(self, axis: _Axis, sizes: Mapping[str, int]) -> ShapeError:
        """Return the error for an axis of several unknown sizes, with the arguments that would tell them."""
        unknown = sorted(axis.dim.names - sizes.keys())
        options = [option for option, size in self.equation.definition.size_options.items() if size in unknown]
        missing = [parameter for parameter in self.definition.parameters if parameter.name not in self.arrays]
        others = [parameter.name for parameter in missing if {*unknown} & {*map(str, parameter.dims)}]
        as_number = f", {options[0]} as a number" if options else ""
        return ShapeError(
            f"{self.source}: {axis.parameter.name} leaves {' and '.join(unknown)} open",
            given=f"{axis.parameter.name} of shape {self.arrays[axis.parameter.name].shape}",
            expected=f"one {axis.dim} = {axis.size}",
            mend=f"record {' or '.join([*options, *others]) or 'more'} too{as_number}",
        )


def usual_sizes(equation: Equation[..., Any], definition: Definition) -> dict[str, int]:
    """Return a size for every axis of an equation, for axes that no recorded array has.

    Args:
        definition: its definition, for as many layers as were recorded.
    """
    sizes = dict(zip(sizes_of(equation.definition), itertools.cycle(USUAL), strict=False))
    sizes |= dict.fromkeys(few(equation.definition), 2)
    return sizes | layers.counts(equation.definition, [parameter.name for parameter in definition.parameters])
