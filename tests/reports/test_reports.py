"""Faults that public reports describe: the faulty version is not passed, at default settings, and the mended one is.

Some of them must be named too.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import attnspec
from attnspec.verification.verdict import Verdict

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("test_"))
MISSED = (
    "adamw_decay_in_bfloat16", "attention_scores_in_half", "cross_entropy_guards_last_stride", "decay_gate_of_infinity",
    "gain_gradient_in_bfloat16", "layer_norm_count_in_half", "layer_norm_gradient_folded_mean",
    "padded_values_times_zero", "rms_norm_squares_in_half",
)  # fmt: skip
"""Faults that conform; the tables say why."""

NAMED = {
    "adafactor_tall_without_rows": "in u: c_j is used instead of mean (wrong in",
    "adam_epsilon_rounds_to_zero": "eps is rounded to float16 first",
    "adam_square_overflows": "g ⊙ g is multiplied out before 1 − β_2 is applied: large values overflow",
    "adam_step_of_each_array": "next_2: step + 1 is used instead of step",
    "adamw_decays_updated": "the decay is of the parameters after the step",
    "alibi_slopes_of_any_heads": "in n: H is used, and nothing computed of it",
    "attention_batch_stride_zero": "written to the place of the first example",
    "attention_gradient_spills_into_next_head": "in tiles of 64 along m, the last one whole",
    "attention_keys_as_many_as_queries": "as many places of k and v along m are read as n has",
    "attention_of_64_columns": "only the first 64 places of the rows of all arguments are read",
    "attention_scale_of_padded_width": "filled up to the next of 64, 80, 96 and 128",
    "attention_tile_of_256_not_masked": "zeros after the last score, up to a multiple of 256",
    "bce_gradient_at_zero": "only at elements where logit is 0",
    "bce_log_of_sigmoid": "which round to 0",
    "bce_roles_exchanged": "probability and target are exchanged",
    "bce_softplus_of_other_sign": "relu is of minus logit",
    "beam_all_hypotheses_start": "all hypotheses begin with the score 0",
    "beam_best_come_last": "in reverse order along beam",
    "beam_ended_goes_on": "score_b is used instead of",
    "beam_length_of_each_example": "m is counted up by 1, for each example",
    "bidirectional_not_turned_back": "g is used instead of h_b",
    "bidirectional_units_interleaved": "in h: the parts are interleaved where they are joined",
    "bidirectional_weights_of_forward": "that end in _f are read in place of those that end in _b",
    "buckets_beyond_longest": "only at elements where far_ij ≥ longest ∧ i > j",
    "causal_block_of_the_future": "the first hidden place is negative and is counted from the end",
    "causal_keys_of_narrow_tile": "for all of a tile of 128 along i, j is read up to the end of the tile of 64",
    "causal_maximum_from_zero": "wholly hidden and read first, the search for the largest of the others starts from 0",
    "causal_places_in_bfloat16": "positions are rounded to bfloat16, beyond 256",
    "causal_skipped_where_all_seen": "only where mask is true everywhere",
    "clip_by_squared_norm": "sqrt of Σ_k g_k g_k is left out",
    "codes_shifted_by_eight": "8 scale_j is subtracted from offset_j",
    "conv_state_after_convolution": "in state: [y_ik]_ik is used instead of x",
    "cosine_cut_at_lowest": "cut at lowest from below",
    "cross_entropy_gradient_in_logits": "it changes its inputs: logits",
    "decode_leaves_one_slot_empty": "softmax has an extra 1 in its sum, as of one more score, which is 0",
    "decoder_query_before_norm": "in c: s is used instead of",
    "distillation_mean_over_classes": "the mean over k is used instead of",
    "embedding_assigned": "only the last term of",
    "embedding_gradient_wraps_at_8192": "behind 8,192 places along t, ∂x is read from its start again",
    "embedding_sorts_tokens": "k of all examples is read in ascending order",
    "encoder_without_last_norm": "what the last layer gives is not normalised",
    "expanded_keys_of_odd_tail": "inputs that are expanded along a batch axis",
    "experts_biased_at_128": "in weight: biased is used instead of p",
    "gain_gradient_half_of_block": "∂γ_k is 0 where it is wrong",
    "gelu_constants_exchanged": "0.797885 and 0.044715 are swapped",
    "gelu_gradient_square_by_first": "x_j is read at the first j for all",
    "group_norm_reads_next_group": "sums over k of x run on up to a power of two, into the next places of h",
    "grouped_causal_divides_rows": "⌊i / g⌋ is used instead of i",
    "grouped_tile_beyond_group": "of the size of a group if that is smaller, along h read the group of the first one",
    "gru_candidate_of_reset_state": "h is used instead of s",
    "hard_ties_across_threads": "that of the lowest thread is taken, of 256",
    "heads_one_softmax": "one softmax is over all h, and not one for each",
    "heads_with_masks_of_others": "changes with mask of another",
    "instance_norm_outputs_of_vectors": "behind the first 1/w of all elements",
    "kl_of_zero_target": "it is not asked whether p_k > 0",
    "last_state_of_left_padding": "mask is read as a length",
    "layer_norm_eps_floor": "eps is at least 0.0001",
    "layer_norm_eps_in_count": "eps is added to d, and not as in variance + eps",
    "layer_norm_gradient_without_last_block": "that of the first 1,024 examples instead of the sum",
    "layer_norm_keeps_last_of_thread": "each of 256 threads that take turns along k keeps its last x for all",
    "layer_norm_padded_variance": "also counts zeros behind the last place, up to a power of two",
    "layer_norm_spills_into_next_row": "it is written in pairs along d, the last one whole",
    "layer_norm_squared_variance": "variance + eps is squared where its root should be taken",
    "layer_norm_unbiased": "over d − 1, and in y: eps is outside sqrt",
    "layer_norm_rows_of_first_dispatch": "only where batch ≥ 65536",
    "learned_position_of_padding": "place 3 of P along s+t is not read",
    "lengths_unsorted_in_place": "of some examples of a batch is that of others",
    "load_balance_of_chosen_alone": "in mean: only terms of Σ_t p_ti with larger_ti < chosen count",
    "log_softmax_gradient_of_product": "exp(y_ij) is a factor of each term of total_i as y_ij",
    "lstm_bias_of_65536_rows": "b_i and b_f and b_g and b_o are not read",
    "lstm_gates_in_onnx_order": "the packed order is i, o, f, g",
    "mask_of_first_row_of_chunk": "the first place of each tile of 128 of mask along n is read for the whole tile",
    "merge_base_two": "to the base 2",
    "mirostat_starts_again": "every step begins as the first one",
    "nucleus_of_what_is_left": "p is 0 already where",
    "nucleus_share_reached": "before_k ≤ share is used instead of before_k < share",
    "nucleus_without_crossing": "the place of k itself counts too, unless nothing else does",
    "nucleus_sums_logarithms": "p_k is used instead of p_k if before_k < share else 0",
    "one_position_for_all": "one row of P is read at every place of i: that behind t others",
    "operations_of_divided_width": "⌊|c| / H⌋ is used instead of d",
    "padded_mask_of_512_keys": "mask is read at the first 512 places",
    "padded_one_page_more": "ends a tile of 16, the next tile is seen too",
    "padded_queries_of_keys": "it is 0 where mask is false at the same place",
    "positions_count_padding": "no token is taken for padding, whatever it is",
    "positions_of_examples": "the batch is taken for t",
    "repetition_rewarded": "logits_k / penalty is used instead of",
    "ring_without_wrapped": "mod(written, m), unless it is 0, is used instead of written",
    "rms_norm_eps_of_scaled_rows": "a row that is divided by its largest component",
    "rnn_gradient_of_first_step_alone": "of all sums over i only the first term counts",
    "rope_angles_in_half": "lost at what is computed of positions and numbers alone",
    "rope_dynamic_base_constant": "in length: factor longest is used instead of t",
    "rope_factor_of_eight": "8 is used instead of factor",
    "rope_places_of_heads": "t is taken for H",
    "rope_query_before_cache": "in q_turned: 0 is used instead of angle_c",
    "rope_second_half_of_tables": "cosine and sine are read at j instead of h + j",
    "rope_share_ignored": "parts is ignored",
    "rope_table_cached_for_half_width": "after a call with twice as many places along h",
    "scan_windows_from_zero": "behind each 128 steps the recurrence goes on from 0",
    "sequence_loss_summed_in_half": "lost at accumulation",
    "sgd_decay_needs_momentum": "only where momentum = 0",
    "sigmoid_half_where_exp_overflows": "only where what σ is taken of reaches",
    "sink_of_row_by_remainder": "is read instead of sink_h",
    "sinusoidal_exponents_by_column": "instead of the pair: 10000^(j/d), and in angle: 1000 is used instead of 10000",
    "sinusoidal_floor_division": "rounded up",
    "soft_cap_over_mask": "is applied before tanh",
    "softmax_lanes_not_rescaled": "each of 32 lanes sums the weights relative to its own largest score",
    "softmax_last_tile_without_maximum": "the exponentials of the last tile of 32 without the largest score",
    "softmax_last_warp_left_out": "leaves out the exponentials of a last tile of 32 that is not full",
    "softmax_of_padded_examples": "inputs that are the first rows of longer arrays",
    "softmax_sum_of_all": "one softmax is over i and j, not over j alone",
    "softmax_third_axis": "only with 2 batch axes",
    "stacked_lstm_hands_up_cells": "each layer hands c_t to the layer above",
    "temperature_divided_twice": "τ^2 is used instead of τ",
    "ties_at_largest": "p_j = p_k is not asked, so that equals are on a par",
    "warmup_first_step_twice": "is that of the place before it, at the first its own",
    "window_by_whole_blocks": "have as many places along m as whole tiles of 16",
    "workers_of_equal_count": "the first place of count along s is read at every place",
}
"""A part of the diagnosis of some faults."""

ROW = re.compile(r"^\| \[`(\w+)`\]\((https://\S+)\) \|", re.MULTILINE)


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def verdict_on(name: str, function: str) -> Verdict:
    report = module(name)
    options: dict[str, Any] = report.OPTIONS
    [verdict] = attnspec.verify(f"{HERE / name}.py:{function}", report.EQUATION, **options).verdicts
    return verdict


@pytest.mark.parametrize("name", NAMES)
def test_the_faulty_version_does_not_conform(name: str, request: pytest.FixtureRequest) -> None:
    if name in MISSED:
        request.applymarker(pytest.mark.xfail(strict=True, reason="a gap that is known"))
    verdict = verdict_on(name, "faulty")

    assert verdict.verdict in ("differs", "imprecise", "misbehaves", "fails"), str(verdict)
    assert NAMED.get(name, "") in str(verdict)


@pytest.mark.parametrize("name", NAMES)
def test_the_mended_version_conforms(name: str) -> None:
    verdict = verdict_on(name, "mended")

    assert verdict.verdict == "conforms", str(verdict)


def test_the_tables_list_every_report_with_its_link() -> None:
    rows = [row for page in HERE.glob("*.md") for row in ROW.findall(page.read_text(encoding="utf-8"))]

    assert sorted(name for name, _ in rows) == sorted(NAMES)
    assert all(link in (module(name).__doc__ or "") for name, link in rows)
