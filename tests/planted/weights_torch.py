"""Attention weights in PyTorch, which is right."""

import torch

from attnspec import implements


@implements("attention.weights", framework="torch")
def weights(e: torch.Tensor) -> torch.Tensor:
    return torch.softmax(e, dim=-1)
