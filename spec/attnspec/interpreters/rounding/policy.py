"""Formats of floating-point numbers, and where an implementation rounds to which: its precision policy."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from attnspec.errors import UnknownName, nearest


@dataclass(frozen=True, slots=True)
class Format:
    """A binary format.

    Attributes:
        bits: significant bits, the hidden one counted; a fraction where they are an estimate.
        least: what may be lost near zero: the subnormal spacing, or the smallest normal number where flushing to
            zero is allowed.
        largest: the largest finite number.
    """

    name: str
    bits: float
    least: float
    largest: float

    @property
    def u(self) -> float:
        """The unit roundoff: the largest relative error of one rounding."""
        return math.pow(2.0, -self.bits)


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
    """Where roundings happen, in five parts.

    Attributes:
        storage: inputs and outputs.
        accumulation: the running sums of products.
        operands: what goes into a product of matrices.
        intermediates: what is kept between operations.
        state: what a recurrence carries from step to step.
        compute: the format in which a function such as tanh is evaluated before its result is kept.
        truncates: the accumulator cuts off instead of rounding.
        products: what each product is rounded to before it is summed; None where it is not kept.
        inputs: what floating inputs are rounded to before anything else; None where they are taken as they are.
        exception: a line, by its name, and the format in which alone it is computed and kept.
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
    exception: tuple[str, Format] | None = None

    def at(self, line: str) -> Policy:
        """The policy of one line of an equation."""
        if self.exception is None or self.exception[0] != line:
            return self
        form = self.exception[1]
        return replace(self, intermediates=form, compute=form)

    def __str__(self) -> str:
        return self.name


class PrecisionPolicy(StrEnum):
    """Precision policies: where an implementation rounds to its storage dtype. A member equals its value.

    For float32 and float64 all policies but TF32 are the same.

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


PRESETS = tuple(PrecisionPolicy)


def preset(name: str, dtype: str) -> Policy:
    """One of the ways in which real software rounds, for a storage dtype.

    `float32-inside`: everything in float32 but inputs and outputs. `float32-step`: that, with the state of a recurrence
    rounded to storage between steps. `flash`: float32, with the operands of each product rounded to storage.
    `op-by-op`: every intermediate stored. `tf32`: float32 with the operands of products in TF32.

    Raises:
        UnknownName: no such preset, or not for this dtype.
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
    raise UnknownName(
        f"no precision policy {name!r} for {dtype}",
        given=name,
        expected=", ".join([*policies(dtype), *(["tf32"] if dtype == "float32" else [])]),
        mend=nearest(name, PRESETS) or "leave it out, and it is inferred",
    )


def policies(dtype: str) -> tuple[str, ...]:
    """The presets that may be inferred for a storage dtype, tightest first; TF32 must be declared."""
    return ("float32-inside", "float32-step", "flash", "op-by-op") if FORMATS[dtype].bits < 24 else ("op-by-op",)
