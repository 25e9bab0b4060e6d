"""One page: the formula, the figure and the source of an equation beside the source of an implementation."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from attnspec.interpreters.figure.graph import Graph, graph
from attnspec.interpreters.figure.svg import STYLE, svg
from attnspec.interpreters.figure.unrolled import unrolled
from attnspec.interpreters.formula.formula import latex, text_of
from attnspec.interpreters.tags import fresh, name_key, tagged_nodes
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.traversal import callees
from attnspec.language.tree import Name
from attnspec.pages.anchors import untrue_anchors
from attnspec.pages.code_views import equation_listing, fused, implementation_listings
from attnspec.pages.conventions import convention_items
from attnspec.pages.formula_view import formula_view
from attnspec.pages.listing import Listing
from attnspec.verification.environment import software
from attnspec.verification.mapping import Mapped
from attnspec.verification.rendering import cases_text

FIGURE_STYLE = STYLE.replace("color:#1b1f24;background:#fff", "")
"""The style of the figure, with the colours of the page."""


Words = dict[str, str | list[str]]
"""{key: what it is in Unicode, for a parameter with its meaning}."""

VIEWS = ("formula", "figure", "specification")
"""What can be shown of an equation: its formula, its data flow, its source."""


@cache
def asset(name: str) -> str:
    """A file of this folder."""
    return files("attnspec.pages").joinpath(name).read_text("utf-8")


def document(title: str, body: str, *, script: str = "page.js") -> str:
    """A whole page, which needs nothing but itself."""
    style = asset("page.css") + asset("views.css") + FIGURE_STYLE
    values = {"title": escape(title), "css": style, "body": body, "js": asset(script)}
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], asset("page.html"))


def mapped_page(mapped: Mapped, file: Path | None, home: str = "") -> str:
    """The page of one implementation.

    Args:
        mapped: the implementation, judged and mapped.
        file: the file that it is in; None if that is not known.
        home: the address of the index that the page belongs to; "" if there is none.
    """
    verdict, equation = mapped.verdict, mapped.equation
    title = f"{equation.id}: {_without_folders(mapped, verdict.implementation)}"
    listed = list(implementation_listings(mapped, file))
    places = [("the equation", equation_listing(equation)), *((Path(path).name, listing) for path, listing in listed)]
    own = _equation_views(equation, where=_where(equation, places), anchors=True)
    views = [*own, *_implementation_views(mapped, listed, anchors=True), *_called_views(mapped)]
    head = [_verdict(mapped), _facts(mapped)]
    return document(title, _body(title, equation, head, views, home, _words(equation, mapped)))


def equation_page(equation: Equation[..., Any], home: str = "", links: str = "", known: Collection[str] = ()) -> str:
    """The page of an equation without an implementation.

    Args:
        home: the address of the index that the page belongs to; "" if there is none.
        links: HTML that stands above the views, such as links to implementations.
        known: the ids of the equations that have pages beside this one.
    """
    places = _where(equation, [("the equation", equation_listing(equation))])
    views = [*_equation_views(equation, where=places, anchors=True)]
    others = convention_items(equation, known)
    if others:
        views.append(_view("Other conventions", "conventions", others, wide=True))
    return document(equation.id, _body(equation.id, equation, [links], views, home, _words(equation)))


def equation_views(equation: Equation[..., Any], views: Sequence[str]) -> str:
    """The views of an equation as a part of another page, which loads `views.css` and `page.js`."""
    return _part(equation, _equation_views(equation, views), _words(equation))


def mapped_views(mapped: Mapped, file: Path | None, views: Sequence[str]) -> str:
    """What was measured of an implementation and its source, as a part of another page, with views of its equation."""
    own = _equation_views(mapped.equation, views)
    listed = list(implementation_listings(mapped, file))
    shown = [*own, *_implementation_views(mapped, listed), *_called_views(mapped)]
    return _facts(mapped) + _part(mapped.equation, shown, _words(mapped.equation, mapped))


def _part(equation: Equation[..., Any], views: Iterable[str], words: Words) -> str:
    scope = f'<div class="views column" data-equation="{escape(equation.id)}">{"".join(views)}</div>'
    return f'{scope}<script type="application/json" class="attnspec-words">{_json(words)}</script>'


def _verdict(mapped: Mapped) -> str:
    verdict = mapped.verdict.verdict
    return f'<p><span class="verdict {verdict.replace(" ", "-")}">{escape(verdict)}</span> {escape(why(mapped))}</p>'


def _body(
    title: str,
    equation: Equation[..., Any],
    head: Sequence[str],
    views: Sequence[str],
    home: str,
    words: Words,
) -> str:
    sources = "".join(f"<li>{escape(str(source))}</li>" for source in equation.sources)
    back = f'<p><a href="{escape(home)}">All equations</a></p>' if home else ""
    parts = [
        '<a class="skip" href="#views">To the formula</a>',
        f"<header>{back}<h1>{_with_breaks(title)}</h1><p>{_prose(equation.doc)}</p>{''.join(head)}</header>",
        f'<main id="views" class="views" data-equation="{escape(equation.id)}">{"".join(views)}</main>',
        f"<footer><h2>Sources</h2><ul>{sources}</ul></footer>",
        f'<script type="application/json" class="attnspec-words">{_json(words)}</script>',
    ]
    return "\n".join(parts)


def _with_breaks(title: str) -> str:
    """A title as HTML; a long name in it may be broken behind its signs."""
    return re.sub(r"([.:_])(?=\w)", r"\1<wbr>", escape(title))


def _json(values: Words) -> str:
    """JSON that can stand in a page."""
    return json.dumps(values, ensure_ascii=False).replace("<", "\\u003c")


def _prose(doc: str) -> str:
    paragraphs = escape(doc).split("\n\n")
    return "</p><p>".join(re.sub(r"`([^`]+)`", r"<code>\1</code>", part) for part in paragraphs)


def _view(title: str, kind: str, content: str, *, wide: bool = False, extra: str = "") -> str:
    return f'<section class="view {kind}{" wide" if wide else ""}"{extra}><h2>{escape(title)}</h2>{content}</section>'


def _equation_views(
    equation: Equation[..., Any], views: Sequence[str] = VIEWS, *, where: str = "", anchors: bool = False
) -> Iterator[str]:
    """The formula, the figure and the source, as far as they are wanted.

    Args:
        where: HTML that stands below the formula.
        anchors: whether the lines of the source have ids, which are those of the first listing of `_where`.
    """
    definition = equation.definition
    if "formula" in views:
        copy = '<button type="button" class="copy" hidden>Copy the LaTeX</button>'
        source = f'<pre tabindex="0">{escape(latex(definition))}</pre>'
        in_latex = f"<details><summary>LaTeX</summary>{source}{copy}</details>"
        yield _view(
            "Formula", "formula", f'<div class="scroll">{formula_view(definition)}</div>{in_latex}{where}', wide=True
        )
    if "figure" in views:
        flow = graph(definition)
        steps = unrolled(flow)
        drawn = _drawn(flow) + (f"<h3>Step by step</h3>{_drawn(steps)}" if steps is not None else "")
        yield _view("Data flow", "figure", drawn)
    if "specification" in views:
        listing = equation_listing(equation)
        shown = "<p>Its lines are derived from those of another equation.</p>"
        if listing is not None:
            shown = listing.html(_anchor(0) if anchors else "")
        yield _view("The equation as it is written", "specification", shown)


def _drawn(flow: Graph) -> str:
    """A figure, and below it the same in words."""
    sentences = "".join(f"<li>{escape(sentence)}</li>" for _, sentence in flow.text())
    in_words = f'<details><summary>The figure in words</summary><ol class="words">{sentences}</ol></details>'
    drawn = re.sub(
        "<desc>.*?</desc>", "<desc>The same stands below in words.</desc>", svg(flow, style=""), flags=re.DOTALL
    )
    return f'<div class="scroll">{drawn}</div>{in_words}'


def _anchor(place: int) -> str:
    """What the ids of the lines of a listing begin with, by its place on the page."""
    return f"listing{place}-line"


def _where(equation: Equation[..., Any], listings: Sequence[tuple[str, Listing | None]]) -> str:
    """Links from each name of an equation to its lines, which work without a script.

    Args:
        listings: what each listing of the page is called, in order; None for one that the page does not have.
    """
    definition = equation.definition
    given = [item.name for item in definition.parameters]
    rows = []
    for name in dict.fromkeys([*given, *(name for line in definition.lines for name in line.targets)]):
        found = []
        for place, (title, listing) in enumerate(listings):
            lines = listing.lines_of(name_key(name)) if listing is not None else []
            links = ", ".join(f'<a href="#{_anchor(place)}{line}">{line}</a>' for line in lines)
            found += [f"{escape(title)}, line {links}"] if links else []
        rows += [f"<dt>{escape(text_of(Name(name), definition))}</dt><dd>{'; '.join(found)}</dd>"] if found else []
    shown = f'<dl class="where">{"".join(rows)}</dl>'
    return f"<details><summary>The lines of each name</summary>{shown}</details>" if rows else ""


def _implementation_views(
    mapped: Mapped, listings: Sequence[tuple[str, Listing]], *, anchors: bool = False
) -> Iterator[str]:
    if mapped.unlinked:
        yield _view("Links", "unlinked", f"<p>There are no links: {escape(mapped.unlinked)}.</p>")
    if not listings:
        yield _view("The implementation", "unlinked", "<p>It has no Python source that can be shown.</p>")
    within = fused(mapped) if mapped.links else {}
    known = escape(json.dumps({key: parts for key, parts in within.items() if parts}))
    for place, (path, listing) in enumerate(listings, 1):
        shown = listing.html(_anchor(place) if anchors else "")
        sentences = [*_without_a_line(mapped, within, path, is_first=place == 1), *anchors_text(mapped, path, listing)]
        said = "".join(f"<p>{escape(each)}</p>" for each in sentences)
        name = file_name(Path(path))
        extra = f' data-file="{escape(name)}" data-fused="{known}"'
        yield _view(f"The implementation, {name}", "implementation", shown + said, extra=extra)


def anchors_text(mapped: Mapped, path: str, listing: Listing) -> Iterator[str]:
    """A sentence for each anchor comment of a listing that is not true."""
    for line, names in untrue_anchors(mapped, path, listing).items():
        yield f"Line {line} is marked {', '.join(names)}, but no array there has that value."


def file_name(file: Path) -> str:
    """The name of a file; one of a package has the folder's before it, since packages have files of the same names."""
    return f"{file.parent.name}/{file.name}" if (file.parent / "__init__.py").is_file() else file.name


def _without_a_line(mapped: Mapped, within: Mapping[str, Sequence[str]], path: str, *, is_first: bool) -> Iterator[str]:
    """What is said below a listing of the lines of an equation that no line of the code makes by itself.

    Args:
        within: what `fused` gives.
        path: the file of the listing.
        is_first: whether it is the first listing, which tells what is fused into nothing that is linked.
    """
    definition = mapped.equation.definition
    names: dict[tuple[str, ...], list[str]] = {}
    for key, parts in within.items():
        names.setdefault(tuple(parts), []).append(text_of(Name(key.removeprefix("n:")), definition))
    for parts, of in names.items():
        there = [link for link in mapped.links if link.equation == definition.id and link.key in parts]
        own = [link for link in there if Path(link.file).resolve() == Path(path).resolve()]
        if own:
            into = ", ".join(dict.fromkeys(link.shown for link in own))
            lines = ", ".join(map(str, sorted({link.line for link in own})))
            yield f"Fused into {into}, line {lines}: {', '.join(of)}, whose values no line has alone."
        elif is_first and not there:
            yield f"No line of the code has the values of {', '.join(of)}."


def _called_views(mapped: Mapped) -> Iterator[str]:
    """The formulas of called equations, whose parts the code is linked with."""
    linked = {link.equation for link in mapped.links}
    for id, equation in _called(mapped.equation).items():
        if id in linked:
            content = f'<div class="scroll">{formula_view(equation.definition)}</div>'
            scope = f' data-equation="{escape(id)}"'
            yield _view(f"It calls {id}", "formula", content, wide=True, extra=scope)


def _called(equation: Equation[..., Any]) -> dict[str, Equation[..., Any]]:
    """The equations that an equation calls, directly or indirectly, as far as they are registered."""
    found: dict[str, Equation[..., Any]] = {}
    waiting = [*callees(equation.definition)]
    while waiting:
        callee = waiting.pop(0)
        if callee.id in REGISTRY and callee.id not in found and callee.id != equation.id:
            found[callee.id] = REGISTRY[callee.id]
            waiting += callees(callee)
    return found


def _words(equation: Equation[..., Any], mapped: Mapped | None = None) -> Words:
    """What each key with its equation is, for the line that tells what is lit."""
    shown: Words = {}
    linked = {link.equation for link in mapped.links} if mapped is not None else set()
    for each in (equation, *(item for id, item in _called(equation).items() if id in linked)):
        definition = fresh(each.definition)
        for node, tag in tagged_nodes(definition):
            if tag.key.startswith("t:"):
                shown[f"{each.id}|{tag.key}"] = text_of(node, definition)
        for name in (name for line in definition.lines for name in line.targets):
            shown[f"{each.id}|n:{name}"] = text_of(Name(name), definition)
        for item in definition.parameters:
            shape = f" ({', '.join(map(str, item.dims))})" if item.layer is None else ""
            shown[f"{each.id}|n:{item.name}"] = [text_of(Name(item.name), definition) + shape, item.symbol.meaning]
    return shown


def why(mapped: Mapped) -> str:
    """Why a candidate has its verdict; "" if it conforms."""
    verdict = mapped.verdict
    said = verdict.diagnosis[0].says if verdict.diagnosis else ""
    return "; ".join(filter(None, [verdict.reason, said]))


def verdict_text(mapped: Mapped) -> str:
    """The verdict as text, without the folders that a file is in on this machine."""
    return _without_folders(mapped, str(mapped.verdict))


def _without_folders(mapped: Mapped, text: str) -> str:
    path = Path(getattr(mapped.target, "path", ""))
    return text.replace(str(path), path.name) if path.is_absolute() else text


def _facts(mapped: Mapped) -> str:
    """What the run measured, and the verdict as text."""
    verdict = mapped.verdict
    bits = f"{verdict.effective_bits:.1f}" if verdict.effective_bits is not None else ""
    told = ("attnspec", "Python", "numpy", verdict.framework)
    rows = (
        ("framework, dtype, device", f"{verdict.framework}, {verdict.dtype}, {verdict.device}"),
        ("largest error over its bound", f"{mapped.largest:.3g}" if mapped.largest is not None else ""),
        ("effective bits", bits),
        ("precision policy", verdict.policy),
        ("known mistakes caught", f"{verdict.killed} of {verdict.of}" if verdict.of else ""),
        ("judged on", cases_text(verdict) if verdict.examples else ""),
        ("function", verdict.function.says if verdict.function is not None else ""),
        ("links", str(len(mapped.links))),
        ("seed", str(verdict.seed)),
        ("versions", ", ".join(f"{name} {number}" for name, number in software().items() if name in told)),
    )
    items = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in rows if value)
    said = f'<pre class="whole" tabindex="0">{escape(verdict_text(mapped))}</pre>'
    whole = f"<details><summary>The whole verdict</summary>{said}</details>"
    return f'<dl class="facts">{items}</dl>{whole}'
