"""The page on peers: for each equation, the libraries that compute it, as `attnspec_peers` calls them; and the page on
conventions: which of several equations of one name each library computes.

python docs/peers.py            write it
python docs/peers.py --check    say whether it is stale, and fail if it is
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import conventions
from attnspec.discovery import Declared, discover
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.registry import is_catalogued
from writing import ROOT, Folder, Texts, anchor, joined, table

FOLDER = Folder(ROOT / "docs", "<!-- Written by docs/peers.py: change attnspec_peers, then run `make pages`. -->")

LIBRARIES = {
    "torch": "torch",
    "onnxruntime": "onnxruntime",
    "onnx": "onnx",
    "jax": "jax",
    "keras": "keras",
    "flax": "flax",
    "optax": "optax",
    "transformers": "transformers",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
}
"""{how the name of a peer begins: the distribution that it calls}."""


WITHOUT = {
    "one product, sum or look-up, of which a library's call would say nothing new": """
        attention.context_vector attention.value_map attention.relu_weights attention.linear_weights attention.bilinear
        attention.into_readout attention.into_next_step attention.into_next_layer multihead.split multihead.concat
        position.add position.learned scores.additive scores.dot scores.linear scores.nonlinear self_attention.qkv
        seq2seq.context_last seq2seq.decoder_start_copy text.record transformer.residual transformer.embed
        transformer.embed_scaled recurrent.bidirectional_feature""",
    "no library offers this form of attention": """
        attention.hard multihead.relu self_attention.columns self_attention.relu self_attention.relu_scaled
        attention_rnn.self_attentive_context attention_rnn.self_attentive""",
    "a part of a fused kernel that libraries do not show": """
        attention.block_step attention.merge attention.incremental""",
    "the decoder of a paper or of the documents, which no library has whole; its cells and scores have peers": """
        attention_rnn.bahdanau_step attention_rnn.bahdanau_decode attention_rnn.bahdanau_decode_output_from_new_state
        attention_rnn.readout_step attention_rnn.readout_decode attention_rnn.input_feeding_step
        attention_rnn.input_feeding_decode attention_rnn.attentive_step attention_rnn.attentive_decode
        attention_rnn.attentive_step_values attention_rnn.attentive_decode_values attention_rnn.luong_step
        attention_rnn.luong_decode attention_rnn.next_layer_step attention_rnn.next_layer_decode
        seq2seq.decoder_step_fixed_context seq2seq.output_maxout seq2seq.teacher_forced recurrent.one_to_many""",
    "a decoder of one equation that reads its own words; libraries generate with models of their own": """
        attention_rnn.bahdanau_greedy_step attention_rnn.bahdanau_greedy_decode attention_rnn.readout_greedy_step
        attention_rnn.readout_greedy_decode attention_rnn.attentive_greedy_step attention_rnn.attentive_greedy_decode
        seq2seq.greedy_step seq2seq.greedy_decode seq2seq.greedy_step_lstm seq2seq.greedy_decode_lstm
        seq2seq.until_stop generation.lstm_beam_step generation.lstm_beam_decode generation.gru_beam_step
        generation.gru_beam_decode generation.bahdanau_beam_step generation.bahdanau_beam_decode
        generation.readout_beam_step generation.readout_beam_decode generation.attentive_beam_step
        generation.attentive_beam_decode generation.transformer_next generation.transformer_greedy_decode
        generation.transformer_beam_step generation.transformer_beam_decode""",
    "libraries keep a beam inside a function that generates with a model of theirs": "generation.beam_step",
    "draws with a number that is given; libraries draw their own": """
        attention_rnn.bahdanau_sample_step attention_rnn.bahdanau_sample_decode attention_rnn.readout_sample_step
        attention_rnn.readout_sample_decode attention_rnn.attentive_sample_step attention_rnn.attentive_sample_decode
        generation.transformer_sample_step generation.transformer_sample_decode seq2seq.sample
        seq2seq.sample_step_lstm seq2seq.sample_decode_lstm seq2seq.generate_window_step
        seq2seq.generate_window""",
    "a gradient of what has no peer, or one inside a cell that libraries do not return": """
        backward.scaled_dot backward.additive backward.gru_gates backward.gru_gates_reset_after backward.lstm_gates""",
    "a count that no library gives": """
        cost.encoder_layer_parameters cost.encoder_layer_parameters_biased cost.decoder_layer_parameters
        cost.decoder_layer_parameters_biased cost.gru_operations cost.lstm_operations cost.self_attention_operations
        cost.multihead_operations cost.encoder_layer_operations cost.attention_weights cost.multihead_weights
        cost.attention_memory cost.attention_memory_blocked cost.recurrent_steps cost.attention_steps""",
    "only repeats a layer or an equation that has peers": """
        self_attention.stacked transformer.encoder transformer.decoder""",
    "a form of the documents that libraries do not have": """
        seq2seq.temperature_probs text.segments""",
}
"""Equations without a peer, by the reason."""


PYTORCH_NLP, LABML_NN, ROTARY = (
    f"[{name}](https://pypi.org/project/{name.replace(' ', '/')}/)"
    for name in ("pytorch-nlp 0.5.0", "labml-nn 0.5.1", "rotary-embedding-torch 0.9.1")
)
ELSEWHERE = (
    (f"{PYTORCH_NLP}, `nn.Attention`", "Luong et al. 2015, arXiv:1508.04025v5, eq. 5", "differs",
     "the projected query, W_a q, stands in place of q behind the context"),
    (f"{LABML_NN}, `normalization.layer_norm.LayerNorm`", "`transformer.layer_norm`", "imprecise",
     "the variance is the mean of x² less μ²: of constant rows of values near 30, a quarter give NaN"),
    (f"{LABML_NN}, `optimizers.adam.Adam`", "`optimizer.adam`", "differs",
     "eps is added before the second mean is corrected, so that it is larger by 1/√(1 − β_2^step)"),
    (f"{ROTARY}, `RotaryEmbedding.rotate_queries_or_keys`",
     "Su et al. 2021, arXiv:2104.09864, eq. 15, in bfloat16", "differs",
     "positions are counted in the dtype of the queries, where 257 is 256"),
)  # fmt: skip
"""What was found in packages that are not installed for the tests: the package, the equation, the verdict, and why."""


def without(id: str) -> str:
    """Why an equation has no peer; "" if no reason is listed."""
    return next((reason for reason, ids in WITHOUT.items() if id in ids.split()), "")


def peers() -> list[Declared]:
    """Everything that `attnspec_peers` declares."""
    return [each for each in discover().declarations if each.package == "attnspec_peers"]


def library(peer: Declared) -> str:
    """The distribution that a peer calls."""
    return LIBRARIES[peer.name.partition("_")[0]]


def catalogue() -> dict[str, Equation[..., Any]]:
    """The equations of the catalogue by id, without those that users define."""
    return {id: each for id, each in REGISTRY.items() if is_catalogued(each.function.__module__)}


def by_equation() -> dict[str, list[Declared]]:
    """The peers of each equation that has one; a gradient has those of what it is the gradient of, differentiated."""
    declared = peers()
    found = {}
    for id, equation in catalogue().items():
        of = equation.gradient_of or ""
        mine = [each for each in declared if (each.equation, each.backward) in {(id, False), (of, True)}]
        if mine:
            found[id] = mine
    return found


def versions() -> dict[str, str]:
    """The version of each distribution that constraints.txt names."""
    pins = re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    return dict(pins)


def departures() -> list[dict[str, str]]:
    """The known departures."""
    listed: list[dict[str, str]] = tomllib.loads(
        (ROOT / "impls/attnspec_peers/departures.toml").read_text(encoding="utf-8")
    )["departure"]
    return listed


def pages() -> Texts:
    """Both pages, by the names of their files."""
    found, pinned = by_equation(), versions()
    called = {library(each) for each in peers()}
    used = [(name, pinned[name]) for name in dict.fromkeys(LIBRARIES.values()) if name in called]
    departed = {each["implementation"] for each in departures()}

    def cell(id: str, name: str) -> str:
        return ", ".join(_cell(each, departed) for each in found.get(id, ()) if library(each) == name)

    return {
        "peers.md": joined(_paragraphs(found, used, cell)),
        "conventions.md": joined(conventions.paragraphs(catalogue(), used, cell, FOLDER.mark)),
    }


def _paragraphs(
    found: dict[str, list[Declared]], used: list[tuple[str, str]], cell: Callable[[str, str], str]
) -> Iterator[str]:
    yield FOLDER.mark
    yield "# Peers"
    yield (
        f"{len(found)} of {len(catalogue())} equations have a peer: an implementation from another project, which "
        "`attnspec_peers` only calls. A cell names what is called, by the name of its adapter without the library. "
        "†: a [known departure](#departures). ∂: differentiated by the library."
    )
    yield (
        "`make verify` judges the peers of its list; `attnspec verify attnspec_peers` judges all of them, and reports "
        "those whose library is not installed as not run."
    )
    rows = [
        [f"[{id}](equations/{id.partition('.')[0]}.md#{anchor(id)})", *(cell(id, name) for name, _ in used)]
        for id in found
    ]
    yield table(["equation", *(f"{name} {version}" for name, version in used)], rows)
    yield "## Without a peer"
    yield table(
        ("reason", "equations"),
        (
            (reason, ", ".join(f"[{id}](equations/{id.partition('.')[0]}.md#{anchor(id)})" for id in ids.split()))
            for reason, ids in WITHOUT.items()
        ),
    )
    yield "## Departures"
    yield table(
        ("peer", "dtype", "verdict", "reason"),
        (
            (f"`{each['implementation']}`", each.get("dtype", "all"), each["verdict"],
             f"[{each['reason']}]({each['link']})")
            for each in departures()
        ),
    )  # fmt: skip
    yield "## Found elsewhere"
    yield (
        "Released software that is no peer, at its defaults, in float32 where no other dtype is named. No test repeats "
        "these verdicts."
    )
    yield table(("package", "judged as", "verdict", "diagnosis"), ELSEWHERE)


def _cell(peer: Declared, departed: set[str]) -> str:
    name = peer.name.partition("_")[2]
    return f"`{name}`{' ∂' if peer.backward else ''}{' †' if peer.target in departed else ''}"


if __name__ == "__main__":
    sys.exit(FOLDER.main(pages, (__doc__ or "").partition("\n")[0]))
