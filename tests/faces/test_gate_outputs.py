"""The files that a gate writes: each is of its schema, and says what is wrong, where."""

from __future__ import annotations

import json
import re
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from jsonschema import Draft4Validator, Draft7Validator, FormatChecker

import attnspec
from attnspec.cli import main
from attnspec.errors import TargetError
from attnspec.faces.gate_badge import badge, badge_svg
from attnspec.faces.gate_mutants import mutation_report
from attnspec.faces.gate_sarif import sarif
from attnspec.faces.gate_summary import MOST, summary
from attnspec.faces.json_file import Document
from attnspec.faces.known_departures import Departure as Known
from attnspec.faces.known_departures import KnownDepartures
from attnspec.faces.known_entries import accept, entry_text
from attnspec.faces.places import Place, place_of
from attnspec.faces.screen import Screen
from attnspec.faces.verify_command import Run
from attnspec.interpreters.mutation.differing import differing
from attnspec.verification.cases.case import Case
from attnspec.verification.options import VerifyOptions
from attnspec.verification.verdict import Departure, Diagnosis, Report, Verdict, VerdictKind, WorstElement

SCHEMAS = Path(__file__).parents[1] / "schemas"
KERNELS = """
def attention(q, k, v):
    e = q @ k.mT
    return softmax(e) @ v


def other(q, k, v):
    return helper.f(q, k, v)
"""
UNSCALED = Diagnosis(
    "e/drop/√d", "in e: the division by √d is missing", departure=Departure((), (("e", "kernels.py:3"),))
)
CASE = Case({"q": np.ones((1, 1)), "k": np.ones((2, 1)), "v": np.ones((2, 1))}, {})


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kernels.py").write_text(KERNELS)
    return tmp_path


def verdict(name: str = "attention", kind: VerdictKind = VerdictKind.DIFFERS, **facts: Any) -> Verdict:
    facts.setdefault("reason", "34 of 35 differ")
    wrong = {"diagnosis": (UNSCALED,), "worst_case": WorstElement(CASE, "c", (0, 0), 0.25, 1e-8, 0.5)}
    given = {**(wrong if kind is VerdictKind.DIFFERS else {}), **facts}
    return Verdict(
        "attention.scaled_dot_product",
        f"kernels.py:{name}",
        "torch",
        "float32",
        "cpu",
        kind,
        **given,
    )


def run_of(*verdicts: Verdict, known: tuple[Known, ...] = ()) -> Run:
    run = Run(VerifyOptions(), Screen(), Document(None), known=KnownDepartures("known.toml", known), complete=True)
    run.verdicts += verdicts
    return run


def known(name: str) -> Known:
    return Known(f"kernels.py:{name}", "float32", "differs", "it | is *known*", "https://example.org", owner="Ada")


def errors(schema: str, content: Any) -> list[str]:
    document = json.loads((SCHEMAS / schema).read_text(encoding="utf-8"))
    kind = Draft4Validator if "draft-04" in document["$schema"] else Draft7Validator
    checked = json.loads(json.dumps(content, allow_nan=False))
    return [
        f"{each.json_path}: {each.message}"
        for each in kind(document, format_checker=FormatChecker()).iter_errors(checked)
    ]


def test_sarif_is_of_its_schema_and_at_the_line_that_departs() -> None:
    run = run_of(verdict(), verdict("other"), verdict("ok", VerdictKind.CONFORMS), known=(known("other"),))
    run.refused.append(("gone.py", TargetError("no file 'gone.py'", mend="look")))
    content = sarif(run)

    assert errors("sarif-2.1.0-rtm.5.json", content) == []
    first, second, refused = content["runs"][0]["results"]
    physical = first["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == "kernels.py"
    assert physical["region"]["startLine"] == 3
    assert first["ruleId"] == "differs"
    assert "the division by √d is missing" in first["message"]["text"]
    assert [each["justification"] for each in second["suppressions"]] == ["it | is *known*"]
    assert "suppressions" not in first
    assert refused["ruleId"] == "refused"
    assert {each["ruleId"] for each in (first, second, refused)} <= {
        rule["id"] for rule in content["runs"][0]["tool"]["driver"]["rules"]
    }
    assert first["partialFingerprints"] != second["partialFingerprints"]


@pytest.mark.parametrize("kind", [each for each in VerdictKind if each is not VerdictKind.CONFORMS])
def test_sarif_has_every_verdict(kind: VerdictKind) -> None:
    """Also without a file that is known, and with characters that JSON escapes."""
    odd = replace(verdict(kind=kind), implementation="nowhere.module:f", reason='\x00"\u2028')
    content = sarif(run_of(odd))

    assert errors("sarif-2.1.0-rtm.5.json", content) == []
    assert "physicalLocation" not in content["runs"][0]["results"][0]["locations"][0]


def test_the_schemas_refuse_what_is_wrong() -> None:
    """The checks of this file can fail."""
    content = sarif(run_of(verdict()))
    del content["runs"][0]["tool"]
    report = mutation_report([verdict()])
    del report["files"]

    assert errors("sarif-2.1.0-rtm.5.json", content)
    assert errors("mutation-testing-report-schema.json", report)


def test_a_place_is_the_departing_line_else_the_definition(project: Path) -> None:
    (project / "helper.py").write_text("def f(q, k, v):\n    return q\n")
    (project / "kernels.py").write_text("import helper\n" + KERNELS)
    elsewhere = replace(UNSCALED, departure=Departure((), (("e", "helper.py:2"),)))
    unknown = replace(UNSCALED, departure=Departure((), (("e", "torch.py:9"),)))

    assert place_of(verdict()) == Place("kernels.py", 3)
    assert place_of(verdict("other", diagnosis=(elsewhere,))) == Place("helper.py", 2)
    assert place_of(verdict("other", diagnosis=(unknown,))) == Place("kernels.py", 8)
    assert place_of(verdict("other", diagnosis=())) == Place("kernels.py", 8)
    assert place_of(replace(verdict(), implementation="kernels:other", diagnosis=())) == Place("kernels.py", 8)
    assert place_of(replace(verdict(), implementation="numpy:exp")) is None


def test_a_place_is_relative_to_the_repository(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / ".git").mkdir()
    (project / "below").mkdir()
    (project / "kernels.py").rename(project / "below/kernels.py")
    monkeypatch.chdir(project / "below")

    assert place_of(verdict()) == Place("below/kernels.py", 3)


def test_the_summary_has_the_mistake_the_marked_term_the_case_and_an_entry(project: Path) -> None:
    run = run_of(verdict(), verdict("other"), known=(known("other"),))
    text = summary(run, ["required: scores.dot has no verdict\n  to mend   add it"], False, project)

    assert text.startswith("## ❌ attnspec: 2 verdicts in")
    assert "**in e: the division by √d is missing** — kernels.py, line 3" in text
    assert r"e_{ij} &= \frac{q_{i} \cdot k_{j}}{{\color{red}{\sqrt{d}}}}" in text
    assert r"\operatorname" not in text
    assert "given       q = [[1]]" in text
    assert "**required: scores.dot has no verdict**" in text
    assert r"| differs | kernels.py:other | float32 | it \| is \*known\* | owner: Ada |" in text
    [entry] = re.findall(r"```toml\n(.*?)\n```", text, re.DOTALL)
    assert tomllib.loads(entry)["departure"][0]["implementation"] == "kernels.py:attention"


def test_a_candidate_cannot_write_markup(project: Path) -> None:
    text = summary(run_of(verdict(reason="```\n# <b>all is well</b>\n````")), [], False, project)

    assert "`````\ndiffers:" in text
    assert "\n## " not in text[5:]
    assert summary(run_of(verdict("a*b<b>", diagnosis=())), [], False, project).count(r"a\*b\<b\>") == 1


def test_a_long_summary_is_cut_and_says_so(project: Path) -> None:
    text = summary(run_of(*[verdict(reason="x" * 5000)] * 30), [], False, project)

    assert len(text) < MOST + 5000
    assert re.search(r"\d+ more verdicts fail\.", text)


@pytest.mark.parametrize(
    ("mistake", "parts"),
    [
        ("in e: the division by √d is missing", 1),
        ("in e: q_i and k_j are swapped", 2),
    ],
)
def test_what_a_mistake_changes_is_part_of_the_line(mistake: str, parts: int) -> None:
    equation = attnspec.equations()["attention.scaled_dot_product"]
    [mutant, *_] = [each for each in equation.mutants() if each.says == mistake]

    assert len(list(differing(equation.definition, mutant.definition))) == parts
    assert not list(differing(equation.definition, equation.definition))


def test_every_generated_mutant_of_one_root_has_a_differing_part() -> None:
    equation = attnspec.equations()["recurrent.gru_cell"]
    same_lines = [each for each in equation.mutants() if len(each.definition.roots) == len(equation.definition.roots)]

    assert len(same_lines) > 50
    assert all(list(differing(equation.definition, each.definition)) for each in same_lines)


def test_the_badge_counts_and_is_of_the_form_of_shields() -> None:
    """Fields and types of shields.io/badges/endpoint-badge, for which there is no schema to download."""
    run = run_of(verdict("other"), verdict("ok", VerdictKind.CONFORMS), known=(known("other"),))
    form = {
        "type": "object",
        "required": ["schemaVersion", "label", "message"],
        "additionalProperties": False,
        "properties": {
            "schemaVersion": {"const": 1},
            "label": {"type": "string"},
            "message": {"type": "string", "minLength": 1},
            "color": {"enum": ["brightgreen", "red", "lightgrey"]},
            "isError": {"type": "boolean"},
        },
    }

    for made in (badge(run, True), badge(run, False), badge(run_of(), False)):
        assert list(Draft7Validator(form).iter_errors(made)) == []
    assert badge(run, True)["message"] == "1 of 2 conform, 1 known"
    assert (badge(run, True)["color"], badge(run, False)["color"]) == ("brightgreen", "red")
    assert badge(run_of(), False)["message"] == "no verdict"


def test_the_badge_as_svg_is_xml_with_its_text() -> None:
    root = ET.fromstring(badge_svg({"label": "a<b", "message": "1 & 2", "color": "red"}))
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]

    assert texts == ["a<b", "1 & 2"]
    assert root.get("aria-label") == "a<b: 1 & 2"


def test_the_mutants_are_of_their_schema_at_the_terms_that_they_change() -> None:
    mutants = attnspec.equations()["attention.scaled_dot_product"].mutants()
    unscaled = next(each.id for each in mutants if each.id == UNSCALED.id)
    curated = next(each.id for each in mutants if each.kind == "curated")
    first = verdict(tried=((unscaled, True), (curated, False)))
    report = mutation_report([first, replace(first, dtype="float16", tried=((unscaled, False),))])

    assert errors("mutation-testing-report-schema.json", report) == []
    [(path, file)] = report["files"].items()
    assert path.endswith("attention.py")
    by_id = {each["id"].partition(": ")[2]: each for each in file["mutants"]}
    assert (by_id[unscaled]["status"], by_id[curated]["status"]) == ("Killed", "Survived")
    assert by_id[unscaled]["killedBy"] == ["attention.scaled_dot_product, kernels.py:attention, float32, cpu"]
    assert len(by_id[unscaled]["coveredBy"]) == 2
    start, end = (by_id[unscaled]["location"][name] for name in ("start", "end"))
    line = file["source"].splitlines()[start["line"] - 1]
    assert start["line"] == end["line"]
    assert line[start["column"] - 1 : end["column"] - 1] == "sqrt(size(q, -1))" or "sqrt" in line


def test_a_verdict_has_the_mistakes_that_it_tried() -> None:
    def dot(q: Any, k: Any) -> Any:
        return q @ np.swapaxes(k, -1, -2)

    [judged] = attnspec.verify(dot, "scores.dot", framework="numpy", examples=2, function=False)

    assert sum(caught for _, caught in judged.tried) == judged.killed > 0
    assert len(judged.tried) == judged.of
    assert errors("mutation-testing-report-schema.json", report := mutation_report([judged])) == []
    assert sum(len(file["mutants"]) for file in report["files"].values()) == judged.of


def test_the_command_writes_them_all(
    project: Path, monkeypatch: pytest.MonkeyPatch, answer_with: Callable[[Callable[..., Report]], None]
) -> None:
    def answered(target: str, options: VerifyOptions, *, on_verdict: Callable[[Verdict], None], **_: Any) -> Report:
        on_verdict(verdict())
        return Report((verdict(),))

    answer_with(answered)
    (project / "attnspec.toml").write_text(
        '[[gate.implementations]]\ntarget = "kernels.py:attention"\nequation = "attention.scaled_dot_product"\n'
    )
    names = {"sarif": "v.sarif", "summary": "v.md", "badge": "v.svg", "mutants": "m.json", "junit": "v.xml"}
    done = CliRunner().invoke(main, ["gate", *(f"--{option}={name}" for option, name in names.items())])

    assert done.exit_code == 1, done.output
    assert all((project / name).stat().st_size for name in names.values())
    assert "0 of 1 conform" in (project / "v.svg").read_text()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "v.md")
    CliRunner().invoke(main, ["gate", "--summary", "v.md", "--badge", "v.json"])
    assert (project / "v.md").read_text().count("## ❌") == 2
    assert json.loads((project / "v.json").read_text())["color"] == "red"


@pytest.mark.parametrize("option", ["--junit", "--sarif", "--summary", "--badge", "--mutants", "--part"])
@pytest.mark.parametrize("place", ["nowhere/report", "."])
def test_a_report_that_cannot_be_written_is_said_before_anything_is_verified(
    project: Path, answer_with: Callable[[Callable[..., Report]], None], option: str, place: str
) -> None:
    def answered(*_: Any, **__: Any) -> Report:
        raise AssertionError("it is verified")

    answer_with(answered)
    (project / "attnspec.toml").write_text(
        '[[gate.implementations]]\ntarget = "kernels.py:attention"\nequation = "attention.scaled_dot_product"\n'
    )
    share = ["--shard", "1/2"] if option == "--part" else []
    done = CliRunner().invoke(main, ["gate", *share, option, place])

    assert done.exit_code == 2, done.output
    assert f"given     {place}" in done.stderr
    assert "to mend   name a file in a folder that exists" in done.stderr


def test_an_accepted_entry_is_refused_until_it_is_filled_in(
    project: Path, answer_with: Callable[[Callable[..., Report]], None]
) -> None:
    """The gate writes it, refuses it, and passes with it when it is filled in."""

    def answered(target: str, options: VerifyOptions, *, on_verdict: Callable[[Verdict], None], **_: Any) -> Report:
        on_verdict(verdict())
        return Report((verdict(),))

    answer_with(answered)
    settings = '[[gate.implementations]]\ntarget = "kernels.py:attention"\nequation = "attention.scaled_dot_product"\n'
    (project / "attnspec.toml").write_text(settings)
    without = CliRunner().invoke(main, ["gate", "--accept"])
    (project / "attnspec.toml").write_text('[gate]\nknown = "known.toml"\n' + settings)
    accepting = CliRunner().invoke(main, ["gate", "--accept"])
    empty = CliRunner().invoke(main, ["gate"])
    entry = (project / "known.toml").read_text()
    (project / "known.toml").write_text(re.sub(r'(reason|link|owner) = ""', r'\1 = "filled in"', entry))
    filled = CliRunner().invoke(main, ["gate"])

    assert [each.exit_code for each in (without, accepting, empty, filled)] == [2, 1, 2, 0]
    assert "accepted: kernels.py:attention (float32, cpu); fill in reason, link and owner" in accepting.stdout
    assert "no text in 'reason'" in empty.stderr
    assert "# in e: the division by √d is missing" in entry


def test_entries_are_added_to_those_that_are_there(project: Path) -> None:
    listed = Known("kernels.py:other", "float32", "imprecise", "why", "link")
    (project / "known.toml").write_text(entry_text(verdict("first"), project, date(2026, 1, 1)) + "\n")
    verdicts = [verdict(), verdict("other"), verdict("ok", VerdictKind.CONFORMS)]
    lines = accept(verdicts, KnownDepartures("known.toml", (listed,)), "known.toml", project)
    entries = tomllib.loads((project / "known.toml").read_text())["departure"]

    assert [each["implementation"] for each in entries] == ["kernels.py:first", "kernels.py:attention"]
    assert entries[0]["review"] == date(2026, 4, 1)
    assert [line.partition(":")[0] for line in lines] == ["accepted", "not accepted"]
