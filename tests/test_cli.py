"""The command line: what each command prints, which exit code it ends with, and what it says of a bad question."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from attnspec.cli import main
from attnspec.errors import SpecError
from attnspec.faces import new_command, verify_command
from attnspec.faces.json_file import Document
from attnspec.implementation import FRAMEWORKS
from attnspec.language.equation import REGISTRY
from attnspec.verification.sandbox.runner import WorkerError
from attnspec.verification.verdict import Report

PLANTED = Path(__file__).parent / "planted"
WEIGHTS = f"{PLANTED}/weights.py"


def attnspec(*arguments: str, **environment: str) -> Result:
    """A command, in this process."""
    return CliRunner(env={"COLUMNS": "100", **environment}).invoke(main, arguments, prog_name="attnspec")


def verify(*arguments: str) -> Result:
    return attnspec("verify", *arguments, "--examples", "3")


def weights(name: str, *arguments: str) -> Result:
    return verify(f"{WEIGHTS}:{name}", "--as", "attention.weights", *arguments)


@pytest.mark.parametrize("command", [[], ["list"], ["show"], ["verify"], ["new"], ["cost"]])
def test_help_imports_only_click(command: list[str]) -> None:
    """That it is quick follows; benchmarks/help_time.py says how quick."""
    program = "\n".join(
        [
            "import sys, json",
            "from attnspec.cli import main",
            f"try: main({[*command, '--help']!r}, prog_name='attnspec')",
            "except SystemExit as end: assert not end.code, end.code",
            "print('\\n' + json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))",
        ]
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.startswith("Usage: attnspec")
    assert not set(json.loads(done.stdout.splitlines()[-1])) & {"numpy", "torch", "jax", "hypothesis", "rich"}


def test_the_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "attnspec", "--version"], capture_output=True, text=True, check=True)

    assert done.stdout.startswith("attnspec 0.")


def test_list_shows_every_equation_and_who_implements_it() -> None:
    listed = attnspec("list")

    assert listed.exit_code == 0
    assert all(id in listed.stdout for id in REGISTRY)
    assert "recurrent.gru_cell_reset_after, a convention of gru_cell" in listed.stdout
    assert "torch  attnspec_peers" in listed.stdout


def test_list_has_equations_of_code_that_was_run_and_not_imported(tmp_path: Path) -> None:
    code = "\n".join(
        [
            "from attnspec import equation",
            "from attnspec.notation import Float, Tensor",
            "@equation()",
            'def twice(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:',
            '    """Twice."""',
            "    return x + x",
            "from attnspec.cli import main",
            "main(['list', 'twice'])",
        ]
    )
    (tmp_path / "mine.py").write_text(code)
    program = "exec(compile(open('mine.py').read(), 'mine.py', 'exec'), {'__name__': 'mine'})"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "mine.twice" in done.stdout


@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_list_breaks_no_word(columns: str) -> None:
    listed = attnspec("list", "recurrent", COLUMNS=columns)
    words = set(listed.stdout.split())
    family = [equation for equation in REGISTRY.values() if equation.family == "recurrent"]

    assert max(map(len, listed.stdout.splitlines())) <= int(columns)
    assert not [word for each in family for word in each.doc.partition("\n")[0].split() if word not in words]
    assert not [each.id for each in family if not {each.id, f"{each.id},"} & words]
    assert "…" not in listed.stdout


def test_list_as_json() -> None:
    listed = json.loads(attnspec("list", "scores", "--json", "-").stdout)
    (dot,) = [row for row in listed["equations"] if row["id"] == "scores.dot"]

    assert {row["family"] for row in listed["equations"]} == {"scores"}
    assert {each["target"] for each in dot["implementations"]} >= {
        "attnspec_numpy.scores:dot",
        "attnspec_torch.scores:dot",
    }


def listed_ids(*arguments: str) -> list[str]:
    """The ids of the equations that are listed, in order."""
    return [row["id"] for row in json.loads(attnspec("list", *arguments, "--json", "-").stdout)["equations"]]


def test_list_of_equations_that_are_like_another_one() -> None:
    like = listed_ids("--like", "recurrent.gru_cell")

    assert {"recurrent.gru_cell_reset_after", "recurrent.gru_cell_update_writes"} <= {*like[:3]}
    assert "recurrent.gru_cell" not in like
    assert "scores.dot" not in like
    assert len(like) <= 12


def test_list_of_equations_that_use_an_operation() -> None:
    """The equations that call one which uses it are listed too, and those of one family on request."""
    found = listed_ids("--like", "softmax")

    assert {"attention.scaled_dot_product", "transformer.encoder_layer", "backward.softmax"} <= {*found}
    assert "scores.dot" not in found
    assert listed_ids("attention", "--like", "softmax") == [id for id in found if id.startswith("attention.")]


def test_list_of_nothing_that_is_alike_offers_the_nearest() -> None:
    listed = attnspec("list", "--like", "recurrent.gru_cll")

    assert listed.exit_code == 2
    assert "did you mean recurrent.gru_cell" in listed.stderr


def test_list_of_an_unknown_family_offers_the_nearest() -> None:
    listed = attnspec("list", "recurent")

    assert listed.exit_code == 2
    assert "did you mean recurrent?" in listed.stderr


def test_show_says_all_that_is_known() -> None:
    shown = attnspec("show", "recurrent.gru_cell")
    sections = [line for line in shown.stdout.splitlines() if line and not line.startswith(" ")]

    assert shown.exit_code == 0
    assert sections[0] == "recurrent.gru_cell"
    assert sections[-13:] == [
        "formula",
        "takes",
        "gives",
        "sizes",
        "shapes",
        "parameters",
        "sources",
        "conventions",
        "forms",
        "gradient",
        "properties",
        "mutants",
        "implementations",
    ]
    assert "z ⊙ h + (1 − z) ⊙ h̃" in shown.stdout
    assert "  W_xz  (d, u)  the weights from x to z" in shown.stdout.splitlines()
    assert "the reset gate acts after the recurrent matrix" in shown.stdout
    assert "Cho et al. 2014" in shown.stdout
    assert "attnspec_torch.recurrent:gru_cell" in shown.stdout


def test_show_of_a_convention_says_what_tells_it_apart() -> None:
    shown = attnspec("show", "self_attention.unscaled", "--latex").stdout

    says = "what this is a convention of; here the scores are not divided by √d"
    assert f"self_attention.scaled {says}" in " ".join(shown.split())
    assert r"\begin{aligned}" in shown


@pytest.mark.parametrize(
    ("option", "start"), [("--latex", r"\begin{aligned}"), ("--mathml", "<math "), ("--unicode", "q ∈ ")]
)
def test_show_prints_the_formula_alone(option: str, start: str) -> None:
    alone = attnspec("show", "scores.dot", "--formula", option).stdout
    within = attnspec("show", "scores.dot", option).stdout

    assert alone.startswith(start)
    assert [line.strip() for line in alone.splitlines()] == [
        line.strip() for line in within.split("\nformula\n")[1].split("\n\n")[0].splitlines()
    ]


def test_show_prints_the_figure_alone() -> None:
    picture, data, words = (attnspec("show", "scores.dot", "--figure", form).stdout for form in ("svg", "json", "text"))

    assert picture.startswith("<svg ")
    assert [node["id"] for node in json.loads(data)["nodes"]] == ["q", "k", "0", "1"]
    assert words.splitlines()[2] == "e_ij (i:n, j:m) = @ of q_i, k_j"


def test_a_procedure_has_no_formula() -> None:
    refused = attnspec("show", "text.tokenize", "--formula")

    assert refused.exit_code == 2
    assert "text.tokenize is a procedure, and has no formula" in refused.stderr


def test_show_lists_mutants_and_options() -> None:
    shown = attnspec("show", "multihead.attention", "--mutants").stdout
    listed = json.loads(attnspec("show", "multihead.attention", "--json").stdout)

    assert "  heads  int  sets H" in shown.splitlines()
    assert f"mutants, {len(listed['mutants'])} known mistakes" in shown
    assert len(listed["mutants"]) > 40
    assert all(mutant["id"] in shown for mutant in listed["mutants"])
    assert listed["latex"].startswith(r"\begin{aligned}")


def test_show_derives_a_gradient() -> None:
    shown = attnspec("show", "attention.weights", "--gradient").stdout
    latex = attnspec("show", "attention.weights", "--gradient", "--latex").stdout
    listed = attnspec("show", "attention.weights", "--gradient", "--mutants").stdout
    refused = attnspec("show", "text.one_hot", "--gradient")
    procedure = attnspec("show", "text.tokenize", "--gradient")

    assert shown.startswith(
        "attention.gradient_of_weights\nThe gradients of attention.weights, derived from its lines.\n"
    )
    assert "  ∂e = [α_ij (∂α_ij − D_i)]_ij\n" in shown
    assert "\nmutants" not in shown
    assert "\nmutants, " in listed
    assert r"\partial e &= [\alpha_{ij}\,(\partial \alpha_{ij} - D_{i})]_{ij}" in latex
    assert refused.exit_code == procedure.exit_code == 2
    assert "no floating-point argument" in refused.stderr
    assert "text.tokenize is a procedure, and has no gradient" in procedure.stderr


def test_show_of_an_unknown_id_offers_the_nearest() -> None:
    shown = attnspec("show", "recurrent.gru_cel")

    assert shown.exit_code == 2
    assert "did you mean recurrent.gru_cell" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_a_right_candidate_conforms_in_a_line_with_its_function_and_its_repeats() -> None:
    done = verify(f"{PLANTED}/gru.py:right")
    line, function, repeats, summary = done.stdout.splitlines()

    assert done.exit_code == 0, done.stdout
    assert line.startswith(f"conforms: recurrent.gru_cell, {PLANTED}/gru.py:right (numpy, float32, cpu); ")
    assert re.search(r"; op-by-op, [\d.]+ bits; caught (\d+) of \1 on \d+ cases; [\d.]+ s; for finite inputs$", line)
    assert re.fullmatch(r"  function: the same to \d+ digits, at \d+ points, all of it traced", function)
    assert repeats.startswith("  repeats: over runs: bitwise equal, ")
    assert summary.startswith("1 verdict in ")
    assert summary.endswith(": 1 conforms")


def test_a_torch_candidate_in_several_dtypes() -> None:
    done = verify(f"{PLANTED}/weights_torch.py", "--dtype", "float32,bfloat16", "--dtype", "float16", "--quiet")

    assert (done.exit_code, done.stdout) == (0, "")


def test_a_wrong_candidate_is_told_which_slip(tmp_path: Path) -> None:
    done = verify(f"{PLANTED}/gru.py", "--json", str(tmp_path / "verdicts.json"))
    written = json.loads((tmp_path / "verdicts.json").read_text(encoding="utf-8"))

    assert done.exit_code == 1
    assert "z and 1 − z are swapped" in done.stdout
    assert done.stdout.splitlines()[-1].endswith(": 1 conforms, 1 differs")
    assert [each["verdict"] for each in written["verdicts"]] == ["conforms", "differs"]
    assert written["complete"] is True
    assert [path.name for path in tmp_path.iterdir()] == ["verdicts.json"], "nothing is left beside it"


@pytest.mark.parametrize(
    ("name", "verdict", "because"),
    [
        ("other_axis", "differs", "softmax"),
        ("as_list", "misbehaves", "it returns a list"),
        ("flat", "misbehaves", "of shape"),
        ("raising", "fails", "this kernel needs a block of 128"),
    ],
)
def test_json_is_complete_whatever_the_verdict(name: str, verdict: str, because: str) -> None:
    done = weights(name, "--json", "-")
    (told,) = json.loads(done.stdout)["verdicts"]

    assert done.exit_code == 1
    assert told["verdict"] == verdict
    assert because in f"{told['reason']} {told['diagnosis']}"
    assert verdict in done.stderr, "people read the other stream"
    assert told.keys() >= {
        "equation",
        "implementation",
        "dtype",
        "device",
        "verdict",
        "diagnosis",
        "worst_case",
        "effective_bits",
        "mutation_score",
        "examples",
        "seconds",
        "properties",
    }


def test_bind_says_which_parameter_is_which() -> None:
    assert weights("renamed", "--bind", "scores=e").exit_code == 0


ALONE = """
import numpy as np

def weights(e):
    assert e.ndim == 2 and e.size
    p = np.exp(e - e.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)
"""


def test_claims_may_be_made_for_code_that_makes_none(tmp_path: Path) -> None:
    """Of one example alone, never empty: what is not claimed is not asked, and the verdict says so."""
    (tmp_path / "alone.py").write_text(ALONE)
    asked = (f"{tmp_path}/alone.py:weights", "--as", "attention.weights", "--examples", "3")

    assert "--claim batch=0" in verify(*asked).stdout
    done = verify(*asked, "--claim", "batch=0", "--claim", "smallest.n=1", "--claim", "smallest.m=1")
    assert done.exit_code == 0, done.stdout
    assert "n ≥ 1, 0 batch axes" in done.stdout


@pytest.mark.parametrize(
    ("claim", "says"),
    [("bach=0", "did you mean batch?"), ("batch=one", "batch=0,1"), ("finite=perhaps", "yes or no"),
     ("smallest=1", "smallest.AXIS=1"), ("finite", "write C=VALUE, as in batch=0"),
     ("smallest.z=1", "has no size z")],
)  # fmt: skip
def test_what_is_no_claim_is_refused(claim: str, says: str) -> None:
    done = weights("right", "--claim", claim)

    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr


def test_an_import_that_fails_shows_its_own_traceback() -> None:
    done = verify(f"{PLANTED}/not_importable.py")

    assert (done.exit_code, done.stdout) == (2, "")
    assert "RuntimeError: no compiler for softmax" in done.stderr
    assert 'compile_kernel("softmax")' in done.stderr
    assert "attnspec/" not in done.stderr.replace(str(PLANTED), ""), "no frame of ours"


def test_wrong_parameters_are_answered_with_the_expected_signature() -> None:
    done = weights("needing_more", "--dtype", "float32,float64")

    assert (done.exit_code, done.stdout) == (2, "")
    assert "weights.py:needing_more(e, mask)" in done.stderr
    assert "attention.weights(e)" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.py"], "no file 'nowhere.py'"),
        (["attnspec_nump"], "did you mean attnspec_numpy"),
        ([f"{WEIGHTS}:rihgt"], "did you mean right"),
        ([WEIGHTS], "--as ID"),
        ([f"{WEIGHTS}:right", "--as", "attention.weigths"], "did you mean attention.weights"),
        ([f"{WEIGHTS}:right", "--dtype", "flaot32"], "did you mean float32"),
        ([f"{WEIGHTS}:right", "--device", "cdua"], "did you mean cuda"),
        ([f"{WEIGHTS}:right", "--framework", "troch"], "did you mean torch"),
        ([f"{WEIGHTS}:right", "--policy", "flahs"], "did you mean flash"),
        ([f"{WEIGHTS}:right", "--as", "attention.weights", "--policy", "tf32", "--dtype", "float64"], "for float64"),
        ([f"{WEIGHTS}:right", "--as", "attention.weights", "--bind", "f=e"], "no parameter 'f'"),
        ([f"{WEIGHTS}:right", "--bind", "e"], "write P=NAME, as in query=q"),
        ([f"{WEIGHTS}:right", "--memory-limit", "much"], "4G or 512M"),
        ([f"{WEIGHTS}:right", "--exmaples", "3"], "--examples"),
        ([f"{WEIGHTS}:right", "--json", "no/such/folder.json"], "cannot write JSON"),
        ([f"{WEIGHTS}:right", "--json", str(PLANTED)], "is a folder"),
    ],
)
def test_a_bad_question_is_answered_with_how_to_mend_it(arguments: list[str], says: str) -> None:
    done = attnspec("verify", *arguments)

    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_target_that_cannot_be_asked_leaves_the_others_their_verdicts(tmp_path: Path) -> None:
    file = tmp_path / "verdicts.json"
    done = verify("nowhere.py", f"{PLANTED}/weights_torch.py", "--json", str(file))
    written = json.loads(file.read_text(encoding="utf-8"))

    assert done.exit_code == 2
    assert done.stdout.splitlines()[-1].endswith(": 1 conforms; 1 not judged")
    assert [each["verdict"] for each in written["verdicts"]] == ["conforms"]
    assert [each["headline"] for each in written["not_asked"]] == ["no file 'nowhere.py'"]


def test_a_callable_that_cannot_be_asked_leaves_the_others_their_verdicts() -> None:
    done = verify(f"{PLANTED}/several.py", "--json", "-")
    told = json.loads(done.stdout)

    assert done.exit_code == 1
    assert [each["verdict"] for each in told["verdicts"]] == ["conforms", "not run", "not run"]
    assert "attention.weights(e)" in told["verdicts"][1]["reason"]
    assert "did you mean attention.weights" in done.stderr
    assert len(told["notes"]) == 2


def stopped_by(error: BaseException) -> Callable[..., Report]:
    """Stands for `attnspec.verify`: one verdict falls, then an error."""

    def verify(target: str, options: Any, *, on_verdict: Callable[[Any], None], **how: Any) -> Report:
        from attnspec.verification.verdict import Verdict, VerdictKind

        on_verdict(Verdict("attention.weights", target, "numpy", "float32", "cpu", VerdictKind.CONFORMS))
        raise error

    return verify


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (WorkerError("the worker did not start: exit code 1"), 3, "internal error: WorkerError: the worker did not"),
        (OSError(28, "No space left on device"), 3, "No space left on device"),
        (ZeroDivisionError("division by zero"), 3, "internal error: ZeroDivisionError"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_what_fell_before_is_kept(
    error: BaseException, code: int, says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(verify_command, "run", stopped_by(error))
    done = verify("my_kernels.py", "never_reached.py", "--json", str(tmp_path / "verdicts.json"))
    written = json.loads((tmp_path / "verdicts.json").read_text(encoding="utf-8"))

    assert done.exit_code == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.splitlines()[-1].endswith(": 1 conforms; the run was ended early")
    assert [each["implementation"] for each in written["verdicts"]] == ["my_kernels.py"]
    assert written["complete"] is False


def test_an_internal_error_can_be_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_command, "run", stopped_by(ZeroDivisionError("division by zero")))

    assert "Traceback" in attnspec("verify", "my_kernels.py", ATTNSPEC_DEBUG="1").stderr


def test_every_verdict_is_on_disk_as_it_falls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "verdicts.json"
    seen: list[int] = []

    def verify(target: str, options: Any, *, on_verdict: Callable[[Any], None], **how: Any) -> Report:
        from attnspec.verification.verdict import Verdict, VerdictKind

        for dtype in ("float32", "float64"):
            on_verdict(Verdict("attention.weights", target, "numpy", dtype, "cpu", VerdictKind.CONFORMS))
            seen.append(len(json.loads(file.read_text(encoding="utf-8"))["verdicts"]))
        return Report(())

    monkeypatch.setattr(verify_command, "run", verify)
    attnspec("verify", "my_kernels.py", "--json", str(file))

    assert seen == [1, 2]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_under_the_document_is_said_in_words() -> None:
    with pytest.raises(SpecError, match="cannot write JSON: No space left"):
        Document("/dev/full").finish({"verdicts": []})


def test_a_pipe_gets_its_json_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    document = Document(str(pipe))
    document.write(lambda: {"verdicts": []})
    document.finish({"verdicts": [1]})
    read = os.read(reader, 1000)
    os.close(reader)

    assert json.loads(read) == {"verdicts": [1]}
    assert pipe.is_fifo()


def test_writing_a_long_document_takes_a_small_part_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 1,000 verdicts that take 10 ms each, and a document that takes 1 ms a verdict: without pauses, 500 s."""
    now = [0.0]
    monkeypatch.setattr("attnspec.faces.json_file.time.monotonic", lambda: now[0])
    document, file, made = Document(str(tmp_path / "verdicts.json")), tmp_path / "verdicts.json", list[int]()

    def content(verdicts: list[int]) -> dict[str, Any]:
        now[0] += 0.001 * len(verdicts)
        made.append(len(verdicts))
        return {"verdicts": verdicts}

    for count in range(1000):
        now[0] += 0.01
        document.write(partial(content, [*range(count)]))
    writing = now[0] - 10.0
    document.finish({"verdicts": [*range(1000)]})

    assert writing < 1 + 0.05 * now[0] + 1, "the last one may have begun just within"
    assert made[:20] == [*range(20)], "a short one is written with each verdict"
    assert len(json.loads(file.read_text())["verdicts"]) == 1000


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_start_has_the_equations_signature(framework: str) -> None:
    for equation in REGISTRY.values():
        tree = ast.parse(new_command.equation_starter(equation, framework))
        (function,) = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        options = [option.name for option in equation.definition.options]

        assert [each.arg for each in function.args.args] == [each.name for each in equation.definition.parameters]
        assert [each.arg for each in function.args.kwonlyargs] == options
        assert f'implements("{equation.id}", framework="{framework}")' in ast.unparse(tree).replace("'", '"')


def test_a_start_can_be_verified_and_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "lstm_cell.py"
    arguments = ("new", "recurrent.lstm_cell", "--framework", "numpy", "-o", str(file))

    assert attnspec(*arguments).exit_code == 0
    assert "# i = σ(x W_xi + h W_hi + b_i)" in file.read_text(encoding="utf-8")

    done = verify(str(file))
    assert done.exit_code == 1
    assert "NotImplementedError: write the formula above" in done.stdout

    file.write_text("mine", encoding="utf-8")
    again = attnspec(*arguments)
    assert (again.exit_code, file.read_text(encoding="utf-8")) == (2, "mine")
    assert "exists already" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["recurrent.lstm_cel", "--framework", "torch"], "did you mean recurrent.lstm_cell"),
        (["recurrent.lstm_cell", "--framework", "troch"], "did you mean torch?"),
        (["recurrent.lstm_cell", "--framework", "torch", "-o", "no/such/folder.py"], "cannot write"),
    ],
)
def test_a_bad_start_is_answered_with_how_to_mend_it(arguments: list[str], says: str) -> None:
    done = attnspec("new", *arguments)

    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr
