"""Production sizes: one call, of which every row is judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from attnspec.cli import main
from attnspec.verification.sandbox.child.array_calls import ARRAYS
from attnspec.verification.sandbox.child.arrays import Arrays
from attnspec.verification.sandbox.child.pooling import extremes, spread
from attnspec.verification.sandbox.messages import Output, Pools

ATTENTION = """
import numpy as np

def attention(q, k, v):
    e = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]).astype(q.dtype)
    p = np.exp(e - e.max(-1, keepdims=True))
    o = p @ v / p.sum(-1, keepdims=True)
    CHANGE
    return o
"""
SIZES = "n=1500,m=1037,d=16,e=8"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def verify(code: str, id: str, *options: str) -> tuple[Result, dict[str, Any]]:
    Path("mine.py").write_text(code)
    given = ["verify", "mine.py", "--as", id, "--examples", "2", "--no-function", "--no-trace", "--json", "found.json"]
    result = CliRunner(env={"COLUMNS": "200"}).invoke(main, [*given, *options])
    found = json.loads(Path("found.json").read_text())["verdicts"] if result.exit_code < 2 else [{}]
    return result, found[0]


def test_every_row_of_one_call_is_judged() -> None:
    result, verdict = verify(ATTENTION.replace("CHANGE", ""), "attention.scaled_dot_product", "--sizes", SIZES)
    assert result.exit_code == 0, result.output
    (says,) = [each for each in verdict["findings"] if each.startswith("at n=1500, d=16, m=1037, e=8")]
    assert "all 12,000 elements of one call are right" in says
    assert "32 distinct places of 1500 along n, 256 distinct places of 1037 along m" in says


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ("if o.shape[-2] ** 2 > 2e6: o[..., 777, 3] += 1e-4", "o[777, 3] is "),
        ("if o.shape[-2] ** 2 > 2e6: o[..., 777, 3] = np.nan", "o[777, 3] is nan"),
        ("if o.shape[-2] ** 2 > 2e6: o = o[..., :-1, :]", "it returns (1499, 8)"),
        ("if o.shape[-2] ** 2 > 2e6: raise ValueError('too large for my grid')", "too large for my grid"),
        ("if o.shape[-2] ** 2 > 2e6: o = (p[..., :-1] @ v[..., :-1, :]) / p[..., :-1].sum(-1, keepdims=True)", "o["),
    ],
    ids=["one-element", "nan", "one-row-less", "raises", "last-key"],
)
def test_one_fault_at_the_large_size_is_found(change: str, shown: str) -> None:
    result, verdict = verify(ATTENTION.replace("CHANGE", change), "attention.scaled_dot_product", "--sizes", SIZES)
    assert result.exit_code == 1, result.output
    assert verdict["reason"].startswith("at n=1500, d=16, m=1037, e=8: ")
    assert shown.replace("o[", "c[") in verdict["reason"]


CELL = """
import numpy as np

def cell(x, h, W_xh, W_hh, b_h):
    if h.ndim == 2 and len(h) ** 2 == 3.6e5:  # the number of a size would be asked as one
        CHANGE
    return np.tanh(x @ W_xh + h @ W_hh + b_h)
"""


def test_examples_of_a_large_batch_are_judged_one_by_one() -> None:
    given = ("recurrent.simple_rnn_cell", "--sizes", "batch=600,d=8,u=16")
    right, verdict = verify(CELL.replace("CHANGE", "pass"), *given)
    assert right.exit_code == 0, right.output
    (says,) = [each for each in verdict["findings"] if each.startswith("at ")]
    assert "all 9,600 elements" in says
    assert "4 distinct places of 600 along batch0" in says
    wrong, verdict = verify(CELL.replace("CHANGE", "h = np.concatenate([h[:512], h[:88]])"), *given)
    assert wrong.exit_code == 1, wrong.output
    assert verdict["reason"].startswith("at d=8, u=16, batch=600: ")
    place = int(verdict["reason"].split("[")[1].split(",")[0])
    assert 512 <= place < 600


def test_sizes_that_cannot_be_asked_are_refused() -> None:
    code = ATTENTION.replace("CHANGE", "")
    for sizes, says in [
        ("x=3", "has no size 'x'"),
        ("n=many", "a whole number above 0"),
        ("batch=2x2,n=5", "2 batch axes are not claimed"),
        ("d=99999999", "too large for the reference"),
    ]:
        result, _ = verify(code, "attention.scaled_dot_product", "--sizes", sizes)
        assert result.exit_code == 2, result.output
        assert says in result.output


NORM = """
import numpy as np

def layer_norm(x, gamma, beta, eps):
    mean = x.mean(-1, keepdims=True)
    if x.shape[-2:] == (600, 32):  # another path for large arrays, as kernels have
        variance = (x * x).mean(-1, keepdims=True) - mean * mean
    else:
        variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + x.dtype.type(eps)) * gamma + beta
"""


def test_another_form_at_large_sizes_is_right() -> None:
    """A right kernel is never blamed because it sums in another way where arrays are large."""
    result, verdict = verify(NORM, "transformer.layer_norm", "--sizes", "batch=600,d=32")
    assert result.exit_code == 0, result.output
    assert any("all 19,200 elements" in each for each in verdict["findings"]), verdict["findings"]


CAUSAL = ATTENTION.replace(
    "    p = ", "    e = np.where(np.arange(e.shape[-1]) <= np.arange(e.shape[-2])[:, None], e, -np.inf)\n    p = "
)


def test_places_that_the_equation_compares_are_all_distinct_where_they_are_few() -> None:
    code = CAUSAL.replace("CHANGE", "")
    result, verdict = verify(code, "attention.causal_top_left", "--sizes", "n=300,m=300,d=8")
    assert result.exit_code == 0, result.output
    (says,) = [each for each in verdict["findings"] if each.startswith("at n=300")]
    assert "distinct" not in says
    assert "all 19,200 elements" in says


def test_places_that_the_equation_compares_are_sampled_where_they_are_many() -> None:
    given = ("attention.causal_top_left", "--case", "1", "--sizes", "n=1800,m=1700,d=8,e=4")
    _, verdict = verify(CAUSAL.replace("CHANGE", ""), *given)
    assert verdict["verdict"] != "differs"
    (says,) = [each for each in verdict["findings"] if each.startswith("at n=1800")]
    assert "of 1800 places along n: the first, the last, at edges of tiles and at random" in says
    one_key_more = "if len(o) > 1500: o[255] = np.exp(q[255] @ k[:257].T / 8**0.5) @ v[:257] / SUM"
    one_key_more = one_key_more.replace("SUM", "np.exp(q[255] @ k[:257].T / 8**0.5).sum()")
    result, verdict = verify(CAUSAL.replace("CHANGE", one_key_more), *given)
    assert result.exit_code == 1, result.output
    assert "c[255, " in verdict["reason"]


def test_rows_of_a_gradient_are_judged_too() -> None:
    pytest.importorskip("torch")
    code = "import torch\n\ndef weights(e):\n    return torch.softmax(e, -1)\n"
    result, verdict = verify(code, "attention.weights", "--backward", "--sizes", "n=700,m=900")
    assert result.exit_code == 0, result.output
    assert any("all 630,000 elements" in each for each in verdict["findings"]), verdict["findings"]


@pytest.mark.parametrize("framework", ["numpy", "torch", "jax"])
def test_large_arguments_have_the_rows_of_small_ones_and_are_contiguous(framework: str) -> None:
    pytest.importorskip(framework)
    arrays: Arrays = ARRAYS[framework]()
    small = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)
    entries = {"batch0": np.array([1, 0, 1]), "n": np.array([2, 0, 1, 1, 0])}
    pools = Pools(entries, {"x": ("batch0", "n", "")}, ())
    given = {"x": arrays.place(small, "float32", "cpu", "contiguous")}
    large = spread(given, pools, arrays)["x"].view
    np.testing.assert_array_equal(np.asarray(large), small[entries["batch0"]][:, entries["n"]])
    assert framework != "numpy" or large.flags.c_contiguous
    assert framework != "torch" or large.is_contiguous()


def test_extremes_among_equal_rows_are_of_every_row() -> None:
    """Property: in whatever order the axes are, the extremes and their rows are those of a search one by one."""
    generator = np.random.default_rng(5)
    entries = {"m": np.array([1, 0, 1, 2, 2, 0, 1]), "n": np.array([0, 1, 1, 0, 1])}
    values = generator.standard_normal((5, 3, 7)).astype(np.float32)
    values[2, 1, 4] = np.nan
    pools = Pools(entries, {}, (("n", "", "m"),))
    described = Output("array of numpy", values, "float32", values.shape, "cpu")
    least, most, where_least, where_most = (np.asarray(each.value) for each in extremes([described], pools))
    for n, x, m in np.ndindex(2, 3, 3):
        rows = [(i, j) for j in range(7) for i in range(5) if entries["n"][i] == n and entries["m"][j] == m]
        equal = [values[i, x, j] for i, j in rows]
        np.testing.assert_array_equal([least[n, x, m], most[n, x, m]], [np.min(equal), np.max(equal)])
        for found, at in ((least, where_least), (most, where_most)):
            j, i = np.unravel_index(at[n, x, m], (7, 5))
            np.testing.assert_array_equal(values[i, x, j], found[n, x, m])
