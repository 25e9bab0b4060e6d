"""Verdicts on backward passes, as automatic differentiation makes them of a candidate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from jaxtyping import Float, Int

import attnspec
from attnspec.cli import main
from attnspec.errors import SpecError
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.language.equation import REGISTRY
from attnspec.notation import Tensor, argmax, index
from attnspec.verification.cases.batched_gradients import lift_over_batch
from attnspec.verification.cases.case import Case
from attnspec.verification.verdict import Report, Verdict

PLANTED = Path(__file__).parent.parent / "planted" / "gradients.py"
ATTENTION, BACKWARD = "attention.scaled_dot_product", "backward.scaled_dot_product"

pytest.importorskip("torch")


def verdicts(*dtypes: str) -> dict[str, Verdict]:
    """One for each claim of a backward pass in the planted file, by name; in one worker."""
    report: Report = attnspec.verify(str(PLANTED), examples=2, backward=True, dtype=dtypes)
    return {verdict.implementation.rpartition(":")[2]: verdict for verdict in report.verdicts}


def flattened(d_y: Any, x: Any, W: Any, b: Any) -> Any:
    rows, gradients = x.reshape(-1, x.shape[-1]), d_y.reshape(-1, d_y.shape[-1])
    return d_y @ W.T, rows.T @ gradients, gradients.sum(0)


def each_on_its_own(d_y: Any, x: Any, W: Any, b: Any) -> Any:
    return d_y @ W.T, np.swapaxes(x, -1, -2) @ d_y, d_y.sum(-2)


def last_example_alone(d_y: Any, x: Any, W: Any, b: Any) -> Any:
    d_x, d_W, _ = flattened(d_y, x, W, b)
    return d_x, d_W, (d_y[-1] if d_y.ndim > 2 and len(d_y) else d_y).reshape(-1, d_y.shape[-1]).sum(0)


def test_a_function_may_sum_gradients_over_a_batch_or_not() -> None:
    """Both are right; which one it does is noted, and a sum that lacks examples differs."""
    found = {
        candidate.__name__: attnspec.verify(candidate, "backward.linear", framework="numpy", examples=2).verdicts[0]
        for candidate in (flattened, each_on_its_own, last_example_alone)
    }
    noted = {name: any("are summed over them" in each for each in verdict.findings) for name, verdict in found.items()}

    assert found["flattened"].verdict == "conforms", str(found["flattened"])
    assert found["each_on_its_own"].verdict == "conforms", str(found["each_on_its_own"])
    assert found["last_example_alone"].verdict == "differs", str(found["last_example_alone"])
    assert noted == {"flattened": True, "each_on_its_own": False, "last_example_alone": True}


WRONG = {
    "no_scale_in_keys": "in d_k: the division by √d is missing",
    "no_mean": "in d_e: the term D_i is missing",
    "keys_counted_twice": "in d_k: (Σ_i ∂e_ij q_i) / √d is multiplied by 2",
    "keys_detached": "no gradient reaches k",
    "detached": "no gradient reaches q, k or v: what it returns is detached",
}
BAD = {
    "spoils": ("misbehaves", "it writes to what the forward saved"),
    "writes_gradient": ("misbehaves", "it changes its inputs: d_o"),
    "needs_contiguous": ("misbehaves", "on transposed inputs its backward pass raises"),
    "flat": ("misbehaves", "of shape (5,) where (5, 4) belongs"),
    "saves_weights": ("differs", "its double backward is not the derivative of its gradients, by q, k"),
    "raises": ("fails", "its backward pass raises: NotImplementedError: no backward for this head size"),
}


def test_every_verdict_says_what_it_is() -> None:
    """Right ones conform, a slip is named in the words of the gradients, and bad violation are no wrong formula."""
    found = verdicts("float32")

    for name in ("plain", "fused"):
        verdict = found.pop(name)
        assert verdict.verdict == "conforms", str(verdict)
        assert (verdict.equation, verdict.backward_of) == (BACKWARD, ATTENTION)
        assert verdict.killed == verdict.of > 40
        assert all(held for _, held in verdict.properties)
        assert ("its double backward is the derivative of its gradients, in float64" in verdict.findings) == (
            name == "plain"
        )
    for name, says in WRONG.items():
        verdict = found.pop(name)
        assert verdict.verdict == "differs", str(verdict)
        assert verdict.diagnosis[0].says.startswith(says), str(verdict)
    for name, (kind, says) in BAD.items():
        verdict = found.pop(name)
        assert verdict.verdict == kind, str(verdict)
        assert says in "; ".join([verdict.reason, *verdict.findings])
        assert "torch/autograd" not in verdict.reason, "no frame of what runs a backward pass"
    assert not found


@pytest.mark.parametrize(("name", "policy"), [("plain", "op-by-op"), ("fused", "flash")])
def test_each_way_of_rounding_has_its_policy(name: str, policy: str) -> None:
    """Fused kernels keep float32 and round the weights and their gradients only as operands of the products."""
    (verdict,) = attnspec.verify(f"{PLANTED}:{name}", dtype="bfloat16", examples=2, backward=True).verdicts

    assert verdict.verdict == "conforms", str(verdict)
    assert verdict.policy == policy


def test_claims_of_both_passes_are_asked_apart() -> None:
    found = CliRunner().invoke(main, ["verify", f"{PLANTED}:plain", "--examples", "2"])
    lines = [line for line in found.stdout.splitlines() if line.startswith("conforms: ")]

    assert found.exit_code == 0, found.output
    assert len(lines) == 2
    assert lines[0].startswith(f"conforms: {ATTENTION}, {PLANTED}:plain (torch, float32, cpu)")
    assert lines[1].startswith(f"conforms: {BACKWARD}, {PLANTED}:plain through torch.autograd (torch, float32, cpu)")


def only(target: Any, equation: str, **how: Any) -> Verdict:
    found: Report = attnspec.verify(target, equation, examples=2, backward=True, **how)
    (verdict,) = found.verdicts
    return verdict


def test_jax_is_asked_through_vjp() -> None:
    pytest.importorskip("jax")

    @attnspec.implements("attention.weights", framework="jax", backward=True, batch=(0,))
    def weights(e: Any) -> Any:
        import jax

        return jax.jit(jax.nn.softmax)(e)

    verdict = only(weights, "attention.weights")

    assert verdict.verdict == "conforms", str(verdict)
    assert "through jax.vjp" in str(verdict)


def test_a_row_of_padding_that_does_not_learn_is_a_convention() -> None:
    """Its option is one that the other lacks, and is 0 there: the row that most software takes for padding."""
    from torch import where
    from torch.nn import functional

    def padded(k: Any, P: Any) -> Any:
        return where((k >= 0).unsqueeze(-1), functional.embedding(k.clamp(min=0), P, padding_idx=0), 0)

    def learning(k: Any, P: Any, *, padding_idx: int) -> Any:
        return where((k >= 0).unsqueeze(-1), functional.embedding(k.clamp(min=0), P), 0)

    withheld = only(padded, "text.embedding", framework="torch")
    ignored = only(learning, "text.embedding_padding_idx", framework="torch")

    assert (withheld.verdict, ignored.verdict) == ("differs", "differs")
    assert withheld.diagnosis[0].says.startswith("this is backward.embedding_padding_idx: ")
    assert ignored.diagnosis[0].says == "the row of padding gets its gradient like any other"


def test_what_a_batch_shares_has_the_sum_of_its_gradients() -> None:
    def linear(x: Any, W: Any, b: Any) -> Any:
        return x @ W + b

    def averaged(x: Any, W: Any, b: Any) -> Any:
        examples = x.shape[0] if x.ndim > 2 and x.shape[0] else 1
        return x @ W + b.detach() + (b - b.detach()) / examples

    right, wrong = (only(each, "transformer.linear", framework="torch") for each in (linear, averaged))

    assert right.verdict == "conforms", str(right)
    assert wrong.verdict == "differs"
    assert wrong.diagnosis[0].says == "d_b, over a batch: the mean instead of the sum"


def test_the_equation_over_batch_axes_is_the_sum_of_its_examples() -> None:
    definition = REGISTRY["backward.linear"].definition
    draw = np.random.default_rng(0).standard_normal
    d_y, x, W, b = draw((2, 3, 5, 4)), draw((3, 5, 6)), draw((6, 4)), draw(4)
    case = Case({"d_y": d_y, "x": x, "W": W, "b": b}, {}, summed=("x", "W", "b"))

    d_x, d_W, d_b = evaluate(lift_over_batch(definition, case), (), case.arguments)
    each_x, each_W, each_b = evaluate(definition, (), case.arguments)

    for found, each in ((d_x, each_x.sum(axis=0)), (d_W, each_W.sum(axis=(0, 1))), (d_b, each_b.sum(axis=(0, 1)))):
        assert found.shape == each.shape
        np.testing.assert_allclose(found, each, rtol=1e-13, atol=1e-13)


DERIVED = Path(__file__).parent.parent / "planted" / "derived_gradients.py"
FEED_FORWARD, ITS_GRADIENT = "transformer.feed_forward", "transformer.gradient_of_feed_forward"


def test_a_gradient_that_nobody_wrote_is_derived() -> None:
    report = attnspec.verify(str(DERIVED), examples=2)
    found = {verdict.implementation.rpartition(":")[2]: verdict for verdict in report.verdicts}

    assert {(verdict.equation, verdict.backward_of) for verdict in found.values()} == {(ITS_GRADIENT, FEED_FORWARD)}
    assert all(f"{ITS_GRADIENT} is derived from the lines of {FEED_FORWARD}" in v.findings for v in found.values())
    assert {name for name, verdict in found.items() if verdict.verdict == "conforms"} == {"plain", "own"}
    (turned,) = found["mask_turned_round"].diagnosis
    assert "in d_a_o: y < 0 is used instead of y > 0" in (turned.says, *turned.also)
    assert found["twice_the_bias"].diagnosis[0].says == (
        "the gradient is of another formula: in the result: b_2 is added twice"
    )
    assert found["inner_detached"].reason == "no gradient reaches x"
    [straight] = found["without_mask"].diagnosis
    assert straight.says == "in the result: the gradient flows through relu as if it were the identity"
    assert "∂a_o = W_2 ∂o if y > 0 else 0" in found["without_mask"].mend


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_whole_numbers_beside_floating_point_results_have_no_gradient(
    framework: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(framework)
    monkeypatch.setattr(REGISTRY, "_entries", dict(REGISTRY))

    @attnspec.equation(attnspec.Source(paper="a probe"))
    def best_and_twice(x: Float[Tensor, " n"]) -> tuple[Int[Tensor, ""], Float[Tensor, " n"]]:
        """The place of the largest, and twice each."""
        k = index("n")
        y = 2 * x
        return argmax(k, x[k]), y

    def right(x: Any) -> Any:
        return x.argmax(), x + x

    def too_many(x: Any) -> Any:
        return x.argmax(), x + x, x

    def verdict(target: Any) -> Verdict:
        how: dict[str, Any] = {"framework": framework, "backward": True, "examples": 1}
        how["claim"] = {"batch": (0,), "smallest": {"n": 1}}
        (found,) = attnspec.verify(target, best_and_twice, **how).verdicts
        return found

    assert (verdict(right).verdict, verdict(right).equation) == ("conforms", f"{__name__}.gradient_of_best_and_twice")
    assert verdict(too_many).verdict == "misbehaves"
    assert "it returns 3 arrays, the equation 2" in verdict(too_many).reason


def test_a_function_that_computes_derived_gradients_is_judged_as_their_equation() -> None:
    def feed_forward_gradients(d_o: Any, x: Any, W_1: Any, b_1: Any, W_2: Any, b_2: Any) -> Any:
        hidden = np.maximum(x @ W_1 + b_1, 0)
        d_a = (W_2 @ d_o) * (hidden > 0)
        return W_1 @ d_a, np.outer(x, d_a), d_a, np.outer(hidden, d_o), d_o.copy()

    (verdict,) = attnspec.verify(feed_forward_gradients, ITS_GRADIENT, examples=2, claim={"batch": (0,)}).verdicts

    assert verdict.verdict == "conforms"
    assert verdict.backward_of == ""


def test_what_has_no_gradients_is_refused_with_the_reason() -> None:
    with pytest.raises(SpecError, match=r"text\.one_hot has no gradient") as found:
        attnspec.verify(lambda k: k, "text.one_hot", backward=True)
    assert found.value.given == "no floating-point argument"
    with pytest.raises(SpecError, match=r"recurrent\.stacked_gru cannot be derived"):
        attnspec.verify(lambda x: x, "recurrent.stacked_gru", backward=True)
    with pytest.raises(SpecError, match="is a backward pass itself") as found:
        attnspec.verify(lambda q, k, v: v, BACKWARD, backward=True)
    assert found.value.mend == "leave out backward"
    with pytest.raises(SpecError, match="numpy has no automatic differentiation") as found:
        attnspec.verify(lambda q, k, v: v, ATTENTION, framework="numpy", backward=True)
    assert BACKWARD in found.value.mend
