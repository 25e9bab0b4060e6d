"""What a page does in a browser: its terms light up in every view, for a mouse, a finger and a keyboard alike."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from attnspec import REGISTRY
from attnspec.interpreters.formula.formula import latex
from attnspec.pages.code_views import equation_listing, source_of
from attnspec.pages.page import VIEWS, document, equation_page, equation_views, mapped_page
from attnspec.verification.mapping import mapped
from attnspec.verification.options import VerifyOptions
from browsing import SAID, chromium, needs_chromium, opened

pytestmark = needs_chromium

MAPPED = {
    "gru_cell": ("recurrent.gru_cell", "attnspec_torch.recurrent:gru_cell"),
    "scaled_dot_product": ("attention.scaled_dot_product", "attnspec_numpy.attention:scaled_dot_product"),
    "fused": ("attention.scaled_dot_product", "attnspec_torch.attention:scaled_dot_product"),
    "multihead": ("multihead.attention", "attnspec_torch.multihead:attention"),
    "lstm": ("recurrent.lstm", "attnspec_torch.recurrent:lstm"),
    "additive": ("scores.additive", "attnspec_numpy.scores:additive"),
}
QUICK = ("scaled_dot_product",)
ALL_VIEWS = ("formula", "figure", "specification", "implementation")
SEVERAL = [pytest.param(name, marks=() if name in QUICK else pytest.mark.broad) for name in MAPPED]
EQUATIONS = [item for item in REGISTRY.values() if item.function.__module__.startswith("attnspec.equations.")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Pages of `attnspec map`, each made when it is first asked for."""
    folder, made = tmp_path_factory.mktemp("pages"), dict[str, Path]()

    def page(name: str) -> Path:
        if name not in made:
            id, target = MAPPED[name]
            [one], _ = mapped(target, VerifyOptions(equation=id))
            made[name] = folder / f"{name}.html"
            made[name].write_text(mapped_page(one, source_of(one.target)), encoding="utf-8")
        return made[name]

    return page


def ask(page: Any, what: str, *args: Any) -> Any:
    return page.evaluate(f"args => asked.{what}(...args)", [*args])


@dataclass(frozen=True)
class Pointed:
    """What a page shows when one points at a term: the places that light up or are outlined, and the note."""

    term: dict[str, Any]
    by_mouse: bool
    lit: tuple[int, ...]
    near: tuple[int, ...]
    note: str

    @property
    def key(self) -> str:
        return f"{self.term['equation']}|{' '.join(self.term['keys'])}"


@pytest.fixture(scope="module")
def swept(browser: Any, pages: Any) -> Any:
    """What each term of a page shows, in order: for the mouse, or for the keyboard where smaller terms cover a term."""
    made: dict[str, tuple[list[dict[str, Any]], list[Pointed]]] = {}

    def sweep(name: str) -> tuple[list[dict[str, Any]], list[Pointed]]:
        if name not in made:
            with opened(browser, pages(name)) as page:
                terms = ask(page, "terms")
                made[name] = terms, [pointed(page, term) for term in terms if term["keys"]]
        return made[name]

    return sweep


def pointed(page: Any, term: dict[str, Any]) -> Pointed:
    """Move the mouse to a term, or the focus if smaller terms cover it; send an indent the event alone."""
    found = ask(page, "point", term["place"])
    if found is None:
        page.mouse.move(0, 0)
        ask(page, "focus" if term["focusable"] else "time", term["place"])
    else:
        page.mouse.move(*found)
    lit, near, note = ask(page, "shown")
    return Pointed(term, found is not None, tuple(lit), tuple(near), note)


@pytest.mark.parametrize("name", SEVERAL)
def test_every_term_lights_up_in_every_view_or_the_page_says_why_not(name: str, swept: Any) -> None:
    """A term lights up with all of its key; of a view without one, the note says what is around it there, and that is
    outlined. The matrix of terms and views is printed."""
    terms, all_pointed = swept(name)
    views = [view for view in ALL_VIEWS if any(term["view"] == view for term in terms)]
    matrix: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for each in all_pointed:
        assert each.term["place"] in each.lit
        cells = []
        for view in views:
            own = [terms[place] for place in each.lit if terms[place]["view"] == view]
            around = [place for place in each.near if terms[place]["view"] == view]
            cells.append(str(len(own)) if own else f"within {len(around)}" if around else "note")
            if not own and (view == "implementation" or each.term["equation"] == MAPPED[name][0]):
                assert SAID[view] in each.note, each
            assert not around or "within" in each.note
            assert all({*one["keys"]} & {*each.term["keys"]} or one["line"] for one in own)
        matrix[each.key, each.note.partition(":")[0]][" | ".join(cells)] += 1
    by_mouse = sum(each.by_mouse for each in all_pointed)
    print(f"\n{name}: {' | '.join(views)}; {by_mouse} of {len(all_pointed)} terms by the mouse, the others by keys")
    for (key, shown), cells_of in matrix.items():
        print(f"  {key:<40} {shown[:48]:<48} {'; '.join(cells_of)}")
        assert len(cells_of) == 1


def test_what_is_fused_is_said_in_words(browser: Any, pages: Any) -> None:
    """A line of the equation without a line of the code: the code says into what it is fused, and so does the note, for
    the line and for a part of it."""
    with opened(browser, pages("fused")) as page:
        said = page.locator(".implementation > p").all_inner_texts()
        assert said
        assert all(re.fullmatch(r"Fused into c_i, line \d[\d, ]*: e_ij, α_ij, whose .*", each) for each in said)
        for key in ("n:e", "n:alpha", "t:0.args0"):
            page.locator(f'.formula [data-key="{key}"]').first.dispatch_event("pointerover")
            note, near = ask(page, "status"), ask(page, "near")
            assert "no array of the code has this value by itself; it is within c_i, line" in note
            assert near


@pytest.mark.parametrize("name", SEVERAL)
def test_terms_of_one_key_show_the_same(name: str, swept: Any) -> None:
    """What lights up is an equivalence: the same from the formula, the figure and the code. A variable of several keys
    shows what each of them does."""
    _, all_pointed = swept(name)
    shown: dict[str, tuple[int, ...]] = {}
    for each in all_pointed:
        assert shown.setdefault(each.key, each.lit) == each.lit, each
    for each in all_pointed:
        if len(each.term["keys"]) > 1:
            parts = [shown.get(f"{each.term['equation']}|{key}", ()) for key in each.term["keys"]]
            assert {*each.lit} >= {place for part in parts for place in part}


@pytest.mark.parametrize("name", SEVERAL)
def test_an_operation_is_one_vertex_and_the_innermost_term_wins(name: str, swept: Any) -> None:
    """A point of a term where no smaller term is shows this term, and of the figure one operation at most."""
    terms, all_pointed = swept(name)
    operations = [each for each in all_pointed if "|t:" in each.key and each.term["view"] == "formula"]
    assert len(operations) > 3
    for each in operations:
        lit = [terms[place] for place in each.lit]
        assert all(each.term["keys"][0] in one["keys"] for one in lit if one["view"] == "formula")
        assert sum(one["view"] == "figure" for one in lit) <= 1


@pytest.mark.parametrize("name", SEVERAL)
def test_the_box_of_a_term_is_the_term(name: str, browser: Any, pages: Any) -> None:
    """At least 95% of a grid of 7 × 7 points over the box of a term of the formula are it or a part of it."""
    with opened(browser, pages(name)) as page:
        terms = [term for term in ask(page, "terms") if term["view"] == "formula"]
        shares = {(term["place"], term["text"]): ask(page, "share", term["place"]) for term in terms}
    asked = {term: share for term, share in shares.items() if share is not None}
    assert len(asked) > 10
    assert {term: share for term, share in asked.items() if share < 0.95} == {}


@pytest.mark.parametrize("name", SEVERAL)
def test_the_text_of_a_lit_term_is_its_source(name: str, browser: Any, pages: Any) -> None:
    """The marks of the listing have the text of the file at the places of the nodes; the lines of an implementation are
    those of its file."""
    listing = equation_listing(REGISTRY[MAPPED[name][0]])
    assert listing is not None
    wanted: dict[str, list[str]] = defaultdict(list)
    for mark in sorted(listing.marks, key=lambda each: each.start):
        wanted[mark.keys[0]] += listing.source[mark.start : mark.end].split("\n")
    package, _, _ = MAPPED[name][1].partition(":")
    file = importlib.util.find_spec(package)
    assert file is not None
    assert file.origin is not None
    source = Path(file.origin).read_text("utf-8").splitlines()
    with opened(browser, pages(name)) as page:
        found: dict[str, list[str]] = defaultdict(list)
        for term in ask(page, "terms"):
            if term["view"] == "specification" and term["keys"]:
                found[term["keys"][0]].append(term["text"].rstrip("\n"))
        views = page.locator(".view.implementation").filter(has_text=Path(file.origin).name)
        lines = views.first.locator(".codeline").all()
        for line in lines:
            number = line.locator(".no").text_content()
            beside = "".join(line.locator(".taps").all_text_contents())
            assert line.text_content() == number + source[int(number) - 1] + beside + "\n"
    assert found == wanted
    assert len(lines) > 3


def test_equations_on_one_page_are_apart(tmp_path: Path, browser: Any) -> None:
    """Names that two equations share do not light each other up."""
    ids = ("recurrent.gru_cell", "recurrent.gru_cell_reset_after")
    file = tmp_path / "two.html"
    file.write_text(document("two", "".join(equation_views(REGISTRY[id], VIEWS) for id in ids)), encoding="utf-8")
    with opened(browser, file) as page:
        terms = ask(page, "terms")
        assert {term["equation"] for term in terms} == {*ids}
        for place, (lit, near, _) in ask(page, "sweep"):
            assert {terms[each]["equation"] for each in (*lit, *near)} == {terms[place]["equation"]}


def test_with_a_keyboard_alone(browser: Any, pages: Any) -> None:
    """Tab goes to each term in the order of the page; it is seen where it is, and lights up; Escape clears."""
    with opened(browser, pages("gru_cell")) as page:
        terms = ask(page, "terms")
        wanted = [term["place"] for term in terms if term["focusable"]]
        keys = {key for term in terms for key in term["keys"]}
        assert {key for place in wanted for key in terms[place]["keys"]} == keys
        reached: list[int] = []
        for _ in range(2 * len(terms)):
            page.keyboard.press("Tab")
            place = ask(page, "focused")
            if place >= 0:
                reached.append(place)
                assert place in ask(page, "lit")
                if terms[place]["tag"].lower() != "g":
                    assert ask(page, "style", place, "outlineStyle") == "solid"
                    assert float(ask(page, "style", place, "outlineWidth").removesuffix("px")) >= 2
            if len(reached) == len(wanted):
                break
        assert reached == wanted
        page.keyboard.press("Enter")
        pinned = ask(page, "pinned")
        assert reached[-1] in pinned
        page.keyboard.press("Shift+Tab")
        assert ask(page, "pinned") == pinned
        page.keyboard.press("Escape")
        assert ask(page, "lit") == ask(page, "pinned") == []
        assert "Tab" in ask(page, "status")


def test_the_focus_of_a_vertex_is_seen(browser: Any, pages: Any) -> None:
    with opened(browser, pages("gru_cell")) as page:
        [first, second, *_] = [t["place"] for t in ask(page, "terms") if t["tag"].lower() == "g"]
        page.keyboard.press("Tab")
        ask(page, "focus", first)
        assert ask(page, "style", first, "strokeWidth", "rect") == "4px"
        assert ask(page, "style", second, "strokeWidth", "rect") == "1px"


def test_with_a_finger(browser: Any, pages: Any) -> None:
    """A tap keeps a term, a second tap lets it go."""
    with opened(browser, pages("gru_cell"), has_touch=True, viewport={"width": 360, "height": 740}) as page:
        z = next(t["place"] for t in ask(page, "terms") if t["keys"] == ["n:z"])
        found = ask(page, "point", z)
        page.touchscreen.tap(*found)
        assert z in ask(page, "pinned")
        page.touchscreen.tap(*ask(page, "point", z))
        assert ask(page, "lit") == ask(page, "pinned") == []


@pytest.mark.parametrize(("motion", "seconds"), [("reduce", "0s"), ("no-preference", "0.12s")])
def test_motion_is_reduced_if_that_is_asked(motion: str, seconds: str, browser: Any, pages: Any) -> None:
    with opened(browser, pages("gru_cell"), "?term=z", reduced_motion=motion) as page:
        assert ask(page, "style", ask(page, "lit")[0], "transitionDuration") == seconds


def test_a_highlight_is_not_a_colour_alone(browser: Any, pages: Any) -> None:
    """What is lit has an outline, in the figure a thicker one, and the line at the bottom says what it is."""
    with opened(browser, pages("gru_cell"), "?term=z") as page:
        terms = ask(page, "terms")
        for place in ask(page, "lit"):
            if terms[place]["tag"].lower() != "g":
                assert ask(page, "style", place, "outlineStyle") == "solid"
        assert page.locator(".figure g.lit > rect").first.evaluate("e => getComputedStyle(e).strokeWidth") == "4px"
        assert ask(page, "status").startswith("z: values agree at line")


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_of_accessibility(name: str, scheme: str, browser: Any, pages: Any) -> None:
    """axe finds nothing serious, with a term lit and all details open: contrast, names, roles, order."""
    from axe_playwright_python.sync_playwright import Axe

    with opened(browser, pages(name), "?term=z", color_scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach((e) => e.open = true)")
        result = Axe().run(page).response
        grave = [each for each in result["violations"] if each["impact"] in ("serious", "critical")]
        assert [(each["id"], [node["html"][:160] for node in each["nodes"][:3]]) for each in grave] == []
        assert len(result["passes"]) > 10


@pytest.mark.parametrize("name", SEVERAL)
def test_what_a_screen_reader_is_told(name: str, browser: Any, pages: Any) -> None:
    """One formula for each `math`, none hidden; a figure with a title, a description and its edges as text."""
    with opened(browser, pages(name)) as page:
        nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
        roles = Counter(node.get("role", {}).get("value") for node in nodes if not node["ignored"])
        assert roles["MathMLMath"] == page.locator("math").count() >= 1
        assert page.locator("math[aria-hidden], math [aria-hidden]").count() == 0
        for figure in page.locator(".figure").all():
            titles = figure.locator("svg > title").all_text_contents()
            assert len(titles) == figure.locator("svg").count() == len(figure.locator("svg > desc").all_text_contents())
            assert all(title.startswith("Data flow of ") for title in titles)
            assert all(figure.locator("svg > desc").all_text_contents())
            assert figure.locator("ol.words li").count() >= figure.locator("svg [data-vertex]").count()


def test_without_a_script(browser: Any, pages: Any) -> None:
    """The formula, the figure and the code are there, and each name has links to its lines."""
    with opened(browser, pages("gru_cell"), java_script_enabled=False) as page:
        assert page.locator("math").first.is_visible()
        assert page.locator(".figure svg").is_visible()
        assert page.locator(".implementation .codeline").count() > 10
        assert page.locator(".copy").is_hidden()
        assert page.locator(".attnspec-status").count() == 0
        page.get_by_text("The lines of each name").click()
        links = page.locator("dl.where a")
        assert links.count() >= 2 * len(REGISTRY["recurrent.gru_cell"].definition.parameters)
        for link in links.all():
            address = link.get_attribute("href")
            line = page.locator(f'[id="{address.removeprefix("#")}"]')
            assert line.count() == 1
            assert line.locator(".no").text_content() == link.text_content()
        links.last.click()
        assert page.url.endswith(address)
        assert line.is_visible()


@pytest.mark.parametrize("name", SEVERAL)
def test_from_a_disk_at_every_width(name: str, browser: Any, pages: Any) -> None:
    """Without a network nothing is asked for, no error is said, and no width makes the page wider than the window."""
    assert pages(name).stat().st_size <= 300_000
    for scheme in ("light", "dark"):
        for width in (360, 768, 1440):
            with opened(browser, pages(name), color_scheme=scheme, viewport={"width": width, "height": 800}) as page:
                page.evaluate("document.querySelectorAll('details').forEach((e) => e.open = true)")
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
                assert (paper == "rgb(255, 255, 255)") == (scheme == "light")


def test_on_a_narrow_screen_what_a_line_makes_stands_below_it(browser: Any, pages: Any) -> None:
    """The names of the values of a line are in view without scrolling, however long the line is."""
    with opened(browser, pages("scaled_dot_product"), viewport={"width": 360, "height": 800}) as page:
        for chip in page.locator(".implementation .taps button").all():
            box = chip.bounding_box()
            assert box["x"] + box["width"] <= 360


def test_on_a_narrow_screen_a_formula_breaks_between_its_parts(browser: Any, pages: Any) -> None:
    """Declarations, and what stands behind a long name, are in view without scrolling."""
    with opened(browser, pages("gru_cell"), viewport={"width": 360, "height": 800}) as page:
        view = page.locator(".view.formula .scroll").first
        assert view.evaluate("e => e.scrollWidth <= e.clientWidth")
        declared = page.locator("mtr.given > mtd > mrow").count()
    assert declared == len(REGISTRY["recurrent.gru_cell"].definition.parameters)


def test_lines_of_several_files_are_told_apart(browser: Any, tmp_path: Path) -> None:
    """The note names the file of each line that agrees, where there are several; of one file it does not."""
    line = '<span class="codeline" data-at="|n:z"><span class="no">{}</span>z</span>'
    section = '<section class="view implementation" data-file="{}"><pre class="code">{}</pre></section>'
    views = "".join(
        section.format(name, line.format(number)) for name, number in (("one/gru.py", 3), ("two/gru.py", 7))
    )
    formula = '<section class="view formula"><math><mi data-key="n:z">z</mi></math></section>'
    for count, said in (
        (2, "z: values agree at line 3 (one/gru.py), 7 (two/gru.py)"),
        (1, "z: values agree at line 3"),
    ):
        shown = views if count == 2 else views.partition("</section>")[0] + "</section>"
        file = tmp_path / f"{count}.html"
        body = f'<main class="views" data-equation="own.gru">{formula}{shown}</main>'
        file.write_text(document("files", body), encoding="utf-8")
        with opened(browser, file, "?term=z") as page:
            assert ask(page, "status") == said


def test_a_page_without_terms_tells_nobody_to_point_at_one(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(document("nothing", "<main>Words.</main>"), encoding="utf-8")
    with opened(browser, tmp_path / "page.html") as page:
        assert page.locator(".attnspec-status").count() == 0


@pytest.mark.parametrize("name", SEVERAL)
def test_a_highlight_comes_at_once(name: str, browser: Any, pages: Any) -> None:
    """From the pointer to a page that is laid out again, half of the terms take less than 50 ms."""
    with opened(browser, pages(name)) as page:
        times = [ask(page, "time", term["place"]) for term in ask(page, "terms") if term["keys"]]
        print(f"\n{name}: {median(times):.1f} ms, at most {max(times):.1f} ms")
        assert median(times) < 50


def test_an_address_with_a_term(browser: Any, pages: Any) -> None:
    with opened(browser, pages("gru_cell"), "?term=z") as page:
        terms = ask(page, "terms")
        assert {key for place in ask(page, "pinned") for key in terms[place]["keys"]} >= {"n:z"}
        assert {terms[place]["view"] for place in ask(page, "pinned")} == {*ALL_VIEWS}
    with opened(browser, pages("gru_cell"), "?term=no_such") as page:
        assert ask(page, "pinned") == []


def test_the_latex_is_copied(browser: Any, pages: Any) -> None:
    with opened(browser, pages("gru_cell"), permissions=["clipboard-read", "clipboard-write"]) as page:
        page.get_by_text("LaTeX", exact=True).click()
        page.get_by_role("button", name="Copy the LaTeX").click()
        page.wait_for_function("document.querySelector('.attnspec-status').textContent.includes('copied')")
        assert page.evaluate("navigator.clipboard.readText()") == latex(REGISTRY["recurrent.gru_cell"].definition)
    with opened(browser, pages("gru_cell")) as page:  # where a browser does not allow it, the text is selected
        page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
        page.get_by_text("LaTeX", exact=True).click()
        page.get_by_role("button", name="Copy the LaTeX").click()
        page.wait_for_function("getSelection().toString().includes('aligned')")


@pytest.mark.parametrize("name", SEVERAL)
def test_on_paper(name: str, browser: Any, pages: Any) -> None:
    """All views are printed, whole, and what is only for a screen is not."""
    with opened(browser, pages(name), viewport={"width": 700, "height": 1000}) as page:
        page.emulate_media(media="print")
        assert page.locator(".attnspec-status").is_hidden()
        for view in page.locator(".view").all():
            assert view.is_visible()
        cut = "(e) => e.scrollWidth > e.clientWidth + 1"
        for part in page.locator(".view pre.code, .view.figure .scroll").all():
            assert not part.evaluate(cut), part.text_content()[:80]


@pytest.mark.parametrize(
    "places",
    [
        pytest.param(slice(0, None, 40), id="sample", marks=pytest.mark.broad),
        pytest.param(slice(None), id="all", marks=pytest.mark.slow),
    ],
)
def test_every_page_of_the_catalogue(places: slice, tmp_path: Path, browser: Any) -> None:
    """Each is within 300 KB, says no error, is no wider than a narrow window, and its terms light up in all views."""
    file = tmp_path / "page.html"
    for equation in EQUATIONS[places]:
        file.write_text(equation_page(equation), encoding="utf-8")
        assert file.stat().st_size <= 300_000, equation.id
        with opened(browser, file, viewport={"width": 360, "height": 800}) as page:
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, equation.id
            terms = ask(page, "terms")
            for place, (lit, _, note) in ask(page, "sweep"):
                views = {terms[each]["view"] for each in lit}
                for view in ("figure", "specification"):
                    assert view in views or SAID[view] in note, (equation.id, terms[place], note)
