"""First verdicts of a newcomer: on a library's function, on code with other names, on code that shows no framework."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attnspec
from attnspec.verification.candidate.settings import evaluated
from attnspec.verification.verdict import Verdict

FEW = {"examples": 2}


def judged(target: Any, equation: str, **options: Any) -> Verdict:
    (verdict,) = attnspec.verify(target, equation, **{**FEW, **options}).verdicts
    return verdict


def test_a_function_of_pytorch_is_called_with_tensors() -> None:
    pytest.importorskip("torch")
    verdict = judged("torch.nn.functional:scaled_dot_product_attention", "attention.scaled_dot_product")

    assert (verdict.verdict, verdict.framework) == ("conforms", "torch"), str(verdict)
    assert verdict.bound == "q, k, v in this order"


def scaled(value: Any, key: Any, query: Any) -> Any:
    """Attention with the names of PyTorch, in another order."""
    e = query @ np.swapaxes(key, -1, -2) / query.shape[-1] ** 0.5
    alpha = np.exp(e - e.max(axis=-1, keepdims=True, initial=-np.inf))
    return (alpha / alpha.sum(axis=-1, keepdims=True)) @ value


def test_common_names_are_bound_and_the_verdict_says_so() -> None:
    verdict = judged(scaled, "attention.scaled_dot_product")

    assert verdict.verdict == "conforms", str(verdict)
    assert verdict.bound == "value=v, key=k, query=q"
    assert "bound     value=v, key=k, query=q" in str(verdict)


def test_the_equations_own_names_need_no_words() -> None:
    verdict = judged(lambda q, k: q @ np.swapaxes(k, -1, -2), "scores.dot")

    assert (verdict.verdict, verdict.bound) == ("conforms", "")


def test_a_framework_that_nothing_shows_is_found_by_trying() -> None:
    pytest.importorskip("torch")
    verdict = judged(lambda q, k: q.matmul(k.mT), "scores.dot")  # ndarray has mT, but no matmul

    assert (verdict.verdict, verdict.framework) == ("conforms", "torch"), str(verdict)


def weights(e: Any, axis: int = 0) -> Any:
    shifted = np.exp(e - e.max(axis=axis, keepdims=True, initial=-np.inf))
    return shifted / shifted.sum(axis=axis, keepdims=True)


def test_a_parameter_of_its_own_is_set() -> None:
    before = judged(weights, "attention.weights")
    after = judged(weights, "attention.weights", settings={"axis": "-1"})

    assert (before.verdict, after.verdict) == ("differs", "conforms"), str(after)
    assert before.mend.splitlines()[-1] == "left at their defaults: axis; --set axis=-1 sets one"
    assert after.bound == "axis=-1"


def norm(input: Any, normalized_shape: tuple[int, ...], weight: Any, bias: Any) -> Any:
    assert input.shape[-1:] == normalized_shape
    centred = input - input.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + input.dtype.type(1e-5)) * weight + bias


def test_an_option_that_is_built_in_is_asked_at_its_value_alone() -> None:
    with pytest.raises(attnspec.BindingError) as refused:
        judged(norm, "transformer.layer_norm", framework="numpy")
    assert refused.value.mend == "if it is built in, with its value: --set eps=1e-5"

    right = judged(norm, "transformer.layer_norm", framework="numpy", settings={"eps": "1e-5"})
    wrong = judged(norm, "transformer.layer_norm", framework="numpy", settings={"eps": 1e-3})

    assert right.verdict == "conforms", str(right)
    assert right.bound == "input=x, weight=gamma, bias=beta; normalized_shape=(d,); eps=1e-05"
    assert wrong.verdict == "differs"


def test_a_size_that_is_built_in_is_asked_at_its_value_alone() -> None:
    def three_wide(q: Any, k: Any) -> Any:
        assert q.shape[-1] == 3
        return q @ np.swapaxes(k, -1, -2) / np.sqrt(np.array(3.0, q.dtype))

    assert judged(three_wide, "scores.scaled_dot", settings={"d": 3}).verdict == "conforms"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("None", None),
        ("none", "none"),
        ("-1", -1),
        ("1e-5", 1e-5),
        ("(c, 2)", (7, 2)),
        ("c // 2", 3),
        ("mean", "mean"),
        ("'c'", "c"),
        ("c.size()", "c.size()"),
        ((1, "c"), (1, 7)),
        (0.5, 0.5),
    ],
)
def test_a_setting_is_a_literal_in_sizes_and_options(text: Any, value: Any) -> None:
    assert evaluated(text, {"c": 7}) == value


def test_what_nothing_has_cannot_be_set() -> None:
    with pytest.raises(attnspec.UnknownName) as refused:
        judged(weights, "attention.weights", settings={"axes": -1})

    assert refused.value.mend == "did you mean axis?"
    assert refused.value.expected == "e, axis, n, m"


def momentum(theta: Any, g: Any, m: Any, v: Any, step: int, lr: float, eps: float) -> Any:
    """Adam, with the rates built in."""
    m, v = 0.9 * m + (1 - 0.9) * g, 0.999 * v + (1 - 0.999) * g * g
    of_m, of_v = 1 - 0.9 ** int(step), 1 - 0.999 ** int(step)
    return theta - lr * (m / of_m) / (np.sqrt(v / of_v) + eps), m, v


def test_an_option_is_set_as_the_formula_writes_it() -> None:
    rates = {"β_1": 0.9, "beta_2": 0.999}
    verdict = judged(momentum, "optimizer.adam", framework="numpy", settings=rates, examples=0, trace=False)

    assert verdict.bound == "beta_1=0.9, beta_2=0.999"
    assert verdict.verdict in ("conforms", "imprecise"), str(verdict)


@pytest.mark.parametrize("place", ["packed[0:w]", "packed[t:2*w]"])
def test_rows_in_a_size_that_the_equation_lacks_are_refused(place: str) -> None:
    def gate(x: Any, packed: Any, b: Any) -> Any:
        return x @ packed + b

    with pytest.raises(attnspec.UnknownName) as refused:
        judged(gate, "transformer.linear", framework="numpy", weights={"W": place})

    assert refused.value.headline == "transformer.linear does not have the size w"
    assert (refused.value.given, refused.value.expected) == (f"W={place}", "rows in t, d, e")


def pair(e: Any) -> Any:
    return {"nothing": None, "both": (e, weights(e, -1))}


def test_a_result_is_taken_out_of_what_is_returned() -> None:
    verdict = judged(lambda e: (weights(e, -1), e), "attention.weights", framework="numpy")
    assert (verdict.verdict, verdict.mend) == ("misbehaves", "if the first is the result: --returns 0")

    assert judged(lambda e: (weights(e, -1), e), "attention.weights", framework="numpy", returns=0).passed
    nested = judged(pair, "attention.weights", framework="numpy", returns="both.1")
    assert (nested.verdict, nested.bound) == ("conforms", "returns both.1")


def test_more_results_than_the_equation_has_are_left_out() -> None:
    def step(x: Any, h: Any, W_xh: Any, W_hh: Any, b_h: Any, W_hy: Any, b_y: Any) -> Any:
        new = np.tanh(x @ W_xh + h @ W_hh + b_h)
        return new, new @ W_hy + b_y, h

    verdict = judged(step, "recurrent.simple_rnn_step")
    assert verdict.mend == "if the first ones are the results: --returns 0,1"
    assert judged(step, "recurrent.simple_rnn_step", returns="0,1").passed


def attention_bnhd(query: Any, key: Any, value: Any) -> Any:
    """As kernels have it: batch, position, head, feature."""
    q, k, v = (np.swapaxes(a, 1, 2) for a in (query, key, value))
    return np.ascontiguousarray(np.swapaxes(scaled(v, k, q), 1, 2))


def test_axes_in_another_order() -> None:
    verdict = judged(attention_bnhd, "attention.scaled_dot_product", framework="numpy", axes="BNHD")

    assert verdict.verdict == "conforms", str(verdict)
    assert verdict.domain.endswith("2 batch axes")
    assert verdict.bound.endswith("axes BNHD")
    swapped = judged(attention_bnhd, "attention.scaled_dot_product", framework="numpy", axes="BHND")
    assert swapped.verdict in ("differs", "fails"), "it fails where the numbers of heads and of keys are not one"


def test_gradients_of_axes_in_another_order() -> None:
    torch = pytest.importorskip("torch")

    def attention(q: Any, k: Any, v: Any) -> Any:
        q, k, v = (a.transpose(1, 2) for a in (q, k, v))
        return torch.nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).contiguous()

    verdict = judged(attention, "attention.scaled_dot_product", framework="torch", axes="BNHD", backward=True)

    assert verdict.verdict == "conforms", str(verdict)


@pytest.mark.parametrize("axes", ["B", "BN1", "BNN"])
def test_what_is_no_order_of_axes_is_refused(axes: str) -> None:
    with pytest.raises(attnspec.SpecError, match="is not an order of axes"):
        judged(weights, "attention.weights", axes=axes)


def self_attention(x: Any, W_q: Any, W_k: Any, W_v: Any, W_o: Any, *, heads: int, scale: float = 1.0) -> Any:
    def split(a: Any) -> Any:
        return np.moveaxis(a.reshape(*a.shape[:-1], heads, a.shape[-1] // heads), -2, -3)

    c = scaled(split(x @ W_v), split(x @ W_k), split(x @ W_q) * x.dtype.type(scale))
    return np.moveaxis(c, -3, -2).reshape(*x.shape[:-1], W_v.shape[-1]) @ W_o


def test_two_arguments_in_one() -> None:
    with pytest.raises(attnspec.BindingError) as refused:
        judged(self_attention, "multihead.attention", bind={"x": "x_q"})
    assert refused.value.mend == "if it is x_q: --same x_kv=x_q"

    how: dict[str, Any] = {"bind": {"x": "x_q"}, "same": {"x_kv": "x_q"}}
    right = judged(self_attention, "multihead.attention", **how)
    wrong = judged(self_attention, "multihead.attention", **how, settings={"scale": 1.01})

    assert right.verdict == "conforms", str(right)
    assert right.bound == "x=x_q; x_kv is x_q"
    assert right.killed > 50
    assert wrong.verdict == "differs"


def test_sizes_that_have_to_be_equal() -> None:
    def narrow(q: Any, k: Any, v: Any) -> Any:
        if v.shape[-1] != k.shape[-1]:
            raise ValueError("values are as wide as keys")
        return scaled(v, k, q)

    verdict = judged(narrow, "attention.scaled_dot_product", framework="numpy")
    assert verdict.verdict == "fails"
    assert "if d and e are one size: --same e=d" in verdict.mend

    assert judged(narrow, "attention.scaled_dot_product", framework="numpy", same={"e": "d"}).passed


def test_a_claim_for_code_that_refuses_empty_inputs() -> None:
    def eager(e: Any) -> Any:
        shifted = np.exp(e - e.max())
        return shifted / shifted.sum(axis=-1, keepdims=True)

    verdict = judged(eager, "attention.weights", framework="numpy")

    assert "if it is not for empty inputs: --claim smallest.batch=1 --claim smallest.n=1" in verdict.mend.splitlines()


def test_what_cannot_be_one_array_is_refused() -> None:
    for same in ({"W_q": "x_q"}, {"x_kv": "x"}, {"x_q": "x_q"}):
        with pytest.raises(attnspec.SpecError):
            judged(self_attention, "multihead.attention", same=same)
    with pytest.raises(attnspec.SpecError, match="no equation of the gradients"):
        judged(scaled, "attention.scaled_dot_product", framework="torch", same={"k": "q"}, backward=True)


def test_what_runs_in_no_framework_is_called_with_numpy() -> None:
    verdict = judged(lambda q, k: q.no_such_method(k), "scores.dot")

    assert (verdict.verdict, verdict.framework) == ("fails", "numpy")


@attnspec.implements(
    "attention.masked",
    framework="numpy",
    axes="BNHD",
    returns=0,
    settings={"causal": False},
    weights={"mask": "~padding"},
)
def declared(q: Any, k: Any, v: Any, padding: Any, causal: bool) -> Any:
    """Masked attention of heads side by side, and their number; `padding` is true where a key is hidden."""
    q, k, v = (np.swapaxes(array, 1, 2) for array in (q, k, v))
    e = np.where(padding, -np.inf, q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]).astype(q.dtype))
    top = e.max(axis=-1, keepdims=True, initial=-np.inf)
    alpha = np.exp(e - np.where(np.isneginf(top), 0, top))
    total = alpha.sum(axis=-1, keepdims=True)
    assert not causal
    return np.swapaxes(alpha / np.where(total == 0, 1, total) @ v, 1, 2), q.shape[1]


def test_what_a_declaration_says_of_the_call_needs_no_option() -> None:
    (verdict,) = attnspec.verify(declared, examples=2).verdicts
    (other,) = attnspec.verify(declared, examples=2, returns=1).verdicts
    (unset,) = attnspec.verify(declared, examples=2, settings={"causal": True}).verdicts

    assert verdict.verdict == "conforms", str(verdict)
    assert verdict.bound == "mask=~padding; causal=False; axes BNHD; returns 0"
    assert (other.verdict, unset.verdict) == ("misbehaves", "fails")


def twice(e: Any) -> Any:
    return 2 * e


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("claim", "batch=0"), ("bind", ["a=b"]), ("bind", {"a": 1}), ("settings", "causal=true"), ("examples", "3"),
        ("seed", None), ("policy", 3), ("returns", 0.5), ("returns", [0.5]), ("framework", np), ("time_limit", "10"),
        ("weights", "W"), ("jobs", 0), ("jobs", "2"), ("inputs", np.ones(3)), ("inputs", 3), ("case", "seed"),
    ],
)  # fmt: skip
def test_an_option_of_another_type_is_refused_in_words(option: str, value: Any) -> None:
    """Not by a traceback from where it is first read."""
    with pytest.raises(attnspec.SpecError) as refused:
        attnspec.verify(twice, "attention.weights", **{option: value})

    assert option in refused.value.given
    assert refused.value.expected


def test_a_callable_in_place_of_the_equation_is_told_where_it_belongs() -> None:
    with pytest.raises(attnspec.SpecError) as refused:
        attnspec.verify("attention.weights", twice)  # type: ignore[arg-type]  # which the test is about

    assert refused.value.mend == "the callable comes first: verify(callable, equation)"


@pytest.mark.parametrize("dtype", [np.float32, np.dtype("float32"), [np.float32], "numpy.float32", "torch.float32"])
def test_dtypes_are_taken_as_frameworks_have_them(dtype: object) -> None:
    assert attnspec.verify(twice, "attention.weights", dtype=dtype, examples=0).verdicts[0].dtype == "float32"


ASKS = """
import attnspec
import numpy as np

def dot(q, k):
    return q @ np.swapaxes(k, -1, -2)

report = attnspec.verify(dot, "scores.dot", examples=2)
"""


def test_a_module_that_asks_for_verdicts_when_it_is_imported_is_told_where_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each process that imports it would start another one, up to the limit of time."""
    (tmp_path / "asks_at_once.py").write_text(ASKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(attnspec.SpecError) as refused:
        importlib.import_module("asks_at_once")

    assert refused.value.headline == "a verdict is asked for while a candidate is imported"
    assert refused.value.mend == 'put the call under if __name__ == "__main__":'
