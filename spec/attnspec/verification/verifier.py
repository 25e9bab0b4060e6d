"""One verdict on one candidate: the order of the steps, the same for equations and procedures."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

from attnspec.verification.verdict import Verdict

Conclusion = TypeVar("Conclusion")

OnProgress = Callable[[str], None]
"""Called with the name of each stage that begins."""


class Verifier(ABC, Generic[Conclusion]):
    """Answers one question.

    Each step returns a conclusion if it settles the verdict, and None if the next step is needed.

    Attributes:
        on_progress: called with the name of each stage that begins.
    """

    on_progress: OnProgress

    def verdict(self) -> Verdict:
        """Call the candidate, judge its answers, and conclude.

        Raises:
            BindingError: the callable's parameters do not match those of the equation or procedure.
            UnknownName: a declared policy does not exist.
        """
        started = time.monotonic()
        self.bind()
        conclusion = self.conclude()
        return self.to_verdict(conclusion, time.monotonic() - started)

    def conclude(self) -> Conclusion:
        """Run the steps in order, up to the one that settles the verdict."""
        steps = (
            ("cases", self.check_standard_cases),
            ("search", self.check_random_cases),
            ("strengthening", self.strengthen_cases),
            ("contract", self.check_contract),
            ("properties", self.check_properties),
            ("hunt", self.hunt),
            ("sizes", self.check_sizes),
        )
        for stage, step in steps:
            self.on_progress(stage)
            conclusion = step()
            if conclusion is not None:
                return conclusion
        return self.conclude_from_strength()

    @abstractmethod
    def bind(self) -> None:
        """Match the callable's parameters with those of the equation or procedure.

        Raises:
            BindingError: they do not match.
        """

    @abstractmethod
    def check_standard_cases(self) -> Conclusion | None:
        """Call the candidate on the fixed and the recorded cases, and judge its answers."""

    @abstractmethod
    def check_random_cases(self) -> Conclusion | None:
        """Call it on random cases, and judge all answers again."""

    @abstractmethod
    def strengthen_cases(self) -> Conclusion | None:
        """Compute the mutation score; add cases while known mistakes survive, and judge all answers again."""

    @abstractmethod
    def check_contract(self) -> Conclusion | None:
        """Check for side effects and for answers that depend on earlier calls."""

    @abstractmethod
    def check_properties(self) -> Conclusion | None:
        """Check the properties of the equation or procedure on the candidate."""

    def hunt(self) -> Conclusion | None:
        """Search on for as long as the caller wishes, which is not at all by default."""
        return None

    def check_sizes(self) -> Conclusion | None:
        """Make one call at production sizes, if the caller names any, and judge its answer."""
        return None

    @abstractmethod
    def conclude_from_strength(self) -> Conclusion:
        """Conclude that it conforms, or that the cases are too weak to tell."""

    @abstractmethod
    def to_verdict(self, conclusion: Conclusion, seconds: float) -> Verdict:
        """Return the verdict of a conclusion.

        Args:
            seconds: the time that it took.
        """
