"""`attnspec cost`: formulas, numbers, blocks, and what is said of sizes that cannot be."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from attnspec.cli import main
from attnspec.language import layers
from attnspec.language.equation import REGISTRY
from attnspec.language.registry import is_catalogued

ROOT = Path(__file__).resolve().parents[2]
LONG = "n=100000,m=100000,d=64,e=64"


def cost(*arguments: str, columns: str = "80") -> Result:
    return CliRunner(env={"COLUMNS": columns}).invoke(main, ["cost", *arguments], prog_name="attnspec")


def test_formulas_without_sizes() -> None:
    lines = cost("recurrent.gru").stdout.splitlines()

    assert lines[:2] == ["recurrent.gru", "parameters        3·(d·u + u² + u)"]
    assert lines[-1] == "sequential steps  t"


def test_numbers_with_sizes() -> None:
    done = cost("recurrent.gru", "--sizes", "t=500,d=32", "--sizes", "u=32")

    assert done.exit_code == 0
    assert done.stdout.splitlines()[:2] == [
        "recurrent.gru, for t = 500, d = 32, u = 32",
        "parameters            6,240  3·(d·u + u² + u)",
    ]


def test_sizes_cost_nothing() -> None:
    started = time.process_time()
    done = cost("attention.scaled_dot_product", "--sizes", LONG, "--block", "128")

    assert time.process_time() - started < 5  # an array of this size would not fit into memory
    assert re.search(r"intermediates +10,000,000,000 +m·n\n", done.stdout)
    assert re.search(r"intermediates +13,000,000 +min\(block, m\)·n \+ 2·n\n", done.stdout)


@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_every_equation_has_room(columns: str) -> None:
    catalogue = {id: equation for id, equation in REGISTRY.items() if is_catalogued(equation.function.__module__)}
    for id in [id for id, equation in catalogue.items() if not layers.of(equation.definition)]:
        done = cost(id, columns=columns)

        assert done.exit_code == 0, done.output
        assert max(map(len, done.stdout.splitlines())) <= int(columns)


def test_options_are_sizes() -> None:
    by_option = cost("multihead.attention", "--sizes", "heads=8,n=2,m=2,c=64,d=8").stdout

    assert by_option == cost("multihead.attention", "--sizes", "H=8,n=2,m=2,c=64,d=8").stdout
    assert "parameters        16,384  4·H·c·d\n" in by_option


def test_as_json() -> None:
    plain = json.loads(cost("attention.scaled_dot_product", "--json").stdout)
    sized = json.loads(cost("attention.scaled_dot_product", "--sizes", LONG, "--block", "128", "--json").stdout)

    assert (plain["sizes"], plain["block"]) == (None, None)
    assert plain["cost"]["intermediates"] == {"formula": "m·n", "value": None}
    assert sized["sizes"] == {"n": 100_000, "d": 64, "m": 100_000, "e": 64}
    assert sized["cost"]["intermediates"]["value"] == 10_000_000_000
    assert sized["cost"]["blocked_intermediates"]["value"] == 13_000_000
    assert sized["cost"]["sequential_steps"] == {"formula": "1", "value": 1}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["recurrent.gruu"], "did you mean recurrent.gru"),
        (["recurrent.gru", "--sizes", "t=5,d=3"], "needs the size u too"),
        (["recurrent.gru", "--sizes", "t=5"], "add d=…,u=…, or leave --sizes out to see formulas"),
        (["recurrent.gru", "--sizes", "t=5,d=3,u=4,k=1"], "recurrent.gru has no size 'k'"),
        (["multihead.attention", "--sizes", "head=5"], "did you mean heads?"),
        (["recurrent.gru", "--sizes", "t=5,d=3,u=-1"], "the size u is not a whole number"),
        (["recurrent.gru", "--sizes", "t=5,d=3,u=1.5"], "given     u=1.5"),
        (["recurrent.gru", "--sizes", "t=5,d=3,u=1e400"], "such as 1024"),
        (["recurrent.gru", "--sizes", "t=5,t=3"], "'t' is given twice"),
        (["multihead.attention", "--sizes", "heads=5,H=3"], "the size H is given twice"),
        (["recurrent.gru", "--sizes", "t"], "'t' is not a size; write NAME=NUMBER, as in n=1024"),
        (["recurrent.gru", "--sizes", ""], "is not a size"),
        (["recurrent.gru", "--block", "4"], "recurrent.gru has no softmax that can be processed in blocks"),
        (["attention.soft", "--block", "0"], "0 is not in the range"),
    ],
)
def test_a_bad_question_is_answered_with_how_to_mend_it(arguments: list[str], says: str) -> None:
    done = cost(*arguments)

    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr


def test_the_page_shows_what_the_command_prints() -> None:
    page = (ROOT / "docs/cost.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\$ attnspec (cost .*)\n((?:.+\n)+?)```", page, re.MULTILINE)

    assert len(shown) >= 2
    for command, output in shown:
        assert cost(*command.split()[1:]).stdout == output
