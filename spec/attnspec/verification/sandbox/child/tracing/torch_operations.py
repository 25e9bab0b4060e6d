"""PyTorch code, followed operation by operation: beside each tensor stands an array of balls.

The operations are those of the aten library that reach the dispatcher, in the forward pass and in the backward pass;
PyTorch has taken apart what is composed of others.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from attnspec.interpreters.balls.arrays import BallArray, complex_constants, constants, exactly, is_complex
from attnspec.interpreters.balls.ball import Ball, Undecided, Untraceable
from attnspec.verification.sandbox.child.tracing import aten
from attnspec.verification.sandbox.child.tracing.aten_arguments import as_type_of
from attnspec.verification.sandbox.child.tracing.aten_windows import in_memory
from attnspec.verification.sandbox.child.tracing.functions import unknown

READS = (
    "item",
    "numpy",
    "tolist",
    "__array__",
    "__float__",
    "__int__",
    "__index__",
    "__complex__",
    "data_ptr",
    "__dlpack__",
)
"""Methods through which numbers leave PyTorch; those of `item` and `tolist` stay balls, and can be compared."""

WITHOUT_NUMBERS = (
    "promote_types",
    "result_type",
    "can_cast",
    "is_same_size",
    "sym_size",
    "sym_stride",
    "sym_numel",
    "_linalg_check_errors",
    "_has_same_storage_numel",
)
"""Operations on dtypes and shapes, and on whether others went well."""


class Tracer:
    """The arrays of balls beside the tensors of one call."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        self._known: dict[object, Any] = {}
        self._alive: list[Any] = []
        self._copied = set[int]()  # where memory begins of which a view is a copy here
        self.inside = False
        self.following: Any = None

    def enter(self, tensor: Any, exact: bool = True) -> None:
        """Put an array beside an input."""
        values = tensor.detach().double() if tensor.is_floating_point() else tensor.detach()
        array = values.cpu().numpy().copy()
        self.keep(tensor, exactly(array) if tensor.is_floating_point() and exact else array)

    def keep(self, tensor: Any, array: Any) -> None:
        """Put an array beside a tensor."""
        if tuple(array.shape) != tuple(tensor.shape):
            raise Untraceable("an operation gives another shape in balls")
        self._alive.append(tensor)
        self._known[_key(tensor)] = array

    def array(self, tensor: Any) -> Any:
        """The array beside a tensor; that of a constant if it was made before."""
        if (key := _key(tensor)) not in self._known:
            self.keep(tensor, self._constant(tensor.detach()))
        return self._known[key]

    def _constant(self, tensor: Any) -> Any:
        """A tensor that no operation has made, by the format that it is written in."""
        if tensor.is_complex():
            return complex_constants(tensor.resolve_conj().resolve_neg().cpu().numpy())
        if not tensor.is_floating_point():
            return tensor.cpu().numpy().copy()
        dtype = str(tensor.dtype).removeprefix("torch.")
        return constants(tensor.double().cpu().numpy(), dtype)

    def operate(self, operation: Any, args: Any, kwargs: Any) -> Any:
        """Run an operation on tensors and on the arrays beside them."""
        name = str(operation)
        if name.startswith("aten."):
            name = name.split(".")[1]
        if name in ("_local_scalar_dense", "is_nonzero", "equal"):
            return self._read(operation, args, kwargs)
        if name in WITHOUT_NUMBERS or name.startswith("profiler"):
            return operation(*args, **kwargs)
        in_place = name.endswith("_") and not name.endswith("__")
        function = aten.OPERATIONS.get(name.rstrip("_") if in_place else name)
        if name == "as_strided":
            function = partial(self._in_memory, args[0])
        if function is None:
            return self._taken_apart(operation, name, args, kwargs)
        written = args[0] if in_place else kwargs.get("out")
        if written is not None and _memory(written) in self._copied:
            raise Untraceable("it writes into a view")
        arrays, options = self._arrays(args), self._arrays(kwargs)
        result = operation(*args, **kwargs)
        found = function(*arrays, **{key: value for key, value in options.items() if key not in aten.IGNORED})
        if written is None or name in aten.RESHAPED_IN_PLACE:
            self._keep_all(name, result, found, arrays)
        else:
            self._write(written, found)
        return result

    def _taken_apart(self, operation: Any, name: str, args: Any, kwargs: Any) -> Any:
        """Run an operation as PyTorch writes it by others, of which each is followed.

        Raises:
            Untraceable: PyTorch does not write it so.
        """
        listed = name.startswith("_foreach_")
        apart: Any = _for_each(self.torch, name) if listed else _decompositions().get(operation, _in_python(operation))
        if apart is None and not (hasattr(operation, "_can_decompose") and operation._can_decompose()):
            raise Untraceable(f"{operation} has no meaning in balls")
        self.inside = False
        try:
            with self.following:
                return operation.decompose(*args, **kwargs) if apart is None else apart(*args, **kwargs)
        finally:
            self.inside = True

    def _in_memory(self, tensor: Any, x: Any, size: Any, stride: Any, offset: Any = None) -> Any:
        """A part of the memory of a tensor, which must be all that is known of that memory."""
        whole = tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
        if not (whole and tensor.is_contiguous()):
            raise Untraceable("it reads memory beside a tensor")
        return in_memory(x, size, stride, offset or 0)

    def _read(self, operation: Any, args: Any, kwargs: Any) -> Any:
        """A number that Python code reads: a truth or a whole number that is certain, or else it is not traced."""
        for tensor in args[:2]:
            self.check_read(tensor)
        return operation(*args, **kwargs)

    def check_read(self, tensor: Any) -> None:
        """Check that numbers may be read of a tensor: whole ones and truths, which rounding does not change.

        Raises:
            Untraceable: they are real numbers.
            Undecided: rounding has changed them.
        """
        array = self.array(tensor)
        if isinstance(array, BallArray):
            array = _whole_numbers(array)
        if array is None:
            raise Untraceable(f"it reads a number of a tensor of {tensor.dtype}")
        own = tensor.detach().cpu()
        if not np.array_equal(array, (own.double() if own.is_floating_point() else own).numpy()):
            raise Undecided("a branch that rounding decides")

    def _arrays(self, value: Any) -> Any:
        if isinstance(value, self.torch.Tensor):
            return self.array(value)
        if isinstance(value, dict):
            return {key: self._arrays(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._arrays(each) for each in value]
        return value

    def _write(self, tensor: Any, found: Any) -> None:
        array = self.array(tensor)
        found = as_type_of(array, found)
        array[...] = found

    def _keep_all(self, name: str, result: Any, found: Any, arrays: Any) -> None:
        results, values = (result, found) if isinstance(result, list | tuple) else ([result], [found])
        for tensor, value in zip(results, values, strict=False):
            if isinstance(tensor, self.torch.Tensor) and value is not None:
                value = np.asarray(value) if not isinstance(value, np.ndarray) else value
                floating = tensor.is_floating_point()
                if tensor.is_complex() and not isinstance(value, BallArray):
                    value = complex_constants(value if value.dtype.kind == "c" else value.astype(complex))
                if floating and isinstance(value, BallArray) and is_complex(value):
                    raise Untraceable("a complex number is taken for a real one")
                if floating and not isinstance(value, BallArray):
                    value = exactly(value) if value.dtype.kind in "biu" else constants(value)
                if not floating and isinstance(value, BallArray):
                    value = value.astype(str(tensor.dtype).removeprefix("torch."))
                if name in aten.VIEWS and value.size and not np.may_share_memory(value, arrays[0]):
                    self._copied.add(_memory(tensor))
                if isinstance(value, np.ndarray) and value.dtype == object:
                    value = value.view(BallArray)
                self.keep(tensor, value)
            elif isinstance(tensor, self.torch.Tensor) and tensor.is_floating_point():
                self.keep(tensor, unknown(tensor.shape))


def _memory(tensor: Any) -> int:
    """Where the memory of a tensor begins."""
    return int(tensor.untyped_storage().data_ptr())


def _whole_numbers(array: BallArray) -> Any:
    """An array of whole numbers that no rounding has changed, as counters are; None of others."""
    found = [each.whole() if isinstance(each, Ball) else None for each in array.view(np.ndarray).flat]
    return None if None in found else np.array(found, np.float64).reshape(array.shape)


def _decompositions() -> Any:
    """{operation: the same by other operations}, as PyTorch has it."""
    room: Any = importlib.import_module("torch._decomp")
    return room.decomposition_table


def _in_python(operation: Any) -> Any:
    """The Python function of an operation that code has registered; None of others."""
    if operation.namespace == "prims":  # written by operations that are taken apart into it
        return None
    room: Any = importlib.import_module("torch._library.custom_ops")
    own: Any = getattr(room.OPDEFS.get(operation._name), "_backend_fns", {})
    return own.get("cpu", own.get(None))


BY_KEYWORD = {"addcmul": "value", "addcdiv": "value"}
"""{operation: the parameter that takes what is behind the tensors}."""


def _for_each(torch: Any, name: str) -> Callable[..., Any]:
    """An operation on lists of tensors, by that on single ones."""
    single = name.removeprefix("_foreach_")
    operation = getattr(torch.ops.aten, single, None)
    if operation is None:
        raise Untraceable(f"{name} has no meaning in balls")
    keyword = BY_KEYWORD.get(single.rstrip("_"), "")

    def apply(first: Any, *rest: Any, **options: Any) -> Any:
        found = []
        for place, tensor in enumerate(first):
            args = [each[place] if isinstance(each, list | tuple) else each for each in rest]
            given = {name: each[place] if isinstance(each, list | tuple) else each for name, each in options.items()}
            given = {keyword if name == "scalars" and keyword else name: each for name, each in given.items()}
            if keyword and len(args) > 2:
                given[keyword] = args.pop()
            found.append(operation(tensor, *args, **given))
        return None if single.endswith("_") else found

    return apply


def _key(tensor: Any) -> object:
    """What tells a tensor from all others that live: automatic differentiation makes new objects for one."""
    place = tensor.data_ptr() if tensor.numel() else id(tensor)
    return place, tuple(tensor.shape), tuple(tensor.stride()), tensor.dtype, tensor.is_conj(), tensor.is_neg()


def trace(torch: Any, call: Callable[[], Any], inputs: list[Any]) -> tuple[Any, Tracer]:
    """Make a call while balls follow its tensors.

    Args:
        torch: the module.
        call: the call.
        inputs: the tensors that it receives.

    Returns:
        Its result, and the arrays beside its tensors.

    Raises:
        Untraceable: an operation is not known, or numbers are read.
        Undecided: rounding decides a branch.
        Exception: what the call raises.
    """
    tracer = Tracer(torch)
    for tensor in inputs:
        tracer.enter(tensor)
    dispatch: Any = importlib.import_module("torch.utils._python_dispatch").TorchDispatchMode
    functions: Any = importlib.import_module("torch.overrides").TorchFunctionMode

    class Follow(dispatch):  # type: ignore[misc]  # the base class is known when PyTorch is imported
        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            """Nothing is compiled here; what skips it would import the compiler, which takes seconds."""
            return False

        def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            tracer.inside = True
            try:
                return tracer.operate(operation, args, kwargs or {})
            finally:
                tracer.inside = False

    class Refuse(functions):  # type: ignore[misc]  # the base class is known when PyTorch is imported
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if not tracer.inside and (name := getattr(function, "__name__", "")) in READS:
                tracer.inside = True
                try:
                    array = tracer.array(args[0])
                    if name in ("item", "tolist") and isinstance(array, BallArray) and _whole_numbers(array) is None:
                        return getattr(array, name)()
                    tracer.check_read(args[0])
                finally:
                    tracer.inside = False
            return function(*args, **(kwargs or {}))

    tracer.following = follow = Follow()
    attention: Any = importlib.import_module("torch.nn.attention")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with (
            attention.sdpa_kernel(attention.SDPBackend.MATH),
            torch.backends.mkldnn.flags(enabled=False),
            Refuse(),
            follow,
        ):
            return call(), tracer
