"""The known mistakes of an equation, and who catches which: the cases of verdicts of this build, and its properties."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from attnspec.faces.gate_mutants import mutation_report
from attnspec.interpreters.formula.formula import text
from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.language.equation import Equation
from attnspec.language.tree import Definition
from attnspec.pages.kept import Found
from attnspec.properties import PROPERTIES
from attnspec.verification.verdict import Verdict, VerdictKind
from website.language import Language
from writing import Texts, bullets, joined, prose, table

AnEquation = Equation[..., Any]
Answers = Mapping[str, Found]
"""{target: the verdict on it}."""

FOLDER = "mistakes"


def tried(found: Found) -> dict[str, bool]:
    """{id of a mistake: whether the cases of a verdict would have caught it}; empty if none was tried."""
    return dict(json.loads(found.facts.get("tried", "[]")))


def pages(equation: AnEquation, answers: Answers, language: Language) -> Texts:
    """The page of the mistakes of an equation, and the report beside it; none if no verdict tried any.

    Args:
        equation: the equation.
        answers: the verdicts on its implementations that tried mistakes.
        language: the language of the page.
    """
    if not answers:
        return {}
    report = json.dumps(mutation_report([_verdict(equation, found) for found in answers.values()]))
    return {
        f"{FOLDER}/{equation.id}.md": joined(_page(equation, answers, language)),
        f"{FOLDER}/{equation.id}.json": report,
    }


def _verdict(equation: AnEquation, found: Found) -> Verdict:
    facts = found.facts
    pairs = tuple(tried(found).items())
    kind = VerdictKind(found.verdict)
    return Verdict(equation.id, facts["implementation"], "", facts["dtype"], "cpu", kind, tried=pairs)


def catchers(equation: AnEquation) -> dict[str, list[str]]:
    """{id of a mistake: the properties of the equation that catch it}, as the tests of properties check."""
    found: dict[str, list[str]] = {}
    for law in PROPERTIES.get(equation.id, ()):
        for id in law.kills:
            found.setdefault(id, []).append(law.name)
    return found


def _page(equation: AnEquation, answers: Answers, language: Language) -> Iterator[str]:
    say, laws = language.say, catchers(equation)
    by_target = {target: tried(found) for target, found in answers.items()}
    mutants = [each for each in equation.mutants() if any(each.id in by for by in by_target.values())]
    missed = [each for each in mutants if not any(by.get(each.id) for by in by_target.values())]
    yield "---\nnosearch: true\n---"
    yield f"# {say('Known mistakes of {id}', id=equation.id)}"
    yield say("From the source to the verdicts of this build, line by line.")
    yield bullets(prose(str(source)) for source in equation.sources)
    heads = (say("line"), say("what it is"), say("mistakes in it"), say("caught"), say("properties that catch some"))
    yield table(heads, _lines(equation, mutants, missed, language))
    yield bullets(
        f"`{target}`: **{language.known.say(found.verdict)}**, {found.facts['dtype']}"
        for target, found in answers.items()
    )
    yield f"## {say('Who catches which')}"
    columns = "".join(f"<th>{escape(say(each))}</th>" for each in ("mistake", "made by"))
    columns += "".join(f"<th>{escape(say('cases of'))} {_with_breaks(each)}</th>" for each in by_target)
    columns += f"<th>{escape(say('properties'))}</th>"
    order = sorted(mutants, key=lambda each: (each not in missed, each.kind == "generated"))
    rows = "".join(_row(each, list(by_target.values()), laws.get(each.id, []), language) for each in order)
    yield say(
        "Mistakes of {equation} that are not equal to it. A ✓ says that the cases of a verdict of this build would "
        "have caught the mistake; a property that is named catches it too, which a test checks.",
        equation=f"{{attnspec:eq}}`{equation.id}`",
    )
    if missed:
        yield say("{number} mistakes, of which no verdict catches {missed}.", number=len(mutants), missed=len(missed))
    else:
        yield say("{number} mistakes, each of which a verdict catches.", number=len(mutants))
    report = f"[{say('The report')}]({equation.id}.json)"
    yield say("{report} is in the schema of mutation-testing-elements.", report=report)
    only = f'<label class="only-missed"><input type="checkbox"> {escape(say("only what no verdict catches"))}</label>\n'
    shown = f'<table class="table mistakes"><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table>'
    shown = f'<div class="pst-scrollable-table-container" tabindex="0">{shown}</div>'
    yield f"```{{raw}} html\n{only if missed else ''}{shown}\n```"


def _lines(
    equation: AnEquation, mutants: Sequence[Mutant], missed: Collection[Mutant], language: Language
) -> Iterator[tuple[str, ...]]:
    """The rows of a table: each line of the equation with the mistakes in it, and the properties that catch some."""
    definition, laws = equation.definition, catchers(equation)
    shown = [line.split("    ")[0] for line in text(definition).splitlines() if " = " in line and " ∈ " not in line]
    comments = [line.comment for line in definition.lines] + [""]
    of_line: list[list[Mutant]] = [[] for _ in comments]
    for mutant in mutants:
        for place in changed_lines(definition, mutant.definition):
            of_line[place].append(mutant)
    for line, comment, wrong in zip(shown, comments, of_line, strict=False):
        names = dict.fromkeys(law for mutant in wrong for law in laws.get(mutant.id, []))
        caught = len(wrong) - sum(mutant in missed for mutant in wrong)
        yield (
            f"`{line}`",
            language.of(comment),
            str(len(wrong)),
            str(caught),
            ", ".join(f"`{name}`" for name in names),
        )


def changed_lines(right: Definition, wrong: Definition) -> set[int]:
    """The lines of an equation that another one has otherwise, by number; the results count as one line, for which what
    has other lines altogether counts."""
    last = len(right.lines)
    if len(wrong.lines) != last:
        return {last}
    pairs = enumerate(zip(right.lines, wrong.lines, strict=True))
    return {place for place, (a, b) in pairs if a.value != b.value} | (
        {last} if right.returns != wrong.returns else set()
    )


def _with_breaks(target: str) -> str:
    """A long name as HTML, which may be broken after its signs."""
    return re.sub(r"([.:_])", r"\1<wbr>", escape(target))


def _row(mutant: Mutant, verdicts: list[dict[str, bool]], laws: list[str], language: Language) -> str:
    say = language.say
    says = language.of(mutant.says) if mutant.kind == "curated" else language.known.say(mutant.says)
    made = {"generated": say("a rule"), "curated": say("hand"), "convention": say("another convention")}[mutant.kind]
    cells = [f'<td><span title="{escape(mutant.id)}">{escape(says)}</span></td>', f"<td>{escape(made)}</td>"]
    for by in verdicts:
        sign, words = ("✓", "caught") if by.get(mutant.id) else ("–", "not caught")
        cells.append(f'<td class="{words.replace(" ", "-")}" aria-label="{escape(say(words))}">{sign}</td>')
    cells.append(f"<td>{', '.join(f'<code>{escape(law)}</code>' for law in laws)}</td>")
    missed = "" if any(by.get(mutant.id) for by in verdicts) else ' class="missed"'
    return f"<tr{missed}>{''.join(cells)}</tr>"
