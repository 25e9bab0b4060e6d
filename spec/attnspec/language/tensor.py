"""What stands for an array inside an equation. Its methods are read by the parser, never run."""

from __future__ import annotations

from typing import Any, Never

from attnspec.errors import NotationError


class Index:
    """An index: the i of c_i. It names an axis in a subscript, and is a number, from 0, elsewhere.

    What is counted with it may be a place, an option or a value, which its type does not tell.
    """

    def __add__(self, other: Scalar) -> Any: return unread()
    def __radd__(self, other: Scalar) -> Any: return unread()
    def __sub__(self, other: Scalar) -> Any: return unread()
    def __rsub__(self, other: Scalar) -> Any: return unread()
    def __mul__(self, other: Scalar) -> Any: return unread()
    def __rmul__(self, other: Scalar) -> Any: return unread()
    def __truediv__(self, other: Scalar) -> Tensor: return unread()
    def __floordiv__(self, other: Scalar) -> Any: return unread()
    def __le__(self, other: Scalar) -> Tensor: return unread()
    def __lt__(self, other: Scalar) -> Tensor: return unread()
    def __ge__(self, other: Scalar) -> Tensor: return unread()
    def __gt__(self, other: Scalar) -> Tensor: return unread()
    def __eq__(self, other: object) -> Tensor: return unread()  # type: ignore[override]  # read, not run: no truth value


class Tensor:
    """An array of the notation: named axes, brought in by subscripts, and the unnamed ones that `@` acts on.

    Elementwise operations line named axes up by name; `array[i, j]` names the leading unnamed axes, and
    `array.stack(i, j)` makes named axes leading unnamed ones again.
    """

    def __getitem__(self, places: Place | tuple[Place, ...]) -> Tensor: return unread()
    def stack(self, *indices: Index) -> Tensor: return unread()
    def __add__(self, other: Operand) -> Tensor: return unread()
    def __radd__(self, other: Operand) -> Tensor: return unread()
    def __sub__(self, other: Operand) -> Tensor: return unread()
    def __rsub__(self, other: Operand) -> Tensor: return unread()
    def __mul__(self, other: Operand) -> Tensor: return unread()
    def __rmul__(self, other: Operand) -> Tensor: return unread()
    def __truediv__(self, other: Operand) -> Tensor: return unread()
    def __floordiv__(self, other: Operand) -> Tensor: return unread()
    def __rtruediv__(self, other: Operand) -> Tensor: return unread()
    def __pow__(self, other: Operand) -> Tensor: return unread()
    def __rpow__(self, other: Operand) -> Tensor: return unread()
    def __matmul__(self, other: Tensor) -> Tensor: return unread()
    def __neg__(self) -> Tensor: return unread()
    def __le__(self, other: Operand) -> Tensor: return unread()
    def __lt__(self, other: Operand) -> Tensor: return unread()
    def __ge__(self, other: Operand) -> Tensor: return unread()
    def __gt__(self, other: Operand) -> Tensor: return unread()
    def __eq__(self, other: object) -> Tensor: return unread()  # type: ignore[override]  # element by element
    def __and__(self, other: Tensor) -> Tensor: return unread()
    def __or__(self, other: Tensor) -> Tensor: return unread()
    def __invert__(self) -> Tensor: return unread()


Layers = tuple[tuple[Tensor, ...], ...]
"""What layers take besides what they read, the bottom one first: each in the order of the equation that it is."""

Scalar = Index | Tensor | int | float
Operand = Tensor | Index | int | float
Place = Scalar


def unread() -> Never:
    """Refuse to run: the notation is read from the source."""
    raise NotationError(
        "the notation was run outside an equation",
        expected="a function marked @equation, whose body is read and then interpreted",
        mend="put the formula in an @equation function and call that with arrays",
    )
