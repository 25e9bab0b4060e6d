"""A corpus: a folder of cases that earlier runs kept, each file with the equation that it is of."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from attnspec.errors import SpecError
from attnspec.verification.cases.recorded_files import read_facts
from attnspec.verification.cases.recordings import Recording, recordings


def check_corpus(folder: str) -> None:
    """Check that a corpus is a folder, or can become one.

    Raises:
        SpecError: there is a file of its name.
    """
    if Path(folder).exists() and not Path(folder).is_dir():
        raise SpecError(f"{folder} is not a folder", given=folder, expected="a folder of kept cases, or a new name")


def cases_of(folder: str | None, equation: str, backward: bool, arguments: Collection[str]) -> tuple[Recording, ...]:
    """The cases of a corpus that are of an equation, in the order of their names; none of a folder that is not there.

    Args:
        folder: the folder; None for no corpus.
        equation: the id of the equation that candidates compute.
        backward: whether their gradients are judged.
        arguments: the arguments that the cases must have; those of other settings have others, and are left out.

    Raises:
        SpecError: a file cannot be read.
    """
    found: list[Recording] = []
    for path in sorted(Path(folder).glob("*.npz")) if folder is not None else ():
        facts = read_facts(str(path))
        if facts.get("equation") == equation and facts.get("backward", False) == backward:
            cases = recordings((str(path),))
            found += [each for each in cases if {name.partition(".")[0] for name in each.arrays} == {*arguments}]
    return tuple(found)
