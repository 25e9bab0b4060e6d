"""PyTorch's implementations and peers on a device, called in this process and compared with their noise.

Nothing is started in a process of its own, so that all of them take minutes. `attnspec verify --device` judges more.
"""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import torch

import attnspec_peers
import attnspec_torch
import peers
from attnspec import REGISTRY
from attnspec.implementation import ATTRIBUTE, DTYPES, Claim
from attnspec.interpreters.evaluation.call import batch_shape, evaluate, fit
from attnspec.interpreters.rounding.policy import preset
from attnspec.language.equation import Equation
from attnspec.language.layers import gathered, written_out
from attnspec.verification.candidate.observation import Observation
from attnspec.verification.cases.case import Case, Description, make, smallest
from attnspec.verification.cases.suite import standard_suite
from attnspec.verification.judge.judge import Judge
from attnspec.verification.judge.statistics import largest
from attnspec.verification.judge.with_forms import judge_with_forms
from attnspec.verification.options import gradient_of
from honest import tensors

Answer = list[torch.Tensor]

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic with it alone


@dataclass(frozen=True)
class Subject:
    """One claim of an implementation in PyTorch, or of a peer that PyTorch itself is.

    Attributes:
        module: the module of the callable.
        function: the callable.
        equation: the id of the equation that it claims.
        claim: the claim.
    """

    module: str
    function: Callable[..., Any]
    equation: str
    claim: Claim

    @property
    def judged_as(self) -> Equation[..., Any]:
        """The equation, or that of its gradients if these are claimed."""
        equation = REGISTRY[self.equation]
        return gradient_of(equation) if self.claim.backward else equation

    def __str__(self) -> str:
        return f"{self.module}:{self.function.__name__}{' (gradients)' if self.claim.backward else ''}"


@cache
def subjects() -> tuple[Subject, ...]:
    """All of them, in the order of modules."""
    return tuple(found for package in (attnspec_torch, attnspec_peers) for found in _of_package(package))


def _of_package(package: Any) -> Iterator[Subject]:
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if module.name.rpartition(".")[2].startswith("_"):
            continue
        for name, member in vars(importlib.import_module(module.name)).items():
            own = package is attnspec_torch or name.startswith("torch_")
            for declared in getattr(member, ATTRIBUTE, ()) if callable(member) and own else ():
                if declared.framework == "torch" and declared.equation in REGISTRY:
                    yield Subject(module.name, member, declared.equation, declared.claim)


MODULES = tuple(dict.fromkeys(each.module for each in subjects()))
"""The modules that have subjects."""


# How a device computes.


@dataclass(frozen=True)
class Mode:
    """What PyTorch is allowed to do.

    Attributes:
        name: what it is called in the table.
        dtypes: the storage dtypes in which it says something new.
        policy: the precision policy that answers are judged under; None: the one that they show, none tighter.
        tf32: whether products of matrices in float32 may use TF32.
        reduced: whether sums in float16 and bfloat16 may be rounded to these dtypes on the way.
        deterministic: whether only deterministic algorithms are allowed; answers must then repeat bit by bit.
    """

    name: str
    dtypes: tuple[str, ...] = tuple(DTYPES)
    policy: str | None = None
    tf32: bool = False
    reduced: bool = False
    deterministic: bool = False

    @contextmanager
    def switched_on(self) -> Iterator[None]:
        """Allow it, and put everything back at the end."""
        products: Any = torch.backends.cuda.matmul
        cudnn: Any = torch.backends.cudnn
        precision = "tf32" if self.tf32 else "ieee"
        settings: list[tuple[Any, str, Any]] = [
            (products, "fp32_precision", precision),
            (cudnn.rnn, "fp32_precision", precision),
            (cudnn.conv, "fp32_precision", precision),
            (products, "allow_fp16_reduced_precision_reduction", self.reduced),
            (products, "allow_bf16_reduced_precision_reduction", self.reduced),
        ]
        before = [getattr(each, name) for each, name, _ in settings]
        was_deterministic = torch.are_deterministic_algorithms_enabled()
        try:
            for each, name, value in settings:
                setattr(each, name, value)
            torch.use_deterministic_algorithms(self.deterministic)
            yield
        finally:
            for (each, name, _), old in zip(settings, before, strict=True):
                setattr(each, name, old)
            torch.use_deterministic_algorithms(was_deterministic)


MODES = (
    Mode("full precision"),
    Mode("TF32", ("float32",), "tf32", tf32=True),
    Mode("reduced-precision reductions", ("float16", "bfloat16"), "reduced-reduction", reduced=True),
    Mode("deterministic", ("float32", "bfloat16"), deterministic=True),
)


# Cases and answers.


def described(subject: Subject) -> list[Description]:
    """The first case of each regime within the claim, and the largest of all."""
    claim, equation = subject.claim, subject.judged_as
    batch = (0,) if claim.backward and 0 in claim.batch else claim.batch  # a batch would sum the gradients of weights

    def least(name: str) -> int:
        return max(smallest(equation, name) if name != "batch" else 0, claim.smallest.get(name, 0))

    every = [each for each in standard_suite(equation, least, batch) if each.layout == "contiguous"]
    first: dict[tuple[str, int], Description] = {}
    for each in every:
        first.setdefault((each.regime, len(each.batch)), each)
    return list(dict.fromkeys([*first.values(), *sorted(every, key=_size)[-1:]]))


def _size(description: Description) -> int:
    return sum(size for _, size in description.sizes)


def cases(subject: Subject, dtype: str) -> Iterator[Case]:
    """The cases, those with NaN or infinity only where these are claimed."""
    for each in described(subject):
        case = make(subject.judged_as, each, dtype)
        if case.finite or not subject.claim.finite:
            yield case


def placed(case: Case, dtype: str, device: str) -> dict[str, Any]:
    """The arguments of a case on a device."""
    return {
        name: value.to(device) if isinstance(value, torch.Tensor) else value
        for name, value in tensors(case, dtype).items()
    }


def called(subject: Subject, arguments: dict[str, Any], dtype: str) -> Answer:
    """What the callable answers: arrays by position where it takes them so, everything else by name."""
    parameters = inspect.signature(subject.function).parameters
    given = gathered(arguments)
    if any(each.kind is each.VAR_POSITIONAL for each in parameters.values()):
        options = {name: value for name, value in given.items() if isinstance(value, int | float)}
        arrays = [value for name, value in given.items() if name not in options]
        result = subject.function(*arrays, **options)
    else:
        more = {"dtype": getattr(torch, dtype)} if "dtype" in parameters else {}
        result = subject.function(**given, **more)
    return [torch.as_tensor(each) for each in (result if isinstance(result, tuple | list) else [result])]


def answers(subject: Subject, case: Case, dtype: str, device: str) -> Answer:
    """The answers, or the gradients by PyTorch if these are claimed."""
    arguments = placed(case, dtype, device)
    if not subject.claim.backward:
        return called(subject, arguments, dtype)
    own = written_out(REGISTRY[subject.equation].definition, case.arrays)
    names = [each.name for each in own.parameters]
    incoming = [value for name, value in arguments.items() if name not in names and isinstance(value, torch.Tensor)]
    given = {name: value for name, value in arguments.items() if name in names or not isinstance(value, torch.Tensor)}
    leaves = [given[each.name].requires_grad_() for each in own.parameters if each.kind == "float"]
    outputs = [each for each in called(subject, given, dtype) if each.is_floating_point()]
    pairs = [(one, two) for one, two in zip(outputs, incoming, strict=True) if one.requires_grad]
    found = torch.autograd.grad(
        [one for one, _ in pairs], leaves, [two for _, two in pairs], materialize_grads=True, allow_unused=True
    )
    return list(found)


def on_the_host(answer: Iterable[torch.Tensor]) -> tuple[np.ndarray[Any, np.dtype[np.float64]], ...]:
    """The answers in float64, exactly."""
    return tuple(each.detach().cpu().to(torch.float64).numpy() for each in answer)


def form_fault(subject: Subject, case: Case, answer: Answer, dtype: str, device: str) -> str:
    """What is wrong with the shapes, dtypes or devices of answers; "" if nothing is.

    An answer to sizes alone may lie anywhere.
    """
    tree = written_out(subject.judged_as.definition, case.arrays)
    sizes, _ = fit(tree, {name: array.shape for name, array in case.arrays.items()}, case.options)
    lead = batch_shape(tree, case.arrays)
    if len(answer) != len(tree.results):
        return f"{len(answer)} answers, not {len(tree.results)}"
    for each, result in zip(answer, tree.results, strict=True):
        shape = (*lead, *(dim.value(sizes) for dim in result.dims))
        if tuple(each.shape) != shape:
            return f"the shape {tuple(each.shape)}, not {shape}"
        if result.kind == "float" and each.dtype != getattr(torch, dtype):
            return f"the dtype {each.dtype}, not {dtype}"
        if case.arrays and each.device.type != torch.device(device).type:
            return f"on {each.device}, not {device}"
    return ""


# Judging.


@dataclass
class Figures:
    """What the subjects of a module come to in one mode and dtype.

    Attributes:
        claims, cases: how many were judged.
        largest: the largest |error| over its bound, of what is right.
        faults: a sentence for each claim that is wrong.
        refusals: a sentence for each claim that PyTorch refuses in this mode.
        departures: a sentence for each claim that is wrong, and known to be.
        seconds: the time of the calls alone, in seconds.
    """

    claims: int = 0
    cases: int = 0
    largest: float = 0.0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    departures: list[str] = field(default_factory=list)

    @property
    def row(self) -> tuple[int, int, float, float, int, int, int]:
        """The numbers that add up in a table, and the largest error."""
        return (
            self.claims,
            self.cases,
            self.largest,
            self.seconds,
            len(self.refusals),
            len(self.departures),
            len(self.faults),
        )


def judged(module: str, mode: Mode, dtype: str, device: str) -> Figures:
    """Judge every claim of a module in a dtype."""
    figures = Figures()
    with mode.switched_on():
        for subject in subjects():
            if subject.module == module and dtype in (subject.claim.dtypes or ("float32",)):
                figures.claims += 1
                try:
                    judge(subject, mode, dtype, device, figures)
                except RuntimeError as error:
                    refused = mode.deterministic and "deterministic" in str(error)
                    (figures.refusals if refused else figures.faults).append(f"{subject}: {first_line(error)}")
    return figures


def first_line(error: Exception) -> str:
    """The first line of an error's message."""
    return str(error).partition("\n")[0]


def judge(subject: Subject, mode: Mode, dtype: str, device: str, figures: Figures) -> None:
    """Judge one claim; where all is asked twice, the bits alone are compared."""
    observations = []
    for case in cases(subject, dtype):
        started = time.perf_counter()
        answer = answers(subject, case, dtype, device)
        found = on_the_host(answer)
        figures.seconds += time.perf_counter() - started
        figures.cases += 1
        if fault := form_fault(subject, case, answer, dtype, device):
            figures.faults.append(f"{subject}: {fault} for {case.description}")
            return
        if mode.deterministic:
            again = on_the_host(answers(subject, case, dtype, device))
            if not all(np.array_equal(one, two, equal_nan=True) for one, two in zip(found, again, strict=True)):
                figures.faults.append(f"{subject}: two calls differ for {case.description}")
        observations.append(Observation(case, found))
    if observations and not mode.deterministic:
        _compare(subject, mode, dtype, observations, figures)


def _compare(subject: Subject, mode: Mode, dtype: str, observations: Sequence[Observation], figures: Figures) -> None:
    """Compare all answers to a claim with their noise."""
    judging = Judge(subject.judged_as, dtype, accepted=subject.claim.forms)
    policy = preset(mode.policy or subject.claim.policy or judging.presets[-1].name, dtype)
    verdict = judge_with_forms(judging, observations, policy)
    if verdict.equal:
        figures.largest = max(figures.largest, largest(verdict.compared))
    if not verdict.equal:
        known = any(
            each["implementation"] == f"{subject.module}:{subject.function.__name__}"
            and each.get("dtype", dtype) == dtype
            for each in peers.departures()
        )
        (figures.departures if known else figures.faults).append(f"{subject}: {verdict.findings[0].reason}")


def oracle_error(equation: Equation[..., Any], case: Case, device: str) -> float:
    """The largest |error| over its bound of the equation itself, evaluated in float64 on a device."""
    answer = evaluate(equation.definition, (), placed(case, "float64", device))
    found = on_the_host(torch.as_tensor(each) for each in (answer if isinstance(answer, tuple) else (answer,)))
    judging = Judge(equation, "float64")
    return largest(judging.compare([Observation(case, found)], preset("op-by-op", "float64")))
