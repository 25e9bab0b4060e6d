"""Where an unrecognised error is: which rows and columns, sizes, outputs and values; and the line of a mistake."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnspec import REGISTRY, equation
from attnspec.interpreters.rounding.policy import preset
from attnspec.notation import Bool, Float, Tensor
from attnspec.notation import where as chosen_by
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case
from attnspec.verification.diagnosis.locate import locate, mend, needs_a_size, revised, where
from attnspec.verification.judge.judge import Judge
from attnspec.verification.verdict import Diagnosis
from synthetic import MANY, Array, case_of, changed, honest_answers, sentence

ATTENTION, CELL, LSTM, NORM = (
    "attention.scaled_dot_product",
    "recurrent.gru_cell",
    "recurrent.lstm_cell",
    "transformer.layer_norm",
)
MASKED = "attention.masked"


@cache
def judge(id: str) -> Judge:
    return Judge(REGISTRY[id], "float32")


def honest(id: str, *cases: Case) -> list[Observation]:
    return honest_answers(id, "float32", "op-by-op", cases)


@cache
def attention() -> tuple[Observation, ...]:
    """Four cases that differ in every size and in their values."""
    cases = [
        case_of(ATTENTION, n=5, m=4, d=3, e=6),
        case_of(ATTENTION, n=6, m=9, d=5, e=7, seed=1),
        case_of(ATTENTION, n=7, m=16, d=6, e=5, seed=2, regime="large"),
        case_of(ATTENTION, n=5, m=20, d=4, e=5, seed=3, regime="offset", batch=3),
    ]
    return tuple(honest_answers(ATTENTION, "float32", "op-by-op", cases))


Spoil = Callable[[Array], None]
"""Changes some elements of an output in place; the last two axes are rows and columns."""


def everywhere(answer: Array) -> None:
    answer += 1


def spoilt(spoil: Spoil, where: Callable[[Case], bool] = lambda case: True) -> list[Observation]:
    """The answers of attention, changed in some cases."""

    def change(answer: Array, case: Case) -> Array:
        answer = answer.copy()
        if where(case):
            spoil(answer)
        return answer

    return changed(attention(), change)


def located(observations: Sequence[Observation], id: str = ATTENTION) -> str:
    return sentence(locate(judge(id), observations, preset("op-by-op", "float32"), "all is a little off"))


def sizes(case: Case) -> dict[str, int]:
    assert case.description is not None
    return dict(case.description.sizes)


def related(*pairs: tuple[int, int]) -> list[Observation]:
    """Attention of so many queries and keys, wrong in the first half of the cases."""
    cases = [case_of(ATTENTION, n=n, m=m, d=3, e=6, seed=seed) for seed, (n, m) in enumerate(pairs)]
    wrong = {id(case) for case in cases[: len(cases) // 2]}
    return changed(honest(ATTENTION, *cases), lambda answer, case: answer + (id(case) in wrong))


SQUARE = tuple((n, n) for n in range(4, 12))
WIDE = tuple((m % 3 + 4, m) for m in range(7, 15))
TALL = tuple((n, m) for m, n in WIDE)
"""Queries and keys of several cases: as many, fewer queries, more of them."""


@pytest.mark.parametrize(
    ("failing", "passing", "says"),
    [
        (SQUARE, (*WIDE[:4], *TALL[:4]), "only where n = m"),
        (WIDE, (*SQUARE[:4], *TALL[:4]), "only where m > n"),
        (TALL, (*SQUARE[:4], *WIDE[:4]), "only where n > m"),
    ],
)
def test_sizes_that_are_equal_or_larger_than_others_in_failing_cases_alone(
    failing: Sequence[tuple[int, int]], passing: Sequence[tuple[int, int]], says: str
) -> None:
    assert located(related(*failing, *passing)).endswith(says)


@pytest.mark.parametrize(
    ("failing", "passing"),
    [((*SQUARE[:4], *WIDE[:4]), (*SQUARE[4:], *TALL[:4])), (SQUARE[:2], WIDE[:2])],
)
def test_sizes_are_not_related_where_some_case_is_against_it_or_few_are_for_it(
    failing: Sequence[tuple[int, int]], passing: Sequence[tuple[int, int]]
) -> None:
    assert not re.search("only where [nm] [=>] [nm]", located(related(*failing, *passing)))


# Which elements.


@given(st.integers(1, 4))
@MANY
def test_rows_from_one_on(first: int) -> None:
    """Rows before the first wrong one are right in every case: it says so, and nothing of columns."""

    def spoil(answer: Array) -> None:
        answer[..., first:, :] += 1

    assert located(spoilt(spoil)) == f"no known mistake: it is wrong in 4 of 4 cases, never before row {first}"


@given(st.integers(1, 4))
@MANY
def test_columns_from_one_on(first: int) -> None:
    def spoil(answer: Array) -> None:
        answer[..., first:] += 1

    assert located(spoilt(spoil)) == f"no known mistake: it is wrong in 4 of 4 cases, never before column {first}"


@given(st.integers(1, 3))
@MANY
def test_all_but_the_last_rows(right: int) -> None:
    def spoil(answer: Array) -> None:
        answer[..., :-right, :] += 1

    assert located(spoilt(spoil)).endswith(f"in 4 of 4 cases, never in the last {right} rows")


def test_rows_and_columns() -> None:
    def spoil(answer: Array) -> None:
        answer[..., 2:, 3:] += 1

    assert located(spoilt(spoil)).endswith("never before row 2, never before column 3")


def test_wrong_everywhere_is_no_pattern() -> None:
    assert located(spoilt(everywhere)) == "no known mistake: it is wrong in 4 of 4 cases"


def test_the_earliest_row_of_all_cases_counts() -> None:
    """Where it begins at another row in each case, it never is before the first of these."""

    def spoil(answer: Array) -> None:
        answer[..., answer.shape[-2] // 2 - 1 :, :] += 1  # row 1 of 5 and 2 of 6 and 7

    assert located(spoilt(spoil)).endswith("never before row 1")


def test_the_first_and_the_last_row_alone_are_no_pattern() -> None:
    def spoil(answer: Array) -> None:
        answer[..., [0, -1], :] += 1

    assert located(spoilt(spoil)) == "no known mistake: it is wrong in 4 of 4 cases"


def test_vectors_have_columns_and_no_rows() -> None:
    observations = changed(
        honest(CELL, case_of(CELL, u=6), case_of(CELL, u=9, seed=1)),
        lambda answer, case: answer + (np.arange(answer.shape[-1]) > 2),
    )

    assert located(observations, CELL).endswith("in 2 of 2 cases, never before column 3")


# Which cases.


@pytest.mark.parametrize(
    ("where", "fact"),
    [
        (lambda case: sizes(case)["m"] >= 16, "only where m ≥ 16, and never up to 9"),
        (lambda case: sizes(case)["e"] == 7, "only where e ≥ 7, and never up to 6"),
        (lambda case: sizes(case)["d"] == 5, "only where d = 5"),
        (lambda case: sizes(case)["m"] < 9, "only where m = 4"),
        (lambda case: sizes(case)["d"] < 5, "only where d ≤ 4"),
    ],
)
def test_what_the_failing_cases_have_in_common_is_said(where: Callable[[Case], bool], fact: str) -> None:
    observations = spoilt(everywhere, where)
    count = sum(where(one.case) for one in observations)

    assert located(observations).startswith(f"no known mistake: it is wrong in {count} of 4 cases, ")
    assert fact in located(observations)


@given(st.lists(st.integers(2, 12), min_size=2, max_size=6, unique=True), st.data())
def test_sizes_from_one_on(menu: list[int], data: st.DataObject) -> None:
    """Wrong from some size on, whatever sizes are tried: that size, and the largest at which it is right."""
    menu.sort()
    first = data.draw(st.sampled_from(menu[1:]))
    observations = changed(
        honest(NORM, *(case_of(NORM, d=size, seed=3) for size in menu)),
        lambda answer, case: answer + (len(answer) >= first),
    )
    before = menu[menu.index(first) - 1]

    assert f"only where d ≥ {first}, and never up to {before}" in located(observations, NORM)


@pytest.mark.parametrize(("rest", "fact"), [(1, "only where d is odd"), (0, "only where d is even")])
def test_an_odd_or_even_size_is_said_where_enough_cases_show_it(rest: int, fact: str) -> None:
    observations = changed(
        honest(NORM, *(case_of(NORM, d=size, seed=3) for size in range(3, 15))),
        lambda answer, case: answer + (len(answer) % 2 == rest),
    )

    assert fact in located(observations, NORM)
    assert fact not in located(observations[:4], NORM)


@pytest.mark.parametrize(("least", "needed"), [(16, True), (1, False)])
def test_a_size_that_failing_cases_alone_have_is_needed(least: int, needed: bool) -> None:
    compared = judge(ATTENTION).compare(
        spoilt(everywhere, lambda case: sizes(case)["m"] >= least), preset("op-by-op", "float32")
    )

    assert needs_a_size(compared) == needed


def test_a_right_case_beside_an_axis_of_size_1_does_not_hide_a_range() -> None:
    """√1 is 1: a scale that is missing from some number of keys on does not show there."""
    found = [*spoilt(everywhere, lambda case: sizes(case)["m"] >= 16)]
    found += honest(ATTENTION, case_of(ATTENTION, n=5, m=30, d=1, e=6, seed=4))

    assert "only where m ≥ 16, and never up to 9" in located(found)


def test_a_mask_that_hides_the_first_places_is_named() -> None:
    cases = [case_of(MASKED, n=1, m=m, d=2, e=3, seed=m) for m in (6, 7, 8)]
    for case, hidden in zip(cases, (0, 4, 2), strict=True):
        case.arrays["mask"][:] = np.arange(case.arrays["mask"].shape[-1]) >= hidden
    right = honest(MASKED, *cases)
    wrong = changed(right, lambda answer, case: answer + (not case.arrays["mask"][..., 3].any()))

    found = locate(judge(MASKED), wrong, preset("op-by-op", "float32"), "")

    assert "only where mask hides the first 4 places of a row, and never up to 2" in sentence(found)


def test_a_mask_that_is_true_everywhere_is_named() -> None:
    """Where a mask hides nothing, another path may be taken; a single key that it shows tells nothing."""
    cases = [case_of(MASKED, n=2, m=m, d=2, e=3, seed=m) for m in (6, 7, 1)]
    for case, hides in zip(cases, (False, True, False), strict=True):
        case.arrays["mask"][:] = True
        case.arrays["mask"][..., 0] = not hides
    right = honest(MASKED, *cases)
    wrong = changed(right, lambda answer, case: answer + (case is cases[0]))

    found = locate(judge(MASKED), wrong, preset("op-by-op", "float32"), "")

    assert "only where mask is true everywhere" in sentence(found)


def test_a_mask_without_axes_hides_no_places() -> None:
    """A flag of each example has an axis in a batch alone."""

    @equation()
    def chosen(a: Float[Tensor, " d"], b: Float[Tensor, " d"], flag: Bool[Tensor, ""]) -> Float[Tensor, " d"]:
        """One of two rows."""
        return chosen_by(flag, a, b)

    cases = [case_of(chosen.id, batch=batch, seed=seed, d=4) for seed, batch in enumerate((None, 3, None))]
    for case, flag in zip(cases, (True, False, False), strict=True):
        case.arrays["flag"][...] = flag
    right = honest(chosen.id, *cases)
    wrong = changed(right, lambda answer, case: answer + (case is cases[0]))

    found = locate(Judge(chosen, "float32"), wrong, preset("op-by-op", "float32"), "")

    assert "only where flag is true everywhere" in sentence(found)


def test_a_batch_is_a_size() -> None:
    observations = spoilt(everywhere, lambda case: case.description is not None and bool(case.description.batch))

    assert "only where batch ≥ 3, and never up to 0" in located(observations)


def test_a_number_that_nearly_only_failing_cases_have_is_said_not_to_tell_them_all() -> None:
    """Where the fault needs more than the number, some cases that have it are right."""
    cases = [case_of(ATTENTION, n=5, m=4 + 3 * (seed % 4), d=3, e=6, seed=seed) for seed in range(24)]
    right = honest(ATTENTION, *cases)
    wrong = changed(right, lambda answer, case: answer + (sizes(case)["m"] == 13 and case is not cases[3]))

    assert "it is wrong in 5 of 24 cases, only where m = 13, though not in each such case" in located(wrong)


def test_a_number_that_many_right_cases_have_is_not_said() -> None:
    cases = [case_of(ATTENTION, n=5, m=4 + 3 * (seed % 4), d=3, e=6, seed=seed) for seed in range(24)]
    right = honest(ATTENTION, *cases)
    wrong = changed(right, lambda answer, case: answer + (case is cases[3] or case is cases[7]))

    assert "only where" not in located(wrong)


@pytest.mark.parametrize(("wrong", "fact"), [(("large",), "'large'"), (("large", "tiny"), "'large' or 'tiny'")])
def test_values_of_one_kind_alone(wrong: tuple[str, ...], fact: str) -> None:
    regimes = ("ordinary", "large", "tiny", "offset")
    cases = [case_of(CELL, u=5, d=4, regime=name, seed=place) for place, name in enumerate(regimes)]
    observations = changed(
        honest(CELL, *cases),
        lambda answer, case: answer + (case.description is not None and case.description.regime in wrong),
    )

    assert located(observations, CELL).endswith(f"only on values of the kind {fact}")


def test_values_of_many_kinds_have_nothing_in_common() -> None:
    """Where nearly every kind fails, the kinds explain nothing."""
    regimes = ("large", "tiny", "offset", "spread", "saturating", "ordinary")
    cases = [case_of(CELL, u=5, d=4, regime=name, seed=place) for place, name in enumerate(regimes)]
    observations = changed(honest(CELL, *cases), lambda answer, case: answer + (case is not cases[-1]))

    assert located(observations, CELL) == "no known mistake: it is wrong in 5 of 6 cases"


def test_a_case_of_a_single_row_says_nothing_of_rows() -> None:
    """It begins with its only row, where all others begin later."""

    def spoil(answer: Array, case: Case) -> Array:
        return np.asarray(answer + (np.arange(len(answer)) >= min(2, len(answer) - 1))[:, None])

    cases = [case_of(ATTENTION, n=size, m=4, e=3, seed=size) for size in (1, 4, 6)]

    assert located(changed(honest(ATTENTION, *cases), spoil)).endswith("in 3 of 3 cases, never before row 2")


def test_cases_that_were_not_drawn_have_nothing_in_common() -> None:
    """Recorded ones have no description."""
    observations = [Observation(Case(one.case.arrays, one.case.options), one.answers) for one in spoilt(everywhere)[:2]]

    assert located(observations) == "no known mistake: it is wrong in 2 of 2 cases"


# Which outputs.


@pytest.mark.parametrize("places", [(0,), (1,), (0, 1)])
def test_outputs_are_named_where_there_are_several(places: tuple[int, ...]) -> None:
    names = [REGISTRY[LSTM].definition.results[place].name for place in places]
    observations = [
        Observation(one.case, tuple(a + (place in places) for place, a in enumerate(one.answers)))
        for one in honest(LSTM, case_of(LSTM, u=4), case_of(LSTM, u=5, seed=1))
    ]

    assert located(observations, LSTM) == f"no known mistake: it is wrong in {' and '.join(names)}, in 2 of 2 cases"


def test_where_no_element_is_wrong_the_reason_is_all_that_is_said() -> None:
    found = locate(judge(ATTENTION), attention(), preset("op-by-op", "float32"), "all is a little off")

    assert found == Diagnosis("unrecognised", "no known mistake, and no single element shows it: all is a little off")


# The line of the formula.


@pytest.mark.parametrize(
    ("id", "name", "line"),
    [(CELL, "r/drop/W_hr", "r = "), (CELL, "h_tilde/drop/r", "h̃ = "), (LSTM, "c_next/drop/f", "c_next = "),
     (NORM, "mu/scale/twice", "μ = "), (ATTENTION, "e/size/d+1", "e_ij = "),
     (ATTENTION, "alpha/function/no-softmax", "α_ij = "), (ATTENTION, "c/name/alpha-e", "c_i = "),
     ("recurrent.lstm", "h, c/drop/f", "h_t, c_t = ")],
)  # fmt: skip
def test_the_line_of_a_mistake_is_shown(id: str, name: str, line: str) -> None:
    shown = mend(REGISTRY[id], Diagnosis(name, "wrong"))

    assert shown.startswith(line)
    assert "\n" not in shown
    assert shown in REGISTRY[id].text()


@pytest.mark.parametrize("family", ["attention", "recurrent", "self_attention"])
def test_every_line_of_the_catalogue_can_be_shown(family: str) -> None:
    """Whatever its names are, with subscripts or several of them: by itself, beginning with as many names."""
    wrong = [
        f"{equation.id}: {line.targets}"
        for equation in REGISTRY.family(family)
        for line in equation.definition.lines
        if not is_line(mend(equation, Diagnosis(f"{', '.join(line.targets)}/slip", "wrong")), line.targets)
    ]

    assert not wrong


def is_line(shown: str, names: Sequence[str]) -> bool:
    left = re.sub(r"\{[^}]*\}", "", shown.split(" = ")[0])  # a comma may stand in a subscript
    return "\n" not in shown and "≤" not in left and left.count(", ") == len(names) - 1


def test_a_mistake_in_the_result_is_in_the_last_line() -> None:
    shown = mend(REGISTRY[CELL], Diagnosis("the result/name/z-h", "wrong"))

    assert REGISTRY[CELL].text().rstrip().endswith(shown)


def test_a_mistake_in_no_one_line_is_in_the_whole_formula() -> None:
    shown = mend(REGISTRY[ATTENTION], Diagnosis("swap/q-k", "q and k are swapped"))

    assert len(shown.splitlines()) == len(REGISTRY[ATTENTION].definition.lines) + 1


@pytest.mark.parametrize("id", ["unrecognised", "reading", "direction"])
def test_an_unrecognised_mistake_is_in_the_whole_formula(id: str) -> None:
    shown = mend(REGISTRY[ATTENTION], Diagnosis(id, "wrong"))

    assert len(shown.splitlines()) == len(REGISTRY[ATTENTION].definition.lines) + 1


@pytest.mark.parametrize("id", ["no gradient", "batch"])
def test_what_is_no_mistake_in_the_formula_has_no_line(id: str) -> None:
    assert mend(REGISTRY[ATTENTION], Diagnosis(id, "wrong")) == ""
    assert mend(REGISTRY[ATTENTION], None) == ""


def test_an_argument_that_is_zero_where_the_mistake_would_not_show_tells_nothing() -> None:
    """Where γ is 1 too, that it is left out is not seen: β may be 0 there."""
    sizes = {"t": 3, "d": 8}
    drawn = [case_of(NORM, seed=seed, **sizes) for seed in range(3)]
    zero = [replace(case, arrays={**case.arrays, "beta": np.zeros(8)}) for case in drawn[:2]]
    bad, unseen = zero
    cases = [bad, unseen, drawn[2]]
    observations = [*changed(honest(NORM, bad), lambda answer, _: answer + 1), *honest(NORM, unseen, drawn[2])]
    compared = judge(NORM).compare(observations, preset("op-by-op", "float32"))

    assert "beta" not in where(compared)
    assert "only where beta is 0 everywhere" in where(compared, {id(cases[2])})
    assert "beta" not in where(compared, set())


def test_a_right_case_in_which_the_mistake_would_not_show_does_not_hide_a_number() -> None:
    """An option sets the failing cases apart from those that would show the mistake too."""
    drawn = [case_of(NORM, d=4, seed=seed, batch=3) for seed in range(4)]
    cases = [replace(case, options={"eps": eps}) for case, eps in zip(drawn, (0.5, 0.5, 0.5, 0.1), strict=True)]
    wrong = changed(honest(NORM, *cases[:2]), lambda answer, _: answer + 1)
    compared = judge(NORM).compare([*wrong, *honest(NORM, *cases[2:])], preset("op-by-op", "float32"))

    assert "only where" not in where(compared)
    assert "only where eps ≥ 0.5, and never up to 0.1" in where(compared, {id(cases[3])})


@pytest.mark.parametrize(("d", "kept"), [(9, True), (3, False)])
def test_a_range_that_the_case_beside_it_contradicts_is_not_said(d: int, kept: bool) -> None:
    """Also of a mistake that was looked for in fewer cases than all."""
    wrong = changed(honest(NORM, case_of(NORM, d=d, batch=3)), lambda answer, _: answer + 1)
    [shown] = judge(NORM).compare(wrong, preset("op-by-op", "float32"))
    says = "the root is missing (wrong in 4 of 90 cases, only where d ≥ 8, and never up to 7)"

    found = revised(says, [shown], shown, REGISTRY[NORM].definition)

    assert found == (says if kept else "the root is missing (wrong in 4 of 90 cases)")
