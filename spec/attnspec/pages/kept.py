"""Verdicts with the HTML that shows them, kept in a folder until something of an implementation has changed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

from attnspec.errors import SpecError
from attnspec.language.registry import family_of
from attnspec.pages import page, site
from attnspec.pages.code_views import source_listing, source_of
from attnspec.verification.candidate.question import Question
from attnspec.verification.mapping import Mapped, mapped, mapped_question
from attnspec.verification.options import VerifyOptions
from attnspec.verification.parallel import Loaded, done_in_processes
from attnspec.verification.sandbox.targets import File, Module
from attnspec.verification.targeting import parse_target


@dataclass(frozen=True, slots=True)
class Asked:
    """An implementation that is to be shown.

    Attributes:
        target: the implementation, as `attnspec.verify` takes it.
        equation: the id of its equation.
        framework: its framework; None: what the claim or the imports say.
        dtype: the dtype that it is judged in; None: the first one that is claimed.
        views: what is shown of its equation beside its source.
    """

    target: str
    equation: str
    framework: str | None = None
    dtype: str | None = None
    views: tuple[str, ...] = ()

    @property
    def options(self) -> VerifyOptions:
        """The options of its verdict."""
        dtypes = (self.dtype,) if self.dtype is not None else None
        return VerifyOptions(equation=self.equation, framework=self.framework, dtypes=dtypes)


@dataclass(frozen=True, slots=True)
class Found:
    """A verdict, and what shows it.

    Attributes:
        verdict: its kind; "" of an implementation that was not judged.
        reason: why it is that; "" if it conforms.
        html: what was measured, the views of the equation, and the source.
        files: the files that the source is in.
        facts: what was measured, by name.
    """

    verdict: str
    reason: str
    html: str
    files: tuple[str, ...]
    facts: dict[str, str]


class Kept:
    """A folder of verdicts.

    Args:
        folder: where they are kept.
        modules: whether the verdict on a module is kept too, as long as no Python file in its folder or below changes;
            without it a module is judged each time, since what it calls may be anywhere.
    """

    def __init__(self, folder: Path, modules: bool = False) -> None:
        self.folder = folder
        self.modules = modules

    def of(self, asked: Asked) -> Found | None:
        """The verdict that is kept of an implementation; None if there is none, or something has changed."""
        file = self._file(asked)
        if file is None or not file.is_file():
            return None
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return Found(**{**found, "files": tuple(found["files"])})

    def html(self, parts: Iterable[str], make: Callable[[], str]) -> str:
        """A part of a page, which is made unless it is kept.

        Args:
            parts: all that it is made of.
            make: makes it.
        """
        file = self.folder / "parts" / f"{site.digest([site.maker(), *parts])}.html"
        if file.is_file():
            return file.read_text("utf-8")
        made = make()
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(f".{os.getpid()}")  # another process may write it too
        temporary.write_text(made, "utf-8")
        temporary.replace(file)
        return made

    def judged(self, asked: Asked) -> Found:
        """The verdict on an implementation: the kept one, or a new one.

        Raises:
            SpecError: it is not a single implementation of the equation.
        """
        kept = self.of(asked)
        if kept is not None:
            return kept
        found, notes = mapped(asked.target, asked.options)
        if len(found) != 1:
            raise SpecError(
                f"{asked.target} holds {len(found)} implementations of {asked.equation}",
                given="; ".join(notes) or ", ".join(each.callable for each in found) or asked.target,
                expected="one",
                mend="name it as file.py:function",
            )
        shown = _found(found[0], asked)
        _keep(shown, self._file(asked))
        return shown

    def judge_all(self, wanted: Iterable[Asked], jobs: int = 1) -> list[str]:
        """Judge implementations that have no kept verdict, in several processes.

        Those of one equation follow each other, since most of the work on them is the same; and those of one family are
        judged in one process, since they are in few modules.

        Args:
            wanted: the implementations, each in a module or file that declares what it implements.
            jobs: how many processes.

        Returns:
            A sentence for each that could not be judged.
        """
        left = [asked for asked in dict.fromkeys(wanted) if self.of(asked) is None]
        places = list(dict.fromkeys(map(_place, left)))
        targets = [(place, VerifyOptions(dtypes=(dtype,) if dtype is not None else None)) for place, dtype in places]
        families: dict[str, list[_Task]] = {}
        for asked in sorted(left, key=lambda asked: (asked.equation, places.index(_place(asked)))):
            task = places.index(_place(asked)), asked, self._file(asked)
            families.setdefault(family_of(asked.equation), []).append(task)
        groups = sorted(families.values(), key=len, reverse=True)
        if not groups:
            return []
        done = done_in_processes(targets, min(jobs, len(groups)), groups, _judge_group)
        return [note for _, notes in done for note in notes]

    def _file(self, asked: Asked) -> Path | None:
        _, aim = parse_target(asked.target)
        if self.modules and isinstance(aim, Module):
            source = source_of(aim)
            aim = File(source, aim.callable) if source is not None else aim
        state = site.target_digest(aim, repr(asked))
        return self.folder / f"{state}.json" if state else None


_Task = tuple[int, Asked, Path | None]
"""The place of a target, the implementation in it, and the file that keeps its verdict.

The file is named by the process that looks for it later: what a verdict depends on may differ in another one.
"""


def _judge_group(loaded: Loaded, group: Sequence[_Task]) -> list[str]:
    """Judge implementations and keep their verdicts; what went wrong."""
    notes = []
    for place, asked, file in group:
        try:
            shown = _found(_mapped_in(loaded, place, asked), asked)
        except SpecError as error:
            notes.append(f"{asked.target} could not be judged as {asked.equation}: {error.headline}")
        else:
            _keep(shown, file)
    return notes


def _keep(found: Found, file: Path | None) -> None:
    """Keep a verdict, if it may be kept."""
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(found)), "utf-8")


def _place(asked: Asked) -> tuple[str, str | None]:
    """The module or file of an implementation, and the dtype that it is judged in."""
    return asked.target.rpartition(":")[0], asked.dtype


def _mapped_in(loaded: Loaded, place: int, asked: Asked) -> Mapped:
    """Judge and map an implementation of a target that is loaded.

    Raises:
        SpecError: the target has none, or its question cannot be answered.
    """
    wanted = asked.target.rpartition(":")[2], asked.equation
    for question in loaded.questions(place):
        if isinstance(question, Question) and (question.callable.name, question.equation.id) == wanted:
            return mapped_question(question, loaded.aim(place), loaded.runner(place))
    failures = "; ".join(failure.headline for failure in loaded.runner(place).failures)
    raise SpecError(failures or f"its module declares no {wanted[0]} of {asked.equation}")


def unjudged(asked: Asked) -> Found:
    """The source of an implementation that is shown without being judged.

    Raises:
        SpecError: its source is not found.
    """
    _, aim = parse_target(asked.target)
    file, name = source_of(aim), getattr(aim, "callable", None)
    listing = source_listing(file, name) if file is not None and name else None
    if file is None or listing is None:
        raise SpecError(f"{asked.target} has no source that can be shown", expected="module:function")
    title = f"<h2>The implementation, {escape(page.file_name(file))}</h2>"
    view = f'<section class="view implementation">{title}{listing.html()}</section>'
    html = f'<div class="views column" data-equation="{escape(asked.equation)}">{view}</div>'
    return Found("", "", html, (str(file),), {})


def _found(one: Mapped, asked: Asked) -> Found:
    file = source_of(one.target)
    html = page.mapped_views(one, file, asked.views)
    files: Sequence[str] = [str(file)] if file is not None else []
    verdict = one.verdict
    facts = {
        "implementation": verdict.implementation,
        "dtype": verdict.dtype,
        "text": page.verdict_text(one),
        "links": str(len(one.links)),
        "caught": f"{verdict.killed} of {verdict.of}" if verdict.of else "",
        "tried": json.dumps(verdict.tried),
        "largest": f"{one.largest:.2g}" if one.largest is not None else "",
    }
    return Found(verdict.verdict.value, page.why(one), html, tuple(files), facts)
