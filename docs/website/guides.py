"""The guides, the reference and the README as pages of the site: their links lead to the pages that the site has."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath

from writing import ROOT, Texts, anchor

ABOVE = {
    "README.md": "readme.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
"""Pages at the root of the repository, and their names on the site."""

INDEX = "documentation.md"
"""The name of docs/index.md on the site."""

LINK = re.compile(r"(?<!`)(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


class Guides:
    """The pages of docs, as the site has them.

    Args:
        equations: the ids of the equations that the site shows.
    """

    def __init__(self, equations: Collection[str]) -> None:
        self.equations: Mapping[str, str] = {anchor(id): id for id in equations}
        self.files: dict[str, Path] = {}
        docs = ROOT / "docs"
        listed = [*docs.glob("*.md"), *docs.glob("adr/*.md"), *docs.glob("reference/*.md")]
        self.places = {each: each.relative_to(docs).as_posix() for each in sorted(listed)}
        self.places[docs / "index.md"] = INDEX
        self.places |= {ROOT / name: place for name, place in ABOVE.items()}

    def all(self) -> Texts:
        """Every page, by its path; `files` then has the other files that they link to, by theirs."""
        found = {place: self.rewritten(source, place) for source, place in self.places.items()}
        # The changelog names everything, so that each search would find it.
        found[ABOVE["CHANGELOG.md"]] = "---\nnosearch: true\n---\n\n" + found[ABOVE["CHANGELOG.md"]]
        found[INDEX] = found[INDEX].replace("# attnspec", "# Guides and reference", 1)
        found[INDEX] += "\n" + "\n\n".join(self._trees(set(found) - {INDEX})) + "\n"
        return found

    def _trees(self, pages: Collection[str]) -> Iterator[str]:
        first = re.findall(r"\]\(([\w/.-]+\.md)", (ROOT / "docs/index.md").read_text("utf-8"))
        order = [*dict.fromkeys(each for each in first if each in pages), *sorted(pages)]
        for caption, folder in (("Guides", ""), ("Reference", "reference"), ("Decisions", "adr")):
            own = [each for each in dict.fromkeys(order) if str(PurePosixPath(each).parent) == (folder or ".")]
            lines = "\n".join(_entry(each) for each in own)
            yield f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{lines}\n```"

    def rewritten(self, source: Path, place: str) -> str:
        """A page with its links changed; what stands in blocks of code stays as it is."""
        parts = re.split(r"(^```.*?^```$)", source.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        for k in range(0, len(parts), 2):
            parts[k] = LINK.sub(lambda found: self._link(found, source, place), parts[k])
        return "".join(parts)

    def _link(self, found: re.Match[str], source: Path, place: str) -> str:
        picture, text, address = found.groups()
        if "://" in address or address.startswith(("#", "mailto:")):
            return found[0]
        path, _, fragment = address.partition("#")
        target = (source.parent / path).resolve()
        if target.parent == ROOT / "docs/equations":
            return self._equation(text, target.stem, fragment, place)
        if target in self.places:
            return f"{picture}[{text}]({_relative(self.places[target], place)}{'#' + fragment if fragment else ''})"
        if not target.is_file() or target.suffix == ".md":
            return text  # a folder or a page, which the site does not have
        name = f"files/{target.relative_to(ROOT).as_posix()}"
        self.files[name] = target
        return f"{picture}[{text}]({_relative(name, place)})"

    def _equation(self, text: str, family: str, fragment: str, place: str) -> str:
        if fragment:
            id = self.equations.get(fragment)
            return f"[{text}]({_relative(f'equations/{id}.md', place)})" if id else text
        return f"[{text}]({_relative('road.md', place)})"


def _entry(page: str) -> str:
    name = page.removesuffix(".md")
    return f"README <{name}>" if page == ABOVE["README.md"] else name


def _relative(target: str, place: str) -> str:
    return PurePosixPath(os.path.relpath(target, PurePosixPath(place).parent)).as_posix()
