"""Verdicts in SARIF 2.1.0, as services that show the results of static analysis read it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import attnspec
from attnspec.faces.gate_reports import headline
from attnspec.faces.known_departures import Departure
from attnspec.faces.places import Place, place_of
from attnspec.faces.verify_command import Run
from attnspec.verification.rendering import SCHEMA
from attnspec.verification.verdict import Verdict, VerdictKind

SCHEMA_OF_SARIF = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

RULES: Mapping[VerdictKind, str] = {
    VerdictKind.DIFFERS: "The implementation computes another formula than the equation.",
    VerdictKind.IMPRECISE: "The implementation computes the formula with fewer bits than declared.",
    VerdictKind.MISBEHAVES: "The implementation changes inputs, remembers calls, or returns another shape or dtype.",
    VerdictKind.FAILS: "The implementation raises, crashes, hangs or runs out of memory.",
    VerdictKind.INCONCLUSIVE: "The cases could not have told right from wrong.",
    VerdictKind.NOT_RUN: "The device, package or dtype is not available.",
}
"""{verdict: the sentence of its rule}."""


def sarif(run: Run) -> dict[str, Any]:
    """The verdicts of a run other than "conforms"; those that are known are suppressed, with their reason.

    A result is placed at the line at which the candidate departs from the equation, where the diagnosis knows it, and
    else at its definition.
    """
    rules = [{"id": _id(kind), "shortDescription": {"text": sentence}} for kind, sentence in RULES.items()]
    rules.append({"id": "refused", "shortDescription": {"text": "The target cannot be judged."}})
    driver = {"name": "attnspec", "version": attnspec.__version__, "rules": rules}
    results = [_result(verdict, run.known.expecting(verdict)) for verdict in run.verdicts if not verdict.passed]
    refused = [
        {"ruleId": "refused", "level": "error", "message": {"text": f"{target}: {error}"}}
        for target, error in run.refused
    ]
    return {
        "$schema": SCHEMA_OF_SARIF,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "invocations": [{"executionSuccessful": run.complete and not run.refused}],
                "results": [*results, *refused],
                "properties": {"schema": SCHEMA},
            }
        ],
    }


def _result(verdict: Verdict, known: Departure | None) -> dict[str, Any]:
    facts = {"equation": verdict.equation, "dtype": verdict.dtype, "device": verdict.device}
    identity = "\n".join([verdict.implementation, *facts.values(), verdict.verdict])
    logical = [{"fullyQualifiedName": verdict.implementation, "kind": "function"}]
    place = place_of(verdict)
    location: dict[str, Any] = {"logicalLocations": logical}
    if place is not None:
        location["physicalLocation"] = _physical(place)
    result: dict[str, Any] = {
        "ruleId": _id(verdict.verdict),
        "level": "error",
        "message": {"text": f"{verdict.equation} in {verdict.dtype or 'Python'}: {headline(verdict)}\n\n{verdict}"},
        "locations": [location],
        "partialFingerprints": {"attnspec/v1": hashlib.sha256(identity.encode()).hexdigest()},
        "properties": facts,
    }
    if known is not None:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": known.reason}]
    return result


def _physical(place: Place) -> dict[str, Any]:
    artifact = {"uri": place.file.replace("%", "%25").replace(" ", "%20"), "uriBaseId": "%SRCROOT%"}
    return {"artifactLocation": artifact, "region": {"startLine": place.line}}


def _id(kind: VerdictKind) -> str:
    return kind.replace(" ", "-")
