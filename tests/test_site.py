"""The site of the project: every equation has a page of its own, nothing is loaded from elsewhere, no page is heavy."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import peers
from attnspec.discovery import discover
from attnspec.language.equation import REGISTRY, Equation
from attnspec.pages.kept import Found
from browsing import CHROMIUM, SAID, chromium, needs_chromium, opened, served
from website import build, drawing, index, lean, mistakes, pages, pictures
from website.disagreements import CARDS, DISPUTES, UNCHECKED
from website.guides import Guides
from website.language import Language
from website.road import STEPS, by_step, step_of

CATALOGUE = peers.catalogue()
ROOT = Path(__file__).resolve().parents[1]
SEEN = ("recurrent.gru_cell", "recurrent.gru_cell_update_writes", "attention.masked")
HEAVIEST = 300_000
"""Bytes of HTML, styles, scripts and fonts that the page of an equation may load."""


def check_site(site: Path, ids: list[str]) -> None:
    """Every equation has one page, where it is shown; no page loads anything from elsewhere, and none is heavy."""
    written = [page for page in site.rglob("*.html") if not page.is_relative_to(site / "zh")]
    for folder in ("", "zh/"):
        assert {page.stem for page in (site / folder / "equations").glob("*.html")} == set(ids)
    for page, id in [(f"{folder}equations/{id}.html", id) for folder in ("", "zh/") for id in ids]:
        text = (site / page).read_text("utf-8")
        assert text.count(f'id="attnspec-{id}"') == 1
        assert "<math" in text
        assert 'class="attnspec-figure"' in text
        assert sum(lean.weight(site, page).values()) <= HEAVIEST, lean.weight(site, page)
    primary = [id for page in written for id in re.findall(r'<dt [^>]*id="attnspec-([^"]+)"', page.read_text("utf-8"))]
    assert sorted(primary) == sorted(ids)
    assert not [page for page in site.rglob("*.html") if str(site.parent) in page.read_text("utf-8")]
    assert not {page.name: found for page in site.rglob("*.html") if (found := lean.loads(page.read_text("utf-8")))}
    others = [page for page in site.rglob("*.html") if "_static" not in page.parts]
    weights = {page.stem: sum(lean.weight(site, page.relative_to(site).as_posix()).values()) for page in others}
    assert not {page: weight for page, weight in weights.items() if weight > HEAVIEST}
    for sheet in site.rglob("*.css"):
        assert not re.findall(r"(?:@import\s*|url\()['\"]?(?:https?:)?//", sheet.read_text("utf-8")), sheet


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of three equations, without verdicts."""
    out = tmp_path_factory.mktemp("site")
    assert build.build(out, SEEN, judge=False) == 0, "a warning of Sphinx is an error"
    return out / "html"


def test_a_part_of_the_site(part: Path) -> None:
    check_site(part, list(SEEN))
    cell = (part / "equations/recurrent.gru_cell.html").read_text("utf-8")

    assert "not judged while this page was built" in re.sub("<[^>]+>", "", cell)
    assert cell.count('class="view implementation"') == 2, "NumPy's and PyTorch's, side by side"
    assert "<mark>" in cell, "what its convention does otherwise"
    assert re.search(r"by \d+% of the largest value", cell)
    of_each = cell.replace("<wbr>", "").partition("The libraries that are judged against each:")[2]
    words = re.sub(r"<[^>]+>|\s+", " ", of_each)
    assert re.search(r"gru_cell_update_writes +keras", words), "which libraries compute which convention"
    assert "attnspec_numpy/recurrent.py" in cell, "the file, with the package that it is in"


def test_weights_are_drawn_with_their_data(part: Path) -> None:
    """The picture has a text for those who do not see it, the colour of the page's text, and a file of its values."""
    page = (part / "equations/attention.masked.html").read_text("utf-8")
    picture = re.findall(r'<div class="plot">.*?</div>', page, re.DOTALL)
    [link] = re.findall(r'href="\.\./(_downloads/[^"]*\.npz)"', page)
    with np.load(part / link) as data:
        values = data["alpha"]
    described = re.findall(r'role="img" aria-label="([^"]*)"', picture[0])

    assert len(picture) == 1
    assert described == [
        "What attention.masked computes on an example. Heat map of α_ij: 10 rows along i, 12 columns along j; values "
        f"from {values.min():.3g} to {values.max():.3g}."
    ]
    assert not re.findall(r"#000000|(?:fill|stroke): ?black", picture[0])
    assert "currentColor" in picture[0]
    assert values.shape == (10, 12)
    assert 'class="plot"' not in (part / "equations/recurrent.gru_cell.html").read_text("utf-8")


def test_pictures_are_drawn_anew_only_if_something_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def draw(equation: Equation[..., Any], data: Path | None) -> pictures.Drawn:
        made.append(equation.id)
        return pictures.Drawn("a picture")

    monkeypatch.setattr(pictures, "draw", draw)
    changed = replace(CATALOGUE["recurrent.gru"], definition=REGISTRY["recurrent.lstm"].definition)
    for equation in (CATALOGUE["recurrent.gru"], CATALOGUE["recurrent.gru"], changed):
        assert pictures.kept_pictures(equation, tmp_path / "pictures") == pictures.Drawn("a picture")

    assert made == ["recurrent.gru", changed.id]
    convention = CATALOGUE["recurrent.gru_reset_after"]
    assert not [*pictures.pictures(convention, tmp_path, Language())], "it looks like recurrent.gru"


def test_the_online_softmax_is_drawn_block_by_block() -> None:
    """After each block the weights are those of softmax over the keys so far; the equation carries what makes them."""
    weights, *carried = pictures.merged()
    rows = weights.values
    seen = [np.isfinite(row).sum() for row in rows]

    assert seen == [4, 8, 12, 16, 20, 24]
    for row, more in pairwise(rows):
        known = np.isfinite(row)
        assert np.allclose(row[known], more[known] / more[known].sum())
    assert np.allclose(np.nansum(rows, axis=1), 1)
    assert {each.kind for each in carried} == {"trace"}
    assert len(carried) == 4


def test_every_page_leads_to_itself_in_the_other_language(part: Path) -> None:
    """The link names the language; a page without a counterpart leads to the front page. Words of the page change."""
    for page in part.rglob("*.html"):
        if "_static" in page.parts:
            continue
        text = page.read_text("utf-8")
        [(address, lang, label)] = re.findall(
            r'<a class="in-other-language" href="([^"]*)" lang="([^"]*)"[^>]*>([^<]*)<', text
        )[:1]
        target = (page.parent / address).resolve()
        is_chinese = page.is_relative_to(part / "zh")

        assert (lang, label) == (("en", "English") if is_chinese else ("zh-CN", "中文"))
        assert target.is_file()
        counterpart = part / page.relative_to(part / "zh") if is_chinese else part / "zh" / page.relative_to(part)
        assert target == (counterpart if counterpart.is_file() else part / "zh/index.html")
        assert ('<html lang="zh-CN"' in text) == is_chinese
    cell = (part / "zh/equations/recurrent.gru_cell.html").read_text("utf-8")
    for words in ("门控循环单元的一步", "数据流", "从 x 到 r 的权重", "性质", "随机用例"):
        assert words in cell
    assert "window.attnspecSays" in (part / "zh/_static/attnspec.js").read_text("utf-8")
    assert "window.attnspecSays =" not in (part / "_static/attnspec.js").read_text("utf-8")


def test_who_catches_which_mistake() -> None:
    """A mistake has a row, in which each verdict says whether its cases catch it, with the properties that do."""
    cell = CATALOGUE["recurrent.gru_cell"]
    ids = [each.id for each in cell.mutants()][:4]
    facts = {"implementation": "a:f", "dtype": "float32", "tried": json.dumps([[id, id != ids[1]] for id in ids])}
    texts = mistakes.pages(cell, {"a:f": Found("conforms", "", "", (), facts)}, Language())
    page, report = texts["mistakes/recurrent.gru_cell.md"], json.loads(texts["mistakes/recurrent.gru_cell.json"])
    rows = re.findall(r"<tr(?: class=\"missed\")?><td>.*?</tr>", page)

    assert len(rows) == 4
    assert "not-caught" in rows[0], "what nobody catches comes first"
    assert [row.startswith('<tr class="missed">') for row in rows] == [True, False, False, False]
    assert page.count('<input type="checkbox">') == 1, "to show these alone"
    assert sum("not-caught" in row for row in rows) == 1
    assert "4 mistakes, of which no verdict catches 1." in page
    [found] = report["files"].values()
    assert Counter(each["status"] for each in found["mutants"]) == {"Killed": 3, "Survived": 1}
    for id, laws in mistakes.catchers(cell).items():
        assert id in {each.id for each in cell.mutants()}
        assert laws
    assert mistakes.pages(cell, {}, Language()) == {}


def test_each_line_has_the_mistakes_that_are_in_it() -> None:
    """A mistake counts for the lines that it changes."""
    cell = CATALOGUE["recurrent.gru_cell"]
    changed = {mutant.id: mistakes.changed_lines(cell.definition, mutant.definition) for mutant in cell.mutants()}

    assert changed["r/drop/b_r"] == {0}
    assert changed["recurrent.gru_cell_update_writes"] == {3}
    assert all(changed.values())
    facts = {"implementation": "a:f", "dtype": "float32", "tried": json.dumps([[id, True] for id in changed])}
    page = mistakes.pages(cell, {"a:f": Found("conforms", "", "", (), facts)}, Language())[f"mistakes/{cell.id}.md"]
    rows = re.findall(r"^\| `([^`]*)` \| ([^|]*) \| (\d+) \| (\d+) \|", page, re.MULTILINE)
    assert [(row[1], int(row[2]) == int(row[3]) > 10) for row in rows] == [
        ("reset gate", True),
        ("update gate", True),
        ("candidate state", True),
        ("", True),
    ]
    assert rows[0][0] == "r = σ(x W_xr + h W_hr + b_r)"
    assert str(cell.sources[0]) in page


def test_two_formulas_are_side_by_side(part: Path) -> None:
    """The symbols that differ are marked, with the distance of the values."""
    page = (part / "which/gru.html").read_text("utf-8")
    shown = re.findall(r'<div class="sides">.*?</p>', page, re.DOTALL)[1]  # the second pair: what z does
    marked = re.findall(r'class="differing"[^>]*>([^<]*)<', shown)

    assert shown.count("<math") == 2
    assert "z" in marked
    assert "gru_cell" not in "".join(marked), "what they are called is no difference"
    assert re.search(r"Their values differ in \d+ of \d+ drawn cases", shown)


def test_every_equation_belongs_to_a_step_and_every_step_has_some() -> None:
    found = {step_of(id).name for id in CATALOGUE}

    assert found == {step.name for step in STEPS}
    assert sorted(each.id for ids in by_step(CATALOGUE.values()).values() for each in ids) == sorted(CATALOGUE)
    with pytest.raises(LookupError, match="belongs to no step"):
        step_of("other.thing")


def test_what_is_judged_exists() -> None:
    """Each id of the lists is an equation, each candidate a function, and each pair differs."""
    ids = {id for step in STEPS for id in step.judged} | {id for each in DISPUTES for id in each.equations}
    shown = [*(pair for each in CARDS for pair in each.pairs), *(pair for each in DISPUTES for pair in each.pairs)]

    assert ids <= CATALOGUE.keys()
    for equation, other in shown:
        known = {mutant.id for mutant in CATALOGUE[equation].mutants()}
        assert other in CATALOGUE or other in known, (equation, other)
    asked = pages.judged_at_build(CATALOGUE.values(), discover())
    assert pages.FRONT in asked
    assert len(asked) == len({(each.target, each.equation) for each in asked}) > 50, "each is judged once"
    source = (ROOT / "docs/website/candidates.py").read_text("utf-8")
    for name, id in [
        *(each.candidate for each in CARDS if each.candidate),
        *(c for d in DISPUTES for c in d.candidates),
    ]:
        assert re.search(rf'@implements\("{re.escape(id)}"[^\n]*\)\ndef {name}\(', source), name


def test_the_gallery_numbers_each_disagreement_once() -> None:
    numbers = [each.number for each in CARDS] + [number for number, _ in UNCHECKED]

    assert sorted(numbers, key=lambda number: int(number[1:])) == [f"D{k}" for k in range(1, 22)]


def test_the_gallery_has_the_command_of_its_code() -> None:
    """The file is there, and has a function of each name that the gallery shows."""
    shown = "\n".join(pages.Pages([*CATALOGUE.values()], discover(), {}).gallery())
    [file] = re.findall(r"`attnspec verify (\S+):NAME`", shown)
    names = re.findall(r"\{attnspec:implementation\} example/candidates\.py:(\w+)", shown)

    assert names == [each.candidate[0] for each in CARDS if each.candidate]
    assert all(f"def {name}(" in (ROOT / file).read_text("utf-8") for name in names)


def test_each_seed_that_a_step_cites_is_a_part_of_the_documents() -> None:
    import sources

    known = {(document, part) for document, parts in sources.DOCUMENTS.items() for part in parts}

    assert {seed for step in STEPS for seed in step.seeds} <= known


def test_links_of_the_guides_lead_to_pages_of_the_site() -> None:
    guides = Guides(list(CATALOGUE))
    texts = guides.all()
    known = set(texts) | set(guides.files) | {f"equations/{id}.md" for id in CATALOGUE} | {"road.md"}
    dead = [
        (place, target)
        for place, text in texts.items()
        for part in re.split(r"^```.*?^```$", text, flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", part)
        if "://" not in target and not target.startswith("mailto:")
        if (Path("/") / place).parent.joinpath(target).resolve().relative_to("/").as_posix() not in known
    ]

    assert not dead


def test_without_graphviz_the_map_is_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    family = [CATALOGUE["recurrent.gru"], CATALOGUE["recurrent.gru_cell"], CATALOGUE["recurrent.gru_reset_after"]]
    monkeypatch.setattr("shutil.which", lambda name: None)
    shown = drawing.drawing(family, CATALOGUE, ".")

    assert "Graphviz was not installed" in shown
    assert "`recurrent.gru` calls `recurrent.gru_cell`" in shown
    assert "`recurrent.gru_reset_after` is a convention of `recurrent.gru`" in shown
    assert "<svg" not in shown


def test_unused_rules_are_left_out() -> None:
    sheet = (
        ".a,.b>.c{color:red}@media (min-width:1px){.b{x:y}.a:not(.b){z:w}}"
        "@font-face{src:url(f)}:root{--u:1;--v:2}i{k:var(--v)}"
    )
    kept = lean._without_unused("".join(lean._rules(sheet, {"a"})))

    assert kept == ".a{color:red}@media (min-width:1px){.a:not(.b){z:w}}:root{--v:2}i{k:var(--v)}"


@needs_chromium
def test_the_index_of_the_search_is_packed_without_loss(part: Path) -> None:
    """What the browser unpacks is what Sphinx has written."""
    with served(part) as root, chromium() as browser:
        page = browser.new_page()
        for folder, styles in (("", "styles"), ("zh/", "styles.zh_CN")):
            page.goto(f"{root}/{folder}search.html")
            page.wait_for_function("typeof Search !== 'undefined' && Search._index")
            found = page.evaluate("Search._index")
            text = (part.parent / styles / index.NAME).read_text("utf-8")
            whole = json.loads(text[len(index.START) : -len(index.END)])
            assert found == {**whole, "filenames": [], "indexentries": {}}
            assert len(found["terms"]) > 100


def tree(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.broad
def test_two_builds_are_equal_and_the_second_in_a_folder_writes_no_page(part: Path, tmp_path: Path) -> None:
    """Nothing of a page depends on when or where it was built; a page of which nothing has changed is not made anew."""
    assert build.build(tmp_path, SEEN, judge=False) == 0
    first, second = tree(part), tree(tmp_path / "html")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []

    times = {page: page.stat().st_mtime_ns for page in (tmp_path / "html").rglob("equations/*.html")}
    assert build.build(tmp_path, SEEN, judge=False) == 0
    assert len(times) == 2 * len(SEEN)
    assert [page.name for page, time in times.items() if page.stat().st_mtime_ns != time] == []
    assert tree(tmp_path / "html") == first


def test_what_opens_the_navigation_has_a_name() -> None:
    opened = '<html lang="zh-CN"><summary><span class="toctree-toggle" role="presentation"></span></summary>'
    named = lean.named(opened + "<span>Collapse Sidebar</span>")

    assert '<summary aria-label="下级页面"><span class="toctree-toggle"' in named
    assert "<span>收起侧边栏</span>" in named
    assert lean.named('<html lang="zh-CN"><input placeholder="Search the docs ...">').endswith('"搜索文档">')
    assert 'aria-label="The pages below"' in lean.named(opened.replace("zh-CN", "en"))
    assert lean.named(named) == named
    name = '<a class="reference internal" href="x.html">a.b_c</a>'
    assert lean.named(name) == lean.named(lean.named(name)) == name.replace("a.b_c", "a.<wbr>b_<wbr>c")


@needs_chromium
@pytest.mark.broad
@pytest.mark.parametrize(
    "page", ["zh/equations/recurrent.gru_cell", "equations/attention.masked", "zh/index", "gallery"]
)
def test_a_page_of_the_site_in_a_browser(page: str, part: Path) -> None:
    """From a disk, wide and narrow, light and dark: no error, no request elsewhere, no wider than the window, and axe
    finds nothing serious."""
    from axe_playwright_python.sync_playwright import Axe

    with chromium() as browser:
        for scheme, width in (("light", 360), ("dark", 1440)):
            size = {"width": width, "height": 900}
            with opened(browser, part / f"{page}.html", color_scheme=scheme, viewport=size) as shown:
                assert shown.evaluate("document.documentElement.scrollWidth") <= width
                found = Axe().run(shown, options={"preload": False}).response["violations"]
                grave = [each for each in found if each["impact"] in ("serious", "critical")]
                assert [(each["id"], [node["html"][:160] for node in each["nodes"][:3]]) for each in grave] == []


@needs_chromium
@pytest.mark.broad
@pytest.mark.parametrize("folder", ["", "zh/"])
def test_a_page_of_the_site_with_a_keyboard_alone(folder: str, part: Path) -> None:
    """The first Tab is at the link over the navigation. Tab goes to each term in the order of the page, and it lights
    up; Enter keeps it, Escape lets it go. What is lit is said in the language of the page."""
    with chromium() as browser, opened(browser, part / f"{folder}equations/recurrent.gru_cell.html") as page:
        ask = partial(_ask, page)
        terms = ask("terms")
        wanted = [term["place"] for term in terms if term["focusable"]]
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('href')") == "#main-content"
        page.keyboard.press("Enter")
        reached: list[int] = []
        for _ in range(2 * len(terms)):
            page.keyboard.press("Tab")
            place = ask("focused")
            if place >= 0:
                reached.append(place)
                assert place in ask("lit")
            if len(reached) == len(wanted):
                break
        assert len(wanted) > 30
        assert reached == wanted
        page.keyboard.press("Enter")
        assert reached[-1] in ask("pinned")
        said = ask("status")
        page.keyboard.press("Escape")
        assert ask("pinned") == ask("lit") == []
        assert bool(re.search(r"[\u4e00-\u9fff]", said + ask("status"))) == bool(folder)


@needs_chromium
@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("search.html?q=gru_cell", "equations/recurrent.gru_cell.html"),
        ("zh/search.html?q=gru_cell", "equations/recurrent.gru_cell.html"),
        ("zh/search.html?q=循环神经网络", "road"),
        ("zh/search.html?q=更新门", "glossary.html"),
    ],
)
def test_the_search_finds(address: str, found: str, part: Path) -> None:
    """Names of equations in both languages, and Chinese words, between which there is no space."""
    with served(part) as root, chromium() as browser:
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{root}/{address}")
        page.wait_for_selector("#search-results li a", timeout=60_000)
        addresses = page.eval_on_selector_all("#search-results li a", "links => links.map(a => a.getAttribute('href'))")

    assert errors == []
    assert any(found in each for each in addresses), addresses


def _ask(page: Any, what: str, *args: Any) -> Any:
    return page.evaluate(f"args => asked.{what}(...args)", [*args])


def test_boxes_of_the_map_say_who_is_judged() -> None:
    """A box is dark only if software is judged against the equation and against all that it is built from."""
    gru, cell = CATALOGUE["recurrent.gru"], CATALOGUE["recurrent.gru_cell"]
    both = {gru.id: ["keras"], cell.id: ["torch"]}

    assert [drawing.fill(gru.id, known) for known in ({}, both, {gru.id: ["keras"]})] == ["", "whole", "judged"]
    text = drawing.dot_text([gru.id], list(drawing.edges([gru])), CATALOGUE, ".", both)
    assert 'class="whole", tooltip="recurrent.gru: keras"' in text
    found = pages.libraries()
    assert set(found) <= set(CATALOGUE)
    assert "torch" in found["recurrent.gru_reset_after"]


def test_the_map_is_light() -> None:
    """Its pictures leave half of the weight of a page to the rest."""
    if drawing.svg("digraph {}") == "":
        pytest.skip("not run: Graphviz is not installed; to mend, apt-get install graphviz")
    shown = [
        drawing.drawing(each, CATALOGUE, ".", alone=False, libraries=pages.libraries(), in_words=False)
        for each in by_step(CATALOGUE.values()).values()
    ]

    assert sum(len(each.encode()) for each in shown) <= HEAVIEST / 2
    assert all("<details>" not in each for each in shown)


def test_what_a_page_would_load_is_found() -> None:
    assert lean.loads('<script src="https://x.org/a.js"></script><a href="https://x.org">x</a>') == [
        "https://x.org/a.js"
    ]


@pytest.mark.slow
def test_the_whole_site(tmp_path: Path) -> None:
    """It takes minutes: implementations are judged."""
    assert build.build(tmp_path) == 0
    check_site(tmp_path / "html", [id for id in REGISTRY if id in CATALOGUE])
    front = (tmp_path / "html/index.html").read_text("utf-8")

    assert "z and 1 − z are swapped" in front, "the verdict of the front page"
    assert "data-key" in front
    assert english_verdicts(tmp_path / "html/zh") == []
    if CHROMIUM is not None:
        check_links(tmp_path / "html")


def english_verdicts(site: Path) -> list[str]:
    """The lines of verdicts on Chinese pages that have an English sentence, but for what an error of a library says."""
    texts = [page.read_text("utf-8") for page in site.rglob("*.html")]
    whole = [
        found for text in texts for found in re.findall(r'<pre class="whole"[^>]*>[^\n]*\n(.*?)</pre>', text, re.DOTALL)
    ]
    assert whole
    lines = [line for text in whole for line in text.splitlines() if "Error: " not in line]
    return [line for line in lines if re.search(r"\b(is|are|the|of|at|not|with|cases|bits)\b", line)]


def check_links(site: Path) -> None:
    """Page × view × term: on each page of an equation, each term lights up in each view, or the page says why not. No
    page is wider than a narrow window."""
    shown = Counter[str]()
    with chromium() as browser:
        for file in sorted(site.glob("equations/*.html")):
            with opened(browser, file, viewport={"width": 360, "height": 800}) as page:
                assert page.evaluate("document.documentElement.scrollWidth") <= 360, file.name
                terms, swept = _ask(page, "terms"), _ask(page, "sweep")
                judged = page.locator(".view.implementation [data-at]").count() > 0
            for place, (lit, _, note) in swept:
                own = terms[place]
                if own["equation"] != file.stem:
                    continue
                views = {terms[each]["view"] for each in lit}
                for view in ("formula", "figure", "specification", *(["implementation"] if judged else [])):
                    shown[f"{view}: {'lit' if view in views else 'said' if SAID[view] in note else 'silent'}"] += 1
    print(shown)
    # The dtype that code is given is in no formula; the note says what it is.
    assert not [each for each in shown if each.endswith("silent") and not each.startswith("formula")]
    assert len([each for each in shown if each.endswith("lit")]) == 4
