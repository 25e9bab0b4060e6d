"""What the faces say of procedures: listed, shown, begun, and judged from the command line."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from attnspec import PROCEDURES
from attnspec.cli import main

PLANTED = Path(__file__).parent.parent / "planted"


def ran(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments])


def test_the_list_has_them_first_and_apart_in_json() -> None:
    shown, told = ran("list", "text").stdout, json.loads(ran("list", "text", "--json", "-").stdout)

    assert 0 < shown.index("text.tokenize, a procedure") < shown.index("text.encode") < shown.index("text.one_hot")
    assert {each["id"] for each in told["procedures"]} == PROCEDURES.keys()
    assert not {each["id"] for each in told["equations"]} & {each["id"] for each in told["procedures"]}


def test_show_has_the_code_and_on_request_the_mistakes() -> None:
    shown, wrong = ran("show", "text.vocabulary").stdout, ran("show", "text.vocabulary", "--mutants").stdout
    told = json.loads(ran("show", "text.vocabulary", "--json").stdout)

    assert "counted = Counter(chain.from_iterable(texts))" in shown
    assert "vocabulary((('c', 'b'), ('a', 'b')), v=2) = {'b': 1}" in shown
    assert "attnspec_numpy.text:vocabulary" in shown
    assert "ties_backwards" in wrong
    assert told["code"].startswith("def vocabulary(")
    assert {each["id"] for each in told["mutants"]} > {"rising", "ties_backwards"}


@pytest.mark.parametrize("id", ["text.tokenize", "text.vocabulary", "text.encode"])
def test_new_begins_one_without_a_framework(id: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    begun = ran("new", id, "-o", str(file))
    written = ast.parse(file.read_text(encoding="utf-8")).body
    names = [node.name for node in written if isinstance(node, ast.FunctionDef)]

    assert begun.exit_code == 0, begun.output
    assert names == [id.split(".")[-1]]

    done = ran("verify", str(file))
    assert done.exit_code == 1
    assert "write the procedure above" in done.stdout


def test_an_equation_is_not_begun_without_a_framework() -> None:
    done = ran("new", "recurrent.gru_cell")

    assert done.exit_code == 2
    assert "--framework numpy" in done.stderr


def test_a_procedure_is_not_begun_with_a_framework() -> None:
    done = ran("new", "text.encode", "--framework", "torch")

    assert (done.exit_code, done.stdout) == (2, "")
    assert "text.encode is a procedure, and takes no arrays" in done.stderr


def test_it_has_no_cost() -> None:
    done = ran("cost", "text.encode")

    assert done.exit_code == 2
    assert "text.encode is a procedure" in done.stderr


def test_a_known_departure_of_it_has_no_dtype(tmp_path: Path) -> None:
    target, listed = f"{PLANTED / 'words.py'}:gives_text", tmp_path / "known.toml"
    entry = {"implementation": target, "dtype": "none", "verdict": "misbehaves", "reason": "text", "link": "x"}
    listed.write_text("[[departure]]\n" + "\n".join(f"{k} = {json.dumps(v)}" for k, v in entry.items()), "utf-8")
    done = ran("verify", target, "--as", "text.encode", "--known", str(listed), "--json", "-")
    (verdict,) = json.loads(done.stdout)["verdicts"]

    assert done.exit_code == 0, done.output
    assert (verdict["verdict"], verdict["framework"], verdict["dtype"]) == ("misbehaves", "python", "")


def test_several_are_shared_out_among_processes(tmp_path: Path) -> None:
    file = tmp_path / "two.py"
    file.write_text(
        "import attnspec\nfrom attnspec.procedures import text\n"
        "@attnspec.implements('text.encode')\ndef one(tokens, vocabulary): return text.encode(tokens, vocabulary)\n"
        "@attnspec.implements('text.vocabulary')\ndef two(texts, *, v): return text.vocabulary(texts, v=v + 1)\n"
    )
    done = ran("verify", str(file), "--jobs", "2", "--json", "-")

    assert [each["verdict"] for each in json.loads(done.stdout)["verdicts"]] == ["conforms", "differs"]
    assert "v words are known beside null" in done.stderr
