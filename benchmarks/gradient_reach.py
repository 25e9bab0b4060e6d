"""How far back a gradient reaches: through a recurrence it passes every step, through attention it passes one.

    python benchmarks/gradient_reach.py            print the table
    python benchmarks/gradient_reach.py --write    write docs/gradient-reach.svg, and the table into its page

002's O(n) against O(1), measured on the equations: the norm of ∂(w·output at the last place)/∂(input k places before
it), the median of many networks with weights drawn as a new network's are.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from array_api_compat import array_namespace
from numpy.typing import NDArray

from attnspec.interpreters.evaluation.call import fit
from attnspec.interpreters.evaluation.value import ValueOf
from attnspec.language.equation import REGISTRY

Floats = NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[1]
DRAWING, PAGE = ROOT / "docs/gradient-reach.svg", ROOT / "docs/gradient-reach.md"
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"

LENGTH, WIDTH, NETWORKS = 64, 16, 25
"""Inputs in a sequence, the width of inputs and states, and how many networks the median is of."""

SHOWN = (0, 1, 2, 4, 8, 16, 32, 63)
"""The distances in the table."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What is measured: an equation, the biases that are not 0, and the colour of its line."""

    id: str
    colour: str
    biases: tuple[tuple[str, float], ...] = ()


MEASURED = {
    "simple RNN": Kind("recurrent.simple_rnn", "#c0392b"),
    "GRU": Kind("recurrent.gru", "#d68910"),
    "LSTM": Kind("recurrent.lstm", "#7d3c98"),
    "LSTM, b_f = 4": Kind("recurrent.lstm", "#17806d", (("b_f", 4.0),)),
    "attention": Kind("self_attention.causal", "#1f618d"),
}


def drawn(kind: str, network: int, length: int) -> dict[str, torch.Tensor]:
    """Inputs of size 1, states and biases of 0, and weights that keep the size of what they multiply: N(0, 1/width)."""
    found, biases = {}, dict(MEASURED[kind].biases)
    for place, parameter in enumerate(REGISTRY[MEASURED[kind].id].definition.parameters):
        generator = np.random.Generator(np.random.Philox(key=[network, place]))
        shape = [length if str(dim) == "t" else WIDTH for dim in parameter.dims]
        scale = {"x": 1.0, "W": WIDTH**-0.5}.get(parameter.name.split("_")[0], 0.0)
        array = scale * generator.standard_normal(shape) + biases.get(parameter.name, 0.0)
        found[parameter.name] = torch.from_numpy(array)
    return found


def reach(kind: str, network: int, length: int = LENGTH) -> Floats:
    """The norm of the gradient by distance, of a random direction of the last output of one network."""
    arrays = drawn(kind, network, length)
    definition = REGISTRY[MEASURED[kind].id].definition
    x = arrays["x"].requires_grad_()
    sizes, _ = fit(definition, {name: tuple(array.shape) for name, array in arrays.items()}, {})
    (output, *_), _ = ValueOf(array_namespace(x)).run(definition, arrays, {}, sizes)
    direction = np.random.Generator(np.random.Philox(network)).standard_normal(WIDTH)
    along = torch.from_numpy(direction / np.linalg.norm(direction))
    (gradient,) = torch.autograd.grad(output[-1] @ along, x)
    return np.asarray(gradient.norm(dim=-1).flip(0))


def medians(kind: str, networks: int = NETWORKS, length: int = LENGTH) -> Floats:
    """By distance, of many networks of a kind."""
    return np.asarray(np.median([reach(kind, network, length) for network in range(networks)], axis=0))


def table(found: Mapping[str, Floats]) -> str:
    """Some distances, as Markdown."""
    lines = [["distance", *found], ["---:"] * (len(found) + 1)]
    lines += [[str(k), *(f"{line[k]:.1e}" for line in found.values())] for k in SHOWN]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def drawing(found: Mapping[str, Floats]) -> str:
    """The lines over the distance, the norm as powers of ten."""
    wide, high, left, top = 540, 300, 60, 20
    lowest = int(np.floor(min(np.log10(line).min() for line in found.values())))
    length = len(next(iter(found.values())))

    def place(k: float, power: float) -> str:
        return f"{left + wide * k / (length - 1):.1f},{top + high * (1 - power) / (1 - lowest):.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + wide + 110} {top + high + 50}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{left + wide + 110}" height="{top + high + 50}" fill="white"/>',
    ]
    for power in range(lowest, 2, max(1, -lowest // 6)):
        x, y = place(0, power).split(",")
        parts.append(f'<path d="M{x},{y} h{wide}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y}" dy="4" text-anchor="end">10{_raised(power)}</text>')
    for k in range(0, length, 8):
        x, y = place(k, lowest).split(",")
        parts.append(f'<text x="{x}" y="{y}" dy="18" text-anchor="middle">{k}</text>')
    x, y = left + wide / 2, top + high + 40
    parts.append(f'<text x="{x}" y="{y}" text-anchor="middle">places between input and output</text>')
    for name, line in found.items():
        colour = MEASURED[name].colour
        path = " ".join(place(k, float(np.log10(value))) for k, value in enumerate(line))
        x, y = place(length - 1, float(np.log10(line[-1]))).split(",")
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{x}" y="{y}" dx="8" dy="4" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _raised(power: int) -> str:
    return str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, then print or write; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the drawing, and the table into its page")
    given = parser.parse_args(arguments)
    found = {kind: medians(kind) for kind in MEASURED}
    if not given.write:
        print(table(found))
        return 0
    DRAWING.write_text(drawing(found), encoding="utf-8")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{table(found)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
