"""Arrays that take the place of lines: recorded in calls that are made up here, of a function of NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from attnspec import REGISTRY
from attnspec.interpreters.rounding.policy import preset
from attnspec.verification.candidate.observation import Array, Observation
from attnspec.verification.cases.case import Description, make
from attnspec.verification.diagnosis.appearances import appearances_in
from attnspec.verification.diagnosis.departing_code import Followed, says_of
from attnspec.verification.diagnosis.departure import over_all_places
from attnspec.verification.diagnosis.following import Following
from attnspec.verification.diagnosis.watched_calls import WatchedCall
from attnspec.verification.sandbox.messages import Recorded

POLICY = preset("op-by-op", "float32")
Made = tuple[int, str, Array]
"""The number of a line, the variable and the array that it makes."""


def follow(
    file: str, equation: str, sizes: Sequence[dict[str, int]], run: Callable[..., tuple[list[Made], list[Array]]]
) -> tuple[Following, list[Followed]]:
    """What takes the place of lines in a file, whose arrays and answers a function gives in calls of some sizes."""
    spec, calls = REGISTRY[equation], []
    for each in sizes:
        case = make(spec, Description(tuple(each.items())), "float32")
        made, answers = run(**case.arrays)
        recorded = tuple(Recorded(file, line, "attend", name, array) for line, name, array in made)
        calls.append(WatchedCall(Observation(case, tuple(answers)), recorded))
    watched = appearances_in(spec.definition, calls, POLICY, 0)
    following = Following(calls, watched)
    found = following.follow()
    return (
        over_all_places(calls, watched) or (following, found) if not following.explains_answers else (following, found)
    )


MASKED = """
def attend(q, k, v):
    e = scores(q, k)
    seen = tri(len(q), len(k), abs(len(k) - len(q)))
    p = where(seen, exp(e), 0)
    return p / p.sum(-1, keepdims=True) @ v
"""


@pytest.mark.parametrize("divided", [False, True])
def test_weights_that_a_wrong_mask_hides_take_the_place_of_right_ones(tmp_path: Path, divided: bool) -> None:
    """What the formula hides is read too; the weights may be divided by their sums before or after."""
    path = tmp_path / "mine.py"
    path.write_text(MASKED, encoding="utf-8")

    def run(q: Array, k: Array, v: Array) -> tuple[list[Made], list[Array]]:
        e = q @ k.T / np.sqrt(np.float32(q.shape[-1]))
        p = np.where(np.tri(len(q), len(k), abs(len(k) - len(q)), dtype=bool), np.exp(e), np.float32(0))
        alpha = p / p.sum(-1, keepdims=True)
        answer = alpha @ v
        return [(3, "e", e), (5, "p", p if divided else alpha), (6, "", answer)], [answer]

    sizes = [{"n": 9, "m": 7, "d": 4, "e": 3}, {"n": 12, "m": 8, "d": 5, "e": 6}]
    following, (found,) = follow(str(path), "attention.causal", sizes, run)

    assert following.explains_answers
    assert (found.site.part.target, found.place[1], found.is_divided) == ("alpha", 5, divided)
    assert says_of([found]).startswith(
        f"mine.py line 5{' (later divided by its sums)' if divided else ''}: p = where(seen, exp(e), 0), "
        "with seen = tri(len(q), len(k), abs(len(k) - len(q))), where α_ij = "
    )


def test_a_line_is_right_where_a_product_with_it_is() -> None:
    """i ⊙ g appears, though neither i nor g does: the new cell state is wrong, and not they."""

    def run(x: Array, h: Array, c: Array, **weights: Array) -> tuple[list[Made], list[Array]]:
        def before(gate: str) -> Array:
            return np.asarray(x @ weights[f"W_x{gate}"] + h @ weights[f"W_h{gate}"] + weights[f"b_{gate}"])

        i, f, o = (np.asarray(1 / (1 + np.exp(-before(gate)))) for gate in "ifo")
        new, old = i * np.tanh(before("g")), f * c
        c_next = old * 0.5 + new
        h_next = o * np.tanh(c_next)
        made = [(1, "new", new), (2, "f", f), (3, "o", o), (4, "c_next", c_next), (5, "h_next", h_next)]
        return made, [h_next, c_next]

    following, found = follow("", "recurrent.lstm_cell", [{"d": 9, "u": 12}], run)

    assert {site.part.target for site in following.absent.values() if following.is_implied(site)} == {"i", "g"}
    assert [(each.site.part.target, each.place[1]) for each in found] == [("c_next", 4)]
