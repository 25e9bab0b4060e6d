"""Verdicts with the HTML that shows them, kept in a folder until something of an implementation has changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

from attnspec.errors import SpecError
from attnspec.pages import page, site
from attnspec.pages.code_views import source_listing, source_of
from attnspec.verification.mapping import Mapped, mapped
from attnspec.verification.options import VerifyOptions
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

    def keep(self, asked: Asked, found: Found) -> None:
        """Keep a verdict, if it may be kept."""
        file = self._file(asked)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(asdict(found)), "utf-8")

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
        self.keep(asked, shown)
        return shown

    def judge_all(self, wanted: Iterable[Asked], on_judged: Callable[[Asked, Found], None]) -> list[str]:
        """Judge implementations that have no kept verdict. A module is imported once for all that is asked of it.

        Args:
            wanted: the implementations, each in a module or file that declares what it implements.
            on_judged: called with each verdict.

        Returns:
            A sentence for each that could not be judged.
        """
        places: dict[tuple[str, str | None], list[Asked]] = {}
        for asked in wanted:
            if self.of(asked) is None:
                places.setdefault((asked.target.rpartition(":")[0], asked.dtype), []).append(asked)
        notes: list[str] = []
        for (place, _), group in places.items():
            by_name = {(asked.target.rpartition(":")[2], asked.equation): asked for asked in group}
            found, said = mapped(place, replace(group[0].options, equation=None), only=by_name)
            notes += said
            for each in found:
                asked = by_name[each.callable, each.equation.id]
                shown = _found(each, asked)
                self.keep(asked, shown)
                on_judged(asked, shown)
        return notes

    def _file(self, asked: Asked) -> Path | None:
        _, aim = parse_target(asked.target)
        if self.modules and isinstance(aim, Module):
            source = source_of(aim)
            aim = File(source, aim.callable) if source is not None else aim
        state = site.target_digest(aim, repr(asked))
        return self.folder / f"{state}.json" if state else None


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
    title = f"<h2>The implementation, {escape(file.name)}</h2>"
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
        "text": str(verdict),
        "links": str(len(one.links)),
        "caught": f"{verdict.killed} of {verdict.of}" if verdict.of else "",
        "tried": json.dumps(verdict.tried),
        "largest": f"{one.largest:.2g}" if one.largest is not None else "",
    }
    return Found(verdict.verdict.value, page.why(one), html, tuple(files), facts)
