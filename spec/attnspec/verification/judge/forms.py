"""Forms: other ways to compute an equation, each with its own rounding noise."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.interpreters.rewriting import rewritten
from attnspec.interpreters.rounding.policy import FORMATS, Policy
from attnspec.language.equation import Equation
from attnspec.language.tree import Definition
from attnspec.thresholds import FORM_COST, SIGMA_BOUND
from attnspec.verification.judge.residuals import Compared

Array = NDArray[Any]

LOG_SUM_EXP = "log_sum_exp"
"""The name of the rewriting of a softmax by its log-sum-exp."""

CONSTANTS, PRODUCTS = "rounded_constants", "rounded_products"
"""The names of two rewritings that keep the formula: they round constants, or products before they are summed."""


@dataclass(frozen=True, slots=True)
class Form:
    """Another way to compute an equation, with its own rounding noise.

    Attributes:
        says: what is computed differently, and what it costs; "" for the equation as written.
        definition: the tree; None for the equation's own.
        constants: the number of significant bits to which constants are rounded; None if they are exact.
        products: whether each product is rounded to storage before it is summed, as in `(a * b).sum()`.
        other: a second tree, for software that computes some sizes by one tree and some by the other; None without.
        names: the names of the rewritings of which it consists, by which a claim accepts them.
    """

    says: str = ""
    definition: Definition | None = None
    constants: int | None = None
    products: bool = False
    other: Definition | None = None
    names: tuple[str, ...] = ()

    def under(self, policy: Policy) -> Policy:
        """The policy, with the additional rounding of the form."""
        return replace(policy, products=policy.storage) if self.products else policy


PLAIN = Form()


def forms(equation: Equation[..., Any], dtype: str) -> list[Form]:
    """All forms of an equation except the equation as written.

    Constants or products that are rounded to storage are among them, since libraries round these.
    """
    listed = [Form(form.says, form.equation.definition, names=(form.name,)) for form in equation.forms]
    own = {form.name for form in equation.forms}  # of one name, the equation's own form goes before a generated one
    made = [
        Form(form.description, form.definition, names=form.names)
        for form in rewritten(equation.definition)
        if not own.intersection(form.names)
    ]
    all_forms = [PLAIN, *listed, *made]
    all_forms += [
        replace(form, says=f"{form.says}, or not, by size", definition=None, other=form.definition) for form in listed
    ]
    if dtype == "float64" or _counts(equation.definition):
        return all_forms[1:]
    bits, also = int(FORMATS[dtype].bits), f"constants rounded to {dtype}"
    all_forms += [
        replace(form, says="; ".join(filter(None, [form.says, also])), constants=bits, names=(*form.names, CONSTANTS))
        for form in all_forms
    ]
    if FORMATS[dtype].bits < 24:
        says = f"products rounded to {dtype} before their sum"
        all_forms += [
            Form(says, products=True, names=(PRODUCTS,)),
            Form(f"{says}; {also}", constants=bits, products=True, names=(PRODUCTS, CONSTANTS)),
        ]
    return all_forms[1:]


def _counts(definition: Definition) -> bool:
    """Whether whole numbers are made of whole numbers alone: of these no constant is rounded."""
    kinds = {each.kind for each in (*definition.parameters, *definition.results)}
    return "float" not in kinds and all(each.kind == "int" for each in definition.results)


def named(equation: Equation[..., Any]) -> dict[str, str]:
    """Map the name of each rewriting that a claim may accept to a description of it."""
    made = {form.names[0]: form.description for form in rewritten(equation.definition) if len(form.names) == 1}
    return {
        **{form.name: form.says for form in equation.forms},
        **{name: says for name, says in made.items() if name not in {form.name for form in equation.forms}},
        CONSTANTS: "constants rounded to storage",
        PRODUCTS: "products rounded to storage before their sum",
    }


def accepted(equation: Equation[..., Any], claimed: Collection[str]) -> tuple[str, ...]:
    """The names of rewritings that are accepted however many digits they lose.

    They are those of a claim and, for gradients, the log-sum-exp: a fused forward pass saves only the log-sum-exp of
    each row, so that its backward pass must compute the weights again as exp(e − lse).
    """
    return (*claimed, *((LOG_SUM_EXP,) if equation.gradient_of else ()))


def claimed_part(form: Form, claimed: Collection[str], among: Sequence[Form]) -> Form:
    """The form that consists of those rewritings of a form that are claimed.

    It is the form itself if all of them are claimed, and the equation as written if none is.

    Args:
        claimed: the names of rewritings that a claim accepts.
        among: the equation's forms.
    """
    names = [name for name in form.names if name in claimed]
    if len(names) == len(form.names):
        return form
    return next((other for other in among if other.other is None and set(other.names) == set(names)), PLAIN)


def excess(compared: Compared, dtype: str) -> Array:
    """Each error divided by the largest that any form may have; more than 1 if digits are lost.

    It is 0 for undecidable elements. The noise of the form itself does not matter. An element that is small compared
    with the output's largest value may lose digits, down to one rounding of that value to storage.

    Args:
        compared: an answer, compared with the noise of the equation as written.

    Returns:
        An array of the output's shape.
    """
    # The bound of one rounding of the largest value to storage: uniform in ±u·scale, so that σ = u·scale/√3.
    storage_bound = SIGMA_BOUND * FORMATS[dtype].u / np.sqrt(3) * _scale(compared)
    limit = FORM_COST * np.maximum(compared.noise.bound, storage_bound)
    size = np.abs(compared.error)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(size == 0, 0.0, size / limit)
    return np.asarray(np.where(compared.decidable, np.where(np.isnan(ratio), np.inf, ratio), 0.0))


def matched(plain: Sequence[Compared], by_form: Sequence[Compared]) -> bool:
    """Whether a form explains most wrong elements of at least one failing answer.

    An element whose σ under the form is as large as the output is not explained.

    Args:
        plain: answers, compared with the noise of the equation as written.
        by_form: the same answers, in the same order, compared with the noise of the form.
    """
    pairs = [
        (comparison, comparison.ratio > 1, other.noise.sigma)
        for comparison, other in zip(plain, by_form, strict=True)
        if comparison.fails
    ]
    return any(
        2 * int((wrong & (sigma < _scale(comparison))).sum()) > int(wrong.sum()) for comparison, wrong, sigma in pairs
    )


def bits_left(compared: Compared, dtype: str) -> float:
    """The fewest significant bits left in elements that lose digits, relative to the output's largest value.

    It is 0 if an error or the largest value is not a finite, positive number.
    """
    # log2(scale / error), for the largest error
    scale, error = _scale(compared), np.abs(compared.error[excess(compared, dtype) > 1])
    if not error.size or not np.isfinite(error).all() or not scale:
        return 0.0
    return max(0.0, float(np.log2(scale / error.max())))


def _scale(compared: Compared) -> float:
    """The largest absolute value of the output, among decidable and finite elements; 0 if there are none."""
    values = compared.noise.value[compared.decidable & np.isfinite(compared.noise.value)]
    return float(np.abs(values).max(initial=0.0))
