"""In the worker: import a target, and find what in it can be called."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pickle
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import reduce
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, cast

from attnspec.errors import TargetError, nearest
from attnspec.verification.sandbox.child.describing import declared, describe
from attnspec.verification.sandbox.child.tracebacks import describe_error
from attnspec.verification.sandbox.targets import MissingPackage

Callables = dict[str, Callable[..., Any]]


def load(target: Mapping[str, Any], pickled: bytes) -> tuple[Callables, list[dict[str, Any]], list[TargetError]]:
    """The callables of a target by name, their descriptions, and the submodules that could not be imported."""
    shown = str(target["shown"])
    if target["type"] == "pickled":
        found = _unpickle(pickled, shown)
        name = getattr(found, "__qualname__", type(found).__name__)
        return {name: found}, [describe(name, found)], []
    module = _import_file(str(target["path"]), shown) if target["type"] == "file" else _import_module(target, shown)
    if target["callable"] is not None:
        found = _resolve(module, str(target["callable"]), shown)
        return {str(target["callable"]): found}, [describe(str(target["callable"]), found)], []
    callables: Callables = {}
    failures: list[TargetError] = []
    for prefix, part in _parts(module, failures):
        is_private = prefix.startswith("_") or "._" in prefix
        for name, found in _defined(part).items():
            if declared(found) or not is_private:
                callables[prefix + name] = found
    return callables, [describe(name, found) for name, found in callables.items()], failures


def _unpickle(pickled: bytes, shown: str) -> Callable[..., Any]:
    try:
        found = pickle.loads(pickled)
    except BaseException as error:
        raise _failure(error, shown, "") from error
    if not callable(found):
        raise TargetError(f"{shown} cannot be called", given=repr(found), expected="a callable")
    return cast(Callable[..., Any], found)


def _import_file(path: str, shown: str) -> ModuleType:
    """As running the file as a script would, with its folder first; a stem that is taken gets another module name."""
    sys.path.insert(0, str(Path(path).parent))
    sys.argv = [path]
    stem = Path(path).stem
    taken = stem in sys.modules or stem in sys.stdlib_module_names
    name = f"candidate_{stem}" if taken else stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise TargetError(f"{shown} is no Python file", given=path, expected="a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        raise _failure(error, shown, name) from error
    return module


def _import_module(target: Mapping[str, Any], shown: str) -> ModuleType:
    name = str(target["name"])
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name + ".").startswith(error.name + "."):
            raise _no_module(name, error.name) from error
        raise _failure(error, shown, name) from error
    except BaseException as error:
        raise _failure(error, shown, name) from error


def _no_module(name: str, missing: str) -> TargetError:
    """The nearest names are those of the parent package, or of all that can be imported."""
    parent, _, last = missing.rpartition(".")
    package = sys.modules.get(parent) if parent else None
    if package is not None and callable(getattr(package, last, None)):
        return TargetError(f"no module {missing!r}", given=name, mend=f"did you mean {parent}:{last}?")
    places = getattr(package, "__path__", []) if parent else None
    known = [f"{parent}.{found.name}".strip(".") for found in pkgutil.iter_modules(places)]
    expected = "an importable module; the current folder and sys.path were searched"
    return TargetError(f"no module {missing!r}", given=name, expected=expected, mend=nearest(missing, known))


def _failure(error: BaseException, shown: str, module: str) -> TargetError:
    """What the import raised; a package that is not here is told apart from a mistake in what is."""
    told = describe_error(error)
    own = module.partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.partition(".")[0] != own:
        mend = f"install {error.name.partition('.')[0]}, or run where it is"
        headline = f"{shown} needs {error.name}, which is not installed"
        return MissingPackage(headline, given=told["traceback"], mend=mend, missing=error.name)
    first = told["message"].partition("\n")[0].removeprefix(told["type"] + ": ")
    summary = f"{told['type']}: {first}" if first else told["type"]
    mend = "name it as a module, package.module:callable" if "attempted relative import" in summary else ""
    return TargetError(f"{shown} cannot be imported: {summary}", given=told["traceback"], mend=mend)


def _resolve(module: ModuleType, name: str, shown: str) -> Callable[..., Any]:
    found: Any = None
    with suppress(AttributeError):
        found = reduce(getattr, name.split("."), module)
    if callable(found):
        return cast(Callable[..., Any], found)
    known = [key for key in _defined(module) if key.isidentifier()]
    raise TargetError(
        f"{shown} has no callable {name!r}" if found is None else f"{name} of {shown} cannot be called",
        given=name if found is None else f"{name} = {found!r:.200}",
        expected=", ".join(known) or "a module that defines a callable",
        mend=nearest(name, known),
    )


def _parts(module: ModuleType, failures: list[TargetError]) -> Iterator[tuple[str, ModuleType]]:
    """The module and, of a package, its submodules, each with what its names are prefixed with."""
    yield "", module
    root = module.__name__ + "."
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), root, onerror=lambda _: None):
        if found.name.endswith(".__main__"):
            continue
        try:
            yield found.name.removeprefix(root) + ".", importlib.import_module(found.name)
        except BaseException as error:
            failures.append(_failure(error, found.name, module.__name__))


def _defined(module: ModuleType) -> Callables:
    """What is declared here, and the public functions defined here; what is imported belongs to where it is from."""
    found: Callables = {}
    for name, value in vars(module).items():
        if not callable(value) or any(value is earlier for earlier in found.values()):
            continue
        here = getattr(value, "__module__", None) == module.__name__
        if declared(value):
            wanted = here or not isinstance(value, (FunctionType, type))
        else:
            wanted = here and not name.startswith("_") and not isinstance(value, type)
        if wanted:
            found[name] = value
    return found
