"""`attnspec docs --out DIR`: write a site of the catalogue, or of equations and implementations of one's own."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from attnspec.errors import SpecError
from attnspec.faces.outputs import check_folder
from attnspec.faces.screen import Screen
from attnspec.language.equation import REGISTRY, Equation
from attnspec.pages import site
from attnspec.pages.code_views import source_of
from attnspec.pages.page import equation_page, mapped_page
from attnspec.verification.mapping import mapped
from attnspec.verification.options import VerifyOptions
from attnspec.verification.targeting import load_own_equations, parse_target

MANIFEST = ".attnspec-docs.json"
"""The file in which a site keeps what its pages were made of."""

CATALOGUE = "attnspec.equations."


def write_site(out: str, targets: Sequence[str], options: VerifyOptions, own: bool, fresh: bool) -> int:
    """Write a site, or what has changed of one.

    Args:
        out: the folder.
        targets: the implementations, as `attnspec.verify` takes them.
        options: the options of `attnspec.verify`.
        own: whether equations beside the catalogue were named.
        fresh: whether all is made anew.

    Returns:
        The exit code: 0 if all implementations conform, else 1.

    Raises:
        SpecError: the folder cannot be written, or there is nothing to write; and as `attnspec.verify` does.
    """
    check_folder(Path(out))
    run = _Site(Path(out), options, {} if fresh else _manifest(Path(out)))
    for target in targets:
        run.judge(target)
    equations = _equations(own, [each.equation for each in run.judged])
    if not equations:
        raise SpecError(
            "there are no equations to write a site of",
            given=", ".join(options.equations),
            expected="a file or module with a function under @attnspec.equation",
            mend="docs/notation.md says how to write one",
        )
    for equation in equations:
        run.equation(equation, {each.id for each in equations})
    run.finish(equations)
    return 0 if all(each.verdict == "conforms" for each in run.judged) and not run.notes else 1


def _equations(own: bool, claimed: Sequence[str]) -> list[Equation[..., Any]]:
    """The equations of the site: those of one's own and those that implementations claim; else the catalogue."""
    registered = [*REGISTRY.values()]
    if not own and not claimed:
        return registered
    wanted = {each.id for each in registered if own and not each.function.__module__.startswith(CATALOGUE)}
    return [each for each in registered if each.id in wanted | {*claimed}]


def _manifest(folder: Path) -> dict[str, Any]:
    """What the pages of a site were made of; nothing if there is no site yet, or an unreadable one."""
    try:
        found = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@dataclass
class _Site:
    """A site that is being written.

    Attributes:
        folder: where it is.
        options: the options of `attnspec.verify`.
        before: what its pages were made of.
        pages: {page: digest of what it is made of}.
        targets: {target: its digest, and its implementations}.
        judged: the implementations.
        notes: a sentence for each implementation that could not be judged.
        written: the number of pages that were written.
    """

    folder: Path
    options: VerifyOptions
    before: dict[str, Any]
    pages: dict[str, str] = field(default_factory=dict)
    targets: dict[str, Any] = field(default_factory=dict)
    judged: list[site.Judged] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    written: int = 0
    screen: Screen = field(default_factory=Screen)

    def judge(self, target: str) -> None:
        """Judge the implementations of a target and write their pages, unless nothing of them has changed."""
        _, aim = parse_target(target)
        digest = site.target_digest(aim, repr(self.options))
        known = self.before.get("targets", {}).get(target, {})
        if digest and known.get("digest") == digest and all((self.folder / page).is_file() for page in known["pages"]):
            found = [site.Judged(**each) for each in known["judged"]]
            load_own_equations(aim, [each.equation for each in found])
            self.pages |= dict.fromkeys(known["pages"], digest)
        else:
            found = self._anew(target, digest)
        pages = [each.page for each in found]
        self.judged += found
        if not self.notes:
            self.targets[target] = {"digest": digest, "pages": pages, "judged": [asdict(each) for each in found]}

    def _anew(self, target: str, digest: str) -> list[site.Judged]:
        with self.screen.progress(target) as show_stage:
            found, notes = mapped(target, self.options, show_stage)
        self.notes += notes
        for each in found:
            page = site.judged(each).page
            self.pages[page] = digest
            self.written += 1
            self.put(self.folder / page, mapped_page(each, source_of(each.target), site.INDEX))
            self.screen.print(f"{each.verdict.verdict}: {each.equation.id}, {each.verdict.implementation}")
        return [site.judged(each) for each in found]

    def equation(self, equation: Equation[..., Any], known: Collection[str]) -> None:
        """Write the page of an equation, unless nothing of it has changed.

        Args:
            known: the ids of all equations that have pages.
        """
        links = site.links_to([each for each in self.judged if each.equation == equation.id])
        page, digest = site.page_of(equation), site.equation_digest(equation, links)
        path = self.folder / page
        self.pages[page] = digest
        if self.before.get("pages", {}).get(page) != digest or not path.is_file():
            self.written += 1
            self.put(path, equation_page(equation, site.INDEX, links, known))

    def put(self, path: Path, text: str) -> None:
        """Write a file.

        Raises:
            SpecError: it cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise SpecError(f"{path} cannot be written", given=str(error), mend="name another folder") from None

    def finish(self, equations: Sequence[Equation[..., Any]]) -> None:
        """Write the index, remove pages of what is no longer there, and tell what was done."""
        self.put(self.folder / site.INDEX, site.index_page(equations, self.judged))
        for page in self.before.get("pages", {}).keys() - self.pages.keys():
            (self.folder / Path(page).name).unlink(missing_ok=True)
        self.put(self.folder / MANIFEST, json.dumps({"pages": self.pages, "targets": self.targets}, indent=1))
        for note in self.notes:
            self.screen.print(note)
        self.screen.print(f"{len(self.pages)} pages, {self.written} of them written: {self.folder / site.INDEX}")
