"""The settings of a project: the table [tool.attnspec] of its pyproject.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from attnspec.errors import SpecError, nearest
from attnspec.language.definitions import is_file

KEYS = ("equations",)
"""The settings that the table may have."""


def equations() -> tuple[str, ...]:
    """The files and modules that define the equations of the project; files are relative to its pyproject.toml.

    Raises:
        SpecError: the settings cannot be read.
    """
    file = _pyproject(Path.cwd())
    if file is None:
        return ()
    places = _settings(file).get("equations", [])
    if not isinstance(places, list) or not all(isinstance(place, str) for place in places):
        raise SpecError(
            f"{file}: equations are not a list of files and modules",
            given=f"equations = {places!r}",
            expected='equations = ["my_equations.py", "my_package.equations"]',
        )
    return tuple(str(file.parent / place) if is_file(place) else place for place in places)


def _pyproject(folder: Path) -> Path | None:
    """The nearest pyproject.toml in a folder or above it."""
    return next((file for here in (folder, *folder.parents) if (file := here / "pyproject.toml").is_file()), None)


def _settings(file: Path) -> dict[str, Any]:
    """The table [tool.attnspec] of a file; empty if it has none.

    Raises:
        SpecError: it cannot be read, or has a setting that does not exist.
    """
    try:
        tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, ValueError) as error:
        raise SpecError(f"{file} cannot be read", given=str(error), expected="a TOML file") from error
    settings = tool.get("attnspec", {}) if isinstance(tool, dict) else {}
    for key in settings:
        if key not in KEYS:
            raise SpecError(
                f"{file}: [tool.attnspec] has no setting {key!r}",
                given=key,
                expected=", ".join(KEYS),
                mend=nearest(key, KEYS),
            )
    return dict(settings)
