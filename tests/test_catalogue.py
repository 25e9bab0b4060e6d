"""Every row of the catalogue is an equation or a procedure, and its signature is the catalogue's.

tests/catalogue.md says what the documents define.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import peers
from attnspec.discovery import discover
from attnspec.language.dims import Dim
from attnspec.language.equation import REGISTRY
from attnspec.language.procedure import PROCEDURES
from attnspec.properties.property import PROPERTIES

ROOT = Path(__file__).resolve().parents[1]
PAGE = (Path(__file__).parent / "catalogue.md").read_text(encoding="utf-8")

KINDS = ("simple_rnn", "gru", "lstm")
NAMED = r"`\w+`(?: \([^()]*\))?"
CONVENTIONS = re.compile(rf"[Cc]onventions?:? ({NAMED}(?:, {NAMED})*)")
FORWARD = re.compile(r"For (softmax, .*?): each an\s+equation of its own, named `backward\.<", re.DOTALL)

Signature = list[tuple[str, tuple[Dim, ...] | None]]


def rows(page: str, columns: int) -> Iterator[list[str]]:
    """The cells of every table of so many columns, without its head."""
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.replace(r"\|", "│").strip("|").split("|")]
        if line.startswith("|") and len(cells) == columns and cells[0] != "id" and not set(cells[0]) <= {"-"}:
            yield cells


SECTIONS, _, SIGNATURES = PAGE.partition("\n## Signatures\n")


def named(cell: str) -> Iterator[str]:
    """Ids in a first column: family.name, .name, others in backticks, and what is so "alike"."""
    family, last = "", ""
    for match in re.finditer(r"(?:^|, )(\w*)\.(\w+)|`(\w+)`|\(([\w, ]+) alike\)", cell):
        if match[4]:
            others = KINDS if match[4] == "others" else match[4].split(", ")
            yield from (f"{family}.{last.replace('gru', kind)}" for kind in others)
        else:
            family, last = match[1] or family, match[2] or match[3]
            yield f"{family}.{last}"


def conventions(ids: list[str], says: str) -> Iterator[str]:
    """Conventions in a second column: by name, or as an ending of each id of the row."""
    family = ids[0].split(".")[0]
    for match in CONVENTIONS.finditer(says):
        for name in re.findall(r"`(\w+)`", match[1]):
            yield from [f"{id}{name}" for id in ids] if name.startswith("_") else [f"{family}.{name}"]


def backward() -> Iterator[str]:
    """Section 9 is prose: a list of forward equations, by name or by id."""
    [listed] = FORWARD.findall(SECTIONS)
    for part in re.split(r",\s+|\s+and\s+", " ".join(listed.split())):
        name = {"BPTT over T": "simple_rnn"}.get(part, part.removesuffix(" over T").removesuffix(" (each convention)"))
        yield f"backward.{name.split('.')[-1]}"
        if part.endswith("(each convention)"):
            yield from (f"backward.{id.split('.')[-1]}" for id in tables() if id.startswith(f"recurrent.{name}_"))


@cache
def tables() -> tuple[str, ...]:
    """Every id of the tables of the sections."""
    found: dict[str, None] = {}
    for first, *rest in rows(SECTIONS, 3):
        ids = list(named(first))
        found |= dict.fromkeys(ids)
        found |= dict.fromkeys(conventions(ids, first))
        for says in rest:
            found |= dict.fromkeys(conventions(ids, says))
            family = ids[0].split(".")[0]
            found |= dict.fromkeys(re.findall(rf"`({family}\.\w+)`", says))
    return tuple(found)


def every_id() -> tuple[str, ...]:
    """Those of the prose too."""
    prose = re.findall(r"`(backward\.\w+)`", SECTIONS)
    return (*tables(), *backward(), *prose)


def test_the_tables_are_read() -> None:
    ids = every_id()

    assert len(ids) == len(set(ids)) > 130
    assert {id.split(".")[0] for id in ids} == {
        "text",
        "recurrent",
        "seq2seq",
        "scores",
        "attention",
        "attention_rnn",
        "generation",
        "self_attention",
        "multihead",
        "position",
        "transformer",
        "optimizer",
        "cost",
        "backward",
    }
    assert set(ids) >= {
        "text.encode",
        "text.embedding_padding_idx",
        "recurrent.gru_update_writes",
        "recurrent.lstm_lengths",
        "recurrent.bidirectional_lstm_lengths",
        "recurrent.stacked_bidirectional_gru_reset_after",
        "attention.causal_top_left",
        "self_attention.columns",
        "position.sinusoidal_tensor2tensor",
        "transformer.decoder_layer_pre",
        "backward.gru_cell_update_writes",
        "backward.simple_rnn",
        "backward.scaled_dot_product",
        "backward.rnn_jacobian",
    }


DISCOVERED, WITH_A_PEER = discover(), peers.by_equation()


def test_every_equation_is_in_a_row() -> None:
    missing = peers.catalogue().keys() - set(every_id())

    assert sorted(missing) == [], "an equation that no row of tests/catalogue.md names"


@pytest.mark.parametrize(
    "id",
    # Gradients have mistakes by the thousand.
    [pytest.param(id, marks=[pytest.mark.broad] if id.startswith("backward.") else []) for id in peers.catalogue()],
)
def test_every_row_is_done(id: str) -> None:
    """It has a source, properties, mistakes, implementations in NumPy and PyTorch, a peer or a reason, and a page."""
    equation = peers.catalogue()[id]
    packages = {each.package for each in DISCOVERED.of(id, equation.gradient_of or "")}
    page = (ROOT / "docs" / "equations" / f"{equation.family}.md").read_text(encoding="utf-8")

    assert {
        "source": bool(equation.sources),
        "property": bool(PROPERTIES[id]),
        "mistake": bool(equation.mutants()),
        "NumPy": "attnspec_numpy" in packages,
        "PyTorch": "attnspec_torch" in packages,
        "page": f"\n## {id}\n" in page,
    } == dict.fromkeys(["source", "property", "mistake", "NumPy", "PyTorch", "page"], True)
    assert (id in WITH_A_PEER) != bool(peers.without(id)), "a peer or a reason why there is none, and not both"


def test_every_reason_for_no_peer_is_of_equations_that_exist() -> None:
    listed = [name for names in peers.WITHOUT.values() for name in names.split()]

    assert len(listed) == len(set(listed))
    assert set(listed) <= peers.catalogue().keys()


def test_every_row_is_specified() -> None:
    missing = {id for id in every_id() if id not in REGISTRY and id not in PROCEDURES}

    assert sorted(missing) == [], "in the catalogue, and neither an equation nor a procedure"


# Signatures.

GATES = "W_x{0} (d u), W_h{0} (u u), b_{0} (u)"
RNN = GATES.format("h")
GRU = ", ".join(map(GATES.format, "rzh"))
LSTM = ", ".join(map(GATES.format, "ifgo"))
HALVES = ", ".join(re.sub(r"(\w+) \(", rf"\1_{half} (", GRU) for half in "fb")
STEP = ", ".join(f"W_x{gate} (d u), W_h{gate} (u u), C_{gate} (k u), b_{gate} (u)" for gate in "rzh")
OUTPUT = "W_o (u v), E_o (d v), C_o (k v), b (v)"
HEADS = "x_q (n c), x_kv (m c), W_q (c H·d), W_k (c H·d), W_v (c H·d), W_o (H·d c)"
SCORED = "q (n d), k (m d), v (m e)"


def self_or_cross(end: str) -> str:
    return f"W_q_{end} (c H·d), W_k_{end} (c H·d), W_v_{end} (c H·d), W_o_{end} (H·d c)"


DECODER = ", ".join(
    [
        "x (n c), z (m c)",
        self_or_cross("s"),
        "gamma_1 (c), beta_1 (c)",
        self_or_cross("c"),
        "gamma_2 (c), beta_2 (c)",
        "W_1 (c f), b_1 (f), W_2 (f c), b_2 (c), gamma_3 (c), beta_3 (c), heads, eps",
    ]
)

BIASES = "b_q (H·d), b_k (H·d), b_v (H·d), b_o (c)"
BIASED_DECODER = re.sub(
    r"(W_o_([sc]) \(H·d c\))", r"\1, b_q_\2 (H·d), b_k_\2 (H·d), b_v_\2 (H·d), b_o_\2 (c)", DECODER
).replace("heads, eps", "mask (m), heads, eps")
STACK = (
    "W_q (N c H·d), W_k (N c H·d), W_v (N c H·d), W_o (N H·d c), b_q (N H·d), b_k (N H·d), b_v (N H·d), b_o (N c), "
    "gamma_1 (N c), beta_1 (N c), W_1 (N c f), b_1 (N f), W_2 (N f c), b_2 (N c), gamma_2 (N c), beta_2 (N c), "
    "gamma (c), beta (c)"
)
STACKED = f"x (t c), {STACK}, mask (t), heads, eps"

WORDED = {
    "recurrent.simple_rnn_cell_concat": "x (d), h (u), A (u+d u), b (u)",
    "recurrent.gru_cell": f"x (d), h (u), {GRU}",
    "recurrent.gru_cell_reset_after": f"x (d), h (u), {GRU}, b_hh (u)",
    "recurrent.gru_cell_update_writes": f"x (d), h (u), {GRU}",
    "recurrent.lstm_cell": f"x (d), h (u), c (u), {LSTM}",
    "recurrent.simple_rnn": f"x (t d), h_0 (u), {RNN}",
    "recurrent.gru": f"x (t d), h_0 (u), {GRU}",
    "recurrent.gru_reset_after": f"x (t d), h_0 (u), {GRU}, b_hh (u)",
    "recurrent.gru_update_writes": f"x (t d), h_0 (u), {GRU}",
    "recurrent.lstm": f"x (t d), h_0 (u), c_0 (u), {LSTM}",
    "recurrent.bidirectional_gru": f"x (t d), {HALVES}",
    "recurrent.bidirectional_gru_lengths": f"x (t d), length (), {HALVES}",
    "recurrent.stacked_gru": "x (t d), layers ()",
    "recurrent.gru_lengths": f"x (t d), length (), h_0 (u), {GRU}",
    "seq2seq.encode_gru": f"x (m d), h_0 (u), {GRU}",
    "seq2seq.teacher_forced": f"target (t), c (k), s_0 (u), E (v d), {STEP}, {OUTPUT}, start",
    "seq2seq.greedy_decode": f"c (k), s_0 (u), E (v d), {STEP}, {OUTPUT}, start, stop, limit",
    "scores.nonlinear": "s (n p), h (m r), W_q (p a), W_k (r a), b_q (a), b_k (a)",
    "attention.value_map": "alpha (n m), h (m d), W_v (d e)",
    "attention.masked": f"{SCORED}, mask (n m)",
    "attention_rnn.attentive_step": "x (d), s (u), c (u), h (m u), A (d+u+u u), b (u), W_q (u a), W_k (u a)",
    "attention_rnn.self_attentive": "x (t d), A (d+u u), b (u), W_q (u a), W_k (u a)",
    "multihead.masked": f"{HEADS}, mask (n m), heads",
    "multihead.attention_biased": f"{HEADS}, b_q (H·d), b_k (H·d), b_v (H·d), b_o (c), heads",
    "multihead.self_attention_biased": f"{HEADS.replace('x_q (n c), x_kv (m c)', 'x (t c)')}, {BIASES}, heads",
    "multihead.masked_biased": f"{HEADS}, {BIASES}, mask (n m), heads",
    "multihead.padded_biased": f"{HEADS}, {BIASES}, mask (m), heads",
    "multihead.causal_biased": f"{HEADS}, {BIASES}, heads",
    **{f"transformer.decoder_layer_biased{ending}": BIASED_DECODER for ending in ("", "_gelu", "_pre", "_pre_gelu")},
    "transformer.encoder_only": STACKED,
    "transformer.encoder_biased_pre": STACKED,
    "transformer.decoder_only": f"k (t), P (v c), P_pos (t+s c), {STACK}, heads, eps",
    "transformer.decoder_layer": DECODER,
    "transformer.decoder_layer_pre": DECODER,
}
"""What the table says in words, written out; what follows … is left open."""

RESULTS = {
    "recurrent.lstm": "(t u), (u)",
    "recurrent.simple_rnn": "(t u)",
    **{f"recurrent.gru{ending}": "(t u)" for ending in ("", "_reset_after", "_update_writes")},
}
"""The same for what is returned."""


def groups(cell: str) -> list[list[str]]:
    """Ids of a first column of the signatures; a semicolon parts those whose signatures are told one by one."""
    found: list[list[str]] = []
    family = last = ""
    for group in cell.split(";"):
        found.append([])
        for word in map(str.strip, group.split(",")):
            plain = word.removesuffix(" and its conventions")
            if "." in plain:
                family, last = plain.split(".")[0] or family, plain.split(".")[1]
                ids = [f"{family}.{last}"]
            else:
                ids = [ending(f"{family}.{last}", plain)]
            if plain != word:
                ids += [id for id in tables() if id in REGISTRY and REGISTRY[id].convention_of == ids[0]]
            found[-1] += ids
    return found


def ending(id: str, suffix: str) -> str:
    """The id that an ending means: behind an id, or in place of the end of its name."""
    parts = id.split("_")
    tried = ["_".join(parts[:k]) + suffix for k in range(len(parts), 0, -1)]
    [first, *_] = [each for each in tried if each in tables()]
    return first


def signatures() -> Iterator[tuple[str, str, str]]:
    """Each id of the table with its parameters and results, as written."""
    for first, takes, gives in rows(SIGNATURES, 3):
        parts = groups(first)
        told = takes.split(";") if takes.count(";") == len(parts) - 1 else [takes] * len(parts)
        given = gives.split(";") if gives.count(";") == len(parts) - 1 else [gives] * len(parts)
        for ids, one, result in zip(parts, told, given, strict=True):
            yield from ((id, one.strip(), result.strip()) for id in ids)


def read(text: str) -> Signature | None:
    """Names with their shapes, where a text says nothing else; a name alone has the shape that its fellows have."""
    found: Signature = []
    for part in re.split(r", (?![^(]*\))", text.partition(", …")[0]):
        match = re.fullmatch(r"(\w+)(?: \(([^()]*)\))?", part)
        if match is None:
            return None
        found.append((match[1], None if match[2] is None else dims(match[2])))
    return found


def dims(text: str) -> tuple[Dim, ...]:
    """H·d and 2u are as the code has them, H*d and 2*u."""
    return tuple(Dim.parse(re.sub(r"(\d)([a-z])", r"\1*\2", part.replace("·", "*"))) for part in text.split())


SIGNED = {id: (takes, gives) for id, takes, gives in signatures()}


def test_the_signatures_are_read() -> None:
    prose = {id for id, (takes, _) in SIGNED.items() if read(takes) is None or "weights" in takes}

    assert len(SIGNED) > 90
    assert not SIGNED.keys() - set(every_id()), "in the signatures, and in no section"
    assert not prose - WORDED.keys(), "said in words: write it out in WORDED"
    assert not WORDED.keys() - SIGNED.keys()


@pytest.mark.parametrize("id", [id for id in SIGNED if id in REGISTRY])
def test_an_equation_has_the_signature_of_the_catalogue(id: str) -> None:
    takes, gives = SIGNED[id]
    definition = REGISTRY[id].definition
    wanted = read(WORDED.get(id, takes))
    shapes = {each.name: each.dims for each in definition.parameters}
    results = [dims(each) for each in re.findall(r"\(([^()]*)\)", RESULTS.get(id, gives))]
    if id == "text.segments":  # its p is as many as there are
        count = Dim.parse("ceil((t-w)/s)")
        results = [tuple(count if each == Dim.parse("p") else each for each in result) for result in results]

    names = [*shapes, *(option.name for option in definition.options)]
    open_ = "…" in WORDED.get(id, "")

    assert wanted is not None
    assert names[: len(wanted) if open_ else None] == [name for name, _ in wanted]
    assert {name: shapes.get(name) for name, each in wanted if each is not None} == {
        name: each for name, each in wanted if each is not None
    }
    assert [each.dims for each in definition.results] == results
