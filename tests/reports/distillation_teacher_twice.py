"""The scores of the teacher stand in both places, so that the student is not read.

https://github.com/labmlai/annotated_deep_learning_paper_implementations/issues/66
"""

from __future__ import annotations

import torch
from torch import Tensor

EQUATION = "seq2seq.distillation_logits"
OPTIONS: dict[str, object] = {"framework": "torch"}


def faulty(logits_teacher: Tensor, logits_student: Tensor, *, tau: float) -> Tensor:
    p = torch.softmax(logits_teacher / tau, -1)
    return -(p * torch.log_softmax(logits_teacher / tau, -1)).sum(-1)


def mended(logits_teacher: Tensor, logits_student: Tensor, *, tau: float) -> Tensor:
    p = torch.softmax(logits_teacher / tau, -1)
    return -(p * torch.log_softmax(logits_student / tau, -1)).sum(-1)
