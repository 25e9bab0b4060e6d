"""The questions that a target raises: its claims, each in each dtype."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from attnspec.errors import SpecError, TargetError, UnknownName, nearest
from attnspec.implementation import Claim, Implementation
from attnspec.language.equation import REGISTRY, Equation, derived_id
from attnspec.language.layers import sizes_of
from attnspec.language.procedure import PROCEDURES, Procedure, specified
from attnspec.language.registry import family_of, name_in_family
from attnspec.verification.adapting import adaptation
from attnspec.verification.candidate.adaptation import Adaptation, batch_axes
from attnspec.verification.candidate.question import Question, Refused, reason_of
from attnspec.verification.cases.corpus import cases_of
from attnspec.verification.cases.recordings import Recording, as_tuple, recordings
from attnspec.verification.cases.restricted import restricted
from attnspec.verification.cases.source_numbers import numbers_of_file
from attnspec.verification.judge.forms import named
from attnspec.verification.options import (
    VerifyOptions,
    gradient_of,
    known_or_refused,
    refuse_for_procedures,
    sizes_of_call,
)
from attnspec.verification.procedures.question import ProceduralQuestion
from attnspec.verification.programs import own_weights
from attnspec.verification.sandbox.targets import PROGRAMS, CallableInfo
from attnspec.verification.verdict import Verdict, VerdictKind

AnyQuestion = Question | ProceduralQuestion


def questions(found: Sequence[CallableInfo], shown: str, wanted: VerifyOptions) -> Iterator[AnyQuestion | Refused]:
    """Every question that a target raises, or the reason why it cannot be answered.

    Raises:
        TargetError: nothing in it is claimed, and no equation is named.
        SpecError: recorded inputs cannot be read.
    """
    pairs, inputs = list(_claims(found, wanted)), recordings(as_tuple(wanted.inputs))
    if not pairs:
        raise _unclaimed(found, shown, wanted)
    sources, alone = tuple((path, numbers_of_file(path)) for path in wanted.sources), len(found) == 1
    for each, declared in pairs:
        adapted = wanted.adapted_as(declared)
        name = shown if alone and shown.endswith(each.name) else _target(shown, each.name)
        framework = wanted.framework or declared.framework or each.framework or "numpy"
        dtypes = wanted.dtypes or declared.claim.dtypes or ("",)
        backward = declared.claim.backward
        try:
            called = _specified(declared.equation, shown)
            if isinstance(called, Procedure):
                refuse_for_procedures(called, adapted, declared.claim)
                binding = tuple((adapted.bind or {}).items())
                yield ProceduralQuestion(each, called, wanted.examples, wanted.seed, binding, name, wanted.minutes)
                continue
            how = adaptation(adapted, each, called)
            refuse_same_of_gradients(how, called, backward)
            equation = gradient_of(called, framework) if backward else called
            refuse_unknown_sizes(equation, declared.claim)
            restrictions = dict(how.fixed), dict(how.same), declared.claim.multiple
            equation = restricted(equation, *restrictions)
            called = restricted(called, *restrictions) if backward else equation
            refuse_unknown_forms(equation, declared.claim)
            refuse_unknown_splits(each, declared.claim)
        except SpecError as error:
            unknown = replace(wanted, equation=declared.equation, framework=framework, dtypes=dtypes)
            yield Refused(error, replace(not_run(name, unknown, reason_of(error), 0.0), mend=error.mend))
            continue
        kept = cases_of(wanted.corpus, called.id, backward, _arguments(equation))
        for dtype in dtypes:
            yield Question(
                each,
                equation,
                _with_sizes(_with_batch(declared.claim, wanted, how), each, equation, how),
                framework,
                dtype or "float32",
                wanted.device or "cpu",
                wanted.examples,
                wanted.seed,
                tuple({**dict(how.bind), **(adapted.bind or {})}.items()),
                wanted.policy,
                name,
                not dtype,
                (*inputs, *kept, *_own_weights(each, equation, how, name, wanted)),
                tuple((wanted.names or {}).items()),
                wanted.only_inputs,
                called if backward else None,
                not (wanted.framework or declared.framework or each.framework),
                how,
                wanted.case,
                wanted.trace,
                wanted.function,
                sources,
                wanted.minutes,
                sizes_of_call(wanted.sizes),
            )


def _specified(id: str, shown: str) -> Equation[..., Any] | Procedure[..., Any]:
    """The equation or procedure with an id.

    Raises:
        UnknownName: there is none. If the id says that the target itself defines it, the error says how it is read.
    """
    try:
        return specified(id)
    except UnknownName as error:
        place = shown.partition(":")[0]
        if family_of(id) not in (place, Path(place).stem):
            raise
        mend = f"if it is defined there: --equations {place}"
        raise UnknownName(error.headline, given=error.given, expected=error.expected, mend=mend) from None


def _arguments(equation: Equation[..., Any]) -> list[str]:
    """The names of the arrays and options that a case of an equation has."""
    definition = equation.definition
    return [*(each.name for each in definition.parameters), *(each.name for each in definition.options)]


def refuse_same_of_gradients(how: Adaptation, called: Equation[..., Any], backward: bool) -> None:
    """Refuse to judge gradients of an equation of which two arguments are one array.

    Raises:
        SpecError: they are asked for.
    """
    if how.same and backward:
        given = " ".join(f"--same {dropped}={kept}" for dropped, kept in how.same)
        mend = "leave out --backward, or wrap the callable in one that takes both arguments"
        raise SpecError(f"no equation of the gradients of {called.id} with one array twice", given=given, mend=mend)


def _with_batch(claim: Claim, wanted: VerifyOptions, how: Adaptation) -> Claim:
    """The claim with the batch axes that the candidate's order of axes has, unless the caller claims others."""
    named = isinstance(wanted.claim, Claim) or (wanted.claim is not None and "batch" in wanted.claim)
    if named or not (how.axes or how.batch is not None):
        return claim
    return replace(claim, batch=(batch_axes(how.axes) if how.axes else how.batch or 0,))


def _with_sizes(claim: Claim, each: CallableInfo, equation: Equation[..., Any], how: Adaptation) -> Claim:
    """The claim of a program, which covers no empty inputs, unless the caller claims them: few evaluators take any."""
    if each.program is None:
        return claim
    open_sizes = [name for name in sizes_of(equation.definition) if name not in dict(how.fixed)]
    return replace(claim, smallest={**dict.fromkeys(("batch", *open_sizes), 1), **claim.smallest})


def _own_weights(
    each: CallableInfo, equation: Equation[..., Any], how: Adaptation, shown: str, wanted: VerifyOptions
) -> Sequence[Recording]:
    """A recorded case with the weights that a program's file holds, unless only other cases are asked."""
    if wanted.only_inputs or wanted.case is not None or wanted.backward:
        return ()
    found = own_weights(each, equation.definition, dict(how.places), dict(how.fixed), shown)
    return () if found is None else (found,)


def refuse_unknown_sizes(equation: Equation[..., Any], claim: Claim) -> None:
    """Refuse a claim on a size that the equation does not have.

    Raises:
        UnknownName: there is such a size.
    """
    sizes = (*sizes_of(equation.definition),)
    claims = [("smallest", name, size, ("batch", *sizes)) for name, size in claim.smallest.items()]
    claims += [("multiple", name, size, sizes) for name, size in claim.multiple.items()]
    for claimed, name, size, known in claims:
        if name not in known:
            raise UnknownName(
                f"{equation.id} has no size {name}",
                given=f"{claimed}.{name}={size}",
                expected=", ".join(known),
                mend=nearest(name, known),
            )


def refuse_unknown_forms(equation: Equation[..., Any], claim: Claim) -> None:
    """Refuse a claim on a form that the equation does not have.

    Raises:
        UnknownName: there is such a form.
    """
    known_or_refused(f"form of {equation.id}", claim.forms, tuple(named(equation)) if claim.forms else ())


def refuse_unknown_splits(called: CallableInfo, claim: Claim) -> None:
    """Refuse a claim on splits by a parameter that the callable does not have.

    Raises:
        UnknownName: with the nearest of its parameters.
    """
    parameters = [each.name for each in called.parameters]
    known_or_refused(f"parameter of {called.name}", claim.splits, parameters)


def _claims(found: Sequence[CallableInfo], wanted: VerifyOptions) -> Iterator[tuple[CallableInfo, Implementation]]:
    """Pairs of a callable and what it is to be judged as."""
    for each in found:
        declared = [item for item in each.implementations if wanted.equation in (None, *_answers(item))]
        if wanted.backward:  # those that are claimed; where none is, of all that is
            claimed = [item for item in declared if item.claim.backward]
            declared = claimed or [replace(item, claim=replace(item.claim, backward=True)) for item in declared]
        if declared:
            for item in declared:
                yield each, replace(item, claim=wanted.claimed(item.claim))
        elif wanted.equation is not None and _meant(each, found, wanted.equation):
            claim = each.implementations[0].claim if each.implementations else _unclaimed_by(each)
            framework = each.implementations[0].framework if each.implementations else None
            claim = wanted.claimed(replace(claim, backward=wanted.backward))
            yield each, Implementation(wanted.equation, framework, claim)


def _unclaimed_by(each: CallableInfo) -> Claim:
    """The claim of a callable that declares none: a program has one dtype, and runs on the CPU."""
    return Claim() if each.program is None else Claim(dtypes=(each.program.dtype,), devices=("cpu",))


def _answers(item: Implementation) -> tuple[str, ...]:
    """The ids that a claim answers to: its equation's, and for gradients that of their equation too."""
    if not item.claim.backward:
        return (item.equation,)
    found = REGISTRY.gradient(item.equation)
    return (item.equation, found.id if found is not None else derived_id(item.equation))


def _meant(each: CallableInfo, found: Sequence[CallableInfo], equation: str) -> bool:
    """Whether a callable is the one to judge although it does not claim this equation."""
    if any(item.equation == equation for other in found for item in other.implementations):
        return False
    if len(found) == 1 or each.program is not None:
        return True
    named = [other.name for other in found if other.name == name_in_family(equation)]
    return each.name in named


def _target(shown: str, name: str) -> str:
    """The target of one callable: a submodule of a package stands before the colon."""
    module, _, callable_ = name.rpartition(".")
    is_file = shown.endswith((".py", *PROGRAMS)) or ".." in shown.rpartition(":")[2]
    return f"{shown}:{name}" if is_file or not module else f"{shown}.{module}:{callable_}"


def _unclaimed(found: Sequence[CallableInfo], shown: str, wanted: VerifyOptions) -> TargetError:
    names = [each.name for each in found]
    if wanted.equation is None:
        return TargetError(
            f"nothing in {shown} says what it implements",
            given=", ".join(names) or "no public function",
            expected="a function with @attnspec.implements, or the equation's id",
            mend='--as ID, or equation = "ID" in a gate; ' + (_guess(names) or "`attnspec list` shows the ids"),
        )
    return TargetError(
        f"which function of {shown} is {wanted.equation}?",
        given=", ".join(names) or "no public function",
        expected=f"one function, or one named {wanted.equation.split('.')[-1]}",
        mend=f"{shown}:{_likeliest(names, wanted.equation)}" if names else f"{shown}:NAME",
    )


def _likeliest(names: Sequence[str], equation: str) -> str:
    """The name that is most like that of an equation, else the first."""
    return next(iter(get_close_matches(name_in_family(equation), names, 1, 0.3)), names[0])


def _guess(names: Sequence[str]) -> str:
    ids = [id for id in (*REGISTRY, *PROCEDURES) for name in names if name_in_family(id) == name]
    return f"perhaps --as {' or '.join(dict.fromkeys(ids))}" if ids else ""


def not_run(shown: str, options: VerifyOptions, reason: str, seconds: float = 0.0) -> Verdict:
    """The verdict on a target that could not be imported, or on a claim of an unknown equation."""
    return Verdict(
        equation=options.equation or "",
        implementation=shown,
        framework=options.framework or "",
        dtype=", ".join(options.dtypes or ()),
        device=options.device or "cpu",
        verdict=VerdictKind.NOT_RUN,
        reason=reason,
        seconds=seconds,
        seed=options.seed,
    )
