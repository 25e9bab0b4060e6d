"""`attnspec.verify`: judge implementations against equations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attnspec.implementation import Claim, ClaimFields
from attnspec.language.equation import Equation
from attnspec.language.procedure import Procedure
from attnspec.verification.cases.recordings import Inputs
from attnspec.verification.options import VerifyOptions, dtype_names
from attnspec.verification.session import run
from attnspec.verification.verdict import Report, Verdict


def verify(
    target: Callable[..., Any] | str,
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
    case: int | None = None,
    show_output: bool = False,
    jobs: int = 1,
    on_verdict: Callable[[Verdict], None] | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Report:
    """Judge implementations against the equations that they claim, or against a given one.

    The candidate runs in a process of its own. No tolerance is given: what rounding may change is computed from the
    equation, for each element.

    Args:
        target: a callable; or the name of one or several: "FILE.py", "FILE.py:callable", "pkg.module" or
            "pkg.module:callable".
        equation: the equation or procedure, or its id, for a target that does not declare one with `implements`, or
            that is to be judged as another one.
        framework: "numpy", "torch" or "jax": whose arrays the callable takes. By default, the framework of the claim,
            or the one that the callable's module imports.
        dtype: one or several of "float64", "float32", "float16" and "bfloat16". By default, the dtypes of the claim,
            or "float32". A procedure has no dtype, framework or device.
        device: "cpu", "cuda" or "cuda:N". By default, the CPU.
        examples: number of random cases, in addition to the fixed suite.
        seed: random seed; the same seed gives the same verdict.
        bind: {parameter of the callable: argument of the equation}, where the names differ.
        policy: precision policy to judge under, one of `PrecisionPolicy`. By default, the claim's, or inferred.
        inputs: recorded cases to add: paths of .npz or .safetensors files, or arrays by name. Names are those of the
            equation's arguments; "0/q" is the q of the first of several cases. Arguments that are left out are drawn.
        names: {argument of the equation: its name in `inputs`}, where the names differ; ".T" after a name transposes
            the matrix.
        only_inputs: judge on the recorded cases alone.
        backward: judge the gradients that automatic differentiation makes of the callable. By default, they are judged
            if they are claimed with ``backward=True``.
        claim: fields that override those of the declared claim, such as ``{"batch": (0,)}``; or a whole `Claim`.
        time_limit: time limit of one call of the candidate, in seconds.
        memory_bytes: memory limit of the candidate's process, in bytes, in addition to what its imports take. By
            default, 8 GiB, or half of the machine's memory if that is less.
        case: judge on one drawn case, the one with this seed, which a verdict names. By default, on all cases.
        show_output: show what the candidate prints, on the standard error.
        jobs: number of worker processes.
        on_verdict: called with each `Verdict` as soon as it is known.
        on_progress: called with the name of each stage that begins.

    Returns:
        A `Report` with one verdict for each claim of each callable in each dtype, in that order.

    Raises:
        TargetError: there is no such file, module or callable; its import fails; or nothing in it claims anything.
        UnknownName: there is no such equation, dtype, framework, device or policy; or `inputs` has an array that the
            equation does not take.
        SpecError: `inputs` cannot be read or does not fit the equation; or a claim has no such field or value.
        BindingError: the parameters of the callable do not match the equation's. If other claims of the target can be
            judged, a verdict "not run" says so instead.
        WorkerError: the candidate's process could not be started.

    Examples:
        >>> import numpy as np
        >>> import attnspec
        >>> def scores(q, k):
        ...     return q @ np.swapaxes(k, -1, -2)
        >>> report = attnspec.verify(scores, "scores.scaled_dot")
        >>> report.verdict
        <VerdictKind.DIFFERS: 'differs'>
        >>> report.diagnosis[0].says
        'in e: the division by √d is missing'
        >>> attnspec.verify(scores, "scores.dot").passed
        True
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
        case=case,
        show_output=show_output,
    )
    return run(target, options, jobs=jobs, on_verdict=on_verdict or _ignore, on_progress=on_progress or _ignore)


def _ignore(event: object) -> None:
    """The default callback."""
