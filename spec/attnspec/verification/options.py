"""What a caller of `attnspec.verify` wants, and whether it can be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attnspec.errors import SpecError, UnknownName, nearest
from attnspec.implementation import DTYPES, FRAMEWORKS, Claim
from attnspec.interpreters.rounding.policy import PRESETS
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.procedure import Procedure, specified
from attnspec.verification.cases.recorded_files import Inputs, listed, present
from attnspec.verification.questions import catalogue
from attnspec.verification.verdict import AUTODIFF


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """What a caller wants asked; None leaves it to the claim."""

    equation: str | None = None
    framework: str | None = None
    dtypes: tuple[str, ...] | None = None
    device: str | None = None
    examples: int = 20
    seed: int = 0
    bind: Mapping[str, str] | None = None
    policy: str | None = None
    inputs: Inputs | Iterable[Inputs] | None = None
    names: Mapping[str, str] | None = None
    only_inputs: bool = False
    backward: bool = False
    claim: Mapping[str, Any] | None = None


def check(wanted: VerifyOptions) -> None:
    """Refuse an unknown equation, dtype, framework, device or policy, or inputs, before anything is started.

    Raises:
        UnknownName: with the nearest known names.
        SpecError: there are no such inputs.
    """
    catalogue()
    given = listed(wanted.inputs)
    if (wanted.only_inputs or wanted.names) and not given:
        raise SpecError("no inputs are given", expected=".npz or .safetensors", mend="--inputs FILE")
    present(given)
    if wanted.equation is not None:
        called = specified(wanted.equation)
        if isinstance(called, Procedure):
            plainly(called, wanted, Claim(backward=wanted.backward))
        elif wanted.backward:
            gradient_of(called, wanted.framework or "")
    _known("dtype", wanted.dtypes or (), DTYPES)
    _known("framework", (wanted.framework,) if wanted.framework else (), FRAMEWORKS)
    _known("device", (wanted.device.split(":")[0],) if wanted.device else (), ("cpu", "cuda"))
    _known("precision policy", (wanted.policy,) if wanted.policy else (), PRESETS)
    _known("claim", wanted.claim or (), tuple(Claim.__dataclass_fields__))


def _known(what: str, given: Iterable[str], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            raise UnknownName(f"no {what} {name!r}", given=name, expected=", ".join(known), mend=nearest(name, known))


def plainly(procedure: Procedure[..., Any], wanted: VerifyOptions, claim: Claim) -> None:
    """Refuse what can be asked or claimed of equations alone.

    Raises:
        SpecError: there is a claim about arrays or gradients, or recorded arrays are given.
    """
    plain = Claim()
    odd = [name for name in Claim.__dataclass_fields__ if getattr(claim, name) != getattr(plain, name)]
    if odd:
        raise SpecError(f"{procedure.id} is a procedure, and {odd[0]} says nothing of it", mend=f"leave out {odd[0]}")
    if listed(wanted.inputs):
        raise SpecError(f"{procedure.id} is a procedure, and takes no recorded arrays", mend="ask without inputs")


def gradient_of(equation: Equation[..., Any], framework: str = "") -> Equation[..., Any]:
    """The equation of the gradients that automatic differentiation must give of a candidate.

    Raises:
        UnknownName: there is none.
        SpecError: the framework has no automatic differentiation.
    """
    found = REGISTRY.gradient(equation.id)
    if found is None:
        known = [each.gradient_of for each in REGISTRY.values() if each.gradient_of]
        mend = nearest(equation.id, known)
        if equation.gradient_of:
            mend = f"{equation.id} is a backward pass itself; what computes it is judged without backward"
        raise UnknownName(
            f"no equation of the gradients of {equation.id}", given=equation.id, expected=", ".join(known), mend=mend
        )
    if framework and framework not in AUTODIFF:
        raise SpecError(
            f"{framework} has no automatic differentiation",
            given=f"framework {framework}",
            expected=" or ".join(AUTODIFF),
            mend=f"judge a backward pass of your own as {found.id}",
        )
    return found


def _dtypes(dtype: str | Sequence[str] | None) -> tuple[str, ...] | None:
    if dtype is None:
        return None
    names = (dtype,) if isinstance(dtype, str) else tuple(dtype)
    return tuple(dict.fromkeys(name.removeprefix("torch.").removeprefix("numpy.") for name in names)) or None
