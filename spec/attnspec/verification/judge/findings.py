"""What judging gives: reasons why answers are not right, and under which policy and form they were judged."""

from __future__ import annotations

from dataclasses import dataclass

from attnspec.interpreters.mutation.mutants import Mutant
from attnspec.interpreters.rounding.policy import FORMATS, Policy
from attnspec.thresholds import LIKE_TF32
from attnspec.verification.judge import statistics
from attnspec.verification.judge.forms import PLAIN, Form
from attnspec.verification.judge.mutation_score import MutationScore
from attnspec.verification.judge.residuals import Compared
from attnspec.verification.verdict import Diagnosis, VerdictKind, WorstElement

OPERANDS = "the matrix products' operands"


@dataclass(frozen=True, slots=True)
class Bits:
    """Effective precision.

    Attributes:
        bits: significant bits, as if all rounding at the site were to so many.
        site: where they are lost; "" where nothing is lost.
    """

    bits: float
    site: str = ""

    @property
    def like_tf32(self) -> bool:
        """Whether it looks like products in TF32."""
        return self.site == OPERANDS and abs(self.bits - FORMATS["tf32"].bits) < LIKE_TF32

    def __str__(self) -> str:
        return f"{self.bits:.1f}" + (f" at {self.site}" if self.site else "")


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason why a candidate's answers are not right.

    Attributes:
        kind: "element", "whole", "slice", "direction", "part" (a direction of some slices only), "mutant", or "form"
            (what a form loses that the equation as it stands keeps).
        says: what was found, in words.
        severity: how far beyond its limit, 1 being the limit.
        at: the comparison that shows it, where it is in one.
        mutant: the mutant that the error is, where it is one.
    """

    kind: str
    says: str
    severity: float
    at: Compared | None = None
    mutant: Mutant | None = None


@dataclass(frozen=True)
class Judged:
    """What came of judging: under which policy and form, and what was found.

    Attributes:
        compared: every output of every case beside its noise.
        findings: reasons why it is not right, gravest kind first; empty where it is right.
        form: the form that was matched.
    """

    policy: Policy
    compared: tuple[Compared, ...]
    findings: tuple[Finding, ...] = ()
    form: Form = PLAIN

    @property
    def right(self) -> bool:
        return not self.findings

    @property
    def equal(self) -> bool:
        """Whether it is right, or nothing is wrong but what its form loses."""
        return all(finding.kind == "form" for finding in self.findings)

    @property
    def rms(self) -> float:
        """The pooled root mean square of error/σ."""
        return statistics.whole(self.compared)[0]

    @property
    def decidable(self) -> tuple[int, int]:
        """How many elements the noise let be asked, of how many."""
        return (
            sum(int(each.decidable.sum()) for each in self.compared),
            sum(int(each.decidable.size) for each in self.compared),
        )


@dataclass(frozen=True)
class Conclusion:
    """What a verdict says, and from what it follows.

    Attributes:
        kind: of verdict.
        reason: why, in words; "" where it conforms.
        judged: how the values were judged; None where they could not be.
        strength: the mutation score of the cases; None where it was not needed.
        diagnosis: what the error was recognised as.
        worst: the case that shows it.
        bits: how many bits it works with, and where others are lost.
        properties: each property's name, and whether it held.
        mend: how to mend it; "" where the diagnosis says it, or nothing does.
    """

    kind: VerdictKind
    reason: str
    judged: Judged | None = None
    strength: MutationScore | None = None
    diagnosis: Diagnosis | None = None
    worst: WorstElement | None = None
    bits: Bits | None = None
    properties: tuple[tuple[str, bool], ...] = ()
    mend: str = ""
