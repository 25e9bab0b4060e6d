"""Registries of the catalogue and of users' definitions. Families of the catalogue are imported when needed."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import TypeVar, overload

from attnspec.language import definitions

T = TypeVar("T")
D = TypeVar("D")

PACKAGES = ("equations", "procedures", "properties", "mutants", "rewritings", "layouts")
"""The packages of the catalogue, with a module for each of their families."""

ROOT = "attnspec."
"""What may stand before an id of the catalogue: the name of its package."""

GROUP = "attnspec.equations"
"""The group of entry points of packages that define equations, properties or mistakes; each names a module."""

ADDITIONS = ("attnspec.properties", "attnspec.mutants")
"""The groups of entry points of packages that define properties and mistakes of equations of other packages."""

_loaded: set[str] = set()
"""What is imported, or being imported: "package.family", and groups of entry points."""

_under_way: list[str] = []
"""The families that are being imported."""


@cache
def conventions() -> ModuleType:
    """The names of the catalogue, for equations that declare nothing else: `attnspec.equations._names`."""
    return importlib.import_module(f"{ROOT}{PACKAGES[0]}._names")


@cache
def _modules(package: str) -> Mapping[str, str]:
    """{family: name of its module} in a package of the catalogue."""
    imported = importlib.import_module(f"attnspec.{package}")
    return {
        module.name: f"{imported.__name__}.{module.name}"
        for module in pkgutil.iter_modules(imported.__path__)
        if not module.name.startswith("_")
    }


def families() -> list[str]:
    """The families of the catalogue, in alphabetical order."""
    return [*_families()]


@cache
def _families() -> Mapping[str, None]:
    return dict.fromkeys(sorted({*_modules("equations"), *_modules("procedures")}))


def load_family(family: str, packages: Iterable[str] = PACKAGES) -> None:
    """Import a family of the catalogue.

    Args:
        family: the family.
        packages: those of its packages that are needed; all of them by default.
    """
    left = [package for package in packages if f"{package}.{family}" not in _loaded and family in _modules(package)]
    if not left or family not in _families():
        return
    names = {f"{package}.{family}" for package in left}
    _loaded.update(names)  # before the imports, since these modules look up their own entries
    _under_way.append(family)
    try:
        for package in left:
            importlib.import_module(_modules(package)[family])
    except BaseException:
        _loaded.difference_update(names)
        raise
    finally:
        _under_way.remove(family)


def load_installed() -> None:
    """Import the modules that installed packages declare as definitions of equations.

    Raises:
        SpecError: one cannot be imported.
    """
    _load_group(GROUP)


def load_additions() -> None:
    """Import what installed packages declare as properties and mistakes, unless a family is just being imported.

    Raises:
        SpecError: one cannot be imported.
    """
    for group in () if _under_way else ADDITIONS:
        _load_group(group)


def _load_group(group: str) -> None:
    if group in _loaded:
        return
    _loaded.add(group)  # before the imports, since these modules look up their own entries
    from importlib.metadata import entry_points  # late: a candidate's process needs no entry points

    for point in entry_points(group=group):
        definitions.load_module(point.module)


def family_of(id: str) -> str:
    """The family of an id, which is the module that defines it: "recurrent" of "recurrent.gru"."""
    return id.partition("/")[0].rpartition(".")[0]


def name_in_family(id: str) -> str:
    """The name of an id in its family: "gru" of "recurrent.gru"."""
    return id.rpartition(".")[2]


def own_id(module: str, name: str) -> str:
    """The id of what a module defines: "family.name" in the catalogue, elsewhere "package.module.name"."""
    return f"{name_in_family(module) if is_catalogued(module) else module}.{name}"


def is_catalogued(module: ModuleType | str) -> bool:
    """Whether a module, or the module of that name, belongs to the catalogue."""
    name = module if isinstance(module, str) else module.__name__
    return name.startswith(tuple(f"attnspec.{package}." for package in PACKAGES))


class Registry(Mapping[str, T]):
    """A mapping from ids to entries: those of the catalogue by family, then those of users.

    The id of an entry is "module.name", with the packages of the module; "attnspec." may stand before an id of the
    catalogue. Iteration and `len` load all families and what installed packages define; a look-up loads only the
    family of the id, the installed packages if the catalogue does not have it, and properties and mistakes that other
    packages add to equations.

    Args:
        home: the package of the catalogue that defines the entries.
        packages: those that are loaded of a family, if not the home alone.
    """

    def __init__(self, home: str, packages: Sequence[str] = ()) -> None:
        self._entries: dict[str, T] = {}
        self._home, self._packages = home, packages or (home,)

    def _load(self, family: str) -> None:
        if family in _modules(self._home):
            load_family(family, self._packages)

    def add(self, id: str, entry: T) -> None:
        """Register an entry; it replaces an earlier one with this id, which comes from the same module."""
        self._entries[id] = entry

    def is_defined(self, id: str) -> bool:
        """Whether there is an entry with this id, without loading the catalogue."""
        return id in self._entries

    def family(self, family: str) -> list[T]:
        """The entries of one family."""
        self._load(family)
        return [entry for id, entry in self._entries.items() if family_of(id) == family]

    def near(self, family: str) -> list[T]:
        """The entries of one family, then those outside the catalogue. No other family of the catalogue is loaded."""
        load_installed()
        load_additions()
        own = self.family(family)
        known = {family, *families()}
        return [*own, *(entry for id, entry in self._entries.items() if family_of(id) not in known)]

    def __getitem__(self, id: str) -> T:
        return self._entries[self._loaded(id)]

    @overload
    def get(self, id: str, /) -> T | None: ...
    @overload
    def get(self, id: str, default: D, /) -> T | D: ...
    def get(self, id: str, default: object = None, /) -> object:
        """The entry with an id, or the default, without the error that names the nearest ones."""
        if id not in self:
            return default
        return self[id]

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and self._loaded(id) in self._entries

    def _loaded(self, id: str) -> str:
        """The id without "attnspec.", after what may define it is loaded."""
        id = id.removeprefix(ROOT)
        self._load(family_of(id))
        if id not in self._entries and family_of(id) not in _families():
            load_installed()
        load_additions()
        return id

    def __iter__(self) -> Iterator[str]:
        known = families()
        for family in known:
            self._load(family)
        load_installed()
        load_additions()
        order = {family: place for place, family in enumerate(known)}
        return iter(sorted(self._entries, key=lambda id: order.get(family_of(id), len(order))))

    def __len__(self) -> int:
        return sum(1 for _ in self)
