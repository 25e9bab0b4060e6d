"""Two mutations in one line: both are made, and nothing else."""

from __future__ import annotations

import pytest

from attnspec import REGISTRY
from attnspec.interpreters.formula.formula import text
from attnspec.interpreters.mutation.pairs import pairs


@pytest.mark.parametrize("id", ["recurrent.gru_cell", "attention.scaled_dot_product", "transformer.layer_norm"])
def test_only_the_line_is_changed(id: str) -> None:
    definition = REGISTRY[id].definition

    for root in range(len(definition.lines)):
        for mutant in pairs(definition, [root]):
            changed = [k for k, new in enumerate(mutant.definition.roots) if new != definition.roots[k]]
            assert changed == [root]


def test_both_mutations_are_in_the_formula() -> None:
    """Also one inside the other: r is moved, and the bias is left out."""
    says = "in h_tilde: the term b_h is missing, and r acts after W_hh instead of before it"
    [mutant] = [each for each in pairs(REGISTRY["recurrent.gru_cell"].definition, [2]) if each.says == says]

    assert "h̃ = tanh(x W_xh + r ⊙ (h W_hh))" in text(mutant.definition)


def test_the_same_mistake_at_two_places_is_said_once() -> None:
    says = "in d_a_g: i is used instead of g, twice"
    [mutant] = [each for each in pairs(REGISTRY["backward.lstm_gates"].definition, range(20)) if each.says == says]

    assert "i ⊙ i" in text(mutant.definition)
