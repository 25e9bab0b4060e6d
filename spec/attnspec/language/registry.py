"""Registries of the catalogue and of users' definitions. Families of the catalogue are imported when needed."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")

PACKAGES = ("equations", "procedures", "properties", "mutants", "rewritings", "layouts")
"""The packages of the catalogue, with a module for each of their families."""

_loaded: set[str] = set()


@cache
def _modules(package: str) -> Mapping[str, str]:
    """{family: name of its module} in a package of the catalogue."""
    imported = importlib.import_module(f"attnspec.{package}")
    return {module.name: f"{imported.__name__}.{module.name}" for module in pkgutil.iter_modules(imported.__path__)}


def families() -> list[str]:
    """The families of the catalogue, in alphabetical order."""
    return sorted({*_modules("equations"), *_modules("procedures")})


def load_family(family: str) -> None:
    """Import the equations, procedures, properties, mutants and rewritings of a family of the catalogue."""
    if family in _loaded:
        return
    _loaded.add(family)  # before the imports, since these modules look up their own entries
    try:
        for package in PACKAGES if family in families() else ():
            if family in _modules(package):
                importlib.import_module(_modules(package)[family])
    except BaseException:
        _loaded.discard(family)
        raise


def is_catalogued(module: ModuleType | str) -> bool:
    """Whether a module, or the module of that name, belongs to the catalogue."""
    name = module if isinstance(module, str) else module.__name__
    return name.startswith(tuple(f"attnspec.{package}." for package in PACKAGES))


class Registry(Mapping[str, T]):
    """A mapping from ids, "family.name", to entries: those of the catalogue by family, then those of users.

    Iteration and `len` load the whole catalogue; a look-up loads only the family of the id.
    """

    def __init__(self) -> None:
        self._entries: dict[str, T] = {}

    def add(self, id: str, entry: T) -> None:
        """Register an entry; it replaces an earlier one with this id."""
        self._entries[id] = entry

    def is_defined(self, id: str) -> bool:
        """Whether there is an entry with this id, without loading the catalogue."""
        return id in self._entries

    def family(self, family: str) -> list[T]:
        """The entries of one family."""
        load_family(family)
        return [entry for id, entry in self._entries.items() if id.partition(".")[0] == family]

    def __getitem__(self, id: str) -> T:
        load_family(id.partition(".")[0])
        return self._entries[id]

    def __contains__(self, id: object) -> bool:
        if isinstance(id, str):
            load_family(id.partition(".")[0])
        return id in self._entries

    def __iter__(self) -> Iterator[str]:
        known = families()
        for family in known:
            load_family(family)
        order = {family: place for place, family in enumerate(known)}
        return iter(sorted(self._entries, key=lambda id: order.get(id.partition(".")[0], len(order))))

    def __len__(self) -> int:
        return sum(1 for _ in self)
