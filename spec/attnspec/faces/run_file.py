"""The file of a run: verdicts are appended to it as they are reached, and a run that was ended goes on from it.

Each line is a JSON object. The first one says what made the file; then come, for each target, a line on what was asked
and a line for each verdict. A line is on the disk before the run goes on. The last line may be torn.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from attnspec.errors import SpecError
from attnspec.language.registry import families, family_of
from attnspec.verification.candidate.sources import sources_of
from attnspec.verification.cases.recordings import as_tuple
from attnspec.verification.environment import environment_digest, software
from attnspec.verification.options import VerifyOptions
from attnspec.verification.stored import from_stored, to_stored
from attnspec.verification.targeting import parse_target
from attnspec.verification.verdict import Verdict

FORM = 1
"""The version of the form of the file."""

NOT_SETTINGS = ("show_output",)
"""Options that change no verdict."""


class RunFile:
    """The file of one run. Only one run at a time can use it.

    Args:
        path: the file; one that does not exist, or is empty, is begun.

    Raises:
        SpecError: it cannot be written; another run uses it; it is not such a file; or or it was made in another
            environment.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        try:
            self._file = self.path.open("a+b", buffering=0)
        except OSError as error:
            mend = "name a file in a folder that exists and can be written to"
            raise SpecError(f"cannot write the file of a run: {error.strerror}", given=path, mend=mend) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise SpecError(f"{path} is used by another run", given=path, mend="name another file") from None
        self._targets: dict[int, dict[str, str]] = {}
        self._verdicts: dict[int, dict[int, Verdict]] = {}
        try:
            self._begin()
        except BaseException:
            self._file.close()
            raise

    def _begin(self) -> None:
        """Read what there is, or write the first line."""
        made_by, before = _made_by(), self._read()
        if before is None:
            self._append({"attnspec run": FORM, "made by": made_by})
            _sync_folder(self.path)
        else:
            self._refuse_others("it was made by", before, made_by)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def of(self, number: int, target: str, options: VerifyOptions) -> TargetRecord:
        """The record of one target of the run.

        Args:
            number: its place among the targets of the run.

        Raises:
            SpecError: the file has another target there, or its files or the options have changed.
        """
        asked = _asked(target, options)
        if number in self._targets:
            self._refuse_others(f"target {number + 1} of it had", self._targets[number], asked)
        else:
            self._append({"target": number, "asked": asked})
            self._targets[number] = asked
        return TargetRecord(self, number, dict(self._verdicts.get(number, {})))

    def keep(self, target: int, question: int, verdict: Verdict) -> None:
        """Append a verdict.

        Raises:
            SpecError: it cannot be written, for example because the disk is full.
        """
        self._append({"target": target, "question": question, "verdict": to_stored(verdict)})

    def _read(self) -> dict[str, str] | None:
        """Read all lines, and cut off a torn last one; what made the file, None if it is empty."""
        self._file.seek(0)
        content = self._file.read()
        whole = content.rfind(b"\n") + 1
        lines = content[:whole].splitlines()
        made_by: dict[str, str] | None = None
        for number, line in enumerate(lines):
            try:
                found = json.loads(line)
                if number == 0:
                    made_by = {str(key): str(item) for key, item in found["made by"].items()}
                    if found["attnspec run"] != FORM:
                        raise ValueError(f"form {found['attnspec run']}")
                else:
                    self._take(found)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise SpecError(
                    f"{self.path} is not the file of a run, or is corrupt",
                    given=f"line {number + 1}: {type(error).__name__}: {error!s:.100}",
                    expected="what attnspec verify --resume wrote",
                    mend="name another file",
                ) from None
        if whole < len(content) and not lines and not b'{"attnspec run"'.startswith(content[:15]):
            raise SpecError(f"{self.path} is not the file of a run", given=str(self.path), mend="name another file")
        if whole < len(content):
            self._file.truncate(whole)
        return made_by

    def _take(self, found: Mapping[str, Any]) -> None:
        """Keep what a line says."""
        number = int(found["target"])
        if "asked" in found:
            self._targets[number] = {str(key): str(item) for key, item in found["asked"].items()}
        else:
            self._verdicts.setdefault(number, {})[int(found["question"])] = from_stored(found["verdict"])

    def _append(self, line: Mapping[str, Any]) -> None:
        end = os.fstat(self._file.fileno()).st_size
        try:
            rest = memoryview(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file.fileno(), end)
            mend = "make room, and give the same command again: it goes on from the verdicts that are kept"
            raise RunFileError(
                f"cannot append to the file of the run: {error.strerror}", given=str(self.path), mend=mend
            ) from None

    def _refuse_others(self, what: str, before: Mapping[str, str], now: Mapping[str, str]) -> None:
        """Refuse to go on from verdicts that were reached otherwise.

        Raises:
            SpecError: with all that differs.
        """
        names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        if names:
            given = "\n".join(f"{name}: {_short(now.get(name))}" for name in names)
            expected = "\n".join(f"{name}: {_short(before.get(name))}" for name in names)
            mend = "ask as before, or name another file, in which all is judged anew"
            raise SpecError(
                f"{self.path} is of another run: {what} other {', '.join(names)}",
                given=given,
                expected=expected,
                mend=mend,
            )


class RunFileError(SpecError):
    """A verdict cannot be kept. The run ends, since it would be lost."""


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """The verdicts on one target in the file of a run.

    Attributes:
        file: the file.
        number: the place of the target among those of the run.
        earlier: {number of a question: the verdict that was reached before}.
    """

    file: RunFile
    number: int
    earlier: Mapping[int, Verdict]

    def keep(self, question: int, verdict: Verdict) -> None:
        """Append a verdict.

        Raises:
            SpecError: it cannot be written.
        """
        self.file.keep(self.number, question, verdict)


def _made_by() -> dict[str, str]:
    """What else a verdict depends on: the versions that most often change, and a digest of all of it."""
    return {**software(), "environment": environment_digest()}


def _asked(target: str, options: VerifyOptions) -> dict[str, str]:
    """The target, its files, and the options that are not the default ones, as texts."""
    found = {"target": target}
    plain = VerifyOptions()
    for each in fields(VerifyOptions):
        value = getattr(options, each.name)
        if value != getattr(plain, each.name) and each.name not in NOT_SETTINGS:
            found[f"option {each.name}"] = repr(value)
    for item in as_tuple(options.inputs):
        if isinstance(item, str) and Path(item).is_file():
            found[f"content of {item}"] = hashlib.sha256(Path(item).read_bytes()).hexdigest()
    family = family_of(options.equation or "").removeprefix("attnspec.")
    own = [family] if family and family not in families() else []
    sources = sources_of(parse_target(target)[1], [*options.equations, *own])
    found |= {f"content of {os.path.relpath(file)}": digest for file, digest in sources.files.items()}
    found |= {f"variable {name}": os.environ.get(name, "") for name in sources.variables}
    return found


def _short(value: str | None) -> str:
    return "none" if value is None else value if len(value) < 64 else f"{value[:12]}…"


def _sync_folder(path: Path) -> None:
    """See to it that the name of a new file is on the disk."""
    with suppress(OSError):
        folder = os.open(path.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
