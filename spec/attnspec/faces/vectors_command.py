"""`attnspec vectors ID`: write test vectors for kernels in any language."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from attnspec.errors import SpecError, UnknownName, nearest
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.procedure import Procedure, specified
from attnspec.language.registry import families, family_of
from attnspec.vectors.choosing import choose
from attnspec.vectors.writing import write


def write_vectors(names: Sequence[str], out: str, dtype: str) -> int:
    """Write a set for each equation, into a folder of its name.

    Args:
        names: ids of equations, or families.
        out: the folder.
        dtype: the dtype of the inputs.

    Returns:
        The exit code.

    Raises:
        UnknownName: there is no such equation or family.
        SpecError: it is a procedure, the package safetensors is missing, or a file cannot be written.
    """
    caught = killable = total = 0
    ids = [id for name in names for id in _ids(name)]
    for id in ids:
        vectors = choose(_equation(id), dtype)
        size = write(vectors, Path(out) / id)
        caught, killable, total = caught + len(vectors.caught), killable + vectors.killable, total + size
        share = f"{len(vectors.cases)} cases catch {len(vectors.caught)} of {vectors.of} known mistakes"
        click.echo(f"{id}: {share}; {size / 1000:.0f} KB")
        for mutant in vectors.missed:
            click.echo(f"  not caught: {mutant.says}")
    if len(ids) > 1:
        click.echo(f"{len(ids)} sets: {caught} mistakes caught; {total / 1000:.0f} KB")
    return 0


def _ids(name: str) -> list[str]:
    """The ids that a name stands for: its own, or those of a family."""
    if "." in name:
        return [name]
    if name not in families():
        raise UnknownName(
            f"no family {name!r}", given=name, expected=", ".join(families()), mend=nearest(name, families())
        )
    return [id for id in REGISTRY if family_of(id) == name]


def _equation(id: str) -> Equation[..., object]:
    found = specified(id)
    if isinstance(found, Procedure):
        raise SpecError(f"{id} is a procedure, which has no vectors", given=id, expected="an equation")
    return found
