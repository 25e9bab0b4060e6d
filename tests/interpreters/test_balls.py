"""Ball arithmetic: balls contain the exact value, undecided comparisons say so, and the float64 oracle is certified."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import attnspec
from attnspec.verification.cases.case import Case, make, smallest
from attnspec.verification.cases.distributions import rounded
from attnspec.verification.cases.suite import standard_suite

flint = pytest.importorskip("flint", reason="balls need the extra attnspec[exact]")

from attnspec.interpreters.balls.arrays import BallArray, constants, exactly, from_limbs, to_limbs  # noqa: E402  # after
from attnspec.interpreters.balls.ball import (  # noqa: E402  # the extra is known to be there
    UNKNOWN,
    Ball,
    Undecided,
    Untraceable,
    constant,
    exact,
    largest,
    least,
    working,
)
from attnspec.interpreters.balls.value import value_in_balls  # noqa: E402  # as above

EQUATIONS = [each for each in attnspec.equations().values() if isinstance(each, attnspec.Equation)]
ORACLE_SHARE = 0.01
"""The share of a bound that the error of the float64 oracle may take."""


def ball(middle: float, radius: float = 0.0) -> Ball:
    return Ball(flint.arb(middle, radius))


def finite(number: Ball) -> Any:
    """The ball of a number that is known."""
    assert isinstance(number.value, flint.arb)
    return number.value


def small_case(equation: attnspec.Equation[..., Any]) -> Case:
    descriptions = standard_suite(equation, lambda name: 1 if name == "batch" else smallest(equation, name), (0, 1))
    return make(equation, next(iter(descriptions)), "float32")


@pytest.mark.parametrize("family", sorted({each.id.partition(".")[0] for each in EQUATIONS}))
def test_the_float64_oracle_is_certified(family: str) -> None:
    """On a case of every equation, balls are tiny, and the float64 value is within 1% of every bound of the exact one."""
    for equation in (each for each in EQUATIONS if each.id.startswith(f"{family}.")):
        case = small_case(equation)
        exact_values = value_in_balls(equation.definition, case.arguments)
        for balls, noise in zip(exact_values, equation.noise(case.arguments, dtype="float32"), strict=True):
            assert balls.shape == noise.value.shape
            flat = zip(
                np.asarray(balls).flat, noise.value.flat, np.broadcast_to(noise.bound, balls.shape).flat, strict=True
            )
            assert all(certified(*each) for each in flat), equation.id


def certified(exact_value: Any, value: float, bound: float) -> bool:
    if not isinstance(exact_value, Ball):
        return bool(exact_value == value)
    if not isinstance(exact_value.value, flint.arb):
        return exact_value.value is not None and bool(np.isclose(float(exact_value.value), value, equal_nan=True))
    error = (exact_value.value - flint.arb(value)).abs_upper()
    is_tiny = exact_value.value.rad() <= flint.arb(2) ** -120 * (1 + abs(exact_value.value))
    return bool(is_tiny and error <= ORACLE_SHARE * bound + float(exact_value.value.rad()))


def test_an_element_equals_itself() -> None:
    """A comparison with itself is decided, also where the number is not exact; with another ball it may not be."""
    with working():
        third, other = exact(1) / exact(3), exact(1) / exact(3)

        assert (third == third, third > third, third >= third) == (True, False, True)
        with pytest.raises(Undecided):
            _ = third > other


def test_a_ball_contains_what_fractions_give() -> None:
    with working():
        third = exact(1) / exact(3)
        fraction = Fraction(1, 3)

        assert third.value.contains(flint.arb(flint.fmpq(fraction.numerator, fraction.denominator)))
        assert not third.value.contains(flint.arb(1 / 3))


@pytest.mark.parametrize("bits", [100, 200, 400])
def test_more_bits_give_smaller_balls(bits: int) -> None:
    equation = attnspec.equations()["recurrent.gru_cell"]
    (balls,) = value_in_balls(equation.definition, small_case(equation).arguments, bits)

    assert all(each.value.rad() < flint.arb(2) ** (20 - bits) for each in np.asarray(balls).flat)


def test_a_size_under_a_root_is_not_rounded() -> None:
    """√d is no float64 number, and is not rounded to one."""
    equation = attnspec.equations()["scores.scaled_dot"]
    (balls,) = value_in_balls(equation.definition, {"q": np.eye(1, 5), "k": np.eye(1, 5)})
    with working():
        assert (balls.item().value * flint.arb(5).sqrt()).overlaps(flint.arb(1))
        assert not balls.item().value.overlaps(flint.arb(1 / math.sqrt(5)))


@pytest.mark.parametrize(
    "compare",
    [
        lambda a, b: a < b,
        lambda a, b: a <= b,
        lambda a, b: a > b,
        lambda a, b: a == b,
        lambda a, b: bool(a - b),
        lambda a, b: np.where(_array(a) < _array(b), 1, 0),
        lambda a, b: np.argmax(_array(a, b)),
    ],
)
def test_overlapping_balls_are_not_compared(compare: Callable[[Ball, Ball], Any]) -> None:
    with working(), pytest.raises(Undecided):
        compare(ball(1, 0.1), ball(1.05, 0.1))


def _array(*elements: Ball | int) -> BallArray:
    made = np.empty(len(elements), object)
    made[:] = elements
    return made.view(BallArray)


def test_separate_balls_are_compared() -> None:
    with working():
        assert ball(1, 0.1) < ball(2, 0.1)
        assert not ball(1, 0.1) >= ball(2, 0.1)
        assert ball(1) == ball(1)
        assert ball(1, 0.1) != ball(2)
        assert ball(5) < exact(math.inf)
        assert exact(math.nan) != exact(math.nan)


def test_extremes_of_overlapping_balls_contain_those_of_all_their_points() -> None:
    with working():
        larger = finite(largest(ball(1, 0.5), ball(1.2, 0.1)))
        smaller = finite(least(ball(1, 0.5), ball(1.2, 0.1)))
        for a in np.linspace(0.5, 1.5, 11):
            for b in np.linspace(1.1, 1.3, 5):
                assert larger.contains(flint.arb(max(a, b)))
                assert smaller.contains(flint.arb(min(a, b)))
        assert largest(exact(-math.inf), ball(1)).value == 1
        assert least(exact(math.inf), ball(1)).value == 1
        assert largest(exact(math.inf), ball(1)).value == math.inf
        assert largest(exact(math.nan), ball(1)).is_nan()


@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        (lambda: exact(-math.inf).exp(), 0),
        (lambda: exact(-math.inf) - exact(1), -math.inf),
        (lambda: exact(math.inf) - exact(math.inf), math.nan),
        (lambda: exact(0) * exact(math.inf), math.nan),
        (lambda: exact(-2) * exact(math.inf), -math.inf),
        (lambda: exact(0) / exact(0), math.nan),
        (lambda: exact(1) / exact(math.inf), 0),
        (lambda: exact(0).log(), -math.inf),
        (lambda: exact(-1).log(), math.nan),
        (lambda: exact(-1).sqrt(), math.nan),
        (lambda: exact(-math.inf).sigmoid(), 0),
        (lambda: exact(math.inf).tanh(), 1),
    ],
)
def test_infinities_that_masks_make_are_kept(compute: Callable[[], Ball], expected: float) -> None:
    with working():
        value = compute().value
        assert value == expected or (math.isnan(expected) and math.isnan(value))  # type: ignore[arg-type]  # a float then


@pytest.mark.parametrize(
    "compute",
    [
        lambda: exact(1) / exact(0),  # the sign of a zero is not known
        lambda: ball(0, 1).log(),
        lambda: exact(1) / ball(0, 1),
        lambda: exact(math.inf) * ball(0, 1),
        lambda: UNKNOWN + 1,
    ],
)
def test_what_may_be_anything_is_unknown(compute: Callable[[], Ball]) -> None:
    with working():
        assert compute().value is None
        with pytest.raises(Undecided):
            compute().is_nan()


def test_the_larger_of_two_numbers_that_are_apart_is_that_number() -> None:
    """A comparison with it is then decided, as in the gradient of a maximum; of balls that overlap none is."""
    with working():
        low, high, wide = constant(1 / 3), constant(math.sqrt(2)), ball(1, 1)

        assert largest(low, high) is high
        assert least(low, high) is low
        assert largest(low, high) == high
        assert largest(low, wide) is not low
        assert largest(low, wide) is not wide


def test_constants_are_widened_by_what_rounding_may_have_changed() -> None:
    with working(given=(1e-5,)):
        assert finite(constant(0.5)).is_exact()
        assert finite(constant(1e-5)).is_exact(), "the code received it"
        assert finite(constant(1 / math.sqrt(5))).contains(1 / flint.arb(5).sqrt())
        assert finite(constant(float(np.float32(1 / math.sqrt(5))), "float32")).contains(1 / flint.arb(5).sqrt())
        assert finite(constant(float(np.float32(1e-5)), "float32")).contains(flint.arb(1e-5))
        assert finite(constant(float(np.float32(1e-5)))).contains(flint.arb(1e-5)), "a library rounded it"
        assert not finite(constant(1 + 1e-12)).contains(flint.arb(1))
        assert finite(constant(1 - 0.999**3)).contains(1 - flint.arb(0.999) ** 3)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_constants_in_half_precision_are_seldom_exact(dtype: str) -> None:
    """Every number has few digits there, so few digits alone do not show what was meant."""

    def written(value: float) -> Any:
        return finite(constant(float(rounded(np.asarray(value), dtype)), dtype))

    with working(given=(0.03, 0.2502)):
        for value in (0.0, 0.5, 0.125, -1.5, 3.0, 7.0, 16.0, 64.0):
            assert written(value).is_exact()
        for value in (0.1, 1 / 3, math.sqrt(8), math.log2(math.e), 0.97, 0.03, 0.2502):
            assert not written(value).is_exact()
            assert written(value).contains(flint.arb(value))


@pytest.mark.parametrize("eps", [1e-6, 1e-12])
def test_a_given_number_of_which_half_precision_keeps_few_digits_or_none_is_known(eps: float) -> None:
    with working(given=(eps,)):
        assert finite(constant(float(np.float16(eps)), "float16")).contains(flint.arb(eps))
        assert finite(constant(1.0, "float16")).is_exact()


def test_tables_of_constants_are_refused() -> None:
    with working():
        assert constants(np.eye(3)).shape == (3, 3)
        with pytest.raises(Untraceable):
            constants(rounded(np.sin(np.arange(4.0)), "bfloat16"), "bfloat16")
        with pytest.raises(Untraceable):
            constants(np.sin(np.arange(4.0)))
        with pytest.raises(Untraceable):
            [constant(math.sin(k + 1)) for k in range(100)]


@pytest.mark.parametrize("convert", [float, lambda x: np.asarray(x, np.float64), lambda x: math.exp(x)])
def test_a_ball_is_never_rounded_in_silence(convert: Callable[[Any], Any]) -> None:
    with working(), pytest.raises(Untraceable):
        convert(exactly(np.array([0.1])))


def test_whole_numbers_are_divided_as_balls() -> None:
    """The mean of no elements is 0 / 0, two whole numbers of Python: NaN, as in floating point."""
    with working():
        quotient = np.divide(_array(0, 1), _array(0, 3))
        assert quotient[0].item().is_nan()
        assert (quotient[1].item().value * 3).contains(flint.arb(1))


def test_limbs_keep_balls() -> None:
    """What travels as float64 numbers contains the ball, and is hardly larger."""
    with working():
        elements = [exact(1) / exact(3), ball(1e300, 1e290), exact(0), exact(-math.inf), exact(-700.5).exp(), UNKNOWN]
        back = np.asarray(from_limbs(to_limbs(_array(*elements))))
        for before, after in zip(elements, back.flat, strict=True):
            if isinstance(before.value, flint.arb):
                assert after.value.contains(before.value)
                assert after.value.rad() <= 2 * before.value.rad() + flint.arb(2) ** -200
            else:
                assert after.value == before.value


FORMS: dict[str, Callable[[Any], Any]] = {
    "softmax": lambda x: (
        np.exp(x - x.max(-1, keepdims=True)) / np.exp(x - x.max(-1, keepdims=True)).sum(-1, keepdims=True)
    ),
    "variance": lambda x: np.var(x, axis=-1) + np.mean(x, -1) + np.std(x),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x) + np.dot(x, x.T) + np.tensordot(x, x.T, 1),
    "pieces": lambda x: np.concatenate([x[:, :2], np.stack([x[:, 0], x[:, 1]], -1)], -1).reshape(-1),
    "kinks": lambda x: np.maximum(x, 0) + np.clip(x, -0.5, 0.5) + np.minimum(x, 1) + np.abs(x) + np.where(x > 0, x, 0),
    "in place": lambda x: _in_place(np.zeros(x.shape, x.dtype), x),
    "mask": lambda x: np.exp(np.where(x > 0, x, -np.inf)).sum(-1),
    "powers": lambda x: (x**2 + 1) ** -0.5 + np.log1p(np.exp(x)) + np.sqrt(np.square(x) + 1) + np.tanh(x) + 2**x,
    "cast": lambda x: x.astype(np.float32) * np.float32(0.5) + x.astype(x.dtype).swapaxes(0, 1).swapaxes(0, 1),
    "truths": lambda x: x.any(-1).sum(keepdims=True) + np.all(x, (0, 1)) + np.logical_and(x, x.any()).sum(-1),
    "opposite truths": lambda x: np.logical_not(x - x).sum(0) + np.logical_xor(x, 0).sum() + np.logical_or(x, x).sum(1),
    "no truths": lambda x: x[:0].any(0).sum(keepdims=True) + x[:0].all(0).sum() + np.count_nonzero(x[:, :2].any(-1)),
    "Fourier transforms": lambda x: np.fft.irfft(np.fft.rfft(x, 5) * np.fft.rfft(2 * x, 5), 5, norm="ortho"),
    "complex numbers": lambda x: np.abs(np.fft.ifft(np.fft.fft(x, axis=0).real + 1j * x) / (2 - 1j)),
    "choice": lambda x: np.take_along_axis(x, np.argmax(x, -1)[:, None], -1) + x[np.arange(3), [0, 1, 2]][:, None],
}


def _in_place(out: Any, x: Any) -> Any:
    for place in range(len(x)):
        out[place] = x[place] * 2
    out += x
    np.multiply(out, x, out=out)
    return out


@pytest.mark.parametrize("name", FORMS)
def test_numpy_code_runs_on_balls(name: str) -> None:
    """The value in balls is that in float64, up to the rounding of float64."""
    x = np.random.Generator(np.random.Philox(3)).standard_normal((3, 3)).astype(np.float32).astype(np.float64)
    with working():
        balls = from_limbs(to_limbs(FORMS[name](exactly(x))))
        expected = FORMS[name](x)
        assert balls.shape == expected.shape
        for found, value in zip(np.asarray(balls).flat, expected.flat, strict=True):
            assert abs(found.value - flint.arb(float(value))) < 1e-13


@pytest.mark.parametrize(
    "use",
    [lambda z: z == 0, lambda z: z > 0, bool, np.isnan, lambda z: z.astype(np.float32), lambda z: np.maximum(z, 0)],
)
def test_complex_numbers_are_not_compared_or_cut(use: Callable[[Any], Any]) -> None:
    with working(), pytest.raises((Untraceable, TypeError, AttributeError)):
        use((exactly(np.array([0.5])) * 1j)[0])


WRITERS: dict[str, Callable[[Any, Any], Any]] = {
    "a sum in place": lambda out, x: np.add(out, x, out=out),
    "an array that is named": lambda out, x: np.exp(x, out=out),
    "rows that are gathered": lambda out, x: np.add.at(out, [0, 0, 1], x),
    "a copy": np.copyto,
    "places": lambda out, x: np.put(out, [0, 1, 2], x),
    "a product": lambda out, x: np.einsum("i,i->i", x, x, out=out),
}


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_written_into_an_array_of_numbers_is_not_traced(name: str) -> None:
    """Such an array holds no balls, and would stay as it was."""
    with working(), pytest.raises(Untraceable, match="it writes into an array of float64"):
        WRITERS[name](np.zeros(3), exactly(np.array([0.5, 1.5, 2.5])))


def test_a_function_of_another_library_is_named_where_it_takes_no_balls() -> None:
    """scipy.special.jv is a ufunc on numbers alone."""
    special = pytest.importorskip("scipy.special")
    with working(), pytest.raises(Untraceable, match="jv has no meaning in balls"):
        special.jv(exactly(np.array([0.5])), exactly(np.array([0.25])))
