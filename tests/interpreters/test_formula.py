"""A formula says all that the tree says: no two trees are set alike, in LaTeX or in Unicode."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from attnspec import REGISTRY
from attnspec.errors import NotationError
from attnspec.interpreters.formula.formula import latex, latex_of, text, text_of
from attnspec.interpreters.mutation.mutants import mutants
from attnspec.language.check import Scope, check
from attnspec.language.dims import Dim
from attnspec.language.symbols import ACCENTS, GREEK
from attnspec.language.symbols import latex as symbol
from attnspec.language.traversal import nodes
from attnspec.language.tree import Apply, Call, Definition, Name, Node, Number, Position, Scan, SizeOf, Span
from trees import NAMES, Grower, changed, distinct, injective, probe, read, visible

EQUATIONS = [item for item in REGISTRY.values() if item.function.__module__.startswith("attnspec.equations.")]


def shown(expression: str) -> tuple[str, str]:
    """An expression, in LaTeX and in Unicode."""
    tree = probe(expression)
    return latex_of(tree.returns[0], tree), text_of(tree.returns[0], tree)


# What formulas look like.

EXPECTED = (Path(__file__).parent / "formulas.txt").read_text(encoding="utf-8").split("# ")[1:]


@pytest.mark.parametrize("block", EXPECTED, ids=lambda block: block.splitlines()[0])
def test_formulas_as_expected(block: str) -> None:
    id, in_latex, in_unicode = block.strip().split("\n\n")

    assert latex(REGISTRY[id].definition) == in_latex
    assert text(REGISTRY[id].definition) == in_unicode


@pytest.mark.parametrize(
    ("expression", "in_latex", "in_unicode"),
    [
        ("a - b - r", "a - b - r", "a − b − r"),
        ("a - (b - r)", "a - (b - r)", "a − (b − r)"),
        ("-a + b", "-a + b", "−a + b"),
        ("a + -b", "a + (-b)", "a + (−b)"),
        ("2 * a * s", r"2\,a\,s", "2 a s"),
        ("s * 2", r"s \times 2", "s × 2"),
        ("sigma * (s + 1)", r"\sigma \times (s + 1)", "σ × (s + 1)"),
        ("a @ A @ b", r"a\,A\,b", "a A b"),
        ("a @ (A @ b)", r"a \cdot (A\,b)", "a·(A b)"),
        ("A @ a @ b", r"(A\,a) \cdot b", "(A a)·b"),
        ("s / (a @ b) / 2", r"\frac{\frac{s}{a \cdot b}}{2}", "s / (a·b) / 2"),
        ("s ** 2 ** s", "s^{2^{s}}", "s^(2^s)"),
        ("sqrt(s + 1)", r"\sqrt{s + 1}", "√(s + 1)"),
        ("sum(j, e[i, j]) * s", r"\left( \sum_{j} e_{ij} \right)\,s", "(Σ_j e_ij) s"),
        ("sum(i, sum(j, e[i, j] + 1))", r"\sum_{i} \sum_{j} (e_{ij} + 1)", "Σ_i Σ_j (e_ij + 1)"),
        ("max(j, e[i, j], where=mask[i, j])", r"\max_{j : \mathit{mask}_{ij}}(e_{ij})", "max_{j: mask_ij}(e_ij)"),
        ("~(on[i] & (i <= k) | on[k])", r"\lnot (\mathit{on}_{i} \land i \le k \lor \mathit{on}_{k})",
         "¬(on_i ∧ i ≤ k ∨ on_k)"),
        ("h[t - 1] + y_i[i] + y[0] + q[i, -1]", r"h_{t-1} + y_{\mathrm{i},i} + y_{[0]} + q_{i,[-1]}",
         "h_{t−1} + y_{i;i} + y_{[0]} + q_{i,[−1]}"),
        ("split(w, width)", r"\operatorname{split}(w, \lvert r \rvert)", "split(w, |r|)"),
        ("concat(i, c.stack(i)[i])", r"\operatorname{concat}_{i}(([c_{i}]_{i})_{i})", "concat_i(([c_i]_i)_i)"),
        ("concat(a, b, r)[0]", "([a; b; r])_{[0]}", "([a; b; r])_{[0]}"),
        ("transpose(transpose(A))", r"(A^{\top})^{\top}", "(Aᵀ)ᵀ"),
        ("last(t, u)", "u_{T}", "u_T"),
        ("scan(t, lambda z: z @ A + u, a)", r"\operatorname{scan}_{t}(z_{t} = z_{t-1}\,A + u_{t} \text{ from } a)",
         "scan_t(z_t = z_{t−1} A + u_t from a)"),
        ("recurrent_simple_rnn_cell(c, a, A, B, b)", r"\operatorname{recurrent.simple\_rnn\_cell}(c_{i}, a, A, B, b)",
         "recurrent.simple_rnn_cell(c_i, a, A, B, b)"),
    ],
)  # fmt: skip
def test_expressions_as_expected(expression: str, in_latex: str, in_unicode: str) -> None:
    assert shown(expression) == (in_latex, in_unicode)


def test_comments_stand_at_the_right() -> None:
    rows = text(REGISTRY["recurrent.gru_cell"].definition).splitlines()

    assert [row.split("    ")[-1].strip() for row in rows[2:5]] == ["reset gate", "update gate", "candidate state"]
    assert rows[2].index("reset") == rows[3].index("update") == rows[4].replace("\N{COMBINING TILDE}", "").index("cand")


# What must differ.


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("(r * a) @ A", "r * (a @ A)"),
        ("tanh(a @ A + (r * b) @ B)", "tanh(a @ A + r * (b @ B))"),
        ("softmax(j, e[i, j])", "softmax(i, e[i, j])"),
        ("softmax(j, e[i, j], where=mask[i, j])", "softmax(j, where(mask[i, j], e[i, j], -inf))"),
        ("a - (b - r)", "a - b - r"),
        ("(a + b) + r", "a + (b + r)"),
        ("K", "transpose(K)"),
        ("K[i, k]", "transpose(K)[i, k]"),
        ("K[i, k]", "K[k, i]"),
        ("K[i, k]", "K[i][k]"),
        ("h_0", "h[0]"),
        ("h_t", "h[t]"),
        ("y_i[k]", "y[i, k]"),
        ("y_ik", "q[i, k]"),
        ("y_ik[i]", "y_i[i]"),
        ("a * b", "a @ b"),
        ("A * B", "A @ B"),
        ("s * (a @ b)", "(s * a) @ b"),
        ("a @ (A @ B)", "a @ A @ B"),
        ("2 * s", "s * 2"),
        ("-s ** 2", "(-s) ** 2"),
        ("sqrt(s) ** 2", "sqrt(s ** 2)"),
        ("sum(j, e[i, j] * s)", "sum(j, e[i, j]) * s"),
        ("sum(j, e[i, j])", "sum(j, e[i, j], where=mask[i, j])"),
        ("sum(i, y[i])", "sum(k, y[k])"),
        ("r_d * s", "width * d * s"),
        ("width", "r"),
        ("c.stack(i)", "concat(i, c)"),
        ("e[i, j].stack(i, j)", "e[i, j].stack(j, i)"),
        ("concat(a, b)", "concat(b, a)"),
        ("concat(a, b, r)", "concat(concat(a, b), r)"),
        ("last(t, u)", "u[t]"),
        ("scan(t, lambda z: z + a, b)", "scan(t, lambda z: z + b, a)"),
        ("scan(t, lambda z: z + a, b)", "scan(t, lambda x: x + a, b)"),
        ("sigma * (s + 1)", "sigmoid(s + 1)"),
        ("attention_masked(y, y, y, mask)", "multihead_masked(y, y, y, mask, A, A, A, heads=d)"),
        ("multihead_split(y, heads=width)", "split(y, width)"),
    ],
)
def test_pairs_differ(one: str, other: str) -> None:
    assert shown(one)[0] != shown(other)[0]
    assert shown(one)[1] != shown(other)[1]


PLACES = """
    x: Float[Tensor, "n n x_i"], y: Int[Tensor, "n"], d: Float[Tensor, "n d_k"], x_y_i: Float[Tensor, "n"],
    x_i_2: Float[Tensor, "n n"], x_i_tilde: Float[Tensor, "n n"], k: Float[Tensor, ""]
"""
PLACE_LINES = """
    i, k, i_2, i_tilde = indices("n", "n", "n", "n")
    d_k, x_i = size("d_k"), size("x_i")
"""


@pytest.mark.parametrize("setting", [latex, text, visible])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x_y_i", "x[y[i]]"),
        ("x_y_i[k]", "x[y[i], k]"),
        ("x_i_2", "x[i_2]"),
        ("x_i_2[k]", "x[i_2, k]"),
        ("x_i_tilde", "x[i_tilde]"),
        ("d_k", "d[k]"),
        ("x_i", "x[i]"),
    ],
)
def test_names_and_places_differ(setting: Callable[[Definition], str], one: str, other: str) -> None:
    """A name with subscripts is not set like an array at a place; nor is a size."""
    first, second = (setting(probe(each, PLACES, PLACE_LINES)) for each in (one, other))

    assert first != second


def test_a_size_is_no_gradient() -> None:
    tree = probe("k / sqrt(d_k)", 'k: Float[Tensor, "d_k"], d_b: Float[Tensor, "d_k"]', '\n    d_k = size("d_k")\n')

    assert text(tree).splitlines() == ["k, ∂b ∈ ℝ^d_k", "probe.f = k / √d_k"]
    assert r"\frac{k}{\sqrt{d_{k}}}" in latex(tree)


def test_an_option_that_sets_a_size_says_so() -> None:
    tree = REGISTRY["multihead.split"].definition

    assert "with heads = H ∈ ℕ" in text(tree)
    assert r"\text{with } \mathit{heads} = H \in \mathbb{N}" in latex(tree)


def test_equations_with_the_names_of_operations_have_their_family() -> None:
    mod = replace(probe("s % s"), id="probe.mod")
    tree = replace(probe("s"), returns=(Call(mod, (Name("s"),)),))

    assert text_of(tree.returns[0], tree) == "probe.mod′(s)"


def test_expressions_grown_at_random_differ() -> None:
    tree = probe("a")
    scope = Scope(tree, check(tree), scanned={"u": "t"})
    sizes = [SizeOf(Dim.parse(size)) for size in ("n", "r", "r*d", "d+n", "d-n", "ceil((n-d)/r)", "2")]
    numbers = [Number(value) for value in (0.0, 1.0, 2.0, 0.5, -1.0)]
    leaves: list[Node] = [*map(Name, scope.names), *map(Position, "ijkt"), *numbers, *sizes]
    grown = Grower(scope, leaves, REGISTRY["recurrent.simple_rnn_cell"].definition, seed=1).grow(4_000)

    assert len(injective(lambda node: text_of(node, tree), grown)) == len(grown) > 4_000
    for formula in injective(lambda node: latex_of(node, tree), grown):
        well_formed(formula)


@pytest.mark.parametrize("one_of", [60, pytest.param(1, marks=pytest.mark.slow)])
def test_equations_and_their_mutants_differ(one_of: int) -> None:
    wrong = (mutant.definition for item in EQUATIONS for mutant in mutants(item)[::one_of])
    trees = distinct([*(item.definition for item in EQUATIONS), *wrong])

    assert len(injective(latex, trees)) == len(injective(text, trees)) > 1_000


@pytest.mark.parametrize("id", [item.id for item in EQUATIONS])
def test_one_change_changes_the_formula(id: str) -> None:
    tree = REGISTRY[id].definition
    trees = distinct([tree, *changed(tree)])
    one_symbol = not tree.lines and len(list(nodes(tree.returns[0]))) == 1
    few = one_symbol or not tree.dtype_is_given or id.startswith("transformer.embed")

    assert len(injective(latex, trees)) == len(injective(text, trees)) > (2 if few else 20)
    assert len(injective(visible, trees[::40])) == len(trees[::40])


def test_names_differ() -> None:
    for setting in (latex, text):
        trees = [read(f'def f({name}: Float[Tensor, ""]) -> Float[Tensor, ""]: return {name}') for name in NAMES]
        assert len({setting(tree) for tree in trees}) == len(trees)
    indices = ("i", "j", "t", "T", "alpha", "row", "x")
    placed = {symbol(name, places, indices) for name in NAMES for places in ("", "t", "ij", "t-1")}
    assert len(placed) == 4 * len(trees)


def in_notebook(item: Any) -> Any:
    return item._repr_latex_()


def test_a_notebook_shows_the_formula() -> None:
    for item in EQUATIONS[::10]:
        assert in_notebook(item) == f"$$\n{latex(item.definition)}\n$$"


# Whole equations.


def test_an_index_and_a_size_of_one_name_are_told_apart() -> None:
    sizes = {}
    for size in ("t", "T"):
        lines = f'\n    t = index("{size}")\n    n = size("{size}")\n'
        sizes[size] = text(probe("sum(t, x[t]) / n", f'x: Float[Tensor, "{size} d"]', lines)).splitlines()

    assert sizes["t"][1:] == sizes["T"][1:] == ["probe.f = (Σ_t x_t) / T"]
    assert sizes["t"][0] == "x ∈ ℝ^(T × d), for 0 ≤ t < T = |t|"
    assert sizes["T"][0] == "x ∈ ℝ^(T × d), for 0 ≤ t < T"


def test_a_value_with_the_name_of_an_index_is_set_as_typed() -> None:
    tree = probe("s[t] * t", 't: Float[Tensor, "n"]', '\n    s = t + 1\n    t = index("n")\n')

    assert text(tree).splitlines() == ["'t' ∈ ℝ^n, for 0 ≤ t < n", "s = 't' + 1", "probe.f = s_t t"]
    assert r"s &= \mathtt{t} + 1" in latex(tree)


def test_a_part_of_a_recurrence_is_shown_as_it_stands_there() -> None:
    tree = REGISTRY["recurrent.gru"].definition
    scan = tree.lines[0].value
    assert isinstance(scan, Scan)
    state = next(node for node in nodes(scan.body) if node == Name("h"))

    assert text_of(state, tree) == "h_{t−1}"
    assert text_of(Name("h"), tree) == "h_t"


def test_an_equation_that_is_not_registered_is_written_out_where_it_is_called() -> None:
    tree = REGISTRY["recurrent.simple_rnn"].definition
    wrong = next(mutant.definition for mutant in mutants(REGISTRY["recurrent.simple_rnn"]) if "drop/b_h" in mutant.id)

    assert text(wrong).splitlines()[1:3] == [
        "h_t = simple_rnn_cell′(x_t, h_{t−1}, W_xh, W_hh, b_h) from h_0",
        "recurrent.simple_rnn = [h_t]_t",
    ]
    assert text(wrong).endswith("\nrecurrent.simple_rnn_cell′ = tanh(x W_xh + h W_hh)")
    assert "′" not in text(tree)


def test_what_has_no_rule_is_refused() -> None:
    tree = probe("a")

    with pytest.raises(NotationError, match=r"probe\.f:7:4: no formula for arctan"):
        latex_of(Apply("arctan", (Name("a"),), span=Span(7, 4, 7, 5)), tree)


# LaTeX.

COMMANDS = {
    "begin", "end", "left", "right", "frac", "sqrt", "sum", "max", "operatorname", "mathit", "mathrm", "mathtt",
    "mathbb", "mathbin", "text", "top", "lvert", "rvert", "lfloor", "rfloor",
    "lceil", "rceil", "infty", "in", "times", "odot", "cdot", "ast", "le", "ge", "partial",
    "land", "lor", "lnot", "exp", "log", "sin", "cos", "tanh", *GREEK, *ACCENTS,
}  # fmt: skip


def well_formed(formula: str) -> None:
    """Braces and environments close in order, and every command is known."""
    bare = re.sub(r"\\[{}]", "", formula)
    depth = 0
    for letter in bare:
        depth += (letter == "{") - (letter == "}")
        assert depth >= 0, formula
    assert depth == 0, formula
    assert set(re.findall(r"\\([A-Za-z]+)", formula)) <= COMMANDS, formula
    assert set(re.findall(r"\\([^A-Za-z])", formula)) <= set("\\,;_{}"), formula
    opened: list[str] = []
    for side, name in re.findall(r"\\(begin|end|left|right)(\{\w+\}|)", formula):
        if side in ("begin", "left"):
            opened.append(name)
        else:
            assert opened.pop() == name, formula
    assert not opened, formula


@pytest.mark.parametrize("id", [item.id for item in EQUATIONS])
def test_latex_is_well_formed(id: str) -> None:
    formula = latex(REGISTRY[id].definition)
    first, *rows, end = formula.splitlines()

    well_formed(formula)
    assert (first, end) == (r"\begin{aligned}", r"\end{aligned}")
    assert all(without_cases(row).count("&") == 1 for row in rows)
    assert all(row.endswith(r" \\") for row, _ in pairwise(rows))
    assert all(len(row) == len(row.strip()) for row in rows)


def test_importing_formulas_imports_no_arrays() -> None:
    program = "import sys, attnspec.interpreters.formula.formula; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert not {"numpy", "torch", "hypothesis"} & set(done.stdout.split())


def without_cases(row: str) -> str:
    """A row without the rows of its own that stand in it, from the inside out."""
    inner = re.sub(r"\\begin\{cases\}((?!\\begin\{cases\}).)*?\\end\{cases\}", "", row)
    return row if inner == row else without_cases(inner)


def test_a_line_of_one_layer_has_its_number_above() -> None:
    """As in the equation that is not written out for its layers, where h^(l) is the output of layer l, from 1 on."""
    tree = REGISTRY["recurrent.stacked_simple_rnn"].definition
    assert [text_of(Name(name), tree) for name in ("h", "h.0", "h.11")] == ["h", "h^(1)", "h^(12)"]
