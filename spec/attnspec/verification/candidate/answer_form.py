"""The form of an answer: how many arrays, and their shape, dtype and device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from attnspec.interpreters.evaluation.call import batch_shape, fit
from attnspec.interpreters.rounding.policy import FORMATS
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.tree import Parameter
from attnspec.verification.cases.batched_gradients import lift_over_batch
from attnspec.verification.cases.case import LAYOUT_WORDS, MAY_BE_REFUSED, Case
from attnspec.verification.sandbox.messages import Outcome, Output
from attnspec.verification.verdict import VerdictKind, WorstElement

Calls = Sequence[tuple[Case, Outcome]]
"""Cases with the outcomes of their calls."""


def shapes(equation: Equation[..., Any], case: Case) -> list[tuple[int, ...]]:
    """Return the shape that each output of the equation must have on a case."""
    definition = lift_over_batch(equation.definition, case)
    sizes, _ = fit(definition, {name: array.shape for name, array in case.arrays.items()}, case.options)
    lead = batch_shape(definition, case.arrays)
    return [(*lead, *(dim.value(sizes) for dim in result.dims)) for result in definition.results]


def fault(
    outcome: Outcome, case: Case, equation: Equation[..., Any], dtype: str, device: str = "", told: bool = True
) -> str:
    """Describe what is wrong with the form of an answer; "" if nothing is.

    If only the forward pass was run, its outputs did not fit the gradients that were given for them.

    Args:
        dtype: the dtype of the inputs.
        device: the device of the inputs; "" if devices are not compared.
        told: whether the candidate can know the dtype; if not, it may answer in a more precise one.
    """
    if outcome.during == "forward":
        equation, outcome = REGISTRY[equation.gradient_of], replace(outcome, during=None)
        case = replace(case, summed=())
        return fault(outcome, case, equation, dtype, device, told) or "its outputs fit no gradient"
    expected = shapes(equation, case)
    results = equation.definition.results
    if len(outcome.outputs) != len(expected):
        return f"it returns {len(outcome.outputs)} arrays, the equation {len(expected)}"
    for output, shape, result in zip(outcome.outputs, expected, results, strict=True):
        if output.shape is None:
            kind = output.kind if output.kind == "None" else f"a {output.kind}"
            return f"it returns {kind}, not an array of its framework"
        if output.shape != shape:
            return f"it returns {result.name} of shape {output.shape} where {shape} belongs"
        if not _in_due_dtype(output, result, dtype, told):
            asked = f"for inputs in {dtype}" if told else f"where at least {dtype} is asked"
            due = asked if result.kind == "float" else f"where {KINDS[result.kind]} belong"
            return f"it returns {result.name} in {output.dtype} {due}"
        if output.value is None:
            return f"it returns {result.name} in {output.dtype}"
        on_other_device = output.device is not None and output.device.split(":")[0] != device.split(":")[0]
        if device and case.arrays and on_other_device:  # a case without arrays is on no device
            return f"it returns {result.name} on {output.device} for inputs on {device}"
    return ""


KINDS = {"int": "whole numbers", "bool": "truth values"}
"""{kind of a result: what it consists of}."""


def _in_due_dtype(output: Output, result: Parameter, dtype: str, told: bool = True) -> bool:
    """Whether a result has the dtype of the inputs, a dtype of its kind, or another that its symbol allows."""
    given, also = output.dtype or "", result.symbol.also
    if result.kind == "float":
        is_allowed = given in also or (not told and given in FORMATS)
        return given == dtype or (is_allowed and FORMATS[given].bits > FORMATS[dtype].bits)
    return given.startswith("bool" if result.kind == "bool" else ("int", "uint")) or given in also


def answered(outcome: Outcome, case: Case, equation: Equation[..., Any], dtype: str, told: bool = True) -> bool:
    """Whether a call gave an answer that can be judged."""
    return outcome.status == "ok" and not fault(outcome, case, equation, dtype, told=told)


def describe_status(outcome: Outcome) -> str:
    """Describe the outcome of a call that gave no answer, or none of the right form."""
    raises = f"its {outcome.during} pass raises" if outcome.during else "it raises"
    words = {
        "raised": raises,
        "crashed": "the process dies",
        "timeout": "it does not come back in time",
        "memory": "it runs out of memory",
        "unavailable": "it cannot be run here",
    }
    trouble = f": {outcome.trouble}" if outcome.trouble is not None else ""
    return words.get(outcome.status, "its answer does not have the right form") + trouble


def unusable(
    calls: Calls, equation: Equation[..., Any], dtype: str, device: str, told: bool = True
) -> tuple[VerdictKind, str, WorstElement | None] | None:
    """The kind of verdict, the reason and the case if some case has no answer of the right form; otherwise None.

    What answered some calls can be run here: where it then says that something is missing, it fails.
    """
    refusing = {id(case) for case, _ in refused(calls)}
    calls = [(case, outcome) for case, outcome in calls if id(case) not in refusing]
    failed = [(case, outcome) for case, outcome in calls if outcome.status != "ok"]
    unavailable = next((outcome for _, outcome in failed if outcome.status == "unavailable"), None)
    if unavailable is not None and len(failed) == len(calls):
        return VerdictKind.NOT_RUN, str(unavailable.trouble or "it cannot be run here"), None
    if failed:
        return _without_answer(failed, calls, equation)
    faults = ((case, fault(outcome, case, equation, dtype, device, told)) for case, outcome in calls)
    malformed = [(case, reason) for case, reason in faults if reason]
    if not malformed:
        return None
    first, reason = malformed[0]
    axes, fewer = _axes([case for case, _ in malformed], [case for case, _ in calls], equation)
    summed = bool(equation.gradient_of)  # gradients of what a batch shares, where each example should have its own
    reason = _with_axes(reason, axes, fewer) if (axes > 1 or summed) and fewer else reason
    return VerdictKind.MISBEHAVES, reason, WorstElement(first)


def refused(calls: Calls) -> list[tuple[Case, Outcome]]:
    """The calls that raise on memory of a kind that may be refused."""
    return [(case, outcome) for case, outcome in calls if case.layout in MAY_BE_REFUSED and outcome.status == "raised"]


def _without_answer(
    failed: Calls, calls: Calls, equation: Equation[..., Any]
) -> tuple[VerdictKind, str, WorstElement | None]:
    """A candidate that breaks only on empty or non-contiguous inputs misbehaves; one that breaks elsewhere fails."""
    case, outcome = next((call for call in failed if not _is_empty(call[0])), failed[0])
    if len(failed) < len(calls):
        if _is_empty(case):
            return VerdictKind.MISBEHAVES, f"on empty input {describe_status(outcome)}", WorstElement(case)
        filled = [failing for failing, _ in failed if not _is_empty(failing)]
        if all(failing.layout != "contiguous" for failing in filled):
            reason = f"on {LAYOUT_WORDS[case.layout]} {describe_status(outcome)}"
            return VerdictKind.MISBEHAVES, reason, WorstElement(case)
        axes, fewer = _axes(filled, [called for called, _ in calls], equation)
        if fewer:
            return VerdictKind.FAILS, _with_axes(describe_status(outcome), axes, fewer), WorstElement(case)
        more = _with_batch(filled, [called for called, other in calls if other.status == "ok"], equation)
        if more:
            claim = f"--claim batch={','.join(map(str, more))} leaves it out"
            return VerdictKind.FAILS, f"without a batch axis {describe_status(outcome)}; {claim}", WorstElement(case)
    trouble = outcome.trouble
    adds = trouble is not None and trouble.traceback not in ("", str(trouble))
    traceback = f"\n{trouble.traceback}" if trouble is not None and adds else ""
    return VerdictKind.FAILS, describe_status(outcome) + traceback, WorstElement(case)


def _is_empty(case: Case) -> bool:
    return any(array.size == 0 for array in case.arrays.values())


def _axes(bad: Sequence[Case], cases: Sequence[Case], equation: Equation[..., Any]) -> tuple[int, list[int]]:
    """The fewest batch axes of the bad cases, and all smaller numbers of batch axes that were tried."""

    def ranks(among: Sequence[Case]) -> set[int]:
        return {len(batch_shape(equation.definition, case.arrays)) for case in among}

    fewest = min(ranks(bad))
    return fewest, sorted(rank for rank in ranks(cases) if rank < fewest)


def _with_batch(bad: Sequence[Case], right: Sequence[Case], equation: Equation[..., Any]) -> list[int]:
    """The numbers of batch axes that are answered, if all that are not are without one."""
    ranks = {len(batch_shape(equation.definition, case.arrays)) for case in right} - {0}
    bare = all(not batch_shape(equation.definition, case.arrays) for case in bad)
    return sorted(ranks) if bare else []


def _with_axes(failure: str, axes: int, fewer: Sequence[int]) -> str:
    """A sentence that holds only with so many batch axes, with the claim that leaves these out."""
    where = "a leading batch axis" if axes == 1 else f"{axes} batch axes"
    return f"with {where} {failure}; --claim batch={','.join(map(str, fewer))} leaves it out"
