"""docs/verdicts.schema.json describes what is written, field by field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

import attnspec
from attnspec.cli import main
from attnspec.verification.rendering import SCHEMA

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = json.loads((ROOT / "docs/verdicts.schema.json").read_text(encoding="utf-8"))
REPORT, VERDICT = (DOCUMENT["$defs"][name]["properties"] for name in ("report", "verdict"))
KNOWN = """[[departure]]
implementation = "attnspec_numpy.scores:dot"
dtype = "float32"
verdict = "differs"
reason = "an entry for this test"
link = "https://example.org"
"""


def closed(schema: Any) -> Any:
    """The schema without room for fields that it does not describe."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    shut = {"additionalProperties": False} if schema.get("type") == "object" and "properties" in schema else {}
    return {**shut, **{key: closed(value) for key, value in schema.items()}}


def assert_described(content: Any, name: str = "report") -> None:
    """Every field is described, and has the type and the values that are described."""
    validator = Draft202012Validator({**closed(DOCUMENT), "$ref": f"#/$defs/{name}"})
    plain = json.loads(json.dumps(content, allow_nan=False))

    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(plain)] == []


def test_it_is_a_schema_with_a_description_of_every_field() -> None:
    Draft202012Validator.check_schema(DOCUMENT)
    objects = [*DOCUMENT["$defs"].values(), VERDICT["mutation_score"], VERDICT["properties"]["items"]]
    fields = [field for each in objects for field in each.get("properties", {}).items()]

    assert len(fields) > 50
    assert not [name for name, field in fields if not field.get("description")]
    assert DOCUMENT["$ref"] == "#/$defs/report"
    assert REPORT["schema"]["const"] == SCHEMA
    assert DOCUMENT["$id"].endswith(f":{SCHEMA}")


def test_its_words_are_those_of_the_enumerations() -> None:
    kinds = DOCUMENT["$defs"]["known"]["properties"]["verdict"]["enum"]

    assert VERDICT["verdict"]["enum"] == list(attnspec.VerdictKind)
    assert ["conforms", *kinds] == list(attnspec.VerdictKind)
    assert VERDICT["policy"]["enum"] == [*attnspec.PrecisionPolicy, ""]
    assert VERDICT["framework"]["enum"] == [*attnspec.Framework, "python", ""]
    assert "|".join(attnspec.DType) in VERDICT["dtype"]["pattern"]


def scores(q: Any, k: Any) -> Any:
    return q @ np.swapaxes(k, -1, -2)


def test_reports_are_as_it_describes() -> None:
    """A report that conforms, differs and was not run."""
    reports = [
        attnspec.verify(scores, "scores.dot"),
        attnspec.verify(scores, "scores.scaled_dot"),
        attnspec.verify(scores, "scores.dot", device="cuda"),
    ]

    assert [str(report.verdict) for report in reports] == ["conforms", "differs", "not run"]
    for report in reports:
        assert_described(report.json())


def test_a_report_with_numbers_that_are_not_finite_is_as_it_describes() -> None:
    report = attnspec.verify(lambda q, k: scores(q, k) * np.nan, "scores.dot")

    assert report.json()["verdicts"][0]["worst_case"]["got"] == "nan"
    assert_described(report.json())


def test_a_report_on_a_procedure_is_as_it_describes() -> None:
    report = attnspec.verify(
        lambda tokens, vocabulary: tuple(vocabulary.get(token, 0) for token in tokens), "text.encode"
    )

    assert report.verdict == "differs"
    assert_described(report.json())


def test_what_the_command_writes_is_as_it_describes(tmp_path: Path) -> None:
    known, file = tmp_path / "known.toml", tmp_path / "verdicts.json"
    known.write_text(KNOWN)
    targets = ["attnspec_numpy.scores:dot", "no_such_file.py"]
    CliRunner().invoke(
        main, ["verify", *targets, "--dtype", "float32", "--known", str(known), "--json", str(file), "--quiet"]
    )
    written = json.loads(file.read_text(encoding="utf-8"))

    assert [each["verdict"] for each in written["verdicts"]] == ["conforms"]
    assert [each["occurs"] for each in written["known"]] == ["gone"]
    assert [each["error"] for each in written["not_asked"]] == ["TargetError"]
    assert_described(written, "command")


@pytest.mark.parametrize("field", ["known", "notes", "not_asked", "complete"])
def test_a_report_alone_is_not_what_the_command_writes(field: str) -> None:
    """The definition of the command's file asks for its own fields."""
    validator = Draft202012Validator({**DOCUMENT, "$ref": "#/$defs/command"})
    errors = [error.message for error in validator.iter_errors(attnspec.Report(()).json())]

    assert any(field in message for message in errors)
