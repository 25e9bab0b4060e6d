"""What `attnspec.verify` returns: a report of verdicts, each with a diagnosis and the case that shows it.

These are data; how they are written as text, JSON, HTML and Markdown is in `rendering`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from attnspec.errors import VerificationError

if TYPE_CHECKING:
    from attnspec.verification.cases.case import Case


class VerdictKind(StrEnum):
    """The kinds of verdict; only `CONFORMS` passes. A member equals its value: ``verdict.verdict == "differs"``."""

    CONFORMS = "conforms"
    """Right in every case, and so are its properties and its contract."""
    DIFFERS = "differs"
    """The formula is another one."""
    IMPRECISE = "imprecise"
    """The right formula in fewer bits than declared."""
    MISBEHAVES = "misbehaves"
    """It breaks the call contract: changes its inputs, remembers earlier calls, returns another shape or dtype."""
    FAILS = "fails"
    """It raises, crashes, hangs or runs out of memory."""
    INCONCLUSIVE = "inconclusive"
    """The cases could not have told right from wrong, or rounding noise exceeds the signal."""
    NOT_RUN = "not run"
    """There is no such device, package or dtype here."""


GRAVEST_FIRST = (
    VerdictKind.DIFFERS,
    VerdictKind.FAILS,
    VerdictKind.MISBEHAVES,
    VerdictKind.IMPRECISE,
    VerdictKind.INCONCLUSIVE,
    VerdictKind.NOT_RUN,
    VerdictKind.CONFORMS,
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that an error is recognised as.

    Attributes:
        id: the id of a mutant or a convention; "unrecognised" where it is none.
        says: the sentence that explains it.
        also: sentences of other mutants that the cases cannot tell from this one.
    """

    id: str
    says: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorstElement:
    """The case that shows a verdict, and one element of it.

    Attributes:
        case: the smallest case found.
        output: the name of the output; "" where no single element is wrong.
        index: the index of the element in that output.
        expected: the value of the equation there.
        sigma: the standard deviation of its rounding noise, in the unit of the value.
        got: the value of the candidate.
    """

    case: Case
    output: str = ""
    index: tuple[int, ...] = ()
    expected: float = float("nan")
    sigma: float = 0.0
    got: float = float("nan")

    @property
    def right(self) -> str:
        """The value that belongs there, in words; "" where no single element is wrong."""
        place = f"{self.output}{list(self.index) if self.index else ''}"
        return f"{place} = {self.expected:.8g}, rounding noise {self.sigma:.1g}" if self.output else ""

    @property
    def wrong(self) -> str:
        """The value that stands there, in words; "" where no single element is wrong."""
        return f"{self.got:.8g}" if self.output else ""

    @property
    def given(self) -> str:
        """The case, in words."""
        return self.case.shown


@dataclass(frozen=True, slots=True)
class WorstAnswer:
    """The case that shows a verdict on a procedure.

    Attributes:
        arguments: by name.
        expected: the answer of the procedure.
        got: the answer of the candidate; None where it gave none that could be compared.
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
        """The answer that belongs there, in words."""
        return repr(self.expected)

    @property
    def wrong(self) -> str:
        """The answer that came, in words; "" where none did."""
        return "" if self.got is None else repr(self.got)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is found of one implementation of one equation, in one dtype on one device.

    Attributes:
        equation: the id of the equation or procedure.
        implementation: the candidate, as `attnspec verify` takes it.
        framework: "numpy", "torch" or "jax"; "python" for a procedure.
        dtype: the storage dtype; "" for a procedure.
        device: "cpu", "cuda" or "cuda:N".
        verdict: the kind.
        reason: why, in a line; "" where it conforms.
        diagnosis: what the error was recognised as, the best explanation first.
        findings: other observations, in sentences.
        policy: the precision policy that it was judged under; "" where none was needed.
        effective_bits: the significant bits that it works with; None where they are undecidable.
        bits_site: where bits are lost; "" where none are.
        worst_case: the case that shows the verdict; None where it conforms.
        killed: how many known mistakes the cases would have caught.
        of: how many known mistakes were tried.
        survived: sentences of the known mistakes that the cases could not have caught.
        examples: how many cases were judged.
        recorded: how many of these were recorded cases.
        seconds: the time to this verdict, in seconds.
        properties: each property's name, and whether it held.
        domain: what was claimed, in words.
        mend: how to mend it, where that is known: lines of the formula or a command.
        seed: the random seed.
        backward_of: the id of the equation whose gradients were judged, if automatic differentiation made them;
            `equation` is then the equation of the gradients.
    """

    equation: str
    implementation: str
    framework: str
    dtype: str
    device: str
    verdict: VerdictKind
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
        """Whether it conforms."""
        return self.verdict is VerdictKind.CONFORMS

    def json(self) -> dict[str, Any]:
        """The verdict as plain values for JSON: no NaN and no infinity."""
        from attnspec.verification.rendering import verdict_json  # late: it renders these classes

        return verdict_json(self)

    def __str__(self) -> str:
        from attnspec.verification.rendering import verdict_text  # late: it renders these classes

        return verdict_text(self)


@dataclass(frozen=True)
class Report:
    """The verdicts of one run, in the order of the claims. Iteration gives the verdicts.

    Attributes:
        verdicts: the verdicts; those that could not be judged come last.
        notes: what could not be imported or asked, in sentences.

    Examples:
        >>> import attnspec
        >>> report = attnspec.verify("attnspec_numpy.scores:dot")
        >>> [str(verdict.verdict) for verdict in report]
        ['conforms']
        >>> report.raise_for_failure()
    """

    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)

    @property
    def passed(self) -> bool:
        """Whether all verdicts are "conforms", and there is at least one."""
        return bool(self.verdicts) and all(verdict.passed for verdict in self.verdicts)

    @property
    def verdict(self) -> VerdictKind:
        """The kind of the gravest verdict; "not run" if there is none."""
        return min((each.verdict for each in self.verdicts), key=GRAVEST_FIRST.index, default=VerdictKind.NOT_RUN)

    @property
    def gravest(self) -> Verdict | None:
        """The first of the gravest verdicts; None if there is none."""
        return next((each for each in self.verdicts if each.verdict == self.verdict), None)

    @property
    def diagnosis(self) -> tuple[Diagnosis, ...]:
        """The diagnosis of the gravest verdict."""
        return self.gravest.diagnosis if self.gravest else ()

    @property
    def worst_case(self) -> WorstElement | WorstAnswer | None:
        """The case that shows the gravest verdict; None where all conform."""
        return self.gravest.worst_case if self.gravest else None

    @property
    def exit_code(self) -> int:
        """The exit code of the command: 0 if all conform, else 1."""
        return 0 if self.passed else 1

    def raise_for_failure(self) -> None:
        """Return if all verdicts are "conforms".

        Raises:
            VerificationError: some verdict is another one, or there is none; its text is that of these verdicts, and
                its attribute `report` this report.
        """
        if not self.passed:
            failed = [str(each) for each in self.verdicts if not each.passed]
            raise VerificationError("\n\n".join([*failed, *self.notes]) or "nothing was verified", report=self)

    def json(self) -> dict[str, Any]:
        """The report as plain values for JSON, in the form that docs/verdicts.schema.json describes."""
        from attnspec.verification.rendering import report_json  # late: it renders these classes

        return report_json(self)

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write `json()` to a file.

        Raises:
            OSError: the file cannot be written.
        """
        from attnspec.verification.rendering import write_json

        write_json(self, path)

    def __str__(self) -> str:
        return "\n\n".join([str(each) for each in self.verdicts] + list(self.notes))

    def _repr_markdown_(self) -> str:
        """A table, for notebooks that show Markdown."""
        from attnspec.verification.rendering import report_markdown  # late: it renders these classes

        return report_markdown(self)

    def _repr_html_(self) -> str:
        """A table, for notebooks that show HTML."""
        from attnspec.verification.rendering import report_html  # late: it renders these classes

        return report_html(self)
