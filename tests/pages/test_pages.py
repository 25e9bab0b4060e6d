"""A page shows the source as it is, its links are those of the run, and it needs nothing but itself."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from attnspec import REGISTRY
from attnspec.pages.anchors import untrue_anchors
from attnspec.pages.code_views import equation_listing
from attnspec.pages.listing import Listing, Marked, Tap
from attnspec.pages.page import anchors_text, equation_page
from attnspec.verification.diagnosis.links import Link
from attnspec.verification.mapping import Mapped

EQUATIONS = [item for item in REGISTRY.values() if item.function.__module__.startswith("attnspec.equations.")]
VOID = {"meta", "link", "input", "br", "wbr"}
STRANGER = '''
import numpy as np
from attnspec import Source, equation, implements
from attnspec.notation import Float, Tensor, sigmoid, tanh


@equation(Source("own", "leaky unit"))
def leaky_unit(
    x: Float[Tensor, " d"], h: Float[Tensor, " u"], W: Float[Tensor, "d u"], V: Float[Tensor, "d u"],
) -> Float[Tensor, " u"]:
    """A unit that forgets & <keeps>."""
    g = sigmoid(x @ V)  # how much is kept
    n = tanh(x @ W)  # what is new
    return g * h + (1 - g) * n


@implements("{module}.leaky_unit", framework="numpy")
def unit(x, h, W, V):
    both = x @ np.concatenate([W, V], axis=1)
    u = h.shape[-1]
    keep = 1 / (1 + np.exp(-both[..., u:]))  #: g
    fresh = np.tanh(both[..., :u])
    return fresh + keep * (h - fresh)
'''


class Tree(HTMLParser):
    """Reads a page: its elements with their attributes, and the text and the element around each."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str]]] = []
        self.elements: list[tuple[str, dict[str, str], tuple[str, ...], list[str]]] = []
        self.texts: list[list[str]] = []
        self.feed(page)
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        text: list[str] = []
        scope = [each.get("data-equation", "") for _, each in [*self.open, (tag, own)] if "data-equation" in each]
        self.elements.append(
            (tag, own, tuple(each.get("class", "") for _, each in self.open) + tuple(scope[-1:]), text)
        )
        if tag not in VOID:
            self.open.append((tag, own))
            self.texts.append(text)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1][0] == tag, f"</{tag}> closes {self.open[-1]}"
        self.open.pop()
        self.texts.pop()

    def handle_data(self, data: str) -> None:
        for text in self.texts:
            text.append(data)

    def of_class(self, name: str) -> Iterator[tuple[dict[str, str], str]]:
        return ((own, "".join(text)) for _, own, _, text in self.elements if name in own.get("class", "").split())

    def keys(self, view: str) -> set[str]:
        """The keys of a view, each with its equation."""
        found = set()
        for _, own, around, _ in self.elements:
            if view in " ".join(around[:-1]).split() and "data-key" in own:
                found |= {f"{around[-1]}|{key}" for key in own["data-key"].split()}
        return found


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, since equations stay registered."""
    command = [sys.executable, "-m", "attnspec", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def check_page(page: str) -> Tree:
    """It is well formed, names no address that is fetched, and is small."""
    assert len(page.encode()) < 300_000
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#|[\w.-]+\.html)[^"']*""", page)
    assert "@import" not in page
    assert "url(" not in page
    return Tree(page)


@pytest.mark.parametrize(
    "id",
    [pytest.param(item.id, marks=() if place % 16 == 0 else pytest.mark.broad) for place, item in enumerate(EQUATIONS)],
)
def test_the_source_of_an_equation_is_shown_as_it_is(id: str) -> None:
    """The text of the listing is that of the file, and every name and part of the formula is in it."""
    equation = REGISTRY[id]
    listing = equation_listing(equation)
    assert listing is not None
    shown = Tree(listing.html())
    numbers = [number for _, number in shown.of_class("no")]
    lines = [text.removeprefix(number) for (_, text), number in zip(shown.of_class("codeline"), numbers, strict=True)]

    assert "".join(lines) == inspect.getsource(equation.function)
    marked = {key for _, own, _, _ in shown.elements for key in own.get("data-key", "").split()}
    formula = set(re.findall('data-key="([^"]*)"', equation.mathml()))
    assert {key for key in formula if key.startswith("n:")} <= marked


@pytest.mark.parametrize(
    "id", ["recurrent.gru_cell", "attention.scaled_dot_product", "recurrent.lstm", "backward.lstm"]
)
def test_a_term_of_the_formula_is_in_the_figure_and_in_the_source(id: str) -> None:
    """Every operation of the figure is a term of the formula, and every term is in the source."""
    tree = check_page(equation_page(REGISTRY[id]))
    formula, figure, source = tree.keys("formula"), tree.keys("figure"), tree.keys("specification")

    assert figure <= formula
    assert formula - source == set()
    assert figure


def test_a_derived_gradient_has_a_page_without_a_source() -> None:
    page = equation_page(REGISTRY["recurrent.gru_cell"].gradient())

    check_page(page)
    assert "derived from those of another equation" in page or "backward" in page


def test_marks_and_lines() -> None:
    source = "a = b\nfor c in (a +\n  b): pass\n"
    marks = [Marked(4, 5, ("n:b",)), Marked(16, 25, ("t:1", "t:2")), Marked(23, 24, ("n:b",), "other")]
    html = Listing(source, [(1, 1), (2, 3)], marks, {2: [Tap("n:z", "z"), Tap("t:9")]}).html()
    tree = Tree(html)

    assert 'a = <span data-key="n:b">b</span>' in re.sub(r'<span class="\w+">([^<]*)</span>', r"\1", html)
    assert html.count('data-key="t:1 t:2"') == 2  # closed at the end of the line, and opened again
    assert [own.get("data-at") for own, _ in tree.of_class("codeline")] == [None, "|n:z |t:9", None]
    assert html.count("<button") == 1
    assert html.count("⋮") == 1


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "leaks.py").write_text(STRANGER.replace("{module}", "leaks"), encoding="utf-8")
    return folder


def test_one_command_makes_one_page_of_a_strangers_file(stranger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdict is in it, and code and formula are linked by values, with no word from the stranger."""
    monkeypatch.chdir(stranger)
    done = run("map", "leaks.leaky_unit", "leaks.py", "--out", "page.html")
    page = (stranger / "page.html").read_text(encoding="utf-8")
    tree = check_page(page)

    assert done.returncode == 0, done.stdout
    assert "conforms: leaks.leaky_unit, leaks.py:unit; " in done.stdout
    assert "is marked" not in done.stdout, "the anchor is true"
    assert "A unit that forgets &amp; &lt;keeps&gt;." in page
    code, formula = tree.keys("implementation"), tree.keys("formula")
    assert code <= formula
    assert {"leaks.leaky_unit|n:g", "leaks.leaky_unit|n:n", "leaks.leaky_unit|n:W"} <= code
    numbers = [text for _, text in tree.of_class("no")]
    lines = dict(zip(numbers, [own.get("data-at", "") for own, _ in tree.of_class("codeline")], strict=True))
    keep = next(number for number, text in enumerate(STRANGER.splitlines(), 1) if text.startswith("    keep"))
    assert "|n:g" in lines[str(keep)].split()
    assert "|n:n" in lines[str(keep + 1)].split()
    assert "|n:n" not in lines[str(keep)].split()


def test_an_anchor_is_true_where_its_value_is_made_or_is_within_what_is_made() -> None:
    """The anchor of a statement of several lines counts for each of them; one of another equation is none of this."""
    source = """def f(q, k, v):
    e = q @ k.T  #: e
    return fused(
        e, v)  #: alpha
    x = 1  #: the width
    y = 2  #: alpha, e
    z = 3  #: other
"""
    equation = REGISTRY["attention.scaled_dot_product"]
    links = [
        Link(equation.id, key, "", shown, "f.py", line, "f", "")
        for key, shown, line in (("n:e", "e_ij", 2), ("n:c", "c_i", 3))
    ]
    one = cast(Mapped, SimpleNamespace(equation=equation, links=links))

    assert untrue_anchors(one, "f.py", Listing(source, [(1, 7)])) == {6: ["alpha", "e"]}
    assert untrue_anchors(one, "f.py", Listing(source, [(1, 2)])) == {}, "what is not shown"
    assert list(anchors_text(one, "f.py", Listing(source, [(1, 7)]))) == [
        "Line 6 is marked alpha, e, but no array there has that value."
    ]
    unlinked = cast(Mapped, SimpleNamespace(equation=equation, links=[]))
    assert untrue_anchors(unlinked, "f.py", Listing(source, [(1, 7)])) == {}


@pytest.mark.broad
def test_a_page_of_wrong_code_shows_what_is_wrong(stranger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(stranger)
    wrong = STRANGER.replace("{module}", "leaks").replace("keep * (h - fresh)", "keep * (fresh - h)  #: g")
    heading = "import numpy as np\nfrom attnspec import implements\n\n"
    (stranger / "wrong.py").write_text(heading + wrong[wrong.index("@implements") :], encoding="utf-8")
    done = run("map", "leaks.leaky_unit", str(stranger / "wrong.py"), "--equations", "leaks.py", "--out", "-")

    assert done.returncode == 1
    assert "<h1>leaks.<wbr>leaky_<wbr>unit: wrong.<wbr>py:<wbr>unit</h1>" in done.stdout
    assert str(stranger) not in done.stdout
    assert '<span class="verdict differs">' in done.stdout
    assert re.search(r"<p>Line \d+ is marked g, but no array there has that value\.</p>", done.stdout)
    assert '"n:g"' in done.stdout


def test_several_implementations_are_refused(stranger: Path) -> None:
    file = stranger / "two.py"
    file.write_text("def one(q, k): return q @ k.T\ndef two(q, k): return q @ k.T\n", encoding="utf-8")
    done = run("map", "scores.dot", str(file), "--out", str(stranger / "no.html"))

    assert done.returncode == 2
    assert not (stranger / "no.html").exists()
