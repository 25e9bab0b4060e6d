"""Sums whose terms are added one after the other in the storage dtype, where a long sum stops growing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from attnspec.interpreters.evaluation.value import ValueOf
from attnspec.interpreters.rounding.policy import Policy, declared_only
from attnspec.thresholds import WIDE_ELEMENTS
from attnspec.verification.candidate.observation import Array, Observation
from attnspec.verification.cases.distributions import rounded
from attnspec.verification.diagnosis import locate
from attnspec.verification.diagnosis.recognise import are_near
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import values

SUMS = {"its sums": (True, True), "its products of matrices": (True, False), "its other sums": (False, True)}
"""What is summed in the storage dtype: in products of matrices, elsewhere."""


class SumsInStorage(ValueOf):
    """Evaluates in float64, but rounds the partial sums of some sums to the storage dtype, the first terms first.

    Args:
        storage: the storage dtype.
        products: whether sums in products of matrices are rounded.
        others: whether other sums are.
    """

    def __init__(self, storage: str, products: bool, others: bool) -> None:
        super().__init__(np)
        self.storage, self.products, self.others = storage, products, others

    def contract(self, a: Array, b: Array) -> Array:
        if not self.products:
            return np.asarray(super().contract(a, b))
        terms = (a[..., :, k, np.newaxis] * b[..., np.newaxis, k, :] for k in range(a.shape[-1]))
        shape = (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1])
        return self._added(terms, np.zeros(shape))

    def total(self, terms: Array, axis: int) -> Array:
        if not self.others:
            return np.asarray(super().total(terms, axis))
        one_by_one = (np.take(terms, [k], axis=axis) for k in range(terms.shape[axis]))
        return self._added(one_by_one, np.zeros_like(terms.sum(axis=axis, keepdims=True)))

    def _added(self, terms: Iterator[Array], total: Array) -> Array:
        for term in terms:
            total = rounded(total + term, self.storage)
        return total


def summed_in_storage(judge: Judge, observations: Sequence[Observation], policy: Policy) -> str:
    """Describe which sums in the storage dtype explain the wrong answers of every case; "" if none do, or if no
    single element is wrong.

    Where terms are small beside their sum, errors are all of one sign, and no bound of rounding that is random holds.
    """
    failing = judge.failing(observations, policy)
    if not failing or "reduced-reduction" not in declared_only(judge.dtype):
        return ""
    if any(each.case.elements >= WIDE_ELEMENTS for each in failing):
        return ""
    for what, kinds in SUMS.items():
        if all(_explains(judge, observation, policy, SumsInStorage(judge.dtype, *kinds)) for observation in failing):
            where = locate.where(judge.compare(observations, policy))
            return (
                f"{what} are added up one after the other in {judge.dtype}, and long ones stop growing (wrong {where})"
            )
    return ""


def _explains(judge: Judge, observation: Observation, policy: Policy, sums: SumsInStorage) -> bool:
    """Whether most wrong elements of a case are much nearer to what such sums give than to the value."""
    found = values(judge.equation.definition, observation.case, by=sums)
    compared = [each for each in judge.compare([observation], policy) if each.fails]
    return found is not None and are_near(compared, found)
