"""The options of `attnspec.verify`, and their validation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

from attnspec.errors import SpecError, UnknownName, nearest
from attnspec.implementation import AUTODIFF, DTYPES, FRAMEWORKS, Claim, ClaimFields, Implementation
from attnspec.interpreters.rounding.policy import PRESETS
from attnspec.language.equation import REGISTRY, Equation
from attnspec.language.procedure import Procedure, specified
from attnspec.verification.cases.corpus import check_corpus
from attnspec.verification.cases.recordings import Inputs, as_tuple, check_inputs
from attnspec.verification.cases.source_numbers import numbers_of_file

SEEDS = 2**48
"""How many seeds there are. The numbers that are made of them fit into 64 bits."""


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """What a caller asks for, as the function, the command line and worker processes share it.

    Attributes:
        equation: the id of the equation or procedure; None: what the target declares.
        framework: "numpy", "torch" or "jax"; None: what the claim or the imports of the target say.
        dtypes: storage dtypes; None: those that are claimed, else float32.
        device: "cpu", "cuda" or "cuda:N"; None: the CPU.
        examples: how many random cases are drawn in addition to the fixed suite.
        seed: the random seed.
        bind: {parameter of the callable: argument of the equation}.
        settings: {parameter of the callable, or option or size of the equation: its value}.
        axes: a letter for each axis of the callable's arrays, such as BNHD; None: the order of the equation.
        returns: where the results are in what the callable returns; None: it returns just them.
        weights: {argument of the equation: where the callable keeps it}; None: in a known layout, if it has one.
        same: {argument that the callable does not take: argument that it reads in its place}.
        policy: the precision policy; None: the claim's, else inferred.
        inputs: recorded cases, files or arrays by name.
        names: {argument of the equation: its name in `inputs`}.
        only_inputs: whether the recorded cases are the only ones.
        backward: whether gradients by automatic differentiation are judged.
        claim: fields that override those of the declared claim, or a whole claim.
        time_limit: seconds for one call of the candidate.
        memory_bytes: the memory limit of the candidate's process in bytes; None: 8 GiB, or half of the machine's.
        equations: files and modules that define equations, which are imported before anything else.
        case: the seed of the only drawn case that is asked; None: all are.
        show_output: whether what the candidate prints is shown on the standard error.
        sources: source files that belong to the callable, in whatever language; their numbers are asked too.
        trace: whether the lines of a wrong candidate are watched, to describe where it departs from the equation.
        function: whether the function that it computes is examined too, without rounding.
        minutes: how long each verdict on an equation is searched on for, once all else is right. Without any, the
            search for the mistake in a wrong answer to a very large equation ends after so much work.
        sizes: {named size, or "batch": its value} of one call at production sizes; None for no such call.
        corpus: a folder of kept cases, of which those of an equation are asked too; None for none.
        share: (first, step): of the questions that the target raises, every step-th from the first one is asked, since
            other processes ask the others; None: all are.
    """

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
    claim: Claim | ClaimFields | Mapping[str, Any] | None = None
    time_limit: float = 30.0
    memory_bytes: int | None = None
    equations: tuple[str, ...] = ()
    settings: Mapping[str, Any] | None = None
    axes: str | None = None
    returns: int | str | Sequence[int | str] | None = None
    same: Mapping[str, str] | None = None
    weights: Mapping[str, str] | None = None
    case: int | None = None
    show_output: bool = False
    trace: bool = True
    function: bool = True
    sources: tuple[str, ...] = ()
    minutes: float = 0.0
    corpus: str | None = None
    sizes: Mapping[str, int | str] | None = None
    share: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Refuse values of other types.

        Raises:
            SpecError: with the name, the type that was given and the one that is expected.
        """
        for name, hint in _hints().items():
            value = getattr(self, name)
            if not _fits(value, hint):
                raise SpecError(
                    f"{name} is of another type",
                    given=f"{name}={value!r}, of type {type(value).__name__}",
                    expected=next(str(field.type) for field in fields(self) if field.name == name),
                    mend="the callable comes first: verify(callable, equation)" if name == "equation" else "",
                )

    def claimed(self, declared: Claim) -> Claim:
        """The declared claim, with the fields that the caller overrides."""
        if self.claim is None or isinstance(self.claim, Claim):
            return declared if self.claim is None else self.claim
        return declared.updated(self.claim)

    def adapted_as(self, declared: Implementation) -> VerifyOptions:
        """The options with what a callable declares of its call, where the caller says nothing."""
        return replace(
            self,
            bind=self.bind or declared.bind,
            settings=self.settings or declared.settings,
            axes=self.axes or declared.axes,
            returns=declared.returns if self.returns is None else self.returns,
            same=self.same or declared.same,
            weights=self.weights or declared.weights,
        )


@cache
def _hints() -> dict[str, Any]:
    """The type of each option."""
    return get_type_hints(VerifyOptions)


def _fits(value: object, hint: Any) -> bool:
    """Whether a value is of a type, and its parts of those that are written of them."""
    parts, origin = get_args(hint), get_origin(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if hint is Any:
        return True
    if hint is float:
        return isinstance(value, int | float)
    if is_typeddict(hint):
        return isinstance(value, Mapping)
    if not isinstance(value, origin or hint or NoneType):
        return False
    if isinstance(value, Mapping) and parts:
        return all(_fits(key, parts[0]) and _fits(each, parts[1]) for key, each in value.items())
    if isinstance(value, tuple | list) and parts:
        of_each = parts if origin is tuple and parts[-1] is not ... else [parts[0]] * len(value)
        return len(of_each) == len(value) and all(map(_fits, value, of_each))
    return True


def validate(wanted: VerifyOptions) -> None:
    """Refuse unknown names and unreadable inputs before a process is started.

    Raises:
        UnknownName: with the nearest known names.
        SpecError: there are no such inputs.
    """
    inputs = as_tuple(wanted.inputs)
    if (wanted.only_inputs or wanted.names) and not inputs:
        raise SpecError("no inputs are given", expected=".npz or .safetensors", mend="--inputs FILE")
    check_inputs(inputs)
    _check_numbers(wanted)
    for path in wanted.sources:
        numbers_of_file(path)
    if wanted.minutes and (wanted.only_inputs or wanted.case is not None):
        given = "minutes with only certain cases"
        raise SpecError("a search needs cases that are drawn", given=given, mend="leave out one of them")
    sizes_of_call(wanted.sizes)
    if wanted.corpus is not None:
        check_corpus(wanted.corpus)
        if wanted.names:
            raise SpecError("names are of recorded cases, and a corpus has its own", mend="leave out one of them")
    if wanted.equation is not None:
        called = specified(wanted.equation)
        if isinstance(called, Procedure):
            refuse_for_procedures(called, wanted, Claim(backward=wanted.backward))
        elif wanted.backward:
            gradient_of(called, wanted.framework or "")
    known_or_refused("dtype", wanted.dtypes or (), DTYPES)
    known_or_refused("framework", (wanted.framework,) if wanted.framework else (), FRAMEWORKS)
    known_or_refused("device", (wanted.device.split(":")[0],) if wanted.device else (), ("cpu", "cuda"))
    known_or_refused("precision policy", (wanted.policy,) if wanted.policy else (), PRESETS)
    wanted.claimed(Claim(backward=wanted.backward))


def _check_numbers(wanted: VerifyOptions) -> None:
    """Refuse numbers that cannot be asked for.

    Raises:
        SpecError: with the numbers that can.
    """
    for name, below in (("examples", math.inf), ("seed", SEEDS)):
        number = getattr(wanted, name)
        if not 0 <= number < below:
            expected = "a whole number from 0" + (f" to {SEEDS - 1}" if name == "seed" else "")
            raise SpecError(f"{name} is out of range", given=f"{name}={number}", expected=expected)
    if not 0 < wanted.time_limit < math.inf:
        given = f"time_limit={wanted.time_limit}"
        raise SpecError("a time limit is above 0", given=given, expected="seconds for one call, such as 30")


def sizes_of_call(sizes: Mapping[str, int | str] | None) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Sizes as a question has them: a tuple for each, of one number, or of several for a batch of several axes.

    Raises:
        SpecError: one is not a whole number above 0.
    """
    found = []
    for name, size in (sizes or {}).items():
        numbers = str(size).replace("×", "x").split("x")
        whole = all(text.isascii() and text.isdigit() and int(text) for text in numbers)
        if not whole or (len(numbers) > 1 and name != "batch"):
            expected = "a whole number above 0, such as 1024; for batch also several, such as 8x16"
            raise SpecError(f"the size {name} is not one that can be asked", given=f"{name}={size}", expected=expected)
        found.append((name, tuple(map(int, numbers))))
    return tuple(found)


OTHERWISE = {"gpu": "cuda", "half": "float16", "double": "float64"}
"""{what others call a device or a dtype: its name here}, where the spelling alone is nearer to another one."""


def known_or_refused(what: str, given: Iterable[str], known: Sequence[str]) -> None:
    """Refuse names that are not known.

    Raises:
        UnknownName: with the nearest known names.
    """
    for name in given:
        if name not in known:
            mend = nearest(OTHERWISE.get(name, name), known)
            raise UnknownName(f"no {what} {name!r}", given=name, expected=", ".join(known), mend=mend)


def refuse_for_procedures(procedure: Procedure[..., Any], wanted: VerifyOptions, claim: Claim) -> None:
    """Refuse options and claims that only make sense for equations.

    Raises:
        SpecError: a claim or an option of the call is about arrays or gradients, or recorded arrays are given.
    """
    plain = Claim()
    odd = [name for name in Claim.__dataclass_fields__ if getattr(claim, name) != getattr(plain, name)]
    if odd:
        raise SpecError(f"{procedure.id} is a procedure, and {odd[0]} says nothing of it", mend=f"leave out {odd[0]}")
    of_arrays = [
        name for name in ("settings", "axes", "returns", "same", "weights", "sources", "sizes") if getattr(wanted, name)
    ]
    if of_arrays:
        mend = f"leave out {of_arrays[0]}, or wrap the callable in one of the same parameters"
        raise SpecError(f"{procedure.id} is a procedure, and {of_arrays[0]} is for arrays", mend=mend)
    if as_tuple(wanted.inputs):
        raise SpecError(f"{procedure.id} is a procedure, and takes no recorded arrays", mend="ask without inputs")


def gradient_of(equation: Equation[..., Any], framework: str = "") -> Equation[..., Any]:
    """The equation of the gradients that automatic differentiation must give of a candidate.

    It is the one that was written by hand if there is one, and derived from the equation otherwise.

    Raises:
        SpecError: the equation has no gradient, or is one; or the framework has no automatic differentiation.
    """
    if equation.gradient_of:
        raise SpecError(
            f"{equation.id} is a backward pass itself",
            given="backward",
            expected=f"what computes it, judged without backward; or {equation.gradient_of} with backward",
            mend="leave out backward",
        )
    found = REGISTRY.gradient(equation.id) or equation.gradient()
    if framework and framework not in AUTODIFF:
        raise SpecError(
            f"{framework} has no automatic differentiation",
            given=f"framework {framework}",
            expected=" or ".join(AUTODIFF),
            mend=f"judge a backward pass of your own as {found.id}",
        )
    return found


def dtype_names(dtype: object) -> tuple[str, ...] | None:
    """One or several dtypes as a tuple of names, without the name of a framework before them.

    Args:
        dtype: a name, a dtype of NumPy, PyTorch or JAX, or a list, tuple or set of these.
    """
    if dtype is None:
        return None
    several = dtype if isinstance(dtype, list | tuple | set | frozenset) else (dtype,)
    names = (each.__name__ if isinstance(each, type) else str(each) for each in several)
    return tuple(dict.fromkeys(name.removeprefix("torch.").removeprefix("numpy.") for name in names)) or None
