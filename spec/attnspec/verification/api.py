"""attnspec.verify: from a target to a report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attnspec.implementation import Claim, ClaimFields
from attnspec.language.equation import Equation
from attnspec.language.procedure import Procedure
from attnspec.verification.cases.recorded_files import Inputs
from attnspec.verification.options import VerifyOptions, dtype_names
from attnspec.verification.sandbox.runner import Target
from attnspec.verification.session import OnProgress, OnVerdict, run
from attnspec.verification.verdict import Report


def verify(
    target: Callable[..., Any] | str | Target,
    equation: str | Equation[..., Any] | Procedure[..., Any] | None = None,
    *,
    framework: str | None = None,
    dtype: str | Sequence[str] | None = None,
    device: str | None = None,
    examples: int = 20,
    seed: int = 0,
    bind: Mapping[str, str] | None = None,
    policy: str | None = None,
    inputs: Inputs | Iterable[Inputs] | None = None,
    names: Mapping[str, str] | None = None,
    only_inputs: bool = False,
    backward: bool = False,
    claim: Claim | ClaimFields | None = None,
    time_limit: float = 30.0,
    memory_bytes: int | None = None,
    jobs: int = 1,
    on_verdict: OnVerdict = lambda verdict: None,
    on_progress: OnProgress = lambda stage: None,
) -> Report:
    """Judge implementations against the equations that they claim, or against a named one.

    Args:
        target: a callable; or the name of one or several: "FILE.py", "FILE.py:callable", "pkg.module" or
            "pkg.module:callable".
        equation: the equation or procedure, or its id, for a target that does not declare one with `@implements`, or
            that is to be judged as another one.
        framework: "numpy", "torch" or "jax": whose arrays the callable takes. By default, what the claim or the imports
            of the callable's module say.
        dtype: one or several of "float64", "float32", "float16" and "bfloat16". By default, what is claimed, or
            "float32". A procedure has no dtype, framework or device.
        device: "cpu", "cuda" or "cuda:N". By default, the CPU.
        examples: number of random cases, in addition to the fixed suite.
        seed: random seed; the same seed gives the same verdict.
        bind: {parameter of the callable: argument of the equation}, where the names differ.
        policy: precision policy to judge under, one of `Policy`. By default, the claim's, or inferred.
        inputs: recorded cases to add: paths of .npz or .safetensors files, or arrays by name. Names are those of the
            equation's arguments; "0/q" is the q of the first of several cases. What is left out is drawn.
        names: {argument of the equation: its name in `inputs`}, where the names differ; ".T" after a name transposes
            the matrix.
        only_inputs: judge on the recorded cases alone.
        backward: judge the gradients that automatic differentiation makes of what computes `equation`, or of what is
            claimed. By default, the gradients that are claimed with ``backward=True`` are judged.
        claim: fields that override those of the declared claim, such as ``{"batch": (0,)}``; or a whole `Claim`.
        time_limit: time limit of one call of the candidate, in seconds.
        memory_bytes: memory limit of the candidate's process, in bytes, beyond what its imports take. By default,
            8 GiB, or half of the machine's memory if that is less.
        jobs: number of worker processes.
        on_verdict: called with each `Verdict` as soon as it is there.
        on_progress: called with the name of each stage that begins.

    Returns:
        A `Report` with one verdict for each claim of each callable in each dtype, in that order.

    Raises:
        TargetError: there is no such file, module or callable; its import fails; or nothing in it claims anything.
        UnknownName: there is no such equation, dtype, framework, device or policy; or `inputs` has an array that the
            equation does not take.
        SpecError: `inputs` cannot be read or does not fit the equation; or there is no such claim.
        BindingError: the parameters of the callable do not match the equation's. If other questions of the target can
            be answered, a verdict "not run" says so instead.
        WorkerError: the candidate's process could not be started.

    Examples:
        >>> import numpy as np
        >>> import attnspec
        >>> def softmax_with_a_scale(e):
        ...     shifted = np.exp(2 * (e - e.max(axis=-1, keepdims=True)))
        ...     return shifted / shifted.sum(axis=-1, keepdims=True)
        >>> report = attnspec.verify(softmax_with_a_scale, "attention.weights")
        >>> report.verdict
        <VerdictKind.DIFFERS: 'differs'>
        >>> report.passed
        False
    """
    options = VerifyOptions(
        equation=equation.id if isinstance(equation, Equation | Procedure) else equation,
        framework=framework,
        dtypes=dtype_names(dtype),
        device=device,
        examples=examples,
        seed=seed,
        bind=bind,
        policy=policy,
        inputs=inputs,
        names=names,
        only_inputs=only_inputs,
        backward=backward,
        claim=claim,
        time_limit=time_limit,
        memory_bytes=memory_bytes,
    )
    return run(target, options, jobs=jobs, on_verdict=on_verdict, on_progress=on_progress)
