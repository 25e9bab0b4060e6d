"""What goes wrong, said so that it can be mended: a headline, what was given, what was expected, how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SpecError(Exception):
    """A question that could not be asked; its facts are attributes, so that no face parses text.

    Attributes:
        headline: what is wrong, in a line.
        given: what was given.
        expected: what was expected.
        mend: how to mend it.
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
    """An equation says something outside the notation; the headline carries file and line."""

    def __str__(self) -> str:
        return super().__str__().removeprefix(f"{type(self).__name__}: ")


class ShapeError(SpecError):
    """Arrays do not fit the shapes in an equation's signature."""


class UnknownName(SpecError):
    """No equation, option, dtype or device of that name."""


class BindingError(SpecError):
    """A callable's parameters cannot be matched with the equation's."""


class TargetError(SpecError):
    """A file, module or callable to verify that cannot be found or imported."""


class VerificationError(AssertionError):
    """Raised by `Report.raise_for_failure`: some verdict is not "conforms".

    Attributes:
        report: the `Report` with all verdicts.
    """

    def __init__(self, message: str, *, report: object) -> None:
        super().__init__(message)
        self.report = report


def indent(text: str) -> str:
    """Later lines of a fact stand under its first."""
    return text.replace("\n", "\n" + " " * 12)


def nearest(name: str, known: Iterable[str]) -> str:
    """The known names closest to a misspelt one, as the words of a mend; empty when none is close."""
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else ""
