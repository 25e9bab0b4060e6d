"""Words for the sizes that a signature names: indices over them, their values, and arrays made of them alone."""

from __future__ import annotations

import math

from attnspec.language.tensor import Index, Tensor, unread

inf = math.inf
"""Infinity; a masked score is ``-inf``.

Examples:
    >>> @equation()
    ... def masked(e: Float[Tensor, " m"], mask: Bool[Tensor, " m"]) -> Float[Tensor, " m"]:
    ...     return where(mask, e, -inf)
    >>> masked(np.array([1.0, 2.0]), np.array([True, False]))
    array([  1., -inf])
"""


def index(size: str) -> Index:
    """Declare an index over one size of the signature: ``t = index("t")``.

    Args:
        size: a size of the signature, or a sum, product or count of steps of such: "n", "H*d", "d+u",
            "ceil((t-w)/s)".

    Returns:
        The index. In a subscript it names an axis; elsewhere it is the whole number 0, 1, …, size − 1. A declaration
        stands on a line of its own.

    Examples:
        >>> @equation()
        ... def row_before(x: Float[Tensor, "t d"]) -> Float[Tensor, "t d"]:
        ...     t = index("t")
        ...     return x[t - 1].stack(t)
        >>> row_before(np.array([[1.0], [2.0], [3.0]]))
        array([[0.],
               [1.],
               [2.]])
    """
    return unread()


def indices(*sizes: str) -> tuple[Index, ...]:
    """Declare several indices at once: ``i, j = indices("n", "m")``.

    Args:
        *sizes: a size for each index, as `index` takes it. Two indices may run over the same size.

    Returns:
        As many indices as sizes.

    Examples:
        >>> @equation()
        ... def outer(x: Float[Tensor, " n"], y: Float[Tensor, " m"]) -> Float[Tensor, "n m"]:
        ...     i, j = indices("n", "m")
        ...     return (x[i] * y[j]).stack(i, j)
        >>> outer(np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0]))
        array([[ 3.,  4.,  5.],
               [ 6.,  8., 10.]])
    """
    return unread()


def size(name: str) -> int:
    """Declare a size of the signature as a number: ``d = size("d")``.

    Args:
        name: a size, as `index` takes it.

    Returns:
        The size as a whole number. Arithmetic on sizes is exact.

    Examples:
        >>> @equation()
        ... def scaled(q: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        ...     d = size("d")
        ...     return q / sqrt(d)
        >>> scaled(np.array([[2.0, 4.0, 6.0, 8.0]]))
        array([[1., 2., 3., 4.]])
    """
    return unread()


def zeros(sizes: str) -> Tensor:
    """An array of zeros; a recurrence without a given first state starts from it.

    Args:
        sizes: sizes, separated by spaces, as in a signature: "n d".

    Returns:
        An array of this shape, in the dtype of the inputs.

    Examples:
        >>> @equation()
        ... def running_sum(x: Float[Tensor, "t d"]) -> Float[Tensor, "t d"]:
        ...     t = index("t")
        ...     s = scan(t, lambda s: s + x[t], zeros("d"))
        ...     return s.stack(t)
        >>> running_sum(np.array([[1.0], [2.0], [3.0]]))
        array([[1.],
               [3.],
               [6.]])
    """
    return unread()
