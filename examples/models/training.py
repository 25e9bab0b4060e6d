"""What the models of this folder share: weights in an equation's shapes, training, greedy decoding, a heat map.

A model is given sources, and for each place of the targets the word before it; it returns the probability of every word
there. Words are numbers; 0 is what stands before the first.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import attnspec
from attnspec.language.symbols import symbol
from attnspec_torch.seq2seq import cross_entropy_probs

Model = TypeVar("Model", bound=nn.Module)
Draw = Callable[[int, torch.Generator], tuple[Tensor, Tensor]]
"""How many, and where chance comes from: sources (count, m) and their targets (count, n)."""

BATCH = 64
HELD_OUT = 10
"""One source of so many is never trained on, and is what is asked in the end."""


def learned(equation: attnspec.Equation[..., Any], **sizes: int) -> nn.ParameterDict:
    """What an equation learns, by its names and in its shapes; a product begins about as large as what it is of."""
    weights = {}
    for parameter in equation.definition.parameters:
        if symbol(parameter.name, equation.id).weight:
            shape = [dim.value(sizes) for dim in parameter.dims]
            random = torch.randn(shape) / math.sqrt(shape[0])
            constant = {"b": torch.zeros(shape), "beta": torch.zeros(shape), "gamma": torch.ones(shape)}
            weights[parameter.name] = constant.get(parameter.name.split("_")[0], random)
    return nn.ParameterDict(weights)


def conforming(functions: Sequence[Callable[..., Any]]) -> None:
    """What is trained computes what the specification says; else nothing is trained."""
    for function in (*functions, cross_entropy_probs):
        report = attnspec.verify(function, dtype="float32", examples=5)
        print(str(report.verdicts[0]).partition("\n")[0], flush=True)
        if not report.passed:
            raise SystemExit(str(report))


def train(model: nn.Module, draw: Draw, steps: int, rate: float) -> list[float]:
    """Each word of a target is asked of the true ones before it. The loss of every step."""
    chance = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), rate)
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, steps)
    losses: list[float] = []
    for step in range(steps):
        source, target = drawn(draw, BATCH, chance, held_out=False)
        p = model(source, before(target))
        loss = cross_entropy_probs(p, F.one_hot(target, p.shape[-1]).to(p.dtype)).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # PyTorch has no type
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        decay.step()
        losses.append(loss.item())
        if step % max(steps // 10, 1) == 0 or step == steps - 1:
            print(f"step {step:5d}  loss {losses[-1]:.4f}", flush=True)
    return losses


@torch.no_grad()
def greedy(model: nn.Module, source: Tensor, length: int) -> Tensor:
    """The most probable word, given the model's own words before it; one place after the other."""
    said = torch.zeros(len(source), 0, dtype=torch.long)
    for _ in range(length):
        p = model(source, F.pad(said, (1, 0)))
        said = torch.cat([said, p[:, -1:].argmax(dim=-1)], dim=1)
    return said


def right(model: nn.Module, draw: Draw, count: int = 512) -> float:
    """The share of new sources that are answered without any mistake."""
    source, target = drawn(draw, count, torch.Generator().manual_seed(1), held_out=True)
    return (greedy(model, source, target.shape[1]) == target).all(dim=1).double().mean().item()


def drawn(draw: Draw, count: int, chance: torch.Generator, *, held_out: bool) -> tuple[Tensor, Tensor]:
    """Sources that are held out, or that are not, with their targets."""
    source, target = draw(2 * HELD_OUT * count if held_out else 2 * count, chance)
    kept = (source.sum(dim=1) % HELD_OUT == 0) == held_out
    return source[kept][:count], target[kept][:count]


def before(target: Tensor) -> Tensor:
    """The word before each place."""
    return F.pad(target[:, :-1], (1, 0))


def heat_map(alpha: Tensor, rows: str, columns: str) -> str:
    """Attention weights, an output a row and an input a column: the darker, the more."""
    shades = " ░▒▓█"
    lines = ["   " + " ".join(columns)]
    for name, row in zip(rows, alpha.tolist(), strict=True):
        lines.append(f"{name}  " + "".join(2 * shades[round(a * (len(shades) - 1))] for a in row))
    return "\n".join(line.rstrip() for line in lines)


def main(
    build: Callable[[], Model], draw: Draw, functions: Sequence[Callable[..., Any]], *, steps: int, rate: float = 3e-3
) -> Model:
    """Verify, train, ask what was never seen. Seeds are fixed: the same machine says the same."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=steps, metavar="N", help=f"how long to train (default: {steps})")
    steps = parser.parse_args().steps
    torch.set_num_threads(1)
    torch.manual_seed(0)
    conforming(functions)
    model = build()
    train(model, draw, steps, rate)
    print(f"without a mistake: {right(model, draw):.1%} of new sources")
    return model
