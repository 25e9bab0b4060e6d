"""Random numbers that other software draws where it is imported."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def undrawn() -> Iterator[None]:
    """Put back the random numbers of the process that are drawn meanwhile."""
    state, of_numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(state)
        np.random.set_state(of_numpy)
