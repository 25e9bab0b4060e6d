"""Statements of a candidate's files, as a diagnosis shows them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from attnspec.verification.diagnosis.shown_code import is_shown_whole, shown_code
from attnspec.verification.diagnosis.source_lines import allocates, only_return

SOURCE = """
import numpy as np

HALF = 0.5
SIZE = 1
SIZE = 2


def product(x, W, *, by=1):
    return x @ W * by


def mixed(x, W, b):
    before = np.roll(x, 1, 0)
    scaled = HALF * (x + before)
    n, m = x.shape
    a = (
        scaled @ W
        + b * n
    )
    for k in range(3):
        a = a * SIZE * k
    x = x.T
    turned = np.tanh(x)
    y = product(turned, W, by=HALF) + b
    z = product(x, W) + product(y, W)
    if n:
        y = 2 * y
    else:
        u = y + 1
    w = y + 2
    return a
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "mine.py"
    path.write_text(SOURCE, encoding="utf-8")
    return str(path)


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(SOURCE.splitlines(), 1) if text in line)


PRODUCT = "with product(…) = x @ W * by, "
MADE = f"with y = product(turned, W, by=HALF) + b, {PRODUCT}with turned = np.tanh(x), with HALF = 0.5, with x = x.T"
"""What makes y."""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("scaled =", "scaled = HALF * (x + before), with HALF = 0.5"),
        ("+ b * n", "a = scaled @ W + b * n, with scaled = HALF * (x + before), with HALF = 0.5"),
        ("a = (", "a = scaled @ W + b * n, with scaled = HALF * (x + before), with HALF = 0.5"),
        ("turned =", "turned = np.tanh(x), with x = x.T"),
        (
            "a = a * SIZE",
            "a = a * SIZE * k, with a = scaled @ W + b * n, with scaled = HALF * (x + before), with HALF = 0.5",
        ),
        ("y = 2 * y", f"y = 2 * y if n, {MADE}"),
        ("u = y + 1", f"u = y + 1 if not n, {MADE}"),
        (
            "w = y + 2",
            f"w = y + 2, {MADE.replace(PRODUCT, PRODUCT + 'with y = 2 * y if n, ').replace(', with x = x.T', '')}",
        ),
        (
            "return a",
            "return a, with a = scaled @ W + b * n, with a = a * SIZE * k, with scaled = HALF * (x + before), "
            "with HALF = 0.5",
        ),
        ("HALF = 0.5", "HALF = 0.5"),
    ],
)
def test_a_statement_comes_on_one_line_with_what_is_assigned_once(file: str, text: str, shown: str) -> None:
    assert shown_code([(file, line_of(text))], {(file, "mixed", "before")}) == shown


CHANGING = """
def tiled(q, k):
    keys, m = k.clone(), k.shape[-2]
    if m % 2:
        k, q = k[1:], q + 1
    for start in range(0, m, 32):
        keys[start : start + 32] /= 2
    parts, total = [], zeros(3)
    for i in range(3):
        parts.append(k[i])
        total += k
    turned = empty(3)
    turned[1:] = q
    return q @ keys + stack(parts) + total + turned


def looped(x):
    h = 0
    for t in range(3):
        h = h + x
        y = h
    return y
"""


@pytest.mark.parametrize(
    ("text", "right", "shown", "whole"),
    [
        (
            "return q",
            "",
            "return q @ keys + stack(parts) + total + turned, with q = q + 1 if m % 2, with keys = k.clone(), "
            "with keys[start:start + 32] /= 2, with parts = [], with parts.append(k[i]), with total += k, "
            "with turned[1:] = q, with start in range(0, m, 32), with k = k[1:] if m % 2, with total = zeros(3), "
            "with m = k.shape[-2]",
            True,
        ),
        ("total += k", "", "total += k, with k = k[1:] if m % 2, with m = k.shape[-2]", True),
        ("return q", "turned keys parts q", "return q @ keys + stack(parts) + total + turned, "
         "with keys[start:start + 32] /= 2, with parts.append(k[i]), with total += k, with turned[1:] = q, "
         "with start in range(0, m, 32), with k = k[1:] if m % 2, with total = zeros(3), with m = k.shape[-2]", True),
        ("y = h", "", "y = h, with h = h + x, with h = 0", True),
    ],
)  # fmt: skip
def test_what_changes_an_array_and_what_runs_under_a_condition(
    tmp_path: Path, text: str, right: str, shown: str, whole: bool
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(CHANGING, encoding="utf-8")
    number = next(number for number, line in enumerate(CHANGING.splitlines(), 1) if text in line)
    held = {(str(path), "tiled", name) for name in right.split()}

    assert shown_code([(str(path), number)], held) == shown
    assert is_shown_whole([(str(path), number)], held) is whole


CALLING = """
def slope(a):
    if a.ndim:
        return a * (1 - a)
    return a

def halves(x):
    return x.chunk(2)

def gradients(d, x, W, early):
    def step(h, row):
        return h @ W + row * scale
    scale, states = 3.0, [x]
    for row in x:
        states.append(step(states[-1], row))
    if early:
        states[0] = x
    (a, b), c = halves(x), [each.T for each in states]
    total: Array = a + b
    return d * slope(c[0]) + a + b, sum(map(slope, c))

def faulty(d, x, W):
    return gradients(d, x, W, early=True)

class Layer:
    def scaled(self, x):
        return 2 * x

    def forward(self, x):
        return self.scaled(x) + x
"""


@pytest.mark.parametrize(
    ("text", "results", "shown"),
    [
        ("return gradients", [0, 1], "return gradients(d, x, W, early=True), "
         "with gradients(…)[0] = d * slope(c[0]) + a + b, with gradients(…)[1] = sum(map(slope, c)), "
         "with slope(…) = a * (1 - a) if a.ndim, with slope(…) = a, with c = [each.T for each in states]"),
        ("return gradients", [1], "return gradients(d, x, W, early=True), with gradients(…)[1] = sum(map(slope, c)), "
         "with slope(…) = a * (1 - a) if a.ndim, with slope(…) = a, with c = [each.T for each in states], "
         "with states = [x], with states.append(step(states[-1], row)), with step(…) = h @ W + row * scale, "
         "with states[0] = x if early, with row in x, with scale = 3.0"),
        ("total:", [], "total = a + b, with a, b = halves(x), with halves(…) = x.chunk(2)"),
        ("return h @", [], "return h @ W + row * scale, with scale = 3.0"),
        ("return self", [], "return self.scaled(x) + x, with self.scaled(…) = 2 * x"),
    ],
)  # fmt: skip
def test_functions_of_the_file_that_are_called_come_too(
    tmp_path: Path, text: str, results: list[int], shown: str
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(CALLING, encoding="utf-8")
    number = next(number for number, line in enumerate(CALLING.splitlines(), 1) if text in line)

    assert shown_code([(str(path), number)], (), results) == shown


def test_an_argument_that_is_given_for_another_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def step(a, b):\n    return a - 2 * b\ndef mine(a, b):\n    return step(b, a)\n", encoding="utf-8")

    assert shown_code([(str(path), 2), (str(path), 4)]) == "return a - 2 * b, with a = b, with b = a"


def test_the_only_return_of_a_function(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "@of(\n    'x'\n)\ndef one(x):\n    def inner(y):\n        return y\n    return inner(x)\n"
        "def two(x):\n    if x:\n        return 1\n    return 2\n",
        encoding="utf-8",
    )

    assert [only_return(str(path), number) for number in (1, 4, 5, 8)] == [7, 0, 6, 0]


def test_variables_that_hold_lines_of_the_formula_are_left_out(file: str) -> None:
    assert shown_code([(file, line_of("+ b * n"))], {(file, "mixed", "scaled")}) == "a = scaled @ W + b * n"
    assert shown_code([(file, line_of("+ b * n"))], {(file, "product", "scaled")}) != "a = scaled @ W + b * n"


def test_what_is_given_for_parameters_comes_from_the_call(file: str) -> None:
    places = [(file, line_of("return x @")), (file, line_of("y = "))]

    assert shown_code(places) == "return x @ W * by, with x = np.tanh(x), with by = 0.5, with x = x.T"
    assert shown_code(places[:1]) == "return x @ W * by"


def test_of_two_calls_in_one_statement_none_is_taken(file: str) -> None:
    assert shown_code([(file, line_of("return x @")), (file, line_of("z = "))]) == "return x @ W * by"


def test_what_is_no_python_has_no_statements(tmp_path: Path) -> None:
    kernel = tmp_path / "kernel.cu"
    kernel.write_text("__global__ void f() {}", encoding="utf-8")

    assert shown_code([(str(kernel), 1)]) == ""
    assert shown_code([(str(tmp_path / "none.py"), 1)]) == ""


def test_long_code_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f"x = {' + '.join(['1'] * 100)}", encoding="utf-8")

    assert shown_code([(str(path), 1)]) == ""


def test_memory_that_is_not_written_yet(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "a = np.empty(3)\nb = torch.empty_like(a)\nc = np.zeros(3)\nd = np.exp(np.empty(3))\n", encoding="utf-8"
    )

    assert [allocates(str(path), number) for number in range(1, 6)] == [True, True, False, False, False]


def test_a_file_that_has_changed_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    for number, text in enumerate(("a = np.empty(3)", "a = np.exp(3)")):
        path.write_text(text, encoding="utf-8")
        os.utime(path, (number, number))

        assert shown_code([(str(path), 1)]) == text
        assert allocates(str(path), 1) == ("empty" in text)
