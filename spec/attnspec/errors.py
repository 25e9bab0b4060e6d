"""The errors. Each one says what is wrong, what was given, what was expected and how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SpecError(Exception):
    """The base class of errors in what the caller gave: equations, arguments, targets and options.

    Its text has all four attributes. An attribute that is not known is "".

    Attributes:
        headline: what is wrong, in a line.
        given: what was given.
        expected: what was expected.
        mend: how to mend it.

    Examples:
        >>> import attnspec
        >>> try:
        ...     attnspec.verify("attnspec_numpy.scores:dots")
        ... except attnspec.SpecError as error:
        ...     print(error)
        TargetError: attnspec_numpy.scores:dots has no callable 'dots'
          given     dots
          expected  additive, dot, scaled_dot, bilinear, linear, nonlinear
          to mend   did you mean dot?
    """

    def __init__(self, headline: str, *, given: str = "", expected: str = "", mend: str = "") -> None:
        super().__init__(headline)
        self.headline, self.given, self.expected, self.mend = headline, given, expected, mend

    def __str__(self) -> str:
        rows = (("given", self.given), ("expected", self.expected), ("to mend", self.mend))
        body = [f"  {label:<9} {indent(text)}" for label, text in rows if text]
        return "\n".join([f"{type(self).__name__}: {self.headline}", *body])

    def __reduce__(self) -> tuple[object, ...]:
        facts = {"given": self.given, "expected": self.expected, "mend": self.mend}
        return (_rebuild, (type(self), self.headline, facts))


def _rebuild(kind: type[SpecError], headline: str, facts: dict[str, str]) -> SpecError:
    return kind(headline, **facts)


class NotationError(SpecError):
    """The body or signature of an equation is outside the notation. The headline begins with file and line.

    Examples:
        >>> import attnspec, numpy as np
        >>> from attnspec.notation import Float, Tensor
        >>> try:
        ...     @attnspec.equation()
        ...     def halves(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        ...         return np.multiply(x, 0.5)
        ... except attnspec.NotationError as error:
        ...     print(error.expected)
        a name from the vocabulary, or another equation
    """

    def __str__(self) -> str:
        return super().__str__().removeprefix(f"{type(self).__name__}: ")


class ShapeError(SpecError):
    """The shapes of arrays do not fit the signature of an equation.

    Examples:
        >>> import attnspec, numpy as np
        >>> dot = attnspec.equations()["scores.dot"]
        >>> try:
        ...     dot(np.ones((2, 3)), np.ones((2, 4)))
        ... except attnspec.ShapeError as error:
        ...     print(error.headline)
        ...     print(error.expected)
        scores.dot: k does not fit
        (m, d) after any batch axes: d = 3, since q has shape (2, 3)
    """


class UnknownName(SpecError):
    """There is no equation, option, dtype, framework, device or policy of that name.

    Examples:
        >>> import attnspec
        >>> try:
        ...     attnspec.equations()["scores.dots"]
        ... except attnspec.UnknownName as error:
        ...     print(error.headline)
        no equation 'scores.dots'
    """


class BindingError(SpecError):
    """The parameters of a callable do not match the equation's, or arguments of an equation are missing or unknown.

    Examples:
        >>> import attnspec, numpy as np
        >>> dot = attnspec.equations()["scores.dot"]
        >>> try:
        ...     dot(np.ones((2, 3)))
        ... except attnspec.BindingError as error:
        ...     print(error.given)
        missing k
    """


class TargetError(SpecError):
    """The file, module or callable to verify cannot be found or imported.

    Examples:
        >>> import attnspec
        >>> try:
        ...     attnspec.verify("no_such_file.py")
        ... except attnspec.TargetError as error:
        ...     print(error.headline)
        no file 'no_such_file.py'
    """


class VerificationError(AssertionError):
    """Some verdict of a report is not "conforms"; `Report.raise_for_failure` raises it.

    It is an `AssertionError`, so that a test that raises it fails rather than errs. Its text is that of the verdicts.

    Attributes:
        report: the `Report` with all verdicts.

    Examples:
        >>> import attnspec
        >>> kind = attnspec.VerdictKind.FAILS
        >>> verdict = attnspec.Verdict("scores.dot", "mine.py:dot", "numpy", "float32", "cpu", kind, "KeyError")
        >>> try:
        ...     attnspec.Report((verdict,)).raise_for_failure()
        ... except attnspec.VerificationError as error:
        ...     print(error)
        fails: scores.dot, mine.py:dot (numpy, float32, cpu)
          because   KeyError
    """

    def __init__(self, message: str, *, report: object) -> None:
        super().__init__(message)
        self.report = report


def indent(text: str) -> str:
    """Indent the later lines of a text, to align them with the first in an error."""
    return text.replace("\n", "\n" + " " * 12)


def nearest(name: str, known: Iterable[str]) -> str:
    """A suggestion of the known names closest to an unknown one, for `SpecError.mend`; "" if none is close."""
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else ""
