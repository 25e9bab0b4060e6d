"""A question: one callable, one equation, one dtype, one device, one claim."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from attnspec.errors import SpecError
from attnspec.implementation import Claim
from attnspec.language import layers
from attnspec.language.equation import Equation
from attnspec.verification.candidate.adaptation import Adaptation
from attnspec.verification.cases.case import CONTIGUOUS, LAYOUTS, smallest
from attnspec.verification.cases.recordings import Recording
from attnspec.verification.sandbox.messages import LAYOUTS_OF, Gradients
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
        adaptation: how the callable is called, where it is written in another way than the equation.
        any_framework: whether neither the caller nor the claim nor the callable's module shows a framework.
        any_dtype: whether neither the caller nor the claim names a dtype.
        inputs: recorded cases, in addition to the drawn ones.
        names: pairs of an argument of the equation and its name in the recorded cases.
        only_inputs: whether the recorded cases replace the drawn ones.
        forward: the equation that the callable computes, if the question is about its gradients by automatic
            differentiation; `equation` is then the equation of these gradients. Otherwise None.
        case: the seed of the only drawn case that is asked; None: all are.
        trace: whether the arrays that the callable makes on the way may be recorded, to explain wrong answers.
        function: whether the function that it computes is examined too, without rounding.
        sources: pairs of a source that belongs to the callable and the numbers in it.
        minutes: how long a search goes on for a wrong answer, once all else is right.
        sizes: pairs of a named size, or "batch", and its value in one call at production sizes, once all else is right;
            a batch may have several axes. Empty for no such call.
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
    any_framework: bool = False
    adaptation: Adaptation = field(default_factory=Adaptation)
    case: int | None = None
    trace: bool = True
    function: bool = True
    sources: tuple[tuple[str, tuple[float, ...]], ...] = ()
    minutes: float = 0.0
    sizes: tuple[tuple[str, tuple[int, ...]], ...] = ()

    @property
    def told_dtype(self) -> bool:
        """Whether the callable can know the dtype: from an array of floating-point numbers, or as its argument."""
        asked = self.forward or self.equation
        floats = any(parameter.kind == "float" for parameter in asked.definition.parameters)
        return floats or any(parameter.name == "dtype" for parameter in self.callable.parameters)

    @property
    def is_narrowed(self) -> bool:
        """Whether only certain cases are asked, and no others are drawn."""
        return self.only_inputs or self.case is not None

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
        given = tuple(p.name for p in self.equation.definition.parameters if p.name not in taken)
        wanted = tuple(p.name for p in self.forward.definition.parameters if p.kind == "float")
        floating = tuple(result.kind == "float" for result in self.forward.definition.results)
        return Gradients(given, wanted, floating=() if all(floating) else floating)

    @property
    def dtype_option(self) -> tuple[str, ...]:
        """("dtype",) if the callable has a parameter of that name and no input has a dtype; otherwise ()."""
        takes_dtype = any(parameter.name == "dtype" for parameter in self.callable.parameters)
        return ("dtype",) if takes_dtype and not self.equation.definition.dtype_is_given else ()

    def least(self, name: str) -> int:
        """The smallest size of an axis that both the equation allows and the claim covers."""
        return max(self._least_allowed(name), self.claim.smallest.get(name, 0))

    @property
    def layouts(self) -> tuple[str, ...]:
        """The memory layouts that are asked: those that are claimed and that the framework's arrays can have."""
        claimed = CONTIGUOUS if self.claim.contiguous else LAYOUTS
        return tuple(each for each in claimed if each in LAYOUTS_OF[self.framework])

    def domain(self) -> str:
        """Describe the inputs that the claim covers."""
        claim = self.claim
        parts = ["finite inputs" if claim.finite else "all inputs, NaN and infinity at masked places included"]
        parts += [
            f"{array.name} from {array.symbol.within[0]:g} to {array.symbol.within[1]:g}"
            for array in layers.arrays(self.equation.definition)
            if array.symbol.within is not None
        ]
        parts += [f"{name} ≥ {size}" for name, size in claim.smallest.items() if size > self._least_allowed(name)]
        parts += [f"{name} a multiple of {size}" for name, size in claim.multiple.items() if size > 1]
        if claim.contiguous:
            parts.append("contiguous inputs")
        elif set(self.layouts) <= set(CONTIGUOUS):
            parts.append(f"contiguous inputs, as {self.framework} has no others")
        axes = "1 batch axis" if claim.batch == (1,) else f"{' or '.join(map(str, claim.batch))} batch axes"
        parts += [axes] if claim.batch != (0, 1) else []
        parts += [f"{' and '.join(claim.forms)} at any loss"] if claim.forms else []
        parts += [f"{name} = {' or '.join(map(str, values))}" for name, values in claim.splits.items()]
        parts += [f"equal bit by bit over {' and '.join(claim.bitwise)}"] if claim.bitwise else []
        return ", ".join(parts)

    def _least_allowed(self, name: str) -> int:
        """The smallest size of an axis that the equation allows; "batch" is every batch axis."""
        return 0 if name == "batch" else smallest(self.equation, name)

    def without_judging(self, verdict: VerdictKind, reason: str) -> Verdict:
        """Return a verdict that needs no call of the candidate."""
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
        error: the reason.
        verdict: "not run" for the same reason, for a report that has other verdicts.
    """

    error: SpecError
    verdict: Verdict


def reason_of(error: SpecError) -> str:
    """Return an error as the reason of a verdict, without its mend, for which a verdict has a field."""
    facts = (("given   ", error.given), ("expected", error.expected))
    return "\n".join([error.headline, *(f"{label}  {fact}" for label, fact in facts if fact)])
