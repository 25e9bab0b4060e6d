"""The diagram of shapes says what the equation says, and the count of parameters is what arrays hold."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from attnspec.cli import main
from attnspec.interpreters import dataflow
from attnspec.interpreters.cost.cost import written
from attnspec.language.equation import REGISTRY
from attnspec.language.layers import sizes_of
from attnspec.language.symbols import symbol
from attnspec.verification.cases.case import Description, make, smallest

IDS = [id for id, equation in REGISTRY.items() if equation.function.__module__.startswith("attnspec.equations.")]


def drawn(id: str) -> list[str]:
    return [
        f"{row.name} {row.shape} {row.lanes} {' '.join(row.weights)}".rstrip()
        for row in dataflow.diagram(REGISTRY[id].definition)
    ]


def test_attention_as_it_is_drawn() -> None:
    assert drawn("attention.scaled_dot_product") == [
        "q (n, d) ╷",
        "k (m, d) │ ╷",
        "v (m, e) │ │ ╷",
        "e (i:n, j:m) ●─●─┼─╮",
        "alpha (i:n, j:m)     │ ●─╮",
        "c (i:n, e)     ●───●─╮",
        "c (n, e)           ●─▶",
    ]


def test_a_recurrence_reads_its_start_and_not_its_own_state() -> None:
    assert drawn("recurrent.lstm")[3:] == [
        "h, c (t:t, u), (t:t, u) ●─●─●─╮   W_xi W_hi b_i W_xf W_hf b_f W_xg W_hg b_g W_xo W_ho b_o",
        "h (t, u)       ●─▶",
        "c (u)       ●─▶",
    ]
    [scan] = [step for step in dataflow.steps(REGISTRY["recurrent.gru"].definition) if step.role == "line"]
    assert scan.reads == ("h_0", "x")


@pytest.mark.parametrize("id", IDS)
def test_every_row_marks_what_it_reads(id: str) -> None:
    definition = REGISTRY[id].definition
    steps, rows = dataflow.steps(definition), dataflow.diagram(definition)
    own = {name: step.names[0] for step in steps if step.role != "returned" for name in step.names}

    assert [step.names for step in steps if step.role == "line"] == [line.targets for line in definition.lines]
    assert sum(len(step.types) for step in steps if step.role == "returned") == len(definition.results)
    for step, row in zip(steps, rows, strict=True):
        assert row.lanes.count("●") == len({own[name] for name in step.reads})
        assert row.lanes.count("▶") == (step.role == "returned" and bool(step.reads))
    last = rows[-1].lanes.replace("─", "").replace("┼", "").split()
    assert "│" not in "".join(last), "every line ends where it is last read"


@pytest.mark.parametrize("id", IDS)
def test_as_many_parameters_as_arrays_hold(id: str) -> None:
    equation = REGISTRY[id]
    sizes = {name: max(3, smallest(equation, name)) + place for place, name in enumerate(sizes_of(equation.definition))}
    case = make(equation, Description(tuple((sizes | {"L": 1}).items())), "float64")
    names, count = dataflow.parameters(equation.definition)
    own = {name.removesuffix("_L"): size for name, size in sizes.items()}  # of layers it is told for each
    arrays = {name.removeprefix("layers.0."): array for name, array in case.arrays.items()}

    assert names == tuple(name for name in arrays if symbol(name, id).weight)
    assert count.value(sizes | own) == sum(arrays[name].size for name in names)


@pytest.mark.parametrize(
    ("id", "count"),
    [
        ("recurrent.simple_rnn_cell", "d·u + u² + u"),
        ("recurrent.gru_cell", "3·(d·u + u² + u)"),
        ("recurrent.gru_cell_reset_after", "3·d·u + 3·u² + 4·u"),
        ("recurrent.lstm_cell", "4·(d·u + u² + u)"),
        ("recurrent.bidirectional_gru", "6·(d·u + u² + u)"),
        ("multihead.attention", "4·H·c·d"),
        ("attention.scaled_dot_product", "0"),
    ],
)
def test_the_counts_of_the_documents(id: str, count: str) -> None:
    assert written(dataflow.parameters(REGISTRY[id].definition)[1]) == count


@pytest.mark.parametrize("id", ["recurrent.bidirectional_gru", "transformer.decoder_layer", "attention.merge"])
def test_the_diagram_fits_eighty_columns(id: str) -> None:
    shown = CliRunner(env={"COLUMNS": "80"}).invoke(main, ["show", id]).stdout
    diagram = shown[shown.index("\nshapes\n") : shown.index("\nsources\n")].splitlines()

    assert len(diagram) > len(REGISTRY[id].definition.lines)
    assert max(map(len, diagram)) <= 80


def test_what_is_learned_is_said() -> None:
    shown = CliRunner(env={"COLUMNS": "100"}).invoke(main, ["show", "recurrent.gru_cell"]).stdout
    none = CliRunner().invoke(main, ["show", "attention.weights"]).stdout

    assert "parameters\n  3·(d·u + u² + u)  W_xr, W_hr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h\n" in shown
    assert "parameters\n  none: nothing here is learned\n" in none


def test_the_numbers_of_003() -> None:
    """A simple RNN of 32 units over 32 inputs: 32·64 + 32."""
    _, count = dataflow.parameters(REGISTRY["recurrent.simple_rnn_cell_concat"].definition)

    assert count.value({"d": 32, "u": 32}) == 2080
