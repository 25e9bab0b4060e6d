"""Forms: equal ways to compute an equation, each with its own rounding."""

from __future__ import annotations

import pytest

from attnspec import REGISTRY
from attnspec.implementation import DTYPES
from attnspec.interpreters.rounding.policy import FORMATS, preset
from attnspec.verification.judge.forms import CONSTANTS, PLAIN, Form
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import differ, values
from synthetic import answers, case_of, sentence, small_cases

ATTENTION = "attention.scaled_dot_product"
EQUATIONS = (ATTENTION, "transformer.layer_norm", "recurrent.gru_cell", "attention.with_lse", "scores.scaled_dot")


def forms(id: str, dtype: str) -> list[Form]:
    return Judge(REGISTRY[id], dtype).forms


@pytest.mark.parametrize("id", EQUATIONS)
def test_every_form_has_the_values_of_the_equation(id: str) -> None:
    """Also where it computes one thing for some sizes and another for others."""
    trees = [tree for form in forms(id, "bfloat16") for tree in (form.definition, form.other) if tree is not None]
    cases = [case_of(id, seed=seed, regime=regime) for seed, regime in enumerate(("ordinary", "large", "offset"))]

    for case in cases:
        right = values(REGISTRY[id].definition, case)
        assert right is not None
        assert not any(differ(values(tree, case), right) for tree in trees)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("id", EQUATIONS)
def test_forms_are_told_apart_by_their_sentences(id: str, dtype: str) -> None:
    """The judge keeps their noise by it; none is the equation as it stands, which needs no sentence."""
    sentences = [sentence(form) for form in forms(id, dtype)]

    assert all(sentences)
    assert len({*sentences}) == len(sentences)
    assert PLAIN not in forms(id, dtype)


@pytest.mark.parametrize(
    ("dtype", "constants", "products"),
    [("float64", False, False), ("float32", True, False), ("float16", True, True), ("bfloat16", True, True)],
)
def test_what_real_software_rounds_depends_on_the_dtype(dtype: str, constants: bool, products: bool) -> None:
    """Constants are rounded to storage where that is narrower than float64, products where it is than float32."""
    found = forms(ATTENTION, dtype)

    assert {form.constants for form in found} == ({None, int(FORMATS[dtype].bits)} if constants else {None})
    assert any(form.products for form in found) == products


def test_a_form_that_keeps_products_rounds_them_to_storage() -> None:
    policy = preset("op-by-op", "bfloat16")

    assert Form("products", products=True).under(policy).products is policy.storage
    assert PLAIN.under(policy) is policy


@pytest.mark.parametrize("what", ["definition", "products"])
def test_a_form_has_its_own_noise(what: str) -> None:
    """Which is kept beside that of the equation."""
    judge, under = Judge(REGISTRY[ATTENTION], "bfloat16"), preset("op-by-op", "bfloat16")
    form = next(form for form in judge.forms if getattr(form, what))
    case = case_of(ATTENTION, "bfloat16")

    (plain,), (other,) = judge.noise(case, under), judge.noise(case, under, form)

    assert (plain.sigma != other.sigma).any()
    assert judge.noise(case, under, form)[0] is other
    assert judge.noise(case, under)[0] is plain


@pytest.mark.parametrize("place", range(3))
def test_answers_computed_in_a_form_are_right_under_it(place: int) -> None:
    """Its own rounding is honest."""
    id = "transformer.layer_norm"
    judge, under = Judge(REGISTRY[id], "bfloat16"), preset("op-by-op", "bfloat16")
    written = [form for form in judge.forms if form.definition is not None and form.constants is None]
    form = written[place % len(written)]
    assert form.definition is not None

    observations = answers(form.definition, small_cases(id, "bfloat16"), under)

    assert judge.judge(observations, under, form=form).right, sentence(form)


def test_where_software_may_compute_one_way_or_the_other_both_are_right() -> None:
    """By a form of two trees, some cases computed by the one and the rest by the other."""
    id = "scores.scaled_dot"
    judge, under = Judge(REGISTRY[id], "bfloat16"), preset("op-by-op", "bfloat16")
    other = next(form.definition for form in judge.forms if form.definition is not None)
    cases = small_cases(id, "bfloat16")

    mixed = [*answers(REGISTRY[id].definition, cases[::2], under), *answers(other, cases[1::2], under)]

    assert judge.judge(mixed, under, form=Form("one or the other, by size", other=other)).right


def test_no_constant_is_rounded_of_what_counts() -> None:
    assert forms("cost.linear_parameters", "float32") == []
    assert any(CONSTANTS in each.names for each in forms("position.sinusoidal", "float32"))
