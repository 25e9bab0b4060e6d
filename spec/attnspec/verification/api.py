"""attnspec.verify: from a target to a report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attnspec.language.equation import Equation
from attnspec.language.procedure import Procedure
from attnspec.verification.cases.recorded_files import Inputs
from attnspec.verification.options import VerifyOptions, _dtypes, check
from attnspec.verification.questions import questions
from attnspec.verification.sandbox.runner import Runner, Target
from attnspec.verification.sandbox.targets import MissingPackage
from attnspec.verification.session import Refused, _answer, _not_run
from attnspec.verification.targeting import parse_target
from attnspec.verification.verdict import Report, Verdict

Tick = Callable[[str], None]


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
    claim: Mapping[str, Any] | None = None,
    time_limit: float = 30.0,
    memory_bytes: int | None = None,
    on_verdict: Callable[[Verdict], None] | None = None,
    tick: Tick | None = None,
) -> Report:
    """Judge implementations against the equations that they claim, or against a named one.

    Args:
        target: a callable; or "FILE.py", "FILE.py:callable", "pkg.module", "pkg.module:callable".
        equation: the equation or procedure, or its id, where the target does not declare it by `@implements`, or
            another is asked.
        framework: "numpy", "torch" or "jax": whose arrays the callable takes; else told from the claim or its imports.
        dtype: one or several of float64, float32, float16, bfloat16; else what is claimed, or float32. A procedure has
            none, and neither a framework nor a device.
        device: "cpu" or "cuda"; else the CPU.
        examples: cases drawn beyond those that are always there.
        seed: of everything that is drawn; the same seed gives the same verdict.
        bind: {callable's parameter: equation's name}, where they differ.
        policy: the precision policy to judge under, else the claim's, else inferred.
        inputs: recorded cases to ask besides: .npz or .safetensors files, or arrays by name. Names are the equation's;
            "0/q" is the q of the first case of several; what is left out is drawn.
        names: {the equation's name: the name in `inputs`}, where they differ; ".T" after a name turns a matrix round.
        only_inputs: ask nothing but these.
        backward: judge the gradients that automatic differentiation makes of what computes `equation`, or of what is
            claimed; without it, those that are claimed by backward=True.
        time_limit: seconds for one call of the candidate.
        memory_bytes: what the candidate may hold.
        on_verdict: called with each verdict as it falls.
        tick: called with a word as the work goes on.

    Raises:
        TargetError: no such file, module or callable; its import fails; or nothing in it claims anything.
        UnknownName: no such equation, dtype, framework, device or policy; or an array that the equation does not take.
        SpecError: recorded inputs that cannot be read, or do not fit the equation; or there is no such claim.
        BindingError: its parameters do not match the equation's. Where other questions could be asked all the same,
            a verdict "not run" says it instead.
    """
    wanted = VerifyOptions(
        equation.id if isinstance(equation, Equation | Procedure) else equation,
        framework,
        _dtypes(dtype),
        device,
        examples,
        seed,
        bind,
        policy,
        inputs,
        names,
        only_inputs,
        backward,
        claim,
    )
    check(wanted)
    shown, aim = parse_target(target)
    verdicts: list[Verdict] = []
    refused: list[Refused] = []
    with Runner(time_limit=time_limit, memory_bytes=memory_bytes) as runner:
        started = time.monotonic()
        try:
            found = runner.load(aim)
        except MissingPackage as error:
            reason = f"the package {error.missing} is not installed"
            verdict = _not_run(shown, wanted, reason, time.monotonic() - started)
            return _reported([verdict], on_verdict)
        asked = questions(found, shown, wanted) if found or not runner.failures else ()
        for question in asked:
            answer = _answer(question, runner, tick)
            if isinstance(answer, Refused):
                refused.append(answer)
                continue
            verdicts.append(answer)
            if on_verdict is not None:
                on_verdict(answer)
        if not (verdicts or runner.failures) and len({str(each.error) for each in refused}) == 1:
            raise refused[0].error
        notes = tuple(f"not imported: {failure.headline}" for failure in runner.failures)
        notes += tuple(f"not asked: {each.error.headline}" for each in refused)
        missing = [_not_run(shown, wanted, f"{failure.headline}: {failure.given}", 0.0) for failure in runner.failures]
    last = [*(each.verdict for each in refused), *missing]
    return _reported([*verdicts, *last], on_verdict, already=len(verdicts), notes=notes)


def _reported(
    verdicts: list[Verdict], on_verdict: Callable[[Verdict], None] | None, already: int = 0, notes: tuple[str, ...] = ()
) -> Report:
    for verdict in verdicts[already:]:
        if on_verdict is not None:
            on_verdict(verdict)
    return Report(tuple(verdicts), notes)
