"""The description of a callable, from which the parent knows it without importing it."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from attnspec.errors import TargetError
from attnspec.implementation import ATTRIBUTE, Framework, Implementation
from attnspec.verification.sandbox.binding import Parameter
from attnspec.verification.sandbox.child.constants import written_numbers
from attnspec.verification.sandbox.child.networks import network_of
from attnspec.verification.sandbox.child.programs.program import Program
from attnspec.verification.sandbox.protocol import check_fields
from attnspec.verification.sandbox.targets import CallableInfo
from attnspec.verification.sandbox.wire import WireError

GUESS_ORDER = (Framework.TORCH, Framework.JAX, Framework.NUMPY)
"""What uses PyTorch or JAX often uses NumPy too, and seldom the other way round."""


PART_OF = {"triton": Framework.TORCH.value, "jaxlib": Framework.JAX.value}
"""{package: the framework whose arrays it takes}."""


def declared(function: Callable[..., Any]) -> tuple[Implementation, ...]:
    """Return the `@implements` declarations of a callable."""
    written = getattr(function, ATTRIBUTE, ())
    return written if isinstance(written, tuple) and all(isinstance(one, Implementation) for one in written) else ()


def describe(name: str, function: Callable[..., Any]) -> CallableInfo:
    """Describe a callable.

    Raises:
        TargetError: a field of its claim has a value of the wrong type.
    """
    if isinstance(function, Program):
        return check_fields(function.describe(name))
    module = str(getattr(function, "__module__", None))
    network = network_of(function)
    code = getattr(underlying(function), "__code__", None)
    info = CallableInfo(
        name,
        module,
        declared(function),
        parameters(function),
        guess_framework(function),
        network,
        written_numbers(underlying(function), getattr(function, "__self__", function)),
        file=str(getattr(code, "co_filename", "")),
        line=int(getattr(code, "co_firstlineno", 0)),
    )
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
        elif not isinstance(inner, (FunctionType, BuiltinFunctionType, type)):
            inner = getattr(type(inner), "forward", None) or inspect.getattr_static(type(inner), "__call__", inner)
        if inner is function or not callable(inner):
            return inner
        function = inner


def parameters(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """Return the parameters of a callable; `*args` if it has no readable signature."""
    torch = sys.modules.get("torch")
    module: Any = function if torch is not None and isinstance(function, torch.nn.Module) else None
    kind: Any = function if torch is not None and isinstance(function, type) else None
    kind = kind if kind is not None and issubclass(kind, torch.nn.Module) else None  # type: ignore[union-attr]  # as above
    try:
        signature = inspect.signature(kind.forward if kind else function if module is None else module.forward)
    except (TypeError, ValueError):
        return (Parameter("args", "VAR_POSITIONAL"),)
    taken = [*signature.parameters.values()][1 if kind else 0 :]  # without self
    return tuple(Parameter(p.name, p.kind.name, p.default is not p.empty) for p in taken)


def guess_framework(function: Callable[..., Any]) -> str | None:
    """Guess whose arrays a callable takes; None if nothing shows it.

    Its annotations come first, then the package that it comes from, then the names that it uses, then all names of its
    module, then those of the modules from which it imports, and so on. NumPy only counts among all names of a module.
    """
    inner = underlying(function)
    names: dict[str, object] = getattr(inner, "__globals__", {})
    annotations = " ".join(_written_out(value, names) for value in getattr(inner, "__annotations__", {}).values())
    for framework in GUESS_ORDER:
        if f"{framework}." in annotations:
            return framework.value
    home = [inner, *getattr(inner, "__mro__", ()), *type(function).__mro__]
    used = [names.get(name, name) for name in getattr(getattr(inner, "__code__", None), "co_names", ())]
    enclosed = [*_closure(inner), type(function)]
    module = sys.modules.get(str(getattr(inner, "__module__", None)))
    names = names or dict(vars(module) if module is not None else {})
    near = _framework_of(home, GUESS_ORDER[:2]) or _framework_of([*used, *enclosed], GUESS_ORDER[:2])
    found = near or _framework_of([*names.values(), *enclosed])
    return found or next(filter(None, (_framework_of(values) for values in _imported(names))), None)


def _framework_of(values: Iterable[object], frameworks: Sequence[Framework] = GUESS_ORDER) -> str | None:
    """Return the first framework that one of the values is or comes from."""
    packages = {_package(value) for value in values}
    return next((framework.value for framework in frameworks if framework in packages), None)


def _imported(names: Mapping[str, object]) -> Iterator[list[object]]:
    """Yield the values of each module that the names come from, then of those that these import from, and so on.

    The standard library and attnspec are left out.
    """
    waiting, seen = [names], {*sys.stdlib_module_names, "attnspec"}
    while waiting:
        for value in list(waiting.pop(0).values()):
            name = value.__name__ if isinstance(value, ModuleType) else str(getattr(value, "__module__", None))
            module = sys.modules.get(name)
            if module is not None and name not in seen and _package(module) not in seen:
                seen.add(name)
                waiting.append(vars(module))
                yield list(vars(module).values())


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
    home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    package = value if isinstance(value, str) else str(home).partition(".")[0]
    return PART_OF.get(package, package)
