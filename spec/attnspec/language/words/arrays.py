"""Words that rearrange the axes of arrays."""

from __future__ import annotations

from typing import overload

from attnspec.language.tensor import Index, Scalar, Tensor, unread


def transpose(x: Tensor) -> Tensor:
    """A matrix with its two axes exchanged.

    Args:
        x: an array with two unnamed axes, (n, m). Axes that a subscript has named do not count.

    Returns:
        The array with unnamed axes (m, n).

    Examples:
        >>> @equation()
        ... def scores(q: Float[Tensor, "n d"], k: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
        ...     return q @ transpose(k)
        >>> scores(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]]))
        array([[11., 17.]])
    """
    return unread()


@overload
def concat(first: Index, second: Tensor, /) -> Tensor: ...
@overload
def concat(first: Tensor, second: Tensor, /, *rest: Tensor) -> Tensor: ...
def concat(first: Index | Tensor, second: Tensor, /, *rest: Tensor) -> Tensor:
    """Arrays joined along their last axis: [a; b; …].

    Args:
        first: an array (…, d); or an index h: then `second` is joined over all values of it.
        second: an array (…, e); or, after an index, the array of which one part belongs to each of its values.
        *rest: more arrays to join. None after an index.

    Returns:
        An array (…, d+e+…); or, after an index over the size H, the parts (…, d) side by side: (…, H*d).

    Examples:
        >>> @equation()
        ... def joined(h: Float[Tensor, " d"], c: Float[Tensor, " e"]) -> Float[Tensor, "d+e"]:
        ...     return concat(h, c)
        >>> joined(np.array([1.0, 2.0]), np.array([3.0]))
        array([1., 2., 3.])

        >>> @equation()
        ... def heads_joined(head: Float[Tensor, "H n d"]) -> Float[Tensor, "n H*d"]:
        ...     h = index("H")
        ...     return concat(h, head[h])
        >>> heads_joined(np.array([[[1.0, 2.0]], [[3.0, 4.0]]]))
        array([[1., 2., 3., 4.]])
    """
    return unread()


def split(x: Tensor, parts: Scalar) -> Tensor:
    """The last axis cut into equal parts; `concat` over an index joins them again.

    Args:
        x: an array (…, parts·d).
        parts: the number of parts: an option that sets a size, such as `heads`, which sets H; or a size.

    Returns:
        An array (…, parts, d).

    Examples:
        >>> @equation()
        ... def heads_split(x: Float[Tensor, "n H*d"], *, heads: int) -> Float[Tensor, "n H d"]:
        ...     return split(x, heads)
        >>> heads_split(np.array([[1.0, 2.0, 3.0, 4.0]]), heads=2)
        array([[[1., 2.],
                [3., 4.]]])
    """
    return unread()
