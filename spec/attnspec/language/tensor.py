"""The types of the notation: arrays, indices and layers. Their methods are read by the parser, never run."""

from __future__ import annotations

from typing import Any, Never

from attnspec.errors import NotationError


class Index:
    """An index, such as the i of c_i: `index` and `indices` declare it.

    In a subscript it names an axis: `x[i]`, `x[t - 1]` (the row before; 0 where there is none), `x[n - 1 - t]` (from
    the end). Elsewhere it is the whole number 0, 1, …, which can be used in arithmetic and comparisons.

    Examples:
        >>> @equation()
        ... def causal(e: Float[Tensor, "n n"]) -> Float[Tensor, "n n"]:
        ...     i, j = indices("n", "n")
        ...     return where(j <= i, e[i, j], 0).stack(i, j)
        >>> causal(np.ones((2, 2)))
        array([[1., 0.],
               [1., 1.]])
    """

    def __add__(self, other: Scalar) -> Any: return unread()
    def __radd__(self, other: Scalar) -> Any: return unread()
    def __sub__(self, other: Scalar) -> Any: return unread()
    def __rsub__(self, other: Scalar) -> Any: return unread()
    def __mul__(self, other: Scalar) -> Any: return unread()
    def __rmul__(self, other: Scalar) -> Any: return unread()
    def __truediv__(self, other: Scalar) -> Tensor: return unread()
    def __floordiv__(self, other: Scalar) -> Any: return unread()
    def __mod__(self, other: Scalar) -> Any: return unread()
    def __le__(self, other: Scalar) -> Tensor: return unread()
    def __lt__(self, other: Scalar) -> Tensor: return unread()
    def __ge__(self, other: Scalar) -> Tensor: return unread()
    def __gt__(self, other: Scalar) -> Tensor: return unread()
    def __eq__(self, other: object) -> Tensor: return unread()  # type: ignore[override]  # read, not run: no truth value


class Tensor:
    """An array of the notation. Its axes are unnamed, until a subscript names them by indices.

    A signature gives the sizes for one example: `Float[Tensor, "n d"]` is an array (n, d), `Float[Tensor, " d"]` a
    vector, `Float[Tensor, ""]` a number. A call may give arrays with further leading axes, the batch axes.

    - `x[i, j]` names the leading unnamed axes by indices. `P[k[i]]` takes the row k_i, where k is an array of whole
      numbers. A subscript outside the array gives 0.
    - `+ - * / // % **`, comparisons, `& | ~` and the functions of the notation act element by element. Named axes are
      matched by name, unnamed ones from the last.
    - `a @ b` multiplies over unnamed axes: matrices, a vector and a matrix, or two vectors (their inner product).
    - `x.stack(i, j)` turns named axes into leading unnamed ones.

    Examples:
        >>> @equation()
        ... def bilinear(
        ...     q: Float[Tensor, "n d"], W: Float[Tensor, "d e"], k: Float[Tensor, "m e"]
        ... ) -> Float[Tensor, "n m"]:
        ...     i, j = indices("n", "m")
        ...     return (q[i] @ W @ k[j]).stack(i, j)
        >>> bilinear
        <equation __main__.bilinear(q (n d), W (d e), k (m e))>
        >>> bilinear(np.ones((2, 3)), np.ones((3, 4)), np.ones((1, 4)))
        array([[12.],
               [12.]])
    """

    def __getitem__(self, places: Place | tuple[Place, ...]) -> Tensor: return unread()


    def stack(self, *indices: Index) -> Tensor:
        """Turn named axes into leading unnamed ones.

        Args:
            *indices: the indices whose axes become the first, the second, … one.

        Returns:
            The array, of shape (size of the first index, size of the second, …, its other unnamed axes).

        Examples:
            >>> @equation()
            ... def scores(q: Float[Tensor, "n d"], k: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
            ...     i, j = indices("n", "m")
            ...     return (q[i] @ k[j]).stack(i, j)
            >>> scores(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]]))
            array([[11., 17.]])
        """
        return unread()

    def __add__(self, other: Operand) -> Tensor: return unread()
    def __radd__(self, other: Operand) -> Tensor: return unread()
    def __sub__(self, other: Operand) -> Tensor: return unread()
    def __rsub__(self, other: Operand) -> Tensor: return unread()
    def __mul__(self, other: Operand) -> Tensor: return unread()
    def __rmul__(self, other: Operand) -> Tensor: return unread()
    def __truediv__(self, other: Operand) -> Tensor: return unread()
    def __floordiv__(self, other: Operand) -> Tensor: return unread()
    def __mod__(self, other: Operand) -> Tensor: return unread()
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
"""The type of a parameter that holds the arrays of several layers, for `through`.

A tuple with an entry for each layer, the bottom one first. An entry is a tuple of the arrays that the equation of a
layer takes after its first parameter, in its order.

Examples:
    >>> @equation()
    ... def scaled(x: Float[Tensor, "t d"], w: Float[Tensor, " d"]) -> Float[Tensor, "t d"]:
    ...     t = index("t")
    ...     return (x[t] * w).stack(t)
    >>> @equation()
    ... def deep(x: Float[Tensor, "t d"], layers: Layers) -> Float[Tensor, "t d"]:
    ...     return through(layers, scaled, x)
    >>> deep(np.array([[1.0]]), ((np.array([2.0]),), (np.array([3.0]),)))
    array([[6.]])
"""

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
