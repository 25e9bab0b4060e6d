"""The cases that show a verdict, in a file that `attnspec verify --inputs` and `attnspec replay` read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attnspec.errors import SpecError
from attnspec.implementation import Claim
from attnspec.verification.cases.case import Case
from attnspec.verification.cases.recorded_files import FACTS, read_facts
from attnspec.verification.options import VerifyOptions
from attnspec.verification.stored import from_stored, to_stored
from attnspec.verification.verdict import Verdict, WorstElement

FORM = 1
"""The version of the form of the facts."""

KEPT_OPTIONS = (
    "bind", "settings", "axes", "returns", "same", "weights", "claim", "equations", "time_limit", "memory_bytes",
)  # fmt: skip
"""The options of a run that say how a candidate is called and what it claims."""


def check_name(path: str) -> None:
    """Check that the name of a file ends in .npz, and that its folder is there.

    Raises:
        SpecError: one is not so.
    """
    if not Path(path).absolute().parent.is_dir():
        raise SpecError(f"cannot write cases: no folder {str(Path(path).parent)!r}", given=path, mend="make it first")
    if Path(path).suffix != ".npz":
        raise SpecError("cases are written as .npz", given=path, mend=f"--keep-case {Path(path).with_suffix('.npz')}")


def kept_text(verdict: Verdict | None, path: str, options: VerifyOptions) -> str:
    """Write the cases of a verdict to a file, and return a line on how to ask them again.

    Args:
        options: the options of the run.

    Raises:
        SpecError: the file cannot be written.
    """
    if verdict is None or not verdict.cases:
        return f"kept: no case shows a fault, so {path} is not written"
    write_cases(path, verdict.cases, facts_of(verdict, options))
    how = f"--as {verdict.equation} --dtype {verdict.dtype}"
    if verdict.backward_of:
        how = f"--as {verdict.backward_of} --backward --dtype {verdict.dtype}"
    count = "the case" if len(verdict.cases) == 1 else "the smallest case and the worst one"
    again = f"asked again by attnspec replay {path}, or by --inputs {path} --only-inputs {how}"
    return f"kept: {count} of {verdict.implementation}, {again}"


def keep_in_corpus(verdict: Verdict, options: VerifyOptions) -> None:
    """Write what a verdict has found to the corpus of a run: the cases that it fails, and the hardest of a long search.

    Raises:
        SpecError: a file cannot be written.
    """
    if options.corpus is None:
        return
    failing = verdict.cases if verdict.shown_alone and not verdict.passed else ()
    for case in (*failing, *([verdict.hardest] if verdict.hardest is not None else [])):
        content = repr(sorted((name, np.asarray(value).tolist()) for name, value in case.arguments.items()))
        digest = hashlib.sha256(f"{case.layout} {content}".encode()).hexdigest()[:12]
        file = Path(options.corpus) / f"{verdict.equation}-{digest}.npz"
        if not file.exists():
            make_folder(file.parent)
            write_cases(str(file), [case], facts_of(verdict, options))


def make_folder(folder: Path) -> None:
    """Make a folder.

    Raises:
        SpecError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SpecError(f"cannot make a folder: {error.strerror}", given=str(folder)) from error


def write_cases(path: str, cases: Sequence[Case], facts: Mapping[str, Any]) -> None:
    """Write cases to an .npz file, with what is known of them.

    Raises:
        SpecError: the file cannot be written.
    """
    arrays: dict[str, Any] = {}
    for number, case in enumerate(cases):
        before = f"{number}/" if len(cases) > 1 else ""
        arrays |= {f"{before}{name}": np.asarray(value) for name, value in case.arguments.items()}
    known = {**facts, "layouts": [case.layout for case in cases]}
    arrays[FACTS] = np.array(json.dumps(known))
    try:
        np.savez(path, **arrays)
    except OSError as error:
        raise SpecError(f"cannot write cases: {error.strerror}", given=path) from error


def facts_of(verdict: Verdict, options: VerifyOptions) -> dict[str, Any]:
    """What is needed to ask the cases of a verdict again, as values of JSON."""
    worst = verdict.worst_case if isinstance(verdict.worst_case, WorstElement) else None
    return {
        "form": FORM,
        "implementation": verdict.implementation,
        "equation": verdict.backward_of or verdict.equation,
        "backward": bool(verdict.backward_of),
        "framework": verdict.framework,
        "dtype": verdict.dtype,
        "device": verdict.device,
        "policy": verdict.judged_under,
        "seed": verdict.seed,
        "verdict": str(verdict.verdict),
        "reason": verdict.reason,
        "diagnosis": [each.says for each in verdict.diagnosis],
        "wrong": f"{worst.right}, got {worst.wrong}" if worst is not None and worst.output else "",
        "shown_alone": verdict.shown_alone,
        "options": {name: to_stored(_plain(getattr(options, name))) for name in KEPT_OPTIONS},
    }


def _plain(value: Any) -> Any:
    """The fields of a claim as a mapping; any other value as it is."""
    if not isinstance(value, Claim):
        return value
    return {name: getattr(value, name) for name in Claim.__dataclass_fields__}


def facts_in(path: str) -> dict[str, Any]:
    """What a file says of its cases, with its options restored.

    Raises:
        SpecError: it cannot be read, or `attnspec verify` has not written it.
    """
    facts = read_facts(path)
    try:
        if facts["form"] != FORM:
            raise ValueError(f"form {facts['form']}")
        options = {name: from_stored(value) for name, value in facts["options"].items() if name in KEPT_OPTIONS}
        texts = ("implementation", "equation", "framework", "dtype", "device", "policy", "verdict", "reason", "wrong")
        return {**facts, **{name: str(facts[name]) for name in texts}, "options": options}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SpecError(
            f"{path} does not say how its cases are asked",
            given=f"{type(error).__name__}: {error}",
            expected="a file that attnspec verify --keep-case wrote",
            mend=f"attnspec verify TARGET --as ID --inputs {path} --only-inputs",
        ) from None
