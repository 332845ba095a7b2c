"""MetaSchedule's search for the decisions of a kernel's schedule.

A kernel's plan asks `Knobs` for its decisions; here they are sampled, so that MetaSchedule draws
schedules, learns from those that were measured (with a gradient-boosted cost model), and proposes
the next. What was measured is kept in a file (`search_records`), by the blocks of a layer: a search
that was broken off goes on where it was. Candidates run here, or on a board of an RPC tracker where
TVM's runtime calls them, as the machine code that an artifact would hold.
"""

from __future__ import annotations

import ctypes
import math
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
from tvm import s_tir
from tvm.s_tir import meta_schedule
from tvm.script.ir_builder import IRBuilder

from ...errors import BackendError
from ...ir import Array, Node, Op, Value
from ...ir.ops import Const
from ..codegen.constant_contents import Contents
from ..codegen.kernel_interface import Job
from ..codegen.llvm_pipeline import optimize
from ..interface import Choice, Params, SearchLimits
from ..targets import Target
from .board import Board, reason
from .prim_function import function_of, tvm_target
from .program import Program
from .search_records import Decisions, Record, Records, layer_of
from .tensor_kernel import TensorKernel
from .tir import T, tirx

_ROUND = 8
"""Candidates that are measured before the cost model learns from them."""
_REPEATS = 5
_LEAST_SECONDS = 0.005
"""Of one measurement."""
_ENDLESS = [1e10]
"""What MetaSchedule takes for a schedule that cannot be built."""
ms: Any = meta_schedule

Measure = Callable[[Any], "list[float]"]
"""Seconds of a scheduled module, once or more."""


@dataclass
class Sampled:
    """Decisions as random variables of a schedule, those in ``decided`` with their values;
    remembers what was asked."""

    schedule: Any
    decided: Mapping[str, int] = field(default_factory=dict[str, int])
    asked: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)

    def pick(self, name: str, values: Sequence[int]) -> Any:
        """A variable that takes each value with the same probability."""
        self.asked.append((name, tuple(values)))
        place = values.index(self.decided[name]) if name in self.decided else None
        even = [1 / len(values)] * len(values)
        return self.schedule.sample_categorical(list(values), even, decision=place)


@dataclass(frozen=True)
class Layer:
    """A layer that is searched."""

    title: str
    kernel: TensorKernel
    program: Program
    module: Any

    @cached_property
    def key(self) -> str:
        """What its records go by."""
        return layer_of(self.module.script())

    def scheduled(self, decided: Mapping[str, int] | None = None) -> Sampled:
        """Its plan with decisions, or with random ones."""
        sampled = Sampled(s_tir.Schedule(self.module), decided or {})
        self.kernel.plan(sampled.schedule, sampled, self.program)
        return sampled

    @cached_property
    def asked(self) -> list[tuple[str, tuple[int, ...]]]:
        """What its plan asks."""
        return self.scheduled().asked

    def decisions(self, trace: Any) -> Decisions:
        """What was decided in a trace."""
        places = [trace.decisions[one] for one in trace.insts if one in trace.decisions]
        pairs = zip(self.asked, places, strict=True)
        return {name: values[int(place)] for (name, values), place in pairs}


class Context(ms.TuneContext):
    """A search, but without the intrinsics of accelerators, which TVM takes half a minute to load
    for every context and no kernel of ours has."""

    def __init__(self, layer: Layer, target: Any) -> None:
        def plan(schedule: Any) -> None:
            layer.kernel.plan(schedule, Sampled(schedule), layer.program)

        space = ms.space_generator.ScheduleFn(plan, sch_rules=[], postprocs=[], mutator_probs={})
        strategy = ms.search_strategy.EvolutionarySearch(
            population_size=64, init_min_unmeasured=_ROUND, genetic_num_iters=1
        )
        threads, seed, name = 1, 1, layer.kernel.descriptor.name
        self.__init_handle_by_constructor__(
            tvm.get_global_func("s_tir.meta_schedule.TuneContext"),
            *(layer.module, target, space, strategy, name, threads, seed, _quiet),
        )
        tvm.get_global_func("s_tir.meta_schedule.TuneContextInitialize")(self)


@dataclass(frozen=True)
class Search:
    """Searches for one target, on this machine or on a board; ``folder`` holds what is measured,
    None keeps it only in memory."""

    kernels: Mapping[str, TensorKernel]
    target: Target
    limits: SearchLimits
    folder: Path | None
    say: Callable[[str], None]
    board: Board | None

    @cached_property
    def records(self) -> Records:
        """What was measured."""
        return Records(self.folder)

    def __call__(self, op: Op, kernel: str, constants: Mapping[Value, Const], title: str) -> Params:
        """The best decisions found within the limits, none where there is nothing to decide."""
        results = tuple(Value(f"y{i}", type_) for i, type_ in enumerate(op.infer()))
        arrays = {value: const.array for value, const in constants.items()}
        job = Job(Node(op, results), Choice(kernel), self.target, arrays, _no_code, _no_code)
        implementation = self.kernels[kernel]
        program = implementation.write(job)
        module = tvm.IRModule({"main": program.function.with_attr("global_symbol", "main")})
        layer = Layer(title, implementation, program, module)
        open_ = {name for name, values in layer.asked if len(values) > 1}
        if not open_:
            return {}
        done = self.records.of(layer.key, layer.asked)
        there = math.prod(len(values) for _, values in layer.asked)
        wanted = min(self.limits.trials, there) - len(done)
        if wanted > 0:
            self._search(layer, done, wanted)
        records = self.records.of(layer.key, layer.asked)
        if not records:
            return {}
        best = min(records, key=lambda record: min(record.seconds))
        return {name: value for name, value in best.decisions.items() if name in open_}

    def _search(self, layer: Layer, done: Sequence[Record], wanted: int) -> None:
        end = time.monotonic() + self.limits.seconds
        target = _counted(self.target)
        context = Context(layer, target)
        database = ms.database.MemoryDatabase()
        workload = database.commit_workload(layer.module)

        def learned(trace: Any, seconds: Sequence[float], about: Any) -> None:
            database.commit_tuning_record(
                ms.database.TuningRecord(trace, workload, list(seconds), target, about)
            )

        about = ms.arg_info.ArgInfo.from_entry_func(layer.module)
        for record in done:
            learned(layer.scheduled(record.decisions).schedule.trace, record.seconds, about)
        model = ms.cost_model.XGBModel(num_tuning_cores=1, tree_method="hist")
        context.pre_tuning(wanted, _ROUND, context.generate_design_space(), database, model)
        tried, best = 0, min((min(record.seconds) for record in done), default=math.inf)
        problem: str | None = None
        with ExitStack() as stack:
            measure = self._measure(layer.program, stack)
            while tried < wanted and time.monotonic() < end:
                candidates = context.generate_measure_candidates()
                if not candidates:
                    break
                times: list[list[float]] = []
                for candidate in candidates:
                    seconds, problem = self._tried(measure, candidate)
                    learned(candidate.sch.trace, seconds, candidate.args_info)
                    times.append(seconds)
                    if problem is None:
                        decisions = layer.decisions(candidate.sch.trace)
                        self.records.add(Record(layer.key, decisions, seconds))
                        best = min(best, *seconds)
                if all(seconds is _ENDLESS for seconds in times):
                    raise BackendError(f"{layer.title}: no schedule runs: {problem}")
                tried += len(candidates)
                number = len(done) + tried
                self.say(f"tuning: {layer.title}, {number} schedules, best {best * 1e6:.1f} us")
                told = [ms.runner.RunnerResult(seconds, None) for seconds in times]
                model.update(context, candidates, told)
                context.notify_runner_results(candidates, told)
        context.post_tuning()

    def _tried(self, measure: Measure, candidate: Any) -> tuple[list[float], str | None]:
        """Seconds; or infinity, and why a schedule cannot be measured."""
        try:
            return measure(candidate.sch.mod), None
        except (RuntimeError, ValueError, OSError, BackendError) as error:
            return _ENDLESS, reason(error)

    def _measure(self, program: Program, stack: ExitStack) -> Measure:
        board = self.board
        if board is None:
            return lambda module: measure_here(module, program, self.target)
        board.connect()  # before anything is measured, to say what is wrong with it
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        return lambda module: measure_there(module, program, self.target, board, folder)


def _quiet(*_: Any) -> None:
    """What MetaSchedule logs."""


def _no_code(*_: Any) -> Any:
    raise BackendError("internal: a search writes no code")


def _counted(target: Target) -> Any:
    """The target with the number of its cores, which MetaSchedule wants to know."""
    exported = dict(tvm_target(target).export())
    kept = {name: exported[name] for name in ("kind", "mtriple", "mcpu", "mattr")}
    return tvm.target.Target({**kept, "num-cores": 1})


# --- measuring --------------------------------------------------------------------------------


def operands(program: Program) -> list[Array]:
    """Arrays for the buffers of a function: its data, and random values."""
    random = np.random.default_rng(0)
    reading = program.job.reading

    def array(buffer: Any, slot: Value | Array | Contents[Array]) -> Array:
        if isinstance(slot, Value):
            return _random(buffer, random)
        return reading.of(slot) if isinstance(slot, Contents) else slot

    return [array(*each) for each in zip(program.buffers, program.slots, strict=True)]


def _random(buffer: Any, random: np.random.Generator) -> Array:
    shape, dtype = [int(size) for size in buffer.shape], np.dtype(str(buffer.dtype))
    if dtype.kind == "f":
        return random.standard_normal(shape).astype(dtype)
    return random.integers(0, 256, (*shape, dtype.itemsize), np.uint8).view(dtype)[..., 0].copy()


@dataclass(frozen=True)
class Built:
    """``int measured(ptr .., int64_t first, int64_t last)``, a schedule's optimized code."""

    module: llvm.ModuleRef
    machine: llvm.TargetMachine
    tasks: int


def built(module: Any, program: Program, target: Target) -> Built:
    """The code of a scheduled module as an artifact would hold it."""
    function = function_of(module, target)
    name, count = function.foreign.name, len(program.slots)
    types = ", ".join(["ptr"] * count + ["i64", "i64", "ptr"])
    given = ", ".join([*(f"ptr %a{i}" for i in range(count)), "i64 %first", "i64 %last"])
    text = f"""target triple = "{target.triple}"
declare void @{name}({types})
define i32 @measured({given}) {{
  %scratch = alloca [{function.scratch} x i8], align 64
  call void @{name}({given}, ptr %scratch)
  ret i32 0
}}"""
    return Built(*optimize(text, target, {name: function.foreign.text}), function.tasks)


def measure_here(module: Any, program: Program, target: Target) -> list[float]:
    """The least of some mean times of a call on this machine, in seconds."""
    code = built(module, program, target)
    arrays = operands(program)
    with llvm.create_mcjit_compiler(code.module, code.machine) as engine:
        engine.finalize_object()
        types = [ctypes.c_void_p] * len(arrays) + [ctypes.c_int64] * 2
        call = ctypes.CFUNCTYPE(ctypes.c_int, *types)(engine.get_function_address("measured"))
        arguments = [*(a.ctypes.data for a in arrays), 0, code.tasks]
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


def measure_there(
    module: Any, program: Program, target: Target, board: Board, folder: Path
) -> list[float]:
    """Mean seconds of some calls on a board, several times, from a function of TVM's that passes
    the addresses on. Each has a session of its own: within one the board would load the first
    library again and again."""
    code = built(module, program, target)
    path, object_ = folder / "candidate.tar", folder / "measured.o"
    object_.write_bytes(code.machine.emit_object(code.module))
    with IRBuilder() as builder, T.prim_func(s_tir=True):
        T.func_name("main")
        for buffer in program.buffers:
            T.arg(buffer.name, buffer)
        bounds = tirx.const(0, "int64"), tirx.const(code.tasks, "int64")
        addresses = [buffer.data for buffer in program.buffers]
        T.evaluate(tirx.call_extern("int32", "measured", *addresses, *bounds))
    entry: Any = tvm.compile(tvm.IRModule({"main": builder.get()}), target=tvm_target(target))
    entry.export_library(str(path), addons=[str(object_)])
    session = board.connect()
    session.upload(str(path))
    device = session.cpu(0)
    arrays = [tvm.runtime.tensor(a, device) for a in operands(program)]
    timer = session.load_module(path.name).time_evaluator(
        "main", device, number=1, repeat=_REPEATS, min_repeat_ms=int(_LEAST_SECONDS * 1000)
    )
    return [float(seconds) for seconds in timer(*arrays).results]
