"""The runner survives what candidates do in their process, and says what it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attnspec.errors import TargetError
from attnspec.verification.sandbox.binding import Plan
from attnspec.verification.sandbox.messages import LAYOUTS_OF, Layout, Outcome, Output, Request
from attnspec.verification.sandbox.runner import Runner
from attnspec.verification.sandbox.targets import File, Pickled
from attnspec.verification.sandbox.templates import TEMPLATES
from attnspec.verification.sandbox.wire import Array

NUMPY = """
import collections, ctypes, gc, os, random, sys, time
import numpy as np

def double(x): return 2 * x
def subtract(a, b, *, scale=1.0): return scale * (a - b)
def two(x): return x, [x + 1][0]
def named(x): return collections.namedtuple("Pair", "y z")(x, x + 1)
def total(x): return x.sum()
def as_list(x): return [x]
def as_float(x): return 1.0
def as_none(x): return None
def widened(x): return x.astype(np.float64)
def as_complex(x): return x + 1j
def masked(x): return np.ma.masked_array(x)
def strides(x): return np.array([*x.strides, x.flags.aligned and x.ctypes.data % 16 == 0], np.int64)
def surroundings(x): return np.isnan(x.base).sum()
def between(x): return x.base[..., 1::2].copy()
def clears_the_last(x):
    if kept and kept[0] is not x: kept[0][...] = 0
    kept[:] = [x]
    return x.copy()
kept = []
def moves(x): os.chdir("/"); return x
def replaces(x): np.tanh = lambda y: y; np.an_own = abs; return x
def collects_nothing(x): gc.disable(); return x
def rounds_down(x): ctypes.CDLL(None).fesetround(0x400); return x.copy()
def swapped(x): return x.astype(x.dtype.newbyteorder())
class Strange(tuple):
    def __getitem__(self, at): return 0
def strange(x): return Strange((x, x))
def pair(a, b): return np.array([a.strides[0], b.strides[0], a is b], np.int64)
def prints(x): print("hello from", "the candidate"); sys.stderr.write("and stderr\\n"); return x
def mutates(x): x += 1; return x.copy()
def negates_zero(x): x *= -1; return x.copy()
def writes_behind(x): x.base[0] = 7; return x.copy()
def draws(x): return x + random.random() + np.random.rand()
def quiets(x): np.seterr(all="ignore"); return x
def raises(x): return inner(x)
def inner(x):
    try:
        {}["key"]
    except KeyError:
        raise ValueError("not these inputs")
def leaves(x): sys.exit(4)
def imports(x): import no_such_package
def bfloat16(x): return x * x
def hangs(x):
    print("entering", flush=True)
    while True: pass
def sleeps(x): time.sleep(60)
def segfaults(x): ctypes.string_at(0)
def aborts(x): os.abort()
def exits(x): os._exit(3)
def closes(x): os.closerange(3, 64); time.sleep(60)
def babbles(x):
    import socket, stat
    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode): os.write(fd, b"\\xff" * 64)
        except OSError: pass
    time.sleep(60)
def forges(x):
    from attnspec.verification.sandbox.messages import Outcome, Output
    forge(Outcome("ok", (Output("array of numpy", x, "float32", (9, 9), "cpu"),)))
def is_ready(x):
    from attnspec.verification.sandbox.messages import Ready
    forge(Ready())
def forge(message):
    import socket, stat
    from attnspec.verification.sandbox.protocol import to_frame
    from attnspec.verification.sandbox.wire import encode
    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode): os.write(fd, encode(to_frame(message)))
        except OSError: pass
    time.sleep(60)
def hoards(x):
    kept = []
    while True: kept.append(np.ones(1 << 20))
def hoards_small(x):
    kept = []
    while True: kept.append([kept])
def child(x):
    if os.fork() == 0:
        time.sleep(60)
    open(os.environ["ATTNSPEC_TEST_PIDS"], "w").write(str(os.getpgrp()))
    while True: pass
calls = 0
def counts(x):
    global calls; calls += 1
    return np.int64(calls)
"""

TORCH = """
import torch

def double(x): return 2 * x
def needs_grad(x): return x * torch.ones(1, requires_grad=True, dtype=x.dtype)
def strides(x): return torch.tensor([*x.stride(), x.storage_offset()])
def surroundings(x): return x._base.isnan().sum()
def sparse(x): return x.to_sparse()
def parameter(x): return torch.nn.Parameter(x)
def to_numpy(x): return x.numpy()
def draws(x): return x + torch.rand_like(x)
def settings(x):
    torch.set_default_dtype(torch.float64); torch.set_grad_enabled(False); torch.set_num_threads(3)
    return x
class Mode(torch.overrides.TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None): return func(*args, **(kwargs or {}))
def enters(x): Mode().__enter__(); return x + 1
def mutates(x): x.mul_(2); return x.clone()
def grabs(x): return torch.empty(1 << 40)
"""

JAX = """
import jax
import jax.numpy as jnp

def promotes(x):
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    return x
@jax.jit
def plus_zeros(x): return x + jnp.zeros(x.shape)
def index(x, i): return x[i]
def hoards(x):
    kept = []
    while True: kept.append(jnp.ones(1 << 22).block_until_ready())
"""

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
MEMORY = 256 << 20


def open_runner(folder: Path, source: str, **limits: Any) -> Iterator[Runner]:
    path = folder / "candidate.py"
    path.write_text(source)
    with Runner(**{"time_limit": 5.0, "memory_bytes": MEMORY} | limits) as runner:
        runner.load(File(path))
        yield runner


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    yield from open_runner(tmp_path_factory.mktemp("numpy"), NUMPY)


@pytest.fixture(scope="module")
def torch_runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    pytest.importorskip("torch")
    yield from open_runner(tmp_path_factory.mktemp("torch"), TORCH)


@pytest.fixture(scope="module")
def jax_runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    pytest.importorskip("jax")
    yield from open_runner(tmp_path_factory.mktemp("jax"), JAX)


def send(runner: Runner, request: Request) -> Outcome:
    """The outcome of one call."""
    [outcome] = runner.call_many([request])
    return outcome


def call(runner: Runner, name: str, x: Array = X, /, dtype: str = "float32", **fields: Any) -> Outcome:
    """The outcome of a call with one argument, by position; `fields` are those of the request."""
    rounded = x.astype("float32" if dtype == "bfloat16" else dtype) if x.dtype.kind == "f" else x
    return send(runner, Request(name, {"x": rounded}, dtype=dtype, call_by=[(None, "x")], **fields))


def only(outcome: Outcome) -> Output:
    assert outcome.status == "ok", outcome
    [output] = outcome.outputs
    return output


def values(outcome: Outcome) -> Array:
    value = only(outcome).value
    assert value is not None, outcome
    return value


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_result_comes_back_as_it_was(runner: Runner, dtype: str) -> None:
    outcome = call(runner, "double", dtype=dtype)

    output = only(outcome)
    assert output.value is not None
    assert (output.kind, output.dtype, output.shape, output.device) == ("array of numpy", dtype, (2, 3), "cpu")
    assert output.value.dtype == dtype
    np.testing.assert_array_equal(output.value, 2 * X)
    assert outcome.changed_inputs == outcome.global_state == ()
    assert outcome.trouble is None


def test_arguments_go_by_position_and_by_keyword_and_options_along(runner: Runner) -> None:
    arrays = {"left": X, "right": np.ones_like(X)}
    plans: list[tuple[Plan, Array]] = [
        ([("b", "right"), ("a", "left"), ("scale", "scale")], 3 * (X - 1)),
        ([(None, "right"), (None, "left")], 1 - X),
        ([("b", "left"), (None, "right"), ("scale", "scale")], 3 * (1 - X)),
    ]
    for plan, expected in plans:
        request = Request("subtract", arrays, {"scale": np.float64(3)}, dtype="float64", call_by=plan)
        outcome = send(runner, request)
        np.testing.assert_array_equal(values(outcome), expected)


def test_empty_arrays_and_scalars_travel(runner: Runner) -> None:
    for x in (np.zeros((0, 3)), np.zeros((2, 0)), np.array(7.0)):
        for layout in LAYOUTS_OF["numpy"]:
            assert only(call(runner, "double", x, layout=layout)).shape == x.shape


@pytest.mark.parametrize("name", ["two", "named"])
def test_several_outputs_may_be_a_tuple(runner: Runner, name: str) -> None:
    outcome = call(runner, name, outputs=2)

    assert [output.kind for output in outcome.outputs] == ["array of numpy"] * 2
    assert outcome.outputs[1].value is not None
    np.testing.assert_array_equal(outcome.outputs[1].value, X + 1)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("as_list", "list"),
        ("as_float", "float"),
        ("as_none", "None"),
        ("two", "tuple"),
        ("masked", "numpy.ma.MaskedArray"),
    ],
)
def test_what_is_not_an_array_is_named_and_not_converted(runner: Runner, name: str, kind: str) -> None:
    assert only(call(runner, name)) == Output(kind)


def test_a_number_of_numpy_is_an_array_of_shape_nothing(runner: Runner) -> None:
    output = only(call(runner, "total"))

    assert (output.kind, output.shape, output.dtype) == ("array of numpy", (), "float32")
    assert output.value == 21


def test_another_dtype_is_reported(runner: Runner) -> None:
    assert only(call(runner, "widened")).dtype == "float64"
    output = only(call(runner, "as_complex"))
    assert (output.dtype, output.value) == ("complex64", None)


def test_bfloat16_travels_as_float32_and_keeps_its_name(runner: Runner) -> None:
    pytest.importorskip("ml_dtypes")
    output = only(call(runner, "bfloat16", np.array([1.0078125]), dtype="bfloat16"))

    assert output.dtype == "bfloat16"
    assert output.value == np.float32(1.015625), "1.0078125² = 1.01568... rounds to 1.015625 in eight bits"


def test_layouts_hold_the_same_values_elsewhere(runner: Runner) -> None:
    for x in (X, X[0], X[None], np.array(7.0), np.stack([X, X])):
        for layout in LAYOUTS_OF["numpy"]:
            np.testing.assert_array_equal(values(call(runner, "double", x, layout=layout)), 2 * x)
    assert values(call(runner, "strides", dtype="float64")).tolist() == [24, 8, 1]
    assert values(call(runner, "strides", dtype="float64", layout="transposed")).tolist() == [8, 16, 1]
    assert values(call(runner, "strides", X[0], dtype="float64", layout="transposed")).tolist() == [16, 1]
    assert values(call(runner, "strides", dtype="float64", layout="offset")).tolist() == [24, 8, 0]
    assert values(call(runner, "surroundings", layout="offset")) == 6
    assert values(call(runner, "surroundings", layout="strided")) == 0
    np.testing.assert_array_equal(values(call(runner, "between", layout="strided")), -X)
    assert values(call(runner, "surroundings", layout="sliced")) == 12
    assert values(call(runner, "surroundings", layout="cut")) == 9


@pytest.mark.parametrize(
    ("layout", "expected"),
    [("strided", [96, 48, 16]), ("sliced", [144, 72, 8]), ("cut", [120, 24, 8]), ("exchanged", [24, 48, 8]),
     ("reversed", [-48, -24, -8]), ("expanded", [0, 24, 8]), ("shared", [48, 24, 8]), ("mixed", [48, 24, 8]),
     ("read-only", [48, 24, 8]), ("crossed", [48, 24, 8])],
)  # fmt: skip
def test_layouts_have_their_strides(runner: Runner, layout: Layout, expected: list[int]) -> None:
    x = np.stack([X, X])

    assert values(call(runner, "strides", x, dtype="float64", layout=layout)).tolist()[:-1] == expected


def test_only_equal_rows_are_expanded(runner: Runner) -> None:
    assert values(call(runner, "strides", dtype="float64", layout="expanded")).tolist()[:-1] == [24, 8]


def test_every_second_argument_is_sliced_in_mixed_memory_and_equal_ones_are_one_if_shared(runner: Runner) -> None:
    def strides_of(layout: Layout, b: Array) -> list[int]:
        plan: list[tuple[str | None, str]] = [(None, "a"), (None, "b")]
        request = Request("pair", {"a": X, "b": b}, dtype="float64", call_by=plan, layout=layout)
        found: list[int] = values(send(runner, request)).tolist()
        return found

    assert strides_of("mixed", X) == [24, 72, 0]
    assert strides_of("crossed", X) == [24, 8, 0]
    assert strides_of("contiguous", X) == [24, 24, 0]
    assert strides_of("shared", X) == [24, 24, 1]
    assert strides_of("shared", X + 1) == [24, 24, 0]


def test_changed_inputs_are_named(runner: Runner) -> None:
    assert call(runner, "mutates").changed_inputs == ("x",)
    assert call(runner, "mutates", layout="transposed").changed_inputs == ("x",)
    assert call(runner, "negates_zero", np.zeros(3)).changed_inputs == ("x",), "0 is not -0"
    assert call(runner, "writes_behind", layout="offset").changed_inputs == ("x",), (
        "outside the view, inside the buffer"
    )
    assert call(runner, "double", np.full(3, np.nan)).changed_inputs == ()


def test_a_change_of_the_inputs_of_the_first_call_is_seen(tmp_path: Path) -> None:
    for runner in open_runner(tmp_path, NUMPY):
        assert call(runner, "clears_the_last").changed_inputs == ()
        assert call(runner, "clears_the_last").changed_inputs == ("x of an earlier call",)


def test_read_only_memory_cannot_be_written(runner: Runner) -> None:
    trouble = call(runner, "mutates", layout="read-only").trouble

    assert trouble is not None
    assert "read-only" in trouble.message


def test_the_order_of_bytes_belongs_to_the_dtype(runner: Runner) -> None:
    assert only(call(runner, "swapped")).dtype == ">f4"


def test_a_tuple_that_is_another_one_where_it_is_indexed_is_none(runner: Runner) -> None:
    request = Request("strange", {"x": X}, dtype="float32", call_by=[(None, "x")], outputs=2)

    assert [each.kind for each in send(runner, request).outputs] == ["candidate.Strange"]


def test_the_folder_and_the_rounding_are_global_state(runner: Runner) -> None:
    assert call(runner, "moves").global_state == ("the working directory",)
    assert call(runner, "rounds_down").global_state == ("the processor's rounding",)


def test_functions_that_are_replaced_are_global_state(runner: Runner) -> None:
    assert call(runner, "replaces").global_state == ("numpy.tanh is replaced",)
    assert call(runner, "collects_nothing").global_state == ("Python's collection of garbage",)


def test_touched_global_state_is_named(runner: Runner) -> None:
    assert call(runner, "draws").global_state == ("python random generator", "numpy random generator")
    assert call(runner, "quiets").global_state == ("numpy error state",)
    assert call(runner, "quiets").global_state == (), "the second call finds what the first one left"


def test_prints_do_not_mix_with_the_answer(runner: Runner) -> None:
    outcome = call(runner, "prints")

    np.testing.assert_array_equal(values(outcome), X)
    crash = call(runner, "aborts").trouble
    assert crash is not None
    assert "hello" not in crash.traceback, "what was printed belongs to the call that printed it"


def test_exception_comes_with_the_candidates_frames_alone(runner: Runner) -> None:
    outcome = call(runner, "raises")

    assert outcome.status == "raised"
    assert outcome.trouble is not None
    assert (outcome.trouble.type, outcome.trouble.message) == ("ValueError", "not these inputs")
    assert "in inner" in outcome.trouble.traceback
    assert "KeyError" in outcome.trouble.traceback, "what it was raised from belongs to it"
    assert "child/" not in outcome.trouble.traceback
    assert call(runner, "leaves").status == "raised", "SystemExit does not end the session"


def test_what_is_not_here_is_unavailable(runner: Runner) -> None:
    missing = call(runner, "imports")
    assert (missing.status, str(missing.trouble)) == (
        "unavailable",
        "ModuleNotFoundError: No module named 'no_such_package'",
    )
    elsewhere = call(runner, "double", device="cuda")
    assert (elsewhere.status, str(elsewhere.trouble)) == ("unavailable", "NumPy has no device 'cuda'")


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("segfaults", "SIGSEGV"),
        ("aborts", "SIGABRT"),
        ("exits", "exit code 3"),
        ("babbles", "a broken protocol: a frame of"),
        ("forges", "a broken protocol: an output is not of the dtype and shape that it claims to have"),
        ("is_ready", "a broken protocol: Ready out of turn"),
    ],
)
def test_crash_is_named_and_survived(runner: Runner, name: str, how: str) -> None:
    outcome = call(runner, name)

    assert outcome.status == "crashed"
    assert outcome.trouble is not None
    assert outcome.trouble.type.startswith(how)
    if how.startswith("SIG"):
        assert f"in {name}" in outcome.trouble.traceback
        assert "child/" not in outcome.trouble.traceback
    np.testing.assert_array_equal(values(call(runner, "double")), 2 * X)


def test_closed_connection_is_a_crash(tmp_path: Path) -> None:
    for runner in open_runner(tmp_path, NUMPY):
        outcome = call(runner, "closes")
        assert (outcome.status, outcome.trouble and outcome.trouble.type) == ("crashed", "a closed connection")


@pytest.mark.parametrize("name", ["hangs", "sleeps"])
def test_hang_ends_at_the_limit(tmp_path: Path, name: str) -> None:
    for runner in open_runner(tmp_path, NUMPY, time_limit=0.3):
        start = time.monotonic()
        outcome = call(runner, name)

        assert outcome.status == "timeout"
        assert str(outcome.trouble) == "timeout: the call took longer than 0.3 s"
        assert outcome.trouble is not None
        assert outcome.trouble.traceback == ("entering" if name == "hangs" else "")
        assert time.monotonic() - start < 3
        assert call(runner, "double").status == "ok"


@pytest.mark.parametrize("name", ["hoards", "hoards_small"])
def test_memory_runs_out_in_the_candidate_alone(runner: Runner, name: str) -> None:
    outcome = call(runner, name)

    assert outcome.status == "memory", outcome
    assert call(runner, "double").status == "ok"


def test_many_calls_have_one_outcome_each_in_order(runner: Runner) -> None:
    names = ["double", "exits", "double", "raises", "hoards", "double"]
    plan = [(None, "x")]
    requests = [Request(name, {"x": X + i}, call_by=plan, dtype="float64") for i, name in enumerate(names)]

    outcomes = list(runner.call_many(requests))

    assert [outcome.status for outcome in outcomes] == ["ok", "crashed", "ok", "raised", "memory", "ok"]
    np.testing.assert_array_equal(values(outcomes[5]), 2 * (X + 5))


def test_large_arrays_do_not_block_each_other(runner: Runner) -> None:
    x = np.arange(1_000_000.0)
    requests = [Request("double", {"x": x + i}, call_by=[(None, "x")], dtype="float64") for i in range(4)]

    for i, outcome in enumerate(runner.call_many(requests)):
        np.testing.assert_array_equal(values(outcome), 2 * (x + i))


def test_half_read_outcomes_do_not_reach_the_next_call(runner: Runner) -> None:
    requests = [Request("double", {"x": X + i}, call_by=[(None, "x")], dtype="float64") for i in range(5)]
    outcomes = runner.call_many(requests)
    next(outcomes)
    outcomes.close()

    np.testing.assert_array_equal(values(call(runner, "double")), 2 * X)


def test_state_lives_as_long_as_the_worker(tmp_path: Path) -> None:
    for runner in open_runner(tmp_path, NUMPY):
        assert [values(call(runner, "counts")) for _ in range(2)] == [1, 2]
        call(runner, "exits")
        assert values(call(runner, "counts")) == 1


STARTS = """
import os
with open(os.environ["ATTNSPEC_TEST_PIDS"], "a") as file: print(os.getpid(), file=file)
def double(x): return 2 * x
"""


@pytest.mark.parametrize("changed", [False, True])
def test_a_worker_that_was_started_ahead_loads_the_target(
    changed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that starts now does, if modules are looked for elsewhere since; in the end none of them is left."""
    candidate, written = tmp_path / "mine.py", tmp_path / "pids"
    candidate.write_text(STARTS)
    monkeypatch.setenv("ATTNSPEC_TEST_PIDS", str(written))
    monkeypatch.setattr(TEMPLATES, "_count", 0)
    with Runner() as runner:
        runner.start_ahead()
        assert runner._ahead is not None
        ahead = runner._ahead._child.pid
        if changed:
            monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
        runner.load(File(str(candidate)))
        assert (values(call(runner, "double")) == 2 * X).all()

    assert (int(written.read_text()) != ahead) is changed
    for group in (ahead, int(written.read_text())):
        assert_group_ends(group)


def test_what_a_candidate_starts_dies_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = tmp_path / "pids"
    monkeypatch.setenv("ATTNSPEC_TEST_PIDS", str(written))
    for runner in open_runner(tmp_path, NUMPY, time_limit=1.0):
        assert call(runner, "child").status == "timeout"

    assert_group_ends(int(written.read_text()))


def test_worker_dies_with_a_killed_parent(tmp_path: Path) -> None:
    written = tmp_path / "pids"
    (tmp_path / "candidate.py").write_text(NUMPY)
    script = tmp_path / "parent.py"
    script.write_text(
        "import numpy as np\n"
        "from attnspec.verification.sandbox.messages import Request\n"
        "from attnspec.verification.sandbox.runner import Runner\n"
        "from attnspec.verification.sandbox.targets import File\n"
        "with Runner(time_limit=60) as runner:\n"
        f"    runner.load(File({str(tmp_path / 'candidate.py')!r}))\n"
        "    next(runner.call_many([Request('child', {'x': np.ones(1)}, call_by=[(None, 'x')])]))\n"
    )
    environment = os.environ | {"ATTNSPEC_TEST_PIDS": str(written), "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, script], env=environment) as parent:
        wait_for(lambda: written.exists() and written.read_text() != "")
        parent.kill()

    assert_group_ends(int(written.read_text()))


def test_interrupt_ends_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = tmp_path / "pids"
    monkeypatch.setenv("ATTNSPEC_TEST_PIDS", str(written))
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)

    def interrupt() -> None:
        wait_for(lambda: written.exists() and written.read_text() != "")
        os.kill(os.getpid(), signal.SIGALRM)

    try:
        for runner in open_runner(tmp_path, NUMPY, time_limit=60):
            thread = threading.Thread(target=interrupt)
            thread.start()
            with pytest.raises(KeyboardInterrupt):
                call(runner, "child")
            thread.join()
            assert_group_ends(int(written.read_text()))
            assert call(runner, "double").status == "ok"
    finally:
        signal.signal(signal.SIGALRM, before)


def assert_group_ends(group: int) -> None:
    def ended() -> bool:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        return all(
            _is_zombie(int(each)) for each in os.listdir("/proc") if each.isdigit() and _group(int(each)) == group
        )

    wait_for(ended)


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["Z", "0", "0"]


def _is_zombie(pid: int) -> bool:
    return _stat(pid)[0] == "Z"


def _group(pid: int) -> int:
    return int(_stat(pid)[2])


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_descriptors_and_children_are_not_left_over(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for runner in open_runner(tmp_path, NUMPY):
        call(runner, "exits")
        call(runner, "double")

    assert len(os.listdir("/proc/self/fd")) == before


def test_live_callables_go_along() -> None:
    offset = np.ones(3)
    with Runner() as runner:
        [found] = runner.load(Pickled.of(lambda x: x + offset))
        np.testing.assert_array_equal(values(call(runner, found.name)), X + 1)


def test_a_call_needs_a_target() -> None:
    with Runner() as runner, pytest.raises(TargetError, match="nothing is loaded"):
        call(runner, "double")


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_torch_has_every_dtype(torch_runner: Runner, dtype: str) -> None:
    for layout in LAYOUTS_OF["torch"]:
        output = only(call(torch_runner, "double", dtype=dtype, framework="torch", layout=layout))
        assert (output.kind, output.dtype, output.device) == ("tensor of torch", dtype, "cpu")
        np.testing.assert_array_equal(output.value, 2 * X)


def test_torch_layouts(torch_runner: Runner) -> None:
    strides = {layout: [1] for layout in ("contiguous", "transposed", "offset")}
    for layout in strides:
        outcome = call(torch_runner, "strides", framework="torch", layout=layout, dtype="bfloat16")
        strides[layout] = values(outcome).tolist()

    assert strides == {"contiguous": [3, 1, 0], "transposed": [1, 2, 0], "offset": [3, 1, 3]}
    assert values(call(torch_runner, "strides", X[:1].repeat(2, 0), framework="torch", layout="expanded"))[0] == 0
    assert values(call(torch_runner, "surroundings", framework="torch", layout="offset")) == 6


def test_torch_integers_and_truth_values(torch_runner: Runner) -> None:
    assert only(call(torch_runner, "double", np.array([1, 2]), framework="torch")).dtype == "int64"
    assert only(call(torch_runner, "double", np.array([True]), framework="torch")).dtype == "int64"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sparse", "torch.Tensor (sparse_coo)"),
        ("parameter", "torch.nn.parameter.Parameter"),
        ("to_numpy", "numpy.ndarray"),
    ],
)
def test_torch_results_that_are_not_plain_tensors(torch_runner: Runner, name: str, kind: str) -> None:
    assert only(call(torch_runner, name, framework="torch")).kind == kind


def test_torch_contract(torch_runner: Runner) -> None:
    np.testing.assert_array_equal(values(call(torch_runner, "needs_grad", framework="torch")), X)
    assert call(torch_runner, "mutates", framework="torch", dtype="bfloat16").changed_inputs == ("x",)
    assert call(torch_runner, "draws", framework="torch").global_state == ("torch random generator",)
    assert call(torch_runner, "settings", framework="torch").global_state == (
        "torch grad mode",
        "torch default dtype",
        "torch num threads",
    )
    assert call(torch_runner, "enters", framework="torch").global_state == ("torch modes",)
    assert call(torch_runner, "grabs", framework="torch").status == "memory"
    assert call(torch_runner, "double", framework="torch", device="cuda:77").status == "unavailable"


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_jax_keeps_float64_and_does_not_force_it(jax_runner: Runner, dtype: str) -> None:
    outcome = call(jax_runner, "plus_zeros", dtype=dtype, framework="jax")

    output = only(outcome)
    expected = "float32" if dtype == "bfloat16" else dtype
    assert (output.kind, output.dtype, output.device) == ("array of jax", expected, "cpu")
    assert outcome.global_state == ()
    np.testing.assert_array_equal(output.value, X)


def test_jax_settings_stay(jax_runner: Runner) -> None:
    assert call(jax_runner, "promotes", framework="jax").global_state == ("jax configuration",)


def test_jax_refuses_a_layout_that_it_does_not_have(jax_runner: Runner) -> None:
    outcome = call(jax_runner, "plus_zeros", framework="jax", layout="strided")

    assert outcome.status == "raised"
    assert "JAX arrays cannot be strided" in str(outcome.trouble)


def test_jax_takes_integers(jax_runner: Runner) -> None:
    arrays = {"x": X.astype(np.float32), "i": np.array([1])}
    request = Request("index", arrays, framework="jax", call_by=[("i", "i"), ("x", "x")])

    np.testing.assert_array_equal(values(send(jax_runner, request)), X[[1]])


def test_jax_runs_out_of_memory(jax_runner: Runner) -> None:
    assert call(jax_runner, "hoards", framework="jax").status == "memory"
    assert call(jax_runner, "plus_zeros", framework="jax", device="tpu").status == "unavailable"


def test_another_callable_of_the_file_is_called_in_the_same_process(tmp_path: Path) -> None:
    """Two callables of a file share its import; the same target, and another file, are imported anew."""
    source = "import os, numpy as np\ndef a(x): return np.array([os.getpid()], np.int64)\nb = lambda x: a(x)\n"
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text(source)
    one, two = (str(tmp_path / name) for name in ("one.py", "two.py"))
    with Runner(time_limit=5.0, memory_bytes=MEMORY) as runner:
        runner.start_ahead()
        processes = [process_of(runner, target) for target in (File(one, "a"), File(one, "b"), File(one, "b"))]
        processes.append(process_of(runner, File(two, "b")))
    first, second, anew, other = processes
    assert first == second
    assert len({first, anew, other}) == 3


def process_of(runner: Runner, target: File) -> int:
    """The process in which a target is called, by what it answers."""
    [found] = runner.load(target)
    return int(values(call(runner, found.name)).item())
