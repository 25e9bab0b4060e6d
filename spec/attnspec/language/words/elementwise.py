"""Functions of the notation that act element by element."""

from __future__ import annotations

from attnspec.language.tensor import Operand, Tensor, unread


def exp(x: Operand) -> Tensor:
    """The exponential e^x, element by element.

    Args:
        x: a number, or an array of any shape.

    Returns:
        e^x, in the shape of `x`; infinity where that overflows.

    Examples:
        >>> @equation()
        ... def powers(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        ...     return exp(x)
        >>> powers(np.array([0.0, 1.0]))
        array([1.        , 2.71828183])
    """
    return unread()


def log(x: Operand) -> Tensor:
    """The natural logarithm, element by element.

    Args:
        x: a number, or an array of any shape.

    Returns:
        ln x, in the shape of `x`; −∞ at 0 and NaN below 0.

    Examples:
        >>> @equation()
        ... def logarithm(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        ...     return log(x)
        >>> logarithm(np.array([1.0, 10.0]))
        array([0.        , 2.30258509])
    """
    return unread()


def sin(x: Operand) -> Tensor:
    """The sine, element by element.

    Args:
        x: an angle in radians, or an array of angles of any shape.

    Returns:
        sin x, in the shape of `x`.

    Examples:
        >>> @equation()
        ... def wave(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        ...     return sin(x)
        >>> wave(np.array([0.0, 1.0]))
        array([0.        , 0.84147098])
    """
    return unread()


def cos(x: Operand) -> Tensor:
    """The cosine, element by element.

    Args:
        x: an angle in radians, or an array of angles of any shape.

    Returns:
        cos x, in the shape of `x`.

    Examples:
        >>> @equation()
        ... def wave(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        ...     return cos(x)
        >>> wave(np.array([0.0, 1.0]))
        array([1.        , 0.54030231])
    """
    return unread()


def tanh(x: Operand) -> Tensor:
    """The hyperbolic tangent, element by element.

    Args:
        x: a number, or an array of any shape.

    Returns:
        tanh x between −1 and 1, in the shape of `x`.

    Examples:
        >>> @equation()
        ... def squashed(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        ...     return tanh(x)
        >>> squashed(np.array([0.0, 1.0]))
        array([0.        , 0.76159416])
    """
    return unread()


def sigmoid(x: Operand) -> Tensor:
    """The logistic function σ(x) = 1 / (1 + e^(−x)), element by element.

    Args:
        x: a number, or an array of any shape.

    Returns:
        σ(x) between 0 and 1, in the shape of `x`.

    Examples:
        >>> @equation()
        ... def gate(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        ...     return sigmoid(x)
        >>> gate(np.array([0.0, 1.0]))
        array([0.5       , 0.73105858])
    """
    return unread()


def relu(x: Operand) -> Tensor:
    """The rectifier max(x, 0), element by element.

    Args:
        x: a number, or an array of any shape.

    Returns:
        x where it is positive, 0 elsewhere, NaN where x is NaN; in the shape of `x`.

    Examples:
        >>> @equation()
        ... def rectified(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        ...     return relu(x)
        >>> rectified(np.array([-1.0, 2.0]))
        array([0., 2.])
    """
    return unread()


def gelu(x: Operand) -> Tensor:
    """The Gaussian error linear unit x Φ(x), element by element.

    Φ is the distribution function of the standard normal distribution, computed by the error function. An equation that
    uses the approximation writes it with `tanh`, as `transformer.feed_forward_gelu_tanh` does.

    Args:
        x: a number, or an array of any shape.

    Returns:
        x Φ(x), in the shape of `x`.

    Examples:
        >>> @equation()
        ... def activation(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        ...     return gelu(x)
        >>> activation(np.array([-1.0, 2.0]))
        array([-0.15865525,  1.95449974])
    """
    return unread()


def silu(x: Operand) -> Tensor:
    """x σ(x), also called swish, element by element.

    Args:
        x: a number, or an array of any shape.

    Returns:
        x / (1 + e^−x), in the shape of `x`.

    Examples:
        >>> @equation()
        ... def gated(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        ...     return silu(x)
        >>> gated(np.array([0.0, 1.0]))
        array([0.        , 0.73105858])
    """
    return unread()


def softplus(x: Operand) -> Tensor:
    """ln(1 + e^x), element by element.

    Args:
        x: a number, or an array of any shape.

    Returns:
        ln(1 + e^x), in the shape of `x`; x itself where e^x would overflow.

    Examples:
        >>> @equation()
        ... def positive(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        ...     return softplus(x)
        >>> positive(np.array([0.0, 1000.0])).round(4)
        array([6.931e-01, 1.000e+03])
    """
    return unread()


def abs(x: Operand) -> Tensor:
    """The absolute value, element by element.

    Args:
        x: a number, or an array of any shape.

    Returns:
        |x|, in the shape of `x`.

    Examples:
        >>> @equation()
        ... def magnitude(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        ...     return abs(x)
        >>> magnitude(np.array([-2.0, 3.0]))
        array([2., 3.])
    """
    return unread()


def sqrt(x: Operand) -> Tensor:
    """The square root, element by element.

    Args:
        x: a number, a size, or an array of any shape.

    Returns:
        √x, in the shape of `x`; NaN below 0.

    Examples:
        >>> @equation()
        ... def root(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        ...     return sqrt(x)
        >>> root(np.array([4.0, 9.0]))
        array([2., 3.])
    """
    return unread()


def where(condition: Tensor | bool, yes: Operand, no: Operand) -> Tensor:
    """A choice, element by element.

    Args:
        condition: an array of truth values: a mask that is an argument, or a comparison such as ``j <= i``.
        yes: the values where the condition holds.
        no: the values where it does not hold.

    Returns:
        An array with all named axes of the three. What is not chosen has no effect, even if it is NaN.

    Examples:
        >>> @equation()
        ... def capped(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        ...     return where(x < 1, x, 1)
        >>> capped(np.array([0.5, 2.0]))
        array([0.5, 1. ])
    """
    return unread()
