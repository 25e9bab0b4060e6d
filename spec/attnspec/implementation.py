"""What a package says of its implementations: which equation, on what, and what it does not claim."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypedDict, TypeVar, Unpack

from attnspec.errors import SpecError, nearest


class Framework(StrEnum):
    """Whose arrays a callable takes and returns. A member equals its value."""

    NUMPY = "numpy"
    TORCH = "torch"
    JAX = "jax"


class DType(StrEnum):
    """Storage dtypes of floating-point arrays. A member equals its value."""

    FLOAT64 = "float64"
    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"


FRAMEWORKS, DTYPES = tuple(Framework), tuple(DType)

AUTODIFF = {"torch": "torch.autograd", "jax": "jax.vjp"}
"""By framework, what makes a backward pass of a forward one."""

ATTRIBUTE = "__attnspec__"

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Claim:
    """The domain of a claim; what lies outside it is not asked, and the verdict says so.

    Attributes:
        dtypes: storage types that are claimed; None claims float32, and lets whoever asks name others.
        devices: device kinds that it runs on, such as "cpu" or "cuda".
        policy: the precision policy it declares; None lets the verifier infer it.
        smallest: the smallest size of a named axis that it accepts; "batch" is every batch axis.
        batch: the numbers of leading batch axes that it accepts; each of them is asked.
        finite: True where only finite inputs are claimed; False claims NaN and infinity at masked places too.
        contiguous: True where only C-contiguous inputs are claimed.
        deterministic: False where two runs on the same input may differ by rounding.
        backward: what is claimed are the gradients that the framework's automatic differentiation makes of it.
        double_backward: of a backward pass, that it can be differentiated again; asked in float64.
        forms: rewritings of the equation that are accepted at any loss of digits, by name.
    """

    dtypes: tuple[str, ...] | None = None
    devices: tuple[str, ...] = ("cpu", "cuda")
    policy: str | None = None
    smallest: Mapping[str, int] = field(default_factory=dict)
    batch: tuple[int, ...] = (0, 1)
    finite: bool = True
    contiguous: bool = False
    deterministic: bool = True
    backward: bool = False
    double_backward: bool = False
    forms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for dtype in self.dtypes or ():
            if dtype not in DTYPES:
                raise SpecError(
                    f"no dtype {dtype!r}",
                    given=repr(self.dtypes),
                    expected=", ".join(DTYPES),
                    mend=nearest(dtype, DTYPES),
                )
        if self.dtypes == () or not self.batch:
            raise SpecError("a claim needs at least one dtype and one number of batch axes", given=repr(self))
        if min(self.batch) < 0:
            expected = "numbers of axes, such as (0, 1)"
            raise SpecError("a number of batch axes is not negative", given=f"batch={self.batch}", expected=expected)
        if self.double_backward and not self.backward:
            mend = "claim the backward pass too: backward=True, double_backward=True"
            raise SpecError("a double backward is claimed, and no backward pass", given=repr(self), mend=mend)
        forms: object = self.forms
        if isinstance(forms, str):
            raise SpecError("forms are names in a tuple", given=repr(forms), mend=f"forms=({forms!r},)")

    def updated(self, fields: ClaimFields | Mapping[str, Any]) -> Claim:
        """This claim with some fields in place of its own; smallest sizes are added to its own.

        Raises:
            SpecError: there is no such field, or not that value for it.
        """
        for name in fields:
            if name not in Claim.__dataclass_fields__:
                raise unknown_claim(name, fields[name])  # type: ignore[literal-required]  # a mistyped name, at run time
        changes: dict[str, Any] = dict(fields)
        if "smallest" in changes:
            changes["smallest"] = {**self.smallest, **changes["smallest"]}
        return replace(self, **changes)


class ClaimFields(TypedDict, total=False):
    """The fields of `Claim` as keywords or as a mapping; each may be left out."""

    dtypes: tuple[str, ...] | None
    devices: tuple[str, ...]
    policy: str | None
    smallest: Mapping[str, int]
    batch: tuple[int, ...]
    finite: bool
    contiguous: bool
    deterministic: bool
    backward: bool
    double_backward: bool
    forms: tuple[str, ...]


def unknown_claim(name: str, value: object, where: str = "") -> SpecError:
    """The error for a field that claims do not have."""
    known = Claim.__dataclass_fields__
    return SpecError(
        f"{where}no claim {name!r}", given=f"{name}={value!r}", expected=", ".join(known), mend=nearest(name, known)
    )


FLAGS = ("finite", "contiguous", "deterministic", "double_backward")
ANSWERS = {"yes": True, "no": False, "true": True, "false": False}


def claimed(given: Mapping[str, str]) -> dict[str, Any]:
    """Fields of a `Claim` as a command line says them: batch=0,1; smallest.t=1; form=A,B; contiguous=yes.

    Raises:
        SpecError: no such field, or not a value that it takes.
    """
    found: dict[str, Any] = {}
    for field_, value in given.items():
        name, _, axis = field_.partition(".")
        numbers = value.replace(" ", "").split(",")
        if name in FLAGS and not axis and value.lower() in ANSWERS:
            found[name] = ANSWERS[value.lower()]
        elif name == "batch" and not axis and all(map(str.isdecimal, numbers)):
            found[name] = tuple(map(int, numbers))
        elif name == "smallest" and axis and value.isdecimal():
            found[name] = {**found.get(name, {}), axis: int(value)}
        elif name == "form" and not axis and all(value.split(",")):
            found["forms"] = tuple(part.strip() for part in value.split(","))
        else:
            known = ("batch", "smallest", "form", *FLAGS)
            raise SpecError(
                f"no claim {field_}={value}",
                given=f"{field_}={value}",
                expected=f"batch=0,1; smallest.AXIS=1; form=NAME; or yes or no for {', '.join(FLAGS)}",
                mend="" if name in known else nearest(name, known),
            )
    return found


@dataclass(frozen=True, slots=True)
class Implementation:
    """One claim of one callable: this computes that equation.

    Attributes:
        equation: the equation's id, "family.name".
        framework: whose arrays the callable takes, one of `FRAMEWORKS`.
        claim: what is claimed.
        bind: the callable's parameter names, each with the equation's name for it.
    """

    equation: str
    framework: str | None = None
    claim: Claim = field(default_factory=Claim)
    bind: Mapping[str, str] = field(default_factory=dict)


def implements(
    equation: str,
    *,
    framework: str | None = None,
    bind: Mapping[str, str] | None = None,
    **claim: Unpack[ClaimFields],
) -> Callable[[F], F]:
    """Declare that a callable implements an equation; the callable itself is returned unchanged.

    Args:
        equation: the equation's id, such as "recurrent.gru_cell".
        framework: "numpy", "torch" or "jax", the arrays it takes and returns; None lets the verifier tell
            from what the callable's module imports.
        bind: {callable's parameter: equation's name}, where names differ and order does not tell.
        **claim: the fields of `Claim`: dtypes, devices, policy, smallest, batch, finite, contiguous, deterministic,
            backward, double_backward, forms. Who claims both passes declares it twice, once with backward=True.

    Raises:
        SpecError: an unknown framework, dtype or claim. Whether the equation exists is asked when it is verified,
            so that declaring costs nothing.
    """
    if framework is not None and framework not in FRAMEWORKS:
        raise SpecError(
            f"no framework {framework!r}",
            given=f"framework={framework!r}",
            expected=", ".join(FRAMEWORKS),
            mend=nearest(framework, FRAMEWORKS),
        )
    for name, value in claim.items():
        if name not in Claim.__dataclass_fields__:
            raise unknown_claim(name, value, f"@implements({equation!r}): ")
    declared = Implementation(equation, framework, Claim(**claim), dict(bind or {}))

    def declare(function: F) -> F:
        earlier: tuple[Implementation, ...] = getattr(function, ATTRIBUTE, ())
        setattr(function, ATTRIBUTE, (declared, *earlier))
        return function

    return declare
