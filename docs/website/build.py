"""Build the documentation site.

python docs/website/build.py                            all of it, into build/website/html
python docs/website/build.py --only recurrent.gru_cell  a part: these equations, without the guides
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # as a script; the modules of docs are no package

import peers  # noqa: E402  # likewise
from attnspec.discovery import discover  # noqa: E402  # the path is set above
from attnspec.language.equation import Equation  # noqa: E402  # likewise
from attnspec.pages.kept import Asked, Found, Kept  # noqa: E402  # likewise
from website import index, lean, pages, pictures  # noqa: E402  # likewise
from website.guides import Guides  # noqa: E402  # likewise
from website.language import CHINESE, ENGLISH, FOLDERS, Language  # noqa: E402  # likewise
from writing import ROOT, Texts, copy  # noqa: E402  # likewise

EXAMPLES = "example"
"""The folder of the code that is wrong on purpose, among the sources."""

JOBS = 2
"""The processes that judge, and that draw."""


def build(out: Path, only: Sequence[str] = (), judge: bool = True, fresh: bool = False) -> int:
    """Write the sources, judge what the site shows verdicts on, run Sphinx, and leave out styles that no page uses.

    Args:
        out: the folder; the site is in `html` below.
        only: the ids of the equations that are shown, without the guides; () for all.
        judge: whether implementations are judged; without it the pages say that they were not.
        fresh: whether all is made anew.

    Returns:
        The exit code of Sphinx, of which each warning is an error; 1 if something could not be judged.
    """
    if fresh:
        shutil.rmtree(out, ignore_errors=True)
    source, started = out / "source", time.monotonic()
    examples = (ROOT / "examples/swapped_gate.py", HERE / "candidates.py")
    write({f"{EXAMPLES}/{file.name}": file.read_text("utf-8") for file in examples}, source)
    discovery = discover()
    shown = [each for id, each in peers.catalogue().items() if not only or id in only]
    asked = pages.judged_at_build(shown, discovery) if judge else []
    verdicts, notes = judged(asked, out)
    say(f"{len(verdicts)} verdicts", started)
    draw(shown, out)
    say("pictures", started)
    for note in notes:
        print(note, file=sys.stderr)
    outcome = 0
    for name in (CHINESE, ENGLISH):  # the English pages link to the Chinese ones, which must be there
        language = Language(name)
        folder = source if name == ENGLISH else out / f"source.{name}"
        texts = pages.Pages(shown, discovery, verdicts, folder, language).all()
        if name == ENGLISH:
            texts |= with_guides(shown, source) if not only else STAND_INS
        write(texts, folder)
        remove_others(folder, texts)
        if not (folder / EXAMPLES).exists():
            (folder / EXAMPLES).symlink_to(source / EXAMPLES)  # one place, so that there is one verdict on each
        say(f"{len(texts)} pages in {name}", started)
    running = {name: sphinx(out, name) for name in FOLDERS}
    codes = {name: process.wait() for name, process in running.items()}
    for name, code in codes.items():
        outcome = outcome or code
        if code == 0:
            shrink(out, name)
        say(f"{out / 'html' / FOLDERS[name]}/index.html", started)
    return outcome or int(bool(notes))


GUIDES = ("sources", "conventions", "first-ten-minutes", "gradient-reach")
"""The guides that pages of equations and the front page link to."""

STAND_INS = {f"{name}.md": f"# {name}\n" for name in GUIDES} | {
    "documentation.md": "\n".join(["# documentation", "```{toctree}", ":hidden:", "", *GUIDES, "```", ""])
}
"""What stands in for the guides where a part of the site is built."""


def with_guides(shown: Sequence[Equation[..., Any]], source: Path) -> Texts:
    """The guides, whose files are copied to the sources."""
    guides = Guides([each.id for each in shown])
    texts = guides.all()
    for name, file in guides.files.items():
        copy(file, source / name)
    return texts


def sphinx(out: Path, language: str) -> subprocess.Popen[bytes]:
    """Start Sphinx on the pages of a language."""
    suffix, site, whole = folders(out, language)
    options = ["-W", "--keep-going", "-q", "-d", str(out / f"trees{suffix}"), "-c", str(HERE)]
    options += ["-D", f"attnspec_kept={out / 'verdicts'}", "-D", f"language={language}"]
    index.restore(site / index.NAME, whole / index.NAME)
    command = [sys.executable, "-m", "sphinx", "-b", "html", *options, str(out / f"source{suffix}"), str(site)]
    return subprocess.Popen(command)


def shrink(out: Path, language: str) -> None:
    """Leave out of the pages of a language what no reader needs, once Sphinx has written those of all languages."""
    _, site, whole = folders(out, language)
    lean.slim(site, whole)
    index.pack(site / index.NAME, whole / index.NAME)


def folders(out: Path, language: str) -> tuple[str, Path, Path]:
    """How the folders of a language end, that of its pages, and that of what they were before they were shrunk."""
    suffix = "" if language == ENGLISH else f".{language}"
    return suffix, out / "html" / FOLDERS[language], out / f"styles{suffix}"


def judged(asked: Sequence[Asked], out: Path) -> tuple[dict[Asked, Found], list[str]]:
    """The verdicts on implementations, of which those are kept that nothing has changed of; and what went wrong."""
    kept = Kept(out / "verdicts", modules=True)
    local = {each: placed(each, out) for each in asked}
    notes = kept.judge_all(local.values(), JOBS)
    return {each: answer for each, at in local.items() if (answer := kept.of(at)) is not None}, notes


def draw(equations: Sequence[Equation[..., Any]], out: Path) -> None:
    """Draw the pictures that have changed, in several processes; the pages then find them."""
    folder = out / pictures.KEPT
    ids = pictures.stale(equations, folder)
    if ids:
        with ProcessPoolExecutor(JOBS, get_context("spawn")) as pool:
            list(pool.map(partial(pictures.draw_kept, folder=folder), ids, chunksize=8))


def placed(asked: Asked, out: Path) -> Asked:
    """What is asked, with its file below the folder of the sources, as the extension of Sphinx asks it."""
    file, _, name = asked.target.rpartition(":")
    if not file.endswith(".py"):
        return asked
    return Asked(f"{out / 'source' / file}:{name}", asked.equation, asked.framework, asked.dtype, asked.views)


def write(texts: Texts, source: Path) -> None:
    """Write files whose text has changed, so that Sphinx reads only these."""
    for name, text in texts.items():
        file = source / name
        if not file.is_file() or file.read_text("utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")


def remove_others(source: Path, texts: Iterable[str]) -> None:
    """Remove pages that are no longer made."""
    wanted = set(texts)
    for file in source.rglob("*.md"):
        if file.relative_to(source).as_posix() not in wanted and "files" not in file.relative_to(source).parts:
            file.unlink()


def say(what: str, started: float) -> None:
    """Tell how far the build is."""
    print(f"{time.monotonic() - started:6.1f} s  {what}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build/website", help="the folder")
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="show these equations, without the guides")
    parser.add_argument("--no-verdicts", action="store_true", help="judge nothing")
    parser.add_argument("--fresh", action="store_true", help="make everything anew")
    given = parser.parse_args(arguments)
    return build(given.out.resolve(), given.only, not given.no_verdicts, given.fresh)


if __name__ == "__main__":
    sys.exit(main())
