"""Files and modules that define equations, properties and mistakes. They are imported into the process that judges."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

from attnspec.errors import SpecError, TargetError
from attnspec.language.vocabulary import instead_of


def is_file(place: str) -> bool:
    """Whether a place names a file or a folder; otherwise it names a module."""
    return place in (".", "..") or place.endswith(".py") or "/" in place or os.sep in place


def load(places: Iterable[str]) -> None:
    """Import files and modules; what they define is then in the registries.

    Args:
        places: paths of Python files, or names of modules.

    Raises:
        TargetError: there is no such file or module, or importing it fails.
        SpecError: it defines something that is refused.
    """
    for place in places:
        if is_file(place):
            load_file(Path(place))
        else:
            load_module(place)


def is_module(name: str, folder: Path) -> bool:
    """Whether there is a module of this dotted name, on the path or in a folder, which is then put on the path."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def load_module(name: str) -> ModuleType:
    """Import a module by its dotted name; modules in the current folder are found too.

    Raises:
        TargetError: there is none, or importing it fails.
        SpecError: it defines something that is refused.
    """
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    return _imported(name, lambda: importlib.import_module(name))


def load_file(path: Path) -> ModuleType:
    """Import a Python file, once.

    Raises:
        TargetError: there is none, or importing it fails.
        SpecError: it defines something that is refused.
    """
    if not path.is_file():
        raise TargetError(f"no file {str(path)!r}", given=str(path), expected="a Python file that defines equations")
    return _imported(str(path), lambda: import_file(path))


def import_file(path: Path) -> ModuleType:
    """Import a Python file with its folder on the path, or return it if it is imported already.

    A file whose name is that of another module, such as numpy.py, is imported under another name.

    Raises:
        TargetError: it is not a Python file.
        BaseException: whatever the file raises.
    """
    path = path.absolute()
    other_name = f"candidate_{path.stem}"
    for known in (sys.modules.get(path.stem), sys.modules.get(other_name)):
        if known is not None and getattr(known, "__file__", None) == str(path):
            return known
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    is_taken = path.stem in sys.modules or path.stem in sys.stdlib_module_names
    name = other_name if is_taken else path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise TargetError(f"{path} is not a Python file", given=str(path), expected="a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _imported(place: str, run: Callable[[], ModuleType]) -> ModuleType:
    """What an import returns.

    Raises:
        TargetError: it raises anything but one of our own errors.
    """
    try:
        return run()
    except SpecError:
        raise
    except (Exception, SystemExit) as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
        at = f"{frames[-1].filename}:{frames[-1].lineno}: " if len(frames) > 2 else ""
        says = str(error)
        if isinstance(error, SyntaxError) and error.filename:  # its place is no frame: the file was not run
            at, says = f"{error.filename}:{error.lineno}: ", error.msg
        what = f"{at}{type(error).__name__}: {says}"
        expected = "a file or module that defines equations"
        mend = instead_of_import(error)
        raise TargetError(f"{place} cannot be imported", given=what, expected=expected, mend=mend) from error


def instead_of_import(error: BaseException) -> str:
    """What to write in place of a word that the notation does not have, if importing it failed; "" otherwise."""
    if not isinstance(error, ImportError) or error.name != "attnspec.notation":
        return ""
    missing = re.search("cannot import name '([^']+)'", str(error))
    return instead_of(missing[1]) if missing else ""
