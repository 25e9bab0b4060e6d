"""Entries of known departures as text, for verdicts that are accepted for now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from attnspec.errors import SpecError
from attnspec.faces.gate_targets import placed_from
from attnspec.faces.known_departures import NO_DTYPE, VERDICTS, KnownDepartures
from attnspec.verification.verdict import Verdict

REVIEW_DAYS = 90
"""Days from the entry to its date of review."""


def entry_text(verdict: Verdict, folder: Path | None = None, today: date | None = None) -> str:
    """The entry of a verdict, narrowed to its equation, dtype and device.

    Its reason, link and owner are to be filled in; the gate refuses an entry in which they are empty.

    Args:
        verdict: the verdict.
        folder: the folder that files are relative to; the current one by default.
        today: the date; by default, today's.
    """
    review = (today or date.today()) + timedelta(days=REVIEW_DAYS)
    says = verdict.diagnosis[0].says if verdict.diagnosis else verdict.reason
    facts = {
        "implementation": placed_from(verdict.implementation, folder),
        "equation": verdict.equation,
        "dtype": verdict.dtype or NO_DTYPE,
        "device": verdict.device,
        "verdict": str(verdict.verdict),
    }
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in facts.items()]
    comment = " ".join(says.split())
    return "\n".join(
        [
            "[[departure]]",
            *([f"# {comment}"] if comment else []),
            *lines,
            'reason = ""  # why it is accepted for now',
            'link = ""  # an issue',
            'owner = ""  # who looks at it again',
            f"review = {review.isoformat()}",
        ]
    )


def accept(verdicts: Sequence[Verdict], known: KnownDepartures, path: str, folder: Path) -> list[str]:
    """Write an entry for each verdict that fails and is not listed.

    Args:
        verdicts: the verdicts of a run.
        known: the entries so far.
        path: the file of the entries; it need not exist.
        folder: the folder of the settings.

    Returns:
        A line on each verdict that fails.

    Raises:
        SpecError: the file cannot be written.
    """
    texts, lines = [], []
    for verdict in verdicts:
        if verdict.verdict not in VERDICTS or known.expecting(verdict) is not None:
            continue
        where = f"{verdict.implementation} ({', '.join(filter(None, (verdict.dtype, verdict.device)))})"
        listed = next((each for each in known.departures if each.covers(verdict)), None)
        if listed is not None:
            lines.append(f"not accepted: {where} is listed as {listed.verdict}; change that entry of {path}")
        else:
            texts.append(entry_text(verdict, folder))
            lines.append(f"accepted: {where}; fill in reason, link and owner in {path}")
    if texts:
        file = Path(path)
        before = file.read_text(encoding="utf-8").rstrip() + "\n\n" if file.is_file() and file.stat().st_size else ""
        try:
            file.write_text(before + "\n\n".join(texts) + "\n", encoding="utf-8")
        except OSError as error:
            raise SpecError(f"cannot write known departures: {error.strerror}", given=path) from error
    return lines
