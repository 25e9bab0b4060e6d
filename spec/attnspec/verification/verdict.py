"""Verdicts, and how they are written down: for people, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import attnspec
from attnspec.errors import indent
from attnspec.verification.cases.case import Case


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that a candidate's error is recognised as.

    Attributes:
        id: the mutant's or convention's id, or "unrecognised".
        says: the sentence.
        also: other mutants that the cases cannot tell from this one.
        distance: the root mean square of error/σ that is left under it.
    """

    id: str
    says: str
    also: tuple[str, ...] = ()
    distance: float = 0.0


AUTODIFF = {"torch": "torch.autograd", "jax": "jax.vjp"}
"""By framework, what makes a backward pass of a forward one."""


VERDICTS = ("conforms", "differs", "imprecise", "misbehaves", "fails", "inconclusive", "not run")


@dataclass(frozen=True, slots=True)
class WorstElement:
    """The case that shows a verdict, and one element of it.

    Attributes:
        case: the smallest case found.
        output: which output, and the element's index in it.
        expected: the oracle's value there, with σ.
        got: the candidate's.
    """

    case: Case
    output: str = ""
    index: tuple[int, ...] = ()
    expected: float = float("nan")
    sigma: float = 0.0
    got: float = float("nan")

    @property
    def right(self) -> str:
        """The value that belongs there, in words; "" where it is no element that is wrong."""
        place = f"{self.output}{list(self.index) if self.index else ''}"
        value = f"{place} = {self.expected:.8g}, rounding noise {self.sigma:.1g}"
        return value if self.output else ""

    @property
    def wrong(self) -> str:
        """The value that stands there, in words; "" where it is no element that is wrong."""
        return f"{self.got:.8g}" if self.output else ""

    @property
    def given(self) -> str:
        """The case, in words."""
        return _shown(self.case)

    def json(self) -> dict[str, Any]:
        """Facts, the arrays included where they are small."""
        arrays = {name: array.tolist() for name, array in self.case.arrays.items() if array.size <= 64}
        shapes = {name: list(array.shape) for name, array in self.case.arrays.items()}
        described = str(self.case.description) if self.case.description is not None else self.case.origin or "shrunk"
        return {
            "case": described,
            "shapes": shapes,
            "arrays": _plain(arrays),
            "options": dict(self.case.options),
            "output": self.output,
            "index": list(self.index),
            "expected": _number(self.expected),
            "noise": _number(self.sigma),
            "got": _number(self.got),
        }


@dataclass(frozen=True, slots=True)
class WorstAnswer:
    """The case that shows a verdict on a procedure.

    Attributes:
        arguments: by name.
        expected: the procedure's answer.
        got: the candidate's; None where there is none that could be compared.
    """

    arguments: Mapping[str, Any]
    expected: Any
    got: Any = None

    @property
    def given(self) -> str:
        """The case, in words."""
        return ", ".join(f"{name} = {value!r}" for name, value in self.arguments.items())

    @property
    def right(self) -> str:
        """The answer that belongs there."""
        return repr(self.expected)

    @property
    def wrong(self) -> str:
        """The answer that came; "" where none did."""
        return "" if self.got is None else repr(self.got)

    def json(self) -> dict[str, Any]:
        """The facts, under the names that an equation's have."""
        return {
            "case": "shrunk",
            "shapes": {},
            "arrays": {},
            "options": _plain(dict(self.arguments)),
            "output": "",
            "index": [],
            "expected": _plain(self.expected),
            "noise": 0.0,
            "got": _plain(self.got),
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one implementation of one equation, in one dtype on one device.

    Attributes:
        verdict: one of `VERDICTS`; only "conforms" passes.
        reason: why, in a line.
        diagnosis: what it was recognised as, the first being the best.
        findings: what else was seen, in sentences.
        policy: the precision policy that it was judged under.
        effective_bits: the bits it works with; None where undecidable.
        killed, of, survived: the mutation score, and the mutants that the cases could not have caught.
        examples: how many cases were judged.
        recorded: how many of these were handed over.
        properties: each property's name, and whether it held.
        domain: what was asked, in words.
        mend: how to mend it, where that is known.
        backward_of: the equation whose gradients were judged, where automatic differentiation made them; `equation` is
            then that of the gradients.
    """

    equation: str
    implementation: str
    framework: str
    dtype: str
    device: str
    verdict: str
    reason: str = ""
    diagnosis: tuple[Diagnosis, ...] = ()
    findings: tuple[str, ...] = ()
    policy: str = ""
    effective_bits: float | None = None
    bits_site: str = ""
    worst_case: WorstElement | WorstAnswer | None = None
    killed: int = 0
    of: int = 0
    survived: tuple[str, ...] = ()
    examples: int = 0
    seconds: float = 0.0
    properties: tuple[tuple[str, bool], ...] = ()
    domain: str = ""
    mend: str = ""
    seed: int = 0
    recorded: int = 0
    backward_of: str = ""

    @property
    def passed(self) -> bool:
        return self.verdict == "conforms"

    @property
    def headline(self) -> str:
        """Verdict, equation and candidate in a line."""
        through = f" through {AUTODIFF.get(self.framework, self.framework)}" if self.backward_of else ""
        what = ", ".join(filter(None, (self.equation, self.implementation + through)))
        where = ", ".join(filter(None, (self.framework, self.dtype, self.device)))
        return f"{self.verdict}: {what} ({where})"

    def __str__(self) -> str:
        rows = [row for row in self._rows() if row[1]]
        return "\n".join([self.headline, *(f"  {label:<9} {indent(text)}" for label, text in rows)])

    def _rows(self) -> list[tuple[str, str]]:
        worst = self.worst_case if not self.passed else None
        return [
            ("because", self.reason),
            ("given", worst.given if worst else ""),
            ("expected", worst.right if worst else ""),
            ("got", worst.wrong if worst else ""),
            ("diagnosis", "\n".join("\n  or ".join((item.says, *item.also)) for item in self.diagnosis)),
            ("findings", "\n".join(self.findings)),
            ("precision", self._precision()),
            ("strength", self._strength()),
            ("claimed", self.domain),
            ("to mend", self.mend if not self.passed else ""),
        ]

    @property
    def cases(self) -> str:
        """How many cases were judged, in words."""
        recorded = f", {self.recorded} of them recorded" if self.recorded else ""
        return f"{self.examples} case{'s' * (self.examples != 1)}{recorded}"

    def _precision(self) -> str:
        if not self.policy:
            return ""
        if self.effective_bits is None:
            bits = "effective bits undecidable: the oracle rounds as much" if self.dtype == "float64" else ""
        else:
            site = f", lost at {self.bits_site}" if self.bits_site else ""
            bits = f"{self.effective_bits:.1f} effective bits{site}"
        return ", ".join(part for part in (f"policy {self.policy}", bits) if part)

    def _strength(self) -> str:
        if not self.of:
            return ""
        survived = "; not caught: " + "; ".join(self.survived[:3]) if self.survived else ""
        more = f" and {len(self.survived) - 3} more" if len(self.survived) > 3 else ""
        return f"would have caught {self.killed} of {self.of} known mistakes, on {self.cases}{survived}{more}"

    def json(self) -> dict[str, Any]:
        """The documented form, with no surprises for a parser: no NaN, no infinity."""
        return {
            "equation": self.equation,
            "backward_of": self.backward_of or None,
            "implementation": self.implementation,
            "framework": self.framework,
            "dtype": self.dtype,
            "device": self.device,
            "verdict": self.verdict,
            "reason": self.reason,
            "diagnosis": [{"id": each.id, "says": each.says, "also": list(each.also)} for each in self.diagnosis],
            "findings": list(self.findings),
            "policy": self.policy,
            "worst_case": self.worst_case.json() if self.worst_case else None,
            "effective_bits": self.effective_bits,
            "bits_lost_at": self.bits_site,
            "mutation_score": {"killed": self.killed, "of": self.of, "survived": list(self.survived)},
            "examples": self.examples,
            "recorded": self.recorded,
            "seconds": round(self.seconds, 3),
            "properties": [{"name": name, "holds": holds} for name, holds in self.properties],
            "claimed": self.domain,
            "seed": self.seed,
        }


@dataclass(frozen=True)
class Report:
    """The verdicts of one run, the first candidate's first."""

    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """All conform, and there is at least one."""
        return bool(self.verdicts) and all(verdict.passed for verdict in self.verdicts)

    @property
    def verdict(self) -> str:
        """The verdict, of several the gravest; "not run" where there is none."""
        order = ("differs", "fails", "misbehaves", "imprecise", "inconclusive", "not run", "conforms")
        return min((each.verdict for each in self.verdicts), key=order.index, default="not run")

    @property
    def _first(self) -> Verdict | None:
        return next((each for each in self.verdicts if each.verdict == self.verdict), None)

    @property
    def diagnosis(self) -> tuple[Diagnosis, ...]:
        """Of the gravest verdict."""
        return self._first.diagnosis if self._first else ()

    @property
    def worst_case(self) -> WorstElement | WorstAnswer | None:
        """Of the gravest verdict."""
        return self._first.worst_case if self._first else None

    @property
    def exit_code(self) -> int:
        """0 where all conform, else 1."""
        return 0 if self.passed else 1

    def json(self) -> dict[str, Any]:
        """The documented form."""
        return {"attnspec": attnspec.__version__, "verdicts": [each.json() for each in self.verdicts]}

    def __str__(self) -> str:
        return "\n\n".join([str(each) for each in self.verdicts] + list(self.notes))


def _shown(case: Case) -> str:
    """The arrays of a small case as they are, of a larger one their shapes."""
    zeros = [name for name, array in case.arrays.items() if array.size and not array.any()]
    rest = [name for name in case.arrays if name not in zeros]
    small = all(case.arrays[name].size <= 6 for name in rest)
    parts = []
    for name in rest:
        array = case.arrays[name]
        parts.append(f"{name} = {_literal(array)}" if small else f"{name} {tuple(array.shape)}")
    parts += [f"{name} = {value}" for name, value in case.options.items()]
    if zeros and not rest:
        shapes = [f"{name} {tuple(case.arrays[name].shape)}" for name in zeros]
        parts = [*shapes, *parts, "all arrays 0" if len(zeros) > 1 else "all 0"]
    elif zeros:
        parts.append("all else 0" if len(zeros) > 1 else f"{zeros[0]} = 0")
    shrunk = f" ({case.description})" if case.description is not None and not small else ""
    return ", ".join(parts) + (f" ({case.origin})" if case.origin else shrunk)


def _literal(array: Any) -> str:
    shown = np.array2string(np.asarray(array), separator=", ", formatter={"float_kind": lambda v: f"{v:.8g}"})
    return shown.replace("\n", "")


def _number(value: float) -> float | str:
    return float(value) if np.isfinite(value) else str(float(value))


def _plain(value: Any) -> Any:
    """JSON has no NaN or infinity: they become words."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _number(value) if isinstance(value, float) else value
