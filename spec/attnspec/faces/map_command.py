"""`attnspec map ID TARGET`: write the page on which an implementation and its equation stand side by side."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from attnspec.errors import SpecError, TargetError
from attnspec.faces.outputs import check_file
from attnspec.faces.screen import Screen
from attnspec.pages.code_views import implementation_listings, source_of
from attnspec.pages.page import anchors_text, mapped_page
from attnspec.verification.mapping import Mapped, mapped
from attnspec.verification.options import VerifyOptions


def write_map(target: str, options: VerifyOptions, out: str) -> int:
    """Judge one implementation, and write its page.

    Args:
        target: the implementation, as `attnspec.verify` takes it.
        options: the options of `attnspec.verify`, with the equation.
        out: the file to write; "-" is the standard output.

    Returns:
        The exit code: 0 if it conforms and its anchor comments are true, else 1.

    Raises:
        TargetError: no implementation of the equation, or several, are in the target.
        SpecError: the file cannot be written; and as `attnspec.verify` does.
    """
    if out != "-":
        check_file(Path(out))
    screen = Screen(stderr=out == "-")
    with screen.progress(target) as show_stage:
        found, notes = mapped(target, options, show_stage)
    [one] = _only(found, target, notes)
    file = source_of(one.target)
    page = mapped_page(one, file)
    listed = implementation_listings(one, file)
    untrue = [f"{Path(path).name}: {each}" for path, shown in listed for each in anchors_text(one, path, shown)]
    if out == "-":
        sys.stdout.write(page)
    else:
        write(Path(out), page)
        linked = f"{len(one.links)} links" if one.links else f"no links, as {one.unlinked}"
        screen.print(
            f"{one.verdict.verdict}: {one.equation.id}, {one.verdict.implementation}; {linked}; written to {out}"
        )
    for sentence in untrue:
        screen.print(sentence)
    return 0 if one.verdict.passed and not untrue else 1


def write(path: Path, page: str) -> None:
    """Write a page.

    Raises:
        SpecError: it cannot be written.
    """
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise SpecError(
            f"{path} cannot be written", given=str(error), mend="name a file in a folder that exists"
        ) from None


def _only(found: Sequence[Mapped], target: str, notes: Sequence[str]) -> Sequence[Mapped]:
    if len(found) == 1:
        return found
    names = ", ".join(each.callable for each in found)
    if not found:
        raise TargetError(f"nothing in {target} could be mapped", given="; ".join(notes) or target)
    raise TargetError(
        f"{len(found)} implementations are in {target}",
        given=names,
        expected="one",
        mend=f"name it: {target}:{found[0].callable}",
    )
