"""Forms: other ways to compute the same, with rounding of their own."""

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
"""The names of two rewritings that leave the formula as it is, and round what it is made of."""


@dataclass(frozen=True, slots=True)
class Form:
    """Another way to compute the same, with its own rounding.

    Attributes:
        says: what is done otherwise, and what it costs; "" for the equation as it stands.
        definition: the tree, None for the equation's own.
        constants: significant bits to which constants are rounded; None: they are exact.
        products: each product is rounded to storage before it is summed, as in `(a * b).sum()`.
        other: a second tree, for software that takes one order for some sizes and another for others.
        names: of the rewritings that it is made of, by which a claim accepts them.
    """

    says: str = ""
    definition: Definition | None = None
    constants: int | None = None
    products: bool = False
    other: Definition | None = None
    names: tuple[str, ...] = ()

    def under(self, policy: Policy) -> Policy:
        """The policy, with the roundings that the form adds."""
        return replace(policy, products=policy.storage) if self.products else policy


PLAIN = Form()


def forms(equation: Equation[..., Any], dtype: str) -> list[Form]:
    """The forms of an equation, also with constants or products rounded to storage, as real libraries round them."""
    listed = [Form(each.says, each.equation.definition, names=(each.name,)) for each in equation.forms]
    made = [Form(each.says, each.definition, names=each.names) for each in rewritten(equation.definition)]
    found = [PLAIN, *listed, *made]
    found += [
        replace(each, says=f"{each.says}, or not, by size", definition=None, other=each.definition) for each in listed
    ]
    if dtype == "float64":
        return found[1:]
    bits, also = int(FORMATS[dtype].bits), f"constants rounded to {dtype}"
    found += [
        replace(each, says="; ".join(filter(None, [each.says, also])), constants=bits, names=(*each.names, CONSTANTS))
        for each in found
    ]
    if FORMATS[dtype].bits < 24:
        says = f"products rounded to {dtype} before their sum"
        found += [
            Form(says, products=True, names=(PRODUCTS,)),
            Form(f"{says}; {also}", constants=bits, products=True, names=(PRODUCTS, CONSTANTS)),
        ]
    return found[1:]


def named(equation: Equation[..., Any]) -> dict[str, str]:
    """The rewritings of an equation that a claim may accept: by name, what they do."""
    made = {each.names[0]: each.says for each in rewritten(equation.definition) if len(each.names) == 1}
    return {
        **{each.name: each.says for each in equation.forms},
        **made,
        CONSTANTS: "constants rounded to storage",
        PRODUCTS: "products rounded to storage before their sum",
    }


def accepted(equation: Equation[..., Any], claimed: Collection[str]) -> tuple[str, ...]:
    """The names of rewritings that are accepted at any loss: those of a claim, and log-sum-exp for gradients.

    A fused forward pass saves the log-sum-exp of each row and not the weights. A fused backward pass therefore computes
    the weights as exp(e − lse).
    """
    return (*claimed, *((LOG_SUM_EXP,) if equation.gradient_of else ()))


def claimed_part(form: Form, claimed: Collection[str], among: Sequence[Form]) -> Form:
    """The part of a form that a claim accepts: all of it, a part, or the equation as it stands.

    Args:
        claimed: the names of rewritings that a claim accepts.
        among: the equation's forms.
    """
    names = [name for name in form.names if name in claimed]
    if len(names) == len(form.names):
        return form
    return next((each for each in among if each.other is None and set(each.names) == set(names)), PLAIN)


def excess(own: Compared, dtype: str) -> Array:
    """Each error divided by the largest loss that a form may have: above 1 if digits are lost, 0 if it is undecidable.

    The limit is `FORM_COST` times the larger of the equation's own bound and the bound of one rounding of the output's
    largest value. The noise of the form plays no part.

    Args:
        own: an answer beside the noise of the equation as it stands.
    """
    stored = SIGMA_BOUND * FORMATS[dtype].u / np.sqrt(3) * _scale(own)  # the bound of one rounding to storage
    limit = FORM_COST * np.maximum(own.noise.bound, stored)
    size = np.abs(own.error)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(size == 0, 0.0, size / limit)
    return np.asarray(np.where(own.decidable, np.where(np.isnan(found), np.inf, found), 0.0))


def matched(own: Sequence[Compared], by_form: Sequence[Compared]) -> bool:
    """Whether a form explains most wrong elements of some answer, with a σ smaller than the output.

    Args:
        own: answers beside the noise of the equation as it stands.
        by_form: the same answers, in the same order, beside the noise of the form.
    """
    pairs = [(each, each.ratio > 1, other.noise.sigma) for each, other in zip(own, by_form, strict=True) if each.fails]
    return any(2 * int((wrong & (sigma < _scale(each))).sum()) > int(wrong.sum()) for each, wrong, sigma in pairs)


def bits_left(own: Compared, dtype: str) -> float:
    """Significant bits that are left in the worst element, relative to the largest value; 0 if it is not finite."""
    scale, error = _scale(own), np.abs(own.error[excess(own, dtype) > 1])
    if not error.size or not np.isfinite(error).all() or not scale:
        return 0.0
    return max(0.0, float(np.log2(scale / error.max())))


def _scale(own: Compared) -> float:
    """The output's largest decidable value."""
    values = own.noise.value[own.decidable & np.isfinite(own.noise.value)]
    return float(np.abs(values).max(initial=0.0))
