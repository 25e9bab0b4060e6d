"""Cases made of recorded arrays. Arguments that were not recorded are drawn, in shapes that fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from attnspec.language import layers
from attnspec.language.equation import Equation
from attnspec.language.tree import Definition
from attnspec.verification.cases.case import Case, Description, as_multiple, make, sized
from attnspec.verification.cases.distributions import rounded
from attnspec.verification.cases.recorded_names import by_argument, shortened
from attnspec.verification.cases.recorded_sizes import RecordedShapes, usual_sizes
from attnspec.verification.cases.recorded_values import (
    check_finite,
    check_integers,
    check_places,
    check_ranges,
    loses_bits,
    overflow,
    to_kind,
    to_number,
)
from attnspec.verification.cases.recordings import Arrays, Recording

USUAL_BATCH = 2
"""The size of each batch axis if nothing but weights is recorded, and a batch is claimed."""


@dataclass(frozen=True, slots=True)
class RecordedCases:
    """The recorded cases of a question.

    Attributes:
        cases: those that are claimed.
        notes: what was rounded, drawn or left alone, and which cases were skipped, each in a sentence.
    """

    cases: tuple[Case, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Reader:
    """Makes cases of one equation from recordings.

    Attributes:
        equation: the equation.
        dtype: the storage dtype to which values are rounded.
        names: {argument of the equation: its name in the recording}, where they differ.
        least: the smallest size of an axis that is claimed; "batch" is every batch axis.
        batches: the numbers of leading batch axes that are claimed.
        finite: whether only finite inputs are claimed.
        seed: the random seed of what is drawn.
        notes: sentences about the cases so far, each with the sources of the cases that it is about.
    """

    equation: Equation[..., Any]
    dtype: str
    names: Mapping[str, str] = field(default_factory=dict)
    least: Callable[[str], int] = lambda name: 0
    batches: tuple[int, ...] = (0, 1)
    finite: bool = True
    seed: int = 0
    notes: dict[str, list[str]] = field(default_factory=dict)

    def read(self, recordings: Sequence[Recording]) -> RecordedCases:
        """Return a case for every recording that is claimed.

        Raises:
            UnknownName: an array has a name that the equation does not have, or `names` has one that does not exist.
            ShapeError: shapes do not fit the equation, or each other.
            SpecError: values are of another kind or out of range, or not finite where only finite inputs are claimed.
        """
        cases = [self._case(recording, self.seed + position) for position, recording in enumerate(recordings)]
        notes = tuple(f"{_first_of(sources)}: {text}" for text, sources in self.notes.items())
        return RecordedCases(tuple(case for case in cases if case is not None), notes)

    def _case(self, recording: Recording, seed: int) -> Case | None:
        """Return the case of a recording; None if it is not claimed."""
        source, definition = recording.source, self._definition({**recording.arrays, **self.names})
        recorded, unused = by_argument(recording, definition, self.names)
        if unused:
            self._note(source, f"left alone: {shortened(unused)}")
        parameters = [parameter for parameter in definition.parameters if parameter.name in recorded]
        arrays = {item.name: to_kind(item, recorded[item.name], source) for item in parameters}
        given_options = [option for option in definition.options if option.name in recorded]
        options = {item.name: to_number(item, recorded[item.name], source) for item in given_options}
        shapes = RecordedShapes(self.equation, definition, arrays, options, source)
        sizes, batch = self._with_usual(shapes.sizes(), definition), shapes.batch_axes()
        if all(parameter.symbol.weight for parameter in parameters) and len(batch) not in self.batches:
            batch = (USUAL_BATCH,) * min(self.batches)
        if self.finite:
            check_finite(arrays, source)
        check_integers(self.equation, arrays, sizes, source)
        check_ranges(self.equation, arrays, source)
        check_places(self.equation, options, sizes, source)
        stored = {name: rounded(a, self.dtype) if a.dtype.kind == "f" else a for name, a in arrays.items()}
        if reason := self._unclaimed(sizes, batch) or self._too_large(arrays, stored):
            self._note(source, f"skipped: {reason}")
            return None
        self._note_changes(source, definition, recorded, stored)
        drawn = self._drawn(sizes, batch, seed)
        whole = {item.name: stored.get(item.name, drawn.arrays[item.name]) for item in definition.parameters}
        return Case(whole, {**drawn.options, **options}, layout=recording.layout, origin=source)

    def _definition(self, names: Iterable[str]) -> Definition:
        """Return the equation for as many layers as there are arrays of; for two layers if there are none."""
        with_layers = layers.of(self.equation.definition)
        if with_layers is None:
            return self.equation.definition
        parameter, _ = with_layers
        are_recorded = any(name.startswith(f"{parameter.name}.") for name in names)
        return layers.written_out(self.equation.definition, names if are_recorded else layers.flat(parameter, 1))

    def _with_usual(self, sizes: Mapping[str, int], definition: Definition) -> dict[str, int]:
        """Add a usual size for every axis that was not recorded, if the claim allows it, else the smallest claimed."""
        usual = usual_sizes(self.equation, definition)
        return {**sizes, **{name: self._claimed(name, size) for name, size in usual.items() if name not in sizes}}

    def _claimed(self, name: str, size: int) -> int:
        """A size, or the next one that is claimed."""
        return as_multiple(self.equation, name, max(size, self.least(name)))

    def _unclaimed(self, sizes: Mapping[str, int], batch: tuple[int, ...]) -> str:
        """Say why a case lies outside the claim; "" if it does not."""
        reasons = [f"{name} = {size}" for name, size in sizes.items() if size != self._claimed(name, size)]
        reasons += [f"batch = {size}" if size else "an empty batch" for size in batch if size < self.least("batch")]
        reasons += [f"{len(batch)} batch axes"] if len(batch) not in self.batches else []
        return f"{', '.join(reasons)} is not claimed" if reasons else ""

    def _too_large(self, arrays: Arrays, stored: Arrays) -> str:
        """Say which value is too large for the storage dtype; "" if none is."""
        for name, array in arrays.items():
            value = overflow(array, stored[name])
            if value is not None:
                return f"{name} holds {value:.6g}, too large for {self.dtype}"
        return ""

    def _note_changes(self, source: str, definition: Definition, recorded: Arrays, stored: Arrays) -> None:
        """Note what was rounded, and what is drawn."""
        lossy = [f"{key} ({recorded[key].dtype})" for key, array in stored.items() if loses_bits(recorded[key], array)]
        if lossy:
            self._note(source, f"rounded to {self.dtype}, which loses bits: {', '.join(lossy)}")
        missing = [parameter.name for parameter in definition.parameters if parameter.name not in stored]
        if missing:
            self._note(source, f"not recorded, so drawn: {', '.join(missing)}")

    def _drawn(self, sizes: Mapping[str, int], batch: tuple[int, ...], seed: int) -> Case:
        """Draw a whole case of these sizes."""
        pairs = tuple(sized(self.equation.definition, sizes).items())
        return make(self.equation, Description(pairs, batch=batch, seed=seed), self.dtype)

    def _note(self, source: str, text: str) -> None:
        """Keep a note, once for all cases that it is about."""
        self.notes.setdefault(text, []).append(source)


def _first_of(sources: Sequence[str]) -> str:
    return sources[0] + (f" and {len(sources) - 1} more" if len(sources) > 1 else "")
