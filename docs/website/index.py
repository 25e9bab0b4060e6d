"""The index of the search in few bytes: which pages have a word, as the gaps between their numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

NAME = "searchindex.js"
START, END = "Search.setIndex(", ")"
"""What stands around the index that Sphinx writes, which is JSON."""

FIRST, WIDEST, MORE = 35, 56, "~"
"""A gap g is the sign with the code FIRST + g; MORE is a gap of WIDEST after which no page follows."""

UNPACK = f"""(index => {{
  for (const words of [index.terms, index.titleterms])
    for (const [word, gaps] of Object.entries(words))
      if (typeof gaps === "string") {{
        let page = -1;
        words[word] = [];
        for (const sign of gaps)
          if (sign === "{MORE}") page += {WIDEST};
          else words[word].push(page += sign.charCodeAt(0) - {FIRST});
      }}
  return index;
}})"""
"""What makes the index of Sphinx of the packed one, in the browser."""


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
    index: dict[str, Any] = json.loads(text[len(START) : -len(END)])
    index |= {name: _packed(index[name]) for name in ("terms", "titleterms")}
    index["filenames"] = []  # no script reads them
    index["indexentries"] = {}  # they are among the objects; and Sphinx forgets them where it reads a page no more
    shown = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
    file.write_text(f"{START}{UNPACK}({shown}){END}", "utf-8")


def restore(file: Path, whole: Path) -> None:
    """Put the index back that Sphinx has written, before it runs again."""
    if whole.is_file() and file.is_file():
        file.write_text(whole.read_text("utf-8"), "utf-8")


def _packed(words: Mapping[str, int | Sequence[int]]) -> dict[str, int | str]:
    return {word: pages if isinstance(pages, int) else gaps(pages) for word, pages in words.items()}


def gaps(pages: Sequence[int]) -> str:
    """Numbers of pages as a text without quotation marks and backslashes."""
    found, before = "", -1
    for page in sorted(pages):
        more, gap = divmod(page - before - 1, WIDEST)
        found += MORE * more + chr(FIRST + gap + 1)
        before = page
    return found
