"""Import a target, and find the callables in it."""

from __future__ import annotations

import importlib
import os
import pickle
import pkgutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import reduce
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, cast

from attnspec.errors import SpecError, TargetError, nearest
from attnspec.language.definitions import import_file, instead_of_import
from attnspec.verification.sandbox.child.describing import declared, describe
from attnspec.verification.sandbox.child.programs.commands import CommandProgram
from attnspec.verification.sandbox.child.tracebacks import describe_error
from attnspec.verification.sandbox.targets import CallableInfo, Command, File, MissingPackage, Module, Pickled, Target

Callables = dict[str, Callable[..., Any]]


def load(target: Target) -> tuple[Callables, list[CallableInfo], list[TargetError]]:
    """Import a target.

    Returns:
        Its callables by name, their descriptions, and why submodules of a package could not be imported.

    Raises:
        TargetError: there is no such module or callable, or importing it fails.
    """
    failures: list[TargetError] = []
    if isinstance(target, Pickled):
        function = _unpickle(target)
        callables = {getattr(function, "__qualname__", type(function).__name__): function}
    elif isinstance(target, Command):
        callables = {str(target).removeprefix("command:"): CommandProgram(target.words)}
    elif isinstance(target, File) and target.is_program:
        callables = dict(_programs(target))
    else:
        module = _import_file(target) if isinstance(target, File) else _import_module(target)
        if target.callable is not None:
            callables = {target.callable: _resolve(module, target.callable, str(target))}
        else:
            callables = _all_callables(module, failures)
    return callables, [describe(name, function) for name, function in callables.items()], failures


def _unpickle(target: Pickled) -> Callable[..., Any]:
    try:
        value = pickle.loads(target.data)
    except BaseException as error:
        raise _import_failure(error, str(target), "") from error
    if not callable(value):
        raise TargetError(f"{target} cannot be called", given=repr(value), expected="a callable")
    return cast(Callable[..., Any], value)


LOADERS = {".onnx": "onnx_models", ".pt2": "torch_programs", ".jax": "jax_programs", ".mlir": "jax_programs"}
"""{suffix of a file: the module that loads it}; others are shared libraries."""


def _programs(target: File) -> Callables:
    """Load an exported file or a shared library; its programs by name."""
    room = "attnspec.verification.sandbox.child.programs"
    suffix = Path(target.path).suffix
    loader = LOADERS.get(suffix, "shared_libraries")
    try:
        module: Any = importlib.import_module(f"{room}.{loader}")  # it needs an extra
        programs: Callables = module.load(Path(target.path).absolute(), target.callable or "")
        return programs
    except TargetError:
        raise
    except BaseException as error:
        raise _import_failure(error, str(target), "") from error


def _import_file(target: File) -> ModuleType:
    """Import a file as if it were run, with its folder first on the path."""
    path = Path(target.path).absolute()
    sys.path.insert(0, str(path.parent))
    sys.argv = [str(path)]
    try:
        return import_file(path)
    except BaseException as error:
        raise _import_failure(error, str(target), path.stem) from error


def _import_module(target: Module) -> ModuleType:
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(target.name)
    except ModuleNotFoundError as error:
        if error.name and (target.name + ".").startswith(error.name + "."):
            raise _no_module(target.name, error.name) from error
        raise _import_failure(error, str(target), target.name) from error
    except BaseException as error:
        raise _import_failure(error, str(target), target.name) from error


def _no_module(name: str, missing: str) -> TargetError:
    """Return the error for a module that does not exist, with the nearest names of its parent package or of all."""
    parent, _, last = missing.rpartition(".")
    package = sys.modules.get(parent) if parent else None
    if package is not None and callable(getattr(package, last, None)):
        return TargetError(f"no module {missing!r}", given=name, mend=f"did you mean {parent}:{last}?")
    places = getattr(package, "__path__", []) if parent else None
    known = [f"{parent}.{module.name}".strip(".") for module in pkgutil.iter_modules(places)]
    expected = "an importable module; the current folder and sys.path were searched"
    return TargetError(f"no module {missing!r}", given=name, expected=expected, mend=nearest(missing, known))


def _import_failure(error: BaseException, target: str, module: str) -> TargetError:
    """Return the error for an import that raised; `MissingPackage` if it needs a package that is not installed.

    Args:
        module: the module that was imported. A missing submodule of its own package is a mistake in the target.
    """
    if isinstance(error, SpecError):
        return TargetError(error.headline, given=error.given, expected=error.expected, mend=error.mend)
    trouble = describe_error(error)
    own = module.partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.partition(".")[0] != own:
        mend = f"install {error.name.partition('.')[0]}, or run where it is installed"
        headline = f"{target} needs {error.name}, which is not installed"
        return MissingPackage(headline, given=trouble.traceback, mend=mend, missing=error.name)
    first_line = trouble.message.partition("\n")[0].removeprefix(f"{trouble.type}: ")
    summary = f"{trouble.type}: {first_line}" if first_line else trouble.type
    mend = (
        "name it as a module, package.module:callable"
        if "attempted relative import" in summary
        else instead_of_import(error)
    )
    return TargetError(f"{target} cannot be imported: {summary}", given=trouble.traceback, mend=mend)


def _resolve(module: ModuleType, name: str, target: str) -> Callable[..., Any]:
    value: Any = None
    with suppress(AttributeError):
        value = reduce(getattr, name.split("."), module)
    if callable(value):
        return cast(Callable[..., Any], value)
    known = [key for key in _defined(module) if key.isidentifier()]
    raise TargetError(
        f"{target} has no callable {name!r}" if value is None else f"{name} of {target} cannot be called",
        given=name if value is None else f"{name} = {value!r:.200}",
        expected=", ".join(known) or "a module that defines a callable",
        mend=nearest(name, known),
    )


def _all_callables(module: ModuleType, failures: list[TargetError]) -> Callables:
    """Return the callables of a module and of its submodules; of a private submodule only those that are declared."""
    callables: Callables = {}
    for prefix, part in _submodules(module, failures):
        is_private = prefix.startswith("_") or "._" in prefix
        for name, function in _defined(part).items():
            if declared(function) or not is_private:
                callables[prefix + name] = function
    return callables


def _submodules(module: ModuleType, failures: list[TargetError]) -> Iterator[tuple[str, ModuleType]]:
    """Yield a module and, if it is a package, its submodules, each with the prefix of its names."""
    yield "", module
    root = module.__name__ + "."
    for _, name, _ in pkgutil.walk_packages(getattr(module, "__path__", []), root, onerror=lambda _: None):
        if name.endswith(".__main__"):
            continue
        try:
            yield name.removeprefix(root) + ".", importlib.import_module(name)
        except BaseException as error:
            failures.append(_import_failure(error, name, module.__name__))


def _defined(module: ModuleType) -> Callables:
    """Return the declared callables of a module and the public functions that it defines, without what it imports."""
    callables: Callables = {}
    for name, value in vars(module).items():
        if not callable(value) or any(value is earlier for earlier in callables.values()):
            continue
        is_own = getattr(value, "__module__", None) == module.__name__
        if declared(value):
            is_wanted = is_own or not isinstance(value, (FunctionType, type))
        else:
            is_wanted = is_own and not name.startswith("_") and not isinstance(value, type)
        if is_wanted:
            callables[name] = value
    return callables
