"""Equations of one's own, from the command line and from Python: found, refused, drawn and judged."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attnspec
from attnspec.interpreters.mutation.perturbations import perturbations
from attnspec.language.definitions import import_file
from attnspec.notation import Float, Int, Tensor, exp, index, indices, max, scan, size, split, sum, tanh, where, zeros
from attnspec.verification.candidate.question import Question
from attnspec.verification.cases.case import Description, make, smallest
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.equations.conclusion import weakness
from attnspec.verification.equations.verifier import EquationVerifier
from attnspec.verification.judge.mutant_values import effective_perturbations, values
from attnspec.verification.options import VerifyOptions
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.session import load_questions
from attnspec.verification.targeting import parse_target

HEAD = """
import numpy as np
from attnspec import Source, Symbol, equation, implements
from attnspec.notation import Float, Tensor, index, sum

"""
SQUARES = """
@equation()
def squares(x: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    i = index("n")
    return sum(i, x[i] * x[i])

"""
CANDIDATES = """
@implements("{id}", framework="numpy")
def right(x):
    return (x * x).sum(-1)

@implements("{id}", framework="numpy")
def wrong(x):
    return np.abs(x).sum(-1)
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "attnspec", *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300)

    return run


Run = Callable[..., subprocess.CompletedProcess[str]]


# Where equations are found.


def test_a_target_brings_its_equation(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(HEAD + SQUARES + CANDIDATES.format(id="mine.squares"))
    done = run("verify", "mine.py", "--examples", "0")

    assert done.returncode == 1, done.stderr
    assert "conforms: mine.squares, mine.py:right" in done.stdout
    assert "differs: mine.squares, mine.py:wrong" in done.stdout


def test_a_file_that_also_claims_the_catalogue_is_not_imported_by_the_judge(run: Run, tmp_path: Path) -> None:
    """Its code runs in the candidate's process alone, and its own equation needs --equations."""
    claims = CANDIDATES.format(id="mine.squares").replace('"mine.squares"', '"scores.dot"', 1)
    (tmp_path / "mine.py").write_text(HEAD + SQUARES + claims)
    alone, named = run("verify", "mine.py"), run("verify", "mine.py:wrong", "--equations", "mine.py")

    assert "not run: mine.squares" in alone.stdout, alone.stdout + alone.stderr
    assert "to mend   if it is defined there: --equations mine.py" in alone.stdout, alone.stdout
    assert "differs: mine.squares" in named.stdout, named.stdout + named.stderr


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("mime.py", ("no file", "did you mean mine.py?")),
        (".", ("is a folder", "mine.py")),
        ("mime", ("no equation 'attention.maskd'", "did you mean attention.masked")),
    ],
)
def test_a_target_that_is_missing_is_refused_where_the_id_is_unknown_too(
    run: Run, tmp_path: Path, target: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "mine.py").write_text(HEAD + SQUARES)
    done = run("verify", target, "--as", "attention.maskd")

    assert done.returncode == 2
    assert all(word in done.stderr for word in words), done.stderr


def test_equations_of_a_project_are_found_from_folders_below(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(HEAD + SQUARES)
    (tmp_path / "pyproject.toml").write_text('[tool.attnspec]\nequations = ["mine.py"]\n')
    shown = run("show", "mine.squares")

    assert "Σ_i x_i x_i" in shown.stdout, shown.stderr


def test_a_gate_takes_the_equations_of_its_targets(run: Run, tmp_path: Path) -> None:
    own = "\ndef f(x):\n    return (x * x).sum(-1)\n"
    (tmp_path / "mine.py").write_text(HEAD + SQUARES + own)
    gate = '[gate]\nrequired = ["mine.*"]\nexamples = 2\n[[gate.implementations]]\ntarget = "mine.py:f"\n'
    (tmp_path / "attnspec.toml").write_text(gate + 'equation = "mine.squares"\nframework = "numpy"\n')
    done = run("gate")

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("conforms: mine.squares, mine.py:f")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('equation = ["mine.py"]', ("no setting 'equation'", "did you mean equations?")),
        ('equations = "mine.py"', ("are not a list", "'mine.py'")),
        ('equations = ["absent.py"]', ("no file", "absent.py")),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(
    run: Run, tmp_path: Path, settings: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.attnspec]\n{settings}\n")
    done = run("show", "scores.dot")

    assert done.returncode == 2
    assert not [word for word in words if word not in done.stderr], done.stderr


def test_a_refused_equation_in_an_import_is_shown_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(HEAD + SQUARES.replace("x[i] * x[i]", "np.square(x[i])"))
    brought, named = run("verify", "mine.py"), run("list", "--equations", "mine.py")

    for done in (brought, named):
        assert done.returncode == 2
        assert "mine.py:" in done.stderr
        assert "Traceback" not in done.stderr, done.stderr


def test_an_import_that_fails_says_where(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("\n\n1 / 0\n")
    done = run("list", "--equations", "mine.py")

    assert done.returncode == 2
    assert "mine.py:3: ZeroDivisionError" in done.stderr, done.stderr


def test_the_package_may_stand_before_an_id_of_the_catalogue() -> None:
    assert attnspec.equations()["attnspec.scores.dot"] is attnspec.equations()["scores.dot"]
    assert attnspec.REGISTRY["scores.dot"].family == "scores"


def test_a_file_with_the_name_of_a_module_is_imported_once(tmp_path: Path) -> None:
    file = tmp_path / "json.py"
    file.write_text("")

    assert import_file(file) is import_file(file)


def test_an_id_of_another_file_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "scores.py").write_text(HEAD + SQUARES.replace("squares", "dot"))
    done = run("list", "--equations", "scores.py")

    assert done.returncode == 2
    assert "scores.dot is an equation of the catalogue" in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("word", "found"), [("gru_cell", "recurrent.gru_cell_reset_after"), ("Bahdanau", "attention_rnn.")]
)
def test_the_list_is_searched_by_a_word(run: Run, word: str, found: str) -> None:
    listed = json.loads(run("list", word, "--json", "-").stdout)
    ids = [each["id"] for each in listed["equations"]]

    assert [id for id in ids if id.startswith(found)], ids
    assert len(ids) < 40


def test_a_word_that_nothing_mentions_is_refused(run: Run) -> None:
    done = run("list", "recurent")

    assert done.returncode == 2
    assert "did you mean recurrent?" in done.stderr


# What is declared of arguments.


@attnspec.equation(
    symbols={"kernel": attnspec.Symbol("the kernel", weight=True, within=(0.5, 4.0))}, options={"power": (1, 2, 3)}
)
def raised(x: Float[Tensor, "n d"], kernel: Float[Tensor, " d"], *, power: int) -> Float[Tensor, " n"]:
    """A weighted sum, to a power."""
    i = index("n")
    return ((x[i] @ kernel) ** power).stack(i)


@pytest.mark.parametrize("regime", ["ordinary", "huge", "tiny", "zeros", "one-hot"])
@pytest.mark.parametrize("pattern", [(), (("kernel", "zero"),)])
def test_values_stay_in_their_range_and_weights_have_no_batch(
    regime: str, pattern: tuple[tuple[str, str], ...]
) -> None:
    case = make(raised, Description((("n", 3), ("d", 4)), regime, batch=(2,), patterns=pattern), "float32")

    assert case.arrays["x"].shape == (2, 3, 4)
    assert case.arrays["kernel"].shape == (4,)
    assert ((case.arrays["kernel"] >= 0.5) & (case.arrays["kernel"] <= 4.0)).all()


def test_the_range_is_part_of_the_verdict() -> None:
    report = attnspec.verify(lambda x, kernel, power: (x @ kernel) ** power, raised, framework="numpy", examples=3)

    assert report.passed, str(report)
    assert "kernel from 0.5 to 4" in report.verdicts[0].domain


def test_recorded_values_out_of_range_are_refused() -> None:
    arrays = {"x": np.ones((2, 2)), "kernel": np.full(2, 9.0)}
    with pytest.raises(attnspec.SpecError, match="kernel is out of range"):
        attnspec.verify(lambda x, kernel, power: x @ kernel, raised, framework="numpy", inputs=arrays)


@pytest.mark.parametrize(
    ("symbols", "words"),
    [
        ({"y": attnspec.Symbol("?")}, "does not have the array y"),
        ({"x": attnspec.Symbol("?", within=(1.0, 1.0))}, "cannot be within that range"),
        ({"x": attnspec.Symbol("?", draw="weight")}, "did you mean weights"),
    ],
)
def test_symbols_that_cannot_be_meant_are_refused(symbols: dict[str, attnspec.Symbol], words: str) -> None:
    with pytest.raises(attnspec.SpecError) as refused:

        @attnspec.equation(symbols=symbols)
        def alone(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
            return tanh(x)

    assert words in str(refused.value)


def test_what_a_result_may_be_returned_in_is_declared_of_the_result() -> None:
    @attnspec.equation(symbols={"total": attnspec.Symbol("the sum", also=("float32",))})
    def summed(x: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        i = index("n")
        total = sum(i, x[i])
        return total

    assert summed.definition.symbol("total").also == ("float32",)


@attnspec.equation(
    options={"parts": attnspec.Size("p")},
    sizes={"p": "heads", "r": "steps"},
    symbols={"count": attnspec.Symbol("how many rows there are", draw="length")},
)
def cut(y: Float[Tensor, "r p*w"], count: Int[Tensor, ""], *, parts: int) -> Float[Tensor, "r p w"]:
    """Rows cut into parts; those behind the last one are 0."""
    row = index("r")
    part = split(y[row], parts)
    return where(row < count, part, 0).stack(row)


def test_sizes_of_any_name_have_a_role() -> None:
    """There may be no steps, there are never many heads, and a length is at most the number of steps."""
    described = [*standard_suite(cut, lambda name: smallest(cut, name) if name != "batch" else 1, (0,))]
    cases = [make(cut, each, "float32") for each in described]

    assert cut.definition.size_options == {"parts": "p"}
    assert {case.options["parts"] for case in cases} <= {1, 2, 3, 4, 8, 12}
    assert min(len(case.arrays["y"]) for case in cases) == 0
    assert all(case.arrays["count"] <= len(case.arrays["y"]) for case in cases)
    assert any(case.arrays["count"] == len(case.arrays["y"]) > 0 for case in cases)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"sizes": {"z": "keys"}}, "does not have the size z"),
        ({"sizes": {"n": "key"}}, "did you mean keys"),
        ({"options": {"scale": attnspec.Size("n")}}, "the option scale cannot be drawn so"),
        ({"options": {"other": attnspec.Size("n")}}, "does not have the option other"),
    ],
)
def test_sizes_that_cannot_be_meant_are_refused(declared: dict[str, Any], words: str) -> None:
    with pytest.raises(attnspec.SpecError) as refused:

        @attnspec.equation(**declared)
        def alone(x: Float[Tensor, " n"], *, scale: float) -> Float[Tensor, " n"]:
            return scale * tanh(x)

    assert words in str(refused.value)


def test_a_decorator_without_brackets_is_refused() -> None:
    def alone(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        return tanh(x)

    with pytest.raises(attnspec.SpecError, match="without brackets"):
        attnspec.equation(alone)  # type: ignore[arg-type]  # what the test is about


def test_a_size_may_stand_inside_a_formula() -> None:
    @attnspec.equation()
    def average(x: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        i = index("n")
        return sum(i, x[i]) / size("n")

    @attnspec.equation()
    def declared(x: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        i, n = index("n"), size("n")
        return sum(i, x[i]) / n

    assert average.definition.roots == declared.definition.roots


@pytest.mark.parametrize(
    ("term", "says"),
    [
        ('size("n m")', "which is not one size"),
        ("size(3)", "which is not one size"),
        ('size("k")', "uses the size k, which no array has"),
        ('index("n")', "k = index('n'), and k in the formula"),
    ],
)
def test_a_size_or_an_index_that_cannot_be_meant_is_refused(tmp_path: Path, term: str, says: str) -> None:
    text = f'@equation()\ndef one(x: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:\n    return x / {term}\n'
    (tmp_path / "one.py").write_text(HEAD.replace("index, sum", "index, size") + text, encoding="utf-8")

    with pytest.raises(attnspec.SpecError) as refused:
        import_file(tmp_path / "one.py")

    assert says in str(refused.value)


# Overflow, and what rounding cannot change.


@attnspec.equation()
def grown(k: Float[Tensor, " n"], v: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """A sum that overflows as it is written."""
    i = index("n")
    return sum(i, exp(k[i]) * v[i]) / sum(i, exp(k[i]))


@pytest.mark.parametrize(("k", "v"), [(800.0, 1.0), (800.0, 0.0), (100.0, 0.0), (100.0, 2.0)])
def test_an_overflow_of_the_equation_is_not_decidable(k: float, v: float) -> None:
    """exp(800) is infinite in float64, exp(100) in float32: whatever comes of it, also times 0."""
    [noise] = grown.noise({"k": np.array([k]), "v": np.array([v])}, dtype="float32")

    assert noise.undecidable.all()


def test_a_pole_is_decidable() -> None:
    """0/0 and 1/0 are values of the equation, not overflows."""

    @attnspec.equation()
    def quotient(a: Float[Tensor, " n"], b: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        return a / b

    [noise] = quotient.noise({"a": np.array([0.0, 1.0]), "b": np.array([0.0, 0.0])}, dtype="float32")

    assert not noise.undecidable.any()


def test_partial_sums_that_may_overflow_are_not_decidable() -> None:
    big = np.array([3e38, 3e38, -3e38])
    [noise] = attnspec.equations()["scores.dot"].noise({"q": np.ones((1, 3)), "k": big[None]}, dtype="float32")

    assert noise.undecidable.all()


@pytest.mark.parametrize("kind", [np.float16, np.float32, list])
def test_the_noise_is_the_same_of_narrower_arrays_and_of_lists(kind: Any) -> None:
    """The values count: in float16 themselves, sums of products would be noise of another kind."""
    dot, x = attnspec.equations()["scores.dot"], np.arange(8.0).reshape(1, 8)
    [expected] = dot.noise({"q": x, "k": x}, dtype="float16")
    narrow = x.tolist() if kind is list else x.astype(kind)
    [noise] = dot.noise({"q": narrow, "k": narrow}, dtype="float16")

    assert noise.value == expected.value
    assert noise.bound == expected.bound


@attnspec.equation()
def rank(x: Float[Tensor, "n d"], w: Float[Tensor, " d"]) -> Int[Tensor, " n"]:
    """How many rows have a larger score; of equal ones, the first counts as larger."""
    i, j = indices("n", "n")
    s = x @ w
    better = sum(j, where((s[j] > s[i]) | ((s[j] == s[i]) & (j < i)), 1, 0))
    return better.stack(i)


def test_an_element_is_never_larger_than_itself() -> None:
    x = np.random.Generator(np.random.Philox(0)).normal(size=(5, 3))
    [noise] = rank.noise({"x": x, "w": np.ones(3)}, dtype="bfloat16")

    assert not noise.undecidable.all()
    assert sorted(noise.value) == [0, 1, 2, 3, 4]


# Recurrences.


@attnspec.equation()
def cell(a: Float[Tensor, " u"], h: Float[Tensor, " u"], W: Float[Tensor, "u u"]) -> Float[Tensor, " u"]:
    """One step."""
    return tanh(a + h @ W)


@attnspec.equation()
def projected(x: Float[Tensor, "n d"], V: Float[Tensor, "d u"], W: Float[Tensor, "u u"]) -> Float[Tensor, "n u"]:
    """All inputs are projected before the recurrence."""
    t = index("n")
    a = x[t] @ V
    h = scan(t, lambda h: cell(a, h, W), zeros("u"))
    return h.stack(t)


def test_a_step_reads_a_line_with_the_index_of_the_scan() -> None:
    generator = np.random.Generator(np.random.Philox(0))
    x, V, W = (generator.normal(size=shape) for shape in ((4, 2), (2, 3), (3, 3)))
    h, rows = np.zeros(3), []
    for row in x:
        h = np.tanh(row @ V + h @ W)
        rows.append(h)

    function: Callable[..., Any] = projected
    assert np.allclose(function(x, V, W), rows, rtol=1e-14)
    assert "h_t = cell(a_t, h_{t−1}, W)" in projected.text().replace(f"{__name__}.", "")
    assert str(projected.cost().elementwise.terms).count("'n'") == 1, "a is read at one step at a time"


def test_a_start_that_depends_on_the_index_of_the_scan_is_refused() -> None:
    with pytest.raises(attnspec.NotationError, match="shapes do not fit"):

        @attnspec.equation()
        def shifted(x: Float[Tensor, "n u"], W: Float[Tensor, "u u"]) -> Float[Tensor, "n u"]:
            t = index("n")
            h = scan(t, lambda h: tanh(h @ W), x[t])
            return h.stack(t)


# Vacuity.


@attnspec.equation()
def stable(e: Float[Tensor, " n"], s: Float[Tensor, ""]) -> Float[Tensor, " n"]:
    """A softmax with a score of no key. Its line `top` has no effect in real numbers."""
    i, j = indices("n", "n")
    top = max(j, e[j])
    total = sum(j, exp(e[j] - top)) + exp(s - top)
    return (exp(e[i] - top) / total).stack(i)


def test_what_has_no_effect_in_real_numbers_is_not_asked_for() -> None:
    tried = {mutant.says for mutant in perturbations(stable)}
    effective = {mutant.says for mutant in effective_perturbations(stable.id)}

    assert tried == {"e", "s", "top", "total"}
    assert effective == {"e", "s", "total"}


def of_cases(h: float) -> EquationVerifier:
    """The verdict's steps on one recorded case, up to the search for what the cases do not show."""
    arrays = {"a": np.array([0.3, -0.2]), "h": np.full(2, h), "W": np.array([[0.5, 0.1], [0.2, 0.4]])}
    options = VerifyOptions(cell.id, "numpy", inputs=arrays, only_inputs=True)
    shown, target = parse_target(lambda a, h, W: np.tanh(a + h @ W))
    runner = Runner()
    [question] = load_questions(shown, target, options, runner)
    assert isinstance(question, Question)
    with runner:
        verifier = EquationVerifier(question, runner)
        verifier.bind()
        assert not any([verifier.check_standard_cases(), verifier.check_random_cases(), verifier.strengthen_cases()])
    return verifier


def test_a_state_of_zero_shows_nothing_of_its_weights() -> None:
    assert of_cases(0.0).unread == ["W"]
    assert not of_cases(0.7).unread


def test_what_no_case_shows_makes_a_pass_inconclusive() -> None:
    verifier = of_cases(0.7)
    assert verifier.strength is not None
    strength = replace(verifier.strength, survived=())
    unread = [each.says for each in effective_perturbations(stable.id)[:1]]

    assert not weakness(verifier.judgement, strength, ())
    assert weakness(verifier.judgement, strength, unread).startswith("no case shows whether e is read")


def test_a_mask_after_the_softmax_and_tiled_groups_are_known_mistakes() -> None:
    causal = {mutant.says for mutant in attnspec.equations()["attention.causal"].mutants()}

    @attnspec.equation()
    def grouped(q: Float[Tensor, "G*r d"], k: Float[Tensor, "G d"]) -> Float[Tensor, " G*r"]:
        h, r = index("G*r"), size("r")
        return (q[h] @ k[h // r]).stack(h)

    assert [says for says in causal if "the mask acts on the weights, after softmax" in says]
    assert [mutant for mutant in grouped.mutants() if "tiled instead of repeated" in mutant.says]


def test_a_gradient_over_a_batch_has_the_factors_of_a_product_of_sizes() -> None:
    """r of G·r is known only after G, which another argument has: k comes behind q."""

    @attnspec.equation()
    def heads(q: Float[Tensor, "G*r d"], k: Float[Tensor, "G d"]) -> Float[Tensor, " G*r"]:
        h, r = index("G*r"), size("r")
        return (q[h] @ k[h // r]).stack(h)

    gradient = heads.gradient()
    case = make(gradient, Description((("G", 2), ("r", 3), ("d", 2)), "ordinary", batch=(2,)), "float64")
    found = values(gradient.definition, replace(case, summed=("q", "k")))

    assert found is not None
    assert [array.shape for array in found] == [(2, 6, 2), (2, 2, 2)]


def test_a_declaration_takes_the_equation_itself() -> None:
    from attnspec import REGISTRY, implements

    declared = implements(REGISTRY["scores.dot"], framework="numpy")(lambda q, k: q @ k.T)
    assert declared.__attnspec__[0].equation == "scores.dot"  # type: ignore[attr-defined]  # what `implements` adds
    with pytest.raises(attnspec.SpecError, match="takes an equation or its id"):
        implements(abs)  # type: ignore[arg-type]  # what is refused
