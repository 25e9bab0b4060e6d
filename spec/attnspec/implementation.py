"""Declarations of implementations: which equation a callable computes, and for which inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol, TypedDict, TypeVar, Unpack

from attnspec.errors import SpecError, nearest


class Framework(StrEnum):
    """The framework whose arrays a callable takes and returns. A member equals its value.

    Examples:
        >>> import attnspec
        >>> attnspec.Framework.TORCH == "torch"
        True
    """

    NUMPY = "numpy"
    """Arrays of NumPy."""
    TORCH = "torch"
    """Tensors of PyTorch."""
    JAX = "jax"
    """Arrays of JAX."""


class DType(StrEnum):
    """The storage dtypes of floating-point arrays. A member equals its value.

    Examples:
        >>> import attnspec
        >>> attnspec.DType("bfloat16")
        <DType.BFLOAT16: 'bfloat16'>
    """

    FLOAT64 = "float64"
    """53 significant bits."""
    FLOAT32 = "float32"
    """24 significant bits."""
    FLOAT16 = "float16"
    """11 significant bits."""
    BFLOAT16 = "bfloat16"
    """8 significant bits."""


FRAMEWORKS, DTYPES = tuple(Framework), tuple(DType)

DETERMINISM = ("runs", "batch", "splits")
"""Over what answers may be equal bit by bit: from run to run, over batch sizes, and over splits of an axis."""

SEVERAL = {
    **dict.fromkeys(("dtypes", "devices", "batch", "forms"), "({},)"),
    "smallest": "{{'batch': {}}}",
    "multiple": "{{'AXIS': {}}}",
    "splits": "{{'PARAMETER': ({},)}}",
}
"""{field of a claim that takes several values: how one value is written there}."""

AUTODIFF = {"torch": "torch.autograd", "jax": "jax.vjp"}
"""{framework: its function for automatic differentiation}."""

ATTRIBUTE = "__attnspec__"

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Claim:
    """The inputs for which an implementation is claimed to be right. It is judged on these alone.

    Attributes:
        dtypes: storage dtypes. None claims float32; a caller of `verify` may then name others.
        devices: kinds of device that it runs on, such as "cpu" or "cuda".
        policy: precision policy, one of `PrecisionPolicy`. If None, the verifier infers it.
        smallest: the smallest size that it accepts, by the name of the axis; "batch" is every batch axis.
        multiple: a number that its sizes are multiples of, by the name of the axis, such as 2 for even ones.
        batch: the numbers of leading batch axes that it accepts; each of them is tested.
        finite: whether only finite inputs are claimed. If False, NaN and infinity at masked places are claimed too.
        contiguous: whether only C-contiguous inputs are claimed.
        deterministic: over what the answers are claimed to be equal bit by bit, of "runs", "batch" and "splits"; True
            is ("runs",). None and False claim nothing: determinism is measured, and a difference within the noise
            does not change the verdict.
        splits: {parameter of the callable: values}, of parameters that say into how many parts, or parts of which
            size, it splits its work. Its answers are right for each of them.
        backward: whether the claim is about the gradients that automatic differentiation makes of the callable.
        double_backward: whether these gradients can be differentiated again; judged in float64. It needs `backward`.
        forms: names of equal rewritings that are accepted at any loss of bits.

    Raises:
        SpecError: there is no such dtype, no dtype or number of batch axes at all, a double backward pass without a
            backward pass, one value in place of several, or multiples of a number below 1.

    Examples:
        >>> import attnspec
        >>> claim = attnspec.Claim(dtypes=("float32", "bfloat16"), batch=(0,), smallest={"t": 1})
        >>> claim.finite
        True
        >>> attnspec.Claim(deterministic=True).bitwise
        ('runs',)
    """

    dtypes: tuple[str, ...] | None = None
    devices: tuple[str, ...] = ("cpu", "cuda")
    policy: str | None = None
    smallest: Mapping[str, int] = field(default_factory=dict)
    multiple: Mapping[str, int] = field(default_factory=dict)
    batch: tuple[int, ...] = (0, 1)
    finite: bool = True
    contiguous: bool = False
    deterministic: bool | tuple[str, ...] | None = None
    splits: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    backward: bool = False
    double_backward: bool = False
    forms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, several in SEVERAL.items():
            value = getattr(self, name)
            if isinstance(value, str | int):
                raise SpecError(
                    f"{name} of a claim is a {'mapping' if ':' in several else 'tuple'}",
                    given=f"{name}={value!r}",
                    mend=f"{name}={several.format(repr(value))}",
                )
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
        for axis, number in self.multiple.items():
            if number < 1:
                raise SpecError(
                    "sizes are multiples of a number from 1 on",
                    given=f"multiple.{axis}={number}",
                    mend=f"multiple.{axis}=2",
                )
        if self.double_backward and not self.backward:
            mend = "claim the backward pass too: backward=True, double_backward=True"
            raise SpecError("a double backward is claimed, and no backward pass", given=repr(self), mend=mend)
        unknown = [over for over in self.bitwise if over not in DETERMINISM]
        if unknown or isinstance(self.deterministic, str):
            raise SpecError(
                "deterministic is not a claim over what is measured",
                given=f"deterministic={self.deterministic!r}",
                expected=f"True, False, or several of {', '.join(DETERMINISM)} in a tuple",
                mend=nearest(unknown[0], DETERMINISM) if len(unknown) == 1 else 'deterministic=("runs",)',
            )

    @property
    def bitwise(self) -> tuple[str, ...]:
        """Over what its answers are claimed to be equal bit by bit, of "runs", "batch" and "splits"."""
        return self.deterministic if isinstance(self.deterministic, tuple) else ("runs",) if self.deterministic else ()

    def updated(self, fields: ClaimFields | Mapping[str, Any]) -> Claim:
        """A copy of this claim with some fields replaced.

        Args:
            fields: new values by the name of the field. Axes in `smallest` and `multiple` are added to those of this
                claim.

        Returns:
            The new claim.

        Raises:
            SpecError: there is no such field, or it does not take this value.

        Examples:
            >>> import attnspec
            >>> attnspec.Claim(smallest={"t": 1}).updated({"smallest": {"n": 2}}).smallest
            {'t': 1, 'n': 2}
        """
        for name in fields:
            if name not in Claim.__dataclass_fields__:
                raise unknown_claim(name, fields[name])  # type: ignore[literal-required]  # a mistyped name, at run time
        changes: dict[str, Any] = dict(fields)
        for name in ("smallest", "multiple"):
            if isinstance(changes.get(name), Mapping):
                changes[name] = {**getattr(self, name), **changes[name]}
        return replace(self, **changes)


class ClaimFields(TypedDict, total=False):
    """The type of a mapping of some fields of `Claim`, as `implements` and `verify` take them.

    Examples:
        >>> import attnspec
        >>> one_example: attnspec.ClaimFields = {"batch": (0,), "contiguous": True}
        >>> attnspec.Claim(**one_example).batch
        (0,)
    """

    dtypes: tuple[str, ...] | None
    devices: tuple[str, ...]
    policy: str | None
    smallest: Mapping[str, int]
    multiple: Mapping[str, int]
    batch: tuple[int, ...]
    finite: bool
    contiguous: bool
    deterministic: bool | tuple[str, ...] | None
    splits: Mapping[str, tuple[int, ...]]
    backward: bool
    double_backward: bool
    forms: tuple[str, ...]


def unknown_claim(name: str, value: object, where: str = "") -> SpecError:
    """The error for an unknown field of a claim.

    Args:
        name: the field.
        value: its value.
        where: the beginning of the message, such as "@implements('scores.dot'): ".
    """
    known = Claim.__dataclass_fields__
    return SpecError(
        f"{where}no claim {name!r}", given=f"{name}={value!r}", expected=", ".join(known), mend=nearest(name, known)
    )


FLAGS = ("finite", "contiguous", "deterministic", "double_backward")
ANSWERS = {"yes": True, "no": False, "true": True, "false": False}


def parse_claim(given: Mapping[str, str]) -> dict[str, Any]:
    """Parse fields of a `Claim` on a command line, such as batch=0,1; smallest.t=1; multiple.d=2; form=A,B.

    Args:
        given: {field: its value as text}.

    Returns:
        {field of `Claim`: its value}.

    Raises:
        SpecError: there is no such field, or it cannot have this value.
    """
    fields: dict[str, Any] = {}
    for field_, value in given.items():
        name, _, axis = field_.partition(".")
        numbers = value.replace(" ", "").split(",")
        if name in FLAGS and not axis and value.lower() in ANSWERS:
            fields[name] = ANSWERS[value.lower()]
        elif name == "batch" and not axis and all(map(str.isdecimal, numbers)):
            fields[name] = tuple(map(int, numbers))
        elif name in ("smallest", "multiple") and axis and value.isdecimal():
            fields[name] = {**fields.get(name, {}), axis: int(value)}
        elif name == "splits" and axis and all(map(str.isdecimal, numbers)):
            fields[name] = {**fields.get(name, {}), axis: tuple(map(int, numbers))}
        elif name == "form" and not axis and all(value.split(",")):
            fields["forms"] = tuple(part.strip() for part in value.split(","))
        elif name == "deterministic" and not axis and all(part.strip() in DETERMINISM for part in value.split(",")):
            fields[name] = tuple(part.strip() for part in value.split(","))
        else:
            known = ("batch", "smallest", "multiple", "form", "splits", *FLAGS)
            raise SpecError(
                f"no claim {field_}={value}",
                given=f"{field_}={value}",
                expected="batch=0,1; smallest.AXIS=1; multiple.AXIS=2; form=NAME; deterministic=runs,batch,splits; "
                f"splits.PARAMETER=1,2; or yes or no for {', '.join(FLAGS)}",
                mend="" if name in known else nearest(name, known),
            )
    return fields


@dataclass(frozen=True, slots=True)
class Implementation:
    """A declaration by `implements` that a callable computes an equation.

    Attributes:
        equation: the id of the equation or procedure, "family.name".
        framework: one of `Framework`. If None, it is inferred from the imports of the callable's module.
        claim: the inputs for which this is claimed.
        bind: {parameter of the callable: argument of the equation}, where the names differ.
        settings: {parameter of the callable, or option or size of the equation: its value}.
        axes: a letter for each axis of the callable's arrays, such as "BNHD"; None: the order of the equation.
        returns: where the results are in what the callable returns; None: it returns just them.
        same: {argument that the callable does not take: argument that it reads in its place}.
        weights: {argument of the equation: where the callable keeps it}.

    Examples:
        >>> import attnspec
        >>> attnspec.Implementation("scores.dot", "numpy").claim.batch
        (0, 1)
    """

    equation: str
    framework: str | None = None
    claim: Claim = field(default_factory=Claim)
    bind: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    axes: str | None = None
    returns: int | str | Sequence[int | str] | None = None
    same: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)


class Identified(Protocol):
    """What has the id of an equation or procedure: an equation or procedure itself."""

    @property
    def id(self) -> str:
        """The id, such as "recurrent.gru_cell"."""
        ...


def implements(
    equation: str | Identified,
    *,
    framework: str | None = None,
    bind: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    axes: str | None = None,
    returns: int | str | Sequence[int | str] | None = None,
    same: Mapping[str, str] | None = None,
    weights: Mapping[str, str] | None = None,
    **claim: Unpack[ClaimFields],
) -> Callable[[F], F]:
    """Declare that a callable implements an equation or a procedure.

    The callable itself is not changed. Several declarations may be stacked: for several equations, or with
    ``backward=True`` for the backward pass of a callable.

    Args:
        equation: the id of the equation or procedure, such as "recurrent.gru_cell", which is looked up when the
            callable is verified; or the equation or procedure itself.
        framework: the framework of the arrays that the callable takes and returns: "numpy", "torch" or "jax". By
            default, it is inferred from the imports of the callable's module.
        bind: {parameter of the callable: argument of the equation}, where the names differ. By default, parameters
            are matched by name, else by order.
        settings: {name: value} of parameters that the equation does not have, and of its options and sizes that the
            callable has built in.
        axes: a letter for each axis of the callable's arrays, such as "BNHD"; B and H are batch axes.
        returns: where the results are in what the callable returns, such as 0.
        same: {argument that the callable does not take: argument that it reads in its place}.
        weights: {argument of the equation: where the callable keeps it}, such as {"mask": "~padding"}. A caller of
            `verify`, where these are explained, may override each of them.
        **claim: fields of `Claim`: dtypes, devices, policy, smallest, multiple, batch, finite, contiguous,
            deterministic, splits, backward, double_backward, forms.

    Returns:
        A decorator that returns the callable.

    Raises:
        SpecError: it is no equation, or there is no such framework, dtype or field of a claim.

    Examples:
        >>> import numpy as np
        >>> import attnspec
        >>> @attnspec.implements("scores.dot", framework="numpy", dtypes=("float64", "float32"))
        ... def dot(q, k):
        ...     return q @ np.swapaxes(k, -1, -2)
        >>> report = attnspec.verify(dot)
        >>> [(verdict.dtype, verdict.verdict.value) for verdict in report]
        [('float64', 'conforms'), ('float32', 'conforms')]
    """
    id = equation if isinstance(equation, str) else getattr(equation, "id", None)
    if not isinstance(id, str):
        raise SpecError(
            "@implements takes an equation or its id",
            given=f"{equation!r:.200}",
            expected='an id such as "scores.dot", or a function under @equation',
        )
    if framework is not None and framework not in FRAMEWORKS:
        raise SpecError(
            f"no framework {framework!r}",
            given=f"framework={framework!r}",
            expected=", ".join(FRAMEWORKS),
            mend=nearest(framework, FRAMEWORKS),
        )
    for name, value in claim.items():
        if name not in Claim.__dataclass_fields__:
            raise unknown_claim(name, value, f"@implements({id!r}): ")
    declared = Implementation(
        id,
        framework,
        Claim(**claim),
        dict(bind or {}),
        dict(settings or {}),
        axes,
        returns,
        dict(same or {}),
        dict(weights or {}),
    )

    def declare(function: F) -> F:
        earlier: tuple[Implementation, ...] = getattr(function, ATTRIBUTE, ())
        setattr(function, ATTRIBUTE, (declared, *earlier))
        return function

    return declare
