"""The configuration of Sphinx for the site. `build.py` writes the sources and runs it."""

from __future__ import annotations

from attnspec import __version__

project = "attnspec"
version = release = __version__
copyright = "the attnspec developers"
extensions = ["attnspec.sphinx", "myst_parser"]
exclude_patterns = ["files"]
templates_path = ["templates"]
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
html_sidebars: dict[str, list[str]] = {"index": [], "map": [], "mistakes": [], "gallery": []}
html_theme_options = {
    "logo": {"text": "attnspec"},
    "collapse_navigation": True,
    "navigation_depth": 3,
    "show_nav_level": 1,
    "header_links_before_dropdown": 8,
    "disable_search": True,
    "navbar_persistent": ["to-search"],
    "navbar_end": ["mode"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "back_to_top_button": False,
    "show_prev_next": True,
    "shorten_urls": False,
}
