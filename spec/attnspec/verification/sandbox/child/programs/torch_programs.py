"""Programs of torch.export, .pt2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attnspec.errors import TargetError
from attnspec.verification.sandbox.child.programs.program import OPEN, Inputs, Program, Shape


def load(path: Path, name: str) -> dict[str, Program]:
    """The program of a file.

    Raises:
        TargetError: it is not an exported program, or a part of it is named.
    """
    if name:
        raise TargetError(f"a part of {path.name} cannot be named", given=name, expected=path.name)
    import torch

    try:
        exported = torch.export.load(path)
    except Exception as error:
        expected = "a file that torch.export.save has written"
        raise TargetError(f"{path.name} cannot be loaded", given=str(error)[:300], expected=expected) from error
    return {path.stem: TorchProgram(exported)}


class TorchProgram(Program):
    """An exported program with the weights that its file holds, or others."""

    framework = "torch"

    def __init__(self, exported: Any) -> None:
        self._module = exported.module()
        signature = exported.graph_signature
        placeholders = {node.name: node.meta.get("val") for node in exported.graph.nodes if node.op == "placeholder"}
        self._inputs = {name: placeholders[name] for name in signature.user_inputs if isinstance(name, str)}

    @property
    def inputs(self) -> Mapping[str, Shape | None]:
        """The inputs, in order."""
        return {name: _shape(value) for name, value in self._inputs.items()}

    @property
    def dtype(self) -> str:
        """The dtype of the first floating-point input, else of the first weight."""
        import torch

        values = [value for value in self._inputs.values() if isinstance(value, torch.Tensor)]
        dtypes = [value.dtype for value in (*values, *self._module.parameters()) if value.dtype.is_floating_point]
        return str(dtypes[0]).removeprefix("torch.") if dtypes else "float32"

    @property
    def weights(self) -> Mapping[str, Any]:
        """The parameters; bfloat16 as float32."""
        return {name: _values(weight) for name, weight in self._module.named_parameters()}

    def run(self, inputs: Inputs, weights: Inputs) -> Sequence[Any]:
        """Run the program. Its inputs are positional, in the order in which it was exported."""
        import torch

        arguments = tuple(inputs[name] for name in self._inputs)
        result = (
            torch.func.functional_call(self._module, dict(weights), arguments) if weights else self._module(*arguments)
        )
        return list(result) if isinstance(result, tuple | list) else [result]


def _shape(value: Any) -> Shape | None:
    if not hasattr(value, "shape"):
        return None
    return tuple(size if isinstance(size, int) else OPEN for size in value.shape)


def _values(weight: Any) -> Any:
    weight = weight.detach()
    return (weight.float() if str(weight.dtype) == "torch.bfloat16" else weight).numpy()
