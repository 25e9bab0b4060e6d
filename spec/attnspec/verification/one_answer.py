"""The verdict on one answer that a caller has already computed: right within the noise, or which mistake it is."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from attnspec.errors import SpecError, UnknownName, nearest
from attnspec.implementation import DTYPES
from attnspec.interpreters.evaluation.call import bind
from attnspec.interpreters.mutation.software_mistakes import software_mistakes
from attnspec.interpreters.rounding.policy import Policy, preset
from attnspec.language.equation import REGISTRY, Equation
from attnspec.thresholds import MOST_DECIDABLE
from attnspec.verification.candidate.answer_form import shapes
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case
from attnspec.verification.cases.distributions import rounded
from attnspec.verification.cases.recorded_cases import Reader
from attnspec.verification.cases.recorded_values import loses_bits
from attnspec.verification.cases.recordings import Recording, as_numpy
from attnspec.verification.diagnosis import locate, precision
from attnspec.verification.diagnosis.constants import wrong_numbers
from attnspec.verification.diagnosis.explain import LONG
from attnspec.verification.diagnosis.recognise import recognise
from attnspec.verification.diagnosis.worst_case import worst_case
from attnspec.verification.judge.findings import Judged
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.mutant_values import non_equivalent_mutants
from attnspec.verification.judge.with_forms import judge_with_forms
from attnspec.verification.verdict import Diagnosis, Verdict, VerdictKind

MOST_BATCH_AXES = 8


def judged_answer(
    actual: Any, equation: str | Equation[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], policy: str | None
) -> Verdict:
    """Judge one answer to an equation.

    Args:
        actual: an array, or one for each result of the equation.
        equation: the equation or its id.
        args: the arguments of the equation, in order.
        kwargs: those by name.
        policy: the precision policy; None if it is to be inferred.

    Raises:
        UnknownName: there is no such equation or policy.
        BindingError, ShapeError: the arguments do not fit the equation.
        SpecError: an argument is not finite, or has more bits than the answer.
    """
    started = time.monotonic()
    equation = REGISTRY[equation] if isinstance(equation, str) else equation
    arrays, options = bind(equation.definition, args, kwargs)
    results = list(actual) if isinstance(actual, tuple | list) else [actual]
    dtype = _dtype([*results, *arrays.values()])
    case = _case(equation, {**as_numpy(arrays), **as_numpy(options)} if options else as_numpy(arrays), dtype)
    under = None if policy is None else preset(policy, dtype)
    answers = [*as_numpy({str(place): result for place, result in enumerate(results)}).values()]
    wrong_shape = _wrong_shape(equation, case, [answer.shape for answer in answers])
    about: dict[str, Any] = {
        "equation": equation.id,
        "implementation": "the given answer",
        "framework": type(results[0]).__module__.partition(".")[0],
        "dtype": dtype,
        "device": str(getattr(results[0], "device", "cpu")),
        "examples": 1,
        "recorded": 1,
    }
    if wrong_shape:
        return Verdict(**about, verdict=VerdictKind.MISBEHAVES, reason=wrong_shape)
    judge = Judge(equation, dtype)
    observation = Observation(case, tuple(answer.astype("float64") for answer in answers))
    found = _conclusion(judge, observation, under)
    return Verdict(**about, **found, seconds=time.monotonic() - started)


def _conclusion(judge: Judge, observation: Observation, policy: Policy | None) -> dict[str, Any]:
    """The fields of the verdict that depend on the values."""
    judged = judge_with_forms(judge, [observation], policy)
    if judged.right:
        decidable, of = judged.decidable
        if decidable and decidable >= MOST_DECIDABLE * of:
            return {"verdict": VerdictKind.CONFORMS, "policy": str(judged.policy)}
        reason = f"rounding noise exceeds the signal in {of - decidable} of {of} elements" if of else "it is empty"
        return {"verdict": VerdictKind.INCONCLUSIVE, "reason": reason, "policy": str(judged.policy)}
    first = judged.findings[0]
    worst = worst_case(first, judged, judge.equation)
    known = _known(judge, observation, judged)
    if known is None:
        fewer = next(filter(None, (precision.imprecise(judge, [observation], each) for each in judge.presets)), None)
        if judged.equal or fewer is not None:
            bits = fewer[0] if fewer else None
            reason = f"the formula is right, in {bits.bits:.0f} significant bits" if bits else first.reason
            return {"verdict": VerdictKind.IMPRECISE, "reason": reason, "worst_case": worst}
    return {
        "verdict": VerdictKind.DIFFERS,
        "reason": first.reason,
        "diagnosis": (known,) if known else (),
        "worst_case": worst,
        "mend": locate.mend(judge.equation, known),
    }


def _known(judge: Judge, observation: Observation, judged: Judged) -> Diagnosis | None:
    """The known mistake that gives these values; None if none does, or if no number of the answer is finite."""
    if not any(np.isfinite(answer).any() for answer in observation.answers):
        return None
    found = recognise(judge, [observation], non_equivalent_mutants(judge.equation), judged.policy, refute=True)
    if found or observation.case.longest > LONG:
        return found
    found = recognise(judge, [observation], software_mistakes(judge.equation), judged.policy, refute=True)
    numbers = [] if found else wrong_numbers(judge, [observation], judged.policy)
    return found or recognise(judge, [observation], numbers, judged.policy, refute=True)


def _case(equation: Equation[..., Any], arrays: Mapping[str, Any], dtype: str) -> Case:
    """The case of these arguments, which must be as precise as the answer."""
    lossy = [
        f"{name} ({array.dtype})"
        for name, array in arrays.items()
        if array.dtype.kind == "f" and array.ndim and loses_bits(array, rounded(array, dtype))
    ]
    if lossy:
        raise SpecError(
            f"{', '.join(lossy)} cannot be held in {dtype}, the dtype of the answer",
            given="arguments of more bits than the answer",
            expected=f"what was computed with: arrays in {dtype}",
            mend="pass the arrays that the implementation was given, after they were converted",
        )
    reader = Reader(equation, dtype, batches=tuple(range(MOST_BATCH_AXES)))
    [case] = reader.read([Recording("the arguments", dict(arrays))]).cases
    return case


def _dtype(arrays: Sequence[Any]) -> str:
    """The first dtype of `DTYPES` among arrays."""
    names = [str(getattr(array, "dtype", "")).removeprefix("torch.") for array in arrays]
    found = next((name for name in names if name in DTYPES), None)
    if found is None:
        given = ", ".join(dict.fromkeys(filter(None, names))) or type(arrays[0]).__name__
        mend = nearest(names[0], DTYPES) or "pass arrays of NumPy, PyTorch or JAX"
        raise UnknownName("no array has a dtype that is judged", given=given, expected=", ".join(DTYPES), mend=mend)
    return found


def _wrong_shape(equation: Equation[..., Any], case: Case, given: Sequence[tuple[int, ...]]) -> str:
    """A sentence about a wrong number of results or a wrong shape; "" if all are right."""
    due = shapes(equation, case)
    if len(given) != len(due):
        return f"it has {len(given)} results in place of {len(due)}"
    wrong = [
        f"a result of shape {got} in place of {right}" for got, right in zip(given, due, strict=True) if got != right
    ]
    return ", ".join(wrong)
