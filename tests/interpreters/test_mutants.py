"""Mutants are made of whatever the notation can say."""

from __future__ import annotations

from attnspec.interpreters.mutation.mutants import generated_mutations
from attnspec.verification.judge.mutant_values import non_equivalent_mutants
from trees import read

SCANNED = """def f(
    x: Float[Tensor, "t u"], a_0: Float[Tensor, " u"], c_0: Float[Tensor, " u"],
    W: Float[Tensor, "u u"], b: Float[Tensor, " u"],
) -> Float[Tensor, "t u"]:
    t = index("t")
    first, second = scan(t, lambda a, c: recurrent_lstm_cell(x[t], a, c, W, W, b, W, W, b, W, W, b, W, W, b), a_0, c_0)
    return first.stack(t)
"""


def test_a_state_is_known_by_its_own_name() -> None:
    """It need not be called as the line is: here nothing but the scan knows a and c."""
    found = {id for id, *_ in generated_mutations(read(SCANNED))}

    assert {"first, second/name/a-c", "first, second/name/c-a", "first, second/name/a-a_0"} <= found


def test_the_last_of_a_scan_may_be_multiplied() -> None:
    lines = '\n    t = index("t")\n    u = scan(t, lambda u: tanh(u + h[t]), h_0)\n'
    signature = 'h: Float[Tensor, "t d"], h_0: Float[Tensor, " d"], W: Float[Tensor, "d d"]'
    tree = read(f'def f({signature}) -> Float[Tensor, " d"]:{lines}    return W @ last(t, u)')

    assert "the result/transpose/W" in {id for id, *_ in generated_mutations(tree)}


def test_a_convention_may_give_more() -> None:
    assert "backward.gru_gates_reset_after" in {mutant.id for mutant in non_equivalent_mutants("backward.gru_gates")}


def test_a_mutation_of_a_place_says_which_element_is_read() -> None:
    """ "The term 1 is missing" would not tell of which array."""
    body = '\n    i = index("n")\n    before = x[i - 1]\n    return before.stack(i)\n'
    tree = read(f'def f(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:{body}')

    assert "in before: x_i is read instead of x_{i−1}" in {says for _, says, *_ in generated_mutations(tree)}


def test_a_threshold_of_real_numbers_is_not_off_by_one() -> None:
    """Places, sizes and tokens are."""
    body = '\n    i = index("n")\n    y = where((x[i] < 0) | (i < 2), x[i], 0)\n    return y.stack(i)\n'
    tree = read(f'def f(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:{body}')
    late = [says for _, says, *_ in generated_mutations(tree) if "off by one" in says]

    assert late == ["in y: the mask is off by one: i < 2 + 1"]
