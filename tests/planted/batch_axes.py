"""Softmax over the last axis, right and wrong by how many batch axes stand before it."""

from __future__ import annotations

from typing import Any

import numpy as np


def softmax(e: Any) -> Any:
    """Right for any number of axes."""
    exp = np.exp(e - e.max(-1, keepdims=True)) if e.size else e
    return exp / exp.sum(-1, keepdims=True)


def by_first_axes(e: Any) -> Any:
    """The first two axes are taken for the batch and the rows, and all the rest for the width."""
    wide = e.reshape(*e.shape[:2], -1) if e.ndim > 2 and e.size else e
    exp = np.exp(wide - wide.max(-1, keepdims=True)) if e.size else e
    return (exp / exp.sum(-1, keepdims=True)).reshape(e.shape)


def left_flat(e: Any) -> Any:
    """Several batch axes are flattened to one, and stay so."""
    flat = e.reshape(-1, *e.shape[-2:]) if e.ndim > 3 and e.size else e
    exp = np.exp(flat - flat.max(-1, keepdims=True)) if e.size else e
    return exp / exp.sum(-1, keepdims=True)


def restored_wrongly(e: Any) -> Any:
    """Two batch axes are flattened in one order, and restored in the other."""
    flat = e.swapaxes(0, 1).reshape(-1, *e.shape[-2:]) if e.ndim == 4 and e.size else e
    exp = np.exp(flat - flat.max(-1, keepdims=True)) if e.size else e
    return (exp / exp.sum(-1, keepdims=True)).reshape(e.shape)


def up_to_one_axis(e: Any) -> Any:
    """It refuses what it was not written for."""
    if e.ndim > 3:
        raise ValueError("e has too many axes")
    exp = np.exp(e - e.max(-1, keepdims=True)) if e.size else e
    return exp / exp.sum(-1, keepdims=True)


def of_two_axes(e: Any) -> Any:
    """It takes two batch axes, no more and no less."""
    if e.ndim != 4:
        raise ValueError(f"e has {e.ndim} axes")
    exp = np.exp(e - e.max(-1, keepdims=True)) if e.size else e
    return exp / exp.sum(-1, keepdims=True)


def over_third_axis(e: Any) -> Any:
    """The axis is counted from the front: with two batch axes it is another one."""
    axis = 2 if e.ndim == 4 else -1
    exp = np.exp(e - e.max(axis, keepdims=True)) if e.size else e
    return exp / exp.sum(axis, keepdims=True)
