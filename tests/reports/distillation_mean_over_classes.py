"""The loss is the mean over the classes, where it should be the sum.

https://github.com/HikariTJU/LD/issues/74
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.distillation_logits"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(logits_teacher: Tensor, logits_student: Tensor, *, tau: float) -> Tensor:
    return -(torch.softmax(logits_teacher / tau, -1) * torch.log_softmax(logits_student / tau, -1)).mean(-1)


def mended(logits_teacher: Tensor, logits_student: Tensor, *, tau: float) -> Tensor:
    return -(torch.softmax(logits_teacher / tau, -1) * torch.log_softmax(logits_student / tau, -1)).sum(-1)
