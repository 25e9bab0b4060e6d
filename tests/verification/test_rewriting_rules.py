"""Rules of algebra: where they apply, that they keep the value, and that code which follows one is judged as such.

The code is the rewritten equation itself, evaluated in float32 operation by operation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from jaxtyping import Float

from attnspec import REGISTRY, Equation, equation
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.rewriting_rules import RULES, apply_rule
from attnspec.language.tree import Definition
from attnspec.notation import (
    Tensor,
    exp,
    index,
    indices,
    relu,
    sigmoid,
    size,
    softmax,
    softplus,
    sqrt,
    sum,
    tanh,
    where,
)  # fmt: skip
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case, Description, make, smallest
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.judge.findings import Judged
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.with_forms import judge_with_forms


@equation()
def covariance(x: Float[Tensor, "n d"], y: Float[Tensor, "n d"]) -> Float[Tensor, " d"]:
    """How two columns vary together."""
    i = index("n")
    n = size("n")
    a = sum(i, x[i]) / n
    b = sum(i, y[i]) / n
    return sum(i, (x[i] - a) * (y[i] - b)) / n


@equation()
def spread(x: Float[Tensor, "n d"]) -> Float[Tensor, " d"]:
    """The standard deviation of each column, the variance on a line of its own and by a square."""
    i = index("n")
    n = size("n")
    mean = sum(i, x[i]) / n
    variance = sum(i, (x[i] - mean) ** 2) / n
    return sqrt(variance)


@equation()
def off_centre(x: Float[Tensor, "n d"], c: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
    """As a variance, and c is no mean: no rule may take it for one."""
    i = index("n")
    n = size("n")
    return sum(i, (x[i] - c) * (x[i] - c)) / n


@equation()
def gated(x: Float[Tensor, " d"], a: Float[Tensor, " d"], b: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
    """Between two values."""
    z = sigmoid(x)
    return z * a + (1 - z) * b


@equation()
def sureness(x: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
    """The logarithm of a sigmoid, and a gelu by tanh."""
    return softplus(x) + 0.5 * x * (1 + tanh(x))


@equation()
def pooled(e: Float[Tensor, "n m"], v: Float[Tensor, "m d"], W: Float[Tensor, "d d"]) -> Float[Tensor, "n d"]:
    """Weights on a line of their own, then two matrices."""
    i, j = indices("n", "m")
    alpha = softmax(j, e[i, j])
    c = sum(j, alpha * v[j])
    y = c @ W / sqrt(1 + relu(c @ c))
    return y.stack(i)


@equation()
def latent(q: Float[Tensor, "n d"], h: Float[Tensor, "m l"], W_k: Float[Tensor, "l d"]) -> Float[Tensor, "n d"]:
    """Keys and values of one latent vector for each place: software never makes them, it maps what it reads."""
    i, j = indices("n", "m")
    k = h[j] @ W_k
    v = h @ W_k
    alpha = softmax(j, q[i] @ k)
    c = sum(j, alpha * v[j])
    return c.stack(i)


@equation()
def sloped(e: Float[Tensor, "n m"], s: Float[Tensor, " n"], v: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """Scores that fall with the distance: software adds the place of the key alone."""
    i, j = indices("n", "m")
    scores = e[i, j] / 2 - s[i] * (i - j)
    alpha = softmax(j, scores)
    c = sum(j, alpha * v[j])
    return c.stack(i)


@equation()
def distances(q: Float[Tensor, "n d"], k: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    """How far all are from all; the difference is a line of its own."""
    i, j, l = indices("n", "m", "d")
    apart = q[i, l] - k[j, l]
    e = sum(l, apart * apart)
    return e.stack(i, j)


@equation()
def pull(w: Float[Tensor, "n m"], q: Float[Tensor, "n d"], k: Float[Tensor, "m d"]) -> Float[Tensor, "n d"]:
    """Where each is drawn by all others."""
    i, j, l = indices("n", "m", "d")
    force = w[i, j] / 2 * (q[i, l] - k[j, l])
    y = sum(j, force)
    return y.stack(i, l)


@equation()
def merged(x: Float[Tensor, " d"], y: Float[Tensor, " d"], a: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
    """Two values, weighted by exponentials whose sum is a line."""
    top = where(x < y, y, x)
    p, q = exp(x - top), exp(y - top)
    total = p + q
    return (p * a + q * x) / total


APPLIES = [
    ("softmax_of_logarithms", "seq2seq.temperature"), ("regrouped", latent), ("shared_terms", sloped),
    ("expanded_squares", distances), ("difference_of_sums", pull),
    ("fast_variance", covariance), ("fast_variance", spread), ("divided_terms", covariance), ("complement", gated),
    ("from_complement", gated), ("interpolated_back", gated), ("multiplied_out", gated), ("doubled_sigmoid", sureness),
    ("log_of_sigmoid", sureness), ("divided_sum", pooled), ("inverse_root", pooled), ("by_reciprocal", pooled),
    ("folded_shift", "transformer.layer_norm"), ("power_by_exponential", "position.sinusoidal"),
    ("regrouped", "attention.bilinear"), ("normalised_exponentials", merged),
    ("fast_variance", "transformer.encoder_layer_pre"),
]  # fmt: skip
"""A rule, and an equation that it changes."""

LOSSY = {
    ("expanded_squares", "distances"),
    ("difference_of_sums", "pull"),
    ("fast_variance", "covariance"),
    ("fast_variance", "spread"),
    ("log_of_sigmoid", "sureness"),
    ("divided_terms", "covariance"),
    ("normalised_exponentials", "merged"),
}
"""Rules that lose digits in cases that are always asked. Divided terms are not exact where all values are equal."""


def found(of: Equation[..., Any] | str) -> Equation[..., Any]:
    return REGISTRY[of] if isinstance(of, str) else of


def name_of(of: object) -> str:
    return of.id.rpartition(".")[2] if isinstance(of, Equation) else str(of)


def cases(of: Equation[..., Any], count: int | None = None) -> Iterator[Case]:
    """Cases of the fixed suite without long axes."""
    described = standard_suite(of, lambda name: smallest(of, name) if name != "batch" else 0, (0,))
    short = (each for each in described if max(dict(each.sizes).values(), default=0) <= 40)
    yield from (make(of, each, "float32") for each, _ in zip(short, range(count or 1000), strict=False))


def answers(tree: Definition, case: Case) -> tuple[Any, ...]:
    """What code that follows a tree returns in float32."""
    arrays = {
        name: array.astype(np.float32) if array.dtype.kind == "f" else array for name, array in case.arrays.items()
    }
    with np.errstate(all="ignore"):
        value = evaluate(tree, (), {**arrays, **case.options})
    return tuple(np.asarray(each, np.float64) for each in (value if isinstance(value, tuple) else (value,)))


def judged(of: Equation[..., Any], tree: Definition, factor: float = 1.0) -> tuple[Judged, list[Observation]]:
    seen = [Observation(case, tuple(factor * each for each in answers(tree, case))) for case in cases(of)]
    return judge_with_forms(Judge(of, "float32"), seen, None), seen


@pytest.mark.parametrize(("name", "of"), APPLIES, ids=name_of)
def test_a_rule_keeps_the_value(name: str, of: Any) -> None:
    """In real numbers, up to the rounding of float64, on an ordinary case."""
    of = found(of)
    tree = apply_rule(of.definition, RULES[name][1])
    case = next(cases(of))

    assert tree != of.definition
    ours, theirs = (evaluate(each, (), case.arguments) for each in (of.definition, tree))
    assert np.allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("name", "of"), APPLIES[:19], ids=name_of)
def test_code_that_follows_a_rule_is_right_or_loses_digits_by_that_form(name: str, of: Any) -> None:
    """It is never called another formula; where it loses digits, the form that is named is the rule."""
    of = found(of)
    verdict, _ = judged(of, apply_rule(of.definition, RULES[name][1]))

    assert {finding.kind for finding in verdict.findings} <= {"form"}, verdict.findings
    assert verdict.right or name in verdict.form.names
    assert verdict.right == ((name, name_of(of)) not in LOSSY)


@pytest.mark.parametrize(("name", "of"), APPLIES[:19], ids=name_of)
def test_code_that_follows_a_rule_and_is_off_is_not_excused(name: str, of: Any) -> None:
    of = found(of)
    verdict, _ = judged(of, apply_rule(of.definition, RULES[name][1]), factor=1.001)

    assert {finding.kind for finding in verdict.findings} - {"form"}


def test_the_values_on_which_a_form_loses_most_are_those_with_an_offset() -> None:
    verdict, _ = judged(covariance, apply_rule(covariance.definition, RULES["fast_variance"][1]))
    (finding,) = verdict.findings
    assert finding.compared is not None
    described = finding.compared.case.description

    assert isinstance(described, Description)
    assert described.regime == "common offset"


def only_by_the_rule(name: str, of: Equation[..., Any], drawn: dict[str, Any]) -> bool:
    """Whether code that follows a rule is right by this rule, and would be blamed without it."""
    case = replace(
        next(cases(of)), arrays={key: np.asarray(each, np.float32).astype(np.float64) for key, each in drawn.items()}
    )
    seen = [Observation(case, answers(apply_rule(of.definition, RULES[name][1]), case))]
    judge = Judge(of, "float32")
    verdict = judge_with_forms(judge, seen, None)
    return bool(judge.judge(seen, judge.presets[0]).findings) and verdict.right and verdict.form.names == (name,)


def test_rows_that_are_mapped_after_their_sum_are_right() -> None:
    """Each row mapped before has an error of its own, and these cancel; mapped after, the sum's is mapped too."""
    generator = np.random.default_rng(0)
    W_k = generator.standard_normal((3, 4))
    q, h = generator.standard_normal((5, 4)) / 8, 1 + generator.standard_normal((100, 3)) / 8

    assert only_by_the_rule("regrouped", latent, {"q": q, "h": h, "W_k": W_k - W_k.mean(0)})  # what all share is lost


def test_scores_of_places_that_are_not_relative_are_right() -> None:
    """The place of a key times a slope rounds by more than the distance, which is 0 for the nearest key."""
    e, v = np.zeros((100, 100)), np.random.default_rng(0).standard_normal((100, 3))

    assert only_by_the_rule("shared_terms", sloped, {"e": e, "s": np.full(100, 0.7), "v": v})


def test_what_is_no_mean_is_not_taken_for_one() -> None:
    assert apply_rule(off_centre.definition, RULES["fast_variance"][1]) == off_centre.definition


@pytest.mark.parametrize("name", RULES)
def test_a_rule_leaves_other_equations_alone(name: str) -> None:
    """A sum of two arrays has nothing to rewrite."""
    tree = REGISTRY["transformer.residual"].definition

    assert apply_rule(tree, RULES[name][1]) is tree
