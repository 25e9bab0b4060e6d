"""What tests of pages ask a browser: it is Chromium, without a network, and with a script that finds terms."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None,
    reason="not run: there is no Chromium; to mend, apt-get install chromium (Debian), or put it on PATH",
)

SAID = {
    "formula": "formula",
    "figure": "data flow",
    "specification": "source",
    "implementation": "no array of the code",
}
"""{view: what the note says of a view in which a term does not stand}."""

SCRIPT = """
const VIEWS = ['formula', 'figure', 'specification', 'implementation'];
const all = () => [...document.querySelectorAll('.attnspec [data-key], .attnspec [data-at]')];
const home = (e) => (e.closest('[data-equation]') || {dataset: {equation: ''}}).dataset.equation;
const view = (e) => VIEWS.find((kind) => e.closest('.view.' + kind)) || '';
const at = (x, y) => {
  const hit = document.elementFromPoint(x, y);
  return hit && hit.closest('.attnspec [data-key]');
};
const grid = (e, n) => {
  const box = e.getBoundingClientRect(), points = [];
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++)
    points.push([box.left + box.width * (i + .5) / n, box.top + box.height * (j + .5) / n]);
  return points;
};
const go = (e, inline) => e.scrollIntoView({block: 'center', inline, behavior: 'instant'});
window.asked = {
  terms: () => all().map((e, i) => ({
    place: i, view: view(e), equation: home(e), keys: (e.dataset.key || '').split(' ').filter(Boolean),
    text: e.textContent, focusable: e.tabIndex >= 0, line: e.matches('.codeline'), tag: e.tagName,
  })),
  lit: () => all().flatMap((e, i) => e.classList.contains('lit') ? [i] : []),
  near: () => all().flatMap((e, i) => e.classList.contains('near') ? [i] : []),
  pinned: () => all().flatMap((e, i) => e.classList.contains('pinned') ? [i] : []),
  focused: () => all().indexOf(document.activeElement),
  focus: (i) => all()[i].focus(),
  status: () => document.querySelector('.attnspec-status').textContent,
  // A point of a term where no smaller term is, after the page is scrolled to it; null if smaller ones cover it.
  point: (i) => {
    for (const inline of ['center', 'start', 'end']) {
      go(all()[i], inline);
      const found = grid(all()[i], 11).find(([x, y]) => at(x, y) === all()[i]);
      if (found) return found;
    }
    return null;
  },
  // The share of a grid over a term's box that belongs to it or to a smaller term; null if much of it is not in view.
  share: (i) => {
    const e = all()[i];
    go(e, 'center');
    const points = grid(e, 7).filter(([x, y]) => x > 0 && y > 0 && x < innerWidth && y < innerHeight);
    const hits = points.filter(([x, y]) => { const hit = at(x, y); return hit && e.contains(hit); });
    return points.length < 25 ? null : hits.length / points.length;
  },
  // The time from a pointer that comes to a term to a page that is laid out with its highlight, in ms.
  time: (i) => {
    const e = all()[i], begun = performance.now();
    e.dispatchEvent(new PointerEvent('pointerover', {bubbles: true}));
    document.body.getBoundingClientRect();
    return performance.now() - begun;
  },
  shown: () => [asked.lit(), asked.near(), asked.status()],
  // What each term shows when it is pointed at, without a pointer.
  sweep: () => all().flatMap((e, i) => {
    if (!e.dataset.key) return [];
    e.dispatchEvent(new PointerEvent('pointerover', {bubbles: true}));
    return [[i, asked.shown()]];
  }),
  style: (i, name, part) => getComputedStyle(part ? all()[i].querySelector(part) : all()[i])[name],
};
"""


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Any, file: Path, query: str = "", **options: Any) -> Iterator[Any]:
    """A page from a disk, without a network; it fails if the page asks for anything or says an error."""
    context = browser.new_context(**{"offline": True, "viewport": {"width": 1440, "height": 900}, **options})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "request", lambda request: said.append(request.url) if not request.url.startswith(("file:", "data:")) else None
    )
    page.add_init_script(SCRIPT)
    try:
        page.goto(file.as_uri() + query)
        yield page
        assert said == [], said
    finally:
        context.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Print no line for a request."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder on this machine, for pages that read others of their folder."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
