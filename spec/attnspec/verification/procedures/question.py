"""A question about a procedure: one callable, one procedure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from attnspec.language.procedure import Procedure
from attnspec.verification.sandbox.targets import CallableInfo
from attnspec.verification.verdict import Verdict, VerdictKind


@dataclass(frozen=True, slots=True)
class ProceduralQuestion:
    """Whether a callable is an implementation of a procedure; `Question` is the same of an equation.

    Attributes:
        callable: the callable.
        procedure: the procedure that it should compute.
        examples: how many cases are drawn in addition to those that always are.
        seed: the random seed.
        bind: pairs of a parameter of the callable and an argument of the procedure.
        display_name: the name that the verdict has for the callable; empty for its own name.
        minutes: how long a search goes on for a wrong answer, once all else is right.
    """

    callable: CallableInfo
    procedure: Procedure[..., Any]
    examples: int = 20
    seed: int = 0
    bind: tuple[tuple[str, str], ...] = ()
    display_name: str = ""
    minutes: float = 0.0

    @property
    def implementation(self) -> str:
        """The name that the verdict has for the callable."""
        return self.display_name or self.callable.name

    def without_judging(self, verdict: VerdictKind, reason: str, **facts: Any) -> Verdict:
        """Return a verdict; a procedure has no framework, dtype or device."""
        return Verdict(
            self.procedure.id, self.implementation, "python", "", "cpu", verdict, reason, seed=self.seed, **facts
        )
