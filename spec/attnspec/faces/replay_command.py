"""`attnspec replay CASE`: whether the fault that a kept case shows is still there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attnspec.errors import SpecError, indent
from attnspec.faces.errors import BAD_INPUT
from attnspec.faces.kept_cases import facts_in
from attnspec.faces.replay_script import script
from attnspec.faces.screen import Screen
from attnspec.interpreters.rounding.policy import PRESETS
from attnspec.verification.options import VerifyOptions
from attnspec.verification.replaying import Replayed, ReplayStatus, replayed

STYLES = {ReplayStatus.FIXED: "green", ReplayStatus.STILL_FAILING: "red", ReplayStatus.CANNOT_RUN: "yellow"}

EXIT_CODES = {ReplayStatus.FIXED: 0, ReplayStatus.STILL_FAILING: 1, ReplayStatus.CANNOT_RUN: BAD_INPUT}


def replay_files(places: Sequence[str], target: str | None, to_script: str | None) -> int:
    """Replay kept cases, and print a verdict on each file.

    Args:
        places: files that `attnspec verify --keep-case` wrote, and folders of them.
        target: the candidate, if it is not the one that the files name.
        to_script: the Python file to write, which shows the fault without attnspec; None writes none.

    Returns:
        The exit code: 0 if all are fixed, 1 if one still fails, 2 if one cannot be run.

    Raises:
        SpecError: a file cannot be read, or no script can be written.
    """
    files = [file for place in places for file in _files(place)]
    if to_script is not None and len(files) != 1:
        raise SpecError("a script shows one case", given=f"{len(files)} files", mend="name one file")
    screen, worst = Screen(), 0
    for file in files:
        facts = facts_in(file)
        with screen.progress(file):
            found = ask_again(file, facts, target)
        screen.print(_text(file, facts, found, target), STYLES[found.status], len(found.status))
        worst = max(worst, EXIT_CODES[found.status])
        if to_script is not None:
            _write(to_script, script(found, facts, target or facts["implementation"]))
            screen.print(f"written: {to_script}, which needs no attnspec")
    return worst


def _files(place: str) -> list[str]:
    """A file, or those of a folder.

    Raises:
        SpecError: the folder has none.
    """
    if not Path(place).is_dir():
        return [place]
    found = sorted(map(str, Path(place).rglob("*.npz")))
    if not found:
        raise SpecError(f"{place} has no kept cases", given=place, expected="a folder with .npz files")
    return found


def ask_again(file: str, facts: Mapping[str, Any], target: str | None) -> Replayed:
    """Ask the cases of a file again.

    Args:
        file: the file.
        facts: what it says of its cases.
        target: the candidate, if it is not the one that the file names.
    """
    if not facts["shown_alone"]:
        reason = "no answer shows the fault by itself; all answers together do: attnspec verify"
        return Replayed(ReplayStatus.CANNOT_RUN, reason)
    options = VerifyOptions(
        equation=facts["equation"],
        framework=facts["framework"] or None,
        dtypes=(facts["dtype"],),
        device=facts["device"],
        seed=int(facts["seed"]),
        backward=bool(facts["backward"]),
        policy=facts["policy"] if facts["policy"] in PRESETS else None,
        inputs=(file,),
        **facts["options"],
    )
    return replayed(target or facts["implementation"], options)


def _text(file: str, facts: Mapping[str, Any], found: Replayed, target: str | None) -> str:
    """The status, with what was and what is."""
    where = ", ".join((facts["framework"], facts["dtype"], facts["device"]))
    headline = f"{found.status}: {file}: {facts['equation']}, {target or facts['implementation']} ({where})"
    was = "; ".join(filter(None, [facts["verdict"], *facts.get("diagnosis", []), facts["wrong"]]))
    worst = found.worst
    rows = (
        ("was", was),
        ("because", found.reason),
        ("given", worst.given if worst else ""),
        ("expected", worst.right if worst else ""),
        ("got", worst.wrong if worst else ""),
    )
    return "\n".join([headline, *(f"  {label:<9} {indent(text)}" for label, text in rows if text)])


def _write(path: str, text: str) -> None:
    """Write a new file.

    Raises:
        SpecError: it exists, or cannot be written.
    """
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise SpecError(f"{path} exists", given=path, mend="name another file, or delete it") from None
    except OSError as error:
        raise SpecError(f"cannot write the script: {error.strerror}", given=path) from None
