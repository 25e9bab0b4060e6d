"""002's reason for attention, measured: a gradient falls with the distance in a recurrence, not in attention."""

from __future__ import annotations

import importlib.util
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
NAMED = {"simple RNN", "GRU", "LSTM", "LSTM, b_f = 4", "attention"}


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gradient_reach", ROOT / "benchmarks/gradient_reach.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


MODULE = loaded()


@pytest.fixture(scope="module")
def medians() -> dict[str, NDArray[np.float64]]:
    return {kind: MODULE.medians(kind) for kind in MODULE.MEASURED}


def test_through_the_simple_rnn_it_falls_at_least_geometrically(medians: dict[str, NDArray[np.float64]]) -> None:
    norm = medians["simple RNN"]

    assert (norm[8:] <= norm[:-8] / 16).all()


def test_through_attention_it_does_not_fall(medians: dict[str, NDArray[np.float64]]) -> None:
    norm = medians["attention"][1:]

    assert norm.min() >= norm.max() / 4
    assert np.median(norm[-16:]) >= np.median(norm[:16]) / 2, "not from the nearest to the farthest either"


def test_through_attention_it_falls_with_the_number_of_inputs() -> None:
    short, long = (np.median(MODULE.medians("attention", 15, length)[1:]) for length in (32, 128))

    assert short / 4.5 <= long <= short


def test_gates_help_where_they_are_open(medians: dict[str, NDArray[np.float64]]) -> None:
    assert max(medians["GRU"][-1], medians["LSTM"][-1]) < 1e-9
    assert medians["LSTM, b_f = 4"][-1] > medians["attention"][-1]


@settings(max_examples=25, derandomize=True, database=None, deadline=None)
@given(network=st.integers(0, 10_000), length=st.integers(1, 24))
def test_in_no_network_is_it_beyond_the_product_of_the_norms(network: int, length: int) -> None:
    arrays = MODULE.drawn("simple RNN", network, length)
    first, each = (np.linalg.norm(arrays[name].numpy(), 2) for name in ("W_xh", "W_hh"))
    norm = MODULE.reach("simple RNN", network, length)

    assert norm.shape == (length,)
    assert (norm <= first * each ** np.arange(length) * (1 + 1e-12)).all()


def test_the_page_says_what_is_measured(medians: dict[str, NDArray[np.float64]]) -> None:
    page = (ROOT / "docs/gradient-reach.md").read_text(encoding="utf-8")
    measured = page.partition(MODULE.BEGIN)[2].partition(MODULE.END)[0].strip()
    drawing = ElementTree.parse(ROOT / "docs/gradient-reach.svg").getroot()
    lines = [element for element in drawing.iter() if element.tag.endswith("polyline")]
    points = [[tuple(map(float, point.split(","))) for point in line.attrib["points"].split()] for line in lines]

    assert measured == MODULE.table(medians), "python benchmarks/gradient_reach.py --write"
    assert NAMED == set(medians) == {element.text for element in drawing.iter() if element.text} & NAMED
    assert [len(line) for line in points] == [MODULE.LENGTH] * len(medians)
    for line, norm in zip(points, medians.values(), strict=True):
        heights = np.array([y for _, y in line])
        assert np.corrcoef(heights, -np.log10(norm))[0, 1] > 0.9999, "drawn is what is measured"
    assert f"{MODULE.NETWORKS} networks of width {MODULE.WIDTH} over {MODULE.LENGTH} inputs" in " ".join(page.split())
    assert re.search(r"N\(0, 1/16\)", page)
