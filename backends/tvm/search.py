"""MetaSchedule's search for the decisions of a kernel's schedule.

A kernel's plan asks `Knobs` for its decisions; here they are sampled, so that MetaSchedule draws
schedules, learns from those that were measured (with a gradient-boosted cost model), and proposes
the next. What was measured is kept in its database, by kernel and shape: a search that was broken
off goes on where it was. Candidates run here, as the machine code that an artifact would hold, or
on a board behind an RPC tracker, in TVM's own runtime.
"""

from __future__ import annotations

import ctypes
import math
import socket
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import tvm
from tvm import rpc, s_tir
from tvm.s_tir import meta_schedule

from ...errors import BackendError
from ...ir import Array, Node, Op, Value
from ...ir.ops import Const
from ..base import Choice, Params, SearchLimits
from ..codegen.kernel import Job
from ..codegen.machine import optimize
from ..targets import Target
from .function import function_of, tvm_target
from .kernel import TensorKernel
from .program import Program

_ROUND = 8
"""Candidates that are measured before the cost model learns from them."""
_REPEATS = 5
_LEAST_SECONDS = 0.005
"""Of one measurement."""
_SESSION_SECONDS = 60
_ANSWER_SECONDS = 5
ms: Any = meta_schedule

Measure = Callable[[Any], "list[float]"]
"""Seconds of a scheduled module, several times."""


@dataclass
class Sampled:
    """Decisions as random variables of a schedule; remembers what was asked."""

    schedule: Any
    asked: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)

    def pick(self, name: str, values: Sequence[int]) -> Any:
        """A variable that takes each value with the same probability."""
        self.asked.append((name, tuple(values)))
        return self.schedule.sample_categorical(list(values), [1 / len(values)] * len(values))


@dataclass(frozen=True)
class Search:
    """Searches for one target; ``folder`` holds the database, None keeps it in memory alone."""

    kernels: Mapping[str, TensorKernel]
    target: Target
    limits: SearchLimits
    folder: Path | None
    say: Callable[[str], None]

    @cached_property
    def database(self) -> Any:
        """What was measured."""
        if self.folder is None:
            return ms.database.MemoryDatabase()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return ms.database.JSONDatabase(work_dir=str(self.folder))
        except (OSError, RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            message = f"{self.folder}: cannot keep what tuning measures: {reason}"
            raise BackendError(message) from error

    def __call__(self, op: Op, kernel: str, constants: Mapping[Value, Const], title: str) -> Params:
        """The best decisions found within the limits, none where there is nothing to decide."""
        results = tuple(Value(f"y{i}", type_) for i, type_ in enumerate(op.infer()))
        arrays = {value: held.array for value, held in constants.items()}
        job = Job(Node(op, results), Choice(kernel), self.target, arrays, _no_code, _no_code)
        return self._decisions(self.kernels[kernel], job, title)

    def _decisions(self, kernel: TensorKernel, job: Job, title: str) -> Params:
        program = kernel.write(job)
        module = tvm.IRModule({"main": program.function.with_attr("global_symbol", "main")})
        probe = Sampled(s_tir.Schedule(module))
        kernel.plan(probe.schedule, probe, program)
        if not any(len(values) > 1 for _, values in probe.asked):
            return {}
        workload = self.database.commit_workload(module)
        done = len(self.database.get_top_k(workload, 1 << 20))
        wanted = min(self.limits.trials, math.prod(len(values) for _, values in probe.asked)) - done
        if wanted > 0:
            self._search(kernel, program, module, workload, (done, wanted), title)
        best = self.database.get_top_k(workload, 1)
        if not best:
            return {}
        places = [int(place) for place in _decided(best[0].trace)]
        return {
            name: values[place]
            for (name, values), place in zip(probe.asked, places, strict=True)
            if len(values) > 1
        }

    def _search(
        self,
        kernel: TensorKernel,
        program: Program,
        module: Any,
        workload: Any,
        trials: tuple[int, int],
        title: str,
    ) -> None:
        def plan(schedule: Any) -> None:
            kernel.plan(schedule, Sampled(schedule), program)

        context = ms.TuneContext(
            module,
            target=_counted(self.target),
            space_generator=ms.space_generator.ScheduleFn(
                plan, sch_rules=[], postprocs=[], mutator_probs={}
            ),
            search_strategy=ms.search_strategy.EvolutionarySearch(
                population_size=64, init_min_unmeasured=_ROUND, genetic_num_iters=1
            ),
            task_name=kernel.descriptor.name,
            rand_state=1,
            num_threads=1,
        )
        model = ms.cost_model.XGBModel(num_tuning_cores=1, tree_method="hist")
        (done, wanted), end = trials, time.monotonic() + self.limits.seconds
        context.pre_tuning(wanted, _ROUND, context.generate_design_space(), self.database, model)
        with ExitStack() as stack:
            measure = self._measure(program, stack)
            tried, best = 0, float("inf")
            while tried < wanted and time.monotonic() < end:
                candidates = context.generate_measure_candidates()
                if not candidates:
                    break
                results = [self._tried(measure, candidate) for candidate in candidates]
                for candidate, seconds in zip(candidates, results, strict=True):
                    record = ms.database.TuningRecord(
                        candidate.sch.trace, workload, seconds, context.target, candidate.args_info
                    )
                    self.database.commit_tuning_record(record)
                    best = min(best, *seconds)
                tried += len(candidates)
                self.say(f"tuning: {title}, {done + tried} schedules, best {best * 1e6:.1f} us")
                told = [ms.runner.RunnerResult(seconds, None) for seconds in results]
                model.update(context, candidates, told)
                context.notify_runner_results(candidates, told)
        context.post_tuning()

    def _tried(self, measure: Measure, candidate: Any) -> list[float]:
        """Seconds; those of a schedule that cannot be built are endless, as MetaSchedule has it."""
        try:
            return measure(candidate.sch.mod)
        except (RuntimeError, ValueError, BackendError):
            return [1e10]

    def _measure(self, program: Program, stack: ExitStack) -> Measure:
        if self.limits.tracker is None:
            return lambda module: measure_here(module, program, self.target)
        session = connect(self.limits.tracker)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        return lambda module: measure_there(module, program, self.target, session, folder)


def _no_code(*_: Any) -> Any:
    raise BackendError("internal: a search writes no code")


def _decided(trace: Any) -> list[Any]:
    """The decisions of a trace, in the order in which they were taken."""
    return [trace.decisions[one] for one in trace.insts if one in trace.decisions]


def _counted(target: Target) -> Any:
    """The target with the number of its cores, which MetaSchedule wants to know."""
    held = dict(tvm_target(target).export())
    kept = {name: held[name] for name in ("kind", "mtriple", "mcpu", "mattr")}
    return tvm.target.Target({**kept, "num-cores": 1})


# --- measuring --------------------------------------------------------------------------------


def operands(program: Program) -> list[Array]:
    """Arrays for the buffers of a function: its data, and random values."""
    random = np.random.default_rng(0)
    return [
        _random(buffer, random) if isinstance(held, Value) else _plain(held)
        for buffer, held in zip(program.buffers, program.held, strict=True)
    ]


def _random(buffer: Any, random: np.random.Generator) -> Array:
    shape, dtype = [int(size) for size in buffer.shape], np.dtype(str(buffer.dtype))
    if dtype.kind == "f":
        return random.standard_normal(shape).astype(dtype)
    return random.integers(0, 256, (*shape, dtype.itemsize), np.uint8).view(dtype)[..., 0].copy()


def _plain(array: Array) -> Array:
    """As TVM's buffers have it: truths are bytes."""
    return array.view(np.int8) if array.dtype.kind == "b" else array


def measure_here(module: Any, program: Program, target: Target) -> list[float]:
    """Least seconds of a call, on this machine, of the code that an artifact would hold."""
    function = function_of(module, target)
    name, count = function.foreign.name, len(program.held)
    types = ", ".join(["ptr"] * count + ["i64", "i64"])
    given = ", ".join([*(f"ptr %a{i}" for i in range(count)), "i64 %first", "i64 %last"])
    text = f"""target triple = "{target.triple}"
declare void @{name}({types})
define void @measured({given}) {{
  call void @{name}({given})
  ret void
}}"""
    held, machine = optimize(text, target, {name: function.foreign.text})
    arrays = operands(program)
    with llvm.create_mcjit_compiler(held, machine) as engine:
        engine.finalize_object()
        types_ = [ctypes.c_void_p] * count + [ctypes.c_int64] * 2
        call = ctypes.CFUNCTYPE(None, *types_)(engine.get_function_address("measured"))
        arguments = [*(a.ctypes.data for a in arrays), 0, function.tasks]
        return [min(_timed(call, arguments) for _ in range(_REPEATS))]


def _timed(call: Any, arguments: Sequence[int]) -> float:
    """Mean seconds of as many calls as take a while."""
    calls = 1
    while True:
        start = time.perf_counter()
        for _ in range(calls):
            call(*arguments)
        seconds = time.perf_counter() - start
        if seconds >= _LEAST_SECONDS:
            return seconds / calls
        calls = max(calls + 1, int(calls * 1.2 * _LEAST_SECONDS / max(seconds, 1e-7)))


def connect(tracker: str) -> Any:
    """A session on a free board of an RPC tracker, ``HOST:PORT/KEY``; waits while all are busy."""
    address, _, key = tracker.partition("/")
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal() and int(port) < 1 << 16 and key):
        raise BackendError(f"tracker {tracker!r}: expected HOST:PORT/KEY")
    try:
        # TVM would try again for a minute.
        socket.create_connection((host, int(port)), _ANSWER_SECONDS).close()
        held: Any = rpc.connect_tracker(host, int(port))
        boards, end = _boards(held), time.monotonic() + _ANSWER_SECONDS
        while key not in boards and time.monotonic() < end:  # it may be about to register
            time.sleep(0.1)
            boards = _boards(held)
        if key not in boards:
            known = ", ".join(sorted(set(boards))) or "none"
            raise BackendError(f"tracker {tracker}: no board {key!r}; it knows {known}")
        return held.request(key, session_timeout=_SESSION_SECONDS)
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise BackendError(f"tracker {tracker}: {reason}") from error


def _boards(tracker: Any) -> list[str]:
    """Keys of the boards that a tracker knows, one for each."""
    return [one["key"].removeprefix("server:") for one in tracker.summary()["server_info"]]


def measure_there(
    module: Any, program: Program, target: Target, session: Any, folder: Path
) -> list[float]:
    """Seconds of a call on a board, compiled by TVM and run in its runtime."""
    path = folder / "candidate.tar"
    built: Any = tvm.compile(module, target=tvm_target(target))
    built.export_library(str(path))
    session.upload(str(path))
    device = session.cpu(0)
    arrays = [tvm.runtime.tensor(a, device) for a in operands(program)]
    timer = session.load_module(path.name).time_evaluator(
        "main", device, number=3, repeat=_REPEATS, min_repeat_ms=5
    )
    return [float(seconds) for seconds in timer(*arrays).results]
