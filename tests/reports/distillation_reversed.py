"""The student is taken for the teacher, and the teacher for the student.

https://github.com/paiml/aprender/pull/2153
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.distillation_logits"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(logits_teacher: Tensor, logits_student: Tensor, *, tau: float) -> Tensor:
    q = torch.softmax(logits_student / tau, -1)
    return -(q * torch.log_softmax(logits_teacher / tau, -1)).sum(-1)


def mended(logits_teacher: Tensor, logits_student: Tensor, *, tau: float) -> Tensor:
    p = torch.softmax(logits_teacher / tau, -1)
    return -(p * torch.log_softmax(logits_student / tau, -1)).sum(-1)
