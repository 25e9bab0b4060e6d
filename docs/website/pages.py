"""The pages of the site that are made from the registry and from the lists beside this file, as MyST Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import peers
from attnspec.discovery import Declared, Discovery
from attnspec.interpreters import dataflow
from attnspec.interpreters.cost.cost import written
from attnspec.language.equation import Equation
from attnspec.language.layers import sizes_of
from attnspec.language.procedure import PROCEDURES
from attnspec.language.symbols import differentiated, symbol
from attnspec.pages.kept import Asked, Found
from attnspec.properties import PROPERTIES
from attnspec.verification.cases.case import smallest
from website import mistakes
from website.disagreements import CARDS, DISPUTES, UNCHECKED, Card, Dispute
from website.drawing import called_by, drawing
from website.glossary import glossary
from website.language import Language
from website.pictures import pictures
from website.road import STEPS, Step, by_step, step_of
from writing import Texts, bullets, joined, prose, table

AnEquation = Equation[..., Any]
Verdicts = Mapping[Asked, Found]

FRONT = Asked("example/swapped_gate.py:gru_cell", "recurrent.gru_cell", views=("formula", "figure"))
"""The implementation that the front page judges, in the folder of the sources."""
OWN = ("attnspec_numpy", "attnspec_torch")
CANDIDATES = "example/candidates.py"


def own(equation: AnEquation, discovery: Discovery) -> list[Declared]:
    """The implementations in NumPy and PyTorch that are shown side by side."""
    found = [each for each in discovery.of(equation.id, equation.gradient_of) if each.package in OWN]
    return sorted(found, key=lambda each: OWN.index(each.package))


def asked_of(declared: Declared, equation: str) -> Asked:
    """The question of a verdict on an implementation that is shown without other views."""
    return Asked(declared.target, equation)


def judged_at_build(equations: Iterable[AnEquation], discovery: Discovery) -> list[Asked]:
    """What is judged while the site is built: the implementations of the main equations of each step, the peers of
    disputes, and the candidates of the gallery."""
    listed = {each.id: each for each in equations}
    main = [id for step in STEPS for id in step.judged if id in listed]
    found = [asked_of(each, id) for id in main for each in own(listed[id], discovery) if not each.backward]
    for dispute in DISPUTES:
        found += [
            asked_of(each, id)
            for id in dispute.equations
            for each in peers_of(id)
            if id in listed and missing(each) == ""
        ]
    wrong = [asked_candidate(*each, dispute.pairs) for dispute in DISPUTES for each in dispute.candidates]
    wrong += [asked_candidate(*card.candidate, card.pairs) for card in CARDS if card.candidate]
    found += [each for each in [*wrong, FRONT] if each.equation in listed]
    return list(dict.fromkeys(found))


def asked_candidate(name: str, id: str, pairs: Iterable[tuple[str, str]]) -> Asked:
    """The question of a verdict on code that is wrong on purpose; with its formula, unless the page shows that."""
    shown = {each for pair in pairs for each in pair}
    return Asked(f"{CANDIDATES}:{name}", id, views=() if id in shown else ("formula",))


@cache
def peers_of(id: str) -> list[Declared]:
    """The peers that compute an equation, not its gradient."""
    return [each for each in _peers() if each.equation == id and not each.backward]


@cache
def libraries() -> dict[str, list[str]]:
    """{id: the libraries that are judged against an equation}, by their names."""
    return {id: sorted({peers.library(each) for each in found}) for id, found in peers.by_equation().items()}


@cache
def _peers() -> list[Declared]:
    return peers.peers()


def missing(peer: Declared) -> str:
    """The distribution that a peer needs and that is not installed here; "" if it is."""
    try:
        version(peers.library(peer))
    except PackageNotFoundError:
        return peers.library(peer)
    return ""


class Pages:
    """The pages of a site.

    Args:
        equations: the equations that it shows.
        discovery: the implementations.
        verdicts: what was judged for this build.
        source: the folder of the sources, to which the data of pictures is written; None: it is not written.
        language: the language of the pages.
    """

    def __init__(
        self,
        equations: Sequence[AnEquation],
        discovery: Discovery,
        verdicts: Verdicts,
        source: Path | None = None,
        language: Language | None = None,
    ) -> None:
        self.source = source
        self.language = language or Language()
        self.say, self.of = self.language.say, self.language.of
        self.equations = equations
        self.shown = {each.id for each in equations}
        self.discovery = discovery
        self.verdicts = verdicts
        self.steps = by_step(equations)
        self.peers = peers.by_equation()

    def all(self, pictures: bool = True) -> Texts:
        """Every page, by its path.

        Args:
            pictures: whether what equations compute is drawn.
        """
        self.pictures = pictures
        found = {"index.md": joined(self.front()), "road.md": joined(self.road())}
        for step in STEPS:
            found[f"road/{step.name}.md"] = joined(self.step(step))
        for equation in self.equations:
            found[f"equations/{equation.id}.md"] = joined(self.equation(equation))
            found |= mistakes.pages(equation, self.answers(equation), self.language)
        found["which.md"] = joined(self.disputes())
        for dispute in DISPUTES:
            found[f"which/{dispute.name}.md"] = joined(self.dispute(dispute))
        found["gallery.md"] = joined(self.gallery())
        found["map.md"] = joined(self.map())
        found["mistakes.md"] = joined(self.mistakes())
        found["glossary.md"] = joined(glossary(self.language, self.shown))
        return found

    def guide(self, name: str, text: str, up: str = "") -> str:
        """A link to a guide, from a page that is `up` below the root; the guides are in English."""
        if not self.language.root:
            return f"[{text}]({up}{name}.md)"
        return f'<a href="{up}{self.language.root}{name}.html">{text}</a>'

    # The front page.

    def front(self) -> Iterator[str]:
        yield "---\nhtml_theme.sidebar_primary.remove: true\nhtml_theme.sidebar_secondary.remove: true\n---"
        yield "# attnspec"
        yield self.say(
            "Is this function the GRU of the paper? attnspec says so, or says **what is wrong with it**. Each equation "
            "from the RNN to the Transformer is written once; the tolerance follows from its rounding."
        )
        found = self.verdicts.get(FRONT)
        if found is not None:
            said = found.facts["text"].replace("swapped_gate.py", "examples/swapped_gate.py")
            lines = [line for line in said.splitlines() if not line.startswith(("  claimed", "  function"))]
            yield _code("text", "\n".join(["$ attnspec verify examples/swapped_gate.py", *lines[:7]]))
            yield self.say(
                "This verdict was given while this page was built. Point at a term: it lights up in the formula, in "
                "the data flow, and where the code has its values."
            )
            yield _implementation(FRONT, found, css="front")
        say = self.say
        links = (
            say("[The road from the RNN to the Transformer](road.md), {number} equations", number=len(self.equations)),
            f"[{say('Which one is this?')}](which.md)",
            f"[{say('Spot the difference')}](gallery.md)",
            f"[{say('Glossary')}](glossary.md)",
            self.guide("first-ten-minutes", say("The first ten minutes")),
            self.guide("documentation", say("All guides")),
        )
        yield " · ".join(links)
        guides = [] if self.language.root else ["Guides <documentation>"]
        yield _toctree(["road", "which", "gallery", "map", "mistakes", "glossary", *guides])

    # The road.

    def road(self) -> Iterator[str]:
        yield f"# {self.say('The road')}"
        yield self.say(
            "From the recurrent network to the Transformer, each step answers something that the one before could not "
            "do. The numbers 000 to 004 are {documents}; the words are ours.",
            documents=self.guide("sources", self.say("the source documents")),
        )
        for number, step in enumerate(STEPS, 1):
            main = [id for id in step.judged if id in self.shown] or [each.id for each in self.steps[step.name]][:2]
            links = self.language.list(f"[{id}](equations/{id}.md)" for id in main)
            title, count = f"[{self.say(step.title)}](road/{step.name}.md)", len(self.steps[step.name])
            yield f"**{number}. {title}**{self.say(', {count} equations: {links}', count=count, links=links)}"
        yield _toctree([f"road/{step.name}" for step in STEPS])

    def step(self, step: Step) -> Iterator[str]:
        yield f"# {self.say(step.title)}"
        yield from self.paragraphs(step.why)
        seeds = "; ".join(f"{document}, “{heading}”" for document, heading in step.seeds)
        yield self.say("After {documents}.", documents=seeds)
        for name, text in step.guides:
            yield self.guide(name, self.say(text), "../") + "."
        equations = self.steps[step.name]
        if equations:
            yield f"## {self.say('The equations')}"
            yield bullets(f"[{each.id}](../equations/{each.id}.md): {self.first(each.doc)}" for each in equations)
            procedures = [each for each in PROCEDURES.values() if step_of(each.id).name == step.name]
            if procedures:
                yield f"## {self.say('Procedures')}"
                yield self.say("Functions on text, which have no formula; `attnspec show ID` prints them.")
                yield bullets(f"`{each.id}`: {self.first(each.doc)}" for each in procedures)
            yield f"## {self.say('Who calls whom')}"
            yield drawing(equations, self.shown, "..", self.say)
            yield _toctree([f"../equations/{each.id}" for each in equations])

    def paragraphs(self, text: str) -> Iterator[str]:
        """The paragraphs of a text of the site."""
        for each in text.split("\n\n"):
            yield self.say(each.replace("\n", " "))

    def first(self, doc: str) -> str:
        """The first sentence of a docstring."""
        return prose(self.of(first_sentence(doc)))

    # Equations.

    def equation(self, equation: AnEquation) -> Iterator[str]:
        definition, step = equation.definition, step_of(equation.id)
        yield f"# {equation.id}"
        say, of = self.say, self.of
        title = f"[{say(step.title)}](../road/{step.name}.md)"
        yield say("Step {number} of the road: {step}.", number=STEPS.index(step) + 1, step=title)
        if equation.convention_of:
            base, says = self.linked(equation.convention_of), prose(of(equation.says))
            yield say("A convention of {equation}: {says}.", equation=base, says=says)
        if equation.gradient_of:
            yield say("The gradient of {equation}.", equation=self.linked(equation.gradient_of))
        rest = equation.doc.partition("\n\n")[2]
        yield _directive("attnspec:equation", equation.id, views="formula figure specification")
        yield from (prose(of(each.replace("\n", " "))) for each in rest.split("\n\n") if each)
        yield from self.implementations(equation)
        if self.pictures:
            yield from pictures(equation, self.source, self.language)
        yield from self.conventions(equation)
        yield f"## {say('Shapes')}"
        yield table(("", say("name"), say("shape"), say("meaning")), self.taken(equation))
        sizes = self.language.list(f"`{name}` ≥ {smallest(equation, name)}" for name in sizes_of(definition))
        yield say("Sizes: {sizes}.", sizes=sizes)
        learned, number = dataflow.parameters(definition)
        if learned:
            yield say("Parameters: {number}.", number=f"`{written(number)}`")
        laws = PROPERTIES.get(equation.id, ())
        if laws:
            yield f"## {say('Properties')}"
            yield bullets(f"`{law.name}`: {prose(of(law.says))}" for law in laws)
        yield from self.known_mistakes(equation)
        yield from self.called(equation)
        yield f"## {say('Sources')}"
        yield bullets(prose(str(source)) for source in equation.sources)

    def taken(self, equation: AnEquation) -> Iterator[tuple[str, ...]]:
        """The rows of the table of what an equation takes and gives."""
        definition, say, of = equation.definition, self.say, self.of
        for each in definition.parameters:
            means = prose(of(each.symbol.meaning)) + ("" if each.kind == "float" else f", {each.kind}")
            if each.layer is None:
                yield say("takes"), f"`{each.name}`", _shape(each.dims), means
                continue
            yield say("takes"), f"`{each.name}`", say("`L` layers"), prose(of(each.symbol.meaning))
            for part in each.layer.takes:
                yield "", f"– `{part.name}`", _shape(part.dims), prose(of(part.symbol.meaning))
        for option in definition.options:
            yield say("option"), f"`{option.name}`", "", option.kind
        for result in definition.results:
            of_what = (
                prose(of(symbol(result.name, equation.id).meaning)) if differentiated(result.name) else result.kind
            )
            yield say("gives"), f"`{result.name}`", _shape(result.dims), of_what

    def implementations(self, equation: AnEquation) -> Iterator[str]:
        found = own(equation, self.discovery)
        yield f"## {self.say('Implementations')}"
        if not found:
            yield self.say("There are none.")
            return
        answers = {each: self.verdicts.get(asked_of(each, equation.id)) for each in found}
        judged = [each for each, answer in answers.items() if answer is not None]
        if judged:
            dtypes = sorted({answer.facts["dtype"] for answer in answers.values() if answer is not None})
            yield self.say(
                "Judged while this page was built, in {dtypes}. Where code is linked with the formula, its arrays had "
                "the same values.",
                dtypes=self.language.list(dtypes),
            )
        if len(judged) < len(found):
            yield self.say(
                "The implementations without a verdict were **not judged while this page was built**, and their code "
                "is not linked; {command} judges and links one, and the tests judge all.",
                command=f"`attnspec map {equation.id} {found[0].target}`",
            )
        yield _sides(*(_implementation(asked_of(each, equation.id), answers[each]) for each in found))

    def conventions(self, equation: AnEquation) -> Iterator[str]:
        base = equation.convention_of or equation.id
        others = [each for each in self.equations if base in (each.convention_of, each.id) and each.id != equation.id]
        others = [each for each in others if each.convention_of or equation.convention_of]
        if others:
            yield f"## {self.say('Other conventions')}"
            yield self.say("See {equations}.", equations=self.language.list(self.linked(each.id) for each in others))
            yield self.say("The libraries that are judged against each:")
            heads = self.say("equation"), self.say("library")
            known = [(id, libraries().get(id, [])) for id in (equation.id, *(each.id for each in others))]
            yield table(
                heads, [(self.linked(id), self.language.list(names) or self.say("none")) for id, names in known]
            )
            yield _directive("attnspec:conventions", equation.id)

    def known_mistakes(self, equation: AnEquation) -> Iterator[str]:
        answers = [(each, self.verdicts.get(asked_of(each, equation.id))) for each in own(equation, self.discovery)]
        caught = [
            f"`{each.target}`: {self.language.known.say(answer.facts['caught'])}"
            for each, answer in answers
            if answer and answer.facts["caught"]
        ]
        say = self.say
        yield f"## {say('Known mistakes')}"
        if caught:
            yield say(
                "Of the mistakes that are not equal to the equation, the cases of the verdicts on this page would have "
                "caught: {numbers}.",
                numbers=self.language.list(caught),
            )
        lists = f"`attnspec show {equation.id} --mutants`"
        if self.answers(equation):
            lists = f"[{say('the table of who catches which')}](../{mistakes.FOLDER}/{equation.id}.md)"
        if equation.curated:
            by_hand = "Written by hand: {number}. Rules make the others from its lines. All are in {place}."
            yield say(by_hand, number=len(equation.curated), place=lists)
        else:
            yield say("Rules make them from its lines; all are in {place}.", place=lists)
        yield bullets(f"`{each.name}`: {prose(self.of(each.says))}" for each in equation.curated)

    def answers(self, equation: AnEquation) -> dict[str, Found]:
        """The verdicts of this build on implementations of an equation that tried known mistakes."""
        found = {each.target: self.verdicts.get(asked_of(each, equation.id)) for each in own(equation, self.discovery)}
        return {target: answer for target, answer in found.items() if answer is not None and mistakes.tried(answer)}

    def called(self, equation: AnEquation) -> Iterator[str]:
        calls = [id for id in called_by(equation) if id in self.shown]
        callers = [each.id for each in self.equations if equation.id in called_by(each)]
        listed = self.peers.get(equation.id, ())
        if calls or callers:
            yield f"## {self.say('Neighbours')}"
            named = (self.language.list(map(self.linked, ids)) for ids in (calls, callers))
            says = ("It calls {equations}", "It is called by {equations}")
            yield bullets(self.say(each, equations=ids) for each, ids in zip(says, named, strict=True) if ids)
        yield f"## {self.say('Peers')}"
        if listed:
            targets = self.language.list(f"`{each.target}`" for each in listed)
            yield self.say("Other software that computes it: {targets}.", targets=targets)
        else:
            why = self.say(" ".join(peers.without(equation.id).split()) or "no reason is listed")
            yield self.say("No other software: {why}.", why=why)

    def linked(self, id: str) -> str:
        """An equation, with a link if the site shows it."""
        return f"{{attnspec:eq}}`{id}`" if id in self.shown else f"`{id}`"

    # Disputes and the gallery.

    def disputes(self) -> Iterator[str]:
        yield f"# {self.say('Which one is this?')}"
        yield self.say(
            "Several equations go by one name. Each page shows in which term they differ, by how much, and which "
            "library computes which: by a verdict that was given while this site was built."
        )
        yield bullets(f"[{self.say(each.title)}](which/{each.name}.md)" for each in DISPUTES)
        link = self.guide("conventions", self.say("one table"))
        yield self.say("All conventions and all libraries are in {table}.", table=link)
        yield _toctree([f"which/{each.name}" for each in DISPUTES])

    def dispute(self, dispute: Dispute) -> Iterator[str]:
        say = self.say
        yield f"# {say(dispute.title)}"
        yield from self.paragraphs(dispute.says)
        yield from self.pairs(dispute.pairs)
        yield f"## {say('Which library computes which')}"
        rows = []
        for id in dispute.equations:
            for peer in peers_of(id):
                rows.append((self.linked(id), peers.library(peer), f"`{peer.target}`", self.verdict(peer, id)))
        heads = (say("equation"), say("library"), say("as it is called"), say("verdict"))
        yield table(heads, rows) if rows else say("None of them.")
        without = [id for id in dispute.equations if not peers_of(id)]
        if without:
            yield say("No library has {equations}.", equations=self.language.list(map(self.linked, without)))
        if dispute.candidates:
            yield f"## {say('What it looks like when it goes wrong')}"
            for name, id in dispute.candidates:
                yield self.candidate(asked_candidate(name, id, dispute.pairs))

    def verdict(self, peer: Declared, id: str) -> str:
        """The verdict on a peer, or why there is none."""
        absent = missing(peer)
        if absent:
            return self.say("not judged: {library} was not installed", library=absent)
        answer = self.verdicts.get(asked_of(peer, id))
        if answer is None:
            return self.say("not judged in this build")
        say = self.language.known.say
        verdict = f"**{say(answer.verdict)}**, {answer.facts['dtype']}"
        return " ".join(filter(None, [verdict, answer.reason and prose(say(answer.reason))]))

    def pairs(self, pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
        for equation, other in pairs:
            if equation in self.shown:
                yield _directive("attnspec:difference", f"{equation} {other}")

    def candidate(self, asked: Asked) -> str:
        return _implementation(asked, self.verdicts.get(asked)) if asked.equation in self.shown else ""

    def gallery(self) -> Iterator[str]:
        yield f"# {self.say('Spot the difference')}"
        yield self.say(
            "Formulas, texts and code that disagreed in real software. Where two formulas stand side by side, the "
            "symbols that differ are marked, and the distance of their values was computed while this site was built. "
            "The code is ours: it does what the text or the report says, and was judged in this build."
        )
        command = "`attnspec verify docs/website/candidates.py:NAME`"
        yield self.say("In a checkout, {command} gives the verdict on each, by its name.", command=command)
        for card in CARDS:
            yield from self.card(card)
        yield f"## {self.say('Not checked')}"
        yield bullets(f"{number}: {self.say(why)}" for number, why in UNCHECKED)

    def card(self, card: Card) -> Iterator[str]:
        yield f"## {card.number}. {self.say(card.title)}"
        yield self.say(card.says)
        if card.threads:
            yield self.say("Reported in {threads}.", threads=self.language.list(map(_thread, card.threads)))
        yield from self.pairs(card.pairs)
        if card.candidate:
            yield self.candidate(asked_candidate(*card.candidate, card.pairs))

    # The map and the mistakes.

    def map(self) -> Iterator[str]:
        yield "---\nhtml_theme.sidebar_secondary.remove: true\n---"
        yield f"# {self.say('The map')}"
        yield self.say("Which equation calls which (solid), and which is a convention of which (dashed).")
        yield self.say(
            "An empty box is an equation that is specified. A light one has other software that is judged against it; "
            "of a dark one, so has all that it is built from. The page of each step says the same in words."
        )
        for step in STEPS:
            if self.steps[step.name]:
                yield f"## [{self.say(step.title)}](road/{step.name}.md)"
                options = {"alone": False, "in_words": False}
                yield drawing(self.steps[step.name], self.shown, ".", self.say, libraries=libraries(), **options)

    def mistakes(self) -> Iterator[str]:
        say = self.say
        yield f"# {say('Known mistakes')}"
        yield say(
            "Of the implementations that were judged in this build: how many of the known mistakes of their equations "
            "the same cases would have caught. Mistakes that are equal to the equation are not counted."
        )
        rows = [
            (
                self.linked(asked.equation),
                f"`{asked.target}`",
                self.language.known.say(found.verdict),
                self.language.known.say(found.facts["caught"]),
            )
            for asked, found in self.verdicts.items()
            if found.facts["caught"]
        ]
        heads = (say("equation"), say("implementation"), say("verdict"), say("caught"))
        yield table(heads, rows) if rows else say("None was judged.")
        own_pages = [f"{mistakes.FOLDER}/{each.id}" for each in self.equations if self.answers(each)]
        if own_pages:
            yield say("Who catches which:")
            yield bullets(f"[{name.partition('/')[2]}]({name}.md)" for name in own_pages)
            yield _toctree(own_pages)


def first_sentence(doc: str) -> str:
    """The first line of a docstring."""
    return doc.partition("\n")[0]


def _shape(dims: Iterable[object]) -> str:
    return f"`({', '.join(map(str, dims))})`"


def _thread(name: str) -> str:
    repository, _, number = name.partition("#")
    return f"[{name}](https://github.com/{repository}/issues/{number})"


def _directive(name: str, argument: str, **options: str) -> str:
    lines = "".join(f":{option}: {value}\n".replace(": \n", ":\n") for option, value in options.items())
    return f"```{{{name}}} {argument}\n{lines}```"


def _implementation(asked: Asked, found: Found | None, css: str = "") -> str:
    options = {"equation": asked.equation, "views": " ".join(asked.views) or "none"}
    if found is None:
        options["unjudged"] = ""
    elif found.verdict != "conforms":
        options["expect"] = found.verdict
    shown = _directive("attnspec:implementation", asked.target, **options)
    return f"````{{container}} {css}\n{shown}\n````" if css else shown


def _sides(*parts: str) -> str:
    inner = "\n\n".join(f"````{{container}} side\n{part}\n````" for part in parts)
    return f"`````{{container}} sides\n{inner}\n`````"


def _toctree(pages: Iterable[str]) -> str:
    return "```{toctree}\n:hidden:\n\n" + "\n".join(pages) + "\n```"


def _code(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"
