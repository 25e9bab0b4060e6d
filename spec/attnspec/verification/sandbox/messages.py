"""The messages between the parent and a worker, which runs the candidate.

The parent sends a `Load`, then any number of `Request` and `PlainRequest`. A worker sends `Ready` when it has started;
`Loaded` or `LoadFailure` in answer to a `Load`; an `Outcome` in answer to a request, preceded by `Begun` when all that
the call needs is in place. `protocol` turns messages into frames and back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from attnspec.errors import TargetError
from attnspec.verification.sandbox.targets import CallableInfo, MissingPackage, Target
from attnspec.verification.sandbox.wire import Array

Status = Literal["ok", "raised", "crashed", "timeout", "memory", "unavailable"]
Layout = Literal[
    "contiguous",
    "transposed",
    "offset",
    "strided",
    "sliced",
    "cut",
    "mixed",
    "crossed",
    "exchanged",
    "expanded",
    "reversed",
    "read-only",
    "shared",
]
Watched = Literal["", "lines", "operations"]
Recording = Literal["", "off", "inference", "wanted"]
Pass = Literal["forward", "backward"]
Scalar = bool | int | float | str | None
Setting = Scalar | tuple[Scalar, ...]
"""A value of a parameter that is the callable's own."""

LAYOUTS_OF: Mapping[str, frozenset[str]] = {
    "numpy": frozenset(get_args(Layout)),
    "torch": frozenset(get_args(Layout)) - {"reversed", "read-only"},
    "jax": frozenset({"contiguous", "shared"}),
}
"""The layouts that the arrays of each framework can have. PyTorch has no negative strides and no
read-only tensors, JAX no strides at all."""


Step = tuple[str, int, int]
"""A file of the candidate, and the numbers of two lines of it that run one after the other; 0 is before the first."""

MOST_RECORDED, MOST_RECORDED_BYTES = 400, 4 << 20
"""So many arrays, with so many bytes together, are recorded of a watched call."""


@dataclass(frozen=True, slots=True)
class Load:
    """The first message to a worker: import a target."""

    target: Target


@dataclass(frozen=True, slots=True)
class Gradients:
    """The gradients that automatic differentiation computes of a callable.

    Attributes:
        output_gradients: the arguments of the request that are the gradients of the callable's floating-point outputs,
            in their order.
        inputs: the arguments by which it is differentiated, in the order of the answer.
        repeat: run the backward pass a second time on the same graph; the second answer counts.
        second_order: the arguments that are gradients of the gradients by `inputs`. The answer is then the backward
            pass of the backward pass: the gradients by `output_gradients` and by `inputs`. Empty for the first order.
        floating: for each output of the callable, whether it is floating-point; empty if all of them are. Whole numbers
            have no gradient.
    """

    output_gradients: tuple[str, ...]
    inputs: tuple[str, ...]
    repeat: bool = False
    second_order: tuple[str, ...] = ()
    floating: tuple[bool, ...] = ()

    @property
    def outputs(self) -> int:
        """The number of outputs of the callable."""
        return len(self.floating or self.output_gradients)


@dataclass(frozen=True, slots=True)
class Piece:
    """Where an argument goes in an array that the candidate has.

    Attributes:
        argument: the argument of the request.
        target: the name of the candidate's array; "hx.1" is the second item of a tuple.
        axes: how many axes the argument has without batch axes.
        rows: the first row and the one after the last that it becomes; None if it is the whole array.
        place: its position along an additional leading axis; None if there is no such axis.
        transposed: whether it is transposed first.
        terms: it is divided by this number first, as one of several equal terms; 0 makes it 0.
        negated: whether it is a mask with the other sense there.
    """

    argument: str
    target: str
    axes: int
    rows: tuple[int, int] | None = None
    place: int | None = None
    transposed: bool = False
    terms: int = 1
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Pools:
    """Large arrays, whose rows along some axes are those of small arrays again and again.

    Attributes:
        entries: {axis: for each of its places, the place in the small arrays}.
        arguments: {argument: for each of its axes the name of one of `entries`; "" for an axis that is as it is}.
        outputs: the same for each output.
    """

    entries: Mapping[str, Array]
    arguments: Mapping[str, tuple[str, ...]]
    outputs: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One call with arrays.

    Attributes:
        name: the callable, a `CallableInfo.name`.
        arrays: the equation's arguments in order: bool, int64, or floating-point already rounded to `dtype`, where
            float32 stands for bfloat16.
        options: the equation's arguments that are numbers, such as heads or eps.
        dtype: the dtype of the floating-point arrays that the callable receives.
        device: "cpu", "cuda" or "cuda:1".
        framework: whose arrays it receives, "numpy", "torch" or "jax".
        call_by: how it is called, the result of `binding.bind`.
        layout: how the arrays lie in memory, one that `LAYOUTS_OF` lists for the framework; `child.arrays.lay_out`
            describes them.
        outputs: how many arrays the equation returns; a tuple or list is taken apart only if they are several.
        before: the arguments of an earlier call, or None. The earlier call is made first; then its arrays are
            overwritten with `arrays` for the second call, and both results are read after that. The outputs of the
            outcome are those of the first call followed by those of the second. JAX's arrays cannot be overwritten.
        times: how often the call is made, the second one if there is one before, unless that takes longer than a
            second; the answer that is furthest from the first counts.
        gradients: the gradients that are the answer; None if the answer is the callable's own.
        settings: values of the callable's own parameters, which are passed in addition, by name.
        returns: where the results are in what the callable returns, each as a path of positions, keys or attributes;
            empty if it returns just them.
        packing: the arrays that the callable has instead of arguments of the equation, a piece for each argument.
        entries: those of them that are weights of a module; the others are passed as arguments.
        made: of a class, the arguments of its constructor; None for any other callable.
        watched: whether the arrays that it makes on the way are recorded: "lines", those that lines of its files bind
            to variables and those that functions return; "operations", also the results of single operations, as far
            as the framework shows them; "" for no.
        stepped: whether it is returned from which lines of its files it goes to which.
        balls: whether the answer is wanted in ball arithmetic, free of rounding; arrays are contiguous then.
        buffers: whether NumPy's own functions then make arrays of balls too. What the code keeps of them is of no use
            to a call with numbers, so that the worker should end afterwards.
        measured: whether time and memory of the call are measured; it is made several times then.
        pools: how the arguments of the call are made of `arrays`, which are smaller; None if they are `arrays`. The
            outputs are then four for each output, all of the small shape: the least and the greatest value among equal
            rows, and the numbers of these rows; or those of the call, without values, if one has another shape.
        recording: whether the framework records gradients during the call: "" as by default, with inputs that want
            none; "off", or "inference", not at all; "wanted", with inputs that want them.
        limit: how long the call may take, in seconds; None for the limit of all calls.
    """

    name: str
    arrays: Mapping[str, Array]
    options: Mapping[str, bool | int | float] = field(default_factory=dict)
    dtype: str = "float32"
    device: str = "cpu"
    framework: str = "numpy"
    call_by: Sequence[tuple[str | None, str]] = ()
    layout: Layout = "contiguous"
    outputs: int = 1
    before: Mapping[str, Array] | None = None
    times: int = 1
    gradients: Gradients | None = None
    settings: Mapping[str, Setting] = field(default_factory=dict)
    returns: tuple[tuple[str, ...], ...] = ()
    packing: tuple[Piece, ...] = ()
    entries: tuple[str, ...] = ()
    made: Mapping[str, Setting] | None = None
    watched: Watched = ""
    stepped: bool = False
    balls: bool = False
    buffers: bool = False
    measured: bool = False
    pools: Pools | None = None
    recording: Recording = ""
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class PlainRequest:
    """One call with plain values, as procedures take them.

    Attributes:
        name: the callable, a `CallableInfo.name`.
        values: the procedure's arguments.
        call_by: how it is called, the result of `binding.bind`.
        earlier: the arguments of an earlier call, or None. The earlier call is made first; then its mappings are
            filled with the contents of those in `values`, and both results are read after the second call.
        times: how often the call is made, unless that takes longer than a second; one that is not the first answer
            counts, if there is one.
    """

    name: str
    values: Mapping[str, Any]
    call_by: Sequence[tuple[str | None, str]] = ()
    earlier: Mapping[str, Any] | None = None
    times: int = 1


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has started."""


@dataclass(frozen=True, slots=True)
class LoadFailure:
    """Why a target, or a submodule of it, could not be imported: the facts of a `TargetError`.

    Attributes:
        missing: the module that is not installed; empty if the failure is another one.
    """

    headline: str
    given: str
    expected: str
    mend: str
    missing: str = ""

    @classmethod
    def of(cls, error: TargetError) -> LoadFailure:
        """Return the facts of an error."""
        missing = error.missing if isinstance(error, MissingPackage) else ""
        return cls(error.headline, error.given, error.expected, error.mend, missing)

    def error(self) -> TargetError:
        """Return an error with these facts."""
        if self.missing:
            return MissingPackage(
                self.headline, given=self.given, expected=self.expected, mend=self.mend, missing=self.missing
            )
        return TargetError(self.headline, given=self.given, expected=self.expected, mend=self.mend)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The target was imported.

    Attributes:
        callables: the callables of the target.
        failures: the submodules of a package that could not be imported.
    """

    callables: tuple[CallableInfo, ...]
    failures: tuple[LoadFailure, ...] = ()


@dataclass(frozen=True, slots=True)
class Begun:
    """Framework, device and arguments are in place; the call begins now, and its time counts from here."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a call has no answer: an exception, a signal, or what is unavailable.

    Attributes:
        type: "ValueError", "SIGSEGV" or "exit code 3"; empty if nothing was run.
        message: the message of the exception, or a sentence.
        traceback: the candidate's own frames, or the end of the output of a process that died.
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
        kind: "tensor of torch", "array of numpy" or "array of jax"; the name of the type of any other value.
        value: the values of the array, read-only, bfloat16 as float32; None if it is not an array of the framework,
            or has a dtype that frames do not carry.
        dtype: the name of its dtype, such as "bfloat16"; None if it is not an array of the framework.
        shape: its shape; None if it is not an array of the framework.
        device: where it lies, such as "cpu" or "cuda:0"; None if it is not an array of the framework.
    """

    kind: str
    value: Array | None = None
    dtype: str | None = None
    shape: tuple[int, ...] | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An array that a line of the candidate has made.

    Attributes:
        file: the file of the line.
        line: its number, from 1.
        function: the name of the function that it is in.
        name: the variable that holds the array; "" for an array without a name, inside an expression.
        value: the values, bfloat16 as float32.
        callers: file and line of the calls in the candidate's own files that lead there, the innermost first.
    """

    file: str
    line: int
    function: str
    name: str
    value: Array
    callers: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one call.

    Attributes:
        status: "ok"; "raised", an exception; "crashed", the process died; "timeout"; "memory", the limit was exceeded;
            "unavailable", a framework, device, dtype or package is missing here.
        outputs: what a `Request` returned, one entry unless it names several outputs and a tuple or list was returned.
        changed_inputs: the arguments that were modified, by name.
        global_state: the global state that was modified, such as "numpy random generator".
        trouble: why the status is not "ok"; None if it is.
        during: the pass in which a call for gradients ended early: it raised there, or `outputs` are those of the
            forward pass because they do not fit the gradients given. None if it did not end early.
        detached: no output depends on any input, as far as the framework's automatic differentiation can tell.
        answers: what a `PlainRequest` returned; empty if that is not plain.
        not_plain: what was returned instead of a plain value, such as "a float at [0]"; empty if it is plain.
        broken: the worker cannot be used for another call.
        recorded: the arrays of a watched call, in the order in which they were made.
        steps: those of a stepped call, each once.
        untraced: why a call has no answer in balls; "" if it has one, or if none was wanted.
        calls: how often a call with arrays was made.
        varied: how many of these gave other bits than the first.
        evaluated: whether an equation of attnspec was evaluated during the call.
        overwritten: whether the first of several answers had other values once the last call was made.
        seconds: the time of one call with arrays, or of all of a request that does not measure it.
        peak_bytes: the memory that a measured call needed above what was in use before; None if that is not known.
        reads_beyond: whether products of the framework itself read what is around a slice, so that it was no NaN.
    """

    status: Status
    outputs: tuple[Output, ...] = ()
    changed_inputs: tuple[str, ...] = ()
    global_state: tuple[str, ...] = ()
    trouble: Trouble | None = None
    during: Pass | None = None
    detached: bool = False
    answers: tuple[Any, ...] = ()
    not_plain: str = ""
    broken: bool = False
    recorded: tuple[Recorded, ...] = ()
    steps: tuple[Step, ...] = ()
    untraced: str = ""
    calls: int = 1
    varied: int = 0
    evaluated: bool = False
    overwritten: bool = False
    seconds: float = 0.0
    peak_bytes: int | None = None
    reads_beyond: bool = False


Command = Load | Request | PlainRequest
"""What the parent sends."""

Reply = Ready | Loaded | LoadFailure | Begun | Outcome
"""What a worker sends."""
