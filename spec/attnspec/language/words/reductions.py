"""Words that reduce over an index, or normalise over it."""

from __future__ import annotations

from attnspec.language.tensor import Index, Operand, Tensor, unread


def sum(over: Index, term: Operand, where: Tensor | None = None) -> Tensor:
    """The sum Σ over an index.

    Args:
        over: the index.
        term: what is summed, for each value of the index.
        where: a condition; terms for which it does not hold are left out, even if they are NaN.

    Returns:
        The sum, with the axes of `term` except that of the index; 0 where there is nothing to sum.

    Examples:
        >>> @equation()
        ... def mean(x: Float[Tensor, "n d"]) -> Float[Tensor, " d"]:
        ...     i, n = index("n"), size("n")
        ...     return sum(i, x[i]) / n
        >>> mean(np.array([[1.0, 2.0], [3.0, 4.0]]))
        array([2., 3.])
    """
    return unread()


def max(over: Index, term: Operand, where: Tensor | None = None) -> Tensor:
    """The largest value over an index.

    Args:
        over: the index.
        term: what is compared, for each value of the index.
        where: a condition; terms for which it does not hold are left out.

    Returns:
        The largest term, with the axes of `term` except that of the index; −∞ where there is nothing to compare, NaN
        where a term is NaN.

    Examples:
        >>> @equation()
        ... def largest(e: Float[Tensor, "n m"]) -> Float[Tensor, " n"]:
        ...     i, j = indices("n", "m")
        ...     return max(j, e[i, j]).stack(i)
        >>> largest(np.array([[1.0, 3.0, 2.0]]))
        array([3.])
    """
    return unread()


def argmax(over: Index, term: Operand, where: Tensor | None = None) -> Tensor:
    """The value of the index at which a term is largest.

    Args:
        over: the index.
        term: what is compared, for each value of the index.
        where: a condition; terms for which it does not hold are left out.

    Returns:
        Whole numbers from 0, with the axes of `term` except that of the index. The first one of equal terms counts; it
        is 0 where there is nothing to compare.

    Examples:
        >>> @equation()
        ... def best(e: Float[Tensor, "n m"]) -> Int[Tensor, " n"]:
        ...     i, j = indices("n", "m")
        ...     return argmax(j, e[i, j]).stack(i)
        >>> best(np.array([[1.0, 3.0, 3.0]]))
        array([1])
    """
    return unread()


def softmax(over: Index, scores: Operand, where: Tensor | None = None) -> Tensor:
    """The weights exp e_j / Σ_j' exp e_j' over an index.

    Args:
        over: the index j.
        scores: the scores e_j, for each value of the index.
        where: a condition; scores for which it does not hold are left out, even if they are NaN.

    Returns:
        The weights, in the shape of the scores. They sum to 1 over the index. Scores that are left out have weight 0;
        if all are left out, all weights are 0.

    Examples:
        >>> @equation()
        ... def weights(e: Float[Tensor, "n m"], mask: Bool[Tensor, "n m"]) -> Float[Tensor, "n m"]:
        ...     i, j = indices("n", "m")
        ...     return softmax(j, e[i, j], where=mask[i, j]).stack(i, j)
        >>> weights(np.array([[5.0, 5.0, 5.0], [1.0, 2.0, 3.0]]), np.array([[True, False, True], [False] * 3]))
        array([[0.5, 0. , 0.5],
               [0. , 0. , 0. ]])
    """
    return unread()


def log_softmax(over: Index, scores: Operand, where: Tensor | None = None) -> Tensor:
    """The logarithm of `softmax`, computed without overflow: e_j − ln Σ_j' exp e_j'.

    Args:
        over: the index j.
        scores: the scores e_j, for each value of the index.
        where: a condition; scores for which it does not hold are left out, even if they are NaN.

    Returns:
        The logarithms of the weights, in the shape of the scores; −∞ where the condition does not hold.

    Examples:
        >>> @equation()
        ... def log_weights(e: Float[Tensor, " m"]) -> Float[Tensor, " m"]:
        ...     j = index("m")
        ...     return log_softmax(j, e[j]).stack(j)
        >>> log_weights(np.array([0.0, 1000.0]))
        array([-1000.,     0.])
    """
    return unread()
