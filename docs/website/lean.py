"""The styles of the theme, without the rules that no page of the site uses; and what a page weighs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

SHEETS = ("_static/styles/pydata-sphinx-theme.css", "_static/pygments.css", "_static/basic.css")
"""The sheets of the theme."""
MARK = "/* The rules that the pages of this site use. */\n"
TOGGLE = '<summary><span class="toctree-toggle"'
"""What opens a part of the theme's navigation: a sign alone, which screen readers cannot name."""
TOGGLES = {"en": "The pages below", "zh-CN": "下级页面"}
"""{language: what it is called}."""
CHINESE = {
    ">Collapse Sidebar<": ">收起侧边栏<",
    ">Expand Sidebar<": ">展开侧边栏<",
    '"Search the docs ..."': '"搜索文档"',
    "© Copyright the attnspec developers.": "© attnspec 的开发者",
}
"""What the theme has no Chinese for."""
LONG = re.compile(
    r'(<a class="reference internal" href="[^"]*">|<span class="pre">(?=[\w.:]{28}))([\w.:]+)(?=</(?:a|span)>)'
)
"""A name in the navigation, or a long one in a text, which may be broken after its signs."""
KEPT = ("fa-",)
"""How the classes of icons begin: the site has signs of its own for those that the theme writes."""


def slim(site: Path, styles: Path) -> None:
    """Leave out of the theme's sheet the rules for classes that nothing names, and files that no page loads.

    Args:
        site: the folder of the pages.
        styles: a folder, which keeps the whole sheets.
    """
    unused = [site / f"_static/scripts/{name}.js" for name in ("bootstrap", "fontawesome")]
    for left in [*unused, *site.rglob("*.map"), *(site / "_static/vendor").rglob("*.woff2")]:
        left.unlink(missing_ok=True)
    words: set[str] = set()
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        if (said := named(text)) != text:
            page.write_text(said, "utf-8")
        for names in re.findall(r'(?:class|id)="([^"]*)"', text):
            words.update(names.split())
    for script in (site / "_static").rglob("*.js"):
        words.update(re.findall(r"[\w-]+", script.read_text("utf-8")))
    for name in SHEETS:  # Sphinx writes a sheet only once: a later build starts from the whole one again
        sheet = site / name
        whole = styles / Path(name).name
        text = sheet.read_text("utf-8")
        if whole.is_file() and text.startswith(MARK):
            text = whole.read_text("utf-8")
        whole.parent.mkdir(exist_ok=True)
        whole.write_text(text, "utf-8")
        sheet.write_text(MARK + _without_unused("".join(_rules(text, words))), "utf-8")


def named(text: str) -> str:
    """A page whose navigation names all that can be pressed, in its language; long names can be broken."""
    language = "zh-CN" if '<html lang="zh-CN"' in text else "en"
    text = text.replace(TOGGLE, TOGGLE.replace(">", f' aria-label="{TOGGLES[language]}">', 1))
    for english, chinese in CHINESE.items() if language == "zh-CN" else ():
        text = text.replace(english, chinese)
    return LONG.sub(lambda found: found[1] + re.sub(r"([._:])", r"\1<wbr>", found[2]), text)


def _without_unused(text: str) -> str:
    """A sheet without the properties of its own that nothing reads."""
    read: set[str] = set()

    def kept(found: re.Match[str]) -> str:
        return found[0] if found[1] in read else ""

    while True:
        read = set(re.findall(r"var\((--[\w-]+)", text)) | {"--pst-color-border", "--pst-color-text-base"}
        shorter = re.sub(r"(?<=[{;])(--[\w-]+):[^;}]*(?:;|(?=}))", kept, text)
        if shorter == text:
            return text
        text = shorter


def _rules(text: str, words: Collection[str]) -> Iterator[str]:
    """The rules of a sheet that may apply."""
    for head, body in _blocks(re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)):
        if not body:
            continue
        if head.startswith("@font-face") or "Font Awesome" in body:
            continue
        if head.startswith(("@media", "@supports", "@layer")):
            inner = "".join(_rules(body, words))
            if inner:
                yield f"{head}{{{inner}}}"
        elif head.startswith("@"):
            yield f"{head}{{{body}}}"
        else:
            used = [each for each in _selectors(head) if _may_apply(each, words)]
            if used:
                yield f"{','.join(used)}{{{body}}}"


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """The heads of rules with what stands between their braces; nested ones stay in one piece."""
    place = 0
    while (opened := text.find("{", place)) >= 0:
        head = text[place:opened].rpartition(";")[2].strip()
        depth, end = 1, opened + 1
        while depth and end < len(text):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield head, text[opened + 1 : end - 1]
        place = end


def _selectors(head: str) -> list[str]:
    """The selectors of a rule, which commas outside brackets part."""
    found, depth = [""], 0
    for letter in head:
        depth += {"(": 1, ")": -1, "[": 1, "]": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return found


def _may_apply(selector: str, words: Collection[str]) -> bool:
    plain = re.sub(r":(?:not|is|where|has)\([^)]*\)|\[[^\]]*\]", "", selector)
    names = re.findall(r"\.((?:\\.|[\w-])+)", plain)
    return all(name.replace("\\", "") in words and not name.startswith(KEPT) for name in names)


def weight(site: Path, page: str) -> dict[str, int]:
    """The bytes that a page loads: its own, and those of each style, script and font that it names."""
    file = site / page
    text = file.read_text("utf-8")
    found = {page: len(text.encode())}
    for name in re.findall(r'<(?:link|script)\b[^>]*?(?:href|src)="([^"#?]+\.(?:css|js))[^"]*"', text):
        if "://" not in name:
            asset = (file.parent / name).resolve()
            found |= _with_imports(asset, site.resolve())
    return found


def _with_imports(asset: Path, site: Path) -> dict[str, int]:
    """The bytes of a file and of the styles that it imports."""
    found = {asset.relative_to(site).as_posix(): asset.stat().st_size}
    for name in re.findall(r'@import\s+"([^"]+)"', asset.read_text("utf-8")) if asset.suffix == ".css" else ():
        found |= _with_imports((asset.parent / name).resolve(), site)
    return found


def loads(text: str) -> list[str]:
    """The addresses elsewhere that a page would load, which are none."""
    tags = re.findall(r"<(?:link|script|img|iframe|source|object|embed|video|audio)\b[^>]*>", text)
    return [
        address
        for tag in tags
        for address in re.findall(r'(?:src|href|data)="((?:https?:)?//[^"]*)"', tag)
        if 'rel="canonical"' not in tag
    ]
