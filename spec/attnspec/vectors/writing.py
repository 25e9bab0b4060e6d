"""Write a set of vectors: JSON, npy, safetensors, a table, a README, a schema and checksums, always the same bytes."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import math
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError
from attnspec.language.equation import Equation
from attnspec.vectors.choosing import Vectors
from attnspec.verification.cases.case import Case

Array = NDArray[Any]

FORMAT = 1
"""The version of the format."""


def write(vectors: Vectors, folder: Path) -> int:
    """Write the files of a set into a folder, which is made.

    Returns:
        The number of bytes.

    Raises:
        SpecError: safetensors is not installed, or a file cannot be written.
    """
    if find_spec("safetensors") is None:
        mend = 'pip install "attnspec[inputs]"'
        raise SpecError("vectors need the package safetensors", given="it is not installed", mend=mend)
    contents = _contents(vectors)
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(contents.items()))
    contents["SHA256SUMS"] = sums.encode()
    try:
        for name, data in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    except OSError as error:
        raise SpecError(f"cannot write vectors: {error.strerror}", given=str(folder)) from error
    return sum(map(len, contents.values()))


def _contents(vectors: Vectors) -> dict[str, bytes]:
    """{name of a file: its bytes}."""
    arrays = {f"npy/{name}.npy": array for name, array in _arrays(vectors).items()}
    save: Any = importlib.import_module("safetensors.numpy").save
    schema = files("attnspec.vectors") / "vectors.schema.json"
    return {
        "vectors.json": (json.dumps(document(vectors), indent=1, ensure_ascii=False) + "\n").encode(),
        "vectors.tsv": _table(vectors).encode(),
        "vectors.safetensors": save(dict(_arrays(vectors))),
        "vectors.schema.json": schema.read_bytes(),
        "README.md": _readme(vectors).encode(),
        **{name: _npy(array) for name, array in arrays.items()},
    }


def ids(vectors: Vectors) -> list[str]:
    """The id of each case: a digest of the equation, the dtype and what the case was made from."""
    texts = [f"{vectors.equation.id} {vectors.dtype} {case.description}" for case in vectors.cases]
    return [hashlib.sha256(text.encode()).hexdigest()[:10] for text in texts]


def document(vectors: Vectors) -> dict[str, Any]:
    """The JSON document, as vectors.schema.json describes it."""
    equation, numbered = vectors.equation, ids(vectors)
    results = [result.name for result in equation.definition.results]
    return {
        "format": FORMAT,
        "equation": equation.id,
        "formula": equation.text(),
        "dtype": vectors.dtype,
        "policy": vectors.policy,
        "rule": "an element is right if |got - expected| <= bound",
        "score": {"caught": len(vectors.caught), "killable": vectors.killable, "of": vectors.of},
        "cases": [_case(vectors, place, id) for place, id in enumerate(numbered)],
        "mistakes": [
            {
                "id": mutant.id,
                "says": mutant.says,
                "kind": mutant.kind,
                "links": links().get(mutant.id, []),
                "witnesses": [
                    {
                        "case": numbered[each.case],
                        "output": results[each.output],
                        "index": each.index,
                        "value": _number(each.value),
                    }
                    for each in witnesses
                ],
            }
            for mutant, witnesses in vectors.caught
        ],
        "missed": [{"id": mutant.id, "says": mutant.says} for mutant in vectors.missed],
    }


def links() -> Mapping[str, list[str]]:
    """{id of a mistake or convention: addresses of public reports on it}."""
    text = (files("attnspec.vectors") / "links.toml").read_text(encoding="utf-8")
    return {key: list(value) for key, value in tomllib.loads(text).items()}


def _case(vectors: Vectors, place: int, id: str) -> dict[str, Any]:
    case = vectors.cases[place]
    return {
        "id": id,
        "made_from": str(case.description),
        "inputs": {name: _array(_stored(array, vectors.dtype)) for name, array in case.arrays.items()},
        "options": dict(case.options),
        "outputs": {
            result.name: {
                **_array(vectors.noises[next(iter(vectors.noises))][place][position].value),
                "bounds": {
                    policy: [_number(each) for each in _bound(vectors, policy, place, position).ravel().tolist()]
                    for policy in vectors.noises
                },
            }
            for position, result in enumerate(vectors.equation.definition.results)
        },
    }


def _bound(vectors: Vectors, policy: str, place: int, position: int) -> Array:
    """The bound of each element; infinite where rounding noise exceeds the signal, so that it cannot be judged."""
    noise = vectors.noises[policy][place][position]
    return np.where(noise.undecidable, np.inf, noise.bound)


def _stored(array: Array, dtype: str) -> Array:
    """An input in its dtype; bfloat16 as float32 of the same values."""
    return array.astype("float32" if dtype == "bfloat16" else dtype) if array.dtype.kind == "f" else array


def _array(array: Array) -> dict[str, Any]:
    return {
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "data": [_number(each) for each in array.ravel().tolist()],
    }


def _number(value: Any) -> Any:
    """A number of JSON, which has neither NaN nor infinities."""
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _arrays(vectors: Vectors) -> dict[str, Array]:
    """Every array by "case/inputs/name", "case/outputs/name" or "case/bounds/policy/name"."""
    arrays: dict[str, Array] = {}
    for place, id in enumerate(ids(vectors)):
        case: Case = vectors.cases[place]
        arrays |= {f"{id}/inputs/{key}": _stored(array, vectors.dtype) for key, array in case.arrays.items()}
        for position, result in enumerate(vectors.equation.definition.results):
            first = vectors.noises[next(iter(vectors.noises))]
            arrays[f"{id}/outputs/{result.name}"] = first[place][position].value
            for policy in vectors.noises:
                arrays[f"{id}/bounds/{policy}/{result.name}"] = _bound(vectors, policy, place, position)
    return {key: np.ascontiguousarray(array) for key, array in arrays.items()}


def _npy(array: Array) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def _table(vectors: Vectors) -> str:
    """The set for readers without JSON: a row each, columns by tabs, numbers as C prints them."""
    rows: list[tuple[object, ...]] = [("equation", vectors.equation.id, vectors.dtype)]
    content = document(vectors)
    for case in content["cases"]:
        id = case["id"]
        rows.append(("case", id, case["made_from"]))
        rows += [("input", id, name, f"npy/{id}/inputs/{name}.npy") for name in case["inputs"]]
        rows += [("option", id, name, value) for name, value in case["options"].items()]
        rows += [
            ("output", id, name, f"npy/{id}/outputs/{name}.npy", f"npy/{id}/bounds/{vectors.policy}/{name}.npy")
            for name in case["outputs"]
        ]
    for mistake in content["mistakes"]:
        rows.append(("mistake", mistake["id"], mistake["kind"], mistake["says"], " ".join(mistake["links"])))
        rows += [
            ("witness", each["case"], each["output"], each["index"], each["value"]) for each in mistake["witnesses"]
        ]
    return "".join("\t".join(str(cell).replace("\n", " ") for cell in row) + "\n" for row in rows)


def _readme(vectors: Vectors) -> str:
    equation: Equation[..., Any] = vectors.equation
    lines = [
        f"# Vectors of {equation.id}, {vectors.dtype}",
        "",
        "```",
        equation.text(),
        "```",
        "",
        "An element of an output is right if |got − expected| ≤ bound. A bound is given for each precision policy: how",
        "an implementation may round inside. It is infinite where no answer can be judged. Arrays are row-major, of",
        "one example, without batch axes; matrices multiply from the right, x W.",
        "",
        f"{len(vectors.cases)} cases catch {len(vectors.caught)} of {vectors.of} known mistakes, {vectors.killable} of",
        "which cases of this size can catch.",
        "",
        "| file | content |",
        "|---|---|",
        "| `vectors.json` | everything; `vectors.schema.json` describes it |",
        "| `vectors.tsv`, `npy/` | the same as a table with tabs, and the arrays |",
        "| `vectors.safetensors` | the arrays in one file |",
        "| `SHA256SUMS` | checksums, for `sha256sum -c` |",
    ]
    told = [(mutant, links().get(mutant.id, [])) for mutant, _ in vectors.caught if mutant.kind == "convention"]
    if told:
        lines += ["", "Other conventions, which these cases tell apart:", ""]
        lines += [f"- {mutant.says}{''.join(f' ({link})' for link in found)}" for mutant, found in told]
    return "\n".join(lines) + "\n"
