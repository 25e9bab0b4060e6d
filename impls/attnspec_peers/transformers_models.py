"""Parts of the models of Hugging Face's transformers: positions, and the temperature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnspec import implements

if TYPE_CHECKING:
    from torch import Tensor

CPU = ("cpu",)
LONG = ("float32",)  # in which they make their tables


@implements("position.sinusoidal", framework="torch", dtypes=LONG, devices=CPU, smallest={"t": 1, "d": 1})
def transformers_sinusoidal(*, t: int, d: int) -> Tensor:
    """XLM's create_sinusoidal_embeddings."""
    import torch
    from transformers.models.xlm.modeling_xlm import create_sinusoidal_embeddings

    table: Tensor = create_sinusoidal_embeddings(t, d, torch.empty(t, d))
    return table


@implements("position.sinusoidal_halves", framework="torch", dtypes=LONG, devices=CPU, smallest={"t": 1, "d": 1})
def transformers_sinusoidal_halves(*, t: int, d: int) -> Tensor:
    """MarianSinusoidalPositionalEmbedding."""
    import torch
    from transformers.models.marian.modeling_marian import MarianSinusoidalPositionalEmbedding

    with torch.device("meta"):
        module = MarianSinusoidalPositionalEmbedding(t, d)
    table: Tensor = module.create_weight()
    return table


@implements("position.sinusoidal_tensor2tensor", framework="torch", dtypes=LONG, devices=CPU, smallest={"t": 1, "d": 4})
def transformers_sinusoidal_tensor2tensor(*, t: int, d: int) -> Tensor:
    """M2M100SinusoidalPositionalEmbedding."""
    from transformers.models.m2m_100.modeling_m2m_100 import M2M100SinusoidalPositionalEmbedding

    table: Tensor = M2M100SinusoidalPositionalEmbedding.get_embedding(t, d)
    return table


@implements("seq2seq.temperature", framework="torch", dtypes=LONG, devices=CPU, finite=True)
def transformers_temperature(logits: Tensor, *, tau: float) -> Tensor:
    """TemperatureLogitsWarper, and the softmax of PyTorch."""
    import torch
    from transformers import TemperatureLogitsWarper

    return torch.softmax(TemperatureLogitsWarper(tau)(None, logits), dim=-1)
