"""What must hold of an encoder, its context and a decoder that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attnspec.equations import attention, recurrent, seq2seq, text
from attnspec.language.equation import Equation
from attnspec.properties.property import Arguments, AtMost, Equal, Function, Relation, property_of
from attnspec.properties.shared import (
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
)

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


@property_of(seq2seq.encode_bidirectional, kills=(
    "h/h/name/h_b-g", "h/h/exchange", "h/h_f/step/before", "h/order/bf", "result 2/feature/exchange",
    "result 2/feature/mask/<=", "seq2seq.encode_bidirectional_update_writes",
))  # fmt: skip
def both_ends_are_left(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the bidirectional GRU over the source; it leaves the last of its forward half, the first of the other."""
    h, ends = f(**a)
    yield Equal(h, value(recurrent.bidirectional_gru, **a))
    u = len(ends) // 2
    yield Equal(ends, np.concatenate([h[-1, :u], h[0, u:]]))


@property_of(seq2seq.encode_bidirectional_update_writes, kills=(
    "seq2seq.encode_bidirectional", "h/h/exchange", "h/h_f/step/before", "h/order/bf", "result 2/feature/exchange",
))  # fmt: skip
def both_ends_are_left_by_gates_that_write(f: Function, a: Arguments) -> Iterator[Relation]:
    """Either half is gru_update_writes, the second over the source turned round and turned back."""
    h, ends = f(**a)
    kinds = [f"{kind}{gate}" for gate in "rzh" for kind in ("W_x", "W_h", "b_")]
    forward, backward = ([a[f"{kind}_{half}"] for kind in kinds] for half in "fb")
    h_0 = np.zeros(len(a["b_h_f"]))
    h_f = value(recurrent.gru_update_writes, a["x"], h_0, *forward)
    h_b = value(recurrent.gru_update_writes, a["x"][::-1], h_0, *backward)[::-1]
    yield Equal(h, np.concatenate([h_f, h_b], axis=1))
    yield Equal(ends, np.concatenate([h_f[-1], h_b[0]]))


@property_of(seq2seq.encode_bidirectional_update_writes, kills=("seq2seq.encode_bidirectional",))
def negated_update_gates_keep(f: Function, a: Arguments) -> Iterator[Relation]:
    """With what makes z negated it is encode_bidirectional."""
    kept = negated(a, *(f"{kind}z_{half}" for kind in ("W_x", "W_h", "b_") for half in "fb"))
    for given, other in zip(f(**a), value(seq2seq.encode_bidirectional, **kept), strict=True):
        yield Equal(given, other)


@of_each({
    seq2seq.encode_bidirectional: ("h/h/name/h_b-g", "h/h_b/drop/1", "h/g/drop/1"),
    seq2seq.encode_bidirectional_update_writes: ("h/h/name/h_b-g", "h/h_b/drop/1", "h/g/drop/1"),
})  # fmt: skip
def ends_change_places_when_the_source_is_turned(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the source reversed and the two sets of weights exchanged, what is left has its halves exchanged."""
    swap = {"f": "b", "b": "f"}
    turned = {name: a[name[:-1] + swap[name[-1]]] for name in a if name != "x"}
    _, ends = f(**a)
    yield Equal(f(x=a["x"][::-1], **turned)[1], np.roll(ends, len(ends) // 2))


LAST = ("the result/transpose/h", "the result/drop/sign", "the result/constant/double")


@of_each(
    {
        seq2seq.context_last: LAST,
        seq2seq.decoder_start_copy: LAST,
        seq2seq.context_transform: LAST[1:],
    }
)
def earlier_states_do_not_show(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Sources that end in the same state give the same, so that what follows cannot tell them apart."""
    yield Equal(f(**{**a, "h": a["h"][-1:]}), f(**a))
    yield Equal(f(**{**a, "h": np.where(np.arange(len(a["h"]))[:, None] == len(a["h"]) - 1, a["h"], 0)}), f(**a))


@of_each({seq2seq.context_last: LAST, seq2seq.decoder_start_copy: LAST})
def it_is_the_last_state(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """It is h_m itself."""
    yield Equal(f(**a), a["h"][-1])


@property_of(seq2seq.context_transform, kills=(*LAST, "the result/function/no-tanh", "the result/drop/V"))
def it_starts_a_decoder_from_the_last_state(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is to the last state what decoder_start is to the context."""
    yield Equal(f(**a), value(seq2seq.decoder_start, a["h"][-1], a["V"]))


@property_of(seq2seq.decoder_start, kills=("the result/function/no-tanh", "the result/transpose/V"))
def it_transforms_the_context(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is to the context what context_transform is to a source of one state."""
    yield Equal(f(**a), value(seq2seq.context_transform, a["c"][None], a["V"]))


@of_each(
    {
        seq2seq.context_transform: ("the result/function/no-tanh", "the result/function/relu"),
        seq2seq.decoder_start: ("the result/function/no-tanh", "the result/function/relu"),
    }
)
def layer_is_odd_and_within_one(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """No value is beyond ±1, and with V negated all are."""
    yield from within(f(**a), 1.0)
    yield Equal(f(**negated(a, "V")), -f(**a))


MEAN = ("the result/drop/m", "the result/scale/twice", "the result/size/m+1", "last/j")


@of_each({seq2seq.context_mean: ("last/j",), seq2seq.context_learned_query: ("last/j",)})
def states_have_no_order(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With the states permuted nothing changes: what follows cannot tell their order."""
    yield Equal(f(**rolled(of, a, "m")), f(**a))


@of_each(
    {
        seq2seq.context_mean: ("the result/drop/m", "the result/scale/times", "the result/size/u"),
        seq2seq.context_learned_query: ("alpha/function/no-softmax",),
    }
)
def it_lies_in_the_hull_of_the_states(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Every component lies between the least and the largest of the states."""
    yield from between(f(**a), a["h"])


@property_of(seq2seq.context_mean, kills=MEAN)
def it_is_a_query_that_asks_nothing(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is what a learned query reads at w = 0."""
    yield Equal(f(**a), value(seq2seq.context_learned_query, a["h"], np.zeros(a["h"].shape[1])))


@property_of(seq2seq.context_learned_query, kills=("alpha/function/no-softmax", "last/j"))
def query_that_asks_nothing_reads_the_mean(f: Function, a: Arguments) -> Iterator[Relation]:
    """With w = 0 it is the mean."""
    yield Equal(f(**without(a, "w")), value(seq2seq.context_mean, a["h"]))


@property_of(seq2seq.context_learned_query, kills=("alpha/function/no-softmax", "last/j"))
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


@property_of(seq2seq.decoder_step_fixed_context, kills=(
    "seq2seq.decoder_step_context_outside", "s_tilde/bracket/left", "s_tilde/drop/r", "s_tilde/complement/r",
))  # fmt: skip
def shut_reset_gate_hides_state_and_context(f: Function, a: Arguments) -> Iterator[Relation]:
    """With r = z = 0 neither the state nor the context shows."""
    shut = fixed(a, r=SHUT, z=SHUT)
    yield Equal(f(**shut), f(**without(shut, "s", "c")))


@property_of(seq2seq.decoder_step_context_outside, kills=(
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


@property_of(seq2seq.decoder_step_fixed_context, kills=(
    "s_tilde/complement/r", "s_tilde/drop/sW_hh", "r/drop/b_r", "z/name/W_hz-W_hr", "order/zrh",
))  # fmt: skip
def without_context_it_is_reset_after(f: Function, a: Arguments) -> Iterator[Relation]:
    """With c = 0, and so with its matrices 0, it is gru_cell_reset_after with b_hh = 0."""
    plain = value(recurrent.gru_cell_reset_after, a["y"], a["s"], **gates(a), b_hh=np.zeros_like(a["b_h"]))
    yield Equal(f(**without(a, "c")), plain)
    yield Equal(f(**without(a, "C_r", "C_z", "C_h")), plain)


@property_of(seq2seq.decoder_step_fixed_context, kills=(
    "r/drop/cC_r", "r/name/C_r-C_z", "s_tilde/bracket/left", "s_tilde/name/C_h-C_z", "everywhere/r-z",
    "seq2seq.decoder_step_context_outside",
))  # fmt: skip
def context_enters_as_a_state_does(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where z keeps nothing, state and context are read alike, so that they may change places with their matrices."""
    new = fixed(a, z=SHUT)
    joined = {
        "s": np.concatenate([new["s"], new["c"]]),
        "c": np.zeros(1),
        **{f"C_{gate}": np.zeros((1, len(new["s"]) + len(new["c"]))) for gate in "rzh"},
    }
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


@property_of(seq2seq.decoder_step_context_outside, kills=(
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


@property_of(seq2seq.output_distribution, kills=(
    "p/function/no-softmax", "logits/drop/b", "logits/drop/yE_o", "logits/drop/cC_o", "last/w",
))  # fmt: skip
def one_matrix_does_for_three(f: Function, a: Arguments) -> Iterator[Relation]:
    """With state, word and context end to end and the matrices stacked: softmax([s; y; c] W + b)."""
    joined = np.concatenate([a["s"], a["y"], a["c"]]) @ np.concatenate([a["W_o"], a["E_o"], a["C_o"]])
    yield Equal(f(**a), value(attention.weights, (joined + a["b"])[None])[0])


@property_of(seq2seq.output_distribution, kills=("logits/drop/b", "logits/twice/b"))
def bias_alone_is_what_is_likely_anyway(f: Function, a: Arguments) -> Iterator[Relation]:
    """With state, word and context 0 it is softmax(b)."""
    yield Equal(f(**without(a, "s", "y", "c")), value(attention.weights, a["b"][None])[0])


@property_of(seq2seq.output_maxout, kills=("t/heads/interleaved",), least={"l": 2})
def neighbours_change_places(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the two units of each pair exchanged nothing changes."""
    swapped = {name: pairs(a[name])[..., ::-1].reshape(a[name].shape) for name in ("U_o", "V_o", "C_o")}
    yield Equal(f(**{**a, **swapped}), f(**a))


@property_of(seq2seq.output_maxout, kills=("t/function/sum", "p/function/no-softmax", "t_tilde/drop/cC_o", "last/b"))
def larger_of_each_pair_is_read(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is the distribution of the larger unit of each two neighbours."""
    t = a["s"] @ a["U_o"] + a["y"] @ a["V_o"] + a["c"] @ a["C_o"]
    yield Equal(f(**a), value(attention.weights, (pairs(t).max(axis=-1) @ a["W_o"])[None])[0])


@property_of(seq2seq.output_maxout, kills=("t/function/sum", "t_tilde/drop/yV_o", "logits/transpose/W_o"))
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


@property_of(seq2seq.temperature, kills=("p/function/no-softmax", "p/exchange"))
def temperature_of_one_is_softmax(f: Function, a: Arguments) -> Iterator[Relation]:
    """With τ = 1 it is the softmax of the logits."""
    yield Equal(f(logits=a["logits"], tau=1.0), value(attention.weights, a["logits"][None])[0])


@property_of(seq2seq.temperature, kills=("p/drop/τ", "p/exchange", "p/function/no-softmax", "last/k"))
def it_is_a_power_of_the_probabilities(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is temperature_probs of the softmax of the logits."""
    p = value(attention.weights, a["logits"][None])[0]
    yield Equal(f(**a), value(seq2seq.temperature_probs, p, tau=a["tau"]))


@property_of(seq2seq.temperature, kills=("p/exchange",))
def order_is_kept(f: Function, a: Arguments) -> Iterator[Relation]:
    """A larger logit never has the smaller probability."""
    risen = f(**a)[np.argsort(a["logits"], kind="stable")]
    yield AtMost(risen[:-1], risen[1:])


@property_of(seq2seq.temperature_probs, kills=("powers/constant/double",))
def temperature_of_one_changes_nothing(f: Function, a: Arguments) -> Iterator[Relation]:
    """With τ = 1 it is p, made to sum to 1."""
    yield Equal(f(p=a["p"], tau=1.0), a["p"] / a["p"].sum())


@property_of(seq2seq.temperature_probs, kills=("powers/drop/τ", "powers/exchange", "q/exchange", "last/k"))
def it_is_a_temperature_of_the_logarithms(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is temperature with log p for logits."""
    yield Equal(f(**a), value(seq2seq.temperature, np.log(a["p"]), tau=a["tau"]))


@property_of(seq2seq.temperature_probs, kills=("q/drop/Σ_kpowers_k", "the result/name/q-powers"))
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


@of_each(
    {
        seq2seq.cross_entropy_probs: ("the result/drop/sign", "the result/name/y-p", "the result/drop/log(p_k)"),
        seq2seq.distillation: ("the result/drop/sign", "the result/name/p_teacher-p_student"),
    }
)
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


@property_of(seq2seq.cross_entropy_probs, kills=("the result/name/y-p", "the result/name/p-y", "last/k", "swap/p-y"))
def words_have_no_order(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the words permuted nothing changes, and half of y costs half."""
    yield Equal(f(p=np.roll(a["p"], 1), y=np.roll(a["y"], 1)), f(**a))
    yield Equal(2 * f(p=a["p"], y=a["y"] / 2), f(**a))


@property_of(seq2seq.distillation, kills=("the result/drop/sign", "swap/p_teacher-p_student", "last/k"))
def teacher_takes_the_place_of_the_truth(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is cross_entropy_probs of the student with the teacher for y."""
    yield Equal(f(**a), value(seq2seq.cross_entropy_probs, a["p_student"], a["p_teacher"]))


@property_of(seq2seq.distillation_logits, kills=("student_not_softened", "scaled", "divergence", "last/k"))
def it_is_distillation_of_softened_distributions(f: Function, a: Arguments) -> Iterator[Relation]:
    """It is distillation of both distributions at the temperature."""
    soft = (value(seq2seq.temperature, a[name], tau=a["tau"]) for name in ("logits_teacher", "logits_student"))
    yield Equal(f(**a), value(seq2seq.distillation, *soft))


@property_of(seq2seq.distillation_logits, kills=("student_not_softened", "scaled"))
def only_the_ratio_to_the_temperature_counts(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the logits of both halved it is as at twice the temperature; what a word's logits share does not count."""
    halves = {name: a[name] / 2 for name in ("logits_teacher", "logits_student")}
    yield Equal(f(**halves, tau=a["tau"]), f(**{**a, "tau": 2 * a["tau"]}))


@property_of(seq2seq.distillation_logits)
def one_sure_teacher_makes_it_cross_entropy(f: Function, a: Arguments) -> Iterator[Relation]:
    """With a teacher that is sure of one word, at τ = 1, it is cross_entropy of the student's logits."""
    v = len(a["logits_teacher"])
    for word in range(v):
        sure = np.where(np.arange(v) == word, 0.0, -1000.0)
        loss = value(seq2seq.cross_entropy, a["logits_student"], np.asarray(word))
        yield Equal(f(logits_teacher=sure, logits_student=a["logits_student"], tau=1.0), loss)


def words(array: Any) -> Any:
    """Outputs that name words, as places; what the noise says nothing of is somewhere, and shows where it is added."""
    return np.nan_to_num(array).astype(np.int64)


@property_of(seq2seq.cross_entropy, kills=(
    "softmax_twice", "log_p/function/no-log_softmax", "loss/drop/sign", "loss/name/log_p-logits", "last/k",
))  # fmt: skip
def it_costs_what_it_is_unlikely(f: Function, a: Arguments) -> Iterator[Relation]:
    """exp of minus the loss is the probability of the target."""
    yield Equal(np.exp(-f(**a)), value(attention.weights, a["logits"][None])[0][a["target"]])


@property_of(seq2seq.cross_entropy, kills=("last/k",))
def words_change_places(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the words permuted, and the target with them, nothing changes."""
    moved = np.asarray((a["target"] + 1) % len(a["logits"]))
    yield Equal(f(logits=np.roll(a["logits"], 1), target=moved), f(**a))


@property_of(seq2seq.cross_entropy, kills=("loss/drop/sign", "log_p/function/no-log_softmax", "last/k"))
def all_words_alike_cost_log_v(f: Function, a: Arguments) -> Iterator[Relation]:
    """With all logits 0 any word costs log v."""
    yield Equal(f(**without(a, "logits")), np.log(len(a["logits"])))


LOSSES = (seq2seq.sequence_loss, seq2seq.perplexity)


@of_each(
    {
        seq2seq.sequence_loss: ("padding_counts", "the result/mask/none", "mask/everywhere/not"),
        seq2seq.perplexity: ("unsure_of_padding", "the result/the result/mask/none", "the result/mask/everywhere/not"),
    }
)
def padding_changes_nothing(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """What stands where no target counts does not show."""
    padded = {"logits": np.where(a["valid"][:, None], a["logits"], 0), "target": np.where(a["valid"], a["target"], 0)}
    yield Equal(f(**{**a, **padded}), f(**a))


@property_of(seq2seq.sequence_loss, kills=(
    "padding_counts", "divided_by_length", "the result/drop/Σ_{i:valid_i}1", "the result/exchange", "last/i",
    "the result/constant/double", "loss/loss/drop/sign", "loss/last/k",
))  # fmt: skip
def it_is_the_mean_over_what_counts(f: Function, a: Arguments) -> Iterator[Relation]:
    """So many times the mean as targets count is the sum of what each of them costs by itself."""
    counted = [k for k, valid in enumerate(a["valid"]) if valid]
    costs = [value(seq2seq.cross_entropy, a["logits"][k], a["target"][k]) for k in counted]
    if counted:
        yield Equal(len(counted) * f(**a), np.sum(costs))


@property_of(seq2seq.perplexity, kills=(
    "unsure_of_padding", "divided_by_length_before", "power_of_two", "mean_of_exponentials",
    "the result/function/no-exp", "the result/loss/loss/drop/sign", "the result/last/i",
))  # fmt: skip
def it_is_exp_of_the_loss(f: Function, a: Arguments) -> Iterator[Relation]:
    """Its logarithm is the loss of the sequence."""
    yield Equal(f(**a), np.exp(value(seq2seq.sequence_loss, **a)))


@property_of(seq2seq.perplexity, kills=("power_of_two", "the result/function/no-exp", "the result/loss/last/k"))
def all_words_alike_are_v(f: Function, a: Arguments) -> Iterator[Relation]:
    """With all logits 0 it is the number of words."""
    yield Equal(f(**without(a, "logits")), np.where(a["valid"].any(), a["logits"].shape[1], np.nan))


@property_of(seq2seq.sample, kills=(
    "likeliest", "not_cumulated", "c/mask/none", "c/mask/<", "the result/mask/not", "the result/mask/>=",
    "the result/constant/double", "the result/drop/v",
))  # fmt: skip
def its_share_holds_the_number(f: Function, a: Arguments) -> Iterator[Relation]:
    """The words before it come to no more than the number, with it they come to more; or it is the last."""
    k, places, p = f(**a), np.arange(len(a["p"])), a["p"]
    yield AtMost((p * (places < k)).sum() + 0 * k, a["uniform"])
    yield AtMost(a["uniform"], np.where(k == places[-1], np.inf, (p * (places <= k)).sum()) + 0 * k)


@property_of(seq2seq.sample, kills=("the result/mask/<", "the result/mask/not"), least={"v": 2})
def word_without_probability_is_never_drawn(f: Function, a: Arguments) -> Iterator[Relation]:
    """0 draws the first word that has a probability: what the cumulated p must do is exceed it, not reach it."""
    later = np.where(np.arange(len(a["p"])) == 0, 0, a["p"])
    for p in (a["p"], later):
        yield Equal(f(p=p, uniform=np.zeros(())), np.argmax(p > 0) if p.any() else len(p) - 1)


@property_of(seq2seq.sample, kills=("the result/mask/>=", "the result/mask/not"))
def larger_number_draws_no_earlier_word(f: Function, a: Arguments) -> Iterator[Relation]:
    """Half of the number draws the same word or an earlier one."""
    yield AtMost(f(p=a["p"], uniform=np.asarray(a["uniform"] / 2)), f(**a))


EVENLY = (np.arange(8) + 0.5) / 8
"""Numbers that stand for all from 0 to 1."""


@property_of(seq2seq.sample, kills=("likeliest", "not_cumulated", "c/mask/>=", "the result/constant/double"))
def words_are_drawn_as_often_as_they_are_likely(f: Function, a: Arguments) -> Iterator[Relation]:
    """Of evenly spread numbers each word is drawn by its share, to within one of them."""
    p = a["p"]
    drawn = np.array([f(p=p, uniform=np.asarray(number)) for number in EVENLY])
    counts = (drawn == np.arange(len(p))[:, None]).sum(axis=1) + 0 * drawn.sum()
    if abs(p.sum() - 1) < 1 / 16:
        yield from within(counts - 8 * p, 1 + 8 * abs(p.sum() - 1))


def decoder(a: Arguments) -> dict[str, Any]:
    """The weights of a decoder's step."""
    return {name: a[name] for name in a if name.startswith(("W_", "C_", "b_")) and not name.endswith("_o")}


def distribution(a: Arguments) -> dict[str, Any]:
    """The weights of what it says."""
    return {name: a[name] for name in ("W_o", "E_o", "C_o", "b")}


def words_before(a: Arguments) -> Any:
    """The vectors of the words that are read."""
    return a["E"][np.concatenate([[a["start"]], a["target"][:-1]])[: len(a["target"])].astype(np.int64)]


@property_of(seq2seq.teacher_forced, kills=(
    "before/exchange", "before/mask/>=", "before/mask/late", "before/drop/1", "s/start/s_0", "s/z/drop/b_z",
    "order/zrh",
))  # fmt: skip
def each_state_is_made_of_the_one_before(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each state is a step of the decoder from the one before and the true word before; the first reads `start`."""
    s = f(**a)[1]
    earlier = np.concatenate([a["s_0"][None], s[:-1]])[: len(s)]
    for y, old, new in zip(words_before(a), earlier, s, strict=True):
        yield Equal(new, value(seq2seq.decoder_step_fixed_context, y, old, a["c"], **decoder(a)))


@property_of(
    seq2seq.teacher_forced, kills=("p/logits/drop/b", "p/p/function/no-softmax", "before/drop/1", "p/swap/s-c")
)
def each_distribution_is_of_its_state_and_word(f: Function, a: Arguments) -> Iterator[Relation]:
    """What is said is the output's distribution, of the new state and the word that was read."""
    for p, s, y in zip(*f(**a), words_before(a), strict=True):
        yield Equal(p, value(seq2seq.output_distribution, s, y, a["c"], **distribution(a)))


@of_each(dict.fromkeys((seq2seq.teacher_forced, seq2seq.teacher_forced_lstm), ("before/drop/1",)), least={"t": 2})
def word_to_say_is_not_read(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """A word shows only after it was to be said: every prefix is as it is alone, the last word shows nowhere."""
    cut = len(a["target"]) // 2
    for whole, prefix in zip(f(**a), f(**{**a, "target": a["target"][:cut]}), strict=True):
        yield Equal(whole[:cut], prefix)
    changed = np.where(np.arange(len(a["target"])) < len(a["target"]) - 1, a["target"], 0)
    for whole, other in zip(f(**a), f(**{**a, "target": changed}), strict=True):
        yield Equal(whole, other)


@property_of(seq2seq.greedy_step, kills=("s_next/r/drop/b_r", "s_next/z/drop/cC_z", "order/zrh", "swap/s-c"))
def its_state_is_that_of_the_decoder(f: Function, a: Arguments) -> Iterator[Relation]:
    """The new state is a step of the decoder, which reads the vector of the word before."""
    yield Equal(f(**a)[0], value(seq2seq.decoder_step_fixed_context, a["E"][a["token"]], a["s"], a["c"], **decoder(a)))


@property_of(seq2seq.greedy_step, kills=("least_likely", "logits/drop/cC_o", "logits/drop/s_nextW_o"))
def no_word_is_likelier(f: Function, a: Arguments) -> Iterator[Relation]:
    """No word has a larger probability than the one that is said."""
    s, token = f(**a)
    p = value(seq2seq.output_distribution, s, a["E"][a["token"]], a["c"], **distribution(a))
    yield AtMost(p.max(), p[words(token) % len(p)] + 0 * token)


@of_each({
    seq2seq.greedy_step: ("last_of_a_tie",), seq2seq.greedy_decode: ("last_of_ties",),
    seq2seq.greedy_step_lstm: ("last_of_a_tie",), seq2seq.greedy_decode_lstm: ("last_of_ties",),
})  # fmt: skip
def of_equal_words_the_first_is_said(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With nothing to tell words apart the first is said."""
    said = several(f(**without(a, *(name for name in ("W_o", "E_o", "C_o", "b", "W_hy", "b_y") if name in a))))[-1]
    yield Equal(said, np.zeros(said.shape))


def seen_before(tokens: Any, word: float) -> Any:
    """Whether a word stands before each place."""
    return np.concatenate([[False], np.cumsum(tokens == word)[:-1] > 0])


@of_each({
    seq2seq.greedy_decode: (),
    seq2seq.greedy_decode_lstm: (),
    seq2seq.sample_decode_lstm: ("never_stops", "the result/tokens/exchange"),
}, least={"v": 4})  # fmt: skip
def what_is_said_after_the_end_is_the_end(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """Wherever `stop` was said before, it is said again."""
    tokens = f(**a)
    yield Equal(tokens, np.where(seen_before(tokens, a["stop"]), a["stop"], tokens))


@property_of(seq2seq.greedy_decode, kills=(
    "start_is_said", "stops_at_once", "s, token/start/start", "s, token/start/s_0", "the result/tokens/mask/>=",
))  # fmt: skip
def teacher_that_says_the_same_hears_the_same(f: Function, a: Arguments) -> Iterator[Relation]:
    """Teacher forcing on what was said finds each word the likeliest, until `stop` was said."""
    tokens = f(**a)
    shared = {name: array for name, array in a.items() if name not in ("stop", "limit")}
    p, _ = value(seq2seq.teacher_forced, target=words(tokens), **shared)
    yield Equal(tokens, np.where(seen_before(tokens, a["stop"]), a["stop"], p.argmax(axis=1)))


@of_each({seq2seq.greedy_decode: ("the result/stops/mask/>",), seq2seq.greedy_decode_lstm: ()}, least={"limit": 2})
def limit_only_cuts(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """With a smaller limit the same words are said, but fewer."""
    yield Equal(f(**{**a, "limit": a["limit"] - 1}), f(**a)[:-1])


@property_of(seq2seq.until_stop, kills=(
    "null_after_stop", "second_stop_ends", "stops/mask/<=", "stops/mask/not", "tokens/exchange", "tokens/mask/>=",
    "the result/name/tokens-stops",
))  # fmt: skip
def tokens_up_to_the_first_stop_are_kept(f: Function, a: Arguments) -> Iterator[Relation]:
    """Where `stop` stands before there is `stop`, elsewhere what was generated; also where every token is `stop`."""
    for token in (a["token"], np.minimum(a["token"], 2), np.full_like(a["token"], a["stop"])):
        kept = np.where(seen_before(token, a["stop"]), a["stop"], token)
        yield Equal(f(token=token, stop=a["stop"]), kept)


@property_of(seq2seq.until_stop)
def ended_twice_is_ended(f: Function, a: Arguments) -> Iterator[Relation]:
    """What has ended stays as it is."""
    once = words(f(**a))
    yield Equal(f(token=once, stop=a["stop"]), once)


LSTM = tuple(f"{kind}{gate}" for gate in "ifgo" for kind in ("W_x", "W_h", "b_"))


def lstm_of(a: Arguments) -> dict[str, Any]:
    """The weights of an LSTM."""
    return {name: a[name] for name in LSTM}


@property_of(seq2seq.teacher_forced_lstm, kills=(
    "before/exchange", "before/mask/>=", "before/mask/late", "before/drop/1", "s, c/start/s_0", "s, c/start/c_0",
    "s, c/step/reversed", "s, c/order/ifog", "swap/s_0-c_0", "result 2/name/s-c",
))  # fmt: skip
def states_are_those_of_an_lstm(f: Function, a: Arguments) -> Iterator[Relation]:
    """They are the LSTM's over `start` and the true tokens but the last, from the state and cell state given."""
    states, _ = value(recurrent.lstm, words_before(a), a["s_0"], a["c_0"], **lstm_of(a))
    yield Equal(f(**a)[1], states)


@property_of(seq2seq.teacher_forced_lstm, kills=(
    "logits/the result/drop/b_y", "logits/name/s-c", "p/function/no-softmax", "logits/the result/transpose/W_hy",
))  # fmt: skip
def each_distribution_is_read_out_of_its_state(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each distribution is the softmax of the new state's readout."""
    p, s = f(**a)
    yield Equal(p, value(attention.weights, value(recurrent.readout, s, a["W_hy"], a["b_y"])))


@property_of(seq2seq.teacher_forced_lstm, equal=(("v", "d"),), kills=("x/transpose/E", "before/drop/1"), least={"t": 1})
def one_hot_rows_need_no_embedding(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the identity for E it reads one-hot rows, as 003 has it for characters; with another E, the rows of E."""
    before = np.concatenate([[a["start"]], a["target"][:-1]]).astype(np.int64)
    rows = value(text.one_hot, before, v=len(a["E"]))
    for E in (a["E"], np.eye(len(a["E"]))):
        states, _ = value(recurrent.lstm, rows @ E, a["s_0"], a["c_0"], **lstm_of(a))
        yield Equal(f(**{**a, "E": E})[1], states)


def side(a: Arguments, end: str) -> dict[str, Any]:
    """The weights of the LSTM of one side, without their ending."""
    return {name: a[f"{name}_{end}"] for name in LSTM}


def decoded(a: Arguments, s_0: Any, c_0: Any) -> Any:
    """The distributions of the decoder from two states."""
    rest = {name: a[name] for name in ("target", "E", "W_hy", "b_y", "start")}
    return value(seq2seq.teacher_forced_lstm, s_0=s_0, c_0=c_0, **rest, **side(a, "d"))[0]


@property_of(seq2seq.translator_lstm, least={"n": 1}, kills=(
    "cell_not_handed_over", "nothing_handed_over", "h, s_0, c_0/h, c/step/reversed", "p, s/before/drop/1",
    "p, s/p/function/no-softmax",
))  # fmt: skip
def decoder_begins_where_the_encoder_ends(f: Function, a: Arguments) -> Iterator[Relation]:
    """The decoder's first state and cell state are the encoder's last, which began at 0."""
    zero = np.zeros(len(a["b_i_e"]))
    h, c = value(recurrent.lstm, a["x"], zero, zero, **side(a, "e"))
    yield Equal(f(**a), decoded(a, h[-1], c))


@property_of(seq2seq.translator_lstm, least={"m": 2, "n": 1}, kills=("h, s_0, c_0/h, c/step/reversed",))
def sources_that_leave_the_same_states_are_one(f: Function, a: Arguments) -> Iterator[Relation]:
    """002's bottleneck: sources after which the encoder's states are equal get the same distributions.

    With the forget gate shut and the matrices of the state 0, the encoder keeps the last vector alone. Sources that end
    in it, of whatever length, in whatever order, cannot be told apart.
    """
    forgets = without(a, *(f"W_h{gate}_e" for gate in "ifgo"), "W_xf_e")
    forgets |= {"b_f_e": np.full_like(a["b_f_e"], SHUT)}
    turned = np.concatenate([a["x"][:-1][::-1], a["x"][-1:]])
    for other in (turned, a["x"][-1:]):
        yield Equal(f(**{**forgets, "x": other}), f(**forgets))


STEPS_OF_AN_LSTM = (seq2seq.greedy_step_lstm, seq2seq.sample_step_lstm)


@of_each(dict.fromkeys(STEPS_OF_AN_LSTM, (
    "swap/s-c", "result 1/name/s_next-s", "s_next, c_next/order/ifog", "s_next, c_next/result 2/name/c_next-h_next",
)))  # fmt: skip
def both_states_are_those_of_the_cell(of: Of, f: Function, a: Arguments) -> Iterator[Relation]:
    """State and cell state are the LSTM cell's, which reads the vector of the token before."""
    for given, made in zip(
        f(**a), value(recurrent.lstm_cell, a["E"][a["token"]], a["s"], a["c"], **lstm_of(a)), strict=False
    ):
        yield Equal(given, made)


@property_of(seq2seq.greedy_step_lstm, kills=(
    "logits/the result/drop/b_y", "logits/name/s_next-s", "logits/name/s_next-c_next",
))  # fmt: skip
def no_token_is_likelier(f: Function, a: Arguments) -> Iterator[Relation]:
    """No token has a larger probability than the one that is generated."""
    s, _, token = f(**a)
    p = value(attention.weights, (s @ a["W_hy"] + a["b_y"])[None])[0]
    yield AtMost(p.max(), p[words(token) % len(p)] + 0 * token)


@property_of(seq2seq.greedy_decode_lstm, kills=(
    "s, c, token/start/s_0", "s, c, token/start/c_0", "s, c, token/start/start",
    "the result/tokens/mask/>=",
))  # fmt: skip
def teacher_that_generates_the_same_hears_the_same(f: Function, a: Arguments) -> Iterator[Relation]:
    """Teacher forcing on what was generated finds each token the likeliest, until `stop` was generated."""
    tokens = f(**a)
    shared = {name: array for name, array in a.items() if name not in ("stop", "limit")}
    p, _ = value(seq2seq.teacher_forced_lstm, target=words(tokens), **shared)
    yield Equal(tokens, np.where(seen_before(tokens, a["stop"]), a["stop"], p.argmax(axis=1)))


def drawn_of(a: Arguments, s: Any, uniform: Any) -> Any:
    """The token that a number draws in a state."""
    p = value(seq2seq.temperature, s @ a["W_hy"] + a["b_y"], tau=a["tau"])
    return value(seq2seq.sample, p, np.asarray(uniform))


@property_of(seq2seq.sample_step_lstm, kills=(
    "takes_likeliest", "p/p/drop/τ", "p/the result/drop/b_y", "p/name/s_next-c_next", "result 3/c/mask/none",
))  # fmt: skip
def token_is_what_the_number_draws(f: Function, a: Arguments) -> Iterator[Relation]:
    """The token is the one that the number draws of the new state's distribution, sharpened."""
    for number in (a["uniform"], *map(np.asarray, EVENLY)):
        s, _, token = f(**{**a, "uniform": number})
        yield Equal(token, drawn_of(a, s, number))


@property_of(seq2seq.sample_step_lstm, kills=("p/p/exchange", "result 3/c/mask/none"), least={"v": 2})
def at_the_smallest_temperature_it_is_greedy(f: Function, a: Arguments) -> Iterator[Relation]:
    """As τ goes to 0 every number draws the likeliest token."""
    for likeliest, b_y in enumerate(np.eye(len(a["b_y"]))):
        yield Equal(f(**{**without(a, "W_hy"), "b_y": b_y, "tau": 2.0**-11})[2], likeliest)


@property_of(seq2seq.sample_decode_lstm, least={"t": 2, "v": 2}, kills=(
    "takes_likeliest_throughout", "one_number_for_all", "not_fed_back", "s, c, token/p/p/drop/τ",
))  # fmt: skip
def each_token_is_drawn_after_those_before_it(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each token is drawn, with a number of its own, in the state that teacher forcing on those before it gives."""
    tokens = f(**a)
    shared = {name: array for name, array in a.items() if name not in ("stop", "tau", "uniform")}
    _, states = value(seq2seq.teacher_forced_lstm, target=words(tokens), **shared)
    made = np.array([drawn_of(a, s, number) for s, number in zip(states, a["uniform"], strict=True)])
    yield Equal(tokens, np.where(seen_before(tokens, a["stop"]), a["stop"], made))


@property_of(seq2seq.sample_decode_lstm, kills=("s, c, token/step/reversed", "the result/stops/mask/>"), least={"t": 2})
def fewer_numbers_draw_a_shorter_text(f: Function, a: Arguments) -> Iterator[Relation]:
    """With the last number left out the same tokens are drawn, but the last."""
    yield Equal(f(**{**a, "uniform": a["uniform"][:-1]}), f(**a)[:-1])


@property_of(seq2seq.generate_window_step, kills=("put_in_front", "last_dropped", "moved/exchange"), least={"w": 2})
def window_moves_on_by_one(f: Function, a: Arguments) -> Iterator[Relation]:
    """All but the first of its tokens move up, and it keeps its length."""
    yield Equal(f(**a)[:-1], a["window"][1:])


def drawn(a: Arguments, window: Any, uniform: Any) -> Any:
    """The token that a number draws of what the LSTM says of a window."""
    x, h_0 = value(text.one_hot, window, v=len(a["b_y"])), np.zeros(len(a["b_i"]))
    lstm = {name: a[name] for gate in "ifgo" for name in (f"W_x{gate}", f"W_h{gate}", f"b_{gate}")}
    h, _ = value(recurrent.lstm, x, h_0, h_0, **lstm)
    p = value(seq2seq.temperature, h[-1] @ a["W_hy"] + a["b_y"], tau=a["tau"])
    return value(seq2seq.sample, p, uniform)


@property_of(seq2seq.generate_window_step, kills=(
    "put_in_front", "not_appended", "takes_likeliest", "p/p/drop/τ", "p/the result/drop/b_y",
    "token/c/mask/none",
))  # fmt: skip
def what_is_drawn_is_the_last(f: Function, a: Arguments) -> Iterator[Relation]:
    """Behind them stands what the number draws of the distribution that an LSTM over the window gives, sharpened."""
    for number in (a["uniform"], *map(np.asarray, EVENLY)):
        yield Equal(f(**{**a, "uniform": number})[-1], drawn(a, a["window"], number))


@property_of(seq2seq.generate_window_step, kills=("not_appended", "put_in_front", "p/p/exchange", "token/c/mask/none"),
       least={"v": 2, "w": 2})  # fmt: skip
def smallest_temperature_leaves_no_choice(f: Function, a: Arguments) -> Iterator[Relation]:
    """As τ goes to 0 the likeliest token is drawn by every number."""
    for likeliest, b_y in enumerate(np.eye(len(a["b_y"]))):
        sure = {**without(a, "W_hy"), "b_y": b_y, "tau": 2.0**-11}
        yield Equal(f(**sure)[-1], likeliest)


@property_of(seq2seq.generate_window, least={"t": 2, "w": 2}, kills=(
    "writes_backwards", "forgets_the_last", "seed_stays", "window/step/reversed", "window/step/first",
    "window/name/window-seed",
))  # fmt: skip
def each_token_is_drawn_of_those_before_it(f: Function, a: Arguments) -> Iterator[Relation]:
    """Each token is the step's, of the w tokens before it, which are the seed's or were drawn."""
    tokens, _ = f(**a)
    so_far, w = np.concatenate([a["seed"], words(tokens)]), len(a["seed"])
    made = [drawn(a, so_far[i : i + w], number) for i, number in enumerate(a["uniform"])]
    yield Equal(tokens, np.array(made))


@property_of(seq2seq.generate_window, least={"w": 2}, kills=(
    "writes_backwards", "forgets_the_last", "seed_stays", "window/moved/exchange",
))  # fmt: skip
def window_is_the_end_of_the_text(f: Function, a: Arguments) -> Iterator[Relation]:
    """The window to go on from has the seed's length, and is the last of seed and tokens, end to end."""
    tokens, window = f(**a)
    yield Equal(window, np.concatenate([a["seed"], tokens])[len(tokens) :])


@property_of(seq2seq.generate_window, least={"t": 2, "w": 2}, kills=("window/step/reversed",))
def text_goes_on_where_it_ended(f: Function, a: Arguments) -> Iterator[Relation]:
    """What is drawn from the window that was left is what is drawn without a break."""
    cut = len(a["uniform"]) // 2
    first, window = f(**{**a, "uniform": a["uniform"][:cut]})
    rest, end = f(**{**a, "seed": words(window), "uniform": a["uniform"][cut:]})
    for whole, pieced in zip(f(**a), (np.concatenate([first, rest]), end), strict=True):
        yield Equal(whole, pieced)
