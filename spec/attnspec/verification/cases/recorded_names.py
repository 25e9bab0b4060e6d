"""The arrays of a recording by the names of an equation's arguments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError, UnknownName, nearest
from attnspec.language.tree import Definition
from attnspec.verification.cases.recordings import Arrays, Recording

LISTED = 12
"""How many names an error lists."""


def by_argument(
    recording: Recording, definition: Definition, names: Mapping[str, str]
) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Return the arrays by the names of the equation's arguments, and the names in the recording that are not used.

    Args:
        names: {argument of the equation: its name in the recording}, where they differ; a name with `.T` behind it
            transposes a matrix. If there are any, other arrays may be left unused.

    Raises:
        UnknownName: an array has a name that the equation does not have, or `names` has one that does not exist.
        SpecError: the recording has no argument of the equation.
    """
    recorded = recording.arrays
    arguments = [*(parameter.name for parameter in definition.parameters), *(item.name for item in definition.options)]
    _refuse_unknown(recording, definition.id, arguments, names)
    renamed = {_without_transpose(name, recorded) for name in names.values()}
    rest = [name for name in recorded if name not in renamed]
    arrays = {name: recorded[name] for name in rest if name in arguments}
    arrays |= {argument: _renamed(name, recorded) for argument, name in names.items()}
    unused = [name for name in rest if name not in arguments or name in names]
    if unused and not names:
        close = nearest(unused[0], arguments)
        rename = f"--name PARAMETER={unused[0]} says which it is, and leaves the rest alone"
        raise UnknownName(
            f"{recording.source}: {definition.id} takes no {unused[0]}",
            given=shortened(unused),
            expected=", ".join(arguments),
            mend=f"{close} {rename}".strip(),
        )
    if not arrays:
        headline = f"{recording.source} has no argument of {definition.id}"
        raise SpecError(headline, given=shortened(recorded), expected=", ".join(arguments))
    return arrays, unused


def _refuse_unknown(recording: Recording, id: str, arguments: Sequence[str], names: Mapping[str, str]) -> None:
    for argument, name in names.items():
        if argument not in arguments:
            raise UnknownName(
                f"{id} takes no {argument}",
                given=f"{argument}={name}",
                expected=", ".join(arguments),
                mend=nearest(argument, arguments),
            )
        if _without_transpose(name, recording.arrays) not in recording.arrays:
            raise UnknownName(
                f"{recording.source} has no {name}",
                given=f"{argument}={name}",
                expected=shortened(recording.arrays),
                mend=nearest(name, recording.arrays),
            )


def _without_transpose(name: str, recorded: Collection[str]) -> str:
    return name if name in recorded else name.removesuffix(".T")


def _renamed(name: str, recorded: Arrays) -> NDArray[Any]:
    array = recorded[_without_transpose(name, recorded)]
    return array if name in recorded or array.ndim < 2 else np.swapaxes(array, -1, -2)


def shortened(names: Iterable[str]) -> str:
    """Return names with commas, of many only the first ones."""
    first = list(names)
    return ", ".join(first[:LISTED]) + (f" and {len(first) - LISTED} more" if len(first) > LISTED else "")
