"""attnspec.verify: from a target to a report."""

from __future__ import annotations

import importlib
import inspect
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from attnspec.errors import BindingError, SpecError, TargetError, UnknownName, nearest
from attnspec.implementation import ATTRIBUTE, DTYPES, FRAMEWORKS, Claim, Implementation
from attnspec.interpreters.policy import PRESETS
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.procedure import PROCEDURES, Procedure, specified
from attnspec.verify.candidate import Question, as_answered
from attnspec.verify.cases import sizes_of
from attnspec.verify.procedural import ProceduralQuestion, ProceduralVerifier
from attnspec.verify.recorded import Inputs, listed, present, recorded
from attnspec.verify.report import THROUGH, Report, Verdict
from attnspec.verify.runner import File, Module, Pickled, Runner, Target
from attnspec.verify.targets import Found, MissingPackage
from attnspec.verify.verifier import Verifier

Tick = Callable[[str], None]

AnyQuestion = Question | ProceduralQuestion


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller wants asked; None leaves it to the claim."""

    equation: str | None = None
    framework: str | None = None
    dtypes: tuple[str, ...] | None = None
    device: str | None = None
    examples: int = 20
    seed: int = 0
    bind: Mapping[str, str] | None = None
    policy: str | None = None
    inputs: Inputs | Iterable[Inputs] | None = None
    names: Mapping[str, str] | None = None
    only_inputs: bool = False
    backward: bool = False
    claim: Mapping[str, Any] | None = None


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
    wanted = Asked(
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
    shown, aim = aimed(target)
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


@dataclass(frozen=True, slots=True)
class Refused:
    """A question that could not be asked: why, and the verdict that says so where others could be."""

    error: SpecError
    verdict: Verdict


def _answer(question: AnyQuestion | Refused, runner: Runner, tick: Tick | None) -> Verdict | Refused:
    """One verdict; what cannot be asked of one candidate does not stop the others."""
    if isinstance(question, Refused):
        return question
    tick = tick or (lambda step: None)
    try:
        if isinstance(question, ProceduralQuestion):
            return ProceduralVerifier(question, runner, tick).verdict()
        return _asked(question, runner, tick)
    except SpecError as error:
        verdict = replace(_nothing(question, "not run", _why(error)), mend=error.mend)
        return Refused(error, verdict)


def _why(error: SpecError) -> str:
    """The facts of an error, as a verdict's reason; how to mend it has a line of its own there."""
    facts = (("given   ", error.given), ("expected", error.expected))
    return "\n".join([error.headline, *(f"{label}  {fact}" for label, fact in facts if fact)])


def _asked(question: Question, runner: Runner, tick: Tick) -> Verdict:
    declared = question.claim.dtypes
    if declared is not None and question.dtype not in declared:
        reason = f"{question.dtype} is not claimed; claimed are {', '.join(declared)}"
        return _nothing(question, "not run", reason)
    if question.device.split(":")[0] not in question.claim.devices:
        reason = f"{question.device} is not claimed; claimed are {', '.join(question.claim.devices)}"
        return _nothing(question, "not run", reason)
    if question.any_dtype:
        question = as_answered(question, runner)
    return Verifier(question, runner, tick).verdict()


def _nothing(question: AnyQuestion, verdict: str, reason: str) -> Verdict:
    if isinstance(question, ProceduralQuestion):
        return question.answered(verdict, reason)
    return Verdict(
        question.equation.id,
        question.shown or question.found.name,
        question.framework,
        question.dtype,
        question.device,
        verdict,
        reason,
        seed=question.seed,
        backward_of=question.forward.id if question.forward is not None else "",
    )


def _not_run(shown: str, wanted: Asked, reason: str, seconds: float) -> Verdict:
    return Verdict(
        wanted.equation or "",
        shown,
        wanted.framework or "",
        ", ".join(wanted.dtypes or ()),
        wanted.device or "cpu",
        "not run",
        reason,
        seconds=seconds,
        seed=wanted.seed,
    )


def check(wanted: Asked) -> None:
    """Refuse an unknown equation, dtype, framework, device or policy, or inputs, before anything is started.

    Raises:
        UnknownName: with the nearest known names.
        SpecError: there are no such inputs.
    """
    catalogue()
    given = listed(wanted.inputs)
    if (wanted.only_inputs or wanted.names) and not given:
        raise SpecError("no inputs are given", expected=".npz or .safetensors", mend="--inputs FILE")
    present(given)
    if wanted.equation is not None:
        called = specified(wanted.equation)
        if isinstance(called, Procedure):
            plainly(called, wanted, Claim(backward=wanted.backward))
        elif wanted.backward:
            gradient_of(called, wanted.framework or "")
    _known("dtype", wanted.dtypes or (), DTYPES)
    _known("framework", (wanted.framework,) if wanted.framework else (), FRAMEWORKS)
    _known("device", (wanted.device.split(":")[0],) if wanted.device else (), ("cpu", "cuda"))
    _known("precision policy", (wanted.policy,) if wanted.policy else (), PRESETS)
    _known("claim", wanted.claim or (), tuple(Claim.__dataclass_fields__))


def _known(what: str, given: Iterable[str], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            raise UnknownName(f"no {what} {name!r}", given=name, expected=", ".join(known), mend=nearest(name, known))


def catalogue() -> None:
    """Load every equation and procedure of the catalogue, with its properties and variants."""
    for package in ("equations", "procedures", "properties", "variants"):
        folder = Path(__file__).parent.parent / package
        for path in sorted(folder.glob("*.py")):
            if not path.stem.startswith("_"):
                importlib.import_module(f"attnspec.{package}.{path.stem}")


def aimed(target: Callable[..., Any] | str | Target) -> tuple[str, Target]:
    """What a caller means by a target, and how it is shown.

    Raises:
        TargetError: it is neither a callable nor the name of one.
    """
    if isinstance(target, File | Module | Pickled):
        return str(target), target
    if isinstance(target, str):
        place, _, name = target.partition(":") if target[1:3] != ":\\" else (target, "", "")
        if place.endswith(".py") or "/" in place:
            return target, File(place, name or None)
        return target, Module(place, name or None)
    if callable(target):
        return getattr(target, "__qualname__", type(target).__qualname__), Pickled.of(target)
    raise TargetError(
        "nothing to verify",
        given=f"{type(target).__name__}",
        expected="a callable, or FILE.py[:callable]",
        mend="pass the function itself",
    )


def questions(found: Sequence[Found], shown: str, wanted: Asked) -> Iterator[AnyQuestion | Refused]:
    """Every question that a target raises: each claim of each callable, in each dtype; or why it cannot be asked.

    Raises:
        TargetError: nothing in it is claimed, and no equation is named.
        SpecError: recorded inputs cannot be read.
    """
    pairs, inputs = list(_claims(found, wanted)), recorded(listed(wanted.inputs))
    if not pairs:
        raise _unclaimed(found, shown, wanted)
    alone = len(found) == 1
    for each, declared in pairs:
        name = shown if alone and shown.endswith(each.name) else _target(shown, each.name)
        framework = wanted.framework or declared.framework or each.framework or "numpy"
        dtypes = wanted.dtypes or declared.claim.dtypes or ("",)
        backward = declared.claim.backward
        try:
            called = specified(declared.equation)
            if isinstance(called, Procedure):
                plainly(called, wanted, declared.claim)
                binding = tuple((wanted.bind or declared.bind).items())
                yield ProceduralQuestion(each, called, wanted.examples, wanted.seed, binding, name)
                continue
            equation = gradient_of(called, framework) if backward else called
            sized_by(equation, declared.claim)
        except SpecError as error:
            unknown = replace(wanted, equation=declared.equation, framework=framework, dtypes=dtypes)
            yield Refused(error, replace(_not_run(name, unknown, _why(error), 0.0), mend=error.mend))
            continue
        for dtype in dtypes:
            yield Question(
                each,
                equation,
                declared.claim,
                framework,
                dtype or "float32",
                wanted.device or "cpu",
                wanted.examples,
                wanted.seed,
                tuple((wanted.bind or declared.bind).items()),
                wanted.policy,
                name,
                not dtype,
                inputs,
                tuple((wanted.names or {}).items()),
                wanted.only_inputs,
                called if backward else None,
            )


def plainly(procedure: Procedure[..., Any], wanted: Asked, claim: Claim) -> None:
    """Refuse what can be asked or claimed of equations alone.

    Raises:
        SpecError: there is a claim about arrays or gradients, or recorded arrays are given.
    """
    plain = Claim()
    odd = [name for name in Claim.__dataclass_fields__ if getattr(claim, name) != getattr(plain, name)]
    if odd:
        raise SpecError(f"{procedure.id} is a procedure, and {odd[0]} says nothing of it", mend=f"leave out {odd[0]}")
    if listed(wanted.inputs):
        raise SpecError(f"{procedure.id} is a procedure, and takes no recorded arrays", mend="ask without inputs")


def sized_by(equation: Equation[..., Any], claim: Claim) -> None:
    """Refuse a smallest size of what an equation has no axis of.

    Raises:
        UnknownName: there is one.
    """
    known = ("batch", *sizes_of(equation.definition))
    for name in claim.smallest:
        if name not in known:
            raise UnknownName(
                f"{equation.id} has no size {name}",
                given=f"smallest.{name}={claim.smallest[name]}",
                expected=", ".join(known),
                mend=nearest(name, known),
            )


def gradient_of(equation: Equation[..., Any], framework: str = "") -> Equation[..., Any]:
    """The equation of the gradients that automatic differentiation must give of a candidate.

    Raises:
        UnknownName: there is none.
        SpecError: the framework has no automatic differentiation.
    """
    found = REGISTRY.gradient(equation.id)
    if found is None:
        known = [each.gradient_of for each in REGISTRY.values() if each.gradient_of]
        mend = nearest(equation.id, known)
        if equation.gradient_of:
            mend = f"{equation.id} is a backward pass itself; what computes it is judged without backward"
        raise UnknownName(
            f"no equation of the gradients of {equation.id}", given=equation.id, expected=", ".join(known), mend=mend
        )
    if framework and framework not in THROUGH:
        raise SpecError(
            f"{framework} has no automatic differentiation",
            given=f"framework {framework}",
            expected=" or ".join(THROUGH),
            mend=f"judge a backward pass of your own as {found.id}",
        )
    return found


def _claims(found: Sequence[Found], wanted: Asked) -> Iterator[tuple[Found, Implementation]]:
    """Which callables are asked about which equations."""
    for each in found:
        declared = [item for item in each.implementations if wanted.equation in (None, *_answers(item))]
        if wanted.backward:  # those that are claimed; where none is, of all that is
            claimed = [item for item in declared if item.claim.backward]
            declared = claimed or [replace(item, claim=replace(item.claim, backward=True)) for item in declared]
        if declared:
            for item in declared:
                yield each, replace(item, claim=_as_said(item.claim, wanted.claim))
        elif wanted.equation is not None and _meant(each, found, wanted.equation):
            claim = each.implementations[0].claim if each.implementations else Claim()
            framework = each.implementations[0].framework if each.implementations else None
            claim = _as_said(replace(claim, backward=wanted.backward), wanted.claim)
            yield each, Implementation(wanted.equation, framework, claim)


def _as_said(claim: Claim, said: Mapping[str, Any] | None) -> Claim:
    """A claim with what the caller says of it in place of what is declared."""
    smallest = {**claim.smallest, **(said or {}).get("smallest", {})}
    return replace(claim, **{**(said or {}), "smallest": smallest})


def _answers(item: Implementation) -> tuple[str, ...]:
    """The equations that a claim is about: of gradients, theirs and that of what they are of."""
    found = REGISTRY.gradient(item.equation) if item.claim.backward else None
    return (item.equation,) if found is None else (item.equation, found.id)


def _meant(each: Found, found: Sequence[Found], equation: str) -> bool:
    """Whether a callable that claims nothing, or something else, is the one that an equation is asked of."""
    if any(item.equation == equation for other in found for item in other.implementations):
        return False
    if len(found) == 1:
        return True
    named = [other.name for other in found if other.name == equation.split(".")[-1]]
    return each.name in named


def _target(shown: str, name: str) -> str:
    """A callable of a target, as it can be asked for by itself: a package's submodule goes before the colon."""
    module, _, callable_ = name.rpartition(".")
    return f"{shown}:{name}" if shown.endswith(".py") or not module else f"{shown}.{module}:{callable_}"


def _unclaimed(found: Sequence[Found], shown: str, wanted: Asked) -> TargetError:
    names = [each.name for each in found]
    if wanted.equation is None:
        return TargetError(
            f"nothing in {shown} says what it implements",
            given=", ".join(names) or "no public function",
            expected="a function with @attnspec.implements, or the equation's id",
            mend=f"--as ID; {_guess(names)}".rstrip("; "),
        )
    return TargetError(
        f"which function of {shown} is {wanted.equation}?",
        given=", ".join(names) or "no public function",
        expected=f"one function, or one named {wanted.equation.split('.')[-1]}",
        mend=f"{shown}:NAME",
    )


def _guess(names: Sequence[str]) -> str:
    ids = [id for id in (*REGISTRY, *PROCEDURES) for name in names if id.split(".")[-1] == name]
    return f"perhaps --as {' or '.join(dict.fromkeys(ids))}" if ids else ""


def _dtypes(dtype: str | Sequence[str] | None) -> tuple[str, ...] | None:
    if dtype is None:
        return None
    names = (dtype,) if isinstance(dtype, str) else tuple(dtype)
    return tuple(dict.fromkeys(name.removeprefix("torch.").removeprefix("numpy.") for name in names)) or None


__all__ = ["ATTRIBUTE", "Asked", "BindingError", "SpecError", "inspect", "replace", "verify"]
