"""A run that is ended at any moment goes on from its file: nothing is lost, and nothing is reached twice."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from attnspec.cli import main
from attnspec.faces.run_file import RunFile

QUICK = """
@implements("text.encode")
def number_{k}(tokens, vocabulary):
    return {k}
"""
RIGHT = """
@implements("text.encode")
def right_{k}(tokens, vocabulary):
    return tuple(vocabulary.get(word, -1) for word in tokens)
"""


def write(folder: Path, quick: int, right: int) -> Path:
    target = folder / "many.py"
    functions = [QUICK.format(k=k) for k in range(quick)] + [RIGHT.format(k=k) for k in range(right)]
    target.write_text("from attnspec import implements\n" + "".join(functions))
    return target


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a run of three verdicts came to its end: whole.jsonl, whole.json."""
    folder = tmp_path_factory.mktemp("ended")
    write(folder, quick=3, right=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert verify("many.py", "--resume", "whole.jsonl", "--json", "whole.json").exit_code == 1
    return folder


@pytest.fixture
def folder(ended: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, to work in; run.jsonl is the file of the run."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ended, tmp_path, dirs_exist_ok=True)
    shutil.copy("whole.jsonl", "run.jsonl")
    return tmp_path


def verify(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(main, ["verify", *arguments])


def verdicts(document: Path) -> list[dict[str, Any]]:
    """The verdicts of a document, without the time that they took."""
    found = json.loads(document.read_text("utf-8"))
    assert found["complete"]
    return [{name: value for name, value in each.items() if name != "seconds"} for each in found["verdicts"]]


def questions(file: Path) -> list[int]:
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return [line["question"] for line in lines if "question" in line]


def killed_at_random(folder: Path, kills: int, how: signal.Signals, longest: float, *options: str) -> int:
    """Kill a run at random moments, then let it end; how often it was killed before its end."""
    arguments = ["many.py", "--resume", "run.jsonl", "--json", "resumed.json", "--quiet", *options]
    command = [sys.executable, "-m", "attnspec", "verify", *arguments]
    generator, done = random.Random(kills), 0
    for _ in range(kills):
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(generator.uniform(0, longest))
        done += process.poll() is None
        process.send_signal(how)
        process.wait()
    last = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert last.returncode == 1, last.stderr
    return done


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_goes_on(folder: Path, how: signal.Signals) -> None:
    (folder / "run.jsonl").unlink()

    killed_at_random(folder, 1, how, 2.5)

    assert questions(folder / "run.jsonl") == [0, 1, 2]
    assert verdicts(folder / "resumed.json") == verdicts(folder / "whole.json")


def test_a_killed_run_leaves_no_process(tmp_path: Path) -> None:
    write(tmp_path, quick=60, right=0)
    command = [sys.executable, "-m", "attnspec", "verify", "many.py", "--resume", "run.jsonl", "--jobs", "2"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, start_new_session=True)
    while len(questions(tmp_path / "run.jsonl") if (tmp_path / "run.jsonl").exists() else []) < 1:
        assert process.poll() is None
        time.sleep(0.1)
    process.kill()
    process.wait()

    until = time.monotonic() + 30
    while group_is_there(process.pid) and time.monotonic() < until:
        time.sleep(0.1)
    assert not group_is_there(process.pid)


def group_is_there(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_run_killed_fifty_times_equals_one_that_was_not(tmp_path: Path, jobs: str) -> None:
    write(tmp_path, quick=140, right=60)
    target = str(tmp_path / "many.py")
    assert verify(target, "--json", str(tmp_path / "whole.json")).exit_code == 1

    assert killed_at_random(tmp_path, 50, signal.SIGKILL, 12.0, "--jobs", jobs) > 25

    assert sorted(questions(tmp_path / "run.jsonl")) == list(range(200))
    whole = [{**each, "implementation": ""} for each in verdicts(tmp_path / "whole.json")]
    assert [{**each, "implementation": ""} for each in verdicts(tmp_path / "resumed.json")] == whole


def test_verdicts_of_the_file_are_not_reached_again(folder: Path) -> None:
    before = (folder / "run.jsonl").read_bytes()
    done = verify("many.py", "--resume", "run.jsonl", "--json", "resumed.json")

    assert done.exit_code == 1
    assert "many.py:number_2" in done.output
    assert (folder / "run.jsonl").read_bytes() == before
    ends = [json.loads((folder / name).read_text()) for name in ("whole.json", "resumed.json")]
    assert ends[0] == ends[1], "the times too, since nothing was judged again"


@pytest.mark.parametrize("lost", [1, 40])
def test_a_torn_last_line_is_reached_again(folder: Path, lost: int) -> None:
    file = folder / "run.jsonl"
    file.write_bytes(file.read_bytes()[:-lost])

    verify("many.py", "--resume", "run.jsonl", "--json", "resumed.json")

    assert questions(file) == [0, 1, 2]
    assert verdicts(folder / "resumed.json") == verdicts(folder / "whole.json")


def test_a_file_torn_in_its_first_line_is_begun_anew(folder: Path) -> None:
    (folder / "run.jsonl").write_text('{"attnspec run": 1, "ma')
    with RunFile("run.jsonl"):
        assert (folder / "run.jsonl").read_text().startswith('{"attnspec run": 1, "made by"')


def refused(*arguments: str) -> str:
    done = verify(*arguments, "--resume", "run.jsonl")
    assert done.exit_code == 2
    return done.output


def test_other_settings_candidates_and_makers_are_refused_with_what_differs(folder: Path) -> None:
    file = folder / "run.jsonl"
    before = file.read_bytes()

    assert "other option examples" in refused("many.py", "--examples", "3")
    assert "other target" in refused("many.py:number_0")
    target = folder / "many.py"
    target.write_text(target.read_text().replace("return 1", "return 7"))
    assert "other content of many.py" in refused("many.py")
    assert file.read_bytes() == before
    first, *others = file.read_text().splitlines(keepends=True)
    made_by = json.loads(first)
    made_by["made by"] |= {"environment": "0" * 64, "numpy": "1.0"}
    file.write_text("".join([json.dumps(made_by) + "\n", *others]))
    shown = refused("many.py")
    assert "other numpy, environment" in shown
    assert "numpy: 1.0" in shown


OTHERS = ["a text", "a text\n", '{"verdicts": []}\n', '{"attnspec run": 99, "made by": {}}\n']


@pytest.mark.parametrize("content", OTHERS)
def test_other_files_are_left_as_they_are(folder: Path, content: str) -> None:
    (folder / "run.jsonl").write_text(content)
    assert "is not the file of a run" in refused("many.py")
    assert (folder / "run.jsonl").read_text() == content


def test_a_corrupt_line_in_the_middle_is_not_passed_over(folder: Path) -> None:
    lines = (folder / "run.jsonl").read_text().splitlines(keepends=True)
    (folder / "run.jsonl").write_text("".join([*lines[:2], lines[2][:50] + "\n", *lines[3:]]))
    assert "line 3" in refused("many.py")


def test_a_file_is_used_by_one_run_at_a_time(folder: Path) -> None:
    with RunFile("run.jsonl"):
        assert "is used by another run" in refused("many.py")
    assert verify("many.py", "--resume", "run.jsonl").exit_code == 1


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
from attnspec.cli import main
main()
"""


def test_a_full_disk_ends_the_run_and_loses_nothing(folder: Path) -> None:
    """The size of files is limited in place of that of the disk: a write fails half done in both cases."""
    file = folder / "run.jsonl"
    room = len(file.read_bytes()) - 30
    file.unlink()
    command = [sys.executable, "-c", LIMITED, str(room), "verify", "many.py", "--resume", "run.jsonl"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    assert done.returncode == 2, done.stderr
    assert "cannot append to the file of the run" in done.stderr
    assert questions(file) == [0, 1]
    verify("many.py", "--resume", "run.jsonl", "--json", "resumed.json")
    assert questions(file) == [0, 1, 2]
    assert verdicts(folder / "resumed.json") == verdicts(folder / "whole.json")
