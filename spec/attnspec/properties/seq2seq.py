"""What must hold of an encoder, its context and a decoder that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import attention, recurrent, seq2seq
from attnspec.language.equation import Equation
from attnspec.properties._parts import (
    OPEN,
    SHUT,
    between,
    held,
    negated,
    of_each,
    rolled,
    several,
    value,
    within,
    without,
)  # fmt: skip
from attnspec.properties.law import Arguments, AtMost, Equal, Function, Relation, holds

Of = Equation[..., Any]


ENCODERS: dict[Of, Of] = {
    seq2seq.encode_simple_rnn: recurrent.simple_rnn,
    seq2seq.encode_gru: recurrent.gru,
    seq2seq.encode_lstm: recurrent.lstm,
}
SLIPS = ("start/h_0", "step/before", "step/reversed")


@of_each({
    seq2seq.encode_simple_rnn: (*(f"h/{slip}" for slip in SLIPS), "h/the result/drop/b_h", "h/name/h-h_0"),
    seq2seq.encode_gru: (*(f"h/{slip}" for slip in SLIPS), "order/zrh", "h/everywhere/r-z"),
    seq2seq.encode_lstm: (
        *(f"h, c/{slip}" for slip in SLIPS), "h, c/start/c_0", "order/ifog", "result 2/name/h-c", "result 3/name/c-h",
    ),
})  # fmt: skip
def states_are_those_of_the_network(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the network over the source, and the last of its states once more."""
    h, *ends = f(**a)
    whole, *cell = several(ENCODERS[of](**a))
    yield Equal(h, whole)
    yield from (Equal(end, state) for end, state in zip(ends, (h[-1], *cell), strict=True))


@of_each({
    seq2seq.encode_simple_rnn: ("h/step/after", "h/step/reversed"),
    seq2seq.encode_gru: ("h/step/after", "h/step/reversed"),
    seq2seq.encode_lstm: ("h, c/step/after", "h, c/step/reversed"),
}, least={"m": 2})  # fmt: skip
def past_does_not_depend_on_the_future(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Every prefix of the source is encoded as it is alone."""
    cut = len(a["x"]) // 2
    h, last, *_ = f(**{**a, "x": a["x"][:cut]})
    yield Equal(h, f(**a)[0][:cut])
    yield Equal(last, f(**a)[0][cut - 1])


@holds(seq2seq.encode_bidirectional_gru, kills=(
    "h/h/name/h_b-g", "h/h/exchange", "h/h_f/step/before", "h/order/bf", "result 2/feature/exchange",
    "result 2/feature/mask/<=",
))  # fmt: skip
def both_ends_are_left(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the bidirectional GRU over the source; it leaves the last of its forward half, the first of the other."""
    h, ends = f(**a)
    yield Equal(h, value(recurrent.bidirectional_gru, **a))
    u = len(ends) // 2
    yield Equal(ends, np.concatenate([h[-1, :u], h[0, u:]]))


@holds(seq2seq.encode_bidirectional_gru, kills=("h/h/name/h_b-g", "h/h_b/drop/1", "h/g/drop/1"))
def ends_change_places_when_the_source_is_turned(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the source reversed and the two sets of weights exchanged, what is left has its halves exchanged."""
    swap = {"f": "b", "b": "f"}
    turned = {name: a[name[:-1] + swap[name[-1]]] for name in a if name != "x"}
    _, ends = f(**a)
    yield Equal(f(x=a["x"][::-1], **turned)[1], np.roll(ends, len(ends) // 2))


LAST = ("the result/transpose/h", "the result/drop/sign", "the result/constant/double")


@of_each({
    seq2seq.context_last: LAST,
    seq2seq.decoder_start_copy: LAST,
    seq2seq.context_transform: LAST[1:],
})  # fmt: skip
def earlier_states_do_not_show(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Sources that end in the same state give the same, so that what follows cannot tell them apart."""
    yield Equal(f(**{**a, "h": a["h"][-1:]}), f(**a))
    yield Equal(f(**{**a, "h": np.where(np.arange(len(a["h"]))[:, None] == len(a["h"]) - 1, a["h"], 0)}), f(**a))


@of_each({seq2seq.context_last: LAST, seq2seq.decoder_start_copy: LAST})
def it_is_the_last_state(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """It is h_m itself."""
    yield Equal(f(**a), a["h"][-1])


@holds(seq2seq.context_transform, kills=(*LAST, "the result/function/no-tanh", "the result/drop/V"))
def it_starts_a_decoder_from_the_last_state(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is to the last state what decoder_start is to the context."""
    yield Equal(f(**a), value(seq2seq.decoder_start, a["h"][-1], a["V"]))


@holds(seq2seq.decoder_start, kills=("the result/function/no-tanh", "the result/transpose/V"))
def it_transforms_the_context(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is to the context what context_transform is to a source of one state."""
    yield Equal(f(**a), value(seq2seq.context_transform, a["c"][None], a["V"]))


@of_each({
    seq2seq.context_transform: ("the result/function/no-tanh", "the result/function/relu"),
    seq2seq.decoder_start: ("the result/function/no-tanh", "the result/function/relu"),
})  # fmt: skip
def layer_is_odd_and_within_one(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """No value is beyond ±1, and with V negated all are."""
    yield from within(f(**a), 1.0)
    yield Equal(f(**negated(a, "V")), -f(**a))


MEAN = ("the result/drop/m", "the result/scale/twice", "the result/size/m+1", "last/j")


@of_each({seq2seq.context_mean: ("last/j",), seq2seq.context_learned_query: ("last/j",)})
def states_have_no_order(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the states permuted nothing changes: what follows cannot tell their order."""
    yield Equal(f(**rolled(of, a, "m")), f(**a))


@of_each({
    seq2seq.context_mean: ("the result/drop/m", "the result/scale/times", "the result/size/u"),
    seq2seq.context_learned_query: ("alpha/function/no-softmax",),
})  # fmt: skip
def it_lies_in_the_hull_of_the_states(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Every component lies between the least and the largest of the states."""
    yield from between(f(**a), a["h"])


@holds(seq2seq.context_mean, kills=MEAN)
def it_is_a_query_that_asks_nothing(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is what a learned query reads at w = 0."""
    yield Equal(f(**a), value(seq2seq.context_learned_query, a["h"], np.zeros(a["h"].shape[1])))


@holds(seq2seq.context_learned_query, kills=("alpha/function/no-softmax", "last/j"))
def query_that_asks_nothing_reads_the_mean(f: Function, a: Arguments) -> Iterator[Relation]:
    """With w = 0 it is the mean."""
    yield Equal(f(**without(a, "w")), value(seq2seq.context_mean, a["h"]))


@holds(seq2seq.context_learned_query, kills=("alpha/function/no-softmax", "last/j"))
def it_is_soft_attention(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is soft attention to the states with w for a query."""
    yield Equal(f(**a), value(attention.soft, a["w"][None], a["h"])[0])


def fixed(a: Arguments, **levels: float) -> dict[str, Any]:
    """Gates of a decoder held at a level whatever they read, the context too."""
    return without(held(a, **levels), *(f"C_{gate}" for gate in levels))


STEPS = (seq2seq.decoder_step_fixed_context, seq2seq.decoder_step_context_outside)


@of_each(dict.fromkeys(STEPS, ("the result/swap/z", "the result/drop/s", "order/zrh")))
def open_update_gate_keeps_the_state(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With z = 1 the state is kept."""
    yield Equal(f(**fixed(a, z=OPEN)), a["s"])


@of_each(dict.fromkeys(STEPS, ("s_tilde/function/no-tanh", "the result/constant/double")))
def state_stays_within_the_old_one(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """|s'| ≤ max(|s|, 1)."""
    yield from within(f(**a), np.maximum(np.abs(a["s"]), 1.0))


@holds(seq2seq.decoder_step_fixed_context, kills=(
    "seq2seq.decoder_step_context_outside", "s_tilde/bracket/left", "s_tilde/drop/r", "s_tilde/complement/r",
))  # fmt: skip
def shut_reset_gate_hides_state_and_context(f: Function, a: Arguments) -> Iterator[Relation]:
    """With r = z = 0 neither the state nor the context shows."""
    shut = fixed(a, r=SHUT, z=SHUT)
    yield Equal(f(**shut), f(**without(shut, "s", "c")))


@holds(seq2seq.decoder_step_context_outside, kills=(
    "seq2seq.decoder_step_fixed_context", "s_tilde/drop/r", "s_tilde/complement/r", "the result/swap/z",
))  # fmt: skip
def shut_reset_gate_hides_the_state_alone(f: Function, a: Arguments) -> Iterator[Relation]:
    """With r = z = 0 the state does not show, but the context does: s' = tanh(y W_xh + c C_h + b_h)."""
    shut = fixed(a, r=SHUT, z=SHUT)
    beside = a["y"] @ a["W_xh"] + a["c"] @ a["C_h"]
    yield Equal(f(**shut), np.tanh(beside + a["b_h"]))


@of_each({
    seq2seq.decoder_step_fixed_context: ("s_tilde/bracket/tanh-b_h", "s_tilde/drop/cC_h", "z/drop/cC_z", "z/drop/b_z"),
    seq2seq.decoder_step_context_outside: ("s_tilde/drop/cC_h", "z/drop/cC_z", "z/name/C_z-C_r"),
})  # fmt: skip
def open_reset_gate_makes_them_one(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With r = 1 it does not matter what r acts on: both conventions give the same."""
    other = STEPS[1 - STEPS.index(of)]
    yield Equal(f(**fixed(a, r=OPEN)), value(other, **fixed(a, r=OPEN)))


def gates(a: Arguments) -> dict[str, Any]:
    """The weights that a GRU has too."""
    return {name: array for name, array in a.items() if name.startswith(("W_", "b_"))}


@holds(seq2seq.decoder_step_fixed_context, kills=(
    "s_tilde/complement/r", "s_tilde/drop/sW_hh", "r/drop/b_r", "z/name/W_hz-W_hr", "order/zrh",
))  # fmt: skip
def without_context_it_is_reset_after(f: Function, a: Arguments) -> Iterator[Relation]:
    """With c = 0, and so with its matrices 0, it is gru_cell_reset_after with b_hh = 0."""
    plain = value(recurrent.gru_cell_reset_after, a["y"], a["s"], **gates(a), b_hh=np.zeros_like(a["b_h"]))
    yield Equal(f(**without(a, "c")), plain)
    yield Equal(f(**without(a, "C_r", "C_z", "C_h")), plain)


@holds(seq2seq.decoder_step_fixed_context, kills=(
    "r/drop/cC_r", "r/name/C_r-C_z", "s_tilde/bracket/left", "s_tilde/name/C_h-C_z", "everywhere/r-z",
    "seq2seq.decoder_step_context_outside",
))  # fmt: skip
def context_enters_as_a_state_does(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where z keeps nothing, state and context are read alike, so that they may change places with their matrices."""
    new = fixed(a, z=SHUT)
    joined = {
        "s": np.concatenate([new["s"], new["c"]]), "c": np.zeros(1),
        **{f"C_{gate}": np.zeros((1, len(new["s"]) + len(new["c"]))) for gate in "rzh"},
    }  # fmt: skip
    for gate in "rzh":
        both = np.concatenate([new[f"W_h{gate}"], new[f"C_{gate}"]])
        joined[f"W_h{gate}"] = wider(both, len(both))
        joined[f"W_x{gate}"] = wider(new[f"W_x{gate}"], len(both))
        joined[f"b_{gate}"] = wider(new[f"b_{gate}"], len(both))
    joined["b_z"] = np.full_like(joined["b_z"], SHUT)
    whole = value(seq2seq.decoder_step_fixed_context, y=new["y"], **joined)
    yield Equal(f(**new), whole[: len(new["s"])])


def wider(array: Any, width: int) -> Any:
    """Zeros behind the last axis, up to a width."""
    return np.concatenate([array, np.zeros((*array.shape[:-1], width - array.shape[-1]))], axis=-1)


@holds(seq2seq.decoder_step_context_outside, kills=(
    "seq2seq.decoder_step_fixed_context", "r/drop/cC_r", "z/name/C_z-C_r", "s_tilde/bracket/r", "order/zrh",
))  # fmt: skip
def context_is_one_more_input(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is gru_cell on [y; c], with each matrix of y on that of c."""
    stacked = {f"W_x{gate}": np.concatenate([a[f"W_x{gate}"], a[f"C_{gate}"]]) for gate in "rzh"}
    joined = np.concatenate([a["y"], a["c"]])
    yield Equal(f(**a), value(recurrent.gru_cell, joined, a["s"], **{**gates(a), **stacked}))


OUTPUTS = (seq2seq.output_distribution, seq2seq.output_maxout)


@of_each(dict.fromkeys((*OUTPUTS, seq2seq.temperature), ("p/function/no-softmax",)))
def it_is_a_distribution(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """No probability is negative, and together they are 1."""
    p = f(**a)
    yield AtMost(0.0, p)
    yield Equal(p.sum(), 1.0)


@holds(seq2seq.output_distribution, kills=(
    "p/function/no-softmax", "logits/drop/b", "logits/drop/yE_o", "logits/drop/cC_o", "last/w",
))  # fmt: skip
def one_matrix_does_for_three(f: Function, a: Arguments) -> Iterator[Relation]:
    """With state, word and context end to end and the matrices stacked: softmax([s; y; c] W + b)."""
    joined = np.concatenate([a["s"], a["y"], a["c"]]) @ np.concatenate([a["W_o"], a["E_o"], a["C_o"]])
    yield Equal(f(**a), value(attention.weights, (joined + a["b"])[None])[0])


@holds(seq2seq.output_distribution, kills=("logits/drop/b", "logits/twice/b"))
def bias_alone_is_what_is_likely_anyway(f: Function, a: Arguments) -> Iterator[Relation]:
    """With state, word and context 0 it is softmax(b)."""
    yield Equal(f(**without(a, "s", "y", "c")), value(attention.weights, a["b"][None])[0])


@holds(seq2seq.output_maxout, kills=("t/heads/interleaved",), least={"l": 2})
def neighbours_change_places(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the two units of each pair exchanged nothing changes."""
    swapped = {name: pairs(a[name])[..., ::-1].reshape(a[name].shape) for name in ("U_o", "V_o", "C_o")}
    yield Equal(f(**{**a, **swapped}), f(**a))


@holds(seq2seq.output_maxout, kills=("t/function/sum", "p/function/no-softmax", "t_tilde/drop/cC_o", "last/b"))
def larger_of_each_pair_is_read(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the distribution of the larger unit of each two neighbours."""
    t = a["s"] @ a["U_o"] + a["y"] @ a["V_o"] + a["c"] @ a["C_o"]
    yield Equal(f(**a), value(attention.weights, (pairs(t).max(axis=-1) @ a["W_o"])[None])[0])


@holds(seq2seq.output_maxout, kills=("t/function/sum", "t_tilde/drop/yV_o", "logits/transpose/W_o"))
def equal_pairs_make_it_linear(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the two units of each pair alike it is output_distribution, the matrices multiplied, without a bias."""
    first = {name: pairs(a[name])[..., 0] for name in ("U_o", "V_o", "C_o")}
    doubled = {name: np.repeat(array, 2, axis=-1) for name, array in first.items()}
    through = [first[name] @ a["W_o"] for name in ("U_o", "V_o", "C_o")]
    plain = value(seq2seq.output_distribution, a["s"], a["y"], a["c"], *through, np.zeros(a["W_o"].shape[1]))
    yield Equal(f(**{**a, **doubled}), plain)


def pairs(array: Any) -> Any:
    """The last axis cut into pairs of neighbours."""
    return array.reshape(*array.shape[:-1], array.shape[-1] // 2, 2)


@holds(seq2seq.temperature, kills=("p/function/no-softmax", "p/exchange"))
def temperature_of_one_is_softmax(f: Function, a: Arguments) -> Iterator[Relation]:
    """With τ = 1 it is the softmax of the logits."""
    yield Equal(f(logits=a["logits"], tau=1.0), value(attention.weights, a["logits"][None])[0])


@holds(seq2seq.temperature, kills=("p/drop/τ", "p/exchange", "p/function/no-softmax", "last/k"))
def it_is_a_power_of_the_probabilities(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is temperature_probs of the softmax of the logits."""
    p = value(attention.weights, a["logits"][None])[0]
    yield Equal(f(**a), value(seq2seq.temperature_probs, p, tau=a["tau"]))


@holds(seq2seq.temperature, kills=("p/exchange",))
def order_is_kept(f: Function, a: Arguments) -> Iterator[Relation]:
    """A larger logit never has the smaller probability."""
    risen = f(**a)[np.argsort(a["logits"], kind="stable")]
    yield AtMost(risen[:-1], risen[1:])


@holds(seq2seq.temperature_probs, kills=("powers/constant/double",))
def temperature_of_one_changes_nothing(f: Function, a: Arguments) -> Iterator[Relation]:
    """With τ = 1 it is p, made to sum to 1."""
    yield Equal(f(p=a["p"], tau=1.0), a["p"] / a["p"].sum())


@holds(seq2seq.temperature_probs, kills=("powers/drop/τ", "powers/exchange", "q/exchange", "last/k"))
def it_is_a_temperature_of_the_logarithms(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is temperature with log p for logits."""
    yield Equal(f(**a), value(seq2seq.temperature, np.log(a["p"]), tau=a["tau"]))


@holds(seq2seq.temperature_probs, kills=("q/drop/Σ_kpowers_k", "the result/name/q-powers"))
def scale_does_not_count(f: Function, a: Arguments) -> Iterator[Relation]:
    """Only the shares count: with p halved nothing changes."""
    yield Equal(f(p=a["p"] / 2, tau=1.0), f(p=a["p"], tau=1.0))


TRUE: dict[Of, str] = {seq2seq.cross_entropy_probs: "y", seq2seq.distillation: "p_teacher"}
SAID: dict[Of, str] = {seq2seq.cross_entropy_probs: "p", seq2seq.distillation: "p_student"}
"""The distribution that is held for true, and the one that is measured by it."""


def eighths(p: Any) -> Any:
    """A distribution cut to eighths, what is cut off given to the largest: it sums to 1 exactly."""
    cut = np.floor(8 * p / p.sum()) / 8
    return cut + (np.arange(len(p)) == p.argmax()) * (1 - cut.sum())


@of_each({
    seq2seq.cross_entropy_probs: ("the result/drop/sign", "the result/name/y-p", "the result/drop/log(p_k)"),
    seq2seq.distillation: ("the result/drop/sign", "the result/name/p_teacher-p_student"),
})  # fmt: skip
def least_where_they_are_equal(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """No distribution costs less than the true one itself, which costs at least 0 and at most log v."""
    true, said = eighths(a[TRUE[of]]), eighths(a[SAID[of]])
    itself = f(**{TRUE[of]: true, SAID[of]: true})
    yield AtMost(itself, f(**{TRUE[of]: true, SAID[of]: said}))
    yield AtMost(0.0, itself)
    yield AtMost(itself, np.log(len(true)))


@of_each({
    seq2seq.cross_entropy_probs: ("the result/mask/not", "the result/mask/<", "the result/function/no-log", "swap/p-y"),
    seq2seq.distillation: ("the result/mask/not", "the result/function/no-log", "swap/p_teacher-p_student"),
})  # fmt: skip
def one_word_for_true_reads_its_probability(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Where one word alone is true, it costs the negative logarithm of its probability."""
    for k, only in enumerate(np.eye(len(a[TRUE[of]]))):
        yield Equal(f(**{**a, TRUE[of]: only}), -np.log(a[SAID[of]][k]))


@holds(seq2seq.cross_entropy_probs, kills=("the result/name/y-p", "the result/name/p-y", "last/k", "swap/p-y"))
def words_have_no_order(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the words permuted nothing changes, and half of y costs half."""
    yield Equal(f(p=np.roll(a["p"], 1), y=np.roll(a["y"], 1)), f(**a))
    yield Equal(2 * f(p=a["p"], y=a["y"] / 2), f(**a))


@holds(seq2seq.distillation, kills=("the result/drop/sign", "swap/p_teacher-p_student", "last/k"))
def teacher_takes_the_place_of_the_truth(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is cross_entropy_probs of the student with the teacher for y."""
    yield Equal(f(**a), value(seq2seq.cross_entropy_probs, a["p_student"], a["p_teacher"]))
