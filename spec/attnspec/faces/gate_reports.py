"""What a gate writes for others: JUnit XML, and annotations of GitHub's workflows."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from pathlib import Path

from attnspec.errors import SpecError
from attnspec.faces.places import place_of
from attnspec.faces.verify_command import Run
from attnspec.verification.verdict import Verdict

NOT_XML = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


def write_junit(path: str, run: Run, failures: Sequence[str] = ()) -> None:
    """Write the verdicts as a test suite: failures are verdicts that are neither "conforms" nor known.

    A known verdict is skipped, with its reason; a target that could not be judged is an error.

    Args:
        path: the file.
        run: the verdicts.
        failures: other reasons why the gate fails, as texts of which the first line is a headline.

    Raises:
        SpecError: the file cannot be written.
    """
    suite = ET.Element("testsuite", name="attnspec")
    for verdict in run.verdicts:
        name = ", ".join(filter(None, (verdict.implementation, verdict.dtype, verdict.device)))
        case = ET.SubElement(
            suite, "testcase", classname=verdict.equation, name=name, time=f"{max(verdict.seconds, 0.0):.3f}"
        )
        departure = run.known.expecting(verdict)
        if departure is not None:
            ET.SubElement(case, "skipped", message=_xml(f"known: {verdict.verdict}: {departure.reason}"))
        elif not verdict.passed:
            ET.SubElement(case, "failure", type=str(verdict.verdict), message=_xml(headline(verdict))).text = _xml(
                str(verdict)
            )
    for departure, now in run.gone:
        case = ET.SubElement(suite, "testcase", classname="known", name=str(departure))
        ET.SubElement(case, "failure", type="gone", message=f"listed as {departure.verdict}, and the verdict is: {now}")
    for text in failures:
        case = ET.SubElement(suite, "testcase", classname="gate", name=_xml(text.partition("\n")[0]))
        ET.SubElement(case, "failure", type="gate", message=_xml(text.partition("\n")[0])).text = _xml(text)
    for target, error in run.refused:
        case = ET.SubElement(suite, "testcase", classname="attnspec", name=target)
        ET.SubElement(case, "error", type=type(error).__name__, message=_xml(error.headline)).text = _xml(str(error))
    for name, tag in (("tests", "testcase"), ("failures", "testcase/failure"), ("errors", "testcase/error")):
        suite.set(name, str(len(suite.findall(tag))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    try:
        ET.ElementTree(suite).write(Path(path), encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise SpecError(f"cannot write JUnit XML: {error.strerror}", given=path) from error


def workflow_commands(run: Run, failures: Sequence[str] = (), warnings: Sequence[str] = ()) -> Iterator[str]:
    """A workflow command for each verdict that fails, and for each target that could not be judged.

    Args:
        run: the verdicts.
        failures: other reasons why the gate fails, as texts of which the first line is a headline.
        warnings: likewise, what is only to be noted.
    """
    for verdict in run.verdicts:
        if not verdict.passed and run.known.expecting(verdict) is None:
            yield f"::error {_properties(verdict)}::{_data(str(verdict))}"
    for target, error in run.refused:
        yield f"::error title={_property(f'{target} cannot be judged')}::{_data(str(error))}"

    for departure, now in run.gone:
        text = f"it is listed as {departure.verdict}, and the verdict is: {now}"
        yield f"::error title={_property(f'gone: {departure}')}::{_data(text)}"
    for level, texts in (("error", failures), ("warning", warnings)):
        for text in texts:
            title, _, rest = text.partition("\n")
            yield f"::{level} title={_property(title)}::{_data(rest or title)}"


def headline(verdict: Verdict) -> str:
    """What is wrong, in a line: the diagnosis, or else the reason."""
    says = verdict.diagnosis[0].says if verdict.diagnosis else verdict.reason.partition("\n")[0]
    return f"{verdict.verdict}: {says}"


def _properties(verdict: Verdict) -> str:
    place = place_of(verdict)
    where = [f"file={_property(place.file)}", f"line={place.line}"] if place is not None else []
    return ",".join([*where, f"title={_property(f'{verdict.equation}: {headline(verdict)}')}"])


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _xml(text: str) -> str:
    """The text without the control characters that XML does not have."""
    return NOT_XML.sub("�", text)
