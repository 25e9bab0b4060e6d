"""Check a kernel of PyTorch against vectors of attnspec, without attnspec: VECTORS=FOLDER pytest check_torch.py."""

import json
import os
from pathlib import Path

import pytest
import torch

VECTORS = json.loads((Path(os.environ["VECTORS"]) / "vectors.json").read_text(encoding="utf-8"))


def kernel(q, k):
    """scores.scaled_dot"""
    return {"e": q @ k.mT / q.shape[-1] ** 0.5}


def tensor(array):
    values = [float(each) if isinstance(each, str) else each for each in array["data"]]
    return torch.tensor(values, dtype=getattr(torch, array["dtype"])).reshape(array["shape"])


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["id"])
def test_case(case):
    answers = kernel(**{name: tensor(array) for name, array in case["inputs"].items()}, **case["options"])
    for name, expected in case["outputs"].items():
        bounds = expected["bounds"][VECTORS["policy"]]
        bound = torch.tensor([float(each) for each in bounds], dtype=torch.float64).reshape(expected["shape"])
        assert ((answers[name].double() - tensor(expected)).abs() <= bound).all()
