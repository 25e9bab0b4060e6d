"""A number that was planted in an equation is found where it stands, in closed form where it has one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from jaxtyping import Float

from attnspec import REGISTRY, Source, equation
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.free_numbers import FreeNumber, free_numbers, number_of
from attnspec.interpreters.rounding.policy import preset
from attnspec.language.dims import Dim
from attnspec.language.tree import Apply, Name, Node, Number, SizeOf
from attnspec.notation import Tensor, cos, index
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.diagnosis.constants import wrong_numbers
from attnspec.verification.diagnosis.recognise import recognise
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import values
from synthetic import answers, case_of, honest_answers, small_cases

ATTENTION, NORM, CELL, HEADS, WAVES = (
    "attention.scaled_dot_product",
    "transformer.layer_norm",
    "recurrent.gru_cell",
    "multihead.attention",
    "position.sinusoidal",
)


SCORE, CONTEXT, DENOMINATOR = "q_i·k_j / √d", "Σ_j α_ij v_j", "the denominator of softmax_j(e_ij)"


def size(name: str) -> Node:
    return SizeOf(Dim.parse(name))


def root(node: Node) -> Node:
    return Apply("sqrt", (node,))


@cache
def places(id: str) -> tuple[FreeNumber, ...]:
    return tuple(free_numbers(REGISTRY[id].definition))


def planted(id: str, where: FreeNumber, number: Node) -> list[Observation]:
    """What software answers that has this number there."""
    return answers(where.become(number), small_cases(id, most=12), preset("op-by-op", "float32"))


def explanations(id: str, observations: list[Observation]) -> list[str]:
    """All sentences that cannot be told apart by the answers, the first first."""
    judge, policy = Judge(REGISTRY[id], "float32"), preset("op-by-op", "float32")
    numbers = wrong_numbers(judge, observations, policy)
    found = recognise(judge, observations, numbers, policy, refute=True) if numbers else None
    return [] if found is None else [found.says, *found.also]


@pytest.mark.parametrize(
    ("id", "kind", "shown", "number", "sentence"),
    [
        (ATTENTION, "constant", "√d", root(size("e")), "in e: √|e| is used instead of √d"),
        (ATTENTION, "constant", "√d", size("d"), "in e: d is used instead of √d"),
        (ATTENTION, "factor", SCORE, Number(0.8), f"in e: {SCORE} is multiplied by 0.8"),
        (ATTENTION, "factor", SCORE, Apply("log", (Number(2.0),)), f"in e: {SCORE} is multiplied by log(2)"),
        (ATTENTION, "factor", CONTEXT, Apply("/", (Number(1.0), size("m"))), f"in c: {CONTEXT} is divided by m"),
        (ATTENTION, "term", CONTEXT, Number(0.01), f"in c: 0.01 is added to {CONTEXT}"),
        (ATTENTION, "throughout", "q", Number(-1.0), "q has the other sign"),
        (ATTENTION, "term", DENOMINATOR, Number(0.01), f"in alpha: 0.01 is added to {DENOMINATOR}"),
        (NORM, "term", "γ_k", Number(1.0), "in y: 1 is added to γ_k"),
        (NORM, "constant", "eps", root(Name("eps")), "in y: √eps is used instead of eps"),
        (NORM, "factor", "μ", Number(0.5), "in variance: μ is multiplied by 0.5"),
        (CELL, "term", "x W_xr + h W_hr + b_r", Number(1.0), "in r: 1 is added to x W_xr + h W_hr + b_r"),
        (CELL, "throughout", "b_r, b_z and b_h", Number(2.0), "b_r, b_z and b_h are multiplied by 2"),
        (WAVES, "term", "pos", Number(0.5), "in angle: 0.5 is added to pos"),
        (CELL, "factor", "z", Number(0.5), "in z: σ(x W_xz + h W_hz + b_z) is multiplied by 0.5"),  # all of z, so equal
        (NORM, "factor", "μ", Number(0.0), "in variance: 0 is used instead of μ"),
    ],
)  # fmt: skip
def test_a_planted_number_is_found(id: str, kind: str, shown: str, number: Node, sentence: str) -> None:
    where = next(each for each in places(id) if (each.kind, each.shown) == (kind, shown))

    assert sentence in explanations(id, planted(id, where, number))


def test_the_share_of_the_mean_is_that_of_smoothed_labels() -> None:
    id = "seq2seq.cross_entropy"
    (where,) = [place for place in places(id) if place.kind == "share"]
    logits, target = np.array([0.5, -1.0, 2.0]), np.array(1)
    log_p = logits - np.log(np.exp(logits).sum())

    smoothed = evaluate(where.insert(0.1), (logits, target), {})

    np.testing.assert_allclose(smoothed, -(0.9 * log_p[1] + 0.1 * log_p.mean()), rtol=1e-12)
    np.testing.assert_allclose(evaluate(where.insert(0.0), (logits, target), {}), -log_p[1], rtol=1e-12)


def test_the_share_of_the_old_state_is_named() -> None:
    """A leaky cell keeps a part of its state."""
    judge, definition = Judge(REGISTRY[CELL], "float32"), REGISTRY[CELL].definition
    on = [case_of(CELL, seed=seed, d=d, u=u) for seed, (d, u) in enumerate(((3, 4), (5, 6), (7, 5)))]
    observations = [
        Observation(case, (0.75 * np.asarray(evaluate(definition, (), case.arguments)) + 0.25 * case.arrays["h"],))
        for case in on
    ]

    found = wrong_numbers(judge, observations, preset("op-by-op", "float32"))

    assert "0.25 of the result is replaced by h" in [mutant.says for mutant in found]


def test_the_share_of_the_old_state_is_named_in_a_recurrence() -> None:
    """As zoneout is evaluated: each step keeps a part of the state before it."""
    definition, cell = REGISTRY["recurrent.simple_rnn"].definition, REGISTRY["recurrent.simple_rnn_cell"].definition
    [share] = [each for each in free_numbers(definition) if each.shown == "the result of simple_rnn_cell"]
    draw = np.random.default_rng(1)
    x, h, *weights = (draw.normal(size=shape) for shape in ((4, 3), (2,), (3, 2), (2, 2), (2,)))

    found = evaluate(share.insert(0.25), (x, h, *weights), {})

    for step, value in zip(x, found, strict=True):
        h = 0.25 * h + 0.75 * np.asarray(evaluate(cell, (step, h, *weights), {}))
        np.testing.assert_allclose(value, h, rtol=1e-12)


def test_an_integer_that_is_used_as_a_real_number_takes_a_term() -> None:
    @equation(Source(paper="none"))
    def decaying(x: Float[Tensor, "t d"], *, base: float) -> Float[Tensor, "t d"]:
        """Waves that become slower by columns."""
        t, k = index("t"), index("d")
        y = x[t, k] * cos(base ** (0 - k))
        return y.stack(t, k)

    assert ("term", "0 − k") in {(place.kind, place.shown) for place in free_numbers(decaying.definition)}


def test_right_answers_have_no_wrong_number() -> None:
    observations = honest_answers(ATTENTION, "float32", "op-by-op")

    assert not wrong_numbers(Judge(REGISTRY[ATTENTION], "float32"), observations, preset("op-by-op", "float32"))


def test_with_its_neutral_number_every_place_leaves_the_equation_as_it_is() -> None:
    """The equation with the neutral number at any place has the equation's values."""
    for id in (ATTENTION, NORM, CELL, HEADS, "recurrent.gru", "backward.scaled_dot_product"):
        case = small_cases(id, "float64", most=8)[0]
        right = values(REGISTRY[id].definition, case)
        for where in places(id):
            found = values(where.insert(where.neutral), case)
            assert right is not None
            assert found is not None, (id, where.line, where.shown)
            for a, b in zip(found, right, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9, err_msg=f"{id}: {where.line}: {where.shown}")


def test_sizes_of_an_equation_that_is_called_are_written_in_those_of_the_whole() -> None:
    (divisor,) = [each for each in places(HEADS) if each.kind == "constant" and each.shown == "√d"]

    assert divisor.old is not None
    assert number_of(divisor.old, {"d": 9, "c": 4, "H": 2, "n": 1, "m": 1}, {}) == 3.0


def test_a_number_in_place_of_an_option_that_two_lines_read() -> None:
    @equation(Source(paper="none"), options={"pace": (0.5, 2.0, 0.25)})
    def bent(x: Float[Tensor, "t d"], *, pace: float) -> Float[Tensor, "t d"]:
        """A line with a wave on it, the slower the steeper it is."""
        t, k = index("t"), index("d")
        wave = cos(x[t, k] / pace)
        y = x[t, k] * pace + wave
        return y.stack(t, k)

    (everywhere,) = [each for each in free_numbers(bent.definition) if each.kind == "constant" and not each.line]

    assert "3 is used instead of pace" in explanations(bent.id, planted(bent.id, everywhere, Number(3.0)))


def test_a_share_of_another_argument_is_a_term() -> None:
    @equation(Source(paper="none"))
    def shifted(x: Float[Tensor, "t d"], p: Float[Tensor, " d"], q: Float[Tensor, " d"]) -> Float[Tensor, "t d"]:
        """Rows that are scaled and shifted."""
        t, k = index("t"), index("d")
        y = x[t, k] * (cos(p[k]) + q[k])
        return y.stack(t, k)

    [term] = [each for each in free_numbers(shifted.definition) if each.shown == "q_k" and each.times == "p_k"]

    assert "in y: 8 p_k is subtracted from q_k" in explanations(shifted.id, planted(shifted.id, term, Number(-8.0)))


@pytest.mark.parametrize(("word", "limit", "wrong", "right"), [("least", 1e-3, 1e-5, 1e-2), ("most", 1e-4, 1e-2, 1e-5)])
def test_an_option_with_a_limit_is_named(word: str, limit: float, wrong: float, right: float) -> None:
    """Where the option is beyond the limit, the answers are those of the limit; elsewhere they are right."""
    drawn = [case_of(NORM, d=7, seed=seed) for seed in range(6)]
    cases = [replace(case, options={"eps": eps}) for case, eps in zip(drawn, [wrong] * 3 + [right] * 3, strict=True)]
    limited = [replace(case, options={"eps": limit}) for case in cases[:3]] + cases[3:]
    policy = preset("op-by-op", "float32")
    made = zip(answers(REGISTRY[NORM].definition, limited, policy), cases, strict=True)
    observations = [replace(each, case=case) for each, case in made]

    judge = Judge(REGISTRY[NORM], "float32")
    found = recognise(judge, observations, wrong_numbers(judge, observations, policy), policy, refute=True)

    assert found is not None
    assert f"in y: eps is at {word} {limit:g}" in (found.says, *found.also)
