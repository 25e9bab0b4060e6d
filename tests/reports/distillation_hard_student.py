"""Only the teacher's logits are divided by the temperature, not the student's.

https://github.com/yuanli2333/Teacher-free-Knowledge-Distillation/issues/24
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.distillation_logits"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(logits_teacher: Tensor, logits_student: Tensor, *, tau: float) -> Tensor:
    return -(torch.softmax(logits_teacher / tau, -1) * torch.log_softmax(logits_student, -1)).sum(-1)


def mended(logits_teacher: Tensor, logits_student: Tensor, *, tau: float) -> Tensor:
    return -(torch.softmax(logits_teacher / tau, -1) * torch.log_softmax(logits_student / tau, -1)).sum(-1)
