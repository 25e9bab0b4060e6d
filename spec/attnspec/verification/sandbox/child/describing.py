"""The description of a callable, from which the parent knows it without importing it."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any

from attnspec.errors import TargetError
from attnspec.implementation import ATTRIBUTE, Framework, Implementation
from attnspec.verification.sandbox.binding import Parameter
from attnspec.verification.sandbox.protocol import check_fields
from attnspec.verification.sandbox.targets import CallableInfo
from attnspec.verification.sandbox.wire import WireError

GUESS_ORDER = (Framework.TORCH, Framework.JAX, Framework.NUMPY)
"""What uses PyTorch or JAX often uses NumPy too, and seldom the other way round."""


def declared(function: Callable[..., Any]) -> tuple[Implementation, ...]:
    """Return the `@implements` declarations of a callable."""
    written = getattr(function, ATTRIBUTE, ())
    return written if isinstance(written, tuple) and all(isinstance(one, Implementation) for one in written) else ()


def describe(name: str, function: Callable[..., Any]) -> CallableInfo:
    """Describe a callable.

    Raises:
        TargetError: a field of its claim has a value of the wrong type.
    """
    module = str(getattr(function, "__module__", None))
    info = CallableInfo(name, module, declared(function), parameters(function), guess_framework(function))
    try:
        return check_fields(info)
    except WireError as error:
        headline = f"@implements of {name} has a value of the wrong type"
        raise TargetError(headline, given=str(error), mend="see the fields of attnspec.Claim") from error


def underlying(function: Callable[..., Any]) -> Any:
    """Return the Python function behind partials, methods, decorators and modules of PyTorch, if there is one."""
    while True:
        inner = inspect.unwrap(function)
        if isinstance(inner, partial):
            inner = inner.func
        elif isinstance(inner, MethodType):
            inner = inner.__func__
        elif not isinstance(inner, (FunctionType, type)):
            inner = getattr(type(inner), "forward", None) or inspect.getattr_static(type(inner), "__call__", inner)
        if inner is function or not callable(inner):
            return inner
        function = inner


def parameters(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """Return the parameters of a callable; `*args` if it has no readable signature."""
    torch = sys.modules.get("torch")
    module: Any = function if torch is not None and isinstance(function, torch.nn.Module) else None
    try:
        signature = inspect.signature(function if module is None else module.forward)
    except (TypeError, ValueError):
        return (Parameter("args", "VAR_POSITIONAL"),)
    return tuple(Parameter(p.name, p.kind.name, p.default is not p.empty) for p in signature.parameters.values())


def guess_framework(function: Callable[..., Any]) -> str | None:
    """Guess whose arrays a callable takes; None if nothing tells.

    Its annotations come first, then the names that it uses, then all names of its module; NumPy counts among the last
    only.
    """
    inner = underlying(function)
    names: dict[str, object] = getattr(inner, "__globals__", {})
    annotations = " ".join(_written_out(value, names) for value in getattr(inner, "__annotations__", {}).values())
    for framework in GUESS_ORDER:
        if f"{framework}." in annotations:
            return framework.value
    used = [names.get(name, name) for name in getattr(getattr(inner, "__code__", None), "co_names", ())]
    enclosed = [*_closure(inner), type(function)]
    for values, frameworks in (([*used, *enclosed], GUESS_ORDER[:2]), ([*names.values(), *enclosed], GUESS_ORDER)):
        packages = {_package(value) for value in values}
        for framework in frameworks:
            if framework in packages or (framework == Framework.TORCH and "triton" in packages):
                return framework.value
    return None


def _written_out(annotation: object, names: Mapping[str, object]) -> str:
    """Return an annotation with full names: a postponed one may be about `np`, a jaxtyping one hides its array."""
    if isinstance(annotation, str):
        values = [names[word] for word in re.findall(r"\w+", annotation) if word in names]
        return " ".join(f"{value.__name__}." if isinstance(value, ModuleType) else repr(value) for value in values)
    return repr(getattr(annotation, "array_type", annotation))


def _closure(function: Any) -> Iterator[object]:
    for cell in getattr(function, "__closure__", None) or ():
        with suppress(ValueError):  # a cell that is not filled yet
            yield cell.cell_contents


def _package(value: object) -> str:
    """Return the package that a value is or comes from; a name stands for itself."""
    if isinstance(value, str):
        return value
    home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return str(home).partition(".")[0]
