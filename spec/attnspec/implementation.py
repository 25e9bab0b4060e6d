"""What a package says of its implementations: which equation, on what, and what it does not claim."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from attnspec.errors import SpecError, nearest

FRAMEWORKS = ("numpy", "torch", "jax")
DTYPES = ("float64", "float32", "float16", "bfloat16")
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


FLAGS = ("finite", "contiguous", "deterministic", "double_backward")
ANSWERS = {"yes": True, "no": False, "true": True, "false": False}


def claimed(given: Mapping[str, str]) -> dict[str, Any]:
    """Fields of a `Claim` as a command line says them: batch=0,1; smallest.t=1; contiguous=yes.

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
        else:
            known = ("batch", "smallest", *FLAGS)
            raise SpecError(
                f"no claim {field_}={value}",
                given=f"{field_}={value}",
                expected=f"batch=0,1; smallest.AXIS=1; or yes or no for {', '.join(FLAGS)}",
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
    **claim: Any,
) -> Callable[[F], F]:
    """Declare that a callable implements an equation; the callable itself is returned unchanged.

    Args:
        equation: the equation's id, such as "recurrent.gru_cell".
        framework: "numpy", "torch" or "jax", the arrays it takes and returns; None lets the verifier tell
            from what the callable's module imports.
        bind: {callable's parameter: equation's name}, where names differ and order does not tell.
        **claim: the fields of `Claim`: dtypes, devices, policy, smallest, batch, finite, contiguous, deterministic,
            backward, double_backward. Who claims both passes declares it twice, once with backward=True.

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
    known = Claim.__dataclass_fields__
    for name in claim:
        if name not in known:
            raise SpecError(
                f"@implements({equation!r}) has no claim {name!r}",
                given=f"{name}={claim[name]!r}",
                expected=", ".join(known),
                mend=nearest(name, known),
            )
    declared = Implementation(equation, framework, Claim(**claim), dict(bind or {}))

    def declare(function: F) -> F:
        earlier: tuple[Implementation, ...] = getattr(function, ATTRIBUTE, ())
        setattr(function, ATTRIBUTE, (declared, *earlier))
        return function

    return declare
