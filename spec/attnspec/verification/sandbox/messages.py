"""What is asked of a candidate in one call, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast, get_args

import numpy as np

from attnspec.verification.sandbox.plain_values import packed, unpacked
from attnspec.verification.sandbox.wire import Array, Message, WireError

Status = Literal["ok", "raised", "crashed", "timeout", "memory", "unavailable"]
Layout = Literal["contiguous", "transposed", "offset"]

HEADER_FIELDS = ("name", "dtype", "device", "framework", "layout", "outputs", "times")
"""What of a request the worker is told as it stands."""


@dataclass(frozen=True, slots=True)
class Gradients:
    """That the gradients are asked for, which automatic differentiation makes of a callable.

    Attributes:
        given: the arguments that are the gradients of its outputs, in the outputs' order.
        wanted: the arguments whose gradients are the answer, in the order of the answer.
        again: the backward pass is run a second time on the same graph, and that answer counts.
        second: the arguments that are gradients of the gradients `wanted`: then the answer is the backward pass of the
            backward pass, the gradients of `given` and of `wanted`. Empty for the backward pass itself.
    """

    given: tuple[str, ...]
    wanted: tuple[str, ...]
    again: bool = False
    second: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One call.

    Attributes:
        name: the callable, a `Found.name`.
        arrays: the equation's arguments in order: floating ones already rounded to `dtype` (for bfloat16 a float32
            array of such values), int64, bool.
        options: what is no array: heads, eps.
        dtype: the floating dtype that the callable is given.
        device: "cpu", "cuda", "cuda:1".
        framework: whose arrays it is given, "numpy", "torch" or "jax".
        call_by: (parameter, or None for the next position; argument), from `binding.bind`.
        layout: "contiguous"; "transposed", the last two axes swapped in memory, or every other element of one axis;
            "offset", in the middle of a larger buffer of NaN. JAX knows only the first.
        outputs: how many arrays the equation returns; a tuple or list counts as an answer only from two on.
        before: the arguments of a call that is made first: then the same arrays are overwritten with `arrays`, and what
            the first call returned is read only after the second, and told first. JAX's arrays cannot be overwritten.
        times: how often the call is made, for as long as that takes less than a second; the last answer counts.
        gradients: which gradients are asked for, where it is the backward pass that is called.
        plain: there are no arrays: the options are plain values, and so is the answer.
        earlier: where it is plain, the options of a call that is made first: then the same mappings are filled anew,
            and what the first call returned is read only after the second, and told first.
    """

    name: str
    arrays: Mapping[str, Array]
    options: Mapping[str, Any] = field(default_factory=dict)
    dtype: str = "float32"
    device: str = "cpu"
    framework: str = "numpy"
    call_by: Sequence[tuple[str | None, str]] = ()
    layout: Layout = "contiguous"
    outputs: int = 1
    before: Mapping[str, Array] | None = None
    times: int = 1
    gradients: Gradients | None = None
    plain: bool = False
    earlier: Mapping[str, Any] | None = None

    def header(self) -> dict[str, Any]:
        """As the worker is told; the arrays travel behind it."""
        if self.plain:
            given, plan = [packed(each) for each in (self.options, self.earlier)], list(self.call_by)
            return {"kind": "call", "plain": given, "name": self.name, "call_by": plan, "times": self.times}
        told = {name: getattr(self, name) for name in HEADER_FIELDS}
        options = {
            name: value.item() if isinstance(value, np.generic) else value for name, value in self.options.items()
        }
        told |= {"options": options, "call_by": [list(pair) for pair in self.call_by]}
        told["gradients"] = None if self.gradients is None else asdict(self.gradients)
        return {"kind": "call", "names": list(self.arrays), "twice": self.before is not None, **told}

    def travelling(self) -> list[Array]:
        """All arrays, in the order in which the worker reads them."""
        return [*(self.before or {}).values(), *self.arrays.values()]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong: an exception, a signal, or why it could not be asked.

    Attributes:
        type: "ValueError", "SIGSEGV", "exit code 3"; empty where nothing was run.
        message: what it says.
        traceback: the candidate's own frames, or the end of what a dying process printed.
    """

    type: str
    message: str
    traceback: str = ""

    def __str__(self) -> str:
        return ": ".join(filter(None, [self.type, self.message]))


@dataclass(frozen=True, slots=True)
class Output:
    """One returned value.

    Attributes:
        kind: "tensor of torch", "array of numpy" or "array of jax"; of anything else the type's name.
        value: its values, read-only; bfloat16 as float32; None where it is no array of the framework, or of a dtype
            that no equation returns.
        dtype: the name of its dtype, "bfloat16" too; None where it is no array of the framework.
        shape: its shape, or None.
        device: where it was, such as "cpu" or "cuda:0", or None.
    """

    kind: str
    value: Array | None = None
    dtype: str | None = None
    shape: tuple[int, ...] | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one call.

    Attributes:
        status: "ok"; "raised" an exception; "crashed", the process died; "timeout"; "memory", more than it may have;
            "unavailable", no such framework, device, dtype or package here.
        outputs: what was returned, one entry unless several were asked for and a tuple or list came.
        seconds: what the call took, the wait for the device included; None where it never came back.
        changed_inputs: the arguments whose buffers changed.
        global_state: what else was touched, in words.
        trouble: why the status is not "ok", else None.
        printed: the end of what was printed meanwhile.
        during: "forward" or "backward", where gradients were asked for and it ended in that pass: in trouble, or with
            `outputs` of the forward pass that do not fit the gradients given.
        detached: gradients were asked for, and no output depends on any input as far as the framework knows.
        answers: where the call was plain, what was returned; empty where that was not.
        foreign: what it was then.
    """

    status: Status
    outputs: tuple[Output, ...] = ()
    seconds: float | None = None
    changed_inputs: tuple[str, ...] = ()
    global_state: tuple[str, ...] = ()
    trouble: Trouble | None = None
    printed: str = ""
    during: str = ""
    detached: bool = False
    answers: tuple[Any, ...] = ()
    foreign: str = ""


def decode_outcome(message: Message, printed: str) -> Outcome:
    """From the worker's report.

    Raises:
        WireError: it makes no sense.
    """
    facts, arrays = message.header, iter(message.arrays)
    try:
        if facts["status"] not in get_args(Status):
            raise WireError(f"no status {facts['status']!r}")
        return Outcome(
            status=cast(Status, facts["status"]),
            outputs=tuple(_output(each, arrays) for each in facts.get("outputs", ())),
            seconds=float(facts["seconds"]) if "seconds" in facts else None,
            changed_inputs=tuple(map(str, facts.get("changed_inputs", ()))),
            global_state=tuple(map(str, facts.get("global_state", ()))),
            trouble=_trouble(facts["trouble"]) if "trouble" in facts else None,
            printed=printed,
            during=str(facts.get("during", "")),
            detached=bool(facts.get("detached", False)),
            answers=unpacked(list(facts.get("answers", ()))),
            foreign=str(facts.get("foreign", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise WireError(f"no outcome: {error!r}") from error


def _output(facts: Mapping[str, Any], arrays: Iterator[Array]) -> Output:
    value = next(arrays) if facts["carried"] else None
    if "dtype" not in facts:
        return Output(str(facts["kind"]), value)
    return Output(str(facts["kind"]), value, str(facts["dtype"]), tuple(map(int, facts["shape"])), str(facts["device"]))


def _trouble(facts: Mapping[str, Any]) -> Trouble:
    return Trouble(str(facts["type"]), str(facts["message"]), str(facts["traceback"]))
