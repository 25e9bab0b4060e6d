"""`attnspec.verify`: judge implementations against equations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attnspec.errors import SpecError
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
    dtype: object = None,
    device: object = None,
    examples: int = 20,
    seed: int = 0,
    bind: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    axes: str | None = None,
    returns: int | str | Sequence[int | str] | None = None,
    same: Mapping[str, str] | None = None,
    weights: Mapping[str, str] | None = None,
    policy: str | None = None,
    inputs: Inputs | Iterable[Inputs] | None = None,
    names: Mapping[str, str] | None = None,
    only_inputs: bool = False,
    backward: bool = False,
    claim: Claim | ClaimFields | None = None,
    time_limit: float = 30.0,
    memory_bytes: int | None = None,
    equations: str | Iterable[str] = (),
    case: int | None = None,
    show_output: bool = False,
    trace: bool = True,
    function: bool = True,
    sources: str | Iterable[str] = (),
    sizes: Mapping[str, int | str] | None = None,
    jobs: int = 1,
    on_verdict: Callable[[Verdict], None] | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Report:
    """Judge implementations against the equations that they claim, or against a given one.

    The candidate runs in a process of its own. No tolerance is given: what rounding may change is computed from the
    equation, for each element.

    Args:
        target: a callable; or the name of one or several: "FILE.py", "FILE.py:callable", "pkg.module" or
            "pkg.module:callable"; or an exported file: "MODEL.onnx", "MODEL.onnx:PART", "MODEL.pt2",
            "MODEL.jax" or "MODEL.mlir"; or a function of a shared library, "LIB.so:NAME"; or a program that answers
            calls, "command:./kernel --flag".
        equation: the equation or procedure, or its id, for a target that does not declare one with `implements`, or
            that is to be judged as another one.
        framework: "numpy", "torch" or "jax": whose arrays the callable takes. By default, the framework of the claim,
            or the one that the callable comes from or its module imports, else the first in which it runs.
        dtype: one or several of "float64", "float32", "float16" and "bfloat16", as names or as dtypes of NumPy, PyTorch
            or JAX. By default, the dtypes of the claim, or "float32". A procedure has no dtype, framework or device.
        device: "cpu", "cuda" or "cuda:N", or such a device of PyTorch. By default, the CPU.
        examples: number of random cases, in addition to the fixed suite.
        seed: random seed; the same seed gives the same verdict.
        bind: {parameter of the callable: argument of the equation}, where the names differ.
        settings: {name: value} of parameters of the callable that the equation does not have, such as
            ``{"is_causal": True}``; or of options and sizes of the equation that are built in, such as
            ``{"eps": 1e-5}``. A text is an expression in the sizes and options of the equation, such as ``"(c,)"``.
        axes: a letter for each axis of the callable's arrays, such as "BNHD": B and H are batch axes, the other letters
            the axes of an example in the order of the equation. By default, batch axes come first.
        returns: where the results are in what the callable returns: a position, key or attribute, or several; "1.0" is
            the first item of the second. By default, it returns just the results.
        same: {argument of the equation that the callable does not take: argument that it reads in its place}, such as
            ``{"x_kv": "x_q"}`` for self-attention; or {size: size that it must be equal to}.
        weights: {argument of the equation: where the callable keeps it}, for packed arguments and for the weights of a
            module of PyTorch: ``{"W_q": "in_proj_weight[0:c].T"}``; a sum, "bias_ih + bias_hh", is kept in two arrays.
            By default, the layouts of PyTorch's own modules are known, and weights of the equation's own names.
        policy: precision policy to judge under, one of `PrecisionPolicy`. By default, the claim's, or inferred.
        inputs: recorded cases to add: paths of .npz or .safetensors files, or arrays by name. Names are those of the
            equation's arguments; "0/q" is the q of the first of several cases. Arguments that are left out are drawn.
        names: {argument of the equation: its name in `inputs`}, where the names differ; ".T" after a name transposes
            the matrix.
        only_inputs: judge on the recorded cases alone.
        backward: judge the gradients that automatic differentiation makes of the callable. By default, they are judged
            if they are claimed with ``backward=True``.
        claim: fields that override those of the declared claim, such as ``{"batch": (0,)}``; or a whole `Claim`.
        time_limit: time limit of one call of the candidate, in seconds. A size that a call is too slow for, as
            smaller ones have shown, is not asked, and the verdict says so; a call that hangs fails.
        memory_bytes: memory limit of the candidate's process, in bytes, in addition to what its imports take. By
            default, 8 GiB, or half of the machine's memory if that is less.
        equations: files and modules that define equations, properties and mistakes: "FILE.py" or "pkg.module". They are
            imported into this process. Without them, a target whose claims are all of equations that are not known is
            imported for the equations that it defines.
        case: judge on one drawn case, the one with this seed, which a verdict names. By default, on all cases.
        show_output: show what the candidate prints, on the standard error.
        trace: watch the lines of a candidate that gives wrong values and makes no known mistake, in further calls, and
            describe where it departs from the equation.
        function: also examine which function the candidate computes, without rounding, where it can be traced. This
            needs the extra ``attnspec[exact]``.
        sources: source files that belong to the candidate, such as a kernel in CUDA, C, Rust or Triton that it calls.
            They are not run. Sizes and options are drawn at the numbers in them, as at those of its own Python code.
        sizes: {named size, or "batch": its value}, such as ``{"n": 131072, "m": 131072, "d": 128}``: also make one call
            at these sizes, and judge every row of it. Other sizes are 64. A batch of several axes is "8x16".
        jobs: number of worker processes.
        on_verdict: called with each `Verdict` as soon as it is known.
        on_progress: called with the name of each stage that begins.

    Returns:
        A `Report` with one verdict for each claim of each callable in each dtype, in that order.

    Raises:
        TargetError: there is no such file, module or callable; its import fails; or nothing in it claims anything.
        UnknownName: there is no such equation, dtype, framework, device or policy; or `inputs` has an array that the
            equation does not take.
        SpecError: `inputs` cannot be read or does not fit the equation; a claim has no such field or value; or an
            option is of another type.
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
        device=None if device is None else str(device),
        examples=examples,
        seed=seed,
        bind=bind,
        settings=settings,
        axes=axes,
        returns=returns,
        same=same,
        weights=weights,
        policy=policy,
        inputs=inputs,
        names=names,
        only_inputs=only_inputs,
        backward=backward,
        claim=claim,
        time_limit=time_limit,
        memory_bytes=memory_bytes,
        equations=_several(equations),
        case=case,
        show_output=show_output,
        trace=trace,
        function=function,
        sources=_several(sources),
        sizes=sizes,
    )
    if not isinstance(jobs, int) or jobs < 1:
        raise SpecError("jobs is a number of processes", given=f"jobs={jobs!r}", expected="a whole number from 1")
    return run(target, options, jobs=jobs, on_verdict=on_verdict or _ignore, on_progress=on_progress or _ignore)


def _several(names: str | Iterable[str]) -> tuple[str, ...]:
    """One or several names as a tuple."""
    return (names,) if isinstance(names, str) else tuple(names)


def _ignore(event: object) -> None:
    """The default callback."""
