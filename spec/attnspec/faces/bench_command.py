"""`attnspec bench TARGET`: one implementation beside the installed ones, with time, memory, bits and verdict."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rich.table import Table

from attnspec.discovery import discover
from attnspec.errors import BindingError
from attnspec.faces.json_file import Document
from attnspec.faces.screen import Screen, logged
from attnspec.verification.measuring import Comparison, Measured, compare
from attnspec.verification.options import VerifyOptions
from attnspec.verification.verdict import VerdictKind

SHOWN = ("numpy", "torch", "jax", "jaxlib", "onnxruntime")
"""The packages whose versions are printed, where they are installed."""


WRONG = frozenset({VerdictKind.DIFFERS, VerdictKind.IMPRECISE, VerdictKind.MISBEHAVES, VerdictKind.FAILS})
"""The verdicts with which a time means nothing."""


def print_benchmark(
    target: str,
    options: VerifyOptions,
    *,
    sizes: Mapping[str, str],
    batch: tuple[int, ...] | None,
    rounds: int,
    to_json: str | None,
) -> int:
    """Judge and measure an implementation and the installed ones of the same equation, and print a table.

    Args:
        target: the target, as `attnspec.verify` takes it.
        options: the options of `attnspec.verify`.
        sizes: {named size: its value as text}.
        batch: the batch axes; None for the usual ones.
        rounds: how often each is measured.
        to_json: the file to write JSON to; "-" is the standard output, None writes none.

    Returns:
        The exit code: 0 if the target conforms, else 1.

    Raises:
        SpecError: as `attnspec.verification.measuring.compare` does.
    """
    with logged(target) as stage:
        found = compare(
            target,
            lambda id: [each for each in installed(id) if each != target],
            options,
            sizes={name: _number(name, text) for name, text in sizes.items()},
            batch=batch,
            rounds=rounds,
            on_progress=stage,
        )
    document = Document(to_json)
    document.finish(as_json(found))
    if to_json != "-":
        _print(found)
    return 0 if found.measured[0].verdict.passed else 1


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        expected = "a whole number above 0, such as 1024"
        raise BindingError(f"the size {name} is not one that is measured", given=f"{name}={text}", expected=expected)
    return int(text)


def batch_axes(text: str | None) -> tuple[int, ...] | None:
    """The sizes of batch axes: (2, 8) for "2,8", () for "none", None for None.

    Raises:
        BindingError: it is something else.
    """
    if text is None or text == "none":
        return None if text is None else ()
    return tuple(_number("of a batch axis", part.strip()) for part in text.split(","))


def installed(id: str) -> list[str]:
    """The targets of the installed implementations of an equation, without gradients by automatic differentiation."""
    return [each.target for each in discover().of(id) if not each.backward]


def _print(found: Comparison) -> None:
    """Print what was measured, and on what: those that conform, the fastest first, then the others."""
    screen, first = Screen(), found.measured[0]
    screen.print(f"{first.verdict.equation}, {first.verdict.dtype}: {found.case}", "bold")
    table = Table(box=None, pad_edge=False)
    table.add_column("implementation", overflow="fold")
    for heading in ("time", "ratio", "memory", "bits"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for each in sorted(found.measured, key=lambda each: (not each.verdict.passed, each.median)):
        table.add_row(*_row(each, first), style="" if each.verdict.passed else "red")
    screen.print_table(table)
    for note in _notes(found):
        screen.print(note)


def _row(each: Measured, first: Measured) -> Iterator[str]:
    verdict = each.verdict
    yield f"{verdict.implementation} ({verdict.framework})"
    yield f"{each.median * 1000:.3g} ms" if each.seconds else "–"
    yield f"{each.median / first.median:.2f}" if each.seconds and first.seconds else "–"
    yield "–" if each.peak_bytes is None else f"{each.peak_bytes / 2**20:.1f} MiB"
    yield "–" if verdict.effective_bits is None else f"{verdict.effective_bits:.1f}"
    yield f"wrong: {verdict.verdict.value}" if verdict.verdict in WRONG else verdict.verdict.value


def _notes(found: Comparison) -> Iterator[str]:
    yield f"medians of {max(len(each.seconds) for each in found.measured)} rounds, all in turn; ratio to the target"
    for each in found.measured:
        if each.trouble:
            yield f"not measured: {each.verdict.implementation}: {each.trouble}"
    yield from (f"not judged: {note}" for note in found.notes)
    yield f"{platform.machine()}, {threads()}, {', '.join(versions())}"


def threads() -> str:
    """How many threads a library may use, as the environment says."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return f"OMP_NUM_THREADS={told}" if told else f"threads not limited, {os.cpu_count()} cores"


def versions() -> Iterator[str]:
    yield f"Python {sys.version.split()[0]}"
    for name in SHOWN:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            continue


def as_json(found: Comparison) -> dict[str, Any]:
    """What was measured, as JSON has it."""
    return {
        "case": str(found.case),
        "sizes": dict(found.case.sizes),
        "batch": [*found.case.batch],
        "machine": {"machine": platform.machine(), "threads": threads(), "versions": [*versions()]},
        "measured": [
            {
                "implementation": each.verdict.implementation,
                "equation": each.verdict.equation,
                "framework": each.verdict.framework,
                "dtype": each.verdict.dtype,
                "verdict": each.verdict.verdict.value,
                "effective_bits": each.verdict.effective_bits,
                "seconds": [*each.seconds],
                "peak_bytes": each.peak_bytes,
                "trouble": each.trouble,
            }
            for each in found.measured
        ],
        "notes": [*found.notes],
    }
