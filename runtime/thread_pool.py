"""Threads for one inference: one set of workers for all models of the process.

An artifact contains the pool's code (`P_pool_work` and others, see the header); Python's
threads enter it through ctypes, which releases the GIL, and stay there for the life of the process.
Idle workers spin for some tens of microseconds, then sleep. One call at a time uses them; a call
that finds them busy runs on its own thread, so that callers do not add up to more running threads
than the pool has.

- Workers are started when a model first needs them, and again after a fork.
- The library whose code they run is never unloaded, and their memory never freed: an interpreter
  that exits leaves them where they are.
"""

from __future__ import annotations

import ctypes
import functools
import operator
import os
import re
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from .cpu import usable_cores

MAX_THREADS = 64
VARIABLE = "BNNC_THREADS"
"""The environment variable that says how many threads a model has where the caller does not."""
_ALIGNMENT = 64
_STACK = 1 << 18
"""Bytes of a worker's stack: Python needs most of it, and musl gives less by itself."""


@dataclass(frozen=True)
class PoolFunctions:
    """The pool's functions in a library; ``parallel_for`` is an address.

    ``keep`` keeps the library loaded for the life of the process.
    """

    nbytes: int
    init: Callable[[int, int], None]
    work: Callable[[int, int], None]
    parallel_for: int
    keep: Callable[[], object]


class _Pool(ctypes.Structure):
    """``P_pool`` of the C interface."""

    _fields_ = (("workers", ctypes.c_void_p), ("threads", ctypes.c_int64))


def thread_count(threads: object, where: str) -> int:
    """The number of threads that ``threads`` asks for: 0 means one per core this process may use,
    None what the environment says, 1 where it says nothing.

    InputError for anything but 0 to MAX_THREADS, and where the cores cannot be told.
    """
    wanted = threads
    if threads is None:
        where, wanted = "the environment", os.environ.get(VARIABLE) or "1"
        wanted = int(wanted) if re.fullmatch("[0-9]{1,9}", wanted, re.ASCII) else wanted
    try:
        number = -1 if isinstance(wanted, bool) else operator.index(wanted)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if not 0 <= number <= MAX_THREADS:
        name = VARIABLE if threads is None else "threads"
        raise InputError(
            f"{where}: {name}: expected 1 to {MAX_THREADS}, or 0 for all cores, got {wanted!r}"
        )
    return number or min(MAX_THREADS, usable_cores())


class _Workers:
    """The threads of a process and the memory in which they meet."""

    def __init__(self, functions: PoolFunctions) -> None:
        self.functions = functions
        self.count = 0
        self._lock = threading.Lock()
        self._complete = False
        libc = ctypes.CDLL(None)
        allocate: Any = libc.aligned_alloc
        allocate.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
        allocate.restype = ctypes.c_void_p
        address: int | None = allocate(_ALIGNMENT, -(-functions.nbytes // _ALIGNMENT) * _ALIGNMENT)
        if address is None:
            raise InputError(f"threads: no {functions.nbytes} bytes of memory for them")
        self.address = address
        functions.keep()
        functions.init(address, ctypes.cast(libc.syscall, ctypes.c_void_p).value or 0)

    def grow(self, count: int) -> None:
        """Start threads until there are ``count``, or as many as the system gives.

        The result of a run does not depend on how many there are.
        """
        with self._lock, _stack_size(_STACK):
            while self.count < count and not self._complete:
                index = self.count + 1
                worker = threading.Thread(
                    target=self.functions.work,
                    args=(self.address, index),
                    name=f"bnnc-{index}",
                    daemon=True,
                )
                try:
                    worker.start()
                except RuntimeError:  # no more threads, or the interpreter exits
                    self._complete = True
                    return
                self.count = index

    def lacks(self, count: int) -> bool:
        """Whether `grow` would start threads."""
        return self.count < count and not self._complete


@contextmanager
def _stack_size(nbytes: int) -> Generator[None]:
    """Sets the stack size of threads that start inside the ``with`` block."""
    before = threading.stack_size(nbytes)
    try:
        yield
    finally:
        threading.stack_size(before)


class _Process:
    """The workers of this process, once there are some."""

    workers: _Workers | None = None
    lock = threading.Lock()


def _forget() -> None:
    """In a forked child: its threads are gone, its locks may be held."""
    _Process.lock = threading.Lock()
    _Process.workers = None


@functools.cache
def _watch_forks() -> None:
    os.register_at_fork(after_in_child=_forget)


class Team:
    """The threads of one model's runs: up to ``threads``, the caller's among them."""

    def __init__(self, threads: int, functions: PoolFunctions) -> None:
        self._functions = functions
        self._threads = threads
        self._workers: _Workers | None = None
        self._pool = _Pool(None, threads)

    def callback(self) -> tuple[int, int]:
        """``parallel_for`` and ``pool`` for the arguments of a run."""
        workers = _Process.workers
        if workers is None or workers is not self._workers or workers.lacks(self._threads - 1):
            workers = self._join()
        return workers.functions.parallel_for, ctypes.addressof(self._pool)

    def _join(self) -> _Workers:
        _watch_forks()
        with _Process.lock:
            workers = _Process.workers
            if workers is None:
                workers = _Process.workers = _Workers(self._functions)
        workers.grow(self._threads - 1)
        self._pool.workers = workers.address
        self._workers = workers
        return workers
