"""Leading batch axes: every number of them that is claimed is asked, and none that is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import attnspec
from attnspec.errors import SpecError
from attnspec.implementation import Claim, implements
from attnspec.interpreters.evaluation.call import batch_shape
from attnspec.language.equation import REGISTRY
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case, Description, make, smallest
from attnspec.verification.cases.distributions import leading
from attnspec.verification.cases.recorded_cases import Reader
from attnspec.verification.cases.recordings import recordings
from attnspec.verification.cases.search import menu
from attnspec.verification.cases.shrink import shrink
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.judge.judge import Judge
from attnspec.verification.verdict import Report, Verdict, WorstElement
from honest import ways
from strategies import random_draws

NORM, SOFTMAX, ATTENTION = "transformer.layer_norm", "attention.weights", "attention.scaled_dot_product"
THREE = (0, 1, 2, 3)
PLANTED = Path(__file__).parent.parent / "planted" / "batch_axes.py"
CLAIMS = [(0,), (1,), (2,), (3,), (0, 1), (0, 2), (1, 2), (0, 1, 2), THREE]


def verdict(candidate: str | Callable[..., Any], id: str, batch: tuple[int, ...] = (0, 1, 2), **how: Any) -> Verdict:
    how = {"examples": 4, "framework": "numpy", "claim": {"batch": batch}, **how}
    target = f"{PLANTED}:{candidate}" if isinstance(candidate, str) else candidate
    found: Report = attnspec.verify(target, id, **how)
    (only,) = found.verdicts
    return only


def at_least(id: str, empty: int = 0) -> Callable[[str], int]:
    return lambda name: smallest(REGISTRY[id], name) if name != "batch" else empty


# What is asked.


@pytest.mark.parametrize("claimed", CLAIMS)
@pytest.mark.parametrize("id", [NORM, SOFTMAX, "multihead.masked", "recurrent.stacked_gru", "text.embedding"])
def test_all_that_is_claimed_is_asked_and_nothing_else(id: str, claimed: tuple[int, ...]) -> None:
    """Every claimed number of axes has a usual case, a batch of one, and an empty one where that is claimed."""
    for empty in (0, 1):
        told = list(standard_suite(REGISTRY[id], at_least(id, empty), claimed))

        assert {len(each.batch) for each in told} == set(claimed)
        for axes in filter(None, claimed):
            batches = {each.batch for each in told if each.regime == "ordinary"}
            assert {leading(axes), (1,) * axes} <= batches
            assert (0, *leading(axes)[1:]) in batches or empty
        assert all(0 not in each.batch for each in told) or not empty


@pytest.mark.parametrize("id", [NORM, ATTENTION, "recurrent.gru", "multihead.masked"])
@pytest.mark.parametrize("claimed", [(0,), (1,), (0, 1)])
def test_a_claim_of_more_axes_keeps_the_cases_of_fewer(id: str, claimed: tuple[int, ...]) -> None:
    fewer = list(standard_suite(REGISTRY[id], at_least(id), claimed))

    more = list(standard_suite(REGISTRY[id], at_least(id), (*claimed, 2, 3)))

    if claimed == (0,):  # its regimes are asked with a batch, where that is claimed
        fewer = [each for each in fewer if each.regime == "ordinary"][:1]
    assert more[: len(fewer)] == fewer


@given(st.data())
def test_what_is_drawn_is_claimed(data: st.DataObject) -> None:
    """Random cases have claimed numbers of axes alone, none smaller than is claimed."""
    claimed, least = data.draw(st.sampled_from(CLAIMS)), data.draw(st.sampled_from((0, 1, 2)))
    drawn = data.draw(random_draws(menu(REGISTRY[NORM], at_least(NORM, least), Claim(batch=claimed))))

    assert len(drawn.batch) in claimed
    assert all(size >= least for size in drawn.batch)


def test_a_smallest_size_is_that_of_every_batch_axis() -> None:
    told = standard_suite(REGISTRY[NORM], at_least(NORM, 2), THREE)

    assert all(size >= 2 for each in told for size in each.batch)


def test_a_number_of_axes_is_not_negative() -> None:
    with pytest.raises(SpecError, match="not negative"):
        Claim(batch=(0, -1))


@pytest.mark.parametrize(
    ("given", "mend"),
    [
        ({"batch": 1}, "batch=(1,)"),
        ({"dtypes": "float32"}, "dtypes=('float32',)"),
        ({"smallest": 1}, "smallest={'batch': 1}"),
        ({"splits": 2}, "splits={'PARAMETER': (2,)}"),
    ],
)
def test_a_field_of_another_type_is_answered_with_the_one_it_takes(given: dict[str, Any], mend: str) -> None:
    with pytest.raises(SpecError) as raised:
        implements(NORM, **given)

    assert raised.value.mend == mend


def test_what_varies_has_the_axes_and_a_weight_has_none() -> None:
    sizes = (("t", 2), ("d", 4), ("u", 5))
    case = make(REGISTRY["recurrent.simple_rnn"], Description(sizes, batch=(2, 3), seed=1), "float32")

    assert (case.arrays["x"].shape, case.arrays["h_0"].shape) == ((2, 3, 2, 4), (2, 3, 5))
    assert case.arrays["W_xh"].shape == (4, 5)
    assert str(case.description) == "t=2, d=4, u=5, batch=2×3, seed=1"


# Verdicts.


def test_right_code_conforms_with_every_number_of_axes() -> None:
    found = verdict("softmax", SOFTMAX, THREE)

    assert found.verdict == "conforms", str(found)
    assert found.domain == "finite inputs, 0 or 1 or 2 or 3 batch axes"
    assert found.properties
    assert all(held for _, held in found.properties)


@pytest.mark.parametrize("candidate", ["by_first_axes", "restored_wrongly"])
def test_wrong_with_two_axes_alone_is_said(candidate: str) -> None:
    """The smallest case that is shown has two batch axes, since no smaller one is wrong."""
    found = verdict(candidate, SOFTMAX)

    assert found.verdict == "differs", str(found)
    assert "only with 2 batch axes" in found.diagnosis[0].says + "".join(found.findings)
    assert shown(found).arrays["e"].ndim == 4
    assert verdict(candidate, SOFTMAX, (0, 1)).verdict == "conforms"


def shown(found: Verdict) -> Case:
    assert isinstance(found.worst_case, WorstElement)
    return found.worst_case.case


def test_a_recognised_mistake_is_said_to_be_made_with_two_axes_alone() -> None:
    found = verdict("over_third_axis", SOFTMAX)

    assert found.verdict == "differs", str(found)
    assert "softmax is over i instead of j" in found.diagnosis[0].says
    assert "only with 2 batch axes" in found.diagnosis[0].says


def test_a_mistake_of_any_number_of_axes_is_not_said_to_be_of_two() -> None:
    def doubled(e: Any) -> Any:
        exp = np.exp(e - e.max(-1, keepdims=True)) if e.size else e
        return 2 * exp / exp.sum(-1, keepdims=True)

    found = verdict(doubled, SOFTMAX, THREE)

    assert found.verdict == "differs"
    assert "batch axes" not in str(found.json()["diagnosis"]) + "".join(found.findings)


def test_an_answer_that_stays_flat_misbehaves() -> None:
    found = verdict("left_flat", SOFTMAX)

    assert found.verdict == "misbehaves", str(found)
    assert found.reason == (
        "with 2 batch axes it returns alpha of shape (6, 5, 4) where (2, 3, 5, 4) belongs; "
        "--claim batch=0,1 leaves it out"
    )
    assert verdict("left_flat", SOFTMAX, (0, 1)).verdict == "conforms"


def test_who_refuses_two_axes_fails_where_they_are_claimed() -> None:
    found = verdict("up_to_one_axis", SOFTMAX)

    assert found.verdict == "fails", str(found)
    assert (
        found.reason == "with 2 batch axes it raises: ValueError: e has too many axes; --claim batch=0,1 leaves it out"
    )


def test_a_claim_may_leave_out_none_and_one() -> None:
    """Every call has two axes then, those of the properties and of the smallest case too."""
    right, wrong = verdict("of_two_axes", SOFTMAX, (2,)), verdict("by_first_axes", SOFTMAX, (2,))

    assert right.verdict == "conforms", str(right)
    assert right.killed == right.of > 0
    assert right.properties
    assert not any("was not checked" in finding for finding in right.findings)
    assert wrong.verdict == "differs"
    assert shown(wrong).arrays["e"].ndim == 4


def test_two_axes_that_are_not_claimed_are_a_finding() -> None:
    """It never changes the verdict; to raise there is right, and what takes one example alone is not asked."""

    def said(candidate: str, batch: tuple[int, ...] = (0, 1)) -> list[str]:
        found = verdict(candidate, SOFTMAX, batch)
        assert found.verdict == "conforms", str(found)
        return [finding for finding in found.findings if "batch axes" in finding]

    claimed = "with 2 batch axes, which are not claimed, it "

    assert said("by_first_axes") == [claimed + "gives other values"]
    assert said("left_flat") == [claimed + "returns alpha of shape (6, 5, 4) where (2, 3, 5, 4) belongs"]
    assert said("softmax") == said("up_to_one_axis") == said("by_first_axes", (0,)) == []


# Recorded cases.


def numbers(*shape: int) -> Any:
    return np.random.Generator(np.random.Philox(len(shape))).standard_normal(shape)


def test_a_recorded_case_may_have_two_axes() -> None:
    given = {"q": numbers(2, 3, 4, 5)}
    handed = Reader(REGISTRY[ATTENTION], "float32", batches=(2,)).read(recordings([given]))

    (case,) = handed.cases
    assert case.arrays["k"].shape[:2] == (2, 3)
    assert not Reader(REGISTRY[ATTENTION], "float32", batches=(0, 1)).read(recordings([given])).cases


def test_a_recorded_case_is_left_its_axes_where_they_matter() -> None:
    """Of an example alone the answer is right, and of one batch axis too."""
    found = verdict("by_first_axes", SOFTMAX, inputs={"e": numbers(2, 3, 4, 5)}, only_inputs=True)

    assert found.verdict == "differs"
    assert shown(found).origin.startswith("inputs")
    assert shown(found).arrays["e"].shape == (2, 3, 4, 5)


def test_properties_are_asked_of_the_first_example_along_all_axes() -> None:
    found = verdict("softmax", SOFTMAX, inputs={"e": numbers(2, 3, 4, 5)}, only_inputs=True)

    assert found.properties
    assert all(held for _, held in found.properties)


# Shrinking.


@pytest.mark.parametrize(
    ("claimed", "needed", "left"),
    [(THREE, 0, ()), (THREE, 1, (1,)), (THREE, 2, (1, 1)), ((2, 3), 0, (1, 1)), ((3,), 0, (1, 1, 1)),
     ((0, 3), 1, (1, 1, 1))],
)  # fmt: skip
def test_axes_are_left_out_as_far_as_is_claimed(claimed: tuple[int, ...], needed: int, left: tuple[int, ...]) -> None:
    """Down to the fewest that are claimed and still fail, each of size 1."""
    equation = REGISTRY[NORM]
    start = make(equation, Description((("d", 4),), batch=leading(3), seed=1), "float32")
    smaller: list[Case] = []

    def fails(case: Case) -> bool:
        fails = len(batch_shape(equation.definition, case.arrays)) >= needed
        smaller.extend([case] * fails)
        return fails

    shrink(equation, start, "float32", at_least(NORM), fails, batches=claimed)

    assert batch_shape(equation.definition, smaller[-1].arrays) == left


def test_an_axis_becomes_as_small_as_still_fails() -> None:
    equation = REGISTRY[NORM]
    start = make(equation, Description((("d", 4),), batch=(9, 7), seed=1), "float32")

    shrunk = shrink(equation, start, "float32", at_least(NORM), lambda case: case.arrays["x"].shape[-2:-1] >= (3,))

    assert shrunk.arrays["x"].shape[:-1] == (3,)


# Gradients.


def test_a_backward_pass_that_takes_the_first_axis_for_the_rows() -> None:
    """FlagGems #5392: a matrix has right gradients, and what has two batch axes has means over too much."""
    torch = pytest.importorskip("torch")

    def norm_of(flat: bool) -> Callable[..., Any]:
        class Norm(torch.autograd.Function):  # type: ignore[misc, name-defined]  # torch is imported where it is there
            @staticmethod
            def forward(ctx: Any, x: Any, gamma: Any, beta: Any, eps: float) -> Any:
                d = x - x.mean(-1, keepdim=True)
                s = torch.sqrt((d * d).mean(-1, keepdim=True) + eps)
                ctx.save_for_backward(d / s, s, gamma)
                return d / s * gamma + beta

            @staticmethod
            def backward(ctx: Any, d_y: Any) -> Any:
                normed, s, gamma = ctx.saved_tensors
                width = normed.shape[-1]
                if not flat and normed.ndim > 1 and normed.numel():
                    width = normed.numel() // normed.shape[0]
                g, rows = (each.reshape(-1, width) for each in (d_y * gamma, normed))
                d_rows = g - g.mean(-1, keepdim=True) - rows * (g * rows).mean(-1, keepdim=True)
                axes = tuple(range(normed.ndim - 1))
                d_gamma, d_beta = ((each.sum(axes) if axes else each) for each in (d_y * normed, d_y))
                return d_rows.reshape(normed.shape) / s, d_gamma, d_beta, None

        def norm(x: Any, gamma: Any, beta: Any, *, eps: float) -> Any:
            return Norm.apply(x, gamma, beta, eps)

        return norm

    right, wrong = (verdict(norm_of(flat), NORM, framework="torch", backward=True) for flat in (True, False))

    assert right.verdict == "conforms", str(right)
    assert wrong.verdict == "differs", str(wrong)
    assert "in d_x, in " in wrong.diagnosis[0].says
    assert wrong.diagnosis[0].says.endswith("only with 2 batch axes")


def test_a_mean_over_the_examples_of_two_axes_is_named() -> None:
    pytest.importorskip("torch")

    def averaged(x: Any, W: Any, b: Any) -> Any:
        examples = max(x.shape[:-2].numel(), 1)
        return x @ W + b.detach() + (b - b.detach()) / examples

    found = verdict(averaged, "transformer.linear", framework="torch", backward=True)

    assert found.verdict == "differs"
    assert found.diagnosis[0].says == "d_b, over a batch: the mean instead of the sum"


# Implementations of ours.

SAMPLE = (
    "scores.additive", "attention.masked", "multihead.causal", "transformer.encoder_layer", "recurrent.gru_cell",
    "recurrent.stacked_lstm", "position.add", "seq2seq.cross_entropy", "text.embedding", "backward.scaled_dot_product",
    "attention_rnn.bahdanau_step",
)  # fmt: skip


def every(ids: tuple[str, ...]) -> list[Any]:
    """Ids, those of the sample by default and the others where slow tests are asked."""
    return [pytest.param(id, marks=[] if id in SAMPLE else [pytest.mark.slow]) for id in ids]


@pytest.mark.parametrize("id", every(tuple(REGISTRY)))
def test_implementations_take_any_number_of_axes(id: str) -> None:
    """In NumPy and in PyTorch, with two batch axes and with three."""
    for way in ways(id, "float64"):
        judge = Judge(REGISTRY[id], "float64")
        for axes in (2, 3):
            _, usual = list(standard_suite(REGISTRY[id], at_least(id), (axes,)))[:2]
            case = make(REGISTRY[id], usual, "float64")
            _, compared = way.judged(judge, [Observation(case, way.compute(case, "float64"))])

            assert not any(each.fails for each in compared), (way.name, usual)
