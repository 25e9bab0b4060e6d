"""Targets of a gate: as its settings write them, from their folder, and as a run needs them, from the current one."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attnspec.errors import SpecError, TargetError, nearest
from attnspec.language.definitions import is_file
from attnspec.verification.sandbox.targets import CALLED_FROM_PYTHON, PROGRAMS, Command
from attnspec.verification.targeting import parse_target

COMMAND = "command:"


def target_of(entry: Mapping[str, Any], file: Path, where: str) -> str:
    """The target of an implementation, which has either `target` or `command`, from the current folder.

    Args:
        entry: the settings of the implementation.
        file: the file of the settings.
        where: the words for errors that name the implementation.

    Raises:
        TargetError: there is no such file or program.
        SpecError: it has neither or both, or the command is not a list of words.
    """
    if "target" in entry and "command" in entry:
        given = f"target = {entry['target']!r}, command = {entry['command']!r}"
        raise SpecError(f"{where} has a target and a command", given=given, expected="one of the two")
    if "command" in entry:
        words = entry["command"]
        if not (words and all(isinstance(word, str) for word in words) and words[0]):
            given = f"command = {words!r:.60}"
            raise SpecError(f"{where}: command is not a list of words", given=given, expected='["./kernel", "--fast"]')
        return _placed_command(words, file)
    if not entry.get("target"):
        expected = 'target = "FILE.py:callable", or command = ["./kernel"]'
        raise SpecError(f"{where} has no target", given=", ".join(entry) or "nothing", expected=expected)
    return placed(entry["target"], file)


def placed(place: str, file: Path) -> str:
    """A target or file of the settings with its path from the current folder.

    Raises:
        TargetError: there is no such file or program.
    """
    if place.startswith(COMMAND):
        _, command = parse_target(place)
        assert isinstance(command, Command)
        return _placed_command(command.words, file)
    path, colon, name = place.partition(":")
    if not (path and (is_file(path) or path.endswith((".toml", *CALLED_FROM_PYTHON, *PROGRAMS)))):
        return place
    _require(path, place, file)
    return os.path.relpath(file.parent / path) + colon + name


def placed_from(implementation: str, folder: Path | None) -> str:
    """The name of an implementation, with its files relative to a folder."""
    if folder is None:
        return implementation
    if implementation.startswith(COMMAND):
        words = shlex.split(implementation.removeprefix(COMMAND))
        return COMMAND + shlex.join(_moved(words, Path(), folder))
    place, colon, name = implementation.partition(":")
    if not (is_file(place) or place.endswith((*PROGRAMS,))):
        return implementation
    return Path(os.path.relpath(place, folder)).as_posix() + colon + name


def _placed_command(words: Sequence[str], file: Path) -> str:
    """The target of a command. Its program and the arguments that name files are taken from the folder of the settings.

    Raises:
        TargetError: there is no such program.
    """
    program = words[0]
    if "/" in program:
        _require(program, shlex.join(words), file)
    elif shutil.which(program) is None:
        beside = f"./{program}" if (file.parent / program).is_file() else ""
        raise TargetError(f"{file}: no program {program!r} on the path", given=shlex.join(words), mend=beside)
    return COMMAND + shlex.join(_moved(words, file.parent, Path()))


def _moved(words: Sequence[str], start: Path, end: Path) -> list[str]:
    """The words of a command, with paths from one folder as paths from another one."""
    moved = []
    for place, word in enumerate(words):
        is_path = "/" in word if place == 0 else word and (start / word).is_file()
        path = os.path.relpath(start / word, end) if is_path and not os.path.isabs(word) else word
        moved.append(f"./{path}" if place == 0 and is_path and "/" not in path else path)
    return moved


def _require(path: str, given: str, file: Path) -> None:
    """Check that a file of the settings exists.

    Raises:
        TargetError: it does not.
    """
    found = file.parent / path
    if not found.exists():
        suffix = found.suffix
        others = [each.relative_to(file.parent).as_posix() for each in found.parent.glob(f"*{suffix}")]
        others = [f"./{each}" if path.startswith("./") else each for each in others]
        raise TargetError(f"{file}: no file {path!r}", given=given, mend=nearest(path, others))
