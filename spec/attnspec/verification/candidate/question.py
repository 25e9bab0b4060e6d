"""A question: one callable, one equation, one dtype, one device, one claim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from attnspec.errors import SpecError
from attnspec.implementation import Claim
from attnspec.language.equation import Equation
from attnspec.verification.cases.case import smallest
from attnspec.verification.cases.recordings import Recording
from attnspec.verification.sandbox.messages import Gradients
from attnspec.verification.sandbox.targets import CallableInfo
from attnspec.verification.verdict import Verdict, VerdictKind


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a callable implements an equation, on the inputs that a claim covers, in one dtype on one device.

    Attributes:
        callable: the callable.
        equation: the equation that it should compute.
        claim: what its author claims.
        framework: whose arrays it takes: "numpy", "torch" or "jax".
        examples: how many random cases are drawn in addition to the fixed suite.
        seed: the random seed.
        bind: pairs of a parameter of the callable and an argument of the equation.
        policy: the name of a declared precision policy; None: the claim's, or else an inferred one.
        display_name: the name that the verdict has for the callable; empty for its own name.
        any_dtype: whether neither the caller nor the claim names a dtype.
        inputs: recorded cases, in addition to the drawn ones.
        names: pairs of an argument of the equation and its name in the recorded cases.
        only_inputs: whether the recorded cases replace the drawn ones.
        forward: the equation that the callable computes, if the question is about its gradients by automatic
            differentiation; `equation` is then the equation of these gradients. Otherwise None.
    """

    callable: CallableInfo
    equation: Equation[..., Any]
    claim: Claim
    framework: str
    dtype: str
    device: str = "cpu"
    examples: int = 20
    seed: int = 0
    bind: tuple[tuple[str, str], ...] = ()
    policy: str | None = None
    display_name: str = ""
    any_dtype: bool = False
    inputs: tuple[Recording, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    only_inputs: bool = False
    forward: Equation[..., Any] | None = None

    @property
    def implementation(self) -> str:
        """The name that the verdict has for the callable."""
        return self.display_name or self.callable.name

    @property
    def called(self) -> Equation[..., Any]:
        """The equation that the callable takes the arguments of."""
        return self.forward or self.equation

    @property
    def gradients(self) -> Gradients | None:
        """The gradients to compute; None if the callable's own answer is judged."""
        if self.forward is None:
            return None
        taken = {parameter.name for parameter in self.forward.definition.parameters}
        given = tuple(each.name for each in self.equation.definition.parameters if each.name not in taken)
        wanted = tuple(each.name for each in self.forward.definition.parameters if each.kind == "float")
        return Gradients(given, wanted)

    @property
    def dtype_option(self) -> tuple[str, ...]:
        """ "dtype", where no input has one and the callable takes it."""
        asked = any(parameter.name == "dtype" for parameter in self.callable.parameters)
        return ("dtype",) if asked and not self.equation.definition.dtype_is_given else ()

    def least(self, name: str) -> int:
        """The smallest size of an axis that is asked: what the equation allows and the claim accepts."""
        own = smallest(self.equation, name) if name != "batch" else 0
        return max(own, self.claim.smallest.get(name, 0))

    def domain(self) -> str:
        """What is asked, in words."""
        claim = self.claim
        parts = ["finite inputs" if claim.finite else "all inputs, NaN and infinity at masked places included"]
        parts += [f"{name} ≥ {size}" for name, size in claim.smallest.items() if size > self._usual(name)]
        parts += ["contiguous inputs"] if claim.contiguous else []
        parts += [f"{' or '.join(map(str, claim.batch))} batch axes"] if claim.batch != (0, 1) else []
        parts += [f"{' and '.join(claim.forms)} at any loss"] if claim.forms else []
        return ", ".join(parts)

    def _usual(self, name: str) -> int:
        return 0 if name == "batch" else smallest(self.equation, name)

    def without_judging(self, verdict: VerdictKind, reason: str) -> Verdict:
        """A verdict that needs no call of the candidate."""
        return Verdict(
            equation=self.equation.id,
            implementation=self.implementation,
            framework=self.framework,
            dtype=self.dtype,
            device=self.device,
            verdict=verdict,
            reason=reason,
            seed=self.seed,
            backward_of=self.forward.id if self.forward is not None else "",
        )


@dataclass(frozen=True, slots=True)
class Refused:
    """A question that cannot be answered.

    Attributes:
        error: why.
        verdict: "not run", with the same reason, for a report that has other verdicts.
    """

    error: SpecError
    verdict: Verdict


def reason_of(error: SpecError) -> str:
    """The facts of an error, as the reason of a verdict; its mend has a line of its own there."""
    facts = (("given   ", error.given), ("expected", error.expected))
    return "\n".join([error.headline, *(f"{label}  {fact}" for label, fact in facts if fact)])
