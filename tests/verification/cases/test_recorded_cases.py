"""Cases from recorded arrays: what is kept, rounded, drawn and skipped, and which arrays are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from jaxtyping import Float, Int
from numpy.typing import NDArray

from attnspec import Place, equation
from attnspec.errors import ShapeError, SpecError, UnknownName
from attnspec.language.equation import REGISTRY
from attnspec.notation import Tensor, indices, log_softmax, sum
from attnspec.verification.cases.recorded_cases import Reader, RecordedCases
from attnspec.verification.cases.recordings import recordings

ATTENTION = "attention.scaled_dot_product"
Arrays = dict[str, Any]


@equation()
def log_likelihood(logits: Float[Tensor, "t v"], target: Int[Tensor, " t"]) -> Float[Tensor, ""]:
    """Of whole numbers, too."""
    t, w = indices("t", "v")
    p = log_softmax(w, logits[t, w])
    return sum(t, sum(w, p, where=w == target[t]))


@equation(options={"start": Place("v")})
def first_word(P: Float[Tensor, "v d"], *, start: int) -> Float[Tensor, " d"]:
    """An option may be a word."""
    return P[start]


def numbers(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    """Of no dtype but float64: each loses bits in any other."""
    return np.random.Generator(np.random.Philox(seed)).standard_normal(shape)


def handed(id: str, arrays: Mapping[str, Any], dtype: str = "float32", **how: Any) -> RecordedCases:
    return Reader(REGISTRY[id], dtype, **how).read(recordings([arrays]))


def test_cases_of_one_recording_share_what_has_no_number() -> None:
    first, second = handed(
        ATTENTION, {"0/q": numbers(2, 3), "10/q": numbers(5, 3), "k": numbers(4, 3), "10/v": numbers(4, 1)}
    ).cases

    assert (first.origin, second.origin) == ("inputs, case 0", "inputs, case 10")
    assert (first.arrays["q"].shape, second.arrays["q"].shape) == ((2, 3), (5, 3))
    assert np.array_equal(first.arrays["k"], second.arrays["k"])
    assert second.arrays["v"].shape == (4, 1)


def test_arrays_of_a_framework_are_converted() -> None:
    torch = pytest.importorskip("torch")
    tensors = {"q": torch.ones(2, 2, dtype=torch.bfloat16, requires_grad=True), "k": np.ones((3, 2))}
    (recording,) = recordings([tensors])

    assert recording.source == "inputs"
    assert recording.arrays["q"].tolist() == [[1, 1], [1, 1]]
    (case,) = Reader(REGISTRY[ATTENTION], "float32").read([recording]).cases
    assert case.arrays["q"].tolist() == [[1, 1], [1, 1]]


def test_several_inputs_are_told_apart_by_their_position() -> None:
    first, second = recordings([{"q": numbers(2, 3)}, {"4/q": numbers(2, 3)}])

    assert (first.source, second.source) == ("inputs[0]", "inputs[1], case 4")


def test_axes_that_were_not_recorded_have_different_sizes() -> None:
    """So that a swap of two axes shows in the shapes; the claim may need larger ones."""
    (case,) = handed("recurrent.gru_cell", {"b_r": numbers(6)}, least=lambda name: 9 if name == "d" else 0).cases

    assert case.arrays["W_xr"].shape == (9, 6)


def test_batch_axes_are_those_of_every_array_but_the_weights() -> None:
    (case,) = handed("recurrent.gru_cell", {"x": numbers(2, 4), "W_xr": numbers(4, 3)}).cases

    assert case.arrays["h"].shape == (2, 3)
    assert case.arrays["b_r"].shape == (3,)
    with pytest.raises(ShapeError, match="not all arrays have the same batch axes"):
        handed("recurrent.gru_cell", {"x": numbers(2, 4), "h": numbers(3)})


def test_what_is_recorded_keeps_its_values_and_the_rest_is_drawn_to_fit() -> None:
    found = handed("recurrent.gru_cell", {"x": numbers(3, 4), "W_hr": numbers(6, 6, seed=1)})
    (case,) = found.cases

    assert np.array_equal(case.arrays["x"], numbers(3, 4).astype(np.float32))
    assert {name: array.shape for name, array in case.arrays.items()} == {
        "x": (3, 4),
        "h": (3, 6),
        "b_r": (6,),
        "b_z": (6,),
        "b_h": (6,),
        **{f"W_x{gate}": (4, 6) for gate in "rzh"},
        **{f"W_h{gate}": (6, 6) for gate in "rzh"},
    }
    assert np.unique(case.arrays["h"]).size > 10
    assert found.notes == (
        "inputs: rounded to float32, which loses bits: x (float64), W_hr (float64)",
        "inputs: not recorded, so drawn: h, W_xr, b_r, W_xz, W_hz, b_z, W_xh, W_hh, b_h",
    )


@pytest.mark.parametrize(("dtype", "says"), [("float64", False), ("float32", False), ("float16", True)])
def test_rounding_is_noted_if_it_loses_bits(dtype: str, says: bool) -> None:
    arrays = {name: numbers(2, 2).astype(np.float32) for name in "qkv"}
    found = handed(ATTENTION, arrays, dtype)

    assert bool(found.notes) is says
    assert all(np.array_equal(found.cases[0].arrays[name], arrays[name].astype(dtype)) for name in "qkv")


def test_whole_numbers_and_long_floats_lose_bits_too() -> None:
    for odd in (np.array([[2**53 + 1]]), np.array([[1]], dtype=np.longdouble) / 3):
        assert handed(ATTENTION, {"q": odd}, "float64").notes[0].startswith("inputs: rounded to float64")
    assert "rounded" not in handed(ATTENTION, {"q": np.array([[2**53]])}, "float64").notes[0]


def test_a_note_on_several_cases_is_written_once() -> None:
    arrays = {f"{number}/{name}": numbers(2, 2) for number in range(5) for name in "qkv"}

    assert handed(ATTENTION, arrays).notes == (
        "inputs, case 0 and 4 more: rounded to float32, which loses bits: q (float64), k (float64), v (float64)",
    )


def test_options_are_recorded_as_numbers_and_set_sizes() -> None:
    (case,) = handed("multihead.attention", {"W_q": numbers(6, 8), "heads": 4}).cases

    assert case.options == {"heads": 4}
    assert case.arrays["W_o"].shape == (8, 6)


def test_a_size_is_solved_from_a_sum() -> None:
    (case,) = handed("recurrent.simple_rnn_cell_concat", {"A": numbers(7, 3)}).cases

    assert (case.arrays["x"].shape, case.arrays["h"].shape) == ((4,), (3,))


def test_names_may_be_mapped_and_matrices_transposed() -> None:
    arrays = {"layer.weight": numbers(3, 4), "x": numbers(4), "layer.bias": numbers(9)}
    found = handed("recurrent.gru_cell", arrays, names={"W_xr": "layer.weight.T"})

    assert np.array_equal(found.cases[0].arrays["W_xr"], arrays["layer.weight"].T.astype(np.float32))
    assert found.cases[0].arrays["x"].shape == (4,)
    assert "inputs: left alone: layer.bias" in found.notes


def test_what_is_not_claimed_is_skipped_with_a_note() -> None:
    def note(arrays: Arrays, **how: Any) -> str:
        found = handed(ATTENTION, {"v": numbers(1, 1), **arrays}, "float16", **how)
        assert not found.cases
        return found.notes[0]

    assert note({"q": numbers(2, 2, 3, 4), "v": numbers(2, 2, 1, 1)}) == (
        "inputs: skipped: 2 batch axes is not claimed"
    )
    assert note({"k": numbers(1, 4)}, least=lambda axis: 2).startswith("inputs: skipped: ")
    assert note({"q": np.full((2, 3), 1e6)}) == "inputs: skipped: q holds 1e+06, too large for float16"


def test_masks_and_small_types_are_read() -> None:
    mask = np.array([[1, 0], [1, 1]], dtype=np.uint8)
    (case,) = handed("attention.masked", {"mask": mask, "q": np.array([[1, 2], [3, 4]])}, "float64").cases

    assert case.arrays["mask"].dtype == np.bool_
    assert case.arrays["q"].dtype == np.float64


@pytest.mark.parametrize(
    ("id", "arrays", "says"),
    [
        ("multihead.attention", {"W_q": numbers(6, 8)}, "record heads too, heads as a number"),
        ("attention.into_readout", {"W": numbers(6, 8)}, "W leaves k and u open"),
        ("multihead.attention", {"heads": 1.5}, "one number, whole"),
        ("multihead.attention", {"heads": [1, 2]}, "one number, whole"),
        ("multihead.attention", {"heads": 3, "W_q": numbers(6, 8)}, "since heads is 3"),
        ("attention.masked", {"mask": [[0, 2]]}, "values of another kind"),
    ],
)
def test_what_is_missing_or_wrong_is_named(id: str, arrays: Arrays, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        handed(id, arrays)

    assert says in str(caught.value)


@pytest.mark.parametrize(("target", "says"), [([0, 4], "4, where v = 4"), ([-1, 3], "-1, where v = 4")])
def test_tokens_are_of_the_vocabulary(target: list[int], says: str) -> None:
    with pytest.raises(SpecError) as caught:
        Reader(log_likelihood, "float32").read(recordings([{"target": np.array(target), "logits": numbers(2, 4)}]))

    assert caught.value.given == says
    assert Reader(log_likelihood, "float32").read(recordings([{"target": np.array([0, 3])}])).cases
    with pytest.raises(SpecError, match="start is out of range"):
        Reader(first_word, "float32").read(recordings([{"P": numbers(4, 2), "start": 4}]))
    assert Reader(first_word, "float32").read(recordings([{"P": numbers(4, 2), "start": 3}])).cases


@pytest.mark.parametrize("id", ["attention.weights", "recurrent.gru_cell"])
def test_a_name_that_is_mapped_must_be_there(id: str) -> None:
    first = {"attention.weights": "e", "recurrent.gru_cell": "x"}[id]
    with pytest.raises(UnknownName, match="has no layer\\.3\\.scors"):
        handed(id, {"layer.3.scores": numbers(2, 2)}, names={first: "layer.3.scors"})
    with pytest.raises(UnknownName, match="takes no nothing"):
        handed(id, {"layer.3.scores": numbers(2, 2)}, names={"nothing": "layer.3.scores"})
