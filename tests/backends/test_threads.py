"""The pool of an artifact: which thread does what, on tasks written in Python, and random networks.

The memory is the pool's own; the workers are threads of Python, which enter it through ctypes.
"""

from __future__ import annotations

import ctypes
import platform
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from ir_support import random_inputs
from library_support import Library, scheduled
from random_graphs import networks

from bnnc.backends.codegen.threads import OFFSETS, pool_functions
from bnnc.backends.cost_model import PredictedCost
from bnnc.backends.targets import TARGETS, native
from bnnc.driver import load_backend
from bnnc.ir import Graph, interpret
from bnnc.passes import Context, pipelines, run_passes

TASK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
PATIENCE = 60.0
"""Seconds after which a test that waits for another thread has failed."""
Body = Callable[[int, int], object]

IDENTITY = """
graph @identity scheduled {
  input %x: f32[N,4]
  %y = relayout(%x) layout=row : f32[N,4]
  output %y as "y"
}
"""


class Pool:
    """The pool of a library, with workers."""

    def __init__(self, handle: ctypes.CDLL, threads: int) -> None:
        self.handle = handle
        handle.test_pool_bytes.restype = ctypes.c_uint64
        size = handle.test_pool_bytes()
        self._memory = np.zeros(size + 64, np.uint8)
        self.workers = self._memory.ctypes.data + -self._memory.ctypes.data % 64
        handle.test_pool_init(
            ctypes.c_void_p(self.workers), ctypes.cast(ctypes.CDLL(None).syscall, ctypes.c_void_p)
        )
        self.threads = [
            threading.Thread(target=self._work, args=(index,), daemon=True)
            for index in range(1, threads)
        ]
        for thread in self.threads:
            thread.start()
        present = ctypes.c_int32.from_address(self.workers + OFFSETS["PRESENT"])
        until(lambda: present.value == threads - 1)
        self.settings = np.array([self.workers, threads], np.int64)

    def _work(self, index: int) -> None:
        self.handle.test_pool_work(ctypes.c_void_p(self.workers), ctypes.c_int64(index))

    def share(
        self, body: Body, count: int, unit: int = 1, threads: int | None = None, worth: int = 64
    ) -> None:
        """``parallel_for`` over ``body(begin, end)``, in pieces of ``unit`` tasks at least; the
        work is ``worth`` so many threads."""
        settings = self.settings.copy()
        settings[1] = len(self.threads) + 1 if threads is None else threads
        frame = np.array([worth, unit, 1], np.int64)
        errors: list[Exception] = []

        def call(_frame: int, begin: int, end: int) -> None:
            try:
                body(begin, end)
            except (AssertionError, threading.BrokenBarrierError) as error:
                errors.append(error)

        task = TASK(call)
        self.run(settings.ctypes.data, ctypes.cast(task, ctypes.c_void_p), frame[2:], count)
        if errors:
            raise errors[0]

    def run(self, pool: int, task: ctypes.c_void_p, frame: np.ndarray, count: int) -> None:
        """``pool_for`` itself."""
        self.handle.test_pool_for(
            ctypes.c_void_p(pool), task, ctypes.c_void_p(frame.ctypes.data), ctypes.c_int64(count)
        )

    def stop(self) -> None:
        """Make the workers return, and wait for that."""
        self.handle.test_pool_stop(ctypes.c_void_p(self.workers))
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()


def until(condition: Callable[[], bool]) -> None:
    """Wait for other threads."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


@contextmanager
def pool_of(threads: int) -> Generator[Pool]:
    pool = Pool(Library(scheduled(IDENTITY), native()).handle, threads)
    try:
        yield pool
    finally:
        pool.stop()


@pytest.mark.parametrize("threads", [1, 2, 3, 9, 64])
def test_every_task_is_done_once(threads: int) -> None:
    with pool_of(threads) as pool:
        for count in (0, 1, 2, 3, 7, 64, 1000):
            done: list[int] = []
            pool.share(lambda begin, end, done=done: done.extend(range(begin, end)), count)
            assert sorted(done) == list(range(count))


def test_workers_help() -> None:
    """Four tasks that wait for one another: four threads."""
    with pool_of(4) as pool:
        meeting = threading.Barrier(4, timeout=PATIENCE)
        pool.share(lambda begin, end: [meeting.wait() for _ in range(begin, end)], 4)


def test_a_call_uses_as_many_threads_as_it_may() -> None:
    with pool_of(4) as pool:
        for threads in (1, 2, 3):
            seen: set[int] = set()
            for _ in range(50):
                pool.share(
                    lambda b, e, seen=seen: seen.add(threading.get_native_id()), 16, 1, threads
                )
            assert len(seen) <= threads
            assert threading.get_native_id() in seen


def test_small_work_stays_on_its_thread_in_one_piece() -> None:
    with pool_of(3) as pool:
        pieces: list[tuple[int, int, int]] = []
        pool.share(lambda b, e: pieces.append((b, e, threading.get_native_id())), 10, unit=6)
        assert pieces == [(0, 10, threading.get_native_id())]
        pieces.clear()
        pool.share(lambda b, e: pieces.append((b, e, threading.get_native_id())), 10, worth=1)
        assert pieces == [(0, 10, threading.get_native_id())]
        pieces.clear()
        pool.share(lambda b, e: pieces.append((b, e, 0)), 1000, unit=100)
        assert max(e - b for b, e, _ in pieces) <= 250
        assert len(pieces) <= 15


def test_a_second_caller_is_alone_and_the_workers_step_aside() -> None:
    """While another caller runs, two threads run: those two."""
    with pool_of(2) as pool:
        owner, other = threading.get_native_id(), threading.Event()
        helped, finished, alone = threading.Event(), threading.Event(), list[tuple[int, int]]()
        doers: Counter[str] = Counter()

        def mine(begin: int, end: int) -> None:
            if threading.get_native_id() != owner:
                doers["worker"] += 1
                helped.set()
                assert other.wait(PATIENCE)  # the second caller is there before this piece ends
            else:
                assert other.wait(PATIENCE)
                doers["owner"] += 1

        def theirs(begin: int, end: int) -> None:
            alone.append((begin, end))
            other.set()
            assert finished.wait(PATIENCE)

        def second() -> None:
            assert helped.wait(PATIENCE)
            pool.share(theirs, 8)

        thread = threading.Thread(target=second)
        thread.start()
        pool.share(mine, 100)
        finished.set()
        thread.join(PATIENCE)
        assert alone == [(0, 8)]
        assert doers["worker"] == 1
        assert doers["owner"] >= 4


def test_sleeping_workers_come_back() -> None:
    with pool_of(3) as pool:
        for _ in range(5):
            meeting = threading.Barrier(3, timeout=PATIENCE)
            pool.share(lambda b, e, m=meeting: [m.wait() for _ in range(b, e)], 3)
            threading.Event().wait(0.01)  # long beside the time that they spin


def test_workers_take_over_the_rounding_mode() -> None:
    """Subnormal numbers flushed to zero, where the caller has it so."""
    at, bits = {"x86_64": (7, 0x8040), "aarch64": (0, 1 << 24)}[platform.machine()]
    library = ctypes.CDLL("libm.so.6")
    tiny, half = np.array([1e-39], np.float32), np.float32(0.5)
    results: list[float] = []
    with pool_of(2) as pool:
        meeting = threading.Barrier(2, timeout=PATIENCE)

        def body(begin: int, end: int) -> None:
            meeting.wait()
            results.append(float((tiny * half)[0]))

        before = (ctypes.c_uint32 * 8)()
        assert library.fegetenv(before) == 0
        flushed = (ctypes.c_uint32 * 8)(*before)
        flushed[at] |= bits
        for environment, expected in ((flushed, True), (before, False)):
            results.clear()
            library.fesetenv(environment)
            pool.share(body, 2)
            library.fesetenv(before)
            assert [value == 0 for value in results] == [expected] * 2


@settings(max_examples=10, suppress_health_check=list(HealthCheck), deadline=None)
@given(graph=networks(dyadic=False))
def test_results_do_not_depend_on_threads(backend: str, graph: Graph) -> None:
    """Every task in a piece of its own, whatever it is worth; where there is scratch for fewer
    threads, they wait for one another."""
    target = native()
    costs = PredictedCost(target, load_backend(backend).kernels)
    graph = run_passes(graph, pipelines.default(), Context(costs))
    library = Library(graph, target, backend=backend)
    inputs = random_inputs(graph, 3, 7)
    expected = library.run(inputs, 3)
    pool = Pool(library.handle, 3)

    def share(task: int, frame: int, count: int) -> None:
        words = np.ctypeslib.as_array((ctypes.c_int64 * 3).from_address(frame - 16))
        words[:2] = 64, 1
        pool.run(pool.settings.ctypes.data, ctypes.c_void_p(task), words[2:], count)

    try:
        for threads in (3, 3, 3, 2, 1):
            got = library.run(inputs, 3, share=share, threads=threads)
            for name, array in expected.items():
                np.testing.assert_array_equal(got[name], array)
    finally:
        pool.stop()


@pytest.mark.parametrize("name", TARGETS)
def test_the_pool_is_there_for_every_target(name: str) -> None:
    text = pool_functions(TARGETS[name], "p_")
    assert "cmpxchg" in text
    assert "$" not in text


def test_elsewhere_calls_are_alone() -> None:
    """No pause, clock or system call is known there."""
    for triple in ("x86_64-pc-windows-msvc", "riscv64-unknown-linux-gnu"):
        text = pool_functions(replace(TARGETS["x86-64-v2"], triple=triple), "p_")
        assert "cmpxchg" not in text
        assert text.count("define void @p_pool_") == 4


SIGN = "bits<1;-1,1>"
LINE = f"""
graph @line scheduled {{
  input %x: f32[N,256,9]
  %w = const() data=random(1) element={SIGN} : {SIGN}[330,256,3]
  %u = const() data=random(2) element=f32 : f32[200,330,3]
  %b = fused([%x]) kernel="pointwise" {{
    (%x: f32[N,256,9])
    %r = binarize(%x) zero=1 : {SIGN}[N,256,9]@words
    yield %r
  }} : {SIGN}[N,256,9]@words
  %y = fused([%b, %w]) kernel="binary_conv" {{
    (%b: {SIGN}[N,256,9]@words, %w: {SIGN}[330,256,3])
    %c = binary_conv(%b, %w) strides=[1] pads=[1,1] dilations=[1] groups=1 : i32[N,330,9]@nhwc
    %f = cast(%c) to=f32 : f32[N,330,9]@nhwc
    yield %f
  }} : f32[N,330,9]@nhwc
  %z = fused([%y, %u]) kernel="conv" {{
    (%y: f32[N,330,9]@nhwc, %u: f32[200,330,3])
    %d = conv(%y, %u, none) strides=[1] pads=[1,1] dilations=[1] groups=1 : f32[N,200,9]@nhwc
    yield %d
  }} : f32[N,200,9]@nhwc
  %o = relayout(%z) layout=row : f32[N,200,9]
  %s = relayout(%y) layout=row : f32[N,330,9]
  output %o as "o"
  output %s as "s"
}}
"""


@pytest.mark.parametrize("batch", [1, 3])
def test_layers_of_one_row_have_stripes_of_channels(batch: int) -> None:
    graph = scheduled(LINE)
    library, inputs = Library(graph, native()), random_inputs(graph, batch, 1)
    expected, counts = interpret(graph, inputs), list[int]()

    def share(task: int, frame: int, count: int) -> None:
        counts.append(count)
        run = TASK(task)
        for index in reversed(range(count)):
            run(frame, index, index + 1)

    got = library.run(inputs, batch, share=share)
    np.testing.assert_array_equal(got["s"], expected["s"])
    np.testing.assert_allclose(got["o"], expected["o"], rtol=1e-4, atol=1e-2)
    np.testing.assert_array_equal(got["o"], library.run(inputs, batch)["o"])
    assert counts[1:3] == [3 * batch, 2 * batch]
