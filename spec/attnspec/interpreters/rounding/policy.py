"""Floating-point formats, and precision policies: which format an implementation rounds to where."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum

from attnspec.errors import UnknownName, nearest


@dataclass(frozen=True, slots=True)
class Format:
    """A binary format.

    Attributes:
        name: its name.
        bits: number of significant bits, including the hidden one; not an integer if it is an estimate.
        least: largest absolute error of a rounding near zero: the spacing of subnormal numbers, or the smallest normal
            number where flushing to zero is allowed.
        largest: the largest finite number.
        u: the unit roundoff 2^−bits: the largest relative error of one rounding.
    """

    name: str
    bits: float
    least: float
    largest: float
    u: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "u", math.pow(2.0, -self.bits))


OF_NUMBERS = "of numbers"
"""The name of the format of results that are computed of numbers and positions alone."""

FORMATS = {
    item.name: item
    for item in (
        Format("float64", 53, 2.0**-500, 1.7976931348623157e308),  # σ² must not underflow: below 1e-135 σ is absolute
        Format("float32", 24, 2.0**-126, 3.4028234663852886e38),
        Format("tf32", 11, 2.0**-126, 3.4028234663852886e38),
        Format("float16", 11, 2.0**-24, 65504.0),
        Format("bfloat16", 8, 2.0**-126, 3.3895313892515355e38),
    )
}


@dataclass(frozen=True, slots=True)
class Policy:
    """The formats that values are rounded to.

    Attributes:
        name: its name.
        storage: format of inputs and outputs.
        accumulation: format of the running sums of products.
        operands: format of the operands of products of matrices.
        intermediates: format of results between operations.
        state: format of the state that a recurrence carries from step to step.
        compute: format in which a function such as tanh is evaluated before its result is rounded.
        truncates: whether the accumulator truncates instead of rounding.
        products: format that each product is rounded to before summation; None if it is not rounded.
        inputs: format that floating inputs are rounded to first; None if they are used as they are.
        numbers: format of what is computed of numbers and positions alone; None if it is that of functions.
        exception: the name of a line with a format of its own, and that format; None if no line has one.
    """

    name: str
    storage: Format
    accumulation: Format
    operands: Format
    intermediates: Format
    state: Format
    compute: Format
    truncates: bool = False
    products: Format | None = None
    inputs: Format | None = None
    numbers: Format | None = None
    exception: tuple[str, Format] | None = None

    def of_numbers(self) -> Policy:
        """The policy of what is computed of numbers and positions alone, as a table of angles is: nothing is stored."""
        inner = replace(self.numbers or self.compute, name=OF_NUMBERS)
        return replace(self, accumulation=inner, intermediates=inner)

    def at(self, line: str) -> Policy:
        """The policy of one line of an equation."""
        if self.exception is None or self.exception[0] != line:
            return self
        target = self.exception[1]
        return replace(self, intermediates=target, compute=target)

    def __str__(self) -> str:
        return self.name


class PrecisionPolicy(StrEnum):
    """Precision policies: where an implementation rounds to its storage dtype. A member equals its value.

    For float32 and float64 all policies but TF32 are the same; reduced-reduction is for float16 and bfloat16 alone.

    Examples:
        >>> import attnspec
        >>> attnspec.PrecisionPolicy.FLASH == "flash"
        True
    """

    FLOAT32_INSIDE = "float32-inside"
    """Inputs and outputs are rounded to the storage dtype, everything else is float32."""
    FLOAT32_STEP = "float32-step"
    """As float32-inside, and the state of a recurrence is rounded to the storage dtype after each step."""
    FLASH = "flash"
    """As float32-inside, and the operands of each product of matrices are rounded to the storage dtype."""
    OP_BY_OP = "op-by-op"
    """Every intermediate is rounded to the storage dtype."""
    TF32 = "tf32"
    """Float32, with the operands of products of matrices rounded to TF32. It is never inferred, only declared."""
    REDUCED_REDUCTION = "reduced-reduction"
    """As op-by-op in float16 or bfloat16, and running sums are rounded to the storage dtype too, as cuBLAS may do where
    PyTorch allows reduced-precision reductions. It is never inferred, only declared."""


PRESETS = tuple(PrecisionPolicy)


def preset(name: str, dtype: str) -> Policy:
    """One of the policies in `PrecisionPolicy`, for a storage dtype.

    Args:
        name: a value of `PrecisionPolicy`.
        dtype: the storage dtype: float64, float32, float16 or bfloat16.

    Raises:
        UnknownName: there is no such preset, or not for this dtype.
    """
    storage = FORMATS[dtype]
    inner = FORMATS["float32"] if storage.bits < 24 else storage
    inside = Policy(name, storage, inner, inner, inner, inner, inner)
    match name:
        case "float32-inside":
            return inside
        case "float32-step":
            return replace(inside, state=storage)
        case "flash":
            return replace(inside, operands=storage)
        case "op-by-op":
            return replace(inside, operands=storage, intermediates=storage, state=storage)
        case "tf32" if dtype == "float32":
            return replace(inside, operands=FORMATS["tf32"])
        case "reduced-reduction" if storage.bits < 24:
            return replace(inside, accumulation=storage, operands=storage, intermediates=storage, state=storage)
    raise UnknownName(
        f"no precision policy {name!r} for {dtype}",
        given=name,
        expected=", ".join([*policies(dtype), *declared_only(dtype)]),
        mend=nearest(name, PRESETS) or "leave it out, and it is inferred",
    )


def policies(dtype: str) -> tuple[str, ...]:
    """The presets that can be inferred for a storage dtype, tightest first; others must be declared."""
    return ("float32-inside", "float32-step", "flash", "op-by-op") if FORMATS[dtype].bits < 24 else ("op-by-op",)


def declared_only(dtype: str) -> tuple[str, ...]:
    """The presets of a storage dtype that are never inferred."""
    return {"float32": ("tf32",), "float64": ()}.get(dtype, ("reduced-reduction",))
