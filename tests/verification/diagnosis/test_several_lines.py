"""The search for mistakes in lines goes on where one that is tried cannot be evaluated."""

from __future__ import annotations

from attnspec import REGISTRY
from attnspec.interpreters.mutation.mutants import generated_mutations
from attnspec.interpreters.rounding.policy import preset
from attnspec.verification.diagnosis.several_lines import Search
from attnspec.verification.diagnosis.watched_calls import WatchedCall
from attnspec.verification.judge.judge import Judge
from synthetic import honest_answers, small_cases

CELL = "recurrent.gru_cell"
POLICY = preset("op-by-op", "float32")


def test_a_mistake_whose_shapes_do_not_fit_is_left_out() -> None:
    """One that only sizes that are equal by chance allow ends no search at other sizes, and is tried at equal ones."""
    equation = REGISTRY[CELL]
    answered = honest_answers(CELL, "float32", "op-by-op", small_cases(CELL))
    mutations = [tree for _, _, tree, equal in generated_mutations(equation.definition) if equal == (("d", "u"),)]
    assert mutations

    for each in answered[:4]:
        assert each.case.description is not None
        sizes = dict(each.case.description.sizes)
        search = Search(Judge(equation, "float32"), answered, POLICY, [WatchedCall(each, ())])
        for tree in mutations:
            assert bool(search.compared_if_it_fits(tree)) == (sizes["d"] == sizes["u"])
