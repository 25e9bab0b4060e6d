"""The results of `attnspec.verify`: a report of verdicts, each with a diagnosis and the case that shows it.

These are data; `rendering` writes them as text, JSON, HTML and Markdown.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from attnspec.errors import VerificationError

if TYPE_CHECKING:
    from attnspec.verification.cases.case import Case


class VerdictKind(StrEnum):
    """The kinds of verdict. Only `CONFORMS` passes. A member equals its value.

    Examples:
        >>> import attnspec
        >>> attnspec.VerdictKind.NOT_RUN == "not run"
        True
    """

    CONFORMS = "conforms"
    """It is right in every case, and its properties and its contract hold."""
    DIFFERS = "differs"
    """It computes another formula."""
    IMPRECISE = "imprecise"
    """It computes the right formula with fewer bits than declared."""
    MISBEHAVES = "misbehaves"
    """It violates the contract: it changes its inputs, remembers earlier calls, or returns another shape or dtype."""
    FAILS = "fails"
    """It raises, crashes, hangs or runs out of memory."""
    INCONCLUSIVE = "inconclusive"
    """The cases could not have told right from wrong, or rounding noise exceeds the signal."""
    NOT_RUN = "not run"
    """The device, package or dtype is not available here."""


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
class Departure:
    """Where a candidate departs from an equation: which lines appear among the arrays that it makes, and which do not.

    Its arrays were recorded in further calls on cases that it gets wrong, and compared with the lines by value.

    Attributes:
        right: pairs of a line that appears, as the formula writes it, and the place of its array: "my_gru.py:12".
        wrong: pairs of a line and the place of an array that has its value with a mistake instead.
        missing: lines whose values do not appear. They may be computed within another line.
        says: the sentence that describes it.

    Examples:
        >>> import attnspec
        >>> attnspec.Departure((("r", "my_gru.py:12"),), says="r is right (my_gru.py, line 12)").right
        (('r', 'my_gru.py:12'),)
    """

    right: tuple[tuple[str, str], ...] = ()
    wrong: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    says: str = ""


WITH = ", with "
"""What stands in a diagnosis between a statement of a candidate and what makes what it reads."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One explanation of an error.

    Attributes:
        id: id of a mutant or convention that the candidate agrees with, several joined by " and "; "r/code" if only the
            code that departs from the line r is known, or "code" if it is not a line of this equation; "reading" if
            it only reads wrong parts of its arguments; "unrecognised" if nothing is known.
        says: the sentence that explains it.
        also: sentences of other mutants that the cases cannot tell from this one.
        departure: where in its files the candidate departs from the equation; None if that is not known.

    Examples:
        >>> import attnspec
        >>> attnspec.Diagnosis("e/unscaled", "in e: the division by √d is missing").says
        'in e: the division by √d is missing'
    """

    id: str
    says: str
    also: tuple[str, ...] = ()
    departure: Departure | None = None

    def __post_init__(self) -> None:
        """Several mutants may have one sentence, which is not repeated."""
        others = (each for each in dict.fromkeys(self.also) if each != self.says and f"{each} (" not in self.says)
        object.__setattr__(self, "also", tuple(others))


@dataclass(frozen=True, slots=True)
class FunctionVerdict:
    """Which function a candidate computes, if nothing rounds: what it does is traced, and evaluated in ball arithmetic.

    It is about what was traced, at a few small cases of the verdict, which are called points.

    Attributes:
        kind: "same", "another" or "not traced".
        says: the sentence that describes it.
        digits: the number of decimal digits to which the same function agrees at all points; None if all numbers are
            equal exactly, or if the function is not the same.
        points: number of points that were traced.
        case: of another function, the case that proves it; else None.
        output: name of the output that differs there; "" if none does.
        index: index of the element in that output.
        expected: value of the equation.
        got: value of the candidate.

    Examples:
        >>> import attnspec
        >>> attnspec.FunctionVerdict("same", "the same function to 57 digits at 6 points", 57, 6).digits
        57
    """

    kind: str
    says: str
    digits: int | None = None
    points: int = 0
    case: Case | None = None
    output: str = ""
    index: tuple[int, ...] = ()
    expected: float = float("nan")
    got: float = float("nan")


@dataclass(frozen=True, slots=True)
class WorstElement:
    """The case that shows a verdict on an equation, and one element of its output.

    `given`, `right` and `wrong` are the rows of the text.

    Attributes:
        case: the smallest case that was found; ``case.arguments`` has its arrays and options by name.
        output: name of the output; "" if no single element is wrong.
        index: index of the element in that output.
        expected: value of the equation.
        sigma: standard deviation of the rounding noise, in the unit of the value.
        got: value of the candidate.

    Examples:
        >>> import numpy as np
        >>> import attnspec
        >>> worst = attnspec.verify(lambda e: np.exp(e), "attention.weights", framework="numpy").worst_case
        >>> worst.output, worst.index, worst.expected, worst.case.arguments["e"]
        ('alpha', (0, 0), 1.0, array([[1.]]))
        >>> worst.given, worst.right, worst.wrong
        ('e = [[1]]', 'alpha[0, 0] = 1, rounding noise 0', '2.718282')
    """

    case: Case
    output: str = ""
    index: tuple[int, ...] = ()
    expected: float = float("nan")
    sigma: float = 0.0
    got: float = float("nan")

    @property
    def right(self) -> str:
        """The expected element and its noise, as text; "" if no single element is wrong."""
        place = f"{self.output}{list(self.index) if self.index else ''}"
        return f"{place} = {self.expected:.8g}, rounding noise {self.sigma:.1g}" if self.output else ""

    @property
    def wrong(self) -> str:
        """The value of the candidate, as text; "" if no single element is wrong."""
        return f"{self.got:.8g}" if self.output else ""

    @property
    def given(self) -> str:
        """The arguments of the case, as text."""
        return self.case.shown


@dataclass(frozen=True, slots=True)
class WorstAnswer:
    """The case that shows a verdict on a procedure.

    `given`, `right` and `wrong` are the rows of the text.

    Attributes:
        arguments: arguments by name.
        expected: answer of the procedure.
        got: answer of the candidate; None if it gave none that can be compared.

    Examples:
        >>> import attnspec
        >>> worst = attnspec.WorstAnswer({"tokens": ("a",), "vocabulary": {}}, expected=(-1,), got=(0,))
        >>> worst.given, worst.right, worst.wrong
        ("tokens = ('a',), vocabulary = {}", '(-1,)', '(0,)')
    """

    arguments: Mapping[str, Any]
    expected: Any
    got: Any = None

    @property
    def given(self) -> str:
        """The arguments of the case, as text."""
        return ", ".join(f"{name} = {value!r}" for name, value in self.arguments.items())

    @property
    def right(self) -> str:
        """The expected answer, as text."""
        return repr(self.expected)

    @property
    def wrong(self) -> str:
        """The answer of the candidate, as text; "" if there is none."""
        return "" if self.got is None else repr(self.got)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on one implementation of one equation or procedure, in one dtype on one device.

    Its text is what `attnspec verify` prints.

    Attributes:
        equation: id of the equation or procedure.
        implementation: the candidate, as `attnspec verify` takes it.
        framework: "numpy", "torch" or "jax"; "python" for a procedure.
        dtype: storage dtype; "" for a procedure.
        device: "cpu", "cuda" or "cuda:N".
        verdict: one of `VerdictKind`.
        reason: why, in a line; "" if it conforms.
        diagnosis: explanations of the error, the best one first; empty if it conforms.
        findings: other observations, in sentences.
        policy: precision policy that it was judged under, one of `PrecisionPolicy`; "" if none was needed.
        effective_bits: significant bits of its arithmetic; None if they are undecidable.
        bits_site: the line of the equation where bits are lost; "" if none are.
        worst_case: the case that shows the verdict; None if it conforms.
        killed: number of known mistakes that the cases would have caught.
        of: number of known mistakes that were tried.
        survived: sentences of the known mistakes that the cases would not have caught.
        examples: number of cases that were judged.
        recorded: number of these that were recorded.
        seconds: time that the verdict took, in seconds.
        properties: pairs of a property's name and whether it held.
        domain: the inputs that were claimed, as text.
        mend: how to mend it, as text: the formula or a command; "" if that is not known.
        seed: random seed.
        backward_of: id of the equation whose gradients were judged, if automatic differentiation made them; `equation`
            is then the equation of the gradients.
        bound: how the candidate was called, as text, where it was not by the names of the equation; else "".
        function: which function it computes, without rounding; None if that was not examined.
        determinism: pairs of "runs", "batch" or "splits" and how answers are equal over it, as text; empty if its
            values are not right.
        coverage: what was asked: what varies, such as "memory" or "size n", its value as text, and the number of cases
            with this value.
        cached: the day on which it was computed, if `attnspec gate` took it from its cache; else "".
        tried: pairs of the id of a known mistake that was tried and whether the cases would have caught it. It is not
            part of the text and of the JSON.
        cases: the cases that show the verdict: that of `worst_case`, then the one with the largest error, if that is
            another. They are not part of the text and of the JSON; `attnspec verify --keep-case` writes them.
        judged_under: the precision policy under which the values were judged, also where `policy` is ""; "" if none
            was. It is kept with the cases.
        hardest: of a long search, the case with the largest error over its bound; else None. It is kept in a corpus.
        shown_alone: whether an answer to one of `cases` is enough to show it; otherwise it takes all answers together.

    Examples:
        >>> import attnspec
        >>> kind = attnspec.VerdictKind.FAILS
        >>> verdict = attnspec.Verdict("scores.dot", "mine.py:dot", "numpy", "float32", "cpu", kind, "KeyError")
        >>> verdict.passed
        False
        >>> print(verdict)
        fails: scores.dot, mine.py:dot (numpy, float32, cpu)
          because   KeyError
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
    bound: str = ""
    function: FunctionVerdict | None = None
    determinism: tuple[tuple[str, str], ...] = ()
    coverage: tuple[tuple[str, str, int], ...] = ()
    cached: str = ""
    tried: tuple[tuple[str, bool], ...] = field(default=(), compare=False, repr=False)
    cases: tuple[Case, ...] = field(default=(), compare=False, repr=False)
    judged_under: str = field(default="", compare=False, repr=False)
    shown_alone: bool = field(default=True, compare=False, repr=False)
    hardest: Case | None = field(default=None, compare=False, repr=False)

    @property
    def passed(self) -> bool:
        """Whether the verdict is "conforms"."""
        return self.verdict is VerdictKind.CONFORMS

    def json(self) -> dict[str, Any]:
        """Convert to plain values for JSON.

        Returns:
            The verdict in the form that docs/verdicts.schema.json describes, without NaN and infinity.

        Examples:
            >>> import attnspec
            >>> kind = attnspec.VerdictKind.NOT_RUN
            >>> verdict = attnspec.Verdict("scores.dot", "mine.py:dot", "torch", "float32", "cuda", kind, "no GPU")
            >>> verdict.json()["verdict"]
            'not run'
        """
        from attnspec.verification.rendering import verdict_json  # late: it renders these classes

        return verdict_json(self)

    def __str__(self) -> str:
        from attnspec.verification.rendering import verdict_text  # late: it renders these classes

        return verdict_text(self)


@dataclass(frozen=True)
class Report:
    """The verdicts of one run of `verify`, in the order of the claims.

    Iteration and `len` are those of the verdicts. Its text has all of them. A notebook shows a table.

    Attributes:
        verdicts: the verdicts; those on claims that could not be judged come last.
        notes: what could not be imported or judged, in sentences.

    Examples:
        >>> import numpy as np
        >>> import attnspec
        >>> def scores(q, k):
        ...     return q @ np.swapaxes(k, -1, -2)
        >>> report = attnspec.verify(scores, "scores.scaled_dot")
        >>> [(verdict.dtype, verdict.verdict.value) for verdict in report]
        [('float32', 'differs')]
        >>> report.verdict == report.gravest.verdict == "differs"
        True
        >>> report.passed, report.exit_code
        (False, 1)
        >>> report.diagnosis[0].says
        'in e: the division by √d is missing'
        >>> report.worst_case.given
        'q = [[1, 1]], k = [[1, 1]]'
    """

    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)

    @property
    def passed(self) -> bool:
        """Whether there is a verdict and all verdicts are "conforms"."""
        return bool(self.verdicts) and all(verdict.passed for verdict in self.verdicts)

    @property
    def verdict(self) -> VerdictKind:
        """The kind of the gravest verdict, from "differs" to "conforms"; "not run" if there is none."""
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
        """The case that shows the gravest verdict; None if all conform."""
        return self.gravest.worst_case if self.gravest else None

    @property
    def exit_code(self) -> int:
        """The exit code: 0 if all verdicts are "conforms", else 1."""
        return 0 if self.passed else 1

    def raise_for_failure(self) -> None:
        """Raise an error unless all verdicts are "conforms", for use in tests.

        Raises:
            VerificationError: some verdict is another one, or there is none. Its text is that of these verdicts, and
                its attribute `report` is this report.

        Examples:
            >>> import attnspec
            >>> attnspec.verify("attnspec_numpy.scores:dot", dtype="float32").raise_for_failure()
        """
        __tracebackhide__ = True  # pytest then shows the caller's line
        if not self.passed:
            failed = [str(each) for each in self.verdicts if not each.passed]
            raise VerificationError("\n\n".join([*failed, *self.notes]) or "nothing was verified", report=self)

    def json(self) -> dict[str, Any]:
        """Convert to plain values for JSON.

        Returns:
            The report in the form that docs/verdicts.schema.json describes, without NaN and infinity.

        Examples:
            >>> import attnspec
            >>> sorted(attnspec.Report(()).json())
            ['attnspec', 'schema', 'verdicts']
        """
        from attnspec.verification.rendering import report_json  # late: it renders these classes

        return report_json(self)

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write the report to a JSON file.

        Args:
            path: the file; one that exists is overwritten.

        Raises:
            OSError: the file cannot be written.

        Examples:
            >>> import attnspec, json, pathlib, tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     file = pathlib.Path(folder) / "verdicts.json"
            ...     attnspec.Report(()).to_json(file)
            ...     json.loads(file.read_text())["verdicts"]
            []
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
