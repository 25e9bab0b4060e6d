"""Equations that are written at random are refused in our words when they are defined, or do all that equations do."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import attnspec
from attnspec import Equation, SpecError, VerdictKind
from attnspec.errors import NotationError
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.perturbations import perturbations
from attnspec.verification.cases.case import Case, Description, make, smallest
from attnspec.verification.cases.grid import grid
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.judge.mutant_values import (
    differ,
    fits,
    mutant_values,
    non_equivalent_mutants,
    sample_cases,
    values,
)
from generated import defined, written

FEW, MANY = 100, 3000
"""How many equations are written in the default run, and where slow tests are asked for."""

EQUATIONS = st.randoms(use_true_random=False).map(written)


def of_many(test: Callable[..., None]) -> Any:
    """A property, of a few equations by default and of many where slow tests are asked for."""

    @pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
    def run(count: int) -> None:
        settings(max_examples=count)(given(EQUATIONS)(test))()

    run.__doc__ = test.__doc__
    return run


def accepted(text: str) -> Equation[..., Any]:
    """The equation of a text; a text that is refused is left out."""
    note(text)
    equation, error = None, None
    try:
        equation = defined(text)
    except NotationError as refused:
        error = refused
    assert error is None or ("generated" in error.headline and error.given and error.expected and error.mend)
    assume(equation is not None)
    assert equation is not None
    return equation


def derived(equation: Equation[..., Any]) -> Equation[..., Any]:
    """The derived gradient; an equation that has none is left out."""
    gradient = None
    with contextlib.suppress(SpecError):
        gradient = equation.gradient()
    assume(gradient is not None)
    assert gradient is not None
    return gradient


def cases(equation: Equation[..., Any], dtype: str = "float64") -> Iterator[Case]:
    """A few of the cases of every verdict: ordinary ones, equal sizes, empty ones, and some of the grid."""

    def least(name: str) -> int:
        return 0 if name == "batch" else smallest(equation, name)

    suite = [*standard_suite(equation, least, (0, 1))]
    empty = [each for each in suite if each.why.endswith("= 0")]
    for described in (*suite[:2], suite[4], *empty[:2], *[*grid(equation, least, (0, 1))][:3]):
        yield make(equation, described, dtype)


def as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


@of_many
def test_it_is_refused_or_does_all_that_equations_do(text: str) -> None:
    """It is evaluated, printed, mutated, counted, and its noise is computed; no error but ours is raised."""
    equation = accepted(text)
    assert equation.text()
    assert equation.latex()
    assert equation.cost() is not None
    assert perturbations(equation) is not None

    with np.errstate(all="ignore"):
        for case in cases(equation):
            results = as_tuple(equation(**case.arguments))
            assert len(results) == len(equation.definition.results)
        plain = next(cases(equation))
        shapes = [result.shape for result in as_tuple(equation(**plain.arguments))]
        for dtype in ("float32", "bfloat16"):
            case = next(cases(equation, dtype))
            assert [noise.bound.shape for noise in equation.noise(case.arguments, dtype=dtype)] == shapes


@of_many
def test_its_mutants_have_values(text: str) -> None:
    """Those that need no equal sizes can be evaluated wherever the equation can."""
    equation = accepted(text)
    case = sample_cases(equation)[0]
    expected = values(equation.definition, case)
    assert expected is not None

    for mutant in equation.mutants()[:20]:
        assert mutant.definition != equation.definition
        if not mutant.equal_sizes:
            found = mutant_values(mutant, case, "float64")
            assert found is not None, mutant.says
            assert [a.shape for a in found] == [a.shape for a in expected]


@of_many
def test_pytorch_gives_the_same(text: str) -> None:
    equation = accepted(text)

    for case in cases(equation):
        tensors = {name: torch.as_tensor(array) for name, array in case.arrays.items()}
        with np.errstate(all="ignore"):
            expected = as_tuple(equation(**case.arguments))
        found = as_tuple(equation(**tensors, **case.options))
        for ours, theirs in zip(expected, found, strict=True):
            np.testing.assert_allclose(theirs.numpy(), ours, rtol=1e-7, atol=1e-9)


@of_many
def test_its_gradient_is_the_slope_of_its_value(text: str) -> None:
    """Along a random direction, where two steps of finite differences agree."""
    equation = accepted(text)
    gradient = derived(equation)
    case = next(cases(equation))
    generator = np.random.Generator(np.random.Philox(0))
    floats = [parameter.name for parameter in equation.definition.parameters if parameter.kind == "float"]

    def results(arguments: dict[str, Any]) -> list[NDArray[Any]]:
        with np.errstate(all="ignore"):
            found = as_tuple(equation(**arguments))
        return [a for a, each in zip(found, equation.definition.results, strict=True) if each.kind == "float"]

    value = results(case.arguments)
    assume(all(np.isfinite(array).all() and np.abs(array).max(initial=0) < 1e6 for array in value))
    weights = [generator.standard_normal(array.shape) for array in value]
    incoming = dict(zip([p.name for p in gradient.definition.parameters], weights, strict=False))
    with np.errstate(all="ignore"):
        gradients = as_tuple(gradient(**incoming, **case.arguments))
    for name, found in zip(floats, gradients, strict=True):
        direction = generator.standard_normal(case.arrays[name].shape)

        def moved(step: float, name: str = name, direction: NDArray[Any] = direction) -> float:
            changed = {**case.arguments, name: case.arrays[name] + step * direction}
            return float(sum((w * a).sum() for w, a in zip(weights, results(changed), strict=True)))

        slopes = [(moved(step) - moved(-step)) / (2 * step) for step in (1e-5, 5e-6)]
        size = max(1.0, *map(abs, slopes))
        if np.isfinite(found).all() and np.isfinite(slopes).all() and abs(slopes[0] - slopes[1]) < 1e-4 * size:
            assert abs(float((found * direction).sum()) - slopes[1]) < 1e-3 * size, name


@pytest.mark.parametrize("seed", [0, 2, *(pytest.param(k, marks=pytest.mark.slow) for k in range(3, 150))])
def test_an_honest_candidate_is_not_blamed_and_a_wrong_one_is(seed: int) -> None:
    """The equation in float32 and in PyTorch conforms, or is not decided; a mutant far from it differs."""
    equation = next(each for each in map(_defined, range(1000 * seed, 1000 * seed + 1000)) if each is not None)

    def judged(candidate: Callable[..., Any], framework: str) -> attnspec.Verdict:
        report = attnspec.verify(candidate, equation, framework=framework, dtype="float32", examples=2)
        return report.verdicts[0]

    for framework in ("numpy", "torch"):
        verdict = judged(_candidate(equation, equation.definition), framework)
        assert verdict.verdict in (VerdictKind.CONFORMS, VerdictKind.INCONCLUSIVE), str(verdict)
        assert verdict.verdict is VerdictKind.CONFORMS or verdict.reason
    wrong = next((mutant for mutant in equation.mutants() if _is_far(equation, mutant)), None)
    if wrong is not None:
        verdict = judged(_candidate(equation, wrong.definition), "numpy")
        assert verdict.verdict not in (VerdictKind.CONFORMS, VerdictKind.INCONCLUSIVE), wrong.says


def _defined(seed: int) -> Equation[..., Any] | None:
    try:
        return defined(written(Random(seed)))
    except SpecError:
        return None


def _candidate(equation: Equation[..., Any], tree: Any) -> Callable[..., Any]:
    """A function of the arguments of an equation that evaluates a tree."""
    names = [each.name for each in equation.definition.parameters]
    options = [each.name for each in equation.definition.options]
    given = ", ".join(f"{name!r}: {name}" for name in (*names, *options))
    taken = ", ".join([*names, *(["*", *options] if options else [])])
    made: dict[str, Any] = {"evaluate": evaluate, "tree": tree}
    exec(f"def candidate({taken}):\n    return evaluate(tree, (), {{{given}}})", made)
    candidate: Callable[..., Any] = made["candidate"]
    return candidate


def _is_far(equation: Equation[..., Any], mutant: Any) -> bool:
    """Whether a mutant differs on ordinary values by more than any rounding, and can be evaluated for all sizes."""
    case = next(cases(equation))
    expected, found = values(equation.definition, case), values(mutant.definition, case)
    if mutant.equal_sizes or expected is None or found is None or not fits(mutant, case):
        return False
    finite = all(np.isfinite(array).all() for array in (*expected, *found))
    rough = [np.round(array, 2) for array in expected]
    return bool(finite and differ(rough, [np.round(array, 2) for array in found]))


# What was found, each in its smallest form.

X = np.array([1.0, 2.0, 3.0])
A, INTS = 'Float[Tensor, "a g"]', 'Int[Tensor, " g"]'


def f(lines: str, signature: str = 'x: Float[Tensor, " g"]', result: str = 'Float[Tensor, " g"]') -> Equation[..., Any]:
    """An equation of some lines, separated by semicolons."""
    body = "".join(f"    {line.strip()}\n" for line in lines.split(";"))
    return defined(f"def f({signature}) -> {result}:\n{body}")


LONGER = "return tanh(x * x + x) / 3"


def test_an_equation_that_is_written_anew_has_its_own_mistakes() -> None:
    def judged(candidate: Callable[..., Any], lines: str) -> attnspec.Verdict:
        return attnspec.verify(candidate, f(lines), framework="numpy", examples=0).verdicts[0]

    first, second = judged(np.tanh, "return tanh(x)"), judged(lambda x: np.tanh(x * x + x) / 3, LONGER)

    assert (first.verdict, second.verdict) == (VerdictKind.CONFORMS, VerdictKind.CONFORMS)
    assert second.of == len(non_equivalent_mutants(f(LONGER))) > first.of


def test_a_softmax_may_have_a_mask_with_more_axes() -> None:
    signature = 'x: Float[Tensor, " g"], m: Bool[Tensor, "a g"]'
    masked = f('i, j = indices("a", "g"); return softmax(j, x[j], where=m[i, j]).stack(i, j)', signature, A)
    mask = np.array([[True, False, True], [False, True, False]])
    shown = np.exp([1.0, 3.0]) / np.exp([1.0, 3.0]).sum()

    np.testing.assert_allclose(masked(X, mask), [[shown[0], 0, shown[1]], [0, 1, 0]])
    assert masked.noise({"x": X, "m": mask})[0].bound.shape == (2, 3)


@pytest.mark.parametrize(
    "step", ["tanh(s * y)", "s * y + x[j]", "s + x[j // 2 - 1] * y", "s * (x[i]).stack(i)[n - 1]", "s * x[-1 - 1] * y"]
)
def test_a_gradient_reads_the_lines_of_a_recurrence_at_their_step(step: str) -> None:
    lines = f'i, j = indices("g", "g"); y = x[j] * x[0]; n = where(x[0] < 0, 1, j); h = scan(j, lambda s: {step}, x[1])'
    gradient_is_slope(f(f"{lines}; return h.stack(j)"))


@pytest.mark.parametrize("place", ["1 - g", "0 - 2", "c_0 - 3", "g - 1", "1 - 2 * g"])
def test_a_gradient_goes_to_a_place_that_is_counted_from_the_end(place: str) -> None:
    signature = 'x: Float[Tensor, " g"], *, c_0: int'
    gradient_is_slope(f(f'g = size("g"); n = {place}; return x[{place}] * x[n] * x', signature), c_0=1)


def gradient_is_slope(equation: Equation[..., Any], **options: int) -> None:
    incoming = np.array([1.0, -2.0, 0.5])
    steps = 1e-6 * np.eye(3)
    slopes = [incoming @ (equation(X + step, **options) - equation(X - step, **options)) / 2e-6 for step in steps]

    np.testing.assert_allclose(equation.gradient()(incoming, X, **options), slopes, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    "lines",
    [
        'return x + (2 + zeros("g")) @ (3 + zeros("g g"))',
        'i = index("g"); h = scan(i, lambda s: 0.001, 0); return x + last(i, h)',
        'i = index("g"); h = scan(i, lambda s: s + i, 0); return x + last(i, h)',
    ],
)
def test_constants_have_noise(lines: str) -> None:
    (noise,) = f(lines).noise({"x": X})

    assert noise.bound.shape == (3,)
    assert (noise.bound < 1e-3).all()


@pytest.mark.parametrize("place", ["1 // c_0", "1 % c_0", "i + 1 // c_0", "1 // c_0 - i"])
def test_a_division_by_zero_is_no_place(place: str) -> None:
    equation = f(f'i = index("g"); return (x[{place}] + 0 * i).stack(i)', 'x: Float[Tensor, " g"], *, c_0: int')

    assert not equation(X, c_0=0).any()


def test_whole_numbers_are_divided_by_zero_in_pytorch_as_in_numpy() -> None:
    equation = f("return k // n + k % n", 'x: Float[Tensor, " g"], k: Int[Tensor, " g"], n: Int[Tensor, " g"]', INTS)
    k, n = np.array([5, -5, 7]), np.array([0, 0, 2])

    assert equation(X, k, n).tolist() == [0, 0, 4]
    assert equation(*map(torch.as_tensor, (X, k, n))).tolist() == [0, 0, 4]


def test_sizes_are_solved_where_a_number_of_steps_comes_first() -> None:
    signature = 'y: Float[Tensor, " ceil((a-1)/2)"], x: Float[Tensor, " a"]'

    assert f("return x", signature, 'Float[Tensor, " a"]')(np.ones(2), np.ones(4)).shape == (4,)


@pytest.mark.parametrize("regime", ["ordinary", "open", "one key masked", "empty rows", "not finite where masked"])
@pytest.mark.parametrize("batch", [(), (2,)])
def test_a_single_truth_value_is_drawn(regime: str, batch: tuple[int, ...]) -> None:
    """It says nothing of keys, also where it has a batch axis; and what is masked may have one axis or three."""
    signature = 'x: Float[Tensor, " g"], z: Float[Tensor, "g a b"], m: Bool[Tensor, ""], n: Bool[Tensor, " g"]'
    equation = f("return where(m, x, 0) + where(n, x, 0)", signature)
    case = make(equation, Description((("g", 9), ("a", 2), ("b", 3)), regime, batch=batch), "float32")

    assert case.arrays["m"].shape == batch
    assert np.isnan(case.arrays["z"]).any() == (regime == "not finite where masked")


def test_an_equation_may_return_truth_values() -> None:
    larger = f("return x > y", 'x: Float[Tensor, " g"], y: Float[Tensor, " g"]', 'Bool[Tensor, " g"]')

    def judged(candidate: Callable[..., Any]) -> attnspec.Verdict:
        return attnspec.verify(candidate, larger, framework="numpy", examples=2).verdicts[0]

    assert judged(lambda x, y: x > y).verdict is VerdictKind.CONFORMS
    assert judged(lambda x, y: x >= y).verdict is VerdictKind.DIFFERS
    assert "in int64 where truth values belong" in judged(lambda x, y: (x > y).astype(int)).reason


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('i = index("g h"); return x', "uses the size h, which no array has"),
        ('i = index("g g"); return x', "declares i with 2 sizes"),
        ('i = index("g/"); return x', "has an axis that is not a size"),
        ('i = index("h"); return x', "uses the size h, which no array has"),
        ('return x + zeros("g^2")', "has an axis that is not a size"),
        (f"return x * 1{'0' * 400}", "uses a number that float64 cannot hold"),
        (f"return x{' + x' * 1000}", "nests a formula too deeply"),
        ('i = index("g"); h = scan(i, lambda s=1: s, x); return last(i, h)', "uses scan with other arguments"),
        ('i = index("g"); h = scan(i, lambda s: s, x, more=x); return last(i, h)', "uses scan with other arguments"),
        ("return mixed(x, x, power=x)", "to the option power of"),
        ("return mixed(x, x, power=1.5)", "to the option power of"),
    ],
)
def test_what_cannot_be_meant_is_refused(lines: str, words: str) -> None:
    with pytest.raises(NotationError) as refused:
        f(lines)

    assert words in str(refused.value)
    assert refused.value.expected
    assert refused.value.mend
