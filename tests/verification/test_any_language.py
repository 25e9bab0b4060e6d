"""Verdicts on programs that answer lines of JSON, and on functions of shared libraries."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attnspec
from attnspec.errors import TargetError
from attnspec.verification.sandbox.child.programs import shared_libraries
from attnspec.verification.sandbox.child.programs.commands import CommandProgram
from attnspec.verification.sandbox.targets import Command
from attnspec.verification.targeting import parse_target
from attnspec.verification.verdict import Report

EXAMPLES = Path(__file__).resolve().parents[2] / "spec/attnspec/templates"
FEW = {"examples": 0, "function": False, "claim": {"batch": (0,)}, "trace": False}
Array = np.ndarray[Any, Any]


def built(compiler: str, source: Path, folder: Path) -> str:
    """Compile a source to a target; the test is skipped if the compiler is missing."""
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    out = folder / ("libkernel.so" if source.name == "library.c" else "kernel")
    flags = {"gcc": ["-Wall", "-Wextra", "-Werror", "-O1", f"-I{EXAMPLES}"], "rustc": ["--edition", "2021"]}[compiler]
    shared = ["-shared", "-fPIC"] if source.name == "library.c" else []
    libraries = ["-lm"] if compiler == "gcc" else []
    subprocess.run([compiler, *flags, *shared, str(source), *libraries, "-o", str(out)], check=True)
    return f"{out}:scaled_dot" if shared else f"command:{out}"


def changed(file: str, old: str, new: str, folder: Path) -> Path:
    source = (EXAMPLES / file).read_text(encoding="utf-8")
    assert source.count(old) == 1
    (folder / file).write_text(source.replace(old, new), encoding="utf-8")
    return folder / file


def verify(target: str) -> Report:
    return attnspec.verify(target, "scores.scaled_dot", **FEW)  # type: ignore[arg-type]  # options of several types


@pytest.mark.parametrize(
    ("compiler", "file", "division"),
    [
        ("gcc", "command.c", "sum /= sqrtf((float)q.columns);"),
        ("gcc", "library.c", " / sqrtf((float)d)"),
        ("rustc", "command.rs", " / (d as f32).sqrt()"),
    ],
)
def test_right_kernels_conform_and_slips_are_named(compiler: str, file: str, division: str, tmp_path: Path) -> None:
    (tmp_path / "wrong").mkdir()
    right = verify(built(compiler, EXAMPLES / file, tmp_path))
    wrong = verify(built(compiler, changed(file, division, "", tmp_path / "wrong"), tmp_path / "wrong"))

    assert right.passed, str(right)
    assert wrong.verdict == "differs"
    assert wrong.diagnosis[0].says == "in e: the division by √d is missing"


def test_a_library_that_crashes_is_a_verdict(tmp_path: Path) -> None:
    source = changed("library.c", "return 1;", "return *(volatile int64_t *)0;", tmp_path)

    [verdict] = verify(built("gcc", source, tmp_path))

    assert verdict.verdict == "fails"
    assert "SIGSEGV" in verdict.reason


def test_the_functions_of_a_library_are_found(tmp_path: Path) -> None:
    path = Path(built("gcc", EXAMPLES / "library.c", tmp_path).partition(":")[0])

    assert [*shared_libraries.load(path, "")] == ["scaled_dot"]
    with pytest.raises(TargetError, match="has no function scaled_dots") as caught:
        shared_libraries.load(path, "scaled_dots")
    assert caught.value.mend == "did you mean scaled_dot?"


def test_a_file_that_is_no_library_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kernel.so").write_bytes(b"not a library")
    with pytest.raises(TargetError, match="cannot be loaded"):
        verify(f"{tmp_path / 'kernel.so'}:scaled_dot")


HELLO = 'print(\'{"attnspec":1,"parameters":["x","heads"],"dtype":"float32"}\', flush=True)'
LOOP = """
import json, sys
import numpy as np
for line in sys.stdin:
    call = json.loads(line)
    [x] = call["inputs"]
    values = np.fromfile(call["folder"] + "/" + x["file"], "<f4").reshape(x["shape"])
"""
ANSWER = """
    values = values * call["options"]["heads"]
    values.astype("<f4").tofile(call["folder"] + "/out")
    output = {"dtype": "float32", "shape": list(values.shape), "file": "out"}
    print(json.dumps({"call": call["call"], "outputs": [output]}), flush=True)
"""


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Any]:
    """Start a program of Python by its source."""
    started = []

    def start(*parts: str) -> CommandProgram:
        file = tmp_path / "program.py"
        file.write_text("\n".join(textwrap.dedent(part) for part in (HELLO, LOOP)) + "".join(parts))
        started.append(CommandProgram((sys.executable, str(file))))
        return started[-1]

    yield start
    for each in started:
        each.close()


def test_one_process_answers_many_calls_with_options(program: Any) -> None:
    """Arrays of any layout go and come; numbers are options."""
    kernel = program(ANSWER)
    x = np.arange(6, dtype="f4").reshape(2, 3)

    for heads in (1, 2, 3):
        np.testing.assert_array_equal(kernel(x=x.T, heads=heads), x.T * heads)
    assert kernel.inputs.keys() == {"x", "heads"}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("    sys.exit(3)\n", "ended with exit code 3"),
        ('    print(\'{"call":1,"error":"no"}\', flush=True)\n', "^no$"),
        ('    print(\'{"call":9,"outputs":[]}\', flush=True)\n', "an answer to call 9, expected 1"),
        ('    print("hello", flush=True)\n', "not an answer of the protocol: hello"),
        (ANSWER.replace("list(values.shape)", "[77]"), "cannot reshape"),
        (ANSWER.replace('"file": "out"', '"file": "none"'), "No such file"),
    ],
)
def test_answers_that_are_none_are_errors(program: Any, answer: str, says: str) -> None:
    with pytest.raises(RuntimeError, match=says):
        program(answer)(x=np.ones((2, 3), "f4"), heads=1)


def test_a_program_that_ended_is_started_again(program: Any) -> None:
    kernel = program('    if call["options"]["heads"] == 0: sys.exit(3)\n', ANSWER)
    x = np.ones((2, 3), "f4")

    with pytest.raises(RuntimeError, match="exit code 3"):
        kernel(x=x, heads=0)
    np.testing.assert_array_equal(kernel(x=x, heads=2), 2 * x)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("command:", "names no program"),
        ("command:'./kernel", "is not a command"),
        ("command:./there-is-none", "cannot be started"),
        ("command:echo hello", "does not begin with its parameters"),
    ],
)
def test_commands_that_cannot_be_called_are_refused(target: str, says: str) -> None:
    with pytest.raises(TargetError, match=says):
        verify(target)


def test_no_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker is killed while its program hangs, and its parent removes the folder."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    hello = HELLO.replace('"heads"', '"k"').replace('"x"', '"q"')
    (tmp_path / "program.py").write_text(f"{hello}\nimport sys\nfor line in sys.stdin: pass")

    report = attnspec.verify(f"command:{sys.executable} {tmp_path}/program.py", "scores.dot", time_limit=0.5, **FEW)  # type: ignore[arg-type]  # as above

    assert report.verdict == "fails"
    assert [path.name for path in tmp_path.glob("attnspec-*")] == []


def test_a_command_is_split_as_a_shell_does() -> None:
    assert parse_target("command:./kernel --mode 'very fast'")[1] == Command(("./kernel", "--mode", "very fast"))
