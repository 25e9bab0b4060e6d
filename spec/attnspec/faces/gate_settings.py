"""The settings of `attnspec gate`: the table `gate` of [tool.attnspec] in pyproject.toml, or of attnspec.toml.

[tool.attnspec.gate]
required = ["attention.scaled_dot_product*"]
dtypes = ["float32", "bfloat16"]
known = "departures.toml"

[[tool.attnspec.gate.implementations]]
target = "kernels.py:attention"
equation = "attention.scaled_dot_product"
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from attnspec.errors import SpecError, TargetError, UnknownName, nearest
from attnspec.faces import project
from attnspec.faces.gate_targets import target_of
from attnspec.language.equation import REGISTRY
from attnspec.language.procedure import PROCEDURES
from attnspec.verification.cases.corpus import check_corpus
from attnspec.verification.options import VerifyOptions
from attnspec.verification.session import prepared

SHARED: Mapping[str, type | tuple[type, ...]] = {
    "dtypes": list,
    "devices": list,
    "policy": str,
    "examples": int,
    "seed": int,
    "time_limit": (int, float),
}
"""{setting of an implementation that the gate may have for all: its type}."""

OWN: Mapping[str, type | tuple[type, ...]] = {
    "target": str,
    "command": list,
    "equation": str,
    "framework": str,
    "bind": dict,
    "settings": dict,
    "axes": str,
    "returns": (int, str, list),
    "same": dict,
    "weights": dict,
    "claim": dict,
    "backward": bool,
}
"""{setting of one implementation: its type}."""

GATE: Mapping[str, type | tuple[type, ...]] = {"implementations": list, "required": list, "known": str, "corpus": str}
"""{setting of the gate itself: its type}."""

SEVERAL = ("dtypes", "devices", "batch", "forms")
"""The parts of a claim that have several values."""

A_FIRST_ONE = '[[tool.attnspec.gate.implementations]] with target = "FILE.py:callable" and equation = "ID"'
"""How implementations are named, for those who have none yet."""

CLAIM: Mapping[str, type | tuple[type, ...]] = {
    "dtypes": (str, list),
    "devices": (str, list),
    "policy": str,
    "smallest": dict,
    "multiple": dict,
    "batch": (int, list),
    "finite": bool,
    "contiguous": bool,
    "deterministic": (bool, list),
    "splits": dict,
    "backward": bool,
    "double_backward": bool,
    "forms": (str, list),
}
"""{part of a claim: its type}."""

WITHIN: Mapping[str, type] = {
    **dict.fromkeys(("dtypes", "devices", "required", "forms", "deterministic", "bind", "same", "weights"), str),
    **dict.fromkeys(("batch", "smallest", "multiple", "splits"), int),
}
"""{setting that is a list or a table: the type of its values}."""

WORDS = {
    list: "a list",
    dict: "a table",
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}


@dataclass(frozen=True, slots=True)
class Job:
    """One implementation on one device.

    Attributes:
        target: its name, as `attnspec.verify` takes it.
        options: the options of `attnspec.verify`.
    """

    target: str
    options: VerifyOptions


@dataclass(frozen=True, slots=True)
class Gate:
    """The settings of a gate.

    Attributes:
        file: the file that they are from.
        jobs: what is verified, in order.
        required: the ids that need a verdict, in the order of their patterns.
        known: the file of known departures; "" if there is none.
        corpus: the folder of cases that failed once; "" if none are kept.
    """

    file: Path
    jobs: tuple[Job, ...]
    required: tuple[str, ...] = ()
    known: str = ""
    corpus: str = ""


def read(folder: Path, *, known_may_be_new: bool = False) -> Gate:
    """Read the settings of the nearest attnspec.toml or pyproject.toml. Files in them are relative to it.

    Args:
        folder: the current folder.
        known_may_be_new: whether the settings must name a file of known departures, which need not exist.

    Raises:
        UnknownName: an equation, dtype, device or policy does not exist, or a pattern matches no equation.
        TargetError: a file of an implementation does not exist.
        SpecError: there are no settings or no implementations, or a setting is unknown or of another type.
    """
    file, settings = project.settings(folder)
    table = settings.get("gate")
    if file is None or table is None:
        raise SpecError(
            "no gate is set up here",
            given=f"no table `gate` in {file}" if file else f"no pyproject.toml or attnspec.toml in {folder} or above",
            expected="[tool.attnspec.gate] in pyproject.toml, or [gate] in attnspec.toml",
            mend=A_FIRST_ONE,
        )
    if not isinstance(table, dict):
        raise SpecError(f"{file}: gate is not a table", given=f"gate = {table!r:.60}", expected="[tool.attnspec.gate]")
    check(table, {**GATE, **SHARED}, f"{file}: gate")
    entries = table.get("implementations", [])
    if not entries:
        expected = "one or more, so that something is verified"
        raise SpecError(f"{file}: gate has no implementations", expected=expected, mend=A_FIRST_ONE)
    shared = {name: value for name, value in table.items() if name in SHARED}
    numbered: list[tuple[int, Job]] = []
    for number, entry in enumerate(entries, 1):
        for job in _jobs(entry, shared, file, number):
            before = next((earlier for earlier, other in numbered if other == job), None)
            if before is not None:
                again = f"implementation {before} again" if before != number else "named twice on one device"
                mend = "remove one, or give them other settings"
                headline = f"{file}: implementation {number} is {again}"
                raise SpecError(headline, given=f"{job.target} twice", expected="each once", mend=mend)
            numbered.append((number, job))
    known = table.get("known", "")
    if known_may_be_new and not known:
        raise SpecError(f"{file}: gate names no file of known departures", mend='known = "departures.toml"')
    if known and not known_may_be_new and not (file.parent / known).is_file():
        near = nearest(known, [each.name for each in file.parent.glob("*.toml") if each != file])
        mend = near or "attnspec gate --accept writes it; an empty file will do too"
        raise TargetError(f"{file}: no file {known!r}", given=f"known = {known!r}", mend=mend)
    known = os.path.relpath(file.parent / known) if known else ""
    corpus = os.path.relpath(file.parent / table["corpus"]) if table.get("corpus") else ""
    check_corpus(corpus or ".")
    return Gate(
        file, tuple(job for _, job in numbered), tuple(_required(table.get("required", []), file)), known, corpus
    )


def check(table: Mapping[str, Any], types: Mapping[str, type | tuple[type, ...]], where: str) -> None:
    """Check the names and types of settings.

    Raises:
        SpecError: a name is unknown, or a value is of another type.
    """
    for name, value in table.items():
        if name not in types:
            mend = nearest(name, types)
            raise SpecError(f"{where} has no setting {name!r}", given=name, expected=", ".join(types), mend=mend)
        type_ = types[name]
        wanted = type_ if isinstance(type_, tuple) else (type_,)
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            expected = " or ".join(WORDS[each] for each in wanted)
            mend = _as_a_list(name, value) if list in wanted else ""
            given = f"{name} = {value!r:.60}"
            raise SpecError(f"{where}: {name} has another type", given=given, expected=expected, mend=mend)
        _check_within(name, value, where)


def _as_a_list(name: str, value: Any) -> str:
    """What is to be written if a list is wanted, and one text or one table is given; "" of anything else."""
    if isinstance(value, str):
        return f"{name} = {shlex.split(value) if name == 'command' else [value]}".replace("'", '"')
    return f"two brackets, as each table is one of several: [[….{name}]]" if isinstance(value, dict) else ""


def _check_within(name: str, value: Any, where: str) -> None:
    """Check that lists of names are not empty, and that lists and tables have no values of other types."""
    values = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
    if name == "splits":
        values = [part for each in values for part in (each if isinstance(each, list) else [str(each)])]
    if name in ("dtypes", "devices", "required") and not values:
        raise SpecError(f"{where}: {name} is not a list of names", given=f"{name} = {value!r:.60}", expected='["…", …]')
    if name == "returns" and value == []:
        expected = "the place of a result, or a list of places"
        raise SpecError(f"{where}: returns is an empty list", given="returns = []", expected=expected)
    if name in WITHIN and isinstance(value, list | dict) and any(type(each) is not WITHIN[name] for each in values):
        expected = f"{WORDS[type(value)]} in which each value is {WORDS[WITHIN[name]]}"
        raise SpecError(f"{where}: {name} has another type", given=f"{name} = {value!r:.60}", expected=expected)


def _jobs(entry: Any, shared: Mapping[str, Any], file: Path, number: int) -> Iterator[Job]:
    """The jobs of one entry: one for each device."""
    where = f"{file}: implementation {number}"
    entry = {"target": entry} if isinstance(entry, str) else entry
    if not isinstance(entry, dict):
        raise SpecError(f"{where} is not a table", given=f"{entry!r:.60}", expected='a name, or a table with "target"')
    check(entry, {**OWN, **SHARED}, where)
    target = target_of(entry, file, where)
    options = {**shared, **{name: value for name, value in entry.items() if name not in ("target", "command")}}
    dtypes, devices = options.pop("dtypes", None), options.pop("devices", ["cpu"])
    if "claim" in options:
        claim = options["claim"]
        check({name: value for name, value in claim.items() if name in CLAIM}, CLAIM, f"{where}: claim")
        options["claim"] = _claim(claim)
    for device in devices:
        job = Job(target, VerifyOptions(**options, device=device, dtypes=tuple(dtypes) if dtypes else None))
        try:
            prepared(job.target, job.options)  # it loads the equations that the target defines
        except SpecError as error:
            error.headline = f"{where}: {error.headline}"
            raise
        yield job


def _claim(table: Mapping[str, Any]) -> dict[str, Any]:
    """A claim has tuples, where TOML has lists, or a single value as `--claim batch=0` does."""
    lists = {name: value if isinstance(value, list) else [value] for name, value in table.items() if name in SEVERAL}
    tuples = {name: tuple(value) for name, value in {**table, **lists}.items() if isinstance(value, list)}
    splits = {name: tuple(value) for name, value in table.get("splits", {}).items()}
    return {**table, **tuples, **({"splits": splits} if splits else {})}


def _required(patterns: Sequence[str], file: Path) -> list[str]:
    """The ids that patterns match, each once.

    Raises:
        UnknownName: a pattern matches none.
    """
    known = [*REGISTRY, *PROCEDURES] if patterns else []  # it loads the whole catalogue
    ids: dict[str, None] = {}
    for pattern in patterns:
        matched = [id for id in known if fnmatchcase(id, pattern)]
        if not matched:
            mend = nearest(pattern.replace("*", ""), known)
            raise UnknownName(f"{file}: no equation matches {pattern!r}", given=pattern, expected="an id", mend=mend)
        ids |= dict.fromkeys(matched)
    return list(ids)
