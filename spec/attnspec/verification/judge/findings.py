"""The results of judging: reasons why answers are wrong, with the policy and form under which they were judged."""

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
        bits: significant bits to which the site seems to round.
        site: the line or operation that loses bits; "" if none does.
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
    """One reason why a candidate's answers are wrong.

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
    """The result of judging some answers.

    Attributes:
        policy: the precision policy under which they were judged.
        compared: every output of every case with its noise.
        findings: reasons why they are wrong, the gravest kind first; empty if they are right.
        form: the form of the equation that they match.
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
        """Whether all that is wrong is the loss of the form."""
        return all(finding.kind == "form" for finding in self.findings)

    @property
    def rms(self) -> float:
        """The pooled root mean square of error/σ."""
        return statistics.whole(self.compared)[0]

    @property
    def decidable(self) -> tuple[int, int]:
        """How many elements are decidable, and how many there are."""
        return (
            sum(int(each.decidable.sum()) for each in self.compared),
            sum(int(each.decidable.size) for each in self.compared),
        )


@dataclass(frozen=True)
class Conclusion:
    """What a verdict is made of.

    Attributes:
        kind: the kind of verdict.
        reason: why, in a sentence; "" if it conforms.
        judged: the judgement of the values; None if they could not be judged.
        strength: the mutation score of the cases; None if it was not computed.
        diagnosis: the explanation of the error; None if there is none.
        worst: the case that shows the error; None if there is none.
        bits: the effective precision; None if it was not measured.
        properties: pairs of a property's name and whether it held.
        mend: how to mend it; "" if the diagnosis says that, or if nothing is known.
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
