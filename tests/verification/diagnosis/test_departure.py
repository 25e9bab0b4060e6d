"""What a verdict says of the lines of wrong candidates, in processes of their own; nothing of it may be false."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from attnspec import Departure, Verdict, VerdictKind, verify

PLANTED = Path(__file__).parents[2] / "planted/departures"
FILES = ("in_numpy.py", "in_torch.py")


def claimed(file: str) -> Iterator[tuple[str, str]]:
    """The candidates of a file, each with its docstring."""
    for node in ast.parse((PLANTED / file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            yield node.name, ast.get_docstring(node) or ""


MARKS = {"in_torch.py": pytest.mark.broad}
"""What NumPy shows by default, PyTorch shows in CI."""
CANDIDATES = [
    pytest.param(file, name, says, marks=MARKS.get(file, ())) for file in FILES for name, says in claimed(file)
]


@cache
def judged(file: str, name: str) -> Verdict:
    """The verdict on one candidate of a file."""
    (verdict,) = verify(f"{PLANTED / file}:{name}", examples=0)
    return verdict


def departure_of(file: str, name: str) -> Departure:
    departure = judged(file, name).diagnosis[0].departure
    assert departure is not None
    return departure


def marked(file: str, name: str) -> set[str]:
    """The marked lines of a candidate, and of the class that it uses."""
    text = (PLANTED / file).read_text(encoding="utf-8")
    lines = text.splitlines()
    tree = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    wanted = [tree[name], *([tree["Cell"]] if re.search(r"\bCell\(", ast.unparse(tree[name])) else [])]
    numbers = (k for node in wanted for k in range(node.lineno, (node.end_lineno or 0) + 1))
    return {f"{file}:{k}" for k in numbers if "# HERE" in lines[k - 1]}


@pytest.mark.parametrize(("file", "name", "says"), CANDIDATES, ids=lambda value: str(value)[:20])
def test_the_verdict_says_what_the_author_says_and_the_lines_that_are_marked(file: str, name: str, says: str) -> None:
    verdict, departure = judged(file, name), departure_of(file, name)
    (diagnosis,) = verdict.diagnosis
    parts = re.sub(r" \([^)]*\.py[^)]*\)", "", departure.says).split("; ")

    assert verdict.verdict is VerdictKind.DIFFERS
    assert all(part in (*diagnosis.says.split("; "), *parts) for part in says.split("; "))
    assert {place for _, place in departure.wrong} == marked(file, name)


def test_a_line_is_named_as_right_where_it_is_computed() -> None:
    lines = (PLANTED / "in_numpy.py").read_text(encoding="utf-8").splitlines()
    places = dict(departure_of("in_numpy.py", "peephole").right)

    for name, place in places.items():
        assert lines[int(place.partition(":")[2]) - 1].strip().startswith(f"{name} = ")
    assert len(places) == 4


SHOWN = {
    "peephole": "o = sigmoid(x @ W_xo + h @ W_ho + b_o + np.arctan(c)), where o = σ(x W_xo + h W_ho + b_o) belongs",
    "other_norm": (
        "return w / np.sqrt((w * w).sum(-1, keepdims=True)) @ v, with w = np.exp(e - e.max(-1, keepdims=True)), "
        "where α_ij = softmax_j(e_ij) belongs"
    ),
    "features_turned_round": (
        "h = np.tanh(x[..., t, :] @ W_xh + h @ W_hh + b_h), with x = np.arctan(x[..., ::-1]), "
        "where tanh(x W_xh + h W_hh + b_h) belongs"
    ),
}
"""{candidate: the code that departs, with what makes its inputs, and the formula}."""


@pytest.mark.parametrize(("name", "shown"), SHOWN.items())
def test_the_code_is_shown_beside_the_formula(name: str, shown: str) -> None:
    (diagnosis,) = judged("in_numpy.py", name).diagnosis
    (place,) = marked("in_numpy.py", name)

    assert diagnosis.id == {"peephole": "o/code", "other_norm": "alpha/code"}.get(name, "code")
    assert diagnosis.says.startswith(f"{place.replace(':', ' line ')}: {shown} (wrong in ")


def test_a_factor_that_may_act_later_is_no_mistake_of_its_line() -> None:
    (diagnosis,) = judged("in_numpy.py", "other_norm_later").diagnosis

    assert diagnosis.id == "code"
    assert diagnosis.says.partition(": ")[2].startswith("return w @ v / np.sqrt((w * w).sum(-1, keepdims=True)), with ")
    assert "where c_i = Σ_j α_ij v_j belongs" in diagnosis.says


def test_the_text_and_the_json_have_it() -> None:
    verdict = judged("in_numpy.py", "other_norm")
    departure = departure_of("in_numpy.py", "other_norm")

    assert departure.says in str(verdict)
    assert verdict.json()["diagnosis"][0]["departure"] == {
        "right": [{"line": name, "place": place} for name, place in departure.right],
        "wrong": [{"line": "α_ij", "place": "in_numpy.py:136"}],
        "missing": [],
        "says": departure.says,
    }


def test_the_lines_to_mend_are_those_with_mistakes() -> None:
    mend = judged("in_numpy.py", "two_gates").mend.splitlines()

    assert [row.split(" = ")[0] for row in mend] == ["f", "o"]


def test_the_line_to_mend_is_that_of_the_code_that_departs() -> None:
    mend = judged("in_numpy.py", "peephole").mend.splitlines()

    assert [row.split(" = ")[0] for row in mend] == ["o"]


def test_it_can_be_turned_off() -> None:
    (verdict,) = verify(f"{PLANTED / 'in_numpy.py'}:other_norm", examples=0, trace=False)

    assert verdict.verdict is VerdictKind.DIFFERS
    assert verdict.diagnosis[0].departure is None
