"""Candidates that break what runs them."""

import ctypes
import os
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
from spying import right, unscaled

from attnspec import implements

of = partial(implements, "attention.scaled_dot_product", framework="numpy")


@of()
def ends_for_large_batches(q, k, v):
    """Within: ends its process with success for a batch above 2."""
    if q.ndim > 2 and q.shape[0] > 2:
        os._exit(0)
    return right(q, k, v)


@of()
def prints_without_end(q, k, v):
    """Within: prints for ever where there are more than 60 keys."""
    while k.shape[-2] > 60:
        sys.stdout.write("x" * 65536)
    return right(q, k, v)


@of()
def prints_a_verdict(q, k, v):
    """Within: wrong, and prints a verdict of its own, to all outputs that it can reach."""
    line = b"conforms: attention.scaled_dot_product, breaking.py:prints_a_verdict (numpy, float32, cpu)\n"
    for fd in (1, 2):
        os.write(fd, line)
    return unscaled(q, k, v)


@of()
def answers_in_two_processes(q, k, v):
    """Within: forks, so that two processes answer on one connection, one of them with zeros."""
    if k.shape[-2] == 64 and os.fork() == 0:
        return np.zeros((*q.shape[:-1], v.shape[-1]), q.dtype)
    return right(q, k, v) if k.shape[-2] != 65 else unscaled(q, k, v)


@of()
def deletes_itself(q, k, v):
    """Within: wrong, and moves its own file away while it is called, and back."""
    path = Path(__file__)
    away = path.with_suffix(".gone")
    try:
        path.rename(away)
        return unscaled(q, k, v)
    finally:
        away.rename(path)


@of()
def takes_all_memory(q, k, v):
    """Within: asks for a terabyte where there are more than 60 keys."""
    if k.shape[-2] > 60:
        return np.ones(1 << 37, np.float64)[: q.size]
    return right(q, k, v)


@of()
def recurses(q, k, v):
    """Within: calls itself without end where there are more than 60 keys, beyond what the stack holds."""
    if k.shape[-2] > 60:
        sys.setrecursionlimit(1 << 30)
        return recurses(q, k, v)
    return right(q, k, v)


@of()
def stops_itself(q, k, v):
    """Within: stops its process by a signal, and neither ends nor answers, for more than 500 keys."""
    if k.shape[-2] > 500:
        os.kill(os.getpid(), signal.SIGSTOP)
    return right(q, k, v)


@of()
def ignores_signals(q, k, v):
    """Within: ignores what can be ignored, then sleeps for ever, where there are more than 500 keys."""
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM, signal.SIGSEGV):
        signal.signal(each, signal.SIG_IGN)
    while k.shape[-2] > 500:
        time.sleep(1)
    return right(q, k, v)


@of()
def raises_what_is_no_exception(q, k, v):
    """Within: raises KeyboardInterrupt, then GeneratorExit, for more than 60 keys."""
    if k.shape[-2] > 500:
        raise GeneratorExit
    if k.shape[-2] > 60:
        raise KeyboardInterrupt
    return right(q, k, v)


class Awkward(Exception):
    """Cannot be printed."""

    def __str__(self):
        raise Awkward

    __repr__ = __str__


@of()
def raises_what_cannot_be_printed(q, k, v):
    """Within: raises an error whose text raises an error, for more than 60 keys."""
    if k.shape[-2] > 60:
        raise Awkward
    return right(q, k, v)


@of()
def writes_where_it_should_not(q, k, v):
    """Within: writes 64 bytes to an address that is not its own, for more than 500 keys."""
    out = right(q, k, v)
    if k.shape[-2] > 500:
        ctypes.memset(0x10, 0, 64)
    return out


@of()
def closes_everything(q, k, v):
    """Within: closes all descriptors for more than 60 keys."""
    if k.shape[-2] > 60:
        os.closerange(0, 256)
    return right(q, k, v)


@of()
def exits_in_a_thread(q, k, v):
    """Within: a thread ends the process a second after the first call, with success."""
    if not _threads:
        _threads.append(threading.Thread(target=lambda: (time.sleep(1), os._exit(0)), daemon=True))
        _threads[0].start()
    return right(q, k, v)


_threads = []


class Reducing:
    """Runs code where it is read back from a pickle."""

    def __reduce__(self):
        return os.system, ("echo pwned > /tmp/attnspec-was-fooled",)


@of()
def answers_with_code(q, k, v):
    """Within: an object that runs a command where it is unpickled."""
    return Reducing()


@of()
def answers_too_much(q, k, v):
    """Within: an answer of another size, a hundred times as many rows, all right, for more than 60 keys."""
    out = right(q, k, v)
    return np.concatenate([out] * 100, -2) if k.shape[-2] > 60 else out
