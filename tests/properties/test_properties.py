"""What must hold of the equations does, of implementations too, and what a property is said to catch it catches."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnspec.implementation import ATTRIBUTE
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.mutation.mutants import Mutant, by_id, mutants
from attnspec.interpreters.rounding.noise import Noise, noise
from attnspec.interpreters.rounding.policy import Policy, preset
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.layers import gathered
from attnspec.language.registry import families
from attnspec.language.tree import Definition
from attnspec.properties.property import PROPERTIES, Arguments, Equal, Function, Property, Relation
from attnspec.thresholds import SIGMA_BOUND
from attnspec.verification.cases.case import Case
from attnspec.verification.properties.relations import NoiseOf, applies, broken_relations, noise_under
from strategies import a_few, cases

FAMILIES = families()
LAWS = [law for equation in REGISTRY.values() for law in PROPERTIES.get(equation.id, ())]


def alike() -> dict[str, list[Property]]:
    """The properties of each equation that need the same sizes, so that one case can be asked about all of them."""
    found: dict[str, list[Property]] = {}
    for law in LAWS:
        needs = [f"{name} ≥ {size}" for name, size in law.least.items()]
        needs += [f"{first} = {second}" for first, second in law.equal]
        found.setdefault(" ".join([law.equation, *needs]), []).append(law)
    return found


every_law = pytest.mark.parametrize("law", LAWS, ids=lambda law: f"{law.equation}:{law.name}")
every_need = pytest.mark.parametrize("laws", alike().values(), ids=alike())


@cache
def tolerance(id: str, policy: str, dtype: str) -> NoiseOf:
    return noise_under(REGISTRY[id], preset(policy, dtype))


def exactly(id: str) -> NoiseOf:
    return tolerance(id, "op-by-op", "float64")


def computed(definition: Definition) -> Function:
    """An equation, or a mutant of one, as the function under test."""
    return lambda **arguments: evaluate(definition, (), arguments)


@every_need
@given(data=st.data())
def test_equations_have_their_properties(laws: list[Property], data: st.DataObject) -> None:
    """Every property holds of the equation itself, within the noise of float64."""
    id = laws[0].equation
    case = data.draw(cases(id, laws[0]))
    itself = computed(REGISTRY[id].definition)

    asked = [law for law in laws if not (law.name == QUOTIENTS and too_small_for_steps(case))]

    broken = [str(violation) for law in asked for violation in broken_relations(law, itself, case, exactly(id))]

    assert not broken, f"{case.description}: {broken}"


QUOTIENTS = "difference_quotients_agree"


def too_small_for_steps(case: Case) -> bool:
    """Whether inputs are smaller than the steps of difference quotients, which then miss a kink as narrow as √eps."""
    return case.description is not None and case.description.regime == "tiny"


@every_law
def test_properties_kill_what_they_name(law: Property) -> None:
    """Every mutant that a property names breaks it on one of a handful of cases."""
    known = slips(law.equation)
    assert set(law.kills) <= known.keys(), "no such mutants"

    survived = [id for id in law.kills if not any(kills(law, known[id]))]

    assert not survived


@cache
def slips(id: str) -> Mapping[str, Mutant]:
    return by_id(mutants(REGISTRY[id]))


def kills(law: Property, mutant: Mutant) -> Iterator[bool]:
    for case in a_few(law, 6, equal=mutant.equal_sizes, regimes=("ordinary", "large")):
        yield bool(broken_relations(law, computed(mutant.definition), case, exactly(law.equation)))


def test_every_equation_has_a_property() -> None:
    bare = [id for id in REGISTRY if id.split(".")[0] in FAMILIES and not PROPERTIES.get(id)]

    assert not bare


def test_every_property_says_what_holds_and_most_catch_something() -> None:
    silent = [f"{law.equation}:{law.name}" for law in LAWS if not law.says.endswith(".")]
    idle = [f"{law.equation}:{law.name}" for law in LAWS if not law.kills]

    assert not silent
    assert len(idle) < len(LAWS) / 10, idle


Given = Callable[[Callable[..., Any]], Function]


def from_numpy(implementation: Callable[..., Any]) -> Function:
    """An implementation in NumPy, in float32."""

    def call(**arguments: Any) -> Any:
        return implementation(**gathered({name: single(array) for name, array in arguments.items()}))

    return call


def single(array: Any) -> Any:
    return array.astype(np.float32) if isinstance(array, np.ndarray) and array.dtype == np.float64 else array


def from_torch(implementation: Callable[..., Any]) -> Function:
    """An implementation in PyTorch, in float32."""
    torch = importlib.import_module("torch")

    def call(**arguments: Any) -> Any:
        arrays = {name: single(array) for name, array in arguments.items()}
        tensors = {name: torch.from_numpy(a) if isinstance(a, np.ndarray) else a for name, a in arrays.items()}
        return implementation(**gathered(tensors))

    return call


FRAMEWORKS: dict[str, Given] = {"numpy": from_numpy, "torch": from_torch}


@cache
def implementations(framework: str) -> dict[str, Callable[..., Any]]:
    """What a package implements, by the id of the equation."""
    found: dict[str, Callable[..., Any]] = {}
    for family in FAMILIES:
        module = importlib.import_module(f"attnspec_{framework}.{family}")
        for member in vars(module).values():
            found |= {claim.equation: member for claim in getattr(member, ATTRIBUTE, ())}
    return found


@every_need
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_implementations_keep_the_properties(framework: str, laws: list[Property]) -> None:
    """Every property holds of the NumPy and the PyTorch implementation in float32, within the noise."""
    id = laws[0].equation
    implementation = implementations(framework).get(id)
    if implementation is None:
        pytest.skip(f"attnspec_{framework} does not implement {id}")
    function = FRAMEWORKS[framework](implementation)

    for case in a_few(laws[0], 2, "float32"):
        for law in laws:
            broken = broken_relations(law, function, case, tolerance(id, "op-by-op", "float32"))
            assert not broken, f"{case.description}: {broken[0]}"


def honest(equation: Equation[..., Any], policy: Policy) -> Function:
    """The equation with the roundings of a policy, drawn otherwise than those that the tolerance is made of."""
    options = {option.name for option in equation.definition.options}

    def call(**arguments: Any) -> Any:
        arrays = {name: array for name, array in arguments.items() if name not in options}
        given = {name: arguments[name] for name in options}
        found = noise(equation.definition, arrays, given, policy, seed=1)
        rounded = tuple(item.value + item.members[0] for item in found)
        return rounded if len(rounded) > 1 else rounded[0]

    return call


@every_need
@pytest.mark.parametrize("policy", ["float32-inside", "op-by-op"])
def test_honest_rounding_to_bfloat16_keeps_the_properties(policy: str, laws: list[Property]) -> None:
    """Every property holds of an equation computed with the roundings of bfloat16, within the noise."""
    id = laws[0].equation
    function = honest(REGISTRY[id], preset(policy, "bfloat16"))

    for case in a_few(laws[0], 1, "bfloat16"):
        for law in laws:
            broken = broken_relations(law, function, case, tolerance(id, policy, "bfloat16"))
            assert not broken, f"{case.description}: {broken[0]}"


def law_of(id: str, name: str) -> Property:
    return next(law for law in PROPERTIES[id] if law.name == name)


def test_a_violation_shows_the_worst_element() -> None:
    law = law_of("attention.weights", "rows_are_distributions")
    case = next(a_few(law, 1, regimes=("ordinary",)))

    def short(e: Any) -> Any:
        alpha = evaluate(REGISTRY["attention.weights"].definition, (e,), {})
        return alpha * np.where(np.arange(len(e)) == 1, 0.5, 1.0)[:, None]

    (violation,) = broken_relations(law, short, case, exactly("attention.weights"))

    assert (violation.law, violation.index, violation.right) == ("rows_are_distributions", (1,), 1.0)
    assert violation.left == pytest.approx(0.5)
    assert 0 < violation.tolerance < 1e-13
    assert str(violation).startswith("rows_are_distributions at [1]: 0.5 = 1 ± ")
    assert str(violation).endswith("does not hold: No weight is negative, and each row sums to 1.")


def test_what_the_function_raises_is_raised() -> None:
    law = LAWS[0]

    def broken(**arguments: Any) -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken_relations(law, broken, next(a_few(law, 1)), exactly(law.equation))


def test_the_function_may_spoil_what_it_is_given() -> None:
    law = law_of("attention.dot_product", "keys_and_values_move_together")
    case = next(a_few(law, 1))
    before = {name: array.copy() for name, array in case.arrays.items()}

    def spoiling(**arguments: Any) -> Any:
        assert all(array.flags.c_contiguous for array in arguments.values())
        output = evaluate(REGISTRY[law.equation].definition, (), arguments)
        for array in arguments.values():
            array[:] = np.nan
        return np.array(output)

    assert not broken_relations(law, spoiling, case, exactly(law.equation))
    assert all(np.array_equal(before[name], case.arrays[name]) for name in before)


def test_a_drowned_element_is_not_asked() -> None:
    """Where the noise says nothing of an element, a relation may do there what it wants, and nowhere else."""

    def relations(f: Function, a: Arguments) -> Iterator[Relation]:
        yield Equal(f(**a), np.zeros_like(a["e"]))

    law = Property("attention.weights", "nothing", "All is 0.", (), relations, {}, ())
    case = next(a_few(law, 1, regimes=("ordinary",)))

    def undecidable(arguments: Arguments) -> Any:
        (item,) = exactly(law.equation)(arguments)
        lost = np.ones_like(item.undecidable)
        lost[1, 1] = False
        return [type(item)(item.value, item.sigma, item.bound, lost, item.members)]

    (violation,) = broken_relations(law, computed(REGISTRY[law.equation].definition), case, undecidable)

    assert violation.index == (1, 1)


def test_a_property_speaks_only_of_the_sizes_it_needs() -> None:
    law = law_of("recurrent.gru", "state_is_all_that_is_remembered")
    short, long = (next(a_few(law, 1)) for _ in range(2))
    short = type(short)({**short.arrays, "x": short.arrays["x"][:1]}, short.options)
    strange = type(long)({**long.arrays, "x": np.full_like(long.arrays["x"], np.nan)}, long.options)

    batch = {name: array[None] if name in ("x", "h_0") else array for name, array in long.arrays.items()}
    none = {name: array[:0] if name in ("x", "h_0") else array for name, array in batch.items()}

    assert applies(law, long)
    assert applies(law, type(long)(batch, long.options))
    assert not applies(law, type(long)(none, long.options))
    assert not applies(law, short)
    assert not applies(law, strange)


@pytest.mark.parametrize("towards", ["zero", "infinity"])
def test_an_error_that_all_outputs_share_is_within_the_tolerance(towards: str) -> None:
    """A divisor that is off by rounding makes all components larger, or all smaller: their squares add up."""
    (law,) = (law for law in LAWS if law.name == "mean_is_0_and_variance_almost_1")
    noise_of = tolerance(law.equation, "op-by-op", "float32")

    def shared(**arguments: Any) -> Any:
        (item,) = noise_of(arguments)
        return item.value + np.sign(item.value) * item.bound * (0.9 if towards == "infinity" else -0.9)

    for case in a_few(law, 30, "float32", regimes=("ordinary",)):
        assert not broken_relations(law, shared, case, noise_of), case.description


def test_a_sum_with_any_signs_is_within_the_tolerance() -> None:
    """Errors of σ, each its own way, in 100,000 weighted sums: the tolerance of none is too small by chance.

    The chance of that is 1e-7 for one sum; the seeds are fixed.
    """
    case = next(a_few(LAWS[0], 1, regimes=("ordinary",)))
    draw = np.random.Generator(np.random.Philox(7))
    weights = draw.normal(size=(100_000, 40))
    value = draw.normal(size=40)
    item = Noise(value, np.full(40, 1e-3), np.full(40, 1e-3 * SIGMA_BOUND), np.zeros(40, bool), np.zeros((1, 40)))

    def weighed(f: Function, a: Arguments) -> Iterator[Relation]:
        yield Equal(weights @ f(), weights @ value)

    law = replace(LAWS[0], relations=weighed)
    assert not broken_relations(law, lambda **_: value + 1e-3 * draw.normal(size=40), case, lambda _: [item])
