"""The index of the search, compressed: the browser expands it."""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from pathlib import Path

NAME = "searchindex.js"
START, END = "Search.setIndex(", ")"
"""What stands around the index that Sphinx writes, which is JSON."""

EXPAND = """(async packed => {
  const bytes = Uint8Array.from(atob(packed), sign => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  Search.setIndex(await new Response(stream).json());
})"""
"""What the script of the index does; the search waits for an index that comes late."""


def pack(file: Path, whole: Path) -> None:
    """Write an index in few bytes, and keep it as Sphinx has written it.

    Args:
        file: the index, which Sphinx reads in its next run: `restore` puts it back.
        whole: the file that keeps it.
    """
    text = file.read_text("utf-8")
    if not text.startswith(START + "{"):
        return
    whole.write_text(text, "utf-8")
    index = json.loads(text[len(START) : -len(END)])
    index["filenames"] = []  # no script reads them
    index["indexentries"] = {}  # they are among the objects; and Sphinx forgets them where it reads a page no more
    shown = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
    packed = b64encode(zlib.compress(shown.encode(), 9)).decode()
    file.write_text(f'{EXPAND}("{packed}")', "utf-8")


def restore(file: Path, whole: Path) -> None:
    """Put the index back that Sphinx has written, before it runs again."""
    if whole.is_file() and file.is_file():
        file.write_text(whole.read_text("utf-8"), "utf-8")
