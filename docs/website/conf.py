"""The configuration of Sphinx for the site. `build.py` writes the sources and runs it."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.search.zh import SearchChinese

from attnspec import __version__

project = "attnspec"
version = release = __version__
copyright = "the attnspec developers"
extensions = ["attnspec.sphinx", "myst_parser"]
exclude_patterns = ["files"]
templates_path = ["templates"]
locale_dirs = [str(Path(__file__).parent / "locale")]
gettext_auto_build = False  # its catalogs are for attnspec, and hold no sentences of the guides
myst_heading_anchors = 4
myst_links_external_new_tab = False

suppress_warnings = ["misc.highlighting_failure"]  # some examples in the guides leave out a part with …

html_theme = "pydata_sphinx_theme"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_title = "attnspec"
html_copy_source = False
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_sidebars: dict[str, list[str]] = {"index": [], "map": [], "mistakes": [], "gallery": [], "glossary": []}
html_theme_options = {
    "logo": {"text": "attnspec"},
    "collapse_navigation": True,
    "navigation_depth": 3,
    "show_nav_level": 1,
    "header_links_before_dropdown": 8,
    "disable_search": True,
    "navbar_persistent": ["to-search"],
    "navbar_end": ["in-other-language", "mode"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "back_to_top_button": False,
    "show_prev_next": True,
    "shorten_urls": False,
}


MADE = ("genindex", "search")
"""Pages that Sphinx makes in each language."""


def in_other_language(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: object) -> None:
    """Tell the templates where the page is in the other language; what has no counterpart leads to the front page."""
    is_english = app.config.language == "en"
    source = Path(app.srcdir).parent / ("source.zh_CN" if is_english else "source")
    name = page if page in MADE or (source / f"{page}.md").is_file() else "index"
    up = "../" * (page.count("/") + (not is_english))
    context["other_language"] = {
        "address": f"{up}{'zh/' if is_english else ''}{name}.html",
        "code": "zh-CN" if is_english else "en",
        "name": "中文" if is_english else "English",
        "says": "本页的中文版" if is_english else "This page in English",
    }


PARTICLES = "的是在和了它由从与"
"""Characters between the words that one searches for."""


class SearchPairs(SearchChinese):
    """Search in Chinese: words of Latin letters, and each two characters side by side, as nothing marks words."""

    language_name = "English"  # Sphinx 9.0 takes the name of the stemmer from it
    js_splitter_code = (
        f"""
const PARTICLES = /[{PARTICLES}]/g;
"""
        + """
function splitQuery(query) {
  const words = query.replace(PARTICLES, " ").match(/[\\u4e00-\\u9fff]+|[a-zA-Z0-9_]+/g) || [];
  return words.flatMap((word) => word[0] < "\\u4e00" || word.length < 3
    ? [word]
    : [...word.slice(1)].map((character, place) => word[place] + character));
}
"""
    )

    def split(self, input: str) -> list[str]:
        """The words of a text, as `splitQuery` splits what is searched for."""
        latin = self.latin1_letters.findall(input)
        self.latin_terms.update(latin)
        runs = re.findall("[\u4e00-\u9fff]+", re.sub(f"[{PARTICLES}]", " ", input))
        return [*latin, *(first + second for run in runs for first, second in pairwise(run))]


def setup(app: Sphinx) -> None:
    """Connect what the templates need, and the search in Chinese."""
    app.add_search_language(SearchPairs)
    app.connect("html-page-context", in_other_language)
