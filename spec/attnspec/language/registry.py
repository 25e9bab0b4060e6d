"""What is specified, by id: the catalogue, imported a family at a time on the first look-up, and what users define."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")

WINGS = ("equations", "procedures", "properties", "mutants", "rewritings")
"""Packages of the catalogue: each has a module for each family that it says something of."""

_loaded: set[str] = set()


@cache
def _modules(wing: str) -> Mapping[str, str]:
    """The modules of a wing, by family."""
    package = importlib.import_module(f"attnspec.{wing}")
    return {module.name: f"{package.__name__}.{module.name}" for module in pkgutil.iter_modules(package.__path__)}


def families() -> list[str]:
    """The families of the catalogue, in alphabetical order."""
    return sorted({*_modules("equations"), *_modules("procedures")})


def load_family(family: str) -> None:
    """Import what the catalogue has of a family: its equations, procedures, properties, mutants and rewritings."""
    if family in _loaded:
        return
    _loaded.add(family)  # first, since these modules look up what they have just defined
    try:
        for wing in WINGS if family in families() else ():
            if family in _modules(wing):
                importlib.import_module(_modules(wing)[family])
    except BaseException:
        _loaded.discard(family)
        raise


def is_catalogued(module: ModuleType | str) -> bool:
    """Whether a module, or the module of that name, is one of the catalogue's."""
    name = module if isinstance(module, str) else module.__name__
    return name.startswith(tuple(f"attnspec.{wing}." for wing in WINGS))


class Registry(Mapping[str, T]):
    """Entries by id, "family.name": the catalogue's by family, then those of users, each in the order of definition.

    Iteration and `len` load the whole catalogue, a look-up the family of the id alone.
    """

    def __init__(self) -> None:
        self._entries: dict[str, T] = {}

    def add(self, id: str, entry: T) -> None:
        """Register an entry, in place of an earlier one of that id."""
        self._entries[id] = entry

    def is_defined(self, id: str) -> bool:
        """Whether there is an entry of this id by now; nothing is loaded, so that modules of the catalogue may ask."""
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
