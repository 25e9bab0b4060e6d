"""In the worker: what the parent may know of a callable without importing it."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any

from attnspec.implementation import ATTRIBUTE, Implementation

FRAMEWORKS = ("torch", "jax", "numpy")
"""In this order, because what imports torch may well use NumPy too, and seldom the other way round."""


def declared(function: Callable[..., Any]) -> tuple[Implementation, ...]:
    """What `@implements` wrote on a callable."""
    written = getattr(function, ATTRIBUTE, ())
    return written if isinstance(written, tuple) and all(isinstance(one, Implementation) for one in written) else ()


def describe(name: str, function: Callable[..., Any]) -> dict[str, Any]:
    """What the parent may know of a callable without importing it."""
    plain = underlying(function)
    code = getattr(plain, "__code__", None)
    return {
        "name": name,
        "module": str(getattr(function, "__module__", None)),
        "implementations": [_plain(one) for one in declared(function)],
        "parameters": _parameters(function),
        "framework": _framework(function, plain),
        "doc": (inspect.getdoc(plain) or "").partition("\n")[0],
        "file": getattr(code, "co_filename", None),
        "line": getattr(code, "co_firstlineno", None),
    }


def _plain(value: object) -> Any:
    """A declaration as JSON has it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (tuple, list, set, frozenset)):
        return [_plain(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value


def underlying(function: Callable[..., Any]) -> Any:
    """The Python function behind partials, methods, decorators and modules of torch, if there is one."""
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


def _parameters(function: Callable[..., Any]) -> list[list[Any]]:
    """A callable without a readable signature takes what it is given, in order."""
    torch = sys.modules.get("torch")
    module: Any = function if torch is not None and isinstance(function, torch.nn.Module) else None
    try:
        signature = inspect.signature(function if module is None else module.forward)
    except (TypeError, ValueError):
        return [["args", "VAR_POSITIONAL", False]]
    return [[p.name, p.kind.name, p.default is not p.empty] for p in signature.parameters.values()]


def _framework(function: Callable[..., Any], plain: Any) -> str | None:
    """Whose arrays it takes, as far as annotations, the function's own names and its module's imports tell."""
    names: dict[str, object] = getattr(plain, "__globals__", {})
    annotations = " ".join(_written(each, names) for each in getattr(plain, "__annotations__", {}).values())
    for framework in FRAMEWORKS:
        if framework + "." in annotations:
            return framework
    own = [names.get(name, name) for name in getattr(getattr(plain, "__code__", None), "co_names", ())]
    closure = [*_cells(plain), type(function)]
    for values, frameworks in (([*own, *closure], FRAMEWORKS[:2]), ([*names.values(), *closure], FRAMEWORKS)):
        roots = {_root(value) for value in values}
        for framework in frameworks:
            if framework in roots or (framework == "torch" and "triton" in roots):
                return framework
    return None


def _written(annotation: object, names: Mapping[str, object]) -> str:
    """An annotation in full, where a postponed one says `np` and a jaxtyping one hides its array."""
    if isinstance(annotation, str):
        meant = [names[word] for word in re.findall(r"\w+", annotation) if word in names]
        return " ".join(f"{each.__name__}." if isinstance(each, ModuleType) else repr(each) for each in meant)
    return repr(getattr(annotation, "array_type", annotation))


def _cells(plain: Any) -> Iterator[object]:
    for cell in getattr(plain, "__closure__", None) or ():
        with suppress(ValueError):  # not filled yet
            yield cell.cell_contents


def _root(value: object) -> str:
    """The package that a value is or comes from; a bare name stands for itself."""
    if isinstance(value, str):
        return value
    home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return str(home).partition(".")[0]
