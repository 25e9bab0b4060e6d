"""How a candidate is called that is written in another way than the equation: its own parameters, axes and results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.language.dims import Dim
from attnspec.language.equation import Equation
from attnspec.language.layouts import parts_of
from attnspec.language.symbols import differentiated
from attnspec.language.tree import Definition, Parameter
from attnspec.verification.sandbox.messages import Outcome, Output, Piece

BATCH_LETTERS = "BH"
"""Letters of batch axes in the order of a candidate's axes; every other letter is an axis of the equation."""

Path = tuple[str, ...]
"""Where a result is in what a candidate returns: positions, keys or attributes, the outermost first."""


@dataclass(frozen=True, slots=True)
class Adaptation:
    """The differences between how an equation is written and how a candidate is called.

    Attributes:
        settings: pairs of a parameter of the callable and its value, or the text of its value.
        fixed: pairs of an option or size of the equation and the only value that the candidate has of it.
        same: pairs of an argument that the candidate does not take, and the argument that it reads in its place.
        axes: a letter for each axis of the candidate's arrays, such as BNHD; "" for the order of the equation.
        returns: where the results are in what the candidate returns; () if it returns just them.
        places: pairs of an argument of the equation and where the candidate keeps it, where that is not an argument.
        entries: the arrays in `places` that are weights of a module; the others are arguments.
        made: of a class, pairs of a parameter of its constructor and its value, or the text of its value; else None.
        batch: how many batch axes the candidate's inputs have; None if that is not known.
        bind: pairs of a parameter and the argument that it is, by the shapes of a program's inputs.
    """

    settings: tuple[tuple[str, Any], ...] = ()
    fixed: tuple[tuple[str, float], ...] = ()
    same: tuple[tuple[str, str], ...] = ()
    axes: str = ""
    returns: tuple[Path, ...] = ()
    places: tuple[tuple[str, str], ...] = ()
    entries: tuple[str, ...] = ()
    made: tuple[tuple[str, Any], ...] | None = None
    batch: int | None = None
    bind: tuple[tuple[str, str], ...] = ()

    @property
    def words(self) -> list[str]:
        """What is adapted, in words; empty if nothing is."""
        words = [", ".join(f"{argument}={place}" for argument, place in self.places)]
        words += [f"made with {', '.join(f'{name}={value}' for name, value in self.made)}"] if self.made else []
        words += [", ".join(f"{name}={value}" for name, value in self.settings)]
        words += [", ".join(f"{name}={value:g}" for name, value in self.fixed)]
        words += [", ".join(f"{dropped} is {kept}" for dropped, kept in self.same)]
        words += [f"axes {self.axes}"] if self.axes else []
        words += [f"returns {','.join('.'.join(path) for path in self.returns)}"] if self.returns else []
        return [text for text in words if text]

    @property
    def packed_parameters(self) -> list[str]:
        """The parameters of the callable that receive packed arrays."""
        targets = [part.target for _, text in self.places for part in parts_of(text) if part.target not in self.entries]
        owners = [target.rpartition(".")[0] if target.rpartition(".")[2].isdecimal() else target for target in targets]
        return list(dict.fromkeys(owners))

    def merged_sizes(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """The sizes of the equation that `same` makes equal to others, with their values."""
        found: dict[str, int] = {}
        for dropped, kept in reversed(self.same):
            with suppress(ValueError, SyntaxError):  # a pair of arguments may have any name
                size, known = Dim.parse(kept), {**sizes, **found}
                if size.names <= known.keys() and dropped not in sizes:
                    found[dropped] = size.value(known)
        return found

    def packing(self, definition: Definition, sizes: Mapping[str, int]) -> tuple[Piece, ...]:
        """The pieces of the candidate's arrays on a case of some sizes."""
        axes = {parameter.name: len(parameter.dims) for parameter in definition.parameters}
        return tuple(
            Piece(
                argument,
                part.target,
                axes[argument],
                (part.rows[0].value(sizes), part.rows[1].value(sizes)) if part.rows is not None else None,
                part.place,
                part.transposed,
                part.terms,
                part.negated,
            )
            for argument, text in self.places
            for part in parts_of(text)
        )

    def to_candidate(self, arrays: Mapping[str, NDArray[Any]], equation: Equation[..., Any]) -> dict[str, NDArray[Any]]:
        """The arrays of a request in the candidate's order of axes. Names of an equation's arguments are known."""
        if not self.axes:
            return dict(arrays)
        known = {parameter.name: parameter for parameter in equation.definition.parameters}
        return {
            name: np.ascontiguousarray(array.transpose(self._order()))
            if self._is_laid_out(known.get(name), array.ndim, equation)
            else array
            for name, array in arrays.items()
        }  # fmt: skip

    def order_of(self, parameter: Parameter, axes: int, equation: Equation[..., Any]) -> tuple[int, ...]:
        """For each axis of the candidate's array of a parameter or result, its place in the order of the equation.

        Args:
            axes: how many axes it has, with batch axes.
        """
        return self._order() if self.axes and self._is_laid_out(parameter, axes, equation) else tuple(range(axes))

    def result_to_candidate(self, array: NDArray[Any], result: Parameter, equation: Equation[..., Any]) -> NDArray[Any]:
        """The array of a result of the equation in the candidate's order of axes."""
        return array.transpose(self._order()) if self._is_laid_out(result, array.ndim, equation) else array

    def to_equation(self, outcome: Outcome, results: Sequence[Parameter], equation: Equation[..., Any]) -> Outcome:
        """An outcome with the outputs in the equation's order of axes.

        Args:
            results: what the equation returns; outputs of several calls follow one another.
        """
        if not self.axes or not results:
            return outcome
        outputs = [
            self._restored(output, results[place % len(results)], equation)
            for place, output in enumerate(outcome.outputs)
        ]
        return replace(outcome, outputs=tuple(outputs))

    def _restored(self, output: Output, result: Parameter, equation: Equation[..., Any]) -> Output:
        if output.shape is None or not self._is_laid_out(result, len(output.shape), equation):
            return output
        order = tuple(np.argsort(self._order()))
        shape = tuple(output.shape[place] for place in order)
        value = None if output.value is None else np.ascontiguousarray(output.value.transpose(order))
        return replace(output, shape=shape, value=value)

    def _is_laid_out(self, parameter: Parameter | None, axes: int, equation: Equation[..., Any]) -> bool:
        """Whether an array has the axes of the letters: a floating-point one with so many axes that is not a weight."""
        if parameter is None or parameter.kind != "float" or axes != len(self.axes):
            return False
        of = differentiated(parameter.name)
        return not (equation.definition.symbol(of).weight if of else parameter.symbol.weight)

    def _order(self) -> tuple[int, ...]:
        """For each letter, its place in the order of the equation."""
        of_equation = sorted(self.axes, key=lambda letter: letter not in BATCH_LETTERS)
        return tuple(map(of_equation.index, self.axes))


def batch_axes(axes: str) -> int:
    """How many of the letters are batch axes."""
    return sum(letter in BATCH_LETTERS for letter in axes)


def paths(returns: int | str | Iterable[int | str]) -> tuple[Path, ...]:
    """The places of results: "0,1.0" for the first item, and the first item of the second."""
    items = returns.split(",") if isinstance(returns, str) else [returns] if isinstance(returns, int) else list(returns)
    return tuple(tuple(str(item).strip().split(".")) for item in items if str(item).strip())
