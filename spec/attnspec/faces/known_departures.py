"""Known departures: expected verdicts other than "conforms", each listed with a reason and a link.

They are listed in a TOML file, with an entry for each:

    [[departure]]
    implementation = "my_kernels.attention:fast"
    dtype = "float64"
    verdict = "imprecise"
    reason = "its softmax is in float32, whatever it is given"
    link = "https://example.org/issues/1"
"""

from __future__ import annotations

import os
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

from attnspec.errors import SpecError, nearest
from attnspec.implementation import DTYPES
from attnspec.verification.sandbox.targets import PROGRAMS
from attnspec.verification.verdict import Verdict, VerdictKind

VERDICTS = tuple(kind for kind in VerdictKind if kind is not VerdictKind.CONFORMS)
"""The verdicts that can be listed."""

OPTIONAL = ("device", "equation", "owner", "review")
NO_DTYPE = "none"
"""The dtype of an entry about a procedure."""


@dataclass(frozen=True, slots=True)
class Departure:
    """One expected verdict.

    Attributes:
        implementation: the implementation, pkg.module:callable or FILE.py:callable.
        dtype: the dtype; "none" for a procedure.
        verdict: the expected verdict, one of `VERDICTS`.
        reason: the reason why it is accepted.
        link: a link to more information.
        device: the device; "" for any.
        equation: the equation, if the implementation claims several; "" for any.
        owner: who looks at it again; "" if nobody is named.
        review: the date by which it is looked at again, YYYY-MM-DD; "" if there is none.
    """

    implementation: str
    dtype: str
    verdict: str
    reason: str
    link: str
    device: str = ""
    equation: str = ""
    owner: str = ""
    review: str = ""

    @property
    def review_text(self) -> str:
        """Who looks at it again, and when; "" if that is not known."""
        by = f"to be reviewed by {self.review}" if self.review else ""
        return ", ".join(filter(None, [f"owner: {self.owner}" if self.owner else "", by]))

    def covers(self, verdict: Verdict) -> bool:
        """Return whether a verdict is about the implementation, dtype, device and equation of this entry."""
        return (
            _normalised(self.implementation) == _normalised(verdict.implementation)
            and self.dtype == (verdict.dtype or NO_DTYPE)
            and self.device in ("", verdict.device, verdict.device.split(":")[0])
            and self.equation in ("", verdict.equation)
        )

    def is_seen_in(self, verdict: Verdict) -> bool:
        """Return whether a verdict is the one that this entry expects."""
        return self.covers(verdict) and verdict.verdict == self.verdict

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.dtype, self.device) if part)
        return f"{self.implementation} ({where})"


@dataclass(frozen=True, slots=True)
class KnownDepartures:
    """The entries of a file.

    Attributes:
        path: the file; empty if there is none.
        departures: its entries, in order.
    """

    path: str = ""
    departures: tuple[Departure, ...] = ()

    def expecting(self, verdict: Verdict) -> Departure | None:
        """Return the entry that expects a verdict; None if there is none."""
        return next((departure for departure in self.departures if departure.is_seen_in(verdict)), None)

    def gone(self, verdicts: Sequence[Verdict]) -> tuple[tuple[Departure, str], ...]:
        """Return the entries that no longer occur although they were judged, each with the verdict instead."""
        gone = []
        for departure in self.departures:
            covered = [verdict for verdict in verdicts if departure.covers(verdict)]
            judged = [verdict.verdict for verdict in covered if verdict.verdict is not VerdictKind.NOT_RUN]
            if judged and not any(departure.is_seen_in(verdict) for verdict in covered):
                gone.append((departure, judged[0]))
        return tuple(gone)

    def json(self, verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
        """Return the entries as JSON, each with whether it occurs: "seen", "gone" or "not asked"."""
        gone = {departure for departure, _ in self.gone(verdicts)}
        entries = []
        for departure in self.departures:
            seen = any(departure.is_seen_in(verdict) for verdict in verdicts)
            occurs = "seen" if seen else "gone" if departure in gone else "not asked"
            entries.append({**asdict(departure), "occurs": occurs})
        return entries


def read(path: str, revision: str = "") -> KnownDepartures:
    """Read a file of known departures.

    Args:
        path: the file.
        revision: the revision of git that has the list; "" for the file as it is.

    Raises:
        SpecError: there is no such file or revision, or an entry is wrong.
    """
    try:
        text = at_revision(path, revision) if revision else Path(path).read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except OSError as error:
        raise SpecError(f"cannot read known departures: {error.strerror}", given=path) from error
    except ValueError as error:
        raise SpecError(f"{path} is not TOML", given=str(error), expected="tables [[departure]]") from error
    unknown = [key for key in content if key != "departure"]
    entries = content.get("departure", [])
    if unknown or not (isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)):
        given = unknown[0] if unknown else f"departure = {entries!r:.80}"
        raise SpecError(f"{path} has something other than departures", given=given, expected="tables [[departure]]")
    departures: list[Departure] = []
    for number, entry in enumerate(entries, 1):
        departure = _departure(entry, f"{path}: departure {number}")
        if any(_same(departure, other) for other in departures):
            raise SpecError(f"{path}: departure {number} is listed twice", given=str(departure))
        departures.append(departure)
    return KnownDepartures(path, tuple(departures))


def at_revision(path: str, revision: str) -> str:
    """The text of a file at a revision of git.

    Raises:
        SpecError: git is not there, or has no such revision or no such file in it.
    """
    file = Path(path).absolute()
    command = ["git", "-C", str(file.parent), "show", "--end-of-options", f"{revision}:./{file.name}"]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError as error:
        raise SpecError(f"cannot run git: {error.strerror}", given=f"{path} at {revision}") from error
    if done.returncode:
        raise SpecError(
            f"cannot read known departures at {revision}",
            given=done.stderr.decode(errors="replace").strip(),
            expected=f"a revision that has {path}",
            mend="fetch the revision first: git fetch origin main; a list that is new begins as an empty file there",
        )
    return done.stdout.decode("utf-8")


def _departure(entry: Mapping[str, Any], label: str) -> Departure:
    """Return the departure of a TOML table; `label` names it in an error."""
    names = [field.name for field in fields(Departure)]
    entry = {key: value.isoformat() if isinstance(value, date) else value for key, value in entry.items()}
    needed = [name for name in names if name not in OPTIONAL]
    for key, value in entry.items():
        if key not in names:
            mend = nearest(key, names)
            raise SpecError(f"{label} has an unknown key {key!r}", given=key, expected=", ".join(names), mend=mend)
        if not (isinstance(value, str) and value.strip()):
            raise SpecError(f"{label} has no text in {key!r}", given=f"{key} = {value!r}", expected="a text")
    missing = [name for name in needed if name not in entry]
    if missing:
        raise SpecError(f"{label} has no {missing[0]}", given=", ".join(entry) or "nothing", expected=", ".join(needed))
    for key, known in (("verdict", VERDICTS), ("dtype", (*DTYPES, NO_DTYPE))):
        if entry[key] not in known:
            mend = nearest(entry[key], known)
            raise SpecError(
                f"{label}: no {key} {entry[key]!r} to list", given=entry[key], expected=", ".join(known), mend=mend
            )
    _check_date(entry.get("review"), label)
    return Departure(**entry)


def _check_date(review: str | None, label: str) -> None:
    """Check that a review date is a date.

    Raises:
        SpecError: it is not.
    """
    try:
        date.fromisoformat(review or "2000-01-01")
    except ValueError as error:
        raise SpecError(
            f"{label}: review is not a date", given=f"review = {review!r}", expected="YYYY-MM-DD"
        ) from error


def _same(one: Departure, other: Departure) -> bool:
    """Return whether two entries can be about the same verdict."""
    return (
        (_normalised(one.implementation), one.dtype) == (_normalised(other.implementation), other.dtype)
        and (one.device == other.device or "" in (one.device, other.device))
        and (one.equation == other.equation or "" in (one.equation, other.equation))
    )


def _normalised(implementation: str) -> str:
    """Return a canonical name of a callable: pkg:module.f equals pkg.module:f, and ./f.py:f equals f.py:f."""
    place, _, name = implementation.rpartition(":")
    if place.endswith((".py", *PROGRAMS)) or "/" in place:
        return f"{os.path.abspath(place)}:{name}"
    return implementation.replace(":", ".")
