"""The sum is divided by the number of sentences, and not by that of all their words.

https://github.com/neuralmagic/sparseml/issues/674
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnspec import Source, equation
from attnspec.notation import Float, exp, index, log_softmax, size, sum
from attnspec.notation import Tensor as Given

EQUATION = "divergence_over_first_axis_alone.divergence"
OPTIONS: dict[str, object] = {"framework": "torch"}


@equation(
    Source(paper="Hinton et al. 2015, arXiv:1503.02531v1, sec. 2; as a divergence, of sentences of words"),
    scales={"teacher": "scores", "student": "scores"}, smallest={"n": 1, "t": 1, "v": 1},
)  # fmt: skip
def divergence(teacher: Float[Given, "n t v"], student: Float[Given, "n t v"]) -> Float[Given, ""]:
    """The mean over all words of how far the student's distribution is from the teacher's."""
    i, j, k = index("n"), index("t"), index("v")
    n, t = size("n"), size("t")
    a = log_softmax(k, teacher[i, j, k])
    b = log_softmax(k, student[i, j, k])
    far = sum(k, exp(a) * (a - b)).stack(i, j)
    total = sum(i, sum(j, far[i, j]))
    return total / (n * t)


def summed(teacher: Tensor, student: Tensor) -> Tensor:
    a, b = torch.log_softmax(teacher, -1), torch.log_softmax(student, -1)
    return (a.exp() * (a - b)).sum((-3, -2, -1))


def faulty(teacher: Tensor, student: Tensor) -> Tensor:
    return summed(teacher, student) / teacher.shape[-3]


def mended(teacher: Tensor, student: Tensor) -> Tensor:
    return summed(teacher, student) / (teacher.shape[-3] * teacher.shape[-2])
