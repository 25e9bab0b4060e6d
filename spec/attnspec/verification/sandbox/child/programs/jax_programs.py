"""Programs of jax.export, .jax, and modules of StableHLO, .mlir, run by JAX."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from attnspec.errors import TargetError
from attnspec.verification.sandbox.child.programs.program import OPEN, Inputs, Program, Shape

T = TypeVar("T")
Type = tuple[Shape, str]

DTYPES = {"f64": "float64", "f32": "float32", "f16": "float16", "bf16": "bfloat16", "i64": "int64", "i32": "int32"}
DTYPES |= {"i1": "bool"}
"""{type of an element in StableHLO: its dtype}."""


def load(path: Path, name: str) -> dict[str, Program]:
    """The program of a file.

    Raises:
        TargetError: it is not an exported program, or a part of it is named.
    """
    if name:
        raise TargetError(f"a part of {path.name} cannot be named", given=name, expected=path.name)
    reader, expected = READERS[path.suffix]
    try:
        exported = reader(path.read_bytes())
        return {path.stem: JaxProgram(exported)}
    except ImportError:
        raise
    except Exception as error:
        given = f"{type(error).__name__}: {error!s:.300}"
        raise TargetError(f"{path.name} cannot be loaded", given=given, expected=expected) from error


class JaxProgram(Program):
    """An exported program. What it takes beside its inputs, such as a dictionary of weights, is an input too."""

    framework = "jax"
    untraced = "it is a compiled program"

    def __init__(self, exported: Any) -> None:
        self._exported = exported
        self._inputs = dict(zip(_names(exported), exported.in_avals, strict=True))

    @property
    def inputs(self) -> Mapping[str, Shape | None]:
        """The leaves of its arguments, in order."""
        return {name: tuple(_size(each) for each in aval.shape) for name, aval in self._inputs.items()}

    @property
    def dtype(self) -> str:
        """The dtype of the first floating-point input."""
        dtypes = [str(aval.dtype) for aval in self._inputs.values()]
        return next((dtype for dtype in dtypes if "float" in dtype), "float32")

    def run(self, inputs: Inputs, weights: Inputs) -> Sequence[Any]:
        """Run the program."""
        import jax

        leaves = [inputs[name] for name in self._inputs]
        args, kwargs = jax.tree_util.tree_unflatten(self._exported.in_tree, leaves)
        return list(jax.tree_util.tree_leaves(self._exported.call(*args, **kwargs)))


def _deserialized(data: bytes) -> Any:
    from jax import export

    return export.deserialize(bytearray(data))


def _compiled(data: bytes) -> Any:
    """A module of StableHLO as an exported program: that of a function of the same types, with another body.

    Raises:
        ValueError: a size is open, or there is a type that arrays do not have.
    """
    import jax
    from jax.extend import mlir
    from jax.extend.mlir.dialects import stablehlo

    artifact = mlir.serialize_portable_artifact(data.decode(), stablehlo.get_current_version())
    taken, returned = _in_module(artifact, _types_of_main)
    like = jax.jit(lambda *_: tuple(jax.numpy.zeros(shape, dtype) for shape, dtype in returned), keep_unused=True)
    struct: Any = jax.ShapeDtypeStruct
    exported = jax.export.export(like)(*(struct(*each) for each in taken))
    return replace(exported, mlir_module_serialized=artifact)


def _in_module(artifact: bytes, read: Callable[[Mapping[str, Any]], T]) -> T:
    """What is read in the functions of a module, by name, while it is open."""
    from jax.extend.mlir import deserialize_portable_artifact, ir
    from jax.extend.mlir.dialects import stablehlo

    with ir.Context() as context:
        stablehlo.register_dialect(context)
        module = deserialize_portable_artifact(artifact)
        return read({each.sym_name.value: each for each in module.body.operations})


def _types_of_main(functions: Mapping[str, Any]) -> tuple[list[Type], list[Type]]:
    """The shapes and dtypes that the function `main` takes and returns.

    Raises:
        ValueError: there is no such function; a size is open; or there is a type that arrays do not have.
    """
    if "main" not in functions:
        raise ValueError(f"no function main; there are {', '.join(functions)}")
    type_ = functions["main"].type
    return [_type(each) for each in type_.inputs], [_type(each) for each in type_.results]


def _type(type_: Any) -> Type:
    *sizes, element = re.sub(r"^tensor<|[,>].*$", "", str(type_)).split("x")
    if "?" in sizes:
        raise ValueError(f"{type_} has an open size: write it by jax.export, which keeps which sizes are equal")
    if element not in DTYPES:
        raise ValueError(f"{type_} is not an array of {', '.join(DTYPES)}")
    return tuple(map(int, sizes)), DTYPES[element]


def _names(exported: Any) -> list[str]:
    """The names of the inputs in the source, of a dictionary the keys; input0 and so on if the program lost them."""
    count = len(exported.in_avals)

    def named(functions: Mapping[str, Any]) -> list[str]:
        for function in functions.values():
            arguments = list(function.arguments)[-count:]  # sizes come first
            names = [_last_word(str(each.location)) for each in arguments]
            if len(set(names)) == count and all(names):
                return names
        return [f"input{place}" for place in range(count)]

    return _in_module(exported.mlir_module_serialized, named)


def _last_word(location: str) -> str:
    """The last name in a location such as loc("params['W']"); "" if there is none."""
    [*_, word] = ["", *re.findall(r"[A-Za-z_]\w*", location.removeprefix("loc"))]
    return "" if word == "unknown" else word


def _size(size: Any) -> int:
    return size if isinstance(size, int) else OPEN


READERS: Mapping[str, tuple[Callable[[bytes], Any], str]] = {
    ".jax": (_deserialized, "what jax.export.export(…)(…).serialize() returns"),
    ".mlir": (_compiled, "a module of StableHLO as text, such as jax.jit(f).lower(…).as_text()"),
}
"""{suffix: what reads the content of a file, and what the content is}."""
