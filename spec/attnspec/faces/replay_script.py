"""A Python file that shows a fault without attnspec: the literal case, the expected values, and their bounds."""

from __future__ import annotations

import base64
import re
import textwrap
import zlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnspec.errors import SpecError
from attnspec.interpreters.formula.formula import text as formula
from attnspec.verification.diagnosis.worst_case import worst_element
from attnspec.verification.replaying import Replayed
from attnspec.verification.sandbox.messages import Request
from attnspec.verification.sandbox.targets import Command, File
from attnspec.verification.targeting import parse_target

MOST_LITERAL = 256
"""Arrays of more elements are packed."""

WIDTH = 100
"""The longest line of packed data, in columns."""

NEEDED = {"torch": "import torch\n", "jax": "import jax\nimport jax.numpy as jnp\n", "numpy": ""}

PACKED = """

def unpacked(data, dtype, shape):
    return np.frombuffer(zlib.decompress(base64.b64decode(data)), dtype).reshape(shape)
"""

COMPARED = """
wrong = 0
for name, value, right, bound in zip(NAMES, results, EXPECTED, BOUNDS, strict=True):
    value = np.asarray({to_numpy}, dtype=np.float64)
    if value.shape != right.shape:
        print(f"{{name}} has the shape {{value.shape}}; expected {{right.shape}}")
        wrong += 1
        continue
    same = (value == right) | (np.isnan(value) & np.isnan(right))
    with np.errstate(invalid="ignore"):
        outside = ~same & ~(np.abs(value - right) <= bound)
    for place in np.argwhere(outside)[:5]:
        at = tuple(int(k) for k in place)
        print(f"{{name}}{{list(at)}} = {{value[at]:.9g}}; expected {{right[at]:.9g}}, at most {{bound[at]:.2g}} off")
    wrong += int(outside.sum())
print(f"{{wrong}} of {{sum(right.size for right in EXPECTED)}} values are wrong" if wrong else "all values are right")
sys.exit(1 if wrong else 0)
"""


def script(found: Replayed, facts: Mapping[str, Any], target: str) -> str:
    """The text of the file.

    Args:
        found: the replay of the case.
        facts: what the file of the case says of it.
        target: the candidate.

    Raises:
        SpecError: the case shows no value, or the candidate is called in a way that the file cannot repeat.
    """
    request = found.request
    if request is None or found.question is None:
        raise SpecError("no script is written: no answer could be compared", given=found.reason)
    _check(request)
    adaptation = found.question.adaptation
    results = found.question.equation.definition.results
    outputs = [results[each.output] for each in found.shown]
    expected, bounds = (
        [
            adaptation.result_to_candidate(array, result, found.question.equation)
            for array, result in zip(arrays, outputs, strict=True)
        ]
        for arrays in (
            [each.noise.value for each in found.shown],
            [np.where(each.noise.undecidable, np.inf, each.noise.bound) for each in found.shown],
        )
    )
    body = [
        _head(found, facts, target),
        _import(target, found.question.callable.name),
        f"NAMES = {[result.name for result in outputs]!r}\n",
        _table("ARRAYS", {name: _rounded(array, request) for name, array in request.arrays.items()}),
        _list("EXPECTED", expected),
        _list("BOUNDS", bounds),
        _made(request),
        *_call(request),
        COMPARED.format(to_numpy=_to_numpy(request)),
    ]
    return "\n".join(body)


def _check(request: Request) -> None:
    """Refuse what the file cannot repeat.

    Raises:
        SpecError: with what that is.
    """
    reasons = {
        "packed weights, or those of a module": bool(request.packing or request.entries or request.made is not None),
        f"{request.layout} inputs": request.layout != "contiguous",
        "arguments in layers": any("." in name for name in request.arrays),
        "gradients of JAX": request.gradients is not None and request.framework != "torch",
    }
    for what, is_there in reasons.items():
        if is_there:
            raise SpecError(
                "no script is written of this case",
                given=what,
                expected="a function of contiguous arrays, or its gradients by PyTorch",
                mend="leave out --script",
            )


def _head(found: Replayed, facts: Mapping[str, Any], target: str) -> str:
    assert found.question is not None
    equation = found.question.called.definition
    packages = [name for name in ("numpy", facts["framework"]) if name]
    versions = ", ".join(f"{name} {_version(name)}" for name in dict.fromkeys(packages))
    gradients = "The gradients of " if facts["backward"] else ""
    element = worst_element(max(found.shown, key=lambda each: each.ratio.max(initial=0.0)), found.question.equation)
    wrong = f"{element.right}; got {element.wrong}"
    rows = [
        f'"""{target} in {facts["dtype"]} on {facts["device"]}: {wrong}.',
        "",
        f"{gradients}{target} should be",
        "",
        *textwrap.indent(formula(equation), "    ").splitlines(),
        "",
        "EXPECTED are the values of this formula in float64. BOUNDS are the largest errors that rounding can make, for",
        f"each value; infinite where it can change all of it. Seen with {versions}. Run it: python FILE.py",
        '"""',
        "",
    ]
    extra = "import base64\nimport sys\nimport zlib\n" if _is_packed(found) else "import sys\n"
    text = "\n".join(row.replace("\\", "\\\\") for row in rows)
    needed = NEEDED[facts["framework"]]
    return f"{text}\n{extra}\nimport numpy as np\n{needed}{PACKED if _is_packed(found) else ''}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "?"


def _is_packed(found: Replayed) -> bool:
    assert found.request is not None
    arrays = [*found.request.arrays.values(), *(each.answer for each in found.shown)]
    return any(array.size > MOST_LITERAL for array in arrays)


def _import(target: str, name: str) -> str:
    """The lines that import the callable, as `function`."""
    _, aim = parse_target(target)
    if isinstance(aim, Command) or (isinstance(aim, File) and aim.is_program):
        raise SpecError(
            f"no script is written of {target}, which is not Python", given=target, mend="leave out --script"
        )
    if isinstance(aim, File):
        path = Path(aim.path).absolute()
        module = path.stem
        before = f"sys.path.insert(0, {str(path.parent)!r})  # where {path.name} is\n"
    else:
        module, before = str(aim).partition(":")[0], "sys.path.insert(0, '.')\n"
    if isinstance(aim, File) and not module.isidentifier():
        raise SpecError("no script is written of a file whose name is no name of a module", given=str(aim.path))
    called = (aim.callable or name) if not hasattr(aim, "data") else name
    first, *rest = called.split(".")
    attribute = "".join(f".{part}" for part in rest)
    return f"{before}from {module} import {first}  # noqa: E402\n\nfunction = {first}{attribute}\n"


def _rounded(array: NDArray[Any], request: Request) -> NDArray[Any]:
    """An argument in the dtype whose shortest decimals give it again."""
    if array.dtype.kind != "f":
        return array
    return array.astype("float32" if request.dtype == "bfloat16" else request.dtype)


def _table(name: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    rows = [f"    {key!r}: {_literal(array)}," for key, array in arrays.items()]
    return "\n".join([f"{name} = {{", *rows, "}"])


def _list(name: str, arrays: Sequence[NDArray[Any]]) -> str:
    return "\n".join([f"{name} = [", *(f"    {_literal(np.asarray(array))}," for array in arrays), "]"])


def _literal(array: NDArray[Any]) -> str:
    """An expression that makes an array."""
    array = np.ascontiguousarray(array) if array.ndim else array
    if array.size > MOST_LITERAL or not array.size:
        if not array.size:
            return f"np.zeros({array.shape}, np.{array.dtype.name})"
        data = base64.b64encode(zlib.compress(array.tobytes(), 9)).decode()
        lines = [f'        "{data[k : k + WIDTH]}"' for k in range(0, len(data), WIDTH)]
        return "unpacked(\n" + "\n".join(lines) + f",\n        {array.dtype.str!r}, {array.shape})"
    return f"np.array({_nested(array)}, np.{array.dtype.name.replace('bool', 'bool_')})"


def _nested(array: NDArray[Any]) -> str:
    if array.ndim:
        return f"[{', '.join(_nested(row) for row in array)}]"
    value: Any = array[()]
    if isinstance(value, np.floating):
        return str(value) if np.isfinite(value) else f"{'-' * bool(value < 0)}np.{str(value).lstrip('-')}"
    return str(value)


def _made(request: Request) -> str:
    """The lines that make arrays of the framework."""
    device, dtype = request.device, request.dtype
    if request.framework == "torch":
        each = f"torch.tensor(a, dtype=torch.{dtype} if a.dtype.kind == 'f' else None, device={device!r})"
    elif request.framework == "jax":
        x64 = 'jax.config.update("jax_enable_x64", True)\n' if dtype == "float64" else ""
        return (
            f"{x64}A = {{k: jnp.asarray(a, jnp.{dtype} if a.dtype.kind == 'f' else None) for k, a in ARRAYS.items()}}"
        )
    else:
        each = "np.asarray(a)"
    return f"A = {{k: {each} for k, a in ARRAYS.items()}}"


def _call(request: Request) -> Iterator[str]:
    """The lines that call the candidate and take its results."""
    if request.gradients is not None:
        yield f"for k in {list(request.gradients.inputs)!r}:\n    A[k].requires_grad_()"
    values = {name: f"A[{name!r}]" for name in request.arrays}
    values |= {name: repr(value) for name, value in request.options.items()}
    values["dtype"] = {"torch": f"torch.{request.dtype}", "jax": f"jnp.{request.dtype}"}.get(
        request.framework, f"np.{request.dtype}"
    )
    given = [values[argument] for parameter, argument in request.call_by if parameter is None]
    given += [f"{parameter}={values[argument]}" for parameter, argument in request.call_by if parameter is not None]
    given += [f"{name}={value!r}" for name, value in request.settings.items()]
    yield f"answer = function({', '.join(given)})"
    outputs = request.outputs if request.gradients is None else request.gradients.outputs
    if request.returns:
        yield f"results = [{', '.join(_at(path) for path in request.returns)}]"
    else:
        yield "results = list(answer)" if outputs > 1 else "results = [answer]"
    if request.gradients is not None:
        yield from _gradients(request)


def _gradients(request: Request) -> Iterator[str]:
    assert request.gradients is not None
    if request.gradients.floating:
        yield f"results = [r for r, floating in zip(results, {request.gradients.floating!r}) if floating]"
    inputs = ", ".join(f"A[{name!r}]" for name in request.gradients.inputs)
    given = ", ".join(f"A[{name!r}]" for name in request.gradients.output_gradients)
    yield f"inputs = [{inputs}]"
    yield f"found = torch.autograd.grad(results, inputs, [{given}], allow_unused=True)"
    yield "results = [torch.zeros_like(i) if g is None else g for i, g in zip(inputs, found)]"


def _at(path: Sequence[str]) -> str:
    parts = [f"[{part}]" if re.fullmatch(r"-?\d+", part) else f".{part}" for part in path]
    return "answer" + "".join(parts)


def _to_numpy(request: Request) -> str:
    return "value.detach().cpu().double().numpy()" if request.framework == "torch" else "value"
