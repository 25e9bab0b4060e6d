"""What can be judged, and what is known of it: said by those who ask, answered by the worker that imports it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from attnspec.errors import TargetError, nearest
from attnspec.implementation import Claim, Implementation
from attnspec.verification.sandbox.binding import Parameter


@dataclass(frozen=True, slots=True)
class File:
    """A Python file, imported as running it would, and a callable in it; None stands for all that it defines."""

    path: str | Path
    callable: str | None = None

    def __str__(self) -> str:
        return f"{self.path}:{self.callable}" if self.callable else str(self.path)

    def described(self) -> dict[str, Any]:
        """As the worker is told; a file that is not there is refused before one is started."""
        path = Path(self.path).absolute()
        if not path.is_file():
            names = [each.name for each in path.parent.glob("*.py")]
            mend = nearest(path.name, names) or f"{path.parent} has {', '.join(sorted(names)[:8]) or 'no Python file'}"
            raise TargetError(f"no file {str(self.path)!r}", given=str(self.path), expected="a Python file", mend=mend)
        return {"type": "file", "path": str(path), "callable": self.callable, "shown": str(self)}


@dataclass(frozen=True, slots=True)
class Module:
    """An importable module or package, and a callable in it; None stands for all that it defines."""

    name: str
    callable: str | None = None

    def __str__(self) -> str:
        return f"{self.name}:{self.callable}" if self.callable else self.name

    def described(self) -> dict[str, Any]:
        """As the worker is told."""
        return {"type": "module", "name": self.name, "callable": self.callable, "shown": str(self)}


@dataclass(frozen=True, slots=True)
class Pickled:
    """A live callable, by cloudpickle; closures and lambdas go along."""

    data: bytes
    shown: str = "the callable"

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Pickled:
        """Pickle a callable.

        Raises:
            TargetError: it holds something that cannot be taken to another process.
        """
        shown = getattr(function, "__qualname__", type(function).__qualname__)
        try:
            return cls(importlib.import_module("cloudpickle").dumps(function), shown)
        except Exception as error:
            given = f"{type(error).__name__}: {error}"
            mend = "put it into a module and name that, module:callable"
            raise TargetError(f"{shown} cannot be taken to another process", given=given, mend=mend) from error

    def __str__(self) -> str:
        return self.shown

    def described(self) -> dict[str, Any]:
        """As the worker is told; the bytes travel beside it."""
        return {"type": "pickled", "callable": None, "shown": self.shown}


Target = File | Module | Pickled


class MissingPackage(TargetError):
    """The target imports a package that is not installed here.

    `verify` does not raise it; it returns the verdict "not run".

    Attributes:
        missing: the module that was not found.

    Examples:
        >>> import attnspec
        >>> error = attnspec.MissingPackage("no package torch", missing="torch", mend="pip install torch")
        >>> isinstance(error, attnspec.TargetError), error.missing
        (True, 'torch')
    """

    def __init__(self, headline: str, *, missing: str = "", **facts: str) -> None:
        super().__init__(headline, **facts)
        self.missing = missing

    def __reduce__(self) -> tuple[object, ...]:
        facts = {"given": self.given, "expected": self.expected, "mend": self.mend, "missing": self.missing}
        return partial(MissingPackage, **facts), (self.headline,)


@dataclass(frozen=True, slots=True)
class Found:
    """A callable of a target.

    Attributes:
        name: what to call it by; in a submodule of the target, with the submodule's name before it.
        module: the module that defines it.
        implementations: what `@implements` declares of it; empty for a public function that declares nothing.
        parameters: those of its signature.
        framework: whose arrays it seems to take: "torch", "jax", "numpy", or None where nothing tells.
        doc: the first line of its docstring.
        file: where its source is, if anywhere.
        line: the first line of its source.
    """

    name: str
    module: str
    implementations: tuple[Implementation, ...]
    parameters: tuple[Parameter, ...]
    framework: str | None
    doc: str
    file: str | None
    line: int | None

    @classmethod
    def told(cls, facts: Mapping[str, Any]) -> Found:
        """From the worker's description."""
        return cls(
            name=str(facts["name"]),
            module=str(facts["module"]),
            implementations=tuple(_implementation(each) for each in facts["implementations"]),
            parameters=tuple(Parameter(str(n), str(kind), bool(default)) for n, kind, default in facts["parameters"]),
            framework=facts["framework"],
            doc=str(facts["doc"]),
            file=facts["file"],
            line=facts["line"],
        )


def _implementation(facts: Mapping[str, Any]) -> Implementation:
    """JSON knows no tuples, a claim does."""
    claim: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in facts["claim"].items()
    }
    return Implementation(facts["equation"], facts["framework"], Claim(**claim), dict(facts["bind"]))


def failure_facts(error: TargetError) -> dict[str, str]:
    """A failure, as it travels."""
    facts = {name: getattr(error, name) for name in ("headline", "given", "expected", "mend")}
    return {**facts, "missing": getattr(error, "missing", "")}


def decode_failure(facts: Mapping[str, Any]) -> TargetError:
    """A failure, as it arrived."""
    headline, *rest = (str(facts[name]) for name in ("headline", "given", "expected", "mend"))
    given, expected, mend = rest
    if facts["missing"]:
        return MissingPackage(headline, given=given, expected=expected, mend=mend, missing=str(facts["missing"]))
    return TargetError(headline, given=given, expected=expected, mend=mend)
