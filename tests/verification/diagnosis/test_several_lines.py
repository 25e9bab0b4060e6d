"""The search for mistakes in lines goes on where one that is tried cannot be evaluated."""

from __future__ import annotations

from attnspec import REGISTRY
from attnspec.interpreters.mutation.mutants import generated_mutations
from attnspec.interpreters.rounding.lines import line_noises
from attnspec.interpreters.rounding.policy import preset
from attnspec.verification.cases.case import Description, make
from attnspec.verification.diagnosis.matching import Expected
from attnspec.verification.diagnosis.one_line import Budget, LineSearch, up_to
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


def test_a_recurrence_counts_at_each_of_its_steps() -> None:
    """An evaluation of ten times as many steps takes ten times as much of what the search may cost."""
    equation = REGISTRY["recurrent.simple_rnn"]

    def weight(steps: int) -> int:
        case = make(equation, Description((("t", steps), ("d", 3), ("u", 2))), "float32")
        visit = line_noises(equation.definition, case.arrays, case.options, POLICY)[-1]
        values = Expected.of(next(iter(visit.noises.values())))
        assert values is not None
        root = len(equation.definition.roots) - 1
        line = up_to(equation.definition, root, "")
        return LineSearch(equation, line, [len(line.roots) - 1], visit, values, "float32", POLICY, Budget()).weight

    assert weight(30) == 10 * weight(3)
