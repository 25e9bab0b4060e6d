"""The table on conventions: where equations of one name differ, which library computes which of them.

`peers.py` writes the page. A cell of a library's column names peers, which run here. What was only read stands in a
column of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from attnspec.language.equation import Equation
from writing import anchor, table

Catalogue = Mapping[str, Equation[..., Any]]


class Read(NamedTuple):
    """What the source of some software says that no peer runs.

    Attributes:
        software: its name, and where it has versions, the version or commit.
        equations: the ids of what it computes.
        link: the source that was read.
    """

    software: str
    equations: tuple[str, ...]
    link: str


KERAS_CUDNN = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/tensorflow/rnn.py"
BERT = "https://github.com/google-research/bert/blob/0017e7ecb4aa6b40e6d21ab7d46d2b055f88f236/modeling.py"
GPT2 = "https://github.com/openai/gpt-2/blob/122c55a53a50ef625f9f4fc577ed0d59e53bf417/src/model.py"
FLASH = (
    "https://github.com/Dao-AILab/flash-attention/blob/88c4e5dbf677dd184cf953599414e0be622835e1/"
    "flash_attn/flash_attn_interface.py"
)

READ = (
    Read(
        "Keras 3.15.1 on TensorFlow with cuDNN",
        ("recurrent.gru_lengths_reset_after", "recurrent.lstm_lengths"),
        KERAS_CUDNN,
    ),
    Read("BERT's own code", ("transformer.feed_forward_gelu_tanh",), BERT),
    Read("GPT-2's own code", ("transformer.feed_forward_gelu_tanh", "attention.causal"), GPT2),
    Read("FlashAttention", ("attention.causal",), FLASH),
)
"""What was read in a source, and not run."""


def groups(catalogue: Catalogue) -> dict[str, list[str]]:
    """The ids of an equation and of its conventions, by the id of the equation."""
    found: dict[str, list[str]] = {}
    for id, equation in catalogue.items():
        if equation.convention_of:
            found.setdefault(equation.convention_of, [equation.convention_of]).append(id)
    return found


def read_of(id: str) -> list[Read]:
    """What was read of software that computes an equation."""
    return [each for each in READ if id in each.equations]


def paragraphs(
    catalogue: Catalogue, libraries: Sequence[tuple[str, str]], cell: Callable[[str, str], str], mark: str
) -> Iterator[str]:
    """The paragraphs of the page.

    Args:
        catalogue: the equations by id.
        libraries: the distributions that have peers, each with its version.
        cell: the peers of an equation, by its id, that call a distribution; "" if there are none.
        mark: the comment at the top.
    """
    names = [name for name, _ in libraries]

    def known(ids: Sequence[str]) -> bool:
        return any(read_of(id) or any(cell(id, name) for name in names) for id in ids)

    yield mark
    yield "# Conventions"
    yield (
        "Which library computes which of several equations that go by one name. A cell of a library names peers, "
        "which `attnspec verify attnspec_peers` runs in this version; [peers.md](peers.md) has all of them. An empty "
        "cell: no peer of the library computes it. What was read in a source and not run is in the last column."
    )
    every = groups(catalogue)
    rows = []
    for base, ids in every.items():
        if known(ids):
            rows += [[_linked(id), _says(id, base, catalogue), *(cell(id, name) for name in names), _read(id)]
                     for id in ids]  # fmt: skip
    yield table(
        ["equation", "what tells it apart", *(f"{n} {v}" for n, v in libraries), "read in source, not run"], rows
    )
    yield "## No library has a peer for either"
    yield table(
        ("equation", "its conventions"),
        ((_linked(base), ", ".join(map(_linked, ids[1:]))) for base, ids in every.items() if not known(ids)),
    )


def _says(id: str, base: str, catalogue: Catalogue) -> str:
    return catalogue[id].says if id != base else "as it is written, without what follows"


def _read(id: str) -> str:
    return ", ".join(f"[{each.software}]({each.link})" for each in read_of(id))


def _linked(id: str) -> str:
    return f"[{id}](equations/{id.partition('.')[0]}.md#{anchor(id)})"
