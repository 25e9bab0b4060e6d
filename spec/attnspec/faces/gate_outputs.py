"""The files that a gate writes."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attnspec.errors import SpecError
from attnspec.faces.gate_badge import badge, badge_svg
from attnspec.faces.gate_mutants import mutation_report
from attnspec.faces.gate_reports import write_junit
from attnspec.faces.gate_sarif import sarif
from attnspec.faces.gate_summary import summary
from attnspec.faces.verify_command import Run


@dataclass(frozen=True, slots=True)
class Outputs:
    """The names of the files; None for those that are not written.

    Attributes:
        junit: JUnit XML.
        sarif: SARIF 2.1.0.
        summary: Markdown; it is added to the file that GITHUB_STEP_SUMMARY names, and replaces another.
        badge: a badge, as SVG if the name ends in .svg, else as JSON for shields.io.
        mutants: the known mistakes that were tried, in the schema of Stryker.
    """

    junit: str | None = None
    sarif: str | None = None
    summary: str | None = None
    badge: str | None = None
    mutants: str | None = None

    def check(self) -> None:
        """Check that the files can be written, before anything is verified.

        Raises:
            SpecError: one cannot be written.
        """
        for name in self.__dataclass_fields__:
            path = getattr(self, name)
            if path is not None:
                check_place(path)

    def write(self, run: Run, failures: Sequence[str], passed: bool, folder: Path) -> None:
        """Write the files.

        Args:
            run: the verdicts.
            failures: other reasons why the gate fails, as texts of which the first line is a headline.
            passed: whether the gate passes.
            folder: the folder of the settings.

        Raises:
            SpecError: one cannot be written.
        """
        if self.junit is not None:
            write_junit(self.junit, run, failures)
        if self.sarif is not None:
            _write(self.sarif, _json(sarif(run)))
        if self.summary is not None:
            _write(
                self.summary,
                summary(run, failures, passed, folder),
                self.summary == os.environ.get("GITHUB_STEP_SUMMARY"),
            )
        if self.badge is not None:
            made = badge(run, passed)
            _write(self.badge, badge_svg(made) if self.badge.endswith(".svg") else _json(made))
        if self.mutants is not None:
            _write(self.mutants, _json(mutation_report(run.verdicts)))


def check_place(path: str) -> None:
    """Check that a file can be written, without touching it.

    Raises:
        SpecError: it is a folder, its folder does not exist, or one of both may not be written.
    """
    place = Path(path)
    why = ""
    if place.is_dir():
        why = "it is a folder"
    elif not place.parent.is_dir():
        why = f"there is no folder {place.parent}"
    elif not os.access(place if place.exists() else place.parent, os.W_OK):
        why = "permission denied"
    if why:
        mend = "name a file in a folder that exists and can be written to"
        raise SpecError(f"cannot write a report: {why}", given=path, mend=mend)


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _write(path: str, text: str, adding: bool = False) -> None:
    try:
        with Path(path).open("a" if adding else "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise SpecError(f"cannot write a report: {error.strerror}", given=path) from error
