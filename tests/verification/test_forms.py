"""Equal rewritings: which there are, what each may cost, and whole verdicts on code that loses more than that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

import attnspec
from attnspec import implements
from attnspec.cli import main
from attnspec.errors import SpecError, UnknownName
from attnspec.interpreters.evaluation.call import evaluate
from attnspec.interpreters.rewriting import REWRITINGS, apply_rewriting
from attnspec.interpreters.rewriting_rules import RULES, apply_rule
from attnspec.interpreters.rounding.noise import Noise, noise
from attnspec.interpreters.rounding.policy import FORMATS, preset
from attnspec.language.equation import REGISTRY
from attnspec.language.traversal import map_definition
from attnspec.language.tree import Apply, Node
from attnspec.thresholds import FORM_COST, SAMPLES, SIGMA_BOUND
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case, Description, make, smallest
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.judge.forms import PLAIN, bits_left, claimed_part, excess, forms, matched, named
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.residuals import Compared
from attnspec.verification.verdict import Report, Verdict

Array = NDArray[Any]
LAYER_NORM, WEIGHTS, CROSS_ENTROPY = "transformer.layer_norm", "attention.weights", "seq2seq.cross_entropy"


def compared(value: Any, errors: Any, bound: Any = 1.0, undecidable: Any = False) -> Compared:
    """Answers with these errors beside what the noise of an equation says."""
    value = np.asarray(value, dtype=np.float64)
    bound, undecidable = np.broadcast_to(bound, value.shape), np.broadcast_to(undecidable, value.shape)
    noise = Noise(value, bound / SIGMA_BOUND, bound, undecidable, np.zeros((SAMPLES, *value.shape)))
    return Compared(Case({}, {}), 0, value + np.asarray(errors), noise)


def fast(x: Any, gamma: Any, beta: Any, *, eps: float) -> Any:
    """Layer norm with the variance as the mean of the squares less the square of the mean."""
    mu = x.mean(-1, keepdims=True)
    variance = (x * x).mean(-1, keepdims=True) - mu * mu
    with np.errstate(invalid="ignore"):
        return (x - mu) / np.sqrt(variance + x.dtype.type(eps)) * gamma + beta


def two_passes(x: Any, gamma: Any, beta: Any, *, eps: float) -> Any:
    mu = x.mean(-1, keepdims=True)
    variance = ((x - mu) ** 2).mean(-1, keepdims=True)
    return (x - mu) / np.sqrt(variance + x.dtype.type(eps)) * gamma + beta


def log_sum_exp(e: Any) -> Any:
    top = e.max(-1, keepdims=True)
    return top + np.log(np.exp(e - top).sum(-1, keepdims=True))


def cross_entropy(logits: Any, target: Any) -> Any:
    return (log_sum_exp(logits) - np.take_along_axis(logits, target[..., None], -1))[..., 0]


def by_logaddexp(e: Any) -> Any:
    return np.exp(e - np.logaddexp.reduce(e, axis=-1, keepdims=True)) if e.size else e


def judged(target: Any, equation: str, **how: Any) -> Verdict:
    report: Report = attnspec.verify(target, equation, examples=0, **{"framework": "numpy", **how})
    (verdict,) = report.verdicts
    return verdict


# What a form may cost.


def test_an_error_may_be_some_times_what_the_equation_is_allowed() -> None:
    over = excess(compared([1e6, 1e6, 1e6], [0.0, 0.9 * FORM_COST, -1.1 * FORM_COST]), "float32")

    assert over.tolist() == pytest.approx([0.0, 0.9, 1.1])


def test_what_is_no_number_is_lost() -> None:
    """A variance that came out negative; an infinity that the equation has too is right."""
    over = excess(compared([1.0, 1.0, np.inf], [np.nan, np.inf, 0.0]), "float32")

    assert over.tolist() == [np.inf, np.inf, 0.0]


def test_what_the_noise_of_the_equation_drowns_is_not_lost_by_a_form() -> None:
    assert not excess(compared([1.0, 1.0], [np.nan, 100.0], undecidable=True), "float32").any()


def test_small_elements_may_lose_what_storage_keeps_of_the_largest() -> None:
    """An error far beyond an element's own bound is no loss where it is a rounding of the values beside it."""
    stored = SIGMA_BOUND * FORMATS["float32"].u / np.sqrt(3)
    tiny = compared([1.0, 1e-9], [0.0, 0.9 * FORM_COST * stored], bound=1e-15)
    alone = compared([0.0, 1e-9], [0.0, 0.9 * FORM_COST * stored], bound=1e-15)

    assert float(excess(tiny, "float32").max()) == pytest.approx(0.9)
    assert float(excess(alone, "float32").max()) > 1e3


def test_bits_are_counted_beside_the_largest_value() -> None:
    lost = compared([8.0, 1.0, -2.0], [0.0, 0.25, 0.5], bound=1e-6)

    assert bits_left(lost, "float32") == pytest.approx(4)
    assert bits_left(compared([8.0, 1.0], [0.0, np.nan], bound=1e-6), "float32") == 0
    assert bits_left(compared([1.0], [1e3], bound=1e-6), "float32") == 0, "never fewer than none"


def test_a_form_that_allows_anything_explains_nothing() -> None:
    """Its σ is as large as the output where the answer fails; the equation's is an eighth of the bound."""
    value, errors = [1.0, 1.0, 1.0, 1.0], [20.0, 20.0, 20.0, 0.5]
    own = compared(value, errors, bound=0.1 * SIGMA_BOUND)
    anything = compared(
        value, errors, bound=[9 * SIGMA_BOUND, 9 * SIGMA_BOUND, 0.9 * SIGMA_BOUND, 0.1 * SIGMA_BOUND], undecidable=True
    )
    lost = compared(
        value, errors, bound=[9 * SIGMA_BOUND, 0.9 * SIGMA_BOUND, 0.9 * SIGMA_BOUND, 9 * SIGMA_BOUND], undecidable=True
    )

    assert not matched([own], [anything])
    assert matched([own], [lost])
    assert matched([own, own], [anything, lost]), "one answer is enough"
    assert not matched([lost], [lost]), "nothing fails that could be explained"


def test_a_form_is_judged_by_what_the_equation_keeps() -> None:
    """Its own noise explains the answers; where it drowns them they must not be far from what the equation says."""
    equation = REGISTRY[LAYER_NORM]
    near, far = (
        make(equation, Description((("d", 8),), regime, batch=(3,), seed=5), "float32")
        for regime in ("ordinary", "common offset")
    )
    answers = [fast(*map(np.float32, case.arrays.values()), **case.options) for case in (near, far)]
    seen = [Observation(case, (answer.astype(float),)) for case, answer in zip((near, far), answers, strict=True)]

    def found(observations: list[Observation], *accepted: str) -> list[str]:
        judge = Judge(equation, "float32", accepted=accepted)
        form = next(each for each in judge.forms if each.names == ("fast_variance",))
        return [
            each.kind for each in judge.judge(observations, judge.presets[-1], form=form, directions=False).findings
        ]

    assert found(seen[:1]) == []
    assert found(seen) == ["form"]
    assert found(seen, "fast_variance") == []


def test_a_whole_number_has_no_bits_to_lose() -> None:
    """Where two words are nearly alike, a form may choose the other one, which is not a matter of its digits."""
    equation = REGISTRY["seq2seq.greedy_step"]
    case = make(equation, next(standard_suite(equation, lambda name: 1, (0,))), "float32")
    judge = Judge(equation, "float32")
    values = [noise.value for noise in judge.noise(case, judge.presets[0])]
    whole = [result.kind == "int" for result in equation.definition.results]
    answers = tuple(value + 1 if of_one else value for value, of_one in zip(values, whole, strict=True))
    form = next(each for each in judge.forms if each.names == ("by_probabilities",))
    judged = judge.judge([Observation(case, answers)], judge.presets[0], form=form)

    assert any(whole)
    assert [finding.kind for finding in judged.findings] == ["element"]


# Their names.


def test_names_stay_as_they_are() -> None:
    """They stand in other people's code: a name may come, and none may go."""
    assert {*REWRITINGS} >= {
        "reciprocal", "query_scaled", "key_scaled", "both_scaled", "log_sum_exp", "powers_of_two", "tanh_by_sigmoid",
        "sigmoid_by_tanh", "interpolated",
    }  # fmt: skip
    assert {*RULES} >= {
        "fast_variance", "folded_shift", "by_reciprocal", "inverse_root", "divided_terms", "divided_sum",
        "interpolated_back", "complement", "from_complement", "doubled_sigmoid", "log_of_sigmoid",
        "power_by_exponential", "regrouped", "multiplied_out",
    }  # fmt: skip
    assert {*named(REGISTRY[LAYER_NORM])} >= {"fast_variance", "rounded_constants", "rounded_products"}
    assert "log_sum_in_turn" in named(REGISTRY[WEIGHTS])


def test_every_form_has_a_name_that_can_be_claimed() -> None:
    for equation in REGISTRY.values():
        known = named(equation)
        for dtype in ("float64", "bfloat16"):
            for form in forms(equation, dtype):
                assert form.names, form.says
                assert {*form.names} <= {*known}, (equation.id, form.names)


def test_of_a_form_that_is_claimed_in_part_the_rest_is_judged_beside_that_part() -> None:
    among = forms(REGISTRY["attention.scaled_dot_product"], "bfloat16")
    both = next(each for each in among if each.names == ("query_scaled", "log_sum_exp", "rounded_constants"))

    assert claimed_part(both, (), among) is PLAIN
    assert claimed_part(both, ("powers_of_two",), among) is PLAIN
    assert claimed_part(both, ("log_sum_exp",), among).names == ("log_sum_exp",)
    assert claimed_part(both, both.names, among) is both
    by_size = next(each for each in among if each.other is not None)
    assert claimed_part(by_size, by_size.names, among) is by_size


def test_silu_by_tanh_is_silu() -> None:
    """Fast kernels write it so, and no equation of the catalogue has it."""

    def to_silu(node: Node) -> Node:
        return replace(node, op="silu") if isinstance(node, Apply) and node.op == "sigmoid" else node

    equation = REGISTRY["recurrent.gru_cell"]
    case = make(equation, next(standard_suite(equation, lambda name: 1, (0,))), "float64")
    plain = map_definition(equation.definition, to_silu)
    by_tanh = apply_rewriting(plain, REWRITINGS["sigmoid_by_tanh"][1])
    value, other = (evaluate(each, (), case.arguments) for each in (plain, by_tanh))

    assert plain != by_tanh
    np.testing.assert_allclose(other, value, rtol=1e-12)


@pytest.mark.parametrize("id", [id for id, each in REGISTRY.items() if len(named(each)) > 2])
def test_forms_are_equal(id: str) -> None:
    """A rewriting changes the rounding and nothing else."""
    equation = REGISTRY[id]
    described = next(standard_suite(equation, lambda name: smallest(equation, name) if name != "batch" else 0, (0,)))
    case = make(equation, described, "float64")
    trees = [apply_rewriting(equation.definition, rewriting) for _, rewriting in REWRITINGS.values()]
    trees += [apply_rule(equation.definition, rule) for _, rule in RULES.values()]
    trees += [each.equation.definition for each in equation.forms]
    value = evaluate(equation.definition, (), case.arguments)

    for tree in trees:
        with np.errstate(divide="ignore"):  # the logarithm of a sum over nothing
            found = evaluate(tree, (), case.arguments)
        for ours, theirs in zip(_several(value), _several(found), strict=True):
            assert np.allclose(ours, theirs, rtol=1e-9, atol=1e-9, equal_nan=True)


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


# Whole verdicts.


def test_a_form_that_loses_digits_is_imprecise() -> None:
    verdict = judged(fast, LAYER_NORM)

    assert verdict.verdict == "imprecise", str(verdict)
    assert verdict.reason.startswith("it is right by another form, which loses digits in ")
    assert "significant bits are left on values of the kind '" in verdict.reason
    assert verdict.findings == (
        "by another form: the variance as the mean of x² less μ², which loses digits where μ is large",
    )
    assert verdict.effective_bits is not None
    assert verdict.effective_bits < 10
    assert verdict.bits_site == "the form fast_variance"
    assert verdict.mend.splitlines()[0] == "variance = (Σ_k (x_k − μ) (x_k − μ)) / d"
    assert "--claim form=fast_variance" in verdict.mend
    assert verdict.worst_case is not None


def test_digits_that_are_lost_in_the_calls_of_a_property_are_lost_by_the_form() -> None:
    """Where all the drawn cases are right in float16, a vector and a constant have a variance of 0, and no answer."""

    def fast_in_torch(x: Any, gamma: Any, beta: Any, *, eps: float) -> Any:
        mu = x.mean(-1, keepdim=True)
        variance = (x**2).mean(-1, keepdim=True) - mu**2
        return gamma * ((x - mu) / (variance + eps) ** 0.5) + beta

    verdict = judged(fast_in_torch, LAYER_NORM, framework="torch", dtype="float16")

    assert verdict.verdict == "imprecise", str(verdict)
    assert ("common_shift_changes_nothing", False) in verdict.properties
    assert verdict.reason.endswith("left in the case shown")


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_the_equation_as_it_stands_loses_nothing(dtype: str) -> None:
    verdict = judged(two_passes, LAYER_NORM, dtype=dtype)

    assert verdict.verdict == "conforms", str(verdict)
    assert not [finding for finding in verdict.findings if "form" in finding]


def test_a_recorded_case_in_which_digits_are_lost_is_named() -> None:
    x = 2000 + np.linspace(-1, 1, 64)[None]
    verdict = judged(fast, LAYER_NORM, inputs={"x": x.astype(np.float32)})

    assert verdict.verdict == "imprecise", str(verdict)
    assert verdict.reason.endswith("left in inputs")


def test_a_claim_accepts_what_a_form_loses() -> None:
    verdict = judged(fast, LAYER_NORM, claim={"forms": ("fast_variance",)})

    assert verdict.verdict == "conforms", str(verdict)
    assert any(finding.startswith("by another form: the variance as") for finding in verdict.findings)
    assert "fast_variance at any loss" in verdict.domain
    assert judged(fast, LAYER_NORM, claim={"forms": ("reciprocal",)}).verdict == "imprecise", "that is another form"


def test_a_claim_excuses_nothing_but_the_form() -> None:
    def biased(x: Any, gamma: Any, beta: Any, *, eps: float) -> Any:
        return fast(x, gamma, beta, eps=eps) * np.float32(1.01)

    assert judged(biased, LAYER_NORM, claim={"forms": ("fast_variance",)}).verdict == "differs"


def test_a_package_claims_a_form_of_its_own() -> None:
    @implements(LAYER_NORM, framework="numpy", forms=("fast_variance",))
    def declared(x: Any, gamma: Any, beta: Any, *, eps: float) -> Any:
        return fast(x, gamma, beta, eps=eps)

    report: Report = attnspec.verify(declared, examples=0)

    assert report.verdict == "conforms", str(report)


def test_the_loss_of_a_form_that_is_not_listed_by_the_equation() -> None:
    """Generated from the tree: a sum of exponentials whose logarithm is as large as the scores are."""
    verdict = judged(cross_entropy, CROSS_ENTROPY)

    assert verdict.verdict == "imprecise", str(verdict)
    assert verdict.bits_site == "the form log_sum_exp"
    assert "'common offset'" in verdict.reason
    assert judged(cross_entropy, CROSS_ENTROPY, claim={"forms": ("log_sum_exp",)}).verdict == "conforms"


def test_many_keys_one_after_the_other() -> None:
    verdict = judged(by_logaddexp, WEIGHTS)

    assert (verdict.verdict, verdict.bits_site) == ("imprecise", "the form log_sum_in_turn"), str(verdict)


# Claims that are refused.


def test_an_unknown_form_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UnknownName, match="fast_varianse") as raised:
        judged(fast, LAYER_NORM, claim={"forms": ("fast_varianse",)})

    known = ("fast_variance", "reciprocal", "folded_shift", "by_reciprocal", "inverse_root", "divided_terms")
    assert raised.value.expected == ", ".join([*known, "rounded_constants", "rounded_products"])
    assert "fast_variance" in raised.value.mend


def test_a_name_alone_is_no_tuple_of_names() -> None:
    with pytest.raises(SpecError, match="a tuple") as raised:
        implements(LAYER_NORM, forms="fast_variance")  # type: ignore[arg-type]  # as somebody may write it

    assert raised.value.mend == "forms=('fast_variance',)"


def test_a_procedure_has_no_forms() -> None:
    with pytest.raises(SpecError, match="forms says nothing of it"):
        attnspec.verify(str.split, "text.encode", claim={"forms": ("fast_variance",)})


# The command line.

LAYER = """
def layer_norm(x, gamma, beta, *, eps):
    mu = x.mean(-1, keepdims=True)
    variance = (x * x).mean(-1, keepdims=True) - mu * mu
    return (x - mu) / (variance + x.dtype.type(eps)) ** x.dtype.type(0.5) * gamma + beta
"""


@pytest.mark.parametrize(
    ("claim", "code", "says"),
    [
        ([], 1, "--claim form=fast_variance"),
        (["--claim", "form=fast_variance"], 0, "fast_variance at any loss"),
        (["--claim", "form=reciprocal, fast_variance"], 0, "reciprocal and fast_variance at any loss"),
        (["--claim", "form=slow_variance"], 2, "did you mean fast_variance?"),
        (["--claim", "form="], 2, "write C=VALUE, as in batch=0"),
        (["--claim", "form.d=fast_variance"], 2, "form=NAME"),
        (["--claim", "from=fast_variance"], 2, "did you mean form?"),
    ],
)
def test_forms_on_the_command_line(claim: list[str], code: int, says: str, tmp_path: Any) -> None:
    (tmp_path / "layer.py").write_text(LAYER)
    asked = [
        "verify",
        str(tmp_path / "layer.py"),
        "--as",
        LAYER_NORM,
        "--framework",
        "numpy",
        "--examples",
        "0",
        *claim,
    ]
    done: Result = CliRunner(env={"COLUMNS": "200"}).invoke(main, asked)

    assert done.exit_code == code, done.output
    assert says in done.output


def test_forms_are_shown() -> None:
    done = CliRunner(env={"COLUMNS": "120"}).invoke(main, ["show", LAYER_NORM])

    assert "fast_variance" in done.output


# Numbers that come from options.


def adam_in_storage(theta: Any, g: Any, m: Any, v: Any, *, step: int, lr: float, beta_1: float, beta_2: float,
                    eps: float) -> tuple[Any, Any, Any]:  # fmt: skip
    """Adam as libraries write it that hold options as arrays: 1 − β and 1 − βᵗ are computed in float32."""
    lr, beta_1, beta_2, eps, step = (theta.dtype.type(each) for each in (lr, beta_1, beta_2, eps, step))
    one = theta.dtype.type(1)
    m, v = beta_1 * m + (one - beta_1) * g, beta_2 * v + (one - beta_2) * g * g
    first, second = m / (one - beta_1**step), v / (one - beta_2**step)
    return theta - lr * first / (np.sqrt(second) + eps), m, v


def test_numbers_that_are_computed_in_storage_are_a_form() -> None:
    """1 − 0.999 in float32 has 16 significant bits; the verdict says where the others are lost."""
    lossy = judged(adam_in_storage, "optimizer.adam")

    assert lossy.verdict == "imprecise"
    assert "by another form" in str(lossy)
    assert "constants rounded to float32" in str(lossy)


def adam_with_eps_in_storage(theta: Any, g: Any, m: Any, v: Any, *, step: int, lr: float, beta_1: float,
                             beta_2: float, eps: float) -> tuple[Any, Any, Any]:  # fmt: skip
    """Adam in float32, with an eps that is rounded to float16: 1e-8 becomes 0."""
    kind, eps = theta.dtype, float(np.float16(eps))
    theta, g, m, v = (each.astype(np.float32) for each in (theta, g, m, v))
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
    new = theta - lr * m / (1 - beta_1**step) / (np.sqrt(v / (1 - beta_2**step)) + eps)
    return new.astype(kind), m.astype(kind), v.astype(kind)


def test_a_constant_that_becomes_0_is_no_form() -> None:
    """What gives NaN is not said to be right by another form, of which 0 significant bits are left."""
    wrong = judged(adam_with_eps_in_storage, "optimizer.adam", dtype="float16")

    assert wrong.verdict == "differs"
    assert "eps is rounded to float16 first" in str(wrong)


def test_the_noise_of_numbers_that_are_computed_in_storage() -> None:
    """A rounded β leaves an error in 1 − β, and a rounded βᵗ one in 1 − βᵗ."""
    options = {"step": 10, "lr": 0.5, "beta_1": 0.8, "beta_2": 0.999, "eps": 0.0}
    case = {name: np.asarray([float(name == "g")]) for name in ("theta", "g", "m", "v")}
    policy, definition = preset("op-by-op", "float32"), REGISTRY["optimizer.adam"].definition
    rounded = noise(definition, case, options, policy, constants=24)
    exact = noise(definition, case, options, policy)
    u = FORMATS["float32"].u

    assert float(rounded[1].bound[0]) == pytest.approx(SIGMA_BOUND * u * 0.8 / np.sqrt(3), rel=0.2)
    assert float(rounded[2].bound[0]) == pytest.approx(SIGMA_BOUND * u * 0.999 / np.sqrt(3), rel=0.2)
    assert float(rounded[0].bound[0]) > 50 * float(exact[0].bound[0])
