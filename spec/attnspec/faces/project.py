"""The settings of a project: the table [tool.attnspec] of its pyproject.toml, or its attnspec.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from attnspec.errors import SpecError, nearest
from attnspec.language.definitions import is_file

KEYS = ("equations", "gate")
"""The settings that the table may have."""

OWN_FILE = "attnspec.toml"


def equations() -> tuple[str, ...]:
    """The files and modules that define the equations of the project; files are relative to the settings.

    Raises:
        SpecError: the settings cannot be read.
    """
    file, found = settings(Path.cwd())
    if file is None:
        return ()
    places = found.get("equations", [])
    if not isinstance(places, list) or not all(isinstance(place, str) for place in places):
        raise SpecError(
            f"{file}: equations are not a list of files and modules",
            given=f"equations = {places!r}",
            expected='equations = ["my_equations.py", "my_package.equations"]',
        )
    return tuple(str(file.parent / place) if is_file(place) else place for place in places)


def settings(folder: Path) -> tuple[Path | None, dict[str, Any]]:
    """The file of the settings of the project that a folder belongs to, and the settings.

    It is the nearest attnspec.toml or pyproject.toml; attnspec.toml comes first, and has the settings without a table
    around them.

    Raises:
        SpecError: the settings cannot be read, or one does not exist.
    """
    names = (OWN_FILE, "pyproject.toml")
    places = (here / name for here in (folder, *folder.parents) for name in names)
    file = next((place for place in places if place.is_file()), None)
    return (None, {}) if file is None else (file, _settings(file))


def _settings(file: Path) -> dict[str, Any]:
    """The settings in a file; empty if it has none.

    Raises:
        SpecError: it cannot be read, or has a setting that does not exist.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpecError(f"{file} cannot be read", given=str(error), expected="a TOML file") from error
    tool = {"attnspec": content} if file.name == OWN_FILE else content.get("tool", {})
    settings = tool.get("attnspec", {}) if isinstance(tool, dict) else {}
    where = "it" if file.name == OWN_FILE else "[tool.attnspec]"
    for key in settings:
        if key not in KEYS:
            raise SpecError(
                f"{file}: {where} has no setting {key!r}",
                given=key,
                expected=", ".join(KEYS),
                mend="without tool.attnspec, as in [gate]" if key == "tool" else nearest(key, KEYS),
            )
    return dict(settings)
