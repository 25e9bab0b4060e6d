"""`attnspec gate`: what its settings ask, when it fails, and what it writes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from attnspec.cli import main
from attnspec.faces import gate_command, gate_settings
from attnspec.faces.gate_targets import placed_from
from attnspec.verification.options import VerifyOptions
from attnspec.verification.verdict import Departure, Diagnosis, Report, Verdict, VerdictKind

KERNELS = """
import numpy as np

def dot(q, k):
    return q @ np.swapaxes(k, -1, -2)

def wrong(q, k):
    return q @ np.swapaxes(k, -1, -2) / 2
"""
ENTRY = 'target = "kernels.py:dot"\nequation = "scores.dot"\n'
KNOWN = """[[departure]]
implementation = "kernels.py:wrong"
dtype = "float32"
verdict = "differs"
reason = "it is halved"
link = "https://example.org/1"
owner = "Ada"
review = 2030-01-31
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kernels.py").write_text(KERNELS)
    return tmp_path


@pytest.fixture
def gate(project: Path) -> Callable[..., Result]:
    """`attnspec gate` with these settings of the gate, and these of its implementations."""

    def ran(settings: str = "", *entries: str, options: tuple[str, ...] = ()) -> Result:
        tables = "".join(f"[[tool.attnspec.gate.implementations]]\n{entry}\n" for entry in entries)
        (project / "pyproject.toml").write_text(f"[tool.attnspec.gate]\n{settings}\n{tables}")
        return CliRunner().invoke(main, ["gate", *options])

    return ran


@pytest.fixture
def asked(answer_with: Callable[[Callable[..., Report]], None]) -> list[tuple[str, VerifyOptions]]:
    """What is verified. Verdicts are not computed: "wrong" differs, "far" is not run, "none" gives no verdict."""
    asked: list[tuple[str, VerifyOptions]] = []

    def answered(target: str, options: VerifyOptions, *, on_verdict: Callable[[Verdict], None], **_: Any) -> Report:
        asked.append((target, options))
        kinds = {"wrong": VerdictKind.DIFFERS, "far": VerdictKind.NOT_RUN}
        kind = kinds.get(target.partition(":")[2], VerdictKind.CONFORMS)
        departure = Departure((), (("e", "kernels.py:8"),), (), "e is wrong")
        diagnosis = (Diagnosis("e/halved", "in e: halved, 100%", departure=departure),)
        verdict = Verdict(
            options.equation or "scores.dot", target, "numpy", "float32", options.device or "cpu", kind, "because",
            diagnosis if kind is VerdictKind.DIFFERS else (),
        )  # fmt: skip
        verdicts = () if target.endswith("none") else (verdict,)
        for each in verdicts:
            on_verdict(each)
        return Report(verdicts)

    answer_with(answered)
    return asked


def test_it_is_red_with_the_diagnosis_and_green_after_the_mend(gate: Callable[..., Result], project: Path) -> None:
    """No stand-ins: the verdicts are computed."""
    red = gate('required = ["scores.dot"]\nexamples = 2', ENTRY.replace("dot", "wrong", 1))
    (project / "kernels.py").write_text(KERNELS.replace(" / 2", ""))
    green = gate('required = ["scores.dot"]\nexamples = 2', ENTRY.replace("dot", "wrong", 1))

    assert (red.exit_code, green.exit_code) == (1, 0), red.output + green.output
    assert "is multiplied by 0.5" in red.stdout
    assert "conforms: scores.dot, kernels.py:wrong" in green.stdout


def test_settings_become_options(gate: Callable[..., Result], asked: list[tuple[str, VerifyOptions]]) -> None:
    """Each implementation is asked on each device; what it sets itself comes before what the gate sets."""
    shared = (
        'dtypes = ["float32"]\ndevices = ["cpu", "cuda"]\npolicy = "op-by-op"\nexamples = 3\nseed = 4\ntime_limit = 5'
    )
    own = 'devices = ["cpu"]\ndtypes = ["float64"]\nexamples = 7\naxes = "BN"\nbackward = false\nclaim = {batch = 0}'
    done = gate(shared, ENTRY, ENTRY + own)

    assert done.exit_code == 0, done.output
    assert [options.device for _, options in asked] == ["cpu", "cuda", "cpu"]
    assert {target for target, _ in asked} == {"kernels.py:dot"}
    first, _, last = (options for _, options in asked)
    assert first == VerifyOptions(
        "scores.dot", dtypes=("float32",), device="cpu", policy="op-by-op", examples=3, seed=4, time_limit=5
    )
    assert (last.dtypes, last.examples, last.axes, last.claim) == (("float64",), 7, "BN", {"batch": (0,)})


def test_a_folder_below_uses_the_settings_above(
    project: Path, gate: Callable[..., Result], asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "below").mkdir()
    (project / "known.toml").write_text(KNOWN)
    monkeypatch.chdir(project / "below")

    done = gate('known = "known.toml"', ENTRY.replace("dot", "wrong", 1))

    assert done.exit_code == 0, done.output
    assert [target for target, _ in asked] == ["../kernels.py:wrong"]


PROGRAM = """
import json, sys
import numpy as np

print('{"attnspec":1,"parameters":["q","k"],"dtype":"float32"}', flush=True)
for line in sys.stdin:
    call = json.loads(line)
    place = lambda each: f"{call['folder']}/{each['file']}"
    q, k = (np.fromfile(place(each), each["dtype"]).reshape(each["shape"]) for each in call["inputs"])
    e = q @ k.T
    e.tofile(place({"file": "out"}))
    output = {"dtype": "float32", "shape": list(e.shape), "file": "out"}
    print(json.dumps({"call": call["call"], "outputs": [output]}), flush=True)
"""


def test_a_command_is_verified_from_any_folder(
    project: Path, gate: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No stand-ins: the program is run. Its files are found from the folder of the settings, as its known entry is."""
    (project / "below").mkdir()
    (project / "kernel.py").write_text(PROGRAM)
    (project / "known.toml").write_text(KNOWN.replace("kernels.py:wrong", f"command:{sys.executable} kernel.py"))
    entry = f'command = ["{sys.executable}", "kernel.py"]\nequation = "scores.dot"\nclaim = {{batch = [0]}}'
    right = gate("examples = 0", entry)
    monkeypatch.chdir(project / "below")
    (project / "kernel.py").write_text(PROGRAM.replace("q @ k.T", "q @ k.T / 2"))
    wrong = gate('examples = 0\nknown = "known.toml"', entry)

    assert right.exit_code == 0, right.output
    assert f"conforms: scores.dot, command:{sys.executable} kernel.py" in right.stdout
    assert wrong.exit_code == 0, wrong.output
    assert f"known: differs: scores.dot, command:{sys.executable} ../kernel.py" in wrong.stdout


@pytest.mark.parametrize(
    ("settings", "here", "from_below"),
    [
        ('command = ["./kernel", "--fast"]', "command:./kernel --fast", "command:../kernel --fast"),
        ('command = ["bin/kernel"]', "command:bin/kernel", "command:../bin/kernel"),
        ("target = \"command:./kernel 'a b'\"", "command:./kernel 'a b'", "command:../kernel 'a b'"),
        ('command = ["env", "kernel", "absent"]', "command:env kernel absent", "command:env ../kernel absent"),
    ],
)
def test_the_words_of_a_command_that_name_files_are_moved(
    settings: str,
    here: str,
    from_below: str,
    project: Path,
    gate: Callable[..., Result],
    asked: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for folder in ("bin", "below"):
        (project / folder).mkdir()
    for name in ("kernel", "bin/kernel"):
        (project / name).touch()
    gate("", f'{settings}\nequation = "scores.dot"')
    monkeypatch.chdir(project / "below")
    gate("", f'{settings}\nequation = "scores.dot"')

    assert [target for target, _ in asked] == [here, from_below]
    assert placed_from(from_below, project) == here


def test_a_file_of_its_own_has_the_same_settings(project: Path, asked: list[Any]) -> None:
    (project / "attnspec.toml").write_text('[gate]\nimplementations = ["kernels.py:dot"]\n')
    (project / "pyproject.toml").write_text("[tool.attnspec]\n")

    assert CliRunner().invoke(main, ["gate"]).exit_code == 0
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("settings", "entry", "words"),
    [
        ("requird = []", ENTRY, ["no setting 'requird'", "did you mean required"]),
        ("", ENTRY + "dtype = 'float32'", ["implementation 1 has no setting 'dtype'", "dtypes"]),
        ("", ENTRY + 'devices = "cpu"', ["devices has another type", "a list", 'devices = ["cpu"]']),
        ("", 'target = ""\nequation = "scores.dot"', ["implementation 1 has no target"]),
        ("", 'target = "kernels.py:wrong"', ["nothing in kernels.py:wrong says", 'equation = "ID" in a gate']),
        (
            "",
            f"{ENTRY}\n[[tool.attnspec.gate.implementations]]\n{ENTRY}",
            ["implementation 2 is implementation 1 again", "remove one"],
        ),
        ("", ENTRY + 'devices = ["cpu", "cpu"]', ["implementation 1 is named twice on one device"]),
        ("", ENTRY + "devices = []", ["devices is not a list of names"]),
        ("examples = true", ENTRY, ["examples has another type"]),
        ("required = []", ENTRY, ["required is not a list of names"]),
        ('required = ["scors.*"]', ENTRY, ["no equation matches 'scors.*'", "did you mean scores"]),
        (
            "",
            ENTRY.replace("scores.dot", "scores.dots"),
            ["implementation 1: no equation 'scores.dots'", "did you mean scores.dot"],
        ),
        ("", ENTRY.replace("kernels", "kernel"), ["no file 'kernel.py'", "did you mean kernels.py"]),
        ("", ENTRY.replace("kernels.py:dot", "kernels.py:dt"), ["no callable 'dt'", "did you mean dot"]),
        ("", ENTRY + 'dtypes = ["float23"]', ["no dtype 'float23'", "did you mean float32"]),
        ("", ENTRY + 'devices = ["gpu"]', ["no device 'gpu'", "did you mean cuda"]),
        ("", ENTRY + 'policy = "loos"', ["no precision policy 'loos'"]),
        ("", 'equation = "scores.dot"', ["implementation 1 has no target", 'command = ["./kernel"]']),
        ("", 'command = "./kernel"', ["command has another type", 'command = ["./kernel"]']),
        ("", "command = []", ["implementation 1: command is not a list of words", '["./kernel", "--fast"]']),
        ("", 'command = ["./kernel", 3]', ["implementation 1: command is not a list of words"]),
        ("", ENTRY + 'command = ["./kernels.py"]', ["implementation 1 has a target and a command"]),
        ("", 'command = ["./kernls.py"]', ["no file './kernls.py'", "did you mean ./kernels.py"]),
        ("", 'command = ["kernels.py"]', ["no program 'kernels.py' on the path", "./kernels.py"]),
        ("", 'target = "command:./kernls.py"', ["no file './kernls.py'"]),
        ("", ENTRY + "same = {q = 3}", ["same has another type", "each value is a text"]),
        ("", ENTRY + "bind = {q = 3}", ["bind has another type"]),
        ("", ENTRY + "weights = {q = ['k']}", ["weights has another type"]),
        ("", ENTRY + "claim = {batch = [0, 'x']}", ["claim: batch has another type", "a whole number"]),
        ("", ENTRY + "claim = {finite = 'no'}", ["claim: finite has another type", "true or false"]),
        ("", ENTRY + "claim = {smallest = {n = true}}", ["claim: smallest has another type"]),
        ("", ENTRY + "claim = {splits = {n = 2}}", ["claim: splits has another type"]),
        ("", ENTRY + "returns = []", ["returns is an empty list"]),
        ("", ENTRY + "claim = {nope = 1}", ["no claim 'nope'"]),
        ("examples = -1", ENTRY, ["examples is out of range", "examples=-1"]),
        ("seed = -1", ENTRY, ["seed is out of range"]),
        ("seed = 281474976710656", ENTRY, ["seed is out of range", "281474976710655"]),
        ("time_limit = 0", ENTRY, ["a time limit is above 0"]),
        ("time_limit = nan", ENTRY, ["a time limit is above 0"]),
        ('corpus = "kernels.py"', ENTRY, ["kernels.py is not a folder"]),
        ('known = "knwn.toml"', ENTRY, ["no file 'knwn.toml'", "attnspec gate --accept writes it"]),
    ],
)
def test_what_is_wrong_in_the_settings_is_refused(
    gate: Callable[..., Result], settings: str, entry: str, words: list[str]
) -> None:
    done = gate(settings, entry)

    assert done.exit_code == 2, done.output
    assert not [word for word in words if word not in done.stderr], done.stderr


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("[gate]", ["gate has no implementations", "[[tool.attnspec.gate.implementations]]"]),
        (
            '[gate.implementations]\ntarget = "kernels.py:dot"',
            ["two brackets", "[[….implementations]]"],
        ),
        ("[tool.attnspec.gate]", ["no setting 'tool'", "as in [gate]"]),
    ],
)
def test_tables_of_other_names_are_refused(project: Path, settings: str, words: list[str]) -> None:
    (project / "attnspec.toml").write_text(settings)
    done = CliRunner().invoke(main, ["gate"])

    assert done.exit_code == 2, done.output
    assert not [word for word in words if word not in done.stderr], done.stderr


def test_lists_of_a_claim_become_tuples(gate: Callable[..., Result], asked: list[Any]) -> None:
    own = 'claim = {splits = {parts = [1, 2]}, deterministic = ["runs"], forms = "A", smallest = {n = 2}, '
    own += "multiple = {d = 8}}"

    assert gate("", ENTRY + own).exit_code == 0
    wanted = {
        "splits": {"parts": (1, 2)},
        "deterministic": ("runs",),
        "forms": ("A",),
        "smallest": {"n": 2},
        "multiple": {"d": 8},
    }
    assert asked[0][1].claim == wanted


def test_a_gate_without_implementations_is_refused(gate: Callable[..., Result], project: Path) -> None:
    assert gate().exit_code == 2
    assert gate("implementations = []").exit_code == 2
    (project / "pyproject.toml").write_text("")
    assert "no gate is set up here" in CliRunner().invoke(main, ["gate"]).stderr


def test_no_verdict_at_all_fails(gate: Callable[..., Result], asked: list[Any]) -> None:
    assert gate("", ENTRY.replace("dot", "none", 1)).exit_code == 1


def test_what_is_required_needs_a_verdict(gate: Callable[..., Result], asked: list[Any]) -> None:
    done = gate('required = ["scores.dot", "scores.scaled_*"]', ENTRY)

    assert done.exit_code == 1
    assert "required: scores.scaled_dot has no verdict" in done.stdout
    assert "scores.dot has no verdict" not in done.stdout
    assert gate('required = ["scores.dot"]', ENTRY.replace("dot", "far", 1)).exit_code == 1


def test_a_known_departure_passes_and_is_shown_with_its_owner(
    gate: Callable[..., Result], asked: list[Any], project: Path
) -> None:
    (project / "known.toml").write_text(KNOWN)
    done = gate('known = "known.toml"', ENTRY.replace("dot", "wrong", 1), options=("--json", "v.json"))

    assert done.exit_code == 0, done.output
    assert "owner: Ada, to be reviewed by 2030-01-31" in done.stdout
    [entry] = json.loads((project / "v.json").read_text())["known"]
    assert (entry["owner"], entry["review"], entry["occurs"]) == ("Ada", "2030-01-31", "seen")


def test_a_known_departure_that_is_gone_fails(gate: Callable[..., Result], asked: list[Any], project: Path) -> None:
    (project / "known.toml").write_text(KNOWN.replace("wrong", "dot"))

    assert gate('known = "known.toml"', ENTRY).exit_code == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (KNOWN.replace('owner = "Ada"\n', ""), "no owner"),
        (KNOWN.replace("review = 2030-01-31\n", ""), "no review"),
        (KNOWN.replace("2030-01-31", '"soon"'), "review is not a date"),
        (KNOWN.replace("kernels", "kernel"), "known.toml: no file 'kernel.py'"),
        (KNOWN.replace("owner", "ower"), "did you mean owner"),
        ("[[departure", "is not TOML"),
    ],
)
def test_a_list_that_cannot_be_read_fails(
    gate: Callable[..., Result], asked: list[Any], project: Path, text: str, words: str
) -> None:
    (project / "known.toml").write_text(text)
    done = gate('known = "known.toml"', ENTRY)

    assert done.exit_code == 2
    assert words in done.stderr
    assert not asked


@pytest.mark.parametrize(
    ("today", "nightly", "code", "shown"),
    [
        (date(2030, 1, 31), True, 0, False),
        (date(2030, 2, 1), True, 0, True),
        (date(2030, 2, 14), True, 0, True),
        (date(2030, 2, 15), True, 1, True),
        (date(2030, 2, 15), False, 0, True),
    ],
)
def test_a_review_date_that_passed_warns_then_fails_nightly_runs(
    gate: Callable[..., Result],
    asked: list[Any],
    project: Path,
    capsys: pytest.CaptureFixture[str],
    today: date,
    nightly: bool,
    code: int,
    shown: bool,
) -> None:
    (project / "known.toml").write_text(KNOWN)
    gate('known = "known.toml"', ENTRY.replace("dot", "wrong", 1))

    assert gate_command.run_gate(fail_overdue=nightly, today=today) == code
    assert ("overdue: kernels.py:wrong (float32); Ada was to review it" in capsys.readouterr().out) is shown


def test_reports_have_every_failure_once(gate: Callable[..., Result], asked: list[Any], project: Path) -> None:
    wrong = ENTRY.replace("dot", "wrong", 1)
    options = ("--junit", "junit.xml", "--github")
    done = gate('required = ["scores.do*"]\ndevices = ["cpu"]', ENTRY, wrong, options=options)
    suite = ET.parse(project / "junit.xml").getroot()

    assert done.exit_code == 1
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "2", "failures": "1", "errors": "0", "skipped": "0",
    }  # fmt: skip
    [failed] = suite.findall("testcase/failure")
    assert failed.get("message") == "differs: in e: halved, 100%"
    assert (failed.text or "").startswith("differs: scores.dot, kernels.py:wrong")
    [line] = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert line.startswith(
        "::error file=kernels.py,line=8,title=scores.dot%3A differs%3A in e%3A halved%2C 100%25::differs"
    )


def test_reports_have_what_is_known_missing_and_refused(
    gate: Callable[..., Result], project: Path, monkeypatch: pytest.MonkeyPatch, asked: list[Any]
) -> None:
    (project / "known.toml").write_text(KNOWN)
    wrong = ENTRY.replace("dot", "wrong", 1)
    done = gate('known = "known.toml"\nrequired = ["scores.linear"]', wrong, options=("--junit", "j.xml", "--github"))
    suite = ET.parse(project / "j.xml").getroot()

    assert [each.get("message") for each in suite.iter("skipped")] == ["known: differs: it is halved"]
    assert [each.get("message") for each in suite.iter("failure")] == ["required: scores.linear has no verdict"]
    assert [line.partition("::")[2][:5] for line in done.stdout.splitlines() if line.startswith("::")] == ["error"]


def test_a_change_cannot_excuse_itself(gate: Callable[..., Result], asked: list[Any], project: Path) -> None:
    """The list of the base revision counts; a revision that is not there fails."""

    def git(*words: str) -> None:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        subprocess.run(["git", *who, *words], cwd=project, check=True, capture_output=True)

    def asks(revision: str) -> Result:
        settings = ('known = "known.toml"', ENTRY.replace("dot", "wrong", 1))
        return gate(*settings, options=("--known-from", revision) if revision else ())

    git("init", "-q")
    (project / "known.toml").write_text("")
    git("add", "known.toml")
    git("commit", "-qm", "nothing is known")
    git("tag", "empty")
    (project / "known.toml").write_text(KNOWN)
    git("commit", "-qam", "excuse it")

    assert [asks(revision).exit_code for revision in ("", "HEAD", "empty")] == [0, 0, 1]
    missing = asks("origin/main")
    assert missing.exit_code == 2
    assert "cannot read known departures at origin/main" in missing.stderr
    assert "a list that is new begins as an empty file there" in missing.stderr
    assert gate("", ENTRY, options=("--known-from", "HEAD")).exit_code == 2


@pytest.fixture
def based(project: Path) -> Callable[[str], None]:
    """Commits a list of known departures to a new repository of git, as the base."""

    def commit(text: str) -> None:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        (project / "known.toml").write_text(text)
        for words in (["init", "-q"], ["add", "known.toml"], ["commit", "-qm", "base"]):
            subprocess.run(["git", *who, *words], cwd=project, check=True, capture_output=True)

    return commit


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("", ""), 0),
        (("it is halved", "it is still halved"), 1),
        (("2030-01-31", "2030-04-30"), 0),
    ],
    ids=["not touched", "touched", "extended"],
)
def test_an_overdue_entry_fails_the_change_that_touches_it(
    gate: Callable[..., Result],
    asked: list[Any],
    project: Path,
    based: Callable[[str], None],
    change: tuple[str, str],
    code: int,
) -> None:
    """An entry of which the date has passed does not fail everybody's pull requests."""
    based(KNOWN)
    (project / "known.toml").write_text(KNOWN.replace(*change))
    gate('known = "known.toml"', ENTRY.replace("dot", "wrong", 1))

    assert gate_command.run_gate(known_from="HEAD", today=date(2030, 3, 1)) == code


def test_a_list_that_the_change_breaks_fails(
    gate: Callable[..., Result], asked: list[Any], project: Path, based: Callable[[str], None]
) -> None:
    """Although the list of the base counts."""
    based(KNOWN)
    (project / "known.toml").write_text("[[departure")
    done = gate('known = "known.toml"', ENTRY.replace("dot", "wrong", 1), options=("--known-from", "HEAD"))

    assert done.exit_code == 2
    assert "is not TOML" in done.stderr


PAGE = (Path(__file__).resolve().parents[2] / "docs/gate.md").read_text(encoding="utf-8")


def test_the_page_is_red_then_known_then_green(project: Path) -> None:
    """The files of docs/gate.md print what it shows; its known failure excuses it; its mend is right."""
    pytest.importorskip("torch")
    files = re.findall(r"```(?:python|toml)\n# (\w+\.\w+).*?\n(.*?)```", PAGE, re.DOTALL)
    for name, text in files:
        (project / name).write_text(text)
    [shown] = re.findall(r"\$ attnspec gate\n(.*?)```", PAGE, re.DOTALL)

    red = CliRunner().invoke(main, ["gate"])
    settings = (project / "pyproject.toml").read_text()
    known = settings.replace("[tool.attnspec.gate]\n", '[tool.attnspec.gate]\nknown = "departures.toml"\n')
    (project / "pyproject.toml").write_text(known)
    excused = CliRunner().invoke(main, ["gate"])
    [mended] = re.findall(r"With `(.*?)`", PAGE)
    kernel = (project / "kernels.py").read_text()
    (project / "kernels.py").write_text(kernel.replace("e = q @ k.transpose(-1, -2)", mended))
    gone = CliRunner().invoke(main, ["gate"])
    (project / "pyproject.toml").write_text(settings)
    green = CliRunner().invoke(main, ["gate"])

    printed = {re.sub(r"-?\d[\d.e-]*", "#", line) for line in red.stdout.splitlines()}
    assert not [
        line for line in shown.splitlines() if line != "..." and re.sub(r"-?\d[\d.e-]*", "#", line) not in printed
    ]
    assert [each.exit_code for each in (red, excused, gone, green)] == [1, 0, 1, 0], excused.output + green.output
    assert "owner: Ada" in excused.stdout


def test_the_page_has_every_setting_and_option() -> None:
    settings = [*gate_settings.GATE, *gate_settings.SHARED, *gate_settings.OWN]
    options = [
        option for each in main.commands["gate"].params for option in each.opts if option not in ("--equations",)
    ]

    assert not [name for name in [*settings, *options] if f"`{name}" not in PAGE]
