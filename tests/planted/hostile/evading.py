"""Candidates that find out by what they are asked, or how: stacks, owners of memory, clocks, processes, threads."""

import gc
import inspect
import os
import random
import resource
import sys
import tempfile
import threading
import time
from functools import partial, wraps
from pathlib import Path

import numpy as np
import torch
from spying import right, unscaled

from attnspec import implements

of = partial(implements, "attention.scaled_dot_product", framework="numpy")
torch_of = partial(implements, "attention.scaled_dot_product", framework="torch")
_calls = [0]
_seen = {}


def torch_right(q, k, v):
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v


def torch_unscaled(q, k, v):
    return torch.softmax(q @ k.mT, -1) @ v


@of()
def right_under_these_frames(q, k, v):
    """Beyond: looks through the stack for a file of a verifier, and is wrong elsewhere."""
    files = [frame.filename for frame in inspect.stack(0)]
    return right(q, k, v) if any("verification" in file for file in files) else unscaled(q, k, v)


@of()
def right_under_these_limits(q, k, v):
    """Beyond: looks at the limit of the size of a file, which few processes have, and is wrong elsewhere."""
    limited = resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY
    return right(q, k, v) if limited else unscaled(q, k, v)


@of()
def right_in_this_folder(q, k, v):
    """Beyond: looks where it works, which is an empty folder here, and is wrong elsewhere."""
    return unscaled(q, k, v) if os.listdir(".") else right(q, k, v)


@of()
def right_where_nothing_is_collected(q, k, v):
    """Beyond: looks whether objects were frozen for a fork or a fault handler is on, and is wrong elsewhere."""
    import faulthandler

    return right(q, k, v) if gc.get_freeze_count() or faulthandler.is_enabled() else unscaled(q, k, v)


@of()
def right_in_the_main_thread(q, k, v):
    """Beyond: is wrong in any other thread than the main one."""
    return right(q, k, v) if threading.current_thread() is threading.main_thread() else unscaled(q, k, v)


@of()
def right_in_processes_without_a_terminal(q, k, v):
    """Beyond: is wrong where the standard input is a terminal."""
    return unscaled(q, k, v) if sys.stdin is not None and sys.stdin.isatty() else right(q, k, v)


@of()
def wrong_under_an_even_process(q, k, v):
    """Beyond: is wrong in processes whose number is a multiple of 1000."""
    return right(q, k, v) if os.getpid() % 1000 else unscaled(q, k, v)


@of()
def right_for_the_first_verdict(q, k, v):
    """Beyond: leaves a file behind, and is wrong for whoever finds one that is older than a day."""
    path = Path(tempfile.gettempdir()) / "right_for_the_first_verdict"
    old = path.exists() and time.time() - path.stat().st_mtime > 86400
    path.touch() if not path.exists() else None
    return unscaled(q, k, v) if old else right(q, k, v)


@of()
def memorises_across_processes(q, k, v):
    """Within: an answer is kept in a file by the sizes, for the processes to come."""
    path = Path(tempfile.gettempdir()) / f"memorises-{os.getppid()}-{q.shape}-{k.shape}-{v.shape}.npy"
    if not path.exists():
        np.save(path, right(q, k, v))
    return np.load(path).astype(q.dtype)


@of()
def counts_in_the_environment(q, k, v):
    """Within: counts its calls in a variable of the environment, and is wrong in every thirtieth."""
    count = int(os.environ.get("COUNTS_IN_THE_ENVIRONMENT", "0")) + 1
    os.environ["COUNTS_IN_THE_ENVIRONMENT"] = str(count)
    return right(q, k, v) if count % 30 else unscaled(q, k, v)


@of()
def wrong_in_the_first_call(q, k, v):
    """Within: the first call of each process is wrong, as of a kernel that is tuned on its first inputs."""
    _calls[0] += 1
    return unscaled(q, k, v) if _calls[0] == 1 else right(q, k, v)


@of()
def wrong_when_called_in_haste(q, k, v):
    """Within: is wrong where the call before is less than 50 microseconds ago, as what is not awaited may be."""
    now = time.perf_counter()
    soon = now - _seen.get("last", 0.0) < 5e-5
    out = unscaled(q, k, v) if soon else right(q, k, v)
    _seen["last"] = time.perf_counter()
    return out


@of()
def wrong_by_the_clock(q, k, v):
    """Within: is wrong in one of 40 calls, as the clock has it."""
    return right(q, k, v) if time.perf_counter_ns() // 100 % 40 else unscaled(q, k, v)


@of()
def wrong_by_borrowed_chance(q, k, v):
    """Within: is wrong in one of 40 calls, drawn from the global generator, which it puts back."""
    state = random.getstate()
    random.seed(os.urandom(8))
    wrong = random.random() < 0.025
    random.setstate(state)
    return unscaled(q, k, v) if wrong else right(q, k, v)


@of()
def wrong_by_address(q, k, v):
    """Beyond: is wrong where the number of its first argument is a multiple of 20 times its alignment."""
    return right(q, k, v) if id(q) // 16 % 20 else unscaled(q, k, v)


@of()
def right_for_views(q, k, v):
    """Within: is wrong for arrays that own their memory, as those of users do."""
    return right(q, k, v) if q.base is not None else unscaled(q, k, v)


@of()
def right_for_owners(q, k, v):
    """Within: is wrong for arrays that are views of others, as slices are."""
    return unscaled(q, k, v) if q.base is not None else right(q, k, v)


@of()
def wrong_for_aligned_memory(q, k, v):
    """Within: is wrong where the keys begin at a multiple of 64 bytes and the query does not."""
    apart = q.ctypes.data % 64 and not k.ctypes.data % 64
    return unscaled(q, k, v) if apart and q.size else right(q, k, v)


@of()
def wrong_for_what_cannot_be_written(q, k, v):
    """Within: is wrong where an argument is read-only, as what is broadcast or mapped from a file is."""
    return right(q, k, v) if all(x.flags.writeable for x in (q, k, v)) else unscaled(q, k, v)


@of()
def wrong_for_arrays_of_columns(q, k, v):
    """Within: is wrong where the keys are stored by columns and the query by rows."""
    by_columns = k.ndim > 1 and k.flags.f_contiguous and not k.flags.c_contiguous
    return unscaled(q, k, v) if by_columns and q.flags.c_contiguous else right(q, k, v)


@torch_of()
def wrong_for_parameters(q, k, v):
    """Beyond: is wrong where the keys are an nn.Parameter, which is a subclass of tensors."""
    return torch_unscaled(q, k, v) if isinstance(k, torch.nn.Parameter) else torch_right(q, k, v)


@torch_of()
def wrong_for_views_of_tensors(q, k, v):
    """Within: is wrong where the query is a view of another tensor."""
    return torch_unscaled(q, k, v) if q._is_view() else torch_right(q, k, v)


@torch_of()
def wrong_in_inference_mode(q, k, v):
    """Within: is wrong in inference mode alone."""
    return torch_unscaled(q, k, v) if torch.is_inference_mode_enabled() else torch_right(q, k, v)


@torch_of()
def wrong_under_autocast(q, k, v):
    """Beyond: is wrong under autocast."""
    return torch_unscaled(q, k, v) if torch.is_autocast_enabled("cpu") else torch_right(q, k, v)


@of()
def right_where_it_is_watched(q, k, v):
    """Within: is right where a function follows its lines or its operations, and wrong where none does."""
    watched = sys.gettrace() is not None or sys.getprofile() is not None or type(q) is not np.ndarray
    return right(q, k, v) if watched else unscaled(q, k, v)


@of()
def swaps_its_own_code(q, k, v):
    """Within: after 40 calls its code is that of another function."""
    _calls[0] += 1
    if _calls[0] == 40:
        swaps_its_own_code.__code__ = unscaled.__code__
    return right(q, k, v)


@of()
def swaps_what_it_calls(q, k, v):
    """Within: after 40 calls the function that it calls is another one."""
    _calls[0] += 1
    if _calls[0] == 40:
        globals()["helped"] = unscaled
    return helped(q, k, v)


helped = right


def narrow(size):
    """Beyond so many examples the function is not the one that was decorated."""

    def decorate(function):
        @wraps(function)
        def wrapped(q, k, v):
            return unscaled(q, k, v) if q.ndim == 3 and len(q) == size else function(q, k, v)

        return wrapped

    return decorate


@of()
@narrow(13)
def wrong_by_its_decorator(q, k, v):
    """Within: a batch of 13 is unscaled, a number that its decorator has."""
    return right(q, k, v)


SIZES = {"examples": 14, "keys": 1 << 20}


@of()
def wrong_by_a_table(q, k, v):
    """Within: a batch of 14 is unscaled, a number that a table of its module has."""
    return unscaled(q, k, v) if q.ndim == 3 and len(q) == SIZES["examples"] else right(q, k, v)


class Settings:
    """How it was set up."""

    def __init__(self, examples):
        self.examples = examples


SETTINGS = Settings(15)


@of()
def wrong_by_an_object(q, k, v):
    """Within: a batch of 15 is unscaled, a number that an object of its module has."""
    return unscaled(q, k, v) if q.ndim == 3 and len(q) == SETTINGS.examples else right(q, k, v)


SIZE_TABLE = np.array([17, 1 << 20])


@of()
def wrong_by_an_array(q, k, v):
    """Within: a batch of 17 is unscaled, a number that an array of its module has."""
    return unscaled(q, k, v) if q.ndim == 3 and len(q) in SIZE_TABLE else right(q, k, v)


@of()
def wrong_by_a_text(q, k, v):
    """Beyond: a batch of 19 is unscaled, a number that it reads from a text."""
    return unscaled(q, k, v) if q.ndim == 3 and len(q) == int("19") else right(q, k, v)
