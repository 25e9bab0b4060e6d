"""Trees and sizes keep their hash, and another process computes its own."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

from attnspec import REGISTRY
from attnspec.language.dims import Dim

LOOK_UP = """
import pickle, sys
from attnspec import REGISTRY
from attnspec.language.dims import Dim
definition, dim = pickle.load(sys.stdin.buffer)
known = REGISTRY["recurrent.gru_cell"].definition
assert definition == known and {known: 1}[definition] == 1
assert {Dim.parse("H*d"): 1}[dim] == 1
"""


def test_another_process_finds_a_tree_that_was_hashed_here() -> None:
    definition, dim = REGISTRY["recurrent.gru_cell"].definition, Dim.parse("H*d")
    assert {definition, dim} == {dim, definition}

    for seed in ("1", "2"):  # of the hashes of strings, which differ between processes
        subprocess.run(
            [sys.executable, "-c", LOOK_UP],
            input=pickle.dumps((definition, dim)),
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
        )
