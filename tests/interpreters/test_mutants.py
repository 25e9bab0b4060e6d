"""Mutants are made of whatever the notation can say."""

from __future__ import annotations

from attnspec.equations import backward as backward
from attnspec.interpreters.mutants import generated
from attnspec.verify.wrong import truly_wrong
from trees import read


def test_the_last_of_a_scan_may_be_multiplied() -> None:
    lines = '\n    t = index("t")\n    u = scan(t, lambda u: tanh(u + h[t]), h_0)\n'
    signature = 'h: Float[Tensor, "t d"], h_0: Float[Tensor, " d"], W: Float[Tensor, "d d"]'
    tree = read(f'def f({signature}) -> Float[Tensor, " d"]:{lines}    return W @ last(t, u)')

    assert "the result/transpose/W" in {id for id, *_ in generated(tree)}


def test_a_convention_may_give_more() -> None:
    assert "backward.gru_gates_reset_after" in {mutant.id for mutant in truly_wrong("backward.gru_gates")}
