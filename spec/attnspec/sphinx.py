"""Formulas, figures and verdicts in the documentation of any project, by Sphinx.

Put the extension into `conf.py`::

    extensions = ["attnspec.sphinx"]
    attnspec_equations = ["my_equations.py"]

Then there are two directives and a role, in reStructuredText and in MyST::

    .. attnspec:equation:: recurrent.gru_cell
       :views: formula figure specification

    .. attnspec:implementation:: my_package/gru.py:gru
       :equation: recurrent.gru_cell

    One step is :attnspec:eq:`recurrent.gru_cell`.

An equation is shown by its formula, its data flow and its source. An implementation is judged while the documentation
is built, and shown beside its formula with its verdict; a term that the reader points at lights up in both. An
implementation that does not conform is a warning of the build, so that `sphinx-build -W` fails, unless `:expect:` names
its verdict. It is judged again if a Python file in its folder or below has changed, and a module each time. With
`:unjudged:` its source is shown alone.

Two more directives compare equations: `attnspec:conventions` an equation with its conventions, line by line, and
`attnspec:difference` two equations, side by side; both with the distance of their values on drawn cases.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Set
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.addnodes import desc_name, desc_signature, pending_xref
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.config import Config
from sphinx.directives import ObjectDescription
from sphinx.domains import Domain, ObjType
from sphinx.environment import BuildEnvironment
from sphinx.errors import ConfigError
from sphinx.roles import XRefRole
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from attnspec import __version__
from attnspec.errors import SpecError
from attnspec.interpreters.formula.formula import latex, text
from attnspec.language import definitions
from attnspec.language.equation import REGISTRY, Equation
from attnspec.pages import page, site
from attnspec.pages.conventions import convention_items, side_by_side
from attnspec.pages.kept import Asked, Kept, unjudged
from attnspec.pages.translation import Translation, translation
from attnspec.verification.verdict import VerdictKind

__all__ = ["setup"]

LOGGER = logging.getLogger(__name__)


class Views(nodes.General, nodes.Element):
    """What a page shows of an equation: `html`, `latex` and `text`, one for each kind of builder."""


def views_node(equation: Equation[..., Any], html: str) -> Views:
    """A node whose HTML is given, and which is the formula in all other formats."""
    return Views("", html=html, latex=latex(equation.definition), text=text(equation.definition))


def visit_html(self: Any, node: Views) -> None:
    shown = _translation(self.config, Path(self.builder.srcdir)).html(node["html"])
    self.body.append(f'<div class="attnspec">{shown}</div>')
    raise nodes.SkipNode


def visit_latex(self: Any, node: Views) -> None:
    self.body.append(f"\n\\[\n{node['latex']}\n\\]\n")
    raise nodes.SkipNode


def visit_text(self: Any, node: Views) -> None:
    self.new_state()
    self.add_text(node["text"])
    self.end_state(wrap=False)
    raise nodes.SkipNode


def visit_other(self: Any, node: Views) -> None:
    block = nodes.literal_block(node["text"], node["text"])
    block.walkabout(self)
    raise nodes.SkipNode


def shown_views(given: str | None) -> tuple[str, ...]:
    """The names of views in an option of a directive.

    Raises:
        ValueError: one of them is not known.
    """
    names = tuple((given or "").replace(",", " ").split())
    unknown = [name for name in names if name not in page.VIEWS]
    if unknown or not names:
        raise ValueError(f"{' '.join(unknown) or 'nothing'} was given; expected some of {', '.join(page.VIEWS)}")
    return names


class EquationDirective(ObjectDescription[str]):
    """An equation, with its first sentence, its views and the text of the directive."""

    option_spec: ClassVar[Any] = {**ObjectDescription.option_spec, "views": shown_views}

    def handle_signature(self, sig: str, signode: desc_signature) -> str:
        equation = _equation(sig, self)
        self.equations = {**getattr(self, "equations", {}), equation.id: equation}
        signode += desc_name(equation.id, equation.id)
        return equation.id

    def add_target_and_index(self, name: str, sig: str, signode: desc_signature) -> None:
        signode["ids"].append(f"attnspec-{name}")
        self.state.document.note_explicit_target(signode)
        domain = self.env.domains["attnspec"]
        assert isinstance(domain, AttnspecDomain)
        domain.note(name, self.env.docname, signode["ids"][-1], signode)
        self.indexnode["entries"].append(("single", name, signode["ids"][-1], "", None))

    def _object_hierarchy_parts(self, sig_node: desc_signature) -> tuple[str, ...]:
        return (sig_node.astext(),)

    def _toc_entry_name(self, sig_node: desc_signature) -> str:
        return sig_node.astext()

    def transform_content(self, content_node: Any) -> None:
        wanted = self.options.get("views", page.VIEWS[:1])
        shown: list[nodes.Node] = []
        for equation in self.equations.values():
            first = _translation(self.config, Path(self.env.srcdir)).say(
                equation.doc.partition("\n\n")[0].replace("\n", " ")
            )
            shown.append(nodes.paragraph("", "", *_prose(first)))
            made = partial(page.equation_views, equation, wanted)
            shown.append(views_node(equation, _kept_part(self, equation, ["views", *wanted], made)))
        content_node[:0] = shown


def shown_beside(given: str | None) -> tuple[str, ...]:
    """The names of views beside a source, of which there may be none."""
    return () if (given or "").strip() == "none" else shown_views(given)


def expected_verdict(given: str | None) -> str:
    """The name of a verdict in an option of a directive."""
    return directives.choice(given or "", [kind.value for kind in VerdictKind])


class ImplementationDirective(SphinxDirective):
    """An implementation beside the formula of its equation, with its verdict."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[Any] = {
        "equation": directives.unchanged_required,
        "framework": directives.unchanged_required,
        "dtype": directives.unchanged_required,
        "views": shown_beside,
        "expect": expected_verdict,
        "unjudged": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        if "equation" not in self.options:
            raise self.error("the option :equation: is missing; expected the id of an equation")
        equation = _equation(self.options["equation"], self)
        asked = Asked(
            _target(self.arguments[0], Path(self.env.srcdir)),
            equation.id,
            self.options.get("framework"),
            self.options.get("dtype"),
            self.options.get("views", page.VIEWS[:1]),
        )
        alone = "unjudged" in self.options
        try:
            found = unjudged(asked) if alone else _kept(self.env).judged(asked)
        except SpecError as error:
            raise self.error(str(error)) from error
        expected = self.options.get("expect", "conforms")
        if not alone and found.verdict != expected:
            wanted = "" if expected == "conforms" else f" (expected: {expected})"
            said = f"{found.verdict}: {equation.id}, {self.arguments[0]}: {found.reason}{wanted}"
            LOGGER.warning(said, location=self.get_location(), type="attnspec", subtype="verdict")
        for file in found.files:
            self.env.note_dependency(file)
        name = nodes.strong(self.arguments[0], self.arguments[0])
        say = _translation(self.config, Path(self.env.srcdir)).say
        verdict = say("not judged in this build") if alone else say(found.verdict)
        said = ": ".join(filter(None, [verdict, say(found.reason)]))
        return [nodes.paragraph("", "", name, nodes.Text(f": {said}")), views_node(equation, found.html)]


class ConventionsDirective(SphinxDirective):
    """The other conventions of an equation: the lines that differ, and the distance of the values."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        equation = _equation(self.arguments[0], self)
        others = _kept_part(self, equation, ["conventions"], partial(convention_items, equation, ()))
        return [views_node(equation, f'<div class="conventions">{others}</div>')] if others else []


class DifferenceDirective(SphinxDirective):
    """Two equations side by side, or an equation and a known mistake of it, by its id among them."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        equation = _equation(self.arguments[0], self)
        named = self.arguments[1]
        mistakes = [] if named in REGISTRY else [each for each in equation.mutants() if each.id == named]
        other = mistakes[0] if mistakes else _equation(named, self)
        parts = ["difference", other.id, other.says, repr(other.definition)]
        return [views_node(equation, _kept_part(self, equation, parts, partial(side_by_side, equation, other)))]


def _kept_part(
    directive: SphinxDirective, equation: Equation[..., Any], parts: list[str], make: Callable[[], str]
) -> str:
    """HTML that shows an equation, made unless it is kept; the page is read again if the equation's file changes."""
    file = inspect.getsourcefile(inspect.unwrap(equation.function))
    if file is not None and Path(file).is_file():
        directive.env.note_dependency(file)
    return _kept(directive.env).html([*parts, site.equation_digest(equation, "")], make)


def _equation(id: str, directive: SphinxDirective) -> Equation[..., Any]:
    """An equation by its id; an unknown one is an error of the directive, with the nearest ids."""
    try:
        return REGISTRY[id.strip()]
    except SpecError as error:
        raise directive.error(str(error)) from error


def _target(given: str, folder: Path) -> str:
    """A target whose file is relative to the folder of the documentation."""
    file, colon, name = given.partition(":")
    path = (folder / file).resolve()
    return f"{path}{colon}{name}" if path.is_file() else given


def _kept(env: BuildEnvironment) -> Kept:
    """The verdicts that are kept: in the folder of the configuration, or from the last build."""
    folder = env.config.attnspec_kept
    return Kept(Path(env.app.confdir, folder), modules=True) if folder else Kept(Path(env.doctreedir, "attnspec"))


def _translation(config: Config, source: Path) -> Translation:
    """The texts in the language of the configuration; its `locale_dirs` are relative to the folder of the sources."""
    return translation(config.language, [source / each for each in config.locale_dirs])


def _prose(sentence: str) -> Iterator[nodes.Node]:
    """Text in which `code` stands between backticks."""
    for place, part in enumerate(sentence.split("`")):
        if part:
            yield nodes.literal(part, part) if place % 2 else nodes.Text(part)


class AttnspecDomain(Domain):
    """Equations, which a role links with the place where they are shown."""

    name = "attnspec"
    label = "attnspec"
    object_types: ClassVar[dict[str, ObjType]] = {"equation": ObjType("equation", "eq")}
    directives: ClassVar[dict[str, Any]] = {
        "equation": EquationDirective,
        "implementation": ImplementationDirective,
        "conventions": ConventionsDirective,
        "difference": DifferenceDirective,
    }
    roles: ClassVar[dict[str, Any]] = {"eq": XRefRole(warn_dangling=True)}
    initial_data: ClassVar[dict[str, Any]] = {"equations": {}}

    @property
    def equations(self) -> dict[str, tuple[str, str]]:
        """{id: the document that shows an equation, and the anchor there}."""
        found: dict[str, tuple[str, str]] = self.data.setdefault("equations", {})
        return found

    def note(self, id: str, document: str, anchor: str, location: nodes.Node) -> None:
        """Keep the place of an equation; a second place is a warning."""
        known = self.equations.get(id)
        if known is not None and known[0] != document:
            LOGGER.warning(
                f"{id} is also shown in {known[0]}; :no-index: leaves one of them out",
                location=location,
                type="attnspec",
            )
        self.equations[id] = (document, anchor)

    def clear_doc(self, docname: str) -> None:
        for id in [id for id, (document, _) in self.equations.items() if document == docname]:
            del self.equations[id]

    def merge_domaindata(self, docnames: Set[str], otherdata: dict[str, Any]) -> None:
        self.equations.update({id: at for id, at in otherdata["equations"].items() if at[0] in docnames})

    def resolve_xref(
        self, env: BuildEnvironment, fromdocname: str, builder: Builder, typ: str, target: str,
        node: pending_xref, contnode: nodes.Element,
    ) -> nodes.reference | None:  # fmt: skip
        if target not in self.equations:
            return None
        document, anchor = self.equations[target]
        return make_refnode(builder, fromdocname, document, anchor, contnode, target)

    def resolve_any_xref(
        self, env: BuildEnvironment, fromdocname: str, builder: Builder, target: str,
        node: pending_xref, contnode: nodes.Element,
    ) -> list[tuple[str, nodes.reference]]:  # fmt: skip
        found = self.resolve_xref(env, fromdocname, builder, "eq", target, node, contnode)
        return [] if found is None else [("attnspec:eq", found)]

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        for id, (document, anchor) in self.equations.items():
            yield id, id, "equation", document, anchor, 1


def _load(app: Sphinx) -> None:
    """Import the equations that the configuration names; files are relative to `conf.py`."""
    names = [
        str(Path(app.confdir, name)) if Path(app.confdir, name).is_file() else name
        for name in app.config.attnspec_equations
    ]
    try:
        definitions.load(names)
    except SpecError as error:
        raise ConfigError(f"attnspec_equations: {error}") from None


def _write_assets(app: Sphinx) -> None:
    """Write the style and the script before the pages, which name them with their checksums."""
    if app.builder.format == "html":
        static = Path(app.outdir, "_static")
        static.mkdir(exist_ok=True)
        (static / "attnspec.css").write_text(page.asset("views.css") + page.FIGURE_STYLE, "utf-8")
        script = page.asset("page.js")
        said = _translation(app.config, Path(app.srcdir)).script(script)
        before = f"window.attnspecSays = {json.dumps(said, ensure_ascii=False)};\n" if said else ""
        lines = (line.strip() for line in script.splitlines())
        code = "\n".join(line for line in lines if not line.startswith("//"))
        (static / "attnspec.js").write_text(before + code, "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the domain `attnspec` and the settings `attnspec_equations` and `attnspec_kept` with Sphinx."""
    other = (visit_other, None)
    app.add_node(
        Views, html=(visit_html, None), latex=(visit_latex, None), text=(visit_text, None), man=other, texinfo=other
    )
    app.add_domain(AttnspecDomain)
    app.add_config_value("attnspec_equations", [], "env", types=frozenset({list, tuple}))
    app.add_config_value("attnspec_kept", "", "env", types=frozenset({str}))
    # All pages are read again where this value is another one.
    app.add_config_value("attnspec_state", site.maker(), "env", types=frozenset({str}))
    app.add_css_file("attnspec.css")
    app.add_js_file("attnspec.js", loading_method="defer")
    app.connect("builder-inited", _load)
    app.connect("builder-inited", _write_assets)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}
