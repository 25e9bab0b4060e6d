"""Calls with arrays of a framework."""

from __future__ import annotations

import importlib
import math
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from attnspec.implementation import Framework
from attnspec.language.equation import Equation
from attnspec.language.layers import gathered
from attnspec.verification.sandbox.child.adapter import adapted
from attnspec.verification.sandbox.child.arrays import Argument, Arrays, split_outputs
from attnspec.verification.sandbox.child.arrays_jax import JaxArrays
from attnspec.verification.sandbox.child.arrays_numpy import NumPyArrays
from attnspec.verification.sandbox.child.arrays_torch import TorchArrays
from attnspec.verification.sandbox.child.autodiff import Progress, differentiate
from attnspec.verification.sandbox.child.calls import Repeated, failure, repeat, unavailable
from attnspec.verification.sandbox.child.global_state import GlobalState
from attnspec.verification.sandbox.child.measuring import Measurement, measured, measured_once
from attnspec.verification.sandbox.child.pooling import extremes, spread
from attnspec.verification.sandbox.child.programs.program import Program
from attnspec.verification.sandbox.child.steps import Steps
from attnspec.verification.sandbox.child.watching import Watch
from attnspec.verification.sandbox.messages import Layout, Outcome, Output, Pass, Request
from attnspec.verification.sandbox.wire import Array

ARRAYS: dict[str, type[Arrays]] = {
    Framework.NUMPY: NumPyArrays,
    Framework.TORCH: TorchArrays,
    Framework.JAX: JaxArrays,
}

Arguments = Mapping[str, Argument]

SECOND: Mapping[Layout, Layout] = {"mixed": "sliced", "crossed": "transposed"}
"""The layout of every second argument; the others are contiguous then."""

Kept = dict[str, tuple[Argument, Any]]
"""Arguments that are kept beyond their call, with what `Arrays.changed` compares them with."""

MOST_KEPT = 1 << 22
"""Convention: so many bytes of arguments are kept, to see whether later calls change them. Those of one call alone are,
so that memory and objects are used again, which shows caches that recognise arguments by them."""

LEAST = 2.0**-1074
"""The distance of results that are equal as numbers and have other bits."""


def answer(
    request: Request, function: Callable[..., Any], arrays: Arrays, begin: Callable[[], None], kept: Kept
) -> Outcome:
    """Make the calls of a request, and look at what they returned and at what they modified.

    Args:
        kept: the arguments of the first call of this process, which are put there by it.
        begin: called when the arguments are in place.
    """
    dtype, device = request.dtype, request.device
    if reason := arrays.unavailable(device, dtype):
        return unavailable(reason)
    if request.balls and isinstance(function, Program) and function.untraced:
        return Outcome("ok", untraced=function.untraced)
    if request.balls:
        tracing: Any = importlib.import_module("attnspec.verification.sandbox.child.tracing.answer")  # needs an extra
        outcome: Outcome = tracing.answer(request, function, arrays, begin)
        return outcome
    with arrays.mode(dtype):
        first = request.arrays if request.before is None else request.before
        arguments = _placed(first, request, arrays)
        if request.pools is not None:
            arguments = spread(arguments, request.pools, arrays)
        try:
            call = adapted(function, request, arrays)
        except Exception as error:
            return failure(error)
        state, evaluations = GlobalState(), Equation.evaluations
        begin()
        results = []
        if request.before is not None:
            result, outcome = _run(replace(request, times=1), call, arrays, arguments)
            if outcome.status != "ok":
                return outcome
            results.append(arrays.apart(result, [*arguments.values()]))
            for name, values in request.arrays.items():
                arguments[name] = arrays.overwrite(arguments[name], values, dtype, device)
        watched = arguments if request.pools is None else {}  # a copy of large arrays may not fit into memory
        snapshots = {name: arrays.snapshot(argument) for name, argument in watched.items()}
        started = time.perf_counter()
        result, outcome = _run(request, call, arrays, arguments)
        elapsed = time.perf_counter() - started
        results.append(result)
        now = {name: (argument, snapshots[name]) for name, argument in watched.items()}
        changed = tuple(name for name, pair in (now | kept).items() if arrays.changed(*pair))
        if not kept and not changed and sum(values.nbytes for values in request.arrays.values()) <= MOST_KEPT:
            kept.update({f"{name} of an earlier call": pair for name, pair in now.items()})
        evaluated = Equation.evaluations > evaluations
        reads_beyond = arrays.reads_beyond(dtype, device)
        outcome = replace(
            outcome,
            changed_inputs=changed,
            global_state=state.changes(),
            evaluated=evaluated,
            reads_beyond=reads_beyond,
            seconds=outcome.seconds or elapsed,
        )
        return _with_outputs(outcome, request, arrays, results) if outcome.status == "ok" else outcome


def _placed(values: Mapping[str, Array], request: Request, arrays: Arrays) -> dict[str, Argument]:
    """Make the arguments in the layout of the request: each for itself, unless it is "shared" or one of `SECOND`."""
    made: dict[str, Argument] = {}
    for place, (name, array) in enumerate(values.items()):
        equal = (other for other in made if array.dtype == values[other].dtype and np.array_equal(array, values[other]))
        first = next(equal, None) if request.layout == "shared" else None
        layout = SECOND[request.layout] if place % 2 and request.layout in SECOND else request.layout
        made[name] = made[first] if first else arrays.place(array, request.dtype, request.device, layout)
    return made


def _run(
    request: Request, call: Callable[[Mapping[str, Any]], Any], arrays: Arrays, arguments: Arguments
) -> tuple[Any, Outcome]:
    """Call a function, or differentiate it, as often as the request says; return the last result, and how it went."""
    views = {name: argument.view for name, argument in arguments.items()}
    if request.recording == "wanted":
        views = {name: arrays.wanting(view) for name, view in views.items()}
    values = {**request.options, **views}
    values = {**gathered(values), "dtype": arrays.dtype(request.dtype)}
    progress, gradients = Progress(), request.gradients
    watch = Watch(lambda value: arrays.describe(arrays.unseen(value)).value) if request.watched else None
    steps = Steps()
    seen = request.watched == "operations"
    if watch is not None and seen:
        values = {name: arrays.seen(value, watch.operation) for name, value in values.items()}

    def call_and_wait() -> Any:
        with arrays.recording(request.recording):
            result = call(values) if gradients is None else differentiate(arrays, call, values, gradients, progress)
        arrays.wait(result, request.device)
        return result

    def kept(result: Any) -> Any:
        outputs = [_copied(each) for each in _outputs(result, progress.during, request, arrays)]
        return outputs if len(outputs) > 1 else outputs[0]

    measurement, repeated = Measurement(0.0, None), Repeated(None, calls=1, varied=0)
    try:
        if request.measured or request.pools is not None:
            result, measurement = (measured if request.measured else measured_once)(call_and_wait)
        elif request.stepped:
            with steps:
                result = call_and_wait()
        elif watch is None:
            repeated = repeat(request.times, call_and_wait, kept, _distance)
            result = repeated.result
        else:
            with watch, arrays.seeing(watch.operation) if seen else nullcontext():
                result = arrays.unseen(call_and_wait())
        recorded = tuple(watch.recorded) if watch is not None else ()
        outcome = Outcome(
            "ok",
            recorded=recorded,
            steps=tuple(sorted(steps.taken)),
            seconds=measurement.seconds,
            peak_bytes=measurement.peak_bytes,
            calls=repeated.calls,
            varied=repeated.varied,
            overwritten=repeated.overwritten,
        )
    except BaseException as error:
        result, outcome = None, failure(error)
    return result, replace(outcome, during=progress.during, detached=progress.detached)


def _with_outputs(outcome: Outcome, request: Request, arrays: Arrays, results: list[Any]) -> Outcome:
    """Add the outputs of each result."""
    outputs = [output for result in results for output in _outputs(result, outcome.during, request, arrays)]
    if request.pools is not None:
        outputs = extremes(outputs, request.pools)
    return replace(outcome, outputs=tuple(outputs))


def _outputs(result: Any, during: Pass | None, request: Request, arrays: Arrays) -> list[Output]:
    """Describe the outputs of a result; where only the forward pass was run, they are that one's."""
    expected = request.outputs
    if request.gradients is not None and during == "forward":
        expected = request.gradients.outputs
    return [_output(value, request, arrays) for value in split_outputs(result, expected)]


def _output(value: Any, request: Request, arrays: Arrays) -> Output:
    """Describe an output. A callable that receives no array may return a number."""
    if isinstance(value, Output):
        return value
    if not request.arrays and type(value) in (int, float):
        return NumPyArrays().describe(np.asarray(value))
    return arrays.describe(value)


def _copied(output: Output) -> Output:
    """The output with values that nothing can overwrite."""
    return output if output.value is None else replace(output, value=output.value.copy())


def _distance(first: Any, other: Any) -> float:
    """The largest difference of two outputs, or of two lists of them: 0 if all bits are equal, else more."""
    if isinstance(first, list) and isinstance(other, list) and len(first) == len(other):
        return max(map(_distance, first, other), default=0.0)
    if not isinstance(first, Output) or not isinstance(other, Output) or first.shape != other.shape:
        return math.inf
    if first.value is None or other.value is None:
        return 0.0 if first.value is other.value and first.kind == other.kind else math.inf
    if first.dtype != other.dtype:
        return math.inf
    if first.value.tobytes() == other.value.tobytes():
        return 0.0
    with np.errstate(all="ignore"):
        apart = np.abs(first.value.astype(np.float64) - other.value.astype(np.float64))
        apart[first.value == other.value] = 0.0
        apart[np.isnan(first.value) & np.isnan(other.value)] = 0.0
    return max(float(np.nan_to_num(apart, nan=math.inf, posinf=math.inf).max()), LEAST)
